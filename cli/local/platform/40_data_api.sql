-- What tells the Data API that the schema has changed, as on Supabase: a notification after a command that changes
-- what it serves.

create function extensions.pgrst_ddl_watch() returns event_trigger
language plpgsql
as $$
begin
  if exists (
    select from pg_event_trigger_ddl_commands() as c
    where
      (
        c.command_tag ~ '^(CREATE|ALTER) (SCHEMA|(FOREIGN |MATERIALIZED )?(TABLE|VIEW)|FUNCTION|TYPE)$'
        or c.command_tag = any ('{CREATE TABLE AS,SELECT INTO,CREATE RULE,COMMENT}')
      )
      and coalesce(c.schema_name, '') <> all ('{pg_temp,auth,realtime,_realtime,storage}')
      or c.command_tag = 'CREATE TRIGGER' and c.object_identity not like '% pg\_temp.%'
  ) then
    notify pgrst, 'reload schema';
  end if;
end;
$$;

create function extensions.pgrst_drop_watch() returns event_trigger
language plpgsql
as $$
begin
  if exists (
    select from pg_event_trigger_dropped_objects() as d
    where
      d.object_type ~ '^(schema|(foreign )?table|(materialized )?view|function|type|rule)$'
      and not d.is_temporary
      and coalesce(d.schema_name, '') <> all ('{auth,realtime,_realtime,storage}')
      or d.object_type = 'trigger' and d.object_identity not like '% pg\_temp.%'
  ) then
    notify pgrst, 'reload schema';
  end if;
end;
$$;

create event trigger pgrst_ddl_watch on ddl_command_end -- noqa: PRS
execute function extensions.pgrst_ddl_watch();
create event trigger pgrst_drop_watch on sql_drop -- noqa: PRS
execute function extensions.pgrst_drop_watch();
