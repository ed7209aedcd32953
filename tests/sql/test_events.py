"""Events: every change once, in order, without gaps, to those who may hear it and to nobody else."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import psycopg
import pytest

from tests.support.actors import Actors, Connection, Row, call
from tests.support.clinics import Clinic
from tests.support.refusals import refused
from tests.support.slots import book, expire_hold, reserve
from tests.support.waiting import wait_for_older


def since(connection: Connection, topic: str, after: int = 0, **more: int) -> list[Row]:
    """Return what a topic heard after an event; of hours and offers, which the seed has set, we know."""
    rows: list[Row] = call(connection, "events_since", topic=topic, after_id=after, **more)
    return [row for row in rows if row["event"] not in {"hours_changed", "availability_changed"}]


def settled(connection: Connection, topic: str, after: int = 0, **more: int) -> list[Row]:
    """Wait until events are settled; then ask."""
    wait_for_older(connection)
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
    call(desk, "cancel_appointment", appointment_id=hold["id"])
    call(desk, "set_appointment_status", appointment_id=hold["id"], status="booked")
    assert names(settled(desk, clinic_topic)) == [
        "reservation_created",
        "appointment_booked",
        "appointment_rescheduled",
        "appointment_cancelled",
        "appointment_status_changed",
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


def test_a_hold_that_ran_out_is_told_as_that_even_to_whoever_gives_it_back(
    ana: Connection, desk: Connection, superuser: Connection, riverside: Clinic, clinic_topic: str
) -> None:
    hold = reserve(ana, riverside, riverside.at("09:00"))
    expire_hold(superuser, hold["id"])
    call(ana, "release_reservation", reservation_id=hold["id"])
    assert names(settled(desk, clinic_topic)) == ["reservation_created", "reservation_expired"]


def test_who_holds_for_nobody_in_particular_is_told_themselves(
    actors: Actors, desk: Connection, riverside: Clinic
) -> None:
    reserve(desk, riverside, riverside.at("09:00"))
    topic = f"patient:{actors.user_id('desk@riverside.test')}"
    assert names(settled(desk, topic)) == ["reservation_created"]


def test_a_move_to_another_dentist_is_told_to_each_once(
    actors: Actors, ana: Connection, admin: Connection, riverside: Clinic
) -> None:
    """The patient hears it once; both dentists do, and whom it left hears where it went."""
    appointment = book(ana, riverside, riverside.at("09:00"))
    move = {"starts_at": riverside.at("10:00"), "dentist_id": riverside.other}
    call(ana, "reschedule_appointment", appointment_id=appointment["id"], **move)
    to_patient = settled(ana, f"patient:{actors.user_id('ana@patients.test')}")
    assert names(to_patient) == ["appointment_booked", "appointment_rescheduled"]
    assert "moved_to_dentist_id" not in to_patient[-1]["payload"]
    (_, left) = settled(admin, f"dentist:{riverside.lee}")
    assert (left["event"], left["payload"]["moved_to_dentist_id"]) == (
        "appointment_rescheduled",
        str(riverside.other),
    )
    assert names(settled(admin, f"dentist:{riverside.other}")) == ["appointment_rescheduled"]


@pytest.mark.parametrize("change", ["add", "move", "remove"])
def test_time_off_that_comes_moves_or_goes_changes_the_hours_for_everybody(
    anon: Connection, admin: Connection, superuser: Connection, riverside: Clinic, change: str
) -> None:
    off = {"starts_at": riverside.at("13:00"), "ends_at": riverside.at("17:00")}
    add = {"clinic_id": riverside.id, "dentist_id": riverside.lee, **off}
    if change != "add":
        identifier = call(admin, "add_time_off", **add)["time_off"][0]["id"]
    before = last_event(superuser)
    if change == "add":
        call(admin, "add_time_off", **add)
    elif change == "move":
        superuser.execute(
            "update clinic.time_off set during = tstzrange(lower(during), lower(during) + interval '1 hour')"
        )
    else:
        call(admin, "remove_time_off", time_off_id=identifier)
    topic = f"availability:{riverside.id}"
    settled(anon, topic)
    rows = call(anon, "events_since", topic=topic, after_id=before)
    assert [row["event"] for row in rows if row["event"] == "hours_changed"] == ["hours_changed"]


def last_event(superuser: Connection) -> int:
    row = superuser.execute("select max(id) as id from clinic.realtime_events").fetchone()
    assert row is not None
    last: int = row["id"]
    return last


def test_the_public_hears_when_and_never_who_or_why(
    ana: Connection, anon: Connection, superuser: Connection, riverside: Clinic
) -> None:
    before = last_event(superuser)
    appointment = book(ana, riverside, riverside.at("09:00"), notes="Private")
    call(ana, "cancel_appointment", appointment_id=appointment["id"], reason="Private")
    topic = f"availability:{riverside.id}"
    assert names(settled(anon, topic)) == ["slot_taken", "slot_freed"]
    rows = call(anon, "events_since", topic=topic, after_id=before)
    # A chair less, and a chair more: others' visits depend on it.
    assert names(rows) == ["slot_taken", "availability_changed", "slot_freed", "availability_changed"]
    told = str(rows)
    chairs = superuser.execute("select id::text from clinic.resources where kind <> 'practitioner'")
    secrets = (str(appointment["patient_id"]), str(appointment["id"]), *(row["id"] for row in chairs))
    for secret in ("Private", "appointment", "chair", *secrets):
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


def test_a_page_goes_on_where_the_last_one_ended(ana: Connection, anon: Connection, sakura: Clinic) -> None:
    for clock in ("09:00", "10:00", "11:00"):
        book(ana, sakura, sakura.at(clock))
    topic = f"availability:{sakura.id}"
    every = settled(anon, topic)
    first = settled(anon, topic, after=every[0]["id"] - 1, max_events=2)
    rest = settled(anon, topic, after=first[-1]["id"])
    assert len(first) == 2
    assert first + rest == every


def test_what_commits_late_is_not_skipped(
    actors: Actors, ana: Connection, ben: Connection, anon: Connection, sakura: Clinic
) -> None:
    """An event with a lower id whose transaction is still open holds back what follows it."""
    topic = f"availability:{sakura.id}"
    with ana.transaction():
        book(ana, sakura, sakura.at("09:00"))
        book(ben, sakura, sakura.at("09:00"), dentist_id=sakura.other)
        seen = since(anon, topic)
    late = settled(anon, topic, after=seen[-1]["id"] if seen else 0)
    rows = [*seen, *late]
    assert {UUID(row["payload"]["dentist_id"]) for row in rows} == {sakura.lee, sakura.other}
    assert [row["id"] for row in rows] == sorted(row["id"] for row in rows)


def test_no_clock_says_that_a_transaction_must_be_over(
    ana: Connection, ben: Connection, anon: Connection, superuser: Connection, sakura: Clinic
) -> None:
    """What follows an open transaction waits for it, though by the clock it began hours ago."""
    topic = f"availability:{sakura.id}"
    with ana.transaction():
        book(ana, sakura, sakura.at("09:00"))
        book(ben, sakura, sakura.at("09:00"), dentist_id=sakura.other)
        superuser.execute("update clinic.realtime_events set occurred_at = occurred_at - interval '5 hours'")
        assert since(anon, topic) == []
    assert len(settled(anon, topic)) == 2


def touch(connection: Connection, dentist: UUID, times: int = 1) -> None:
    """Change a dentist's hours, which three topics hear."""
    for _ in range(times):
        connection.execute(
            "insert into clinic.extra_hours (clinic_id, dentist_id, during)"
            " select clinic_id, id, tstzrange(now(), now() + interval '1 hour')"
            " from clinic.dentists where id = %s",
            [dentist],
        )


