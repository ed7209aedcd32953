"""Accounts: made and found through Auth, whose admin API not every stack has."""

import secrets
from typing import TYPE_CHECKING, Any

from cli.errors import ChairtimeError, Exit, translate

if TYPE_CHECKING:
    from cli.api import Api

_NO_ADMIN_API = {401, 403, 404}
_PAGE = 200


def create_user(
    service: "Api", visitor: "Api", email: str, password: str, full_name: str | None
) -> dict[str, Any]:
    """Make an account with a confirmed email and return `{"id", "email"}`.

    `service` holds the secret key. Where Auth has no admin API, as in the embedded stack, `visitor` signs up.
    Raises ChairtimeError with Auth's own code.
    """
    from supabase_auth.errors import AuthError

    told = {"full_name": full_name} if full_name else {}
    request: Any = {"email": email, "password": password, "email_confirm": True, "user_metadata": told}
    try:
        try:
            user = service.client.auth.admin.create_user(request).user
        except AuthError as error:
            if getattr(error, "status", None) not in _NO_ADMIN_API:
                raise
            answer = visitor.client.auth.sign_up(
                {"email": email, "password": password, "options": {"data": told}}
            )
            user = _required(answer.user)
    except AuthError as error:
        raise translate(error) or _from_auth(error) from error
    return {"id": user.id, "email": user.email}


def find_user(service: "Api", email: str) -> str:
    """Find an account's id by email. Raises ChairtimeError `not_found`, also where Auth has no admin API."""
    from supabase_auth.errors import AuthError

    page = 1
    try:
        while users := service.client.auth.admin.list_users(page=page, per_page=_PAGE):
            for user in users:
                if (user.email or "").casefold() == email.casefold():
                    return user.id
            page += 1
    except AuthError as error:
        hint = "Give the user's id instead: `chairtime admin user create` and `chairtime login` print it."
        raise ChairtimeError(
            f"this stack cannot find users by email: {error}", "not_found", hint, Exit.NOT_FOUND
        ) from error
    hint = "Make the account first: `chairtime admin user create`."
    raise ChairtimeError(f"no user has the email {email}", "not_found", hint, Exit.NOT_FOUND)


def new_password() -> str:
    """Make up a password that can be read out on the telephone."""
    return "-".join(secrets.token_hex(2) for _ in range(4))


def _required(user: Any) -> Any:
    if user is None:
        hint = "See the stack's logs."
        raise ChairtimeError("Auth answered without a user", "failed", hint)
    return user


def _from_auth(error: Any) -> ChairtimeError:
    code = str(getattr(error, "code", None) or "auth_error")
    return ChairtimeError(str(error), code, "Choose another email or password.")
