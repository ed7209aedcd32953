-- Changes: reschedule, update, cancel, and what becomes of an appointment.

create function clinic.appointment_role(appointment clinic.appointments)
returns text
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.acting_role(
    'appointment', appointment.clinic_id, appointment.dentist_id, appointment.booked_by,
    appointment.patient_id = any (clinic.my_patients())
  );
end
$$;
comment on function clinic.appointment_role is 'As what the caller may change the appointment; not_found for everyone else.';

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

create function clinic.appointment_to_change(appointment_id uuid, expected_version integer default null)
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
  v_appointment := clinic.lock_appointment(v_before);
  perform clinic.require_version(v_appointment, appointment_to_change.expected_version);
  return v_appointment;
end
$$;
comment on function clinic.appointment_to_change is
'The appointment as it is now, with its dentist''s calendar locked, for a caller who may change it. Errors: not_found, stale_version, try_again.';

create function clinic.require_notice(appointment clinic.appointments, role text)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
  if role = 'patient' and clock_timestamp() > clinic.later(appointment.starts_at, - (
    select c.cancellation_notice from clinic.clinics as c where c.id = appointment.clinic_id
  )) then
    perform clinic.refuse('too_late_to_cancel');
  end if;
end
$$;
comment on function clinic.require_notice is 'Patients change an appointment no later than the clinic''s cancellation_notice before it.';

create function clinic.api_appointment(appointment_id uuid)
returns api.appointments
language sql
stable
set search_path = ''
as $$
  select a from api.appointments as a where a.id = api_appointment.appointment_id;
$$;
comment on function clinic.api_appointment is 'The appointment as the API shows it.';


-- Reschedule ---------------------------------------------------------------------------------------------------------

create function clinic.move_appointment(appointment clinic.appointments, dentist_id uuid, starts_at timestamptz, role text)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_policy clinic.clinics;
  v_ends_at timestamptz := move_appointment.starts_at + (appointment.ends_at - appointment.starts_at);
  v_slot clinic.slot_reservations;
begin
  if appointment.status <> 'booked' then
    perform clinic.refuse('invalid_transition', format('An appointment that is %s cannot be moved.', appointment.status));
  end if;
  perform clinic.require_notice(appointment, role);
  perform clinic.lock_patient(appointment.patient_id);
  select * into v_policy from clinic.clinics as c where c.id = appointment.clinic_id;
  v_slot.id := appointment.id;
  v_slot.clinic_id := appointment.clinic_id;
  v_slot.dentist_id := move_appointment.dentist_id;
  v_slot.appointment_type_id := appointment.appointment_type_id;
  v_slot.patient_id := appointment.patient_id;
  v_slot.starts_at := move_appointment.starts_at;
  v_slot.ends_at := v_ends_at;
  v_slot.buffer_before := appointment.buffer_before;
  v_slot.buffer_after := appointment.buffer_after;
  if role = 'patient' then
    perform clinic.release_own_holds(v_slot);
  end if;
  perform clinic.require_slot(v_policy, v_slot, clock_timestamp(), clinic.is_desk(role));
  update clinic.appointments as a
  set
    dentist_id = move_appointment.dentist_id,
    starts_at = move_appointment.starts_at,
    ends_at = v_ends_at
  where a.id = appointment.id;
exception
  -- Its detail would show the other booking.
  when exclusion_violation then
    perform clinic.refuse('patient_busy');
end
$$;
comment on function clinic.move_appointment is
'Judges the new time and moves the appointment there in place; its old time never blocks it. Call it under both dentists'' locks.';

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
  v_request jsonb := jsonb_build_array(
    reschedule_appointment.appointment_id, extract(epoch from v_starts_at), reschedule_appointment.dentist_id,
    reschedule_appointment.expected_version
  );
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
  v_dentist_id := coalesce(reschedule_appointment.dentist_id, v_before.dentist_id);
  perform clinic.lock_dentists(v_before.dentist_id, v_dentist_id);
  v_response := clinic.replay('reschedule_appointment', reschedule_appointment.idempotency_key, v_request);
  if v_response is not null then
    return jsonb_populate_record(null::api.appointments, v_response);
  end if;
  -- The desk may still move visits within the calendar of somebody who has left.
  if v_dentist_id <> v_before.dentist_id or not clinic.is_desk(v_role) then
    perform clinic.bookable_dentist(v_before.clinic_id, v_dentist_id);
    if v_role = 'dentist' and v_dentist_id <> all (clinic.my_dentists()) then
      perform clinic.refuse('forbidden', 'A dentist books in their own calendar.');
    end if;
  end if;
  v_appointment := clinic.lock_appointment(v_before);
  perform clinic.require_version(v_appointment, reschedule_appointment.expected_version);
  perform clinic.move_appointment(v_appointment, v_dentist_id, v_starts_at, v_role);
  v_row := clinic.api_appointment(v_appointment.id);
  perform clinic.remember('reschedule_appointment', reschedule_appointment.idempotency_key, v_request, to_jsonb(v_row));
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
'Moves a booked appointment to another time, and to another dentist of the clinic if one is named. It keeps its id, duration and
buffers, and its old time if the new one is refused. Errors: not_authenticated, forbidden, not_found, invalid_argument, stale_version,
invalid_transition, too_late_to_cancel (patients), slot_taken (details: alternatives), patient_busy, and those of the slot;
idempotency_mismatch.';
grant execute on function api.reschedule_appointment to anon, authenticated, service_role;


-- Update -------------------------------------------------------------------------------------------------------------

create function clinic.update_appointment(appointment_id uuid, notes text, expected_version integer)
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
begin
  update clinic.appointments as a
  set notes = clinic.clean_text(update_appointment.notes, 'notes', 4000)
  where a.id = v_appointment.id;
  return clinic.api_appointment(v_appointment.id);
end
$$;
grant execute on function clinic.update_appointment to anon, authenticated, service_role;

create function api.update_appointment(appointment_id uuid, notes text, expected_version integer default null)
returns api.appointments
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.update_appointment(appointment_id, notes, expected_version);
end
$$;
comment on function api.update_appointment is
'Replaces the appointment''s notes, which its patient and the staff both read; null or empty removes them.
Errors: not_authenticated, not_found, invalid_argument, stale_version.';
grant execute on function api.update_appointment to anon, authenticated, service_role;


-- Cancel and the other ends ------------------------------------------------------------------------------------------

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
      perform clinic.require_notice(appointment, role);
    elsif end_appointment.status = 'no_show' and appointment.starts_at > clock_timestamp() then
      perform clinic.refuse('invalid_transition', 'Nobody can have missed an appointment that has not begun.');
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
    set_appointment_status.appointment_id, set_appointment_status.expected_version
  );
  v_role text := clinic.appointment_role(v_appointment);
begin
  if not clinic.is_desk(v_role) then
    perform clinic.refuse('forbidden', 'Staff set the status; patients may cancel.');
  elsif
    (set_appointment_status.status in ('booked', 'checked_in', 'fulfilled', 'cancelled', 'no_show')) is not true
  then
    perform clinic.refuse('invalid_argument', 'status must be checked_in, fulfilled, cancelled or no_show.');
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
'For staff: booked to checked_in to fulfilled; booked or checked_in to cancelled; booked to no_show once it has begun.
Errors: not_authenticated, forbidden, not_found, invalid_argument, stale_version, invalid_transition.';
grant execute on function api.set_appointment_status to anon, authenticated, service_role;
