"""The few moves nearly every test makes: list, hold, book, expire."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from tests.support.actors import Connection, Row, call
from tests.support.clinics import Clinic


def listed(
    connection: Connection, clinic: Clinic, day: datetime, type_id: UUID | None = None, **more: Any
) -> list[datetime]:
    """Return when `lee` could be seen on the clinic's day of this instant, in order."""
    date = day.astimezone(clinic.zone).date()
    arguments = {"dentist_id": clinic.lee, "from_date": date, "to_date": date} | more
    rows = call(connection, "available_slots", appointment_type_id=type_id or clinic.checkup, **arguments)
    return [row["starts_at"] for row in rows]


def reserve(
    connection: Connection, clinic: Clinic, start: datetime, type_id: UUID | None = None, **more: Any
) -> Row:
    """Hold a slot with `lee`, a check-up unless told otherwise."""
    arguments = {"dentist_id": clinic.lee, "appointment_type_id": type_id or clinic.checkup} | more
    row: Row = call(connection, "reserve_slot", starts_at=start, **arguments)
    return row


def book(
    connection: Connection, clinic: Clinic, start: datetime, type_id: UUID | None = None, **more: Any
) -> Row:
    """Book a slot with `lee`, a check-up unless told otherwise."""
    arguments = {"dentist_id": clinic.lee, "appointment_type_id": type_id or clinic.checkup} | more
    row: Row = call(connection, "book_appointment", starts_at=start, **arguments)
    return row


def expire_hold(superuser: Connection, reservation: UUID) -> None:
    """Let a hold's time run out, without anything else having noticed."""
    with superuser.transaction():
        superuser.execute(
            "update clinic.slot_reservations set expires_at = now() - interval '1 second' where id = %s",
            [reservation],
        )
        superuser.execute(
            "update clinic.occupancy as o set expires_at = clinic.claimed_until(r)"
            " from clinic.slot_reservations as r"
            " where r.id = o.id and r.id = %s and o.expires_at is not null",
            [reservation],
        )
