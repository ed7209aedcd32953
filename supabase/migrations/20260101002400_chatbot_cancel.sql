-- Chatbot, cancelling: with the code and the phone number, and never by guessing; and what is forgotten of it all.

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


-- Cancel -------------------------------------------------------------------------------------------------------------

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

create function clinic.booking_to_cancel(user_id uuid, code text, phone text)
returns clinic.appointments
language sql
stable
set search_path = ''
as $$
  select a
  from clinic.confirmation_codes as c
  inner join clinic.appointments as a on c.appointment_id = a.id and c.clinic_id = a.clinic_id
  inner join clinic.patients as p on a.patient_id = p.id and a.clinic_id = p.clinic_id
  where
    c.clinic_id = any (clinic.my_clinics('{chatbot}')) and c.code = booking_to_cancel.code
    and a.booked_by = booking_to_cancel.user_id and clinic.phone_key(p.phone) = clinic.phone_key(booking_to_cancel.phone);
$$;
comment on function clinic.booking_to_cancel is 'The booking this chatbot made that has both this code and this phone number.';

create function clinic.cancel_booking(booking clinic.appointments)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
  perform clinic.end_appointment(clinic.lock_appointment(booking), 'patient', 'cancelled', 'Cancelled through the chatbot.');
end
$$;
comment on function clinic.cancel_booking is 'Cancels for the patient, under their rules. Errors: too_late_to_cancel, invalid_transition, stale_version.';

create function clinic.chatbot_cancel(confirmation_code text, patient_phone text)
returns jsonb
language plpgsql
volatile
security definer -- changes an appointment for a caller it has checked
set search_path = ''
as $$
declare
  v_user_id uuid := clinic.require_chatbot();
  v_code text := upper(regexp_replace(
    clinic.required(clinic.clean_line(chatbot_cancel.confirmation_code, 'confirmation_code', 40), 'confirmation_code'), '[\s-]', '', 'g'
  ));
  v_phone text := clinic.required(clinic.clean_line(chatbot_cancel.patient_phone, 'patient_phone', 40), 'patient_phone');
  v_booking clinic.appointments := clinic.booking_to_cancel(v_user_id, v_code, v_phone);
begin
  -- An answer, not a refusal: a refusal would take the attempt back. The same for every reason, or it would tell one.
  if v_booking.id is null then
    perform clinic.record_attempt(
      v_user_id, sha256(convert_to(v_code, 'UTF8')),
      sha256(convert_to(coalesce(clinic.phone_key(v_phone), ''), 'UTF8'))
    );
    return jsonb_build_object(
      'cancelled', false, 'code', 'not_found',
      'message', 'No booking was found for this code and phone number.',
      'hint', 'Check both, or call the clinic.'
    );
  end if;
  perform clinic.cancel_booking(v_booking);
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
    order by c.created_at
    limit forget_strangers.max_rows
    for update of c, p skip locked
  );
  update clinic.slot_reservations as r set patient_id = null where r.patient_id = any (v_patient_ids);
  delete from clinic.patients as p where p.id = any (v_patient_ids);
  return cardinality(v_patient_ids);
end
$$;
comment on function clinic.forget_strangers is 'Forgets whom chatbots held for and nobody ever booked.';

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
  return greatest(v_offers, v_attempts, clinic.forget_strangers(v_before, purge_slot_offers.max_rows));
end
$$;
comment on function clinic.purge_slot_offers is
'Forgets ended offers, old attempts to cancel, and people who were held for and never booked, at most max_rows of each. Returns the largest count.';
grant execute on function clinic.purge_slot_offers to chairtime_worker;
