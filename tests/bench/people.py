"""What people cost: the audit log behind every booking, and finding one patient of many."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import product

import psycopg
from rich.table import Table

from tests.bench.arena import DAY_AND_NIGHT, OFFICE_HOURS, Arena, arena
from tests.bench.pgbench import BOOK, CORES, Result, cells, run

ROUNDS = 4
MONTHS = 60

# Changes as the triggers write them, each straight into its month.
PARTITIONS = "select clinic.create_audit_partitions((now() - interval '{months} months')::date, now()::date)"
CHANGES = """
insert into clinic.audit_log
  (at, clinic_id, entity, entity_id, action, actor, role, via, before, after)
select
  date_trunc('month', now(), 'UTC') - interval '{month} months' + interval '0.2 seconds' * (n % 12000000),
  bench.clinic(), 'appointments', gen_random_uuid(), 'update', bench.patient(n), 'receptionist',
  'reschedule_appointment',
  jsonb_build_object('starts_at', bench.at(n), 'ends_at', bench.at(n + 6), 'version', 1),
  jsonb_build_object('starts_at', bench.at(n + 6), 'ends_at', bench.at(n + 12), 'version', 2)
from generate_series(1, {rows}) as n
"""
SWITCH = "alter table clinic.appointments {} trigger audit"
WRITTEN, NOT_WRITTEN = "enable always", "disable"


@dataclass
class Desk:
    """Books one appointment after the other, each at a time of its own, however many runs that takes."""

    hall: Arena
    number: int = 0

    def book(self, clients: int, seconds: float) -> Result:
        """Let so many book for so long."""
        done = run(
            self.hall.url,
            BOOK,
            clients=clients,
            seconds=seconds,
            options=self.hall.receptionist,
            number=self.number,
        )
        self.number += 6 * (len(done.latencies) + 1)  # no client did more than all of them
        return done


def audit(template: str, rows: int, seconds: int) -> Table:
    """Compare bookings that are written into an audit log of so many rows with bookings that are not."""
    columns = ("clients", "bookings/s without", "with", "ratio", "p50 ms without", "p95 ms", "with", "p95 ms")
    table = Table(
        *columns, title=f"Booking, with and without an audit log of {rows:,} rows; {ROUNDS} turns each"
    )
    with arena(template, DAY_AND_NIGHT) as hall:
        hall.add_history(10_000)
        _add_changes(hall, rows)
        desk = Desk(hall)
        for clients in sorted({1, CORES}):
            without, written = _in_turns(desk, clients, seconds)
            speeds = (without.per_second, written.per_second)
            shown = (*(f"{speed:.0f}" for speed in speeds), f"{speeds[1] / speeds[0]:.2f}")
            table.add_row(str(clients), *shown, *cells(without), *cells(written))
    return table


def _add_changes(hall: Arena, rows: int) -> None:
    with psycopg.connect(hall.url, autocommit=True) as connection:
        connection.execute(PARTITIONS.format(months=MONTHS).encode())
        for month in range(MONTHS):
            connection.execute(CHANGES.format(month=month + 1, rows=rows // MONTHS).encode())
        connection.execute("vacuum analyze")


def _in_turns(desk: Desk, clients: int, seconds: int) -> tuple[Result, Result]:
    """Book without and with the log, in turns, for a machine is not always equally fast."""
    results = {NOT_WRITTEN: Result([], 0), WRITTEN: Result([], 0)}
    with psycopg.connect(desk.hall.url, autocommit=True) as connection:
        for turn in range(ROUNDS):
            for state in (NOT_WRITTEN, WRITTEN)[:: 1 if turn % 2 else -1]:
                connection.execute(SWITCH.format(state).encode())
                results[state] += desk.book(clients, seconds / ROUNDS)
        connection.execute(SWITCH.format(WRITTEN).encode())
    return results[NOT_WRITTEN], results[WRITTEN]


SEARCH = """
\\set n random(0, 499)
select count(*) from api.search_patients(
  bench.clinic(), (select q.query from bench.queries as q where q.kind = '{kind}' and q.n = :n)
);
"""
VISITS = """
insert into clinic.appointments (
  id, clinic_id, dentist_id, patient_id, appointment_type_id,
  starts_at, ends_at, buffer_before, buffer_after, parts, source
)
select
  gen_random_uuid(), p.clinic_id, bench.dentist(0), p.id, bench.type(),
  now() + v.ahead, now() + v.ahead + interval '30 minutes', '0', '0', '{}', 'desk'
