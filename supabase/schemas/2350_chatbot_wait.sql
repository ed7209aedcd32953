-- Chatbot, waiting: put somebody on the waiting list, and say what became of it.
--
-- A wish has an unguessable token, as an offer has. What it is offered is held: chatbot_confirm accepts it, chatbot_release declines.

create function clinic.require_new_wish(policy clinic.clinics, patient_id uuid)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
  perform clinic.lock_login();
  if (
    select count(*) from clinic.waitlist as w
    where
      w.clinic_id = policy.id and w.joined_by = auth.uid() and w.source = 'chatbot' and w.patient_id <> require_new_wish.patient_id
      and (w.outcome is null or w.created_at > clock_timestamp() - interval '1 hour')
  ) >= policy.max_chatbot_bookings_per_hour then
    perform clinic.refuse('booking_limit', clinic_id => policy.id);
  end if;
end
$$;
comment on function clinic.require_new_wish is
'Passes a chatbot for which not as many wait, or joined within the hour, as it may book within one: it may wait for people who do not exist. Otherwise booking_limit.';

create function clinic.describe_wish(wish clinic.waitlist, patient_name text)
returns jsonb
language plpgsql
volatile -- sees what the caller has just written
set search_path = ''
as $$
declare
  v_offer uuid := (
    select r.id from clinic.slot_reservations as r
    where r.waitlist_id = wish.id and r.clinic_id = wish.clinic_id and r.outcome is null and r.expires_at > clock_timestamp()
  );
begin
  return jsonb_build_object(
    'status', case when wish.outcome is not null then 'ended' when v_offer is not null then 'offered' else 'waiting' end,
    'message', case
      when wish.outcome is not null then 'They wait no more.'
      when v_offer is not null then 'This time is free for them until expires_at. Say its label, and ask whether to book it.'
      else 'They are on the waiting list; nothing is booked. What becomes free and fits is offered to them.'
    end,
    'outcome', wish.outcome, 'offer', clinic.describe_hold(v_offer), 'patient_name', describe_wish.patient_name,
    'service', (select t.name from clinic.appointment_types as t where t.id = wish.appointment_type_id and t.clinic_id = wish.clinic_id),
    'dentist', (select d.full_name from clinic.dentists as d where d.id = wish.dentist_ids[1] and d.clinic_id = wish.clinic_id),
    'from_date', wish.from_date, 'to_date', wish.to_date, 'weekdays', wish.weekdays,
    'from_time', to_char(wish.from_time, 'HH24:MI'), 'to_time', to_char(wish.to_time, 'HH24:MI'), 'server_now', clock_timestamp()
  );
end
$$;
comment on function clinic.describe_wish is
'A wish for a conversation: {status (waiting, offered, ended), message, outcome, offer (as chatbot_hold returns it; null: none), patient_name, service, dentist
(null: anybody), from_date, to_date, weekdays, from_time, to_time, server_now}.';

create function clinic.chatbot_join_waitlist(
  clinic_slug text, service text, patient_name text, patient_phone text, dentist text, from_date text, to_date text,
  weekdays smallint [], part_of_day text
)
returns jsonb
language plpgsql
volatile
security definer -- writes a wish for a caller it has checked
set search_path = ''
as $$
declare
  v_user_id uuid := clinic.require_chatbot();
  v_meant jsonb := clinic.meant(chatbot_join_waitlist.clinic_slug, chatbot_join_waitlist.service, chatbot_join_waitlist.dentist);
  v_name text := clinic.required(clinic.clean_name(chatbot_join_waitlist.patient_name, 'patient_name'), 'patient_name');
  v_hours int4range := clinic.hours_of(chatbot_join_waitlist.part_of_day);
  v_token text := replace(gen_random_uuid()::text, '-', '');
  v_bookable clinic.bookable;
  v_wish clinic.waitlist;
