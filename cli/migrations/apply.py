"""Applying migrations: one file, one transaction, and one advisory lock around them all."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import psycopg

from cli.errors import ChairtimeError, Exit
from cli.migrations.files import NO_TRANSACTION, Migration, Statement, code_offset, read_migrations
from cli.migrations.history import create_history, read_history, record

_LOCK = 0x6368_6169_7274_696D  # the word "chairtim": any constant will do, as long as every runner takes it
_NOT_IN_A_TRANSACTION = "25001"

Progress = Callable[[Migration], None]


def apply_pending(
    conninfo: str, migrations_dir: Path, *, to: str | None = None, on_progress: Progress | None = None
) -> list[Migration]:
    """Apply, in order, the files the database has not seen yet, up to version `to`; return those applied.

    Any number of these may run at once: each file is applied once, and all return when nothing is left.
    `on_progress` is called before each file. Raises ChairtimeError: `migration_failed` (nothing of that
    file remains), `history_mismatch` (the database knows a version that the folder lacks).
    """
    migrations = read_migrations(migrations_dir)
    with psycopg.connect(conninfo, autocommit=True) as connection, locked(connection):
        pending = find_pending(connection, migrations, to)
        for migration in pending:
            if on_progress:
                on_progress(migration)
            apply_one(connection, migration)
        return pending


def find_pending(
    connection: psycopg.Connection[Any], migrations: list[Migration], to: str | None = None
) -> list[Migration]:
    """List what `apply_pending` would apply."""
    if to is not None and to not in {migration.version for migration in migrations}:
        raise ChairtimeError(f"no migration has version {to}", "not_found", exit_code=Exit.NOT_FOUND)
    applied = {row.version for row in read_history(connection)}
    unknown = sorted(applied - {migration.version for migration in migrations})
    if unknown:
        hint = "Fetch the missing files, or `chairtime migrate repair --reverted VERSION`."
        message = f"the database has migrations that the folder lacks: {', '.join(unknown)}"
        raise ChairtimeError(message, "history_mismatch", hint)
    waiting = [migration for migration in migrations if migration.version not in applied]
    return [migration for migration in waiting if to is None or migration.version <= to]


@contextmanager
def locked(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """Hold the migration lock for the block; waits while another runner holds it."""
    connection.execute("select pg_advisory_lock(%s)", (_LOCK,))
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute("select pg_advisory_unlock(%s)", (_LOCK,))


def apply_one(connection: psycopg.Connection[Any], migration: Migration) -> None:
    """Run one file and record it, in one transaction unless the file is marked otherwise."""
    connection.execute("reset all")
    with connection.transaction() if migration.transactional else nullcontext():
        create_history(connection)
        _run(connection, migration)
        record(connection, migration)


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
