"""Listens to the availability channel: so a conversation learns when somebody else takes what it offered."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from realtime import AsyncRealtimeClient, RealtimeSubscribeStates

EVENTS = ("slot_taken", "availability_changed", "hours_changed", "resync")
LONGEST_BACKOFF = 30.0  # seconds

log = logging.getLogger(__name__)


class Watcher:
    """A subscriber of `availability:<clinic_id>`.

    Whatever may have taken a time puts what was offered in doubt. Broadcasts are hints, and may be missed: so
    does every join, and the server's word that it hears the database.
    """

    def __init__(self, url: str, key: str, clinic_id: str, doubt: Callable[[], None]) -> None:
        self._url = f"{url.rstrip('/')}/realtime/v1"
        self._key = key
        self._topic = f"availability:{clinic_id}"
        self._doubt = doubt
        self.joined = asyncio.Event()

    async def run(self) -> None:
        """Stay subscribed until cancelled.

        Without Realtime the tools work all the same: they only learn later what was taken.
        """
        failures = 0
        while True:
            try:
                await self._session()
            except Exception as error:  # whatever the client raises, the watch goes on
                log.warning("availability channel lost: %s", error or type(error).__name__)
            failures = 0 if self.joined.is_set() else failures + 1
            self.joined.clear()
            await asyncio.sleep(min(0.5 * 2**failures, LONGEST_BACKOFF))

    async def _session(self) -> None:
        lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        client = AsyncRealtimeClient(self._url, self._key, auto_reconnect=False, max_retries=1)
        try:
            await client.connect()
            await self._join(client, lost)
            raise ConnectionError(await lost)
        finally:
            await client.close()

    async def _join(self, client: AsyncRealtimeClient, lost: "asyncio.Future[str]") -> None:
        def on_state(state: RealtimeSubscribeStates, error: Exception | None) -> None:
            if state == RealtimeSubscribeStates.SUBSCRIBED:
                self.joined.set()
                self._doubt()
            elif not lost.done():
                lost.set_result(f"{state.value} {error or ''}".strip())

        broadcast: Any = {"ack": False, "self": False, "replication_ready": True}
        presence: Any = {"key": "", "enabled": False}
        channel = client.channel(
            self._topic, {"config": {"broadcast": broadcast, "presence": presence, "private": True}}
        )
        channel.on_system(lambda _: self._doubt())
        for event in EVENTS:
            channel.on_broadcast(event, lambda _: self._doubt())
        await channel.subscribe(on_state)
