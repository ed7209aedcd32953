"""A wall time is the first instant at which the clock shows it or a later one; windows that touch are one."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest

from tests.support.actors import Actors, Connection, call
from tests.support.build import MadeClinic, add_hours, insert, make_clinic, make_type
from tests.support.refusals import refused
from tests.support.slots import book, listed

# Days whose changes are law today: 7 November 2027 repeats an hour in New York, 14 March skips one, and on
# 30 October the clock of Beirut goes back at midnight. What is to be booked is so on the next day like it.
Window = tuple[int, str, str]
SUNDAY, SATURDAY = 7, 6


def clinic_with(superuser: Connection, zone: str, *windows: Window, **policy: Any) -> MadeClinic:
    """Make a clinic in which `lee` works in these windows and no others."""
    clinic = make_clinic(superuser, zone, booking_horizon="730 days", **policy)
    superuser.execute("delete from clinic.working_hours where clinic_id = %s", [clinic.id])
    for weekday, opens, closes in windows:
        add_hours(superuser, clinic.id, clinic.lee, weekday, opens, closes)
    return clinic


def starts(connection: Connection, clinic: MadeClinic, day: date, **more: Any) -> list[str]:
    """List a day as UTC."""
    found = call(
        connection,
        "available_slots",
        appointment_type_id=more.get("type_id", clinic.checkup),
        dentist_id=clinic.lee,
        from_date=day,
        to_date=day,
    )
    return [f"{row['starts_at']:%H:%M}" for row in found]


def next_like(zone: str, day: date) -> date:
    """Return the next day, some days ahead, on which this zone's clock does what it does on that one."""

    def lengths(day: date) -> list[timedelta]:
        days = (datetime.combine(day + timedelta(days=n), time(), ZoneInfo(zone)) for n in range(3))
        midnights = [midnight.astimezone(UTC) for midnight in days]
        return [after - before for before, after in pairwise(midnights)]

    ahead = (datetime.now(UTC).date() + timedelta(days=n) for n in range(2, 728))
    alike = (d for d in ahead if (d.month, d.weekday()) == (day.month, day.weekday()))
    return next(d for d in alike if lengths(d) == lengths(day))


@pytest.mark.parametrize(
    ("zone", "day", "windows", "utc"),
    [
        (
            "America/New_York",
            date(2027, 11, 7),
            [(SUNDAY, "01:00", "04:00")],
            ["05:00", "05:30", "06:00", "06:30", "07:00", "07:30", "08:00", "08:30"],
        ),
        ("America/New_York", date(2027, 11, 7), [(SUNDAY, "00:00", "01:00")], ["04:00", "04:30"]),
        ("America/New_York", date(2027, 3, 14), [(SUNDAY, "02:00", "02:30")], []),
        (
            "America/New_York",
            date(2027, 3, 14),
            [(SUNDAY, "00:00", "02:30")],
            ["05:00", "05:30", "06:00", "06:30"],
        ),
        ("America/New_York", date(2027, 3, 14), [(SUNDAY, "02:30", "04:00")], ["07:00", "07:30"]),
        (
            "America/New_York",
            date(2027, 3, 14),
            [(SUNDAY, "00:00", "02:30"), (SUNDAY, "02:30", "04:00")],
            ["05:00", "05:30", "06:00", "06:30", "07:00", "07:30"],
        ),
        ("Asia/Beirut", date(2027, 10, 30), [(SATURDAY, "22:00", "23:00")], ["19:00", "19:30"]),
        (
            "Asia/Beirut",
            date(2027, 10, 30),
            [(SATURDAY, "22:00", "24:00")],
            ["19:00", "19:30", "20:00", "20:30", "21:00", "21:30"],
        ),
        (
            "Europe/Dublin",
            date(2027, 3, 28),
            [(SUNDAY, "00:00", "03:00")],
            ["00:00", "00:30", "01:00", "01:30"],
        ),
    ],
)
def test_a_window_has_the_instants_between_its_opening_and_closing(
    superuser: Connection, anon: Connection, zone: str, day: date, windows: list[Window], utc: list[str]
) -> None:
    clinic, day = clinic_with(superuser, zone, *windows, slot_interval="30 minutes"), next_like(zone, day)
    assert starts(anon, clinic, day) == utc
    board = call(anon, "available_slots", appointment_type_id=clinic.checkup, from_date=day, to_date=day)
    for row in board:
        verdict = call(
            anon,
            "explain_slot",
            dentist_id=clinic.lee,
            appointment_type_id=clinic.checkup,
            starts_at=row["starts_at"],
        )
        assert verdict["bookable"]


