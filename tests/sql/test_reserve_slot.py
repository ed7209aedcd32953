"""reserve_slot: a short claim on a slot, while somebody makes up their mind."""

from __future__ import annotations

from datetime import timedelta
from unittest.mock import ANY
from uuid import uuid4

import pytest

from tests.support.actors import Actors, Connection, call
from tests.support.clinics import Clinic
from tests.support.refusals import refused
from tests.support.slots import book, expire_hold, listed, reserve


def test_a_hold_says_what_is_held_until_when_by_whose_clock(ana: Connection, riverside: Clinic) -> None:
    start = riverside.at("09:00")
    hold = reserve(ana, riverside, start)
    assert hold["clinic_id"] == riverside.id
    assert hold["dentist_id"] == riverside.lee
    assert hold["appointment_type_id"] == riverside.checkup
    assert hold["starts_at"] == start
    assert hold["ends_at"] == start + timedelta(minutes=30)
    assert timedelta(0) < hold["expires_at"] - hold["server_now"] <= timedelta(minutes=5)


def test_a_held_slot_is_no_longer_listed(ana: Connection, anon: Connection, riverside: Clinic) -> None:
    start = riverside.at("09:00")
    assert start in listed(anon, riverside, start)
    reserve(ana, riverside, start)
    assert start not in listed(anon, riverside, start)


def test_a_held_slot_is_taken_for_others_who_get_alternatives(
    ana: Connection, ben: Connection, riverside: Clinic
) -> None:
    start = riverside.at("09:00")
    reserve(ana, riverside, start)
    with refused("slot_taken") as refusal:
        reserve(ben, riverside, start)
    alternatives = refusal.details
    assert 1 <= len(alternatives) <= 3


def test_every_alternative_can_be_held(ana: Connection, ben: Connection, riverside: Clinic) -> None:
    start = riverside.at("09:00")
    reserve(ana, riverside, start)
    with refused("slot_taken") as refusal:
        reserve(ben, riverside, start)
    for alternative in refusal.details:
        arguments = {"dentist_id": alternative["dentist_id"], "starts_at": alternative["starts_at"]}
        hold = call(ben, "reserve_slot", appointment_type_id=riverside.checkup, **arguments)
        call(ben, "release_reservation", reservation_id=hold["id"])


@pytest.mark.parametrize("clock", ["09:15", "08:45"])
def test_a_slot_that_overlaps_a_hold_is_taken(
    ana: Connection, ben: Connection, riverside: Clinic, superuser: Connection, clock: str
) -> None:
    superuser.execute("update clinic.working_hours set opens = '08:00' where opens = '09:00'")
    reserve(ana, riverside, riverside.at("09:00"))
    with refused("slot_taken"):
        reserve(ben, riverside, riverside.at(clock))


def test_slots_that_touch_do_not_overlap(ana: Connection, ben: Connection, riverside: Clinic) -> None:
    reserve(ana, riverside, riverside.at("09:30"))
    reserve(ben, riverside, riverside.at("09:00"))
    reserve(ben, riverside, riverside.at("10:00"))


def test_the_buffers_of_a_type_are_held_too(ana: Connection, ben: Connection, riverside: Clinic) -> None:
    start = riverside.at("10:00")
    hold = reserve(ana, riverside, start, riverside.root_canal)
    assert hold["ends_at"] == start + timedelta(minutes=90)
    with refused("slot_taken"):
        reserve(ben, riverside, riverside.at("11:30"))
    with refused("slot_taken"):
        reserve(ben, riverside, riverside.at("09:30"))
    reserve(ben, riverside, riverside.at("09:15"))


def test_a_holder_may_hold_only_so_many_slots(ana: Connection, riverside: Clinic) -> None:
    first = reserve(ana, riverside, riverside.at("09:00"))
    reserve(ana, riverside, riverside.at("10:00"))
    with refused("reservation_limit"):
        reserve(ana, riverside, riverside.at("11:00"))
    call(ana, "release_reservation", reservation_id=first["id"])
    reserve(ana, riverside, riverside.at("11:00"))


def test_an_expired_hold_counts_no_longer(ana: Connection, superuser: Connection, riverside: Clinic) -> None:
    first = reserve(ana, riverside, riverside.at("09:00"))
    reserve(ana, riverside, riverside.at("10:00"))
    expire_hold(superuser, first["id"])
    reserve(ana, riverside, riverside.at("11:00"))


