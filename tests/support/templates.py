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
from cli.migrations import read_migrations
from cli.migrations.history import repair
from cli.migrations.schemas import build, read_schemas
from tests.support.servers import with_database

ROOT = Path(__file__).parents[2]
SCHEMAS = ROOT / "supabase" / "schemas"
MIGRATIONS = ROOT / "supabase" / "migrations"
SEED = ROOT / "supabase" / "seed.sql"
PLATFORM = ROOT / "cli" / "local" / "platform"

_numbers = count()


def fingerprint() -> str:
    """Return a hash of all that makes the template: platform, schemas, migrations, seed, and the day.

    The day, because partitions are made for the days around the one on which it was built.
    """
    digest = hashlib.sha256(datetime.now(UTC).date().isoformat().encode())
    folders = (PLATFORM, SCHEMAS, MIGRATIONS)
    for path in (*(path for folder in folders for path in sorted(folder.glob("*.sql"))), SEED):
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
    """Make a database what `chairtime up` makes of it, but from the schemas, where code is edited.

    The migrations make the same: tests/cli/test_migrate_schemas.py proves it.
    """
    bootstrap(url)
    # As the Supabase CLI does: whoever logs in becomes `postgres`, who is not a superuser.
    migrator = make_conninfo(url, options="-c role=postgres")
    with psycopg.connect(migrator, autocommit=True) as connection:
        build(connection, read_schemas(SCHEMAS))
        repair(connection, read_migrations(MIGRATIONS), [])
        connection.execute(SEED.read_bytes())


def execute(connection: psycopg.Connection, statement: str, *names: str) -> None:
    """Run a statement that names things, each `{}` an identifier."""
    connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))  # type: ignore[arg-type]


def clone(template: str) -> str:
    """Return the URL of a fresh copy of the template."""
    source = template.rpartition("/")[2]
    name = f"{source}_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(with_database(template, "postgres"), autocommit=True) as connection:
        execute(connection, "create database {} template {} strategy wal_log", name, source)
    return with_database(template, name)


def drop(url: str) -> None:
    """Drop a database, whoever is in it."""
    with psycopg.connect(with_database(url, "postgres"), autocommit=True) as connection:
        execute(connection, "drop database {} with (force)", url.rpartition("/")[2])


@contextmanager
def cloned(template: str) -> Iterator[str]:
    """Yield the URL of a fresh copy of the template, dropped afterwards."""
    url = clone(template)
    try:
        yield url
    finally:
        drop(url)
