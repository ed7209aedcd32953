-- The worker's ledger: who leads, who is alive, what ran.
--
-- Any number of workers run; one leads. Leadership is a row with an epoch, not a session lock, so it works through a
-- transaction-mode pooler. Whatever a leader does, it locks that row in the same transaction and fails if the epoch
-- has moved on: a worker that was paused cannot act late.

create table clinic.worker_leases (
  name text not null default 'leader',
  holder uuid,
  epoch bigint not null default 0,
  acquired_at timestamptz not null default '-infinity',
  renewed_at timestamptz not null default '-infinity',
  lifetime interval not null default '3 seconds',
  constraint worker_leases_pkey primary key (name),
  constraint worker_leases_one_row check (name = 'leader')
)
with (fillfactor = 50);
comment on table clinic.worker_leases is 'Who leads the workers, and in which epoch. One row, renewed every half second.';

insert into clinic.worker_leases default values;

create table clinic.workers (
  id uuid not null,
  host text not null,
  version text not null,
  started_at timestamptz not null,
  seen_at timestamptz not null,
  constraint workers_pkey primary key (id)
);
comment on table clinic.workers is 'The workers that reported lately, leader and standbys alike.';

create function clinic.known_jobs()
returns text []
language sql
immutable
set search_path = ''
as $$
  select array[
    'expire_reservations', 'maintain_partitions', 'purge_idempotency_keys', 'purge_slot_offers',
    'refresh_daily_metrics', 'verify_invariants', 'flag_no_shows', 'apply_retention', 'sweep_messages', 'ask_recalls'
  ];
$$;
comment on function clinic.known_jobs is 'The jobs there are, each a function of this name.';

create table clinic.job_runs (
  id uuid not null,
  job text not null,
  cause text not null,
  tick timestamptz,
  attempt integer not null default 1,
  worker uuid not null,
  epoch bigint,
  state text not null default 'running',
  affected bigint not null default 0,
  batches integer not null default 0,
  error text,
  started_at timestamptz not null default clock_timestamp(),
  touched_at timestamptz not null default clock_timestamp(),
  finished_at timestamptz,
  constraint job_runs_pkey primary key (id),
  constraint job_runs_job_known check (job = any (clinic.known_jobs())),
  constraint job_runs_cause_known check (cause in ('schedule', 'wake', 'manual')),
  constraint job_runs_state_known check (state in ('running', 'succeeded', 'failed', 'abandoned'))
);
comment on table clinic.job_runs is 'What the worker did: one row a run, written in the transaction of the run''s own batches.';
comment on column clinic.job_runs.tick is 'The instant of the schedule this run answers; null when a hold''s end or a person started it.';
comment on column clinic.job_runs.epoch is 'The epoch of the leader that ran it; null when a person did.';
comment on column clinic.job_runs.affected is 'Rows the job changed, over all its batches.';

-- These two are the guarantee, whoever runs what: a job never overlaps itself, and no tick succeeds twice.
create unique index job_runs_one_at_a_time on clinic.job_runs (job) where state = 'running';
create unique index job_runs_once_a_tick on clinic.job_runs (job, tick)
where tick is not null and state in ('running', 'succeeded');
create index job_runs_job_started_at on clinic.job_runs (job, started_at desc);
create index job_runs_started_at on clinic.job_runs (started_at);
-- The last success is found at once, however many failures came after it.
create index job_runs_succeeded on clinic.job_runs (job, started_at desc) where state = 'succeeded';

alter table clinic.worker_leases enable row level security;
alter table clinic.workers enable row level security;
alter table clinic.job_runs enable row level security;

create policy worker_leases_are_for_the_service on clinic.worker_leases
  for select to service_role
  using (true);
grant select on clinic.worker_leases to service_role;

create policy workers_are_for_the_service on clinic.workers
  for select to service_role
  using (true);
grant select on clinic.workers to service_role;

create policy job_runs_are_for_admins on clinic.job_runs
  for select to authenticated
  using ((select clinic.my_clinics('{admin}')) <> '{}');
grant select on clinic.job_runs to authenticated, service_role;

create view api.job_runs
with (security_invoker = true) as
  select
    r.id,
    r.job,
    r.cause,
    r.tick,
    r.attempt,
    r.state,
    r.affected,
    r.batches,
    r.error,
    r.started_at,
    r.finished_at
  from clinic.job_runs as r;
comment on view api.job_runs is
'What the worker did and when, for admins of any clinic: its jobs serve all clinics at once and name none.';
grant select on api.job_runs to authenticated, service_role;

-- The database's clock alone counts. It may be set back under us: a renewal far in the future does not count as one.
create function clinic.is_lease_live(lease clinic.worker_leases)
returns boolean
language sql
volatile
set search_path = ''
as $$
  select lease.renewed_at > clock_timestamp() - lease.lifetime
    and lease.renewed_at < clock_timestamp() + lease.lifetime
$$;

create function clinic.acquire_lease(worker uuid, lifetime interval)
returns bigint
language plpgsql
volatile
security definer -- reads and writes tables that the worker's role may not
set search_path = ''
as $$
declare
  v_now constant timestamptz := clock_timestamp();
  v_epoch bigint;
