"""Rows: what each kind of person sees of every table, and that nobody writes to any of them."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from psycopg import sql

from tests.support.actors import Connection, call
from tests.support.clinics import Clinic
from tests.support.refusals import denied
from tests.support.slots import book, reserve

EVERYBODY = ("anon", "ana", "ben", "bot", "desk", "lee", "admin", "foreign_desk", "foreign_admin")


@pytest.fixture
def furnished(ana: Connection, desk: Connection, admin: Connection, riverside: Clinic) -> None:
    """Ana with the dentist Lee, a walk-in with a colleague, a hold of Ana's, time off, extra hours."""
    walk_in = call(desk, "create_patient", clinic_id=riverside.id, full_name="Walk In")["id"]
    book(ana, riverside, riverside.at("09:00"))
    book(desk, riverside, riverside.at("09:00"), dentist_id=riverside.other, patient_id=walk_in)
    reserve(ana, riverside, riverside.at("10:00"))
    off = {"starts_at": riverside.at("13:00"), "ends_at": riverside.at("17:00"), "reason": "Private"}
    call(admin, "add_time_off", clinic_id=riverside.id, dentist_id=riverside.lee, **off)


def seen(connection: Connection, relation: str, clinic: Clinic) -> int | None:
    """Return how many rows of the clinic somebody sees, None if they may not even ask."""
    query = sql.SQL("select from {} where clinic_id = %s").format(sql.SQL(relation))
    try:
        return connection.execute(query, [clinic.id]).rowcount
    except psycopg.errors.InsufficientPrivilege:
        return None


@pytest.mark.usefixtures("furnished")
@pytest.mark.parametrize(
    ("view", "rows"),
    [
        ("appointments", {"anon": None, "ana": 1, "desk": 2, "lee": 1, "admin": 2}),
        ("slot_reservations", {"anon": None, "ana": 1, "desk": 1, "lee": 1, "admin": 1}),
        ("time_off", {"anon": None, "desk": 1, "lee": 1, "admin": 1}),
        ("staff", {"anon": None, "bot": 1, "desk": 1, "lee": 1, "admin": 4}),
    ],
)
def test_people_see_what_is_theirs(
    request: pytest.FixtureRequest, riverside: Clinic, view: str, rows: dict[str, int | None]
) -> None:
    found = {who: seen(request.getfixturevalue(who), f"api.{view}", riverside) for who in EVERYBODY}
    assert found == dict.fromkeys(EVERYBODY, 0) | rows


@pytest.mark.usefixtures("furnished")
def test_a_dentist_knows_the_patients_they_treat_and_no_others(
    lee: Connection, desk: Connection, ben: Connection
) -> None:
    assert [row["full_name"] for row in lee.execute("select full_name from api.patients")] == ["Ana Ferreira"]
    assert {"Ana Ferreira", "Walk In"} <= {
        row["full_name"] for row in desk.execute("select full_name from api.patients")
    }
    assert ben.execute("select from api.patients").rowcount == 0


@pytest.mark.usefixtures("furnished")
def test_profiles_are_their_owners(ana: Connection, ben: Connection, anon: Connection) -> None:
    assert ana.execute("select from clinic.profiles").rowcount == 1
    assert ben.execute("select from clinic.profiles where full_name like 'Ana%'").rowcount == 0
    with denied():
        anon.execute("select from clinic.profiles")


def test_whose_login_a_dentist_has_is_nobodys_business(ana: Connection, anon: Connection) -> None:
    for somebody in (ana, anon):
        with denied():
            somebody.execute("select user_id from clinic.dentists")


def test_the_ledger_says_when_and_not_why(ana: Connection, anon: Connection) -> None:
    for somebody in (ana, anon):
        with denied():
            somebody.execute("select cause from clinic.occupancy")


def relations(superuser: Connection, schema: str, kinds: str) -> list[str]:
    query = (
        "select c.oid::regclass::text as name from pg_class as c"
        " where c.relnamespace = %s::regnamespace and c.relkind::text = any(%s) and not c.relispartition"
    )
    return [row["name"] for row in superuser.execute(query, [schema, list(kinds)])]


@pytest.mark.parametrize("role", ["anon", "authenticated"])
@pytest.mark.parametrize("schema", ["clinic", "api"])
def test_nobody_writes_past_the_functions(superuser: Connection, role: str, schema: str) -> None:
    writable = [
        (name, right)
        for name in relations(superuser, schema, "rpv")
        for right in ("insert", "update", "delete", "truncate", "trigger")
        if superuser.execute("select has_table_privilege(%s, %s, %s) as may", [role, name, right]).fetchone()
        == {"may": True}
    ]
    assert writable == []


def test_every_table_has_row_security_and_says_what_it_is_for(superuser: Connection) -> None:
    bare = superuser.execute(
        "select c.relname from pg_class as c"
        " where c.relnamespace in ('clinic'::regnamespace, 'api'::regnamespace) and c.relkind in ('r', 'p')"
        " and (not c.relrowsecurity or obj_description(c.oid, 'pg_class') is null)"
    ).fetchall()
    assert bare == []


def test_every_view_of_the_api_asks_with_the_callers_rights_and_says_what_it_shows(
    superuser: Connection,
) -> None:
    bare = superuser.execute(
        "select c.relname from pg_class as c"
        " where c.relnamespace = 'api'::regnamespace and c.relkind = 'v' and ("
        " not coalesce(c.reloptions::text like '%security_invoker=true%', false)"
        " or obj_description(c.oid, 'pg_class') is null)"
    ).fetchall()
    assert bare == []


def test_the_api_holds_nothing_but_views_functions_and_row_types(superuser: Connection) -> None:
    assert relations(superuser, "api", "rpmSft") == []


def test_every_function_of_the_api_has_the_callers_rights_and_says_what_it_does(
    superuser: Connection,
) -> None:
    bare = superuser.execute(
        "select p.proname from pg_proc as p where p.pronamespace = 'api'::regnamespace"
        " and (p.prosecdef or obj_description(p.oid, 'pg_proc') is null)"
    ).fetchall()
    assert bare == []


def test_every_function_has_a_fixed_search_path_and_none_is_everybodys(superuser: Connection) -> None:
    loose: list[Any] = superuser.execute(
        "select p.oid::regprocedure::text as name from pg_proc as p"
        " where p.pronamespace in ('clinic'::regnamespace, 'api'::regnamespace) and ("
        " not coalesce('search_path=\"\"' = any(p.proconfig), false)"
        " or exists ("
        "select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as a where a.grantee = 0))"
    ).fetchall()
    assert loose == []


def test_the_worker_may_run_its_jobs_and_read_nothing_of_patients(superuser: Connection) -> None:
    readable = [
        name
        for name in ("clinic.patients", "clinic.appointments", "clinic.profiles", "auth.users")
        if superuser.execute(
            "select has_table_privilege('chairtime_worker', %s, 'select') as may", [name]
        ).fetchone()
        == {"may": True}
    ]
    assert readable == []
