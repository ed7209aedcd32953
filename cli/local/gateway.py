"""The gateway: one origin for the Data API, Auth, Realtime and the web app, as Kong is on Supabase.

`python -m cli.local.gateway` serves it with the settings that CHAIRTIME_GATEWAY holds as JSON.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from cli.local.keys import Keys
from cli.local.ports import HOST

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]

# What concerns one connection only, and what the gateway answers for itself.
NOT_PASSED_ON = {
    *("host", "connection", "keep-alive", "transfer-encoding", "te", "upgrade", "content-length", "expect"),
}
NOT_PASSED_BACK = {"connection", "keep-alive", "transfer-encoding", "date", "server", "vary"}
EXPOSED = ["Content-Range", "Content-Location", "Preference-Applied", "Location", "Retry-After"]

# Links in mails are followed without a key.
OPEN_PATHS = ("/auth/v1/verify", "/auth/v1/callback", "/auth/v1/authorize")

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


@dataclass(frozen=True)
class GatewaySettings:
    """What the gateway needs to know: where to listen, whom to ask, which keys to accept."""

    socket: int  # the file descriptor of a listening socket, inherited
    rest_url: str  # the Data API's base; what follows `/rest/v1/` is appended
    auth_url: str  # Auth's base; what follows `/auth/v1/` is appended
    realtime_database_url: str
    keys: Keys
    web_dir: Path

    def to_json(self) -> str:
        """Return the settings as from_json reads them."""
        return json.dumps(asdict(self), default=str)

    @classmethod
    def from_json(cls, text: str) -> GatewaySettings:
        """Read what to_json wrote."""
        values = json.loads(text)
        return cls(**values | {"keys": Keys(**values["keys"]), "web_dir": Path(values["web_dir"])})


class Gateway:
    """Passes requests on to the servers behind it and serves the web app."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._settings = settings
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=64)
        # A request may wait for a lock as long as the database lets it.
        self._client = httpx.AsyncClient(limits=limits, timeout=httpx.Timeout(60, connect=5), trust_env=False)

    def routes(self) -> list[BaseRoute]:
        """Return the routes; what is nobody else's is the web app's."""
        return [
            Route("/rest/v1/{path:path}", self._rest, methods=METHODS),
            Route("/auth/v1/{path:path}", self._auth, methods=METHODS),
            Route("/config.json", self._web_config),
            Route("/health", lambda _: Response("ok")),
            Route("/{path:path}", self._web, methods=["GET", "HEAD"]),
        ]

    async def close(self) -> None:
        """Close the connections to the servers behind."""
        await self._client.aclose()

    async def _rest(self, request: Request) -> Response:
        return await self._pass_on(request, self._settings.rest_url)

    async def _auth(self, request: Request) -> Response:
        return await self._pass_on(request, self._settings.auth_url)

    async def _pass_on(self, request: Request, base: str) -> Response:
        key = request.headers.get("apikey") or request.query_params.get("apikey")
        role = self._settings.keys.role_of(key) if key else None
        if role is None and not request.url.path.startswith(OPEN_PATHS):
            return refuse_key(key)
        headers = [item for item in request.headers.items() if item[0] not in NOT_PASSED_ON]
        headers.append(("x-forwarded-for", request.client.host if request.client else HOST))
        if role is not None:
            headers = self._with_authorization(headers, role)
        query = "&".join(item for item in request.url.query.split("&") if not item.startswith("apikey="))
        url = httpx.URL(f"{base}/{request.path_params['path']}", query=query.encode())
        body = request.stream() if _has_body(request) else None
        try:
            upstream = self._client.build_request(request.method, url, headers=headers, content=body)
            answer = await self._client.send(upstream, stream=True)
        except httpx.TransportError:
            return JSONResponse({"message": "The server behind does not answer"}, 503, {"Retry-After": "1"})
        return _pass_back(answer)

    def _with_authorization(self, headers: list[tuple[str, str]], role: str) -> list[tuple[str, str]]:
        """Let a key speak for its role, unless the request carries a user's token."""
        given = next((value for name, value in headers if name == "authorization"), "")
        token = given.partition(" ")[2]
        if token and self._settings.keys.role_of(token) is None and not token.startswith("sb_"):
            return headers
        others = [item for item in headers if item[0] != "authorization"]
        return [*others, ("authorization", f"Bearer {self._settings.keys.token_of(role)}")]

    def _web_config(self, _: Request) -> Response:
        return JSONResponse({"publishable_key": self._settings.keys.publishable_key}, headers=WEB_HEADERS)

    def _web(self, request: Request) -> Response:
        """Serve a built file, or the app's page, whose router knows what to show."""
        root = self._settings.web_dir
        wanted = (root / request.path_params["path"]).resolve()
        if wanted.is_file() and wanted.is_relative_to(root.resolve()):
            forever = "/assets/" in request.url.path
            cache = "public, max-age=31536000, immutable" if forever else "no-cache"
            return FileResponse(wanted, headers={**WEB_HEADERS, "Cache-Control": cache})
        page = root / "index.html"
        if wanted.suffix or not page.exists():
            return JSONResponse({"message": "There is nothing here. `make web` builds the web app."}, 404)
        return FileResponse(page, headers={**WEB_HEADERS, "Cache-Control": "no-cache"})


def refuse_key(key: str | None) -> Response:
    """Answer like Supabase's gateway to a request without an API key, or with one that it does not know."""
    if key is None:
        hint = "No `apikey` request header or url param was found."
        return JSONResponse({"message": "No API key found in request", "hint": hint}, 401)
    hint = "Double check the API key that `chairtime status` shows."
    return JSONResponse({"message": "Invalid API key", "hint": hint}, 401)


def _has_body(request: Request) -> bool:
    return "transfer-encoding" in request.headers or request.headers.get("content-length", "0") != "0"


def _pass_back(answer: httpx.Response) -> Response:
    response = StreamingResponse(
        answer.aiter_raw(), answer.status_code, background=BackgroundTask(answer.aclose)
    )
    headers = MutableHeaders()
    for name, value in answer.headers.multi_items():
        if name not in NOT_PASSED_BACK and not name.startswith("access-control-"):
            headers.append(name, value)
    response.raw_headers = headers.raw
    return response


def application(settings: GatewaySettings) -> Starlette:
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

    anybody = Middleware(
        CORSMiddleware,
        allow_origins=["*"],
        allow_methods=[*METHODS, "OPTIONS"],
        allow_headers=["*"],
        expose_headers=EXPOSED,
        max_age=3600,
    )
    return Starlette(routes=[*realtime.routes(), *gateway.routes()], middleware=[anybody], lifespan=lifespan)


def main() -> None:
    """Serve until told to end."""
    import uvicorn

    from cli.local.realtime import UVICORN

    settings = GatewaySettings.from_json(os.environ["CHAIRTIME_GATEWAY"])
    config = uvicorn.Config(application(settings), log_level="warning", **UVICORN)
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=settings.socket)])


if __name__ == "__main__":
    main()
