"""`chairtime admin patient`: who a clinic's patients are, what it knows of them, and how that ends."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import lookup, output
from cli.commands.shared import Clinic, DryRun, Name, connect, names_of, said, some
from cli.errors import ChairtimeError
from cli.output import emit_row
from cli.project import Yes

if TYPE_CHECKING:
    from rich.console import RenderableType

    from cli.api import Api
    from cli.lookup import Row

patient_app = typer.Typer(no_args_is_help=True, help="Patients: find, record, correct, join, invite, erase.")

Patient = Annotated[
    str, typer.Argument(metavar="PATIENT", help="Name, phone, email, birth date or id.", show_default=False)
]
Phone = Annotated[str | None, typer.Option(help="How to call them.", show_default=False)]
Email = Annotated[str | None, typer.Option(help="How to write to them.", show_default=False)]
Born = Annotated[
    str | None, typer.Option("--born", metavar="DATE", help="Birth date: 1984-02-29.", show_default=False)
]
Note = Annotated[
    str | None, typer.Option("--note", help="For the staff; no patient reads it.", show_default=False)
]

_VISITS = 10


@patient_app.command("search")
def search(
    clinic: Clinic,
    query: Annotated[
        list[str],
        typer.Argument(
            help="Parts of the name or email, digits of the phone, birth date.", show_default=False
        ),
    ],
    limit: Annotated[int, typer.Option(help="At most so many.", min=1, max=100)] = 20,
) -> None:
    """Find patients by what fits all the words, in any order, accents and case aside.

    Examples: [bold]chairtime admin patient search riverside del ros[/]
    and [bold]chairtime admin patient search riverside "555 0131"[/]
    """
    api = connect()
    where = lookup.find_clinic(api, clinic)
    arguments = {"clinic_id": where["id"], "query": " ".join(query), "max_results": limit}
    rows = api.rpc("search_patients", **arguments)
    output.emit(rows, lambda found: _draw_found(api, where, found))


@patient_app.command("show")
def show(clinic: Clinic, patient: Patient) -> None:
    """Show a patient's record, who acts for them, and their latest visits.

    Example: [bold]chairtime admin patient show riverside rosa[/]
    """
    api = connect()
    where = lookup.find_clinic(api, clinic)
    row = lookup.find_patient(api, where, patient)
    visits = api.client.table("appointments").select("*").eq("patient_id", row["id"])
    known = {
        "patient": row,
        "guardians": api.rows("guardians", clinic_id=where["id"], patient_id=row["id"]),
        "visits": api.fetch(visits.order("starts_at", desc=True).limit(_VISITS)),
    }
    output.emit(known, lambda it: _draw_record(api, where, it))


@patient_app.command("create")
def create(
    *,
    clinic: Clinic,
    name: Annotated[str, typer.Argument(help="Full name.", show_default=False)],
    phone: Phone = None,
    email: Email = None,
    born: Born = None,
    note: Note = None,
    force: Annotated[bool, typer.Option("--force", help="Though somebody much alike is there.")] = False,
) -> None:
    """Record a patient, for example a walk-in.

    Where somebody is there already who may be the same person, they are named, and nobody is recorded.

    Example: [bold]chairtime admin patient create riverside "Jo Park" --phone "+1 212 555 0199"[/]
    """
    api = connect()
    where = lookup.find_clinic(api, clinic)
    about = {
        "clinic_id": where["id"],
        "full_name": name,
        "phone": phone,
        "email": email,
        "birth_date": born,
    }
    similar = [] if force else api.rpc("similar_patients", **about)
    if similar:
        raise _alike(similar)
    emit_row("Created", api.rpc("create_patient", **about, staff_notes=note))


def _alike(rows: "list[Row]") -> ChairtimeError:
    told = "; ".join(
        ", ".join(str(row[name]) for name in ("full_name", "birth_date", "phone", "id") if row[name])
        for row in rows
    )
    hint = f"Update that record, or pass --force. There is already: {told}."
    return ChairtimeError("this may be somebody who is there already", "similar_patients", hint, details=rows)


@patient_app.command("update")
def update(
    *,
    clinic: Clinic,
    patient: Patient,
    name: Name = None,
    phone: Phone = None,
    email: Email = None,
    born: Born = None,
    note: Note = None,
    locale: Annotated[
        str | None, typer.Option(help="In which language to write to them: en, de, ja…", show_default=False)
    ] = None,
) -> None:
    """Change what the clinic knows of a patient; an empty text removes it.

    Example: [bold]chairtime admin patient update riverside rosa --born 1984-02-29 --note "Needs the lift"[/]
    """
    api = connect()
    changes = {"full_name": name, "phone": phone, "email": email, "birth_date": born, "staff_notes": note}
    given = some(changes | {"locale": locale})
    who = lookup.find_patient(api, lookup.find_clinic(api, clinic), patient)["id"]
    emit_row("Updated", api.rpc("update_patient", patient_id=who, **given))


@patient_app.command("merge")
def merge(
    clinic: Clinic,
    keep: Annotated[
        str, typer.Argument(metavar="KEEP", help="The record that stays: name or id.", show_default=False)
    ],
    other: Annotated[
        str, typer.Argument(metavar="OTHER", help="The record that joins it.", show_default=False)
    ],
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """Make two records one, for they are one person.

    Visits, holds, guardians and the login of OTHER become KEEP's, with what KEEP does not say itself. Look
    with --dry-run before: only by hand is it taken back.

    Example: [bold]chairtime admin patient merge riverside ID OTHER --dry-run[/]
    """
    api = connect()
    where = lookup.find_clinic(api, clinic)
    kept, merged = (lookup.find_patient(api, where, name) for name in (keep, other))
    if dry_run:
        planned = {"keep": kept, "merge": merged, "visits": _visits_of(api, merged), "dry_run": True}
        output.emit(planned, _draw_merge)
        return
    output.note(f"[dim]{merged['id']} joins {kept['id']}[/]")
    output.confirm(f"Are {kept['full_name']} and {merged['full_name']} one person?", yes)
    emit_row("Merged", api.rpc("merge_patients", keep_id=kept["id"], merge_id=merged["id"]))


def _visits_of(api: "Api", patient: "Row") -> int:
    counted = api.client.table("appointments").select("id").eq("patient_id", patient["id"])
    return len(api.fetch(counted))


@patient_app.command("invite")
def invite(
    clinic: Clinic,
    patient: Patient,
    relation: Annotated[
        str | None,
        typer.Option(
            help='For a guardian instead: what they are to the patient, "parent".', show_default=False
        ),
    ] = None,
) -> None:
    """Give out a code with which the patient, or a guardian, links the record to a login of theirs.

    It works once, within a week; an older one ends. Where the birth date is known they are asked for it.

    Example: [bold]chairtime admin patient invite riverside rosa[/]
    """
    api = connect()
    who = lookup.find_patient(api, lookup.find_clinic(api, clinic), patient)["id"]
    emit_row("Invited", api.rpc("invite_patient", patient_id=who, relation=relation))


@patient_app.command("erase")
def erase(
    clinic: Clinic,
    patient: Patient,
    reason: Annotated[str, typer.Option(help="Why; it is kept, and must name nobody.", show_default=False)],
    yes: Yes = False,
) -> None:
    """Make a patient unrecognizable, for good.

    Name, contact, birth date, notes and guardians go, visits ahead are cancelled; past ones stay as numbers.

    Example: [bold]chairtime admin patient erase riverside ID --reason "Asked for it by letter" --yes[/]
    """
    api = connect()
    where = lookup.find_clinic(api, clinic)
    row = lookup.find_patient(api, where, patient)
    output.confirm(f"Erase {row['full_name']} ({row['id']}) from {where['name']}, for good?", yes)
    erased = api.rpc("erase_patient", patient_id=row["id"], reason=reason)
    output.emit(erased, lambda it: f"[green]Erased[/] {it['patient_id']}")


def _draw_found(api: "Api", clinic: "Row", rows: "list[Row]") -> "RenderableType":
    if not rows:
        return "Nobody fits."
    instants = (row[name] for row in rows for name in ("next_visit", "last_visit") if row[name])
    clock = lookup.wall_times(api, clinic, instants)
    lines = (
        (
            row["full_name"],
            row["birth_date"],
            row["phone"] or row["email"],
            *(said(clock[row[name]]) if row[name] else None for name in ("next_visit", "last_visit")),
            row["id"],
        )
        for row in rows
    )
    return output.table(("Name", "Born", "Contact", "Next visit", "Last visit", "Id"), lines)


_RECORD = (
    *("full_name", "birth_date", "phone", "email", "locale", "muted_channels"),
    *("staff_notes", "user_id", "created_at", "id"),
)


def _draw_record(api: "Api", clinic: "Row", known: "dict[str, Any]") -> "RenderableType":
    from rich.console import Group

    drawn: list[Any] = [output.fields(_said_of(known["patient"]))]
    if guardians := known["guardians"]:
        acting = ((row["guardian_name"], row["relation"], row["until"], row["user_id"]) for row in guardians)
        drawn.append(output.table(("Guardian", "Relation", "Until", "Login"), acting, "Acting for them"))
    if visits := known["visits"]:
        types, dentists = (
            names_of(api, view, clinic, column)
            for view, column in (("appointment_types", "name"), ("dentists", "full_name"))
        )
        clock = lookup.wall_times(api, clinic, (row["starts_at"] for row in visits))
        lines = (
            (
                said(clock[row["starts_at"]]),
                types.get(row["appointment_type_id"]),
                dentists.get(row["dentist_id"]),
                row["status"].replace("_", " "),
                row["id"],
            )
            for row in visits
        )
        drawn.append(output.table(("When", "What", "With", "Status", "Id"), lines, "Latest visits"))
    return Group(*drawn)


def _said_of(row: "Row") -> list[tuple[str, Any]]:
    return [(name.replace("_", " "), _text(row[name])) for name in _RECORD if row[name] not in (None, [])]


def _text(value: Any) -> Any:
    return ", ".join(value) if isinstance(value, list) else value


def _draw_merge(planned: "Row") -> "RenderableType":
    lines = (
        (name.replace("_", " "), *(_text(planned[which][name]) for which in ("keep", "merge")))
        for name in _RECORD
        if planned["keep"][name] or planned["merge"][name]
    )
    visits = f"{planned['visits']} visit{'' if planned['visits'] == 1 else 's'}"
    title = f"Nothing is changed yet; {visits} would move"
    return output.table(("", "Stays", "Joins it"), lines, title)