def test_an_expired_hold_blocks_nobody_before_anything_swept_it(
    ana: Connection, ben: Connection, superuser: Connection, riverside: Clinic
) -> None:
    start = riverside.at("09:00")
    expired = reserve(ana, riverside, start)
    expire_hold(superuser, expired["id"])
    assert start in listed(ben, riverside, start)
    hold = reserve(ben, riverside, start)
    assert hold["id"] != expired["id"]


def test_a_member_of_staff_holds_for_a_patient(desk: Connection, actors: Actors, riverside: Clinic) -> None:
    patient = call(desk, "create_patient", clinic_id=riverside.id, full_name="Walk In")
    hold = reserve(desk, riverside, riverside.at("09:00"), patient_id=patient["id"])
    assert hold["patient_id"] == patient["id"]


def test_a_patient_cannot_hold_for_another(ben: Connection, desk: Connection, riverside: Clinic) -> None:
    patient = call(desk, "create_patient", clinic_id=riverside.id, full_name="Walk In")
    with refused("not_found"):
        reserve(ben, riverside, riverside.at("09:00"), patient_id=patient["id"])


def test_nobody_holds_without_signing_in(anon: Connection, riverside: Clinic) -> None:
    with refused("not_authenticated"):
        reserve(anon, riverside, riverside.at("09:00"))


def test_a_dentist_and_a_type_of_different_clinics_do_not_fit(
    ana: Connection, riverside: Clinic, sakura: Clinic
) -> None:
    with refused("not_found"):
        reserve(ana, riverside, riverside.at("09:00"), sakura.checkup)


@pytest.mark.parametrize("missing", ["dentist_id", "appointment_type_id"])
def test_what_does_not_exist_is_not_found(ana: Connection, riverside: Clinic, missing: str) -> None:
    arguments = {"dentist_id": riverside.lee, "appointment_type_id": riverside.checkup, missing: uuid4()}
    with refused("not_found"):
        call(ana, "reserve_slot", starts_at=riverside.at("09:00"), **arguments)


@pytest.mark.parametrize("table", ["dentists", "appointment_types"])
def test_what_is_not_active_cannot_be_held(
    ana: Connection, superuser: Connection, riverside: Clinic, table: str
) -> None:
    superuser.execute(f"update clinic.{table} set is_active = false")  # type: ignore[arg-type]
    with refused("not_found"):
        reserve(ana, riverside, riverside.at("09:00"))


@pytest.mark.parametrize("missing", ["appointment_type_id", "starts_at"])
def test_a_null_argument_is_invalid(ana: Connection, riverside: Clinic, missing: str) -> None:
    arguments = {
        "dentist_id": riverside.lee,
        "appointment_type_id": riverside.checkup,
        "starts_at": riverside.at("09:00"),
        missing: None,
    }
    with refused("invalid_argument"):
        call(ana, "reserve_slot", **arguments)


def test_without_a_dentist_it_is_held_with_whoever_is_free(
    ana: Connection, ben: Connection, riverside: Clinic
) -> None:
    start = riverside.at("09:00")
    book(ben, riverside, start)
    held = reserve(ana, riverside, start, dentist_id=None)
    assert held["dentist_id"] in set(riverside.dentists.values()) - {riverside.lee}
    assert reserve(ana, riverside, start, dentist_id=None) == held | {"server_now": ANY}


@pytest.mark.parametrize(
    "instant", ["infinity", "-infinity", "290000-01-01 00:00+00", "4000-01-01 00:00+00 BC"]
)
def test_an_instant_that_is_no_appointment_is_invalid(
    ana: Connection, riverside: Clinic, instant: str
) -> None:
    with refused("invalid_argument"):
        call(
            ana,
            "reserve_slot",
            dentist_id=riverside.lee,
            appointment_type_id=riverside.checkup,
            starts_at=instant,
        )


def test_a_refused_hold_leaves_nothing_behind(
    ana: Connection, superuser: Connection, riverside: Clinic
) -> None:
    with refused("off_grid"):
        reserve(ana, riverside, riverside.at("09:07"))
    assert not superuser.execute("select from clinic.occupancy where cause = 'hold'").rowcount
    assert not superuser.execute("select from clinic.slot_reservations").rowcount
    assert not superuser.execute("select from clinic.patients where user_id is not null").rowcount
