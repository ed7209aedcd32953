-- Corrections at the desk: another length, another chair, two visits that change places.

create function clinic.require_desk(appointment clinic.appointments)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
  if not clinic.is_desk(clinic.appointment_role(appointment)) then
    perform clinic.refuse('forbidden', 'Staff do this; call the clinic.');
  elsif appointment.status not in ('booked', 'checked_in') then
    perform clinic.refuse('invalid_transition', format('An appointment that is %s stays as it was.', appointment.status));
  end if;
end
$$;
comment on function clinic.require_desk is 'Passes staff who may change this appointment, while it claims time. Errors: not_found, forbidden, invalid_transition.';


-- Resize ---------------------------------------------------------------------------------------------------------------

create function clinic.resize_appointment(appointment_id uuid, ends_at text, expected_version integer)
returns api.appointments
language plpgsql
volatile
security definer -- changes an appointment for staff it has checked
set search_path = ''
as $$
declare
  v_ends_at timestamptz := clinic.required_instant(resize_appointment.ends_at, 'ends_at');
  v_appointment clinic.appointments := clinic.appointment_to_change(
    resize_appointment.appointment_id, resize_appointment.expected_version
  );
  v_before clinic.claim [] := clinic.claims(v_appointment);
begin
  perform clinic.require_desk(v_appointment);
  if v_ends_at < v_appointment.starts_at + interval '1 minute' or v_ends_at > v_appointment.starts_at + interval '12 hours' then
    perform clinic.refuse('invalid_argument', 'ends_at must be 1 minute to 12 hours after the start.');
  end if;
  v_appointment.ends_at := v_ends_at;
  if exists (
    select from unnest(v_appointment.parts) as p
    where
      v_appointment.starts_at + p.starts_after >= v_ends_at or v_appointment.starts_at + p.starts_after + p.lasts > v_ends_at
  ) or v_appointment.starts_at + coalesce(v_appointment.leads_after + v_appointment.leads_for, '0') > v_ends_at
    or v_appointment.starts_at + v_appointment.leads_after >= v_ends_at
  then
    perform clinic.refuse('invalid_argument', 'A part of the visit would lie behind its end.');
  elsif not v_appointment.is_squeezed and exists (
    -- What it had already it may keep, whatever was squeezed in over that.
    select from unnest(clinic.claims(v_appointment)) as c
    inner join unnest(v_before) as b on c.part = b.part
    where (clinic.busy_times(
      v_appointment.clinic_id, array[c.resource_id], c.during, clock_timestamp(), array[v_appointment.id]
    ))[1] && (tstzmultirange(c.during) - tstzmultirange(b.during))
  ) then
    perform clinic.refuse('slot_taken', clinic_id => v_appointment.clinic_id);
  end if;
  perform clinic.lock_patient(v_appointment.patient_id);
  update clinic.appointments as a set ends_at = v_ends_at where a.id = v_appointment.id;
  return clinic.api_appointment(v_appointment.id);
exception
  -- Its detail would show the other booking.
  when exclusion_violation then
    perform clinic.refuse('patient_busy');
    return null;
end
$$;
grant execute on function clinic.resize_appointment to anon, authenticated, service_role;

create function api.resize_appointment(appointment_id uuid, ends_at text, expected_version integer default null)
returns api.appointments
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.resize_appointment(appointment_id, ends_at, expected_version);
end
$$;
comment on function api.resize_appointment is
'For staff: makes a visit longer or shorter; what lasts until its end lasts until the new one. Hours do not bind, other claims do.
Errors: not_authenticated, forbidden, not_found, invalid_argument, stale_version, invalid_transition, slot_taken, patient_busy, try_again.';
grant execute on function api.resize_appointment to anon, authenticated, service_role;


-- Another chair --------------------------------------------------------------------------------------------------------

create function clinic.move_to_resource(appointment_id uuid, part integer, resource_id uuid)
returns api.appointments
language plpgsql
volatile
security definer -- changes an appointment for staff it has checked
set search_path = ''
as $$
declare
  v_appointment clinic.appointments;
  v_part clinic.visit_part;
begin
  perform clinic.required(move_to_resource.part, 'part');
  perform clinic.required(move_to_resource.resource_id, 'resource_id');
  -- All calendars at once, in order: its own are locked again by who looks it up.
  v_appointment := clinic.appointment_to_change(move_to_resource.appointment_id, null, with_all_that_will_do => true);
  perform clinic.require_desk(v_appointment);
  select p.* into v_part from unnest(v_appointment.parts) as p where p.part = move_to_resource.part;
  if not found then
    perform clinic.refuse('invalid_argument', 'The visit has no such part.', hint => 'Part 0, the dentist, moves with reschedule_appointment.');
  elsif move_to_resource.resource_id <> all (clinic.candidates(v_appointment.clinic_id, v_part)) then
    perform clinic.refuse('invalid_argument', format('This is no %s that will do.', v_part.needs));
  end if;
  update clinic.appointments as a
  set parts = clinic.with_resources(a.parts, array(
    select case when p.part = v_part.part then move_to_resource.resource_id else p.resource_id end
    from unnest(a.parts) as p order by p.part
  ))
  where a.id = v_appointment.id;
  return clinic.api_appointment(v_appointment.id);
