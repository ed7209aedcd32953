-- Chatbot, changing: release a hold; cancel or move a booking with its code and the phone number, and never by guessing;
-- and what is forgotten of it all.

-- Release ------------------------------------------------------------------------------------------------------------

create function clinic.chatbot_release(reservation_id uuid)
returns jsonb
language plpgsql
volatile
security definer -- ends a reservation for a caller it has checked
set search_path = ''
as $$
begin
  return jsonb_build_object(
    'released', clinic.end_hold(clinic.chatbot_reservation(chatbot_release.reservation_id)),
    'server_now', clock_timestamp()
  );
end
$$;
grant execute on function clinic.chatbot_release to anon, authenticated, service_role;

create function api.chatbot_release(reservation_id uuid)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.chatbot_release(reservation_id);
end
$$;
comment on function api.chatbot_release is
'Gives back what this chatbot holds, when the person does not want it after all. Returns {released (false: it had ended, or was booked),
server_now}. Errors: not_authenticated, forbidden, not_found, invalid_argument.';
grant execute on function api.chatbot_release to anon, authenticated, service_role;


-- Which booking is meant ---------------------------------------------------------------------------------------------

create table clinic.cancel_attempts (
  id bigint not null generated always as identity,
  user_id uuid not null,
  code_hash bytea not null,
  phone_hash bytea not null,
  attempted_at timestamptz not null default clock_timestamp(),
  constraint cancel_attempts_pkey primary key (id),
  constraint cancel_attempts_user_fkey foreign key (user_id) references auth.users (id) on delete cascade
);
comment on table clinic.cancel_attempts is 'Failed calls of chatbot_cancel, so that guessing can be seen. Code and phone only as hashes.';
alter table clinic.cancel_attempts
alter column code_hash set statistics 0,
alter column phone_hash set statistics 0;
create index cancel_attempts_user_idx on clinic.cancel_attempts (user_id, attempted_at);
create index cancel_attempts_attempted_at_idx on clinic.cancel_attempts (attempted_at);
alter table clinic.cancel_attempts enable row level security;

create policy cancel_attempts_are_for_the_service on clinic.cancel_attempts
  for select to service_role
  using (true);
grant select on clinic.cancel_attempts to service_role;


create function clinic.record_attempt(user_id uuid, code_hash bytea, phone_hash bytea)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
  perform clinic.lock_login();
  insert into clinic.cancel_attempts (user_id, code_hash, phone_hash)
  select record_attempt.user_id, record_attempt.code_hash, record_attempt.phone_hash
  where (
    select
      count(*) < 60
      and count(*) filter (where a.code_hash = record_attempt.code_hash) < 5
      and count(*) filter (where a.phone_hash = record_attempt.phone_hash) < 5
    from clinic.cancel_attempts as a
    where a.user_id = record_attempt.user_id and a.attempted_at > clock_timestamp() - interval '15 minutes'
  );
end
$$;
comment on function clinic.record_attempt is
'Notes a wrong pair, so that guessing can be seen: in a quarter of an hour at most 5 for one code, 5 for one phone, and 60 for one chatbot. It
closes nothing: a limit on wrong pairs would be a way to keep the owner of the right one from cancelling, and 40 random bits need none.';

create function clinic.named_booking(confirmation_code text, patient_phone text)
returns clinic.appointments
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_user_id uuid := clinic.require_chatbot();
  v_code text := clinic.plain_code(clinic.required(
    clinic.clean_line(named_booking.confirmation_code, 'confirmation_code', 40), 'confirmation_code'
  ));
  v_phone text := clinic.phone_key(
    clinic.required(clinic.clean_line(named_booking.patient_phone, 'patient_phone', 40), 'patient_phone')
  );
  v_booking clinic.appointments;
begin
  select a.* into v_booking
  from clinic.confirmation_codes as c
  inner join clinic.appointments as a on c.appointment_id = a.id and c.clinic_id = a.clinic_id
  inner join clinic.patients as p on a.patient_id = p.id and a.clinic_id = p.clinic_id
  where
    c.clinic_id = any (clinic.my_clinics('{chatbot}')) and c.code = v_code
    and a.booked_by = v_user_id and clinic.phone_key(p.phone) = v_phone;
  if not found then
    perform clinic.record_attempt(
      v_user_id, sha256(convert_to(v_code, 'UTF8')), sha256(convert_to(coalesce(v_phone, ''), 'UTF8'))
    );
  end if;
  return v_booking;
