"""Who waits, while others act at the same moment, at two clinics, or on what was offered to them."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from tests.support.actors import Actors, Connection, call
from tests.support.build import WEEK, MadeClinic, add_hours, insert, make_type
from tests.support.refusals import parse_refusal, refused
from tests.support.slots import book, expire_hold, listed, reserve
from tests.support.waiting import deadlocks, see_it_blocked, see_it_wait, told
from tests.support.waitlist import awake, free, join, offer, offered, outcome, sweep, wish


def third(clerk: Connection, clinic: MadeClinic) -> UUID:
    """Record somebody who waits for nothing."""
    identifier: UUID = call(clerk, "create_patient", clinic_id=clinic.id, full_name="Third")["id"]
    return identifier


def share(superuser: Connection, dentist: UUID, there: MadeClinic) -> None:
    """Let somebody work at another clinic, too, all week."""
    insert(superuser, "dentists", id=dentist, clinic_id=there.id, full_name="Shared")
    for weekday, opens, closes in WEEK:
        add_hours(superuser, there.id, dentist, weekday, opens, closes)
    insert(
        superuser, "dentist_types", clinic_id=there.id, dentist_id=dentist, appointment_type_id=there.checkup
    )


# What was offered and is somebody else's now ----------------------------------------------------------------


def test_who_held_what_the_desk_gave_somebody_else_learns_nothing_of_it(
    superuser: Connection, clinic: MadeClinic, booker: Connection, waiter: Connection, clerk: Connection
) -> None:
    own = book(waiter, clinic, clinic.at("16:00"), dentist_id=clinic.other)["patient_id"]
    waits = join(waiter, clinic, clinic.cleaning)
    free(booker, clinic, type_id=clinic.cleaning)
    held = offered(superuser, waits["id"])
    given = {"reservation_id": held["id"], "patient_id": third(clerk, clinic)}
    booked = call(clerk, "confirm_reservation", **given, notes="Of somebody else")
    with refused("reservation_expired"):
        call(waiter, "confirm_reservation", reservation_id=held["id"], patient_id=own)
    with refused("not_found"):
        call(waiter, "confirm_reservation", reservation_id=held["id"])
    assert call(clerk, "confirm_reservation", **given)["id"] == booked["id"], "again is the same"


def test_who_confirms_while_the_desk_gives_it_to_somebody_else_is_told_so(
    superuser: Connection, clinic: MadeClinic, booker: Connection, waiter: Connection, clerk: Connection
) -> None:
    waits, other = join(waiter, clinic), third(clerk, clinic)
    free(booker, clinic)
    held = offered(superuser, waits["id"])
    with ThreadPoolExecutor(1) as pool:
        with clerk.transaction():
            call(clerk, "confirm_reservation", reservation_id=held["id"], patient_id=other)
            doing = pool.submit(call, waiter, "confirm_reservation", reservation_id=held["id"])
            see_it_wait(superuser, waiter, doing)
        with refused("reservation_expired"):
            doing.result()


def test_what_ran_out_is_for_no_other_of_theirs(
    superuser: Connection,
    clinic: MadeClinic,
    booker: Connection,
    waiter: Connection,
    after: Connection,
    clerk: Connection,
) -> None:
    own = book(waiter, clinic, clinic.at("16:00"), dentist_id=clinic.other)["patient_id"]
    waits, behind = join(waiter, clinic, clinic.cleaning), join(after, clinic, clinic.cleaning)
    child = third(clerk, clinic)
    superuser.execute(
        "insert into clinic.guardians (clinic_id, patient_id, user_id, relation)"
        " select clinic_id, %s, user_id, 'parent' from clinic.patients where id = %s",
        [child, own],
    )
    free(booker, clinic, type_id=clinic.cleaning)
    held = offered(superuser, waits["id"])
    expire_hold(superuser, held["id"])
    with refused("not_offered"):
        call(waiter, "confirm_reservation", reservation_id=held["id"], patient_id=child)
    sweep(superuser)
    assert offered(superuser, behind["id"])["starts_at"] == clinic.at("09:00")


@pytest.mark.parametrize("is_late", [False, True])
def test_who_loses_an_offer_to_the_desk_and_was_asked_too_often_waits_no_more(
    superuser: Connection,
    clinic: MadeClinic,
    booker: Connection,
    waiter: Connection,
    clerk: Connection,
    is_late: bool,
) -> None:
    waits = join(waiter, clinic)
    for clock in ("09:00", "10:00"):
        free(booker, clinic, clock)
        held = offered(superuser, waits["id"])
        if clock == "09:00":
            call(waiter, "release_reservation", reservation_id=held["id"])
    superuser.execute("update clinic.clinics set max_waitlist_offers = 1 where id = %s", [clinic.id])
    if is_late:
        expire_hold(superuser, held["id"])
    call(clerk, "confirm_reservation", reservation_id=held["id"], patient_id=third(clerk, clinic))
    after = wish(superuser, waits["id"])
    assert (after["outcome"], after["offers"]) == ("exhausted", 1)


def test_what_is_declined_with_its_buffers_goes_to_the_next(
    superuser: Connection, clinic: MadeClinic, booker: Connection, waiter: Connection, after: Connection
) -> None:
    waits, behind = (join(who, clinic, clinic.cleaning, dentist_ids=[clinic.lee]) for who in (waiter, after))
    free(booker, clinic, type_id=clinic.cleaning)
    call(waiter, "release_reservation", reservation_id=offered(superuser, waits["id"])["id"])
    assert offer(superuser, waits["id"]) is None
    assert offered(superuser, behind["id"])["starts_at"] == clinic.at("09:00")


def test_the_desk_takes_no_more_offers_than_it_needs(
    superuser: Connection, clinic: MadeClinic, booker: Connection, clerk: Connection
) -> None:
    insert(superuser, "resources", id=uuid4(), clinic_id=clinic.id, kind="chair", name="The only one")
    seated = make_type(superuser, clinic.id, "Seated", 30)
    insert(superuser, "type_parts", clinic_id=clinic.id, appointment_type_id=seated, part=1, needs="chair")
    day = {"from_date": clinic.weekday(1), "to_date": clinic.weekday(1), "to_time": "09:30"}
    in_chair = join(clerk, clinic, seated, patient_id=third(clerk, clinic), dentist_ids=[clinic.other], **day)
    newest = uuid4()
    insert(superuser, "dentists", id=newest, clinic_id=clinic.id, full_name="Newest")
    for weekday, opens, closes in WEEK:
        add_hours(superuser, clinic.id, newest, weekday, opens, closes)
    insert(
        superuser, "dentist_types", clinic_id=clinic.id, dentist_id=newest, appointment_type_id=clinic.checkup
    )
    beside = join(clerk, clinic, patient_id=third(clerk, clinic), dentist_ids=[newest], **day)
    free(booker, clinic, type_id=seated, dentist_id=clinic.other)
    held = offer(superuser, beside["id"])
    if held is None:
        free(booker, clinic, dentist_id=newest)
        held = offered(superuser, beside["id"])
    assert offered(superuser, in_chair["id"])["starts_at"] == clinic.at("09:00")
    book(clerk, clinic, clinic.at("09:00"), seated, patient_id=third(clerk, clinic))
    assert offered(superuser, beside["id"])["id"] == held["id"]
    assert offer(superuser, in_chair["id"]) is None


def test_nobody_is_squeezed_in_over_what_is_only_offered(
    superuser: Connection, clinic: MadeClinic, booker: Connection, waiter: Connection, clerk: Connection
) -> None:
    waits = join(waiter, clinic, to_date=clinic.weekday(1), to_time="09:30")
    free(booker, clinic)
    assert offered(superuser, waits["id"])
    made = book(clerk, clinic, clinic.at("09:00"), patient_id=third(clerk, clinic), squeeze_in=True)
    assert (made["is_squeezed"], offer(superuser, waits["id"])) == (False, None)


def test_another_time_zone_opens_times_to_who_waits(
    superuser: Connection, clinic: MadeClinic, waiter: Connection, clerk: Connection, chief: Connection
) -> None:
    book(clerk, clinic, clinic.at("09:00"), patient_id=third(clerk, clinic))
    monday = {"from_date": clinic.weekday(1), "to_date": clinic.weekday(1)}
    waits = join(waiter, clinic, dentist_ids=[clinic.lee], from_time="09:00", to_time="09:30", **monday)
    call(chief, "update_clinic", clinic_id=clinic.id, time_zone="America/Chicago")
    assert offered(superuser, waits["id"])["starts_at"] == clinic.at("09:00") + timedelta(hours=1)


def test_nobody_is_offered_two_visits_at_once(
    superuser: Connection, clinic: MadeClinic, booker: Connection, waiter: Connection, after: Connection
) -> None:
    checkup = join(waiter, clinic, dentist_ids=[clinic.lee])
    cleaning, behind = (
        join(who, clinic, clinic.cleaning, dentist_ids=[clinic.other], to_time="10:00")
        for who in (waiter, after)
    )
    free(booker, clinic)
    assert offered(superuser, checkup["id"])["starts_at"] == clinic.at("09:00")
    free(booker, clinic, type_id=clinic.cleaning, dentist_id=clinic.other)
    assert offer(superuser, cleaning["id"]) is None
    assert offered(superuser, behind["id"])["starts_at"] == clinic.at("09:00")


# At the same moment -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["merge", "erase"])
def test_who_is_merged_or_erased_meanwhile_is_offered_nothing(
    superuser: Connection,
    actors: Actors,
    clinic: MadeClinic,
    booker: Connection,
    clerk: Connection,
    chief: Connection,
    how: str,
) -> None:
    people = [third(clerk, clinic) for _ in range(3)]
    first, second = (join(clerk, clinic, patient_id=one) for one in people[:2])
    long = book(booker, clinic, clinic.at("09:15"), clinic.root_canal)
    pauser = actors.superuser()
    with ThreadPoolExecutor(1) as pool:
        with pauser.transaction():
            pauser.execute("select from clinic.waitlist where id = %s for update", [first["id"]])
            doing = pool.submit(call, booker, "cancel_appointment", appointment_id=long["id"])
            see_it_blocked(superuser, booker, doing)
            if how == "merge":
                call(chief, "merge_patients", keep_id=people[2], merge_id=people[1])
            else:
                call(chief, "erase_patient", patient_id=people[1], reason="Asked for it")
        doing.result()
    assert offered(superuser, first["id"])
    held = offer(superuser, second["id"])
    assert held is None or (how, held["patient_id"]) == ("merge", people[2])


def test_who_renews_a_wish_while_the_worker_ends_old_ones_waits_on(
    superuser: Connection, actors: Actors, clinic: MadeClinic, waiter: Connection
) -> None:
    waits = join(waiter, clinic)
    superuser.execute(
        "update clinic.waitlist set from_date = current_date - 9, to_date = current_date - 3 where id = %s",
        [waits["id"]],
    )
    worker = actors.superuser()
    with ThreadPoolExecutor(1) as pool, waiter.transaction():
        join(waiter, clinic, to_date=clinic.weekday(5))
        pool.submit(sweep, worker).result(5)
    assert outcome(superuser, waits["id"]) is None


def test_those_who_wait_at_two_clinics_with_one_dentist_never_deadlock(
    superuser: Connection, clinic: MadeClinic, waiter: Connection, after: Connection
) -> None:
    there = awake(superuser)
    insert(superuser, "dentists", id=clinic.lee, clinic_id=there.id, full_name="Shared")
    for number in range(2):  # whose turn is before that of all others
        insert(
            superuser,
            "resources",
            id=UUID(int=number + 1),
            clinic_id=there.id,
            kind="chair",
            name=f"{number}",
        )
    late = book(waiter, clinic, clinic.at("15:00"))
    join(after, there)
    before, until = deadlocks(superuser), time.monotonic() + 1.5

    def again(who: Connection, where: MadeClinic, **more: Any) -> set[str]:
        codes: set[str] = set()
        while time.monotonic() < until:
            try:
                join(who, where, **more)
            except psycopg.Error as error:
                codes.add(parse_refusal(error).code)
        return codes

    with ThreadPoolExecutor(2) as pool:
        here = pool.submit(told, lambda: again(waiter, clinic, appointment_id=late["id"]), waiter)
        elsewhere = pool.submit(told, lambda: again(after, there), after)
        assert here.result() | elsewhere.result() <= {"try_again"}
    assert deadlocks(superuser) == before


def test_who_deletes_their_login_waits_in_line_as_others_do(
    superuser: Connection, actors: Actors, clinic: MadeClinic, waiter: Connection
) -> None:
    first, last = sorted([clinic.lee, clinic.other])
    reserve(waiter, clinic, clinic.at("09:00"), dentist_id=last)
    book(waiter, clinic, clinic.at("10:00"), dentist_id=first)
    before, holder = deadlocks(superuser), actors.superuser()
    with ThreadPoolExecutor(1) as pool:
        with holder.transaction():
            holder.execute("select clinic.lock_calendars(%s)", [first])
            doing = pool.submit(told, lambda: call(waiter, "erase_me"), waiter)
            see_it_wait(superuser, waiter, doing)
            holder.execute("select clinic.lock_calendars(%s, %s)", [first, last])
        doing.result()
    assert deadlocks(superuser) == before


# At two clinics ---------------------------------------------------------------------------------------------


def test_the_time_of_a_clinic_that_closes_goes_to_who_waits_at_the_other(
    superuser: Connection,
    actors: Actors,
    clinic: MadeClinic,
    booker: Connection,
    waiter: Connection,
    chief: Connection,
) -> None:
    there = awake(superuser)
    share(superuser, clinic.lee, there)
    book(booker, clinic, clinic.at("09:00"))
    monday = {"from_date": clinic.weekday(1), "to_date": clinic.weekday(1)}
    waits = join(waiter, there, dentist_ids=[clinic.lee], from_time="09:00", to_time="09:30", **monday)
    closed = {"starts_at": clinic.at("08:00"), "ends_at": clinic.at("12:00")}
    call(chief, "add_time_off", clinic_id=clinic.id, **closed, on_conflict="cancel")
    assert offered(superuser, waits["id"])["starts_at"] == clinic.at("09:00")
    assert clinic.at("09:00") not in listed(actors.anon(), there, there.at("09:00"), dentist_id=clinic.lee)
