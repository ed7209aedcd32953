"""The processes of the embedded stack: what they are, and the place where they are started and ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from cli.errors import ChairtimeError
from cli.local import guard

PATIENCE = 15.0  # seconds that a process may take to end


def is_alive(process: psutil.Process) -> bool:
    """Return whether a process still runs; a zombie does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def last_lines(log: Path, count: int = 15) -> str:
    """Return the end of a log, to be shown below a message."""
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return "\n".join([f"The last lines of {log}:", *lines[-count:]])


@dataclass(frozen=True)
class Part:
    """A part of the stack: how it is started, and how one learns whether it lives."""

    name: str
    command: Sequence[str]
    log: Path
    probe: str  # the URL at which it answers
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    keep_open: Collection[int] = ()  # file descriptors that it inherits
    end_with: signal.Signals = signal.SIGTERM
    make_way: Callable[[], None] = lambda: None  # clears away what its last life left behind
    trouble: Callable[[], str | None] = lambda: None  # says why it cannot run, whatever it does


class Processes:
    """Starts processes and ends them, and has a guard that ends them should this process die."""

    def __init__(self) -> None:
        self._ends: dict[int, signal.Signals] = {}
        self._lock = threading.Lock()
        self._guard = start_guard()

    def start(self, part: Part) -> subprocess.Popen[bytes]:
        """Start a part; its output goes to its log. It is deaf to the terminal's Ctrl-C."""
        with part.log.open("ab") as output:
            process = subprocess.Popen(
                part.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, **part.env},
                cwd=part.cwd,
                start_new_session=True,
                pass_fds=part.keep_open,
            )
        with self._lock:
            self._ends[process.pid] = part.end_with
            self._tell(f"{process.pid}\t{int(part.end_with)}")
        return process

    def end(self, process: subprocess.Popen[bytes]) -> None:
        """Tell a process to end, even one that is stopped; kill it when it takes too long."""
        number = self._ends.get(process.pid)
        if number is not None:
            process.send_signal(number)
            process.send_signal(signal.SIGCONT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE)
        process.kill()
        process.wait()
        self.forget(process)

    def forget(self, process: subprocess.Popen[bytes]) -> None:
        """Let the guard know that a process has ended."""
        with self._lock:
            if self._ends.pop(process.pid, None):
                self._tell(str(process.pid))

    def check(self) -> None:
        """Replace a guard that has died."""
        if self._guard.poll() is None:
            return
        with self._lock:
            self._guard = start_guard()
            for pid, number in self._ends.items():
                self._tell(f"{pid}\t{int(number)}")

    def close(self) -> None:
        """Dismiss the guard, which ends whatever is left."""
        with suppress(BrokenPipeError):
            self._guard.communicate()

    def _tell(self, line: str) -> None:
        assert self._guard.stdin is not None  # noqa: S101 - it was made with a pipe
        with suppress(BrokenPipeError):
            self._guard.stdin.write(f"{line}\n")
            self._guard.stdin.flush()


def await_success(process: subprocess.Popen[bytes], part: Part) -> None:
    """Wait for a process that is to end by itself. Raises ChairtimeError if it failed."""
    if code := process.wait():
        message = f"{part.name} failed with exit code {code}. {last_lines(part.log)}"
        raise ChairtimeError(message, "not_installed", "`chairtime up` tries it again.")


def start_guard() -> subprocess.Popen[str]:
    """Start a guard in a session of its own, where no signal for this process's group reaches it."""
    return subprocess.Popen(
        [sys.executable, "-I", "-S", guard.__file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        text=True,
    )


def kill_all(processes: Collection[psutil.Process], number: signal.Signals, patience: float) -> None:
    """Signal processes that are not our children, and kill those that are left after `patience` seconds."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)
    deadline = time.monotonic() + patience
    while any(map(is_alive, processes)):
        if time.monotonic() > deadline:
            for process in processes:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
        time.sleep(0.02)
