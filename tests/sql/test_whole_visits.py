"""A visit is whole or not at all, whoever writes it; and of what changes what can be had, everybody hears."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.support.actors import Actors, Connection, Row, call
from tests.support.build import insert, make_user
from tests.support.practices import Practice, make_practice, parts_of
from tests.support.refusals import parse_refusal, refused
from tests.support.slots import expire_hold
from tests.support.waiting import act_behind_lock, see_it_wait, waits

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
EVERY_DAY = [(day, "08:00", "18:00") for day in range(1, 8)]
CHAIR: Row = {"needs": "chair"}
EXAM: Row = {"needs": "dentist", "starts_after": 20, "lasts": 10}
TABLES = ("occupancy", "appointments", "slot_reservations", "time_off")


@dataclass
class House:
    """A hygienist who leads cleanings in one of two chairs, two dentists of whom one looks in, and staff."""

    practice: Practice
    hygienist: UUID
    dentists: list[UUID]
    chairs: list[UUID]
    cleaning: UUID
    desk: Connection
    admin: Connection

    def at(self, clock: str) -> datetime:
        """Return an instant of a day ahead, by the clinic's clock."""
        day = datetime.now(self.practice.zone).date() + 10 * DAY
        return datetime.combine(day, time.fromisoformat(clock), self.practice.zone)

    def book(self, clock: str) -> Row:
        """Book a cleaning for somebody new."""
        row: Row = call(
            self.desk,
            "book_appointment",
            appointment_type_id=self.cleaning,
            starts_at=self.at(clock),
            patient_id=self.practice.patient(),
        )
        return row

    def hold(self, clock: str) -> Row:
        """Hold a cleaning."""
        row: Row = call(
            self.desk, "reserve_slot", appointment_type_id=self.cleaning, starts_at=self.at(clock)
        )
        return row

    def code(self, clock: str) -> str | None:
        """Return why a cleaning cannot be had; None if it can."""
        asked = {"appointment_type_id": self.cleaning, "starts_at": self.at(clock)}
        code: str | None = call(self.desk, "explain_slot", **asked)["code"]
        return code

    def run(self, statement: str, *parameters: Any) -> list[Row]:
        """Run raw SQL with every right."""
        cursor = self.practice.superuser.execute(statement, parameters)  # type: ignore[arg-type]
        return cursor.fetchall() if cursor.description else []

    def refuses(self, statement: str, *parameters: Any) -> None:
        """Assert that raw SQL, committed on its own, is an error that changes nothing."""
        before = self.snapshot()
        with pytest.raises(psycopg.DatabaseError) as caught:
            self.run(statement, *parameters)
        assert (caught.value.sqlstate or "").startswith(("22", "23", "PGRST")), caught.value
        assert self.snapshot() == before

    def snapshot(self) -> list[list[Row]]:
        """Return all that is claimed, and why."""
        return [self.run(f"select * from clinic.{table} order by 1, 2") for table in TABLES]

    def heard(self) -> list[Row]:
        """Return what everybody who watches availability was told, in order."""
        return self.run(
            "select * from clinic.realtime_events where %s = any (topics) order by id",
            f"availability:{self.practice.id}",
        )


@pytest.fixture
def house(actors: Actors, superuser: Connection) -> Iterator[House]:
    """A clinic in which nobody is booked yet. Whatever is tried, the invariants hold."""
    practice = make_practice(superuser, min_notice=timedelta(0))
    hygienist = practice.person("Hygienist", "hygienist", week=EVERY_DAY)
    dentists = [practice.person(f"Dentist {n}", week=EVERY_DAY) for n in (1, 2)]
    chairs = [practice.thing("Left"), practice.thing("Right")]
    yield House(
        practice,
        hygienist,
        dentists,
        chairs,
        practice.type(40, [hygienist], [CHAIR, EXAM]),
        practice.staff(actors, "receptionist"),
        practice.staff(actors, "admin"),
    )
    assert superuser.execute("select * from clinic.check_invariants()").fetchall() == []


# Raw SQL ----------------------------------------------------------------------------------------------------

OTHER = (
    "(select r.id from clinic.resources as r"
    " where r.clinic_id = o.clinic_id and r.kind = 'chair' and r.id <> o.resource_id limit 1)"
)


@pytest.mark.parametrize("kind", ["book", "hold"])
@pytest.mark.parametrize(
    "statement",
    [
        "delete from clinic.occupancy as o where id = %s and part = 1",
        "delete from clinic.occupancy as o where id = %s and part > 0",
        "delete from clinic.occupancy as o where id = %s and part = 0",
        f"update clinic.occupancy as o set resource_id = {OTHER} where id = %s and part = 1",
        "update clinic.occupancy as o"
        " set during = tstzrange(lower(during), upper(during) + interval '1 minute')"
        " where id = %s and part = 2",
        "update clinic.occupancy as o set part = 7 where id = %s and part = 1",
        "insert into clinic.occupancy (id, part, clinic_id, resource_id, cause, during, expires_at)"
        f" select id, 7, clinic_id, {OTHER}, cause, during, expires_at from clinic.occupancy as o"
        " where id = %s and part = 1",
    ],
)
def test_no_claim_of_a_visit_is_added_moved_or_removed_by_itself(
    house: House, kind: str, statement: str
) -> None:
    visit = getattr(house, kind)("09:00")
    house.refuses(statement, visit["id"])


