"""Following channels: every event once and none missed, whatever happens to the connection.

Broadcasts are hints that arrive fast and at most once; `events_since` is the truth, and slower. A feed hands
on broadcasts as they come, and asks `events_since` whenever one of them shows that something is missing.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from cli.errors import ChairtimeError, Exit, translate

if TYPE_CHECKING:
    from realtime import AsyncRealtimeChannel, AsyncRealtimeClient, RealtimeSubscribeStates

Event = dict[str, Any]
"""`{"topic", "id", "occurred_at", "event", "dentist_id", "dentist_seq", "payload", "recovered"}`;
what is in nobody's calendar, such as a patient's record that changed, has no dentist and no number."""

Fetch = Callable[[str, int], Awaitable[list[Event]]]
"""Returns a page of at most PAGE rows of `events_since` for a topic and an event id."""

PAGE = 500
RECOVERY = 5.0  # seconds that a gap may stay open because a transaction before it still runs
RETRY = 0.2  # seconds between two looks at such a gap
TRANSIENT = {"unreachable", "not_configured"}  # what a stack says that is down for a while
BACKOFF = (0.2, 0.5, 1, 2, 5, 10)  # seconds between attempts to connect


class Feed:
    """One topic's events. Up to the cursor nothing can come any more; `ahead` of it some are known."""

    def __init__(self, topic: str, fetch: Fetch, after: int) -> None:
        self.topic = topic
        self._fetch = fetch
        self._cursor = after
        self._ahead: set[int] = set()
        self._numbers: dict[str, int] = {}  # the last dentist_seq of each dentist

    async def catch_up(self) -> AsyncIterator[Event]:
        """Yield what `events_since` has and this feed has not."""
        page: list[Event] = []
        while not page or len(page) == PAGE:
            page = await self._fetch(self.topic, self._cursor)
            for row in page:
                is_new = row["id"] not in self._ahead
                self._cursor = row["id"]
                self._ahead.discard(row["id"])
                if is_new:
                    yield self._noted(row, recovered=True)
            if not page:
                return

    async def accept(self, payload: Mapping[str, Any]) -> AsyncIterator[Event]:
        """Yield a broadcast event, after those that should have come before it."""
        if self._shows_gap(payload) or len(self._ahead) >= PAGE:
            async for event in self._recover(payload["event_id"]):
                yield event
        if payload["event_id"] > self._cursor and payload["event_id"] not in self._ahead:
            self._ahead.add(payload["event_id"])
            row = {name: payload[name] for name in ("occurred_at", "event", "dentist_id", "dentist_seq")}
            yield self._noted({"id": payload["event_id"], **row, "payload": payload}, recovered=False)

    async def _recover(self, event_id: int) -> AsyncIterator[Event]:
        deadline = asyncio.get_running_loop().time() + RECOVERY
        while self._cursor < event_id and asyncio.get_running_loop().time() < deadline:
            async for event in self.catch_up():
                yield event
            if self._cursor < event_id:
                await asyncio.sleep(RETRY)

    def _shows_gap(self, payload: Mapping[str, Any]) -> bool:
        last, previous = self._numbers.get(payload["dentist_id"]), payload.get("previous_dentist_seq")
        return last is not None and previous is not None and previous > last

    def _noted(self, row: Event, *, recovered: bool) -> Event:
        if row["dentist_seq"] is not None:
            number = max(self._numbers.get(row["dentist_id"], 0), row["dentist_seq"])
            self._numbers[row["dentist_id"]] = number
        return {"topic": self.topic, **row, "recovered": recovered}


