"""The edges of what may be booked: to the instant, buffers included, in any session's time zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from tests.support.actors import Connection, call
from tests.support.build import MadeClinic, insert, make_clinic, make_type
from tests.support.clinics import Clinic
from tests.support.refusals import refused
from tests.support.slots import book, listed, reserve

NOW = datetime(2030, 1, 7, 12, tzinfo=UTC)
MINUTE, TICK = timedelta(minutes=1), timedelta(microseconds=1)
EARLIEST, LATEST = NOW + 60 * MINUTE, NOW + 600 * MINUTE


def verdict(superuser: Connection, starts_at: datetime, **other: Any) -> str | None:
    """Judge half an hour with a quarter before and after it, on the grid of a day that is all open."""

    def span(first: datetime, last: datetime) -> str:
        return f"[{first.isoformat()},{last.isoformat()})"

    ends_at = starts_at + 30 * MINUTE
    arguments: dict[str, Any] = {
        "starts_at": starts_at,
        "ends_at": ends_at,
        "claim": span(starts_at - 15 * MINUTE, ends_at + 15 * MINUTE),
        "opening": span(NOW - timedelta(days=1), NOW + timedelta(days=1)),
        "is_on_grid": True,
        "as_of": NOW,
        "earliest": EARLIEST,
        "latest": LATEST,
        "full_days": None,
        "busy": None,
        "part_starts": None,
        "patient_busy": None,
    } | {name: span(*value) if name == "opening" else f"{{{span(*value)}}}" for name, value in other.items()}
    named = ", ".join(f"{name} => %({name})s" for name in arguments)
    row = superuser.execute(f"select clinic.verdict({named}) as code", arguments).fetchone()  # type: ignore[arg-type]
    assert row is not None
    code: str | None = row["code"]
    return code


@pytest.mark.parametrize(
    ("starts_at", "code"),
    [
        (NOW - TICK, "in_the_past"),
        (NOW, "in_the_past"),
        (NOW + TICK, "notice_too_short"),
        (EARLIEST - TICK, "notice_too_short"),
        (EARLIEST, None),
        (LATEST, None),
        (LATEST + TICK, "beyond_horizon"),
    ],
)
def test_now_notice_and_horizon_are_told_apart_to_the_instant(
    superuser: Connection, starts_at: datetime, code: str | None
) -> None:
    """A visit may start at the first instant and at the last that the policy names, but not now."""
    assert verdict(superuser, starts_at) == code


def test_buffers_may_touch_what_is_before_and_after_them(superuser: Connection) -> None:
    start = NOW + 120 * MINUTE
    first, last = start - 15 * MINUTE, start + 45 * MINUTE
    far = timedelta(days=1)
    assert verdict(superuser, start, opening=(first, last)) is None
    assert verdict(superuser, start, opening=(first + TICK, last)) == "outside_working_hours"
    assert verdict(superuser, start, opening=(first, last - TICK)) == "outside_working_hours"
    assert verdict(superuser, start, busy=(first - far, first)) is None
    assert verdict(superuser, start, busy=(first - far, first + TICK)) == "slot_taken"
    assert verdict(superuser, start, busy=(last, last + far)) is None
    assert verdict(superuser, start, busy=(last - TICK, last + far)) == "slot_taken"
    # The other parts are there for starts, and are missed at all others.
    assert verdict(superuser, start, part_starts=(start, start + TICK)) is None
    assert verdict(superuser, start, part_starts=(start + TICK, last)) == "slot_taken"
    assert verdict(superuser, start, full_days=(start, last)) == "day_full"
    assert verdict(superuser, start, full_days=(start + TICK, last)) is None
    # The patient needs no buffers.
    end = start + 30 * MINUTE
    assert verdict(superuser, start, patient_busy=(start - far, start)) is None
    assert verdict(superuser, start, patient_busy=(start - far, start + TICK)) == "patient_busy"
    assert verdict(superuser, start, patient_busy=(end, end + far)) is None
    assert verdict(superuser, start, patient_busy=(end - TICK, end + far)) == "patient_busy"


# Around midnight: a day's list knows what its neighbours hold


@pytest.fixture
def nights(superuser: Connection) -> MadeClinic:
    """A clinic where Lee works around two midnights, with a type that needs an hour before and after."""
    clinic = make_clinic(superuser, "UTC", booking_horizon="90 days")
    for day in (clinic.weekday(1), clinic.weekday(2)):
        opens = clinic.at("18:00", day)
        during = f"[{opens.isoformat()},{(opens + timedelta(hours=12)).isoformat()})"
        insert(superuser, "extra_hours", clinic_id=clinic.id, dentist_id=clinic.lee, during=during)
    return clinic


@pytest.mark.parametrize(("before", "after"), [(60, 0), (0, 60), (60, 60), (0, 0)])
def test_a_day_is_listed_with_a_view_to_the_days_around_it(
    ana: Connection, ben: Connection, superuser: Connection, nights: MadeClinic, before: int, after: int
) -> None:
    """What is listed for a day is what explain_slot says of each of its quarters of an hour."""
    tuesday = nights.weekday(2)
    night = make_type(superuser, nights.id, "At night", 30, before, after)
    short = make_type(superuser, nights.id, "Short", 15)
    book(ben, nights, nights.at("23:15"), short)
    book(ben, nights, nights.at("00:30", nights.weekday(3)), short)
    quarters = [nights.at("00:00", tuesday) + timedelta(minutes=15 * n) for n in range(96)]
    slot = {"dentist_id": nights.lee, "appointment_type_id": night}
    bookable = [at for at in quarters if call(ana, "explain_slot", starts_at=at, **slot)["bookable"]]
    assert listed(ana, nights, nights.at("12:00", tuesday), night) == bookable
    assert nights.at("02:00", tuesday) in bookable
    assert (nights.at("00:00", tuesday) in bookable) == (before == 0)
    assert (nights.at("23:45", tuesday) in bookable) == (after == 0)


# A policy's days have 24 hours


def days_until_clocks_change(zone: ZoneInfo) -> int:
    """Return in how many days a clock of this zone will be another hour ahead than now."""
    now = datetime.now(UTC)
    offset = now.astimezone(zone).utcoffset()
    return next(
        n for n in range(2, 730) if (now + timedelta(days=n - 1)).astimezone(zone).utcoffset() != offset
    )


@pytest.mark.parametrize("zone", ["America/New_York", "Australia/Sydney", "UTC"])
def test_the_horizon_is_the_same_in_any_sessions_time_zone(
    ana: Connection, superuser: Connection, riverside: Clinic, zone: str
) -> None:
    """Across a change of clocks, too, where a zone's own days would come to an hour more or less."""
    days = days_until_clocks_change(ZoneInfo(zone if zone != "UTC" else "America/New_York"))
    superuser.execute("update clinic.clinics set booking_horizon = make_interval(days => %s)", [days])
    ana.execute("select set_config('timezone', %s, false)", [zone])
    last = datetime.now(UTC) + timedelta(days=days)
    slot = {"dentist_id": riverside.lee, "appointment_type_id": riverside.checkup}
    codes = [
        call(ana, "explain_slot", starts_at=last + n * MINUTE, **slot)["code"] == "beyond_horizon"
        for n in (-50, -10, 10, 50)
    ]
    assert codes == [False, False, True, True]


