"""`make bench`: how fast booking, listing and delivery are, on an embedded Postgres of its own."""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from cli.local.ports import free_port
from cli.local.postgres import PostgresServer
from tests.bench.arena import DAY_AND_NIGHT, OFFICE_HOURS, arena
from tests.bench.delivery import delivery
from tests.bench.people import audit, search
from tests.bench.pgbench import BOOK, CORES, cells, run
from tests.support.templates import create_template

SECONDS = 10
# With more clients than cores backends take turns, and each finds the caches full of the others' plans.
CROWDS = sorted({1, CORES, 8})
HISTORIES = (10_000, 100_000, 1_000_000)

# The ledger without its rules: the same columns, indexes and constraints, and no trigger.
BARE_INSERT = """
\\set number :number + 6
insert into bench.occupancy (id, clinic_id, resource_id, cause, during)
values (
  gen_random_uuid(), bench.clinic(), bench.dentist(:client_id), 'appointment',
  tstzrange(bench.at(:number), bench.at(:number) + interval '30 minutes')
)
on conflict do nothing;
"""
DENTIST_WEEK = """
select count(*) from api.available_slots(
  appointment_type_id => bench.type(), from_date => bench.monday()::text, dentist_id => bench.dentist(:number)
);
\\set number (:number + 1) % 20
"""
CLINIC_WEEK = """
select count(*) from api.available_slots(
  appointment_type_id => bench.type(), from_date => bench.monday()::text
);
"""
THREE_PARTS = """
select count(*) from api.available_slots(
  appointment_type_id => bench.three_parts(), from_date => bench.monday()::text,
  dentist_id => bench.dentist(:number)
);
\\set number (:number + 1) % 20
"""
TWELVE_CHAIRS = """
select count(*) from api.available_slots(
  appointment_type_id => bench.one_chair(), from_date => bench.monday()::text
);
"""


def tables(quick: bool) -> dict[str, Callable[[str], Table]]:
    """Return what there is to measure, on the database that is given as a template."""
    return {
        "booking": booking,
        "listing": listing,
        "parts": parts,
        "audit": lambda template: audit(template, 100_000 if quick else 10_000_000, 8 if quick else 40),
        "search": lambda template: search(template, 100_000, 300 if quick else 2000),
        "delivery": delivery,
    }


def main() -> None:
    """Start a server with default settings, measure, print, and leave nothing behind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tables", nargs="*", help=f"only these of {', '.join(tables(quick=True))}")
    parser.add_argument("--quick", action="store_true", help="a shorter audit log, and fewer questions")
    wanted = parser.parse_args()
    console = Console()
    folder = Path(tempfile.mkdtemp(prefix="chairtime-bench-"))
    server = PostgresServer(folder / "data", free_port(), folder / "log")
    try:
        server.start()
        template = create_template(server.superuser_url("postgres"))
        for name, measure in tables(wanted.quick).items():
            if not wanted.tables or name in wanted.tables:
                console.print(measure(template))
    finally:
        server.stop()
        shutil.rmtree(folder)


def booking(template: str) -> Table:
    """Compare book_appointment, by a receptionist, with a bare insert into the ledger."""
    columns = ("clients", "bare inserts/s", "bookings/s", "ratio", "booking p50 ms", "p95 ms")
    table = Table(*columns, title=f"Booking, {CORES} cores, synchronous_commit on, all events and broadcasts")
    for clients in CROWDS:
        with arena(template, DAY_AND_NIGHT) as hall:
            # A clinic with a past: on empty tables the first plans are sequential scans, and are kept.
            hall.add_history(HISTORIES[0])
            bare = run(hall.url, BARE_INSERT, clients=clients, seconds=SECONDS, options={})
            booked = run(hall.url, BOOK, clients=clients, seconds=SECONDS, options=hall.receptionist)
        speeds = (
            f"{bare.per_second:.0f}",
            f"{booked.per_second:.0f}",
            f"{booked.per_second / bare.per_second:.2f}",
        )
        table.add_row(str(clients), *speeds, *cells(booked))
    return table


def listing(template: str) -> Table:
    """Measure available_slots for a week, with one dentist and with all 20, behind ever longer histories."""
    columns = ("appointments", "dentist-week p50 ms", "p95 ms", "clinic-week p50 ms", "p95 ms")
    table = Table(*columns, title="available_slots for a week with one dentist, and with all 20; one client")
    for size in HISTORIES:
        with arena(template, OFFICE_HOURS) as hall:
            hall.add_history(size)
            hall.add_week()
            one = run(hall.url, DENTIST_WEEK, clients=1, transactions=2000, options=hall.anonymous)
            roomy = hall.anonymous | {"pgrst.db_max_rows": "10000"}  # a week of 20 dentists has thousands
            all_of_them = run(hall.url, CLINIC_WEEK, clients=1, transactions=300, options=roomy)
        table.add_row(f"{size:,}", *cells(one), *cells(all_of_them))
    return table


def parts(template: str) -> Table:
    """Measure available_slots for a week of visits that need more than their dentist."""
    columns = ("claims", "dentist-week, 3 parts p50 ms", "p95 ms", "clinic-week, 12 chairs p50 ms", "p95 ms")
    table = Table(
        *columns,
        title="The same for visits of parts: three with ten candidates each; 20 leaders who share 12 chairs",
    )
    for size in HISTORIES:
        with arena(template, OFFICE_HOURS) as hall:
            hall.add_history(size)
            hall.add_week()
            hall.add_parts(size)
            one = run(hall.url, THREE_PARTS, clients=1, transactions=1000, options=hall.anonymous)
            roomy = hall.anonymous | {"pgrst.db_max_rows": "10000"}
            all_of_them = run(hall.url, TWELVE_CHAIRS, clients=1, transactions=200, options=roomy)
        table.add_row(f"{size:,}", *cells(one), *cells(all_of_them))
    return table


if __name__ == "__main__":
    main()
