-- Changes: reschedule, update, cancel, and what becomes of an appointment.

create function clinic.appointment_role(appointment clinic.appointments)
returns text
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.acting_role(
    'appointment', appointment.clinic_id, appointment.dentist_id, appointment.booked_by, appointment.patient_id
  );
end
$$;
comment on function clinic.appointment_role is 'As what the caller, a user, may change the appointment; not_found for everyone else.';

create function clinic.require_version(appointment clinic.appointments, expected_version integer)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
  if appointment.version <> require_version.expected_version then
    perform clinic.refuse('stale_version');
  end if;
end
$$;
comment on function clinic.require_version is 'Passes an appointment that has not changed since the caller read it (null: whatever it is).';

create function clinic.appointment_to_change(
  appointment_id uuid, expected_version integer default null, with_all_that_will_do boolean default false
)
returns clinic.appointments
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_before clinic.appointments;
  v_appointment clinic.appointments;
begin
  perform clinic.require_user();
  perform clinic.required(appointment_to_change.appointment_id, 'appointment_id');
  select * into v_before from clinic.appointments as a where a.id = appointment_to_change.appointment_id;
  perform clinic.appointment_role(v_before);
  if with_all_that_will_do and v_before.parts <> '{}' then
    perform clinic.lock_calendars(variadic clinic.with_waiting(clinic.wanted_resources(
      array[v_before.dentist_id], v_before.clinic_id, v_before.parts
    )));
  end if;
  v_appointment := clinic.lock_appointment(v_before);
  perform clinic.require_version(v_appointment, appointment_to_change.expected_version);
  return v_appointment;
end
$$;
comment on function clinic.appointment_to_change is
'The appointment as it is now, with the calendars that it is in locked, for a caller who may change it. Errors: not_found, stale_version, try_again.';

create function clinic.require_notice(appointment clinic.appointments, role text)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_policy clinic.clinics;
begin
  if role <> 'patient' then
    return;
  end if;
  select * into v_policy from clinic.clinics as c where c.id = appointment.clinic_id;
  if clock_timestamp() > clinic.changeable_until(
    appointment.status, appointment.starts_at, appointment.created_at, v_policy.cancellation_notice, v_policy.cancel_grace
  ) then
    perform clinic.refuse(
      'too_late_to_cancel', hint => 'Call the clinic' || coalesce(': ' || v_policy.phone, '') || '.', clinic_id => v_policy.id
    );
  end if;
end
$$;
comment on function clinic.require_notice is 'Passes patients as long as they may change the appointment. Errors: too_late_to_cancel.';

create function clinic.api_appointment(appointment_id uuid)
returns api.appointments
language plpgsql
stable
set search_path = ''
as $$
declare
  v_row api.appointments;
begin
  select a.* into v_row from api.appointments as a where a.id = api_appointment.appointment_id;
  return v_row;
end
$$;
comment on function clinic.api_appointment is 'The appointment as the API shows it.';


-- Reschedule ---------------------------------------------------------------------------------------------------------

create function clinic.lock_for_move(appointment clinic.appointments, dentist_id uuid, starts_at timestamptz)
returns clinic.appointments
language plpgsql
volatile
set search_path = ''
as $$
begin
  perform clinic.lock_for_visit(
    clinic.with_waiting(clinic.wanted_resources(
      array[appointment.dentist_id, lock_for_move.dentist_id], appointment.clinic_id, appointment.parts
    )),
    lock_for_move.starts_at
  );
  return clinic.lock_row(appointment);
end
$$;
comment on function clinic.lock_for_move is
'The appointment as it is now; its row, the calendars that it is in, and all that it might claim with this dentist are locked. Errors: stale_version, try_again.';

create function clinic.put_appointment(slot clinic.slot_reservations)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
  update clinic.appointments as a
  set
    dentist_id = slot.dentist_id,
    starts_at = slot.starts_at,
    ends_at = slot.ends_at,
    parts = clinic.fit_parts(slot),
    assigned = case when a.dentist_id = slot.dentist_id then a.assigned else 'named' end,
    is_squeezed = false
  where a.id = slot.id;
end
$$;
comment on function clinic.put_appointment is
'Moves an appointment to a slot that was judged, with the parts that are free there. Call it under the locks. Errors: slot_taken, try_again.';

create function clinic.move_appointment(
  appointment clinic.appointments, bookable clinic.bookable, dentist_id uuid, starts_at timestamptz, role text
)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_slot clinic.slot_reservations := clinic.as_slot(appointment);
  v_now timestamptz;
