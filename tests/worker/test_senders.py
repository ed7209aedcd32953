"""What goes over the wire to who carries messages, and what is made of their answers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs
from uuid import uuid4

import icalendar
import pytest
import structlog
from standardwebhooks import Webhook

from tests.support.actors import Actors, Connection, call
from tests.support.clinics import Clinic
from tests.support.slots import book
from tests.worker.carriers import (
    SECRET,
    SITE,
    Carrier,
    Mailbox,
    carrier,
    mailing,
    posting,
    smtp_server,
)
from tests.worker.processes import WorkerProcess
from tests.worker.support import PHONE, book_by_phone, ended, wait_until
from worker.logs import configure_logs
from worker.messages import attempt
from worker.senders.base import Envelope, Lease, LeaseOver, Outcome, now
from worker.senders.smtp import SmtpSender
from worker.senders.web import WebSender, presets, wait_asked_for

Start = Callable[..., WorkerProcess]


# Letters


def test_a_booking_is_confirmed_by_a_letter_with_a_link_and_an_entry_for_the_calendar(
    start_worker: Start, mailbox: Mailbox, actors: Actors, root: Connection, riverside: Clinic
) -> None:
    visit = book(actors.user("ana@patients.test"), riverside, riverside.at("09:00"))
    start_worker(**mailing(mailbox))
    row = ended(root, "email")
    assert (row["state"], row["provider_ref"]) == ("sent", "kept as 4711")
    (letter,) = mailbox.letters
    assert letter["to"] == "ana@patients.test"
    assert letter["from"] == "Riverside Dental <visits@chairtime.example>"
    assert letter["reply-to"] == "Riverside Dental <hello@riverside.test>"
    assert letter["message-id"] == f"<{row['id']}@chairtime.example>"
    text, page = letter.get_body(("plain",)), letter.get_body(("html",))
    assert text is not None
    assert page is not None
    link = letter["list-unsubscribe"].strip("<>").removesuffix("?stop")
    assert link.startswith(f"{SITE}/a/")
    assert link in text.get_content()
    assert f'<a href="{link}"' in page.get_content()
    assert '<html lang="en" dir="ltr">' in page.get_content()
    (entry,) = [part for part in letter.walk() if part.get_content_type() == "text/calendar"]
    assert entry.get_param("method") == "REQUEST"
    calendar = icalendar.Calendar.from_ical(entry.get_content())
    (event,) = calendar.walk("VEVENT")
    assert (calendar["method"], event["uid"], event["sequence"]) == (
        "REQUEST",
        str(visit["id"]),
        visit["version"],
    )
    assert event.decoded("dtstart") == visit["starts_at"]
    assert event["attendee"] == "mailto:ana@patients.test"
    assert event["organizer"] == "mailto:hello@riverside.test"


def test_moves_and_cancellations_update_the_same_entry(
    start_worker: Start, mailbox: Mailbox, actors: Actors, root: Connection, riverside: Clinic
) -> None:
    ana = actors.user("ana@patients.test")
    visit = book(ana, riverside, riverside.at("09:00"))
    start_worker(**mailing(mailbox))
    ended(root, "email")
    call(ana, "reschedule_appointment", appointment_id=visit["id"], starts_at=riverside.at("10:00"))
    ended(root, "email", "moved")
    call(ana, "cancel_appointment", appointment_id=visit["id"])
    ended(root, "email", "cancelled")
    calendars = [
        icalendar.Calendar.from_ical(part.get_content())
        for letter in mailbox.letters
        for part in letter.walk()
        if part.get_content_type() == "text/calendar"
    ]
    events = [calendar.walk("VEVENT")[0] for calendar in calendars]
    assert [calendar["method"] for calendar in calendars] == ["REQUEST", "REQUEST", "CANCEL"]
    assert {event["uid"] for event in events} == {str(visit["id"])}
    assert [event["sequence"] for event in events] == sorted({event["sequence"] for event in events})
    assert events[-1]["status"] == "CANCELLED"


def test_what_a_clinic_writes_is_text_in_the_page_too(
    start_worker: Start, mailbox: Mailbox, actors: Actors, root: Connection, riverside: Clinic
) -> None:
    root.execute(
        "insert into clinic.message_templates (clinic_id, kind, channel, locale, subject, body)"
        " values (%s, 'booked', 'email', 'ar', 'A & B', %s)",
        [riverside.id, "<script>alert(1)</script>\n{link}"],
    )
    root.execute("update clinic.clinics set locale = 'ar' where id = %s", [riverside.id])
    book(actors.user("ana@patients.test"), riverside, riverside.at("09:00"))
    start_worker(**mailing(mailbox))
    wait_until(lambda: mailbox.letters, "the letter")
    (letter,) = mailbox.letters
    page = letter.get_body(("html",))
    assert page is not None
    assert letter["subject"] == "A & B"
    assert "<script>" not in page.get_content()
    assert 'dir="rtl"' in page.get_content()


@pytest.mark.parametrize(
    ("told", "state", "error"),
    [
        ({"refuse_recipient": "451 later"}, "planned", "smtp 451: later"),
        ({"refuse_recipient": "550 nobody here"}, "failed", "smtp 550: nobody here"),
        ({"refuse_letter": "452 full"}, "planned", "smtp 452: full"),
        ({"refuse_letter": "554 no"}, "failed", "smtp 554: no"),
        ({"hang_up": True}, "unknown", "smtp SMTPServerDisconnected"),
    ],
)
def test_what_an_smtp_server_says_is_understood(
    start_worker: Start, actors: Actors, root: Connection, riverside: Clinic,
    told: dict[str, Any], state: str, error: str,
) -> None:  # fmt: skip
    book(actors.user("ana@patients.test"), riverside, riverside.at("09:00"))
    with smtp_server(**told) as box:
        worker = start_worker(**mailing(box))
        row = ended(root, "email")
        assert (row["state"], row["attempts"]) == (state, 1)
        assert row["error"].startswith(error)
        settled = worker.wait_for("message_settled", message=str(row["id"]))
        assert "nobody" not in str(settled)


def test_a_server_that_is_not_there_is_tried_again(
    start_worker: Start, actors: Actors, root: Connection, riverside: Clinic, mailbox: Mailbox
) -> None:
    book(actors.user("ana@patients.test"), riverside, riverside.at("09:00"))
    with smtp_server() as gone:
        settings = mailing(gone)
    start_worker(**settings)
    row = ended(root, "email")
    assert row["state"] == "planned"
    assert row["next_at"] > row["created_at"]


@pytest.mark.parametrize(
    ("address", "knows_utf8", "recipient", "error"),
    [
        ("ü@x.test", True, "ü@x.test", None),
        ("ü@bücher.test", True, "ü@xn--bcher-kva.test", None),
        ("ana@bücher.test", False, "ana@xn--bcher-kva.test", None),
        (
            "ü@x.test",
            False,
            None,
            "smtp address: the server takes no such address: it does not offer SMTPUTF8",
        ),
        ("ana@x..ü", False, None, "smtp letter: Empty Label"),
    ],
)
async def test_addresses_beyond_ascii_are_written_as_the_server_knows_them(
    address: str, knows_utf8: bool, recipient: str | None, error: str | None
) -> None:
    envelope = Envelope(
        *(uuid4(), uuid4(), 1, uuid4(), "test", "email", "de", address, "Grüße", "Bis bald"),
        reply_to="hallo@zähne.test",
        sender_name="Zähne",
    )
    with smtp_server(knows_utf8=knows_utf8) as box:
        sender = SmtpSender("127.0.0.1", box.port, "none", "visits@chairtime.example")
        outcome = await sender.send(envelope, Lease(now() + 5))
        again = await sender.send(envelope, Lease(now() + 5))
        await sender.rest()
    assert (
        (outcome.state, outcome.error) == (again.state, again.error) == ("failed" if error else "sent", error)
    )
    assert box.recipients == [recipient] * 2 if recipient else box.recipients == []
    for letter in box.letters:
        assert (letter["to"], letter["subject"]) == (recipient, "Grüße")
        assert letter["reply-to"] == "Zähne <hallo@xn--zhne-loa.test>"


async def test_a_clinics_address_that_cannot_be_answered_to_is_left_out() -> None:
    envelope = Envelope(
        *(uuid4(), uuid4(), 1, uuid4(), "test", "email", "de", "ana@x.test", "Hallo", "Bis bald"),
        reply_to="zähne@x.test",
    )
    with smtp_server() as box:
        sender = SmtpSender("127.0.0.1", box.port, "none", "visits@chairtime.example")
        assert (await sender.send(envelope, Lease(now() + 5))).state == "sent"
        await sender.rest()
    (letter,) = box.letters
    assert letter["reply-to"] is None


# Requests


def test_a_text_message_is_one_signed_request(
    start_worker: Start, provider: Carrier, actors: Actors, texting: Connection, riverside: Clinic
) -> None:
    book_by_phone(actors, riverside)
    start_worker(**posting(provider))
    row = ended(texting, "sms")
    assert (row["state"], row["provider_ref"]) == ("sent", f"ref-{row['id']}")
    (asked,) = provider.asked
    told = Webhook(SECRET).verify(asked.content, asked.headers)
    assert asked.key == asked.headers["webhook-id"] == told["message_id"] == str(row["id"])
    assert {name: told[name] for name in ("kind", "channel", "to", "from", "locale", "clinic_id")} == {
        "kind": "booked", "channel": "sms", "to": PHONE, "from": "+12125550100", "locale": "en",
        "clinic_id": str(riverside.id),
    }  # fmt: skip
    assert "Riverside Dental" in told["text"]


@pytest.mark.parametrize(
    ("status", "headers", "repeatable", "state"),
    [
        (429, {"retry-after": "600"}, True, "planned"),
        (503, {"retry-after": "600"}, False, "planned"),
        (401, {}, True, "planned"),
        (400, {}, True, "failed"),
        (422, {}, True, "failed"),
        (302, {"location": "/elsewhere"}, True, "failed"),
        (500, {}, True, "unknown"),
        (502, {}, False, "unknown"),
        (None, {}, False, "unknown"),
    ],
)
def test_what_an_api_says_is_understood(
    start_worker: Start, actors: Actors, texting: Connection, riverside: Clinic,
    status: int | None, headers: dict[str, str], repeatable: bool, state: str,
) -> None:  # fmt: skip
    book_by_phone(actors, riverside)
    with carrier(lambda _: status and (status, headers, {"error": SECRET})) as refusing:  # type: ignore[arg-type, return-value]
        worker = start_worker(**posting(refusing, sms_repeatable=repeatable))
        row = ended(texting, "sms")
    assert (row["state"], row["attempts"], len(refusing.asked)) == (state, 1, 1)
    if "retry-after" in headers:
        seconds = (row["next_at"] - row["created_at"]).total_seconds()
        assert 600 <= seconds < 700
    assert SECRET not in str(row)
    assert SECRET not in worker.log.read_text()


@pytest.mark.parametrize("left", [-1, 20])
async def test_nothing_is_written_to_the_wire_once_the_lease_is_over(provider: Carrier, left: float) -> None:
    sender = WebSender("sms", presets()["chairtime"], provider.url, secret=SECRET)
    envelope = Envelope(uuid4(), uuid4(), 1, uuid4(), "test", "sms", "en", PHONE, None, "Hello")
    lease = Lease(now() + left)
    if left > 0:
        assert (await sender.send(envelope, lease)).state == "sent"
    else:
        with pytest.raises(LeaseOver):
            await sender.send(envelope, lease)
    assert len(provider.asked) == (left > 0)


async def test_the_lease_is_looked_at_again_when_the_connection_is_made(provider: Carrier) -> None:
    class Ending(Lease):
        looks = 0

        def left(self) -> float:
            type(self).looks += 1
            if self.looks > 1:
                raise LeaseOver
            return 1.0

    sender = WebSender("sms", presets()["chairtime"], provider.url, secret=SECRET)
    envelope = Envelope(uuid4(), uuid4(), 1, uuid4(), "test", "sms", "en", PHONE, None, "Hello")
    with pytest.raises(LeaseOver):
        await sender.send(envelope, Ending(0))
    assert provider.asked == []


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("120", 120), ("0", 0), ("99999999999", 86400), ("-5", None), ("soon", None), (None, None)],
)
def test_retry_after_is_read(said: str | None, seconds: float | None) -> None:
    assert wait_asked_for(said) == seconds


def test_retry_after_may_be_a_date() -> None:
    at = datetime.now(UTC) + timedelta(minutes=5)
    assert wait_asked_for(format_datetime(at, usegmt=True)) == pytest.approx(300, abs=3)
    assert wait_asked_for("Mon, 01 Jan 2001 00:00:00 GMT") == 0


@pytest.mark.parametrize("is_empty", [False, True], ids=["unset", "empty"])
@pytest.mark.parametrize("lacking", ["site_url", "email_from"])
def test_a_sender_that_cannot_work_says_what_it_lacks(
    start_worker: Start, mailbox: Mailbox, lacking: str, is_empty: bool
) -> None:
    settings = mailing(mailbox)
    del settings[lacking]
    worker = start_worker(**settings, **({lacking: ""} if is_empty else {}))
    assert worker.wait_for("sender_unusable")["missing"] == f"CHAIRTIME_WORKER_{lacking.upper()}"


def test_a_secret_may_lie_in_the_vault(
    start_worker: Start, provider: Carrier, actors: Actors, texting: Connection, riverside: Clinic
) -> None:
    texting.execute("create schema if not exists vault")
    texting.execute(
        "create table vault.decrypted_secrets"
        " (name text, decrypted_secret text, updated_at timestamptz default now())"
    )
    texting.execute("grant usage on schema vault to postgres")
    texting.execute("grant select on vault.decrypted_secrets to postgres")
    texting.execute(
        "insert into vault.decrypted_secrets values ('chairtime_sms_secret', %s), ('other', 'not ours')",
        [SECRET],
    )
    book_by_phone(actors, riverside)
    settings = posting(provider)
    del settings["sms_secret"]
    worker = start_worker(**settings)
    wait_until(lambda: provider.asked, "the request")
    Webhook(SECRET).verify(provider.asked[0].content, provider.asked[0].headers)
    assert SECRET not in worker.log.read_text()
    told = texting.execute(
        "select clinic.worker_secret('other') as one, clinic.worker_secret('chairtime_x') as two"
    )
    assert told.fetchall() == [{"one": None, "two": None}]


async def test_presets_speak_as_their_providers_documentation_says() -> None:
    envelope = Envelope(uuid4(), uuid4(), 1, uuid4(), "test", "sms", "en", PHONE, None, "Grüße & {more}")
    with carrier(lambda _: (201, {}, {"sid": "SM1", "message_uuid": "u-1"})) as running:
        outcomes = {}
        for name in ("twilio", "vonage"):
            preset = presets()[name]
            sender = WebSender("sms", preset, running.url, "+12125550100", "AC1", "token")
            outcomes[name] = await sender.send(envelope, Lease(now() + 5))
            assert not preset.repeatable
    twilio, vonage = running.asked
    assert parse_qs(twilio.content.decode()) == {
        "To": [PHONE],
        "From": ["+12125550100"],
        "Body": ["Grüße & {more}"],
    }
    assert vonage.json == {
        "message_type": "text", "channel": "sms", "to": PHONE[1:], "from": "+12125550100",
        "text": "Grüße & {more}", "client_ref": str(envelope.message_id),
    }  # fmt: skip
    for asked in running.asked:
        assert asked.headers["authorization"] == "Basic QUMxOnRva2Vu"
    assert (outcomes["twilio"].ref, outcomes["vonage"].ref) == ("SM1", "u-1")


async def test_a_bug_in_a_sender_is_logged_without_what_it_held(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken:
        channel, repeatable = "sms", False

        async def send(self, envelope: Envelope, lease: Lease) -> Outcome:
            raise ZeroDivisionError

        async def rest(self) -> None:
            """Nothing."""

    monkeypatch.setattr("logging.basicConfig", lambda **_: None)  # the other tests' logging stays as it is
    monkeypatch.setattr("worker.messages.log", structlog.get_logger())
    configure_logs("info")
    envelope = Envelope(uuid4(), uuid4(), 1, uuid4(), "test", "sms", "en", PHONE, None, "Hello")
    outcome = await attempt(Broken(), envelope, Lease(now() + 5))
    structlog.reset_defaults()
    assert outcome.state == "unknown"
    told = capsys.readouterr().out
    assert "sender_failed" in told
    assert "ZeroDivisionError" in told
    assert PHONE not in told
