"""What clients meet at the stack's one origin: keys, tokens, preflights, pages, and a database to trust."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import psycopg
import pytest

from tests.cli.stack_home import eventually
from tests.support.stacks import PASSWORD, Stack

CHECK_UP = "b0000000-0000-4000-8000-000000000001"


@pytest.fixture
def http(stack: Stack) -> Iterator[httpx.Client]:
    """A client that sends nothing of its own accord: what curl would send."""
    with httpx.Client(base_url=stack.api_url, trust_env=False, timeout=60) as client:
        yield client


@pytest.fixture
def key(stack: Stack) -> dict[str, str]:
    return {"apikey": stack.publishable_key}


def sign_in(http: httpx.Client, key: dict[str, str], email: str) -> dict[str, str]:
    answer = http.post(
        "/auth/v1/token",
        params={"grant_type": "password"},
        headers=key,
        json={"email": email, "password": PASSWORD},
    )
    assert answer.status_code == 200, answer.text
    return {**key, "Authorization": f"Bearer {answer.json()['access_token']}"}


def free_slot(http: httpx.Client, key: dict[str, str]) -> dict[str, str]:
    """Find a slot far from those that other tests take."""
    first = (datetime.now(UTC) + timedelta(days=30)).date()
    days = {"from_date": str(first), "to_date": str(first + timedelta(days=7))}
    answer = http.post(
        "/rest/v1/rpc/available_slots", headers=key, json={"appointment_type_id": CHECK_UP, **days}
    )
    slot: dict[str, str] = answer.json()[-1]
    return slot


def test_plain_http_books_an_appointment(http: httpx.Client, key: dict[str, str]) -> None:
    ana = sign_in(http, key, "ana@patients.test")
    slot = free_slot(http, key)
    wanted = {
        "dentist_id": slot["dentist_id"],
        "appointment_type_id": CHECK_UP,
        "starts_at": slot["starts_at"],
    }
    booked = http.post("/rest/v1/rpc/book_appointment", headers=ana, json=wanted)
    assert booked.status_code == 200
    assert booked.json()["status"] == "booked"
    again = http.post("/rest/v1/rpc/book_appointment", headers=ana, json=wanted)
    assert (again.status_code, again.json()["code"]) == (409, "slot_taken")


def test_without_a_key_or_with_a_wrong_one_nothing_answers(http: httpx.Client) -> None:
    for headers in ({}, {"apikey": "sb_publishable_nobody"}):
        for path in ("/rest/v1/clinics", "/auth/v1/user"):
            assert http.get(path, headers=headers).status_code == 401


@pytest.mark.parametrize("name", ["publishable_key", "anon_key"])
def test_either_form_of_the_public_key_is_anon(stack: Stack, http: httpx.Client, name: str) -> None:
    for sent in ({"headers": {"apikey": stack.status[name]}}, {"params": {"apikey": stack.status[name]}}):
        answer = http.get("/rest/v1/clinics", **sent)  # type: ignore[arg-type]
        assert answer.status_code == 200
        assert {row["slug"] for row in answer.json()} >= {"riverside", "sakura"}
    refused = http.post("/rest/v1/rpc/me", headers={"apikey": stack.status[name]}, json={})
    assert refused.json()["code"] == "not_authenticated"


@pytest.mark.parametrize("name", ["secret_key", "service_role_key"])
def test_either_form_of_the_secret_key_is_the_service_role(
    stack: Stack, http: httpx.Client, name: str
) -> None:
    secret = stack.status[name]
    for headers in ({"apikey": secret}, {"apikey": secret, "Authorization": f"Bearer {secret}"}):
        assert len(http.get("/rest/v1/staff", headers=headers).json()) >= 8


def test_tokens_that_are_expired_forged_or_of_a_foreign_role_are_refused(
    stack: Stack, http: httpx.Client
) -> None:
    def token(secret: str = stack.status["jwt_secret"], age: int = 0, role: str = "authenticated") -> str:
        claims = {
            "sub": "a0000000-0000-4000-8000-000000000021",
            "role": role,
            "exp": int(time.time()) + 3600 - age,
        }
        return jwt.encode(claims, secret, "HS256")

    def ask(bearer: str) -> httpx.Response:
        headers = {"apikey": stack.publishable_key, "Authorization": f"Bearer {bearer}"}
        return http.post("/rest/v1/rpc/me", headers=headers, json={})

    assert ask(token()).json()["email"] == "ana@patients.test"
    for bad in (token(age=7200), token(secret="x" * 40), token(role="postgres"), "nonsense", "a.b.c"):
        assert ask(bad).status_code == 401


def test_only_the_exposed_schema_is_served(http: httpx.Client, key: dict[str, str]) -> None:
    for schema in ("clinic", "auth", "public", "realtime"):
        answer = http.get("/rest/v1/clinics", headers={**key, "Accept-Profile": schema})
        assert (answer.status_code, answer.json()["code"]) == (406, "PGRST106")


@pytest.mark.parametrize(
    "path", ["/rest/v1/rpc/me", "/rest/v1/clinics", "/auth/v1/token", "/rest/v1/unknown"]
)
def test_browsers_may_call_from_any_origin(http: httpx.Client, path: str) -> None:
    asked = {
        "Origin": "https://dentist.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "apikey, authorization, content-profile, content-type",
    }
    answer = http.options(path, headers=asked)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "content-profile" in answer.headers["access-control-allow-headers"]


def test_answers_name_one_allowed_origin(http: httpx.Client, key: dict[str, str]) -> None:
    answer = http.get("/rest/v1/clinics", headers={**key, "Origin": "https://dentist.example"})
    assert answer.headers.get_list("access-control-allow-origin") == ["*"]


def test_times_are_iso_8601_in_auth_and_in_the_data_api(http: httpx.Client, key: dict[str, str]) -> None:
    ana = sign_in(http, key, "ana@patients.test")
    instants = [
        http.get("/auth/v1/user", headers=ana).json()["created_at"],
        free_slot(http, key)["starts_at"],
    ]
    for instant in instants:
        assert datetime.fromisoformat(instant).utcoffset() == timedelta(0)
        assert instant[10] == "T"
        assert instant.endswith("+00:00")


VALID = '[{"weekday": 1, "opens": "09:00", "closes": "12:00"}]'


@pytest.mark.parametrize(
    "weekly",
    [
        [],
        {},
        "text",
        '"text"',
        1,
        None,
        True,
        [{"weekday": 1}],
        '[{"weekday": 9}]',
        [[]],
        "[]",
        " [ ]",
        VALID,
    ],
)
def test_json_arguments_reach_the_database_as_sent(stack: Stack, http: httpx.Client, weekly: Any) -> None:
    # In the schema `api` only these take JSON; a dry run that is refused names what is wrong with it.
    dentist = "d0000000-0000-4000-8000-000000000002"
    headers = {"apikey": stack.secret_key}
    answer = http.post(
        "/rest/v1/rpc/set_availability",
        headers=headers,
        json={"dentist_id": dentist, "weekly": weekly, "dry_run": True},
    )
    expected = 200 if weekly == [] else 400
    assert answer.status_code == expected, answer.text


def test_nothing_is_granted_beyond_the_migrations(
    stack: Stack, http: httpx.Client, key: dict[str, str]
) -> None:
    # @supabase/lite by itself grants everything on every table with row level security.
    assert http.get("/rest/v1/clinics", headers=key).status_code == 200
    with psycopg.connect(stack.superuser_url) as connection:
        granted = connection.execute(
            "select c.oid::regclass::text, r.name"
            " from pg_class as c, unnest(array['anon', 'authenticated']) as r (name)"
            " where c.relnamespace = 'clinic'::regnamespace and c.relkind in ('r', 'p')"
            " and has_table_privilege(r.name, c.oid, 'insert, update, delete, truncate')"
        ).fetchall()
    assert granted == []


def test_a_new_function_is_served_without_a_restart(stack: Stack, http: httpx.Client) -> None:
    headers = {"apikey": stack.secret_key}
    function = f"made_{time.monotonic_ns()}"
    with psycopg.connect(stack.status["db_url"], autocommit=True) as connection:
        connection.execute(f"create function api.{function}() returns integer language sql as 'select 42'")
        connection.execute(f"grant execute on function api.{function} to service_role")
        try:
            eventually(
                lambda: http.post(f"/rest/v1/rpc/{function}", headers=headers, json={}).json() == 42,
                "it is served",
            )
        finally:
            connection.execute(f"drop function api.{function}")


def test_the_caller_is_known_with_either_form_of_claims(stack: Stack) -> None:
    # PostgREST sets `request.jwt.claims`, older servers a setting for each claim; auth.uid() reads both.
    user = "a0000000-0000-4000-8000-000000000021"
    with psycopg.connect(stack.superuser_url) as connection:
        for name, value in (
            ("request.jwt.claims", json.dumps({"sub": user})),
            ("request.jwt.claim.sub", user),
        ):
            connection.execute("select set_config(%s, %s, true)", (name, value))
            row = connection.execute("select auth.uid()::text").fetchone()
            assert row == (user,)
            connection.rollback()


def test_postgres_is_no_superuser_and_the_servers_have_roles_of_their_own(stack: Stack) -> None:
    with psycopg.connect(stack.status["db_url"]) as connection:
        superusers = connection.execute("select rolname from pg_roles where rolsuper").fetchall()
        logged_in = connection.execute(
            "select distinct usename from pg_stat_activity where client_addr is not null"
        )
        assert superusers == [("supabase_admin",)]
        assert {name for (name,) in logged_in} >= {
            "authenticator",
            "supabase_auth_admin",
            "chairtime_worker_login",
        }


def test_signing_up_makes_a_profile(stack: Stack) -> None:
    client = stack.client()
    email = f"new-{time.monotonic_ns()}@patients.test"
    client.auth.sign_up(
        {"email": email, "password": PASSWORD, "options": {"data": {"full_name": "New Patient"}}}
    )
    me: Any = client.rpc("me").execute().data
    assert me["email"] == email
    assert me["profile"]["full_name"] == "New Patient"


def test_the_web_app_learns_the_public_key_and_no_other(stack: Stack, http: httpx.Client) -> None:
    assert http.get("/config.json").json() == {"publishable_key": stack.publishable_key}


@pytest.mark.parametrize(
    "path", ["/%2e%2e/%2e%2e/pyproject.toml", "/..%2f..%2fpyproject.toml", "/assets/../../package.json"]
)
def test_no_path_leads_out_of_the_web_app(http: httpx.Client, path: str) -> None:
    answer = http.get(path)
    assert "chairtime-web" not in answer.text
    assert "[project]" not in answer.text
