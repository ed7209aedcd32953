"""`chairtime bench`: how fast it is here, at what size, and against what."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from cli import output
from cli.errors import usage_error
from cli.project import find_project

app = typer.Typer()

SMALLEST, LARGEST = 10_000, 10_000_000


@app.command()
def bench(
    quick: Annotated[
        bool,
        typer.Option("--quick/--full", help="Under two minutes, or under twenty.", show_default="--full"),
    ] = False,
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Only this: booking, contention, listing, lists, search, events, proofs, serving or weight.",
            show_default=False,
        ),
    ] = None,
    largest: Annotated[
        int | None,
        typer.Option(
            min=SMALLEST,
            max=LARGEST,
            help="The longest history, in appointments.",
            show_default="10000000, quick 1000000",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the simulated clinics.")] = 1,
    html: Annotated[
        Path | None,
        typer.Option(
            dir_okay=False, metavar="FILE", help="Write a page with plots, too.", show_default=False
        ),
    ] = None,
) -> None:
    """Measure how fast Chairtime is on this machine.

    It runs on a Postgres of its own with default settings, fsync on, and leaves nothing behind. Everything is
    measured in turns with something that does the same more simply, so that ratios hold on a busy machine.
    What the machine has no room or time for is left out and named.

    Example: [bold]chairtime bench --quick --html bench.html[/]
    """
    from cli.bench.page import render, require_plotly
    from cli.bench.report import draw
    from cli.bench.run import MEASUREMENTS, Plan, measure

    unknown = sorted(set(only or ()) - set(MEASUREMENTS))
    if unknown:
        raise usage_error(f"there is no measurement {unknown[0]}", f"Choose of {', '.join(MEASUREMENTS)}.")
    if html is not None:
        require_plotly()
        if not html.absolute().parent.is_dir():
            raise usage_error(f"{html}: there is no such folder", "Make it first.")
    began = time.monotonic()

    def say(text: str) -> None:
        output.note(f"[dim]{time.monotonic() - began:6.1f} s[/]  {text}")

    plan = Plan(
        quick, frozenset(only or MEASUREMENTS), largest or (LARGEST // 10 if quick else LARGEST), seed
    )
    report = measure(find_project().root, plan, say)
    output.emit(report, draw)
    if html is not None:
        html.write_text(render(report))
        output.note(f"The page is {html}")
