"""How a wish ends, each way: and what was offered goes to who waits behind it."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from tests.support.actors import Connection, call
from tests.support.build import MadeClinic
from tests.support.people import login
from tests.support.refusals import refused
from tests.support.slots import book
from tests.support.waitlist import free, join, offer, offered, outcome, sweep, wish


@pytest.fixture
def two(waiter: Connection, after: Connection, booker: Connection, clinic: MadeClinic) -> tuple[UUID, UUID]:
    """Two wishes for the same, the first of which is offered nine o'clock."""
    wishes = join(waiter, clinic)["id"], join(after, clinic)["id"]
    free(booker, clinic)
    return wishes


def passes(superuser: Connection, clinic: MadeClinic, two: tuple[UUID, UUID], how: str) -> None:
    """See that the first wish ended so, and that what it was offered is the second's now."""
    row = wish(superuser, two[0])
    assert (row["outcome"], row["offer"]) == (how, None)
    assert row["ended_at"] is not None
    assert offered(superuser, two[1])["starts_at"] == clinic.at("09:00")


def test_who_leaves_waits_no_more_and_leaving_again_changes_nothing(
    superuser: Connection, clinic: MadeClinic, waiter: Connection, two: tuple[UUID, UUID]
) -> None:
    left = call(waiter, "leave_waitlist", waitlist_id=two[0])
    passes(superuser, clinic, two, "left")
    assert call(waiter, "leave_waitlist", waitlist_id=two[0]) == left


def test_the_desk_takes_somebody_off_the_list(
    superuser: Connection, clinic: MadeClinic, clerk: Connection, two: tuple[UUID, UUID]
) -> None:
    call(clerk, "leave_waitlist", waitlist_id=two[0])
    passes(superuser, clinic, two, "left")


def test_who_books_such_a_visit_otherwise_waits_no_more(
    superuser: Connection, clinic: MadeClinic, waiter: Connection, two: tuple[UUID, UUID]
) -> None:
    unlike = join(waiter, clinic, clinic.cleaning)
    book(waiter, clinic, clinic.at("15:00"))
    passes(superuser, clinic, two, "booked")
    assert outcome(superuser, unlike["id"]) is None


def test_who_books_what_they_are_offered_at_the_front_door_has_it(
    superuser: Connection, clinic: MadeClinic, waiter: Connection, two: tuple[UUID, UUID]
) -> None:
    assert book(waiter, clinic, clinic.at("09:00"))["status"] == "booked"
    assert outcome(superuser, two[0]) == "booked"
    assert offer(superuser, two[1]) is None


def test_a_wish_ends_when_its_days_are_past(
    superuser: Connection, clinic: MadeClinic, waiter: Connection
) -> None:
    today = clinic.today()
    past, still = join(waiter, clinic, to_date=today), join(waiter, clinic, clinic.cleaning, to_date=today)
    superuser.execute(
        "update clinic.waitlist set from_date = from_date - 3, to_date = to_date - 1 where id = %s",
        [past["id"]],
    )
    assert sweep(superuser) == 1
    assert (outcome(superuser, past["id"]), outcome(superuser, still["id"])) == ("expired", None)
    with refused("invalid_argument"):
        join(waiter, clinic, to_date=today - timedelta(1))


def test_the_wishes_of_a_record_that_is_merged_go_with_it_and_doubles_end(
    superuser: Connection, clinic: MadeClinic, chief: Connection, booker: Connection
) -> None:
    keep, merge = (
        call(chief, "create_patient", clinic_id=clinic.id, full_name=name) for name in ("Kept", "Merged")
    )
    double = join(chief, clinic, patient_id=merge["id"])
    lone = join(chief, clinic, clinic.cleaning, patient_id=merge["id"])
    kept = join(chief, clinic, patient_id=keep["id"])
    free(booker, clinic)
    assert offered(superuser, double["id"])
    call(chief, "merge_patients", keep_id=keep["id"], merge_id=merge["id"])
    assert [outcome(superuser, w["id"]) for w in (double, lone, kept)] == ["merged", None, None]
    assert {wish(superuser, w["id"])["patient_id"] for w in (double, lone, kept)} == {keep["id"]}
    # The better place of the two, and with it the offer.
    assert wish(superuser, kept["id"])["created_at"] == double["created_at"]
    assert offered(superuser, kept["id"])["starts_at"] == clinic.at("09:00")


def test_who_is_erased_waits_no_more(
    superuser: Connection, clinic: MadeClinic, chief: Connection, two: tuple[UUID, UUID]
) -> None:
    patient = wish(superuser, two[0])["patient_id"]
    call(chief, "erase_patient", patient_id=patient, reason="Asked for it.")
    passes(superuser, clinic, two, "erased")


def test_who_deletes_their_login_waits_no_more_and_is_shown_their_wishes_before(
    superuser: Connection, clinic: MadeClinic, waiter: Connection, two: tuple[UUID, UUID]
) -> None:
    known = call(waiter, "export_me")
    assert [row["id"] for row in known["waitlist"]] == [str(two[0])]
    assert [row["waitlist_id"] for row in known["slot_reservations"]] == [str(two[0])]
    call(waiter, "erase_me")
    passes(superuser, clinic, two, "erased")


def test_nobody_waits_for_a_type_that_is_given_up(
    superuser: Connection, clinic: MadeClinic, chief: Connection, two: tuple[UUID, UUID]
) -> None:
    ended = {"appointment_type_id": clinic.checkup, "is_active": False, "on_conflict": "keep"}
    call(chief, "update_appointment_type", **ended)
    assert [outcome(superuser, one) for one in two] == ["not_offered"] * 2
    assert [offer(superuser, one) for one in two] == [None] * 2


def test_nobody_waits_for_a_dentist_who_left_or_does_it_no_more(
    superuser: Connection, clinic: MadeClinic, chief: Connection, waiter: Connection, after: Connection
) -> None:
    theirs = join(waiter, clinic, dentist_ids=[clinic.other])
    either = join(after, clinic, dentist_ids=[clinic.other, clinic.lee])
    others = join(waiter, clinic, clinic.cleaning, dentist_ids=[clinic.lee])
    call(chief, "update_dentist", dentist_id=clinic.other, is_active=False)
    assert outcome(superuser, theirs["id"]) == "not_offered"
    assert outcome(superuser, either["id"]) is None
    kept = [clinic.checkup, clinic.root_canal]
    call(chief, "set_dentist_types", dentist_id=clinic.lee, appointment_type_ids=kept)
    assert outcome(superuser, others["id"]) == "not_offered"
    assert outcome(superuser, either["id"]) is None


def test_what_is_not_possible_is_refused(
    clinic: MadeClinic, waiter: Connection, chief: Connection, riverside: MadeClinic
) -> None:
    with refused("invalid_argument"):
        join(waiter, clinic, weekdays=[0])
    with refused("invalid_argument"):
        join(waiter, clinic, from_time="12:00", to_time="09:00")
    with refused("invalid_argument"):
        join(waiter, clinic, from_time="noon")
    with refused("invalid_argument"):
        join(waiter, clinic, from_date="tomorrow")
    with refused("invalid_argument"):
        join(waiter, clinic, priority=1)
    with refused("invalid_argument"):
        join(chief, clinic)
    with refused("not_found"):
        join(waiter, clinic, dentist_ids=[riverside.lee])
    with refused("not_found"):
        join(waiter, clinic, patient_id=UUID(login(waiter)))
    assert waiter.execute("select from api.waitlist").rowcount == 0
