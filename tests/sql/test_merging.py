"""Merging: two records that are one person, without losing anything, and not for good."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.actors import Actors, Connection, Row, call
from tests.support.clinics import Clinic
from tests.support.people import heard, login, record
from tests.support.races import race
from tests.support.refusals import refused
from tests.support.slots import book, reserve


def rows(superuser: Connection, query: str, *parameters: Any) -> list[Row]:
    return superuser.execute(query, parameters).fetchall()  # type: ignore[arg-type]


PEOPLE = (
    "select id, user_id, full_name, phone, email, birth_date, staff_notes, merged_into"
    " from clinic.patients where id = any (%s) order by id"
)
VISITS = "select id, patient_id, starts_at, status from clinic.appointments order by id"


@pytest.fixture
def twins(
    ana: Connection, ben: Connection, desk: Connection, superuser: Connection, riverside: Clinic
) -> Row:
    """Ana's record, with her login and a visit, and another one of hers that the desk made before."""
    own = book(ana, riverside, riverside.at("09:00"))
    other = record(
        desk,
        riverside,
        "Ana M. Ferreira",
        email="ana@old.test",
        birth_date="1990-05-06",
        staff_notes="Anxious",
    )
    visit = book(desk, riverside, riverside.at("11:00"), patient_id=other["id"])
    gone = book(desk, riverside, riverside.at("09:00"), dentist_id=riverside.other, patient_id=other["id"])
    call(desk, "cancel_appointment", appointment_id=gone["id"])
    hold = reserve(desk, riverside, riverside.at("14:00"), patient_id=other["id"])
    code = call(desk, "invite_patient", patient_id=other["id"], relation="carer")["code"]
    assert call(ben, "claim_patient", code=code, birth_date="1990-05-06")["accepted"]
    return {
        "own": own["patient_id"], "other": other["id"], "visit": visit["id"], "gone": gone["id"],
        "hold": hold["id"],
    }  # fmt: skip


def test_all_that_one_record_has_becomes_the_others(
    ana: Connection, ben: Connection, admin: Connection, superuser: Connection, riverside: Clinic, twins: Row
) -> None:
    last = heard(ana)[-1]["event_id"]
    row = call(admin, "merge_patients", keep_id=twins["other"], merge_id=twins["own"])
    assert (row["id"], row["user_id"], row["full_name"], row["staff_notes"], row["email"]) == (
        twins["other"], row["user_id"], "Ana M. Ferreira", "Anxious", "ana@old.test",
    )  # fmt: skip
    assert str(row["user_id"]) == login(ana)
    assert row["phone"] == "+1 212 555 0121", "what the kept record did not say"
    assert {visit["patient_id"] for visit in rows(superuser, VISITS)} == {twins["other"]}
    # She sees all of it, and so does whoever looks after her.
    for reader in (ana, ben):
        assert reader.execute("select from api.appointments").rowcount == 3
        assert (
            reader.execute("select from api.slot_reservations where id = %s", [twins["hold"]]).rowcount == 1
        )
    assert {event["event"] for event in heard(ana, after=last)} >= {"patient_updated"}
    merged = rows(superuser, PEOPLE, [twins["own"]])[0]
    assert (merged["merged_into"], merged["user_id"]) == (twins["other"], None)
    assert ana.execute("select id from api.patients").fetchall() == [{"id": twins["other"]}]
    assert book(ana, riverside, riverside.at("15:00"))["patient_id"] == twins["other"]
    assert rows(superuser, "select * from clinic.check_invariants()") == []


def test_the_login_and_the_guardians_move_and_nobody_is_their_own_guardian(
    ana: Connection, ben: Connection, admin: Connection, superuser: Connection, riverside: Clinic, twins: Row
) -> None:
    user = rows(superuser, "select user_id from clinic.patients where id = %s", twins["own"])[0]["user_id"]
    superuser.execute(
        "insert into clinic.guardians (clinic_id, patient_id, user_id) values (%s, %s, %s)",
        [riverside.id, twins["other"], user],
    )
    row = call(admin, "merge_patients", keep_id=twins["own"], merge_id=twins["other"])
    assert (row["user_id"], row["birth_date"].isoformat(), row["staff_notes"]) == (
        user,
        "1990-05-06",
        "Anxious",
    )
    assert [
        (str(guardian["user_id"]), guardian["patient_id"])
        for guardian in rows(superuser, "select user_id, patient_id from clinic.guardians")
    ] == [(login(ben), twins["own"])]
    held = rows(superuser, "select patient_id from clinic.slot_reservations where id = %s", twins["hold"])
    assert held == [{"patient_id": twins["own"]}]
    assert call(ben, "cancel_appointment", appointment_id=twins["visit"])["status"] == "cancelled"


