"""Committed messages, as the database announces them, and the partitions they are stored in."""

import asyncio
import logging
import uuid
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any

import psycopg

from cli.local.realtime.database import Database, DatabaseUnavailable, Key, Message

SESSION = "-c timezone=UTC -c lock_timeout=2s"
PATIENCE = 2  # seconds that a join waits for the listener to be ready
BATCH = 500  # messages read in one query at most
BACKOFF = (0.1, 0.2, 0.5, 1, 2, 5)  # seconds between attempts to connect
MAINTENANCE_INTERVAL = 600  # seconds

log = logging.getLogger(__name__)


class Listener:
    """Reads every message once it is committed, in the order of the commits, and hands it on in batches.

    While it has no connection nothing can be delivered: `ready` is clear, and `on_loss` has been called.
    """

    def __init__(
        self,
        url: str,
        database: Database,
        *,
        on_messages: Callable[[list[Message]], None],
        on_loss: Callable[[], None],
    ) -> None:
        self._url = url
        self._database = database
        self._on_messages = on_messages
        self._on_loss = on_loss
        self.ready = asyncio.Event()

    async def wait_until_ready(self) -> None:
        """Return once messages are read as they are committed. Raises DatabaseUnavailable after a moment."""
        try:
            async with asyncio.timeout(PATIENCE):
                await self.ready.wait()
        except TimeoutError:
            raise DatabaseUnavailable from None

    async def run(self) -> None:
        """Listen until cancelled; a lost database is tried again, with backoff."""
        failures = 0
        while True:
            try:
                await self._connect_and_listen()
            except* (psycopg.Error, DatabaseUnavailable) as errors:
                log.warning("listener stopped: %s", errors.exceptions[0])
            finally:
                failures = 0 if self.ready.is_set() else failures + 1
                if self.ready.is_set():
                    self.ready.clear()
                    self._on_loss()
            await asyncio.sleep(BACKOFF[min(failures, len(BACKOFF) - 1)])

    async def _connect_and_listen(self) -> None:
        async with await psycopg.AsyncConnection.connect(
            self._url,
            autocommit=True,
            application_name="realtime listener",
            options=SESSION,
            connect_timeout=5,
        ) as conn:
            await conn.execute("select _realtime.announce_messages(), _realtime.maintain_partitions()")
            await conn.execute("listen _realtime_messages")
            self.ready.set()
            keys: asyncio.Queue[Key] = asyncio.Queue()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._deliver(keys))
                tasks.create_task(self._maintain_partitions())
                await _collect(conn, keys)

    async def _deliver(self, keys: asyncio.Queue[Key]) -> None:
        while True:
            batch = [await keys.get()]
            while len(batch) < BATCH and not keys.empty():
                batch.append(keys.get_nowait())
            self._on_messages(await self._database.fetch(batch))

    async def _maintain_partitions(self) -> None:
        while True:
            await asyncio.sleep(MAINTENANCE_INTERVAL)
            try:
                await self._database.maintain_partitions()
            except DatabaseUnavailable as error:  # a lock was not to be had; there are days to try again
                log.warning("partitions not maintained: %s", error.__cause__)


async def _collect(conn: psycopg.AsyncConnection[Any], keys: asyncio.Queue[Key]) -> None:
    async for notification in conn.notifies():
        with suppress(ValueError):  # anyone may notify anything
            message_id, inserted_at = notification.payload.split(" ", 1)
            keys.put_nowait(Key(str(uuid.UUID(message_id)), datetime.fromisoformat(inserted_at)))
    raise psycopg.OperationalError("the database stopped notifying")
