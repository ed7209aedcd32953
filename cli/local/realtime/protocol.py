"""Frames of the Phoenix socket protocol, in the two versions that Supabase clients speak.

Version 1.0.0 (Python) frames are JSON objects. Version 2.0.0 (JavaScript) frames are JSON arrays, and
broadcasts travel in both directions as binary frames.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from itertools import accumulate, pairwise
from typing import Any

PUSH, BROADCAST = 3, 4  # kinds of binary frames: client to server, server to client
BINARY_PAYLOAD, JSON_PAYLOAD = 0, 1
MAX_NAME = 255  # bytes of a topic or an event: their lengths are one byte each


class Vsn(StrEnum):
    """A version of the wire protocol, as the client names it in the query string."""

    V1 = "1.0.0"
    V2 = "2.0.0"


class FrameError(ValueError):
    """What the client sent is no frame of this protocol."""


@dataclass(frozen=True)
class Broadcast:
    """A broadcast on its way to many sockets: each version's frame is encoded once, however many receive it.

    `payload` is JSON text, or bytes for a binary payload; `topic` carries its `realtime:` prefix.
    """

    topic: str
    event: str
    payload: str | bytes
    id: str | None = None  # of the row in realtime.messages, for what came from the database
    replayed: bool = False

    @classmethod
    def of(cls, topic: str, event: Any, payload: Any) -> "Broadcast | None":
        """Make one of parsed JSON, or None if that names no event."""
        return cls(topic, event, json.dumps(payload)) if isinstance(event, str) and is_name(event) else None

    def frame(self, vsn: Vsn) -> str | bytes | None:
        """Return the frame for one version, or None if that version cannot carry this payload."""
        return self._v1 if vsn is Vsn.V1 else self._v2

    @property
    def _meta(self) -> dict[str, Any]:
        replayed = {"replayed": True} if self.replayed else {}
        return {"id": self.id, **replayed} if self.id else {}

    @cached_property
    def _v1(self) -> str | None:
        if not isinstance(self.payload, str) or not self.payload.lstrip().startswith("{"):
            return None
        meta = f',"meta":{json.dumps(self._meta)}' if self._meta else ""
        return (
            f'{{"topic":{json.dumps(self.topic)},"event":"broadcast","ref":null,"payload":{{'
            f'"event":{json.dumps(self.event)},"type":"broadcast","payload":{self.payload}{meta}}}}}'
        )

    @cached_property
    def _v2(self) -> bytes | None:
        encoding = JSON_PAYLOAD if isinstance(self.payload, str) else BINARY_PAYLOAD
        payload = self.payload.encode() if isinstance(self.payload, str) else self.payload
        meta = json.dumps(self._meta).encode() if self._meta else b""
        names = [self.topic.encode(), self.event.encode(), meta]
        if any(len(name) > MAX_NAME for name in names):
            return None
        return bytes([BROADCAST, *map(len, names), encoding]) + b"".join(names) + payload


@dataclass(frozen=True, slots=True)
class Frame:
    """One message of the protocol. A binary broadcast arrives with its `payload` already a `Broadcast`."""

    topic: str
    event: str
    payload: Any
    ref: str | None = None
    join_ref: str | None = None

    def encode(self, vsn: Vsn) -> str:
        """Return the text frame. Version 1 clients refuse any key beyond these four."""
        if vsn is Vsn.V1:
            return json.dumps(
                {"topic": self.topic, "event": self.event, "payload": self.payload, "ref": self.ref}
            )
        return json.dumps([self.join_ref, self.ref, self.topic, self.event, self.payload])

    def reply(self, status: str, response: Mapping[str, Any]) -> "Frame":
        """Return the reply to this frame; `status` is "ok" or "error"."""
        payload = {"status": status, "response": response}
        return Frame(self.topic, "phx_reply", payload, self.ref, self.join_ref)


def decode(vsn: Vsn, data: str | bytes) -> Frame:
    """Parse what a client sent. Raises FrameError."""
    if isinstance(data, bytes):
        return _decode_push(vsn, data)
    try:
        message = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise FrameError("not JSON") from error
    return _checked(_from_object(message) if vsn is Vsn.V1 else _from_array(message))


def _from_object(message: Any) -> Frame:
    match message:
        case {"topic": topic, "event": event, "payload": payload}:
            return Frame(topic, event, payload, message.get("ref"), message.get("join_ref"))
    raise FrameError("a version 1 frame is an object with topic, event and payload")


def _from_array(message: Any) -> Frame:
    match message:
        case [join_ref, ref, topic, event, payload, *_]:
            return Frame(topic, event, payload, ref, join_ref)
    raise FrameError("a version 2 frame is an array of five")


def _checked(frame: Frame) -> Frame:
    if not isinstance(frame.topic, str) or not isinstance(frame.event, str):
        raise FrameError("topic and event are strings")
    if not isinstance(frame.payload, dict | Broadcast):
        raise FrameError("the payload is an object")
    if not all(ref is None or isinstance(ref, str) for ref in (frame.ref, frame.join_ref)):
        raise FrameError("refs are strings")
    if not is_name(frame.topic):
        raise FrameError("the topic is too long, or not text")
    return frame


def is_name(text: str) -> bool:
    """Tell whether the text can name a topic or an event: at most 255 bytes of UTF-8, without NUL."""
    try:
        return "\0" not in text and len(text.encode()) <= MAX_NAME
    except UnicodeEncodeError:  # JSON can spell half a surrogate pair
        return False


def _decode_push(vsn: Vsn, data: bytes) -> Frame:
    """Parse a binary push: kind, five lengths, encoding; join_ref, ref, topic, event, metadata; payload."""
    if vsn is Vsn.V1 or len(data) < 7 or data[0] != PUSH:  # noqa: PLR2004 the header's length
        raise FrameError("not a broadcast push")
    ends = list(accumulate(data[1:6], initial=7))
    if ends[-1] > len(data):
        raise FrameError("the frame is shorter than its header says")
    try:
        join_ref, ref, topic, event, _ = (data[start:end].decode() for start, end in pairwise(ends))
        payload = _json_text(data[ends[-1] :]) if data[6] == JSON_PAYLOAD else data[ends[-1] :]
    except (ValueError, RecursionError) as error:
        raise FrameError("not UTF-8, or not JSON") from error
    return _checked(
        Frame(topic, "broadcast", Broadcast(topic, event, payload), ref or None, join_ref or None)
    )


def _json_text(data: bytes) -> str:
    """Return the text if it is JSON: version 1 receivers get it inside a JSON frame. Raises ValueError."""
    json.loads(data)
    return data.decode()
