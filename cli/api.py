"""The API as this command line sees it: the `supabase` client, as a signed-in user or with the secret key."""

import json
import os
import time
from typing import TYPE_CHECKING, Any

from cli.errors import ChairtimeError, Exit, translate, usage_error
from cli.project import Project

if TYPE_CHECKING:
    from pathlib import Path

    from supabase import Client

_EXIT_CODES = {
    "invalid_argument": Exit.USAGE,
    "not_authenticated": Exit.FORBIDDEN,
    "forbidden": Exit.FORBIDDEN,
    "not_found": Exit.NOT_FOUND,
}

# What PostgREST and Postgres say when it is not our SQL that refuses: code, exit code, hint.
_FOREIGN_CODES = {
    "PGRST301": ("not_authenticated", Exit.FORBIDDEN, "Sign in again with `chairtime login`."),
    "PGRST302": ("not_authenticated", Exit.FORBIDDEN, "Sign in with `chairtime login`."),
    "PGRST303": ("not_authenticated", Exit.FORBIDDEN, "Sign in again with `chairtime login`."),
    "PGRST106": ("not_exposed", Exit.PROBLEMS, "Expose the schema `api`; `chairtime doctor` says how."),
    "PGRST202": ("api_mismatch", Exit.PROBLEMS, "Is the database migrated? See `chairtime migrate status`."),
    "PGRST205": ("api_mismatch", Exit.PROBLEMS, "Is the database migrated? See `chairtime migrate status`."),
    "42501": ("forbidden", Exit.FORBIDDEN, "Sign in as somebody who may: `chairtime login`."),
}

# What the API's hints call by its name, and commands by theirs.
_OPTIONS = {'repeat the call with on_conflict "keep"': "repeat the command with --keep"}

# What a visitor may be told a moment late, by a read replica where there is one.
_LISTS = {"available_slots", "next_slots", "explain_slot"}

BUSY = (0.5, 1.0)  # seconds after which a request that met a busy calendar is sent again

PATIENCE = 120.0  # seconds that an answer may take

_SQLSTATE_LENGTH = 5  # class 22 is "data exception": text that is no uuid, no interval, no date


class Api:
    """A client of the schema `api`. `identity` is an email, `service` for the secret key, or `anon`."""

    def __init__(self, client: "Client", identity: str) -> None:
        self.client = client
        self.identity = identity

    def rpc(self, function: str, **arguments: Any) -> Any:
        """Call a function and return its JSON. Raises ChairtimeError with the API's own code and hint.

        Arguments that are None are left out, so that the function's defaults apply.
        """
        given = {name: value for name, value in arguments.items() if value is not None}
        # A GET may go to a replica. Who can change nothing can miss nothing there that they did.
        is_late = self.identity == "anon" and function in _LISTS
        return self.fetch(self.client.rpc(function, given, get=is_late))

    def rows(self, view: str, columns: str = "*", **equals: Any) -> list[dict[str, Any]]:
        """Read a view's rows whose columns equal what is given."""
        query = self.client.table(view).select(columns)
        for column, value in equals.items():
            query = query.eq(column, value)
        found: list[dict[str, Any]] = self.fetch(query)
        return found

    def fetch(self, query: Any) -> Any:
        """Execute a query of the client and return its data; where the calendar is busy, a few times."""
        for pause in BUSY:
            try:
                return self._attempt(query)
            except ChairtimeError as error:
                if error.code != "try_again":
                    raise
            time.sleep(pause)
        return self._attempt(query)

    def _attempt(self, query: Any) -> Any:
        from postgrest.exceptions import APIError

        try:
            return query.execute().data
        except APIError as error:
            raise from_api(error) from error


def from_api(error: Any) -> ChairtimeError:
    """Turn a PostgREST error into ours."""
    code, message = str(error.code or ""), error.message or "the API refused"
    if code in _FOREIGN_CODES:
        stable, exit_code, hint = _FOREIGN_CODES[code]
        return ChairtimeError(message, stable, error.hint or hint, exit_code, error.details)
    if code.startswith("22") and len(code) == _SQLSTATE_LENGTH:
        return ChairtimeError(message, "invalid_argument", error.hint, Exit.USAGE, error.details)
    if code in {"404", "405", "500", "502", "503", "504"}:
        hint = "Is this a Supabase project's address, and is all of it running?"
        return ChairtimeError(f"the API answered {code}: {message}", "unreachable", hint, Exit.UNREACHABLE)
    if code in {"", "401", "403"}:
        hint = "Check the key: `chairtime status` shows the stack's."
        return ChairtimeError(message, "forbidden", hint, Exit.FORBIDDEN)
    hint = error.hint
    for said, option in _OPTIONS.items():
        hint = hint and hint.replace(said, option)
    return ChairtimeError(message, code, hint, _EXIT_CODES.get(code, Exit.REFUSED), _parsed(error.details))


