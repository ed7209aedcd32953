-- Schedule: what can be booked, and when dentists work.

create table clinic.appointment_types (
  id uuid not null default gen_random_uuid(),
  clinic_id uuid not null,
  name text not null,
  duration interval not null,
  buffer_before interval not null default '0',
  buffer_after interval not null default '0',
  audience text not null default 'everyone',
  min_notice interval,
  booking_horizon interval,
  slot_interval interval,
  max_per_day integer,
  has_parts boolean not null default false,
  is_active boolean not null default true,
  created_at timestamptz not null default now(),
  constraint appointment_types_pkey primary key (id, clinic_id),
  constraint appointment_types_name_key unique (clinic_id, name),
  constraint appointment_types_clinic_fkey foreign key (clinic_id) references clinic.clinics (id),
  constraint appointment_types_name_is_clean check (clinic.is_name(name)),
  constraint appointment_types_duration_fits check (
    duration between '1 minute' and '12 hours' and clinic.is_clock_span(duration)
  ),
  constraint appointment_types_buffer_before_fits check (
    buffer_before between '0' and '4 hours' and clinic.is_clock_span(buffer_before)
  ),
  constraint appointment_types_buffer_after_fits check (
    buffer_after between '0' and '4 hours' and clinic.is_clock_span(buffer_after)
  ),
  constraint appointment_types_audience_is_known check (
    audience in ('everyone', 'new_patients', 'known_patients', 'staff')
  ),
  constraint appointment_types_min_notice_fits check (min_notice between '0' and '30 days'),
  constraint appointment_types_booking_horizon_fits check (booking_horizon between '1 day' and '730 days'),
  constraint appointment_types_slot_interval_fits check (
    slot_interval between '5 minutes' and '12 hours' and clinic.is_clock_span(slot_interval)
  ),
  constraint appointment_types_max_per_day_fits check (max_per_day between 1 and 1000)
);
comment on table clinic.appointment_types is
'What can be booked. An appointment copies duration, buffers and parts, so editing a type never resizes history.';
comment on column clinic.appointment_types.audience is
'Who books it without the desk: everyone; patients the clinic has not seen yet; those it knows; or nobody.';
comment on column clinic.appointment_types.min_notice is 'Instead of the clinic''s; so are booking_horizon and slot_interval. Null: the clinic''s.';
comment on column clinic.appointment_types.has_parts is 'Whether clinic.type_parts has any: kept by its triggers, so that who needs none does not look.';
comment on column clinic.appointment_types.max_per_day is 'So many of this type may one leader have on a day of the clinic; null: any number.';

create function clinic.week_minutes(weekday integer, opens time, closes time)
returns int4multirange
language plpgsql
immutable
set search_path = ''
as $$
declare
  v_opens integer := (weekday - 1) * 1440 + extract(epoch from opens) / 60;
  v_closes integer := (weekday - 1) * 1440 + extract(epoch from closes) / 60 + case when closes > opens then 0 else 1440 end;
begin
  -- What reaches past Sunday goes on with Monday.
  return int4multirange(
    int4range(v_opens, least(v_closes, 10080)), int4range(0, greatest(v_closes - 10080, 0))
  );
end
$$;
comment on function clinic.week_minutes is 'A weekly window as minutes since Monday 00:00.';
grant execute on function clinic.week_minutes to anon, authenticated, service_role;

create table clinic.working_hours (
  id uuid not null default gen_random_uuid(),
  clinic_id uuid not null,
  dentist_id uuid not null,
  weekday smallint not null,
  opens time not null,
  closes time not null,
  valid_from date,
  valid_until date,
  -- What the exclusion constraint compares.
  minutes int4multirange not null generated always as (clinic.week_minutes(weekday, opens, closes)) stored,
  constraint working_hours_pkey primary key (id, clinic_id),
  constraint working_hours_dentist_fkey foreign key (dentist_id, clinic_id)
  references clinic.dentists (id, clinic_id) on delete cascade,
  constraint working_hours_weekday_is_iso check (weekday between 1 and 7),
  constraint working_hours_open_on_their_day check (opens < '24:00'),
  constraint working_hours_are_whole_minutes check (
    extract(second from opens) = 0 and extract(second from closes) = 0
  ),
  constraint working_hours_are_valid_for_some_days check (valid_from <= valid_until),
  constraint working_hours_no_overlap exclude using gist (
    dentist_id with =, clinic_id with =, minutes with &&, daterange(valid_from, valid_until, '[]') with &&
  )
);
comment on table clinic.working_hours is
'Weekly windows in the clinic''s wall-clock time; weekday is ISO (1 = Monday). What does not close after it opens, closes on the next day.
valid_from and valid_until, both included, are the days on which it may open; null: any.';
create index working_hours_dentist_idx on clinic.working_hours (dentist_id, clinic_id);

