"""Instants are ISO 8601 with an offset, days are YYYY-MM-DD: all else is refused, never guessed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.api.arguments import ARGUMENTS
from tests.api.walk import Walk
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

# A birth date is a day that has been, and of somebody who may be alive.
NO_BIRTH_DATES = [*NO_DAYS[1:-2], "29.02.1984", "1874-12-31", "2200-01-02"]

# The parameters that are instants or days, by their names: those of any function that there is, or will be.
SAID = """
select
  p.proname as function, a.name, a.number > p.pronargs - p.pronargdefaults as may_be_left_out,
  a.name !~ '(_at|_time)$' as is_day
from pg_proc as p
cross join unnest(p.proargnames[:p.pronargs], p.proargtypes::oid[]) with ordinality as a (name, type, number)
where p.pronamespace = 'api'::regnamespace and a.type = 'text'::regtype
  and a.name ~ '(_at|_time|_date|^day)$' and a.name <> 'birth_date'
  -- Who waits says from and to what time of day: 09:00.
  and (p.proname, a.name) not in (('join_waitlist', 'from_time'), ('join_waitlist', 'to_time'))
order by 1, 2
"""


def test_what_is_no_instant_or_no_day_is_an_invalid_argument(actors: Actors, superuser: Connection) -> None:
    walk = Walk(actors)
    said = superuser.execute(SAID).fetchall()
    assert {(row["function"], row["name"]) for row in said} >= {
        ("book_appointment", "starts_at"),
        ("resize_appointment", "ends_at"),
        ("next_slots", "from_time"),
        ("available_slots", "to_date"),
        ("clinic_day", "day"),
    }
    for row in said:
        # Refused, it changes nothing: one set of arguments is enough.
        arguments = ARGUMENTS[row["function"]](walk.world)
        caller = walk.caller(row["function"])
        for wrong in NO_DAYS if row["is_day"] else NO_INSTANTS:
            if wrong is None and row["may_be_left_out"]:
                continue
            with refused("invalid_argument") as refusal:
                call(caller, row["function"], **arguments | {row["name"]: wrong})
            assert row["is_day"] or "offset" in refusal.hint, (row, wrong)


def test_what_is_no_birth_date_is_an_invalid_argument(actors: Actors, superuser: Connection) -> None:
    walk = Walk(actors)
    said = superuser.execute(
        "select proname from pg_proc where 'birth_date' = any (proargnames)"
        " and pronamespace = 'api'::regnamespace order by 1"
    ).fetchall()
    assert len(said) >= 5
    for function in (row["proname"] for row in said):
        arguments, caller = ARGUMENTS[function](walk.world), walk.caller(function)
        for wrong in NO_BIRTH_DATES:
            with refused("invalid_argument") as refusal:
                call(caller, function, **arguments | {"birth_date": wrong})
            assert "birth_date" in refusal.message, (function, wrong)


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
