"""`chairtime messages rules`, `template`, `preview` and `test`: what is sent by itself, in which words."""

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from cli import lookup, output
from cli.commands.shared import APPOINTMENT_ID, Clinic, connect
from cli.errors import usage_error
from cli.project import Yes

if TYPE_CHECKING:
    from rich.console import RenderableType

    from cli.api import Api
    from cli.lookup import Row

rules = typer.Typer(no_args_is_help=True, help="What is sent by itself, and when.")
template = typer.Typer(no_args_is_help=True, help="A clinic's own words: show, set, reset.")

Kind = Annotated[
    str,
    typer.Argument(
        metavar="KIND",
        help="booked, moved, cancelled, reminder, recall or offer.",
        show_default=False,
    ),
]
Channel = Annotated[str, typer.Argument(metavar="CHANNEL", help="email or sms.", show_default=False)]
Locale = Annotated[
    str | None, typer.Option(help="The language: en, de, ja… Default: the clinic's.", show_default=False)
]
File = Annotated[
    str,
    typer.Argument(
        metavar="FILE",
        help='The words, in UTF-8; an email begins with "Subject: …" and an empty line. - is stdin.',
        show_default=False,
    ),
]
InFile = Annotated[
    str | None,
    typer.Option(
        "--file", help="Words that are not saved, as `template set` reads them.", show_default=False
    ),
]
_SUBJECT = "Subject: "


class Words(NamedTuple):
    """A template; a text message has no subject."""

    subject: str | None
    body: str | None


# Rules ----------------------------------------------------------------------------------------------------


@rules.command("list")
def list_rules(clinic: Clinic) -> None:
    """List what a clinic sends by itself.

    Example: [bold]chairtime messages rules list riverside[/]
    """
    api = connect()
    _emit_rules(api.rows("message_rules", clinic_id=lookup.find_clinic(api, clinic)["id"]))


@rules.command("set")
def set_rules(
    clinic: Clinic,
    rule: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="RULE",
            help='KIND:CHANNEL, of reminders also how long before the visit: "reminder:sms:1 day".',
            show_default=False,
        ),
    ] = None,
    nothing: Annotated[bool, typer.Option("--none", help="It sends nothing by itself.")] = False,
    yes: Yes = False,
) -> None:
    """Replace what a clinic sends by itself.

    They hold for what is booked, moved or cancelled from now on. A new reminder is planned for the visits
    ahead, too; what a reminder that is gone had planned is skipped.

    Example: [bold]chairtime messages rules set riverside booked:email "reminder:sms:1 day" --yes[/]
    """
    if bool(rule) == nothing:
        raise usage_error("which rules?", 'Such as booked:email "reminder:sms:1 day"; or --none.')
    api = connect()
    where = lookup.find_clinic(api, clinic)
    output.confirm(f"Replace what {where['name']} sends by itself?", yes)
    wanted = [_rule(text) for text in rule or []]
    _emit_rules(api.rpc("set_message_rules", clinic_id=where["id"], rules=wanted))


def _rule(text: str) -> dict[str, str]:
    kind, _, rest = text.partition(":")
    channel, _, lead = rest.partition(":")
    return {"kind": kind, "channel": channel} | ({"lead": lead} if lead else {})


def _emit_rules(rows: "list[Row]") -> None:
    rows = sorted(rows, key=lambda row: (row["kind"], row["channel"], row["lead"]))
    output.emit(rows, _draw_rules)


def _draw_rules(rows: "list[Row]") -> "RenderableType":
    if not rows:
        return "Nothing is sent by itself."
    lines = (
        (
            row["kind"],
            row["channel"],
            f"{spoken(row['lead'])} before" if row["kind"] == "reminder" else "at once",
        )
        for row in rows
    )
    return output.table(("Kind", "Channel", "When"), lines)


def spoken(interval: str) -> str:
    """Write Postgres' `1 day 03:00:00` as people say it, and `set` reads it: `1 day 3 hours`."""
    found = re.fullmatch(r"(?:(.+) )?(\d+):(\d+):(\d+)", interval)
    if found is None:
        return interval
    clock = zip(map(int, found.groups()[1:]), ("hour", "minute", "second"), strict=True)
    said = [f"{count} {unit}{'' if count == 1 else 's'}" for count, unit in clock if count]
    return " ".join([*filter(None, [found[1]]), *said])


# Words ----------------------------------------------------------------------------------------------------


