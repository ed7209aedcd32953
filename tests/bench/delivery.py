"""How long an event takes from COMMIT to the callback of a real client, on the embedded stack's Realtime.

`python -m tests.bench.delivery` runs this alone; `make bench` prints its table with the others.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from statistics import quantiles

import psycopg
from rich.console import Console
from rich.table import Table

from cli.local.ports import free_port
from cli.local.postgres import PostgresServer
from tests.realtime.clients import JsClient, PythonClient, install_supabase_js
from tests.realtime.server import PUBLISHABLE_KEY, Standin
from tests.realtime.wire import Wire
from tests.support.templates import cloned, create_template

MESSAGES = 300
LISTENERS = 500
ROUNDS = 20
TOPIC = "availability:{clinic}"


def delivery(template: str) -> Table:
    """Measure one listener of each kind, and a crowd; times are milliseconds from the start of COMMIT."""
    install_supabase_js()
    table = Table("listener", "messages", "p50 ms", "p99 ms", title="Delivery, commit to client")
    with cloned(template) as url, standin(url) as running, psycopg.connect(url) as connection:
        row = connection.execute("select id from clinic.clinics where slug = 'riverside'").fetchone()
        assert row is not None
        topic = TOPIC.format(clinic=row[0])
        for name, client in {"Python realtime": PythonClient(), "supabase-js": JsClient()}.items():
            table.add_row(name, *cells(asyncio.run(one_client(client, running, connection, topic))))
        crowd, last = asyncio.run(many_sockets(running, connection, topic))
        table.add_row(f"each of {LISTENERS} sockets", *cells(crowd))
        table.add_row(f"the last of {LISTENERS} sockets", *cells(last))
    return table


async def one_client(
    client: PythonClient | JsClient, running: Standin, connection: psycopg.Connection, topic: str
) -> list[float]:
    """Return the latency of each message to one real client."""
    await client.connect(running.url, PUBLISHABLE_KEY)
    assert (await client.join(topic))["status"] == "SUBSCRIBED"
    latencies = []
    for number in range(MESSAGES):
        committing = send(connection, topic)
        seen = await client.broadcast(topic, number + 1)
        latencies.append(seen["at"] - committing)
    await client.close()
    return latencies


async def many_sockets(
    running: Standin, connection: psycopg.Connection, topic: str
) -> tuple[list[float], list[float]]:
    """Return the latency of each message to each socket of a crowd, and to the last of each round."""
    async with AsyncExitStack() as stack:
        wires = [await stack.enter_async_context(Wire.open(running)) for _ in range(LISTENERS)]
        for wire in wires:
            await wire.enter(topic, PUBLISHABLE_KEY)
        rounds = []
        for _ in range(ROUNDS):
            committing = send(connection, topic)
            rounds.append([at - committing for at in await asyncio.gather(*map(arrival, wires))])
        await asyncio.gather(*(wire.socket.close() for wire in wires))
    return [latency for one in rounds for latency in one], [max(one) for one in rounds]


async def arrival(wire: Wire) -> float:
    await wire.receive()
    return now()


def now() -> float:
    """Return the time in milliseconds, by the clock that Node's is compared with."""
    return time.time() * 1000


def send(connection: psycopg.Connection, topic: str) -> float:
    """Broadcast one message of an event's size, and return when its COMMIT began."""
    payload = "jsonb_build_object('starts_at', now(), 'ends_at', now(), 'text', repeat('x', 200))"
    connection.execute(f"select realtime.send({payload}, 'slot_taken', %s)".encode(), [topic])
    committing = now()
    connection.commit()
    return committing


def cells(latencies: list[float]) -> tuple[str, str, str]:
    """Return how many there were, the median and the 99th percentile."""
    percentiles = quantiles(latencies, n=100, method="inclusive")
    return str(len(latencies)), f"{percentiles[49]:.2f}", f"{percentiles[98]:.2f}"


@contextmanager
def standin(url: str) -> Iterator[Standin]:
    """Serve a database from a process of its own, as the stack does."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(url, theirs))
    process.start()
    try:
        yield ours.recv()
    finally:
        ours.send("stop")
        process.join()


def serve(url: str, pipe: Pipe) -> None:
    """Serve until told to stop."""
    running = Standin.start(url)
    pipe.send(Standin(running.port, None, None))  # type: ignore[arg-type] # only its address can travel
    pipe.recv()
    running.stop()


def main() -> None:
    """Start a server with default settings, measure, print, and leave nothing behind."""
    folder = Path(tempfile.mkdtemp(prefix="chairtime-bench-"))
    server = PostgresServer(folder / "data", free_port(), folder / "log")
    try:
        server.start()
        Console().print(delivery(create_template(server.superuser_url("postgres"))))
    finally:
        server.stop()
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
