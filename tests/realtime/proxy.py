"""A network cable that can be pulled: a TCP proxy in front of the stand-in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class Cable:
    """Passes bytes on to a local port while it is plugged in."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._plugged = asyncio.Event()
        self._plugged.set()
        self._streams: set[asyncio.StreamWriter] = set()
        self.port = 0

    @classmethod
    @asynccontextmanager
    async def to(cls, target: int) -> AsyncIterator[Cable]:
        """Yield a cable to a port of this machine; its own end is at `port`."""
        cable = cls(target)
        server = await asyncio.start_server(cable._carry, "127.0.0.1")
        cable.port = server.sockets[0].getsockname()[1]
        try:
            yield cable
        finally:
            server.close()
            cable.pull()

    def pull(self) -> None:
        """Cut every connection; new ones get no further than the plug."""
        self._plugged.clear()
        for stream in self._streams:
            stream.transport.abort()

    def plug_in(self) -> None:
        """Let connections through again."""
        self._plugged.set()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._plugged.is_set():
            writer.transport.abort()
            return
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        ends = {writer, far_writer}
        self._streams |= ends
        with suppress(ConnectionError):
            await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))
        self._streams -= ends


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()
    writer.close()
