"""A slot is listed exactly if it can be booked, and exactly if explain_slot says so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from tests.support.actors import Actors, Connection, call
from tests.support.build import MadeClinic, insert, make_clinic, make_type, make_user
from tests.support.draws import draws
from tests.support.refusals import parse_refusal

# An open transaction withholds everybody's events on the server: those who wait for events come after it.
pytestmark = [pytest.mark.long, pytest.mark.xdist_group("long transactions")]


MINUTE = timedelta(minutes=1)

# With and without daylight saving, on both hemispheres, with odd offsets and changes at midnight.
ZONES = (
    "America/New_York",
    "Asia/Tokyo",
    "Europe/Berlin",
    "America/Santiago",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
)


@dataclass(frozen=True)
class Calendar:
    """What hypothesis draws; times are minutes from the start of a drawn day, or of the week."""

    zone: str
    slot_interval: int
    min_notice: int
    horizon_days: int
    duration: int
    before: int
    after: int
    weekly: list[tuple[int, int, int]]
    extra: list[tuple[int, int]]
    off: list[tuple[int, int]]
    booked: list[int]
    held: list[tuple[int, bool]]
    in_days: int


def windows(longest: int) -> st.SearchStrategy[tuple[int, int]]:
    """Draw windows within two days: start and length in minutes."""
    return st.tuples(st.integers(-600, 2000), st.integers(1, longest // 5).map(lambda n: n * 5))


WEEK, A_DAY = 7 * 1440, 1440


def weekly() -> st.SearchStrategy[list[tuple[int, int, int]]]:
    """Draw windows that do not overlap: cuts around the week, and which pieces are open.

    So they touch, cross midnight and the end of the week, and last up to a whole day.
    """
    cuts = st.lists(
        st.tuples(st.sampled_from(range(0, WEEK, 15)), st.integers(0, 2).map(bool)),
        min_size=4,
        max_size=28,
        unique_by=lambda cut: cut[0],
    )
    return cuts.map(sorted).map(_open_pieces)


def _open_pieces(cuts: list[tuple[int, bool]]) -> list[tuple[int, int, int]]:
    starts = [start for start, _ in cuts]
    pieces = zip(cuts, [*starts[1:], starts[0] + WEEK], strict=True)
    return [
        (start // A_DAY + 1, start % A_DAY, end % A_DAY)
        for (start, is_open), end in pieces
        if is_open and end - start <= A_DAY
    ]


calendars = st.builds(
    Calendar,
    zone=st.sampled_from(ZONES),
    slot_interval=st.sampled_from([5, 10, 15, 20, 30, 45, 60, 70]),
    min_notice=st.sampled_from([0, 0, 60, 7000]),
    horizon_days=st.sampled_from([1, 60, 400, 400]),
    duration=st.sampled_from([5, 15, 20, 30, 45, 90]),
    before=st.sampled_from([0, 5, 15, 60]),
    after=st.sampled_from([0, 5, 15, 60]),
    weekly=weekly(),
    extra=st.lists(windows(600), max_size=2),
    off=st.lists(windows(600), max_size=2),
    booked=st.lists(st.integers(0, 40), max_size=4),
    held=st.lists(st.tuples(st.integers(0, 40), st.booleans()), max_size=3),
    in_days=st.integers(-2, 3) | st.integers(4, 130),
)


class Drawn:
    """A drawn calendar in the database, with a patient who asks."""

    def __init__(self, actors: Actors, superuser: Connection, calendar: Calendar) -> None:
        self.superuser, self.calendar = superuser, calendar
        self.clinic: MadeClinic = make_clinic(
            superuser,
            calendar.zone,
            slot_interval=calendar.slot_interval * MINUTE,
            min_notice=calendar.min_notice * MINUTE,
            booking_horizon=timedelta(days=calendar.horizon_days),
        )
        self.type_id = make_type(
            superuser, self.clinic.id, "Drawn", calendar.duration, calendar.before, calendar.after
        )
        self.patient = actors.user(f"{make_user(superuser, 'Asks')}@made.test")
        self.other = actors.user(f"{make_user(superuser, 'Others')}@made.test")
        self.day: date = self.clinic.today() + timedelta(days=calendar.in_days)
        self._furnish()

    def _furnish(self) -> None:
        ids: dict[str, Any] = {"clinic_id": self.clinic.id, "dentist_id": self.clinic.lee}
        self.superuser.execute("delete from clinic.working_hours where dentist_id = %s", [self.clinic.lee])
        for weekday, opens, closes in self.calendar.weekly:
            insert(
                self.superuser,
                "working_hours",
                **ids,
                weekday=weekday,
                opens=clock(opens),
                closes=clock(closes),
            )
        for start, length in self.calendar.extra:
            insert(self.superuser, "extra_hours", **ids, during=self.range(start, length))
        for index in self.calendar.booked:
            self.take("book_appointment", index)
        for index, expired in self.calendar.held:
            hold = self.take("reserve_slot", index)
            if hold and expired:
                self.expire(hold)
        for start, length in self.calendar.off:
            if self.is_free(start, length):
                off = {"clinic_id": self.clinic.id, "resource_id": self.clinic.lee}
                insert(self.superuser, "time_off", **off, during=self.range(start, length))

    def range(self, start: int, length: int) -> str:
        """Return a range of instants, counted in minutes from the drawn day's first."""
        begins = datetime.combine(self.day, time(), self.clinic.zone).astimezone(UTC) + start * MINUTE
        return f"[{begins.isoformat()},{(begins + length * MINUTE).isoformat()})"

    def is_free(self, start: int, length: int) -> bool:
        """Whether no claim lies there."""
        query = "select from clinic.occupancy where resource_id = %s and during && %s::tstzrange"
        return not self.superuser.execute(query, [self.clinic.lee, self.range(start, length)]).rowcount

    def listed(self, connection: Connection | None = None) -> list[datetime]:
        """Return what is listed for the drawn day and the two around it."""
        around = {"from_date": self.day - timedelta(days=1), "to_date": self.day + timedelta(days=1)}
        rows = call(
            connection or self.patient,
            "available_slots",
            appointment_type_id=self.type_id,
            dentist_id=self.clinic.lee,
            **around,
        )
        return [row["starts_at"] for row in rows]

    def take(self, function: str, index: int) -> UUID | None:
        """Let somebody else take one of the free slots; None when there is none, or they hold enough."""
        free = self.listed(self.other)
        try:
            row = call(self.other, function, **self.at(free[index % len(free)])) if free else {"id": None}
        except psycopg.Error as error:
            assert parse_refusal(error).code == "reservation_limit"
            return None
        identifier: UUID | None = row["id"]
        return identifier

    def expire(self, hold: UUID) -> None:
        """Let a hold run out."""
        with self.superuser.transaction():
            for table in ("slot_reservations", "occupancy"):
                self.superuser.execute(
                    f"update clinic.{table} set expires_at = now() - interval '1 second' where id = %s",
                    [hold],  # type: ignore[arg-type]
                )

    def at(self, instant: datetime) -> dict[str, Any]:
        """Return the arguments that name a slot."""
        return {"dentist_id": self.clinic.lee, "appointment_type_id": self.type_id, "starts_at": instant}

    def explanation(self, instant: datetime) -> str | None:
        """Return what explain_slot says: a code, or None when the slot may be booked."""
        verdict = call(self.patient, "explain_slot", **self.at(instant))
        assert verdict["bookable"] == (verdict["code"] is None)
        code: str | None = verdict["code"]
        return code

    def attempt(self, function: str, instant: datetime) -> str | None:
        """Try to take a slot and give it back; return the refusal's code, or None when it succeeded."""
        try:
            with self.patient.transaction(force_rollback=True):
                call(self.patient, function, **self.at(instant))
        except psycopg.Error as error:
            return parse_refusal(error).code
        return None

    def is_between_two_minutes(self, instant: datetime) -> bool:
        """Whether the passing of time during this test might change the verdict."""
        now = datetime.now(UTC)
        bounds = (
            now,
            now + self.calendar.min_notice * MINUTE,
            now + timedelta(days=self.calendar.horizon_days),
        )
        return any(abs(instant - bound) < 2 * MINUTE for bound in bounds)


