-- Privacy: what is known of a person, and how it is forgotten. The ledger and the counts stay.

-- Where people are -----------------------------------------------------------------------------------------------------

create function clinic.personal_columns()
returns table (table_name text, column_name text, of_user boolean)
language sql
stable
set search_path = ''
as $$
  -- By the foreign keys, so that no table is forgotten; and what refers to people for longer than they are there.
  select c.relname::text, a.attname::text, k.confrelid = 'auth.users'::regclass
  from pg_catalog.pg_constraint as k
  inner join pg_catalog.pg_class as c on k.conrelid = c.oid
  inner join pg_catalog.pg_attribute as a on c.oid = a.attrelid and k.conkey[1] = a.attnum
  where
    k.contype = 'f' and k.confrelid in ('auth.users'::regclass, 'clinic.patients'::regclass) and c.relnamespace = 'clinic'::regnamespace
    and not c.relispartition
  union
  select t.table_name, t.column_name, t.of_user
  from (values
    ('patients', 'id', false), ('realtime_events', 'user_id', true), ('realtime_events', 'actor', true), ('audit_log', 'actor', true),
    ('audit_log', 'entity_id', false), ('idempotency_keys', 'user_id', true), ('messages', 'patient_id', false)
  ) as t (table_name, column_name, of_user);
$$;
comment on function clinic.personal_columns is 'The columns of clinic''s tables that name a user (of_user) or a patient.';

create function clinic.without(value jsonb, hidden text [])
returns jsonb
language sql
immutable
set search_path = ''
as $$
  select jsonb_object_agg(c.key, case when jsonb_typeof(c.value) = 'object' then c.value - hidden else c.value end)
  from jsonb_each(value - hidden) as c;
$$;
comment on function clinic.without is 'The row without these columns, also in what one of its columns says of a row.';

create function clinic.login_of(user_id uuid)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select jsonb_build_object(
    'id', u.id, 'email', u.email, 'phone', u.phone, 'created_at', u.created_at, 'last_sign_in_at', u.last_sign_in_at,
    'metadata', u.raw_user_meta_data
  )
  from auth.users as u where u.id = login_of.user_id;
$$;
comment on function clinic.login_of is 'What Supabase Auth knows of a login, but for its secrets.';

create function clinic.deed_alone(value jsonb)
returns jsonb
language sql
immutable
set search_path = ''
as $$
  select jsonb_object_agg(c.key, c.value) from jsonb_each(value) as c
  where
    c.key in ('id', 'clinic_id', 'entity', 'entity_id', 'action', 'event', 'role', 'via', 'at', 'occurred_at', 'created_at')
    or c.key in ('actor', 'booked_by', 'held_by', 'invited_by', 'offered_to');
$$;
comment on function clinic.deed_alone is 'That somebody did something to the row, when and as what, without what the row says.';

create function clinic.export_me()
returns jsonb
language plpgsql
volatile
security definer -- collects what all tables know of the caller, and of those they act for
set search_path = ''
as $$
declare
  v_user_id uuid := clinic.required(clinic.require_user(), 'A user');
  v_patient_ids uuid [] := clinic.my_patients();
  v_visits uuid [] := array(select a.id from clinic.appointments as a where a.patient_id = any (v_patient_ids));
  -- What the staff note for each other, and what is of use to the system alone or repeats what is there.
  v_hidden constant text [] := '{staff_notes,search,code_hash,phone_hash,person_hash,request_hash,response,token_hash,address_hash,lease_id,xid,horizon,look_at}'::text [];
  v_all jsonb := clinic.me() || jsonb_build_object('exported_at', clock_timestamp(), 'login', clinic.login_of(v_user_id));
  v_table record;
  v_rows jsonb;
