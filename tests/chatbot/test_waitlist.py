"""Waiting by conversation: who waits for what, what they are offered, and what nobody learns."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from tests.chatbot.practice import PERSON, Practice, fail, in_process, over_http, use
from tests.chatbot.talk import NAME, PHONE, confirm, release
from tests.chatbot.test_purge import age, count, purge
from tests.support.actors import Actors, Connection, Row, call
from tests.support.clinics import Clinic
from tests.support.refusals import refused
from tests.support.slots import expire_hold
from tests.support.waitlist import offer, offered, outcome, sweep


def wait(bot: Connection, clinic: Clinic, name: str = NAME, phone: str = PHONE, **wish: Any) -> Row:
    """Put somebody on the list for a check-up with `lee`, unless told otherwise."""
    asked = {"service": "Check-up", "dentist": str(clinic.lee)} | wish
    person = {"patient_name": name, "patient_phone": phone}
    row: Row = call(bot, "chatbot_join_waitlist", clinic_slug=clinic.slug, **person, **asked)
    return row


def told(bot: Connection, wished: Row) -> Row:
    row: Row = call(bot, "chatbot_wish", wish=wished["wish"])
    return row


def wishes(superuser: Connection) -> list[Row]:
    return superuser.execute("select * from clinic.waitlist order by created_at").fetchall()


def free(desk: Connection, clinic: Clinic, clock: str = "10:00") -> datetime:
    """Book a time for the seed's walk-in and cancel it; return its start."""
    start = clinic.at(clock)
    walter = desk.execute("select id from api.patients where full_name = 'Walter Inman'").fetchone()
    assert walter is not None
    slot = {"dentist_id": clinic.lee, "appointment_type_id": clinic.checkup, "starts_at": start}
    visit = call(desk, "book_appointment", patient_id=walter["id"], **slot)
    call(desk, "cancel_appointment", appointment_id=visit["id"])
    return start


def test_what_becomes_free_is_told_and_booked(
    bot: Connection, desk: Connection, superuser: Connection, riverside: Clinic
) -> None:
    wished = wait(bot, riverside)
    assert (wished["status"], wished["offer"], wished["patient_name"]) == ("waiting", None, NAME)
    assert told(bot, wished)["status"] == "waiting"
    start = free(desk, riverside)
    heard = told(bot, wished)
    assert heard["status"] == "offered"
    assert datetime.fromisoformat(heard["offer"]["starts_at"]) == start
    assert heard["offer"]["label"].endswith("10:00, Check-up with Dr. Grace Lee at Riverside Dental")
    booked = confirm(bot, heard["offer"])
    assert (booked["status"], booked["patient_name"]) == ("booked", NAME)
    assert booked["confirmation_code"]
    (row,) = wishes(superuser)
    assert (row["outcome"], row["source"]) == ("accepted", "chatbot")
    assert told(bot, wished)["status"] == "ended"


def test_what_is_declined_goes_on_and_the_wish_stays(
    bot: Connection, desk: Connection, superuser: Connection, riverside: Clinic
) -> None:
    first, second = wait(bot, riverside), wait(bot, riverside, "Second Caller", "+1 212 555 0188")
    free(desk, riverside)
    assert release(bot, told(bot, first)["offer"])["released"]
    assert told(bot, first)["status"] == "waiting"
    assert told(bot, second)["status"] == "offered"


def test_what_is_waited_for_is_what_was_said(
    bot: Connection, superuser: Connection, riverside: Clinic
) -> None:
    days = {"from_date": riverside.weekday(1).isoformat(), "to_date": riverside.weekday(5).isoformat()}
    said = wait(bot, riverside, dentist=None, weekdays=[2, 4], part_of_day="afternoon", **days)
    (row,) = wishes(superuser)
    assert row["dentist_ids"] is None
    assert (row["from_date"].isoformat(), row["to_date"].isoformat()) == tuple(days.values())
    assert (row["weekdays"], str(row["from_time"]), str(row["to_time"])) == ([2, 4], "12:00:00", "17:00:00")
    assert (said["from_time"], said["to_time"], said["dentist"]) == ("12:00", "17:00", None)
    again = wait(bot, riverside)
    (changed,) = wishes(superuser)
    assert (changed["id"], changed["created_at"]) == (row["id"], row["created_at"]), "keeps the place"
    assert (changed["weekdays"], changed["dentist_ids"]) == (None, [riverside.lee])
    assert again["wish"] != said["wish"]


@pytest.mark.parametrize(
    ("said", "status"),
    [({"service": "haircut"}, "choose_service"), ({"dentist": "Dr. Nobody"}, "choose_dentist")],
)
def test_unknown_names_come_back_as_a_question(
    bot: Connection, superuser: Connection, riverside: Clinic, said: dict[str, str], status: str
) -> None:
    answer = wait(bot, riverside, **said)
    assert answer["status"] == status
    assert answer["candidates"]
    assert "wish" not in answer
    assert wishes(superuser) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""}, {"phone": "12"}, {"name": None}, {"phone": None},
        {"to_date": "2000-01-01"}, {"weekdays": [8]}, {"part_of_day": "night"},
    ],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_waited_for_is_refused(
    bot: Connection, superuser: Connection, riverside: Clinic, wrong: dict[str, Any]
) -> None:
    with refused("invalid_argument"):
        wait(bot, riverside, **wrong)
    assert wishes(superuser) == []


