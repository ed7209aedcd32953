"""The moves of those who wait: join, be offered something, and see what became of it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from tests.support.actors import Actors, Connection, Row, call
from tests.support.build import MadeClinic, make_clinic, make_user
from tests.support.clinics import Clinic
from tests.support.slots import book


def awake(superuser: Connection, **policy: Any) -> MadeClinic:
    """Make a clinic without quiet hours: offers last as long by night as by day."""
    policy = {"quiet_from": "00:00", "quiet_until": "00:00"} | policy
    return make_clinic(superuser, **policy)


def somebody(actors: Actors, superuser: Connection, name: str = "Somebody") -> Connection:
    """Sign a patient up and open a connection for them."""
    return actors.user(f"{make_user(superuser, name)}@made.test")


def join(connection: Connection, clinic: Clinic, type_id: UUID | None = None, **more: Any) -> Row:
    """Wait for a check-up, or another type, on any day unless told otherwise."""
    row: Row = call(connection, "join_waitlist", appointment_type_id=type_id or clinic.checkup, **more)
    return row


def free(
    booker: Connection, clinic: Clinic, clock: str = "09:00", type_id: UUID | None = None, **more: Any
) -> None:
    """Book a check-up, or another visit, and give it up, so that its time passes to who waits."""
    made = book(booker, clinic, clinic.at(clock), type_id or clinic.checkup, **more)
    call(booker, "cancel_appointment", appointment_id=made["id"])


def wish(superuser: Connection, identifier: UUID) -> Row:
    """Return a wish as the view shows it, whoever's it is."""
    row = superuser.execute("select * from api.waitlist where id = %s", [identifier]).fetchone()
    assert row is not None
    return row


def offer(superuser: Connection, identifier: UUID) -> Row | None:
    """Return the reservation that a wish is offered now, if there is one."""
    return superuser.execute(
        "select * from clinic.slot_reservations where waitlist_id = %s and outcome is null", [identifier]
    ).fetchone()


def offered(superuser: Connection, identifier: UUID) -> Row:
    """Return the reservation that a wish is offered now."""
    row = offer(superuser, identifier)
    assert row is not None, wish(superuser, identifier)
    return row


def outcome(superuser: Connection, identifier: UUID) -> str | None:
    """Return how a wish ended; null while it waits."""
    said: str | None = wish(superuser, identifier)["outcome"]
    return said


def sweep(superuser: Connection) -> int:
    """Let the worker end what ran out."""
    row = superuser.execute("select clinic.expire_reservations() as ended").fetchone()
    assert row is not None
    ended: int = row["ended"]
    return ended
