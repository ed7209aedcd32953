"""What the tables themselves refuse, whoever writes, also where triggers are off."""

from __future__ import annotations

import psycopg
import pytest

from tests.support.actors import Connection
from tests.support.clinics import Clinic
from tests.support.slots import book, reserve

UNSOUND = {
    "appointments": (
        "ends_at = starts_at",
        "buffer_before = '-1 minute'",
        "buffer_after = '-1 minute'",
        "assigned = 'drawn'",
        "status = 'lost'",
        "source = 'fax'",
        "status = 'cancelled'",
        "cancelled_at = now()",
        "cancellation_reason = 'ill'",
        "notes = repeat('x', 4001)",
        "staff_notes = repeat('x', 4001)",
        "status = 'cancelled', cancelled_at = now(), cancellation_reason = repeat('x', 1001)",
    ),
    "slot_reservations": (
        "ends_at = starts_at",
        "assigned = 'drawn'",
        "outcome = 'lost', ended_at = now()",
        "outcome = 'released'",
        "ended_at = now()",
    ),
    "occupancy": (
        "during = 'empty'",
        "during = tstzrange(lower(during), upper(during), '(]')",
        "during = tstzrange(lower(during), upper(during), '[]')",
        "during = tstzrange('-infinity', upper(during))",
        "during = tstzrange(lower(during), 'infinity')",
        "cause = 'lunch'",
        "cause = 'hold'",
        "expires_at = now()",
        "cause = 'hold', expires_at = now(), is_squeezed = true",
    ),
}


@pytest.mark.parametrize(
    ("table", "change"), [(table, change) for table, changes in UNSOUND.items() for change in changes]
)
def test_a_row_that_makes_no_sense_is_refused(
    ana: Connection, superuser: Connection, riverside: Clinic, table: str, change: str
) -> None:
    start = riverside.at("09:00")
    make = reserve if table == "slot_reservations" else book
    row = make(ana, riverside, start)
    superuser.execute("set session_replication_role = replica")
    with pytest.raises(psycopg.errors.CheckViolation):
        superuser.execute(f"update clinic.{table} set {change} where id = %s", [row["id"]])  # type: ignore[arg-type]
