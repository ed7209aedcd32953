"""Guests: who signs in anonymously holds at once, books when it is known who they are, and counts as them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.support.actors import Actors, Connection, Row, call
from tests.support.build import MadeClinic, make_clinic
from tests.support.clinics import Clinic
from tests.support.people import heard
from tests.support.refusals import refused
from tests.support.slots import book, reserve


@pytest.fixture
def guest(actors: Actors) -> Connection:
    """Somebody who signed in anonymously."""
    return actors.guest()


@pytest.fixture
def strict(superuser: Connection) -> MadeClinic:
    """A clinic where nobody has more than two visits ahead."""
    return make_clinic(superuser, max_upcoming=2, booking_horizon=timedelta(days=90))


def test_a_guest_holds_without_a_name_and_books_with_one(
    guest: Connection, superuser: Connection, riverside: Clinic
) -> None:
    assert call(guest, "me")["is_guest"] is True
    held = reserve(guest, riverside, riverside.at("09:00"))
    assert held["patient_id"] is None
    for said in ({}, {"full_name": "Gil Guest"}):
        assert call(guest, "update_me", **said)["lacks_contact"] is True
        with refused("invalid_argument") as refusal:
            call(guest, "confirm_reservation", reservation_id=held["id"])
        assert "update_me" in refusal.hint
        with refused("invalid_argument"):
            book(guest, riverside, riverside.at("11:00"))
        assert superuser.execute("select from clinic.patients where source = 'online'").rowcount == 0
    # Auth may have taken at sign-up what is no number.
    superuser.execute("update clinic.profiles set phone = 'x' where full_name = 'Gil Guest'")
    assert call(guest, "me")["lacks_contact"] is True
    superuser.execute("update clinic.profiles set phone = null where full_name = 'Gil Guest'")
    assert call(guest, "update_me", email="gil@post.test")["lacks_contact"] is False
    row = call(guest, "confirm_reservation", reservation_id=held["id"])
    assert guest.execute("select id, full_name, phone, email from api.patients").fetchone() == {
        "id": row["patient_id"], "full_name": "Gil Guest", "phone": None, "email": "gil@post.test",
    }  # fmt: skip
    assert [event["event"] for event in heard(guest)] == ["reservation_created", "appointment_booked"]
    assert call(guest, "cancel_appointment", appointment_id=row["id"])["status"] == "cancelled"
    phoned = book_with_phone(guest, riverside)
    assert phoned["patient_id"] == row["patient_id"], "one guest is one patient"


def book_with_phone(guest: Connection, clinic: Clinic) -> Row:
    call(guest, "update_me", phone="+1 212 555 0188")
    return book(guest, clinic, clinic.at("11:00"))


def test_a_guests_login_is_told_from_one_with_an_address_by_the_token_alone(
    actors: Actors, guest: Connection, ana: Connection, riverside: Clinic
) -> None:
    """Metadata, which everybody writes for themselves, says nothing."""
    assert [call(ana, "me")[name] for name in ("is_guest", "lacks_contact")] == [False, False]
    liar = actors.user("ben@patients.test", user_metadata={"is_anonymous": True})
    assert call(liar, "me")["is_guest"] is False
    assert book(liar, riverside, riverside.at("09:00"))["status"] == "booked"


@pytest.mark.parametrize(
    ("first", "again"),
    [
        ({"phone": "+1 212 555 0188"}, {"phone": "(212) 555-0188"}),
        ({"phone": "0041 79 123 45 67"}, {"phone": "079/1234567"}),
        ({"email": "Gil@Post.test"}, {"email": "gil@post.TEST"}),
        ({"phone": "5550188", "email": "a@post.test"}, {"phone": "5550188", "email": "b@post.test"}),
    ],
)
def test_signing_up_again_makes_nobody_new(
    actors: Actors, guest: Connection, strict: MadeClinic, first: Row, again: Row
) -> None:
    call(guest, "update_me", full_name="Gil Guest", **first)
    for clock in ("09:00", "10:00"):
        book(guest, strict, strict.at(clock))
    with refused("booking_limit"):
        book(guest, strict, strict.at("11:00"))
    second = actors.guest()
    held = reserve(second, strict, strict.at("11:00"))
    call(second, "update_me", full_name="Gill Guest", **again)
    for attempt in (
        lambda: book(second, strict, strict.at("14:00")),
        lambda: call(second, "confirm_reservation", reservation_id=held["id"]),
    ):
        with refused("booking_limit"):
            attempt()
    stranger = actors.guest()
    call(stranger, "update_me", full_name="Gil Guest", phone="+1 212 555 0199")
    assert book(stranger, strict, strict.at("14:00"))["status"] == "booked", "a name is many people's"


def test_logins_with_one_contact_book_one_after_another(actors: Actors, strict: MadeClinic) -> None:
    """However the address is written: side by side both would be the last one permitted."""
    guests = [actors.guest() for _ in range(3)]
    for n, guest in enumerate(guests):
        call(guest, "update_me", full_name="Gil Guest", email=f"Gil{'+x' * n}@post.test")
    book(guests[0], strict, strict.at("09:00"))

    def last() -> Row:
        return book(guests[2], strict, strict.at("11:00"), dentist_id=strict.other)

    with guests[1].transaction():
        book(guests[1], strict, strict.at("10:00"))
        with refused("try_again"):
            last()
    with refused("booking_limit"):
        last()


@pytest.mark.parametrize("phone", ["x", "12345", "none of your business"])
def test_a_number_that_nobody_can_call_is_no_contact(
    actors: Actors, superuser: Connection, riverside: Clinic, phone: str
) -> None:
    guest = actors.guest()
    with refused("invalid_argument"):
        call(guest, "update_me", full_name="Gil Guest", phone=phone)
    # Or said at sign-in, where nobody refuses it.
    call(guest, "update_me", full_name="Gil Guest")
    superuser.execute(
        "update clinic.profiles set phone = %s where user_id = %s", [phone, call(guest, "me")["user_id"]]
    )
    with refused("invalid_argument"):
        book(guest, riverside, riverside.at("09:00"))


def test_holds_count_for_everybody_with_the_same_contact(actors: Actors, riverside: Clinic) -> None:
    """Two a person: a second login of the same person has none to spare."""
    one, two = actors.sign_up("one@post.test"), actors.sign_up("two@post.test")
    for person in (one, two):
        call(person, "update_me", full_name="Same Person", phone="+1 212 555 0188")
    call(two, "update_me", phone="212-555-0188")
    for clock in ("09:00", "11:00"):
        reserve(one, riverside, riverside.at(clock))
    with refused("reservation_limit"):
        reserve(two, riverside, riverside.at("14:00"))
    call(two, "update_me", phone="212-555-0199")
    assert reserve(actors.sign_up("three@post.test"), riverside, riverside.at("14:00"))["id"]


def test_a_walk_in_with_the_same_phone_is_not_counted_with_who_signs_up(
    actors: Actors, desk: Connection, superuser: Connection, strict: MadeClinic
) -> None:
    """A family shares a telephone: what the desk booked for one binds no other."""
    staff = actors.user(f"{strict.users['desk']}@made.test")
    walk_in = call(staff, "create_patient", clinic_id=strict.id, full_name="Mother", phone="+1 212 555 0188")
    for clock in ("09:00", "10:00", "11:00"):
        book(staff, strict, strict.at(clock), patient_id=walk_in["id"])
    child = actors.sign_up("child@post.test", "Child")
    call(child, "update_me", phone="+1 212 555 0188")
    assert book(child, strict, strict.at("14:00"))["status"] == "booked"


def test_a_guest_holds_as_many_as_anybody_and_no_more(guest: Connection, riverside: Clinic) -> None:
    for clock in ("09:00", "11:00"):
        reserve(guest, riverside, riverside.at(clock))
    with refused("reservation_limit"):
        reserve(guest, riverside, riverside.at("14:00"))
