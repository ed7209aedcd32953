-- The proof that never ends: what changed is proved at once, and the whole calendar in slices, a round within a day.
--
-- What the triggers follow is in the event log, so what changed is proved by reading it. What was written past the
-- triggers is in no log: the slices go by all ids, of claims and causes, and find it within the day.

create table clinic.invariant_checks (
  violation text not null,
  violations bigint not null,
  checked_at timestamptz not null,
  constraint invariant_checks_pkey primary key (violation)
);
comment on table clinic.invariant_checks is 'What the last proof found, by kind of violation; the row "none" says when it ran.';

create table clinic.known_violations (
  entity_id uuid not null,
  violation text not null,
  proved_at timestamptz not null default clock_timestamp(),
  constraint known_violations_pkey primary key (entity_id, violation)
);
comment on table clinic.known_violations is 'What check_invariants said of each id when it was last proved. Those that stand are proved again in every run.';
create index known_violations_proved_at_idx on clinic.known_violations (proved_at);

create table clinic.proof_rounds (
  name text not null default 'slices',
  after_id uuid not null default '00000000-0000-0000-0000-000000000000',
  began_at timestamptz not null default clock_timestamp(),
  proved_since timestamptz,
  constraint proof_rounds_pkey primary key (name),
  constraint proof_rounds_one_row check (name = 'slices')
);
comment on table clinic.proof_rounds is
'How far this round of the proof has come: ids up to after_id are proved. One row. Everything has been proved since proved_since.';
insert into clinic.proof_rounds default values;

alter table clinic.invariant_checks enable row level security;
alter table clinic.known_violations enable row level security;
alter table clinic.proof_rounds enable row level security;

create policy invariant_checks_are_for_the_service on clinic.invariant_checks
  for select to service_role
  using (true);
grant select on clinic.invariant_checks to service_role;

create policy known_violations_are_for_the_service on clinic.known_violations
  for select to service_role
  using (true);
grant select on clinic.known_violations to service_role;

create policy proof_rounds_are_for_the_service on clinic.proof_rounds
  for select to service_role
  using (true);
grant select on clinic.proof_rounds to service_role;

create function clinic.prove(ids uuid [])
returns void
language sql
volatile
set search_path = ''
as $$
  delete from clinic.known_violations as k where k.entity_id = any (prove.ids);

  insert into clinic.known_violations (entity_id, violation)
  select distinct v.entity_id, v.violation from clinic.check_invariants(prove.ids) as v;
$$;
comment on function clinic.prove is 'Forgets what was known of these ids, and remembers what is wrong with them now.';

create function clinic.with_neighbours(ids uuid [])
returns uuid []
language sql
stable
set search_path = ''
as $$
  select array(
    select i.id from unnest(with_neighbours.ids) as i (id)
    union
    select l.id
    from clinic.occupancy as o
    inner join clinic.occupancy as l on o.resource_id = l.resource_id and o.during && l.during
    where o.id = any (with_neighbours.ids)
    union
    select b.id
    from clinic.appointments as a
    inner join clinic.appointments as b
      on a.patient_id = b.patient_id and tstzrange(a.starts_at, a.ends_at) && tstzrange(b.starts_at, b.ends_at)
    where a.id = any (with_neighbours.ids)
      and a.status in ('booked', 'checked_in') and b.status in ('booked', 'checked_in')
  );
$$;
comment on function clinic.with_neighbours is
'These ids, and those that overlap theirs, on a resource or with the patient: a change of one can make the other wrong.';

create function clinic.prove_changes(max_rows integer)
returns boolean
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_events integer;
  v_last_id bigint;
  v_ids uuid [];
begin
  -- A claim has the id of its cause, so the event of either names both.
  select count(*), max(e.id), array_agg(distinct e.entity_id) filter (where e.entity <> 'dentists')
  into v_events, v_last_id, v_ids
  from clinic.next_events('proof', prove_changes.max_rows) as e;

  if v_events > 0 then
    perform clinic.prove(clinic.with_neighbours(v_ids));
    update clinic.event_cursors as c set after_id = v_last_id where c.reader = 'proof';
  end if;
  return v_events = prove_changes.max_rows;
end
$$;
comment on function clinic.prove_changes is 'Proves what the next events changed. true: there may be more.';

create function clinic.prove_slice(max_rows integer)
returns boolean
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_round clinic.proof_rounds;
  v_ids uuid [];
  v_last_id uuid;
begin
  select r.* into strict v_round from clinic.proof_rounds as r for no key update;
  v_ids := array(
    -- A visit's claims have one id.
    (select distinct o.id from clinic.occupancy as o where o.id > v_round.after_id order by o.id limit max_rows)
    union
    (select a.id from clinic.appointments as a where a.id > v_round.after_id order by a.id limit max_rows)
    union
    (select r.id from clinic.slot_reservations as r where r.id > v_round.after_id order by r.id limit max_rows)
    union
    (select t.id from clinic.time_off as t where t.id > v_round.after_id order by t.id limit max_rows)
    order by 1
    limit max_rows
  );
  perform clinic.prove(v_ids);

  if cardinality(v_ids) < prove_slice.max_rows then
    update clinic.proof_rounds
    set after_id = default, began_at = clock_timestamp(), proved_since = v_round.began_at;
    return false;
  end if;
  v_last_id := v_ids[cardinality(v_ids)];
  update clinic.proof_rounds set after_id = v_last_id;
  -- Ids are random, so the first digits of one tell how much of the round is done. Twenty hours leave room for a
  -- round that began late to end within the day.
  return ('x' || left(v_last_id::text, 8))::bit(32)::bigint / 4294967296.0
    < extract(epoch from clock_timestamp() - v_round.began_at) / (20 * 3600);
end
$$;
comment on function clinic.prove_slice is
'Proves the next ids of the round. true: the round is behind its time. A round that is at its end begins anew at the next call.';

create function clinic.verify_invariants(max_rows integer default 1000)
returns integer
language plpgsql
volatile
security definer -- reads every clinic's calendar: the worker's task, and nobody else may execute this
set search_path = ''
as $$
declare
  v_now constant timestamptz := clock_timestamp();
  v_is_behind boolean := clinic.prove_changes(max_rows);
begin
  v_is_behind := clinic.prove_slice(max_rows) or v_is_behind;
  perform clinic.prove(array(
    select k.entity_id from clinic.known_violations as k
    where k.proved_at < v_now
    order by k.proved_at
    limit max_rows
  ));
  -- A kind once seen stays, with 0 when it is gone.
  insert into clinic.invariant_checks as c (violation, violations, checked_at)
  select found.violation, sum(found.violations), v_now
  from (
    select k.violation, count(*) as violations from clinic.known_violations as k group by k.violation
    union all
    select seen.violation, 0 from clinic.invariant_checks as seen
    union all
    select 'none', 0
  ) as found
  group by found.violation
  on conflict on constraint invariant_checks_pkey do update
  set violations = excluded.violations, checked_at = excluded.checked_at;
  return case when v_is_behind then verify_invariants.max_rows else 0 end;
end
$$;
comment on function clinic.verify_invariants is
'Proves that nobody is booked twice: what changed since the last time, and the next slice of all; keeps the result for the metrics. Costs as
much as what changed, not as what there is. check_invariants proves all at once.';
grant execute on function clinic.verify_invariants to chairtime_worker;
