"""`python -m tests.bench.replica`: what a read replica takes off the primary, on a stack of its own.

Lists of free slots (a dentist's week, over HTTP) are asked of the primary and of the replica, in turns, alone
and beside clients that book and cancel. Both servers share this machine: what counts is what becomes of the
bookings, how much of the processor the primary uses for a list, and how far the replica is behind.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Any
from uuid import UUID

import aiohttp
import psutil
import psycopg
from rich.console import Console
from rich.table import Table

from cli.local.ports import free_port
from tests.api.world import World
from tests.cli.stack_home import Home
from tests.support.stacks import Stack

LISTERS, BOOKERS = 4, 2
SERVERS = ("primary", "replica")
PRIMARY = ("postgres", "lite")  # its parts of the stack
COLUMNS = (("lists", 0), ("changes", 0), ("primary_ms", 2))
WAITING = 200  # times that a booking is awaited at the replica

Step = Callable[[], Awaitable[None]]


@dataclass
class Round:
    """What was measured while lists were asked of one server: per second, and the primary's share of it."""

    server: str
    lists: float
    changes: float
    primary_ms: float  # of the processor, of the primary and its API, for a list or a change


class Bench:
    """Clients of a running stack with a replica."""

    def __init__(self, world: World, session: aiohttp.ClientSession) -> None:
        self._world = world
        self._session = session
        self._status = world.stack.status
        self._slots = [world.slot() for _ in range(BOOKERS)]

    async def round(self, server: str, seconds: float, bookers: int) -> Round:
        """List as fast as the server answers, beside so many clients that book and cancel."""
        before, started = self._primary_seconds(), time.monotonic()
        until = started + seconds
        lists, changes = await asyncio.gather(
            self._repeat(until, [self._lister(server)] * LISTERS),
            self._repeat(until, [self._booker(n) for n in range(bookers)]),
        )
        took, used = time.monotonic() - started, self._primary_seconds() - before
        return Round(server, lists / took, 2 * changes / took, 1000 * used / max(1, lists + 2 * changes))

    def lags(self) -> list[float]:
        """Return for how many milliseconds a booking was not seen at the replica, each time."""
        found = []
        with psycopg.connect(self._status["replica_db_url"], autocommit=True) as replica:
            for _ in range(WAITING):
                booked = self._world.appointment()
                started = time.perf_counter()
                while not _knows(replica, booked):
                    pass
                found.append(1000 * (time.perf_counter() - started))
        return found

    def _lister(self, server: str) -> Step:
        slot = self._slots[0]
        query = {
            "appointment_type_id": str(slot["appointment_type_id"]),
            "dentist_id": str(slot["dentist_id"]),
            "from_date": str(slot["starts_at"].date()),
        }
        url = f"{self._status['api_url']}/{server}/rest/v1/rpc/available_slots"

        async def step() -> None:
            async with self._session.get(url, params=query) as answer:
                assert answer.status == 200, await answer.text()
                await answer.read()

        return step

    def _booker(self, number: int) -> Step:
        body = {name: str(value) for name, value in self._slots[number].items()}
        body["patient_id"] = str(self._world.walk_in)
        user = self._world.stack.token(self._world.users["receptionist"])

        async def call(name: str, arguments: dict[str, str]) -> dict[str, Any]:
            url = f"{self._status['api_url']}/rest/v1/rpc/{name}"
            headers = {"Authorization": f"Bearer {user}"}
            async with self._session.post(url, json=arguments, headers=headers) as answer:
                assert answer.status == 200, await answer.text()
                said: dict[str, Any] = await answer.json()
                return said

        async def step() -> None:
            booked = await call("book_appointment", body)
            await call("cancel_appointment", {"appointment_id": booked["id"]})

        return step

    async def _repeat(self, until: float, steps: list[Step]) -> int:
        async def repeat(step: Step) -> int:
            done = 0
            while time.monotonic() < until:
                await step()
                done += 1
            return done

        return sum(await asyncio.gather(*map(repeat, steps)))

    def _primary_seconds(self) -> float:
        """Return the seconds of the processor that the primary and its API have used so far."""
        used = 0.0
        for name in PRIMARY:
            parent = psutil.Process(self._status["pids"][name])
            for process in (parent, *parent.children(recursive=True)):
                with suppress(psutil.NoSuchProcess):
                    times = process.cpu_times()
                    used += times.user + times.system
        return used


def _knows(replica: psycopg.Connection[tuple[Any, ...]], appointment: UUID) -> bool:
    return replica.execute("select from clinic.appointments where id = %s", [appointment]).rowcount == 1


async def measure(stack: Stack, seconds: float, rounds: int) -> tuple[dict[int, list[Round]], list[float]]:
    """Measure with and without bookings beside, one server after the other in each round."""
    world = World(stack)
    found: dict[int, list[Round]] = {0: [], BOOKERS: []}
    headers = {"apikey": stack.publishable_key, "Content-Profile": "api", "Accept-Profile": "api"}
    async with aiohttp.ClientSession(headers=headers) as session:
        bench = Bench(world, session)
        for number in range(2 * rounds):
            for bookers, results in found.items():
                results.append(await bench.round(SERVERS[number % 2], seconds, bookers))
        lags = bench.lags()
    world.close()
    return found, lags


def medians(results: list[Round], server: str) -> dict[str, float]:
    """Return the middle of what was measured of a server."""
    own = [asdict(one) for one in results if one.server == server]
    return {name: median(one[name] for one in own) for name in ("lists", "changes", "primary_ms")}


def main() -> None:
    """Start a stack with a replica, measure, and print a table or JSON."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=4, help="of each round")
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--json", action="store_true")
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="chairtime-bench-") as folder:
        home = Home.make(Path(folder))
        try:
            status = home.up("--replica", "--port", str(free_port()), "--db-port", str(free_port()))
            found, lags = asyncio.run(measure(Stack(status), given.seconds, given.rounds))
        finally:
            home.down()
    table = {
        (bookers, server): medians(results, server)
        for bookers, results in found.items()
        for server in SERVERS
    }
    cuts = quantiles(lags, n=100)
    if given.json:
        rows = [{"bookers": b, "server": server, **values} for (b, server), values in table.items()]
        print(json.dumps({"rounds": rows, "lag_ms": {"p50": cuts[49], "p99": cuts[98]}}, indent=2))
        return
    drawn = Table(
        "lists from", "clients that book", "lists/s", "changes/s", "primary's ms each", title="Replica"
    )
    for (bookers, server), values in table.items():
        numbers = (f"{values[name]:,.{digits}f}" for name, digits in COLUMNS)
        drawn.add_row(server, str(bookers), *numbers)
    Console().print(drawn)
    Console().print(f"A booking is at the replica after {cuts[49]:.1f} ms (p50), {cuts[98]:.1f} ms (p99).")


if __name__ == "__main__":
    main()