begin
  for v_table in
    select
      c.table_name,
      string_agg(c.is_theirs, ' or ' order by c.is_theirs) as names_them,
      -- Who did something for somebody else, as staff or as a guardian once, is not told of them.
      coalesce(string_agg(c.is_theirs, ' or ' order by c.is_theirs) filter (where c.is_about), 'false')
      || case c.table_name when 'slot_reservations' then ' or t.patient_id is null' else '' end as is_about_them
    from (
      select
        p.table_name, not p.of_user or p.column_name = 'user_id' as is_about,
        format('t.%I = any ($%s)', p.column_name, case when p.of_user then 1 when p.column_name = 'entity_id' then 4 else 2 end) as is_theirs
      from clinic.personal_columns() as p
    ) as c
    group by c.table_name
    order by c.table_name
  loop
    execute format(
      'select coalesce(jsonb_agg(
        case when %s then clinic.without(to_jsonb(t), $3) else clinic.deed_alone(to_jsonb(t)) end order by t::text
      ), ''[]'') from clinic.%I as t where %s',
      v_table.is_about_them, v_table.table_name, v_table.names_them
    ) into v_rows using array[v_user_id], v_patient_ids, v_hidden, v_patient_ids || v_visits;
    v_all := v_all || jsonb_build_object(v_table.table_name, v_rows);
  end loop;
  return v_all;
end
$$;
grant execute on function clinic.export_me to anon, authenticated, service_role;

create function api.export_me()
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.export_me();
end
$$;
comment on function api.export_me is
'All that Chairtime knows of you, and of those whose guardian you are: what me() returns, your login, and the rows of every table that name you, by table.
Without what the staff note for each other; of what you did for others, that you did it. Errors: not_authenticated.';
grant execute on function api.export_me to anon, authenticated, service_role;


-- Forgetting -----------------------------------------------------------------------------------------------------------

create table clinic.erasures (
  id bigint not null generated always as identity,
  clinic_id uuid not null,
  patient_id uuid not null,
  reason text not null,
  erased_by uuid,
  erased_at timestamptz not null default clock_timestamp(),
  constraint erasures_pkey primary key (id),
  constraint erasures_clinic_fkey foreign key (clinic_id) references clinic.clinics (id),
  constraint erasures_reason_is_short check (length(reason) between 1 and 1000 and clinic.is_text(reason))
);
comment on table clinic.erasures is 'That somebody was erased, when, why and by whom (null: by themselves, or by the retention). Never who it was.';
alter table clinic.erasures alter column reason set statistics 0;
create index erasures_clinic_idx on clinic.erasures (clinic_id, erased_at);
alter table clinic.erasures enable row level security;

create policy erasures_are_for_admins on clinic.erasures
  for select to authenticated
  using (clinic_id = any ((select clinic.my_clinics('{admin}'))::uuid []));
grant select on clinic.erasures to authenticated, service_role;

create function clinic.forget_in_log(ids uuid [], personal text [])
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
  perform set_config('chairtime.audit', 'forget', true);
  update clinic.audit_log as l
  set before = l.before - forget_in_log.personal, after = l.after - forget_in_log.personal
  where l.entity_id = any (forget_in_log.ids) and (l.before ?| forget_in_log.personal or l.after ?| forget_in_log.personal);
  perform set_config('chairtime.audit', '', true);
end
$$;
comment on function clinic.forget_in_log is 'Takes these columns'' values out of what the audit log says of these rows; that they were changed, it still says.';

create function clinic.records_of(patient_id uuid, clinic_id uuid)
returns uuid []
language sql
stable
set search_path = ''
as $$
  select coalesce(array_agg(p.id order by p.id), '{}') from clinic.patients as p
  where p.clinic_id = records_of.clinic_id and records_of.patient_id in (p.id, p.merged_into);
$$;
comment on function clinic.records_of is 'The patient''s record, and those that were merged into it.';

create function clinic.forget_replies(patient_ids uuid [], visits uuid [], clinic_id uuid)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_numbers text [] := array(
    select clinic.phone_key(p.phone) from clinic.patients as p
    where p.id = any (forget_replies.patient_ids) and p.clinic_id = forget_replies.clinic_id and p.phone is not null
  );