SMALLER = "array(select p from unnest(parts) as p where p.part <> 1)"


@pytest.mark.parametrize(
    "statement",
    [
        f"update clinic.slot_reservations set parts = {SMALLER} where id = %s",
        "update clinic.slot_reservations set parts = '{}' where id = %s",
        "update clinic.slot_reservations set leads_after = '5 minutes' where id = %s",
        "update clinic.slot_reservations set leads_for = '5 minutes' where id = %s",
        "update clinic.slot_reservations set ends_at = ends_at + interval '5 minutes' where id = %s",
    ],
)
def test_what_a_hold_says_is_what_is_held(house: House, statement: str) -> None:
    house.refuses(statement, house.hold("09:00")["id"])


def test_a_hold_is_confirmed_by_its_appointment_alone_and_brought_back_by_nobody(house: House) -> None:
    held = house.hold("09:00")
    end = "update clinic.slot_reservations set outcome = %s, ended_at = now() where id = %s"
    back = "update clinic.slot_reservations set outcome = null, ended_at = null where id = %s"
    house.refuses(end, "confirmed", held["id"])
    for outcome in ("released", "expired"):
        held = house.hold("09:00")
        house.run(end, outcome, held["id"])
        house.refuses(back, held["id"])
    call(
        house.desk,
        "confirm_reservation",
        reservation_id=house.hold("09:00")["id"],
        patient_id=house.practice.patient(),
    )
    house.refuses(
        back, house.run("select id from clinic.appointments where clinic_id = %s", house.practice.id)[0]["id"]
    )


def test_parts_that_are_edited_are_claimed_and_freed_with_the_edit(
    house: House, superuser: Connection
) -> None:
    visit = house.book("09:00")
    house.run(f"update clinic.appointments set parts = {SMALLER} where id = %s", visit["id"])
    assert [claim["part"] for claim in parts_of(superuser, visit["id"])] == [0, 2]
    house.run("update clinic.appointments set leads_after = '5 minutes' where id = %s", visit["id"])
    assert parts_of(superuser, visit["id"])[0]["starts_at"] == house.at("09:05")


@pytest.mark.parametrize(
    "parts",
    [
        "array[row(1, 'chair', null, '0', null, null)::clinic.visit_part]",  # of nobody
        "array[row(1, 'chair', null, '0', null, gen_random_uuid())::clinic.visit_part]",  # not there
        "array[row(0, 'chair', null, '0', null, dentist_id)::clinic.visit_part]",  # twice the leader's
        "parts || parts[1]",  # one part twice
        "null",
    ],
)
def test_parts_that_cannot_be_claimed_are_refused(house: House, parts: str) -> None:
    visit = house.book("09:00")
    house.refuses(f"update clinic.appointments set parts = {parts} where id = %s", visit["id"])


def test_raw_sql_does_not_take_what_others_have(house: House) -> None:
    visit = house.book("09:00")
    plain = house.practice.type(30, house.dentists, [CHAIR])
    for dentist in house.dentists:
        asked = {"appointment_type_id": plain, "dentist_id": dentist, "starts_at": house.at("11:00")}
        call(house.desk, "book_appointment", **asked, patient_id=house.practice.patient())
    house.refuses(
        "update clinic.appointments"
        " set starts_at = starts_at + interval '2 hours', ends_at = ends_at + interval '2 hours'"
        " where id = %s",
        visit["id"],
    )


COPY = """
insert into clinic.{table}
  (clinic_id, dentist_id, patient_id, appointment_type_id, starts_at, ends_at, buffer_before, buffer_after,
   {more})
values
  (%(clinic)s, %(dentist)s, %(patient)s, %(type)s, %(at)s, %(at)s + interval '40 minutes', '0', '0', {values})
returning id
"""
BOOKED = COPY.format(table="appointments", more="source, status", values="'desk', %(status)s")
BOOKED_BARE = COPY.format(
    table="appointments", more="source, status, parts", values="'desk', %(status)s, '{}'"
)
HELD = COPY.format(table="slot_reservations", more="expires_at", values="now() + interval '5 minutes'")
HELD_BARE = COPY.format(
    table="slot_reservations", more="expires_at, parts", values="now() + interval '5 minutes', '{}'"
)


