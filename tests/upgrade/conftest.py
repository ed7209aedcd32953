"""Fixtures for upgrades: databases of release 0.1, each a clone of one that was restored."""

from __future__ import annotations

import os
from collections.abc import Iterator

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from tests.cli.program import Program
from tests.support.actors import Actors
from tests.support.servers import with_database
from tests.support.shared import locked
from tests.support.templates import ROOT, clone, drop, execute
from tests.upgrade.release_0_1 import restore


@pytest.fixture(scope="session")
def old_template(db_server: str, shared_folder: os.PathLike[str]) -> str:
    """The URL of a database of release 0.1 with its month of data, to be cloned."""
    name = "chairtime_0_1"
    with locked(shared_folder / "template.lock"), psycopg.connect(db_server, autocommit=True) as connection:  # type: ignore[operator]
        if not connection.execute("select from pg_database where datname = %s", [name]).rowcount:
            execute(connection, "drop database if exists {} with (force)", f"{name}_unfinished")
            execute(connection, "create database {} template template0", f"{name}_unfinished")
            restore(with_database(db_server, f"{name}_unfinished"))
            execute(connection, "alter database {} rename to {}", f"{name}_unfinished", name)
    return with_database(db_server, name)


@pytest.fixture
def old_database(old_template: str) -> Iterator[str]:
    """A superuser's URL of a database of release 0.1."""
    url = clone(old_template)
    with psycopg.connect(url, autocommit=True) as connection:
        # A clone has not the settings of what it was made of.
        execute(connection, "alter database {} owner to postgres", url.rpartition("/")[2])
    yield url
    drop(url)


@pytest.fixture
def old_actors(old_database: str) -> Iterator[Actors]:
    """Connections to it for everybody who calls the API."""
    actors = Actors(old_database)
    yield actors
    actors.close()


@pytest.fixture
def migrator(old_database: str) -> str:
    """Its URL for the role that migrates, which is not a superuser."""
    return make_conninfo(old_database, options="-c role=postgres")


@pytest.fixture
def program(old_database: str) -> Program:
    """`chairtime` of this checkout, with that database."""
    scheme, _, rest = old_database.partition("://")
    return Program(ROOT, {"SUPABASE_DB_URL": f"{scheme}://postgres:postgres@{rest.rpartition('@')[2]}"})
