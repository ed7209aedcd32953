"""`chairtime events tail`: what subscribers hear, live, with nothing missing."""

import asyncio
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import lookup, output
from cli.errors import usage_error
from cli.lookup import Row
from cli.project import Project, find_project

if TYPE_CHECKING:
    from rich.text import Text

    from cli.api import Api
    from cli.follow import Event

app = typer.Typer(no_args_is_help=True, help="Follow the events of a channel.")

COLORS = {"slot_taken": "yellow", "slot_freed": "green", "appointment_booked": "cyan"}


@app.callback()
def events() -> None:
    """Follow the events of a channel."""


@app.command()
def tail(
    topic: Annotated[
        list[str] | None,
        typer.Option(
            help="availability:CLINIC, clinic:CLINIC, dentist:DENTIST or patient:me; may be repeated. "
            "Default: the availability of every clinic.",
            show_default=False,
        ),
    ] = None,
    after: Annotated[
        int | None,
        typer.Option(help="Begin after this event id; 0 is all there is. Default: now.", show_default=False),
    ] = None,
    count: Annotated[
        int | None, typer.Option(help="Stop after so many events.", min=1, show_default=False)
    ] = None,
) -> None:
    """Show events as they happen, in the clinic's time; Ctrl-C ends it.

    It reconnects by itself, and fetches what was missed meanwhile. Each event is shown once.

    Example: [bold]chairtime events tail --topic clinic:riverside[/]
    """
    access = Access(find_project())
    api = access.api()
    clinics = {clinic["id"]: clinic for clinic in api.rows("clinics")}
    topics = [_resolve(api, name) for name in topic or []] or [f"availability:{clinic}" for clinic in clinics]
    asyncio.run(_tail(access, clinics, topics, after=after, count=count))


def _resolve(api: "Api", name: str) -> str:
    """Turn `clinic:riverside` into `clinic:<id>`."""
    kind, _, which = name.partition(":")
    match kind:
        case "availability" | "clinic" if which:
            return f"{kind}:{lookup.find_clinic(api, which)['id']}"
        case "dentist" if which:
            return (
                f"{kind}:{lookup.find_one(api.rows('dentists'), which, 'dentist', ('full_name', 'id'))['id']}"
            )
        case "patient" if which == "me":
            return f"{kind}:{api.rpc('me')['user_id']}"
        case "patient" if lookup.is_uuid(which):
            return name
    raise usage_error(
        f"{name!r} is no topic", "Write availability:CLINIC, clinic:CLINIC, dentist:DENTIST or patient:me."
    )


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


async def _tail(
    access: Access, clinics: dict[str, Row], topics: list[str], *, after: int | None, count: int | None
) -> None:
    from cli.follow import PAGE, Follower

    async def fetch(topic: str, after_id: int) -> list["Event"]:
        return await asyncio.to_thread(_events_since, access, topic, after_id, PAGE)

    async def token() -> str:
        return await asyncio.to_thread(access.token)

    follower = Follower(
        access.url,
        access.key,
        token=token,
        fetch=fetch,
        after={topic: _end(access, topic) if after is None else after for topic in topics},
        on_state=output.note,
    )
    dentists = {dentist["id"]: dentist["full_name"] for dentist in access.api().rows("dentists")}
    shown = 0
    async for event in follower.events():
        output.emit_line(event, lambda it: _draw(it, clinics, dentists))
        shown += 1
        if shown == count:
            return


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


def _draw(event: "Event", clinics: dict[str, Row], dentists: dict[str, str]) -> "Text":
    from rich.text import Text

    payload = event["payload"]
    clinic = clinics.get(payload.get("clinic_id", ""))
    at = datetime.fromisoformat(event["occurred_at"]).astimezone()
    line = Text()
    line.append(f"{at:%H:%M:%S}.{at.microsecond // 1000:03} ", style="dim")
    line.append(f"{event['topic'].partition(':')[0]:<13}", style="dim")
    line.append(f"{event['event']:<27}", style=COLORS.get(event["event"], "bold"))
    dentist = dentists.get(event["dentist_id"], event["dentist_id"])
    line.append(f"{_when(payload, clinic):<24} {dentist}")
    line.append(f"  #{event['dentist_seq']}", style="dim")
    line.append("  recovered" if event["recovered"] else f"  {_latency(at)} ms", style="dim")
    return line


def _when(payload: dict[str, Any], clinic: Row | None) -> str:
    if clinic is None or not payload.get("starts_at"):
        return ""
    starts, ends = (lookup.local(payload[name], clinic) for name in ("starts_at", "ends_at"))
    return f"{starts:%a %d %b %H:%M}-{ends:%H:%M}"


def _latency(at: datetime) -> int:
    return max(0, round((datetime.now(UTC) - at).total_seconds() * 1000))
