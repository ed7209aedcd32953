"""Weekly hours, extra hours and time off: what they do to bookings, and what a dry run leaves alone."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from psycopg.types.json import Jsonb

from tests.support.actors import Actors, Connection, Row, call
from tests.support.clinics import Clinic
from tests.support.practices import make_practice
from tests.support.refusals import refused
from tests.support.slots import book, listed, reserve

MORNINGS = [{"weekday": day, "opens": "09:00", "closes": "12:00"} for day in range(1, 6)]


def weekly(connection: Connection, clinic: Clinic) -> list[Row]:
    rows: list[Row] = call(connection, "get_availability", dentist_id=clinic.lee)["weekly"]
    return rows


def everything(superuser: Connection) -> list[Any]:
    tables = ("working_hours", "extra_hours", "time_off", "occupancy", "appointments", "slot_reservations")
    return [
        superuser.execute(f"select t::text from clinic.{name} as t order by id").fetchall() for name in tables
    ]  # type: ignore[arg-type]


# Weekly hours


def test_new_weekly_hours_are_told_and_offered(
    admin: Connection, anon: Connection, riverside: Clinic
) -> None:
    saturday = riverside.weekday(6)
    hours = [*MORNINGS, {"weekday": 6, "opens": "10:00", "closes": "11:00"}]
    answer = call(admin, "set_availability", dentist_id=riverside.lee, weekly=hours)
    assert answer["added"] == [{"weekday": 6, "opens": "10:00", "closes": "11:00"}]
    assert answer["removed"] == [{"weekday": day, "opens": "13:00", "closes": "17:00"} for day in range(1, 6)]
    assert weekly(anon, riverside) == hours
    assert riverside.at("10:30", saturday) in listed(anon, riverside, riverside.at("10:00", saturday))
    assert riverside.at("13:00") not in listed(anon, riverside, riverside.at("13:00"))


def test_appointments_left_outside_hours_are_named_and_stay(
    ana: Connection, lee: Connection, riverside: Clinic
) -> None:
    inside, outside = book(ana, riverside, riverside.at("09:00")), book(ana, riverside, riverside.at("14:00"))
    answer = call(lee, "set_availability", dentist_id=riverside.lee, weekly=MORNINGS)
    assert [row["appointment_id"] for row in answer["appointments_outside_hours"]] == [str(outside["id"])]
    kept = ana.execute("select id, status from api.appointments order by starts_at").fetchall()
    assert kept == [{"id": row["id"], "status": "booked"} for row in (inside, outside)]


def test_who_only_takes_part_is_missed_after_hours_too(actors: Actors, superuser: Connection) -> None:
    practice = make_practice(superuser)
    leader, looks_in = practice.person("Leads", "hygienist"), practice.person("Looks in")
    cleaning = practice.type(
        60, [leader], [{"needs": "dentist", "starts_after": 40, "lasts": 10, "only_resources": [looks_in]}]
    )
    admin = practice.staff(actors, "admin")
    day = datetime.now(practice.zone).date() + timedelta(days=21)
    monday = day - timedelta(days=day.weekday())
    start = datetime.combine(monday, time(16), practice.zone)
    visit = call(
        admin,
        "book_appointment",
        appointment_type_id=cleaning,
        starts_at=start,
        patient_id=practice.patient(),
    )
    extra = call(
        admin,
        "add_extra_hours",
        dentist_id=looks_in,
        starts_at=start,
        ends_at=start + timedelta(hours=1),
    )

    def outside(dentist: UUID, closes: str, *, dry_run: bool = True) -> list[str]:
        hours = [{"weekday": 1, "opens": "09:00", "closes": closes}]
        answer = call(admin, "set_availability", dentist_id=dentist, weekly=hours, dry_run=dry_run)
        return [row["appointment_id"] for row in answer["appointments_outside_hours"]]

    assert outside(looks_in, "16:30", dry_run=False) == []  # as long as there are the extra hours
    with refused("appointments_in_the_way"):
        call(admin, "remove_extra_hours", extra_hours_id=extra["id"])
    assert outside(looks_in, "16:50", dry_run=False) == []
    assert call(admin, "remove_extra_hours", extra_hours_id=extra["id"]) is True
    assert outside(looks_in, "16:45") == [str(visit["id"])]
    assert outside(leader, "16:50") == [str(visit["id"])]


@pytest.mark.parametrize(
    ("opens", "closes", "fits"),
    [
        ("09:00", "11:00", True),
        ("09:15", "12:00", False),
        ("08:00", "10:45", False),
        ("09:05", "12:00", False),
        ("08:00", "10:55", False),
    ],
)
def test_an_appointment_needs_hours_for_its_buffers_too(
    ana: Connection, admin: Connection, riverside: Clinic, opens: str, closes: str, *, fits: bool
) -> None:
    book(ana, riverside, riverside.at("09:15"), riverside.root_canal)  # takes from 09:00 to 11:00
    hours = [{"weekday": 1, "opens": opens, "closes": closes}]
    answer = call(admin, "set_availability", dentist_id=riverside.lee, weekly=hours)
    assert (answer["appointments_outside_hours"] == []) == fits


def test_what_is_past_is_no_longer_told_of(
    admin: Connection, superuser: Connection, riverside: Clinic
) -> None:
    """Extra hours and time off are listed until they end, and not a moment longer."""
    for table, whose in (("extra_hours", "dentist_id"), ("time_off", "resource_id")):
        superuser.execute(
            f"insert into clinic.{table} (clinic_id, {whose}, during) values"
            " (%(clinic)s, %(dentist)s, tstzrange(now() - interval '2 hours', now() - interval '1 second')),"
            " (%(clinic)s, %(dentist)s, tstzrange(now() - interval '1 second', now() + interval '1 hour'))",
            {"clinic": riverside.id, "dentist": riverside.lee},
        )
    answer = call(admin, "get_availability", dentist_id=riverside.lee)
    now = datetime.now(UTC)
    for kind in ("extra_hours", "time_off"):
        assert [datetime.fromisoformat(row["ends_at"]) > now for row in answer[kind]] == [True], kind


def test_a_dry_run_tells_the_same_and_changes_nothing(
    ana: Connection, admin: Connection, superuser: Connection, riverside: Clinic
) -> None:
    book(ana, riverside, riverside.at("14:00"))
    before = everything(superuser)
    rehearsal = call(admin, "set_availability", dentist_id=riverside.lee, weekly=MORNINGS, dry_run=True)
    assert everything(superuser) == before
    answer = call(admin, "set_availability", dentist_id=riverside.lee, weekly=MORNINGS)
    assert rehearsal | {"dry_run": False} == answer


def test_setting_the_same_hours_again_changes_nothing(
    admin: Connection, superuser: Connection, riverside: Clinic
) -> None:
    before = everything(superuser)
    answer = call(admin, "set_availability", dentist_id=riverside.lee, weekly=weekly(admin, riverside))
    assert (answer["added"], answer["removed"]) == ([], [])
    assert everything(superuser) == before


def test_no_hours_at_all_is_a_choice(admin: Connection, anon: Connection, riverside: Clinic) -> None:
    call(admin, "set_availability", dentist_id=riverside.lee, weekly=[])
    assert weekly(anon, riverside) == []
    assert listed(anon, riverside, riverside.at("09:00")) == []


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        {},
        [1],
        [{}],
        [{"weekday": 0, "opens": "09:00", "closes": "12:00"}],
        [{"weekday": 8, "opens": "09:00", "closes": "12:00"}],
        [{"weekday": 1.5, "opens": "09:00", "closes": "12:00"}],
        [{"weekday": 1, "opens": "9", "closes": "12:00"}],
        [{"weekday": 1, "opens": "24:00", "closes": "24:00"}],
        [{"weekday": 1, "opens": "24:00", "closes": "09:00"}],
        [
            {"weekday": 1, "opens": "22:00", "closes": "02:00"},
            {"weekday": 2, "opens": "01:00", "closes": "03:00"},
        ],
        [
            {"weekday": 7, "opens": "22:00", "closes": "02:00"},
            {"weekday": 1, "opens": "01:59", "closes": "03:00"},
        ],
        [
            {"weekday": 1, "opens": "09:00", "closes": "09:00"},
            {"weekday": 2, "opens": "08:00", "closes": "10:00"},
        ],
        Jsonb("[]"),
        [{"weekday": 1, "opens": "09:00", "closes": "25:00"}],
        [{"weekday": 1, "opens": "09:00", "closes": None}],
        [{"weekday": 1, "opens": "09:00", "closes": "12:00"}] * 2,
        [
            {"weekday": 1, "opens": "09:00", "closes": "12:00"},
            {"weekday": 1, "opens": "11:00", "closes": "13:00"},
        ],
        [{"weekday": 1, "opens": "09:00", "closes": "12:00"}] * 1000,
    ],
)
def test_hours_that_make_no_sense_are_invalid(
    admin: Connection, superuser: Connection, riverside: Clinic, wrong: Any
) -> None:
    before = everything(superuser)
    with refused("invalid_argument"):
        call(admin, "set_availability", dentist_id=riverside.lee, weekly=wrong)
    assert everything(superuser) == before


def test_only_those_who_may_know_see_time_off(
    ana: Connection,
    anon: Connection,
    admin: Connection,
    desk: Connection,
    lee: Connection,
    foreign_admin: Connection,
    riverside: Clinic,
) -> None:
    off = {"starts_at": riverside.at("13:00"), "ends_at": riverside.at("15:00"), "reason": "Private"}
    call(admin, "add_time_off", clinic_id=riverside.id, dentist_id=riverside.lee, **off)
    for somebody in (lee, desk, admin):
        assert [
            row["reason"] for row in call(somebody, "get_availability", dentist_id=riverside.lee)["time_off"]
        ] == ["Private"]
    for stranger in (ana, anon, foreign_admin):
        assert "Private" not in str(call(stranger, "get_availability", dentist_id=riverside.lee))


# Time off


def test_time_off_takes_time_off_the_list_until_it_is_removed(
    lee: Connection, anon: Connection, riverside: Clinic
) -> None:
    off = {"starts_at": riverside.at("09:00"), "ends_at": riverside.at("11:00")}
    before = listed(anon, riverside, riverside.at("09:00"))
    answer = call(lee, "add_time_off", clinic_id=riverside.id, dentist_id=riverside.lee, **off)
    during = listed(anon, riverside, riverside.at("09:00"))
    assert during == [slot for slot in before if slot >= riverside.at("11:00")]
    identifier = answer["time_off"][0]["id"]
    assert call(lee, "remove_time_off", time_off_id=identifier) is True
    assert listed(anon, riverside, riverside.at("09:00")) == before
    with refused("not_found"):
        call(lee, "remove_time_off", time_off_id=identifier)


def test_appointments_in_the_way_refuse_time_off_and_are_named(
    ana: Connection, admin: Connection, superuser: Connection, riverside: Clinic
) -> None:
    appointment = book(ana, riverside, riverside.at("09:00"))
    before = everything(superuser)
    off = {"starts_at": riverside.at("08:00"), "ends_at": riverside.at("12:00")}
    with refused("appointments_in_the_way") as refusal:
        call(admin, "add_time_off", clinic_id=riverside.id, dentist_id=riverside.lee, **off)
    assert [row["appointment_id"] for row in refusal.details] == [str(appointment["id"])]
    assert everything(superuser) == before


def test_appointments_are_cancelled_when_one_says_so_and_a_dry_run_says_which(
    ana: Connection, admin: Connection, superuser: Connection, riverside: Clinic
) -> None:
    appointment = book(ana, riverside, riverside.at("09:00"))
    arguments: Row = {
        "clinic_id": riverside.id,
        "dentist_id": riverside.lee,
        "on_conflict": "cancel",
        "starts_at": riverside.at("08:00"),
        "ends_at": riverside.at("12:00"),
        "reason": "Ill",
    }
    before = everything(superuser)
    rehearsal = call(admin, "add_time_off", dry_run=True, **arguments)
    assert everything(superuser) == before
    answer = call(admin, "add_time_off", **arguments)
    for told in (rehearsal, answer):
        assert [row["appointment_id"] for row in told["appointments"]] == [str(appointment["id"])]
    row = ana.execute("select status, cancellation_reason from api.appointments").fetchone()
    assert row == {"status": "cancelled", "cancellation_reason": "The dentist is away."}


def test_holds_give_way_to_time_off(ana: Connection, admin: Connection, riverside: Clinic) -> None:
    hold = reserve(ana, riverside, riverside.at("09:00"))
    off = {"starts_at": riverside.at("08:00"), "ends_at": riverside.at("12:00")}
    call(admin, "add_time_off", clinic_id=riverside.id, dentist_id=riverside.lee, **off)
    with refused("reservation_expired", "slot_taken"):
        call(ana, "confirm_reservation", reservation_id=hold["id"])


def closures(superuser: Connection) -> list[UUID]:
    return [row["id"] for row in superuser.execute("select id from clinic.closures")]


def test_a_clinic_closes_as_a_whole_and_one_booking_stops_it_all(
    ana: Connection, admin: Connection, anon: Connection, riverside: Clinic, superuser: Connection
) -> None:
    holiday = riverside.weekday(3)
    off = {
        "starts_at": riverside.at("00:00", holiday),
        "ends_at": riverside.at("00:00", holiday + timedelta(days=1)),
    }
    appointment = book(ana, riverside, riverside.at("09:00", holiday), dentist_id=riverside.other)
    with refused("appointments_in_the_way"):
        call(admin, "add_time_off", clinic_id=riverside.id, **off)
    assert closures(superuser) == []
    call(ana, "cancel_appointment", appointment_id=appointment["id"])
    answer = call(admin, "add_time_off", clinic_id=riverside.id, **off)
    assert (answer["time_off"], UUID(answer["closure_id"])) == ([], closures(superuser)[0])
    rows = call(
        anon, "available_slots", appointment_type_id=riverside.checkup, from_date=holiday, to_date=holiday
    )
    assert rows == []


def test_time_off_that_overlaps_time_off_adds_what_is_missing(
    admin: Connection, superuser: Connection, riverside: Clinic
) -> None:
    arguments = {"clinic_id": riverside.id, "dentist_id": riverside.lee}
    call(admin, "add_time_off", **arguments, starts_at=riverside.at("10:00"), ends_at=riverside.at("11:00"))
    answer = call(
        admin, "add_time_off", **arguments, starts_at=riverside.at("09:00"), ends_at=riverside.at("12:00")
    )
    assert len(answer["time_off"]) == 2
    assert superuser.execute("select * from clinic.check_invariants()").fetchall() == []


@pytest.mark.parametrize(
    "change",
    [
        {"ends_at": "2030-01-01T08:00Z"},
        {"ends_at": "2030-01-01T09:00Z"},
        {"starts_at": None},
        {"ends_at": "infinity"},
        {"ends_at": "2035-01-01T09:00Z"},
        {"on_conflict": "ask"},
        {"on_conflict": None},
        {"reason": "x" * 5000},
    ],
)
def test_time_off_that_makes_no_sense_is_invalid(admin: Connection, riverside: Clinic, change: Row) -> None:
    span = {"starts_at": "2030-01-01T09:00Z", "ends_at": "2030-01-01T10:00Z"}
    with refused("invalid_argument"):
        call(admin, "add_time_off", clinic_id=riverside.id, dentist_id=riverside.lee, **(span | change))


# Extra hours


def test_extra_hours_are_offered_until_they_are_removed(
    lee: Connection, ana: Connection, anon: Connection, riverside: Clinic
) -> None:
    sunday = riverside.weekday(7)
    window = {"starts_at": riverside.at("10:00", sunday), "ends_at": riverside.at("11:00", sunday)}
    extra = call(lee, "add_extra_hours", dentist_id=riverside.lee, **window)
    assert (extra["starts_at"], extra["ends_at"]) == (window["starts_at"], window["ends_at"])
    appointment = book(ana, riverside, window["starts_at"])
    with refused("appointments_in_the_way") as refusal:
        call(lee, "remove_extra_hours", extra_hours_id=extra["id"])
    assert [row["appointment_id"] for row in refusal.details] == [str(appointment["id"])]
    call(ana, "cancel_appointment", appointment_id=appointment["id"])
    assert call(lee, "remove_extra_hours", extra_hours_id=extra["id"]) is True
    assert listed(anon, riverside, window["starts_at"]) == []


@pytest.mark.parametrize(
    "change", [{"ends_at": "2030-01-01T09:00Z"}, {"ends_at": "2030-01-03T09:00Z"}, {"starts_at": None}]
)
def test_extra_hours_that_make_no_sense_are_invalid(lee: Connection, riverside: Clinic, change: Row) -> None:
    span = {"starts_at": "2030-01-01T09:00Z", "ends_at": "2030-01-01T10:00Z"}
    with refused("invalid_argument"):
        call(lee, "add_extra_hours", dentist_id=riverside.lee, **(span | change))


def test_what_does_not_exist_is_not_found(admin: Connection, riverside: Clinic) -> None:
    span = {"starts_at": "2030-01-01T09:00Z", "ends_at": "2030-01-01T10:00Z"}
    for function, arguments in (
        ("set_availability", {"dentist_id": uuid4(), "weekly": []}),
        ("get_availability", {"dentist_id": uuid4()}),
        ("add_time_off", {"clinic_id": uuid4(), **span}),
        ("add_time_off", {"clinic_id": riverside.id, "dentist_id": uuid4(), **span}),
        ("remove_time_off", {"time_off_id": uuid4()}),
        ("add_extra_hours", {"dentist_id": uuid4(), **span}),
        ("remove_extra_hours", {"extra_hours_id": uuid4()}),
    ):
        with refused("not_found"):
            call(admin, function, **arguments)


# The day board


def test_the_day_board_draws_each_dentists_day(
    ana: Connection, ben: Connection, desk: Connection, admin: Connection, riverside: Clinic
) -> None:
    appointment = book(ana, riverside, riverside.at("10:00"), riverside.root_canal)
    hold = reserve(ben, riverside, riverside.at("13:00"))
    off = {"starts_at": riverside.at("15:00"), "ends_at": riverside.at("17:00")}
    call(admin, "add_time_off", clinic_id=riverside.id, dentist_id=riverside.lee, **off)
    board = call(desk, "clinic_day", clinic_id=riverside.id, day=riverside.weekday(1))
    columns = {UUID(column["dentist_id"]): column for column in board["dentists"]}
    assert columns.keys() == set(riverside.dentists.values())
    column = columns[riverside.lee]
    assert [row["id"] for row in column["appointments"]] == [str(appointment["id"])]
    assert [row["id"] for row in column["holds"]] == [str(hold["id"])]
    assert len(column["hours"]) == 2
    assert len(column["time_off"]) == 1
    assert columns[riverside.other]["appointments"] == []


def insert_visit(
    superuser: Connection, clinic: Clinic, dentist: UUID, starts_at: datetime, ends_at: datetime
) -> None:
    """Book by hand, at any time and for any length."""
    superuser.execute(
        "with made as ("
        "insert into clinic.patients (clinic_id, full_name) values (%(clinic)s, 'Patient') returning id)"
        " insert into clinic.appointments (clinic_id, dentist_id, patient_id, appointment_type_id, starts_at,"
        " ends_at, buffer_before, buffer_after, source)"
        " select %(clinic)s, %(dentist)s, id, %(type)s, %(start)s, %(end)s, '0', '0', 'desk' from made",
        {
            "clinic": clinic.id, "dentist": dentist, "type": clinic.checkup,
            "start": starts_at, "end": ends_at,
        },
    )  # fmt: skip


def columns(connection: Connection, clinic: Clinic, day: date) -> dict[UUID, Row]:
    """Return a day board's columns by dentist."""
    board = call(connection, "clinic_day", clinic_id=clinic.id, day=day)
    return {UUID(column["dentist_id"]): column for column in board["dentists"]}


