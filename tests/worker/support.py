"""The worker's login, runs of jobs, and waiting for what must come."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID, uuid4

import psycopg

from worker.database import Run

USER = "worker_of_tests"
PASSWORD = "of-tests"
PATIENCE = 30.0  # seconds after which what is waited for is taken not to come

T = TypeVar("T")


def as_worker(url: str) -> str:
    """Return the URL of the same database for the worker's login."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{USER}:{PASSWORD}@{parts.hostname}:{parts.port}"))


def create_login(server: str) -> None:
    """Make a role that may log in and is a member of chairtime_worker, as an operator would."""
    with psycopg.connect(server, autocommit=True) as connection:
        if not connection.execute("select from pg_roles where rolname = %s", [USER]).rowcount:
            statement: Any = f"create role {USER} login password '{PASSWORD}' in role chairtime_worker"
            connection.execute(statement)


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
