"""The gateway alone, in a thread, with a server behind it that does what a broken one does."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from cli.local.gateway import server
from cli.local.gateway_settings import GatewaySettings
from cli.local.keys import load_keys
from cli.local.ports import HOST, free_port, listen_near

HELD_PATIENCE = 30.0


@dataclass
class ServerBehind:
    """Answers with what it was asked, holds requests until told to let go, fails, dies."""

    held: Counter[str] = field(default_factory=Counter)  # now, by the address that the gateway tells
    let_go: threading.Event = field(default_factory=threading.Event)

    def application(self) -> Starlette:
        """Return it as an ASGI application."""
        return Starlette(
            routes=[
                Route("/hold", self._hold),
                Route("/fails", lambda _: Response("Traceback: password=hunter2", 500)),
                Route("/fails_in_json", self._fail_in_json),
                Route("/is_busy", self._is_busy),
                Route("/dies", lambda _: StreamingResponse(self._die(), headers={"content-length": "100"})),
                Route("/large", lambda _: JSONResponse(["the same again"] * 1000)),
                Route("/{path:path}", self._echo, methods=["GET", "POST"]),
            ]
        )

    async def _echo(self, request: Request) -> Response:
        path = request.scope["raw_path"].decode()
        body = (await request.body()).decode()
        told = {"path": path, "query": request.url.query, "body": body, "headers": request.headers.items()}
        return JSONResponse(told)

    async def _hold(self, request: Request) -> Response:
        address = request.headers["x-forwarded-for"]
        self.held[address] += 1
        while not self.let_go.is_set():  # noqa: ASYNC110 - by another thread
            await asyncio.sleep(0.005)
        self.held[address] -= 1
        return Response("let go")

    async def _fail_in_json(self, _: Request) -> Response:
        return JSONResponse({"message": "connect ECONNREFUSED 127.0.0.1:54322"}, 500)

    async def _is_busy(self, _: Request) -> Response:
        return JSONResponse({"code": "try_again", "message": "Try again."}, 503, {"Retry-After": "2"})

    async def _die(self) -> Any:
        yield b"a little, and then"
        raise SystemError("dead")


@contextmanager
def serving(running: uvicorn.Server, listening: socket.socket) -> Iterator[None]:
    """Serve in a thread while the block runs."""
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listening]})
    thread.start()
    while not running.started and thread.is_alive():
        time.sleep(0.005)
    try:
        yield
    finally:
        running.should_exit = True
        thread.join()


@dataclass(frozen=True)
class Alone:
    """A running gateway."""

    port: int
    key: str
    behind: ServerBehind

    def ask(self, target: str | bytes, method: str = "GET", body: bytes = b"", **options: Any) -> Answer:
        """Send a request exactly as it is written, on a connection of its own."""
        return ask(self.port, target, method, body, **{"headers": {"apikey": self.key}, **options})


@contextmanager
def gateway_alone(folder: Path, database_url: str) -> Iterator[Alone]:
    """Yield a gateway whose Auth is not there."""
    behind, keys = ServerBehind(), load_keys(folder / "keys.json")
    front, back = listen_near(0), listen_near(0)
    settings = GatewaySettings(
        socket=front.fileno(),
        rest_url=f"http://{HOST}:{back.getsockname()[1]}",
        auth_url=f"http://{HOST}:{free_port()}/auth/v1",
        realtime_database_url=database_url,
        keys=keys,
        web_dir=folder,
    )
    server_behind = uvicorn.Server(uvicorn.Config(behind.application(), log_level="critical"))
    with serving(server_behind, back), serving(server(settings), front):
        try:
            yield Alone(front.getsockname()[1], keys.publishable_key, behind)
        finally:
            behind.let_go.set()


@dataclass(frozen=True)
class Answer:
    """What came back, as it was written."""

    status: int
    headers: dict[str, str]
    body: bytes


def ask(
    port: int,
    target: str | bytes,
    method: str = "GET",
    body: bytes = b"",
    *,
    headers: dict[str, str] | None = None,
    address: str = HOST,
) -> Answer:
    """Send a request exactly as it is written, from this address, and read the answer to its end."""
    lines = {"Host": "gateway", "Connection": "close", **(headers or {})}
    if body:
        lines.setdefault("Content-Length", str(len(body)))
    raw = target if isinstance(target, bytes) else target.encode()
    head = b"".join(f"{name}: {value}\r\n".encode("latin-1") for name, value in lines.items())
    with connect(port, address) as connection:
        connection.sendall(method.encode() + b" " + raw + b" HTTP/1.1\r\n" + head + b"\r\n" + body)
        return read(connection)


def connect(port: int, address: str = HOST) -> socket.socket:
    """Open a connection from this address of the machine's own."""
    return socket.create_connection((HOST, port), timeout=HELD_PATIENCE, source_address=(address, 0))


def read(connection: socket.socket) -> Answer:
    """Read an answer after which the other side closes."""
    received = b""
    try:
        while chunk := connection.recv(65536):
            received += chunk
    except ConnectionResetError:  # it did not want to hear all that was said
        pass
    head, _, body = received.partition(b"\r\n\r\n")
    first, *rest = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in rest)}
    return Answer(int(first.split(" ")[1]), headers, body)
