-- Occupancy: the ledger. Every claim on a resource's time is one row, and no two rows of a resource overlap.
--
-- Claims have the id of their cause: a live reservation, a booked appointment, a time off. A visit claims all its parts
-- or none. The causes' triggers make, move and free claims, and announce it. Nothing else writes here; what does anyway
-- is proved when its transaction commits.

-- One function says what a check would: every statement reads its table's checks anew, and a call is short.
create function clinic.is_sound_claim(during tstzrange, cause text, expires_at timestamptz, is_squeezed boolean)
returns boolean
language plpgsql
immutable
set search_path = ''
as $$
begin
  return
    lower_inc(during) and not upper_inc(during) and isfinite(lower(during)) and isfinite(upper(during))
    and case
      when expires_at is null then cause in ('appointment', 'time_off') else cause = 'hold' and not is_squeezed
    end;
end
$$;
comment on function clinic.is_sound_claim is
'Whether a claim has a beginning and an end, and a known cause: a hold, which nobody squeezes in, if and only if it expires.';

create table clinic.occupancy (
  id uuid not null,
  part smallint not null default 0,
  clinic_id uuid not null,
  resource_id uuid not null,
  cause text not null,
  during tstzrange not null,
  expires_at timestamptz,
  is_squeezed boolean not null default false,
  constraint occupancy_pkey primary key (id, part, clinic_id),
  constraint occupancy_resource_fkey foreign key (resource_id, clinic_id) references clinic.resources (id, clinic_id),
  constraint occupancy_is_sound check (clinic.is_sound_claim(during, cause, expires_at, is_squeezed)),
  -- What was squeezed in has an empty lane, which nothing overlaps. A constraint for the others alone would have an index
  -- that no query could use.
  constraint occupancy_no_overlap exclude using gist (
    resource_id with =, during with &&, int4range(0, case when is_squeezed then 0 else 1 end) with &&
  )
);
comment on table clinic.occupancy is
'The ledger: every claim on a resource''s time, buffers included. It names no patient. A hold is dead once expires_at has passed, swept or not.
A visit that staff squeezed in on purpose, or an absence entered over visits, may overlap others; everything else sees its time as taken.';
-- Of many rows a fifth is too many to wait for: who lists a day reads dead claims until they are gone.
alter table clinic.occupancy set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
create index occupancy_resource_idx on clinic.occupancy (resource_id, clinic_id);
create index occupancy_squeezed_idx on clinic.occupancy using gist (resource_id, during) where is_squeezed;
alter table clinic.occupancy enable row level security;

create policy occupancy_is_for_the_service on clinic.occupancy
  for select to service_role
  using (true);
grant select on clinic.occupancy to service_role;


-- Locks --------------------------------------------------------------------------------------------------------------
-- Order: the request's idempotency key, resources by id, then the patient. Whoever claims several resources locks all
-- that it might claim; who frees time for which somebody waits, all of the clinic's: it is handed over at once. Time is read from clock_timestamp() after the lock, for now() is as old as the wait was long.
-- Nobody waits long: who does not get a lock soon makes room for others and is told to try again.

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

create function clinic.calendar_key(resource_id uuid)
returns bigint
language plpgsql
immutable
set search_path = ''
as $$
begin
  return hashtextextended('chairtime:resource:' || resource_id, 0);
end
$$;
comment on function clinic.calendar_key is 'The key of the advisory lock on the resource''s calendar.';

create function clinic.lock_calendars(variadic resource_ids uuid [])
returns timestamptz
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_resource_id uuid;
begin
  -- As require_user does, for who comes by another path.
  if current_setting('idle_in_transaction_session_timeout') <> '30s' then
    perform set_config('lock_timeout', '2s', true), set_config('idle_in_transaction_session_timeout', '30s', true);
  end if;
  if cardinality(resource_ids) > 1 then
    resource_ids := array(select distinct r.id from unnest(lock_calendars.resource_ids) as r (id) order by r.id);
  end if;
  foreach v_resource_id in array resource_ids loop
    if not pg_try_advisory_xact_lock(clinic.calendar_key(v_resource_id)) then
      perform clinic.take_lock(clinic.calendar_key(v_resource_id));
    end if;
  end loop;
  return clock_timestamp();
end
$$;
comment on function clinic.lock_calendars is
'Waits for the resources'' calendars, in id order, until the transaction ends. Returns the time after the wait. Who frees time says with_waiting.
Errors: try_again, after two seconds.';

create function clinic.patient_key(patient_id uuid)
returns bigint
language plpgsql
immutable
set search_path = ''
as $$
begin
  return hashtextextended('chairtime:patient:' || patient_id, 0);
end
$$;
comment on function clinic.patient_key is 'The key of the advisory lock on the patient.';

create function clinic.lock_patient(patient_id uuid)
returns timestamptz
language plpgsql
volatile
set search_path = ''
as $$
begin
  if not pg_try_advisory_xact_lock(clinic.patient_key(lock_patient.patient_id)) then
    perform clinic.take_lock(clinic.patient_key(lock_patient.patient_id));
  end if;
  return clock_timestamp();
