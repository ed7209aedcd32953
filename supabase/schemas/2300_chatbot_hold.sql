-- Chatbot, booking: hold an offer, confirm the hold.
--
-- A chatbot books for people it cannot identify: whatever they say, it learns nothing about anybody else, and never
-- books in the name of somebody the clinic knows already.

-- Whose appointment it is --------------------------------------------------------------------------------------------

create table clinic.chatbot_patients (
  clinic_id uuid not null,
  person_hash bytea not null,
  patient_id uuid not null,
  created_at timestamptz not null default clock_timestamp(),
  constraint chatbot_patients_pkey primary key (clinic_id, person_hash),
  constraint chatbot_patients_patient_fkey foreign key (patient_id, clinic_id)
  references clinic.patients (id, clinic_id) on delete cascade
);
comment on table clinic.chatbot_patients is
'The patient records that chatbots made, by a hash of phone and name. A chatbot reuses these alone, and only while no login is linked to them.';
alter table clinic.chatbot_patients alter column person_hash set statistics 0;
create index chatbot_patients_patient_idx on clinic.chatbot_patients (patient_id, clinic_id);
create index chatbot_patients_created_at_idx on clinic.chatbot_patients (created_at);

create table clinic.confirmation_codes (
  clinic_id uuid not null,
  code text not null,
  appointment_id uuid not null,
  created_at timestamptz not null default clock_timestamp(),
  constraint confirmation_codes_pkey primary key (clinic_id, code),
  constraint confirmation_codes_appointment_key unique (appointment_id, clinic_id),
  constraint confirmation_codes_appointment_fkey foreign key (appointment_id, clinic_id)
  references clinic.appointments (id, clinic_id) on delete cascade,
  constraint confirmation_codes_are_unambiguous check (code ~ '^[2-9A-HJ-NP-Z]{8}$')
);
comment on table clinic.confirmation_codes is 'What people say to name their booking: eight characters without 0, O, 1 and I, unique in the clinic.';
alter table clinic.confirmation_codes alter column code set statistics 0;

create table clinic.chatbot_wishes (
  token_hash bytea not null,
  clinic_id uuid not null,
  waitlist_id uuid not null,
  asked_by uuid not null,
  patient_name text not null,
  created_at timestamptz not null default clock_timestamp(),
  constraint chatbot_wishes_pkey primary key (token_hash),
  constraint chatbot_wishes_waitlist_fkey foreign key (waitlist_id, clinic_id) references clinic.waitlist (id, clinic_id) on delete cascade,
  constraint chatbot_wishes_asked_by_fkey foreign key (asked_by) references auth.users (id) on delete cascade,
  constraint chatbot_wishes_patient_name_is_clean check (clinic.is_name(patient_name))
);
comment on table clinic.chatbot_wishes is
'For whom chatbots put people on the waiting list: each with a token, of which a hash is kept, and the name as it was said.';
alter table clinic.chatbot_wishes
alter column token_hash set statistics 0,
alter column patient_name set statistics 0;
create index chatbot_wishes_waitlist_idx on clinic.chatbot_wishes (waitlist_id, clinic_id);
create index chatbot_wishes_asked_by_idx on clinic.chatbot_wishes (asked_by);

alter table clinic.chatbot_patients enable row level security;
alter table clinic.chatbot_wishes enable row level security;
alter table clinic.confirmation_codes enable row level security;

create policy chatbot_wishes_are_for_the_service on clinic.chatbot_wishes
  for select to service_role
  using (true);
grant select on clinic.chatbot_wishes to service_role;

create policy chatbot_patients_are_for_the_service on clinic.chatbot_patients
  for select to service_role
  using (true);
grant select on clinic.chatbot_patients to service_role;

create policy confirmation_codes_are_for_the_service on clinic.confirmation_codes
  for select to service_role
  using (true);
grant select on clinic.confirmation_codes to service_role;

create function clinic.person_hash(full_name text, phone text)
returns bytea
language sql
immutable
set search_path = ''
as $$
  select sha256(convert_to(
    jsonb_build_array(clinic.phone_key(phone), lower(normalize(clinic.tidy_name(full_name), nfkc)))::text, 'UTF8'
  ));
$$;
comment on function clinic.person_hash is 'What a chatbot knows somebody by again: phone and name, both, however they are written.';

create function clinic.chatbot_patient(clinic_id uuid, full_name text, phone text)
returns uuid
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_name text := clinic.clean_name(chatbot_patient.full_name, 'patient_name');
  v_phone text := clinic.clean_line(chatbot_patient.phone, 'patient_phone', 40);
  v_hash bytea := clinic.person_hash(v_name, v_phone);
  v_patient_id uuid;
