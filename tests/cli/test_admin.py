"""`chairtime admin` against the running stack."""

from __future__ import annotations

from uuid import uuid4

import pytest

from tests.cli.program import Program
from tests.support.stacks import PASSWORD


@pytest.fixture
def slug(desk: Program) -> str:
    """A clinic that was made on the command line."""
    slug = f"cli-{uuid4().hex[:10]}"
    made = desk.json("admin", "clinic", "create", slug, "--name", "North Side", "--time-zone", "Europe/Oslo")
    assert (made["slug"], made["time_zone"]) == (slug, "Europe/Oslo")
    return slug


def test_clinics_are_listed_in_both_renderings(desk: Program, slug: str) -> None:
    assert slug in {row["slug"] for row in desk.json("admin", "clinic", "list")}
    drawn = desk.ok("admin", "clinic", "list").out
    assert slug in drawn
    assert "Europe/Oslo" in drawn


def test_the_policy_is_shown_and_changed(desk: Program, slug: str) -> None:
    assert desk.json("admin", "clinic", "policy", slug)["min_notice"] == "01:00:00"
    changed = desk.json(
        "admin", "clinic", "policy", slug, "--min-notice", "2 hours", "--max-active-holds", "3"
    )
    assert (changed["min_notice"], changed["max_active_holds"]) == ("02:00:00", 3)
    assert "02:00:00" in desk.ok("admin", "clinic", "policy", slug).out
    refused = desk("admin", "clinic", "policy", slug, "--min-notice", "soon", "--json")
    assert (refused.code, refused.error["code"]) == (2, "invalid_argument")


def test_dentists_and_types_are_made_changed_and_listed(desk: Program, slug: str) -> None:
    made = desk.json("admin", "dentist", "create", slug, "Dr. Sam Ito", "--specialty", "Endodontics")
    assert (made["full_name"], made["specialty"], made["is_active"]) == ("Dr. Sam Ito", "Endodontics", True)
    assert desk.json("admin", "dentist", "update", slug, "ito", "--inactive")["is_active"] is False
    assert "Dr. Sam Ito" in desk.ok("admin", "dentist", "list", slug).out
    kind = desk.json(
        "admin", "type", "create", slug, "Whitening", "60 minutes", "--buffer-after", "10 minutes"
    )
    assert (kind["duration"], kind["buffer_after"]) == ("01:00:00", "00:10:00")
    changed = desk.json("admin", "type", "update", slug, "whit", "--duration", "50 minutes")
    assert (changed["id"], changed["duration"]) == (kind["id"], "00:50:00")
    assert "Whitening" in desk.ok("admin", "type", "list", slug).out


def test_users_get_and_lose_roles(desk: Program, slug: str) -> None:
    email = f"{uuid4().hex[:10]}@cli.test"
    made = desk.json("admin", "user", "create", email, "--name", "Kim Berg")
    assert made["email"] == email
    assert len(made["password"]) >= 16
    granted = desk.json("admin", "staff", "grant", slug, made["id"], "admin")
    assert (granted["user_id"], granted["role"]) == (made["id"], "admin")
    assert made["id"] in desk.ok("admin", "staff", "list", slug).out
    last = desk("admin", "staff", "revoke", slug, made["id"], "--yes", "--json")
    assert (last.code, last.error["code"]) == (4, "forbidden")
    desk.ok("admin", "staff", "grant", slug, "a0000000-0000-4000-8000-000000000001", "admin")
    assert desk("admin", "staff", "revoke", slug, made["id"]).code == 2
    assert desk.json("admin", "staff", "revoke", slug, made["id"], "--yes")["revoked"] is True
    again = desk("admin", "user", "create", email, "--json", CHAIRTIME_PASSWORD=PASSWORD)
    assert again.code == 1
    assert again.error["code"] == "email_exists"


