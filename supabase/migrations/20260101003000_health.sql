-- Health: what a monitor asks before anything else.

create function clinic.health()
returns jsonb
language sql
volatile
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
      ) as unsettled
  )

  select jsonb_build_object(
    'status', case when a.unswept > 60 or a.unsettled > 60 or clinic.is_read_only() then 'degraded' else 'ok' end,
    'read_only', clinic.is_read_only(),
    'database_time', clock_timestamp(),
    'schema_version', clinic.schema_version(),
    'oldest_unswept_hold_seconds', coalesce(a.unswept, 0),
    'event_lag_seconds', coalesce(a.unsettled, 0)
  )
  from ages as a;
$$;
grant execute on function clinic.health to anon, authenticated, service_role;

create function api.health()
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.health();
end
$$;
comment on function api.health is
'Whether the backend is well: {status: "ok" or "degraded", read_only (nothing can be changed at the moment), database_time, schema_version,
oldest_unswept_hold_seconds (how long ago a hold ran out that the worker has not swept), event_lag_seconds (how long the oldest event waits
for an open transaction)}.';
grant execute on function api.health to anon, authenticated, service_role;
