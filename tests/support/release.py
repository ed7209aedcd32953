"""What must stand in the tree before it is tagged: what `make release-check` asks before it runs tests."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

from cli.migrations.files import read_migrations
from cli.migrations.lint import lint_history
from cli.migrations.released import read_lock
from cli.migrations.schemas import read_schemas
from tests.support.templates import ROOT


def problems(root: Path) -> Iterator[str]:
    """Say what keeps this tree from being released."""
    version = tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"]
    yield from _versions(root, version)
    yield from _migrations(root / "supabase")


def _versions(root: Path, version: str) -> Iterator[str]:
    changelog = (root / "CHANGELOG.md").read_text()
    if not re.search(rf"^## \[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d$", changelog, re.MULTILINE):
        yield f"CHANGELOG.md has no `## [{version}] - <date>`"
    if (unreleased := re.search(r"^## \[Unreleased\]\s+(?=[^#\s])", changelog, re.MULTILINE)) is not None:
        yield f"CHANGELOG.md still has something unreleased: {changelog[unreleased.end() :].splitlines()[0]}"
    sources = "".join(file.source for file in read_schemas(root / "supabase" / "schemas"))
    told = re.search(r"create function clinic\.version\(\).*?select '(.*?)'", sources, re.DOTALL)
    if told is None or told[1] != version:
        yield f"clinic.version() is not {version}, which pyproject.toml says"


def _migrations(supabase: Path) -> Iterator[str]:
    migrations = read_migrations(supabase / "migrations")
    lock = read_lock(supabase / "migrations.lock")
    for finding in lint_history(read_schemas(supabase / "schemas"), migrations, lock):
        yield f"{finding.file} {finding.message}"
    for file in migrations:
        if file.path.name not in lock:
            yield f"{file.path.name} is not frozen: `chairtime migrate freeze`"


def tracked(*folders: str) -> set[str]:
    """Return the files that git knows of."""
    command = ["git", "ls-files", "-z", *folders]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return {name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()}


def packed() -> set[str]:
    """Build the wheel, and return what is in it."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder]
        subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
        with zipfile.ZipFile(next(Path(folder).glob("*.whl"))) as wheel:
            return set(wheel.namelist())


def main() -> int:
    """Print what is wrong; return the exit code."""
    found = [*problems(ROOT)]
    found += [f"{name} is not in the wheel" for name in sorted(tracked("cli", "worker") - packed())]
    status = ["git", "status", "--porcelain"]
    if changed := subprocess.run(status, cwd=ROOT, capture_output=True, text=True, check=True).stdout:
        found.append(f"not everything is committed:\n{changed}")
    print("\n".join(found) or "The tree is ready to be tagged; now the tests.")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
