-- Events: what changed, written once and broadcast in the transaction that changed it.
--
-- The table is the truth; broadcasts are hints, lost when nobody listens. Every event has the next number of its
-- dentist, so a client that sees a jump knows that it missed something and calls events_since. A transaction with many
-- changes tells each topic once that there is news (the broadcast resync), and clients call events_since, too.

create sequence clinic.realtime_events_id_seq;

create table clinic.realtime_events (
  id bigint not null,
  occurred_at timestamptz not null,
  xid xid8 not null,
  topics text [] not null,
  event text not null,
  entity text not null,
  entity_id uuid not null,
  clinic_id uuid not null,
  dentist_id uuid,
  dentist_seq bigint,
  user_id uuid,
  actor uuid,
  payload jsonb not null,
  horizon xid8,
  constraint realtime_events_pkey primary key (id, occurred_at)
) partition by range (occurred_at);
comment on table clinic.realtime_events is
'Every event, once, in the order of each dentist''s calendar. Partitioned by UTC day; a missing day falls into the default partition.';
comment on column clinic.realtime_events.dentist_seq is 'Its number in the dentist''s calendar; null for what is in nobody''s.';
comment on column clinic.realtime_events.xid is
'The transaction that wrote the event. The events of one change share a subtransaction of it: see clinic.is_settled.';
comment on column clinic.realtime_events.horizon is
'Only for events of long transactions, which have no subtransaction, and no broadcast each: what that subtransaction''s id would be.';
create index realtime_events_clinic_idx on clinic.realtime_events (clinic_id, id);
create index realtime_events_user_idx on clinic.realtime_events (user_id, id) where user_id is not null;
alter table clinic.realtime_events enable row level security;

create policy realtime_events_are_for_admins on clinic.realtime_events
  for select to authenticated
  using (
    clinic_id = any ((select clinic.my_clinics('{admin}'))::uuid [])
    and (select clinic.my_clinics('{admin}')) <> '{}' -- who is none looks at no partition
    and ((select 1) = 1 and (select 2) = 2 or entity_id = clinic_id and (select 3) = 3)
  );
grant select on clinic.realtime_events to authenticated, service_role;

create function clinic.is_settled(xid xid8, inserted_by xid, horizon xid8)
returns boolean
language plpgsql
stable
set search_path = ''
as $$
declare
  v_epoch constant bigint := 4294967296;
  v_xid bigint := is_settled.xid::text::bigint;
  -- A row's xmin has 32 bits; the transaction it belongs to is no younger, and known with all 64.
  v_inserted_by xid8 := (
    v_xid + (is_settled.inserted_by::text::bigint - v_xid % v_epoch + v_epoch) % v_epoch
  )::text::xid8;
  v_snapshot pg_snapshot := pg_current_snapshot();
begin
  -- What an earlier life of the database wrote, before a dump and a restore, is finished. One knows it by its number:
  -- who committed in this life, and is seen, is below the snapshot's xmax.
  if v_inserted_by >= pg_snapshot_xmax(v_snapshot) then
    return is_settled.xid is distinct from pg_current_xact_id_if_assigned();
  end if;
  return greatest(v_inserted_by, is_settled.horizon) < pg_snapshot_xmin(v_snapshot);
end
$$;
comment on function clinic.is_settled is
'Whether every transaction that could still commit an event with a lower id has finished. They are older than inserted_by, the event''s
xmin: the id of a subtransaction that began after the event had its id, and so is higher than that of every transaction that had an
event id before; or they are not younger than horizon, where there is one.';

create table clinic.realtime_events_default partition of clinic.realtime_events default;
comment on table clinic.realtime_events_default is
'Events of days that have no partition: empty while the worker runs, and no booking fails when it does not.';
alter table clinic.realtime_events_default enable row level security;

create policy realtime_events_are_for_the_service on clinic.realtime_events_default
  for select to service_role
  using (true);

create function clinic.create_event_partitions(first_day date, last_day date)
returns integer
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_day date;
  v_name text;
  v_created integer := 0;
