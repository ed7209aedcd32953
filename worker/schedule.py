"""The jobs there are, and the instants at which they are due.

A tick is an instant of a job's cron schedule. Ticks are the same for every worker, so the database can tell
that a tick was already run, whoever ran it.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from apscheduler.triggers.cron import CronTrigger  # type: ignore[import-untyped]  # it has no stubs

OFF = "off"
_FIELDS = ("second", "minute", "hour", "day", "month", "day_of_week")
_LOOKBACKS = tuple(timedelta(minutes=m) for m in (1, 60, 24 * 60, 32 * 24 * 60, 366 * 24 * 60))


@dataclass(frozen=True)
class Job:
    """A SQL function of schema clinic, in batches of ``max_rows``, each within ``time_limit`` seconds."""

    name: str
    about: str
    max_rows: int
    time_limit: float = 10


JOBS = (
    Job("expire_reservations", "frees the time of holds that ran out, and announces it", max_rows=100),
    Job("maintain_partitions", "makes event partitions ahead, drops those past their retention", max_rows=20),
    Job("purge_idempotency_keys", "forgets idempotency keys past their retention", max_rows=5000),
    Job("purge_slot_offers", "forgets what chatbots offered and nobody took", max_rows=5000),
    Job("refresh_daily_metrics", "recounts the clinic days that changed", max_rows=200),
    Job("verify_invariants", "proves that nobody is booked twice", max_rows=1000),
    Job("flag_no_shows", "marks appointments nobody came to", max_rows=100),
    Job("apply_retention", "erases patients and forgets changes past the clinics' retention", max_rows=100),
    Job("sweep_messages", "gives up messages nobody sent in time, forgets links that ended", max_rows=1000),
    Job("ask_recalls", "asks patients who are due to book, and reckons who is due", max_rows=500),
)
JOBS_BY_NAME = {job.name: job for job in JOBS}


def parse_cron(expression: str) -> CronTrigger:
    """Read five cron fields, or six with seconds first; all in UTC. Raises ValueError.

    Weekdays go by name, for cron counts them from Sunday and APScheduler from Monday.
    """
    fields = expression.split()
    if len(fields) == len(_FIELDS) - 1:
        fields.insert(0, "0")
    if len(fields) != len(_FIELDS):
        raise ValueError(f"not {OFF!r}, nor five fields, nor six with seconds first: {expression!r}")
    if any(character.isdigit() for character in fields[-1].partition("/")[0]):
        raise ValueError(f"name the weekdays (mon-fri), numbers are ambiguous: {expression!r}")
    return CronTrigger(**dict(zip(_FIELDS, fields, strict=True)), timezone=UTC)


def latest_tick(trigger: CronTrigger, now: datetime) -> datetime | None:
    """Return the newest tick that is not after ``now``, looking back a year at most."""
    for lookback in _LOOKBACKS:
        latest: datetime | None = None
        tick = trigger.get_next_fire_time(None, now - lookback)
        while tick is not None and tick <= now:
            latest, tick = tick, trigger.get_next_fire_time(tick, tick)
        if latest is not None:
            return latest
    return None


class ClockWatch:
    """Notices that somebody set the wall clock, by comparing it with one that cannot be set."""

    TOLERANCE = 2.0  # seconds

    def __init__(
        self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic
    ) -> None:
        self._wall = wall
        self._steady = steady
        self._apart = wall() - steady()

    def jump(self) -> float:
        """Return by how many seconds the wall clock was set since the last look; 0 if it just went on."""
        jump = self._wall() - self._steady() - self._apart
        if abs(jump) <= self.TOLERANCE:
            return 0.0
        self._apart += jump
        return jump
