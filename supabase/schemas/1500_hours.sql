-- Hours: how staff shape the time that can be booked. Every edit takes the dentist's lock, so it cannot race a
-- booking, and tells which appointments it leaves in an odd place. None cancels silently.

create function clinic.dentist_clinic(dentist_id uuid, clinic_id uuid default null)
returns uuid
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_ids uuid [];
begin
  perform clinic.required(dentist_clinic.dentist_id, 'dentist_id');
  v_ids := array(
    select d.clinic_id from clinic.dentists as d
    where d.id = dentist_clinic.dentist_id and (dentist_clinic.clinic_id is null or d.clinic_id = dentist_clinic.clinic_id)
  );
  if cardinality(v_ids) > 1 then
    -- Who works for one of them means that one.
    v_ids := coalesce(
      nullif(array(select c.id from unnest(clinic.my_clinics('{admin,dentist,receptionist}')) as c (id) where c.id = any (v_ids)), '{}'),
      v_ids
    );
  end if;
  if v_ids = '{}' then
    perform clinic.refuse('not_found');
  elsif cardinality(v_ids) > 1 then
    perform clinic.refuse('invalid_argument', 'The dentist works at several clinics.', hint => 'Say at which: clinic_id.');
  end if;
  return v_ids[1];
end
$$;
comment on function clinic.dentist_clinic is
'The dentist''s clinic: the one that is named, or the only one, or the only one of the caller''s. Errors: not_found, invalid_argument.';

create function clinic.describe_appointments(ids uuid [])
returns jsonb
language sql
stable
set search_path = ''
as $$
  select coalesce(jsonb_agg(jsonb_build_object(
    'appointment_id', a.id, 'dentist_id', a.dentist_id, 'patient_id', a.patient_id, 'patient_name', p.full_name,
    'starts_at', a.starts_at, 'ends_at', a.ends_at, 'status', a.status
  ) order by a.starts_at, a.id), '[]')
  from clinic.appointments as a
  inner join clinic.patients as p on a.patient_id = p.id and a.clinic_id = p.clinic_id
  where a.id = any (describe_appointments.ids);
$$;
comment on function clinic.describe_appointments is
'What staff are shown of appointments in the way: [{appointment_id, dentist_id, patient_id, patient_name, starts_at, ends_at, status}].';

create function clinic.without_names(appointments jsonb)
returns jsonb
language sql
immutable
set search_path = ''
as $$
  select coalesce(jsonb_agg(a - 'patient_name'), '[]') from jsonb_array_elements(without_names.appointments) as a;
$$;
comment on function clinic.without_names is
'What describe_appointments says, for a refusal: the server''s log has all of a refusal, and it must not name patients.';

create function clinic.appointments_outside_hours(dentist_id uuid, clinic_id uuid)
returns uuid []
language sql
volatile -- sees what the edit has just written
set search_path = ''
as $$
  -- By the ledger: who only looks in on a visit is as little there after hours as who leads it.
  select coalesce(array_agg(distinct a.id), '{}')
  from clinic.occupancy as o
  inner join clinic.appointments as a on o.id = a.id and o.clinic_id = a.clinic_id
  inner join clinic.clinics as c on a.clinic_id = c.id
  where
    o.resource_id = appointments_outside_hours.dentist_id and o.clinic_id = appointments_outside_hours.clinic_id
    and o.cause = 'appointment' and o.during && tstzrange(clock_timestamp(), null) and a.starts_at > clock_timestamp()
    and not exists (
      select from clinic.working_windows(o.clinic_id, array[o.resource_id], c.time_zone, o.during) as w
      where w.whole @> o.during
    );
$$;
comment on function clinic.appointments_outside_hours is
'The coming appointments at the clinic that this dentist leads or takes part in while, buffers included, no working window is theirs.';


-- Weekly hours -------------------------------------------------------------------------------------------------------

create function clinic.parse_weekly(weekly jsonb)
returns table (weekday smallint, opens time, closes time, valid_from date, valid_until date)
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_time constant text := '^([01][0-9]|2[0-3]):[0-5][0-9]$';
begin
  if jsonb_typeof(parse_weekly.weekly) is distinct from 'array' or jsonb_array_length(parse_weekly.weekly) > 200 then
    perform clinic.refuse('invalid_argument', 'weekly must be an array of at most 200 windows.');
  elsif exists (
    select from jsonb_array_elements(parse_weekly.weekly) as w
    where (
      w ->> 'weekday' ~ '^[1-7]$' and w ->> 'opens' ~ v_time
      and (w ->> 'closes' ~ v_time or w ->> 'closes' = '24:00')
    ) is not true
  ) then
    perform clinic.refuse('invalid_argument', 'A window is {"weekday": 1 to 7, "opens": "09:00", "closes": "12:00"}.');
  end if;
  return query
    select
      (w ->> 'weekday')::smallint, (w ->> 'opens')::time, (w ->> 'closes')::time,
      case when w ->> 'valid_from' is not null then clinic.required_day(w ->> 'valid_from', 'valid_from') end,
      case when w ->> 'valid_until' is not null then clinic.required_day(w ->> 'valid_until', 'valid_until') end
    from jsonb_array_elements(parse_weekly.weekly) as w;