end
$$;
grant execute on function clinic.move_to_resource to anon, authenticated, service_role;

create function api.move_to_resource(appointment_id uuid, part integer, resource_id uuid)
returns api.appointments
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.move_to_resource(appointment_id, part, resource_id);
end
$$;
comment on function api.move_to_resource is
'For staff: gives a part of a visit another chair, device or person; clinic_day says which parts a visit has.
Errors: not_authenticated, forbidden, not_found, invalid_argument, invalid_transition, slot_taken, stale_version, try_again.';
grant execute on function api.move_to_resource to anon, authenticated, service_role;


-- Change places --------------------------------------------------------------------------------------------------------

create function clinic.take_place(appointment clinic.appointments, other clinic.appointments)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_bookable clinic.bookable := clinic.movable(appointment, 'admin', other.dentist_id);
  v_slot clinic.slot_reservations := clinic.as_slot(appointment);
  v_code text;
begin
  perform clinic.require_movable(appointment, 'admin');
  v_slot.dentist_id := other.dentist_id;
  v_slot.starts_at := other.starts_at;
  v_slot.ends_at := other.starts_at + (appointment.ends_at - appointment.starts_at);
  v_code := clinic.judge_slot(v_bookable, v_slot, clock_timestamp(), true, array[other.id], true);
  if v_code is not null then
    perform clinic.refuse(v_code, clinic_id => appointment.clinic_id);
  end if;
  perform clinic.put_appointment(v_slot);
end
$$;
comment on function clinic.take_place is
'Judges the appointment where the other one was, and moves it there. Call it under the locks, when neither claims its time. Errors: invalid_transition,
not_offered, and those of the slot.';

create function clinic.swap_appointments(appointment_id uuid, other_id uuid)
returns setof api.appointments
language plpgsql
volatile
security definer -- changes appointments for staff it has checked
set search_path = ''
as $$
declare
  v_one clinic.appointments;
  v_other clinic.appointments;
begin
  perform clinic.require_user();
  perform clinic.required(swap_appointments.appointment_id, 'appointment_id');
  perform clinic.required(swap_appointments.other_id, 'other_id');
  select * into v_one from clinic.appointments as a where a.id = swap_appointments.appointment_id;
  perform clinic.require_desk(v_one);
  select * into v_other from clinic.appointments as a where a.id = swap_appointments.other_id;
  perform clinic.require_desk(v_other);
  if v_one.id = v_other.id or v_one.clinic_id <> v_other.clinic_id then
    perform clinic.refuse('invalid_argument', 'Two appointments of one clinic change places.');
  end if;
  perform clinic.lock_calendars(variadic clinic.with_waiting(
    clinic.wanted_resources(array[v_one.dentist_id], v_one.clinic_id, v_one.parts)
    || clinic.wanted_resources(array[v_other.dentist_id], v_other.clinic_id, v_other.parts)
  ));
  v_one := clinic.lock_appointment(v_one);
  v_other := clinic.lock_appointment(v_other);
  -- Before the locks, one may have been read after a swap, and the other before it.
  if (v_one.dentist_id, v_one.starts_at) = (v_other.dentist_id, v_other.starts_at) then
    perform clinic.refuse('invalid_argument', 'One of them is squeezed in on top of the other: they have one place.');
  end if;
  perform clinic.lock_patient(least(v_one.patient_id, v_other.patient_id));
  perform clinic.lock_patient(greatest(v_one.patient_id, v_other.patient_id));
  -- Both places are free for the two; what they claim there is judged, and proved, as always. If they are one patient's,
  -- the first is where the other still is.
  set constraints clinic.appointments_patient_no_overlap deferred;
  perform clinic.free_time(v_one.id, 'appointment'), clinic.free_time(v_other.id, 'appointment');
  perform clinic.take_place(v_one, v_other);
  perform clinic.take_place(v_other, v_one);
  set constraints clinic.appointments_patient_no_overlap immediate;
  return query select a.* from api.appointments as a where a.id in (v_one.id, v_other.id) order by a.starts_at;
exception
  -- Its detail would show the other booking.
  when exclusion_violation then
    perform clinic.refuse('patient_busy');
end
$$;
grant execute on function clinic.swap_appointments to anon, authenticated, service_role;

create function api.swap_appointments(appointment_id uuid, other_id uuid)
returns setof api.appointments
language plpgsql
volatile
set search_path = ''
as $$
begin
  return query select s.* from clinic.swap_appointments(appointment_id, other_id) as s;
end
$$;
comment on function api.swap_appointments is
'For staff: two booked appointments change places: time and dentist; each keeps its own length. Both move, or neither. Returns both rows.
Errors: not_authenticated, forbidden, not_found, invalid_argument, invalid_transition, not_offered, slot_taken, patient_busy, and those of the slot;
stale_version, try_again.';
grant execute on function api.swap_appointments to anon, authenticated, service_role;
