"""Measuring in turns, so that a ratio holds on a machine that is not always equally fast."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from statistics import median


@dataclass(frozen=True)
class Spread:
    """The median of several rounds, and the lowest and the highest."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        """Sum up what the rounds gave."""
        found = list(values)
        return cls(median(found), min(found), max(found))


@dataclass(frozen=True)
class Line:
    """One thing that was measured beside another. `ratio` is taken round by round."""

    name: str
    unit: str
    value: Spread
    against: str
    yardstick: Spread
    ratio: Spread
    more: Mapping[str, float] = field(default_factory=dict)  # what else was counted: pages, doubles


@dataclass(frozen=True)
class Chapter:
    """What one measurement found, and in a sentence what it was."""

    name: str
    title: str
    about: str
    lines: list[Line]


Samples = dict[str, list[float]]


def take_turns(contestants: Mapping[str, Callable[[], float]], rounds: int) -> Samples:
    """Let each contestant give a number in every round, there and back again."""
    found: Samples = {name: [] for name in contestants}
    for number in range(rounds):
        for name in list(contestants)[:: -1 if number % 2 else 1]:
            found[name].append(contestants[name]())
    return found


def beside(
    samples: Samples,
    name: str,
    against: str,
    unit: str,
    *,
    prefix: str = "",
    more: Mapping[str, float] | None = None,
) -> Line:
    """Compare two contestants of the same rounds."""
    pairs = zip(samples[name], samples[against], strict=True)
    return Line(
        prefix + name,
        unit,
        Spread.of(samples[name]),
        prefix + against,
        Spread.of(samples[against]),
        Spread.of(mine / other if other else 0.0 for mine, other in pairs),
        more or {},
    )
