"""Days of 23 and 25 hours: every real half-hour once, none that does not exist, and a day is the clinic's."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from tests.support.actors import Actors, Connection, call
from tests.support.build import MadeClinic, add_hours, make_clinic
from tests.support.slots import book, listed

HOUR = timedelta(hours=1)


def next_change(clinic: MadeClinic, hours: float) -> date:
    """The next local date that has this many hours."""

    def length(day: date) -> timedelta:
        return clinic.at("00:00", day + timedelta(days=1)).astimezone(UTC) - clinic.at(
            "00:00", day
        ).astimezone(UTC)

    days = (clinic.today() + timedelta(days=n) for n in range(2, 400))
    return next(day for day in days if length(day) == timedelta(hours=hours))


@pytest.fixture(params=["America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "America/Santiago"])
def clinic(request: pytest.FixtureRequest, actors: Actors) -> MadeClinic:
    """A clinic that is open around the clock, in a zone that knows daylight saving."""
    superuser = actors.superuser()
    made = make_clinic(superuser, request.param, slot_interval="30 minutes", booking_horizon="730 days")
    superuser.execute("delete from clinic.working_hours where clinic_id = %s", [made.id])
    for weekday in range(1, 8):
        add_hours(superuser, made.id, made.lee, weekday, "00:00", "24:00")
    return made


def around_the_clock(clinic: MadeClinic, day: date) -> list[datetime]:
    """Every half-hour of a local day, in elapsed time."""
    start, end = (clinic.at("00:00", day + timedelta(days=n)).astimezone(UTC) for n in (0, 1))
    return [start + n * HOUR / 2 for n in range(int((end - start) / (HOUR / 2)))]


@pytest.mark.parametrize("direction", ["spring", "autumn"])
def test_every_real_half_hour_is_listed_once(clinic: MadeClinic, anon: Connection, direction: str) -> None:
    half_hour = clinic.zone.key == "Australia/Lord_Howe"
    hours = {"spring": 23.5 if half_hour else 23, "autumn": 24.5 if half_hour else 25}[direction]
    day = next_change(clinic, hours)
    assert listed(anon, clinic, clinic.at("12:00", day)) == around_the_clock(clinic, day)


def test_on_the_day_after_a_change_the_clock_on_the_wall_says_the_same_again(
    clinic: MadeClinic, anon: Connection, superuser: Connection
) -> None:
    superuser.execute(
        "update clinic.working_hours set opens = '09:00', closes = '10:00' where clinic_id = %s", [clinic.id]
    )
    hours = 23.5 if clinic.zone.key == "Australia/Lord_Howe" else 23
    for day in (next_change(clinic, hours) + timedelta(days=n) for n in (-1, 0, 1)):
        starts = listed(anon, clinic, clinic.at("12:00", day))
        assert [f"{start.astimezone(clinic.zone):%H:%M}" for start in starts] == ["09:00", "09:30"]


def test_both_times_the_clock_says_half_past_one_can_be_booked(actors: Actors, clinic: MadeClinic) -> None:
    hours = 24.5 if clinic.zone.key == "Australia/Lord_Howe" else 25
    day = next_change(clinic, hours)
    patient = actors.sign_up("twice@made.test", "Twice")
    repeated = [
        start
        for start in around_the_clock(clinic, day)
        if len(
            {
                other
                for other in around_the_clock(clinic, day)
                if other.astimezone(clinic.zone).time() == start.astimezone(clinic.zone).time()
            }
        )
        == 2
    ]
    assert repeated
    for start in repeated:
        assert book(patient, clinic, start)["starts_at"] == start


def test_a_window_inside_the_hour_that_spring_skips_offers_nothing(
    actors: Actors, superuser: Connection, anon: Connection
) -> None:
    clinic = make_clinic(superuser, booking_horizon="730 days")
    superuser.execute("delete from clinic.working_hours where clinic_id = %s", [clinic.id])
    for opens, closes in (("02:00", "02:30"), ("02:30", "03:00"), ("03:00", "03:30")):
        add_hours(superuser, clinic.id, clinic.lee, 7, opens, closes)
    spring = next_change(clinic, 23)
    starts = listed(anon, clinic, clinic.at("12:00", spring))
    assert len(starts) == len(set(starts))
    assert clinic.at("03:00", spring) in starts
    for start in starts:
        verdict = call(
            anon, "explain_slot", dentist_id=clinic.lee, appointment_type_id=clinic.checkup, starts_at=start
        )
        assert verdict["bookable"]


def test_a_working_day_is_the_clinics_date_on_both_sides_of_the_world(
    actors: Actors, anon: Connection
) -> None:
    superuser = actors.superuser()
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kolkata"):
        clinic = make_clinic(superuser, zone)
        starts = listed(anon, clinic, clinic.at("12:00"))
        assert {start.astimezone(clinic.zone).date() for start in starts} == {clinic.weekday(1)}
        assert starts[0] == clinic.at("09:00")
