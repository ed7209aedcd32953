-- The day board: one call draws a clinic's day.

create function clinic.describe_parts(
  parts clinic.visit_part [], clinic_id uuid, starts_at timestamptz, ends_at timestamptz, buffer_before interval, buffer_after interval
)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select coalesce(jsonb_agg(jsonb_build_object(
    'part', p.part, 'needs', p.needs, 'only_resources', p.only_resources, 'resource_id', p.resource_id, 'name', r.name,
    'starts_at', lower(c.during), 'ends_at', upper(c.during)
  ) order by p.part), '[]')
  from unnest(describe_parts.parts) as p
  cross join lateral (
    select clinic.part_claim(
      p, describe_parts.starts_at, describe_parts.ends_at, describe_parts.buffer_before, describe_parts.buffer_after
    ) as during
  ) as c
  left join clinic.resources as r on p.resource_id = r.id and r.clinic_id = describe_parts.clinic_id;
$$;
comment on function clinic.describe_parts is
'What a visit takes beside its leader: [{part, needs, only_resources, resource_id, name, starts_at, ends_at}], buffers included.';

create function clinic.describe_absences(resource_id uuid, clinic_id uuid, span tstzrange)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select coalesce(jsonb_agg(jsonb_build_object(
    'id', o.id, 'starts_at', lower(o.during), 'ends_at', upper(o.during), 'reason', o.reason, 'closure_id', o.closure_id
  ) order by o.during), '[]')
  from clinic.absences(describe_absences.resource_id, describe_absences.clinic_id, describe_absences.span) as o;
$$;
comment on function clinic.describe_absences is 'Time off and closures within the span: [{id, starts_at, ends_at, reason, closure_id}].';

create function clinic.participations(dentist clinic.dentists, span tstzrange)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select coalesce(jsonb_agg(jsonb_build_object(
    'appointment_id', a.id, 'part', o.part, 'starts_at', lower(o.during), 'ends_at', upper(o.during),
    'dentist_id', a.dentist_id, 'patient_id', a.patient_id, 'patient_name', p.full_name, 'appointment_type', t.name
  ) order by o.during), '[]')
  from clinic.occupancy as o
  inner join clinic.appointments as a on o.id = a.id and o.clinic_id = a.clinic_id
  inner join clinic.patients as p on a.patient_id = p.id and a.clinic_id = p.clinic_id
  inner join clinic.appointment_types as t on a.appointment_type_id = t.id and a.clinic_id = t.clinic_id
  where
    o.resource_id = dentist.id and o.clinic_id = dentist.clinic_id and o.during && participations.span
    and o.part > 0 and o.cause = 'appointment';
$$;
comment on function clinic.participations is
'Where somebody takes part in visits that others lead: [{appointment_id, part, starts_at, ends_at, dentist_id (who leads), patient_id, patient_name, appointment_type}].';

create function clinic.elsewhere(dentist clinic.dentists, span tstzrange)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select coalesce(jsonb_agg(jsonb_build_object('starts_at', lower(o.during), 'ends_at', upper(o.during)) order by o.during), '[]')
  from clinic.occupancy as o
  where
    o.resource_id = dentist.id and o.clinic_id <> dentist.clinic_id and o.during && elsewhere.span
    and (o.expires_at is null or o.expires_at > clock_timestamp());
