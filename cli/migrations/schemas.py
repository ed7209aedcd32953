"""What is (supabase/schemas) beside how we got there (supabase/migrations); the baseline between them."""

from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from cli.errors import ChairtimeError
from cli.migrations.files import Migration, read_migrations
from cli.migrations.verify import Catalog, read_catalog

BASELINE = "20261101000000_baseline.sql"
_HEADER = """\
-- What version 0.2 is, as one migration: supabase/schemas, file after file, in their order.
-- Written by `chairtime migrate baseline`, after each edit of the schemas until the release, and never since.
"""

# A column that every build fills anew says nothing about the schema.
_FIXED_COLUMNS = """
select c.oid::regclass::text, array_agg(a.attname order by a.attname)
from pg_class as c
inner join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
left join pg_attrdef as d on d.adrelid = c.oid and d.adnum = a.attnum
where
  c.relkind in ('r', 'p') and not c.relispartition and c.relnamespace::regnamespace::text = any(%s)
  and coalesce(pg_get_expr(d.adbin, d.adrelid), '') !~ '(now|clock_timestamp|gen_random_uuid|random)\\('
group by c.oid
"""


def read_schemas(folder: Path) -> list[Migration]:
    """Read the files that say what is, in order; none where a project has only migrations."""
    return read_migrations(folder) if folder.is_dir() else []


def build(connection: psycopg.Connection[Any], schemas: list[Migration]) -> None:
    """Make in an empty database what the files say, one transaction a file, without a history."""
    for file in schemas:
        try:
            connection.execute(file.source.encode())
        except psycopg.Error as error:
            line = file.source.count("\n", 0, int(error.diag.statement_position or 1) - 1) + 1
            reason = error.diag.message_primary or str(error).strip()
            raise ChairtimeError(f"{file.path.name}, line {line}: {reason}", "schema_failed") from error


def baseline_text(schemas: list[Migration]) -> str:
    """Write all files as one migration."""
    parts = (f"-- {file.path.name} {'-' * (116 - len(file.path.name))}\n\n{file.source}" for file in schemas)
    return "\n".join((_HEADER, *parts))


def is_stale(schemas: list[Migration], migrations: list[Migration], released: frozenset[str]) -> bool:
    """Whether the baseline, not yet released, is something else than the schemas say."""
    if not schemas or BASELINE in released:
        return False
    found = [file.source for file in migrations if file.path.name == BASELINE]
    return found != [baseline_text(schemas)]


def write_baseline(schemas: list[Migration], folder: Path, released: frozenset[str]) -> Path:
    """Write the first migration anew. Raises ChairtimeError `conflict` once migrations build on it."""
    others = sorted({file.path.name for file in read_migrations(folder)} - {BASELINE} | released)
    if others:
        message = f"the schemas are what {others[0]} leads to, not where it starts"
        hint = "Write what is new as a migration: `chairtime migrate new --from-schemas NAME`."
        raise ChairtimeError(message, "conflict", hint)
    path = folder / BASELINE
    path.write_text(baseline_text(schemas), encoding="utf-8")
    return path


def read_all(connection: psycopg.Connection[Any]) -> Catalog:
    """Read a fresh build's catalog, and the rows that its files put into tables."""
    catalog = read_catalog(connection)
    return {**catalog, **_rows(connection, [name for kind, name in catalog if kind == "schema"])}


def _rows(connection: psycopg.Connection[Any], ours: list[str]) -> Catalog:
    rows = {}
    for table, columns in connection.execute(_FIXED_COLUMNS, (ours,)).fetchall():
        query = sql.SQL("select row({})::text from {} order by 1").format(
            sql.SQL(", ").join(map(sql.Identifier, columns)), sql.Identifier(*table.split("."))
        )
        found = "\n".join(row[0] for row in connection.execute(query))
        if found:
            rows["rows", table] = found
    return rows
