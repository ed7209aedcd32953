"""`chairtime events tail` outlives the token it started with."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import jwt
import pytest

from cli.api import sign_in
from cli.commands.events import Access
from cli.project import Project
from tests.support.stacks import PASSWORD, Stack

pytestmark = [
    # The supabase client has no way to close its connections: a command's end with its process.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    # It passes on to its own parts what they no longer want.
    pytest.mark.filterwarnings("ignore:The '(timeout|verify)' parameter is deprecated:DeprecationWarning"),
]

EXPIRED = jwt.encode({"exp": 1}, "whoever-signed-this-it-has-run-out-long-ago", "HS256")


@pytest.fixture
def project(stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A folder of one's own, for the session, and the shared stack by its variables."""
    monkeypatch.setenv("SUPABASE_URL", stack.api_url)
    monkeypatch.setenv("SUPABASE_PUBLISHABLE_KEY", stack.publishable_key)
    yield Project(tmp_path)
    gc.collect()  # now, while what it finds is not held against the next test


def test_a_session_is_renewed_when_its_token_has_run_out(project: Project):
    sign_in(project, "desk@riverside.test", PASSWORD)
    access = Access(project)
    assert access.token() == access.token()
    access._token = EXPIRED
    renewed = access.token()
    assert renewed != EXPIRED
    assert access.api().rpc("me")["email"] == "desk@riverside.test"


def test_a_visitor_comes_with_the_publishable_key(project: Project, stack: Stack):
    assert Access(project).token() == stack.publishable_key


def test_without_a_session_the_secret_key_is_used(
    project: Project, stack: Stack, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SUPABASE_SECRET_KEY", stack.secret_key)
    access = Access(project)
    assert access.token() == access.key == stack.secret_key
