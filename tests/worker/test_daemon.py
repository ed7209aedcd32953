"""The process: what it does when it starts, works, is told to stop, and when things break."""

from __future__ import annotations

import signal
from collections.abc import Callable

import httpx
import pytest

from tests.support.actors import Actors, Connection
from tests.support.clinics import Clinic
from tests.support.slots import expire_hold, reserve
from tests.worker.processes import WorkerProcess
from tests.worker.support import cut_off, wait_until
from worker.app import REQUIRED_SCHEMA

Start = Callable[..., WorkerProcess]
FAST = {"lease_lifetime": 1, "lease_interval": 0.1}


def test_leads_runs_every_scheduled_job_at_once_and_is_ready(start_worker: Start) -> None:
    worker = start_worker()
    assert worker.wait_ready()["role"] == "leader"
    scheduled = {
        "expire_reservations",
        "maintain_partitions",
        "purge_idempotency_keys",
        "refresh_daily_metrics",
    }
    for job in (*scheduled, "verify_invariants"):
        worker.wait_for("job_finished", job=job, cause="schedule", state="succeeded")
    assert not worker.lines("job_finished", job="flag_no_shows"), "off unless the operator wants it"


def test_is_not_ready_before_its_schema_is(start_worker: Start, root: Connection) -> None:
    """A worker that is deployed before the migrations waits for them, and says for what."""
    root.execute("update supabase_migrations.schema_migrations set version = '20260101003000'")
    worker = start_worker()
    report = wait_until(
        lambda: (answer := worker.get("/readyz").json())["schema"].startswith("2") and answer,
        "the schema's version",
    )
    assert report["schema"] < report["required_schema"] == REQUIRED_SCHEMA
    wait_until(lambda: worker.get("/readyz").json()["database"] == "reachable", "the database")
    assert worker.get("/readyz").status_code == httpx.codes.SERVICE_UNAVAILABLE


def test_announces_the_end_of_a_hold_without_being_scheduled(
    start_worker: Start, actors: Actors, root: Connection, riverside: Clinic
) -> None:
    worker = start_worker(schedule_expire_reservations="0 0 1 1 *")
    worker.wait_ready()
    root.execute("update clinic.clinics set hold_duration = '1 second'")
    row = reserve(actors.user("desk@riverside.test"), riverside, riverside.at("09:00"))
    worker.wait_for("event", event_event="reservation_expired", entity_id=str(row["id"]))
    worker.wait_for("job_finished", job="expire_reservations", cause="wake", affected=1)


def test_logs_every_event_with_what_it_is_about_and_nothing_about_people(
    start_worker: Start, actors: Actors, riverside: Clinic
) -> None:
    worker = start_worker()
    row = reserve(actors.user("ana@patients.test"), riverside, riverside.at("09:00"))
    line = worker.wait_for("event", event_event="reservation_created")
    assert (line["entity_id"], line["clinic_id"]) == (str(row["id"]), str(riverside.id))
    assert line.keys() == {
        "id", "occurred_at", "lag", "event_event", "entity", "entity_id", "clinic_id", "dentist_id",
        "dentist_seq", "actor", "event", "worker", "level", "timestamp",
    }  # fmt: skip


def test_the_standby_takes_over_when_the_leader_is_killed(start_worker: Start) -> None:
    leader = start_worker(**FAST)
    leader.wait_for("leadership_gained", epoch=1)
    standby = start_worker(**FAST)
    assert standby.wait_ready()["role"] == "standby"
    leader.signal(signal.SIGKILL)
    standby.wait_for("leadership_gained", epoch=2)


def test_the_standby_takes_over_when_the_leader_is_paused_and_the_leader_notices(start_worker: Start) -> None:
    leader = start_worker(**FAST)
    leader.wait_for("leadership_gained", epoch=1)
    standby = start_worker(**FAST)
    leader.signal(signal.SIGSTOP)
    standby.wait_for("leadership_gained", epoch=2)
    leader.signal(signal.SIGCONT)
    leader.wait_for("leadership_lost", epoch=1)
    assert leader.wait_ready()["role"] == "standby"


def test_the_standby_takes_over_at_once_when_the_leader_stops(start_worker: Start) -> None:
    leader = start_worker(lease_lifetime=600)
    leader.wait_for("leadership_gained", epoch=1)
    standby = start_worker(lease_lifetime=600)
    standby.wait_ready()
    leader.signal(signal.SIGTERM)
    standby.wait_for("leadership_gained", epoch=2)
    assert leader.wait_ended() == 0


def block_bookings(root: Connection, actors: Actors, clinic: Clinic) -> None:
    """Let a hold run out, and keep its dentist's lock, so that the job in hand cannot finish."""
    row = reserve(actors.user("desk@riverside.test"), clinic, clinic.at("09:00"))
    expire_hold(root, row["id"])
    root.execute("begin")
    root.execute("select clinic.lock_calendars(%s)", [clinic.lee])


def waits_for_lock(actors: Actors) -> Callable[[], bool]:
    query = (
        "select count(*) as n from pg_stat_activity"
        " where usename = 'worker_of_tests' and wait_event = 'advisory' and datname = current_database()"
    )
    return lambda: bool(actors.superuser_row(query)["n"])


