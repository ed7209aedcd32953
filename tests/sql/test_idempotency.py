"""Retries: a request that is repeated with its key gets its first answer, and nothing happens twice."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.actors import Connection, Row, call
from tests.support.clinics import Clinic
from tests.support.refusals import refused
from tests.support.slots import book, reserve

REPEATABLE = [
    "reserve_slot", "confirm_reservation", "book_appointment", "reschedule_appointment", "book_family",
    "book_series",
]  # fmt: skip


def as_json(**visit: Any) -> Row:
    """Return one of book_family's visits as JSON has it."""
    return {key: str(value) for key, value in visit.items()}


@pytest.fixture(params=REPEATABLE)
def request_once(request: pytest.FixtureRequest, ana: Connection, riverside: Clinic) -> tuple[str, Row, Row]:
    """A function with a key, arguments for it, and others that make it another request."""
    slot = {
        "dentist_id": riverside.lee,
        "appointment_type_id": riverside.checkup,
        "starts_at": riverside.at("09:00"),
    }
    function: str = request.param
    if function == "confirm_reservation":
        return (
            function,
            {"reservation_id": reserve(ana, riverside, riverside.at("09:00"))["id"]},
            {"notes": "!"},
        )
    if function == "reschedule_appointment":
        appointment = book(ana, riverside, riverside.at("11:00"))
        moved = {"appointment_id": appointment["id"], "starts_at": riverside.at("09:00")}
        return function, moved, {"starts_at": riverside.at("10:00")}
    if function == "book_family":
        return function, {"visits": [as_json(**slot)]}, {"visits": [as_json(**slot, notes="!")]}
    if function == "book_series":
        slot |= {"every": "1 week", "occurrences": 2}
    return function, slot, {"starts_at": riverside.at("10:00")}


def keys(superuser: Connection) -> int:
    return superuser.execute("select from clinic.idempotency_keys").rowcount


def test_a_replay_returns_the_first_answer_and_does_nothing(
    ana: Connection, superuser: Connection, request_once: tuple[str, Row, Row]
) -> None:
    function, arguments, _ = request_once
    first = call(ana, function, **arguments, idempotency_key="k")
    events = "select max(id) as last from clinic.realtime_events"
    before = superuser.execute(events).fetchone()
    assert call(ana, function, **arguments, idempotency_key="k") == first
    assert superuser.execute(events).fetchone() == before
    assert keys(superuser) == 1


def test_a_replay_is_answered_whatever_has_ended_since(
    ana: Connection, admin: Connection, riverside: Clinic, request_once: tuple[str, Row, Row]
) -> None:
    function, arguments, _ = request_once
    first = call(ana, function, **arguments, idempotency_key="k")
    keep = {"is_active": False, "on_conflict": "keep"}
    call(admin, "update_dentist", dentist_id=riverside.lee, **keep)
    call(admin, "update_appointment_type", appointment_type_id=riverside.checkup, **keep)
    assert call(ana, function, **arguments, idempotency_key="k") == first


def test_a_replay_means_the_same_in_any_time_zone(
    ana: Connection, request_once: tuple[str, Row, Row]
) -> None:
    function, arguments, _ = request_once
    first = call(ana, function, **arguments, idempotency_key="k")
    ana.execute("set timezone = 'Asia/Kathmandu'")
    assert call(ana, function, **arguments, idempotency_key="k") == first


def test_the_same_key_with_another_request_is_a_mismatch(
    ana: Connection, request_once: tuple[str, Row, Row]
) -> None:
    function, arguments, change = request_once
    call(ana, function, **arguments, idempotency_key="k")
    with refused("idempotency_mismatch"):
        call(ana, function, **(arguments | change), idempotency_key="k")


