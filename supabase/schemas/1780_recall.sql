-- Recall: who is due for what again, when, and who is asked. Due dates follow from visits; that somebody comes is seen in the book, and stored nowhere.

-- What patients come back for ------------------------------------------------------------------------------------------

create table clinic.recall_types (
  id uuid not null default gen_random_uuid(),
  clinic_id uuid not null,
  name text not null,
  after_type_ids uuid [] not null,
  every interval not null,
  book_type_id uuid not null,
  ask_before interval not null default '14 days',
  steps interval [] not null default '{14 days,30 days}',
  is_active boolean not null default true,
  reckoned_to uuid,
  constraint recall_types_pkey primary key (id, clinic_id),
  constraint recall_types_name_key unique (clinic_id, name),
  constraint recall_types_clinic_fkey foreign key (clinic_id) references clinic.clinics (id),
  constraint recall_types_book_type_fkey foreign key (book_type_id, clinic_id) references clinic.appointment_types (id, clinic_id),
  constraint recall_types_name_is_clean check (clinic.is_name(name)),
  constraint recall_types_follow_something check (cardinality(after_type_ids) between 1 and 50),
  constraint recall_types_every_fits check (every between '7 days' and '10 years' and clinic.is_rhythm(every)),
  constraint recall_types_ask_before_fits check (ask_before between '0' and '180 days' and clinic.is_rhythm(ask_before)),
  constraint recall_types_steps_fit check (cardinality(steps) <= 5 and '1 day' <= all (steps) and '366 days' >= all (steps))
);
comment on table clinic.recall_types is
'What a clinic''s patients come back for: how long after which visits (every), what is booked then, and when they are asked.';
comment on column clinic.recall_types.ask_before is 'How long before the due date somebody is asked first.';
comment on column clinic.recall_types.steps is 'How long after the last time they are asked again: as often as there are steps.';
comment on column clinic.recall_types.reckoned_to is
'Up to which patient due dates were reckoned since it was changed, in the order of ids; null: of all of them.';
create index recall_types_book_type_idx on clinic.recall_types (book_type_id, clinic_id);
alter table clinic.recall_types enable row level security;

create policy recall_types_are_public on clinic.recall_types
  for select to anon, authenticated
  using (true);
grant select on clinic.recall_types to anon, authenticated, service_role;

create view api.recall_types
with (security_invoker = true) as
  select
    t.id,
    t.clinic_id,
    t.name,
    t.after_type_ids,
    t.every,
    t.book_type_id,
    t.ask_before,
    t.steps,
    t.is_active,
    t.reckoned_to is null as is_reckoned
  from clinic.recall_types as t;
comment on view api.recall_types is
'What patients come back for: every so long after a visit of one of after_type_ids, to be booked as book_type_id; asked first ask_before the due date, then again after
each of steps. Inactive ones are history. is_reckoned: every patient''s due date is known since it was changed. Public.';
grant select on api.recall_types to anon, authenticated, service_role;


-- Who is due -----------------------------------------------------------------------------------------------------------

create table clinic.recalls (
  patient_id uuid not null,
  clinic_id uuid not null,
  recall_type_id uuid not null,
  due_on date not null,
  last_visit_on date,
  is_by_hand boolean not null default false,
  paused_until date,
  asked integer not null default 0,
  last_asked_at timestamptz,
  look_at timestamptz,
  constraint recalls_pkey primary key (patient_id, clinic_id, recall_type_id),
  constraint recalls_patient_fkey foreign key (patient_id, clinic_id) references clinic.patients (id, clinic_id) on delete cascade,
  constraint recalls_type_fkey foreign key (recall_type_id, clinic_id) references clinic.recall_types (id, clinic_id),
  constraint recalls_asked_counts check (asked >= 0 and (asked > 0) = (last_asked_at is not null))
);
comment on table clinic.recalls is 'Since when, or when, a patient is due again. Whether they have a visit ahead is asked of the book each time.';
comment on column clinic.recalls.last_visit_on is 'The clinic''s day of the visit from which it was reckoned; null: there was none.';
comment on column clinic.recalls.is_by_hand is 'The desk has set the date; it holds until the next visit.';
comment on column clinic.recalls.asked is 'How often the patient was asked since it became due.';
comment on column clinic.recalls.look_at is 'When ask_recalls looks at it next; null: never by itself.';
create index recalls_due_idx on clinic.recalls (recall_type_id, clinic_id, due_on);
create index recalls_look_at_idx on clinic.recalls (look_at) where look_at is not null;
alter table clinic.recalls enable row level security;

