"""What goes wrong: restarts, a lost database, slow readers, clients that vanish, and many of them."""

from __future__ import annotations

import asyncio
import gc
import time
import uuid
from collections.abc import Iterator
from contextlib import AsyncExitStack, suppress

import psycopg
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from cli.local.realtime.hub import Room
from tests.realtime.clients import PATIENCE, Client
from tests.realtime.conftest import Connect, Platform, make_platform
from tests.realtime.server import Standin, serving, token
from tests.realtime.wire import JOINED, Wire
from tests.support.servers import with_database
from tests.support.templates import execute
from tests.worker.support import wait_until


@pytest.fixture
def own_platform(db_server: str) -> Iterator[Platform]:
    """A platform that may be broken without harm to other tests."""
    name = f"realtime_{uuid.uuid4().hex[:12]}"
    yield make_platform(db_server, name)
    with psycopg.connect(db_server, autocommit=True) as connection:
        execute(connection, "drop database {} with (force)", name)


async def rejoined(client: Client, topic: str) -> None:
    """Wait until a client that was subscribed has lost its channel and is subscribed again."""

    def lost_and_found(client: Client) -> bool:
        statuses = [seen["status"] for seen in client.statuses(topic)]
        return statuses.count("SUBSCRIBED") > 1 and statuses[-1] == "SUBSCRIBED"

    await client.until(lost_and_found)


async def test_clients_come_back_when_the_server_restarts(
    connect: Connect, platform: Platform, kind: str, topic: str, user: str
):
    platform.admit(topic, user)
    first = Standin.start(platform.url)
    client = await connect(kind, user, to=first)
    await client.join(topic)
    await asyncio.to_thread(first.stop)
    second = Standin.start(platform.url, port=first.port)
    try:
        await rejoined(client, topic)
        platform.send(topic, "back", "{}")
        assert (await client.broadcast(topic))["event"] == "back"
    finally:
        await client.close()
        await asyncio.to_thread(second.stop)


async def test_clients_come_back_when_the_connection_that_listens_is_lost(
    connect: Connect, own_platform: Platform, kind: str, topic: str, user: str
):
    own_platform.admit(topic, user)
    with serving(own_platform.url) as standin:
        client = await connect(kind, user, to=standin)
        await client.join(topic)
        own_platform.run(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where application_name = 'realtime listener' and datname = current_database()"
        )
        await rejoined(client, topic)
        own_platform.send(topic, "back", "{}")
        assert (await client.broadcast(topic))["event"] == "back"
        await client.close()


async def test_a_lost_database_is_awaited(own_platform: Platform, topic: str, user: str):
    own_platform.admit(topic, user)
    name, server = own_platform.url.rpartition("/")[2], with_database(own_platform.url, "postgres")
    with serving(own_platform.url) as standin, psycopg.connect(server, autocommit=True) as connection:
        async with Wire.open(standin) as wire:
            await wire.enter(topic, token(user))
            execute(connection, "alter database {} allow_connections false", name)
            connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", [name]
            )
            assert await wire.closed() == 1012
        async with Wire.open(standin) as wire:
            refusal = await wire.join(topic, token=token(user), config={"private": True})
            assert refusal["response"]["reason"].startswith("UnableToConnectToProject: ")
            execute(connection, "alter database {} allow_connections true", name)
            async with asyncio.timeout(PATIENCE):
                while (await wire.join(topic, token=token(user), config={"private": True})) != JOINED:
                    pass  # a join waits for the database, so this is no busy loop
            own_platform.send(topic, "back", "{}")
            assert (await wire.receive())["payload"]["event"] == "back"


async def test_a_slow_reader_is_dropped_and_the_others_are_not(platform: Platform, topic: str, user: str):
    platform.admit(topic, user)
    with serving(platform.url, max_backlog=500_000) as standin:
        async with Wire.open(standin) as quick, Wire.open(standin, max_queue=1) as slow:
            for wire in (quick, slow):
                await wire.enter(topic, token(user))
            for number in range(200):
                platform.send(topic, "long", f'{{"n": {number}, "text": "{"x" * 100_000}"}}')
                assert (await quick.receive())["payload"]["payload"]["n"] == number
            received = []
            with pytest.raises(ConnectionClosed):
                await forever(slow, received)
            assert len(received) < 200


async def forever(wire: Wire, received: list[object]) -> None:
    """Collect what arrives, until the connection ends."""
    while True:
        received.append(await wire.receive())


async def test_hundreds_of_clients_hear_the_same(platform: Platform, standin: Standin, topic: str, user: str):
    platform.admit(topic, user)
    async with AsyncExitStack() as stack:
        gate = asyncio.Semaphore(50)

        async def listener() -> Wire:
            async with gate:
                wire = await stack.enter_async_context(Wire.open(standin))
                await wire.enter(topic, token(user))
                return wire

        wires = await asyncio.gather(*(listener() for _ in range(500)))
        for number in range(10):
            platform.send(topic, "count", f'{{"n": {number}}}')
        for wire in wires:
            numbers = [(await wire.receive())["payload"]["payload"]["n"] for _ in range(10)]
            assert numbers == list(range(10))
        await asyncio.gather(*(wire.socket.close() for wire in wires))


async def test_clients_that_vanish_while_they_join_leave_nothing_behind(
    platform: Platform, topic: str, user: str
):
    platform.admit(topic, user)
    with serving(platform.url, max_connections=5) as standin:
        for _ in range(30):
            async with asyncio.timeout(PATIENCE), Wire.open(standin) as wire:
                await wire.send(f"realtime:{topic}", "phx_join", {"access_token": token(user)})
                wire.socket.transport.abort()
            await admitted(standin)
        async with Wire.open(standin) as wire:
            await wire.enter(topic, token(user))


