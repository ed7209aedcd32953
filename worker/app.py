"""The daemon: serves HTTP, tries to lead, and while it leads runs jobs, messages, the tail and the probe."""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Coroutine
from datetime import UTC, datetime
from uuid import uuid4

import structlog

from worker import VERSION
from worker.database import Database
from worker.errors import DatabaseUnavailable, LeaseLost, StatementFailed
from worker.http import Snapshots, create_app, listen, serve
from worker.jobs import Jobs
from worker.leadership import Leadership
from worker.messages import Messages
from worker.metrics import Metrics
from worker.probe import Probe
from worker.replies import Replies
from worker.schema import digest
from worker.senders.choose import find_secret
from worker.settings import Settings
from worker.tail import Tail

log = structlog.get_logger()

REQUIRED_SCHEMA = "20261101000000"  # the newest migration whose functions the worker calls

_UNASKED = ""
_REPORT_EVERY = 10.0
_EXIT_TERMINATED = 128 + signal.SIGTERM


class Worker:
    """One worker process. ``run`` returns when it was told to stop."""

    def __init__(self, settings: Settings) -> None:
        self.id = uuid4()
        self.settings = settings
        self.metrics = Metrics(VERSION)
        self.database = Database(settings.database_url.get_secret_value(), settings.pool_size)
        self.leadership = Leadership(self.database, self.id, settings.lease_lifetime, settings.lease_interval)
        self._started_at = datetime.now(UTC)
        self._schema: str | None = _UNASKED
        self._expected = digest(settings.migrations_dir, REQUIRED_SCHEMA)
        self._digest: str | None = None
        self._stopping = asyncio.Event()
        self._jobs: Jobs | None = None
        self.messages = Messages(self.database, settings, self.metrics)
        self._observe()

    async def run(self) -> None:
        """Work until SIGTERM or SIGINT. Raises SettingsError if the HTTP port is taken."""
        bound = listen(self.settings.http_host, self.settings.http_port)
        self._handle_signals()
        structlog.contextvars.bind_contextvars(worker=str(self.id))
        log.info("worker_started", version=VERSION, pid=os.getpid(), http_port=bound.getsockname()[1])
        async with self.database:
            await self._work(bound)
        log.info("worker_stopped")

    def readiness(self) -> tuple[bool, dict[str, object]]:
        """Return whether this worker could do its work, and why (not)."""
        # Where nobody recorded the migrations, that our functions answered has to do.
        current = self._schema is None or self._schema >= REQUIRED_SCHEMA
        differs = None not in (self._expected, self._digest) and self._expected != self._digest
        report: dict[str, object] = {
            "role": "standby" if self.leadership.epoch is None else "leader",
            "epoch": self.leadership.epoch,
            "database": "reachable" if self.leadership.reachable else "unreachable",
            "schema": self._schema or ("unrecorded" if self._schema is None else "unknown"),
            "required_schema": REQUIRED_SCHEMA,
            "migrations": "edited since they were applied"
            if differs
            else "as applied"
            if self._digest
            else "unknown",
        }
        return self.leadership.reachable and current and not differs, report

    async def _work(self, bound: socket.socket) -> None:
        snapshots = Snapshots(self.database, self.metrics, self.settings.snapshot_max_age)
        app = create_app(
            self.metrics, snapshots, self.readiness, Replies(self.database, self._replies_secret)
        )
        duties: list[Coroutine[None, None, None]] = [
            serve(app, bound), self.leadership.run(), self._report(), self._lead()
        ]  # fmt: skip
        tasks = [asyncio.create_task(duty) for duty in duties]
        stopping = asyncio.create_task(self._stopping.wait())
        await asyncio.wait([stopping, *tasks], return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        await self._finish()
        crashed = [task for task in tasks if task.done()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.leadership.step_down()
        for task in crashed:
            task.result()  # none of them ends by itself, unless it has a bug: say which

    async def _finish(self) -> None:
        """Let the job and the messages in hand finish, while the lease is still renewed."""
        log.info("worker_stopping")
        self.messages.stop()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.settings.shutdown_grace):
                if self._jobs is not None:
                    self._jobs.stop()
                    await self._jobs.finished.wait()
                await self.messages.finish()

    async def _lead(self) -> None:
        """Whenever this worker leads, do what a leader does, until it no longer leads."""
        while True:
            epoch = await self.leadership.gained()
            self.metrics.takeovers.inc()
            duties = asyncio.create_task(self._duties(epoch))
            lost = asyncio.create_task(self.leadership.lost(epoch))
            try:
                await asyncio.wait([duties, lost], return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (duties, lost):
                    task.cancel()
                outcome, _ = await asyncio.gather(duties, lost, return_exceptions=True)
            if isinstance(outcome, Exception):
                log.error("duties_failed", error=repr(outcome), exc_info=outcome)
            await asyncio.sleep(self.settings.lease_interval)

    async def _duties(self, epoch: int) -> None:
        settings, database = self.settings, self.database
        self._jobs = Jobs(database, settings, self.metrics, self.id, epoch)
        tail = Tail(database, settings, self.metrics, self.id, epoch)
        probe = self._make_probe()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._jobs.run())
                group.create_task(self.messages.run(self.id, epoch))
                group.create_task(tail.run(probe.note_event if probe else lambda _: None))
                if probe:
                    group.create_task(probe.run(lambda: database.probe_topics(settings.probe_topics)))
        except* LeaseLost as fenced:
            log.warning("leader_fenced", epoch=epoch, error=str(fenced.exceptions[0]))
        finally:
            self._jobs = None

    def _make_probe(self) -> Probe | None:
        url, key = self.settings.supabase_url, self.settings.supabase_key
        if url is None or key is None or self.settings.probe_topics == 0:
            log.info("probe_disabled", reason="SUPABASE_URL and SUPABASE_KEY are not both set")
            return None
        return Probe(url, key.get_secret_value(), self.metrics, self.settings.probe_patience)

    async def _replies_secret(self) -> str | None:
        return await find_secret("replies_secret", self.settings.replies_secret, self.database.secret)

    async def _report(self) -> None:
        """Leave a sign of life, and learn the schema's version."""
        while True:
            try:
                self._schema = await self.database.report_worker(
                    self.id, socket.gethostname(), VERSION, self._started_at
                )
                self._digest = await self.database.schema_digest(REQUIRED_SCHEMA)
            except (DatabaseUnavailable, StatementFailed) as error:
                log.warning("report_failed", error=str(error))
            await asyncio.sleep(self.settings.lease_interval if self._schema == _UNASKED else _REPORT_EVERY)

    def _observe(self) -> None:
        """Let the gauges look when they are scraped."""
        leadership, pool = self.leadership, self.database.pool
        self.metrics.leader.set_function(lambda: leadership.epoch is not None)
        self.metrics.database_up.set_function(lambda: leadership.reachable)
        self.metrics.pool.labels("open").set_function(lambda: pool.get_stats().get("pool_size", 0))
        self.metrics.pool.labels("idle").set_function(lambda: pool.get_stats().get("pool_available", 0))
        self.metrics.pool_waiting.set_function(lambda: pool.get_stats().get("requests_waiting", 0))

    def _handle_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._on_signal)

    def _on_signal(self) -> None:
        if self._stopping.is_set():
            os._exit(_EXIT_TERMINATED)  # asked twice: at once
        self._stopping.set()


def run_worker(settings: Settings) -> None:
    """Run a worker until it is told to stop."""

    async def work() -> None:
        await Worker(settings).run()

    asyncio.run(work())
