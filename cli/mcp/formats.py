"""The same tools in the JSON formats of the major model providers, for agents that do not speak MCP."""

import inspect
from collections.abc import Callable
from typing import Any

from mcp.types import Tool

from cli.mcp.server import make_server

Schema = dict[str, Any]


async def describe_tools(style: str | None) -> dict[str, list[Schema]] | list[Schema]:
    """Return the tools as `style` wants them in a request; for None in all FORMATS, by name."""
    tools = await make_server(None).list_tools()
    return _described(tools, style) if style else {name: _described(tools, name) for name in FORMATS}


def _described(tools: list[Tool], style: str) -> list[Schema]:
    described = [
        FORMATS[style](tool.name, inspect.cleandoc(tool.description or ""), _plain(tool.input_schema))
        for tool in tools
    ]
    # Google takes one tool that declares many functions.
    return [{"functionDeclarations": described}] if style == "google" else described


def _openai(name: str, description: str, schema: Schema) -> Schema:
    about = {"name": name, "description": description, "parameters": schema}
    return {"type": "function", **about, "strict": False}


def _openai_chat(name: str, description: str, schema: Schema) -> Schema:
    about = {"name": name, "description": description, "parameters": schema}
    return {"type": "function", "function": about}


def _anthropic(name: str, description: str, schema: Schema) -> Schema:
    return {"name": name, "description": description, "input_schema": schema}


def _google(name: str, description: str, schema: Schema) -> Schema:
    return {"name": name, "description": description, "parameters": _for_google(schema)}


def _mcp(name: str, description: str, schema: Schema) -> Schema:
    return {"name": name, "description": description, "inputSchema": schema}


FORMATS: dict[str, Callable[[str, str, Schema], Schema]] = {
    "anthropic": _anthropic,
    "google": _google,
    "mcp": _mcp,
    "openai": _openai,
    "openai-chat": _openai_chat,
}


def _plain(schema: Schema) -> Schema:
    """Drop what says nothing to a model: titles, and `or null` of what may as well be left out."""
    properties = {name: _plain_property(about) for name, about in schema["properties"].items()}
    return {
        "type": "object",
        "properties": properties,
        "required": schema.get("required", []),
        "additionalProperties": False,
    }


def _plain_property(about: Schema) -> Schema:
    some = [one for one in about.get("anyOf", [{}]) if one.get("type") != "null"]
    merged = about | some[0]
    return {
        key: value
        for key, value in merged.items()
        if key not in {"anyOf", "title"} and not (key == "default" and value is None)
    }


def _for_google(schema: Schema) -> Schema:
    """Keep the part of OpenAPI that Google's function declarations accept."""
    known = {
        "type",
        "description",
        "enum",
        "minimum",
        "maximum",
        "pattern",
        "minLength",
        "maxLength",
        "items",
    }
    properties = {
        name: {key: value for key, value in about.items() if key in known}
        for name, about in schema["properties"].items()
    }
    return {"type": "object", "properties": properties, "required": schema["required"]}
