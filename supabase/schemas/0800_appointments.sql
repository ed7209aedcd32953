-- Appointments: what is booked, and what became of it.

-- One function says what a check would: every statement reads its table's checks anew, and a call is short.
create function clinic.is_sound_appointment(
  starts_at timestamptz, ends_at timestamptz, buffer_before interval, buffer_after interval, assigned text, status text, source text,
  cancelled_at timestamptz, cancellation_reason text, notes text, staff_notes text
)
returns boolean
language plpgsql
immutable
set search_path = ''
as $$
begin
  return
    starts_at < ends_at and least(buffer_before, buffer_after) >= '0'
    and assigned = any ('{named,any}')
    and status = any ('{booked,checked_in,fulfilled,cancelled,no_show}')
    and source = any ('{online,desk,chatbot,service}')
    and case status
      when 'cancelled' then cancelled_at is not null else cancelled_at is null and cancellation_reason is null
    end
    and length(notes) <= 4000 and length(staff_notes) <= 4000 and length(cancellation_reason) <= 1000;
end
$$;
comment on function clinic.is_sound_appointment is
'Whether an appointment takes time, its words are known ones, it has a time of cancellation if and only if it is cancelled, and its texts are short. As
in a check, null is not false.';

create table clinic.appointments (
  id uuid not null default gen_random_uuid(),
  clinic_id uuid not null,
  dentist_id uuid not null,
  patient_id uuid not null,
  appointment_type_id uuid not null,
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  buffer_before interval not null,
  buffer_after interval not null,
  leads_after interval not null default '0',
  leads_for interval,
  parts clinic.visit_part [] not null,
  assigned text not null default 'named',
  is_squeezed boolean not null default false,
  status text not null default 'booked',
  notes text,
  staff_notes text,
  version integer not null default 1,
  booked_by uuid,
  source text not null,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  cancelled_at timestamptz,
  cancellation_reason text,
  confirmed_at timestamptz,
  series_id uuid,
  constraint appointments_pkey primary key (id, clinic_id),
  constraint appointments_dentist_fkey foreign key (dentist_id, clinic_id) references clinic.dentists (id, clinic_id),
  constraint appointments_patient_fkey foreign key (patient_id, clinic_id) references clinic.patients (id, clinic_id),
  constraint appointments_type_fkey foreign key (appointment_type_id, clinic_id)
  references clinic.appointment_types (id, clinic_id),
  constraint appointments_booked_by_fkey foreign key (booked_by) references auth.users (id) on delete set null,
  constraint appointments_are_sound check (
    clinic.is_sound_appointment(
      starts_at, ends_at, buffer_before, buffer_after, assigned, status, source, cancelled_at, cancellation_reason, notes, staff_notes
    )
  ),
  -- One patient is not in two chairs. Deferrable, for two visits of one patient that change places.
  constraint appointments_patient_no_overlap exclude using gist (
    patient_id with =, tstzrange(starts_at, ends_at) with &&
  ) where (status in ('booked', 'checked_in')) deferrable
);
comment on table clinic.appointments is
'What is booked. Duration, buffers and parts are fixed at booking. Only booked and checked_in claim calendars, with the claims of the same id.';
comment on column clinic.appointments.parts is 'What the visit takes beside its leader. Who does not say gets what the type needs.';
comment on column clinic.appointments.notes is 'What patient and staff both read.';
comment on column clinic.appointments.staff_notes is 'What the staff note for each other: no patient ever reads it.';
comment on column clinic.appointments.assigned is 'How its leader was chosen: named by who booked, or any who was free.';
comment on column clinic.appointments.confirmed_at is 'When somebody said that the patient will come, to the start it has now.';
comment on column clinic.appointments.series_id is 'What was booked as one series has one of these.';
comment on column clinic.appointments.is_squeezed is 'Put on top of others on purpose, by staff.';
-- Of many rows a fifth is too many to wait for: each visit changes some times, and its indexes with it.
alter table clinic.appointments set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
alter table clinic.appointments
alter column notes set statistics 0,
alter column staff_notes set statistics 0,
alter column cancellation_reason set statistics 0;
create index appointments_dentist_idx on clinic.appointments (dentist_id, clinic_id, starts_at);
create index appointments_last_booked_idx on clinic.appointments (dentist_id, clinic_id, created_at);
create index appointments_patient_idx on clinic.appointments (patient_id, clinic_id, starts_at);
create index appointments_type_idx on clinic.appointments (appointment_type_id, clinic_id);
create index appointments_booked_by_idx on clinic.appointments (booked_by);
create index appointments_clinic_idx on clinic.appointments (clinic_id, starts_at);
create index appointments_series_idx on clinic.appointments (series_id) where series_id is not null;


