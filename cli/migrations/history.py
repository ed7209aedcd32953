"""The history table that we share with the Supabase CLI: supabase_migrations.schema_migrations."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from psycopg import Connection, errors, sql

from cli.migrations.files import Migration, digest

_CREATE = """
create schema if not exists supabase_migrations;
create table if not exists supabase_migrations.schema_migrations (version text not null primary key);
alter table supabase_migrations.schema_migrations add column if not exists statements text[];
alter table supabase_migrations.schema_migrations add column if not exists name text;
"""
_INSERT = "insert into supabase_migrations.schema_migrations (version, name, statements) values (%s, %s, %s)"
_UPSERT = _INSERT + (
    " on conflict (version) do update set name = excluded.name, statements = excluded.statements"
)
_DELETE = "delete from supabase_migrations.schema_migrations where version = any(%s)"
_FIND = "select from supabase_migrations.schema_migrations where version = %s"
_ALL = "select version, name, statements from supabase_migrations.schema_migrations"
_SELECT = "select version, coalesce(name, ''), statements from supabase_migrations.schema_migrations"


@dataclass(frozen=True)
class Applied:
    """One row of the history. `statements` is None where an old tool recorded none."""

    version: str
    name: str
    statements: list[str] | None

    def differs_from(self, file: Migration) -> bool:
        """Whether the file was edited after it was applied, as far as the history can tell."""
        return self.statements is not None and digest(self.statements) != digest(file.texts)


def create_history(connection: Connection[Any]) -> None:
    """Make the table as the Supabase CLI does, columns in the same order."""
    connection.execute(_CREATE)


def read_history(connection: Connection[Any]) -> list[Applied]:
    """Read what was applied, in order of version; nothing when the table does not exist yet."""
    try:
        with connection.transaction():
            rows = connection.execute(_SELECT).fetchall()
    except (errors.UndefinedTable, errors.InvalidSchemaName, errors.UndefinedColumn):
        return []
    return sorted((Applied(*row) for row in rows), key=lambda applied: applied.version)


def is_recorded(connection: Connection[Any], version: str) -> bool:
    """Whether a version was applied already."""
    return connection.execute(_FIND, (version,)).fetchone() is not None


def record(connection: Connection[Any], migration: Migration) -> None:
    """Record a migration that was just applied."""
    connection.execute(_INSERT, (migration.version, migration.name, migration.texts))


def move_away(connection: Connection[Any], schema: str) -> None:
    """Empty the history, and keep a copy of it in a schema."""
    table = sql.Identifier(schema, "schema_migrations")
    connection.execute(sql.SQL("create table {} as {}").format(table, sql.SQL(_ALL)))
    connection.execute("delete from supabase_migrations.schema_migrations")


def repair(connection: Connection[Any], applied: Iterable[Migration], reverted: Iterable[str]) -> None:
    """Rewrite history without running anything: record these files, forget these versions."""
    with connection.transaction():
        create_history(connection)
        for migration in applied:
            connection.execute(_UPSERT, (migration.version, migration.name, migration.texts))
        connection.execute(_DELETE, (list(reverted),))
