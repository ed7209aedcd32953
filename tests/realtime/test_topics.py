"""Chairtime's channels: who may join them, that nobody may send, and how a right is lost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.realtime.conftest import Connect
from tests.realtime.server import PUBLISHABLE_KEY, Standin, serving, token
from tests.realtime.wire import JOINED, Wire
from tests.support.actors import Actors, call
from tests.support.clinics import Clinic, load_clinic
from tests.support.slots import book

STAFF = ("admin@riverside.test", "desk@riverside.test")
EVERYBODY = (
    *STAFF,
    "lee@riverside.test",
    "bot@riverside.test",
    "admin@sakura.test",
    "ana@patients.test",
    None,
)


@pytest.fixture
def standin(database: str) -> Iterator[Standin]:
    """The stand-in, serving a clinic's database."""
    with serving(database) as standin:
        yield standin


@pytest.fixture
def riverside(actors: Actors) -> Clinic:
    return load_clinic(actors, "riverside")


@pytest.fixture
def sakura(actors: Actors) -> Clinic:
    return load_clinic(actors, "sakura")


def key_of(actors: Actors, email: str | None) -> str:
    """Return what somebody joins with: a token of their own, or the publishable key."""
    return token(str(actors.user_id(email))) if email else PUBLISHABLE_KEY


async def admitted_to(standin: Standin, key: str, topics: dict[str, str]) -> set[str]:
    """Return the names of the topics that somebody may join; the others must be refused as unauthorized."""
    admitted = set()
    async with Wire.open(standin) as wire:
        for name, topic in topics.items():
            reply = await wire.join(topic, token=key, config={"private": True})
            if reply == JOINED:
                admitted.add(name)
            else:
                assert reply["response"]["reason"].startswith("Unauthorized: "), reply
    return admitted


@pytest.mark.parametrize(
    ("email", "expected"),
    [
        (None, {"availability"}),
        ("ana@patients.test", {"availability", "ana"}),
        ("ben@patients.test", {"availability", "ben"}),
        ("admin@riverside.test", {"availability", "lee", "other dentist", "clinic"}),
        ("desk@riverside.test", {"availability", "lee", "other dentist", "clinic"}),
        ("lee@riverside.test", {"availability", "lee"}),
        ("bot@riverside.test", {"availability"}),
        ("admin@sakura.test", {"availability", "foreign dentist", "foreign clinic"}),
    ],
)
async def test_each_joins_only_what_is_theirs_to_watch(
    standin: Standin,
    actors: Actors,
    *,
    riverside: Clinic,
    sakura: Clinic,
    email: str | None,
    expected: set[str],
):
    topics = {
        "availability": f"availability:{riverside.id}",
        "ana": f"patient:{actors.user_id('ana@patients.test')}",
        "ben": f"patient:{actors.user_id('ben@patients.test')}",
        "lee": f"dentist:{riverside.lee}",
        "other dentist": f"dentist:{riverside.other}",
        "foreign dentist": f"dentist:{sakura.lee}",
        "clinic": f"clinic:{riverside.id}",
        "foreign clinic": f"clinic:{sakura.id}",
    }
    assert await admitted_to(standin, key_of(actors, email), topics) == expected


@pytest.mark.parametrize("email", EVERYBODY)
async def test_nobody_joins_what_is_no_topic(
    standin: Standin, actors: Actors, riverside: Clinic, email: str | None
):
    unknown = uuid4()
    topics = [
        "anything", "clinic", "clinic:", f"clinic:{unknown}", f"dentist:{unknown}", f"availability:{unknown}",
        f"patient:{unknown}", "clinic:not-a-uuid", f"secret:{riverside.id}", f"clinic:{riverside.id}:more",
        f"CLINIC:{riverside.id}", f"clinic:{str(riverside.id).upper()}", f" clinic:{riverside.id}",
        f"clinic:{riverside.id}\n", f"availability:{riverside.id}' or true --", "availability:%",
    ]  # fmt: skip
    assert await admitted_to(standin, key_of(actors, email), dict(zip(topics, topics, strict=True))) == set()


async def test_presence_on_the_channels_is_nobodys_to_see_or_to_say(
    standin: Standin, actors: Actors, riverside: Clinic
):
    topic = f"clinic:{riverside.id}"
    config = {"private": True, "presence": {"enabled": True, "key": "here"}}
    async with Wire.open(standin) as wire:
        assert await wire.join(topic, token=key_of(actors, "admin@riverside.test"), config=config) == JOINED
        ref = await wire.send(f"realtime:{topic}", "presence", {"event": "track", "payload": {}})
        heard = []
        while (answer := await wire.receive())["ref"] != ref:
            heard.append(answer["event"])
        assert answer["payload"]["status"] == "error"
        assert "presence_state" not in heard, "that is what comes first to those who may see it"


