-- Audit: who changed what, when, as what and through which door. Written by triggers, so no path goes around it.

create sequence clinic.audit_log_id_seq;

create table clinic.audit_log (
  id bigint not null default nextval('clinic.audit_log_id_seq'),
  at timestamptz not null default clock_timestamp(),
  clinic_id uuid,
  entity text not null,
  entity_id uuid not null,
  action text not null,
  actor uuid,
  role text not null,
  via text not null,
  before jsonb,
  after jsonb,
  constraint audit_log_pkey primary key (id, at),
  constraint audit_log_action_is_known check (action in ('insert', 'update', 'delete'))
) partition by range (at);
comment on table clinic.audit_log is
'Every change of what a clinic answers for. Nobody edits it; the erasure of a person and the end of its retention take from it. Partitioned by UTC month.';
comment on column clinic.audit_log.entity is 'The table; entity_id is the row''s id, or that of what it belongs to.';
comment on column clinic.audit_log.role is 'As what: admin, dentist, receptionist, chatbot, patient, guest, service; worker or sql without a request.';
comment on column clinic.audit_log.via is 'Through which door: the function of the API, or the application''s name.';
comment on column clinic.audit_log.before is 'Of an update the columns that changed, as they were; of a deletion the row.';
comment on column clinic.audit_log.after is 'Of an update the columns that changed, as they are; of an insert what the row says.';
alter table clinic.audit_log
alter column entity set statistics 0,
alter column action set statistics 0,
alter column role set statistics 0,
alter column via set statistics 0,
alter column before set statistics 0,
alter column after set statistics 0;
create index audit_log_entity_idx on clinic.audit_log (entity_id, at);
create index audit_log_clinic_idx on clinic.audit_log (clinic_id, at);
alter table clinic.audit_log enable row level security;

create policy audit_log_is_for_admins on clinic.audit_log
  for select to authenticated
  using (
    clinic_id = any ((select clinic.my_clinics('{admin}'))::uuid [])
    and (select clinic.my_clinics('{admin}')) <> '{}' -- who is none looks at no partition
    and ((select 1) = 1 and (select 2) = 2 or entity_id = clinic_id and (select 3) = 3)
  );
grant select on clinic.audit_log to authenticated, service_role;

create table clinic.audit_log_default partition of clinic.audit_log default;
comment on table clinic.audit_log_default is 'Changes of months that have no partition: empty while the worker runs.';
alter table clinic.audit_log_default enable row level security;

create policy audit_log_is_for_the_service on clinic.audit_log_default
  for select to service_role
  using (true);

create function clinic.guard_audit_log()
returns trigger
language plpgsql
volatile
set search_path = ''
as $$
begin
  if current_setting('chairtime.audit', true) = 'forget' then
    return coalesce(new, old);
  end if;
  raise exception 'The audit log is not edited.' using errcode = 'insufficient_privilege';
end
$$;
comment on function clinic.guard_audit_log is 'Refuses to change what was written, but for erasure and retention, which say so in their transaction.';

create trigger guard_audit_log before update or delete on clinic.audit_log
for each row execute function clinic.guard_audit_log();
-- Always: also where a session replays changes with the other triggers off. Partitions made later inherit it.
alter table clinic.audit_log enable always trigger guard_audit_log;

create function clinic.refuse_truncating(table_name text)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
  execute format(
    'create or replace trigger refuse_truncate before truncate on clinic.%I for each statement execute function clinic.refuse_truncate()',
    table_name
  );
  execute format('alter table clinic.%I enable always trigger refuse_truncate', table_name);
end
$$;
comment on function clinic.refuse_truncating is 'Lets nobody empty the table at once, which no row trigger would see.';

select clinic.refuse_truncating(t.name) from unnest('{audit_log,audit_log_default}'::text []) as t (name);

create function clinic.create_audit_partitions(first_month date, last_month date)
returns integer
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_month date := date_trunc('month', first_month::timestamp)::date;
  v_name text;
  v_from timestamptz;
  v_until timestamptz;
  v_created integer := 0;
