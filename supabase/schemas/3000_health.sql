-- Health: what a monitor asks before anything else.

create function clinic.version()
returns text
language sql
immutable
set search_path = ''
as $$
  select '0.2.0';
$$;
comment on function clinic.version is 'The release of Chairtime that this database is, as pyproject.toml has it.';

create function clinic.health()
returns jsonb
language sql
stable
security definer -- counts rows nobody may see, and tells only ages
set search_path = ''
as $$
  with ages as (
    select
      (
        select extract(epoch from clock_timestamp() - min(r.expires_at))
        from clinic.slot_reservations as r
        where r.outcome is null and r.expires_at <= clock_timestamp()
      ) as unswept,
      (
        select extract(epoch from clock_timestamp() - min(e.occurred_at))
        from clinic.realtime_events as e
        where
          e.id > (select s.last_value - 1000 from clinic.realtime_events_id_seq as s)
          and not clinic.is_settled(e.xid, e.xmin, e.horizon)
      ) as unsettled,
      case when pg_is_in_recovery() then
        -- Who has all there is may have heard nothing for long.
        case when pg_last_wal_receive_lsn() <= pg_last_wal_replay_lsn() then 0
          else extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp())
        end
      end as behind
  )

  select jsonb_build_object(
    'status', case
      when a.unswept > 60 or a.unsettled > 60 or a.behind > 60 or a.behind is null and clinic.is_read_only() then 'degraded'
      else 'ok'
    end,
    'read_only', clinic.is_read_only(),
    'database_time', clock_timestamp(),
    'version', clinic.version(),
    'schema_version', clinic.schema_version(),
    'oldest_unswept_hold_seconds', coalesce(a.unswept, 0),
    'event_lag_seconds', coalesce(a.unsettled, 0),
    'replica_lag_seconds', a.behind
  )
  from ages as a;
$$;
grant execute on function clinic.health to anon, authenticated, service_role;

create function api.health()
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
begin
  return clinic.health();
end
$$;
comment on function api.health is
'Whether the backend is well: {status: "ok" or "degraded", read_only (nothing can be changed at the moment), database_time,
version (Chairtime''s, of what the database is), schema_version (of its newest migration), oldest_unswept_hold_seconds (how long ago a hold
ran out that the worker has not swept), event_lag_seconds (how long the oldest event waits for an open transaction),
replica_lag_seconds (how far behind the replica is that was asked, with GET; null: the primary was)}.';
grant execute on function api.health to anon, authenticated, service_role;
