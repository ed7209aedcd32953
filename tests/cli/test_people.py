"""Patients, families, invitations, histories and one's own data on the command line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from tests.cli.program import Program
from tests.support.build import MadeClinic, make_clinic
from tests.support.stacks import PASSWORD, Stack


@pytest.fixture
def clinic(stack: Stack) -> Iterator[MadeClinic]:
    """A clinic of one's own."""
    actors = stack.actors()
    yield make_clinic(actors.superuser())
    actors.close()


@pytest.fixture
def rosa(desk: Program, clinic: MadeClinic) -> dict[str, Any]:
    """Somebody the clinic knows well."""
    about = ("--phone", "+41 44 555 01 32", "--born", "1984-02-29", "--note", "Needs the lift")
    made: dict[str, Any] = desk.json("admin", "patient", "create", clinic.slug, "Rósa Müller", *about)
    return made


def when(clinic: MadeClinic, clock: str) -> str:
    return clinic.at(clock).strftime("%Y-%m-%dT%H:%M")


def book(desk: Program, clinic: MadeClinic, clock: str, patient: str) -> str:
    where = ("book", clinic.slug, "check", when(clinic, clock), "--dentist", "lee", "--patient", patient)
    booked: str = desk.json(*where)["id"]
    return booked


def sign_up(desk: Program) -> str:
    """Make an account, sign in with it, and return its address."""
    email = f"{uuid4().hex[:12]}@cli.test"
    desk.ok("admin", "user", "create", email, "--name", "Robin Berg", CHAIRTIME_PASSWORD=PASSWORD)
    sign_in(desk, email)
    return email


def sign_in(desk: Program, email: str) -> None:
    desk.ok("login", email, CHAIRTIME_PASSWORD=PASSWORD)


@pytest.mark.parametrize("words", [("muller", "ros"), ("044 555 0132",), ("1984-02-29",)])
def test_a_patient_is_found_by_parts_of_what_is_known(
    desk: Program, clinic: MadeClinic, rosa: dict[str, Any], words: tuple[str, ...]
) -> None:
    book(desk, clinic, "09:00", rosa["id"])
    (found,) = desk.json("admin", "patient", "search", clinic.slug, *words)
    assert (found["id"], found["full_name"]) == (rosa["id"], "Rósa Müller")
    assert (found["next_visit"] is None, found["last_visit"]) == (False, None)
    drawn = desk.ok("admin", "patient", "search", clinic.slug, *words).out
    assert rosa["id"] in drawn
    assert "09:00" in drawn


def test_a_record_shows_who_acts_for_the_patient_and_the_latest_visits(
    desk: Program, clinic: MadeClinic, rosa: dict[str, Any], stack: Stack
) -> None:
    visits = [book(desk, clinic, clock, "muller") for clock in ("09:00", "10:00")]
    actors = stack.actors()
    actors.superuser().execute(
        "insert into clinic.guardians (clinic_id, patient_id, user_id, relation) values (%s, %s, %s, %s)",
        [clinic.id, rosa["id"], clinic.users["bot"], "child"],
    )
    actors.close()
    known = desk.json("admin", "patient", "show", clinic.slug, "muller")
    assert known["patient"]["staff_notes"] == "Needs the lift"
    assert [row["relation"] for row in known["guardians"]] == ["child"]
    assert [row["id"] for row in known["visits"]] == visits[::-1]
    drawn = desk.ok("admin", "patient", "show", clinic.slug, "muller").out
    assert [
        word for word in ("Needs the lift", "1984-02-29", "child", "Check-up", "Lee") if word not in drawn
    ] == []


def test_who_may_be_there_already_is_named_before_they_are_recorded_again(
    desk: Program, clinic: MadeClinic, rosa: dict[str, Any]
) -> None:
    again = ("admin", "patient", "create", clinic.slug, "Rosa Muller")
    refused = desk(*again, "--json")
    assert (refused.code, refused.error["code"]) == (1, "similar_patients")
    assert [row["id"] for row in refused.error["details"]] == [rosa["id"]]
    assert "1984-02-29" in desk(*again).err
    assert len(desk.json("admin", "patient", "search", clinic.slug, "muller")) == 1
    assert desk.json(*again, "--force")["id"] != rosa["id"]