begin
  while v_month <= last_month loop
    v_name := to_char(v_month, '"audit_log_"YYYY_MM');
    v_from := v_month::timestamp at time zone 'UTC';
    v_month := (v_month + interval '1 month')::date;
    v_until := v_month::timestamp at time zone 'UTC';
    continue when to_regclass('clinic.' || v_name) is not null;
    perform set_config('chairtime.audit', 'forget', true);
    -- As an event's: written once, frozen by the first vacuum.
    execute format(
      'create table clinic.%I (like clinic.audit_log including defaults including constraints) with (autovacuum_freeze_min_age = 0)', v_name
    );
    execute format('comment on table clinic.%I is %L', v_name, 'Changes of this month, UTC.');
    execute format(
      'alter table clinic.%I alter entity set statistics 0, alter action set statistics 0, alter role set statistics 0,
        alter via set statistics 0, alter before set statistics 0, alter after set statistics 0', v_name
    );
    execute format('alter table clinic.%I enable row level security', v_name);
    perform clinic.refuse_truncating(v_name);
    execute format('create policy audit_log_is_for_the_service on clinic.%I for select to service_role using (true)', v_name);
    execute format(
      'with late as (delete from clinic.audit_log_default where at >= %L and at < %L returning *)
      insert into clinic.%I select * from late', v_from, v_until, v_name
    );
    perform set_config('chairtime.audit', '', true);
    -- Attaching, unlike creating in place, does not lock writers out of the table.
    execute format('alter table clinic.audit_log attach partition clinic.%I for values from (%L) to (%L)', v_name, v_from, v_until);
    v_created := v_created + 1;
  end loop;
  return v_created;
end
$$;
comment on function clinic.create_audit_partitions is
'Makes the missing partitions of these UTC months, moves in what fell into the default one, and returns how many it made.';

select clinic.create_audit_partitions((now() at time zone 'UTC')::date, ((now() at time zone 'UTC')::date + interval '2 months')::date);

create function clinic.door()
returns text
language plpgsql
stable
set search_path = ''
as $$
begin
  return coalesce(
    nullif(substring(current_setting('request.path', true) from '[^/]+$'), ''),
    nullif(current_setting('application_name'), ''),
    'sql'
  );
end
$$;
comment on function clinic.door is 'Through what the caller came: the last part of the request''s path, which is the function''s name, or the application''s name.';

create function clinic.audit_role(clinic_id uuid)
returns text
language plpgsql
stable
set search_path = ''
as $$
begin
  return coalesce(
    nullif(current_setting('chairtime.role', true), ''), -- a patient's, by a link or a text message
    clinic.my_role(audit_role.clinic_id),
    case
      when auth.uid() is null then case when 'chairtime_worker' in (session_user, current_setting('role', true)) then 'worker' else 'sql' end
      when clinic.is_guest() then 'guest'
      else 'patient'
    end
  );
end
$$;
comment on function clinic.audit_role is 'As what the caller acts in the clinic; see audit_log.role.';

create function clinic.changed(before jsonb, after jsonb)
returns jsonb
language sql
immutable
set search_path = ''
as $$
  select coalesce(jsonb_object_agg(a.key, a.value), '{}')
  from jsonb_each(changed.after) as a
  where a.value is distinct from changed.before -> a.key;
$$;
comment on function clinic.changed is 'What after says otherwise than before.';

create function clinic.audit()
returns trigger
language plpgsql
volatile
security definer -- the log is nobody's to write
set search_path = ''
as $$
declare
  -- What changes with everything or is made of other columns; and what is said of somebody who is nobody here yet.
  v_aside constant text [] := case tg_table_name
    when 'invitations' then '{email,code_hash,relation}' when 'patients' then '{search}' when 'appointments' then '{updated_at}' else '{}'
  end::text [];
  v_before jsonb := case when tg_op <> 'INSERT' then to_jsonb(old) - v_aside end;
  v_after jsonb := case when tg_op <> 'DELETE' then to_jsonb(new) - v_aside end;
  v_row constant jsonb := coalesce(v_after, v_before);
  v_clinic_id constant uuid := (v_row ->> case when tg_table_name = 'clinics' then 'id' else 'clinic_id' end)::uuid;