create table clinic.extra_hours (
  id uuid not null default gen_random_uuid(),
  clinic_id uuid not null,
  dentist_id uuid not null,
  during tstzrange not null,
  created_at timestamptz not null default now(),
  constraint extra_hours_pkey primary key (id, clinic_id),
  constraint extra_hours_dentist_fkey foreign key (dentist_id, clinic_id)
  references clinic.dentists (id, clinic_id) on delete cascade,
  constraint extra_hours_are_bounded check (
    not isempty(during) and lower_inc(during) and not upper_inc(during)
    and isfinite(lower(during)) and isfinite(upper(during)) and upper(during) - lower(during) <= '24 hours'
  )
);
comment on table clinic.extra_hours is 'Dated windows beside the weekly ones, at most 24 hours each.';
create index extra_hours_dentist_idx on clinic.extra_hours (dentist_id, clinic_id);
create index extra_hours_during_idx on clinic.extra_hours using gist (dentist_id, during);

create function clinic.entered_windows(
  clinic_id uuid, dentist_ids uuid [], time_zone text, from_day date, to_day date
)
returns table (dentist_id uuid, day date, opens_at timestamptz, closes_at timestamptz)
language plpgsql
stable
set search_path = ''
set plan_cache_mode = 'force_generic_plan' -- planning would cost more than running
as $$
begin
  return query
    select h.dentist_id, entered_windows.from_day + n, w.opens_at, w.closes_at
    from clinic.working_hours as h
    cross join generate_series(
      mod(h.weekday - extract(isodow from entered_windows.from_day)::integer + 7, 7),
      entered_windows.to_day - entered_windows.from_day, 7
    ) as n
    cross join lateral (
      select
        clinic.wall_instant(entered_windows.from_day + n + h.opens, entered_windows.time_zone) as opens_at,
        clinic.wall_instant(
          entered_windows.from_day + n + case when h.closes > h.opens then 0 else 1 end + h.closes,
          entered_windows.time_zone
        ) as closes_at
      offset 0 -- evaluates each once
    ) as w
    where
      h.dentist_id = any (entered_windows.dentist_ids) and h.clinic_id = entered_windows.clinic_id
      and (h.valid_from <= entered_windows.from_day + n) is not false
      and (h.valid_until >= entered_windows.from_day + n) is not false
      and w.opens_at < w.closes_at -- a window inside the hour that spring skips is none
    union all
    select x.dentist_id, (lower(x.during) at time zone entered_windows.time_zone)::date, lower(x.during), upper(x.during)
    from clinic.extra_hours as x
    where
      x.dentist_id = any (entered_windows.dentist_ids) and x.clinic_id = entered_windows.clinic_id
      and x.during && tstzrange(
        entered_windows.from_day::timestamp at time zone entered_windows.time_zone,
        (entered_windows.to_day + 1)::timestamp at time zone entered_windows.time_zone
      );
end
$$;
comment on function clinic.entered_windows is
'The windows entered for these dentists at the clinic that open on these clinic-local days, and the extra ones that reach into them, as instants, each with
the day it opens on. May overlap.';

create function clinic.working_windows(clinic_id uuid, dentist_ids uuid [], time_zone text, span tstzrange)
returns table (
  dentist_id uuid, opens_at timestamptz, closes_at timestamptz, grid_from timestamptz, whole tstzrange
)
language plpgsql
stable
set search_path = ''
set plan_cache_mode = 'force_generic_plan' -- planning would cost more than running
as $$
declare
  -- A window may have opened the day before, and touch one of the day before that; a clock that goes back at midnight
  -- has shown the next day already.
  v_from_day date := (lower(span) at time zone working_windows.time_zone)::date - 2;
  v_to_day date := (upper(span) at time zone working_windows.time_zone)::date + 1;
begin
  -- Windows that touch are one: each starts a new one unless an earlier one is still open, or has just closed.
  return query
    with entered as (
      select
        e.dentist_id, e.day, e.opens_at, e.closes_at,
        coalesce(max(e.closes_at) over (
          partition by e.dentist_id order by e.opens_at, e.closes_at rows between unbounded preceding and 1 preceding
        ) < e.opens_at, true) as is_new
      from clinic.entered_windows(
        working_windows.clinic_id, working_windows.dentist_ids, working_windows.time_zone, v_from_day, v_to_day
      ) as e
    ),

    numbered as (
      select
        e.dentist_id, e.day, e.opens_at, e.closes_at,
        count(*) filter (where e.is_new) over (partition by e.dentist_id order by e.opens_at, e.closes_at) as number
      from entered as e
    ),

    joined as (
      select
        n.dentist_id, n.opens_at, n.closes_at,
        min(n.opens_at) over (partition by n.dentist_id, n.number, n.day) as grid_from,
        tstzrange(
          min(n.opens_at) over (partition by n.dentist_id, n.number),
          max(n.closes_at) over (partition by n.dentist_id, n.number)
        ) as whole
      from numbered as n
    )

    select j.dentist_id, j.opens_at, j.closes_at, j.grid_from, j.whole
    from joined as j
    where j.whole && working_windows.span;
