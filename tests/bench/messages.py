"""What messages cost: planning them with each booking, and sending many that are due at once.

`python -m tests.bench.messages` starts a server of its own, and prints two tables.
"""

from __future__ import annotations

import json
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from datetime import time as clock
from pathlib import Path
from statistics import quantiles
from uuid import uuid4

import psutil
import psycopg
from psycopg.rows import dict_row
from rich.console import Console
from rich.table import Table

from cli.bench.arena import arena
from cli.bench.ground import MEASURING, Ground, ground
from tests.support.actors import Connection
from tests.support.build import add_hours, insert, make_clinic
from tests.support.templates import ROOT
from tests.worker.carriers import carrier
from tests.worker.processes import WorkerProcess
from tests.worker.support import as_worker, create_login, wait_until

WARM = 50
BOOK = """
select api.book_appointment(
  dentist_id => %s, appointment_type_id => %s, starts_at => %s::timestamptz::text, patient_id => %s
)
"""
# A reminder, due a moment ago, of each of so many visits ahead.
OVERDUE = """
update clinic.clinics set quiet_from = '00:00', quiet_until = '00:00';
update clinic.patients set phone = '+1212555' || lpad(n::text, 4, '0')
from generate_series(0, 63) as n where id = bench.patient(n);
insert into clinic.messages (
  id, clinic_id, patient_id, appointment_id, kind, channel, starts_at, due_at, next_at
)
select gen_random_uuid(), a.clinic_id, a.patient_id, a.id, 'reminder', 'sms', a.starts_at, now(), now()
from clinic.appointments as a where a.starts_at > now() + interval '1 day'
order by a.starts_at limit {count};
"""
OLDEST = """
select coalesce(max(extract(epoch from clock_timestamp() - a.xact_start)), 0)::float8
from pg_stat_activity as a
where
  a.application_name = 'chairtime-worker' and a.datname = current_database()
  and a.query !~ 'verify_invariants' -- which reads all visits, and sends nothing
"""
SPAN = """
select count(*), extract(epoch from max(sent_at) - min(sent_at))::float8
from clinic.messages where state = 'sent'
"""


def planning(here: Ground, bookings: int) -> Table:
    """Let two clinics book in turns: one that sends nothing, one that plans what the default rules say.

    A booking follows the other's at once, so that both find the machine the same; CPU is their backends'.
    """
    table = Table(
        "rules", "bookings", "p50 ms", "p95 ms", "CPU ms", title="Booking, and planning three messages"
    )
    with (
        here.database("planning") as url,
        psycopg.connect(url, autocommit=True, row_factory=dict_row) as connection,
    ):
        silent, telling = Desk(url, connection, rules=False), Desk(url, connection, rules=True)
        connection.execute("vacuum analyze")
        for number in range(bookings + WARM):
            for desk in (silent, telling)[:: 1 if number % 2 else -1]:
                desk.book(number)
        for name, desk in (("none", silent), ("default", telling)):
            table.add_row(name, *desk.cells())
        ratios = (
            f"{with_rules / without:.3f}"
            for without, with_rules in zip(silent.costs(), telling.costs(), strict=True)
        )
        table.add_row("ratio", "", *ratios)
    return table