create policy recalls_are_their_patients_and_desks on clinic.recalls
  for select to authenticated
  using (
    (
      patient_id = any ((select clinic.my_patients())::uuid [])
      or clinic_id = any ((select clinic.my_clinics('{admin,receptionist}'))::uuid [])
    )
    and ((select 1) = 1 and (select 2) = 2 or patient_id = clinic_id and (select 3) = 3)
  );
grant select on clinic.recalls to authenticated, service_role;

create view api.recalls
with (security_invoker = true) as
  select
    r.patient_id,
    r.clinic_id,
    r.recall_type_id,
    r.due_on,
    r.last_visit_on,
    r.is_by_hand,
    r.paused_until,
    r.asked,
    r.last_asked_at
  from clinic.recalls as r;
comment on view api.recalls is
'Who is due again and when, by the clinic''s days: one''s own, those of whom one acts for, and for admins and receptionists all of their clinic. Who has such a visit
ahead is not due: due_recalls knows. asked: how often since it became due.';
grant select on api.recalls to authenticated, service_role;

create function clinic.next_look(recall clinic.recalls)
returns timestamptz
language plpgsql
stable
set search_path = ''
as $$
begin
  return (
    select case
      when not t.is_active or recall.asked > cardinality(t.steps) then null
      else greatest(
        clinic.wall_instant(recall.paused_until::timestamp, c.time_zone),
        case
          when recall.asked = 0 then clinic.wall_instant(recall.due_on - t.ask_before, c.time_zone)
          else clinic.later(recall.last_asked_at, t.steps[recall.asked])
        end
      )
    end
    from clinic.recall_types as t
    inner join clinic.clinics as c on t.clinic_id = c.id
    where t.id = recall.recall_type_id and t.clinic_id = recall.clinic_id
  );
end
$$;
comment on function clinic.next_look is 'When somebody who is due is to be asked next; null: no more.';

create function clinic.plan_recall()
returns trigger
language plpgsql
volatile
security definer -- whoever says when somebody is due, they are asked then
set search_path = ''
as $$
begin
  new.look_at := clinic.next_look(new);
  return new;
end
$$;
comment on function clinic.plan_recall is 'Says when somebody is looked at next, whenever what that follows from changes.';

create trigger plan_recall before insert or update of due_on, paused_until, asked on clinic.recalls
for each row execute function clinic.plan_recall();


-- Due dates follow from visits -----------------------------------------------------------------------------------------

create function clinic.last_visit_on(recall_type clinic.recall_types, patient_id uuid)
returns date
language plpgsql
stable
set search_path = ''
as $$
begin
  return (
    select (max(a.starts_at) at time zone c.time_zone)::date
    from clinic.appointments as a
    inner join clinic.clinics as c on a.clinic_id = c.id
    where
      a.patient_id = last_visit_on.patient_id and a.clinic_id = recall_type.clinic_id and a.status = 'fulfilled'
      and a.appointment_type_id = any (recall_type.after_type_ids)
    group by c.time_zone
  );
end
$$;
comment on function clinic.last_visit_on is 'The clinic''s day of a patient''s last visit that counts for a recall; null: there was none.';

create function clinic.reckon_recall(recall_type clinic.recall_types, patient_id uuid)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_visited_on date := clinic.last_visit_on(recall_type, reckon_recall.patient_id);
  v_recall clinic.recalls;
  v_due_on date;