def test_a_row_is_its_own_topics_and_presence_nobodys(actors: Actors, riverside: Clinic):
    """Whatever the server asks of the table for a topic, it gets that topic's broadcasts and nothing else."""
    own, foreign = f"clinic:{riverside.id}", f"patient:{actors.user_id('ana@patients.test')}"
    actors.superuser().execute("delete from realtime.messages")
    actors.superuser().execute(
        "insert into realtime.messages (topic, extension) values (%s, 'broadcast'), (%s, 'broadcast'),"
        " (%s, 'presence')",
        [own, foreign, own],
    )
    desk = actors.user("desk@riverside.test")
    with desk.transaction():
        desk.execute("select set_config('realtime.topic', %s, true)", [own])
        rows = desk.execute("select topic, extension from realtime.messages").fetchall()
    assert rows == [{"topic": own, "extension": "broadcast"}]


@pytest.mark.parametrize("email", EVERYBODY)
async def test_nobody_may_send(standin: Standin, actors: Actors, riverside: Clinic, email: str | None):
    topic = f"availability:{riverside.id}"
    async with Wire.open(standin) as listener, Wire.open(standin) as speaker:
        await listener.enter(topic, PUBLISHABLE_KEY)
        await speaker.enter(topic, key_of(actors, email))
        await speaker.send(f"realtime:{topic}", "broadcast", {"event": "slot_freed", "payload": {}})
        await speaker.ask("phoenix", "heartbeat", {})
        book(actors.user("ana@patients.test"), riverside, riverside.at("09:00"))
        assert (await listener.receive())["payload"]["event"] == "slot_taken"


async def test_a_message_on_the_public_channel_of_the_name_is_not_heard(
    standin: Standin, actors: Actors, riverside: Clinic
):
    topic = f"availability:{riverside.id}"
    async with Wire.open(standin) as listener, Wire.open(standin) as speaker:
        await listener.enter(topic, PUBLISHABLE_KEY)
        await speaker.join(topic, config={"private": False})
        await speaker.send(f"realtime:{topic}", "broadcast", {"event": "slot_freed", "payload": {}})
        await speaker.ask("phoenix", "heartbeat", {})
        book(actors.user("ana@patients.test"), riverside, riverside.at("09:00"))
        assert (await listener.receive())["payload"]["event"] == "slot_taken"


async def test_revoked_staff_lose_the_channel_at_the_next_token(
    connect: Connect, kind: str, actors: Actors, riverside: Clinic
):
    topic, desk = f"clinic:{riverside.id}", actors.user_id("desk@riverside.test")
    client, admin = await connect(kind, str(desk)), actors.user("admin@riverside.test")
    assert (await client.join(topic))["status"] == "SUBSCRIBED"
    call(admin, "revoke_staff_role", clinic_id=riverside.id, user_id=desk)
    await client.authorize(token(str(desk), lifetime=900))
    await client.until(lambda client: client.statuses(topic)[-1]["status"] == "CLOSED")
    book(actors.user("ana@patients.test"), riverside, riverside.at("09:00"))
    availability = f"availability:{riverside.id}"
    await client.join(availability)
    book(actors.user("ben@patients.test"), riverside, riverside.at("09:30"))
    await client.broadcast(availability)
    assert client.broadcasts(topic) == []


async def test_what_is_said_of_availability_is_when_and_never_who_or_why(
    connect: Connect, kind: str, actors: Actors, riverside: Clinic
):
    topic, start = f"availability:{riverside.id}", riverside.at("09:00")
    client = await connect(kind)
    await client.join(topic)
    ana, desk = actors.user("ana@patients.test"), actors.user("desk@riverside.test")
    appointment = book(ana, riverside, start, notes="A secret")
    call(desk, "cancel_appointment", appointment_id=appointment["id"], reason="Another secret")
    await client.broadcast(topic, 4)
    seen: list[dict[str, Any]] = client.broadcasts(topic)
    assert [message["event"] for message in seen] == [
        "slot_taken", "availability_changed", "slot_freed", "availability_changed",
    ]  # fmt: skip
    for message in seen:
        assert set(message["payload"]) == {
            "id", "event_id", "occurred_at", "event", "clinic_id", "dentist_id", "dentist_seq",
            "previous_dentist_seq", "starts_at", "ends_at",
        }  # fmt: skip
        assert UUID(message["payload"]["dentist_id"]) == riverside.lee
