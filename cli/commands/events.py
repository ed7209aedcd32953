"""`chairtime events tail`: what subscribers hear, live, with nothing missing."""

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import lookup, output
from cli.errors import usage_error
from cli.live import Access, live_events
from cli.lookup import Row
from cli.project import find_project

if TYPE_CHECKING:
    from rich.text import Text

    from cli.api import Api
    from cli.follow import Event

app = typer.Typer(no_args_is_help=True, help="Follow the events of a channel.")

COLORS = {
    "slot_taken": "yellow",
    "slot_freed": "green",
    "availability_changed": "magenta",
    "appointment_booked": "cyan",
}


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


async def _tail(
    access: Access, clinics: dict[str, Row], topics: list[str], *, after: int | None, count: int | None
) -> None:
    dentists = {dentist["id"]: dentist["full_name"] for dentist in access.api().rows("dentists")}
    shown = 0
    async for event in live_events(access, topics, after=after):
        output.emit_line(event, lambda it: _draw(it, clinics, dentists))
        shown += 1
        if shown == count:
            return


def _draw(event: "Event", clinics: dict[str, Row], dentists: dict[str, str]) -> "Text":
    from rich.text import Text

    payload = event["payload"]
    clinic = clinics.get(payload.get("clinic_id", ""))
    at = datetime.fromisoformat(event["occurred_at"]).astimezone()
    line = Text()
    line.append(f"{at:%H:%M:%S}.{at.microsecond // 1000:03} ", style="dim")
    line.append(f"{event['topic'].partition(':')[0]:<13}", style="dim")
    line.append(f"{event['event']:<27}", style=COLORS.get(event["event"], "bold"))
    line.append(f"{_when(payload, clinic):<24} {_who(event, clinic, dentists)}")
    if event["dentist_seq"] is not None:
        line.append(f"  #{event['dentist_seq']}", style="dim")
    line.append("  recovered" if event["recovered"] else f"  {_latency(at)} ms", style="dim")
    return line


def _who(event: "Event", clinic: Row | None, dentists: dict[str, str]) -> str:
    """Name whose calendar it is; a chair, a rule or a record that changed concerns the whole clinic."""
    if clinic and (event["event"] == "availability_changed" or event["dentist_id"] is None):
        return str(clinic["name"])
    return dentists.get(event["dentist_id"]) or str(event["dentist_id"])


def _when(payload: dict[str, Any], clinic: Row | None) -> str:
    if clinic is None or not payload.get("starts_at"):
        return ""
    starts, ends = (lookup.local(payload[name], clinic) for name in ("starts_at", "ends_at"))
    return f"{starts:%a %d %b %H:%M}-{ends:%H:%M}"


def _latency(at: datetime) -> int:
    return max(0, round((datetime.now(UTC) - at).total_seconds() * 1000))
