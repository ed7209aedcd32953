"""Who waits for a record, and finds it merged, erased or linked meanwhile, changes nothing of it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from tests.support.actors import Actors, Connection, Row, call
from tests.support.clinics import Clinic
from tests.support.people import record
from tests.support.refusals import parse_refusal, refused
from tests.support.slots import book, reserve

STOPPED = "select from pg_catalog.pg_stat_activity where pid = %s and wait_event_type = 'Lock'"


Meanwhile = Callable[[Connection, Callable[[], Any], Connection, Callable[[], Any]], tuple[Any, Any]]


@pytest.fixture
def meanwhile(actors: Actors) -> Meanwhile:
    """Do the second thing while the first is done but not committed; return both answers or codes."""
    observer = actors.superuser()

    def both(
        first: Connection, begun: Callable[[], Any], second: Connection, wanted: Callable[[], Any]
    ) -> tuple[Any, Any]:
        def answer() -> Any:
            try:
                return wanted()
            except psycopg.Error as error:
                return parse_refusal(error).code

        with ThreadPoolExecutor(1) as pool:
            with first.transaction():
                done = begun()
                future = pool.submit(answer)
                while not observer.execute(STOPPED, [second.info.backend_pid]).rowcount:
                    assert not future.done(), f"it did not wait: {future.result()}"
            return done, future.result()

    return both


@pytest.fixture
def other(actors: Actors) -> Connection:
    """The admin at a second screen."""
    return actors.user("admin@riverside.test")


def merge(connection: Connection, keep: Any, gone: Any) -> Callable[[], Any]:
    return lambda: call(connection, "merge_patients", keep_id=keep, merge_id=gone)


def erase(connection: Connection, patient: Any) -> Callable[[], Any]:
    return lambda: call(connection, "erase_patient", patient_id=patient, reason="asked")


def found(connection: Connection, clinic: Clinic, query: str) -> list[str]:
    rows = call(connection, "search_patients", clinic_id=clinic.id, query=query)
    return [row["full_name"] for row in rows]


def people(connection: Connection, clinic: Clinic, *names: str) -> list[Any]:
    return [record(connection, clinic, f"Tripp {name}")["id"] for name in names]


def test_two_who_merge_the_same_records_the_other_way_round_lose_nobody(
    meanwhile: Meanwhile, admin: Connection, other: Connection, riverside: Clinic
) -> None:
    one, two = people(admin, riverside, "One", "Two")
    _, code = meanwhile(admin, merge(admin, one, two), other, merge(other, two, one))
    assert code == "try_again"
    with refused("not_found"):
        merge(other, two, one)()
    assert found(admin, riverside, "tripp") == ["Tripp One"]


def test_nobody_is_merged_into_who_is_merged_meanwhile(
    meanwhile: Meanwhile, admin: Connection, other: Connection, riverside: Clinic
) -> None:
    one, two, three = people(admin, riverside, "One", "Two", "Three")
    _, code = meanwhile(admin, merge(admin, one, two), other, merge(other, two, three))
    assert code == "try_again"
    assert found(admin, riverside, "tripp") == ["Tripp One", "Tripp Three"]


@pytest.mark.parametrize("has_own", [False, True])
def test_a_code_for_who_is_merged_meanwhile_is_void(
    meanwhile: Meanwhile, ana: Connection, admin: Connection, riverside: Clinic, has_own: bool
) -> None:
    if has_own:
        book(ana, riverside, riverside.at("09:00"))
    one, two = people(admin, riverside, "One", "Two")
    code = call(admin, "invite_patient", patient_id=two)["code"]

    def claim() -> Any:
        return call(ana, "claim_patient", code=code)

    assert meanwhile(admin, merge(admin, one, two), ana, claim)[1] == "try_again"
    assert claim()["accepted"] is False


def test_of_two_codes_that_were_made_at_once_one_links(
    meanwhile: Meanwhile,
    actors: Actors,
    ana: Connection,
    ben: Connection,
    desk: Connection,
    riverside: Clinic,
) -> None:
    (one,) = people(desk, riverside, "One")
    with desk.transaction():
        codes = [
            call(screen, "invite_patient", patient_id=one)["code"]
            for screen in (desk, actors.user("desk@riverside.test"))
        ]
    first, second = meanwhile(
        ana,
        lambda: call(ana, "claim_patient", code=codes[0]),
        ben,
        lambda: call(ben, "claim_patient", code=codes[1]),
    )
    assert (first["accepted"], second) == (True, "try_again")
    assert ana.execute("select id from api.patients").fetchall() == [{"id": one}]
    assert ben.execute("select id from api.patients").fetchall() == []


def test_who_is_merged_meanwhile_is_not_erased_without_what_was_moved(
    meanwhile: Meanwhile, admin: Connection, other: Connection, riverside: Clinic
) -> None:
    one, two = people(admin, riverside, "One", "Two")
    assert meanwhile(admin, merge(admin, one, two), other, erase(other, two))[1] == "try_again"
    with refused("not_found"):
        erase(other, two)()
    three = people(admin, riverside, "Three")[0]
    assert meanwhile(admin, merge(admin, one, three), other, erase(other, one))[1] == "try_again"
    erase(other, one)()
    assert found(admin, riverside, "tripp") == []


@pytest.mark.parametrize("kept", [True, False])
def test_nothing_of_who_is_erased_meanwhile_is_merged(
    meanwhile: Meanwhile,
    admin: Connection,
    other: Connection,
    superuser: Connection,
    riverside: Clinic,
    kept: bool,
) -> None:
    one, two = people(admin, riverside, "One", "Two")
    pair = (one, two) if kept else (two, one)
    assert meanwhile(admin, erase(admin, one), other, merge(other, *pair))[1] == "try_again"
    assert found(admin, riverside, "tripp") == ["Tripp Two"]


def test_who_is_erased_meanwhile_gets_no_name_and_no_notes_again(
    meanwhile: Meanwhile,
    admin: Connection,
    desk: Connection,
    bot: Connection,
    superuser: Connection,
    riverside: Clinic,
) -> None:
    def attempts(patient: Any, visit: Any) -> list[Callable[[], Any]]:
        return [
            lambda: call(desk, "update_patient", patient_id=patient, full_name="Tripp"),
            lambda: call(desk, "update_appointment", appointment_id=visit, notes="Tripp"),
            lambda: call(desk, "update_appointment", appointment_id=visit, staff_notes="Tripp"),
            lambda: call(desk, "set_appointment_status", appointment_id=visit, status="booked"),
            lambda: call(
                desk, "reschedule_appointment", appointment_id=visit, starts_at=riverside.at("14:00")
            ),
            lambda: book(desk, riverside, riverside.at("15:00"), patient_id=patient),
        ]

    for n in range(6):
        (patient,) = people(desk, riverside, "One")
        day = riverside.at("09:00", riverside.weekday(1 + n % 5, weeks=3 + n))
        visit = book(desk, riverside, day, patient_id=patient)["id"]
        wanted = attempts(patient, visit)[n]
        code = meanwhile(admin, erase(admin, patient), desk, wanted)[1]
        assert code in ("not_found", "invalid_transition"), n
        for late in attempts(patient, visit)[:4]:
            with refused("not_found"):
                late()
    chair = book(desk, riverside, riverside.at("13:00"), patient_id=people(desk, riverside, "One")[0])
    superuser.execute("update clinic.appointments set status = 'checked_in' where id = %s", [chair["id"]])
    erase(admin, chair["patient_id"])()
    with refused("not_found"):
        call(desk, "cancel_appointment", appointment_id=chair["id"], reason="Tripp")
    assert call(desk, "cancel_appointment", appointment_id=chair["id"])["cancellation_reason"] is None
    left = superuser.execute("select from clinic.patients where full_name like 'Tripp%'").rowcount
    noted = superuser.execute("select from clinic.appointments where notes like 'Tripp%'").rowcount
    assert (left, noted) == (0, 0)
    with pytest.raises(psycopg.errors.CheckViolation):
        superuser.execute("update clinic.patients set full_name = 'Tripp' where erased_at is not null")


def test_who_is_booked_for_meanwhile_is_kept(
    meanwhile: Meanwhile, desk: Connection, superuser: Connection, riverside: Clinic
) -> None:
    (patient,) = people(desk, riverside, "One")
    superuser.execute("update clinic.clinics set patient_retention = '10 years'")
    superuser.execute(
        "update clinic.patients set created_at = now() - interval '11 years' where id = %s", [patient]
    )
    meanwhile(
        desk,
        lambda: book(desk, riverside, riverside.at("09:00"), patient_id=patient),
        superuser,
        lambda: superuser.execute("select clinic.apply_retention()"),
    )
    assert found(desk, riverside, "tripp") == ["Tripp One"]


def test_nobody_becomes_their_own_guardian(ben: Connection, desk: Connection, riverside: Clinic) -> None:
    """Whoever acts for somebody and turns out to be them; with a record of their own, or without."""

    def kid(name: str) -> Row:
        row: Row = call(ben, "add_dependant", clinic_id=riverside.id, full_name=name, birth_date="2015-01-01")
        return row

    for name in ("One", "Two"):
        patient = kid(f"Tripp {name}")["id"]
        code = call(desk, "invite_patient", patient_id=patient)["code"]
        assert call(ben, "claim_patient", code=code, birth_date="2015-01-01")["accepted"]
        assert call(ben, "me")["dependants"] == []
        assert ben.execute("select id from api.patients").fetchall() == [{"id": patient}]
    code = call(desk, "invite_patient", patient_id=patient, relation="self")["code"]
    assert call(ben, "claim_patient", code=code, birth_date="2015-01-01")["accepted"] is False


@pytest.mark.parametrize("what", ["book", "reserve", "add", "claim", "look after", "mistype", "join"])
def test_whose_login_is_deleted_meanwhile_is_told_so(
    meanwhile: Meanwhile, actors: Actors, admin: Connection, riverside: Clinic, what: str
) -> None:
    leaving, last = actors.sign_up("gone@post.test", "Gone"), actors.user("gone@post.test")
    (patient,) = people(admin, riverside, "One")
    relation = {"relation": "aunt"} if what == "look after" else {}
    code = call(admin, "invite_patient", patient_id=patient, **relation)["code"]
    joins = call(admin, "invite_staff", clinic_id=riverside.id, email="gone@post.test", role="receptionist")
    kit = {"clinic_id": riverside.id, "full_name": "Kit", "birth_date": "2020-02-29"}
    wanted: dict[str, Callable[[], Any]] = {
        "book": lambda: book(last, riverside, riverside.at("09:00")),
        "reserve": lambda: reserve(last, riverside, riverside.at("09:00")),
        "add": lambda: call(last, "add_dependant", **kit),
        "claim": lambda: call(last, "claim_patient", code=code),
        "look after": lambda: call(last, "claim_patient", code=code),
        "mistype": lambda: call(last, "claim_patient", code="ABCD-EFGH-JKLM"),
        "join": lambda: call(last, "accept_staff_invitation", code=joins["code"]),
    }
    assert meanwhile(leaving, lambda: call(leaving, "erase_me"), last, wanted[what])[1] == "not_authenticated"


def test_a_staff_invitation_that_has_to_wait_is_to_be_tried_again(
    actors: Actors, admin: Connection, superuser: Connection, riverside: Clinic
) -> None:
    newcomer = actors.sign_up("new@staff.test")
    code = call(admin, "invite_staff", clinic_id=riverside.id, email="new@staff.test", role="dentist")["code"]
    with superuser.transaction():
        superuser.execute("select from clinic.invitations for update")
        with refused("try_again"):
            call(newcomer, "accept_staff_invitation", code=code)
    assert call(newcomer, "accept_staff_invitation", code=code)["accepted"]
