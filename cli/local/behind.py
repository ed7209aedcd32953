"""Asking the servers behind the gateway: who may, in whose name, and what of their answers is passed back."""

from __future__ import annotations

import json
import re
from urllib.parse import quote, unquote_plus

import aiohttp
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from yarl import URL

from cli.local.door import RETRY, escaped, refusal
from cli.local.keys import Keys

# Links in mails are followed without a key.
OPEN_PATHS = {"/auth/v1/verify", "/auth/v1/callback", "/auth/v1/authorize"}

# What concerns one connection only, what the gateway says or does itself, and what nobody else may say.
NOT_PASSED_ON = {
    *("host", "connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "content-length"),
    *("expect", "accept-encoding", "proxy-authorization", "proxy-connection", "forwarded", "x-real-ip"),
}
NOT_PASSED_BACK = {
    *("connection", "keep-alive", "transfer-encoding", "trailer", "upgrade", "date", "server", "vary"),
    "content-length",
}

# Whatever may stand in a query as it is; anything else is escaped.
QUERY_SAFE = "%!$'()*+,;=:@/?-._~"

SERVER_ERROR = 500
# A server's own 500 speaks of its insides. An SQLSTATE, PostgREST's codes and ours are meant for clients.
MEANT_FOR_CLIENTS = re.compile(r"[0-9A-Z]{5}|PGRST\w+|[a-z]+(_[a-z]+)*")


class Behind:
    """The servers behind, asked over connections that are kept."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._session: aiohttp.ClientSession | None = None

    async def answer(self, request: Request, base: str) -> Response:
        """Ask a server at `base` what was asked of us below its prefix."""
        query, key = _without_key(request)
        role = self._keys.role_of(key) if key else None
        if role is None and request.url.path not in OPEN_PATHS:
            return refuse_key(key)
        url = f"{base}/{escaped(request.path_params['path'])}?{query}".rstrip("?")
        return await self._ask(request, URL(url, encoded=True), self._headers(request, role))

    async def close(self) -> None:
        """Close the connections."""
        if self._session:
            await self._session.close()

    async def _ask(self, request: Request, url: URL, headers: list[tuple[str, str]]) -> Response:
        body = await request.body()
        try:
            async with self._connected().request(
                request.method, url, headers=headers, data=body or None, allow_redirects=False
            ) as answer:
                return _passed_back(request.method, answer, await answer.read())
        except aiohttp.ClientConnectorError:
            return refusal(503, "The server behind is not there. Try again in a moment.", RETRY)
        except TimeoutError:
            return refusal(504, "The server behind did not answer in time.", RETRY)
        except aiohttp.ClientError:
            return refusal(502, "The server behind went away. Try again in a moment.", RETRY)

    def _connected(self) -> aiohttp.ClientSession:
        """Return the session, which has to be made where there is an event loop."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=3),  # Node's servers keep for 5 s
                # A request may wait for a lock as long as the database lets it.
                timeout=aiohttp.ClientTimeout(total=60, sock_connect=5),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
            )
        return self._session

    def _headers(self, request: Request, role: str | None) -> list[tuple[str, str]]:
        own = {name.strip().lower() for name in request.headers.get("connection", "").split(",")}
        headers = [
            (name.decode("ascii"), value.decode(errors="replace"))
            for name, value in request.headers.raw
            if _is_passed_on(name.decode("ascii"), own)
        ]
        headers.append(("x-forwarded-for", request.client.host if request.client else ""))
        return headers if role is None else self._with_authorization(headers, role)

    def _with_authorization(self, headers: list[tuple[str, str]], role: str) -> list[tuple[str, str]]:
        """Let a key speak for its role, unless the request carries a user's token."""
        given = next((value for name, value in headers if name == "authorization"), "")
        token = given.partition(" ")[2]
        if token and self._keys.role_of(token) is None and not token.startswith("sb_"):
            return headers
        others = [item for item in headers if item[0] != "authorization"]
        return [*others, ("authorization", f"Bearer {self._keys.token_of(role)}")]


def refuse_key(key: str | None) -> Response:
    """Answer like Supabase's gateway to a request without an API key, or with one that it does not know."""
    if key is None:
        hint = "No `apikey` request header or url param was found."
        return JSONResponse({"message": "No API key found in request", "hint": hint}, 401)
    hint = "Double check the API key that `chairtime status` shows."
    return JSONResponse({"message": "Invalid API key", "hint": hint}, 401)


def _is_passed_on(name: str, named_by_connection: set[str]) -> bool:
    return not (name in NOT_PASSED_ON or name in named_by_connection or name.startswith("x-forwarded-"))


def _without_key(request: Request) -> tuple[str, str | None]:
    """Return the query as it is passed on, and the API key, which a query may carry, too."""
    given: bytes = request.scope["query_string"]
    items = [item for item in given.decode("latin-1").split("&") if item]
    keys = [item for item in items if unquote_plus(item.partition("=")[0]) == "apikey"]
    rest = "&".join(quote(item, safe=QUERY_SAFE, encoding="latin-1") for item in items if item not in keys)
    found = request.headers.get("apikey") or next((unquote_plus(key.partition("=")[2]) for key in keys), None)
    return rest, found


def _passed_back(method: str, answer: aiohttp.ClientResponse, body: bytes) -> Response:
    """Make our answer of a server's, without what it says about its own connection or its insides."""
    if answer.status >= SERVER_ERROR and not _is_meant_for_clients(body):
        return refusal(502, "The server behind failed. Its log says why.", RETRY)
    response = Response(body, answer.status)
    if method == "HEAD" and "content-length" in answer.headers:
        response.headers["content-length"] = answer.headers["content-length"]
    for name, value in answer.headers.items():
        if name.lower() not in NOT_PASSED_BACK and not name.lower().startswith("access-control-"):
            response.headers.append(name, value)
    return response


def _is_meant_for_clients(body: bytes) -> bool:
    try:
        code = json.loads(body)["code"]
    except (ValueError, TypeError, KeyError):
        return False
    return isinstance(code, str) and MEANT_FOR_CLIENTS.fullmatch(code) is not None
