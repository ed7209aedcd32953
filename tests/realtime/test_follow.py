"""Following a channel: every event once, though the network is cut and broadcasts are lost."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing, asynccontextmanager
from datetime import datetime
from itertools import product
from typing import Any
from uuid import UUID

import httpx
import pytest

from cli.errors import ChairtimeError
from cli.follow import Event, Follower
from tests.realtime.clients import PATIENCE, Observation
from tests.realtime.conftest import Connect
from tests.realtime.proxy import Cable
from tests.realtime.server import PUBLISHABLE_KEY, Standin, serving, token
from tests.support.actors import Actors, Connection, call
from tests.support.clinics import Clinic, load_clinic
from tests.support.slots import book, listed

# An open transaction withholds everybody's events on the server: those who wait for events come after it.
pytestmark = pytest.mark.xdist_group("long transactions")


CHANGES = 1000


@pytest.fixture
def standin(database: str) -> Iterator[Standin]:
    """The stand-in, serving a clinic's database."""
    with serving(database) as standin:
        yield standin


@pytest.fixture
def sakura(actors: Actors) -> Clinic:
    return load_clinic(actors, "sakura")


Pages = Callable[[str, int], Awaitable[list[Event]]]


def events_since(connection: Connection) -> Pages:
    """Return a fetch that asks the database, where the command line asks the API."""

    async def fetch(topic: str, after_id: int) -> list[Event]:
        rows = await asyncio.to_thread(call, connection, "events_since", topic=topic, after_id=after_id)
        return [
            {
                **row,
                "occurred_at": row["occurred_at"].isoformat(),
                "dentist_id": row["dentist_id"] and str(row["dentist_id"]),
            }
            for row in rows
        ]

    return fetch


class Notebook:
    """What a follower has seen so far."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.states: list[str] = []
        self._written = asyncio.Event()

    @property
    def ids(self) -> list[int]:
        return [event["id"] for event in self.events]

    async def write(self, events: AsyncIterator[Event]) -> None:
        """Take down all events."""
        async with aclosing(events) as stream:  # type: ignore[type-var]
            async for event in stream:
                self.events.append(event)
                self._written.set()

    def note_state(self, text: str) -> None:
        """Take down what the follower says of its connection."""
        self.states.append(text)
        self._written.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition on what was seen holds."""
        try:
            async with asyncio.timeout(3 * PATIENCE):
                while not condition():
                    self._written.clear()
                    await self._written.wait()
        except TimeoutError:
            raise AssertionError(f"never came; {self.states}, {self.events[-3:]}") from None


@asynccontextmanager
async def following(port: int, key: str, fetch: Pages, topic: str) -> AsyncIterator[Notebook]:
    """Follow a topic from the end of its log, by a stand-in's port."""

    async def own_token() -> str:
        return key

    notebook = Notebook()
    so_far = await fetch(topic, 0)
    follower = Follower(
        f"http://127.0.0.1:{port}",
        PUBLISHABLE_KEY,
        token=own_token,
        fetch=fetch,
        after={topic: so_far[-1]["id"] if so_far else 0},
        on_state=notebook.note_state,
    )
    task = asyncio.create_task(notebook.write(follower.events()))
    try:
        yield notebook
    finally:
        task.cancel()
        await asyncio.wait([task])


def logged(actors: Actors, topic: str) -> list[int]:
    """Return the ids of all events of a topic since the seed's, in order."""
    query = """
      select id from clinic.realtime_events
      where %s = any (topics) and event not in ('hours_changed', 'availability_changed') order by id
    """
    return [row["id"] for row in actors.superuser().execute(query, [topic])]


Claim = tuple[UUID, datetime, datetime]


def calendar(payloads: list[dict[str, Any]]) -> set[Claim]:
    """Draw the calendar from what was heard: which time of which dentist is taken."""
    taken: set[Claim] = set()
    for payload in sorted(payloads, key=lambda payload: payload["dentist_seq"]):
        starts, ends = (datetime.fromisoformat(payload[name]) for name in ("starts_at", "ends_at"))
        claim = (UUID(payload["dentist_id"]), starts, ends)
        (taken.add if payload["event"] == "slot_taken" else taken.discard)(claim)
    return taken


def true_calendar(actors: Actors, clinic: Clinic) -> set[Claim]:
    """Read the calendar from the ledger."""
    rows = actors.superuser().execute("select * from clinic.occupancy where clinic_id = %s", [clinic.id])
    return {(row["resource_id"], row["during"].lower, row["during"].upper) for row in rows}


def change_a_lot(actors: Actors, clinic: Clinic) -> None:
    """Book and cancel at random until the calendar has changed CHANGES times."""
    desk, chance = actors.user("desk@sakura.test"), random.Random(7)  # noqa: S311 repeatable on purpose
    free = free_chairs(actors, desk, clinic)
    chance.shuffle(free)
    booked: list[Any] = []
    for _ in range(CHANGES):
        if booked and chance.random() < 0.4:
            call(desk, "cancel_appointment", appointment_id=booked.pop(chance.randrange(len(booked))))
        else:
            (dentist, patient), start = free.pop()
            booked.append(book(desk, clinic, start, dentist_id=dentist, patient_id=patient)["id"])


