"""Why a slot cannot be booked, told to whom it concerns."""

from __future__ import annotations

from typing import Any

from tests.support.actors import Connection, call
from tests.support.clinics import Clinic
from tests.support.slots import book


def explain(caller: Connection, clinic: Clinic, time: str) -> dict[str, Any]:
    slot = {"dentist_id": clinic.lee, "appointment_type_id": clinic.checkup, "starts_at": clinic.at(time)}
    answer: dict[str, Any] = call(caller, "explain_slot", **slot)
    return answer


def test_a_free_slot_is_bookable(ben: Connection, riverside: Clinic) -> None:
    message = "This slot may be booked."
    told = {"bookable": True, "code": None, "message": message, "dentist_id": str(riverside.lee)}
    assert explain(ben, riverside, "09:00") == told


def test_a_patient_learns_that_a_slot_is_taken_and_no_more(
    ana: Connection, ben: Connection, riverside: Clinic
) -> None:
    book(ana, riverside, riverside.at("09:00"))
    message = "This time is already taken."
    told = {"bookable": False, "code": "slot_taken", "message": message, "dentist_id": str(riverside.lee)}
    assert explain(ben, riverside, "09:00") == told


def test_staff_learn_what_is_in_the_way(ana: Connection, admin: Connection, riverside: Clinic) -> None:
    book(ana, riverside, riverside.at("09:00"))
    answer = explain(admin, riverside, "09:00")
    assert answer["code"] == "slot_taken"
    assert answer["message"].startswith("Appointment from 09:00 to 09:")
