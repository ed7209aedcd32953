"""Joining: a record and a login become one, and somebody joins the staff, by their own doing alone."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.support.actors import Actors, Connection, Row, call
from tests.support.clinics import Clinic
from tests.support.people import heard, login, record, saying
from tests.support.refusals import refused
from tests.support.slots import book

BORN = "1984-02-29"


@pytest.fixture
def walk_in(desk: Connection, riverside: Clinic) -> Row:
    """Ana's record as the desk made it, with a visit; her birth date is known."""
    row = record(desk, riverside, "Ana Ferreira", birth_date=BORN, staff_notes="Anxious")
    book(desk, riverside, riverside.at("09:00"), patient_id=row["id"])
    return row


def invite(connection: Connection, patient: Row, **more: Any) -> str:
    """Invite a patient, or a guardian; return the code."""
    code: str = call(connection, "invite_patient", patient_id=patient["id"], **more)["code"]
    return code


def claim(connection: Connection, code: str, **more: Any) -> bool:
    """Use a patient's code; return whether it was accepted."""
    answer = call(connection, "claim_patient", code=code, **more)
    if not answer["accepted"]:
        assert answer.keys() == {"accepted", "code", "message", "hint"}
        assert answer["code"] == "not_found"
    accepted: bool = answer["accepted"]
    return accepted


def wait(superuser: Connection, interval: str) -> None:
    """Let time pass for invitations and attempts."""
    superuser.execute("update clinic.invitations set expires_at = expires_at - %s::interval", [interval])
    superuser.execute(
        "update clinic.join_attempts set attempted_at = attempted_at - %s::interval", [interval]
    )


def test_a_code_links_the_record_once_and_its_visits_are_the_logins(
    ana: Connection, ben: Connection, desk: Connection, superuser: Connection, riverside: Clinic, walk_in: Row
) -> None:
    answer = call(desk, "invite_patient", patient_id=walk_in["id"])
    assert re.fullmatch(r"[2-9A-HJ-NP-Z]{4}(-[2-9A-HJ-NP-Z]{4}){2}", answer["code"])
    typed = answer["code"].lower().replace("-", " ")
    answer = call(ana, "claim_patient", code=f" {typed} ", birth_date=BORN)
    assert answer["accepted"]
    assert answer["patient"]["id"] == str(walk_in["id"])
    assert "Anxious" not in str(answer)
    assert ana.execute("select patient_id from api.appointments").fetchall() == [
        {"patient_id": walk_in["id"]}
    ]
    assert call(ana, "me")["memberships"][0]["patient_id"] == str(walk_in["id"])
    for somebody in (ana, ben):
        assert not claim(somebody, typed, birth_date=BORN), "a code is used once"
    # One is now one person: not in two chairs, whoever books.
    with refused("patient_busy"):
        book(ana, riverside, riverside.at("09:00"), dentist_id=riverside.other)
    with refused("invalid_argument"):
        invite(desk, walk_in)


def test_a_claim_takes_in_ones_own_record_unless_its_visits_overlap(
    ana: Connection, desk: Connection, superuser: Connection, riverside: Clinic, walk_in: Row
) -> None:
    own = book(ana, riverside, riverside.at("09:00"), dentist_id=riverside.other)
    code = invite(desk, walk_in)
    with refused("patient_busy"):
        claim(ana, code, birth_date=BORN)
    assert ana.execute("select from api.appointments").rowcount == 1, "nothing was linked"
    call(ana, "cancel_appointment", appointment_id=own["id"])
    later = book(ana, riverside, riverside.at("11:00"))
    assert claim(ana, code, birth_date=BORN), "the code was not spent"
    visits = ana.execute("select patient_id from api.appointments where status = 'booked'").fetchall()
    assert visits == [{"patient_id": walk_in["id"]}] * 2
    assert {str(later["id"])} < {event.get("appointment_id") for event in heard(ana)} | {None}
    with refused("patient_busy"):
        book(desk, riverside, riverside.at("11:00"), dentist_id=riverside.other, patient_id=walk_in["id"])
    assert superuser.execute("select from clinic.check_invariants()").rowcount == 0


def test_a_code_ends_with_the_week_with_the_next_one_and_with_the_desks_word(
    ana: Connection, desk: Connection, superuser: Connection, walk_in: Row
) -> None:
    old = invite(desk, walk_in)
    new = invite(desk, walk_in)
    carers = invite(desk, walk_in, relation="carer")  # another one's, which voids no other
    assert not claim(ana, old, birth_date=BORN)
    wait(superuser, "6 days 23 hours")
    assert claim(ana, carers, birth_date=BORN)
    wait(superuser, "2 hours")
    assert not claim(ana, new, birth_date=BORN)
    answer = call(desk, "invite_patient", patient_id=walk_in["id"])
    assert call(desk, "revoke_invitation", invitation_id=answer["invitation_id"]) is True
    assert not claim(ana, answer["code"], birth_date=BORN)
    with refused("not_found"):
        call(desk, "revoke_invitation", invitation_id=answer["invitation_id"])


