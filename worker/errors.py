"""What can go wrong, sorted by what the worker should do about it."""


class WorkerError(Exception):
    """Base of every error this package raises on purpose."""


class SettingsError(WorkerError):
    """The configuration cannot be used; the message says which setting and why."""


class DatabaseUnavailable(WorkerError):
    """The database cannot be reached, or took too long. Try again: nothing is wrong with the request."""


class StatementFailed(WorkerError):
    """The database refused a statement. ``code`` is its SQLSTATE."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


class LeaseLost(WorkerError):
    """Another worker leads by now: stop acting, without delay and without retry."""
