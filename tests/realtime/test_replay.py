"""Replay: what a private channel said before one joined."""

from __future__ import annotations

import time

import pytest

from tests.realtime.conftest import Connect, Platform
from tests.realtime.server import Standin, token
from tests.realtime.wire import Wire


def spoken(platform: Platform, topic: str, *numbers: int) -> None:
    for number in numbers:
        platform.send(topic, "count", f'{{"n": {number}}}')


async def test_the_newest_messages_come_first_in_order_and_then_the_live_ones(
    connect: Connect, platform: Platform, kind: str, topic: str, user: str
):
    platform.admit(topic, user)
    since = int(time.time() * 1000) - 60_000
    spoken(platform, topic, 1, 2, 3, 4)
    client = await connect(kind, user)
    await client.join(topic, broadcast={"replay": {"since": since, "limit": 3}})
    spoken(platform, topic, 5)
    await client.broadcast(topic, 4)
    seen = client.broadcasts(topic)
    assert [message["payload"]["n"] for message in seen] == [2, 3, 4, 5]
    assert [message["meta"].get("replayed", False) for message in seen] == [True, True, True, False]


async def test_nothing_is_replayed_from_before_the_moment_asked_for(
    connect: Connect, platform: Platform, topic: str, user: str
):
    platform.admit(topic, user)
    spoken(platform, topic, 1)
    client = await connect("python", user)
    await client.join(topic, broadcast={"replay": {"since": int(time.time() * 1000) + 30_000}})
    spoken(platform, topic, 2)
    assert (await client.broadcast(topic))["payload"]["n"] == 2


async def test_at_most_25_are_replayed(standin: Standin, platform: Platform, topic: str, user: str):
    platform.admit(topic, user)
    spoken(platform, topic, *range(30))
    async with Wire.open(standin) as wire:
        await wire.join(topic, token=token(user), config=asked(since=0, limit=1000))
        numbers = [(await wire.receive())["payload"]["payload"]["n"] for _ in range(25)]
        assert numbers == list(range(5, 30))


@pytest.mark.parametrize("since", [None, "yesterday", -1, 1.5, 10**18, True])
async def test_a_moment_that_is_none_is_refused(
    standin: Standin, platform: Platform, topic: str, user: str, since: object
):
    platform.admit(topic, user)
    async with Wire.open(standin) as wire:
        reply = await wire.join(topic, token=token(user), config=asked(since=since))
        assert reply["response"]["reason"] == "UnableToReplayMessages: Replay params are not valid"


async def test_public_channels_have_no_replay(standin: Standin, topic: str, user: str):
    async with Wire.open(standin) as wire:
        config = {**asked(since=0), "private": False}
        reply = await wire.join(topic, token=token(user), config=config)
        assert (
            reply["response"]["reason"] == "UnableToReplayMessages: Replay is not allowed for public channels"
        )


def asked(**replay: object) -> dict[str, object]:
    return {"private": True, "broadcast": {"replay": replay}}


async def test_a_replayed_message_that_also_comes_live_is_sent_once(
    standin: Standin, platform: Platform, topic: str, user: str
):
    platform.admit(topic, user)
    spoken(platform, topic, 1)
    async with Wire.open(standin) as wire:
        await wire.join(topic, token=token(user), config=asked(since=0))
        assert (await wire.receive())["payload"]["meta"]["replayed"]
        again = "select pg_notify('_realtime_messages', id || ' ' || inserted_at)"
        platform.run(f"{again} from realtime.messages where topic = %s", topic)
        spoken(platform, topic, 2)
        assert (await wire.receive())["payload"]["payload"]["n"] == 2
