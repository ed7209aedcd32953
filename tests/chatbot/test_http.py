"""The tools over HTTP: whoever reaches the address still needs the token, and no web page gets through."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from cli.mcp.http import MAX_BODY, make_app
from cli.mcp.server import make_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

TOKEN = "correct horse"
RIGHT = {"Authorization": f"Bearer {TOKEN}"}
CALL = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
SPEAKS = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}


@asynccontextmanager
async def served(host: str, *names: str) -> AsyncIterator[httpx.AsyncClient]:
    """Yield a client of the tools, as if they listened on this address."""
    server = make_server(None)
    app = make_app(server, TOKEN, host, 8765, names)
    transport = httpx.ASGITransport(app=app)  # type: ignore[arg-type]
    async with (
        server.session_manager.run(),
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8765") as client,
    ):
        yield client


async def status(client: httpx.AsyncClient, headers: dict[str, str], **body: Any) -> int:
    answer = await client.post("/mcp", json=CALL | body, headers=SPEAKS | headers)
    return answer.status_code


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "::1"])  # noqa: S104 - that is the point
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": TOKEN},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": "Bearer "},
    ],
)
async def test_nobody_passes_without_the_token(host: str, headers: dict[str, str]) -> None:
    async with served(host) as client:
        assert await status(client, headers) == 401
        assert (await client.get("/mcp", headers=headers)).status_code == 401
        assert await status(client, RIGHT) not in (401, 403, 421)


async def test_bytes_that_are_no_text_are_no_token() -> None:
    async with served("127.0.0.1") as client:
        answer = await client.post("/mcp", json=CALL, headers=[(b"Authorization", b"Bearer \xff\xfe")])
    assert answer.status_code == 401


async def test_an_address_of_ipv6_is_a_name_like_any_other() -> None:
    async with served("::1") as client:
        assert await status(client, RIGHT | {"Host": "[::1]:8765"}) not in (401, 403, 421)


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])  # noqa: S104 - that is the point
async def test_a_name_that_was_not_given_is_not_served(host: str) -> None:
    async with served(host, "bot.example.org") as client:
        assert await status(client, RIGHT | {"Host": "evil.example.org:8765"}) == 421
        assert await status(client, RIGHT | {"Host": "bot.example.org"}) not in (401, 403, 421)


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])  # noqa: S104 - that is the point
async def test_pages_of_other_origins_are_refused(host: str) -> None:
    async with served(host) as client:
        assert await status(client, RIGHT | {"Origin": "https://evil.example.org"}) == 403
        assert await status(client, RIGHT | {"Origin": "null"}) == 403
        assert await status(client, RIGHT | {"Origin": "http://localhost:8765"}) not in (401, 403, 421)


async def test_a_large_body_is_refused() -> None:
    async with served("127.0.0.1") as client:
        assert await status(client, RIGHT, padding="x" * MAX_BODY) == 413
