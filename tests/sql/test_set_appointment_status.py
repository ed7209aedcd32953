"""set_appointment_status: what staff may say has happened."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest

from tests.support.actors import Connection, Row, call
from tests.support.clinics import Clinic
from tests.support.refusals import refused
from tests.support.slots import book, listed

STATUSES = ("booked", "checked_in", "fulfilled", "cancelled", "no_show")
# From each status, where staff may go. Staying is no change, and no error.
ALLOWED: dict[str, set[str]] = {
    "booked": {"checked_in", "cancelled", "no_show"},
    "checked_in": {"booked", "fulfilled", "cancelled"},
    # What was set by mistake is taken back.
    "fulfilled": {"checked_in"},
    "cancelled": {"booked"},
    "no_show": {"booked", "checked_in"},
}
PATHS: dict[str, list[str]] = {
    "booked": [],
    "checked_in": ["checked_in"],
    "fulfilled": ["checked_in", "fulfilled"],
    "cancelled": ["cancelled"],
    "no_show": ["no_show"],
}


def set_status(connection: Connection, appointment: Row, status: str | None, **more: object) -> Row:
    row: Row = call(
        connection, "set_appointment_status", appointment_id=appointment["id"], status=status, **more
    )
    return row


@pytest.fixture
def appointment(ana: Connection, superuser: Connection, riverside: Clinic) -> Row:
    """An appointment that has begun: booked ahead, then moved to yesterday by hand."""
    booked = book(ana, riverside, riverside.at("09:00"))
    superuser.execute(
        "update clinic.appointments set starts_at = now() - interval '1 day',"
        " ends_at = now() - interval '23 hours' where id = %s",
        [booked["id"]],
    )
    return booked


@pytest.mark.parametrize("now", STATUSES)
def test_an_appointment_says_what_staff_may_make_of_it_next(
    desk: Connection, appointment: Row, riverside: Clinic, now: str
) -> None:
    for status in PATHS[now]:
        set_status(desk, appointment, status)
    row = set_status(desk, appointment, now)
    steps = {step["status"]: step for step in call(desk, "next_steps", appointment_id=row["id"])}
    assert set(steps) == ALLOWED[now]
    # The status before, but for a cancelled one, which goes back to the first.
    before = ["booked", *PATHS[now]][-2] if PATHS[now] else None
    assert {status for status, step in steps.items() if step["takes_back"]} == {before} - {None}
    starts_at = row["starts_at"]
    midnight = datetime.combine(starts_at.astimezone(riverside.zone), time(), riverside.zone)
    opens = {"checked_in": midnight, "fulfilled": starts_at, "no_show": starts_at}
    for status, step in steps.items():
        assert (step["from"] and datetime.fromisoformat(step["from"])) == opens.get(status), status


@pytest.mark.parametrize("now", STATUSES)
@pytest.mark.parametrize("then", STATUSES)
def test_staff_may_say_what_can_follow(desk: Connection, appointment: Row, now: str, then: str) -> None:
    for status in PATHS[now]:
        set_status(desk, appointment, status)
    if then in ALLOWED[now] | {now}:
        assert set_status(desk, appointment, then)["status"] == then
    else:
        with refused("invalid_transition"):
            set_status(desk, appointment, then)


@pytest.mark.parametrize("status", ["booked", "checked_in"])
def test_only_what_is_still_to_come_claims_the_calendar(
    desk: Connection, superuser: Connection, appointment: Row, status: str
) -> None:
    claims = "select from clinic.occupancy where id = %s"
    if status == "checked_in":
        set_status(desk, appointment, status)
    # The dentist's, and the chair's.
    assert superuser.execute(claims, [appointment["id"]]).rowcount == 2
    set_status(desk, appointment, {"booked": "no_show", "checked_in": "fulfilled"}[status])
    assert superuser.execute(claims, [appointment["id"]]).rowcount == 0
    set_status(desk, appointment, status)
    assert superuser.execute(claims, [appointment["id"]]).rowcount == 2


def test_nobody_has_missed_what_has_not_begun(ana: Connection, desk: Connection, riverside: Clinic) -> None:
    appointment = book(ana, riverside, riverside.at("09:00"))
    with refused("invalid_transition"):
        set_status(desk, appointment, "no_show")


def test_nobody_is_checked_in_before_the_day_nor_done_before_the_start(
    ana: Connection, desk: Connection, superuser: Connection, riverside: Clinic
) -> None:
    appointment = book(ana, riverside, riverside.at("09:00"))
    for status in ("checked_in", "fulfilled"):
        with refused("invalid_transition"):
            set_status(desk, appointment, status)
    tonight = riverside.at("23:58", riverside.today())
    superuser.execute(
        "update clinic.appointments set starts_at = %s, ends_at = %s where id = %s",
        [tonight, tonight + timedelta(minutes=1), appointment["id"]],
    )
    set_status(desk, appointment, "checked_in")
    if datetime.now(UTC) < tonight - timedelta(minutes=1):  # hardly ever is it that late
        with refused("invalid_transition"):
            set_status(desk, appointment, "fulfilled")


def test_cancelling_by_status_is_cancelling(ana: Connection, desk: Connection, riverside: Clinic) -> None:
    appointment = book(ana, riverside, riverside.at("09:00"))
    cancelled = set_status(desk, appointment, "cancelled")
    assert cancelled["cancelled_at"] is not None
    assert riverside.at("09:00") in listed(ana, riverside, riverside.at("09:00"))


def test_each_change_is_a_new_version_and_staying_is_none(desk: Connection, appointment: Row) -> None:
    arrived = set_status(desk, appointment, "checked_in")
    assert set_status(desk, appointment, "checked_in") == arrived
    with refused("stale_version"):
        set_status(desk, appointment, "fulfilled", expected_version=arrived["version"] - 1)
    assert set_status(desk, appointment, "fulfilled", expected_version=arrived["version"])["version"] == (
        arrived["version"] + 1
    )


@pytest.mark.parametrize("status", [None, "", "BOOKED", "arrived"])
def test_a_status_that_is_none_is_invalid(desk: Connection, appointment: Row, status: str | None) -> None:
    with refused("invalid_argument"):
        set_status(desk, appointment, status)


def test_the_appointments_dentist_may_and_the_patient_may_not(
    lee: Connection,
    ana: Connection,
    bot: Connection,
    foreign_desk: Connection,
    anon: Connection,
    appointment: Row,
) -> None:
    with refused("forbidden"):
        set_status(ana, appointment, "checked_in")
    for stranger in (bot, foreign_desk):
        with refused("not_found"):
            set_status(stranger, appointment, "checked_in")
    with refused("not_authenticated"):
        set_status(anon, appointment, "checked_in")
    assert set_status(lee, appointment, "checked_in")["status"] == "checked_in"


def test_a_dentist_has_no_say_in_a_colleagues_appointments(
    ana: Connection, lee: Connection, riverside: Clinic
) -> None:
    appointment = book(ana, riverside, riverside.at("09:00"), dentist_id=riverside.other)
    with refused("not_found"):
        set_status(lee, appointment, "checked_in")