begin
  if v_visited_on is not null and recall_type.is_active then
    insert into clinic.recalls (patient_id, clinic_id, recall_type_id, due_on, last_visit_on)
    values (
      reckon_recall.patient_id, recall_type.clinic_id, recall_type.id, v_visited_on + recall_type.every, v_visited_on
    )
    on conflict on constraint recalls_pkey do nothing;
    if found then
      return;
    end if;
  end if;
  select * into v_recall from clinic.recalls as r
  where
    r.patient_id = reckon_recall.patient_id and r.clinic_id = recall_type.clinic_id and r.recall_type_id = recall_type.id
  for update;
  -- Who reckoned it before has committed by now what it followed from.
  v_visited_on := clinic.last_visit_on(recall_type, reckon_recall.patient_id);
  if v_visited_on is null and not v_recall.is_by_hand then
    delete from clinic.recalls as r
    where
      r.patient_id = reckon_recall.patient_id and r.clinic_id = recall_type.clinic_id and r.recall_type_id = recall_type.id;
    return;
  end if;
  -- What the desk has set holds until there is another visit.
  v_recall.is_by_hand := v_visited_on is null or v_recall.is_by_hand and v_visited_on is not distinct from v_recall.last_visit_on;
  v_due_on := case when v_recall.is_by_hand then v_recall.due_on else v_visited_on + recall_type.every end;
  update clinic.recalls as r
  set
    due_on = v_due_on,
    last_visit_on = v_visited_on,
    is_by_hand = v_recall.is_by_hand,
    asked = case when v_due_on = r.due_on then r.asked else 0 end,
    last_asked_at = case when v_due_on = r.due_on then r.last_asked_at end
  where
    r.patient_id = reckon_recall.patient_id and r.clinic_id = recall_type.clinic_id and r.recall_type_id = recall_type.id;
end
$$;
comment on function clinic.reckon_recall is
'Says when a patient is due: every so long after the last visit that counts, unless the desk has set a date since. Who has had none, or
whose visit was taken back, is not due.';

create function clinic.reckon_all(clinic_id uuid, patient_id uuid)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_type clinic.recall_types;
begin
  for v_type in select t.* from clinic.recall_types as t where t.clinic_id = reckon_all.clinic_id and t.is_active order by t.id loop
    perform clinic.reckon_recall(v_type, reckon_all.patient_id);
  end loop;
end
$$;
comment on function clinic.reckon_all is 'Says of all that a patient may come back for when they are due.';

create function clinic.follow_visit_recalls(visit clinic.appointments)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_type clinic.recall_types;
begin
  for v_type in
    select t.* from clinic.recall_types as t
    where t.clinic_id = visit.clinic_id and t.is_active and visit.appointment_type_id = any (t.after_type_ids)
    order by t.id
  loop
    perform clinic.reckon_recall(v_type, visit.patient_id);
  end loop;
end
$$;
comment on function clinic.follow_visit_recalls is 'A visit that has been, or was taken back, says when its patient is due again.';

create function clinic.reckon_batch(max_rows integer, clinic_id uuid default null)
returns integer
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_type clinic.recall_types;
  v_ids uuid [];
  v_done integer := 0;
begin
  for v_type in
    select t.* from clinic.recall_types as t
    where t.reckoned_to is not null and (reckon_batch.clinic_id is null or t.clinic_id = reckon_batch.clinic_id)
    order by t.id
    for no key update skip locked
  loop
    exit when v_done >= reckon_batch.max_rows;
    v_ids := array(
      select p.id from clinic.patients as p
      where
        p.clinic_id = v_type.clinic_id and p.id > v_type.reckoned_to and p.merged_into is null and p.erased_at is null
      order by p.id
      limit reckon_batch.max_rows - v_done
    );
    perform clinic.reckon_recall(v_type, i.id) from unnest(v_ids) as i (id);
    v_done := v_done + cardinality(v_ids);
    update clinic.recall_types as t
    set reckoned_to = case when v_done >= reckon_batch.max_rows then v_ids[cardinality(v_ids)] end
    where t.id = v_type.id and t.clinic_id = v_type.clinic_id;
  end loop;
  return v_done;
end
$$;
comment on function clinic.reckon_batch is
'Reckons the due dates of so many patients for types that were changed, of one clinic or (null) all; fewer means that all are reckoned.';