def _parsed(details: Any) -> Any:
    try:
        return json.loads(details)
    except (TypeError, ValueError):
        return details


def connect(project: Project) -> Api:
    """Act as who signed in with `chairtime login`, otherwise with the secret key.

    Raises ChairtimeError `not_configured` without either.
    """
    url = project.require("api_url")
    session = read_session(project)
    if session and session["api_url"] == url:
        return _as_user(project, session)
    if not project.setting("secret_key"):
        hint = "Sign in with `chairtime login`, or set SUPABASE_SECRET_KEY."
        raise ChairtimeError(
            "nobody is signed in, and no secret key is known", "not_authenticated", hint, Exit.FORBIDDEN
        )
    return connect_as_service(project)


def connect_as_service(project: Project) -> Api:
    """Act with the secret key, whoever is signed in."""
    return Api(_client(_primary(project), project.require("secret_key")), "service")


def connect_publicly(project: Project) -> Api:
    """Act as a visitor, with the publishable key."""
    return Api(_client(project.require("api_url"), project.require("publishable_key")), "anon")


def sign_in(project: Project, email: str, password: str) -> dict[str, Any]:
    """Open a session and store it for the commands to come. Returns `{"api_url", "email", "user_id", …}`."""
    from supabase_auth.errors import AuthError

    api = connect_publicly(project)
    try:
        answer = api.client.auth.sign_in_with_password({"email": email, "password": password})
    except AuthError as error:
        known = translate(error)
        hint = "Check email and password."
        raise known or ChairtimeError(str(error), "not_authenticated", hint, Exit.FORBIDDEN) from error
    return _write_session(project, answer)


def sign_out(project: Project) -> bool:
    """Forget the stored session; False when there was none."""
    found = _session_path(project).exists()
    _session_path(project).unlink(missing_ok=True)
    return found


def read_session(project: Project) -> dict[str, Any] | None:
    """Read who is signed in, or None."""
    try:
        return dict(json.loads(_session_path(project).read_text()))
    except (FileNotFoundError, json.JSONDecodeError):
        return None


def _primary(project: Project) -> str:
    """Where whoever changes something sees it at once: not at the balancer of a stack with a replica."""
    url, state = project.require("api_url"), project.state()
    primary: str = state.get("primary_url", url) if state.get("api_url") == url else url
    return primary


def _as_user(project: Project, session: dict[str, Any]) -> Api:
    from supabase_auth.errors import AuthError

    client = _client(_primary(project), project.require("publishable_key"))
    try:
        answer = client.auth.set_session(session["access_token"], session["refresh_token"])
    except AuthError as error:
        hint = "Sign in again with `chairtime login`."
        ended = ChairtimeError("the session has ended", "not_authenticated", hint, Exit.FORBIDDEN)
        raise translate(error) or ended from error
    if answer.session and answer.session.access_token != session["access_token"]:
        _write_session(project, answer)
    return Api(client, session["email"])


def _client(url: str, key: str) -> "Client":
    import httpx

    from supabase import ClientOptions, SupabaseException, create_client

    # One for the Data API and Auth: each of its own would read all certificates anew.
    timeout = httpx.Timeout(PATIENCE, connect=10)
    http = httpx.Client(http2=True, follow_redirects=True, timeout=timeout)
    options = ClientOptions(schema="api", auto_refresh_token=False, persist_session=False, httpx_client=http)
    try:
        return create_client(url, key, options)
    except (SupabaseException, ValueError) as error:
        raise usage_error(f"{error}: {url}", "Correct SUPABASE_URL, or the key.") from error


def _session_path(project: Project) -> "Path":
    return project.state_dir / "session.json"


def _write_session(project: Project, answer: Any) -> dict[str, Any]:
    session = {
        "api_url": project.require("api_url"),
        "email": answer.user.email,
        "user_id": answer.user.id,
        "access_token": answer.session.access_token,
        "refresh_token": answer.session.refresh_token,
    }
    path = _session_path(project)
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        os.fchmod(descriptor, 0o600)
        json.dump(session, file)
    return session
