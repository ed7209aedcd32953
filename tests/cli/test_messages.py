"""Messages on the command line: rules, words, what was sent, whom to call, what came back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from cli.commands.message_words import spoken
from tests.cli.program import Program
from tests.cli.stack_home import eventually
from tests.support.build import MadeClinic, make_clinic
from tests.support.stacks import PASSWORD, Stack

PLACEHOLDERS = "See you {date}, {time}, {patient}. {link}\n"


@pytest.fixture
def clinic(stack: Stack) -> Iterator[MadeClinic]:
    """A clinic of one's own, which wakes people at any hour."""
    actors = stack.actors()
    yield make_clinic(actors.superuser(), quiet_from="00:00", quiet_until="00:00")
    actors.close()


@pytest.fixture
def number() -> str:
    """Nobody else's number."""
    return f"+1999{uuid4().int % 10**8:08}"


@pytest.fixture
def zoe(desk: Program, clinic: MadeClinic, number: str) -> dict[str, Any]:
    contact = ("--email", f"{uuid4()}@quill.test", "--phone", number)
    made: dict[str, Any] = desk.json("admin", "patient", "create", clinic.slug, "Zoe Quill", *contact)
    return made


def book(desk: Program, clinic: MadeClinic, patient: dict[str, Any], clock: str = "09:00") -> str:
    start = clinic.at(clock).strftime("%Y-%m-%dT%H:%M")
    arguments = (clinic.slug, "check", start, "--dentist", "lee", "--patient", patient["id"])
    booked: str = desk.json("book", *arguments)["id"]
    return booked


def rules(desk: Program, clinic: MadeClinic, *those: str) -> Any:
    return desk.json("messages", "rules", "set", clinic.slug, *those, "--yes")


def test_rules_are_set_whole_and_listed(desk: Program, clinic: MadeClinic) -> None:
    rules(desk, clinic, "booked:email", "moved:sms")
    made = rules(desk, clinic, "booked:email", "reminder:sms:1 day", "reminder:email:3 hours")
    assert [(row["kind"], row["channel"], row["lead"]) for row in made] == [
        ("booked", "email", "00:00:00"),
        ("reminder", "email", "03:00:00"),
        ("reminder", "sms", "1 day"),
    ]
    assert desk.json("messages", "rules", "list", clinic.slug) == made
    drawn = desk.ok("messages", "rules", "list", clinic.slug).out
    assert "1 day before" in drawn
    assert "3 hours before" in drawn
    assert "\x1b" not in drawn


def test_a_clinic_may_send_nothing_by_itself(desk: Program, clinic: MadeClinic) -> None:
    rules(desk, clinic, "booked:email")
    for neither in ((), ("booked:email", "--none")):
        refused = desk("messages", "rules", "set", clinic.slug, *neither, "--yes", "--json")
        assert (refused.code, refused.error["code"]) == (2, "invalid_argument")
    assert rules(desk, clinic, "--none") == []
    assert "Nothing is sent by itself" in desk.ok("messages", "rules", "list", clinic.slug).out


@pytest.mark.parametrize(
    ("interval", "said"),
    [
        ("03:00:00", "3 hours"),
        ("01:30:00", "1 hour 30 minutes"),
        ("00:10:00", "10 minutes"),
        ("36:00:00", "36 hours"),
        ("1 day", "1 day"),
        ("2 days 01:00:00", "2 days 1 hour"),
    ],
)
def test_how_long_before_a_visit_is_said_as_it_is_typed(interval: str, said: str) -> None:
    assert spoken(interval) == said


@pytest.mark.parametrize(
    "rule", ["booked", "booked:pigeon", "reminder:sms", "booked:sms:1 day", "reminder:sms:soon"]
)
def test_rules_that_make_no_sense_are_refused(desk: Program, clinic: MadeClinic, rule: str) -> None:
    done = desk("messages", "rules", "set", clinic.slug, rule, "--yes", "--json")
    assert (done.code, done.error["code"]) == (2, "invalid_argument")


def test_words_are_shown_set_previewed_and_reset(desk: Program, clinic: MadeClinic) -> None:
    about = (clinic.slug, "reminder", "email", "--locale", "de")
    default = desk.json("messages", "template", "show", *about)
    assert default["is_own"] is False
    text = desk.ok("messages", "template", "show", *about).out
    assert text.startswith(f"Subject: {default['subject']}\n\n")
    words = desk.folder / "words.txt"
    words.write_text(f"Subject: Bis bald, {{patient}}\n\n{PLACEHOLDERS}")
    saved = desk.json(
        "messages", "template", "set", clinic.slug, "reminder", "email", str(words), "--locale", "de"
    )
    assert (saved["subject"], saved["body"]) == ("Bis bald, {patient}", PLACEHOLDERS.strip())
    shown = desk.json("messages", "template", "show", *about)
    assert (shown["is_own"], shown["subject"]) == (True, saved["subject"])
    preview = desk.json("messages", "preview", *about)
    assert preview["subject"].startswith("Bis bald, ")
    assert "{" not in preview["body"]
    assert desk.json("messages", "template", "reset", *about, "--yes")["subject"] == default["subject"]