begin
  if tg_op = 'UPDATE' then
    if v_before = v_after then
      return null;
    end if;
    v_after := clinic.changed(v_before, v_after);
    v_before := (select jsonb_object_agg(k.key, v_before -> k.key) from jsonb_object_keys(v_after) as k (key));
  end if;
  insert into clinic.audit_log (clinic_id, entity, entity_id, action, actor, role, via, before, after)
  values (
    v_clinic_id, tg_table_name, (v_row ->> tg_argv[0])::uuid, lower(tg_op), auth.uid(), clinic.audit_role(v_clinic_id),
    clinic.door(), jsonb_strip_nulls(v_before), case when tg_op = 'INSERT' then jsonb_strip_nulls(v_after) else v_after end
  );
  return null;
end
$$;
comment on function clinic.audit is 'Writes down a change. Its argument is the column that says what changed.';

-- Always: also where a session replays changes with the other triggers off.
do $$
declare
  v_table text;
  v_column text;
begin
  for v_table, v_column in values
    ('appointments', 'id'), ('patients', 'id'), ('guardians', 'patient_id'), ('invitations', 'id'), ('staff', 'user_id'), ('dentists', 'id'),
    ('clinics', 'id'), ('appointment_types', 'id'), ('dentist_types', 'appointment_type_id'), ('type_parts', 'appointment_type_id'),
    ('resources', 'id'), ('working_hours', 'dentist_id'), ('extra_hours', 'dentist_id'), ('closures', 'id'), ('time_off', 'id'),
    ('message_rules', 'clinic_id'), ('message_templates', 'clinic_id'), ('waitlist', 'id'), ('recall_types', 'id')
  loop
    execute format(
      'create trigger audit after insert or update or delete on clinic.%I for each row execute function clinic.audit(%L)', v_table, v_column
    );
    execute format('alter table clinic.%I enable always trigger audit', v_table);
    perform clinic.refuse_truncating(v_table);
  end loop;
end
$$;

-- When somebody is due follows from visits, which are written down themselves. But what the desk says of it does not.
create trigger audit_by_hand after update of paused_until on clinic.recalls
for each row execute function clinic.audit('patient_id');
alter table clinic.recalls enable always trigger audit_by_hand;

create function clinic.says_of_caller(entity text, entity_id uuid, clinic_id uuid)
returns boolean
language plpgsql
stable
security definer -- called for what somebody reads in the log
set search_path = ''
as $$
begin
  return coalesce(case says_of_caller.entity
    when 'patients' then says_of_caller.entity_id
    when 'appointments' then (select a.patient_id from clinic.appointments as a where a.id = says_of_caller.entity_id)
  end = any (clinic.my_patients()), false);
end
$$;
comment on function clinic.says_of_caller is 'Whether a row of the log is of the record or a visit of the caller, or of whom they act for.';
grant execute on function clinic.says_of_caller to authenticated, service_role;

create view api.audit_log
with (security_invoker = true) as
  select
    l.id,
    l.at,
    l.clinic_id,
    l.entity,
    l.entity_id,
    l.action,
    l.actor,
    l.role,
    l.via,
    case
      when l.before ? 'staff_notes' and clinic.says_of_caller(l.entity, l.entity_id, l.clinic_id) then l.before - 'staff_notes' else l.before
    end as before,
    case
      when l.after ? 'staff_notes' and clinic.says_of_caller(l.entity, l.entity_id, l.clinic_id) then l.after - 'staff_notes' else l.after
    end as after
  from clinic.audit_log as l;
