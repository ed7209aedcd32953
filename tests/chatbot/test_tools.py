"""What a model reads: the tools' names, schemas and descriptions, in MCP and in the providers' formats."""

from __future__ import annotations

import json
import subprocess
from functools import cache
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from mcp import Client

from cli.mcp.formats import FORMATS
from cli.mcp.server import INSTRUCTIONS, make_server
from tests.chatbot.practice import Practice
from tests.support.stacks import CHAIRTIME, PASSWORD
from tests.support.templates import ROOT

TOOLS = [
    "find_slots", "hold_slot", "confirm_booking", "release_hold", "move_booking", "cancel_booking",
    "join_waitlist",
]  # fmt: skip
ENDS = {"release_hold", "move_booking", "cancel_booking"}
REQUIRED = {
    "find_slots": {"service"},
    "hold_slot": {"offer", "patient_name", "patient_phone"},
    "confirm_booking": {"reservation_id"},
    "release_hold": {"reservation_id"},
    "move_booking": {"confirmation_code", "patient_phone", "offer"},
    "cancel_booking": {"confirmation_code", "patient_phone"},
    "join_waitlist": {"service", "patient_name", "patient_phone"},
}


def chairtime(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [str(CHAIRTIME), "mcp", *arguments, "--workdir", str(ROOT)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=environment)


@cache
def printed(*arguments: str) -> Any:
    done = chairtime("--print-tools", *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


async def test_a_client_is_told_how_to_use_the_tools() -> None:
    async with Client(make_server(None)) as client:
        tools = (await client.list_tools()).tools
        assert client.instructions == INSTRUCTIONS
    assert [tool.name for tool in tools] == TOOLS
    for tool in tools:
        Draft202012Validator.check_schema(tool.input_schema)
        assert set(tool.input_schema["required"]) == REQUIRED[tool.name]
        assert tool.description
        assert all(about["description"] for about in tool.input_schema["properties"].values())
        assert tool.annotations is not None
        assert tool.annotations.read_only_hint is (tool.name == "find_slots")
        assert bool(tool.annotations.destructive_hint) is (tool.name in ENDS)


def test_all_formats_are_printed_at_once_or_one_alone() -> None:
    everything = printed()
    assert set(everything) == set(FORMATS)
    assert printed("--provider", "openai") == everything["openai"]


# Name and parameters of one tool, where each provider's API looks for them.
LOOK = {
    "anthropic": lambda tool: (tool["name"], tool["input_schema"]),
    "mcp": lambda tool: (tool["name"], tool["inputSchema"]),
    "openai": lambda tool: (tool["name"], tool["parameters"]),
    "openai-chat": lambda tool: (tool["function"]["name"], tool["function"]["parameters"]),
}


@pytest.mark.parametrize("provider", LOOK)
def test_a_provider_gets_valid_schemas(provider: str) -> None:
    seen = [LOOK[provider](tool) for tool in printed("--provider", provider)]
    assert [name for name, _ in seen] == TOOLS
    for name, schema in seen:
        Draft202012Validator.check_schema(schema)
        assert set(schema["required"]) == REQUIRED[name]
        assert "anyOf" not in json.dumps(schema)


def test_openai_functions_say_that_they_are() -> None:
    for provider in ("openai", "openai-chat"):
        assert {tool["type"] for tool in printed("--provider", provider)} == {"function"}


def test_google_gets_declarations_without_what_it_refuses() -> None:
    [tool] = printed("--provider", "google")
    assert [one["name"] for one in tool["functionDeclarations"]] == TOOLS
    assert "additionalProperties" not in json.dumps(tool)
    wait = tool["functionDeclarations"][-1]["parameters"]["properties"]
    assert wait["weekdays"]["items"]["type"] == "integer", "an array must say of what"


def refused(done: subprocess.CompletedProcess[str]) -> tuple[int, str]:
    return done.returncode, json.loads(done.stderr)["error"]["code"]


def test_no_login_is_bad_usage() -> None:
    assert refused(chairtime("--json")) == (2, "invalid_argument")


def test_a_wrong_password_ends_it_with_a_reason(practice: Practice) -> None:
    environment = practice.environment | {"CHAIRTIME_BOT_PASSWORD": "wrong"}
    assert refused(chairtime("--json", **environment)) == (4, "not_authenticated")


def test_only_a_chatbots_login_will_do(practice: Practice) -> None:
    environment = practice.environment | {"CHAIRTIME_BOT_EMAIL": "ana@patients.test"}
    assert refused(chairtime("--json", **environment)) == (4, "forbidden")
    elsewhere = {"CHAIRTIME_BOT_EMAIL": "bot@riverside.test", "CHAIRTIME_BOT_PASSWORD": PASSWORD}
    done = chairtime("--json", "--clinic", "sakura", **practice.environment | elsewhere)
    assert refused(done) == (4, "forbidden")


def test_a_stack_that_is_away_is_said() -> None:
    environment = {
        "SUPABASE_URL": "http://127.0.0.1:9",
        "SUPABASE_PUBLISHABLE_KEY": "sb_publishable_none",
        "CHAIRTIME_BOT_EMAIL": "bot@riverside.test",
        "CHAIRTIME_BOT_PASSWORD": PASSWORD,
    }
    assert refused(chairtime("--json", **environment)) == (3, "unreachable")
