"""What both real clients can do on a channel, unchanged."""

from __future__ import annotations

import json
import uuid

import pytest

from cli.local.realtime.protocol import Vsn
from tests.realtime.clients import JsClient
from tests.realtime.conftest import Connect, Platform
from tests.realtime.server import Standin, token
from tests.realtime.wire import Wire


async def test_a_member_joins_a_private_channel(
    connect: Connect, platform: Platform, kind: str, topic: str, user: str
):
    platform.admit(topic, user)
    client = await connect(kind, user)
    assert (await client.join(topic))["status"] == "SUBSCRIBED"


async def test_a_stranger_is_refused_and_told_why(connect: Connect, kind: str, topic: str, user: str):
    client = await connect(kind, user)
    refusal = await client.join(topic)
    assert refusal["status"] == "CHANNEL_ERROR"
    reason = f"Unauthorized: You do not have permissions to read from this Channel topic: {topic}"
    assert reason in refusal["error"]


async def test_a_broadcast_from_the_database_arrives_with_its_id(
    connect: Connect, platform: Platform, kind: str, topic: str, user: str
):
    platform.admit(topic, user)
    client = await connect(kind, user)
    await client.join(topic)
    platform.send(topic, "slot_taken", json.dumps({"a": 1, "text": "Zähne ✓"}))
    seen = await client.broadcast(topic)
    assert seen["event"] == "slot_taken"
    assert seen["payload"] == {"a": 1, "text": "Zähne ✓", "id": seen["meta"]["id"]}


async def test_broadcasts_arrive_in_the_order_of_their_commits(
    connect: Connect, platform: Platform, kind: str, topic: str, user: str
):
    platform.admit(topic, user)
    client = await connect(kind, user)
    await client.join(topic)
    platform.run(
        "select realtime.send(jsonb_build_object('n', n), 'count', %s) from generate_series(1, 1200) as n",
        topic,
    )
    await client.broadcast(topic, 1200)
    assert [seen["payload"]["n"] for seen in client.broadcasts(topic)] == list(range(1, 1201))


async def test_whoever_has_no_login_watches_what_anon_may_watch(
    connect: Connect, platform: Platform, kind: str, topic: str
):
    client = await connect(kind)
    assert (await client.join(f"open:{topic}"))["status"] == "SUBSCRIBED"
    assert (await client.join(topic))["status"] == "CHANNEL_ERROR"
    platform.send(f"open:{topic}", "slot_freed", "{}")
    assert (await client.broadcast(f"open:{topic}"))["event"] == "slot_freed"


async def test_a_policy_that_fails_admits_nobody(connect: Connect, kind: str, topic: str, user: str):
    client = await connect(kind, user)
    refusal = await client.join(f"failing:{topic}")
    assert refusal["status"] == "CHANNEL_ERROR"
    assert "Unauthorized: " in refusal["error"]


async def test_a_private_and_a_public_channel_of_one_name_are_two(
    connect: Connect, platform: Platform, kind: str, topic: str, user: str
):
    platform.admit(topic, user)
    insider, outsider = await connect(kind, user), await connect(kind)
    await insider.join(topic)
    await outsider.join(topic, private=False)
    platform.send(topic, "secret", "{}")
    platform.send(topic, "public", "{}", private=False)
    assert (await outsider.broadcast(topic))["event"] == "public"
    assert (await insider.broadcast(topic))["event"] == "secret"
    assert len(insider.broadcasts(topic)) == len(outsider.broadcasts(topic)) == 1


@pytest.mark.parametrize("listener_kind", ["python", "js"])
async def test_what_one_client_broadcasts_the_others_receive(
    connect: Connect, kind: str, listener_kind: str, topic: str
):
    speaker, listener = await connect(kind), await connect(listener_kind)
    await speaker.join(topic, private=False)
    await listener.join(topic, private=False)
    await speaker.send(topic, "cursor", {"x": 1, "text": "Zähne 🦷"})
    seen = await listener.broadcast(topic)
    assert (seen["event"], seen["payload"], seen["meta"]) == ("cursor", {"x": 1, "text": "Zähne 🦷"}, None)
    await listener.send(topic, "answer", {})
    assert (await speaker.broadcast(topic))["event"] == "answer", "the speaker does not hear itself"


