-- Appointments: what is booked, and what became of it.

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
  status text not null default 'booked',
  notes text,
  version integer not null default 1,
  booked_by uuid,
  source text not null,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  cancelled_at timestamptz,
  cancellation_reason text,
  constraint appointments_pkey primary key (id, clinic_id),
  constraint appointments_dentist_fkey foreign key (dentist_id, clinic_id) references clinic.dentists (id, clinic_id),
  constraint appointments_patient_fkey foreign key (patient_id, clinic_id) references clinic.patients (id, clinic_id),
  constraint appointments_type_fkey foreign key (appointment_type_id, clinic_id)
  references clinic.appointment_types (id, clinic_id),
  constraint appointments_booked_by_fkey foreign key (booked_by) references auth.users (id) on delete set null,
  constraint appointments_end_after_start check (starts_at < ends_at),
  constraint appointments_buffers_are_not_negative check (buffer_before >= '0' and buffer_after >= '0'),
  constraint appointments_status_is_known check (
    status in ('booked', 'checked_in', 'fulfilled', 'cancelled', 'no_show')
  ),
  constraint appointments_source_is_known check (source in ('online', 'desk', 'chatbot', 'service')),
  constraint appointments_cancelled_has_time check ((status = 'cancelled') = (cancelled_at is not null)),
  constraint appointments_reason_needs_cancellation check (cancellation_reason is null or status = 'cancelled'),
  constraint appointments_notes_are_short check (length(notes) <= 4000),
  constraint appointments_reason_is_short check (length(cancellation_reason) <= 1000),
  -- One patient is not in two chairs.
  constraint appointments_patient_no_overlap exclude using gist (
    patient_id with =, tstzrange(starts_at, ends_at) with &&
  ) where (status in ('booked', 'checked_in'))
);
comment on table clinic.appointments is
'What is booked. Duration and buffers are fixed at booking. Only booked and checked_in claim the calendar, with the claim of the same id.';
create index appointments_dentist_idx on clinic.appointments (dentist_id, clinic_id, starts_at);
create index appointments_patient_idx on clinic.appointments (patient_id, clinic_id, starts_at);
create index appointments_type_idx on clinic.appointments (appointment_type_id, clinic_id);
create index appointments_booked_by_idx on clinic.appointments (booked_by);
create index appointments_clinic_idx on clinic.appointments (clinic_id, starts_at);


-- No path around the rules: triggers hold status, version and claim --------------------------------------------------

create function clinic.may_become(status text, next text)
returns boolean
language sql
immutable
set search_path = ''
as $$
  select case status
    when 'booked' then next in ('checked_in', 'cancelled', 'no_show')
    when 'checked_in' then next in ('fulfilled', 'cancelled')
    else false
  end;
$$;
comment on function clinic.may_become is 'The transitions of an appointment''s status.';

create function clinic.guard_appointment()
returns trigger
language plpgsql
volatile
set search_path = ''
as $$
begin
  if new.status <> old.status and not clinic.may_become(old.status, new.status) then
    perform clinic.refuse('invalid_transition', format('An appointment that is %s cannot become %s.', old.status, new.status));
  end if;
  if new is distinct from old then
    new.version := old.version + 1;
    new.updated_at := clock_timestamp();
  end if;
  return new;
end
$$;
comment on function clinic.guard_appointment is 'Every update is a permitted transition and a new version.';

create trigger guard_appointment before update on clinic.appointments
for each row execute function clinic.guard_appointment();

create function clinic.claim_appointment()
returns trigger
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_claims boolean := new.status in ('booked', 'checked_in');
  v_during tstzrange := tstzrange(new.starts_at - new.buffer_before, new.ends_at + new.buffer_after);
begin
  if not v_claims then
    delete from clinic.occupancy as o where o.id = new.id and o.cause = 'appointment';
  elsif exists (select from clinic.occupancy as o where o.id = new.id) then
    -- The hold it comes from, or its own old time.
    perform clinic.lock_dentists(new.dentist_id, coalesce(old.dentist_id, new.dentist_id));
    perform clinic.expire_dead_holds(new.dentist_id, v_during, new.id);
    perform clinic.move_claim(new.id, new.dentist_id, 'appointment', v_during);
  else
    perform clinic.claim_time(new.id, new.clinic_id, new.dentist_id, 'appointment', v_during);
  end if;
  return new;
end
$$;
comment on function clinic.claim_appointment is
'Claims, moves or frees the appointment''s time with every change of its own. Errors: slot_taken.';

