"""The stand-in alone, served by uvicorn in a thread, and the tokens it accepts."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import jwt
import uvicorn

from cli.local.ports import free_port
from cli.local.realtime import UVICORN, Realtime, RealtimeSettings, application

JWT_SECRET = "a-secret-that-only-tests-know-and-that-is-long-enough-for-any-algorithm"
PUBLISHABLE_KEY = "sb_publishable_for-tests"
SECRET_KEY = "sb_secret_for-tests"


def token(sub: str = "", *, role: str = "authenticated", lifetime: float = 600, **claims: Any) -> str:
    """Sign a token for a user; `lifetime` is in seconds, negative for one that has expired."""
    payload = {"sub": sub, "role": role, "exp": int(time.time() + lifetime), **claims}
    return jwt.encode(
        {name: value for name, value in payload.items() if value is not None}, JWT_SECRET, "HS256"
    )


@dataclass
class Standin:
    """A running stand-in."""

    port: int
    realtime: Realtime
    _server: uvicorn.Server
    _thread: threading.Thread

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def websocket_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/realtime/v1/websocket"

    @classmethod
    def start(cls, database_url: str, *, port: int | None = None, **settings: Any) -> Standin:
        """Serve a database, and return once connections are accepted."""
        port = port or free_port()
        about = RealtimeSettings(database_url, JWT_SECRET, PUBLISHABLE_KEY, SECRET_KEY, **settings)
        app = application(about)
        config = uvicorn.Config(app, port=port, log_level="warning", **UVICORN)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run)
        thread.start()
        while not server.started:
            if not thread.is_alive():
                raise RuntimeError("the stand-in did not start")
            time.sleep(0.01)
        return cls(port, app.state.realtime, server, thread)

    def stop(self) -> None:
        """Stop serving; clients are told to come back."""
        self._server.should_exit = True
        self._thread.join()


@contextmanager
def serving(database_url: str, **settings: Any) -> Iterator[Standin]:
    """Serve a database while the context lasts."""
    standin = Standin.start(database_url, **settings)
    try:
        yield standin
    finally:
        standin.stop()
