-- Replies: what people text back. Understood, it is done at once; anything else a person at the desk reads.

create table clinic.message_replies (
  id uuid not null default gen_random_uuid(),
  sender text not null,
  message_ref text not null,
  clinic_id uuid,
  patient_id uuid,
  appointment_id uuid,
  phone text,
  body text,
  means text not null,
  outcome text,
  answer text,
  received_at timestamptz not null default clock_timestamp(),
  handled_at timestamptz,
  handled_by uuid,
  constraint message_replies_pkey primary key (id),
  constraint message_replies_ref_key unique (sender, message_ref),
  constraint message_replies_clinic_fkey foreign key (clinic_id) references clinic.clinics (id),
  constraint message_replies_patient_fkey foreign key (patient_id, clinic_id) references clinic.patients (id, clinic_id),
  constraint message_replies_handled_by_fkey foreign key (handled_by) references auth.users (id) on delete set null
);
comment on table clinic.message_replies is
'What came back, once for each reference of its carrier. means: confirm, cancel, stop, start, help, choice, unknown, not_me (of a link); outcome: what was
done: confirmed, cancelled, too_late, accepted, declined, asked, stopped, started, helped, nothing, or desk: a person is to read it (handled_at: somebody has).';
alter table clinic.message_replies
alter column sender set statistics 0,
alter column message_ref set statistics 0,
alter column phone set statistics 0,
alter column body set statistics 0,
alter column answer set statistics 0;
create index message_replies_patient_idx on clinic.message_replies (patient_id, clinic_id);
create index message_replies_handled_by_idx on clinic.message_replies (handled_by);
create index message_replies_inbox_idx on clinic.message_replies (clinic_id, received_at) where outcome = 'desk' and handled_at is null;
create index message_replies_clinic_idx on clinic.message_replies (clinic_id, received_at);
alter table clinic.message_replies enable row level security;

create policy message_replies_are_for_desks on clinic.message_replies
  for select to authenticated
  using (
    clinic_id = any ((select clinic.my_clinics('{admin,receptionist}'))::uuid [])
    and ((select 1) = 1 and (select 2) = 2 or id = clinic_id and (select 3) = 3)
  );
grant select on clinic.message_replies to authenticated, service_role;

create view api.message_replies
with (security_invoker = true) as
  select
    r.id,
    r.clinic_id,
    r.patient_id,
    r.appointment_id,
    r.phone,
    r.body,
    r.means,
    r.outcome,
    r.answer,
    r.received_at,
    r.handled_at,
    r.handled_by
  from clinic.message_replies as r;
comment on view api.message_replies is
'What patients texted back, for admins and receptionists. outcome desk: nobody understood it, and a person is to read it (until handle_reply: handled_at).';
grant select on api.message_replies to authenticated, service_role;

create table clinic.reply_questions (
  number text not null,
  means text not null,
  appointment_ids uuid [] not null,
  asked_at timestamptz not null default clock_timestamp(),
  constraint reply_questions_pkey primary key (number)
);
comment on table clinic.reply_questions is 'Which of several visits somebody was asked about, so that their answer, a number, is understood. For a day.';
alter table clinic.reply_questions enable row level security;

create policy reply_questions_are_for_the_service on clinic.reply_questions
  for select to service_role
  using (true);
grant select on clinic.reply_questions to service_role;


-- Who writes -----------------------------------------------------------------------------------------------------------

create function clinic.near(clinic_id uuid, sender text)
returns text
language sql
stable
set search_path = ''
as $$
  select case when clinic.calling_code(c.phone) is not null then c.phone else near.sender end
  from clinic.clinics as c
  where c.id = near.clinic_id;
$$;
comment on function clinic.near is 'A number in the clinic''s country: its own, if that says the country, or else the one that it sends from.';

create function clinic.visits_of_number(reply clinic.message_replies, clinic_ids uuid [])
returns uuid []
language sql
stable
set search_path = ''
as $$
  select coalesce(array_agg(v.id order by v.starts_at, v.id), '{}')
  from (
    select distinct a.id, a.starts_at
    from clinic.message_links as l
    inner join clinic.appointments as a on l.appointment_id = a.id and l.clinic_id = a.clinic_id
    cross join lateral clinic.recipient(a.patient_id, a.clinic_id, 'sms') as r
    where
      l.address_hash = clinic.address_hash('sms', reply.phone)
      and l.clinic_id = any (visits_of_number.clinic_ids) and a.status = 'booked' and a.starts_at > clock_timestamp()
      -- It is that person's number still.
      and clinic.same_number(reply.phone, r.address, clinic.near(l.clinic_id, reply.sender))
  ) as v;
