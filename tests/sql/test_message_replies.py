"""What people text back: understood, it is done once; it says and changes nothing of others' visits."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.support.actors import Actors, Connection, Row, call, value
from tests.support.build import insert, make_user
from tests.support.clinics import Clinic
from tests.support.messages import (
    cancel,
    delivered,
    leased,
    never_quiet,
    outbox,
    patient,
    reply,
    rules,
    visit,
)
from tests.support.people import saying
from tests.support.races import race
from tests.support.refusals import refused

PHONE = "+1 646 555 7740"
SENDER = "+1 212 555 0100"  # riverside's own
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _by_sms(superuser: Connection, riverside: Clinic, sakura: Clinic) -> None:
    never_quiet(superuser)
    for clinic in (riverside, sakura):
        rules(superuser, clinic, "booked sms")


@pytest.fixture
def mia(superuser: Connection, riverside: Clinic) -> UUID:
    return patient(superuser, riverside, full_name="Mia Mail", phone=PHONE)


def told(
    superuser: Connection, clinic: Clinic, person: UUID, ahead: timedelta = 20 * DAY, **row: Any
) -> UUID:
    """Return a visit of which its patient was told by text message."""
    made = visit(superuser, clinic, person, ahead, **({"dentist_id": clinic.lee} | row))
    assert delivered(superuser, "sms")
    assert {message["state"] for message in outbox(superuser, made, channel="sms")} == {"sent"}
    return made


def state(superuser: Connection, appointment: UUID) -> str:
    row = superuser.execute(
        "select status, confirmed_at is not null as confirmed from clinic.appointments where id = %s",
        [appointment],
    ).fetchone()
    assert row is not None
    return "confirmed" if row["confirmed"] else str(row["status"])


def answers(superuser: Connection) -> list[str]:
    """Send what is due, and return the answers among it."""
    return [e["body"] for e in delivered(superuser, "sms") if e["kind"] == "answer"]


def inbox(desk: Connection) -> list[Row]:
    return desk.execute(
        "select * from api.message_replies where outcome = 'desk' and handled_at is null order by received_at"
    ).fetchall()


def test_one_confirms_changes_ones_mind_and_cancels(
    superuser: Connection, carrier: Connection, riverside: Clinic, mia: UUID
) -> None:
    made = told(superuser, riverside, mia)
    done = reply(carrier, "(646) 555-7740", " c ")
    assert (done["outcome"], done["appointment_id"], done["repeated"]) == ("confirmed", str(made), False)
    assert state(superuser, made) == "confirmed"
    assert reply(carrier, PHONE, "C")["outcome"] == "confirmed"
    assert reply(carrier, "+16465557740", "X")["outcome"] == "cancelled"
    assert state(superuser, made) == "cancelled"
    assert [a.split(":")[0].split(".")[0] for a in answers(superuser)] == [
        "Thank you",
        "Thank you",
        "Cancelled",
    ]
    log = superuser.execute(
        "select role, via from clinic.audit_log where entity_id = %s and action = 'update'", [made]
    ).fetchall()
    assert {row["role"] for row in log} == {"patient"}
    assert reply(carrier, PHONE, "C")["outcome"] == "nothing", "there is no visit ahead any more"


def test_the_answer_is_in_the_language_of_the_reply(
    superuser: Connection, carrier: Connection, riverside: Clinic, mia: UUID
) -> None:
    superuser.execute("update clinic.patients set locale = 'fr' where id = %s", [mia])
    told(superuser, riverside, mia)
    texts = superuser.execute(
        "select locale, split_part(body, ' ', 1) as first from clinic.reply_texts where kind = 'confirmed'"
    ).fetchall()
    first = {row["locale"]: row["first"] for row in texts}
    for body, locale in (("Ja", "de"), ("C", "fr")):
        assert reply(carrier, PHONE, body)["answer"].split(" ")[0] == first[locale]
    assert first["de"] != first["fr"]


@pytest.mark.parametrize("asked", ["offer", "recall"])
@pytest.mark.parametrize("said", ["No", "Yes"])
def test_an_answer_to_something_else_does_nothing_to_the_visit_that_is_ahead(
    superuser: Connection,
    carrier: Connection,
    desk: Connection,
    riverside: Clinic,
    mia: UUID,
    asked: str,
    said: str,
) -> None:
    made = told(superuser, riverside, mia, riverside.at("14:00"), appointment_type_id=riverside.root_canal)
    rules(superuser, riverside, f"{asked} sms")
    if asked == "offer":
        kept = visit(superuser, riverside, patient(superuser, riverside), riverside.at("10:00"))
        call(desk, "join_waitlist", appointment_type_id=riverside.checkup, patient_id=mia)
        call(desk, "cancel_appointment", appointment_id=kept)
    else:
        (kind,) = superuser.execute(
            "select id from clinic.recall_types where clinic_id = %s", [riverside.id]
        ).fetchall()
        call(desk, "set_recall", patient_id=mia, recall_type_id=kind["id"])
        superuser.execute("select clinic.ask_recalls()")
    assert [envelope["kind"] for envelope in delivered(superuser, "sms")] == [asked]
    outcome = {"Yes": "accepted", "No": "declined"}[said] if asked == "offer" else "desk"
    assert reply(carrier, PHONE, said)["outcome"] == outcome
    assert state(superuser, made) == "booked"
    assert [row["body"] for row in inbox(desk)] == ([said] if outcome == "desk" else [])


def offered(superuser: Connection, desk: Connection, riverside: Clinic, person: UUID) -> Row:
    """Let a time become free for somebody who waits, tell them by text message, and return it."""
    rules(superuser, riverside, "offer sms")
    wish = call(desk, "join_waitlist", appointment_type_id=riverside.checkup, patient_id=person)
    kept = visit(superuser, riverside, patient(superuser, riverside), riverside.at("10:00"))
    call(desk, "cancel_appointment", appointment_id=kept)
    assert [envelope["kind"] for envelope in delivered(superuser, "sms")] == ["offer"]
    (row,) = desk.execute("select * from api.waitlist where id = %s", [wish["id"]]).fetchall()
    return row


def test_what_is_offered_is_accepted_by_text_once(
    superuser: Connection, carrier: Connection, desk: Connection, riverside: Clinic, mia: UUID
) -> None:
    wish = offered(superuser, desk, riverside, mia)
    done = reply(carrier, PHONE, "Yes")
    assert (done["outcome"], done["appointment_id"]) == ("accepted", wish["offer"]["reservation_id"])
    assert state(superuser, done["appointment_id"]) == "booked"
    assert done["answer"].startswith("Thank you. Confirmed: ")
    assert reply(carrier, PHONE, "Yes")["outcome"] == "accepted", "again changes nothing"
    assert reply(carrier, PHONE, "No")["outcome"] == "desk", "to what is booked a person answers"
    assert state(superuser, done["appointment_id"]) == "booked"


def test_what_is_declined_by_text_is_offered_no_more(
    superuser: Connection, carrier: Connection, desk: Connection, riverside: Clinic, mia: UUID
) -> None:
    wish = offered(superuser, desk, riverside, mia)
    done = reply(carrier, PHONE, "No")
    assert (done["outcome"], done["appointment_id"], done["answer"]) == ("declined", None, None)
    (row,) = desk.execute("select outcome, offer from api.waitlist where id = %s", [wish["id"]]).fetchall()
    assert row == {"outcome": None, "offer": None}


def test_what_is_offered_is_no_other_numbers_to_take(
    superuser: Connection, carrier: Connection, desk: Connection, riverside: Clinic, mia: UUID
) -> None:
    wish = offered(superuser, desk, riverside, mia)
    superuser.execute("update clinic.patients set phone = '+1 646 555 7799' where id = %s", [mia])
    assert reply(carrier, PHONE, "Yes")["outcome"] == "desk"
    assert reply(carrier, "+1 646 555 7799", "Yes")["outcome"] != "accepted"
    (row,) = desk.execute("select offer from api.waitlist where id = %s", [wish["id"]]).fetchall()
    assert row["offer"] == wish["offer"]


def test_an_offer_that_somebody_took_is_the_desks_to_explain(
    superuser: Connection, carrier: Connection, desk: Connection, riverside: Clinic, mia: UUID
) -> None:
    wish = offered(superuser, desk, riverside, mia)
    call(desk, "release_reservation", reservation_id=wish["offer"]["reservation_id"])
    assert reply(carrier, PHONE, "Yes")["outcome"] == "desk"
    assert [row["body"] for row in inbox(desk)] == ["Yes"]


def test_who_is_late_calls(superuser: Connection, carrier: Connection, riverside: Clinic, mia: UUID) -> None:
    superuser.execute(
        "update clinic.clinics set cancellation_notice = '1 day', cancel_grace = '0' where id = %s",
        [riverside.id],
    )
    made = told(superuser, riverside, mia, timedelta(hours=23))
    assert reply(carrier, PHONE, "X")["outcome"] == "too_late"
    assert reply(carrier, PHONE, "C")["outcome"] == "confirmed"
    assert state(superuser, made) == "confirmed"


def test_a_reply_counts_once_also_when_it_comes_twice_at_once(
    superuser: Connection, actors: Actors, carrier: Connection, riverside: Clinic, mia: UUID
) -> None:
    made = told(superuser, riverside, mia)
    carriers = [actors.service_role() for _ in range(4)]
    outcomes = race([lambda one=one: reply(one, PHONE, "X", ref="SM1") for one in carriers])  # type: ignore[misc]
    results = outcomes.won
    assert len(results) == 4
    assert sorted(result["repeated"] for result in results) == [False, True, True, True]
    assert {result["outcome"] for result in results} == {"cancelled"}
    assert state(superuser, made) == "cancelled"
    assert len(answers(superuser)) == 1
    assert not reply(carrier, PHONE, "hello", sender="+1 2", ref="SM1")["repeated"], (
        "another carrier's number"
    )


def test_one_of_several_visits_is_asked_which_and_the_number_is_understood(
    superuser: Connection, carrier: Connection, riverside: Clinic, mia: UUID
) -> None:
    kid = patient(superuser, riverside, full_name="Kim Kid", phone="646-555-7740")
    later, first = told(superuser, riverside, mia, 21 * DAY), told(superuser, riverside, kid, 20 * DAY)
    asked = reply(carrier, PHONE, "X")
    assert (asked["outcome"], asked["appointment_id"]) == ("asked", None)
    (question,) = answers(superuser)
    assert "1) " in question
    assert "1) Riverside" not in question, "there is one clinic"
    assert question.index("Kim Kid") < question.index("2) ") < question.index("Mia Mail")
    assert reply(carrier, PHONE, "7")["outcome"] == "asked", "none of them"
    assert (state(superuser, first), state(superuser, later)) == ("booked", "booked")
    assert reply(carrier, PHONE, "2")["outcome"] == "cancelled"
    assert (state(superuser, first), state(superuser, later)) == ("booked", "cancelled")
    assert reply(carrier, PHONE, "1")["outcome"] == "desk", "nothing is asked any more"
    assert reply(carrier, PHONE, "C")["outcome"] == "confirmed", "one is left"
    assert state(superuser, first) == "confirmed"


def test_a_number_means_what_it_meant_when_it_was_asked(
    superuser: Connection, carrier: Connection, riverside: Clinic, mia: UUID
) -> None:
    visits = [told(superuser, riverside, mia, (20 + n) * DAY) for n in range(2)]
    reply(carrier, PHONE, "X")
    cancel(superuser, visits[0])
    sooner = told(superuser, riverside, mia, 10 * DAY)
    assert reply(carrier, PHONE, "1")["outcome"] == "asked", "that one is gone"
    assert (state(superuser, visits[1]), state(superuser, sooner)) == ("booked", "booked")
    assert reply(carrier, PHONE, "C 1")["outcome"] == "confirmed"
    assert (state(superuser, visits[1]), state(superuser, sooner)) == ("confirmed", "booked")
    assert reply(carrier, PHONE, "X")["outcome"] == "asked"
    superuser.execute("update clinic.reply_questions set asked_at = asked_at - interval '25 hours'")
    assert reply(carrier, PHONE, "1")["outcome"] == "desk", "that was yesterday"


@pytest.mark.parametrize(
    "phone", ["+44 646 555 7740", "+1 646 555 7741", "7740", "+81 6 4655 57740", "Mia", "+1 646 555 7740 9"]
)
def test_another_number_reaches_nobody(
    superuser: Connection, carrier: Connection, riverside: Clinic, mia: UUID, phone: str
) -> None:
    made = told(superuser, riverside, mia)
    told(superuser, riverside, mia, 22 * DAY)
    reply(carrier, PHONE, "X")
    before = len(outbox(superuser))
    for body in ("C", "X", "1", "X 1", "STOP", "HELP", "who is this?"):
        for sender in ("+1 646 555 0000", SENDER):
            done = reply(carrier, phone, body, sender=sender)
            assert done["appointment_id"] is None
            assert done["outcome"] not in ("asked", "confirmed", "cancelled", "too_late")
            assert done["answer"] is None, "strangers are not answered"
    assert state(superuser, made) == "booked"
    assert len(outbox(superuser)) == before
    assert told(superuser, riverside, mia, 23 * DAY), "their STOP is not hers"
    reply(carrier, PHONE, "STOP")
    reply(carrier, phone, "START", sender=SENDER)
    assert (
        superuser.execute("select from clinic.stops(%s, 'sms', '+16465557740')", [riverside.id]).rowcount == 1
    ), "nor is their START"
    assert reply(carrier, PHONE, "1")["outcome"] == "cancelled", "what was asked is still asked"


def test_a_number_that_was_given_away_reaches_nobody(
    superuser: Connection, carrier: Connection, riverside: Clinic, mia: UUID
) -> None:
    made = told(superuser, riverside, mia)
    superuser.execute("update clinic.patients set phone = '+1 646 555 9999' where id = %s", [mia])
    for body in ("C", "X"):
        assert reply(carrier, PHONE, body)["outcome"] == "nothing"
    assert state(superuser, made) == "booked"


def test_stop_start_and_help(
    superuser: Connection, carrier: Connection, desk: Connection, riverside: Clinic, mia: UUID
) -> None:
    told(superuser, riverside, mia)
    assert reply(carrier, PHONE, "Stop")["outcome"] == "stopped"
    assert len(answers(superuser)) == 1, "that is confirmed still"
    made = visit(superuser, riverside, mia, 22 * DAY)
    assert not leased(superuser, "sms")
    assert {row["reason"] for row in outbox(superuser, made)} == {"opted_out"}
    assert reply(carrier, PHONE, "START")["outcome"] == "started"
    assert reply(carrier, PHONE, "help")["outcome"] == "helped"
    again = told(superuser, riverside, mia, 23 * DAY)
    assert outbox(superuser, again)[0]["state"] == "sent"
    assert not inbox(desk)


def test_who_merely_names_a_number_does_not_end_its_stop(
    superuser: Connection, carrier: Connection, actors: Actors, desk: Connection, riverside: Clinic, mia: UUID
) -> None:
    told(superuser, riverside, mia)
    reply(carrier, PHONE, "STOP")
    stranger = make_user(superuser, "Sam Stranger")
    theirs = patient(superuser, riverside, phone=PHONE, user_id=stranger)

    def stopped() -> int:
        return superuser.execute("select from clinic.stopped_addresses").rowcount

    wanted = {"channel": "sms", "is_wanted": True}
    call(actors.user(f"{stranger}@made.test"), "set_message_consent", patient_id=theirs, **wanted)
    assert stopped() == 1
    call(desk, "set_message_consent", patient_id=mia, **wanted)
    assert stopped() == 0


def test_what_nobody_understands_the_desk_reads_and_answers(
    superuser: Connection,
    carrier: Connection,
    desk: Connection,
    foreign_desk: Connection,
    riverside: Clinic,
    mia: UUID,
) -> None:
    told(superuser, riverside, mia)
    done = reply(carrier, PHONE, "Can I bring\nmy dog?\x07")
    assert done["outcome"] == "desk"
    (row,) = inbox(desk)
    assert (row["body"], row["patient_id"], row["phone"]) == ("Can I bring\nmy dog?", mia, "+16465557740")
    assert not inbox(foreign_desk)
    heard = superuser.execute(
        "select topics, payload from clinic.realtime_events where event = 'reply_received'"
    ).fetchall()
    assert [one["topics"] for one in heard] == [[f"clinic:{riverside.id}"]]
    assert "dog" not in str(heard)
    with refused("not_found"):
        call(foreign_desk, "handle_reply", reply_id=row["id"])
    answers(superuser)
    for _ in range(2):
        handled = call(desk, "handle_reply", reply_id=row["id"], answer="Yes, a small one.")
        assert (handled["handled_at"] is None, handled["answer"]) == (False, "Yes, a small one.")
    assert answers(superuser) == ["Yes, a small one."], "once"
    told_desk = "select count(*) from clinic.realtime_events where event = 'reply_handled'"
    assert value(superuser, told_desk) == 1
    assert not inbox(desk)


def test_two_machines_do_not_talk_to_each_other(
    superuser: Connection, carrier: Connection, desk: Connection, riverside: Clinic, mia: UUID
) -> None:
    told(superuser, riverside, mia)
    for word in ("I am away from my phone.", "HELP"):
        said = [reply(carrier, PHONE, word)["answer"] for _ in range(15)]
        assert sum(answer is not None for answer in said) == (1 if " " in word else 10)
        superuser.execute("update clinic.message_replies set received_at = received_at - interval '2 hours'")
    assert len(inbox(desk)) == 15, "each is read"


def test_no_clinic_reads_of_another_clinics_visits(
    superuser: Connection, carrier: Connection, desk: Connection, foreign_desk: Connection,
    riverside: Clinic, sakura: Clinic, mia: UUID,
) -> None:  # fmt: skip
    superuser.execute("update clinic.clinics set locale = 'en'")
    here = told(superuser, riverside, mia)
    there = told(superuser, sakura, patient(superuser, sakura, full_name="Mia Mail", phone=PHONE), 22 * DAY)
    # By a number that both use, both may be meant: the person is asked, and no desk reads it.
    assert reply(carrier, PHONE, "X")["outcome"] == "asked"
    (question,) = answers(superuser)
    names = superuser.execute("select name from clinic.clinics order by name").fetchall()
    assert all(row["name"] in question for row in names)
    for staff in (desk, foreign_desk):
        rows = staff.execute("select answer from api.message_replies").fetchall()
        assert not any(row["answer"] for row in rows)
    assert reply(carrier, PHONE, "2")["appointment_id"] == str(there)
    assert state(superuser, here) == "booked"
    # By a number of its own, that clinic alone is.
    own = superuser.execute(
        "update clinic.clinics set phone = '+1 212 555 0188' where id = %s returning phone", [riverside.id]
    )
    sender = own.fetchone()["phone"]  # type: ignore[index]
    told(superuser, sakura, patient(superuser, sakura, phone=PHONE), 23 * DAY)
    assert reply(carrier, PHONE, "C", sender=sender)["appointment_id"] == str(here)
    assert reply(carrier, PHONE, "A question", sender=sender)["outcome"] == "desk"
    assert len(inbox(desk)) == 1
    assert not inbox(foreign_desk)
    reply(carrier, PHONE, "STOP", sender=sender)
    stopped = superuser.execute("select clinic_id from clinic.stopped_addresses").fetchall()
    assert [row["clinic_id"] for row in stopped] == [riverside.id]


@pytest.mark.parametrize(
    "wrong",
    [
        {"message_ref": None}, {"message_ref": " "}, {"message_ref": "x" * 201},
        {"phone": None}, {"phone": ""},
        {"phone": "1" * 41}, {"phone": "1\n2"}, {"sender": "x" * 201},
    ],
)  # fmt: skip
def test_what_no_carrier_says_is_refused(carrier: Connection, wrong: dict[str, Any]) -> None:
    said = {"sender": "+1 2", "message_ref": str(uuid4()), "phone": PHONE, "body": "C"}
    with refused("invalid_argument"):
        call(carrier, "receive_reply", **said | wrong)


@pytest.mark.parametrize("body", [None, "", " \n", "\x01", "x" * 1_000_000, "😀" * 3000, "9" * 500, "2" * 90])
def test_whatever_somebody_texts_the_carrier_gets_an_answer(
    superuser: Connection, carrier: Connection, riverside: Clinic, mia: UUID, body: str | None
) -> None:
    told(superuser, riverside, mia)
    for phone in (PHONE, "AMAZON", "12345"):
        assert reply(carrier, phone, body, sender=SENDER)["outcome"] == "desk"
        assert reply(carrier, phone, "STOP", sender=SENDER)["outcome"] == "stopped"


def test_nothing_that_was_texted_outlives_who_texted_it(
    superuser: Connection, carrier: Connection, admin: Connection, riverside: Clinic, mia: UUID
) -> None:
    for number in range(2):
        told(superuser, riverside, mia, (20 + number) * DAY)
    reply(carrier, PHONE, "It hurts since Zanzibar")
    reply(carrier, PHONE, "X")
    assert saying(superuser, "Zanzibar", "6465557740", "646 555 7740")
    call(admin, "erase_patient", patient_id=mia, reason="Asked for it by letter.")
    assert saying(superuser, "Zanzibar", "6465557740", "646 555 7740") == set()
    for table in ("messages", "message_links", "message_replies", "reply_questions"):
        assert not superuser.execute(f"select from clinic.{table}").rowcount, table  # type: ignore[arg-type]


def test_a_guardian_who_leaves_takes_their_address_out_of_what_was_sent(
    superuser: Connection, carrier: Connection, riverside: Clinic
) -> None:
    guardian = make_user(superuser, "Greta Guardian")
    superuser.execute("update clinic.profiles set phone = %s where user_id = %s", [PHONE, guardian])
    kid = patient(superuser, riverside, phone=None, email=None)
    insert(superuser, "guardians", clinic_id=riverside.id, patient_id=kid, user_id=guardian)
    rules(superuser, riverside, "booked sms", "booked email")
    made = told(superuser, riverside, kid)
    delivered(superuser)
    assert reply(carrier, PHONE, "Is Zanzibar far?")["outcome"] == "desk"
    delivered(superuser)
    superuser.execute("delete from auth.users where id = %s", [guardian])
    assert saying(superuser, "6465557740", "646 555 7740", str(guardian) + "@", "Zanzibar") == set()
    assert {row["state"] for row in outbox(superuser, made)} == {"sent"}
