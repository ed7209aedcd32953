"""`chairtime admin hours`: when dentists work, week by week, in rotas, and on single days."""

import re
from datetime import date, timedelta
from itertools import product
from typing import TYPE_CHECKING, Annotated

import typer

from cli import lookup, output
from cli.commands.shared import Clinic, Dentist, DryRun, connect, ends_of, id_argument, names_of, span
from cli.errors import usage_error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from cli.lookup import Row

hours_app = typer.Typer(no_args_is_help=True, help="When dentists work.")

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WINDOW = re.compile(r"(?P<days>[a-z,\s-]+?)\s+(?P<times>\d.*)", re.IGNORECASE)


@hours_app.command("show")
def show_hours(clinic: Clinic, dentist: Dentist) -> None:
    """Show a dentist's weekly hours, and their extra hours ahead with their ids.

    Example: [bold]chairtime admin hours show riverside lee[/]
    """
    api = connect()
    where = lookup.find_clinic(api, clinic)
    who = lookup.find_dentist(api, where, dentist)["id"]
    found = api.rpc("get_availability", dentist_id=who, clinic_id=where["id"])
    clock = lookup.wall_times(api, where, ends_of(found["extra_hours"]))
    output.emit(
        found, lambda it: _draw_hours(it, [(span(clock, row), row["id"]) for row in it["extra_hours"]])
    )


def _draw_hours(found: "Row", extra: list[tuple[str, str]]) -> "RenderableType":
    from rich.console import Group

    drawn = [_draw_weekly(found["weekly"], None) if found["weekly"] else "They have no weekly hours."]
    return Group(*drawn, *([output.table(("Extra hours", "Id"), extra)] if extra else []))


def _draw_weekly(weekly: "list[Row]", title: str | None) -> "RenderableType":
    lines = (
        (
            DAYS[row["weekday"] - 1].title(),
            f"{row['opens'][:5]}-{row['closes'][:5]}",
            row.get("valid_from"),
            row.get("valid_until"),
        )
        for row in weekly
    )
    return output.table(("Day", "Hours", "From", "Until"), lines, title)


@hours_app.command("set")
def set_hours(
    *,
    clinic: Clinic,
    dentist: Dentist,
    weekly: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="WINDOWS",
            help='Such as "mon-thu 09:00-12:00,13:00-17:00" "fri 08:00-14:00".',
            show_default=False,
        ),
    ] = None,
    from_: Annotated[
        str | None, typer.Option("--from", help="First day of this rota.", show_default=False)
    ] = None,
    until: Annotated[
        str | None,
        typer.Option("--until", help="Its last day; others stay.", show_default=False),
    ] = None,
    nothing: Annotated[bool, typer.Option("--none", help="They do not work then.")] = False,
    dry_run: DryRun = False,
) -> None:
    """Set a dentist's weekly hours, for ever or as a rota for some time.

    Appointments stay as they are; it shows those that lie outside of the new hours.

    Example: [bold]chairtime admin hours set riverside lee "mon-fri 09:00-12:00,13:00-17:00" --dry-run[/]
    """
    api = connect()
    where = lookup.find_clinic(api, clinic)
    who = lookup.find_dentist(api, where, dentist)["id"]
    if bool(weekly) == nothing:
        raise usage_error("which hours?", 'Such as "mon-fri 09:00-17:00"; or --none.')
    first, last = (lookup.parse_day(api, day, where) if day else None for day in (from_, until))
    valid = {name: str(day) for name, day in (("valid_from", first), ("valid_until", last)) if day}
    rota = [row | valid for text in weekly or [] for row in windows(text)]
    if valid:
        current = api.rpc("get_availability", dentist_id=who, clinic_id=where["id"])["weekly"]
        rota += [rest for row in current for rest in outside(row, first, last)]
    answer = api.rpc("set_availability", dentist_id=who, weekly=rota, dry_run=dry_run, clinic_id=where["id"])
    in_the_way = answer["appointments_outside_hours"]
    clock = lookup.wall_times(api, where, ends_of(in_the_way))
    lines = [(span(clock, row), row["patient_name"], row["appointment_id"]) for row in in_the_way]
    output.emit(answer, lambda it: _draw_change(it, lines))