$$;
comment on function clinic.visits_of_number is
'The visits ahead at these clinics of which a message went to who replies, and that it reaches still: no other number can change them. The next one first.';

create function clinic.was_written_to(reply clinic.message_replies)
returns table (clinic_id uuid, at timestamptz)
language sql
stable
set search_path = ''
as $$
  select l.clinic_id, max(l.created_at)
  from clinic.message_links as l
  inner join clinic.messages as m on l.message_id = m.id
  where
    l.address_hash = clinic.address_hash('sms', reply.phone)
    and clinic.same_number(reply.phone, m.address, clinic.near(l.clinic_id, reply.sender))
  group by l.clinic_id;
$$;
comment on function clinic.was_written_to is 'Which clinics wrote to who replies, and when last.';

create function clinic.clinics_of_number(reply clinic.message_replies)
returns uuid []
language sql
stable
set search_path = ''
as $$
  with own as (
    select k.id from clinic.clinics as k where clinic.same_number(reply.sender, k.phone, reply.sender)
  )

  select coalesce(array_agg(c.id order by c.at desc nulls first, c.id asc), '{}')
  from (
    select own.id, null::timestamptz as at from own
    union all
    select w.clinic_id, w.at from clinic.was_written_to(reply) as w where not exists (select from own)
  ) as c;
$$;
comment on function clinic.clinics_of_number is 'The clinic whose own number it wrote to; if that is nobody''s own, those that wrote to this number, the last first.';

create function clinic.patient_of_number(reply clinic.message_replies)
returns uuid
language sql
stable
set search_path = ''
as $$
  select p.id
  from clinic.patients as p
  where
    p.clinic_id = reply.clinic_id and clinic.phone_key(p.phone) = clinic.phone_key(reply.phone)
    and clinic.same_number(reply.phone, p.phone, clinic.near(reply.clinic_id, reply.sender)) and p.merged_into is null and p.erased_at is null
  order by p.created_at
  limit 1;
$$;
comment on function clinic.patient_of_number is 'A patient of the reply''s clinic who has its number; null if none has.';


-- What is answered -----------------------------------------------------------------------------------------------------

create function clinic.reply_text(kind text, locale text, visit clinic.appointments, more jsonb default '{}')
returns text
language sql
stable
set search_path = ''
as $$
  select clinic.fill_in(t.body, coalesce(clinic.what_to_say(visit, reply_text.locale, null), '{}') || reply_text.more)
  from clinic.reply_texts as t
  where t.kind = reply_text.kind and t.locale = reply_text.locale;
$$;
comment on function clinic.reply_text is 'The answer of this kind, about this visit.';

create function clinic.which_visits(ids uuid [], locale text)
returns text
language sql
stable
set search_path = ''
as $$
  select string_agg(
    i.number || ') ' || concat_ws(
      ', ', case when (select count(distinct b.clinic_id) > 1 from clinic.appointments as b where b.id = any (which_visits.ids)) then w.said ->> 'clinic' end,
      w.said ->> 'date', w.said ->> 'time', w.said ->> 'patient'
    ), E'\n' order by i.number
  )
  from unnest(which_visits.ids) with ordinality as i (id, number)
  inner join clinic.appointments as a on i.id = a.id
  cross join lateral (select clinic.what_to_say(a, which_visits.locale, null) as said) as w;
$$;
comment on function clinic.which_visits is 'These visits, numbered, a line each.';

create function clinic.plan_answer(reply clinic.message_replies, body text, locale text)
returns void
language sql
volatile
set search_path = ''
as $$
  insert into clinic.messages (id, clinic_id, patient_id, kind, channel, due_at, next_at, body, address, locale)
  select
    md5('answer:' || reply.id || ':' || plan_answer.body)::uuid, reply.clinic_id, reply.patient_id, 'answer', 'sms', now(), now(), plan_answer.body,
    reply.phone, plan_answer.locale
  where plan_answer.body is not null and reply.clinic_id is not null
  on conflict on constraint messages_pkey do nothing;
