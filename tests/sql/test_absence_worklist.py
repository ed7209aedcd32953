"""The day somebody is sick: who is in the way, where they could go, and whose absences the desk enters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.support.actors import Actors, Connection, Row, call
from tests.support.build import insert, make_user
from tests.support.practices import Practice, make_practice, parts_of
from tests.support.refusals import refused

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
EVERY_DAY = [(day, "08:00", "18:00") for day in range(1, 8)]
CHAIR: Row = {"needs": "chair"}
EXAM: Row = {"needs": "dentist", "starts_after": 10, "lasts": 10}


@dataclass
class House:
    """A clinic with two dentists, a hygienist and two chairs, and its staff."""

    practice: Practice
    one: UUID
    two: UUID
    hygienist: UUID
    chairs: list[UUID]
    visit: UUID
    cleaning: UUID
    desk: Connection
    admin: Connection
    dentist: Connection

    def at(self, clock: str, days: int = 10) -> datetime:
        """Return an instant of a day ahead, by the clinic's clock."""
        day = datetime.now(self.practice.zone).date() + days * DAY
        return datetime.combine(day, time.fromisoformat(clock), self.practice.zone)

    def book(self, clock: str, visit: UUID, who: UUID, **more: Any) -> Row:
        """Book as the desk does, for somebody new."""
        row: Row = call(
            self.desk,
            "book_appointment",
            appointment_type_id=visit,
            dentist_id=who,
            starts_at=self.at(clock),
            **{"patient_id": self.practice.patient()} | more,
        )
        return row

    def day(self) -> Row:
        """Return a day as an absence."""
        return {"clinic_id": self.practice.id, "starts_at": self.at("08:00"), "ends_at": self.at("18:00")}

    def worklist(self, connection: Connection | None = None, **asked: Any) -> list[Row]:
        """Return who is in the way of a day's absence."""
        answer = call(connection or self.desk, "absence_worklist", **self.day() | asked)
        rows: list[Row] = answer["appointments"]
        return rows

    def availability(self) -> list[Row]:
        """Return what everybody who watches availability was told, in order."""
        return self.practice.superuser.execute(
            "select * from clinic.realtime_events where %s = any (topics) order by id",
            [f"availability:{self.practice.id}"],
        ).fetchall()


@pytest.fixture
def house(actors: Actors, superuser: Connection) -> Iterator[House]:
    """A clinic in which nobody is booked yet. Whoever is away, the invariants hold."""
    practice = make_practice(superuser, min_notice=timedelta(0))
    one, two = (practice.person(f"Dentist {n}", week=EVERY_DAY) for n in (1, 2))
    hygienist = practice.person("Hygienist", "hygienist", week=EVERY_DAY)
    chairs = [practice.thing("Left"), practice.thing("Right")]
    yield House(
        practice,
        one,
        two,
        hygienist,
        chairs,
        practice.type(30, [one, two], [CHAIR]),
        practice.type(40, [hygienist], [CHAIR, EXAM]),
        practice.staff(actors, "receptionist"),
        practice.staff(actors, "admin"),
        practice.staff(actors, "dentist", one),
    )
    assert superuser.execute("select * from clinic.check_invariants()").fetchall() == []


def test_a_sick_dentists_visits_come_with_phone_and_three_ways_out_none_in_the_absence(
    house: House, superuser: Connection
) -> None:
    rows = [house.book(clock, house.visit, house.one) for clock in ("09:00", "10:00", "15:00")]
    cleaning = house.book("11:00", house.cleaning, house.hygienist)
    examiner = parts_of(superuser, cleaning["id"])[2]["resource_id"]
    elsewhere = house.book("12:00", house.visit, house.two)
    superuser.execute(
        "update clinic.patients set phone = '212 555 0100' where clinic_id = %s", [house.practice.id]
    )
    listed = house.worklist(dentist_id=house.one)
    expected = rows[:2] + ([cleaning] if examiner == house.one else []) + rows[2:]
    assert [row["id"] for row in listed] == [str(row["id"]) for row in expected]
    assert str(elsewhere["id"]) not in [row["id"] for row in listed]
    for row in listed:
        assert (row["phone"], row["patient_name"], row["status"]) == ("212 555 0100", "Somebody", "booked")
        assert len(row["alternatives"]) == 3
    # All of them can be taken, and still once the absence is entered.
    call(house.desk, "add_time_off", **house.day(), dentist_id=house.one, dry_run=True)
    for row in listed:
        first, *_ = house.worklist(dentist_id=house.one)
        way = first["alternatives"][0]
        assert way["dentist_id"] != str(house.one)
        moved = call(
            house.desk,
            "reschedule_appointment",
            appointment_id=first["id"],
            starts_at=way["starts_at"],
            dentist_id=way["dentist_id"],
        )
        assert str(moved["id"]) == row["id"]
    assert house.worklist(dentist_id=house.one) == []
    entered = call(house.desk, "add_time_off", **house.day(), dentist_id=house.one)
    assert entered["appointments"] == []