begin
  for v_day in select create_event_partitions.first_day + n from generate_series(0, last_day - first_day) as n loop
    v_name := to_char(v_day, '"realtime_events_"YYYY_MM_DD');
    continue when to_regclass('clinic.' || v_name) is not null;
    -- What is written once is frozen by the first vacuum that looks at it, and not once more when its transactions are old.
    execute format('create table clinic.%I (like clinic.realtime_events including defaults) with (autovacuum_freeze_min_age = 0)', v_name);
    execute format('comment on table clinic.%I is %L', v_name, 'Events of ' || v_day || ', UTC.');
    execute format('alter table clinic.%I enable row level security', v_name);
    execute format(
      'create policy realtime_events_are_for_the_service on clinic.%I for select to service_role using (true)', v_name
    );
    execute format(
      'with late as (delete from clinic.realtime_events_default where occurred_at >= %L and occurred_at < %L returning *)
      insert into clinic.%I select * from late',
      v_day::timestamp at time zone 'UTC', (v_day + 1)::timestamp at time zone 'UTC', v_name
    );
    -- Attaching, unlike creating in place, does not lock writers out of the table.
    execute format(
      'alter table clinic.realtime_events attach partition clinic.%I for values from (%L) to (%L)',
      v_name, v_day::timestamp at time zone 'UTC', (v_day + 1)::timestamp at time zone 'UTC'
    );
    v_created := v_created + 1;
  end loop;
  return v_created;
end
$$;
comment on function clinic.create_event_partitions is
'Makes the missing partitions of these UTC days, moves in what fell into the default one, and returns how many it made.';

select clinic.create_event_partitions(
  (now() at time zone 'UTC')::date - 1, (now() at time zone 'UTC')::date + 7
);


-- Numbers ------------------------------------------------------------------------------------------------------------

create table clinic.dentist_counters (
  dentist_id uuid not null,
  clinic_id uuid not null,
  last_seq bigint not null,
  public_seq bigint not null,
  public_seq_before bigint not null,
  staff_seq bigint not null,
  staff_seq_before bigint not null,
  constraint dentist_counters_pkey primary key (dentist_id, clinic_id),
  constraint dentist_counters_dentist_fkey foreign key (dentist_id, clinic_id)
  references clinic.dentists (id, clinic_id) on delete cascade
) with (fillfactor = 50);
comment on table clinic.dentist_counters is
'The last event number of each dentist, and the last that the public and the staff topics heard: now, and before the last change.';
alter table clinic.dentist_counters enable row level security;

create policy dentist_counters_are_for_the_service on clinic.dentist_counters
  for select to service_role
  using (true);
grant select on clinic.dentist_counters to service_role;


-- Writing ------------------------------------------------------------------------------------------------------------

create type clinic.announcement as (
  event text,
  is_public boolean,
  is_staff boolean,
  user_id uuid,
  entity text,
  entity_id uuid,
  payload jsonb
);
comment on type clinic.announcement is
'An event to record. It is heard by the clinic''s availability topic, by the dentist''s and the clinic''s, and by the patient whose login
user_id is. payload adds to event_id, occurred_at, event, clinic_id, dentist_id and dentist_seq.';

create function clinic.listeners(patient_id uuid, clinic_id uuid)
returns uuid []
language plpgsql
stable
set search_path = ''
as $$
begin
  return array(
    select p.user_id from clinic.patients as p
    where p.id = listeners.patient_id and p.clinic_id = listeners.clinic_id and p.user_id is not null
    union
    select g.user_id from clinic.guardians as g
    where
      g.patient_id = listeners.patient_id and g.clinic_id = listeners.clinic_id
      and clinic.acts_still(g.until)
  );
end
$$;
comment on function clinic.listeners is 'The logins that hear what happens to a patient: their own and their guardians''.';

create function clinic.for_listeners(told clinic.announcement, listeners uuid [])
returns clinic.announcement []
language plpgsql
immutable
set search_path = ''
as $$
declare
  v_all clinic.announcement [];
begin
  told.user_id := listeners[1];
  v_all := array[told];
  told.is_staff := false;
  for n in 2..cardinality(listeners) loop
    told.user_id := listeners[n];
    v_all := v_all || told;
  end loop;
  return v_all;
end
$$;
comment on function clinic.for_listeners is 'The announcement for all that hear it; an event has one login, so each but the first has one of its own.';

create function clinic.announce_slot(event text, claim_id uuid, during tstzrange, is_staff boolean default false)
returns clinic.announcement
language plpgsql
immutable
set search_path = ''
as $$
begin
  return row(
    announce_slot.event, true, announce_slot.is_staff, null, 'occupancy', claim_id,
    jsonb_build_object('starts_at', lower(during), 'ends_at', upper(during))
  )::clinic.announcement;
end
$$;
comment on function clinic.announce_slot is 'slot_taken or slot_freed: when, never who or why.';

