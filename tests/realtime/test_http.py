"""Broadcasts by HTTP."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.realtime.conftest import Platform
from tests.realtime.server import PUBLISHABLE_KEY, SECRET_KEY, Standin, token
from tests.realtime.wire import Wire


async def post(standin: Standin, body: Any, path: str = "", **headers: str) -> httpx.Response:
    async with httpx.AsyncClient() as client:
        url = f"{standin.url}/realtime/v1/api/broadcast{path}"
        content = {"content": body} if isinstance(body, bytes) else {"json": body}
        return await client.post(url, headers=headers or {"apikey": PUBLISHABLE_KEY}, **content)


async def test_a_batch_reaches_public_channels(standin: Standin, topic: str):
    async with Wire.open(standin) as wire:
        await wire.join(topic)
        messages = [{"topic": topic, "event": event, "payload": {"a": 1}} for event in ("first", "second")]
        response = await post(standin, {"messages": messages})
        assert (response.status_code, response.content) == (202, b"")
        assert [(await wire.receive())["payload"]["event"] for _ in messages] == ["first", "second"]


async def test_what_may_not_be_sent_is_dropped_in_silence(
    standin: Standin, platform: Platform, topic: str, user: str
):
    platform.admit(topic, user)
    async with Wire.open(standin) as wire:
        await wire.enter(topic, token(user))
        forged = {"messages": [{"topic": topic, "event": "forged", "payload": {}, "private": True}]}
        for headers in ({"apikey": PUBLISHABLE_KEY}, {"authorization": f"Bearer {token(user)}"}):
            assert (await post(standin, forged, **headers)).status_code == 202
        genuine = {"messages": [{"topic": topic, "event": "genuine", "payload": {}, "private": True}]}
        assert (await post(standin, genuine, apikey=SECRET_KEY)).status_code == 202
        assert (await wire.receive())["payload"]["event"] == "genuine"


@pytest.mark.parametrize(
    "headers",
    [
        {"x-nothing": "here"},
        {"apikey": "garbage"},
        {"authorization": "Bearer garbage"},
        {"authorization": "Basic eA=="},
    ],
)
async def test_without_a_good_token_nothing_is_accepted(
    standin: Standin, topic: str, headers: dict[str, str]
):
    body = {"messages": [{"topic": topic, "event": "e", "payload": {}}]}
    assert (await post(standin, body, **headers)).status_code == 401


@pytest.mark.parametrize(
    "body",
    [
        b"garbage",
        b"[" * 100_000,
        [],
        {},
        {"messages": []},
        {"messages": [7]},
        {"messages": [{"topic": "t", "event": "e"}]},
        {"messages": [{"topic": "t", "event": "e", "payload": "text"}]},
        {"messages": [{"topic": "", "event": "e", "payload": {}}]},
        {"messages": [{"topic": "t", "event": 7, "payload": {}}]},
        {"messages": [{"topic": "t" * 300, "event": "e", "payload": {}}]},
        {"messages": [{"topic": "t", "event": "e" * 300, "payload": {}}]},
        {"messages": [{"topic": "t", "event": "e", "payload": {}, "private": "yes"}]},
        {"messages": [{"topic": "t", "event": "e", "payload": {"text": "x" * 300_000}}]},
    ],
    ids=range(14),
)
async def test_what_is_no_batch_is_unprocessable(standin: Standin, body: Any):
    assert (await post(standin, body)).status_code == 422


async def test_one_message_by_path_may_be_bytes(standin: Standin, topic: str):
    path = f"/{topic}/events/image"
    assert (await post(standin, b"garbage", path)).status_code == 422
    response = await post(
        standin, b"\x00\xff", path, **{"apikey": PUBLISHABLE_KEY, "content-type": "application/octet-stream"}
    )
    assert response.status_code == 202
