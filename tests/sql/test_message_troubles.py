"""What the desk is told of messages: where they go, which did not arrive, what was last sent of a visit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.support.actors import Connection, Row, call
from tests.support.build import insert
from tests.support.clinics import Clinic
from tests.support.people import record
from tests.support.refusals import denied, refused
from tests.support.slots import book


def has_message(superuser: Connection, visit: Row, minutes_ago: int = 10, **more: Any) -> UUID:
    """Put a message about a visit into the outbox, as one that has come to this state."""
    row = {
        "id": uuid4(),
        "clinic_id": visit["clinic_id"],
        "patient_id": visit["patient_id"],
        "appointment_id": visit["id"],
        "kind": "reminder",
        "channel": "sms",
        "starts_at": visit["starts_at"],
        "due_at": datetime.now(UTC) - timedelta(minutes=minutes_ago),
    } | more
    insert(superuser, "messages", **row)
    identifier: UUID = row["id"]
    return identifier


@pytest.fixture
def visit(desk: Connection, superuser: Connection, riverside: Clinic) -> Row:
    """A visit of somebody without a login, of whom nothing is planned."""
    zoe = record(desk, riverside, "Zoe Nobody", phone="+1 212 555 7732")
    booked: Row = book(desk, riverside, riverside.at("09:00"), patient_id=zoe["id"])
    superuser.execute("delete from clinic.messages where appointment_id = %s", [booked["id"]])
    return booked


def troubles(desk: Connection, visit: Row) -> set[UUID]:
    rows = desk.execute("select id from api.troubled_messages where appointment_id = %s", [visit["id"]])
    return {row["id"] for row in rows}


def contacts(connection: Connection, patient_id: UUID) -> dict[str, tuple[bool, str | None]]:
    rows = call(connection, "message_contacts", patient_id=patient_id)
    return {row["channel"]: (row["is_wanted"], row["address"]) for row in rows}


def test_who_failed_or_may_not_have_arrived_is_looked_after_until_it_is_sent_again(
    desk: Connection, superuser: Connection, visit: Row
) -> None:
    failed = has_message(superuser, visit, state="failed")
    unsure = has_message(superuser, visit, state="unknown", channel="email")
    has_message(superuser, visit, 20, state="sent")
    has_message(superuser, visit, state="failed", kind="test")
    has_message(superuser, visit, 0, state="skipped", reason="superseded")
    # What goes out later, and through something else, has not said it yet.
    has_message(superuser, visit, -60, state="planned")
    assert troubles(desk, visit) == {failed, unsure}
    call(desk, "resend_message", message_id=failed)
    assert troubles(desk, visit) == {unsure}
    has_message(superuser, visit, 1, state="sent", kind="moved", channel="email")
    assert troubles(desk, visit) == set()


def test_nobody_looks_after_what_tells_of_the_past(
    desk: Connection, superuser: Connection, visit: Row
) -> None:
    has_message(superuser, visit, state="failed", starts_at=datetime.now(UTC) - timedelta(minutes=1))
    assert troubles(desk, visit) == set()


def test_troubles_are_for_desks_of_the_clinic_alone(
    superuser: Connection, visit: Row, admin: Connection, ana: Connection, lee: Connection, anon: Connection
) -> None:
    has_message(superuser, visit, state="failed")
    assert len(troubles(admin, visit)) == 1
    assert troubles(ana, visit) == troubles(lee, visit) == set()
    with denied():
        troubles(anon, visit)


def test_why_it_would_not_be_sent_again_is_said_in_a_word(
    desk: Connection, superuser: Connection, visit: Row
) -> None:
    unsure = has_message(superuser, visit, state="unknown", channel="email")
    with refused("invalid_argument") as refusal:
        call(desk, "resend_message", message_id=unsure)
    assert refusal.details == {"reason": "no_contact"}


def test_where_messages_go_the_desk_is_told_and_a_patient_only_whether(
    desk: Connection,
    ana: Connection,
    ben: Connection,
    lee: Connection,
    anon: Connection,
    superuser: Connection,
    visit: Row,
    riverside: Clinic,
) -> None:
    zoe = visit["patient_id"]
    assert contacts(desk, zoe) == {"email": (True, None), "sms": (True, "+12125557732")}
    call(desk, "set_message_consent", patient_id=zoe, channel="email", is_wanted=False)
    superuser.execute("select clinic.stop_messages(%s, 'sms', '212 555 7732')", [riverside.id])
    assert contacts(desk, zoe) == {"email": (False, None), "sms": (False, "+12125557732")}
    call(desk, "set_message_consent", patient_id=zoe, channel="sms", is_wanted=True)
    assert contacts(desk, zoe)["sms"] == (True, "+12125557732")
    own = book(ana, riverside, riverside.at("10:00"))["patient_id"]
    assert contacts(ana, own) == {"email": (True, None), "sms": (True, None)}
    assert contacts(desk, own)["email"][1] == "ana@patients.test"
    for stranger, code in ((ben, "not_found"), (lee, "forbidden"), (anon, "not_authenticated")):
        with refused(code):
            contacts(stranger, own)


def test_what_was_last_sent_of_a_visit_is_what_is_true_of_it(
    desk: Connection, superuser: Connection, visit: Row, riverside: Clinic
) -> None:
    def last() -> tuple[Any, ...]:
        day = visit["starts_at"].astimezone(riverside.zone).date()
        rows = call(desk, "unconfirmed", clinic_id=riverside.id, day=day)
        row = next(each for each in rows if each["appointment_id"] == visit["id"])
        return tuple(row[f"last_{name}"] for name in ("message", "kind", "channel", "reason"))

    assert last() == (None, None, None, None)
    has_message(superuser, visit, 20, state="sent", kind="booked", channel="email")
    has_message(superuser, visit, 10, state="skipped", reason="superseded")
    has_message(superuser, visit, 8, state="skipped", reason="replaced", kind="cancelled")
    earlier = visit["starts_at"] - timedelta(hours=1)
    has_message(superuser, visit, 5, state="skipped", reason="moved", starts_at=earlier)
    has_message(superuser, visit, -60, state="planned")
    assert last() == ("sent", "booked", "email", None)
    has_message(superuser, visit, 1, state="skipped", reason="no_contact")
    assert last() == ("skipped", "reminder", "sms", "no_contact")


@pytest.mark.parametrize(
    ("subject", "body", "said"),
    [
        ("At {tme}", "Dear {patient}", "subject says {tme}, "),
        ("At {time}", "Dear {patien}, {x}", "body says {patien}, {x}, "),
        ("At {time}", "Dear {patient", "body says {, "),
        ("At {time}", "{{ {date} }}", None),
    ],
)
def test_which_field_of_a_template_names_no_placeholder_is_said(
    admin: Connection, riverside: Clinic, subject: str, body: str, said: str | None
) -> None:
    wording = {"kind": "booked", "channel": "email", "locale": "en", "subject": subject, "body": body}
    if said is None:
        assert call(admin, "set_message_template", clinic_id=riverside.id, **wording)["body"] == body
        return
    with refused("invalid_argument") as refusal:
        call(admin, "set_message_template", clinic_id=riverside.id, **wording)
    assert refusal.message.startswith(said)
