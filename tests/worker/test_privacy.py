"""The worker's login runs jobs and sees numbers, and nothing about anybody."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.support.actors import Actors, Connection
from tests.support.clinics import Clinic
from tests.support.slots import book
from tests.worker.support import led
from worker.database import Database

ALLOWED = {
    # the jobs
    "expire_reservations", "maintain_partitions", "purge_idempotency_keys", "purge_slot_offers",
    "refresh_daily_metrics", "verify_invariants", "flag_no_shows", "apply_retention", "ask_recalls",
    # running and recording them
    "run_job", "record_job_failure", "list_jobs", "next_expiry", "schema_digest",
    # leading
    "acquire_lease", "release_lease", "report_worker",
    # the event log
    "read_events", "acknowledge_events", "probe_topics",
    # messages: what is due, and no more
    "lease_messages", "settle_message", "next_message", "sweep_messages",
    "worker_receive_reply", "worker_secret",
    # numbers
    "worker_metrics", "check_invariants",
}  # fmt: skip


@pytest.fixture
def worker(worker_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(worker_url, autocommit=True) as connection:
        yield connection


def test_no_table_of_ours_can_be_read_or_written(root: Connection) -> None:
    rows = root.execute(
        "select c.oid::regclass::text as name,"
        " has_table_privilege('chairtime_worker', c.oid, 'select, insert, update, delete, truncate')"
        " or has_any_column_privilege('chairtime_worker', c.oid, 'select, insert, update') as open"
        " from pg_class as c where c.relkind in ('r', 'p', 'v', 'm') and c.relnamespace in"
        " ('clinic'::regnamespace, 'api'::regnamespace, 'auth'::regnamespace, 'realtime'::regnamespace)"
    ).fetchall()
    assert "clinic.patients" in {row["name"] for row in rows}
    assert [row["name"] for row in rows if row["open"]] == []


def test_a_patients_name_cannot_be_read(
    worker: psycopg.Connection, actors: Actors, riverside: Clinic
) -> None:
    book(actors.user("ana@patients.test"), riverside, riverside.at("09:00"))
    for statement in (
        "select full_name from clinic.patients",
        "select full_name from api.patients",
        "select full_name from clinic.profiles",
        "select payload from clinic.realtime_events",
        "set role authenticated",
        "set role postgres",
        "copy clinic.patients to stdout",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            worker.execute(statement)


def test_exactly_the_workers_functions_can_be_executed(root: Connection) -> None:
    rows = root.execute(
        "select distinct p.proname as name from pg_proc as p"
        " where p.pronamespace in ('clinic'::regnamespace, 'api'::regnamespace)"
        " and has_function_privilege('chairtime_worker', p.oid, 'execute')"
    )
    assert {row["name"] for row in rows} == ALLOWED


async def test_what_it_reads_names_nobody(
    db: Database, worker: psycopg.Connection, actors: Actors, root: Connection, riverside: Clinic
) -> None:
    root.execute("update clinic.profiles set full_name = 'Secret Name', phone = '555 0100'")
    book(actors.user("ana@patients.test"), riverside, riverside.at("09:00"), notes="Secret note")
    epoch = worker.execute("select clinic.acquire_lease(gen_random_uuid(), '1 minute')").fetchone()
    holder = root.execute("select holder from clinic.worker_leases").fetchone()
    assert epoch is not None
    assert holder is not None
    for job in ("refresh_daily_metrics", "verify_invariants"):
        await db.run_batch(led(job, holder["holder"], epoch[0]), 100, None, 5)
    told = (await db.read_events(holder["holder"], epoch[0], 100), await db.snapshot(), await db.list_jobs())
    assert told[0], "the booking's events were read"
    assert "Secret" not in str(told)
    assert "555 0100" not in str(told)
