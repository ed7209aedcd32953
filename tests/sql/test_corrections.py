"""Corrections at the desk: squeezed in, in the chair already, longer, in another chair, swapped, undone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from itertools import product
from typing import Any
from uuid import UUID

import pytest

from tests.support.actors import Actors, Connection, Row, call
from tests.support.build import insert, make_user
from tests.support.practices import Practice, make_practice, parts_of
from tests.support.refusals import refused
from tests.support.slots import expire_hold

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
EVERY_DAY = [(day, "08:00", "18:00") for day in range(1, 8)]
CHAIR: Row = {"needs": "chair"}
EXAM: Row = {"needs": "dentist", "starts_after": 10, "lasts": 10}


@dataclass
class Desk:
    """A clinic with two dentists, a hygienist and two chairs, its receptionist, and a patient."""

    practice: Practice
    one: UUID
    two: UUID
    hygienist: UUID
    left: UUID
    right: UUID
    visit: UUID
    cleaning: UUID
    desk: Connection
    patient: Connection

    def at(self, clock: str, days: int = 10) -> datetime:
        """Return an instant of a day ahead (or behind), by the clinic's clock."""
        day = datetime.now(self.practice.zone).date() + days * DAY
        return datetime.combine(day, time.fromisoformat(clock), self.practice.zone)

    def book(
        self, clock: str, visit: UUID | None = None, who: UUID | None = None, days: int = 10, **more: Any
    ) -> Row:
        """Book as the desk does, for somebody new unless told otherwise; a visit with the first dentist."""
        dentist = who or (self.hygienist if visit == self.cleaning else self.one)
        row: Row = call(
            self.desk,
            "book_appointment",
            appointment_type_id=visit or self.visit,
            dentist_id=dentist,
            starts_at=self.at(clock, days),
            **{"patient_id": self.practice.patient()} | more,
        )
        return row

    def do(self, function: str, appointment: Row, **more: Any) -> Row:
        """Correct an appointment as the desk does."""
        row: Row = call(self.desk, function, appointment_id=appointment["id"], **more)
        return row

    def chair_of(self, appointment: Row) -> UUID:
        """Return the chair that a visit has."""
        (claim,) = [c for c in parts_of(self.practice.superuser, appointment["id"]) if c["part"] == 1]
        chair: UUID = claim["resource_id"]
        return chair

    def begin(self, appointment: Row, ago: timedelta) -> None:
        """Let a visit have begun so long ago."""
        self.practice.superuser.execute(
            "update clinic.appointments"
            " set ends_at = now() - %s + (ends_at - starts_at), starts_at = now() - %s"
            " where id = %s",
            [ago, ago, appointment["id"]],
        )

    def told(self, appointment: Row) -> list[str]:
        """Return what was told of a visit: the events in which it is named, in order."""
        rows = self.practice.superuser.execute(
            "select event from clinic.realtime_events where entity_id = %s and entity = 'appointments'"
            " order by id",
            [appointment["id"]],
        )
        return [row["event"] for row in rows]

    def row(self, appointment: Row) -> Row:
        """Return all that the tables say of a visit, and its claims."""
        row = self.practice.superuser.execute(
            "select * from clinic.appointments where id = %s", [appointment["id"]]
        ).fetchone()
        assert row is not None
        return row | {"claims": parts_of(self.practice.superuser, appointment["id"])}


@pytest.fixture
def clinic(actors: Actors, superuser: Connection) -> Iterator[Desk]:
    """A clinic in which nobody is booked yet. Whatever is corrected, the invariants hold."""
    practice = make_practice(superuser, min_notice=timedelta(0))
    one, two = (practice.person(f"Dentist {n}", week=EVERY_DAY) for n in (1, 2))
    hygienist = practice.person("Hygienist", "hygienist", week=EVERY_DAY)
    left, right = practice.thing("Left"), practice.thing("Right")
    visit = practice.type(30, [one, two], [CHAIR])
    cleaning = practice.type(40, [hygienist], [CHAIR, EXAM])
    yield Desk(
        practice,
        one,
        two,
        hygienist,
        left,
        right,
        visit,
        cleaning,
        practice.staff(actors, "receptionist"),
        actors.user(f"{make_user(superuser, 'Asks')}@made.test"),
    )
    assert superuser.execute("select * from clinic.check_invariants()").fetchall() == []


# Squeezed in ------------------------------------------------------------------------------------------------


