"""Making the embedded database what a Supabase project is: platform, migrations, seed, logins."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, LiteralString

import psycopg

from cli.errors import ChairtimeError
from cli.local.config import Config
from cli.local.postgres import PASSWORD, PostgresServer, bootstrap
from cli.migrations import apply_pending

DATABASE = "postgres"
WORKER = "chairtime_worker_login"

# As the Supabase CLI keeps it.
SEED_HISTORY: LiteralString = """
create schema if not exists supabase_migrations;
create table if not exists supabase_migrations.seed_files (
  path text not null primary key, hash text not null
);
"""

Say = Callable[[str], None]


def prepare(server: PostgresServer, supabase_dir: Path, config: Config, say: Say) -> None:
    """Bring a running server's database up to date with the project; `say` is told of what takes time.

    Whatever is done already is left alone. Raises ChairtimeError.
    """
    superuser = server.superuser_url(DATABASE)
    with psycopg.connect(superuser) as connection:
        empty = _value(connection, "select to_regclass('auth.users') is null")
    if empty:
        bootstrap(superuser)
    _migrate(server.url(DATABASE), supabase_dir / "migrations", say)
    _seed(server.url(DATABASE), supabase_dir, config, say)
    _create_worker_login(superuser)


def _migrate(url: str, folder: Path, say: Say) -> None:
    """Apply what is new. Files that were edited since they were applied are refused."""
    try:
        apply_pending(url, folder, on_progress=lambda file: say(f"Applying {file.path.name}"), say=say)
    except ChairtimeError as error:
        if error.code == "history_mismatch":
            error.hint = f"{error.hint} Or let `chairtime reset` start over with fresh data."
        raise


def _seed(url: str, supabase_dir: Path, config: Config, say: Say) -> None:
    """Load each seed file once, in one transaction with its entry in the history."""
    paths = [
        path for pattern in config.seeds for path in sorted(supabase_dir.glob(pattern.removeprefix("./")))
    ]
    with psycopg.connect(url) as connection:
        connection.execute(SEED_HISTORY)
        for path in paths:
            name = str(path.relative_to(supabase_dir.parent))
            if _value(connection, "select true from supabase_migrations.seed_files where path = %s", name):
                continue
            say(f"Loading {name}")
            _run_seed(connection, path, name)


def _run_seed(connection: psycopg.Connection[Any], path: Path, name: str) -> None:
    content = path.read_bytes()
    try:
        connection.execute(content)
    except psycopg.Error as error:
        raise ChairtimeError(
            f"{name}: {error}", "seed_failed", "Mend it and run `chairtime reset`."
        ) from error
    entry = (name, hashlib.sha256(content).hexdigest())
    connection.execute("insert into supabase_migrations.seed_files (path, hash) values (%s, %s)", entry)


def _create_worker_login(superuser: str) -> None:
    """Give the worker a login of its own, which may do what `chairtime_worker` may and nothing else."""
    with psycopg.connect(superuser) as connection:
        wanted = "select to_regrole('chairtime_worker') is not null and to_regrole(%s) is null"
        if _value(connection, wanted, WORKER):
            connection.execute(f"create role {WORKER} login password '{PASSWORD}' in role chairtime_worker")
            connection.execute(f"alter role {WORKER} set idle_in_transaction_session_timeout = '30s'")


def _value(connection: psycopg.Connection[Any], query: LiteralString, *parameters: str) -> Any:
    row = connection.execute(query, parameters).fetchone()
    return row and row[0]