class Desk:
    """A receptionist of a clinic of her own, on a connection of her own."""

    def __init__(self, url: str, superuser: Connection, *, rules: bool) -> None:
        self.clinic = clinic = make_clinic(superuser, "UTC")
        superuser.execute("delete from clinic.working_hours where clinic_id = %s", [clinic.id])
        for weekday in range(1, 6):
            add_hours(superuser, clinic.id, clinic.lee, weekday, "00:00", "24:00")
        self.patient = uuid4()
        insert(
            superuser,
            "patients",
            id=self.patient,
            clinic_id=clinic.id,
            full_name="Ana",
            email="ana@patients.test",
        )
        if rules:
            superuser.execute("select clinic.add_default_rules(%s)", [clinic.id])
        claims = json.dumps({"sub": str(clinic.users["desk"]), "role": "authenticated"})
        self.connection = psycopg.connect(url, autocommit=True, prepare_threshold=2)
        self.connection.execute("set role authenticated")
        self.connection.execute("select set_config('request.jwt.claims', %s, false)", [claims])
        self.backend = psutil.Process(self.connection.info.backend_pid)
        self.took: list[float] = []
        self.spent = 0.0

    def book(self, number: int) -> None:
        """Book the next half-hour; the first ones warm up, and count for nothing."""
        day, half = divmod(number, 48)
        week, weekday = divmod(day, 5)
        midnight = datetime.combine(self.clinic.weekday(weekday + 1, weeks=week + 2), clock(0), UTC)
        if number == WARM:
            self.took.clear()
            self.spent = self._cpu()
        began = time.perf_counter()
        self.connection.execute(
            BOOK,
            [self.clinic.lee, self.clinic.checkup, midnight + half * timedelta(minutes=30), self.patient],
        )
        self.took.append(1000 * (time.perf_counter() - began))

    def _cpu(self) -> float:
        used = self.backend.cpu_times()
        return float(used.user + used.system)

    def costs(self) -> tuple[float, float, float]:
        """Return median, 95th percentile and CPU of a booking, in milliseconds."""
        marks = quantiles(self.took, n=100)
        return marks[49], marks[94], 1000 * (self._cpu() - self.spent) / len(self.took)

    def cells(self) -> tuple[str, ...]:
        """Return what a row of the table shows."""
        return str(len(self.took)), *(f"{cost:.2f}" for cost in self.costs())


def drain(here: Ground, count: int, rates: tuple[int, ...]) -> Table:
    """Send so many reminders that are due at once, no faster than configured."""
    columns = ("messages", "configured/s", "reached/s", "sent", "longest transaction ms", "requests twice")
    table = Table(*columns, title="Overdue reminders, through an HTTP endpoint on the same machine")
    for rate in rates:
        with arena(here, spare=count) as hall, carrier() as provider:
            _make_overdue(hall.url, count)
            settings = {
                "database_url": as_worker(hall.url),
                "site_url": "https://visits.example",
                "sms_url": provider.url,
                "sms_from": "+12125550100",
                "message_rate": rate,
                "log_level": "warning",
            }
            with _sampling(hall.url) as longest, _worker(settings):
                sent, seconds = _wait_drained(hall.url, count)
            twice = len(provider.asked) - len({asked.key for asked in provider.asked})
        shown = (f"{sent / seconds:.1f}", str(sent), f"{1000 * max(longest):.0f}", str(twice))
        table.add_row(f"{count:,}", str(rate), *shown)
    return table


def _make_overdue(url: str, count: int) -> None:
    create_login(url)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(OVERDUE.format(count=count).encode())
        connection.execute("vacuum analyze clinic.messages")


def _wait_drained(url: str, count: int) -> tuple[int, float]:
    with psycopg.connect(url, autocommit=True) as connection:
        left = "select exists (select from clinic.messages where state in ('planned', 'leased'))"
        wait_until(
            lambda: connection.execute(left).fetchall() == [(False,)],
            "all to be sent",
            patience=60 + count / 10,
        )
        (row,) = connection.execute(SPAN).fetchall()
    return int(row[0]), float(row[1])


@contextmanager
def _sampling(url: str) -> Iterator[list[float]]:
    """Look every few milliseconds at how old the worker's transactions are, but for what only proves."""
    seen, stop = [0.0], threading.Event()

    def look() -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            while not stop.is_set():
                seen.append(connection.execute(OLDEST).fetchall()[0][0])
                time.sleep(0.005)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()


@contextmanager
def _worker(settings: dict[str, object]) -> Iterator[WorkerProcess]:
    with (
        tempfile.TemporaryDirectory(prefix="chairtime-bench-messages-") as folder,
        WorkerProcess(Path(folder) / "log", settings) as worker,
    ):
        yield worker


def main() -> None:
    """Measure both, and leave nothing behind."""
    with ground(ROOT, print, quick=False, rounds=1, seed=1) as here:
        here.migrate()
        here.restart(MEASURING)
        Console().print(planning(here, 2000))
        Console().print(drain(here, 100_000, (100, 200)))


if __name__ == "__main__":
    main()
