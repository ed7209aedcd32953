"""What a receptionist does all day: look for slots, hold, book, cancel."""

from datetime import date, datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Any
from uuid import uuid4

import typer

from cli import lookup, output
from cli.errors import ChairtimeError, usage_error
from cli.lookup import Row
from cli.project import Yes, find_project

if TYPE_CHECKING:
    from rich.console import RenderableType

    from cli.api import Api

app = typer.Typer()
reservations = typer.Typer(no_args_is_help=True, help="List and release holds.")
app.add_typer(reservations, name="reservations")

Clinic = Annotated[str, typer.Argument(help="Slug or id of the clinic.", show_default=False)]
Time = Annotated[
    str,
    typer.Argument(
        help='Start, in the clinic\'s time: 2026-12-01T10:00, or "monday 10:00".',
        show_default=False,
        metavar="TIME",
    ),
]
Dentist = Annotated[str, typer.Option(help="The dentist: name, part of it, or id.", show_default=False)]
Patient = Annotated[
    str | None,
    typer.Option(help="The patient: name, email, phone or id. Default: yourself.", show_default=False),
]
Notes = Annotated[str | None, typer.Option(help="Notes for the appointment.", show_default=False)]


def _api() -> "Api":
    from cli.api import connect

    return connect(find_project())


@app.command()
def slots(
    clinic: Clinic,
    type_: Annotated[str, typer.Argument(metavar="TYPE", help="Appointment type.", show_default=False)],
    day: Annotated[
        str | None,
        typer.Option("--from", help="First day: a date, today, tomorrow, monday…", show_default=False),
    ] = None,
    days: Annotated[int, typer.Option(help="How many days, at most 62.", min=1, max=62)] = 7,
    dentist: Annotated[str | None, typer.Option(help="Only this dentist.", show_default=False)] = None,
) -> None:
    """List the slots that may be booked now, in the clinic's time.

    Example: [bold]chairtime slots riverside cleaning --from tomorrow --days 2[/]
    """
    from cli.api import connect_publicly, read_session

    project = find_project()
    api = _api() if read_session(project) else connect_publicly(project)
    where = lookup.find_clinic(api, clinic)
    what = lookup.find_type(api, where, type_)
    first = lookup.parse_day(api, day, where)
    dentists = api.rows("dentists", clinic_id=where["id"])
    names = {row["id"]: row["full_name"] for row in dentists}
    who = [row["id"] for row in dentists if row["is_active"]]
    if dentist:
        who = [lookup.find_dentist(api, where, dentist)["id"]]
    found = free_slots(api, what["id"], first, first + timedelta(days=days - 1), who)
    clock = lookup.wall_times(api, where, (slot[name] for slot in found for name in ("starts_at", "ends_at")))
    rows = [
        {
            "dentist_id": slot["dentist_id"],
            "dentist": names.get(slot["dentist_id"]),
            "starts_at": clock[slot["starts_at"]],
            "ends_at": clock[slot["ends_at"]],
        }
        for slot in found
    ]
    output.emit(rows, _draw_slots if who else lambda _: _draw_nobody(where))


def free_slots(api: "Api", type_: str, first: date, last: date, dentists: list[str]) -> list[Row]:
    """List the free slots of these days and dentists: all of them, in as many answers as that takes."""
    arguments = {"appointment_type_id": type_, "from_date": first.isoformat()}
    try:
        found: list[Row] = api.rpc(
            "available_slots",
            to_date=last.isoformat(),
            dentist_id=dentists[0] if len(dentists) == 1 else None,
            **arguments,
        )
        return found
    except ChairtimeError as error:
        details = error.details if isinstance(error.details, dict) else {}
        if "to_date" not in details or (len(dentists) == 1 and first == last):
            raise
    if details["to_date"] is None:
        return [slot for dentist in dentists for slot in free_slots(api, type_, first, last, [dentist])]
    fits = date.fromisoformat(details["to_date"])
    rest = free_slots(api, type_, fits + timedelta(days=1), last, dentists)
    return free_slots(api, type_, first, fits, dentists) + rest


def _draw_nobody(clinic: Row) -> "RenderableType":
    from rich.text import Text

    adds = f"`chairtime admin dentist create {clinic['slug']} NAME` adds one."
    return Text(f"{clinic['name']} has no dentists who can be booked. {adds}")


