"""Whoever touches a dentist's time waits for the calendar, and what they then find is what counts."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from tests.support.actors import Actors, Connection, Row, call
from tests.support.clinics import Clinic
from tests.support.refusals import refused
from tests.support.slots import book, expire_hold, reserve
from tests.support.waiting import PATIENCE, act_behind_lock


@dataclass
class World:
    """A calendar with something of everything in it."""

    clinic: Clinic
    superuser: Connection
    ana: Connection
    ben: Connection
    admin: Connection
    appointment: Row
    hold: Row
    time_off: UUID
    extra_hours: UUID


@pytest.fixture
def world(
    superuser: Connection, ana: Connection, ben: Connection, admin: Connection, riverside: Clinic
) -> World:
    """Ana has an appointment at nine and a hold at ten; Lee is off in the afternoon, and in on a Sunday."""
    sunday = riverside.weekday(7)
    off = {"starts_at": riverside.at("15:00"), "ends_at": riverside.at("17:00")}
    away = call(admin, "add_time_off", clinic_id=riverside.id, dentist_id=riverside.lee, **off)
    more = {"starts_at": riverside.at("10:00", sunday), "ends_at": riverside.at("12:00", sunday)}
    return World(
        riverside, superuser, ana, ben, admin,
        appointment=book(ana, riverside, riverside.at("09:00")),
        hold=reserve(ana, riverside, riverside.at("10:00")),
        time_off=away["time_off"][0]["id"],
        extra_hours=call(admin, "add_extra_hours", dentist_id=riverside.lee, **more)["id"],
    )  # fmt: skip


def slot(world: World, clock: str) -> Row:
    clinic = world.clinic
    return {
        "dentist_id": clinic.lee,
        "appointment_type_id": clinic.checkup,
        "starts_at": clinic.at(clock),
    }


def span(world: World, begin: str, end: str) -> Row:
    return {"starts_at": world.clinic.at(begin), "ends_at": world.clinic.at(end)}


CALLS: dict[str, Callable[[World], tuple[Connection, Row]]] = {
    "reserve_slot": lambda w: (w.ben, slot(w, "11:00")),
    "book_appointment": lambda w: (w.ben, slot(w, "11:00")),
    "confirm_reservation": lambda w: (w.ana, {"reservation_id": w.hold["id"]}),
    "release_reservation": lambda w: (w.ana, {"reservation_id": w.hold["id"]}),
    "reschedule_appointment": lambda w: (
        w.ana,
        {"appointment_id": w.appointment["id"], "starts_at": w.clinic.at("11:00")},
    ),
    "update_appointment": lambda w: (w.ana, {"appointment_id": w.appointment["id"], "notes": "It hurts"}),
    "cancel_appointment": lambda w: (w.ana, {"appointment_id": w.appointment["id"]}),
    "set_appointment_status": lambda w: (
        w.admin,
        {"appointment_id": w.appointment["id"], "status": "cancelled"},
    ),
    "set_availability": lambda w: (w.admin, {"dentist_id": w.clinic.lee, "weekly": []}),
    "add_time_off": lambda w: (
        w.admin,
        {"clinic_id": w.clinic.id, "dentist_id": w.clinic.lee, **span(w, "13:00", "14:00")},
    ),
    "remove_time_off": lambda w: (w.admin, {"time_off_id": w.time_off}),
    "add_extra_hours": lambda w: (w.admin, {"dentist_id": w.clinic.lee, **span(w, "18:00", "19:00")}),
    "remove_extra_hours": lambda w: (w.admin, {"extra_hours_id": w.extra_hours}),
    "update_dentist": lambda w: (w.admin, {"dentist_id": w.clinic.lee, "bio": "Likes teeth"}),
}


@pytest.mark.parametrize("function", CALLS)
def test_a_function_that_touches_a_calendar_waits_for_it(actors: Actors, world: World, function: str) -> None:
    caller, arguments = CALLS[function](world)
    act_behind_lock(actors, world.clinic.lee, caller, partial(call, caller, function, **arguments)).result()


RAW = {
    "a new appointment": """
      insert into clinic.appointments (clinic_id, dentist_id, patient_id, appointment_type_id,
        starts_at, ends_at, buffer_before, buffer_after, source)
      select clinic_id, dentist_id, patient_id, appointment_type_id,
        starts_at + interval '4 hours', ends_at + interval '4 hours', '0', '0', 'desk'
      from clinic.appointments
    """,
    "a moved appointment": """
      update clinic.appointments
      set starts_at = starts_at + interval '4 hours', ends_at = ends_at + interval '4 hours'
    """,
    "a new hold": """
      insert into clinic.slot_reservations (clinic_id, dentist_id, appointment_type_id,
        starts_at, ends_at, buffer_before, buffer_after, expires_at)
      select clinic_id, dentist_id, appointment_type_id,
        starts_at + interval '3 hours', ends_at + interval '3 hours', '0', '0', expires_at
      from clinic.slot_reservations
    """,
    "a new time off": """
      insert into clinic.time_off (clinic_id, resource_id, during)
      select clinic_id, resource_id, tstzrange(upper(during), upper(during) + interval '1 hour')
      from clinic.time_off
    """,
    "a moved time off": """
      update clinic.time_off set during = tstzrange(lower(during), upper(during) + interval '1 hour')
    """,
}


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize("what", RAW)
def test_whoever_writes_a_cause_by_hand_waits_too(actors: Actors, riverside: Clinic, what: str) -> None:
    hand = actors.superuser()
    act_behind_lock(actors, riverside.lee, hand, partial(hand.execute, RAW[what])).result()


def test_whoever_takes_a_status_back_by_hand_waits_too(actors: Actors, world: World) -> None:
    call(world.ana, "cancel_appointment", appointment_id=world.appointment["id"])
    hand = actors.superuser()
    back = "update clinic.appointments set status = 'booked', cancelled_at = null"
    act_behind_lock(actors, world.clinic.lee, hand, partial(hand.execute, back)).result()


@pytest.mark.parametrize("function", ["reserve_slot", "book_appointment"])
def test_a_plain_visit_waits_too_and_is_judged_then(
    actors: Actors, ana: Connection, sakura: Clinic, function: str
) -> None:
    slot = {"dentist_id": sakura.lee, "appointment_type_id": sakura.checkup, "starts_at": sakura.at("11:00")}
    outcome = act_behind_lock(actors, sakura.lee, ana, partial(call, ana, function, **slot), close)
    with refused("outside_working_hours"):
        outcome.result()


def close(keeper: Connection) -> None:
    keeper.execute("delete from clinic.working_hours")


@pytest.mark.parametrize("function", ["reserve_slot", "book_appointment"])
def test_hours_that_went_while_one_waited_are_gone(actors: Actors, world: World, function: str) -> None:
    action = partial(call, world.ben, function, **slot(world, "11:00"))
    outcome = act_behind_lock(actors, world.clinic.lee, world.ben, action, close)
    with refused("outside_working_hours"):
        outcome.result()


def test_hours_that_went_where_one_wants_to_move_are_gone(actors: Actors, world: World) -> None:
    move = {"appointment_id": world.appointment["id"], "starts_at": world.clinic.at("11:00")}
    action = partial(call, world.ana, "reschedule_appointment", dentist_id=world.clinic.other, **move)
    outcome = act_behind_lock(actors, world.clinic.other, world.ana, action, close)
    with refused("outside_working_hours"):
        outcome.result()


def test_a_hold_that_was_released_while_one_waited_is_over(actors: Actors, world: World) -> None:
    release = "update clinic.slot_reservations set outcome = 'released', ended_at = clock_timestamp()"
    outcome = act_behind_lock(
        actors, world.clinic.lee, world.ana,
        partial(call, world.ana, "confirm_reservation", reservation_id=world.hold["id"]),
        lambda keeper: keeper.execute(release),
    )  # fmt: skip
    with refused("reservation_expired"):
        outcome.result()


def insert_appointment(world: World, clock: str, day: Any = None) -> Callable[[Connection], Any]:
    """Book by hand: another appointment like Ana's, at this time."""
    start = world.clinic.at(clock, day)
    statement = (
        "insert into clinic.appointments (clinic_id, dentist_id, patient_id, appointment_type_id, starts_at,"
        " ends_at, buffer_before, buffer_after, source)"
        " select clinic_id, dentist_id, patient_id, appointment_type_id, %s, %s, '0', '0', 'desk'"
        " from clinic.appointments where id = %s"
    )
    parameters = [start, start + timedelta(minutes=30), world.appointment["id"]]
    return lambda keeper: keeper.execute(statement, parameters)


