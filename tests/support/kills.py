"""Killing parts of a running stack, and measuring how long they are away."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from typing import Any

import psutil

from cli.local.probe import Answer, ask
from tests.cli.stack_home import Home, eventually
from tests.support.crowds import Crowd
from tests.support.stacks import Stack

PARTS = ("postgres", "lite", "auth", "gateway", "mailbox", "worker")  # Realtime is the gateway's


def part(home: Home, name: str) -> dict[str, Any]:
    """Return what the status file says of a part now."""
    about: dict[str, Any] = json.loads((home.root / ".chairtime" / "status.json").read_text())["parts"][name]
    return about


def kill_under_load(
    home: Home, stack: Stack, seen: Crowd, name: str, times: int, number: signal.Signals = signal.SIGKILL
) -> list[float]:
    """Kill a part while a crowd books, as often as told; return for how many seconds it was away each time.

    Between two kills the part is back, and bookings go on.
    """
    away = []
    for _ in range(times):
        eventually(later(seen), "bookings go on")
        before = part(home, name)
        killed = time.monotonic()
        psutil.Process(before["pid"]).send_signal(number)
        eventually(
            lambda old=before["pid"]: (
                (now := part(home, name))["pid"] != old  # type: ignore[misc]
                and ask(now["probe"]) is Answer.READY
            ),
            f"{name} is back",
        )
        away.append(time.monotonic() - killed)
    eventually(later(seen), "bookings go on")
    return away


def later(seen: Crowd) -> Callable[[], bool]:
    """Return a condition: whether something was acknowledged since now."""
    since = time.monotonic()
    return lambda: seen.latest > since
