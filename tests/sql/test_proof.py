"""The live proof sees what the guards would have prevented: here they are off."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.support.actors import Connection, Row
from tests.support.clinics import Clinic
from tests.support.slots import book, reserve


@pytest.fixture
def unguarded(superuser: Connection) -> Connection:
    """Somebody who may write anything: no trigger looks, and nothing excludes an overlap."""
    superuser.execute("alter table clinic.occupancy drop constraint occupancy_no_overlap")
    superuser.execute("alter table clinic.appointments drop constraint appointments_patient_no_overlap")
    superuser.execute("set session_replication_role = replica")
    return superuser


def found(superuser: Connection) -> set[str]:
    return {row["violation"] for row in superuser.execute("select violation from clinic.check_invariants()")}


def shift(superuser: Connection, row: Row, start: Any) -> None:
    """Move an appointment and its claim, as if nothing else were there."""
    parameters = {"id": row["id"], "start": start, "end": start + (row["ends_at"] - row["starts_at"])}
    superuser.execute(
        "update clinic.appointments set starts_at = %(start)s, ends_at = %(end)s where id = %(id)s",
        parameters,
    )
    superuser.execute(
        "update clinic.occupancy set during = tstzrange(%(start)s, %(end)s) where id = %(id)s", parameters
    )


def test_it_sees_two_appointments_at_once_with_a_dentist(
    ana: Connection, ben: Connection, unguarded: Connection, riverside: Clinic
) -> None:
    book(ana, riverside, riverside.at("09:00"))
    other = book(ben, riverside, riverside.at("10:00"))
    shift(unguarded, other, riverside.at("09:30"))
    assert found(unguarded) == set()
    shift(unguarded, other, riverside.at("09:15"))
    assert found(unguarded) == {"double_booking"}


@pytest.mark.parametrize(
    ("first", "second"), [("booked", "booked"), ("checked_in", "booked"), ("booked", "checked_in")]
)
def test_it_sees_a_patient_in_two_chairs_checked_in_or_not(
    ana: Connection, unguarded: Connection, riverside: Clinic, first: str, second: str
) -> None:
    one = book(ana, riverside, riverside.at("09:00"))
    other = book(ana, riverside, riverside.at("10:00"), dentist_id=riverside.other)
    for row, status in ((one, first), (other, second)):
        unguarded.execute("update clinic.appointments set status = %s where id = %s", [status, row["id"]])
    assert found(unguarded) == set()
    shift(unguarded, other, riverside.at("09:15"))
    assert found(unguarded) == {"patient_in_two_chairs"}


def test_a_patient_who_is_checked_in_cannot_be_booked_beside_it(
    ana: Connection, superuser: Connection, riverside: Clinic
) -> None:
    """By hand, where nothing but the constraint looks."""
    row = book(ana, riverside, riverside.at("09:00"))
    superuser.execute("update clinic.appointments set status = 'checked_in' where id = %s", [row["id"]])
    with pytest.raises(psycopg.errors.ExclusionViolation):
        superuser.execute(
            "insert into clinic.appointments (clinic_id, dentist_id, patient_id, appointment_type_id,"
            " starts_at, ends_at, buffer_before, buffer_after, source)"
            " select clinic_id, %s, patient_id, appointment_type_id, starts_at, ends_at, '0', '0', 'desk'"
            " from clinic.appointments where id = %s",
            [riverside.other, row["id"]],
        )


def test_a_hold_cannot_be_made_longer_than_its_claim(
    ana: Connection, superuser: Connection, riverside: Clinic
) -> None:
    """Its claim would go on blocking, or be given away, while the hold says otherwise."""
    hold = reserve(ana, riverside, riverside.at("09:00"))
    for longer in ("1 hour", "-1 minute"):
        with pytest.raises(psycopg.errors.IntegrityConstraintViolation):
            superuser.execute(
                "update clinic.slot_reservations set expires_at = expires_at + %s::interval where id = %s",
                [longer, hold["id"]],
            )
    assert found(superuser) == set()
