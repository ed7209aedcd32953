-- Time off, and the ledger's proof: every claim has its cause, and every cause its claim.

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
'When a whole clinic is closed. Every dentist, active or not, has time off for it, and whoever is hired later gets it.';
alter table clinic.closures alter column reason set statistics 0;
create index closures_clinic_idx on clinic.closures (clinic_id);
alter table clinic.closures enable row level security;

create policy closures_are_staffs on clinic.closures
  for select to authenticated
  using (clinic_id = any ((select clinic.my_clinics('{admin,receptionist,dentist}'))::uuid []));
grant select on clinic.closures to authenticated, service_role;

create table clinic.time_off (
  id uuid not null default gen_random_uuid(),
  clinic_id uuid not null,
  dentist_id uuid not null,
  during tstzrange not null,
  reason text,
  closure_id uuid,
  created_at timestamptz not null default clock_timestamp(),
  constraint time_off_pkey primary key (id, clinic_id),
  constraint time_off_closure_fkey foreign key (closure_id, clinic_id)
  references clinic.closures (id, clinic_id) on delete cascade,
  constraint time_off_dentist_fkey foreign key (dentist_id, clinic_id) references clinic.dentists (id, clinic_id),
  constraint time_off_is_bounded check (
    not isempty(during) and lower_inc(during) and not upper_inc(during)
    and isfinite(lower(during)) and isfinite(upper(during))
  ),
  constraint time_off_reason_is_short check (length(reason) <= 1000)
);
comment on table clinic.time_off is 'When a dentist is away. Claims the calendar with the claim of the same id.';
alter table clinic.time_off alter column reason set statistics 0;
create index time_off_dentist_idx on clinic.time_off (dentist_id, clinic_id);
create index time_off_clinic_idx on clinic.time_off (clinic_id);
create index time_off_closure_idx on clinic.time_off (closure_id, clinic_id);

create trigger lock_calendar before insert on clinic.time_off
for each row execute function clinic.lock_calendar();
create trigger lock_moved_calendar before update on clinic.time_off
for each row when (old.during <> new.during or old.dentist_id <> new.dentist_id)
execute function clinic.lock_calendar();

create function clinic.follow_time_off()
returns trigger
language plpgsql
volatile
security definer -- whoever edits time off, the ledger follows and everybody hears of it
set search_path = ''
as $$
begin
  if tg_op = 'INSERT' then
    perform clinic.claim_time(new.id, new.clinic_id, new.dentist_id, 'time_off', new.during);
  elsif tg_op = 'UPDATE' then
    perform clinic.move_claim(new.id, new.dentist_id, 'time_off', new.during);
  else
    perform clinic.free_time(old.id, 'time_off');
  end if;
  if tg_op <> 'INSERT' then
    perform clinic.record_events(
      old.clinic_id, old.dentist_id, clinic.announce_slot('slot_freed', old.id, old.during)
    );
  end if;
  if tg_op <> 'DELETE' then
    perform clinic.record_events(
      new.clinic_id, new.dentist_id, clinic.announce_slot('slot_taken', new.id, new.during)
    );
  end if;
  return null;
end
$$;
comment on function clinic.follow_time_off is
'Claims, moves or frees the time with the row, and tells everybody. Errors: slot_taken.';

create trigger follow_new_time_off after insert or delete on clinic.time_off
for each row execute function clinic.follow_time_off();
create trigger follow_moved_time_off after update on clinic.time_off
for each row when (old.during <> new.during or old.dentist_id <> new.dentist_id)
execute function clinic.follow_time_off();

create trigger announce_new_time_off after insert on clinic.time_off
referencing new table as changed for each statement execute function clinic.announce_hours();
create trigger announce_edited_time_off after update on clinic.time_off
referencing new table as changed for each statement execute function clinic.announce_hours();
create trigger announce_removed_time_off after delete on clinic.time_off
referencing old table as changed for each statement execute function clinic.announce_hours();

alter table clinic.time_off enable row level security;