def copy(house: House, clock: str, status: str = "booked", statement: str = BOOKED) -> UUID:
    """Insert a visit as somebody does who knows nothing of parts; return its id."""
    parameters = {
        "clinic": house.practice.id,
        "dentist": house.hygienist,
        "patient": house.practice.patient(),
        "type": house.cleaning,
        "at": house.at(clock),
        "status": status,
    }
    row = house.practice.superuser.execute(statement, parameters).fetchone()  # type: ignore[arg-type]
    assert row is not None
    identifier: UUID = row["id"]
    return identifier


@pytest.mark.parametrize("statement", [BOOKED, BOOKED_BARE, HELD, HELD_BARE])
def test_who_inserts_a_visit_without_its_parts_gets_what_the_type_needs(
    house: House, superuser: Connection, statement: str
) -> None:
    claims = parts_of(superuser, copy(house, "09:00", statement=statement))
    assert [(claim["part"], claim["starts_at"], claim["ends_at"]) for claim in claims] == [
        (0, house.at("09:00"), house.at("09:40")),
        (1, house.at("09:00"), house.at("09:40")),
        (2, house.at("09:20"), house.at("09:30")),
    ]
    assert claims[1]["resource_id"] in house.chairs
    assert claims[2]["resource_id"] in house.dentists


@pytest.mark.parametrize("statement", [BOOKED, BOOKED_BARE])
def test_history_takes_nothing(house: House, superuser: Connection, statement: str) -> None:
    assert parts_of(superuser, copy(house, "12:00", "fulfilled", statement)) == []


def test_what_was_held_is_booked_as_it_was_promised_whatever_the_type_needs_by_now(
    house: House, superuser: Connection
) -> None:
    plain = house.practice.type(30, house.dentists)
    asked = {"appointment_type_id": plain, "starts_at": house.at("09:00")}
    held = call(house.desk, "reserve_slot", **asked, patient_id=house.practice.patient())
    before = parts_of(superuser, held["id"])
    call(house.admin, "set_visit_parts", appointment_type_id=plain, parts=[CHAIR])
    call(house.desk, "confirm_reservation", reservation_id=held["id"])
    assert parts_of(superuser, held["id"]) == [claim | {"cause": "appointment"} for claim in before]
    assert len(before) == 1


def test_who_inserts_a_visit_for_which_a_part_is_missing_is_refused(house: House) -> None:
    for chair in house.chairs:
        insert(
            house.practice.superuser,
            "time_off",
            clinic_id=house.practice.id,
            resource_id=chair,
            during=f"[{house.at('09:30').isoformat()},{house.at('10:30').isoformat()})",
        )
    before = house.snapshot()
    with pytest.raises(psycopg.Error) as caught:
        copy(house, "09:00")
    assert parse_refusal(caught.value).code == "slot_taken"
    assert house.snapshot() == before


HALF = """
insert into clinic.{table}
  (clinic_id, dentist_id, patient_id, appointment_type_id, starts_at, ends_at, buffer_before, buffer_after,
   parts, {columns})
select
  clinic_id, %(dentist)s, patient_id, appointment_type_id, %(at)s, %(at)s + interval '40 minutes', '0', '0',
  parts[:%(kept)s], {values}
from clinic.appointments where id = %(id)s
"""


@pytest.mark.parametrize(
    ("table", "columns", "values"),
    [
        ("appointments", "source", "'desk'"),
        ("slot_reservations", "expires_at", "now() + interval '1 minute'"),
    ],
)
def test_who_inserts_half_a_visit_on_purpose_is_refused(
    house: House, superuser: Connection, table: str, columns: str, values: str
) -> None:
    visit = house.book("09:00")
    statement = HALF.format(table=table, columns=columns, values=values)
    given = {"id": visit["id"], "dentist": house.hygienist, "at": house.at("12:00")}
    with pytest.raises(psycopg.errors.IntegrityConstraintViolation):
        superuser.execute(statement, {**given, "kept": 1})  # type: ignore[arg-type]
    superuser.execute(statement, {**given, "kept": 2})  # type: ignore[arg-type]
    assert superuser.execute("select * from clinic.check_invariants()").fetchall() == []


def test_what_was_booked_or_held_before_its_type_needed_more_stays_as_it_is(
    house: House, superuser: Connection
) -> None:
    plain = house.practice.type(30, [house.hygienist])
    wish = {
        "appointment_type_id": plain,
        "dentist_id": house.hygienist,
        "patient_id": house.practice.patient(),
    }
    booked = call(house.desk, "book_appointment", **wish, starts_at=house.at("09:00"))
    held = call(house.desk, "reserve_slot", **wish, starts_at=house.at("10:00"))
    insert(
        superuser, "type_parts", appointment_type_id=plain, clinic_id=house.practice.id, part=1, needs="chair"
    )
    confirmed = call(house.desk, "confirm_reservation", reservation_id=held["id"])
    for visit in (booked, confirmed):
        call(house.desk, "cancel_appointment", appointment_id=visit["id"])
        call(house.desk, "set_appointment_status", appointment_id=visit["id"], status="booked")
        assert [claim["part"] for claim in parts_of(superuser, visit["id"])] == [0]
    after = call(house.desk, "book_appointment", **wish, starts_at=house.at("11:00"))
    assert [claim["part"] for claim in parts_of(superuser, after["id"])] == [0, 1]


