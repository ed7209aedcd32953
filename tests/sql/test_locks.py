"""Busy moments: nobody waits long, nobody gets a raw error, and a server that takes no writes says so."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg.rows import dict_row

from tests.api.arguments import ARGUMENTS
from tests.api.walk import Walk
from tests.support.actors import Actors, Connection, Row, call
from tests.support.clinics import Clinic
from tests.support.messages import patient, visit
from tests.support.refusals import parse_refusal, refused
from tests.support.slots import book, reserve


@contextmanager
def somebody_else(actors: Actors) -> Iterator[Connection]:
    """Yield a transaction that holds on to whatever it locks."""
    with psycopg.connect(actors.url, row_factory=dict_row) as connection:
        yield connection
        connection.rollback()


@pytest.mark.parametrize("kind", ["book_appointment", "reserve_slot"])
def test_a_held_calendar_is_told_within_seconds(
    actors: Actors, ana: Connection, ben: Connection, riverside: Clinic, kind: str
) -> None:
    slot = {"dentist_id": riverside.lee, "appointment_type_id": riverside.checkup}
    with somebody_else(actors) as holder:
        holder.execute("select clinic.lock_calendars(%s)", [riverside.lee])
        started = time.monotonic()
        with refused("try_again") as refusal:
            call(ana, kind, **slot, starts_at=riverside.at("09:00"))
        assert time.monotonic() - started < 5
        call(ben, kind, **slot | {"dentist_id": riverside.other}, starts_at=riverside.at("09:00"))
    assert refusal.headers == {"Retry-After": "1"}
    call(ana, kind, **slot, starts_at=riverside.at("09:00"))


def test_a_held_patient_is_told_within_seconds(actors: Actors, ana: Connection, riverside: Clinic) -> None:
    appointment = book(ana, riverside, riverside.at("09:00"))
    with somebody_else(actors) as holder:
        holder.execute("select clinic.lock_patient(%s)", [appointment["patient_id"]])
        with refused("try_again"):
            book(ana, riverside, riverside.at("10:00"))


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        ("cancel_appointment", {}),
        ("update_appointment", {"notes": "Later"}),
        ("reschedule_appointment", {"starts_at": "10:00"}),
    ],
)
def test_a_held_row_is_told_within_seconds(
    actors: Actors, ana: Connection, riverside: Clinic, function: str, arguments: Row
) -> None:
    appointment = book(ana, riverside, riverside.at("09:00"))
    if "starts_at" in arguments:
        arguments = {"starts_at": riverside.at(arguments["starts_at"])}
    with somebody_else(actors) as holder:
        holder.execute("select from clinic.appointments where id = %s for update", [appointment["id"]])
        with refused("try_again"):
            call(ana, function, appointment_id=appointment["id"], **arguments)
    call(ana, function, appointment_id=appointment["id"], **arguments)


LOGIN = "select pg_advisory_xact_lock(hashtextextended('chairtime:login:' || %s::text, 0))"


@pytest.mark.parametrize(
    ("function", "where"),
    [("reserve_slot", {}), ("chatbot_find_slots", {"clinic_slug": "riverside", "service": "Check-up"})],
)
def test_a_login_that_is_held_is_told_within_seconds(
    actors: Actors, ana: Connection, riverside: Clinic, function: str, where: Row
) -> None:
    slot = {"dentist_id": riverside.lee, "appointment_type_id": riverside.checkup}
    arguments = where or slot | {"starts_at": riverside.at("09:00")}
    with somebody_else(actors) as holder:
        holder.execute(LOGIN, [actors.user_id("ana@patients.test")])
        with refused("try_again"):
            call(ana, function, **arguments)
    call(ana, function, **arguments)


def test_a_repetition_elsewhere_of_what_is_in_flight_is_told_within_seconds(
    actors: Actors, ana: Connection, riverside: Clinic
) -> None:
    """The same key, and a booking with another dentist; the same newcomer, and no key."""
    newcomer, again = actors.sign_up("new@patients.test"), actors.user("new@patients.test")
    for one, two, key in ((ana, actors.user("ana@patients.test"), "k"), (newcomer, again, None)):
        with one.transaction(force_rollback=True):
            book(one, riverside, riverside.at("09:00"), idempotency_key=key)
            with refused("try_again"):
                book(two, riverside, riverside.at("10:00"), dentist_id=riverside.other, idempotency_key=key)


def test_a_person_whom_two_conversations_speak_of_is_told_within_seconds(
    actors: Actors, riverside: Clinic
) -> None:
    one, two = actors.user("bot@riverside.test"), actors.user("bot@riverside.test")
    found = call(one, "chatbot_find_slots", clinic_slug="riverside", service="Check-up", max_results=10)
    first, *_, other = sorted(found["offers"], key=lambda offer: str(offer["dentist_id"]))
    assert first["dentist_id"] != other["dentist_id"]
    person = {"patient_name": "Casey Caller", "patient_phone": "+1 555 0100"}
    with one.transaction(force_rollback=True):
        call(one, "chatbot_hold", offer=first["offer"], **person)
        with refused("try_again"):
            call(two, "chatbot_hold", offer=other["offer"], **person)


@pytest.mark.parametrize(
    ("function", "table"),
    [
        ("update_me", "profiles"),
        ("update_clinic_policy", "clinics"),
        ("update_dentist", "dentists"),
        ("update_appointment_type", "appointment_types"),
        ("grant_staff_role", "staff"),
        ("revoke_staff_role", "staff"),
    ],
)
def test_a_row_of_the_office_that_is_held_is_told_within_seconds(
    actors: Actors, admin: Connection, riverside: Clinic, function: str, table: str
) -> None:
    role = {"clinic_id": riverside.id, "user_id": actors.user_id("desk@riverside.test")}
    office: dict[str, Row] = {
        "update_me": {"locale": "de"},
        "update_clinic_policy": {"clinic_id": riverside.id, "max_active_holds": 3},
        "update_dentist": {"dentist_id": riverside.lee, "bio": "Likes teeth"},
        "update_appointment_type": {"appointment_type_id": riverside.checkup, "name": "Look"},
        "grant_staff_role": role | {"role": "admin"},
        "revoke_staff_role": role,
    }
    with somebody_else(actors) as holder:
        holder.execute(f"select from clinic.{table} for update")  # type: ignore[arg-type]
        with refused("try_again"):
            call(admin, function, **office[function])
    call(admin, function, **office[function])


@pytest.mark.parametrize(
    ("function", "names"),
    [
        ("create_appointment_type", {"name": "Look", "duration": "30 minutes"}),
        ("create_patient", {"full_name": "New", "user_id": "ben@patients.test"}),
        ("create_dentist", {"full_name": "New", "user_id": "ben@patients.test"}),
        ("grant_staff_role", {"user_id": "ben@patients.test", "role": "receptionist"}),
    ],
)
def test_what_two_make_at_once_is_told_within_seconds(
    actors: Actors, riverside: Clinic, function: str, names: Row
) -> None:
    """As whoever may name a login that is not on the staff: who has the secret key; an admin otherwise."""
    one, other = (
        actors.service_role() if "user_id" in names else actors.user("admin@riverside.test") for _ in range(2)
    )
    arguments = {"clinic_id": riverside.id} | names
    if "user_id" in names:
        arguments["user_id"] = actors.user_id(names["user_id"])
    with one.transaction(force_rollback=True):
        call(one, function, **arguments)
        with refused("try_again"):
            call(other, function, **arguments)
    call(other, function, **arguments)


def test_who_holds_a_calendar_and_does_nothing_is_hung_up_on(
    actors: Actors, ana: Connection, riverside: Clinic
) -> None:
    """Two seconds are the waiters'; thirty are the holder's, who blocks the event log, too."""
    with somebody_else(actors) as holder:
        holder.execute("select clinic.lock_calendars(%s)", [riverside.lee])
        row = holder.execute("show idle_in_transaction_session_timeout").fetchone()
        assert row == {"idle_in_transaction_session_timeout": "30s"}
    with somebody_else(actors) as holder:
        visit(holder, riverside, patient(holder, riverside), riverside.at("09:00"))
        limits = holder.execute(
            "select current_setting('lock_timeout') as waits,"
            " current_setting('idle_in_transaction_session_timeout') as idles"
        ).fetchone()
        assert limits == {"waits": "2s", "idles": "30s"}, "also by raw SQL"
    row = ana.execute("show lock_timeout").fetchone()
    book(ana, riverside, riverside.at("09:00"))
    assert ana.execute("show lock_timeout").fetchone() == row, "the limits end with the transaction"


READS = {
    "health", "me", "available_slots", "explain_slot", "get_availability", "clinic_day", "events_since",
    "clinic_time", "longest_answer", "next_slots", "absence_worklist", "search_patients", "similar_patients",
    "appointment_history", "unconfirmed", "due_recalls", "message_contacts", "next_steps", "preview_message",
}  # fmt: skip
WRITES = [name for name in ARGUMENTS if name.partition(":")[0] not in READS]
QUESTIONS = [name for name in ARGUMENTS if name.partition(":")[0] in READS]


@pytest.mark.parametrize("name", WRITES)
def test_a_read_only_server_asks_writers_to_try_again(actors: Actors, name: str) -> None:
    walk = Walk(actors)
    arguments = ARGUMENTS[name](walk.world)
    caller = walk.caller(name)
    caller.execute("set default_transaction_read_only = on")
    with refused("try_again"):
        call(caller, name.partition(":")[0], **arguments)


@pytest.mark.parametrize("name", ["book_appointment", "open_link"])
def test_what_changes_something_is_refused_with_get(actors: Actors, name: str) -> None:
    walk = Walk(actors)
    arguments = ARGUMENTS[name](walk.world)
    caller = walk.caller(name)
    caller.execute("set default_transaction_read_only = on")
    caller.execute("set request.method = 'GET'")
    with refused("invalid_argument"):
        call(caller, name, **arguments)


def test_a_read_only_server_says_so(actors: Actors, ana: Connection, riverside: Clinic) -> None:
    assert call(ana, "health")["read_only"] is False
    ana.execute("set default_transaction_read_only = on")
    health = call(ana, "health")
    assert (health["status"], health["read_only"]) == ("degraded", True)


def test_a_read_only_server_still_answers_questions(actors: Actors) -> None:
    walk = Walk(actors)
    for name in QUESTIONS:
        arguments, caller = ARGUMENTS[name](walk.world), walk.caller(name)
        caller.execute("set default_transaction_read_only = on")
        call(caller, name.partition(":")[0], **arguments)
        caller.execute("set default_transaction_read_only = off")


def test_a_deleted_users_token_opens_nothing(
    actors: Actors, ana: Connection, superuser: Connection, riverside: Clinic
) -> None:
    hold = reserve(ana, riverside, riverside.at("09:00"))
    user = actors.user_id("ana@patients.test")
    superuser.execute("delete from auth.users where id = %s", [user])
    slot = {
        "dentist_id": riverside.lee,
        "appointment_type_id": riverside.checkup,
        "starts_at": riverside.at("10:00"),
    }
    attempts: list[tuple[str, Row]] = [
        ("book_appointment", slot),
        ("reserve_slot", slot),
        ("confirm_reservation", {"reservation_id": hold["id"]}),
        ("release_reservation", {"reservation_id": hold["id"]}),
        ("update_me", {"locale": "de"}),
        ("me", {}),
        ("chatbot_find_slots", {"clinic_slug": "riverside", "service": "Check-up"}),
        (
            "add_time_off",
            {"clinic_id": riverside.id, "starts_at": riverside.at("09:00"), "ends_at": riverside.at("10:00")},
        ),
    ]
    for function, arguments in attempts:
        with pytest.raises(psycopg.Error) as caught:
            call(ana, function, **arguments)
        assert parse_refusal(caught.value).code == "not_authenticated", function