def requests_in_full(desk: Connection, clinic: Clinic) -> dict[str, Row]:
    """Return a request to each function that takes a key, with all its arguments."""
    patient = call(desk, "create_patient", clinic_id=clinic.id, full_name="Walk In")["id"]
    slot = {"dentist_id": clinic.lee, "appointment_type_id": clinic.checkup, "patient_id": patient}
    held = reserve(desk, clinic, clinic.at("09:30"), patient_id=patient)["id"]
    booked = book(desk, clinic, clinic.at("10:00"), patient_id=patient)["id"]
    moved = {"appointment_id": booked, "starts_at": clinic.at("10:30"), "dentist_id": clinic.lee}
    return {
        "reserve_slot": slot | {"starts_at": clinic.at("09:00")},
        "book_appointment": slot | {"starts_at": clinic.at("11:00"), "notes": "Said so", "squeeze_in": False},
        "confirm_reservation": {"reservation_id": held, "patient_id": patient, "notes": "Said so"},
        "reschedule_appointment": moved | {"expected_version": 1},
        "book_family": {"visits": [as_json(**slot, starts_at=clinic.at("11:30"))]},
        "book_series": slot
        | {"starts_at": clinic.at("13:00"), "every": "1 week", "occurrences": 2}
        | {"on_conflict": "reject", "dry_run": False},
    }


def other_arguments(desk: Connection, clinic: Clinic) -> Row:
    """Return something else that each of those arguments could say."""
    patient = call(desk, "create_patient", clinic_id=clinic.id, full_name="Somebody Else")["id"]
    elsewhere = {"dentist_id": clinic.other, "patient_id": patient}
    return {
        **elsewhere,
        "appointment_type_id": clinic.cleaning,
        "starts_at": clinic.at("11:15"),
        "visits": [as_json(starts_at=clinic.at("11:45"), **elsewhere, appointment_type_id=clinic.checkup)],
        "every": "2 weeks",
        "occurrences": 3,
        "on_conflict": "skip",
        "dry_run": True,
        "notes": "Something else",
        "squeeze_in": True,
        "expected_version": 7,
        "appointment_id": book(desk, clinic, clinic.at("09:00"), **elsewhere)["id"],
        "reservation_id": reserve(desk, clinic, clinic.at("10:00"), **elsewhere)["id"],
    }


def test_any_argument_makes_it_another_request(
    desk: Connection, superuser: Connection, riverside: Clinic, subtests: pytest.Subtests
) -> None:
    functions = superuser.execute(
        "select proname, proargnames from pg_proc"
        " where pronamespace = 'api'::regnamespace and 'idempotency_key' = any(proargnames)"
    ).fetchall()
    requests, others = requests_in_full(desk, riverside), other_arguments(desk, riverside)
    assert {row["proname"] for row in functions} == requests.keys()
    for row in functions:
        function, request = row["proname"], requests[row["proname"]]
        assert {*row["proargnames"]} == {*request, "idempotency_key"}
        call(desk, function, **request, idempotency_key="k")
        for argument in request:
            with subtests.test(f"{function}, {argument}"), refused("idempotency_mismatch"):
                other = request | {argument: others[argument]}
                call(desk, function, **other, idempotency_key="k")


def test_a_refused_request_leaves_no_key(ana: Connection, superuser: Connection, riverside: Clinic) -> None:
    for function in (reserve, book):
        with refused("off_grid"):
            function(ana, riverside, riverside.at("09:07"), idempotency_key="k")
    assert keys(superuser) == 0
    book(ana, riverside, riverside.at("09:00"), idempotency_key="k")


def test_a_key_is_its_users_and_its_operations_own(
    ana: Connection, ben: Connection, riverside: Clinic
) -> None:
    hold = reserve(ana, riverside, riverside.at("09:00"), idempotency_key="k")
    booked = book(ana, riverside, riverside.at("10:00"), idempotency_key="k")
    others = book(ben, riverside, riverside.at("11:00"), idempotency_key="k")
    assert len({hold["id"], booked["id"], others["id"]}) == 3


@pytest.mark.parametrize("key", ["", "x" * 256])
def test_a_key_that_is_none_is_invalid(ana: Connection, riverside: Clinic, key: str) -> None:
    with refused("invalid_argument"):
        book(ana, riverside, riverside.at("09:00"), idempotency_key=key)


def test_nobody_reads_keys(ana: Connection, riverside: Clinic) -> None:
    book(ana, riverside, riverside.at("09:00"), idempotency_key="secret")
    rows: Any = ana.execute(
        "select has_table_privilege('clinic.idempotency_keys', 'select') as may"
    ).fetchone()
    assert rows == {"may": False}
