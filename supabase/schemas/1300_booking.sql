-- Booking: confirm what was held, or book in one step.

create function clinic.insert_appointment(
  reservation clinic.slot_reservations, patient_id uuid, notes text, role text, is_squeezed boolean default false,
  series_id uuid default null
)
returns api.appointments
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_row api.appointments;
begin
  insert into clinic.appointments as a (
    id, clinic_id, dentist_id, patient_id, appointment_type_id, starts_at, ends_at, buffer_before, buffer_after,
    leads_after, leads_for, parts, assigned, is_squeezed, notes, booked_by, source, series_id
  )
  values (
    reservation.id, reservation.clinic_id, reservation.dentist_id, insert_appointment.patient_id,
    reservation.appointment_type_id, reservation.starts_at, reservation.ends_at,
    reservation.buffer_before, reservation.buffer_after,
    reservation.leads_after, reservation.leads_for, reservation.parts, reservation.assigned, insert_appointment.is_squeezed,
    clinic.clean_text(insert_appointment.notes, 'notes', 4000), auth.uid(), clinic.source_of(role),
    insert_appointment.series_id
  )
  returning -- the columns of api.appointments, which saves a look-up
    a.id, a.clinic_id, a.dentist_id, a.patient_id, a.appointment_type_id, a.starts_at, a.ends_at, a.status, a.notes,
    a.version, a.source, a.created_at, a.updated_at, a.cancelled_at, a.cancellation_reason, a.assigned, a.is_squeezed,
    (
      select clinic.changeable_until(a.status, a.starts_at, a.created_at, c.cancellation_notice, c.cancel_grace)
      from clinic.clinics as c where c.id = a.clinic_id
    ),
    null as staff_notes,
    a.confirmed_at, a.series_id
  into v_row;
  return v_row;
end
$$;
comment on function clinic.insert_appointment is
'Books what the reservation says; if that holds the time, its claims become the appointment''s in place. Call it under the patient''s lock, when it is
known that they are not busy. Errors: slot_taken.';

create function clinic.require_free_patient(patient_id uuid, slot clinic.slot_reservations)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
  if clinic.patient_times(
    require_free_patient.patient_id, tstzrange(slot.starts_at, slot.ends_at), array[slot.id]
  ) is not null then
    perform clinic.refuse('patient_busy', clinic_id => slot.clinic_id);
  end if;
end
$$;
comment on function clinic.require_free_patient is
'Passes a patient who has no other appointment at the time of a visit that is not judged. Call it under the patient''s lock. Errors: patient_busy.';


-- Confirm ------------------------------------------------------------------------------------------------------------

create function clinic.require_same_visit(reservation clinic.slot_reservations, bookable clinic.bookable)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_now clinic.slot_reservations := clinic.slot(bookable, (bookable.leaders)[1], reservation.starts_at, null);
begin
  if
    (v_now.ends_at, v_now.buffer_before, v_now.buffer_after, v_now.leads_after, v_now.leads_for, v_now.parts)
    is distinct from (
      reservation.ends_at, reservation.buffer_before, reservation.buffer_after, reservation.leads_after, reservation.leads_for,
      coalesce(clinic.with_resources(reservation.parts, '{}'), '{}')
    )
  then
    perform clinic.refuse('reservation_expired', 'Such a visit takes something else by now.');
  end if;
end
$$;
comment on function clinic.require_same_visit is
'Passes a reservation that ran out, while visits of its type still take what it held; otherwise reservation_expired.';

create function clinic.give_offer_away(offer clinic.slot_reservations, role text)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
  if not clinic.is_desk(role) then
    perform clinic.refuse('not_offered', 'This is offered to who waits for it, and to nobody else.');
  end if;
  -- They refused nothing; what ran out and was counted remains so.
  update clinic.waitlist as w
  set
    offers = w.offers - 1,
    outcome = case when w.offers > c.max_waitlist_offers then 'exhausted' end,
    ended_at = case when w.offers > c.max_waitlist_offers then clock_timestamp() end
  from clinic.clinics as c
  where offer.outcome is null and w.id = offer.waitlist_id and w.clinic_id = offer.clinic_id and w.outcome is null and c.id = w.clinic_id;
end
$$;
comment on function clinic.give_offer_away is 'The desk gives somebody else what is offered to who waits. Errors: not_offered, for anybody but the desk.';

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
  v_is_for_another boolean;
  v_bookable clinic.bookable;
  v_row api.appointments;
