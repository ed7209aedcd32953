"""A dentist at two clinics is one person: booked at one, taken at the other, which learns no more."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.support.actors import Actors, Connection, Row, call
from tests.support.build import make_user
from tests.support.practices import Practice, make_practice
from tests.support.refusals import refused
from tests.support.slots import expire_hold

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
EVERY_DAY = [(day, "08:00", "18:00") for day in range(1, 8)]
CHAIR: Row = {"needs": "chair"}


@dataclass
class Side:
    """One of the two clinics: a colleague, a chair, a type that the shared dentist leads, and its staff."""

    practice: Practice
    colleague: UUID
    visit: UUID
    desk: Connection
    admin: Connection
    patient: UUID

    def book(self, start: datetime, **more: Any) -> Row:
        """Book as the desk does."""
        row: Row = call(
            self.desk,
            "book_appointment",
            appointment_type_id=self.visit,
            starts_at=start,
            **{"patient_id": self.practice.patient("Confidential")} | more,
        )
        return row

    def code(self, start: datetime, who: UUID | None, connection: Connection | None = None) -> str | None:
        """Return why a slot cannot be had here; None if it can."""
        verdict = call(
            connection or self.desk,
            "explain_slot",
            appointment_type_id=self.visit,
            dentist_id=who,
            starts_at=start,
        )
        code: str | None = verdict["code"]
        return code

    def day(self, start: datetime, connection: Connection | None = None) -> Row:
        """Return the day board."""
        day = start.astimezone(self.practice.zone).date()
        board: Row = call(connection or self.desk, "clinic_day", clinic_id=self.practice.id, day=day)
        return board

    def topics(self) -> list[Row]:
        """Return all events that this clinic's topics heard."""
        return self.practice.superuser.execute(
            "select event, payload, topics from clinic.realtime_events where topics && %s order by id",
            [[f"availability:{self.practice.id}", f"clinic:{self.practice.id}"]],
        ).fetchall()


@dataclass
class Both:
    """The dentist, the two clinics, and an instant at which they are open."""

    dentist: UUID
    here: Side
    there: Side
    start: datetime

    def at(self, clock: str) -> datetime:
        """Return an instant of that day, by the clock of here."""
        day = datetime.now(self.here.practice.zone).date() + 10 * DAY
        return datetime.combine(day, time.fromisoformat(clock), self.here.practice.zone)


@pytest.fixture
def both(actors: Actors, superuser: Connection) -> Iterator[Both]:
    """Two clinics of one town, and a dentist who works at both. Whatever happens, the invariants hold."""
    places = [make_practice(superuser, min_notice=timedelta(0)) for _ in range(2)]
    dentist = places[0].person("Shared", week=EVERY_DAY)
    places[1].person("Shared elsewhere", week=[(day, "09:00", "12:00") for day in range(1, 8)], id=dentist)
    sides = []
    for place in places:
        colleague = place.person("Colleague", week=EVERY_DAY)
        place.thing("Chair"), place.thing("Stool")
        sides.append(
            Side(
                place,
                colleague,
                place.type(30, [dentist, colleague], [CHAIR]),
                place.staff(actors, "receptionist"),
                place.staff(actors, "admin"),
                place.patient("Confidential"),
            )
        )
    found = Both(dentist, *sides, datetime.now(places[0].zone))
    found.start = found.at("09:00")
    yield found
    assert superuser.execute("select * from clinic.check_invariants()").fetchall() == []


@pytest.mark.parametrize("function", ["book_appointment", "reserve_slot"])
def test_booked_or_held_at_one_is_taken_at_the_other(
    both: Both, superuser: Connection, function: str
) -> None:
    patient = {"patient_id": both.here.patient}
    wish = {"appointment_type_id": both.here.visit, "dentist_id": both.dentist, "starts_at": both.start}
    row = call(both.here.desk, function, **wish, **patient)
    assert both.there.code(both.start, both.dentist) == "slot_taken"
    assert both.there.code(both.start + 15 * MINUTE, both.dentist) == "slot_taken"
    assert both.there.code(both.start + 30 * MINUTE, both.dentist) is None
    assert both.there.code(both.start, None) is None
    with refused("slot_taken") as refusal:
        both.there.book(both.start, dentist_id=both.dentist)
    assert "Confidential" not in str(refusal.raw)
    assert both.there.book(both.start)["dentist_id"] == both.there.colleague
    if function == "reserve_slot":
        expire_hold(superuser, row["id"])
    else:
        call(both.here.desk, "cancel_appointment", appointment_id=row["id"])
    assert both.there.book(both.start, dentist_id=both.dentist)["dentist_id"] == both.dentist
    assert both.here.code(both.start, both.dentist) == "slot_taken"


