-- Absences: how staff take time off the calendar and put it back, for a person, a chair or the whole clinic. Appointments
-- in the way refuse it, or stay or are cancelled on demand; never silently.

create function clinic.claims_in_the_way(resource_ids uuid [], during tstzrange)
returns setof clinic.occupancy
language sql
stable
set search_path = ''
as $$
  -- Each by the ledger's index: an array of resources would be looked up through all their history.
  select o.*
  from unnest(claims_in_the_way.resource_ids) as r (id)
  inner join clinic.occupancy as o on r.id = o.resource_id and o.during && claims_in_the_way.during;
$$;
comment on function clinic.claims_in_the_way is 'What is claimed of these resources in this time, at whichever clinic.';

create function clinic.visits_in_the_way(clinic_id uuid, resource_ids uuid [], during tstzrange)
returns uuid []
language sql
stable
set search_path = ''
as $$
  select array(
    select distinct o.id
    from clinic.claims_in_the_way(visits_in_the_way.resource_ids, visits_in_the_way.during) as o
    where o.clinic_id = visits_in_the_way.clinic_id and o.cause = 'appointment'
  );
$$;
comment on function clinic.visits_in_the_way is 'The clinic''s appointments that take any of these resources in this time, whoever leads them.';

create function clinic.lock_absence(
  clinic_id uuid, resource_ids uuid [], during tstzrange, is_closure boolean default false
)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
  -- A visit in the way is freed whole, and so is a hold.
  perform clinic.lock_calendars(variadic clinic.with_waiting(lock_absence.resource_ids) || array(
    select distinct other.resource_id
    from clinic.claims_in_the_way(lock_absence.resource_ids, lock_absence.during) as o
    inner join clinic.occupancy as other on o.id = other.id
    -- A closed clinic touches nothing of another, and waits for nobody there.
    where o.clinic_id = lock_absence.clinic_id or not is_closure
  ) || case when exists (select from unnest(lock_absence.resource_ids) as r (id) where not exists (
    select from clinic.dentists as d where d.id = r.id and d.clinic_id = lock_absence.clinic_id
  )) then array(select d.id from clinic.dentists as d where d.clinic_id = lock_absence.clinic_id) else '{}' end);
end
$$;
comment on function clinic.lock_absence is
'Waits for these calendars and all that visits in the way take; a chair''s absence is told to everybody''s, so for theirs, too. Errors: try_again.';

create function clinic.clear_calendar(
  clinic_id uuid, resource_ids uuid [], during tstzrange, reason text, is_closure boolean, keeps_visits boolean
)
returns uuid []
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_id uuid;
  v_cancelled uuid [] := array[]::uuid [];
begin
  perform clinic.end_holds(array(
    select o.id from clinic.claims_in_the_way(clear_calendar.resource_ids, clear_calendar.during) as o
    where
      o.cause = 'hold'
      -- Who is away is away everywhere; who cannot work here may work elsewhere.
      and (o.clinic_id = clear_calendar.clinic_id or not is_closure)
  ), 'released');
  if keeps_visits then
    return v_cancelled;
  end if;
  foreach v_id in array clinic.visits_in_the_way(clear_calendar.clinic_id, clear_calendar.resource_ids, clear_calendar.during) loop
    perform clinic.end_appointment(a, 'admin', 'cancelled', clear_calendar.reason)
    from clinic.appointments as a where a.id = v_id;
    v_cancelled := v_cancelled || v_id;
  end loop;
  return v_cancelled;
end
$$;
comment on function clinic.clear_calendar is 'Releases the holds and cancels the clinic''s appointments in this time, unless they are kept; returns the cancelled ones.';

create function clinic.insert_time_off(clinic_id uuid, resource_id uuid, during tstzrange, reason text, is_squeezed boolean)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_result jsonb;
begin
  with added as (
    -- Only what is not time off already.
    insert into clinic.time_off as t (clinic_id, resource_id, during, reason, is_squeezed)
    select
      insert_time_off.clinic_id, insert_time_off.resource_id, p.during, insert_time_off.reason, insert_time_off.is_squeezed
    from unnest(tstzmultirange(insert_time_off.during) - coalesce(
      (
        select range_agg(o.during) from clinic.occupancy as o
        where o.resource_id = insert_time_off.resource_id and o.during && insert_time_off.during and o.cause = 'time_off'
      ),
      '{}'
    )) as p (during)
    returning t.id, t.resource_id, t.during, t.reason
  )

  select coalesce(jsonb_agg(jsonb_build_object(
    'id', a.id, 'dentist_id', d.id, 'resource_id', a.resource_id, 'starts_at', lower(a.during), 'ends_at', upper(a.during),
    'reason', a.reason
  ) order by a.during), '[]')
  into v_result
  from added as a
  left join clinic.dentists as d on a.resource_id = d.id and d.clinic_id = insert_time_off.clinic_id;
  return v_result;
