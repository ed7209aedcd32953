"""The event log: nothing changes in silence, numbers have no gaps, and catching up skips nothing."""

from __future__ import annotations

import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.support.actors import Actors, Connection, call
from tests.support.clinics import Clinic, load_clinic
from tests.support.races import race
from tests.support.refusals import refused
from tests.support.slots import book, expire_hold, reserve

WRITERS = 32


@pytest.fixture
def sakura(actors: Actors) -> Clinic:
    return load_clinic(actors, "sakura")


@pytest.fixture
def root(actors: Actors) -> Connection:
    return actors.superuser()


@pytest.fixture
def riverside(actors: Actors) -> Clinic:
    """The clinic whose visits take chairs; the other one's take who leads them, and no more."""
    return load_clinic(actors, "riverside")


def last_id(root: Connection) -> int:
    """Return the id of the latest event."""
    row = root.execute("select coalesce(max(id), 0) as id from clinic.realtime_events").fetchone()
    assert row is not None
    found: int = row["id"]
    return found


def happened(root: Connection, after: int) -> list[str]:
    """Return the names of the events after an id, in order."""
    query = "select event from clinic.realtime_events where id > %s order by id"
    return [row["event"] for row in root.execute(query, [after])]


def heard(root: Connection, event: str) -> list[str]:
    """Return the kinds of topics on which an event was broadcast."""
    rows = root.execute(
        "select split_part(topic, ':', 1) as kind from realtime.messages where event = %s", [event]
    )
    return sorted(row["kind"] for row in rows)


class TestNothingIsSilent:
    """Whatever changes the calendar is an event, by whichever path."""

    def test_one_event_is_written_once_and_heard_by_all_it_concerns(
        self, root: Connection, actors: Actors, sakura: Clinic
    ):
        before = last_id(root)
        book(actors.user("ana@patients.test"), sakura, sakura.at("09:00"))
        assert sorted(happened(root, before)) == ["appointment_booked", "slot_taken"]
        assert heard(root, "slot_taken") == ["availability"]
        assert heard(root, "appointment_booked") == ["clinic", "dentist", "patient"]

    def test_a_visit_of_parts_is_told_to_all_whose_time_it_takes(
        self, root: Connection, actors: Actors, riverside: Clinic
    ):
        """Who watches learns that there may be less to have: never of which chair, nor for whom."""
        before = last_id(root)
        start, hannah = riverside.at("09:00"), riverside.dentists["Hannah Cole"]
        book(actors.user("ana@patients.test"), riverside, start, riverside.cleaning, dentist_id=hannah)
        query = (
            "select event, dentist_id, topics, payload from clinic.realtime_events where id > %s order by id"
        )
        told = root.execute(query, [before]).fetchall()
        assert [(row["event"], row["dentist_id"] == hannah) for row in told] == [
            ("slot_taken", True),
            ("availability_changed", True),
            ("appointment_booked", True),
            ("slot_taken", False),  # ten minutes of some dentist
        ]
        public = [row for row in told if f"availability:{riverside.id}" in row["topics"]]
        assert len(public) == 3
        secrets = (*root.execute("select id::text from clinic.resources where kind = 'chair'"), {"id": "Ana"})
        assert [row for row in public for secret in secrets if secret["id"] in str(row["payload"])] == []

    def test_a_chair_that_breaks_and_is_mended_is_told(
        self, root: Connection, actors: Actors, riverside: Clinic
    ):
        desk, before = actors.user("desk@riverside.test"), last_id(root)
        chair = root.execute("select id from clinic.resources where name = 'Chair 1'").fetchone()
        assert chair is not None
        span = {"starts_at": riverside.at("09:00"), "ends_at": riverside.at("12:00")}
        added = call(desk, "add_time_off", clinic_id=riverside.id, resource_id=chair["id"], **span)
        assert set(happened(root, before)) == {"availability_changed"}
        before = last_id(root)
        call(desk, "remove_time_off", time_off_id=added["time_off"][0]["id"])
        assert set(happened(root, before)) == {"availability_changed"}

    def test_a_refused_booking_leaves_no_event(self, root: Connection, actors: Actors, sakura: Clinic):
        book(actors.user("ana@patients.test"), sakura, sakura.at("09:00"))
        before = last_id(root)
        with refused("slot_taken"):
            book(actors.user("ben@patients.test"), sakura, sakura.at("09:00"))
        assert happened(root, before) == []

    @pytest.mark.parametrize(
        ("statement", "expected"),
        [
            ("delete from clinic.appointments", "slot_freed"),
            ("delete from clinic.occupancy", "slot_freed"),
            (
                "update clinic.occupancy set during = tstzrange(upper(during), upper(during) + '1h')",
                "slot_taken",
            ),
            ("update clinic.appointments set status = 'cancelled'", "slot_freed"),
            ("delete from clinic.working_hours", "hours_changed"),
            ("update clinic.working_hours set opens = opens + interval '1 hour'", "hours_changed"),
        ],
    )
    def test_raw_sql_announces_itself(
        self, root: Connection, actors: Actors, *, sakura: Clinic, statement: str, expected: str
    ):
        book(actors.user("ana@patients.test"), sakura, sakura.at("09:00"))
        before = last_id(root)
        try:
            root.execute(statement)  # type: ignore[call-overload]
        except psycopg.errors.IntegrityError:
            assert happened(root, before) == [], "refused, so nothing happened"
        else:
            assert expected in happened(root, before)

    def test_a_broadcast_that_fails_stops_no_booking(self, root: Connection, actors: Actors, sakura: Clinic):
        root.execute("alter table realtime.messages add constraint nothing check (false) not valid")
        before = last_id(root)
        book(actors.user("ana@patients.test"), sakura, sakura.at("09:00"))
        assert sorted(happened(root, before)) == ["appointment_booked", "slot_taken"]
        assert heard(root, "slot_taken") == []


