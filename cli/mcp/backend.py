"""The API as a chatbot sees it: the `supabase` client with the chatbot's own login, and nothing more."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from postgrest.exceptions import APIError
from supabase_auth.errors import AuthError, AuthRetryableError

from cli.api import BUSY, from_api
from cli.errors import ChairtimeError, Exit, translate, usage_error
from supabase import AsyncClient, AsyncClientOptions, create_async_client

TIMEOUT = 30.0  # seconds


class Backend:
    """One chatbot, signed in; signs in again when its token has run out."""

    def __init__(self, client: AsyncClient, email: str, password: str) -> None:
        self._client = client
        self._email = email
        self._password = password

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str, key: str, email: str, password: str) -> "AsyncIterator[Backend]":
        """Sign in, and hang up afterwards. Raises ChairtimeError `not_authenticated` or `unreachable`."""
        async with httpx.AsyncClient(timeout=TIMEOUT, follow_redirects=True) as http:
            options = AsyncClientOptions(
                schema="api", auto_refresh_token=False, persist_session=False, httpx_client=http
            )
            backend = cls(await create_async_client(url, key, options), email, password)
            await backend._sign_in()
            yield backend

    async def call(self, function: str, **arguments: Any) -> Any:
        """Call an RPC and return its JSON. Arguments that are None are left out. Raises ChairtimeError."""
        given = {name: value for name, value in arguments.items() if value is not None}
        try:
            return await self._call(function, given)
        except ChairtimeError as error:
            if error.code != "not_authenticated":
                raise
        await self._sign_in()
        return await self._call(function, given)

    async def clinic(self, slug: str | None) -> dict[str, Any]:
        """Return the membership `{clinic_id, clinic_slug, …}` in which this login is the chatbot.

        Raises ChairtimeError `forbidden` if there is none, `invalid_argument` if `slug` has to choose.
        """
        memberships = (await self.call("me"))["memberships"]
        mine = [one for one in memberships if one["role"] == "chatbot" and slug in {None, one["clinic_slug"]}]
        if not mine:
            hint = "An admin makes a login the chatbot: `chairtime admin staff grant`."
            message = f"{self._email} is not the chatbot of {slug or 'any clinic'}"
            raise ChairtimeError(message, "forbidden", hint, Exit.FORBIDDEN)
        if len(mine) > 1:
            slugs = ", ".join(one["clinic_slug"] for one in mine)
            raise usage_error("this chatbot serves several clinics", f"Pass --clinic: {slugs}.")
        found: dict[str, Any] = mine[0]
        return found

    async def _call(self, function: str, arguments: dict[str, Any]) -> Any:
        for pause in BUSY:
            try:
                return await self._attempt(function, arguments)
            except ChairtimeError as error:
                if error.code != "try_again":
                    raise
            await asyncio.sleep(pause)
        return await self._attempt(function, arguments)

    async def _attempt(self, function: str, arguments: dict[str, Any]) -> Any:
        try:
            return (await self._client.rpc(function, arguments).execute()).data
        except APIError as error:
            raise _refusal(error) from error
        except httpx.TransportError as error:
            raise translate(error) or error from error

    async def _sign_in(self) -> None:
        try:
            await self._client.auth.sign_in_with_password({"email": self._email, "password": self._password})
        except AuthRetryableError as error:
            hint = "Is the stack up (`chairtime up`)? Try again in a moment."
            raise ChairtimeError(
                f"cannot reach Auth: {error}", "unreachable", hint, Exit.UNREACHABLE
            ) from error
        except AuthError as error:
            hint = "Check the chatbot's email and password."
            raise ChairtimeError(str(error), "not_authenticated", hint, Exit.FORBIDDEN) from error


def _refusal(error: APIError) -> ChairtimeError:
    """Turn the API's error into ours. What Postgres cannot even read (class 22) is a wrong argument."""
    known = from_api(error)
    if known.hint is None and (error.code or "").startswith("22"):
        return usage_error(known.message, "Correct the arguments and call again.")
    return known