end
$$;
comment on function clinic.insert_time_off is 'Adds the time off, without what is time off already, and returns the rows.';

create function clinic.lock_clinic(clinic_id uuid)
returns uuid []
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_ids uuid [] := array(select r.id from clinic.resources as r where r.clinic_id = lock_clinic.clinic_id);
begin
  -- With those of other clinics at once: who shares a dentist there and waits is next, and locks are taken in one order.
  perform clinic.lock_calendars(variadic clinic.with_waiting(v_ids));
  return v_ids;
end
$$;
comment on function clinic.lock_clinic is 'All that the clinic has, active or not, locked.';

create function clinic.absent_resources(clinic_id uuid, dentist_id uuid, resource_id uuid)
returns uuid []
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_id uuid := coalesce(absent_resources.dentist_id, absent_resources.resource_id);
  v_role text := clinic.require_role(
    clinic.required(absent_resources.clinic_id, 'clinic_id'), variadic
    case when v_id is null then '{admin}'::text [] else '{admin,receptionist,dentist}' end
  );
begin
  if v_role = 'dentist' and (v_id = any (clinic.my_dentists(absent_resources.clinic_id))) is not true then
    perform clinic.refuse('forbidden');
  elsif v_id is null then
    return clinic.lock_clinic(absent_resources.clinic_id);
  elsif not exists (
    select from clinic.resources as r
    where r.id = v_id and r.clinic_id = absent_resources.clinic_id and (absent_resources.dentist_id is null or r.kind = 'practitioner')
  ) then
    perform clinic.refuse('not_found', case
      when absent_resources.dentist_id is not null then 'There is no such dentist in this clinic.' else 'There is no such resource in this clinic.'
    end);
  end if;
  return array[v_id];
end
$$;
comment on function clinic.absent_resources is
'That dentist or resource, for the desk and for the dentist; or all of the clinic''s, for its admins.';

create function clinic.enter_absence(
  clinic_id uuid, resource_ids uuid [], during tstzrange, reason text, is_closure boolean, keeps_visits boolean
)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_closure_id uuid;
begin
  -- The reason is the staff's: what patients are told says nothing of it.
  perform clinic.clear_calendar(
    enter_absence.clinic_id, enter_absence.resource_ids, enter_absence.during,
    case
      when is_closure then 'The clinic is closed.'
      when exists (
        select from clinic.resources as r where r.id = enter_absence.resource_ids[1] and r.kind = 'practitioner'
      ) then 'The dentist is away.'
      else 'The visit cannot take place then.'
    end,
    is_closure,
    keeps_visits
  );
  if not is_closure then
    return jsonb_build_object('closure_id', null, 'time_off', clinic.insert_time_off(
      enter_absence.clinic_id, enter_absence.resource_ids[1], enter_absence.during, enter_absence.reason, keeps_visits
    ));
  end if;
  insert into clinic.closures (clinic_id, during, reason) values (enter_absence.clinic_id, enter_absence.during, enter_absence.reason)
  returning id into v_closure_id;
  return jsonb_build_object('closure_id', v_closure_id, 'time_off', '[]'::jsonb);
end
$$;
comment on function clinic.enter_absence is 'Clears the calendar and writes the absence: {closure_id, time_off}. Call it under the locks.';

create function clinic.add_time_off(
  clinic_id uuid,
  starts_at text,
  ends_at text,
  dentist_id uuid,
  reason text,
  on_conflict text,
  dry_run boolean,
  resource_id uuid
)
returns jsonb
language plpgsql
volatile
security definer -- edits calendars for a caller it has checked
set search_path = ''
as $$
declare
  v_ids uuid [] := clinic.absent_resources(add_time_off.clinic_id, add_time_off.dentist_id, add_time_off.resource_id);
  v_is_closure constant boolean := add_time_off.dentist_id is null and add_time_off.resource_id is null;
  v_reason text := clinic.clean_text(add_time_off.reason, 'reason', 1000);
  v_starts_at timestamptz := clinic.required_instant(add_time_off.starts_at, 'starts_at');
  v_ends_at timestamptz := clinic.required_instant(add_time_off.ends_at, 'ends_at');
  v_during tstzrange;
  v_in_the_way jsonb;
  v_keeps_visits boolean;
  v_result jsonb;
