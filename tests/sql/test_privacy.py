"""What must not cross: from staff to patients, between calendars, into logs, and through the planner."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import sql

from tests.support.actors import Actors, Connection, call
from tests.support.clinics import Clinic
from tests.support.refusals import refused
from tests.support.slots import book
from tests.support.waiting import wait_for_older

SECRET = "Rehabilitation after an operation"


def readable(connection: Connection, *topics: str) -> str:
    """Return all that somebody can read: every view, and their topics' events."""
    views = connection.execute(
        "select c.relname as name from pg_catalog.pg_class as c"
        " where c.relnamespace = 'api'::regnamespace and c.relkind = 'v'"
        " and has_table_privilege(c.oid, 'select')"
    ).fetchall()
    texts = [
        str(
            connection.execute(
                sql.SQL("select * from api.{}").format(sql.Identifier(view["name"]))
            ).fetchall()
        )
        for view in views
    ]
    assert len(texts) >= 4
    wait_for_older(connection)
    return "".join(
        [*texts, *(str(call(connection, "events_since", topic=one, after_id=0)) for one in topics)]
    )


@pytest.fixture
def webb(actors: Actors, superuser: Connection, riverside: Clinic) -> Connection:
    """A dentist of riverside with another calendar than Lee's."""
    connection = actors.sign_up("webb@riverside.test", "Dr. Webb")
    user = actors.user_id("webb@riverside.test")
    superuser.execute(
        "insert into clinic.staff (clinic_id, user_id, role) values (%s, %s, 'dentist')", [riverside.id, user]
    )
    superuser.execute("update clinic.dentists set user_id = %s where id = %s", [user, riverside.other])
    return connection


@pytest.mark.parametrize("whole_clinic", [False, True])
def test_why_somebody_is_away_is_the_staffs(
    actors: Actors, ana: Connection, admin: Connection, riverside: Clinic, *, whole_clinic: bool
) -> None:
    booked = book(ana, riverside, riverside.at("09:00"))
    off = {"starts_at": riverside.at("08:00"), "ends_at": riverside.at("12:00"), "on_conflict": "cancel"}
    dentist = {} if whole_clinic else {"dentist_id": riverside.lee}
    call(admin, "add_time_off", clinic_id=riverside.id, **dentist, **off, reason=SECRET)
    row = ana.execute("select status, cancellation_reason from api.appointments").fetchone()
    told = "The clinic is closed." if whole_clinic else "The dentist is away."
    assert row == {"status": "cancelled", "cancellation_reason": told}
    assert SECRET in readable(admin)
    for who in ("lee@riverside.test", "desk@riverside.test"):
        assert SECRET in readable(actors.user(who))
    assert SECRET not in readable(ana, f"patient:{actors.user_id('ana@patients.test')}")
    for who in ("bot@riverside.test", "admin@sakura.test", "ben@patients.test"):
        assert SECRET not in readable(actors.user(who), f"availability:{riverside.id}")
    assert SECRET not in readable(actors.anon(), f"availability:{riverside.id}")
    assert SECRET not in str(call(ana, "get_availability", dentist_id=riverside.lee))
    assert SECRET not in str(call(ana, "cancel_appointment", appointment_id=booked["id"]))


def test_a_dentist_learns_of_another_calendar_what_everybody_does(
    ana: Connection, webb: Connection, lee: Connection, riverside: Clinic
) -> None:
    start = riverside.at("09:00")
    book(ana, riverside, start)
    slot = {"dentist_id": riverside.lee, "appointment_type_id": riverside.checkup, "starts_at": start}
    told = call(webb, "explain_slot", **slot)
    assert (told["code"], told["message"]) == ("slot_taken", "This time is already taken.")
    assert call(lee, "explain_slot", **slot)["message"].startswith("Appointment from 09:00")
    assert "time_off" not in call(webb, "get_availability", dentist_id=riverside.lee)