comment on view api.audit_log is
'Who changed what in a clinic, for its admins: entity is a table, before and after are the columns that changed; of oneself without staff_notes.';
grant select on api.audit_log to authenticated, service_role;


-- What became of an appointment ----------------------------------------------------------------------------------------

create function clinic.deed(entry clinic.audit_log)
returns text
language sql
immutable
set search_path = ''
as $$
  select case
    when entry.action = 'insert' then 'booked'
    when entry.action = 'delete' then 'deleted'
    when entry.after ->> 'status' = 'booked' then 'reopened'
    when entry.after ? 'status' then entry.after ->> 'status'
    when entry.after ?| '{starts_at,dentist_id}' then 'moved'
    when entry.after ? 'ends_at' then 'resized'
    when entry.after ? 'patient_id' then 'merged'
    when entry.after ? 'parts' then 'resource_changed'
    when entry.after ->> 'confirmed_at' is not null then 'confirmed'
    when entry.after ?| '{notes,staff_notes}' then 'notes_changed'
    else 'changed'
  end;
$$;
comment on function clinic.deed is
'What was done to an appointment: booked, moved, resized, resource_changed, notes_changed, merged, confirmed, cancelled, checked_in, fulfilled, no_show, reopened, changed,
deleted.';

create type api.history_entry as (
  at timestamptz,
  actor uuid,
  actor_name text,
  role text,
  via text,
  action text,
  changes jsonb
);
comment on type api.history_entry is
'What was done to an appointment. role: patient, guest, receptionist, dentist, admin, chatbot, service, worker, sql; action: see appointment_history;
changes: {column: [before, after]}.';

create function clinic.appointment_history(appointment_id uuid)
returns setof api.history_entry
language plpgsql
stable
security definer -- reads the log for staff it has checked
set search_path = ''
as $$
declare
  v_appointment clinic.appointments;
  v_is_own boolean;
begin
  select * into v_appointment from clinic.appointments as a
  where a.id = clinic.required(appointment_history.appointment_id, 'appointment_id');
  perform clinic.require_reader(v_appointment.clinic_id, 'admin', 'receptionist', 'dentist');
  if v_appointment.id is null or not clinic.sees_calendar(v_appointment.clinic_id, v_appointment.dentist_id) then
    perform clinic.refuse('not_found');
  end if;
  -- What was noted of a visit, nobody reads of their own.
  v_is_own := v_appointment.patient_id = any (clinic.my_patients());
  return query
    select
      l.at, l.actor, clinic.name_of(l.actor, l.clinic_id), l.role, l.via, clinic.deed(l),
      (
        select coalesce(jsonb_object_agg(k.key, jsonb_build_array(l.before -> k.key, l.after -> k.key)), '{}')
        from jsonb_object_keys(case when l.action = 'update' then l.after else '{}' end) as k (key)
        where k.key <> 'version' and (k.key <> 'staff_notes' or not v_is_own)
      )
    from clinic.audit_log as l
    where
      l.entity_id = v_appointment.id and l.entity = 'appointments' and l.clinic_id = v_appointment.clinic_id
      -- Before that there is nothing of it, and the log has a partition for each month.
      and l.at >= v_appointment.created_at - interval '1 day'
    order by l.at, l.id;
end
$$;
grant execute on function clinic.appointment_history to anon, authenticated, service_role;

create function api.appointment_history(appointment_id uuid)
returns setof api.history_entry
language plpgsql
stable
set search_path = ''
as $$
begin
  return query select h.* from clinic.appointment_history(appointment_id) as h;
end
$$;
comment on function api.appointment_history is
'For staff: who did what to an appointment, the oldest first. action: booked, moved, resized, resource_changed, notes_changed, merged, confirmed, cancelled,
checked_in, fulfilled, no_show, reopened, changed. Rows {at, actor, actor_name, role, via, action, changes: {column: [before, after]}}.
Errors: not_authenticated, forbidden, not_found, invalid_argument.';
grant execute on function api.appointment_history to anon, authenticated, service_role;