def test_half_a_visit_is_told_by_the_proof(house: House, superuser: Connection) -> None:
    visit = house.book("09:00")
    with superuser.transaction(force_rollback=True):
        superuser.execute("delete from clinic.occupancy where id = %s and part = 2", [visit["id"]])
        found = superuser.execute("select violation, entity_id from clinic.check_invariants()").fetchall()
        assert found == [{"violation": "cause_without_claim", "entity_id": visit["id"]}]
        again = superuser.execute(
            "select violation from clinic.check_invariants(array[%s::uuid])", [visit["id"]]
        )
        assert again.rowcount == 1


# All parts together -----------------------------------------------------------------------------------------


def test_what_ends_frees_all_its_parts_and_what_moves_takes_them_along(
    house: House, superuser: Connection
) -> None:
    visit = house.book("09:00")
    moved = call(
        house.desk, "reschedule_appointment", appointment_id=visit["id"], starts_at=house.at("10:00")
    )
    assert [claim["starts_at"] for claim in parts_of(superuser, moved["id"])] == [
        house.at("10:00"),
        house.at("10:00"),
        house.at("10:20"),
    ]
    assert house.code("09:00") is None
    call(house.desk, "cancel_appointment", appointment_id=visit["id"])
    held = house.hold("10:00")
    assert len(parts_of(superuser, held["id"])) == 3
    call(house.desk, "release_reservation", reservation_id=held["id"])
    expired = house.hold("10:00")
    expire_hold(superuser, expired["id"])
    superuser.execute("select clinic.expire_reservations()")
    done = house.book("11:00")
    superuser.execute(
        "update clinic.appointments"
        " set starts_at = now() - interval '1 hour', ends_at = now() - interval '20 minutes' where id = %s",
        [done["id"]],
    )
    for status in ("checked_in", "fulfilled"):
        call(house.desk, "set_appointment_status", appointment_id=done["id"], status=status)
    for row in (visit, held, expired, done):
        assert parts_of(superuser, row["id"]) == []


def test_a_dead_hold_makes_room_with_all_its_parts(house: House, superuser: Connection) -> None:
    """Both chairs are held by two who are gone: somebody new needs one of them."""
    plain = house.practice.type(30, house.dentists, [CHAIR])
    holds = [
        call(
            house.desk,
            "reserve_slot",
            appointment_type_id=plain,
            dentist_id=dentist,
            starts_at=house.at("09:00"),
            patient_id=house.practice.patient(),
        )
        for dentist in house.dentists
    ]
    assert house.code("09:00") == "slot_taken"
    for hold in holds:
        expire_hold(superuser, hold["id"])
    visit = house.book("09:00")
    assert len(parts_of(superuser, visit["id"])) == 3
    assert {len(parts_of(superuser, hold["id"])) for hold in holds} <= {0, 2}


# Who and what -----------------------------------------------------------------------------------------------


def away(house: House, resource: UUID) -> None:
    """Let somebody be away, or a chair be out of order, for the day."""
    insert(
        house.practice.superuser,
        "time_off",
        clinic_id=house.practice.id,
        resource_id=resource,
        during=f"[{house.at('08:00').isoformat()},{house.at('18:00').isoformat()})",
    )


def asked_at_nine(house: House, visit: UUID, who: UUID | None = None) -> list[str | None]:
    """Return what explaining and booking answer for nine o'clock."""
    wish = {"appointment_type_id": visit, "dentist_id": who, "starts_at": house.at("09:00")}
    code: str | None = call(house.desk, "explain_slot", **wish)["code"]
    try:
        with house.desk.transaction(force_rollback=True):
            call(house.desk, "book_appointment", **wish, patient_id=house.practice.patient())
    except psycopg.Error as error:
        return [code, parse_refusal(error).code]
    return [code, None]


def test_who_leads_does_not_look_in_on_themselves(house: House) -> None:
    visit = house.practice.type(40, house.dentists, [EXAM])
    assert asked_at_nine(house, visit, house.dentists[0]) == [None, None]
    away(house, house.dentists[1])
    assert asked_at_nine(house, visit, house.dentists[0]) == ["slot_taken"] * 2
    # But who leads only the beginning may.
    short = house.practice.type(40, house.dentists, [EXAM, {"needs": "leader", "lasts": 20}])
    assert asked_at_nine(house, short, house.dentists[0]) == [None, None]


def test_two_parts_at_once_need_two_and_one_after_the_other_one(house: House) -> None:
    at_once = house.practice.type(40, [house.hygienist], [CHAIR, CHAIR])
    in_turn = house.practice.type(
        40, [house.hygienist], [CHAIR | {"lasts": 20}, CHAIR | {"starts_after": 20}]
    )
    assert asked_at_nine(house, at_once) == asked_at_nine(house, in_turn) == [None, None]
    away(house, house.chairs[0])
    assert asked_at_nine(house, at_once) == ["slot_taken"] * 2
    assert asked_at_nine(house, in_turn) == [None, None]


