"""`chairtime appointments`, and what the desk changes about them: time, length, chair, status."""

import re
from typing import TYPE_CHECKING, Annotated
from uuid import uuid4

import typer

from cli import lookup, output
from cli.commands.desk import draw_claim, with_alternatives
from cli.commands.shared import (
    Appointment,
    ByDentist,
    Clinic,
    OfPatient,
    On,
    connect,
    ends_of,
    id_argument,
    names_of,
    patient_names,
    span,
)
from cli.errors import ChairtimeError, usage_error
from cli.lookup import Row
from cli.project import Yes

if TYPE_CHECKING:
    from rich.console import RenderableType

    from cli.api import Api

app = typer.Typer()

Version = Annotated[
    int | None, typer.Option("--version", help="Only if it is still this version.", show_default=False)
]
Clock = Annotated[
    str,
    typer.Argument(
        metavar="TIME", help='In the clinic\'s time: "10:30" that day, or "monday 10:30".', show_default=False
    ),
]


@app.command()
def appointments(
    *,
    clinic: Clinic,
    on: On = None,
    days: Annotated[int, typer.Option(help="How many days.", min=1, max=62)] = 1,
    patient: OfPatient = None,
    dentist: Annotated[str | None, typer.Option(help="Only with this dentist.", show_default=False)] = None,
) -> None:
    """List a clinic's appointments, with the ids that other commands take.

    Example: [bold]chairtime appointments riverside --on tomorrow --days 7[/]
    """
    api = connect()
    where = lookup.find_clinic(api, clinic)
    starts, ends = lookup.parse_days(api, on, where, days)
    query = api.client.table("appointments").select("*").eq("clinic_id", where["id"])
    query = query.gte("starts_at", starts).lt("starts_at", ends).order("starts_at")
    if patient:
        query = query.eq("patient_id", lookup.find_patient(api, where, patient)["id"])
    if dentist:
        query = query.eq("dentist_id", lookup.find_dentist(api, where, dentist)["id"])
    rows: list[Row] = api.fetch(query)
    output.emit(rows, lambda found: _draw_list(api, where, found))


def _draw_list(api: "Api", clinic: Row, rows: list[Row]) -> "RenderableType":
    if not rows:
        return "There are no appointments in these days."
    patients = patient_names(api, rows)
    dentists, types = (names_of(api, *names) for names in _named(clinic))
    clock = lookup.wall_times(api, clinic, ends_of(rows))
    lines = (
        (
            span(clock, row),
            patients.get(row["patient_id"]),
            types.get(row["appointment_type_id"]),
            dentists.get(row["dentist_id"]),
            row["status"].replace("_", " ") + (", squeezed in" if row["is_squeezed"] else ""),
            row["id"],
        )
        for row in rows
    )
    return output.table(("When", "Patient", "What", "With", "Status", "Id"), lines)


def _named(clinic: Row) -> list[tuple[str, Row, str]]:
    return [("dentists", clinic, "full_name"), ("appointment_types", clinic, "name")]


@app.command()
def move(appointment: Appointment, time: Clock, dentist: ByDentist = None, version: Version = None) -> None:
    """Move an appointment to another time, and to another dentist if one is named.

    It keeps its length, and its chair if it can; a refusal leaves it where it is.

    Example: [bold]chairtime move ID "monday 11:00"[/]
    """
    api = connect()
    row, where = lookup.find_appointment(api, appointment)
    try:
        moved = api.rpc(
            "reschedule_appointment",
            appointment_id=row["id"],
            starts_at=_instant(api, where, row, time),
            dentist_id=lookup.find_dentist(api, where, dentist)["id"] if dentist else None,
            expected_version=version,
            idempotency_key=str(uuid4()),
        )
    except ChairtimeError as error:
        raise with_alternatives(api, error, where) from error
    output.emit(moved, lambda it: draw_claim(api, where, it, "Moved"))


def _instant(api: "Api", clinic: Row, appointment: Row, text: str) -> str:
    """Read a time, which without a day is of the appointment's day."""
    if re.fullmatch(r"\d?\d:\d\d", text):
        starts = lookup.wall_times(api, clinic, [appointment["starts_at"]])[appointment["starts_at"]]
        text = f"{starts:%Y-%m-%d}T{text:0>5}"
    return lookup.parse_instant(api, text, clinic)


