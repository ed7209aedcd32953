-- Back to 0.1, until `chairtime migrate finish`: whatever was done since the upgrade is lost. Run it by psql, while nobody
-- uses the database: psql "$DB_URL" --single-transaction --set ON_ERROR_STOP=1 --file supabase/upgrades/0.1.back.sql

drop schema api cascade;
drop schema clinic cascade;
alter schema clinic_0_1 rename to clinic;
alter schema api_0_1 rename to api;
grant usage on schema clinic to anon, authenticated, service_role, chairtime_worker;
grant usage on schema api to anon, authenticated, service_role;

do $$
declare
  v_table text;
begin
  for v_table in
    select distinct t.tgrelid::regclass::text
    from pg_catalog.pg_trigger as t
    inner join pg_catalog.pg_class as c on t.tgrelid = c.oid
    where c.relnamespace = 'clinic'::regnamespace and not t.tgisinternal and t.tgparentid = 0
  loop
    execute format('alter table %s enable trigger user', v_table);
  end loop;
end
$$;

create trigger create_profile after insert on auth.users
for each row execute function clinic.create_profile();
create policy chairtime_topics_for_those_who_may_watch on realtime.messages
  for select to anon, authenticated
  using (extension = 'broadcast' and (select clinic.may_watch((select realtime.topic()))));

-- Who signed up in the meantime.
insert into clinic.profiles (user_id)
select u.id from auth.users as u
on conflict do nothing;

delete from supabase_migrations.schema_migrations;
insert into supabase_migrations.schema_migrations (version, name, statements)
select
  m.version,
  m.name,
  m.statements
from clinic.schema_migrations as m;
drop table clinic.schema_migrations, clinic.silenced, clinic.unread;
drop function clinic.copy_events, clinic.as_name, clinic.as_line;
notify pgrst, 'reload schema';
