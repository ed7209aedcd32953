"""The audit log: every change, whoever makes it and on whatever path, in words that people understand."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql

from tests.support.actors import Actors, Connection, Row, call
from tests.support.clinics import Clinic
from tests.support.people import login, record
from tests.support.refusals import refused
from tests.support.slots import book, reserve

# What a clinic answers for: a change that somebody can do by hand, and to what.
CHANGES = {
    "appointments": "notes = 'By hand'",
    "patients": "phone = '5'",
    "guardians": "relation = 'uncle'",
    "invitations": "wrong_answers = 3",
    "staff": "created_at = now() - interval '1 day'",
    "dentists": "bio = 'By hand'",
    "clinics": "name = 'By hand'",
    "appointment_types": "name = name || '!'",
    "dentist_types": "duration = '40 minutes'",
    "type_parts": "starts_after = '1 minute'",
    "resources": "name = name || '!'",
    "working_hours": "closes = closes - interval '1 minute'",
    "extra_hours": "during = tstzrange(lower(during), upper(during) + interval '1 minute')",
    "closures": "reason = 'By hand'",
    "time_off": "reason = 'By hand'",
    "message_rules": "channel = 'sms'",
    "message_templates": "body = 'By hand'",
    "recall_types": "name = 'By hand'",
    "waitlist": "priority = 1",
}


def entries(superuser: Connection, after: int = 0, **wanted: Any) -> list[Row]:
    """Return what was written down after an entry, oldest first."""
    conditions = "".join(f" and {column} = %({column})s" for column in wanted)
    return superuser.execute(
        f"select * from clinic.audit_log where id > %(after)s{conditions} order by id",  # type: ignore[arg-type]
        {"after": after} | wanted,
    ).fetchall()


def last(superuser: Connection) -> int:
    """Return the number of the latest entry."""
    row = superuser.execute("select coalesce(max(id), 0) as n from clinic.audit_log").fetchone()
    assert row is not None
    number: int = row["n"]
    return number


@pytest.fixture
def whole(
    superuser: Connection, ana: Connection, admin: Connection, desk: Connection, riverside: Clinic
) -> dict[str, str]:
    """A row in every table that is audited, as a condition that finds it."""
    booked = book(ana, riverside, riverside.at("09:00"))
    kit = call(ana, "add_dependant", clinic_id=riverside.id, full_name="Kit", birth_date="2020-02-29")
    call(desk, "invite_patient", patient_id=record(desk, riverside, "Some One")["id"])
    day = riverside.weekday(3)
    call(
        admin, "add_time_off", clinic_id=riverside.id, dentist_id=riverside.other,
        starts_at=riverside.at("09:00", day), ends_at=riverside.at("10:00", day), reason="Away",
    )  # fmt: skip
    closed = {
        "starts_at": riverside.at("00:00", day + timedelta(days=1)),
        "ends_at": riverside.at("00:00", day + timedelta(days=2)),
    }
    call(admin, "add_time_off", clinic_id=riverside.id, **closed, reason="Holiday")
    superuser.execute(
        "insert into clinic.extra_hours (clinic_id, dentist_id, during) values (%s, %s, tstzrange(%s, %s))",
        [riverside.id, riverside.lee, riverside.at("18:00", day), riverside.at("19:00", day)],
    )
    wording = {"kind": "offer", "channel": "sms", "locale": "en", "body": "Free on {date}: {link}"}
    call(admin, "set_message_template", clinic_id=riverside.id, **wording)
    call(ana, "join_waitlist", appointment_type_id=riverside.checkup, weekdays=[7])
    of_clinic = f"ctid = (select min(ctid) from clinic.{{table}} where clinic_id = '{riverside.id}')"
    found = {table: of_clinic.format(table=table) for table in CHANGES}
    return found | {
        "appointments": f"id = '{booked['id']}'", "patients": f"id = '{kit['id']}'",
        "clinics": f"id = '{riverside.id}'", "dentists": f"id = '{riverside.lee}'",
        "resources": f"clinic_id = '{riverside.id}' and name = 'X-ray unit'",
        "working_hours": f"dentist_id = '{riverside.lee}' and weekday = 1",
    }  # fmt: skip


def test_these_are_all_the_tables_that_are_audited(superuser: Connection) -> None:
    found = superuser.execute(
        "select tgrelid::regclass::text as name, tgenabled from pg_trigger where tgname = 'audit'"
    ).fetchall()
    assert {row["name"].removeprefix("clinic.") for row in found} == CHANGES.keys()
    assert {row["tgenabled"] for row in found} == {"A"}, "also while other triggers rest"


@pytest.mark.parametrize("mode", ["origin", "replica"])
def test_no_path_goes_by_the_log(superuser: Connection, whole: dict[str, str], mode: str) -> None:
    """Raw SQL is written down, also of who switches the triggers off, as a superuser may."""
    superuser.execute("set application_name = 'psql'")
    superuser.execute(f"set session_replication_role = {mode}")  # type: ignore[arg-type]
    for table, change in CHANGES.items():
        before = last(superuser)
        done = superuser.execute(f"update clinic.{table} set {change} where {whole[table]}")  # type: ignore[arg-type]
        assert done.rowcount >= 1, table
        written = entries(superuser, before, entity=table)
        assert len(written) == done.rowcount, table
        column = change.split(" ", maxsplit=1)[0]
        for entry in written:
            assert (entry["action"], entry["role"], entry["via"], entry["actor"]) == (
                "update",
                "sql",
                "psql",
                None,
            )
            assert entry["after"][column] != (entry["before"] or {}).get(column), table
            assert entry["clinic_id"], table


def test_deleting_and_copying_rows_is_written_down_whole(
    superuser: Connection, whole: dict[str, str], riverside: Clinic
) -> None:
    before = last(superuser)
    superuser.execute(f"delete from clinic.guardians where {whole['guardians']}")  # type: ignore[arg-type]
    (entry,) = entries(superuser, before)
    assert (entry["action"], entry["after"], entry["before"]["relation"]) == ("delete", None, "parent")
    with superuser.cursor().copy("copy clinic.resources (id, clinic_id, kind, name) from stdin") as copy:
        copy.write_row((uuid4(), riverside.id, "chair", "Copied"))
    (entry,) = entries(superuser, entry["id"])
    assert (entry["action"], entry["before"], entry["after"]["name"]) == ("insert", None, "Copied")


@pytest.mark.usefixtures("whole")
def test_a_table_that_is_audited_cannot_be_emptied_at_once(superuser: Connection) -> None:
    partitions = superuser.execute(
        "select inhrelid::regclass::text as name from pg_inherits"
        " where inhparent = 'clinic.audit_log'::regclass"
    ).fetchall()
    assert len(partitions) >= 4
    for table in [*CHANGES, "audit_log", *(row["name"].removeprefix("clinic.") for row in partitions)]:
        for mode in ("origin", "replica"):
            superuser.execute(f"set session_replication_role = {mode}")  # type: ignore[arg-type]
            with pytest.raises(psycopg.errors.IntegrityConstraintViolation):
                superuser.execute(f"truncate clinic.{table} cascade")  # type: ignore[arg-type]


@pytest.mark.usefixtures("whole")
def test_nobody_edits_the_log_not_even_its_owner(actors: Actors, database: str) -> None:
    root = actors.superuser()
    partition = root.execute(
        "select tableoid::regclass::text as name from clinic.audit_log order by id desc limit 1"
    ).fetchone()
    assert partition is not None
    owner = psycopg.connect(database, autocommit=True, options="-c role=postgres")
    before = root.execute("select count(*) as n, max(id) as last from clinic.audit_log").fetchone()
    with owner:
        for somebody in (owner, root):
            for table in ("clinic.audit_log", partition["name"]):
                for mode in ("origin", "replica") if somebody is root else ("origin",):
                    somebody.execute(f"set session_replication_role = {mode}") if somebody is root else None
                    for statement in (f"update {table} set via = 'nobody'", f"delete from {table}"):
                        with pytest.raises(psycopg.errors.InsufficientPrivilege):
                            somebody.execute(statement)  # type: ignore[call-overload]
    for client in (actors.user("admin@riverside.test"), actors.service_role()):
        for statement in ("update clinic.audit_log set via = ''", "delete from clinic.audit_log"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                client.execute(statement)  # type: ignore[call-overload]
    assert root.execute("select count(*) as n, max(id) as last from clinic.audit_log").fetchone() == before


def test_a_month_without_a_partition_is_kept_and_moved_once_there_is_one(superuser: Connection) -> None:
    row = superuser.execute("select (now() + interval '5 months')::date as day").fetchone()
    assert row is not None
    superuser.execute(
        "insert into clinic.audit_log (at, clinic_id, entity, entity_id, action, role, via)"
        " values (%s, null, 'clinics', %s, 'update', 'sql', 'psql')",
        [row["day"], uuid4()],
    )
    late = "select tableoid::regclass::text as name from clinic.audit_log where at >= %s"
    assert superuser.execute(late, [row["day"]]).fetchone() == {"name": "clinic.audit_log_default"}
    made = superuser.execute(
        "select clinic.create_audit_partitions(%s, %s) as n", [row["day"]] * 2
    ).fetchone()
    assert made == {"n": 1}
    assert superuser.execute(late, [row["day"]]).fetchone() == {
        "name": f"clinic.audit_log_{row['day']:%Y_%m}"
    }
    for statement in (
        "delete from clinic.audit_log where at >= %s",
        "update clinic.audit_log set via = '' where at >= %s",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            superuser.execute(statement, [row["day"]])


def through(connection: Connection, door: str) -> None:
    """Come through PostgREST, which says the path."""
    connection.execute("select set_config('request.path', %s, false)", [f"/rpc/{door}"])


def test_each_entry_says_who_as_what_and_through_which_door(
    actors: Actors, superuser: Connection, riverside: Clinic
) -> None:
    visits: list[UUID] = []
    for n, (who, role) in enumerate(
        {
            "ana@patients.test": "patient",
            "desk@riverside.test": "receptionist",
            "admin@riverside.test": "admin",
            "lee@riverside.test": "dentist",
        }.items()
    ):
        caller = actors.user(who)
        named = {} if role == "patient" else {"patient_id": record(caller, riverside, f"Some {n}")["id"]}
        before = last(superuser)
        through(caller, "book_appointment")
        visits.append(book(caller, riverside, riverside.at("09:00", riverside.weekday(1 + n)), **named)["id"])
        (entry,) = entries(superuser, before, entity="appointments")
        assert (entry["role"], entry["via"], str(entry["actor"])) == (role, "book_appointment", login(caller))
        assert entry["after"]["status"] == "booked"
    bot = actors.user("bot@riverside.test")
    before = last(superuser)
    through(bot, "chatbot_confirm")
    offer = call(bot, "chatbot_find_slots", clinic_slug="riverside", service="Check-up")["offers"][0]["offer"]
    hold = call(bot, "chatbot_hold", offer=offer, patient_name="Casey Caller", patient_phone="+1 555 0100")
    call(bot, "chatbot_confirm", reservation_id=hold["reservation_id"])
    assert {(entry["role"], entry["entity"]) for entry in entries(superuser, before)} == {
        ("chatbot", "patients"), ("chatbot", "appointments"),
    }  # fmt: skip
    guest = actors.guest()
    call(guest, "update_me", full_name="Gil Guest", phone="5550188")
    before = last(superuser)
    book(guest, riverside, riverside.at("14:00"))
    assert {entry["role"] for entry in entries(superuser, before)} == {"guest"}
    service = actors.service_role()
    before = last(superuser)
    call(service, "update_appointment", appointment_id=visits[0], notes="By a server")
    (entry,) = entries(superuser, before)
    assert (entry["role"], entry["actor"]) == ("service", None)
    # A token is believed, an application's name is not: it says the door of who comes without a request.
    worker = connect_as_worker(actors)
    before = last(superuser)
    worker.execute("select clinic.apply_retention()")
    superuser.execute("update clinic.clinics set patient_retention = '3650 days'")
    superuser.execute("set application_name = ''")
    superuser.execute("update clinic.clinics set phone = '5' where id = %s", [riverside.id])
    assert [entry["via"] for entry in entries(superuser, before)][-1] == "sql"


def connect_as_worker(actors: Actors) -> Connection:
    connection = actors.superuser()
    connection.execute("set application_name = 'chairtime-worker'")
    connection.execute("set role chairtime_worker")
    return connection


def test_what_the_worker_does_is_the_workers(
    actors: Actors, desk: Connection, superuser: Connection, riverside: Clinic
) -> None:
    old = record(desk, riverside, "Long Gone", phone="5550188")
    superuser.execute(
        "update clinic.patients set created_at = now() - interval '30 years' where id = %s", [old["id"]]
    )
    superuser.execute(
        "update clinic.clinics set patient_retention = '3650 days' where id = %s", [riverside.id]
    )
    before = last(superuser)
    connect_as_worker(actors).execute("select clinic.apply_retention()")
    (entry,) = entries(superuser, before, entity="patients")
    assert (entry["role"], entry["via"], entry["actor"]) == ("worker", "chairtime-worker", None)


# History ---------------------------------------------------------------------------------------------------


def history(connection: Connection, appointment: Any) -> list[Row]:
    rows: list[Row] = call(connection, "appointment_history", appointment_id=appointment)
    return rows


def test_a_history_says_each_thing_that_was_done_in_a_word(
    ana: Connection, admin: Connection, desk: Connection, superuser: Connection, riverside: Clinic
) -> None:
    held = reserve(ana, riverside, riverside.at("09:00"))
    visit = call(ana, "confirm_reservation", reservation_id=held["id"])["id"]
    of_visit = {"appointment_id": visit}
    deeds = [
        ("moved", lambda: call(desk, "reschedule_appointment", **of_visit, starts_at=riverside.at("10:00"))),
        ("moved", lambda: call(
            desk, "reschedule_appointment", **of_visit, starts_at=riverside.at("10:00"),
            dentist_id=riverside.other,
        )),
        ("resized", lambda: call(desk, "resize_appointment", **of_visit, ends_at=riverside.at("11:00"))),
        ("notes_changed", lambda: call(ana, "update_appointment", **of_visit, notes="Shy")),
        ("notes_changed", lambda: call(desk, "update_appointment", **of_visit, staff_notes="Anxious")),
        ("cancelled", lambda: call(ana, "cancel_appointment", **of_visit)),
        ("reopened", lambda: call(desk, "set_appointment_status", **of_visit, status="booked")),
        ("merged", lambda: call(
            admin, "merge_patients", keep_id=record(desk, riverside, "Ana F")["id"],
            merge_id=superuser.execute("select patient_id as id from clinic.appointments").fetchone()["id"],  # type: ignore[index]
        )),
    ]  # fmt: skip
    for _, deed in deeds:
        deed()
    rows = history(desk, visit)
    assert [row["action"] for row in rows] == ["booked", *(word for word, _ in deeds)]
    assert [row["role"] for row in rows] == [
        "patient", "receptionist", "receptionist", "receptionist", "patient", "receptionist", "patient",
        "receptionist", "admin",
    ]  # fmt: skip
    assert {row["actor_name"] for row in rows} == {"Ana F", "Dario Desk", "Alice Rivers"}
    assert [row["at"] for row in rows] == sorted(row["at"] for row in rows)
    changes = [row["changes"] for row in rows]
    assert changes[0] == {}
    assert changes[1].keys() == {"starts_at", "ends_at"}
    before, after = changes[1]["starts_at"]
    assert before < after
    assert changes[2]["dentist_id"] == [str(riverside.lee), str(riverside.other)]
    assert changes[4]["notes"] == [None, "Shy"]
    assert changes[5]["staff_notes"] == [None, "Anxious"]
    assert changes[6]["status"] == ["booked", "cancelled"]


@pytest.mark.parametrize(
    ("status", "steps"),
    [
        ("checked_in", ["checked_in"]), ("fulfilled", ["checked_in", "fulfilled"]), ("no_show", ["no_show"]),
    ],
)  # fmt: skip
def test_what_became_of_a_visit_is_a_word_of_its_own(
    ana: Connection, desk: Connection, superuser: Connection, riverside: Clinic, status: str, steps: list[str]
) -> None:
    visit = book(ana, riverside, riverside.at("09:00"))["id"]
    # By hand, for a day that is not today.
    for step in steps:
        superuser.execute("update clinic.appointments set status = %s where id = %s", [step, visit])
    assert [row["action"] for row in history(desk, visit)] == ["booked", *steps]
    assert history(desk, visit)[-1]["role"] == "sql"
    assert history(desk, visit)[-1]["changes"]["status"][1] == status


def test_another_chair_is_a_word_of_its_own(desk: Connection, ana: Connection, riverside: Clinic) -> None:
    visit = book(ana, riverside, riverside.at("09:00"))["id"]
    chairs = desk.execute("select id from api.resources where kind = 'chair' order by name").fetchall()
    for chair in chairs:
        call(desk, "move_to_resource", appointment_id=visit, part=1, resource_id=chair["id"])
    assert [row["action"] for row in history(desk, visit)] in (
        ["booked", "resource_changed"], ["booked", "resource_changed", "resource_changed"],
    )  # fmt: skip


def test_a_history_is_the_staffs_who_see_the_calendar(
    actors: Actors, ana: Connection, desk: Connection, superuser: Connection, riverside: Clinic
) -> None:
    visit = book(ana, riverside, riverside.at("09:00"), dentist_id=riverside.other)["id"]
    for who, code in {
        "ana@patients.test": "not_found", "ben@patients.test": "not_found", "lee@riverside.test": "not_found",
        "bot@riverside.test": "forbidden", "desk@sakura.test": "not_found", "admin@sakura.test": "not_found",
    }.items():  # fmt: skip
        with refused(code):
            history(actors.user(who), visit)
    with refused("not_authenticated"):
        history(actors.anon(), visit)
    with refused("not_found"):
        history(desk, uuid4())
    call(
        desk,
        "reschedule_appointment",
        appointment_id=visit,
        starts_at=riverside.at("09:00"),
        dentist_id=riverside.lee,
    )
    assert len(history(actors.user("lee@riverside.test"), visit)) == 2
    assert len(history(actors.service_role(), visit)) == 2


def test_the_log_is_its_clinics_admins(
    actors: Actors, ana: Connection, superuser: Connection, riverside: Clinic
) -> None:
    book(ana, riverside, riverside.at("09:00"))
    admin = actors.user("admin@riverside.test")
    seen = admin.execute("select clinic_id, entity from api.audit_log").fetchall()
    assert {row["clinic_id"] for row in seen} == {riverside.id}
    assert {"appointments", "patients", "staff"} <= {row["entity"] for row in seen}
    for who in ("ana@patients.test", "desk@riverside.test", "lee@riverside.test", "bot@riverside.test"):
        assert actors.user(who).execute("select from api.audit_log").rowcount == 0
    foreign = (
        actors.user("admin@sakura.test").execute("select distinct clinic_id from api.audit_log").fetchall()
    )
    assert riverside.id not in {row["clinic_id"] for row in foreign}


def test_what_was_noted_of_oneself_is_in_no_history_one_reads(
    actors: Actors, superuser: Connection, admin: Connection, desk: Connection, riverside: Clinic
) -> None:
    """A receptionist who is a patient is told of her visits as patients are, and of others' as the staff."""
    visit = book(admin, riverside, riverside.at("09:00"), patient_id=record(admin, riverside, "Dario")["id"])
    call(admin, "update_appointment", appointment_id=visit["id"], staff_notes="Faints at needles")
    assert "Faints" in json.dumps(history(desk, visit["id"])[-1]["changes"])
    superuser.execute(
        "update clinic.patients set user_id = %s where id = %s", [login(desk), visit["patient_id"]]
    )
    assert "Faints" not in str(history(desk, visit["id"]))
    assert "Faints" in str(history(admin, visit["id"]))


def test_an_update_that_changes_nothing_is_no_entry(superuser: Connection, riverside: Clinic) -> None:
    before = last(superuser)
    for table in CHANGES:
        column = "clinic_id" if table != "clinics" else "id"
        superuser.execute(
            sql.SQL("update clinic.{} set {} = {} where {} = %s").format(
                sql.Identifier(table), *[sql.Identifier(column)] * 3
            ),
            [riverside.id],
        )
    assert entries(superuser, before) == []


@pytest.mark.parametrize(
    "forgetting",
    [
        "clinic.forget_in_log('{}', '{}')",
        "clinic.trim_audit_log(1)",
        "clinic.create_audit_partitions('2091-01-01', '2091-01-01')",
    ],
)
def test_the_log_is_closed_again_behind_whoever_may_change_it(superuser: Connection, forgetting: str) -> None:
    statement = f"do $$ begin perform {forgetting}; update clinic.audit_log set via = 'edited'; end $$"
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        superuser.execute(statement)  # type: ignore[arg-type]
