"""The only module that talks to the database: one method a question, one statement a method.

Each statement is a transaction of its own that the server finishes or undoes without us, so a worker that
is killed or paused leaves none open. Nothing depends on a session: a transaction-mode pooler may be between.
"""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, LiteralString, Self
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from worker.errors import DatabaseUnavailable, LeaseLost, StatementFailed

Row = dict[str, Any]

_LEASE_LOST = "CT001"
_TOO_LONG = ("57014", "55P03")  # its time limit, or a lock's: the server is there, and says no
_LOCK_WAIT = timedelta(seconds=2)
_PATIENCE = 1.0  # seconds beyond the server's own limit before we stop waiting for its answer
# A cut cable is noticed after about six seconds, not after the kernel's two hours.
_KEEPALIVE = {"keepalives_idle": 2, "keepalives_interval": 2, "keepalives_count": 2, "tcp_user_timeout": 6000}


@dataclass(frozen=True)
class Run:
    """One run of a job: what it is called in ``job_runs``, and why it runs."""

    id: UUID
    job: str
    cause: str
    worker: UUID
    epoch: int | None = None
    tick: datetime | None = None
    attempt: int = 1


@dataclass(frozen=True)
class Batch:
    """What one batch did. ``state``: running (there is more), succeeded, busy, done or gone."""

    state: str
    affected: int


class Database:
    """A pool of connections in autocommit, and the functions of schema ``clinic`` that the worker may call.

    Every method raises DatabaseUnavailable (try again) or StatementFailed (the database said no);
    those that act for a leader raise LeaseLost as well.
    """

    def __init__(self, url: str, pool_size: int = 12) -> None:
        self.pool: AsyncConnectionPool[psycopg.AsyncConnection[Row]] = AsyncConnectionPool(
            url,
            min_size=1,
            max_size=pool_size,
            max_idle=60,
            timeout=2,
            reconnect_timeout=5,
            open=False,
            kwargs={
                "autocommit": True,
                "prepare_threshold": None,
                "cursor_factory": psycopg.AsyncClientCursor,
                "row_factory": dict_row,
                "connect_timeout": 3,
                "application_name": "chairtime-worker",
                **_KEEPALIVE,
            },
        )

    async def __aenter__(self) -> Self:
        await self.pool.open(wait=False)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.pool.close(timeout=2)

    async def acquire_lease(self, worker: UUID, lifetime: timedelta) -> int | None:
        """Renew or take over leadership. Returns the epoch led, or None: another worker leads."""
        row = await self._row("select clinic.acquire_lease(%s, %s) as epoch", worker, lifetime, limit=1)
        return None if row["epoch"] is None else int(row["epoch"])

    async def release_lease(self, worker: UUID) -> None:
        """Give leadership up at once."""
        await self._row("select clinic.release_lease(%s)", worker, limit=1)

    async def report_worker(self, worker: UUID, host: str, version: str, started_at: datetime) -> str | None:
        """Leave a sign of life. Returns the version of the newest migration, if migrations are recorded."""
        row = await self._row(
            "select clinic.report_worker(%s, %s, %s, %s) as schema", worker, host, version, started_at
        )
        return None if row["schema"] is None else str(row["schema"])

    async def schema_digest(self, newest: str) -> str | None:
        """Return a hash of the migrations that were applied up to a version, if it can be told."""
        row = await self._row("select clinic.schema_digest(%s) as digest", newest)
        return None if row["digest"] is None else str(row["digest"])

    async def run_batch(self, run: Run, max_rows: int, retention: timedelta | None, limit: float) -> Batch:
        """Run one batch of a job within ``limit`` seconds, and record it. The first batch begins the run."""
        row = await self._row(
            "select * from clinic.run_job(%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            *(run.id, run.job, run.cause, run.worker, run.epoch, run.tick, run.attempt, max_rows, retention),
            limit=limit,
        )
        return Batch(row["state"], row["affected"])

    async def record_failure(self, run: Run, error: str) -> None:
        """Record that a run failed; the failed batch itself left nothing behind."""
        await self._row(
            "select clinic.record_job_failure(%s, %s, %s, %s, %s, %s, %s, %s)",
            *(run.id, run.job, run.cause, run.worker, run.epoch, run.tick, run.attempt, error),
        )

    async def list_jobs(self) -> list[Row]:
        """Return, for each job that ever ran, its newest tick and how its newest run went."""
        return await self._rows("select * from clinic.list_jobs()")

    async def seconds_to_next_expiry(self) -> float | None:
        """Return the seconds until the next hold ends, negative if it is over, None if there are no holds."""
        row = await self._row("select extract(epoch from clinic.next_expiry() - clock_timestamp()) as wait")
        return None if row["wait"] is None else float(row["wait"])

    async def read_events(self, worker: UUID, epoch: int, max_events: int) -> list[Row]:
        """Return the next events of the log in order; the same ones until they are acknowledged."""
        return await self._rows("select * from clinic.read_events(%s, %s, %s)", worker, epoch, max_events)

    async def acknowledge_events(self, worker: UUID, epoch: int, last_id: int) -> None:
        """Move the log's position past ``last_id``."""
        await self._row("select clinic.acknowledge_events(%s, %s, %s)", worker, epoch, last_id)

    async def probe_topics(self, max_topics: int) -> list[str]:
        """Return public topics to measure delivery on, those with the newest events first."""
        rows = await self._rows("select * from clinic.probe_topics(%s) as topic", max_topics)
        return [row["topic"] for row in rows]

    async def lease_messages(
        self,
        worker: UUID,
        epoch: int,
        channel: str,
        *,
        repeatable: bool,
        most: int,
        seconds: float,
        site: str,
    ) -> list[Row]:
        """Return messages to send now, at most so many, each ours for so many seconds."""
        return await self._rows(
            "select * from clinic.lease_messages(%s, %s, %s, %s, %s, %s, %s)",
            *(
                worker,
                epoch,
                [channel],
                [channel] if repeatable else [],
                most,
                timedelta(seconds=seconds),
                site,
            ),
        )

    async def settle_message(
        self, lease_id: UUID, state: str, ref: str | None, error: str | None, retry_after: float | None
    ) -> bool:
        """Say what became of a leased message. False: that is known already."""
        wait = None if retry_after is None else timedelta(seconds=retry_after)
        statement = "select clinic.settle_message(%s, %s, %s, %s, %s) as settled"
        return bool((await self._row(statement, lease_id, state, ref, error, wait))["settled"])

    async def seconds_to_next_message(self, channel: str) -> float | None:
        """Return the seconds until its next message is due, negative if one is, None if there is none."""
        statement = "select extract(epoch from clinic.next_message(%s) - clock_timestamp()) as wait"
        row = await self._row(statement, [channel])
        return None if row["wait"] is None else float(row["wait"])

    async def receive_reply(self, sender: str, message_ref: str, phone: str, body: str) -> Row:
        """Hand in a text message that came back. Returns what was understood and done."""
        statement = "select clinic.worker_receive_reply(%s, %s, %s, %s) as taken"
        return dict((await self._row(statement, sender, message_ref, phone, body, limit=10))["taken"])

    async def secret(self, name: str) -> str | None:
        """Return a secret of ours from Supabase's Vault, if there is one."""
        row = await self._row("select clinic.worker_secret(%s) as secret", name)
        return None if row["secret"] is None else str(row["secret"])

    async def snapshot(self) -> Row:
        """Return the numbers of clinic.worker_metrics(), as its comment describes them."""
        row = await self._row("select clinic.worker_metrics() as metrics", limit=5)
        return dict(row["metrics"])

    async def forget_connections(self) -> None:
        """Replace all connections: they may be dead, and asking each of them could take long."""
        await self.pool.drain()

    async def _row(self, statement: LiteralString, *parameters: object, limit: float = 5) -> Row:
        rows = await self._rows(statement, *parameters, limit=limit)
        return rows[0]

    async def _rows(self, statement: LiteralString, *parameters: object, limit: float = 5) -> list[Row]:
        # One message: the limits are this transaction's, and the server needs no word from us to end it.
        limited = sql.SQL("set local statement_timeout = {}; set local lock_timeout = {}; ").format(
            int(limit * 1000), int(min(limit, _LOCK_WAIT.total_seconds()) * 1000)
        ) + sql.SQL(statement)
        async with _sorted_errors(), self.pool.connection() as connection, _patience(connection, limit):
            cursor = await connection.execute(limited, parameters)
            while cursor.nextset():
                pass
            return await cursor.fetchall()


