"""`chairtime demo`: the main job, played through the HTTP API."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from cli import output
from cli.errors import ChairtimeError
from cli.project import find_project

if TYPE_CHECKING:
    from cli.demo.story import Told

app = typer.Typer()


@app.command()
def demo() -> None:
    """Play one clinic's busy minute through the HTTP API and tell it as a story.

    It is played on a stack of its own, which leaves nothing behind. Exits with 0 only if every step came out
    as it should.

    Example: [bold]chairtime demo[/]
    """
    from cli.commands.stack import say
    from cli.local.supervisor import temporary_stack

    with temporary_stack(find_project().root, say) as status:
        from cli.demo.audience import watching
        from cli.demo.stage import DemoFailure, set_stage
        from cli.demo.story import play

        output.note(f"\nThe clinic's API is {status['api_url']}\n")
        told: list[Told] = []
        started = time.monotonic()
        try:
            with (
                set_stage(status) as stage,
                watching(status, f"availability:{stage.clinic['id']}") as audience,
            ):
                play(stage, audience, lambda one: _tell(told, one))
        except DemoFailure as failure:
            raise ChairtimeError(f"the demo went wrong: {failure}", "demo_failed") from failure
        _end(told, time.monotonic() - started)


def _tell(told: list[Told], one: Told) -> None:
    from rich.markup import escape

    told.append(one)
    if not output.is_json():
        text = escape(one.text).replace("\n", "\n   ")
        head = f"[green]{len(told):2}[/] [bold]{one.title:<34}[/] [dim]{one.seconds * 1000:6.0f} ms[/]"
        output.console().print(f"{head}\n   {text}")


def _end(told: list[Told], seconds: float) -> None:
    if output.is_json():
        output.emit({"steps": [asdict(one) for one in told], "seconds": seconds})
    else:
        output.console().print(f"\n[bold green]All {len(told)} steps came out right[/] in {seconds:.1f} s.")