$$;
comment on function clinic.plan_answer is 'Plans what is answered to a reply; the same text once. Null is no answer.';

create function clinic.act_on_visit(visit_id uuid, means text)
returns text
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_visit clinic.appointments;
begin
  select * into v_visit from clinic.appointments as a where a.id = act_on_visit.visit_id;
  v_visit := clinic.lock_appointment(v_visit);
  if act_on_visit.means = 'confirm' then
    perform clinic.confirm_visit(v_visit);
    return 'confirmed';
  elsif 'cancel' <> all (clinic.link_actions(v_visit)) then
    return 'too_late';
  end if;
  perform clinic.end_appointment(v_visit, 'patient', 'cancelled', null);
  return 'cancelled';
end
$$;
comment on function clinic.act_on_visit is 'Confirms or cancels as its patient may: confirmed, cancelled or too_late.';

create function clinic.asked_else(reply clinic.message_replies, clinic_ids uuid [])
returns clinic.message_links
language sql
stable
set search_path = ''
as $$
  select last.link
  from (
    select l as link, m.kind
    from clinic.message_links as l
    inner join clinic.messages as m on l.message_id = m.id
    where
      l.address_hash = clinic.address_hash('sms', reply.phone) and l.clinic_id = any (asked_else.clinic_ids)
      and clinic.same_number(reply.phone, m.address, clinic.near(l.clinic_id, reply.sender))
    order by l.created_at desc
    limit 1
  ) as last
  where last.kind in ('offer', 'recall');
$$;
comment on function clinic.asked_else is
'The link of the last message to this number, if it was of what is offered, or due: a yes or no to that is none to a visit that is booked.';

create function clinic.answer_by_text(link clinic.message_links, reply clinic.message_replies)
returns text
language plpgsql
volatile
set search_path = ''
as $$
begin
  if link.reservation_id is null or not clinic.same_number(
    reply.phone, (clinic.recipient(link.patient_id, link.clinic_id, 'sms')).address, clinic.near(link.clinic_id, reply.sender)
  ) then
    return 'desk';
  end if;
  perform clinic.answer_offer(link, reply.means = 'confirm');
  return case reply.means when 'confirm' then 'accepted' else 'declined' end;
exception
  when sqlstate 'PGRST' then
    if sqlerrm::jsonb ->> 'code' = 'try_again' then
      raise;
    end if;
    return 'desk'; -- a person says why not
end
$$;
comment on function clinic.answer_by_text is
'Accepts or declines what was offered to this number, if it reaches that patient still: accepted, declined, or desk where that cannot be. Errors: try_again.';

create function clinic.understand(reply clinic.message_replies, choice integer, clinic_ids uuid [])
returns clinic.message_replies
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_visits uuid [];
  v_chosen uuid [];
  v_question clinic.reply_questions;
  v_asked clinic.message_links;
begin
  select * into v_question from clinic.reply_questions as q
  where q.number = reply.phone and q.asked_at > clock_timestamp() - interval '1 day';
  v_visits := array(
    select v.id from unnest(clinic.visits_of_number(reply, understand.clinic_ids)) with ordinality as v (id, number)
    where v_question.appointment_ids is null or choice is null or v.id = any (v_question.appointment_ids)
    order by v.number
  );
  if choice is not null and v_question.number is not null then
    reply.means := case reply.means when 'choice' then v_question.means else reply.means end;
    v_chosen := array(select v.id from unnest(v_visits) as v (id) where v.id = v_question.appointment_ids[choice]);
  end if;
  if v_chosen is null then
    v_asked := clinic.asked_else(reply, understand.clinic_ids);
  end if;
  if reply.means = 'choice' then
    reply.outcome := 'desk';
  elsif v_asked.clinic_id is not null then
    reply.outcome := clinic.answer_by_text(v_asked, reply);
    reply.appointment_id := case when reply.outcome = 'accepted' then (clinic.linked_visit(v_asked)).id end;
  elsif v_visits = '{}' then
    reply.outcome := 'nothing';
  elsif cardinality(coalesce(nullif(v_chosen, '{}'), v_visits)) > 1 or v_chosen = '{}' then
    -- Also when the number that came back is none of them.
    reply.outcome := 'asked';
    insert into clinic.reply_questions as q (number, means, appointment_ids)
    values (reply.phone, reply.means, v_visits)
    on conflict on constraint reply_questions_pkey do update
    set means = excluded.means, appointment_ids = excluded.appointment_ids, asked_at = excluded.asked_at;
  else
    delete from clinic.reply_questions as q where q.number = reply.phone;
    reply.appointment_id := coalesce(v_chosen[1], v_visits[1]);
    reply.outcome := clinic.act_on_visit(reply.appointment_id, reply.means);
  end if;
  return reply;
