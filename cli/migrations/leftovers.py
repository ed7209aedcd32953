"""What an upgrade leaves behind while one may want to go back: the schemas of the release before."""

from typing import Any, LiteralString

from psycopg import Connection, sql

from cli.migrations.run import BRIEFLY, Say, patiently

_SCHEMAS: LiteralString = (
    r"select nspname from pg_namespace where nspname ~ '^(clinic|api)_[0-9]+_[0-9]+$' order by 1 desc"
)
_TIES: LiteralString = """
  select t.relnamespace::regnamespace::text, t.relname, k.conname
  from pg_constraint as k
  inner join pg_class as t on k.conrelid = t.oid
  inner join pg_class as f on k.confrelid = f.oid
  where
    t.relnamespace::regnamespace::text = any(%s) and f.relnamespace <> t.relnamespace and k.conparentid = 0
  order by 1, 2, 3
"""


def find_leftovers(connection: Connection[Any]) -> list[str]:
    """Name the schemas that an upgrade left."""
    return [row[0] for row in connection.execute(_SCHEMAS)]


def drop_leftovers(connection: Connection[Any], say: Say | None = None) -> list[str]:
    """Drop them and return their names. Each step is short, and can be run again.

    To drop a table locks those that it refers to, the users' above all, against everybody: each foreign key
    goes in a transaction of its own, and what is left refers to nobody.
    """
    found = find_leftovers(connection)
    for schema, table, name in connection.execute(_TIES, (found,)).fetchall():
        step = sql.SQL("alter table {} drop constraint if exists {}")
        _run(connection, step.format(sql.Identifier(schema, table), sql.Identifier(name)), say)
    for schema in found:
        _run(connection, sql.SQL("drop schema if exists {} cascade").format(sql.Identifier(schema)), say)
    return found


def _run(connection: Connection[Any], statement: sql.Composed, say: Say | None) -> None:
    def attempt() -> None:
        with connection.transaction():
            connection.execute(BRIEFLY)
            connection.execute(statement)

    patiently(attempt, statement.as_string(), say)
