"""The waiting list: what becomes free goes to who waits for it, the best first, and to nobody else before."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.support.actors import Actors, Connection, Row, call
from tests.support.build import MadeClinic, make_user
from tests.support.refusals import refused
from tests.support.slots import book, expire_hold, listed, reserve
from tests.support.waitlist import join, offer, offered, outcome, somebody, sweep, wish

HALF_AN_HOUR = timedelta(minutes=30)
Somebody = Callable[..., Connection]


@pytest.fixture
def patient(actors: Actors, superuser: Connection) -> Somebody:
    """Make a patient with a connection of their own."""
    return lambda name="Somebody": somebody(actors, superuser, name)


def is_offered_at(superuser: Connection, identifier: UUID) -> Any:
    row = offer(superuser, identifier)
    return row and row["starts_at"]


def cancel(connection: Connection, visit: Row) -> Row:
    row: Row = call(connection, "cancel_appointment", appointment_id=visit["id"])
    return row


# What is handed over ----------------------------------------------------------------------------------------


def test_a_cancelled_visit_is_offered_to_who_waits_and_free_for_nobody_else(
    superuser: Connection, clinic: MadeClinic, patient: Somebody
) -> None:
    booker, waiter, other = patient(), patient(), patient()
    visit = book(booker, clinic, clinic.at("09:00"))
    waits = join(waiter, clinic)
    assert (waits["outcome"], waits["offer"], waits["offers"]) == (None, None, 0)
    cancel(booker, visit)
    held = offered(superuser, waits["id"])
    assert (held["dentist_id"], held["starts_at"]) == (clinic.lee, clinic.at("09:00"))
    assert held["expires_at"] - held["created_at"] > timedelta(minutes=29)
    assert clinic.at("09:00") not in listed(other, clinic, clinic.at("09:00"))
    with refused("slot_taken"):
        book(other, clinic, clinic.at("09:00"))
    # The waiter sees the offer, and may have it.
    row = waiter.execute("select offer, offers from api.waitlist").fetchone()
    assert row is not None
    assert (row["offer"]["reservation_id"], row["offers"]) == (str(held["id"]), 1)
    booked = call(waiter, "confirm_reservation", reservation_id=held["id"])
    assert (booked["status"], booked["starts_at"]) == ("booked", clinic.at("09:00"))
    assert outcome(superuser, waits["id"]) == "accepted"


def test_a_visit_that_moves_leaves_its_old_time_to_who_waits(
    superuser: Connection, clinic: MadeClinic, patient: Somebody
) -> None:
    booker, waiter = patient(), patient()
    visit = book(booker, clinic, clinic.at("09:00"))
    waits = join(waiter, clinic)
    call(booker, "reschedule_appointment", appointment_id=visit["id"], starts_at=clinic.at("09:30"))
    assert is_offered_at(superuser, waits["id"]) == clinic.at("09:00")


def test_what_the_transaction_takes_again_is_not_handed_over(
    superuser: Connection, clinic: MadeClinic, patient: Somebody
) -> None:
    """A visit that moves by a quarter of an hour leaves no room for another."""
    booker, waiter = patient(), patient()
    visit = book(booker, clinic, clinic.at("09:00"))
    waits = join(waiter, clinic)
    call(booker, "reschedule_appointment", appointment_id=visit["id"], starts_at=clinic.at("09:15"))
    assert offer(superuser, waits["id"]) is None
    held = reserve(booker, clinic, clinic.at("10:00"))
    call(booker, "confirm_reservation", reservation_id=held["id"])
    assert offer(superuser, waits["id"]) is None


def test_a_shortened_visit_leaves_its_rest_to_who_waits(
    superuser: Connection, clinic: MadeClinic, patient: Somebody, clerk: Connection
) -> None:
    visit = book(patient(), clinic, clinic.at("13:15"), clinic.root_canal)
    waits = join(patient(), clinic)
    call(clerk, "resize_appointment", appointment_id=visit["id"], ends_at=clinic.at("14:15"))
    assert is_offered_at(superuser, waits["id"]) == clinic.at("14:30")


def test_a_hold_that_is_released_or_swept_goes_to_who_waits(
    superuser: Connection, clinic: MadeClinic, patient: Somebody
) -> None:
    booker, waiter, next_one = patient(), patient(), patient()
    released = reserve(booker, clinic, clinic.at("09:00"))
    run_out = reserve(booker, clinic, clinic.at("10:00"))
    first, second = join(waiter, clinic), join(next_one, clinic)
    call(booker, "release_reservation", reservation_id=released["id"])
    assert is_offered_at(superuser, first["id"]) == clinic.at("09:00")
    expire_hold(superuser, run_out["id"])
    assert offer(superuser, second["id"]) is None
    sweep(superuser)
    assert is_offered_at(superuser, second["id"]) == clinic.at("10:00")


def test_a_dead_hold_is_the_first_bookers_and_its_rest_who_waits(
    superuser: Connection, clinic: MadeClinic, patient: Somebody
) -> None:
    holder, booker, waiter = patient(), patient(), patient()
    held = reserve(holder, clinic, clinic.at("13:15"), clinic.root_canal)
    waits = join(waiter, clinic)
    expire_hold(superuser, held["id"])
    book(booker, clinic, clinic.at("13:30"))
    assert is_offered_at(superuser, waits["id"]) == clinic.at("13:00")


def test_the_time_of_an_absence_that_is_removed_goes_to_who_waits(
    superuser: Connection, clinic: MadeClinic, patient: Somebody, chief: Connection
) -> None:
    off = {"starts_at": clinic.at("09:00"), "ends_at": clinic.at("12:00")}
    away = call(chief, "add_time_off", clinic_id=clinic.id, dentist_id=clinic.lee, **off)
    closed = call(chief, "add_time_off", clinic_id=clinic.id, **{k: v + timedelta(1) for k, v in off.items()})
    wishes = [join(patient(), clinic, dentist_ids=[clinic.lee]) for _ in range(8)]
    call(chief, "remove_time_off", time_off_id=away["time_off"][0]["id"])
    assert [is_offered_at(superuser, w["id"]) for w in wishes[:6]] == [
        clinic.at("09:00") + n * HALF_AN_HOUR for n in range(6)
    ]
    assert offer(superuser, wishes[6]["id"]) is None
    call(chief, "remove_time_off", time_off_id=closed["closure_id"])
    assert is_offered_at(superuser, wishes[6]["id"]) == clinic.at("09:00") + timedelta(1)


def test_hours_that_are_opened_go_to_who_waits(
    superuser: Connection, clinic: MadeClinic, patient: Somebody, chief: Connection
) -> None:
    extra, weekly = (join(patient(), clinic, from_time="18:00") for _ in range(2))
    evening = {"starts_at": clinic.at("18:00"), "ends_at": clinic.at("18:30")}
    call(chief, "add_extra_hours", dentist_id=clinic.lee, **evening)
    assert is_offered_at(superuser, extra["id"]) == clinic.at("18:00")
    week = call(chief, "get_availability", dentist_id=clinic.lee)["weekly"]
    late = [*week, {"weekday": 3, "opens": "19:00", "closes": "20:00"}]
    call(chief, "set_availability", dentist_id=clinic.lee, weekly=late, dry_run=True)
    assert offer(superuser, weekly["id"]) is None
    call(chief, "set_availability", dentist_id=clinic.lee, weekly=late)
    start = offered(superuser, weekly["id"])["starts_at"].astimezone(clinic.zone)
    assert (start.isoweekday(), start.hour, start.minute) == (3, 19, 0)


def test_the_time_of_a_dentist_who_comes_back_goes_to_who_waits(
    superuser: Connection, clinic: MadeClinic, patient: Somebody, chief: Connection
) -> None:
    call(chief, "update_dentist", dentist_id=clinic.lee, is_active=False)
    first, second = (join(patient(), clinic, from_date=clinic.weekday(1)) for _ in range(2))
    call(chief, "update_dentist", dentist_id=clinic.lee, is_active=True)
    rows = [offered(superuser, waits["id"]) for waits in (first, second)]
    assert [(row["dentist_id"], row["starts_at"]) for row in rows] == [
        (clinic.lee, clinic.at("09:00")),
        (clinic.lee, clinic.at("09:30")),
    ]


def test_the_time_of_who_leads_a_type_from_now_on_goes_to_who_waits_for_it(
    superuser: Connection, clinic: MadeClinic, patient: Somebody, chief: Connection
) -> None:
    kept = [clinic.cleaning, clinic.root_canal]
    call(chief, "set_dentist_types", dentist_id=clinic.lee, appointment_type_ids=kept)
    unlike = join(patient(), clinic, clinic.cleaning, from_date=clinic.weekday(1))
    waits = join(patient(), clinic, from_date=clinic.weekday(1))
    call(chief, "set_dentist_types", dentist_id=clinic.lee, appointment_type_ids=[*kept, clinic.checkup])
    row = offered(superuser, waits["id"])
    assert (row["dentist_id"], row["starts_at"]) == (clinic.lee, clinic.at("09:00"))
    assert offer(superuser, unlike["id"]) is None


@pytest.mark.parametrize("new", [True, False], ids=["a new one", "one that was broken"])
def test_with_one_more_chair_who_waits_for_what_needs_one_has_its_time(
    superuser: Connection, clinic: MadeClinic, patient: Somebody, chief: Connection, new: bool
) -> None:
    chair = call(chief, "create_resource", clinic_id=clinic.id, name="Chair 1", kind="chair")
    call(chief, "set_visit_parts", appointment_type_id=clinic.checkup, parts=[{"needs": "chair"}])
    call(chief, "update_resource", resource_id=chair["id"], is_active=False)
    unlike = join(patient(), clinic, clinic.cleaning, from_date=clinic.weekday(1))
    waits = join(patient(), clinic, from_date=clinic.weekday(1))
    if new:
        call(chief, "create_resource", clinic_id=clinic.id, name="Chair 2", kind="chair")
    else:
        call(chief, "update_resource", resource_id=chair["id"], is_active=True)
    assert is_offered_at(superuser, waits["id"]) == clinic.at("09:00")
    assert offer(superuser, unlike["id"]) is None


@pytest.mark.parametrize(
    "change",
    [
        {"update_appointment_type": {"duration": HALF_AN_HOUR}},
        {"update_appointment_type": {"booking_horizon": "90 days"}},
        {"set_visit_parts": {"parts": []}},
    ],
    ids=["shorter", "further ahead", "needs less"],
)
def test_what_can_be_had_because_a_type_changed_goes_to_who_waits_for_it(
    superuser: Connection, clinic: MadeClinic, patient: Somebody, chief: Connection, change: Row
) -> None:
    ((rpc, arguments),) = change.items()
    if rpc == "set_visit_parts":
        chair = call(chief, "create_resource", clinic_id=clinic.id, name="Chair 1", kind="chair")
        call(chief, "set_visit_parts", appointment_type_id=clinic.checkup, parts=[{"needs": "chair"}])
        call(chief, "update_resource", resource_id=chair["id"], is_active=False)
    else:
        rules = {"duration": "12 hours"} if "duration" in arguments else {"booking_horizon": "1 day"}
        call(chief, "update_appointment_type", appointment_type_id=clinic.checkup, **rules)
    monday = {"from_date": clinic.weekday(1), "to_date": clinic.weekday(1)}
    unlike = join(patient(), clinic, clinic.cleaning, **monday)
    waits = join(patient(), clinic, **monday)
    call(chief, "update_appointment_type", appointment_type_id=clinic.checkup, name="Look")
    assert offer(superuser, waits["id"]) is None
    call(chief, rpc, appointment_type_id=clinic.checkup, **arguments)
    assert is_offered_at(superuser, waits["id"]) == clinic.at("09:00")
    assert offer(superuser, unlike["id"]) is None


def test_a_quota_of_the_day_that_is_freed_goes_to_who_waits_at_another_time_of_it(
    superuser: Connection, clinic: MadeClinic, patient: Somebody
) -> None:
    superuser.execute("update clinic.appointment_types set max_per_day = 1 where id = %s", [clinic.checkup])
    booker = patient()
    visit = book(booker, clinic, clinic.at("09:00"))
    day = {"from_date": clinic.weekday(1), "to_date": clinic.weekday(1)}
    waits = join(patient(), clinic, dentist_ids=[clinic.lee], from_time="14:00", **day)
    unlike = join(patient(), clinic, clinic.cleaning, dentist_ids=[clinic.lee], from_time="14:00", **day)
    cancel(booker, visit)
    assert is_offered_at(superuser, waits["id"]) == clinic.at("14:00")
    assert offer(superuser, unlike["id"]) is None


def test_one_long_visit_makes_room_for_several_who_wait(
    superuser: Connection, clinic: MadeClinic, patient: Somebody
) -> None:
    booker = patient()
    visit = book(booker, clinic, clinic.at("09:15"), clinic.root_canal)
    wishes = [join(patient(), clinic) for _ in range(5)]
    cancel(booker, visit)
    # From nine to eleven, buffers included.
    assert [is_offered_at(superuser, w["id"]) for w in wishes] == [
        *(clinic.at("09:00") + n * HALF_AN_HOUR for n in range(4)),
        None,
    ]


# In which order ---------------------------------------------------------------------------------------------


def test_priority_comes_first_and_then_who_has_waited_longest(
    superuser: Connection, clinic: MadeClinic, patient: Somebody, clerk: Connection
) -> None:
    booker = patient()
    people = [call(clerk, "create_patient", clinic_id=clinic.id, full_name=f"P {n}") for n in range(4)]
    visit = book(booker, clinic, clinic.at("09:15"), clinic.root_canal)
    wishes = [
        join(clerk, clinic, patient_id=person["id"], priority=priority)
        for person, priority in zip(people, (0, 0, 9, 3), strict=True)
    ]
    cancel(booker, visit)
    assert [is_offered_at(superuser, wishes[n]["id"]) for n in (2, 3, 0, 1)] == [
        clinic.at("09:00") + n * HALF_AN_HOUR for n in range(4)
    ]


def test_who_asks_again_keeps_their_place_and_who_is_offered_something_gets_no_second(
    superuser: Connection, clinic: MadeClinic, patient: Somebody
) -> None:
    booker, early, late = patient(), patient(), patient()
    visits = [book(booker, clinic, clinic.at(clock)) for clock in ("09:00", "09:30", "10:00")]
    first = join(early, clinic, from_time="16:00")
    second = join(late, clinic)
    again = join(early, clinic)
    assert (again["id"], again["created_at"]) == (first["id"], first["created_at"])
    cancel(booker, visits[0])
    cancel(booker, visits[1])
    cancel(booker, visits[2])
    assert is_offered_at(superuser, first["id"]) == clinic.at("09:00")
    assert is_offered_at(superuser, second["id"]) == clinic.at("09:30")
    assert clinic.at("10:00") in listed(patient(), clinic, clinic.at("10:00"))


def test_who_asks_again_keeps_the_priority_that_the_desk_gave(
    actors: Actors, superuser: Connection, clinic: MadeClinic, clerk: Connection
) -> None:
    person = make_user(superuser, "Mia")
    mia = actors.user(f"{person}@made.test")
    join(mia, clinic)
    (row,) = clerk.execute("select patient_id from api.waitlist").fetchall()
    first = join(clerk, clinic, patient_id=row["patient_id"], priority=7)
    assert join(mia, clinic, from_time="10:00")["priority"] == first["priority"] == 7
    assert join(clerk, clinic, patient_id=row["patient_id"], priority=1)["priority"] == 1


# What does not fit ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wanted",
    [
        {"weekdays": [2, 3, 4, 5, 6, 7]},
        {"from_time": "09:15"},
        {"to_time": "09:15"},
        {"days": (1, 14)},
        {"days": (-7, -1)},
        {"with": "other"},
        {"type": "Cleaning"},
    ],
    ids=lambda wanted: next(iter(wanted)),
)
def test_nobody_is_offered_what_is_not_what_they_wait_for(
    superuser: Connection, clinic: MadeClinic, patient: Somebody, wanted: Row
) -> None:
    booker, taker = patient(), patient()
    visit = book(booker, clinic, clinic.at("09:00"))
    book(taker, clinic, clinic.at("09:30"))
    arguments = dict(wanted)
    if (days := arguments.pop("days", None)) is not None:
        arguments |= dict(
            zip(("from_date", "to_date"), (clinic.weekday(1) + timedelta(n) for n in days), strict=True)
        )
    if arguments.pop("with", None):
        arguments["dentist_ids"] = [clinic.other]
    type_id = clinic.types[arguments.pop("type", "Check-up")]
    waits = join(patient(), clinic, type_id, **arguments)
    cancel(booker, visit)
    assert offer(superuser, waits["id"]) is None
    assert clinic.at("09:00") in listed(patient(), clinic, clinic.at("09:00"))


def test_who_does_what_binds_offers(superuser: Connection, clinic: MadeClinic, patient: Somebody) -> None:
    booker = patient()
    visit = book(booker, clinic, clinic.at("09:00"), clinic.cleaning)
    waits = join(patient(), clinic)
    superuser.execute(
        "delete from clinic.dentist_types where dentist_id = %s and appointment_type_id = %s",
        [clinic.lee, clinic.checkup],
    )
    cancel(booker, visit)
    assert offer(superuser, waits["id"]) is None


def test_nobody_is_offered_a_time_at_which_they_are_elsewhere(
    superuser: Connection, clinic: MadeClinic, patient: Somebody
) -> None:
    booker, waiter = patient(), patient()
    visit = book(booker, clinic, clinic.at("09:00"))
    book(waiter, clinic, clinic.at("09:00"), clinic.cleaning, dentist_id=clinic.other)
    waits = join(waiter, clinic)
    cancel(booker, visit)
    assert offer(superuser, waits["id"]) is None


@pytest.mark.parametrize(
    "policy", ["offer_lead = '20 days'", "min_notice = '20 days'", "booking_horizon = '3 days'"]
)
def test_nobody_is_asked_under_the_lead_or_within_the_notice_or_beyond_the_horizon(
    superuser: Connection, clinic: MadeClinic, patient: Somebody, policy: str
) -> None:
    booker = patient()
    soon = clinic.weekday(1, weeks=2)
    near = book(booker, clinic, clinic.at("09:00", soon))
    waits = join(patient(), clinic, from_date=soon, to_date=soon)
    superuser.execute(f"update clinic.clinics set {policy}")  # type: ignore[arg-type]
    cancel(booker, near)
    assert offer(superuser, waits["id"]) is None
    superuser.execute(
        "update clinic.clinics set offer_lead = default, min_notice = default, booking_horizon = default"
    )
    assert is_offered_at(superuser, waits["id"]) == clinic.at("09:00", soon), "that opens it"


def test_what_a_type_is_for_binds_who_joined_by_themselves(
    superuser: Connection, clinic: MadeClinic, patient: Somebody, clerk: Connection
) -> None:
    booker = patient()
    visit = book(booker, clinic, clinic.at("09:00"))
    newcomer = join(patient(), clinic)
    known = call(clerk, "create_patient", clinic_id=clinic.id, full_name="Known")
    waits = join(clerk, clinic, patient_id=known["id"])
    superuser.execute(
        "update clinic.appointment_types set audience = 'staff' where id = %s", [clinic.checkup]
    )
    with refused("not_offered"):
        join(patient(), clinic)
    cancel(booker, visit)
    assert offer(superuser, newcomer["id"]) is None
    assert is_offered_at(superuser, waits["id"]) == clinic.at("09:00")


# What becomes of an offer -----------------------------------------------------------------------------------


def test_what_is_declined_goes_to_the_next_and_at_last_to_everybody(
    superuser: Connection, clinic: MadeClinic, patient: Somebody
) -> None:
    booker, everybody = patient(), patient()
    waiters = [patient() for _ in range(3)]
    visit = book(booker, clinic, clinic.at("09:00"))
    wishes = [join(waiter, clinic) for waiter in waiters]
    cancel(booker, visit)
    for waiter, waits in zip(waiters, wishes, strict=True):
        held = offered(superuser, waits["id"])
        assert held["starts_at"] == clinic.at("09:00")
        assert clinic.at("09:00") not in listed(everybody, clinic, clinic.at("09:00"))
        assert call(waiter, "release_reservation", reservation_id=held["id"]) is True
        assert offer(superuser, waits["id"]) is None
    assert clinic.at("09:00") in listed(everybody, clinic, clinic.at("09:00"))
    assert [outcome(superuser, waits["id"]) for waits in wishes] == [None] * 3


def test_an_offer_that_runs_out_is_passed_on_before_it_is_ever_free(
    superuser: Connection, clinic: MadeClinic, patient: Somebody
) -> None:
    booker, everybody = patient(), patient()
    visit = book(booker, clinic, clinic.at("09:00"))
    first, second = join(patient(), clinic), join(patient(), clinic)
    cancel(booker, visit)
    expire_hold(superuser, offered(superuser, first["id"])["id"])
    assert clinic.at("09:00") not in listed(everybody, clinic, clinic.at("09:00"))
    with refused("slot_taken"):
        book(everybody, clinic, clinic.at("09:00"))
    row = superuser.execute("select clinic.next_expiry() < now() as is_due").fetchone()
    assert row == {"is_due": True}
    assert sweep(superuser) == 1
    assert offer(superuser, first["id"]) is None
    assert is_offered_at(superuser, second["id"]) == clinic.at("09:00")


def test_with_a_dead_worker_an_offer_that_ran_out_is_free_after_a_minute(
    superuser: Connection, clinic: MadeClinic, patient: Somebody
) -> None:
    booker, everybody = patient(), patient()
    visit = book(booker, clinic, clinic.at("09:00"))
    waits = join(patient(), clinic)
    cancel(booker, visit)
    held = offered(superuser, waits["id"])
    with superuser.transaction():
        for table, ago in (("slot_reservations", "61 seconds"), ("occupancy", "1 second")):
            superuser.execute(
                f"update clinic.{table} set expires_at = now() - %s::interval where id = %s",  # type: ignore[arg-type]
                [ago, held["id"]],
            )
    assert book(everybody, clinic, clinic.at("09:00"))["status"] == "booked"
    assert wish(superuser, waits["id"])["offers"] == 1


def test_an_offer_is_accepted_late_if_nobody_took_it(
    superuser: Connection, clinic: MadeClinic, patient: Somebody
) -> None:
    booker, waiter = patient(), patient()
    visit = book(booker, clinic, clinic.at("09:00"))
    waits = join(waiter, clinic)
    cancel(booker, visit)
    held = offered(superuser, waits["id"])
    expire_hold(superuser, held["id"])
    sweep(superuser)
    assert call(waiter, "confirm_reservation", reservation_id=held["id"])["status"] == "booked"
    assert outcome(superuser, waits["id"]) == "accepted"


def test_nobody_is_asked_again_for_what_they_refused_but_for_something_else(
    superuser: Connection, clinic: MadeClinic, patient: Somebody
) -> None:
    booker, waiter = patient(), patient()
    visits = [book(booker, clinic, clinic.at(clock)) for clock in ("09:00", "09:30")]
    waits = join(waiter, clinic)
    cancel(booker, visits[0])
    call(waiter, "release_reservation", reservation_id=offered(superuser, waits["id"])["id"])
    again = book(booker, clinic, clinic.at("09:00"))
    cancel(booker, again)
    assert offer(superuser, waits["id"]) is None
    cancel(booker, visits[1])
    assert is_offered_at(superuser, waits["id"]) == clinic.at("09:30")
    assert wish(superuser, waits["id"])["offers"] == 2


def test_who_was_asked_often_enough_is_asked_no_more(
    superuser: Connection, clinic: MadeClinic, patient: Somebody
) -> None:
    superuser.execute("update clinic.clinics set max_waitlist_offers = 2 where id = %s", [clinic.id])
    booker, waiter = patient(), patient()
    visits = [book(booker, clinic, clinic.at(clock)) for clock in ("09:00", "09:30", "10:00")]
    waits = join(waiter, clinic)
    for visit in visits[:2]:
        assert outcome(superuser, waits["id"]) is None
        cancel(booker, visit)
        call(waiter, "release_reservation", reservation_id=offered(superuser, waits["id"])["id"])
    assert outcome(superuser, waits["id"]) == "exhausted"
    cancel(booker, visits[2])
    assert offer(superuser, waits["id"]) is None


def test_an_offer_made_by_night_lasts_until_people_are_awake(
    superuser: Connection, clinic: MadeClinic, patient: Somebody
) -> None:
    booker = patient()
    visit = book(booker, clinic, clinic.at("09:00"))
    waits = join(patient(), clinic)
    superuser.execute(
        """
        update clinic.clinics set
          quiet_from = date_trunc('minute', now() at time zone time_zone - interval '1 hour')::time,
          quiet_until = date_trunc('minute', now() at time zone time_zone + interval '3 hours')::time
        where id = %s
        """,
        [clinic.id],
    )
    cancel(booker, visit)
    held = offered(superuser, waits["id"])
    lasts = held["expires_at"] - held["created_at"]
    assert timedelta(hours=2, minutes=28) < lasts < timedelta(hours=5)


def test_the_desk_takes_what_is_offered_and_who_waits_goes_on_waiting(
    superuser: Connection, clinic: MadeClinic, patient: Somebody, clerk: Connection
) -> None:
    booker = patient()
    visit = book(booker, clinic, clinic.at("09:00"))
    first, second = join(patient(), clinic), join(patient(), clinic)
    walk_in = call(clerk, "create_patient", clinic_id=clinic.id, full_name="Walk In")
    cancel(booker, visit)
    taken = book(clerk, clinic, clinic.at("09:00"), patient_id=walk_in["id"])
    assert taken["status"] == "booked"
    row = wish(superuser, first["id"])
    assert (row["outcome"], row["offer"], row["offers"]) == (None, None, 0)
    assert offer(superuser, second["id"]) is None
    # They refused nothing: when it is free again, it is theirs.
    cancel(clerk, taken)
    assert is_offered_at(superuser, first["id"]) == clinic.at("09:00")


def test_the_desk_confirms_an_offer_for_somebody_else_and_the_wish_goes_on(
    superuser: Connection, clinic: MadeClinic, patient: Somebody, clerk: Connection
) -> None:
    booker = patient()
    visit = book(booker, clinic, clinic.at("09:00"))
    waits = join(patient(), clinic)
    walk_in = call(clerk, "create_patient", clinic_id=clinic.id, full_name="Walk In")
    cancel(booker, visit)
    held = offered(superuser, waits["id"])
    booked = call(clerk, "confirm_reservation", reservation_id=held["id"], patient_id=walk_in["id"])
    after = wish(superuser, waits["id"])
    assert (booked["patient_id"], after["outcome"], after["offers"]) == (walk_in["id"], None, 0)


def test_patients_take_nothing_that_is_offered_to_others(
    superuser: Connection, clinic: MadeClinic, patient: Somebody
) -> None:
    booker, stranger = patient(), patient()
    visit = book(booker, clinic, clinic.at("09:00"))
    waits = join(patient(), clinic)
    cancel(booker, visit)
    held = offered(superuser, waits["id"])
    for function in ("confirm_reservation", "release_reservation"):
        with refused("not_found"):
            call(stranger, function, reservation_id=held["id"])
    with refused("not_found"):
        call(stranger, "leave_waitlist", waitlist_id=waits["id"])
    assert stranger.execute("select from api.waitlist").rowcount == 0


def test_an_offer_is_for_who_waits_and_for_no_other_of_theirs(
    superuser: Connection, clinic: MadeClinic, patient: Somebody
) -> None:
    booker, parent = patient(), patient()
    visit = book(booker, clinic, clinic.at("09:00"))
    waits = join(parent, clinic)
    kit = call(parent, "add_dependant", clinic_id=clinic.id, full_name="Kit", birth_date="2020-02-29")
    cancel(booker, visit)
    held = offered(superuser, waits["id"])
    with refused("not_offered"):
        call(parent, "confirm_reservation", reservation_id=held["id"], patient_id=kit["id"])
    call(parent, "confirm_reservation", reservation_id=held["id"])
    assert outcome(superuser, waits["id"]) == "accepted"