def test_parts_that_are_alike_are_not_tried_in_every_order(house: House) -> None:
    """Seven of ten chairs are chosen in 120 ways, and put into order in 604,800."""
    for n in range(8):
        house.practice.thing(f"Chair {n}")
    visit = house.practice.type(40, [house.hygienist], [CHAIR] * 7)
    for chair in house.chairs:
        away(house, chair)
    house.desk.execute("set statement_timeout = '15s'")
    assert asked_at_nine(house, visit) == [None, None]
    house.run("update clinic.resources set is_active = false where name in ('Chair 1', 'Chair 2')")
    assert asked_at_nine(house, visit) == ["slot_taken"] * 2


def test_a_part_that_would_take_anything_leaves_the_picky_one_what_it_needs(
    house: House, superuser: Connection
) -> None:
    for only in house.chairs:
        visit = house.practice.type(40, [house.hygienist], [CHAIR, CHAIR | {"only_resources": [only]}])
        assert asked_at_nine(house, visit) == [None, None]


def test_staff_are_told_which_part_is_missing_and_patients_that_it_is_taken(
    house: House, actors: Actors, superuser: Connection
) -> None:
    for chair in house.chairs:
        away(house, chair)
    wish = {"appointment_type_id": house.cleaning, "starts_at": house.at("09:00")}
    assert call(house.desk, "explain_slot", **wish)["message"] == "No chair is free from 09:00 to 09:40."
    patient = actors.user(f"{make_user(superuser)}@made.test")
    assert call(patient, "explain_slot", **wish)["message"] == "This time is already taken."


def test_what_a_visit_has_itself_is_not_missing_where_it_moves(house: House, superuser: Connection) -> None:
    """Its own chair is the only one; the only one to look in is busy with somebody else."""
    call(house.admin, "update_resource", resource_id=house.chairs[1], is_active=False)
    visit = house.book("09:00")
    plain = house.practice.type(40, house.dentists)
    for dentist in house.dentists:
        asked = {"appointment_type_id": plain, "dentist_id": dentist, "starts_at": house.at("09:30")}
        call(house.desk, "book_appointment", **asked, patient_id=house.practice.patient())
    told = call(
        house.desk,
        "explain_slot",
        appointment_type_id=house.cleaning,
        appointment_id=visit["id"],
        starts_at=house.at("09:15"),
    )
    assert (told["code"], told["message"]) == ("slot_taken", "No dentist is free from 09:35 to 09:45.")


def test_the_sweeper_lets_go_of_what_it_cannot_sweep(
    house: House, actors: Actors, superuser: Connection
) -> None:
    """Somebody is about to book with one chair: who wants the other calendars is not kept waiting."""
    waiting, swept = (
        call(
            house.desk,
            "reserve_slot",
            appointment_type_id=visit,
            dentist_id=dentist,
            starts_at=house.at("09:00"),
        )
        for dentist, visit in (
            (one, house.practice.type(30, [one], [CHAIR | {"only_resources": [chair]}]))
            for one, chair in zip(house.dentists, house.chairs, strict=True)
        )
    )
    for hold in (waiting, swept):
        expire_hold(superuser, hold["id"])
    lock = "select pg_try_advisory_xact_lock(clinic.calendar_key(%s)) as got"
    with (
        actors.superuser() as books,
        actors.superuser() as sweeper,
        books.transaction(),
        sweeper.transaction(),
    ):
        assert books.execute(lock, [house.chairs[0]]).fetchone() == {"got": True}
        assert sweeper.execute("select clinic.expire_reservations() as swept").fetchone() == {"swept": 1}
        assert books.execute(lock, [house.dentists[0]]).fetchone() == {"got": True}


@pytest.mark.parametrize(
    "function", ["book_appointment", "reserve_slot", "reschedule_appointment", "confirm_reservation"]
)
def test_who_takes_the_place_of_a_dead_hold_waits_for_the_rest_of_it(
    house: House, actors: Actors, superuser: Connection, function: str
) -> None:
    """A visit of its dentist alone, where a hold that ran out has a chair that somebody is about to book."""
    dentist, who = house.dentists[0], {"patient_id": house.practice.patient()}
    plain = {"appointment_type_id": house.practice.type(30, [dentist]), "dentist_id": dentist}
    visit = {"appointment_type_id": house.practice.type(30, [dentist], [CHAIR]), "dentist_id": dentist}
    nine = {"starts_at": house.at("09:00")}
    moved = call(house.desk, "book_appointment", **plain, **who, starts_at=house.at("12:00"))
    holds = []
    for kind in (plain, visit):
        holds.append(call(house.admin, "reserve_slot", **kind, **nine))
        expire_hold(superuser, holds[-1]["id"])
    asked = {
        "reschedule_appointment": {"appointment_id": moved["id"], **nine},
        "confirm_reservation": {"reservation_id": holds[0]["id"], **who},
    }.get(function, plain | who | nine)
    chair = parts_of(superuser, holds[1]["id"])[1]["resource_id"]
    act_behind_lock(actors, chair, house.desk, lambda: call(house.desk, function, **asked)).result()


