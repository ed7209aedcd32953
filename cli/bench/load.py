"""Pouring simulated clinics into a database: COPY, with no index to keep and no trigger to run until it is in.

What was taken off comes back by its own definition, and every key, exclusion and reference is proved then.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from itertools import islice
from typing import Any

import psycopg
from psycopg.rows import TupleRow

from cli.bench.ground import Say
from cli.bench.simulation import KINDS, OPEN, QUARTERS, SPANS, Practice, Visits, practices

Connection = psycopg.Connection[TupleRow]

TABLES = ("appointments", "occupancy", "patients")
CHUNK = 2000  # visits that go into one write

APPOINTMENTS = (
    "copy clinic.appointments (id, clinic_id, dentist_id, patient_id, appointment_type_id, starts_at, ends_at,"
    " buffer_before, buffer_after, parts, status, version, source, created_at, updated_at, cancelled_at) from stdin"
)
CLAIMS = "copy clinic.occupancy (id, part, clinic_id, resource_id, cause, during) from stdin"
PATIENTS = "copy clinic.patients (id, clinic_id, user_id, full_name, phone, email, birth_date) from stdin"

# References first, for keys cannot go while they are referred to.
CONSTRAINTS = """
select format('%s drop constraint %I', t.head, c.conname), format('%s add constraint %I %s', t.head, c.conname, t.tail)
from pg_constraint as c
cross join lateral (
  select 'alter table ' || c.conrelid::regclass as head, pg_get_constraintdef(c.oid) as tail
) as t
where
  c.contype in ('f', 'p', 'u', 'x') and c.conparentid = 0
  and (c.conrelid = any (:tables) or c.confrelid = any (:tables))
order by c.contype <> 'f'
"""
INDEXES = """
select format('drop index %s', i.indexrelid::regclass), pg_get_indexdef(i.indexrelid)
from pg_index as i
where
  i.indrelid = any (:tables)
  and not exists (select from pg_constraint as c where c.conindid = i.indexrelid and c.contype in ('p', 'u', 'x'))
"""
# Counted as the worker would; the rest of a day's row is nought.
DAYS = """
insert into clinic.daily_metrics (clinic_id, day, booked, fulfilled, cancelled, no_shows, booked_minutes, stale, refreshed_at)
select
  a.clinic_id, (a.starts_at at time zone c.time_zone)::date,
  count(*) filter (where a.status = 'booked'), count(*) filter (where a.status = 'fulfilled'),
  count(*) filter (where a.status = 'cancelled'), count(*) filter (where a.status = 'no_show'),
  coalesce(sum(extract(epoch from a.ends_at - a.starts_at) / 60) filter (where a.status <> 'cancelled'), 0), false, now()
from clinic.appointments as a
inner join clinic.clinics as c on a.clinic_id = c.id
group by 1, 2
on conflict do nothing
"""


def fill(url: str, size: int, seed: int, today: date, say: Say = lambda _: None) -> None:
    """Simulate clinics with so many appointments in an empty, migrated database. `url` is a superuser's."""
    with psycopg.connect(url, autocommit=True) as connection:
        poured = 0
        with _bare(connection, say):
            for practice, count in practices(seed, size):
                _settle(connection, practice)
                _pour(url, practice, Visits(practice, seed, today).lines(count))
                poured += count
                if practice.number % 10 == 9:  # noqa: PLR2004 - now and then
                    say(f"{poured:,} appointments of {size:,}")
        say("Counting days, gathering statistics")
        connection.execute(DAYS)
        connection.execute("vacuum (analyze, freeze)")


@contextmanager
def _bare(connection: Connection, say: Say) -> Iterator[None]:
    """Take off the indexes, keys and references of the tables that grow, and the audit log; put them back."""
    tables = "'{" + ",".join(f"clinic.{table}" for table in TABLES) + "}'::regclass[]"
    off = [
        pair
        for query in (CONSTRAINTS, INDEXES)
        for pair in connection.execute(query.replace(":tables", tables).encode())
    ]
    switch = "alter table clinic.{} {} trigger audit"
    for drop, _ in off:
        connection.execute(drop.encode())
    for table in ("appointments", "patients"):
        connection.execute(switch.format(table, "disable").encode())
    yield
    # References last, for they lean on keys.
    for number, (_, restore) in enumerate(sorted(off, key=lambda pair: " FOREIGN KEY " in pair[1]), 1):
        if number % 10 == 1:
            say(f"Proving keys and references, {number} of {len(off)}")
        connection.execute(restore.encode())
    for table in ("appointments", "patients"):
        connection.execute(switch.format(table, "enable always").encode())


