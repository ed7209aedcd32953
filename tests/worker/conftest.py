"""A login for the worker, its own view of a test's database, worker processes, and who carries messages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import pytest

from tests.support.actors import Actors, Connection
from tests.support.build import insert
from tests.support.clinics import Clinic, load_clinic
from tests.support.messages import never_quiet
from tests.support.shared import locked
from tests.worker.carriers import Carrier, Mailbox, carrier, smtp_server
from tests.worker.processes import WorkerProcess
from tests.worker.support import as_worker, create_login
from worker.database import Database


@pytest.fixture(scope="session")
def worker_login(template: str, shared_folder: Path) -> None:
    """The worker's login; after the template, whose migrations make the role it is a member of."""
    with locked(shared_folder / "worker-login.lock"):
        create_login(template)


@pytest.fixture
def worker_url(database: str, worker_login: None) -> str:
    """The URL with which a worker logs in to the test's database."""
    return as_worker(database)


@pytest.fixture
async def db(worker_url: str) -> AsyncIterator[Database]:
    """The worker's own access to the test's database."""
    async with Database(worker_url, pool_size=4) as opened:
        yield opened


@pytest.fixture
def root(actors: Actors) -> Connection:
    """A superuser's connection to the test's database."""
    return actors.superuser()


@pytest.fixture
def riverside(actors: Actors) -> Clinic:
    """The clinic in New York."""
    return load_clinic(actors, "riverside")


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    """A server that takes letters."""
    with smtp_server() as box:
        yield box


@pytest.fixture
def provider() -> Iterator[Carrier]:
    """A provider that takes text messages."""
    with carrier() as running:
        yield running


@pytest.fixture
def texting(root: Connection, riverside: Clinic) -> Connection:
    """Riverside confirms by text message, too, at any hour."""
    never_quiet(root)
    insert(root, "message_rules", clinic_id=riverside.id, kind="booked", channel="sms")
    return root


@pytest.fixture
def start_worker(worker_url: str, tmp_path: Path) -> Iterator[Callable[..., WorkerProcess]]:
    """Start worker processes on the test's database; they are gone after the test.

    Takes settings by their short names, such as `lease_lifetime=1`.
    """
    with ExitStack() as stack:

        def start(**settings: object) -> WorkerProcess:
            log = tmp_path / f"{uuid4().hex}.log"
            return stack.enter_context(WorkerProcess(log, {"database_url": worker_url} | settings))

        yield start