begin
  if v_name is null and v_phone is null then
    return null;
  elsif v_name is null or not clinic.is_phone(v_phone) then
    perform clinic.refuse('invalid_argument', 'patient_name and patient_phone go together, and a phone number has at least six digits.');
  end if;
  -- Between the dentist's lock and the patient's: the same person in two conversations becomes one record.
  perform clinic.take_lock(hashtextextended('chairtime:person:' || chatbot_patient.clinic_id || encode(v_hash, 'hex'), 0));
  select p.id into v_patient_id
  from clinic.chatbot_patients as c
  inner join clinic.patients as p on c.patient_id = p.id and c.clinic_id = p.clinic_id
  where c.clinic_id = chatbot_patient.clinic_id and c.person_hash = v_hash and p.user_id is null and p.source = 'chatbot'
  for key share of p; -- not forgotten meanwhile
  if v_patient_id is null then
    insert into clinic.patients (clinic_id, source, full_name, phone)
    values (chatbot_patient.clinic_id, 'chatbot', v_name, v_phone)
    returning id into v_patient_id;
    insert into clinic.chatbot_patients (clinic_id, person_hash, patient_id)
    values (chatbot_patient.clinic_id, v_hash, v_patient_id)
    on conflict on constraint chatbot_patients_pkey
    do update set patient_id = excluded.patient_id, created_at = clock_timestamp();
  end if;
  perform clinic.lock_record(v_patient_id, chatbot_patient.clinic_id);
  return v_patient_id;
end
$$;
comment on function clinic.chatbot_patient is
'The record, locked, of the person a chatbot books for: one that chatbots made for this name and phone, otherwise a new one; null if neither was
said. Never a record that has a login or came from the desk. Call it under the dentist''s lock.';


-- Hold ---------------------------------------------------------------------------------------------------------------

create function clinic.require_chatbot()
returns uuid
language plpgsql
volatile
set search_path = ''
as $$
begin
  perform clinic.require_user();
  if clinic.my_clinics('{chatbot}') = '{}' then
    perform clinic.refuse('forbidden', 'Only a clinic''s chatbot may do this.', hint => 'Sign in as the clinic''s chatbot.');
  end if;
  return auth.uid();
end
$$;
comment on function clinic.require_chatbot is 'The caller''s user id if they are the chatbot of some clinic; otherwise not_authenticated or forbidden.';

create function clinic.my_offer(token text)
returns clinic.slot_offers
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_token text := clinic.required(my_offer.token, 'offer');
  v_offer clinic.slot_offers;
begin
  select * into v_offer from clinic.slot_offers as o
  where
    o.token_hash = sha256(convert_to(v_token, 'UTF8'))
    and o.offered_to = auth.uid() and o.clinic_id = any (clinic.my_clinics('{chatbot}'));
  if not found then
    perform clinic.refuse(
      'not_found', 'There is no such offer.', hint => 'Take an offer, unchanged, from chatbot_find_slots for your own clinic.'
    );
  end if;
  return v_offer;
end
$$;
comment on function clinic.my_offer is 'The offer made to the calling chatbot with this token, or not_found.';

create function clinic.hold_offer(offer clinic.slot_offers, bookable clinic.bookable, patient_id uuid, as_of timestamptz)
returns uuid
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_slot clinic.slot_reservations := clinic.slot(bookable, (bookable.leaders)[1], offer.starts_at, hold_offer.patient_id);
begin
  perform clinic.lock_login();
  if offer.expires_at <= as_of or v_slot.ends_at <> offer.ends_at then
    perform clinic.refuse('reservation_expired', 'The offer has ended.', hint => 'Call chatbot_find_slots for a fresh one.');
  elsif hold_offer.patient_id is null and (
    select count(*) from clinic.slot_reservations as r
    where r.held_by = auth.uid() and r.patient_id is null and r.outcome is null and r.expires_at > as_of
  ) >= (bookable.policy).max_active_holds then
    perform clinic.refuse('reservation_limit', hint => 'Say for whom: patient_name and patient_phone.');
  end if;
  return (clinic.insert_reservation(bookable, v_slot, 'chatbot', as_of)).id;
end
$$;
comment on function clinic.hold_offer is 'Holds what the offer says. Call it under the locks.';

create function clinic.name_hold(reservation_id uuid, patient_id uuid, as_of timestamptz)
returns uuid
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_hold clinic.slot_reservations;
  v_bookable clinic.bookable;