def test_hours_and_closures_are_each_clinics_own(both: Both) -> None:
    assert both.here.code(both.at("14:00"), both.dentist) is None
    assert both.there.code(both.at("14:00"), both.dentist) == "outside_working_hours"
    closed = {
        "clinic_id": both.here.practice.id,
        "starts_at": both.at("08:00"),
        "ends_at": both.at("18:00"),
        "reason": "Confidential",
    }
    hold = call(
        both.there.desk,
        "reserve_slot",
        appointment_type_id=both.there.visit,
        dentist_id=both.dentist,
        starts_at=both.at("10:00"),
        patient_id=both.there.patient,
    )
    call(both.here.admin, "add_time_off", **closed)
    assert both.here.code(both.start, both.dentist) == "slot_taken"
    assert both.there.code(both.start, both.dentist) is None
    assert both.there.book(both.start, dentist_id=both.dentist)["status"] == "booked"
    # What was held there is held still.
    assert call(both.there.desk, "confirm_reservation", reservation_id=hold["id"])["status"] == "booked"


def test_who_closes_a_clinic_waits_for_no_chair_of_another(both: Both, actors: Actors) -> None:
    row = both.there.book(both.start, dentist_id=both.dentist)
    keeper = actors.superuser()
    (chair,) = keeper.execute(
        "select resource_id from clinic.occupancy where id = %s and part = 1", [row["id"]]
    ).fetchall()
    closed = {"starts_at": both.at("08:00"), "ends_at": both.at("18:00")}
    with keeper.transaction():
        keeper.execute("select clinic.lock_calendars(%s)", [chair["resource_id"]])
        # Else it would be told to try again.
        answer = call(both.here.admin, "add_time_off", clinic_id=both.here.practice.id, **closed)
    assert answer["closure_id"]


def test_visits_of_two_clinics_do_not_change_places(
    both: Both, actors: Actors, superuser: Connection
) -> None:
    """Not even for somebody who may change both."""
    one, other = both.here.book(both.start, dentist_id=both.dentist), both.there.book(both.at("10:00"))
    before = superuser.execute("select * from clinic.appointments order by id").fetchall()
    with refused("invalid_argument"):
        call(actors.service_role(), "swap_appointments", appointment_id=one["id"], other_id=other["id"])
    assert superuser.execute("select * from clinic.appointments order by id").fetchall() == before


def test_time_off_at_one_is_taken_at_the_other_and_never_cancels_there(both: Both) -> None:
    row = both.there.book(both.start, dentist_id=both.dentist)
    off = {"clinic_id": both.here.practice.id, "dentist_id": both.dentist, "starts_at": both.at("08:00")}
    with refused("slot_taken"):
        call(both.here.desk, "add_time_off", **off, ends_at=both.at("10:00"), on_conflict="cancel")
    assert call(both.there.desk, "cancel_appointment", appointment_id=row["id"])["status"] == "cancelled"
    call(both.here.desk, "add_time_off", **off, ends_at=both.at("10:00"), reason="Water damage")
    assert both.there.code(both.start, both.dentist) == "slot_taken"
    for answer in (
        call(both.there.desk, "get_availability", dentist_id=both.dentist),
        both.there.day(both.start),
        both.there.desk.execute("select * from api.time_off").fetchall(),
    ):
        assert "Water damage" not in json.dumps(answer, default=str)


def test_time_booked_at_another_clinic_is_not_blocked_over_it(both: Both) -> None:
    both.there.book(both.start, dentist_id=both.dentist)
    row = both.here.book(both.at("10:00"), dentist_id=both.dentist)
    off = {"clinic_id": both.here.practice.id, "dentist_id": both.dentist, "on_conflict": "keep"}
    with refused("slot_taken"):
        call(both.here.desk, "add_time_off", **off, starts_at=both.at("08:00"), ends_at=both.at("12:00"))
    done = call(both.here.desk, "add_time_off", **off, starts_at=both.at("09:45"), ends_at=both.at("12:00"))
    assert [each["appointment_id"] for each in done["appointments"]] == [str(row["id"])]
    assert both.there.code(both.at("11:00"), both.dentist) == "slot_taken"


SECRETS = ("patient", "appointment_type", "reservation_id", "appointment_id", "reason")