$$;
comment on function clinic.elsewhere is 'When another clinic has taken somebody''s time: [{starts_at, ends_at}], and no more than that.';

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
    'profession', dentist.profession,
    'specialty', dentist.specialty,
    'is_active', dentist.is_active,
    'dentist_seq', coalesce((
      select n.last_seq from clinic.dentist_counters as n
      where n.dentist_id = dentist.id and n.clinic_id = dentist.clinic_id
    ), 0),
    'hours', (
      select coalesce(jsonb_agg(jsonb_build_object('starts_at', lower(h.during), 'ends_at', upper(h.during)) order by h.during), '[]')
      from clinic.open_times(
        dentist.clinic_id, array[dentist.id], dentist_day.time_zone, tstzrange(dentist_day.starts_at, dentist_day.ends_at)
      ) as w
      cross join unnest(w.spans) as h (during)
    ),
    'appointments', (
      select coalesce(jsonb_agg(to_jsonb(v) || jsonb_build_object(
        'patient_name', p.full_name, 'appointment_type', t.name,
        'blocked_from', a.starts_at - a.buffer_before, 'blocked_until', a.ends_at + a.buffer_after,
        'parts', clinic.describe_parts(a.parts, a.clinic_id, a.starts_at, a.ends_at, a.buffer_before, a.buffer_after),
        'next_steps', clinic.next_steps(a.status, a.starts_at, dentist_day.time_zone)
      ) order by a.starts_at, a.created_at), '[]')
      from clinic.appointments as a
      inner join api.appointments as v on a.id = v.id
      inner join clinic.patients as p on a.patient_id = p.id and a.clinic_id = p.clinic_id
      inner join clinic.appointment_types as t on a.appointment_type_id = t.id and a.clinic_id = t.clinic_id
      where
        a.dentist_id = dentist.id and a.clinic_id = dentist.clinic_id
        -- Twelve hours is the longest appointment: so far back must an index look.
        and a.starts_at > dentist_day.starts_at - interval '12 hours' and a.starts_at < dentist_day.ends_at
        and a.ends_at > dentist_day.starts_at
    ),
    'holds', (
      select coalesce(jsonb_agg(jsonb_build_object(
        'id', r.id, 'patient_id', r.patient_id, 'patient_name', p.full_name,
        'appointment_type_id', r.appointment_type_id, 'starts_at', r.starts_at, 'ends_at', r.ends_at,
        'blocked_from', r.starts_at - r.buffer_before, 'blocked_until', r.ends_at + r.buffer_after,
        'expires_at', r.expires_at, 'waitlist_id', r.waitlist_id,
        'parts', clinic.describe_parts(r.parts, r.clinic_id, r.starts_at, r.ends_at, r.buffer_before, r.buffer_after)
      ) order by r.starts_at), '[]')
      from clinic.slot_reservations as r
      left join clinic.patients as p on r.patient_id = p.id and r.clinic_id = p.clinic_id
      where
        r.dentist_id = dentist.id and r.clinic_id = dentist.clinic_id and r.outcome is null and r.expires_at > clock_timestamp()
        and r.starts_at < dentist_day.ends_at and r.ends_at > dentist_day.starts_at
    ),
    'participations', clinic.participations(dentist, tstzrange(dentist_day.starts_at, dentist_day.ends_at)),
    'elsewhere', clinic.elsewhere(dentist, tstzrange(dentist_day.starts_at, dentist_day.ends_at)),
    'time_off', clinic.describe_absences(
      dentist.id, dentist.clinic_id, tstzrange(dentist_day.starts_at, dentist_day.ends_at)
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
        and (v_role <> 'dentist' or d.id = any (clinic.my_dentists(v_clinic.id)))
        and (d.is_active or exists (
          select from clinic.appointments as a
          where
            a.dentist_id = d.id and a.clinic_id = d.clinic_id and a.starts_at > v_starts_at - interval '12 hours' and a.starts_at < v_ends_at
            and a.ends_at > v_starts_at
        ))
    ),
    'resources', (
      select coalesce(jsonb_agg(jsonb_build_object(
        'resource_id', r.id, 'kind', r.kind, 'name', r.name, 'is_active', r.is_active,
        'time_off', clinic.describe_absences(r.id, r.clinic_id, tstzrange(v_starts_at, v_ends_at))
      ) order by r.kind, r.name), '[]')
      from clinic.resources as r
      where
        r.clinic_id = v_clinic.id and r.kind <> 'practitioner'
        and (r.is_active or exists (
          select from clinic.occupancy as o where o.resource_id = r.id and o.during && tstzrange(v_starts_at, v_ends_at)
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
profession, specialty, is_active, dentist_seq, hours: [{starts_at, ends_at}], appointments: [appointment with patient_name, appointment_type,
blocked_from, blocked_until, parts: [{part, needs, only_resources (null: any of them will do), resource_id, name, starts_at, ends_at}]], holds: [{id, patient_id, patient_name,
appointment_type_id, starts_at, ends_at, blocked_from, blocked_until, expires_at, parts}], participations: [{appointment_id, part, starts_at, ends_at,
dentist_id (who leads), patient_id, patient_name, appointment_type}], elsewhere: [{starts_at, ends_at}] (taken by another clinic), time_off: [{id,
starts_at, ends_at, reason, closure_id}]}], resources: [{resource_id, kind, name, is_active, time_off}] (chairs and equipment)}. A dentist sees
their own column.
Errors: not_authenticated, forbidden, not_found, invalid_argument.';
grant execute on function api.clinic_day to anon, authenticated, service_role;
