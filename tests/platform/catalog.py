"""What a database is and does of what Supabase's platform provides, one line an object.

`python -m tests.platform.catalog URL` prints it, of a superuser's URL. `supabase.txt` was recorded with it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

ROLES = [
    "anon", "authenticated", "authenticator", "dashboard_user", "postgres", "service_role", "supabase_admin",
    "supabase_auth_admin", "supabase_realtime_admin",
]  # fmt: skip

SUB = "00000000-0000-4000-8000-000000000001"
CLAIMS = json.dumps({"sub": SUB, "role": "authenticated", "email": "ana@patients.test"})

# What tells a query who is asking: settings of the request, by name.
REQUESTS: dict[str, dict[str, str]] = {
    "nothing": {},
    "claims": {"claims": CLAIMS},
    "empty claims": {"claims": ""},
    "claims of nobody": {"claims": "{}"},
    "claims that are no JSON": {"claims": "ana"},
    "a sub that is no uuid": {"claims": '{"sub": "ana"}'},
    "old settings": {"claim.sub": SUB, "claim.role": "anon", "claim.email": "old@patients.test"},
    "old settings beside claims": {"claims": CLAIMS, "claim.sub": SUB[:-1] + "2", "claim.role": "anon"},
    "empty old settings beside claims": {"claims": CLAIMS, "claim.sub": "", "claim.role": ""},
}

SENDS = {
    "an object": """realtime.send('{"a": 1}', 'told', 'room')""",
    "an object with an id": """realtime.send('{"id": 7}', 'told', 'room')""",
    "to everybody": """realtime.send('{"a": 1}', 'told', 'room', false)""",
    "an array": """realtime.send('[1]', 'told', 'room')""",
    "nothing": "realtime.send(null, 'told', 'room')",
    "to nowhere": """realtime.send('{"a": 1}', 'told', null)""",
    "to somewhere odd": """realtime.send('{"a": 1}', 'told', $$o'd: "d"; \\$$)""",
    "bytes": "realtime.send_binary('\\x00ff', 'told', 'room')",
    "a change": "realtime.broadcast_changes('room', 'told', 'UPDATE', 't', 's', row(1), row(2))",
    "a change of another kind": "realtime.broadcast_changes('room', 'told', 'OTHER', 't', 's', null, null)",
    "all changes": "realtime.broadcast_changes('r', 'e', 'UPDATE', 't', 's', null, null, 'STATEMENT')",
}
SENT = """
    select jsonb_build_object(
        'payload', payload - 'id', 'id', coalesce(nullif(payload ->> 'id', id::text), 'its own'),
        'event', event, 'topic', topic, 'private', private, 'extension', extension, 'bytes', binary_payload,
        'realtime.topic()', realtime.topic(), 'times', updated_at = inserted_at
    )
    from realtime.messages
"""

EACH_ROW = "for each row execute function suppress_redundant_updates_trigger()"

# What a migration may want to do as `postgres`, and whether it may.
DEEDS = [
    "select from auth.users",
    "insert into auth.users (id) values (gen_random_uuid())",
    "update auth.users set email = null",
    "delete from auth.users",
    "alter table auth.users add x int",
    "create index on auth.users (aud)",
    "create table auth.made ()",
    "create function auth.made() returns int language sql return 1",
    f"create trigger made after insert on auth.users {EACH_ROW}",
    "create table public.made (id uuid references auth.users)",
    "select from realtime.messages",
    "insert into realtime.messages (topic, extension) values ('room', 'broadcast')",
    "alter table realtime.messages add x int",
    "create table realtime.made ()",
    f"create trigger made after insert on realtime.messages {EACH_ROW}",
    "create table extensions.made ()",
    "create extension btree_gist with schema extensions",
    "create schema made",
    "create table public.made ()",
    "create publication made",
    "create publication made for all tables",
    "create event trigger made on sql_drop execute function extensions.pgrst_drop_watch()",
    "create role made; grant usage on schema public, auth, realtime to made",
    "create role made; grant select on auth.users to made",
    "create role made; grant insert on auth.users to made",
    "create role made login; grant anon to made",
    "create role made; grant made to authenticator",
    "create role made superuser",
    "create role made bypassrls",
    "create role made replication",
    "create role made; set role made",
    "set role anon",
    "set role service_role",
    "set role authenticator",
    "set role supabase_auth_admin",
    "set role supabase_realtime_admin",
    "set role supabase_admin",
    "grant supabase_auth_admin to postgres",
    "alter role anon set statement_timeout = '4s'",
    "alter role authenticator set pgrst.db_schemas = 'api'",
    "alter role postgres set statement_timeout = 0",
    "alter database {database} set timezone = 'UTC'",
    "alter default privileges in schema public revoke all on tables from anon",
    "alter default privileges for role supabase_admin in schema public revoke all on tables from anon",
    "set session_replication_role = replica",
    "select pg_read_file('PG_VERSION')",
    "select from pg_authid",
    "select from pg_stat_activity",
    "copy (select 1) to program 'true'",
]