def test_where_any_will_do_it_is_who_and_what_has_the_least_to_do_that_day(
    house: House, superuser: Connection
) -> None:
    chairs, dentists = sorted(house.chairs), sorted(house.dentists)

    def takes(visit: Row) -> tuple[UUID, UUID]:
        _, chair, exam = parts_of(superuser, visit["id"])
        return chair["resource_id"], exam["resource_id"]

    # Of another day nothing counts.
    insert(
        superuser,
        "time_off",
        clinic_id=house.practice.id,
        resource_id=chairs[0],
        during=f"[{house.at('00:00') - 2 * DAY},{house.at('00:00')})",
    )
    assert takes(house.book("09:00")) == (chairs[0], dentists[0])
    assert takes(house.book("10:00")) == (chairs[1], dentists[1])
    long = house.practice.type(60, [dentists[0]], [CHAIR | {"only_resources": [chairs[0]]}])
    asked = {"appointment_type_id": long, "starts_at": house.at("11:00")}
    call(house.desk, "book_appointment", **asked, patient_id=house.practice.patient())
    assert takes(house.book("13:00")) == (chairs[1], dentists[1])
    assert takes(house.book("14:00")) == (chairs[1], dentists[1])
    assert takes(house.book("15:00")) == (chairs[0], dentists[1])


def test_what_is_held_of_a_chair_that_goes_out_of_use_is_released_whole(
    house: House, superuser: Connection
) -> None:
    held = house.hold("09:00")
    chair = parts_of(superuser, held["id"])[1]["resource_id"]
    call(house.admin, "update_resource", resource_id=chair, is_active=False)
    assert parts_of(superuser, held["id"]) == []
    assert house.run("select outcome from clinic.slot_reservations where id = %s", held["id"]) == [
        {"outcome": "released"}
    ]
    again = house.hold("09:00")
    assert parts_of(superuser, again["id"])[1]["resource_id"] != chair


def test_a_chair_that_came_into_use_while_one_waited_is_not_waited_for_out_of_order(
    house: House, actors: Actors, superuser: Connection
) -> None:
    old, new = house.chairs
    call(house.admin, "update_resource", resource_id=new, is_active=False)
    away(house, old)
    visit = house.practice.type(30, house.dentists, [CHAIR])
    asked = {
        "appointment_type_id": visit,
        "starts_at": house.at("09:30"),
        "patient_id": house.practice.patient(),
    }
    keeper, other = actors.superuser(), actors.superuser()
    with ThreadPoolExecutor(1) as pool, other.transaction():
        other.execute("select clinic.lock_calendars(%s)", [new])
        with keeper.transaction():
            keeper.execute("select clinic.lock_calendars(%s)", [old])
            booked = pool.submit(lambda: call(house.desk, "book_appointment", **asked))
            see_it_wait(superuser, house.desk, booked)
            # Without what would tell others, who wait for whoever books.
            keeper.execute("set local session_replication_role = replica")
            keeper.execute("update clinic.resources set is_active = true where id = %s", [new])
        while not booked.done():
            assert not waits(superuser, house.desk)
    with refused("try_again"):
        booked.result()


# Definition -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "parts",
    [
        [{"needs": "sofa"}],
        [{}],
        {"needs": "chair"},
        [{"needs": "chair", "starts_after": "40 minutes"}],
        [{"needs": "chair", "starts_after": "30 minutes", "lasts": "11 minutes"}],
        [{"needs": "chair", "lasts": "0 minutes"}],
        [{"needs": "chair", "starts_after": "-5 minutes"}],
        [{"needs": "chair", "lasts": "soon"}],
        [{"needs": "assistant"}],
        [{"needs": "chair"}] * 3,
        [{"needs": "equipment"}],
        [{"needs": "chair", "only_resources": []}],
        [{"needs": "chair", "only_resources": ["Left"]}],
        [{"needs": "leader"}, {"needs": "leader"}],
        [{"needs": "dentist", "only_resources": ["HYGIENIST"]}],
        [{"needs": "hygienist"}],
        [{"needs": "chair"}] * 13,
        # Seconds, to Postgres; and what is misspelt would last all the time.
        [{"needs": "dentist", "starts_after": 20}],
        [{"needs": "dentist", "lasts": "10"}],
        [{"needs": "dentist", "start_after": "20 minutes"}],
        [{"needs": "dentist", "only_resources": ["DENTIST", "HYGIENIST"]}],
    ],
)
def test_parts_that_make_no_sense_or_could_never_be_had_are_refused_where_they_are_defined(
    house: House, parts: Any
) -> None:
    before = house.run("select * from clinic.type_parts order by appointment_type_id, part")
    people = {"HYGIENIST": house.hygienist, "DENTIST": house.dentists[0]}
    for part in parts:
        if isinstance(part, dict) and part.get("only_resources"):
            part["only_resources"] = [str(people.get(name, name)) for name in part["only_resources"]]
    with refused("invalid_argument"):
        call(house.admin, "set_visit_parts", appointment_type_id=house.cleaning, parts=parts)
    assert house.run("select * from clinic.type_parts order by appointment_type_id, part") == before