def test_no_way_out_needs_the_one_who_is_away(house: House) -> None:
    """Each dentist's long visit has the other look in: when one is away, the other cannot stand in alone."""
    long = house.practice.type(
        60, [house.one, house.two], [{"needs": "dentist", "starts_after": 20, "lasts": 10}]
    )
    house.book("09:00", long, house.one)
    (row,) = house.worklist(dentist_id=house.one)
    call(house.desk, "add_time_off", **house.day(), dentist_id=house.one, on_conflict="cancel")
    call(house.desk, "set_appointment_status", appointment_id=row["id"], status="cancelled")
    assert len(row["alternatives"]) == 3
    for way in row["alternatives"]:
        verdict = call(
            house.desk,
            "explain_slot",
            appointment_type_id=long,
            dentist_id=way["dentist_id"],
            starts_at=way["starts_at"],
        )
        assert verdict["bookable"], way


def test_a_way_out_is_clear_of_the_absence_with_its_buffers(house: House) -> None:
    quarter = timedelta(minutes=15)
    visit = house.practice.type(30, [house.one], buffer_before=quarter, buffer_after=quarter)
    house.book("10:00", visit, house.one)
    (row,) = house.worklist(dentist_id=house.one, starts_at=house.at("09:30"), ends_at=house.at("12:00"))
    starts = [datetime.fromisoformat(way["starts_at"]) for way in row["alternatives"]]
    assert starts == [house.at(clock) for clock in ("08:45", "08:30", "08:15")]
    (row,) = house.worklist(dentist_id=house.one, starts_at=house.at("08:00"), ends_at=house.at("11:00"))
    assert datetime.fromisoformat(row["alternatives"][0]["starts_at"]) == house.at("11:15")


def test_a_broken_chairs_visits_can_stay_with_the_other_day_or_go(house: House) -> None:
    row = house.book("09:00", house.visit, house.one)
    chair = next(
        c for c in house.chairs if [r["id"] for r in house.worklist(dentist_id=c)] == [str(row["id"])]
    )
    (listed,) = house.worklist(dentist_id=chair)
    starts = [datetime.fromisoformat(way["starts_at"]) for way in listed["alternatives"]]
    assert len(starts) == 3
    call(house.desk, "add_time_off", **house.day(), resource_id=chair, on_conflict="cancel")
    for way in listed["alternatives"]:
        asked = {
            "appointment_type_id": house.visit,
            "dentist_id": way["dentist_id"],
            "starts_at": way["starts_at"],
        }
        assert call(house.desk, "explain_slot", **asked)["bookable"]


def test_without_a_dentist_it_is_everybody_and_no_way_out_is_that_day(house: House) -> None:
    rows = [house.book("09:00", house.visit, house.one), house.book("10:00", house.cleaning, house.hygienist)]
    listed = house.worklist()
    assert [row["id"] for row in listed] == [str(row["id"]) for row in rows]
    for row in listed:
        assert len(row["alternatives"]) == 3
        for way in row["alternatives"]:
            assert datetime.fromisoformat(way["starts_at"]) >= house.at("18:00")


