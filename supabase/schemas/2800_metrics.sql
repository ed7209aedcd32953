-- Numbers: one row a clinic and day, kept up to date from the event log, and one snapshot for Prometheus.

create table clinic.daily_metrics (
  clinic_id uuid not null,
  day date not null,
  booked integer not null default 0,
  checked_in integer not null default 0,
  fulfilled integer not null default 0,
  cancelled integer not null default 0,
  no_shows integer not null default 0,
  bookings integer not null default 0,
  cancellations integer not null default 0,
  lead_time interval,
  holds integer not null default 0,
  holds_confirmed integer not null default 0,
  holds_released integer not null default 0,
  holds_expired integer not null default 0,
  offers integer not null default 0,
  offers_accepted integer not null default 0,
  filled_minutes integer not null default 0,
  time_to_fill interval,
  refusals integer not null default 0,
  working_minutes integer not null default 0,
  booked_minutes integer not null default 0,
  stale boolean not null default true,
  refreshed_at timestamptz not null default '-infinity',
  constraint daily_metrics_pkey primary key (clinic_id, day),
  constraint daily_metrics_clinic_fkey foreign key (clinic_id) references clinic.clinics (id)
);
comment on table clinic.daily_metrics is
'Per clinic and clinic-local day: its appointments by status, what was booked, cancelled and held on it, and how full it is.';
comment on column clinic.daily_metrics.booked is 'Appointments that start on this day, by status: booked, checked_in, fulfilled, cancelled, no_shows.';
comment on column clinic.daily_metrics.bookings is 'Appointments that were booked on this day, for whatever day.';
comment on column clinic.daily_metrics.cancellations is 'Appointments that were cancelled on this day.';
comment on column clinic.daily_metrics.lead_time is 'Average time from booking to start of what was booked on this day.';
comment on column clinic.daily_metrics.holds is 'Reservations made on this day, and what became of them: confirmed, released, expired.';
comment on column clinic.daily_metrics.offers is 'Times that were offered to the waiting list on this day, and of those how many were accepted, and how long these visits are.';
comment on column clinic.daily_metrics.time_to_fill is 'How long, on average, from when a time became free until who was offered it on this day took it.';
comment on column clinic.daily_metrics.refusals is
'Slots that were asked for on this day and refused, as taken, too soon, outside hours, or over the limit of holds.';
comment on column clinic.daily_metrics.stale is 'Something of this day has changed since refreshed_at.';
create index daily_metrics_stale_idx on clinic.daily_metrics (clinic_id, day) where stale;
create index appointments_created_idx on clinic.appointments (clinic_id, created_at);
create index appointments_cancelled_idx on clinic.appointments (clinic_id, cancelled_at) where cancelled_at is not null;
alter table clinic.daily_metrics enable row level security;

create policy daily_metrics_are_for_admins on clinic.daily_metrics
  for select to authenticated
  using (clinic_id = any ((select clinic.my_clinics('{admin}'))::uuid []));
grant select on clinic.daily_metrics to authenticated, service_role;

create view api.daily_metrics
with (security_invoker = true) as
  select
    m.clinic_id,
    m.day,
    m.booked,
    m.checked_in,
    m.fulfilled,
    m.cancelled,
    m.no_shows,
    m.bookings,
    m.cancellations,
    m.lead_time,
    m.holds,
    m.holds_confirmed,
    m.holds_released,
    m.holds_expired,
    m.offers,
    m.offers_accepted,
    m.filled_minutes,
    m.time_to_fill,
    m.refusals,
    round(m.holds_confirmed::numeric / nullif(m.holds, 0), 4)::double precision as hold_conversion,
    m.working_minutes,
    m.booked_minutes,
    round(m.booked_minutes::numeric / nullif(m.working_minutes, 0), 4)::double precision as utilisation,
    m.refreshed_at
  from clinic.daily_metrics as m
  where m.refreshed_at > '-infinity';
comment on view api.daily_metrics is
'One row a clinic and day, for the clinic''s admins, at most a minute old while the worker runs. hold_conversion and utilisation are shares of 1.';
grant select on api.daily_metrics to authenticated, service_role;