begin
  update clinic.worker_leases as l
  set renewed_at = v_now, lifetime = acquire_lease.lifetime
  where l.holder = acquire_lease.worker and clinic.is_lease_live(l)
  returning l.epoch into v_epoch;

  if found then
    return v_epoch;
  end if;

  -- Conflicts with hold_lease: an epoch ends only when what was done under it is committed. Never waits.
  perform from clinic.worker_leases as l
  where not clinic.is_lease_live(l)
  for update skip locked;

  if not found then
    return null;
  end if;

  update clinic.worker_leases as l
  set holder = acquire_lease.worker, epoch = l.epoch + 1,
    acquired_at = v_now, renewed_at = v_now, lifetime = acquire_lease.lifetime
  where l.name = 'leader'
  returning l.epoch into v_epoch;

  update clinic.job_runs as r
  set state = 'abandoned', finished_at = v_now
  where r.state = 'running' and r.epoch < v_epoch;

  return v_epoch;
end
$$;
comment on function clinic.acquire_lease is
'Renew the caller''s leadership, or take it over if it ran out. Returns the epoch led, or null: somebody else leads.';
grant execute on function clinic.acquire_lease to chairtime_worker;

create function clinic.release_lease(worker uuid)
returns void
language sql
volatile
security definer -- reads and writes tables that the worker's role may not
set search_path = ''
as $$
  update clinic.worker_leases as l
  set holder = null, renewed_at = '-infinity'
  where l.holder = release_lease.worker
$$;
comment on function clinic.release_lease is
'Give leadership up, so that a standby need not wait for it to run out.';
grant execute on function clinic.release_lease to chairtime_worker;

-- The fence. Called last in every transaction of a leader: the lock keeps the epoch from ending before the commit,
-- and does not disturb renewals (they change no key).
create function clinic.hold_lease(worker uuid, epoch bigint)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
  perform from clinic.worker_leases as l
  where l.holder = hold_lease.worker and l.epoch = hold_lease.epoch and clinic.is_lease_live(l)
  for key share;

  if not found then
    raise exception 'worker % does not lead in epoch %', hold_lease.worker, hold_lease.epoch
      using errcode = 'CT001';
  end if;
end
$$;

create function clinic.schema_version()
returns text
language plpgsql
stable
set search_path = ''
as $$
declare
  v_version text;
begin
  -- The history is the migration tool's: there is none where the files were applied by hand.
  if to_regclass('supabase_migrations.schema_migrations') is not null then
    execute 'select max(m.version) from supabase_migrations.schema_migrations as m' into v_version;
  end if;
  return v_version;
end
$$;
comment on function clinic.schema_version is 'The version of the newest migration, null if migrations are not recorded.';

create function clinic.schema_digest(newest text)
returns text
language plpgsql
stable
security definer -- reads the history, which the worker's role may not
set search_path = ''
as $$
declare
  v_digest text;
begin
  if to_regclass('supabase_migrations.schema_migrations') is not null then
    execute $query$
      select encode(sha256(convert_to(string_agg(
        m.version || translate(array_to_string(m.statements, ''), E' \t\r\n\f\x0b;', ''), '' order by m.version collate "C"
      ), 'UTF8')), 'hex')
      from supabase_migrations.schema_migrations as m
      where m.version <= $1
      having bool_and(m.statements is not null)
    $query$ into v_digest using schema_digest.newest;
  end if;
  return v_digest;
end
$$;
comment on function clinic.schema_digest is
'A hash of what was applied up to a version: of each migration its version and its text, without blank space and semicolons.
Null if that is not recorded.';
grant execute on function clinic.schema_digest to chairtime_worker;

create function clinic.report_worker(worker uuid, host text, version text, started_at timestamptz)
returns text
language sql
volatile
security definer -- reads and writes tables that the worker's role may not
set search_path = ''
as $$
  insert into clinic.workers (id, host, version, started_at, seen_at)
  values (report_worker.worker, report_worker.host, report_worker.version, report_worker.started_at, clock_timestamp())
  on conflict on constraint workers_pkey do update set seen_at = excluded.seen_at;

  select clinic.schema_version();
$$;
comment on function clinic.report_worker is
'A sign of life, every ten seconds. Returns the version of the newest migration.';
grant execute on function clinic.report_worker to chairtime_worker;

create function clinic.list_jobs()
returns table (
  job text, last_tick timestamptz, last_success_at timestamptz, started_at timestamptz, finished_at timestamptz,
  state text, cause text, affected bigint, error text
)
language sql
stable
security definer -- reads a table that the worker's role may not
set search_path = ''
as $$
  select
    known.job, past.last_tick, past.last_success_at, newest.started_at, newest.finished_at,
    newest.state, newest.cause, newest.affected, newest.error
  from unnest(clinic.known_jobs()) as known (job)
  cross join lateral (
    select
      (
        select max(r.tick) from clinic.job_runs as r
        where r.job = known.job and r.tick is not null and r.state in ('running', 'succeeded')
      ) as last_tick,
      (
        select r.finished_at from clinic.job_runs as r
        where r.job = known.job and r.state = 'succeeded'
        order by r.started_at desc
        limit 1
      ) as last_success_at
  ) as past
  left join lateral (
    select r.* from clinic.job_runs as r
    where r.job = known.job
    order by r.started_at desc
    limit 1
  ) as newest on true;
$$;
comment on function clinic.list_jobs is
'Each job''s newest tick, its last success, and how its newest run went (null if it never ran).';
grant execute on function clinic.list_jobs to chairtime_worker;
