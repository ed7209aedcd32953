"""Who gets a database after somebody else finds it as the template is, whatever that one did to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from cli.local.ports import free_port
from cli.local.postgres import PostgresServer
from tests.support.actors import Actors, Connection
from tests.support.build import make_clinic
from tests.support.clinics import load_clinic
from tests.support.databases import Databases
from tests.support.people import tables
from tests.support.servers import THROWAWAY, with_database
from tests.support.slots import book
from tests.support.templates import cloned
from tests.worker.support import wait_until


@pytest.fixture
def lender(template: str) -> Iterator[Databases]:
    """A lender of one's own: whom it lends to next gets what was given back last, if anybody may."""
    lender = Databases(template)
    yield lender
    lender.close()


def everything(connection: Connection) -> dict[str, Any]:
    """Return what all tables hold, and where all sequences stand."""
    found: dict[str, Any] = {}
    for name in tables(connection):
        query = f"select count(*) as n, md5(string_agg(t::text, '' order by t::text)) as rows from {name} t"
        found[name] = connection.execute(query).fetchone()  # type: ignore[call-overload]
    for row in connection.execute("select schemaname, sequencename, last_value from pg_sequences"):
        found[f"{row['schemaname']}.{row['sequencename']}"] = row["last_value"]
    return found


def held_by(url: str) -> dict[str, Any]:
    actors = Actors(url)
    held = everything(actors.superuser())
    actors.close()
    return held


def test_what_was_written_is_put_back(lender: Databases, template: str) -> None:
    with lender.lend() as first:
        actors = Actors(first)
        superuser = actors.superuser()
        make_clinic(superuser)
        superuser.execute("update clinic.patients set full_name = 'Somebody else'")
        superuser.execute("delete from clinic.message_rules")
        superuser.execute("select setval('clinic.link_misses', 4711)")
        superuser.execute("create sequence public.of_a_test")
        superuser.execute("create temporary table of_a_session as select 1 as n")
        # Who is still there when it is given back, with what they have begun.
        superuser.execute("begin")
        superuser.execute("update clinic.clinics set name = 'Never committed'")
    with lender.lend() as again, cloned(template) as fresh:
        assert again == first
        assert held_by(again) == held_by(fresh)
    with pytest.raises(psycopg.OperationalError):
        superuser.execute("commit")
    actors.close()


def test_a_session_that_is_kept_has_forgotten_what_it_was_told(lender: Databases) -> None:
    with lender.lend() as url:
        actors = Actors(url)
        told = actors.user("ana@patients.test")
        told.execute("set statement_timeout = '7s'")
        told.execute("prepare mine as select 1")
        told.execute("listen mine")
        told.execute("select pg_advisory_lock(4711)")
        told.execute("create temporary table mine (n int)")
        process = told.info.backend_pid
        actors.close()
        with pytest.raises(AttributeError):  # who had it has it no more
            told.execute("select 1")
        session = actors.superuser()
        assert session.info.backend_pid == process
        left = session.execute(
            """
            select current_user = session_user as is_itself, current_setting('statement_timeout') as timeout,
              current_setting('request.jwt.claims') as claims,
              (select count(*) from pg_prepared_statements) as prepared,
              (select count(*) from pg_listening_channels()) as channels,
              (select count(*) from pg_locks where pid = pg_backend_pid() and locktype = 'advisory') as locks,
              to_regclass('pg_temp.mine') as mine
            """
        ).fetchone()
        nothing = {"timeout": "0", "claims": "", "prepared": 0, "channels": 0, "locks": 0, "mine": None}
        assert left == {"is_itself": True} | nothing
        actors.close()


def test_a_session_in_a_transaction_is_not_kept(lender: Databases) -> None:
    with lender.lend() as url:
        actors = Actors(url)
        busy = actors.superuser()
        process = busy.info.backend_pid
        busy.execute("begin")
        actors.close()
        assert busy.closed
        assert actors.superuser().info.backend_pid != process
        actors.close()


def test_the_templates_events_wait_for_nobody_once_more(lender: Databases, db_server: str) -> None:
    """Whose health is asked for might be found ill, and whoever reads events would miss some."""
    with psycopg.connect(db_server) as busy:
        busy.execute("select pg_current_xact_id()")
        with lender.lend() as first:
            actors = Actors(first)
            riverside = load_clinic(actors, "riverside")
            book(actors.user("ana@patients.test"), riverside, riverside.at("09:00"))
            actors.close()
        with lender.lend() as again, psycopg.connect(again) as connection:
            assert again == first
            settled = connection.execute(
                "select clinic.is_settled(xid, xmin, horizon) from clinic.realtime_events"
            ).fetchall()
    assert settled
    assert {*settled} == {(True,)}


