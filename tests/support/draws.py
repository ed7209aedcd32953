"""How many cases hypothesis draws: these, times `CHAIRTIME_TEST_DRAWS` where that is set."""

from __future__ import annotations

import os

VARIABLE = "CHAIRTIME_TEST_DRAWS"


def draws(number: int) -> int:
    """Return how many cases to draw, where `make test-all` draws this many."""
    return number * int(os.environ.get(VARIABLE, "1"))