def test_no_notes_and_no_notes_are_none(admin: Connection, superuser: Connection, riverside: Clinic) -> None:
    one, two = record(admin, riverside, "Some One"), record(admin, riverside, "Some One")
    assert call(admin, "merge_patients", keep_id=one["id"], merge_id=two["id"])["staff_notes"] is None
    three = record(admin, riverside, "Some One", staff_notes="B")
    call(admin, "update_patient", patient_id=one["id"], staff_notes="A")
    assert call(admin, "merge_patients", keep_id=one["id"], merge_id=three["id"])["staff_notes"] == "A\nB"
    same = record(admin, riverside, "Some One", staff_notes="A\nB")
    assert call(admin, "merge_patients", keep_id=one["id"], merge_id=same["id"])["staff_notes"] == "A\nB"
    # Who was merged into the merged one is this person, too.
    four = record(admin, riverside, "Some One")
    call(admin, "merge_patients", keep_id=four["id"], merge_id=one["id"])
    assert {row["merged_into"] for row in rows(superuser, PEOPLE, [one["id"], two["id"], three["id"]])} == {
        four["id"]
    }


@pytest.mark.parametrize("known", ["desk", "service"])
@pytest.mark.parametrize("merged_is_known", [True, False])
def test_whom_the_clinic_knows_by_one_record_it_knows_by_both(
    admin: Connection, superuser: Connection, riverside: Clinic, known: str, merged_is_known: bool
) -> None:
    one, two = (record(admin, riverside, "Some One")["id"] for _ in range(2))
    update = "update clinic.patients set source = %s where id = %s"
    superuser.execute(update, [known, two if merged_is_known else one])
    superuser.execute(update, ["online", one if merged_is_known else two])
    call(admin, "merge_patients", keep_id=one, merge_id=two)
    assert superuser.execute("select clinic.is_known(%s, %s) as known", [one, riverside.id]).fetchone() == {
        "known": True
    }


def test_visits_that_overlap_refuse_and_nothing_changes(
    admin: Connection, desk: Connection, superuser: Connection, riverside: Clinic, twins: Row
) -> None:
    book(desk, riverside, riverside.at("09:00"), dentist_id=riverside.other, patient_id=twins["other"])
    both = [twins["own"], twins["other"]]
    guardians = "select patient_id, user_id from clinic.guardians"
    before = [rows(superuser, PEOPLE, both), rows(superuser, VISITS), rows(superuser, guardians)]
    events = rows(superuser, "select count(*) as n from clinic.realtime_events")
    for keep, merge in (both, both[::-1]):
        with refused("patient_busy"):
            call(admin, "merge_patients", keep_id=keep, merge_id=merge)
    assert [rows(superuser, PEOPLE, both), rows(superuser, VISITS), rows(superuser, guardians)] == before
    assert rows(superuser, "select count(*) as n from clinic.realtime_events") == events


def test_two_logins_the_same_record_and_other_clinics_are_refused(
    actors: Actors, ben: Connection, admin: Connection, riverside: Clinic, sakura: Clinic, twins: Row
) -> None:
    with refused("invalid_argument"):
        call(admin, "merge_patients", keep_id=twins["own"], merge_id=twins["own"])
    bens = book(ben, riverside, riverside.at("15:00"))["patient_id"]
    for keep, merge in ((twins["own"], bens), (bens, twins["own"])):
        with refused("invalid_argument"):
            call(admin, "merge_patients", keep_id=keep, merge_id=merge)
    foreign_admin = actors.user("admin@sakura.test")
    elsewhere = record(foreign_admin, sakura, "Ana Ferreira")["id"]
    for caller in (admin, foreign_admin):
        with refused("not_found"):
            call(caller, "merge_patients", keep_id=twins["other"], merge_id=elsewhere)
    for somebody, code in {"desk@riverside.test": "forbidden", "ana@patients.test": "not_found"}.items():
        with refused(code):
            call(actors.user(somebody), "merge_patients", keep_id=twins["own"], merge_id=twins["other"])
    call(admin, "merge_patients", keep_id=twins["own"], merge_id=twins["other"])
    with refused("not_found"):
        call(admin, "merge_patients", keep_id=twins["own"], merge_id=twins["other"])