def test_a_visit_is_squeezed_in_on_top_of_others_and_everything_else_sees_its_time_as_taken(
    clinic: Desk,
) -> None:
    under = clinic.book("09:00")
    with refused("slot_taken"):
        clinic.book("09:00")
    squeezed = clinic.book("09:15", squeeze_in=True)
    assert squeezed["is_squeezed"]
    assert not clinic.row(under)["is_squeezed"]
    claims = parts_of(clinic.practice.superuser, squeezed["id"])
    assert [(c["part"], c["is_squeezed"]) for c in claims] == [(0, True), (1, True)]
    # A quarter of an hour reaches past the other: nobody has that.
    plain = clinic.practice.type(10, [clinic.one])
    wish = {"appointment_type_id": plain, "dentist_id": clinic.one, "starts_at": clinic.at("09:30")}
    for connection in (clinic.patient, clinic.desk):
        assert call(connection, "explain_slot", **wish)["code"] == "slot_taken"
    with refused("slot_taken"):
        call(clinic.patient, "book_appointment", **wish)
    with refused("slot_taken"):
        call(clinic.patient, "reserve_slot", **wish)
    later = clinic.book("11:00", plain)
    with refused("slot_taken"):
        clinic.do("reschedule_appointment", later, starts_at=clinic.at("09:30"))
    # Whoever has gone leaves it free.
    clinic.do("cancel_appointment", squeezed)
    assert call(clinic.patient, "explain_slot", **wish)["bookable"]


def test_whoever_finds_room_is_squeezed_on_top_of_nobody(clinic: Desk) -> None:
    row = clinic.book("09:00", squeeze_in=True)
    assert not row["is_squeezed"]
    with refused("slot_taken"):
        clinic.book("09:00")


def test_patients_do_not_squeeze_themselves_in(clinic: Desk) -> None:
    clinic.book("09:00")
    wish = {"appointment_type_id": clinic.visit, "dentist_id": clinic.one, "squeeze_in": True}
    for clock in ("09:00", "12:00"):
        with refused("forbidden"):
            call(clinic.patient, "book_appointment", **wish, starts_at=clinic.at(clock))


@pytest.mark.parametrize(
    ("clock", "days", "code"), [("06:00", 10, "outside_working_hours"), ("09:00", -1, "in_the_past")]
)
def test_only_what_is_taken_or_full_can_be_squeezed(clinic: Desk, clock: str, days: int, code: str) -> None:
    with refused(code):
        clinic.book(clock, days=days, squeeze_in=True)


def test_anybody_is_squeezed_in_with_who_can_lead_it_and_not_with_the_only_one_who_can_look_in(
    clinic: Desk,
) -> None:
    only: Row = EXAM | {"only_resources": [clinic.one]}
    cleaning = clinic.practice.type(40, [clinic.one, clinic.hygienist], [CHAIR, only])
    asked: Row = {"appointment_type_id": cleaning, "starts_at": clinic.at("09:00")}
    for number in range(2):
        # The dentist has less to do, and can never lead it: nobody else can look in.
        explained = call(clinic.desk, "explain_slot", **asked)
        assert explained["dentist_id"] == str(clinic.hygienist)
        squeezed = call(
            clinic.desk, "book_appointment", **asked, patient_id=clinic.practice.patient(), squeeze_in=True
        )
        assert (squeezed["dentist_id"], squeezed["is_squeezed"]) == (clinic.hygienist, number > 0)


@pytest.mark.parametrize("parts", [[], [CHAIR, EXAM]])
def test_nobody_is_squeezed_into_a_closed_clinic(clinic: Desk, actors: Actors, parts: list[Row]) -> None:
    visit = clinic.practice.type(30, [clinic.hygienist], parts)
    closed = {"starts_at": clinic.at("09:15"), "ends_at": clinic.at("12:00")}
    admin = clinic.practice.staff(actors, "admin")
    call(admin, "add_time_off", clinic_id=clinic.practice.id, **closed)
    for squeezed in (False, True):
        with refused("slot_taken"):
            clinic.book("09:00", visit, clinic.hygienist, squeeze_in=squeezed)
    assert not clinic.book("12:00", visit, clinic.hygienist, squeeze_in=True)["is_squeezed"]


def test_a_patient_is_not_squeezed_into_two_chairs(clinic: Desk) -> None:
    first = clinic.book("09:00")
    with refused("patient_busy"):
        clinic.book("09:00", who=clinic.two, patient_id=first["patient_id"], squeeze_in=True)