from clinic.patients as p
cross join (values (interval '-100 days'), (interval '20 days')) as v (ahead)
where p.clinic_id = bench.clinic()
"""
SYLLABLES = "ba bri ca da dé el fa fi ga gö ha in ja ka la lé li ma mi mü na ni no o pa ra ri sa se ta to va"
ENDS = "nn ra s na lo tte ck ner berg son ez i"

Person = tuple[str, str, str, date]
KINDS: dict[str, Callable[[Person], str]] = {
    "a name's beginning": lambda who: who[0].split()[1][:4],
    "parts of both names": lambda who: " ".join(name[:4] for name in reversed(who[0].split())),
    "the whole name": lambda who: who[0],
    "seven digits of the phone": lambda who: who[1][-8:],
    "the birth date": lambda who: str(who[3]),
    "the email": lambda who: who[2],
    "two letters": lambda who: who[0][:2],
}


def town(size: int) -> Iterator[Person]:
    """Yield people: name, phone, email, birth date. Some names are frequent, most are not."""
    chance = random.Random(7)  # noqa: S311 the same town each time
    parts = product(SYLLABLES.split(), SYLLABLES.split(), ENDS.split())
    names = ["".join(syllables).title() for syllables in parts]
    for n in range(size):
        first, last = (names[int(len(names) * chance.random() ** 3)] for _ in range(2))
        born = date(1930, 1, 1) + timedelta(days=chance.randrange(33_000))
        yield (
            f"{first} {last}",
            f"+1 {chance.randrange(200, 999)} 555 {n % 10_000:04}",
            f"p{n}@town.test",
            born,
        )


def search(template: str, size: int, transactions: int) -> Table:
    """Measure search_patients, by a receptionist, with so many patients and two visits of each."""
    table = Table("looked for", "p50 ms", "p95 ms", title=f"search_patients, {size:,} patients; one client")
    people = list(town(size))
    with arena(template, OFFICE_HOURS) as hall:
        _settle(hall, people)
        for kind in KINDS:
            script = SEARCH.format(kind=kind.replace("'", "''"))
            done = run(hall.url, script, clients=1, transactions=transactions, options=hall.receptionist)
            table.add_row(kind, *cells(done))
    return table


def _settle(hall: Arena, people: list[Person]) -> None:
    """Write the people, their visits, and what is looked for."""
    with psycopg.connect(hall.url, autocommit=True) as connection:
        connection.execute("alter table clinic.patients disable trigger audit")
        columns = "clinic_id, full_name, phone, email, birth_date"
        with connection.cursor().copy(f"copy clinic.patients ({columns}) from stdin") as copy:
            for person in people:
                copy.write_row((hall.clinic.id, *person))
        connection.execute("set session_replication_role = replica")
        connection.execute(SWITCH.format(NOT_WRITTEN).encode())
        connection.execute(VISITS.encode())
        connection.execute(
            "create table bench.queries (kind text, n integer, query text, primary key (kind, n))"
        )
        connection.execute("grant select on bench.queries to public")
        asked = random.Random(8).sample(people, 500)  # noqa: S311
        with connection.cursor().copy("copy bench.queries from stdin") as copy:
            for (kind, word), (n, person) in product(KINDS.items(), enumerate(asked)):
                copy.write_row((kind, n, word(person)))
        connection.execute("vacuum analyze")
