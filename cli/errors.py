"""What can go wrong, said once: a code for scripts, a sentence for people, a hint for what to do next."""

import sys
from typing import Any


class Exit:
    """The exit codes of `chairtime`, documented in docs/cli.md."""

    OK = 0
    REFUSED = 1
    USAGE = 2
    UNREACHABLE = 3
    FORBIDDEN = 4
    NOT_FOUND = 5
    PROBLEMS = 6
    INTERRUPTED = 130


EXIT_CODES = {
    Exit.OK: "done",
    Exit.REFUSED: "refused: a rule of the booking system or of the database said no",
    Exit.USAGE: "bad usage: an option, an argument or a file is not what the command needs",
    Exit.UNREACHABLE: "nothing answers: the database, the API or Realtime cannot be reached",
    Exit.FORBIDDEN: "not allowed: the key, the session or the role does not permit this",
    Exit.NOT_FOUND: "not found: no such row, file or project, or not one you may see",
    Exit.PROBLEMS: "a check (`doctor`, `health`, `status`, `migrate verify`…) found problems",
    Exit.INTERRUPTED: "interrupted",
}


class ChairtimeError(Exception):
    """Anything a person can act on. Printed as one line and a hint, never as a traceback.

    `code` is stable and meant for scripts; `details` is whatever the source added (any JSON value).
    """

    def __init__(
        self,
        message: str,
        code: str = "failed",
        hint: str | None = None,
        exit_code: int = Exit.REFUSED,
        details: Any = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.hint = hint
        self.exit_code = exit_code
        self.details = details

    def as_json(self) -> dict[str, Any]:
        """The shape behind `--json`: `{"error": {"code", "message", "hint", "details"}}`."""
        fields = {"code": self.code, "message": self.message, "hint": self.hint, "details": self.details}
        return {"error": fields}


def usage_error(message: str, hint: str | None = None) -> ChairtimeError:
    """Refuse input that cannot be right, whatever the state of the world."""
    return ChairtimeError(message, "invalid_argument", hint, Exit.USAGE)


def translate(error: BaseException) -> ChairtimeError | None:
    """Turn a dead server's exception into ours; None when the error is not one of those.

    Looks only at libraries that are loaded already, so that translating costs no import.
    """
    psycopg, httpx, auth = map(sys.modules.get, ("psycopg", "httpx", "supabase_auth.errors"))
    if isinstance(error, ChairtimeError):
        return error
    if psycopg is not None and isinstance(error, psycopg.Error):
        return _from_postgres(error)
    if httpx is not None and isinstance(error, httpx.TransportError | httpx.InvalidURL):
        return _from_http(error)
    if auth is not None and isinstance(error, auth.AuthRetryableError):
        return ChairtimeError(f"cannot reach Auth: {error}", "unreachable", _NO_API, Exit.UNREACHABLE)
    if isinstance(error, OSError) and error.filename:
        return usage_error(f"{error.filename}: {error.strerror}")
    return None


_NO_DATABASE = (
    "Is the stack up (`chairtime up`)? Otherwise name the database with --db-url or SUPABASE_DB_URL."
)
_NO_API = "Is the stack up (`chairtime up`)? Otherwise name the project with SUPABASE_URL."


def _from_postgres(error: Any) -> ChairtimeError:
    first = (str(error).strip() or type(error).__name__).splitlines()[0]
    state = error.sqlstate or _state_of_refusal(first)
    if state.startswith("28"):
        return ChairtimeError(first, "forbidden", "Check user and password in the URL.", Exit.FORBIDDEN)
    if state == "3D000":
        return ChairtimeError(first, "not_found", "Check the database's name in the URL.", Exit.NOT_FOUND)
    if state == "42501":
        return ChairtimeError(first, "forbidden", "Connect as the role `postgres`.", Exit.FORBIDDEN)
    if state:
        return ChairtimeError(first, "database_error", error.diag.message_hint)
    if type(error).__name__ == "ProgrammingError":
        return usage_error(
            f"the database's URL is not one: {first}", "Write postgresql://user:password@host:port/database."
        )
    return ChairtimeError(
        f"cannot reach the database: {first}", "unreachable", _NO_DATABASE, Exit.UNREACHABLE
    )


def _state_of_refusal(message: str) -> str:
    """Tell why a server that was reached let nobody in: libpq gives no SQLSTATE for that."""
    if "authentication failed" in message or "no pg_hba.conf entry" in message:
        return "28000"
    return "3D000" if "FATAL:  database" in message else ""


def _from_http(error: Any) -> ChairtimeError:
    url = error.request.url if getattr(error, "_request", None) else None
    where = f" at {url.host}:{url.port}" if url and url.host else ""
    reason = str(error) or type(error).__name__
    return ChairtimeError(f"cannot reach the API{where}: {reason}", "unreachable", _NO_API, Exit.UNREACHABLE)
