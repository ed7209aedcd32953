"""`chairtime admin dentist`: who leads visits or takes part in them, and what each of them does."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli import lookup, output
from cli.commands.admin_people import user_id
from cli.commands.shared import (
    Active,
    Clinic,
    Dentist,
    Keep,
    Name,
    connect,
    minutes,
    names_of,
    on_conflict,
    some,
    type_ids,
)
from cli.errors import usage_error
from cli.output import emit_row

if TYPE_CHECKING:
    from rich.console import RenderableType

    from cli.api import Api
    from cli.lookup import Row

dentist_app = typer.Typer(no_args_is_help=True, help="Dentists, hygienists and assistants.")

Specialty = Annotated[str | None, typer.Option(help="What they are best at.", show_default=False)]
Bio = Annotated[str | None, typer.Option(help="A few sentences for patients.", show_default=False)]
User = Annotated[str | None, typer.Option(help="Their account: id or email.", show_default=False)]
PROFESSIONS = "dentist, hygienist or assistant."


@dentist_app.command("list")
def list_dentists(clinic: Clinic) -> None:
    """List a clinic's dentists.

    Example: [bold]chairtime admin dentist list riverside[/]
    """
    api = connect()
    rows = api.rows("dentists", clinic_id=lookup.find_clinic(api, clinic)["id"])
    output.emit(sorted(rows, key=lambda row: str(row["full_name"])), _draw_dentists)


def _draw_dentists(rows: "list[Row]") -> "RenderableType":
    lines = ((row["full_name"], _calling(row), row["is_active"], row["id"]) for row in rows)
    return output.table(("Full name", "What they are", "Active", "Id"), lines)


def _calling(row: "Row") -> str:
    """Say the specialty, and the profession of who is no dentist."""
    profession = "" if row["profession"] == "dentist" else row["profession"]
    return ", ".join(filter(None, (profession, row["specialty"]))) or str(row["profession"])


@dentist_app.command("create")
def create_dentist(
    *,
    clinic: Clinic,
    name: Annotated[str, typer.Argument(help="Full name.", show_default=False)],
    profession: Annotated[str, typer.Option(help=PROFESSIONS)] = "dentist",
    leads: Annotated[
        list[str] | None,
        typer.Option(
            help="A type of visit they lead; may be repeated. Default: a dentist all, others none.",
            show_default=False,
        ),
    ] = None,
    specialty: Specialty = None,
    bio: Bio = None,
    user: User = None,
    same_as: Annotated[
        str | None,
        typer.Option(help="Who works at another clinic, too: name or id there.", show_default=False),
    ] = None,
) -> None:
    """Add a dentist, hygienist or assistant. `admin hours set` sets when they work.

    With --same-as they are one person in both clinics: booked at one, taken at the other.

    Example: [bold]chairtime admin dentist create riverside "Kim Sun" --profession assistant[/]
    """
    api = connect()
    where = lookup.find_clinic(api, clinic)
    row = api.rpc(
        "create_dentist",
        clinic_id=where["id"],
        full_name=name,
        profession=profession,
        appointment_type_ids=type_ids(api, where, leads),
        specialty=specialty,
        bio=bio,
        user_id=user_id(user) if user else None,
        dentist_id=_elsewhere(api, same_as) if same_as else None,
    )
    emit_row("Created", row)


def _elsewhere(api: "Api", name: str) -> str:
    everybody = {row["id"]: row for row in api.rows("dentists")}  # once, whose clinics are several
    found: str = lookup.find_one([*everybody.values()], name, "dentist", ("full_name", "id"))["id"]
    return found


@dentist_app.command("update")
def update_dentist(
    *,
    clinic: Clinic,
    dentist: Dentist,
    name: Name = None,
    profession: Annotated[str | None, typer.Option(help=PROFESSIONS, show_default=False)] = None,
    specialty: Specialty = None,
    bio: Bio = None,
    user: User = None,
    active: Active = None,
    keep: Keep = False,
) -> None:
    """Change what is given about a dentist. Who has appointments ahead leaves only with --keep.

    Example: [bold]chairtime admin dentist update riverside "kim sun" --inactive --keep[/]
    """
    api = connect()
    where = lookup.find_clinic(api, clinic)
    changes = {
        "full_name": name,
        "profession": profession,
        "specialty": specialty,
        "bio": bio,
        "user_id": user_id(user) if user else None,
        "is_active": active,
    }
    row = api.rpc(
        "update_dentist",
        dentist_id=lookup.find_dentist(api, where, dentist)["id"],
        clinic_id=where["id"],
        on_conflict=on_conflict(keep),
        **some(changes),
    )
    emit_row("Updated", row)


@dentist_app.command("types")
def set_types(
    *,
    clinic: Clinic,
    dentist: Dentist,
    types: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TYPE",
            help='What they lead from now on; "cleaning=45m" if they take other than the type\'s time.',
            show_default=False,
        ),
    ] = None,
    nothing: Annotated[bool, typer.Option("--none", help="They lead nothing.")] = False,
) -> None:
    """Show which types of visit somebody leads, or make it these. What is booked stays.

    Example: [bold]chairtime admin dentist types riverside cole cleaning=50m[/]
    """
    api = connect()
    where = lookup.find_clinic(api, clinic)
    who = lookup.find_dentist(api, where, dentist)["id"]
    if types and nothing:
        raise usage_error("types and --none", "Name what they lead, or pass --none.")
    if types or nothing:
        rows = _set_types(api, where, who, types or [])
    else:
        rows = api.rows("dentist_types", clinic_id=where["id"], dentist_id=who)
    names = names_of(api, "appointment_types", where, "name")
    output.emit(rows, lambda found: _draw_types(found, names))


def _set_types(api: "Api", clinic: "Row", dentist_id: str, types: list[str]) -> "list[Row]":
    given = [(name, duration) for name, _, duration in (text.partition("=") for text in types)]
    ids = type_ids(api, clinic, [name for name, _ in given]) or []
    durations = {id_: duration for id_, (_, duration) in zip(ids, given, strict=True) if duration}
    rows: list[Row] = api.rpc(
        "set_dentist_types",
        dentist_id=dentist_id,
        appointment_type_ids=ids,
        durations=durations,
        clinic_id=clinic["id"],
    )
    return rows


def _draw_types(rows: "list[Row]", names: dict[str, str]) -> "RenderableType":
    if not rows:
        return "They lead nothing."
    lines = sorted(
        (names[row["appointment_type_id"]], minutes(row["duration"]) or "as the type says") for row in rows
    )
    return output.table(("Leads", "Takes"), lines)
