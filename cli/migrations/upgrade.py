"""The way of a release whose database is not altered but built anew, with its rows copied: supabase/upgrades.

Everything happens in one transaction: the old schemas get other names, the migrations run under the real
ones, a script copies the rows. Until it commits, others see the old schemas, whole; whatever interrupts it,
nothing has happened.
"""

import hashlib
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, LiteralString

from psycopg import Connection, sql

from cli.errors import ChairtimeError
from cli.migrations.files import Migration, Statement, code_offset, digest
from cli.migrations.history import Applied, move_away, read_history, record
from cli.migrations.run import BUSY, Say, alone, patiently, run

SCHEMAS = ("clinic", "api")

_HEADER = re.compile(r"^-- (history|until): (\S+)$", re.MULTILINE)
_LOCK_TABLE = re.compile(r"lock\s+table\b", re.IGNORECASE)
# Tables of the platform that everybody reads: nobody is locked out of them until the end.
_FOREIGN_POLICY = re.compile(r"create\s+policy\s+(\w+)\s+on\s+(realtime\.\w+)", re.IGNORECASE)

# Building asks for locks that readers do not mind. With a second and more, autovacuum gives way.
_SETTINGS: LiteralString = "set local lock_timeout = '2s'; set local statement_timeout = 0"
# For how many milliseconds one waits for locks on tables that others write, and on those that all read, too.
_WAITS_OF_WRITERS = (50, 100, 200, 400, 800, 1500, 1500)
_WAITS_OF_READERS = (50, 100, 200, 300, 400, 400, 400, 400, 400, 400)

_OUTSIDERS: LiteralString = """
  select distinct pg_describe_object(d.classid, d.objid, d.objsubid)
  from pg_depend as d
  cross join lateral pg_identify_object(d.refclassid, d.refobjid, 0) as ours
  cross join lateral pg_identify_object(d.classid, d.objid, 0) as theirs
  where
    d.refclassid in ('pg_class'::regclass, 'pg_proc'::regclass, 'pg_type'::regclass) and d.refobjid >= 16384
    and d.deptype <> 'i' and ours.schema = any(%(old)s) and theirs.identity !~ %(within)s
    and theirs.identity !~ '^pg_toast'
"""

Progress = Callable[[Migration], None]


@dataclass(frozen=True)
class Upgrade:
    """A script of supabase/upgrades, named by the release it leads from, and the version it leads to."""

    script: Migration
    until: str

    @property
    def release(self) -> str:
        """The release it leads away from, which is the file's name."""
        return self.script.version

    def moved(self, schema: str) -> str:
        """Where a schema of that release is kept."""
        return f"{schema}_{self.release.replace('.', '_')}"


def fingerprint(history: list[Applied]) -> str:
    """Hash a history: versions, and the statements that were applied under each."""
    lines = (f"{row.version} {digest(row.statements or [])}" for row in history)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def find_upgrade(history: list[Applied], migrations: list[Migration]) -> Upgrade | None:
    """Find the way that begins at this history, in the folder beside that of the migrations."""
    mark = fingerprint(history)
    for path in sorted(path for folder in _folders(migrations) for path in folder.glob("*.sql")):
        script = Migration(path.stem, "upgrade", path)
        header = dict(_HEADER.findall(script.source))
        if header.get("history") == mark:
            return Upgrade(script, header["until"])
    return None


def _folders(migrations: list[Migration]) -> set[Path]:
    return {migration.path.parent.parent / "upgrades" for migration in migrations}


def upgrade(
    connection: Connection[Any],
    migrations: list[Migration],
    on_progress: Progress | None = None,
    say: Say | None = None,
) -> list[Migration]:
    """Take a database along the way that begins where it is, if there is one; return the files it has then.

    Raises ChairtimeError `migration_failed`, when nothing has changed.
    """
    if find_upgrade(read_history(connection), migrations) is None:
        return []
    told = say or (lambda _: None)

    def attempt() -> list[Migration]:
        connection.execute("reset all")
        with alone(connection, transactional=True):
            way = find_upgrade(read_history(connection), migrations)
            # Somebody else may have been quicker.
            return _take(connection, way, migrations, on_progress, told) if way else []

    return patiently(attempt, "the upgrade", told)


