"""Many at once for visits of parts: all of a visit or none, never more than there is, and no deadlock."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.support.actors import Actors, Connection, Row, call
from tests.support.build import make_user
from tests.support.practices import Practice, make_practice, parts_of
from tests.support.races import race
from tests.support.refusals import parse_refusal
from tests.support.waiting import deadlocks, told

pytestmark = pytest.mark.long

MINUTE = timedelta(minutes=1)
CHAIR = {"needs": "chair"}
EXAM = {"needs": "dentist", "starts_after": 10, "lasts": 10}
NURSE = {"needs": "assistant", "lasts": 15}


@pytest.fixture
def practice(superuser: Connection) -> Practice:
    """A clinic in which nobody is booked yet; a hold lasts a second there."""
    return make_practice(
        superuser,
        slot_interval=timedelta(minutes=5),
        hold_duration=timedelta(seconds=1),
        max_holds_per_hour=10000,
        max_upcoming=1000,
        max_active_holds=100,
    )


@pytest.fixture
def crowd(actors: Actors, superuser: Connection) -> Callable[[int], list[Connection]]:
    """Make that many patients, each with a connection of their own."""

    def make(size: int) -> list[Connection]:
        return [actors.user(f"{make_user(superuser, f'Patient {n}')}@made.test") for n in range(size)]

    return make


Crowd = Callable[[int], list[Connection]]


@pytest.fixture(autouse=True)
def _nothing_is_broken(superuser: Connection) -> Iterator[None]:
    """Whatever happens in a race, the invariants hold afterwards."""
    yield
    assert superuser.execute("select * from clinic.check_invariants()").fetchall() == []


def monday(practice: Practice, hour: int, minute: int = 0) -> datetime:
    """Return an instant of a Monday in a few weeks, by the practice's clock."""
    day = datetime.now(practice.zone) + timedelta(weeks=4)
    day -= timedelta(days=day.weekday())
    return day.replace(hour=hour, minute=minute, second=0, microsecond=0)


def test_64_race_for_visits_that_share_two_chairs(
    superuser: Connection, practice: Practice, crowd: Crowd
) -> None:
    dentists = [practice.person(f"Dentist {n}") for n in range(6)]
    for name in ("Nurse 1", "Nurse 2", "Nurse 3"):
        practice.person(name, "assistant")
    chairs = [practice.thing("Left"), practice.thing("Right"), practice.thing("Broken", is_active=False)]
    visit = practice.type(30, dentists, [CHAIR, NURSE, EXAM])
    starts = [monday(practice, 9) + 15 * n * MINUTE for n in range(4)]
    callers = [
        partial(
            told,
            partial(
                call,
                patient,
                "book_appointment",
                appointment_type_id=visit,
                starts_at=starts[n % 4],
                dentist_id=dentists[n % 6] if n % 3 else None,
            ),
            patient,
        )
        for n, patient in enumerate(crowd(64))
    ]
    outcome = race(callers)
    assert set(outcome.refused) == {"slot_taken"}
    # Half an hour each in two chairs: two at a time, from nine until a quarter past ten.
    assert 2 <= len(outcome.won) <= 4
    for row in outcome.won:
        claims = parts_of(superuser, row["id"])
        assert [
            (
                c["part"],
                (c["starts_at"] - row["starts_at"]) / MINUTE,
                (c["ends_at"] - row["starts_at"]) / MINUTE,
            )
            for c in claims
        ] == [(0, 0, 30), (1, 0, 30), (2, 0, 15), (3, 10, 20)]
        assert claims[0]["resource_id"] == row["dentist_id"]
        assert claims[1]["resource_id"] in chairs[:2]
        assert claims[3]["resource_id"] in dentists
        assert claims[3]["resource_id"] != row["dentist_id"]
    instants = [start + n * MINUTE for start in starts for n in range(45)]
    at_once = max(sum(row["starts_at"] <= i < row["ends_at"] for row in outcome.won) for i in instants)
    assert at_once == 2
    assert deadlocks(superuser) == 0


def test_as_many_win_as_there_are_chairs(superuser: Connection, practice: Practice, crowd: Crowd) -> None:
    dentists = [practice.person(f"Dentist {n}") for n in range(5)]
    for name in ("Left", "Right", "Middle"):
        practice.thing(name)
    visit = practice.type(30, dentists, [CHAIR])
    superuser.execute("update clinic.clinics set hold_duration = '5 minutes' where id = %s", [practice.id])
    asked = {"appointment_type_id": visit, "starts_at": monday(practice, 9)}
    functions = ("book_appointment", "reserve_slot")
    outcome = race(
        [
            partial(told, partial(call, patient, functions[n % 2], **asked), patient)
            for n, patient in enumerate(crowd(32))
        ]
    )
    assert len(outcome.won) == 3
    assert outcome.refused == ["slot_taken"] * 29
    assert deadlocks(superuser) == 0