begin
  perform clinic.require_movable(appointment, role);
  -- Their visit, which is locked, would have gone with who was merged or erased.
  v_now := clinic.lock_patient(appointment.patient_id);
  v_slot.dentist_id := move_appointment.dentist_id;
  v_slot.starts_at := move_appointment.starts_at;
  v_slot.ends_at := move_appointment.starts_at + (appointment.ends_at - appointment.starts_at);
  v_slot.assigned := 'named';
  if role = 'patient' then
    perform clinic.release_own_holds(bookable, v_slot);
  end if;
  perform clinic.require_slot(bookable, v_slot, v_now, clinic.is_desk(role));
  perform clinic.put_appointment(v_slot);
exception
  -- Its detail would show the other booking.
  when exclusion_violation then
    perform clinic.refuse('patient_busy');
end
$$;
comment on function clinic.move_appointment is
'Judges the new time and moves the appointment there in place; its old time never blocks it. Call it under the locks of both.';

create function clinic.reschedule_appointment(
  appointment_id uuid, starts_at text, dentist_id uuid, expected_version integer, idempotency_key text
)
returns api.appointments
language plpgsql
volatile
security definer -- changes an appointment for a caller it has checked
set search_path = ''
as $$
declare
  v_starts_at timestamptz := clinic.required_instant(reschedule_appointment.starts_at, 'starts_at');
  v_request jsonb;
  v_before clinic.appointments;
  v_appointment clinic.appointments;
  v_dentist_id uuid;
  v_role text;
  v_response jsonb;
  v_row api.appointments;
begin
  perform clinic.require_user();
  perform clinic.required(reschedule_appointment.appointment_id, 'appointment_id');
  select * into v_before from clinic.appointments as a where a.id = reschedule_appointment.appointment_id;
  v_role := clinic.appointment_role(v_before);
  -- Most moves come without a key: nothing is built for them.
  if reschedule_appointment.idempotency_key is not null then
    v_request := jsonb_build_array(
      reschedule_appointment.appointment_id, extract(epoch from v_starts_at), reschedule_appointment.dentist_id,
      reschedule_appointment.expected_version
    );
    v_response := clinic.replay('reschedule_appointment', reschedule_appointment.idempotency_key, v_request);
    if v_response is not null then
      return jsonb_populate_record(null::api.appointments, v_response);
    end if;
  end if;
  v_dentist_id := coalesce(reschedule_appointment.dentist_id, v_before.dentist_id);
  v_appointment := clinic.lock_for_move(v_before, v_dentist_id, v_starts_at);
  perform clinic.require_version(v_appointment, reschedule_appointment.expected_version);
  perform clinic.move_appointment(
    v_appointment, clinic.movable(v_appointment, v_role, v_dentist_id), v_dentist_id, v_starts_at, v_role
  );
  v_row := clinic.api_appointment(v_appointment.id);
  if v_request is not null then
    perform clinic.remember('reschedule_appointment', reschedule_appointment.idempotency_key, v_request, to_jsonb(v_row));
  end if;
  return v_row;
end
$$;
grant execute on function clinic.reschedule_appointment to anon, authenticated, service_role;

create function api.reschedule_appointment(
  appointment_id uuid,
  starts_at text,
  dentist_id uuid default null,
  expected_version integer default null,
  idempotency_key text default null
)
returns api.appointments
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.reschedule_appointment(appointment_id, starts_at, dentist_id, expected_version, idempotency_key);
end
$$;
comment on function api.reschedule_appointment is
'Moves a booked appointment to another time, and to another dentist of the clinic if one is named. It keeps its id, duration, buffers and, if
it can, its chair; and its old time if the new one is refused. Errors: not_authenticated, forbidden, not_found, invalid_argument, stale_version,
invalid_transition, too_late_to_cancel (patients), not_offered, slot_taken (details: alternatives), patient_busy, and those of the slot;
idempotency_mismatch, try_again.';
grant execute on function api.reschedule_appointment to anon, authenticated, service_role;


-- Update -------------------------------------------------------------------------------------------------------------

create function clinic.update_appointment(appointment_id uuid, notes text, expected_version integer, staff_notes text)
returns api.appointments
language plpgsql
volatile
security definer -- changes an appointment for a caller it has checked
set search_path = ''
as $$
declare
  v_appointment clinic.appointments := clinic.appointment_to_change(
    update_appointment.appointment_id, update_appointment.expected_version
  );
  v_same constant text := clinic.same_text();
