"""`chairtime admin resource`: the chairs and the equipment that visits take."""

from typing import Annotated

import typer

from cli import lookup
from cli.commands.shared import Active, Clinic, Keep, Name, connect, on_conflict, some
from cli.output import emit_row, emit_rows

resource_app = typer.Typer(no_args_is_help=True, help="Chairs, and equipment that visits wait for.")


@resource_app.command("list")
def list_resources(clinic: Clinic) -> None:
    """List a clinic's chairs and equipment.

    Example: [bold]chairtime admin resource list riverside[/]
    """
    api = connect()
    rows = api.rows("resources", clinic_id=lookup.find_clinic(api, clinic)["id"])
    emit_rows([row for row in rows if row["kind"] != "practitioner"], ("name", "kind", "is_active", "id"))


@resource_app.command("create")
def create_resource(
    clinic: Clinic,
    name: Annotated[str, typer.Argument(help="What the staff call it: Chair 3.", show_default=False)],
    kind: Annotated[str, typer.Option(help="chair or equipment.")] = "chair",
) -> None:
    """Add a chair, or equipment that visits wait for.

    Example: [bold]chairtime admin resource create riverside "Chair 3"[/]
    """
    api = connect()
    where = lookup.find_clinic(api, clinic)["id"]
    emit_row("Created", api.rpc("create_resource", clinic_id=where, name=name, kind=kind))


@resource_app.command("update")
def update_resource(
    *,
    clinic: Clinic,
    resource: Annotated[str, typer.Argument(help="Name, part of it, or id.", show_default=False)],
    name: Name = None,
    active: Active = None,
    keep: Keep = False,
) -> None:
    """Rename a chair or device, or take it out of use for good; `admin absence add` does so for a while.

    What appointments ahead take goes out of use only with --keep.

    Example: [bold]chairtime admin resource update riverside "chair 3" --inactive[/]
    """
    api = connect()
    found = lookup.find_resource(api, lookup.find_clinic(api, clinic), resource)
    changes = some({"name": name, "is_active": active})
    row = api.rpc("update_resource", resource_id=found["id"], on_conflict=on_conflict(keep), **changes)
    emit_row("Updated", row)
