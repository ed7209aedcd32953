"""Messages as a worker and a carrier see them: what is leased, what is due, and what comes back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID, uuid4

from tests.support.actors import Connection, Row, call, value
from tests.support.build import insert
from tests.support.clinics import Clinic

WORKER = uuid4()
SITE = "https://app.test"
CHANNELS = ("email", "sms")
EVERYTHING = ("booked email", "moved email", "cancelled email", "reminder email 2 days", "reminder sms 1 day")

_numbers = count(1)


def epoch(superuser: Connection, worker: UUID = WORKER) -> int | None:
    """Lead as a worker, and return the epoch."""
    number: int | None = value(superuser, "select clinic.acquire_lease(%s, '1 hour')", worker)
    return number


def leased(
    superuser: Connection,
    *channels: str,
    repeatable: tuple[str, ...] = (),
    limit: int = 100,
    lifetime: str = "30 seconds",
    led: int | None = None,
) -> list[Row]:
    """Lease what is due now through these channels, all unless told which; return the envelopes.

    Leads for that, unless told in which epoch it does already.
    """
    query = "select * from clinic.lease_messages(%s, %s, %s, %s, %s, %s, %s)"
    bound = [list(channels or CHANNELS), list(repeatable), limit, lifetime, SITE]
    return superuser.execute(query, [WORKER, led or epoch(superuser), *bound]).fetchall()


def settle(
    superuser: Connection,
    envelope: Row,
    outcome: str = "sent",
    reference: str | None = None,
    error: str | None = None,
    retry_after: str | None = None,
) -> bool:
    """Say what became of an envelope; return whether that was news."""
    query = "select clinic.settle_message(%s, %s, %s, %s, %s)"
    news: bool = value(superuser, query, envelope["lease_id"], outcome, reference, error, retry_after)
    return news


def delivered(superuser: Connection, *channels: str) -> list[Row]:
    """Lease what is due and say that it was sent; return the envelopes."""
    envelopes = leased(superuser, *channels)
    for envelope in envelopes:
        assert settle(superuser, envelope)
    return envelopes


def outbox(superuser: Connection, appointment: UUID | None = None, **more: Any) -> list[Row]:
    """Return all that is known of the messages about a visit, or of all, by when they are due."""
    where = {"appointment_id": appointment, **more} if appointment else more
    tests = "".join(f" and {name} = %({name})s" for name in where)
    query = f"select * from clinic.messages where true{tests} order by due_at, kind, channel"
    return superuser.execute(query, where).fetchall()  # type: ignore[arg-type]


def states(superuser: Connection, appointment: UUID | None = None) -> list[str]:
    """Return kind, channel, state and reason of the messages about a visit, as words in order."""
    rows = outbox(superuser, appointment)
    return sorted(" ".join(filter(None, (r["kind"], r["channel"], r["state"], r["reason"]))) for r in rows)


def make_due(superuser: Connection, appointment: UUID, ago: str = "1 second", **which: Any) -> None:
    """Let what is planned about a visit, all or some of it, be due already."""
    tests = "".join(f" and {name} = %({name})s" for name in which)
    superuser.execute(
        "update clinic.messages set due_at = now() - %(ago)s::interval,"
        " next_at = now() - %(ago)s::interval"
        f" where appointment_id = %(appointment)s and state = 'planned'{tests}",  # type: ignore[arg-type]
        {"appointment": appointment, "ago": ago, **which},
    )


def run_out(superuser: Connection) -> None:
    """Let all that was looked at wait no longer: leases end, retries are due."""
    superuser.execute(
        "update clinic.messages set next_at = now() - interval '1 second'"
        " where next_at > now() and due_at <= now()"
    )


def never_quiet(superuser: Connection) -> None:
    """Let all clinics send at night, too, so that tests pass at any time."""
    superuser.execute("update clinic.clinics set quiet_from = '00:00', quiet_until = '00:00'")


def rules(superuser: Connection, clinic: Clinic, *wanted: str) -> None:
    """Replace a clinic's rules: words like `booked email` or `reminder sms 2 days`."""
    superuser.execute("delete from clinic.message_rules where clinic_id = %s", [clinic.id])
    for rule in wanted:
        kind, channel, lead = [*rule.split(" ", 2), "0"][:3]
        insert(superuser, "message_rules", clinic_id=clinic.id, kind=kind, channel=channel, lead=lead)


def patient(superuser: Connection, clinic: Clinic, **row: Any) -> UUID:
    """Record a patient without a login, who can be reached unless told otherwise."""
    identifier, number = uuid4(), next(_numbers)
    contact = {"phone": f"+1 212 556 {number:04}", "email": f"m{number}@mail.test"}
    row = {"full_name": f"Mia Mail {number}"} | contact | row
    insert(superuser, "patients", id=identifier, clinic_id=clinic.id, **row)
    return identifier


def visit(
    superuser: Connection,
    clinic: Clinic,
    person: UUID,
    ahead: timedelta | datetime = timedelta(days=20),
    **row: Any,
) -> UUID:
    """Put a visit of half an hour into the calendar, so far ahead, whatever the hours; return its id."""
    identifier = uuid4()
    starts_at = ahead if isinstance(ahead, datetime) else datetime.now(UTC) + ahead
    columns = {
        "clinic_id": clinic.id,
        "dentist_id": clinic.lee,
        "patient_id": person,
        "appointment_type_id": clinic.checkup,
        "starts_at": starts_at,
        "ends_at": starts_at + timedelta(minutes=30),
        "buffer_before": timedelta(),
        "buffer_after": timedelta(),
        "source": "desk",
    } | row
    insert(superuser, "appointments", id=identifier, **columns)
    return identifier


def set_visit(superuser: Connection, appointment: UUID, **columns: Any) -> None:
    """Change a visit by raw SQL."""
    sets = ", ".join(f"{name} = %({name})s" for name in columns)
    superuser.execute(
        f"update clinic.appointments set {sets} where id = %(id)s",  # type: ignore[arg-type]
        {"id": appointment} | columns,
    )


def move(superuser: Connection, appointment: UUID, starts_at: datetime) -> None:
    """Move a visit of half an hour by raw SQL."""
    set_visit(superuser, appointment, starts_at=starts_at, ends_at=starts_at + timedelta(minutes=30))


def cancel(superuser: Connection, appointment: UUID) -> None:
    """Cancel a visit by raw SQL."""
    set_visit(superuser, appointment, status="cancelled", cancelled_at=datetime.now(UTC))


def token_of(envelope: Row) -> str:
    """Return the token of an envelope's link."""
    token: str = envelope["link"].removeprefix(f"{SITE}/a/")
    return token


def use(anon: Connection, token: str | None, action: str | None, **more: Any) -> Row:
    """Do something through a link, as its page does."""
    answer: Row = call(anon, "use_link", token=token, action=action, **more)
    return answer


def reply(
    service: Connection, phone: str, body: str | None, sender: str = "+1 646 555 0000", ref: str | None = None
) -> Row:
    """Hand in a text message that came back, as its carrier does."""
    answer: Row = call(
        service, "receive_reply", sender=sender, message_ref=ref or str(uuid4()), phone=phone, body=body
    )
    return answer
