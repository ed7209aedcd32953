"""Who carries messages: a real SMTP server and a real HTTP one, that do what a test tells them."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from cli.local.ports import free_port

SITE = "https://visits.example"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

Told = dict[str, Any]
Box = TypeVar("Box", bound="Mailbox")


@dataclass
class Mailbox:
    """An SMTP server's handler: keeps the letters it took, and refuses as it is told."""

    port: int = 0
    refuse_recipient: str | None = None
    refuse_letter: str | None = None
    hang_up: bool = False
    knows_utf8: bool = True
    gate: threading.Event | None = None
    recipients: list[str] = field(default_factory=list)
    letters: list[EmailMessage] = field(default_factory=list)

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, _: list[str]
    ) -> str:
        """Answer RCPT, once the gate is open."""
        self.recipients.append(address)
        if self.gate:
            await asyncio.to_thread(self.gate.wait, 30)
        if self.refuse_recipient:
            return self.refuse_recipient
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Take a letter; hanging up afterwards leaves its sender in doubt."""
        if self.refuse_letter:
            return self.refuse_letter
        assert isinstance(envelope.content, bytes)
        letter = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(letter, EmailMessage)
        self.letters.append(letter)
        if self.hang_up:
            assert server.transport is not None
            server.transport.abort()
        return "250 kept as 4711"


@contextmanager
def smtp_server(kind: type[Box] = Mailbox, **told: Any) -> Iterator[Box]:  # type: ignore[assignment]
    """Run an SMTP server on a port of its own."""
    mailbox = kind(port=free_port(), **told)
    utf8 = mailbox.knows_utf8
    controller = Controller(mailbox, hostname="127.0.0.1", port=mailbox.port, enable_SMTPUTF8=utf8)
    controller.start()
    try:
        yield mailbox
    finally:
        controller.stop()


@dataclass(frozen=True)
class Asked:
    """A request that came."""

    path: str
    headers: dict[str, str]
    content: bytes

    @property
    def json(self) -> Told:
        """The body."""
        told: Told = json.loads(self.content)
        return told

    @property
    def key(self) -> str:
        """The idempotency key."""
        return self.headers["idempotency-key"]


@dataclass
class Carrier:
    """A provider's HTTP API. ``answer`` gives (status, headers, body), or None to hang up."""

    port: int
    answer: Callable[[Asked], tuple[int, dict[str, str], Any] | None]
    asked: list[Asked] = field(default_factory=list)
    delivered: Counter[str] = field(default_factory=Counter)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}/messages"


def taken(asked: Asked) -> tuple[int, dict[str, str], Any]:
    """Take whatever comes."""
    return 202, {}, {"id": f"ref-{asked.key}"}


@contextmanager
def carrier(
    answer: Callable[[Asked], tuple[int, dict[str, str], Any] | None] = taken,
) -> Iterator[Carrier]:
    """Run an HTTP server on a port of its own."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["content-length"]))
            asked = Asked(self.path, {name.lower(): value for name, value in self.headers.items()}, content)
            running.asked.append(asked)
            answered = running.answer(asked)
            if answered is None:
                self.close_connection = True
                return
            status, headers, body = answered
            told = json.dumps(body).encode()
            self.send_response(status)
            for name, value in (headers | {"content-length": str(len(told))}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(told)

        def handle(self) -> None:
            try:
                super().handle()
            except OSError:
                self.close_connection = True  # who asked was killed

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    running = Carrier(server.server_address[1], answer)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield running
    finally:
        server.shutdown()
        server.server_close()


def mailing(box: Mailbox, **more: Any) -> dict[str, Any]:
    """Return a worker's settings for letters."""
    return {
        "site_url": SITE, "smtp_host": "127.0.0.1", "smtp_port": box.port, "smtp_tls": "none",
        "email_from": "visits@chairtime.example", "message_poll": 0.1,
    } | more  # fmt: skip


def posting(provider: Carrier, **more: Any) -> dict[str, Any]:
    """Return a worker's settings for signed requests."""
    return {
        "site_url": SITE, "sms_url": provider.url, "sms_from": "+12125550100", "sms_secret": SECRET,
        "message_poll": 0.1,
    } | more  # fmt: skip
