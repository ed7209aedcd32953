"""A visit of parts is listed exactly if it can be booked, by each who leads it and by anybody.

What can be had is counted here once more, the slow way: every choice of people and things is tried.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from tests.support.actors import Actors, Connection, Row, call
from tests.support.build import insert, make_user
from tests.support.draws import draws
from tests.support.practices import Practice, make_practice
from tests.support.refusals import parse_refusal
from tests.support.slots import expire_hold

pytestmark = pytest.mark.long

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
ZONES = ("America/New_York", "Asia/Tokyo", "Australia/Lord_Howe")
KINDS = ("chair", "chair", "chair", "dentist", "hygienist", "assistant", "equipment")
WEEKS = (
    [("08:00", "18:00")],
    [("09:00", "12:00"), ("13:00", "17:00")],
    [("10:00", "14:00")],
    [("20:00", "03:00"), ("09:00", "11:00")],
    [],
)
Span = tuple[datetime, datetime]


@dataclass(frozen=True)
class Person:
    """Somebody who works there: when, what, and whether (and in how many minutes) they lead the type."""

    profession: str
    week: list[tuple[str, str]]
    leads: bool
    minutes: int | None


@dataclass(frozen=True)
class Part:
    """A part of the type; `only` are which of those of the kind will do, by their numbers (None: any)."""

    needs: str
    only: list[int] | None
    starts_after: int
    lasts: int | None


@dataclass(frozen=True)
class Book:
    """What hypothesis draws; times are minutes from the start of the drawn day."""

    zone: str
    people: list[Person]
    chairs: list[bool]
    devices: list[bool]
    minutes: int
    buffers: tuple[int, int]
    leads: tuple[int, int | None]
    parts: list[Part]
    grid: tuple[int, int | None]
    notice: tuple[int, int | None]
    horizon: tuple[int, int | None]
    max_per_day: int | None
    taken: list[tuple[str, int, int]]
    off: list[tuple[int, int, int]]
    closures: list[tuple[int, int]]
    in_days: int


people = st.builds(
    Person,
    profession=st.sampled_from(["dentist", "dentist", "hygienist", "assistant"]),
    week=st.sampled_from(WEEKS[:1] * 3 + WEEKS),
    leads=st.sampled_from([True, True, True, False]),
    minutes=st.sampled_from([None, None, None, 45, 60]),
)
parts = st.builds(
    Part,
    needs=st.sampled_from(KINDS),
    only=st.none() | st.none() | st.lists(st.integers(0, 3), min_size=1, max_size=3),
    starts_after=st.sampled_from([0, 0, 0, 5, 10, 20]),
    lasts=st.sampled_from([None, None, 5, 10, 20]),
)
books = st.builds(
    Book,
    zone=st.sampled_from(ZONES),
    people=st.lists(people, min_size=1, max_size=4),
    chairs=st.lists(st.sampled_from([True, True, True, False]), max_size=4),
    devices=st.lists(st.booleans(), max_size=2),
    minutes=st.sampled_from([30, 40, 60]),
    buffers=st.tuples(st.sampled_from([0, 0, 10]), st.sampled_from([0, 0, 5])),
    leads=st.tuples(st.sampled_from([0, 0, 0, 10]), st.sampled_from([None, None, 10, 20])),
    parts=st.lists(parts, max_size=4),
    grid=st.tuples(st.sampled_from([15, 20, 30]), st.sampled_from([None, None, 10, 60])),
    notice=st.tuples(st.sampled_from([0, 60]), st.sampled_from([None, None, 0, 1440])),
    horizon=st.tuples(st.sampled_from([1, 60]), st.sampled_from([None, None, 2, 60])),
    max_per_day=st.sampled_from([None, None, None, 1, 2]),
    taken=st.lists(
        st.tuples(
            st.sampled_from(["book", "book", "plain", "hold", "mine", "dead", "squeeze"]),
            st.integers(0, 40),
            st.integers(0, 4),
        ),
        max_size=6,
    ),
    off=st.lists(
        st.tuples(st.integers(0, 9), st.integers(300, 1200), st.sampled_from([30, 240])), max_size=3
    ),
    closures=st.lists(st.tuples(st.integers(300, 1200), st.sampled_from([20, 120])), max_size=1),
    in_days=st.sampled_from([0, 1, 2, 3, 9, 20]),
)


class Drawn:
    """A drawn book in the database, and a patient who asks."""

    def __init__(self, actors: Actors, superuser: Connection, book: Book) -> None:
        self.superuser, self.book = superuser, book
        self.practice: Practice = make_practice(
            superuser,
            book.zone,
            slot_interval=book.grid[0] * MINUTE,
            min_notice=book.notice[0] * MINUTE,
            booking_horizon=timedelta(days=book.horizon[0]),
            max_active_holds=50,
            max_upcoming=1000,
        )
        self.day: date = datetime.now(self.practice.zone).date() + timedelta(days=book.in_days)
        self.midnight = datetime.combine(self.day, time(), self.practice.zone).astimezone(UTC)
        self.people = {
            self.practice.person(
                f"Person {n}", p.profession, [(day, *w) for day in range(1, 8) for w in p.week]
            ): p
            for n, p in enumerate(book.people)
        }
        self.things = {
            self.practice.thing(f"{kind} {n}", kind, is_active=active): kind
            for kind, number in (("chair", book.chairs), ("equipment", book.devices))
            for n, active in enumerate(number)
        }
        self.leaders = {
            who: p.minutes for who, p in self.people.items() if p.leads and p.profession != "assistant"
        }
        self.parts = [self._row(part) for part in book.parts]
        after, lasts = book.leads
        leader = (
            [{"needs": "leader", "starts_after": after, "lasts": lasts}]
            if (after, lasts) != (0, None)
            else []
        )
        rules = {
            "min_notice": optional(book.notice[1], MINUTE),
            "booking_horizon": optional(book.horizon[1], timedelta(days=1)),
            "slot_interval": optional(book.grid[1], MINUTE),
            "max_per_day": book.max_per_day,
        }
        before, behind = book.buffers
        self.type = self.practice.type(
            book.minutes,
            self.leaders,
            [*self.parts, *leader],
            buffer_before=before * MINUTE,
            buffer_after=behind * MINUTE,
            **rules,
        )
        self.plain = self.practice.type(25, [*self.people])
        self.patient = actors.user(f"{make_user(superuser, 'Asks')}@made.test")
        self.desk = self.practice.staff(actors, "receptionist")
        self._take_time()

    def _row(self, part: Part) -> Row:
        """Return the row of a part, within the shortest visit there can be."""
        shortest = min([self.book.minutes, *(own for own in self.leaders.values() if own)])
        lasts = part.lasts and min(part.lasts, shortest - part.starts_after)
        of_kind = self.of_kind(part.needs)
        only = part.only and sorted({of_kind[n % len(of_kind)] for n in part.only}) if of_kind else None
        return {
            "needs": part.needs,
            "only_resources": only,
            "starts_after": part.starts_after,
            "lasts": lasts,
        }

    def of_kind(self, needs: str) -> list[UUID]:
        """Return who or what is of a kind, in use or not."""
        people = [who for who, person in self.people.items() if person.profession == needs]
        return people + [thing for thing, kind in self.things.items() if kind == needs]

    def _take_time(self) -> None:
        """Let others book, hold and squeeze in; let people and chairs be off, and the clinic closed."""
        for kind, index, who in self.book.taken:
            with suppress(psycopg.errors.RaiseException, Refused):
                self._take(kind, index, who)
        everything = [*self.people, *self.things]
        for number, start, length in self.book.off:
            resource = everything[number % len(everything)]
            claimed = "select from clinic.occupancy where resource_id = %s and during && %s::tstzrange"
            if not self.superuser.execute(claimed, [resource, self.range(start, length)]).rowcount:
                insert(
                    self.superuser,
                    "time_off",
                    clinic_id=self.practice.id,
                    resource_id=resource,
                    during=self.range(start, length),
                )
        for start, length in self.book.closures:
            insert(self.superuser, "closures", clinic_id=self.practice.id, during=self.range(start, length))

    def _take(self, kind: str, index: int, who: int) -> None:
        free = self.listed(self.desk)
        people = [None, *self.leaders]
        asked: Row = {"dentist_id": people[who % len(people)], "appointment_type_id": self.type}
        if kind == "plain":
            asked = {
                "dentist_id": [*self.people][who % len(self.people)],
                "appointment_type_id": self.plain,
            }
        times = sorted({instant for _, instant in free} | {self.midnight + 600 * MINUTE})
        asked["starts_at"] = times[index % len(times)]
        someone = {"patient_id": self.practice.patient()}
        if kind in ("book", "plain", "squeeze"):
            attempt(self.desk, "book_appointment", **asked, **someone, squeeze_in=kind == "squeeze")
            return
        holder = self.patient if kind == "mine" else self.desk
        hold = attempt(holder, "reserve_slot", **asked, **({} if kind == "mine" else someone))
        if kind == "dead":
            expire_hold(self.superuser, hold["id"])

    def range(self, start: int, length: int) -> str:
        """Return a range of instants, counted in minutes from the drawn day's first."""
        begins = self.midnight + start * MINUTE
        return f"[{begins.isoformat()},{(begins + length * MINUTE).isoformat()})"

    def listed(self, connection: Connection, who: UUID | None = None) -> list[tuple[UUID, datetime]]:
        """Return what is listed for the drawn day and the two around it: who and when."""
        around = {"from_date": self.day - timedelta(days=1), "to_date": self.day + timedelta(days=1)}
        rows = call(connection, "available_slots", appointment_type_id=self.type, dentist_id=who, **around)
        return [(row["dentist_id"], row["starts_at"]) for row in rows]

    def suspects(self, listed: list[tuple[UUID, datetime]]) -> list[datetime]:
        """Return instants worth asking about: what is listed, its neighbours, and others of the grid."""
        rules = self.book
        step = (rules.grid[1] or rules.grid[0]) * MINUTE
        instants = sorted({instant for _, instant in listed})
        chosen = {*instants[:2], *instants[len(instants) // 2 :][:2], *instants[-2:]}
        near = {slot + shift for slot in chosen for shift in (timedelta(), step, -step)}
        others = {self.midnight + (540 + n * 60) * MINUTE for n in range(0, 9, 2)}
        return [
            at
            for at in sorted(near | others)
            if abs(at.astimezone(self.practice.zone).date() - self.day) < 2 * DAY
        ]

    def is_between_two_minutes(self, instant: datetime) -> bool:
        """Whether the passing of time during this test might change the verdict."""
        now = datetime.now(UTC)
        notices = [n * MINUTE for n in self.book.notice if n is not None]
        horizons = [timedelta(days=n) for n in self.book.horizon if n is not None]
        return any(abs(instant - now - span) < 2 * MINUTE for span in (timedelta(), *notices, *horizons))


def optional(value: int | None, unit: timedelta) -> timedelta | None:
    """Return so many units, or None."""
    return None if value is None else value * unit


class Refused(Exception):
    """A refusal, which is an answer like others here."""


def attempt(connection: Connection, function: str, **arguments: Any) -> Row:
    """Call a function; raise Refused, with the code, where it is refused."""
    try:
        row: Row = call(connection, function, **arguments)
    except psycopg.Error as error:
        raise Refused(parse_refusal(error).code) from None
    return row


# The slow way -----------------------------------------------------------------------------------------------


class Ledger:
    """What is taken, and when people work, around the drawn day."""

    def __init__(self, drawn: Drawn) -> None:
        self.drawn = drawn
        now = datetime.now(UTC)
        self.busy: dict[UUID, list[Span]] = {}
        query = """
        select o.resource_id, lower(o.during) as starts_at, upper(o.during) as ends_at
        from clinic.occupancy as o
        left join clinic.slot_reservations as r on r.id = o.id
        left join auth.users as u on u.id = r.held_by
        where o.clinic_id = %s and (o.expires_at is null or o.expires_at > %s)
          and (o.cause <> 'hold' or u.email <> %s)
        """
        parameters = [drawn.practice.id, now, asker(drawn.patient)]
        for row in drawn.superuser.execute(query, parameters):
            self.busy.setdefault(row["resource_id"], []).append((row["starts_at"], row["ends_at"]))
        closures = drawn.superuser.execute(
            "select lower(during) as starts_at, upper(during) as ends_at from clinic.closures"
            " where clinic_id = %s",
            [drawn.practice.id],
        ).fetchall()
        self.closed = [(row["starts_at"], row["ends_at"]) for row in closures]
        self.open: dict[UUID, list[Span]] = {who: list(self._windows(p)) for who, p in drawn.people.items()}

    def _windows(self, person: Person) -> Iterator[Span]:
        zone = self.drawn.practice.zone
        for n in range(-3, 5):
            day = self.drawn.day + timedelta(days=n)
            for opens, closes in person.week:
                until = day + timedelta(days=closes < opens)
                yield (
                    datetime.combine(day, time.fromisoformat(opens), zone).astimezone(UTC),
                    datetime.combine(until, time.fromisoformat(closes), zone).astimezone(UTC),
                )

    def is_free(self, resource: UUID, span: Span) -> bool:
        """Whether a resource is there, and nothing takes it."""
        taken = [*self.busy.get(resource, []), *self.closed]
        works = resource not in self.open or any(
            a <= span[0] and span[1] <= b for a, b in self.open[resource]
        )
        return works and not any(overlap(span, other) for other in taken)

    def can_be_had(self, leader: UUID, start: datetime) -> bool:
        """Whether the leader and some choice of others can have the visit."""
        claims = self.claims(leader, start)
        return self.is_free(leader, claims[0][1]) and self._fits(claims[1:], [(leader, claims[0][1])])

    def claims(self, leader: UUID, start: datetime) -> list[tuple[Row, Span]]:
        """Return each part with its time, the leader's first."""
        book = self.drawn.book
        end = start + (self.drawn.leaders[leader] or book.minutes) * MINUTE
        after, lasts = book.leads
        rows = [{"needs": "leader", "starts_after": after, "lasts": lasts}, *self.drawn.parts]
        return [(row, self._span(row, start, end)) for row in rows]

    def _span(self, row: Row, start: datetime, end: datetime) -> Span:
        before, behind = self.drawn.book.buffers
        begins = start + row["starts_after"] * MINUTE
        ends = end if row["lasts"] is None else begins + row["lasts"] * MINUTE
        if row["needs"] in ("leader", "chair"):
            return begins - before * MINUTE * (begins == start), ends + behind * MINUTE * (ends == end)
        return begins, ends

    def _fits(self, claims: list[tuple[Row, Span]], chosen: list[tuple[UUID, Span]]) -> bool:
        if not claims:
            return True
        (row, span), *rest = claims
        return any(
            self.is_free(one, span)
            and not any(one == other and overlap(span, when) for other, when in chosen)
            and self._fits(rest, [*chosen, (one, span)])
            for one in self.candidates(row)
        )

    def candidates(self, row: Row) -> list[UUID]:
        """Return who or what will do for a part."""
        book = self.drawn.book
        things = zip(self.drawn.things, [*book.chairs, *book.devices], strict=True)
        idle = {thing for thing, is_active in things if not is_active}
        only = row["only_resources"]
        return [
            one
            for one in self.drawn.of_kind(row["needs"])
            if one not in idle and (only is None or one in only)
        ]

    def check(self, booked: Row, taken: list[Row]) -> None:
        """Assert that a visit has taken its parts exactly, each of one that will do, no one twice at once."""
        leader = booked["dentist_id"]
        wanted = self.claims(leader, booked["starts_at"])
        assert leader in self.drawn.leaders
        assert [row["part"] for row in taken] == list(range(len(wanted)))
        assert [(row["starts_at"], row["ends_at"]) for row in taken] == [span for _, span in wanted]
        assert taken[0]["resource_id"] == leader
        for (row, span), claim in zip(wanted[1:], taken[1:], strict=True):
            assert claim["resource_id"] in self.candidates(row)
            assert self.is_free(claim["resource_id"], span)


def overlap(one: Span, other: Span) -> bool:
    """Whether two spans of time have something in common."""
    return one[0] < other[1] and other[0] < one[1]


def asker(connection: Connection) -> str:
    """Return the email of who is connected."""
    row = connection.execute(
        "select current_setting('request.jwt.claims')::jsonb ->> 'email' as email"
    ).fetchone()
    assert row is not None
    email: str = row["email"]
    return email


TAKEN = """
select part, resource_id, lower(during) as starts_at, upper(during) as ends_at
from clinic.occupancy where id = %s order by part
"""


def take(drawn: Drawn, ledger: Ledger, function: str, asked: Row) -> str | None:
    """Take a slot, look at what it took, and give it back; return the refusal's code, or None."""
    with drawn.patient.transaction(force_rollback=True):
        try:
            row = attempt(drawn.patient, function, **asked)
        except Refused as refusal:
            return str(refusal)
        drawn.patient.execute("set session authorization default")
        drawn.patient.execute("set constraints all immediate")
        assert asked["dentist_id"] in (None, row["dentist_id"])
        ledger.check(row, drawn.patient.execute(TAKEN, [row["id"]]).fetchall())
        assert drawn.patient.execute("select * from clinic.check_invariants()").fetchall() == []
    return None


ABOUT_THE_DAY = {None, "slot_taken"}


@settings(
    max_examples=draws(20),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(book=books)
def test_a_visit_of_parts_is_listed_exactly_if_it_can_be_had_and_takes_exactly_its_parts(
    arena: Actors, book: Book
) -> None:
    actors = Actors(arena.url)
    try:
        drawn = Drawn(actors, actors.superuser(), book)
        ledger = Ledger(drawn)
        listed = drawn.listed(drawn.patient)
        assert len(listed) == len(set(listed))
        for who in drawn.leaders:
            assert drawn.listed(drawn.patient, who) == [(w, at) for w, at in listed if w == who]
        for instant in drawn.suspects(listed):
            if drawn.is_between_two_minutes(instant):
                continue
            for who in (None, *drawn.leaders):
                asked = {"dentist_id": who, "appointment_type_id": drawn.type, "starts_at": instant}
                verdict = call(drawn.patient, "explain_slot", **asked)
                code = verdict["code"]
                event(f"{'anybody' if who is None else 'named'}: {code}")
                assert verdict["bookable"] == (code is None)
                assert (code is None) == any(w in (who or w, None) and at == instant for w, at in listed), (
                    asked
                )
                for function in ("book_appointment", "reserve_slot"):
                    assert take(drawn, ledger, function, asked) == code, (function, asked)
                if who is not None and code in ABOUT_THE_DAY:
                    assert ledger.can_be_had(who, instant) == (code is None), asked
    finally:
        actors.close()
