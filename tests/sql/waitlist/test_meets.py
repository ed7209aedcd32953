"""Where the waiting list meets series and recalls: what one of them does, the others know of."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from tests.support.actors import Actors, Connection, Row, call
from tests.support.build import MadeClinic
from tests.support.waitlist import free, join, offer, offered, outcome, somebody

WEEK = timedelta(weeks=1)


@pytest.fixture
def rosa(clerk: Connection, clinic: MadeClinic) -> UUID:
    """Whom the desk books for."""
    row = call(clerk, "create_patient", clinic_id=clinic.id, full_name="Rosa")
    identifier: UUID = row["id"]
    return identifier


def series(connection: Connection, clinic: MadeClinic, clock: str, **more: object) -> Row:
    """Book three check-ups with `lee`, a week apart."""
    arguments = {"appointment_type_id": clinic.checkup, "every": "1 week", "occurrences": 3}
    row: Row = call(
        connection, "book_series", dentist_id=clinic.lee, starts_at=clinic.at(clock), **(arguments | more)
    )
    return row


def test_a_series_that_is_cancelled_goes_to_who_waits_visit_by_visit(
    superuser: Connection, clinic: MadeClinic, booker: Connection, actors: Actors
) -> None:
    made = series(booker, clinic, "09:00")
    wishes = [join(somebody(actors, superuser), clinic) for _ in range(4)]
    call(booker, "cancel_series", series_id=made["series_id"], from_time=clinic.at("09:00") + WEEK)
    assert [(row := offer(superuser, w["id"])) and row["starts_at"] for w in wishes] == [
        clinic.at("09:00") + WEEK, clinic.at("09:00") + 2 * WEEK, None, None,
    ]  # fmt: skip


def test_who_books_a_series_of_what_they_wait_for_waits_no_more(
    superuser: Connection, clinic: MadeClinic, booker: Connection, waiter: Connection, actors: Actors
) -> None:
    wish = join(waiter, clinic)
    unlike = join(waiter, clinic, clinic.cleaning, from_time="16:00")
    behind = join(somebody(actors, superuser), clinic)
    free(booker, clinic)
    assert offered(superuser, wish["id"])["starts_at"] == clinic.at("09:00")
    series(waiter, clinic, "10:00", dry_run=True)
    assert outcome(superuser, wish["id"]) is None
    series(waiter, clinic, "10:00")
    assert (outcome(superuser, wish["id"]), outcome(superuser, unlike["id"])) == ("booked", None)
    assert offered(superuser, behind["id"])["starts_at"] == clinic.at("09:00")


@pytest.mark.parametrize("on_conflict", ["reject", "skip", "nearest"])
def test_a_series_of_the_desk_takes_what_is_only_offered_and_a_patients_does_not(
    superuser: Connection,
    clinic: MadeClinic,
    booker: Connection,
    waiter: Connection,
    clerk: Connection,
    rosa: UUID,
    on_conflict: str,
) -> None:
    wish = join(waiter, clinic, to_time="09:30", dentist_ids=[clinic.lee], to_date=clinic.weekday(1))
    free(booker, clinic)
    theirs = series(booker, clinic, "09:00", on_conflict="skip", dry_run=True)
    assert [row["code"] for row in theirs["refused"]] == ["slot_taken"]
    more = {"patient_id": rosa, "on_conflict": on_conflict}
    tried = series(clerk, clinic, "09:00", dry_run=True, **more)
    assert (len(tried["appointments"]), tried["refused"]) == (3, [])
    assert offered(superuser, wish["id"])["starts_at"] == clinic.at("09:00")
    made = series(clerk, clinic, "09:00", **more)
    assert (len(made["appointments"]), made["refused"]) == (3, [])
    assert (outcome(superuser, wish["id"]), offer(superuser, wish["id"])) == (None, None)


def test_an_offer_that_is_accepted_meets_what_its_patient_is_due_for(
    superuser: Connection,
    clinic: MadeClinic,
    booker: Connection,
    clerk: Connection,
    rosa: UUID,
    actors: Actors,
) -> None:
    chief = actors.user(f"{clinic.users['admin']}@made.test")
    kinds = [{"name": "Check-up", "after_type_ids": [str(clinic.checkup)], "every": "6 months"}]
    (kind,) = call(chief, "set_recall_types", clinic_id=clinic.id, recall_types=kinds)
    call(clerk, "set_recall", patient_id=rosa, recall_type_id=kind["id"])
    wish = join(clerk, clinic, patient_id=rosa)
    free(booker, clinic)
    held = offered(superuser, wish["id"])
    due = "select * from api.due_recalls(%s)"
    assert clerk.execute(due, [clinic.id]).rowcount == 1, "an offer is no visit"
    call(clerk, "confirm_reservation", reservation_id=held["id"], patient_id=rosa)
    assert outcome(superuser, wish["id"]) == "accepted"
    assert clerk.execute(due, [clinic.id]).rowcount == 0