def test_the_list_is_the_staffs(house: House, actors: Actors, superuser: Connection) -> None:
    house.book("09:00", house.visit, house.two)
    patient = actors.user(f"{make_user(superuser)}@made.test")
    assert len(house.worklist(house.admin)) == 1
    assert house.worklist(house.dentist, dentist_id=house.one) == []
    for connection, asked, code in (
        (house.dentist, {"dentist_id": house.two}, "forbidden"),
        (house.dentist, {}, "forbidden"),
        (patient, {}, "not_found"),
        (actors.anon(), {}, "not_authenticated"),
        (house.desk, {"dentist_id": uuid4()}, "not_found"),
        (house.desk, {"ends_at": house.at("08:00")}, "invalid_argument"),
        (house.desk, {"ends_at": house.at("08:00", 50)}, "invalid_argument"),
        (house.desk, {"starts_at": "tomorrow"}, "invalid_argument"),
    ):
        with refused(code):
            house.worklist(connection, **asked)


# Absences ---------------------------------------------------------------------------------------------------


def test_the_desk_enters_and_removes_absences_and_a_dentist_their_own(house: House) -> None:
    for connection, who in (
        (house.desk, house.two),
        (house.dentist, house.one),
        (house.admin, house.hygienist),
    ):
        (off,) = call(connection, "add_time_off", **house.day(), dentist_id=who)["time_off"]
        assert (off["dentist_id"], off["resource_id"]) == (str(who), str(who))
        assert call(connection, "remove_time_off", time_off_id=off["id"]) is True
    for asked in ({"dentist_id": house.two}, {"resource_id": house.chairs[0]}, {}):
        with refused("forbidden"):
            call(house.dentist, "add_time_off", **house.day(), **asked)
    with refused("forbidden"):
        call(house.desk, "add_time_off", **house.day())
    with refused("not_found"):
        call(house.desk, "add_time_off", **house.day(), dentist_id=house.chairs[0])
    with refused("invalid_argument"):
        call(house.desk, "add_time_off", **house.day(), dentist_id=house.one, resource_id=house.two)


def test_a_chair_out_of_order_leaves_the_other_and_everybody_hears_of_it_without_learning_which(
    house: House, superuser: Connection
) -> None:
    reason = "Water under the chair"
    before = len(house.availability())
    (off,) = call(house.desk, "add_time_off", **house.day(), resource_id=house.chairs[0], reason=reason)[
        "time_off"
    ]
    assert (off["dentist_id"], off["resource_id"]) == (None, str(house.chairs[0]))
    first = house.book("09:00", house.visit, house.one)
    assert parts_of(superuser, first["id"])[1]["resource_id"] == house.chairs[1]
    wish = {"appointment_type_id": house.visit, "dentist_id": house.two, "starts_at": house.at("09:00")}
    assert call(house.desk, "explain_slot", **wish)["code"] == "slot_taken"
    told = house.availability()[before:]
    assert [event["event"] for event in told][:3] == ["availability_changed"] * 3
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
        assert not any(str(chair) in str(event["payload"]) for chair in house.chairs)
        assert reason not in str(event["payload"])
    before = len(house.availability())
    call(house.desk, "remove_time_off", time_off_id=off["id"])
    assert [event["event"] for event in house.availability()[before:]] == ["availability_changed"] * 3
    assert call(house.desk, "explain_slot", **wish)["bookable"]


def test_who_only_looks_in_is_in_the_way_too_and_the_whole_visit_goes(
    house: House, superuser: Connection
) -> None:
    cleaning = house.book("11:00", house.cleaning, house.hygienist)
    examiner = parts_of(superuser, cleaning["id"])[2]["resource_id"]
    off = {
        "clinic_id": house.practice.id,
        "dentist_id": examiner,
        "starts_at": house.at("11:10"),
        "ends_at": house.at("11:20"),
    }
    with refused("appointments_in_the_way") as refusal:
        call(house.desk, "add_time_off", **off)
    assert [row["appointment_id"] for row in refusal.details] == [str(cleaning["id"])]
    call(house.desk, "add_time_off", **off, on_conflict="cancel")
    assert parts_of(superuser, cleaning["id"]) == []
    assert call(
        house.desk,
        "explain_slot",
        appointment_type_id=house.cleaning,
        dentist_id=house.hygienist,
        starts_at=house.at("11:00"),
    )["bookable"]


