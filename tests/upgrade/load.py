"""Who goes on while a database is upgraded: readers that are timed, writers that remember their answers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg

from tests.support.actors import Actors, Connection, Row

READS = (
    "select count(*) as n from api.clinics having count(*) = 2",
    "select id from api.appointments limit 20",
    "select * from api.available_slots(appointment_type_id => 'b0000000-0000-4000-8000-000000000001',"
    " from_date => %(tomorrow)s, to_date => %(tomorrow)s)",
    "select api.me()",
    "select api.clinic_day(clinic_id => 'c0000000-0000-4000-8000-000000000001', day => %(tomorrow)s)",
    # What Realtime asks when somebody joins a channel.
    "select set_config('realtime.topic', 'clinic:c0000000-0000-4000-8000-000000000001:availability', false),"
    " exists (select from realtime.messages)",
)
BOOK = (
    "select * from api.book_appointment(dentist_id => %(dentist_id)s, appointment_type_id => %(type_id)s,"
    " starts_at => %(starts_at)s, patient_id => %(patient_id)s, idempotency_key => %(key)s)"
)
HOLD = BOOK.replace("book_appointment", "reserve_slot")
PATIENCE = 30.0  # seconds
CONFIRM = "select * from api.confirm_reservation(reservation_id => %s)"


@dataclass
class Load:
    """What was seen: the longest read, what was acknowledged, and what was refused."""

    slowest: float = 0.0
    reads: int = 0
    failed_reads: list[str] = field(default_factory=list)
    acknowledged: list[Row] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    longest_write: float = 0.0
    longest_sign_in: float = 0.0

    def read(self, connection: Connection) -> None:
        """Ask everything once."""
        tomorrow = f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%d}"
        for query in READS:
            began = time.monotonic()
            try:
                rows = connection.execute(query, {"tomorrow": tomorrow}).fetchall()  # type: ignore[arg-type]
                if not rows:
                    self.failed_reads.append(f"nothing: {query}")
            except psycopg.Error as error:
                self.failed_reads.append(f"{query}: {error}")
            self.slowest = max(self.slowest, time.monotonic() - began)
            self.reads += 1

    def sign_in(self, connection: Connection) -> None:
        """Note that somebody signed in, as Auth does."""
        began = time.monotonic()
        connection.execute("update auth.users set last_sign_in_at = now() where email = 'ben@patients.test'")
        self.longest_sign_in = max(self.longest_sign_in, time.monotonic() - began)

    def write(self, connection: Connection, slot: Row) -> None:
        """Book a slot, as clients do: with a key, again and again until there is an answer."""
        began = time.monotonic()
        slot = slot | {"key": str(uuid4()), "starts_at": slot["starts_at"].isoformat()}
        holds = slot["number"] % 4 == 0
        while True:
            try:
                row = connection.execute(HOLD if holds else BOOK, slot).fetchone()  # type: ignore[arg-type]
                if holds and row:
                    row = connection.execute(CONFIRM, [row["id"]]).fetchone()
                assert row
                self.acknowledged.append(row)
                break
            except psycopg.Error as error:
                self.refused.append(str(error))
                # Taken by somebody else, or ours already: a hold that was made anew, and not confirmed.
                if '"slot_taken"' in str(error):
                    break
                assert time.monotonic() < began + PATIENCE, error
        self.longest_write = max(self.longest_write, time.monotonic() - began)


def free_slots(connection: Connection) -> list[Row]:
    """List free slots, each with a patient who has no other visit at that time."""
    return connection.execute(
        """
        select row_number() over () as number, s.dentist_id, s.starts_at, t.id as type_id, p.id as patient_id
        from (
          select distinct on (d.id) d.id, d.clinic_id, p.id as patient_id from clinic.dentists as d
          join clinic.patients as p on p.clinic_id = d.clinic_id and p.user_id is null
          where d.clinic_id = 'c0000000-0000-4000-8000-000000000001'
          order by d.id, hashtext(p.id::text || d.id::text)
        ) as p (dentist_id, clinic_id, id)
        join clinic.appointment_types as t on t.clinic_id = p.clinic_id and t.name = 'Check-up'
        cross join lateral api.available_slots(
          appointment_type_id => t.id, from_date => current_date + 2, to_date => current_date + 60,
          dentist_id => p.dentist_id
        ) as s
        where extract(minute from s.starts_at) in (0, 30)
        order by s.starts_at
        """
    ).fetchall()


@contextmanager
def under_load(actors: Actors, email: str = "desk@riverside.test") -> Iterator[Load]:
    """Let readers and writers go on, before, during and after the block."""
    load, over = Load(), threading.Event()
    slots = free_slots(actors.superuser())
    lock = threading.Lock()

    def reads(connection: Connection) -> None:
        load.read(connection)
        time.sleep(0.02)

    def signs_in(connection: Connection) -> None:
        load.sign_in(connection)
        time.sleep(0.1)

    def writes(connection: Connection) -> None:
        with lock:
            slot = slots.pop(0)
        load.write(connection, slot)
        time.sleep(0.07)

    def go_on(act: Callable[[Connection], Any], connection: Connection) -> None:
        while not over.is_set():
            act(connection)

    desks = [(act, actors.user(email)) for act in (reads, reads, writes, writes)]
    threads = [threading.Thread(target=go_on, args=who) for who in (*desks, (signs_in, actors.superuser()))]
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        over.set()
        for thread in threads:
            thread.join()


def go_on_until(load: Load, more: int) -> None:
    """Wait until so many more bookings are acknowledged."""
    wanted = len(load.acknowledged) + more
    deadline = time.monotonic() + PATIENCE
    while len(load.acknowledged) < wanted:
        assert time.monotonic() < deadline, load.refused[-3:]
        time.sleep(0.01)
