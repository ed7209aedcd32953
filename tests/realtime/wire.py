"""The protocol spoken by hand, to say what no client would."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

from websockets.asyncio.client import ClientConnection, connect

from cli.local.realtime.protocol import Vsn
from tests.realtime.clients import PATIENCE
from tests.realtime.server import PUBLISHABLE_KEY, Standin

JOINED = {"status": "ok", "response": {"postgres_changes": []}}


class Wire:
    """An open socket; messages are dicts with topic, event, payload and ref, whatever the version."""

    def __init__(self, socket: ClientConnection, vsn: Vsn) -> None:
        self.socket = socket
        self.vsn = vsn
        self._ref = 0

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        standin: Standin,
        vsn: Vsn = Vsn.V1,
        *,
        key: str = PUBLISHABLE_KEY,
        headers: Mapping[str, str] | None = None,
        **options: Any,
    ) -> AsyncIterator[Wire]:
        """Connect; raises websockets' InvalidStatus when the handshake is refused."""
        url = f"{standin.websocket_url}?{urlencode({'apikey': key, 'vsn': vsn})}"
        patient = {"open_timeout": PATIENCE, "ping_interval": None, **options}
        async with connect(url, additional_headers=headers, **patient) as socket:
            yield cls(socket, vsn)

    async def send(self, topic: str, event: str, payload: Any, *, join_ref: str | None = None) -> str:
        """Send a message and return its ref."""
        self._ref += 1
        ref = str(self._ref)
        if self.vsn is Vsn.V1:
            frame: Any = {
                "topic": topic,
                "event": event,
                "payload": payload,
                "ref": ref,
                "join_ref": join_ref,
            }
        else:
            frame = [join_ref, ref, topic, event, payload]
        await self.socket.send(json.dumps(frame))
        return ref

    async def receive(self) -> Any:
        """Return the next message, or bytes for a binary frame."""
        async with asyncio.timeout(PATIENCE):
            data = await self.socket.recv()
        if isinstance(data, bytes):
            return data
        frame = json.loads(data)
        if self.vsn is Vsn.V1:
            assert set(frame) == {"topic", "event", "payload", "ref"}
            return frame
        _, ref, topic, event, payload = frame
        return {"topic": topic, "event": event, "payload": payload, "ref": ref}

    async def ask(
        self, topic: str, event: str, payload: Any, *, join_ref: str | None = None
    ) -> dict[str, Any]:
        """Send a message, and return the payload of the reply to it; what comes before is passed over."""
        ref = await self.send(topic, event, payload, join_ref=join_ref)
        while True:
            answer = await self.receive()
            if isinstance(answer, dict) and answer["ref"] == ref and answer["event"] == "phx_reply":
                payload = answer["payload"]
                assert isinstance(payload, dict)
                return payload

    async def join(self, topic: str, *, token: str | None = None, config: Any = None) -> dict[str, Any]:
        """Join a channel and return the payload of the reply."""
        about = {"access_token": token} if token else {}
        return await self.ask(f"realtime:{topic}", "phx_join", {"config": config or {}, **about})

    async def enter(self, topic: str, token: str) -> None:
        """Join a private channel, and see to it that this works."""
        assert await self.join(topic, token=token, config={"private": True}) == JOINED

    async def closed(self) -> int:
        """Wait until the server has closed the connection, and return the code."""
        async with asyncio.timeout(PATIENCE):
            await self.socket.wait_closed()
        code = self.socket.close_code
        assert code is not None
        return code
