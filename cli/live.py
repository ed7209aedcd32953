"""Events of the API as they happen, for commands that stay: who listens, and from where on."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

from cli import output
from cli.project import Project

if TYPE_CHECKING:
    from cli.api import Api
    from cli.follow import Event


class Access:
    """The API as who is signed in, for longer than a token lasts; else as the key that is known."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._connect()
        self.url = project.require("api_url")
        self.key = project.require("secret_key" if self._api.identity == "service" else "publishable_key")

    def _connect(self) -> None:
        from cli.api import connect, connect_publicly, read_session

        known = read_session(self._project) or self._project.setting("secret_key")
        self._api = connect(self._project) if known else connect_publicly(self._project)
        is_user = self._api.identity not in {"service", "anon"}
        session = read_session(self._project) if is_user else None
        self._token: str | None = session["access_token"] if session else None

    def api(self) -> "Api":
        """Return the API, with a new token if the last one has run out."""
        import jwt

        if self._token:
            claims = jwt.decode(self._token, options={"verify_signature": False})
            if claims["exp"] <= time.time():
                self._connect()
        return self._api

    def token(self) -> str:
        """Return a token that is valid now: the session's, or the key."""
        self.api()
        return self._token or self.key


async def live_events(
    access: Access, topics: list[str], *, after: int | None = None, say: Callable[[str], None] = output.note
) -> AsyncIterator["Event"]:
    """Yield the topics' events, from now on or after an event id, each once and none missed.

    `say` is told when the connection is lost or back. Raises ChairtimeError `forbidden` for a topic that one
    may not join.
    """
    from cli.follow import PAGE, Follower

    async def fetch(topic: str, after_id: int) -> list["Event"]:
        return await asyncio.to_thread(_events_since, access, topic, after_id, PAGE)

    async def token() -> str:
        return await asyncio.to_thread(access.token)

    starts = {topic: _end(access, topic) if after is None else after for topic in topics}
    follower = Follower(access.url, access.key, token=token, fetch=fetch, after=starts, on_state=say)
    async for event in follower.events():
        yield event


def _events_since(access: Access, topic: str, after_id: int, max_events: int) -> list["Event"]:
    found: list[Event] = access.api().rpc(
        "events_since", topic=topic, after_id=after_id, max_events=max_events
    )
    return found


def _end(access: Access, topic: str) -> int:
    """Find the id of the topic's last event, or 0, by bisection: everybody may ask `events_since`."""

    def is_past(event_id: int) -> bool:
        return not _events_since(access, topic, event_id, 1)

    low, high = 0, 1
    while not is_past(high):
        low, high = high, high * 8
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if is_past(middle) else (middle + 1, high)
    return low
