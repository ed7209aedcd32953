"""Somebody else takes an offered time: the server notices, and the next result says so with a fresh offer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from mcp import Client

from cli.mcp.backend import Backend
from cli.mcp.chatbot import Chatbot
from cli.mcp.server import make_server
from cli.mcp.watcher import Watcher
from tests.chatbot.practice import PERSON, Practice, eventually, fail, opened, use
from tests.support.stacks import PASSWORD

WISH = {"service": "check-up", "dentist": "lee", "max_results": 3}


@asynccontextmanager
async def listening(practice: Practice) -> AsyncIterator[tuple[Chatbot, Client]]:
    """Yield a chatbot that hears its clinic's availability, and a client of its tools."""
    async with opened(practice) as chatbot, Client(make_server(chatbot)) as client:
        await chatbot.watcher.joined.wait()
        yield chatbot, client


async def take(practice: Practice, chatbot: Chatbot, offer: dict[str, Any]) -> None:
    """Let somebody else book an offered time, and wait until the chatbot has heard of it."""
    conversation = chatbot.conversations.of(f"offer:{offer['offer']}")
    conversation.doubtful.clear()
    practice.take(offer)
    await eventually(lambda: offer["offer"] in conversation.doubtful)


def fresh_offer(answer: dict[str, Any], lost: dict[str, Any], shown: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the one fresh offer that the answer's news brings for the one that was lost."""
    assert answer["news"]["taken"] == [lost["label"]]
    [fresh] = answer["news"]["fresh_offers"]
    assert fresh["label"] not in {one["label"] for one in shown}
    return dict(fresh)


async def test_holding_another_offer_brings_the_news(practice: Practice) -> None:
    async with listening(practice) as (chatbot, client):
        offers = (await use(client, "find_slots", **WISH))["offers"]
        await take(practice, chatbot, offers[0])
        held = await use(client, "hold_slot", offer=offers[1]["offer"], **PERSON)
        assert held["label"] == offers[1]["label"]
        fresh = fresh_offer(held, offers[0], offers)
        other = {"patient_name": "Another Caller", "patient_phone": "+1 212 555 0188"}
        assert (await use(client, "hold_slot", offer=fresh["offer"], **other))["label"] == fresh["label"]


async def test_asking_again_brings_the_news(practice: Practice) -> None:
    async with listening(practice) as (chatbot, client):
        offers = (await use(client, "find_slots", **WISH))["offers"]
        await take(practice, chatbot, offers[2])
        answer = await use(client, "find_slots", **WISH)
        assert answer["news"]["taken"] == [offers[2]["label"]]
        assert offers[2]["label"] not in {one["label"] for one in answer["offers"]}
        assert len(answer["offers"]) == 3


async def test_an_error_brings_the_news_too(practice: Practice) -> None:
    async with listening(practice) as (chatbot, client):
        offers = (await use(client, "find_slots", **WISH))["offers"]
        await take(practice, chatbot, offers[2])
        guess = {"confirmation_code": "ZZZZ-2345", "patient_phone": "+1 212 555 0000"}
        error = await fail(client, "cancel_booking", **guess)
        fresh_offer(error["details"], offers[2], offers)


async def test_a_refusal_brings_fresh_offers_beside_the_news(practice: Practice) -> None:
    async with listening(practice) as (chatbot, client):
        offers = (await use(client, "find_slots", **WISH))["offers"]
        await take(practice, chatbot, offers[0])
        await take(practice, chatbot, offers[1])
        chatbot.conversations.of(f"offer:{offers[0]['offer']}").doubtful.add(offers[0]["offer"])
        error = await fail(client, "hold_slot", offer=offers[1]["offer"], **PERSON)
        assert (error["code"], error["details"]["news"]["taken"]) == ("slot_taken", [offers[0]["label"]])
        assert len(error["details"]["fresh_offers"]) == 2


async def test_holding_the_lost_offer_brings_a_fresh_one(practice: Practice) -> None:
    async with listening(practice) as (chatbot, client):
        offers = (await use(client, "find_slots", **WISH))["offers"]
        await take(practice, chatbot, offers[0])
        error = await fail(client, "hold_slot", offer=offers[0]["offer"], **PERSON)
        assert error["code"] == "slot_taken"
        [fresh] = error["details"]["fresh_offers"]
        held = await use(client, "hold_slot", offer=fresh["offer"], **PERSON)
        assert held["label"] == fresh["label"]


async def test_news_is_told_once(practice: Practice) -> None:
    async with listening(practice) as (chatbot, client):
        offers = (await use(client, "find_slots", **WISH))["offers"]
        await take(practice, chatbot, offers[0])
        assert "news" in await use(client, "find_slots", **WISH)
        assert "news" not in await use(client, "find_slots", **WISH)


async def test_a_neighbour_whose_time_touches_nothing_is_no_news(practice: Practice) -> None:
    async with listening(practice) as (chatbot, client):
        wish = WISH | {"part_of_day": "morning", "from_date": practice.clinic.weekday(1).isoformat()}
        offers = (await use(client, "find_slots", **wish))["offers"]
        later = (await use(client, "find_slots", **wish | {"part_of_day": "afternoon"}))["offers"]
        offers = (await use(client, "find_slots", **wish))["offers"]
        practice.take(later[0])
        conversation = chatbot.conversations.of(f"offer:{offers[0]['offer']}")
        await eventually(lambda: conversation.doubtful)
        assert "news" not in await use(client, "find_slots", **wish)


async def test_ones_own_hold_is_no_news(practice: Practice) -> None:
    async with listening(practice) as (chatbot, client):
        offers = (await use(client, "find_slots", **WISH))["offers"]
        held = await use(client, "hold_slot", offer=offers[0]["offer"], **PERSON)
        chatbot.conversations.doubt()
        booked = await use(client, "confirm_booking", reservation_id=held["reservation_id"])
        assert "news" not in held
        assert "news" not in booked


async def test_what_was_missed_while_nobody_listened_is_found_at_the_join(practice: Practice) -> None:
    stack = practice.stack
    async with Backend.open(stack.api_url, stack.publishable_key, practice.email, PASSWORD) as backend:
        chatbot = Chatbot(backend, practice.clinic.slug)
        lost, *_ = (await chatbot.find_slots("session", **WISH))["offers"]
        practice.take(lost)
        clinic_id, doubt = str(practice.clinic.id), chatbot.conversations.doubt
        watcher = Watcher(stack.api_url, stack.publishable_key, clinic_id, doubt)
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(watcher.run())
            await watcher.joined.wait()
            assert (await chatbot.find_slots("session", **WISH))["news"]["taken"] == [lost["label"]]
            watching.cancel()


async def test_without_realtime_the_tools_work_all_the_same(practice: Practice) -> None:
    stack = practice.stack
    async with Backend.open(stack.api_url, stack.publishable_key, practice.email, PASSWORD) as backend:
        chatbot = Chatbot(backend, practice.clinic.slug)
        offers = (await chatbot.find_slots("session", **WISH))["offers"]
        assert (await chatbot.hold_slot("session", offers[0]["offer"], **PERSON))["reservation_id"]


async def test_conversations_do_not_hear_of_each_other(practice: Practice) -> None:
    async with opened(practice) as chatbot:
        await chatbot.watcher.joined.wait()
        mine = (await chatbot.find_slots("mine", **WISH))["offers"]
        await chatbot.find_slots("yours", **WISH | {"dentist": "other"})
        await take(practice, chatbot, mine[0])
        assert "news" not in await chatbot.find_slots("yours", **WISH)
        assert "news" in await chatbot.find_slots("mine", **WISH)