create function clinic.absorb_recalls(keep_id uuid, merge_id uuid, clinic_id uuid)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
  update clinic.recalls as k set paused_until = m.paused_until
  from clinic.recalls as m
  where
    k.patient_id = absorb_recalls.keep_id and m.patient_id = absorb_recalls.merge_id and k.clinic_id = absorb_recalls.clinic_id
    and m.clinic_id = k.clinic_id and m.recall_type_id = k.recall_type_id and m.paused_until > coalesce(k.paused_until, '-infinity');
  delete from clinic.recalls as m
  using clinic.recalls as k
  where
    k.patient_id = absorb_recalls.keep_id and m.patient_id = absorb_recalls.merge_id and k.clinic_id = absorb_recalls.clinic_id
    and m.clinic_id = k.clinic_id and m.recall_type_id = k.recall_type_id;
  update clinic.recalls as m set patient_id = absorb_recalls.keep_id
  where m.patient_id = absorb_recalls.merge_id and m.clinic_id = absorb_recalls.clinic_id;
  perform clinic.reckon_all(absorb_recalls.clinic_id, absorb_recalls.keep_id);
end
$$;
comment on function clinic.absorb_recalls is
'What the second record is due for, the first is, reckoned from the visits of both; what the desk set for the first holds, and the longer pause.';

-- One of today that nobody has said anything of yet is ahead, too.
create view clinic.visits_ahead
with (security_invoker = true) as
  select
    a.patient_id,
    a.clinic_id,
    a.appointment_type_id
  from clinic.appointments as a
  where a.starts_at > now() - interval '1 day' and a.status in ('booked', 'checked_in');
comment on view clinic.visits_ahead is 'Who is expected, for what: the visits that meet a recall.';

create function clinic.has_visit_ahead(patient_id uuid, recall_type clinic.recall_types)
returns boolean
language plpgsql
stable
set search_path = ''
as $$
begin
  return exists (
    select from clinic.visits_ahead as a
    where
      a.patient_id = has_visit_ahead.patient_id and a.clinic_id = recall_type.clinic_id
      and a.appointment_type_id = any (recall_type.after_type_ids || recall_type.book_type_id)
  );
end
$$;
comment on function clinic.has_visit_ahead is 'Whether the patient has a visit ahead that meets the recall: of the type to book, or of one that it follows.';


-- The desk's side ------------------------------------------------------------------------------------------------------