def test_a_patient_is_not_squeezed_on_top_of_others_while_in_another_chair(clinic: Desk) -> None:
    first = clinic.book("09:00")
    clinic.book("09:00", who=clinic.two)
    with refused("patient_busy"):
        clinic.book("09:00", who=clinic.two, patient_id=first["patient_id"], squeeze_in=True)


def test_who_and_what_is_squeezed_is_there_and_least_busy_and_no_one_twice_if_there_are_others(
    clinic: Desk,
) -> None:
    practice = clinic.practice
    # Whose ids come first is chance: several who are off, one who works, and has something to do.
    for n in range(5):
        practice.person(f"Off {n}", "assistant", week=[])
    working = practice.person("On", "assistant", week=EVERY_DAY)
    visit = practice.type(30, [clinic.one], [{"needs": "assistant"}, CHAIR, CHAIR])
    clinic.book("09:00")
    clinic.book("09:00", practice.type(30, [clinic.two], [{"needs": "assistant"}]), clinic.two)
    row = clinic.book("09:00", visit, squeeze_in=True)
    claims = [claim["resource_id"] for claim in parts_of(practice.superuser, row["id"])]
    assert claims[:2] == [clinic.one, working]
    assert set(claims[2:]) == {clinic.left, clinic.right}


def test_what_was_there_before_a_squeeze_stays_as_it_was_and_is_confirmed_and_corrected(clinic: Desk) -> None:
    hold = call(
        clinic.patient,
        "reserve_slot",
        appointment_type_id=clinic.visit,
        dentist_id=clinic.one,
        starts_at=clinic.at("09:00"),
    )
    assert clinic.book("09:00", squeeze_in=True)["is_squeezed"]
    booked = call(clinic.patient, "confirm_reservation", reservation_id=hold["id"])
    assert (booked["status"], booked["is_squeezed"]) == ("booked", False)
    shorter = clinic.do("resize_appointment", booked, ends_at=clinic.at("09:20"))
    assert shorter["ends_at"] == clinic.at("09:20")
    with refused("slot_taken"):
        clinic.do("resize_appointment", booked, ends_at=clinic.at("09:25"))


def test_a_squeezed_visit_is_moved_to_where_there_is_room_and_is_squeezed_no_more(clinic: Desk) -> None:
    clinic.book("09:00")
    squeezed = clinic.book("09:00", squeeze_in=True)
    clinic.book("11:00")
    with refused("slot_taken"):
        clinic.do("reschedule_appointment", squeezed, starts_at=clinic.at("11:00"))
    moved = clinic.do("reschedule_appointment", squeezed, starts_at=clinic.at("14:00"))
    assert (moved["is_squeezed"], moved["version"]) == (False, squeezed["version"] + 1)
    assert not any(claim["is_squeezed"] for claim in parts_of(clinic.practice.superuser, moved["id"]))


def test_time_off_counts_what_is_squeezed_among_what_is_in_the_way(clinic: Desk) -> None:
    visits = [clinic.book("09:00"), clinic.book("09:00", squeeze_in=True)]
    off = {
        "clinic_id": clinic.practice.id,
        "dentist_id": clinic.one,
        "starts_at": clinic.at("09:00"),
        "ends_at": clinic.at("10:00"),
    }
    with refused("appointments_in_the_way") as refusal:
        call(clinic.desk, "add_time_off", **off)
    assert {row["appointment_id"] for row in refusal.details} == {str(visit["id"]) for visit in visits}
    call(clinic.desk, "add_time_off", **off, on_conflict="cancel")
    assert [clinic.row(visit)["status"] for visit in visits] == ["cancelled"] * 2


# In the chair already ---------------------------------------------------------------------------------------


