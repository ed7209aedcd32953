"""`metrics`, `health`, `doctor` and `day --watch` against the running stack."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from zoneinfo import TZPATH

import httpx
import psycopg
import pytest

from cli.doctor.inside import QUERIES, ask, check_migrations
from cli.project import Project
from tests.cli.program import Program
from tests.support.build import make_clinic
from tests.support.stacks import CHAIRTIME, Stack
from tests.support.templates import ROOT

pytestmark = pytest.mark.xdist_group("doctor")  # some change, on the stack that all share, what it looks at


def test_metrics_are_rows_and_a_table(desk: Program) -> None:
    rows = desk.json("metrics", "job_runs")
    assert rows
    assert set(rows[0]) == {"name", "type", "labels", "value"}
    assert {row["name"] for row in rows} == {"job_runs"}
    durations = desk.json("metrics", "job_duration")
    assert set(durations[0]["value"]) == {"count", "p50", "p95", "p99"}
    drawn = desk.ok("metrics", COLUMNS="80").out
    assert "appointments_in_the_way" in drawn
    assert max(map(len, drawn.splitlines())) <= 80


def test_an_unknown_metric_is_not_found_and_the_hint_names_those_there_are(desk: Program) -> None:
    refused = desk("metrics", "nope", "--json")
    assert (refused.code, refused.error["code"]) == (5, "not_found")
    assert "job_runs" in refused.error["hint"]


def test_what_is_no_worker_has_no_metrics(desk: Program, stack: Stack) -> None:
    refused = desk("metrics", "--worker-url", stack.api_url, "--json")
    assert (refused.code, refused.error["code"]) == (3, "unreachable")


def test_health_asks_api_and_worker(desk: Program) -> None:
    report = desk.json("health")
    assert report["ok"] is True
    assert report["api"]["status"] == "ok"
    assert report["worker"]["ready"] is True
    assert "All is well" in desk.ok("health").out


def test_health_is_not_well_without_its_worker(desk: Program) -> None:
    report = desk("health", "--json", CHAIRTIME_WORKER_URL="http://127.0.0.1:9")
    assert report.code == 6
    assert report.json["worker"]["ready"] is False
    assert "Not well" in desk("health", CHAIRTIME_WORKER_URL="http://127.0.0.1:9").out


# What other tests do to clinics of their own, on the same stack, may end what can be booked there,
# and who works there.
OTHERS = {"visit types", "admins", "logins", "messages"}


def test_the_doctor_finds_a_running_stack_well(desk: Program) -> None:
    done = desk("doctor", "--json")
    states = {check["check"]: check["state"] for check in done.json["checks"]}
    assert {state for check, state in states.items() if check not in OTHERS} == {"ok"}
    assert done.json["ok"] is (done.code == 0) is ("problem" not in states.values())
    drawn = desk("doctor")
    assert ("All is well" in drawn.out) is (drawn.code == 0)


def problems(program: Program, **variables: str) -> dict[str, str]:
    done = program("doctor", "--json", **variables)
    assert done.code == 6
    found = [check for check in done.json["checks"] if check["state"] == "problem"]
    assert all(check["hint"] for check in found)
    return {check["check"]: check["message"] for check in found if check["check"] not in OTHERS}


@pytest.mark.parametrize(
    ("change", "check"),
    [
        ("alter table clinic.staff disable row level security", "row level security"),
        ("alter view api.staff reset (security_invoker)", "views"),
        ("alter function api.health() security definer", "functions"),
        ("grant delete on clinic.staff to authenticated", "grants"),
        ("drop policy chairtime_topics_for_those_who_may_watch on realtime.messages", "realtime policies"),
        ("alter extension pg_trgm set schema public", "extensions"),
        ("alter role chairtime_worker createdb", "roles"),
        ("alter role authenticator reset idle_in_transaction_session_timeout", "idle transactions"),
        ("create role another_worker login in role chairtime_worker", "idle transactions"),
        ("delete from supabase_migrations.schema_migrations where name = 'baseline'", "migrations"),
        ("update supabase_migrations.schema_migrations set statements = '{}'", "migrations"),
        (
            "update clinic.worker_leases set holder = gen_random_uuid(), renewed_at = now() - interval '1 h'",
            "worker",
        ),
        ("drop table clinic.realtime_events cascade", "partitions"),
        ("drop table clinic.audit_log cascade", "partitions"),
        ("delete from clinic.staff where role = 'admin'", "admins"),
        ("delete from auth.users where email = 'admin@sakura.test'", "admins"),
        ("delete from clinic.staff where role = 'dentist'", "logins"),
        ("alter extension unaccent set schema public", "extensions"),
        ("update clinic.resources set is_active = false where kind = 'chair'", "visit types"),
        ("delete from clinic.dentist_types where dentist_id::text like '%04'", "visit types"),
        (
            "insert into clinic.messages (id, clinic_id, kind, channel, due_at, next_at)"
            " select gen_random_uuid(), id, 'test', 'sms', t, t"
            " from clinic.clinics, lateral (select now() - interval '11 min') as late (t)",
            "messages",
        ),
    ],
)
def test_the_doctor_finds_what_is_wrong_inside(database: str, change: str, check: str) -> None:
    """In a transaction that is rolled back, for roles are the whole server's."""

    with psycopg.connect(database) as connection:
        query = next((query for query in QUERIES if query.check == check), None)

        def look() -> str:
            return (ask(connection, query) if query else check_migrations(Project(ROOT), connection)).state

        before = look() if check != "worker" else "ok"  # no worker runs beside a test's own database
        connection.execute(change.encode())
        after = look()
        connection.rollback()
    assert (before, after) == ("ok", "problem")


