-- The worker's jobs. Each is idempotent and does at most max_rows at a time, in a transaction of its own; fewer than
-- max_rows done means there is nothing left. When they run is the worker's business; what they do is decided here.

create index appointments_awaited_idx on clinic.appointments (ends_at) where status = 'booked';

create function clinic.next_expiry()
returns timestamptz
language sql
volatile
security definer -- reads the holds, which the worker's role may not
set search_path = ''
as $$
  select min(r.expires_at) from clinic.slot_reservations as r where r.outcome is null;
$$;
comment on function clinic.next_expiry is 'When the next hold ends, or ended if it is not swept yet; null if there is none.';
grant execute on function clinic.next_expiry to chairtime_worker;

create function clinic.expire_hold(hold clinic.slot_reservations)
returns integer
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_id uuid;
  v_ended integer;
begin
  begin
    foreach v_id in array clinic.with_waiting(clinic.taken_resources(hold.dentist_id, hold.parts)) loop
      if not pg_try_advisory_xact_lock(clinic.calendar_key(v_id)) then
        raise sqlstate 'CTBSY';
      end if;
    end loop;
    v_ended := clinic.end_holds(array[hold.id], 'expired');
    -- Each is handed over by itself: whoever is in the way of one is not in the way of the others.
    set constraints clinic.hand_over immediate;
    set constraints clinic.hand_over deferred;
  exception
    -- Not without letting go of those it has got: others would wait for them, and it for those others.
    when sqlstate 'CTBSY' or sqlstate 'PGRST' then return 0;
  end;
  return v_ended;
end
$$;
comment on function clinic.expire_hold is 'Ends a hold that ran out and hands its time over, unless a calendar that this needs is in use: 1 or 0.';

create function clinic.expire_reservations(max_rows integer default 100)
returns integer
language plpgsql
volatile
security definer -- frees time on any calendar: the worker's task, and nobody else may execute this
set search_path = ''
as $$
declare
  v_hold clinic.slot_reservations;
  v_waiting clinic.slot_reservations;
  v_expired integer := 0;
begin
  for v_hold in
    select r.* from clinic.slot_reservations as r
    where r.outcome is null and r.expires_at <= clock_timestamp()
    order by r.expires_at
    limit expire_reservations.max_rows
  loop
    if clinic.expire_hold(v_hold) > 0 then
      v_expired := v_expired + 1;
    else
      v_waiting := v_hold;
    end if;
  end loop;
  -- One calendar that is held keeps no other from being swept. When it is the last, it is waited for.
  if v_expired = 0 and v_waiting.id is not null then
    perform clinic.lock_calendars(variadic clinic.with_waiting(clinic.taken_resources(v_waiting.dentist_id, v_waiting.parts)));
    v_expired := clinic.end_holds(array[v_waiting.id], 'expired');
  end if;
  return least(v_expired + clinic.expire_wishes(expire_reservations.max_rows), expire_reservations.max_rows);
end
$$;
comment on function clinic.expire_reservations is
'Ends holds that ran out, oldest first: hands their time over to who waits for it, or frees it, and announces it; then wishes whose days are past. Expired
holds block nobody even before, but for offers, which are passed on.';
grant execute on function clinic.expire_reservations to chairtime_worker;

create function clinic.drop_partitions(parent regclass, before text, max_partitions integer)
returns integer
language plpgsql
volatile
set search_path = ''
set lock_timeout = '1s' -- the drop waits for readers of the log, and writers wait for the drop
as $$
declare
  v_name text;
  v_dropped integer := 0;
begin
  for v_name in
    select c.relname
    from pg_catalog.pg_inherits as i
    inner join pg_catalog.pg_class as c on i.inhrelid = c.oid
    -- They are called by their days or months; the default one is not.
    where i.inhparent = parent and c.relname ~ '_\d{4}(_\d\d)+$' and c.relname < drop_partitions.before
    order by c.relname
    limit drop_partitions.max_partitions
  loop
    execute format('drop table clinic.%I', v_name);
    v_dropped := v_dropped + 1;
  end loop;
  return v_dropped;
end
$$;
comment on function clinic.drop_partitions is
'Drops the oldest partitions of a log whose names come before this one, each in constant time. Returns how many.';

create function clinic.trim_history(before timestamptz, max_rows integer)
returns integer
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_runs integer;
  v_reservations integer;
