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

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("stack")]

# A policy too many, a hand-over too few, and a table too few.
LEAK = "create policy everybody on clinic.appointments for select to authenticated using (true);"
GAP = "drop trigger hand_over on clinic.occupancy;"
LOSS = "alter table clinic.occupancy rename to kept_occupancy;"


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    """Where what is temporary is made."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    return folder


def start(home: Home, temporary: Path) -> tuple[subprocess.Popen[str], list[psutil.Process]]:
    """Start the demo; return it, and the processes of its stack once that starts."""
    demo = subprocess.Popen(
        home.command("demo", "--json"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(temporary)},
        text=True,
    )
    eventually(lambda: list(temporary.glob("*/status.json")), "its stack starts")
    return demo, psutil.Process(demo.pid).children(recursive=True)


def see_nothing_left(temporary: Path, processes: list[psutil.Process]) -> None:
    eventually(lambda: all_gone(processes), "its stack has ended")
    eventually(lambda: not list(temporary.iterdir()), "its data are gone")


def test_it_is_played_beside_a_running_stack_and_leaves_that_alone_and_nothing_behind(
    tmp_path: Path, temporary: Path
) -> None:
    home = Home.make(tmp_path)
    status = home.up()
    try:
        demo, processes = start(home, temporary)
        out, err = demo.communicate(timeout=120)
        assert demo.returncode == 0, err
        see_nothing_left(temporary, processes)
        told = {step["title"]: step["text"] for step in json.loads(out)["steps"]}
        assert "Fifty clients race for one slot" in told
        assert "always 409 slot_taken" in told["Ben's visit becomes Dora's"]
        assert "visit.ics" in told["A confirmation arrives"]
        assert "Reply C to confirm, X to cancel" in told["Clara is reminded by text"]
        assert "Cancelled" in told["She texts X back"]
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
    [(LEAK, "Ben looks for Ana's appointment"), (GAP, "Ben's visit becomes Dora's"), (LOSS, "")],
    ids=["a patient sees another's appointments", "what is freed is free", "nothing can be booked"],
)
def test_it_fails_where(tmp_path: Path, fault: str, said: str) -> None:
    home = Home.make(tmp_path)
    (tmp_path / "supabase").unlink()
    shutil.copytree(ROOT / "supabase", tmp_path / "supabase", ignore=shutil.ignore_patterns(".temp"))
    (tmp_path / "supabase" / "migrations" / "29990101000000_fault.sql").write_text(fault)
    error = home.error("demo")
    assert error["code"] == "demo_failed"
    assert said in error["message"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_of_it_however_it_is_ended(
    tmp_path: Path, temporary: Path, number: signal.Signals
) -> None:
    demo, processes = start(Home.make(tmp_path), temporary)
    demo.send_signal(number)
    demo.communicate(timeout=120)
    assert demo.returncode != 0
    see_nothing_left(temporary, processes)
    assert not (tmp_path / ".chairtime").exists()