begin
  delete from clinic.reply_questions as q where q.appointment_ids && forget_replies.visits;
  delete from clinic.message_replies as r
  where
    r.clinic_id = forget_replies.clinic_id and (
      r.patient_id = any (forget_replies.patient_ids) or r.appointment_id = any (forget_replies.visits)
      or r.patient_id is null and clinic.phone_key(r.phone) = any (v_numbers)
    );
  delete from clinic.messages as m
  where m.clinic_id = forget_replies.clinic_id and m.patient_id is null and clinic.phone_key(m.address) = any (v_numbers);
end
$$;
comment on function clinic.forget_replies is 'Deletes what these patients texted, what they were asked and answered; they still say their numbers.';

create function clinic.forget_addresses(email text, phone text)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_hashes bytea [] := array_remove(array[clinic.address_hash('email', email), clinic.address_hash('sms', phone)], null);
begin
  update clinic.messages as m set address = null
  from clinic.message_links as l
  where l.address_hash = any (v_hashes) and m.id = l.message_id and m.address is not null;
  -- Answers and tests have no link.
  delete from clinic.messages as m
  using clinic.clinics as c
  where
    m.clinic_id = c.id and m.patient_id is null and m.address is not null
    and clinic.address_hash(m.channel, m.address) = any (v_hashes);
  delete from clinic.message_replies as r where clinic.address_hash('sms', r.phone) = any (v_hashes);
end
$$;
comment on function clinic.forget_addresses is 'Deletes from messages and replies, of whomever, to where and from where they went: it was the address of who is forgotten.';

create function clinic.erase_record(patient_id uuid, clinic_id uuid)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_ids uuid [] := clinic.records_of(erase_record.patient_id, erase_record.clinic_id);
  v_visits uuid [];
begin
  perform clinic.lock_visits(v_ids, erase_record.clinic_id);
  if
    cardinality(clinic.lock_rows(array[erase_record.patient_id], erase_record.clinic_id)) = 0
    or clinic.records_of(erase_record.patient_id, erase_record.clinic_id) <> v_ids
  then
    perform clinic.refuse('try_again', 'The record was merged or erased meanwhile.');
  end if;
  update clinic.waitlist as w set outcome = 'erased', ended_at = clock_timestamp()
  where w.patient_id = any (v_ids) and w.clinic_id = erase_record.clinic_id and w.outcome is null;
  perform clinic.end_holds(array(
    select r.id from clinic.slot_reservations as r
    where r.patient_id = any (v_ids) and r.clinic_id = erase_record.clinic_id and r.outcome is null
  ), 'released');
  update clinic.appointments as a
  set status = 'cancelled', cancelled_at = clock_timestamp()
  where
    a.patient_id = any (v_ids) and a.clinic_id = erase_record.clinic_id and a.status = 'booked' and a.starts_at > clock_timestamp();
  update clinic.appointments as a
  set notes = null, staff_notes = null, cancellation_reason = null
  where
    a.patient_id = any (v_ids) and a.clinic_id = erase_record.clinic_id
    and (a.notes is not null or a.staff_notes is not null or a.cancellation_reason is not null);
  delete from clinic.guardians as g where g.patient_id = any (v_ids) and g.clinic_id = erase_record.clinic_id;
  delete from clinic.invitations as i where i.patient_id = any (v_ids) and i.clinic_id = erase_record.clinic_id;
  delete from clinic.chatbot_patients as c where c.patient_id = any (v_ids) and c.clinic_id = erase_record.clinic_id;
  delete from clinic.chatbot_wishes as c using clinic.waitlist as w
  where c.waitlist_id = w.id and c.clinic_id = w.clinic_id and w.patient_id = any (v_ids) and w.clinic_id = erase_record.clinic_id;
  delete from clinic.recalls as r where r.patient_id = any (v_ids) and r.clinic_id = erase_record.clinic_id;
  delete from clinic.message_links as l where l.patient_id = any (v_ids) and l.clinic_id = erase_record.clinic_id;
  delete from clinic.slot_offers as o using clinic.slot_reservations as r
  where o.reservation_id = r.id and o.clinic_id = r.clinic_id and r.patient_id = any (v_ids) and r.clinic_id = erase_record.clinic_id;
  v_visits := array(select a.id from clinic.appointments as a where a.patient_id = any (v_ids) and a.clinic_id = erase_record.clinic_id);
  delete from clinic.idempotency_keys as k where k.response ->> 'patient_id' = any (v_ids::text []) or exists (
    select from jsonb_array_elements(case jsonb_typeof(k.response) when 'array' then k.response else '[]' end) as r (row)
    where r.row ->> 'patient_id' = any (v_ids::text [])
  );
  perform clinic.forget_replies(v_ids, v_visits, erase_record.clinic_id);
  update clinic.patients as p
  set
    full_name = 'Erased', phone = null, email = null, birth_date = null, staff_notes = null, user_id = null,
    locale = null, muted_channels = '{}',
    erased_at = coalesce(p.erased_at, clock_timestamp())
  where p.id = any (v_ids) and p.clinic_id = erase_record.clinic_id;
  -- The cancellation above has planned more.
  delete from clinic.messages as m where m.patient_id = any (v_ids) and m.clinic_id = erase_record.clinic_id;
  -- Last: what is forgotten is written down, too, when it changes.
  perform clinic.forget_in_log(v_ids, '{full_name,phone,email,birth_date,staff_notes,relation}');
  perform clinic.forget_in_log(v_visits, '{notes,staff_notes,cancellation_reason}');
