"""What ten years do to what only grows: the audit log, messages and events, and how each is forgotten.

`python -m tests.bench.age [ROWS]` starts a server of its own and prints three tables; 10,000,000 rows unless told otherwise.
"""

from __future__ import annotations

import json
import sys
import time
from statistics import median
from typing import Any

import psycopg
from rich.console import Console
from rich.table import Table

from cli.bench.arena import Arena, acting, arena, desk, md5_id
from cli.bench.ground import MEASURING, POURING, ground
from tests.support.templates import ROOT

ON_PAPER = 10**8
TIMES = 30
# Of ten rows six are of the log, three are messages, one is an event. Each repeats what real bookings wrote.
SHARES = {"audit_log": 0.6, "messages": 0.3, "realtime_events": 0.1}
# Events have as many partitions after a quarter of a year as ever after.
QUARTER = "select clinic.create_event_partitions((now() - interval '90 days')::date, now()::date)"
DECADE = "select clinic.create_audit_partitions((now() - interval '10 years')::date, now()::date)"
POUR = {
    "audit_log": """
insert into clinic.audit_log (at, clinic_id, entity, entity_id, action, actor, role, via, before, after)
select now() - interval '3650 days' * (1 - n::float8 / {rows}), bench.clinic(), l.entity, bench.id('aged', n / 4), l.action,
  l.actor, l.role, l.via, l.before, l.after
from generate_series(1, {rows}) as n
cross join (select * from clinic.audit_log as l where l.entity = 'appointments' limit 1) as l
""",
    "messages": """
insert into clinic.messages (
  id, clinic_id, patient_id, appointment_id, kind, channel, starts_at, due_at, state, sent_at, created_at, attempts, provider_ref, locale
)
select bench.id('message', n), bench.clinic(), bench.patient(n), bench.id('aged', n / 3), 'reminder', 'sms', t.at, t.at, 'sent', t.at,
  t.at, 1, md5(n::text), 'en'
from generate_series(1, {rows}) as n
cross join lateral (select now() - interval '3650 days' * (1 - n::float8 / {rows})) as t (at)
""",
    "realtime_events": """
insert into clinic.realtime_events (
  id, occurred_at, xid, topics, event, entity, entity_id, clinic_id, dentist_id, dentist_seq, user_id, actor, payload
)
select -n, now() - interval '89 days' * (n::float8 / {rows}), e.xid, e.topics, e.event, e.entity, bench.id('aged', n / 4), e.clinic_id,
  e.dentist_id, - n, e.user_id, e.actor, e.payload
from generate_series(1, {rows}) as n
cross join (select * from clinic.realtime_events as e where e.event = 'appointment_booked' limit 1) as e
""",
}
SIZE = """
select coalesce(
  (select sum(pg_total_relation_size(t.relid)) from pg_partition_tree('clinic.{0}') as t),
  pg_total_relation_size('clinic.{0}')
)::float8
"""
BOOK = """
select api.book_appointment(
  dentist_id => bench.dentist({n}), appointment_type_id => bench.type(), starts_at => bench.at({n} * 6 + {past})::text,
  patient_id => bench.patient({n})
)
"""
LATEST = """
select
  (select a.id from clinic.appointments as a order by a.created_at desc limit 1),
  (select coalesce(max(e.id), 0) from clinic.realtime_events as e)
"""
QUESTIONS = {
    "book a visit": BOOK,
    "the history of a visit": "select * from api.appointment_history('{visit}')",
    "missed events of a clinic": "select * from api.events_since('clinic:' || bench.clinic(), {event} - 50)",
    "what is due to be sent": "select * from clinic.next_message('{{email,sms}}')",
    "the log's last page": "select * from api.audit_log where clinic_id = bench.clinic() order by at desc limit 50",
}
DROP = """
select clinic.drop_partitions('clinic.audit_log', to_char('{oldest}'::timestamptz + interval '32 days', '"audit_log_"YYYY_MM'), 1)
"""
DELETE = """
select set_config('chairtime.audit', 'forget', false);
delete from clinic.audit_log where at < '{oldest}'::timestamptz + interval '30 days'
"""


