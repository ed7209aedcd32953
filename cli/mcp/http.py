"""The tools over streamable HTTP, for whoever brings the token: no address is taken for a safe one."""

import secrets
from collections.abc import Sequence

import uvicorn
from mcp.server.transport_security import TransportSecuritySettings
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from cli.mcp.server import ToolServer

LOCAL = ("127.0.0.1", "localhost", "::1")
MAX_BODY = 64 * 1024  # a tool's arguments are a few hundred bytes


class BearerToken:
    """ASGI middleware: 401 without `Authorization: Bearer TOKEN`."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._expected = f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on if it brings the token."""
        if scope["type"] == "http" and not self._admits(Headers(scope=scope)):
            error = {"code": "not_authenticated", "message": "A bearer token is needed."}
            challenge = {"WWW-Authenticate": "Bearer"}
            await JSONResponse({"error": error}, 401, challenge)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _admits(self, headers: Headers) -> bool:
        given = headers.get("authorization", "").encode()
        return secrets.compare_digest(given, self._expected)


def authority(host: str, port: int) -> str:
    """Return host and port as a URL has them: `127.0.0.1:8765`, `[::1]:8765`."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def make_app(server: ToolServer, token: str, host: str, port: int, names: Sequence[str] = ()) -> ASGIApp:
    """Return the ASGI application that serves the tools at /mcp.

    `names` are the Host headers that reach it besides the address it listens on, such as `bot.example.org`.
    Other Hosts get 421 and pages of other Origins 403: no web page talks to it by way of somebody's browser.
    """
    hosts = [*(authority(name, port) for name in (*LOCAL, host)), *names]
    security = TransportSecuritySettings(
        allowed_hosts=hosts,
        allowed_origins=[f"{scheme}://{name}" for name in hosts for scheme in ("http", "https")],
    )
    app = server.streamable_http_app(host=host, transport_security=security, max_request_body_size=MAX_BODY)
    return BearerToken(app, token)


async def serve(server: ToolServer, token: str, host: str, port: int, names: Sequence[str] = ()) -> None:
    """Serve until interrupted."""
    app = make_app(server, token, host, port, names)
    await uvicorn.Server(uvicorn.Config(app, host=host, port=port, log_level="warning")).serve()
