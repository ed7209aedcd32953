"""What costs the same however large it all gets: the worker's jobs, the proof, and rows behind policies.

`python -m tests.bench.size --clinics 1000 --days 730 --claims 1000000` starts a server, builds the city,
which takes minutes, and prints two tables. `--url` measures a city that is there already.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from uuid import uuid4

from rich.console import Console
from rich.table import Table

from cli.local.ports import free_port
from cli.local.postgres import PostgresServer
from tests.support.actors import Actors, Connection, connect_as
from tests.support.city import City, somebody
from tests.support.templates import cloned, create_template

ROUNDS = 15
# What the worker asks in a minute, and how often here: a whole proof is enough once.
STATEMENTS = {
    "select clinic.worker_metrics()": ROUNDS,
    "select clinic.add_refusals()": ROUNDS,
    "select clinic.mark_new_days()": ROUNDS,
    "select clinic.verify_invariants()": ROUNDS,
    "select count(*) from clinic.check_invariants()": 1,
}
ROLES = ("admin", "receptionist", "dentist", "chatbot", "patient", "stranger")
QUESTIONS = (
    "select * from api.patients limit 1000",
    "select * from api.patients order by id limit 20",
    "select * from api.appointments limit 1000",
    "select * from api.appointments order by id limit 20",
)


def jobs(root: Connection) -> Table:
    """Time what the worker asks; what it writes is undone."""
    table = Table("statement", "first ms", "median ms", "best ms", title="The worker's questions")
    for statement, rounds in STATEMENTS.items():
        times = []
        for _ in range(rounds):
            with root.transaction(force_rollback=True):
                began = time.perf_counter()
                root.execute(statement.encode())
                times.append(1000 * (time.perf_counter() - began))
        table.add_row(statement, *(f"{value:.1f}" for value in (times[0], median(times), min(times))))
    return table


def rows(url: str, root: Connection) -> Table:
    """Count the pages and milliseconds of questions that name no clinic, by who asks."""
    table = Table("question", "who", "rows", "pages", "ms", title="Rows behind policies")
    for question in QUESTIONS:
        for role in ROLES:
            user = uuid4() if role == "stranger" else somebody(root, role)
            with connect_as(url, "authenticated", {"sub": str(user)}) as connection:
                for _ in range(2):  # the first reads the catalogue
                    row = connection.execute(
                        f"explain (analyze, buffers, format json) {question}".encode()
                    ).fetchone()
            assert row is not None
            answer = row["QUERY PLAN"][0]
            plan = answer["Plan"]
            pages = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
            table.add_row(
                question, role, f"{plan['Actual Rows']:.0f}", f"{pages:,}", f"{answer['Execution Time']:.1f}"
            )
    return table


@contextmanager
def city_url(city: City) -> Iterator[str]:
    """Yield the URL of a new city on a server of its own with default settings, gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="chairtime-bench-"))
    server = PostgresServer(folder / "data", free_port(), folder / "log")
    try:
        server.start()
        with cloned(create_template(server.superuser_url("postgres"))) as url:
            actors = Actors(url)
            city.build(actors.superuser())
            actors.close()
            yield url
    finally:
        server.stop()
        shutil.rmtree(folder)


def report(url: str, console: Console) -> None:
    """Measure a city and print what was measured."""
    actors = Actors(url)
    console.print(jobs(actors.superuser()))
    console.print(rows(url, actors.superuser()))
    actors.close()


def main() -> None:
    """Measure a city of the size that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clinics", type=int, default=1000)
    parser.add_argument("--days", type=int, default=730)
    parser.add_argument("--claims", type=int, default=1_000_000)
    parser.add_argument("--url", help="a superuser's URL of a city built before")
    wanted = parser.parse_args()
    console = Console()
    if wanted.url:
        report(wanted.url, console)
        return
    console.print(f"{wanted.clinics} clinics, {wanted.days} days, {wanted.claims:,} claims")
    with city_url(City(wanted.clinics, wanted.days, wanted.claims)) as url:
        report(url, console)


if __name__ == "__main__":
    main()