def test_a_code_for_the_patient_and_one_for_a_guardian_both_hold_and_a_newer_one_voids_its_like(
    ana: Connection, ben: Connection, desk: Connection, walk_in: Row
) -> None:
    guardians, own = invite(desk, walk_in, relation="carer"), invite(desk, walk_in)
    newer = invite(desk, walk_in, relation="parent")
    assert not claim(ben, guardians, birth_date=BORN)
    assert claim(ana, own, birth_date=BORN)
    assert claim(ben, newer, birth_date=BORN)


def test_five_wrong_birth_dates_end_a_code(
    actors: Actors, ana: Connection, desk: Connection, walk_in: Row
) -> None:
    code = invite(desk, walk_in)
    for day in ("1984-02-28", None, "1984-03-01", "1985-03-01"):
        assert not claim(ana, code, birth_date=day)
    assert not claim(actors.user("ben@patients.test"), code, birth_date="1990-01-01")
    assert not claim(ana, code, birth_date=BORN)
    code = invite(desk, walk_in)
    for day in ("1984-02-28", None, "1984-03-01", "1985-03-01"):
        assert not claim(ana, code, birth_date=day)
    assert claim(ana, code, birth_date=BORN)


def test_ten_wrong_codes_an_hour_are_all_a_login_may_try(
    ana: Connection, ben: Connection, desk: Connection, superuser: Connection, walk_in: Row, riverside: Clinic
) -> None:  # fmt: skip
    code = invite(desk, walk_in)
    for n in range(5):
        assert not claim(ana, f"ABCD-EFGH-JKL{n + 2}")
        assert not call(ana, "accept_staff_invitation", code=f"ABCD-EFGH-JKM{n + 2}")["accepted"]
    with refused("booking_limit"):
        claim(ana, code, birth_date=BORN)
    with refused("booking_limit"):
        call(ana, "accept_staff_invitation", code=code)
    other = record(desk, riverside, "Ben Okafor")
    assert claim(ben, invite(desk, other)), "others may"
    wait(superuser, "61 minutes")
    assert claim(ana, code, birth_date=BORN)


def test_a_code_is_stored_as_a_hash_and_told_once(
    ana: Connection,
    desk: Connection,
    admin: Connection,
    superuser: Connection,
    walk_in: Row,
    riverside: Clinic,
) -> None:
    code = invite(desk, walk_in)
    bens = call(admin, "invite_staff", clinic_id=riverside.id, email="ben@patients.test", role="dentist")[
        "code"
    ]
    claim(ana, code.replace("2", "3"))
    for said in (code, bens):
        assert saying(superuser, said, said.replace("-", "")) == set()
    hashes = superuser.execute("select encode(code_hash, 'hex') as h from clinic.invitations").fetchall()
    for reader in (desk, admin):
        listed = str(reader.execute("select * from api.invitations").fetchall())
        assert all(row["h"] not in listed for row in hashes)
    assert desk.execute("select email from api.invitations").fetchall() == [{"email": None}]
    assert admin.execute("select from api.invitations").rowcount == 2
    assert ana.execute("select from api.invitations").rowcount == 0


def test_who_may_invite_and_who_may_claim(
    actors: Actors, ana: Connection, desk: Connection, admin: Connection, walk_in: Row, riverside: Clinic
) -> None:
    code = invite(desk, walk_in)
    (invitation,) = desk.execute("select id from api.invitations").fetchall()
    for who, not_theirs in {
        "lee@riverside.test": "forbidden", "bot@riverside.test": "forbidden",
        "ana@patients.test": "not_found", "desk@sakura.test": "not_found", "admin@sakura.test": "not_found",
    }.items():  # fmt: skip
        somebody = actors.user(who)
        with refused(not_theirs):
            invite(somebody, walk_in)
        with refused(not_theirs):
            call(somebody, "revoke_invitation", invitation_id=invitation["id"])
        with refused(not_theirs):
            call(somebody, "invite_staff", clinic_id=riverside.id, email="ben@patients.test", role="dentist")
    with refused("forbidden"):
        call(desk, "invite_staff", clinic_id=riverside.id, email="ben@patients.test", role="dentist")
    for stranger, code_of in ((actors.anon(), "not_authenticated"), (actors.guest(), "forbidden")):
        with refused(code_of):
            claim(stranger, code, birth_date=BORN)
        with refused(code_of):
            call(stranger, "accept_staff_invitation", code=code)
    for wrong in (None, "", "x" * 101):
        with refused("invalid_argument"):
            call(ana, "claim_patient", code=wrong)
    assert not call(ana, "accept_staff_invitation", code=code)["accepted"], "a patient's code makes no staff"
    assert claim(ana, code, birth_date=BORN)