end
$$;
comment on function clinic.understand is
'Does what a reply asks of a visit; asks which, where there are several, and understands the number that comes back. After an offer it accepts or
declines that. outcome: confirmed, cancelled, too_late, accepted, declined, asked, nothing, desk.';

create function clinic.act_on_reply(reply clinic.message_replies, choice integer, clinic_ids uuid [])
returns clinic.message_replies
language plpgsql
volatile
set search_path = ''
as $$
begin
  if reply.means in ('confirm', 'cancel', 'choice') then
    return clinic.understand(reply, choice, act_on_reply.clinic_ids);
  elsif act_on_reply.clinic_ids = '{}' and reply.means in ('stop', 'start') then
    reply.outcome := 'nothing';
  elsif reply.means = 'stop' then
    perform clinic.stop_messages(c.id, 'sms', clinic.whole_number(reply.phone, clinic.near(c.id, reply.sender)))
    from unnest(act_on_reply.clinic_ids) as c (id);
    reply.outcome := 'stopped';
  elsif reply.means = 'start' then
    perform clinic.start_messages(c.id, 'sms', clinic.whole_number(reply.phone, clinic.near(c.id, reply.sender)))
    from unnest(act_on_reply.clinic_ids) as c (id);
    reply.outcome := 'started';
  else
    reply.outcome := case reply.means when 'help' then 'helped' else 'desk' end;
  end if;
  return reply;
end
$$;
comment on function clinic.act_on_reply is 'Does what a reply asks for, and says what that was (outcome).';

create function clinic.answer_to(reply clinic.message_replies, locale text)
returns text
language plpgsql
stable
set search_path = ''
as $$
declare
  v_visit clinic.appointments;
  v_more jsonb;
begin
  -- Nobody is answered to whom we never wrote, and two machines do not talk to each other.
  if reply.clinic_id is null or (
    select count(*) >= 10 from clinic.message_replies as r
    where r.clinic_id = reply.clinic_id and r.phone = reply.phone and r.received_at > clock_timestamp() - interval '1 hour'
  ) or reply.outcome in ('desk', 'nothing') and exists (
    select from clinic.message_replies as r
    where
      r.clinic_id = reply.clinic_id and r.phone = reply.phone and r.id <> reply.id and r.answer is not null
      and r.outcome in ('desk', 'nothing') and r.received_at > clock_timestamp() - interval '1 hour'
  ) or not exists (select from clinic.was_written_to(reply) as w where w.clinic_id = reply.clinic_id) then
    return null;
  end if;
  select * into v_visit from clinic.appointments as a where a.id = reply.appointment_id;
  select jsonb_build_object('clinic', c.name, 'clinic_phone', c.phone) into v_more from clinic.clinics as c where c.id = reply.clinic_id;
  if reply.outcome = 'asked' then
    v_more := v_more || jsonb_build_object('visits', clinic.which_visits((
      select q.appointment_ids from clinic.reply_questions as q where q.number = reply.phone
    ), answer_to.locale));
  end if;
  return clinic.reply_text(
    case reply.outcome when 'asked' then 'which' when 'helped' then 'help' when 'accepted' then 'confirmed' else reply.outcome end, answer_to.locale, v_visit, v_more
  );
end
$$;
comment on function clinic.answer_to is 'What is answered to a reply; null: nothing.';

create function clinic.tell_desk(reply clinic.message_replies, event text default 'reply_received')
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
  perform clinic.record_events(reply.clinic_id, null, row(
    tell_desk.event, false, true, null, 'message_replies', reply.id, jsonb_build_object('reply_id', reply.id)
  )::clinic.announcement);
end
$$;
comment on function clinic.tell_desk is 'Tells the desk of a reply that a person is to read (reply_received), or has (reply_handled).';

create function clinic.take_reply(sender text, message_ref text, phone text, body text)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_said clinic.message_replies;
  v_reply clinic.message_replies;
  v_clinic_ids uuid [];
  v_meaning jsonb;
  v_locale text;
