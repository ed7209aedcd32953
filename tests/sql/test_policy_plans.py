"""Rows at size: whoever asks what, the database looks at their rows and at no other tenant's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from tests.support.actors import Actors, Connection, connect_as
from tests.support.city import City, somebody
from tests.support.templates import cloned

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("city")]

CITY = City(clinics=200, days=100, claims=30_000, patients=20)
ROLES = ("admin", "receptionist", "dentist", "chatbot", "patient", "stranger", "anon")
PUBLIC = {
    "appointment_types", "clinics", "dentist_types", "dentists", "extra_hours", "locales",
    "message_defaults", "recall_types", "working_hours",
}  # fmt: skip
PRIVATE = {
    "appointments", "audit_log", "closures", "daily_metrics", "guardians", "invitations", "job_runs",
    "message_replies", "message_rules", "message_templates", "messages", "patients", "realtime_events",
    "recalls", "resources", "slot_reservations", "staff", "time_off", "troubled_messages", "type_parts",
    "waitlist",
}  # fmt: skip
# What a client may ask for: everything, a page as `max_rows` cuts it, pages in an order that an index has.
QUESTIONS = (
    "select * from api.{view}",
    "select * from api.{view} limit 1000",
    "select * from api.{view} order by {key} limit 20",
    "select * from api.{view} order by {key} desc limit 1",
    "select count(*) from api.{view}",
)
ONE_CLINIC = 700  # rows: more than any clinic of the city has of anything, and a fraction of what all have


@pytest.fixture(scope="module")
def city(template: str) -> Iterator[str]:
    """The URL of a database with a city in it, which nobody changes."""
    with cloned(template) as url:
        actors = Actors(url)
        CITY.build(actors.superuser())
        actors.close()
        yield url


@pytest.fixture
def root(city: str) -> Iterator[Connection]:
    """Somebody who passes every policy."""
    actors = Actors(city)
    yield actors.superuser()
    actors.close()


@pytest.fixture
def asker(request: pytest.FixtureRequest, city: str, root: Connection) -> Iterator[Connection]:
    """Somebody of one kind."""
    role: str = request.param
    if role == "anon":
        connection = connect_as(city, "anon", {})
    else:
        user = uuid4() if role == "stranger" else somebody(root, role)
        connection = connect_as(city, "authenticated", {"sub": str(user)})
    yield connection
    connection.close()


def explain(connection: Connection, question: str) -> dict[str, Any]:
    """Run a question, twice, for the first time reads the catalogue, and return its plan."""
    row = None
    for _ in range(2):
        row = connection.execute(f"explain (analyze, buffers, format json) {question}".encode()).fetchone()
    assert row is not None
    plan: dict[str, Any] = row["QUERY PLAN"][0]["Plan"]
    return plan


def looked_at_in_vain(plan: dict[str, Any]) -> float:
    """Return how many rows were read and thrown away."""
    wasted = plan.get("Rows Removed by Filter", 0) + plan.get("Rows Removed by Index Recheck", 0)
    here: float = wasted * plan["Actual Loops"]
    return here + sum(looked_at_in_vain(child) for child in plan.get("Plans", []))


def first_column(root: Connection, view: str) -> str:
    row = root.execute(
        "select attname from pg_attribute where attrelid = ('api.' || %s)::regclass and attnum > 0"
        " order by attname = 'id' desc, attnum limit 1",
        [view],
    ).fetchone()
    assert row is not None
    return str(row["attname"])


def test_these_are_all_the_views(root: Connection) -> None:
    views = root.execute("select viewname from pg_views where schemaname = 'api'").fetchall()
    assert {view["viewname"] for view in views} == PUBLIC | PRIVATE


@pytest.mark.parametrize("asker", ROLES, indirect=True)
@pytest.mark.parametrize("view", sorted(PRIVATE))
def test_nobody_looks_at_the_rows_of_others(root: Connection, asker: Connection, view: str) -> None:
    key = first_column(root, view)
    for question in QUESTIONS:
        try:
            plan = explain(asker, question.format(view=view, key=key))
        except psycopg.errors.InsufficientPrivilege:
            return  # test_row_security.py says who may ask at all
        assert looked_at_in_vain(plan) <= ONE_CLINIC, (question, plan)
        touched = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
        assert touched <= 500 + 5 * max(plan["Actual Rows"], ONE_CLINIC), (question, touched, plan)


@pytest.mark.parametrize("asker", ROLES, indirect=True)
@pytest.mark.parametrize("view", sorted(PUBLIC))
def test_what_is_public_is_read_once(root: Connection, asker: Connection, view: str) -> None:
    for question in QUESTIONS:
        plan = explain(asker, question.format(view=view, key=first_column(root, view)))
        assert looked_at_in_vain(plan) <= ONE_CLINIC, (question, plan)


@pytest.mark.parametrize("asker", [role for role in ROLES if role != "anon"], indirect=True)
def test_a_search_by_name_reads_the_names_of_ones_own_alone(asker: Connection) -> None:
    """A likeness is judged after the policy, and no index of names comes before it."""
    plan = explain(asker, "select * from api.patients where full_name ilike '%ent 1%' limit 1000")
    assert looked_at_in_vain(plan) <= ONE_CLINIC, plan


@pytest.mark.parametrize("asker", ["admin"], indirect=True)
def test_an_admin_reads_the_names_of_the_staff_by_index(asker: Connection) -> None:
    plan = explain(asker, "select full_name from clinic.profiles")
    assert plan["Actual Rows"] == 16
    assert looked_at_in_vain(plan) <= ONE_CLINIC


# What the worker asks --------------------------------------------------------------------------------------


def rows_read(root: Connection, table: str, statement: str) -> int:
    """Return how many rows of a table a statement reads; what it writes is undone."""

    def so_far() -> int:
        row = root.execute(
            "select coalesce(sum(seq_tup_read), 0) + coalesce(sum(idx_tup_fetch), 0) as n"
            " from pg_stat_xact_user_tables where schemaname = 'clinic' and relname = %s",
            [table],
        ).fetchone()
        assert row is not None
        return int(row["n"])

    with root.transaction(force_rollback=True):
        before = so_far()  # what the session did before counts until it is reported
        root.execute(statement.encode())
        return so_far() - before


@pytest.mark.parametrize(
    "statement",
    [
        "select clinic.worker_metrics()",
        "select clinic.add_refusals()",
        "select clinic.mark_new_days()",
        "select clinic.probe_topics(20)",
        "select * from clinic.list_jobs()",
        "select clinic.next_expiry()",
        "select clinic.expire_reservations()",
    ],
)
def test_what_runs_every_minute_reads_a_day_a_clinic_and_not_their_history(
    root: Connection, statement: str
) -> None:
    days = root.execute("select count(*) as n from clinic.daily_metrics").fetchone()
    assert days is not None
    assert days["n"] > 100 * CITY.clinics
    for table in ("daily_metrics", "appointments", "slot_reservations", "occupancy", "job_runs"):
        assert rows_read(root, table, statement) <= 2 * CITY.clinics, table


def test_a_batch_of_the_proof_reads_its_slice_and_not_the_calendar(root: Connection) -> None:
    root.execute("select clinic.verify_invariants(1000)")  # the events, which are many in a new city
    for table, least in {"occupancy": 100, "appointments": 100, "slot_reservations": 0}.items():
        assert least <= rows_read(root, table, "select clinic.verify_invariants(100)") <= 1500, table


def test_naming_a_zone_is_a_look_up(root: Connection) -> None:
    plan = explain(root, "select clinic.is_time_zone(c.time_zone) from clinic.clinics as c")
    assert plan["Actual Rows"] >= CITY.clinics
    assert plan["Actual Total Time"] < 19 * CITY.clinics / 4, "milliseconds; 19 for each it was"


def test_what_is_required_is_found_by_its_index(root: Connection) -> None:
    nobody = "'00000000-0000-4000-8000-000000000000'::uuid"
    for table in ("appointments", "patients", "slot_reservations"):
        asked = f"select from clinic.{table} where id = clinic.required({nobody}, 'id')"
        assert looked_at_in_vain(explain(root, asked)) == 0, table