def test_nobody_becomes_their_own_guardian_by_a_code(
    ana: Connection, ben: Connection, desk: Connection, walk_in: Row
) -> None:
    assert claim(ana, invite(desk, walk_in), birth_date=BORN)
    code = invite(desk, walk_in, relation="parent")
    assert not claim(ana, code, birth_date=BORN)
    assert call(ana, "me")["dependants"] == []
    assert claim(ben, code, birth_date=BORN)


def test_a_guardian_claims_and_acts_and_the_record_keeps_its_own_login(
    ana: Connection, ben: Connection, desk: Connection, riverside: Clinic
) -> None:
    child = record(desk, riverside, "Kit Okafor", birth_date="2020-02-29")
    assert claim(ben, invite(desk, child, relation="father"), birth_date="2020-02-29")
    (dependant,) = call(ben, "me")["dependants"]
    assert (dependant["patient_id"], dependant["relation"]) == (str(child["id"]), "father")
    assert dependant["until"].startswith("2038-02-28"), "which has no 29th"
    assert book(ben, riverside, riverside.at("09:00"), patient_id=child["id"])["patient_id"] == child["id"]
    # Another one, of the record's own login's, which stays.
    assert claim(ana, invite(desk, child), birth_date="2020-02-29")
    assert claim(ben, invite(desk, child, relation="carer"), birth_date="2020-02-29")
    assert [row["relation"] for row in call(ben, "me")["dependants"]] == ["carer"]
    assert {str(row["user_id"]) for row in desk.execute("select user_id from api.guardians")} == {login(ben)}


def test_a_claim_that_has_to_wait_is_to_be_tried_again(
    actors: Actors, ana: Connection, desk: Connection, superuser: Connection, riverside: Clinic, walk_in: Row
) -> None:
    code = invite(desk, walk_in)
    for held in ("invitations", "patients"):
        with superuser.transaction():
            superuser.execute(f"select from clinic.{held} for update")  # type: ignore[arg-type]
            with refused("try_again"):
                claim(ana, code, birth_date=BORN)
    # The same login books for the first time meanwhile: it would be two patients.
    elsewhere = actors.user("ana@patients.test")
    with elsewhere.transaction():
        book(elsewhere, riverside, riverside.at("11:00"))
        with refused("try_again"):
            claim(ana, code, birth_date=BORN)
    assert claim(ana, code, birth_date=BORN)
    assert ana.execute("select from api.appointments").rowcount == 2


# Staff -----------------------------------------------------------------------------------------------------


def test_only_the_owner_of_the_invited_address_joins_the_staff_and_as_what_was_said(
    actors: Actors, ana: Connection, admin: Connection, riverside: Clinic
) -> None:
    newcomer = actors.sign_up("new@staff.test", "Dr. New")
    invited = {"clinic_id": riverside.id, "email": "New@Staff.test", "role": "dentist"}
    first = call(admin, "invite_staff", **invited)["code"]
    code = call(admin, "invite_staff", **invited, dentist_id=riverside.other)["code"]
    for wrong in ((ana, code), (newcomer, first)):
        answer = call(wrong[0], "accept_staff_invitation", code=wrong[1])
        assert (answer["accepted"], answer["code"]) == (False, "not_found")
    answer = call(newcomer, "accept_staff_invitation", code=code)
    assert (answer["accepted"], answer["staff"]["role"]) == (True, "dentist")
    (membership,) = call(newcomer, "me")["memberships"]
    assert (membership["role"], membership["dentist_id"]) == ("dentist", str(riverside.other))
    assert not call(newcomer, "accept_staff_invitation", code=code)["accepted"]
    with refused("invalid_argument"):
        call(admin, "invite_staff", **invited, dentist_id=riverside.other)


def test_an_address_that_nobody_has_confirmed_joins_nothing(
    actors: Actors, admin: Connection, superuser: Connection, riverside: Clinic
) -> None:
    newcomer = actors.sign_up("new@staff.test")
    code = call(admin, "invite_staff", clinic_id=riverside.id, email="new@staff.test", role="admin")["code"]
    confirmed = "update auth.users set email_confirmed_at = {} where email = 'new@staff.test'"
    superuser.execute(confirmed.format("null"))  # type: ignore[arg-type]
    assert call(newcomer, "accept_staff_invitation", code=code)["accepted"] is False
    superuser.execute(confirmed.format("now()"))  # type: ignore[arg-type]
    assert call(newcomer, "accept_staff_invitation", code=code)["accepted"] is True


