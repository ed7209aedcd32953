"""`python -m tests.bench.attack`: what one client with eight connections does to how long others wait.

Quiet and attacked spells take turns, so that the ratio of the two holds on a busy machine too. Attacker and
victims have addresses of their own: the gateway shares itself out by address.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime, timedelta
from multiprocessing.synchronize import Event
from pathlib import Path
from statistics import quantiles
from typing import Any

import aiohttp
from rich.console import Console
from rich.table import Table

from tests.support.stacks import Stack, running_stack

CONNECTIONS = 8
VICTIMS = 3
ATTACKER, VICTIM = "127.0.0.2", "127.0.0.3"
ROUNDS = 10
SPELL = 2.0  # seconds that are measured, quiet or attacked
PAUSE = 0.5  # seconds between them, in which what is under way ends
WARM_UP = 4.0  # seconds of attack before the first: what may be used up at once is gone
BAR = 2.0  # p99 under attack over p99 in quiet

RIVERSIDE = "c0000000-0000-4000-8000-000000000001"
CHECK_UP = "b0000000-0000-4000-8000-000000000001"
DENTIST = "d0000000-0000-4000-8000-000000000001"

Attack = Callable[[aiohttp.ClientSession, str], Awaitable[None]]


async def wrong_logins(session: aiohttp.ClientSession, url: str) -> None:
    """Guess a password."""
    body = {"email": "ana@patients.test", "password": "a wrong guess"}
    await post(session, f"{url}/auth/v1/token?grant_type=password", json=body)


async def large_bodies(session: aiohttp.ClientSession, url: str) -> None:
    """Send five megabytes."""
    await post(session, f"{url}/rest/v1/rpc/me", data=b'"' + b"x" * 5_000_000 + b'"')


async def bearable_bodies(session: aiohttp.ClientSession, url: str) -> None:
    """Send as much as is just allowed."""
    await post(session, f"{url}/rest/v1/rpc/me", data=b'"' + b"x" * 1_000_000 + b'"')


async def listings(session: aiohttp.ClientSession, url: str) -> None:
    """List two months."""
    first = datetime.now(UTC).date()
    await post(session, f"{url}/rest/v1/rpc/available_slots", json=span(first, 61))


async def events(session: aiohttp.ClientSession, url: str) -> None:
    """Read all events."""
    wanted = {"topic": f"availability:{RIVERSIDE}", "after_id": 0}
    await post(session, f"{url}/rest/v1/rpc/events_since", json=wanted)


async def health(session: aiohttp.ClientSession, url: str) -> None:
    """Ask how it does."""
    await post(session, f"{url}/rest/v1/rpc/health", json={})


async def refused(session: aiohttp.ClientSession, url: str) -> None:
    """Ask what the gateway itself refuses."""
    await post(session, f"{url}/rest/v1//x", json={})


async def sockets(session: aiohttp.ClientSession, url: str) -> None:
    """Open one socket more, and keep it."""
    key = session.headers["apikey"]
    with suppress(aiohttp.WSServerHandshakeError):
        socket = await session.ws_connect(f"{url}/realtime/v1/websocket?apikey={key}&vsn=1.0.0")
        kept.append(socket)


kept: list[Any] = []
ATTACKS: dict[str, Attack] = {
    attack.__name__: attack
    for attack in (wrong_logins, large_bodies, bearable_bodies, listings, events, health, refused, sockets)
}


async def post(session: aiohttp.ClientSession, url: str, **body: Any) -> int:
    """Post and read the answer; a connection that is refused or cut counts, too."""
    with suppress(aiohttp.ClientError):
        async with session.post(url, **body) as answer:
            await answer.read()
            return answer.status
    return 0


def span(first: date, days: int) -> dict[str, str]:
    """Return the arguments that list a check-up's slots of these days."""
    last = first + timedelta(days=days)
    return {"appointment_type_id": CHECK_UP, "from_date": str(first), "to_date": str(last)}


def measure(stack: Stack, name: str) -> tuple[list[float], list[float]]:
    """Return how many milliseconds the victims waited in quiet, and under one attack."""
    quiet: list[float] = []
    attacked: list[float] = []
    with attacker(stack, name) as attacking:
        attacking.set()
        time.sleep(WARM_UP)
        for _ in range(ROUNDS):
            attacking.clear()
            time.sleep(PAUSE)
            quiet += asyncio.run(victims(stack))
            attacking.set()
            time.sleep(PAUSE)
            attacked += asyncio.run(victims(stack))
    return quiet, attacked


