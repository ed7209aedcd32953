"""Moving forward: who has a visit waits for an earlier one, and their old time goes on in its turn."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from tests.support.actors import Actors, Connection, Row, call
from tests.support.build import MadeClinic
from tests.support.refusals import refused
from tests.support.slots import book, expire_hold, listed
from tests.support.waitlist import free, join, offer, offered, outcome, somebody, sweep, wish


@pytest.fixture
def late(waiter: Connection, clinic: MadeClinic) -> Row:
    """The visit of who waits for an earlier one, in the afternoon."""
    return book(waiter, clinic, clinic.at("15:00"))


@pytest.fixture
def earlier(waiter: Connection, clinic: MadeClinic, late: Row) -> UUID:
    """The wish to have it earlier."""
    identifier: UUID = join(waiter, clinic, appointment_id=late["id"])["id"]
    return identifier


def confirm(connection: Connection, reservation: Row, **more: UUID) -> Row:
    row: Row = call(connection, "confirm_reservation", reservation_id=reservation["id"], **more)
    return row


def test_accepting_moves_the_visit_and_its_old_time_goes_to_who_waits_for_it(
    superuser: Connection,
    clinic: MadeClinic,
    waiter: Connection,
    after: Connection,
    booker: Connection,
    clerk: Connection,
    late: Row,
    earlier: UUID,
) -> None:
    behind = join(after, clinic, from_time="15:00")
    free(booker, clinic)
    held = offered(superuser, earlier)
    assert (held["starts_at"], offer(superuser, behind["id"])) == (clinic.at("09:00"), None)
    moved = confirm(waiter, held)
    assert (moved["id"], moved["version"], moved["starts_at"]) == (late["id"], 2, clinic.at("09:00"))
    assert outcome(superuser, earlier) == "accepted"
    history = call(clerk, "appointment_history", appointment_id=late["id"])
    assert [entry["action"] for entry in history] == ["booked", "moved"]
    assert history[1]["role"] == "patient"
    # The cascade goes on, and ends.
    assert offered(superuser, behind["id"])["starts_at"] == clinic.at("15:00")
    assert confirm(after, offered(superuser, behind["id"]))["starts_at"] == clinic.at("15:00")
    assert superuser.execute("select from clinic.slot_reservations where outcome is null").rowcount == 0
    # Accepting again gives the same answer.
    assert confirm(waiter, held)["version"] == 2


def test_a_cascade_of_moves_ends(
    actors: Actors, superuser: Connection, clinic: MadeClinic, booker: Connection
) -> None:
    """Each has the visit after the other's: one cancellation lets all of them move up."""
    first = book(booker, clinic, clinic.at("13:00"))
    people = [somebody(actors, superuser, f"P{n}") for n in range(4)]
    visits = [
        book(person, clinic, clinic.at("13:30") + n * timedelta(minutes=30))
        for n, person in enumerate(people)
    ]
    wishes = [
        join(person, clinic, appointment_id=visit["id"], dentist_ids=[clinic.lee], from_time="13:00")["id"]
        for person, visit in reversed(list(zip(people, visits, strict=True)))
    ]
    call(booker, "cancel_appointment", appointment_id=first["id"])
    accepted = 0
    while live := superuser.execute(
        "select * from clinic.slot_reservations where outcome is null order by created_at"
    ).fetchone():
        person = people[3 - wishes.index(live["waitlist_id"])]
        assert confirm(person, live)["version"] == 2
        accepted += 1
    # Who waited longest had the latest visit, and nobody waits for what is later than theirs.
    assert accepted == 1
    assert clinic.at("15:00") in listed(booker, clinic, clinic.at("15:00"))


def test_only_what_is_before_the_visit_is_offered(
    superuser: Connection, clinic: MadeClinic, booker: Connection, earlier: UUID
) -> None:
    free(booker, clinic, "15:30")
    free(booker, clinic, "16:00")
    assert offer(superuser, earlier) is None
    free(booker, clinic, "14:30")
    assert offered(superuser, earlier)["starts_at"] == clinic.at("14:30")


