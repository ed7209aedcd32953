"""The embedded stack's secrets: made once, kept in its state folder."""

from __future__ import annotations

import json
import secrets
import time
from base64 import b64encode
from dataclasses import asdict, dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

import jwt

LIFETIME = 10 * 365 * 24 * 3600  # seconds; the keys are the project's for as long as it exists


@dataclass(frozen=True)
class Keys:
    """What clients and servers of one stack share."""

    jwt_secret: str
    publishable_key: str
    secret_key: str
    issued_at: int

    @cached_property
    def anon_key(self) -> str:
        """The JWT that stands for the publishable key, for clients that know no other."""
        return self._sign("anon")

    @cached_property
    def service_role_key(self) -> str:
        """The JWT that stands for the secret key."""
        return self._sign("service_role")

    @cached_property
    def sms_secret(self) -> str:
        """The secret, as Standard Webhooks write it, by which text messages are signed for the mailbox."""
        return f"whsec_{b64encode(sha256(f'sms {self.jwt_secret}'.encode()).digest()).decode()}"

    def role_of(self, key: str) -> str | None:
        """Return the role that an API key, opaque or JWT, stands for; None if it is no key of ours."""
        if key in {self.publishable_key, self.anon_key}:
            return "anon"
        return "service_role" if key in {self.secret_key, self.service_role_key} else None

    def token_of(self, role: str) -> str:
        """Return the JWT of `anon` or `service_role`."""
        return self.service_role_key if role == "service_role" else self.anon_key

    def _sign(self, role: str) -> str:
        claims = {"iss": "chairtime", "role": role, "iat": self.issued_at, "exp": self.issued_at + LIFETIME}
        return jwt.encode(claims, self.jwt_secret, algorithm="HS256")


def access_token(jwt_secret: str, user_id: str, role: str = "authenticated", **more: Any) -> str:
    """Sign an access token as Supabase Auth would, valid for an hour, perhaps with more claims."""
    now = int(time.time())
    claims = {"sub": user_id, "role": role, "aud": "authenticated", "iat": now, "exp": now + 3600}
    return jwt.encode(claims | more, jwt_secret, algorithm="HS256")


def load_keys(path: Path) -> Keys:
    """Read the keys, making them first if there are none yet. The file is its owner's alone."""
    if not path.exists():
        keys = Keys(
            jwt_secret=secrets.token_urlsafe(32),
            publishable_key=f"sb_publishable_{secrets.token_urlsafe(24)}",
            secret_key=f"sb_secret_{secrets.token_urlsafe(24)}",
            issued_at=int(time.time()),
        )
        unfinished = path.with_suffix(".unfinished")
        unfinished.touch(mode=0o600)
        unfinished.write_text(json.dumps(asdict(keys), indent=2))
        unfinished.rename(path)
    return Keys(**json.loads(path.read_text()))