def test_after_the_first_closing_nothing_is_booked_though_the_clock_shows_the_time_again(
    actors: Actors, superuser: Connection
) -> None:
    clinic = clinic_with(superuser, "Asia/Beirut", (SATURDAY, "22:00", "23:00"), slot_interval="30 minutes")
    patient, day = actors.sign_up("late@made.test", "Late"), next_like("Asia/Beirut", date(2027, 10, 30))
    with refused("outside_working_hours"):
        book(patient, clinic, datetime.fromisoformat(f"{day}T23:30:00+03:00"))
    with refused("outside_working_hours"):
        book(patient, clinic, datetime.fromisoformat(f"{day}T22:30:00+02:00"))
    assert book(patient, clinic, datetime.fromisoformat(f"{day}T22:30:00+03:00"))


def hour_long(superuser: Connection, clinic: MadeClinic) -> Any:
    """Make a type of an hour."""
    return make_type(superuser, clinic.id, "Hour", 60)


def clocks(clinic: MadeClinic, instants: list[datetime]) -> list[str]:
    """What the clinic's clock shows at these instants."""
    return [f"{instant.astimezone(clinic.zone):%H:%M}" for instant in instants]


def test_windows_that_touch_are_one(superuser: Connection, anon: Connection, actors: Actors) -> None:
    clinic = clinic_with(superuser, "America/New_York", (1, "09:00", "12:00"), (1, "12:00", "17:00"))
    hour, monday = hour_long(superuser, clinic), clinic.at("09:00")
    shown = clocks(clinic, listed(anon, clinic, monday, hour))
    assert [f"{h:02}:{m:02}" for h in range(9, 17) for m in (0, 15, 30, 45) if (h, m) <= (16, 0)] == shown
    patient = actors.sign_up("lunch@made.test", "Lunch")
    assert book(patient, clinic, clinic.at("11:30"), hour)


def test_a_lunch_opened_as_extra_hours_joins_the_windows_around_it(
    superuser: Connection, anon: Connection
) -> None:
    clinic = clinic_with(superuser, "America/New_York", (1, "09:00", "12:00"), (1, "13:00", "17:00"))
    hour, monday = hour_long(superuser, clinic), clinic.at("09:00")
    assert "11:30" not in clocks(clinic, listed(anon, clinic, monday, hour))
    lunch = f"[{clinic.at('12:00').isoformat()},{clinic.at('13:00').isoformat()})"
    insert(superuser, "extra_hours", clinic_id=clinic.id, dentist_id=clinic.lee, during=lunch)
    shown = clocks(clinic, listed(anon, clinic, monday, hour))
    assert {"11:15", "11:30", "11:45", "12:00", "12:15", "12:45"} <= set(shown)
    assert len(shown) == len(set(shown)) == 29


def test_extra_hours_beside_the_grid_keep_their_own_starts_and_take_none_away(
    superuser: Connection, anon: Connection
) -> None:
    clinic = clinic_with(superuser, "America/New_York", (1, "09:00", "12:10"), slot_interval="30 minutes")
    monday = clinic.at("09:00")
    before = listed(anon, clinic, monday)
    extra = f"[{clinic.at('12:10').isoformat()},{clinic.at('13:10').isoformat()})"
    insert(superuser, "extra_hours", clinic_id=clinic.id, dentist_id=clinic.lee, during=extra)
    after = listed(anon, clinic, monday)
    assert set(before) < set(after)
    assert clocks(clinic, after)[-5:] == ["11:30", "12:00", "12:10", "12:30", "12:40"]


@pytest.mark.parametrize(
    "windows",
    [
        [(1, "22:00", "02:00")],
        [(1, "22:00", "24:00"), (2, "00:00", "02:00")],
        [(1, "22:00", "00:00"), (2, "00:00", "02:00")],
    ],
)
def test_a_window_may_cross_midnight(
    superuser: Connection, anon: Connection, actors: Actors, windows: list[Window]
) -> None:
    clinic = clinic_with(superuser, "America/New_York", *windows, slot_interval="30 minutes")
    hour, monday = hour_long(superuser, clinic), clinic.at("00:00")
    assert clocks(clinic, listed(anon, clinic, monday, hour)) == ["22:00", "22:30", "23:00", "23:30"]
    assert clocks(clinic, listed(anon, clinic, monday + timedelta(days=1), hour)) == [
        "00:00",
        "00:30",
        "01:00",
    ]
    patient = actors.sign_up("night@made.test", "Night")
    assert book(patient, clinic, clinic.at("23:30"), hour)
    assert book(patient, clinic, clinic.at("00:30", clinic.weekday(2)), hour)


def test_a_window_may_cross_the_end_of_the_week(
    superuser: Connection, anon: Connection, admin: Connection
) -> None:
    clinic = clinic_with(
        superuser, "Asia/Tokyo", (7, "22:00", "02:00"), (1, "02:00", "03:00"), slot_interval="1 hour"
    )
    monday = clinic.at("00:00")
    assert clocks(clinic, listed(anon, clinic, monday)) == ["00:00", "01:00", "02:00"]


