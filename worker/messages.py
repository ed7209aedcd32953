"""Carries messages: leases what is due, hands it to its sender at once, and says what became of it.

What is true and wanted the database judges, when it gives a lease. Here are only the clock and the counting:
as many leases as there are free senders, no faster than the configured rate, nothing transmitted once a
lease is over.
"""

import asyncio
from contextlib import suppress
from typing import Any
from uuid import UUID

import structlog

from worker.database import Database
from worker.errors import DatabaseUnavailable, StatementFailed
from worker.metrics import CHANNELS, Metrics
from worker.senders.base import Envelope, Lease, LeaseOver, Outcome, Sender, now
from worker.senders.choose import choose_senders
from worker.settings import Settings

log = structlog.get_logger()

_SAFE_SHARE = 0.9  # of a lease; the rest is for what is on its way
_BURST = 0.1  # seconds whose messages may go at once
_SHORTEST_PAUSE = 0.01
_REFUSALS = 6  # of an outcome, after which its lease is left to run out


class Pace:
    """So many a second and no more, of which a few may go at once."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._most = max(1.0, rate * _BURST)
        self._room = self._most
        self._at = now()

    def room(self) -> int:
        """Return how many may go now."""
        at = now()
        self._room = min(self._most, self._room + (at - self._at) * self._rate)
        self._at = at
        return int(self._room)

    def take(self, count: int) -> None:
        """Note that so many went."""
        self._room -= count

    def wait(self) -> float:
        """Return the seconds until the next may go."""
        return 0.0 if self.room() >= 1 else (1 - self._room) / self._rate


class Messages:
    """What one worker sends. It outlives terms of leadership: what is in hand is finished, whoever leads."""

    def __init__(self, database: Database, settings: Settings, metrics: Metrics) -> None:
        self._database = database
        self._settings = settings
        self._metrics = metrics
        self._stopping = asyncio.Event()
        self._in_hand: set[asyncio.Task[Any]] = set()

    async def run(self, worker: UUID, epoch: int) -> None:
        """Lease and send until ``stop``, or until cancelled. Raises LeaseLost."""
        senders = await self._choose()
        async with asyncio.TaskGroup() as group:
            for sender in senders:
                group.create_task(self._carry(sender, worker, epoch))

    def stop(self) -> None:
        """Lease nothing more."""
        self._stopping.set()

    async def finish(self) -> None:
        """Wait until what is in hand is sent, and what became of it is told."""
        while self._in_hand:
            await asyncio.wait(self._in_hand)

    async def _choose(self) -> list[Sender]:
        while True:
            try:
                senders = await choose_senders(self._settings, self._database.secret)
            except (DatabaseUnavailable, StatementFailed) as error:
                log.warning("senders_unknown", error=str(error))
                await asyncio.sleep(self._settings.retry_first)
            else:
                for channel in CHANNELS:
                    self._metrics.sender_up.labels(channel).set(channel in {one.channel for one in senders})
                return senders

    async def _carry(self, sender: Sender, worker: UUID, epoch: int) -> None:
        """Send what is due through one channel, as fast as its rate and its free senders allow."""
        settings, pace, failures = self._settings, Pace(self._settings.message_rate), 0
        busy: set[asyncio.Task[Any]] = set()
        while not self._stopping.is_set():
            if len(busy) >= settings.message_senders:
                await asyncio.wait(busy, return_when=asyncio.FIRST_COMPLETED)
            await self._pause(pace.wait())
            free = min(pace.room(), settings.message_senders - len(busy))
            if free < 1 or self._stopping.is_set():
                continue
            step = self._hold(self._step(sender, worker, epoch, free, busy))
            try:
                # Whoever is cancelled meanwhile has still sent what it got a lease for.
                pace.take(count := await asyncio.shield(step))
                await self._pause(0 if count else await self._until_next(sender, busy))
                failures = 0
            except (DatabaseUnavailable, StatementFailed) as error:
                log.warning("messages_interrupted", channel=sender.channel, error=str(error))
                failures += 1
                await self._pause(
                    min(settings.retry_first * 2 ** min(failures - 1, 20), settings.retry_longest)
                )

    async def _step(
        self, sender: Sender, worker: UUID, epoch: int, most: int, busy: set[asyncio.Task[Any]]
    ) -> int:
        """Lease so many at most, and begin to send each at once. Returns how many those are."""
        settings, asked_at = self._settings, now()
        rows = await self._database.lease_messages(
            worker,
            epoch,
            sender.channel,
            repeatable=sender.repeatable,
            most=most,
            seconds=settings.message_lease,
            site=settings.site_url or "",
        )
        lease = Lease(asked_at + settings.message_lease * _SAFE_SHARE)
        for row in rows:
            task = self._hold(self._send(sender, Envelope.of(row), lease))
            busy.add(task)
            task.add_done_callback(busy.discard)
        return len(rows)

    def _hold(self, work: Any) -> asyncio.Task[Any]:
        """Begin something that is finished even if whoever began it is cancelled."""
        task: asyncio.Task[Any] = asyncio.create_task(work)
        self._in_hand.add(task)
        task.add_done_callback(self._in_hand.discard)
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        return task

    async def _until_next(self, sender: Sender, busy: set[asyncio.Task[Any]]) -> float:
        """Return how long to wait before looking again; the sender rests meanwhile."""
        wait = await self._database.seconds_to_next_message(sender.channel)
        poll = self._settings.message_poll
        pause = poll if wait is None else max(_SHORTEST_PAUSE, min(wait, poll))
        if pause >= poll and not busy:
            await sender.rest()
        return pause

    async def _send(self, sender: Sender, envelope: Envelope, lease: Lease) -> None:
        with self._metrics.sending.labels(sender.channel).time():
            outcome = await attempt(sender, envelope, lease)
        told = log.info if outcome.state == "sent" else log.warning
        told(
            "message_settled",
            message=str(envelope.message_id),
            kind=envelope.kind,
            channel=envelope.channel,
            attempt=envelope.attempt,
            outcome=outcome.state,
            code=outcome.code or None,
        )
        await self._settle(envelope, outcome)

    async def _settle(self, envelope: Envelope, outcome: Outcome) -> None:
        """Tell the database, however long that takes: what was sent must not be sent again."""
        pause, refusals = self._settings.retry_first, 0
        while refusals < _REFUSALS:
            try:
                await self._database.settle_message(
                    *(envelope.lease_id, outcome.state, outcome.ref, outcome.error, outcome.retry_after)
                )
            except (DatabaseUnavailable, StatementFailed) as error:
                log.warning("message_unsettled", message=str(envelope.message_id), error=str(error))
                refusals += isinstance(error, StatementFailed)
                await asyncio.sleep(pause)
                pause = min(pause * 2, self._settings.retry_longest)
            else:
                return

    async def _pause(self, seconds: float) -> None:
        """Sleep, unless told to stop."""
        if seconds <= 0:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()


async def attempt(sender: Sender, envelope: Envelope, lease: Lease) -> Outcome:
    """Let a sender try, and return what became of it, whatever happens."""
    try:
        return await sender.send(envelope, lease)
    except LeaseOver as error:
        return Outcome("retry", "late", str(error))
    except Exception as error:  # a bug; the next message may do better
        log.error(
            "sender_failed", message=str(envelope.message_id), error=type(error).__name__, exc_info=True
        )
        return Outcome("unknown", type(error).__name__)
