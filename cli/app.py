"""The command `chairtime`: wiring only. Each noun's module is imported when one of its commands is called."""

import sys
from functools import partial
from importlib import import_module
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from cli import output
from cli.errors import ChairtimeError, Exit, translate
from cli.project import use_workdir

if TYPE_CHECKING:
    from rich.console import RenderableType


class Entry(NamedTuple):
    """A name on the top level: the module in `cli/commands` that serves it, and what the overview says."""

    module: str
    panel: str
    help: str


COMMANDS = {
    "up": Entry("stack", "Stack", "Start the embedded stack: Postgres, API, Auth, Realtime, web, mailbox."),
    "status": Entry("stack", "Stack", "Show the running stack's addresses and keys."),
    "down": Entry("stack", "Stack", "Stop the embedded stack."),
    "reset": Entry("stack", "Stack", "Drop the stack's data, migrate and seed again."),
    "demo": Entry("demo", "Stack", "Play one clinic's busy minute through the HTTP API."),
    "bench": Entry("bench", "Stack", "Measure how fast Chairtime is on this machine."),
    "migrate": Entry("migrate", "Schema", "Apply, check and repair the database's migrations."),
    "admin": Entry(
        "admin", "Clinic", "Set up clinics: who works there, what can be booked, when, and what it takes."
    ),
    "slots": Entry("slots", "Desk", "List the slots that may be booked now, in the clinic's time."),
    "next": Entry("slots", "Desk", "List the next free slots, however far ahead they are."),
    "explain": Entry("slots", "Desk", "Say whether a slot may be booked, with whom, and if not, why."),
    "book": Entry("desk", "Desk", "Book an appointment, or what a hold keeps."),
    "hold": Entry("desk", "Desk", "Hold a slot until it is booked, released, or a few minutes have passed."),
    "reservations": Entry("desk", "Desk", "List and release holds."),
    "day": Entry("day", "Desk", "Draw a clinic's day, dentists as columns."),
    "appointments": Entry(
        "visits", "Desk", "List a clinic's appointments, with the ids that other commands take."
    ),
    "history": Entry(
        "history", "Desk", "Tell what was done to an appointment: by whom, when, and what it was before."
    ),
    "move": Entry(
        "visits", "Desk", "Move an appointment to another time, and to another dentist if one is named."
    ),
    "resize": Entry("visits", "Desk", "Make an appointment longer or shorter."),
    "swap": Entry("visits", "Desk", "Let two appointments change places."),
    "seat": Entry("visits", "Desk", "Give an appointment another chair."),
    "mark": Entry("visits", "Desk", "Say that a patient has come, has been treated, or has not come."),
    "undo": Entry("visits", "Desk", "Take an appointment's last step back."),
    "cancel": Entry("visits", "Desk", "Cancel an appointment."),
    "series": Entry("series", "Desk", "Book a visit again and again, or cancel what is ahead of it."),
    "waitlist": Entry(
        "waitlist",
        "Desk",
        "Wait for a time that becomes free: join, look, leave, and answer what is offered.",
    ),
    "worklist": Entry("worklist", "Desk", "List who is in the way of an absence."),
    "messages": Entry(
        "messages", "Desk", "What is sent and came back: list, resend, call, answer; rules and words."
    ),
    "confirm": Entry("messages", "Desk", "Note that the patient will come to a visit ahead."),
    "events": Entry("events", "Watch", "Follow the events of a channel."),
    "metrics": Entry("watch", "Watch", "Show what the worker measures."),
    "health": Entry("watch", "Watch", "Ask the API and the worker how they are."),
    "doctor": Entry("doctor", "Watch", "Check a whole project and say what to mend."),
    "worker": Entry("worker", "Services", "Run the daemon, or look at its jobs."),
    "mcp": Entry("mcp", "Services", "Serve the chatbot's tools over MCP."),
    "login": Entry("login", "Session", "Sign in, so that commands act as you."),
    "me": Entry("me", "Session", "Use a clinic's code, read what is known of you, be forgotten."),
    "logout": Entry("login", "Session", "Forget the session."),
}


