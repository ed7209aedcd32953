"""Visits that take a chair, and ten minutes of somebody: held, booked, moved and freed whole."""

from __future__ import annotations

from typing import Any

from mcp import Client

from cli.mcp.server import make_server
from tests.chatbot.practice import PERSON, Practice, eventually, fail, opened, use
from tests.chatbot.talk import cancel, confirm, find, hold, move
from tests.support.actors import Connection, call
from tests.support.clinics import Clinic

CLEANING = {"service": "cleaning", "dentist": None}


def claims(superuser: Connection, identifier: str) -> list[tuple[str, Any]]:
    """Return the causes and the starts of what a visit has claimed, part by part."""
    query = "select cause, lower(during) as starts_at from clinic.occupancy where id = %s order by part"
    return [(row["cause"], row["starts_at"]) for row in superuser.execute(query, [identifier])]


def test_a_visit_of_parts_is_held_booked_moved_and_cancelled_whole(
    bot: Connection, superuser: Connection, riverside: Clinic
) -> None:
    first = find(bot, riverside, **CLEANING, part_of_day="morning")["offers"][0]
    assert first["dentist"] == "Hannah Cole"
    held = hold(bot, first["offer"])
    parts = claims(superuser, held["reservation_id"])
    assert [cause for cause, _ in parts] == ["hold"] * 3, "the hygienist, a chair, a dentist for the exam"
    booked = confirm(bot, held)
    assert claims(superuser, booked["appointment_id"]) == [("appointment", start) for _, start in parts]
    later = find(bot, riverside, **CLEANING, part_of_day="afternoon")["offers"][0]
    moved = move(bot, booked["confirmation_code"], later["offer"])
    after = claims(superuser, moved["appointment_id"])
    assert [start for _, start in after] > [start for _, start in parts]
    assert len({start - before for (_, start), (_, before) in zip(after, parts, strict=True)}) == 1
    assert cancel(bot, booked["confirmation_code"])["cancelled"] is True
    assert claims(superuser, booked["appointment_id"]) == []


def give_chair(practice: Practice) -> None:
    """Let the practice's check-ups take the only chair it has."""
    admin = practice.actors.user(f"{practice.clinic.users['admin']}@made.test")
    call(admin, "create_resource", clinic_id=practice.clinic.id, name="Chair", kind="chair")
    call(admin, "set_visit_parts", appointment_type_id=practice.clinic.checkup, parts=[{"needs": "chair"}])


async def test_the_last_chair_that_somebody_else_takes_is_news(practice: Practice) -> None:
    give_chair(practice)
    wish = {"service": "check-up", "dentist": "lee", "max_results": 2}
    async with opened(practice) as chatbot, Client(make_server(chatbot)) as client:
        await chatbot.watcher.joined.wait()
        lost, kept = (await use(client, "find_slots", **wish))["offers"]
        conversation = chatbot.conversations.of(f"offer:{lost['offer']}")
        conversation.doubtful.clear()
        practice.take(lost | {"dentist": "Other"})
        await eventually(lambda: conversation.doubtful)
        held = await use(client, "hold_slot", offer=kept["offer"], **PERSON)
        assert held["news"]["taken"] == [lost["label"]]


async def test_a_day_that_is_full_brings_offers_of_another(practice: Practice) -> None:
    admin = practice.actors.user(f"{practice.clinic.users['admin']}@made.test")
    call(admin, "update_appointment_type", appointment_type_id=practice.clinic.checkup, max_per_day=1)
    day = practice.clinic.weekday(1).isoformat()
    wish = {"service": "check-up", "dentist": "lee", "from_date": day, "max_results": 2}
    async with opened(practice) as chatbot, Client(make_server(chatbot)) as client:
        first, second = (await use(client, "find_slots", **wish))["offers"]
        practice.take(first)
        error = await fail(client, "hold_slot", offer=second["offer"], **PERSON)
        assert error["code"] == "day_full"
        assert {one["local_date"] for one in error["details"]["fresh_offers"]} - {day}


async def test_what_is_no_longer_for_everybody_is_told_with_what_to_do(practice: Practice) -> None:
    admin = practice.actors.user(f"{practice.clinic.users['admin']}@made.test")
    async with opened(practice) as chatbot, Client(make_server(chatbot)) as client:
        offer, *_ = (await use(client, "find_slots", service="check-up"))["offers"]
        call(admin, "update_appointment_type", appointment_type_id=practice.clinic.checkup, audience="staff")
        error = await fail(client, "hold_slot", offer=offer["offer"], **PERSON)
        assert error["code"] == "not_offered"
        assert "call the clinic" in error["hint"]


async def test_who_has_enough_ahead_is_told_to_call(practice: Practice) -> None:
    admin = practice.actors.user(f"{practice.clinic.users['admin']}@made.test")
    call(admin, "update_clinic_policy", clinic_id=practice.clinic.id, max_upcoming=1)
    async with opened(practice) as chatbot, Client(make_server(chatbot)) as client:
        first, second, *_ = (await use(client, "find_slots", service="check-up"))["offers"]
        held = await use(client, "hold_slot", offer=first["offer"], **PERSON)
        await use(client, "confirm_booking", reservation_id=held["reservation_id"])
        error = await fail(client, "hold_slot", offer=second["offer"], **PERSON)
        assert error["code"] == "booking_limit"
        assert "Call the clinic" in error["hint"]
