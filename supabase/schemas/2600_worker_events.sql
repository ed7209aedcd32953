-- Reading the event log: at least once, in order, without gaps, as anybody does who calls events_since.

create table clinic.event_cursors (
  reader text not null,
  after_id bigint not null default 0,
  constraint event_cursors_pkey primary key (reader),
  constraint event_cursors_reader_known check (reader in ('log', 'metrics', 'proof'))
)
with (fillfactor = 50);

comment on table clinic.event_cursors is
'How far each reader of realtime_events has come: it is done with events up to this id.';

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

create function clinic.next_events(reader text, max_events integer)
returns setof clinic.realtime_events
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_after_id bigint;
begin
  select c.after_id into strict v_after_id from clinic.event_cursors as c
  where c.reader = next_events.reader
  for no key update;

  -- Mostly there is nothing to look for, and no need to ask a hundred partitions.
  if v_after_id < (select s.last_value from clinic.realtime_events_id_seq as s) then
    return query select * from clinic.settled_events(v_after_id, next_events.max_events);
  end if;
end
$$;
comment on function clinic.next_events is 'The next events a reader has not seen. Moving its cursor is the reader''s to do.';

create function clinic.oldest_writer()
returns timestamptz
language sql
volatile
set search_path = ''
as $$
  -- Of every database: they share their ids. A prepared transaction has no session, and may stay for ever.
  select min(t.began_at)
  from (
    select a.xact_start as began_at from pg_catalog.pg_stat_activity as a
    where a.backend_xid is not null and a.pid <> pg_backend_pid()
    union all
    select p.prepared from pg_catalog.pg_prepared_xacts as p
  ) as t;
$$;
comment on function clinic.oldest_writer is
'When the oldest transaction began that has written something and is still open: what came after it is withheld from every reader.';

create function clinic.give_late_hints(max_topics integer)
returns integer
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_topics text [] := array(
    select distinct h.topic from clinic.late_hints as h order by h.topic limit give_late_hints.max_topics
  );
begin
  if v_topics = '{}' then
    return 0;
  end if;
  delete from clinic.late_hints as h where h.topic = any (v_topics);
  return clinic.hint(v_topics);
exception
  when others then
    raise warning 'chairtime: late hints put off: %', sqlerrm;
    return 0;
end
$$;
comment on function clinic.give_late_hints is 'Tells some of the topics that wait of news. Returns how many.';

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
  -- Told in bulk, an event was not broadcast to its topics: the log must not expect to hear it there.
  return query
  select
    e.id, e.occurred_at, e.event, e.entity, e.entity_id, e.clinic_id, e.dentist_id, e.dentist_seq, e.actor,
    case when e.horizon is null then e.topics else '{}' end
  from clinic.next_events('log', read_events.max_events) as e;

  if not found then
    perform clinic.give_late_hints(25);
  end if;
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
  v_after_id bigint;
begin
  select c.after_id into strict v_after_id from clinic.event_cursors as c
  where c.reader = 'log'
  for no key update;

  insert into clinic.event_totals as t (event, total)
  select e.event, count(*)
  from clinic.realtime_events as e
  where e.id > v_after_id and e.id <= acknowledge_events.last_id
  group by e.event
  order by e.event
  on conflict on constraint event_totals_pkey do update set total = t.total + excluded.total;

  update clinic.event_cursors as c
  set after_id = greatest(v_after_id, acknowledge_events.last_id)
  where c.reader = 'log';

  perform clinic.hold_lease(acknowledge_events.worker, acknowledge_events.epoch);
end
$$;
comment on function clinic.acknowledge_events is
'The log has everything up to this id: count it, and do not offer it again.';
grant execute on function clinic.acknowledge_events to chairtime_worker;
