"""The event log: at least once, in order, without gaps, resuming where it stopped."""

from __future__ import annotations

import asyncio
import time
from uuid import uuid4

import psycopg
import pytest

from tests.support.actors import Actors, Connection, Row, call
from tests.support.clinics import Clinic
from tests.support.slots import book
from tests.worker.support import PATIENCE
from tests.worker.test_leases import LONG
from worker.database import Database
from worker.errors import LeaseLost
from worker.metrics import Metrics
from worker.settings import Settings
from worker.tail import Tail


class Reader:
    """A leader's tail, and what it logged."""

    def __init__(self, db: Database, epoch: int, worker: object, batch: int) -> None:
        settings = Settings.load(database_url="postgresql://unused", tail_batch=batch)
        self.seen: list[Row] = []
        self.tail = Tail(db, settings, Metrics(), worker, epoch)  # type: ignore[arg-type]

    @property
    def ids(self) -> list[int]:
        """All ids logged so far, in order."""
        return [event["id"] for event in self.seen]

    async def read(self, at_least: list[int]) -> list[int]:
        """Read until these events were logged; return all ids logged so far.

        That may take a while: whoever writes on this server, in whatever database, holds the log back.
        """
        deadline = time.monotonic() + PATIENCE
        while not set(at_least) <= set(self.ids):
            assert time.monotonic() < deadline, "the log did not come"
            if not await self.tail.step(self.seen.append):
                await asyncio.sleep(0.02)
        while await self.tail.step(self.seen.append):
            pass
        return self.ids


async def start_reader(db: Database, batch: int = 1000) -> Reader:
    worker = uuid4()
    epoch = await db.acquire_lease(worker, LONG)
    assert epoch is not None
    return Reader(db, epoch, worker, batch)


def ids(root: Connection) -> list[int]:
    return [row["id"] for row in root.execute("select id from clinic.realtime_events order by id")]


def touch(connection: Connection | psycopg.Connection, dentist: object) -> None:
    """Write one event about a dentist."""
    connection.execute(
        "insert into clinic.extra_hours (clinic_id, dentist_id, during)"
        " select clinic_id, id, tstzrange(now(), now() + interval '1 hour')"
        " from clinic.dentists where id = %s",
        [dentist],
    )


async def test_reads_every_event_once_in_order_whatever_the_batch(
    db: Database, actors: Actors, root: Connection, riverside: Clinic
) -> None:
    for clock in ("09:00", "10:00", "11:00"):
        book(actors.user("ana@patients.test"), riverside, riverside.at(clock))
    reader = await start_reader(db, batch=2)
    assert await reader.read(ids(root)) == ids(root)


async def test_reads_what_is_in_nobodys_calendar(
    db: Database, actors: Actors, root: Connection, riverside: Clinic
) -> None:
    """A patient's record that changed has no dentist and no number."""
    desk = actors.user("desk@riverside.test")
    patient = call(desk, "create_patient", clinic_id=riverside.id, full_name="Kim Reyes")["id"]
    call(desk, "update_patient", patient_id=patient, full_name="Kimberley Reyes")
    reader = await start_reader(db, batch=10)
    assert await reader.read(ids(root)) == ids(root)
    told = [event for event in reader.seen if event["event"] == "patient_updated"]
    assert [(event["entity_id"], event["dentist_id"], event["dentist_seq"]) for event in told] == [
        (patient, None, None)
    ]


async def test_does_not_skip_what_is_committed_late(
    db: Database, root: Connection, riverside: Clinic
) -> None:
    reader = await start_reader(db)
    before = await reader.read(ids(root))
    with psycopg.connect(root.info.dsn, password=root.info.password) as early:
        touch(early, riverside.lee)  # draws its id, and does not commit yet
        touch(root, riverside.other)
        await reader.tail.step(reader.seen.append)
        assert reader.ids == before, "the later event waits for the earlier one"
        early.commit()
    assert await reader.read(ids(root)) == ids(root)


