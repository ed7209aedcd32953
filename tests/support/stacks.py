"""An embedded stack of one's own, shared by all test processes of a run, and clients for it."""

from __future__ import annotations

import json
import shutil
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import psycopg

from cli.local.keys import access_token
from cli.local.ports import free_port
from cli.local.postgres import superuser_url_of
from supabase import Client, ClientOptions, create_client
from tests.support.actors import Actors
from tests.support.index_use import WITHOUT_SCANS, note_index_use
from tests.support.shared import shared_resource
from tests.support.templates import ROOT

CHAIRTIME = Path(sys.executable).with_name("chairtime")
PASSWORD = "chairtime-demo"


@cache
def tls() -> ssl.SSLContext:
    """Return what every client has and no stack needs: making it costs more than most requests."""
    return httpx.create_ssl_context(trust_env=False)


@dataclass(frozen=True)
class Stack:
    """A running stack: what `chairtime status --json` says of it."""

    status: dict[str, Any]
    _open: ExitStack = field(default_factory=ExitStack)

    def close(self) -> None:
        """Close the connections of all clients."""
        self._open.close()

    @property
    def api_url(self) -> str:
        """The one origin."""
        url: str = self.status["api_url"]
        return url

    @property
    def publishable_key(self) -> str:
        """The key that clients carry."""
        key: str = self.status["publishable_key"]
        return key

    @property
    def secret_key(self) -> str:
        """The key of trusted servers."""
        key: str = self.status["secret_key"]
        return key

    @property
    def superuser_url(self) -> str:
        """The database, for who wants to look behind the API."""
        return superuser_url_of(self.status)

    def actors(self) -> Actors:
        """Return database connections to the stack, closed by the caller."""
        return Actors(self.superuser_url)

    def token(self, user_id: UUID | str, role: str = "authenticated", **more: Any) -> str:
        """Sign an access token as Supabase Auth would, valid for an hour, perhaps with more claims."""
        return access_token(self.status["jwt_secret"], str(user_id), role, **more)

    def client(self, token: str | None = None, key: str | None = None) -> Client:
        """Return a real supabase client: anonymous, or with an access token, or with another key."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        options = ClientOptions(
            schema="api",
            headers=headers,
            auto_refresh_token=False,
            persist_session=False,
            httpx_client=self._open.enter_context(httpx.Client(timeout=60, trust_env=False, verify=tls())),
        )
        return create_client(self.api_url, key or self.publishable_key, options)

    def sign_in(self, email: str, password: str = PASSWORD) -> Client:
        """Return a real supabase client that signed in through Auth."""
        client = self.client()
        client.auth.sign_in_with_password({"email": email, "password": password})
        return client

    def mailbox(self, address: str) -> list[dict[str, Any]]:
        """Return what lies in the mailbox for an address, or for a NUMBER@sms.local, the latest last."""
        answer = httpx.get(f"{self.status['mailbox_url']}/api/email", trust_env=False, verify=tls())
        return [mail for mail in answer.json() if mail["to"][0]["address"] == address]

    def mails(self, address: str) -> list[str]:
        """Return the texts of what was mailed to an address, the latest last."""
        return [mail["text"] for mail in self.mailbox(address)]

    def http(self, token: str | None = None, key: str | None = None) -> httpx.Client:
        """Return a plain HTTP client for the Data API."""
        headers = {"apikey": key or self.publishable_key, "Content-Profile": "api", "Accept-Profile": "api"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        base = f"{self.api_url}/rest/v1"
        # No connection outlives its request: the stack lets nobody have many, and clients stay until it ends.
        client = httpx.Client(
            base_url=base,
            headers=headers,
            timeout=60,
            trust_env=False,
            verify=tls(),
            limits=httpx.Limits(max_keepalive_connections=0),
        )
        return self._open.enter_context(client)


@contextmanager
def running_stack(shared: Path) -> Iterator[Stack]:
    """Yield a stack with fresh data on free ports, started by the first process and ended by the last."""
    root = shared / "stack"

    def start() -> dict[str, Any]:
        # What a start that failed has left is in nobody's way.
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir()
        for name in ("supabase", "web"):
            (root / name).symlink_to(ROOT / name)
        ports = ["--port", str(free_port()), "--db-port", str(free_port())]
        status = json.loads(_chairtime(root, "up", "--detach", "--json", *ports))
        forget_crashes(status)
        return status  # type: ignore[no-any-return]

    def stop(status: dict[str, Any]) -> None:
        try:
            note_index_use(superuser_url_of(status))
        finally:
            _chairtime(root, "down")

    with shared_resource(shared, "stack", start, stop) as status:
        stack = Stack(status)
        yield stack
        stack.close()


def forget_crashes(status: dict[str, Any]) -> None:
    """Let a running stack's database wait for no disk: nothing of a test must survive the machine's crash."""
    with psycopg.connect(superuser_url_of(status), autocommit=True) as connection:
        for name, value in {"fsync": "off", **WITHOUT_SCANS}.items():
            connection.execute(f"alter system set {name} = '{value}'".encode())
        connection.execute("select pg_reload_conf()")


def _chairtime(root: Path, *arguments: str) -> str:
    command = [str(CHAIRTIME), *arguments, "--workdir", str(root)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout
