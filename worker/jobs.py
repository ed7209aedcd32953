"""Runs the jobs: on schedule, at the end of the next hold, again when they fail, and never twice at once."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from uuid import UUID, uuid4

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler  # type: ignore[import-untyped]  # it has no stubs

from worker.database import Batch, Database, Run
from worker.errors import DatabaseUnavailable, LeaseLost, StatementFailed
from worker.metrics import Metrics
from worker.schedule import JOBS, JOBS_BY_NAME, OFF, ClockWatch, Job, latest_tick, parse_cron
from worker.settings import Settings

log = structlog.get_logger()


def retention_of(job: Job, settings: Settings) -> timedelta | None:
    """Return how long the job lets things live, if that can be set."""
    return {
        "maintain_partitions": settings.event_retention,
        "purge_idempotency_keys": settings.idempotency_retention,
        "flag_no_shows": settings.no_show_grace,
    }.get(job.name)


class Outcome(Enum):
    """How an attempt ended. DELAYED: nothing is known against the job, it could not run now."""

    DONE = auto()
    DELAYED = auto()
    FAILED = auto()


class Jobs:
    """The jobs of one leader, in one epoch."""

    def __init__(
        self, database: Database, settings: Settings, metrics: Metrics, worker: UUID, epoch: int | None
    ) -> None:
        self._database = database
        self._settings = settings
        self._metrics = metrics
        self._worker = worker
        self._epoch = epoch
        self.finished = asyncio.Event()
        self._stopping = asyncio.Event()
        self._triggers = {
            job.name: parse_cron(settings.schedule_of(job.name))
            for job in JOBS
            if settings.schedule_of(job.name) != OFF
        }
        self._done: dict[str, datetime] = {}
        self._locks = {job.name: asyncio.Lock() for job in JOBS}
        self._busy: set[str] = set()

    async def run(self) -> None:
        """Run what is due, then everything on its schedule. Returns after ``stop``, no job in hand."""
        self._done = await self._last_ticks()
        scheduler = AsyncIOScheduler(timezone=UTC)
        async with asyncio.TaskGroup() as group:
            self._schedule(scheduler, group)
            scheduler.start()
            try:
                group.create_task(self._sweep())
                group.create_task(self._watch_clock(scheduler, group))
                await self._stopping.wait()
            finally:
                scheduler.shutdown(wait=False)
        self.finished.set()

    def stop(self) -> None:
        """Begin nothing new; ``run`` returns once the jobs in hand are finished."""
        self._stopping.set()

    async def run_once(self, job: Job, cause: str, tick: datetime | None = None, attempt: int = 1) -> Batch:
        """Run a job now, all its batches. Returns what it did; raises what made it fail, once recorded."""
        run = Run(uuid4(), job.name, cause, self._worker, self._epoch, tick, attempt)
        started = time.monotonic()
        try:
            with self._metrics.job_duration.labels(job.name).time():
                batch = await self._batches(run, job)
        except (DatabaseUnavailable, StatementFailed) as error:
            await self._failed(run, error)
            raise
        self._metrics.count_run(job.name, batch.state)
        report = log.info if batch.affected or cause == "manual" else log.debug
        report(
            "job_finished",
            job=job.name,
            run=str(run.id),
            cause=cause,
            tick=tick and tick.isoformat(),
            state=batch.state,
            affected=batch.affected,
            seconds=round(time.monotonic() - started, 4),
        )
        return batch

    async def _batches(self, run: Run, job: Job) -> Batch:
        affected = 0
        while True:
            batch = await self._database.run_batch(
                run, job.max_rows, retention_of(job, self._settings), job.time_limit
            )
            affected += batch.affected
            if batch.state != "running":
                return Batch(batch.state, affected)

    async def _failed(self, run: Run, error: Exception) -> None:
        self._metrics.count_run(run.job, "failed")
        log.error("job_failed", job=run.job, run=str(run.id), attempt=run.attempt, error=str(error))
        try:
            await self._database.record_failure(run, str(error))
        except (DatabaseUnavailable, StatementFailed) as unrecorded:
            log.error("job_failure_not_recorded", job=run.job, run=str(run.id), error=str(unrecorded))

    async def _last_ticks(self) -> dict[str, datetime]:
        failures = 0
        while True:
            try:
                rows = await self._database.list_jobs()
                return {row["job"]: row["last_tick"] for row in rows if row["last_tick"] is not None}
            except (DatabaseUnavailable, StatementFailed) as error:
                log.warning("ticks_unknown", error=str(error))
                failures += 1
                await self._pause(self._backoff(failures))

    def _schedule(self, scheduler: AsyncIOScheduler, group: asyncio.TaskGroup) -> None:
        async def due(job: Job) -> None:  # a coroutine, or the scheduler would call it in a thread
            group.create_task(self._run_due(job))

        for name, trigger in self._triggers.items():
            group.create_task(self._run_due(JOBS_BY_NAME[name]))  # what a former leader left undone
            scheduler.add_job(
                due, trigger, args=[JOBS_BY_NAME[name]], id=name, coalesce=True, misfire_grace_time=None
            )

    def _due_tick(self, job: Job) -> datetime | None:
        now = datetime.now(UTC)
        tick, done = latest_tick(self._triggers[job.name], now), self._done.get(job.name)
        if done is not None and done > now:
            done = None  # the clock was set back: what was done by its old time says nothing
        return tick if tick and (done is None or tick > done) else None

    async def _run_due(self, job: Job) -> None:
        """Run the newest tick that nobody ran yet, until none is left or this worker stops.

        What fails is tried again for a while, then given up until the next tick: what costs too much would
        else cost it all the time. A lost database, and a run of the job elsewhere, are waited for.
        """
        if job.name in self._busy:
            return  # the loop below, already at it, will find the new tick
        self._busy.add(job.name)
        try:
            failures, tried = 0, None
            while (tick := self._due_tick(job)) and not self._stopping.is_set():
                if tick != tried:
                    tried, give_up_at = tick, time.monotonic() + self._settings.retry_for
                outcome = await self._settles(job, "schedule", tick, failures + 1)
                if outcome is Outcome.DONE:
                    self._done[job.name], failures = tick, 0
                    continue
                failures += 1
                if outcome is Outcome.FAILED and time.monotonic() >= give_up_at:
                    log.error("job_given_up", job=job.name, tick=tick.isoformat(), attempts=failures)
                    self._done[job.name] = tick
                else:
                    await self._pause(self._backoff(failures))
        finally:
            self._busy.discard(job.name)

    async def _sweep(self) -> None:
        """Run expire_reservations whenever a hold has ended."""
        job, failures = JOBS_BY_NAME["expire_reservations"], 0
        while job.name in self._triggers and not self._stopping.is_set():
            try:
                wait = await self._database.seconds_to_next_expiry()
            except (DatabaseUnavailable, StatementFailed) as error:
                log.warning("expiry_unknown", error=str(error))
                failures += 1
                await self._pause(self._backoff(failures))
                continue
            if wait is None or wait > 0:
                await self._pause(min(wait or self._settings.expiry_poll, self._settings.expiry_poll))
                continue
            outcome = await self._settles(job, "wake", None, failures + 1)
            failures = 0 if outcome is Outcome.DONE else failures + 1
            if failures:
                await self._pause(self._backoff(failures))

    async def _settles(self, job: Job, cause: str, tick: datetime | None, attempt: int) -> Outcome:
        """Run once, never beside another run of the job. DONE: now or before."""
        try:
            async with self._locks[job.name]:
                batch = await self.run_once(job, cause, tick, attempt)
        except LeaseLost as error:
            log.warning("job_fenced", job=job.name, error=str(error))
            self.stop()
            return Outcome.DELAYED
        except DatabaseUnavailable:
            return Outcome.DELAYED
        except StatementFailed:
            return Outcome.FAILED
        return Outcome.DONE if batch.state in ("succeeded", "done") else Outcome.DELAYED

    def _backoff(self, failures: int) -> float:
        doubled = self._settings.retry_first * 2 ** min(failures - 1, 20)
        return float(min(doubled, self._settings.retry_longest))

    async def _pause(self, seconds: float) -> None:
        """Sleep, unless told to stop."""
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            pass

    async def _watch_clock(self, scheduler: AsyncIOScheduler, group: asyncio.TaskGroup) -> None:
        """When somebody sets the wall clock, reckon every schedule anew: timers were set by the old one."""
        watch = ClockWatch()
        while not self._stopping.is_set():
            await self._pause(1)
            if jump := watch.jump():
                log.warning("clock_jumped", seconds=round(jump, 1))
                for scheduled in scheduler.get_jobs():
                    scheduled.reschedule(self._triggers[scheduled.id])
                    group.create_task(self._run_due(JOBS_BY_NAME[scheduled.id]))