begin
  if update_appointment.staff_notes is distinct from v_same and not clinic.is_desk(clinic.appointment_role(v_appointment)) then
    perform clinic.refuse('forbidden', 'staff_notes are the staff''s.');
  end if;
  perform clinic.lock_record(v_appointment.patient_id, v_appointment.clinic_id);
  update clinic.appointments as a
  set
    notes = case
      when update_appointment.notes = v_same then a.notes else clinic.clean_text(update_appointment.notes, 'notes', 4000)
    end,
    staff_notes = case
      when update_appointment.staff_notes = v_same then a.staff_notes
      else clinic.clean_text(update_appointment.staff_notes, 'staff_notes', 4000)
    end
  where a.id = v_appointment.id;
  return clinic.api_appointment(v_appointment.id);
end
$$;
grant execute on function clinic.update_appointment to anon, authenticated, service_role;

create function api.update_appointment(
  appointment_id uuid,
  notes text default clinic.same_text(),
  expected_version integer default null,
  staff_notes text default clinic.same_text()
)
returns api.appointments
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.update_appointment(appointment_id, notes, expected_version, staff_notes);
end
$$;
comment on function api.update_appointment is
'Replaces the appointment''s notes, which its patient and the staff both read, or, for staff, staff_notes, which no patient reads; what is omitted stays, null
or empty removes. Errors: not_authenticated, forbidden (a patient''s staff_notes), not_found, invalid_argument, stale_version, try_again.';
grant execute on function api.update_appointment to anon, authenticated, service_role;


-- Cancel and the other ends ------------------------------------------------------------------------------------------

create function clinic.require_timely(appointment clinic.appointments, status text)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
  if clock_timestamp() < (
    select clinic.status_opens_at(require_timely.status, appointment.starts_at, c.time_zone)
    from clinic.clinics as c where c.id = appointment.clinic_id
  ) then
    perform clinic.refuse('invalid_transition', case require_timely.status
      when 'no_show' then 'Nobody can have missed an appointment that has not begun.'
      when 'fulfilled' then 'An appointment that has not begun cannot be done.'
      else 'Nobody checks in before the day of the appointment.'
    end);
  end if;
end
$$;
comment on function clinic.require_timely is
'Passes checked_in from that day on, fulfilled and no_show from the start on; otherwise invalid_transition.';

create function clinic.revive_appointment(appointment clinic.appointments, status text)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
  perform clinic.lock_record(appointment.patient_id, appointment.clinic_id);
  if
    clinic.claimed(appointment) is null
    and clinic.closed_times(appointment.clinic_id, clinic.claimed(clinic.as_slot(appointment))) is not null
  then
    perform clinic.refuse('slot_taken', 'The clinic is closed at this time.', clinic_id => appointment.clinic_id);
  end if;
  update clinic.appointments as a
  set
    status = revive_appointment.status,
    cancelled_at = null,
    cancellation_reason = null,
    parts = case
      when clinic.claimed(a) is not null or a.is_squeezed then a.parts else clinic.fit_parts(clinic.as_slot(a))
    end
  where a.id = appointment.id;
exception
  -- Its detail would show the other booking.
  when exclusion_violation then
    perform clinic.refuse('patient_busy');
end
$$;
comment on function clinic.revive_appointment is
'Takes a status back: the visit claims its time again, and its chair if that is free. Errors: slot_taken, patient_busy.';

create function clinic.end_appointment(appointment clinic.appointments, role text, status text, reason text)
returns api.appointments
language plpgsql
volatile
set search_path = ''
as $$
begin
  if appointment.status <> end_appointment.status then
    perform clinic.require_transition(appointment.status, end_appointment.status);
    if end_appointment.status = 'cancelled' then
      perform clinic.require_notice(appointment, role); -- and at any time of day
    else
      perform clinic.require_timely(appointment, end_appointment.status);
    end if;
    if end_appointment.reason is not null then
      perform clinic.lock_record(appointment.patient_id, appointment.clinic_id);
    end if;
    update clinic.appointments as a
    set
      status = end_appointment.status,
      cancelled_at = case when end_appointment.status = 'cancelled' then clock_timestamp() end,
      cancellation_reason = clinic.clean_text(end_appointment.reason, 'reason', 1000)
    where a.id = appointment.id;
  end if;
  return clinic.api_appointment(appointment.id);
end
$$;
comment on function clinic.end_appointment is 'Gives the appointment another status; the one it has already is no change.';

create function clinic.cancel_appointment(appointment_id uuid, reason text, expected_version integer)
returns api.appointments
language plpgsql
volatile
security definer -- changes an appointment for a caller it has checked
set search_path = ''
as $$
declare
  v_appointment clinic.appointments := clinic.appointment_to_change(cancel_appointment.appointment_id);
