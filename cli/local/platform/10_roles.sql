-- The roles, schemas and default privileges of a Supabase project, before anything is installed in it.
-- Run by a superuser. Roles belong to the whole server, so a second database finds them there.

do $$
declare
  v_role record;
begin
  for v_role in
    select *
    from (
      values
      -- Not a superuser, as on Supabase: what Supabase refuses is refused here, too.
      ('postgres', 'login createrole createdb replication bypassrls password ''postgres'''),
      ('anon', 'nologin noinherit'),
      ('authenticated', 'nologin noinherit'),
      ('service_role', 'nologin noinherit bypassrls'),
      ('authenticator', 'login noinherit password ''postgres'''),
      ('supabase_auth_admin', 'login noinherit createrole password ''postgres'''),
      ('supabase_realtime_admin', 'nologin noinherit')
    ) as roles (name, attributes)
  loop
    if not exists (select from pg_catalog.pg_roles where rolname = v_role.name) then
      execute format('create role %I %s', v_role.name, v_role.attributes);
    end if;
  end loop;
end
$$;

grant anon to authenticator;
grant authenticated to authenticator;
grant service_role to authenticator;
grant anon to postgres;
grant authenticated to postgres;
grant service_role to postgres;
grant pg_monitor to postgres;
grant pg_read_all_data to postgres;
grant pg_signal_backend to postgres;

alter role postgres set search_path = "$user", public, extensions; -- noqa: RF05
alter role supabase_auth_admin set search_path = auth;
alter role anon set statement_timeout = '3s';
alter role authenticated set statement_timeout = '8s';
alter role authenticator set statement_timeout = '8s';
alter role authenticator set lock_timeout = '8s';
-- Not on Supabase until somebody says so (`chairtime doctor` does): an open transaction holds back the event log.
alter role authenticator set idle_in_transaction_session_timeout = '30s';
-- The Data API's refusals are no errors of the server: a line each is enough.
alter role authenticator set log_error_verbosity = terse;
alter role authenticator set log_min_error_statement = fatal;

do $$
begin
  execute format('alter database %I owner to postgres', current_database());
  execute format('alter database %I set timezone = ''UTC''', current_database());
  execute format('alter database %I set search_path = "$user", public, extensions', current_database());
end
$$;

create schema extensions;
grant all on schema extensions to postgres;
grant usage on schema extensions to anon, authenticated, service_role;

alter schema public owner to postgres;
grant usage on schema public to anon, authenticated, service_role;
alter default privileges for role postgres in schema public
grant all on tables to anon, authenticated, service_role;
alter default privileges for role postgres in schema public
grant all on sequences to anon, authenticated, service_role;
alter default privileges for role postgres in schema public
grant all on functions to anon, authenticated, service_role;