def test_a_wish_is_its_chatbots_alone(
    bot: Connection,
    rival: Connection,
    foreign_bot: Connection,
    ana: Connection,
    desk: Connection,
    riverside: Clinic,
) -> None:
    wished = wait(bot, riverside)
    with refused("forbidden"):
        wait(foreign_bot, riverside)
    free(desk, riverside)
    held = told(bot, wished)["offer"]
    for other, code in (
        (rival, "not_found"),
        (foreign_bot, "not_found"),
        (ana, "forbidden"),
        (desk, "forbidden"),
    ):
        with refused(code):
            told(other, wished)
        with refused(code):
            confirm(other, held)
        with refused(code):
            release(other, held)
    assert told(bot, wished)["offer"]["reservation_id"] == held["reservation_id"]


def test_an_invented_wish_is_none(bot: Connection, superuser: Connection, riverside: Clinic) -> None:
    wait(bot, riverside)
    (row,) = wishes(superuser)
    for invented in ("tomorrow", str(row["id"])):
        with refused("not_found"):
            told(bot, {"wish": invented})
    with refused("invalid_argument"):
        told(bot, {"wish": None})


def test_a_chatbot_that_left_waits_no_longer_for_anybody(
    bot: Connection, superuser: Connection, actors: Actors, riverside: Clinic
) -> None:
    wished = wait(bot, riverside)
    superuser.execute("delete from clinic.staff where user_id = %s", [actors.user_id("bot@riverside.test")])
    with refused("forbidden"):
        told(bot, wished)


def test_waiting_looks_the_same_for_who_is_known(
    bot: Connection, superuser: Connection, riverside: Clinic
) -> None:
    """A record of the desk is not waited for, and nothing shows that there is one."""
    answers = [wait(bot, riverside, *who) for who in (("Walter Inman", "+1 212 555 0131"), (NAME, PHONE))]
    assert {tuple(sorted(answer)) for answer in answers} == {tuple(sorted(answers[0]))}
    assert [answer["status"] for answer in answers] == ["waiting", "waiting"]
    patients = superuser.execute(
        "select p.source, p.user_id from clinic.waitlist as w"
        " join clinic.patients as p on p.id = w.patient_id"
    ).fetchall()
    assert patients == [{"source": "chatbot", "user_id": None}] * 2


def test_a_name_comes_back_as_it_was_said(bot: Connection, desk: Connection, riverside: Clinic) -> None:
    wait(bot, riverside, "CASEY   caller")
    wished = wait(bot, riverside, "Casey Caller")
    free(desk, riverside)
    heard = told(bot, wished)
    assert (heard["patient_name"], heard["offer"]["patient_name"]) == ("Casey Caller", "Casey Caller")
    assert confirm(bot, heard["offer"])["patient_name"] == "Casey Caller"


def test_one_person_waits_for_so_much_and_one_chatbot_for_so_many(
    bot: Connection, rival: Connection, superuser: Connection, riverside: Clinic
) -> None:
    superuser.execute("update clinic.clinics set max_chatbot_bookings_per_hour = 2, max_upcoming = 1")
    wait(bot, riverside)
    with refused("booking_limit"):
        wait(bot, riverside, service="Root canal")
    assert wait(bot, riverside, weekdays=[2])["status"] == "waiting", "that is no second one"
    superuser.execute("update clinic.clinics set max_upcoming = 5")
    wait(bot, riverside, "Second Caller", "+1 212 555 0188")
    with refused("booking_limit"):
        wait(bot, riverside, "Third Caller", "+1 212 555 0177")
    assert wait(bot, riverside, weekdays=[1])["status"] == "waiting", "who waits may change what for"
    superuser.execute("update clinic.waitlist set created_at = created_at - interval '2 hours'")
    with refused("booking_limit"):
        wait(bot, riverside, "Third Caller", "+1 212 555 0177")
    wait(rival, riverside, "Third Caller", "+1 212 555 0177")
    superuser.execute("update clinic.waitlist set outcome = 'left', ended_at = now()")
    wait(bot, riverside, "Fourth Caller", "+1 212 555 0166")


def test_an_audience_that_a_person_left_is_offered_nothing(
    bot: Connection, desk: Connection, superuser: Connection, riverside: Clinic
) -> None:
    wait(bot, riverside)
    (row,) = wishes(superuser)
    superuser.execute(
        "update clinic.appointment_types set audience = 'known_patients' where id = %s", [riverside.checkup]
    )
    free(desk, riverside)
    assert offer(superuser, row["id"]) is None