def test_declining_leaves_the_visit_where_it_is(
    superuser: Connection,
    clinic: MadeClinic,
    waiter: Connection,
    booker: Connection,
    late: Row,
    earlier: UUID,
) -> None:
    free(booker, clinic)
    call(waiter, "release_reservation", reservation_id=offered(superuser, earlier)["id"])
    row = superuser.execute("select * from clinic.appointments where id = %s", [late["id"]]).fetchone()
    assert row is not None
    assert (row["starts_at"], row["version"], outcome(superuser, earlier)) == (clinic.at("15:00"), 1, None)
    assert clinic.at("09:00") in listed(booker, clinic, clinic.at("09:00"))


def test_an_offer_that_ran_out_still_moves_the_visit_if_nobody_took_it(
    superuser: Connection,
    clinic: MadeClinic,
    waiter: Connection,
    booker: Connection,
    late: Row,
    earlier: UUID,
) -> None:
    free(booker, clinic)
    held = offered(superuser, earlier)
    expire_hold(superuser, held["id"])
    assert confirm(waiter, held)["starts_at"] == clinic.at("09:00")
    assert outcome(superuser, earlier) == "accepted"


def test_an_offer_that_somebody_took_moves_nothing(
    superuser: Connection,
    clinic: MadeClinic,
    waiter: Connection,
    booker: Connection,
    late: Row,
    earlier: UUID,
) -> None:
    free(booker, clinic)
    held = offered(superuser, earlier)
    expire_hold(superuser, held["id"])
    sweep(superuser)
    book(booker, clinic, clinic.at("09:00"))
    with refused("slot_taken"):
        confirm(waiter, held)
    row = superuser.execute("select * from clinic.appointments where id = %s", [late["id"]]).fetchone()
    assert row is not None
    assert (row["starts_at"], row["version"]) == (clinic.at("15:00"), 1)


@pytest.mark.parametrize("status", ["cancelled", "no_show", "deleted"])
def test_who_has_no_visit_ahead_any_more_waits_to_move_none(
    superuser: Connection, clinic: MadeClinic, booker: Connection, late: Row, earlier: UUID, status: str
) -> None:
    free(booker, clinic)
    if status == "deleted":
        superuser.execute("delete from clinic.appointments where id = %s", [late["id"]])
    else:
        superuser.execute(
            "update clinic.appointments set status = %(status)s,"
            " cancelled_at = case when %(status)s = 'cancelled' then now() end where id = %(id)s",
            {"status": status, "id": late["id"]},
        )
    assert (outcome(superuser, earlier), offer(superuser, earlier)) == ("gone", None)


def test_a_visit_that_moves_up_by_itself_needs_nothing_later_any_more(
    superuser: Connection,
    clinic: MadeClinic,
    waiter: Connection,
    booker: Connection,
    late: Row,
    earlier: UUID,
) -> None:
    free(booker, clinic, "11:00")
    assert offered(superuser, earlier)["starts_at"] == clinic.at("11:00")
    call(waiter, "reschedule_appointment", appointment_id=late["id"], starts_at=clinic.at("10:00"))
    row = wish(superuser, earlier)
    assert (row["outcome"], row["offer"]) == (None, None)


def test_what_is_too_late_to_move_is_not_offered_to_move(
    superuser: Connection, clinic: MadeClinic, waiter: Connection, booker: Connection, earlier: UUID
) -> None:
    superuser.execute("update clinic.clinics set cancellation_notice = '30 days', cancel_grace = '0'")
    ahead = clinic.at("15:00") - superuser.execute("select now() as now").fetchone()["now"]  # type: ignore[index]
    superuser.execute(
        "alter table clinic.clinics drop constraint clinics_cancellation_notice_fits",
    )
    superuser.execute("update clinic.clinics set cancellation_notice = %s", [ahead])
    visit = book(booker, clinic, clinic.at("09:00"))
    superuser.execute(
        "update clinic.appointments set status = 'cancelled', cancelled_at = now() where id = %s",
        [visit["id"]],
    )
    assert offer(superuser, earlier) is None


def test_a_wish_to_move_is_the_visits_owners(
    superuser: Connection, clinic: MadeClinic, booker: Connection, clerk: Connection, late: Row
) -> None:
    with refused("not_found"):
        join(booker, clinic, appointment_id=late["id"])
    with refused("invalid_argument"):
        join(clerk, clinic, clinic.cleaning, appointment_id=late["id"])
    made = join(clerk, clinic, appointment_id=late["id"])
    assert (made["patient_id"], made["moves_appointment_id"]) == (late["patient_id"], late["id"])
    assert made["to_date"] == clinic.weekday(1)
