"""Hammered from all sides, the waiting list hands over without a gap, in its order, and only what fits."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event
from time import monotonic
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.support.actors import Actors, Connection, Row, call
from tests.support.build import MadeClinic
from tests.support.refusals import parse_refusal
from tests.support.slots import book, expire_hold, reserve
from tests.support.waitlist import awake, join, somebody, sweep

pytestmark = pytest.mark.long

HALF_AN_HOUR = timedelta(minutes=30)
CLOCKS = [f"{hour:02}:{minute:02}" for hour in (9, 10, 11, 13, 14, 15, 16) for minute in (0, 30)]
SECONDS = 12


@dataclass
class Waiter:
    """Who waits, and for what: with whom, and from when to when."""

    connection: Connection
    wish: UUID
    dentists: list[UUID]
    from_time: str
    to_time: str
    place: tuple[int, datetime]

    def wants(self, clinic: MadeClinic, dentist: UUID, start: datetime) -> bool:
        """Say whether a check-up there and then is what they wait for, told by none of the SQL."""
        local = start.astimezone(clinic.zone)
        return (
            dentist in self.dentists
            and f"{local:%H:%M}" >= self.from_time
            and f"{local + HALF_AN_HOUR:%H:%M}" <= self.to_time
        )


class Day:
    """One full day of two dentists, the people who wait for a time on it, and what everybody was told."""

    def __init__(self, actors: Actors, seed: int) -> None:
        self.actors, self.superuser = actors, actors.superuser()
        self.random = random.Random(seed)  # noqa: S311 - a draw, no secret
        self.clinic = awake(
            self.superuser,
            max_upcoming=1000,
            max_active_holds=100,
            max_holds_per_hour=10000,
            max_waitlist_offers=100,
            hold_duration=timedelta(seconds=1),
        )
        self.over, self.refusals = Event(), Counter[str]()
        self.visits = self.fill()
        self.waiters = [self.wait(n) for n in range(10)]

    def fill(self) -> list[UUID]:
        """Book every check-up of the day."""
        desk = self.actors.user(f"{self.clinic.users['desk']}@made.test")
        visits = []
        for n in range(28):
            person = call(desk, "create_patient", clinic_id=self.clinic.id, full_name=f"Patient {n}")
            start = self.clinic.at(CLOCKS[n % 14])
            dentist = (self.clinic.lee, self.clinic.other)[n // 14]
            row = book(desk, self.clinic, start, dentist_id=dentist, patient_id=person["id"])
            visits.append(row["id"])
        self.random.shuffle(visits)
        return visits

    def wait(self, number: int) -> Waiter:
        """Let somebody new wait for a time of the day."""
        connection = somebody(self.actors, self.superuser, f"Waiter {number}")
        both = [self.clinic.lee, self.clinic.other]
        dentists = self.random.choice([both, both, both[:1], both[1:]])
        times = self.random.choice([("09:00", "17:00"), ("09:00", "12:00"), ("10:30", "16:00")])
        day = {"from_date": self.clinic.weekday(1), "to_date": self.clinic.weekday(1)}
        row = join(connection, self.clinic, dentist_ids=dentists, from_time=times[0], to_time=times[1], **day)
        priority = self.random.choice([0, 0, 5])
        self.superuser.execute(
            "update clinic.waitlist set priority = %s where id = %s", [priority, row["id"]]
        )
        return Waiter(connection, row["id"], dentists, *times, (-priority, row["created_at"]))

    def again(self, act: Callable[[random.Random], Any], seed: int) -> None:
        """Let somebody act until the day is over. A refusal is an answer; anything else is a bug."""
        rng = random.Random(seed)  # noqa: S311 - a draw, no secret
        try:
            while not self.over.is_set():
                try:
                    act(rng)
                except psycopg.Error as error:
                    self.refusals[parse_refusal(error).code] += 1
        except BaseException:
            self.over.set()
            raise

    def booker(self) -> Callable[[random.Random], None]:
        """Return what somebody from outside does: take whatever is listed, or anything at all."""
        person = somebody(self.actors, self.superuser, "Booker")
        mine: list[UUID] = []

        def act(rng: random.Random) -> None:
            day = self.clinic.weekday(1)
            free = call(
                person,
                "available_slots",
                appointment_type_id=self.clinic.checkup,
                from_date=day,
                to_date=day,
            )
            dentist, start = (
                rng.choice([self.clinic.lee, self.clinic.other]),
                self.clinic.at(rng.choice(CLOCKS)),
            )
            if free and rng.random() < 0.8:
                slot = rng.choice(free)
                dentist, start = slot["dentist_id"], slot["starts_at"]
            what = rng.random()
            if mine and what < 0.3:
                call(person, "cancel_appointment", appointment_id=mine.pop())
            elif what < 0.6:
                mine.append(book(person, self.clinic, start, dentist_id=dentist)["id"])
            else:
                held = reserve(person, self.clinic, start, dentist_id=dentist)
                if rng.random() < 0.3:
                    call(person, "release_reservation", reservation_id=held["id"])

        return act

    def answerer(self, waiter: Waiter) -> Callable[[random.Random], None]:
        """Return what somebody who waits does: now and then answer, mostly no."""

        def act(rng: random.Random) -> None:
            row = waiter.connection.execute("select offer from api.waitlist").fetchone()
            if row and row["offer"]:
                how = "confirm_reservation" if rng.random() < 0.1 else "release_reservation"
                call(waiter.connection, how, reservation_id=UUID(row["offer"]["reservation_id"]))
            self.over.wait(0.2)

        return act

    def worker(self) -> Callable[[random.Random], None]:
        """Return what time and the worker do: offers run out, and what ran out is swept."""
        connection = self.actors.superuser()

        def act(rng: random.Random) -> None:
            row = connection.execute(
                "select id from clinic.slot_reservations where outcome is null and waitlist_id is not null"
                " order by random() limit 1"
            ).fetchone()
            if row and rng.random() < 0.3:
                expire_hold(connection, row["id"])
            sweep(connection)
            self.over.wait(0.05)

        return act

    def canceller(self) -> Callable[[random.Random], None]:
        """Return what the desk does: cancel, and see before anybody else does that nobody was passed over."""
        connection = self.actors.superuser()

        def act(_: random.Random) -> None:
            if not self.visits:
                self.over.wait(0.1)
                return
            with connection.transaction():
                connection.execute("set local role service_role")
                row = call(connection, "cancel_appointment", appointment_id=self.visits[-1])
                connection.execute("set constraints clinic.hand_over immediate")
                connection.execute("reset role")
                idle = {r["id"] for r in connection.execute(IDLE).fetchall()}
                refused = {r["id"]: r["refused"] for r in connection.execute(REFUSED).fetchall()}
                freed = [s for s in self.listed(connection) if s["starts_at"] == row["starts_at"]]
                for slot in freed:
                    if slot["dentist_id"] != row["dentist_id"]:
                        continue
                    for waiter in self.waiters:
                        if waiter.wish in idle and not any(
                            slot["starts_at"] in r for r in refused[waiter.wish]
                        ):
                            assert not waiter.wants(self.clinic, slot["dentist_id"], slot["starts_at"]), (
                                "free, and somebody waits for it"
                            )
            self.visits.pop()

        return act

    def listed(self, connection: Connection) -> list[Row]:
        """Return what the public is shown in this transaction."""
        connection.execute("set local role anon")
        day = self.clinic.weekday(1)
        rows: list[Row] = call(
            connection, "available_slots", appointment_type_id=self.clinic.checkup, from_date=day, to_date=day
        )
        connection.execute("reset role")
        return rows

    def observer(self) -> Callable[[random.Random], None]:
        """Return who looks at one instant after another: nothing is offered and bookable, or booked twice."""
        connection = self.actors.superuser()

        def act(_: random.Random) -> None:
            with connection.transaction():
                connection.execute("set transaction isolation level repeatable read, read only")
                offers = connection.execute(OFFERS).fetchall()
                for slot in self.listed(connection):
                    for offer in offers:
                        assert (
                            slot["dentist_id"] != offer["dentist_id"]
                            or slot["ends_at"] <= offer["starts_at"]
                            or slot["starts_at"] >= offer["ends_at"]
                        ), "offered and bookable"

        return act


IDLE = """
select w.id from clinic.waitlist as w
where w.outcome is null and not exists (
  select from clinic.slot_reservations as r where r.waitlist_id = w.id and r.outcome is null
)
"""
REFUSED = "select id, refused from clinic.waitlist"
OFFERS = """
select dentist_id, starts_at, ends_at from clinic.slot_reservations
where waitlist_id is not null and outcome is null
"""


@pytest.fixture(params=[1, 2])
def day(actors: Actors, request: pytest.FixtureRequest) -> Day:
    """A day of which everything is booked, and ten people wait."""
    return Day(actors, request.param)


def test_what_is_freed_is_handed_over_without_a_gap_in_order_and_only_to_who_wants_it(day: Day) -> None:
    acts = [
        *(day.booker() for _ in range(8)),
        *(day.answerer(waiter) for waiter in day.waiters),
        day.canceller(),
        day.worker(),
        day.observer(),
    ]
    with ThreadPoolExecutor(len(acts)) as pool:
        futures = [pool.submit(day.again, act, number) for number, act in enumerate(acts)]
        until = monotonic() + SECONDS
        while monotonic() < until and not day.over.wait(0.1):
            pass
        day.over.set()
    for future in futures:
        future.result()

    superuser, clinic = day.superuser, day.clinic
    history = superuser.execute(
        "select * from clinic.slot_reservations where waitlist_id is not null order by created_at"
    ).fetchall()
    ends = {
        row["id"]: row["ended_at"] for row in superuser.execute("select id, ended_at from clinic.waitlist")
    }
    assert len(history) > len(day.waiters)
    waiters = {waiter.wish: waiter for waiter in day.waiters}
    for offer in history:
        served, at = waiters[offer["waitlist_id"]], offer["created_at"]
        assert served.wants(clinic, offer["dentist_id"], offer["starts_at"])
        for better in day.waiters:
            if better.place < served.place and better.wants(clinic, offer["dentist_id"], offer["starts_at"]):
                theirs = [o for o in history if o["waitlist_id"] == better.wish and o["created_at"] <= at]
                assert (
                    (ends[better.wish] is not None and ends[better.wish] <= at)
                    or any(o["ended_at"] is None or o["ended_at"] >= at for o in theirs)
                    or any(
                        o["starts_at"] < offer["ends_at"] and o["ends_at"] > offer["starts_at"]
                        for o in theirs
                    )
                ), "somebody better was passed over"
    assert superuser.execute("select * from clinic.check_invariants()").fetchall() == []
    superuser.execute("select pg_stat_force_next_flush()")
    row = superuser.execute(
        "select deadlocks from pg_stat_database where datname = current_database()"
    ).fetchone()
    assert row == {"deadlocks": 0}
