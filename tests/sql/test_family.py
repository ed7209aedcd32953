"""Family: who acts for a child or a parent, hears of it, and books for several at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from functools import partial
from typing import Any
from uuid import uuid4

import pytest

from tests.support.actors import Actors, Connection, Row, call
from tests.support.clinics import Clinic
from tests.support.people import heard, login, record
from tests.support.races import race
from tests.support.refusals import refused
from tests.support.slots import book, reserve
from tests.support.waiting import deadlocks, told, waits


def child(
    connection: Connection, clinic: Clinic, name: str = "Kit", born: str = "2020-02-29", **more: Any
) -> Row:
    """Add a dependant."""
    row: Row = call(connection, "add_dependant", clinic_id=clinic.id, full_name=name, birth_date=born, **more)
    return row


def visit(clinic: Clinic, clock: str, day: date | None = None, **more: Any) -> Row:
    """Return one of book_family's visits, a check-up, as JSON has it."""
    row = {"appointment_type_id": clinic.checkup, "starts_at": clinic.at(clock, day).isoformat()} | more
    return {key: str(value) for key, value in row.items()}


def family(connection: Connection, *visits: Row, **more: Any) -> list[Row]:
    """Book several visits at once."""
    rows: list[Row] = call(connection, "book_family", visits=list(visits), **more)
    return rows


def count(superuser: Connection, table: str) -> int:
    return superuser.execute(f"select from clinic.{table}").rowcount  # type: ignore[arg-type]


def test_a_guardian_books_moves_cancels_holds_and_confirms_for_a_child_and_hears_of_it(
    ana: Connection, ben: Connection, desk: Connection, riverside: Clinic
) -> None:
    kit = child(ana, riverside)["id"]
    booked = book(ana, riverside, riverside.at("09:00"), patient_id=kit)
    assert (booked["patient_id"], booked["source"]) == (kit, "online")
    moved = call(ana, "reschedule_appointment", appointment_id=booked["id"], starts_at=riverside.at("10:00"))
    assert moved["starts_at"] == riverside.at("10:00")
    assert call(ana, "update_appointment", appointment_id=booked["id"], notes="Shy")["notes"] == "Shy"
    held = reserve(ana, riverside, riverside.at("13:00"), patient_id=kit)
    assert call(ana, "confirm_reservation", reservation_id=held["id"])["patient_id"] == kit
    other = reserve(ana, riverside, riverside.at("15:00"), patient_id=kit)
    assert call(ana, "release_reservation", reservation_id=other["id"]) is True
    assert call(ana, "cancel_appointment", appointment_id=booked["id"])["status"] == "cancelled"
    call(desk, "reschedule_appointment", appointment_id=held["id"], starts_at=riverside.at("14:00"))
    told = [(event["event"], event.get("appointment_id")) for event in heard(ana)]
    assert told == [
        ("patient_updated", None),
        ("appointment_booked", str(booked["id"])),
        ("appointment_rescheduled", str(booked["id"])),
        ("reservation_created", None),
        ("appointment_booked", str(held["id"])),
        ("reservation_created", None),
        ("reservation_released", None),
        ("appointment_cancelled", str(booked["id"])),
        ("appointment_rescheduled", str(held["id"])),
    ]
    # A stranger neither sees the child nor acts for it.
    with refused("not_found"):
        book(ben, riverside, riverside.at("16:00"), patient_id=kit)
    with refused("not_found"):
        reserve(ben, riverside, riverside.at("16:00"), patient_id=kit)
    with refused("not_found"):
        call(ben, "cancel_appointment", appointment_id=held["id"])
    for view in ("patients", "appointments", "slot_reservations", "guardians"):
        assert ben.execute(f"select from api.{view}").rowcount == 0  # type: ignore[arg-type]
    assert ana.execute("select full_name from api.patients").fetchall() == [{"full_name": "Kit"}]


