-- Booking: confirm what was held, or book in one step.

create function clinic.insert_appointment(
  reservation clinic.slot_reservations, patient_id uuid, notes text, role text
)
returns api.appointments
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_row api.appointments;
begin
  -- On conflict: the patient's exclusion constraint answers instead of raising what would show the other booking.
  insert into clinic.appointments as a (
    id, clinic_id, dentist_id, patient_id, appointment_type_id, starts_at, ends_at, buffer_before, buffer_after,
    notes, booked_by, source
  )
  values (
    reservation.id, reservation.clinic_id, reservation.dentist_id, insert_appointment.patient_id,
    reservation.appointment_type_id, reservation.starts_at, reservation.ends_at,
    reservation.buffer_before, reservation.buffer_after,
    clinic.clean_text(insert_appointment.notes, 'notes', 4000), auth.uid(), clinic.source_of(role)
  )
  on conflict do nothing
  returning -- the columns of api.appointments, which saves a look-up
    a.id, a.clinic_id, a.dentist_id, a.patient_id, a.appointment_type_id, a.starts_at, a.ends_at, a.status, a.notes,
    a.version, a.source, a.created_at, a.updated_at, a.cancelled_at, a.cancellation_reason
  into v_row;
  if not found then
    perform clinic.refuse('patient_busy');
  end if;
  return v_row;
end
$$;
comment on function clinic.insert_appointment is
'Books what the reservation says; if that holds the time, its claim becomes the appointment''s in place. Errors: slot_taken, patient_busy.';


-- Confirm ------------------------------------------------------------------------------------------------------------

create function clinic.convert_reservation(
  reservation_id uuid, patient_id uuid, notes text, role text, as_of timestamptz
)
returns api.appointments
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_reservation clinic.slot_reservations;
  v_policy clinic.clinics;
  v_row api.appointments;
begin
  select * into v_reservation from clinic.slot_reservations as r where r.id = convert_reservation.reservation_id;
  if v_reservation.outcome = 'confirmed' then
    select * into v_row from api.appointments as a where a.id = v_reservation.id;
    return v_row;
  elsif v_reservation.outcome = 'released' then
    perform clinic.refuse('reservation_expired', 'The reservation was released.');
  end if;
  -- A live hold is a promise. One that has run out is judged again: perhaps nobody took the slot.
  if v_reservation.outcome = 'expired' or v_reservation.expires_at <= as_of then
    v_policy := (clinic.bookable(v_reservation.appointment_type_id, v_reservation.dentist_id)).policy;
    v_reservation.patient_id := convert_reservation.patient_id;
    perform clinic.require_slot(v_policy, v_reservation, as_of, clinic.is_desk(role));
  end if;
  v_row := clinic.insert_appointment(v_reservation, convert_reservation.patient_id, convert_reservation.notes, role);
  update clinic.slot_reservations as r
  set outcome = 'confirmed', ended_at = clock_timestamp(), patient_id = convert_reservation.patient_id
  where r.id = v_reservation.id;
  return v_row;
end
$$;
comment on function clinic.convert_reservation is 'Turns a reservation into its appointment, once. Call it under the locks.';

create function clinic.confirm_reservation(reservation_id uuid, patient_id uuid, notes text, idempotency_key text)
returns api.appointments
language plpgsql
volatile
security definer -- books for a caller it has checked
set search_path = ''
as $$
declare
  v_reservation clinic.slot_reservations;
  v_request jsonb := jsonb_build_array(
    confirm_reservation.reservation_id, confirm_reservation.patient_id, confirm_reservation.notes
  );
  v_role text;
  v_now timestamptz;
  v_response jsonb;
  v_patient_id uuid;
  v_row api.appointments;
begin
  perform clinic.require_user();
  perform clinic.required(confirm_reservation.reservation_id, 'reservation_id');
  select * into v_reservation from clinic.slot_reservations as r where r.id = confirm_reservation.reservation_id;
  v_role := clinic.reservation_role(v_reservation);
  v_now := clinic.lock_dentists(v_reservation.dentist_id);
  v_response := clinic.replay('confirm_reservation', confirm_reservation.idempotency_key, v_request);
  if v_response is not null then
    return jsonb_populate_record(null::api.appointments, v_response);
  end if;
  v_patient_id := clinic.required(clinic.booking_patient(
    v_reservation.clinic_id, v_role, coalesce(confirm_reservation.patient_id, v_reservation.patient_id)
  ), 'patient_id');
  v_row := clinic.convert_reservation(v_reservation.id, v_patient_id, confirm_reservation.notes, v_role, v_now);
  perform clinic.remember('confirm_reservation', confirm_reservation.idempotency_key, v_request, to_jsonb(v_row));
  return v_row;