@template.command("show")
def show_template(clinic: Clinic, kind: Kind, channel: Channel, locale: Locale = None) -> None:
    """Show the words that hold, the clinic's own or the default ones, as `set` reads them.

    Example: [bold]chairtime messages template show riverside reminder email --locale de[/]
    """
    api, about = _about(clinic, kind, channel, locale)
    named = {name: about[name] for name in ("kind", "channel", "locale")}
    own = api.rows("message_templates", **about)
    found = own or api.rows("message_defaults", **named)
    if not found:
        # The API says what there is to choose from.
        api.rpc("preview_message", **about)
    row = found[0] | {"is_own": bool(own)}
    output.emit(row, _draw_words)


@template.command("set")
def set_template(clinic: Clinic, kind: Kind, channel: Channel, file: File, locale: Locale = None) -> None:
    """Save a clinic's own words for a kind of message, channel and language.

    Placeholders: {clinic}, {clinic_phone}, {clinic_address}, {patient}, {dentist}, {visit}, {date}, {time},
    {link}, {until}; a brace is {{ or }}. An unknown one is refused. A line of nothing but placeholders that
    stand for nothing is left out.

    Example: [bold]echo "See you {date} {link}" | chairtime messages template set riverside reminder sms -[/]
    """
    api, about = _about(clinic, kind, channel, locale)
    words = _read(file)
    if words.body is None:
        raise usage_error("there are no words in it", "`chairtime messages template reset` takes yours back.")
    output.emit(api.rpc("set_message_template", **about, **words._asdict()), _draw_words)


@template.command("reset")
def reset_template(
    clinic: Clinic, kind: Kind, channel: Channel, locale: Locale = None, yes: Yes = False
) -> None:
    """Let the default words hold again.

    Example: [bold]chairtime messages template reset riverside reminder sms --yes[/]
    """
    output.confirm(f"Forget the own words of {kind} by {channel}?", yes)
    api, about = _about(clinic, kind, channel, locale)
    output.emit(api.rpc("set_message_template", **about), _draw_words)


def preview(
    *,
    clinic: Clinic,
    kind: Kind,
    channel: Channel,
    locale: Locale = None,
    file: InFile = None,
    appointment: Annotated[
        str | None,
        typer.Option(
            help="About this visit, by id. Default: an example.",
            show_default=False,
            callback=APPOINTMENT_ID,
        ),
    ] = None,
) -> None:
    """Show how a message would read; of text messages also how many they are sent as.

    Example: [bold]chairtime messages preview riverside reminder sms --locale ja[/]
    """
    api, about = _about(clinic, kind, channel, locale)
    answer = api.rpc("preview_message", **about, **_words(file), appointment_id=appointment)
    output.emit(answer, _draw_words)


def send_test(
    *, clinic: Clinic, kind: Kind, channel: Channel, locale: Locale = None, file: InFile = None
) -> None:
    """Send what `preview` shows to your own address, through the clinic's real sender.

    For admins who signed in: the secret key has no address. `chairtime messages list` says what became of it.

    Example: [bold]chairtime messages test riverside reminder email[/]
    """
    api, about = _about(clinic, kind, channel, locale)
    answer = api.rpc("send_test_message", **about, **_words(file))
    output.emit(answer, lambda it: f"[green]On its way[/] to {it['address']}: {it['message_id']}")


def _about(clinic: str, kind: str, channel: str, locale: str | None) -> "tuple[Api, dict[str, Any]]":
    """Return what names a template, in the clinic's language unless another is given."""
    api = connect()
    where = lookup.find_clinic(api, clinic)
    named = {"kind": kind, "channel": channel, "locale": locale or where["locale"]}
    return api, {"clinic_id": where["id"], **named}


def _words(file: str | None) -> dict[str, str | None]:
    return _read(file)._asdict() if file else {}


def _read(file: str) -> Words:
    """Read a template: an email's first line says its subject, and an empty line follows."""
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise usage_error(f"{file}: {error}", "Name a text file in UTF-8, or - for stdin.") from error
    if not text.startswith(_SUBJECT):
        return Words(None, text.strip() or None)
    head, _, body = text.partition("\n")
    return Words(head.removeprefix(_SUBJECT).strip(), body.strip() or None)


def _draw_words(row: "Row") -> "RenderableType":
    from rich.text import Text

    if "segments" in row:
        output.note(f"[dim]sent as {row['segments']} ({row['encoding']}, {row['units']} units)[/]")
    elif "is_own" in row:
        output.note(f"[dim]{'its own words' if row['is_own'] else 'the default words'}[/]")
    head = f"{_SUBJECT}{row['subject']}\n\n" if row["subject"] else ""
    return Text(f"{head}{row['body']}")
