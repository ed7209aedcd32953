-- Reservations: a slot held for a few minutes while somebody decides.
--
-- A live reservation claims the time; an ended one keeps its row for a while, so that confirming it late can still be
-- answered, and booked if the slot is free.

-- One function says what a check would: every statement reads its table's checks anew, and a call is short.
create function clinic.is_sound_reservation(
  starts_at timestamptz, ends_at timestamptz, assigned text, outcome text, ended_at timestamptz
)
returns boolean
language plpgsql
immutable
set search_path = ''
as $$
begin
  return
    starts_at < ends_at and assigned = any ('{named,any}') and (outcome is null) = (ended_at is null)
    and outcome = any ('{released,expired,confirmed}');
end
$$;
comment on function clinic.is_sound_reservation is
'Whether a reservation takes time, its words are known ones, and it has a time of its end if and only if it has ended. As in a check, null is not false.';

create table clinic.slot_reservations (
  id uuid not null default gen_random_uuid(),
  clinic_id uuid not null,
  dentist_id uuid not null,
  appointment_type_id uuid not null,
  patient_id uuid,
  held_by uuid,
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  buffer_before interval not null,
  buffer_after interval not null,
  leads_after interval not null default '0',
  leads_for interval,
  parts clinic.visit_part [] not null,
  assigned text not null default 'named',
  expires_at timestamptz not null,
  waitlist_id uuid,
  outcome text,
  ended_at timestamptz,
  created_at timestamptz not null default clock_timestamp(),
  constraint slot_reservations_pkey primary key (id, clinic_id),
  constraint slot_reservations_dentist_fkey foreign key (dentist_id, clinic_id) references clinic.dentists (id, clinic_id),
  constraint slot_reservations_type_fkey foreign key (appointment_type_id, clinic_id)
  references clinic.appointment_types (id, clinic_id),
  constraint slot_reservations_patient_fkey foreign key (patient_id, clinic_id) references clinic.patients (id, clinic_id),
  constraint slot_reservations_held_by_fkey foreign key (held_by) references auth.users (id) on delete set null,
  constraint slot_reservations_are_sound check (
    clinic.is_sound_reservation(starts_at, ends_at, assigned, outcome, ended_at)
  )
);
comment on table clinic.slot_reservations is
'Who holds what until when. Live while outcome is null and expires_at is ahead; id is also the claims'', and later the appointment''s.';
comment on column clinic.slot_reservations.waitlist_id is 'The wish that this is an offer to.';
comment on column clinic.slot_reservations.parts is 'What the visit takes beside its leader. Who does not say gets what the type needs.';
create index slot_reservations_dentist_idx on clinic.slot_reservations (dentist_id, clinic_id);
create index slot_reservations_type_idx on clinic.slot_reservations (appointment_type_id, clinic_id);
create index slot_reservations_patient_idx on clinic.slot_reservations (patient_id, clinic_id);
create index slot_reservations_held_by_idx on clinic.slot_reservations (held_by, created_at);
create index slot_reservations_clinic_idx on clinic.slot_reservations (clinic_id, created_at);
create index slot_reservations_live_idx on clinic.slot_reservations (expires_at) where outcome is null;
create index slot_reservations_ended_idx on clinic.slot_reservations (ended_at) where outcome is not null;


-- The claims follow the reservation ----------------------------------------------------------------------------------

create function clinic.claimed(reservation clinic.slot_reservations)
returns tstzrange
language plpgsql
immutable
set search_path = ''
as $$
begin
  if reservation.leads_after = '0' and reservation.leads_for is null then
    return tstzrange(reservation.starts_at - reservation.buffer_before, reservation.ends_at + reservation.buffer_after);
  end if;
  return clinic.leader_claim(
    reservation.starts_at, reservation.ends_at, reservation.buffer_before, reservation.buffer_after,
    reservation.leads_after, reservation.leads_for
  );
end
$$;
comment on function clinic.claimed(clinic.slot_reservations) is
'The time a reservation claims of its leader''s calendar while it is live, buffers included.';