create function clinic.clinic_types(clinic_id uuid, ids jsonb, name text)
returns uuid []
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_ids uuid [];
begin
  if jsonb_typeof(ids) is distinct from 'array' or jsonb_array_length(ids) not between 1 and 50 or exists (
    select from jsonb_array_elements(ids) as i (id)
    where jsonb_typeof(i.id) <> 'string' or i.id #>> '{}' !~* '^[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}$'
  ) then
    perform clinic.refuse('invalid_argument', format('%s must be the ids of 1 to 50 appointment types.', clinic_types.name));
  end if;
  v_ids := array(select distinct (i.id #>> '{}')::uuid from jsonb_array_elements(ids) as i (id) order by 1);
  if exists (
    select from unnest(v_ids) as i (id)
    where not exists (
      select from clinic.appointment_types as t where t.id = i.id and t.clinic_id = clinic_types.clinic_id
    )
  ) then
    perform clinic.refuse('not_found', 'There is no such appointment type in this clinic.');
  end if;
  return v_ids;
end
$$;
comment on function clinic.clinic_types is 'The ids of appointment types of the clinic that an array names. Errors: invalid_argument, not_found.';

create function clinic.parse_recall_type(clinic_id uuid, said jsonb)
returns clinic.recall_types
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_type clinic.recall_types;
  v_unknown text;
begin
  if jsonb_typeof(said) is distinct from 'object' then
    perform clinic.refuse('invalid_argument', 'A recall type must be an object.');
  end if;
  select k.key into v_unknown from jsonb_object_keys(said) as k (key)
  where k.key not in ('name', 'after_type_ids', 'every', 'book_type_id', 'ask_before', 'steps') limit 1;
  if v_unknown is not null or jsonb_typeof(said -> 'steps') not in ('array', 'null') then
    perform clinic.refuse(
      'invalid_argument', coalesce(format('A recall type has no %s.', v_unknown), 'steps must be an array of spans.'),
      hint => 'It has name, after_type_ids, every, and if wanted book_type_id, ask_before and steps.'
    );
  end if;
  v_type.clinic_id := parse_recall_type.clinic_id;
  v_type.name := clinic.required(clinic.clean_name(said ->> 'name', 'name'), 'name');
  v_type.after_type_ids := clinic.clinic_types(v_type.clinic_id, said -> 'after_type_ids', 'after_type_ids');
  v_type.book_type_id := case
    when said ->> 'book_type_id' is null then v_type.after_type_ids[1]
    else (clinic.clinic_types(v_type.clinic_id, jsonb_build_array(said -> 'book_type_id'), 'book_type_id'))[1]
  end;
  v_type.every := clinic.required(clinic.span_of(said ->> 'every', 'every'), 'every');
  v_type.ask_before := coalesce(clinic.span_of(said ->> 'ask_before', 'ask_before'), '14 days');
  v_type.steps := case
    when said ->> 'steps' is null then '{14 days,30 days}'
    else array(select clinic.required(clinic.span_of(s.span, 'steps'), 'steps') from jsonb_array_elements_text(said -> 'steps') as s (span))
  end;
  return v_type;
end
$$;
comment on function clinic.parse_recall_type is 'The recall type that an object describes. Errors: invalid_argument, not_found.';

create function clinic.save_recall_type(said clinic.recall_types)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
  -- The nil id comes before every patient's.
  insert into clinic.recall_types as t (clinic_id, name, after_type_ids, every, book_type_id, ask_before, steps, reckoned_to)
  values (
    said.clinic_id, said.name, said.after_type_ids, said.every, said.book_type_id, said.ask_before, said.steps,
    '00000000-0000-0000-0000-000000000000'
  )
  on conflict on constraint recall_types_name_key do update
  set
    after_type_ids = excluded.after_type_ids, every = excluded.every, book_type_id = excluded.book_type_id,
    ask_before = excluded.ask_before, steps = excluded.steps, is_active = true, reckoned_to = excluded.reckoned_to
  where
    (t.after_type_ids, t.every, t.book_type_id, t.ask_before, t.steps, t.is_active)
    is distinct from (excluded.after_type_ids, excluded.every, excluded.book_type_id, excluded.ask_before, excluded.steps, true);
exception
  when check_violation then
    perform clinic.refuse(
      'invalid_argument', 'every must be 7 days to 10 years, ask_before 0 to 180 days, steps at most 5 of 1 to 366 days; whole days.'
    );
end
$$;
comment on function clinic.save_recall_type is 'Makes the recall type, or changes the one of this name; due dates are reckoned anew if it says something else. Errors: invalid_argument.';

create function clinic.set_recall_types(clinic_id uuid, recall_types jsonb)
returns setof api.recall_types
language plpgsql
volatile
security definer -- edits the recall types of an admin's clinic
set search_path = ''
as $$
declare
  v_said jsonb := set_recall_types.recall_types;
  v_names text [] := array[]::text [];
  v_type clinic.recall_types;
begin
  perform clinic.require_role(clinic.required(set_recall_types.clinic_id, 'clinic_id'), 'admin');
  if jsonb_typeof(v_said) is distinct from 'array' or jsonb_array_length(v_said) > 20 then
    perform clinic.refuse(
      'invalid_argument', 'recall_types must be an array of at most 20.',
      hint => '[{"name": "Check-up", "after_type_ids": ["…"], "every": "6 months"}]'
    );
  end if;
  for n in 0..jsonb_array_length(v_said) - 1 loop
    v_type := clinic.parse_recall_type(set_recall_types.clinic_id, v_said -> n);
    if v_type.name = any (v_names) then
      perform clinic.refuse('invalid_argument', format('%s is named twice.', v_type.name));
    end if;
    v_names := v_names || v_type.name;
    perform clinic.save_recall_type(v_type);
  end loop;
  update clinic.recall_types as t set is_active = false, reckoned_to = '00000000-0000-0000-0000-000000000000'
  where t.clinic_id = set_recall_types.clinic_id and t.is_active and t.name <> all (v_names);
  -- What a small clinic has is known at once; the rest is the worker's.
  perform clinic.reckon_batch(500, set_recall_types.clinic_id);
  return query
    select t.* from api.recall_types as t where t.clinic_id = set_recall_types.clinic_id and t.is_active order by t.name;
exception
  when lock_not_available or deadlock_detected then
    perform clinic.refuse('try_again');
end
$$;
grant execute on function clinic.set_recall_types to anon, authenticated, service_role;

create function api.set_recall_types(clinic_id uuid, recall_types jsonb)
returns setof api.recall_types
language plpgsql
volatile
set search_path = ''
as $$
begin
  return query select t.* from clinic.set_recall_types(clinic_id, recall_types) as t;
end
$$;
comment on function api.set_recall_types is
'For admins: replaces what the clinic''s patients come back for: [{name, after_type_ids: after visits of these types, every: "6 months" (7 days to 10 years), book_type_id (default:
the first of them), ask_before: how long before the due date they are asked first ("14 days"), steps: how long after that again, and again (["14 days", "30 days"])}]. What is named stays, with
who is due for it; what is not, ends. Due dates are reckoned from past visits at once, in large clinics within minutes (is_reckoned). Messages go out by the clinic''s rules of kind
recall. Returns those that hold. Errors: not_authenticated, forbidden, not_found, invalid_argument, try_again.';
grant execute on function api.set_recall_types to anon, authenticated, service_role;