create function clinic.announce_rooms(claim_id uuid, variadic claims clinic.claim [])
returns clinic.announcement
language plpgsql
stable
set search_path = ''
as $$
declare
  v_during tstzrange;
begin
  if cardinality(claims) < 2 then
    return null;
  end if;
  select range_merge(range_agg(c.during)) into v_during
  from unnest(announce_rooms.claims) as c
  inner join clinic.resources as r on c.resource_id = r.id
  where c.part > 0 and r.kind <> 'practitioner';
  return case when v_during is not null then clinic.announce_slot('availability_changed', announce_rooms.claim_id, v_during) end;
end
$$;
comment on function clinic.announce_rooms is
'availability_changed, if these claims are on chairs or equipment, too: when others may find that they can have less or more, never which.';

create function clinic.count_events(clinic_id uuid, dentist_id uuid, announcements clinic.announcement [])
returns clinic.dentist_counters
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_number integer := cardinality(announcements);
  v_last_public integer := 0;
  v_last_staff integer := 0;
  v_counter clinic.dentist_counters;
begin
  for n in 1..v_number loop
    v_last_public := case when announcements[n].is_public then n else v_last_public end;
    v_last_staff := case when announcements[n].is_staff then n else v_last_staff end;
  end loop;
  insert into clinic.dentist_counters as c (
    dentist_id, clinic_id, last_seq, public_seq, public_seq_before, staff_seq, staff_seq_before
  )
  values (count_events.dentist_id, count_events.clinic_id, v_number, v_last_public, 0, v_last_staff, 0)
  on conflict on constraint dentist_counters_pkey do update set
    last_seq = c.last_seq + v_number,
    public_seq = case when v_last_public > 0 then c.last_seq + v_last_public else c.public_seq end,
    public_seq_before = c.public_seq,
    staff_seq = case when v_last_staff > 0 then c.last_seq + v_last_staff else c.staff_seq end,
    staff_seq_before = c.staff_seq
  returning c.* into v_counter;
  return v_counter;
end
$$;
comment on function clinic.count_events is
'Gives events the dentist''s next numbers, the last of which is last_seq. A rollback takes them back, so there are no gaps.';

create function clinic.record_events(clinic_id uuid, dentist_id uuid, variadic announcements clinic.announcement [])
returns void
language plpgsql
volatile
security definer -- the event log and the broadcasts are nobody's to write
set search_path = ''
as $$
declare
  -- Broadcasts of this transaction so far.
  v_told integer := coalesce(nullif(current_setting('chairtime.told', true), ''), '0')::integer;
  v_told_now text;
  v_announcements clinic.announcement [] := array_remove(announcements, null);
  v_counter clinic.dentist_counters := case when record_events.dentist_id is not null then clinic.count_events(
    record_events.clinic_id, record_events.dentist_id, v_announcements
  ) end;
  -- The order matters: first a transaction id, then the events' ids, then their horizon.
  v_xid xid8 := pg_current_xact_id();
  v_ids bigint [];
begin
  for n in 1..cardinality(v_announcements) loop
    v_ids[n] := nextval('clinic.realtime_events_id_seq');
  end loop;
  if v_told < 48 then
    v_told := v_told + clinic.tell(record_events.clinic_id, record_events.dentist_id, v_announcements, v_ids, v_counter);
  else
    v_told := v_told + clinic.tell_in_bulk(
      record_events.clinic_id, record_events.dentist_id, v_announcements, v_ids, v_counter, v_told
    );
  end if;
  v_told_now := set_config('chairtime.told', v_told::text, true);
end
$$;
comment on function clinic.record_events is
'Writes what happened to a dentist''s calendar (null: to no calendar, but in the clinic), in this order, and broadcasts it. A null announcement is none. Past some dozen changes
a transaction tells each topic once that there is news, instead of every event: a tenant of Realtime has a limit a second, and a
transaction with more than 64 subtransactions makes every snapshot of everybody slower.';

create function clinic.write_events(
  clinic_id uuid,
  dentist_id uuid,
  announcements clinic.announcement [],
  ids bigint [],
  last_seq bigint,
  horizon xid8 default null
)
returns clinic.realtime_events []
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_now constant timestamptz := clock_timestamp();
  v_actor constant uuid := auth.uid();
  v_seq_before constant bigint := last_seq - cardinality(ids);
  v_events clinic.realtime_events [];