def test_the_doctor_names_a_type_that_can_never_be_booked_and_says_why(database: str) -> None:
    (query,) = [query for query in QUERIES if query.check == "visit types"]
    with psycopg.connect(database) as connection:
        connection.execute("update clinic.resources set is_active = false where kind = 'equipment'")
        found = ask(connection, query)
        connection.rollback()
    assert "Root canal at riverside (no equipment will do for its part 2)" in found.message
    assert "Check-up" not in found.message


def test_the_doctor_names_a_transaction_that_withholds_events(database: str) -> None:
    (query,) = [query for query in QUERIES if query.check == "open transactions"]
    at_once = query._replace(sql=query.sql.replace("interval '1 minute'", "interval '0'"))
    with (
        psycopg.connect(database, application_name="forgetful") as writer,
        psycopg.connect(database, autocommit=True) as doctor,
    ):
        assert "forgetful" not in ask(doctor, at_once).message
        writer.execute("select pg_current_xact_id()")
        found = ask(doctor, at_once)
        assert (found.state, "forgetful" in found.message) == ("problem", True)
        assert "forgetful" not in ask(doctor, query).message


def test_the_doctor_notices_a_dead_api_and_a_dead_database(desk: Program) -> None:
    dead = {
        "SUPABASE_URL": "http://127.0.0.1:9",
        "SUPABASE_DB_URL": "postgresql://postgres@127.0.0.1:9/postgres",
    }
    assert set(problems(desk, **dead)) == {"api", "database"}