@pytest.mark.parametrize("which", ["keep", "merge"])
def test_a_booking_that_races_a_merge_is_on_the_record_that_stays_or_refused(
    actors: Actors, admin: Connection, superuser: Connection, riverside: Clinic, which: str
) -> None:
    for number in range(4):
        pair = {name: record(admin, riverside, f"Twin {number}")["id"] for name in ("keep", "merge")}
        arguments = {"keep_id": pair["keep"], "merge_id": pair["merge"]}
        day = riverside.at("09:00", riverside.weekday(1 + number))
        # The other record has a visit then, so that both together would be in two chairs.
        rival = {"keep": "merge", "merge": "keep"}[which]
        if number % 2:
            book(admin, riverside, day, dentist_id=riverside.other, patient_id=pair[rival])
        one, two = actors.user("admin@riverside.test"), actors.user("desk@riverside.test")
        outcome = race(
            [
                lambda one=one, arguments=arguments: call(one, "merge_patients", **arguments),  # type: ignore[misc]
                lambda two=two, day=day, who=pair[which]: book(two, riverside, day, patient_id=who),  # type: ignore[misc]
            ]
        )
        assert set(outcome.refused) <= {"not_found", "patient_busy"}, outcome.refused
        assert outcome.won
        merged = rows(superuser, "select merged_into from clinic.patients where id = %s", pair["merge"])
        if merged[0]["merged_into"]:
            assert [row for row in rows(superuser, VISITS) if row["patient_id"] == pair["merge"]] == []
    assert rows(superuser, "select * from clinic.check_invariants()") == []


def test_a_merge_is_taken_back_by_hand_with_what_the_audit_log_says(
    admin: Connection, superuser: Connection, riverside: Clinic, twins: Row
) -> None:
    """As an administrator of the database would: every row of that transaction becomes what it was before."""
    both = [twins["own"], twins["other"]]
    guardians = "select patient_id, user_id, relation, until from clinic.guardians"
    before = [rows(superuser, PEOPLE, both), rows(superuser, VISITS), rows(superuser, guardians)]
    last = rows(superuser, "select max(id) as n from clinic.audit_log")[0]["n"]
    call(admin, "merge_patients", keep_id=twins["own"], merge_id=twins["other"])
    assert [rows(superuser, PEOPLE, both), rows(superuser, VISITS), rows(superuser, guardians)] != before
    with superuser.transaction():
        for entry in rows(superuser, "select * from clinic.audit_log where id > %s order by id desc", last):
            was = entry["before"] or {}
            if entry["action"] == "update":
                for column in was.keys() - {"version"} | (entry["after"].keys() - {"version"}):
                    superuser.execute(
                        f"update clinic.{entry['entity']} set {column} = %s where id = %s",  # type: ignore[arg-type]
                        [was.get(column), entry["entity_id"]],
                    )
            elif entry["action"] == "delete":
                superuser.execute(
                    f"insert into clinic.{entry['entity']} select * from"  # type: ignore[arg-type]
                    f" jsonb_populate_record(null::clinic.{entry['entity']}, %s::text::jsonb)",
                    [json.dumps(was)],
                )
            else:
                row = entry["after"]
                superuser.execute(
                    "delete from clinic.guardians where patient_id = %s and user_id = %s",
                    [row["patient_id"], row["user_id"]],
                )
    assert [rows(superuser, PEOPLE, both), rows(superuser, VISITS), rows(superuser, guardians)] == before
    assert rows(superuser, "select * from clinic.check_invariants()") == []


def test_a_chatbot_does_not_book_for_a_record_that_the_desks_was_merged_into(
    bot: Connection, admin: Connection, superuser: Connection, riverside: Clinic
) -> None:
    who = {"patient_name": "Tess Chatterly", "patient_phone": "+1 212 555 0177"}
    offers = call(bot, "chatbot_find_slots", clinic_slug="riverside", service="Check-up")["offers"]

    def held(offer: Row) -> Any:
        hold = call(bot, "chatbot_hold", offer=offer["offer"], **who)["reservation_id"]
        query = "select patient_id from clinic.slot_reservations where id = %s"
        return rows(superuser, query, hold)[0]["patient_id"]

    made = held(offers[0])
    desks = record(admin, riverside, "Tess Chatterly", staff_notes="Owes us")
    call(admin, "merge_patients", keep_id=made, merge_id=desks["id"])
    another = held(offers[1])
    assert another != made
    # The other way round it is nobody, whom the chatbot knows.
    call(admin, "merge_patients", keep_id=made, merge_id=another)
    assert rows(superuser, "select from clinic.chatbot_patients where patient_id = %s", another) == []
    assert held(offers[2]) not in (made, another)


def test_a_record_that_was_merged_or_erased_is_nobodys_double(
    admin: Connection, desk: Connection, riverside: Clinic
) -> None:
    kept, merged, erased = (
        record(desk, riverside, name, birth_date="1984-02-29") for name in ("Jo Park", "Jo Park", "Jo Park")
    )
    call(admin, "merge_patients", keep_id=kept["id"], merge_id=merged["id"])
    call(admin, "erase_patient", patient_id=erased["id"], reason="Asked")
    for name, expected in (("Jo Park", [kept["id"]]), ("Erased", [])):
        found = call(desk, "similar_patients", clinic_id=riverside.id, full_name=name)
        assert [row["id"] for row in found] == expected
