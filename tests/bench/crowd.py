"""`python -m tests.bench.crowd`: how long losers of a crowd wait over HTTP, beside a call that does nothing.

A hundred clients race for a thousand slots with two dentists. Every attempt is followed by a call of a
function that does nothing, so that both meet the same load, and the ratio holds on a busy machine too.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from statistics import quantiles
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
from psycopg.rows import dict_row
from rich.console import Console
from rich.table import Table

from tests.support.actors import Connection
from tests.support.build import add_hours, insert, make_clinic
from tests.support.stacks import Stack, running_stack

CLIENTS = 100
SLOTS = 1000
ATTEMPTS = 30  # of each client
BAR = 1.5  # losers' p99 over that of a call that does nothing

NOTHING = """
create or replace function api.do_nothing() returns boolean language sql as 'select true';
grant execute on function api.do_nothing to authenticated;
"""


@dataclass(frozen=True)
class Race:
    """A clinic open day and night, its receptionist's headers, and what can be booked for whom."""

    url: str
    headers: dict[str, str]
    appointment_type: UUID
    slots: list[tuple[UUID, str]]
    patients: list[UUID]


def crowd(stack: Stack) -> dict[str, list[float]]:
    """Run the race; return the milliseconds that each answer took: `won`, `lost`, `nothing`."""
    with (
        doing_nothing(stack),
        psycopg.connect(stack.superuser_url, autocommit=True, row_factory=dict_row) as connection,
    ):
        return asyncio.run(run(prepare(stack, connection)))


@contextmanager
def doing_nothing(stack: Stack) -> Iterator[None]:
    """Expose a function that does nothing while the block runs."""
    with psycopg.connect(stack.status["db_url"], autocommit=True) as connection:
        connection.execute(NOTHING)
        try:
            yield
        finally:
            connection.execute("drop function api.do_nothing")


def prepare(stack: Stack, connection: Connection) -> Race:
    """Make the clinic, with a patient a client."""
    clinic = make_clinic(connection, "UTC")
    for dentist in clinic.dentists.values():
        connection.execute("delete from clinic.working_hours where dentist_id = %s", [dentist])
        for weekday in range(1, 8):
            add_hours(connection, clinic.id, dentist, weekday, "00:00", "24:00")
    patients = [uuid4() for _ in range(CLIENTS)]
    for number, patient in enumerate(patients):
        insert(connection, "patients", id=patient, clinic_id=clinic.id, full_name=f"Patient {number}")
    first = clinic.at("00:00", clinic.weekday(1, weeks=2))
    starts = [(first + number * timedelta(minutes=30)).isoformat() for number in range(SLOTS // 2)]
    slots = [(dentist, start) for dentist in clinic.dentists.values() for start in starts]
    token = stack.token(clinic.users["desk"])
    headers = {"apikey": stack.publishable_key, "Authorization": f"Bearer {token}"}
    return Race(f"{stack.api_url}/rest/v1/rpc/", headers, clinic.types["Check-up"], slots, patients)


async def run(race: Race) -> dict[str, list[float]]:
    """Let every client make its attempts."""
    took: dict[str, list[float]] = defaultdict(list)
    await asyncio.gather(*(client(race, patient, took) for patient in race.patients))
    return took


async def client(race: Race, patient: UUID, took: dict[str, list[float]]) -> None:
    """Try slots in an order of one's own, and do nothing after each."""
    async with httpx.AsyncClient(
        base_url=race.url, headers=race.headers, timeout=120, trust_env=False
    ) as http:
        await timed(http, "do_nothing", {})
        for dentist, starts_at in random.sample(race.slots, ATTEMPTS):
            wanted = {"dentist_id": str(dentist), "appointment_type_id": str(race.appointment_type)}
            answer, took_ms = await timed(
                http, "book_appointment", {**wanted, "starts_at": starts_at, "patient_id": str(patient)}
            )
            took[outcome(answer)].append(took_ms)
            answer, took_ms = await timed(http, "do_nothing", {})
            assert answer.status_code == 200, answer.text
            took["nothing"].append(took_ms)


def outcome(answer: httpx.Response) -> str:
    """Say how an attempt ended."""
    if answer.status_code == 200:
        return "won"
    assert answer.status_code == 409, answer.text
    return "lost" if answer.json()["code"] == "slot_taken" else "busy"


async def timed(
    http: httpx.AsyncClient, function: str, arguments: dict[str, Any]
) -> tuple[httpx.Response, float]:
    """Call a function; return the answer and the milliseconds that it took."""
    started = time.perf_counter()
    answer = await http.post(function, json=arguments)
    return answer, (time.perf_counter() - started) * 1000


def p99(latencies: list[float]) -> float:
    """Return the 99th percentile."""
    return quantiles(latencies, n=100, method="inclusive")[98]


def table(took: dict[str, list[float]]) -> Table:
    """Draw what was measured."""
    ratio = p99(took["lost"]) / p99(took["nothing"])
    drawn = Table(
        "answer",
        "number",
        "p50 ms",
        "p99 ms",
        title=f"{CLIENTS} clients, {SLOTS} slots; losers' p99 is {ratio:.2f} x (bar {BAR})",
    )
    for name, latencies in sorted(took.items()):
        drawn.add_row(
            name, str(len(latencies)), f"{quantiles(latencies, n=2)[0]:.0f}", f"{p99(latencies):.0f}"
        )
    return drawn


def main() -> None:
    """Start a stack of one's own, race, print, and leave nothing behind."""
    folder = Path(tempfile.mkdtemp(prefix="chairtime-crowd-"))
    try:
        with running_stack(folder) as stack:
            started = time.perf_counter()
            took = crowd(stack)
            seconds = time.perf_counter() - started
        Console().print(table(took))
        Console().print(f"{sum(map(len, took.values())) / seconds:.0f} requests/s")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
