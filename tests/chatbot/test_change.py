"""chatbot_release and chatbot_reschedule: for who changes their mind, and nothing for anybody else."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import pytest

from tests.chatbot.talk import NAME, PHONE, book, cancel, find, hold, move, offer, release
from tests.support.actors import Connection, Row
from tests.support.clinics import Clinic
from tests.support.refusals import refused
from tests.support.slots import expire_hold, listed

AFTERNOON = {"part_of_day": "afternoon"}


def moved_to(answer: Row) -> datetime:
    return datetime.fromisoformat(answer["starts_at"])


def test_a_released_hold_is_free_at_once(bot: Connection, ana: Connection, riverside: Clinic) -> None:
    held = hold(bot, offer(bot, riverside))
    start = datetime.fromisoformat(held["starts_at"])
    assert start not in listed(ana, riverside, start)
    assert release(bot, held)["released"] is True
    assert start in listed(ana, riverside, start)
    assert release(bot, held)["released"] is False


def test_a_hold_that_ran_out_is_told_as_ended_and_not_released(
    bot: Connection, superuser: Connection, riverside: Clinic
) -> None:
    held = hold(bot, offer(bot, riverside))
    expire_hold(superuser, UUID(held["reservation_id"]))
    release(bot, held)
    told = superuser.execute(
        "select outcome from clinic.slot_reservations where id = %s", [held["reservation_id"]]
    ).fetchone()
    assert told == {"outcome": "expired"}


def test_nobody_releases_what_another_chatbot_holds(
    bot: Connection, rival: Connection, ana: Connection, riverside: Clinic
) -> None:
    held = hold(bot, offer(bot, riverside))
    with refused("not_found"):
        release(rival, held)
    with refused("forbidden"):
        release(ana, held)


def test_a_booking_moves_to_an_offer_and_keeps_its_code(
    bot: Connection, ana: Connection, riverside: Clinic
) -> None:
    booked = book(bot, riverside)
    before = datetime.fromisoformat(booked["starts_at"])
    token = offer(bot, riverside, **AFTERNOON)
    answer = move(bot, booked["confirmation_code"], token)
    assert answer["rescheduled"] is True
    assert answer["appointment_id"] == booked["appointment_id"]
    assert moved_to(answer) != before
    assert before in listed(ana, riverside, before)
    assert moved_to(answer) not in listed(ana, riverside, before)
    # Sent again, it is no change.
    assert moved_to(move(bot, booked["confirmation_code"], token)) == moved_to(answer)
    assert cancel(bot, booked["confirmation_code"])["cancelled"] is True


def test_what_was_cancelled_is_not_told_as_moved(bot: Connection, riverside: Clinic) -> None:
    """Not even to where it was: nobody is expected there any more."""
    booked = book(bot, riverside)
    token = offer(bot, riverside, **AFTERNOON)
    move(bot, booked["confirmation_code"], token)
    cancel(bot, booked["confirmation_code"])
    for sent in (token, offer(bot, riverside)):
        with refused("invalid_transition"):
            move(bot, booked["confirmation_code"], sent)


def test_a_wrong_pair_gets_one_answer_whatever_the_offer_is(
    bot: Connection, superuser: Connection, riverside: Clinic
) -> None:
    booked, token = book(bot, riverside), offer(bot, riverside, **AFTERNOON)
    wrong = [("ZZZZ-2345", PHONE), (booked["confirmation_code"], "+1 212 555 0999")]
    answers = [move(bot, code, sent, phone) for code, phone in wrong for sent in (token, "no offer")]
    assert all(answer == answers[0] for answer in answers)
    assert (answers[0]["rescheduled"], answers[0]["code"]) == (False, "not_found")
    noted = superuser.execute("select count(*) from clinic.cancel_attempts").fetchone()
    assert noted == {"count": 4}


def test_only_an_offer_for_the_same_service_will_do(bot: Connection, riverside: Clinic) -> None:
    booked = book(bot, riverside)
    with refused("invalid_argument"):
        move(bot, booked["confirmation_code"], offer(bot, riverside, service="Root canal"))
    with refused("not_found"):
        move(bot, booked["confirmation_code"], "made up")


def test_a_refused_move_leaves_the_booking_where_it_is(
    bot: Connection, desk: Connection, ana: Connection, riverside: Clinic
) -> None:
    booked = book(bot, riverside)
    before = datetime.fromisoformat(booked["starts_at"])
    token = offer(bot, riverside, **AFTERNOON)
    hold(bot, token, "Somebody Else", "+1 212 555 0188")
    with refused("reservation_expired"):
        move(bot, booked["confirmation_code"], token)
    other = find(bot, riverside, **AFTERNOON)["offers"][0]
    book(bot, riverside, name="A Third", phone="+1 212 555 0177", **AFTERNOON)
    with refused("slot_taken"):
        move(bot, booked["confirmation_code"], other["offer"])
    assert before not in listed(ana, riverside, before)


def test_it_can_be_too_late_to_move(bot: Connection, superuser: Connection, riverside: Clinic) -> None:
    soon = {"from_date": riverside.weekday(1, weeks=2)}
    booked, token = book(bot, riverside, **soon), offer(bot, riverside, **soon, **AFTERNOON)
    superuser.execute(
        "update clinic.clinics set cancellation_notice = '30 days', cancel_grace = '0' where id = %s",
        [riverside.id],
    )
    with refused("too_late_to_cancel"):
        move(bot, booked["confirmation_code"], token)


def test_a_leavers_calendar_takes_no_moves(bot: Connection, superuser: Connection, riverside: Clinic) -> None:
    booked = book(bot, riverside, dentist=str(riverside.other))
    token = offer(bot, riverside, **AFTERNOON)
    superuser.execute("update clinic.dentists set is_active = false where id = %s", [riverside.lee])
    with refused("not_found"):
        move(bot, booked["confirmation_code"], token)


@pytest.mark.parametrize("missing", ["confirmation_code", "patient_phone"])
def test_both_halves_of_the_pair_are_needed(bot: Connection, riverside: Clinic, missing: str) -> None:
    pair = {"code": "K7QM-2XRD", "phone": PHONE} | ({"code": ""} if "code" in missing else {"phone": " "})
    with refused("invalid_argument"):
        move(bot, pair["code"], offer(bot, riverside), pair["phone"])


def test_a_person_is_not_moved_into_two_chairs(bot: Connection, riverside: Clinic) -> None:
    first = book(bot, riverside)
    second = book(bot, riverside, dentist=str(riverside.other), **AFTERNOON)
    busy = datetime.fromisoformat(second["starts_at"])
    same_time = [
        one for one in find(bot, riverside, max_results=10, **AFTERNOON)["offers"] if moved_to(one) == busy
    ]
    assert same_time, NAME
    with refused("patient_busy"):
        move(bot, first["confirmation_code"], same_time[0]["offer"])
