"""The lease: one leader at a time, judged by the database's clock, and fenced by its epoch."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from tests.support.actors import Connection
from tests.worker.support import led, wait_until
from worker.database import Database
from worker.errors import LeaseLost

LONG = timedelta(minutes=10)
A, B = uuid4(), uuid4()


async def lead(db: Database, worker: UUID = A) -> int:
    epoch = await db.acquire_lease(worker, LONG)
    assert epoch is not None
    return epoch


def run_out(root: Connection) -> None:
    root.execute("update clinic.worker_leases set renewed_at = renewed_at - lifetime - interval '1 second'")


async def test_one_of_many_leads(db: Database) -> None:
    epochs = await asyncio.gather(*(db.acquire_lease(uuid4(), LONG) for _ in range(8)))
    assert sorted(epoch for epoch in epochs if epoch) == [1]


async def test_renewing_keeps_the_epoch(db: Database) -> None:
    assert await lead(db) == await lead(db)


async def test_a_standby_takes_over_what_ran_out_in_a_new_epoch(db: Database, root: Connection) -> None:
    epoch = await lead(db)
    assert await db.acquire_lease(B, LONG) is None
    run_out(root)
    assert await db.acquire_lease(B, LONG) == epoch + 1
    assert await db.acquire_lease(A, LONG) is None


async def test_a_leader_that_comes_late_to_its_own_lease_gets_a_new_epoch(
    db: Database, root: Connection
) -> None:
    epoch = await lead(db)
    run_out(root)
    assert await lead(db) == epoch + 1


async def test_a_released_lease_is_free_at_once(db: Database) -> None:
    epoch = await lead(db)
    await db.release_lease(B)  # not its holder: nothing happens
    assert await db.acquire_lease(B, LONG) is None
    await db.release_lease(A)
    assert await db.acquire_lease(B, LONG) == epoch + 1


async def test_a_clock_set_back_does_not_keep_standbys_waiting(db: Database, root: Connection) -> None:
    await lead(db)
    root.execute("update clinic.worker_leases set renewed_at = renewed_at + interval '1 hour'")
    assert await db.acquire_lease(B, LONG) is not None


async def test_a_leader_of_the_past_changes_nothing(db: Database, root: Connection) -> None:
    epoch = await lead(db)
    run_out(root)
    assert await db.acquire_lease(B, LONG) is not None
    with pytest.raises(LeaseLost):
        await db.run_batch(led("refresh_daily_metrics", A, epoch), 100, None, 5)
    with pytest.raises(LeaseLost):
        await db.acknowledge_events(A, epoch, 1)
    with pytest.raises(LeaseLost):
        await db.read_events(A, epoch, 1)
    assert root.execute("select count(*) as n from clinic.job_runs").fetchone() == {"n": 0}
    assert root.execute("select count(*) as n from clinic.daily_metrics").fetchone() == {"n": 0}
    assert root.execute("select sum(total) as n from clinic.event_totals").fetchone() == {"n": None}


async def test_an_epoch_does_not_end_before_what_was_done_in_it_is_committed(
    db: Database, root: Connection
) -> None:
    epoch = await db.acquire_lease(A, timedelta(milliseconds=500))

    def is_over() -> bool:
        row = root.execute(
            "select not clinic.is_lease_live(l) as over from clinic.worker_leases as l"
        ).fetchone()
        return row is not None and row["over"]

    with root.transaction():
        root.execute("select clinic.hold_lease(%s, %s)", [A, epoch])
        wait_until(is_over, "the lease to run out")
        assert await db.acquire_lease(B, LONG) is None
    assert await db.acquire_lease(B, LONG) is not None


async def test_a_takeover_gives_up_the_runs_of_the_epoch_before(db: Database, root: Connection) -> None:
    epoch = await lead(db)
    tick = datetime(2026, 1, 1, tzinfo=UTC)
    run = led("expire_reservations", A, epoch, tick=tick)
    assert (await db.run_batch(run, 0, None, 5)).state == "running"  # no batch of none is ever the last
    run_out(root)
    assert await db.acquire_lease(B, LONG) == epoch + 1
    states = root.execute("select state from clinic.job_runs").fetchall()
    assert states == [{"state": "abandoned"}]
    again = led("expire_reservations", B, epoch + 1, tick=tick)
    assert (await db.run_batch(again, 10, None, 5)).state == "succeeded"
