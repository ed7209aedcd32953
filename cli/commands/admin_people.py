"""`chairtime admin user` and `staff`: accounts, roles, and who is invited to have one."""

import os
from typing import Annotated

import typer

from cli import lookup, output
from cli.commands.shared import Clinic, Keep, connect, id_argument, on_conflict
from cli.output import emit_row, emit_rows
from cli.project import Yes, find_project

user = typer.Typer(no_args_is_help=True, help="Accounts.")
staff = typer.Typer(no_args_is_help=True, help="Who works where as what.")

User = Annotated[str, typer.Argument(metavar="USER", help="The user's id or email.", show_default=False)]
Role = Annotated[str, typer.Argument(help="admin, dentist, receptionist or chatbot.", show_default=False)]


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
    role: Role,
) -> None:
    """Give a user a role in the clinic, instead of the one they have.

    Who is not on the staff yet is invited: [bold]chairtime admin staff invite[/]. Only the secret key takes
    somebody on without their doing.

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


@staff.command("invite")
def invite(
    clinic: Clinic,
    email: Annotated[str, typer.Argument(help="The address of who is to join.", show_default=False)],
    role: Role,
    dentist: Annotated[
        str | None,
        typer.Option(help="The dentist, hygienist or assistant that they are.", show_default=False),
    ] = None,
) -> None:
    """Give out a code with which the owner of this address joins the staff.

    It works once, within a week, and only for a login with this address. Nothing is mailed: tell it them.

    Example: [bold]chairtime admin staff invite riverside noa@riverside.test receptionist[/]
    """
    api = connect()
    where = lookup.find_clinic(api, clinic)
    who = lookup.find_dentist(api, where, dentist)["id"] if dentist else None
    told = api.rpc("invite_staff", clinic_id=where["id"], email=email, role=role, dentist_id=who)
    emit_row("Invited", told)


@staff.command("invitations")
def invitations(clinic: Clinic) -> None:
    """List who is invited, to the staff or to link a patient's record, and has not come yet.

    Example: [bold]chairtime admin staff invitations riverside[/]
    """
    api = connect()
    query = api.client.table("invitations").select("*").is_("accepted_at", "null")
    rows = api.fetch(query.eq("clinic_id", lookup.find_clinic(api, clinic)["id"]))
    emit_rows(rows, ("created_at", "email", "role", "patient_id", "relation", "expires_at", "id"))


@staff.command("revoke-invitation")
def revoke_invitation(
    invitation: Annotated[str, id_argument("The invitation's id.", "admin staff invitations CLINIC")],
    yes: Yes = False,
) -> None:
    """Make an invitation's code void.

    Example: [bold]chairtime admin staff revoke-invitation ID --yes[/]
    """
    output.confirm(f"Make invitation {invitation} void?", yes)
    revoked = connect().rpc("revoke_invitation", invitation_id=invitation)
    result = {"id": invitation, "revoked": revoked}
    output.emit(result, lambda it: "[green]Void.[/]" if it["revoked"] else "It was used already.")


def user_id(account: str) -> str:
    """Return the id of an account that is named by id or email."""
    from cli.api import connect_as_service
    from cli.users import find_user

    return account if lookup.is_uuid(account) else find_user(connect_as_service(find_project()), account)