begin
  v_said.sender := coalesce(clinic.clean_line(take_reply.sender, 'sender', 200), '');
  v_said.message_ref := clinic.required(clinic.clean_line(take_reply.message_ref, 'message_ref', 200), 'message_ref');
  v_said.phone := clinic.required(clinic.clean_line(take_reply.phone, 'phone', 40), 'phone');
  -- A number as one dials it; a name, of those who take no answers, as it is.
  v_said.phone := case when clinic.is_phone(v_said.phone) then clinic.dialled(v_said.phone) else v_said.phone end;
  v_said.body := coalesce(left(clinic.trimmed(regexp_replace(take_reply.body, '[\u0001-\u0008\u000B-\u001F\u007F-\u009F]', '', 'g')), 2000), '');
  v_meaning := clinic.reply_meaning(v_said.body);
  insert into clinic.message_replies (sender, message_ref, phone, body, means)
  values (v_said.sender, v_said.message_ref, v_said.phone, v_said.body, v_meaning ->> 'means')
  on conflict on constraint message_replies_ref_key do nothing
  returning * into v_reply;
  if v_reply.id is null then
    select * into v_reply from clinic.message_replies as r
    where r.sender = v_said.sender and r.message_ref = v_said.message_ref;
    return clinic.describe_reply(v_reply) || '{"repeated": true}';
  end if;
  perform set_config('chairtime.role', 'patient', true);
  -- One reply of a number after another.
  perform clinic.take_lock(hashtextextended('chairtime:number:' || v_reply.phone, 0));
  v_clinic_ids := clinic.clinics_of_number(v_reply);
  v_reply := clinic.act_on_reply(v_reply, (v_meaning ->> 'choice')::integer, v_clinic_ids);
  v_reply.clinic_id := coalesce(
    (select a.clinic_id from clinic.appointments as a where a.id = v_reply.appointment_id),
    v_clinic_ids[1]
  );
  v_reply.patient_id := coalesce(
    (select a.patient_id from clinic.appointments as a where a.id = v_reply.appointment_id),
    clinic.patient_of_number(v_reply)
  );
  v_locale := clinic.clinic_locale(v_reply.clinic_id, coalesce(
    v_meaning ->> 'locale', (clinic.recipient(v_reply.patient_id, v_reply.clinic_id, 'sms')).locale
  ));
  v_reply.answer := clinic.answer_to(v_reply, v_locale);
  update clinic.message_replies as r
  set
    clinic_id = v_reply.clinic_id, patient_id = v_reply.patient_id, appointment_id = v_reply.appointment_id, means = v_reply.means,
    outcome = v_reply.outcome,
    -- No clinic reads of visits at another one.
    answer = case
      when v_reply.outcome <> 'asked' or cardinality(v_clinic_ids) = 1 then v_reply.answer
    end
  where r.id = v_reply.id;
  perform clinic.plan_answer(v_reply, v_reply.answer, v_locale);
  if v_reply.outcome = 'cancelled' and v_reply.answer is not null then
    -- The answer has said it.
    perform clinic.skip(array(
      select m.id from clinic.messages as m
      where
        m.clinic_id = v_reply.clinic_id and m.patient_id = v_reply.patient_id and m.appointment_id = v_reply.appointment_id
        and m.kind = 'cancelled' and m.channel = 'sms' and m.state = 'planned'
    ), 'superseded');
  elsif v_reply.outcome = 'desk' and v_reply.clinic_id is not null then
    perform clinic.tell_desk(v_reply);
  end if;
  return clinic.describe_reply(v_reply) || '{"repeated": false}';
exception
  when lock_not_available or deadlock_detected then
    perform clinic.refuse('try_again');
    return null;
end
$$;
comment on function clinic.take_reply is
'Takes a reply, once for each reference of its carrier, and does what it asks; whoever hands it in has been checked.';

create function clinic.receive_reply(sender text, message_ref text, phone text, body text)
returns jsonb
language plpgsql
volatile
security definer -- changes visits for who has the phone; only the carrier, with the secret key, says who that is
set search_path = ''
as $$
begin
  perform clinic.require_user();
  if not clinic.is_service() then
    perform clinic.refuse('forbidden', 'Replies are handed in with the secret key.');
  end if;
  return clinic.take_reply(receive_reply.sender, receive_reply.message_ref, receive_reply.phone, receive_reply.body);