begin
  delete from clinic.job_runs as r
  where r.id in (
    select old.id from clinic.job_runs as old
    where old.started_at < trim_history.before and old.state <> 'running'
    order by old.started_at
    limit trim_history.max_rows
  );
  get diagnostics v_runs = row_count;

  delete from clinic.slot_reservations as r
  where r.id in (
    select old.id from clinic.slot_reservations as old
    where old.outcome is not null and old.ended_at < trim_history.before
    order by old.ended_at
    limit trim_history.max_rows
  );
  get diagnostics v_reservations = row_count;

  delete from clinic.workers as w
  where w.seen_at < clock_timestamp() - interval '1 day';

  return greatest(v_runs, v_reservations);
end
$$;
comment on function clinic.trim_history is
'Forgets job runs and ended reservations from before this instant, at most max_rows of each. Returns the larger count.';

create function clinic.maintain_partitions(max_rows integer default 1000, retention interval default '90 days')
returns integer
language plpgsql
volatile
security definer -- makes and drops tables: the worker's task, and nobody else may execute this
set search_path = ''
as $$
declare
  v_today constant date := (clock_timestamp() at time zone 'UTC')::date;
  v_oldest constant timestamptz := clock_timestamp() - maintain_partitions.retention;
  v_created integer;
  v_dropped integer;
begin
  -- One day back, so that what was written while nobody made partitions leaves the default one.
  v_created := clinic.create_event_partitions(v_today - 1, v_today + 7)
    + clinic.create_audit_partitions(v_today - 1, (v_today + interval '2 months')::date);
  v_dropped := clinic.drop_partitions(
    'clinic.realtime_events', to_char(v_oldest at time zone 'UTC', '"realtime_events_"YYYY_MM_DD'), maintain_partitions.max_rows
  ) + clinic.drop_partitions(
    'clinic.audit_log', to_char(
      (select min(clinic.kept_from(c.audit_retention)) from clinic.clinics as c) at time zone 'UTC', '"audit_log_"YYYY_MM'
    ), maintain_partitions.max_rows
  );
  return least(
    v_created + v_dropped + clinic.trim_history(v_oldest, maintain_partitions.max_rows),
    maintain_partitions.max_rows
  );
end
$$;
comment on function clinic.maintain_partitions is
'Makes the event partitions of the coming week and the audit log''s of the coming months, drops those that are past their retention, of the audit log past that of
every clinic, and trims what else is history by then.';
grant execute on function clinic.maintain_partitions to chairtime_worker;

create function clinic.purge_idempotency_keys(max_rows integer default 5000, retention interval default '24 hours')
returns integer
language plpgsql
volatile
security definer -- deletes keys of any user: the worker's task, and nobody else may execute this
set search_path = ''
as $$
declare
  v_purged integer;
begin
  delete from clinic.idempotency_keys as k
  using (
    select old.user_id, old.operation, old.key
    from clinic.idempotency_keys as old
    where old.created_at < clock_timestamp() - purge_idempotency_keys.retention
    order by old.created_at
    limit purge_idempotency_keys.max_rows
  ) as old
  where k.user_id = old.user_id and k.operation = old.operation and k.key = old.key;
  get diagnostics v_purged = row_count;
  return v_purged;
end
$$;
comment on function clinic.purge_idempotency_keys is 'Forgets idempotency keys past their retention, oldest first.';
grant execute on function clinic.purge_idempotency_keys to chairtime_worker;

create function clinic.flag_no_shows(max_rows integer default 100, grace interval default '1 hour')
returns integer
language plpgsql
volatile
security definer -- changes appointments of any clinic: the worker's task, and nobody else may execute this
set search_path = ''
as $$
declare
  v_missed record;
  v_flagged integer := 0;
begin
  for v_missed in
    select due.id, due.resource_ids
    from (
      select a.id, clinic.taken_resources(a.dentist_id, a.parts) as resource_ids
      from clinic.appointments as a
      where a.status = 'booked' and a.ends_at < clock_timestamp() - flag_no_shows.grace
      order by a.ends_at
      limit flag_no_shows.max_rows
    ) as due
  loop
    -- Whoever is in the way is in the way of this one only; it is for the next run.
    continue when exists (
      select from unnest(v_missed.resource_ids) as r (id) where not pg_try_advisory_xact_lock(clinic.calendar_key(r.id))
    );
    update clinic.appointments as a
    set status = 'no_show'
    where a.id = v_missed.id and a.status = 'booked'; -- unless somebody was faster
    v_flagged := v_flagged + found::integer;
  end loop;
  return v_flagged;
end
$$;
comment on function clinic.flag_no_shows is
'Marks appointments as no_show that ended a while ago and were never checked in. Off unless the operator schedules it.';
grant execute on function clinic.flag_no_shows to chairtime_worker;
