"""`chairtime migrate verify`: edited, missing and late files, and drift of every kind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import psycopg
import pytest

from cli.local.postgres import bootstrap
from cli.migrations.verify import Catalog, drift, read_catalog, scratch_database
from tests.cli.conftest import as_postgres
from tests.cli.program import Done, Program
from tests.support import versions
from tests.support.templates import ROOT

pytestmark = pytest.mark.long

ONE = "20260101000000_one.sql"
TWO = "20260102000000_two.sql"
THREE = "20260103000000_three.sql"

SCHEMA = """
create schema shop;
create table shop.items (id int primary key, name text not null default 'x');
comment on table shop.items is 'What is sold.';
alter table shop.items enable row level security;
create policy items_are_public on shop.items for select to anon using (true);
grant select on shop.items to anon;
create index items_name_idx on shop.items (name);
create type shop.size as enum ('small', 'large');
create sequence shop.numbers;
create view shop.names as select name from shop.items;
create function shop.total() returns bigint language sql as $$ select count(*) from shop.items $$;
create function shop.touch() returns trigger language plpgsql as $$ begin return new; end $$;
create trigger items_touch before update on shop.items for each row execute function shop.touch();
"""


@pytest.fixture
def built(program: Program) -> Program:
    """A project whose one migration is applied."""
    program.write(ONE, SCHEMA)
    program.ok("migrate", "up")
    return program


class Fresh(NamedTuple):
    """A database with the schema in it, and the catalog that it ought to have."""

    connection: psycopg.Connection[Any]
    wanted: Catalog


@pytest.fixture(scope="module")
def fresh() -> Iterator[Fresh]:
    with scratch_database() as url, psycopg.connect(url, autocommit=True) as connection:
        connection.execute(SCHEMA.encode())
        yield Fresh(connection, read_catalog(connection))


def problems(done: Done) -> list[dict[str, Any]]:
    assert done.code == 6
    report = done.json
    assert report["ok"] is False
    found: list[dict[str, Any]] = report["problems"]
    return found


def test_files_history_and_schema_agree(built: Program) -> None:
    assert built.json("migrate", "verify") == {"ok": True, "problems": []}
    assert "In step" in built.ok("migrate", "verify").out


def test_a_pending_file_is_no_problem(built: Program) -> None:
    built.write(TWO, "create table shop.later (id int);")
    assert built.json("migrate", "verify")["ok"] is True


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ("alter table shop.items add column extra int", "column shop.items.extra"),
        ("alter table shop.items alter column name drop not null", "column shop.items.name"),
        ("alter table shop.items alter column name set default 'y'", "column shop.items.name"),
        ("alter table shop.items disable row level security", "table shop.items"),
        ("alter table shop.items add constraint positive check (id > 0)", "constraint shop.items positive"),
        ("alter policy items_are_public on shop.items using (false)", "policy shop.items items_are_public"),
        ("drop policy items_are_public on shop.items", "policy shop.items items_are_public"),
        ("grant update on shop.items to anon", "grants shop.items"),
        ("grant update (name) on shop.items to anon", "grants shop.items.name"),
        ("comment on table shop.items is 'Else.'", "comment table shop.items"),
        ("drop index shop.items_name_idx", "index shop.shop.items_name_idx"),
        ("alter type shop.size add value 'huge'", "type shop.size"),
        ("alter sequence shop.numbers increment 2", "sequence shop.numbers"),
        ("create or replace view shop.names as select name || '' as name from shop.items", "view shop.names"),
        (
            "create or replace function shop.total() returns bigint language sql as $$ select 1::bigint $$",
            "function shop.total()",
        ),
        ("revoke execute on function shop.total() from public", "grants function shop.total()"),
        ("alter table shop.items disable trigger items_touch", "trigger shop.items items_touch"),
        ("create schema other", "schema other"),
        ("alter default privileges in schema shop grant select on tables to anon", "default grants shop"),
    ],
)
def test_drift_is_found_and_shown(fresh: Fresh, change: str, what: str) -> None:
    with fresh.connection.transaction(force_rollback=True):
        fresh.connection.execute(change.encode())
        found = [*drift(fresh.wanted, read_catalog(fresh.connection))]
    matching = [problem for problem in found if problem.what.startswith(what)]
    assert matching
    assert matching[0].diff


def test_what_the_platform_installs_is_no_drift(fresh: Fresh) -> None:
    """As on every Supabase project: extensions of its own, in `extensions` and by older habit in `public`."""
    with fresh.connection.transaction(force_rollback=True):
        fresh.connection.execute("reset role")
        fresh.connection.execute('create extension "hstore" with schema extensions')
        fresh.connection.execute('create extension "cube" with schema public')
        fresh.connection.execute('create extension "ltree" with schema shop')
        fresh.connection.execute("set role postgres")
        assert [*drift(fresh.wanted, read_catalog(fresh.connection))] == []


def test_an_extension_that_a_file_asks_for_is_missed(fresh: Fresh) -> None:
    wanted = {**fresh.wanted, ("extension", "btree_gist"): "in schema extensions"}
    assert [problem.what for problem in drift(wanted, fresh.wanted)] == ["extension btree_gist"]


def test_drift_is_drawn_as_a_difference(built: Program, empty_database: str) -> None:
    with psycopg.connect(empty_database, autocommit=True) as connection:
        connection.execute("comment on table shop.items is 'Something else.'")
    drawn = built("migrate", "verify")
    assert drawn.code == 6
    assert "-What is sold." in drawn.out
    assert "+Something else." in drawn.out
    assert "hint" in drawn.out


def test_a_file_edited_after_it_was_applied_is_found(built: Program) -> None:
    built.write(ONE, SCHEMA.replace("'What is sold.'", "'What we sell.'"))
    edited = problems(built("migrate", "verify", "--json"))[0]
    assert (edited["kind"], edited["what"]) == ("edited", ONE)
    assert "repair" not in edited["hint"], "it would hide the problem"
    assert "-comment on table shop.items is 'What we sell.'" in edited["diff"]
    assert "+comment on table shop.items is 'What is sold.'" in edited["diff"]


def test_blank_lines_are_no_edit(built: Program) -> None:
    built.write(ONE, SCHEMA.replace(";\n", ";\n\n\n"))
    assert built.json("migrate", "verify")["ok"] is True


def test_a_missing_file_is_found(built: Program) -> None:
    built.write(TWO, "select 2;").rename(built.folder / "supabase" / "migrations" / THREE)
    built.ok("migrate", "up")
    (built.folder / "supabase" / "migrations" / ONE).unlink()
    found = problems(built("migrate", "verify", "--json"))
    assert [(problem["kind"], problem["what"]) for problem in found] == [("missing", "20260101000000_one")]


def test_a_file_that_came_too_late_is_found(built: Program) -> None:
    built.write(THREE, "select 3;")
    built.ok("migrate", "up")
    built.write(TWO, "select 2;")
    found = problems(built("migrate", "verify", "--json"))
    assert [(problem["kind"], problem["what"]) for problem in found] == [("out_of_order", TWO)]
    built.ok("migrate", "up")
    assert built.json("migrate", "verify")["ok"] is True


def test_the_template_is_what_the_repository_says(database: str) -> None:
    """Everything the seed, the worker's jobs and the tests' own template add is data, not schema."""
    program = Program(ROOT, {"SUPABASE_DB_URL": as_postgres(database)})
    assert program.json("migrate", "verify") == {"ok": True, "problems": []}


def test_an_older_server_is_compared_with_a_fresh_build_on_ours() -> None:
    with versions.cluster(15) as url:
        bootstrap(url)
        program = Program(ROOT, {"SUPABASE_DB_URL": as_postgres(url)})
        program.ok("migrate", "up")
        assert program.json("migrate", "verify") == {"ok": True, "problems": []}
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("alter view api.clinics reset (security_invoker)")
        found = problems(program("migrate", "verify", "--json"))
        assert [problem["what"] for problem in found] == ["view api.clinics"]