begin
  select * into v_hold from clinic.slot_reservations as r where r.id = name_hold.reservation_id;
  if v_hold.outcome is not null or v_hold.expires_at <= as_of then
    perform clinic.refuse('reservation_expired', 'This offer was used, and its hold has ended.', hint => 'Call chatbot_find_slots for a fresh one.');
  elsif name_hold.patient_id is distinct from v_hold.patient_id and name_hold.patient_id is not null then
    v_bookable := clinic.bookable(v_hold.appointment_type_id, v_hold.dentist_id);
    perform clinic.require_hold_allowed(v_bookable.policy, name_hold.patient_id, 'chatbot', as_of);
    perform clinic.require_offered(v_bookable, 'chatbot', name_hold.patient_id, with_holds => true);
    v_hold.patient_id := name_hold.patient_id;
    perform clinic.require_slot(v_bookable, v_hold, as_of, false);
    update clinic.slot_reservations as r set patient_id = name_hold.patient_id where r.id = v_hold.id;
  end if;
  return v_hold.id;
end
$$;
comment on function clinic.name_hold is
'The offer''s live hold again, for whom it was said this time, and no more time. Call it under the locks. Errors: reservation_expired, and those of a hold.';

create function clinic.said_name(reservation_id uuid)
returns text
language sql
volatile -- sees what the caller has just written
set search_path = ''
as $$
  select coalesce(
    (select o.patient_name from clinic.slot_offers as o where o.reservation_id = said_name.reservation_id),
    (
      select w.patient_name from clinic.slot_reservations as r
      inner join clinic.chatbot_wishes as w on r.waitlist_id = w.waitlist_id and r.clinic_id = w.clinic_id
      where r.id = said_name.reservation_id and w.asked_by = auth.uid()
      order by w.created_at desc
      limit 1
    )
  );
$$;
comment on function clinic.said_name is 'For whom the calling chatbot held this, or was offered it, as it was said.';

create function clinic.describe_hold(reservation_id uuid)
returns jsonb
language sql
volatile -- sees what the caller has just written
set search_path = ''
as $$
  select jsonb_build_object(
    'reservation_id', r.id, 'expires_at', r.expires_at, 'server_now', clock_timestamp(),
    'patient_name', coalesce(clinic.said_name(r.id), p.full_name)
  ) || clinic.describe_slot(c, r.appointment_type_id, r.dentist_id, r.starts_at, r.ends_at)
  from clinic.slot_reservations as r
  inner join clinic.clinics as c on r.clinic_id = c.id
  left join clinic.patients as p on r.patient_id = p.id and r.clinic_id = p.clinic_id
  where r.id = describe_hold.reservation_id;
$$;
comment on function clinic.describe_hold is 'What chatbot_hold returns.';

create function clinic.chatbot_hold(offer text, patient_name text, patient_phone text)
returns jsonb
language plpgsql
volatile
security definer -- writes the ledger's causes for a caller it has checked
set search_path = ''
as $$
declare
  v_user_id uuid := clinic.require_chatbot();
  v_offer clinic.slot_offers := clinic.my_offer(chatbot_hold.offer);
  v_bookable clinic.bookable := clinic.locked_bookable(v_offer.appointment_type_id, v_offer.dentist_id, v_offer.starts_at);
  v_now timestamptz := clock_timestamp();
  v_patient_id uuid := clinic.chatbot_patient(v_offer.clinic_id, chatbot_hold.patient_name, chatbot_hold.patient_phone);
  v_id uuid;
begin
  -- Again, under the lock: the same token may have come twice.
  v_offer := clinic.my_offer(chatbot_hold.offer);
  v_id := case
    when v_offer.reservation_id is null then clinic.hold_offer(v_offer, v_bookable, v_patient_id, v_now)
    else clinic.name_hold(v_offer.reservation_id, v_patient_id, v_now)
  end;
  update clinic.slot_offers as o
  set reservation_id = v_id, patient_name = coalesce(clinic.tidy_name(chatbot_hold.patient_name), o.patient_name)
  where o.token_hash = v_offer.token_hash;
  return clinic.describe_hold(v_id);
end
$$;
grant execute on function clinic.chatbot_hold to anon, authenticated, service_role;

create function api.chatbot_hold(offer text, patient_name text default null, patient_phone text default null)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.chatbot_hold(offer, patient_name, patient_phone);
end
$$;
comment on function api.chatbot_hold is
'Holds the offered slot for the clinic''s hold_duration. Name and phone may follow in a second call with the same offer, which gives the same
hold and no more time; once the hold has ended, the offer is spent. Returns {reservation_id, expires_at, server_now, patient_name} and the
slot''s label and fields. Errors: not_authenticated, forbidden, not_found (no such offer), invalid_argument, reservation_expired (the offer
has ended), slot_taken, patient_busy, reservation_limit (for this person), booking_limit (for this hour), and those of the slot.';
grant execute on function api.chatbot_hold to anon, authenticated, service_role;