def test_time_off_is_stopped_by_what_was_booked_while_it_waited(actors: Actors, world: World) -> None:
    arguments = {
        "clinic_id": world.clinic.id,
        "dentist_id": world.clinic.lee,
        **span(world, "13:00", "15:00"),
    }
    action = partial(call, world.admin, "add_time_off", **arguments)
    outcome = act_behind_lock(
        actors, world.clinic.lee, world.admin, action, insert_appointment(world, "13:30")
    )
    with refused("appointments_in_the_way"):
        outcome.result()


def test_extra_hours_stay_for_what_was_booked_into_them_meanwhile(actors: Actors, world: World) -> None:
    outcome = act_behind_lock(
        actors, world.clinic.lee, world.admin,
        partial(call, world.admin, "remove_extra_hours", extra_hours_id=world.extra_hours),
        insert_appointment(world, "10:30", world.clinic.weekday(7)),
    )  # fmt: skip
    with refused("appointments_in_the_way"):
        outcome.result()


@pytest.mark.parametrize(
    "function",
    ["cancel_appointment", "update_appointment", "set_appointment_status", "reschedule_appointment"],
)
def test_an_appointment_that_moved_to_another_dentist_meanwhile_is_not_changed(
    actors: Actors, world: World, function: str
) -> None:
    """Its calendar is now another one, and nobody has locked that."""
    caller, arguments = CALLS[function](world)
    move = "update clinic.appointments set dentist_id = %s where id = %s"
    outcome = act_behind_lock(
        actors, world.clinic.lee, caller, partial(call, caller, function, **arguments),
        lambda keeper: keeper.execute(move, [world.clinic.other, world.appointment["id"]]),
    )  # fmt: skip
    with refused("stale_version"):
        outcome.result()


