"""reschedule_appointment: the same appointment at another time, or with another dentist."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

from tests.support.actors import Connection, Row, call
from tests.support.clinics import Clinic
from tests.support.refusals import refused
from tests.support.slots import book, listed, reserve


def move(connection: Connection, appointment: Row, **more: object) -> Row:
    row: Row = call(connection, "reschedule_appointment", appointment_id=appointment["id"], **more)
    return row


def test_it_keeps_the_id_and_bumps_the_version(ana: Connection, riverside: Clinic) -> None:
    appointment = book(ana, riverside, riverside.at("09:00"), notes="Same notes")
    moved = move(ana, appointment, starts_at=riverside.at("10:00"))
    assert moved["id"] == appointment["id"]
    assert moved["version"] == appointment["version"] + 1
    assert (moved["starts_at"], moved["ends_at"]) == (riverside.at("10:00"), riverside.at("10:30"))
    assert (moved["dentist_id"], moved["notes"]) == (appointment["dentist_id"], "Same notes")


def test_the_old_time_is_free_and_the_new_one_is_not(
    ana: Connection, ben: Connection, riverside: Clinic
) -> None:
    appointment = book(ana, riverside, riverside.at("09:00"))
    move(ana, appointment, starts_at=riverside.at("10:00"))
    free = listed(ben, riverside, riverside.at("09:00"))
    assert riverside.at("09:00") in free
    assert riverside.at("10:00") not in free


def test_it_may_overlap_its_own_old_time(ana: Connection, riverside: Clinic) -> None:
    appointment = book(ana, riverside, riverside.at("09:15"), riverside.root_canal)
    assert move(ana, appointment, starts_at=riverside.at("09:45"))["starts_at"] == riverside.at("09:45")


def test_moving_it_to_where_it_is_changes_no_time(ana: Connection, riverside: Clinic) -> None:
    appointment = book(ana, riverside, riverside.at("09:00"))
    assert move(ana, appointment, starts_at=riverside.at("09:00"))["starts_at"] == appointment["starts_at"]


def test_it_moves_to_another_dentist(ana: Connection, ben: Connection, riverside: Clinic) -> None:
    start = riverside.at("09:00")
    appointment = book(ana, riverside, start)
    moved = move(ana, appointment, starts_at=start, dentist_id=riverside.other)
    assert moved["dentist_id"] == riverside.other
    book(ben, riverside, start)
    with refused("slot_taken"):
        book(ben, riverside, start, dentist_id=riverside.other)


def test_on_failure_the_old_time_survives(ana: Connection, ben: Connection, riverside: Clinic) -> None:
    appointment = book(ana, riverside, riverside.at("09:00"))
    book(ben, riverside, riverside.at("10:00"))
    with refused("slot_taken"):
        move(ana, appointment, starts_at=riverside.at("10:00"))
    assert riverside.at("09:00") not in listed(ben, riverside, riverside.at("09:00"))
    row = ana.execute("select * from api.appointments where id = %s", [appointment["id"]]).fetchone()
    assert row is not None
    assert (row["starts_at"], row["version"]) == (appointment["starts_at"], appointment["version"])


def test_the_same_predicate_judges_it(ana: Connection, riverside: Clinic) -> None:
    appointment = book(ana, riverside, riverside.at("09:00"))
    for clock, code in (("08:00", "outside_working_hours"), ("09:10", "off_grid")):
        with refused(code):
            move(ana, appointment, starts_at=riverside.at(clock))
    with refused("in_the_past"):
        move(ana, appointment, starts_at=riverside.at("09:00", riverside.weekday(1, weeks=-2)))


def test_a_busy_patient_is_not_moved_onto_themselves(ana: Connection, riverside: Clinic) -> None:
    appointment = book(ana, riverside, riverside.at("09:00"))
    book(ana, riverside, riverside.at("10:00"), dentist_id=riverside.other)
    with refused("patient_busy"):
        move(ana, appointment, starts_at=riverside.at("10:00"))


def test_duration_and_buffers_stay_as_they_were_booked(
    ana: Connection, superuser: Connection, sakura: Clinic
) -> None:
    appointment = book(ana, sakura, sakura.at("09:00"), sakura.cleaning)
    superuser.execute("update clinic.appointment_types set duration = '15 minutes', buffer_after = '0'")
    moved = move(ana, appointment, starts_at=sakura.at("10:00"))
    assert moved["ends_at"] - moved["starts_at"] == timedelta(minutes=45)


def test_a_version_that_has_moved_on_is_stale(ana: Connection, riverside: Clinic) -> None:
    appointment = book(ana, riverside, riverside.at("09:00"))
    move(ana, appointment, starts_at=riverside.at("10:00"), expected_version=1)
    with refused("stale_version"):
        move(ana, appointment, starts_at=riverside.at("11:00"), expected_version=1)


def test_strangers_find_nothing_to_move(
    ana: Connection, ben: Connection, foreign_desk: Connection, anon: Connection, riverside: Clinic
) -> None:
    appointment = book(ana, riverside, riverside.at("09:00"))
    for stranger in (ben, foreign_desk):
        with refused("not_found"):
            move(stranger, appointment, starts_at=riverside.at("10:00"))
    with refused("not_authenticated"):
        move(anon, appointment, starts_at=riverside.at("10:00"))
    with refused("not_found"):
        move(ana, {"id": uuid4()}, starts_at=riverside.at("10:00"))


def test_another_clinics_dentist_is_not_found(ana: Connection, riverside: Clinic, sakura: Clinic) -> None:
    appointment = book(ana, riverside, riverside.at("09:00"))
    with refused("not_found"):
        move(ana, appointment, starts_at=riverside.at("09:00"), dentist_id=sakura.lee)


def test_a_patient_within_the_notice_must_call_and_the_desk_can_move_it(
    ana: Connection, desk: Connection, superuser: Connection, riverside: Clinic
) -> None:
    appointment = book(ana, riverside, riverside.at("09:00"))
    superuser.execute(
        "update clinic.clinics set cancellation_notice = '20 days', cancel_grace = '0', min_notice = '0'"
    )
    near = book(ana, riverside, riverside.at("09:00", riverside.weekday(1, weeks=2)))
    with refused("too_late_to_cancel"):
        move(ana, near, starts_at=riverside.at("10:00"))
    move(desk, near, starts_at=riverside.at("10:00"))
    move(ana, appointment, starts_at=riverside.at("11:00"))


def test_a_cancelled_appointment_does_not_move(ana: Connection, riverside: Clinic) -> None:
    appointment = book(ana, riverside, riverside.at("09:00"))
    call(ana, "cancel_appointment", appointment_id=appointment["id"])
    with refused("invalid_transition"):
        move(ana, appointment, starts_at=riverside.at("10:00"))


def test_ones_own_hold_does_not_block_it(
    ana: Connection, desk: Connection, superuser: Connection, riverside: Clinic
) -> None:
    """As it does not in what is listed; but a hold for somebody else does."""
    appointment = book(ana, riverside, riverside.at("09:00"))
    reserve(ana, riverside, riverside.at("10:00"))
    assert riverside.at("10:00") in listed(ana, riverside, riverside.at("10:00"))
    move(ana, appointment, starts_at=riverside.at("10:00"))
    assert superuser.execute("select distinct id from clinic.occupancy").rowcount == 1
    reserve(desk, riverside, riverside.at("11:00"))
    for by in (ana, desk):
        with refused("slot_taken"):
            move(by, appointment, starts_at=riverside.at("11:00"))


def test_a_live_hold_of_somebody_else_blocks_it(ana: Connection, ben: Connection, riverside: Clinic) -> None:
    appointment = book(ana, riverside, riverside.at("09:00"))
    reserve(ben, riverside, riverside.at("10:00"))
    with refused("slot_taken"):
        move(ana, appointment, starts_at=riverside.at("10:00"))
