"""Auth's admin API, which the embedded stack adds to lite, asked by the real client and in its own words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
from supabase_auth.errors import AuthApiError

from tests.support.stacks import PASSWORD, Stack

ANA = "a0000000-0000-4000-8000-000000000021"


@pytest.fixture
def admin(stack: Stack) -> Any:
    return stack.client(key=stack.secret_key).auth.admin


@pytest.fixture
def http(stack: Stack) -> Iterator[httpx.Client]:
    headers = {"apikey": stack.secret_key}
    with httpx.Client(base_url=f"{stack.api_url}/auth/v1", headers=headers, trust_env=False) as client:
        yield client


def new_email() -> str:
    return f"{uuid4().hex[:12]}@made.test"


def make(admin: Any, **given: Any) -> Any:
    wanted = {"email": new_email(), "password": PASSWORD, "email_confirm": True, **given}
    return admin.create_user(wanted).user


def test_a_made_user_signs_in_and_has_a_profile(stack: Stack, admin: Any) -> None:
    user = make(admin, user_metadata={"full_name": "Nora [bold] Berg"}, app_metadata={"plan": "gold"})
    assert user.app_metadata == {"provider": "email", "providers": ["email"], "plan": "gold"}
    assert [identity.provider for identity in user.identities] == ["email"]
    me: Any = stack.sign_in(user.email).rpc("me").execute().data
    assert me["profile"]["full_name"] == "Nora [bold] Berg"


def test_an_email_is_one_however_it_is_written_and_taken_once(admin: Any) -> None:
    email = new_email()
    assert make(admin, email=email.upper()).email == email
    with pytest.raises(AuthApiError) as refused:
        make(admin, email=email)
    assert (refused.value.status, refused.value.code) == (422, "email_exists")


def test_an_unconfirmed_user_signs_in_only_when_confirmed(stack: Stack, admin: Any) -> None:
    user = make(admin, email_confirm=False)
    with pytest.raises(AuthApiError) as refused:
        stack.sign_in(user.email)
    assert refused.value.code == "email_not_confirmed"
    admin.update_user_by_id(user.id, {"email_confirm": True})
    stack.sign_in(user.email)


def test_users_are_listed_page_by_page(admin: Any, http: httpx.Client) -> None:
    made = {make(admin).id for _ in range(3)}
    # Other tests make users, too, who come first: until none came between two pages.
    first, second, again = (admin.list_users(page=page, per_page=2) for page in (1, 2, 1))
    while [user.id for user in again] != [user.id for user in first]:
        first, second, again = (admin.list_users(page=page, per_page=2) for page in (1, 2, 1))
    pages = [first, second]
    assert all(len(page) == 2 for page in pages)
    assert len({user.id for page in pages for user in page}) == 4
    answer = http.get("/admin/users", params={"per_page": 1000})
    assert made <= {user["id"] for user in answer.json()["users"]}
    assert int(answer.headers["x-total-count"]) >= len(made)
    assert admin.list_users(page=10_000, per_page=1000) == []


def test_a_user_is_changed_and_what_is_not_named_stays(stack: Stack, admin: Any) -> None:
    user = make(admin, user_metadata={"full_name": "Nora", "shoe": 38})
    changed = admin.update_user_by_id(
        user.id, {"user_metadata": {"shoe": None, "hat": [1]}, "password": "another-one"}
    ).user
    assert changed.user_metadata == {"full_name": "Nora", "hat": [1]}
    stack.sign_in(user.email, "another-one")
    with pytest.raises(AuthApiError):
        stack.sign_in(user.email)
    assert admin.get_user_by_id(user.id).user.email == user.email


def test_a_deleted_user_is_gone(stack: Stack, admin: Any) -> None:
    user = make(admin)
    admin.delete_user(user.id)
    for attempt in (admin.get_user_by_id, admin.delete_user):
        with pytest.raises(AuthApiError) as refused:
            attempt(user.id)
        assert (refused.value.status, refused.value.code) == (404, "user_not_found")
    with psycopg.connect(stack.superuser_url) as connection:
        left = connection.execute("select from auth.identities where user_id = %s", [user.id])
        assert left.rowcount == 0


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ""), ("POST", ""), ("GET", f"/{ANA}"), ("PUT", f"/{ANA}"), ("DELETE", f"/{ANA}")],
)
def test_only_the_secret_key_may(stack: Stack, http: httpx.Client, method: str, path: str) -> None:
    public = {"apikey": stack.publishable_key}
    for who in (public, {**public, "Authorization": f"Bearer {stack.token(ANA)}"}):
        refused = http.request(method, f"/admin/users{path}", headers=who, json={})
        assert (refused.status_code, refused.json()["error_code"]) == (403, "not_admin")
    assert http.get(f"/admin/users/{ANA}").json()["email"] == "ana@patients.test"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "bad_json"),
        (b"[]", 400, "bad_json"),
        (b"null", 400, "bad_json"),
        (b"{", 400, "bad_json"),
        ({}, 400, "validation_failed"),
        ({"email": "nobody"}, 400, "validation_failed"),
        ({"email": 5}, 400, "validation_failed"),
        ({"email": "a\0@b.test"}, 400, "validation_failed"),
        ({"email": "a@b.test", "password": 5}, 400, "validation_failed"),
        ({"email": "a@b.test", "password": "short"}, 422, "weak_password"),
        ({"email": "a@b.test", "password": "é" * 40}, 400, "validation_failed"),
        ({"email": "a@b.test", "email_confirm": "yes"}, 400, "validation_failed"),
        ({"email": "a@b.test", "user_metadata": []}, 400, "validation_failed"),
        ({"email": "a@b.test", "user_metadata": {"full_name": "\0"}}, 422, "validation_failed"),
        ({"email": "a@b.test", "id": "no-uuid"}, 400, "validation_failed"),
        ({"email": "a@b.test", "ban_duration": "a while"}, 400, "validation_failed"),
        ({"email": "a@b.test", "ban_duration": "9" * 300 + "h"}, 400, "validation_failed"),
        ({"email": f"{'a' * 300}@b.test"}, 422, "validation_failed"),
    ],
)
def test_a_body_that_cannot_be_is_refused(http: httpx.Client, body: Any, status: int, code: str) -> None:
    sent = {"content": body} if isinstance(body, bytes) else {"json": body}
    answer = http.post("/admin/users", **sent)
    assert (answer.status_code, answer.json()["error_code"]) == (status, code), answer.text


@pytest.mark.parametrize("query", ["page=-1", "page=x", "per_page=1.5", "per_page=-3", "page=1e300"])
def test_a_page_that_cannot_be_is_refused(http: httpx.Client, query: str) -> None:
    assert http.get(f"/admin/users?{query}").status_code == 400


def test_an_id_that_is_none_is_not_found(http: httpx.Client) -> None:
    for method in ("GET", "PUT", "DELETE"):
        assert http.request(method, "/admin/users/nobody", json={}).status_code == 404
    assert http.get("/admin/nothing").status_code == 404


@pytest.mark.parametrize("body", [[], 1, {"email": 5, "password": 5}, {"email": ["a"], "password": {}}])
@pytest.mark.parametrize(
    "path",
    [
        *("token?grant_type=password", "token?grant_type=refresh_token", "token?grant_type=pkce", "signup"),
        *("recover", "otp", "magiclink", "verify", "resend"),
    ],
)
def test_auth_refuses_bodies_of_the_wrong_shape(
    stack: Stack, http: httpx.Client, path: str, body: Any
) -> None:
    answer = http.post(f"/{path}", json=body, headers={"apikey": stack.publishable_key})
    assert answer.status_code == 400, answer.text
    assert answer.json()["error_code"] in {"bad_json", "validation_failed"}


@pytest.mark.parametrize(
    "given", [{"data": {"full_name": "a\0b"}}, {"email": f"{'e' * 3000}@made.test"}], ids=["nul", "long"]
)
def test_what_the_database_refuses_at_sign_up_is_the_requests_fault(
    http: httpx.Client, given: dict[str, Any]
) -> None:
    refused = http.post("/signup", json={"email": new_email(), "password": PASSWORD, **given})
    assert (refused.status_code, refused.json()["error_code"]) == (422, "validation_failed")
    assert "retry-after" not in refused.headers