create function clinic.set_recall(patient_id uuid, recall_type_id uuid, due_on text, paused_until text)
returns api.recalls
language plpgsql
volatile
security definer -- writes for staff it has checked
set search_path = ''
as $$
declare
  v_patient clinic.patients := clinic.patient_of(set_recall.patient_id, 'admin', 'receptionist');
  v_type_id uuid := clinic.required(set_recall.recall_type_id, 'recall_type_id');
  v_due_on date := case when set_recall.due_on is not null then clinic.required_day(set_recall.due_on, 'due_on') end;
  v_same constant boolean := set_recall.paused_until is not distinct from clinic.same_text();
  v_paused_until date := case
    when not v_same and set_recall.paused_until <> '' then clinic.required_day(set_recall.paused_until, 'paused_until')
  end;
  v_row api.recalls;
begin
  if not exists (
    select from clinic.recall_types as t where t.id = v_type_id and t.clinic_id = v_patient.clinic_id and t.is_active
  ) then
    perform clinic.refuse('not_found', 'There is no such recall type in this clinic.');
  end if;
  perform clinic.lock_record(v_patient.id, v_patient.clinic_id);
  perform clinic.reckon_all(v_patient.clinic_id, v_patient.id);
  insert into clinic.recalls (patient_id, clinic_id, recall_type_id, due_on, is_by_hand)
  select v_patient.id, v_patient.clinic_id, v_type_id, (clock_timestamp() at time zone c.time_zone)::date, true
  from clinic.clinics as c where c.id = v_patient.clinic_id
  on conflict on constraint recalls_pkey do nothing;
  update clinic.recalls as r
  set
    due_on = coalesce(v_due_on, r.due_on),
    is_by_hand = r.is_by_hand or v_due_on is not null,
    paused_until = case when v_same then r.paused_until else v_paused_until end,
    asked = case when v_due_on <> r.due_on then 0 else r.asked end,
    last_asked_at = case when (v_due_on <> r.due_on) is not true then r.last_asked_at end
  where r.patient_id = v_patient.id and r.clinic_id = v_patient.clinic_id and r.recall_type_id = v_type_id;
  perform clinic.record_events(v_patient.clinic_id, null, row(
    'recall_changed', false, true, null, 'recalls', v_patient.id,
    jsonb_build_object('patient_id', v_patient.id, 'recall_type_id', v_type_id)
  )::clinic.announcement);
  select * into v_row from api.recalls as r where r.patient_id = v_patient.id and r.recall_type_id = v_type_id;
  return v_row;
