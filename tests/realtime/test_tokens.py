"""Tokens: which are refused and how that is said, what a newer one changes, what an old one loses."""

from __future__ import annotations

import time

import jwt
import pytest
from websockets.exceptions import InvalidStatus

from cli.local.realtime.protocol import Vsn
from tests.realtime.conftest import Connect, Platform
from tests.realtime.server import JWT_SECRET, SECRET_KEY, Standin, token
from tests.realtime.wire import Wire

FORGED = jwt.encode({"role": "service_role", "exp": int(time.time()) + 600}, "another-secret-" * 4, "HS256")
UNSIGNED = jwt.encode({"role": "service_role", "exp": int(time.time()) + 600}, "", "none")
OTHER_ALGORITHM = jwt.encode({"role": "service_role", "exp": int(time.time()) + 600}, JWT_SECRET, "HS512")
ETERNAL = jwt.encode({"role": "authenticated"}, JWT_SECRET, "HS256")
NOBODY = jwt.encode({"exp": int(time.time()) + 600}, JWT_SECRET, "HS256")

REFUSED = {
    "expired": (token(lifetime=-60), "InvalidJWTToken: Token has expired "),
    "eternal": (ETERNAL, "InvalidJWTToken: Fields `role` and `exp` are required in JWT"),
    "nobody's": (NOBODY, "InvalidJWTToken: Fields `role` and `exp` are required in JWT"),
    "garbage": ("garbage", "MalformedJWT: The token provided is not a valid JWT"),
    "forged": (FORGED, "JwtSignatureError: Failed to validate JWT signature"),
    "unsigned": (UNSIGNED, "JwtSignatureError: Failed to validate JWT signature"),
    "signed otherwise": (OTHER_ALGORITHM, "JwtSignatureError: Failed to validate JWT signature"),
}


@pytest.mark.parametrize("which", REFUSED)
async def test_a_bad_token_is_refused_at_the_join_with_its_reason(standin: Standin, topic: str, which: str):
    bad, reason = REFUSED[which]
    async with Wire.open(standin) as wire:
        reply = await wire.join(topic, token=bad)
        assert reply["status"] == "error"
        assert reply["response"]["reason"].startswith(reason)


@pytest.mark.parametrize("which", REFUSED)
async def test_a_bad_key_is_refused_at_the_handshake(standin: Standin, which: str):
    bad, reason = REFUSED[which]
    with pytest.raises(InvalidStatus) as refusal:
        async with Wire.open(standin, key=bad):
            pass
    response = refusal.value.response
    assert response.status_code == 401
    assert reason.split(": ")[1].encode() in response.body


async def test_no_key_is_refused_at_the_handshake(standin: Standin):
    with pytest.raises(InvalidStatus) as refusal:
        async with Wire.open(standin, key=""):
            pass
    assert refusal.value.response.status_code == 401
    assert refusal.value.response.body == b'{"error":"API key is missing"}'


async def test_an_unknown_protocol_version_is_refused(standin: Standin):
    with pytest.raises(InvalidStatus) as refusal:
        async with Wire.open(standin, "3.0.0"):  # type: ignore[arg-type]
            pass
    assert refusal.value.response.status_code == 400


async def test_the_secret_key_passes_every_policy(standin: Standin, topic: str):
    async with Wire.open(standin, key=SECRET_KEY) as wire:
        assert (await wire.join(topic, config={"private": True}))["status"] == "ok"


async def test_a_role_that_does_not_exist_is_unauthorized(standin: Standin, topic: str, user: str):
    async with Wire.open(standin) as wire:
        reply = await wire.join(topic, token=token(user, role="emperor"), config={"private": True})
        assert reply["response"]["reason"].startswith("Unauthorized: ")


async def test_a_token_with_a_nul_byte_in_it_is_unauthorized(standin: Standin, topic: str):
    async with Wire.open(standin) as wire:
        reply = await wire.join(topic, token=token("\0"), config={"private": True})
        assert reply["response"]["reason"].startswith("Unauthorized: ")


async def test_policies_see_the_headers_of_the_handshake(standin: Standin, topic: str, user: str):
    async with Wire.open(standin, headers={"X-Chairtime-Test": topic}) as wire:
        await wire.enter(topic, token(user))
        other = await wire.join(f"{topic}-not", token=token(user), config={"private": True})
        assert other["status"] == "error"


