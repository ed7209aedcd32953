"""The installed `chairtime`, run as people and scripts run it."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.forks import forks
from tests.support.stacks import CHAIRTIME

# Nothing of the developer's own settings, no colours, and a terminal that is wide enough for whole lines.
_OURS = ("SUPABASE_", "CHAIRTIME_")
_CLEAN = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}


@dataclass(frozen=True)
class Done:
    """How a run ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What stdout says, as JSON."""
        return json.loads(self.out)

    @property
    def error(self) -> dict[str, Any]:
        """The error that stderr tells under --json."""
        told: dict[str, Any] = json.loads(self.err.splitlines()[-1])["error"]
        return told


@dataclass(frozen=True)
class Program:
    """The program in one folder, with these variables besides the machine's own."""

    folder: Path
    variables: dict[str, str] = field(default_factory=dict)

    def __call__(self, *arguments: str, stdin: str = "", **variables: str) -> Done:
        """Run to the end, stdin not being a terminal."""
        clean = _CLEAN | {"COLUMNS": "160"} | self.variables | variables
        code, out, err = forks().run(CHAIRTIME, arguments, self.folder, clean, stdin)
        assert "Traceback" not in err, err
        return Done(code, out, err)

    def ok(self, *arguments: str, **variables: str) -> Done:
        """Run, and insist that it succeeded."""
        done = self(*arguments, **variables)
        assert done.code == 0, done.err
        return done

    def json(self, *arguments: str, **variables: str) -> Any:
        """Run with --json, insist that it succeeded, and return the answer."""
        return self.ok(*arguments, "--json", **variables).json

    def write(self, name: str, text: str) -> Path:
        """Write a migration file."""
        path = self.folder / "supabase" / "migrations" / name
        path.write_text(text)
        return path
