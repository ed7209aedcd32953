"""`chairtime worklist`: the phone list of a day on which somebody is sick."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli import lookup, output
from cli.commands.shared import Clinic, connect, ends_of, names_of

if TYPE_CHECKING:
    from datetime import datetime

    from rich.console import RenderableType

    from cli.lookup import Row

app = typer.Typer()


@app.command()
def worklist(
    clinic: Clinic,
    who: Annotated[
        str | None,
        typer.Argument(
            metavar="WHO",
            help="The dentist or chair that will be missing. Default: all.",
            show_default=False,
        ),
    ] = None,
    on: Annotated[
        str | None, typer.Option("--on", help="First day: a date, today, tomorrow…", show_default=False)
    ] = None,
    days: Annotated[int, typer.Option(help="How many days.", min=1, max=31)] = 1,
) -> None:
    """List who is in the way of an absence, how to reach them, and where they could move to.

    First who or what is free instead at the same time, then the three nearest times. Nothing is changed:
    `chairtime seat` and `chairtime move` do that, and `chairtime admin absence add` enters the absence.

    Example: [bold]chairtime worklist riverside lee --on tomorrow[/]
    """
    api = connect()
    where = lookup.find_clinic(api, clinic)
    starts, ends = lookup.parse_days(api, on, where, days)
    answer = api.rpc(
        "absence_worklist",
        clinic_id=where["id"],
        starts_at=starts,
        ends_at=ends,
        dentist_id=lookup.find_resource(api, where, who)["id"] if who else None,
    )
    found = answer["appointments"]
    alternatives = (slot for row in found for slot in row["alternatives"])
    clock = lookup.wall_times(api, where, ends_of([*found, *alternatives]))
    names = names_of(api, "dentists", where, "full_name")
    output.emit(answer, lambda _: _draw(found, clock, names))


def _draw(found: "list[Row]", clock: "dict[str, datetime]", names: dict[str, str]) -> "RenderableType":
    if not found:
        return "Nobody is in the way."
    lines = (
        (
            f"{clock[row['starts_at']]:%a %d %b %H:%M}",
            f"{row['patient_name']}\n{row['phone'] or row['email'] or ''}",
            f"{row['appointment_type']}\n{row['dentist']}",
            "\n".join(
                [f"{one['name']}, same time" for one in row["stand_ins"]]
                + [
                    f"{clock[slot['starts_at']]:%a %d %b %H:%M} {names.get(slot['dentist_id'])}"
                    for slot in row["alternatives"]
                ]
            )
            or row["status"].replace("_", " "),
            row["id"],
        )
        for row in found
    )
    return output.table(("When", "Patient", "What", "Could move to", "Id"), lines)