# Time goes on while one waits


@pytest.mark.parametrize("function", ["cancel_appointment", "reschedule_appointment"])
def test_the_notice_may_end_while_one_waits(world: World, function: str) -> None:
    world.appointment = book(
        world.ben, world.clinic, world.clinic.at("11:00", world.clinic.weekday(1, weeks=2))
    )
    arguments = CALLS[function](world)[1]
    with world.ben.transaction(force_rollback=True):
        began = world.ben.execute("select now() as at").fetchone()
        assert began is not None
        # The last moment to change it comes right after this transaction's now().
        world.superuser.execute(
            "update clinic.clinics set cancel_grace = '0',"
            " cancellation_notice = %s - %s::timestamptz - interval '1 microsecond'",
            [world.appointment["starts_at"], began["at"]],
        )
        with refused("too_late_to_cancel"):
            call(world.ben, function, **arguments)


@pytest.mark.parametrize("function", ["reserve_slot", "book_appointment"])
def test_a_hold_that_ran_out_while_one_waited_blocks_nobody(world: World, function: str) -> None:
    with world.ben.transaction():
        world.ben.execute("select now()")
        row = world.superuser.execute("select clock_timestamp() as later").fetchone()
        assert row is not None
        with world.superuser.transaction():
            for table in ("slot_reservations", "occupancy"):
                statement = f"update clinic.{table} set expires_at = %s where id = %s"
                world.superuser.execute(statement, [row["later"], world.hold["id"]])
        assert call(world.ben, function, **slot(world, "10:00"))["dentist_id"] == world.clinic.lee


# The order of locks


def later_first(world: World) -> tuple[UUID, UUID]:
    """Return the two dentists in the order of their ids."""
    first, second = sorted((world.clinic.lee, world.clinic.other))
    return first, second


