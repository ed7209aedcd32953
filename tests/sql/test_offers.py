"""Who does what, for whom, how often: the same answer at every door."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from tests.support.actors import Actors, Connection, Row, call
from tests.support.build import insert, make_user
from tests.support.practices import Practice, make_practice, parts_of
from tests.support.refusals import parse_refusal, refused
from tests.support.slots import expire_hold

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
EVERY_DAY = [(day, "08:00", "18:00") for day in range(1, 8)]
DOORS = ("available_slots", "next_slots", "explain_slot", "reserve_slot", "book_appointment")


@dataclass
class House:
    """A clinic with two dentists and a hygienist, and people who ask at its doors."""

    practice: Practice
    dentists: list[UUID]
    hygienist: UUID
    patient: Connection
    desk: Connection
    admin: Connection
    bot: Connection

    def at(self, clock: str, days: int = 10) -> datetime:
        """Return an instant of a day ahead, by the clinic's clock."""
        day = datetime.now(self.practice.zone).date() + days * DAY
        return datetime.combine(day, time.fromisoformat(clock), self.practice.zone)

    def answers(
        self, connection: Connection, start: datetime, visit: UUID, who: UUID | None = None
    ) -> set[str | None]:
        """Return what the doors say of a slot: codes, or None where it can be had. Nothing is changed.

        That it is not among those that are listed is `unlisted`.
        """
        wish = {"appointment_type_id": visit, "dentist_id": who}
        return {self._answer(connection, door, wish, start) for door in DOORS}

    def _answer(self, connection: Connection, door: str, wish: Row, start: datetime) -> str | None:
        day = start.astimezone(self.practice.zone).date()
        asked: Row = {
            "available_slots": {"from_date": day, "to_date": day},
            "next_slots": {"from_time": start, "max_results": 1},
        }.get(door, {"starts_at": start})
        if door == "book_appointment" and connection is self.desk:
            asked["patient_id"] = self.practice.patient()
        try:
            with connection.transaction(force_rollback=True):
                answer = call(connection, door, **wish, **asked)
        except psycopg.Error as error:
            return parse_refusal(error).code
        if door == "explain_slot":
            code: str | None = answer["code"]
            return code
        listed = isinstance(answer, list)
        return "unlisted" if listed and start not in [row["starts_at"] for row in answer] else None

    def offer(self, visit: UUID, **asked: Any) -> Row:
        """Return what a chatbot is answered that asks for this visit."""
        row = self.practice.superuser.execute(
            "select c.slug, t.name from clinic.clinics as c, clinic.appointment_types as t"
            " where t.id = %s and c.id = t.clinic_id",
            [visit],
        ).fetchone()
        assert row is not None
        answer: Row = call(
            self.bot, "chatbot_find_slots", clinic_slug=row["slug"], service=row["name"], **asked
        )
        return answer

    def change(self, visit: UUID, **rules: Any) -> None:
        """Change a type as its admin does."""
        call(self.admin, "update_appointment_type", appointment_type_id=visit, **rules)


@pytest.fixture
def house(actors: Actors, superuser: Connection) -> Iterator[House]:
    """A clinic in which nobody is booked yet, and there is no notice."""
    practice = make_practice(superuser, min_notice=timedelta(0))
    yield House(
        practice,
        sorted(practice.person(f"Dentist {name}", week=EVERY_DAY) for name in ("Ames", "Boyle")),
        practice.person("Hygienist Cole", "hygienist", week=EVERY_DAY),
        actors.user(f"{make_user(superuser, 'Asks')}@made.test"),
        *(practice.staff(actors, role) for role in ("receptionist", "admin", "chatbot")),
    )
    assert superuser.execute("select * from clinic.check_invariants()").fetchall() == []


def ids(*values: UUID) -> str:
    """Return ids as an array that Postgres reads."""
    return "{" + ",".join(map(str, values)) + "}"


# Who does what ----------------------------------------------------------------------------------------------