-- No path around the rules: triggers hold status, version and claim --------------------------------------------------

create function clinic.next_statuses(status text)
returns text []
language plpgsql
immutable
set search_path = ''
as $$
begin
  return case status
    when 'booked' then array['checked_in', 'no_show', 'cancelled']
    when 'checked_in' then array['fulfilled', 'booked', 'cancelled']
    -- What was set by mistake is taken back.
    when 'no_show' then array['checked_in', 'booked']
    when 'fulfilled' then array['checked_in']
    when 'cancelled' then array['booked']
    else '{}'
  end;
end
$$;
comment on function clinic.next_statuses is 'The transitions of an appointment''s status: which may follow this one.';

create function clinic.status_before(status text)
returns text
language sql
immutable
set search_path = ''
as $$
  select case
    when status = 'fulfilled' then 'checked_in'
    when status in ('checked_in', 'no_show', 'cancelled') then 'booked'
  end;
$$;
comment on function clinic.status_before is 'To what a status goes back when it was set by mistake; null for the first.';

create function clinic.status_opens_at(status text, starts_at timestamptz, time_zone text)
returns timestamptz
language plpgsql
immutable
set search_path = ''
as $$
begin
  return case
    when status in ('fulfilled', 'no_show') then starts_at
    when status = 'checked_in'
      then lower(clinic.day_span((starts_at at time zone status_opens_at.time_zone)::date, status_opens_at.time_zone))
  end;
end
$$;
comment on function clinic.status_opens_at is
'From when an appointment can have this status: checked_in from its day on, fulfilled and no_show from its start on, others (null) at any time.';

create function clinic.next_steps(status text, starts_at timestamptz, time_zone text)
returns jsonb
language plpgsql
immutable
set search_path = ''
as $$
begin
  return (
    select coalesce(jsonb_agg(jsonb_build_object(
      'status', n.status,
      'from', clinic.status_opens_at(n.status, next_steps.starts_at, next_steps.time_zone),
      'takes_back', n.status is not distinct from clinic.status_before(next_steps.status)
    ) order by n.number), '[]')
    from unnest(clinic.next_statuses(next_steps.status)) with ordinality as n (status, number)
  );
end
$$;
comment on function clinic.next_steps is
'What staff may make of an appointment with this status next: [{status, from (null: at any time), takes_back: it undoes the last step}].';

create function clinic.changeable_until(
  status text, starts_at timestamptz, created_at timestamptz, cancellation_notice interval, cancel_grace interval
)
returns timestamptz
language plpgsql
immutable
set search_path = ''
as $$
begin
  return case when status in ('booked', 'checked_in') then greatest(
    clinic.later(starts_at, - cancellation_notice),
    -- Who has just booked may think again.
    least(clinic.later(created_at, cancel_grace), starts_at)
  ) end;
end
$$;
comment on function clinic.changeable_until is
'Patients change an appointment no later than the clinic''s cancellation_notice before it, or soon after they booked it (cancel_grace); null
when it is over.';
grant execute on function clinic.changeable_until to anon, authenticated, service_role;

create function clinic.require_transition(status text, next text)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
  if status <> next and next <> all (clinic.next_statuses(status)) then
    perform clinic.refuse('invalid_transition', format('An appointment that is %s cannot become %s.', status, next));
  end if;
end
$$;
comment on function clinic.require_transition is 'Passes a permitted transition, and none at all; otherwise invalid_transition.';

create function clinic.guard_appointment()
returns trigger
language plpgsql
volatile
set search_path = ''
as $$
begin
  if new.status <> old.status then
    perform clinic.require_transition(old.status, new.status);
  end if;
  if new.starts_at <> old.starts_at or new.status = 'cancelled' then
    new.confirmed_at := null; -- it was said of another time
  end if;
  if new is distinct from old then
    new.version := old.version + 1;
    new.updated_at := clock_timestamp();
  end if;
  return new;
