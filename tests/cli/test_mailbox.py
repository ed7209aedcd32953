"""The embedded stack's mailbox: mails and texts lie there, also after it died, and nobody else reads them."""

from __future__ import annotations

import json
import smtplib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import psutil
import pytest
from standardwebhooks import Webhook

from tests.cli.stack_home import Home, eventually
from tests.support.kills import part
from tests.support.stacks import Stack

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("stack")]

NUMBER = "+12125550142"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    home = Home.make(tmp_path_factory.mktemp("mailbox"))
    home.up()
    yield home
    home.down()


@pytest.fixture(scope="module")
def stack(home: Home) -> Iterator[Stack]:
    stack = Stack(json.loads(home.run("status", "--json").stdout))
    yield stack
    stack.close()


def mail(stack: Stack, to: str) -> None:
    letter = EmailMessage()
    letter["From"], letter["To"], letter["Subject"] = "Elm <elm@clinic.test>", to, "予約のご確認"
    letter.set_content("Bis morgen, in der Bahnhofstraße!")
    letter.add_attachment(b"BEGIN:VCALENDAR", maintype="text", subtype="calendar", filename="visit.ics")
    with smtplib.SMTP("127.0.0.1", urlsplit(stack.status["smtp_url"]).port or 0, timeout=30) as server:
        server.send_message(letter)


def text(
    stack: Stack, key: str, content: str, secret: str | None = None, age: timedelta = timedelta()
) -> httpx.Response:
    """Hand a text message in, as the worker does."""
    at = datetime.now(UTC) - age
    headers = {
        "content-type": "application/json",
        "idempotency-key": key,
        "webhook-id": key,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret or stack.status["sms_secret"]).sign(key, at, content),
    }
    url = f"{stack.status['mailbox_url']}/sms"
    return httpx.post(url, content=content.encode(), headers=headers, trust_env=False, timeout=30)


def message(**about: Any) -> str:
    return json.dumps({"to": NUMBER, "from": "+12125550100", "text": "Morgen um 9", **about})


def test_a_mail_can_be_read_in_a_browser_with_what_is_attached(stack: Stack) -> None:
    address = f"{uuid4()}@made.test"
    mail(stack, address)
    [found] = stack.mailbox(address)
    assert (found["subject"], found["text"].strip()) == ("予約のご確認", "Bis morgen, in der Bahnhofstraße!")
    assert [one["filename"] for one in found["attachments"]] == ["visit.ics"]
    url = stack.status["mailbox_url"]
    page = httpx.get(url, headers={"Accept": "text/html"}, trust_env=False)
    assert "<title>MailDev" in page.text


def test_a_text_message_lies_beside_the_mails_once_however_often_it_is_handed_in(stack: Stack) -> None:
    key, to = str(uuid4()), "+41 79 555 01 42"
    answers = [text(stack, key, message(to=to, sender_name="Elm")) for _ in range(2)]
    assert [(answer.status_code, answer.json()) for answer in answers] == [(200, {"id": key})] * 2
    [found] = stack.mailbox("+41795550142@sms.local")
    assert (found["from"][0]["name"], found["subject"], found["text"].strip()) == (
        "Elm",
        *["Morgen um 9"] * 2,
    )


@pytest.mark.parametrize(
    ("content", "about", "status"),
    [
        (message(), {"secret": "whsec_" + "A" * 32}, 401),
        (message(), {"age": timedelta(minutes=10)}, 401),
        ("{", {}, 400),
        ("7", {}, 400),
        (json.dumps({"to": NUMBER}), {}, 400),
        (message(text=7), {}, 400),
    ],
    ids=["wrong secret", "old", "no JSON", "no object", "no text", "a number"],
)
def test_what_is_no_text_message_of_ours_is_refused(
    stack: Stack, content: str, about: dict[str, Any], status: int
) -> None:
    before = len(stack.mailbox(f"{NUMBER}@sms.local"))
    answer = text(stack, str(uuid4()), content, **about)
    assert answer.status_code == status
    assert answer.json()["error"]
    assert len(stack.mailbox(f"{NUMBER}@sms.local")) == before


def test_other_pages_in_the_same_browser_read_nothing(stack: Stack) -> None:
    url = f"{stack.status['mailbox_url']}/api/email"
    answer = httpx.get(url, headers={"Origin": "https://evil.test"}, trust_env=False)
    assert "access-control-allow-origin" not in answer.headers


def test_it_dies_alone_and_comes_back_with_what_it_held(home: Home, stack: Stack) -> None:
    address, key = f"{uuid4()}@made.test", str(uuid4())
    mail(stack, address)
    assert text(stack, key, message(to="+12125550143")).is_success
    before = {name: about["pid"] for name, about in stack.status["parts"].items()}
    psutil.Process(part(home, "mailbox")["pid"]).kill()
    eventually(lambda: part(home, "mailbox")["pid"] != before["mailbox"], "it is started again")
    eventually(lambda: home.run("status").returncode == 0, "it answers again")
    now = json.loads(home.run("status", "--json").stdout)
    assert {name for name, about in now["parts"].items() if about["pid"] != before[name]} == {"mailbox"}
    assert now["mailbox_url"] == stack.status["mailbox_url"]
    assert len(stack.mailbox(address)) == 1
    assert text(stack, key, message(to="+12125550143")).json() == {"id": key}
    assert len(stack.mailbox("+12125550143@sms.local")) == 1


def test_what_is_booked_while_it_is_away_is_sent_once_it_is_back(home: Home, stack: Stack) -> None:
    free = json.loads(home.run("next", "riverside", "check-up", "--json").stdout)[0]["starts_at"]
    psutil.Process(part(home, "mailbox")["pid"]).kill()
    booked = home.run("book", "riverside", "check-up", free, "--patient", "rosa", "--json")
    assert booked.returncode == 0, booked.stderr
    eventually(lambda: home.run("status").returncode == 0, "it answers again")
    eventually(lambda: stack.mailbox("rosa@patients.test"), "the confirmation arrives", 120)
    assert len(stack.mailbox("rosa@patients.test")) == 1


def test_a_fresh_stack_has_an_empty_mailbox(home: Home, stack: Stack) -> None:
    address = f"{uuid4()}@made.test"
    mail(stack, address)
    assert home.run("reset", "--yes").returncode == 0
    assert stack.mailbox(address) == []
