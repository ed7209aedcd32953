"""Three workers, killed, stopped and paused at random for half a minute."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from tests.support.actors import Connection, Row
from tests.worker.processes import WorkerProcess

pytestmark = pytest.mark.long

SECONDS = 30
EVERY_TWO_SECONDS = "*/2 * * * * *"
SETTINGS = {
    "schedule_expire_reservations": EVERY_TWO_SECONDS,
    "schedule_purge_idempotency_keys": EVERY_TWO_SECONDS,
    "schedule_refresh_daily_metrics": EVERY_TWO_SECONDS,
    "log_level": "info",
}
JOBS = ("expire_reservations", "purge_idempotency_keys", "refresh_daily_metrics")


DEAD_HOLD = """
insert into clinic.slot_reservations (
  clinic_id, dentist_id, appointment_type_id, starts_at, ends_at, buffer_before, buffer_after, expires_at
)
select d.clinic_id, d.id, t.id, free.at, free.at + interval '30 minutes', '0', '0', now()
from clinic.dentists as d
join clinic.appointment_types as t on t.clinic_id = d.clinic_id and t.name = 'Check-up'
cross join (
  select now() + interval '10 days' + count(*) * interval '1 hour' as at from clinic.slot_reservations
) as free
order by d.id
limit 1
"""


def attack(
    workers: list[WorkerProcess], start: Callable[[], WorkerProcess], dice: random.Random, root: Connection
) -> None:
    """Let something happen to one of the workers, the leader more often than not; leave three of them."""
    leading = [worker for worker in workers if worker.leads()]
    victim = dice.choice(leading if leading and dice.random() < 0.7 else workers)
    if dice.random() < 0.5:
        victim.signal(signal.SIGSTOP)
        time.sleep(dice.uniform(3.5, 5))
        root.execute(DEAD_HOLD)  # something to do at once, for whoever believes that they lead
        victim.signal(signal.SIGCONT)
    else:
        victim.signal(dice.choice([signal.SIGKILL, signal.SIGTERM]))
        victim.wait_ended()
        workers[workers.index(victim)] = start()


def test_no_tick_runs_twice_none_is_missed_and_never_do_two_lead(
    start_worker: Callable[..., WorkerProcess], root: Connection
) -> None:
    seed = random.randrange(2**32)  # noqa: S311 - chaos, not secrets
    print(f"seed {seed}")
    dice = random.Random(seed)  # noqa: S311
    workers = [start_worker(**SETTINGS) for _ in range(3)]
    workers[0].wait_ready()
    began = datetime.now().astimezone()
    while datetime.now().astimezone() < began + timedelta(seconds=SECONDS):
        attack(workers, lambda: start_worker(**SETTINGS), dice, root)
        time.sleep(dice.uniform(1, 3))
    ended = datetime.now().astimezone()

    runs = root.execute(
        "select * from clinic.job_runs where state = 'succeeded' order by finished_at"
    ).fetchall()
    assert_one_leader_at_a_time(runs)
    for job in JOBS:
        assert_every_tick_answered([run for run in runs if run["job"] == job], began, ended)


def assert_one_leader_at_a_time(runs: list[Row]) -> None:
    leaders = {(run["epoch"], run["worker"]) for run in runs}
    assert len(leaders) > 2, "leadership changed hands"
    assert len(leaders) == len({epoch for epoch, _ in leaders}), "an epoch has one leader"
    for before, after in pairwise(runs):
        assert before["epoch"] <= after["epoch"], "nobody acts once another leads"
    ended = {run["epoch"]: run["finished_at"] for run in runs}
    for run in runs:
        assert all(ended[epoch] <= run["started_at"] for epoch in ended if epoch < run["epoch"])


def assert_every_tick_answered(runs: list[Row], began: datetime, ended: datetime) -> None:
    ticks = [run["tick"] for run in runs if run["tick"]]
    assert len(ticks) == len(set(ticks)), "no tick succeeds twice"
    assert len(ticks) > SECONDS / 2 / 4, "most of the time somebody worked"
    tick = began.replace(microsecond=0)
    while tick < ended - timedelta(seconds=10):
        answers = [run["finished_at"] for run in runs if run["tick"] and run["tick"] >= tick]
        assert min(answers, default=ended) <= tick + timedelta(seconds=10), f"{tick} was missed"
        tick += timedelta(seconds=2)