end
$$;
grant execute on function clinic.receive_reply to anon, authenticated, service_role;

create function clinic.describe_reply(reply clinic.message_replies)
returns jsonb
language sql
immutable
set search_path = ''
as $$
  select jsonb_build_object(
    'reply_id', reply.id, 'means', reply.means, 'outcome', reply.outcome, 'appointment_id', reply.appointment_id, 'answer', reply.answer
  );
$$;
comment on function clinic.describe_reply is 'What was understood of a reply, and done.';

create function api.receive_reply(sender text, message_ref text, phone text, body text)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.receive_reply(sender, message_ref, phone, body);
end
$$;
comment on function api.receive_reply is
'With the secret key: takes a text message that came back. sender is to which of our numbers, message_ref how its carrier calls it (once is once), phone who wrote it, with its country, as the
carrier proved it. Confirms, cancels within the notice, stops, starts, helps; asks which of several visits, and understands the number that comes back; what it does not
understand the desk reads, and what answers a recall: that is answered by its link. After an offer it accepts or declines that. The answer is sent by itself. Returns {reply_id, means, outcome, appointment_id, answer, repeated}.
Errors: not_authenticated, forbidden, invalid_argument, try_again.';
grant execute on function api.receive_reply to anon, authenticated, service_role;

create function clinic.note_stranger(link clinic.message_links)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_reply clinic.message_replies;
begin
  insert into clinic.message_replies (sender, message_ref, clinic_id, patient_id, appointment_id, body, means, outcome)
  values ('link', encode(link.token_hash, 'hex'), link.clinic_id, link.patient_id, link.appointment_id, '', 'not_me', 'desk')
  on conflict on constraint message_replies_ref_key do nothing
  returning * into v_reply;
  if v_reply.id is not null then
    perform clinic.tell_desk(v_reply);
  end if;
end
$$;
comment on function clinic.note_stranger is 'Tells the desk, once, that a message reached somebody whom it does not concern.';


-- The desk reads them --------------------------------------------------------------------------------------------------

create function clinic.handle_reply(reply_id uuid, answer text)
returns api.message_replies
language plpgsql
volatile
security definer -- writes for staff it has checked
set search_path = ''
as $$
declare
  v_reply clinic.message_replies;
  v_answer text := clinic.clean_text(handle_reply.answer, 'answer', 1000);
  v_row api.message_replies;
begin
  perform clinic.require_user();
  select * into v_reply from clinic.message_replies as r
  where r.id = clinic.required(handle_reply.reply_id, 'reply_id')
  for update;
  if v_reply.clinic_id is null or clinic.my_role(v_reply.clinic_id) is null then
    perform clinic.refuse('not_found', 'There is no such reply.');
  end if;
  perform clinic.require_role(v_reply.clinic_id, 'admin', 'receptionist');
  if v_answer is not null and v_reply.phone is null then
    perform clinic.refuse('invalid_argument', 'This came through a link: there is no number to answer to.');
  elsif v_answer is not null and exists (select from clinic.stops(v_reply.clinic_id, 'sms', v_reply.phone)) then
    perform clinic.refuse('invalid_argument', 'Who wrote this wants no text messages.', hint => 'Call them.');
  end if;
  update clinic.message_replies as r
  set
    handled_at = coalesce(r.handled_at, clock_timestamp()), handled_by = coalesce(r.handled_by, auth.uid()), answer = coalesce(v_answer, r.answer)
  where r.id = v_reply.id;
  if v_reply.handled_at is null then
    perform clinic.tell_desk(v_reply, 'reply_handled');
  end if;
  perform clinic.plan_answer(v_reply, v_answer, clinic.clinic_locale(v_reply.clinic_id));
  select * into v_row from api.message_replies as r where r.id = v_reply.id;
  return v_row;
end
$$;
grant execute on function clinic.handle_reply to anon, authenticated, service_role;

create function api.handle_reply(reply_id uuid, answer text default null)
returns api.message_replies
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.handle_reply(reply_id, answer);
end
$$;
comment on function api.handle_reply is
'For admins and receptionists: takes a reply off the list of those that a person is to read (event reply_handled); the answer, if there is one, is sent to its number.
Errors: not_authenticated, forbidden, not_found, invalid_argument (also: they want no text messages).';
grant execute on function api.handle_reply to anon, authenticated, service_role;