def test_each_clinic_sees_only_that_it_is_taken(both: Both, actors: Actors, superuser: Connection) -> None:
    before = len(both.there.topics())
    row = both.here.book(both.start, dentist_id=both.dentist, notes="Confidential")
    hold = call(
        both.here.desk,
        "reserve_slot",
        appointment_type_id=both.here.visit,
        dentist_id=both.dentist,
        starts_at=both.at("11:00"),
        patient_id=both.here.patient,
    )
    told = both.there.topics()[before:]
    assert {event["event"] for event in told} == {"slot_taken"}
    assert len(told) == 2
    for event in told:
        assert not any(
            secret in str(event["payload"]) for secret in (*SECRETS, str(row["id"]), str(hold["id"]))
        )
        assert not any(
            topic.startswith("dentist:") or topic.startswith("clinic:") for topic in event["topics"]
        )
    # The board shows a grey bar; the explanation says so; the views have nothing.
    (column,) = [d for d in both.there.day(both.start)["dentists"] if d["dentist_id"] == str(both.dentist)]
    assert (column["appointments"], column["holds"], column["participations"]) == ([], [], [])
    assert [datetime.fromisoformat(bar["starts_at"]) for bar in column["elsewhere"]] == [
        both.start,
        both.at("11:00"),
    ]
    assert [set(bar) for bar in column["elsewhere"]] == [{"starts_at", "ends_at"}] * 2
    verdict = call(
        both.there.desk,
        "explain_slot",
        appointment_type_id=both.there.visit,
        dentist_id=both.dentist,
        starts_at=both.start,
    )
    assert verdict["message"] == "Taken from 09:00 to 09:30."
    own = call(
        both.here.desk,
        "explain_slot",
        appointment_type_id=both.here.visit,
        dentist_id=both.dentist,
        starts_at=both.start,
    )
    assert own["message"].startswith("Appointment from 09:00 to 09:30.")
    day = {"clinic_id": both.there.practice.id, "starts_at": both.at("08:00"), "ends_at": both.at("18:00")}
    assert call(both.there.desk, "absence_worklist", **day, dentist_id=both.dentist)["appointments"] == []
    sees(both.there.desk, row, hold, number=0)
    sees(both.here.desk, row, hold, number=1)


def sees(connection: Connection, row: Row, hold: Row, number: int) -> None:
    """Assert how many rows of an appointment, a hold and a patient somebody sees."""
    for view, identifier in (
        ("appointments", row["id"]),
        ("slot_reservations", hold["id"]),
        ("patients", row["patient_id"]),
    ):
        found = connection.execute(f"select from api.{view} where id = %s", [identifier])  # type: ignore[arg-type]
        assert found.rowcount == number, view


def test_a_login_of_the_dentist_at_one_clinic_is_none_at_the_other(
    both: Both, actors: Actors, superuser: Connection
) -> None:
    """An admin of one clinic says whose login the dentist's is there; that opens no other clinic's book."""
    row = both.here.book(both.start, dentist_id=both.dentist)
    hold = call(
        both.here.desk,
        "reserve_slot",
        appointment_type_id=both.here.visit,
        dentist_id=both.dentist,
        starts_at=both.at("11:00"),
        patient_id=both.here.patient,
    )
    call(
        both.here.desk,
        "add_time_off",
        clinic_id=both.here.practice.id,
        dentist_id=both.dentist,
        starts_at=both.at("14:00"),
        ends_at=both.at("15:00"),
    )
    linked = both.there.practice.staff(actors, "dentist", both.dentist)
    sees(linked, row, hold, number=0)
    assert linked.execute("select from api.time_off").rowcount == 0
    topic = f"dentist:{both.dentist}"
    with refused("not_found"):
        call(linked, "events_since", topic=topic, after_id=0)
    with refused("not_found"):
        call(linked, "cancel_appointment", appointment_id=row["id"])
    verdict = call(
        linked,
        "explain_slot",
        appointment_type_id=both.here.visit,
        dentist_id=both.dentist,
        starts_at=both.start,
    )
    assert verdict["message"] == "This time is already taken."
    # Once both say so, all of it is theirs.
    user = linked.execute("select current_setting('request.jwt.claims')::jsonb ->> 'sub' as id").fetchone()
    assert user is not None
    superuser.execute(
        "insert into clinic.staff (clinic_id, user_id, role) values (%s, %s, 'dentist')",
        [both.here.practice.id, user["id"]],
    )
    call(
        both.here.admin,
        "update_dentist",
        dentist_id=both.dentist,
        clinic_id=both.here.practice.id,
        user_id=user["id"],
    )
    sees(linked, row, hold, number=1)
    assert call(linked, "events_since", topic=topic, after_id=0) is not None
    assert linked.execute("select from api.time_off").rowcount == 1