end
$$;
comment on function clinic.lock_patient is 'Waits for the patient; always after the resources. Returns the time after the wait. Errors: try_again.';


-- Claims -------------------------------------------------------------------------------------------------------------

create function clinic.require_unsqueezed(id uuid, clinic_id uuid, claims clinic.claim [])
returns void
language plpgsql
volatile
set search_path = ''
set plan_cache_mode = 'force_generic_plan' -- planning would cost more than running
as $$
declare
  v_claim clinic.claim;
begin
  -- One after another: joined, they would be looked up in the whole ledger. What is squeezed in has an index of its own.
  foreach v_claim in array claims loop
    if exists (
      select from clinic.occupancy as o
      where
        o.resource_id = v_claim.resource_id and o.during && v_claim.during and o.is_squeezed and o.id <> require_unsqueezed.id
        -- Where it lies over what the visit has already, the visit keeps that.
        and not exists (
          select from clinic.occupancy as own
          where
            own.id = require_unsqueezed.id and own.resource_id = v_claim.resource_id
            and own.during @> (v_claim.during * o.during)
        )
    ) then
      perform clinic.refuse('slot_taken', clinic_id => require_unsqueezed.clinic_id);
    end if;
  end loop;
end
$$;
comment on function clinic.require_unsqueezed is
'Passes claims over which nothing was squeezed in, but for what they have already: that is outside the constraint, but its time is taken, also for who is not judged. Errors: slot_taken.';

create function clinic.claim_time(
  id uuid,
  clinic_id uuid,
  cause text,
  claims clinic.claim [],
  expires_at timestamptz default null,
  is_squeezed boolean default false
)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_claimed integer;
begin
  for attempt in 1..2 loop
    -- On conflict: a plain insert into a contended exclusion constraint deadlocks.
    if cardinality(claims) = 1 then
      insert into clinic.occupancy (id, clinic_id, resource_id, cause, during, expires_at, is_squeezed)
      values (
        claim_time.id, claim_time.clinic_id, claims[1].resource_id, claim_time.cause, claims[1].during, claim_time.expires_at,
        claim_time.is_squeezed
      )
      on conflict do nothing;
    else
      insert into clinic.occupancy (id, part, clinic_id, resource_id, cause, during, expires_at, is_squeezed)
      select
        claim_time.id, c.part, claim_time.clinic_id, c.resource_id, claim_time.cause, c.during, claim_time.expires_at,
        claim_time.is_squeezed
      from unnest(claim_time.claims) as c
      on conflict do nothing;
    end if;
    get diagnostics v_claimed = row_count;
    if v_claimed = cardinality(claim_time.claims) then
      return;
    elsif v_claimed > 0 then
      -- All of it or nothing.
      perform clinic.free_time(claim_time.id, claim_time.cause);
    end if;
    perform clinic.expire_dead_holds(claim_time.claims, claim_time.id);
  end loop;
  perform clinic.refuse('slot_taken', clinic_id => claim_time.clinic_id);
end
$$;
comment on function clinic.claim_time is
'Claims time for a new cause, all of it, over dead holds if need be. Call it under the locks. Errors: slot_taken, try_again.';

create function clinic.move_claims(
  id uuid, clinic_id uuid, cause text, claims clinic.claim [], is_squeezed boolean default false
)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
  if not is_squeezed and cardinality(claims) = 1 then
    -- Mostly nothing is in the way, and nothing comes: all who claim wait for the same locks.
    update clinic.occupancy as o
    set resource_id = claims[1].resource_id, during = claims[1].during
    where
      o.id = move_claims.id and o.clinic_id = move_claims.clinic_id and o.part = claims[1].part
      and o.cause = move_claims.cause and not o.is_squeezed
      and not exists (
        select from clinic.occupancy as other
        where other.resource_id = claims[1].resource_id and other.during && claims[1].during and other.id <> move_claims.id
      )
      and not exists (
        select from clinic.occupancy as more
        where more.id = move_claims.id and more.clinic_id = move_claims.clinic_id and more.part <> claims[1].part
      );
    if found then
      return;
    end if;
  end if;
  if not is_squeezed then
    perform clinic.require_unsqueezed(move_claims.id, move_claims.clinic_id, move_claims.claims);
  end if;
  -- One statement each, in one transaction: nobody ever sees the time free between the two.
  delete from clinic.occupancy as o where o.id = move_claims.id and o.clinic_id = move_claims.clinic_id;
  perform clinic.claim_time(
    move_claims.id, move_claims.clinic_id, move_claims.cause, move_claims.claims, null, move_claims.is_squeezed
  );
end
$$;
comment on function clinic.move_claims is
'Gives what a visit or a time off claims another cause, time or resources: at no instant is the time free for others. Call it under the locks.
Errors: slot_taken, try_again.';

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
comment on function clinic.free_time is 'Removes the claims of this cause, if it has any.';