def is_free(actors: Actors, dentist: UUID) -> bool:
    """Whether nobody has this dentist's calendar."""
    query = "select pg_try_advisory_xact_lock(hashtextextended('chairtime:resource:' || %s::text, 0)) as free"
    row = actors.superuser_row(query, str(dentist))
    return bool(row["free"])


def two_holds_ran_out(world: World) -> None:
    first, second = later_first(world)
    for dentist, clock in ((second, "11:00"), (first, "11:30")):
        hold = reserve(world.ben, world.clinic, world.clinic.at(clock), dentist_id=dentist)
        expire_hold(world.superuser, hold["id"])


def two_visits_were_missed(world: World) -> None:
    first, second = later_first(world)
    for dentist, clock, minutes in ((second, "11:00", 200), (first, "11:30", 100)):
        row = book(world.ben, world.clinic, world.clinic.at(clock), dentist_id=dentist)
        world.superuser.execute(
            "update clinic.appointments set starts_at = now() - %(ago)s - interval '10 minutes',"
            " ends_at = now() - %(ago)s where id = %(id)s",
            {"ago": timedelta(minutes=minutes), "id": row["id"]},
        )


def test_a_calendar_that_is_held_keeps_no_other_visit_from_being_found_missed(
    actors: Actors, world: World
) -> None:
    """The job waits for nobody: what it finds in use is for its next run."""
    two_visits_were_missed(world)
    first, _ = later_first(world)
    worker, keeper = actors.superuser(), actors.superuser()
    flag = "select clinic.flag_no_shows() as n"
    with keeper.transaction():
        keeper.execute("select clinic.lock_calendars(%s)", [first])
        assert [worker.execute(flag).fetchone() for _ in range(2)] == [{"n": 1}, {"n": 0}]
    assert worker.execute(flag).fetchone() == {"n": 1}


def test_a_calendar_that_is_held_keeps_no_other_from_being_swept(actors: Actors, world: World) -> None:
    """It is swept when it is free again: it alone is then left, and waited for."""
    two_holds_ran_out(world)
    first, _ = later_first(world)
    worker, keeper = actors.superuser(), actors.superuser()
    sweep = "select clinic.expire_reservations() as n"
    with keeper.transaction():
        keeper.execute("select clinic.lock_calendars(%s)", [first])
        assert worker.execute(sweep).fetchone() == {"n": 1}
        with refused("try_again"):
            worker.execute(sweep)
    action = partial(worker.execute, sweep)
    assert act_behind_lock(actors, first, worker, action).result().fetchone() == {"n": 1}
    assert worker.execute(sweep).fetchone() == {"n": 0}


def test_a_clinic_closes_in_the_order_of_its_dentists_ids(actors: Actors, world: World) -> None:
    first, second = later_first(world)
    seen = []
    off = span(world, "13:00", "14:00")
    action = partial(call, world.admin, "add_time_off", clinic_id=world.clinic.id, **off)
    observe = partial(is_free, actors, second)
    act_behind_lock(actors, first, world.admin, action, lambda _: seen.append(observe())).result()
    assert seen == [True]


def test_a_patient_who_came_while_the_job_looked_is_no_no_show(actors: Actors, world: World) -> None:
    """Checked in by hand, without the calendar: the job waits for the row, and finds them here."""
    world.superuser.execute(
        "update clinic.appointments"
        " set starts_at = now() - interval '3 hours', ends_at = now() - interval '2 hours'"
    )
    worker, keeper = actors.superuser(), actors.superuser()
    stopped = "select from pg_stat_activity where pid = %s and wait_event_type = 'Lock'"
    with ThreadPoolExecutor(1) as pool:
        with keeper.transaction():
            keeper.execute("update clinic.appointments set status = 'checked_in'")
            future = pool.submit(worker.execute, "select clinic.flag_no_shows() as n")
            deadline = time.monotonic() + PATIENCE
            while not world.superuser.execute(stopped, [worker.info.backend_pid]).rowcount:
                assert time.monotonic() < deadline, "it did not wait for the row"
                time.sleep(0.005)
        assert future.result().fetchone() == {"n": 0}
    row = world.superuser.execute("select status from clinic.appointments").fetchone()
    assert row == {"status": "checked_in"}
