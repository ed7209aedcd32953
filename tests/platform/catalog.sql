-- What a database is, of what Supabase's platform provides: one line an object.
-- "all" is every privilege there is on that kind of object, so that versions with more of them compare.

create function pg_temp.privileges(acl aclitem [], kind "char", owner oid) returns text
language sql
as $$
  with
  granted as (
    select
      case when a.grantee = 0 then 'public' else a.grantee::regrole::text end as who,
      array_agg(a.privilege_type order by a.privilege_type) as what,
      coalesce(array_agg(a.privilege_type order by a.privilege_type) filter (where a.is_grantable), '{}') as passes_on
    from aclexplode(coalesce(acl, acldefault(kind, owner))) as a
    where a.grantee <> owner
    group by a.grantee
  ),
  everything as (
    select array_agg(a.privilege_type order by a.privilege_type) as what
    from aclexplode(acldefault(kind, owner)) as a
    where a.grantee = owner
  ),
  said as (
    select
      g.who,
      case when g.what = e.what then 'all' else array_to_string(g.what, ' ') end as what,
      case
        when g.passes_on = g.what then ' with grant option'
        when g.passes_on <> '{}' then ', with grant option ' || array_to_string(g.passes_on, ' ')
        else ''
      end as passes_on
    from granted as g
    cross join everything as e
  )
  select coalesce(string_agg(who || ': ' || what || passes_on, '; ' order by who collate "C"), 'nobody else')
  from said;
$$;

with
roles as (
  select * from pg_roles where rolname = any (%s::text [])
),
schemas as (
  select * from pg_namespace where nspname = any ('{auth,extensions,public,realtime}')
),
-- What belongs to an extension is the extension's.
members as (
  select classid, objid from pg_depend where deptype = 'e'
),
relations as (
  select c.*, s.nspname
  from pg_class as c
  inner join schemas as s on c.relnamespace = s.oid
  where
    not c.relispartition
    and not exists (select from members as m where m.classid = 'pg_class'::regclass and m.objid = c.oid)
)

select 'role ' || rolname, concat_ws(
  ' ', case when rolsuper then 'superuser' end, case when rolcanlogin then 'login' end,
  case when rolinherit then 'inherit' else 'noinherit' end, case when rolcreaterole then 'createrole' end,
  case when rolcreatedb then 'createdb' end, case when rolreplication then 'replication' end,
  case when rolbypassrls then 'bypassrls' end
)
from roles
union all
select 'setting ' || rolname || ' ' || split_part(setting, '=', 1), substr(setting, strpos(setting, '=') + 1)
from roles
cross join unnest(rolconfig) as s (setting)
union all
select 'member ' || r.rolname || ' of ' || m.roleid::regrole, concat_ws(
  ' ',
  case when coalesce((to_jsonb(m) ->> 'inherit_option')::boolean, r.rolinherit) then 'inherits' else 'may become it' end,
  case when m.admin_option then 'and has it to give' end
)
from pg_auth_members as m
inner join roles as r on m.member = r.oid
union all
select 'database', 'of ' || datdba::regrole || '; ' || pg_temp.privileges(datacl, 'd', datdba)
from pg_database
where datname = current_database()
union all
select 'database setting ' || split_part(setting, '=', 1), substr(setting, strpos(setting, '=') + 1)
from pg_db_role_setting
cross join unnest(setconfig) as s (setting)
where setdatabase = (select oid from pg_database where datname = current_database()) and setrole = 0
union all
select 'schema ' || nspname, 'of ' || nspowner::regrole || '; ' || pg_temp.privileges(nspacl, 'n', nspowner)
from schemas
union all
select
  'default privileges of ' || d.defaclrole::regrole || ' in ' || coalesce(s.nspname, 'any schema') || ' on '
  || case d.defaclobjtype
    when 'r' then 'tables' when 'S' then 'sequences' when 'f' then 'functions' else d.defaclobjtype::text
  end,
  pg_temp.privileges(d.defaclacl, case d.defaclobjtype when 'S' then 's' else d.defaclobjtype end, d.defaclrole)
