"""Events: every change once, in order, without gaps, to those who may hear it and to nobody else."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import psycopg
import pytest

from tests.support.actors import Actors, Connection, Row, call
from tests.support.clinics import Clinic
from tests.support.refusals import refused
from tests.support.slots import book, expire_hold, reserve


def since(connection: Connection, topic: str, after: int = 0, **more: int) -> list[Row]:
    """Return what a topic heard after an event; of the hours, which the seed has set, we know."""
    rows: list[Row] = call(connection, "events_since", topic=topic, after_id=after, **more)
    return [row for row in rows if row["event"] != "hours_changed"]


def settled(connection: Connection, topic: str, after: int = 0, **more: int) -> list[Row]:
    """Wait for every transaction that began before now, anywhere on the server, as events do; then ask."""
    deadline = time.monotonic() + 60
    query = "select pg_snapshot_xmin(pg_current_snapshot())::text::bigint as oldest, "
    row = connection.execute(
        query + "pg_snapshot_xmax(pg_current_snapshot())::text::bigint as next"
    ).fetchone()
    assert row is not None
    now = row["next"]
    while row is not None and row["oldest"] < now:
        assert time.monotonic() < deadline, "some transaction on this server does not end"
        time.sleep(0.01)
        row = connection.execute(query + "0 as next").fetchone()
    return since(connection, topic, after, **more)


def names(rows: list[Row]) -> list[str]:
    return [row["event"] for row in rows]


@pytest.fixture
def clinic_topic(riverside: Clinic) -> str:
    """The channel of the clinic's desk."""
    return f"clinic:{riverside.id}"


def test_a_life_of_an_appointment_is_told_in_order(
    ana: Connection, desk: Connection, riverside: Clinic, clinic_topic: str
) -> None:
    hold = reserve(ana, riverside, riverside.at("09:00"))
    call(ana, "confirm_reservation", reservation_id=hold["id"])
    call(ana, "reschedule_appointment", appointment_id=hold["id"], starts_at=riverside.at("10:00"))
    call(desk, "set_appointment_status", appointment_id=hold["id"], status="checked_in")
    call(desk, "cancel_appointment", appointment_id=hold["id"])
    assert names(settled(desk, clinic_topic)) == [
        "reservation_created",
        "appointment_booked",
        "appointment_rescheduled",
        "appointment_status_changed",
        "appointment_cancelled",
    ]


def test_holds_that_end_are_told_with_how_they_ended(
    ana: Connection, desk: Connection, superuser: Connection, riverside: Clinic, clinic_topic: str
) -> None:
    released = reserve(ana, riverside, riverside.at("09:00"))
    call(ana, "release_reservation", reservation_id=released["id"])
    expired = reserve(ana, riverside, riverside.at("09:00"))
    expire_hold(superuser, expired["id"])
    superuser.execute("select clinic.expire_reservations()")
    told = [event for event in names(settled(desk, clinic_topic)) if event != "reservation_created"]
    assert told == ["reservation_released", "reservation_expired"]


def test_the_public_hears_when_and_never_who_or_why(
    ana: Connection, anon: Connection, riverside: Clinic
) -> None:
    appointment = book(ana, riverside, riverside.at("09:00"), notes="Private")
    call(ana, "cancel_appointment", appointment_id=appointment["id"], reason="Private")
    rows = settled(anon, f"availability:{riverside.id}")
    assert names(rows) == ["slot_taken", "slot_freed"]
    told = str(rows)
    for secret in ("Private", str(appointment["patient_id"]), str(appointment["id"]), "appointment"):
        assert secret not in told


def test_every_event_has_what_clients_need(
    ana: Connection, desk: Connection, riverside: Clinic, clinic_topic: str
) -> None:
    book(ana, riverside, riverside.at("09:00"))
    (row,) = settled(desk, clinic_topic)
    assert row["payload"].keys() >= {"event_id", "occurred_at", "event", "dentist_id", "dentist_seq"}
    assert row["payload"]["event_id"] == row["id"]
    assert UUID(row["payload"]["dentist_id"]) == riverside.lee


def test_a_dentists_numbers_have_no_gaps_even_after_refusals(
    ana: Connection, superuser: Connection, riverside: Clinic
) -> None:
    for clock in ("09:00", "09:07", "09:00", "10:00", "23:00", "11:00"):
        try:
            book(ana, riverside, riverside.at(clock))
        except psycopg.Error as error:
            assert error.sqlstate == "PGRST"
    rows = superuser.execute(
        "select dentist_seq from clinic.realtime_events where dentist_id = %s order by id", [riverside.lee]
    ).fetchall()
    numbers = [row["dentist_seq"] for row in rows]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert len(numbers) >= 6