async def test_does_not_skip_a_lower_id_of_a_younger_transaction(
    db: Database, root: Connection, riverside: Clinic
) -> None:
    """The older transaction draws higher ids, too, and commits first: an id alone tells nothing."""
    reader = await start_reader(db, batch=1)
    before = await reader.read(ids(root))
    connect = {"conninfo": root.info.dsn, "password": root.info.password}
    with psycopg.connect(**connect) as older, psycopg.connect(**connect) as younger:  # type: ignore[arg-type]
        touch(older, riverside.other)
        touch(younger, riverside.lee)
        touch(older, riverside.other)
        older.commit()
        await reader.read([before[-1] + 1])
        younger.commit()
    assert sorted(await reader.read(ids(root))) == ids(root), "none is skipped and none comes twice"


async def test_what_was_not_acknowledged_comes_again(
    db: Database, actors: Actors, root: Connection, riverside: Clinic
) -> None:
    book(actors.user("ana@patients.test"), riverside, riverside.at("09:00"))
    worker = uuid4()
    epoch = await db.acquire_lease(worker, LONG)
    assert epoch is not None
    crashed = await db.read_events(worker, epoch, 5)
    await db.acknowledge_events(worker, epoch, crashed[1]["id"])
    again = await db.read_events(worker, epoch, 5)
    assert [event["id"] for event in again[:3]] == [event["id"] for event in crashed[2:5]]


class Full(list[Row]):
    """A log that nothing can be written to."""

    def append(self, _: Row) -> None:
        raise OSError("no space left on device")


async def test_what_could_not_be_logged_comes_again(
    db: Database, root: Connection, riverside: Clinic
) -> None:
    """An event is acknowledged when it is in the log, and not a moment before."""
    reader = await start_reader(db)
    reader.seen = Full()
    with pytest.raises(OSError, match="no space"):
        await reader.read(ids(root))
    reader.seen = []
    assert await reader.read(ids(root)) == ids(root)


async def test_another_leader_goes_on_where_the_last_one_stopped(
    db: Database, root: Connection, riverside: Clinic
) -> None:
    first = await start_reader(db, batch=1)
    assert await first.tail.step(first.seen.append) == 1
    await db.release_lease(first.tail._worker)
    second = await start_reader(db)
    assert first.ids + await second.read(ids(root)[1:]) == ids(root)
    with pytest.raises(LeaseLost):
        await first.tail.step(first.seen.append)


async def test_counts_each_event_once(
    db: Database, actors: Actors, root: Connection, riverside: Clinic
) -> None:
    book(actors.user("ana@patients.test"), riverside, riverside.at("09:00"))
    reader = await start_reader(db, batch=1)
    await reader.read(ids(root))
    truth = root.execute(
        "select event, count(*) as total from clinic.realtime_events group by event order by event"
    )
    assert root.execute("select * from clinic.event_totals order by event").fetchall() == truth.fetchall()
    assert (await db.snapshot())["booked"] == 1
    assert (await db.snapshot())["tail_lag_seconds"] == 0


async def test_tells_the_topics_that_one_transaction_had_too_many_of(
    db: Database, root: Connection, riverside: Clinic
) -> None:
    reader = await start_reader(db)
    topics = [f"patient:{uuid4()}" for _ in range(60)]
    root.execute("insert into clinic.late_hints (topic) select unnest(%s::text[])", [topics])
    deadline = time.monotonic() + PATIENCE
    while root.execute("select from clinic.late_hints").rowcount:
        assert time.monotonic() < deadline
        before = told(root)
        await reader.tail.step(reader.seen.append)
        assert len(told(root)) - len(before) <= 25
    assert told(root) >= set(topics)


def told(root: Connection) -> set[str]:
    return {
        row["topic"] for row in root.execute("select topic from realtime.messages where event = 'resync'")
    }
