"""Broadcasts by HTTP: a batch of messages, or one message whose topic and event stand in the path."""

import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from cli.local.realtime.database import DatabaseUnavailable, Identity, PolicyError
from cli.local.realtime.protocol import Broadcast, is_name
from cli.local.realtime.services import Services
from cli.local.realtime.tokens import TokenError

Outgoing = tuple[Broadcast, bool]  # and whether it is private

log = logging.getLogger(__name__)


class InvalidMessages(ValueError):
    """The body is no batch of messages; the text says why."""


async def broadcast_batch(request: Request, services: Services) -> Response:
    """Answer `POST /api/broadcast` with 202, 401 or 422; what may not be sent is dropped in silence."""
    return await _answer(request, services, _parse_batch)


async def broadcast_one(request: Request, services: Services) -> Response:
    """Answer `POST /api/broadcast/{topic}/events/{event}`; the body is the payload, JSON or binary."""
    return await _answer(request, services, _parse_one)


async def _answer(
    request: Request, services: Services, parse: Callable[[Request, bytes, int], list[Outgoing]]
) -> Response:
    try:
        identity = Identity(services.tokens.claims(_token(request)), x_headers(request.headers))
    except TokenError as error:
        return JSONResponse({"message": error.message}, 401)
    try:
        outgoing = parse(request, await request.body(), services.max_payload)
        await _publish(services, identity, outgoing)
    except InvalidMessages as error:
        return JSONResponse({"errors": {"messages": [str(error)]}}, 422)
    except DatabaseUnavailable as error:
        return JSONResponse({"message": str(error)}, 503)
    return Response(status_code=202)


def _token(request: Request) -> str:
    """Return the bearer token, unless it is an API key: then, as without one, the `apikey` header decides."""
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    own = bearer if scheme.lower() == "bearer" else ""
    return own if own and not own.startswith("sb_") else request.headers.get("apikey", own)


def x_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that policies may read."""
    return {name: value for name, value in headers.items() if name.startswith("x-")}


async def _publish(services: Services, identity: Identity, outgoing: list[Outgoing]) -> None:
    private_topics = {broadcast.topic for broadcast, private in outgoing if private}
    permitted = {topic for topic in private_topics if await _may_send(services, identity, topic)}
    for broadcast, private in outgoing:
        if not private or broadcast.topic in permitted:
            services.hub.publish(broadcast, private=private)


async def _may_send(services: Services, identity: Identity, topic: str) -> bool:
    try:
        name = topic.removeprefix("realtime:")
        return bool(await services.database.writable(identity, name, ["broadcast"]))
    except PolicyError as error:
        log.warning("policy failed: %s", error)
        return False


def _parse_batch(_: Request, body: bytes, max_payload: int) -> list[Outgoing]:
    try:
        batch = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InvalidMessages("not JSON") from error
    messages = batch.get("messages") if isinstance(batch, dict) else None
    if not isinstance(messages, list) or not messages:
        raise InvalidMessages("can't be blank")
    return [_parse_message(message, max_payload) for message in messages]


def _parse_message(message: Any, max_payload: int) -> Outgoing:
    if not isinstance(message, dict) or not isinstance(message.get("payload"), dict):
        raise InvalidMessages(
            "a message is an object with topic, event and payload; the payload is an object"
        )
    private = message.get("private", False)
    if not isinstance(private, bool):
        raise InvalidMessages("private is a boolean")
    payload = json.dumps(message["payload"])
    return _outgoing(message.get("topic"), message.get("event"), payload, private, max_payload)


def _parse_one(request: Request, body: bytes, max_payload: int) -> list[Outgoing]:
    topic, event = request.path_params["topic"], request.path_params["event"]
    private = request.query_params.get("private") == "true"
    payload: str | bytes = body
    if request.headers.get("content-type", "").split(";")[0] != "application/octet-stream":
        try:
            payload = json.dumps(json.loads(body))
        except (ValueError, RecursionError) as error:
            raise InvalidMessages("the payload is not JSON") from error
    return [_outgoing(topic, event, payload, private, max_payload)]


def _outgoing(topic: Any, event: Any, payload: str | bytes, private: bool, max_payload: int) -> Outgoing:
    if not (isinstance(topic, str) and topic and is_name(f"realtime:{topic}")):
        raise InvalidMessages("topic is a string of 1 to 246 bytes")
    if not (isinstance(event, str) and event and is_name(event)):
        raise InvalidMessages("event is a string of 1 to 255 bytes")
    if len(payload) > max_payload:
        raise InvalidMessages(f"a payload has at most {max_payload} bytes")
    return Broadcast(f"realtime:{topic}", event, payload), private