def test_a_long_transaction_does_not_skip_what_a_younger_one_commits_late(
    actors: Actors, anon: Connection, riverside: Clinic
) -> None:
    """Past some dozen changes events have no subtransaction that tells their horizon."""
    older, younger = actors.superuser(), actors.superuser()
    topic = {"topic": f"availability:{riverside.id}"}
    settled(anon, **topic)
    last = call(anon, "events_since", **topic, after_id=0)[-1]["id"]
    with younger.transaction():
        with older.transaction():
            touch(older, riverside.other, 20)
            touch(younger, riverside.lee)
            touch(older, riverside.other)
        heard = call(anon, "events_since", **topic, after_id=last)
        assert len(heard) < 22, "the last one is after the younger's, which is not there yet"
    settled(anon, **topic)
    rest = call(anon, "events_since", **topic, after_id=heard[-1]["id"] if heard else last)
    assert len(heard + rest) == 22


@pytest.fixture
def busy(actors: Actors, superuser: Connection, sakura: Clinic) -> list[UUID]:
    """Many appointments, each of another patient with a login."""
    row = superuser.execute(
        """
        with users as (
          insert into auth.users (id, aud, role, email)
          select gen_random_uuid(), 'authenticated', 'authenticated', 'busy-' || n || '@made.test'
          from generate_series(1, 150) as n
          returning id, email
        ), made as (
          insert into clinic.patients (clinic_id, user_id, full_name)
          select %(clinic)s, u.id, u.email from users as u
          returning id
        ), booked as (
          insert into clinic.appointments (
            clinic_id, dentist_id, patient_id, appointment_type_id, starts_at, ends_at,
            buffer_before, buffer_after, source
          )
          select
            %(clinic)s, %(lee)s, m.id, %(type)s, %(start)s + m.n * interval '1 hour',
            %(start)s + m.n * interval '1 hour' + interval '30 minutes', '0', '0', 'desk'
          from (select id, row_number() over () as n from made) as m
          returning id
        )
        select array_agg(id) as ids from booked
        """,
        {
            "clinic": sakura.id,
            "lee": sakura.lee,
            "type": sakura.checkup,
            "start": sakura.at("09:00"),
        },
    ).fetchone()
    assert row is not None
    ids: list[UUID] = row["ids"]
    return ids