begin
  select * into v_reservation from clinic.slot_reservations as r where r.id = convert_reservation.reservation_id;
  v_is_for_another := v_reservation.patient_id is distinct from convert_reservation.patient_id
    -- Who it was for, a chatbot has heard in its conversation, and the desk has overwritten.
    or role = 'chatbot' and exists (
      select from clinic.appointments as a
      where a.id = v_reservation.id and a.clinic_id = v_reservation.clinic_id and a.source <> 'chatbot'
    );
  if v_reservation.outcome = 'confirmed' and v_is_for_another and not clinic.is_desk(role) then
    perform clinic.refuse('reservation_expired', 'Somebody else has it.');
  elsif v_reservation.outcome = 'confirmed' then
    return clinic.api_appointment(clinic.became(v_reservation));
  elsif v_reservation.outcome = 'released' then
    perform clinic.refuse('reservation_expired', 'The reservation was released.');
  elsif v_reservation.waitlist_id is not null and v_is_for_another then
    perform clinic.give_offer_away(v_reservation, role);
  end if;
  if clinic.moves_visit(v_reservation, convert_reservation.patient_id) then
    return clinic.accept_move(v_reservation, role, as_of);
  end if;
  -- A live hold is a promise. One that has run out is judged again: perhaps nobody took the slot.
  if v_reservation.outcome = 'expired' or v_reservation.expires_at <= as_of then
    v_bookable := clinic.bookable(v_reservation.appointment_type_id, v_reservation.dentist_id);
    perform clinic.require_same_visit(v_reservation, v_bookable);
    v_reservation.patient_id := convert_reservation.patient_id;
    perform clinic.require_offered(v_bookable, role, v_reservation.patient_id);
    perform clinic.require_slot(v_bookable, v_reservation, as_of, clinic.is_desk(role));
    v_reservation.parts := clinic.fit_parts(v_reservation);
  else
    if v_is_for_another then
      -- Held by a guest, of whom it is only known now who they are, or for somebody else of theirs.
      perform clinic.require_offered(clinic.bookable(v_reservation.appointment_type_id, v_reservation.dentist_id), role, convert_reservation.patient_id);
    end if;
    perform clinic.require_free_patient(convert_reservation.patient_id, v_reservation);
  end if;
  v_row := clinic.insert_appointment(v_reservation, convert_reservation.patient_id, convert_reservation.notes, role);
  -- What was held is confirmed by then; what had run out is not.
  update clinic.slot_reservations as r
  set outcome = 'confirmed', ended_at = clock_timestamp(), patient_id = convert_reservation.patient_id
  where r.id = v_reservation.id and r.outcome is distinct from 'confirmed';
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
  v_request jsonb;
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
  -- Most come without a key: nothing is built for them.
  if confirm_reservation.idempotency_key is not null then
    v_request := jsonb_build_array(confirm_reservation.reservation_id, confirm_reservation.patient_id, confirm_reservation.notes);
    v_response := clinic.replay('confirm_reservation', confirm_reservation.idempotency_key, v_request);
    if v_response is not null then
      return jsonb_populate_record(null::api.appointments, v_response);
    end if;
  end if;
  v_now := clinic.lock_for_confirmation(v_reservation);
  v_patient_id := clinic.required(clinic.booking_patient(
    v_reservation.clinic_id, v_role, coalesce(confirm_reservation.patient_id, v_reservation.patient_id)
  ), 'patient_id');
  v_row := clinic.convert_reservation(v_reservation.id, v_patient_id, confirm_reservation.notes, v_role, v_now);
  if v_request is not null then
    perform clinic.remember('confirm_reservation', confirm_reservation.idempotency_key, v_request, to_jsonb(v_row));
  end if;
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
'Books what was held, under the reservation''s id; confirming twice returns the same appointment. An offer to move a visit moves it, and returns it.
Staff who confirm an offer for another patient take it from who waits. A reservation that ran out is still
booked if its slot is free and its type takes the same still. Errors: not_authenticated, forbidden, not_found, invalid_argument, reservation_expired,
slot_taken (details: alternatives), patient_busy, and those of the slot; idempotency_mismatch.';
grant execute on function api.confirm_reservation to anon, authenticated, service_role;


-- Book ---------------------------------------------------------------------------------------------------------------

create function clinic.require_squeeze(role text, slot clinic.slot_reservations, policy clinic.clinics)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
  if not clinic.is_desk(role) then
    perform clinic.refuse('forbidden', 'Only staff squeeze a visit in.');
  elsif slot.starts_at < lower(clinic.day_span((clock_timestamp() at time zone policy.time_zone)::date, policy.time_zone)) then
    perform clinic.refuse('in_the_past', clinic_id => policy.id);
  elsif clinic.closed_times(
    policy.id, tstzrange(slot.starts_at - slot.buffer_before, slot.ends_at + slot.buffer_after)
  ) is not null then
    -- Others make room for one more; closed doors do not.
    perform clinic.refuse('slot_taken', 'The clinic is closed at this time.', clinic_id => policy.id);
  end if;
end
$$;
comment on function clinic.require_squeeze is 'Passes staff who put a visit of today or later on top of others, while the clinic is open.';

create function clinic.require_one_more(bookable clinic.bookable, role text, patient_id uuid)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
  if clinic.offer_code(bookable, role, patient_id, with_holds => true) is not null then
    perform clinic.require_offered(bookable, role, patient_id);
    perform clinic.end_holds(array(
      select r.id from clinic.slot_reservations as r
      where
        r.held_by = auth.uid() and r.patient_id = require_one_more.patient_id and r.outcome is null
        and r.clinic_id = (bookable.type).clinic_id
    ), 'released');
  end if;