def test_only_who_does_it_is_listed_explained_held_booked_and_offered(house: House) -> None:
    canal = house.practice.type(60, house.dentists[:1], name="Root canal")
    house.practice.type(20, [house.hygienist])
    start = house.at("09:00")
    for connection in (house.patient, house.desk):
        assert house.answers(connection, start, canal, house.dentists[0]) == {None}
        assert house.answers(connection, start, canal) == {None}
        for other in (house.dentists[1], house.hygienist):
            assert house.answers(connection, start, canal, other) == {"not_offered"}
    assert {offer["dentist_id"] for offer in house.offer(canal, max_results=10)["offers"]} == {
        str(house.dentists[0])
    }
    assert house.offer(canal, dentist="Hygienist Cole")["status"] == "choose_dentist"


def test_what_nobody_does_is_offered_to_nobody(house: House) -> None:
    orphan = house.practice.type(30, [], name="Orphan")
    start = house.at("09:00")
    for connection in (house.patient, house.desk):
        assert house.answers(connection, start, orphan) == {"unlisted", "not_offered"}
        assert house.answers(connection, start, orphan, house.dentists[0]) == {"not_offered"}


def test_who_does_it_is_set_with_how_long_they_take(house: House, superuser: Connection) -> None:
    checkup = house.practice.type(30, house.dentists)
    rows = call(
        house.admin,
        "set_dentist_types",
        dentist_id=house.hygienist,
        appointment_type_ids=ids(checkup),
        durations={str(checkup): "45 minutes"},
    )
    assert [(row["appointment_type_id"], row["duration"]) for row in rows] == [(checkup, 45 * MINUTE)]
    start = house.at("09:00")
    slots = call(
        house.patient,
        "available_slots",
        appointment_type_id=checkup,
        from_date=start.date(),
        to_date=start.date(),
    )
    lengths = {(row["dentist_id"], row["ends_at"] - row["starts_at"]) for row in slots}
    assert lengths == {(house.hygienist, 45 * MINUTE), *((one, 30 * MINUTE) for one in house.dentists)}
    wish = {"appointment_type_id": checkup, "dentist_id": house.hygienist, "starts_at": start}
    booked = call(house.patient, "book_appointment", **wish)
    assert booked["ends_at"] - booked["starts_at"] == 45 * MINUTE
    assert house.answers(house.desk, start + 30 * MINUTE, checkup, house.hygienist) >= {"slot_taken"}
    # What is booked stays, though she does it no more.
    call(house.admin, "set_dentist_types", dentist_id=house.hygienist, appointment_type_ids="{}")
    assert house.answers(house.patient, house.at("12:00"), checkup, house.hygienist) == {"not_offered"}
    row = superuser.execute("select status from clinic.appointments where id = %s", [booked["id"]]).fetchone()
    assert row == {"status": "booked"}


def test_who_does_what_is_an_admins_to_set_and_must_be_the_clinics(house: House, actors: Actors) -> None:
    checkup = house.practice.type(30, house.dentists)
    elsewhere = make_practice(house.practice.superuser)
    strange = elsewhere.type(30, [])
    asked = {"dentist_id": house.hygienist, "appointment_type_ids": ids(checkup)}
    with refused("forbidden"):
        call(house.desk, "set_dentist_types", **asked)
    with refused("not_found"):
        call(house.patient, "set_dentist_types", **asked)
    with refused("not_authenticated"):
        call(actors.anon(), "set_dentist_types", **asked)
    for wrong in (strange, uuid4()):
        with refused("not_found"):
            call(house.admin, "set_dentist_types", **asked | {"appointment_type_ids": ids(checkup, wrong)})
    with refused("not_found"):
        call(house.admin, "set_dentist_types", **asked | {"dentist_id": uuid4()})
    for duration in ("0 minutes", "13 hours", "1 day", "soon"):
        with refused("invalid_argument"):
            call(house.admin, "set_dentist_types", **asked, durations={str(checkup): duration})