def cancel_all(superuser: Connection, ids: list[UUID]) -> str:
    """Cancel appointments in one transaction; return its id."""
    with superuser.transaction():
        superuser.execute(
            "update clinic.appointments set status = 'cancelled', cancelled_at = now() where id = any(%s)",
            [ids],
        )
        row = superuser.execute("select pg_current_xact_id()::text as xid").fetchone()
    assert row is not None
    xid: str = row["xid"]
    return xid


def test_a_long_transaction_has_few_subtransactions(superuser: Connection, busy: list[UUID]) -> None:
    """Past 64 a backend's do not fit where snapshots look, and everybody's reads get slower."""
    xid = cancel_all(superuser, busy)
    row = superuser.execute(
        "select count(distinct xmin::text) as inside, count(*) as events"
        " from clinic.realtime_events where xid = %s::xid8",
        [xid],
    ).fetchone()
    assert row is not None
    assert row["events"] == 2 * len(busy)
    assert row["inside"] <= 64


def test_a_long_transaction_tells_every_topic_and_stays_below_a_tenants_rate(
    superuser: Connection, busy: list[UUID]
) -> None:
    superuser.execute("delete from realtime.messages")
    xid = cancel_all(superuser, busy)
    told = superuser.execute("select topic, event, private from realtime.messages").fetchall()
    assert len(told) < 100
    assert all(row["private"] for row in told)
    while len(told) < 1000:
        before = superuser.execute("select count(*) as n from realtime.messages").fetchone()
        superuser.execute("select clinic.give_late_hints(25)")
        told = superuser.execute("select topic, event, private from realtime.messages").fetchall()
        assert before is not None
        assert len(told) - before["n"] <= 25
        if len(told) == before["n"]:
            break
    topics = superuser.execute(
        "select distinct unnest(topics) as topic from clinic.realtime_events where xid = %s::xid8", [xid]
    ).fetchall()
    assert {row["topic"] for row in told} == {row["topic"] for row in topics}
    assert superuser.execute("select from clinic.late_hints").rowcount == 0


def test_a_change_outlives_broadcasts_that_cannot_be_given(superuser: Connection, busy: list[UUID]) -> None:
    superuser.execute("alter table realtime.messages rename to messages_gone")
    xid = cancel_all(superuser, busy)
    row = superuser.execute(
        "select count(*) as events, count(distinct xmin::text) as inside"
        " from clinic.realtime_events where xid = %s::xid8",
        [xid],
    ).fetchone()
    assert row is not None
    assert row["events"] == 2 * len(busy)
    assert row["inside"] <= 64


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
        " where %s = any(topics) and event not in ('hours_changed', 'availability_changed') order by id",
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
