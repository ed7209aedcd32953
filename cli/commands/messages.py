"""`chairtime messages` and `chairtime confirm`: what was sent, who has not answered, and what came back."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cli import lookup, output
from cli.commands import message_words
from cli.commands.admin_patients import Patient
from cli.commands.shared import (
    APPOINTMENT_ID,
    Appointment,
    Clinic,
    OfPatient,
    On,
    connect,
    id_argument,
    names_of,
    patient_names,
    said,
)
from cli.project import Yes

if TYPE_CHECKING:
    from datetime import datetime

    from rich.console import RenderableType

    from cli.lookup import Row

app = typer.Typer()
messages = typer.Typer(
    no_args_is_help=True, help="What is sent and came back: list, resend, call, answer; rules and words."
)
app.add_typer(messages, name="messages")
messages.add_typer(message_words.rules, name="rules")
messages.add_typer(message_words.template, name="template")

State = Literal["planned", "leased", "sent", "skipped", "failed", "unknown"]


@messages.command("list")
def list_messages(
    *,
    clinic: Clinic,
    on: On = None,
    patient: OfPatient = None,
    appointment: Annotated[
        str | None,
        typer.Option(help="Only about this appointment, by id.", show_default=False, callback=APPOINTMENT_ID),
    ] = None,
    state: Annotated[
        State | None,
        typer.Option(help="planned, leased, sent, skipped, failed or unknown.", show_default=False),
    ] = None,
    limit: Annotated[int, typer.Option(help="At most so many, the latest due first.", min=1, max=1000)] = 50,
) -> None:
    """List what was sent, is planned, or was not sent and why.

    --on is the day on which they are due. `unknown` is what perhaps arrived: nobody can say.

    Examples: [bold]chairtime messages list riverside --state failed[/]
    and [bold]chairtime messages list riverside --patient rosa --on today[/]
    """
    api = connect()
    where = lookup.find_clinic(api, clinic)
    query = api.client.table("messages").select("*").eq("clinic_id", where["id"])
    if on:
        starts, ends = lookup.parse_days(api, on, where)
        query = query.gte("due_at", starts).lt("due_at", ends)
    who = patient and lookup.find_patient(api, where, patient)["id"]
    for column, value in {"patient_id": who, "appointment_id": appointment, "state": state}.items():
        query = query.eq(column, value) if value else query
    rows = api.fetch(query.order("due_at", desc=True).order("id").limit(limit))
    clock = lookup.wall_times(api, where, (row["due_at"] for row in rows))
    output.emit(rows, lambda found: _draw_messages(found, clock))


def _draw_messages(rows: "list[Row]", clock: "dict[str, datetime]") -> "RenderableType":
    if not rows:
        return "There is no such message."
    lines = (
        (
            said(clock[row["due_at"]]),
            f"{row['kind']} by {row['channel']}",
            " ".join(filter(None, (row["state"], (row["reason"] or "").replace("_", " ")))),
            "\n".join(filter(None, (row["address"], row["error"]))),
            row["id"],
        )
        for row in rows
    )
    return output.table(("Due", "What", "State", "To, and what went wrong", "Id"), lines)


@messages.command("resend")
def resend(
    message: Annotated[str, id_argument("The message's id.", "messages list CLINIC")],
    yes: Yes = False,
) -> None:
    """Send a message about a visit once more, as the visit is now.

    It goes to where the patient is reached now. What would be skipped, or is on its way, is refused.

    Example: [bold]chairtime messages resend ID --yes[/]
    """
    output.confirm(f"Send message {message} once more?", yes)
    row = connect().rpc("resend_message", message_id=message)
    output.emit(row, lambda it: f"[green]Planned[/] {it['id']}, by {it['channel']}.")


@messages.command("unconfirmed")
def unconfirmed(clinic: Clinic, on: On = None) -> None:
    """List whom to call: the visits of a day, tomorrow's by default, that nobody has confirmed.

    `chairtime confirm` notes what they say.

    Example: [bold]chairtime messages unconfirmed riverside --on monday[/]
    """
    api = connect()
    where = lookup.find_clinic(api, clinic)
    day = lookup.parse_day(api, on or "tomorrow", where)
    rows = api.rpc("unconfirmed", clinic_id=where["id"], day=day.isoformat())
    clock = lookup.wall_times(api, where, (row["starts_at"] for row in rows))
    names = names_of(api, "dentists", where, "full_name")
    output.emit(rows, lambda found: _draw_unconfirmed(found, clock, names))


def _draw_unconfirmed(
    rows: "list[Row]", clock: "dict[str, datetime]", names: dict[str, str]
) -> "RenderableType":
    if not rows:
        return "Nobody is left to call."
    lines = (
        (
            said(clock[row["starts_at"]]),
            f"{row['full_name']}\n{row['phone'] or ''}",
            names.get(row["dentist_id"]),
            row["last_message"] or "none",
            row["appointment_id"],
        )
        for row in rows
    )
    return output.table(("When", "Patient", "With", "Last message", "Id"), lines)


@app.command()
def confirm(appointment: Appointment) -> None:
    """Note that the patient will come to a visit ahead.

    Again changes nothing. A move or a cancellation takes it back.

    Example: [bold]chairtime confirm ID[/]
    """
    row = connect().rpc("confirm_attendance", appointment_id=appointment)
    output.emit(row, lambda it: f"{it['id']} is [green]confirmed[/].")


@messages.command("consent")
def consent(
    clinic: Clinic,
    patient: Patient,
    channel: Annotated[str, typer.Argument(help="email or sms.", show_default=False)],
    wanted: Annotated[bool, typer.Option("--wanted/--unwanted", help="Whether they want messages this way.")],
) -> None:
    """Note whether a patient wants messages through a channel.

    Wanting them again also ends a STOP that they texted.

    Example: [bold]chairtime messages consent riverside rosa sms --unwanted[/]
    """
    api = connect()
    who = lookup.find_patient(api, lookup.find_clinic(api, clinic), patient)["id"]
    row = api.rpc("set_message_consent", patient_id=who, channel=channel, is_wanted=wanted)
    told = "gets" if wanted else "no longer gets"
    output.emit(row, lambda it: f"{it['full_name']} [green]{told}[/] messages by {channel}.")


@messages.command("replies")
def replies(
    clinic: Clinic,
    everything: Annotated[bool, typer.Option("--all", help="Also what was understood, or is done.")] = False,
    limit: Annotated[int, typer.Option(help="At most so many, the newest first.", min=1, max=1000)] = 50,
) -> None:
    """List what patients wrote back and nobody understood yet: the desk's inbox.

    Example: [bold]chairtime messages replies riverside --all[/]
    """
    api = connect()
    where = lookup.find_clinic(api, clinic)
    query = api.client.table("message_replies").select("*").eq("clinic_id", where["id"])
    if not everything:
        query = query.eq("outcome", "desk").is_("handled_at", "null")
    rows = api.fetch(query.order("received_at", desc=True).limit(limit))
    clock = lookup.wall_times(api, where, (row["received_at"] for row in rows))
    output.emit(rows, lambda found: _draw_replies(found, clock, patient_names(api, found)))


def _draw_replies(rows: "list[Row]", clock: "dict[str, datetime]", names: dict[str, str]) -> "RenderableType":
    if not rows:
        return "Nothing is left to read."
    lines = (
        (
            said(clock[row["received_at"]]),
            "\n".join(filter(None, (names.get(row["patient_id"]), row["phone"]))),
            row["body"] or row["means"].replace("_", " "),
            "handled" if row["handled_at"] else (row["outcome"] or "").replace("_", " "),
            row["id"],
        )
        for row in rows
    )
    return output.table(("When", "From", "Says", "Outcome", "Id"), lines)


@messages.command("reply")
def reply(
    reply_: Annotated[str, id_argument("The reply's id.", "messages replies CLINIC", "REPLY")],
    answer: Annotated[
        str | None, typer.Option(help="A text message back to its number.", show_default=False)
    ] = None,
) -> None:
    """Take a reply off the inbox, and answer it if there is something to say.

    Example: [bold]chairtime messages reply ID --answer "See you at ten, then."[/]
    """
    row = connect().rpc("handle_reply", reply_id=reply_, answer=answer)
    told = "answered" if answer else "handled"
    output.emit(row, lambda it: f"{it['id']} is [green]{told}[/].")


messages.command("preview")(message_words.preview)
messages.command("test")(message_words.send_test)
