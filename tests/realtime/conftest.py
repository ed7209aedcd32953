"""A stand-in, a database with Supabase's platform and a few policies, and both real clients."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from cli.local.postgres import bootstrap
from tests.realtime.clients import Client, JsClient, PythonClient, install_supabase_js
from tests.realtime.server import PUBLISHABLE_KEY, Standin, serving, token
from tests.support.servers import with_database
from tests.support.shared import locked
from tests.support.templates import execute

CLIENTS: dict[str, type[Client]] = {"python": PythonClient, "js": JsClient}


@dataclass(frozen=True)
class Platform:
    """A database with nothing but the platform and `policies.sql`: who is in `members` may join a topic."""

    url: str

    def run(self, statement: str, *parameters: Any) -> None:
        """Execute and commit one statement as a superuser."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement, parameters or None)  # type: ignore[arg-type]

    def admit(self, topic: str, user: str, *, may_send: bool = False) -> None:
        """Let a user join a topic, and send to it, too."""
        self.run("insert into public.members values (%s, %s, %s)", topic, user, may_send)

    def expel(self, topic: str, user: str) -> None:
        """Take a user's rights to a topic away."""
        self.run("delete from public.members where topic = %s and user_id = %s", topic, user)

    def send(self, topic: str, event: str, payload: str, *, private: bool = True) -> None:
        """Broadcast from the database."""
        self.run("select realtime.send(%s::jsonb, %s, %s, %s)", payload, event, topic, private)


def make_platform(server: str, name: str) -> Platform:
    """Create a database with the platform in it."""
    with psycopg.connect(server, autocommit=True) as connection:
        # Roles are the whole server's: two platforms made at once would both create them.
        connection.execute("select pg_advisory_lock(hashtext('platform'))")
        execute(connection, "create database {} template template0", name)
        url = with_database(server, name)
        bootstrap(url)
    platform = Platform(url)
    platform.run(Path(__file__).with_name("policies.sql").read_text())
    return platform


@pytest.fixture(scope="session")
def platform(db_server: str, shared_folder: Path) -> Iterator[Platform]:
    """A database shared by all tests of this process; they stay apart by their topics."""
    name = f"realtime_{uuid.uuid4().hex[:12]}"
    with locked(shared_folder / "template.lock"):  # its roles are the whole server's, too
        platform = make_platform(db_server, name)
    yield platform
    with psycopg.connect(db_server, autocommit=True) as connection:
        execute(connection, "drop database {} with (force)", name)


@pytest.fixture(scope="session")
def standin(platform: Platform) -> Iterator[Standin]:
    """The stand-in that serves `platform`."""
    with serving(platform.url) as standin:
        yield standin


@pytest.fixture
def topic() -> str:
    """A topic of one's own."""
    return f"room:{uuid.uuid4()}"


@pytest.fixture
def user() -> str:
    """The id of a user of one's own."""
    return str(uuid.uuid4())


@pytest.fixture(scope="session")
def supabase_js() -> None:
    """The pinned supabase-js, installed beside its lock file."""
    install_supabase_js()


Connect = Callable[..., Awaitable[Client]]


@pytest.fixture
async def connect(standin: Standin, supabase_js: None) -> AsyncIterator[Connect]:
    """Connect real clients: `await connect("python" or "js", user)`; they are closed after the test."""
    async with AsyncExitStack() as stack:

        async def connect(
            kind: str, user: str | None = None, *, to: Standin | None = None, **about: Any
        ) -> Client:
            client = CLIENTS[kind]()
            await client.connect((to or standin).url, PUBLISHABLE_KEY)
            stack.push_async_callback(client.close)
            if user:
                await client.authorize(token(user, **about))
            return client

        yield connect


@pytest.fixture(params=sorted(CLIENTS))
def kind(request: pytest.FixtureRequest) -> str:
    """Which client: the test runs once with each."""
    name: str = request.param
    return name