def test_a_new_dentist_does_everything_and_a_new_hygienist_nothing_unless_told(house: House) -> None:
    checkup, canal = house.practice.type(30, []), house.practice.type(60, [])

    def types_of(row: Row) -> set[UUID]:
        rows = house.practice.superuser.execute(
            "select appointment_type_id from clinic.dentist_types where dentist_id = %s", [row["id"]]
        )
        return {row["appointment_type_id"] for row in rows}

    add: dict[str, Any] = {"clinic_id": house.practice.id}
    assert types_of(call(house.admin, "create_dentist", **add, full_name="New")) == {checkup, canal}
    hygienist = {"full_name": "Newer", "profession": "hygienist"}
    assert types_of(call(house.admin, "create_dentist", **add, **hygienist)) == set()
    assert types_of(
        call(house.admin, "create_dentist", **add, **hygienist, appointment_type_ids=ids(canal))
    ) == {canal}
    row = call(house.admin, "create_appointment_type", **add, name="Newest", duration="20 minutes")
    leaders = house.practice.superuser.execute(
        "select d.profession from clinic.dentist_types as l join clinic.dentists as d on d.id = l.dentist_id"
        " where l.appointment_type_id = %s",
        [row["id"]],
    ).fetchall()
    assert [leader["profession"] for leader in leaders] == ["dentist"] * 3


# For whom ---------------------------------------------------------------------------------------------------

NEW, KNOWN = "new", "known"


@pytest.mark.parametrize(
    ("audience", "welcome"),
    [("everyone", {NEW, KNOWN}), ("new_patients", {NEW}), ("known_patients", {KNOWN}), ("staff", set())],
)
def test_a_type_is_for_its_audience_at_every_door(
    house: House, superuser: Connection, audience: str, welcome: set[str]
) -> None:
    visit = house.practice.type(30, house.dentists, name="Something", audience=audience)
    start = house.at("09:00")
    expected = {True: {None}, False: {"not_offered"}}
    assert house.answers(house.patient, start, visit) == expected[NEW in welcome]
    assert house.answers(house.desk, start, visit) == {None}
    found = house.offer(visit)
    assert (found["status"] == "offers") == (NEW in welcome)
    # Whoever has been there is known, booked or not.
    other = house.practice.type(30, house.dentists)
    booked = call(house.patient, "book_appointment", appointment_type_id=other, starts_at=house.at("14:00"))
    assert house.answers(house.patient, start, visit) == expected[NEW in welcome]
    superuser.execute("update clinic.appointments set status = 'checked_in' where id = %s", [booked["id"]])
    assert house.answers(house.patient, start, visit) == expected[KNOWN in welcome]


def test_whom_the_desk_entered_is_known(house: House) -> None:
    visit = house.practice.type(30, house.dentists, audience="known_patients")
    who = house.patient.execute(
        "select current_setting('request.jwt.claims')::jsonb ->> 'sub' as id"
    ).fetchone()
    assert who is not None
    assert house.answers(house.patient, house.at("09:00"), visit) == {"not_offered"}
    walk_in = call(house.desk, "create_patient", clinic_id=house.practice.id, full_name="Walked in")
    code = call(house.desk, "invite_patient", patient_id=walk_in["id"])["code"]
    assert call(house.patient, "claim_patient", code=code)["accepted"]
    assert house.answers(house.patient, house.at("09:00"), visit) == {None}


def test_an_audience_that_changed_meanwhile_binds_an_offer_and_a_dead_hold_but_no_live_one(
    house: House, superuser: Connection
) -> None:
    visit = house.practice.type(30, house.dentists, name="Something")
    offer = house.offer(visit)["offers"][0]["offer"]
    live, dead = (
        call(house.patient, "reserve_slot", appointment_type_id=visit, starts_at=house.at(clock))
        for clock in ("09:00", "11:00")
    )
    expire_hold(superuser, dead["id"])
    house.change(visit, audience="staff")
    with refused("not_offered"):
        call(house.bot, "chatbot_hold", offer=offer, patient_name="Somebody", patient_phone="212 555 0199")
    with refused("not_offered"):
        call(house.patient, "confirm_reservation", reservation_id=dead["id"])
    assert call(house.patient, "confirm_reservation", reservation_id=live["id"])["status"] == "booked"


