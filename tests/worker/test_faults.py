"""Postgres dies and comes back: the worker stays, reconnects and catches up."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from cli.local.ports import free_port
from cli.local.postgres import PostgresServer
from tests.support.actors import Actors, Connection
from tests.support.clinics import load_clinic
from tests.support.slots import book, reserve
from tests.support.templates import create_template
from tests.worker.processes import WorkerProcess
from tests.worker.support import as_worker, create_login, wait_until

pytestmark = pytest.mark.long


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """A server of one's own, to be killed. It keeps what was committed, so it writes to disk."""
    folder = Path(tempfile.mkdtemp(prefix="chairtime-faults-"))
    folder.chmod(0o755)
    server = PostgresServer(folder / "data", free_port(), folder / "log", {"restart_after_crash": "on"})
    server.start()
    yield server
    server.stop()
    shutil.rmtree(folder)


def kill_server(server: PostgresServer) -> None:
    """Kill the postmaster and wait until its children are gone, too."""
    assert server.pid is not None
    family = [psutil.Process(server.pid), *psutil.Process(server.pid).children(recursive=True)]
    os.kill(server.pid, signal.SIGKILL)
    psutil.wait_procs(family, timeout=30)


def events(root: Connection) -> set[int]:
    return {row["id"] for row in root.execute("select id from clinic.realtime_events")}


def test_a_killed_server_loses_nothing_of_the_log_or_the_schedule(
    server: PostgresServer, tmp_path: Path
) -> None:
    template = create_template(server.superuser_url("postgres"))
    create_login(template)
    settings = {"database_url": as_worker(template), "schedule_refresh_daily_metrics": "* * * * * *"}
    with WorkerProcess(tmp_path / "log", settings) as worker:
        worker.wait_for("leadership_gained")
        with closing(Actors(template)) as actors:
            riverside = load_clinic(actors, "riverside")
            book(actors.user("ana@patients.test"), riverside, riverside.at("09:00"))
        kill_server(server)
        worker.wait_for("database_lost")
        wait_until(lambda: worker.get("/readyz").status_code == 503, "the worker to be unready")
        assert worker.get("/healthz").status_code == 200

        server.start()
        worker.wait_for("database_reached")
        with closing(Actors(template)) as actors:
            root = actors.superuser()
            root.execute("update clinic.clinics set hold_duration = '1 second'")
            held = reserve(actors.user("desk@riverside.test"), riverside, riverside.at("11:00"))
            worker.wait_for("event", event_event="reservation_expired", entity_id=str(held["id"]))
            written = events(root)
        worker.wait_for("event", id=max(written))
        assert {line["id"] for line in worker.lines("event")} == written, "every event is in the log"
        done = len(worker.lines("job_finished", job="refresh_daily_metrics", state="succeeded"))
        wait_until(
            lambda: len(worker.lines("job_finished", job="refresh_daily_metrics", state="succeeded")) > done,
            "the schedule to go on",
        )
        worker.wait_ready()
        worker.signal(signal.SIGTERM)
        assert worker.wait_ended() == 0


def test_a_worker_that_starts_before_its_database_waits_for_it(
    server: PostgresServer, tmp_path: Path
) -> None:
    template = create_template(server.superuser_url("postgres"))
    create_login(template)
    server.stop()
    with WorkerProcess(tmp_path / "log", {"database_url": as_worker(template)}) as worker:
        wait_until(lambda: worker.get("/readyz").status_code == 503, "the worker to be unready")
        server.start()
        assert worker.wait_ready()["role"] == "leader"