end
$$;
comment on function clinic.working_windows is
'The windows of these dentists at the clinic around this span, as they were entered, each with the whole window that it is part of: windows that touch
or overlap are one, across midnight too. grid_from is where the whole one opens on that clinic-local day.';

create function clinic.open_times(clinic_id uuid, dentist_ids uuid [], time_zone text, span tstzrange)
returns table (dentist_id uuid, spans tstzmultirange)
language plpgsql
stable
set search_path = ''
as $$
begin
  return query
    select e.dentist_id, range_agg(tstzrange(e.opens_at, e.closes_at)) * tstzmultirange(open_times.span)
    from clinic.entered_windows(
      open_times.clinic_id, open_times.dentist_ids, open_times.time_zone,
      -- One may have opened the day before; a clock that goes back at midnight has shown the next day already.
      (lower(open_times.span) at time zone open_times.time_zone)::date - 1,
      (upper(open_times.span) at time zone open_times.time_zone)::date + 1
    ) as e
    group by e.dentist_id;
end
$$;
comment on function clinic.open_times is 'When these dentists work at the clinic within the span.';

create function clinic.day_span(day date, time_zone text)
returns tstzrange
language plpgsql
immutable
set search_path = ''
as $$
begin
  return tstzrange(
    clinic.wall_instant(day_span.day, day_span.time_zone), clinic.wall_instant(day_span.day + 1, day_span.time_zone)
  );
end
$$;
comment on function clinic.day_span is 'A local day as instants: from the first at which the clock shows it until the first that shows the next.';
grant execute on function clinic.day_span to anon, authenticated, service_role;

-- Rows: opening hours are public -------------------------------------------------------------------------------------

alter table clinic.appointment_types enable row level security;
alter table clinic.working_hours enable row level security;
alter table clinic.extra_hours enable row level security;

create function clinic.my_past_types()
returns uuid[]
language plpgsql
stable
security definer -- called by the policies of the very table it reads
set search_path = ''
as $$
begin
  return array(
    select t.id from clinic.appointment_types as t
    where not t.is_active and (
      t.id in (select a.appointment_type_id from clinic.appointments as a where a.patient_id = any (clinic.my_patients()))
      or t.clinic_id = any (clinic.my_clinics('{chatbot}')) and exists (
        select from clinic.appointments as a where a.appointment_type_id = t.id and a.booked_by = (select auth.uid())
      )
    )
  );
end
$$;
comment on function clinic.my_past_types is 'The inactive types that the caller''s own appointments name: a patient''s, or those a chatbot booked.';
grant execute on function clinic.my_past_types to anon, authenticated, service_role;

create policy appointment_types_are_public on clinic.appointment_types
  for select to anon, authenticated
  using (
    is_active
    or clinic_id = any ((select clinic.my_clinics('{admin,dentist,receptionist}'))::uuid [])
    or id = any ((select clinic.my_past_types())::uuid [])
  );
grant select on clinic.appointment_types to anon, authenticated, service_role;

create policy working_hours_are_public on clinic.working_hours
  for select to anon, authenticated
  using (true);
grant select on clinic.working_hours to anon, authenticated, service_role;

create policy extra_hours_are_public on clinic.extra_hours
  for select to anon, authenticated
  using (true);
grant select on clinic.extra_hours to anon, authenticated, service_role;

create view api.appointment_types
with (security_invoker = true) as
  select
    t.id,
    t.clinic_id,
    t.name,
    t.duration,
    t.buffer_before,
    t.buffer_after,
    t.is_active,
    t.audience,
    t.min_notice,
    t.booking_horizon,
    t.slot_interval,
    t.max_per_day
  from clinic.appointment_types as t;
comment on view api.appointment_types is 'What can be booked. Public; inactive ones only for staff of their clinic, and for those whose appointments name them.';
grant select on api.appointment_types to anon, authenticated, service_role;