def test_a_dead_hold_of_what_the_type_was_is_not_booked_any_more(house: House, superuser: Connection) -> None:
    visit = house.practice.type(30, house.dentists, name="Something")
    house.practice.thing("Chair")
    asked = {"appointment_type_id": visit, "starts_at": house.at("09:00")}

    def dead() -> UUID:
        held: Row = call(house.patient, "reserve_slot", **asked)
        expire_hold(superuser, held["id"])
        identifier: UUID = held["id"]
        return identifier

    def confirm(hold: UUID) -> Row:
        row: Row = call(house.patient, "confirm_reservation", reservation_id=hold)
        return row

    for change in (
        lambda: call(house.admin, "set_visit_parts", appointment_type_id=visit, parts=[{"needs": "chair"}]),
        lambda: house.change(visit, duration="45 minutes"),
        lambda: house.change(visit, buffer_after="5 minutes"),
    ):
        before = dead()
        change()
        with refused("reservation_expired"):
            confirm(before)
    booked = confirm(dead())
    assert booked["ends_at"] - booked["starts_at"] == timedelta(minutes=45)
    assert [claim["part"] for claim in parts_of(superuser, booked["id"])] == [0, 1]


# By its own rules -------------------------------------------------------------------------------------------


def test_a_types_own_notice_horizon_and_grid_go_before_the_clinics(house: House) -> None:
    visit = house.practice.type(30, house.dentists)
    patient, desk = house.patient, house.desk
    house.change(visit, min_notice="3 days", booking_horizon="20 days", slot_interval="1 hour")
    assert house.answers(patient, house.at("09:00", 2), visit) == {"unlisted", "notice_too_short"}
    assert house.answers(patient, house.at("09:00", 4), visit) == {None}
    assert house.answers(patient, house.at("09:00", 19), visit) == {None}
    assert house.answers(patient, house.at("09:00", 21), visit) == {"unlisted", "beyond_horizon"}
    assert house.answers(patient, house.at("09:30"), visit) == {"unlisted", "off_grid"}
    assert house.answers(desk, house.at("09:00", 2), visit) == {None}
    # And without them the clinic's again.
    call(
        house.admin,
        "update_clinic_policy",
        clinic_id=house.practice.id,
        booking_horizon="15 days",
        min_notice="5 days",
    )
    assert house.answers(patient, house.at("09:00", 4), visit) == {None}
    house.change(visit, clear="{min_notice,booking_horizon,slot_interval}")
    assert house.answers(patient, house.at("09:00", 4), visit) == {"unlisted", "notice_too_short"}
    assert house.answers(patient, house.at("09:30", 6), visit) == {None}
    assert house.answers(patient, house.at("09:00", 16), visit) == {"unlisted", "beyond_horizon"}


def test_a_types_own_rules_bind_what_moves_too(house: House) -> None:
    visit = house.practice.type(
        30,
        house.dentists,
        slot_interval=timedelta(hours=1),
        min_notice=timedelta(days=5),
        booking_horizon=timedelta(days=20),
    )
    booked = call(house.patient, "book_appointment", appointment_type_id=visit, starts_at=house.at("09:00"))
    for starts_at, code in (
        (house.at("09:30"), "off_grid"),
        (house.at("10:00") - timedelta(days=8), "notice_too_short"),
        (house.at("10:00") + timedelta(days=20), "beyond_horizon"),
    ):
        move = {"appointment_id": booked["id"], "starts_at": starts_at}
        assert call(house.patient, "explain_slot", **move, appointment_type_id=visit)["code"] == code
        with refused(code):
            call(house.patient, "reschedule_appointment", **move)
    call(house.patient, "reschedule_appointment", appointment_id=booked["id"], starts_at=house.at("10:00"))


