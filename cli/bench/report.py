"""The report in words and numbers, for the terminal and the page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import RenderableType

COLUMNS = ("measured", "median", "beside", "its median", "ratio (lowest to highest)", "also")


def headline(report: dict[str, Any]) -> list[str]:
    """Say on what it was measured, and how."""
    machine = report["machine"]
    poured = ", ".join(f"{one['appointments']:,} in {one['seconds']:.0f} s" for one in report["histories"])
    return [
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gb']} GB, {machine['system']};"
        f" a synced write takes {machine['sync_ms']} ms, the load was {machine['load_before']}",
        f"Postgres {machine['postgres']}, Python {machine['python']}, Chairtime {machine['chairtime']}, {machine['at']}",
        f"{report['mode']}, {report['rounds']} rounds in turns, seed {report['seed']}, {report['seconds']:.0f} s in all",
        *([f"Simulated appointments: {poured}"] if poured else []),
    ]


def cells(line: dict[str, Any]) -> tuple[str, ...]:
    """Return what a row of the table shows of a line."""
    value, yardstick, ratio = line["value"], line["yardstick"], line["ratio"]
    more = ", ".join(
        f"{name} {_short(number)}" for name, number in line["more"].items() if name != "appointments"
    )
    return (
        line["name"],
        f"{_short(value['median'])} {line['unit']}",
        line["against"].rpartition(": ")[2],
        _short(yardstick["median"]),
        f"{_short(ratio['median'])} ({_short(ratio['low'])} to {_short(ratio['high'])})",
        more,
    )


def _short(number: float) -> str:
    """Write a number with three digits that count."""
    if number == int(number) or abs(number) >= 100:  # noqa: PLR2004
        return f"{number:,.0f}"
    return f"{number:.3g}"


def draw(report: dict[str, Any]) -> RenderableType:
    """Draw the tables for a terminal."""
    from rich.console import Group
    from rich.text import Text

    from cli import output

    parts: list[RenderableType] = [Text("\n".join(headline(report)))]
    for chapter in report["chapters"]:
        parts += [
            Text(""),
            Text(chapter["title"], style="bold"),
            Text(chapter["about"], style="dim"),
            output.table(COLUMNS, map(cells, chapter["lines"])),
        ]
    parts += [Text(f"Left out: {text}", style="yellow") for text in report["left_out"]]
    return Group(*parts)
