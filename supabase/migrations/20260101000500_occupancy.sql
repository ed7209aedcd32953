-- Occupancy: the ledger. Every claim on a dentist's time is one row, and no two rows of a dentist overlap.
--
-- A claim has the id of its cause: a live reservation, a booked appointment, a time off. The causes' triggers make,
-- move and free claims, and announce it. Nothing else writes here; what does anyway is proved when its transaction commits.

create table clinic.occupancy (
  id uuid not null,
  clinic_id uuid not null,
  dentist_id uuid not null,
  cause text not null,
  during tstzrange not null,
  expires_at timestamptz,
  constraint occupancy_pkey primary key (id, clinic_id),
  constraint occupancy_dentist_fkey foreign key (dentist_id, clinic_id) references clinic.dentists (id, clinic_id),
  constraint occupancy_is_bounded check (
    not isempty(during) and lower_inc(during) and not upper_inc(during)
    and isfinite(lower(during)) and isfinite(upper(during))
  ),
  constraint occupancy_cause_is_known check (
    case when expires_at is null then cause in ('appointment', 'time_off') else cause = 'hold' end
  ),
  constraint occupancy_no_overlap exclude using gist (dentist_id with =, during with &&)
);
comment on table clinic.occupancy is
'The ledger: every claim on a dentist''s time, buffers included. It names no patient. A hold is dead once expires_at has passed, swept or not.';
create index occupancy_dentist_idx on clinic.occupancy (dentist_id, clinic_id);
create index occupancy_expires_at_idx on clinic.occupancy (expires_at) where expires_at is not null;
alter table clinic.occupancy enable row level security;

create policy occupancy_is_for_the_service on clinic.occupancy
  for select to service_role
  using (true);
grant select on clinic.occupancy to service_role;


-- Locks --------------------------------------------------------------------------------------------------------------
-- Order: dentists by id, then the patient. Time is read from clock_timestamp() after the lock, for now() is as old as
-- the wait was long. Nobody waits long: who does not get a lock soon makes room for others and is told to try again.

create function clinic.take_lock(key bigint)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
  -- Mostly it is free. Only who has to wait pays for a handler.
  if not pg_try_advisory_xact_lock(take_lock.key) then
    begin
      perform pg_advisory_xact_lock(take_lock.key);
    exception
      when lock_not_available or deadlock_detected then
        perform clinic.refuse('try_again');
    end;
  end if;
end
$$;
comment on function clinic.take_lock is
'Waits for an advisory lock until the transaction ends, at most as long as lock_timeout says. Errors: try_again.';

create function clinic.calendar_key(dentist_id uuid)
returns bigint
language plpgsql
immutable
set search_path = ''
as $$
begin
  return hashtextextended('chairtime:dentist:' || dentist_id, 0);
end
$$;
comment on function clinic.calendar_key is 'The key of the advisory lock on the dentist''s calendar.';

create function clinic.lock_dentists(variadic dentist_ids uuid [])
returns timestamptz
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_dentist_id uuid;
begin
  -- For all that this transaction will wait for. Whoever stops in the middle of it does not stop the others for long.
  perform set_config('lock_timeout', '2s', true), set_config('idle_in_transaction_session_timeout', '30s', true);
  if cardinality(dentist_ids) > 1 then
    dentist_ids := array(select distinct d.id from unnest(lock_dentists.dentist_ids) as d (id) order by d.id);
  end if;
  foreach v_dentist_id in array dentist_ids loop
    perform clinic.take_lock(clinic.calendar_key(v_dentist_id));
  end loop;
  return clock_timestamp();
end
$$;
comment on function clinic.lock_dentists is
'Waits for the dentists'' calendars, in id order, until the transaction ends. Returns the time after the wait.
Errors: try_again, after two seconds.';

create function clinic.lock_calendar()
returns trigger
language plpgsql
volatile
security definer -- whoever writes a cause, by whatever path, waits in the same line
set search_path = ''
as $$
begin
  if tg_op = 'INSERT' then
    perform clinic.lock_dentists(new.dentist_id);
  else
    perform clinic.lock_dentists(new.dentist_id, old.dentist_id);
  end if;
  return new;
end
$$;
comment on function clinic.lock_calendar is 'Locks the calendar that a cause is about to claim.';

create function clinic.lock_patient(patient_id uuid)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
  perform clinic.take_lock(hashtextextended('chairtime:patient:' || lock_patient.patient_id, 0));
end
$$;
comment on function clinic.lock_patient is 'Waits for the patient; always after the dentists.';


-- Claims -------------------------------------------------------------------------------------------------------------

create function clinic.claim_time(
  id uuid, clinic_id uuid, dentist_id uuid, cause text, during tstzrange, expires_at timestamptz default null
)
returns boolean
language plpgsql
volatile
set search_path = ''
as $$
begin
  for attempt in 1..2 loop
    -- On conflict: a plain insert into a contended exclusion constraint deadlocks.
    insert into clinic.occupancy (id, clinic_id, dentist_id, cause, during, expires_at)
    values (
      claim_time.id, claim_time.clinic_id, claim_time.dentist_id, claim_time.cause, claim_time.during,
      claim_time.expires_at
    )
    on conflict do nothing;
    if found then
      return true;
    elsif attempt = 1 and claim_time.cause = 'appointment' and clinic.confirm_hold(claim_time.id) then
      perform clinic.move_claim(claim_time.id, claim_time.dentist_id, claim_time.cause, claim_time.during);
      return false;
    end if;
    perform clinic.expire_dead_holds(claim_time.dentist_id, claim_time.during, claim_time.id);
  end loop;
  perform clinic.refuse('slot_taken', clinic_id => claim_time.clinic_id);
  return null;
end
$$;
comment on function clinic.claim_time is
'Claims a dentist''s time for a new cause, over dead holds if need be. true: it was free; false: it was the hold''s of the same id.
Call it under the lock. Errors: slot_taken.';

create function clinic.move_claim(id uuid, dentist_id uuid, cause text, during tstzrange)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
  perform clinic.expire_dead_holds(move_claim.dentist_id, move_claim.during, move_claim.id);
  update clinic.occupancy as o
  set dentist_id = move_claim.dentist_id, cause = move_claim.cause, during = move_claim.during, expires_at = null
  where o.id = move_claim.id;
  if not found then
    perform clinic.refuse('slot_taken');
  end if;
exception
  -- Its detail would show the other booking.
  when exclusion_violation then
    perform clinic.refuse('slot_taken');
end
$$;
comment on function clinic.move_claim is
'Gives an existing claim another cause, time or dentist, in place: at no instant is the time free. Call it under the lock.
Errors: slot_taken.';

create function clinic.free_time(id uuid, cause text)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
  delete from clinic.occupancy as o where o.id = free_time.id and o.cause = free_time.cause;
end
$$;
comment on function clinic.free_time is 'Removes the claim of this cause, if it has one.';