def test_words_not_saved_are_previewed_about_a_visit_and_counted(
    desk: Program, clinic: MadeClinic, zoe: dict[str, Any]
) -> None:
    (desk.folder / "words.txt").write_text(PLACEHOLDERS.replace("See you", "またね"))
    file = ("--file", "words.txt", "--appointment", book(desk, clinic, zoe))
    preview = desk.json("messages", "preview", clinic.slug, "reminder", "sms", *file)
    assert "Zoe Quill" in preview["body"]
    assert (preview["encoding"], preview["segments"]) == ("UCS-2", 2)
    assert "UCS-2" in desk.ok("messages", "preview", clinic.slug, "reminder", "sms", *file).err


@pytest.mark.parametrize(
    ("kind", "content", "code"),
    [
        ("reminder", b"See {you}", "invalid_argument"),
        ("nope", b"x", "invalid_argument"),
        ("reminder", b" ", "invalid_argument"),
    ],
    ids=["a placeholder", "a kind", "nothing"],
)
def test_words_that_cannot_be_sent_are_refused(
    desk: Program, clinic: MadeClinic, kind: str, content: bytes, code: str
) -> None:
    (desk.folder / "words.txt").write_bytes(content)
    done = desk("messages", "template", "set", clinic.slug, kind, "sms", "words.txt", "--json")
    assert (done.code, done.error["code"]) == (2, code)
    assert desk("messages", "template", "show", clinic.slug, "nope", "sms").code == 2


def test_a_file_that_is_no_text_is_refused(desk: Program, clinic: MadeClinic) -> None:
    (desk.folder / "words.txt").write_bytes(b"\xff\xfe")
    for file in ("words.txt", "nowhere.txt"):
        assert desk("messages", "template", "set", clinic.slug, "reminder", "sms", file).code == 2


def test_what_is_sent_arrives_and_is_listed_and_resent(
    desk: Program, stack: Stack, clinic: MadeClinic, zoe: dict[str, Any]
) -> None:
    rules(desk, clinic, "booked:email", "reminder:email:1 day")
    visit = book(desk, clinic, zoe)
    [mail] = eventually(lambda: stack.mailbox(zoe["email"]), "a confirmation arrives")
    assert "Zoe Quill" in mail["subject"]
    listed = ("messages", "list", clinic.slug, "--appointment", visit)
    [sent] = eventually(lambda: desk.json(*listed, "--state", "sent"), "it is known to be sent")
    assert (sent["kind"], sent["address"]) == ("booked", zoe["email"])
    assert [row["kind"] for row in desk.json(*listed)] == ["reminder", "booked"]
    today = desk.json("messages", "list", clinic.slug, "--patient", "zoe", "--on", "today")
    assert [row["id"] for row in today] == [sent["id"]]
    assert "booked by email" in desk.ok(*listed).out
    unknown = desk("messages", "list", clinic.slug, "--state", "nope", "--json")
    assert (unknown.code, unknown.error["code"], unknown.out) == (2, "usage", "")
    again = desk.json("messages", "resend", sent["id"], "--yes")
    assert (again["kind"], again["state"]) == ("booked", "planned")
    eventually(lambda: len(stack.mailbox(zoe["email"])) == 2, "it arrives once more")
    desk.ok("cancel", visit, "--yes")
    refused = desk("messages", "resend", sent["id"], "--yes", "--json")
    assert refused.error["code"] == "invalid_argument"


def test_who_has_not_confirmed_is_called_and_confirmed(
    desk: Program, clinic: MadeClinic, zoe: dict[str, Any]
) -> None:
    visit = book(desk, clinic, zoe)
    on = ("messages", "unconfirmed", clinic.slug, "--on", clinic.at("09:00").date().isoformat())
    [row] = desk.json(*on)
    assert (row["appointment_id"], row["phone"]) == (visit, zoe["phone"])
    assert zoe["phone"] in desk.ok(*on).out
    assert desk.json("confirm", visit)["confirmed_at"]
    assert desk.json(*on) == []
    assert "Nobody is left to call" in desk.ok(*on).out


