"""One channel: a client's membership in one topic, from its join to its leave."""

import asyncio
import logging
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

from cli.local.realtime.config import Config
from cli.local.realtime.database import DatabaseUnavailable, Identity, PolicyError
from cli.local.realtime.hub import Room
from cli.local.realtime.protocol import Broadcast, Frame, Vsn
from cli.local.realtime.services import Services
from cli.local.realtime.tokens import Claims, TokenError, require_unexpired

EXPIRY_CHECK = 300  # seconds at most between two looks at a token's expiry
MAX_REPLAY = 25
MAX_REPLAY_SINCE = 253_402_300_799_999  # ms: the last instant of the year 9999

log = logging.getLogger(__name__)


class Refused(Exception):
    """A join that is not granted; the text is the reason the client is told."""


class Carrier(Protocol):
    """What a channel needs of the connection it is on."""

    services: Services
    vsn: Vsn
    headers: Mapping[str, str]
    channels: "dict[str, Channel]"

    def token_for(self, access_token: Any) -> str:
        """Return the token the channel acts with."""

    def push(self, frame: Frame) -> None:
        """Queue a frame."""

    def send(self, data: str | bytes | None) -> None:
        """Queue an encoded frame."""


class Channel:
    """A topic as one client sees it: its rights there, and what it is told."""

    def __init__(self, connection: Carrier, join: Frame) -> None:
        self.config = Config.parse(join.payload)
        self.topic = join.topic
        self.name = join.topic.removeprefix("realtime:")
        self.join_ref = join.join_ref or join.ref
        self._connection = connection
        self._services = connection.services
        self._token = connection.token_for(join.payload.get("access_token"))
        self._claims: Claims = {}
        self._presence_wanted = self.config.presence
        self._readable: set[str] = set()
        self._writable: dict[str, bool] = {}  # as far as the current token has been judged
        self._replayed: set[str] = set()
        self._held: list[Broadcast] | None = []  # what arrives before the join is answered
        self._expiry: asyncio.TimerHandle | None = None
        self._ready: asyncio.TimerHandle | None = None

    @property
    def _room(self) -> Room:
        return self._services.hub.room(self.name, private=self.config.private)

    # Joining and leaving

    async def join(self, request: Frame) -> None:
        """Authorise, enter, answer, replay. Raises Refused."""
        if self.config.postgres_changes:
            raise Refused(
                "Unsupported: the embedded stack serves broadcast and presence, not postgres_changes"
            )
        try:
            self._claims = self._services.tokens.claims(self._token)
            await self._authorise_reading()
            if not self._readable:
                raise Refused(f"Unauthorized: {self._no_permission}")
            self._services.hub.enter(self)
            replay = await self._replay()
        except TokenError as error:
            raise Refused(str(error)) from error
        except DatabaseUnavailable as error:
            raise Refused(f"UnableToConnectToProject: {error}") from error
        self._connection.push(request.reply("ok", {"postgres_changes": []}))
        self._open(replay)

    def _open(self, replay: list[Broadcast]) -> None:
        """Send what came before, then what came meanwhile, and from now on what comes."""
        held, self._held = self._held or [], None
        for broadcast in replay:
            self.deliver(broadcast)
        self._replayed = {broadcast.id for broadcast in replay if broadcast.id}
        for broadcast in held:
            self.deliver(broadcast)
        if self.config.replication_ready:
            wait = self._services.hub.seconds_until_heard()
            self._ready = asyncio.get_running_loop().call_later(wait, self._tell_ready)
        self.push_presence("presence_state", self._room.state())
        self._watch_expiry()

    def leave(self) -> None:
        """Forget everything about this channel; nothing is sent."""
        self._services.hub.leave(self)
        for timer in (self._expiry, self._ready):
            if timer:
                timer.cancel()

    def close(self) -> None:
        """Leave, and tell the client that the channel is closed."""
        self.leave()
        self._connection.channels.pop(self.topic, None)
        self._connection.push(Frame(self.topic, "phx_close", {}, self.join_ref, self.join_ref))

    def shut(self, message: str) -> None:
        """Say why, and close the channel; clients do not come back by themselves."""
        self._tell("error", message)
        self.close()

    # Receiving

    def deliver(self, broadcast: Broadcast) -> None:
        """Send a broadcast to the client, unless it may not read it or has had it."""
        if self._held is not None:
            self._held.append(broadcast)
        elif "broadcast" in self._readable and broadcast.id not in self._replayed:
            self._connection.send(broadcast.frame(self._connection.vsn))

    def push_presence(self, event: str, payload: Any) -> None:
        """Send the presence state, or a change of it, to a client that asked for it and may read it."""
        if "presence" in self._readable and self._held is None:
            self._connection.push(Frame(self.topic, event, payload, None, self.join_ref))

    def _tell_ready(self) -> None:
        self._tell("ok", "Replication connection established")

    def _tell(self, status: str, message: str) -> None:
        payload = {"extension": "system", "status": status, "message": message, "channel": self.name}
        self._connection.push(Frame(self.topic, "system", payload, None, self.join_ref))

    async def _replay(self) -> list[Broadcast]:
        wanted = self.config.replay
        if wanted is None:
            return []
        if not self.config.private:
            raise Refused("UnableToReplayMessages: Replay is not allowed for public channels")
        since, limit = wanted.get("since"), wanted.get("limit", MAX_REPLAY)
        if type(since) is not int or type(limit) is not int or not 0 <= since <= MAX_REPLAY_SINCE:
            raise Refused("UnableToReplayMessages: Replay params are not valid")
        moment = datetime.fromtimestamp(since / 1000, UTC)
        messages = await self._services.database.replay(self.name, moment, max(1, min(limit, MAX_REPLAY)))
        return [message.broadcast(replayed=True) for message in messages]

    # What the client sends

    async def handle(self, frame: Frame) -> None:
        """Answer one frame for this channel."""
        match frame.event:
            case "broadcast":
                await self._broadcast(frame)
            case "presence":
                await self._presence(frame)
            case "access_token":
                await self._refresh(frame.payload.get("access_token"))
            case "phx_leave":
                self._connection.push(frame.reply("ok", {}))
                self.close()

    async def _broadcast(self, frame: Frame) -> None:
        if not await self._may_write("broadcast"):
            return
        broadcast = self._parse_broadcast(frame)
        if broadcast:
            self._services.hub.publish(broadcast, private=self.config.private, sender=self)
        if self.config.ack:
            self._connection.push(
                frame.reply("ok", {}) if broadcast else frame.reply("error", {"reason": "invalid broadcast"})
            )

    def _parse_broadcast(self, frame: Frame) -> Broadcast | None:
        payload = frame.payload
        if isinstance(payload, Broadcast):
            broadcast: Broadcast | None = payload
        else:
            broadcast = Broadcast.of(self.topic, payload.get("event"), payload.get("payload", {}))
        if broadcast and len(broadcast.payload) <= self._services.max_payload:
            return broadcast
        return None

    async def _presence(self, frame: Frame) -> None:
        payload = frame.payload.get("payload", {})
        match str(frame.payload.get("event")).lower():
            case "track" if not isinstance(payload, dict):
                reply = frame.reply("error", {"reason": "Presence track payload must be a map"})
            case "track" if await self._may_write("presence") and await self._joins_presence():
                self._room.track(self, payload)
                reply = frame.reply("ok", {})
            case "untrack":
                self._room.untrack(self)
                reply = frame.reply("ok", {})
            case _:
                reply = frame.reply("error", {})
        self._connection.push(reply)

    # Rights

    @property
    def _identity(self) -> Identity:
        return Identity(self._claims, self._connection.headers)

    @property
    def _no_permission(self) -> str:
        return f"You do not have permissions to read from this Channel topic: {self.name}"

    async def _authorise_reading(self) -> None:
        """Ask what the current token may read, and forget what the one before it might send."""
        self._writable = {}
        await self._services.listener.wait_until_ready()
        extensions = ["broadcast", "presence"] if self._presence_wanted else ["broadcast"]
        if not self.config.private:
            self._readable = set(extensions)
            return
        try:
            self._readable = await self._services.database.readable(self._identity, self.name, extensions)
        except PolicyError as error:
            log.warning("policy failed: %s", error)
            self._readable = set()

    async def _joins_presence(self) -> bool:
        """Let who tracks be told of others, too, even if it did not ask for presence when it joined."""
        try:
            if not self._presence_wanted:
                self._presence_wanted = True
                await self._authorise_reading()
        except DatabaseUnavailable as error:
            log.warning("cannot tell whether presence may be seen: %s", error)
            self._presence_wanted = False
        return self._presence_wanted

    async def _may_write(self, extension: str) -> bool:
        if not self.config.private:
            return True
        if extension not in self._writable:
            try:
                granted = await self._services.database.writable(self._identity, self.name, [extension])
            except (PolicyError, DatabaseUnavailable) as error:
                log.warning("cannot tell whether %s may be sent: %s", extension, error)
                return False
            self._writable[extension] = extension in granted
        return self._writable[extension]

    async def _refresh(self, token: Any) -> None:
        """Take a newer token; whoever lost the right to read loses the channel."""
        if not isinstance(token, str) or token.startswith("sb_") or token == self._token:
            return
        try:
            await self._take_token(token)
        except TokenError as error:
            self.shut(error.message)
        except (DatabaseUnavailable, Refused) as error:
            self.shut(str(error))
        else:
            self._watch_expiry()

    async def _take_token(self, token: str) -> None:
        before, self._token = self._readable, token
        self._claims = self._services.tokens.claims(token)
        await self._authorise_reading()
        if not self._readable:
            raise Refused(self._no_permission)
        if before - self._readable:
            raise Refused(f"You no longer have permission to read from this Channel topic: {self.name}")

    def _watch_expiry(self) -> None:
        """Shut the channel when its token expires; look now and then, for clocks may jump."""
        if self._expiry:
            self._expiry.cancel()
        try:
            require_unexpired(self._claims)
        except TokenError as error:
            self.shut(error.message)
        else:
            remaining = self._claims["exp"] - time.time()
            wait = min(max(remaining, 0.1), EXPIRY_CHECK)
            self._expiry = asyncio.get_running_loop().call_later(wait, self._watch_expiry)
