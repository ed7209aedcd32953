"""Sixty-four who want the same: who wins, how long the others wait, and how often a time is given twice."""

from __future__ import annotations

from itertools import count

from cli.bench.arena import Arena, arena, desk
from cli.bench.booking import FOUR_ROUND_TRIPS, OLD
from cli.bench.ground import Ground
from cli.bench.pgbench import Result, run
from cli.bench.rounds import Chapter, Line, beside, take_turns

CLIENTS = 64
ATTEMPTS = 5  # of each client in each round
REAL = "book"

TRY = """
select bench.try_to_book(dentist_id => {dentist}, starts_at => {at}, patient_id => bench.patient(:client_id));
"""
# One slot, another in each round; and the starts of a day, another in each round.
SLOT = ("", "bench.at({round} * 6)")
DAY = ("\\set start 3 * random(0, 93)\n", "bench.at(2880 + {round} * 288 + :start)")


def contention(ground: Ground) -> Chapter:
    """Let sixty-four clients want one slot, and one day of one dentist."""
    lines: list[Line] = []
    with arena(ground) as hall:
        for name, wanted in (("one slot", SLOT), ("one day", DAY)):
            ground.say(f"{CLIENTS} clients and {name}")
            lines.append(_race(hall, name, wanted, ground.rounds))
    return Chapter(
        "contention",
        f"{CLIENTS} clients who want the same",
        f"Attempts a second, {ATTEMPTS} of each client in a round; doubles are pairs of bookings of one dentist that overlap,"
        " counted after the race. Who loses is answered with alternatives, which four round trips do not look for.",
        lines,
    )


def _race(hall: Arena, name: str, wanted: tuple[str, str], rounds: int) -> Line:
    before, found = hall.doubles(), {REAL: Result([], 0, 0), OLD: Result([], 0, 0)}
    turns = {REAL: count(), OLD: count()}

    def race(design: str, script: str, options: dict[str, str]) -> float:
        at = wanted[1].format(round=next(turns[design]))
        told = wanted[0] + script.format(
            dentist=f"bench.dentist({'63' if name == 'one slot' else '62'})", at=at
        )
        done = run(hall.url, told, clients=CLIENTS, transactions=ATTEMPTS, options=options)
        found[design] += done
        return done.per_second

    samples = take_turns(
        {REAL: lambda: race(REAL, TRY, desk()), OLD: lambda: race(OLD, FOUR_ROUND_TRIPS, {})}, rounds
    )
    after = hall.doubles()
    more = {
        "doubles": after["ledger"] - before["ledger"],
        "their doubles": after[OLD] - before[OLD],
        "p99 ms": found[REAL].percentile(99),
        "their p99 ms": found[OLD].percentile(99),
    }
    return beside(samples, REAL, OLD, "1/s", prefix=f"{name}: ", more=more)
