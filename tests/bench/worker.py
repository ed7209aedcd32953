"""How late the end of a hold is announced, and whether the worker's memory stays flat over an hour's events.

`python -m tests.bench.worker` starts a server and a worker of its own, and prints two tables.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles

import psutil
import psycopg
from rich.console import Console
from rich.table import Table

from cli.local.temporary import temporary_server
from tests.support.templates import cloned, create_template
from tests.worker.processes import WorkerProcess
from tests.worker.support import as_worker, create_login, wait_until

HOLDS = 1000
DENTISTS = 50
HOUR_OF_EVENTS = 36_000  # ten a second
MEGABYTE = 1024 * 1024

MAKE_DENTISTS = """
insert into clinic.dentists (clinic_id, full_name)
select c.id, 'Dentist ' || n from clinic.clinics as c, generate_series(1, %s) as n where c.slug = 'riverside'
"""
# One hold after the other, round the dentists; they end evenly over so many seconds, beginning soon.
MAKE_HOLDS = """
insert into clinic.slot_reservations (
  clinic_id, dentist_id, appointment_type_id, starts_at, ends_at, buffer_before, buffer_after, expires_at
)
select d.clinic_id, d.id, t.id, s.at, s.at + interval '30 minutes', '0', '0',
  clock_timestamp() + interval '10 seconds' + make_interval(secs => %(seconds)s::float8 * h.n / %(holds)s)
from generate_series(0, %(holds)s - 1) as h (n)
join (
  select row_number() over (order by id) - 1 as n, id, clinic_id from clinic.dentists
  where full_name like 'Dentist %%'
) as d on d.n = h.n %% %(dentists)s
join clinic.appointment_types as t on t.clinic_id = d.clinic_id and t.name = 'Check-up'
cross join lateral (select now() + interval '10 days' + h.n / %(dentists)s * interval '1 hour' as at) as s
"""
LATENESS = """
select 1000 * extract(epoch from e.occurred_at - (e.payload ->> 'expires_at')::timestamptz)::float8
from clinic.realtime_events as e where e.event = 'reservation_expired'
"""
MAKE_EVENTS = """
do $$
begin
  for n in 1..1000 loop
    insert into clinic.extra_hours (clinic_id, dentist_id, during)
    select clinic_id, id, tstzrange(now(), now() + interval '1 hour') from clinic.dentists limit 1;
    commit;
  end loop;
end
$$
"""


def announcements(template: str) -> Table:
    """Let a thousand live holds end, evenly and all at once; times are milliseconds after their end."""
    table = Table(
        "holds", "end", "p50 ms", "p99 ms", "last ms", title="The end of a hold, to its announcement"
    )
    for seconds in (20, 0):
        late = sorted(_announce(template, seconds))
        marks = quantiles(late, n=100)
        how = f"evenly over {seconds} s" if seconds else "all at once"
        table.add_row(str(len(late)), how, *(f"{value:.0f}" for value in (marks[49], marks[98], late[-1])))
    return table


def _announce(template: str, seconds: int) -> list[float]:
    with cloned(template) as url, psycopg.connect(url, autocommit=True) as connection, _worker(url) as worker:
        worker.wait_for("leadership_gained")
        connection.execute(MAKE_DENTISTS, [DENTISTS])
        connection.execute(MAKE_HOLDS, {"seconds": seconds, "holds": HOLDS, "dentists": DENTISTS})
        wait_until(lambda: len(connection.execute(LATENESS).fetchall()) == HOLDS, "all ends", patience=90)
        return [row[0] for row in connection.execute(LATENESS)]


def memory(template: str) -> Table:
    """Feed an hour's events to a worker and weigh it after each tenth."""
    table = Table("events logged", "resident MB", title="The worker's memory over an hour's events")
    with cloned(template) as url, psycopg.connect(url, autocommit=True) as connection, _worker(url) as worker:
        worker.wait_for("leadership_gained")
        connection.execute("set synchronous_commit = off")
        process = psutil.Process(worker.process.pid)
        written = 0
        while written < HOUR_OF_EVENTS:
            for _ in range(4):
                connection.execute(MAKE_EVENTS)
                written += 1000
            _wait_logged(connection)
            table.add_row(str(written), f"{process.memory_info().rss / MEGABYTE:.1f}")
    return table


def _wait_logged(connection: psycopg.Connection) -> None:
    behind = (
        "select coalesce(max(e.id), 0) > (select after_id from clinic.event_cursors where reader = 'log')"
        " from clinic.realtime_events as e"
    )
    wait_until(lambda: connection.execute(behind).fetchall() == [(False,)], "the log", patience=60)


@contextmanager
def _worker(url: str) -> Iterator[WorkerProcess]:
    with (
        tempfile.TemporaryDirectory(prefix="chairtime-bench-worker-") as folder,
        WorkerProcess(Path(folder) / "log", {"database_url": as_worker(url), "log_level": "info"}) as worker,
    ):
        yield worker


def main() -> None:
    """Start a server with default settings, measure, print, and leave nothing behind."""
    with temporary_server("chairtime-bench-", {}) as server:
        template = create_template(server.superuser_url("postgres"))
        create_login(template)
        Console().print(announcements(template))
        Console().print(memory(template))


if __name__ == "__main__":
    main()