create trigger claim_new_appointment before insert on clinic.appointments
for each row execute function clinic.claim_appointment();
create trigger claim_moved_appointment before update on clinic.appointments
for each row when (
  old.status <> new.status or old.dentist_id <> new.dentist_id
  or old.starts_at <> new.starts_at or old.ends_at <> new.ends_at
  or old.buffer_before <> new.buffer_before or old.buffer_after <> new.buffer_after
) execute function clinic.claim_appointment();


-- Events -------------------------------------------------------------------------------------------------------------

create function clinic.announce_appointment(
  appointment clinic.appointments, event text, dentist_id uuid default null
)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
  perform clinic.record_event(
    event, 'appointments', appointment.id, appointment.clinic_id,
    coalesce(announce_appointment.dentist_id, appointment.dentist_id),
    jsonb_build_object(
      'appointment_id', appointment.id, 'appointment_type_id', appointment.appointment_type_id,
      'patient_id', appointment.patient_id, 'starts_at', appointment.starts_at, 'ends_at', appointment.ends_at,
      'status', appointment.status, 'version', appointment.version
    ) || case
      when announce_appointment.dentist_id is null then '{}'
      else jsonb_build_object('moved_to_dentist_id', appointment.dentist_id)
    end,
    case when announce_appointment.dentist_id is null then (
      select p.user_id from clinic.patients as p
      where p.id = appointment.patient_id and p.clinic_id = appointment.clinic_id
    ) end
  );
end
$$;
comment on function clinic.announce_appointment is
'Tells the patient, the dentist and the clinic; with a dentist_id, the dentist from whom the appointment was moved away.';

create function clinic.follow_appointment()
returns trigger
language plpgsql
volatile
security definer -- whoever changes an appointment, everybody concerned hears of it
set search_path = ''
as $$
begin
  if tg_op = 'INSERT' then
    perform clinic.announce_appointment(new, 'appointment_booked');
  elsif tg_op = 'DELETE' then
    delete from clinic.occupancy as o where o.id = old.id and o.cause = 'appointment';
    perform clinic.announce_appointment(old, 'appointment_cancelled');
  elsif new.status = 'cancelled' and old.status <> 'cancelled' then
    perform clinic.announce_appointment(new, 'appointment_cancelled');
  elsif new.status <> old.status then
    perform clinic.announce_appointment(new, 'appointment_status_changed');
  else
    perform clinic.announce_appointment(new, 'appointment_rescheduled');
    if new.dentist_id <> old.dentist_id then
      perform clinic.announce_appointment(new, 'appointment_rescheduled', old.dentist_id);
    end if;
  end if;
  return null;
end
$$;
comment on function clinic.follow_appointment is 'Announces every change of an appointment.';

create trigger follow_new_appointment after insert on clinic.appointments
for each row execute function clinic.follow_appointment();
create trigger follow_changed_appointment after update on clinic.appointments
for each row when (
  old.status <> new.status or old.dentist_id <> new.dentist_id
  or old.starts_at <> new.starts_at or old.ends_at <> new.ends_at
) execute function clinic.follow_appointment();
create trigger follow_deleted_appointment after delete on clinic.appointments
for each row when (old.status in ('booked', 'checked_in')) execute function clinic.follow_appointment();


-- Rows ---------------------------------------------------------------------------------------------------------------

alter table clinic.appointments enable row level security;

create policy appointments_are_their_patients_dentists_and_desks on clinic.appointments
  for select to authenticated
  using (
    patient_id = any ((select clinic.my_patients())::uuid [])
    or dentist_id = any ((select clinic.my_dentists())::uuid [])
    or clinic_id = any ((select clinic.my_clinics('{admin,receptionist}'))::uuid [])
    or (
      booked_by = (select auth.uid())
      and clinic_id = any ((select clinic.my_clinics('{chatbot}'))::uuid [])
    )
  );
grant select on clinic.appointments to authenticated, service_role;

create policy patients_are_themselves_their_dentists_and_desks on clinic.patients
  for select to authenticated
  using (
    user_id = (select auth.uid())
    or clinic_id = any ((select clinic.my_clinics('{admin,receptionist}'))::uuid [])
    or id in (
      select a.patient_id from clinic.appointments as a
      where a.dentist_id = any ((select clinic.my_dentists())::uuid [])
    )
  );
grant select on clinic.patients to authenticated, service_role;

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
    a.cancellation_reason
  from clinic.appointments as a;
comment on view api.appointments is
'Appointments: a patient''s own, a dentist''s own, a clinic''s for its admins and receptionists, and for a chatbot those it booked.';
grant select on api.appointments to authenticated, service_role;