begin
  if v_appointment.status <> 'cancelled' and v_appointment.version <> cancel_appointment.expected_version then
    perform clinic.refuse('stale_version');
  end if;
  return clinic.end_appointment(
    v_appointment, clinic.appointment_role(v_appointment), 'cancelled', cancel_appointment.reason
  );
end
$$;
grant execute on function clinic.cancel_appointment to anon, authenticated, service_role;

create function api.cancel_appointment(appointment_id uuid, reason text default null, expected_version integer default null)
returns api.appointments
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.cancel_appointment(appointment_id, reason, expected_version);
end
$$;
comment on function api.cancel_appointment is
'Cancels and frees the time at once; cancelling again changes nothing. The reason is for both sides: the patient reads what staff give, and
staff what the patient gives. Patients cancel before the clinic''s cancellation_notice.
Errors: not_authenticated, forbidden, not_found, invalid_argument, stale_version, invalid_transition, too_late_to_cancel.';
grant execute on function api.cancel_appointment to anon, authenticated, service_role;

create function clinic.set_appointment_status(appointment_id uuid, status text, expected_version integer)
returns api.appointments
language plpgsql
volatile
security definer -- changes an appointment for a caller it has checked
set search_path = ''
as $$
declare
  v_appointment clinic.appointments := clinic.appointment_to_change(
    set_appointment_status.appointment_id, set_appointment_status.expected_version, with_all_that_will_do => true
  );
  v_role text := clinic.appointment_role(v_appointment);
begin
  if not clinic.is_desk(v_role) then
    perform clinic.refuse('forbidden', 'Staff set the status; patients may cancel.');
  elsif
    (set_appointment_status.status in ('booked', 'checked_in', 'fulfilled', 'cancelled', 'no_show')) is not true
  then
    perform clinic.refuse('invalid_argument', 'status must be booked, checked_in, fulfilled, cancelled or no_show.');
  elsif set_appointment_status.status in ('booked', 'checked_in') and v_appointment.status <> set_appointment_status.status then
    perform clinic.require_transition(v_appointment.status, set_appointment_status.status);
    perform clinic.require_timely(v_appointment, set_appointment_status.status);
    perform clinic.revive_appointment(v_appointment, set_appointment_status.status);
    return clinic.api_appointment(v_appointment.id);
  end if;
  return clinic.end_appointment(v_appointment, v_role, set_appointment_status.status, null);
end
$$;
grant execute on function clinic.set_appointment_status to anon, authenticated, service_role;

create function api.set_appointment_status(appointment_id uuid, status text, expected_version integer default null)
returns api.appointments
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.set_appointment_status(appointment_id, status, expected_version);
end
$$;
comment on function api.set_appointment_status is
'For staff: booked to checked_in (from that day on) to fulfilled (once it has begun); booked or checked_in to cancelled; booked to no_show
once it has begun. What was set by mistake is taken back: checked_in, no_show or cancelled to booked, no_show or fulfilled to checked_in; the
time is claimed again. Errors: not_authenticated, forbidden, not_found, invalid_argument, stale_version, invalid_transition, slot_taken,
patient_busy, try_again.';
grant execute on function api.set_appointment_status to anon, authenticated, service_role;

create function clinic.next_steps(appointment_id uuid)
returns jsonb
language plpgsql
stable
security definer -- reads an appointment for a caller it has checked
set search_path = ''
as $$
declare
  v_appointment clinic.appointments;
begin
  perform clinic.require_user(writes => false);
  select * into v_appointment from clinic.appointments as a where a.id = clinic.required(next_steps.appointment_id, 'appointment_id');
  if clinic.appointment_role(v_appointment) not in ('service', 'admin', 'receptionist', 'dentist') then
    perform clinic.refuse('forbidden');
  end if;
  return (
    select clinic.next_steps(v_appointment.status, v_appointment.starts_at, c.time_zone)
    from clinic.clinics as c where c.id = v_appointment.clinic_id
  );
end
$$;
grant execute on function clinic.next_steps(uuid) to anon, authenticated, service_role;

create function api.next_steps(appointment_id uuid)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
begin
  return clinic.next_steps(appointment_id);
end
$$;
comment on function api.next_steps is
'For staff: what may become of an appointment next: [{status, from (null: at any time), takes_back: whether that undoes the last step}].
Errors: not_authenticated, forbidden, not_found, invalid_argument.';
grant execute on function api.next_steps to anon, authenticated, service_role;
