"""`chairtime migrate`: apply, stop at errors, run at once, say what is true."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest

from cli.migrations import apply_pending
from tests.cli.program import Program

ONE = "20260101000000_one.sql"
TWO = "20260102000000_two.sql"
UNTOUCHED = "select to_regclass('t'), to_regnamespace('supabase_migrations')"


def query(url: str, statement: str) -> list[Any]:
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(statement.encode()).fetchall()


def history(url: str) -> list[Any]:
    return query(
        url, "select version, name, statements from supabase_migrations.schema_migrations order by version"
    )


def test_up_applies_what_is_pending_and_records_it(program: Program, empty_database: str) -> None:
    program.write(ONE, "create table t (a int);\ninsert into t values (1);")
    assert program.json("migrate", "up") == {
        "applied": [{"version": "20260101000000", "name": "one"}],
        "dry_run": False,
    }
    program.write(TWO, "insert into t values (2);")
    told = program.ok("migrate", "up")
    assert "Applied 1 migration." in told.out
    assert TWO in told.err
    assert ONE not in told.err
    assert history(empty_database) == [
        ("20260101000000", "one", ["create table t (a int)", "insert into t values (1)"]),
        ("20260102000000", "two", ["insert into t values (2)"]),
    ]
    assert program.json("migrate", "up")["applied"] == []
    assert "Nothing to apply" in program.ok("migrate", "up").out


def test_up_stops_after_the_version_it_is_told(program: Program, empty_database: str) -> None:
    program.write(ONE, "select 1;")
    program.write(TWO, "select 2;")
    program.ok("migrate", "up", "--to", "20260101000000")
    assert [row[0] for row in history(empty_database)] == ["20260101000000"]
    unknown = program("migrate", "up", "--to", "3", "--json")
    assert (unknown.code, unknown.error["code"]) == (5, "not_found")


def test_a_dry_run_leaves_the_database_alone(program: Program, empty_database: str) -> None:
    program.write(ONE, "create table t (a int);")
    assert [row["name"] for row in program.json("migrate", "up", "--dry-run")["applied"]] == ["one"]
    assert "one" in program.ok("migrate", "up", "--dry-run").out
    assert query(empty_database, UNTOUCHED) == [(None, None)]


def test_a_failing_file_leaves_no_trace_and_is_named_with_line_and_statement(
    program: Program, empty_database: str
) -> None:
    program.write(ONE, "create table t (a int);\n\n-- the culprit\nselect\n  1,\n  nonsense;\nselect 2;")
    failed = program("migrate", "up", "--json")
    assert failed.code == 1
    assert failed.error["code"] == "migration_failed"
    details = failed.error["details"]
    assert (details["file"], details["line"], details["statement"], details["sqlstate"]) == (
        ONE,
        6,
        2,
        "42703",
    )
    assert query(empty_database, UNTOUCHED) == [(None, None)]
    told = program("migrate", "up")
    assert f"{ONE}, line 6, statement 2" in told.err
    assert "hint" in told.err


def test_files_before_the_failing_one_stay(program: Program, empty_database: str) -> None:
    program.write(ONE, "create table t (a int);")
    program.write(TWO, "insert into t values ('x');")
    assert program("migrate", "up").code == 1
    assert [row[0] for row in history(empty_database)] == ["20260101000000"]


def test_what_cannot_run_in_a_transaction_has_a_marked_way_out(program: Program, empty_database: str) -> None:
    program.write(ONE, "create table t (a int);")
    statement = "create index concurrently t_a_idx on t (a);"
    path = program.write(TWO, statement)
    refused = program("migrate", "up", "--json")
    assert "-- pg-delta: transaction=false" in refused.error["hint"]
    path.write_text(f"-- pg-delta: transaction=false\n{statement}")
    program.ok("migrate", "up")
    assert query(empty_database, "select to_regclass('t_a_idx') is not null") == [(True,)]


def test_twenty_at_once_apply_each_file_once(project: Path, empty_database: str) -> None:
    """Also one that builds an index concurrently, which waits for everybody who waits in the database."""
    folder = project / "supabase" / "migrations"
    (folder / ONE).write_text("create table t (a int);")
    (folder / TWO).write_text("-- pg-delta: transaction=false\ncreate index concurrently i on t (a);")
    for number in range(3, 6):
        (folder / f"2026010{number}000000_more.sql").write_text(f"insert into t values ({number});")
    with ThreadPoolExecutor(20) as pool:
        runs = [pool.submit(apply_pending, empty_database, folder) for _ in range(20)]
        applied = [migration.version for run in runs for migration in run.result(timeout=60)]
    assert len(applied) == 5
    assert query(empty_database, "select a from t order by a") == [(3,), (4,), (5,)]
    assert len(history(empty_database)) == 5
    held = (
        "select count(*) from pg_locks as l join pg_database as d on d.oid = l.database"
        " where d.datname = current_database() and l.locktype = 'advisory'"
    )
    assert query(empty_database, held) == [(0,)]


def test_a_setting_of_one_file_does_not_reach_the_next(program: Program, empty_database: str) -> None:
    program.write(ONE, "select set_config('search_path', '', false);")
    program.write(TWO, "create table t (a int);")
    program.ok("migrate", "up")
    assert query(empty_database, "select to_regclass('public.t') is not null") == [(True,)]


def test_status_tells_applied_pending_and_missing(program: Program) -> None:
    path = program.write(ONE, "select 1;")
    program.ok("migrate", "up")
    program.write(TWO, "select 2;")
    path.unlink()
    told = program("migrate", "status", "--json")
    assert told.code == 6
    assert told.json == [
        {"version": "20260101000000", "name": "one", "state": "missing"},
        {"version": "20260102000000", "name": "two", "state": "pending"},
    ]
    drawn = program("migrate", "status").out
    assert "file is missing" in drawn
    assert "pending" in drawn
    refused = program("migrate", "up", "--json")
    assert (refused.code, refused.error["code"]) == (1, "history_mismatch")


@pytest.mark.parametrize("waiting", [True, False], ids=["with more to apply", "with nothing to apply"])
def test_a_file_edited_after_it_was_applied_is_told_and_stops_up(
    program: Program, empty_database: str, waiting: bool
) -> None:
    program.write(ONE, "create table a ();")
    program.ok("migrate", "up")
    program.write(ONE, "create table b ();")
    if waiting:
        program.write(TWO, "create table c ();")
    told = program("migrate", "status", "--json")
    assert (told.code, told.json[0]["state"]) == (6, "edited")
    for options in ([], ["--dry-run"]):
        refused = program("migrate", "up", *options, "--json")
        assert (refused.code, refused.error["code"]) == (1, "history_mismatch")
        assert f"{ONE} was edited after it was applied" in refused.error["message"]
    assert query(empty_database, "select to_regclass('public.c') is null") == [(True,)]


def test_repair_rewrites_the_history_and_nothing_else(program: Program, empty_database: str) -> None:
    program.write(ONE, "create table t (a int);")
    assert program.json("migrate", "repair", "20260101000000", "--applied", "--yes") == {
        "versions": ["20260101000000"],
        "state": "applied",
    }
    assert history(empty_database) == [("20260101000000", "one", ["create table t (a int)"])]
    assert query(empty_database, "select to_regclass('t')") == [(None,)]
    told = program.ok("migrate", "repair", "20260101000000", "--reverted", "--yes")
    assert "Recorded as reverted" in told.out
    assert history(empty_database) == []


def test_names_that_look_like_markup_are_shown_as_they_are(program: Program) -> None:
    program.write("20260101000000_[red].sql", "select 1;")
    assert "20260101000000_[red].sql" in program.ok("migrate", "up").err
    assert "[/b]" in program.ok("migrate", "repair", "[/b]", "--reverted", "--yes").out


@pytest.mark.parametrize(
    ("arguments", "code", "exit_code"),
    [
        (("20260101000000", "--yes"), "invalid_argument", 2),
        (("20260101000000", "--applied", "--reverted", "--yes"), "invalid_argument", 2),
        (("7", "--applied", "--yes"), "not_found", 5),
        (("20260101000000", "--reverted"), "invalid_argument", 2),  # nobody can answer the question
        (("--yes",), "usage", 2),
    ],
)
def test_repair_refuses_what_is_unclear(
    program: Program, arguments: tuple[str, ...], code: str, exit_code: int
) -> None:
    program.write(ONE, "select 1;")
    refused = program("migrate", "repair", *arguments, "--json")
    assert (refused.code, refused.error["code"]) == (exit_code, code)


def test_new_makes_a_file_with_the_time_as_version(program: Program) -> None:
    path = Path(program.json("migrate", "new", "Add recall reminders!")["path"])
    assert path.read_text() == "-- Add recall reminders.\n"
    assert path.name.endswith("_add_recall_reminders.sql")
    assert len(path.name.split("_")[0]) == 14
    assert program("migrate", "new", "!").code == 2


def test_a_dead_server_is_one_line_and_a_hint(program: Program) -> None:
    program.write(ONE, "select 1;")
    for command in ("status", "up", "verify"):
        refused = program("migrate", command, "--db-url", "postgresql://postgres@127.0.0.1:9/postgres")
        assert refused.code == 3
        assert refused.out == ""
        assert len(refused.err.splitlines()) == 2


def test_a_wrong_password_is_not_permitted(program: Program, empty_database: str) -> None:
    program.write(ONE, "select 1;")
    url = empty_database.replace("postgres:postgres@", "postgres:wrong@")
    refused = program("migrate", "status", "--db-url", url, "--json")
    assert (refused.code, refused.error["code"]) == (4, "forbidden")


def test_what_is_no_url_is_bad_usage(program: Program) -> None:
    program.write(ONE, "select 1;")
    refused = program("migrate", "status", "--db-url", "nonsense", "--json")
    assert (refused.code, refused.error["code"]) == (2, "invalid_argument")


def test_a_database_that_does_not_exist_is_not_found(program: Program, empty_database: str) -> None:
    program.write(ONE, "select 1;")
    refused = program("migrate", "status", "--db-url", f"{empty_database}_not", "--json")
    assert (refused.code, refused.error["code"]) == (5, "not_found")


def test_a_file_that_is_not_utf8_is_told(program: Program) -> None:
    program.write(ONE, "").write_bytes(b"select '\xff';")
    refused = program("migrate", "up", "--json")
    assert (refused.code, refused.error["code"]) == (2, "invalid_argument")


def test_outside_a_project_it_says_where_it_looked(tmp_path: Path) -> None:
    refused = Program(tmp_path)("migrate", "status", "--json")
    assert (refused.code, refused.error["code"]) == (5, "no_project")


def test_it_finds_the_project_upward_and_by_workdir(program: Program, tmp_path: Path) -> None:
    program.write(ONE, "select 1;")
    inside = Program(program.folder / "supabase" / "migrations", program.variables)
    assert inside.json("migrate", "status")[0]["name"] == "one"
    elsewhere = Program(Path("/"), program.variables)
    assert elsewhere.json("migrate", "status", "--workdir", str(program.folder))[0]["name"] == "one"
