"""What Prometheus gets: its format, its numbers, and what it costs."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import httpx
import psycopg
import pytest
from prometheus_client import parser
from prometheus_client.openmetrics import parser as openmetrics

from tests.support.actors import Actors, Connection, call
from tests.support.clinics import Clinic
from tests.support.refusals import refused
from tests.support.slots import book, reserve
from tests.worker.processes import WorkerProcess
from tests.worker.support import cut_off, wait_until

Families = dict[str, Any]
Start = Callable[..., WorkerProcess]


def scrape(worker: WorkerProcess) -> Families:
    """Return the families of one scrape by name."""
    text = worker.get("/metrics").text
    families = parser.text_string_to_metric_families(text)
    return {family.name: family for family in families}


def sample(worker: WorkerProcess, name: str, **labels: str) -> float | None:
    """Return one number of a new scrape, or None if it is not there."""
    for family in scrape(worker).values():
        for one in family.samples:
            if one.name == name and labels.items() <= one.labels.items():
                return float(one.value)
    return None


@pytest.fixture
def worker(start_worker: Start) -> WorkerProcess:
    """A worker that leads and refreshes its numbers all the time."""
    worker = start_worker(schedule_refresh_daily_metrics="* * * * * *", tail_interval=0.05)
    worker.wait_for("leadership_gained")
    return worker


def test_the_format_is_what_prometheus_reads(worker: WorkerProcess) -> None:
    families = scrape(worker)
    ours = {name: family for name, family in families.items() if name.startswith("chairtime_")}
    assert len(ours) > 30
    for name, family in ours.items():
        assert family.documentation.endswith("."), f"{name} explains itself in a sentence"
        assert family.type in ("counter", "gauge", "histogram", "info"), name
    accept = {"accept": "application/openmetrics-text; version=1.0.0"}
    port = worker.wait_for("worker_started")["http_port"]
    text = httpx.get(f"http://127.0.0.1:{port}/metrics", headers=accept).text
    told = openmetrics.text_string_to_metric_families(text)  # type: ignore[no-untyped-call]
    names = {family.name for family in told}
    assert names >= {name.removesuffix("_info") for name in ours}


def test_numbers_follow_what_happens(worker: WorkerProcess, actors: Actors, riverside: Clinic) -> None:
    ana = actors.user("ana@patients.test")
    row = book(ana, riverside, riverside.at("09:00"))
    with refused("slot_taken"):
        book(actors.user("ben@patients.test"), riverside, riverside.at("09:00"))
    call(ana, "reschedule_appointment", appointment_id=row["id"], starts_at=riverside.at("10:00"))
    call(ana, "cancel_appointment", appointment_id=row["id"])
    held = reserve(ana, riverside, riverside.at("11:00"))
    expected = {
        ("chairtime_appointments_booked_total", ""): 1,
        ("chairtime_appointments_rescheduled_total", ""): 1,
        ("chairtime_appointments_cancelled_total", ""): 1,
        ("chairtime_appointments", "status=cancelled"): 1,
        ("chairtime_refusals_total", "code=slot_taken"): 1,
        ("chairtime_refusals_total", "code=patient_busy"): 0,
        ("chairtime_holds_live", ""): 1,
        ("chairtime_holds_total", "outcome=created"): 1,
        ("chairtime_events_total", "event=appointment_booked"): 1,
        ("chairtime_leader", ""): 1,
        ("chairtime_workers", ""): 1,
        ("chairtime_event_partitions_ahead", ""): 7,
        ("chairtime_tail_lag_seconds", ""): 0,
    }

    def told() -> dict[tuple[str, str], float | None]:
        labels = [(name, dict([text.split("=")]) if text else {}) for name, text in expected]
        return {
            key: sample(worker, name, **label) for key, (name, label) in zip(expected, labels, strict=True)
        }

    seen: list[Any] = []

    def settled() -> bool:
        seen[:] = [told()]
        return bool(seen[0] == expected)

    try:
        wait_until(settled, "the numbers", patience=10)
    except AssertionError:
        assert seen[0] == expected
    call(ana, "release_reservation", reservation_id=held["id"])
    wait_until(lambda: sample(worker, "chairtime_holds_total", outcome="released") == 1, "the release")
    assert sample(worker, "chairtime_utilisation_ratio", clinic="riverside") is not None


def test_an_open_transaction_that_wrote_is_seen(root: Connection, database: str) -> None:
    """It withholds every later event; one that only reads withholds nothing."""
    with psycopg.connect(database, autocommit=True) as open_one:
        open_one.execute("begin; select pg_current_xact_id()")
        row = open_one.execute("select now() as began").fetchone()
        oldest = root.execute("select clinic.oldest_writer() as began").fetchone()
        assert row is not None
        assert oldest is not None
        assert oldest["began"] <= row[0]
        root.execute("select pg_sleep(0.01)")
        told = root.execute("select clinic.worker_metrics() as m").fetchone()
        assert told is not None
        assert told["m"]["oldest_transaction_seconds"] >= 0.01
        open_one.execute("rollback")


def test_a_scrape_reads_nothing_that_grows_with_every_booking(
    actors: Actors, root: Connection, riverside: Clinic
) -> None:
    ana = actors.user("ana@patients.test")
    book(ana, riverside, riverside.at("09:00"))
    hold = reserve(ana, riverside, riverside.at("10:00"))
    call(ana, "release_reservation", reservation_id=hold["id"])
    with root.transaction():
        root.execute("set local enable_seqscan = off")
        root.execute("select clinic.worker_metrics()")
        rows = root.execute(
            "select relname, seq_scan, coalesce(idx_scan, 0) as looks,"
            " seq_tup_read + coalesce(idx_tup_fetch, 0) as rows"
            " from pg_stat_xact_user_tables where schemaname = 'clinic'"
        ).fetchall()
    seen = {row.pop("relname"): row for row in rows}
    assert seen["daily_metrics"]["looks"] > 0
    assert seen["appointments"] == {"seq_scan": 0, "looks": 0, "rows": 0}
    holds = seen["slot_reservations"]
    assert (holds["seq_scan"], holds["rows"]) == (0, 0), "none is live"


def test_a_lost_database_leaves_the_process_own_numbers(
    worker: WorkerProcess, root: Connection, database: str
) -> None:
    assert sample(worker, "chairtime_holds_live") == 0
    name = database.rpartition("/")[2]
    root.execute(f'alter database "{name}" connection limit 0')
    cut_off(root)
    wait_until(lambda: sample(worker, "chairtime_database_up") == 0, "the loss")
    assert sample(worker, "chairtime_holds_live") is None
    assert worker.get("/healthz").json() == {"status": "alive", "version": version("chairtime")}
    assert worker.get("/readyz").status_code == httpx.codes.SERVICE_UNAVAILABLE
    root.execute(f'alter database "{name}" connection limit -1')
    wait_until(lambda: sample(worker, "chairtime_database_up") == 1, "the return")
    worker.wait_ready()