end
$$;
comment on function clinic.named_booking is
'The booking this chatbot made that has both this code and this phone number. Without one the attempt is noted, and its id is null.';

create function clinic.unknown_booking()
returns jsonb
language sql
immutable
set search_path = ''
as $$
  select jsonb_build_object(
    'code', 'not_found',
    'message', 'No booking was found for this code and phone number.',
    'hint', 'Check both, or call the clinic.'
  );
$$;
comment on function clinic.unknown_booking is
'What a chatbot is told without a booking: an answer, not a refusal, for a refusal would take the note of the attempt back. It is the same
for every reason, or it would tell one.';


-- Cancel -------------------------------------------------------------------------------------------------------------

create function clinic.chatbot_cancel(confirmation_code text, patient_phone text)
returns jsonb
language plpgsql
volatile
security definer -- changes an appointment for a caller it has checked
set search_path = ''
as $$
declare
  v_booking clinic.appointments := clinic.named_booking(
    chatbot_cancel.confirmation_code, chatbot_cancel.patient_phone
  );
begin
  if v_booking.id is null then
    return clinic.unknown_booking() || '{"cancelled": false}';
  end if;
  perform clinic.end_appointment(
    clinic.lock_appointment(v_booking), 'patient', 'cancelled', 'Cancelled through the chatbot.'
  );
  return clinic.describe_booking(v_booking.id) || '{"cancelled": true}';
end
$$;
grant execute on function clinic.chatbot_cancel to anon, authenticated, service_role;

create function api.chatbot_cancel(confirmation_code text, patient_phone text)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.chatbot_cancel(confirmation_code, patient_phone);
end
$$;
comment on function api.chatbot_cancel is
'Cancels a booking of this chatbot by its code and the patient''s phone number, before the clinic''s cancellation_notice; again is no change.
Returns {cancelled: true} and what chatbot_confirm returned but the code, or {cancelled: false, code, message, hint}: the same for an
unknown code and a wrong phone number, however often. Errors: not_authenticated, forbidden, invalid_argument, too_late_to_cancel,
invalid_transition, stale_version (it is being moved).';
grant execute on function api.chatbot_cancel to anon, authenticated, service_role;


-- Move ---------------------------------------------------------------------------------------------------------------

create function clinic.move_booking(booking clinic.appointments, offer text)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_offer clinic.slot_offers := clinic.my_offer(move_booking.offer);
  v_booking clinic.appointments := clinic.lock_for_move(booking, v_offer.dentist_id, v_offer.starts_at);
  v_now timestamptz := clock_timestamp();
begin
  if (v_booking.dentist_id, v_booking.starts_at, v_booking.status) = (v_offer.dentist_id, v_offer.starts_at, 'booked') then
    return; -- moved there already
  elsif (v_booking.clinic_id, v_booking.appointment_type_id) <> (v_offer.clinic_id, v_offer.appointment_type_id) then
    perform clinic.refuse(
      'invalid_argument', 'The offer is for something else than what is booked.',
      hint => 'Call chatbot_find_slots for the service that is booked.'
    );
  elsif v_offer.expires_at <= v_now or v_offer.reservation_id is not null then
    perform clinic.refuse(
      'reservation_expired', 'The offer has ended, or was used.', hint => 'Call chatbot_find_slots for a fresh one.'
    );
  end if;
  perform clinic.move_appointment(
    v_booking, clinic.movable(v_booking, 'patient', v_offer.dentist_id), v_offer.dentist_id, v_offer.starts_at, 'patient'
  );
end
$$;
comment on function clinic.move_booking is 'Moves for the patient, under their rules, to what was offered; there already is no change.';

create function clinic.chatbot_reschedule(confirmation_code text, patient_phone text, offer text)
returns jsonb
language plpgsql
volatile
security definer -- changes an appointment for a caller it has checked
set search_path = ''
as $$
declare
  v_booking clinic.appointments := clinic.named_booking(
    chatbot_reschedule.confirmation_code, chatbot_reschedule.patient_phone
  );
begin
  if v_booking.id is null then
    return clinic.unknown_booking() || '{"rescheduled": false}';
  end if;
  perform clinic.move_booking(v_booking, chatbot_reschedule.offer);
  return clinic.describe_booking(v_booking.id) || '{"rescheduled": true}';
