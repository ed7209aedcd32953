"""The code blocks of the project's documents, and a copy of the project in which they run as they stand."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

from tests.support.templates import ROOT

FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """One fenced block: where it stands, in which language it is."""

    path: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


def documents() -> list[Path]:
    """List every document of the project, relative to its root."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return sorted(Path(line) for line in listed.stdout.splitlines())


def blocks(document: Path) -> list[Block]:
    """Return a document's blocks, in order."""
    text = (ROOT / document).read_text()
    return [
        Block(document, text.count("\n", 0, found.start()) + 1, found[2], dedent(found[3]))
        for found in FENCE.finditer(text)
    ]


def copy_project(target: Path) -> None:
    """Copy what git knows of, as a fresh clone would have it, and link what `make` has installed."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    asked_for = max((ROOT / name).stat().st_mtime for name in ("pyproject.toml", "requirements.lock"))
    # Else make would install into this checkout, with the copy's paths.
    assert (ROOT / ".venv" / ".ready").stat().st_mtime >= asked_for, "packages are old: run `make test`"
    for name in (".venv", "web/node_modules"):
        (target / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "web" / "dist", target / "web" / "dist")
    # Newer than the copy, or make would build it again.
    os.utime(target / "web" / "dist" / "index.html")
