"""`chairtime waitlist`: wait for a time that becomes free, and answer what is offered."""

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from cli import lookup, output
from cli.commands.desk import Patient, draw_claim
from cli.commands.shared import Clinic, connect, dentist_ids, names_of, said
from cli.errors import ChairtimeError, Exit, usage_error
from cli.project import Yes

if TYPE_CHECKING:
    from rich.console import RenderableType

    from cli.api import Api
    from cli.lookup import Row

app = typer.Typer()
waitlist = typer.Typer(
    no_args_is_help=True,
    help="Wait for a time that becomes free: join, look, leave, and answer what is offered.",
)
app.add_typer(waitlist, name="waitlist")

Wish = Annotated[str, typer.Argument(metavar="WISH", help="The wish's id.", show_default=False)]


@waitlist.command("join")
def join(
    *,
    clinic: Clinic,
    type_: Annotated[
        str | None,
        typer.Argument(
            metavar="TYPE", help="Appointment type; that of --appointment otherwise.", show_default=False
        ),
    ] = None,
    dentist: Annotated[
        list[str] | None,
        typer.Option(help="Only with this dentist; again for another. Default: anybody.", show_default=False),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option("--from", help="From this day: a date, tomorrow, monday…", show_default=False),
    ] = None,
    end: Annotated[
        str | None,
        typer.Option("--until", help="To this day. Default: as far as one books.", show_default=False),
    ] = None,
    weekday: Annotated[
        list[str] | None,
        typer.Option(help="Only on mondays…; again for another. Default: any.", show_default=False),
    ] = None,
    after: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Not before this time of day: 09:00.", show_default=False),
    ] = None,
    before: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Over by this time of day: 12:00.", show_default=False),
    ] = None,
    appointment: Annotated[
        str | None,
        typer.Option(help="Earlier than this appointment, by id, which then moves.", show_default=False),
    ] = None,
    patient: Patient = None,
    priority: Annotated[
        int | None,
        typer.Option(help="Staff: 9 is asked first, 0 by turn.", min=0, max=9, show_default=False),
    ] = None,
) -> None:
    """Wait for a time that becomes free, or for one that is earlier than an appointment.

    What becomes free and fits is held for who waits: the highest priority first, then who has waited longest.
    They are told, and answer with accept or decline. To join again changes what one waits for and keeps the
    place.

    Examples: [bold]chairtime waitlist join riverside check-up --patient rosa --weekday monday --before
    12:00[/] and [bold]chairtime waitlist join riverside --appointment ID[/]
    """
    api = connect()
    where = lookup.find_clinic(api, clinic)
    row = api.rpc(
        "join_waitlist",
        appointment_type_id=_type_id(api, where, type_, appointment),
        dentist_ids=dentist_ids(api, where, dentist),
        from_date=lookup.parse_day(api, start, where).isoformat() if start else None,
        to_date=lookup.parse_day(api, end, where).isoformat() if end else None,
        weekdays=[_weekday(day) for day in weekday] if weekday else None,
        from_time=after,
        to_time=before,
        appointment_id=appointment,
        patient_id=lookup.find_patient(api, where, patient)["id"] if patient else None,
        priority=priority,
    )
    output.emit(row, lambda it: _draw(api, where, [it]))


def _type_id(api: "Api", clinic: "Row", type_: str | None, appointment: str | None) -> str:
    if type_:
        return str(lookup.find_type(api, clinic, type_)["id"])
    if appointment:
        return str(lookup.find_appointment(api, appointment)[0]["appointment_type_id"])
    raise usage_error("what for?", "Give TYPE, or --appointment ID.")


def _weekday(text: str) -> int:
    found = [number for number, name in enumerate(lookup.WEEKDAYS, 1) if name.startswith(text.lower())]
    if len(found) != 1:
        raise usage_error(f"{text!r} is not a day of the week", "Write it as monday, or mon.")
    return found[0]


@waitlist.command("list")
def list_wishes(
    *,
    clinic: Clinic,
    patient: Annotated[
        str | None, typer.Option(help="Only theirs: name, email, phone or id.", show_default=False)
    ] = None,
    ended: Annotated[
        bool, typer.Option("--ended", help="Those that have ended, too; how, says outcome.")
    ] = False,
) -> None:
    """List who waits, in the order in which they are asked, what for, and what they are offered now.

    Example: [bold]chairtime waitlist list riverside[/]
    """
    api = connect()
    where = lookup.find_clinic(api, clinic)
    query = api.client.table("waitlist").select("*").eq("clinic_id", where["id"])
    if patient:
        query = query.eq("patient_id", lookup.find_patient(api, where, patient)["id"])
    if not ended:
        query = query.is_("outcome", "null")
    rows: list[Row] = api.fetch(query.order("priority", desc=True).order("created_at"))
    output.emit(rows, lambda found: _draw(api, where, found))