def test_the_next_ones_are_within_the_horizon_also_for_the_desk(house: House) -> None:
    visit = house.practice.type(
        30, house.dentists, booking_horizon=timedelta(days=9), slot_interval=timedelta(hours=12)
    )
    rows = call(house.desk, "next_slots", appointment_type_id=visit, max_results=100)
    last = datetime.now(house.practice.zone).date() + timedelta(days=9)
    assert max(row["starts_at"].astimezone(house.practice.zone).date() for row in rows) == last


def test_chatbots_go_by_a_types_own_rules(house: House) -> None:
    visit = house.practice.type(30, house.dentists, name="Something")
    call(house.admin, "update_clinic_policy", clinic_id=house.practice.id, booking_horizon="5 days")
    later = (datetime.now(house.practice.zone) + 20 * DAY).date()
    with refused("beyond_horizon"):
        house.offer(visit, from_date=later)
    house.change(visit, booking_horizon="30 days", min_notice="2 days", slot_interval="2 hours")
    found = house.offer(visit, from_date=later)["offers"]
    assert {offer["local_date"] for offer in found} == {later.isoformat()}
    assert {int(offer["local_time"][:2]) % 2 + int(offer["local_time"][3:]) for offer in found} == {0}
    first = datetime.now(house.practice.zone).date() + 2 * DAY
    assert min(date.fromisoformat(offer["local_date"]) for offer in house.offer(visit)["offers"]) >= first


@pytest.mark.parametrize(
    "rule",
    [
        {"audience": "friends"},
        {"min_notice": "31 days"},
        {"booking_horizon": "1 hour"},
        {"slot_interval": "1 minute"},
        {"max_per_day": 0},
        {"min_notice": "-1 minutes"},
        {"audience": ""},
    ],
)
def test_a_types_rules_have_bounds(house: House, rule: dict[str, Any]) -> None:
    visit = house.practice.type(30, house.dentists)
    with refused("invalid_argument"):
        house.change(visit, **rule)
    with refused("invalid_argument"):
        call(
            house.admin,
            "create_appointment_type",
            clinic_id=house.practice.id,
            name="New",
            duration="20 minutes",
            **rule,
        )


# How often --------------------------------------------------------------------------------------------------


def test_a_day_is_full_for_each_who_leads_it_and_no_other(house: House, superuser: Connection) -> None:
    visit = house.practice.type(30, house.dentists, max_per_day=2)
    one, other = house.dentists
    wish = {"appointment_type_id": visit, "dentist_id": one}
    booked = call(
        house.desk,
        "book_appointment",
        **wish,
        starts_at=house.at("08:00"),
        patient_id=house.practice.patient(),
    )
    hold = call(house.desk, "reserve_slot", **wish, starts_at=house.at("09:00"))
    for connection in (house.patient, house.desk):
        assert house.answers(connection, house.at("11:00"), visit, one) == {"unlisted", "day_full"}
        assert house.answers(connection, house.at("08:00", 11), visit, one) == {None}
        assert house.answers(connection, house.at("11:00"), visit, other) == {None}
        assert house.answers(connection, house.at("11:00"), visit) == {None}
    assert house.answers(house.patient, house.at("11:00"), house.practice.type(30, [one]), one) == {None}
    # It moves within its day, and what ends makes room.
    call(house.desk, "reschedule_appointment", appointment_id=booked["id"], starts_at=house.at("10:00"))
    assert house.answers(house.patient, house.at("11:00"), visit, one) == {"unlisted", "day_full"}
    expire_hold(superuser, hold["id"])
    assert house.answers(house.patient, house.at("11:00"), visit, one) == {None}
    call(
        house.desk,
        "book_appointment",
        **wish,
        starts_at=house.at("09:00"),
        patient_id=house.practice.patient(),
    )
    assert house.answers(house.patient, house.at("11:00"), visit, one) == {"unlisted", "day_full"}
    call(house.desk, "cancel_appointment", appointment_id=booked["id"])
    assert house.answers(house.patient, house.at("11:00"), visit, one) == {None}


