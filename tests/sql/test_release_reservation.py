"""release_reservation: giving a held slot back, as often as one likes."""

from __future__ import annotations

from uuid import uuid4

from tests.support.actors import Actors, Connection, call
from tests.support.clinics import Clinic
from tests.support.refusals import refused
from tests.support.slots import expire_hold, listed, reserve


def test_a_released_slot_is_free_at_once(ana: Connection, ben: Connection, riverside: Clinic) -> None:
    start = riverside.at("09:00")
    hold = reserve(ana, riverside, start)
    assert call(ana, "release_reservation", reservation_id=hold["id"]) is True
    assert start in listed(ben, riverside, start)
    reserve(ben, riverside, start)


def test_releasing_twice_is_no_error(ana: Connection, riverside: Clinic) -> None:
    hold = reserve(ana, riverside, riverside.at("09:00"))
    assert call(ana, "release_reservation", reservation_id=hold["id"]) is True
    assert call(ana, "release_reservation", reservation_id=hold["id"]) is False


def test_releasing_an_expired_hold_is_no_error(
    ana: Connection, superuser: Connection, riverside: Clinic
) -> None:
    hold = reserve(ana, riverside, riverside.at("09:00"))
    expire_hold(superuser, hold["id"])
    assert call(ana, "release_reservation", reservation_id=hold["id"]) in {True, False}


def test_the_desk_releases_a_patients_hold(ana: Connection, desk: Connection, riverside: Clinic) -> None:
    hold = reserve(ana, riverside, riverside.at("09:00"))
    assert call(desk, "release_reservation", reservation_id=hold["id"]) is True


def test_nobody_else_releases_a_hold(
    ana: Connection, ben: Connection, foreign_desk: Connection, anon: Connection, riverside: Clinic
) -> None:
    start = riverside.at("09:00")
    hold = reserve(ana, riverside, start)
    for stranger in (ben, foreign_desk):
        with refused("not_found"):
            call(stranger, "release_reservation", reservation_id=hold["id"])
    with refused("not_authenticated"):
        call(anon, "release_reservation", reservation_id=hold["id"])
    assert start not in listed(ben, riverside, start)


def test_a_hold_that_never_was_is_not_found(ana: Connection, actors: Actors) -> None:
    for anybody in (ana, actors.service_role()):
        with refused("not_found"):
            call(anybody, "release_reservation", reservation_id=uuid4())


def test_a_confirmed_hold_cannot_be_released(ana: Connection, ben: Connection, riverside: Clinic) -> None:
    start = riverside.at("09:00")
    hold = reserve(ana, riverside, start)
    call(ana, "confirm_reservation", reservation_id=hold["id"])
    assert call(ana, "release_reservation", reservation_id=hold["id"]) is False
    assert start not in listed(ben, riverside, start)