end
$$;
comment on function clinic.guard_appointment is
'Every update is a permitted transition and a new version; what moves or is cancelled is not confirmed any more.';

create trigger guard_appointment before update on clinic.appointments
for each row execute function clinic.guard_appointment();

create function clinic.claimed(appointment clinic.appointments)
returns tstzrange
language plpgsql
immutable
set search_path = ''
as $$
begin
  return case
    when appointment.status not in ('booked', 'checked_in') then null
    when appointment.leads_after = '0' and appointment.leads_for is null
      then tstzrange(appointment.starts_at - appointment.buffer_before, appointment.ends_at + appointment.buffer_after)
    else clinic.leader_claim(
      appointment.starts_at, appointment.ends_at, appointment.buffer_before, appointment.buffer_after,
      appointment.leads_after, appointment.leads_for
    )
  end;
end
$$;
comment on function clinic.claimed(clinic.appointments) is
'The time an appointment claims of its leader''s calendar, buffers included; null when its status claims none.';

create function clinic.claims(appointment clinic.appointments)
returns clinic.claim []
language plpgsql
immutable
set search_path = ''
as $$
declare
  v_claim tstzrange := clinic.claimed(appointment);
begin
  if v_claim is not null and appointment.parts = '{}' then
    return array[row(0, appointment.dentist_id, v_claim)::clinic.claim];
  end if;
  return clinic.visit_claims(
    appointment.dentist_id, v_claim, appointment.parts,
    appointment.starts_at, appointment.ends_at, appointment.buffer_before, appointment.buffer_after
  );
end
$$;
comment on function clinic.claims(clinic.appointments) is 'All that an appointment claims; nothing when its status claims nothing.';


-- Events -------------------------------------------------------------------------------------------------------------

create function clinic.lock_row(before clinic.appointments)
returns clinic.appointments
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_now clinic.appointments;
begin
  -- The row is free but for who edits it without its calendar. Only who has to wait pays for a handler.
  select * into v_now from clinic.appointments as a where a.id = before.id for update skip locked;
  if not found then
    begin
      select * into v_now from clinic.appointments as a where a.id = before.id for update;
    exception
      when lock_not_available or deadlock_detected then
        perform clinic.refuse('try_again');
    end;
  end if;
  -- It moved to another calendar while we waited for these.
  if (v_now.dentist_id, v_now.parts) is distinct from (before.dentist_id, before.parts) then
    perform clinic.refuse('stale_version');
  end if;
  return v_now;
end
$$;
comment on function clinic.lock_row is
'The appointment as it is now, its row locked. Call it under the locks of the calendars that it is in. Errors: stale_version, try_again.';

create function clinic.lock_appointment(before clinic.appointments)
returns clinic.appointments
language plpgsql
volatile
set search_path = ''
as $$
begin
  perform clinic.lock_calendars(variadic clinic.with_waiting(clinic.taken_resources(before.dentist_id, before.parts)));
  return clinic.lock_row(before);
end
$$;
comment on function clinic.lock_appointment is
'The appointment as it is now, the calendars that it is in and its row locked. Errors: stale_version, try_again.';

create function clinic.announce_appointment(event text, appointment clinic.appointments)
returns clinic.announcement []
language plpgsql
stable
set search_path = ''
as $$
begin
  return clinic.for_listeners(row(
    announce_appointment.event, false, true, null, 'appointments', appointment.id,
    jsonb_build_object(
      'appointment_id', appointment.id, 'appointment_type_id', appointment.appointment_type_id,
      'patient_id', appointment.patient_id, 'starts_at', appointment.starts_at, 'ends_at', appointment.ends_at,
      'status', appointment.status, 'version', appointment.version
    )
  )::clinic.announcement, clinic.listeners(appointment.patient_id, appointment.clinic_id));
end
$$;
comment on function clinic.announce_appointment is 'What the patient, the guardians, the dentist and the clinic hear of an appointment.';

create function clinic.announce_move_away(moved clinic.announcement, dentist_id uuid)
returns clinic.announcement
language plpgsql
immutable
set search_path = ''
as $$
begin
  moved.payload := moved.payload || jsonb_build_object('moved_to_dentist_id', announce_move_away.dentist_id);
  moved.user_id := null;
  return moved;