def test_a_closure_binds_whoever_is_hired_later_and_reaches_no_patient(
    house: House, actors: Actors, superuser: Connection
) -> None:
    closed = call(house.admin, "add_time_off", **house.day(), reason="Water damage")
    assert closed["closure_id"]
    assert closed["time_off"] == []
    new = house.practice.person("New", week=EVERY_DAY)
    insert(
        superuser,
        "dentist_types",
        clinic_id=house.practice.id,
        dentist_id=new,
        appointment_type_id=house.visit,
    )
    patient = actors.user(f"{make_user(superuser)}@made.test")
    wish = {"appointment_type_id": house.visit, "dentist_id": new, "starts_at": house.at("09:00")}
    for connection in (patient, house.desk):
        assert call(connection, "explain_slot", **wish)["code"] == "slot_taken"
        assert "Water damage" not in str(call(connection, "explain_slot", **wish))
    assert (
        call(house.desk, "get_availability", dentist_id=new)["time_off"][0]["closure_id"]
        == closed["closure_id"]
    )
    assert "time_off" not in call(patient, "get_availability", dentist_id=new)
    assert "Water damage" not in str([event["payload"] for event in house.availability()])
    assert call(house.admin, "remove_time_off", time_off_id=closed["closure_id"]) is True
    assert call(patient, "explain_slot", **wish)["bookable"]


# Rotas and the clinic itself --------------------------------------------------------------------------------


def test_a_rota_that_starts_later_is_listed_from_that_day_until_its_last(house: House) -> None:
    first, last = house.at("00:00", 10).date(), house.at("00:00", 11).date()
    week = [{"weekday": day, "opens": "20:00", "closes": "22:00"} for day in range(1, 8)]
    rota = [window | {"valid_from": first.isoformat(), "valid_until": last.isoformat()} for window in week]
    always = [{"weekday": day, "opens": "08:00", "closes": "09:00"} for day in range(1, 8)]
    call(house.admin, "set_availability", dentist_id=house.one, weekly=[*always, *rota])

    def evening(days: int) -> str | None:
        wish = {
            "appointment_type_id": house.visit,
            "dentist_id": house.one,
            "starts_at": house.at("20:00", days),
        }
        code: str | None = call(house.desk, "explain_slot", **wish)["code"]
        return code

    assert [evening(days) for days in (9, 10, 11, 12)] == [
        "outside_working_hours",
        None,
        None,
        "outside_working_hours",
    ]
    rows = call(
        house.desk,
        "available_slots",
        appointment_type_id=house.visit,
        dentist_id=house.one,
        from_date=house.at("00:00", 9).date(),
        to_date=house.at("00:00", 12).date(),
    )
    late = {
        row["starts_at"].astimezone(house.practice.zone).date()
        for row in rows
        if row["starts_at"].astimezone(house.practice.zone).hour >= 20
    }
    assert late == {first, last}
    weekly = call(house.desk, "get_availability", dentist_id=house.one)["weekly"]
    assert [w for w in weekly if "valid_from" not in w] == always
    assert sorted(w["weekday"] for w in weekly if w.get("valid_until") == last.isoformat()) == [*range(1, 8)]


@pytest.mark.parametrize(
    "rota",
    [
        [{"valid_from": "2030-02-01", "valid_until": "2030-01-01"}],
        [{"valid_from": "2030-02-30"}],
        [{"valid_from": "soon"}],
        [{"valid_until": "2030-06-01"}, {"valid_from": "2030-06-01"}],
        [{}, {"valid_from": "2030-06-01"}],
    ],
)
def test_a_rota_is_valid_for_some_days_and_overlaps_with_no_other(house: House, rota: list[Row]) -> None:
    window = {"weekday": 1, "opens": "08:00", "closes": "09:00"}
    with refused("invalid_argument"):
        call(house.admin, "set_availability", dentist_id=house.one, weekly=[window | days for days in rota])


def test_rotas_that_follow_each_other_do_not_overlap(house: House) -> None:
    window = {"weekday": 1, "opens": "08:00", "closes": "09:00"}
    rota = [window | {"valid_until": "2030-05-31"}, window | {"valid_from": "2030-06-01"}]
    changed = call(house.admin, "set_availability", dentist_id=house.one, weekly=rota)
    assert changed["added"] == rota