class LazyGroup(TyperGroup):
    """Lists the commands from the table above and imports a module only to run it."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Every name of the table, in its order."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A stand-in that knows its one-line help; enough to list and to complete."""
        entry = COMMANDS.get(cmd_name)
        return entry and TyperCommand(cmd_name, help=entry.help)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Draw the overview. Typer's own way to draw costs a quarter of a second of imports."""
        output.console().print(_overview(self, ctx))

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The real command, when it is about to run or to complete."""
        self.commands = {name: self.get_command(ctx, name) for name in COMMANDS}
        name, found, rest = super().resolve_command(ctx, args)
        return name, load(name) if found and name else found, rest


def _overview(root: Any, ctx: Any) -> "RenderableType":
    from rich.padding import Padding
    from rich.table import Table

    drawn = Table.grid(padding=(0, 2))
    drawn.add_column(style="cyan", min_width=14)
    drawn.add_column()
    for panel, entries in groupby(COMMANDS.items(), key=lambda item: item[1].panel):
        drawn.add_row(f"[bold]{panel}[/]")
        for name, entry in entries:
            drawn.add_row(f"  {name}", entry.help)
    drawn.add_row("[bold]Options[/]")
    for param in root.get_params(ctx):
        drawn.add_row(f"  {max(param.opts, key=len)}", param.help)
    grid = Table.grid()
    grid.add_row(
        Padding("Usage: [bold]chairtime COMMAND[/] …        [dim]chairtime COMMAND --help tells more[/]", 1)
    )
    grid.add_row(Padding(f"{root.help.strip()}", (0, 1, 1, 1)))
    grid.add_row(Padding(drawn, (0, 1)))
    return grid


def load(name: str) -> Any:
    """Import the command `name` and give it, and all below it, the options that every command takes."""
    module = import_module(f"cli.commands.{COMMANDS[name].module}")
    module.app._add_completion = False
    command = get_command(module.app)
    if command.name != name and isinstance(command, TyperGroup) and name in command.commands:
        command = command.commands[name]
    command.name = name
    _add_common_options(command)
    return command


def _add_common_options(command: Any) -> None:
    if isinstance(command, TyperGroup):
        for child in command.commands.values():
            _add_common_options(child)
    if not isinstance(command, TyperGroup) or command.invoke_without_command:
        taken = {option for param in command.params for option in param.opts}
        common = get_command(_common).params
        command.params += [option for option in common if not taken.intersection(option.opts)]


def _remember_json(wanted: bool) -> None:
    output.use_json(wanted or output.is_json())


_common = typer.Typer(add_completion=False)
_option = partial(typer.Option, expose_value=False, show_default=False, rich_help_panel="Common options")


@_common.command()
def _common_options(
    as_json: Annotated[bool, _option("--json", help="Answer in JSON.", callback=_remember_json)] = False,
    workdir: Annotated[
        Path | None,
        _option(
            "--workdir", metavar="DIR", help="Look for supabase/ from here upward.", callback=use_workdir
        ),
    ] = None,
) -> None:
    """Hold the options that every command takes."""


app = typer.Typer(
    cls=LazyGroup,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"chairtime {version('chairtime')}")
        raise typer.Exit


@app.callback()
def root(
    show_version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Run and watch Chairtime, the real-time appointment backend for dental clinics.

    Start with [bold]chairtime demo[/], or [bold]chairtime up[/] and [bold]chairtime day riverside[/].
    """


def main() -> None:
    """Run the command line and exit with one of the documented codes."""
    sys.exit(_run())


def _run() -> int:
    output.use_json("--json" in sys.argv)
    try:
        return app(standalone_mode=False) or Exit.OK
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except typer._click.exceptions.ClickException as error:
        return _report_usage(error)
    except Exception as error:
        known = translate(error)
        if known is None:
            raise
        output.report(known)
        return known.exit_code


def _report_usage(error: Any) -> int:
    ctx = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError":
        error.show()
        return Exit.USAGE
    hint = f"Try `{ctx.command_path} --help`." if ctx else None
    output.report(ChairtimeError(error.format_message(), "usage", hint, Exit.USAGE))
    return Exit.USAGE
