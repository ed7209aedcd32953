"""One socket: what it sends is handled in order, what it is sent waits in a bounded queue."""

import asyncio
import logging
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from cli.local.realtime.channel import Channel, Refused
from cli.local.realtime.protocol import Frame, FrameError, Vsn, decode
from cli.local.realtime.services import Services

CLOSING_TIMEOUT = 1  # second that a client gets to take note of its connection's end

log = logging.getLogger(__name__)


class Connection:
    """An accepted socket and its channels."""

    def __init__(
        self, websocket: WebSocket, services: Services, vsn: Vsn, token: str, headers: Mapping[str, str]
    ) -> None:
        self.services = services
        self.vsn = vsn
        self.headers = headers
        self.channels: dict[str, Channel] = {}
        self._websocket = websocket
        self._token = token
        self._outbox: deque[str | bytes] = deque()
        self._backlog = 0
        self._waiting = asyncio.Event()
        self._closing: asyncio.Future[tuple[int, str]] = asyncio.get_running_loop().create_future()

    def token_for(self, access_token: Any) -> str:
        """Return the token a channel acts with: its own, or else the connection's key."""
        own = isinstance(access_token, str) and not access_token.startswith("sb_")
        return access_token if own else self._token

    def push(self, frame: Frame) -> None:
        """Queue a frame."""
        self.send(frame.encode(self.vsn))

    def send(self, data: str | bytes | None) -> None:
        """Queue an encoded frame, if there is one; a reader too slow for what it is sent is dropped."""
        if data is None or self._closing.done():
            return
        self._outbox.append(data)
        self._backlog += len(data)
        self._waiting.set()
        if self._backlog > self.services.max_backlog:
            self.close(1008, "too slow")

    def close(self, code: int, reason: str) -> None:
        """End the connection; what is still queued is not sent."""
        if not self._closing.done():
            self._closing.set_result((code, reason))
            self._outbox.clear()

    async def serve(self) -> None:
        """Serve the socket until either side ends it."""
        self.services.hub.connections.add(self)
        tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._write())]
        try:
            endings: list[asyncio.Future[Any]] = [*tasks, self._closing]
            await asyncio.wait(endings, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.services.hub.connections.discard(self)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for channel in self.channels.values():
                channel.leave()
        if self._closing.done():
            code, reason = self._closing.result()
            with suppress(TimeoutError, RuntimeError, WebSocketDisconnect):
                async with asyncio.timeout(CLOSING_TIMEOUT):
                    await self._websocket.close(code, reason)

    async def _write(self) -> None:
        with suppress(WebSocketDisconnect):
            while await self._waiting.wait():
                while self._outbox:
                    data = self._outbox.popleft()
                    self._backlog -= len(data)
                    await self._transmit(data)
                self._waiting.clear()

    async def _transmit(self, data: str | bytes) -> None:
        if isinstance(data, str):
            await self._websocket.send_text(data)
        else:
            await self._websocket.send_bytes(data)

    async def _read(self) -> None:
        try:
            while (data := await self._receive()) is not None:
                await self._handle(decode(self.vsn, data))
        except FrameError as error:
            self.close(1007, str(error))
        except TimeoutError:
            self.close(1001, "idle")
        except Exception:
            log.exception("connection failed")
            self.close(1011, "internal error")

    async def _receive(self) -> str | bytes | None:
        """Return the next frame, or None at the end. Raises TimeoutError."""
        async with asyncio.timeout(self.services.idle_timeout):
            message = await self._websocket.receive()
        if message["type"] == "websocket.disconnect":
            return None
        text: str | None = message.get("text")
        data: bytes = message.get("bytes", b"")
        return data if text is None else text

    async def _handle(self, frame: Frame) -> None:
        channel = self.channels.get(frame.topic)
        if frame.topic == "phoenix" and frame.event == "heartbeat":
            self.push(frame.reply("ok", {}))
        elif frame.event == "phx_join":
            await self._join(frame)
        elif channel and frame.join_ref in (channel.join_ref, None):
            await channel.handle(frame)
        elif frame.event == "phx_leave":
            self.push(frame.reply("ok", {}))
        elif not channel:
            self.push(frame.reply("error", {"reason": "unmatched topic"}))

    async def _join(self, frame: Frame) -> None:
        if earlier := self.channels.get(frame.topic):
            earlier.close()
        try:
            self._require_room(frame.topic)
            channel = self.channels[frame.topic] = Channel(self, frame)
            await channel.join(frame)
        except Refused as refusal:
            if refused := self.channels.pop(frame.topic, None):
                refused.leave()
            self.push(frame.reply("error", {"reason": str(refusal)}))

    def _require_room(self, topic: str) -> None:
        if not topic.startswith("realtime:"):
            raise Refused("unmatched topic")
        if topic == "realtime:":
            raise Refused("TopicNameRequired: You must provide a topic name")
        if len(self.channels) >= self.services.max_channels:
            raise Refused("ChannelRateLimitReached: Too many channels")