end
$$;
grant execute on function clinic.confirm_reservation to anon, authenticated, service_role;

create function api.confirm_reservation(
  reservation_id uuid, patient_id uuid default null, notes text default null, idempotency_key text default null
)
returns api.appointments
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.confirm_reservation(reservation_id, patient_id, notes, idempotency_key);
end
$$;
comment on function api.confirm_reservation is
'Books what was held, under the reservation''s id; confirming twice returns the same appointment. A reservation that ran out is still
booked if its slot is free. Errors: not_authenticated, forbidden, not_found, invalid_argument, reservation_expired (it was released),
slot_taken (details: alternatives), patient_busy, and those of the slot; idempotency_mismatch.';
grant execute on function api.confirm_reservation to anon, authenticated, service_role;


-- Book ---------------------------------------------------------------------------------------------------------------

create function clinic.book_appointment(
  dentist_id uuid,
  appointment_type_id uuid,
  starts_at text,
  patient_id uuid,
  notes text,
  idempotency_key text
)
returns api.appointments
language plpgsql
volatile
security definer -- books for a caller it has checked
set search_path = ''
as $$
declare
  v_user_id uuid := clinic.require_user();
  v_now timestamptz := clinic.lock_dentists(clinic.required(book_appointment.dentist_id, 'dentist_id'));
  v_starts_at timestamptz := clinic.required_instant(book_appointment.starts_at, 'starts_at');
  v_bookable clinic.bookable;
  v_policy clinic.clinics;
  v_role text;
  v_request jsonb;
  v_response jsonb;
  v_patient_id uuid;
  v_slot clinic.slot_reservations;
  v_row api.appointments;
begin
  -- Most bookings come without a key: nothing is built for them.
  if book_appointment.idempotency_key is not null then
    v_request := jsonb_build_array(
      book_appointment.dentist_id, book_appointment.appointment_type_id, extract(epoch from v_starts_at),
      book_appointment.patient_id, book_appointment.notes
    );
    v_response := clinic.replay('book_appointment', book_appointment.idempotency_key, v_request);
    if v_response is not null then
      return jsonb_populate_record(null::api.appointments, v_response);
    end if;
  end if;
  v_bookable := clinic.bookable(book_appointment.appointment_type_id, book_appointment.dentist_id);
  v_policy := v_bookable.policy;
  v_role := clinic.booking_role(v_policy.id, v_bookable.dentist_id);
  v_patient_id := clinic.required(
    clinic.booking_patient(v_policy.id, v_role, book_appointment.patient_id), 'patient_id'
  );
  v_slot := clinic.slot(v_bookable, v_starts_at, v_patient_id);
  if v_role = 'patient' then
    perform clinic.release_own_holds(v_slot);
  end if;
  perform clinic.require_slot(v_policy, v_slot, v_now, clinic.is_desk(v_role));
  v_row := clinic.insert_appointment(v_slot, v_patient_id, book_appointment.notes, v_role);
  if v_request is not null then
    perform clinic.remember('book_appointment', book_appointment.idempotency_key, v_request, to_jsonb(v_row));
  end if;
  return v_row;
end
$$;
grant execute on function clinic.book_appointment to anon, authenticated, service_role;

create function api.book_appointment(
  dentist_id uuid,
  appointment_type_id uuid,
  starts_at text,
  patient_id uuid default null,
  notes text default null,
  idempotency_key text default null
)
returns api.appointments
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.book_appointment(dentist_id, appointment_type_id, starts_at, patient_id, notes, idempotency_key);
end
$$;
comment on function api.book_appointment is
'Books a slot in one round trip and returns the appointment. Patients book for themselves; staff name the patient.
Errors: not_authenticated, forbidden, not_found, invalid_argument, slot_taken (details: up to three alternatives as JSON), patient_busy,
outside_working_hours, off_grid, notice_too_short, beyond_horizon, in_the_past, idempotency_mismatch.';
grant execute on function api.book_appointment to anon, authenticated, service_role;
