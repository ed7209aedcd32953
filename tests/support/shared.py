"""What all test processes of one run share: a lock, and who still needs the thing behind it."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on a file; other processes wait."""
    with path.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def alive(pid: int) -> bool:
    """Whether a process with this id exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@contextmanager
def shared_resource(
    folder: Path, name: str, start: Callable[[], dict[str, Any]], stop: Callable[[dict[str, Any]], None]
) -> Iterator[dict[str, Any]]:
    """Yield what `start` described, started by the first process that asks and stopped by the last to leave.

    The description must survive JSON: the process that stops is rarely the one that started. Processes that
    died without leaving are not waited for.
    """
    lock, record = folder / f"{name}.lock", folder / f"{name}.json"
    with locked(lock):
        state = json.loads(record.read_text()) if record.exists() else {"about": start(), "users": []}
        state["users"].append(os.getpid())
        record.write_text(json.dumps(state))
    try:
        yield state["about"]
    finally:
        with locked(lock):
            state = json.loads(record.read_text())
            state["users"] = [pid for pid in state["users"] if pid != os.getpid() and alive(pid)]
            record.write_text(json.dumps(state))
            if not state["users"]:
                record.unlink()
                stop(state["about"])
