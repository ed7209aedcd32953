"""Accounts: made, listed and found through Auth's admin API, with the secret key."""

import secrets
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from cli.errors import ChairtimeError, Exit, translate

if TYPE_CHECKING:
    from cli.api import Api

_PAGE = 200


def create_user(service: "Api", email: str, password: str, full_name: str | None) -> dict[str, Any]:
    """Make an account with a confirmed email and return `{"id", "email"}`.

    Raises ChairtimeError with Auth's own code.
    """
    from supabase_auth.errors import AuthError

    told = {"full_name": full_name} if full_name else {}
    request: Any = {"email": email, "password": password, "email_confirm": True, "user_metadata": told}
    try:
        user = service.client.auth.admin.create_user(request).user
    except AuthError as error:
        raise translate(error) or _from_auth(error) from error
    return {"id": user.id, "email": user.email}


def list_users(service: "Api") -> Iterator[dict[str, Any]]:
    """Yield `{"id", "email", "name", "created_at", "last_sign_in_at"}` of each. Raises ChairtimeError."""
    from supabase_auth.errors import AuthError

    page = 1
    try:
        while users := service.client.auth.admin.list_users(page=page, per_page=_PAGE):
            yield from map(_shown, users)
            page += 1
    except AuthError as error:
        raise translate(error) or _from_auth(error) from error


def find_user(service: "Api", email: str) -> str:
    """Find an account's id by email. Raises ChairtimeError `not_found`."""
    wanted = email.casefold()
    found = next((user["id"] for user in list_users(service) if user["email"].casefold() == wanted), None)
    if found is None:
        hint = "Make the account first: `chairtime admin user create`."
        raise ChairtimeError(f"no user has the email {email}", "not_found", hint, Exit.NOT_FOUND)
    return str(found)


def new_password() -> str:
    """Make up a password that can be read out on the telephone."""
    return "-".join(secrets.token_hex(2) for _ in range(4))


def _shown(user: Any) -> dict[str, Any]:
    told = {"id": user.id, "email": user.email or "", "name": (user.user_metadata or {}).get("full_name")}
    return told | {"created_at": user.created_at, "last_sign_in_at": user.last_sign_in_at}


def _from_auth(error: Any) -> ChairtimeError:
    code = str(getattr(error, "code", None) or "auth_error")
    if getattr(error, "status", None) in {401, 403}:
        hint = "Accounts need the secret key: set SUPABASE_SECRET_KEY."
        return ChairtimeError(str(error), "forbidden", hint, Exit.FORBIDDEN)
    return ChairtimeError(str(error), code, "Choose another email or password.")