def test_both_parents_and_the_grown_up_child_hear_each_thing_once(
    ana: Connection, ben: Connection, desk: Connection, superuser: Connection, riverside: Clinic
) -> None:
    kit = child(ana, riverside)
    code = call(desk, "invite_patient", patient_id=kit["id"], relation="father")["code"]
    assert call(ben, "claim_patient", code=code, birth_date="2020-02-29")["accepted"]
    after = superuser.execute("select max(id) as n from clinic.realtime_events").fetchone()
    assert after is not None
    book(ana, riverside, riverside.at("09:00"), patient_id=kit["id"])
    for listener in (ana, ben):
        assert [event["event"] for event in heard(listener, after["n"] or 0)] == ["appointment_booked"]
    staff = heard(desk, after["n"] or 0, f"clinic:{riverside.id}")
    assert [event["event"] for event in staff].count("appointment_booked") == 1, "the desk hears it once"


def test_two_children_at_one_time_in_two_chairs(
    ana: Connection, superuser: Connection, riverside: Clinic
) -> None:
    kit, kim = child(ana, riverside)["id"], child(ana, riverside, "Kim")["id"]
    one, two = family(
        ana, visit(riverside, "09:00", patient_id=kit), visit(riverside, "09:00", patient_id=kim)
    )
    assert one["starts_at"] == two["starts_at"]
    assert one["dentist_id"] != two["dentist_id"]
    assert [one["patient_id"], two["patient_id"]] == [kit, kim]
    book(ana, riverside, riverside.at("10:00"), patient_id=kit)
    with refused("patient_busy"):
        book(ana, riverside, riverside.at("10:00"), dentist_id=riverside.other, patient_id=kit)
    assert superuser.execute("select from clinic.check_invariants()").rowcount == 0


def test_a_family_is_booked_all_or_none(ana: Connection, superuser: Connection, riverside: Clinic) -> None:
    kit, kim = child(ana, riverside)["id"], child(ana, riverside, "Kim")["id"]
    tables = ("appointments", "occupancy", "realtime_events", "patients", "idempotency_keys", "audit_log")
    before = [count(superuser, table) for table in tables]
    lee = {"dentist_id": riverside.lee}
    sound = [visit(riverside, "09:00"), visit(riverside, "11:00", patient_id=kit, **lee)]
    for wrong, code in (
        (visit(riverside, "11:00", patient_id=kit), "patient_busy"),
        (visit(riverside, "11:00", patient_id=kim, **lee), "slot_taken"),
        (visit(riverside, "09:07", patient_id=kim), "off_grid"),
        (visit(riverside, "20:00", patient_id=kim), "outside_working_hours"),
        (visit(riverside, "10:00", patient_id=riverside.id), "not_found"),
        (visit(riverside, "10:00", dentist_id=riverside.id), "not_found"),
        (visit(riverside, "10:00") | {"appointment_type_id": str(riverside.id)}, "not_found"),
        (visit(riverside, "10:00", squeeze_in=True), "invalid_argument"),
        (visit(riverside, "10:00", patient_id="me"), "invalid_argument"),
        (visit(riverside, "10:00") | {"notes": {"a": 1}}, "invalid_argument"),
        (visit(riverside, "10:00") | {"starts_at": "tomorrow"}, "invalid_argument"),
        ({"starts_at": riverside.at("10:00").isoformat()}, "invalid_argument"),
    ):
        with refused(code) as refusal:
            family(ana, *sound, wrong, idempotency_key="k")
        assert "visits[2]" in refusal.message, refusal
    assert [count(superuser, table) for table in tables] == before
    rows = family(ana, *sound, idempotency_key="k")
    assert family(ana, *sound, idempotency_key="k") == rows
    assert count(superuser, "appointments") == 2


def test_a_refused_family_counts_as_one_refusal(
    ana: Connection, superuser: Connection, riverside: Clinic
) -> None:
    kit = str(child(ana, riverside)["id"])
    for code, wrong in (
        ("off_grid", visit(riverside, "09:07", patient_id=kit)),
        ("not_found", visit(riverside, "10:00") | {"appointment_type_id": str(riverside.id)}),
    ):
        counted = f"select coalesce(pg_sequence_last_value('clinic.refusals_{code}'), 0) as n"
        before = superuser.execute(counted).fetchone()
        with refused(code) as refusal:
            family(ana, visit(riverside, "09:00"), wrong)
        after = superuser.execute(counted).fetchone()
        assert after["n"] == before["n"] + 1  # type: ignore[index]
        assert refusal.status in {404, 422}
        assert refusal.hint


