"""Databases of one's own: what a test leaves is put back for the next one, or its database is dropped."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import psycopg

from tests.support import sessions
from tests.support.crossings import crossings
from tests.support.index_use import note_index_use
from tests.support.servers import with_database
from tests.support.templates import clone, drop

# What is defined in a database stands in its catalogs: whatever changes there, other tests would notice.
_CATALOGS = """
    select relname from pg_class
    where
        relnamespace = 'pg_catalog'::regnamespace and relkind = 'r' and not relisshared
        and relname <> all ('{pg_class,pg_namespace}')
"""
_SPECIAL = (
    "select 'pg_class', count(*), max(xmin::text::bigint) from pg_class where relpersistence = 'p'",
    # What plans depend on is overwritten in place when statistics are taken.
    "select 'pages', count(*), sum(hashtext(concat_ws(' ', oid, relpages, reltuples, relallvisible)))"
    " from pg_class where relpersistence = 'p'",
    "select 'pg_namespace', count(*), max(xmin::text::bigint) from pg_namespace"
    " where nspname !~ '^pg_(toast_)?temp'",
    "select 'settings', count(*), max(s.xmin::text::bigint) from pg_db_role_setting as s"
    " inner join pg_database as d on s.setdatabase = d.oid where d.datname = current_database()",
    # Each clone's own row, by what it says.
    "select 'pg_database', datconnlimit, hashtext(concat_ws(' ', datdba, datacl::text)) from pg_database"
    " where datname = current_database()",
)
_TABLES = """
    select c.oid::regclass::text, string_agg(quote_ident(a.attname), ', ' order by a.attnum)
    from pg_class as c
    inner join pg_attribute as a on c.oid = a.attrelid
    where
        c.relkind = 'r' and c.relnamespace::regnamespace::text !~ '^pg_|^information_schema$'
        and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
    group by c.oid
    order by c.oid::regclass::text like '%audit_log%', 1 -- the log last, for it logs this, too
"""
_SEQUENCES = """
    select quote_ident(schemaname) || '.' || quote_ident(sequencename), coalesce(last_value, start_value),
        last_value is not null
    from pg_sequences
"""
_NEW_SEQUENCES = """
    select s.name
    from pg_sequences
    cross join lateral (select quote_ident(schemaname) || '.' || quote_ident(sequencename)) as s (name)
    where s.name <> all (%s)
"""
_WRITTEN = """
    select relid::regclass::text from pg_stat_user_tables where n_tup_ins + n_tup_upd + n_tup_del > 0
"""
# Whose rows others wait for: as new ones they are for nobody until every transaction on the server has ended.
_EVENTS = "clinic.realtime_events"
_ROOM = 4_000_000  # bytes more than at first: what was deleted slows down whoever looks for the rest
_PATIENCE = 30.0  # seconds


@dataclass(frozen=True)
class Table:
    """A table of the template: its columns but for generated ones, its rows as COPY writes them."""

    name: str
    columns: str
    count: int
    rows: bytes


@dataclass(frozen=True)
class Lent:
    """A database, who puts it back, and when it was last as the template.

    That is when counting began, and the first transaction since.
    """

    url: str
    keeper: psycopg.Connection
    since: datetime
    first: int


class Contents:
    """All that is in the template."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self.tables = [
            self._read(connection, name, columns) for name, columns in connection.execute(_TABLES).fetchall()
        ]
        self.sequences = connection.execute(_SEQUENCES).fetchall()
        catalogs = [row[0] for row in connection.execute(_CATALOGS)]
        each = (f"select '{name}', count(*), max(xmin::text::bigint) from {name}" for name in catalogs)
        self._definitions = " union all ".join((*each, *_SPECIAL))
        self.defined = connection.execute(self._definitions).fetchall()
        self.size = size_of(connection)

    def _read(self, connection: psycopg.Connection, name: str, columns: str) -> Table:
        cursor = connection.cursor()
        with cursor.copy(f"copy {name} ({columns}) to stdout (format binary)") as copy:
            rows = b"".join(bytes(piece) for piece in copy)
        return Table(name, columns, cursor.rowcount, rows)

    def put_back(self, connection: psycopg.Connection, first: int) -> bool:
        """Put back what was changed since this transaction; False where only a fresh clone would do."""
        # Each new clinic has one.
        for (name,) in connection.execute(_NEW_SEQUENCES, [[name for name, *_ in self.sequences]]).fetchall():
            connection.execute(f"drop sequence {name}")
        defined = connection.execute(self._definitions, prepare=True).fetchall()
        if defined != self.defined or size_of(connection) > self.size + _ROOM:
            return False
        changed = {row[0] for row in connection.execute(_WRITTEN).fetchall()}
        for table in self.tables:
            if changed and (table.name in changed or "audit_log" in table.name):
                connection.execute(f"delete from only {table.name} where xmin::text::bigint >= {first}")
                if count_rows(connection, table.name) == table.count:
                    continue
                if table.name.startswith(_EVENTS):
                    return False
                connection.execute(f"delete from only {table.name}")
                with connection.cursor().copy(
                    f"copy {table.name} ({table.columns}) from stdin (format binary)"
                ) as copy:
                    copy.write(table.rows)
        connection.execute(
            "select setval(s.name::regclass, s.value, s.is_called)"
            " from unnest(%s::text[], %s::bigint[], %s::boolean[]) as s (name, value, is_called)",
            [list(column) for column in zip(*self.sequences, strict=True)],
        )
        return True


