"""Rendering: data on stdout (JSON or rich), chatter on stderr. Commands say what, this module says how."""

import json
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from cli.errors import ChairtimeError, usage_error

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.text import Text

_state = {"json": False}

_LONGEST_WORD = 36  # an id's


def use_json(wanted: bool) -> None:
    """Choose the rendering for this run; `--json`, which every command takes, calls this."""
    _state["json"] = wanted


def is_json() -> bool:
    """Whether this run answers in JSON."""
    return _state["json"]


@cache
def console() -> "Console":
    """The terminal for data (stdout). Rich honours NO_COLOR, FORCE_COLOR and pipes by itself."""
    from cli.terminal import SafeConsole

    return SafeConsole(highlight=False, soft_wrap=not sys.stdout.isatty())


@cache
def chatter() -> "Console":
    """The terminal for progress, questions and errors (stderr)."""
    from cli.terminal import SafeConsole

    return SafeConsole(stderr=True, highlight=False, soft_wrap=not sys.stderr.isatty())


def emit(data: Any, render: "Callable[[Any], RenderableType] | None" = None) -> None:
    """Print a command's result: `data` as JSON under `--json`, otherwise what `render(data)` draws."""
    if is_json() or render is None:
        print(_as_json(data, indent=2))
    else:
        console().print(render(data))


def emit_line(data: Any, render: "Callable[[Any], RenderableType]") -> None:
    """Print one element of a stream: one JSON object a line under `--json`."""
    if is_json():
        print(_as_json(data), flush=True)
    else:
        console().print(render(data))


def note(text: str) -> None:
    """Say something on stderr (rich markup allowed); silent under `--json`."""
    if not is_json():
        chatter().print(text)


def report(error: ChairtimeError) -> None:
    """Print an error: one line and a hint, or one JSON object, on stderr."""
    from rich.markup import escape

    if is_json():
        print(_as_json(error.as_json()), file=sys.stderr)
        return
    chatter().print(f"[bold red]error[/] [dim]{escape(error.code)}[/] {escape(error.message)}")
    if error.hint:
        chatter().print(f"[bold cyan]hint[/]  {escape(error.hint)}")


def confirm(question: str, yes: bool) -> None:
    """Ask before something destructive. Off a terminal, only `--yes` will do."""
    if yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise usage_error(f"{question} Nobody is here to answer.", "Pass --yes.")
    from rich.markup import escape

    answer = chatter().input(f"[bold yellow]?[/] {escape(question)} [dim]\\[y/N][/] ")
    if answer.strip().lower() not in {"y", "yes"}:
        raise ChairtimeError("nothing done", "declined")


def table(
    columns: Sequence[str], rows: Iterable[Sequence[Any]], title: str | None = None
) -> "RenderableType":
    """Draw a plain table, the house style of every list. None shows as nothing, true as yes."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    lines = [list(map(_shown, row)) for row in rows]
    drawn = Table(
        title=title and Text(title),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        header_style="bold",
        padding=(0, 1, 0, 0),
        pad_edge=False,
        show_edge=False,
    )
    for number, column in enumerate(columns):
        drawn.add_column(
            column, overflow="fold", no_wrap=_is_one_word([line[number].plain for line in lines])
        )
    for line in lines:
        drawn.add_row(*line)
    return drawn


def _is_one_word(cells: list[str]) -> bool:
    """Whether a column is of no use cut in two: ids, addresses, names of time zones."""
    return all(" " not in cell and len(cell) <= _LONGEST_WORD for cell in cells)


def fields(pairs: Iterable[tuple[str, Any]]) -> "RenderableType":
    """Draw one thing's fields, name beside value."""
    from rich.table import Table

    drawn = Table.grid(padding=(0, 2))
    drawn.add_column(style="dim")
    drawn.add_column(overflow="fold")
    for name, value in pairs:
        drawn.add_row(name, _shown(value))
    return drawn


def emit_row(verb: str, row: dict[str, Any]) -> None:
    """Print one row of the API: what was done to it, then its fields."""
    from rich.console import Group

    shown = [(name.replace("_", " "), value) for name, value in row.items() if value is not None]
    emit(row, lambda _: Group(f"[green]{verb}[/]", fields(shown)))


def emit_rows(rows: list[dict[str, Any]], columns: Sequence[str]) -> None:
    """Print rows of the API, sorted by the first of the columns; JSON has them all."""
    ordered = sorted(rows, key=lambda row: str(row[columns[0]]))
    heads = [column.removeprefix("is_").replace("_", " ").capitalize() for column in columns]
    emit(ordered, lambda found: table(heads, ([row[column] for column in columns] for row in found)))


def _shown(value: Any) -> "Text":
    """Draw a cell. Strings are data, whatever they say; markup comes as `Text`."""
    from rich.text import Text

    from cli.terminal import visible

    if isinstance(value, Text):
        return value
    if isinstance(value, bool):
        return Text("yes" if value else "no")
    return Text("" if value is None else visible(str(value)))


def _as_json(data: Any, indent: int | None = None) -> str:
    text = json.dumps(data, indent=indent, ensure_ascii=False, default=_encode)
    # JSON escapes the ASCII ones itself; terminals obey more.
    return re.sub(r"[\x7f-\x9f\u202a-\u202e\u2066-\u2069]", lambda found: f"\\u{ord(found[0]):04x}", text)


def _encode(value: Any) -> str:
    return value.isoformat() if isinstance(value, date | datetime) else str(value)
