"""A stand-in for Supabase Realtime: one process, one database, the same protocol.

It serves broadcast and presence to the real clients, unchanged, and lets the database's policies decide who
may join, as the real server does. It is no cluster, and does not serve `postgres_changes`.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.websockets import WebSocket

from cli.local.realtime.connection import Connection
from cli.local.realtime.database import Database
from cli.local.realtime.http import broadcast_batch, broadcast_one, x_headers
from cli.local.realtime.hub import Hub
from cli.local.realtime.listener import Listener
from cli.local.realtime.protocol import Vsn
from cli.local.realtime.services import Services
from cli.local.realtime.tokens import TokenError, Tokens

UVICORN: Final[Mapping[str, Any]] = {
    "ws_max_size": 5_000_000,  # bytes of a frame, as on Supabase
    "ws_per_message_deflate": False,  # it would compress each frame once per subscriber
    "timeout_graceful_shutdown": 5,  # seconds: a client that reads nothing cannot hold up the end
}


@dataclass(frozen=True)
class RealtimeSettings:
    """What the stand-in needs to know; the limits are generous versions of the hosted ones."""

    database_url: str  # as a role that may assume anon, authenticated and service_role
    jwt_secret: str
    publishable_key: str
    secret_key: str
    max_connections: int = 2_000
    max_channels: int = 100  # of one connection
    max_payload: int = 256_000  # bytes of a client's broadcast
    max_backlog: int = 4_000_000  # bytes queued for a slow reader before it is dropped
    idle_timeout: float = 60  # seconds; clients send a heartbeat every 25
    database_connections: int = 8
    max_messages: int | None = None  # a second, each delivery counted, as a hosted tenant's limit does
    replication_delay: float = 0  # seconds after the first join in which the database is not heard, for tests


class NotAdmitted(Exception):
    """A handshake that is refused, and the HTTP status that says so."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Realtime:
    """The server: mount its `routes`, and keep its `lifespan` open while they are served."""

    def __init__(self, settings: RealtimeSettings) -> None:
        self.hub = Hub(settings.max_messages, settings.replication_delay)
        self._database = Database(settings.database_url, connections=settings.database_connections)
        self._listener = Listener(
            settings.database_url,
            self._database,
            on_messages=self.hub.publish_messages,
            on_loss=lambda: self.hub.disconnect_all("database lost"),
        )
        self._services = Services(
            hub=self.hub,
            tokens=Tokens(settings.jwt_secret, settings.publishable_key, settings.secret_key),
            database=self._database,
            listener=self._listener,
            max_channels=settings.max_channels,
            max_payload=settings.max_payload,
            max_backlog=settings.max_backlog,
            idle_timeout=settings.idle_timeout,
        )
        self._max_connections = settings.max_connections

    def routes(self) -> list[BaseRoute]:
        """Return the routes, all below `/realtime/v1`."""
        return [
            Mount(
                "/realtime/v1",
                routes=[
                    WebSocketRoute("/websocket", self._websocket),
                    Route("/api/broadcast", self._broadcast_batch, methods=["POST"]),
                    Route("/api/broadcast/{topic}/events/{event}", self._broadcast_one, methods=["POST"]),
                ],
            )
        ]

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """Listen to the database, for as long as the context lasts."""
        await self._database.open()
        listening = asyncio.create_task(self._listener.run())
        try:
            yield
        finally:
            listening.cancel()
            with suppress(asyncio.CancelledError):
                await listening
            await self._database.close()

    async def _websocket(self, websocket: WebSocket) -> None:
        token = websocket.headers.get("x-api-key") or websocket.query_params.get("apikey", "")
        try:
            vsn = self._admit(token, websocket.query_params.get("vsn", Vsn.V1))
        except NotAdmitted as refusal:
            await websocket.send_denial_response(JSONResponse({"error": str(refusal)}, refusal.status))
        else:
            await websocket.accept()
            await Connection(websocket, self._services, vsn, token, x_headers(websocket.headers)).serve()

    def _admit(self, token: str, vsn: str) -> Vsn:
        if not token:
            raise NotAdmitted(401, "API key is missing")
        if len(self.hub.connections) >= self._max_connections:
            raise NotAdmitted(429, "Too many connected users")
        try:
            self._services.tokens.claims(token)
            return Vsn(vsn)
        except TokenError as error:
            raise NotAdmitted(401, error.message) from error
        except ValueError as error:
            raise NotAdmitted(400, "Unsupported protocol version") from error

    async def _broadcast_batch(self, request: Request) -> Response:
        return await broadcast_batch(request, self._services)

    async def _broadcast_one(self, request: Request) -> Response:
        return await broadcast_one(request, self._services)


def application(settings: RealtimeSettings) -> Starlette:
    """Return an application that serves nothing else, for tests and benchmarks."""
    realtime = Realtime(settings)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with realtime.lifespan():
            yield

    app = Starlette(routes=realtime.routes(), lifespan=lifespan)
    app.state.realtime = realtime
    return app
