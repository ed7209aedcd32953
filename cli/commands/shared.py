"""What many commands share: how they name things, and the API as who signed in."""

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import lookup
from cli.errors import usage_error
from cli.project import find_project

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from cli.api import Api
    from cli.lookup import Row


def id_from(listing: str) -> "Callable[[str | None], str | None]":
    """Return what checks an id that a command takes; `listing` is the command that shows such ids."""

    def check(text: str | None) -> str | None:
        if text is None or lookup.is_uuid(text):
            return text
        raise usage_error(f"{text!r} is not an id", f"`chairtime {listing}` lists them with their ids.")

    return check


def id_argument(help: str, listing: str, metavar: str | None = None) -> Any:
    """Declare an argument that is an id, which the command `listing` shows."""
    return typer.Argument(metavar=metavar, help=help, show_default=False, callback=id_from(listing))


APPOINTMENT_ID = id_from("appointments CLINIC")

Clinic = Annotated[str, typer.Argument(help="Slug or id of the clinic.", show_default=False)]
Dentist = Annotated[str, typer.Argument(help="Name, part of it, or id.", show_default=False)]
Type = Annotated[
    str, typer.Argument(metavar="TYPE", help="Appointment type: name, part of it, or id.", show_default=False)
]
Time = Annotated[
    str,
    typer.Argument(
        help='Start, in the clinic\'s time: 2026-12-01T10:00, or "monday 10:00".',
        show_default=False,
        metavar="TIME",
    ),
]
Appointment = Annotated[str, id_argument("The appointment's id.", "appointments CLINIC")]
ByDentist = Annotated[
    str | None,
    typer.Option(
        "--dentist", help="The dentist: name, part of it, or id. Default: anybody.", show_default=False
    ),
]
Moves = Annotated[
    str | None,
    typer.Option(
        "--appointment",
        help="Where this appointment, by id, can move.",
        show_default=False,
        callback=APPOINTMENT_ID,
    ),
]
On = Annotated[str | None, typer.Option("--on", help="A date, today, tomorrow, monday…", show_default=False)]
OfPatient = Annotated[
    str | None,
    typer.Option("--patient", help="Only theirs: name, email, phone or id.", show_default=False),
]
Interval = Annotated[str | None, typer.Option(help='Such as "30 minutes".', show_default=False)]
Name = Annotated[str | None, typer.Option("--name", help="A new name.", show_default=False)]
Active = Annotated[
    bool | None, typer.Option("--active/--inactive", help="Offered for booking, or not.", show_default=False)
]
Keep = Annotated[bool, typer.Option("--keep", help="Keep the appointments ahead as they are.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only show what it would do.")]


def connect() -> "Api":
    """Act as who signed in, otherwise with the secret key."""
    from cli import api

    return api.connect(find_project())


def on_conflict(keep: bool) -> str:
    """Say to the API what becomes of the appointments in the way."""
    return "keep" if keep else "reject"


def some(changes: dict[str, Any]) -> dict[str, Any]:
    """Return the changes, or refuse to do nothing."""
    if all(value is None for value in changes.values()):
        raise usage_error("nothing to change", "Give at least one option.")
    return changes


def dentist_ids(api: "Api", clinic: "Row", names: list[str] | None) -> list[str] | None:
    """Return the ids of those dentists; None for None."""
    return None if names is None else [lookup.find_dentist(api, clinic, name)["id"] for name in names]


def type_ids(api: "Api", clinic: "Row", names: list[str] | None) -> list[str] | None:
    """Return the ids of those appointment types; None for None."""
    return None if names is None else [lookup.find_type(api, clinic, name)["id"] for name in names]


def names_of(api: "Api", view: str, clinic: "Row", column: str) -> dict[str, str]:
    """Return what a clinic's dentists, types, patients or resources are called, by id."""
    return {row["id"]: row[column] for row in api.rows(view, f"id,{column}", clinic_id=clinic["id"])}


def patient_names(api: "Api", rows: "list[Row]") -> dict[str, str]:
    """Return what the patients of these rows are called, by id."""
    ids = sorted({row["patient_id"] for row in rows if row["patient_id"]})
    found = api.fetch(api.client.table("patients").select("id,full_name").in_("id", ids)) if ids else []
    return {row["id"]: row["full_name"] for row in found}


def minutes(interval: str | None) -> str | None:
    """Shorten Postgres' way to write an interval: `00:45:00` is `45 min`."""
    parts = (interval or "").split(":")
    if len(parts) < 2 or not parts[0].isdecimal():  # noqa: PLR2004
        return interval
    return f"{int(parts[0]) * 60 + int(parts[1])} min"


def span(clock: "dict[str, datetime]", row: "Row") -> str:
    """Say from when to when, by the clinic's clock: `Mon 07 Dec 09:00 to 10:30`."""
    starts, ends = clock[row["starts_at"]], clock[row["ends_at"]]
    same_day = starts.date() == ends.date()
    return f"{said(starts)} to {ends:%H:%M}" if same_day else f"{said(starts)} to {said(ends)}"


def said(time: "datetime") -> str:
    """Say a day and a time of the clock, with the year if it is another than this one."""
    return f"{time:{'%a %d %b %H:%M' if time.year == date.today().year else '%a %d %b %Y %H:%M'}}"


def ends_of(rows: "Iterable[Row]") -> "Iterable[str]":
    """Yield the instants at which these begin and end."""
    return (row[name] for row in rows for name in ("starts_at", "ends_at"))
