"""`chairtime worker`: the daemon and its jobs from the command line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cli.local.postgres import PASSWORD as PLATFORM_PASSWORD
from tests.support.actors import Connection
from tests.worker.processes import PORT_OF_ITS_CHOICE
from tests.worker.support import PASSWORD, USER, manual, wait_until
from worker.database import Database
from worker.schedule import JOBS

CHAIRTIME = str(Path(sys.executable).with_name("chairtime"))


def chairtime(*arguments: str, url: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    """Run `chairtime worker …` with nothing in the environment but what is given."""
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("SUPABASE_", "CHAIRTIME_"))
    }
    environment = clean | ({"CHAIRTIME_WORKER_DATABASE_URL": url} if url else {}) | variables
    return subprocess.run(
        [CHAIRTIME, "worker", *arguments], env=environment, capture_output=True, text=True, check=False
    )


def answer(*arguments: str, url: str) -> Any:
    done = chairtime(*arguments, "--json", url=url)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_lists_every_job_with_schedule_and_last_run(worker_url: str) -> None:
    before = {row["job"]: row for row in answer("jobs", url=worker_url)}
    assert list(before) == [job.name for job in JOBS]
    assert before["flag_no_shows"]["schedule"] == "off"
    assert before["maintain_partitions"]["started_at"] is None
    answer("run", "maintain_partitions", url=worker_url)
    after = {row["job"]: row for row in answer("jobs", url=worker_url)}
    assert (after["maintain_partitions"]["state"], after["maintain_partitions"]["cause"]) == (
        "succeeded",
        "manual",
    )
    drawn = chairtime("jobs", url=worker_url).stdout
    assert "maintain_partitions" in drawn
    assert "never" in drawn


def test_runs_a_job_now(worker_url: str, root: Connection) -> None:
    done = answer("run", "refresh_daily_metrics", url=worker_url)
    assert done == {"job": "refresh_daily_metrics", "state": "succeeded", "affected": done["affected"]}
    assert done["affected"] > 0
    rows = root.execute("select cause, affected from clinic.job_runs").fetchall()
    assert rows == [{"cause": "manual", "affected": done["affected"]}]


async def test_does_not_run_a_job_beside_itself(worker_url: str, db: Database) -> None:
    await db.run_batch(manual("expire_reservations"), 0, None, 5)
    done = chairtime("run", "expire_reservations", "--json", url=worker_url)
    assert (done.returncode, json.loads(done.stderr)["error"]["code"]) == (1, "job_busy")


@pytest.mark.parametrize(
    ("arguments", "url", "code", "exit_code"),
    [
        (["run", "sweep_the_floor"], "postgresql://x@127.0.0.1:1/x", "invalid_argument", 2),
        (["run", "expire_reservations"], "postgresql://x@127.0.0.1:1/x", "unreachable", 3),
        (["jobs"], "postgresql://x@127.0.0.1:1/x", "unreachable", 3),
    ],
)
def test_says_what_is_wrong(arguments: list[str], url: str, code: str, exit_code: int) -> None:
    done = chairtime(*arguments, "--json", url=url)
    assert done.stdout == ""
    assert (json.loads(done.stderr)["error"]["code"], done.returncode) == (code, exit_code)


def test_a_login_without_the_role_is_forbidden(worker_url: str) -> None:
    authenticator = worker_url.replace(f"{USER}:{PASSWORD}", f"authenticator:{PLATFORM_PASSWORD}")
    done = chairtime("jobs", "--json", "--db-url", authenticator)
    assert (json.loads(done.stderr)["error"]["code"], done.returncode) == ("forbidden", 4)


def test_settings_that_cannot_be_are_named(worker_url: str) -> None:
    done = chairtime("--json", url=worker_url, CHAIRTIME_WORKER_LEASE_LIFETIME="-1")
    error = json.loads(done.stderr)["error"]
    assert (error["code"], done.returncode) == ("invalid_argument", 2)
    assert "CHAIRTIME_WORKER_LEASE_LIFETIME" in error["message"]


def test_runs_the_daemon(worker_url: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    environment = os.environ | {"CHAIRTIME_WORKER_DATABASE_URL": worker_url} | PORT_OF_ITS_CHOICE
    with log.open("wb") as output:
        process = subprocess.Popen([CHAIRTIME, "worker"], stdout=output, stderr=output, env=environment)
    try:
        wait_until(lambda: "leadership_gained" in log.read_text(), "the daemon to lead")
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
    finally:
        process.kill()
        process.wait()
