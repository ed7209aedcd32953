"""Who is where: the channels that joined each topic, and who is present in them."""

import logging
import time
import uuid
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from cli.local.realtime.config import Config
from cli.local.realtime.database import Message
from cli.local.realtime.protocol import Broadcast

Metas = dict[str, dict[str, list[dict[str, Any]]]]  # {key: {"metas": [{"phx_ref": …, …}]}}

log = logging.getLogger(__name__)


class Member(Protocol):
    """A channel, as far as it concerns the others in its room."""

    config: Config
    name: str

    def deliver(self, broadcast: Broadcast) -> None:
        """Send a broadcast to its client."""

    def push_presence(self, event: str, payload: Any) -> None:
        """Send its client who is present."""

    def shut(self, message: str) -> None:
        """Close it, and say why."""


class Socket(Protocol):
    """A connection, as far as it can be closed."""

    def close(self, code: int, reason: str) -> None:
        """Close it, and say why."""


@dataclass
class Room:
    """The channels that joined one topic, and what each of them says about itself."""

    channels: set[Member] = field(default_factory=set)
    present: dict[Member, dict[str, Any]] = field(default_factory=dict)

    def state(self) -> Metas:
        """Return everyone present, by presence key."""
        state: Metas = defaultdict(lambda: {"metas": []})
        for channel, meta in self.present.items():
            state[channel.config.presence_key]["metas"].append(meta)
        return state

    def track(self, channel: Member, payload: dict[str, Any]) -> None:
        """Say that the channel is present, or that what it says of itself has changed."""
        before = self.present.get(channel)
        meta = {**payload, "phx_ref": uuid.uuid4().hex[:16]}
        if before:
            meta["phx_ref_prev"] = before["phx_ref"]
        self.present[channel] = meta
        self._announce(channel.config.presence_key, joined=[meta], left=[before] if before else [])

    def untrack(self, channel: Member) -> None:
        """Say that the channel is no longer present, if it was."""
        if meta := self.present.pop(channel, None):
            self._announce(channel.config.presence_key, joined=[], left=[meta])

    def _announce(self, key: str, *, joined: list[dict[str, Any]], left: list[dict[str, Any]]) -> None:
        diff = {
            "joins": {key: {"metas": joined}} if joined else {},
            "leaves": {key: {"metas": left}} if left else {},
        }
        for channel in list(self.channels):
            channel.push_presence("presence_diff", diff)


class Rate:
    """How many messages there were in the last second."""

    def __init__(self, limit: int | None) -> None:
        self._limit = limit
        self._second = 0
        self._count = 0

    def exceeded_by(self, messages: int) -> bool:
        """Count messages; tell whether that was more than the limit permits."""
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._count = second, 0
        self._count += messages
        return self._limit is not None and self._count > self._limit


class Hub:
    """All connections of this server. A private and a public topic of the same name are two rooms."""

    def __init__(self, max_messages: int | None = None, replication_delay: float = 0) -> None:
        self.connections: set[Socket] = set()
        self._rooms: dict[tuple[str, bool], Room] = {}
        self._rate = Rate(max_messages)
        self._replication_delay = replication_delay
        self._heard_from = 0.0

    @property
    def rooms(self) -> int:
        """How many topics somebody has joined."""
        return len(self._rooms)

    def enter(self, channel: Member) -> None:
        """Put a channel into its room. The first of all makes the server begin to hear the database."""
        if not self._rooms:
            self._heard_from = time.monotonic() + self._replication_delay
        self.room(channel.name, private=channel.config.private).channels.add(channel)

    def seconds_until_heard(self) -> float:
        """Return how long what the database commits still comes to nobody."""
        return max(0.0, self._heard_from - time.monotonic())

    def room(self, topic: str, *, private: bool) -> Room:
        """Return the room of a topic (without its `realtime:` prefix), made when first asked for."""
        return self._rooms.setdefault((topic, private), Room())

    def leave(self, channel: Member) -> None:
        """Take a channel out of its room; the last one takes the room with it."""
        key = (channel.name, channel.config.private)
        if room := self._rooms.get(key):
            room.channels.discard(channel)
            room.untrack(channel)
            if not room.channels:
                del self._rooms[key]

    def publish(self, broadcast: Broadcast, *, private: bool, sender: Member | None = None) -> None:
        """Hand a broadcast to everyone in its room, except the channel that sent it and does not want it."""
        room = self._rooms.get((broadcast.topic.removeprefix("realtime:"), private))
        listeners = list(self._listeners(room, sender))
        if self._rate.exceeded_by(1 + len(listeners)):
            for channel in listeners:
                channel.shut("Too many messages per second")
            return
        for channel in listeners:
            channel.deliver(broadcast)

    def publish_messages(self, messages: list[Message]) -> None:
        """Hand on what the database committed, once it is heard."""
        if self.seconds_until_heard():
            return
        for message in messages:
            self.publish(message.broadcast(), private=message.private)

    def disconnect_all(self, reason: str) -> None:
        """Close every connection: clients come back, join again and fetch what they missed."""
        if self.connections:
            log.warning("closing %d connections: %s", len(self.connections), reason)
        for connection in list(self.connections):
            connection.close(1012, reason)

    @staticmethod
    def _listeners(room: Room | None, sender: Member | None) -> Iterator[Member]:
        if room:
            skipped = sender if sender and not sender.config.self_broadcast else None
            yield from (channel for channel in list(room.channels) if channel is not skipped)
