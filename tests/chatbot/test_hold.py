"""chatbot_hold: only what was offered, only to whom, only while it is free."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

import pytest

from tests.chatbot.talk import NAME, PHONE, confirm, find, hold, offer
from tests.support.actors import Actors, Connection, call
from tests.support.clinics import Clinic
from tests.support.races import race
from tests.support.refusals import refused
from tests.support.slots import book, expire_hold, listed


def age(superuser: Connection, token: str, by: str = "1 hour") -> None:
    """Let an offer's time run out."""
    superuser.execute(
        "update clinic.slot_offers set expires_at = expires_at - %s::interval"
        " where token_hash = sha256(convert_to(%s, 'UTF8'))",
        [by, token],
    )


def test_what_was_offered_is_held(bot: Connection, ana: Connection, riverside: Clinic) -> None:
    offered = find(bot, riverside)["offers"][1]
    held = hold(bot, offered["offer"])
    for field in ("label", "starts_at", "ends_at", "dentist", "service", "local_time", "minutes"):
        assert held[field] == offered[field]
    lasts = datetime.fromisoformat(held["expires_at"]) - datetime.fromisoformat(held["server_now"])
    assert timedelta(minutes=4) < lasts <= timedelta(minutes=5)
    start = datetime.fromisoformat(offered["starts_at"])
    assert start not in listed(ana, riverside, start)


def test_a_tampered_token_is_no_offer(bot: Connection, riverside: Clinic, subtests: pytest.Subtests) -> None:
    token = offer(bot, riverside)
    for changed in (
        token.upper(),
        token[:-1],
        f"{token}0",
        token[::-1],
        "",
        f" {token}",
        token.replace(token[0], "g"),
    ):
        with subtests.test(changed=changed), refused("not_found"):
            hold(bot, changed)


def test_an_invented_token_is_no_offer(bot: Connection, subtests: pytest.Subtests) -> None:
    for token in ("' or true --", "a\x07", "x" * 100_000, "🦷", "%", "tomorrow at ten"):
        with subtests.test(token=token[:20]), refused("not_found"):
            hold(bot, token)


def test_an_expired_offer_is_refused(bot: Connection, superuser: Connection, riverside: Clinic) -> None:
    token = offer(bot, riverside)
    age(superuser, token)
    with refused("reservation_expired"):
        hold(bot, token)


def test_a_slot_taken_meanwhile_is_refused_with_alternatives(
    bot: Connection, ana: Connection, riverside: Clinic
) -> None:
    offered = find(bot, riverside)["offers"][0]
    book(ana, riverside, datetime.fromisoformat(offered["starts_at"]))
    with refused("slot_taken") as refusal:
        hold(bot, offered["offer"])
    assert 1 <= len(refusal.details) <= 3


def test_a_repeated_hold_is_the_same_hold_and_no_more_time(bot: Connection, riverside: Clinic) -> None:
    token = offer(bot, riverside)
    first, again = hold(bot, token), hold(bot, token)
    assert (again["reservation_id"], again["expires_at"]) == (first["reservation_id"], first["expires_at"])


def test_an_offer_is_spent_once_its_hold_has_ended(
    bot: Connection, superuser: Connection, riverside: Clinic
) -> None:
    token = offer(bot, riverside)
    expire_hold(superuser, hold(bot, token)["reservation_id"])
    with refused("reservation_expired"):
        hold(bot, token)


def test_an_offer_is_spent_once_it_is_booked(bot: Connection, riverside: Clinic) -> None:
    token = offer(bot, riverside)
    confirm(bot, hold(bot, token))
    with refused("reservation_expired"):
        hold(bot, token)


def test_an_offer_is_void_once_its_service_takes_another_time(
    bot: Connection, superuser: Connection, riverside: Clinic
) -> None:
    token = offer(bot, riverside)
    superuser.execute(
        "update clinic.appointment_types set duration = '45 minutes' where id = %s", [riverside.checkup]
    )
    with refused("reservation_expired"):
        hold(bot, token)


def test_an_offer_is_good_for_whom_it_was_made(
    bot: Connection, rival: Connection, foreign_bot: Connection, riverside: Clinic
) -> None:
    token = offer(bot, riverside)
    for stranger in (rival, foreign_bot):
        with refused("not_found"):
            hold(stranger, token)