def test_the_dentists_own_channel_is_for_the_desk_of_all_their_clinics(
    both: Both, superuser: Connection
) -> None:
    topic = f"dentist:{both.dentist}"
    for side in (both.here, both.there):
        with refused("not_found"):
            call(side.desk, "events_since", topic=topic, after_id=0)
        call(side.desk, "events_since", topic=f"dentist:{side.colleague}", after_id=0)
        call(side.desk, "events_since", topic=f"clinic:{side.practice.id}", after_id=0)
    user = both.here.desk.execute(
        "select current_setting('request.jwt.claims')::jsonb ->> 'sub' as id"
    ).fetchone()
    assert user is not None
    superuser.execute(
        "insert into clinic.staff (clinic_id, user_id, role) values (%s, %s, 'receptionist')",
        [both.there.practice.id, user["id"]],
    )
    call(both.here.desk, "events_since", topic=topic, after_id=0)


@pytest.mark.parametrize(
    ("function", "asked"),
    [
        ("set_availability", {"weekly": [{"weekday": 1, "opens": "09:00", "closes": "10:00"}]}),
        ("add_extra_hours", {"starts_at": "2030-01-01T09:00:00Z", "ends_at": "2030-01-01T12:00:00Z"}),
        ("set_dentist_types", {"appointment_type_ids": "{}"}),
        ("update_dentist", {"full_name": "Renamed"}),
        ("get_availability", {}),
    ],
)
def test_whoever_names_the_dentist_alone_is_asked_at_which_clinic(
    both: Both, actors: Actors, superuser: Connection, function: str, asked: Row
) -> None:
    service = actors.service_role()
    with refused("invalid_argument") as refusal:
        call(service, function, dentist_id=both.dentist, **asked)
    assert "clinic_id" in refusal.hint
    call(service, function, dentist_id=both.dentist, clinic_id=both.there.practice.id, **asked)
    # Who works for one of them means that one.
    call(both.here.admin, function, dentist_id=both.dentist, **asked)
    if function != "get_availability":
        with refused("not_found"):
            call(
                both.here.admin, function, dentist_id=both.dentist, clinic_id=both.there.practice.id, **asked
            )
    stranger = actors.user(f"{make_user(superuser)}@made.test")
    with refused("invalid_argument"):
        call(stranger, function, dentist_id=both.dentist, **asked)


def test_what_is_changed_at_one_clinic_stays_as_it_was_at_the_other(
    both: Both, superuser: Connection
) -> None:
    def state(side: Side) -> tuple[Any, ...]:
        return tuple(
            superuser.execute(
                f"select * from clinic.{table} where {key} = %s and clinic_id = %s order by 1, 2, 3",  # type: ignore[arg-type]
                [both.dentist, side.practice.id],
            ).fetchall()
            for table, key in (
                ("dentists", "id"),
                ("working_hours", "dentist_id"),
                ("dentist_types", "dentist_id"),
            )
        )

    before = state(both.there)
    admin = both.here.admin
    call(
        admin,
        "set_availability",
        dentist_id=both.dentist,
        weekly=[{"weekday": 1, "opens": "09:00", "closes": "10:00"}],
    )
    call(admin, "set_dentist_types", dentist_id=both.dentist, appointment_type_ids="{}")
    call(admin, "update_dentist", dentist_id=both.dentist, full_name="Left", is_active=False)
    assert state(both.there) == before
    assert both.there.code(both.start, both.dentist) is None


def test_only_who_administers_the_other_clinic_brings_its_dentist_along(
    both: Both, superuser: Connection
) -> None:
    add = {"clinic_id": both.here.practice.id, "full_name": "Colleague", "dentist_id": both.there.colleague}
    with refused("not_found"):
        call(both.here.admin, "create_dentist", **add)
    user = both.here.admin.execute(
        "select current_setting('request.jwt.claims')::jsonb ->> 'sub' as id"
    ).fetchone()
    assert user is not None
    superuser.execute(
        "insert into clinic.staff (clinic_id, user_id, role) values (%s, %s, 'admin')",
        [both.there.practice.id, user["id"]],
    )
    assert call(both.here.admin, "create_dentist", **add)["id"] == both.there.colleague
    with refused("invalid_argument"):
        call(both.here.admin, "create_dentist", **add)
