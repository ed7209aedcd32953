"""One migrated and seeded database, cloned for every test."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from cli.local.postgres import bootstrap
from cli.migrations import apply_pending
from tests.support.servers import with_database

ROOT = Path(__file__).parents[2]
MIGRATIONS = ROOT / "supabase" / "migrations"
SEED = ROOT / "supabase" / "seed.sql"
PLATFORM = ROOT / "cli" / "local" / "platform"

_numbers = count()


def fingerprint() -> str:
    """Return a hash of all that makes the template: platform, migrations, seed, and the day.

    The day, because partitions are made for the days around the one on which the migrations ran.
    """
    digest = hashlib.sha256(datetime.now(UTC).date().isoformat().encode())
    for path in (*sorted(PLATFORM.glob("*.sql")), *sorted(MIGRATIONS.glob("*.sql")), SEED):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def create_template(server: str) -> str:
    """Return the URL of a migrated and seeded database on this server, making it if it is not there yet.

    `server` is a superuser's URL. Callers from several processes hold a lock.
    """
    name = f"chairtime_{fingerprint()}"
    with psycopg.connect(server, autocommit=True) as connection:
        if not connection.execute("select from pg_database where datname = %s", [name]).rowcount:
            unfinished = f"{name}_unfinished"
            execute(connection, "drop database if exists {} with (force)", unfinished)
            execute(connection, "create database {} template template0", unfinished)
            fill(with_database(server, unfinished))
            execute(connection, "alter database {} rename to {}", unfinished, name)
    return with_database(server, name)


def fill(url: str) -> None:
    """Make a database what `chairtime up` makes of it: the platform, then the migrations, then the seed."""
    bootstrap(url)
    # As the Supabase CLI does: whoever logs in becomes `postgres`, who is not a superuser.
    migrator = make_conninfo(url, options="-c role=postgres")
    apply_pending(migrator, MIGRATIONS)
    with psycopg.connect(migrator, autocommit=True) as connection:
        connection.execute(SEED.read_bytes())


def execute(connection: psycopg.Connection, statement: str, *names: str) -> None:
    """Run a statement that names things, each `{}` an identifier."""
    connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))  # type: ignore[arg-type]


@contextmanager
def cloned(template: str) -> Iterator[str]:
    """Yield the URL of a fresh copy of the template, dropped afterwards."""
    source = template.rpartition("/")[2]
    name = f"{source}_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(with_database(template, "postgres"), autocommit=True) as connection:
        execute(connection, "create database {} template {} strategy wal_log", name, source)
        try:
            yield with_database(template, name)
        finally:
            execute(connection, "drop database {} with (force)", name)