begin
  if v_ends_at <= v_starts_at or v_ends_at - v_starts_at > '366 days' then
    perform clinic.refuse('invalid_argument', 'ends_at must be after starts_at, and at most 366 days.');
  elsif (add_time_off.on_conflict in ('reject', 'keep', 'cancel')) is not true then
    perform clinic.refuse('invalid_argument', 'on_conflict must be reject, keep or cancel.');
  elsif add_time_off.dentist_id <> add_time_off.resource_id then
    perform clinic.refuse('invalid_argument', 'Say dentist_id or resource_id, not both.');
  end if;
  v_during := tstzrange(v_starts_at, v_ends_at);
  perform clinic.lock_absence(add_time_off.clinic_id, v_ids, v_during, v_is_closure);
  v_in_the_way := clinic.describe_appointments(clinic.visits_in_the_way(add_time_off.clinic_id, v_ids, v_during));
  if v_in_the_way <> '[]' and add_time_off.on_conflict = 'reject' and add_time_off.dry_run is not true then
    perform clinic.refuse('appointments_in_the_way', details => clinic.without_names(v_in_the_way)::text);
  end if;
  v_keeps_visits := add_time_off.on_conflict = 'keep' and v_in_the_way <> '[]';
  if v_keeps_visits and not v_is_closure and exists (
    select from clinic.claims_in_the_way(v_ids, v_during) as o where o.clinic_id <> add_time_off.clinic_id and o.cause = 'appointment'
  ) then
    perform clinic.refuse('slot_taken', 'Another clinic has booked this time.');
  end if;
  -- A dry run does the very same and takes it back.
  begin
    v_result := clinic.enter_absence(
      add_time_off.clinic_id, v_ids, v_during, v_reason, v_is_closure, v_keeps_visits
    ) || jsonb_build_object(
      'appointments', v_in_the_way, 'on_conflict', add_time_off.on_conflict, 'dry_run', coalesce(add_time_off.dry_run, false)
    );
    if add_time_off.dry_run then
      raise sqlstate 'CTDRY';
    end if;
  exception
    when sqlstate 'CTDRY' then null;
  end;
  return v_result;
end
$$;
grant execute on function clinic.add_time_off to anon, authenticated, service_role;

create function api.add_time_off(
  clinic_id uuid,
  starts_at text,
  ends_at text,
  dentist_id uuid default null,
  reason text default null,
  on_conflict text default 'reject',
  dry_run boolean default false,
  resource_id uuid default null
)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.add_time_off(clinic_id, starts_at, ends_at, dentist_id, reason, on_conflict, dry_run, resource_id);
end
$$;
comment on function api.add_time_off is
'Takes a dentist off the calendar, or a chair or device (resource_id), or without either the whole clinic (admins). A closed clinic binds whoever
is hired or comes back later, too. Appointments in the way, also those that only need somebody or something in part, refuse it (on_conflict "reject"),
stay until staff move them, while nothing else can be booked in this time any more ("keep"), or are cancelled ("cancel"), without telling patients
the reason; holds are released. Returns {closure_id, time_off: [{id, dentist_id, resource_id,
starts_at, ends_at, reason}], appointments: those in the way, on_conflict, dry_run}. With dry_run nothing changes and nothing is refused for
appointments in the way. Errors: not_authenticated, forbidden, not_found, invalid_argument, appointments_in_the_way (details: which, as JSON),
slot_taken (booked at another clinic), try_again.';
grant execute on function api.add_time_off to anon, authenticated, service_role;

create function clinic.remove_closure(closure_id uuid)
returns boolean
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_closure clinic.closures;
begin
  select * into v_closure from clinic.closures as c where c.id = remove_closure.closure_id;
  if not found then
    return false;
  end if;
  perform clinic.absent_resources(v_closure.clinic_id, null, null);
  delete from clinic.closures as c where c.id = v_closure.id;
  return found;