@pytest.mark.parametrize("visits", [None, [], {}, "x", [1], [None], [[]]])
def test_what_is_no_family_is_invalid(ana: Connection, visits: Any) -> None:
    with refused("invalid_argument"):
        call(ana, "book_family", visits=visits if isinstance(visits, list | dict) else None)


def test_ten_visits_are_all_at_once(desk: Connection, riverside: Clinic) -> None:
    who = record(desk, riverside, "Walter")["id"]
    clocks = ["09:00", "09:30", "10:00", "10:30", "11:00", "11:30", "13:00", "13:30", "14:00", "14:30"]
    with refused("invalid_argument"):
        family(desk, *(visit(riverside, clock, patient_id=who) for clock in [*clocks, "15:00"]))
    assert len(family(desk, *(visit(riverside, clock, patient_id=who) for clock in clocks))) == 10


def test_families_that_book_in_opposite_orders_wait_for_each_other(
    actors: Actors, desk: Connection, superuser: Connection, riverside: Clinic
) -> None:
    """Whoever comes second waits at the first lock, whatever order the visits stand in."""
    people = [record(desk, riverside, f"Walter {n}")["id"] for n in range(2)]
    desks = [actors.user(who) for who in ("desk@riverside.test", "admin@riverside.test")]
    for clock in ("09:00", "10:00", "11:00", "13:00"):
        # Different dentists and days: all that they have in common are the patients.
        there, back = (
            [
                visit(riverside, at, riverside.weekday(day), patient_id=who, dentist_id=dentist)
                for at, who in zip((clock, f"{clock[:2]}:30"), order, strict=True)
            ]
            for day, dentist, order in ((1, riverside.lee, people), (2, riverside.other, people[::-1]))
        )
        before = deadlocks(superuser)
        outcome = race(
            [
                partial(told, partial(family, desks[0], *there), desks[0]),
                partial(told, partial(family, desks[1], *back), desks[1]),
            ]
        )
        assert (len(outcome.won), outcome.refused) == (2, [])
        assert deadlocks(superuser) == before
    assert superuser.execute("select from clinic.check_invariants()").rowcount == 0


def test_a_familys_patients_are_locked_before_the_first_is_booked(
    actors: Actors, desk: Connection, superuser: Connection, riverside: Clinic
) -> None:
    """In the order of their ids, not of the visits: who waits for the first has none of the others."""
    low, high = sorted(record(desk, riverside, f"Walter {n}")["id"] for n in range(2))
    visits = (visit(riverside, "09:00", patient_id=high), visit(riverside, "09:30", patient_id=low))
    with ThreadPoolExecutor(1) as pool:
        with superuser.transaction():
            superuser.execute("select clinic.lock_patient(%s)", [low])
            booked = pool.submit(family, desk, *visits)
            while not waits(superuser, desk):
                assert not booked.done(), "it did not wait for the patient"
            superuser.execute("select clinic.lock_patient(%s)", [high])
        assert len(booked.result()) == 2


