"""`chairtime day`: the day board in the terminal."""

import asyncio
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import lookup, output
from cli.commands.shared import Clinic, On
from cli.day_board import draw
from cli.lookup import Row, instant
from cli.project import find_project

if TYPE_CHECKING:
    from rich.console import RenderableType

    from cli.live import Access

app = typer.Typer()

_AT_LEAST_EVERY = 30  # seconds: broadcasts are hints, so look now and then without one


@app.command()
def day(
    clinic: Clinic,
    on: On = None,
    chairs: Annotated[bool, typer.Option("--chairs", help="Chairs and equipment as columns.")] = False,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Keep it live until Ctrl-C.")] = False,
) -> None:
    """Draw a clinic's day, dentists as columns.

    Shows appointments with the chairs and people they take, time off, chairs that are out of order, and holds
    with the time they have left.
    With --watch it follows the clinic's channels; with --json too, every change prints the day as one line.

    Example: [bold]chairtime day riverside --watch[/]
    """
    from cli.live import Access

    access = Access(find_project())
    where = lookup.find_clinic(access.api(), clinic)
    board = Board(access, where, lookup.parse_day(access.api(), on, where), by_chair=chairs)
    if watch:
        asyncio.run(_watch(access, board))
    else:
        output.emit(board.data, lambda _: board.draw())


class Board:
    """One clinic's day as last fetched, and how far this machine's clock is from the server's."""

    def __init__(self, access: "Access", clinic: Row, on: date, by_chair: bool = False) -> None:
        self._access, self.clinic, self._on, self._by_chair = access, clinic, on, by_chair
        self.data: Row = {}
        self.fetch()

    def fetch(self) -> None:
        """Ask the API for the day again."""
        api = self._access.api()
        self.data = api.rpc("clinic_day", clinic_id=self.clinic["id"], day=self._on.isoformat())
        self._clock = lookup.Clock(api, self.clinic, self.data["starts_at"], self.data["ends_at"])
        now = self.data["server_now"]
        self._now = lookup.wall_times(api, self.clinic, [now])[now]
        self._ahead = instant(now) - datetime.now(UTC)

    def draw(self) -> "RenderableType":
        """Draw the day with the holds' countdown as of now, by the server's clock."""
        now = datetime.now(self._now.tzinfo) + self._ahead
        clock = f"now {now:%H:%M:%S} ({self.clinic['time_zone']})"
        title = f"{self.clinic['name']} · {self._on:%A %d %B %Y} · {clock}"
        return draw(self.data, title, now, output.console().size.height, self._clock, by_chair=self._by_chair)


async def _watch(access: "Access", board: Board) -> None:
    changed = asyncio.Event()
    # The clinic's channel says what becomes of visits, the public one what chairs and absences do.
    topics = [f"{kind}:{board.clinic['id']}" for kind in ("clinic", "availability")]
    listening = asyncio.create_task(_listen(access, topics, changed))
    showing = asyncio.create_task(
        _print_changes(board, changed) if output.is_json() else _animate(board, changed)
    )
    try:
        done, _ = await asyncio.wait({listening, showing}, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        listening.cancel()
        showing.cancel()
        await asyncio.gather(listening, showing, return_exceptions=True)


async def _listen(access: "Access", topics: list[str], changed: asyncio.Event) -> None:
    from cli.live import live_events

    async for _ in live_events(access, topics, say=lambda _: None):
        changed.set()


async def _print_changes(board: Board, changed: asyncio.Event) -> None:
    while True:
        output.emit_line(board.data, _nothing)
        await _refreshed(board, changed, _AT_LEAST_EVERY)


async def _animate(board: Board, changed: asyncio.Event) -> None:
    from rich.live import Live

    ticks = 0
    with Live(
        board.draw(), console=output.console(), screen=output.console().is_terminal, auto_refresh=False
    ) as live:
        while True:
            ticks += 1
            await _refreshed(board, changed, 1, fetch=ticks % _AT_LEAST_EVERY == 0)
            live.update(board.draw(), refresh=True)


async def _refreshed(board: Board, changed: asyncio.Event, seconds: float, fetch: bool = True) -> None:
    """Wait for a change or for the time to pass, and fetch the day if there is reason to."""
    try:
        await asyncio.wait_for(changed.wait(), seconds)
    except TimeoutError:
        if not fetch:
            return
    changed.clear()
    await asyncio.to_thread(board.fetch)


def _nothing(data: Any) -> str:
    return ""