def test_who_waits_is_not_forgotten_and_what_was_told_of_it_is(
    bot: Connection, superuser: Connection, desk: Connection, riverside: Clinic
) -> None:
    wished = wait(bot, riverside)
    free(desk, riverside)
    (row,) = wishes(superuser)
    expire_hold(superuser, offered(superuser, row["id"])["id"])
    sweep(superuser)
    age(superuser)
    purge(superuser)
    assert told(bot, wished)["status"] == "waiting"
    call(desk, "leave_waitlist", waitlist_id=row["id"])
    purge(superuser)
    assert told(bot, wished)["outcome"] == "left"
    superuser.execute("update clinic.waitlist set ended_at = ended_at - interval '2 days'")
    assert purge(superuser) == 1
    assert count(superuser, "chatbot_wishes") == 0
    with refused("not_found"):
        told(bot, wished)


def test_what_a_chatbot_was_told_is_forgotten_with_the_record(
    bot: Connection, superuser: Connection, actors: Actors, riverside: Clinic
) -> None:
    wait(bot, riverside)
    (row,) = wishes(superuser)
    admin = actors.user("admin@riverside.test")
    call(admin, "erase_patient", patient_id=row["patient_id"], reason="They asked for it")
    assert outcome(superuser, row["id"]) == "erased"
    assert count(superuser, "chatbot_wishes") == 0


# The tool --------------------------------------------------------------------------------------------------

WAIT = {"service": "check-up", "dentist": "lee", **PERSON}


def hand_over(practice: Practice) -> datetime:
    """Let the desk book a time and cancel it."""
    desk = practice.actors.user(f"{practice.clinic.users['desk']}@made.test")
    patient = call(desk, "create_patient", clinic_id=practice.clinic.id, full_name="Fae Frees")
    start = practice.clinic.at("10:00")
    slot = {
        "dentist_id": practice.clinic.lee,
        "appointment_type_id": practice.clinic.checkup,
        "starts_at": start,
    }
    visit = call(desk, "book_appointment", patient_id=patient["id"], **slot)
    call(desk, "cancel_appointment", appointment_id=visit["id"])
    return start


async def test_an_offer_is_told_in_the_next_answer_once_and_confirmed(practice: Practice) -> None:
    async with in_process(practice) as client:
        joined = await use(client, "join_waitlist", **WAIT)
        assert (joined["status"], joined["offer"]) == ("waiting", None)
        assert "wish" not in joined
        assert "news" not in await use(client, "find_slots", service="cleaning")
        start = hand_over(practice)
        answer = await use(client, "find_slots", service="cleaning")
        (held,) = answer["news"]["held"]
        assert datetime.fromisoformat(held["starts_at"]) == start
        assert "held for them" in answer["news"]["message"]
        assert "taken" not in answer["news"]
        assert "news" not in await use(client, "find_slots", service="cleaning")
        booked = await use(client, "confirm_booking", reservation_id=held["reservation_id"])
        assert (booked["label"], booked["patient_name"]) == (held["label"], PERSON["patient_name"])
        assert booked["confirmation_code"]


async def test_an_error_tells_of_it_too(practice: Practice) -> None:
    async with in_process(practice) as client:
        await use(client, "join_waitlist", **WAIT)
        hand_over(practice)
        error = await fail(client, "hold_slot", offer="invented", **PERSON)
        assert (error["code"], len(error["details"]["news"]["held"])) == ("not_found", 1)


async def test_a_refusal_brings_fresh_offers_beside_what_is_held(practice: Practice) -> None:
    async with in_process(practice) as client:
        await use(client, "join_waitlist", **WAIT)
        offer, *_ = (await use(client, "find_slots", service="cleaning"))["offers"]
        hand_over(practice)
        practice.take(offer)
        error = await fail(client, "hold_slot", offer=offer["offer"], **PERSON)
        assert (error["code"], len(error["details"]["news"]["held"])) == ("slot_taken", 1)
        assert len(error["details"]["fresh_offers"]) == 1


async def test_who_comes_back_is_told_without_a_session(practice: Practice) -> None:
    async with over_http(practice) as client:
        await use(client, "join_waitlist", **WAIT)
        hand_over(practice)
        again = await use(client, "join_waitlist", **WAIT)
        assert again["status"] == "offered"
        held = again["offer"]["reservation_id"]
        assert (await use(client, "release_hold", reservation_id=held))["released"] is True


async def test_other_conversations_hear_nothing_of_it(practice: Practice) -> None:
    async with in_process(practice) as client, in_process(practice) as other:
        await use(client, "join_waitlist", **WAIT)
        hand_over(practice)
        assert "news" not in await use(other, "find_slots", service="cleaning")


async def test_limits_are_errors_in_the_tools_words(practice: Practice) -> None:
    async with in_process(practice) as client:
        wrong = WAIT | {"patient_phone": "12"}
        assert (await fail(client, "join_waitlist", **wrong))["code"] == "invalid_argument"
        assert (await fail(client, "join_waitlist", **(WAIT | {"weekdays": [0]})))[
            "code"
        ] == "invalid_argument"
        assert (await use(client, "join_waitlist", **(WAIT | {"service": "haircut"})))[
            "status"
        ] == "choose_service"
