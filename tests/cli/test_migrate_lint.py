"""`chairtime migrate lint`: our rules, each broken once and each heeded once, and sqlfluff inside bodies."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.migrations import read_migrations
from cli.migrations.rules import check
from tests.cli.program import Program
from tests.support.templates import ROOT

EARLIER = "20260101000000_earlier.sql"
FILE = "20260201000000_file.sql"
TABLE = "create table shop.items (id int);\nalter table shop.items enable row level security;\n"
SQL = "create function shop.f() returns int language sql "
API_SQL = SQL.replace("shop", "api")
PLPGSQL = "create function shop.f() returns void language plpgsql as "
MARK = "-- pg-delta: transaction=false\n"


@pytest.fixture
def linted(project: Path) -> Program:
    """A project with a table that was made on another day, and the repository's settings for sqlfluff."""
    (project / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    program = Program(project)
    program.write(EARLIER, TABLE)
    return program


def rules(program: Program, source: str) -> list[str]:
    """Our own rules that a file breaks."""
    path = program.write(FILE, source)
    folder = read_migrations(path.parent)
    return [broken.rule for _, broken in check(folder[-1], folder)]


@pytest.mark.parametrize(
    ("rule", "broken", "heeded"),
    [
        (
            "refused_by_supabase",
            "create view auth.mine as select 1;",
            "create policy p on realtime.messages to anon;",
        ),
        ("refused_by_supabase", "alter table realtime.messages enable row level security;", "select 1;"),
        ("refused_by_supabase", "create index i on realtime.messages (topic);", "select 1;"),
        ("refused_by_supabase", "create schema storage;", "create schema shop;"),
        (
            "refused_by_supabase",
            "alter system set work_mem = '1GB';",
            "alter role postgres set work_mem = '1GB';",
        ),
        ("refused_by_supabase", "create role boss superuser;", "create role boss nosuperuser;"),
        ("refused_by_supabase", "copy shop.items from '/etc/passwd';", "select 1;"),
        (
            "extension_schema",
            "create extension pg_trgm;",
            "create extension if not exists pg_trgm with schema extensions;",
        ),
        (
            "search_path",
            SQL + "security definer as $$ select 1 $$;",
            SQL + "security definer set search_path = '' as $$ select 1 $$;",
        ),
        (
            "definer_exposed",
            API_SQL + "security definer set search_path = '' as $$ select 1 $$;",
            API_SQL + "set search_path = '' as $$ select 1 $$;",
        ),
        (
            "view_bypasses_rls",
            "create view api.v as select 1 as a;",
            "create view api.v with (security_invoker = true) as select 1 as a;",
        ),
        (
            "policy_for_everybody",
            "create policy p on shop.items for select using (true);",
            "create policy p on shop.items for select to anon using (true);",
        ),
        (
            "auth_per_row",
            "create policy p on shop.items for select to anon using (id = auth.uid());",
            "create policy p on shop.items for select to anon using (id = (select auth.uid()));",
        ),
        (
            "index_locks_table",
            "create index i on shop.items (id);",
            f"{MARK}create index concurrently i on shop.items (id);",
        ),
        (
            "index_locks_table",
            "create unique index i on shop.items (id);",
            TABLE.replace("items", "more") + "create index i on shop.more (id);",
        ),
        (
            "not_null_without_default",
            "alter table shop.items add column a int not null;",
            "alter table shop.items add column a int not null default 0;",
        ),
        (
            "rewrites_table",
            "alter table shop.items add column a uuid default gen_random_uuid();",
            "alter table shop.items add column a timestamptz default now();",
        ),
        ("rewrites_table", "alter table shop.items alter column id type bigint;", "select 1;"),
        ("scans_table", "alter table shop.items alter column id set not null;", "select 1;"),
        (
            "scans_table",
            "alter table shop.items add constraint positive check (id > 0);",
            "alter table shop.items add constraint positive check (id > 0) not valid;",
        ),
        (
            "no_rls",
            "create table shop.more (id int);",
            "create table shop.p partition of shop.items default;",
        ),
        (
            "needs_no_transaction",
            "create index concurrently i on shop.items (id);",
            f"{MARK}create index concurrently i on shop.items (id);",
        ),
        ("needs_no_transaction", "vacuum shop.items;", f"{MARK}vacuum shop.items;"),
        (
            "no_notify",
            PLPGSQL + "$$ begin perform pg_notify('a', 'b'); end $$;",
            PLPGSQL + "$$ begin -- no pg_notify here\n end $$;",
        ),
        (
            "no_serialization_failure",
            PLPGSQL + "$$ begin raise sqlstate '40001'; end $$;",
            PLPGSQL + "$$ begin raise sqlstate 'PGRST'; end $$;",
        ),
        (
            "lower_case",
            PLPGSQL + "$$\nBEGIN\nend $$;",
            PLPGSQL + "$$\nbegin\nend $$;",
        ),
        (
            "no_tabs",
            PLPGSQL + "$$\n\tbegin end $$;",
            PLPGSQL + "$$\n  begin end $$;",
        ),
    ],
)
def test_a_rule_finds_what_breaks_it_and_nothing_in_what_heeds_it(
    linted: Program, rule: str, broken: str, heeded: str
) -> None:
    assert rule in rules(linted, broken)
    assert rules(linted, heeded) == []


def test_a_finding_tells_where_and_what_to_do(linted: Program) -> None:
    linted.write(FILE, "select 1;\n\n-- why\ncreate index i on shop.items (id);\n")
    done = linted("migrate", "lint", FILE, "--json")
    assert done.code == 6
    finding = next(finding for finding in done.json["findings"] if finding["rule"] == "index_locks_table")
    assert (finding["file"], finding["line"]) == (FILE, 4)
    assert "concurrently" in finding["hint"]
    drawn = linted("migrate", "lint", FILE)
    assert drawn.code == 6
    assert f"{FILE}:4 index_locks_table" in drawn.out
    assert "hint" in drawn.out


def test_a_comment_may_allow_a_rule(linted: Program) -> None:
    source = "-- lint: allow index_locks_table (the table is small)\ncreate index i on shop.items (id);\n"
    assert rules(linted, source) == []


def test_sqlfluff_looks_at_files_and_into_sql_bodies(linted: Program) -> None:
    body = "create function shop.f() returns int\nlanguage sql\nas $$\n  SELECT 1;\n$$;\nSELECT 2;\n"
    linted.write(FILE, body)
    findings = linted("migrate", "lint", FILE, "--json").json["findings"]
    assert [finding["line"] for finding in findings if finding["rule"] == "CP01"] == [4, 6]


def test_a_file_that_does_not_exist_is_not_found(linted: Program) -> None:
    refused = linted("migrate", "lint", "nope.sql", "--json")
    assert (refused.code, refused.error["code"]) == (5, "not_found")


def test_where_there_is_nothing_to_mend_it_says_so() -> None:
    """`make lint` looks at all files of the repository."""
    program = Program(ROOT)
    assert program.json("migrate", "lint", "0200") == {"ok": True, "findings": []}
    assert "Nothing to mend" in program.ok("migrate", "lint", "0200").out
