-- Absences, and the ledger's proof: every claim has its cause, and every cause its claims.

create table clinic.closures (
  id uuid not null default gen_random_uuid(),
  clinic_id uuid not null,
  during tstzrange not null,
  reason text,
  created_at timestamptz not null default clock_timestamp(),
  constraint closures_pkey primary key (id, clinic_id),
  constraint closures_clinic_fkey foreign key (clinic_id) references clinic.clinics (id),
  constraint closures_are_bounded check (
    not isempty(during) and lower_inc(during) and not upper_inc(during)
    and isfinite(lower(during)) and isfinite(upper(during))
  ),
  constraint closures_reason_is_short check (length(reason) <= 1000)
);
comment on table clinic.closures is
'When a whole clinic is closed: no claim on anybody, for who works there may work elsewhere. It binds whoever works there then.';
alter table clinic.closures alter column reason set statistics 0;
create index closures_clinic_idx on clinic.closures (clinic_id, upper(during));
alter table clinic.closures enable row level security;

create policy closures_are_staffs on clinic.closures
  for select to authenticated
  using (clinic_id = any ((select clinic.my_clinics('{admin,receptionist,dentist}'))::uuid []));
grant select on clinic.closures to authenticated, service_role;

create view api.closures
with (security_invoker = true) as
  select
    c.id,
    c.clinic_id,
    lower(c.during) as starts_at,
    upper(c.during) as ends_at,
    c.reason
  from clinic.closures as c;
comment on view api.closures is 'When a whole clinic is closed, for its staff. remove_time_off with this id opens it again.';
grant select on api.closures to authenticated, service_role;

create function clinic.announce_closure()
returns trigger
language plpgsql
volatile
security definer -- whoever closes a clinic, everybody hears of it
set search_path = ''
as $$
begin
  perform clinic.record_events(
    d.clinic_id, d.id, row('hours_changed', true, true, null, 'dentists', d.id, '{}'::jsonb)::clinic.announcement
  )
  from clinic.dentists as d
  where d.clinic_id in (old.clinic_id, new.clinic_id) and d.is_active
  order by d.id;
  return null;
end
$$;
comment on function clinic.announce_closure is 'Says for each dentist of the clinic that the hours have changed. Call it under their locks.';

create trigger announce_closure after insert or update or delete on clinic.closures
for each row execute function clinic.announce_closure();

create table clinic.time_off (
  id uuid not null default gen_random_uuid(),
  clinic_id uuid not null,
  resource_id uuid not null,
  during tstzrange not null,
  reason text,
  is_squeezed boolean not null default false,
  created_at timestamptz not null default clock_timestamp(),
  constraint time_off_pkey primary key (id, clinic_id),
  constraint time_off_resource_fkey foreign key (resource_id, clinic_id) references clinic.resources (id, clinic_id),
  constraint time_off_is_bounded check (
    not isempty(during) and lower_inc(during) and not upper_inc(during)
    and isfinite(lower(during)) and isfinite(upper(during))
  ),
  constraint time_off_reason_is_short check (length(reason) <= 1000)
);
comment on table clinic.time_off is
'When a dentist is away, or a chair is out of order. Claims the calendar with the claim of the same id.';
comment on column clinic.time_off.is_squeezed is 'Entered over visits, which stay until staff move them; nothing else can be booked there.';
alter table clinic.time_off alter column reason set statistics 0;
create index time_off_resource_idx on clinic.time_off (resource_id, clinic_id);
create index time_off_clinic_idx on clinic.time_off (clinic_id);

create function clinic.lock_calendar()
returns trigger
language plpgsql
volatile
security definer -- whoever writes time off, by whatever path, waits in the same line
set search_path = ''
as $$
begin
  if tg_op = 'INSERT' then
    perform clinic.lock_calendars(new.resource_id);
  else
    perform clinic.lock_calendars(new.resource_id, old.resource_id);
  end if;
  return new;
end
$$;
comment on function clinic.lock_calendar is 'Locks the calendar that time off is about to claim.';

create trigger lock_calendar before insert on clinic.time_off
for each row execute function clinic.lock_calendar();
create trigger lock_moved_calendar before update on clinic.time_off
for each row when (old.during <> new.during or old.resource_id <> new.resource_id)
execute function clinic.lock_calendar();