def test_a_part_lies_within_the_visit_also_of_who_takes_the_shortest_time(house: House) -> None:
    """The exam is over after half an hour."""
    asked: Row = {"dentist_id": house.hygienist, "appointment_type_ids": [house.cleaning]}
    for minutes, is_enough in ((29, False), (30, True)):
        statement = (
            "select * from api.set_dentist_types("
            "dentist_id => %s, appointment_type_ids => %s, durations => %s)"
        )
        parameters = [*asked.values(), Jsonb({str(house.cleaning): f"{minutes} minutes"})]
        with nullcontext() if is_enough else refused("invalid_argument"):
            house.admin.execute(statement, parameters)
    for lasts, is_enough in (("31 minutes", False), ("30 minutes", True)):
        with nullcontext() if is_enough else refused("invalid_argument"):
            parts = [{"needs": "chair", "lasts": lasts}]
            call(house.admin, "set_visit_parts", appointment_type_id=house.cleaning, parts=parts)


def test_parts_are_an_admins_to_set_and_bind_future_visits_only(
    house: House, actors: Actors, superuser: Connection
) -> None:
    visit = house.book("09:00")
    asked = {
        "appointment_type_id": house.cleaning,
        "parts": [{"needs": "leader", "lasts": "30 minutes"}, CHAIR],
    }
    for connection, code in (
        (house.desk, "forbidden"),
        (actors.user(f"{make_user(superuser)}@made.test"), "not_found"),
        (actors.anon(), "not_authenticated"),
    ):
        with refused(code):
            call(connection, "set_visit_parts", **asked)
    with refused("not_found"):
        call(house.admin, "set_visit_parts", **asked | {"appointment_type_id": uuid4()})
    with refused("not_found"):
        strange = [{"needs": "chair", "only_resources": [str(uuid4())]}]
        call(house.admin, "set_visit_parts", **asked | {"parts": strange})
    rows = call(house.admin, "set_visit_parts", **asked)
    assert [(row["part"], row["needs"]) for row in rows] == [(0, "leader"), (1, "chair")]
    assert len(parts_of(superuser, visit["id"])) == 3
    later = house.book("09:30") if house.code("09:30") is None else house.book("11:00")
    claims = parts_of(superuser, later["id"])
    assert [(claim["part"], claim["ends_at"] - claim["starts_at"]) for claim in claims] == [
        (0, 30 * MINUTE),
        (1, 40 * MINUTE),
    ]


def test_types_that_can_never_be_booked_are_named(house: House, superuser: Connection) -> None:
    house.practice.type(30, [], name="Nobody's")
    house.practice.type(30, house.dentists, [{"needs": "assistant"}], name="Without an assistant")
    house.practice.type(
        30, house.dentists[:1], [{"needs": "dentist"}, {"needs": "dentist"}], name="Three dentists"
    )
    house.practice.type(30, house.dentists[:1], [{"needs": "dentist"}], name="Two dentists")
    slug = superuser.execute("select slug from clinic.clinics where id = %s", [house.practice.id]).fetchone()
    assert slug is not None
    rows = superuser.execute("select * from clinic.unbookable_types() where clinic_slug = %s", [slug["slug"]])
    assert {row["type_name"]: row["reason"] for row in rows} == {
        "Nobody's": "nobody leads it",
        "Without an assistant": "no assistant will do for its part 1",
        "Three dentists": "its parts need more people or things at once than there are",
    }


# Whoever watches availability -------------------------------------------------------------------------------


def resource_off(house: House) -> None:
    call(house.admin, "update_resource", resource_id=house.chairs[0], is_active=False)


def new_resource(house: House) -> None:
    call(house.admin, "create_resource", clinic_id=house.practice.id, name="Third", kind="chair")


def chair_away(house: House) -> None:
    call(
        house.desk,
        "add_time_off",
        clinic_id=house.practice.id,
        resource_id=house.chairs[0],
        starts_at=house.at("09:00"),
        ends_at=house.at("10:00"),
        reason="Secret",
    )


def person_away(house: House) -> None:
    call(
        house.desk,
        "add_time_off",
        clinic_id=house.practice.id,
        dentist_id=house.dentists[0],
        starts_at=house.at("09:00"),
        ends_at=house.at("10:00"),
        reason="Secret",
    )


def closed(house: House) -> None:
    call(
        house.admin,
        "add_time_off",
        clinic_id=house.practice.id,
        starts_at=house.at("09:00"),
        ends_at=house.at("10:00"),
        reason="Secret",
    )


