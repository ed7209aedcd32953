"""Who is where: the channels that joined each topic, and who is present in them."""

import logging
import uuid
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cli.local.realtime.protocol import Broadcast

if TYPE_CHECKING:
    from cli.local.realtime.channel import Channel
    from cli.local.realtime.connection import Connection
    from cli.local.realtime.database import Message

Metas = dict[str, dict[str, list[dict[str, Any]]]]  # {key: {"metas": [{"phx_ref": …, …}]}}

log = logging.getLogger(__name__)


@dataclass
class Room:
    """The channels that joined one topic, and what each of them says about itself."""

    channels: "set[Channel]" = field(default_factory=set)
    present: "dict[Channel, dict[str, Any]]" = field(default_factory=dict)

    def state(self) -> Metas:
        """Return everyone present, by presence key."""
        state: Metas = defaultdict(lambda: {"metas": []})
        for channel, meta in self.present.items():
            state[channel.config.presence_key]["metas"].append(meta)
        return state

    def track(self, channel: "Channel", payload: dict[str, Any]) -> None:
        """Say that the channel is present, or that what it says of itself has changed."""
        before = self.present.get(channel)
        meta = {**payload, "phx_ref": uuid.uuid4().hex[:16]}
        if before:
            meta["phx_ref_prev"] = before["phx_ref"]
        self.present[channel] = meta
        self._announce(channel.config.presence_key, joined=[meta], left=[before] if before else [])

    def untrack(self, channel: "Channel") -> None:
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


class Hub:
    """All connections of this server. A private and a public topic of the same name are two rooms."""

    def __init__(self) -> None:
        self.connections: set[Connection] = set()
        self._rooms: dict[tuple[str, bool], Room] = {}

    def room(self, topic: str, *, private: bool) -> Room:
        """Return the room of a topic (without its `realtime:` prefix), made when first asked for."""
        return self._rooms.setdefault((topic, private), Room())

    def leave(self, channel: "Channel") -> None:
        """Take a channel out of its room; the last one takes the room with it."""
        key = (channel.name, channel.config.private)
        if room := self._rooms.get(key):
            room.channels.discard(channel)
            room.untrack(channel)
            if not room.channels:
                del self._rooms[key]

    def publish(self, broadcast: Broadcast, *, private: bool, sender: "Channel | None" = None) -> None:
        """Hand a broadcast to everyone in its room, except the channel that sent it and does not want it."""
        room = self._rooms.get((broadcast.topic.removeprefix("realtime:"), private))
        for channel in self._listeners(room, sender):
            channel.deliver(broadcast)

    def publish_messages(self, messages: "list[Message]") -> None:
        """Hand on what the database committed."""
        for message in messages:
            self.publish(message.broadcast(), private=message.private)

    def disconnect_all(self, reason: str) -> None:
        """Close every connection: clients come back, join again and fetch what they missed."""
        if self.connections:
            log.warning("closing %d connections: %s", len(self.connections), reason)
        for connection in list(self.connections):
            connection.close(1012, reason)

    @staticmethod
    def _listeners(room: Room | None, sender: "Channel | None") -> "Iterator[Channel]":
        if room:
            skipped = sender if sender and not sender.config.self_broadcast else None
            yield from (channel for channel in list(room.channels) if channel is not skipped)