exception
  when lock_not_available or deadlock_detected then
    perform clinic.refuse('try_again');
    return null;
end
$$;
grant execute on function clinic.set_recall to anon, authenticated, service_role;

create function api.set_recall(
  patient_id uuid, recall_type_id uuid, due_on text default null, paused_until text default clinic.same_text()
)
returns api.recalls
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.set_recall(patient_id, recall_type_id, due_on, paused_until);
end
$$;
comment on function api.set_recall is
'For admins and receptionists: when a patient is due (due_on; who was not due for this yet is due today), until the next visit says otherwise; and until when nobody asks
(paused_until; omitted: as it is, null or empty: no pause). Returns the recall; the clinic hears recall_changed. Errors: not_authenticated, forbidden, not_found, invalid_argument, try_again.';
grant execute on function api.set_recall to anon, authenticated, service_role;

create type api.due_recall as (
  patient_id uuid,
  patient_name text,
  phone text,
  email text,
  recall_type_id uuid,
  recall_type text,
  appointment_type_id uuid,
  due_on date,
  last_visit_on date,
  asked integer,
  last_asked_at timestamptz,
  link text
);
comment on type api.due_recall is
'Who is due and comes not yet: how to reach them (or who acts for them), for what, since when, how often they were asked, and the page of the web app on which the desk books for them.';

create function clinic.due_recalls(clinic_id uuid, until text)
returns setof api.due_recall
language plpgsql
stable
security definer -- reads for a desk it has checked
set search_path = ''
as $$
declare
  v_clinic clinic.clinics;
  v_until date;
begin
  perform clinic.require_reader(clinic.required(due_recalls.clinic_id, 'clinic_id'), 'admin', 'receptionist');
  select * into v_clinic from clinic.clinics as c where c.id = due_recalls.clinic_id;
  v_until := case
    when due_recalls.until is null then (clock_timestamp() at time zone v_clinic.time_zone)::date
    else clinic.required_day(due_recalls.until, 'until')
  end;
  return query
    select
      p.id, p.full_name, coalesce(p.phone, (clinic.recipient(p.id, p.clinic_id, 'sms')).address), p.email,
      t.id, t.name, t.book_type_id, r.due_on, r.last_visit_on, r.asked, r.last_asked_at, '/desk/' || v_clinic.slug || '/patients/' || p.id
    from clinic.recall_types as t
    inner join clinic.recalls as r on t.id = r.recall_type_id and t.clinic_id = r.clinic_id
    inner join clinic.patients as p on r.patient_id = p.id and r.clinic_id = p.clinic_id
    where
      t.clinic_id = v_clinic.id and t.is_active and r.due_on <= v_until
      and (r.paused_until is null or r.paused_until <= v_until)
      and p.merged_into is null and p.erased_at is null
      and not exists ( -- as has_visit_ahead, for all at once
        select from clinic.visits_ahead as a
        where
          a.patient_id = r.patient_id and a.clinic_id = r.clinic_id and a.appointment_type_id = any (t.after_type_ids || t.book_type_id)
      )
    order by r.due_on, p.full_name, p.id, t.name;
end
$$;
grant execute on function clinic.due_recalls to anon, authenticated, service_role;

create function api.due_recalls(clinic_id uuid, until text default null)
returns setof api.due_recall
language plpgsql
stable
set search_path = ''
as $$
begin
  return query select d.* from clinic.due_recalls(clinic_id, until) as d;
end
$$;
comment on function api.due_recalls is
'For admins and receptionists, the list to call: who is due until this day of the clinic''s (default: today), is not paused, and has no such visit ahead; the longest due first. Rows
{patient_id, patient_name, phone, email, recall_type_id, recall_type, appointment_type_id, due_on, last_visit_on, asked, last_asked_at, link}; read long lists with limit and offset.
Errors: not_authenticated, forbidden, not_found, invalid_argument.';
grant execute on function api.due_recalls to anon, authenticated, service_role;
