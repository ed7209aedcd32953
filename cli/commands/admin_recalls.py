"""`chairtime admin recall`: what patients come back for, who is due, and who is not asked for a while."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import lookup, output
from cli.commands.shared import Clinic, connect, names_of, some, type_ids
from cli.errors import usage_error
from cli.output import emit_row

if TYPE_CHECKING:
    from rich.console import RenderableType

    from cli.api import Api
    from cli.lookup import Row

recall_app = typer.Typer(no_args_is_help=True, help="Recall: what patients come back for, and who is due.")

_WORDS = ("name", "after_type_ids", "every", "book_type_id", "ask_before", "steps")


@recall_app.command("due")
def due(
    clinic: Clinic,
    until: Annotated[
        str | None,
        typer.Option(help="The last day: a date, today, tomorrow… Default: today.", show_default=False),
    ] = None,
) -> None:
    """List who is due and has no visit ahead, the longest due first: the list to call.

    Example: [bold]chairtime admin recall due riverside[/]
    """
    api = connect()
    where = lookup.find_clinic(api, clinic)
    last = lookup.parse_day(api, until, where).isoformat() if until else None
    output.emit(api.rpc("due_recalls", clinic_id=where["id"], until=last), _draw_due)


def _draw_due(rows: "list[Row]") -> "RenderableType":
    if not rows:
        return "Nobody is due."
    lines = (
        (
            row["due_on"],
            row["patient_name"],
            row["phone"] or row["email"],
            row["recall_type"],
            f"{row['asked']} times" if row["asked"] else "not yet",
            row["patient_id"],
        )
        for row in rows
    )
    return output.table(("Due", "Patient", "Reach", "For", "Asked", "Id"), lines)


@recall_app.command("list")
def list_types(clinic: Clinic) -> None:
    """List what a clinic's patients come back for.

    Example: [bold]chairtime admin recall list riverside[/]
    """
    api = connect()
    where = lookup.find_clinic(api, clinic)
    _show(api, where, _types(api, where))


@recall_app.command("type")
def set_type(
    *,
    clinic: Clinic,
    name: Annotated[str, typer.Argument(help="What it is called: Check-up.", show_default=False)],
    every: Annotated[
        str | None, typer.Option(help='How long after a visit: "6 months".', show_default=False)
    ] = None,
    after: Annotated[
        list[str] | None,
        typer.Option(help="After visits of this type; may be repeated.", show_default=False),
    ] = None,
    book: Annotated[
        str | None,
        typer.Option(help="What is booked then. Default: the first of --after.", show_default=False),
    ] = None,
    ask_before: Annotated[
        str | None,
        typer.Option(help='How long before the due date they are asked: "14 days".', show_default=False),
    ] = None,
    step: Annotated[
        list[str] | None,
        typer.Option(help="How long after that again; may be repeated.", show_default=False),
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Nobody comes back for this any more.")] = False,
) -> None:
    """Add something that patients come back for, change it, or remove it. Due dates follow from past visits.

    Example: [bold]chairtime admin recall type riverside "Cleaning" --after cleaning --every "6 months"[/]
    """
    api = connect()
    where = lookup.find_clinic(api, clinic)
    changes: dict[str, Any] = {
        "every": every,
        "after_type_ids": type_ids(api, where, after),
        "book_type_id": lookup.find_type(api, where, book)["id"] if book else None,
        "ask_before": ask_before,
        "steps": step,
    }
    wanted = {row["name"]: {word: row[word] for word in _WORDS} for row in _types(api, where)}
    if remove:
        if wanted.pop(name, None) is None:
            raise usage_error(
                f"nothing is called {name!r}", "`chairtime admin recall list` shows what there is."
            )
    else:
        given = {word: value for word, value in some(changes).items() if value is not None}
        wanted[name] = wanted.get(name, {"name": name}) | given
    _show(api, where, api.rpc("set_recall_types", clinic_id=where["id"], recall_types=list(wanted.values())))


def _types(api: "Api", clinic: "Row") -> "list[Row]":
    return [row for row in api.rows("recall_types", clinic_id=clinic["id"]) if row["is_active"]]


def _show(api: "Api", clinic: "Row", rows: "list[Row]") -> None:
    names = names_of(api, "appointment_types", clinic, "name")
    output.emit(sorted(rows, key=lambda row: str(row["name"])), lambda found: _draw_types(found, names))


def _draw_types(rows: "list[Row]", names: dict[str, str]) -> "RenderableType":
    lines = (
        (
            row["name"],
            f"{row['every']} after {', '.join(names.get(id_, id_) for id_ in row['after_type_ids'])}",
            names.get(row["book_type_id"]),
            f"{row['ask_before']} before, then after {', '.join(row['steps'])}",
            row["id"],
        )
        for row in rows
    )
    return output.table(("Name", "Due", "Book", "Asked", "Id"), lines)


@recall_app.command("set")
def set_recall(
    *,
    clinic: Clinic,
    patient: Annotated[
        str,
        typer.Argument(metavar="PATIENT", help="Name, phone, email, birth date or id.", show_default=False),
    ],
    recall: Annotated[
        str, typer.Argument(metavar="RECALL", help="What for: name, part of it, or id.", show_default=False)
    ],
    due_on: Annotated[
        str | None, typer.Option("--due", help="The day, until there is another visit.", show_default=False)
    ] = None,
    pause: Annotated[
        str | None, typer.Option(metavar="DAY", help="Nobody asks before that day.", show_default=False)
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Ask again.")] = False,
) -> None:
    """Say when a patient is due (without --due: as it is, or today), and until when nobody asks.

    Example: [bold]chairtime admin recall set riverside rosa check-up --pause 2199-01-01[/]
    """
    if pause and resume:
        raise usage_error("--pause or --resume?", "Give one of them.")
    api = connect()
    where = lookup.find_clinic(api, clinic)
    said = {
        "due_on": lookup.parse_day(api, due_on, where).isoformat() if due_on else None,
        **({"paused_until": lookup.parse_day(api, pause, where).isoformat()} if pause else {}),
        **({"paused_until": ""} if resume else {}),
    }
    row = api.rpc(
        "set_recall",
        patient_id=lookup.find_patient(api, where, patient)["id"],
        recall_type_id=lookup.find_one(_types(api, where), recall, "recall", ("name", "id"))["id"],
        **said,
    )
    emit_row("Set", row)