@pytest.mark.parametrize("how", ["revoked", "demoted", "deleted"])
def test_who_has_left_lets_nobody_in_and_does_not_come_back(
    actors: Actors, admin: Connection, superuser: Connection, riverside: Clinic, how: str
) -> None:
    """By an invitation from before: one that they gave, or one for their own address."""
    second = actors.sign_up("second@staff.test")
    about = {"clinic_id": riverside.id, "role": "admin"}
    code = call(admin, "invite_staff", email="second@staff.test", **about)["code"]
    assert call(second, "accept_staff_invitation", code=code)["accepted"]
    given = call(second, "invite_staff", email="friend@staff.test", **about)["code"]
    own = call(second, "invite_staff", email="second@staff.test", **about)["code"]
    kept = call(admin, "invite_staff", email="other@staff.test", **about)["code"]
    who = {"clinic_id": riverside.id, "user_id": call(second, "me")["user_id"]}
    if how == "revoked":
        call(admin, "revoke_staff_role", **who)
        assert call(second, "accept_staff_invitation", code=own)["accepted"] is False
    elif how == "demoted":
        call(admin, "grant_staff_role", role="receptionist", **who)
    else:
        superuser.execute("delete from auth.users where id = %s", [who["user_id"]])
    for email, code, accepted in (("friend", given, False), ("other", kept, True)):
        answer = call(actors.sign_up(f"{email}@staff.test"), "accept_staff_invitation", code=code)
        assert answer["accepted"] is accepted, email


def test_who_has_a_role_keeps_it(
    actors: Actors, admin: Connection, desk: Connection, riverside: Clinic
) -> None:
    for role in ("admin", "chatbot"):
        code = call(admin, "invite_staff", clinic_id=riverside.id, email="desk@riverside.test", role=role)[
            "code"
        ]
        assert call(desk, "accept_staff_invitation", code=code)["staff"]["role"] == "receptionist"
    code = call(
        admin, "invite_staff", clinic_id=riverside.id, email="lee@riverside.test", role="dentist",
        dentist_id=riverside.other,
    )["code"]  # fmt: skip
    lee = actors.user("lee@riverside.test")
    assert call(lee, "accept_staff_invitation", code=code)["accepted"]
    assert call(lee, "me")["memberships"][0]["dentist_id"] == str(riverside.lee), "one login is one dentist"


@pytest.mark.parametrize(
    "wrong",
    [{"role": "owner"}, {"role": None}, {"email": "nobody"}, {"email": None}, {"clinic_id": None}],
)
def test_a_staff_invitation_that_makes_no_sense_is_invalid(
    admin: Connection, riverside: Clinic, sakura: Clinic, wrong: Row
) -> None:
    sound = {"clinic_id": riverside.id, "email": "new@staff.test", "role": "dentist"}
    with refused("invalid_argument"):
        call(admin, "invite_staff", **sound | wrong)
    with refused("not_found"):
        call(admin, "invite_staff", **sound, dentist_id=sakura.lee)


def test_nobody_is_bound_to_a_clinic_without_their_doing(
    actors: Actors, admin: Connection, desk: Connection, superuser: Connection, riverside: Clinic
) -> None:
    """Neither a patient's record nor a role nor a calendar: what a hostile admin could do with a known id."""
    ben = actors.user_id("ben@patients.test")
    of_ben: Row = {"clinic_id": riverside.id, "user_id": ben}
    attempts: list[tuple[Connection, str, Row, tuple[str, ...]]] = [
        (desk, "create_patient", of_ben | {"full_name": "Ben"}, ("forbidden",)),
        (admin, "create_patient", of_ben | {"full_name": "Ben"}, ("forbidden",)),
        (admin, "grant_staff_role", of_ben | {"role": "dentist"}, ("not_found", "forbidden")),
        (admin, "create_dentist", of_ben | {"full_name": "Ben"}, ("not_found", "forbidden")),
        (admin, "update_dentist", of_ben | {"dentist_id": riverside.other}, ("not_found", "forbidden")),
    ]
    for caller, function, arguments, codes in attempts:
        with refused(*codes):
            call(caller, function, **arguments)
    for table in ("patients", "staff", "dentists", "guardians"):
        found = superuser.execute(f"select from clinic.{table} where user_id = %s", [ben])  # type: ignore[arg-type]
        assert found.rowcount == 0, table
    service = actors.service_role()
    for _, function, arguments, _ in attempts[1:3]:
        call(service, function, **arguments)
    assert [row["role"] for row in call(actors.user("ben@patients.test"), "me")["memberships"]] == ["dentist"]
