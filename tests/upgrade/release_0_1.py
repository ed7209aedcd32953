"""Release 0.1 with a month of data, as a database: what `make_0_1` put into the archive, put back."""

from __future__ import annotations

import tarfile
import tempfile
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from cli.local.postgres import bootstrap
from cli.migrations.files import read_migrations
from cli.migrations.history import create_history, record

ARCHIVE = Path(__file__).with_name("0.1.tar.xz")

# Tables in an order in which they can be filled, each with its columns but for generated ones. What the
# migrations themselves wrote is there already.
TABLES = """
  select c.oid::regclass::text, array_agg(a.attname::text order by a.attnum)
  from pg_class as c
  inner join pg_attribute as a on c.oid = a.attrelid
  where
    (c.relnamespace = 'clinic'::regnamespace or c.oid = any('{auth.users,auth.identities}'::regclass []))
    and c.relkind in ('r', 'p') and not c.relispartition and c.relname <> 'error_codes'
    and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
  group by c.oid
  order by c.relnamespace::regnamespace::text, c.oid
"""


def restore(url: str) -> None:
    """Make an empty database what 0.1 with its month of data was. `url` is a superuser's."""
    bootstrap(url)
    with tempfile.TemporaryDirectory() as name, tarfile.open(ARCHIVE) as tar:
        tar.extractall(name, filter="data")
        folder = Path(name)
        with psycopg.connect(make_conninfo(url, options="-c role=postgres"), autocommit=True) as connection:
            create_history(connection)
            for migration in read_migrations(folder / "migrations"):
                connection.execute(migration.source.encode())
                record(connection, migration)
        with psycopg.connect(url) as connection:
            _fill(connection, folder)


def _fill(connection: psycopg.Connection, folder: Path) -> None:
    connection.execute("set local session_replication_role = replica")  # no trigger fires
    for path in sorted((folder / "rows").iterdir()):
        table = sql.Identifier(*path.name.removesuffix(".tsv").split(".")[1:])
        content = path.read_bytes()
        columns = map(sql.Identifier, content.partition(b"\n")[0].decode().split("\t"))
        connection.execute(sql.SQL("delete from {}").format(table))
        query = sql.SQL("copy {} ({}) from stdin (header)").format(table, sql.SQL(", ").join(columns))
        with connection.cursor().copy(query) as copy:
            copy.write(content)
    for line in (folder / "sequences.tsv").read_text().splitlines():
        name, last = line.split("\t")
        connection.execute(sql.SQL("create sequence if not exists {}").format(sql.Identifier("clinic", name)))
        connection.execute("select setval(format('clinic.%%I', %s::text)::regclass, %s)", (name, int(last)))
    # What fell into the default partition goes where it belongs.
    connection.execute(
        "select clinic.create_event_partitions(min(occurred_at)::date, max(occurred_at)::date)"
        " from clinic.realtime_events_default"
    )