async def test_who_lost_the_right_to_read_loses_the_channel_at_the_next_token(
    connect: Connect, platform: Platform, kind: str, topic: str, user: str
):
    platform.admit(topic, user)
    client = await connect(kind, user)
    await client.join(topic)
    platform.expel(topic, user)
    await client.authorize(token(user, lifetime=900))
    await client.until(lambda client: client.statuses(topic)[-1]["status"] == "CLOSED")
    platform.send(topic, "secret", "{}")
    again = await client.join(f"open:{topic}")
    assert again["status"] == "CHANNEL_ERROR", "the new token is not anon's"
    assert client.broadcasts(topic) == []


async def test_a_newer_token_keeps_the_channel_alive(
    connect: Connect, platform: Platform, kind: str, topic: str, user: str
):
    platform.admit(topic, user)
    platform.admit(f"witness:{topic}", user)
    client, witness = await connect(kind, user, lifetime=4), await connect("python")
    await client.join(topic)
    await client.authorize(token(user))
    await witness.authorize(token(user, lifetime=4))
    await witness.join(f"witness:{topic}")
    await witness.until(lambda witness: witness.statuses(f"witness:{topic}")[-1]["status"] == "CLOSED")
    platform.send(topic, "still there", "{}")
    assert (await client.broadcast(topic))["event"] == "still there"


async def test_a_channel_whose_token_runs_out_is_closed_and_the_socket_stays(
    standin: Standin, topic: str, user: str
):
    async with Wire.open(standin, Vsn.V2) as wire:
        await wire.join(topic, token=token(user, lifetime=4))
        warning, closing = await wire.receive(), await wire.receive()
        assert warning["event"] == "system"
        assert warning["payload"]["status"] == "error"
        assert warning["payload"]["message"].startswith("Token has expired ")
        assert set(warning["payload"]) == {"extension", "status", "message", "channel"}
        assert closing["event"] == "phx_close"
        assert (await wire.ask("phoenix", "heartbeat", {}))["status"] == "ok"


async def test_a_bad_newer_token_closes_the_channel(standin: Standin, topic: str, user: str):
    async with Wire.open(standin) as wire:
        await wire.join(topic, token=token(user))
        await wire.send(f"realtime:{topic}", "access_token", {"access_token": FORGED})
        assert (await wire.receive())["payload"]["message"] == "Failed to validate JWT signature"
        assert (await wire.receive())["event"] == "phx_close"


@pytest.mark.parametrize("ignored", [None, 7, "sb_publishable_other", {}])
async def test_what_is_no_newer_token_is_ignored(standin: Standin, topic: str, user: str, ignored: object):
    async with Wire.open(standin) as wire:
        await wire.join(topic, token=token(user))
        await wire.send(f"realtime:{topic}", "access_token", {"access_token": ignored})
        assert (await wire.ask("phoenix", "heartbeat", {}))["status"] == "ok"
        assert (await wire.ask(f"realtime:{topic}", "phx_leave", {}))["status"] == "ok"


async def test_a_newer_token_may_run_out_sooner(standin: Standin, topic: str, user: str):
    async with Wire.open(standin) as wire:
        await wire.join(topic, token=token(user, lifetime=600))
        await wire.send(f"realtime:{topic}", "access_token", {"access_token": token(user, lifetime=4)})
        assert (await wire.receive())["payload"]["message"].startswith("Token has expired ")
        assert (await wire.receive())["event"] == "phx_close"


async def test_who_keeps_presence_but_lost_broadcasts_loses_the_channel(
    standin: Standin, platform: Platform, topic: str, user: str
):
    topic = f"present:{topic}"
    platform.admit(topic, user)
    config = {"private": True, "presence": {"enabled": True, "key": "me"}}
    async with Wire.open(standin) as wire:
        await wire.join(topic, token=token(user), config=config)
        assert (await wire.receive())["event"] == "presence_state"
        platform.expel(topic, user)
        await wire.send(f"realtime:{topic}", "access_token", {"access_token": token(user, lifetime=900)})
        message = (await wire.receive())["payload"]["message"]
        assert message == f"You no longer have permission to read from this Channel topic: {topic}"
        assert (await wire.receive())["event"] == "phx_close"
