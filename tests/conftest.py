"""Fixtures for everybody: a server, a template, and a database of one's own."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.register_assert_rewrite("tests.support")

from tests.support import sessions  # noqa: E402
from tests.support.actors import Actors  # noqa: E402 - its asserts are to be rewritten
from tests.support.databases import Databases  # noqa: E402
from tests.support.leftovers import watch_over_this_run  # noqa: E402
from tests.support.servers import running_server  # noqa: E402
from tests.support.shared import locked  # noqa: E402
from tests.support.stacks import Stack, running_stack  # noqa: E402
from tests.support.templates import create_template  # noqa: E402


def pytest_configure() -> None:
    """Leave nothing behind, even if this run is killed; and let what it starts hear Ctrl-C.

    A shell that runs this in the background has it ignored, and children inherit that.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    watch_over_this_run()


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A folder that all workers of this run have in common."""
    base = tmp_path_factory.getbasetemp()
    return base if worker_id == "master" else base.parent


@pytest.fixture(scope="session")
def db_server(shared_folder: Path) -> Iterator[str]:
    """A superuser's URL of the Postgres server the tests run on."""
    with running_server(shared_folder) as url:
        yield url


@pytest.fixture(scope="session")
def template(db_server: str, shared_folder: Path) -> str:
    """The URL of the migrated and seeded database that is cloned for every test."""
    with locked(shared_folder / "template.lock"):
        return create_template(db_server)


@pytest.fixture(scope="session")
def databases(template: str) -> Iterator[Databases]:
    """The databases that are lent to the tests of this process."""
    databases = Databases(template)
    yield databases
    databases.close()


@pytest.fixture
def database(databases: Databases) -> Iterator[str]:
    """A superuser's URL of a database of one's own, migrated and seeded, and nothing else in it."""
    with databases.lend() as url:
        yield url


@pytest.fixture
def actors(database: str) -> Iterator[Actors]:
    """Connections to the test's database for everybody who calls the API."""
    actors = Actors(database)
    yield actors
    actors.close()


@pytest.fixture(scope="session")
def stack(shared_folder: Path) -> Iterator[Stack]:
    """A running embedded stack with the seed in it, for tests through HTTP; all tests share it.

    Nobody resets it between tests: bring a clinic and people of your own (`tests.support.build`).
    """
    with running_stack(shared_folder) as stack, sessions.kept_open(stack.superuser_url):
        yield stack