def test_who_is_in_the_chair_already_is_recorded_by_the_desk_today_and_not_yesterday(clinic: Desk) -> None:
    now = datetime.now(clinic.practice.zone)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    # From before midnight until after the last visit that begins today: longer than one window may be.
    windows = [(midnight - 60 * MINUTE, midnight + 12 * HOUR), (midnight + 12 * HOUR, midnight + 27 * HOUR)]
    for dentist, (opens, closes) in product((clinic.one, clinic.two), windows):
        insert(
            clinic.practice.superuser,
            "extra_hours",
            clinic_id=clinic.practice.id,
            dentist_id=dentist,
            during=f"[{opens.isoformat()},{closes.isoformat()})",
        )
    began = now.replace(second=0, microsecond=0)
    wish = {"appointment_type_id": clinic.visit, "dentist_id": clinic.one, "starts_at": began}
    someone = {"patient_id": clinic.practice.patient()}
    with refused("in_the_past"):
        call(clinic.patient, "book_appointment", **wish)
    with refused("in_the_past"):
        call(clinic.desk, "reserve_slot", **wish)
    row = call(clinic.desk, "book_appointment", **wish, **someone)
    assert clinic.do("set_appointment_status", row, status="checked_in")["status"] == "checked_in"
    # The first minute of today is today's; the minute before is not.
    today = wish | {"dentist_id": clinic.two}
    assert call(clinic.desk, "explain_slot", **today | {"starts_at": midnight})["bookable"]
    assert (
        call(clinic.desk, "explain_slot", **today | {"starts_at": midnight - MINUTE})["code"] == "in_the_past"
    )
    for more in ({}, {"squeeze_in": True}):
        with refused("in_the_past"):
            call(
                clinic.desk,
                "book_appointment",
                **today | {"starts_at": midnight - MINUTE},
                patient_id=clinic.practice.patient(),
                **more,
            )


# Another length ---------------------------------------------------------------------------------------------


def test_a_visit_is_made_longer_and_shorter_with_all_that_lasts_until_its_end(clinic: Desk) -> None:
    visit = clinic.practice.type(30, [clinic.one], [CHAIR, EXAM], buffer_after=5 * MINUTE)
    row = clinic.book("09:00", visit)
    longer = clinic.do("resize_appointment", row, ends_at=clinic.at("10:00"), expected_version=row["version"])
    assert (longer["ends_at"], longer["version"]) == (clinic.at("10:00"), row["version"] + 1)
    assert [claim["ends_at"] for claim in parts_of(clinic.practice.superuser, row["id"])] == [
        clinic.at("10:05"),
        clinic.at("10:05"),
        clinic.at("09:20"),
    ]
    with refused("stale_version"):
        clinic.do("resize_appointment", row, ends_at=clinic.at("10:00"), expected_version=row["version"])
    assert clinic.do("resize_appointment", row, ends_at=clinic.at("09:20"))["ends_at"] == clinic.at("09:20")
    assert clinic.told(row) == ["appointment_booked", "appointment_rescheduled", "appointment_rescheduled"]


def test_a_visit_does_not_grow_into_others_nor_shrink_below_its_parts(clinic: Desk) -> None:
    visit = clinic.practice.type(30, [clinic.one], [CHAIR, EXAM])
    row = clinic.book("09:00", visit)
    # Another dentist's, in the very chair.
    other = clinic.book("09:45", who=clinic.two)
    clinic.do("move_to_resource", other, part=1, resource_id=clinic.chair_of(row))
    before = clinic.row(row)
    for ends_at, code in (
        ("09:50", "slot_taken"),
        ("09:19", "invalid_argument"),
        ("09:00", "invalid_argument"),
        ("08:00", "invalid_argument"),
        ("21:01", "invalid_argument"),
    ):
        with refused(code):
            clinic.do("resize_appointment", row, ends_at=clinic.at(ends_at))
    assert clinic.row(row) == before
    assert clinic.do("resize_appointment", row, ends_at=clinic.at("09:45"))["ends_at"] == clinic.at("09:45")
    # The same patient's next visit is in the way, too.
    clinic.do("cancel_appointment", other)
    clinic.book("10:00", who=clinic.two, patient_id=row["patient_id"])
    with refused("patient_busy"):
        clinic.do("resize_appointment", row, ends_at=clinic.at("10:05"))


@pytest.mark.parametrize("needs", ["leader", "dentist"])
@pytest.mark.parametrize(
    ("lasts", "too_short", "shortest"),
    [(None, ("09:20", "09:30"), "09:31"), (10, ("09:20", "09:30", "09:39"), "09:40")],
)
def test_a_visit_does_not_end_before_whoever_comes_late_has_come(
    clinic: Desk, needs: str, lasts: int | None, too_short: tuple[str, ...], shortest: str
) -> None:
    late: Row = {"needs": needs, "starts_after": 30, "lasts": lasts}
    row = clinic.book("09:00", clinic.practice.type(60, [clinic.one], [CHAIR, late]))
    for ends_at in too_short:
        with refused("invalid_argument"):
            clinic.do("resize_appointment", row, ends_at=clinic.at(ends_at))
    assert clinic.do("resize_appointment", row, ends_at=clinic.at(shortest))["ends_at"] == clinic.at(shortest)


