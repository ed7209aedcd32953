"""`chairtime slots`, `next` and `explain`: what is free, when next, and why not."""

from datetime import date, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Annotated

import typer

from cli import lookup, output
from cli.commands.shared import ByDentist, Clinic, Moves, Time, Type, connect, names_of, said
from cli.errors import ChairtimeError
from cli.lookup import Row
from cli.project import find_project

if TYPE_CHECKING:
    from rich.console import RenderableType

    from cli.api import Api

app = typer.Typer()


def _api() -> "Api":
    """Act as who signed in, or as a visitor."""
    from cli.api import connect_publicly, read_session

    project = find_project()
    return connect() if read_session(project) else connect_publicly(project)


@app.command()
def slots(
    *,
    clinic: Clinic,
    type_: Type,
    day: Annotated[
        str | None,
        typer.Option("--from", help="First day: a date, today, tomorrow, monday…", show_default=False),
    ] = None,
    days: Annotated[int, typer.Option(help="How many days, at most 62.", min=1, max=62)] = 7,
    dentist: ByDentist = None,
    appointment: Moves = None,
) -> None:
    """List the slots that may be booked now, in the clinic's time.

    Example: [bold]chairtime slots riverside cleaning --from tomorrow --days 2[/]
    """
    api = connect() if appointment else _api()
    where = lookup.find_clinic(api, clinic)
    what = lookup.find_type(api, where, type_)["id"]
    first = lookup.parse_day(api, day, where)
    works = {row["id"] for row in api.rows("dentists", clinic_id=where["id"]) if row["is_active"]}
    leads = [row["dentist_id"] for row in api.rows("dentist_types", appointment_type_id=what)]
    who = [dentist_id for dentist_id in leads if dentist_id in works]
    if dentist:
        who = [lookup.find_dentist(api, where, dentist)["id"]]
    wanted = {"appointment_type_id": what, "appointment_id": appointment}
    found = free_slots(api, wanted, first, first + timedelta(days=days - 1), who)
    rows = _in_clinics_time(api, where, found)
    output.emit(rows, _draw_slots if who else lambda _: _draw_nobody(where))


def free_slots(api: "Api", wanted: Row, first: date, last: date, dentists: list[str]) -> list[Row]:
    """List the free slots of these days and dentists: all of them, in as many answers as that takes."""
    try:
        found: list[Row] = api.rpc(
            "available_slots",
            from_date=first.isoformat(),
            to_date=last.isoformat(),
            dentist_id=dentists[0] if len(dentists) == 1 else None,
            **wanted,
        )
        return found
    except ChairtimeError as error:
        details = error.details if isinstance(error.details, dict) else {}
        if "to_date" not in details or (len(dentists) == 1 and first == last):
            raise
    if details["to_date"] is None:
        return [slot for dentist in dentists for slot in free_slots(api, wanted, first, last, [dentist])]
    fits = date.fromisoformat(details["to_date"])
    rest = free_slots(api, wanted, fits + timedelta(days=1), last, dentists)
    return free_slots(api, wanted, first, fits, dentists) + rest


def _in_clinics_time(api: "Api", clinic: Row, found: list[Row]) -> list[Row]:
    names = names_of(api, "dentists", clinic, "full_name")
    clock = lookup.wall_times(
        api, clinic, (slot[name] for slot in found for name in ("starts_at", "ends_at"))
    )
    return [
        {
            "dentist_id": slot["dentist_id"],
            "dentist": names.get(slot["dentist_id"]),
            "starts_at": clock[slot["starts_at"]],
            "ends_at": clock[slot["ends_at"]],
        }
        for slot in found
    ]


def _draw_nobody(clinic: Row) -> "RenderableType":
    from rich.text import Text

    leads = f"`chairtime admin dentist types {clinic['slug']} NAME` says what somebody leads."
    return Text(f"{clinic['name']} has no dentists who can be booked for this. {leads}")


def _draw_slots(rows: list[Row]) -> "RenderableType":
    if not rows:
        return "[yellow]No free slots in these days.[/] Look further with --from, --days or `chairtime next`."
    ordered = sorted(rows, key=lambda row: (row["starts_at"].date(), row["dentist"], row["starts_at"]))
    lines = []
    for (day, dentist), group in groupby(ordered, key=lambda row: (row["starts_at"].date(), row["dentist"])):
        lines.append((f"{day:%a %d %b}", dentist, "  ".join(f"{row['starts_at']:%H:%M}" for row in group)))
    return output.table(("Day", "Dentist", "Free"), lines)


@app.command("next")
def next_slots(
    *,
    clinic: Clinic,
    type_: Type,
    dentist: ByDentist = None,
    time: Annotated[
        str | None, typer.Option("--from", help='Not before this: "monday 10:00".', show_default=False)
    ] = None,
    part_of_day: Annotated[
        str | None, typer.Option(help="morning, afternoon or evening.", show_default=False)
    ] = None,
    count: Annotated[int, typer.Option(help="How many, at most 100.", min=1, max=100)] = 3,
    appointment: Moves = None,
) -> None:
    """List the next free slots, however far ahead they are.

    Example: [bold]chairtime next riverside cleaning --part-of-day afternoon[/]
    """
    api = connect() if appointment else _api()
    where = lookup.find_clinic(api, clinic)
    found = api.rpc(
        "next_slots",
        appointment_type_id=lookup.find_type(api, where, type_)["id"],
        dentist_id=lookup.find_dentist(api, where, dentist)["id"] if dentist else None,
        from_time=lookup.parse_instant(api, time, where) if time else None,
        part_of_day=part_of_day,
        max_results=count,
        appointment_id=appointment,
    )
    output.emit(_in_clinics_time(api, where, found), _draw_next)


def _draw_next(rows: list[Row]) -> "RenderableType":
    if not rows:
        return "[yellow]Nothing is free as far ahead as one can book.[/]"
    lines = [(f"{said(row['starts_at'])} to {row['ends_at']:%H:%M}", row["dentist"]) for row in rows]
    return output.table(("When", "Dentist"), lines)


@app.command()
def explain(
    *,
    clinic: Clinic,
    type_: Type,
    time: Time,
    dentist: ByDentist = None,
    appointment: Moves = None,
) -> None:
    """Say whether a slot may be booked, with whom, and if not, why.

    Staff are told what is in the way, and which part of the visit finds nobody or nothing.

    Example: [bold]chairtime explain riverside "root canal" "monday 10:00"[/]
    """
    api = connect()
    where = lookup.find_clinic(api, clinic)
    answer = api.rpc(
        "explain_slot",
        appointment_type_id=lookup.find_type(api, where, type_)["id"],
        starts_at=lookup.parse_instant(api, time, where),
        dentist_id=lookup.find_dentist(api, where, dentist)["id"] if dentist else None,
        appointment_id=appointment,
    )
    name = names_of(api, "dentists", where, "full_name").get(answer["dentist_id"])
    output.emit(answer, lambda it: _draw_answer(it, name))


def _draw_answer(answer: Row, dentist: str | None) -> "RenderableType":
    from rich.text import Text

    if answer["bookable"]:
        return Text("Yes  ", "green") + Text(f"With {dentist}.")
    about = f"With {dentist}: " if dentist else ""
    return Text(f"{answer['code']}  ", "bold yellow") + Text(f"{about}{answer['message']}")