class Regular:
    """A patient, at a clinic or two, who books, holds, moves and cancels without pause."""

    def __init__(self, connection: Connection, offers: list[Row], seed: int) -> None:
        self.connection, self.offers = connection, offers
        self.random = random.Random(seed)  # noqa: S311 - a draw, no secret
        self.booked: list[UUID] = []
        self.refusals: Counter[str] = Counter()

    def live(self) -> Counter[str]:
        """Do a number of things; return the refusals."""
        for _ in range(12):
            kind = self.random.choice(["book", "book", "hold", "confirm", "move", "move", "cancel"])
            try:
                getattr(self, kind)()
            except psycopg.Error as error:
                self.refusals[parse_refusal(error).code] += 1
        self.connection.execute("select pg_stat_force_next_flush()")
        return self.refusals

    def ask(self, function: str, **arguments: Any) -> Row:
        """Call a function, again when one is told to, a little later each time (told is a second)."""
        for attempt in range(30):
            time.sleep(attempt / 100)
            try:
                row: Row = call(self.connection, function, **arguments)
            except psycopg.Error as error:
                if parse_refusal(error).code != "try_again":
                    raise
            else:
                return row
        raise AssertionError(f"{function} was told to try again 30 times")

    def book(self) -> None:
        row = self.ask("book_appointment", **self.random.choice(self.offers))
        self.booked.append(row["id"])

    def hold(self) -> None:
        self.ask("reserve_slot", **self.random.choice(self.offers))

    def confirm(self) -> None:
        held = self.ask("reserve_slot", **self.random.choice(self.offers))
        row = self.ask("confirm_reservation", reservation_id=held["id"])
        self.booked.append(row["id"])

    def move(self) -> None:
        if self.booked:
            offer = self.random.choice(self.offers)
            self.ask(
                "reschedule_appointment",
                appointment_id=self.random.choice(self.booked),
                starts_at=offer["starts_at"],
            )

    def cancel(self) -> None:
        if self.booked:
            self.ask("cancel_appointment", appointment_id=self.booked.pop())


def test_holds_that_run_out_moves_and_cancellations_at_two_clinics_never_deadlock(
    superuser: Connection, actors: Actors, practice: Practice, crowd: Crowd
) -> None:
    other = make_practice(
        superuser,
        slot_interval=timedelta(minutes=5),
        hold_duration=timedelta(seconds=1),
        max_holds_per_hour=10000,
        max_upcoming=1000,
        max_active_holds=100,
    )
    both = [practice.person(f"Dentist {n}") for n in range(4)]
    for n, dentist in enumerate(both):
        other.person(f"Dentist {n}", id=dentist)
    offers: list[list[Row]] = []
    for place in (practice, other):
        for name in ("Left", "Right"):
            place.thing(name)
        place.person("Nurse", "assistant")
        hygienist = place.person("Hygienist", "hygienist")
        types = [
            place.type(20, both),
            place.type(30, both, [CHAIR, NURSE]),
            place.type(40, [hygienist], [CHAIR, EXAM]),
        ]
        starts = [monday(place, 9) + 20 * n * MINUTE for n in range(8)]
        offers.append(
            [
                {"appointment_type_id": visit, "starts_at": start, "dentist_id": who}
                for start in starts
                for visit, who in (
                    (types[0], both[0]),
                    (types[0], None),
                    (types[1], both[1]),
                    (types[1], None),
                    (types[2], hygienist),
                )
            ]
        )
    regulars = [Regular(one, offers[n % 2], n) for n, one in enumerate(crowd(24))]
    worker = actors.superuser()

    def sweep() -> Counter[str]:
        for _ in range(60):
            worker.execute("select clinic.expire_reservations(20)")
        worker.execute("select pg_stat_force_next_flush()")
        return Counter()

    outcome = race([regular.live for regular in regulars] + [sweep])
    refusals = sum(outcome.won, Counter())
    assert set(refusals) <= {"slot_taken", "patient_busy"}
    assert sum(len(regular.booked) for regular in regulars) > 8, "next to nothing happened"
    query = """
    select a.id, cardinality(a.parts) + 1 as parts,
      (select count(*) from clinic.occupancy as o where o.id = a.id) as claims
    from clinic.appointments as a where a.status = 'booked' and a.clinic_id = any(%s)
    """
    rows = superuser.execute(query, [[practice.id, other.id]]).fetchall()
    assert {row["id"] for row in rows} == {visit for one in regulars for visit in one.booked}
    assert [row for row in rows if row["parts"] != row["claims"]] == []
    assert deadlocks(superuser) == 0