def test_a_chatbot_is_a_stranger_to_another_clinic(foreign_bot: Connection, riverside: Clinic) -> None:
    token = offer(foreign_bot, riverside)
    with refused("not_found"):
        hold(foreign_bot, token)


def test_only_a_chatbot_may_hold_offers(actors: Actors, riverside: Clinic) -> None:
    for email in ("ana@patients.test", "desk@riverside.test", "admin@riverside.test"):
        person = actors.user(email)
        with refused("forbidden"):
            hold(person, offer(person, riverside))


def test_name_and_phone_may_follow(bot: Connection, riverside: Clinic) -> None:
    token = offer(bot, riverside)
    nameless = hold(bot, token, None, None)
    assert nameless["patient_name"] is None
    with refused("invalid_argument"):
        confirm(bot, nameless)
    assert hold(bot, token)["patient_name"] == NAME
    assert confirm(bot, nameless)["patient_name"] == NAME


HALVES = [
    (NAME, None),
    (None, PHONE),
    (" ", PHONE),
    (NAME, "call me"),
    (NAME, "12345"),
    (NAME, "1" * 41),
    ("x" * 201, PHONE),
    ("\u200b\u00a0", PHONE),
    ("Ada\x1b[31m", PHONE),
    ("Ada\nLovelace", PHONE),
    ("Ada \u202eecalevoL", PHONE),
    (NAME, f"{PHONE}\x1b[2J"),
    (NAME, "+1 x 212555"),
]


def test_half_a_person_is_refused(bot: Connection, riverside: Clinic, subtests: pytest.Subtests) -> None:
    token = offer(bot, riverside)
    for name, phone in HALVES:
        with subtests.test(name=name and name[:20], phone=phone), refused("invalid_argument"):
            hold(bot, token, name, phone)


def test_one_person_cannot_hoard(bot: Connection, riverside: Clinic) -> None:
    tokens = [one["offer"] for one in find(bot, riverside)["offers"]]
    hold(bot, tokens[0])
    hold(bot, tokens[1])
    with refused("reservation_limit"):
        hold(bot, tokens[2])
    assert hold(bot, tokens[2], "Somebody Else", "+1 212 555 0198")


def test_nobody_in_particular_cannot_hoard(bot: Connection, riverside: Clinic) -> None:
    tokens = [one["offer"] for one in find(bot, riverside)["offers"]]
    hold(bot, tokens[0], None, None)
    hold(bot, tokens[1], None, None)
    with refused("reservation_limit"):
        hold(bot, tokens[2], None, None)


def test_two_chatbots_race_and_one_wins(bot: Connection, rival: Connection, riverside: Clinic) -> None:
    for weekday in range(1, 6):
        tokens = [(one, offer(one, riverside, from_date=riverside.weekday(weekday))) for one in (bot, rival)]
        outcome = race([partial(hold, one, token, f"{NAME} {token}") for one, token in tokens])
        assert (len(outcome.won), outcome.refused) == (1, ["slot_taken"])


def test_one_token_sent_many_times_at_once_is_one_hold(
    bot: Connection, actors: Actors, riverside: Clinic
) -> None:
    token = offer(bot, riverside)
    callers = [actors.user("bot@riverside.test") for _ in range(6)]
    outcome = race([partial(hold, caller, token) for caller in callers])
    assert outcome.refused == []
    assert len({held["reservation_id"] for held in outcome.won}) == 1


def test_one_person_in_two_conversations_is_one_record(
    bot: Connection, superuser: Connection, actors: Actors, riverside: Clinic
) -> None:
    tokens = [offer(bot, riverside, dentist=str(who)) for who in (riverside.lee, riverside.other)]
    outcome = race([partial(hold, actors.user("bot@riverside.test"), token) for token in tokens])
    assert len(outcome.won) == 2
    count = superuser.execute("select count(*) from clinic.patients where full_name = %s", [NAME]).fetchone()
    assert count == {"count": 1}


def test_the_ordinary_doors_stay_shut(bot: Connection, riverside: Clinic) -> None:
    slot = {
        "dentist_id": riverside.lee,
        "appointment_type_id": riverside.checkup,
        "starts_at": riverside.at("09:00"),
    }
    held = hold(bot, offer(bot, riverside))
    with refused("forbidden"):
        call(bot, "reserve_slot", **slot)
    with refused("forbidden"):
        call(bot, "book_appointment", **slot)
    with refused("forbidden"):
        call(bot, "confirm_reservation", reservation_id=held["reservation_id"])
