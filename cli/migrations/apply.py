"""Applying migrations: one file, one transaction, and one advisory lock for all who do so."""

from pathlib import Path
from typing import Any

import psycopg

from cli.errors import ChairtimeError, Exit
from cli.migrations.files import Migration, read_migrations
from cli.migrations.history import create_history, is_recorded, read_history, record
from cli.migrations.run import BRIEFLY, Say, alone, patiently, run
from cli.migrations.upgrade import Progress, find_upgrade, upgrade


def apply_pending(
    conninfo: str,
    migrations_dir: Path,
    *,
    to: str | None = None,
    on_progress: Progress | None = None,
    say: Say | None = None,
) -> list[Migration]:
    """Apply, in order, the files the database has not seen yet, up to version `to`; return those applied.

    Any number of these may run at once: each file is applied once, and all return when nothing is left.
    `on_progress` is called before each file, `say` told of what else takes time. A database of an earlier
    release that has a way of its own (supabase/upgrades) takes that first. Raises ChairtimeError:
    `migration_failed` (nothing of that file remains), `history_mismatch` (the database knows a version that
    the folder lacks, or has otherwise).
    """
    migrations = read_migrations(migrations_dir)
    with psycopg.connect(conninfo, autocommit=True, prepare_threshold=None, connect_timeout=10) as connection:
        find_pending(connection, migrations, to)  # what is refused is refused before anything is done
        upgraded = upgrade(connection, migrations, on_progress, say)
        pending = find_pending(connection, migrations, to)
        return [
            *upgraded,
            *(migration for migration in pending if apply_one(connection, migration, on_progress, say)),
        ]


def find_pending(
    connection: psycopg.Connection[Any], migrations: list[Migration], to: str | None = None
) -> list[Migration]:
    """List what `apply_pending` would apply."""
    if to is not None and to not in {migration.version for migration in migrations}:
        raise ChairtimeError(f"no migration has version {to}", "not_found", exit_code=Exit.NOT_FOUND)
    history = read_history(connection)
    # Of a release that has a way of its own nothing is applied yet.
    applied = {} if find_upgrade(history, migrations) else {row.version: row for row in history}
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
    connection: psycopg.Connection[Any],
    migration: Migration,
    on_progress: Progress | None = None,
    say: Say | None = None,
) -> bool:
    """Run one file and record it, in one transaction unless it is marked otherwise; False if another did.

    A transaction that meets a lock is undone and tried again: nobody waits long behind one that waits.
    """

    def attempt() -> bool:
        connection.execute("reset all")
        with alone(connection, migration.transactional):
            create_history(connection)
            if is_recorded(connection, migration.version):
                return False
            if on_progress:
                on_progress(migration)
            if migration.transactional:
                connection.execute(BRIEFLY)
            for number, statement in enumerate(migration.statements, start=1):
                run(connection, migration, number, statement)
            record(connection, migration)
            return True

    return patiently(attempt, migration.path.name, say)