create function clinic.tell_leaders(clinic_id uuid, id uuid, during tstzrange)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_dentist_ids uuid [] := array(
    select d.id from clinic.dentists as d
    where
      d.clinic_id = tell_leaders.clinic_id and d.is_active
      and exists (select from clinic.dentist_types as l where l.dentist_id = d.id and l.clinic_id = d.clinic_id)
    order by d.id
  );
begin
  -- The last one may just have stopped, or left.
  if v_dentist_ids = '{}' then
    v_dentist_ids := array(select d.id from clinic.dentists as d where d.clinic_id = tell_leaders.clinic_id order by d.id);
  end if;
  perform clinic.lock_calendars(variadic v_dentist_ids);
  perform clinic.record_events(
    tell_leaders.clinic_id, d.id, clinic.announce_slot('availability_changed', tell_leaders.id, tell_leaders.during)
  )
  from unnest(v_dentist_ids) as d (id);
end
$$;
comment on function clinic.tell_leaders is
'Says for each who leads visits at the clinic that there may be more or less time to offer now (during null: at any time), never why.';

create function clinic.tell_of_absence(event text, absence clinic.time_off, with_hours boolean default true)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
  if exists (select from clinic.dentists as d where d.id = absence.resource_id and d.clinic_id = absence.clinic_id) then
    perform clinic.record_events(
      absence.clinic_id, absence.resource_id,
      variadic array[clinic.announce_slot(event, absence.id, absence.during)] || case when with_hours then
        row('hours_changed', true, true, null, 'dentists', absence.resource_id, '{}'::jsonb)::clinic.announcement
      end
    );
    perform clinic.tell_participants(
      event, absence.id, absence.clinic_id, array[row(0, absence.resource_id, absence.during)::clinic.claim]
    );
  else
    perform clinic.tell_leaders(absence.clinic_id, absence.id, absence.during);
  end if;
end
$$;
comment on function clinic.tell_of_absence is 'Says that somebody''s time, or a chair''s, is taken or free, and that hours have changed.';

create function clinic.follow_time_off()
returns trigger
language plpgsql
volatile
security definer -- whoever edits time off, the ledger follows and everybody hears of it
set search_path = ''
as $$
declare
  v_claims clinic.claim [] := case when tg_op <> 'DELETE' then array[row(0, new.resource_id, new.during)::clinic.claim] end;
begin
  if tg_op = 'INSERT' then
    perform clinic.claim_time(new.id, new.clinic_id, 'time_off', v_claims, null, new.is_squeezed);
  elsif tg_op = 'UPDATE' then
    perform clinic.move_claims(new.id, new.clinic_id, 'time_off', v_claims, new.is_squeezed);
  else
    perform clinic.free_time(old.id, 'time_off');
  end if;
  if tg_op <> 'INSERT' then
    perform clinic.tell_of_absence('slot_freed', old, with_hours => old.resource_id is distinct from new.resource_id);
  end if;
  if tg_op <> 'DELETE' then
    perform clinic.tell_of_absence('slot_taken', new);
  end if;
  return null;
end
$$;
comment on function clinic.follow_time_off is
'Claims, moves or frees the time with the row, and tells everybody. Errors: slot_taken.';

create trigger follow_new_time_off after insert or delete on clinic.time_off
for each row execute function clinic.follow_time_off();
create trigger follow_moved_time_off after update on clinic.time_off
for each row when (old.during <> new.during or old.resource_id <> new.resource_id or old.is_squeezed <> new.is_squeezed)
execute function clinic.follow_time_off();

alter table clinic.time_off enable row level security;

create policy time_off_is_its_dentists_and_desks on clinic.time_off
  for select to authenticated
  using (
    (
      resource_id = any ((select clinic.my_dentists())::uuid [])
      and (resource_id, clinic_id) in (
        select
          c.dentist_id,
          c.clinic_id
        from clinic.my_calendars() as c
      )
      or clinic_id = any ((select clinic.my_clinics('{admin,receptionist}'))::uuid [])
    )
    and ((select 1) = 1 and (select 2) = 2 or id = clinic_id and (select 3) = 3)
  );
grant select on clinic.time_off to authenticated, service_role;

create view api.time_off
with (security_invoker = true) as
  select
    t.id,
    t.clinic_id,
    -- Not a join: writing to a view of two tables is a server error, to a view of one it is forbidden.
    (
      select d.id from clinic.dentists as d
      where d.id = t.resource_id and d.clinic_id = t.clinic_id
    ) as dentist_id,
    lower(t.during) as starts_at,
    upper(t.during) as ends_at,
    t.reason,
    t.resource_id,
    t.is_squeezed
  from clinic.time_off as t;