class TestExpiry:
    """A hold that runs out is announced once, whoever notices first."""

    def test_by_the_sweep_or_by_who_takes_the_slot(self, root: Connection, actors: Actors, sakura: Clinic):
        start = sakura.at("09:00")
        hold = reserve(actors.user("ana@patients.test"), sakura, start)
        before = last_id(root)
        expire_hold(root, hold["id"])
        sweepers = [
            partial(actors.superuser().execute, "select clinic.expire_reservations()") for _ in range(3)
        ]
        taker = partial(book, actors.user("ben@patients.test"), sakura, start)
        outcome = race([*sweepers, taker])
        assert outcome.refused == []
        events = Counter(happened(root, before))
        assert events == {"reservation_expired": 1, "slot_freed": 1, "slot_taken": 1, "appointment_booked": 1}


class TestNumbers:
    """Each dentist's events are numbered without gaps."""

    def test_no_gap_and_no_twin_among_concurrent_writers_that_also_roll_back(
        self, root: Connection, actors: Actors, sakura: Clinic
    ):
        users = [actors.sign_up(f"writer{number}@patients.test", "Writer") for number in range(WRITERS)]
        days = [sakura.weekday(day, weeks) for day in range(1, 6) for weeks in range(2, 6)]

        def write(number: int) -> None:
            chance = random.Random(number)  # noqa: S311 repeatable on purpose
            for _ in range(6):
                dentist = chance.choice(list(sakura.dentists.values()))
                minutes = 30 * chance.randrange(6)
                start = sakura.at("09:00", chance.choice(days)) + timedelta(minutes=minutes)
                try_to_book(users[number], sakura, dentist, start, keep=chance.random() < 0.5)

        race([partial(write, number) for number in range(WRITERS)])
        numbers: dict[UUID, list[int]] = defaultdict(list)
        for row in root.execute("select dentist_id, dentist_seq from clinic.realtime_events order by id"):
            numbers[row["dentist_id"]].append(row["dentist_seq"])
        assert sum(map(len, numbers.values())) > WRITERS
        for found in numbers.values():
            assert found == list(range(1, len(found) + 1)), "in the order of the ids, too"

    def test_what_topics_hear_names_the_number_they_heard_before(
        self, root: Connection, actors: Actors, sakura: Clinic
    ):
        ana, desk = actors.user("ana@patients.test"), actors.user("desk@sakura.test")
        root.execute("delete from realtime.messages")  # the seed is told of in bulk
        for minute in ("09:00", "09:30", "10:00"):
            appointment = book(ana, sakura, sakura.at(minute))
            call(desk, "cancel_appointment", appointment_id=appointment["id"])
        rows = root.execute(
            "select topic, payload from realtime.messages order by inserted_at, payload -> 'event_id'"
        )
        last: dict[tuple[str, str], int] = {}
        for row in rows.fetchall():
            payload, where = row["payload"], (row["topic"], row["payload"]["dentist_id"])
            if not row["topic"].startswith("patient:") and where in last:
                assert payload["previous_dentist_seq"] == last[where]
            last[where] = payload["dentist_seq"]
        assert len(last) > 3


