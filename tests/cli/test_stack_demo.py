"""`chairtime demo` succeeds when the backend keeps its promises, and only then, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

import psutil
import psycopg
import pytest

from tests.cli.stack_home import Home, all_gone, eventually
from tests.support.templates import ROOT

pytestmark = pytest.mark.xdist_group("stack")

# A policy too many, and a table too few.
LEAK = "create policy everybody on clinic.appointments for select to authenticated using (true);"
LOSS = "alter table clinic.occupancy rename to kept_occupancy;"


def test_it_is_played_beside_a_running_stack_and_leaves_that_alone(tmp_path: Path) -> None:
    home = Home.make(tmp_path)
    status = home.up()
    try:
        done = home.run("demo", "--json")
        assert done.returncode == 0, done.stderr
        assert "Fifty clients race for one slot" in [
            step["title"] for step in json.loads(done.stdout)["steps"]
        ]
        clinics = home.run("status", "--json")
        assert json.loads(clinics.stdout)["pid"] == status["pid"]
        assert "demo-harbour" not in slugs(status)
    finally:
        home.down()


def slugs(status: dict[str, str]) -> set[str]:
    with psycopg.connect(status["db_url"]) as connection:
        return {slug for (slug,) in connection.execute("select slug from clinic.clinics")}


@pytest.mark.parametrize(
    ("fault", "said"),
    [(LEAK, "Ben looks for Ana's appointment"), (LOSS, "")],
    ids=["a patient sees another's appointments", "nothing can be booked"],
)
def test_it_fails_where(tmp_path: Path, fault: str, said: str) -> None:
    home = Home.make(tmp_path)
    (tmp_path / "supabase").unlink()
    shutil.copytree(ROOT / "supabase", tmp_path / "supabase", ignore=shutil.ignore_patterns(".temp"))
    (tmp_path / "supabase" / "migrations" / "29990101000000_fault.sql").write_text(fault)
    error = home.error("demo")
    assert error["code"] == "demo_failed"
    assert said in error["message"]


@pytest.mark.parametrize("number", [None, signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_of_it_however_it_ends(tmp_path: Path, number: signal.Signals | None) -> None:
    home, temporary = Home.make(tmp_path), tmp_path / "temporary"
    temporary.mkdir()
    demo = subprocess.Popen(
        home.command("demo"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "TMPDIR": str(temporary)},
    )
    eventually(lambda: list(temporary.glob("*/status.json")), "its stack starts")
    processes = psutil.Process(demo.pid).children(recursive=True)
    if number:
        demo.send_signal(number)
    assert (demo.wait(120) == 0) is (number is None)
    eventually(lambda: all_gone(processes), "its stack has ended")
    eventually(lambda: not list(temporary.iterdir()), "its data are gone")
    assert not (tmp_path / ".chairtime").exists()