def test_another_time_zone_is_tried_first_and_says_whose_clock_time_changes(house: House) -> None:
    row = house.book("09:00", house.visit, house.one)
    asked = {
        "clinic_id": house.practice.id,
        "time_zone": "America/Chicago",
        "name": "Moved west",
        "phone": "312 555 0100",
    }
    before = house.availability()
    tried = call(house.admin, "update_clinic", **asked, dry_run=True)
    (shifted,) = tried["appointments_shifted"]
    assert shifted["appointment_id"] == str(row["id"])
    assert (shifted["local_before"][11:16], shifted["local_after"][11:16]) == ("09:00", "08:00")
    assert tried["clinic"]["time_zone"] == "America/Chicago"

    def clinic_row() -> Row:
        found: Row = house.practice.superuser.execute(
            "select name, time_zone, phone from clinic.clinics where id = %s", [house.practice.id]
        ).fetchone()  # type: ignore[assignment]
        return found

    assert clinic_row()["time_zone"] == "America/New_York"
    assert house.availability() == before, "what is only tried is not told"
    done = call(house.admin, "update_clinic", **asked)
    assert (done["dry_run"], done["appointments_shifted"]) == (False, tried["appointments_shifted"])
    assert {event["event"] for event in house.availability()[len(before) :]} == {"availability_changed"}
    assert clinic_row() == {"name": "Moved west", "time_zone": "America/Chicago", "phone": "312 555 0100"}
    for connection, more, code in (
        (house.desk, {}, "forbidden"),
        (house.admin, {"time_zone": "Mars/Olympus"}, "invalid_argument"),
        (house.admin, {"email": "nowhere"}, "invalid_argument"),
        (house.admin, {"name": "x" * 201}, "invalid_argument"),
    ):
        with refused(code):
            call(connection, "update_clinic", **asked | more)


def test_a_contact_that_is_no_more_is_removed(house: House) -> None:
    contact = {"phone": "+1 212 555 0100", "email": "hello@house.test", "address": "1 Elm St"}
    of = {"clinic_id": house.practice.id}
    call(house.admin, "update_clinic", **of, **contact)
    for name in contact:
        left = call(house.admin, "update_clinic", **of, clear=f"{{{name}}}")["clinic"]
        assert {key: left[key] for key in contact} == contact | {name: None}
        call(house.admin, "update_clinic", **of, **contact)
    for kept in ("{}", None):
        assert call(house.admin, "update_clinic", **of, clear=kept)["clinic"]["phone"] == contact["phone"]
    for wrong in ("{name}", "{phone,time_zone}", "{null}"):
        with refused("invalid_argument"):
            call(house.admin, "update_clinic", **of, clear=wrong)


# Somebody or something else, at the same time ---------------------------------------------------------------


def test_a_broken_chairs_visits_can_have_another_one_that_is_free(
    house: House, superuser: Connection
) -> None:
    row = house.book("09:00", house.visit, house.one)
    chair = parts_of(superuser, row["id"])[1]["resource_id"]
    (other,) = (each for each in house.chairs if each != chair)
    (listed,) = house.worklist(dentist_id=chair)
    (stand_in,) = listed["stand_ins"]
    assert (stand_in["part"], stand_in["needs"], stand_in["resource_id"]) == (1, "chair", str(other))
    # Nothing stands in for who leads, and nobody in a closed clinic.
    assert [row["stand_ins"] for row in house.worklist(dentist_id=house.one)] == [[]]
    assert [row["stand_ins"] for row in house.worklist()] == [[]]
    beside = house.book("09:00", house.visit, house.two)
    (taken,) = house.worklist(dentist_id=chair)
    assert taken["stand_ins"] == []
    call(house.desk, "cancel_appointment", appointment_id=beside["id"])
    taken = {"part": stand_in["part"], "resource_id": stand_in["resource_id"]}
    call(house.desk, "move_to_resource", appointment_id=row["id"], **taken)
    assert house.worklist(dentist_id=chair) == []


def test_another_dentist_who_works_then_can_look_in(house: House, superuser: Connection) -> None:
    cleaning = house.book("11:00", house.cleaning, house.hygienist)
    examiner = parts_of(superuser, cleaning["id"])[2]["resource_id"]
    (other,) = (each for each in (house.one, house.two) if each != examiner)
    (listed,) = house.worklist(dentist_id=examiner)
    assert [(s["part"], s["resource_id"]) for s in listed["stand_ins"]] == [(2, str(other))]
    # Only who is in the way in this very time is replaced.
    away = {"starts_at": house.at("11:00"), "ends_at": house.at("11:10"), "dentist_id": examiner}
    assert house.worklist(**away) == []
    call(house.desk, "add_time_off", **house.day(), dentist_id=other)
    (listed,) = house.worklist(dentist_id=examiner)
    assert listed["stand_ins"] == []