def _settle(connection: Connection, practice: Practice) -> None:
    """Write a clinic, its people and its rules. Of these there are few, so triggers see them as usual."""
    clinic = practice.id
    with connection.transaction():
        connection.execute(
            "insert into clinic.clinics (id, slug, name, time_zone) values (%s, %s, %s, %s)",
            [clinic, f"clinic-{practice.number}", f"Clinic {practice.number}", practice.zone],
        )
        logins = {practice.admin: "admin", practice.desk: "receptionist"}
        logins |= {leader.user_id: "dentist" for leader in practice.leaders}
        _sign_up(connection, logins)
        _insert(
            connection, "staff", "clinic_id, user_id, role", ((clinic, *login) for login in logins.items())
        )
        _insert(
            connection, "dentists", "id, clinic_id, user_id, full_name, profession", _practitioners(practice)
        )
        _insert(
            connection,
            "resources",
            "id, clinic_id, kind, name",
            ((leader.chair, clinic, "chair", f"Chair {n}") for n, leader in enumerate(practice.leaders)),
        )
        _insert(
            connection, "working_hours", "clinic_id, dentist_id, weekday, opens, closes", _hours(practice)
        )
        _insert(
            connection,
            "appointment_types",
            "id, clinic_id, name, duration, buffer_before, buffer_after",
            (
                (identifier, clinic, kind.name, SPANS[kind.lasts], SPANS[kind.before], SPANS[kind.after])
                for identifier, kind in zip(practice.types, KINDS, strict=True)
            ),
        )
        _insert(
            connection,
            "dentist_types",
            "clinic_id, dentist_id, appointment_type_id",
            ((clinic, leader.id, identifier) for leader in practice.leaders for identifier in practice.types),
        )
        _insert(
            connection,
            "type_parts",
            "appointment_type_id, clinic_id, part, needs",
            (
                (identifier, clinic, number, need)
                for identifier, kind in zip(practice.types, KINDS, strict=True)
                for number, need in enumerate(kind.parts, 1)
            ),
        )
        _people(connection, practice)


def _practitioners(practice: Practice) -> Iterator[tuple[Any, ...]]:
    for number, leader in enumerate(practice.leaders):
        yield leader.id, practice.id, leader.user_id, f"Dr. {number}", "dentist"
        yield leader.assistant, practice.id, None, f"Assistant {number}", "assistant"


def _hours(practice: Practice) -> Iterator[tuple[Any, ...]]:
    for leader in practice.leaders:
        for who in (leader.id, leader.assistant):
            for weekday in range(1, 6):
                for opens, closes in OPEN:
                    yield practice.id, who, weekday, QUARTERS[opens], QUARTERS[closes]


def _people(connection: Connection, practice: Practice) -> None:
    """Write the patients and who acts for whom."""
    patients = [person for leader in practice.leaders for person in leader.patients]
    _sign_up(connection, {who.user_id: who.name for who in patients if who.user_id})
    connection.execute("set local session_replication_role = replica")
    _copy(
        connection,
        PATIENTS,
        ((who.id, practice.id, who.user_id, who.name, who.phone, who.email, who.born) for who in patients),
    )
    connection.execute("set local session_replication_role = origin")
    _insert(
        connection,
        "guardians",
        "clinic_id, patient_id, user_id",
        ((practice.id, who.id, who.guardian) for who in patients if who.guardian),
    )


def _sign_up(connection: Connection, logins: dict[str, str]) -> None:
    head = "copy auth.users (id, aud, role, email) from stdin"
    _copy(connection, head, ((who, "authenticated", "authenticated", f"{who}@bench.test") for who in logins))


def _insert(connection: Connection, table: str, columns: str, rows: Iterable[tuple[Any, ...]]) -> None:
    _copy(connection, f"copy clinic.{table} ({columns}) from stdin", rows)


def _copy(connection: Connection, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
    with connection.cursor() as cursor, cursor.copy(statement.encode()) as copy:
        for row in rows:
            copy.write_row(row)


def _pour(url: str, practice: Practice, lines: Iterator[tuple[str, str]]) -> None:
    """Copy visits and their claims at once, each through a connection of its own."""
    with ExitStack() as stack:
        copies = []
        for statement in (APPOINTMENTS, CLAIMS):
            connection = stack.enter_context(psycopg.connect(url))
            connection.execute("set session_replication_role = replica")
            cursor = stack.enter_context(connection.cursor())
            copies.append(stack.enter_context(cursor.copy(statement.encode())))
        while chunk := list(islice(lines, CHUNK)):
            for copy, texts in zip(copies, zip(*chunk, strict=True), strict=True):
                copy.write("".join(texts))