def test_weekly_hours_over_midnight_are_accepted_and_shown_as_they_were_said(
    admin: Connection, riverside: Any
) -> None:
    weekly = [
        {"weekday": 1, "opens": "22:00", "closes": "02:00"},
        {"weekday": 2, "opens": "02:00", "closes": "06:00"},
        {"weekday": 5, "opens": "09:00", "closes": "09:00"},
        {"weekday": 7, "opens": "20:00", "closes": "03:00"},
    ]
    changed = call(admin, "set_availability", dentist_id=riverside.lee, weekly=weekly)
    assert sorted(changed["added"], key=lambda w: w["weekday"]) == weekly
    assert call(admin, "get_availability", dentist_id=riverside.lee)["weekly"] == weekly


def test_the_day_board_shows_of_a_night_what_belongs_to_the_day(
    actors: Actors, superuser: Connection
) -> None:
    clinic = clinic_with(superuser, "America/New_York", (1, "22:00", "02:00"), (2, "02:00", "04:00"))
    desk = actors.user(f"{clinic.users['desk']}@made.test")
    for day, hours in ((1, [("22:00", "00:00")]), (2, [("00:00", "04:00")])):
        board = call(desk, "clinic_day", clinic_id=clinic.id, day=clinic.weekday(day))
        lee = next(row for row in board["dentists"] if row["dentist_id"] == str(clinic.lee))
        shown = [
            tuple(clocks(clinic, [datetime.fromisoformat(span[name]) for name in ("starts_at", "ends_at")]))
            for span in lee["hours"]
        ]
        assert shown == hours


def test_an_appointment_over_touching_windows_is_inside_hours(actors: Actors, superuser: Connection) -> None:
    clinic = clinic_with(superuser, "America/New_York", (1, "09:00", "12:00"), (1, "12:00", "17:00"))
    patient = actors.sign_up("over@made.test", "Over")
    appointment = book(patient, clinic, clinic.at("11:30"), hour_long(superuser, clinic))
    admin = actors.user(f"{clinic.users['admin']}@made.test")
    weekly = [{"weekday": 1, "opens": "09:00", "closes": "12:00"}]
    arguments = {"dentist_id": clinic.lee, "dry_run": True}
    kept = call(
        admin,
        "set_availability",
        weekly=[*weekly, {"weekday": 1, "opens": "12:00", "closes": "13:00"}],
        **arguments,
    )
    assert kept["appointments_outside_hours"] == []
    left = call(admin, "set_availability", weekly=weekly, **arguments)
    assert [row["appointment_id"] for row in left["appointments_outside_hours"]] == [str(appointment["id"])]


def test_an_evening_that_no_clock_repeats_is_measured_once(superuser: Connection) -> None:
    clinic = clinic_with(superuser, "America/New_York", (1, "22:00", "02:00"))
    minutes = superuser.execute(
        "select clinic.working_minutes(c, d.day) as minutes"
        " from clinic.clinics as c, unnest(%s::date[]) as d (day)"
        " where c.id = %s order by d.day",
        [[clinic.weekday(1), clinic.weekday(2)], clinic.id],
    ).fetchall()
    assert [row["minutes"] for row in minutes] == [120, 120]


@pytest.mark.parametrize(
    ("zone", "day", "length"),
    [
        ("Pacific/Apia", date(2011, 12, 30), 0),
        ("Pacific/Kwajalein", date(1993, 8, 21), 0),
        ("America/Havana", date(2027, 3, 14), 23),
        ("Asia/Beirut", date(2027, 10, 30), 25),
        ("Australia/Lord_Howe", date(2027, 4, 4), 24.5),
    ],
)
def test_a_day_is_as_long_as_the_clock_shows_it(
    superuser: Connection, zone: str, day: date, length: float
) -> None:
    row = superuser.execute("select clinic.day_span(%s, %s) as span", [day, zone]).fetchone()
    assert row is not None
    span = row["span"]
    hours = timedelta() if span.isempty else span.upper - span.lower
    assert hours == timedelta(hours=length)


@pytest.mark.parametrize(
    "name", ["CET", "EET", "posix/Europe/Berlin", "localtime", "EST", "+02", "UTC+2", "Mars/Base"]
)
def test_what_the_server_would_read_as_something_else_is_no_clinics_zone(
    actors: Actors, superuser: Connection, name: str
) -> None:
    """Postgres takes CET for an hour's distance from UTC, summer or winter."""
    with refused("invalid_argument"):
        call(actors.service_role(), "create_clinic", slug="odd", name="Odd", time_zone=name)
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        superuser.execute("update clinic.clinics set time_zone = %s where slug = 'riverside'", [name])


@pytest.mark.parametrize("name", ["UTC", "Europe/Berlin", "Cuba", "America/Argentina/Ushuaia"])
def test_every_other_zone_is(actors: Actors, name: str) -> None:
    made = call(actors.service_role(), "create_clinic", slug="odd", name="Odd", time_zone=name)
    assert made["time_zone"] == name