create table clinic.running_totals (
  name text not null default 'all clinics',
  booked bigint not null default 0,
  checked_in bigint not null default 0,
  fulfilled bigint not null default 0,
  cancelled bigint not null default 0,
  no_shows bigint not null default 0,
  holds bigint not null default 0,
  holds_confirmed bigint not null default 0,
  holds_released bigint not null default 0,
  holds_expired bigint not null default 0,
  offers bigint not null default 0,
  offers_accepted bigint not null default 0,
  filled_minutes bigint not null default 0,
  constraint running_totals_pkey primary key (name),
  constraint running_totals_one_row check (name = 'all clinics')
);
comment on table clinic.running_totals is
'What daily_metrics adds up to, kept as days are counted. One row. What was counted stays so when its day is deleted.';
insert into clinic.running_totals default values;
alter table clinic.running_totals enable row level security;

create policy running_totals_are_for_the_service on clinic.running_totals
  for select to service_role
  using (true);
grant select on clinic.running_totals to service_role;

create table clinic.refusal_totals (
  clinic_id uuid not null,
  total bigint not null,
  constraint refusal_totals_pkey primary key (clinic_id),
  constraint refusal_totals_clinic_fkey foreign key (clinic_id) references clinic.clinics (id) on delete cascade
);
comment on table clinic.refusal_totals is 'How many of the refusals that a clinic''s sequence counts are in its daily metrics.';
alter table clinic.refusal_totals enable row level security;

create policy refusal_totals_are_for_the_service on clinic.refusal_totals
  for select to service_role
  using (true);
grant select on clinic.refusal_totals to service_role;


-- Measuring one day --------------------------------------------------------------------------------------------------

create function clinic.minutes_of(spans tstzmultirange)
returns integer
language sql
immutable
set search_path = ''
as $$
  select coalesce(round(sum(extract(epoch from upper(s.span) - lower(s.span))) / 60), 0)::integer
  from unnest(spans) as s (span);
$$;
comment on function clinic.minutes_of is 'How long these spans are together, in minutes.';

create function clinic.working_minutes(clinic clinic.clinics, day date)
returns integer
language sql
stable
set search_path = ''
as $$
  select coalesce(sum(clinic.minutes_of(works.spans - coalesce(off.spans, '{}'))), 0)::integer
  from (
    select w.dentist_id, w.spans
    from clinic.open_times(
      clinic.id, array(select d.id from clinic.dentists as d where d.clinic_id = clinic.id and d.is_active),
      clinic.time_zone, clinic.day_span(working_minutes.day, clinic.time_zone)
    ) as w
  ) as works
  cross join lateral (
    select coalesce(range_agg(o.during), '{}') + coalesce((
      select range_agg(c.during) from clinic.closures as c
      where c.clinic_id = clinic.id and c.during && tstzrange(lower(works.spans), upper(works.spans))
    ), '{}') as spans
    from clinic.occupancy as o
    where o.resource_id = works.dentist_id and o.cause = 'time_off'
      and o.during && tstzrange(lower(works.spans), upper(works.spans))
  ) as off;
$$;
comment on function clinic.working_minutes is 'The working time of a clinic''s active dentists on a clinic-local day, less their time off and the clinic''s closures.';

create function clinic.measure_day(clinic clinic.clinics, day date)
returns clinic.daily_metrics
language plpgsql
stable
set search_path = ''
as $$
declare
  v_from constant timestamptz := clinic.wall_instant(day, clinic.time_zone);
  v_to constant timestamptz := clinic.wall_instant(day + 1, clinic.time_zone);
  v_day clinic.daily_metrics;
begin
  select
    count(*) filter (where a.status = 'booked'),
    count(*) filter (where a.status = 'checked_in'),
    count(*) filter (where a.status = 'fulfilled'),
    count(*) filter (where a.status = 'cancelled'),
    count(*) filter (where a.status = 'no_show'),
    coalesce(sum(extract(epoch from a.ends_at - a.starts_at)) filter (where a.status <> 'cancelled') / 60, 0)
  into v_day.booked, v_day.checked_in, v_day.fulfilled, v_day.cancelled, v_day.no_shows, v_day.booked_minutes
  from clinic.appointments as a
  where a.clinic_id = clinic.id and a.starts_at >= v_from and a.starts_at < v_to;

  select count(*), avg(a.starts_at - a.created_at)
  into v_day.bookings, v_day.lead_time
  from clinic.appointments as a
  where a.clinic_id = clinic.id and a.created_at >= v_from and a.created_at < v_to;

  select count(*) into v_day.cancellations
  from clinic.appointments as a
  where a.clinic_id = clinic.id and a.cancelled_at >= v_from and a.cancelled_at < v_to;

  select
    count(*),
    count(*) filter (where r.outcome = 'confirmed'),
    count(*) filter (where r.outcome = 'released'),
    count(*) filter (where r.outcome = 'expired')
  into v_day.holds, v_day.holds_confirmed, v_day.holds_released, v_day.holds_expired
  from clinic.slot_reservations as r
  where r.clinic_id = clinic.id and r.created_at >= v_from and r.created_at < v_to;

  select
    count(*), count(*) filter (where w.outcome = 'accepted' and r.outcome = 'confirmed'),
    coalesce(sum(extract(epoch from r.ends_at - r.starts_at)) filter (where w.outcome = 'accepted' and r.outcome = 'confirmed') / 60, 0),
    avg(r.ended_at - w.freed_at) filter (where w.outcome = 'accepted' and r.outcome = 'confirmed')
  into v_day.offers, v_day.offers_accepted, v_day.filled_minutes, v_day.time_to_fill
  from clinic.slot_reservations as r
  inner join clinic.waitlist as w on r.waitlist_id = w.id and r.clinic_id = w.clinic_id
  where r.clinic_id = clinic.id and r.created_at >= v_from and r.created_at < v_to;

  v_day.working_minutes := clinic.working_minutes(clinic, day);
  return v_day;
