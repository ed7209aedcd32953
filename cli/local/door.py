"""The gateway's door: connections that are too many, requests that never end, paths that mean two things.

What comes through has one path, as text and as it will be passed on, and a whole body of bearable size.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from typing import ClassVar
from urllib.parse import quote, unquote_to_bytes

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from cli.local.fairness import CrowdedOut, Fairness

CONNECTIONS = 300  # of one address
SOCKETS = 200  # of one address: more screens than a clinic has
HEAD_SECONDS = 10.0  # for the request line and the headers
HEAD_BYTES = 32_768
URL_BYTES = 8_192
BODY_SECONDS = 15.0
BODY_BYTES = 1_048_576
BYTES_A_SECOND = 20_000_000  # what an address pays for a body, in seconds
PENALTY = 0.03  # seconds that a request costs its address which is refused here
RETRY = {"Retry-After": "1"}
CLOSE = {"Connection": "close"}

# What RFC 3986 allows in a segment besides letters, digits and -._~, which are never escaped.
LITERAL = "!$&'()*+,=:@"

# What went no further was not valid, or may be sent again.
CODES = dict.fromkeys((400, 405, 408, 411, 413, 414, 415, 431), "invalid_argument")
CODES |= {401: "not_authenticated", 404: "not_found", 429: "try_again"}


class Refused(Exception):
    """A request that goes no further, and the answer to it."""

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.response = refusal(status, message, headers)


def refusal(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    """Answer as Supabase's gateway does when it is the one who refuses.

    It has a code of the API's where one fits: none does where the request may have reached a server behind.
    """
    code = CODES.get(status)
    return JSONResponse({"message": message} | ({"code": code} if code else {}), status, headers)


def one_path(raw: bytes) -> str:
    """Decode a path once, refusing what servers read in different ways. Raises Refused.

    Those are: dot segments, empty ones, escaped slashes, backslashes, control characters, and bytes that are
    no UTF-8.
    """
    try:
        segments = [unquote_to_bytes(segment).decode() for segment in raw.split(b"/")]
    except UnicodeDecodeError:
        raise Refused(400, "The path is not UTF-8") from None
    first, *rest = segments
    empty = "" in rest[:-1]
    if first or not rest or empty or any(map(_is_ambiguous, rest)):
        raise Refused(400, "The path is ambiguous: no empty or dot segments, slashes, or control characters")
    return "/".join(segments)


def _is_ambiguous(segment: str) -> bool:
    return segment in {".", ".."} or any(char in "/\\" or not char.isprintable() for char in segment)


def escaped(path: str) -> str:
    """Return the one way in which a path is written when it is passed on."""
    return quote(path, safe="/" + LITERAL)


class Door:
    """Middleware: lets in what is well formed, a fair share of each address at a time.

    `dress` is put around the application and around each refusal, so that browsers may read both.
    """

    def __init__(self, app: ASGIApp, fairness: Fairness, dress: Callable[[ASGIApp], ASGIApp]) -> None:
        self._app = dress(app)
        self._fairness = fairness
        self._dress = dress
        self._sockets: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request or a socket."""
        if scope["type"] == "http":
            await self._serve(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._connect(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        with suppress(ClientDisconnect):
            try:
                _measure(scope)
                scope["path"] = one_path(scope["raw_path"])
                body = await _read(Request(scope, receive))
                app, least = self._app, len(body) / BYTES_A_SECOND
            except Refused as refused:
                body, app, least = b"", self._dress(refused.response), PENALTY
            try:
                async with self._fairness.turn(address_of(scope), least):
                    answer = await _collect(app, scope, _once(body, receive))
            except CrowdedOut:
                answer = await _collect(self._dress(refusal(429, "Too many requests", RETRY)), scope, receive)
            for message in answer:
                await send(message)

    async def _connect(self, scope: Scope, receive: Receive, send: Send) -> None:
        address = address_of(scope)
        websocket = WebSocket(scope, receive, send)
        try:
            async with self._fairness.turn(address, PENALTY):  # one too many costs as much as any other
                scope["path"] = one_path(scope["raw_path"])
                if self._sockets[address] >= SOCKETS:
                    raise Refused(429, "Too many connections", RETRY)
                self._sockets[address] += 1
        except Refused as refused:
            await websocket.send_denial_response(refused.response)
        except CrowdedOut:
            await websocket.send_denial_response(refusal(429, "Too many requests", RETRY))
        else:
            await self._keep(address, scope, receive, send)

    async def _keep(self, address: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a socket that has been counted."""
        try:
            await self._app(scope, receive, send)
        finally:
            self._sockets[address] -= 1
            if not self._sockets[address]:
                del self._sockets[address]


def address_of(scope: Scope) -> str:
    """Return who asks. Behind a proxy everybody has the proxy's address."""
    return scope["client"][0] if scope["client"] else ""


def _measure(scope: Scope) -> None:
    """Refuse what is too long to be passed on."""
    if len(scope["raw_path"]) + len(scope["query_string"]) > URL_BYTES:
        raise Refused(414, f"The URL is longer than {URL_BYTES} bytes", CLOSE)
    if sum(len(name) + len(value) for name, value in scope["headers"]) > HEAD_BYTES:
        raise Refused(431, f"The headers are larger than {HEAD_BYTES} bytes", CLOSE)


async def _read(request: Request) -> bytes:
    """Return the body. Raises Refused, and ClientDisconnect."""
    declared = request.headers.get("content-length", "0")
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            if int(declared) <= BODY_BYTES:
                async for chunk in request.stream():
                    body += chunk
                    if len(body) > BODY_BYTES:
                        break
                else:
                    return bytes(body)
    except TimeoutError:
        raise Refused(408, "The body did not arrive in time", CLOSE) from None
    raise Refused(413, f"The body is larger than {BODY_BYTES} bytes", CLOSE)


def _once(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that tells of a body that has been read already, then of what follows."""
    told = False

    async def again() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


async def _collect(app: ASGIApp, scope: Scope, receive: Receive) -> list[Message]:
    """Return the whole answer, so that a client that reads slowly keeps nobody's place."""
    answer: list[Message] = []

    async def keep(message: Message) -> None:
        answer.append(message)

    await app(scope, receive, keep)
    return answer


class Connection(HttpToolsProtocol):
    """uvicorn's protocol with what it lacks: limits to the time and size of a head, and to connections."""

    _open: ClassVar[Counter[str]] = Counter()
    _address = ""
    _head: asyncio.TimerHandle | None = None
    _head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Count the connection; refuse it if its address has too many."""
        super().connection_made(transport)
        self._address = self.client[0] if self.client else ""
        self._open[self._address] += 1
        self._expect_head()
        if self._open[self._address] > CONNECTIONS:
            self._refuse(429, "Too many connections")

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._release()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Feed the parser, unless the head has grown too large."""
        if self.transport.is_closing():
            return
        super().data_received(data)
        if self._head:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES + URL_BYTES:
                self._refuse(431, "The headers are too large")

    def on_message_begin(self) -> None:
        """Start the clock for another request on the same connection."""
        super().on_message_begin()
        self._expect_head()

    def on_headers_complete(self) -> None:
        """Stop the clock."""
        self._stop_clock()
        super().on_headers_complete()

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection over; from here on it counts as a socket."""
        self._release()
        super().handle_websocket_upgrade()

    def send_400_response(self, msg: str) -> None:
        """Say in JSON, too, what could not even be parsed."""
        self._refuse(400, "This is not a valid HTTP request")

    def _expect_head(self) -> None:
        self._stop_clock()
        self._head_bytes = 0
        self._head = self.loop.call_later(
            HEAD_SECONDS, self._refuse, 408, "The request did not arrive in time"
        )

    def _stop_clock(self) -> None:
        if self._head:
            self._head.cancel()
            self._head = None

    def _release(self) -> None:
        self._stop_clock()
        if self._address:
            self._open[self._address] -= 1
            if not self._open[self._address]:
                del self._open[self._address]
            self._address = ""

    def _refuse(self, status: int, message: str) -> None:
        body = json.dumps({"message": message}).encode()
        head = (
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\nretry-after: 1\r\nconnection: close\r\n\r\n"
        )
        self._stop_clock()
        if not self.transport.is_closing():
            self.transport.write(head.encode() + body)
            self.transport.close()