def free_chairs(actors: Actors, desk: Connection, clinic: Clinic) -> list[tuple[tuple[UUID, UUID], datetime]]:
    """Return dentist, patient and start of bookings that do not touch each other."""
    call(desk, "create_patient", clinic_id=clinic.id, full_name="Somebody Else")
    query = "select id from clinic.patients where clinic_id = %s order by id"
    patients = [row["id"] for row in actors.superuser().execute(query, [clinic.id])]
    chairs = list(zip(clinic.dentists.values(), patients, strict=False))
    days = [clinic.at("09:00", clinic.weekday(day, weeks)) for day in range(1, 6) for weeks in range(2, 9)]
    return [
        (chair, start)
        for chair, day in product(chairs, days)
        for start in listed(desk, clinic, day, dentist_id=chair[0])
        if start.minute in {0, 30}
    ]


@pytest.mark.long
async def test_who_is_cut_off_ends_with_the_same_calendar(
    connect: Connect, standin: Standin, actors: Actors, sakura: Clinic
):
    topic, fetch = f"availability:{sakura.id}", events_since(actors.anon())
    steady = {kind: await connect(kind) for kind in ("python", "js")}
    for client in steady.values():
        await client.join(topic)
    async with (
        Cable.to(standin.port) as cable,
        following(cable.port, PUBLISHABLE_KEY, fetch, topic) as cut_off,
    ):
        await cut_off.until(lambda: bool(cut_off.states))
        changing = asyncio.create_task(asyncio.to_thread(change_a_lot, actors, sakura))
        for heard in (200, 500):
            await steady["python"].broadcast(topic, heard)
            cable.pull()
            await steady["python"].broadcast(topic, heard + 150)
            cable.plug_in()
        await changing
        expected = logged(actors, topic)
        await cut_off.until(lambda: len(cut_off.ids) >= len(expected))
        # The log alone may have told it all before it was connected again.
        await cut_off.until(lambda: len([it for it in cut_off.states if it.startswith("listening")]) >= 2)
        for client in steady.values():
            await client.broadcast(topic, CHANGES)
    assert sorted(cut_off.ids) == expected
    assert {event["recovered"] for event in cut_off.events} == {True, False}
    truth = true_calendar(actors, sakura)
    assert truth
    assert calendar([event["payload"] for event in cut_off.events]) == truth
    for client in steady.values():
        heard_by_steady: list[Observation] = client.broadcasts(topic)
        assert calendar([seen["payload"] for seen in heard_by_steady]) == truth


async def test_a_lost_broadcast_is_noticed_by_the_next_one(standin: Standin, actors: Actors, sakura: Clinic):
    topic, ana, superuser = (
        f"availability:{sakura.id}",
        actors.user("ana@patients.test"),
        actors.superuser(),
    )
    async with following(standin.port, PUBLISHABLE_KEY, events_since(actors.anon()), topic) as notebook:
        book(ana, sakura, sakura.at("09:00"))
        await notebook.until(lambda: len(notebook.ids) == 1)
        superuser.execute("alter table realtime.messages disable trigger announce_message")
        book(ana, sakura, sakura.at("09:30"))
        superuser.execute("alter table realtime.messages enable trigger announce_message")
        book(ana, sakura, sakura.at("10:00"))
        await notebook.until(lambda: len(notebook.ids) == 3)
        assert notebook.ids == logged(actors, topic)


async def test_what_commits_late_is_neither_missed_nor_shown_twice(
    standin: Standin, actors: Actors, sakura: Clinic
):
    topic, ana, ben = (
        f"clinic:{sakura.id}",
        actors.user("ana@patients.test"),
        actors.user("ben@patients.test"),
    )
    desk = actors.user("desk@sakura.test")
    key = token(str(actors.user_id("desk@sakura.test")))
    async with following(standin.port, key, events_since(desk), topic) as notebook:
        await notebook.until(lambda: bool(notebook.states))
        with ana.transaction():
            book(ana, sakura, sakura.at("09:00"))
            book(ben, sakura, sakura.at("09:00"), dentist_id=sakura.other)
            await notebook.until(lambda: len(notebook.ids) == 1)
        await notebook.until(lambda: len(notebook.ids) == 2)
        assert sorted(notebook.ids) == logged(actors, topic)


async def test_a_topic_that_is_not_ones_own_is_refused(standin: Standin, actors: Actors, sakura: Clinic):
    notebook = Notebook()
    fetch = events_since(actors.anon())

    async def anon_token() -> str:
        return PUBLISHABLE_KEY

    follower = Follower(
        standin.url, PUBLISHABLE_KEY, token=anon_token, fetch=fetch, after={f"clinic:{sakura.id}": 0}
    )
    with pytest.raises(ChairtimeError) as refusal:
        await notebook.write(follower.events())
    assert refusal.value.code == "forbidden"