def test_a_visit_into_the_night_is_on_both_days_boards(
    desk: Connection, superuser: Connection, riverside: Clinic
) -> None:
    """The longest visit, twelve hours, that ends a minute after midnight."""
    tuesday = riverside.weekday(2)
    midnight = riverside.at("00:00", tuesday).astimezone(UTC)
    minute, longest = timedelta(minutes=1), timedelta(hours=12)
    insert_visit(superuser, riverside, riverside.lee, midnight + minute - longest, midnight + minute)
    insert_visit(superuser, riverside, riverside.other, midnight - longest, midnight)
    for dentist, days in ((riverside.lee, 2), (riverside.other, 1)):
        shown = [
            len(columns(desk, riverside, day)[dentist]["appointments"])
            for day in (riverside.weekday(1), tuesday, riverside.weekday(3))
        ]
        assert shown == [1, days - 1, 0]


def test_a_dentist_sees_their_own_column_and_no_other(
    lee: Connection, desk: Connection, riverside: Clinic
) -> None:
    day = riverside.weekday(1)
    assert columns(lee, riverside, day).keys() == {riverside.lee}
    assert columns(desk, riverside, day).keys() == set(riverside.dentists.values())


def test_a_dentist_who_left_has_a_column_only_where_there_are_visits_left(
    desk: Connection, superuser: Connection, riverside: Clinic
) -> None:
    start = riverside.at("09:00")
    insert_visit(superuser, riverside, riverside.other, start, start + timedelta(minutes=30))
    superuser.execute("update clinic.dentists set is_active = false where id = %s", [riverside.other])
    assert riverside.other in columns(desk, riverside, riverside.weekday(1))
    assert riverside.other not in columns(desk, riverside, riverside.weekday(2))
    assert riverside.lee in columns(desk, riverside, riverside.weekday(2))
