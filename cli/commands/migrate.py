"""`chairtime migrate`: apply, check and repair migrations, in step with the Supabase CLI."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import output
from cli.commands import migrate_files
from cli.errors import ChairtimeError, Exit, usage_error
from cli.fleet import Databases, Finding, Parallel, Say, answer, tell
from cli.project import DbUrl, Project, Yes, find_project

if TYPE_CHECKING:
    from rich.console import RenderableType

    from cli.migrations.files import Migration
    from cli.migrations.history import Applied

app = typer.Typer(no_args_is_help=True, help="Apply, check and repair the database's migrations.")

_SHOWN = 3  # problems, in the line that tells of one database among many
_MARKS = {
    "applied": "[green]applied[/]",
    "pending": "[yellow]pending[/]",
    "missing": "[red]file is missing[/]",
    "edited": "[red]edited after it was applied[/]",
}


@app.command()
def status(db_url: DbUrl = None, databases: Databases = None, parallel: Parallel = 4) -> None:
    """Show which migrations the database has and which it lacks.

    Exits with 6 if a file that was applied is gone, or was edited since.

    Example: [bold]chairtime migrate status --json[/]
    """

    def look(project: Project, say: Say) -> Finding:
        rows = _compare(project, db_url, say)
        states = [row["state"] for row in rows]
        counts = (f"{states.count(state)} {state}" for state in _MARKS if state in states)
        return Finding(rows, ", ".join(counts), not {"missing", "edited"}.intersection(states))

    answer(look, _draw_status, db_url, databases, parallel)


def _compare(project: Project, db_url: str | None, say: Say) -> list[dict[str, str]]:
    from cli.migrations.files import read_migrations
    from cli.migrations.history import read_history
    from cli.migrations.upgrade import find_upgrade

    migrations = read_migrations(project.migrations_dir)
    local = {migration.version: migration for migration in migrations}
    with _connect(project.db_url(db_url)) as connection:
        history = read_history(connection)
    way = find_upgrade(history, migrations)
    if way:
        say(f"this database is of release {way.release}: `chairtime migrate up` takes it to today's")
    remote = {} if way else {row.version: row for row in history}
    return [
        {
            "version": version,
            "name": (local.get(version) or remote[version]).name,
            "state": _state(local.get(version), remote.get(version)),
        }
        for version in sorted(local.keys() | remote.keys())
    ]


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
    databases: Databases = None,
    parallel: Parallel = 4,
) -> None:
    """Apply the migrations that the database lacks, in order, one transaction a file.

    Any number may run at once. A file that fails leaves nothing behind. A database of release 0.1 is taken to
    0.2 in one transaction, and keeps its old tables until [bold]migrate finish[/].

    Example: [bold]chairtime migrate up --dry-run[/]
    """

    def apply(project: Project, say: Say) -> Finding:
        done = [_as_json(migration) for migration in _apply(project, db_url, to, dry_run, say)]
        summary = f"{len(done)} {'would be ' if dry_run else ''}applied"
        return Finding({"applied": done, "dry_run": dry_run}, summary)

    answer(apply, _draw_applied, db_url, databases, parallel)


def _apply(
    project: Project, db_url: str | None, to: str | None, dry_run: bool, say: Say
) -> "list[Migration]":
    from cli.migrations.apply import apply_pending, find_pending
    from cli.migrations.files import read_migrations

    url = project.db_url(db_url)
    if dry_run:
        with _connect(url) as connection:
            return find_pending(connection, read_migrations(project.migrations_dir), to)

    def announce(migration: "Migration") -> None:
        say(f"applying {migration.path.name}")

    return apply_pending(url, project.migrations_dir, to=to, on_progress=announce, say=say)


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
def verify(db_url: DbUrl = None, databases: Databases = None, parallel: Parallel = 4) -> None:
    """Check that the database is what the files say, and show the difference.

    Finds files edited after they were applied, missing and out-of-order files, and drift between the live
    schema and one built afresh (on a server of its own: the database is only read).

    Example: [bold]chairtime migrate verify[/]
    """
    from cli.migrations.files import read_migrations
    from cli.migrations.verify import build_once
    from cli.migrations.verify import verify as find_problems

    build = build_once()

    def look(project: Project, _: Say) -> Finding:
        migrations = read_migrations(project.migrations_dir)
        with _connect(project.db_url(db_url)) as connection:
            problems = [problem.as_json() for problem in find_problems(connection, migrations, build)]
        summary = "; ".join(f"{it['what']} {it['message']}" for it in problems[:_SHOWN]) or "in step"
        more = f"; {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        return Finding({"ok": not problems, "problems": problems}, summary + more, not problems)

    answer(look, _draw_problems, db_url, databases, parallel)


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
def finish(yes: Yes = False, db_url: DbUrl = None) -> None:
    """Drop what an upgrade kept of the release before: from then on there is no way back.

    Example: [bold]chairtime migrate finish --yes[/]
    """
    from cli.migrations.leftovers import drop_leftovers, find_leftovers

    with _connect(find_project().db_url(db_url)) as connection:
        found = find_leftovers(connection)
        if found:
            place = f"{connection.info.host}/{connection.info.dbname}"
            output.confirm(f"Drop {' and '.join(found)} of {place}?", yes)
            drop_leftovers(connection, tell)
    output.emit({"dropped": found}, _draw_dropped)


def _draw_dropped(result: dict[str, Any]) -> "RenderableType":
    names = " and ".join(result["dropped"])
    return f"[green]Dropped[/] {names}." if names else "[green]Nothing to drop:[/] no upgrade left anything."


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

    Example: [bold]chairtime migrate repair 20261101000000 --applied --yes[/]
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
    output.emit(result, _draw_repaired)


def _draw_repaired(result: dict[str, Any]) -> str:
    from rich.markup import escape

    return f"[green]Recorded as {result['state']}:[/] {escape(', '.join(result['versions']))}"


for command in (migrate_files.baseline, migrate_files.freeze, migrate_files.new, migrate_files.lint):
    app.command()(command)


@contextmanager
def _connect(url: str) -> "Iterator[Any]":
    import psycopg

    with psycopg.connect(url, autocommit=True, prepare_threshold=None, connect_timeout=10) as connection:
        yield connection
