"""Running a file's statements: one runner at a time, locks asked for briefly, errors that name their line."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, LiteralString, TypeVar

import psycopg
from psycopg.errors import DeadlockDetected, LockNotAvailable

from cli.errors import ChairtimeError
from cli.migrations.files import NO_TRANSACTION, Migration, Statement, code_offset

BRIEFLY: LiteralString = "set local lock_timeout = '300ms'"
"""Who waits for a table's lock holds up all who come later, readers too: nobody does so for long."""

BUSY = (LockNotAvailable, DeadlockDetected)

_LOCK = 0x6368_6169_7274_696D  # the word "chairtim": any constant will do, as long as every runner takes it
_PAUSE = 0.05  # seconds between two looks at the lock
_PAUSES = (0.1, 0.2, 0.4, 0.8, 1.6, *(3.0,) * 10)  # seconds between two attempts
_NOT_IN_A_TRANSACTION = "25001"

Say = Callable[[str], None]
Result = TypeVar("Result")


def patiently(attempt: Callable[[], Result], what: str, say: Say | None = None) -> Result:
    """Make an attempt, and others after longer and longer pauses while it finds locks that others hold."""
    for pause in _PAUSES:
        try:
            return attempt()
        except BUSY:
            if say:
                say(f"{what}: others hold its locks, next attempt in {pause:g} s")
            time.sleep(pause)
    hint = (
        "A transaction stays open: `select pid, xact_start, query from pg_stat_activity order by xact_start`."
    )
    raise ChairtimeError(f"{what}: others hold its locks all the time", "migration_failed", hint)


@contextmanager
def alone(connection: psycopg.Connection[Any], transactional: bool) -> Iterator[None]:
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


def run(connection: psycopg.Connection[Any], migration: Migration, number: int, statement: Statement) -> None:
    """Run one statement of a file. Raises ChairtimeError; what `patiently` takes care of passes as it is."""
    try:
        connection.execute(statement.text.encode())
    except psycopg.Error as error:
        if migration.transactional and isinstance(error, BUSY):
            raise
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
