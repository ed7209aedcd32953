"""A stack of one's own, to start, kill and look at."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from cli.local.parts import is_alive
from cli.local.ports import free_port
from tests.support.templates import ROOT

CHAIRTIME = Path(sys.executable).with_name("chairtime")
PATIENCE = 60.0


def eventually(condition: Callable[[], Any], what: str, patience: float = PATIENCE) -> Any:
    """Wait until the condition holds; return what it returned."""
    deadline = time.monotonic() + patience
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not in {patience:.0f} s: {what}"
        time.sleep(0.02)
    return found


@dataclass(frozen=True)
class Home:
    """A project folder with Chairtime's migrations and seed, and a stack that is up or not."""

    root: Path

    @classmethod
    def make(cls, root: Path) -> Home:
        """Link what a stack needs of the project into a folder."""
        for name in ("supabase", "web"):
            (root / name).symlink_to(ROOT / name)
        return cls(root)

    def command(self, *arguments: str) -> list[str]:
        """Return the command line of `chairtime` for this folder."""
        return [str(CHAIRTIME), *arguments, "--workdir", str(self.root)]

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run `chairtime` to its end."""
        variables = {**os.environ, **environment}
        return subprocess.run(
            self.command(*arguments), env=variables, capture_output=True, text=True, timeout=300, check=False
        )

    def up(self, *arguments: str) -> dict[str, Any]:
        """Start the stack in the background; return its status."""
        ports = arguments or ("--port", str(free_port()), "--db-port", str(free_port()))
        done = self.run("up", "--detach", "--json", *ports)
        assert done.returncode == 0, done.stderr
        status: dict[str, Any] = json.loads(done.stdout)
        return status

    def down(self) -> None:
        """Stop the stack, if it runs."""
        done = self.run("down")
        assert done.returncode == 0, done.stderr

    def error(self, *arguments: str) -> dict[str, Any]:
        """Run a command that is to fail; return its error."""
        done = self.run(*arguments, "--json")
        assert done.returncode != 0, done.stdout
        error: dict[str, Any] = json.loads(done.stderr.splitlines()[-1])["error"]
        return error


def family(status: dict[str, Any]) -> list[psutil.Process]:
    """Return all processes of a running stack: the supervisor, and everything below it, the guard too."""
    supervisor = psutil.Process(status["pid"])
    parts = [psutil.Process(pid) for pid in status["pids"].values()]
    return [supervisor, *supervisor.children(recursive=True), *parts]


def all_gone(processes: list[psutil.Process]) -> bool:
    """Return whether none of these runs any more."""
    return not any(is_alive(process) for process in processes)


def kill(process: psutil.Process, number: int = signal.SIGKILL) -> None:
    """Send a signal to a process that may be gone already."""
    if is_alive(process):
        process.send_signal(number)
