"""`chairtime migrate new, lint, baseline, freeze`: the files alone, whatever a database has of them."""

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import output
from cli.errors import ChairtimeError, Exit, usage_error
from cli.project import find_project

if TYPE_CHECKING:
    from rich.console import RenderableType

    from cli.migrations.files import Migration


def new(
    name: Annotated[str, typer.Argument(help="What the migration does: add_recall_reminders.")],
    from_schemas: Annotated[
        bool,
        typer.Option("--from-schemas", help="Draft what leads from the migrations to supabase/schemas."),
    ] = False,
) -> None:
    """Make a migration file with the next version: a comment, and nothing yet, or a draft.

    A draft has the functions, views, triggers, policies, grants and comments that differ between a database
    built by the migrations and one built by supabase/schemas (both on a server of its own), and names what a
    person must write: tables, columns, constraints, data.

    Example: [bold]chairtime migrate new add_recall_reminders[/]
    """
    slug = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    if not slug:
        raise usage_error(f"{name!r} leaves nothing for a file name", "Use letters and digits.")
    title = f"-- {slug.replace('_', ' ').capitalize()}.\n"
    text, by_hand = _draft(title) if from_schemas else (title, [])
    folder = find_project().migrations_dir
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{datetime.now(UTC):%Y%m%d%H%M%S}_{slug}.sql"
    try:
        with path.open("x") as file:
            file.write(text)
    except FileExistsError:
        raise ChairtimeError(f"{path.name} exists", "conflict", "Try again in a second.") from None
    output.emit({"path": str(path), "by_hand": by_hand}, _draw_new)


def _draft(title: str) -> tuple[str, list[str]]:
    from cli.migrations.draft import draft

    schemas, (_, migrations) = _schemas(), _read()
    output.note("[dim]building both…[/]")
    made = draft(schemas, migrations)
    if not made.statements and not made.by_hand:
        raise ChairtimeError("the migrations lead to what the schemas say", "conflict", "Nothing is new.")
    return made.text(title), made.by_hand


def _draw_new(result: dict[str, Any]) -> "RenderableType":
    from rich.console import Group
    from rich.markup import escape

    by_hand = (f"[yellow]write by hand[/] {escape(what)}" for what in result["by_hand"])
    return Group(escape(result["path"]), *by_hand)


def lint(
    files: Annotated[
        list[str] | None, typer.Argument(help="Only these versions or file names.", show_default=False)
    ] = None,
) -> None:
    """Check the files' style, and find what Supabase refuses, locks large tables or opens a door.

    Looks at supabase/schemas and at migrations that are not released. It refuses an edit of one that is, and,
    until it is, a baseline that is not what the schemas say.

    Example: [bold]chairtime migrate lint[/]
    """
    from cli.migrations.lint import lint as find_faults
    from cli.migrations.lint import lint_history
    from cli.migrations.released import read_lock
    from cli.migrations.schemas import BASELINE

    schemas, migrations = _read()
    lock = read_lock(find_project().lock_file)
    written = [it for it in migrations if it.path.name not in {BASELINE, *lock}]
    wanted = [it for it in (*schemas, *written) if not files or {it.version, it.path.name} & set(files)]
    if files and len(wanted) < len(set(files)):
        hint = "Schemas, and migrations that are not released, are looked at."
        raise ChairtimeError("some of these files do not exist", "not_found", hint, Exit.NOT_FOUND)
    output.note(f"[dim]reading {len(wanted)} files…[/]")
    found = [] if files else lint_history(schemas, migrations, lock)
    for folder in (schemas, migrations):
        found += find_faults([it for it in wanted if it in folder], folder)
    findings = [finding.as_json() for finding in found]
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
            f"{escape(it['file'])}:{it['line']} [yellow]{it['rule']}[/] {escape(it['message'])}"
            + (f"\n  [cyan]hint[/] {escape(it['hint'])}" if it["hint"] else "")
            for it in result["findings"]
        )
    )


def baseline() -> None:
    """Write the first migration anew from supabase/schemas, until it is released.

    Example: [bold]chairtime migrate baseline[/]
    """
    from rich.markup import escape

    from cli.migrations.released import read_lock
    from cli.migrations.schemas import write_baseline

    project = find_project()
    schemas = _schemas()
    project.migrations_dir.mkdir(parents=True, exist_ok=True)
    path = write_baseline(schemas, project.migrations_dir, frozenset(read_lock(project.lock_file)))
    output.emit({"path": str(path)}, lambda result: escape(result["path"]))


def freeze() -> None:
    """Record all migrations as released: from now on `migrate lint` refuses an edit of any of them.

    Their digests go into supabase/migrations.lock, as `sha256sum --check` reads them.

    Example: [bold]chairtime migrate freeze[/]
    """
    from cli.migrations.lint import lint_history
    from cli.migrations.released import read_lock, write_lock

    schemas, migrations = _read()
    lock_file = find_project().lock_file
    wrong = lint_history(schemas, migrations, read_lock(lock_file))
    if wrong:
        raise ChairtimeError(f"{wrong[0].file} {wrong[0].message}", "conflict", wrong[0].hint)
    if not migrations:
        raise _none_in("migrations")
    write_lock(lock_file, migrations)
    output.emit({"released": [it.path.name for it in migrations]}, _draw_released)


def _draw_released(result: dict[str, Any]) -> str:
    from rich.markup import escape

    return f"[green]Released:[/] {escape(', '.join(result['released']))}"


def _read() -> "tuple[list[Migration], list[Migration]]":
    from cli.migrations.files import read_migrations
    from cli.migrations.schemas import read_schemas

    project = find_project()
    return read_schemas(project.schemas_dir), read_migrations(project.migrations_dir)


def _schemas() -> "list[Migration]":
    from cli.migrations.schemas import read_schemas

    found = read_schemas(find_project().schemas_dir)
    if not found:
        raise _none_in("schemas")
    return found


def _none_in(folder: str) -> ChairtimeError:
    return ChairtimeError(f"no files in supabase/{folder}", "not_found", exit_code=Exit.NOT_FOUND)
