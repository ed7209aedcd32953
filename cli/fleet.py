"""Many databases at once: a file that names them, one piece of work for each, one report of all."""

import os
import tomllib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from string import Template
from threading import Event
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple
from urllib.parse import quote

import typer

from cli import output
from cli.errors import ChairtimeError, Exit, translate, usage_error
from cli.project import SETTINGS, Project, find_project

if TYPE_CHECKING:
    from rich.console import RenderableType

Databases = Annotated[
    Path | None,
    typer.Option(
        "--databases",
        metavar="FILE",
        help="Do it for every database that this TOML file names; after a failure begin no other.",
        show_default=False,
    ),
]
Parallel = Annotated[int, typer.Option("--parallel", min=1, help="How many of the file's databases at once.")]

_STATES = {"done": "[green]done[/]", "failed": "[bold red]failed[/]", "not begun": "[yellow]not begun[/]"}
_EXAMPLE = 'Write [north] and below it db_url = "postgresql://postgres:${NORTH_PASSWORD}@host:5432/postgres".'


class Finding(NamedTuple):
    """What a command found or did at one database: its JSON, one line for people, and whether all is well."""

    result: Any
    summary: str
    well: bool = True


@dataclass(frozen=True)
class Outcome:
    """How one database of the file fared. `error` is there when it was not even possible to look."""

    name: str
    state: Literal["done", "failed", "not begun"]
    summary: str = ""
    result: Any = None
    error: dict[str, Any] | None = None
    exit_code: int = Exit.OK

    def as_json(self) -> dict[str, Any]:
        """The shape behind `--json`: `{"name", "state", "summary", "result", "error"}`."""
        return {name: value for name, value in asdict(self).items() if name != "exit_code"}


Say = Callable[[str], None]
Work = Callable[[Project, Say], Finding]


def answer(
    work: Work, draw: "Callable[[Any], RenderableType]", db_url: str | None, file: Path | None, parallel: int
) -> None:
    """Do a command's work at one database, or at all of a file, and print what was found.

    Exits with 6 if not all is well; of many, as the first that failed would have.
    """
    project = find_project()
    if file is None:
        found = work(project, tell)
        output.emit(found.result, draw)
        code = Exit.OK if found.well else Exit.PROBLEMS
    elif db_url:
        raise usage_error("--db-url names one database, --databases many", "Pass one of them.")
    else:
        outcomes = run(read_fleet(project, file), work, parallel)
        code = next((it.exit_code for it in outcomes if it.state == "failed"), Exit.OK)
        output.emit({"ok": not code, "databases": [it.as_json() for it in outcomes]}, _draw)
    if code:
        raise typer.Exit(code)


def run(cells: dict[str, Project], work: Work, parallel: int) -> list[Outcome]:
    """Do the work, a few at a time and in the file's order. After a failure none is begun, all end."""
    from cli.local.temporary import ENDING, interrupt, signals

    stop = Event()

    def attempt(name: str, cell: Project) -> Outcome:
        if stop.is_set():
            return Outcome(name, "not begun")
        outcome = _attempt(name, cell, work)
        if outcome.state == "failed":
            stop.set()
        output.note(f"{_bold(name)} {_STATES[outcome.state]}")
        return outcome

    # What a thread started it ends: it hears no signals.
    with signals(dict.fromkeys(ENDING, interrupt)), ThreadPoolExecutor(parallel) as pool:
        try:
            return list(pool.map(attempt, cells, cells.values()))
        finally:
            stop.set()  # after Ctrl-C, too


def _attempt(name: str, cell: Project, work: Work) -> Outcome:
    try:
        found = work(cell, lambda text: tell(text, f"{_bold(name)} "))
    except Exception as error:
        # What nobody foresaw must not take the report of the others with it.
        known = translate(error) or ChairtimeError(f"{type(error).__name__}: {error}", "internal_error")
        error_json = known.as_json()["error"]
        return Outcome(name, "failed", known.message, error=error_json, exit_code=known.exit_code)
    if found.well:
        return Outcome(name, "done", found.summary, found.result)
    return Outcome(name, "failed", found.summary, found.result, exit_code=Exit.PROBLEMS)


def tell(text: str, before: str = "") -> None:
    """Say plain text on stderr, whatever stands in it."""
    from rich.markup import escape

    output.note(before + escape(text))


def _bold(name: str) -> str:
    from rich.markup import escape

    return f"[bold]{escape(name)}[/]"


def _draw(report: dict[str, Any]) -> "RenderableType":
    from rich.console import Group
    from rich.text import Text

    rows = report["databases"]
    lines = [(row["name"], Text.from_markup(_STATES[row["state"]]), _told(row)) for row in rows]
    counts = [f"{sum(row['state'] == state for row in rows)} {state}" for state in _STATES]
    return Group(output.table(("Database", "State", "What"), lines), "", f"[bold]{', '.join(counts)}.[/]")


def _told(row: dict[str, Any]) -> str:
    error = row["error"]
    # What helps where a database does not answer speaks of the one that is this machine's.
    hint = error["hint"] if error and error["code"] != "unreachable" else None
    return "\n".join(filter(None, (row["summary"], hint)))


def read_fleet(project: Project, file: Path) -> dict[str, Project]:
    """Read the file: this project's files with each database's settings, by the database's name.

    Raises ChairtimeError `invalid_argument` if anything in it is not understood: nothing is begun then.
    """
    try:
        tables = tomllib.loads(file.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise usage_error(f"{file} is not TOML: {error}", _EXAMPLE) from error
    if not tables:
        raise usage_error(f"{file} names no database", _EXAMPLE)
    cells = {name: replace(project, given=_settings(name, table)) for name, table in tables.items()}
    _refuse_twins({name: cell.db_url() for name, cell in cells.items()})
    return cells


def _settings(name: str, table: Any) -> dict[str, str]:
    if not isinstance(table, dict) or not isinstance(table.get("db_url"), str):
        raise usage_error(f"{name} has no db_url", _EXAMPLE)
    for setting, value in table.items():
        if setting not in SETTINGS or not isinstance(value, str):
            raise usage_error(
                f"{name}: {setting} is not a setting, or not text", f"Use {', '.join(SETTINGS)}."
            )
    return {setting: _interpolated(f"{name}.{setting}", value) for setting, value in table.items()}


def _interpolated(where: str, text: str) -> str:
    """Put variables where ${NAME} stands, written for a URL if they are a part of one."""
    is_url = "://" in text
    variables = {name: quote(value, safe="") if is_url else value for name, value in os.environ.items()}
    try:
        return Template(text).substitute(variables)
    except KeyError as error:
        raise usage_error(f"{where}: there is no variable {error.args[0]}", "Set it.") from error
    except ValueError as error:
        raise usage_error(f"{where}: {error}", "Write $$ for a dollar sign.") from error


def _refuse_twins(urls: dict[str, str]) -> None:
    names: dict[str, str] = {}
    for name, url in urls.items():
        if url in names:
            raise usage_error(f"{names[url]} and {name} are one database", "Give each a db_url of its own.")
        names[url] = name
