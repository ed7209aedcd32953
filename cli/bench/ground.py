"""The ground that is measured on: a throw-away server of one's own, and databases on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from cli.errors import ChairtimeError, Exit
from cli.local.postgres import PostgresServer, bootstrap
from cli.local.temporary import temporary_server
from cli.migrations import apply_pending

TEMPLATE = "bench_template"
HISTORY = "history_{}"

# Nothing is measured while rows are poured in, and a crash loses nothing that a second run would not bring.
POURING = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "autovacuum": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "4GB",
    "shared_buffers": "1GB",
    "maintenance_work_mem": "512MB",
    "max_parallel_maintenance_workers": "2",
}
# What is measured is a server as it comes: fsync and synchronous_commit on, 128 MB of shared buffers.
MEASURING: dict[str, str] = {}

Say = Callable[[str], None]


@dataclass
class Ground:
    """A server of one's own, and what a run asks of it."""

    root: Path  # the folder that holds supabase/
    server: PostgresServer
    say: Say
    quick: bool
    rounds: int
    seed: int
    sizes: tuple[int, ...] = ()  # of the histories that there are

    def url(self, database: str) -> str:
        """Return a superuser's URL of a database."""
        return self.server.superuser_url(database)

    def history(self, size: int) -> str:
        """Return a superuser's URL of the database with so many simulated appointments."""
        return self.url(HISTORY.format(size))

    def create(self, database: str) -> str:
        """Make a migrated database without a clinic, and return a superuser's URL of it."""
        self._run("create database {} template {} strategy file_copy", database, TEMPLATE)
        return self.url(database)

    @contextmanager
    def database(self, name: str) -> Iterator[str]:
        """Yield a superuser's URL of a migrated database without a clinic, dropped afterwards."""
        url = self.create(name)
        try:
            yield url
        finally:
            self._run("drop database {} with (force)", name)

    def migrate(self) -> None:
        """Make the template of all databases: Supabase's platform, and this project's migrations."""
        self._run("create database {} template template0", TEMPLATE)
        url = self.url(TEMPLATE)
        bootstrap(url)
        # As the Supabase CLI does: whoever logs in becomes `postgres`, who is not a superuser.
        conninfo = make_conninfo(url, options="-c role=postgres")
        if not apply_pending(conninfo, self.root / "supabase" / "migrations"):
            raise ChairtimeError("no files in supabase/migrations", "not_found", exit_code=Exit.NOT_FOUND)

    def restart(self, settings: dict[str, str]) -> None:
        """Go on with other settings of the server."""
        self.server.stop()
        self.server = PostgresServer(self.server.data_dir, self.server.port, self.server.log_path, settings)
        self.server.start()

    def _run(self, statement: str, *names: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


@contextmanager
def ground(root: Path, say: Say, **asked: Any) -> Iterator[Ground]:
    """Yield a running server that pours rows in fast; it leaves nothing behind."""
    with temporary_server("chairtime-bench-", POURING) as server:
        yield Ground(root, server, say, **asked)