end
$$;
comment on function clinic.remove_closure is 'Opens the clinic again for a caller who may. False if there is no such closure.';

create function clinic.remove_time_off(time_off_id uuid)
returns boolean
language plpgsql
volatile
security definer -- edits calendars for a caller it has checked
set search_path = ''
as $$
declare
  v_time_off clinic.time_off;
begin
  perform clinic.require_user();
  perform clinic.required(remove_time_off.time_off_id, 'time_off_id');
  if clinic.remove_closure(remove_time_off.time_off_id) then
    return true;
  end if;
  select * into v_time_off from clinic.time_off as t where t.id = remove_time_off.time_off_id;
  if not found then
    perform clinic.refuse('not_found');
  end if;
  perform clinic.absent_resources(v_time_off.clinic_id, null, v_time_off.resource_id);
  perform clinic.lock_absence(v_time_off.clinic_id, array[v_time_off.resource_id], v_time_off.during);
  delete from clinic.time_off as t where t.id = v_time_off.id;
  return found;
end
$$;
grant execute on function clinic.remove_time_off to anon, authenticated, service_role;

create function api.remove_time_off(time_off_id uuid)
returns boolean
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.remove_time_off(time_off_id);
end
$$;
comment on function api.remove_time_off is
'Puts the time back on the calendar; true if it was off until now. The id of a closure opens the whole clinic again (admins).
Errors: not_authenticated, forbidden, not_found, invalid_argument, try_again.';
grant execute on function api.remove_time_off to anon, authenticated, service_role;


-- Who is in the way, and where they could go ---------------------------------------------------------------------------

create function clinic.ways_out(appointment clinic.appointments, absent_ids uuid [], during tstzrange)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
  v_slot clinic.slot_reservations := clinic.as_slot(appointment);
  v_bookable clinic.bookable := clinic.movable(appointment, 'admin');
  v_policy clinic.clinics := v_bookable.policy;
  v_now timestamptz := clock_timestamp();
  v_day date := greatest(appointment.starts_at, v_now) at time zone v_policy.time_zone;
  v_may_need_absent boolean := exists (
    select from unnest(appointment.parts) as p
    where clinic.candidates(appointment.clinic_id, p) || p.resource_id && ways_out.absent_ids
  );
begin
  return (
    select coalesce(jsonb_agg(
      jsonb_build_object('dentist_id', near.dentist_id, 'starts_at', near.starts_at, 'ends_at', near.ends_at)
      order by near.distance, near.dentist_id
    ), '[]')
    from (
      select distinct j.dentist_id, j.starts_at, j.ends_at, abs(extract(epoch from j.starts_at - appointment.starts_at)) as distance
      from clinic.judge_slots(v_bookable, v_slot, v_day, v_day + 13, v_now, true) as j
      where
        j.code is null
        -- Not where they would be in the way again.
        and not (
          tstzrange(j.starts_at - appointment.buffer_before, j.ends_at + appointment.buffer_after) && ways_out.during
          and (ways_out.absent_ids is null or j.dentist_id = any (ways_out.absent_ids) or v_may_need_absent)
        )
      order by distance, j.dentist_id
      limit 3
    ) as near
  );
end
$$;
comment on function clinic.ways_out is
'The three nearest times, with whoever leads such visits, to which an appointment can move out of an absence (absent_ids null: of everybody).';

create function clinic.stand_ins(appointment clinic.appointments, absent_ids uuid [], during tstzrange)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
  v_policy clinic.clinics;
  v_claims clinic.claim [] := clinic.claims(appointment);
begin
  select * into v_policy from clinic.clinics as c where c.id = appointment.clinic_id;
  return (
    select coalesce(jsonb_agg(jsonb_build_object(
      'part', p.part, 'needs', p.needs, 'resource_id', r.id, 'name', r.name
    ) order by p.part, clinic.claimed_minutes(r.id, c.during), r.name, r.id), '[]')
    from unnest(appointment.parts) as p
    inner join unnest(v_claims) as c on p.part = c.part and c.during && stand_ins.during
    cross join clinic.free_times(
      v_policy, clinic.candidates(appointment.clinic_id, p), c.during, clock_timestamp(), array[appointment.id]
    ) as f
    inner join clinic.resources as r on f.resource_id = r.id and r.clinic_id = appointment.clinic_id
    where
      p.resource_id = any (stand_ins.absent_ids) and appointment.dentist_id <> all (stand_ins.absent_ids)
      and f.resource_id <> all (stand_ins.absent_ids) and f.free @> c.during
      -- Not what another part of the visit has then.
      and not exists (
        select from unnest(v_claims) as own where own.resource_id = f.resource_id and own.part <> c.part and own.during && c.during
      )
  );