def _take(
    connection: Connection[Any],
    way: Upgrade,
    migrations: list[Migration],
    on_progress: Progress | None,
    say: Say,
) -> list[Migration]:
    say(f"this database is of release {way.release}: building the new one beside it")
    baseline = [migration for migration in migrations if migration.version <= way.until]
    connection.execute(_SETTINGS)
    _move_away(connection, way)
    put_off: list[tuple[Migration, int, Statement]] = []
    for migration in baseline:
        if on_progress:
            on_progress(migration)
        put_off += _build(connection, migration)
    say(f"copying what {way.release} holds: readers go on, writers wait")
    since = time.monotonic()
    for number, statement in enumerate(way.script.statements, start=1):
        if _LOCK_TABLE.match(statement.text, code_offset(statement.text)):
            _run_briefly(connection, way.script, number, statement, _WAITS_OF_WRITERS)
            since = time.monotonic()
        else:
            run(connection, way.script, number, statement)
    for step in put_off:
        _replace_policy(connection, *step)
    _refuse_outsiders(connection, way)
    say(f"copied in {time.monotonic() - since:.1f} s; the old tables are kept as {way.moved('clinic')}")
    return baseline


def _move_away(connection: Connection[Any], way: Upgrade) -> None:
    for schema in SCHEMAS:
        names = {"old": sql.Identifier(schema), "new": sql.Identifier(way.moved(schema))}
        connection.execute(sql.SQL("alter schema {old} rename to {new}").format(**names))
        everybody = "public, anon, authenticated, service_role, chairtime_worker"
        connection.execute(sql.SQL(f"revoke all on schema {{new}} from {everybody}").format(**names))
    move_away(connection, way.moved(SCHEMAS[0]))


def _build(connection: Connection[Any], migration: Migration) -> Iterator[tuple[Migration, int, Statement]]:
    """Run a file but for what would lock readers out, and return that."""
    for number, statement in enumerate(migration.statements, start=1):
        if _FOREIGN_POLICY.match(statement.text, code_offset(statement.text)):
            yield migration, number, statement
        else:
            run(connection, migration, number, statement)
    record(connection, migration)
    # A setting of one file does not reach the next.
    connection.execute("reset all")
    connection.execute(_SETTINGS)


def _run_briefly(
    connection: Connection[Any],
    migration: Migration,
    number: int,
    statement: Statement,
    waits: tuple[int, ...],
) -> None:
    """Run what asks for a strong lock, again and again for so many milliseconds, until it has it."""
    *others, last = waits
    for wait in others:
        try:
            with connection.transaction():
                _run_within(connection, migration, number, statement, wait)
                return
        except BUSY:
            time.sleep(wait / 1000)
    _run_within(connection, migration, number, statement, last)


def _run_within(
    connection: Connection[Any], migration: Migration, number: int, statement: Statement, wait: int
) -> None:
    connection.execute(sql.SQL("set local lock_timeout = {}").format(wait))
    run(connection, migration, number, statement)
    connection.execute(_SETTINGS)


def _replace_policy(
    connection: Connection[Any], migration: Migration, number: int, statement: Statement
) -> None:
    found = _FOREIGN_POLICY.match(statement.text, code_offset(statement.text))
    name, table = found.groups() if found else ("", "")
    gone = Statement(f"drop policy if exists {name} on {table}", statement.line)
    _run_briefly(connection, migration, number, gone, _WAITS_OF_READERS)
    run(connection, migration, number, statement)


def _refuse_outsiders(connection: Connection[Any], way: Upgrade) -> None:
    """Refuse to go on while something of others would go on looking at the old tables."""
    old = [way.moved(schema) for schema in SCHEMAS]
    within = rf"\m({'|'.join(old)})\."
    found = [row[0] for row in connection.execute(_OUTSIDERS, {"old": old, "within": within})]
    if found:
        hint = "Drop them, and make them anew afterwards. Nothing was changed."
        message = f"not Chairtime's, but built on its tables: {', '.join(sorted(found))}"
        raise ChairtimeError(message, "migration_failed", hint)