end
$$;
comment on function clinic.announce_move_away is
'The same for the dentist who lost the appointment to another one; the patient hears of it only once.';

create function clinic.follow_new_appointment()
returns trigger
language plpgsql
volatile
security definer -- whoever books, everybody concerned hears of it
set search_path = ''
as $$
declare
  v_claims clinic.claim [] := clinic.claims(new);
  v_is_held boolean;
  v_is_elsewhere boolean;
  v_has_wishes boolean;
  v_has_rules boolean;
  v_told clinic.announcement [];
  v_taken clinic.announcement [];
begin
  -- One look at what mostly is not there.
  select
    exists (select from clinic.slot_reservations as r where r.id = new.id and r.clinic_id = new.clinic_id and r.outcome is null),
    exists (select from clinic.dentists as d where d.id = new.dentist_id and d.clinic_id <> new.clinic_id),
    exists (select from clinic.waitlist as w where w.patient_id = new.patient_id and w.clinic_id = new.clinic_id and w.outcome is null),
    exists (select from clinic.message_rules as r where r.clinic_id = new.clinic_id)
  into v_is_held, v_is_elsewhere, v_has_wishes, v_has_rules;
  v_told := clinic.announce_appointment('appointment_booked', new);
  if
    v_claims <> '{}'
    and not (v_is_held and clinic.take_over_hold(new.id, new.clinic_id, new.patient_id, v_claims, new.is_squeezed))
  then
    perform clinic.claim_time(new.id, new.clinic_id, 'appointment', v_claims, null, new.is_squeezed);
    v_taken := array[clinic.announce_slot('slot_taken', new.id, v_claims[1].during)];
    if cardinality(v_claims) > 1 then
      v_taken := v_taken || clinic.announce_rooms(new.id, variadic v_claims);
    end if;
  end if;
  perform clinic.record_events(new.clinic_id, new.dentist_id, variadic v_taken || v_told);
  if v_taken is not null and (v_is_elsewhere or cardinality(v_claims) > 1) then
    perform clinic.tell_participants('slot_taken', new.id, new.clinic_id, v_claims);
  end if;
  if (v_has_wishes or v_has_rules) and new.status = 'booked' and new.starts_at > clock_timestamp() then
    if v_has_wishes then
      perform clinic.end_fulfilled_wishes(new);
    end if;
    perform clinic.plan_messages(new, 'booked');
  elsif new.status = 'fulfilled' then
    perform clinic.follow_visit_recalls(new);
  end if;
  return null;
end
$$;
comment on function clinic.follow_new_appointment is
'Claims the time of a new appointment, or takes over that of its hold, announces both, plans what the patient is sent, and when they are due again. Errors: slot_taken, try_again.';

create function clinic.follow_appointment()
returns trigger
language plpgsql
volatile
security definer -- whoever changes an appointment, everybody concerned hears of it
set search_path = ''
as $$
declare
  v_before clinic.claim [];
  v_after clinic.claim [] := array[]::clinic.claim [];
  v_takes boolean := false;
  v_freed clinic.announcement [];
  v_taken clinic.announcement [];
  v_told clinic.announcement [];
  v_has_others boolean;
  v_is_waited_for boolean;
  v_has_messages boolean;
