"""The processes of the embedded stack: started, watched, ended, and never left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from cli.errors import ChairtimeError, Exit
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
    """A running process of the stack."""

    name: str
    process: psutil.Process
    log: Path
    who: str  # how the guard knows it
    ready: Callable[[], bool] = lambda: True  # whether it answers yet
    number: int = signal.SIGTERM  # the signal that ends it

    def end(self) -> None:
        """Tell the process to end and wait until it has; kill it when it takes too long."""
        deadline = time.monotonic() + PATIENCE
        with suppress(psutil.NoSuchProcess):
            self.process.send_signal(self.number)
            while is_alive(self.process):
                if time.monotonic() > deadline:
                    self.process.kill()
                time.sleep(0.02)
        if isinstance(self.process, psutil.Popen):
            self.process.wait()  # ours to collect

    def problem(self, what: str, code: str, exit_code: int = Exit.REFUSED) -> ChairtimeError:
        """Return an error that says what happened to this part, with the last lines of its log."""
        message = f"{self.name} {what}. {last_lines(self.log)}"
        return ChairtimeError(
            message, code, "The stack has stopped. `chairtime up` starts it again.", exit_code
        )


class Parts:
    """The stack's running processes, and the guard that ends them should this process die."""

    def __init__(self) -> None:
        self.running: list[Part] = []
        self._guard = start_guard()

    def start(
        self,
        name: str,
        command: Sequence[str],
        log: Path,
        *,
        env: Mapping[str, str] = {},
        cwd: Path | None = None,
        ready: Callable[[], bool] = lambda: True,
        keep_open: Collection[int] = (),
    ) -> Part:
        """Start a process that writes its output to `log`, deaf to the terminal's Ctrl-C.

        `keep_open` are file descriptors that it inherits.
        """
        with log.open("ab") as output:
            process = psutil.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, **env},
                cwd=cwd,
                start_new_session=True,
                pass_fds=keep_open,
            )
        self.watch_over(str(process.pid), signal.SIGTERM)
        return self.add(Part(name, process, log, str(process.pid), ready))

    def add(self, part: Part) -> Part:
        """Take charge of a process that the guard knows already."""
        self.running.append(part)
        return part

    def watch_over(self, who: str, number: int) -> None:
        """Have the guard end a process, named by its id or by its pid file, should this one die."""
        self._tell(f"{who}\t{int(number)}")

    def await_end(self, part: Part) -> None:
        """Wait for a process that is to end by itself. Raises ChairtimeError if it failed."""
        code = part.process.wait()
        self._forget(part)
        if code:
            raise part.problem(f"failed with exit code {code}", "not_installed")

    def await_ready(self, patience: float = 60) -> None:
        """Return when every part answers. Raises ChairtimeError if one dies or does not answer in time."""
        deadline = time.monotonic() + patience
        waiting = list(self.running)
        while waiting:
            self.check()
            waiting = [part for part in waiting if not part.ready()]
            if waiting and time.monotonic() > deadline:
                raise waiting[0].problem(f"did not answer in {patience:.0f} s", "not_ready", Exit.UNREACHABLE)
            time.sleep(0.03)

    def check(self) -> None:
        """Raise ChairtimeError if a part has died. A guard that has died is replaced."""
        if self._guard.poll() is not None:
            self._guard = start_guard()
            for part in self.running:
                self.watch_over(part.who, part.number)
        for part in self.running:
            if not is_alive(part.process):
                raise part.problem("has died", "part_died")

    def end(self) -> None:
        """End all parts, the latest first."""
        for part in reversed(self.running[:]):
            part.end()
            self._forget(part)

    def close(self) -> None:
        """End all parts and the guard."""
        self.end()
        with suppress(BrokenPipeError):
            self._guard.communicate()

    def _forget(self, part: Part) -> None:
        self.running.remove(part)
        self._tell(part.who)

    def _tell(self, line: str) -> None:
        assert self._guard.stdin is not None  # noqa: S101 - it was made with a pipe
        with suppress(BrokenPipeError):
            self._guard.stdin.write(f"{line}\n")
            self._guard.stdin.flush()


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