def test_a_full_day_takes_no_more_moves_and_only_the_desk_squeezes_in(house: House) -> None:
    visit = house.practice.type(30, house.dentists[:1], max_per_day=1)
    wish = {"appointment_type_id": visit, "dentist_id": house.dentists[0]}
    call(
        house.desk,
        "book_appointment",
        **wish,
        starts_at=house.at("08:00"),
        patient_id=house.practice.patient(),
    )
    later = call(house.patient, "book_appointment", **wish, starts_at=house.at("08:00", 12))
    with refused("day_full"):
        call(house.patient, "reschedule_appointment", appointment_id=later["id"], starts_at=house.at("12:00"))
    row = call(
        house.desk,
        "book_appointment",
        **wish,
        starts_at=house.at("12:00"),
        patient_id=house.practice.patient(),
        squeeze_in=True,
    )
    assert row["is_squeezed"]


def test_a_day_is_the_clinics_day(house: House) -> None:
    """In New York the evening is the next day in London already."""
    visit = house.practice.type(30, house.dentists[:1], max_per_day=1)
    insert(
        house.practice.superuser,
        "extra_hours",
        clinic_id=house.practice.id,
        dentist_id=house.dentists[0],
        during=f"[{house.at('18:00').isoformat()},{house.at('23:30').isoformat()})",
    )
    wish = {"appointment_type_id": visit, "dentist_id": house.dentists[0]}
    call(
        house.desk,
        "book_appointment",
        **wish,
        starts_at=house.at("22:00"),
        patient_id=house.practice.patient(),
    )
    assert house.answers(house.patient, house.at("08:00"), visit) == {"unlisted", "day_full"}
    assert house.answers(house.patient, house.at("08:00", 11), visit) == {None}


def test_ones_own_hold_does_not_fill_the_day_for_oneself(house: House) -> None:
    visit = house.practice.type(30, house.dentists[:1], max_per_day=1)
    held = call(house.patient, "reserve_slot", appointment_type_id=visit, starts_at=house.at("09:00"))
    assert house.answers(house.desk, house.at("12:00"), visit) == {"unlisted", "day_full"}
    assert house.answers(house.patient, house.at("12:00"), visit) == {None}
    call(house.patient, "book_appointment", appointment_type_id=visit, starts_at=house.at("12:00"))
    assert call(house.patient, "release_reservation", reservation_id=held["id"]) is False
    assert house.answers(house.patient, house.at("15:00"), visit) == {"unlisted", "day_full"}


def test_a_patient_has_only_so_many_appointments_ahead(house: House, superuser: Connection) -> None:
    call(house.admin, "update_clinic_policy", clinic_id=house.practice.id, max_upcoming=2)
    visit = house.practice.type(30, house.dentists, name="Something")
    first = call(house.patient, "book_appointment", appointment_type_id=visit, starts_at=house.at("09:00"))
    call(house.patient, "book_appointment", appointment_type_id=visit, starts_at=house.at("10:00"))
    assert house.answers(house.patient, house.at("12:00"), visit) == {"booking_limit"}
    # The desk books on for them; they move what they have, and cancel.
    more = {"appointment_type_id": visit, "patient_id": first["patient_id"], "starts_at": house.at("14:00")}
    third = call(house.desk, "book_appointment", **more)
    call(house.patient, "reschedule_appointment", appointment_id=first["id"], starts_at=house.at("11:00"))
    call(house.desk, "cancel_appointment", appointment_id=third["id"])
    assert house.answers(house.patient, house.at("12:00"), visit) == {"booking_limit"}
    call(house.patient, "cancel_appointment", appointment_id=first["id"])
    assert house.answers(house.patient, house.at("12:00"), visit) == {None}
    # What is over is not ahead.
    superuser.execute(
        "update clinic.appointments"
        " set starts_at = now() - interval '2 days', ends_at = now() - interval '47 hours'"
        " where patient_id = %s and status = 'booked'",
        [first["patient_id"]],
    )
    call(house.patient, "book_appointment", appointment_type_id=visit, starts_at=house.at("15:00"))
    assert house.answers(house.patient, house.at("12:00"), visit) == {None}


