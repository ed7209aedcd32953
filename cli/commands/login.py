"""`chairtime login` and `chairtime logout`: whose rights the other commands have."""

import os
import sys
from typing import Annotated

import typer

from cli import output
from cli.errors import usage_error
from cli.project import find_project

app = typer.Typer()


@app.command()
def login(
    email: Annotated[str, typer.Argument(help="The account's email.", show_default=False)],
) -> None:
    """Sign in, so that commands act as you.

    The password is asked for, or read from CHAIRTIME_PASSWORD, or from stdin when that is not a terminal. The
    session is kept in .chairtime/session.json, readable by you alone, until [bold]chairtime logout[/].

    Example: [bold]chairtime login desk@riverside.test[/]
    """
    from cli.api import sign_in

    session = sign_in(find_project(), email, _password())
    shown = {key: session[key] for key in ("email", "user_id", "api_url")}
    output.emit(shown, lambda it: f"[green]Signed in[/] to {it['api_url']} as {it['email']}.")


def _password() -> str:
    given = os.environ.get("CHAIRTIME_PASSWORD")
    if given is None:
        given = (
            output.chatter().input("Password: ", password=True)
            if sys.stdin.isatty()
            else sys.stdin.readline()
        )
    password = given.rstrip("\n")
    if not password:
        raise usage_error("no password given", "Set CHAIRTIME_PASSWORD, or pipe it in.")
    return password


@app.command()
def logout() -> None:
    """Forget the session.

    Example: [bold]chairtime logout[/]
    """
    from cli.api import sign_out

    found = sign_out(find_project())
    output.emit(
        {"signed_out": found}, lambda it: "Signed out." if it["signed_out"] else "Nobody was signed in."
    )
