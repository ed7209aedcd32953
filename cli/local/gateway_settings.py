"""What the gateway is told by who starts it, who need not import the gateway for that."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from cli.local.keys import Keys

# Below these names the same origin is the database's own, and its replica's: nothing is balanced there.
PRIMARY, REPLICA = "primary", "replica"


@dataclass(frozen=True)
class GatewaySettings:
    """What the gateway needs to know: where to listen, whom to ask, which keys to accept."""

    socket: int  # the file descriptor of a listening socket, inherited
    rest_url: str  # the Data API's base; what follows `/rest/v1/` is appended
    auth_url: str  # Auth's base; what follows `/auth/v1/` is appended
    realtime_database_url: str
    keys: Keys
    web_dir: Path
    replica_url: str | None = None  # the base of the Data API on the replica, if there is one

    def to_json(self) -> str:
        """Return the settings as from_json reads them."""
        return json.dumps(asdict(self), default=str)

    @classmethod
    def from_json(cls, text: str) -> GatewaySettings:
        """Read what to_json wrote."""
        values = json.loads(text)
        return cls(**values | {"keys": Keys(**values["keys"]), "web_dir": Path(values["web_dir"])})
