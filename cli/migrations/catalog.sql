-- Everything migrations make, one row each: kind, name, definition. Read from two databases, the rows are compared.
--
-- Ours are the schemas that are neither Postgres' nor the platform's, nor kept from before an upgrade. What data makes is left out: partitions, which
-- a job makes and drops daily, and sequences that are named after a row's id. Of the platform's schemas only the
-- policies and triggers that migrations add are read.

with
platform as (
  select array[
    'auth', 'extensions', 'realtime', 'storage', 'vault', 'graphql', 'graphql_public', 'pgbouncer', 'pgsodium',
    'pgmq', 'cron', 'net', 'supabase_functions', 'supabase_migrations', '_realtime', '_analytics'
  ] as schemas
),

our_schemas as (
  select n.oid, n.nspname, n.nspowner, n.nspacl
  from pg_namespace as n, platform as p
  where n.nspname !~ '^pg_|^(clinic|api)_[0-9]+_[0-9]+$' and n.nspname <> 'information_schema' and n.nspname <> all(p.schemas)
),

-- Beside those that are a table's row.
types as (
  select t.*
  from pg_type as t
  inner join our_schemas as s on t.typnamespace = s.oid
  left join pg_class as c on t.typrelid = c.oid
  where (t.typtype in ('e', 'd', 'r') or c.relkind = 'c')
    and not exists (select from pg_depend as d where d.classid = 'pg_type'::regclass and d.objid = t.oid and d.deptype = 'e')
),

relations as (
  select c.*, s.nspname, quote_ident(s.nspname) || '.' || quote_ident(c.relname) as name
  from pg_class as c
  inner join our_schemas as s on c.relnamespace = s.oid
  where not c.relispartition
    and c.relname !~ '[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$'
    and not exists (
      select from pg_depend as d
      where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'
    )
),

grants as (
  select kind, name, string_agg(line, E'\n' order by line) as definition
  from (
    select
      'grants' as kind,
      o.name,
      case when a.grantee = 0 then 'public' else a.grantee::regrole::text end
      || ': ' || lower(a.privilege_type)
      || case when a.is_grantable then ' with grant option' else '' end as line
    from (
      select 'schema ' || quote_ident(nspname) as name, nspacl as acl, 'n' as class, nspowner as owner
      from our_schemas where nspname <> 'public'
      union all
      select r.name, r.relacl, case r.relkind when 'S' then 's' else 'r' end, r.relowner
      from relations as r where r.relkind in ('r', 'p', 'v', 'm', 'S')
      union all
      select r.name || '.' || quote_ident(t.attname), t.attacl, 'c', r.relowner
      from relations as r inner join pg_attribute as t on t.attrelid = r.oid
      where t.attacl is not null and not t.attisdropped
      union all
      select 'function ' || f.oid::regprocedure, f.proacl, 'f', f.proowner
      from pg_proc as f inner join our_schemas as s on f.pronamespace = s.oid
      where not exists (
        select from pg_depend as d where d.classid = 'pg_proc'::regclass and d.objid = f.oid and d.deptype = 'e'
      )
      union all
      select 'type ' || t.oid::regtype, t.typacl, 'T', t.typowner
      from types as t where t.typacl is not null
    ) as o
    cross join lateral aclexplode(coalesce(o.acl, acldefault(o.class::"char", o.owner))) as a
    where o.acl is not null or o.class in ('f', 'r', 's', 'n')
  ) as line
  -- Postgres 17 added this privilege; it says nothing about the schema.
  where line not like '%: maintain%'
  group by kind, name
)

select 'schema' as kind, quote_ident(nspname) as name, 'owner ' || nspowner::regrole as definition
from our_schemas
where nspname <> 'public'

union all
select 'extension', quote_ident(e.extname), 'in schema ' || e.extnamespace::regnamespace
from pg_extension as e
where e.extname <> 'plpgsql'

union all
select
  case r.relkind when 'v' then 'view' when 'm' then 'materialized view' when 'S' then 'sequence' else 'table' end,
  r.name,
  concat_ws(
    E'\n',
    'owner ' || r.relowner::regrole,
    case when r.relkind = 'p' then 'partition by ' || pg_get_partkeydef(r.oid) end,
    case when r.relrowsecurity then 'row level security on' when r.relkind in ('r', 'p') then 'row level security OFF' end,
    case when r.relforcerowsecurity then 'row level security forced' end,
    case r.relpersistence when 'u' then 'unlogged' end,
    case when r.relkind in ('r', 'p') and r.relreplident <> 'd' then 'replica identity ' || r.relreplident::text end,
    'with ' || array_to_string(r.reloptions, ', '),
    case when r.relkind in ('v', 'm') then pg_get_viewdef(r.oid) end,
    (
      select 'as ' || format_type(q.seqtypid, null) || ' start ' || q.seqstart || ' increment ' || q.seqincrement
      from pg_sequence as q where q.seqrelid = r.oid
    )
  )
from relations as r
where r.relkind in ('r', 'p', 'v', 'm', 'S')

union all
select
  'column',
  r.name || '.' || quote_ident(a.attname),
  case r.relkind when 'c' then a.attnum || ' ' else '' end
  || format_type(a.atttypid, a.atttypmod)
  || case when a.attcollation <> t.typcollation then ' collate ' || a.attcollation::regcollation else '' end
  || case when a.attnotnull then ' not null' else '' end
  || case a.attidentity when 'a' then ' generated always as identity' when 'd' then ' generated by default as identity' else '' end
  || case a.attgenerated when '' then coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '')
       else ' generated always as (' || pg_get_expr(d.adbin, d.adrelid) || ')' end
