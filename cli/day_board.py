"""Drawing a clinic's day: dentists or chairs as columns, time downwards, in the clinic's wall clock."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from cli.lookup import Row, instant

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

_FRAME = 6  # lines around the rows: title, head, rules, legend

# Colours say at a glance what the words say again, for NO_COLOR and for those who do not see them.
_STYLES = {
    "booked": "bright_white on dodger_blue3",
    "checked_in": "bright_white on green4",
    "fulfilled": "bright_white on grey37",
    "no_show": "bright_white on dark_red",
    "hold": "grey0 on gold3",
    "takes_part": "bright_white on steel_blue",
    "time_off": "grey62 on grey19",
    "buffer": "grey50",
    "free": "grey42",
}
_SIGNS = {"booked": "", "checked_in": "✓ ", "fulfilled": "✓ ", "no_show": "✗ "}
_VISITS = {*_SIGNS, "hold", "takes_part"}

Clock = Callable[[datetime], datetime]


class Block(NamedTuple):
    """A stretch of a column's day, and the lines to write into it."""

    starts_at: datetime
    ends_at: datetime
    kind: str
    lines: tuple[str, ...]


def draw(
    board: Row, title: str, now: datetime, height: int, clock: Clock, *, by_chair: bool = False
) -> "RenderableType":
    """Draw what `clinic_day` returned, with dentists or with chairs and equipment as columns.

    `now` is the server's clock; `height` the terminal's, in lines; `clock` the clinic's wall clock.
    """
    from rich import box
    from rich.console import Group
    from rich.markup import escape
    from rich.table import Table
    from rich.text import Text

    columns = _chairs(board, now) if by_chair else _dentists(board, now)
    if not columns:
        missing = "chairs here yet:[/] chairtime admin resource" if by_chair else _NOBODY
        return f"[bold]{escape(title)}[/]\n[yellow]No {missing} create."
    table = Table(
        box=box.SIMPLE_HEAD,
        title=Text(title),
        title_justify="left",
        title_style="bold",
        padding=(0, 1),
        expand=True,
    )
    table.add_column("", width=6, no_wrap=True)
    for name, _ in columns:
        table.add_column(Text(name), ratio=1, no_wrap=True)
    for time, step in _rows(board, columns, height):
        table.add_row(_clock(clock(time), step, now), *(_cell(blocks, time, step) for _, blocks in columns))
    return Group(table, *_out_of_order(board, clock), _legend(board))


_NOBODY = "dentists here yet:[/] chairtime admin dentist"


def _dentists(board: Row, now: datetime) -> list[tuple[str, list[Block]]]:
    names = {dentist["dentist_id"]: dentist["full_name"] for dentist in board["dentists"]}
    return [(dentist["full_name"], _blocks(dentist, names, now)) for dentist in board["dentists"]]


def _blocks(dentist: Row, names: dict[str, str], now: datetime) -> list[Block]:
    """List a dentist's stretches, those that cover others first."""
    return [
        *(_appointment(row) for row in dentist["appointments"] if row["status"] != "cancelled"),
        *(_hold(row, now) for row in dentist["holds"] if instant(row["expires_at"]) > now),
        *(_participation(row, names) for row in dentist["participations"]),
        *(_span(row, "time_off", ("at another clinic",)) for row in dentist["elsewhere"]),
        *(_absence(row) for row in dentist["time_off"]),
        *(
            _buffer(row)
            for row in (*dentist["appointments"], *dentist["holds"])
            if row.get("status") != "cancelled"
        ),
        *(_span(row, "free", ()) for row in dentist["hours"]),
    ]


def _span(row: Row, kind: str, lines: tuple[str, ...]) -> Block:
    return Block(instant(row["starts_at"]), instant(row["ends_at"]), kind, lines)


def _appointment(row: Row) -> Block:
    first = f"{_sign(row)}{row['patient_name']}"
    rooms = ", ".join(str(part["name"]) for part in row["parts"])
    what = f"{row['appointment_type']} · {row['status'].replace('_', ' ')}"
    return _span(row, row["status"], (f"{first} · {rooms}" if rooms else first, what))


def _sign(row: Row) -> str:
    return ("+ " if row["is_squeezed"] else "") + _SIGNS.get(row["status"], "")


def _participation(row: Row, names: dict[str, str]) -> Block:
    led = names.get(row["dentist_id"])
    what = row["appointment_type"] + (f" of {led}" if led else "")
    return _span(row, "takes_part", (f"→ {row['patient_name']} · {what}",))


def _absence(row: Row) -> Block:
    closed = "closed" if row["closure_id"] else "time off"
    return _span(row, "time_off", (row["reason"] or closed,))


def _chairs(board: Row, now: datetime) -> list[tuple[str, list[Block]]]:
    return [(resource["name"], _chair_blocks(board, resource, now)) for resource in board["resources"]]


