"""`chairtime admin absence` and `closure`: who is away, what is out of order, when a clinic is closed."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli import lookup, output
from cli.commands.shared import Clinic, DryRun, connect, ends_of, id_argument, names_of, span
from cli.errors import ChairtimeError, usage_error

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import RenderableType

    from cli.api import Api
    from cli.lookup import Row

absence_app = typer.Typer(no_args_is_help=True, help="When somebody is away, or a chair is out of order.")
closure_app = typer.Typer(no_args_is_help=True, help="When the whole clinic is closed.")

From = Annotated[str, typer.Argument(metavar="FROM", help='"monday 08:00".', show_default=False)]
Until = Annotated[str, typer.Argument(metavar="UNTIL", help='"monday 18:00".', show_default=False)]
Reason = Annotated[str | None, typer.Option(help="Why; patients never read it.", show_default=False)]
Cancel = Annotated[bool, typer.Option("--cancel", help="Cancel the appointments in the way.")]
Keep = Annotated[
    bool, typer.Option("--keep", help="Block the time for others; the appointments in the way stay.")
]


@absence_app.command("add")
def add_absence(
    *,
    clinic: Clinic,
    who: Annotated[str, typer.Argument(help="A dentist, chair or device.", show_default=False)],
    starts: From,
    ends: Until,
    reason: Reason = None,
    cancel: Cancel = False,
    keep: Keep = False,
    dry_run: DryRun = False,
) -> None:
    """Take a dentist, a chair or a device off the calendar.

    Appointments in the way refuse it, unless --cancel cancels them, or --keep blocks the time for everybody
    else until they are moved; `chairtime worklist` shows where they could go.

    Example: [bold]chairtime admin absence add riverside "chair 2" "sunday 08:00" "sunday 18:00"[/]
    """
    api = connect()
    where = lookup.find_clinic(api, clinic)
    found = lookup.find_resource(api, where, who)
    _add(
        api,
        where,
        starts,
        ends,
        resource_id=found["id"],
        reason=reason,
        on_conflict=_on_conflict(cancel, keep),
        dry_run=dry_run,
    )


def _on_conflict(cancel: bool, keep: bool) -> str:
    if cancel and keep:
        raise usage_error("appointments in the way are either kept or cancelled", "Pass --keep or --cancel.")
    return "cancel" if cancel else "keep" if keep else "reject"


def _add(api: "Api", clinic: "Row", starts: str, ends: str, *, dry_run: bool, **about: str | None) -> None:
    try:
        answer = api.rpc(
            "add_time_off",
            clinic_id=clinic["id"],
            starts_at=lookup.parse_instant(api, starts, clinic),
            ends_at=lookup.parse_instant(api, ends, clinic),
            dry_run=dry_run,
            **about,
        )
    except ChairtimeError as error:
        if error.code == "appointments_in_the_way":
            error.hint = (
                "`chairtime worklist` shows where they could go; --cancel cancels them, --keep keeps them."
            )
        raise
    clock = lookup.wall_times(api, clinic, ends_of(answer["appointments"]))
    lines = [
        (span(clock, row), row["patient_name"], row["status"], row["appointment_id"])
        for row in answer["appointments"]
    ]
    output.emit(answer, lambda it: _draw_added(it, lines))


def _draw_added(answer: "Row", in_the_way: "Sequence[tuple[str, ...]]") -> "RenderableType":
    from rich.console import Group

    ids = ", ".join([row["id"] for row in answer["time_off"]] or [answer["closure_id"] or ""])
    head = (
        "[yellow]Would be, nothing is changed[/]" if answer["dry_run"] else f"[green]Added[/] {ids}".rstrip()
    )
    title = "Cancelled" if answer["on_conflict"] == "cancel" and not answer["dry_run"] else "In the way"
    table = output.table(("When", "Patient", "Status", "Id"), in_the_way, title)
    return Group(head, *([table] if in_the_way else []))


@absence_app.command("list")
def list_absences(clinic: Clinic) -> None:
    """List who and what is off the calendar, from now on, with the ids that `remove` takes.

    Example: [bold]chairtime admin absence list riverside[/]
    """
    api = connect()
    where = lookup.find_clinic(api, clinic)
    names = names_of(api, "resources", where, "name")
    _list(api, where, "time_off", lambda row: (names.get(row["resource_id"]), row["reason"]))


def _list(api: "Api", clinic: "Row", view: str, about: "Callable[[Row], tuple[str | None, ...]]") -> None:
    now = api.rpc("clinic_time", clinic_id=clinic["id"])["server_now"]
    query = api.client.table(view).select("*").eq("clinic_id", clinic["id"]).gt("ends_at", now)
    rows: list[Row] = api.fetch(query.order("starts_at"))
    clock = lookup.wall_times(api, clinic, ends_of(rows))
    columns = ("When", "Who", "Why", "Id") if view == "time_off" else ("When", "Why", "Id")
    output.emit(
        rows, lambda it: output.table(columns, [(span(clock, row), *about(row), row["id"]) for row in it])
    )


@absence_app.command("remove")
def remove_absence(
    absence: Annotated[str, id_argument("Of the absence.", "admin absence list CLINIC", "ID")],
) -> None:
    """Put the time back on the calendar.

    Example: [bold]chairtime admin absence remove ID[/]
    """
    _remove(absence)


def _remove(identifier: str) -> None:
    removed = connect().rpc("remove_time_off", time_off_id=identifier)
    output.emit({"id": identifier, "removed": removed}, lambda _: "[green]Removed.[/]")


@closure_app.command("add")
def add_closure(
    *,
    clinic: Clinic,
    starts: From,
    ends: Until,
    reason: Reason = None,
    cancel: Cancel = False,
    keep: Keep = False,
    dry_run: DryRun = False,
) -> None:
    """Close the clinic for a while: for everybody, also who is hired later.

    Example: [bold]chairtime admin closure add riverside "sunday 00:00" "sunday 23:59" --dry-run[/]
    """
    api = connect()
    _add(
        api,
        lookup.find_clinic(api, clinic),
        starts,
        ends,
        reason=reason,
        on_conflict=_on_conflict(cancel, keep),
        dry_run=dry_run,
    )


@closure_app.command("list")
def list_closures(clinic: Clinic) -> None:
    """List when the clinic is closed, from now on, with the ids that `remove` takes.

    Example: [bold]chairtime admin closure list riverside[/]
    """
    api = connect()
    _list(api, lookup.find_clinic(api, clinic), "closures", lambda row: (row["reason"],))


@closure_app.command("remove")
def remove_closure(
    closure: Annotated[str, id_argument("Of the closure.", "admin closure list CLINIC", "ID")],
) -> None:
    """Open the clinic again.

    Example: [bold]chairtime admin closure remove ID[/]
    """
    _remove(closure)
