-- Hours: how staff shape the time that can be booked. Every edit takes the dentist's lock, so it cannot race a
-- booking, and tells which appointments it leaves in an odd place. None cancels silently.

create function clinic.dentist_clinic(dentist_id uuid)
returns uuid
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_clinic_id uuid;
begin
  perform clinic.required(dentist_clinic.dentist_id, 'dentist_id');
  select d.clinic_id into v_clinic_id from clinic.dentists as d where d.id = dentist_clinic.dentist_id;
  if not found then
    perform clinic.refuse('not_found', 'There is no such dentist.');
  end if;
  return v_clinic_id;
end
$$;
comment on function clinic.dentist_clinic is 'The dentist''s clinic, or not_found.';

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

create function clinic.appointments_outside_hours(dentist_id uuid)
returns uuid []
language sql
volatile -- sees what the edit has just written
set search_path = ''
as $$
  select coalesce(array_agg(a.id), '{}')
  from clinic.appointments as a
  inner join clinic.clinics as c on a.clinic_id = c.id
  where
    a.dentist_id = appointments_outside_hours.dentist_id
    and a.status in ('booked', 'checked_in') and a.starts_at > clock_timestamp()
    and not exists (
      select from clinic.working_windows(array[a.dentist_id], c.time_zone, clinic.claimed(a)) as w
      where w.whole @> clinic.claimed(a)
    );
$$;
comment on function clinic.appointments_outside_hours is 'The dentist''s coming appointments that, with their buffers, no working window contains.';


-- Weekly hours -------------------------------------------------------------------------------------------------------

create function clinic.parse_weekly(weekly jsonb)
returns table (weekday smallint, opens time, closes time)
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_time constant text := '^([01][0-9]|2[0-3]):[0-5][0-9]$';
begin
  if jsonb_typeof(parse_weekly.weekly) is distinct from 'array' or jsonb_array_length(parse_weekly.weekly) > 100 then
    perform clinic.refuse('invalid_argument', 'weekly must be an array of at most 100 windows.');
  elsif exists (
    select from jsonb_array_elements(parse_weekly.weekly) as w
    where (
      w ->> 'weekday' ~ '^[1-7]$' and w ->> 'opens' ~ v_time
      and (w ->> 'closes' ~ v_time or w ->> 'closes' = '24:00')
    ) is not true
  ) then
    perform clinic.refuse('invalid_argument', 'A window is {"weekday": 1 to 7, "opens": "09:00", "closes": "12:00"}.');
  elsif exists (
    with windows as materialized (
      select
        n.number,
        clinic.week_minutes((w ->> 'weekday')::integer, (w ->> 'opens')::time, (w ->> 'closes')::time) as minutes
      from jsonb_array_elements(parse_weekly.weekly) with ordinality as n (w, number)
    )

    select from windows as a inner join windows as b on a.number < b.number and a.minutes && b.minutes
  ) then
    perform clinic.refuse('invalid_argument', 'Windows must not overlap.');
  end if;
  return query
    select (w ->> 'weekday')::smallint, (w ->> 'opens')::time, (w ->> 'closes')::time
    from jsonb_array_elements(parse_weekly.weekly) as w;
end
$$;
comment on function clinic.parse_weekly is 'The windows of [{"weekday": 1, "opens": "09:00", "closes": "12:00"}, …], or invalid_argument.';

create function clinic.describe_weekly(hours clinic.working_hours)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select jsonb_build_object(
    'weekday', hours.weekday, 'opens', to_char(hours.opens, 'HH24:MI'), 'closes', to_char(hours.closes, 'HH24:MI')
  );
$$;
comment on function clinic.describe_weekly is 'One weekly window as the API shows it.';

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
  with removed as (
    delete from clinic.working_hours as h
    where
      h.dentist_id = replace_hours.dentist_id
      and (h.weekday, h.opens, h.closes) not in (
        select n.weekday, n.opens, n.closes from clinic.parse_weekly(replace_hours.weekly) as n
      )
    returning h.*
  )
  select coalesce(jsonb_agg(clinic.describe_weekly(r) order by r.weekday, r.opens), '[]') into v_removed
  from removed as r;
  with added as (
    insert into clinic.working_hours (clinic_id, dentist_id, weekday, opens, closes)
    select replace_hours.clinic_id, replace_hours.dentist_id, n.weekday, n.opens, n.closes
    from clinic.parse_weekly(replace_hours.weekly) as n
    where not exists (
      select from clinic.working_hours as h
      where
        h.dentist_id = replace_hours.dentist_id and h.weekday = n.weekday
        and h.opens = n.opens and h.closes = n.closes
    )
    returning *
  )
  select coalesce(jsonb_agg(clinic.describe_weekly(a) order by a.weekday, a.opens), '[]') into v_added
  from added as a;
  return jsonb_build_object('added', v_added, 'removed', v_removed);
end
$$;
comment on function clinic.replace_hours is 'Makes the dentist''s week what weekly says: {added, removed}. Call it under the lock.';

create function clinic.set_availability(dentist_id uuid, weekly jsonb, dry_run boolean)
returns jsonb
language plpgsql
volatile
security definer -- edits hours for a caller it has checked
set search_path = ''
as $$
declare
  v_clinic_id uuid := clinic.dentist_clinic(set_availability.dentist_id);
  v_result jsonb;
