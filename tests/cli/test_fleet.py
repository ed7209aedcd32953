"""Many databases from a file: in parallel, one report, and none begun after a failure."""

from __future__ import annotations

import re
import threading
from pathlib import Path
from typing import Any

import psycopg
import pytest

from cli.fleet import Finding, Say, read_fleet, run
from cli.project import Project
from tests.cli.program import Done, Program
from tests.support.documents import blocks
from tests.support.stacks import Stack

ONE = "20260101000000_one.sql"
NAMES = ("north", "east", "south")
PASSWORD = "p@ss/w:rd"  # what a URL cannot hold as it is


@pytest.fixture
def fleet(project: Path, three_databases: list[str]) -> Program:
    """`chairtime` in a project whose `cells.toml` names three databases; the passwords are in variables."""
    (project / "cells.toml").write_text(
        "".join(
            f'[{name}]\ndb_url = "{url.replace("postgres:postgres@", "postgres:${PASSWORD}@")}"\n'
            for name, url in zip(NAMES, three_databases, strict=True)
        )
    )
    return Program(project, {"PASSWORD": "postgres", "SUPABASE_DB_URL": "postgresql://127.0.0.1:9/nobody"})


def look(fleet: Program, *command: str, **variables: str) -> tuple[Done, dict[str, str]]:
    """Run a command over the file; return how it ended, and the databases' states."""
    done = fleet(*command, "--databases", "cells.toml", "--json", **variables)
    return done, {row["name"]: row["state"] for row in done.json["databases"]}


def test_migrations_are_applied_shown_and_verified_everywhere(
    fleet: Program, three_databases: list[str]
) -> None:
    fleet.write(ONE, "create schema shop; create table shop.items (id int primary key);")
    done, states = look(fleet, "migrate", "up", "--dry-run")
    assert [row["result"]["applied"][0]["name"] for row in done.json["databases"]] == ["one"] * 3
    drawn = fleet.ok("migrate", "up", "--databases", "cells.toml", "--parallel", "2")
    assert "3 done, 0 failed, 0 not begun." in drawn.out
    assert all(f"{name} applying {ONE}" in drawn.err for name in NAMES)

    done, states = look(fleet, "migrate", "status")
    assert (done.code, states) == (0, dict.fromkeys(NAMES, "done"))
    assert done.json["ok"] is True
    assert [row["summary"] for row in done.json["databases"]] == ["1 applied"] * 3

    with psycopg.connect(three_databases[1], autocommit=True) as somebody:
        somebody.execute("alter table shop.items add by_hand int")
    done, states = look(fleet, "migrate", "verify", "--parallel", "3")
    assert (done.code, states["east"]) == (6, "failed")
    assert [row["result"]["ok"] for row in done.json["databases"] if row["name"] == "east"] == [False]
    # Whoever had begun by then ended, and found nothing.
    assert {states["north"], states["south"]} <= {"done", "not begun"}


def test_after_a_failure_no_other_is_begun(fleet: Program, three_databases: list[str]) -> None:
    fleet.write(ONE, "create table t (a int);")
    with psycopg.connect(three_databases[1], autocommit=True) as somebody:
        somebody.execute("create table t (b int)")
    done, states = look(fleet, "migrate", "up", "--parallel", "1")
    assert states == {"north": "done", "east": "failed", "south": "not begun"}
    assert done.code == 1  # as it would be for the one alone
    failed = done.json["databases"][1]["error"]
    assert (failed["code"], failed["details"]["sqlstate"]) == ("migration_failed", "42P07")
    with psycopg.connect(three_databases[2]) as last:
        assert last.execute("select to_regclass('t')").fetchone() == (None,)

    drawn = fleet("migrate", "up", "--databases", "cells.toml", "--parallel", "1")
    assert "1 done, 1 failed, 1 not begun." in drawn.out
    assert ONE in drawn.out