end
$$;
comment on function clinic.measure_day is 'Counts one clinic-local day anew, by index.';


-- Keeping the days up to date ----------------------------------------------------------------------------------------

create function clinic.mark_stale_days(max_events integer)
returns integer
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_count integer;
  v_last_id bigint;
begin
  -- An event concerns the day it happened on, and the days it speaks of: those a time was given up on, too.
  with news as materialized (
    select e.id, e.clinic_id, e.entity_id, e.occurred_at, e.payload
    from clinic.next_events('metrics', mark_stale_days.max_events) as e
  ), marked as (
    insert into clinic.daily_metrics (clinic_id, day)
    select distinct n.clinic_id, (t.instant at time zone c.time_zone)::date
    from news as n
    inner join clinic.clinics as c on n.clinic_id = c.id
    left join clinic.slot_reservations as r on n.entity_id = r.id and n.clinic_id = r.clinic_id
    cross join lateral (
      values (n.occurred_at), (r.created_at),
      ((n.payload ->> 'starts_at')::timestamptz), ((n.payload ->> 'ends_at')::timestamptz)
    ) as t (instant)
    where t.instant is not null
    on conflict on constraint daily_metrics_pkey do update set stale = true
  )
  select count(*), max(n.id) into v_count, v_last_id from news as n;

  update clinic.event_cursors as c set after_id = v_last_id
  where c.reader = 'metrics' and v_last_id is not null;
  return v_count;
end
$$;
comment on function clinic.mark_stale_days is 'Reads the next events and marks the days they concern. Returns how many events.';

create function clinic.mark_new_days()
returns void
language sql
volatile
set search_path = ''
as $$
  -- Looked up first: an insert that finds its row locks it, and that is a write.
  insert into clinic.daily_metrics (clinic_id, day)
  select c.id, today.day
  from clinic.clinics as c
  cross join lateral (select (clock_timestamp() at time zone c.time_zone)::date as day) as today
  left join lateral (
    select m.stale, m.refreshed_at from clinic.daily_metrics as m
    where m.clinic_id = c.id and m.day = today.day
    order by m.day limit 1 -- a look-up for each clinic, never a scan of all days
  ) as known on true
  where known.stale is null or (not known.stale and known.refreshed_at < clock_timestamp() - interval '1 hour')
  on conflict on constraint daily_metrics_pkey do update set stale = true;
$$;
comment on function clinic.mark_new_days is 'Every clinic has a row for today, counted at least once an hour.';

create function clinic.follow_clinic()
returns trigger
language plpgsql
volatile
security definer -- makes and drops the sequence that counts what no rollback may forget
set search_path = ''
as $$
begin
  if tg_op = 'INSERT' then
    execute format('create sequence clinic.%I', 'refusals_at_' || new.id);
  else
    execute format('drop sequence if exists clinic.%I', 'refusals_at_' || old.id);
  end if;
  return null;
end
$$;
comment on function clinic.follow_clinic is 'Gives every clinic a counter of its refusals.';

create trigger follow_clinic after insert or delete on clinic.clinics
for each row execute function clinic.follow_clinic();