def test_a_hold_is_one_of_those_ahead_for_the_next_hold(house: House) -> None:
    call(house.admin, "update_clinic_policy", clinic_id=house.practice.id, max_upcoming=2)
    visit = house.practice.type(30, house.dentists)
    call(house.patient, "book_appointment", appointment_type_id=visit, starts_at=house.at("09:00"))
    held = call(house.patient, "reserve_slot", appointment_type_id=visit, starts_at=house.at("10:00"))
    with refused("booking_limit"):
        call(house.patient, "reserve_slot", appointment_type_id=visit, starts_at=house.at("12:00"))
    assert call(house.patient, "confirm_reservation", reservation_id=held["id"])["status"] == "booked"


def test_who_books_something_else_instead_does_not_have_one_too_many_in_the_end(house: House) -> None:
    call(house.admin, "update_clinic_policy", clinic_id=house.practice.id, max_upcoming=2)
    asked = {"appointment_type_id": house.practice.type(30, house.dentists)}
    kept = call(house.patient, "reserve_slot", **asked, starts_at=house.at("09:00"))
    call(house.patient, "book_appointment", **asked, starts_at=house.at("10:00"))
    assert call(house.patient, "confirm_reservation", reservation_id=kept["id"])["status"] == "booked"
    call(house.patient, "cancel_appointment", appointment_id=kept["id"])
    held = call(house.patient, "reserve_slot", **asked, starts_at=house.at("12:00"))
    call(house.patient, "book_appointment", **asked, starts_at=house.at("11:00"))
    with refused("reservation_expired"):
        call(house.patient, "confirm_reservation", reservation_id=held["id"])
    assert house.answers(house.patient, house.at("12:00"), asked["appointment_type_id"]) == {"booking_limit"}


def test_ones_own_hold_is_listed_among_the_times_to_move_to(house: House) -> None:
    asked = {"appointment_type_id": house.practice.type(30, house.dentists), "dentist_id": house.dentists[0]}
    booked = call(house.patient, "book_appointment", **asked, starts_at=house.at("09:00"))
    call(house.patient, "reserve_slot", **asked, starts_at=house.at("11:00"))
    move = asked | {"appointment_id": booked["id"]}
    day = house.at("11:00").date()
    listed = call(house.patient, "available_slots", **move, from_date=day, to_date=day)
    assert house.at("11:00") in [row["starts_at"] for row in listed]
    assert call(house.patient, "explain_slot", **move, starts_at=house.at("11:00"))["bookable"]
    moved = call(
        house.patient, "reschedule_appointment", appointment_id=booked["id"], starts_at=house.at("11:00")
    )
    assert moved["starts_at"] == house.at("11:00")


def test_whom_a_chatbot_books_for_has_only_so_many_ahead_too(house: House) -> None:
    call(house.admin, "update_clinic_policy", clinic_id=house.practice.id, max_upcoming=1)
    visit = house.practice.type(30, house.dentists, name="Something")
    caller = {"patient_name": "Cass Chatty", "patient_phone": "212 555 0188"}
    first, second, third = house.offer(visit)["offers"]
    held = call(house.bot, "chatbot_hold", offer=first["offer"], **caller)
    call(house.bot, "chatbot_confirm", reservation_id=held["reservation_id"])
    with refused("booking_limit"):
        call(house.bot, "chatbot_hold", offer=second["offer"], **caller)
    somebody_else = caller | {"patient_name": "Other Chatty"}
    assert call(house.bot, "chatbot_hold", offer=third["offer"], **somebody_else)["reservation_id"]


