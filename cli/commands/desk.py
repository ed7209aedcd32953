"""`chairtime book`, `hold` and `reservations`: what a receptionist does all day."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import uuid4

import typer

from cli import lookup, output
from cli.commands.shared import ByDentist, Clinic, Time, Type, connect, id_argument, id_from, names_of
from cli.errors import ChairtimeError, usage_error
from cli.lookup import Row
from cli.project import Yes

if TYPE_CHECKING:
    from rich.console import RenderableType

    from cli.api import Api

app = typer.Typer()
reservations = typer.Typer(no_args_is_help=True, help="List and release holds.")
app.add_typer(reservations, name="reservations")

Patient = Annotated[
    str | None,
    typer.Option(help="The patient: name, email, phone or id. Default: yourself.", show_default=False),
]
Notes = Annotated[str | None, typer.Option(help="Notes for the appointment.", show_default=False)]


@app.command()
def book(
    *,
    clinic: Clinic,
    type_: Annotated[
        str | None, typer.Argument(metavar="TYPE", help="Appointment type.", show_default=False)
    ] = None,
    time: Annotated[
        str | None, typer.Argument(metavar="TIME", help="Start, in the clinic's time.", show_default=False)
    ] = None,
    dentist: ByDentist = None,
    patient: Patient = None,
    notes: Notes = None,
    squeeze_in: Annotated[
        bool, typer.Option("--squeeze-in", help="On top of what is there; staff only.")
    ] = False,
    reservation: Annotated[
        str | None,
        typer.Option(
            help="Book what this hold keeps, instead of TYPE and TIME.",
            show_default=False,
            callback=id_from("reservations list CLINIC"),
        ),
    ] = None,
) -> None:
    """Book an appointment, or what a hold keeps.

    Without --dentist it is with whoever is free and has the least to do that day. Staff may book who is in
    the chair already: a start of earlier today.

    Examples: [bold]chairtime book riverside check-up "monday 10:00" --patient rosa[/]
    and [bold]chairtime book riverside --reservation ID[/]
    """
    api = connect()
    where = lookup.find_clinic(api, clinic)
    about = {
        "patient_id": lookup.find_patient(api, where, patient)["id"] if patient else None,
        "notes": notes,
        # The client repeats a request that got lost; the key makes that one booking.
        "idempotency_key": str(uuid4()),
    }
    if reservation:
        made = api.rpc("confirm_reservation", reservation_id=reservation, **about)
    else:
        about["squeeze_in"] = squeeze_in or None
        made = _claim(api, "book_appointment", where, type_=type_, time=time, dentist=dentist, **about)
    output.emit(made, lambda row: draw_claim(api, where, row, "Booked"))


@app.command()
def hold(
    *, clinic: Clinic, type_: Type, time: Time, dentist: ByDentist = None, patient: Patient = None
) -> None:
    """Hold a slot until it is booked, released, or a few minutes have passed.

    Example: [bold]chairtime hold riverside check-up "monday 14:00" --dentist lee --patient rosa[/]
    """
    api = connect()
    where = lookup.find_clinic(api, clinic)
    about = {
        "patient_id": lookup.find_patient(api, where, patient)["id"] if patient else None,
        "idempotency_key": str(uuid4()),
    }
    made = _claim(api, "reserve_slot", where, type_=type_, time=time, dentist=dentist, **about)
    output.emit(made, lambda row: draw_claim(api, where, row, "Held"))


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
    if not (type_ and time):
        raise usage_error("what and when?", "Give TYPE and TIME, or --reservation ID.")
    try:
        made: Row = api.rpc(
            function,
            dentist_id=lookup.find_dentist(api, clinic, dentist)["id"] if dentist else None,
            appointment_type_id=lookup.find_type(api, clinic, type_)["id"],
            starts_at=lookup.parse_instant(api, time, clinic),
            **arguments,
        )
    except ChairtimeError as error:
        raise with_alternatives(api, error, clinic) from error
    return made


def with_alternatives(api: "Api", error: ChairtimeError, clinic: Row) -> ChairtimeError:
    """Say in the hint which times are free instead, and with whom, as the API's details list them."""
    if error.code in {"slot_taken", "day_full"} and isinstance(error.details, list) and error.details:
        names = names_of(api, "dentists", clinic, "full_name")
        clock = lookup.wall_times(api, clinic, (slot["starts_at"] for slot in error.details))
        free = (
            f"{clock[slot['starts_at']]:%a %d %b %H:%M} with {names.get(slot['dentist_id'])}"
            for slot in error.details
        )
        error.hint = f"Free instead: {', '.join(free)}."
    return error


_SHOWN = ("starts_at", "ends_at", "expires_at")


def draw_claim(api: "Api", clinic: Row, row: Row, verb: str) -> "RenderableType":
    """Draw what was booked, held or moved, in words."""
    from rich.console import Group

    dentist = api.rows("dentists", id=row["dentist_id"], clinic_id=clinic["id"])
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
    if row.get("is_squeezed"):
        pairs.append(("note", "squeezed in, on top of what is there"))
    if "expires_at" in row:
        pairs.append(("until", f"{clock[row['expires_at']]:%H:%M:%S}"))
        pairs.append(("next", f"chairtime book {clinic['slug']} --reservation {row['id']}"))
    return Group(f"[green]{verb}[/]", output.fields(pairs))


@reservations.command("list")
def list_reservations(clinic: Clinic) -> None:
    """List the live holds you may see, with the time they have left.

    Example: [bold]chairtime reservations list riverside[/]
    """
    api = connect()
    where = lookup.find_clinic(api, clinic)
    rows = api.rows("slot_reservations", clinic_id=where["id"])
    names = names_of(api, "dentists", where, "full_name")
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
    reservation: Annotated[str, id_argument("The hold's id.", "reservations list CLINIC")],
    yes: Yes = False,
) -> None:
    """Give a held slot back.

    Releasing twice is harmless.

    Example: [bold]chairtime reservations release ID --yes[/]
    """
    output.confirm(f"Release hold {reservation}?", yes)
    released = connect().rpc("release_reservation", reservation_id=reservation)
    result = {"id": reservation, "released": released}
    output.emit(result, lambda it: "[green]Released.[/]" if it["released"] else "It had ended already.")