def try_to_book(user: Connection, clinic: Clinic, dentist: UUID, start: datetime, *, keep: bool) -> None:
    """Book in a transaction of its own, and keep it or not; a slot that is taken is left alone."""

    class Undo(Exception):
        pass

    try:
        with user.transaction():
            book(user, clinic, start, dentist_id=dentist)
            if not keep:
                raise Undo
    except (Undo, psycopg.errors.ProgrammingError):
        pass


def awaited(read: Callable[[], list[dict[str, Any]]], count: int = 1) -> list[dict[str, Any]]:
    """Return what is read once there are so many rows, or what there is after a minute."""
    deadline = time.monotonic() + 60
    while len(rows := read()) < count and time.monotonic() < deadline:
        time.sleep(0.02)
    return rows


class TestCatchingUp:
    """events_since, read by somebody who polls."""

    def test_what_commits_late_holds_back_what_follows_it(self, actors: Actors, sakura: Clinic):
        topic, reader = f"availability:{sakura.id}", actors.anon()
        slow, fast = actors.user("ana@patients.test"), actors.user("ben@patients.test")
        read = partial(call, reader, "events_since", topic=topic)
        start = max(row["id"] for row in read(after_id=0))
        with slow.transaction():
            book(slow, sakura, sakura.at("09:00"))
            book(fast, sakura, sakura.at("09:00"), dentist_id=sakura.other)
            assert read(after_id=start) == []
        # Transactions of the server's other databases hold events back, too.
        rows = awaited(lambda: read(after_id=start), count=2)
        assert [row["dentist_id"] for row in rows] == [sakura.lee, sakura.other]

    def test_a_reader_that_polls_sees_every_event_once_and_in_order(
        self, root: Connection, actors: Actors, sakura: Clinic
    ):
        topic, reader = f"availability:{sakura.id}", actors.anon()
        writers = [actors.sign_up(f"writer{number}@patients.test", "Writer") for number in range(8)]
        written: list[int] = []
        before = last_id(root)

        def write(number: int) -> None:
            chance = random.Random(number)  # noqa: S311 repeatable on purpose
            dentist = list(sakura.dentists.values())[number % len(sakura.dentists)]
            for _ in range(12):
                day = sakura.weekday(chance.randrange(1, 6), chance.randrange(2, 10))
                with writers[number].transaction():
                    try_to_book(writers[number], sakura, dentist, sakura.at("09:00", day), keep=True)
                    time.sleep(chance.random() / 50)  # so that ids are overtaken

        def poll() -> list[int]:
            seen: list[int] = []
            deadline = time.monotonic() + 60
            while not (written and len(seen) >= len(written)) and time.monotonic() < deadline:
                page = call(reader, "events_since", topic=topic, after_id=max([before, *seen]), max_events=7)
                seen += [row["id"] for row in page]
            return seen

        with ThreadPoolExecutor() as pool:
            polling = pool.submit(poll)
            race([partial(write, number) for number in range(8)])
            query = "select id from clinic.realtime_events where %s = any (topics) and id > %s order by id"
            written += [row["id"] for row in root.execute(query, [topic, before])]
            seen = polling.result(timeout=90)
        assert seen == written
        assert seen

    @pytest.mark.parametrize(
        ("email", "mine"),
        [
            (None, {"availability"}),
            ("ana@patients.test", {"availability", "patient"}),
            ("ben@patients.test", {"availability"}),
            ("lee@sakura.test", {"availability", "dentist"}),
            ("desk@sakura.test", {"availability", "dentist", "clinic"}),
            ("admin@sakura.test", {"availability", "dentist", "clinic"}),
            ("bot@sakura.test", {"availability"}),
            ("admin@riverside.test", {"availability"}),
        ],
    )
    def test_only_who_may_join_a_topic_may_read_it(
        self, actors: Actors, sakura: Clinic, email: str | None, mine: set[str]
    ):
        book(actors.user("ana@patients.test"), sakura, sakura.at("09:00"))
        somebody = actors.user(email) if email else actors.anon()
        topics = {
            "availability": sakura.id,
            "patient": actors.user_id("ana@patients.test"),
            "dentist": sakura.lee,
            "clinic": sakura.id,
        }
        for kind, identifier in topics.items():
            read: Callable[[], Any] = partial(
                call, somebody, "events_since", topic=f"{kind}:{identifier}", after_id=0
            )
            if kind in mine:
                assert awaited(read)
            else:
                with refused("not_found"):
                    read()

    @pytest.mark.parametrize("topic", ["", "clinic", "clinic:", "nothing:at-all", "availability:%", "x:1"])
    def test_what_is_no_topic_is_not_found(self, actors: Actors, topic: str):
        for somebody in (actors.anon(), actors.service_role()):
            with refused("not_found"):
                call(somebody, "events_since", topic=topic, after_id=0)