end
$$;
comment on function clinic.erase_record is
'Makes a patient unrecognizable everywhere: visits ahead are cancelled, past ones stay without their notes. Errors: try_again.';

create function clinic.spoken(value text)
returns text
language sql
immutable
set search_path = ''
as $$
  select ' ' || regexp_replace(clinic.folded(value), '[^[:alnum:]]+', ' ', 'g') || ' ';
$$;
comment on function clinic.spoken is 'The text''s words, each between spaces.';

create function clinic.says_who(value text, patient_id uuid, clinic_id uuid)
returns boolean
language sql
stable
set search_path = ''
as $$
  select exists (
    select from clinic.patients as p
    cross join lateral regexp_split_to_table(p.search, ' +') as w (word)
    where
      p.id = any (clinic.records_of(says_who.patient_id, says_who.clinic_id)) and p.clinic_id = says_who.clinic_id
      and length(w.word) >= 3 and w.word <> 'patient' and (
        position(clinic.spoken(w.word) in clinic.spoken(says_who.value)) > 0
        or w.word ~ '^[0-9]{6,}$'
        and position(right(w.word, 9) in regexp_replace(clinic.plain_digits(says_who.value), '[^0-9]', '', 'g')) > 0
      )
  );
$$;
comment on function clinic.says_who is 'Whether the text has a word of the patient''s name, the phone number, the address or the birth date in it.';

create function clinic.erase_patient(patient_id uuid, reason text)
returns jsonb
language plpgsql
volatile
security definer -- erases a patient for an admin it has checked
set search_path = ''
as $$
declare
  v_patient clinic.patients := clinic.patient_of(erase_patient.patient_id, 'admin');
  v_reason text := clinic.required(clinic.clean_text(erase_patient.reason, 'reason', 1000), 'reason');
begin
  if clinic.says_who(v_reason, v_patient.id, v_patient.clinic_id) then
    perform clinic.refuse('invalid_argument', 'reason is kept and must not say who it was.', hint => 'Leave out name, contact and birth date.');
  end if;
  perform clinic.erase_record(v_patient.id, v_patient.clinic_id);
  insert into clinic.erasures (clinic_id, patient_id, reason, erased_by) values (v_patient.clinic_id, v_patient.id, v_reason, auth.uid());
  return jsonb_build_object('patient_id', v_patient.id, 'erased', true);