def test_a_guardianship_that_ends_ends_at_once(
    actors: Actors, ana: Connection, desk: Connection, superuser: Connection, riverside: Clinic
) -> None:
    def acts(row: Row) -> bool:
        """Whether she still reads, hears, changes and confirms; all of it or nothing."""
        reads = ana.execute("select from api.patients where id = %s", [kit]).rowcount == 1
        assert (ana.execute("select from api.appointments").rowcount == 1) is reads
        assert (len(call(ana, "me")["dependants"]) == 1) is reads
        last = heard(ana)[-1]["event_id"]
        call(desk, "update_patient", patient_id=kit, staff_notes=f"Note {uuid4()}")
        assert (heard(ana, after=last) != []) is reads
        try:
            call(ana, "update_appointment", appointment_id=row["id"], notes="Hers")
        except Exception as error:
            assert "not_found" in str(error)
            assert not reads
        else:
            assert reads
        return reads

    kit = child(ana, riverside)["id"]
    row = book(ana, riverside, riverside.at("09:00"), patient_id=kit)
    held = reserve(ana, riverside, riverside.at("11:00"), patient_id=kit)
    assert acts(row)
    superuser.execute("update clinic.guardians set until = now() - interval '1 second'")  # of age
    assert not acts(row)
    for attempt in (
        lambda: call(ana, "confirm_reservation", reservation_id=held["id"]),
        lambda: book(ana, riverside, riverside.at("14:00"), patient_id=kit),
        lambda: call(ana, "cancel_appointment", appointment_id=row["id"]),
        lambda: family(ana, visit(riverside, "14:00", patient_id=kit)),
    ):
        with refused("not_found"):
            attempt()
    assert desk.execute("select from api.guardians").rowcount == 0
    superuser.execute("update clinic.guardians set until = null")
    assert acts(row)
    # The desk ends it, and what she ends herself is ended, too.
    assert call(desk, "remove_dependant", patient_id=kit, user_id=login(ana)) is True
    assert not acts(row)
    assert call(ana, "remove_dependant", patient_id=kit) is False
    kim = child(ana, riverside, "Kim")["id"]
    assert call(ana, "remove_dependant", patient_id=kim) is True
    assert call(ana, "me")["dependants"] == []


def test_who_ends_what_others_do_is_the_desk_or_the_patient(
    actors: Actors, ana: Connection, ben: Connection, desk: Connection, riverside: Clinic
) -> None:
    kit = child(ana, riverside)["id"]
    who = {"patient_id": kit, "user_id": login(ana)}
    for stranger, code in {
        "ben@patients.test": "not_found", "desk@sakura.test": "not_found", "lee@riverside.test": "forbidden",
        "bot@riverside.test": "forbidden",
    }.items():  # fmt: skip
        with refused(code):
            call(actors.user(stranger), "remove_dependant", **who)
    assert call(ben, "remove_dependant", patient_id=kit) is False
    code = call(desk, "invite_patient", patient_id=kit)["code"]
    assert call(ben, "claim_patient", code=code, birth_date="2020-02-29")["accepted"]
    assert call(ben, "remove_dependant", **who) is True, "it is his record"
    assert ana.execute("select from api.patients").rowcount == 0


def test_who_has_come_of_age_is_not_taken_back_by_being_added_again(
    ana: Connection, superuser: Connection, riverside: Clinic
) -> None:
    born = superuser.execute("select (now() - interval '17 years 360 days')::date::text as day").fetchone()
    assert born is not None
    kit = child(ana, riverside, born=born["day"])
    assert child(ana, riverside, "  KIT ", born=born["day"])["id"] == kit["id"], (
        "the same child twice is once"
    )
    superuser.execute("update clinic.guardians set until = now() - interval '1 second'")
    superuser.execute("update clinic.patients set birth_date = birth_date - 30 where id = %s", [kit["id"]])
    row = superuser.execute("select birth_date from clinic.patients where id = %s", [kit["id"]]).fetchone()
    assert row is not None
    again = child(ana, riverside, born=str(row["birth_date"]))
    assert again["id"] != kit["id"]
    assert ana.execute("select id from api.patients").fetchall() == [{"id": again["id"]}]