end
$$;
grant execute on function clinic.chatbot_reschedule to anon, authenticated, service_role;

create function api.chatbot_reschedule(confirmation_code text, patient_phone text, offer text)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.chatbot_reschedule(confirmation_code, patient_phone, offer);
end
$$;
comment on function api.chatbot_reschedule is
'Moves a booking of this chatbot, by its code and the patient''s phone number, to an offer for the same service, before the clinic''s
cancellation_notice; to where it is already is no change, and a refusal leaves it where it is. Returns {rescheduled: true} and what
chatbot_confirm returned but the code, which stays; or {rescheduled: false, code, message, hint}, as chatbot_cancel does. Errors:
not_authenticated, forbidden, not_found (no such offer), invalid_argument, reservation_expired (the offer has ended), too_late_to_cancel,
invalid_transition, slot_taken, patient_busy, and those of the slot; stale_version (it is being moved).';
grant execute on function api.chatbot_reschedule to anon, authenticated, service_role;


-- Tidying ------------------------------------------------------------------------------------------------------------

create function clinic.forget_strangers(before timestamptz, max_rows integer)
returns integer
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_patient_ids uuid [];
begin
  v_patient_ids := array(
    select c.patient_id from clinic.chatbot_patients as c
    inner join clinic.patients as p on c.patient_id = p.id and c.clinic_id = p.clinic_id
    where
      c.created_at < forget_strangers.before and p.user_id is null
      and not exists (select from clinic.appointments as a where a.patient_id = p.id and a.clinic_id = p.clinic_id)
      and not exists (
        select from clinic.slot_reservations as r
        where r.patient_id = p.id and r.clinic_id = p.clinic_id and r.outcome is null
      )
      -- Who waits or waited is a patient, whom the clinic may know what it offered.
      and not exists (select from clinic.waitlist as w where w.patient_id = p.id and w.clinic_id = p.clinic_id)
    order by c.created_at
    limit forget_strangers.max_rows
    for update of c, p skip locked
  );
  update clinic.slot_reservations as r set patient_id = null where r.patient_id = any (v_patient_ids);
  delete from clinic.patients as p where p.id = any (v_patient_ids);
  return cardinality(v_patient_ids);
end
$$;
comment on function clinic.forget_strangers is 'Forgets whom chatbots held for, and who never booked or waited.';

create function clinic.forget_ended_wishes(before timestamptz, max_rows integer)
returns integer
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_wishes integer;
begin
  delete from clinic.chatbot_wishes as c
  where c.token_hash in (
    select old.token_hash from clinic.chatbot_wishes as old
    inner join clinic.waitlist as w on old.waitlist_id = w.id and old.clinic_id = w.clinic_id
    where w.ended_at < forget_ended_wishes.before
    limit forget_ended_wishes.max_rows
  );
  get diagnostics v_wishes = row_count;
  return v_wishes;
end
$$;
comment on function clinic.forget_ended_wishes is 'Forgets what chatbots were told of wishes that have ended.';

create function clinic.purge_slot_offers(max_rows integer default 5000, retention interval default '24 hours')
returns integer
language plpgsql
volatile
security definer -- deletes offers and attempts of any user: the worker's task, and nobody else may execute this
set search_path = ''
as $$
declare
  v_before timestamptz := clock_timestamp() - purge_slot_offers.retention;
  v_offers integer;
  v_attempts integer;
begin
  delete from clinic.slot_offers as o
  where o.token_hash in (
    select old.token_hash from clinic.slot_offers as old
    where old.expires_at < v_before
    order by old.expires_at
    limit purge_slot_offers.max_rows
  );
  get diagnostics v_offers = row_count;
  delete from clinic.cancel_attempts as a
  where a.id in (
    select old.id from clinic.cancel_attempts as old
    where old.attempted_at < v_before
    order by old.attempted_at
    limit purge_slot_offers.max_rows
  );
  get diagnostics v_attempts = row_count;
  return greatest(
    v_offers, v_attempts, clinic.forget_ended_wishes(v_before, purge_slot_offers.max_rows),
    clinic.forget_strangers(v_before, purge_slot_offers.max_rows)
  );
end
$$;
comment on function clinic.purge_slot_offers is
'Forgets ended offers and wishes, old attempts to cancel, and people who were held for and never booked or waited, at most max_rows of each. Returns the largest count.';
grant execute on function clinic.purge_slot_offers to chairtime_worker;