begin
  -- Asked here and not by the trigger, whose condition every statement would read anew.
  if tg_op = 'UPDATE' then
    if (
      old.status, old.dentist_id, old.starts_at, old.ends_at, old.buffer_before, old.buffer_after, old.leads_after,
      old.leads_for, old.parts, old.is_squeezed
    ) is not distinct from (
      new.status, new.dentist_id, new.starts_at, new.ends_at, new.buffer_before, new.buffer_after, new.leads_after,
      new.leads_for, new.parts, new.is_squeezed
    ) then
      return null;
    end if;
    v_after := clinic.claims(new);
  end if;
  v_before := clinic.claims(old);
  -- One look at what mostly is not there.
  select
    cardinality(v_before) > 1 or cardinality(v_after) > 1
    or exists (select from clinic.dentists as d where d.id in (old.dentist_id, new.dentist_id) and d.clinic_id <> old.clinic_id),
    exists (select from clinic.waitlist as w where w.moves_appointment_id = old.id and w.clinic_id = old.clinic_id and w.outcome is null),
    exists (select from clinic.message_rules as r where r.clinic_id = old.clinic_id) or exists (
      select from clinic.messages as m
      where m.clinic_id = old.clinic_id and m.patient_id = old.patient_id and m.appointment_id = old.id
    )
  into v_has_others, v_is_waited_for, v_has_messages;
  v_told := clinic.announce_appointment(case
    when tg_op = 'DELETE' or new.status = 'cancelled' and old.status <> 'cancelled' then 'appointment_cancelled'
    when new.status <> old.status then 'appointment_status_changed'
    else 'appointment_rescheduled'
  end, case when tg_op = 'DELETE' then old else new end);
  if v_after = '{}' then
    perform clinic.free_time(old.id, 'appointment');
  elsif v_before = '{}' then
    if not new.is_squeezed then
      perform clinic.require_unsqueezed(new.id, new.clinic_id, v_after);
    end if;
    perform clinic.claim_time(new.id, new.clinic_id, 'appointment', v_after, null, new.is_squeezed);
    v_takes := true;
  elsif v_before <> v_after or old.is_squeezed <> new.is_squeezed then
    perform clinic.move_claims(new.id, new.clinic_id, 'appointment', v_after, new.is_squeezed);
    v_takes := true;
  end if;
  if v_before <> '{}' and (v_takes or v_after = '{}') then
    v_freed := array[clinic.announce_slot('slot_freed', old.id, v_before[1].during)];
    if cardinality(v_before) > 1 then
      v_freed := v_freed || clinic.announce_rooms(old.id, variadic v_before);
    end if;
    if v_has_others then
      perform clinic.tell_participants('slot_freed', old.id, old.clinic_id, v_before);
    end if;
  end if;
  if v_takes then
    v_taken := array[clinic.announce_slot('slot_taken', new.id, v_after[1].during)];
    if cardinality(v_after) > 1 then
      v_taken := v_taken || clinic.announce_rooms(new.id, variadic v_after);
    end if;
  end if;
  if old.dentist_id <> new.dentist_id then
    perform clinic.record_events(
      old.clinic_id, old.dentist_id, variadic v_freed || clinic.announce_move_away(v_told[1], new.dentist_id)
    );
    v_freed := null;
  end if;
  perform clinic.record_events(
    old.clinic_id, case when tg_op = 'DELETE' then old.dentist_id else new.dentist_id end, variadic v_freed || v_taken || v_told
  );
  if v_takes and v_has_others then
    perform clinic.tell_participants('slot_taken', new.id, new.clinic_id, v_after);
  end if;
  if v_is_waited_for and tg_op = 'UPDATE' then
    perform clinic.follow_visit_wishes(old, new);
  end if;
  if v_has_messages then
    perform clinic.follow_visit_messages(old, new);
  end if;
  if 'fulfilled' in (old.status, new.status) then
    perform clinic.follow_visit_recalls(coalesce(new, old));
  end if;
  return null;
end
$$;
comment on function clinic.follow_appointment is
'Claims, moves or frees the time with every change of an appointment, announces both, plans what the patient is sent, and when they are due again. Errors: slot_taken, try_again.';

create trigger follow_new_appointment after insert on clinic.appointments
for each row execute function clinic.follow_new_appointment();
create trigger follow_changed_appointment after update of
  status, dentist_id, starts_at, ends_at, buffer_before, buffer_after, leads_after, leads_for, parts, is_squeezed
on clinic.appointments
for each row execute function clinic.follow_appointment();
create trigger follow_deleted_appointment after delete on clinic.appointments
for each row when (old.status in ('booked', 'checked_in')) execute function clinic.follow_appointment();


-- Rows ---------------------------------------------------------------------------------------------------------------

alter table clinic.appointments enable row level security;

create policy appointments_are_their_patients_dentists_and_desks on clinic.appointments
  for select to authenticated
  using (
    (
      patient_id = any ((select clinic.my_patients())::uuid [])
      or dentist_id = any ((select clinic.my_dentists())::uuid [])
      and (dentist_id, clinic_id) in (
        select
          c.dentist_id,
          c.clinic_id
        from clinic.my_calendars() as c
      )
      or clinic_id = any ((select clinic.my_clinics('{admin,receptionist}'))::uuid [])
      or (
        booked_by = (select auth.uid())
        and clinic_id = any ((select clinic.my_clinics('{chatbot}'))::uuid [])
      )
    )
    and ((select 1) = 1 and (select 2) = 2 or id = clinic_id and (select 3) = 3)
  );
