"""`chairtime admin type`: what can be booked, by whom and with whom, and what it takes."""

import json
import re
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import lookup, output
from cli.commands.shared import (
    Active,
    Clinic,
    Interval,
    Keep,
    Name,
    Type,
    connect,
    dentist_ids,
    minutes,
    names_of,
    on_conflict,
    some,
)
from cli.errors import usage_error
from cli.output import emit_row, table

if TYPE_CHECKING:
    from rich.console import RenderableType

    from cli.api import Api
    from cli.lookup import Row

type_app = typer.Typer(no_args_is_help=True, help="Appointment types: what can be booked.")

Audience = Annotated[
    str | None,
    typer.Option(
        help="Who books it without the desk: everyone, new_patients, known_patients or staff (nobody).",
        show_default=False,
    ),
]
Notice = Annotated[
    str | None, typer.Option("--min-notice", help="Instead of the clinic's.", show_default=False)
]
Horizon = Annotated[
    str | None, typer.Option("--booking-horizon", help="Instead of the clinic's.", show_default=False)
]
Grid = Annotated[
    str | None, typer.Option("--slot-interval", help="Instead of the clinic's.", show_default=False)
]
MaxPerDay = Annotated[
    int | None, typer.Option(help="As many a day, of each who leads it.", show_default=False)
]
Leaders = Annotated[
    list[str] | None,
    typer.Option("--dentist", help="Who leads it; may be repeated.", show_default=False),
]


@type_app.command("list")
def list_types(clinic: Clinic) -> None:
    """List what can be booked at a clinic.

    Example: [bold]chairtime admin type list riverside[/]
    """
    api = connect()
    rows = api.rows("appointment_types", clinic_id=lookup.find_clinic(api, clinic)["id"])
    output.emit(sorted(rows, key=lambda row: str(row["name"])), _draw_types)


def _draw_types(rows: "list[Row]") -> "RenderableType":
    lines = (
        (row["name"], minutes(row["duration"]), _buffers(row), _rules(row), row["is_active"], row["id"])
        for row in rows
    )
    return table(("Name", "Takes", "Buffers", "Rules", "Active", "Id"), lines)


def _buffers(row: "Row") -> str:
    before, after = minutes(row["buffer_before"]), minutes(row["buffer_after"])
    return "" if before == after == "0 min" else f"{before}, {after}"


def _rules(row: "Row") -> str:
    """Say what a type has of its own beside the clinic's policy."""
    own = [row["audience"].replace("_", " ")] if row["audience"] != "everyone" else []
    named = {"min_notice": "notice", "booking_horizon": "horizon", "slot_interval": "grid"}
    own += [f"{word} {minutes(row[name])}" for name, word in named.items() if row[name]]
    return ", ".join(own + ([f"{row['max_per_day']} a day"] if row["max_per_day"] else []))


@type_app.command("create")
def create_type(
    *,
    clinic: Clinic,
    name: Annotated[str, typer.Argument(help="What patients call it: Check-up.", show_default=False)],
    duration: Annotated[str, typer.Argument(help='Such as "30 minutes".', show_default=False)],
    buffer_before: Interval = None,
    buffer_after: Interval = None,
    audience: Audience = None,
    min_notice: Notice = None,
    booking_horizon: Horizon = None,
    slot_interval: Grid = None,
    max_per_day: MaxPerDay = None,
    dentist: Leaders = None,
) -> None:
    """Add an appointment type. Without --dentist all dentists lead it, and no hygienists.

    Example: [bold]chairtime admin type create riverside Whitening "60 minutes" --audience known_patients[/]
    """
    api = connect()
    where = lookup.find_clinic(api, clinic)
    row = api.rpc(
        "create_appointment_type",
        clinic_id=where["id"],
        name=name,
        duration=duration,
        buffer_before=buffer_before,
        buffer_after=buffer_after,
        audience=audience,
        min_notice=min_notice,
        booking_horizon=booking_horizon,
        slot_interval=slot_interval,
        max_per_day=max_per_day,
        dentist_ids=dentist_ids(api, where, dentist),
    )
    emit_row("Created", row)


