"""`chairtime migrate`: apply, check and repair migrations, in step with the Supabase CLI."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import output
from cli.errors import ChairtimeError, Exit, usage_error
from cli.project import DbUrl, Yes, find_project

if TYPE_CHECKING:
    from rich.console import RenderableType

    from cli.migrations.files import Migration
    from cli.migrations.history import Applied

app = typer.Typer(no_args_is_help=True, help="Apply, check and repair the database's migrations.")

_MARKS = {
    "applied": "[green]applied[/]",
    "pending": "[yellow]pending[/]",
    "missing": "[red]file is missing[/]",
    "edited": "[red]edited after it was applied[/]",
}


@app.command()
def status(db_url: DbUrl = None) -> None:
    """Show which migrations the database has and which it lacks.

    Exits with 6 if a file that was applied is gone, or was edited since.

    Example: [bold]chairtime migrate status --json[/]
    """
    from cli.migrations.files import read_migrations
    from cli.migrations.history import read_history

    project = find_project()
    local = {migration.version: migration for migration in read_migrations(project.migrations_dir)}
    with _connect(project.db_url(db_url)) as connection:
        remote = {row.version: row for row in read_history(connection)}
    rows = [
        {
            "version": version,
            "name": (local.get(version) or remote[version]).name,
            "state": _state(local.get(version), remote.get(version)),
        }
        for version in sorted(local.keys() | remote.keys())
    ]
    output.emit(rows, _draw_status)
    if any(row["state"] in {"missing", "edited"} for row in rows):
        raise typer.Exit(Exit.PROBLEMS)


def _state(file: "Migration | None", row: "Applied | None") -> str:
    if file is None:
        return "missing"
    if row is None:
        return "pending"
    return "edited" if row.differs_from(file) else "applied"


def _draw_status(rows: list[dict[str, str]]) -> "RenderableType":
    from rich.text import Text

    shown = ((row["version"], row["name"], Text.from_markup(_MARKS[row["state"]])) for row in rows)
    return output.table(("Version", "Name", "State"), shown)


@app.command()
def up(
    to: Annotated[str | None, typer.Option(help="Stop after this version.", show_default=False)] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be applied.")] = False,
    db_url: DbUrl = None,
) -> None:
    """Apply the migrations that the database lacks, in order, one transaction a file.

    Any number may run at once. A file that fails leaves nothing behind.

    Example: [bold]chairtime migrate up --dry-run[/]
    """
    from cli.migrations.apply import apply_pending, find_pending
    from cli.migrations.files import read_migrations

    project = find_project()
    url = project.db_url(db_url)
    if dry_run:
        with _connect(url) as connection:
            done = find_pending(connection, read_migrations(project.migrations_dir), to)
    else:
        done = apply_pending(url, project.migrations_dir, to=to, on_progress=_announce)
    result = {"applied": [_as_json(migration) for migration in done], "dry_run": dry_run}
    output.emit(result, _draw_applied)


def _announce(migration: "Migration") -> None:
    output.note(f"applying [bold]{migration.path.name}[/]")


def _as_json(migration: "Migration") -> dict[str, str]:
    return {"version": migration.version, "name": migration.name}


def _draw_applied(result: dict[str, Any]) -> "RenderableType":
    count = len(result["applied"])
    if not count:
        return "[green]Nothing to apply:[/] the database has every migration."
    if result["dry_run"]:
        return output.table(("Version", "Would be applied"), (row.values() for row in result["applied"]))
    return f"[green]Applied {count} migration{'s' if count > 1 else ''}.[/]"


@app.command()
def new(name: Annotated[str, typer.Argument(help="What the migration does: add_recall_reminders.")]) -> None:
    """Make an empty migration file with the next version.

    Example: [bold]chairtime migrate new add_recall_reminders[/]
    """
    slug = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    if not slug:
        raise usage_error(f"{name!r} leaves nothing for a file name", "Use letters and digits.")
    folder = find_project().migrations_dir
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{datetime.now(UTC):%Y%m%d%H%M%S}_{slug}.sql"
    try:
        path.open("x").close()
    except FileExistsError:
        raise ChairtimeError(f"{path.name} exists", "conflict", "Try again in a second.") from None
    output.emit({"path": str(path)}, lambda result: result["path"])


@app.command()
def verify(db_url: DbUrl = None) -> None:
    """Check that the database is what the files say, and show the difference.

    Finds files edited after they were applied, missing and out-of-order files, and drift between the live
    schema and one built afresh (on a server of its own: the database is only read).

    Example: [bold]chairtime migrate verify[/]
    """
    from cli.migrations.files import read_migrations
    from cli.migrations.verify import verify as find_problems

    project = find_project()
    migrations = read_migrations(project.migrations_dir)
    with _connect(project.db_url(db_url)) as connection:
        problems = [problem.as_json() for problem in find_problems(connection, migrations)]
    output.emit({"ok": not problems, "problems": problems}, _draw_problems)
    if problems:
        raise typer.Exit(Exit.PROBLEMS)


def _draw_problems(result: dict[str, Any]) -> "RenderableType":
    from rich.console import Group

    if result["ok"]:
        return "[green]In step:[/] files, history and live schema agree."
    return Group(*(part for problem in result["problems"] for part in _draw_problem(problem)))


def _draw_problem(problem: dict[str, str]) -> "Iterator[RenderableType]":
    from rich.markup import escape
    from rich.syntax import Syntax

    yield f"[bold red]{problem['kind']}[/] [bold]{escape(problem['what'])}[/] {escape(problem['message'])}"
    if problem["diff"]:
        yield Syntax(problem["diff"], "diff", theme="ansi_dark", background_color="default", word_wrap=True)
    yield f"[cyan]hint[/] {escape(problem['hint'])}\n"


@app.command()
def repair(
    versions: Annotated[
        list[str], typer.Argument(help="Versions, as in the file names.", show_default=False)
    ],
    applied: Annotated[bool, typer.Option("--applied", help="Record the files as applied.")] = False,
    reverted: Annotated[bool, typer.Option("--reverted", help="Forget that they were applied.")] = False,
    yes: Yes = False,
    db_url: DbUrl = None,
) -> None:
    """Correct the history without running anything.

    Example: [bold]chairtime migrate repair 20260101000200 --applied --yes[/]
    """
    from cli.migrations.files import read_migrations
    from cli.migrations.history import repair as rewrite

    if applied == reverted:
        raise usage_error("repair needs to know what is true", "Pass either --applied or --reverted.")
    project = find_project()
    by_version = {migration.version: migration for migration in read_migrations(project.migrations_dir)}
    unknown = [version for version in versions if version not in by_version]
    if applied and unknown:
        raise ChairtimeError(
            f"no file has version {', '.join(unknown)}", "not_found", exit_code=Exit.NOT_FOUND
        )
    with _connect(project.db_url(db_url)) as connection:
        output.confirm(f"Rewrite the history of {connection.info.host}/{connection.info.dbname}?", yes)
        rewrite(
            connection, [by_version[v] for v in versions] if applied else [], versions if reverted else []
        )
    result = {"versions": versions, "state": "applied" if applied else "reverted"}
    output.emit(result, lambda it: f"[green]Recorded as {it['state']}:[/] {', '.join(it['versions'])}")


@app.command()
def lint(
    files: Annotated[
        list[str] | None, typer.Argument(help="Only these versions or file names.", show_default=False)
    ] = None,
) -> None:
    """Check the files' style, and find what Supabase refuses, locks large tables or opens a door.

    Example: [bold]chairtime migrate lint[/]
    """
    from cli.migrations.files import read_migrations
    from cli.migrations.lint import lint as find_faults

    migrations = read_migrations(find_project().migrations_dir)
    wanted = [it for it in migrations if not files or {it.version, it.path.name} & set(files)]
    if files and len(wanted) < len(set(files)):
        raise ChairtimeError("some of these files do not exist", "not_found", exit_code=Exit.NOT_FOUND)
    output.note(f"[dim]reading {len(wanted)} files…[/]")
    findings = [finding.as_json() for finding in find_faults(wanted, migrations)]
    output.emit({"ok": not findings, "findings": findings}, _draw_findings)
    if findings:
        raise typer.Exit(Exit.PROBLEMS)


def _draw_findings(result: dict[str, Any]) -> "RenderableType":
    from rich.console import Group
    from rich.markup import escape

    if result["ok"]:
        return "[green]Nothing to mend.[/]"
    return Group(
        *(
            f"{it['file']}:{it['line']} [yellow]{it['rule']}[/] {escape(it['message'])}"
            + (f"\n  [cyan]hint[/] {escape(it['hint'])}" if it["hint"] else "")
            for it in result["findings"]
        )
    )


@contextmanager
def _connect(url: str) -> "Iterator[Any]":
    import psycopg

    with psycopg.connect(url, autocommit=True, prepare_threshold=None, connect_timeout=10) as connection:
        yield connection
