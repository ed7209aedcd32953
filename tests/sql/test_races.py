"""Many at once: one winner, the right refusals for the rest, and never a deadlock or a double booking."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from itertools import permutations
from typing import Any

import psycopg
import pytest

from tests.support.actors import Actors, Connection, call
from tests.support.build import MadeClinic, make_clinic, make_user
from tests.support.races import race
from tests.support.slots import book, expire_hold, reserve


@pytest.fixture
def clinic(superuser: Connection) -> MadeClinic:
    """A clinic in which nothing is booked yet."""
    return make_clinic(superuser)


@pytest.fixture
def crowd(actors: Actors, superuser: Connection) -> Callable[[int], list[Connection]]:
    """Make that many patients, each with a connection of their own."""

    def make(size: int) -> list[Connection]:
        return [
            actors.user(f"{make_user(superuser, f'Patient {number}')}@made.test") for number in range(size)
        ]

    return make


@pytest.fixture(autouse=True)
def _nothing_is_broken(database: str) -> Any:
    """Whatever happens in a race, the invariants hold afterwards."""
    yield
    with psycopg.connect(database) as connection:
        assert connection.execute("select * from clinic.check_invariants()").fetchall() == []


Crowd = Callable[[int], list[Connection]]


@pytest.mark.parametrize("move", [reserve, book])
def test_64_race_for_one_slot_and_one_wins(
    clinic: MadeClinic, crowd: Crowd, move: Callable[..., Any]
) -> None:
    start = clinic.at("09:00")
    outcome = race([partial(move, patient, clinic, start) for patient in crowd(64)])
    assert len(outcome.won) == 1
    assert outcome.refused == ["slot_taken"] * 63


def test_overlapping_slots_of_different_lengths_never_overlap_in_the_end(
    clinic: MadeClinic, crowd: Crowd
) -> None:
    starts = [clinic.at("09:15") + timedelta(minutes=15 * n) for n in range(6)]
    types = [clinic.checkup, clinic.cleaning, clinic.root_canal]
    callers = [
        partial(book, patient, clinic, starts[n % 6], types[n % 3]) for n, patient in enumerate(crowd(36))
    ]
    outcome = race(callers)
    assert outcome.won
    assert set(outcome.refused) <= {"slot_taken", "outside_working_hours"}


def test_one_patient_with_many_windows_open_sits_in_one_chair(
    actors: Actors, superuser: Connection, clinic: MadeClinic
) -> None:
    email = f"{make_user(superuser, 'Impatient')}@made.test"
    start = clinic.at("09:00")
    callers = [
        partial(book, actors.user(email), clinic, start, dentist_id=dentist)
        for dentist in (clinic.lee, clinic.other)
        for _ in range(8)
    ]
    outcome = race(callers)
    assert len(outcome.won) == 1
    assert set(outcome.refused) <= {"slot_taken", "patient_busy"}
    patients = superuser.execute("select from clinic.patients where clinic_id = %s", [clinic.id])
    assert patients.rowcount == 1


def test_a_holder_with_many_windows_open_stays_within_the_limit(
    actors: Actors, superuser: Connection, clinic: MadeClinic
) -> None:
    email = f"{make_user(superuser, 'Hoarder')}@made.test"
    starts = [clinic.at("09:00") + timedelta(minutes=30 * n) for n in range(6)]
    callers = [
        partial(reserve, actors.user(email), clinic, start, dentist_id=dentist)
        for start in starts
        for dentist in (clinic.lee, clinic.other)
    ]
    outcome = race(callers)
    assert len(outcome.won) <= 2
    assert set(outcome.refused) <= {"reservation_limit", "patient_busy"}


def test_an_idempotent_request_sent_many_times_at_once_books_once(
    actors: Actors, superuser: Connection, clinic: MadeClinic
) -> None:
    email = f"{make_user(superuser, 'Retry')}@made.test"
    start = clinic.at("09:00")
    outcome = race(
        [partial(book, actors.user(email), clinic, start, idempotency_key="once") for _ in range(16)]
    )
    assert not outcome.refused
    assert len({row["id"] for row in outcome.won}) == 1


def test_confirming_many_times_at_once_books_once(
    actors: Actors, superuser: Connection, clinic: MadeClinic
) -> None:
    email = f"{make_user(superuser, 'Double click')}@made.test"
    hold = reserve(actors.user(email), clinic, clinic.at("09:00"))
    callers = [
        partial(call, actors.user(email), "confirm_reservation", reservation_id=hold["id"]) for _ in range(12)
    ]
    outcome = race(callers)
    assert not outcome.refused
    assert {row["id"] for row in outcome.won} == {hold["id"]}


def test_a_slot_is_never_free_between_hold_and_appointment(
    actors: Actors, superuser: Connection, clinic: MadeClinic, crowd: Crowd
) -> None:
    holder = actors.user(f"{make_user(superuser, 'Holder')}@made.test")
    start = clinic.at("09:00")
    hold = reserve(holder, clinic, start)
    confirm = partial(call, holder, "confirm_reservation", reservation_id=hold["id"])
    outcome = race([confirm, *(partial(book, patient, clinic, start) for patient in crowd(24))])
    assert [row["id"] for row in outcome.won] == [hold["id"]]
    assert outcome.refused == ["slot_taken"] * 24


def test_a_late_confirmation_and_newcomers_race_for_what_expired(
    actors: Actors, superuser: Connection, clinic: MadeClinic, crowd: Crowd
) -> None:
    holder = actors.user(f"{make_user(superuser, 'Late')}@made.test")
    start = clinic.at("09:00")
    hold = reserve(holder, clinic, start)
    expire_hold(superuser, hold["id"])
    confirm = partial(call, holder, "confirm_reservation", reservation_id=hold["id"])
    sweep = partial(superuser.execute, "select clinic.expire_reservations()")
    outcome = race([confirm, sweep, *(partial(book, patient, clinic, start) for patient in crowd(16))])
    assert outcome.refused == ["slot_taken"] * 16
    claims = superuser.execute(
        "select from clinic.occupancy where resource_id = %s and during @> %s", [clinic.lee, start]
    )
    assert claims.rowcount == 1


def test_releasing_and_confirming_one_hold_at_once_do_one_of_the_two(
    actors: Actors, superuser: Connection, clinic: MadeClinic
) -> None:
    email = f"{make_user(superuser, 'Undecided')}@made.test"
    hold = reserve(actors.user(email), clinic, clinic.at("09:00"))
    callers = [
        partial(call, actors.user(email), name, reservation_id=hold["id"])
        for name in ("release_reservation", "confirm_reservation") * 4
    ]
    outcome = race(callers)
    booked = superuser.execute("select from clinic.appointments where id = %s", [hold["id"]]).rowcount
    released = sum(answer is True for answer in outcome.won)
    assert booked + released == 1
    assert set(outcome.refused) <= {"reservation_expired"}


def test_hours_that_shrink_while_all_book_leave_nothing_unannounced(
    actors: Actors, clinic: MadeClinic, crowd: Crowd
) -> None:
    """Either a booking came first and the edit names it, or the edit came first and it is refused."""
    admin = actors.user(f"{clinic.users['admin']}@made.test")
    shorter = [{"weekday": day, "opens": "09:00", "closes": "10:00"} for day in range(1, 6)]
    starts = [clinic.at("09:00") + timedelta(minutes=30 * n) for n in range(6)]
    edit = partial(call, admin, "set_availability", dentist_id=clinic.lee, weekly=shorter)
    outcome = race(
        [
            edit,
            *(partial(book, patient, clinic, start) for patient, start in zip(crowd(6), starts, strict=True)),
        ]
    )
    answer = next(row for row in outcome.won if "appointments_outside_hours" in row)
    booked_outside = {
        str(row["id"]) for row in outcome.won if "starts_at" in row and row["starts_at"] >= clinic.at("10:00")
    }
    assert {row["appointment_id"] for row in answer["appointments_outside_hours"]} == booked_outside
    assert set(outcome.refused) <= {"outside_working_hours"}


def test_time_off_and_bookings_for_the_same_morning_never_both_succeed(
    actors: Actors, clinic: MadeClinic, crowd: Crowd
) -> None:
    admin = actors.user(f"{clinic.users['admin']}@made.test")
    off = {"starts_at": clinic.at("09:00"), "ends_at": clinic.at("12:00")}
    add = partial(call, admin, "add_time_off", clinic_id=clinic.id, **off)
    starts = [clinic.at("09:00") + timedelta(minutes=30 * n) for n in range(6)]
    outcome = race(
        [
            add,
            *(partial(book, patient, clinic, start) for patient, start in zip(crowd(6), starts, strict=True)),
        ]
    )
    if "appointments_in_the_way" in outcome.refused:
        assert Counter(outcome.refused) == {"appointments_in_the_way": 1}
    else:
        assert outcome.refused.count("slot_taken") == 7 - len(outcome.won)


def test_appointments_that_swap_dentists_do_not_deadlock(clinic: MadeClinic, crowd: Crowd) -> None:
    """Each move locks two calendars, in opposite directions: the order of the ids decides."""
    starts = [clinic.at("09:00") + timedelta(minutes=30 * n) for n in range(6)]
    callers = []
    for number, patient in enumerate(crowd(12)):
        here, there = (clinic.lee, clinic.other) if number % 2 else (clinic.other, clinic.lee)
        appointment = book(patient, clinic, starts[number // 2], dentist_id=here)
        afternoon = starts[number // 2] + timedelta(hours=4)
        move = {"appointment_id": appointment["id"], "starts_at": afternoon, "dentist_id": there}
        callers.append(partial(call, patient, "reschedule_appointment", **move))
    outcome = race(callers)
    assert len(outcome.won) == 12


def test_visits_of_one_patient_are_swapped_and_booked_beside_at_once(
    actors: Actors, superuser: Connection, clinic: MadeClinic
) -> None:
    """While two change places, nobody else may sit down where the patient is; and each swap is whole."""
    email = f"{make_user(superuser, 'Restless')}@made.test"
    starts = [clinic.at("09:00"), clinic.at("09:30"), clinic.at("13:00")]
    visits = [book(actors.user(email), clinic, start, dentist_id=clinic.lee) for start in starts]
    desk = f"{clinic.users['desk']}@made.test"
    swaps = [
        partial(call, actors.user(desk), "swap_appointments", appointment_id=one["id"], other_id=other["id"])
        for one, other in 4 * [*permutations(visits, 2)]
    ]
    beside = [
        partial(book, actors.user(email), clinic, start, dentist_id=clinic.other) for start in 2 * starts
    ]
    outcome = race([*swaps, *beside])
    assert len(outcome.won) >= 1
    # Who waited too long for the others is told so.
    assert set(outcome.refused) <= {"patient_busy", "try_again", "booking_limit"}
    places = superuser.execute(
        "select starts_at from clinic.appointments where clinic_id = %s order by 1", [clinic.id]
    )
    assert [row["starts_at"] for row in places] == starts
    assert superuser.execute("select from clinic.check_invariants()").rowcount == 0


def test_many_move_to_the_same_free_slot_and_one_gets_it(clinic: MadeClinic, crowd: Crowd) -> None:
    starts = [clinic.at("09:00") + timedelta(minutes=30 * n) for n in range(6)]
    target = clinic.at("14:00")
    callers = []
    for patient, start in zip(crowd(6), starts, strict=True):
        appointment = book(patient, clinic, start)
        move = {"appointment_id": appointment["id"], "starts_at": target}
        callers.append(partial(call, patient, "reschedule_appointment", **move))
    outcome = race(callers)
    assert len(outcome.won) == 1
    assert outcome.refused == ["slot_taken"] * 5


def test_raw_inserts_and_rpcs_race_without_a_double_booking(
    actors: Actors, superuser: Connection, clinic: MadeClinic, crowd: Crowd
) -> None:
    """Raw SQL takes the same locks, for the triggers take them."""
    patients = crowd(8)
    start = clinic.at("09:00")
    own = [
        book(patient, clinic, clinic.at("14:00") + timedelta(minutes=15 * 2 * n), dentist_id=clinic.other)
        for n, patient in enumerate(patients[:4])
    ]
    raw = (
        "insert into clinic.appointments (clinic_id, dentist_id, patient_id, appointment_type_id, starts_at,"
        " ends_at, buffer_before, buffer_after, source) values (%s, %s, %s, %s, %s, %s, '0', '0', 'desk')"
    )
    inserts = [
        partial(
            actors.superuser().execute,
            raw,
            [clinic.id, clinic.lee, row["patient_id"], clinic.checkup, start, start + timedelta(minutes=30)],
        )
        for row in own
    ]
    outcome = race([*inserts, *(partial(book, patient, clinic, start) for patient in patients[4:])])
    assert len(outcome.won) == 1
    assert outcome.refused == ["slot_taken"] * 7


def test_the_last_two_admins_cannot_revoke_each_other(
    actors: Actors, superuser: Connection, clinic: MadeClinic
) -> None:
    second = make_user(superuser, "Second admin")
    superuser.execute("insert into clinic.staff values (%s, %s, 'admin')", [clinic.id, second])
    pair = (clinic.users["admin"], second)
    callers = [
        partial(call, actors.user(f"{me}@made.test"), "revoke_staff_role", clinic_id=clinic.id, user_id=other)
        for me, other in (pair, pair[::-1])
    ]
    race(callers)
    left = superuser.execute("select from clinic.staff where clinic_id = %s and role = 'admin'", [clinic.id])
    assert left.rowcount == 1
