"""A run of the tests that is interrupted or killed leaves no process behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.cli.stack_home import eventually
from tests.support.leftovers import VARIABLE, leftovers, memory
from tests.support.templates import ROOT

pytestmark = pytest.mark.long

PATIENCE = 300.0  # seconds: a run starts and ends a server and a stack, beside other tests

# It starts what tests start: the shared server, a stack that stays, a process of its own.
TEST = """
import subprocess, sys, time
from tests.cli.stack_home import Home

def test_that_never_ends(db_server, tmp_path):
    home = Home.make(tmp_path)
    home.up()
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    open({started!r}, "w").close()
    time.sleep(600)
"""


@pytest.mark.xdist_group("stack")
@pytest.mark.parametrize(("number", "workers"), [(signal.SIGINT, "0"), (signal.SIGKILL, "2")])
def test_no_process_is_left(tmp_path: Path, number: signal.Signals, workers: str) -> None:
    started = tmp_path / "started"
    file = tmp_path / "test_made.py"
    file.write_text(TEST.format(started=str(started)))
    run = start_run(file, tmp_path / "base", "-n", workers)
    try:
        eventually(lambda: started.exists() or run.poll() is not None, "the test runs", PATIENCE)
        assert run.poll() is None, "it has ended before it was interrupted"
        name = next(iter(named(str(tmp_path))))
        assert len(leftovers(name)) > 5
        os.killpg(run.pid, number) if number == signal.SIGINT else run.kill()
        run.wait(PATIENCE)
    finally:
        run.kill()
        run.wait()
    eventually(lambda: not leftovers(name) and not memory(name).exists(), "nothing is left", PATIENCE)


def start_run(file: Path, folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """Start a run of this file's tests that is none of this run's own."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if name != VARIABLE and not name.startswith("PYTEST_")
    }
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "tests.conftest", "--rootdir", str(ROOT)),
            *("-c", str(ROOT / "pyproject.toml"), *arguments, "--basetemp", str(folder), str(file)),
        ],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def named(folder: str) -> set[str]:
    """Return the names of runs that have a stack in this folder."""
    found = set()
    for process in psutil.process_iter(["cmdline"]):
        if any(folder in word for word in process.info["cmdline"] or []):
            try:
                found |= {process.environ()[VARIABLE]} if VARIABLE in process.environ() else set()
            except psutil.Error:
                continue
    return found