@pytest.mark.parametrize(
    ("function", "asked"),
    [
        ("resize_appointment", {"ends_at": "2030-01-01T00:00:00Z"}),
        ("move_to_resource", {"part": 1, "resource_id": "f0000000-0000-4000-8000-000000000001"}),
        ("swap_appointments", {"other_id": None}),
        ("set_appointment_status", {"status": "booked"}),
    ],
)
def test_corrections_are_the_desks_and_of_live_visits(
    clinic: Desk, actors: Actors, superuser: Connection, function: str, asked: Row
) -> None:
    own = call(
        clinic.patient,
        "book_appointment",
        appointment_type_id=clinic.visit,
        dentist_id=clinic.one,
        starts_at=clinic.at("09:00"),
    )
    asked = asked | ({"other_id": clinic.book("11:00")["id"]} if "other_id" in asked else {})
    other_dentist = clinic.practice.staff(actors, "dentist", clinic.two)
    foreign = make_practice(superuser).staff(actors, "receptionist")
    for connection, code in (
        (clinic.patient, "forbidden"),
        (other_dentist, "not_found"),
        (foreign, "not_found"),
        (actors.anon(), "not_authenticated"),
    ):
        with refused(code):
            call(connection, function, appointment_id=own["id"], **asked)
    if function != "set_appointment_status":
        clinic.do("cancel_appointment", own)
        with refused("invalid_transition"):
            clinic.do(function, own, **asked)


# Another chair ----------------------------------------------------------------------------------------------


def test_a_part_is_given_another_resource_that_will_do_and_is_free(
    clinic: Desk, superuser: Connection
) -> None:
    row = clinic.book("09:00", clinic.cleaning)
    chair, other = clinic.chair_of(row), {clinic.left, clinic.right}
    (other_chair,) = other - {chair}
    moved = clinic.do("move_to_resource", row, part=1, resource_id=other_chair)
    assert (moved["version"], clinic.chair_of(row)) == (row["version"] + 1, other_chair)
    examiner = parts_of(superuser, row["id"])[2]["resource_id"]
    (colleague,) = {clinic.one, clinic.two} - {examiner}
    clinic.do("move_to_resource", row, part=2, resource_id=colleague)
    assert parts_of(superuser, row["id"])[2]["resource_id"] == colleague
    assert clinic.told(row) == ["appointment_booked", "appointment_rescheduled", "appointment_rescheduled"]
    for part, resource in (
        (1, clinic.one),
        (2, clinic.left),
        (2, clinic.hygienist),
        (7, clinic.left),
        (0, clinic.one),
    ):
        with refused("invalid_argument"):
            clinic.do("move_to_resource", row, part=part, resource_id=resource)
    superuser.execute("update clinic.resources set is_active = false where id = %s", [chair])
    with refused("invalid_argument"):
        clinic.do("move_to_resource", row, part=1, resource_id=chair)


def test_a_chair_that_is_taken_is_not_given(clinic: Desk) -> None:
    row, other = clinic.book("09:00"), clinic.book("09:15", who=clinic.two)
    before = clinic.row(row)
    with refused("slot_taken"):
        clinic.do("move_to_resource", row, part=1, resource_id=clinic.chair_of(other))
    assert clinic.row(row) == before
    # Nor is one that the visit has already for something else.
    both = clinic.practice.type(30, [clinic.one], [CHAIR, CHAIR])
    two_chairs = clinic.book("12:00", both)
    with refused("slot_taken"):
        clinic.do("move_to_resource", two_chairs, part=2, resource_id=clinic.chair_of(two_chairs))


def test_a_visit_keeps_its_chair_when_it_moves_if_it_can(clinic: Desk) -> None:
    row = clinic.book("09:00")
    clinic.do("move_to_resource", row, part=1, resource_id=clinic.right)
    clinic.do("reschedule_appointment", row, starts_at=clinic.at("10:00"))
    assert clinic.chair_of(row) == clinic.right
    other = clinic.book("12:00", who=clinic.two)
    clinic.do("move_to_resource", other, part=1, resource_id=clinic.right)
    clinic.do("reschedule_appointment", row, starts_at=clinic.at("12:00"))
    assert clinic.chair_of(row) == clinic.left