def logged(connection: Connection, function: str, **arguments: Any) -> str:
    """Call what is refused, and return all that the server writes into its log about it."""
    with pytest.raises(psycopg.Error) as caught:
        call(connection, function, **arguments)
    diagnosis = caught.value.diag
    assert "appointments_in_the_way" in (diagnosis.message_primary or "")
    parts = ("message_primary", "message_detail", "message_hint", "context", "internal_query")
    return " ".join(str(getattr(diagnosis, part)) for part in parts)


def test_a_refusal_says_which_appointments_and_names_nobody(
    ana: Connection, admin: Connection, lee: Connection, riverside: Clinic
) -> None:
    booked = book(ana, riverside, riverside.at("09:00"))
    off = {"starts_at": riverside.at("08:00"), "ends_at": riverside.at("12:00")}
    window = {
        "starts_at": riverside.at("10:00", riverside.weekday(7)),
        "ends_at": riverside.at("11:00", riverside.weekday(7)),
    }
    extra = call(lee, "add_extra_hours", dentist_id=riverside.lee, **window)
    there = book(ana, riverside, window["starts_at"])
    away = logged(
        admin, "add_time_off", clinic_id=riverside.id, dentist_id=riverside.lee, **off, reason=SECRET
    )
    removed = logged(lee, "remove_extra_hours", extra_hours_id=extra["id"])
    for text, appointment in ((away, booked), (removed, there)):
        assert str(appointment["id"]) in text
        assert "Ana" not in text
        assert "Ferreira" not in text
        assert SECRET not in text
    # Whom it concerns is in answers, which are not logged.
    shown = call(admin, "add_time_off", clinic_id=riverside.id, dentist_id=riverside.lee, **off, dry_run=True)
    assert [one["patient_name"] for one in shown["appointments"]] == ["Ana Ferreira"]


# What the planner knows

PERSONAL = {
    "patients": ("full_name", "phone", "email"),
    "appointments": ("notes", "cancellation_reason"),
    "time_off": ("reason",),
    "closures": ("reason",),
    "staff": ("full_name",),
}
# Words of the schema, what is public, and what only machines write.
HARMLESS = {
    "role", "status", "source", "cause", "outcome", "operation", "locale", "assigned", "kind", "needs",
    "channel", "means", "state",
}  # fmt: skip
PUBLIC = {
    "clinics", "dentists", "appointment_types", "error_codes", "job_runs", "realtime_events", "time_zones",
    "locales", "message_defaults", "reply_texts", "reply_words", "recall_types",
}  # fmt: skip

SECRETS = [
    "slot_offers", "chatbot_patients", "chatbot_wishes", "confirmation_codes", "cancel_attempts",
    "idempotency_keys",
]  # fmt: skip


CROWD = """
insert into clinic.patients (clinic_id, full_name, phone, email)
select c.id, 'Known ' || n % 7, '+1 555 000' || n % 7, 'known' || n % 7 || '@x.test'
from clinic.clinics as c, generate_series(1, 700) as n;

insert into clinic.appointments (
  clinic_id, dentist_id, patient_id, appointment_type_id, starts_at, ends_at, buffer_before, buffer_after,
  parts, status, cancelled_at, notes, cancellation_reason, source
)
select
  p.clinic_id, d.id, p.id, t.id, '2031-01-01Z', '2031-01-01T01:00Z', '0', '0', '{}', 'cancelled', now(),
  'Known ' || right(p.full_name, 1), 'Known ' || right(p.full_name, 1), 'desk'
from clinic.patients as p
cross join lateral (select id from clinic.dentists where clinic_id = p.clinic_id limit 1) as d
cross join lateral (select id from clinic.appointment_types where clinic_id = p.clinic_id limit 1) as t;

insert into clinic.time_off (clinic_id, resource_id, during, reason)
select d.clinic_id, d.id, '[2031-01-01Z,2031-01-02Z)', 'Known ' || n % 7
from clinic.dentists as d, generate_series(1, 100) as n;
"""