def test_what_nobody_understood_is_read_and_answered(
    desk: Program, stack: Stack, clinic: MadeClinic, zoe: dict[str, Any], number: str
) -> None:
    rules(desk, clinic, "booked:sms")
    book(desk, clinic, zoe)
    eventually(lambda: stack.mailbox(f"{number}@sms.local"), "a text arrives")
    reply = {"sender": "", "message_ref": str(uuid4()), "phone": number, "body": "Is there [bold]parking[/]?"}
    told = stack.client(key=stack.secret_key).rpc("receive_reply", reply).execute().data
    assert told["outcome"] == "desk"  # type: ignore[index,call-overload]
    [row] = desk.json("messages", "replies", clinic.slug)
    assert (row["body"], row["patient_id"]) == (reply["body"], zoe["id"])
    drawn = desk.ok("messages", "replies", clinic.slug).out
    assert "[bold]parking[/]" in drawn
    assert "Zoe Quill" in drawn
    assert desk.json("messages", "reply", row["id"], "--answer", "Behind the house.")["handled_at"]
    assert desk.json("messages", "replies", clinic.slug) == []
    assert [one["id"] for one in desk.json("messages", "replies", clinic.slug, "--all")] == [row["id"]]
    texts = eventually(
        lambda: [text for text in stack.mails(f"{number}@sms.local") if "Behind" in text],
        "the answer arrives",
    )
    assert [text.strip() for text in texts] == ["Behind the house."]


def test_what_failed_is_listed_with_where_it_was_to_go_and_why(
    desk: Program, stack: Stack, clinic: MadeClinic, zoe: dict[str, Any]
) -> None:
    rules(desk, clinic, "booked:email")
    visit = book(desk, clinic, zoe)
    listed = ("messages", "list", clinic.slug, "--appointment", visit)
    [sent] = eventually(lambda: desk.json(*listed, "--state", "sent"), "it is sent")
    actors = stack.actors()
    actors.superuser().execute(
        "update clinic.messages set state = 'failed', error = 'smtp 550: no such box' where id = %s",
        [sent["id"]],
    )
    actors.close()
    drawn = desk.ok(*listed, "--state", "failed").out
    assert zoe["email"] in drawn
    assert "smtp 550: no such box" in drawn


def test_who_wants_no_messages_gets_none(desk: Program, clinic: MadeClinic, zoe: dict[str, Any]) -> None:
    rules(desk, clinic, "booked:sms")
    assert desk.json("messages", "consent", clinic.slug, "zoe", "sms", "--unwanted")["muted_channels"] == [
        "sms"
    ]
    assert "sms" in desk.ok("admin", "patient", "show", clinic.slug, "zoe").out
    skipped = (
        "messages",
        "list",
        clinic.slug,
        "--appointment",
        book(desk, clinic, zoe),
        "--state",
        "skipped",
    )
    [row] = eventually(lambda: desk.json(*skipped), "it is skipped")
    assert row["reason"] == "opted_out"
    assert desk.json("messages", "consent", clinic.slug, "zoe", "sms", "--wanted")["muted_channels"] == []


def test_an_admin_sends_a_test_to_themselves_and_the_secret_key_cannot(desk: Program, stack: Stack) -> None:
    arguments = ("messages", "test", "riverside", "booked", "email", "--locale", "fr")
    assert desk(*arguments, "--json").error["code"] == "invalid_argument"
    before = len(stack.mailbox("admin@riverside.test"))
    desk.ok("login", "admin@riverside.test", CHAIRTIME_PASSWORD=PASSWORD)
    answer = desk.json(*arguments)
    assert answer["address"] == "admin@riverside.test"
    eventually(lambda: len(stack.mailbox("admin@riverside.test")) > before, "it arrives")


def test_language_and_quiet_hours_are_policy_and_a_patients_own(
    desk: Program, clinic: MadeClinic, zoe: dict[str, Any]
) -> None:
    hours = ("--locale", "de", "--quiet-from", "20:30", "--quiet-until", "07:15")
    row = desk.json("admin", "clinic", "policy", clinic.slug, *hours)
    assert (row["locale"], row["quiet_from"], row["quiet_until"]) == ("de", "20:30:00", "07:15:00")
    assert desk.json("admin", "patient", "update", clinic.slug, zoe["id"], "--locale", "ar")["locale"] == "ar"
    wrong = desk("admin", "clinic", "policy", clinic.slug, "--quiet-from", "late", "--json")
    assert (wrong.code, wrong.error["code"]) == (2, "invalid_argument")
