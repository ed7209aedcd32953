"""book_appointment: an appointment in one step."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.support.actors import Connection, call
from tests.support.clinics import Clinic
from tests.support.refusals import refused
from tests.support.slots import book, listed, reserve

FIELDS = {
    "id",
    "clinic_id",
    "dentist_id",
    "patient_id",
    "appointment_type_id",
    "starts_at",
    "ends_at",
    "status",
    "notes",
    "version",
    "source",
    "created_at",
    "updated_at",
    "cancelled_at",
    "cancellation_reason",
}


def test_a_booked_appointment_has_the_fields_clients_are_written_against(
    ana: Connection, riverside: Clinic
) -> None:
    start = riverside.at("09:00")
    appointment = book(ana, riverside, start, notes="First visit")
    assert appointment.keys() >= FIELDS
    assert appointment["status"] == "booked"
    assert (appointment["starts_at"], appointment["ends_at"]) == (start, start + timedelta(minutes=30))
    assert (appointment["version"], appointment["notes"]) == (1, "First visit")


def test_the_answer_is_the_view_s_row(ana: Connection, riverside: Clinic) -> None:
    appointment = book(ana, riverside, riverside.at("09:00"), notes="First visit")
    row = ana.execute("select * from api.appointments where id = %s", [appointment["id"]]).fetchone()
    assert list(appointment.items()) == list((row or {}).items())


def test_a_booked_slot_is_taken(ana: Connection, ben: Connection, riverside: Clinic) -> None:
    start = riverside.at("09:00")
    book(ana, riverside, start)
    assert start not in listed(ben, riverside, start)
    with refused("slot_taken") as refusal:
        book(ben, riverside, start)
    assert 1 <= len(refusal.details) <= 3


def test_a_refusal_says_nothing_of_the_other_booking(
    ana: Connection, ben: Connection, sakura: Clinic
) -> None:
    taken = book(ana, sakura, sakura.at("09:30"))
    with refused("slot_taken") as refusal:
        book(ben, sakura, sakura.at("09:15"), sakura.cleaning)
    told = str(refusal.raw)
    assert str(taken["id"]) not in told
    assert str(taken["patient_id"]) not in told


def test_ones_own_hold_does_not_stand_in_the_way(
    ana: Connection, superuser: Connection, riverside: Clinic
) -> None:
    start = riverside.at("09:00")
    reserve(ana, riverside, start)
    book(ana, riverside, start)
    claims = superuser.execute(
        "select cause, part from clinic.occupancy where clinic_id = %s and during @> %s order by part",
        [riverside.id, start],
    ).fetchall()
    assert [tuple(claim.values()) for claim in claims] == [("appointment", 0), ("appointment", 1)]


def test_a_patient_cannot_sit_in_two_chairs(ana: Connection, riverside: Clinic) -> None:
    book(ana, riverside, riverside.at("09:00"))
    with refused("patient_busy"):
        book(ana, riverside, riverside.at("09:15"), dentist_id=riverside.other)
    book(ana, riverside, riverside.at("09:30"), dentist_id=riverside.other)


def test_buffers_are_the_dentists_and_not_the_patients(
    ana: Connection, ben: Connection, sakura: Clinic
) -> None:
    book(ana, sakura, sakura.at("10:00"), sakura.cleaning)
    with refused("slot_taken"):
        book(ben, sakura, sakura.at("10:45"))
    book(ana, sakura, sakura.at("10:45"), dentist_id=sakura.other)


def test_editing_a_type_never_resizes_what_is_booked(
    ana: Connection, foreign_admin: Connection, ben: Connection, sakura: Clinic
) -> None:
    appointment = book(ana, sakura, sakura.at("09:00"), sakura.cleaning)
    call(
        foreign_admin,
        "update_appointment_type",
        appointment_type_id=sakura.cleaning,
        duration="15 minutes",
        buffer_after="0",
    )
    with refused("slot_taken"):
        book(ben, sakura, sakura.at("09:45"))
    row = ana.execute("select * from api.appointments where id = %s", [appointment["id"]]).fetchone()
    assert row is not None
    assert row["ends_at"] == appointment["ends_at"]


@pytest.mark.parametrize(
    ("clock", "code"),
    [
        ("08:00", "outside_working_hours"),
        ("11:45", "outside_working_hours"),
        ("12:00", "outside_working_hours"),
        ("12:45", "outside_working_hours"),
        ("16:45", "outside_working_hours"),
        ("09:10", "off_grid"),
    ],
)
def test_a_patient_books_within_hours_and_on_the_grid(
    ana: Connection, riverside: Clinic, clock: str, code: str
) -> None:
    with refused(code):
        book(ana, riverside, riverside.at(clock))


def test_the_buffers_too_must_lie_inside_the_window(ana: Connection, riverside: Clinic) -> None:
    with refused("outside_working_hours"):
        book(ana, riverside, riverside.at("09:00"), riverside.root_canal)
    with refused("outside_working_hours"):
        book(ana, riverside, riverside.at("10:30"), riverside.root_canal)
    book(ana, riverside, riverside.at("09:15"), riverside.root_canal)


def test_nothing_is_booked_on_a_day_off(ana: Connection, riverside: Clinic) -> None:
    with refused("outside_working_hours"):
        book(ana, riverside, riverside.at("09:00", riverside.weekday(7)))


def test_the_past_is_no_time_for_anybody(ana: Connection, desk: Connection, riverside: Clinic) -> None:
    past = riverside.at("09:00", riverside.weekday(1, weeks=-2))
    with refused("in_the_past"):
        book(ana, riverside, past)
    patient = call(desk, "create_patient", clinic_id=riverside.id, full_name="Walk In")
    with refused("in_the_past"):
        book(desk, riverside, past, patient_id=patient["id"])


def test_patients_book_with_notice_and_within_the_horizon_and_staff_need_not(
    ana: Connection, desk: Connection, superuser: Connection, riverside: Clinic
) -> None:
    patient = call(desk, "create_patient", clinic_id=riverside.id, full_name="Walk In")
    start = riverside.at("09:00")
    superuser.execute("update clinic.clinics set min_notice = '0', booking_horizon = '7 days'")
    with refused("beyond_horizon"):
        book(ana, riverside, start)
    near = riverside.at("09:00", riverside.weekday(1, weeks=2))
    superuser.execute("update clinic.clinics set min_notice = '30 days', booking_horizon = '90 days'")
    with refused("notice_too_short"):
        book(ana, riverside, near)
    book(desk, riverside, near, patient_id=patient["id"])
    superuser.execute("update clinic.clinics set booking_horizon = '7 days'")
    book(desk, riverside, start, patient_id=patient["id"])


def test_staff_are_exempt_from_the_grid_but_not_from_working_hours(
    desk: Connection, riverside: Clinic
) -> None:
    patient = call(desk, "create_patient", clinic_id=riverside.id, full_name="Walk In")
    book(desk, riverside, riverside.at("09:07"), patient_id=patient["id"])
    with refused("outside_working_hours"):
        book(desk, riverside, riverside.at("18:00"), patient_id=patient["id"])


def test_staff_of_another_clinic_are_nobody_here(
    foreign_desk: Connection, desk: Connection, riverside: Clinic
) -> None:
    patient = call(desk, "create_patient", clinic_id=riverside.id, full_name="Walk In")
    with refused("not_found"):
        book(foreign_desk, riverside, riverside.at("09:00"), patient_id=patient["id"])


def test_staff_say_for_whom_they_book(desk: Connection, riverside: Clinic) -> None:
    with refused("invalid_argument"):
        book(desk, riverside, riverside.at("09:00"))


def test_nobody_books_without_signing_in(anon: Connection, riverside: Clinic) -> None:
    with refused("not_authenticated"):
        book(anon, riverside, riverside.at("09:00"))


def test_the_first_reason_in_the_contracts_order_is_the_answer(
    ana: Connection, superuser: Connection, riverside: Clinic
) -> None:
    """In the past beats hours, hours beat the grid, the grid beats what is taken, taken beats busy."""
    with refused("in_the_past"):
        book(ana, riverside, riverside.at("03:07", riverside.weekday(7, weeks=-2)))
    with refused("outside_working_hours"):
        book(ana, riverside, riverside.at("03:07"))
    book(ana, riverside, riverside.at("09:00"))
    with refused("off_grid"):
        book(ana, riverside, riverside.at("09:07"))
    with refused("slot_taken"):
        book(ana, riverside, riverside.at("09:00"))
    superuser.execute("update clinic.clinics set min_notice = '30 days'")
    with refused("notice_too_short"):
        book(ana, riverside, riverside.at("03:07", riverside.weekday(7, weeks=2)))
    with refused("beyond_horizon"):
        book(ana, riverside, riverside.at("03:07", riverside.weekday(7, weeks=30)))