def test_sigterm_finishes_the_job_in_hand(
    start_worker: Start, actors: Actors, root: Connection, riverside: Clinic
) -> None:
    block_bookings(root, actors, riverside)
    worker = start_worker(shutdown_grace=20)
    wait_until(waits_for_lock(actors), "a job to be in hand")
    worker.signal(signal.SIGTERM)
    worker.wait_for("worker_stopping")
    root.execute("commit")
    assert worker.wait_ended() == 0
    runs = root.execute(
        "select state from clinic.job_runs where job = 'expire_reservations' and affected = 1"
    )
    assert [row["state"] for row in runs] == ["succeeded"]


def test_a_second_sigterm_exits_at_once(
    start_worker: Start, actors: Actors, root: Connection, riverside: Clinic
) -> None:
    block_bookings(root, actors, riverside)
    worker = start_worker(shutdown_grace=600)
    wait_until(waits_for_lock(actors), "a job to be in hand")
    worker.signal(signal.SIGTERM)
    worker.wait_for("worker_stopping")
    worker.signal(signal.SIGTERM)
    assert worker.wait_ended() == 128 + signal.SIGTERM
    root.execute("rollback")


def test_a_failing_job_is_retried_and_stops_no_other(start_worker: Start, root: Connection) -> None:
    root.execute("alter table clinic.idempotency_keys rename to mislaid")
    worker = start_worker(retry_first=0.1, retry_longest=0.2, schedule_refresh_daily_metrics="* * * * * *")
    failure = worker.wait_for("job_failed", job="purge_idempotency_keys", attempt=3)
    assert failure["error"].startswith("42P01")
    worker.wait_for("job_finished", job="maintain_partitions", state="succeeded")
    done = len(worker.lines("job_finished", job="refresh_daily_metrics"))
    wait_until(
        lambda: len(worker.lines("job_finished", job="refresh_daily_metrics")) > done, "the others to go on"
    )
    root.execute("alter table clinic.mislaid rename to idempotency_keys")
    worker.wait_for("job_finished", job="purge_idempotency_keys", state="succeeded")
    rows = root.execute(
        "select state, error from clinic.job_runs where job = 'purge_idempotency_keys' order by started_at"
    )
    states = [(row["state"], row["error"]) for row in rows]
    assert states[0] == ("failed", failure["error"])
    assert states[-1] == ("succeeded", None)


def test_a_job_that_goes_on_failing_is_given_up_until_its_next_instant(
    start_worker: Start, root: Connection
) -> None:
    root.execute("alter table clinic.idempotency_keys rename to mislaid")
    worker = start_worker(
        retry_first=0.1,
        retry_longest=0.2,
        retry_for=3,
        schedule_purge_idempotency_keys="0 0 1 1 *",
        schedule_refresh_daily_metrics="* * * * * *",
    )
    given_up = worker.wait_for("job_given_up", job="purge_idempotency_keys")
    assert given_up["attempts"] > 1
    root.execute("alter table clinic.mislaid rename to idempotency_keys")
    done = len(worker.lines("job_finished", job="refresh_daily_metrics"))
    wait_until(
        lambda: len(worker.lines("job_finished", job="refresh_daily_metrics")) > done + 2, "others to go on"
    )
    assert len(worker.lines("job_failed", job="purge_idempotency_keys")) == given_up["attempts"]
    assert not worker.lines("job_finished", job="purge_idempotency_keys")


def test_cut_connections_are_replaced(start_worker: Start, root: Connection) -> None:
    worker = start_worker(schedule_refresh_daily_metrics="* * * * * *")
    worker.wait_for("job_finished", job="refresh_daily_metrics")
    assert cut_off(root) > 0
    done = len(worker.lines("job_finished", job="refresh_daily_metrics"))
    wait_until(
        lambda: len(worker.lines("job_finished", job="refresh_daily_metrics")) > done + 1, "jobs to go on"
    )
    assert worker.wait_ready()["database"] == "reachable"


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"database_url": ""}, "DATABASE_URL"),
        ({"schedule_flag_no_shows": "whenever"}, "SCHEDULE_FLAG_NO_SHOWS"),
        ({"http_port": 99999}, "HTTP_PORT"),
        ({"log_level": "loud"}, "LOG_LEVEL"),
        ({"lease_lifetime": 0}, "LEASE_LIFETIME"),
        ({"email_from": "Riverside <visits@riverside.test>"}, "EMAIL_FROM"),
        ({"email_from": "visits@"}, "EMAIL_FROM"),
        ({"email_from": "visits@zähne.test"}, "EMAIL_FROM"),
        ({"sms_preset": "pigeon"}, "SMS_PRESET"),
    ],
)
def test_settings_that_cannot_be_are_named(
    start_worker: Start, settings: dict[str, object], complaint: str
) -> None:
    worker = start_worker(**settings)
    assert worker.wait_ended() == 78
    said = worker.log.read_text()
    assert f"CHAIRTIME_WORKER_{complaint}" in said
    assert "Traceback" not in said
