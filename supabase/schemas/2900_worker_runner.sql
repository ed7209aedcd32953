-- The runner: one call is one batch of one job, fenced and recorded, in one transaction.

create function clinic.do_job(job text, max_rows integer, retention interval)
returns integer
language sql
volatile
set search_path = ''
as $$
  select case job
    when 'expire_reservations' then clinic.expire_reservations(max_rows)
    when 'maintain_partitions' then clinic.maintain_partitions(max_rows, coalesce(retention, interval '90 days'))
    when 'purge_idempotency_keys' then clinic.purge_idempotency_keys(max_rows, coalesce(retention, interval '24 hours'))
    when 'purge_slot_offers' then clinic.purge_slot_offers(max_rows, coalesce(retention, interval '24 hours'))
    when 'refresh_daily_metrics' then clinic.refresh_daily_metrics(max_rows)
    when 'verify_invariants' then clinic.verify_invariants(max_rows)
    when 'flag_no_shows' then clinic.flag_no_shows(max_rows, coalesce(retention, interval '1 hour'))
    when 'apply_retention' then clinic.apply_retention(max_rows)
    when 'sweep_messages' then clinic.sweep_messages(max_rows)
    when 'ask_recalls' then clinic.ask_recalls(max_rows)
  end;
$$;
comment on function clinic.do_job is 'Calls the job of this name. Returns how many rows it did.';

create function clinic.begin_run(
  run uuid, job text, cause text, worker uuid, epoch bigint, tick timestamptz, attempt integer
)
returns text
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_state text;
begin
  select r.state into v_state from clinic.job_runs as r where r.id = begin_run.run for no key update;
  if found then
    return case v_state when 'running' then 'running' else 'gone' end;
  end if;

  -- A run that has not moved for long belongs to a process that died.
  update clinic.job_runs as r
  set state = 'abandoned', finished_at = clock_timestamp()
  where r.job = begin_run.job and r.state = 'running' and r.touched_at < clock_timestamp() - interval '2 minutes';

  insert into clinic.job_runs (id, job, cause, worker, epoch, tick, attempt)
  values (
    begin_run.run, begin_run.job, begin_run.cause, begin_run.worker, begin_run.epoch, begin_run.tick, begin_run.attempt
  )
  on conflict do nothing;
  if found then
    return 'running';
  end if;

  return case
    when exists (
      select from clinic.job_runs as r
      where r.job = begin_run.job and r.tick = begin_run.tick and r.state = 'succeeded'
    ) then 'done'
    else 'busy'
  end;
end
$$;
comment on function clinic.begin_run is
'Begins a run, or goes on with it: running. Otherwise why not: busy (another run of the job), done (this tick was run), gone (taken for dead).';

create function clinic.run_job(
  run uuid, job text, cause text, worker uuid, epoch bigint, tick timestamptz, attempt integer,
  max_rows integer, retention interval
)
returns table (state text, affected integer)
language plpgsql
volatile
security definer -- the jobs act on every clinic; which jobs there are is fixed, and a leader's epoch is checked
set search_path = ''
as $$
declare
  v_state text := clinic.begin_run(
    run_job.run, run_job.job, run_job.cause, run_job.worker, run_job.epoch, run_job.tick, run_job.attempt
  );
  v_affected integer := 0;
begin
  if v_state = 'running' then
    v_affected := clinic.do_job(run_job.job, run_job.max_rows, run_job.retention);
    v_state := case when v_affected < run_job.max_rows then 'succeeded' else 'running' end;
    update clinic.job_runs as r
    set
      state = v_state,
      affected = r.affected + v_affected,
      batches = r.batches + 1,
      touched_at = clock_timestamp(),
      finished_at = case v_state when 'succeeded' then clock_timestamp() end
    where r.id = run_job.run;
  end if;

  -- Last, so that a takeover need not wait for the job: whoever lost the lease meanwhile undoes it all.
  if run_job.epoch is not null then
    perform clinic.hold_lease(run_job.worker, run_job.epoch);
  end if;
  return query select v_state, v_affected;
end
$$;
comment on function clinic.run_job is
'One batch of a job. state is running (call again with the same run), succeeded, busy, done or gone. Errors: CT001 when the epoch is over.';
grant execute on function clinic.run_job to chairtime_worker;

create function clinic.record_job_failure(
  run uuid, job text, cause text, worker uuid, epoch bigint, tick timestamptz, attempt integer, error text
)
returns void
language sql
volatile
security definer -- writes job_runs, which the worker's role may not
set search_path = ''
as $$
  insert into clinic.job_runs as r (id, job, cause, worker, epoch, tick, attempt, state, error, finished_at)
  values (
    record_job_failure.run, record_job_failure.job, record_job_failure.cause, record_job_failure.worker,
    record_job_failure.epoch, record_job_failure.tick, record_job_failure.attempt,
    'failed', left(record_job_failure.error, 2000), clock_timestamp()
  )
  on conflict on constraint job_runs_pkey do update
  set state = 'failed', error = excluded.error, finished_at = excluded.finished_at
  where r.state = 'running';
$$;
comment on function clinic.record_job_failure is 'Records that a run failed. The failed batch was undone; earlier batches of the run stay.';
grant execute on function clinic.record_job_failure to chairtime_worker;

create function clinic.probe_topics(max_topics integer)
returns setof text
language sql
stable
security definer -- clinics are public, but the worker's role reads no table
set search_path = ''
as $$
  select 'availability:' || c.id
  from clinic.clinics as c
  left join lateral (
    select m.bookings from clinic.daily_metrics as m
    where m.clinic_id = c.id and m.day = (now() at time zone c.time_zone)::date
    order by m.day limit 1 -- a look-up for each clinic, never a scan of all days
  ) as today on true
  order by coalesce(today.bookings, 0) desc, c.created_at
  limit probe_topics.max_topics;
$$;
comment on function clinic.probe_topics is 'Public topics to measure delivery on, those of the busiest clinics first.';
grant execute on function clinic.probe_topics to chairtime_worker;