@asynccontextmanager
async def _patience(connection: psycopg.AsyncConnection[Row], limit: float) -> AsyncIterator[None]:
    """Hang up on a server that does not answer: it would not answer a request to cancel either."""

    def hang_up() -> None:
        with socket.socket(fileno=os.dup(connection.fileno())) as line:
            line.shutdown(socket.SHUT_RDWR)

    timer = asyncio.get_running_loop().call_later(limit + _PATIENCE, hang_up)
    try:
        yield
    finally:
        timer.cancel()


@asynccontextmanager
async def _sorted_errors() -> AsyncIterator[None]:
    try:
        yield
    except (psycopg.OperationalError, PoolTimeout, TimeoutError) as error:
        code = getattr(error, "sqlstate", None)
        if code in _TOO_LONG:
            raise StatementFailed(code, _first_line(error)) from None
        raise DatabaseUnavailable(f"{code or type(error).__name__}: {_first_line(error)}") from None
    except psycopg.Error as error:
        if error.sqlstate == _LEASE_LOST:
            raise LeaseLost(_first_line(error)) from None
        raise StatementFailed(error.sqlstate or "?????", _first_line(error)) from None


def _first_line(error: Exception) -> str:
    """Return the message without DETAIL, which may quote rows."""
    if isinstance(error, psycopg.Error) and error.diag.message_primary:
        return error.diag.message_primary
    return next(iter(str(error).splitlines()), "")
