"""What a sender is: it gets one message and a lease, and says what became of it."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, Protocol, Self
from uuid import UUID

from worker.errors import WorkerError

# Like the monotonic clock, but it goes on while the machine sleeps, as the lease in the database does.
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)

State = Literal["sent", "retry", "failed", "unknown"]


def now() -> float:
    """Return seconds of a clock that nobody can set."""
    return time.clock_gettime(_CLOCK)


class LeaseOver(WorkerError):
    """It is too late to transmit: somebody else may have the message by now."""


@dataclass(frozen=True)
class Envelope:
    """A message to send now, as clinic.envelope describes it."""

    lease_id: UUID
    message_id: UUID
    attempt: int
    clinic_id: UUID
    kind: str
    channel: str
    locale: str
    address: str
    subject: str | None
    body: str
    link: str | None = None
    sender_name: str | None = None
    reply_to: str | None = None
    is_rtl: bool | None = None
    calendar: dict[str, Any] | None = None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        """Return the envelope of a row; what else it has may be newer than we are."""
        return cls(**{one.name: row[one.name] for one in fields(cls)})


@dataclass(frozen=True)
class Lease:
    """How long a message is ours. ``until`` is reckoned from before it was asked for, so never too late."""

    until: float

    def left(self) -> float:
        """Return the seconds that are left. Raises LeaseOver when there are none."""
        if (left := self.until - now()) <= 0:
            raise LeaseOver("its lease was over before it was sent")
        return left


@dataclass(frozen=True)
class Outcome:
    """What became of a message. ``code`` names it and nobody; ``detail`` may quote who was written to.

    retry: it was not taken. failed: it never will be. unknown: perhaps it was.
    """

    state: State
    code: str = ""
    detail: str = field(default="", repr=False)
    ref: str | None = None
    retry_after: float | None = None

    @property
    def error(self) -> str | None:
        """What people at the desk read."""
        return ": ".join(filter(None, (self.code, self.detail))) or None

    def without(self, *secrets: str) -> Self:
        """Return it with nothing that was quoted back to us and is secret."""
        detail = self.detail
        for secret in filter(None, secrets):
            detail = detail.replace(secret, "[secret]")
        return replace(self, detail=detail)


class Sender(Protocol):
    """Carries the messages of a channel. ``repeatable``: it knows a repeated key, and sends nothing twice."""

    channel: str
    repeatable: bool

    async def send(self, envelope: Envelope, lease: Lease) -> Outcome:
        """Send a message, unless the lease is over by then (LeaseOver)."""

    async def rest(self) -> None:
        """Let go of what is not needed while there is nothing to send."""