-- Without staff_notes: its patient sees the row, too.
grant select (
  id, clinic_id, dentist_id, patient_id, appointment_type_id, starts_at, ends_at, buffer_before, buffer_after, leads_after, leads_for,
  parts, assigned, is_squeezed, status, notes, version, booked_by, source, created_at, updated_at, cancelled_at, cancellation_reason,
  confirmed_at, series_id
) on clinic.appointments to authenticated;
grant select on clinic.appointments to service_role;

create policy patients_are_themselves_their_dentists_and_desks on clinic.patients
  for select to authenticated
  using (
    (
      id = any ((select clinic.my_patients())::uuid [])
      or clinic_id = any ((select clinic.my_clinics('{admin,receptionist}'))::uuid [])
      -- Looked up for each of the clinic's patients: a dentist may have had more of them than an array should hold.
      or (
        clinic_id = any ((select clinic.my_clinics('{dentist}'))::uuid [])
        and exists (
          select from clinic.appointments as a
          where a.patient_id = patients.id and a.clinic_id = patients.clinic_id
            and a.dentist_id = any ((select clinic.my_dentists())::uuid [])
            and (a.dentist_id, a.clinic_id) in (
              select
                c.dentist_id,
                c.clinic_id
              from clinic.my_calendars() as c
            )
        )
      )
    )
    and ((select 1) = 1 and (select 2) = 2 or id = clinic_id and (select 3) = 3)
  );
-- Without staff_notes, and search, which is made for those who look: a patient sees the row, too.
grant select (id, clinic_id, user_id, full_name, phone, email, birth_date, merged_into, erased_at, locale, muted_channels, source, created_at)
on clinic.patients to authenticated;
grant select on clinic.patients to service_role;

create function clinic.visit_notes(appointment_id uuid, clinic_id uuid)
returns text
language plpgsql
stable
security definer -- the column is not the caller's to read: a patient sees the row, too
set search_path = ''
as $$
begin
  -- Mostly there are none.
  if not exists (
    select from clinic.appointments as a
    where a.id = visit_notes.appointment_id and a.clinic_id = visit_notes.clinic_id and a.staff_notes is not null
  ) then
    return null;
  end if;
  return (
    select a.staff_notes from clinic.appointments as a
    inner join clinic.patients as p on a.patient_id = p.id and a.clinic_id = p.clinic_id
    where
      a.id = visit_notes.appointment_id and a.clinic_id = visit_notes.clinic_id and a.staff_notes is not null
      and p.id <> all (clinic.my_patients())
      and clinic.sees_calendar(a.clinic_id, a.dentist_id)
  );
end
$$;
comment on function clinic.visit_notes is 'What the staff noted of a visit, for who sees its calendar; null for everybody else, and of one''s own and whom one acts for.';
grant execute on function clinic.visit_notes to authenticated, service_role;

create view api.appointments
with (security_invoker = true) as
  select
    a.id,
    a.clinic_id,
    a.dentist_id,
    a.patient_id,
    a.appointment_type_id,
    a.starts_at,
    a.ends_at,
    a.status,
    a.notes,
    a.version,
    a.source,
    a.created_at,
    a.updated_at,
    a.cancelled_at,
    a.cancellation_reason,
    a.assigned,
    a.is_squeezed,
    -- Not a join: writing to a view of two tables is a server error, to a view of one it is forbidden.
    (
      select clinic.changeable_until(a.status, a.starts_at, a.created_at, c.cancellation_notice, c.cancel_grace)
      from clinic.clinics as c
      where c.id = a.clinic_id
    ) as changeable_until,
    clinic.visit_notes(a.id, a.clinic_id) as staff_notes,
    a.confirmed_at,
    a.series_id
  from clinic.appointments as a;
comment on view api.appointments is
'Appointments: a patient''s own, a dentist''s own, a clinic''s for its admins and receptionists, and for a chatbot those it booked. Its patient may
move or cancel it until changeable_until (null: it is over). staff_notes are for staff; what was booked as one series has one series_id.';
grant select on api.appointments to authenticated, service_role;
