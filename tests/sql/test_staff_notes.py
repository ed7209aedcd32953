"""What the staff note for each other reaches no patient, by whatever way one looks."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.actors import Actors, Connection, Row, call
from tests.support.clinics import Clinic
from tests.support.people import heard, login, record
from tests.support.refusals import refused
from tests.support.slots import book, reserve

SECRET = "Owes us money"


def views(connection: Connection) -> str:
    """Return all that somebody reads in every view."""
    names = connection.execute(
        "select c.relname as name from pg_catalog.pg_class as c where c.relkind = 'v'"
        " and c.relnamespace = 'api'::regnamespace and has_table_privilege(c.oid, 'select')"
    ).fetchall()
    assert len(names) >= 6
    rows = [connection.execute(f"select * from api.{row['name']}").fetchall() for row in names]  # type: ignore[arg-type]
    return json.dumps(rows, default=str)


@pytest.fixture
def noted(ana: Connection, desk: Connection, riverside: Clinic) -> Row:
    """Ana's and her child's visits, of all of which and of whom something is noted."""
    kit = call(ana, "add_dependant", clinic_id=riverside.id, full_name="Kit", birth_date="2020-02-29")["id"]
    visits = [book(ana, riverside, riverside.at("09:00"), idempotency_key="k")]
    visits.append(book(ana, riverside, riverside.at("11:00"), patient_id=kit))
    for visit in visits:
        call(desk, "update_patient", patient_id=visit["patient_id"], staff_notes=f"{SECRET} (who)")
        call(desk, "update_appointment", appointment_id=visit["id"], staff_notes=f"{SECRET} (visit)")
    return visits[0]


def test_no_view_answer_event_or_export_of_a_patients_says_it(
    ana: Connection, superuser: Connection, riverside: Clinic, noted: Row
) -> None:
    of_visit = {"appointment_id": noted["id"]}
    hold = reserve(ana, riverside, riverside.at("14:00"))
    family = [{"appointment_type_id": str(riverside.checkup), "starts_at": riverside.at("15:00").isoformat()}]
    answers: list[Any] = [
        book(ana, riverside, riverside.at("09:00"), idempotency_key="k"),
        call(ana, "update_appointment", **of_visit, notes="Mine"),
        call(ana, "reschedule_appointment", **of_visit, starts_at=riverside.at("10:00"), idempotency_key="k"),
        call(ana, "reschedule_appointment", **of_visit, starts_at=riverside.at("10:00"), idempotency_key="k"),
        call(ana, "confirm_reservation", reservation_id=hold["id"], idempotency_key="k"),
        call(ana, "confirm_reservation", reservation_id=hold["id"], idempotency_key="k"),
        call(ana, "book_family", visits=family, idempotency_key="k"),
        call(ana, "book_family", visits=family, idempotency_key="k"),
        call(ana, "update_me", full_name="Ana New"),
        call(ana, "me"),
        call(ana, "add_dependant", clinic_id=riverside.id, full_name="Kit", birth_date="2020-02-29"),
        call(ana, "cancel_appointment", **of_visit),
        call(ana, "export_me"),
        heard(ana),
        views(ana),
    ]
    for number, answer in enumerate(answers):
        assert SECRET not in json.dumps(answer, default=str), number
    # Nor does anything that is broadcast, to whomever.
    told = superuser.execute("select * from realtime.messages").fetchall()
    events = superuser.execute("select payload from clinic.realtime_events").fetchall()
    assert len(told) > 5
    assert SECRET not in str(told)
    assert SECRET not in str(events)
    # What was kept to be said again was said by somebody: a key is no way around.
    assert SECRET not in str(superuser.execute("select response from clinic.idempotency_keys").fetchall())
    for statement in (
        "select staff_notes from clinic.patients", "select staff_notes from clinic.appointments",
        "select * from clinic.patients", "select search from clinic.patients",
    ):  # fmt: skip
        with pytest.raises(Exception, match="permission denied"):
            ana.execute(statement)  # type: ignore[call-overload]


def test_staff_read_it_each_where_they_may(
    actors: Actors, desk: Connection, riverside: Clinic, noted: Row
) -> None:
    for who in ("admin@riverside.test", "desk@riverside.test", "lee@riverside.test"):
        staff = actors.user(who)
        rows = staff.execute("select staff_notes from api.appointments").fetchall()
        assert {row["staff_notes"] for row in rows} == {f"{SECRET} (visit)"}, who
        found = call(staff, "search_patients", clinic_id=riverside.id, query="ana")
        assert [row["staff_notes"] for row in found] == [f"{SECRET} (who)"], who
    replayed = [
        book(desk, riverside, riverside.at("15:00"), patient_id=noted["patient_id"], idempotency_key="k")
        for _ in range(2)
    ]
    assert replayed[0] == replayed[1]
    for who in ("admin@sakura.test", "desk@sakura.test", "bot@riverside.test", "ben@patients.test"):
        assert SECRET not in views(actors.user(who)), who
    assert SECRET not in views(actors.anon())


def test_of_oneself_one_reads_no_note_though_one_is_on_the_staff(
    actors: Actors, admin: Connection, superuser: Connection, riverside: Clinic
) -> None:
    desk = actors.user("desk@riverside.test")
    mine = book(admin, riverside, riverside.at("09:00"), patient_id=record(admin, riverside, "Dario")["id"])
    superuser.execute(
        "update clinic.patients set user_id = %s where id = %s", [login(desk), mine["patient_id"]]
    )
    call(admin, "update_patient", patient_id=mine["patient_id"], staff_notes=SECRET)
    call(admin, "update_appointment", appointment_id=mine["id"], staff_notes=SECRET)
    answers: list[Any] = [
        views(desk),
        call(desk, "search_patients", clinic_id=riverside.id, query="dario"),
        call(desk, "similar_patients", clinic_id=riverside.id, full_name="Dario"),
        call(desk, "clinic_day", clinic_id=riverside.id, day=riverside.weekday(1)),
        call(desk, "appointment_history", appointment_id=mine["id"]),
        call(desk, "update_patient", patient_id=mine["patient_id"], phone="5"),
        call(desk, "export_me"),
    ]
    for number, answer in enumerate(answers):
        assert SECRET not in json.dumps(answer, default=str), number
    assert views(admin).count(SECRET) >= 2


def test_an_admin_reads_in_the_log_what_was_noted_of_others_and_not_of_themselves(
    admin: Connection, desk: Connection, superuser: Connection, riverside: Clinic
) -> None:
    log = "select entity_id, before, after from api.audit_log where before::text || after::text like %s"
    own, other = (
        book(desk, riverside, riverside.at(clock), patient_id=record(desk, riverside, name)["id"])
        for clock, name in (("09:00", "Dario"), ("11:00", "Else"))
    )
    superuser.execute(
        "update clinic.patients set user_id = %s where id = %s", [login(admin), own["patient_id"]]
    )
    for visit in (own, other):
        for text in (SECRET, f"{SECRET} still"):
            call(desk, "update_patient", patient_id=visit["patient_id"], staff_notes=text)
            call(desk, "update_appointment", appointment_id=visit["id"], staff_notes=text)
    told = admin.execute(log, [f"%{SECRET}%"]).fetchall()
    assert {row["entity_id"] for row in told} == {other["id"], other["patient_id"]}
    assert len(told) == 4


def test_a_claim_brings_no_note_along(ana: Connection, desk: Connection, riverside: Clinic) -> None:
    book(ana, riverside, riverside.at("11:00"))
    row = record(desk, riverside, "Ana Ferreira", staff_notes=SECRET)
    book(desk, riverside, riverside.at("09:00"), patient_id=row["id"])
    code = call(desk, "invite_patient", patient_id=row["id"])["code"]
    answer = call(ana, "claim_patient", code=code)
    assert answer["accepted"]
    assert SECRET not in json.dumps(answer)
    assert SECRET not in views(ana)


def test_a_chatbot_neither_reads_nor_says_it(
    actors: Actors, desk: Connection, superuser: Connection, riverside: Clinic
) -> None:
    bot = actors.user("bot@riverside.test")
    offers = [
        offer["offer"]
        for offer in call(bot, "chatbot_find_slots", clinic_slug="riverside", service="Check-up")["offers"]
    ]
    who = {"patient_name": "Casey Caller", "patient_phone": "+1 555 010 0199"}
    hold = call(bot, "chatbot_hold", offer=offers[0], **who)
    booked = call(bot, "chatbot_confirm", reservation_id=hold["reservation_id"])
    row = superuser.execute("select id, patient_id from clinic.appointments").fetchone()
    assert row is not None
    call(desk, "update_patient", patient_id=row["patient_id"], staff_notes=SECRET)
    call(desk, "update_appointment", appointment_id=row["id"], staff_notes=SECRET)
    code = {"confirmation_code": booked["confirmation_code"], "patient_phone": who["patient_phone"]}
    answers = [
        call(bot, "chatbot_confirm", reservation_id=hold["reservation_id"]),
        call(bot, "chatbot_hold", offer=offers[1], **who),
        call(bot, "chatbot_reschedule", **code, offer=offers[2]),
        call(bot, "chatbot_cancel", **code),
        views(bot),
        call(bot, "export_me"),
    ]
    assert answers[3]["cancelled"]
    for number, answer in enumerate(answers):
        assert SECRET not in json.dumps(answer, default=str), number


def test_only_staff_write_it(ana: Connection, desk: Connection, actors: Actors, noted: Row) -> None:
    for nothing in ("Mine", None, ""):
        with refused("forbidden"):
            call(ana, "update_appointment", appointment_id=noted["id"], staff_notes=nothing)
    of_visit = {"appointment_id": noted["id"]}
    assert call(desk, "update_appointment", **of_visit, notes="Shared")["staff_notes"] == f"{SECRET} (visit)"
    row = call(desk, "update_appointment", **of_visit, staff_notes="")
    assert (row["notes"], row["staff_notes"]) == ("Shared", None)


def test_of_ones_child_one_reads_no_note_though_one_is_on_the_staff(
    admin: Connection, desk: Connection, riverside: Clinic
) -> None:
    kit = call(desk, "add_dependant", clinic_id=riverside.id, full_name="Kit", birth_date="2020-02-29")["id"]
    visit = book(desk, riverside, riverside.at("09:00"), patient_id=kit)
    call(admin, "update_patient", patient_id=kit, staff_notes=SECRET)
    call(admin, "update_appointment", appointment_id=visit["id"], staff_notes=SECRET)
    history = call(desk, "appointment_history", appointment_id=visit["id"])
    assert SECRET not in views(desk) + json.dumps(history, default=str)
    assert SECRET in views(admin)
