"""The gateway: one origin for the Data API, Auth, Realtime and the web app, as Kong is on Supabase.

`python -m cli.local.gateway` serves it with the settings that CHAIRTIME_GATEWAY holds as JSON.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from cli.local.behind import SERVER_ERROR, Behind
from cli.local.door import Connection, Door, refusal
from cli.local.fairness import Fairness, Shares
from cli.local.gateway_settings import PRIMARY, REPLICA, GatewaySettings

READING = {"GET", "HEAD"}
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
EXPOSED_HEADERS = ["Content-Range", "Content-Location", "Preference-Applied", "Location", "Retry-After"]

NO_GZIP = re.compile(r"gzip\s*;\s*q=0(\.0*)?\s*(,|$)")

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
WEB_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


class Gateway:
    """Passes requests on to the servers behind it and serves the web app."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._settings = settings
        self._behind = Behind(settings.keys)

    def routes(self) -> list[BaseRoute]:
        """Return the routes; what is nobody else's is the web app's."""
        auth = partial(self._behind.answer, base=self._settings.auth_url)
        return [
            Route("/rest/v1/{path:path}", self._rest, methods=METHODS),
            Route("/auth/v1/{path:path}", auth, methods=METHODS),
            Route("/config.json", self._web_config),
            Route("/health", lambda _: Response("ok")),
            # Other parts of Supabase, or a part without what follows: not the web app's to answer.
            Route("/{part}/v1", _not_here, methods=METHODS),
            Route("/{part}/v1/{path:path}", _not_here, methods=METHODS),
            Route("/{path:path}", self._web, methods=["GET", "HEAD"]),
        ]

    async def close(self) -> None:
        """Close the connections to the servers behind."""
        await self._behind.close()

    async def _rest(self, request: Request) -> Response:
        """Ask the Data API as Supabase's load balancer does: the replica what is only read, if it answers."""
        primary, replica = self._settings.rest_url, self._settings.replica_url
        wanted = request.scope.get("server_name")
        if wanted == REPLICA and replica is None:
            return _not_here(request)
        if replica and (wanted == REPLICA or (wanted is None and request.method in READING)):
            answer = await self._behind.answer(request, replica)
            if wanted == REPLICA or answer.status_code < SERVER_ERROR:
                answer.headers["X-Served-By"] = REPLICA
                return answer
        return await self._behind.answer(request, primary)

    def _web_config(self, _: Request) -> Response:
        settings = self._settings
        replicated = {"primary": PRIMARY} if settings.replica_url else {}
        return JSONResponse(
            {"publishable_key": settings.keys.publishable_key, **replicated}, headers=WEB_HEADERS
        )

    def _web(self, request: Request) -> Response:
        """Serve a built file, or the app's page, whose router knows what to show."""
        root = self._settings.web_dir
        wanted = root / request.path_params["path"]
        if _is_file_in(root, wanted):
            forever = "/assets/" in request.url.path
            cache = "public, max-age=31536000, immutable" if forever else "no-cache"
            return FileResponse(wanted, headers={**WEB_HEADERS, "Cache-Control": cache})
        page = root / "index.html"
        if wanted.suffix or not page.exists():
            return JSONResponse({"message": "There is nothing here. `make web` builds the web app."}, 404)
        return FileResponse(page, headers={**WEB_HEADERS, "Cache-Control": "no-cache"})


def application(settings: GatewaySettings) -> ASGIApp:
    """Return the gateway with Realtime mounted on it."""
    from cli.local.realtime import Realtime, RealtimeSettings

    gateway = Gateway(settings)
    keys = settings.keys
    realtime = Realtime(
        RealtimeSettings(
            settings.realtime_database_url, keys.jwt_secret, keys.publishable_key, keys.secret_key
        )
    )

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(gateway.close)
            await stack.enter_async_context(realtime.lifespan())
            yield

    app = Starlette(
        routes=[*realtime.routes(), *gateway.routes()],
        middleware=[Middleware(Servers), Middleware(Gzip, minimum_size=1000, compresslevel=4)],
        exception_handlers={HTTPException: _say_http, Exception: _say_nothing},
        lifespan=lifespan,
    )
    anybody = partial(
        CORSMiddleware,
        allow_origins=["*"],
        allow_methods=[*METHODS, "OPTIONS"],
        allow_headers=["*"],
        expose_headers=EXPOSED_HEADERS,
        max_age=3600,
    )
    return Door(app, Fairness(Shares()), anybody)


class Servers:
    """Middleware: takes the name of a server off a path, and remembers it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve `/primary/rest/v1/…` and the like as what follows the name."""
        _, name, *rest = scope.get("path", "/").split("/", 3)
        if name in {PRIMARY, REPLICA} and rest[1:] and rest[1].startswith("v1"):
            scope = {**scope, "path": f"/{'/'.join(rest)}", "server_name": name}
        await self._app(scope, receive, send)


class Gzip(GZipMiddleware):
    """Starlette's compression, also for clients that name gzip only to refuse it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Compress the answer, if it may be."""
        asked = Headers(scope=scope) if scope["type"] == "http" else {}
        refused = NO_GZIP.search(asked.get("accept-encoding", ""))
        await (self.app if refused else super().__call__)(scope, receive, send)


def _is_file_in(root: Path, wanted: Path) -> bool:
    try:
        return wanted.is_file() and wanted.resolve().is_relative_to(root.resolve())
    except OSError:  # a name longer than any file's
        return False


def _not_here(request: Request) -> Response:
    return refusal(404, f"There is nothing at {request.url.path}")


def _say_http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - it is registered for no other
    return refusal(error.status_code, error.detail, dict(error.headers or {}))


def _say_nothing(_: Request, __: Exception) -> Response:
    return refusal(500, "Something went wrong here. The gateway's log says what.")


def server(settings: GatewaySettings) -> uvicorn.Server:
    """Return the gateway's server. It believes nobody about where they come from."""
    from cli.local.realtime import UVICORN

    options = {"http": Connection, "proxy_headers": False, "log_level": "error", "lifespan": "on", **UVICORN}
    return uvicorn.Server(uvicorn.Config(application(settings), **options))


def main() -> None:
    """Serve until told to end."""
    settings = GatewaySettings.from_json(os.environ["CHAIRTIME_GATEWAY"])
    server(settings).run(sockets=[socket.socket(fileno=settings.socket)])


if __name__ == "__main__":
    main()