def crowd(superuser: Connection) -> None:
    """Fill the tables with rows of which a few values are frequent, and let the planner look."""
    with superuser.transaction():
        superuser.execute("set local session_replication_role = replica")  # rows, not bookings
        superuser.execute(CROWD)
    superuser.execute("analyze")


def expected_rows(connection: Connection, view: str, column: str, operator: str, value: str) -> int:
    """Return what Prefer: count=planned answers: PostgREST reads it from the plan."""
    query = sql.SQL("explain (format json) select 1 from api.{} where {} {} {}").format(
        sql.Identifier(view), sql.Identifier(column), sql.SQL(operator), sql.Literal(value)
    )
    row = connection.execute(query).fetchone()
    assert row is not None
    rows: int = row["QUERY PLAN"][0]["Plan"]["Plan Rows"]
    return rows


def test_the_planner_cannot_tell_what_is_known_from_what_is_not(
    actors: Actors, superuser: Connection, subtests: pytest.Subtests
) -> None:
    crowd(superuser)
    callers = [actors.user(who) for who in ("ana@patients.test", "bot@riverside.test", "desk@sakura.test")]
    for view, columns in PERSONAL.items():
        for column in columns:
            for operator in ("=", "<>", "<", ">", "like", "ilike"):
                for number, caller in enumerate(callers):
                    with subtests.test(f"{view}.{column} {operator} {number}"):
                        known = {"phone": "+1 555 0003", "email": "known3@x.test"}.get(column, "Known 3")
                        unknown = known[:-5] + known[-5:].translate(str.maketrans("3K", "9Q"))
                        answers = {
                            expected_rows(caller, view, column, operator, one) for one in (known, unknown)
                        }
                        assert len(answers) == 1


def test_the_planner_cannot_tell_whose_login_is_a_patients(
    actors: Actors, superuser: Connection, riverside: Clinic, sakura: Clinic
) -> None:
    for clinic in (riverside, sakura):
        book(actors.user("ana@patients.test"), clinic, clinic.at("09:00"))
    crowd(superuser)
    ben = actors.user("ben@patients.test")
    known, unknown = actors.user_id("ana@patients.test"), UUID(int=7)
    answers = {expected_rows(ben, "patients", "user_id", "=", str(one)) for one in (known, unknown)}
    assert len(answers) == 1


def test_there_are_no_statistics_on_what_people_tell(superuser: Connection) -> None:
    rows = superuser.execute(
        "select c.relname, a.attname from pg_catalog.pg_attribute as a"
        " join pg_catalog.pg_class as c on c.oid = a.attrelid"
        " where c.relnamespace = 'clinic'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition"
        " and a.attnum > 0 and not a.attisdropped and a.attstattarget is distinct from 0"
        " and a.atttypid in ('text'::regtype, 'bytea'::regtype, 'jsonb'::regtype)"
        " and (has_any_column_privilege('authenticated', c.oid, 'select') or c.relname = any (%s))",
        [SECRETS],
    ).fetchall()
    told = {(row["relname"], row["attname"]) for row in rows}
    assert {
        (table, column) for table, column in told if table not in PUBLIC and column not in HARMLESS
    } == set()


@pytest.mark.parametrize("prefer", ["count=planned", "count=estimated", "return=minimal, count=planned"])
def test_estimated_counts_can_be_refused_altogether(actors: Actors, prefer: str) -> None:
    for caller in (actors.anon(), actors.user("ana@patients.test")):
        with refused("invalid_argument"):
            check_request(caller, prefer)


def test_other_requests_pass_the_check(actors: Actors) -> None:
    for prefer in (None, "count=exact", "return=representation"):
        check_request(actors.anon(), prefer)


def check_request(caller: Connection, prefer: str | None) -> None:
    """Do as PostgREST does before every request, once it is told to."""
    with caller.transaction():
        caller.execute("set transaction read only")
        headers = json.dumps({"prefer": prefer} if prefer else {})
        caller.execute("select set_config('request.headers', %s, true)", [headers])
        caller.execute("select clinic.check_request()")