@waitlist.command("leave")
def leave(wish: Wish, yes: Yes = False) -> None:
    """Wait no more; what was offered goes to who waits next.

    Leaving twice is harmless.

    Example: [bold]chairtime waitlist leave ID --yes[/]
    """
    api = connect()
    output.confirm(f"Take wish {wish} off the waiting list?", yes)
    row = api.rpc("leave_waitlist", waitlist_id=wish)
    output.emit(row, lambda it: f"Waits no more: [green]{it['outcome'].replace('_', ' ')}[/].")


@waitlist.command("accept")
def accept(wish: Wish) -> None:
    """Take what is offered: it is booked, or the appointment that it is earlier than moves there.

    Example: [bold]chairtime waitlist accept ID[/]
    """
    api = connect()
    row = _offered(api, wish)
    where = api.rows("clinics", id=row["clinic_id"])[0]
    visit = api.rpc("confirm_reservation", reservation_id=row["offer"]["reservation_id"])
    verb = "Moved" if row["moves_appointment_id"] else "Booked"
    output.emit(visit, lambda it: draw_claim(api, where, it, verb))


@waitlist.command("decline")
def decline(wish: Wish) -> None:
    """Let what is offered go to who waits next. The wish stays, and is not offered this time again.

    Example: [bold]chairtime waitlist decline ID[/]
    """
    api = connect()
    row = _offered(api, wish)
    where = api.rows("clinics", id=row["clinic_id"])[0]
    api.rpc("release_reservation", reservation_id=row["offer"]["reservation_id"])
    output.emit(_found(api, wish), lambda it: _draw(api, where, [it]))


def _offered(api: "Api", wish: str) -> "Row":
    row = _found(api, wish)
    if row["offer"] is None:
        ended = f"it has ended: {row['outcome'].replace('_', ' ')}" if row["outcome"] else "it waits"
        hint = "`chairtime waitlist list CLINIC` shows who is offered what, and until when."
        raise ChairtimeError(
            f"nothing is offered to this wish now; {ended}", "not_found", hint, Exit.NOT_FOUND
        )
    return row


def _found(api: "Api", wish: str) -> "Row":
    rows = api.rows("waitlist", id=wish)
    if not rows:
        hint = "`chairtime waitlist list CLINIC` lists the wishes with their ids."
        raise ChairtimeError(f"no wish has the id {wish}", "not_found", hint, Exit.NOT_FOUND)
    return rows[0]


def _draw(api: "Api", clinic: "Row", rows: "list[Row]") -> "RenderableType":
    if not rows:
        return "Nobody waits."
    types = names_of(api, "appointment_types", clinic, "name")
    dentists = names_of(api, "dentists", clinic, "full_name")
    patients = _patients(api, rows)
    offers = [row["offer"] for row in rows if row["offer"]]
    clock = lookup.wall_times(api, clinic, (one[at] for one in offers for at in ("starts_at", "expires_at")))
    lines = (
        (
            patients.get(row["patient_id"]),
            _what(row, types),
            ", ".join(dentists.get(one, one) for one in row["dentist_ids"] or ()) or "anybody",
            _when(row),
            _offer(row, clock),
            row["id"],
        )
        for row in rows
    )
    return output.table(("Patient", "What", "With", "When", "Offered", "Id"), lines)


def _patients(api: "Api", rows: "list[Row]") -> dict[str, str]:
    ids = sorted({row["patient_id"] for row in rows})
    found = api.fetch(api.client.table("patients").select("id,full_name").in_("id", ids))
    return {row["id"]: row["full_name"] for row in found}


def _what(row: "Row", types: dict[str, str]) -> str:
    name = types.get(row["appointment_type_id"], "")
    first = f", priority {row['priority']}" if row["priority"] else ""
    return name + (", earlier" if row["moves_appointment_id"] else "") + first


def _when(row: "Row") -> str:
    days = f"{_day(row['from_date'])} to {_day(row['to_date'])}"
    names = [lookup.WEEKDAYS[day - 1][:3].title() for day in row["weekdays"] or ()]
    after, before = (row[name] and row[name][:5] for name in ("from_time", "to_time"))
    hours = " ".join([*(("after", after) if after else ()), *(("before", before) if before else ())])
    return ", ".join(filter(None, (days, " ".join(names), hours)))


def _day(text: str) -> str:
    day = date.fromisoformat(text)
    return f"{day:{'%d %b' if day.year == date.today().year else '%d %b %Y'}}"


def _offer(row: "Row", clock: dict[str, datetime]) -> str:
    if row["outcome"]:
        return str(row["outcome"]).replace("_", " ")
    if offer := row["offer"]:
        return f"{said(clock[offer['starts_at']])}, until {clock[offer['expires_at']]:%H:%M}"
    return f"{row['offers']} so far" if row["offers"] else "not yet"