async def test_a_client_hears_itself_if_it_asks_to(connect: Connect, kind: str, topic: str):
    client = await connect(kind)
    await client.join(topic, private=False, broadcast={"self": True, "ack": True})
    await client.send(topic, "cursor", {"x": 1})
    assert (await client.broadcast(topic))["payload"] == {"x": 1}


async def test_only_who_may_send_to_a_private_channel_is_heard(
    connect: Connect, platform: Platform, kind: str, topic: str, user: str
):
    mute = str(uuid.uuid4())
    platform.admit(topic, user, may_send=True)
    platform.admit(topic, mute)
    speaker, silenced = await connect(kind, user), await connect(kind, mute)
    await speaker.join(topic)
    await silenced.join(topic)
    await silenced.send(topic, "forged", {})
    await silenced.join(f"{topic}:next", private=False)  # answered when the forgery has been handled
    await speaker.send(topic, "spoken", {})
    await silenced.broadcast(topic)
    platform.send(topic, "last", "{}")
    await silenced.broadcast(topic, 2)
    await speaker.broadcast(topic)
    assert [seen["event"] for seen in silenced.broadcasts(topic)] == ["spoken", "last"]
    assert [seen["event"] for seen in speaker.broadcasts(topic)] == ["last"]


async def test_bytes_travel_between_those_who_understand_them(connect: Connect, topic: str):
    speaker, listener, bystander = await connect("js"), await connect("js"), await connect("python")
    for client in (speaker, listener, bystander):
        await client.join(topic, private=False)
    assert isinstance(speaker, JsClient)
    await speaker.send_bytes(topic, "image", b"\x00\xff\x01")
    await speaker.send(topic, "text", {})
    seen = await listener.broadcast(topic)
    assert (seen["event"], seen["binary"], seen["payload"]) == ("image", True, "AP8B")
    assert (await bystander.broadcast(topic))["event"] == "text"


async def test_a_broadcast_by_http_reaches_the_channel(
    connect: Connect, platform: Platform, kind: str, topic: str, user: str
):
    platform.admit(topic, user, may_send=True)
    client = await connect(kind, user)
    await client.join(topic)
    await client.post(topic, "posted", {"a": [1, 2]})
    seen = await client.broadcast(topic)
    assert (seen["event"], seen["payload"]) == ("posted", {"a": [1, 2]})


@pytest.mark.parametrize("other_kind", ["python", "js"])
async def test_presence_tells_who_comes_and_who_goes(
    connect: Connect, kind: str, other_kind: str, topic: str
):
    here = {"presence": {"key": "here", "enabled": True}}
    there = {"presence": {"key": "there", "enabled": True}}
    first, second = await connect(kind), await connect(other_kind)
    await first.join(topic, private=False, **here)
    await first.track(topic, {"mood": "good"})
    await first.until(lambda client: "here" in client.present(topic))
    await second.join(topic, private=False, **there)
    await second.until(lambda client: "here" in client.present(topic))
    assert second.present(topic)["here"][0]["mood"] == "good"
    await second.track(topic, {"mood": "better"})
    await first.until(lambda client: set(client.present(topic)) == {"here", "there"})
    await second.track(topic, {"mood": "best"})
    await first.until(lambda client: [m["mood"] for m in client.present(topic).get("there", [])] == ["best"])
    await second.untrack(topic)
    await first.until(lambda client: set(client.present(topic)) == {"here"})
    await second.track(topic, {})
    await first.until(lambda client: set(client.present(topic)) == {"here", "there"})
    await second.close()
    await first.until(lambda client: set(client.present(topic)) == {"here"})


async def test_private_presence_needs_the_right_to_send(
    connect: Connect, platform: Platform, kind: str, topic: str, user: str
):
    mute = str(uuid.uuid4())
    platform.admit(topic, user, may_send=True)
    platform.admit(topic, mute)
    visible, invisible = await connect(kind, user), await connect(kind, mute)
    for client, key in ((visible, "visible"), (invisible, "invisible")):
        await client.join(topic, presence={"key": key, "enabled": True})
        await client.track(topic, {})
    await invisible.until(lambda client: "visible" in client.present(topic))
    assert set(invisible.present(topic)) == {"visible"}