@type_app.command("update")
def update_type(
    *,
    clinic: Clinic,
    type_: Type,
    name: Name = None,
    duration: Interval = None,
    buffer_before: Interval = None,
    buffer_after: Interval = None,
    audience: Audience = None,
    min_notice: Notice = None,
    booking_horizon: Horizon = None,
    slot_interval: Grid = None,
    max_per_day: MaxPerDay = None,
    clear: Annotated[
        list[str] | None,
        typer.Option(
            help="min_notice, booking_horizon, slot_interval or max_per_day: the clinic's, or none, again.",
            show_default=False,
        ),
    ] = None,
    dentist: Leaders = None,
    active: Active = None,
    keep: Keep = False,
) -> None:
    """Change what is given about an appointment type. Appointments already made keep their times.

    --dentist names all who lead it from now on. What is booked ends only with --keep.

    Example: [bold]chairtime admin type update riverside cleaning --max-per-day 6[/]
    """
    api = connect()
    where = lookup.find_clinic(api, clinic)
    changes: dict[str, Any] = {
        "name": name,
        "duration": duration,
        "buffer_before": buffer_before,
        "buffer_after": buffer_after,
        "audience": audience,
        "min_notice": min_notice,
        "booking_horizon": booking_horizon,
        "slot_interval": slot_interval,
        "max_per_day": max_per_day,
        "clear": [name.replace("-", "_") for name in clear] if clear else None,
        "dentist_ids": dentist_ids(api, where, dentist),
        "is_active": active,
    }
    row = api.rpc(
        "update_appointment_type",
        appointment_type_id=lookup.find_type(api, where, type_)["id"],
        on_conflict=on_conflict(keep),
        **some(changes),
    )
    emit_row("Updated", row)


@type_app.command("parts")
def set_parts(
    *,
    clinic: Clinic,
    type_: Type,
    part: Annotated[
        list[str] | None,
        typer.Option(
            help='"chair", "dentist:40m+10m" (from, for how long), "equipment:0m+30m:X-ray unit" (which will '
            'do); "leader:0m+30m" if who leads it is not needed all the time. May be repeated.',
            show_default=False,
        ),
    ] = None,
    parts_json: Annotated[
        str | None,
        typer.Option("--parts", help="The same as the API's JSON.", show_default=False, metavar="JSON"),
    ] = None,
    nothing: Annotated[bool, typer.Option("--none", help="It takes who leads it, and no more.")] = False,
) -> None:
    """Show what a type of visit takes beside who leads it, or make it these. What is booked keeps its parts.

    Example: [bold]chairtime admin type parts riverside cleaning --part chair --part "dentist:40m+10m"[/]
    """
    api = connect()
    where = lookup.find_clinic(api, clinic)
    what = lookup.find_type(api, where, type_)["id"]
    if sum(map(bool, (part, parts_json, nothing))) > 1:
        raise usage_error("--part, --parts or --none?", "Give one of them.")
    if part or parts_json or nothing:
        wanted = _parsed(parts_json) if parts_json else [_part(api, where, text) for text in part or []]
        rows = api.rpc("set_visit_parts", appointment_type_id=what, parts=wanted)
    else:
        rows = api.rows("type_parts", appointment_type_id=what)
    names = names_of(api, "resources", where, "name")
    output.emit(sorted(rows, key=lambda row: int(row["part"])), lambda found: _draw_parts(found, names))


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise usage_error(f"--parts is no JSON: {error}", 'Such as [{"needs": "chair"}].') from None


def _part(api: "Api", clinic: "Row", text: str) -> "Row":
    """Read NEEDS[:FROM[+LENGTH]][:NAME,…]: as the API's JSON."""
    needs, _, rest = text.partition(":")
    times, _, names = rest.partition(":")
    starts_after, _, lasts = times.partition("+")
    only = [
        lookup.find_resource(api, clinic, name.strip())["id"]
        for name in re.split(r",\s*", names)
        if name.strip()
    ]
    part = {"needs": needs.strip(), "starts_after": starts_after, "lasts": lasts, "only_resources": only}
    return {name: value for name, value in part.items() if value}


def _draw_parts(rows: "list[Row]", names: dict[str, str]) -> "RenderableType":
    if not rows:
        return "It takes who leads it, and no more."
    lines = (
        (
            row["part"],
            row["needs"],
            minutes(row["starts_after"]),
            minutes(row["lasts"]) or "until the end",
            ", ".join(names.get(id_, id_) for id_ in row["only_resources"] or []) or "any",
        )
        for row in rows
    )
    return table(("Part", "Needs", "From", "For", "Which"), lines)