# Swapped ----------------------------------------------------------------------------------------------------


def swap(clinic: Desk, one: Row, other: Row) -> list[Row]:
    """Let two visits change places."""
    rows: list[Row] = call(clinic.desk, "swap_appointments", appointment_id=one["id"], other_id=other["id"])
    return rows


def test_two_visits_change_places_and_keep_their_lengths(clinic: Desk) -> None:
    longer = clinic.practice.type(60, [clinic.one, clinic.two], [CHAIR])
    one, other = clinic.book("09:00"), clinic.book("13:00", longer, clinic.two)
    first, second = swap(clinic, one, other)
    assert (first["id"], first["dentist_id"], first["starts_at"], first["ends_at"]) == (
        other["id"],
        clinic.one,
        clinic.at("09:00"),
        clinic.at("10:00"),
    )
    assert (second["id"], second["dentist_id"], second["starts_at"], second["ends_at"]) == (
        one["id"],
        clinic.two,
        clinic.at("13:00"),
        clinic.at("13:30"),
    )
    for before, after in ((one, second), (other, first)):
        assert after["version"] == before["version"] + 1
        assert clinic.told(before)[0] == "appointment_booked"
        assert set(clinic.told(before)[1:]) == {"appointment_rescheduled"}
    # Side by side, in the one chair that there is for them.
    swap(clinic, clinic.book("15:00"), clinic.book("15:30"))


def test_two_visits_of_one_patient_change_places(clinic: Desk) -> None:
    one = clinic.book("09:00")
    longer = clinic.practice.type(60, [clinic.one, clinic.two], [CHAIR])
    whose = {"patient_id": one["patient_id"]}
    # At once after it, and with another dentist.
    next_one, other = clinic.book("09:30", **whose), clinic.book("13:00", longer, clinic.two, **whose)
    for pair in ((one, next_one), (one, other)):
        before = [clinic.row(visit) for visit in pair]
        swap(clinic, *pair)
        after = [clinic.row(visit) for visit in pair]
        for now, then in zip(after, reversed(before), strict=True):
            assert (now["starts_at"], now["dentist_id"]) == (then["starts_at"], then["dentist_id"])
        for now, then in zip(after, before, strict=True):
            assert now["ends_at"] - now["starts_at"] == then["ends_at"] - then["starts_at"]
            assert [claim["part"] for claim in now["claims"]] == [0, 1]


def test_a_swap_leaves_no_patient_in_two_chairs(clinic: Desk) -> None:
    longer = clinic.practice.type(60, [clinic.one, clinic.two], [CHAIR])
    one = clinic.book("09:00")
    other = clinic.book("09:30", longer, clinic.two, patient_id=one["patient_id"])
    before = [clinic.row(visit) for visit in (one, other)]
    with refused("patient_busy"):
        swap(clinic, one, other)
    assert [clinic.row(visit) for visit in (one, other)] == before


def test_a_refused_swap_leaves_both_where_they_were(clinic: Desk) -> None:
    longer = clinic.practice.type(60, [clinic.one, clinic.two], [CHAIR])
    one, other = clinic.book("09:00"), clinic.book("13:00", longer, clinic.two)
    clinic.book("09:30")
    before = [clinic.row(visit) for visit in (one, other)]
    with refused("slot_taken"):
        swap(clinic, one, other)
    assert [clinic.row(visit) for visit in (one, other)] == before


def test_nobody_is_swapped_to_somebody_who_does_not_do_it(clinic: Desk) -> None:
    one, cleaning = clinic.book("09:00"), clinic.book("13:00", clinic.cleaning)
    before = [clinic.row(visit) for visit in (one, cleaning)]
    for pair in ((one, cleaning), (cleaning, one)):
        with refused("not_offered"):
            swap(clinic, *pair)
    assert [clinic.row(visit) for visit in (one, cleaning)] == before


def test_a_swap_needs_two_visits_of_one_clinic_that_have_not_begun_to_be_treated(
    clinic: Desk, superuser: Connection
) -> None:
    one, other = clinic.book("09:00"), clinic.book("13:00")
    with refused("invalid_argument"):
        swap(clinic, one, one)
    superuser.execute("update clinic.appointments set status = 'checked_in' where id = %s", [other["id"]])
    for pair in ((one, other), (other, one)):
        with refused("invalid_transition"):
            swap(clinic, *pair)


