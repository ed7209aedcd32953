"""The demo's audience: somebody who is not signed in and watches the clinic's calendar over Realtime."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from realtime import AsyncRealtimeClient, RealtimeSubscribeStates

from cli.demo.stage import DemoFailure

EVENTS = ("slot_taken", "slot_freed")
PATIENCE = 10.0  # seconds


@dataclass(frozen=True)
class Heard:
    """A broadcast that arrived: what happened, to which slot, and how long after it happened, in seconds."""

    event: str
    starts_at: datetime
    delay: float


@dataclass
class Audience:
    """What was heard so far; `hears` waits for more."""

    heard: list[Heard] = field(default_factory=list)
    _news: threading.Condition = field(default_factory=threading.Condition)

    def hears(self, event: str, starts_at: str, times: int = 1) -> Heard:
        """Wait until `event` was heard of the slot that often; return the latest. Raises DemoFailure."""
        instant = datetime.fromisoformat(starts_at)

        def found() -> list[Heard]:
            return [one for one in self.heard if (one.event, one.starts_at) == (event, instant)]

        with self._news:
            if not self._news.wait_for(lambda: len(found()) >= times, PATIENCE):
                raise DemoFailure(f"nobody was told of {event} for {starts_at} in {PATIENCE:.0f} s")
            return found()[-1]

    def take(self, event: str, payload: Mapping[str, Any]) -> None:
        """Note a broadcast."""
        details = payload.get("payload", payload)
        delay = (datetime.now(UTC) - datetime.fromisoformat(details["occurred_at"])).total_seconds()
        with self._news:
            self.heard.append(Heard(event, datetime.fromisoformat(details["starts_at"]), delay))
            self._news.notify_all()


@contextmanager
def watching(status: Mapping[str, Any], topic: str) -> Iterator[Audience]:
    """Yield an audience that has joined the channel, on a thread of its own. Raises DemoFailure."""
    audience, joined, stop = Audience(), threading.Event(), threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(_watch(status, topic, audience, joined.set, stop)))
    thread.start()
    try:
        if not joined.wait(PATIENCE):
            raise DemoFailure(f"the channel {topic} could not be joined in {PATIENCE:.0f} s")
        yield audience
    finally:
        stop.set()
        thread.join()


async def _watch(
    status: Mapping[str, Any],
    topic: str,
    audience: Audience,
    joined: Callable[[], None],
    stop: threading.Event,
) -> None:
    client = AsyncRealtimeClient(status["realtime_url"], status["publishable_key"])
    channel = client.channel(topic, {"config": {"private": True}})  # type: ignore[arg-type]
    for event in EVENTS:
        channel.on_broadcast(event, partial(audience.take, event))

    def on_state(state: RealtimeSubscribeStates, _: Exception | None) -> None:
        if state == RealtimeSubscribeStates.SUBSCRIBED:
            joined()

    await channel.subscribe(on_state)
    await asyncio.to_thread(stop.wait)
    await client.close()