async def test_an_api_that_is_away_for_a_while_costs_no_event(
    standin: Standin, actors: Actors, sakura: Clinic
):
    topic, fetch = f"availability:{sakura.id}", events_since(actors.anon())
    ana, failures = actors.user("ana@patients.test"), 0

    async def unreliable(topic: str, after_id: int) -> list[Event]:
        nonlocal failures
        failures -= 1
        if failures >= 0:
            raise httpx.ConnectError("nobody there")
        return await fetch(topic, after_id)

    async with following(standin.port, PUBLISHABLE_KEY, unreliable, topic) as notebook:
        failures = 2
        book(ana, sakura, sakura.at("09:00"))
        await notebook.until(lambda: len(notebook.ids) == 1)
        assert any("cannot reach the API" in state for state in notebook.states)


async def test_what_was_committed_before_the_server_heard_the_database_is_fetched(
    database: str, actors: Actors, sakura: Clinic
):
    """A join is answered before replication runs: the broadcast comes to nobody, and leaves no gap to see."""
    topic = f"availability:{sakura.id}"
    with serving(database, replication_delay=2) as deaf:
        async with following(deaf.port, PUBLISHABLE_KEY, events_since(actors.anon()), topic) as notebook:
            await notebook.until(lambda: bool(notebook.states))
            assert deaf.realtime.hub.seconds_until_heard() > 0, "the test is about nothing otherwise"
            book(actors.user("ana@patients.test"), sakura, sakura.at("09:00"))
            await notebook.until(lambda: len(notebook.ids) == 1)
    assert [event["recovered"] for event in notebook.events] == [True]


async def test_news_for_too_many_is_fetched(standin: Standin, actors: Actors, sakura: Clinic):
    """A long transaction tells each topic once that there is news."""
    topic, superuser = f"availability:{sakura.id}", actors.superuser()
    async with following(standin.port, PUBLISHABLE_KEY, events_since(actors.anon()), topic) as notebook:
        await notebook.until(lambda: bool(notebook.states))
        with superuser.transaction():
            for _ in range(60):
                superuser.execute(
                    "insert into clinic.extra_hours (clinic_id, dentist_id, during)"
                    " values (%s, %s, tstzrange(now(), now() + interval '1 hour'))",
                    [sakura.id, sakura.lee],
                )
        await notebook.until(lambda: len(notebook.ids) == 60)
    assert sorted(notebook.ids) == sorted(set(notebook.ids))


@pytest.mark.parametrize("is_lost", [False, True])
async def test_what_is_in_nobodys_calendar_comes_in_its_place_and_hides_no_gap(
    standin: Standin, actors: Actors, sakura: Clinic, is_lost: bool
):
    """A patient's record that changed has no dentist and no number."""
    topic, desk, superuser = f"clinic:{sakura.id}", actors.user("desk@sakura.test"), actors.superuser()
    reader, key = actors.user("desk@sakura.test"), token(str(actors.user_id("desk@sakura.test")))
    patient = call(desk, "create_patient", clinic_id=sakura.id, full_name="Kim Reyes")["id"]
    async with following(standin.port, key, events_since(reader), topic) as notebook:
        await notebook.until(lambda: bool(notebook.states))
        book(desk, sakura, sakura.at("09:00"), patient_id=patient)
        call(desk, "update_patient", patient_id=patient, phone="+81 3 5550 0100")
        await notebook.until(lambda: notebook.ids[1:] == logged(actors, topic)[-1:])
        if is_lost:
            superuser.execute("alter table realtime.messages disable trigger announce_message")
        book(desk, sakura, sakura.at("09:30"), patient_id=patient)
        superuser.execute("alter table realtime.messages enable trigger announce_message")
        call(desk, "update_patient", patient_id=patient, phone="+81 3 5550 0101")
        book(desk, sakura, sakura.at("10:00"), patient_id=patient)
        await notebook.until(lambda: len(notebook.ids) == 5)
    assert sorted(notebook.ids) == logged(actors, topic)[-5:]
    names = [(event["event"], event["dentist_seq"] is None) for event in notebook.events]
    assert sorted(names) == [("appointment_booked", False)] * 3 + [("patient_updated", True)] * 2
    assert any(event["recovered"] for event in notebook.events[2:]) == is_lost


async def test_who_is_thrown_out_for_too_many_messages_comes_back_and_misses_nothing(
    database: str, actors: Actors, sakura: Clinic
):
    topic, ana = f"availability:{sakura.id}", actors.user("ana@patients.test")
    free = listed(ana, sakura, sakura.at("09:00"))[:16:2]
    with serving(database, max_messages=9) as strict:
        async with following(strict.port, PUBLISHABLE_KEY, events_since(actors.anon()), topic) as notebook:
            await notebook.until(lambda: bool(notebook.states))
            with ana.transaction():
                for start in free:
                    book(ana, sakura, start)
            await notebook.until(lambda: len(notebook.ids) == len(free))
            await notebook.until(lambda: any("Too many messages" in state for state in notebook.states))
    assert sorted(notebook.ids) == logged(actors, topic)