create function clinic.add_refusals(max_clinics integer default 1000)
returns void
language sql
volatile
set search_path = ''
as $$
  -- Each sequence that is read stays locked until the transaction ends, and locks are not without number: where
  -- clinics are very many, each minute looks at one part of them, by turns.
  with parts as (
    select
      1 + count(*) / add_refusals.max_clinics as number,
      extract(epoch from clock_timestamp())::bigint / 60 as minute
    from clinic.clinics
  ), news as materialized (
    select c.id, (clock_timestamp() at time zone c.time_zone)::date as today, told.total, coalesce(known.total, 0) as known
    from clinic.clinics as c
    inner join parts as p on abs(hashtext(c.id::text)::bigint) % p.number = p.minute % p.number
    cross join lateral (select pg_sequence_last_value(clinic.refusal_counter(c.id)) as total) as told
    left join clinic.refusal_totals as known on c.id = known.clinic_id
    where told.total > coalesce(known.total, 0)
  ), counted as (
    insert into clinic.refusal_totals (clinic_id, total)
    select n.id, n.total from news as n
    on conflict on constraint refusal_totals_pkey do update set total = excluded.total
  )
  insert into clinic.daily_metrics as m (clinic_id, day, refusals)
  select n.id, n.today, n.total - n.known from news as n
  on conflict on constraint daily_metrics_pkey do update set refusals = m.refusals + excluded.refusals;
$$;
comment on function clinic.add_refusals is 'What each clinic refused since the last time goes to its today.';

create function clinic.add_to_totals(before clinic.daily_metrics, after clinic.daily_metrics)
returns void
language sql
volatile
set search_path = ''
as $$
  update clinic.running_totals as t
  set
    booked = t.booked + after.booked - before.booked,
    checked_in = t.checked_in + after.checked_in - before.checked_in,
    fulfilled = t.fulfilled + after.fulfilled - before.fulfilled,
    cancelled = t.cancelled + after.cancelled - before.cancelled,
    no_shows = t.no_shows + after.no_shows - before.no_shows,
    holds = t.holds + after.holds - before.holds,
    holds_confirmed = t.holds_confirmed + after.holds_confirmed - before.holds_confirmed,
    holds_released = t.holds_released + after.holds_released - before.holds_released,
    -- A counter never goes back, even if what ran out is confirmed after all.
    holds_expired = t.holds_expired + greatest(after.holds_expired - before.holds_expired, 0),
    offers = t.offers + after.offers - before.offers,
    offers_accepted = t.offers_accepted + after.offers_accepted - before.offers_accepted,
    filled_minutes = t.filled_minutes + after.filled_minutes - before.filled_minutes;
$$;
comment on function clinic.add_to_totals is 'A day was counted anew: the totals change by what the day did.';

create function clinic.refresh_daily_metrics(max_rows integer default 200)
returns integer
language plpgsql
volatile
security definer -- counts in every clinic: the worker's task, and nobody else may execute this
set search_path = ''
as $$
declare
  v_batch constant integer := 2000;
  v_events integer;
  v_clinic clinic.clinics;
  v_day clinic.daily_metrics;
  v_new clinic.daily_metrics;
  v_count integer := 0;
begin
  v_events := clinic.mark_stale_days(v_batch);
  perform clinic.mark_new_days();
  perform clinic.add_refusals();

  for v_day in
    select m.* from clinic.daily_metrics as m
    where m.stale
    order by m.clinic_id, m.day
    limit refresh_daily_metrics.max_rows
    for no key update
  loop
    select c.* into strict v_clinic from clinic.clinics as c where c.id = v_day.clinic_id;
    v_new := clinic.measure_day(v_clinic, v_day.day);
    -- Ended reservations are forgotten in time: counts stay. While all are there, one that ran out may yet be confirmed.
    if v_new.holds < v_day.holds then
      v_new.holds := v_day.holds;
      v_new.holds_confirmed := v_day.holds_confirmed;
      v_new.holds_released := v_day.holds_released;
      v_new.holds_expired := v_day.holds_expired;
    end if;
    if v_new.offers < v_day.offers then
      v_new.offers := v_day.offers;
      v_new.offers_accepted := v_day.offers_accepted;
      v_new.filled_minutes := v_day.filled_minutes;
      v_new.time_to_fill := v_day.time_to_fill;
    end if;
    perform clinic.add_to_totals(v_day, v_new);
    update clinic.daily_metrics as m
    set
      booked = v_new.booked, checked_in = v_new.checked_in, fulfilled = v_new.fulfilled,
      cancelled = v_new.cancelled, no_shows = v_new.no_shows,
      bookings = v_new.bookings, cancellations = v_new.cancellations, lead_time = v_new.lead_time,
      holds = v_new.holds, holds_confirmed = v_new.holds_confirmed,
      holds_released = v_new.holds_released, holds_expired = v_new.holds_expired,
      offers = v_new.offers, offers_accepted = v_new.offers_accepted,
      filled_minutes = v_new.filled_minutes, time_to_fill = v_new.time_to_fill,
      working_minutes = v_new.working_minutes, booked_minutes = v_new.booked_minutes,
      stale = false, refreshed_at = clock_timestamp()
    where m.clinic_id = v_day.clinic_id and m.day = v_day.day;
    v_count := v_count + 1;
  end loop;

  return case when v_events = v_batch then refresh_daily_metrics.max_rows else v_count end;