# Blocked at once, and the visits kept -----------------------------------------------------------------------


def test_time_is_blocked_at_once_while_the_visits_in_it_are_handled(
    house: House, superuser: Connection
) -> None:
    moved, cancelled = (house.book(clock, house.visit, house.one) for clock in ("09:00", "13:00"))
    asked = {"dentist_id": house.one, "reason": "Flu"}
    tried = call(house.desk, "add_time_off", **house.day(), **asked, on_conflict="keep", dry_run=True)
    assert (len(tried["appointments"]), tried["dry_run"]) == (2, True)
    done = call(house.desk, "add_time_off", **house.day(), **asked, on_conflict="keep")
    (off,) = done["time_off"]
    assert [datetime.fromisoformat(off[end]) for end in ("starts_at", "ends_at")] == [
        house.at("08:00"),
        house.at("18:00"),
    ]
    assert [row["appointment_id"] for row in done["appointments"]] == [
        str(row["id"]) for row in (moved, cancelled)
    ]

    def is_blocked(clock: str) -> bool:
        verdict = call(
            house.desk,
            "explain_slot",
            appointment_type_id=house.visit,
            dentist_id=house.one,
            starts_at=house.at(clock),
        )
        return not verdict["bookable"]

    assert is_blocked("10:00")
    with refused("slot_taken"):
        house.book("10:00", house.visit, house.one)
    # They are as they were: still listed, and can be checked in, made shorter and given another chair.
    assert [row["id"] for row in house.worklist(dentist_id=house.one)] == [
        str(row["id"]) for row in (moved, cancelled)
    ]
    call(house.desk, "resize_appointment", appointment_id=moved["id"], ends_at=house.at("09:20"))
    with refused("slot_taken"):
        call(house.desk, "resize_appointment", appointment_id=moved["id"], ends_at=house.at("09:40"))
    call(
        house.desk,
        "reschedule_appointment",
        appointment_id=moved["id"],
        starts_at=house.at("09:00"),
        dentist_id=house.two,
    )
    call(house.desk, "cancel_appointment", appointment_id=cancelled["id"])
    # What they leave is nobody's, at no time.
    assert is_blocked("09:00")
    assert is_blocked("13:00")
    with refused("slot_taken"):
        call(house.desk, "set_appointment_status", appointment_id=cancelled["id"], status="booked")
    again = call(house.desk, "add_time_off", **house.day(), **asked)
    assert (again["time_off"], again["appointments"]) == ([], [])
    assert superuser.execute("select * from clinic.check_invariants()").fetchall() == []
    call(house.desk, "remove_time_off", time_off_id=off["id"])
    assert not is_blocked("13:00")
    call(house.desk, "set_appointment_status", appointment_id=cancelled["id"], status="booked")


def test_holds_in_a_blocked_time_end_and_what_is_left_is_cancelled_on_demand(house: House) -> None:
    house.book("09:00", house.visit, house.one)
    wish = {"appointment_type_id": house.visit, "dentist_id": house.one, "starts_at": house.at("14:00")}
    held = call(house.desk, "reserve_slot", **wish, patient_id=house.practice.patient())
    call(house.desk, "add_time_off", **house.day(), dentist_id=house.one, on_conflict="keep")
    with refused("reservation_expired"):
        call(house.desk, "confirm_reservation", reservation_id=held["id"])
    with refused("appointments_in_the_way"):
        call(house.desk, "add_time_off", **house.day(), dentist_id=house.one)
    done = call(house.desk, "add_time_off", **house.day(), dentist_id=house.one, on_conflict="cancel")
    assert len(done["appointments"]) == 1
    assert house.worklist(dentist_id=house.one) == []


def test_a_clinic_closes_with_its_visits_kept(house: House) -> None:
    row = house.book("09:00", house.visit, house.one)
    done = call(house.admin, "add_time_off", **house.day(), on_conflict="keep")
    assert done["closure_id"]
    with refused("slot_taken"):
        house.book("10:00", house.visit, house.one)
    assert [each["id"] for each in house.worklist()] == [str(row["id"])]