begin
  if v_meant ? 'question' then
    return v_meant -> 'question';
  elsif not (v_meant ->> 'clinic_id')::uuid = any (clinic.my_clinics('{chatbot}')) then
    perform clinic.refuse('forbidden', 'A chatbot puts people on the waiting list of its own clinic.');
  end if;
  -- Who frees time at this moment is waited for: it was free before, or sees the wish.
  perform clinic.lock_clinic((v_meant ->> 'clinic_id')::uuid);
  v_bookable := clinic.bookable((v_meant ->> 'type_id')::uuid, (v_meant ->> 'dentist_id')::uuid);
  v_wish.clinic_id := (v_meant ->> 'clinic_id')::uuid;
  v_wish.appointment_type_id := (v_bookable.type).id;
  v_wish.dentist_ids := nullif(array_remove(array[(v_meant ->> 'dentist_id')::uuid], null), '{}');
  v_wish := clinic.on_days(v_wish, v_bookable.policy, chatbot_join_waitlist.from_date, chatbot_join_waitlist.to_date, null);
  v_wish.weekdays := nullif(chatbot_join_waitlist.weekdays, '{}');
  v_wish.from_time := make_time(nullif(lower(v_hours), 0), 0, 0);
  v_wish.to_time := make_time(nullif(upper(v_hours), 24), 0, 0);
  v_wish.priority := 0;
  v_wish.source := 'chatbot';
  v_wish.patient_id := clinic.chatbot_patient(v_wish.clinic_id, v_name, clinic.required(chatbot_join_waitlist.patient_phone, 'patient_phone'));
  perform clinic.require_new_wish(v_bookable.policy, v_wish.patient_id);
  perform clinic.require_wish(v_wish, v_bookable, 'chatbot', null);
  v_wish.id := clinic.save_wish(v_wish);
  insert into clinic.chatbot_wishes (token_hash, clinic_id, waitlist_id, asked_by, patient_name)
  values (sha256(convert_to(v_token, 'UTF8')), v_wish.clinic_id, v_wish.id, v_user_id, v_name);
  select * into v_wish from clinic.waitlist as w where w.id = v_wish.id;
  return clinic.describe_wish(v_wish, v_name) || jsonb_build_object('wish', v_token);
end
$$;
grant execute on function clinic.chatbot_join_waitlist to anon, authenticated, service_role;

create function api.chatbot_join_waitlist(
  clinic_slug text,
  service text,
  patient_name text,
  patient_phone text,
  dentist text default null,
  from_date text default null,
  to_date text default null,
  weekdays smallint [] default null,
  part_of_day text default null
)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.chatbot_join_waitlist(
    clinic_slug, service, patient_name, patient_phone, dentist, from_date, to_date, weekdays, part_of_day
  );
end
$$;
comment on function api.chatbot_join_waitlist is
'Puts somebody on the waiting list of the chatbot''s own clinic, for a service and with a dentist as people say them, from from_date (today) to to_date (as far ahead
as one books), on these weekdays (1 Monday to 7 Sunday), in that part_of_day (morning, afternoon, evening): the visit is over by its end. The same person again keeps the
place, changes what is waited for, and learns what is offered. Returns {status, message, wish (the token for chatbot_wish), offer, outcome, patient_name, service, dentist,
from_date, to_date, weekdays, from_time, to_time, server_now}: status is waiting or offered, or choose_clinic, choose_service, choose_dentist as chatbot_find_slots
answers. Errors: not_authenticated, forbidden, invalid_argument, not_offered, booking_limit, try_again.';
grant execute on function api.chatbot_join_waitlist to anon, authenticated, service_role;

create function clinic.chatbot_wish(wish text)
returns jsonb
language plpgsql
volatile
security definer -- reads a wish for a caller it has checked
set search_path = ''
as $$
declare
  v_user_id uuid := clinic.require_chatbot();
  v_token text := clinic.required(chatbot_wish.wish, 'wish');
  v_asked clinic.chatbot_wishes;
  v_wish clinic.waitlist;
begin
  select * into v_asked from clinic.chatbot_wishes as w
  where
    w.token_hash = sha256(convert_to(v_token, 'UTF8')) and w.asked_by = v_user_id
    and w.clinic_id = any (clinic.my_clinics('{chatbot}'));
  if not found then
    perform clinic.refuse('not_found', 'There is no such wish.', hint => 'Take the wish, unchanged, from chatbot_join_waitlist.');
  end if;
  select * into v_wish from clinic.waitlist as w where w.id = v_asked.waitlist_id and w.clinic_id = v_asked.clinic_id;
  return clinic.describe_wish(v_wish, v_asked.patient_name);
end
$$;
grant execute on function clinic.chatbot_wish to anon, authenticated, service_role;

create function api.chatbot_wish(wish text)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.chatbot_wish(wish);
end
$$;
comment on function api.chatbot_wish is
'What became of a wish that this chatbot wrote down: as chatbot_join_waitlist returns it, with the status ended (and how: outcome) when they wait no more. What is offered is
held: chatbot_confirm with its reservation_id books it, chatbot_release declines. Errors: not_authenticated, forbidden, not_found, invalid_argument.';
grant execute on function api.chatbot_wish to anon, authenticated, service_role;