from relations as r
inner join pg_attribute as a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
inner join pg_type as t on a.atttypid = t.oid
left join pg_attrdef as d on d.adrelid = a.attrelid and d.adnum = a.attnum
where r.relkind in ('r', 'p', 'c', 'f')

union all
select 'constraint', r.name || ' ' || quote_ident(k.conname), pg_get_constraintdef(k.oid)
from pg_constraint as k
inner join relations as r on k.conrelid = r.oid
where k.contype <> 'n'

union all
select 'index', quote_ident(r.nspname) || '.' || i.indexrelid::regclass::text,
  pg_get_indexdef(i.indexrelid) || case when i.indisvalid then '' else ' INVALID' end
from pg_index as i
inner join relations as r on i.indrelid = r.oid

union all
select 'type', t.oid::regtype::text, concat_ws(
    ' ', t.typtype::text, 'default ' || t.typdefault,
    (select string_agg(quote_literal(e.enumlabel), ', ' order by e.enumsortorder) from pg_enum as e where e.enumtypid = t.oid),
    (select string_agg(pg_get_constraintdef(k.oid), ' ') from pg_constraint as k where k.contypid = t.oid and k.contype <> 'n')
  )
from types as t
where t.typtype <> 'c'

union all
select case f.prokind when 'a' then 'aggregate' when 'p' then 'procedure' else 'function' end, f.oid::regprocedure::text,
  case f.prokind when 'a' then '' else pg_get_functiondef(f.oid) end || 'owner ' || f.proowner::regrole
from pg_proc as f
inner join our_schemas as s on f.pronamespace = s.oid
where not exists (select from pg_depend as d where d.classid = 'pg_proc'::regclass and d.objid = f.oid and d.deptype = 'e')

union all
select 'statistics', e.stxnamespace::regnamespace || '.' || quote_ident(e.stxname), pg_get_statisticsobjdef(e.oid)
from pg_statistic_ext as e
inner join our_schemas as s on e.stxnamespace = s.oid

union all
select 'published', quote_ident(p.schemaname) || '.' || quote_ident(p.tablename), string_agg(p.pubname, ', ' order by p.pubname)
from pg_publication_tables as p
inner join our_schemas as s on p.schemaname = s.nspname
group by p.schemaname, p.tablename

union all
select 'trigger', t.tgrelid::regclass::text || ' ' || quote_ident(t.tgname),
  pg_get_triggerdef(t.oid) || case t.tgenabled when 'O' then '' else E'\nenabled ' || t.tgenabled::text end
from pg_trigger as t
inner join pg_proc as f on t.tgfoid = f.oid
inner join our_schemas as s on f.pronamespace = s.oid
inner join pg_class as c on t.tgrelid = c.oid
where not t.tgisinternal and not c.relispartition

union all
select 'policy', p.polrelid::regclass::text || ' ' || quote_ident(p.polname), concat_ws(
    E'\n',
    case when p.polpermissive then 'permissive' else 'restrictive' end,
    'for ' || case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'all' end,
    'to ' || (select string_agg(coalesce(r.rolname, 'public'), ', ' order by r.rolname)
              from unnest(p.polroles) as u (oid) left join pg_roles as r on r.oid = u.oid),
    'using (' || pg_get_expr(p.polqual, p.polrelid) || ')',
    'with check (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')'
  )
from pg_policy as p
inner join pg_class as c on p.polrelid = c.oid
inner join pg_namespace as n on c.relnamespace = n.oid
where not c.relispartition and (c.relnamespace in (select s.oid from our_schemas as s) or n.nspname = 'realtime')

union all
select 'comment', case d.objsubid when 0 then pg_describe_object(d.classoid, d.objoid, 0)
    else pg_describe_object(d.classoid, d.objoid, d.objsubid) end, d.description
from pg_description as d
where (d.classoid = 'pg_class'::regclass and d.objoid in (select r.oid from relations as r))
  or (d.classoid = 'pg_namespace'::regclass and d.objoid in (select s.oid from our_schemas as s where s.nspname <> 'public'))
  or (d.classoid = 'pg_proc'::regclass and d.objoid in (
    select f.oid from pg_proc as f inner join our_schemas as s on f.pronamespace = s.oid
    where not exists (
      select from pg_depend as e where e.classid = 'pg_proc'::regclass and e.objid = f.oid and e.deptype = 'e'
    )))
  or (d.classoid = 'pg_type'::regclass and d.objoid in (select t.oid from types as t))
  or (d.classoid = 'pg_constraint'::regclass and d.objoid in (
    select k.oid from pg_constraint as k inner join relations as r on k.conrelid = r.oid
  ))
  or (d.classoid = 'pg_trigger'::regclass and d.objoid in (
    select t.oid from pg_trigger as t inner join relations as r on t.tgrelid = r.oid
  ))
  or (d.classoid = 'pg_policy'::regclass and d.objoid in (
    select p.oid from pg_policy as p inner join relations as r on p.polrelid = r.oid
  ))

union all
select 'default grants',
  coalesce(quote_ident(n.nspname) || ' ', '') || 'of ' || a.defaclrole::regrole || ' on ' || a.defaclobjtype::text,
  (select string_agg(case when x.grantee = 0 then 'public' else x.grantee::regrole::text end || ': ' || lower(x.privilege_type), E'\n'
                     order by x.grantee::regrole::text, x.privilege_type)
   from aclexplode(a.defaclacl) as x where x.privilege_type <> 'MAINTAIN')
from pg_default_acl as a
left join pg_namespace as n on a.defaclnamespace = n.oid
where a.defaclrole = 'postgres'::regrole and (n.oid is null or n.oid in (select s.oid from our_schemas as s where s.nspname <> 'public'))

union all
select kind, name, definition from grants

order by 1, 2
