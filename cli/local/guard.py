"""The guard: ends the stack's processes when the process that started them is gone, however it ended.

Runs as a script of its own, in a session of its own. Standard input comes from the supervisor, a line each:
WHO, tab, SIGNAL for a process to end; WHO alone for one that has ended. WHO is a process id, or a file that
starts with one. When the input ends, the supervisor is dead: what is left is told to end with its signal,
latest first, and killed when it does not.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

PATIENCE = 10.0  # seconds


def main() -> None:
    """Read until the supervisor is gone, then end what it left behind."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    running: dict[str, int] = {}
    for line in sys.stdin:
        who, _, number = line.rstrip("\n").partition("\t")
        if number:
            running[who] = int(number)
        else:
            running.pop(who, None)
    for who, number in reversed(running.items()):
        _end(who, number)


def _end(who: str, number: int) -> None:
    deadline = time.monotonic() + PATIENCE
    try:
        pid = int(who if who.isdecimal() else Path(who).read_text().split("\n", 1)[0])
        os.kill(pid, number)
        while _runs(pid):
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.02)
    except (FileNotFoundError, ProcessLookupError, ValueError):
        return


def _runs(pid: int) -> bool:
    """Tell a process from the zombie that nobody has collected yet."""
    os.kill(pid, 0)
    stat = Path(f"/proc/{pid}/stat")
    return not (stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z")


if __name__ == "__main__":
    main()