create policy time_off_is_its_dentists_and_desks on clinic.time_off
  for select to authenticated
  using (
    (
      dentist_id = any ((select clinic.my_dentists())::uuid [])
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
    t.dentist_id,
    lower(t.during) as starts_at,
    upper(t.during) as ends_at,
    t.reason,
    t.closure_id
  from clinic.time_off as t;
comment on view api.time_off is
'Time off: a dentist''s own, and for admins and receptionists their clinic''s. closure_id is that of the clinic''s closure it belongs to.';
grant select on api.time_off to authenticated, service_role;


-- The proof ----------------------------------------------------------------------------------------------------------

create view clinic.due_claims
with (security_invoker = true) as
  select
    r.id,
    r.clinic_id,
    r.dentist_id,
    'hold' as cause,
    clinic.claimed(r) as during,
    r.expires_at
  from clinic.slot_reservations as r
  where r.outcome is null
  union all
  select
    a.id,
    a.clinic_id,
    a.dentist_id,
    'appointment' as cause,
    clinic.claimed(a) as during,
    null as expires_at
  from clinic.appointments as a
  where a.status in ('booked', 'checked_in')
  union all
  select
    t.id,
    t.clinic_id,
    t.dentist_id,
    'time_off' as cause,
    t.during,
    null as expires_at
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
    select from (select * from clinic.occupancy as l where l.id = is_proved.id) as o
    full join (select * from clinic.due_claims as c where c.id = is_proved.id) as d
      on o.clinic_id = d.clinic_id and o.dentist_id = d.dentist_id and o.cause = d.cause and o.during = d.during
      and o.expires_at is not distinct from d.expires_at
    where o.id is null or d.id is null
  );
end
$$;
comment on function clinic.is_proved is 'Whether the ledger and the causes say the same of this id.';

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

-- So is what those triggers do not follow.
create constraint trigger prove_edited_reservation after update on clinic.slot_reservations
deferrable initially deferred
for each row when (
  (old.id, old.clinic_id, old.dentist_id, old.starts_at, old.ends_at, old.buffer_before, old.buffer_after, old.expires_at)
  <> (new.id, new.clinic_id, new.dentist_id, new.starts_at, new.ends_at, new.buffer_before, new.buffer_after, new.expires_at)
) execute function clinic.prove_claim();
create constraint trigger prove_edited_appointment after update on clinic.appointments
deferrable initially deferred
for each row when (old.id <> new.id or old.clinic_id <> new.clinic_id) execute function clinic.prove_claim();
create constraint trigger prove_edited_time_off after update on clinic.time_off
deferrable initially deferred
for each row when (old.id <> new.id or old.clinic_id <> new.clinic_id) execute function clinic.prove_claim();

create function clinic.refuse_truncate()
returns trigger
language plpgsql
volatile
set search_path = ''
as $$
begin
  raise exception 'chairtime: % cannot be truncated, for its claims and events would not follow', tg_table_name
    using errcode = 'integrity_constraint_violation', hint = 'Delete its rows instead.';
end
$$;
comment on function clinic.refuse_truncate is 'Truncating passes by row triggers, and so by the ledger.';

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
      on o.id = d.id and o.clinic_id = d.clinic_id and o.dentist_id = d.dentist_id and o.cause = d.cause
      and o.during = d.during and o.expires_at is not distinct from d.expires_at
      and (check_invariants.ids is null or d.id = any (check_invariants.ids))
    where (check_invariants.ids is null or o.id = any (check_invariants.ids)) and d.id is null
    union all
    select 'cause_without_claim', d.id, to_jsonb(d)
    from clinic.due_claims as d
    left join clinic.occupancy as o
      on d.id = o.id and d.clinic_id = o.clinic_id and d.cause = o.cause
      and (check_invariants.ids is null or o.id = any (check_invariants.ids))
    where (check_invariants.ids is null or d.id = any (check_invariants.ids)) and o.id is null
    union all
    select
      'double_booking', o.id,
      jsonb_build_object('dentist_id', o.dentist_id, 'during', o.during, 'previous_end', previous.ends_at)
    from clinic.occupancy as o
    cross join lateral (
      select max(upper(l.during)) as ends_at from clinic.occupancy as l
      where l.dentist_id = o.dentist_id and l.during && o.during
        and (lower(l.during), l.id, l.clinic_id) < (lower(o.during), o.id, o.clinic_id)
    ) as previous
    where (check_invariants.ids is null or o.id = any (check_invariants.ids)) and previous.ends_at is not null
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
      );
end
$$;
comment on function clinic.check_invariants is
'Everything that must never be, as rows (none): {violation, entity_id, details}. The live proof of no double booking. With ids, only what is
wrong with the claims and causes of these ids; of two that overlap, the later one is wrong.';
grant execute on function clinic.check_invariants to service_role, chairtime_worker;
