"""`chairtime up`, `status`, `down` and `reset`: the embedded stack."""

from __future__ import annotations

import os
import shlex
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import output
from cli.errors import ChairtimeError, Exit
from cli.local.state import State
from cli.project import Project, Yes, find_project

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

app = typer.Typer()

PATIENCE = 60.0  # seconds that a stack may take to end

Port = Annotated[
    int | None,
    typer.Option(help="Listen here for clients.", min=1, max=65535, show_default="54321 or a free one"),
]
DbPort = Annotated[
    int | None,
    typer.Option(help="Let Postgres listen here.", min=1, max=65535, show_default="54322 or a free one"),
]
Env = Annotated[bool, typer.Option("--env", help="Print lines for a shell: API_URL=…")]
Replica = Annotated[
    bool, typer.Option("--replica", help="Let a replica of the database answer what is only read.")
]
Detach = Annotated[bool, typer.Option("--detach", "-d", help="Return when the stack is ready; it stays.")]


@app.command()
def up(detach: Detach = False, port: Port = None, db_port: DbPort = None, replica: Replica = False) -> None:
    """Start the embedded stack: Postgres, API, Auth, Realtime, web, mailbox.

    Stays in the foreground until Ctrl-C. The data survives in .chairtime/. Mails and text messages end in the
    mailbox, which a browser shows; none leaves this machine.

    Example: [bold]chairtime up --detach[/]
    """
    project = find_project()
    if _state(project).is_running:
        output.note("A stack is running here already.")
        output.emit(_with_replica(_running_status(project), replica), render_status)
    elif detach:
        from cli.local.supervisor import start_in_background

        output.emit(start_in_background(project.root, say, port, db_port, replica=replica), render_status)
    else:
        _run_here(project, port, db_port, replica=replica)


def _with_replica(running: dict[str, Any], wanted: bool) -> dict[str, Any]:
    if wanted and "replica_url" not in running:
        hint = "`chairtime down`, then `chairtime up --replica`."
        raise ChairtimeError("the stack that runs here has no replica", "already_running", hint)
    return running


def _run_here(project: Project, port: int | None, db_port: int | None, *, replica: bool) -> None:
    from cli.local.stack import Stack

    def ready(status: Mapping[str, Any]) -> None:
        output.emit(status, render_status)
        say("Ctrl-C stops the stack")

    try:
        Stack(project.root, say, port, db_port, replica=replica).run(ready)
    except KeyboardInterrupt:
        say("Stopped")


@app.command()
def status(env: Env = False) -> None:
    """Show the running stack's addresses and keys, and whether each part answers.

    Exits with 6 if one does not. Of a replica it also says how far it is behind.

    Example: [bold]eval "$(chairtime status --env)"[/]
    """
    running = _asked(_running_status(find_project()))
    if "replica_db_url" in running:
        from cli.local.replica import lag

        running["replica_lag"] = lag(running["db_url"], running["replica_db_url"])
    if env:
        texts = {name: value for name, value in running.items() if isinstance(value, str)}
        print("\n".join(f"{name.upper()}={shlex.quote(value)}" for name, value in texts.items()))
    else:
        output.emit(running, render_status)
    if not all(part["answers"] for part in running["parts"].values()):
        raise typer.Exit(Exit.PROBLEMS)


def _asked(status: dict[str, Any]) -> dict[str, Any]:
    """Ask every part whether it answers, all at once, and say so beside what its keeper last wrote of it."""
    from concurrent.futures import ThreadPoolExecutor

    from cli.local.probe import Answer, ask

    parts = status["parts"]
    with ThreadPoolExecutor(len(parts)) as pool:
        answers = pool.map(lambda part: ask(part["probe"]), parts.values())
        told = {
            name: {**part, "answers": answer is Answer.READY}
            for (name, part), answer in zip(parts.items(), answers, strict=True)
        }
    return {**status, "parts": told}


@app.command()
def down() -> None:
    """Stop the embedded stack; its data stays.

    Example: [bold]chairtime down[/]
    """
    state = _state(find_project())
    if not state.is_running:
        output.note("No stack is running here.")
        return
    stop(state)
    output.note("Stopped")


def stop(state: State) -> None:
    """End a running stack and wait until nothing of it is left."""
    import psutil

    from cli.local.parts import is_alive

    supervisor = psutil.Process(state.read_status()["pid"])
    supervisor.terminate()
    _await(lambda: not is_alive(supervisor), "the stack does not end")


