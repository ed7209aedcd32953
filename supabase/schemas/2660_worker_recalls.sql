-- Asking: who is due is written to, step by step, as long as they have no visit ahead. The worker's job.

create function clinic.why_no_recall(message clinic.messages, recipient clinic.recipient, as_of timestamptz)
returns text
language plpgsql
stable
set search_path = ''
as $$
declare
  v_type clinic.recall_types;
  v_recall clinic.recalls;
begin
  select * into v_type from clinic.recall_types as t where t.id = message.recall_type_id and t.clinic_id = message.clinic_id and t.is_active;
  select * into v_recall from clinic.recalls as r
  where r.patient_id = message.patient_id and r.clinic_id = message.clinic_id and r.recall_type_id = message.recall_type_id;
  return case
    when v_type.id is null or v_recall.patient_id is null then 'gone'
    when v_recall.asked = 0 or clinic.has_visit_ahead(message.patient_id, v_type) then 'met'
    when v_recall.paused_until > (as_of at time zone (select c.time_zone from clinic.clinics as c where c.id = message.clinic_id))::date then 'paused'
    when message.due_at < as_of - interval '1 day' then 'late'
    when recipient.address is null then 'no_contact'
    when recipient.is_stopped then 'opted_out'
  end;
end
$$;
comment on function clinic.why_no_recall is 'Why somebody is not asked any more; null: they are due, and can be.';

create function clinic.recall_to_say(message clinic.messages, link text)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select jsonb_build_object(
    'clinic', c.name, 'clinic_phone', c.phone, 'clinic_address', c.address, 'patient', clinic.written_name(p.full_name), 'visit', t.name,
    'date', clinic.format_day(clinic.wall_instant(d.due_on::timestamp, c.time_zone), c.time_zone, message.locale),
    'link', recall_to_say.link
  )
  from clinic.recalls as d
  inner join clinic.recall_types as r on d.recall_type_id = r.id and d.clinic_id = r.clinic_id
  inner join clinic.clinics as c on d.clinic_id = c.id
  inner join clinic.patients as p on d.patient_id = p.id and d.clinic_id = p.clinic_id
  inner join clinic.appointment_types as t on r.book_type_id = t.id and r.clinic_id = t.clinic_id
  where d.patient_id = message.patient_id and d.clinic_id = message.clinic_id and d.recall_type_id = message.recall_type_id;
$$;
comment on function clinic.recall_to_say is 'What the placeholders stand for in a message about what is due; the date is the due date.';

create function clinic.ask_recall(recall clinic.recalls)
returns boolean
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_type clinic.recall_types;
  v_now timestamptz := clock_timestamp();
begin
  -- Of a type that nobody can book nobody is told to.
  select r.* into v_type
  from clinic.recall_types as r
  inner join clinic.appointment_types as t on r.book_type_id = t.id and r.clinic_id = t.clinic_id
  where r.id = recall.recall_type_id and r.clinic_id = recall.clinic_id and r.is_active and t.is_active;
  if v_type.id is null or clinic.has_visit_ahead(recall.patient_id, v_type) then
    return false;
  end if;
  insert into clinic.messages (id, clinic_id, patient_id, kind, channel, due_at, next_at, recall_type_id)
  select gen_random_uuid(), recall.clinic_id, recall.patient_id, 'recall', m.channel, v_now, v_now, recall.recall_type_id
  from clinic.message_rules as m
  cross join lateral clinic.recipient(recall.patient_id, recall.clinic_id, m.channel) as w
  where m.clinic_id = recall.clinic_id and m.kind = 'recall' and w.address is not null and not w.is_stopped;
  return found;
end
$$;
comment on function clinic.ask_recall is
'Plans what somebody who is due is asked with, through every channel that the clinic''s rules name and that reaches them; false: through none, or they
have a visit ahead.';

create function clinic.ask_batch(max_rows integer)
returns integer
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_recall clinic.recalls;
  v_looked_at integer := 0;
begin
  for v_recall in
    select r.* from clinic.recalls as r
    where r.look_at <= clock_timestamp()
    order by r.look_at
    limit ask_batch.max_rows
    for update skip locked
  loop
    if clinic.ask_recall(v_recall) then
      update clinic.recalls as r set asked = r.asked + 1, last_asked_at = clock_timestamp()
      where r.patient_id = v_recall.patient_id and r.clinic_id = v_recall.clinic_id and r.recall_type_id = v_recall.recall_type_id;
    else
      -- A visit ahead may be cancelled, an address become known: tomorrow again.
      update clinic.recalls as r set look_at = clock_timestamp() + interval '1 day'
      where r.patient_id = v_recall.patient_id and r.clinic_id = v_recall.clinic_id and r.recall_type_id = v_recall.recall_type_id;
    end if;
    v_looked_at := v_looked_at + 1;
  end loop;
  return v_looked_at;
end
$$;
comment on function clinic.ask_batch is 'Looks at those who may be due, the longest due first; returns at how many.';

create function clinic.ask_recalls(max_rows integer default 500)
returns integer
language plpgsql
volatile
security definer -- writes to patients of any clinic: the worker's task, and nobody else may execute this
set search_path = ''
as $$
declare
  v_done integer := clinic.reckon_batch(ask_recalls.max_rows);
begin
  if v_done < ask_recalls.max_rows then
    v_done := clinic.ask_batch(ask_recalls.max_rows);
  end if;
  return v_done;
end
$$;
comment on function clinic.ask_recalls is
'Asks who is due for a visit and has none ahead, by messages of kind recall, in the steps of its type; before that it reckons due dates for types that were changed.';
grant execute on function clinic.ask_recalls to chairtime_worker;