comment on view api.time_off is
'Time off: a dentist''s own, and for admins and receptionists their clinic''s. resource_id is the dentist, or the chair that is out of order
(dentist_id null). is_squeezed: entered over visits, which stay until staff move them.';
grant select on api.time_off to authenticated, service_role;


-- The proof ----------------------------------------------------------------------------------------------------------

create view clinic.due_claims
with (security_invoker = true) as
  select
    r.id,
    c.part,
    r.clinic_id,
    c.resource_id,
    'hold' as cause,
    c.during,
    clinic.claimed_until(r) as expires_at,
    false as is_squeezed
  from clinic.slot_reservations as r
  cross join unnest(clinic.claims(r)) as c
  where r.outcome is null
  union all
  select
    a.id,
    c.part,
    a.clinic_id,
    c.resource_id,
    'appointment' as cause,
    c.during,
    null as expires_at,
    a.is_squeezed
  from clinic.appointments as a
  cross join unnest(clinic.claims(a)) as c
  where a.status in ('booked', 'checked_in')
  union all
  select
    t.id,
    0 as part,
    t.clinic_id,
    t.resource_id,
    'time_off' as cause,
    t.during,
    null as expires_at,
    t.is_squeezed
  from clinic.time_off as t;
comment on view clinic.due_claims is 'The claims that the ledger ought to hold, by their causes.';

create function clinic.is_proved(id uuid)
returns boolean
language plpgsql
stable
set search_path = ''
as $$
begin
  return not exists (
    (
      select o.part, o.clinic_id, o.resource_id, o.cause, o.during, o.expires_at, o.is_squeezed
      from clinic.occupancy as o where o.id = is_proved.id
      except
      select d.part, d.clinic_id, d.resource_id, d.cause, d.during, d.expires_at, d.is_squeezed
      from clinic.due_claims as d where d.id = is_proved.id
    )
    union all
    (
      select d.part, d.clinic_id, d.resource_id, d.cause, d.during, d.expires_at, d.is_squeezed
      from clinic.due_claims as d where d.id = is_proved.id
      except
      select o.part, o.clinic_id, o.resource_id, o.cause, o.during, o.expires_at, o.is_squeezed
      from clinic.occupancy as o where o.id = is_proved.id
    )
  );
end
$$;
comment on function clinic.is_proved is 'Whether the ledger and the causes say the same of this id, part by part.';

create function clinic.prove_claim()
returns trigger
language plpgsql
volatile
security definer -- raw SQL by anybody is judged by all the causes
set search_path = ''
as $$
declare
  v_id uuid;
begin
  for v_id in select distinct i.id from (values (new.id), (old.id)) as i (id) where i.id is not null loop
    if not clinic.is_proved(v_id) then
      raise exception 'chairtime: the claim % does not match its cause', v_id
        using errcode = 'integrity_constraint_violation', hint = 'Change the appointment, reservation or time off instead.';
    end if;
  end loop;
  return null;
end
$$;
comment on function clinic.prove_claim is 'At commit, a changed claim must be exactly what its cause says.';

-- The causes' triggers write what their rows say, after they have been written. Whatever else does is proved.
create constraint trigger prove_claim after insert or update or delete on clinic.occupancy
deferrable initially deferred
for each row when (pg_trigger_depth() = 0) execute function clinic.prove_claim();

-- So is what those triggers do not follow: a hold is brought back by nobody, and confirmed by its appointment alone.
create constraint trigger prove_revived_reservation after update on clinic.slot_reservations
deferrable initially deferred
for each row when (
  old.outcome is not null and new.outcome is null
  or old.outcome is null and new.outcome = 'confirmed' and pg_trigger_depth() = 0
) execute function clinic.prove_claim();
create constraint trigger prove_edited_reservation after update of
  id, clinic_id, dentist_id, starts_at, ends_at, buffer_before, buffer_after, leads_after, leads_for, parts, expires_at, waitlist_id
on clinic.slot_reservations
deferrable initially deferred
for each row execute function clinic.prove_claim();
create constraint trigger prove_edited_appointment after update of id, clinic_id on clinic.appointments
deferrable initially deferred
for each row execute function clinic.prove_claim();
create constraint trigger prove_edited_time_off after update of id, clinic_id on clinic.time_off
deferrable initially deferred
for each row execute function clinic.prove_claim();