end
$$;
comment on function clinic.parse_weekly is
'The windows of [{"weekday": 1, "opens": "09:00", "closes": "12:00", "valid_from": "2027-01-01", "valid_until": null}, …], or invalid_argument.';

create function clinic.require_rota(weekly jsonb)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
  if exists (select from clinic.parse_weekly(require_rota.weekly) as w where w.valid_from > w.valid_until) then
    perform clinic.refuse('invalid_argument', 'valid_until must not be before valid_from.');
  elsif exists (
    with windows as materialized (
      select
        w.*, row_number() over () as number, clinic.week_minutes(w.weekday, w.opens, w.closes) as minutes,
        daterange(w.valid_from, w.valid_until, '[]') as days
      from clinic.parse_weekly(require_rota.weekly) as w
    )

    select from windows as a inner join windows as b on a.number < b.number and a.minutes && b.minutes and a.days && b.days
  ) then
    perform clinic.refuse('invalid_argument', 'Windows must not overlap.');
  end if;
end
$$;
comment on function clinic.require_rota is 'Passes weekly windows that do not overlap on any day; otherwise invalid_argument.';

create function clinic.describe_weekly(hours clinic.working_hours)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select jsonb_strip_nulls(jsonb_build_object(
    'weekday', hours.weekday, 'opens', to_char(hours.opens, 'HH24:MI'), 'closes', to_char(hours.closes, 'HH24:MI'),
    'valid_from', hours.valid_from, 'valid_until', hours.valid_until
  ));
$$;
comment on function clinic.describe_weekly is 'One weekly window as the API shows it; without valid_from and valid_until where it is always valid.';

create function clinic.replace_hours(clinic_id uuid, dentist_id uuid, weekly jsonb)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_removed jsonb;
  v_added jsonb;
begin
  perform clinic.require_rota(replace_hours.weekly);
  with removed as (
    delete from clinic.working_hours as h
    where
      h.dentist_id = replace_hours.dentist_id and h.clinic_id = replace_hours.clinic_id
      and not exists (
        select from clinic.parse_weekly(replace_hours.weekly) as n
        where
          (n.weekday, n.opens, n.closes) = (h.weekday, h.opens, h.closes)
          and (n.valid_from, n.valid_until) is not distinct from (h.valid_from, h.valid_until)
      )
    returning h.*
  )
  select coalesce(jsonb_agg(clinic.describe_weekly(r) order by r.valid_from nulls first, r.weekday, r.opens), '[]') into v_removed
  from removed as r;
  with added as (
    insert into clinic.working_hours (clinic_id, dentist_id, weekday, opens, closes, valid_from, valid_until)
    select
      replace_hours.clinic_id, replace_hours.dentist_id, n.weekday, n.opens, n.closes, n.valid_from, n.valid_until
    from clinic.parse_weekly(replace_hours.weekly) as n
    where not exists (
      select from clinic.working_hours as h
      where
        h.dentist_id = replace_hours.dentist_id and h.clinic_id = replace_hours.clinic_id
        and (n.weekday, n.opens, n.closes) = (h.weekday, h.opens, h.closes)
        and (n.valid_from, n.valid_until) is not distinct from (h.valid_from, h.valid_until)
    )
    returning *
  )
  select coalesce(jsonb_agg(clinic.describe_weekly(a) order by a.valid_from nulls first, a.weekday, a.opens), '[]') into v_added
  from added as a;
  return jsonb_build_object('added', v_added, 'removed', v_removed);
end
$$;
comment on function clinic.replace_hours is 'Makes the dentist''s week what weekly says: {added, removed}. Call it under the lock.';

create function clinic.set_availability(dentist_id uuid, weekly jsonb, dry_run boolean, clinic_id uuid)
returns jsonb
language plpgsql
volatile
security definer -- edits hours for a caller it has checked
set search_path = ''
as $$
declare
  v_clinic_id uuid := clinic.dentist_clinic(set_availability.dentist_id, set_availability.clinic_id);
  v_result jsonb;
