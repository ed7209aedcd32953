"""`chairtime mcp`: the chatbot's tools, over the Model Context Protocol or as JSON."""

from __future__ import annotations

import asyncio
import secrets
from enum import StrEnum
from typing import Annotated, NamedTuple

import typer

from cli import output
from cli.errors import usage_error
from cli.project import find_project

app = typer.Typer()

HOST = "127.0.0.1"


class Address(NamedTuple):
    """Where HTTP is served, by which names it is reached, and the token that clients bring."""

    host: str
    port: int
    names: tuple[str, ...]
    token: str | None


class Style(StrEnum):
    """Whose tool format to print."""

    anthropic = "anthropic"
    google = "google"
    mcp = "mcp"
    openai = "openai"
    openai_chat = "openai-chat"


Email = Annotated[
    str | None, typer.Option("--email", envvar="CHAIRTIME_BOT_EMAIL", help="The chatbot's login.")
]
Password = Annotated[
    str | None,
    typer.Option("--password", envvar="CHAIRTIME_BOT_PASSWORD", help="Its password; better in the variable."),
]
ClinicSlug = Annotated[
    str | None,
    typer.Option("--clinic", envvar="CHAIRTIME_CLINIC", help="Which clinic, if the login serves several."),
]
Http = Annotated[bool, typer.Option("--http", help="Serve streamable HTTP instead of stdin and stdout.")]
Host = Annotated[str, typer.Option(help="Listen here for HTTP.")]
Port = Annotated[int, typer.Option(help="Listen on this port for HTTP.", min=1, max=65535)]
Names = Annotated[
    list[str] | None,
    typer.Option("--allowed-host", help="A Host header by which HTTP is reached too: bot.example.org."),
]
Token = Annotated[
    str | None,
    typer.Option(
        "--token",
        envvar="CHAIRTIME_MCP_TOKEN",
        help="What HTTP clients send as bearer token; better in the variable. Made up and printed if absent.",
    ),
]
PrintTools = Annotated[
    bool, typer.Option("--print-tools", help="Print the tools in the formats of model providers, and end.")
]
Provider = Annotated[Style | None, typer.Option(help="With --print-tools: only this one's format.")]


@app.command()
def mcp(
    *,
    email: Email = None,
    password: Password = None,
    clinic: ClinicSlug = None,
    http: Http = False,
    host: Host = HOST,
    port: Port = 8765,
    allowed_host: Names = None,
    token: Token = None,
    print_tools: PrintTools = False,
    provider: Provider = None,
) -> None:
    """Serve the chatbot's tools over MCP: find, hold, release, confirm, move and cancel.

    Acts with a chatbot's own login, which can book for people and see nothing but its own bookings.

    Example: [bold]CHAIRTIME_BOT_PASSWORD=chairtime-demo chairtime mcp --email bot@riverside.test[/]
    """
    if print_tools:
        from cli.mcp.formats import describe_tools

        output.emit(asyncio.run(describe_tools(provider and provider.value)))
    elif email and password:
        address = Address(host, port, tuple(allowed_host or ()), token) if http else None
        asyncio.run(_serve(email, password, clinic, address))
    else:
        raise usage_error(
            "a chatbot's login is needed", "Set CHAIRTIME_BOT_EMAIL and CHAIRTIME_BOT_PASSWORD."
        )


async def _serve(email: str, password: str, clinic: str | None, address: Address | None) -> None:
    from cli.mcp import http
    from cli.mcp.chatbot import open_chatbot
    from cli.mcp.server import make_server

    project = find_project()
    url, key = project.require("api_url"), project.require("publishable_key")
    async with open_chatbot(url, key, email, password, clinic) as chatbot:
        server = make_server(chatbot)
        if address is None:
            await server.run_stdio_async()
        else:
            token = address.token or _new_token()
            where = http.authority(address.host, address.port)
            output.note(f"The tools are served at http://{where}/mcp; Ctrl-C ends it.")
            await http.serve(server, token, address.host, address.port, address.names)


def _new_token() -> str:
    token = secrets.token_urlsafe(24)
    output.note(f"Clients send: Authorization: Bearer {token}")
    return token