def test_what_was_answered_once_is_not_said_again_when_it_is_nobodys_to_know(
    actors: Actors, ana: Connection, admin: Connection, superuser: Connection, riverside: Clinic
) -> None:
    """Neither to who was a guardian, nor to who was on the staff, by the key of an answered request."""
    desk = actors.user("desk@riverside.test")
    kit = child(ana, riverside, "Kit")["id"]

    def asked(connection: Connection, key: str, clock: str) -> Any:
        start = riverside.at(clock)
        return book(connection, riverside, start, patient_id=kit, notes="Afraid", idempotency_key=key)["id"]

    def family_asked() -> list[Any]:
        return [
            row["id"] for row in family(ana, visit(riverside, "11:00", patient_id=kit), idempotency_key="f")
        ]

    visits = (asked(ana, "a", "09:00"), family_asked(), asked(desk, "d", "14:00"))
    assert visits == (asked(ana, "a", "09:00"), family_asked(), asked(desk, "d", "14:00"))
    older = record(admin, riverside, "Kit the Elder")["id"]
    call(admin, "merge_patients", keep_id=older, merge_id=kit)
    assert visits[:2] == (asked(ana, "a", "09:00"), family_asked()), (
        "the record is another, the child is hers"
    )
    call(ana, "remove_dependant", patient_id=older)
    superuser.execute("delete from clinic.staff where user_id = %s", [call(desk, "me")["user_id"]])
    for again in (lambda: asked(ana, "a", "09:00"), family_asked, lambda: asked(desk, "d", "14:00")):
        with refused("not_found"):
            again()


def test_a_guardianship_ends_with_the_right_birthday_once_a_wrong_one_is_corrected(
    ana: Connection, desk: Connection, superuser: Connection, riverside: Clinic
) -> None:
    kit = child(ana, riverside, "Kit", born="2012-06-01")["id"]
    call(desk, "update_patient", patient_id=kit, birth_date="2020-02-29")
    (dependant,) = call(ana, "me")["dependants"]
    assert dependant["until"].startswith("2038-03-01") or dependant["until"].startswith("2038-02-28")
    call(desk, "update_patient", patient_id=kit, phone="+1 212 555 0144")
    assert call(ana, "me")["dependants"] == [dependant]
    # Also one that the wrong birthday has ended.
    call(desk, "update_patient", patient_id=kit, birth_date="1990-06-01")
    superuser.execute(
        "update clinic.guardians set until = clinic.of_age_at('1990-06-01', clinic_id) where patient_id = %s",
        [kit],
    )
    assert call(ana, "me")["dependants"] == []
    call(desk, "update_patient", patient_id=kit, birth_date="2020-02-29")
    assert call(ana, "me")["dependants"] == [dependant]


def test_a_name_is_told_of_guardians_alone(
    ana: Connection, desk: Connection, superuser: Connection, riverside: Clinic
) -> None:
    query = "select clinic.guardian_name(user_id, %s) as name from unnest(%s::uuid []) as u (user_id)"
    hers = [login(ana)]
    assert desk.execute(query, [riverside.id, hers]).fetchone() == {"name": None}
    child(ana, riverside, "Kit")
    assert desk.execute(query, [riverside.id, hers]).fetchone() == {"name": "Ana Ferreira"}


def test_nobody_fills_a_clinic_with_children(ana: Connection, riverside: Clinic) -> None:
    for n in range(20):
        call(ana, "remove_dependant", patient_id=child(ana, riverside, f"Child {n}")["id"])
    with refused("booking_limit"):
        child(ana, riverside, "One more")


def test_one_acts_for_ten_people_at_most_and_only_with_a_login_to_come_back_to(
    actors: Actors, ana: Connection, superuser: Connection, riverside: Clinic, sakura: Clinic
) -> None:
    for n in range(10):
        child(ana, riverside, f"Child {n}", relation="aunt")
    with refused("booking_limit"):
        child(ana, riverside, "Eleventh")
    child(ana, sakura, "Eleventh")
    # Who has come of age counts no more.
    superuser.execute(
        "update clinic.guardians set until = now() where patient_id ="
        " (select id from clinic.patients where full_name = 'Child 0')"
    )
    child(ana, riverside, "Eleventh")
    for wrong in ({"born": None}, {"name": " "}, {"relation": "x" * 41}):
        with refused("invalid_argument"):
            child(actors.user("ben@patients.test"), riverside, **wrong)
    with refused("forbidden"):
        child(actors.guest(), riverside)
    with refused("not_authenticated"):
        child(actors.anon(), riverside)
    with refused("not_found"):
        call(ana, "add_dependant", clinic_id=riverside.lee, full_name="Kit", birth_date="2020-02-29")
