"""What the embedded Auth adds to lite for patients, asked by the real client: guests, and links in mails."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
import jwt
import pytest
from supabase_auth.errors import AuthApiError, AuthWeakPasswordError

from tests.support.stacks import PASSWORD, Stack


def new_email() -> str:
    return f"{uuid4().hex[:12]}@made.test"


def claims(session: Any) -> dict[str, Any]:
    return jwt.decode(session.access_token, options={"verify_signature": False})


def link_in(mail: str) -> str:
    found = re.search(r"http\S+/auth/v1/verify\S+", mail)
    assert found, mail
    return found[0]


def follow(link: str) -> tuple[str, dict[str, str]]:
    """Follow a mailed link, which carries no key; return where it leads, and what it says there."""
    answer = httpx.get(link, trust_env=False, follow_redirects=False)
    assert answer.status_code == 303, answer.text
    target, _, fragment = answer.headers["location"].partition("#")
    return target, {name: value[0] for name, value in parse_qs(fragment).items()}


def test_a_guest_is_a_user_whose_tokens_say_so(stack: Stack) -> None:
    client = stack.client()
    guest = client.auth.sign_in_anonymously({"options": {"data": {"full_name": "Gina Guest"}}})
    assert guest.user.is_anonymous
    assert not guest.user.email
    assert (guest.user.app_metadata, guest.user.identities) == ({}, [])
    assert claims(guest.session)["is_anonymous"] is True
    assert claims(client.auth.refresh_session().session)["is_anonymous"] is True
    assert client.auth.get_user().user.is_anonymous
    me: Any = client.rpc("me").execute().data
    assert (me["is_guest"], me["profile"]["full_name"]) == (True, "Gina Guest")


def test_who_signs_up_with_an_address_is_no_guest(stack: Stack) -> None:
    client, email = stack.client(), new_email()
    session = client.auth.sign_up({"email": email, "password": PASSWORD}).session
    assert claims(session)["is_anonymous"] is False
    again = client.auth.sign_in_with_password({"email": email, "password": PASSWORD})
    assert claims(again.session)["is_anonymous"] is False
    headers = {"apikey": stack.publishable_key}
    for half in ({"password": PASSWORD}, {"email": email, "password": ""}, {"phone": "+12125550100"}):
        answer = httpx.post(f"{stack.api_url}/auth/v1/signup", json=half, headers=headers, trust_env=False)
        assert 400 <= answer.status_code < 500, half


def test_a_guest_becomes_an_account_and_stays_who_they_are(stack: Stack) -> None:
    client, email = stack.client(), new_email()
    guest = client.auth.sign_in_anonymously().user
    with pytest.raises(AuthApiError) as refused:
        client.auth.update_user({"password": PASSWORD})
    assert refused.value.status == 422
    with pytest.raises(AuthWeakPasswordError):
        client.auth.update_user({"email": new_email(), "password": "short"})
    assert client.auth.get_user().user.is_anonymous
    user = client.auth.update_user({"email": email.upper(), "password": PASSWORD}).user
    assert (user.id, user.email, user.is_anonymous) == (guest.id, email, False)
    assert [each.provider for each in user.identities] == ["email"]
    assert claims(client.auth.refresh_session().session)["is_anonymous"] is False
    again = stack.client().auth.sign_in_with_password({"email": email, "password": PASSWORD})
    assert again.user.id == guest.id
    late = stack.client()
    late.auth.sign_in_anonymously()
    with pytest.raises(AuthApiError) as refused:
        late.auth.update_user({"email": email, "password": PASSWORD})
    assert (refused.value.status, refused.value.code) == (422, "email_exists")


def test_a_forgotten_password_is_replaced_through_a_link_that_works_once(stack: Stack) -> None:
    client, email = stack.client(), new_email()
    client.auth.sign_up({"email": email, "password": PASSWORD})
    wanted = f"{stack.api_url}/new-password"
    stack.client().auth.reset_password_for_email(email, {"redirect_to": wanted})
    [mail] = stack.mails(email)
    target, told = follow(link_in(mail))
    assert (target, told["type"]) == (wanted, "recovery")
    there = stack.client()
    there.auth.set_session(told["access_token"], told["refresh_token"])
    there.auth.update_user({"password": "another-password"})
    stack.sign_in(email, "another-password")
    with pytest.raises(AuthApiError):
        stack.sign_in(email)
    _, told = follow(link_in(mail))
    assert told["error_code"] == "otp_expired"


def test_a_magic_link_or_its_code_signs_in_and_leads_nowhere_else(stack: Stack) -> None:
    email = new_email()
    stack.client().auth.sign_up({"email": email, "password": PASSWORD})
    for redirect in (f"{stack.api_url}/appointments", "https://evil.test/steal"):
        options = {"should_create_user": False, "email_redirect_to": redirect}
        stack.client().auth.sign_in_with_otp({"email": email, "options": options})
    good, bad = stack.mails(email)
    target, _ = follow(link_in(bad))
    assert urlsplit(target).netloc == urlsplit(stack.api_url).netloc
    assert parse_qs(urlsplit(link_in(good)).query)["redirect_to"] == [f"{stack.api_url}/appointments"]
    stack.client().auth.sign_in_with_otp({"email": email, "options": {"should_create_user": False}})
    code = re.search(r"code is: (\d{6})", stack.mails(email)[-1])
    assert code
    session = stack.client().auth.verify_otp({"email": email, "token": code[1], "type": "email"}).session
    assert claims(session)["email"] == email


def test_nobody_is_told_who_has_an_account(stack: Stack) -> None:
    stranger = new_email()
    stack.client().auth.reset_password_for_email(stranger)
    assert stack.mails(stranger) == []
