"""The worker's login, runs of jobs, waiting for what must come, and what became of messages."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID, uuid4

import psycopg

from tests.support.actors import Actors, Connection, Row, call, value
from tests.support.clinics import Clinic
from tests.support.slots import book
from worker.database import Run

USER = "worker_of_tests"
PASSWORD = "of-tests"
PHONE = "+12125550199"
PATIENCE = 30.0  # seconds after which what is waited for is taken not to come

T = TypeVar("T")


def as_worker(url: str) -> str:
    """Return the URL of the same database for the worker's login."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{USER}:{PASSWORD}@{parts.hostname}:{parts.port}"))


def create_login(server: str) -> None:
    """Make a role that may log in and is a member of chairtime_worker, as an operator would.

    All of it at once, for other tests ask what roles this server has.
    """
    with psycopg.connect(server) as connection:
        if not connection.execute("select from pg_roles where rolname = %s", [USER]).rowcount:
            statement: Any = f"create role {USER} login password '{PASSWORD}' in role chairtime_worker"
            connection.execute(statement)
            connection.execute(f"alter role {USER} set idle_in_transaction_session_timeout = '30s'")


def manual(job: str) -> Run:
    """A run as `chairtime worker run` makes it."""
    return Run(uuid4(), job, "manual", uuid4())


def led(job: str, worker: UUID, epoch: int, **more: Any) -> Run:
    """A run as the leader makes it."""
    return Run(uuid4(), job, "schedule", worker, epoch, **more)


def wait_until(condition: Callable[[], T], what: str, patience: float = PATIENCE) -> T:
    """Return the condition's value as soon as it is true; fail when it does not become so."""
    deadline = time.monotonic() + patience
    while not (value := condition()):
        assert time.monotonic() < deadline, f"waited in vain for: {what}"
        time.sleep(0.02)
    return value


def book_by_phone(actors: Actors, clinic: Clinic, clock: str = "09:00") -> Row:
    """The desk books for somebody who can be called."""
    desk = actors.user(f"desk@{clinic.slug}.test")
    patient = call(desk, "create_patient", clinic_id=clinic.id, full_name="Ana Ito", phone=PHONE)
    return book(desk, clinic, clinic.at(clock), patient_id=patient["id"])


def messages(root: Connection, channel: str, **fields: Any) -> list[Row]:
    """Messages of a channel that have these fields."""
    rows = root.execute(
        "select * from clinic.messages where channel = %s order by due_at, id", [channel]
    ).fetchall()
    return [row for row in rows if fields.items() <= row.items()]


def ended(root: Connection, channel: str, kind: str = "booked") -> Row:
    """The one message of this kind, once it is neither planned for the first time nor on its way."""

    def found() -> Row | None:
        rows = messages(root, channel, kind=kind)
        assert len(rows) == 1
        (row,) = rows
        return row if row["attempts"] and row["state"] != "leased" else None

    row = wait_until(found, f"the end of {kind} by {channel}")
    assert row is not None
    return row


def cut_off(root: Connection) -> int:
    """End the connections of this database's workers; return how many those were."""
    cut = (
        "select count(pg_terminate_backend(pid)) from pg_stat_activity"
        " where usename = 'worker_of_tests' and datname = current_database()"
    )
    number: int = value(root, cut)
    return number
