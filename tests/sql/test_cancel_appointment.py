"""cancel_appointment: the time is free again at once, and saying so twice does no harm."""

from __future__ import annotations

from uuid import uuid4

import pytest

from tests.support.actors import Connection, Row, call
from tests.support.clinics import Clinic
from tests.support.refusals import refused
from tests.support.slots import book, listed


def cancel(connection: Connection, appointment: Row, **more: object) -> Row:
    row: Row = call(connection, "cancel_appointment", appointment_id=appointment["id"], **more)
    return row


def test_the_time_is_free_at_once(ana: Connection, ben: Connection, riverside: Clinic) -> None:
    start = riverside.at("09:00")
    appointment = book(ana, riverside, start)
    cancelled = cancel(ana, appointment, reason="I am well again")
    assert (cancelled["status"], cancelled["cancellation_reason"]) == ("cancelled", "I am well again")
    assert cancelled["cancelled_at"] is not None
    assert cancelled["version"] == appointment["version"] + 1
    assert start in listed(ben, riverside, start)
    book(ben, riverside, start)
    book(ana, riverside, start, dentist_id=riverside.other)


def test_cancelling_twice_changes_nothing_more(ana: Connection, riverside: Clinic) -> None:
    appointment = book(ana, riverside, riverside.at("09:00"))
    assert cancel(ana, appointment, reason="Once") == cancel(ana, appointment, reason="Twice")


def test_cancelling_again_with_the_version_one_knew_is_answered_like_the_first_time(
    ana: Connection, riverside: Clinic
) -> None:
    """The answer was lost, and the client repeats what it said."""
    appointment = book(ana, riverside, riverside.at("09:00"))
    first = cancel(ana, appointment, expected_version=appointment["version"])
    assert cancel(ana, appointment, expected_version=appointment["version"]) == first


def test_a_patient_is_too_late_within_the_notice_and_staff_never_are(
    ana: Connection, desk: Connection, superuser: Connection, riverside: Clinic
) -> None:
    superuser.execute("update clinic.clinics set cancellation_notice = '30 days', cancel_grace = '0'")
    appointment = book(ana, riverside, riverside.at("09:00", riverside.weekday(1, weeks=2)))
    with refused("too_late_to_cancel"):
        cancel(ana, appointment)
    assert cancel(desk, appointment)["status"] == "cancelled"


def test_strangers_find_nothing_to_cancel(
    ana: Connection,
    ben: Connection,
    foreign_desk: Connection,
    bot: Connection,
    anon: Connection,
    riverside: Clinic,
) -> None:
    appointment = book(ana, riverside, riverside.at("09:00"))
    for stranger in (ben, foreign_desk, bot):
        with refused("not_found"):
            cancel(stranger, appointment)
    with refused("not_authenticated"):
        cancel(anon, appointment)
    with refused("not_found"):
        cancel(ana, {"id": uuid4()})


def test_an_old_version_does_not_cancel_a_newer_appointment(
    ana: Connection, desk: Connection, riverside: Clinic
) -> None:
    appointment = book(ana, riverside, riverside.at("09:00"))
    call(desk, "reschedule_appointment", appointment_id=appointment["id"], starts_at=riverside.at("10:00"))
    with refused("stale_version"):
        cancel(ana, appointment, expected_version=appointment["version"])


@pytest.mark.parametrize("path", [["checked_in", "fulfilled"], ["no_show"]])
def test_what_has_happened_cannot_be_cancelled(
    ana: Connection, desk: Connection, superuser: Connection, riverside: Clinic, path: list[str]
) -> None:
    appointment = book(ana, riverside, riverside.at("09:00"))
    for status in path:
        superuser.execute(
            "update clinic.appointments set status = %s where id = %s", [status, appointment["id"]]
        )
    for anybody in (ana, desk):
        with refused("invalid_transition"):
            cancel(anybody, appointment)
