"""Ticks: the same for every worker, in UTC, and none forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from tests.support.actors import Connection
from tests.worker.support import PATIENCE, wait_until
from worker.database import Database
from worker.jobs import Jobs
from worker.metrics import Metrics
from worker.schedule import JOBS_BY_NAME, ClockWatch, latest_tick, parse_cron
from worker.settings import Settings

NOON = datetime(2026, 3, 8, 12, 0, 30, tzinfo=UTC)  # a Sunday, on which clocks change in New York


@pytest.mark.parametrize(
    ("expression", "tick"),
    [
        ("* * * * *", datetime(2026, 3, 8, 12, 0, tzinfo=UTC)),
        ("*/20 * * * * *", datetime(2026, 3, 8, 12, 0, 20, tzinfo=UTC)),
        ("7 * * * *", datetime(2026, 3, 8, 11, 7, tzinfo=UTC)),
        ("30 2 * * *", datetime(2026, 3, 8, 2, 30, tzinfo=UTC)),
        ("0 0 * * mon-fri", datetime(2026, 3, 6, 0, 0, tzinfo=UTC)),
        ("0 0 1 * *", datetime(2026, 3, 1, 0, 0, tzinfo=UTC)),
        ("0 0 1 4 *", datetime(2025, 4, 1, 0, 0, tzinfo=UTC)),
        ("0 0 31 2 *", None),
    ],
)
def test_the_latest_tick_of_a_schedule(expression: str, tick: datetime | None) -> None:
    assert latest_tick(parse_cron(expression), NOON) == tick


@pytest.mark.parametrize("expression", ["", "soon", "* * * *", "* * * * * * *", "99 * * * *", "0 0 * * 1-5"])
def test_what_is_no_schedule_is_refused(expression: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the settings turn it into a message that names the variable
        parse_cron(expression)


class Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_clock_that_is_set_is_noticed_once() -> None:
    wall, steady = Clock(), Clock()
    watch = ClockWatch(wall, steady)
    wall.now, steady.now = 1060, 1060
    assert watch.jump() == 0
    wall.now, steady.now = 1061 + 3600, 1061
    assert watch.jump() == 3600
    assert watch.jump() == 0
    wall.now, steady.now = 1062, 1062
    assert watch.jump() == -3600


def jobs_of(db: Database, **settings: str) -> Jobs:
    off = {
        f"schedule_{name}": "off"
        for name in (
            *("expire_reservations", "maintain_partitions", "verify_invariants"),
            *("purge_slot_offers", "refresh_daily_metrics", "apply_retention"),
            *("sweep_messages", "ask_recalls"),
        )
    }
    given = Settings.load(database_url="postgresql://unused", **(off | settings))
    return Jobs(db, given, Metrics(), uuid4(), None)


async def run_until(jobs: Jobs, condition: Callable[[], bool]) -> None:
    """Run the jobs until something is so, then stop them."""
    running = asyncio.create_task(jobs.run())
    await asyncio.to_thread(wait_until, condition, "the jobs")
    jobs.stop()
    await running


def runs(root: Connection) -> list[datetime]:
    rows = root.execute("select tick from clinic.job_runs where state = 'succeeded' order by started_at")
    return [row["tick"] for row in rows]


async def test_a_tick_nobody_ran_is_made_up_for_once(db: Database, root: Connection) -> None:
    yesterday = "0 0 * * *"
    await run_until(jobs_of(db, schedule_purge_idempotency_keys=yesterday), lambda: len(runs(root)) == 1)
    assert runs(root) == [datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)]
    again = jobs_of(db, schedule_purge_idempotency_keys=yesterday, schedule_flag_no_shows=yesterday)
    await run_until(again, lambda: len(runs(root)) == 2)
    jobs = root.execute("select job from clinic.job_runs order by started_at").fetchall()
    assert [row["job"] for row in jobs] == ["purge_idempotency_keys", "flag_no_shows"]


async def test_two_who_believe_they_lead_run_a_tick_once(db: Database, root: Connection) -> None:
    pair = [jobs_of(db, schedule_purge_idempotency_keys="* * * * * *") for _ in range(2)]
    await asyncio.gather(*(run_until(jobs, lambda: len(runs(root)) >= 4) for jobs in pair))
    assert len(runs(root)) == len(set(runs(root)))


async def test_a_clock_that_was_set_back_does_not_stop_the_jobs(db: Database, root: Connection) -> None:
    ahead = datetime.now(UTC) + timedelta(hours=1)
    root.execute(
        "insert into clinic.job_runs (id, job, cause, tick, worker, state) values"
        " (gen_random_uuid(), 'purge_idempotency_keys', 'schedule', %s, gen_random_uuid(), 'succeeded')",
        [ahead],
    )
    jobs = jobs_of(db, schedule_purge_idempotency_keys="* * * * * *")
    await run_until(jobs, lambda: len(runs(root)) >= 3)


async def test_a_leader_that_is_fenced_off_stops_its_jobs(db: Database, root: Connection) -> None:
    """It would otherwise go on trying, beside whoever leads now."""
    settings = Settings.load(
        database_url="postgresql://unused", schedule_purge_idempotency_keys="* * * * * *", retry_first=0.01
    )
    async with asyncio.timeout(PATIENCE):
        await Jobs(db, settings, Metrics(), uuid4(), epoch=7).run()
    assert runs(root) == []


async def test_things_live_as_long_as_the_operator_says(db: Database, root: Connection) -> None:
    """Each of these would have gone the other way by default."""
    settings = Settings.load(
        database_url="postgresql://unused",
        idempotency_retention=timedelta(hours=48),
        event_retention=timedelta(days=10),
        no_show_grace=timedelta(hours=5),
    )
    jobs = Jobs(db, settings, Metrics(), uuid4(), None)
    root.execute(
        "insert into clinic.idempotency_keys (user_id, operation, key, request_hash, response, created_at)"
        " values (gen_random_uuid(), 'book_appointment', 'k', '', '{}', now() - interval '30 hours')"
    )
    day = datetime.now(UTC).date() - timedelta(days=12)
    root.execute("select clinic.create_event_partitions(%s, %s)", [day, day])
    root.execute(
        "with patient as (insert into clinic.patients (clinic_id, full_name)"
        " select id, 'Late' from clinic.clinics where slug = 'sakura' returning id, clinic_id)"
        " insert into clinic.appointments (clinic_id, dentist_id, patient_id, appointment_type_id, starts_at,"
        " ends_at, buffer_before, buffer_after, parts, source)"
        " select p.clinic_id, d.id, p.id, t.id, now() - interval '4 hours', now() - interval '3 hours', '0',"
        " '0', '{}', 'desk' from patient as p join clinic.dentists as d using (clinic_id)"
        " join clinic.appointment_types as t using (clinic_id) where not t.has_parts limit 1"
    )
    done = {
        name: (await jobs.run_once(JOBS_BY_NAME[name], "manual")).affected
        for name in ("purge_idempotency_keys", "maintain_partitions", "flag_no_shows")
    }
    assert done == {"purge_idempotency_keys": 0, "maintain_partitions": 1, "flag_no_shows": 0}
