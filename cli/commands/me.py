"""`chairtime me`: what somebody does for themselves: joins, reads what is known of them, is forgotten."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli import output
from cli.commands.shared import connect
from cli.errors import ChairtimeError, Exit
from cli.output import emit_row
from cli.project import Yes, find_project

if TYPE_CHECKING:
    from cli.lookup import Row

app = typer.Typer(no_args_is_help=True, help="Use a clinic's code, read what is known of you, be forgotten.")

Code = Annotated[str, typer.Argument(help="As the clinic told it.", show_default=False)]


@app.command("join")
def join(code: Code) -> None:
    """Join a clinic's staff, with the code that an admin gave out for your address.

    Example: [bold]chairtime me join CODE[/]
    """
    emit_row("Joined", _accepted(connect().rpc("accept_staff_invitation", code=code))["staff"])


@app.command("claim")
def claim(
    code: Code,
    born: Annotated[
        str | None,
        typer.Option(
            "--born", metavar="DATE", help="The patient's birth date: 1984-02-29.", show_default=False
        ),
    ] = None,
) -> None:
    """Link the record that a clinic has of you, or of whom you act for, with your login.

    Where the clinic knows the birth date, say it.

    Example: [bold]chairtime me claim CODE --born 1984-02-29[/]
    """
    emit_row("Linked", _accepted(connect().rpc("claim_patient", code=code, birth_date=born))["patient"])


def _accepted(answer: "Row") -> "Row":
    """Return the answer; a code that is not accepted is an answer, too, for attempts are counted."""
    if not answer["accepted"]:
        raise ChairtimeError(answer["message"], answer["code"], answer["hint"], Exit.NOT_FOUND)
    return answer


@app.command("export")
def export() -> None:
    """Print all that Chairtime knows of you and of those you act for, as JSON.

    Example: [bold]chairtime me export[/]
    """
    output.emit(connect().rpc("export_me"))


@app.command("erase")
def erase(yes: Yes = False) -> None:
    """Delete your login and make you unrecognizable at every clinic, for good.

    Your visits ahead are cancelled. A clinic's last admin names another one before.

    Example: [bold]chairtime me erase --yes[/]
    """
    from cli.api import sign_out

    api = connect()
    output.confirm(f"Erase {api.identity}, for good?", yes)
    erased = api.rpc("erase_me")
    sign_out(find_project())
    output.emit(erased, lambda _: "[green]Erased.[/] Nobody is signed in any more.")