def test_a_page_goes_on_where_the_last_one_ended(
    ana: Connection, anon: Connection, riverside: Clinic
) -> None:
    for clock in ("09:00", "10:00", "11:00"):
        book(ana, riverside, riverside.at(clock))
    topic = f"availability:{riverside.id}"
    every = settled(anon, topic)
    first = settled(anon, topic, after=every[0]["id"] - 1, max_events=2)
    rest = settled(anon, topic, after=first[-1]["id"])
    assert len(first) == 2
    assert first + rest == every


def test_what_commits_late_is_not_skipped(
    actors: Actors, ana: Connection, ben: Connection, anon: Connection, riverside: Clinic
) -> None:
    """An event with a lower id whose transaction is still open holds back what follows it."""
    topic = f"availability:{riverside.id}"
    with ana.transaction():
        book(ana, riverside, riverside.at("09:00"))
        book(ben, riverside, riverside.at("09:00"), dentist_id=riverside.other)
        seen = since(anon, topic)
    late = settled(anon, topic, after=seen[-1]["id"] if seen else 0)
    rows = [*seen, *late]
    assert {UUID(row["payload"]["dentist_id"]) for row in rows} == {riverside.lee, riverside.other}
    assert [row["id"] for row in rows] == sorted(row["id"] for row in rows)


def test_a_reader_who_polls_while_all_write_hears_everything_once(
    actors: Actors, anon: Connection, superuser: Connection, riverside: Clinic
) -> None:
    topic = f"availability:{riverside.id}"
    patients = [actors.sign_up(f"writer-{n}@made.test", f"Writer {n}") for n in range(6)]
    starts = [riverside.at(clock) for clock in ("09:00", "10:00", "11:00", "13:00", "14:00", "15:00")]
    dentists = list(riverside.dentists.values())

    def write(number: int) -> None:
        for step, start in enumerate(starts):
            try:
                book(patients[number], riverside, start, dentist_id=dentists[(number + step) % 3])
            except psycopg.Error as error:
                assert error.sqlstate == "PGRST"

    heard: list[int] = []
    with ThreadPoolExecutor(6) as pool:
        writers = [pool.submit(write, number) for number in range(6)]
        while not all(writer.done() for writer in writers):
            heard += [row["id"] for row in since(anon, topic, after=heard[-1] if heard else 0)]
        assert not [error for writer in writers if (error := writer.exception())]
    heard += [row["id"] for row in settled(anon, topic, after=heard[-1] if heard else 0)]
    rows = superuser.execute(
        "select id from clinic.realtime_events"
        " where %s = any(topics) and event <> 'hours_changed' order by id",
        [topic],
    ).fetchall()
    assert heard == [row["id"] for row in rows]


@pytest.mark.parametrize(
    ("topic", "welcome"),
    [
        ("availability:{clinic}", {"anon", "ana", "ben", "lee", "desk", "admin", "bot", "foreign_admin"}),
        ("clinic:{clinic}", {"desk", "admin"}),
        ("dentist:{lee}", {"desk", "admin", "lee"}),
        ("dentist:{other}", {"desk", "admin"}),
        ("patient:{ana}", {"ana"}),
    ],
)
def test_a_topic_is_open_to_those_it_is_for(
    request: pytest.FixtureRequest, actors: Actors, riverside: Clinic, topic: str, welcome: set[str]
) -> None:
    ana = actors.user_id("ana@patients.test")
    name = topic.format(clinic=riverside.id, lee=riverside.lee, other=riverside.other, ana=ana)
    heard = set()
    for somebody in ("anon", "ana", "ben", "lee", "desk", "admin", "bot", "foreign_admin"):
        try:
            since(request.getfixturevalue(somebody), name)
            heard.add(somebody)
        except psycopg.Error as error:
            assert "not_found" in str(error)
    assert heard == welcome


@pytest.mark.parametrize(
    "topic",
    ["", "clinic", "clinic:", "clinic:1", f"staff:{UUID(int=1)}", f"clinic:{UUID(int=1)}", "x" * 1000],
)
def test_a_topic_that_does_not_exist_is_not_found(admin: Connection, topic: str) -> None:
    with refused("not_found"):
        since(admin, topic)


@pytest.mark.parametrize("most", [0, -1, 1001, None])
def test_a_page_has_a_sensible_size(anon: Connection, riverside: Clinic, most: int | None) -> None:
    with refused("invalid_argument"):
        call(anon, "events_since", topic=f"availability:{riverside.id}", after_id=0, max_events=most)


def test_the_booking_transaction_never_notifies(
    ana: Connection, superuser: Connection, riverside: Clinic
) -> None:
    """NOTIFY takes a lock on the whole cluster at commit."""
    sources = superuser.execute(
        "select p.oid::regprocedure::text as name from pg_proc as p"
        " where p.pronamespace in ('clinic'::regnamespace, 'api'::regnamespace)"
        " and p.prosrc ~* '\\m(notify|pg_notify)\\M'"
    ).fetchall()
    assert sources == []
