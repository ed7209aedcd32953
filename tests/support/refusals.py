"""Refusals as clients see them: PostgREST's JSON inside an SQLSTATE PGRST error."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest

STATUS = {
    "not_authenticated": 401,
    "forbidden": 403,
    "not_found": 404,
    "slot_taken": 409,
    "patient_busy": 409,
    "day_full": 409,
    "appointments_in_the_way": 409,
    "invalid_transition": 409,
    "reservation_expired": 410,
    "stale_version": 412,
    "outside_working_hours": 422,
    "notice_too_short": 422,
    "beyond_horizon": 422,
    "in_the_past": 422,
    "not_offered": 422,
    "off_grid": 422,
    "too_late_to_cancel": 422,
    "idempotency_mismatch": 422,
    "invalid_argument": 400,
    "reservation_limit": 429,
    "booking_limit": 429,
    "try_again": 503,
}


@dataclass
class Refusal:
    """One refusal: stable code, HTTP status, prose, and details as they were sent (JSON or text)."""

    code: str = ""
    status: int = 0
    message: str = ""
    hint: str = ""
    details: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    raw: dict[str, Any] = field(default_factory=dict)


def parse_refusal(error: psycopg.Error) -> Refusal:
    """Read a refusal out of a database error; any other error is raised again, for it is a bug."""
    if error.sqlstate != "PGRST":
        raise error
    body = json.loads(error.diag.message_primary or "")
    about = json.loads(error.diag.message_detail or "")
    details = body.get("details")
    if isinstance(details, str):
        with suppress(ValueError):
            details = json.loads(details)
    return Refusal(
        body["code"],
        int(about["status"]),
        body["message"],
        body.get("hint") or "",
        details,
        about["headers"],
        body,
    )


@contextmanager
def refused(*codes: str) -> Iterator[Refusal]:
    """Assert that the block is refused with one of these codes, its status in the contract, and a hint."""
    seen = Refusal()
    with pytest.raises(psycopg.Error) as caught:
        yield seen
    refusal = parse_refusal(caught.value)
    assert refusal.code in codes, refusal
    assert refusal.status == STATUS[refusal.code], refusal
    assert refusal.message, "a refusal says what is wrong"
    assert refusal.hint, "a refusal says what to do next"
    seen.__dict__.update(refusal.__dict__)


@contextmanager
def denied() -> Iterator[None]:
    """Assert that Postgres itself refuses: no privilege on the object, or a row policy (42501)."""
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        yield
