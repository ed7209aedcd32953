-- What Supabase Realtime provides: the schema `realtime` as its server makes it, with the same owners and grants,
-- plus `_realtime`, where the embedded stand-in (cli/local/realtime) keeps the two functions of its own.
-- Run as supabase_admin, after 10_roles.sql.

create schema realtime;
grant usage on schema realtime to anon, authenticated, service_role;
grant usage on schema realtime to postgres with grant option;
grant all on schema realtime to supabase_realtime_admin with grant option;
alter default privileges in schema realtime grant all on tables to postgres, dashboard_user;
alter default privileges in schema realtime grant all on sequences to postgres, dashboard_user;
alter default privileges in schema realtime grant all on functions to postgres, dashboard_user;

create publication supabase_realtime;
alter publication supabase_realtime owner to postgres;

create table realtime.messages (
  topic text not null,
  extension text not null,
  payload jsonb,
  event text,
  private boolean default false,
  updated_at timestamp without time zone not null default now(),
  inserted_at timestamp without time zone not null default now(),
  id uuid not null default gen_random_uuid(),
  binary_payload bytea,
  constraint messages_pkey primary key (id, inserted_at)
) partition by range (inserted_at);

alter table realtime.messages add constraint messages_payload_exclusive
check (payload is null or binary_payload is null) not valid;
create index messages_inserted_at_topic_index on realtime.messages (inserted_at desc, topic)
  where extension = 'broadcast' and private is true;

alter table realtime.messages enable row level security;
alter table realtime.messages owner to supabase_realtime_admin;
grant select, insert, update on realtime.messages to anon, authenticated, service_role;

create function realtime.topic() returns text
language sql stable
as $$
  select nullif(current_setting('realtime.topic', true), '')::text;
$$;

-- Like the original, it turns every failure into a warning: the message is lost, the caller's transaction lives.
create function realtime.send(payload jsonb, event text, topic text, private boolean default true) returns void
language plpgsql
as $$
declare
  v_id uuid := gen_random_uuid();
  v_payload jsonb;
begin
  begin
    if payload ? 'id' then
      v_payload := payload;
    else
      v_payload := jsonb_set(payload, '{id}', to_jsonb(v_id));
    end if;

    execute format('set local realtime.topic to %L', topic);

    insert into realtime.messages (id, payload, event, topic, private, extension)
    values (v_id, v_payload, event, topic, private, 'broadcast');
  exception
    when others then
      raise warning 'WarnSendingBroadcastMessage: %', sqlerrm;
  end;
end;
$$;

create function realtime.send_binary(payload bytea, event text, topic text, private boolean default true) returns void
language plpgsql
as $$
begin
  begin
    execute format('set local realtime.topic to %L', topic);

    insert into realtime.messages (id, binary_payload, event, topic, private, extension)
    values (gen_random_uuid(), payload, event, topic, private, 'broadcast');
  exception
    when others then
      raise warning 'WarnSendingBroadcastMessage: %', sqlerrm;
  end;
end;
$$;

create function realtime.broadcast_changes(
  topic_name text,
  event_name text,
  operation text,
  table_name text,
  table_schema text,
  new record,
  old record,
  level text default 'ROW'
) returns void
language plpgsql
as $$
begin
  if level = 'STATEMENT' then
    raise exception 'function can only be triggered for each row, not for each statement';
  end if;
  if operation not in ('INSERT', 'UPDATE', 'DELETE') then
    raise exception 'Unexpected operation type: %', operation;
  end if;

  perform realtime.send(
    jsonb_build_object(
      'old_record', old, 'record', new, 'operation', operation, 'table', table_name, 'schema', table_schema
    ),
    event_name,
    topic_name
  );
exception
  when others then
    raise exception 'Failed to process the row: %', sqlerrm;
end;
$$;

alter function realtime.topic() owner to supabase_realtime_admin;
alter function realtime.send(jsonb, text, text, boolean) owner to supabase_realtime_admin;
alter function realtime.send_binary(bytea, text, text, boolean) owner to supabase_realtime_admin;
alter function realtime.broadcast_changes(text, text, text, text, text, record, record, text)
  owner to supabase_realtime_admin;

-- The stand-in's own part. Supabase's server keeps its private state in a schema of this name, too.
create schema _realtime;

-- Days are UTC days: yesterday to today + 3 exist, what is older than 72 hours goes.
create function _realtime.maintain_partitions() returns void
language plpgsql
set search_path = ''
as $$
declare
  v_today date := (now() at time zone 'utc')::date;
  v_partition text;
  v_day date;
begin
  for v_day in select (v_today + n)::date from generate_series(-1, 3) n loop
    v_partition := to_char(v_day, '"messages_"YYYY_MM_DD');
    continue when to_regclass('realtime.' || v_partition) is not null;
    execute format(
      'create table realtime.%I partition of realtime.messages for values from (%L) to (%L)',
      v_partition, v_day, v_day + 1
    );
    execute format('alter table realtime.%I owner to supabase_realtime_admin', v_partition);
  end loop;

  for v_partition in
    select relname
    from pg_catalog.pg_class
    where relnamespace = 'realtime'::regnamespace
      and relispartition
      and relkind = 'r'
      and relname < to_char(v_today - 3, '"messages_"YYYY_MM_DD')
  loop
    execute format('drop table realtime.%I', v_partition);
  end loop;
end;
$$;

-- Supabase's server reads committed messages from a replication slot; the stand-in is told their keys instead, and
-- reads them. Rolled-back rows (authorisation probes) notify nobody.
create function _realtime.announce_message() returns trigger
language plpgsql
set search_path = ''
set datestyle = 'ISO'
as $$
begin
  perform pg_catalog.pg_notify('_realtime_messages', new.id || ' ' || new.inserted_at);
  return null;
end;
$$;

-- NOTIFY serialises commits, so only a database that a stand-in serves pays for it: the stand-in calls this.
create function _realtime.announce_messages() returns void
language plpgsql
set search_path = ''
as $$
begin
  if not exists (
    select from pg_catalog.pg_trigger
    where tgrelid = 'realtime.messages'::regclass and tgname = 'announce_message'
  ) then
    create trigger announce_message
      after insert on realtime.messages
      for each row execute function _realtime.announce_message();
  end if;
end;
$$;

-- On Supabase an extension (supautils) lets `postgres`, who is no member of the owner, write the policies of
-- realtime.messages, and drop its triggers, and nothing else. Here it becomes a member for as long as such a command
-- takes: a command that fails undoes that, too, and nobody else ever sees it.
create function _realtime.lend_policies() returns event_trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  -- Roles are the whole server's: commands that cannot mean this schema must not wait for each other.
  if 'postgres' in (current_setting('role'), session_user) and current_query() ~* 'realtime' then
    grant supabase_realtime_admin to postgres;
  end if;
end;
$$;

create function _realtime.take_policies_back() returns event_trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  if pg_has_role('postgres', 'supabase_realtime_admin', 'member') then
    revoke supabase_realtime_admin from postgres;
  end if;
end;
$$;

create event trigger lend_policies on ddl_command_start -- noqa: PRS
when tag in ('CREATE POLICY', 'ALTER POLICY', 'DROP POLICY', 'DROP TRIGGER')
execute function _realtime.lend_policies();
create event trigger take_policies_back on ddl_command_end -- noqa: PRS
when tag in ('CREATE POLICY', 'ALTER POLICY', 'DROP POLICY', 'DROP TRIGGER')
execute function _realtime.take_policies_back();

revoke execute on all functions in schema _realtime from public;

select _realtime.maintain_partitions();
