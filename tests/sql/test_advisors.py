"""What others judge: Supabase's own Advisors, and plpgsql_check on the oldest Postgres we promise."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.support import debian, supabase_cli
from tests.support.templates import create_template

OURS = ("api", "clinic")
TRIGGER_FUNCTIONS = """
select format('%s on %s: %s', t.tgfoid::regprocedure, t.tgrelid::regclass, issue) as issue
from pg_trigger as t
join pg_proc as p on p.oid = t.tgfoid
join pg_language as l on l.oid = p.prolang and l.lanname = 'plpgsql'
cross join lateral plpgsql_check_function(
  t.tgfoid, t.tgrelid, extra_warnings => true, performance_warnings => false,
  oldtable => t.tgoldtable, newtable => t.tgnewtable
) as issue
where p.pronamespace in ('api'::regnamespace, 'clinic'::regnamespace)
"""


@pytest.fixture(scope="session")
def _supabase_cli() -> None:
    supabase_cli.install()


@pytest.fixture(scope="session")
def postgres_15(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A migrated and seeded database on Postgres 15 that has plpgsql_check."""
    debian.install_packages()
    with debian.cluster() as url:
        migrated = create_template(url)
        with psycopg.connect(migrated, autocommit=True) as connection:
            connection.execute("create extension plpgsql_check")
        yield migrated


@pytest.mark.usefixtures("_supabase_cli")
def test_supabase_advisors_find_nothing_at_any_level(database: str) -> None:
    found = supabase_cli.findings("db", "advisors", f"--remote={database}", "--type", "all", "--level", "info")
    assert not [f"{finding['level']} {finding['name']}: {finding['detail']}" for finding in found]


@pytest.mark.usefixtures("_supabase_cli")
def test_supabase_advisors_would_find_a_table_without_row_security(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("create table public.forgotten (note text)")
    found = supabase_cli.findings("db", "advisors", f"--remote={database}", "--type", "all", "--level", "info")
    assert {finding["name"] for finding in found} >= {"rls_disabled_in_public", "no_primary_key"}


@pytest.mark.usefixtures("_supabase_cli")
def test_plpgsql_check_finds_no_error_in_any_function(postgres_15: str) -> None:
    schemas = ",".join(OURS)
    found = supabase_cli.findings("db", "lint", f"--remote={postgres_15}", "--schema", schemas, "--level", "warning")
    assert not [(result["function"], result["issues"]) for result in found]


def test_plpgsql_check_finds_no_error_in_any_trigger(postgres_15: str) -> None:
    with psycopg.connect(postgres_15) as connection:
        checked = connection.execute("select count(*) from pg_trigger where not tgisinternal").fetchone()
        found = [row[0] for row in connection.execute(TRIGGER_FUNCTIONS)]
    assert checked is not None
    assert checked[0] > 0
    assert not found
