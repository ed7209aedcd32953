"""What a client asks for when it joins a channel."""

import uuid
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Config:
    """The `config` of a join. Nonsense in it counts as absent."""

    private: bool
    ack: bool
    self_broadcast: bool
    presence_key: str
    presence: bool
    postgres_changes: bool
    replay: dict[str, Any] | None
    replication_ready: bool

    @classmethod
    def parse(cls, payload: dict[str, Any]) -> "Config":
        """Read the join's payload."""
        config = _object(payload, "config")
        broadcast, presence = _object(config, "broadcast"), _object(config, "presence")
        key = presence.get("key")
        return cls(
            private=config.get("private") is True,
            ack=broadcast.get("ack") is True,
            self_broadcast=broadcast.get("self") is True,
            presence_key=key if isinstance(key, str) and key else str(uuid.uuid4()),
            presence=presence.get("enabled") is True,
            postgres_changes=bool(config.get("postgres_changes")),
            replay=_object(broadcast, "replay") if broadcast.get("replay") is not None else None,
            replication_ready=broadcast.get("replication_ready") is True,
        )


def _object(container: dict[str, Any], name: str) -> dict[str, Any]:
    value = container.get(name)
    return value if isinstance(value, dict) else {}