def size_of(connection: psycopg.Connection) -> int:
    """Return how many bytes the database takes."""
    row = connection.execute("select pg_database_size(current_database())").fetchone()
    assert row
    size: int = row[0]
    return size


def count_rows(connection: psycopg.Connection, table: str) -> int:
    """Return how many rows a table has, without those of tables that inherit from it."""
    row = connection.execute(f"select count(*) from only {table}".encode()).fetchone()
    assert row
    number: int = row[0]
    return number


def count_anew(url: str, keeper: psycopg.Connection) -> Lent:
    """Begin to count what is written. Commits."""
    keeper.execute("select pg_stat_force_next_flush()")
    keeper.commit()
    keeper.execute("select pg_stat_reset()")
    keeper.commit()
    row = keeper.execute("select pg_current_xact_id()::xid::text::bigint").fetchone()
    since = counted_since(keeper)
    keeper.commit()
    assert row
    assert since
    return Lent(url, keeper, since, row[0])


def counted_since(connection: psycopg.Connection) -> datetime | None:
    """Return since when the server counts what is written in this database."""
    row = connection.execute(
        "select stats_reset from pg_stat_database where datname = current_database()"
    ).fetchone()
    assert row
    since: datetime | None = row[0]
    return since


def end_sessions(connection: psycopg.Connection, lent: Lent) -> None:
    """End all sessions in a database but those that are kept, and wait until they have ended."""
    statement = (
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s and pid <> all (%s)"
    )
    others = [lent.url.rpartition("/")[2], [lent.keeper.info.backend_pid, *sessions.kept(lent.url)]]
    deadline = time.monotonic() + _PATIENCE
    while connection.execute(statement, others).rowcount:
        assert time.monotonic() < deadline, "some session in a test's database does not end"
        time.sleep(0.003)


class Databases:
    """The databases of one process, lent to one test after the other."""

    def __init__(self, template: str) -> None:
        self._template = template
        self._contents: Contents | None = None
        self._idle: list[Lent] = []
        self._server = with_database(template, "postgres")
        sessions.keep(self._server)

    @contextmanager
    def lend(self) -> Iterator[str]:
        """Yield a superuser's URL of a database that is as the template."""
        lent = self._idle.pop() if self._idle else self._clone()
        try:
            yield lent.url
        finally:
            self._take_back(lent)

    def close(self) -> None:
        """Drop them all."""
        for lent in self._idle:
            self._drop(lent)
        sessions.forget(self._server)

    def _clone(self) -> Lent:
        url = clone(self._template)
        sessions.keep(url)
        # No trigger fires but those of the audit log, which says how one may edit it.
        options = "-c session_replication_role=replica -c chairtime.audit=forget"
        keeper = psycopg.connect(url, options=options)
        self._contents = self._contents or Contents(keeper)
        return count_anew(url, keeper)

    def _drop(self, lent: Lent) -> None:
        lent.keeper.close()
        sessions.forget(lent.url)
        drop(lent.url)

    def _take_back(self, lent: Lent) -> None:
        assert self._contents
        crossed: list[str] = []
        try:
            with sessions.session(self._server) as connection:
                end_sessions(connection, lent)
            note_index_use(lent.url)
            crossed = crossings(lent.keeper)
            # A server that crashed has forgotten what was written.
            is_known = not crossed and counted_since(lent.keeper) == lent.since
            if is_known and self._contents.put_back(lent.keeper, lent.first):
                self._idle.append(count_anew(lent.url, lent.keeper))
                return
        except psycopg.Error:
            pass  # whatever was done to it, nobody else has to live with it
        self._drop(lent)
        assert not crossed, f"this reaches across clinics: {crossed}"
