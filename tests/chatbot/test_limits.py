"""What one login may take within a while: holds, offers, bookings. And nobody else pays for it."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from tests.chatbot.talk import NAME, book, confirm, find, hold, offer
from tests.support.actors import Actors, Connection, call
from tests.support.clinics import Clinic
from tests.support.races import race
from tests.support.refusals import refused
from tests.support.slots import expire_hold, reserve


def permit(actors: Actors, clinic: Clinic, **limits: Any) -> None:
    """Let the clinic's admin set its policy."""
    call(actors.user("admin@riverside.test"), "update_clinic_policy", clinic_id=clinic.id, **limits)


def an_hour_later(superuser: Connection) -> None:
    """Let an hour pass for holds, and a quarter of one for offers."""
    superuser.execute("update clinic.slot_reservations set created_at = created_at - interval '1 hour'")
    superuser.execute("update clinic.slot_offers set expires_at = expires_at - interval '1 hour'")


def test_holding_again_what_ran_out_ends_within_an_hour(
    actors: Actors, ana: Connection, superuser: Connection, riverside: Clinic
) -> None:
    permit(actors, riverside, max_holds_per_hour=3)
    start = riverside.at("09:00")
    for _ in range(3):
        expire_hold(superuser, reserve(ana, riverside, start)["id"])
    with refused("reservation_limit") as refusal:
        reserve(ana, riverside, start)
    assert "hour" in refusal.message
    an_hour_later(superuser)
    assert reserve(ana, riverside, start)


def test_giving_back_does_not_make_room_and_booking_does(
    actors: Actors, ana: Connection, riverside: Clinic
) -> None:
    permit(actors, riverside, max_holds_per_hour=2)
    booked = reserve(ana, riverside, riverside.at("09:00"))
    call(ana, "confirm_reservation", reservation_id=booked["id"])
    for time in ("10:00", "11:00"):
        call(ana, "release_reservation", reservation_id=reserve(ana, riverside, riverside.at(time))["id"])
    with refused("reservation_limit"):
        reserve(ana, riverside, riverside.at("13:00"))


def test_what_one_has_held_already_is_still_ones_own(
    actors: Actors, ana: Connection, riverside: Clinic
) -> None:
    permit(actors, riverside, max_holds_per_hour=1)
    held = reserve(ana, riverside, riverside.at("09:00"))
    assert reserve(ana, riverside, riverside.at("09:00"))["id"] == held["id"]
    assert call(ana, "confirm_reservation", reservation_id=held["id"])["status"] == "booked"


def test_nobody_pays_for_another_login_or_another_clinic(
    actors: Actors, ana: Connection, desk: Connection, riverside: Clinic, sakura: Clinic
) -> None:
    permit(actors, riverside, max_holds_per_hour=1)
    reserve(ana, riverside, riverside.at("09:00"))
    with refused("reservation_limit"):
        reserve(ana, riverside, riverside.at("10:00"))
    assert reserve(actors.user("ben@patients.test"), riverside, riverside.at("10:00"))
    assert reserve(ana, sakura, sakura.at("10:00"))
    for time in ("13:00", "14:00", "15:00"):
        assert reserve(desk, riverside, riverside.at(time)), "staff hold for many"
    assert call(ana, "book_appointment", **slot(riverside, "11:00"))["status"] == "booked"


def slot(clinic: Clinic, time: str) -> dict[str, Any]:
    return {"dentist_id": clinic.lee, "appointment_type_id": clinic.checkup, "starts_at": clinic.at(time)}


def test_a_chatbot_books_so_many_within_an_hour(
    actors: Actors, bot: Connection, rival: Connection, superuser: Connection, riverside: Clinic
) -> None:
    permit(actors, riverside, max_chatbot_bookings_per_hour=3)
    for number in range(3):
        book(bot, riverside, f"Invented {number}", f"+1 212 555 1{number:03}")
    with refused("booking_limit"):
        book(bot, riverside, "Invented 4", "+1 212 555 1004")
    assert book(rival, riverside)["status"] == "booked", "another chatbot goes on"
    an_hour_later(superuser)
    assert book(bot, riverside)["status"] == "booked"


def test_a_chatbots_holds_that_run_out_count_too_and_its_live_one_is_a_promise(
    actors: Actors, bot: Connection, superuser: Connection, riverside: Clinic
) -> None:
    permit(actors, riverside, max_chatbot_bookings_per_hour=2)
    expire_hold(superuser, hold(bot, offer(bot, riverside))["reservation_id"])
    live = hold(bot, offer(bot, riverside))
    with refused("booking_limit"):
        hold(bot, offer(bot, riverside), "Somebody Else", "+1 212 555 0198")
    assert confirm(bot, live)["status"] == "booked"


def test_a_burst_does_not_outrun_the_limit(actors: Actors, bot: Connection, riverside: Clinic) -> None:
    permit(actors, riverside, max_chatbot_bookings_per_hour=2)
    offers = [
        one["offer"]
        for dentist in (riverside.lee, riverside.other)
        for one in find(bot, riverside, dentist=str(dentist), max_results=5)["offers"]
    ]
    callers = [actors.user("bot@riverside.test") for _ in offers]
    outcome = race(
        [
            partial(hold, one, token, f"{NAME} {n}")
            for n, (one, token) in enumerate(zip(callers, offers, strict=True))
        ]
    )
    assert len(outcome.won) == 2
    assert set(outcome.refused) == {"booking_limit"}


def test_a_name_that_follows_is_no_second_hold(actors: Actors, bot: Connection, riverside: Clinic) -> None:
    permit(actors, riverside, max_chatbot_bookings_per_hour=1)
    token = offer(bot, riverside)
    hold(bot, token, None, None)
    assert confirm(bot, hold(bot, token))["patient_name"] == NAME


@pytest.mark.parametrize("who", ["bot@riverside.test", "ana@patients.test"])
def test_offers_are_limited_until_they_end(
    actors: Actors, superuser: Connection, riverside: Clinic, who: str
) -> None:
    permit(actors, riverside, max_offers=25)
    caller = actors.user(who)
    for _ in range(2):
        find(caller, riverside, max_results=10)
    with refused("reservation_limit"):
        find(caller, riverside, max_results=10)
    assert len(find(caller, riverside, max_results=5)["offers"]) == 5
    stored = superuser.execute("select count(*) from clinic.slot_offers").fetchone()
    assert stored == {"count": 25}
    assert find(actors.user("bot@sakura.test"), riverside, max_results=10)["offers"], "others go on"
    an_hour_later(superuser)
    assert find(caller, riverside, max_results=10)["offers"]


def test_one_chatbots_holds_do_not_keep_a_person_from_another(
    bot: Connection, rival: Connection, riverside: Clinic
) -> None:
    for token in [one["offer"] for one in find(bot, riverside)["offers"]][:2]:
        hold(bot, token)
    assert hold(rival, offer(rival, riverside))["patient_name"] == NAME


def test_nobody_honest_meets_the_limits(actors: Actors, riverside: Clinic) -> None:
    row = actors.anon().execute("select * from api.clinics where id = %s", [riverside.id]).fetchone()
    assert row is not None
    limits = (row["max_holds_per_hour"], row["max_chatbot_bookings_per_hour"], row["max_offers"])
    assert limits == (30, 60, 300)
