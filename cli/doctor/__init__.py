"""The doctor's checks: what they find, from outside through the API and from inside the database."""

from dataclasses import asdict, dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Result:
    """What one check found. `hint` says what to do when it is a problem."""

    check: str
    state: Literal["ok", "problem", "skipped"]
    message: str
    hint: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The shape behind `--json`: `{"check", "state", "message", "hint"}`."""
        return asdict(self)


def ok(check: str, message: str) -> Result:
    """Report that all is well."""
    return Result(check, "ok", message)


def problem(check: str, message: str, hint: str) -> Result:
    """Report something to mend."""
    return Result(check, "problem", message, hint)


def skipped(check: str, message: str) -> Result:
    """Report that nothing could be found out."""
    return Result(check, "skipped", message)
