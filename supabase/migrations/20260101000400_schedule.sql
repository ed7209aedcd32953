-- Schedule: what can be booked, and when dentists work.

create table clinic.appointment_types (
  id uuid not null default gen_random_uuid(),
  clinic_id uuid not null,
  name text not null,
  duration interval not null,
  buffer_before interval not null default '0',
  buffer_after interval not null default '0',
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
  )
);
comment on table clinic.appointment_types is
'What can be booked. An appointment copies duration and buffers, so editing a type never resizes history.';

create table clinic.working_hours (
  id uuid not null default gen_random_uuid(),
  clinic_id uuid not null,
  dentist_id uuid not null,
  weekday smallint not null,
  opens time not null,
  closes time not null,
  -- Minutes since Monday 00:00: what the exclusion constraint compares.
  minutes int4range not null generated always as (
    int4range(
      ((weekday - 1) * 1440 + extract(epoch from opens) / 60)::integer,
      ((weekday - 1) * 1440 + extract(epoch from closes) / 60)::integer
    )
  ) stored,
  constraint working_hours_pkey primary key (id, clinic_id),
  constraint working_hours_dentist_fkey foreign key (dentist_id, clinic_id)
  references clinic.dentists (id, clinic_id) on delete cascade,
  constraint working_hours_weekday_is_iso check (weekday between 1 and 7),
  constraint working_hours_open_before_close check (opens < closes),
  constraint working_hours_are_whole_minutes check (
    extract(second from opens) = 0 and extract(second from closes) = 0
  ),
  constraint working_hours_no_overlap exclude using gist (dentist_id with =, minutes with &&)
);
comment on table clinic.working_hours is
'Weekly windows in the clinic''s wall-clock time; weekday is ISO (1 = Monday), closes may be 24:00.';
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

create function clinic.working_windows(dentist_ids uuid [], time_zone text, from_day date, to_day date)
returns table (dentist_id uuid, opens_at timestamptz, closes_at timestamptz)
language plpgsql
stable
set search_path = ''
set plan_cache_mode = 'force_generic_plan' -- planning would cost more than running
as $$
begin
  -- Wall-clock bounds become instants date by date, so a day of 23 or 25 hours has the right ones.
  return query
    select h.dentist_id, w.opens_at, w.closes_at
    from clinic.working_hours as h
    cross join generate_series(0, working_windows.to_day - working_windows.from_day) as n
    cross join lateral (
      select
        (working_windows.from_day + n + h.opens) at time zone working_windows.time_zone as opens_at,
        (working_windows.from_day + n + h.closes) at time zone working_windows.time_zone as closes_at
    ) as w
    where
      h.dentist_id = any (working_windows.dentist_ids)
      and h.weekday = extract(isodow from working_windows.from_day + n)
      and w.opens_at < w.closes_at -- a window inside the hour that spring skips is none
    union all
    select x.dentist_id, lower(x.during), upper(x.during)
    from clinic.extra_hours as x
    where
      x.dentist_id = any (working_windows.dentist_ids)
      and x.during && tstzrange(
        working_windows.from_day::timestamp at time zone working_windows.time_zone,
        (working_windows.to_day + 1)::timestamp at time zone working_windows.time_zone
      );
end
$$;
comment on function clinic.working_windows is
'The windows in which these dentists work on these clinic-local days, weekly and extra, as instants. May overlap.';

-- Rows: opening hours are public -------------------------------------------------------------------------------------

alter table clinic.appointment_types enable row level security;
alter table clinic.working_hours enable row level security;
alter table clinic.extra_hours enable row level security;

create policy appointment_types_are_public on clinic.appointment_types
  for select to anon, authenticated
  using (
    is_active
    or clinic_id = any ((select clinic.my_clinics('{admin,dentist,receptionist}'))::uuid [])
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
    t.is_active
  from clinic.appointment_types as t;
comment on view api.appointment_types is 'What can be booked. Public; inactive ones only for staff of their clinic.';
grant select on api.appointment_types to anon, authenticated, service_role;

create view api.working_hours
with (security_invoker = true) as
  select
    h.id,
    h.clinic_id,
    h.dentist_id,
    h.weekday,
    h.opens,
    h.closes
  from clinic.working_hours as h;
comment on view api.working_hours is 'Weekly hours: ISO weekday, opens, closes, in the clinic''s wall-clock time. Public.';
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