@pytest.mark.parametrize("parts", [[], [CHAIR]])
def test_who_is_squeezed_on_top_of_the_other_has_no_other_place_to_change(
    clinic: Desk, parts: list[Row]
) -> None:
    visit = clinic.practice.type(30, [clinic.one], parts)
    one, other = clinic.book("09:00", visit), clinic.book("09:00", visit, squeeze_in=True)
    before = [clinic.row(row) for row in (one, other)]
    for pair in ((one, other), (other, one)):
        with refused("invalid_argument"):
            swap(clinic, *pair)
    assert [clinic.row(row) for row in (one, other)] == before


def test_a_swap_fills_no_day(clinic: Desk) -> None:
    rare = clinic.practice.type(30, [clinic.one, clinic.two], [CHAIR], max_per_day=1)
    one, other = clinic.book("09:00", rare), clinic.book("13:00", rare, clinic.two)
    swap(clinic, one, other)
    assert [clinic.row(visit)["dentist_id"] for visit in (one, other)] == [clinic.two, clinic.one]


# Taken back -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("through", "back"),
    [
        (["checked_in"], "booked"),
        (["no_show"], "booked"),
        (["no_show"], "checked_in"),
        (["cancelled"], "booked"),
        (["checked_in", "fulfilled"], "checked_in"),
        (["checked_in", "cancelled"], "booked"),
    ],
)
def test_a_status_is_taken_back_and_the_visit_has_all_its_parts_again(
    clinic: Desk, through: list[str], back: str
) -> None:
    visit = clinic.practice.type(30, [clinic.one], [CHAIR])
    row = clinic.book("09:00", visit)
    clinic.begin(row, 5 * MINUTE)
    claims = clinic.row(row)["claims"]
    for status in through:
        clinic.do("set_appointment_status", row, status=status)
    before = clinic.row(row)
    taken_back = clinic.do("set_appointment_status", row, status=back, expected_version=before["version"])
    after = clinic.row(row)
    assert (taken_back["status"], taken_back["version"]) == (back, before["version"] + 1)
    assert (after["cancelled_at"], after["cancellation_reason"]) == (None, None)
    assert after["claims"] == claims
    assert clinic.told(row)[-1] == "appointment_status_changed"
    with refused("stale_version"):
        clinic.do("set_appointment_status", row, status="checked_in", expected_version=before["version"])


@pytest.mark.parametrize(
    ("through", "refused_to"),
    [
        (["cancelled"], "checked_in"),
        (["no_show"], "fulfilled"),
        (["checked_in", "fulfilled"], "booked"),
        (["checked_in", "fulfilled"], "cancelled"),
        (["cancelled"], "no_show"),
    ],
)
def test_not_everything_can_be_taken_back(clinic: Desk, through: list[str], refused_to: str) -> None:
    row = clinic.book("09:00", clinic.practice.type(30, [clinic.one], [CHAIR]))
    clinic.begin(row, 5 * MINUTE)
    for status in through:
        clinic.do("set_appointment_status", row, status=status)
    with refused("invalid_transition"):
        clinic.do("set_appointment_status", row, status=refused_to)


def test_whose_chair_has_gone_gets_another_and_whose_time_has_gone_gets_none(clinic: Desk) -> None:
    row = clinic.book("09:00")
    clinic.do("cancel_appointment", row, reason="By mistake")
    chair = {clinic.left, clinic.right}
    taken = clinic.book("09:00", who=clinic.two)
    clinic.do("set_appointment_status", row, status="booked")
    assert {clinic.chair_of(row), clinic.chair_of(taken)} == chair
    clinic.do("cancel_appointment", row)
    # No chair is left, though the dentist is free.
    nurse = clinic.practice.person("Third", week=EVERY_DAY)
    third = clinic.practice.type(30, [nurse], [CHAIR])
    clinic.book("09:00", third, nurse)
    before = clinic.row(row)
    with refused("slot_taken"):
        clinic.do("set_appointment_status", row, status="booked")
    assert clinic.row(row) == before


