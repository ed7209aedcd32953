-- What tells the Data API that the schema has changed, as on Supabase: a notification after every DDL command.

create function extensions.pgrst_ddl_watch() returns event_trigger
language plpgsql
as $$
begin
  if exists (
    select from pg_event_trigger_ddl_commands() as c
    where c.schema_name is distinct from 'pg_temp'
  ) then
    notify pgrst, 'reload schema';
  end if;
end;
$$;

create function extensions.pgrst_drop_watch() returns event_trigger
language plpgsql
as $$
begin
  if exists (select from pg_event_trigger_dropped_objects() as d where not d.is_temporary) then
    notify pgrst, 'reload schema';
  end if;
end;
$$;

create event trigger pgrst_ddl_watch on ddl_command_end -- noqa: PRS
execute function extensions.pgrst_ddl_watch();
create event trigger pgrst_drop_watch on sql_drop -- noqa: PRS
execute function extensions.pgrst_drop_watch();
