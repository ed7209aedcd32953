"""Ends what a run of the tests leaves behind when it is killed: `python -m tests.support.leftovers RUN`.

Every process that a test starts inherits the run's name in its environment, however it is started and whoever
its parent becomes. This process waits until its standard input is closed, which the run does by ending in
whatever way, ends all that still carry the name, and gives back the memory that the run has used as a disk.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import psutil

from cli.local.parts import kill_all

VARIABLE = "CHAIRTIME_TEST_RUN"
_watcher: subprocess.Popen[bytes] | None = None

PATIENCE = 10.0  # seconds that they may take to end
MEMORY = Path("/dev/shm")  # noqa: S108 - a folder in it is made for each run


def watch_over_this_run() -> None:
    """Name this run, and start a watcher that outlives it. Who belongs to a run already is watched over."""
    global _watcher  # noqa: PLW0603 - its standard input stays open as long as this process lives
    if VARIABLE in os.environ:
        return
    run = os.environ[VARIABLE] = uuid4().hex
    _watcher = subprocess.Popen(
        [sys.executable, "-m", "tests.support.leftovers", run],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env={name: value for name, value in os.environ.items() if name != VARIABLE},
    )


def memory(run: str) -> Path:
    """Return the folder that a run may have in memory, until it ends."""
    return MEMORY / f"chairtime-{run}"


def leftovers(run: str) -> list[psutil.Process]:
    """Return the processes that carry a run's name."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(VARIABLE) == run:
                found.append(process)
        except (psutil.Error, OSError):
            continue  # it has ended, or is not ours
    return found


def main() -> None:
    """Wait for the run's end, then end what it left behind."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    sys.stdin.read()
    number = signal.SIGTERM
    while found := leftovers(sys.argv[1]):  # what was about to start something may have done so
        kill_all(found, number, PATIENCE)
        number = signal.SIGKILL
    shutil.rmtree(memory(sys.argv[1]), ignore_errors=True)


if __name__ == "__main__":
    main()