end
$$;
comment on function clinic.stand_ins is
'Who and what could take the place of those absent in a visit that others lead, at its time, all that is free: [{part, needs, resource_id, name}].';

create function clinic.absence_worklist(clinic_id uuid, starts_at text, ends_at text, dentist_id uuid)
returns jsonb
language plpgsql
stable
security definer -- shows patients to staff it has checked
set search_path = ''
as $$
declare
  v_role text := clinic.require_reader(
    clinic.required(absence_worklist.clinic_id, 'clinic_id'), 'admin', 'receptionist', 'dentist'
  );
  v_during tstzrange;
  v_starts_at timestamptz := clinic.required_instant(absence_worklist.starts_at, 'starts_at');
  v_ends_at timestamptz := clinic.required_instant(absence_worklist.ends_at, 'ends_at');
  v_ids uuid [];
begin
  if v_role = 'dentist' and (absence_worklist.dentist_id = any (clinic.my_dentists(absence_worklist.clinic_id))) is not true then
    perform clinic.refuse('forbidden');
  elsif v_ends_at <= v_starts_at or v_ends_at - v_starts_at > '31 days' then
    perform clinic.refuse('invalid_argument', 'ends_at must be after starts_at, and at most 31 days.');
  end if;
  v_during := tstzrange(v_starts_at, v_ends_at);
  v_ids := array(
    select r.id from clinic.resources as r
    where
      r.clinic_id = absence_worklist.clinic_id
      and (absence_worklist.dentist_id is null or r.id = absence_worklist.dentist_id)
  );
  if v_ids = '{}' then
    perform clinic.refuse('not_found', 'There is no such dentist in this clinic.');
  end if;
  return jsonb_build_object(
    'clinic_id', absence_worklist.clinic_id, 'starts_at', v_starts_at, 'ends_at', v_ends_at,
    'server_now', clock_timestamp(),
    'appointments', (
      select coalesce(jsonb_agg(to_jsonb(v) || jsonb_build_object(
        'patient_name', p.full_name, 'phone', p.phone, 'email', p.email, 'appointment_type', t.name, 'dentist', d.full_name,
        'alternatives', case when a.status = 'booked' then clinic.ways_out(
          a, case when absence_worklist.dentist_id is not null then v_ids end, v_during
        ) else '[]' end,
        'stand_ins', clinic.stand_ins(a, v_ids, v_during)
      ) order by a.starts_at, a.id), '[]')
      from clinic.appointments as a
      inner join api.appointments as v on a.id = v.id
      inner join clinic.patients as p on a.patient_id = p.id and a.clinic_id = p.clinic_id
      inner join clinic.appointment_types as t on a.appointment_type_id = t.id and a.clinic_id = t.clinic_id
      inner join clinic.dentists as d on a.dentist_id = d.id and a.clinic_id = d.clinic_id
      where a.id = any (clinic.visits_in_the_way(absence_worklist.clinic_id, v_ids, v_during))
    )
  );
end
$$;
grant execute on function clinic.absence_worklist to anon, authenticated, service_role;

create function api.absence_worklist(clinic_id uuid, starts_at text, ends_at text, dentist_id uuid default null)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
begin
  return clinic.absence_worklist(clinic_id, starts_at, ends_at, dentist_id);
end
$$;
comment on function api.absence_worklist is
'For staff: who is in the way of an absence of a dentist (or chair: its id), or of everybody, for up to 31 days: {clinic_id, starts_at, ends_at, server_now,
appointments: [appointment with patient_name, phone, email, appointment_type, dentist, alternatives: the three nearest times it can move to,
[{dentist_id, starts_at, ends_at}], stand_ins: what is free instead, so that it can stay where it is (move_to_resource), [{part, needs, resource_id,
name}]]}. Nothing is changed. Errors: not_authenticated, forbidden, not_found, invalid_argument.';
grant execute on function api.absence_worklist to anon, authenticated, service_role;
