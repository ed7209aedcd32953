"""Many callers at the same instant, over real connections."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Barrier
from typing import Any

import psycopg

from tests.support.refusals import parse_refusal


@dataclass
class Outcome:
    """What became of each caller: answers of those who won, codes of those who were refused."""

    won: list[Any] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


def race(callers: Sequence[Callable[[], Any]]) -> Outcome:
    """Let every caller go at the same instant, each on a thread of its own.

    Who is told to try again does, as clients do. A deadlock, or any other error that is not a refusal,
    fails the test.
    """
    barrier = Barrier(len(callers))

    def run(caller: Callable[[], Any]) -> tuple[bool, Any]:
        barrier.wait(timeout=60)
        for _ in range(20):
            try:
                return True, caller()
            except psycopg.Error as error:
                code = parse_refusal(error).code
            if code != "try_again":
                break
        return False, code

    with ThreadPoolExecutor(len(callers)) as pool:
        results = list(pool.map(run, callers))
    return Outcome([answer for won, answer in results if won], [code for won, code in results if not won])