begin
  perform clinic.require_calendar(v_clinic_id, set_availability.dentist_id);
  perform clinic.lock_calendars(variadic clinic.with_waiting(array[set_availability.dentist_id]));
  -- A dry run does the very same and takes it back.
  begin
    v_result := clinic.replace_hours(v_clinic_id, set_availability.dentist_id, set_availability.weekly);
    v_result := v_result || jsonb_build_object(
      'dentist_id', set_availability.dentist_id, 'dry_run', coalesce(set_availability.dry_run, false),
      'appointments_outside_hours',
      clinic.describe_appointments(clinic.appointments_outside_hours(set_availability.dentist_id, v_clinic_id))
    );
    if set_availability.dry_run then
      raise sqlstate 'CTDRY';
    end if;
  exception
    when sqlstate 'CTDRY' then null;
  end;
  return v_result;
end
$$;
grant execute on function clinic.set_availability to anon, authenticated, service_role;

create function api.set_availability(
  dentist_id uuid, weekly jsonb, dry_run boolean default false, clinic_id uuid default null
)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.set_availability(dentist_id, weekly, dry_run, clinic_id);
end
$$;
comment on function api.set_availability is
'Replaces a dentist''s weekly hours: [{"weekday": 1, "opens": "09:00", "closes": "12:00"}, …], ISO weekdays, clinic time.
A window that does not close after it opens, closes on the next day; windows that touch are one. valid_from and valid_until (YYYY-MM-DD, both
included, both optional) are the days on which a window may open: a rota that starts next month. Who works at several clinics is set at clinic_id.
Returns {dentist_id, dry_run, added, removed, appointments_outside_hours}; those appointments, also those the dentist only takes part in, stay as they are. With dry_run nothing changes.
Errors: not_authenticated, forbidden, not_found, invalid_argument.';
grant execute on function api.set_availability to anon, authenticated, service_role;

create function clinic.absences(resource_id uuid, clinic_id uuid, span tstzrange)
returns table (id uuid, during tstzrange, reason text, closure_id uuid)
language sql
stable
set search_path = ''
as $$
  select t.id, t.during, t.reason, null::uuid
  from clinic.time_off as t
  where t.resource_id = absences.resource_id and t.clinic_id = absences.clinic_id and t.during && absences.span
  union all
  select c.id, c.during, c.reason, c.id as closure_id
  from clinic.closures as c
  where c.clinic_id = absences.clinic_id and c.during && absences.span;
$$;
comment on function clinic.absences is 'When somebody, or a chair, is not there within the span, and when the whole clinic is closed (closure_id).';

create function clinic.get_availability(dentist_id uuid, clinic_id uuid)
returns jsonb
language plpgsql
stable
security definer -- shows time off to those who may know of it
set search_path = ''
as $$
declare
  v_clinic_id uuid := clinic.dentist_clinic(get_availability.dentist_id, get_availability.clinic_id);
  v_now timestamptz := clock_timestamp();
begin
  return jsonb_build_object(
    'dentist_id', get_availability.dentist_id,
    'clinic_id', v_clinic_id,
    'time_zone', (select c.time_zone from clinic.clinics as c where c.id = v_clinic_id),
    'weekly', (
      select coalesce(jsonb_agg(clinic.describe_weekly(h) order by h.valid_from nulls first, h.weekday, h.opens), '[]')
      from clinic.working_hours as h where h.dentist_id = get_availability.dentist_id and h.clinic_id = v_clinic_id
    ),
    'extra_hours', (
      select coalesce(jsonb_agg(jsonb_build_object(
        'id', x.id, 'starts_at', lower(x.during), 'ends_at', upper(x.during)
      ) order by x.during), '[]')
      from clinic.extra_hours as x
      where x.dentist_id = get_availability.dentist_id and x.clinic_id = v_clinic_id and upper(x.during) > v_now
    )
  ) || case
    when clinic.sees_calendar(v_clinic_id, get_availability.dentist_id)
      then jsonb_build_object('time_off', (
        select coalesce(jsonb_agg(jsonb_build_object(
          'id', t.id, 'starts_at', lower(t.during), 'ends_at', upper(t.during), 'reason', t.reason,
          'closure_id', t.closure_id
        ) order by t.during), '[]')
        from clinic.absences(get_availability.dentist_id, v_clinic_id, tstzrange(v_now, null)) as t
      ))
    else '{}'
  end;
end
$$;
grant execute on function clinic.get_availability to anon, authenticated, service_role;

create function api.get_availability(dentist_id uuid, clinic_id uuid default null)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
begin
  return clinic.get_availability(dentist_id, clinic_id);