end
$$;
comment on function clinic.require_one_more is
'Passes who may book one more. Who holds others, too, and would have more ahead with them than the clinic permits, lets go of those. Errors:
not_offered, booking_limit, try_again.';

create function clinic.place_appointment(
  bookable clinic.bookable, slot clinic.slot_reservations, notes text, role text, is_squeezed boolean, as_of timestamptz
)
returns api.appointments
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_is_desk constant boolean := clinic.is_desk(role);
  v_code text;
begin
  if not v_is_desk then
    perform clinic.require_one_more(bookable, role, slot.patient_id);
  end if;
  if is_squeezed then
    perform clinic.require_squeeze(role, slot, bookable.policy);
    -- Whoever finds room after all is squeezed on top of nobody.
    v_code := clinic.judge_slot(bookable, slot, as_of, true, '{}', true);
    -- What is only offered makes room.
    if v_code = 'day_full' or v_code = 'slot_taken' and not clinic.take_offers(bookable, slot, as_of, true) then
      perform clinic.require_free_patient(slot.patient_id, slot);
      slot.parts := clinic.fit_parts(slot, true);
      return clinic.insert_appointment(slot, slot.patient_id, place_appointment.notes, role, true);
    end if;
  end if;
  perform clinic.require_slot(bookable, slot, as_of, v_is_desk, v_is_desk);
  if slot.parts <> '{}' then
    slot.parts := clinic.fit_parts(slot);
  end if;
  return clinic.insert_appointment(slot, slot.patient_id, place_appointment.notes, role);
end
$$;
comment on function clinic.place_appointment is
'Judges and books; or, for staff who want it so, puts the visit on top of what is there. Call it under the locks.';

create function clinic.book_appointment(
  dentist_id uuid,
  appointment_type_id uuid,
  starts_at text,
  patient_id uuid,
  notes text,
  idempotency_key text,
  squeeze_in boolean
)
returns api.appointments
language plpgsql
volatile
security definer -- books for a caller it has checked
set search_path = ''
as $$
declare
  v_user_id uuid := clinic.require_user();
  v_starts_at timestamptz := clinic.required_instant(book_appointment.starts_at, 'starts_at');
  v_bookable clinic.bookable;
  v_now timestamptz;
  v_role text;
  v_request jsonb;
  v_response jsonb;
  v_patient_id uuid;
  v_row api.appointments;
begin
  -- Most bookings come without a key: nothing is built for them.
  if book_appointment.idempotency_key is not null then
    v_request := jsonb_build_array(
      book_appointment.dentist_id, book_appointment.appointment_type_id, extract(epoch from v_starts_at),
      book_appointment.patient_id, book_appointment.notes, coalesce(book_appointment.squeeze_in, false)
    );
    v_response := clinic.replay('book_appointment', book_appointment.idempotency_key, v_request);
    if v_response is not null then
      return jsonb_populate_record(null::api.appointments, v_response);
    end if;
  end if;
  v_bookable := clinic.locked_bookable(book_appointment.appointment_type_id, book_appointment.dentist_id, v_starts_at, v_user_id);
  v_now := clock_timestamp();
  v_role := clinic.booking_role((v_bookable.policy).id, book_appointment.dentist_id);
  v_patient_id := clinic.required(
    clinic.booking_patient((v_bookable.policy).id, v_role, book_appointment.patient_id), 'patient_id'
  );
  v_row := clinic.place_appointment(
    v_bookable, clinic.requested_slot(
      v_bookable, book_appointment.dentist_id, v_starts_at, v_patient_id, v_role, v_now, may_have_begun => true
    ),
    book_appointment.notes, v_role, coalesce(book_appointment.squeeze_in, false), v_now
  );
  if v_request is not null then
    perform clinic.remember('book_appointment', book_appointment.idempotency_key, v_request, to_jsonb(v_row));
  end if;
  return v_row;
end
$$;
grant execute on function clinic.book_appointment to anon, authenticated, service_role;

create function api.book_appointment(
  appointment_type_id uuid,
  starts_at text,
  dentist_id uuid default null,
  patient_id uuid default null,
  notes text default null,
  idempotency_key text default null,
  squeeze_in boolean default false
)
returns api.appointments
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.book_appointment(dentist_id, appointment_type_id, starts_at, patient_id, notes, idempotency_key, squeeze_in);
end
$$;
comment on function api.book_appointment is
'Books a slot in one round trip, with this dentist or whoever is free and has the least to do that day (null), and returns the appointment.
Patients book for themselves; staff name the patient, may record who is in the chair already (today), and may squeeze_in a visit on top of others,
while the clinic is open.
Errors: not_authenticated, forbidden, not_found, invalid_argument, slot_taken (details: up to three alternatives as JSON), patient_busy, day_full,
outside_working_hours, off_grid, notice_too_short, beyond_horizon, in_the_past, not_offered, booking_limit, idempotency_mismatch, try_again.';
grant execute on function api.book_appointment to anon, authenticated, service_role;