def test_users_are_named_by_email_and_listed(desk: Program, slug: str) -> None:
    email = f"{uuid4().hex[:10]}@cli.test"
    made = desk.json("admin", "user", "create", email, "--name", "Robin Achterberg-Oosterhout")
    granted = desk.json("admin", "staff", "grant", slug, email.upper(), "receptionist")
    assert (granted["user_id"], granted["role"]) == (made["id"], "receptionist")
    listed = {row["email"]: row for row in desk.json("admin", "user", "list")}
    assert (listed[email]["id"], listed[email]["name"]) == (made["id"], "Robin Achterberg-Oosterhout")
    desk.ok("admin", "staff", "grant", slug, "admin@riverside.test", "admin")
    assert desk.json("admin", "staff", "revoke", slug, email, "--yes") == {
        "user_id": made["id"],
        "revoked": True,
    }


@pytest.mark.parametrize(
    ("listed", "words"),
    [
        (("user", "list"), ("a0000000-0000-4000-8000-000000000001", "admin@riverside.test")),
        (("staff", "list", "riverside"), ("a0000000-0000-4000-8000-000000000001", "receptionist")),
        (("clinic", "list"), ("c0000000-0000-4000-8000-000000000001", "America/New_York", "riverside")),
        (("dentist", "list", "riverside"), ("d0000000-0000-4000-8000-000000000001", "Endodontics")),
        (("type", "list", "riverside"), ("b0000000-0000-4000-8000-000000000001", "Check-up", "90 min")),
    ],
)
def test_lists_fit_into_80_columns_with_whole_words(
    desk: Program, listed: tuple[str, ...], words: tuple[str, ...]
) -> None:
    out = desk.ok("admin", *listed, COLUMNS="80").out
    assert [word for word in words if word not in out] == []
    assert max(map(len, out.splitlines())) <= 80


def test_a_given_password_is_not_printed(desk: Program) -> None:
    email = f"{uuid4().hex[:10]}@cli.test"
    made = desk.json("admin", "user", "create", email, CHAIRTIME_PASSWORD=PASSWORD)
    assert set(made) == {"id", "email"}
    assert desk.json("login", email, CHAIRTIME_PASSWORD=PASSWORD)["user_id"] == made["id"]


@pytest.mark.parametrize(
    ("arguments", "exit_code", "code"),
    [
        (
            ("clinic", "create", "Bad Slug", "--name", "x", "--time-zone", "Europe/Oslo"),
            2,
            "invalid_argument",
        ),
        (
            ("clinic", "create", "riverside", "--name", "x", "--time-zone", "Europe/Oslo"),
            2,
            "invalid_argument",
        ),
        (("clinic", "create", "mars", "--name", "x", "--time-zone", "Mars/One"), 2, "invalid_argument"),
        (("clinic", "create", "mars"), 2, "usage"),
        (("staff", "grant", "riverside", "6b1f0000-0000-4000-8000-000000000000", "admin"), 5, "not_found"),
        (
            ("staff", "grant", "riverside", "a0000000-0000-4000-8000-000000000001", "king"),
            2,
            "invalid_argument",
        ),
        (("staff", "grant", "riverside", "nobody@nowhere.test", "admin"), 5, "not_found"),
        (("dentist", "update", "riverside", "grace"), 2, "invalid_argument"),
        (("type", "create", "riverside", "X", "long"), 2, "invalid_argument"),
        (("dentist", "list", "nowhere"), 5, "not_found"),
    ],
)
def test_bad_input_is_told(desk: Program, arguments: tuple[str, ...], exit_code: int, code: str) -> None:
    refused = desk("admin", *arguments, "--json")
    assert (refused.code, refused.error["code"]) == (exit_code, code)


def test_a_receptionist_may_not_administer(desk: Program) -> None:
    desk.ok("login", "desk@riverside.test", CHAIRTIME_PASSWORD=PASSWORD)
    refused = desk("admin", "dentist", "create", "riverside", "Dr. No", "--json")
    assert (refused.code, refused.error["code"]) == (4, "forbidden")