def windows(text: str) -> "Iterator[Row]":
    """Read `mon-thu,sat 09:00-12:00,13:00-17:00` as the API's weekly windows."""
    parsed = _WINDOW.fullmatch(text.strip())
    hint = 'Write it as "mon-fri 09:00-12:00,13:00-17:00".'
    if parsed is None:
        raise usage_error(f"{text!r} are no hours", hint)
    for weekday, time in product(_weekdays(parsed["days"], hint), parsed["times"].split(",")):
        opens, dash, closes = time.partition("-")
        if not dash:
            raise usage_error(f"{time!r} is no span of time", hint)
        yield {"weekday": weekday, "opens": opens.strip(), "closes": closes.strip()}


def _weekdays(text: str, hint: str) -> "Iterator[int]":
    for days in text.lower().split(","):
        ends = [day.strip()[:3] for day in days.split("-")]
        if not 1 <= len(ends) <= 2 or any(day not in DAYS for day in ends):  # noqa: PLR2004
            raise usage_error(f"{text!r} are no days of the week", hint)
        first, last = DAYS.index(ends[0]), DAYS.index(ends[-1])
        yield from (day % 7 + 1 for day in range(first, first + (last - first) % 7 + 1))


def outside(window: "Row", first: date | None, last: date | None) -> "Iterator[Row]":
    """Yield what is left of a weekly window before a rota's first day and after its last."""
    day = timedelta(days=1)
    starts, ends = (window.get(name) for name in ("valid_from", "valid_until"))
    if first and (starts is None or date.fromisoformat(starts) < first):
        yield window | {"valid_until": min(ends or "9999", str(first - day))}
    if last and (ends is None or date.fromisoformat(ends) > last):
        yield window | {"valid_from": max(starts or "", str(last + day))}


def _draw_change(answer: "Row", in_the_way: list[tuple[str, str, str]]) -> "RenderableType":
    from rich.console import Group

    head = "[yellow]Would be, nothing is changed[/]" if answer["dry_run"] else "[green]Set[/]"
    drawn: list[RenderableType] = [head]
    drawn += [_draw_weekly(answer[name], name.title()) for name in ("added", "removed") if answer[name]]
    if in_the_way:
        drawn.append(output.table(("When", "Patient", "Id"), in_the_way, "Outside of these hours"))
    return Group(*drawn)


@hours_app.command("add")
def add_extra(
    clinic: Clinic,
    dentist: Dentist,
    starts: Annotated[str, typer.Argument(metavar="FROM", help='"monday 18:00".', show_default=False)],
    ends: Annotated[str, typer.Argument(metavar="UNTIL", help='"monday 20:00".', show_default=False)],
) -> None:
    """Let a dentist work at a time beside the weekly hours.

    Example: [bold]chairtime admin hours add riverside lee "saturday 09:00" "saturday 12:00"[/]
    """
    from rich.markup import escape

    api = connect()
    where = lookup.find_clinic(api, clinic)
    row = api.rpc(
        "add_extra_hours",
        dentist_id=lookup.find_dentist(api, where, dentist)["id"],
        starts_at=lookup.parse_instant(api, starts, where),
        ends_at=lookup.parse_instant(api, ends, where),
        clinic_id=where["id"],
    )
    clock = lookup.wall_times(api, where, ends_of([row]))
    name = escape(names_of(api, "dentists", where, "full_name")[row["dentist_id"]])
    output.emit(row, lambda it: f"[green]Added[/] {name} works {span(clock, it)}; its id is {it['id']}.")


@hours_app.command("remove")
def remove_extra(
    extra: Annotated[str, id_argument("Of the extra hours.", "admin hours show CLINIC DENTIST", "ID")],
) -> None:
    """Remove extra hours, unless appointments would be left outside of working hours.

    Example: [bold]chairtime admin hours remove ID[/]
    """
    removed = connect().rpc("remove_extra_hours", extra_hours_id=extra)
    output.emit({"id": extra, "removed": removed}, lambda _: "[green]Removed.[/]")