@app.command()
def resize(appointment: Appointment, until: Clock, version: Version = None) -> None:
    """Make an appointment longer or shorter: until when it lasts.

    Example: [bold]chairtime resize ID 10:45[/]
    """
    api = connect()
    row, where = lookup.find_appointment(api, appointment)
    resized = api.rpc(
        "resize_appointment",
        appointment_id=row["id"],
        ends_at=_instant(api, where, row, until),
        expected_version=version,
    )
    output.emit(resized, lambda it: draw_claim(api, where, it, "Resized"))


@app.command()
def swap(
    appointment: Appointment,
    other: Annotated[str, id_argument("The other one's id.", "appointments CLINIC")],
) -> None:
    """Let two appointments change places: time and dentist. Both move, or neither.

    Example: [bold]chairtime swap ID OTHER[/]
    """
    api = connect()
    row, where = lookup.find_appointment(api, appointment)
    swapped = api.rpc("swap_appointments", appointment_id=row["id"], other_id=other)
    output.emit(swapped, lambda rows: _draw_list(api, where, rows))


@app.command()
def seat(
    appointment: Appointment,
    resource: Annotated[
        str, typer.Argument(help="The chair, device or person: name, part of it, or id.", show_default=False)
    ],
    part: Annotated[
        int | None,
        typer.Option(help="Which part of the visit, if several could be meant.", min=1, show_default=False),
    ] = None,
) -> None:
    """Give an appointment another chair, or another device or person for one of its parts.

    Example: [bold]chairtime seat ID "chair 2"[/]
    """
    api = connect()
    row, where = lookup.find_appointment(api, appointment)
    wanted = lookup.find_resource(api, where, resource)
    number = part or _part_for(_parts(api, where, row), _kind(api, wanted))
    moved = api.rpc("move_to_resource", appointment_id=row["id"], part=number, resource_id=wanted["id"])
    output.emit(moved, lambda it: draw_claim(api, where, it, f"Given {wanted['name']}"))


def _kind(api: "Api", resource: Row) -> str:
    if resource["kind"] != "practitioner":
        return str(resource["kind"])
    return str(api.rows("dentists", id=resource["id"], clinic_id=resource["clinic_id"])[0]["profession"])


def _parts(api: "Api", clinic: Row, appointment: Row) -> list[Row]:
    starts = lookup.wall_times(api, clinic, [appointment["starts_at"]])[appointment["starts_at"]]
    board = api.rpc("clinic_day", clinic_id=clinic["id"], day=starts.date().isoformat())
    return [
        part
        for dentist in board["dentists"]
        for row in dentist["appointments"]
        if row["id"] == appointment["id"]
        for part in row["parts"]
    ]


def _part_for(parts: list[Row], kind: str) -> int:
    """Return the number of the one part that something of this kind could take."""
    fitting = [part["part"] for part in parts if part["needs"] == kind]
    if len(fitting) != 1:
        has = ", ".join(f"{part['part']}: {part['needs']} ({part['name']})" for part in parts) or "none"
        raise usage_error(f"which part of the visit is it for? It has {has}", "Pass --part NUMBER.")
    return int(fitting[0])


@app.command()
def mark(
    appointment: Appointment,
    status: Annotated[
        str, typer.Argument(help="checked_in, fulfilled, no_show or booked.", show_default=False)
    ],
    version: Version = None,
) -> None:
    """Say that a patient has come, has been treated, or has not come.

    Example: [bold]chairtime mark ID checked_in[/]
    """
    _mark(connect(), appointment, status.replace("-", "_"), version)


def _mark(api: "Api", appointment: str, status: str, version: int | None) -> None:
    row = api.rpc(
        "set_appointment_status", appointment_id=appointment, status=status, expected_version=version
    )
    output.emit(row, lambda it: f"{it['id']} is [green]{it['status'].replace('_', ' ')}[/].")


@app.command()
def undo(appointment: Appointment, version: Version = None) -> None:
    """Take an appointment's last step back: checked in, treated, not come, or cancelled by mistake.

    What was cancelled claims its time again, or finds it taken.

    Example: [bold]chairtime undo ID[/]
    """
    api = connect()
    steps = api.rpc("next_steps", appointment_id=appointment)
    before = next((step["status"] for step in steps if step["takes_back"]), None)
    if before is None:
        raise usage_error("it is booked: there is no step to take back", "`chairtime cancel` cancels it.")
    _mark(api, appointment, before, version)


@app.command()
def cancel(
    appointment: Appointment,
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
    row = connect().rpc("cancel_appointment", appointment_id=appointment, reason=reason)
    output.emit(row, lambda it: f"[green]Cancelled[/] {it['id']}; the time is free again.")