@pytest.fixture
def worker_says(stack: Stack) -> Iterator[Callable[..., str]]:
    """Return an address at which a worker measures what the stack's does, but for these samples."""
    text = httpx.get(f"{stack.status['worker_url']}/metrics", trust_env=False).text

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/plain; version=1.0.0")
            self.end_headers()
            self.wfile.write(said[0].encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    said = [text]
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def say(*samples: str) -> str:
        for sample in samples:
            assert f"{sample} 1.0" in said[0]
            said[0] = said[0].replace(f"{sample} 1.0", f"{sample} 0.0")
        return f"http://127.0.0.1:{server.server_address[1]}"

    yield say
    server.shutdown()
    server.server_close()


EMAIL = 'chairtime_message_sender_configured{channel="email"}'


def test_the_doctor_notices_a_worker_that_sends_less_than_clinics_want(
    desk: Program, worker_says: Callable[..., str]
) -> None:
    told = problems(desk, CHAIRTIME_WORKER_URL=worker_says(EMAIL))
    assert told["senders"] == "clinics send by email, and the worker cannot"


def test_the_doctor_asks_no_standby_and_no_stranger_what_is_sent(
    desk: Program, stack: Stack, worker_says: Callable[..., str]
) -> None:
    for url in (worker_says("chairtime_leader", EMAIL), stack.api_url, "http://127.0.0.1:9"):
        checks = desk("doctor", "--json", CHAIRTIME_WORKER_URL=url).json["checks"]
        assert {one["check"]: one["state"] for one in checks}["senders"] == "skipped"


def test_the_doctor_notices_wrong_keys(desk: Program, stack: Stack) -> None:
    assert set(problems(desk, SUPABASE_PUBLISHABLE_KEY="sb_publishable_wrong")) == {"api"}
    assert set(problems(desk, SUPABASE_SECRET_KEY="sb_secret_wrong")) == {"secret key"}
    assert set(problems(desk, SUPABASE_SECRET_KEY=stack.publishable_key)) == {"secret key"}


def test_the_doctor_notices_a_machine_that_knows_other_time_zones(desk: Program, tmp_path: Path) -> None:
    (tmp_path / "America").mkdir()
    utc = next(path for folder in TZPATH if (path := Path(folder) / "Etc" / "UTC").exists())
    shutil.copy(utc, tmp_path / "America" / "New_York")
    found = problems(desk, PYTHONTZPATH=str(tmp_path))
    assert set(found) == {"time zones"}
    assert "America/New_York" in found["time zones"]


def test_the_doctor_notices_an_api_that_cuts_answers(desk: Program, stack: Stack) -> None:
    """By a row that never arrives: the database says that there is one more."""
    actors = stack.actors()
    superuser = actors.superuser()
    define = (
        "create or replace function api.longest_answer() returns setof integer language sql stable"
        " set search_path = '' as 'select n from generate_series(clinic.max_rows(){}, 1, -1) as n{}'"
    )
    try:
        superuser.execute(define.format("", " limit 999").encode())
        assert set(problems(desk)) == {"max rows"}
    finally:
        superuser.execute(define.format("", "").encode())
        actors.close()


def test_the_doctor_draws_problems_with_hints(desk: Program) -> None:
    drawn = desk("doctor", SUPABASE_SECRET_KEY="sb_secret_wrong")
    assert drawn.code == 6
    assert "✗ secret key" in drawn.out
    assert "hint" in drawn.out


def test_a_watched_day_shows_a_booking_and_a_broken_chair_when_it_happens(
    desk: Program, stack: Stack
) -> None:
    actors = stack.actors()
    clinic = make_clinic(actors.superuser())
    actors.close()
    desk.ok("admin", "patient", "create", clinic.slug, "Zoe Quill")
    desk.ok("admin", "resource", "create", clinic.slug, "Chair")
    day = clinic.weekday(1).isoformat()
    command = [str(CHAIRTIME), "day", clinic.slug, "--on", day, "--watch", "--json"]
    environment = os.environ | desk.variables
    with subprocess.Popen(
        command, cwd=desk.folder, env=environment, stdout=subprocess.PIPE, text=True
    ) as watching:
        assert watching.stdout is not None
        try:
            assert json.loads(watching.stdout.readline())["dentists"][0]["appointments"] == []
            desk.ok("book", clinic.slug, "check", f"{day}T09:00", "--dentist", "lee", "--patient", "zoe")
            board = json.loads(watching.stdout.readline())
            while not board["dentists"][0]["appointments"]:
                board = json.loads(watching.stdout.readline())
            desk.ok("admin", "absence", "add", clinic.slug, "chair", f"{day}T13:00", f"{day}T14:00")
            while not board["resources"][0]["time_off"]:
                board = json.loads(watching.stdout.readline())
        finally:
            watching.terminate()
    assert board["dentists"][0]["appointments"][0]["patient_name"] == "Zoe Quill"


def test_an_outsider_may_not_watch(desk: Program) -> None:
    desk.ok("login", "desk@sakura.test", CHAIRTIME_PASSWORD="chairtime-demo")
    refused = desk("day", "riverside", "--watch", "--json")
    assert refused.code in {4, 5}
