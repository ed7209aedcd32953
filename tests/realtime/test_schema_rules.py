"""What hosted Supabase refuses on the schema `realtime`: the lint refuses it, the database mostly."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from cli.migrations.files import Migration, read_migrations
from cli.migrations.rules import check
from tests.realtime.conftest import Platform
from tests.support.templates import SCHEMAS

RULE = "refused_by_supabase"

REFUSED = [
    "alter table realtime.messages enable row level security",
    "alter table realtime.messages disable row level security",
    "alter table only realtime.messages add column clinic_id uuid",
    "ALTER TABLE IF EXISTS realtime.messages OWNER TO postgres",
    'alter table "realtime"."messages" add column clinic_id uuid',
    "alter table realtime.messages attach partition clinic.mine default",
    "create index messages_topic_idx on realtime.messages (topic)",
    "create unique index concurrently on only realtime.messages (id)",
    "create table realtime.mine (id bigint)",
    "create table if not exists realtime.mine (id bigint)",
    "create table public.mine partition of realtime.messages default",
    "create view realtime.mine as select 1",
    "create or replace function realtime.topic() returns text language sql as $$ select '' $$",
    "alter function realtime.send(jsonb, text, text, boolean) owner to postgres",
    "drop function realtime.topic()",
    "drop table realtime.messages",
    "comment on table realtime.messages is 'ours'",
    "create schema realtime",
    "drop schema if exists realtime cascade",
    "do $$ begin alter table realtime.messages add column clinic_id uuid; end $$",
    "do $$ begin execute 'create index on realtime.messages (topic)'; end $$",
]

PERMITTED = [
    "create policy members_read on realtime.messages for select to authenticated using (true)",
    "alter policy members_read on realtime.messages to anon",
    "drop policy if exists members_read on realtime.messages",
    "create trigger watch after insert on realtime.messages for each row execute function clinic.watch()",
    "insert into realtime.messages (topic, extension) values ('a', 'broadcast')",
    "delete from realtime.messages",
    "select realtime.send('{}', 'e', 'topic')",
    "create function clinic.f() returns text language sql as $$ select realtime.topic() $$",
    "comment on policy members_read on realtime.messages is 'who may join'",
    "create table clinic.realtime_events (id bigint)",
    "create index realtime_events_idx on clinic.realtime_events (id)",
    "-- alter table realtime.messages add column clinic_id uuid\nselect 1",
]

# That `postgres` is a member of the role that owns realtime.messages.
LENT = """
    select from pg_auth_members
    where member = 'postgres'::regrole and roleid = 'supabase_realtime_admin'::regrole
"""


def broken(tmp_path: Path, statement: str) -> set[str]:
    """Return the rules that a migration of one statement breaks."""
    path = tmp_path / "20260101000000_try.sql"
    path.write_text(f"{statement};\n")
    migration = Migration("20260101000000", "try", path)
    return {found.rule for _, found in check(migration, [migration])}


@pytest.mark.parametrize("statement", REFUSED)
def test_lint_refuses_what_supabase_refuses(tmp_path: Path, statement: str):
    assert RULE in broken(tmp_path, statement)


@pytest.mark.parametrize("statement", PERMITTED)
def test_lint_lets_pass_what_supabase_permits(tmp_path: Path, statement: str):
    assert RULE not in broken(tmp_path, statement)


def test_our_schemas_stay_inside_what_supabase_permits():
    schemas = read_migrations(SCHEMAS)
    assert schemas
    found = [(one.name, line) for one in schemas for line, what in check(one, schemas) if what.rule == RULE]
    assert found == []


@pytest.mark.parametrize(
    "statement",
    [
        "create table realtime.mine (id bigint)",
        "create index on realtime.messages (topic)",
        "create function realtime.mine() returns int language sql as 'select 1'",
        "create view realtime.mine as select 1",
        "select _realtime.maintain_partitions()",
        "alter table realtime.messages enable row level security",
        "alter table realtime.messages add column clinic_id uuid",
        "alter table realtime.messages owner to postgres",
        "drop table realtime.messages",
        "drop function realtime.topic()",
        "alter function realtime.topic() owner to postgres",
        "set role supabase_realtime_admin",
        "set role supabase_auth_admin",
    ],
)
def test_the_embedded_database_refuses_what_supabase_refuses(platform: Platform, statement: str):
    with psycopg.connect(platform.url) as connection:
        connection.execute("set session authorization postgres")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)  # type: ignore[arg-type]


def test_the_embedded_database_lets_postgres_write_policies_and_triggers(platform: Platform):
    with psycopg.connect(platform.url) as connection:
        connection.execute("set session authorization postgres")
        connection.execute("create policy mine on realtime.messages for select to authenticated using (true)")
        connection.execute("alter policy mine on realtime.messages to anon")
        connection.execute("drop policy mine on realtime.messages")
        connection.execute(
            "create function public.watch() returns trigger language plpgsql as 'begin return null; end'"
        )
        connection.execute(
            "create trigger watch after insert on realtime.messages"
            " for each row execute function public.watch()"
        )
        connection.execute("drop trigger watch on realtime.messages")
        assert not connection.execute(LENT).fetchall()
        connection.rollback()


def test_a_policy_that_fails_leaves_postgres_no_rights(platform: Platform):
    with psycopg.connect(platform.url, autocommit=True) as connection:
        connection.execute("set session authorization postgres")
        with pytest.raises(psycopg.errors.UndefinedColumn):
            connection.execute("create policy mine on realtime.messages for select using (nonsense)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("alter table realtime.messages add column clinic_id uuid")
        assert not connection.execute(LENT).fetchall()


def test_realtimes_schema_is_as_realtime_makes_it(platform: Platform):
    with psycopg.connect(platform.url) as connection:
        connection.execute("set session authorization postgres")
        row = connection.execute(
            "select has_schema_privilege('realtime', 'usage with grant option'),"
            " has_schema_privilege('realtime', 'create'),"
            " has_schema_privilege('supabase_realtime_admin', 'realtime', 'create')"
        ).fetchone()
        assert row == (True, False, True)
        with pytest.raises(psycopg.errors.CheckViolation, match="messages_payload_exclusive"):
            connection.execute(
                "insert into realtime.messages (topic, extension, payload, binary_payload)"
                " values ('a', 'broadcast', '{}', 'x')"
            )


def test_a_broadcast_that_cannot_be_sent_is_a_warning_in_realtimes_words(platform: Platform):
    with psycopg.connect(platform.url) as connection:
        notices: list[str] = []
        connection.add_notice_handler(lambda notice: notices.append(notice.message_primary or ""))
        connection.execute("select realtime.send('[]', 'event', 'topic')")
    assert [notice.partition(":")[0] for notice in notices] == ["WarnSendingBroadcastMessage"]