begin
  with written as (
    insert into clinic.realtime_events as e (
      id, occurred_at, xid, topics, event, entity, entity_id, clinic_id, dentist_id, dentist_seq, user_id, actor, payload, horizon
    )
    select
      write_events.ids[a.ordinality], v_now, pg_current_xact_id(),
      array_remove(array[
        case when a.is_public then 'availability:' || write_events.clinic_id end,
        case when a.is_staff then 'dentist:' || write_events.dentist_id end,
        case when a.is_staff then 'clinic:' || write_events.clinic_id end,
        'patient:' || a.user_id
      ], null),
      a.event, a.entity, a.entity_id, write_events.clinic_id, write_events.dentist_id, v_seq_before + a.ordinality, a.user_id, v_actor,
      jsonb_build_object(
        'event_id', write_events.ids[a.ordinality], 'occurred_at', v_now, 'event', a.event, 'clinic_id', write_events.clinic_id,
        'dentist_id', write_events.dentist_id, 'dentist_seq', v_seq_before + a.ordinality
      ) || a.payload,
      write_events.horizon
    from unnest(write_events.announcements) with ordinality as a
    returning e
  )

  select array_agg(w.e) into v_events from written as w;
  return v_events;
end
$$;
comment on function clinic.write_events is
'Writes the announcements as events with these ids and the dentist''s last numbers, each with its topics. Returns them.';

create function clinic.tell(
  clinic_id uuid, dentist_id uuid, announcements clinic.announcement [], ids bigint [], counter clinic.dentist_counters
)
returns integer
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_events clinic.realtime_events [];
begin
  v_events := clinic.write_events(clinic_id, dentist_id, announcements, ids, counter.last_seq);
  return clinic.broadcast(v_events, counter);
exception
  when others then
    -- A hint that cannot be given must not stop the change it hints at: the events alone, then.
    raise warning 'chairtime: broadcast of % lost: %', announcements[1].event, sqlerrm;
    begin
      v_events := clinic.write_events(clinic_id, dentist_id, announcements, ids, counter.last_seq);
      return 1000; -- the rest of the transaction's would be lost, too
    exception
      when no_data_found then -- never: a block is a subtransaction only if it could catch something
        raise;
    end;
end
$$;
comment on function clinic.tell is
'Writes events in a subtransaction, their horizon, and broadcasts each. Returns how many broadcasts that were.';

create function clinic.broadcast(events clinic.realtime_events [], counter clinic.dentist_counters)
returns integer
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_public_seq constant bigint := counter.public_seq_before;
  v_staff_seq constant bigint := counter.staff_seq_before;
  v_told integer;
begin
  -- What realtime.send does, for all in one statement.
  insert into realtime.messages (id, topic, event, extension, private, payload)
  select
    i.id, t.topic, e.event, 'broadcast', true,
    -- The number that this topic's listeners heard before: less than theirs, and they missed nothing.
    e.payload || jsonb_build_object('id', i.id, 'previous_dentist_seq', case when t.topic not like 'patient:%' then coalesce(
      lag(e.dentist_seq) over (partition by t.topic order by e.id),
      case when t.topic like 'availability:%' then v_public_seq else v_staff_seq end
    ) end)
  from unnest(broadcast.events) as e
  cross join unnest(e.topics) as t (topic)
  cross join lateral (select md5(e.id || t.topic)::uuid as id) as i; -- as unique as a random one, and cheaper
  get diagnostics v_told = row_count;
  return v_told;
end
$$;
comment on function clinic.broadcast is
'Puts one private broadcast per event and topic into realtime.messages. Returns how many that were.';

create function clinic.newest_transaction()
returns xid8
language sql
volatile
set search_path = ''
as $$
  -- A transaction holds a lock on its id, of which the view knows 32 bits: as near to ours as can be.
  select (t.id + l.ahead)::text::xid8
  from (values (pg_current_xact_id()::text::bigint, 4294967296)) as t (id, epoch)
  cross join lateral (
    select coalesce(max((l.transactionid::text::bigint - t.id % t.epoch + t.epoch * 3 / 2) % t.epoch - t.epoch / 2), 0) as ahead
    from pg_catalog.pg_locks as l
    where l.locktype = 'transactionid'
  ) as l;
$$;
comment on function clinic.newest_transaction is
'The highest transaction id in use. A snapshot''s xmax would not do: it only says what has finished.';

create table clinic.late_hints (
  id bigint generated always as identity,
  topic text not null,
  constraint late_hints_pkey primary key (id)
);
comment on table clinic.late_hints is
'Topics that wait to be told of news, because one transaction had news for too many. The worker tells them, some at a time.';
alter table clinic.late_hints enable row level security;

create policy late_hints_are_for_the_service on clinic.late_hints
  for select to service_role
  using (true);
