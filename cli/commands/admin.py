"""`chairtime admin`: set up clinics, dentists and appointment types; people are in `admin_people`."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import lookup
from cli.commands import admin_people
from cli.errors import usage_error
from cli.output import emit, emit_row, emit_rows, table
from cli.project import find_project

if TYPE_CHECKING:
    from rich.console import RenderableType

    from cli.api import Api

app = typer.Typer(no_args_is_help=True, help="Set up clinics, users, staff, dentists and appointment types.")


def _group(name: str, help_text: str) -> typer.Typer:
    group = typer.Typer(no_args_is_help=True, help=help_text)
    app.add_typer(group, name=name)
    return group


app.add_typer(admin_people.user, name="user")
app.add_typer(admin_people.staff, name="staff")
app.add_typer(admin_people.patient, name="patient")
clinic_app = _group("clinic", "Clinics and their booking policies.")
dentist_app = _group("dentist", "Dentists.")
type_app = _group("type", "Appointment types: what can be booked.")

Clinic = Annotated[str, typer.Argument(help="Slug or id of the clinic.", show_default=False)]
Specialty = Annotated[str | None, typer.Option(help="What they are best at.", show_default=False)]
Bio = Annotated[str | None, typer.Option(help="A few sentences for patients.", show_default=False)]
Name = Annotated[str | None, typer.Option("--name", help="A new name.", show_default=False)]
Interval = Annotated[str | None, typer.Option(help='Such as "30 minutes".', show_default=False)]
Keep = admin_people.Keep
Active = Annotated[
    bool | None, typer.Option("--active/--inactive", help="Offered for booking, or not.", show_default=False)
]


def _api() -> "Api":
    from cli.api import connect

    return connect(find_project())


@clinic_app.command("create")
def create_clinic(
    slug: Annotated[str, typer.Argument(help="Short name for URLs: riverside.", show_default=False)],
    name: Annotated[str, typer.Option(help="The name patients see.", show_default=False)],
    time_zone: Annotated[str, typer.Option(help="IANA name: America/New_York.", show_default=False)],
) -> None:
    """Make a clinic with the default booking policy. Needs the secret key.

    Example: [bold]chairtime admin clinic create elm --name "Elm Dental" --time-zone Europe/Zurich[/]
    """
    from cli.api import connect_as_service

    row = connect_as_service(find_project()).rpc("create_clinic", slug=slug, name=name, time_zone=time_zone)
    emit_row("Created", row)


@clinic_app.command("list")
def list_clinics() -> None:
    """List the clinics.

    Example: [bold]chairtime admin clinic list --json[/]
    """
    emit_rows(_api().rows("clinics"), ("slug", "name", "time_zone", "id"))


@clinic_app.command("policy")
def update_policy(
    *,
    clinic: Clinic,
    slot_interval: Interval = None,
    hold_duration: Interval = None,
    min_notice: Interval = None,
    booking_horizon: Interval = None,
    cancellation_notice: Interval = None,
    max_active_holds: Annotated[int | None, typer.Option(help="Per holder.", show_default=False)] = None,
    max_holds_per_hour: Annotated[
        int | None, typer.Option(help="Per patient's login, without booking.", show_default=False)
    ] = None,
    max_chatbot_bookings_per_hour: Annotated[
        int | None, typer.Option(help="Per chatbot.", show_default=False)
    ] = None,
    max_offers: Annotated[int | None, typer.Option(help="Open ones, per login.", show_default=False)] = None,
) -> None:
    """Show a clinic's booking policy, or change the parts that are given.

    Example: [bold]chairtime admin clinic policy riverside --min-notice "2 hours"[/]
    """
    api = _api()
    row = lookup.find_clinic(api, clinic)
    changes = {
        "slot_interval": slot_interval,
        "hold_duration": hold_duration,
        "min_notice": min_notice,
        "booking_horizon": booking_horizon,
        "cancellation_notice": cancellation_notice,
        "max_active_holds": max_active_holds,
        "max_holds_per_hour": max_holds_per_hour,
        "max_chatbot_bookings_per_hour": max_chatbot_bookings_per_hour,
        "max_offers": max_offers,
    }
    if any(value is not None for value in changes.values()):
        row = api.rpc("update_clinic_policy", clinic_id=row["id"], **changes)
    emit_row("Policy", row)


@dentist_app.command("list")
def list_dentists(clinic: Clinic) -> None:
    """List a clinic's dentists.

    Example: [bold]chairtime admin dentist list riverside[/]
    """
    api = _api()
    rows = api.rows("dentists", clinic_id=lookup.find_clinic(api, clinic)["id"])
    emit_rows(rows, ("full_name", "specialty", "is_active", "id"))


@dentist_app.command("create")
def create_dentist(
    *,
    clinic: Clinic,
    name: Annotated[str, typer.Argument(help="Full name.", show_default=False)],
    specialty: Specialty = None,
    bio: Bio = None,
    user: Annotated[str | None, typer.Option(help="Their account: id or email.", show_default=False)] = None,
) -> None:
    """Add a dentist. Set their hours with the API's set_availability.

    Example: [bold]chairtime admin dentist create riverside "Dr. Sam Ito" --specialty Endodontics[/]
    """
    api = _api()
    row = api.rpc(
        "create_dentist",
        clinic_id=lookup.find_clinic(api, clinic)["id"],
        full_name=name,
        specialty=specialty,
        bio=bio,
        user_id=admin_people.user_id(user) if user else None,
    )
    emit_row("Created", row)


@dentist_app.command("update")
def update_dentist(
    *,
    clinic: Clinic,
    dentist: Annotated[str, typer.Argument(help="Name, part of it, or id.", show_default=False)],
    name: Name = None,
    specialty: Specialty = None,
    bio: Bio = None,
    active: Active = None,
    keep: Keep = False,
) -> None:
    """Change what is given about a dentist. Who has appointments ahead leaves only with --keep.

    Example: [bold]chairtime admin dentist update riverside ito --inactive --keep[/]
    """
    api = _api()
    found = lookup.find_dentist(api, lookup.find_clinic(api, clinic), dentist)
    changes = {"full_name": name, "specialty": specialty, "bio": bio, "is_active": active}
    row = api.rpc(
        "update_dentist", dentist_id=found["id"], on_conflict=admin_people.on_conflict(keep), **_some(changes)
    )
    emit_row("Updated", row)


@type_app.command("list")
def list_types(clinic: Clinic) -> None:
    """List what can be booked at a clinic.

    Example: [bold]chairtime admin type list riverside[/]
    """
    api = _api()
    rows = api.rows("appointment_types", clinic_id=lookup.find_clinic(api, clinic)["id"])
    emit(sorted(rows, key=lambda row: str(row["name"])), _draw_types)


def _draw_types(rows: list[lookup.Row]) -> "RenderableType":
    intervals = ("duration", "buffer_before", "buffer_after")
    lines = (
        (row["name"], *(_minutes(row[name]) for name in intervals), row["is_active"], row["id"])
        for row in rows
    )
    return table(("Name", "Takes", "Before", "After", "Active", "Id"), lines)


def _minutes(interval: str) -> str:
    """Shorten Postgres' way to write an interval: `00:45:00` is `45 min`."""
    parts = interval.split(":")
    return (
        f"{int(parts[0]) * 60 + int(parts[1])} min" if len(parts) > 1 and parts[0].isdecimal() else interval
    )