async def test_who_has_left_hears_nothing_and_may_come_back(
    connect: Connect, platform: Platform, kind: str, topic: str, user: str
):
    platform.admit(topic, user)
    client = await connect(kind, user)
    await client.join(topic)
    await client.join(f"other:{topic}", private=False)
    await client.leave(topic)
    await client.until(lambda client: client.statuses(topic)[-1]["status"] == "CLOSED")
    platform.send(topic, "missed", "{}")
    platform.send(f"other:{topic}", "seen", "{}", private=False)
    await client.broadcast(f"other:{topic}")
    assert client.broadcasts(topic) == []
    assert (await client.join(topic))["status"] == "SUBSCRIBED"
    platform.send(topic, "heard", "{}")
    assert (await client.broadcast(topic))["event"] == "heard"


async def test_heartbeats_are_answered(connect: Connect, topic: str):
    client = await connect("js")
    await client.join(topic, private=False)
    assert isinstance(client, JsClient)
    await client.beat()
    await client.until(
        lambda client: [s for s in client.log if s["type"] == "heartbeat" and s["status"] == "ok"]
    )


async def test_a_client_that_asks_is_told_when_messages_flow(connect: Connect, kind: str, topic: str):
    client = await connect(kind)
    await client.join(topic, private=False, broadcast={"replication_ready": True})
    await client.until(
        lambda client: [s for s in client.log if s["type"] == "system" and s["status"] == "ok"]
    )


async def test_changes_of_tables_are_refused_with_a_reason(standin: Standin, topic: str):
    async with Wire.open(standin, Vsn.V2) as wire:
        reply = await wire.join(topic, config={"postgres_changes": [{"event": "*", "schema": "public"}]})
        assert reply["status"] == "error"
        assert "postgres_changes" in reply["response"]["reason"]


async def test_who_may_see_presence_only_hears_no_broadcasts(
    connect: Connect, platform: Platform, kind: str, topic: str, user: str
):
    quiet = f"present:{topic}"
    client, witness = await connect(kind, user), await connect("python", user)
    platform.admit(topic, user)
    assert (await client.join(quiet, presence={"key": "me", "enabled": True}))["status"] == "SUBSCRIBED"
    await client.join(topic)
    platform.send(quiet, "secret", "{}")
    platform.send(topic, "last", "{}")
    await client.broadcast(topic)
    assert client.broadcasts(quiet) == []
    assert (await witness.join(quiet))["status"] == "CHANNEL_ERROR", (
        "without presence there is nothing to see"
    )


async def test_the_right_to_send_is_looked_up_once_for_a_token(
    connect: Connect, platform: Platform, kind: str, topic: str, user: str
):
    other = str(uuid.uuid4())
    for member in (user, other):
        platform.admit(topic, member)
    listener = await connect("python", other)
    await listener.join(topic)
    client = await connect(kind, user)
    await client.join(topic)
    await client.send(topic, "refused", {})
    await client.join(f"open:{topic}", private=False, broadcast={"ack": True, "self": True})
    await client.send(f"open:{topic}", "round trip", {})
    await client.broadcast(f"open:{topic}")
    platform.run("update public.members set may_send = true where topic = %s", topic)
    await client.send(topic, "still refused", {})
    await client.authorize(token(user, lifetime=900))
    await client.send(topic, "granted", {})
    assert (await listener.broadcast(topic))["event"] == "granted"


@pytest.mark.parametrize("private", [True, False])
async def test_who_tracks_is_told_of_others_without_having_asked(
    standin: Standin, platform: Platform, *, topic: str, user: str, private: bool
):
    platform.admit(topic, user, may_send=True)
    async with Wire.open(standin) as wire:
        await wire.join(topic, token=token(user), config={"private": private, "presence": {"key": "me"}})
        await wire.send(f"realtime:{topic}", "presence", {"event": "track", "payload": {"mood": "good"}})
        diff = (await wire.receive())["payload"]
        assert set(diff["joins"]) == {"me"}
        assert diff["leaves"] == {}