end
$$;
comment on function api.get_availability is
'A dentist''s hours: {dentist_id, clinic_id, time_zone, weekly: [{weekday, opens, closes, valid_from, valid_until (where they are not always valid)}], extra_hours: [{id, starts_at, ends_at}]} from now on;
for that dentist, admins and receptionists also time_off: [{id, starts_at, ends_at, reason, closure_id}], the last where the whole clinic is closed. Errors: not_found, invalid_argument.';
grant execute on function api.get_availability to anon, authenticated, service_role;


-- Extra hours --------------------------------------------------------------------------------------------------------

create function clinic.add_extra_hours(dentist_id uuid, starts_at text, ends_at text, clinic_id uuid)
returns api.extra_hours
language plpgsql
volatile
security definer -- edits calendars for a caller it has checked
set search_path = ''
as $$
declare
  v_clinic_id uuid := clinic.dentist_clinic(add_extra_hours.dentist_id, add_extra_hours.clinic_id);
  v_starts_at timestamptz := clinic.required_instant(add_extra_hours.starts_at, 'starts_at');
  v_ends_at timestamptz := clinic.required_instant(add_extra_hours.ends_at, 'ends_at');
  v_id uuid;
  v_row api.extra_hours;
begin
  perform clinic.require_calendar(v_clinic_id, add_extra_hours.dentist_id);
  if v_ends_at <= v_starts_at or v_ends_at - v_starts_at > '24 hours' then
    perform clinic.refuse('invalid_argument', 'ends_at must be after starts_at, and at most 24 hours.');
  end if;
  perform clinic.lock_calendars(variadic clinic.with_waiting(array[add_extra_hours.dentist_id]));
  insert into clinic.extra_hours (clinic_id, dentist_id, during)
  values (v_clinic_id, add_extra_hours.dentist_id, tstzrange(v_starts_at, v_ends_at))
  returning id into v_id;
  select * into v_row from api.extra_hours as x where x.id = v_id;
  return v_row;
end
$$;
grant execute on function clinic.add_extra_hours to anon, authenticated, service_role;

create function api.add_extra_hours(dentist_id uuid, starts_at text, ends_at text, clinic_id uuid default null)
returns api.extra_hours
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.add_extra_hours(dentist_id, starts_at, ends_at, clinic_id);
end
$$;
comment on function api.add_extra_hours is
'Adds a dated working window beside the weekly ones; its starts count from starts_at, and where it touches
others also from theirs. Returns the row.
Errors: not_authenticated, forbidden, not_found, invalid_argument.';
grant execute on function api.add_extra_hours to anon, authenticated, service_role;

create function clinic.remove_extra_hours(extra_hours_id uuid)
returns boolean
language plpgsql
volatile
security definer -- edits calendars for a caller it has checked
set search_path = ''
as $$
declare
  v_hours clinic.extra_hours;
  v_outside_before uuid [];
  v_stranded uuid [];
begin
  perform clinic.require_user();
  perform clinic.required(remove_extra_hours.extra_hours_id, 'extra_hours_id');
  select * into v_hours from clinic.extra_hours as x where x.id = remove_extra_hours.extra_hours_id;
  if not found then
    perform clinic.refuse('not_found');
  end if;
  perform clinic.require_calendar(v_hours.clinic_id, v_hours.dentist_id);
  perform clinic.lock_calendars(v_hours.dentist_id);
  v_outside_before := clinic.appointments_outside_hours(v_hours.dentist_id, v_hours.clinic_id);
  delete from clinic.extra_hours as x where x.id = v_hours.id;
  v_stranded := array(
    select s.id from unnest(clinic.appointments_outside_hours(v_hours.dentist_id, v_hours.clinic_id)) as s (id)
    where s.id <> all (v_outside_before)
  );
  if v_stranded <> '{}' then
    perform clinic.refuse(
      'appointments_in_the_way', details => clinic.without_names(clinic.describe_appointments(v_stranded))::text,
      hint => 'Move or cancel them first.'
    );
  end if;
  return true;
end
$$;
grant execute on function clinic.remove_extra_hours to anon, authenticated, service_role;

create function api.remove_extra_hours(extra_hours_id uuid)
returns boolean
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.remove_extra_hours(extra_hours_id);
end
$$;
comment on function api.remove_extra_hours is
'Removes extra hours, unless appointments would be left outside working hours.
Errors: not_authenticated, forbidden, not_found, invalid_argument, appointments_in_the_way (details: which, as JSON).';
grant execute on function api.remove_extra_hours to anon, authenticated, service_role;