create view api.working_hours
with (security_invoker = true) as
  select
    h.id,
    h.clinic_id,
    h.dentist_id,
    h.weekday,
    h.opens,
    h.closes,
    h.valid_from,
    h.valid_until
  from clinic.working_hours as h;
comment on view api.working_hours is 'Weekly hours: ISO weekday, opens, closes (if not after opens: the next day), in the clinic''s wall-clock time;
valid_from and valid_until (null: always) are the first and the last day on which the window opens. Public.';
grant select on api.working_hours to anon, authenticated, service_role;

create view api.extra_hours
with (security_invoker = true) as
  select
    x.id,
    x.clinic_id,
    x.dentist_id,
    lower(x.during) as starts_at,
    upper(x.during) as ends_at
  from clinic.extra_hours as x;
comment on view api.extra_hours is 'Dated extra hours. Public.';
grant select on api.extra_hours to anon, authenticated, service_role;


-- The clinic's clock, for clients whose own machine may know other zones ----------------------------------------------

create function clinic.wall_clock(instant timestamptz, time_zone text)
returns text
language plpgsql
immutable
set search_path = ''
as $$
declare
  v_wall timestamp := instant at time zone wall_clock.time_zone;
  v_offset interval := v_wall - (instant at time zone 'UTC');
begin
  return to_char(v_wall, 'YYYY-MM-DD"T"HH24:MI:SS') || case when v_offset < '0' then '-' else '+' end
    || to_char(greatest(v_offset, -v_offset), 'HH24:MI');
end
$$;
comment on function clinic.wall_clock is 'What the zone''s clock shows at the instant, with its offset: 2026-12-01T10:00:00-05:00.';
grant execute on function clinic.wall_clock to anon, authenticated, service_role;

create function clinic.required_wall_time(value text, name text)
returns timestamp
language plpgsql
volatile
set search_path = ''
as $$
begin
  if clinic.is_calendar_day(value) and value < '2200' and value ~ '^.{10}[T ]([01][0-9]|2[0-3])(:[0-5][0-9]){1,2}$' then
    return value::timestamp;
  end if;
  perform clinic.refuse(
    'invalid_argument', format('%s must be times by the clinic''s clock, between the years 2000 and 2200.', name),
    hint => 'Send them without an offset: 2026-12-01T10:00.'
  );
  return null;
end
$$;
comment on function clinic.required_wall_time is 'The wall-clock time that the text names, ISO 8601 without an offset, or invalid_argument.';
grant execute on function clinic.required_wall_time to anon, authenticated, service_role;

create function clinic.required_texts(value jsonb, name text)
returns text []
language plpgsql
volatile
set search_path = ''
as $$
begin
  if
    jsonb_typeof(value) is distinct from 'array' or jsonb_array_length(value) > 10000
    or jsonb_path_exists(value, '$[*] ? (@.type() != "string")')
  then
    perform clinic.refuse('invalid_argument', format('%s must be an array of at most 10000 texts.', name));
  end if;
  return array(select t from jsonb_array_elements_text(value) with ordinality as e (t, number) order by e.number);
end
$$;
comment on function clinic.required_texts is 'The texts of a JSON array, or invalid_argument.';
grant execute on function clinic.required_texts to anon, authenticated, service_role;

create function api.clinic_time(clinic_id uuid, wall_times jsonb default '[]', instants jsonb default '[]')
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
  v_zone text;
  v_now timestamptz := clock_timestamp();
begin
  select c.time_zone into v_zone from clinic.clinics as c where c.id = clinic.required(clinic_time.clinic_id, 'clinic_id');
  if not found then
    perform clinic.refuse('not_found', 'There is no such clinic.');
  end if;
  return jsonb_build_object(
    'time_zone', v_zone,
    'server_now', v_now,
    'today', (v_now at time zone v_zone)::date,
    'instants', array(
      select clinic.wall_instant(clinic.required_wall_time(t, 'wall_times'), v_zone)
      from unnest(clinic.required_texts(clinic_time.wall_times, 'wall_times')) with ordinality as w (t, number)
      order by w.number
    ),
    'wall_times', array(
      select clinic.wall_clock(clinic.required_instant(t, 'instants'), v_zone)
      from unnest(clinic.required_texts(clinic_time.instants, 'instants')) with ordinality as i (t, number)
      order by i.number
    )
  );
end
$$;
comment on function api.clinic_time is
'The clinic''s clock, as the server knows time zones: {time_zone, server_now, today, instants, wall_times}. instants answers wall_times
(["2026-12-01T10:00"]): the first instant at which the clinic''s clock shows that time or a later one. wall_times answers instants: what the
clock shows then, with its offset. Errors: not_found, invalid_argument.';
grant execute on function api.clinic_time to anon, authenticated, service_role;
