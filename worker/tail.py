"""Copies the database's event log into our log: at least once, in order, resuming where it stopped."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

import structlog

from worker.database import Database, Row
from worker.errors import DatabaseUnavailable, StatementFailed
from worker.metrics import Metrics
from worker.settings import Settings

log = structlog.get_logger()

_LOGGED = ("event", "entity", "entity_id", "clinic_id", "dentist_id", "dentist_seq", "actor")


class Tail:
    """Reads, writes a line an event, and only then moves the stored position: a crash repeats events."""

    def __init__(
        self, database: Database, settings: Settings, metrics: Metrics, worker: UUID, epoch: int
    ) -> None:
        self._database = database
        self._metrics = metrics
        self._worker = worker
        self._epoch = epoch
        self._interval = settings.tail_interval
        self._batch = settings.tail_batch

    async def run(self, on_event: Callable[[Row], None]) -> None:
        """Follow the log until cancelled, handing each event to ``on_event`` too. Raises LeaseLost."""
        while True:
            try:
                count = await self.step(on_event)
            except (DatabaseUnavailable, StatementFailed) as error:
                log.warning("tail_interrupted", error=str(error))
                count = 0
            if count < self._batch:
                await asyncio.sleep(self._interval)

    async def step(self, on_event: Callable[[Row], None]) -> int:
        """Log the next batch; return how many events that were."""
        events = await self._database.read_events(self._worker, self._epoch, self._batch)
        for event in events:
            self._write(event)
            on_event(event)
        if events:
            await self._database.acknowledge_events(self._worker, self._epoch, events[-1]["id"])
            self._metrics.tailed.inc(len(events))
        return len(events)

    def _write(self, event: Row) -> None:
        lag = (datetime.now(UTC) - event["occurred_at"]).total_seconds()
        fields = {f"event_{key}" if key == "event" else key: _plain(event[key]) for key in _LOGGED}
        occurred_at = event["occurred_at"].isoformat()
        log.info("event", id=event["id"], occurred_at=occurred_at, lag=round(lag, 3), **fields)


def _plain(value: object) -> object:
    return str(value) if isinstance(value, UUID) else value