@type_app.command("create")
def create_type(
    *,
    clinic: Clinic,
    name: Annotated[str, typer.Argument(help="What patients call it: Check-up.", show_default=False)],
    duration: Annotated[str, typer.Argument(help='Such as "30 minutes".', show_default=False)],
    buffer_before: Interval = None,
    buffer_after: Interval = None,
) -> None:
    """Add an appointment type.

    Example: [bold]chairtime admin type create riverside Whitening "60 minutes" --buffer-after "10 minutes"[/]
    """
    api = _api()
    row = api.rpc(
        "create_appointment_type",
        clinic_id=lookup.find_clinic(api, clinic)["id"],
        name=name,
        duration=duration,
        buffer_before=buffer_before,
        buffer_after=buffer_after,
    )
    emit_row("Created", row)


@type_app.command("update")
def update_type(
    *,
    clinic: Clinic,
    type_: Annotated[
        str, typer.Argument(metavar="TYPE", help="Name, part of it, or id.", show_default=False)
    ],
    name: Name = None,
    duration: Interval = None,
    buffer_before: Interval = None,
    buffer_after: Interval = None,
    active: Active = None,
    keep: Keep = False,
) -> None:
    """Change what is given about an appointment type. Appointments already made keep their times.

    What is booked ends only with --keep.

    Example: [bold]chairtime admin type update riverside cleaning --duration "50 minutes"[/]
    """
    api = _api()
    found = lookup.find_type(api, lookup.find_clinic(api, clinic), type_)
    changes = {
        "name": name,
        "duration": duration,
        "buffer_before": buffer_before,
        "buffer_after": buffer_after,
        "is_active": active,
    }
    row = api.rpc(
        "update_appointment_type",
        appointment_type_id=found["id"],
        on_conflict=admin_people.on_conflict(keep),
        **_some(changes),
    )
    emit_row("Updated", row)


def _some(changes: dict[str, Any]) -> dict[str, Any]:
    if all(value is None for value in changes.values()):
        raise usage_error("nothing to change", "Give at least one option.")
    return changes
