"""Asking one question again and again on one connection: how long it takes, and how many pages it touches."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from statistics import median
from typing import Any

import psycopg

from cli.bench.rounds import Samples, take_turns


class Asker:
    """A connection that acts as somebody, and asks."""

    def __init__(self, url: str, options: Mapping[str, str], stack: ExitStack) -> None:
        settings = " ".join(f"-c {name}={value}" for name, value in options.items())
        self._connection = stack.enter_context(psycopg.connect(url, options=settings, autocommit=True))

    def timed(self, question: str, times: int) -> float:
        """Ask so many times, and return the median of the milliseconds."""
        took = []
        for _ in range(times):
            began = time.perf_counter()
            self._connection.execute(question.encode()).fetchall()
            took.append(1000 * (time.perf_counter() - began))
        return median(took)

    def pages(self, question: str) -> float:
        """Return how many pages the question touches when it is asked for the third time, wherever they are."""
        for _ in range(3):
            explain = f"explain (analyze, buffers, format json) {question}"
            plan: dict[str, Any] = self._connection.execute(explain.encode()).fetchall()[0][0][0]["Plan"]
        return float(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


Question = tuple[Asker, str]


def ask(questions: Mapping[str, Question], rounds: int, times: int) -> tuple[Samples, dict[str, float]]:
    """Ask all questions in turns; return the milliseconds of each round, and the pages of each question."""

    def timed(asker: Asker, question: str) -> Callable[[], float]:
        return lambda: asker.timed(question, times)

    pages = {name: asker.pages(question) for name, (asker, question) in questions.items()}
    return take_turns({name: timed(*question) for name, question in questions.items()}, rounds), pages