@app.command()
def reset(yes: Yes = False) -> None:
    """Drop the stack's data, migrate and seed again.

    A running stack keeps running, at the same addresses and with the same keys.

    Example: [bold]chairtime reset --yes[/]
    """
    project = find_project()
    state = _state(project)
    output.confirm("This deletes all data of the embedded stack. Go on?", yes)
    if not state.is_running:
        _reset_stopped(project)
        return
    before = state.read_status()
    os.kill(before["pid"], signal.SIGUSR1)
    _await(lambda: _is_anew(project, before.get("started_at")), "the reset takes long")
    output.emit(_running_status(project), render_status)


def _is_anew(project: Project, started_at: str | None) -> bool:
    """Return whether the stack has started again since; raise what ended it if it ended instead."""
    state = _state(project)
    return state.read_status().get("started_at") not in {None, started_at} or (
        not state.is_running and bool(_running_status(project))
    )


def _reset_stopped(project: Project) -> None:
    from cli.local.stack import Stack

    Stack(project.root, say).rebuild()
    output.note("The data is fresh. `chairtime up` starts the stack.")


def _running_status(project: Project) -> dict[str, Any]:
    state = _state(project)
    found = state.read_status()
    if not state.is_running:
        reason = f": {found['error']}" if found.get("error") else ""
        hint = "`chairtime up` starts one."
        raise ChairtimeError(f"no stack is running here{reason}", "not_running", hint, Exit.UNREACHABLE)
    if found.get("state") != "running":
        raise ChairtimeError("the stack is still starting", "not_ready", "Ask again.", Exit.UNREACHABLE)
    return found


def _await(condition: Any, complaint: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise ChairtimeError(f"{complaint} after {PATIENCE:.0f} s", "timeout", "See .chairtime/logs.")
        time.sleep(0.05)


def _state(project: Project) -> State:
    return State(project.state_dir)


def say(text: str) -> None:
    """Say what is being done."""
    from rich.markup import escape

    output.note(f"[dim]-[/] {escape(text)}")


def render_status(status: Mapping[str, Any]) -> RenderableType:
    """Draw the addresses and keys, as `supabase start` does."""
    return output.fields(
        [
            ("API URL", status["api_url"]),
            ("Web app", status["web_url"]),
            *_without_web(status),
            ("Mailbox", status["mailbox_url"]),
            ("Realtime URL", status["realtime_url"]),
            ("Worker URL", status["worker_url"]),
            ("Database URL", status["db_url"]),
            *_replica_fields(status),
            ("Publishable key", status["publishable_key"]),
            ("Secret key", status["secret_key"]),
            ("JWT secret", status["jwt_secret"]),
            ("Demo logins", "ana@patients.test, desk@riverside.test, admin@riverside.test"),
            ("", "all with the password chairtime-demo"),
            *((name.replace("-", " ").title(), _condition(part)) for name, part in status["parts"].items()),
            ("Logs", str(Path(status["log"]).parent)),
        ]
    )


def _without_web(status: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Say what is missing where the web app is not built."""
    if Path(status["web_dir"], "index.html").exists():
        return []
    return [("", "not built: until `make web`, links in messages lead nowhere")]


def _replica_fields(status: Mapping[str, Any]) -> list[tuple[str, str]]:
    if "replica_url" not in status:
        return []
    found = [
        ("Primary's API URL", status["primary_url"]),
        ("Replica's API URL", status["replica_url"]),
        ("Replica's database", status["replica_db_url"]),
    ]
    return [*found, ("Replica's lag", _said_lag(status["replica_lag"]))] if "replica_lag" in status else found


def _said_lag(lag: Mapping[str, Any]) -> str:
    if lag["bytes"] is None:
        return "unknown: a server does not answer"
    if not lag["follows"]:
        return "none: it was promoted and follows nobody"
    return f"{lag['bytes']:,} bytes, {lag['seconds']:.1f} s"


def _condition(part: Mapping[str, Any]) -> Text:
    """Say in a line how a part does: what it answers now, if it was asked, and what befell it last."""
    from rich.text import Text

    if part.get("answers", part["state"] == "running"):
        now = Text("answers", "green")
    else:
        now = Text(f"does not answer ({part['state'].replace('_', ' ')})", "red")
    if part["last"]:
        times = f"{part['restarts']} restart{'' if part['restarts'] == 1 else 's'}"
        now.append(f"; {part['last']}, {times}", "default")
    return now