class Follower:
    """Follows topics over Realtime, and comes back when the connection is lost.

    `token` is asked at every attempt, so that it may be renewed; `on_state` is told of losses and returns.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        token: Callable[[], Awaitable[str]],
        fetch: Fetch,
        after: Mapping[str, int],
        on_state: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._url = f"{url.rstrip('/')}/realtime/v1"
        self._key = key
        self._token = token
        self._on_state = on_state
        self._feeds = {topic: Feed(topic, fetch, event_id) for topic, event_id in after.items()}
        self._failures = 0  # attempts to connect since the last that succeeded
        self._is_lost = False
        self._signals: asyncio.Queue[tuple[str, Mapping[str, Any] | None]] = asyncio.Queue()

    async def events(self) -> AsyncIterator[Event]:
        """Yield events for as long as the caller listens.

        Raises ChairtimeError `forbidden` for a topic that one may not join.
        """
        logging.getLogger("realtime").setLevel(logging.CRITICAL)  # we say ourselves what happens
        connection = asyncio.create_task(self._stay_connected())
        try:
            while True:
                topic, payload = await self._next_signal(connection)
                feed = self._feeds[topic]
                try:
                    async for event in feed.catch_up() if payload is None else feed.accept(payload):
                        yield event
                except Exception as error:
                    self._try_again(topic, error)
        finally:
            connection.cancel()
            await asyncio.wait([connection])

    async def _next_signal(self, connection: asyncio.Task[None]) -> tuple[str, Mapping[str, Any] | None]:
        signal = asyncio.ensure_future(self._signals.get())
        await asyncio.wait([signal, connection], return_when=asyncio.FIRST_COMPLETED)
        if connection.done():
            signal.cancel()
            connection.result()
        return await signal

    def _try_again(self, topic: str, error: Exception) -> None:
        """Catch up later if the API cannot be reached; whatever else is wrong goes to the caller."""
        known = translate(error)
        if known is None or known.code not in TRANSIENT:
            raise error
        self._note_loss(known.message)
        self._signal_later(1, topic)

    def _note_loss(self, reason: str) -> None:
        """Say once that something is lost; `_session` says when it is found again."""
        if not self._is_lost:
            self._on_state(f"connection lost, trying again: {reason}")
        self._is_lost = True

    def _signal_later(self, seconds: float, topic: str) -> None:
        asyncio.get_running_loop().call_later(seconds, self._signals.put_nowait, (topic, None))

    async def _stay_connected(self) -> None:
        while True:
            try:
                await self._session()
            except (_LostError, OSError) as error:
                self._note_loss(str(error))
            except ChairtimeError as error:
                if error.code not in TRANSIENT:
                    raise
                self._note_loss(error.message)
            await asyncio.sleep(BACKOFF[min(self._failures, len(BACKOFF) - 1)])
            self._failures += 1

    async def _session(self) -> None:
        """Join every topic and stay until one of them is lost. Raises _LostError, OSError, ChairtimeError."""
        from realtime import AsyncRealtimeClient
        from websockets.exceptions import WebSocketException

        client = AsyncRealtimeClient(self._url, self._key, auto_reconnect=False, max_retries=1)
        lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        try:
            await client.connect()
            await client.set_auth(await self._token())
            for topic in self._feeds:
                await self._join(client, topic, lost)
            self._failures, self._is_lost = 0, False
            self._on_state(f"listening to {', '.join(self._feeds)}")
            await lost
        except WebSocketException as error:
            raise _LostError(str(error)) from error
        finally:
            await client.close()

    async def _join(self, client: "AsyncRealtimeClient", topic: str, lost: asyncio.Future[None]) -> None:
        def on_state(state: "RealtimeSubscribeStates", error: Exception | None) -> None:
            if state.value == "SUBSCRIBED":
                self._signals.put_nowait((topic, None))
            elif not lost.done():
                lost.set_exception(_refusal(topic, state.value, error))

        def on_system(said: Any) -> None:
            # The server hears the database from now on: what it did not hear has to be fetched.
            if said.extension == "system" and said.status == "ok":
                self._signals.put_nowait((topic, None))

        channel = _channel(client, topic)
        channel.on_system(on_system)
        channel.on_broadcast("*", lambda seen: self._signals.put_nowait((topic, _news(seen["payload"]))))
        await channel.subscribe(on_state)
        if lost.done():
            lost.result()


def _channel(client: "AsyncRealtimeClient", topic: str) -> "AsyncRealtimeChannel":
    broadcast: Any = {"replication_ready": True}  # which the client passes on without knowing it
    return client.channel(topic, {"config": {"private": True, "broadcast": broadcast, "presence": None}})


def _news(payload: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the event, or None where there is only word that there is news: more than could be told."""
    return None if payload["event"] == "resync" else payload


class _LostError(Exception):
    """The connection is gone, or was not granted for now."""


def _refusal(topic: str, state: str, error: Exception | None) -> Exception:
    if error and "Unauthorized" in str(error):
        hint = "Sign in as somebody who may: `chairtime login`."
        return ChairtimeError(f"you may not listen to {topic}", "forbidden", hint, Exit.FORBIDDEN)
    return _LostError(str(error) if error else state)
