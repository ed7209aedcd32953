"""`chairtime history` and `chairtime admin audit`: who did what, when, as what and through which door."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import lookup, output
from cli.commands.shared import Appointment, Clinic, connect, id_from, said

if TYPE_CHECKING:
    from datetime import datetime

    from rich.console import RenderableType

    from cli.lookup import Row

app = typer.Typer()


@app.command()
def history(appointment: Appointment) -> None:
    """Tell what was done to an appointment: by whom, when, and what it was before.

    Example: [bold]chairtime history ID[/]
    """
    api = connect()
    _, clinic = lookup.find_appointment(api, appointment)
    rows = api.rpc("appointment_history", appointment_id=appointment)
    clock = lookup.wall_times(api, clinic, (row["at"] for row in rows))
    output.emit(rows, lambda found: _draw(found, clock))


def audit(
    clinic: Clinic,
    of: Annotated[
        str | None,
        typer.Option(
            "--of",
            metavar="ID",
            help="Only of this patient, dentist, type…",
            show_default=False,
            callback=id_from("admin audit CLINIC"),
        ),
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(
            "--by",
            metavar="USER",
            help="Only by this login, by id.",
            show_default=False,
            callback=id_from("admin staff list CLINIC"),
        ),
    ] = None,
    limit: Annotated[int, typer.Option(help="At most so many, the newest first.", min=1, max=1000)] = 50,
) -> None:
    """List who changed what in a clinic: appointments, patients, staff, rules, hours, types.

    Nobody edits this log, and no way of writing goes around it.

    Example: [bold]chairtime admin audit riverside --limit 20[/]
    """
    api = connect()
    where = lookup.find_clinic(api, clinic)
    query = api.client.table("audit_log").select("*").eq("clinic_id", where["id"])
    query = query.eq("entity_id", of) if of else query
    query = query.eq("actor", by) if by else query
    rows = api.fetch(query.order("at", desc=True).order("id", desc=True).limit(limit))
    clock = lookup.wall_times(api, where, (row["at"] for row in rows))
    output.emit(rows, lambda found: _draw_log(found, clock))


def _draw(rows: "list[Row]", clock: "dict[str, datetime]") -> "RenderableType":
    lines = (
        (
            said(clock[row["at"]]),
            row["action"].replace("_", " "),
            row["actor_name"] or row["role"],
            f"{row['role']}, {row['via']}",
            _changes((name, *pair) for name, pair in row["changes"].items()),
        )
        for row in rows
    )
    return output.table(("When", "What", "Who", "As, through", "Changes"), lines)


def _draw_log(rows: "list[Row]", clock: "dict[str, datetime]") -> "RenderableType":
    if not rows:
        return "Nothing is known."
    lines = (
        (
            said(clock[row["at"]]),
            f"{row['action']} {row['entity']}\n{row['entity_id']}",
            f"{row['role']}, {row['via']}\n{row['actor'] or ''}",
            _changes((name, (row["before"] or {}).get(name), value) for name, value in _news(row).items()),
        )
        for row in rows
    )
    return output.table(("When", "What", "Who", "Changes"), lines)


def _news(row: "Row") -> dict[str, Any]:
    """Return what an update changed; what was inserted or deleted is shown by its id."""
    return dict(row["after"] or {}) if row["action"] == "update" else {}


def _changes(changes: Any) -> str:
    return "\n".join(
        f"{name.replace('_', ' ')}: {_word(before)} → {_word(after)}" for name, before, after in changes
    )


def _word(value: Any) -> str:
    return "nothing" if value is None else str(value)