end
$$;
comment on function clinic.refresh_daily_metrics is
'Reads what happened since the last time and counts the days it concerns anew. Costs as much as what changed, not as what there is.';
grant execute on function clinic.refresh_daily_metrics to chairtime_worker;


-- One snapshot for Prometheus ----------------------------------------------------------------------------------------
-- Nothing below counts appointments or adds up days: it reads running totals and looks things up by index.

create function clinic.count_refusals()
returns jsonb
language sql
volatile
set search_path = ''
as $$
  select coalesce(jsonb_object_agg(e.code, coalesce(pg_sequence_last_value(('clinic.refusals_' || e.code)::regclass), 0)), '{}')
  from clinic.error_codes as e;
$$;
comment on function clinic.count_refusals is 'Refusals since the database was made, by error code.';

create function clinic.count_days_ahead()
returns integer
language sql
stable
set search_path = ''
as $$
  select count(*)::integer
  from pg_catalog.pg_inherits as i
  inner join pg_catalog.pg_class as c on i.inhrelid = c.oid
  where i.inhparent = 'clinic.realtime_events'::regclass
    and c.relname > to_char(now() at time zone 'UTC', '"realtime_events_"YYYY_MM_DD')
    and c.relname ~ '^realtime_events_\d{4}_\d\d_\d\d$';
$$;
comment on function clinic.count_days_ahead is 'How many event partitions there are for days after today.';

create function clinic.seconds_since(instant timestamptz)
returns numeric
language sql
volatile
set search_path = ''
as $$
  select greatest(0, coalesce(extract(epoch from clock_timestamp() - instant), 0));
$$;
comment on function clinic.seconds_since is 'The age of an instant in seconds; 0 for none, and for one that is still to come.';

create function clinic.log_lag()
returns numeric
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_seen bigint := (select c.after_id from clinic.event_cursors as c where c.reader = 'log');
begin
  -- Mostly there is nothing to look for, and no need to plan a search through a hundred partitions.
  if v_seen >= (select s.last_value from clinic.realtime_events_id_seq as s) then
    return 0;
  end if;
  return clinic.seconds_since(
    (select e.occurred_at from clinic.realtime_events as e where e.id > v_seen order by e.id limit 1)
  );
end
$$;
comment on function clinic.log_lag is 'The age in seconds of the oldest event that the log has not seen; 0 if it has seen all.';

create function clinic.daily_totals()
returns jsonb
language sql
stable
set search_path = ''
as $$
  select jsonb_build_object(
    'appointments', jsonb_build_object(
      'booked', t.booked, 'checked_in', t.checked_in, 'fulfilled', t.fulfilled, 'cancelled', t.cancelled,
      'no_show', t.no_shows
    ),
    'holds', jsonb_build_object(
      'created', t.holds, 'converted', t.holds_confirmed, 'released', t.holds_released, 'expired', t.holds_expired
    ),
    'offers', jsonb_build_object('made', t.offers, 'accepted', t.offers_accepted),
    'filled_seconds', t.filled_minutes * 60
  )
  from clinic.running_totals as t;
$$;
comment on function clinic.daily_totals is 'All clinics and days together: {appointments: {status: n}, holds: {outcome: n}, offers: {outcome: n}, filled_seconds}.';

create function clinic.count_messages()
returns jsonb
language sql
stable
set search_path = ''
as $$
  select jsonb_object_agg(concat_ws(' ', n.kind, n.channel, n.outcome), n.total)
  from (
    select k.kind, c.channel, o.outcome, coalesce(t.total, 0) as total
    from unnest(clinic.message_kinds() || '{answer,test}') as k (kind)
    cross join unnest(clinic.message_channels()) as c (channel)
    cross join unnest('{sent,failed,unknown,retried}'::text []) as o (outcome)
    left join clinic.message_totals as t on k.kind = t.kind and c.channel = t.channel and o.outcome = t.outcome
    union all
    select t.kind, t.channel, t.outcome, t.total
    from clinic.message_totals as t
    where t.outcome like 'skipped\_%'
  ) as n;
