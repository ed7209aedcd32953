"""A streaming replica of the embedded Postgres: copied when the stack starts, then following by itself."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, LiteralString

import psycopg

from cli.errors import ChairtimeError
from cli.local.ports import HOST
from cli.local.postgres import SUPERUSER, PostgresError, PostgresServer

# What the primary keeps of its log for a replica that is away.
PRIMARY_SETTINGS = {"wal_keep_size": "512MB"}

# What is being read there is not cleaned up here: no list ends with an error because it took long.
SETTINGS = {"hot_standby_feedback": "on"}

PATIENCE = 3  # seconds that a server may take to say how far it is
PROGRESS: LiteralString = """
select
  pg_is_in_recovery(),
  case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end - '0/0'::pg_lsn,
  extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp())::float
"""


class ReplicaServer(PostgresServer):
    """A server that repeats what `primary` does and only answers questions, until somebody promotes it."""

    def __init__(self, primary: PostgresServer, data_dir: Path, port: int, log_path: Path) -> None:
        super().__init__(data_dir, port, log_path, SETTINGS)
        self._primary = primary

    def refuse_promoted(self) -> None:
        """Keep what a promoted replica has and nobody else. Raises ChairtimeError."""
        if (self.data_dir / "PG_VERSION").exists() and not (self.data_dir / "standby.signal").exists():
            message = f"the replica was promoted: {self.data_dir} has data that no other server has"
            hint = f"Let it take the place of {self._primary.data_dir}, or delete it."
            raise ChairtimeError(message, "replica_promoted", hint)

    def renew(self) -> None:
        """Copy the running primary, in place of an older copy. Raises ChairtimeError."""
        try:
            self.end_earlier()
            shutil.rmtree(self.data_dir, ignore_errors=True)
            self.create()
        except PostgresError as error:
            hint = f"See {self.log_path}. `chairtime up` without --replica starts the stack alone."
            raise ChairtimeError(f"there is no replica: {error}", "no_replica", hint) from error

    def _fill(self, folder: Path) -> None:
        password = self._primary.password_file.read_text()
        address = ("--host", HOST, "--port", str(self._primary.port), "--username", SUPERUSER)
        how = (
            "--wal-method=stream",
            "--checkpoint=fast",
            "--write-recovery-conf",
            "--no-sync",
            "--no-manifest",
        )
        self._run("pg_basebackup", *address, "--pgdata", str(folder), *how, PGPASSWORD=password)


def lag(primary_url: str, replica_url: str) -> dict[str, Any]:
    """Say how far the replica is behind: `{"follows", "bytes", "seconds"}`, all None if a server is silent.

    `seconds` is the age of the last change that it has, if it lacks one. Once promoted it follows nobody.
    """
    try:
        _, written, _ = _progress(primary_url)
        follows, replayed, age = _progress(replica_url)
    except psycopg.Error:
        return {"follows": None, "bytes": None, "seconds": None}
    behind = max(0, int(written - replayed)) if follows else 0
    return {"follows": follows, "bytes": behind, "seconds": (behind and age) or 0.0}


def _progress(url: str) -> tuple[Any, ...]:
    with psycopg.connect(url, connect_timeout=PATIENCE) as connection:
        row = connection.execute(PROGRESS).fetchone()
    assert row is not None  # noqa: S101 - it has no condition
    return row
