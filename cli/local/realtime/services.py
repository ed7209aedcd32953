"""What the connections of one server share, and what each of them may use."""

from dataclasses import dataclass

from cli.local.realtime.database import Database
from cli.local.realtime.hub import Hub
from cli.local.realtime.listener import Listener
from cli.local.realtime.tokens import Tokens


@dataclass(frozen=True)
class Services:
    """The parts of the server, and its limits."""

    hub: Hub
    tokens: Tokens
    database: Database
    listener: Listener
    max_channels: int  # of one connection
    max_payload: int  # bytes of a client's broadcast
    max_backlog: int  # bytes that wait for a slow reader before it is dropped
    idle_timeout: float  # seconds without a frame from the client