-- Confirm ------------------------------------------------------------------------------------------------------------

create function clinic.confirmation_code(clinic_id uuid, appointment_id uuid)
returns text
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_code text;
begin
  for n in 1..100 loop
    select c.code into v_code from clinic.confirmation_codes as c
    where c.appointment_id = confirmation_code.appointment_id and c.clinic_id = confirmation_code.clinic_id;
    exit when found;
    insert into clinic.confirmation_codes (clinic_id, code, appointment_id)
    values (confirmation_code.clinic_id, clinic.draw_code(8), confirmation_code.appointment_id)
    on conflict do nothing;
  end loop;
  return clinic.shown_code(v_code);
end
$$;
comment on function clinic.confirmation_code is 'The appointment''s code, drawn at the first call, as people see it: K7QM-2XRD.';

create function clinic.describe_booking(appointment_id uuid)
returns jsonb
language sql
volatile -- sees what the caller has just written
set search_path = ''
as $$
  select jsonb_build_object(
    'appointment_id', a.id, 'status', a.status, 'patient_name', coalesce(clinic.said_name(a.id), p.full_name),
    'server_now', clock_timestamp()
  ) || clinic.describe_slot(c, a.appointment_type_id, a.dentist_id, a.starts_at, a.ends_at)
  from clinic.appointments as a
  inner join clinic.clinics as c on a.clinic_id = c.id
  inner join clinic.patients as p on a.patient_id = p.id and a.clinic_id = p.clinic_id
  where a.id = describe_booking.appointment_id;
$$;
comment on function clinic.describe_booking is 'A booking for a conversation, as it is now.';

create function clinic.chatbot_reservation(reservation_id uuid)
returns clinic.slot_reservations
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_user_id uuid := clinic.require_chatbot();
  v_id uuid := clinic.required(chatbot_reservation.reservation_id, 'reservation_id');
  v_hold clinic.slot_reservations;
begin
  select * into v_hold from clinic.slot_reservations as r
  where
    r.id = v_id and r.clinic_id = any (clinic.my_clinics('{chatbot}')) and (
      r.held_by = v_user_id
      or exists (
        select from clinic.chatbot_wishes as w
        where w.waitlist_id = r.waitlist_id and w.clinic_id = r.clinic_id and w.asked_by = v_user_id
      )
    );
  if not found then
    perform clinic.refuse('not_found', 'There is no such reservation.', hint => 'Take the reservation_id from chatbot_hold.');
  end if;
  return v_hold;
end
$$;
comment on function clinic.chatbot_reservation is 'What the calling chatbot holds, or held, or what a wish of its own is offered, under this id; or not_found.';

create function clinic.chatbot_confirm(reservation_id uuid)
returns jsonb
language plpgsql
volatile
security definer -- books for a caller it has checked
set search_path = ''
as $$
declare
  v_hold clinic.slot_reservations := clinic.chatbot_reservation(chatbot_confirm.reservation_id);
  v_now timestamptz;
  v_row api.appointments;
begin
  v_now := clinic.lock_for_confirmation(v_hold);
  select * into v_hold from clinic.slot_reservations as r where r.id = v_hold.id;
  if v_hold.patient_id is null then
    perform clinic.refuse(
      'invalid_argument', 'The hold does not say for whom.',
      hint => 'Call chatbot_hold again with the same offer, patient_name and patient_phone.'
    );
  end if;
  perform clinic.lock_record(v_hold.patient_id, v_hold.clinic_id);
  v_row := clinic.convert_reservation(v_hold.id, v_hold.patient_id, null, 'chatbot', v_now);
  return clinic.describe_booking(v_row.id) || jsonb_build_object(
    'confirmation_code', clinic.confirmation_code(v_row.clinic_id, v_row.id)
  );
end
$$;
grant execute on function clinic.chatbot_confirm to anon, authenticated, service_role;

create function api.chatbot_confirm(reservation_id uuid)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.chatbot_confirm(reservation_id);
end
$$;
comment on function api.chatbot_confirm is
'Books exactly what was held; confirming twice returns the same booking. Returns {appointment_id, status, confirmation_code, patient_name,
server_now} and the slot''s label and fields. Nothing is booked before this answers. Errors: not_authenticated, forbidden, not_found,
invalid_argument (the hold names nobody), reservation_expired (it was released), slot_taken, patient_busy, and those of the slot.';
grant execute on function api.chatbot_confirm to anon, authenticated, service_role;