def clock(minutes: int) -> str:
    """Return minutes of a day as a time that Postgres reads, midnight at the end included."""
    return f"{minutes // 60:02}:{minutes % 60:02}"


def suspects(drawn: Drawn, listed: list[datetime]) -> list[datetime]:
    """Return instants worth asking about: what is listed, its neighbours, and odd times of the day."""
    step = timedelta(minutes=drawn.calendar.slot_interval)
    near = [
        slot + shift for slot in (*listed[:3], *listed[-3:]) for shift in (timedelta(), step, -step, MINUTE)
    ]
    midnight = datetime.combine(drawn.day, time(), drawn.clinic.zone).astimezone(UTC)
    return sorted({*near, *(midnight + 97 * n * MINUTE for n in range(15))})


@settings(
    max_examples=draws(20),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(calendar=calendars)
def test_a_slot_is_listed_exactly_if_it_can_be_booked_and_exactly_if_explain_slot_says_so(
    arena: Actors, calendar: Calendar
) -> None:
    actors = Actors(arena.url)
    try:
        drawn = Drawn(actors, actors.superuser(), calendar)
        listed = drawn.listed()
        assert listed == sorted(set(listed))
        days = {drawn.day + timedelta(days=n) for n in (-1, 0, 1)}
        assert {slot.astimezone(drawn.clinic.zone).date() for slot in listed} <= days
        for instant in suspects(drawn, listed):
            local = instant.astimezone(drawn.clinic.zone).date()
            if local in days and not drawn.is_between_two_minutes(instant):
                code = drawn.explanation(instant)
                event(str(code))
                assert (instant in listed) == (code is None), (instant, code)
                assert drawn.attempt("book_appointment", instant) == code, instant
                assert drawn.attempt("reserve_slot", instant) == code, instant
    finally:
        actors.close()
