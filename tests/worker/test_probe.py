"""The probe: a subscriber like any other, which knows what it should have got."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta

import pytest

from tests.realtime.server import PUBLISHABLE_KEY, Standin, serving
from tests.support.actors import Actors
from tests.support.clinics import Clinic
from tests.support.slots import book
from tests.worker.support import PATIENCE
from worker.database import Database, Row
from worker.metrics import Metrics
from worker.probe import Probe


@pytest.fixture
def standin(database: str) -> Iterator[Standin]:
    """The stand-in for Realtime on the test's database."""
    with serving(database) as standin:
        yield standin


async def until(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for: {what}"
        await asyncio.sleep(0.02)


@asynccontextmanager
async def probing(
    standin: Standin, db: Database, patience: float = 30
) -> AsyncIterator[tuple[Probe, Metrics]]:
    """A probe that is subscribed to the availability of every clinic."""
    metrics = Metrics()
    probe = Probe(standin.url, PUBLISHABLE_KEY, metrics, patience)
    task = asyncio.create_task(probe.run(lambda: db.probe_topics(20)))
    try:
        await until(lambda: metrics.subscribed._value.get() == 2, "the subscription")
        yield probe, metrics
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def count(metrics: Metrics, name: str) -> float:
    return metrics.registry.get_sample_value(name) or 0


def noted(clinic: Clinic, event_id: int) -> Row:
    """An event of the log, long enough after the subscription to be expected."""
    soon = datetime.now(UTC) + timedelta(seconds=10)
    return {"id": event_id, "topics": [f"availability:{clinic.id}"], "occurred_at": soon}


async def test_measures_delivery_from_commit_to_client(
    standin: Standin, db: Database, actors: Actors, riverside: Clinic
) -> None:
    async with probing(standin, db) as (_, metrics):
        book(actors.user("ana@patients.test"), riverside, riverside.at("09:00"))
        await until(lambda: count(metrics, "chairtime_delivery_latency_seconds_count") == 2, "the broadcasts")


async def test_counts_what_never_arrived_and_not_what_did(
    standin: Standin, db: Database, actors: Actors, riverside: Clinic
) -> None:
    async with probing(standin, db, patience=0.5) as (probe, metrics):
        book(actors.user("ana@patients.test"), riverside, riverside.at("09:00"))
        await until(lambda: count(metrics, "chairtime_delivery_latency_seconds_count") == 2, "the broadcasts")
        row = actors.superuser_row("select id from clinic.realtime_events where event = 'slot_taken'")
        probe.note_event(noted(riverside, row["id"]))
        probe.note_event(noted(riverside, 10**9))
        await until(lambda: count(metrics, "chairtime_delivery_missed_total") == 1, "the loss to be noticed")
        assert not probe._expected


async def test_hears_that_there_is_more_or_less(
    standin: Standin, db: Database, actors: Actors, riverside: Clinic
) -> None:
    async with probing(standin, db) as (_, metrics):
        actors.superuser().execute("update clinic.appointment_types set min_notice = min_notice + '1 day'")
        await until(lambda: count(metrics, "chairtime_delivery_latency_seconds_count") > 0, "the broadcast")


async def test_expects_nothing_one_by_one_of_what_a_resync_told(
    standin: Standin, db: Database, actors: Actors, riverside: Clinic
) -> None:
    async with probing(standin, db) as (probe, _):
        probe.note_event(noted(riverside, 10**9))
        assert probe._expected
        before = datetime.now(UTC)
        topic = f"availability:{riverside.id}"
        actors.superuser().execute("select realtime.send('{}', 'resync', %s, true)", (topic,))
        await until(lambda: not probe._expected, "the resync")
        probe.note_event({**noted(riverside, 10**9), "occurred_at": before})
        assert not probe._expected


async def test_counts_what_arrives_twice(
    standin: Standin, db: Database, actors: Actors, riverside: Clinic
) -> None:
    async with probing(standin, db) as (_, metrics):
        book(actors.user("ana@patients.test"), riverside, riverside.at("09:00"))
        await until(lambda: count(metrics, "chairtime_delivery_latency_seconds_count") == 2, "the broadcasts")
        actors.superuser().execute(
            "select realtime.send(m.payload - 'id', m.event, m.topic, true) from realtime.messages as m"
            " where m.event = 'slot_taken'"
        )
        await until(lambda: count(metrics, "chairtime_delivery_duplicates_total") == 1, "the repetition")


async def test_comes_back_when_realtime_was_gone(
    standin: Standin, database: str, db: Database, actors: Actors, riverside: Clinic
) -> None:
    async with probing(standin, db) as (_, metrics):
        standin.stop()
        await until(lambda: count(metrics, "chairtime_delivery_reconnects_total") >= 1, "the loss")
        again = Standin.start(database, port=standin.port)
        await until(lambda: metrics.subscribed._value.get() == 2, "the new subscription")
        book(actors.user("ana@patients.test"), riverside, riverside.at("09:00"))
        await until(lambda: count(metrics, "chairtime_delivery_latency_seconds_count") == 2, "the broadcasts")
    again.stop()
