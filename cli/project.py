"""Where we are and what we talk to: the folder with `supabase/`, its URLs and its keys.

Each setting is looked for in this order: the command's option, the `SUPABASE_…` variable, the state of the
embedded stack (`.chairtime/status.json`, written by `chairtime up`).
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.errors import ChairtimeError, Exit

DbUrl = Annotated[
    str | None,
    typer.Option(
        "--db-url",
        help="Postgres URL of the database (else SUPABASE_DB_URL, else the embedded stack).",
        show_default=False,
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")]

_VARIABLES = {
    "db_url": ("SUPABASE_DB_URL",),
    "api_url": ("SUPABASE_URL",),
    "publishable_key": ("SUPABASE_PUBLISHABLE_KEY", "SUPABASE_ANON_KEY"),
    "secret_key": ("SUPABASE_SECRET_KEY", "SUPABASE_SERVICE_ROLE_KEY"),
    "worker_url": ("CHAIRTIME_WORKER_URL",),
}
SETTINGS = tuple(_VARIABLES)
_chosen: dict[str, Path] = {}


def use_workdir(path: Path | None) -> None:
    """Choose the folder to start looking from; `--workdir`, which every command takes, calls this."""
    if path is not None:
        _chosen["workdir"] = path


@dataclass(frozen=True)
class Project:
    """A folder that holds `supabase/`; with the settings `given` for one database of many, and no others."""

    root: Path
    given: Mapping[str, str] | None = None

    @property
    def supabase_dir(self) -> Path:
        """The Supabase CLI's folder."""
        return self.root / "supabase"

    @property
    def migrations_dir(self) -> Path:
        """The migration files, in order of their names."""
        return self.supabase_dir / "migrations"

    @property
    def schemas_dir(self) -> Path:
        """The files that say what is, in order of their names."""
        return self.supabase_dir / "schemas"

    @property
    def lock_file(self) -> Path:
        """The digests of the migrations that are released."""
        return self.supabase_dir / "migrations.lock"

    @property
    def state_dir(self) -> Path:
        """The embedded stack's own folder (git-ignored): data, logs, status, sessions."""
        return self.root / ".chairtime"

    def state(self) -> Mapping[str, Any]:
        """What `chairtime up` wrote about the running stack; empty when none was ever started."""
        if self.given is not None:
            return self.given
        path = self.state_dir / "status.json"
        try:
            return dict(json.loads(path.read_text()))
        except (FileNotFoundError, json.JSONDecodeError):
            return {}

    def setting(self, name: str, given: str | None = None) -> str | None:
        """Resolve one of `db_url, api_url, publishable_key, secret_key, worker_url`, or None."""
        variables = _VARIABLES[name] if self.given is None else ()
        from_env = (os.environ.get(variable) for variable in variables)
        candidates = (given, *from_env, self.state().get(name))
        return next((value for value in candidates if value), None)

    def require(self, name: str, given: str | None = None) -> str:
        """Resolve a setting that the command cannot do without."""
        value = self.setting(name, given)
        if value is None:
            message = f"no {name.replace('_', ' ')} is known"
            raise ChairtimeError(message, "not_configured", self.how_to_set(name), Exit.USAGE)
        return value

    def how_to_set(self, name: str) -> str:
        """Say what to do where a setting is missing."""
        if self.given is not None:
            return f"Write {name} = … below the database's name."
        return f"Start the stack with `chairtime up`, or set {_VARIABLES[name][0]}."

    def db_url(self, given: str | None = None) -> str:
        """The database to work on, a libpq URL."""
        return self.require("db_url", given)


def find_project() -> Project:
    """Find the nearest folder upward that holds `supabase/`, from --workdir, SUPABASE_WORKDIR or here."""
    start = _chosen.get("workdir") or Path(os.environ.get("SUPABASE_WORKDIR", "."))
    resolved = start.resolve()
    for folder in (resolved, *resolved.parents):
        if (folder / "supabase").is_dir():
            return Project(folder)
    hint = "Run inside the project, or pass --workdir."
    raise ChairtimeError(f"no supabase/ folder in {resolved} or above it", "no_project", hint, Exit.NOT_FOUND)