def test_what_is_known_is_changed_and_removed(
    desk: Program, clinic: MadeClinic, rosa: dict[str, Any]
) -> None:
    change = ("admin", "patient", "update", clinic.slug, rosa["id"])
    changed = desk.json(*change, "--email", "rosa@made.test", "--phone", "", "--born", "")
    assert (changed["email"], changed["phone"], changed["birth_date"]) == ("rosa@made.test", None, None)
    assert changed["staff_notes"] == "Needs the lift"
    assert desk(*change).code == 2
    refused = desk(*change, "--born", "29.02.1984", "--json")
    assert (refused.code, refused.error["code"]) == (2, "invalid_argument")


def test_two_records_become_one_after_a_look(desk: Program, clinic: MadeClinic, rosa: dict[str, Any]) -> None:
    other = desk.json("admin", "patient", "create", clinic.slug, "R. Mueller", "--email", "r@made.test")
    visit = book(desk, clinic, "09:00", other["id"])
    merge = ("admin", "patient", "merge", clinic.slug, rosa["id"], other["id"])
    planned = desk.json(*merge, "--dry-run")
    assert (planned["keep"]["id"], planned["merge"]["id"], planned["visits"]) == (rosa["id"], other["id"], 1)
    assert "Nothing is changed yet; 1 visit would move" in desk.ok(*merge, "--dry-run").out
    assert desk(*merge).code == 2
    assert desk.json(*merge, "--yes")["email"] == "r@made.test"
    shown = desk.json("admin", "patient", "show", clinic.slug, other["id"])
    assert (shown["patient"]["id"], [row["id"] for row in shown["visits"]]) == (rosa["id"], [visit])


def test_a_patient_links_the_record_with_a_code_and_the_birth_date(
    desk: Program, clinic: MadeClinic, rosa: dict[str, Any]
) -> None:
    code = desk.json("admin", "patient", "invite", clinic.slug, "muller")["code"]
    sign_up(desk)
    wrong = desk("me", "claim", code, "--born", "1984-03-01", "--json")
    assert (wrong.code, wrong.error["code"]) == (5, "not_found")
    linked = desk.json("me", "claim", code.lower(), "--born", "1984-02-29")
    assert linked["id"] == rosa["id"]
    assert "staff_notes" not in linked
    assert desk("me", "claim", code, "--born", "1984-02-29").code == 5


def test_a_guardian_books_for_whom_they_act_by_name(
    desk: Program, clinic: MadeClinic, rosa: dict[str, Any]
) -> None:
    invite = ("admin", "patient", "invite", clinic.slug, "muller", "--relation", "child")
    code = desk.json(*invite)["code"]
    sign_up(desk)
    desk.ok("me", "claim", code, "--born", "1984-02-29")
    visit = book(desk, clinic, "11:00", "Müller")
    desk.ok("logout")
    shown = desk.json("admin", "patient", "show", clinic.slug, "muller")
    assert [row["id"] for row in shown["visits"]] == [visit]


def test_a_patient_is_erased_for_a_reason(desk: Program, clinic: MadeClinic, rosa: dict[str, Any]) -> None:
    erase = ("admin", "patient", "erase", clinic.slug, rosa["id"])
    assert desk(*erase, "--yes").code == 2
    assert desk(*erase, "--reason", "By letter").code == 2
    assert desk.json(*erase, "--reason", "By letter", "--yes") == {"patient_id": rosa["id"], "erased": True}
    assert desk.json("admin", "patient", "search", clinic.slug, "muller") == []
    assert "Müller" not in desk.ok("admin", "patient", "show", clinic.slug, rosa["id"]).out