create function clinic.claims(reservation clinic.slot_reservations)
returns clinic.claim []
language plpgsql
immutable
set search_path = ''
as $$
begin
  if reservation.parts = '{}' then
    return array[row(0, reservation.dentist_id, clinic.claimed(reservation))::clinic.claim];
  end if;
  return clinic.visit_claims(
    reservation.dentist_id, clinic.claimed(reservation), reservation.parts,
    reservation.starts_at, reservation.ends_at, reservation.buffer_before, reservation.buffer_after
  );
end
$$;
comment on function clinic.claims(clinic.slot_reservations) is 'All that a reservation claims while it is live.';

create function clinic.claimed_until(reservation clinic.slot_reservations)
returns timestamptz
language plpgsql
immutable
set search_path = ''
as $$
begin
  return case when reservation.waitlist_id is null then reservation.expires_at else reservation.expires_at + interval '1 minute' end;
end
$$;
comment on function clinic.claimed_until is
'Until when a reservation takes its time. An offer that ran out has a minute more, in which the worker passes it on before it is ever free.';

create function clinic.announce_reservation(reservation clinic.slot_reservations, event text, claims clinic.claim [])
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_event text := case when announce_reservation.event = 'reservation_created' then 'slot_taken' else 'slot_freed' end;
  v_listeners uuid [] := clinic.listeners(reservation.patient_id, reservation.clinic_id);
begin
  perform clinic.record_events(
    reservation.clinic_id, reservation.dentist_id,
    variadic array[
      clinic.announce_slot(v_event, reservation.id, claims[1].during),
      case when reservation.parts <> '{}' then clinic.announce_rooms(reservation.id, variadic claims) end
    ] || clinic.for_listeners(row(
      announce_reservation.event, false, true, null, 'slot_reservations', reservation.id,
      jsonb_build_object(
        'reservation_id', reservation.id, 'appointment_type_id', reservation.appointment_type_id,
        'patient_id', reservation.patient_id, 'starts_at', reservation.starts_at, 'ends_at', reservation.ends_at,
        'expires_at', reservation.expires_at
      )
    )::clinic.announcement, case when v_listeners = '{}' then array[reservation.held_by] else v_listeners end)
  );
  -- Mostly there is nobody else.
  if cardinality(claims) > 1 or exists (
    select from clinic.dentists as d where d.id = reservation.dentist_id and d.clinic_id <> reservation.clinic_id
  ) then
    perform clinic.tell_participants(v_event, reservation.id, reservation.clinic_id, claims);
  end if;
end
$$;
comment on function clinic.announce_reservation is
'Tells the patient and the guardians (or the holder), the dentist and the clinic; and everybody that the time is taken, or free.';

create function clinic.follow_reservation()
returns trigger
language plpgsql
volatile
security definer -- whoever makes or ends a reservation, its time is taken or freed and everybody hears of it
set search_path = ''
as $$
declare
  v_claims clinic.claim [];
begin
  if tg_op = 'INSERT' then
    v_claims := clinic.claims(new);
    perform clinic.claim_time(new.id, new.clinic_id, 'hold', v_claims, clinic.claimed_until(new));
    perform clinic.announce_reservation(new, 'reservation_created', v_claims);
  elsif tg_op = 'DELETE' then
    perform clinic.free_time(old.id, 'hold');
    perform clinic.announce_reservation(old, 'reservation_released', clinic.claims(old));
  elsif new.outcome <> 'confirmed' then
    perform clinic.free_time(new.id, 'hold');
    perform clinic.announce_reservation(new, 'reservation_' || new.outcome, clinic.claims(new));
  end if;
  return null;
end
$$;
comment on function clinic.follow_reservation is
'Claims the time of a new reservation, frees that of one which is released or expires, and announces it. A confirmed one''s claim is the
appointment''s by then. Errors: slot_taken.';

create trigger follow_new_reservation after insert on clinic.slot_reservations
for each row when (new.outcome is null) execute function clinic.follow_reservation();
create trigger follow_ended_reservation after update on clinic.slot_reservations
for each row when (old.outcome is null and new.outcome is not null) execute function clinic.follow_reservation();
create trigger follow_deleted_reservation after delete on clinic.slot_reservations
for each row when (old.outcome is null) execute function clinic.follow_reservation();