def _draw_slots(rows: list[Row]) -> "RenderableType":
    if not rows:
        return "[yellow]No free slots in these days.[/] Look further with --from or --days."
    ordered = sorted(rows, key=lambda row: (row["starts_at"].date(), row["dentist"], row["starts_at"]))
    lines = []
    for (day, dentist), group in groupby(ordered, key=lambda row: (row["starts_at"].date(), row["dentist"])):
        lines.append((f"{day:%a %d %b}", dentist, "  ".join(f"{row['starts_at']:%H:%M}" for row in group)))
    return output.table(("Day", "Dentist", "Free"), lines)


@app.command()
def book(
    *,
    clinic: Clinic,
    type_: Annotated[
        str | None, typer.Argument(metavar="[TYPE]", help="Appointment type.", show_default=False)
    ] = None,
    time: Annotated[
        str | None, typer.Argument(metavar="[TIME]", help="Start, in the clinic's time.", show_default=False)
    ] = None,
    dentist: Annotated[str | None, typer.Option(help="The dentist: name or id.", show_default=False)] = None,
    patient: Patient = None,
    notes: Notes = None,
    reservation: Annotated[
        str | None,
        typer.Option(help="Book what this hold keeps, instead of TYPE and TIME.", show_default=False),
    ] = None,
) -> None:
    """Book an appointment, or what a hold keeps.

    Examples: [bold]chairtime book riverside check-up "monday 10:00" --dentist lee --patient rosa[/]
    and [bold]chairtime book riverside --reservation ID[/]
    """
    api = _api()
    where = lookup.find_clinic(api, clinic)
    who = lookup.find_patient(api, where, patient)["id"] if patient else None
    key = str(uuid4())  # the client repeats a request that got lost; the key makes that one booking
    if reservation:
        made = api.rpc(
            "confirm_reservation",
            reservation_id=reservation,
            patient_id=who,
            notes=notes,
            idempotency_key=key,
        )
    else:
        made = _claim(
            api,
            "book_appointment",
            where,
            type_=type_,
            time=time,
            dentist=dentist,
            patient_id=who,
            notes=notes,
            idempotency_key=key,
        )
    output.emit(made, lambda row: _draw_claim(api, where, row, "Booked"))


@app.command()
def hold(
    clinic: Clinic,
    type_: Annotated[str, typer.Argument(metavar="TYPE", help="Appointment type.", show_default=False)],
    time: Time,
    dentist: Dentist,
    patient: Patient = None,
) -> None:
    """Hold a slot until it is booked, released, or a few minutes have passed.

    Example: [bold]chairtime hold riverside cleaning "monday 14:00" --dentist lee --patient rosa[/]
    """
    api = _api()
    where = lookup.find_clinic(api, clinic)
    who = lookup.find_patient(api, where, patient)["id"] if patient else None
    made = _claim(
        api,
        "reserve_slot",
        where,
        type_=type_,
        time=time,
        dentist=dentist,
        patient_id=who,
        idempotency_key=str(uuid4()),
    )
    output.emit(made, lambda row: _draw_claim(api, where, row, "Held"))


def _claim(
    api: "Api",
    function: str,
    clinic: Row,
    *,
    type_: str | None,
    time: str | None,
    dentist: str | None,
    **arguments: Any,
) -> Row:
    if not (type_ and time and dentist):
        raise usage_error("what, when and with whom?", "Give TYPE, TIME and --dentist, or --reservation ID.")
    try:
        made: Row = api.rpc(
            function,
            dentist_id=lookup.find_dentist(api, clinic, dentist)["id"],
            appointment_type_id=lookup.find_type(api, clinic, type_)["id"],
            starts_at=lookup.parse_instant(api, time, clinic),
            **arguments,
        )
    except ChairtimeError as error:
        raise _with_alternatives(api, error, clinic) from error
    return made


def _with_alternatives(api: "Api", error: ChairtimeError, clinic: Row) -> ChairtimeError:
    """Say in the hint which times are free instead, as the API's details list them."""
    if error.code == "slot_taken" and isinstance(error.details, list) and error.details:
        clock = lookup.wall_times(api, clinic, (slot["starts_at"] for slot in error.details))
        error.hint = f"Free instead: {', '.join(f'{time:%a %d %b %H:%M}' for time in clock.values())}."
    return error