from pg_default_acl as d
left join schemas as s on d.defaclnamespace = s.oid
where d.defaclnamespace = 0 or s.oid is not null
union all
select
  case relkind when 'r' then 'table' when 'p' then 'partitioned table' when 'v' then 'view' when 'S' then 'sequence' end
  || ' ' || nspname || '.' || relname,
  'of ' || relowner::regrole || '; ' || case when relrowsecurity then 'row security; ' else '' end
  || pg_temp.privileges(relacl, case relkind when 'S' then 's' else 'r' end::"char", relowner)
from relations
where relkind in ('r', 'p', 'v', 'S')
union all
select
  'column ' || r.nspname || '.' || r.relname || '.' || a.attname,
  concat_ws(
    ' ', format_type(a.atttypid, a.atttypmod), case when a.attnotnull then 'not null' end,
    case when a.attgenerated = 's' then 'generated' when d.oid is not null then 'default' end,
    pg_get_expr(d.adbin, d.adrelid)
  )
from relations as r
inner join pg_attribute as a on r.oid = a.attrelid
left join pg_attrdef as d on a.attrelid = d.adrelid and a.attnum = d.adnum
where r.relkind in ('r', 'p') and a.attnum > 0 and not a.attisdropped
union all
select 'constraint ' || r.nspname || '.' || r.relname || '.' || c.conname, pg_get_constraintdef(c.oid)
from relations as r
inner join pg_constraint as c on r.oid = c.conrelid
where c.contype <> 'n'
union all
select
  'index ' || r.nspname || '.' || r.relname,
  regexp_replace(pg_get_indexdef(r.oid), '^CREATE (UNIQUE )?INDEX \S+ ', '\1')
from relations as r
where r.relkind in ('i', 'I') and not exists (select from pg_constraint as c where c.conindid = r.oid)
union all
select
  'trigger ' || r.nspname || '.' || r.relname || '.' || t.tgname,
  regexp_replace(pg_get_triggerdef(t.oid), '^CREATE TRIGGER \S+ ', '')
from relations as r
inner join pg_trigger as t on r.oid = t.tgrelid
where not t.tgisinternal
union all
select 'policy ' || schemaname || '.' || tablename || '.' || policyname, cmd || ' to ' || roles::text
from pg_policies
where schemaname in (select nspname from schemas)
union all
select
  'function ' || s.nspname || '.' || p.proname || '(' || pg_get_function_arguments(p.oid) || ')',
  concat_ws(
    '; ', 'returns ' || pg_get_function_result(p.oid), l.lanname,
    case p.provolatile when 'i' then 'immutable' when 's' then 'stable' else 'volatile' end,
    case when p.prosecdef then 'security definer' end, case when p.proisstrict then 'strict' end, p.proconfig::text,
    'of ' || p.proowner::regrole, pg_temp.privileges(p.proacl, 'f', p.proowner)
  )
from pg_proc as p
inner join schemas as s on p.pronamespace = s.oid
inner join pg_language as l on p.prolang = l.oid
where not exists (select from members as m where m.classid = 'pg_proc'::regclass and m.objid = p.oid)
union all
select
  'type ' || s.nspname || '.' || t.typname,
  coalesce(
    (
      select 'enum ' || string_agg(e.enumlabel, ' ' order by e.enumsortorder) from pg_enum as e
      where e.enumtypid = t.oid
    ),
    'composite'
  )
  || '; of ' || t.typowner::regrole
from pg_type as t
inner join schemas as s on t.typnamespace = s.oid
left join pg_class as c on t.typrelid = c.oid
where t.typtype = 'e' or c.relkind = 'c'
union all
select 'extension ' || e.extname, 'in ' || e.extnamespace::regnamespace
from pg_extension as e
union all
select 'event trigger ' || evtname, concat_ws(
  '; ', 'at ' || evtevent, array_to_string(evttags, ' '), evtfoid::regprocedure::text, 'of ' || evtowner::regrole
)
from pg_event_trigger
union all
select 'publication ' || pubname, 'of ' || pubowner::regrole || case when puballtables then '; all tables' else '' end
from pg_publication
