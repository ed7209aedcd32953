-- Events: what changed, written once and broadcast in the transaction that changed it.
--
-- The table is the truth; broadcasts are hints, lost when nobody listens. Every event has the next number of its
-- dentist, so a client that sees a jump knows that it missed something and calls events_since.

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
  dentist_id uuid not null,
  dentist_seq bigint not null,
  user_id uuid,
  actor uuid,
  payload jsonb not null,
  constraint realtime_events_pkey primary key (id, occurred_at)
) partition by range (occurred_at);
comment on table clinic.realtime_events is
'Every event, once, in the order of each dentist''s calendar. Partitioned by UTC day; a missing day falls into the default partition.';
comment on column clinic.realtime_events.xid is
'The transaction that wrote the event. The events of one change share a subtransaction of it: see clinic.event_horizon.';
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

create function clinic.event_horizon(xid xid8, inserted_by xid)
returns xid8
language sql
immutable
set search_path = ''
as $$
  -- A row's xmin has 32 bits; the transaction it belongs to is a little older, and known with all 64.
  select (t.id + (event_horizon.inserted_by::text::bigint - t.id % t.epoch + t.epoch) % t.epoch)::text::xid8
  from (values (event_horizon.xid::text::bigint, 4294967296)) as t (id, epoch);
$$;
comment on function clinic.event_horizon is
'Every transaction that can still commit an event with a lower id is older than this. inserted_by is the event''s xmin: the id of
a subtransaction that began after the event had its id, and so is higher than that of every transaction that had an event id before.';

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
    execute format('create table clinic.%I (like clinic.realtime_events including defaults)', v_name);
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

create function clinic.announce_slot(event text, claim_id uuid, during tstzrange)
returns clinic.announcement
language plpgsql
immutable
set search_path = ''
as $$
begin
  return row(
    announce_slot.event, true, false, null, 'occupancy', claim_id,
    jsonb_build_object('starts_at', lower(during), 'ends_at', upper(during))
  )::clinic.announcement;
end
$$;
comment on function clinic.announce_slot is 'slot_taken or slot_freed: when, never who or why.';

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
  insert into clinic.dentist_counters as c
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
  v_now timestamptz := clock_timestamp();
  v_actor uuid := auth.uid();
  v_announcements clinic.announcement [] := array_remove(announcements, null);
  v_counter clinic.dentist_counters := clinic.count_events(
    record_events.clinic_id, record_events.dentist_id, v_announcements
  );
  v_announcement clinic.announcement;
  v_event clinic.realtime_events;
  v_events clinic.realtime_events [];
begin
  -- The order matters: first a transaction id (the counter takes one), then the events' ids, then the subtransaction's,
  -- the events' horizon. A snapshot's xmax would not do: transactions that run may be younger.
  foreach v_announcement in array v_announcements loop
    v_event.id := nextval('clinic.realtime_events_id_seq');
    v_event.occurred_at := v_now;
    v_event.xid := pg_current_xact_id();
    v_event.topics := array_remove(array[
      case when v_announcement.is_public then 'availability:' || record_events.clinic_id end,
      case when v_announcement.is_staff then 'dentist:' || record_events.dentist_id end,
      case when v_announcement.is_staff then 'clinic:' || record_events.clinic_id end,
      'patient:' || v_announcement.user_id
    ], null);
    v_event.event := v_announcement.event;
    v_event.entity := v_announcement.entity;
    v_event.entity_id := v_announcement.entity_id;
    v_event.clinic_id := record_events.clinic_id;
    v_event.dentist_id := record_events.dentist_id;
    v_event.dentist_seq := coalesce(v_event.dentist_seq, v_counter.last_seq - cardinality(v_announcements)) + 1;
    v_event.user_id := v_announcement.user_id;
    v_event.actor := v_actor;
    v_event.payload := jsonb_build_object(
      'event_id', v_event.id, 'occurred_at', v_now, 'event', v_event.event, 'clinic_id', v_event.clinic_id,
      'dentist_id', v_event.dentist_id, 'dentist_seq', v_event.dentist_seq
    ) || v_announcement.payload;
    v_events := v_events || v_event;
  end loop;
  begin
    insert into clinic.realtime_events select * from unnest(v_events);
    perform clinic.broadcast(v_events, v_counter);
  exception
    when others then
      -- A hint that cannot be given must not stop the change it hints at: the events alone, then.
      raise warning 'chairtime: broadcast of % lost: %', v_announcements[1].event, sqlerrm;
      begin
        insert into clinic.realtime_events select * from unnest(v_events);
      exception
        when no_data_found then -- never: a block is a subtransaction only if it could catch something
          raise;
      end;
  end;
end
$$;
comment on function clinic.record_events is
'Writes what happened to a dentist''s calendar, in this order, and broadcasts it. A null announcement is none.';

create function clinic.broadcast(events clinic.realtime_events [], counter clinic.dentist_counters)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_public_seq bigint := counter.public_seq_before;
  v_staff_seq bigint := counter.staff_seq_before;
  v_event clinic.realtime_events;
  v_topic text;
  v_id uuid;
  v_ids uuid [];
  v_topics text [];
  v_events text [];
  v_payloads jsonb [];
begin
  foreach v_event in array broadcast.events loop
    foreach v_topic in array v_event.topics loop
      v_id := md5(v_event.id || v_topic)::uuid; -- as unique as a random one, and cheaper
      v_ids := v_ids || v_id;
      v_topics := v_topics || v_topic;
      v_events := v_events || v_event.event;
      -- The number that this topic's listeners heard before: less than theirs, and they missed nothing.
      v_payloads := v_payloads || (v_event.payload || jsonb_build_object('id', v_id, 'previous_dentist_seq', case
        when v_topic like 'availability:%' then v_public_seq
        when v_topic not like 'patient:%' then v_staff_seq
      end));
    end loop;
    if 'availability:' || v_event.clinic_id = any (v_event.topics) then
      v_public_seq := v_event.dentist_seq;
    end if;
    if 'clinic:' || v_event.clinic_id = any (v_event.topics) then
      v_staff_seq := v_event.dentist_seq;
    end if;
  end loop;
  -- What realtime.send does, for all in one statement.
  insert into realtime.messages (id, topic, event, extension, private, payload)
  select m.id, m.topic, m.event, 'broadcast', true, m.payload
  from unnest(v_ids, v_topics, v_events, v_payloads) as m (id, topic, event, payload);
end
$$;
comment on function clinic.broadcast is 'Puts one private broadcast per event and topic into realtime.messages.';


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
