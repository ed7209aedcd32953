"""A clinic of one's own on the running stack, whose chatbot has a login, and the ways to reach its tools."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import httpx2
from mcp import Client, StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import CallToolResult

from cli.local.ports import free_port
from cli.mcp.chatbot import Chatbot, open_chatbot
from cli.mcp.server import make_server
from tests.support.actors import Actors, Connection, call
from tests.support.build import MadeClinic, make_clinic
from tests.support.stacks import CHAIRTIME, PASSWORD, Stack
from tests.support.templates import ROOT

PERSON = {"patient_name": "Casey Caller", "patient_phone": "+1 212 555 0199"}
TOKEN = "a token of the test's own"
PATIENCE = 30.0  # seconds that anything may take


@dataclass
class Practice:
    """The clinic, its chatbot's email, and a database connection that passes every policy."""

    stack: Stack
    actors: Actors
    clinic: MadeClinic
    email: str

    @property
    def environment(self) -> dict[str, str]:
        """What `chairtime mcp` has to know."""
        return {
            "PATH": os.environ["PATH"],
            "SUPABASE_URL": self.stack.api_url,
            "SUPABASE_PUBLISHABLE_KEY": self.stack.publishable_key,
            "CHAIRTIME_BOT_EMAIL": self.email,
            "CHAIRTIME_BOT_PASSWORD": PASSWORD,
        }

    def take(self, offer: dict[str, Any]) -> None:
        """Let somebody else, the clinic's desk, book an offered time."""
        desk = self.actors.user(f"{self.clinic.users['desk']}@made.test")
        patient = call(desk, "create_patient", clinic_id=self.clinic.id, full_name="Somebody Else")
        slot = {
            "dentist_id": self.clinic.dentists[offer["dentist"].lower()],
            "appointment_type_id": self.clinic.types[offer["service"]],
            "starts_at": datetime.fromisoformat(offer["starts_at"]),
        }
        call(desk, "book_appointment", patient_id=patient["id"], **slot)


def make_practice(stack: Stack, actors: Actors) -> Practice:
    """Make a clinic on the stack whose chatbot signs in with the seed's password."""
    superuser: Connection = actors.superuser()
    clinic = make_clinic(superuser)
    # No offer comes so soon that it could pass by while one talks: the first are of the day after tomorrow.
    superuser.execute(
        "update clinic.clinics set min_notice ="
        " ((clock_timestamp() at time zone time_zone)::date + 2)::timestamp at time zone time_zone"
        " - clock_timestamp() where id = %s",
        [clinic.id],
    )
    superuser.execute(
        "update auth.users as u"
        " set encrypted_password = s.encrypted_password, email_confirmed_at = s.email_confirmed_at"
        " from auth.users as s where s.email = 'bot@riverside.test' and u.id = %s",
        [clinic.users["bot"]],
    )
    return Practice(stack, actors, clinic, f"{clinic.users['bot']}@made.test")


@asynccontextmanager
async def opened(practice: Practice) -> AsyncIterator[Chatbot]:
    """Yield the practice's chatbot, signed in and listening."""
    stack = practice.stack
    async with open_chatbot(stack.api_url, stack.publishable_key, practice.email, PASSWORD) as chatbot:
        yield chatbot


@asynccontextmanager
async def in_process(practice: Practice) -> AsyncIterator[Client]:
    """Reach the tools without a transport between."""
    async with opened(practice) as chatbot, Client(make_server(chatbot)) as client:
        yield client


@asynccontextmanager
async def over_stdio(practice: Practice) -> AsyncIterator[Client]:
    """Reach the tools as desktop agents do: a child process, its stdin and stdout."""
    arguments = ["mcp", "--workdir", str(ROOT)]
    server = StdioServerParameters(command=str(CHAIRTIME), args=arguments, env=practice.environment)
    async with Client(stdio_client(server)) as client:
        yield client


@asynccontextmanager
async def http_server(practice: Practice) -> AsyncIterator[str]:
    """Yield the URL of the tools, served over streamable HTTP by a process of their own."""
    port = free_port()
    arguments = ["mcp", "--http", "--port", str(port), "--workdir", str(ROOT)]
    environment = practice.environment | {"CHAIRTIME_MCP_TOKEN": TOKEN}
    process = await asyncio.create_subprocess_exec(CHAIRTIME, *arguments, env=environment)
    try:
        await eventually(lambda: _listens(port))
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.terminate()
        await process.wait()


@asynccontextmanager
async def over_http(practice: Practice) -> AsyncIterator[Client]:
    """Reach the tools over streamable HTTP, one request after another and no session."""
    async with _over_http(practice, "auto") as client:
        yield client


@asynccontextmanager
async def over_http_in_a_session(practice: Practice) -> AsyncIterator[Client]:
    """Reach the tools over streamable HTTP as clients did before 2026: with a session."""
    async with _over_http(practice, "legacy") as client:
        yield client


@asynccontextmanager
async def _over_http(practice: Practice, mode: Literal["auto", "legacy"]) -> AsyncIterator[Client]:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with (
        http_server(practice) as url,
        httpx2.AsyncClient(headers=headers, trust_env=False) as http,
        Client(streamable_http_client(url, http_client=http), mode=mode) as client,
    ):
        yield client


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True


async def eventually(condition: Callable[[], Any]) -> None:
    """Wait until the condition holds; it may be a coroutine function."""
    async with asyncio.timeout(PATIENCE):
        while True:
            held = condition()
            if await held if asyncio.iscoroutine(held) else held:
                return
            await asyncio.sleep(0.02)


async def use(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """Call a tool that succeeds, and return its answer."""
    result = await client.call_tool(tool, arguments)
    assert isinstance(result, CallToolResult)
    assert not result.is_error, result
    answer: dict[str, Any] = result.structured_content
    return answer


async def fail(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """Call a tool that fails, and return its error: code, message, hint, details."""
    result = await client.call_tool(tool, arguments)
    assert isinstance(result, CallToolResult)
    assert result.is_error, result
    error: dict[str, Any] = result.structured_content["error"]
    assert error["message"], error
    assert error["hint"], error
    return error