# What is left, and what somebody would see of it.
LEFT = {
    "a table": ("create table public.t (n serial)", "to_regclass('public.t')"),
    "an unlogged table": ("create unlogged table public.t (n int)", "to_regclass('public.t')"),
    "a partition": (
        "create table clinic.t partition of clinic.audit_log for values from ('2001-1-1') to ('2002-1-1')",
        "to_regclass('clinic.t')",
    ),
    "a function made anew": (
        "create or replace function clinic.message_channels() returns text[]"
        " language sql as $$ select array['fax'] $$",
        "clinic.message_channels()",
    ),
    "a trigger that is off": (
        "alter table clinic.clinics disable trigger all",
        "(select count(*) from pg_trigger where tgenabled = 'D')",
    ),
    "a dependency": (
        "alter function clinic.placeholders() depends on extension plpgsql",
        "(select count(*) from pg_depend where deptype = 'x')",
    ),
    "a right": (
        "grant select on clinic.messages to anon",
        "has_table_privilege('anon', 'clinic.messages', 'select')",
    ),
    "a publication": ("create publication p for all tables", "(select count(*) from pg_publication)"),
    "a large object": (
        "select lo_from_bytea(0, 'x')",
        "(select count(*) from pg_largeobject_metadata)",
    ),
    "a setting": ("alter database {} set timezone = 'Asia/Tokyo'", "current_setting('timezone')"),
    "a setting of a role": (
        "alter role anon in database {} set work_mem = '1MB'",
        "(select count(*) from pg_db_role_setting, pg_database as d"
        " where setdatabase = d.oid and datname = current_database())",
    ),
    "a limit": (
        "alter database {} connection limit 7",
        "(select datconnlimit from pg_database where datname = current_database())",
    ),
    "a closed door": (
        "revoke connect on database {} from public",
        "has_database_privilege('anon', current_database(), 'connect')",
    ),
    "statistics of nothing": (
        "analyze clinic.messages",
        "(select reltuples from pg_class where oid = 'clinic.messages'::regclass)",
    ),
    "statistics": (
        "analyze clinic.clinics",
        "(select count(*) from pg_statistic where starelid = 'clinic.clinics'::regclass)",
    ),
    "pages": (
        "vacuum clinic.clinics",
        "(select relpages from pg_class where oid = 'clinic.clinics'::regclass)",
    ),
    "much that was deleted again": (
        "insert into clinic.error_codes (code, status, message, hint)"
        " select n::text, 400, repeat('x', 900), 'x' from generate_series(1, 9000) as n;"
        " delete from clinic.error_codes where message like 'xxx%'",
        "pg_relation_size('clinic.error_codes') < 4000000",
    ),
    "an event that is another": (
        "update clinic.realtime_events set event = 'renamed'",
        "(select max(event) from clinic.realtime_events)",
    ),
    "rows that nobody counted": (
        "delete from clinic.message_rules; select pg_stat_reset()",
        "(select count(*) from clinic.message_rules)",
    ),
    "rows of a table that nobody counted": (
        "delete from clinic.message_rules;"
        " select pg_stat_reset_single_table_counters('clinic.message_rules'::regclass)",
        "(select count(*) from clinic.message_rules)",
    ),
}


def seen(url: str, sight: str) -> Any:
    with psycopg.connect(url) as connection:
        return connection.execute(f"select {sight}".encode()).fetchall()


@pytest.mark.parametrize("left", LEFT)
def test_what_cannot_be_put_back_ends_with_its_database(lender: Databases, left: str) -> None:
    deed, sight = LEFT[left]
    with lender.lend() as first:
        before = seen(first, sight)
        with psycopg.connect(first, autocommit=True) as connection:
            connection.execute(deed.replace("{}", f'"{connection.info.dbname}"').encode())
        assert seen(first, sight) != before
    with lender.lend() as second:
        assert seen(second, sight) == before
    assert second != first


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """A superuser's URL of a server that may crash, for nobody else is on it."""
    tmp_path.chmod(0o755)
    server = PostgresServer(tmp_path / "postgres", free_port(), tmp_path / "postgres.log", THROWAWAY)
    server.start()
    yield server.superuser_url("postgres")
    server.stop()


def answers(url: str) -> bool:
    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        return False
    return True


def test_what_a_server_forgot_when_it_crashed_is_not_taken_for_unwritten(server: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("create database template_of_tests template template0")
    template = with_database(server, "template_of_tests")
    with psycopg.connect(template) as connection:
        connection.execute("create table numbers (n serial)")
        connection.execute("insert into numbers default values")
    lender = Databases(template)
    with lender.lend() as url:
        with psycopg.connect(url, options="-c synchronous_commit=on") as connection:
            connection.execute("delete from numbers")
        with psycopg.connect(url) as connection, psycopg.connect(url, autocommit=True) as witness:
            psutil.Process(connection.info.backend_pid).kill()
            for one in (connection, witness):  # the server ends all others once it has noticed
                with pytest.raises(psycopg.OperationalError):
                    one.execute("select pg_sleep(60)")
        wait_until(lambda: answers(url), "the server to be back")
    with lender.lend() as url, psycopg.connect(url) as connection:
        assert connection.execute("select n from numbers").fetchall() == [(1,)]