@pytest.mark.parametrize(
    ("notice", "grace", "until"),
    [
        ("24:00", "0", "starts_at - interval '24:00'"),
        ("1 day", "15 minutes", "starts_at - interval '24:00'"),
        ("30 days", "15 minutes", "created_at + interval '15 minutes'"),
        # No longer than until it starts.
        ("30 days", "7 days", "least(starts_at, created_at + interval '168:00')"),
        ("0", "0", "starts_at"),
    ],
)
@pytest.mark.parametrize("lead", ["3 days", "20 days"])
def test_an_appointment_says_until_when_its_patient_may_change_it(
    house: House, superuser: Connection, notice: str, grace: str, until: str, lead: str
) -> None:
    call(
        house.admin,
        "update_clinic_policy",
        clinic_id=house.practice.id,
        cancellation_notice=notice,
        cancel_grace=grace,
    )
    visit = house.practice.type(30, house.dentists)
    booked = call(house.patient, "book_appointment", appointment_type_id=visit, starts_at=house.at("09:00"))
    superuser.execute(
        "update clinic.appointments set starts_at = now() + %(lead)s, ends_at = now() + %(lead)s + '30 min'"
        " where id = %(id)s",
        {"lead": lead, "id": booked["id"]},
    )
    said = (
        f"select changeable_until, changeable_until is not distinct from {until} as is_right"
        " from api.appointments where id = %s"
    )
    assert house.patient.execute(said, [booked["id"]]).fetchone()["is_right"]  # type: ignore[index]
    call(house.desk, "cancel_appointment", appointment_id=booked["id"])
    assert house.patient.execute(said, [booked["id"]]).fetchone()["changeable_until"] is None  # type: ignore[index]


def test_who_has_just_booked_may_think_again_whatever_the_notice(house: House, superuser: Connection) -> None:
    call(
        house.admin,
        "update_clinic_policy",
        clinic_id=house.practice.id,
        cancellation_notice="30 days",
        cancel_grace="15 minutes",
    )
    visit = house.practice.type(30, house.dentists)
    first, second = (
        call(house.patient, "book_appointment", appointment_type_id=visit, starts_at=house.at(clock))
        for clock in ("09:00", "10:00")
    )
    call(house.patient, "reschedule_appointment", appointment_id=first["id"], starts_at=house.at("11:00"))
    call(house.patient, "cancel_appointment", appointment_id=first["id"])
    superuser.execute(
        "update clinic.appointments set created_at = now() - interval '16 minutes' where id = %s",
        [second["id"]],
    )
    superuser.execute(
        "update clinic.clinics set phone = '+1 212 555 0100' where id = %s", [house.practice.id]
    )
    for function, asked in (
        ("cancel_appointment", {}),
        ("reschedule_appointment", {"starts_at": house.at("12:00")}),
    ):
        with refused("too_late_to_cancel") as refusal:
            call(house.patient, function, appointment_id=second["id"], **asked)
        assert "+1 212 555 0100" in refusal.hint
    call(house.desk, "cancel_appointment", appointment_id=second["id"])


def test_what_has_begun_is_not_thought_over_again(house: House, superuser: Connection) -> None:
    visit = house.practice.type(30, house.dentists)
    asked = {"appointment_type_id": visit, "starts_at": house.at("09:00")}
    booked = call(house.patient, "book_appointment", **asked)
    superuser.execute(
        "update clinic.appointments set starts_at = now() - interval '1 minute' where id = %s", [booked["id"]]
    )
    for function, more in (
        ("cancel_appointment", {}),
        ("reschedule_appointment", {"starts_at": house.at("12:00")}),
    ):
        with refused("too_late_to_cancel"):
            call(house.patient, function, appointment_id=booked["id"], **more)