_SHOWN = ("starts_at", "ends_at", "expires_at")


def _draw_claim(api: "Api", clinic: Row, row: Row, verb: str) -> "RenderableType":
    from rich.console import Group

    dentist = api.rows("dentists", id=row["dentist_id"])
    what = api.rows("appointment_types", id=row["appointment_type_id"])
    patient = api.rows("patients", id=row["patient_id"]) if row.get("patient_id") else []
    clock = lookup.wall_times(api, clinic, (value for name, value in row.items() if value and name in _SHOWN))
    starts, ends = clock[row["starts_at"]], clock[row["ends_at"]]
    pairs = [
        ("when", f"{starts:%A %d %B %Y, %H:%M} to {ends:%H:%M} ({clinic['time_zone']})"),
        ("what", what[0]["name"] if what else None),
        ("dentist", dentist[0]["full_name"] if dentist else None),
        ("patient", patient[0]["full_name"] if patient else None),
        ("id", row["id"]),
    ]
    if "expires_at" in row:
        pairs.append(("until", f"{clock[row['expires_at']]:%H:%M:%S}"))
        pairs.append(("next", f"chairtime book {clinic['slug']} --reservation {row['id']}"))
    return Group(f"[green]{verb}[/]", output.fields(pairs))


@app.command()
def cancel(
    appointment: Annotated[str, typer.Argument(help="The appointment's id.", show_default=False)],
    reason: Annotated[
        str | None, typer.Option(help="Why; the patient may read it.", show_default=False)
    ] = None,
    yes: Yes = False,
) -> None:
    """Cancel an appointment.

    Cancelling twice is harmless.

    Example: [bold]chairtime cancel ID --reason "Patient is ill" --yes[/]
    """
    output.confirm(f"Cancel appointment {appointment}?", yes)
    row = _api().rpc("cancel_appointment", appointment_id=appointment, reason=reason)
    output.emit(row, lambda it: f"[green]Cancelled[/] {it['id']}; the time is free again.")


@reservations.command("list")
def list_reservations(clinic: Clinic) -> None:
    """List the live holds you may see, with the time they have left.

    Example: [bold]chairtime reservations list riverside[/]
    """
    api = _api()
    where = lookup.find_clinic(api, clinic)
    rows = api.rows("slot_reservations", clinic_id=where["id"])
    names = {row["id"]: row["full_name"] for row in api.rows("dentists", clinic_id=where["id"])}
    rows.sort(key=lambda row: row["expires_at"])
    clock = lookup.wall_times(api, where, (row["starts_at"] for row in rows))
    output.emit(rows, lambda found: _draw_reservations(found, names, clock))


def _draw_reservations(
    rows: list[Row], names: dict[str, str], clock: dict[str, datetime]
) -> "RenderableType":
    if not rows:
        return "Nothing is on hold."
    lines = (
        (
            row["id"],
            names.get(row["dentist_id"]),
            f"{clock[row['starts_at']]:%a %d %b %H:%M}",
            remaining(row),
        )
        for row in rows
    )
    return output.table(("Id", "Dentist", "Starts", "Left"), lines)


def remaining(row: Row) -> str:
    """Count down a hold by the server's clock: `4:59`."""
    left = lookup.instant(row["expires_at"]) - lookup.instant(row["server_now"])
    seconds = max(0, int(left.total_seconds()))
    return f"{seconds // 60}:{seconds % 60:02}"


@reservations.command("release")
def release(
    reservation: Annotated[str, typer.Argument(help="The hold's id.", show_default=False)],
    yes: Yes = False,
) -> None:
    """Give a held slot back.

    Releasing twice is harmless.

    Example: [bold]chairtime reservations release ID --yes[/]
    """
    output.confirm(f"Release hold {reservation}?", yes)
    released = _api().rpc("release_reservation", reservation_id=reservation)
    result = {"id": reservation, "released": released}
    output.emit(result, lambda it: "[green]Released.[/]" if it["released"] else "It had ended already.")
