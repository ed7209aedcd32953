"""What others judge: Supabase's own Advisors, and plpgsql_check on the oldest Postgres we promise."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.support import supabase_cli, versions
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


# One look-up for each of our indexes, by all its columns, whatever their types.
LOOK_UPS = """
select
  i.indrelid as relation,
  i.indexrelid as index,
  format(
    'select from %s where %s%s', i.indrelid::regclass,
    string_agg(
      format(
        '%s = (select %L::%s)', pg_get_indexdef(i.indexrelid, k, true),
        case t.typname
          when 'uuid' then gen_random_uuid()::text
          when 'tstzrange' then '[2000-01-01,2000-01-02)'
          when 'int4range' then '[1,2)'
          when 'daterange' then '[2000-01-01,2000-01-02)'
          when 'int4multirange' then '{[1,2)}'
          when 'text' then 'x'
          when '_text' then '{x}'
          when 'timestamptz' then '2000-01-01'
          when 'date' then '2000-01-01'
          else '0'
        end, t.oid::regtype
      ), ' and '
    ),
    ' and ' || pg_get_expr(i.indpred, i.indrelid)
  ) as query
from pg_index as i
join pg_class as c on c.oid = i.indexrelid and c.relkind = 'i' and c.relnamespace = 'clinic'::regnamespace
cross join generate_series(1, i.indnkeyatts) as k
join pg_attribute as a on a.attrelid = i.indexrelid and a.attnum = k
join pg_opclass as o on o.oid = i.indclass[k - 1]
-- What a query compares with; what an index stores may be of another type.
join pg_type as t
  on t.oid = case
    when o.opcintype::regtype::text = 'anymultirange' then (
      select c.atttypid from pg_attribute as c where c.attrelid = i.indrelid and c.attnum = i.indkey[k - 1]
    )
    when o.opcintype::regtype::text like 'any%' then a.atttypid
    else o.opcintype
  end
group by i.indexrelid, i.indrelid, i.indpred
"""


def use_every_index(database: str) -> None:
    """Give a new database the traffic that the Advisors miss in it: else every index is unused."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("set enable_seqscan = off")
        for relation, index, query in connection.execute(LOOK_UPS).fetchall():
            # All other indexes of the table step aside for a moment.
            connection.execute(
                "update pg_index set indisvalid = (indexrelid = %s) where indrelid = %s", [index, relation]
            )
            connection.execute(query)
            connection.execute("update pg_index set indisvalid = true where indrelid = %s", [relation])


@pytest.fixture(scope="session")
def _supabase_cli() -> None:
    supabase_cli.install()


@pytest.fixture(scope="session")
def postgres_15(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A migrated and seeded database on Postgres 15 that has plpgsql_check."""
    with versions.cluster(15) as url:
        migrated = create_template(url)
        with psycopg.connect(migrated, autocommit=True) as connection:
            connection.execute("create extension plpgsql_check")
        yield migrated


def advice(database: str) -> dict[str, list[str]]:
    """Return what the Advisors find, details by lint."""
    found = supabase_cli.findings(
        "db", "advisors", f"--remote={database}", "--type", "all", "--level", "info"
    )
    return {name: [f["detail"] for f in found if f["name"] == name] for name in {f["name"] for f in found}}


@pytest.mark.usefixtures("_supabase_cli")
def test_supabase_advisors_find_nothing_at_any_level(database: str) -> None:
    use_every_index(database)
    assert advice(database) == {}


@pytest.mark.usefixtures("_supabase_cli")
def test_supabase_advisors_would_find_what_is_wrong(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("set role postgres")
        connection.execute("create table api.forgotten (note text)")
        connection.execute("grant select on api.forgotten to anon")
        connection.execute("create view api.leak as select * from clinic.patients")
        connection.execute("grant select on api.leak to anon")
        assert advice(database).keys() >= {
            "rls_disabled_in_public",
            "no_primary_key",
            "security_definer_view",
            "unused_index",
        }


@pytest.mark.usefixtures("_supabase_cli")
def test_plpgsql_check_finds_no_error_in_any_function(postgres_15: str) -> None:
    schemas = ",".join(OURS)
    found = supabase_cli.findings(
        "db", "lint", f"--remote={postgres_15}", "--schema", schemas, "--level", "warning"
    )
    # "warning extra" is about style: a job may ignore a parameter that all jobs have.
    issues = [(result["function"], issue) for result in found for issue in result["issues"]]
    assert not [(function, issue) for function, issue in issues if issue["level"] != "warning extra"]


def test_plpgsql_check_finds_no_error_in_any_trigger(postgres_15: str) -> None:
    with psycopg.connect(postgres_15) as connection:
        checked = connection.execute("select count(*) from pg_trigger where not tgisinternal").fetchone()
        found = [row[0] for row in connection.execute(TRIGGER_FUNCTIONS)]
    assert checked is not None
    assert checked[0] > 0
    assert not found
