"""The partitions of realtime.messages: without today's, messages are lost without a word."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg
import pytest

from tests.realtime.conftest import Platform, make_platform
from tests.realtime.server import SECRET_KEY, serving
from tests.realtime.wire import Wire
from tests.support.templates import execute


@pytest.fixture
def own_platform(db_server: str) -> Iterator[Platform]:
    """A platform whose partitions may be touched."""
    name = f"realtime_{uuid4().hex[:12]}"
    yield make_platform(db_server, name)
    with psycopg.connect(db_server, autocommit=True) as connection:
        execute(connection, "drop database {} with (force)", name)


def name_of(days: int) -> str:
    """Return the name of the partition so many days from today (UTC)."""
    return f"messages_{datetime.now(UTC) + timedelta(days=days):%Y_%m_%d}"


def partitions(platform: Platform) -> list[str]:
    with psycopg.connect(platform.url) as connection:
        query = (
            "select relid::regclass::text from pg_partition_tree('realtime.messages') where isleaf order by 1"
        )
        return [name.removeprefix("realtime.") for (name,) in connection.execute(query)]


def make_old(platform: Platform, days: int) -> None:
    """Make the partition of a day that has passed."""
    start = datetime.now(UTC).date() - timedelta(days=days)
    platform.run(
        f"create table realtime.{name_of(-days)} partition of realtime.messages"
        f" for values from ('{start}') to ('{start + timedelta(days=1)}')"
    )


def test_a_new_database_has_those_of_yesterday_to_three_days_ahead(own_platform: Platform):
    assert partitions(own_platform) == [name_of(days) for days in range(-1, 4)]


def test_maintenance_makes_what_is_missing_and_drops_what_is_older_than_three_days(own_platform: Platform):
    for days in (3, 4, 9):
        make_old(own_platform, days)
    own_platform.run(f"drop table realtime.{name_of(3)}")
    own_platform.run("select _realtime.maintain_partitions()")
    assert partitions(own_platform) == [name_of(days) for days in (-3, -1, 0, 1, 2, 3)]


def test_without_a_partition_a_message_is_lost_and_the_transaction_lives(own_platform: Platform):
    own_platform.run(f"drop table realtime.{name_of(0)}")
    own_platform.send("room", "lost", "{}")
    with psycopg.connect(own_platform.url) as connection:
        assert connection.execute("select count(*) from realtime.messages").fetchone() == (0,)


async def test_a_server_that_starts_makes_what_is_missing(own_platform: Platform):
    for days in range(4):
        own_platform.run(f"drop table realtime.{name_of(days)}")
    with serving(own_platform.url) as standin:
        async with Wire.open(standin, key=SECRET_KEY) as wire:
            await wire.enter("room", SECRET_KEY)
            own_platform.send("room", "heard", "{}")
            assert (await wire.receive())["payload"]["event"] == "heard"
    assert partitions(own_platform) == [name_of(days) for days in range(-1, 4)]


async def test_a_join_says_that_a_partition_is_missing(own_platform: Platform):
    with serving(own_platform.url) as standin:
        async with Wire.open(standin, key=SECRET_KEY) as wire:
            await wire.enter("room", SECRET_KEY)
            own_platform.run(f"drop table realtime.{name_of(0)}")
            refusal = await wire.join("another", config={"private": True})
            assert "unable to find the expected messages partition" in refusal["response"]["reason"]
