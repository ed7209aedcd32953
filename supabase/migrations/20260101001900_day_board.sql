-- The day board: one call draws a clinic's day.

create function clinic.dentist_day(
  dentist clinic.dentists, time_zone text, starts_at timestamptz, ends_at timestamptz
)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select jsonb_build_object(
    'dentist_id', dentist.id,
    'full_name', dentist.full_name,
    'specialty', dentist.specialty,
    'is_active', dentist.is_active,
    'dentist_seq', coalesce((select n.last_seq from clinic.dentist_counters as n where n.dentist_id = dentist.id), 0),
    'hours', (
      select coalesce(jsonb_agg(jsonb_build_object('starts_at', lower(h.during), 'ends_at', upper(h.during)) order by h.during), '[]')
      from clinic.open_times(
        array[dentist.id], dentist_day.time_zone, tstzrange(dentist_day.starts_at, dentist_day.ends_at)
      ) as w
      cross join unnest(w.spans) as h (during)
    ),
    'appointments', (
      select coalesce(jsonb_agg(to_jsonb(v) || jsonb_build_object(
        'patient_name', p.full_name, 'appointment_type', t.name,
        'blocked_from', a.starts_at - a.buffer_before, 'blocked_until', a.ends_at + a.buffer_after
      ) order by a.starts_at, a.created_at), '[]')
      from clinic.appointments as a
      inner join api.appointments as v on a.id = v.id
      inner join clinic.patients as p on a.patient_id = p.id and a.clinic_id = p.clinic_id
      inner join clinic.appointment_types as t on a.appointment_type_id = t.id and a.clinic_id = t.clinic_id
      where
        a.dentist_id = dentist.id
        -- Twelve hours is the longest appointment: so far back must an index look.
        and a.starts_at > dentist_day.starts_at - interval '12 hours' and a.starts_at < dentist_day.ends_at
        and a.ends_at > dentist_day.starts_at
    ),
    'holds', (
      select coalesce(jsonb_agg(jsonb_build_object(
        'id', r.id, 'patient_id', r.patient_id, 'patient_name', p.full_name,
        'appointment_type_id', r.appointment_type_id, 'starts_at', r.starts_at, 'ends_at', r.ends_at,
        'blocked_from', r.starts_at - r.buffer_before, 'blocked_until', r.ends_at + r.buffer_after,
        'expires_at', r.expires_at
      ) order by r.starts_at), '[]')
      from clinic.slot_reservations as r
      left join clinic.patients as p on r.patient_id = p.id and r.clinic_id = p.clinic_id
      where
        r.dentist_id = dentist.id and r.outcome is null and r.expires_at > clock_timestamp()
        and r.starts_at < dentist_day.ends_at and r.ends_at > dentist_day.starts_at
    ),
    'time_off', (
      select coalesce(jsonb_agg(jsonb_build_object(
        'id', o.id, 'starts_at', lower(o.during), 'ends_at', upper(o.during), 'reason', o.reason
      ) order by o.during), '[]')
      from clinic.time_off as o
      where o.dentist_id = dentist.id and o.during && tstzrange(dentist_day.starts_at, dentist_day.ends_at)
    )
  );
$$;
comment on function clinic.dentist_day is 'One dentist''s column of the day board.';

create function clinic.clinic_day(clinic_id uuid, day text)
returns jsonb
language plpgsql
stable
security definer -- collects a day for staff it has checked
set search_path = ''
as $$
declare
  v_role text := clinic.require_reader(
    clinic.required(clinic_day.clinic_id, 'clinic_id'), 'admin', 'receptionist', 'dentist'
  );
  v_day date := clinic.required_day(clinic_day.day, 'day');
  v_clinic clinic.clinics;
  v_starts_at timestamptz;
  v_ends_at timestamptz;
begin
  select * into v_clinic from clinic.clinics as c where c.id = clinic_day.clinic_id;
  if not found then
    perform clinic.refuse('not_found', 'There is no such clinic.');
  end if;
  v_starts_at := clinic.wall_instant(v_day, v_clinic.time_zone);
  v_ends_at := clinic.wall_instant(v_day + 1, v_clinic.time_zone);
  return jsonb_build_object(
    'clinic_id', v_clinic.id,
    'day', v_day,
    'time_zone', v_clinic.time_zone,
    'starts_at', v_starts_at,
    'ends_at', v_ends_at,
    'server_now', clock_timestamp(),
    'dentists', (
      select coalesce(jsonb_agg(
        clinic.dentist_day(d, v_clinic.time_zone, v_starts_at, v_ends_at) order by d.full_name, d.id
      ), '[]')
      from clinic.dentists as d
      where
        d.clinic_id = v_clinic.id
        and (v_role <> 'dentist' or d.id = any (clinic.my_dentists()))
        and (d.is_active or exists (
          select from clinic.appointments as a
          where
            a.dentist_id = d.id and a.starts_at > v_starts_at - interval '12 hours' and a.starts_at < v_ends_at
            and a.ends_at > v_starts_at
        ))
    )
  );
end
$$;
grant execute on function clinic.clinic_day to anon, authenticated, service_role;

create function api.clinic_day(clinic_id uuid, day text)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
begin
  return clinic.clinic_day(clinic_id, day);
end
$$;
comment on function api.clinic_day is
'For staff, all that a day board shows of a day (YYYY-MM-DD): {clinic_id, day, time_zone, starts_at, ends_at, server_now, dentists: [{dentist_id, full_name,
specialty, is_active, dentist_seq, hours: [{starts_at, ends_at}], appointments: [appointment with patient_name, appointment_type,
blocked_from, blocked_until], holds: [{id, patient_id, patient_name, appointment_type_id, starts_at, ends_at, blocked_from,
blocked_until, expires_at}], time_off: [{id, starts_at, ends_at, reason}]}]}. A dentist sees their own column.
Errors: not_authenticated, forbidden, not_found, invalid_argument.';
grant execute on function api.clinic_day to anon, authenticated, service_role;
