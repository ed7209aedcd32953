"""`chairtime series`: one visit again and again."""

from typing import TYPE_CHECKING, Annotated
from uuid import uuid4

import typer

from cli import lookup, output
from cli.commands.desk import Patient, with_alternatives
from cli.commands.shared import ByDentist, Clinic, DryRun, Time, Type, connect, names_of, said
from cli.errors import ChairtimeError, Exit
from cli.project import Yes

if TYPE_CHECKING:
    from rich.console import RenderableType

    from cli.api import Api
    from cli.lookup import Row

app = typer.Typer()
series = typer.Typer(
    no_args_is_help=True, help="Book a visit again and again, or cancel what is ahead of it."
)
app.add_typer(series, name="series")


@series.command("book")
def book_series(
    *,
    clinic: Clinic,
    type_: Type,
    time: Time,
    every: Annotated[
        str, typer.Option(help='How far apart: "1 week", "14 days", "6 months".', show_default=False)
    ],
    times: Annotated[int, typer.Option(help="How many visits.", min=2, max=60, show_default=False)],
    dentist: ByDentist = None,
    patient: Patient = None,
    on_conflict: Annotated[
        str,
        typer.Option(help="Where a time cannot be had: reject all, skip it, or take the nearest free one."),
    ] = "reject",
    dry_run: DryRun = False,
) -> None:
    """Book the same visit several times, each at the same time of the clinic's clock.

    Example: [bold]chairtime series book riverside check-up "monday 09:00" --every "1 week" --times 3
    --patient rosa --on-conflict nearest --dry-run[/]
    """
    api = connect()
    where = lookup.find_clinic(api, clinic)
    try:
        answer = api.rpc(
            "book_series",
            dentist_id=lookup.find_dentist(api, where, dentist)["id"] if dentist else None,
            appointment_type_id=lookup.find_type(api, where, type_)["id"],
            starts_at=lookup.parse_instant(api, time, where),
            every=every,
            occurrences=times,
            patient_id=lookup.find_patient(api, where, patient)["id"] if patient else None,
            on_conflict=on_conflict,
            dry_run=dry_run,
            # The client repeats a request that got lost; the key makes that one series.
            idempotency_key=str(uuid4()),
        )
    except ChairtimeError as error:
        raise with_alternatives(api, error, where) from error
    verb = "[yellow]Would be, nothing is booked[/]" if dry_run else "[green]Booked[/]"
    output.emit(answer, lambda it: _draw(api, where, it, verb))


@series.command("cancel")
def cancel_series(
    *,
    series_id: Annotated[str, typer.Argument(metavar="SERIES", help="The series' id.", show_default=False)],
    start: Annotated[
        str | None,
        typer.Option("--from", help="What starts earlier stays. Default: all of it.", show_default=False),
    ] = None,
    yes: Yes = False,
) -> None:
    """Cancel what is ahead of a series, all of it or from a time on.

    Example: [bold]chairtime series cancel ID --from "2026-12-01 00:00" --yes[/]
    """
    api = connect()
    visits = api.rows("appointments", series_id=series_id)
    if not visits:
        hint = "`chairtime appointments CLINIC --json` shows which series a visit is of."
        raise ChairtimeError(f"no series has the id {series_id}", "not_found", hint, Exit.NOT_FOUND)
    where = api.rows("clinics", id=visits[0]["clinic_id"])[0]
    output.confirm(f"Cancel what is ahead of series {series_id}?", yes)
    starts_at = lookup.parse_instant(api, start, where) if start else None
    answer = api.rpc("cancel_series", series_id=series_id, from_time=starts_at)
    output.emit(answer, lambda it: _draw(api, where, it, "[green]Cancelled[/]"))


def _draw(api: "Api", clinic: "Row", answer: "Row", verb: str) -> "RenderableType":
    from rich.console import Group

    rows, refused = answer["appointments"], answer["refused"]
    names = names_of(api, "dentists", clinic, "full_name")
    moved = (row["moved_to"] for row in refused if row.get("moved_to"))
    clock = lookup.wall_times(api, clinic, [*(row["starts_at"] for row in [*rows, *refused]), *moved])
    lines = ((said(clock[row["starts_at"]]), names.get(row["dentist_id"]), row["id"]) for row in rows)
    drawn: list[RenderableType] = [f"{verb}: {len(rows)}, series {answer['series_id'] or 'none'}"]
    if rows:
        drawn.append(output.table(("When", "Dentist", "Id"), lines))
    for row in refused:
        to = f", instead {said(clock[row['moved_to']])}" if row.get("moved_to") else ""
        drawn.append(f"[yellow]Not {said(clock[row['starts_at']])}[/]: {row['message']}{to}")
    return Group(*drawn)
