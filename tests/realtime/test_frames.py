"""What is no frame of the protocol is answered or ends the connection, and harms nobody else."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed

from cli.local.realtime.protocol import Broadcast, Frame, FrameError, Vsn, decode
from tests.realtime.server import Standin
from tests.realtime.wire import Wire

JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)

MALFORMED = {
    "not JSON": "garbage",
    "empty": "",
    "a number": "7",
    "an empty array": "[]",
    "an empty object": "{}",
    "a short array": '["1", "2", "phoenix", "heartbeat"]',
    "no topic": '{"event": "heartbeat", "payload": {}, "ref": "1"}',
    "a numeric topic": '[null, "1", 7, "heartbeat", {}]',
    "an event that is none": '[null, "1", "phoenix", null, {}]',
    "a payload that is text": '[null, "1", "phoenix", "heartbeat", "text"]',
    "a ref that is an object": '[null, {}, "phoenix", "heartbeat", {}]',
    "half a character": '[null, "1", "realtime:\\ud800", "phx_join", {}]',
    "a topic with a NUL": '[null, "1", "realtime:\\u0000", "phx_join", {}]',
    "a topic too long": json.dumps([None, "1", "realtime:" + "x" * 300, "phx_join", {}]),
    "too deep": "[" * 100_000,
    "empty binary": b"",
    "binary of another kind": bytes([0, 1, 1, 1, 1, 1, 1]) + b"aaaaa",
    "a header that lies": bytes([3, 255, 255, 255, 255, 255, 1]) + b"short",
    "a name that is not UTF-8": bytes([3, 0, 0, 1, 1, 0, 1]) + b"\xff\xff{}",
    "a payload that is not JSON": bytes([3, 0, 0, 1, 1, 0, 1]) + b"te{",
}


@given(st.sampled_from(Vsn), st.text() | st.binary() | JSON.map(json.dumps))
def test_whatever_arrives_is_a_frame_or_a_frame_error(vsn: Vsn, data: str | bytes):
    try:
        frame = decode(vsn, data)
    except FrameError:
        return
    frame.encode(vsn) if not isinstance(frame.payload, Broadcast) else frame.payload.frame(vsn)


@given(st.text(max_size=50), st.text(max_size=50), st.dictionaries(st.text(), JSON), st.none() | st.text())
def test_what_is_encoded_for_version_2_decodes_to_itself(
    topic: str, event: str, payload: object, ref: str | None
):
    frame = Frame(topic, event, payload, ref, "1")
    data = frame.encode(Vsn.V2)
    try:
        assert decode(Vsn.V2, data).encode(Vsn.V2) == data  # text, for NaN does not equal itself
    except FrameError:
        assert "\0" in topic


@pytest.mark.parametrize("vsn", Vsn)
@pytest.mark.parametrize("which", MALFORMED)
async def test_a_malformed_frame_ends_the_connection(standin: Standin, vsn: Vsn, which: str):
    async with Wire.open(standin, vsn) as wire:
        await wire.socket.send(MALFORMED[which])
        assert await wire.closed() == 1007


async def test_a_frame_too_large_ends_the_connection(standin: Standin):
    async with Wire.open(standin) as wire:
        with suppress(ConnectionClosed):
            await wire.socket.send("x" * 6_000_000)
        assert await wire.closed() == 1009


async def test_what_is_for_no_channel_is_answered(standin: Standin):
    async with Wire.open(standin) as wire:
        answer = await wire.ask("realtime:nowhere", "broadcast", {})
        assert answer == {"status": "error", "response": {"reason": "unmatched topic"}}
        assert (await wire.ask("realtime:nowhere", "phx_leave", {}))["status"] == "ok"
        assert (await wire.ask("elsewhere", "phx_join", {}))["status"] == "error"
        assert (await wire.ask("realtime:", "phx_join", {}))["response"]["reason"].startswith(
            "TopicNameRequired"
        )


@pytest.mark.parametrize("payload", [{}, {"config": None}, {"config": {"broadcast": 7, "presence": []}}])
async def test_a_join_that_asks_for_nonsense_gets_the_defaults(standin: Standin, topic: str, payload: object):
    async with Wire.open(standin) as wire:
        assert (await wire.ask(f"realtime:{topic}", "phx_join", payload))["status"] == "ok"


async def test_joining_twice_closes_the_first_channel(standin: Standin, topic: str):
    async with Wire.open(standin, Vsn.V2) as wire:
        first = await wire.send(f"realtime:{topic}", "phx_join", {}, join_ref="1")
        assert (await wire.receive())["ref"] == first
        await wire.send(f"realtime:{topic}", "phx_join", {}, join_ref="2")
        closing = await wire.receive()
        assert (closing["event"], closing["ref"]) == ("phx_close", "1")
        assert (await wire.receive())["payload"]["status"] == "ok"
        await wire.send(f"realtime:{topic}", "phx_leave", {}, join_ref="1")
        assert (await wire.receive())["payload"]["status"] == "ok"
        assert (await wire.ask(f"realtime:{topic}", "presence", {"event": "track"}, join_ref="2"))[
            "status"
        ] == "ok"


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"event": 7},
        {"event": None, "payload": {}},
        {"event": "x" * 300},
        {"event": "e", "payload": "x" * 300_000},
    ],
)
async def test_a_broadcast_that_is_none_is_refused(standin: Standin, topic: str, payload: object):
    async with Wire.open(standin) as wire:
        await wire.join(topic, config={"broadcast": {"ack": True, "self": True}})
        assert (await wire.ask(f"realtime:{topic}", "broadcast", payload))["status"] == "error"


@pytest.mark.parametrize(
    "payload", [{}, {"event": "dance"}, {"event": 7}, {"event": "track", "payload": "text"}]
)
async def test_presence_that_is_none_is_refused(standin: Standin, topic: str, payload: object):
    async with Wire.open(standin) as wire:
        await wire.join(topic)
        assert (await wire.ask(f"realtime:{topic}", "presence", payload))["status"] == "error"


async def test_events_nobody_knows_are_ignored(standin: Standin, topic: str):
    async with Wire.open(standin) as wire:
        await wire.join(topic)
        await wire.send(f"realtime:{topic}", "dance", {})
        assert (await wire.ask("phoenix", "heartbeat", {}))["status"] == "ok"


async def test_version_1_gets_no_payload_that_it_cannot_read(standin: Standin, topic: str):
    async with Wire.open(standin, Vsn.V2) as speaker, Wire.open(standin) as listener:
        await speaker.join(topic)
        await listener.join(topic)
        for payload in (7, [1], "text", {"ok": True}):
            await speaker.send(f"realtime:{topic}", "broadcast", {"event": "e", "payload": payload})
        assert (await listener.receive())["payload"]["payload"] == {"ok": True}


async def test_version_2_gets_broadcasts_as_binary_frames(standin: Standin, topic: str):
    async with Wire.open(standin, Vsn.V2) as wire:
        await wire.join(topic, config={"broadcast": {"self": True}})
        await wire.send(f"realtime:{topic}", "broadcast", {"event": "e", "payload": {"a": 1}})
        frame = await wire.receive()
        full = f"realtime:{topic}".encode()
        assert frame == bytes([4, len(full), 1, 0, 1]) + full + b"e" + b'{"a": 1}'