# What the Data API is told of: whether a command ends in a notification.
COMMANDS = [
    "create table public.told (a int)",
    "comment on table public.told is 'told'",
    "create index on public.told (a)",
    "grant select on public.told to anon",
    "alter table public.told enable row level security",
    "create policy told on public.told for select to anon using (true)",
    "create view public.seen as select 1 as one",
    "drop view public.seen",
    "create function public.said() returns int language sql return 1",
    "drop function public.said()",
    "create type public.kind as enum ('a')",
    "drop type public.kind",
    f"create trigger told before update on public.told {EACH_ROW}",
    "drop trigger told on public.told",
    "drop table public.told",
    "create temp table passing (a int)",
    "drop table passing",
    "create table auth.told (a int)",
    "drop table auth.told",
    "create table realtime.told (a int)",
    "drop table realtime.told",
    "create schema told",
    "drop schema told",
]

Facts = dict[str, str]


def describe(url: str) -> Facts:
    """Return what a database is and does, by what it is about. Leaves nothing in it."""
    with psycopg.connect(url, autocommit=True) as connection:
        return {
            **dict(_objects(connection)),
            **dict(_askers(connection)),
            **dict(_messages(connection)),
            **dict(_deeds(connection)),
            **dict(_news(connection)),
        }


def _objects(connection: psycopg.Connection[Any]) -> Iterator[tuple[str, str]]:
    functions, query = Path(__file__).with_name("catalog.sql").read_text().split("\nwith\nroles", 1)
    with _undone(connection):
        connection.execute("set local search_path = ''")
        connection.execute(functions)  # type: ignore[arg-type]
        yield from connection.execute("with\nroles" + query, [ROLES])  # type: ignore[arg-type]


def _askers(connection: psycopg.Connection[Any]) -> Iterator[tuple[str, str]]:
    for name, settings in REQUESTS.items():
        for function in ("uid", "role", "email", "jwt"):
            with _undone(connection):
                for setting, value in settings.items():
                    connection.execute("select set_config(%s, %s, true)", [f"request.jwt.{setting}", value])
                yield f"auth.{function}() of {name}", _outcome(connection, f"select auth.{function}()::text")


def _messages(connection: psycopg.Connection[Any]) -> Iterator[tuple[str, str]]:
    warnings: list[str | None] = []
    connection.add_notice_handler(lambda notice: warnings.append(notice.message_primary))
    for role in ("postgres", "service_role", "authenticated"):
        for name, call in SENDS.items():
            warnings.clear()
            with _undone(connection):
                connection.execute("delete from realtime.messages")
                connection.execute(f"set local role {role}")  # type: ignore[arg-type]
                outcome = _outcome(connection, f"select {call}::text")
                connection.execute("reset role")
                rows = [json.dumps(row[0], sort_keys=True) for row in connection.execute(SENT)]
            yield f"{role} sends {name}", "; ".join([outcome, *map(str, warnings), *rows])


def _deeds(connection: psycopg.Connection[Any]) -> Iterator[tuple[str, str]]:
    for deed in DEEDS:
        with _undone(connection):
            connection.execute("set local session authorization postgres")
            yield f"postgres may {deed}", _outcome(connection, deed.format(database=connection.info.dbname))


def _news(connection: psycopg.Connection[Any]) -> Iterator[tuple[str, str]]:
    connection.execute("listen pgrst")
    for command in COMMANDS:
        connection.execute(command)  # type: ignore[arg-type]
        told = [notice.payload for notice in connection.notifies(timeout=0)]
        yield f"Data API hears of {command}", " ".join(told) or "nothing"
    connection.execute("unlisten pgrst")


@contextmanager
def _undone(connection: psycopg.Connection[Any]) -> Iterator[None]:
    with connection.transaction(force_rollback=True):
        yield


def _outcome(connection: psycopg.Connection[Any], statement: str) -> str:
    """Return what a statement says: its value, `yes` where it has none, or why it fails."""
    try:
        with connection.transaction():
            cursor = connection.execute(statement)  # type: ignore[arg-type]
            row = cursor.fetchone() if cursor.description else None
            return "null" if row and row[0] is None else str(row[0]) if row else "yes"
    except psycopg.Error as error:
        return f"refused: {error.sqlstate}"


if __name__ == "__main__":
    for about, fact in sorted(describe(sys.argv[1]).items()):
        print(f"{about} -> {fact}")
