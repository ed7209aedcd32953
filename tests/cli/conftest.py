"""Fixtures for the command line: a project folder, an empty database, and the program itself."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path

import psycopg
import pytest

from cli.local.postgres import bootstrap
from tests.cli.program import Program
from tests.support.servers import with_database
from tests.support.shared import locked
from tests.support.stacks import Stack
from tests.support.templates import ROOT, execute

_numbers = count()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project folder without migrations."""
    (tmp_path / "supabase" / "migrations").mkdir(parents=True)
    return tmp_path


@pytest.fixture
def empty_database(db_server: str, shared_folder: Path) -> Iterator[str]:
    """The URL, as `postgres`, of a database with what Supabase provides and nothing of ours."""
    with an_empty_database(db_server, shared_folder) as url:
        yield url


@pytest.fixture
def three_databases(db_server: str, shared_folder: Path) -> Iterator[list[str]]:
    """The URLs of three that are as empty."""
    with ExitStack() as made:
        yield [made.enter_context(an_empty_database(db_server, shared_folder)) for _ in range(3)]


@contextmanager
def an_empty_database(db_server: str, shared_folder: Path) -> Iterator[str]:
    """Make one, yield its URL, and drop it."""
    name = f"chairtime_cli_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(db_server, autocommit=True) as connection:
        execute(connection, "create database {} template template0", name)
        try:
            with locked(shared_folder / "template.lock"):  # roles are the whole server's: one makes them
                bootstrap(with_database(db_server, name))
            execute(connection, "alter database {} owner to postgres", name)
            yield as_postgres(with_database(db_server, name))
        finally:
            execute(connection, "drop database {} with (force)", name)


def as_postgres(url: str) -> str:
    """Return the same database's URL for the role that migrates."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://postgres:postgres@{rest.rpartition('@')[2]}"


@pytest.fixture
def program(project: Path, empty_database: str) -> Program:
    """`chairtime` in the project, with the empty database."""
    return Program(project, {"SUPABASE_DB_URL": empty_database})


@pytest.fixture
def desk(stack: Stack, tmp_path: Path) -> Program:
    """`chairtime` against the running stack, with the secret key, in a folder without a session."""
    (tmp_path / "supabase").symlink_to(ROOT / "supabase")
    return Program(
        tmp_path,
        {
            "SUPABASE_URL": stack.api_url,
            "SUPABASE_PUBLISHABLE_KEY": stack.publishable_key,
            "SUPABASE_SECRET_KEY": stack.secret_key,
            "SUPABASE_DB_URL": stack.status["db_url"],
            "CHAIRTIME_WORKER_URL": stack.status["worker_url"],
        },
    )
