"""The whole conversation through the SDK's own client, over every transport, against the running stack."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from mcp import Client
from mcp.types import TextContent

from tests.chatbot.practice import (
    PERSON,
    Practice,
    fail,
    in_process,
    opened,
    over_http,
    over_http_in_a_session,
    over_stdio,
    use,
)
from tests.chatbot.test_confirm import INJECTIONS

Transport = Callable[[Practice], AbstractAsyncContextManager[Client]]
TRANSPORTS = [in_process, over_stdio, over_http, over_http_in_a_session]


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_three_calls_book_and_a_fourth_cancels(practice: Practice, transport: Transport) -> None:
    async with transport(practice) as client:
        found = await use(client, "find_slots", service="check up", dentist="lee")
        chosen = found["offers"][-1]
        held = await use(client, "hold_slot", offer=chosen["offer"], **PERSON)
        booked = await use(client, "confirm_booking", reservation_id=held["reservation_id"])
        assert booked["label"] == held["label"] == chosen["label"]
        assert booked["status"] == "booked"
        rows = practice.actors.superuser().execute(
            "select a.id::text, p.full_name, a.starts_at from clinic.appointments as a"
            " join clinic.patients as p on p.id = a.patient_id where a.clinic_id = %s",
            [practice.clinic.id],
        )
        assert rows.fetchall() == [
            {
                "id": booked["appointment_id"],
                "full_name": PERSON["patient_name"],
                "starts_at": datetime.fromisoformat(chosen["starts_at"]),
            }
        ]
        code, phone = booked["confirmation_code"], PERSON["patient_phone"]
        error = await fail(client, "cancel_booking", confirmation_code=code, patient_phone="+1 212 555 0000")
        assert error["code"] == "not_found"
        ended = await use(client, "cancel_booking", confirmation_code=code, patient_phone=phone)
        assert ended["status"] == "cancelled"


async def test_minds_are_changed(practice: Practice) -> None:
    async with in_process(practice) as client:
        found = await use(client, "find_slots", service="check up", dentist="lee")
        held = await use(client, "hold_slot", offer=found["offers"][0]["offer"], **PERSON)
        assert (await use(client, "release_hold", reservation_id=held["reservation_id"]))["released"] is True
        found = await use(client, "find_slots", service="check up", dentist="lee", max_results=5)
        first, second, *_ = found["offers"]
        held = await use(client, "hold_slot", offer=first["offer"], **PERSON)
        booked = await use(client, "confirm_booking", reservation_id=held["reservation_id"])
        pair = {"confirmation_code": booked["confirmation_code"], "patient_phone": PERSON["patient_phone"]}
        wrong = await fail(client, "move_booking", **pair | {"patient_phone": "0"}, offer=second["offer"])
        assert wrong["code"] == "not_found"
        moved = await use(client, "move_booking", **pair, offer=second["offer"])
        assert (moved["appointment_id"], moved["label"]) == (booked["appointment_id"], second["label"])
        assert (await use(client, "cancel_booking", **pair))["status"] == "cancelled"


async def test_the_text_of_a_result_is_its_json(practice: Practice) -> None:
    async with in_process(practice) as client:
        result = await client.call_tool("find_slots", {"service": "check-up"})
        assert isinstance(result.content[0], TextContent)
        assert json.loads(result.content[0].text) == result.structured_content


async def test_unknown_names_come_back_as_a_question(practice: Practice) -> None:
    async with in_process(practice) as client:
        answer = await use(client, "find_slots", service="astrology")
        assert answer["status"] == "choose_service"
        assert {one["name"] for one in answer["candidates"]} == set(practice.clinic.types)


async def test_errors_say_what_to_do_in_the_tools_own_words(practice: Practice) -> None:
    async with in_process(practice) as client:
        error = await fail(client, "hold_slot", offer="made-up", **PERSON)
        assert error["code"] == "not_found"
        assert "find_slots" in error["hint"]
        assert "chatbot_" not in error["hint"]


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("find_slots", {}),
        ("find_slots", {"service": "check-up", "from_date": "next tuesday"}),
        ("find_slots", {"service": "check-up", "part_of_day": "teatime"}),
        ("find_slots", {"service": "check-up", "max_results": 1000}),
        ("hold_slot", {"offer": "x"}),
        ("hold_slot", {"offer": "x", "patient_name": "A\x00B", "patient_phone": "+1 212 555 0199"}),
        ("hold_slot", {"offer": "x", "patient_name": "x" * 201, "patient_phone": "+1 212 555 0199"}),
        ("confirm_booking", {"reservation_id": "the one for nine o'clock"}),
        ("cancel_booking", {"confirmation_code": "", "patient_phone": ""}),
    ],
)
async def test_arguments_that_cannot_be_right_are_named(
    practice: Practice, tool: str, arguments: dict[str, object]
) -> None:
    async with in_process(practice) as client:
        assert (await fail(client, tool, **arguments))["code"] == "invalid_argument"


@pytest.mark.parametrize("name", [INJECTIONS["orders"], INJECTIONS["markup"], INJECTIONS["long"]])
async def test_names_travel_as_data(practice: Practice, name: str) -> None:
    async with in_process(practice) as client:
        found = await use(client, "find_slots", service="check-up")
        person = PERSON | {"patient_name": name}
        held = await use(client, "hold_slot", offer=found["offers"][0]["offer"], **person)
        booked = await use(client, "confirm_booking", reservation_id=held["reservation_id"])
        assert booked["patient_name"] == name.strip()


async def test_a_second_confirmation_is_the_same_booking(practice: Practice) -> None:
    async with in_process(practice) as client:
        found = await use(client, "find_slots", service="check-up")
        held = await use(client, "hold_slot", offer=found["offers"][0]["offer"], **PERSON)
        first = await use(client, "confirm_booking", reservation_id=held["reservation_id"])
        again = await use(client, "confirm_booking", reservation_id=held["reservation_id"])
        assert first["confirmation_code"] == again["confirmation_code"]


async def test_a_token_that_ran_out_is_renewed(practice: Practice) -> None:
    async with opened(practice) as chatbot:
        long_ago = datetime.now(UTC) - timedelta(days=1)
        claims = {"sub": str(practice.clinic.users["bot"]), "role": "authenticated", "exp": long_ago}
        expired = jwt.encode(claims, practice.stack.status["jwt_secret"], "HS256")
        chatbot._backend._client.postgrest.auth(expired)
        assert (await chatbot.find_slots(None, service="check-up"))["offers"]
