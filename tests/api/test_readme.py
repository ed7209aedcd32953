"""The README's examples of the API run as they stand, one after the other, against a stack."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import psycopg

from tests.support.stacks import Stack
from tests.support.templates import ROOT

README = ROOT / "README.md"
FENCE = re.compile(r"^```bash\n(.*?)^```$", re.MULTILINE | re.DOTALL)

# The design that Chairtime replaces: each of its endpoints has an example.
ENDPOINTS = (
    "GET /api/appointments",
    "POST /api/appointments",
    "PUT /api/appointments",
    "DELETE /api/appointments",
    "GET /api/availability/:dentistId",
    "GET /api/availability/:dentistId/slots",
    "POST /api/availability/:dentistId/reserve",
    "GET /api/profiles/me",
    "GET /api/profiles/dentists",
    "GET /health",
)


def chapter(title: str) -> str:
    """Return a chapter of the README, up to the next heading of its level."""
    _, found, rest = README.read_text().partition(f"\n## {title}\n")
    assert found, f"the README has no chapter {title!r}"
    return rest.partition("\n## ")[0]


def test_every_endpoint_of_the_original_backend_has_an_example() -> None:
    text = chapter("The API")
    assert not [endpoint for endpoint in ENDPOINTS if endpoint not in text]


def test_the_examples_of_the_api_work_as_they_stand(stack: Stack, tmp_path: Path) -> None:
    examples: list[str] = FENCE.findall(chapter("The API"))
    assert len(examples) >= len(ENDPOINTS)
    # Variables of one example are used by the next; the trace tells which of them failed.
    script = "set -euo pipefail\n" + "".join(
        f"echo '--- example {number}' >&2\n{example}" for number, example in enumerate(examples, start=1)
    )
    environment = {**os.environ, "API_URL": stack.api_url, "PUBLISHABLE_KEY": stack.publishable_key}
    done = subprocess.run(
        ["bash", "-c", script], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert f"--- example {len(examples)}" in done.stderr
    assert '"code"' not in done.stdout.replace('"code": null', "").replace('"code":null', "")


def test_the_api_s_table_names_every_function_and_every_view(stack: Stack) -> None:
    with psycopg.connect(stack.superuser_url) as connection:
        exposed = connection.execute(
            "select proname from pg_proc where pronamespace = 'api'::regnamespace union"
            " select relname from pg_class where relnamespace = 'api'::regnamespace and relkind = 'v'"
        ).fetchall()
    named = set(re.findall(r"`(\w+)`", chapter("The API")))
    assert {name for (name,) in exposed} <= named
