-- Reading the event log: at least once, in order, without gaps.
--
-- Ids are drawn before the commit, so the newest ids seen are not all there are: a transaction that began earlier may
-- still add smaller ones. A reader therefore takes the log in windows of finished transactions. A window is
-- [from_xid, to_xid): it opens where the last one ended and closes at the snapshot's xmin, below which nothing can
-- appear any more. Inside a window events go by id, which is the order in which a dentist's lock was held.

create table clinic.event_cursors (
  reader text primary key,
  from_xid xid8 not null default '0',
  to_xid xid8 not null default '0',
  after_id bigint not null default 0,
  opened_at timestamptz not null default '-infinity',
  moved_at timestamptz not null default clock_timestamp(),
  constraint event_cursors_reader_known check (reader in ('log', 'metrics'))
)
with (fillfactor = 50);

comment on table clinic.event_cursors is 'How far each reader of realtime_events has come: its window, and the last id it is done with.';

insert into clinic.event_cursors (reader) values ('log'), ('metrics');

create table clinic.event_totals (
  event text primary key,
  total bigint not null
);

comment on table clinic.event_totals is 'How many events of each kind were ever written. Counted once each, as the worker''s log moves on.';

alter table clinic.event_cursors enable row level security;
alter table clinic.event_totals enable row level security;

-- A window's rows were written after the previous window opened, or by a transaction open then: a day is plenty, and
-- lets the planner skip the older partitions.
create function clinic.window_events(cursor clinic.event_cursors, max_events integer)
returns setof clinic.realtime_events
language sql
stable
set search_path = ''
as $$
  select e.*
  from clinic.realtime_events as e
  where e.xid >= cursor.from_xid
    and e.xid < cursor.to_xid
    and e.id > cursor.after_id
    and e.occurred_at >= cursor.opened_at - interval '1 day'
  order by e.id
  limit window_events.max_events
$$;

-- Returns the next events of the reader's window, opening the next window when this one is used up.
create function clinic.next_events(reader text, max_events integer)
returns setof clinic.realtime_events
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_cursor clinic.event_cursors;
begin
  select c.* into v_cursor from clinic.event_cursors as c
  where c.reader = next_events.reader
  for no key update;

  return query select * from clinic.window_events(v_cursor, next_events.max_events);

  if not found then
    v_cursor := clinic.open_next_window(v_cursor);
    return query select * from clinic.window_events(v_cursor, next_events.max_events);
  end if;
end
$$;

-- A restored database may count transactions from a lower number. Its log is then read again from the start:
-- better twice than never.
create function clinic.open_next_window(cursor clinic.event_cursors)
returns clinic.event_cursors
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_xmin constant xid8 := pg_snapshot_xmin(pg_current_snapshot());
  v_restored constant boolean := cursor.to_xid > pg_snapshot_xmax(pg_current_snapshot());
  v_opened_at constant timestamptz := clock_timestamp();
begin
  if cursor.to_xid = v_xmin then
    return cursor;
  end if;

  update clinic.event_cursors as c
  set from_xid = case when v_restored then '0'::xid8 else c.to_xid end,
    to_xid = v_xmin,
    after_id = 0,
    opened_at = case when v_restored then '-infinity' else c.closed_at end,
    closed_at = v_opened_at
  where c.reader = cursor.reader
  returning c.* into cursor;

  return cursor;
end
$$;