def test_somebody_joins_the_staff_by_invitation(desk: Program, clinic: MadeClinic) -> None:
    email = sign_up(desk)
    desk.ok("logout")
    invite = ("admin", "staff", "invite", clinic.slug)
    told = desk.json(*invite, email, "dentist", "--dentist", "other")
    void = desk.json(*invite, "gone@cli.test", "admin")["invitation_id"]
    assert email in desk.ok("admin", "staff", "invitations", clinic.slug).out
    revoke = ("admin", "staff", "revoke-invitation", void)
    assert desk(*revoke).code == 2
    assert desk.json(*revoke, "--yes")["revoked"] is True
    left = desk.json("admin", "staff", "invitations", clinic.slug)
    assert [row["id"] for row in left] == [told["invitation_id"]]
    sign_in(desk, email)
    wrong = desk("me", "join", "AAAA-BBBB-CCCC", "--json")
    assert (wrong.code, wrong.error["code"]) == (5, "not_found")
    assert desk.json("me", "join", told["code"])["role"] == "dentist"
    desk.ok("logout")
    assert desk.json("admin", "staff", "invitations", clinic.slug) == []


def test_only_the_secret_key_takes_somebody_on_without_their_doing(
    desk: Program, clinic: MadeClinic, stack: Stack
) -> None:
    admin, grant = sign_up(desk), ("admin", "staff", "grant", clinic.slug)
    desk.ok("logout")
    desk.ok(*grant, admin, "admin")
    sign_in(desk, admin)
    stranger = "a0000000-0000-4000-8000-000000000021"
    refused = desk(*grant, stranger, "receptionist", "--json")
    assert (refused.code, refused.error["code"]) == (4, "forbidden")
    assert "invite_staff" in refused.error["hint"]


def test_an_appointments_history_says_who_did_what(
    desk: Program, clinic: MadeClinic, rosa: dict[str, Any]
) -> None:
    visit = book(desk, clinic, "09:00", rosa["id"])
    desk.ok("move", visit, when(clinic, "10:30"))
    desk.ok("cancel", visit, "--yes")
    rows = desk.json("history", visit)
    assert [row["action"] for row in rows] == ["booked", "moved", "cancelled"]
    assert {row["role"] for row in rows} == {"service"}
    assert "starts_at" in rows[1]["changes"]
    drawn = desk.ok("history", visit).out
    assert [
        word for word in ("booked", "moved", "cancelled", "reschedule_appointment") if word not in drawn
    ] == []
    assert desk("history", str(uuid4())).code == 5


def test_the_audit_log_is_read_the_newest_first(
    desk: Program, clinic: MadeClinic, rosa: dict[str, Any]
) -> None:
    desk.ok("admin", "patient", "update", clinic.slug, rosa["id"], "--phone", "+41 44 555 01 33")
    newest, oldest = desk.json("admin", "audit", clinic.slug, "--of", rosa["id"])
    assert (newest["action"], newest["after"]) == ("update", {"phone": "+41 44 555 01 33"})
    assert (oldest["action"], oldest["entity"]) == ("insert", "patients")
    assert len(desk.json("admin", "audit", clinic.slug, "--limit", "1")) == 1
    drawn = desk.ok("admin", "audit", clinic.slug, "--of", rosa["id"]).out
    assert "+41 44 555 01 32 → +41 44 555 01 33" in drawn
    assert "Nothing is known" in desk.ok("admin", "audit", clinic.slug, "--by", str(uuid4())).out


def test_one_reads_what_is_known_of_oneself_and_is_forgotten(desk: Program) -> None:
    email = sign_up(desk)
    known = desk.json("me", "export")
    assert (known["email"], known["profile"]["full_name"]) == (email, "Robin Berg")
    assert desk("me", "erase").code == 2
    assert desk.json("me", "erase", "--yes")["erased"] is True
    assert desk.json("logout")["signed_out"] is False
    assert email not in {row["email"] for row in desk.json("admin", "user", "list")}


def test_the_clinic_says_how_long_it_keeps_what_and_asks_for_a_second_factor(
    desk: Program, clinic: MadeClinic
) -> None:
    policy = ("admin", "clinic", "policy", clinic.slug)
    changed = desk.json(
        *policy, "--audit-retention", "10 years", "--patient-retention", "15 years", "--require-mfa"
    )
    assert (changed["audit_retention"], changed["patient_retention"]) == ("10 years", "15 years")
    assert changed["require_mfa"] is True
    assert desk.json(*policy, "--no-require-mfa")["require_mfa"] is False