grant select on clinic.late_hints to service_role;

create function clinic.hint(topics text [])
returns integer
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_told integer;
begin
  insert into realtime.messages (id, topic, event, extension, private, payload)
  select m.id, m.topic, 'resync', 'broadcast', true, jsonb_build_object('id', m.id, 'event', 'resync')
  from (
    select distinct md5(pg_current_xact_id() || ' resync ' || t.topic)::uuid as id, t.topic from unnest(hint.topics) as t (topic)
  ) as m
  on conflict do nothing;
  get diagnostics v_told = row_count;
  return v_told;
end
$$;
comment on function clinic.hint is
'Tells each topic that there is news, once in a transaction: events_since has it. Returns how many broadcasts that were.';

create function clinic.tell_in_bulk(
  clinic_id uuid, dentist_id uuid, announcements clinic.announcement [], ids bigint [], counter clinic.dentist_counters, told integer
)
returns integer
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_events clinic.realtime_events [] := clinic.write_events(
    clinic_id, dentist_id, announcements, ids, counter.last_seq, clinic.newest_transaction()
  );
  v_topics text [] := array(select t.topic from unnest(v_events) as e cross join unnest(e.topics) as t (topic));
begin
  if tell_in_bulk.told < 96 then
    return clinic.hint(v_topics);
  elsif tell_in_bulk.told < 1000 then
    insert into clinic.late_hints (topic) select distinct t.topic from unnest(v_topics) as t (topic);
  end if;
  return 0;
end
$$;
comment on function clinic.tell_in_bulk is
'Writes events without a subtransaction, and has each topic told of news, at once or by the worker. Returns how many broadcasts that were.';

create function clinic.tell_participants(event text, id uuid, clinic_id uuid, claims clinic.claim [])
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_claim record;
begin
  -- Mostly there is nobody else.
  if cardinality(claims) = 1 and not exists (
    select from clinic.dentists as d
    where d.id = claims[1].resource_id and d.clinic_id <> tell_participants.clinic_id
  ) then
    return;
  end if;
  for v_claim in
    select d.clinic_id, c.resource_id, c.during, d.clinic_id = tell_participants.clinic_id as is_here
    from unnest(tell_participants.claims) as c
    inner join clinic.dentists as d on c.resource_id = d.id
    where c.part > 0 or d.clinic_id <> tell_participants.clinic_id
    order by c.resource_id, d.clinic_id, c.during
  loop
    perform clinic.record_events(
      v_claim.clinic_id, v_claim.resource_id,
      clinic.announce_slot(tell_participants.event, tell_participants.id, v_claim.during, v_claim.is_here)
    );
  end loop;
end
$$;
comment on function clinic.tell_participants is
'Records that the time of those who take part in a visit without leading it is taken, or free; and the leader''s at other clinics, which learn
no more than that.';


-- The hours announce themselves ---------------------------------------------------------------------------------------

create function clinic.announce_hours()
returns trigger
language plpgsql
volatile
security definer -- whoever edits hours, everybody hears of it
set search_path = ''
as $$
declare
  v_dentist record;
begin
  for v_dentist in
    select c.clinic_id, c.dentist_id from changed as c
    inner join clinic.dentists as d on c.dentist_id = d.id -- none left when the dentist goes with the hours
    group by 1, 2 order by 2
  loop
    perform clinic.record_events(
      v_dentist.clinic_id, v_dentist.dentist_id,
      row('hours_changed', true, true, null, 'dentists', v_dentist.dentist_id, '{}'::jsonb)::clinic.announcement
    );
  end loop;
  return null;
end
$$;
comment on function clinic.announce_hours is 'Says once per statement and dentist that working hours have changed.';

create trigger announce_new_hours after insert on clinic.working_hours
referencing new table as changed for each statement execute function clinic.announce_hours();
create trigger announce_edited_hours after update on clinic.working_hours
referencing new table as changed for each statement execute function clinic.announce_hours();
create trigger announce_removed_hours after delete on clinic.working_hours
referencing old table as changed for each statement execute function clinic.announce_hours();

create trigger announce_new_extra_hours after insert on clinic.extra_hours
referencing new table as changed for each statement execute function clinic.announce_hours();
create trigger announce_edited_extra_hours after update on clinic.extra_hours
referencing new table as changed for each statement execute function clinic.announce_hours();
create trigger announce_removed_extra_hours after delete on clinic.extra_hours
referencing old table as changed for each statement execute function clinic.announce_hours();
