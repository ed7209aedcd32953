"""`chairtime admin user`, `staff` and `patient`: accounts, roles, and the people treated."""

import os
from typing import Annotated

import typer

from cli import lookup, output
from cli.commands.shared import Clinic, Keep, connect, on_conflict
from cli.output import emit_row, emit_rows
from cli.project import Yes, find_project

user = typer.Typer(no_args_is_help=True, help="Accounts.")
staff = typer.Typer(no_args_is_help=True, help="Who works where as what.")
patient = typer.Typer(no_args_is_help=True, help="Patients, for example walk-ins.")

Phone = Annotated[str | None, typer.Option(help="How to call them.", show_default=False)]
Email = Annotated[str | None, typer.Option(help="How to write to them.", show_default=False)]
User = Annotated[str, typer.Argument(metavar="USER", help="The user's id or email.", show_default=False)]


@user.command("create")
def create_user(
    email: Annotated[str, typer.Argument(help="The account's email.", show_default=False)],
    name: Annotated[str | None, typer.Option(help="Full name.", show_default=False)] = None,
) -> None:
    """Make an account. Needs the secret key.

    The password is read from CHAIRTIME_PASSWORD; without it, one is made up and printed.

    Example: [bold]chairtime admin user create kim@riverside.test --name "Kim Reyes"[/]
    """
    from cli import users
    from cli.api import connect_as_service

    given = os.environ.get("CHAIRTIME_PASSWORD")
    password = given or users.new_password()
    made = users.create_user(connect_as_service(find_project()), email, password, name)
    emit_row("Created", made if given else {**made, "password": password})


@user.command("list")
def list_users() -> None:
    """List all accounts. Needs the secret key.

    Example: [bold]chairtime admin user list[/]
    """
    from cli import users
    from cli.api import connect_as_service

    emit_rows(list(users.list_users(connect_as_service(find_project()))), ("email", "name", "id"))


@staff.command("list")
def list_staff(clinic: Clinic) -> None:
    """List who works at a clinic as what.

    Example: [bold]chairtime admin staff list riverside[/]
    """
    api = connect()
    rows = api.rows("staff", clinic_id=lookup.find_clinic(api, clinic)["id"])
    emit_rows(rows, ("full_name", "role", "user_id"))


@staff.command("grant")
def grant(
    clinic: Clinic,
    account: User,
    role: Annotated[str, typer.Argument(help="admin, dentist, receptionist or chatbot.", show_default=False)],
) -> None:
    """Give a user a role in the clinic, instead of the one they have.

    Example: [bold]chairtime admin staff grant riverside kim@riverside.test receptionist[/]
    """
    api = connect()
    where = lookup.find_clinic(api, clinic)["id"]
    emit_row("Granted", api.rpc("grant_staff_role", clinic_id=where, user_id=user_id(account), role=role))


@staff.command("revoke")
def revoke(clinic: Clinic, account: User, yes: Yes = False, keep: Keep = False) -> None:
    """Take a user off the clinic's staff. The last admin stays.

    A dentist who has appointments ahead leaves only with --keep.

    Example: [bold]chairtime admin staff revoke riverside kim@riverside.test --yes[/]
    """
    api = connect()
    where, who = lookup.find_clinic(api, clinic), user_id(account)
    output.confirm(f"Take {account} off the staff of {where['name']}?", yes)
    revoked = api.rpc("revoke_staff_role", clinic_id=where["id"], user_id=who, on_conflict=on_conflict(keep))
    result = {"user_id": who, "revoked": revoked}
    output.emit(result, lambda it: "[green]Revoked.[/]" if it["revoked"] else "They were not on the staff.")


def user_id(account: str) -> str:
    """Return the id of an account that is named by id or email."""
    from cli.api import connect_as_service
    from cli.users import find_user

    return account if lookup.is_uuid(account) else find_user(connect_as_service(find_project()), account)


@patient.command("create")
def create_patient(
    clinic: Clinic,
    name: Annotated[str, typer.Argument(help="Full name.", show_default=False)],
    phone: Phone = None,
    email: Email = None,
) -> None:
    """Record a patient.

    Example: [bold]chairtime admin patient create riverside "Jo Park" --phone "+1 212 555 0199"[/]
    """
    api = connect()
    where = lookup.find_clinic(api, clinic)["id"]
    emit_row("Created", api.rpc("create_patient", clinic_id=where, full_name=name, phone=phone, email=email))
