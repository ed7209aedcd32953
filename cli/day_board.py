"""Drawing a clinic's day: dentists as columns, time downwards, in the clinic's wall clock."""

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
    "time_off": "grey62 on grey19",
    "buffer": "grey50",
    "free": "grey42",
}
_SIGNS = {"booked": "", "checked_in": "✓ ", "fulfilled": "✓ ", "no_show": "✗ "}


class Block(NamedTuple):
    """A stretch of a dentist's day, and the lines to write into it."""

    starts_at: datetime
    ends_at: datetime
    kind: str
    lines: tuple[str, ...]


def draw(
    board: Row, title: str, now: datetime, height: int, clock: Callable[[datetime], datetime]
) -> "RenderableType":
    """Draw what `clinic_day` returned.

    `now` is the server's clock; `height` the terminal's, in lines; `clock` the clinic's wall clock.
    """
    from rich import box
    from rich.console import Group
    from rich.markup import escape
    from rich.table import Table
    from rich.text import Text

    columns = [(dentist["full_name"], _blocks(dentist, now)) for dentist in board["dentists"]]
    if not columns:
        return f"[bold]{escape(title)}[/]\n[yellow]No dentists here yet:[/] chairtime admin dentist create."
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
    return Group(table, _legend(board))


def _blocks(dentist: Row, now: datetime) -> list[Block]:
    """List a dentist's stretches, those that cover others first."""
    return [
        *(_appointment(row) for row in dentist["appointments"] if row["status"] != "cancelled"),
        *(_hold(row, now) for row in dentist["holds"] if instant(row["expires_at"]) > now),
        *(_span(row, "time_off", (row["reason"] or "time off",)) for row in dentist["time_off"]),
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
    first = f"{_SIGNS.get(row['status'], '')}{row['patient_name']}"
    return _span(
        row, row["status"], (first, f"{row['appointment_type']} · {row['status'].replace('_', ' ')}")
    )


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

    found = next((b for b in blocks if b.starts_at < time + step and b.ends_at > time), None)
    if found is None:
        return Text("")
    if found.kind == "free":
        return Text("·", _STYLES["free"])
    if found.kind == "buffer":
        return Text("░░", _STYLES["buffer"])
    line = max(0, -((found.starts_at - time) // step)) if found.starts_at <= time else 0
    text = found.lines[line] if line < len(found.lines) else ""
    return Text(f"▌{text}".ljust(200), _STYLES.get(found.kind, ""), overflow="crop", no_wrap=True)


def _clock(time: datetime, step: timedelta, now: datetime) -> "Text":
    from rich.text import Text

    if time <= now < time + step:
        return Text(f"▶{time:%H:%M}", "bold red")
    return Text(f" {time:%H:%M}" if time.minute in {0, 30} else "", "dim")


def _legend(board: Row) -> "Text":
    from rich.text import Text

    counts: dict[str, int] = {}
    for dentist in board["dentists"]:
        for row in dentist["appointments"]:
            counts[row["status"]] = counts.get(row["status"], 0) + 1
        counts["hold"] = counts.get("hold", 0) + len(dentist["holds"])
    legend = Text("  ")
    for kind in ("booked", "checked_in", "fulfilled", "no_show", "hold"):
        if counts.get(kind):
            legend.append(f" {counts[kind]} {kind.replace('_', ' ')} ", _STYLES[kind]).append("  ")
    legend.append("· free   ░░ buffer", "dim")
    return legend