async def test_topics_that_nobody_is_in_are_forgotten(platform: Platform):
    """Anybody may name a topic: were they kept, the server would only grow."""
    with serving(platform.url) as standin:
        before = rooms()
        async with Wire.open(standin) as wire:
            for number in range(20):
                await wire.join(f"room {number}", config={"private": False})
            assert rooms() == before + 20
            for number in range(10):
                await wire.ask(f"realtime:room {number}", "phx_leave", {})
        await asyncio.to_thread(wait_until, lambda: rooms() == before, "the topics to be forgotten")


def rooms() -> int:
    """Return how many topics the servers of this process remember."""
    gc.collect()
    return sum(isinstance(thing, Room) for thing in gc.get_objects())


async def admitted(standin: Standin) -> None:
    """Wait until the server admits one more connection."""
    async with asyncio.timeout(PATIENCE):
        while True:
            with suppress(InvalidStatus):
                async with Wire.open(standin):
                    return


async def test_too_many_connections_are_refused(platform: Platform):
    with serving(platform.url, max_connections=1) as standin:
        async with Wire.open(standin) as wire:
            await wire.ask("phoenix", "heartbeat", {})
            with pytest.raises(InvalidStatus) as refusal:
                async with Wire.open(standin):
                    pass
            assert refusal.value.response.status_code == 429
            assert refusal.value.response.body == b'{"error":"Too many connected users"}'


async def test_too_many_channels_are_refused(platform: Platform, topic: str):
    with serving(platform.url, max_channels=2) as standin:
        async with Wire.open(standin) as wire:
            for number in range(2):
                assert (await wire.join(f"{topic}-{number}"))["status"] == "ok"
            refusal = await wire.join(f"{topic}-3")
            assert refusal["response"]["reason"] == "ChannelRateLimitReached: Too many channels"
            await wire.ask(f"realtime:{topic}-0", "phx_leave", {})
            assert (await wire.join(f"{topic}-3"))["status"] == "ok"


async def test_who_says_nothing_for_too_long_is_disconnected(platform: Platform):
    with serving(platform.url, idle_timeout=0.2) as standin:
        async with Wire.open(standin) as wire:
            assert await wire.closed() == 1001


async def test_anybody_may_notify_nonsense(platform: Platform, standin: Standin, topic: str, user: str):
    platform.admit(topic, user)
    async with Wire.open(standin) as wire:
        await wire.enter(topic, token(user))
        for nonsense in ("", "garbage", f"{uuid.uuid4()} yesterday", f"{uuid.uuid4()} 2026-01-01", "a b c"):
            platform.run("select pg_notify('_realtime_messages', %s)", nonsense)
        platform.send(topic, "sense", "{}")
        assert (await wire.receive())["payload"]["event"] == "sense"


async def test_rolled_back_messages_are_never_sent(
    platform: Platform, standin: Standin, topic: str, user: str
):
    platform.admit(topic, user)
    async with Wire.open(standin) as wire:
        await wire.enter(topic, token(user))
        with psycopg.connect(platform.url) as connection:
            connection.execute("select realtime.send('{}', 'never', %s)", [topic])
            connection.rollback()
        platform.send(topic, "committed", "{}")
        assert (await wire.receive())["payload"]["event"] == "committed"


def systems(client: Client, topic: str) -> list[str]:
    """Return what the server said of itself on a topic."""
    return [seen["message"] for seen in client.log if seen["type"] == "system" and seen["topic"] == topic]


async def test_a_join_is_answered_before_the_database_is_heard(
    connect: Connect, platform: Platform, kind: str, topic: str, user: str
):
    """As on the real server: who asks is told when it is."""
    platform.admit(topic, user)
    with serving(platform.url, replication_delay=2) as deaf:
        client = await connect(kind, user, to=deaf)
        joined = await client.join(topic, broadcast={"replication_ready": True})
        assert joined["status"] == "SUBSCRIBED"
        assert systems(client, topic) == []
        platform.send(topic, "lost", "{}")
        await client.until(lambda client: systems(client, topic) == ["Replication connection established"])
        platform.send(topic, "heard", "{}")
        assert (await client.broadcast(topic))["event"] == "heard"
        await client.close()


async def test_too_many_messages_close_the_channels_that_would_get_them(
    connect: Connect, platform: Platform, kind: str, topic: str, user: str
):
    platform.admit(topic, user)
    with serving(platform.url, max_messages=10) as strict:
        client = await connect(kind, user, to=strict)
        await client.join(topic)
        await asyncio.sleep(1 - time.monotonic() % 1)  # a second has just begun: all count in one
        for number in range(10):
            platform.send(topic, f"event {number}", "{}")
        await client.until(lambda client: client.statuses(topic)[-1]["status"] == "CLOSED")
        assert "Too many messages per second" in str(client.log)
        assert len(client.broadcasts(topic)) <= 5, "each counts as it comes in and as it is delivered"
        await client.close()


async def test_a_room_is_gone_when_the_last_has_left(
    connect: Connect, platform: Platform, kind: str, topic: str, user: str
):
    platform.admit(topic, user)
    with serving(platform.url) as standin:
        hub = standin.realtime.hub
        staying, leaving = await connect(kind, user, to=standin), await connect(kind, user, to=standin)
        for client in (staying, leaving):
            await client.join(topic)
            await client.join(f"other:{topic}", private=False)
        assert hub.rooms == 2
        await leaving.leave(topic)
        await leaving.close()
        assert hub.rooms == 2
        await staying.close()
        await asyncio.to_thread(wait_until, lambda: hub.rooms == 0, "the rooms to be gone")
        refused = await connect(kind, user, to=standin)
        assert (await refused.join(f"not:{topic}"))["status"] == "CHANNEL_ERROR"
        assert hub.rooms == 0
        await refused.close()
