"""Sends a message as one HTTP request: our own, signed, or as a provider's API wants it (presets.toml)."""

import asyncio
import json
import re
import tomllib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlencode

import httpx
from pydantic import BaseModel, ConfigDict
from standardwebhooks import Webhook

from worker.senders.base import Envelope, Lease, Outcome

# Not taken now, or for a reason that is not this message's: credentials, credit, a limit, a try in hand.
_LATER = (401, 402, 403, 407, 408, 409, 425, 429, 503)
_QUOTED = 300
_LONGEST_WAIT = 86_400.0
_ON_THE_WIRE = re.compile(r"\.send_request_headers\.started$")


class Preset(BaseModel):
    """A provider's API, as presets.toml explains."""

    model_config = ConfigDict(extra="forbid")

    url: str | None = None
    encoding: Literal["json", "form"]
    auth: Literal["signature", "basic", "bearer"]
    repeatable: bool
    ref: str
    body: dict[str, str] | None = None


@cache
def presets() -> dict[str, Preset]:
    """Return the presets by name."""
    table = tomllib.loads(Path(__file__).with_name("presets.toml").read_text(encoding="utf-8"))
    return {name: Preset(**preset) for name, preset in table.items()}


@dataclass
class WebSender:
    """A provider's HTTP API, for one channel."""

    channel: str
    preset: Preset
    url: str
    from_address: str | None = None
    account: str | None = None
    secret: str | None = field(default=None, repr=False)
    timeout: float = 10
    repeatable: bool = False

    def __post_init__(self) -> None:
        # A request on a kept connection that its other end just closed is lost, and nobody can say how far.
        limits = httpx.Limits(max_keepalive_connections=20 if self.repeatable else 0)
        basic = (self.account or "", self.secret or "") if self.preset.auth == "basic" else None
        self._client = httpx.AsyncClient(timeout=self.timeout, limits=limits, auth=basic)

    async def send(self, envelope: Envelope, lease: Lease) -> Outcome:
        """Send a request. Raises LeaseOver."""
        outcome = await self._post(envelope, lease)
        return outcome.without(self.secret or "")

    async def _post(self, envelope: Envelope, lease: Lease) -> Outcome:
        begun = False

        async def watch(event: str, _: object) -> None:
            # The last look at the lease: connecting took its time, and this process may have been paused.
            nonlocal begun
            if _ON_THE_WIRE.search(event):
                lease.left()
                begun = True

        content, headers = self._request(envelope)
        try:
            async with asyncio.timeout(min(lease.left(), self.timeout)):
                answer = await self._client.post(
                    self.url, content=content, headers=headers, extensions={"trace": watch}
                )
        except (httpx.HTTPError, TimeoutError) as error:
            return Outcome("unknown" if begun else "retry", f"http {type(error).__name__}", str(error))
        return self._understand(answer)

    def _request(self, envelope: Envelope) -> tuple[bytes, dict[str, str]]:
        body = self._body(envelope)
        key = str(envelope.message_id)
        headers = {"Idempotency-Key": key, "User-Agent": "Chairtime"}
        if self.preset.encoding == "form":
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            return urlencode(body).encode(), headers
        headers["Content-Type"] = "application/json"
        content = json.dumps(body, ensure_ascii=False)
        if self.preset.auth == "signature" and self.secret:
            headers |= signed(self.secret, key, content)
        elif self.preset.auth == "bearer":
            headers["Authorization"] = f"Bearer {self.secret}"
        return content.encode(), headers

    def _body(self, envelope: Envelope) -> dict[str, Any]:
        said = {
            "message_id": str(envelope.message_id),
            "clinic_id": str(envelope.clinic_id),
            "kind": envelope.kind,
            "channel": envelope.channel,
            "to": envelope.address,
            "from": self.from_address,
            "sender_name": envelope.sender_name,
            "reply_to": envelope.reply_to,
            "locale": envelope.locale,
            "subject": envelope.subject,
            "text": envelope.body,
            "link": envelope.link,
            "calendar": envelope.calendar,
        }
        if self.preset.body is None:
            return said
        words = said | {"from": self.from_address or "", "to_digits": envelope.address.lstrip("+")}
        return {name: template.format_map(words) for name, template in self.preset.body.items()}

    def _understand(self, answer: httpx.Response) -> Outcome:
        code, detail = f"http {answer.status_code}", answer.text[:_QUOTED]
        if answer.is_success:
            return Outcome("sent", ref=self._ref(answer))
        if answer.status_code in _LATER:
            return Outcome(
                "retry", code, detail, retry_after=wait_asked_for(answer.headers.get("retry-after"))
            )
        if answer.is_server_error:
            return Outcome("unknown", code, detail)
        return Outcome("failed", code, detail)

    def _ref(self, answer: httpx.Response) -> str | None:
        try:
            found = answer.json()[self.preset.ref]
        except (ValueError, KeyError, TypeError, IndexError):
            return None  # it has it all the same
        return str(found)[:200]

    async def rest(self) -> None:
        """Nothing: idle connections close by themselves."""


def signed(secret: str, key: str, content: str) -> dict[str, str]:
    """Return the headers by which Standard Webhooks prove who sent this, and when."""
    at = datetime.now(UTC)
    signature = Webhook(secret).sign(key, at, content)
    return {"webhook-id": key, "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signature}


def wait_asked_for(retry_after: str | None) -> float | None:
    """Return the seconds that a Retry-After asks for (RFC 9110, 10.2.3), a day at most; None: unreadable."""
    if retry_after is None:
        return None
    try:
        if retry_after.strip().isdecimal():
            return min(float(retry_after), _LONGEST_WAIT)
        seconds = (parsedate_to_datetime(retry_after) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(seconds, 0.0), _LONGEST_WAIT)
