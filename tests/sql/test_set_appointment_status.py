"""set_appointment_status: what staff may say has happened."""

from __future__ import annotations

import pytest

from tests.support.actors import Connection, Row, call
from tests.support.clinics import Clinic
from tests.support.refusals import refused
from tests.support.slots import book, listed

STATUSES = ("booked", "checked_in", "fulfilled", "cancelled", "no_show")
# From each status, where staff may go. Staying is no change, and no error.
ALLOWED = {
    "booked": {"checked_in", "cancelled", "no_show"},
    "checked_in": {"fulfilled", "cancelled", "booked", "no_show"},
    "fulfilled": set(),
    "cancelled": set(),
    "no_show": set(),
}
PATHS = {"booked": [], "checked_in": ["checked_in"], "fulfilled": ["checked_in", "fulfilled"],
         "cancelled": ["cancelled"], "no_show": ["no_show"]}  # fmt: skip


def set_status(connection: Connection, appointment: Row, status: str | None, **more: object) -> Row:
    row: Row = call(connection, "set_appointment_status", appointment_id=appointment["id"], status=status, **more)
    return row
