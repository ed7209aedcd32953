"""Imported at start where the clock is set: libfaketime 0.9.10 fails the system call of `time.sleep`."""

import select
import time


def _sleep(seconds: float, /) -> None:
    if seconds < 0:
        raise ValueError("sleep length must be non-negative")
    select.select([], [], [], seconds)


time.sleep = _sleep
