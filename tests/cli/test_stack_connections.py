"""A database connection that is lost costs one request an answer, and nobody anything else."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from supabase_auth.errors import AuthRetryableError

from tests.cli.stack_home import Home, eventually
from tests.support.crowds import Crowd, crowd, lost
from tests.support.stacks import Stack

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("stack")]

ROUNDS = 20
TERMINATE = """
select count(pg_terminate_backend(pid))
from (
  select pid from pg_stat_activity
  where usename in ('authenticator', 'supabase_auth_admin') and pid <> pg_backend_pid()
  order by random() limit %s
) as victims
"""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    home = Home.make(tmp_path_factory.mktemp("connections"))
    stack = Stack(home.up())
    yield stack
    stack.close()
    home.down()


def goes_on(seen: Crowd) -> None:
    """Wait until something more is acknowledged."""
    since = time.monotonic()
    eventually(lambda: seen.latest > since, "bookings go on")


def signs_in_again(stack: Stack) -> None:
    """Sign in; whose connection is being ended at this moment is told to try again."""

    def signed_in() -> bool:
        try:
            stack.sign_in("ana@patients.test")
        except AuthRetryableError:
            return False
        return True

    eventually(signed_in, "auth answers again")


@pytest.mark.parametrize("victims", [1, 100], ids=["one", "all"])
def test_connections_that_are_lost_under_load_leave_no_request_unanswered(stack: Stack, victims: int) -> None:
    with psycopg.connect(stack.superuser_url, autocommit=True) as root, crowd(stack) as seen:
        for _ in range(ROUNDS):
            goes_on(seen)
            root.execute(TERMINATE, [victims])
        goes_on(seen)
    assert seen.broken == {}
    assert seen.odd == []
    assert lost(stack, seen) == set()
    assert len(seen.acknowledged) > ROUNDS / 2


def test_auth_answers_again_after_its_connections_were_lost(stack: Stack) -> None:
    stack.sign_in("ana@patients.test")
    with psycopg.connect(stack.superuser_url, autocommit=True) as root:
        root.execute(TERMINATE, [100])
    signs_in_again(stack)


def test_auth_says_that_the_database_is_away(stack: Stack) -> None:
    http = stack.http()
    who = {"email": "ana@patients.test", "password": "chairtime-demo"}
    seen = Crowd()
    with psycopg.connect(stack.superuser_url, autocommit=True) as root:
        root.execute("alter role supabase_auth_admin connection limit 0")
        try:
            root.execute(TERMINATE, [100])
            for path in ("token?grant_type=password", "signup", "recover"):
                seen.note(http.post(f"{stack.api_url}/auth/v1/{path}", json=who))
        finally:
            root.execute("alter role supabase_auth_admin connection limit -1")
    assert seen.statuses == {503: 3}, seen
    assert seen.odd == []
    signs_in_again(stack)


def test_a_schema_that_changes_while_nobody_listens_is_served_all_the_same(stack: Stack) -> None:
    http = stack.http(key=stack.secret_key)
    with psycopg.connect(stack.superuser_url, autocommit=True) as root:
        root.execute(TERMINATE, [100])
        root.execute("create function api.made_meanwhile() returns integer language sql as 'select 42'")
        root.execute("grant execute on function api.made_meanwhile to service_role")
    eventually(lambda: http.post("/rpc/made_meanwhile", json={}).json() == 42, "it is served")


def test_a_refusal_is_one_line_in_the_logs(stack: Stack) -> None:
    logs = [Path(stack.status["logs"][name]) for name in ("lite", "postgres")]
    before = [log.stat().st_size for log in logs]
    refused = stack.http().post("/rpc/me", json={})
    assert refused.json()["code"] == "not_authenticated"
    for log, size in zip(logs, before, strict=True):
        said = log.read_bytes()[size:].decode()
        ours = [line for line in said.splitlines() if "checkpoint" not in line]
        assert len(ours) <= 1, said
        assert len(said) < 400
