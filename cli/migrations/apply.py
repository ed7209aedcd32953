"""Applying migrations: one file, one transaction, and one advisory lock for all who do so."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, LiteralString

import psycopg

from cli.errors import ChairtimeError, Exit
from cli.migrations.files import NO_TRANSACTION, Migration, Statement, code_offset, read_migrations
from cli.migrations.history import create_history, is_recorded, read_history, record

_LOCK = 0x6368_6169_7274_696D  # the word "chairtim": any constant will do, as long as every runner takes it
_PAUSE = 0.05  # seconds between two looks at the lock
_NOT_IN_A_TRANSACTION = "25001"

Progress = Callable[[Migration], None]


def apply_pending(
    conninfo: str, migrations_dir: Path, *, to: str | None = None, on_progress: Progress | None = None
) -> list[Migration]:
    """Apply, in order, the files the database has not seen yet, up to version `to`; return those applied.

    Any number of these may run at once: each file is applied once, and all return when nothing is left.
    `on_progress` is called before each file. Raises ChairtimeError: `migration_failed` (nothing of that
    file remains), `history_mismatch` (the database knows a version that the folder lacks, or has otherwise).
    """
    migrations = read_migrations(migrations_dir)
    with psycopg.connect(conninfo, autocommit=True, prepare_threshold=None) as connection:
        pending = find_pending(connection, migrations, to)
        return [migration for migration in pending if apply_one(connection, migration, on_progress)]


def find_pending(
    connection: psycopg.Connection[Any], migrations: list[Migration], to: str | None = None
) -> list[Migration]:
    """List what `apply_pending` would apply."""
    if to is not None and to not in {migration.version for migration in migrations}:
        raise ChairtimeError(f"no migration has version {to}", "not_found", exit_code=Exit.NOT_FOUND)
    applied = {row.version: row for row in read_history(connection)}
    unknown = sorted(applied.keys() - {migration.version for migration in migrations})
    if unknown:
        hint = "Fetch the missing files: the database has what they made."
        message = f"the database has migrations that the folder lacks: {', '.join(unknown)}"
        raise ChairtimeError(message, "history_mismatch", hint)
    for migration in migrations:
        if migration.version in applied and applied[migration.version].differs_from(migration):
            hint = "Undo the edit and write a new migration. `chairtime migrate verify` shows the difference."
            message = f"{migration.path.name} was edited after it was applied"
            raise ChairtimeError(message, "history_mismatch", hint)
    waiting = [migration for migration in migrations if migration.version not in applied]
    return [migration for migration in waiting if to is None or migration.version <= to]


def apply_one(
    connection: psycopg.Connection[Any], migration: Migration, on_progress: Progress | None = None
) -> bool:
    """Run one file and record it, in one transaction unless it is marked otherwise; False if another did."""
    connection.execute("reset all")
    with _alone(connection, migration.transactional):
        create_history(connection)
        if is_recorded(connection, migration.version):
            return False
        if on_progress:
            on_progress(migration)
        _run(connection, migration)
        record(connection, migration)
        return True


@contextmanager
def _alone(connection: psycopg.Connection[Any], transactional: bool) -> Iterator[None]:
    """Run the block while no other runner runs one: in a transaction, which holds behind poolers too, or not.

    Looks again and again instead of waiting in the database: whoever waits there holds a snapshot, and
    `create index concurrently` in the runner that is waited for would wait for that.
    """
    if not transactional:
        while not _locks(connection, "select pg_try_advisory_lock(%s)"):
            time.sleep(_PAUSE)
        try:
            yield
        finally:
            if not connection.closed:
                connection.execute("select pg_advisory_unlock(%s)", (_LOCK,))
        return
    while True:
        with connection.transaction():
            if _locks(connection, "select pg_try_advisory_xact_lock(%s)"):
                yield
                return
        time.sleep(_PAUSE)


def _locks(connection: psycopg.Connection[Any], attempt: LiteralString) -> bool:
    row = connection.execute(attempt, (_LOCK,)).fetchone()
    return bool(row and row[0])


def _run(connection: psycopg.Connection[Any], migration: Migration) -> None:
    for number, statement in enumerate(migration.statements, start=1):
        try:
            connection.execute(statement.text.encode())
        except psycopg.Error as error:
            raise _failure(migration, number, statement, error) from error


def _failure(migration: Migration, number: int, statement: Statement, error: psycopg.Error) -> ChairtimeError:
    line = _line_of(statement, error)
    reason = error.diag.message_primary or str(error).strip()
    details = {
        "file": migration.path.name,
        "line": line,
        "statement": number,
        "sqlstate": error.sqlstate,
        "sql": statement.text,
        "detail": error.diag.message_detail,
        "context": error.diag.context,
    }
    message = f"{migration.path.name}, line {line}, statement {number}: {reason}"
    return ChairtimeError(message, "migration_failed", _hint(migration, error), details=details)


def _line_of(statement: Statement, error: psycopg.Error) -> int:
    """Find the file's line: the error's position counts characters from the statement's first one."""
    code = code_offset(statement.text)
    position = int(error.diag.statement_position or 0)
    return statement.line + max(
        0, statement.text.count("\n", 0, position) - statement.text.count("\n", 0, code)
    )


def _hint(migration: Migration, error: psycopg.Error) -> str | None:
    if error.sqlstate == _NOT_IN_A_TRANSACTION:
        return f"Move it into a file of its own whose first line is `{NO_TRANSACTION}`."
    if not migration.transactional:
        return "The file runs without a transaction: the statements before this one have stayed."
    return error.diag.message_hint or "Nothing of this file was applied; mend it and run the command again."
