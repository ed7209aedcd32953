-- Reading the event log: at least once, in order, without gaps.
--
-- Ids are drawn before the commit, so the newest ids seen are not all there are: a transaction that began earlier may
-- still add smaller ones. A reader therefore takes the log in windows of finished transactions. A window is
-- [from_xid, to_xid): it opens where the last one ended and closes at the snapshot's xmin, below which nothing can
-- appear any more. Inside a window events go by id, the order in which a dentist's lock was held.

create table clinic.event_cursors (
  reader text not null,
  from_xid xid8 not null default '0',
  to_xid xid8 not null default '0',
  after_id bigint not null default 0,
  last_id bigint not null default 0,
  highest_id bigint not null default 0,
  since timestamptz not null default '-infinity',
  opened_at timestamptz not null default '-infinity',
  constraint event_cursors_pkey primary key (reader),
  constraint event_cursors_reader_known check (reader in ('log', 'metrics', 'proof'))
)
with (fillfactor = 50);

comment on table clinic.event_cursors is
'How far each reader of realtime_events has come: its window, and the last id it is done with.';
comment on column clinic.event_cursors.after_id is 'Events of the window up to this id are done.';
comment on column clinic.event_cursors.last_id is 'The highest id in the window.';
comment on column clinic.event_cursors.since is
'No event of the window is older. Only there so that old partitions need not be looked into.';

comment on column clinic.event_cursors.highest_id is
'The highest id ever read. Lower ones may still come; it only serves to tell how far behind a reader is.';

insert into clinic.event_cursors (reader) values ('log'), ('metrics'), ('proof');

create table clinic.event_totals (
  event text not null,
  total bigint not null,
  constraint event_totals_pkey primary key (event)
);

comment on table clinic.event_totals is
'How many events of each kind there ever were. Each is counted once, in the transaction that moves the log''s cursor.';

alter table clinic.event_cursors enable row level security;
alter table clinic.event_totals enable row level security;

create policy event_cursors_are_for_the_service on clinic.event_cursors
  for select to service_role
  using (true);
grant select on clinic.event_cursors to service_role;

create policy event_totals_are_for_the_service on clinic.event_totals
  for select to service_role
  using (true);
grant select on clinic.event_totals to service_role;

create index realtime_events_xid_idx on clinic.realtime_events (xid);

create function clinic.window_events(place clinic.event_cursors, max_events integer)
returns setof clinic.realtime_events
language sql
stable
set search_path = ''
as $$
  select e.*
  from clinic.realtime_events as e
  where e.id > place.after_id
    and e.id <= place.last_id
    and (e.xid >= place.from_xid and e.xid < place.to_xid) is true -- a filter: the index of xid would be a detour
    and e.occurred_at >= place.since
  order by e.id
  limit window_events.max_events;
$$;
comment on function clinic.window_events is 'The next events of a window, by id.';

-- A restored database may count its transactions from a lower number. Its log is then read again from the start:
-- better twice than never.
create function clinic.open_next_window(place clinic.event_cursors)
returns clinic.event_cursors
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_opened_at constant timestamptz := clock_timestamp();
  v_xmin constant xid8 := pg_snapshot_xmin(pg_current_snapshot());
  v_restored constant boolean := place.to_xid > v_xmin;
begin
  if place.to_xid = v_xmin then
    return place;
  end if;

  place.from_xid := case when v_restored then '0'::xid8 else place.to_xid end;
  place.to_xid := v_xmin;
  -- What the new window holds was written after the last one opened, or by a transaction open at that moment.
  place.since := case when v_restored then '-infinity' else place.opened_at - interval '1 day' end;
  place.opened_at := v_opened_at;

  select coalesce(min(e.id) - 1, 0), coalesce(max(e.id), 0) into place.after_id, place.last_id
  from clinic.realtime_events as e
  where e.xid >= place.from_xid and e.xid < place.to_xid and e.occurred_at >= place.since;

  update clinic.event_cursors as c
  set from_xid = place.from_xid, to_xid = place.to_xid, after_id = place.after_id, last_id = place.last_id,
    since = place.since, opened_at = place.opened_at
  where c.reader = place.reader;
  return place;
end
$$;

create function clinic.next_events(reader text, max_events integer)
returns setof clinic.realtime_events
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_place clinic.event_cursors;
begin
  select c.* into v_place from clinic.event_cursors as c
  where c.reader = next_events.reader
  for no key update;

  return query select * from clinic.window_events(v_place, next_events.max_events);

  if not found then
    v_place := clinic.open_next_window(v_place);
    return query select * from clinic.window_events(v_place, next_events.max_events);
  end if;
end
$$;

create function clinic.read_events(worker uuid, epoch bigint, max_events integer)
returns table (
  id bigint, occurred_at timestamptz, event text, entity text, entity_id uuid,
  clinic_id uuid, dentist_id uuid, dentist_seq bigint, actor uuid, topics text[]
)
language plpgsql
volatile
security definer -- the worker's role reads no table, and gets no payload: its log is about things, never about people
set search_path = ''
as $$
begin
  return query
  select
    e.id, e.occurred_at, e.event, e.entity, e.entity_id,
    e.clinic_id, e.dentist_id, e.dentist_seq, e.actor, e.topics
  from clinic.next_events('log', read_events.max_events) as e;

  perform clinic.hold_lease(read_events.worker, read_events.epoch);
end
$$;
comment on function clinic.read_events is
'The next events the log has not seen, in order. They come again until acknowledge_events is called.';
grant execute on function clinic.read_events to chairtime_worker;

create function clinic.acknowledge_events(worker uuid, epoch bigint, last_id bigint)
returns void
language plpgsql
volatile
security definer -- reads and writes tables that the worker's role may not
set search_path = ''
as $$
declare
  v_place clinic.event_cursors;
begin
  select c.* into strict v_place from clinic.event_cursors as c
  where c.reader = 'log'
  for no key update;

  insert into clinic.event_totals as t (event, total)
  select e.event, count(*)
  from clinic.realtime_events as e
  where e.id > v_place.after_id
    and e.id <= acknowledge_events.last_id
    and (e.xid >= v_place.from_xid and e.xid < v_place.to_xid) is true
    and e.occurred_at >= v_place.since
  group by e.event
  order by e.event
  on conflict on constraint event_totals_pkey do update set total = t.total + excluded.total;

  update clinic.event_cursors as c
  set after_id = acknowledge_events.last_id, highest_id = greatest(c.highest_id, acknowledge_events.last_id)
  where c.reader = 'log';

  perform clinic.hold_lease(acknowledge_events.worker, acknowledge_events.epoch);
end
$$;
comment on function clinic.acknowledge_events is
'The log has everything up to this id of its window: count it, and do not offer it again.';
grant execute on function clinic.acknowledge_events to chairtime_worker;
