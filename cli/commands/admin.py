"""`chairtime admin`: clinics and their rules; people, types and calendars are in modules of their own."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import lookup, output
from cli.commands import (
    admin_absences,
    admin_dentists,
    admin_hours,
    admin_patients,
    admin_people,
    admin_recalls,
    admin_resources,
    admin_types,
    history,
)
from cli.commands.shared import Clinic, DryRun, Interval, Name, connect, said, some
from cli.output import emit_row, emit_rows
from cli.project import find_project

if TYPE_CHECKING:
    from rich.console import RenderableType

    from cli.lookup import Row

app = typer.Typer(
    no_args_is_help=True,
    help="Set up clinics: who works there, what can be booked, when, and what it takes.",
)
clinic_app = typer.Typer(no_args_is_help=True, help="Clinics and their booking policies.")

for name, group in {
    "user": admin_people.user,
    "staff": admin_people.staff,
    "patient": admin_patients.patient_app,
    "clinic": clinic_app,
    "dentist": admin_dentists.dentist_app,
    "hours": admin_hours.hours_app,
    "absence": admin_absences.absence_app,
    "closure": admin_absences.closure_app,
    "type": admin_types.type_app,
    "resource": admin_resources.resource_app,
    "recall": admin_recalls.recall_app,
}.items():
    app.add_typer(group, name=name)
app.command("audit")(history.audit)


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
    emit_rows(connect().rows("clinics"), ("slug", "name", "time_zone", "id"))


@clinic_app.command("update")
def update_clinic(
    *,
    clinic: Clinic,
    name: Name = None,
    time_zone: Annotated[
        str | None, typer.Option(help="IANA name: America/New_York.", show_default=False)
    ] = None,
    phone: Annotated[str | None, typer.Option(help="Where patients call.", show_default=False)] = None,
    email: Annotated[str | None, typer.Option(help="Where patients write to.", show_default=False)] = None,
    address: Annotated[str | None, typer.Option(help="Where patients come to.", show_default=False)] = None,
    clear: Annotated[
        list[str] | None, typer.Option(help="What to remove: phone, email or address.", show_default=False)
    ] = None,
    dry_run: DryRun = False,
) -> None:
    """Change a clinic's name, contact or time zone.

    In another zone hours keep their times of the clock, and appointments their instants: those whose time of
    the clock shifts are shown. Look with --dry-run before.

    Example: [bold]chairtime admin clinic update riverside --time-zone America/Chicago --dry-run[/]
    """
    api = connect()
    contact = {"phone": phone, "email": email, "address": address, "clear": clear}
    changes = {"name": name, "time_zone": time_zone, **contact}
    where = lookup.find_clinic(api, clinic)["id"]
    answer = api.rpc("update_clinic", clinic_id=where, dry_run=dry_run, **some(changes))
    output.emit(answer, _draw_updated)


def _draw_updated(answer: "Row") -> "RenderableType":
    from rich.console import Group

    contact = ("name", "time_zone", "phone", "email", "address")
    head = "[yellow]Would be, nothing is changed[/]" if answer["dry_run"] else "[green]Updated[/]"
    drawn = [head, output.fields([(name.replace("_", " "), answer["clinic"][name]) for name in contact])]
    if shifted := answer["appointments_shifted"]:
        lines = (
            (
                *(said(lookup.instant(row[name])) for name in ("local_before", "local_after")),
                row["patient_name"],
                row["appointment_id"],
            )
            for row in shifted
        )
        drawn.append(output.table(("Before", "After", "Patient", "Id"), lines, "Whose time of day shifts"))
    return Group(*drawn)


@clinic_app.command("policy")
def update_policy(
    *,
    clinic: Clinic,
    slot_interval: Interval = None,
    hold_duration: Interval = None,
    min_notice: Interval = None,
    booking_horizon: Interval = None,
    cancellation_notice: Interval = None,
    cancel_grace: Annotated[
        str | None,
        typer.Option(help="How long a patient may undo, whatever the notice.", show_default=False),
    ] = None,
    max_upcoming: Annotated[
        int | None, typer.Option(help="Appointments ahead, per patient.", show_default=False)
    ] = None,
    max_active_holds: Annotated[int | None, typer.Option(help="Per holder.", show_default=False)] = None,
    max_holds_per_hour: Annotated[
        int | None, typer.Option(help="Per patient's login, without booking.", show_default=False)
    ] = None,
    max_chatbot_bookings_per_hour: Annotated[
        int | None, typer.Option(help="Per chatbot.", show_default=False)
    ] = None,
    max_offers: Annotated[int | None, typer.Option(help="Open ones, per login.", show_default=False)] = None,
    max_waitlist_offers: Annotated[
        int | None,
        typer.Option(help="So often is who waits asked; then their wish ends.", show_default=False),
    ] = None,
    offer_duration: Annotated[
        str | None,
        typer.Option(help='How long a free time is held for who waits: "30 minutes".', show_default=False),
    ] = None,
    offer_lead: Annotated[
        str | None,
        typer.Option(help="Under so long before a start nobody who waits is asked.", show_default=False),
    ] = None,
    require_mfa: Annotated[
        bool | None,
        typer.Option(
            "--require-mfa/--no-require-mfa",
            help="Staff act only when they signed in with a second factor.",
            show_default=False,
        ),
    ] = None,
    locale: Annotated[
        str | None, typer.Option(help="In which language it writes: en, de, ja…", show_default=False)
    ] = None,
    quiet_from: Annotated[
        str | None, typer.Option(metavar="TIME", help="From then nobody is woken: 21:00.", show_default=False)
    ] = None,
    quiet_until: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Until then; the same twice: never quiet.", show_default=False),
    ] = None,
    audit_retention: Annotated[
        str | None, typer.Option(help="How long it is known who changed what.", show_default=False)
    ] = None,
    patient_retention: Annotated[
        str | None,
        typer.Option(help="A patient without a visit for so long is erased.", show_default=False),
    ] = None,
) -> None:
    """Show a clinic's booking policy, or change the parts that are given.

    Example: [bold]chairtime admin clinic policy riverside --min-notice "2 hours"[/]
    """
    api = connect()
    row = lookup.find_clinic(api, clinic)
    changes: dict[str, Any] = {
        "slot_interval": slot_interval,
        "hold_duration": hold_duration,
        "min_notice": min_notice,
        "booking_horizon": booking_horizon,
        "cancellation_notice": cancellation_notice,
        "cancel_grace": cancel_grace,
        "max_upcoming": max_upcoming,
        "max_active_holds": max_active_holds,
        "max_holds_per_hour": max_holds_per_hour,
        "max_chatbot_bookings_per_hour": max_chatbot_bookings_per_hour,
        "max_offers": max_offers,
        "max_waitlist_offers": max_waitlist_offers,
        "offer_duration": offer_duration,
        "offer_lead": offer_lead,
        "require_mfa": require_mfa,
        "locale": locale,
        "quiet_from": quiet_from,
        "quiet_until": quiet_until,
        "audit_retention": audit_retention,
        "patient_retention": patient_retention,
    }
    if any(value is not None for value in changes.values()):
        row = api.rpc("update_clinic_policy", clinic_id=row["id"], **changes)
    emit_row("Policy", row)
