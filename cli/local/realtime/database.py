"""What the stand-in asks of the database: who may read and write a topic, and which messages there are."""

import json
import uuid
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

import psycopg
from psycopg.rows import class_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from cli.local.realtime.protocol import Broadcast
from cli.local.realtime.tokens import Claims

AsyncConnection = psycopg.AsyncConnection[tuple[Any, ...]]

SESSION = (
    "-c timezone=UTC -c statement_timeout=5s -c lock_timeout=2s -c idle_in_transaction_session_timeout=10s"
)

ASSUME = """
  select
    set_config('role', %(role)s, true),
    set_config('realtime.topic', %(topic)s, true),
    set_config('request.jwt.claims', %(claims)s, true),
    set_config('request.jwt.claim.sub', %(sub)s, true),
    set_config('request.jwt.claim.role', %(role)s, true),
    set_config('request.headers', %(headers)s, true)
"""
PROBE = "insert into realtime.messages (id, topic, extension) values (%s, %s, %s)"
SEEN = "select extension from realtime.messages where id = any(%s)"
FETCH = """
  select id::text, topic, event, payload::text, binary_payload, private
  from realtime.messages
  where id = any(%(ids)s::uuid[]) and inserted_at between %(first)s and %(last)s
    and extension = 'broadcast' and event is not null
"""
REPLAY = """
  select id::text, topic, event, payload::text, binary_payload, private
  from realtime.messages
  where topic = %(topic)s and extension = 'broadcast' and private is true and event is not null
    and inserted_at >= %(since)s and inserted_at < now() + interval '1 minute'
  order by inserted_at desc
  limit %(limit)s
"""


class DatabaseUnavailable(Exception):
    """The database cannot be asked now; asking later may help."""

    def __init__(self, message: str = "Realtime was unable to connect to the project database") -> None:
        super().__init__(message)


class PolicyError(Exception):
    """The database refused or failed to judge: treated as a denial, and worth a line in the log."""


@dataclass(frozen=True)
class Identity:
    """Who asks: the token's claims, and the `x-` headers of the handshake, which policies may read."""

    claims: Claims
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Message:
    """A row of realtime.messages; `payload` is JSON text."""

    id: str
    topic: str
    event: str
    payload: str | None
    binary_payload: bytes | None
    private: bool

    def broadcast(self, *, replayed: bool = False) -> Broadcast:
        """Return the message as subscribers get it."""
        payload = self.payload or "{}" if self.binary_payload is None else self.binary_payload
        return Broadcast(f"realtime:{self.topic}", self.event, payload, self.id, replayed)


@dataclass(frozen=True)
class Key:
    """Where a message is stored: its partition is found by time."""

    id: str
    inserted_at: datetime


class Database:
    """A small pool of connections, as a role that may assume every client's role."""

    def __init__(self, url: str, *, connections: int) -> None:
        self._pool = AsyncConnectionPool(
            url,
            min_size=1,
            max_size=connections,
            timeout=5,
            open=False,
            kwargs={"options": SESSION, "autocommit": True, "application_name": "realtime"},
            check=AsyncConnectionPool.check_connection,
        )

    async def open(self) -> None:
        """Start the pool; it connects in the background."""
        await self._pool.open()

    async def close(self) -> None:
        """Close every connection."""
        await self._pool.close()

    async def readable(self, identity: Identity, topic: str, extensions: Iterable[str]) -> set[str]:
        """Return which extensions ("broadcast", "presence") of a private topic the identity may read.

        Probe rows are inserted, looked at with the client's rights, and rolled back.
        Raises DatabaseUnavailable, PolicyError.
        """
        probes = {extension: uuid.uuid4() for extension in extensions}

        async def look(conn: AsyncConnection) -> set[str]:
            for extension, probe in probes.items():
                await conn.execute(PROBE, (probe, topic, extension))
            await conn.execute(ASSUME, _settings(identity, topic))
            rows = await conn.execute(SEEN, (list(probes.values()),))
            return {extension for (extension,) in await rows.fetchall()}

        return await self._judge(look)

    async def writable(self, identity: Identity, topic: str, extensions: Iterable[str]) -> set[str]:
        """Return which extensions of a private topic the identity may send to; raises as `readable` does."""

        async def attempt(conn: AsyncConnection) -> set[str]:
            await conn.execute(ASSUME, _settings(identity, topic))
            return {extension for extension in extensions if await _insertable(conn, topic, extension)}

        return await self._judge(attempt)

    async def replay(self, topic: str, since: datetime, limit: int) -> list[Message]:
        """Return the newest `limit` private messages of a topic since then, oldest first."""
        params = {"topic": topic, "since": since.replace(tzinfo=None), "limit": limit}
        return (await self._messages(REPLAY, params))[::-1]

    async def fetch(self, keys: list[Key]) -> list[Message]:
        """Return the broadcasts with these keys, in the order of the keys."""
        times = [key.inserted_at for key in keys]
        params = {"ids": [key.id for key in keys], "first": min(times), "last": max(times)}
        found = {message.id: message for message in await self._messages(FETCH, params)}
        return [found[key.id] for key in keys if key.id in found]

    async def maintain_partitions(self) -> None:
        """Make the partitions of the days to come, and drop the old ones. Raises DatabaseUnavailable."""
        try:
            async with self._pool.connection() as conn:
                await conn.execute("select _realtime.maintain_partitions()")
        except (psycopg.Error, PoolTimeout) as error:
            raise DatabaseUnavailable from error

    async def _messages(self, query: LiteralString, params: Mapping[str, object]) -> list[Message]:
        try:
            async with self._pool.connection() as conn, conn.cursor(row_factory=class_row(Message)) as cursor:
                await cursor.execute(query, params)
                return await cursor.fetchall()
        except (psycopg.OperationalError, PoolTimeout) as error:
            raise DatabaseUnavailable from error

    async def _judge(self, question: Callable[[AsyncConnection], Awaitable[set[str]]]) -> set[str]:
        try:
            async with self._pool.connection() as conn, conn.transaction(force_rollback=True):
                return await question(conn)
        except (psycopg.OperationalError, PoolTimeout) as error:
            raise DatabaseUnavailable from error
        except psycopg.errors.CheckViolation as error:
            raise DatabaseUnavailable(
                "Realtime was unable to find the expected messages partition"
            ) from error
        except (psycopg.Error, UnicodeEncodeError) as error:
            raise PolicyError(str(error)) from error


def _settings(identity: Identity, topic: str) -> dict[str, str]:
    """Return the settings under which the client's policies judge."""
    claims = identity.claims
    return {
        "role": claims["role"],
        "topic": topic,
        "claims": json.dumps(claims),
        "sub": str(claims.get("sub") or ""),
        "headers": json.dumps(dict(identity.headers)),
    }


async def _insertable(conn: AsyncConnection, topic: str, extension: str) -> bool:
    try:
        async with conn.transaction():
            await conn.execute(
                "insert into realtime.messages (topic, extension) values (%s, %s)", (topic, extension)
            )
    except psycopg.errors.InsufficientPrivilege:
        return False
    return True