def asked(url: str, past: int) -> dict[str, tuple[float, float]]:
    """Ask each question on a new connection; return how long the first took, with planning, and the median of the next, in ms."""
    found = {}
    with psycopg.connect(url) as connection:
        visit, event = connection.execute(LATEST).fetchall()[0]
    for name, question in QUESTIONS.items():
        caller = acting("authenticated", md5_id("admin 0")) if "log" in name else desk()
        caller = {} if "due" in name else caller
        options = " ".join(f"-c {key}={value}" for key, value in caller.items())
        with psycopg.connect(url, autocommit=True, options=options, prepare_threshold=1) as connection:
            took = [
                _timed(connection, question.format(n=n, past=past, visit=visit, event=event))
                for n in range(TIMES)
            ]
        found[name] = (took[0], median(took[1:]))
    return found


def _timed(connection: psycopg.Connection[Any], statement: str) -> float:
    began = time.perf_counter()
    connection.execute(statement.encode()).fetchall()
    return 1000 * (time.perf_counter() - began)


def pour(url: str, rows: int) -> Table:
    """Write ten years; return what they weigh."""
    table = Table(
        "table", "rows", "bytes a row, indexes included", f"GB at {ON_PAPER:,}", title="Ten years of rows"
    )
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(DECADE)
        for name, share in SHARES.items():
            count = round(rows * share)
            (before,) = connection.execute(SIZE.format(name).encode()).fetchall()[0]
            connection.execute(POUR[name].format(rows=count).encode())
            (after,) = connection.execute(SIZE.format(name).encode()).fetchall()[0]
            each = (after - before) / count
            table.add_row(name, f"{count:,}", f"{each:.0f}", f"{each * ON_PAPER / 1e9:.0f}")
        connection.execute("vacuum analyze")
    return table


def forget(url: str) -> Table:
    """Forget a month of the log by dropping it, and another row by row."""
    table = Table("how", "rows", "ms", title="Forgetting a month of the audit log")
    with psycopg.connect(url, autocommit=True) as connection:
        for name, statement in (("its partition dropped", DROP), ("its rows deleted", DELETE)):
            before, oldest = connection.execute("select count(*), min(at) from clinic.audit_log").fetchall()[
                0
            ]
            began = time.perf_counter()
            connection.execute(statement.format(oldest=oldest).encode())
            took = 1000 * (time.perf_counter() - began)
            after = connection.execute("select count(*) from clinic.audit_log").fetchall()[0][0]
            table.add_row(name, f"{before - after:,}", f"{took:.0f}")
    return table


def prepare(hall: Arena) -> None:
    """Let the clinic have somebody who may read its log, and partitions for a quarter of a year."""
    with psycopg.connect(hall.url, autocommit=True) as connection:
        connection.execute(QUARTER)
        connection.execute(
            "insert into auth.users (id, email) values (bench.id('admin', 0), 'admin@bench.test')"
        )
        connection.execute(
            "insert into clinic.staff (clinic_id, user_id, role) values (bench.clinic(), bench.id('admin', 0), 'admin')"
        )


def main() -> None:
    """Ask when all is young, write ten years, ask again, forget."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 10**7
    with ground(ROOT, print, quick=False, rounds=1, seed=1) as here:
        here.migrate()
        with arena(here) as hall:
            prepare(hall)
            here.restart(MEASURING)
            asked(hall.url, past=0)  # writes what is repeated
            young = asked(hall.url, past=10_000)
            here.restart(POURING)
            tables = [pour(hall.url, rows)]
            here.restart(MEASURING)
            old = asked(hall.url, past=20_000)
            named = ("", "a quarter old, first", "again", "ten years old, first", "again")
            table = Table(
                *named,
                title="Questions, in ms: the first of a connection, which is planned, and those after it",
            )
            for name in QUESTIONS:
                table.add_row(name, *(f"{took:.2f}" for took in (*young[name], *old[name])))
            tables += [table, forget(hall.url)]
    for table in tables:
        Console(width=120).print(table)
    print(json.dumps({"young": young, "old": old}))


if __name__ == "__main__":
    main()