def test_what_runs_is_let_finish(project: Path) -> None:
    begun, failed = threading.Event(), threading.Event()

    def work(cell: Project, _: Say) -> Finding:
        if cell.given == {"db_url": "slow"}:
            begun.set()
            assert failed.wait(30)
            return Finding([], "finished")
        assert begun.wait(30)
        failed.set()
        raise RuntimeError("nobody foresaw this")

    cells = {name: Project(project, {"db_url": name}) for name in ("slow", "broken", "third")}
    told = [(outcome.name, outcome.state, outcome.summary) for outcome in run(cells, work, 2)]
    assert told[:2] == [
        ("slow", "done", "finished"),
        ("broken", "failed", "RuntimeError: nobody foresaw this"),
    ]
    assert told[2][0] == "third"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "names no database"),
        ("[north", "is not TOML"),
        ('db_url = "postgresql://one"', "db_url has no db_url"),
        ('[north]\napi_url = "https://one"', "north has no db_url"),
        ('[north]\ndb_url = "postgresql://one"\npassword = "x"', "north: password"),
        ('[north]\ndb_url = "postgresql://one"\nsecret_key = 7', "north: secret_key"),
        ('[north]\ndb_url = "postgresql://u:${UNHEARD_OF}@one"', "no variable UNHEARD_OF"),
        ('[north]\ndb_url = "postgresql://u:a$@one"', "north.db_url"),
        ('[north]\ndb_url = "postgresql://one"\n[east]\ndb_url = "postgresql://one"', "north and east"),
    ],
)
def test_a_file_that_is_not_understood_begins_nothing(fleet: Program, text: str, named: str) -> None:
    (fleet.folder / "cells.toml").write_text(text)
    refused = fleet("migrate", "up", "--databases", "cells.toml", "--json")
    assert (refused.code, refused.error["code"]) == (2, "invalid_argument")
    assert named in refused.error["message"]


def test_one_database_or_many_and_a_file_that_is_there(fleet: Program) -> None:
    url = "postgresql://127.0.0.1:9/x"
    both = fleet("migrate", "up", "--db-url", url, "--databases", "cells.toml", "--json")
    missing = fleet("migrate", "up", "--databases", "nowhere.toml", "--json")
    assert (both.code, missing.code) == (2, 2)


def test_variables_become_part_of_a_url_or_stand_alone(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PASSWORD", PASSWORD)
    monkeypatch.setenv("WHOLE", f"postgresql://me@there/{PASSWORD}")
    file = project / "cells.toml"
    file.write_text(
        '[north]\ndb_url = "postgresql://me:${PASSWORD}@here/$$"\nsecret_key = "${PASSWORD}"\n'
        '[east]\ndb_url = "$WHOLE"\n'
    )
    found: dict[str, Any] = {name: cell.given for name, cell in read_fleet(Project(project), file).items()}
    assert found == {
        "north": {"db_url": "postgresql://me:p%40ss%2Fw%3Ard@here/$", "secret_key": PASSWORD},
        "east": {"db_url": f"postgresql://me@there/{PASSWORD}"},
    }
    assert psycopg.conninfo.conninfo_to_dict(found["north"]["db_url"])["password"] == PASSWORD


def test_the_file_in_the_documents_is_one(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (text,) = [block.text for block in blocks(Path("docs/operations.md")) if "[north]" in block.text]
    for name in set(re.findall(r"\$\{(\w+)\}", text)):
        monkeypatch.setenv(name, name.lower())
    (project / "cells.toml").write_text(text)
    cells = read_fleet(Project(project), project / "cells.toml")
    assert {name: cell.setting("secret_key") for name, cell in cells.items()} == {
        "north": "north_secret_key",
        "south": "south_secret_key",
    }


@pytest.mark.long
@pytest.mark.xdist_group("doctor")
def test_the_doctor_sees_every_project_with_its_own_keys(desk: Program, stack: Stack) -> None:
    """One is the stack, whose variables the program has, too; the other has none that answer."""
    there = (
        f'[there]\ndb_url = "{stack.status["db_url"]}"\napi_url = "{stack.api_url}"\n'
        f'publishable_key = "{stack.publishable_key}"\nsecret_key = "${{SUPABASE_SECRET_KEY}}"\n'
        f'worker_url = "{stack.status["worker_url"]}"\n'
    )
    nowhere = '[nowhere]\ndb_url = "postgresql://postgres@127.0.0.1:9/postgres"\n'
    (desk.folder / "cells.toml").write_text(there + nowhere)
    done = desk("doctor", "--databases", "cells.toml", "--parallel", "2", "--json")
    first, second = done.json["databases"]
    assert (done.code, done.json["ok"], second["state"]) == (6, False, "failed")
    alone = desk("doctor", "--json").json["checks"]
    assert [check["check"] for check in first["result"]["checks"]] == [check["check"] for check in alone]
    problems = {it["check"]: it for it in second["result"]["checks"] if it["state"] == "problem"}
    assert set(problems) == {"api", "database"}
    assert "api_url" in problems["api"]["hint"]
