"""Measures what subscribers get: subscribes like any client, and compares what arrives with the event log."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import structlog
from realtime import AsyncRealtimeClient, RealtimeSubscribeStates

from worker.database import Row
from worker.errors import WorkerError
from worker.metrics import Metrics

log = structlog.get_logger()

_REMEMBERED = 10_000
_LIST_TOPICS_EVERY = 60.0
_LONGEST_BACKOFF = 30.0


class _Lost(WorkerError):
    """The subscription is gone; the message says how."""


class Probe:
    """One subscriber of public topics. ``note_event`` feeds it the log, ``run`` keeps it subscribed."""

    def __init__(self, url: str, key: str, metrics: Metrics, patience: float) -> None:
        self._url = f"{url.rstrip('/')}/realtime/v1"
        self._key = key
        self._metrics = metrics
        self._patience = patience
        self._since: dict[str, datetime] = {}  # from when on the server hears each topic's news
        self._received: OrderedDict[int, None] = OrderedDict()
        # event id -> when it counts as missed, and where it is expected
        self._expected: OrderedDict[int, tuple[float, str]] = OrderedDict()

    async def run(self, list_topics: Callable[[], Awaitable[list[str]]]) -> None:
        """Stay subscribed until cancelled, connecting again with backoff."""
        failures = 0
        while True:
            started = time.monotonic()
            try:
                await self._session(list_topics)
            except Exception as error:  # whatever the client raises, the probe goes on
                log.warning("probe_lost", error=str(error) or type(error).__name__)
            self._metrics.subscribed.set(0)
            self._metrics.reconnects.inc()
            failures = 0 if time.monotonic() - started > _LONGEST_BACKOFF else failures + 1
            await asyncio.sleep(min(0.5 * 2**failures, _LONGEST_BACKOFF))

    def note_event(self, event: Row) -> None:
        """Take note of an event of the log: if it went to one of our topics, it has to arrive."""
        heard = [topic for topic in event["topics"] if topic in self._since]
        if not heard or event["occurred_at"] < self._since[heard[0]] or event["id"] in self._received:
            return
        self._expected[event["id"]] = (time.monotonic() + self._patience, heard[0])

    def count_missed(self) -> None:
        """Count the events that should have arrived by now and did not."""
        now = time.monotonic()
        while self._expected and next(iter(self._expected.values()))[0] < now:
            event_id, _ = self._expected.popitem(last=False)
            self._metrics.missed.inc()
            log.warning("delivery_missed", id=event_id)

    async def _session(self, list_topics: Callable[[], Awaitable[list[str]]]) -> None:
        lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        client = AsyncRealtimeClient(self._url, self._key, auto_reconnect=False, max_retries=1)
        joined: set[str] = set()
        try:
            await client.connect()
            while True:
                for topic in await list_topics():
                    if topic not in joined:
                        await self._join(client, topic, lost)
                        joined.add(topic)
                self._metrics.subscribed.set(len(joined))
                await self._listen(lost)
        finally:
            await client.close()

    async def _listen(self, lost: asyncio.Future[str]) -> None:
        """Wait until it is time to list the topics again. Raises when the subscription is lost."""
        until = time.monotonic() + _LIST_TOPICS_EVERY
        while time.monotonic() < until:
            await asyncio.wait([lost], timeout=1)
            if lost.done():
                raise _Lost(lost.result())
            self.count_missed()

    async def _join(self, client: AsyncRealtimeClient, topic: str, lost: asyncio.Future[str]) -> None:
        def on_state(state: RealtimeSubscribeStates, error: Exception | None) -> None:
            if state != RealtimeSubscribeStates.SUBSCRIBED and not lost.done():
                lost.set_result(f"{topic}: {state.value} {error or ''}".strip())

        def on_system(said: Any) -> None:
            if said.extension == "system" and said.status == "ok":
                self._since.setdefault(topic, datetime.now(UTC))

        # A join is answered before the server hears the database; it says when it does.
        broadcast: Any = {"ack": False, "self": False, "replication_ready": True}
        presence: Any = {"key": "", "enabled": False}
        channel = client.channel(
            topic, {"config": {"broadcast": broadcast, "presence": presence, "private": True}}
        )
        channel.on_system(on_system)
        channel.on_broadcast("*", lambda message: self._hear(topic, message))
        await channel.subscribe(on_state)
        if lost.done():
            raise _Lost(lost.result())
        log.info("probe_subscribed", topic=topic)

    def _hear(self, topic: str, message: Mapping[str, Any]) -> None:
        if message["event"] == "resync":
            self._resync(topic)
        else:
            self._receive(message)

    def _resync(self, topic: str) -> None:
        """Expect nothing more of what happened until now: one broadcast told of all of it."""
        self._since[topic] = datetime.now(UTC)
        for event_id in [key for key, (_, where) in self._expected.items() if where == topic]:
            del self._expected[event_id]

    def _receive(self, message: Mapping[str, Any]) -> None:
        payload = message["payload"]
        event_id = int(payload["event_id"])
        if event_id in self._received:
            self._metrics.duplicates.inc()
            return
        self._received[event_id] = None
        while len(self._received) > _REMEMBERED:
            self._received.popitem(last=False)
        self._expected.pop(event_id, None)
        latency = datetime.now(UTC) - datetime.fromisoformat(payload["occurred_at"])
        self._metrics.delivery.observe(max(0.0, latency.total_seconds()))