$$;
comment on function clinic.count_messages is 'How many messages ended how: {"kind channel outcome": number}, the usual ones from 0 on.';

create function clinic.late_messages()
returns jsonb
language sql
volatile
set search_path = ''
as $$
  select jsonb_object_agg(c.channel, clinic.seconds_since((
    select m.next_at from clinic.messages as m
    where m.channel = c.channel and m.next_at is not null
    order by m.next_at limit 1
  )))
  from unnest(clinic.message_channels()) as c (channel);
$$;
comment on function clinic.late_messages is 'How long, in seconds, the oldest message that is due has been waiting, by channel; 0: none is due.';

create function clinic.due_messages()
returns jsonb
language sql
volatile
set search_path = ''
as $$
  select jsonb_object_agg(c.channel, (
    select count(*) from (
      select from clinic.messages as m
      where m.channel = c.channel and m.next_at <= clock_timestamp()
      order by m.next_at
      limit 1000
    ) as d
  ))
  from unnest(clinic.message_channels()) as c (channel);
$$;
comment on function clinic.due_messages is 'How many messages are due and not sent, by channel; 1000 also stands for more.';

create function clinic.worker_metrics()
returns jsonb
language sql
volatile
security definer -- numbers of all clinics, for the worker alone; none of them is about a person
set search_path = ''
as $$
  with totals as (
    select coalesce(jsonb_object_agg(t.event, t.total), '{}') as events from clinic.event_totals as t
  )
  select clinic.daily_totals() || jsonb_build_object(
    'events', totals.events,
    'booked', coalesce((totals.events ->> 'appointment_booked')::bigint, 0),
    'cancelled', coalesce((totals.events ->> 'appointment_cancelled')::bigint, 0),
    'rescheduled', coalesce((totals.events ->> 'appointment_rescheduled')::bigint, 0),
    'refusals', clinic.count_refusals(),
    'messages', clinic.count_messages(),
    'messages_due', clinic.due_messages(),
    'messages_late_seconds', clinic.late_messages(),
    'holds_live', (select count(*) from clinic.slot_reservations as r where r.outcome is null and r.expires_at > statement_timestamp()),
    'holds_unswept', (select count(*) from clinic.slot_reservations as r where r.outcome is null and r.expires_at <= statement_timestamp()),
    'sweep_lag_seconds', clinic.seconds_since(clinic.next_expiry()),
    'tail_lag_seconds', clinic.log_lag(),
    'oldest_transaction_seconds', clinic.seconds_since(clinic.oldest_writer()),
    'utilisation', coalesce((
      select jsonb_object_agg(c.slug, today.utilisation)
      from clinic.clinics as c
      cross join lateral (
        select coalesce(round(m.booked_minutes::numeric / nullif(m.working_minutes, 0), 4), 0) as utilisation
        from clinic.daily_metrics as m
        where m.clinic_id = c.id and m.day = (now() at time zone c.time_zone)::date
        order by m.day limit 1 -- a look-up for each clinic, never a scan of all days
      ) as today
    ), '{}'),
    'invariant_violations', coalesce((select jsonb_object_agg(i.violation, i.violations) from clinic.invariant_checks as i), '{}'),
    'invariants_checked_at', coalesce((select extract(epoch from max(i.checked_at)) from clinic.invariant_checks as i), 0),
    'invariants_whole_at', coalesce((select extract(epoch from r.proved_since) from clinic.proof_rounds as r), 0),
    'partitions_ahead', clinic.count_days_ahead(),
    'workers', (select count(*) from clinic.workers as w where w.seen_at > clock_timestamp() - interval '30 seconds'),
    'epoch', (select l.epoch from clinic.worker_leases as l),
    'job_last_success', coalesce((
      select jsonb_object_agg(j.job, extract(epoch from j.last_success_at))
      from clinic.list_jobs() as j
      where j.last_success_at is not null
    ), '{}')
  )
  from totals;
$$;
comment on function clinic.worker_metrics is
'Every number of the database that Prometheus gets, at one instant: {name: number} or {name: {label: number}}. Cheap at any size.';
grant execute on function clinic.worker_metrics to chairtime_worker;