begin
  perform clinic.require_calendar(v_clinic_id, set_availability.dentist_id);
  perform clinic.lock_dentists(set_availability.dentist_id);
  -- A dry run does the very same and takes it back.
  begin
    v_result := clinic.replace_hours(v_clinic_id, set_availability.dentist_id, set_availability.weekly);
    v_result := v_result || jsonb_build_object(
      'dentist_id', set_availability.dentist_id, 'dry_run', coalesce(set_availability.dry_run, false),
      'appointments_outside_hours',
      clinic.describe_appointments(clinic.appointments_outside_hours(set_availability.dentist_id))
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

create function api.set_availability(dentist_id uuid, weekly jsonb, dry_run boolean default false)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.set_availability(dentist_id, weekly, dry_run);
end
$$;
comment on function api.set_availability is
'Replaces a dentist''s weekly hours: [{"weekday": 1, "opens": "09:00", "closes": "12:00"}, …], ISO weekdays, clinic time.
A window that does not close after it opens, closes on the next day; windows that touch are one.
Returns {dentist_id, dry_run, added, removed, appointments_outside_hours}; those appointments stay as they are. With dry_run nothing changes.
Errors: not_authenticated, forbidden, not_found, invalid_argument.';
grant execute on function api.set_availability to anon, authenticated, service_role;

create function clinic.get_availability(dentist_id uuid)
returns jsonb
language plpgsql
stable
security definer -- shows time off to those who may know of it
set search_path = ''
as $$
declare
  v_clinic_id uuid := clinic.dentist_clinic(get_availability.dentist_id);
  v_now timestamptz := clock_timestamp();
begin
  return jsonb_build_object(
    'dentist_id', get_availability.dentist_id,
    'clinic_id', v_clinic_id,
    'time_zone', (select c.time_zone from clinic.clinics as c where c.id = v_clinic_id),
    'weekly', (
      select coalesce(jsonb_agg(clinic.describe_weekly(h) order by h.weekday, h.opens), '[]')
      from clinic.working_hours as h where h.dentist_id = get_availability.dentist_id
    ),
    'extra_hours', (
      select coalesce(jsonb_agg(jsonb_build_object(
        'id', x.id, 'starts_at', lower(x.during), 'ends_at', upper(x.during)
      ) order by x.during), '[]')
      from clinic.extra_hours as x
      where x.dentist_id = get_availability.dentist_id and upper(x.during) > v_now
    )
  ) || case
    when clinic.sees_calendar(v_clinic_id, get_availability.dentist_id)
      then jsonb_build_object('time_off', (
        select coalesce(jsonb_agg(jsonb_build_object(
          'id', t.id, 'starts_at', lower(t.during), 'ends_at', upper(t.during), 'reason', t.reason,
          'closure_id', t.closure_id
        ) order by t.during), '[]')
        from clinic.time_off as t
        where t.dentist_id = get_availability.dentist_id and upper(t.during) > v_now
      ))
    else '{}'
  end;
end
$$;
grant execute on function clinic.get_availability to anon, authenticated, service_role;

create function api.get_availability(dentist_id uuid)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
begin
  return clinic.get_availability(dentist_id);
end
$$;
comment on function api.get_availability is
'A dentist''s hours: {dentist_id, clinic_id, time_zone, weekly: [{weekday, opens, closes}], extra_hours: [{id, starts_at, ends_at}]} from now on;
for that dentist, admins and receptionists also time_off: [{id, starts_at, ends_at, reason, closure_id}], the last where the whole clinic is closed. Errors: not_found, invalid_argument.';
grant execute on function api.get_availability to anon, authenticated, service_role;


-- Extra hours --------------------------------------------------------------------------------------------------------

create function clinic.add_extra_hours(dentist_id uuid, starts_at text, ends_at text)
returns api.extra_hours
language plpgsql
volatile
security definer -- edits calendars for a caller it has checked
set search_path = ''
as $$
declare
  v_clinic_id uuid := clinic.dentist_clinic(add_extra_hours.dentist_id);
  v_starts_at timestamptz := clinic.required_instant(add_extra_hours.starts_at, 'starts_at');
  v_ends_at timestamptz := clinic.required_instant(add_extra_hours.ends_at, 'ends_at');
  v_id uuid;
  v_row api.extra_hours;
begin
  perform clinic.require_calendar(v_clinic_id, add_extra_hours.dentist_id);
  if v_ends_at <= v_starts_at or v_ends_at - v_starts_at > '24 hours' then
    perform clinic.refuse('invalid_argument', 'ends_at must be after starts_at, and at most 24 hours.');
  end if;
  perform clinic.lock_dentists(add_extra_hours.dentist_id);
  insert into clinic.extra_hours (clinic_id, dentist_id, during)
  values (v_clinic_id, add_extra_hours.dentist_id, tstzrange(v_starts_at, v_ends_at))
  returning id into v_id;
  select * into v_row from api.extra_hours as x where x.id = v_id;
  return v_row;
end
$$;
grant execute on function clinic.add_extra_hours to anon, authenticated, service_role;

create function api.add_extra_hours(dentist_id uuid, starts_at text, ends_at text)
returns api.extra_hours
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.add_extra_hours(dentist_id, starts_at, ends_at);
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
    perform clinic.refuse('not_found', 'There are no such extra hours.');
  end if;
  perform clinic.require_calendar(v_hours.clinic_id, v_hours.dentist_id);
  perform clinic.lock_dentists(v_hours.dentist_id);
  v_outside_before := clinic.appointments_outside_hours(v_hours.dentist_id);
  delete from clinic.extra_hours as x where x.id = v_hours.id;
  v_stranded := array(
    select s.id from unnest(clinic.appointments_outside_hours(v_hours.dentist_id)) as s (id)
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