def other_parts(house: House) -> None:
    call(house.admin, "set_visit_parts", appointment_type_id=house.cleaning, parts=[])


def others_do_it(house: House) -> None:
    call(
        house.admin,
        "set_dentist_types",
        dentist_id=house.dentists[0],
        appointment_type_ids="{%s}" % house.cleaning,  # noqa: UP031
    )


def nobody_does_it_any_more(house: House) -> None:
    call(house.admin, "set_dentist_types", dentist_id=house.hygienist, appointment_type_ids="{}")


def the_last_one_leaves(house: House) -> None:
    call(house.admin, "update_dentist", dentist_id=house.hygienist, is_active=False)


def other_policy(house: House) -> None:
    call(house.admin, "update_clinic_policy", clinic_id=house.practice.id, slot_interval="1 hour")


def other_zone(house: House) -> None:
    call(house.admin, "update_clinic", clinic_id=house.practice.id, time_zone="Asia/Tokyo")


def other_rules(house: House) -> None:
    call(house.admin, "update_appointment_type", appointment_type_id=house.cleaning, min_notice="30 days")


def other_profession(house: House) -> None:
    call(house.admin, "update_dentist", dentist_id=house.dentists[0], profession="assistant")


def who_leaves(house: House) -> None:
    call(house.admin, "update_dentist", dentist_id=house.dentists[0], is_active=False)


def other_hours(house: House) -> None:
    call(house.admin, "set_availability", dentist_id=house.dentists[0], weekly=[])


def booked(house: House) -> None:
    house.book("09:00")


def held(house: House) -> None:
    house.hold("09:00")


def booked_elsewhere_in_a_chair(house: House) -> None:
    visit = house.practice.type(30, house.dentists[:1], [CHAIR])
    call(
        house.desk,
        "book_appointment",
        appointment_type_id=visit,
        starts_at=house.at("14:00"),
        patient_id=house.practice.patient(),
    )


CHANGES = (
    resource_off,
    new_resource,
    chair_away,
    person_away,
    closed,
    other_parts,
    others_do_it,
    nobody_does_it_any_more,
    the_last_one_leaves,
    other_policy,
    other_zone,
    other_rules,
    other_profession,
    who_leaves,
    other_hours,
    booked,
    held,
    booked_elsewhere_in_a_chair,
)


@pytest.mark.parametrize("change", CHANGES)
def test_who_watches_availability_hears_of_what_can_change_a_listing_and_not_which_or_why(
    house: House, change: Any
) -> None:
    before = house.heard()
    change(house)
    told = house.heard()[len(before) :]
    assert {event["event"] for event in told} & {"availability_changed", "slot_taken", "hours_changed"}
    for event in told:
        assert set(event["payload"]) <= {
            "event_id",
            "occurred_at",
            "event",
            "clinic_id",
            "dentist_id",
            "dentist_seq",
            "starts_at",
            "ends_at",
        }
        text = str(event["payload"])
        assert "Secret" not in text
        assert not any(str(chair) in text for chair in house.chairs)


def test_a_visit_is_told_to_who_looks_in_and_to_who_wants_its_chair(
    house: House, superuser: Connection
) -> None:
    before = len(house.heard())
    visit = house.book("09:00")
    examiner = parts_of(superuser, visit["id"])[2]["resource_id"]
    told = [(e["event"], e["dentist_id"], e["payload"]["starts_at"]) for e in house.heard()[before:]]
    instants = [(event, who, datetime.fromisoformat(at)) for event, who, at in told]
    assert set(instants) == {
        ("slot_taken", house.hygienist, house.at("09:00")),
        ("availability_changed", house.hygienist, house.at("09:00")),
        ("slot_taken", examiner, house.at("09:20")),
    }
    before = len(house.heard())
    call(house.desk, "cancel_appointment", appointment_id=visit["id"])
    assert {(e["event"], e["dentist_id"]) for e in house.heard()[before:]} == {
        ("slot_freed", house.hygienist),
        ("availability_changed", house.hygienist),
        ("slot_freed", examiner),
    }
    # Where no chair is taken, nothing else has changed.
    examined = house.practice.type(40, [house.hygienist], [EXAM])
    before = len(house.heard())
    asked = {"appointment_type_id": examined, "starts_at": house.at("11:00")}
    call(house.desk, "book_appointment", **asked, patient_id=house.practice.patient())
    assert {e["event"] for e in house.heard()[before:]} == {"slot_taken"}
    # And so is a move to another chair alone.
    visit = house.book("09:00")
    chair = parts_of(superuser, visit["id"])[1]["resource_id"]
    (other,) = set(house.chairs) - {chair}
    before = len(house.heard())
    call(house.desk, "move_to_resource", appointment_id=visit["id"], part=1, resource_id=other)
    assert "availability_changed" in {e["event"] for e in house.heard()[before:]}
