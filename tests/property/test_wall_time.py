"""What a wall time means, in all zones near their changes, against Python's reading of the same files."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.draws import draws
from tests.support.templates import cloned

# An open transaction withholds everybody's events on the server: those who wait for events come after it.
pytestmark = [pytest.mark.long, pytest.mark.xdist_group("long transactions")]


DAY, HOUR, MINUTE, SECOND = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
YEARS = (datetime(2023, 1, 1, tzinfo=UTC), datetime(2043, 1, 1, tzinfo=UTC))
# Skipped days, changes at midnight, half hours; each with a span in which they happened.
HISTORY = {
    "Pacific/Apia": (datetime(2011, 1, 1, tzinfo=UTC), datetime(2012, 12, 1, tzinfo=UTC)),
    "Pacific/Kwajalein": (datetime(1993, 1, 1, tzinfo=UTC), datetime(1994, 1, 1, tzinfo=UTC)),
    "Antarctica/Casey": (datetime(2009, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC)),
    "America/St_Johns": (datetime(2000, 1, 1, tzinfo=UTC), datetime(2012, 1, 1, tzinfo=UTC)),
    "America/Caracas": (datetime(2007, 1, 1, tzinfo=UTC), datetime(2017, 1, 1, tzinfo=UTC)),
    "Asia/Pyongyang": (datetime(2015, 1, 1, tzinfo=UTC), datetime(2019, 1, 1, tzinfo=UTC)),
    "Europe/Dublin": (datetime(1968, 1, 1, tzinfo=UTC), datetime(1972, 12, 1, tzinfo=UTC)),
}


def server_zones(connection: psycopg.Connection) -> dict[str, ZoneInfo]:
    """Read every zone of the server from the very files that the server reads."""
    folders = [
        Path(line) / "timezone"
        for line in connection.execute(
            "select setting from pg_catalog.pg_config where name = 'SHAREDIR'"
        ).fetchone()
        or ()
    ]
    # Debian's server reads the system's.
    folder = next((path for path in (*folders, Path("/usr/share/zoneinfo")) if path.is_dir()), None)
    assert folder, "the server's time zones are not on this machine"
    names = connection.execute("select z.name from clinic.server_time_zones as z order by 1")
    zones = {}
    for (name,) in names:
        with (folder / name).open("rb") as file:
            zones[name] = ZoneInfo.from_file(file, key=name)
    return zones


def offset(zone: ZoneInfo, instant: datetime) -> timedelta:
    """How far the zone's clock is ahead of UTC."""
    found = instant.astimezone(zone).utcoffset()
    assert found is not None
    return found


def changes(zone: ZoneInfo, start: datetime, end: datetime) -> list[datetime]:
    """Every second at which the zone's clock jumps."""
    found, before = [], start
    while before < end:
        after = before + DAY / 2
        if offset(zone, before) != offset(zone, after):
            low, high = before, after
            while high - low > SECOND:
                middle = low + (high - low) // (2 * SECOND) * SECOND
                low, high = (middle, high) if offset(zone, middle) == offset(zone, low) else (low, middle)
            found.append(high)
        before = after
    return found


def first_instant(zone: ZoneInfo, jumps: list[datetime], wall: datetime) -> datetime:
    """The first instant at which the clock shows that time or a later one, stretch by stretch."""
    as_utc = wall.replace(tzinfo=UTC)
    near = [jump for jump in jumps if abs(jump - as_utc) < 3 * DAY]
    for start, end in zip([as_utc - 3 * DAY, *near], [*near, as_utc + 3 * DAY], strict=True):
        shown = max(start, as_utc - offset(zone, start))
        if shown < end:
            return shown
    raise AssertionError(wall)


@pytest.fixture(scope="module")
def server(template: str) -> Iterator[psycopg.Connection]:
    """A connection of its own to a migrated database."""
    with cloned(template) as url, psycopg.connect(url, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def zones(server: psycopg.Connection) -> dict[str, ZoneInfo]:
    """Every zone that the server knows."""
    return server_zones(server)


@pytest.fixture(scope="module")
def jumps(zones: dict[str, ZoneInfo]) -> dict[str, list[datetime]]:
    """When each zone's clock jumps; zones that are one another's copies are read once."""
    return {name: changes(zone, *HISTORY.get(name, YEARS)) for name, zone in zones.items()}


def mismatches(
    server: psycopg.Connection, asked: list[tuple[str, datetime, datetime]]
) -> list[tuple[str, datetime, datetime, datetime]]:
    """Return zone, wall time, what the server says and what is right, where the two differ."""
    names, walls, _ = zip(*asked, strict=True)
    answers = server.execute(
        "select clinic.wall_instant(w, z)"
        " from unnest(%s::text[], %s::timestamp[]) with ordinality as a (z, w, n) order by n",
        [list(names), list(walls)],
    )
    rows = zip(asked, (row[0] for row in answers), strict=True)
    return [(name, wall, said, expected) for (name, wall, expected), said in rows if said != expected]


def test_in_every_zone_a_wall_time_near_a_change_is_the_first_instant_the_clock_shows_it_or_a_later_one(
    server: psycopg.Connection, zones: dict[str, ZoneInfo], jumps: dict[str, list[datetime]]
) -> None:
    asked = []
    for name, zone in zones.items():
        for jump in [*jumps[name][:3], *jumps[name][-3:]]:
            before = (jump - SECOND).astimezone(zone).replace(tzinfo=None) + SECOND
            after = jump.astimezone(zone).replace(tzinfo=None)
            midnight = before.replace(hour=0, minute=0, second=0)
            for edge in {before, after, midnight}:
                for minutes in (-61, -60, -31, -30, -1, 0, 1, 29, 30, 31, 59, 60, 61, 24 * 60):
                    wall = edge + minutes * MINUTE
                    asked.append((name, wall, first_instant(zone, jumps[name], wall)))
    assert len(asked) > 10_000
    assert mismatches(server, asked) == []


def test_the_days_that_were_skipped_are_none(
    server: psycopg.Connection, zones: dict[str, ZoneInfo], jumps: dict[str, list[datetime]]
) -> None:
    for name, day in (("Pacific/Apia", datetime(2011, 12, 30)), ("Pacific/Kwajalein", datetime(1993, 8, 21))):
        hours = [day + n * HOUR for n in range(25)]
        right = {first_instant(zones[name], jumps[name], hour) for hour in hours}
        assert len(right) == 1, "the whole day is one instant"
        assert mismatches(server, [(name, hour, *right) for hour in hours]) == []


@settings(max_examples=draws(60), deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_minute_of_any_zone(
    server: psycopg.Connection,
    zones: dict[str, ZoneInfo],
    jumps: dict[str, list[datetime]],
    data: st.DataObject,
) -> None:
    name = data.draw(st.sampled_from(sorted(zones)))
    zone, (start, end) = zones[name], HISTORY.get(name, YEARS)
    near = data.draw(st.sampled_from(jumps[name] or [start])) + data.draw(st.integers(-2880, 2880)) * MINUTE
    some = data.draw(st.datetimes(start.replace(tzinfo=None) + DAY, end.replace(tzinfo=None) - DAY))
    walls = [near.astimezone(zone).replace(tzinfo=None), some.replace(second=0, microsecond=0)]
    assert mismatches(server, [(name, wall, first_instant(zone, jumps[name], wall)) for wall in walls]) == []
