"""What matters most runs on the versions that Supabase runs; `make test-pg15` and `test-pg17` run all."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from cli.local.postgres import PROGRAMS
from tests.support.leftovers import VARIABLE
from tests.support.templates import ROOT
from tests.support.versions import programs

pytestmark = pytest.mark.long

# Policies, booking, what must hold of every row; and a stack, with its migrations, seed and worker's login.
TESTS = [
    "tests/sql/test_row_security.py",
    "tests/sql/test_book_appointment.py",
    "tests/sql/test_sound_rows.py",
    "tests/worker/test_jobs.py::TestExpireReservations",
    "tests/api/test_readme.py",
]


@pytest.mark.parametrize(
    "version", [pytest.param(v, marks=pytest.mark.xdist_group(f"Postgres {v}")) for v in (15, 17)]
)
def test_what_matters_most_runs_on_a_version(version: int) -> None:
    # A run of its own, with a server of its own.
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", VARIABLE))
    }
    environment = {**inherited, PROGRAMS: str(programs(version))}
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", *TESTS]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-10_000:]
