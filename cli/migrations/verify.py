"""Is the database what the files say? Compares history with folder, and schema with a fresh build."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from difflib import unified_diff
from functools import cache
from importlib.resources import files
from threading import Lock
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from cli.migrations.apply import apply_one
from cli.migrations.files import Migration
from cli.migrations.history import Applied, read_history
from cli.migrations.leftovers import find_leftovers
from cli.migrations.upgrade import find_upgrade

_QUALIFIER = re.compile(r"\b[a-z_][a-z0-9_]*\.(?=[a-z_\"])")
_QUALIFIED = {"view", "materialized view"}

Catalog = Mapping[tuple[str, str], str]
Build = Callable[[list[Migration]], Catalog]


@dataclass(frozen=True)
class Problem:
    """One disagreement. `diff` is unified: what the files say (-) against what the database has (+)."""

    kind: str
    what: str
    message: str
    hint: str
    diff: str = ""

    def as_json(self) -> dict[str, str]:
        """The shape behind `--json`: `{"kind", "what", "message", "hint", "diff"}`."""
        return asdict(self)


def verify(
    connection: psycopg.Connection[Any], migrations: list[Migration], build: Build | None = None
) -> list[Problem]:
    """List every disagreement between files and database; an empty list means that they are one.

    Only reads from the database. The fresh build is made of the applied files, on a server of its own, unless
    another way to `build` is given.
    """
    history = read_history(connection)
    way = find_upgrade(history, migrations)
    if way:
        hint = "`chairtime migrate up` takes it to today's."
        return [Problem("release", "the database", f"is of release {way.release}", hint)]
    problems = [*history_problems(history, migrations)]
    if any(problem.kind == "missing" for problem in problems):
        return problems
    applied = {row.version for row in history}
    make = build or build_catalog
    wanted = make([migration for migration in migrations if migration.version in applied])
    problems += drift(portable(wanted), portable(read_catalog(connection)))
    return [*problems, *_kept(connection)]


def _kept(connection: psycopg.Connection[Any]) -> Iterator[Problem]:
    for schema in find_leftovers(connection):
        hint = "When you are sure that you will not go back: `chairtime migrate finish`."
        yield Problem("kept", f"schema {schema}", "is still there from before an upgrade", hint)


def history_problems(history: list[Applied], migrations: list[Migration]) -> Iterator[Problem]:
    """Find files that were edited after they were applied, that are gone, or that came too late."""
    by_version = {migration.version: migration for migration in migrations}
    for row in history:
        migration = by_version.get(row.version)
        if migration is None:
            hint = "Bring the file back: the database has what it made."
            yield Problem("missing", f"{row.version}_{row.name}", "was applied, but its file is gone", hint)
        elif row.differs_from(migration):
            hint = (
                "Undo the edit, and write what it should do as a new migration: `chairtime migrate new NAME`."
            )
            diff = _diff("\n;\n".join(migration.texts), "\n;\n".join(row.statements or []))
            yield Problem("edited", migration.path.name, "was edited after it was applied", hint, diff)
    newest = max((row.version for row in history), default="")
    for version in sorted(by_version.keys() - {row.version for row in history}):
        if version < newest:
            hint = "`chairtime migrate up` applies it now, or rename it to the end with a new version."
            yield Problem(
                "out_of_order",
                by_version[version].path.name,
                f"is older than {newest}, yet not applied",
                hint,
            )


def portable(catalog: Catalog) -> Catalog:
    """Take out of views the names before columns, which since Postgres 16 are left out where they can be.

    The fresh build's server may be newer than the one that is checked.
    """
    return {
        (kind, name): _QUALIFIER.sub("", definition) if kind in _QUALIFIED else definition
        for (kind, name), definition in catalog.items()
    }


def drift(wanted: Catalog, found: Catalog) -> Iterator[Problem]:
    """Compare two catalogs, object by object."""
    for kind, name in sorted(wanted.keys() | found.keys()):
        want, have = wanted.get((kind, name)), found.get((kind, name))
        # An extension that no file asks for is the platform's, or another application's.
        if want == have or (kind == "extension" and want is None):
            continue
        verdict = (
            "is missing from"
            if have is None
            else "is unknown to the files but in"
            if want is None
            else "differs in"
        )
        hint = "Somebody changed the database by hand: write the change as a migration, or undo it."
        yield Problem(
            "drift", f"{kind} {name}", f"{verdict} the database", hint, _diff(want or "", have or "")
        )


def read_catalog(connection: psycopg.Connection[Any]) -> Catalog:
    """Read what migrations made: definitions by (kind, name)."""
    with connection.transaction():
        connection.execute("set local search_path = ''")
        query = files("cli.migrations").joinpath("catalog.sql").read_bytes()
        return {(kind, name): definition or "" for kind, name, definition in connection.execute(query)}


def build_catalog(migrations: list[Migration]) -> Catalog:
    """Apply the files to an empty database and read its catalog."""
    with scratch_database() as url, psycopg.connect(url, autocommit=True) as connection:
        for migration in migrations:
            apply_one(connection, migration)
        return read_catalog(connection)


def build_once() -> Build:
    """Return a `build_catalog` for many databases at once, which builds the same files once."""
    lock = Lock()
    built = cache(lambda migrations: build_catalog(list(migrations)))

    def build(migrations: list[Migration]) -> Catalog:
        with lock:
            return built(tuple(migrations))

    return build


@contextmanager
def scratch_database() -> Iterator[str]:
    """Yield the URL of an empty database with all that Supabase provides, on a server of its own."""
    from cli.local.postgres import bootstrap
    from cli.local.temporary import temporary_server

    settings = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
    with temporary_server("chairtime-verify-", settings) as server:
        url = server.superuser_url("postgres")
        bootstrap(url)
        yield make_conninfo(url, options="-c role=postgres")


def _diff(wanted: str, found: str) -> str:
    lines = unified_diff(wanted.splitlines(), found.splitlines(), "files", "database", lineterm="", n=2)
    return "\n".join(lines)