# Alternatives are for the one who asks


def alternatives(connection: Connection, clinic: Clinic, start: datetime, **more: Any) -> list[datetime]:
    """Ask for a slot that is taken; return what is offered with this dentist instead.

    One more may be offered: the same time with somebody else.
    """
    with refused("slot_taken") as refusal:
        book(connection, clinic, start, **more)
    own = [row for row in refusal.details if UUID(row["dentist_id"]) == clinic.lee]
    others = [row for row in refusal.details if row not in own]
    assert len(own) == (2 if others else 3)
    assert [(row["other_dentist"], datetime.fromisoformat(row["starts_at"])) for row in others] in (
        [],
        [(True, start)],
    )
    return [datetime.fromisoformat(row["starts_at"]) for row in own]


def test_alternatives_leave_out_when_the_patient_is_elsewhere(
    ana: Connection, ben: Connection, riverside: Clinic
) -> None:
    book(ben, riverside, riverside.at("10:00"))
    assert riverside.at("10:30") in alternatives(ana, riverside, riverside.at("10:00"))
    book(ana, riverside, riverside.at("10:30"), dentist_id=riverside.other)
    found = alternatives(ana, riverside, riverside.at("10:00"))
    assert found == [riverside.at(clock) for clock in ("09:30", "09:15")]


def test_alternatives_are_three_where_nobody_else_is_free(
    ana: Connection, ben: Connection, sakura: Clinic
) -> None:
    for somebody, dentist in ((ben, sakura.lee), (ana, sakura.other)):
        book(somebody, sakura, sakura.at("10:00"), dentist_id=dentist)
    ana.execute("select api.cancel_appointment(id) from api.appointments")
    found = alternatives(ana, sakura, sakura.at("10:00"))
    assert found[:2] == [sakura.at("09:30"), sakura.at("10:30")]


def test_alternatives_keep_to_the_policy_except_for_staff(
    ana: Connection, ben: Connection, desk: Connection, superuser: Connection, riverside: Clinic
) -> None:
    """The notice ends, or the horizon begins, ten minutes from what was asked for."""
    start = riverside.at("10:00", riverside.weekday(1, weeks=2))
    walk_in = call(desk, "create_patient", clinic_id=riverside.id, full_name="Walk In")["id"]
    superuser.execute("update clinic.clinics set min_notice = '0'")
    book(ben, riverside, start)
    for_staff = alternatives(desk, riverside, start, patient_id=walk_in)
    assert min(for_staff) < start < max(for_staff)
    ahead = "make_interval(secs => extract(epoch from %s - clock_timestamp()))"
    superuser.execute(
        f"update clinic.clinics set min_notice = {ahead}",  # type: ignore[arg-type]
        [start - 10 * MINUTE],
    )
    assert min(alternatives(ana, riverside, start)) > start
    assert alternatives(desk, riverside, start, patient_id=walk_in) == for_staff
    superuser.execute(
        f"update clinic.clinics set min_notice = '0', booking_horizon = {ahead}",  # type: ignore[arg-type]
        [start + 10 * MINUTE],
    )
    assert max(alternatives(ana, riverside, start)) < start
    assert alternatives(desk, riverside, start, patient_id=walk_in) == for_staff


# Whose hold blocks whom


def test_ones_own_hold_blocks_staff_but_not_a_patient(
    ana: Connection, desk: Connection, riverside: Clinic
) -> None:
    """A patient does something else with their time; staff hold for different people."""
    for somebody, clock, blocks in ((ana, "09:00", False), (desk, "11:00", True)):
        start = riverside.at(clock)
        reserve(somebody, riverside, start)
        slot = {"dentist_id": riverside.lee, "appointment_type_id": riverside.checkup, "starts_at": start}
        code = call(somebody, "explain_slot", **slot)["code"]
        assert (code == "slot_taken") == blocks
        assert (start in listed(somebody, riverside, start)) != blocks
