"""Keeping a part of the stack running: started, asked whether it lives, replaced when it dies or hangs."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from cli.errors import ChairtimeError, Exit
from cli.local.parts import Part, Processes, last_lines
from cli.local.probe import Answer, ask
from cli.local.state import rotate

START_PATIENCE = 60.0  # seconds that a part may take until it lives
HANG_PATIENCE = 10.0  # seconds without a sign of life after which it is replaced
WELL = 30.0  # seconds of life after which earlier deaths are forgotten
EAGER, CALM = 0.1, 1.0  # seconds between two questions, until it is ready and afterwards

# A start that came to nothing counts for six lives that were short.
STRIKES, SHORT_LIFE, STILLBIRTH = 30, 1, 5

FROM_OUTSIDE = (-signal.SIGKILL, -signal.SIGTERM)  # no failing of the part's own

Tell = Callable[[str], None]


class Keeper:
    """Keeps one part running on a thread of its own, so that no part waits for another's troubles.

    A part that dies is started again, at first at once, then after ever longer pauses. One that keeps dying
    is given up, alone. `tell` is told what happens.
    """

    def __init__(self, part: Part, processes: Processes, tell: Tell) -> None:
        self.part = part
        self.state = "starting"
        self.process: subprocess.Popen[bytes] | None = None
        self.restarts = 0
        self.last: str | None = None
        self._processes = processes
        self._say = tell
        self._strikes = 0
        self._trouble: str | None = None
        self._asker = ThreadPoolExecutor(3)  # so that an answer that takes long hides no death
        self._ending = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._keep, name=part.name, daemon=True)
        self._thread.start()

    def status(self) -> dict[str, Any]:
        """Return what the status file says of the part."""
        return {
            "state": self.state,
            "pid": self.process.pid if self.process else None,
            "restarts": self.restarts,
            "last": self.last,
            "probe": self.part.probe,
        }

    def await_ready(self) -> None:
        """Return when the part is ready for the first time. Raises ChairtimeError if it dies before."""
        deadline = time.monotonic() + 2 * START_PATIENCE
        while self.state != "running":
            late = time.monotonic() > deadline
            if self.restarts or self.state == "waiting" or late:
                what = "is not ready yet" if late else self.last
                message = f"{self.part.name} {what}. {last_lines(self.part.log)}"
                hint = "The stack has stopped. `chairtime up` starts it again."
                raise ChairtimeError(message, "not_ready", hint, Exit.UNREACHABLE)
            time.sleep(EAGER)

    def end(self) -> None:
        """End the part for good."""
        with self._lock:
            self._ending.set()
        if self.process:
            self._processes.end(self.process)
        self._thread.join()
        self._asker.shutdown(wait=False)

    def _keep(self) -> None:
        while not self._ending.is_set():
            if self._note_trouble():
                self._ending.wait(CALM)
                continue
            lived, end = self._live()
            if self._ending.is_set() or not self._mourn(lived, end):
                return

    def _live(self) -> tuple[float | None, str]:
        """Run the part until it ends; return how many seconds it lived, if it ever did, and how it ended."""
        born = heard = None
        try:
            self.part.make_way()
            if not self._start():
                return None, "ended"
        except Exception as error:
            return None, f"did not start: {error}"
        assert self.process is not None  # noqa: S101 - it was started
        started, ended = time.monotonic(), self._asker.submit(self.process.wait)
        asked = self._asker.submit(ask, self.part.probe)
        while (code := self._await_end(ended, CALM if self.state == "running" else EAGER)) is None:
            if not asked.done():
                continue
            answer, now = asked.result(), time.monotonic()
            asked = self._asker.submit(ask, self.part.probe)
            if answer:
                born, heard = born or now, now
                self._note_answer(answer)
            elif now - (heard or started) > (HANG_PATIENCE if heard else START_PATIENCE):
                self.process.kill()
                self.process.wait()
                self._processes.forget(self.process)
                return (
                    born and now - born,
                    f"did not answer for {now - (heard or started):.0f} s and was killed",
                )
        if born is None and code in FROM_OUTSIDE:
            return 0.0, _said(code)
        return born and time.monotonic() - born, _said(code)

    def _start(self) -> bool:
        with self._lock:
            if self._ending.is_set():
                return False
            self.process = self._processes.start(self.part)
            return True

    def _await_end(self, ended: Future[int], patience: float) -> int | None:
        assert self.process is not None  # noqa: S101 - only called while there is one
        with suppress(TimeoutError):
            # A thread sleeps until the process ends: waiting with a timeout would look twenty times a second.
            code = ended.result(patience)
            self._processes.forget(self.process)
            return code
        return None

    def _note_answer(self, answer: Answer) -> None:
        if answer is Answer.READY and self.state != "running":
            self.state = "running"
            if self.restarts:
                self._tell(f"{self.part.name} is back")
        self._note_trouble()
        with suppress(OSError):
            rotate(self.part.log)

    def _tell(self, text: str) -> None:
        """Say what happens; a log that cannot be written, on a full disk, keeps no part from being kept."""
        with suppress(OSError):
            self._say(text)

    def _note_trouble(self) -> str | None:
        """Say once what keeps the part from working, and once that it is over."""
        before, self._trouble = self._trouble, self.part.trouble()
        if self._trouble and not before:
            self.last = self._trouble
            self._tell(f"{self.part.name}: {self._trouble}")
        elif before and not self._trouble:
            self._tell(f"{self.part.name}: no longer so ({before})")
        if self._trouble and self.state != "running":
            self.state = "waiting"
        return self._trouble

    def _mourn(self, lived: float | None, end: str) -> bool:
        """Say how the part ended and wait until it may start again; return whether it may."""
        self.last = f"{end} at {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"
        self.restarts += 1
        if lived is not None and lived > WELL:
            self._strikes = 0
        if not self.part.trouble():
            self._strikes += STILLBIRTH if lived is None else SHORT_LIFE
        if self._strikes >= STRIKES:
            self.state = "gave_up"
            self._tell(f"{self.part.name} {end}, as before; it is given up. {last_lines(self.part.log)}")
            return False
        pause = EAGER if lived is not None else min(0.1 * 2 ** (self._strikes / STILLBIRTH), 5)
        self.state = "restarting"
        self._tell(f"{self.part.name} {end}; it is started again")
        self._ending.wait(pause)
        return True


def _said(code: int) -> str:
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
