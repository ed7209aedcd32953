"""Through the whole embedded stack: book by HTTP, and hear of it."""

from __future__ import annotations

import asyncio
import json
import signal
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest

from supabase import acreate_client
from tests.realtime.clients import PATIENCE, Client
from tests.realtime.conftest import CLIENTS
from tests.support.actors import Actors, call
from tests.support.build import MadeClinic, make_clinic, make_user
from tests.support.clinics import Clinic, load_clinic
from tests.support.slots import book, listed
from tests.support.stacks import CHAIRTIME, PASSWORD, Stack
from tests.support.templates import ROOT

LIFE = [
    *("slot_taken", "reservation_created"),
    *("appointment_booked",),
    *("slot_freed", "slot_taken", "appointment_rescheduled"),
    *("slot_freed", "appointment_cancelled"),
]
"""What a patient hears of a hold that is confirmed, moved and cancelled."""

MAKING = {"hours_changed", "availability_changed"}
"""What is told of a clinic that is made. Nothing of what happens in it is: its visits take no chairs."""


@pytest.fixture
def people(stack: Stack) -> Iterator[Actors]:
    """Connections to the stack's database."""
    actors = stack.actors()
    yield actors
    actors.close()


@pytest.fixture
def clinic(people: Actors) -> MadeClinic:
    """A clinic of one's own, with people of its own."""
    return make_clinic(people.superuser())


@pytest.fixture
def patient(people: Actors) -> UUID:
    """Somebody new."""
    return make_user(people.superuser(), "Pat")


@asynccontextmanager
async def subscribed(kind: str, stack: Stack, user: Any, *topics: str) -> AsyncIterator[Client]:
    """Connect a real client to the stack, as a user, and join topics."""
    client = CLIENTS[kind]()
    await client.connect(stack.api_url, stack.publishable_key)
    try:
        await client.authorize(stack.token(user))
        for topic in topics:
            assert (await client.join(topic))["status"] == "SUBSCRIBED"
        yield client
    finally:
        await client.close()


def live(stack: Stack, clinic: MadeClinic, user: Any) -> None:
    """Hold, confirm, move and cancel an appointment, by HTTP."""
    http = stack.http(stack.token(user))

    def rpc(function: str, **arguments: Any) -> Any:
        answer = http.post(f"/rpc/{function}", json=arguments)
        assert answer.is_success, answer.text
        return answer.json()

    what = {"dentist_id": str(clinic.lee), "appointment_type_id": str(clinic.checkup)}
    hold = rpc("reserve_slot", starts_at=clinic.at("09:00").isoformat(), **what)
    appointment = rpc("confirm_reservation", reservation_id=hold["id"])
    later = clinic.at("10:00").isoformat()
    rpc("reschedule_appointment", appointment_id=appointment["id"], starts_at=later)
    rpc("cancel_appointment", appointment_id=appointment["id"])


def logged(actors: Actors, topic: str) -> list[str]:
    """Return the events of a topic but for those that made the clinic."""
    query = "select event from clinic.realtime_events where %s = any (topics) and event <> all (%s)"
    return [row["event"] for row in actors.superuser().execute(query, [topic, list(MAKING)])]


async def test_everybody_hears_what_concerns_them(
    stack: Stack, people: Actors, clinic: MadeClinic, *, patient: UUID, kind: str, supabase_js: None
):
    availability, mine = f"availability:{clinic.id}", f"patient:{patient}"
    board, chair = f"clinic:{clinic.id}", f"dentist:{clinic.lee}"
    async with (
        subscribed(kind, stack, patient, availability, mine) as at_home,
        subscribed(kind, stack, clinic.users["desk"], board, chair) as at_work,
    ):
        await asyncio.to_thread(live, stack, clinic, patient)
        for client, topic in ((at_home, availability), (at_home, mine), (at_work, board), (at_work, chair)):
            expected = logged(people, topic)
            await client.broadcast(topic, len(expected))
            assert sorted(seen["event"] for seen in client.broadcasts(topic)) == sorted(expected)
        heard = [seen["event"] for topic in (availability, mine) for seen in at_home.broadcasts(topic)]
        assert sorted(heard) == sorted(LIFE)


async def test_the_terminal_shows_events_as_they_happen(stack: Stack, clinic: MadeClinic, patient: UUID):
    topic = f"availability:{clinic.slug}"
    command = [CHAIRTIME, "events", "tail", "--topic", topic, "--after", "0", "--json"]
    environment = {
        "SUPABASE_URL": stack.api_url,
        "SUPABASE_PUBLISHABLE_KEY": stack.publishable_key,
        "SUPABASE_SECRET_KEY": stack.secret_key,
    }
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, env=environment, cwd=ROOT)
    assert process.stdout is not None
    shown: list[str] = []
    async with asyncio.timeout(2 * PATIENCE):
        assert json.loads(await process.stdout.readline())["event"] in MAKING, "what has been"
        await asyncio.to_thread(live, stack, clinic, patient)
        while len(shown) < 4:
            line = json.loads(await process.stdout.readline())
            shown += [line["event"]] if line["event"] not in MAKING else []
    process.send_signal(signal.SIGINT)
    assert await process.wait() == 130
    assert shown == ["slot_taken", "slot_freed", "slot_taken", "slot_freed"]


@pytest.mark.filterwarnings("ignore:The '(timeout|verify)' parameter is deprecated:DeprecationWarning")
async def test_supabase_for_python_signs_in_and_hears(stack: Stack, people: Actors):
    client = await acreate_client(stack.api_url, stack.publishable_key)
    answer = await client.auth.sign_in_with_password({"email": "desk@riverside.test", "password": PASSWORD})
    assert answer.user
    clinic = load_clinic(people, "riverside")
    heard: asyncio.Queue[Any] = asyncio.Queue()
    channel = client.channel(f"clinic:{clinic.id}", {"config": {"private": True}})
    channel.on_broadcast("appointment_booked", heard.put_nowait)
    states: list[str] = []
    await channel.subscribe(lambda state, _: states.append(state.value))
    assert states == ["SUBSCRIBED"]
    await asyncio.to_thread(book_anything, people, clinic)
    async with asyncio.timeout(PATIENCE):
        assert (await heard.get())["payload"]["dentist_id"] == str(clinic.lee)
    await client.remove_all_channels()
    await client.auth.close()


def book_anything(people: Actors, clinic: Clinic) -> None:
    """Book the last slot of a far day, which other tests leave alone."""
    desk, patient = people.user("desk@riverside.test"), uuid4().hex
    day = clinic.at("09:00", clinic.weekday(4, 11))
    row = call(desk, "create_patient", clinic_id=clinic.id, full_name=patient)
    book(desk, clinic, listed(desk, clinic, day)[-1], patient_id=row["id"])