create function clinic.take_over_hold(id uuid, clinic_id uuid, patient_id uuid, claims clinic.claim [], is_squeezed boolean)
returns boolean
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_hold clinic.slot_reservations;
begin
  update clinic.slot_reservations as r
  set outcome = 'confirmed', ended_at = clock_timestamp(), patient_id = take_over_hold.patient_id
  where r.id = take_over_hold.id and r.clinic_id = take_over_hold.clinic_id and r.outcome is null
  returning r.* into v_hold;
  if not found then
    return false;
  elsif is_squeezed or clinic.claims(v_hold) <> claims then
    perform clinic.move_claims(take_over_hold.id, take_over_hold.clinic_id, 'appointment', claims, is_squeezed);
  else
    -- The same time of the same resources: nothing that an index knows of changes.
    update clinic.occupancy as o set cause = 'appointment', expires_at = null
    where o.id = take_over_hold.id and o.clinic_id = take_over_hold.clinic_id;
  end if;
  return true;
end
$$;
comment on function clinic.take_over_hold is
'Ends a hold as confirmed, and makes its claims those of the appointment of the same id, in place; false if there is none, or it has ended.
Call it under the locks. Errors: slot_taken.';

create function clinic.end_holds(ids uuid [], outcome text)
returns integer
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_key bigint;
  v_ended integer;
begin
  -- A visit's other resources may be somebody else's at this moment. To wait for them, out of order, could deadlock.
  for v_key in
    select clinic.calendar_key(t.id)
    from clinic.slot_reservations as r
    cross join unnest(clinic.taken_resources(r.dentist_id, r.parts)) as t (id)
    where r.id = any (end_holds.ids) and r.outcome is null
  loop
    if not pg_try_advisory_xact_lock(v_key) then
      perform clinic.refuse('try_again');
    end if;
  end loop;
  update clinic.slot_reservations as r
  set outcome = end_holds.outcome, ended_at = clock_timestamp()
  where r.id = any (end_holds.ids) and r.outcome is null;
  get diagnostics v_ended = row_count;
  return v_ended;
end
$$;
comment on function clinic.end_holds is
'Ends those of these holds that have not ended, and returns how many. Call it under the lock of a calendar that each of them is in.
Errors: try_again, where others of their calendars are in use.';

create function clinic.expire_dead_holds(claims clinic.claim [], except_id uuid default null)
returns integer
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_dead uuid [] := array(
    select distinct o.id
    from unnest(expire_dead_holds.claims) as c
    inner join clinic.occupancy as o on c.resource_id = o.resource_id and o.during && c.during
    where o.expires_at <= clock_timestamp() and o.id is distinct from expire_dead_holds.except_id
  );
begin
  return case when v_dead = '{}' then 0 else clinic.end_holds(v_dead, 'expired') end;
end
$$;
comment on function clinic.expire_dead_holds is
'Ends the holds that have run out on what these claims take, and returns how many. Call it under their locks. Errors: try_again.';


-- Rows ---------------------------------------------------------------------------------------------------------------

alter table clinic.slot_reservations enable row level security;

create policy reservations_are_their_holders_patients_and_desks on clinic.slot_reservations
  for select to authenticated
  using (
    (
      held_by = (select auth.uid())
      or patient_id = any ((select clinic.my_patients())::uuid [])
      or dentist_id = any ((select clinic.my_dentists())::uuid [])
      and (dentist_id, clinic_id) in (
        select
          c.dentist_id,
          c.clinic_id
        from clinic.my_calendars() as c
      )
      or clinic_id = any ((select clinic.my_clinics('{admin,receptionist}'))::uuid [])
    )
    and ((select 1) = 1 and (select 2) = 2 or id = clinic_id and (select 3) = 3)
  );
grant select on clinic.slot_reservations to authenticated, service_role;

create view api.slot_reservations
with (security_invoker = true) as
  select
    r.id,
    r.clinic_id,
    r.dentist_id,
    r.appointment_type_id,
    r.patient_id,
    r.starts_at,
    r.ends_at,
    r.expires_at,
    clock_timestamp() as server_now,
    r.waitlist_id
  from clinic.slot_reservations as r
  where r.outcome is null and r.expires_at > clock_timestamp();
comment on view api.slot_reservations is
'Live reservations: your own, and for staff those of their clinic or calendar. Count down from expires_at - server_now, not from your own clock.
with a waitlist_id it is an offer to who waits: confirm_reservation accepts it, release_reservation declines.';
grant select on api.slot_reservations to authenticated, service_role;
