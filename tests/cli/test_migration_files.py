"""How files are read: their names, their statements, the lines these stand on."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.errors import ChairtimeError
from cli.migrations.files import NO_TRANSACTION, Migration, digest, read_migrations, split_statements


def texts(source: str) -> list[str]:
    return [statement.text for statement in split_statements(source)]


@pytest.mark.parametrize(
    "statement",
    [
        "select ';'",
        "select 'it''s; fine'",
        r"select E'a\';b'",
        'create table "odd;name" (a int)',
        "create function f() returns int language plpgsql as $$ begin return 1; end; $$",
        "create function f() returns int language plpgsql as $body$ begin return '$$;'; end; $body$",
        "create function f() returns int begin atomic select 1; select case when true then 1 end; end",
        "create rule r as on insert to t do also (insert into a values (1); insert into b values (2))",
        "select 1 /* a; /* nested; */ comment; */ + 1",
        "-- a comment; with a semicolon\nselect 1",
        "select a$b, c$d from t",
        "select $1",
    ],
)
def test_a_semicolon_inside_does_not_end_the_statement(statement: str) -> None:
    assert texts(f"{statement};\nselect 2;") == [statement, "select 2"]


def test_empty_statements_are_dropped_and_the_last_needs_no_semicolon() -> None:
    assert texts(";; select 1;\n;\n select 2 ") == ["select 1", "select 2"]


def test_a_statement_knows_the_line_of_its_first_word() -> None:
    source = "\n-- one\nselect 1;\n\n/* two\n */\nselect\n  2;\n"
    assert [statement.line for statement in split_statements(source)] == [3, 7]


def test_files_come_in_order_of_version_and_others_are_ignored(tmp_path: Path) -> None:
    for name in ("20260102000000_b.sql", "20260101000000_a.sql", "README.md", "seed.sql", "20260103_c.txt"):
        (tmp_path / name).touch()
    assert [(one.version, one.name) for one in read_migrations(tmp_path)] == [
        ("20260101000000", "a"),
        ("20260102000000", "b"),
    ]


def test_two_files_of_one_version_are_refused(tmp_path: Path) -> None:
    for name in ("1_a.sql", "1_b.sql"):
        (tmp_path / name).touch()
    with pytest.raises(ChairtimeError) as refusal:
        read_migrations(tmp_path)
    assert refusal.value.code == "invalid_argument"


def test_blank_space_between_statements_does_not_change_the_digest() -> None:
    assert digest(texts("select 1;select 2")) == digest(texts("\nselect 1 ;\n\n select 2;\n"))
    assert digest(texts("select 1;select 2")) != digest(texts("select 1;select  2"))


@pytest.mark.parametrize(
    ("start", "transactional"),
    [(f"{NO_TRANSACTION}\n", False), (f"{NO_TRANSACTION}\r\n", False), (f"\n{NO_TRANSACTION}\n", True)],
)
def test_the_first_line_may_ask_for_no_transaction(tmp_path: Path, start: str, transactional: bool) -> None:
    path = tmp_path / "1_a.sql"
    path.write_bytes(f"{start}select 1;".encode())
    assert Migration("1", "a", path).transactional is transactional
