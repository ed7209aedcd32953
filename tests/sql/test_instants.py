"""Instants are ISO 8601 with an offset, days are YYYY-MM-DD: all else is refused, never guessed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from tests.support.actors import Actors, Connection, call
from tests.support.clinics import Clinic
from tests.support.refusals import refused

NO_INSTANTS = [
    None,
    "",
    "now",
    "today",
    "tomorrow",
    "epoch",
    "infinity",
    "-infinity",
    "2027-01-04",
    "2027-01-04T15:00:00",
    "2027-01-04 15:00",
    "2027-01-04T15:00:00 America/New_York",
    "2027-01-04T15:00:00 EST",
    "2027-02-29T15:00:00Z",
    "2027-02-30T15:00:00Z",
    "2027-04-31T15:00:00Z",
    "2027-13-01T15:00:00Z",
    "2027-00-01T15:00:00Z",
    "2027-01-04T24:00:00Z",
    "2027-01-04T25:00:00Z",
    "2027-01-04T15:60:00Z",
    "2027-01-04T15:00:60Z",
    "2027-01-04T15Z",
    "2027-01-04T15:00:00+16:00",
    "2027-01-04T15:00:00+05:60",
    "2027-01-04T15:00:00Z\n",
    " 2027-01-04T15:00:00Z",
    "2027-01-04T15:00:00Z BC",
    "1999-12-31T23:59:59Z",
    "2200-01-01T00:00:01Z",
    "12027-01-04T15:00:00Z",
    "20270104T150000Z",
    "2027-01-04T15:00.5Z",
    "01/04/2027 15:00Z",
    "J2461000",
    "2027-01-0\u0664T15:00:00Z",
]
INSTANTS = {
    "2027-01-04T15:00:00Z": datetime(2027, 1, 4, 15, tzinfo=UTC),
    "2027-01-04T15:00Z": datetime(2027, 1, 4, 15, tzinfo=UTC),
    "2027-01-04T15:00:00.000Z": datetime(2027, 1, 4, 15, tzinfo=UTC),
    "2027-01-04 15:00:00+00": datetime(2027, 1, 4, 15, tzinfo=UTC),
    "2027-01-04T10:00:00-05:00": datetime(2027, 1, 4, 15, tzinfo=UTC),
    "2027-01-04T20:30:00+0530": datetime(2027, 1, 4, 15, tzinfo=UTC),
    "2028-02-29T00:00:00+14:00": datetime(2028, 2, 28, 10, tzinfo=UTC),
    "2000-01-01T00:00:00Z": datetime(2000, 1, 1, tzinfo=UTC),
}
NO_DAYS = [
    "",
    "today",
    "tomorrow",
    "infinity",
    "2027-02-29",
    "2027-1-4",
    "20270104",
    "Jan 4 2027",
    "2027-01-04T00:00:00Z",
    "2027-01-04 ",
    "1999-12-31",
    "2200-01-02",
]

Call = Callable[[Connection, Clinic, Any], Any]
SLOT = "reserve_slot", "book_appointment", "explain_slot"


def slot(name: str) -> Call:
    """Call a function that names a slot."""
    return lambda by, clinic, at: call(
        by, name, dentist_id=clinic.lee, appointment_type_id=clinic.checkup, starts_at=at
    )


def spans(name: str, which: str, **others: str) -> Call:
    """Call a function that takes a span, with one end of it given."""

    def of(by: Connection, clinic: Clinic, at: Any) -> Any:
        whose = {"add_time_off": {"clinic_id": clinic.id, "dentist_id": clinic.lee}}
        given = whose.get(name, {"dentist_id": clinic.lee})
        span = {"starts_at": "2027-01-04T15:00:00Z", "ends_at": "2027-01-04T16:00:00Z"}
        return call(by, name, **given, **(span | {which: at}))

    return of


CALLS: dict[str, Call] = {
    **{name: slot(name) for name in SLOT},
    "reschedule_appointment": lambda by, _, at: call(
        by, "reschedule_appointment", appointment_id=uuid4(), starts_at=at
    ),
    **{
        f"{name} {which}": spans(name, which)
        for name in ("add_time_off", "add_extra_hours")
        for which in ("starts_at", "ends_at")
    },
}


@pytest.mark.parametrize("name", CALLS)
def test_what_is_no_instant_is_an_invalid_argument(admin: Connection, riverside: Clinic, name: str) -> None:
    for wrong in NO_INSTANTS:
        with refused("invalid_argument") as refusal:
            CALLS[name](admin, riverside, wrong)
        assert "offset" in refusal.hint


def test_no_function_of_the_api_takes_an_instant_or_a_day_that_is_cast_before_it_is_judged(
    superuser: Connection,
) -> None:
    taken = superuser.execute(
        "select p.proname from pg_proc as p where p.pronamespace = 'api'::regnamespace and exists ("
        " select from unnest(p.proargtypes) as t"
        " where t in ('timestamptz'::regtype, 'timestamp'::regtype, 'date'::regtype))"
    )
    assert taken.fetchall() == []


@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
def test_an_instant_is_the_same_in_every_session(superuser: Connection, zone: str) -> None:
    superuser.execute("select set_config('timezone', %s, false)", [zone])
    for text, right in INSTANTS.items():
        row = superuser.execute("select clinic.required_instant(%s, 'it') as it", [text]).fetchone()
        assert row == {"it": right}, text


def test_what_is_no_day_is_an_invalid_argument(
    ana: Connection, desk: Connection, actors: Actors, riverside: Clinic
) -> None:
    bot = actors.user("bot@riverside.test")
    for wrong in NO_DAYS:
        for name, arguments in (
            ("available_slots", {"appointment_type_id": riverside.checkup, "from_date": wrong}),
            (
                "available_slots",
                {"appointment_type_id": riverside.checkup, "from_date": "2027-01-04", "to_date": wrong},
            ),
        ):
            with refused("invalid_argument"):
                call(ana, name, **arguments)
        with refused("invalid_argument"):
            call(desk, "clinic_day", clinic_id=riverside.id, day=wrong)
        with refused("invalid_argument"):
            call(bot, "chatbot_find_slots", clinic_slug="riverside", from_date=wrong)


def test_days_that_are_not_said_are_found_however_the_session_writes_dates(
    actors: Actors, anon: Connection, riverside: Clinic
) -> None:
    bot = actors.user("bot@riverside.test")
    for by in (anon, bot):
        by.execute("set datestyle = 'German'")
    week = "select count(*) > 0 as any from api.available_slots(%s, %s)"
    assert anon.execute(week, [riverside.checkup, f"{riverside.weekday(1)}"]).fetchone() == {"any": True}
    assert call(bot, "chatbot_find_slots", clinic_slug="riverside", service="Check-up")["status"] == "offers"


def test_the_clinics_clock_is_the_servers(anon: Connection, riverside: Clinic) -> None:
    answer = call(
        anon,
        "clinic_time",
        clinic_id=riverside.id,
        wall_times=["2027-11-07T01:30", "2027-03-14 02:30:00", "2027-01-04T10:00"],
        instants=["2027-11-07T05:30:00Z", "2027-11-07T06:30:00Z", "2027-07-01T12:00:00+02:00"],
    )
    assert answer["time_zone"] == "America/New_York"
    assert answer["today"] == riverside.today().isoformat()
    assert [datetime.fromisoformat(text) for text in answer["instants"]] == [
        datetime(2027, 11, 7, 5, 30, tzinfo=UTC),
        datetime(2027, 3, 14, 7, tzinfo=UTC),
        datetime(2027, 1, 4, 15, tzinfo=UTC),
    ]
    assert answer["wall_times"] == [
        "2027-11-07T01:30:00-04:00",
        "2027-11-07T01:30:00-05:00",
        "2027-07-01T06:00:00-04:00",
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"wall_times": ["2027-11-07T01:30Z"]},
        {"wall_times": ["2027-02-30T01:30"]},
        {"wall_times": ["noon"]},
        {"wall_times": ["2200-01-01T00:00"]},
        {"wall_times": ["1999-12-31T23:59"]},
        {"wall_times": [1]},
        {"wall_times": {}},
        {"instants": ["2027-11-07T01:30"]},
        {"instants": [None]},
        {"instants": None},
    ],
)
def test_a_clock_asked_nonsense_refuses(anon: Connection, riverside: Clinic, wrong: dict[str, Any]) -> None:
    with refused("invalid_argument"):
        call(anon, "clinic_time", clinic_id=riverside.id, **wrong)


def test_a_patch_of_zones_shows_offsets_below_the_hour(superuser: Connection) -> None:
    row = superuser.execute(
        "select clinic.wall_clock('2027-01-04T12:00:00Z', 'America/St_Johns') as west,"
        " clinic.wall_clock('2027-01-04T12:00:00Z', 'Asia/Kathmandu') as east"
    ).fetchone()
    assert row == {"west": "2027-01-04T08:30:00-03:30", "east": "2027-01-04T17:45:00+05:45"}
