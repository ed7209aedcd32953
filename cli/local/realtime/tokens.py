"""Who a token speaks for: API keys and JSON Web Tokens, judged as Supabase Realtime judges them."""

import time
from dataclasses import dataclass
from typing import Any

import jwt

Claims = dict[str, Any]

KEY_LIFETIME = 10 * 365 * 86_400  # seconds; API keys do not expire, but every set of claims has an `exp`


class TokenError(Exception):
    """A token that is not accepted: a code, as Realtime names it, and a message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.message = message


@dataclass(frozen=True)
class Tokens:
    """The project's secret, and its two API keys, which stand for the roles `anon` and `service_role`."""

    jwt_secret: str
    publishable_key: str
    secret_key: str

    def claims(self, token: str) -> Claims:
        """Return the claims of an API key or a JWT, with `role` and `exp` among them. Raises TokenError."""
        if role := {self.publishable_key: "anon", self.secret_key: "service_role"}.get(token):
            return {"role": role, "exp": int(time.time()) + KEY_LIFETIME}
        claims = self._verified(token)
        if not isinstance(claims.get("role"), str) or type(claims.get("exp")) is not int:
            raise TokenError("InvalidJWTToken", "Fields `role` and `exp` are required in JWT")
        require_unexpired(claims)
        return claims

    def _verified(self, token: str) -> Claims:
        options = jwt.types.Options(verify_exp=False, verify_aud=False, verify_iat=False, verify_nbf=False)
        try:
            return jwt.decode(token, self.jwt_secret, algorithms=["HS256"], options=options)
        except (jwt.InvalidSignatureError, jwt.InvalidAlgorithmError) as error:
            raise TokenError("JwtSignatureError", "Failed to validate JWT signature") from error
        except jwt.PyJWTError as error:
            raise TokenError("MalformedJWT", "The token provided is not a valid JWT") from error


def require_unexpired(claims: Claims) -> None:
    """Raise TokenError once the claims have expired."""
    age = int(time.time()) - claims["exp"]
    if age >= 0:
        raise TokenError("InvalidJWTToken", f"Token has expired {age} seconds ago")