@contextmanager
def attacker(stack: Stack, name: str) -> Iterator[Event]:
    """Yield what makes a process attack while it is set. Its own work is to cost others nothing."""
    context = multiprocessing.get_context("spawn")
    attacking, ended = context.Event(), context.Event()
    arguments = (stack.api_url, stack.publishable_key, name, attacking, ended)
    process = context.Process(target=attack, args=arguments)
    process.start()
    try:
        yield attacking
    finally:
        ended.set()
        process.join()


def attack(url: str, key: str, name: str, attacking: Event, ended: Event) -> None:
    """Repeat one attack over all connections whenever told to."""
    os.nice(10)

    async def one(session: aiohttp.ClientSession) -> None:
        while not ended.is_set():
            await (ATTACKS[name](session, url) if attacking.is_set() else asyncio.sleep(0.02))

    async def all_of_them() -> None:
        async with session_from(ATTACKER, key, 0 if name == "sockets" else CONNECTIONS) as session:
            await asyncio.gather(*(one(session) for _ in range(CONNECTIONS)))
            await asyncio.gather(*(socket.close() for socket in kept))

    asyncio.run(all_of_them())


async def victims(stack: Stack) -> list[float]:
    """Do what people do, one request after the other, and return what each took."""
    headers = {"Authorization": f"Bearer {stack.token('a0000000-0000-4000-8000-000000000021')}"}
    took: list[float] = []
    async with session_from(VICTIM, stack.publishable_key, VICTIMS, **headers) as session:
        await asyncio.gather(*(victim(session, stack.api_url, took) for _ in range(VICTIMS)))
    return took


async def victim(session: aiohttp.ClientSession, url: str, took: list[float]) -> None:
    """Look at oneself, at a week, and at who there is, with pauses as of somebody who reads."""
    first = datetime.now(UTC).date() + timedelta(days=2)
    steps: list[tuple[str, dict[str, Any]]] = [
        ("rpc/me", {}),
        ("rpc/available_slots", {**span(first, 6), "dentist_id": DENTIST}),
        ("rpc/get_availability", {"dentist_id": DENTIST}),
    ]
    end = time.monotonic() + SPELL
    while time.monotonic() < end:
        for path, arguments in steps:
            started = time.perf_counter()
            status = await post(session, f"{url}/rest/v1/{path}", json=arguments)
            took.append((time.perf_counter() - started) * 1000)
            assert status == 200, (path, status)
            await asyncio.sleep(0.05)


def session_from(address: str, key: str, limit: int, **headers: str) -> aiohttp.ClientSession:
    """Return a client that has this address and so many connections."""
    connector = aiohttp.TCPConnector(limit=limit, local_addr=(address, 0))
    return aiohttp.ClientSession(connector=connector, headers={"apikey": key, **headers})


def percentile(latencies: list[float], number: int) -> float:
    """Return a percentile."""
    return quantiles(latencies, n=100, method="inclusive")[number - 1]


def main() -> None:
    """Start a stack of one's own, attack it, print, and leave nothing behind."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as Ctrl-C does, stack and all
    folder = Path(tempfile.mkdtemp(prefix="chairtime-attack-"))
    try:
        with running_stack(folder) as stack:
            Console().print(report(stack, sys.argv[1:] or list(ATTACKS)))
    finally:
        shutil.rmtree(folder)


def report(stack: Stack, names: list[str]) -> Table:
    """Measure these attacks and draw the result."""
    columns = ("attack", "quiet p50 ms", "p99", "attacked p50 ms", "p99", f"p99 ratio (bar {BAR})")
    table = Table(*columns, title=f"{VICTIMS} victims, an attacker with {CONNECTIONS} connections")
    for name in names:
        quiet, attacked = measure(stack, name)
        cells = [f"{percentile(side, number):.0f}" for side in (quiet, attacked) for number in (50, 99)]
        cells.append(f"{percentile(attacked, 99) / percentile(quiet, 99):.2f}")
        print(f"{name}: {' / '.join(cells)}", file=sys.stderr, flush=True)
        table.add_row(name, *cells)
    return table


if __name__ == "__main__":
    main()