exception
  when lock_not_available or deadlock_detected then
    perform clinic.refuse('try_again');
    return null;
end
$$;
grant execute on function clinic.erase_patient to anon, authenticated, service_role;

create function api.erase_patient(patient_id uuid, reason text)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.erase_patient(patient_id, reason);
end
$$;
comment on function api.erase_patient is
'For admins: makes a patient unrecognizable, for good. Name, contact, birth date, notes and guardians go, the login is unlinked, visits ahead are
cancelled; past visits stay as numbers. The reason is kept and must not name anybody. Returns {patient_id, erased: true}.
Errors: not_authenticated, forbidden, not_found, invalid_argument, try_again.';
grant execute on function api.erase_patient to anon, authenticated, service_role;


-- A login that goes, by whatever path, takes its owner along -----------------------------------------------------------

create function clinic.forget_user()
returns trigger
language plpgsql
volatile
security definer -- whoever deletes a login, what it was everywhere is forgotten
set search_path = ''
as $$
declare
  v_own record;
begin
  -- All at once, and so in order, whatever clinics they are at.
  perform clinic.lock_calendars(variadic clinic.with_waiting(array(
    select t.id from clinic.slot_reservations as r
    cross join unnest(clinic.taken_resources(r.dentist_id, r.parts)) as t (id)
    where r.held_by = old.id and r.outcome is null
    union
    select t.id from clinic.patients as p
    cross join unnest(clinic.taken_ahead(array[p.id], p.clinic_id)) as t (id)
    where p.user_id = old.id
  )));
  perform clinic.end_holds(array(
    select r.id from clinic.slot_reservations as r where r.held_by = old.id and r.outcome is null
  ), 'released');
  for v_own in select p.id, p.clinic_id from clinic.patients as p where p.user_id = old.id order by p.id loop
    perform clinic.erase_record(v_own.id, v_own.clinic_id);
    insert into clinic.erasures (clinic_id, patient_id, reason) values (v_own.clinic_id, v_own.id, 'The login was deleted.');
  end loop;
  perform clinic.forget_addresses(coalesce(a.email, old.email), p.phone)
  from clinic.profiles as p cross join unnest(array[old.email, p.email]::text []) as a (email)
  where p.user_id = old.id;
  delete from clinic.idempotency_keys as k where k.user_id = old.id;
  delete from clinic.invitations as i
  where lower(i.email) = lower(old.email) or i.invited_by = old.id and i.role is not null and i.accepted_at is null;
  -- Auth keeps a log of its own, with addresses.
  if has_table_privilege(to_regclass('auth.audit_log_entries'), 'delete') then
    delete from auth.audit_log_entries as l where old.id::text in (l.payload ->> 'actor_id', l.payload #>> '{traits,user_id}');
  end if;
  return old;
end
$$;
comment on function clinic.forget_user is 'Erases the records of a login that is deleted, and what else the login left.';

create trigger forget_user before delete on auth.users
for each row execute function clinic.forget_user();

create function clinic.erase_me()
returns jsonb
language plpgsql
volatile
security definer -- deletes the caller's own login and no other
set search_path = ''
as $$
declare
  v_user_id uuid := clinic.required(clinic.require_user(), 'A user');
  v_clinic_id uuid;
begin
  for v_clinic_id in select s.clinic_id from clinic.staff as s where s.user_id = v_user_id order by s.clinic_id loop
    perform clinic.require_other_admin(v_clinic_id, v_user_id);
  end loop;
  delete from auth.users as u where u.id = v_user_id;
  return jsonb_build_object('user_id', v_user_id, 'erased', true);
exception
  when lock_not_available or deadlock_detected then
    perform clinic.refuse('try_again');
    return null;
end
$$;
grant execute on function clinic.erase_me to anon, authenticated, service_role;

create function api.erase_me()
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.erase_me();
end
$$;
comment on function api.erase_me is
'Deletes your login and makes you unrecognizable at every clinic, for good: as erase_patient does, your visits ahead are cancelled. Whom you are the guardian
of stays. Returns {user_id, erased: true}. Errors: not_authenticated, forbidden (a clinic''s last admin), try_again.';
grant execute on function api.erase_me to anon, authenticated, service_role;


-- Retention ------------------------------------------------------------------------------------------------------------

create function clinic.kept_from(retention interval)
returns timestamptz
language sql
stable
set search_path = ''
as $$
  select date_trunc('month', clock_timestamp() at time zone 'UTC' - kept_from.retention) at time zone 'UTC';
$$;
comment on function clinic.kept_from is 'Since when the audit log is kept, if it is for so long: it is forgotten by the month, UTC, once all of that is older.';

create function clinic.trim_audit_log(max_rows integer)
returns integer
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_trimmed integer;
begin
  perform set_config('chairtime.audit', 'forget', true);
  delete from clinic.audit_log as l
  using (
    select old.id, old.at
    from clinic.clinics as c
    cross join lateral (
      select l.id, l.at from clinic.audit_log as l
      where l.clinic_id = c.id and l.at < clinic.kept_from(c.audit_retention)
      order by l.at
      limit trim_audit_log.max_rows
    ) as old
    limit trim_audit_log.max_rows
  ) as old
  where l.id = old.id and l.at = old.at;
  get diagnostics v_trimmed = row_count;
  perform set_config('chairtime.audit', '', true);
  return v_trimmed;
end
$$;
comment on function clinic.trim_audit_log is
'Forgets what is older than the clinics'' audit_retention, at most so many rows: of clinics that keep it for less long than others. Returns how many.';

create function clinic.apply_retention(max_rows integer default 100)
returns integer
language plpgsql
volatile
security definer -- erases patients of any clinic: the worker's task, and nobody else may execute this
set search_path = ''
as $$
declare
  v_old record;
  v_erased integer := 0;
begin
  for v_old in
    select p.id, p.clinic_id, clock_timestamp() - c.patient_retention as since
    from clinic.patients as p
    inner join clinic.clinics as c on p.clinic_id = c.id
    where
      p.created_at < clock_timestamp() - c.patient_retention and p.erased_at is null and p.merged_into is null
      and not exists (
        select from clinic.appointments as a
        where a.patient_id = p.id and a.clinic_id = p.clinic_id and a.starts_at > clock_timestamp() - c.patient_retention
      )
    limit apply_retention.max_rows
  loop
    -- Who is booked for at this moment comes again.
    perform clinic.lock_visits(array[v_old.id], v_old.clinic_id);
    continue when exists (
      select from clinic.appointments as a
      where a.patient_id = v_old.id and a.clinic_id = v_old.clinic_id and a.starts_at > v_old.since
    );
    perform clinic.erase_record(v_old.id, v_old.clinic_id);
    insert into clinic.erasures (clinic_id, patient_id, reason) values (v_old.clinic_id, v_old.id, 'Nothing for longer than the clinic keeps records.');
    v_erased := v_erased + 1;
  end loop;
  delete from clinic.join_attempts as a where a.attempted_at < clock_timestamp() - interval '1 day';
  delete from clinic.invitations as i where i.expires_at < clock_timestamp() - interval '30 days';
  return least(v_erased + clinic.trim_audit_log(apply_retention.max_rows), apply_retention.max_rows);
end
$$;
comment on function clinic.apply_retention is
'Erases patients who had no visit for longer than their clinic''s patient_retention, and forgets what the audit log kept for its audit_retention.';
grant execute on function clinic.apply_retention to chairtime_worker;