def test_what_somebody_else_has_by_now_is_not_taken_back(clinic: Desk, superuser: Connection) -> None:
    row = clinic.book("09:00")
    clinic.do("cancel_appointment", row)
    hold = call(
        clinic.patient,
        "reserve_slot",
        appointment_type_id=clinic.visit,
        dentist_id=clinic.one,
        starts_at=clinic.at("09:15"),
    )
    with refused("slot_taken"):
        clinic.do("set_appointment_status", row, status="booked")
    expire_hold(superuser, hold["id"])
    clinic.do("set_appointment_status", row, status="booked")
    clinic.do("cancel_appointment", row)
    clinic.book("09:00", who=clinic.two, patient_id=row["patient_id"])
    with refused("patient_busy"):
        clinic.do("set_appointment_status", row, status="booked")


def test_what_was_squeezed_in_meanwhile_is_not_taken_back_over(clinic: Desk) -> None:
    row = clinic.book("09:00")
    clinic.do("cancel_appointment", row)
    under = clinic.book("09:00")
    clinic.book("09:00", squeeze_in=True)
    clinic.do("cancel_appointment", under)
    with refused("slot_taken"):
        clinic.do("set_appointment_status", row, status="booked")


@pytest.mark.parametrize("is_squeezed", [True, False])
def test_by_hand_a_visit_moves_over_nothing_that_is_there(
    clinic: Desk, superuser: Connection, is_squeezed: bool
) -> None:
    """Nobody judges that: the ledger refuses it."""
    plain = clinic.practice.type(30, [clinic.one])
    kept, row = clinic.book("09:00", plain), clinic.book("11:00", plain)
    if is_squeezed:
        clinic.book("09:00", plain, squeeze_in=True)
        clinic.do("cancel_appointment", kept)
    by_hand = "update clinic.appointments set starts_at = %s, ends_at = %s where id = %s"
    hours = [clinic.at("09:00"), clinic.at("09:30")]
    with refused("slot_taken"):
        superuser.execute(by_hand, [*hours, row["id"]])
    assert superuser.execute(by_hand, [clinic.at("10:00"), clinic.at("10:30"), row["id"]]).rowcount == 1
    assert superuser.execute("select from clinic.check_invariants()").rowcount == 0


@pytest.mark.parametrize("parts", [[], [CHAIR]])
def test_what_was_cancelled_does_not_come_back_while_the_clinic_is_closed(
    clinic: Desk, actors: Actors, parts: list[Row]
) -> None:
    row = clinic.book("09:00", clinic.practice.type(30, [clinic.one], parts))
    clinic.do("cancel_appointment", row)
    admin = clinic.practice.staff(actors, "admin")
    closed = {"starts_at": clinic.at("08:00"), "ends_at": clinic.at("12:00")}
    closure = call(admin, "add_time_off", clinic_id=clinic.practice.id, **closed)["closure_id"]
    with refused("slot_taken"):
        clinic.do("set_appointment_status", row, status="booked")
    assert call(admin, "remove_time_off", time_off_id=closure) is True
    assert clinic.do("set_appointment_status", row, status="booked")["status"] == "booked"


def test_a_squeezed_visit_comes_back_squeezed(clinic: Desk) -> None:
    clinic.book("09:00")
    row = clinic.book("09:00", squeeze_in=True)
    claims = clinic.row(row)["claims"]
    clinic.do("cancel_appointment", row)
    assert clinic.do("set_appointment_status", row, status="booked")["is_squeezed"]
    assert clinic.row(row)["claims"] == claims


def test_nobody_checks_in_the_day_before_nor_is_done_before_the_start(clinic: Desk) -> None:
    row = clinic.book("09:00", days=3)
    for status in ("checked_in", "no_show"):
        with refused("invalid_transition"):
            clinic.do("set_appointment_status", row, status=status)
    # Later today: it may be checked in, and not be done.
    visit = clinic.practice.type(1, [clinic.two])
    now = datetime.now(clinic.practice.zone)
    insert(
        clinic.practice.superuser,
        "extra_hours",
        clinic_id=clinic.practice.id,
        dentist_id=clinic.two,
        during=f"[{now.isoformat()},{(now + 120 * MINUTE).isoformat()})",
    )
    start = (now + MINUTE).replace(second=0, microsecond=0) + MINUTE
    soon = call(
        clinic.desk,
        "book_appointment",
        appointment_type_id=visit,
        dentist_id=clinic.two,
        starts_at=start,
        patient_id=clinic.practice.patient(),
    )
    if start.date() == now.date():
        clinic.do("set_appointment_status", soon, status="checked_in")
    with refused("invalid_transition"):
        clinic.do("set_appointment_status", soon, status="fulfilled")