def _chair_blocks(board: Row, resource: Row, now: datetime) -> list[Block]:
    """List what takes a chair, in the order of _blocks."""
    found = [
        (dentist, row, part)
        for dentist in board["dentists"]
        for row in (*dentist["appointments"], *dentist["holds"])
        for part in row["parts"]
        if part["resource_id"] == resource["resource_id"] and row.get("status") != "cancelled"
    ]
    taken = [_in_chair(dentist, row, part, now) for dentist, row, part in found]
    return [
        *taken,
        *(_span(row, "time_off", (row["reason"] or "out of order",)) for row in resource["time_off"]),
    ]


def _in_chair(dentist: Row, row: Row, part: Row, now: datetime) -> Block:
    if "status" not in row:
        return _span(part, *_hold(row, now)[2:])
    first = f"{_sign(row)}{row['patient_name']} · {dentist['full_name']}"
    return _span(part, row["status"], (first, row["appointment_type"]))


def _out_of_order(board: Row, clock: Clock) -> "list[Text]":
    """Say under the board which chairs and devices are out of order, and when."""
    from rich.text import Text

    first, last = instant(board["starts_at"]), instant(board["ends_at"])
    away = [
        f"{resource['name']} from {clock(max(instant(row['starts_at']), first)):%H:%M}"
        f" to {clock(min(instant(row['ends_at']), last)):%H:%M}"
        for resource in board["resources"]
        for row in resource["time_off"]
        if not row["closure_id"]
    ]
    away += [resource["name"] for resource in board["resources"] if not resource["is_active"]]
    return [Text(f"  Out of order: {', '.join(away)}", "yellow")] if away else []


def _hold(row: Row, now: datetime) -> Block:
    seconds = int((instant(row["expires_at"]) - now).total_seconds())
    left = f"{seconds // 60}:{seconds % 60:02}"
    return _span(row, "hold", (f"hold {left} {row['patient_name'] or ''}",))


def _buffer(row: Row) -> Block:
    return Block(instant(row["blocked_from"]), instant(row["blocked_until"]), "buffer", ())


def _rows(
    board: Row, columns: list[tuple[str, list[Block]]], height: int
) -> list[tuple[datetime, timedelta]]:
    """Choose the rows, from the first thing that happens to the last: quarters of an hour if they fit."""
    blocks = [block for _, found in columns for block in found]
    midnight, next_midnight = instant(board["starts_at"]), instant(board["ends_at"])
    first = max(min((block.starts_at for block in blocks), default=midnight), midnight)
    last = min(max((block.ends_at for block in blocks), default=first), next_midnight)
    step = timedelta(minutes=15 if (last - first) / timedelta(minutes=15) <= height - _FRAME else 30)
    start = first - timedelta(seconds=first.timestamp() % step.total_seconds())
    return [(start + step * number, step) for number in range(-(-(last - start) // step))]


def _cell(blocks: list[Block], time: datetime, step: timedelta) -> "Text":
    from rich.text import Text

    found = [block for block in blocks if block.starts_at < time + step and block.ends_at > time]
    if not found:
        return Text("")
    if found[0].kind == "free":
        return Text("·", _STYLES["free"])
    if found[0].kind == "buffer":
        return Text("░░", _STYLES["buffer"])
    # What was squeezed in stands beside what was there.
    beside = [block for block in found if block.kind in _VISITS] or found[:1]
    text = " ║ ".join(f"▌{_line(block, time, step)}" for block in beside)
    return Text(text.ljust(200), _STYLES.get(beside[0].kind, ""), overflow="crop", no_wrap=True)


def _line(block: Block, time: datetime, step: timedelta) -> str:
    line = max(0, -((block.starts_at - time) // step)) if block.starts_at <= time else 0
    return block.lines[line] if line < len(block.lines) else ""


def _clock(time: datetime, step: timedelta, now: datetime) -> "Text":
    from rich.text import Text

    if time <= now < time + step:
        return Text(f"▶{time:%H:%M}", "bold red")
    return Text(f" {time:%H:%M}" if time.minute in {0, 30} else "", "dim")


def _legend(board: Row) -> "Text":
    from rich.text import Text

    counts: dict[str, int] = {}
    squeezed = 0
    for dentist in board["dentists"]:
        for row in dentist["appointments"]:
            counts[row["status"]] = counts.get(row["status"], 0) + 1
            squeezed += row["is_squeezed"] and row["status"] != "cancelled"
        counts["hold"] = counts.get("hold", 0) + len(dentist["holds"])
    legend = Text("  ")
    for kind in ("booked", "checked_in", "fulfilled", "no_show", "hold"):
        if counts.get(kind):
            legend.append(f" {counts[kind]} {kind.replace('_', ' ')} ", _STYLES[kind]).append("  ")
    if squeezed:
        legend.append(f"+ {squeezed} squeezed in   ")
    legend.append("· free   ░░ buffer   → takes part", "dim")
    return legend