create function clinic.refuse_truncate()
returns trigger
language plpgsql
volatile
set search_path = ''
as $$
begin
  raise exception 'chairtime: % cannot be truncated: claims, events and the audit log would not follow', tg_table_name
    using errcode = 'integrity_constraint_violation', hint = 'Delete its rows instead.';
end
$$;
comment on function clinic.refuse_truncate is 'Truncating passes by row triggers, and so by the ledger and the audit log.';

create trigger refuse_truncate before truncate on clinic.occupancy
for each statement execute function clinic.refuse_truncate();
create trigger refuse_truncate before truncate on clinic.slot_reservations
for each statement execute function clinic.refuse_truncate();
create trigger refuse_truncate before truncate on clinic.appointments
for each statement execute function clinic.refuse_truncate();
create trigger refuse_truncate before truncate on clinic.time_off
for each statement execute function clinic.refuse_truncate();

create function clinic.check_invariants(ids uuid [] default null)
returns table (violation text, entity_id uuid, details jsonb)
language plpgsql
stable
security definer -- the worker proves what it may not read; ids and times are all it is shown
set search_path = ''
set plan_cache_mode = 'force_custom_plan' -- few are looked up by index, all are not
as $$
begin
  return query
    select 'claim_without_cause', o.id, to_jsonb(o)
    from clinic.occupancy as o
    left join clinic.due_claims as d
      on o.id = d.id and o.part = d.part and o.clinic_id = d.clinic_id and o.resource_id = d.resource_id and o.cause = d.cause
      and o.during = d.during and o.expires_at is not distinct from d.expires_at and o.is_squeezed = d.is_squeezed
      and (check_invariants.ids is null or d.id = any (check_invariants.ids))
    where (check_invariants.ids is null or o.id = any (check_invariants.ids)) and d.id is null
    union all
    select 'cause_without_claim', d.id, to_jsonb(d)
    from clinic.due_claims as d
    left join clinic.occupancy as o
      on d.id = o.id and d.part = o.part and d.clinic_id = o.clinic_id and d.cause = o.cause
      and (check_invariants.ids is null or o.id = any (check_invariants.ids))
    where (check_invariants.ids is null or d.id = any (check_invariants.ids)) and o.id is null
    union all
    select
      'double_booking', o.id,
      jsonb_build_object('resource_id', o.resource_id, 'during', o.during, 'previous_end', previous.ends_at)
    from clinic.occupancy as o
    cross join lateral (
      select max(upper(l.during)) as ends_at from clinic.occupancy as l
      where l.resource_id = o.resource_id and l.during && o.during and not l.is_squeezed
        and (lower(l.during), l.id, l.part, l.clinic_id) < (lower(o.during), o.id, o.part, o.clinic_id)
    ) as previous
    where
      (check_invariants.ids is null or o.id = any (check_invariants.ids))
      and not o.is_squeezed and previous.ends_at is not null
    union all
    select 'patient_in_two_chairs', a.id, jsonb_build_object('patient_id', a.patient_id, 'starts_at', a.starts_at)
    from clinic.appointments as a
    where (check_invariants.ids is null or a.id = any (check_invariants.ids))
      and a.status in ('booked', 'checked_in')
      and exists (
        select from clinic.appointments as b
        where b.patient_id = a.patient_id and b.status in ('booked', 'checked_in')
          and tstzrange(b.starts_at, b.ends_at) && tstzrange(a.starts_at, a.ends_at)
          and (b.starts_at, b.id, b.clinic_id) < (a.starts_at, a.id, a.clinic_id)
      )
    union all
    select 'offer_without_wish', r.id, jsonb_build_object('waitlist_id', r.waitlist_id, 'starts_at', r.starts_at)
    from clinic.slot_reservations as r
    inner join clinic.waitlist as w on r.waitlist_id = w.id and r.clinic_id = w.clinic_id
    where
      (check_invariants.ids is null or r.id = any (check_invariants.ids))
      and r.outcome is null
      -- Of somebody who waits no more, for somebody else, or for what they do not want.
      and (
        w.outcome is not null or w.patient_id is distinct from r.patient_id or w.appointment_type_id <> r.appointment_type_id
        or w.dentist_ids is not null and r.dentist_id <> all (w.dentist_ids)
      );
end
$$;
comment on function clinic.check_invariants is
'Everything that must never be, as rows (none): {violation, entity_id, details}. The live proof of no double booking, but for what staff
squeezed in. With ids, only what is
wrong with the claims and causes of these ids; of two that overlap, the later one is wrong.';
grant execute on function clinic.check_invariants to service_role, chairtime_worker;
