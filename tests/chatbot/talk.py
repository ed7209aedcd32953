"""What a chatbot says to the API: find, hold, confirm, cancel."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tests.support.actors import Connection, Row, call
from tests.support.clinics import Clinic

NAME = "Casey Caller"
PHONE = "+1 212 555 0199"


def find(bot: Connection, clinic: Clinic, **wish: Any) -> Row:
    """Ask for a check-up with `lee` on a Monday five weeks from now, unless told otherwise."""
    asked = {"service": "Check-up", "dentist": str(clinic.lee), "from_date": clinic.weekday(1)} | wish
    answer: Row = call(bot, "chatbot_find_slots", clinic_slug=clinic.slug, **asked)
    return answer


def offer(bot: Connection, clinic: Clinic, **wish: Any) -> str:
    """Return the token of the first offer."""
    token: str = find(bot, clinic, **wish)["offers"][0]["offer"]
    return token


def hold(bot: Connection, token: str, name: str | None = NAME, phone: str | None = PHONE) -> Row:
    """Hold an offer for somebody."""
    row: Row = call(bot, "chatbot_hold", offer=token, patient_name=name, patient_phone=phone)
    return row


def confirm(bot: Connection, held: Row) -> Row:
    """Book what is held."""
    row: Row = call(bot, "chatbot_confirm", reservation_id=held["reservation_id"])
    return row


def book(bot: Connection, clinic: Clinic, name: str = NAME, phone: str = PHONE, **wish: Any) -> Row:
    """Find, hold and confirm: the whole conversation."""
    return confirm(bot, hold(bot, offer(bot, clinic, **wish), name, phone))


def cancel(bot: Connection, code: str, phone: str = PHONE) -> Row:
    """Cancel with a code and a phone number."""
    row: Row = call(bot, "chatbot_cancel", confirmation_code=code, patient_phone=phone)
    return row


def move(bot: Connection, code: str, token: str, phone: str = PHONE) -> Row:
    """Move a booking to an offer, with its code and a phone number."""
    pair = {"confirmation_code": code, "patient_phone": phone}
    row: Row = call(bot, "chatbot_reschedule", **pair, offer=token)
    return row


def release(bot: Connection, held: Row) -> Row:
    """Give back what is held."""
    row: Row = call(bot, "chatbot_release", reservation_id=held["reservation_id"])
    return row


def starts(answer: Row) -> list[datetime]:
    """Return when the offers start."""
    return [datetime.fromisoformat(one["starts_at"]) for one in answer["offers"]]
