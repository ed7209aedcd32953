"""Numbers that end alike: whose STOP, whose reply, and where a text message goes."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from tests.support.actors import Connection, call, value
from tests.support.clinics import Clinic
from tests.support.messages import (
    delivered,
    leased,
    never_quiet,
    outbox,
    patient,
    reply,
    rules,
    token_of,
    visit,
)
from tests.support.refusals import refused

HERE, THERE = "+12125557501", "+442125557501"  # the same last nine digits
OWN = "+1 212 555 0100"  # riverside's
# By ITU-T E.164: some of each kind.
CODES = [
    "1",
    "7",
    "20",
    "27",
    "30",
    "34",
    "36",
    "39",
    "44",
    "49",
    "58",
    "66",
    "81",
    "86",
    "90",
    "95",
    "98",
    "212",
    "353",
    "420",
    "599",
    "886",
    "972",
]


@pytest.fixture(autouse=True)
def _by_sms(superuser: Connection, riverside: Clinic, sakura: Clinic) -> None:
    never_quiet(superuser)
    for clinic in (riverside, sakura):
        rules(superuser, clinic, "booked sms", "moved sms", "cancelled sms")


def told(superuser: Connection, clinic: Clinic, phone: str, days: int = 20) -> tuple[UUID, str]:
    """Return a visit of somebody with this number who was told of it, and the token of that message."""
    person = patient(superuser, clinic, phone=phone)
    made = visit(superuser, clinic, person, timedelta(days=days), dentist_id=clinic.lee)
    (envelope,) = delivered(superuser, "sms")
    return made, token_of(envelope)


def is_stopped(superuser: Connection, clinic: Clinic, phone: str) -> bool:
    person = patient(superuser, clinic, phone=phone)
    row = superuser.execute(
        "select (clinic.recipient(%s, %s, 'sms')).is_stopped as it", [person, clinic.id]
    ).fetchone()
    assert row is not None
    return bool(row["it"])


@pytest.mark.parametrize(
    ("phone", "near", "whole"),
    [
        ("(212) 555-7501", OWN, "+12125557501"),
        ("1 212 555 7501 ext. 12", OWN, "+12125557501"),
        ("+1 212 555 7501 ext", OWN, "+12125557501"),
        ("00442125557501", OWN, "+442125557501"),
        ("030 123456", "+49 30 1", "+4930123456"),
        ("090-1234-5678", "+81 3 1", "+819012345678"),
        ("06 1234 5678", "+39 06 1", "+390612345678"),
        ("06 30 123 4567", "+36 1 1", "+36301234567"),
        ("8 912 345-67-89", "+7 495 1", "+79123456789"),
        ("087 123 4567", "+353 1 1", "+353871234567"),
        ("050-123-4567", "+972 2 1", "+972501234567"),
        ("(212) 555-7501", "212 555 0100", "2125557501"),
        ("212 555 7501", None, "2125557501"),
    ],
)
def test_a_number_that_says_no_country_is_in_that_of_the_one_near_it(
    superuser: Connection, phone: str, near: str | None, whole: str
) -> None:
    row = superuser.execute("select clinic.whole_number(%s, %s) as it", [phone, near]).fetchone()
    assert row == {"it": whole}


@pytest.mark.parametrize("code", CODES)
def test_a_country_is_of_one_two_or_three_digits(superuser: Connection, code: str) -> None:
    row = superuser.execute("select clinic.calling_code('+' || %s || '2125557501') as it", [code]).fetchone()
    assert row == {"it": code}


def test_each_stops_and_starts_their_own_number(
    superuser: Connection, carrier: Connection, riverside: Clinic
) -> None:
    for days, phone in ((20, HERE), (21, THERE)):
        told(superuser, riverside, phone, days)
    for phone, other in ((HERE, THERE), (THERE, HERE)):
        assert reply(carrier, phone, "STOP", sender=OWN)["outcome"] == "stopped"
        assert is_stopped(superuser, riverside, phone)
        assert not is_stopped(superuser, riverside, other)
        assert reply(carrier, other, "START", sender=OWN)["outcome"] == "started"
        assert is_stopped(superuser, riverside, phone)
        assert reply(carrier, phone, "START", sender=OWN)["outcome"] == "started"
        assert not is_stopped(superuser, riverside, phone)


def test_starting_ones_own_number_leaves_anothers_stop(
    superuser: Connection, carrier: Connection, riverside: Clinic
) -> None:
    for phone in (HERE, THERE):
        reply(carrier, phone, "STOP", sender=OWN)
    assert reply(carrier, HERE, "START", sender=OWN)["outcome"] == "started"
    assert [is_stopped(superuser, riverside, phone) for phone in (HERE, THERE)] == [False, True]


def test_who_was_never_written_to_stops_nobody_else(
    superuser: Connection, carrier: Connection, riverside: Clinic
) -> None:
    assert reply(carrier, THERE, "STOP", sender=OWN)["outcome"] == "stopped"
    assert [is_stopped(superuser, riverside, phone) for phone in (HERE, "(212) 555-7501", THERE)] == [
        False,
        False,
        True,
    ]
    assert reply(carrier, THERE, "STOP", sender="+1 646 555 9999")["outcome"] == "nothing", "at no clinic"


def test_a_link_stops_the_number_that_it_went_to(
    superuser: Connection, anon: Connection, riverside: Clinic
) -> None:
    _, token = told(superuser, riverside, THERE)
    call(anon, "use_link", token=token, action="stop")
    assert [is_stopped(superuser, riverside, phone) for phone in (HERE, THERE)] == [False, True]


def test_of_a_clinic_that_says_no_country_a_stop_holds_for_all_that_end_alike(
    superuser: Connection, carrier: Connection, riverside: Clinic
) -> None:
    superuser.execute("update clinic.clinics set phone = '212 555 0100' where id = %s", [riverside.id])
    assert reply(carrier, HERE, "STOP", sender=OWN)["outcome"] == "stopped"
    assert is_stopped(superuser, riverside, "212 555 7501"), "rather one message less"
    assert not is_stopped(superuser, riverside, THERE)


@pytest.mark.parametrize("body", ["C", "X", "STOP", "1"])
def test_a_record_without_a_country_is_reached_from_the_clinics_alone(
    superuser: Connection, carrier: Connection, riverside: Clinic, body: str
) -> None:
    first, _ = told(superuser, riverside, "(212) 555-7501")
    second, _ = told(superuser, riverside, "0212 555 7501".removeprefix("0"), 21)
    before = len(outbox(superuser))
    for sender in (OWN, "+44 20 7946 0000"):
        done = reply(carrier, THERE, body, sender=sender)
        assert (done["appointment_id"], done["answer"]) == (None, None)
    assert len(outbox(superuser)) == before, "and learns no name"
    assert reply(carrier, HERE, "X", sender=OWN)["outcome"] == "asked"
    rows = superuser.execute("select status from clinic.appointments where id = any(%s)", [[first, second]])
    assert {row["status"] for row in rows.fetchall()} == {"booked"}


def test_where_only_the_sender_says_the_country_it_is_that(
    superuser: Connection, carrier: Connection, riverside: Clinic
) -> None:
    superuser.execute("update clinic.clinics set phone = null where id = %s", [riverside.id])
    told(superuser, riverside, "(212) 555-7501")
    assert reply(carrier, THERE, "C", sender=OWN)["outcome"] == "nothing"
    assert reply(carrier, HERE, "C", sender="short")["outcome"] == "nothing", "nobody can tell"
    assert reply(carrier, HERE.removeprefix("+"), "C", sender=OWN)["outcome"] == "confirmed"


def test_messages_go_to_whole_numbers_without_what_is_dialled_later(
    superuser: Connection, riverside: Clinic
) -> None:
    visit(superuser, riverside, patient(superuser, riverside, phone="(212) 555-7501 x12"))
    assert [e["address"] for e in leased(superuser, "sms")] == [HERE]


def test_the_desk_does_not_write_to_who_said_stop(
    superuser: Connection, carrier: Connection, desk: Connection, riverside: Clinic
) -> None:
    told(superuser, riverside, HERE)
    question = reply(carrier, HERE, "Where do I park?", sender=OWN)["reply_id"]
    call(desk, "handle_reply", reply_id=question, answer="Behind the house.")
    assert reply(carrier, HERE, "STOP", sender=OWN)["outcome"] == "stopped"
    sent = [e["body"] for e in delivered(superuser, "sms")]
    assert len(sent) == 1
    assert "no more" in sent[0], "what was answered before the STOP is not sent, and that it works is told"
    with refused("invalid_argument") as refusal:
        call(desk, "handle_reply", reply_id=question, answer="In front of it.")
    assert "wants no text messages" in refusal.message


def test_a_cancellation_by_text_is_answered_and_not_told_again(
    superuser: Connection, carrier: Connection, riverside: Clinic
) -> None:
    made, _ = told(superuser, riverside, HERE)
    assert reply(carrier, HERE, "X", sender=OWN)["outcome"] == "cancelled"
    assert [e["kind"] for e in delivered(superuser, "sms")] == ["answer"]
    assert [m["reason"] for m in outbox(superuser, made, kind="cancelled")] == ["superseded"]


def test_who_writes_from_a_number_that_ends_alike_is_no_patient_here(
    superuser: Connection, carrier: Connection, riverside: Clinic
) -> None:
    person = patient(superuser, riverside, phone=HERE)
    for phone in (THERE, HERE):
        assert reply(carrier, phone, "When do you open?", sender=OWN)["outcome"] == "desk"
    said = superuser.execute("select phone, patient_id from clinic.message_replies order by received_at")
    assert [*map(dict, said)] == [
        {"phone": THERE, "patient_id": None}, {"phone": HERE, "patient_id": person},
    ]  # fmt: skip


def test_what_a_number_that_ends_alike_is_asked_is_not_what_this_one_answers(
    superuser: Connection, carrier: Connection, desk: Connection, riverside: Clinic
) -> None:
    told(superuser, riverside, THERE)
    person = patient(superuser, riverside, phone=HERE)
    rules(superuser, riverside, "recall sms")
    kind = value(superuser, "select id from clinic.recall_types where clinic_id = %s", riverside.id)
    call(desk, "set_recall", patient_id=person, recall_type_id=kind)
    superuser.execute("select clinic.ask_recalls()")
    assert [envelope["kind"] for envelope in delivered(superuser, "sms")] == ["recall"]
    assert reply(carrier, THERE, "C", sender=OWN)["outcome"] == "confirmed"
