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
      ('anon', 'nologin'),
      ('authenticated', 'nologin'),
      ('service_role', 'nologin bypassrls'),
      ('authenticator', 'login noinherit password ''postgres'''),
      ('dashboard_user', 'nologin createrole createdb replication'),
      ('supabase_auth_admin', 'login noinherit password ''postgres'''),
      ('supabase_realtime_admin', 'login noinherit createrole replication') -- without a password: nobody can
    ) as roles (name, attributes)
  loop
    if not exists (select from pg_catalog.pg_roles where rolname = v_role.name) then
      execute format('create role %I %s', v_role.name, v_role.attributes);
    end if;
  end loop;
end
$$;

do $$
begin
  grant anon, authenticated, service_role to authenticator, supabase_realtime_admin;
  if current_setting('server_version_num')::int < 160000 then
    grant anon, authenticated, service_role to postgres;
    grant pg_monitor, pg_read_all_data, pg_signal_backend to postgres;
  else -- where who may create roles may not give those of others
    grant anon, authenticated, service_role, authenticator to postgres with admin option;
    grant pg_monitor, pg_read_all_data, pg_signal_backend to postgres with admin option;
    grant pg_create_subscription to postgres;
  end if;
end
$$;

alter role postgres set search_path = "\$user", public, extensions; -- noqa: RF05
alter role supabase_auth_admin set search_path = auth;
alter role supabase_auth_admin set idle_in_transaction_session_timeout = 60000;
alter role supabase_auth_admin set log_statement = none;
alter role supabase_realtime_admin set search_path = public, extensions, realtime;
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
  execute format('grant all on database %I to dashboard_user', current_database());
  execute format(
    'grant create on database %I to supabase_auth_admin, supabase_realtime_admin', current_database()
  );
end
$$;

create schema extensions authorization postgres;
grant usage on schema extensions to anon, authenticated, service_role, supabase_realtime_admin;
grant all on schema extensions to dashboard_user;
alter default privileges in schema extensions grant all on tables to postgres with grant option;
alter default privileges in schema extensions grant all on sequences to postgres with grant option;
alter default privileges in schema extensions grant all on functions to postgres with grant option;

-- What `postgres` or the superuser creates in `public` is everybody's, but for row level security.
grant usage on schema public to postgres, anon, authenticated, service_role;
grant all on schema public to supabase_realtime_admin;
alter default privileges in schema public grant all on tables to postgres, anon, authenticated, service_role;
alter default privileges in schema public grant all on sequences to postgres, anon, authenticated, service_role;
alter default privileges in schema public grant all on functions to postgres, anon, authenticated, service_role;
alter default privileges for role postgres in schema public
grant all on tables to anon, authenticated, service_role;
alter default privileges for role postgres in schema public
grant all on sequences to anon, authenticated, service_role;
alter default privileges for role postgres in schema public
grant all on functions to anon, authenticated, service_role;
