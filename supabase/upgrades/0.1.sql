-- From 0.1 to 0.2: the rows of the old tables, into the new ones.
--
-- 0.2 is built anew beside 0.1, under the same names: `chairtime migrate up` moves the schemas clinic and api to clinic_0_1
-- and api_0_1, runs the migrations up to the one below, and then this file, all in one transaction. Until it commits,
-- readers read 0.1; from the lock below on, writers wait. `chairtime migrate finish` drops what was left behind.
--
-- history: d04e76a81405411435c22a6d9c96087b2f2f9f75dc37f6c0aceb6deda3f3b67f
-- until: 20261101000000

-- The columns of a select stand as those of its insert do.
-- noqa: disable=LT09,ST05,ST09,AL08

-- What 0.1 took and 0.2 does not: names that are long, untidy or have control characters, and contacts that have those.
create function clinic_0_1.as_line(value text, max_length integer)
returns text
language sql
immutable
as $$
  select clinic.trimmed(left(
    regexp_replace(value, '[\u0001-\u001F\u007F-\u009F\u2028\u2029\u202A-\u202E\u2066-\u2069]+', ' ', 'g'), max_length
  ));
$$;

create function clinic_0_1.as_name(value text)
returns text
language sql
immutable
as $$
  select clinic.tidy_name(left(clinic.tidy_name(clinic_0_1.as_line(value, 2000)), 200));
$$;

-- The days that have events get their partitions while nobody waits.
select clinic.create_event_partitions(min(d.day), max(d.day))
from (
  select distinct (e.occurred_at at time zone 'UTC')::date as day from clinic_0_1.realtime_events as e
) as d
having count(*) > 0;

-- Most rows are events, and nobody changes those: what there is is copied now, and what is added meanwhile later.
create function clinic_0_1.copy_events()
returns void
language sql
volatile
as $$
  insert into clinic.realtime_events (
    id, occurred_at, xid, topics, event, entity, entity_id, clinic_id, dentist_id, dentist_seq, user_id, actor, payload
  )
  select
    e.id, e.occurred_at, e.xid, e.topics, e.event, e.entity, e.entity_id, e.clinic_id, e.dentist_id, e.dentist_seq,
    e.user_id, e.actor, e.payload
  from clinic_0_1.realtime_events as e
  where not exists (
    select from clinic.realtime_events as known
    where known.id = e.id and known.occurred_at = e.occurred_at
  );
$$;
select clinic_0_1.copy_events();
analyze clinic.realtime_events;

-- Triggers would announce, log and claim everything once more. Whether all is as they would have it is proved below.
create table clinic_0_1.silenced as
select t.tgrelid::regclass::text as relation, t.tgname::text as name, t.tgenabled = 'A' as is_always
from pg_catalog.pg_trigger as t
inner join pg_catalog.pg_class as c on t.tgrelid = c.oid
where c.relnamespace = 'clinic'::regnamespace and not t.tgisinternal and t.tgparentid = 0;

do $$
declare
  v_trigger record;
begin
  for v_trigger in select s.relation, s.name from clinic_0_1.silenced as s loop
    execute format('alter table %s disable trigger %I', v_trigger.relation, v_trigger.name);
  end loop;
end
$$;

-- From here on nobody writes. Who has begun to is waited for.
lock table
clinic_0_1.appointments, clinic_0_1.slot_reservations, clinic_0_1.time_off, clinic_0_1.occupancy,
clinic_0_1.idempotency_keys, clinic_0_1.working_hours, clinic_0_1.extra_hours, clinic_0_1.clinics, clinic_0_1.profiles,
clinic_0_1.staff, clinic_0_1.dentists, clinic_0_1.patients, clinic_0_1.appointment_types, clinic_0_1.slot_offers,
clinic_0_1.chatbot_patients, clinic_0_1.confirmation_codes, clinic_0_1.cancel_attempts, clinic_0_1.dentist_counters,
clinic_0_1.realtime_events, clinic_0_1.worker_leases, clinic_0_1.job_runs, clinic_0_1.event_cursors,
clinic_0_1.event_totals, clinic_0_1.daily_metrics, clinic_0_1.invariant_checks
in exclusive mode;

-- A user who goes is taken out of the old tables, too; their triggers would follow that into the new ones.
do $$
declare
  v_table text;
begin
  for v_table in
    select distinct t.tgrelid::regclass::text
    from pg_catalog.pg_trigger as t
    inner join pg_catalog.pg_class as c on t.tgrelid = c.oid
    where c.relnamespace = 'clinic_0_1'::regnamespace and not t.tgisinternal and t.tgparentid = 0
  loop
    execute format('alter table %s disable trigger user', v_table);
  end loop;
end
$$;


-- Clinics and people -------------------------------------------------------------------------------------------------
-- A clinic that never wrote to its patients does not begin to because of this: it gets no rules of messages.

insert into clinic.time_zones (name)
select distinct c.time_zone from clinic_0_1.clinics as c
on conflict do nothing;

insert into clinic.clinics (
  id, slug, name, time_zone, slot_interval, hold_duration, min_notice, booking_horizon, cancellation_notice,
  max_active_holds, created_at
)
select
  c.id, c.slug, coalesce(clinic_0_1.as_name(c.name), c.slug), c.time_zone, c.slot_interval, c.hold_duration, c.min_notice,
  c.booking_horizon, c.cancellation_notice, c.max_active_holds, c.created_at
from clinic_0_1.clinics as c;

-- Every user got an empty profile when the table was made. A locale of "en" is what 0.1 wrote where nobody had said any.
insert into clinic.profiles as p (user_id, full_name, phone, locale, created_at, updated_at)
select
  o.user_id, clinic_0_1.as_name(o.full_name), clinic_0_1.as_line(o.phone, 40), nullif(o.locale, 'en'), o.created_at,
  o.updated_at
from clinic_0_1.profiles as o
on conflict on constraint profiles_pkey do update set
  full_name = excluded.full_name, phone = excluded.phone, locale = excluded.locale, created_at = excluded.created_at,
  updated_at = excluded.updated_at;

insert into clinic.staff (clinic_id, user_id, role, created_at)
select s.clinic_id, s.user_id, s.role, s.created_at from clinic_0_1.staff as s;

insert into clinic.dentists (id, clinic_id, user_id, full_name, specialty, bio, is_active, created_at)
select
  d.id, d.clinic_id, d.user_id, coalesce(clinic_0_1.as_name(d.full_name), '?'), d.specialty, d.bio, d.is_active,
  d.created_at
from clinic_0_1.dentists as d;

insert into clinic.resources (id, clinic_id, kind, name, is_active, created_at)
select d.id, d.clinic_id, 'practitioner', d.full_name, d.is_active, d.created_at from clinic.dentists as d;

-- Where a patient came from was not written down; but a chatbot's are known, and who has a login came with it.
insert into clinic.patients (id, clinic_id, user_id, full_name, phone, email, source, created_at)
select
  p.id,
  p.clinic_id,
  p.user_id,
  coalesce(clinic_0_1.as_name(p.full_name), '?'),
  clinic_0_1.as_line(p.phone, 40),
  case when length(clinic_0_1.as_line(p.email, 320)) >= 3 then clinic_0_1.as_line(p.email, 320) end,
  case
    when exists (
      select from clinic_0_1.chatbot_patients as c
      where c.patient_id = p.id and c.clinic_id = p.clinic_id
    ) then 'chatbot'
    when p.user_id is not null then 'online'
    else 'desk'
  end,
  p.created_at
from clinic_0_1.patients as p;


-- Schedules ----------------------------------------------------------------------------------------------------------

insert into clinic.appointment_types (
  id, clinic_id, name, duration, buffer_before, buffer_after, is_active, created_at
)
select
  t.id,
  t.clinic_id,
  -- Two that only differed in their blanks differ by a number.
  clinic_0_1.as_name(concat_ws(' ', left(n.name, 190), nullif(row_number() over (
    partition by t.clinic_id, n.name order by t.created_at, t.id
  ), 1))),
  t.duration,
  t.buffer_before,
  t.buffer_after,
  t.is_active,
  t.created_at
from clinic_0_1.appointment_types as t
cross join lateral (select coalesce(clinic_0_1.as_name(t.name), '?') as name) as n;

-- In 0.1 everybody did everything.
insert into clinic.dentist_types (clinic_id, dentist_id, appointment_type_id)
select d.clinic_id, d.id, t.id
from clinic_0_1.dentists as d
inner join clinic_0_1.appointment_types as t on d.clinic_id = t.clinic_id;

insert into clinic.working_hours (id, clinic_id, dentist_id, weekday, opens, closes)
select w.id, w.clinic_id, w.dentist_id, w.weekday, w.opens, w.closes from clinic_0_1.working_hours as w;

insert into clinic.extra_hours (id, clinic_id, dentist_id, during, created_at)
select e.id, e.clinic_id, e.dentist_id, e.during, e.created_at from clinic_0_1.extra_hours as e;

insert into clinic.time_off (id, clinic_id, resource_id, during, reason, created_at)
select o.id, o.clinic_id, o.dentist_id, o.during, o.reason, o.created_at from clinic_0_1.time_off as o;


-- Visits -------------------------------------------------------------------------------------------------------------

insert into clinic.slot_reservations (
  id, clinic_id, dentist_id, appointment_type_id, patient_id, held_by, starts_at, ends_at, buffer_before, buffer_after,
  parts, expires_at, outcome, ended_at, created_at
)
select
  r.id, r.clinic_id, r.dentist_id, r.appointment_type_id, r.patient_id, r.held_by, r.starts_at, r.ends_at,
  r.buffer_before, r.buffer_after, '{}', r.expires_at, r.outcome, r.ended_at, r.created_at
from clinic_0_1.slot_reservations as r;

insert into clinic.appointments (
  id, clinic_id, dentist_id, patient_id, appointment_type_id, starts_at, ends_at, buffer_before, buffer_after, parts,
  status, notes, version, booked_by, source, created_at, updated_at, cancelled_at, cancellation_reason
)
select
  a.id, a.clinic_id, a.dentist_id, a.patient_id, a.appointment_type_id, a.starts_at, a.ends_at, a.buffer_before,
  a.buffer_after, '{}', a.status, a.notes, a.version, a.booked_by, a.source, a.created_at, a.updated_at, a.cancelled_at,
  a.cancellation_reason
from clinic_0_1.appointments as a;

insert into clinic.occupancy (id, clinic_id, resource_id, cause, during, expires_at)
select o.id, o.clinic_id, o.dentist_id, o.cause, o.during, o.expires_at from clinic_0_1.occupancy as o;

-- A request whose answer was lost comes again with its key and must be known again. That of book_appointment says more now.
insert into clinic.idempotency_keys (user_id, operation, key, request_hash, response, created_at)
select k.user_id, k.operation, k.key, coalesce(known.hash, k.request_hash), k.response, k.created_at
from clinic_0_1.idempotency_keys as k
left join lateral (
  select sha256(convert_to((asked.request || 'false'::jsonb)::text, 'UTF8')) as hash
  from (values (k.response -> 'patient_id'), ('null'::jsonb)) as p (patient_id)
  cross join lateral (
    select jsonb_build_array(
      k.response -> 'dentist_id', k.response -> 'appointment_type_id',
      extract(epoch from (k.response ->> 'starts_at')::timestamptz), p.patient_id, k.response -> 'notes'
    ) as request
  ) as asked
  where k.operation = 'book_appointment' and k.request_hash = sha256(convert_to(asked.request::text, 'UTF8'))
  order by p.patient_id
  limit 1
) as known on true;


-- Chatbots -----------------------------------------------------------------------------------------------------------

insert into clinic.slot_offers (
  token_hash, clinic_id, dentist_id, appointment_type_id, starts_at, ends_at, offered_to, reservation_id, expires_at,
  created_at
)
select
  o.token_hash, o.clinic_id, o.dentist_id, o.appointment_type_id, o.starts_at, o.ends_at, o.offered_to, o.reservation_id,
  o.expires_at, o.created_at
from clinic_0_1.slot_offers as o;

-- Names are compared without regard to case now, so two may have become one: the one that was there first.
insert into clinic.chatbot_patients (clinic_id, person_hash, patient_id, created_at)
select c.clinic_id, clinic.person_hash(p.full_name, p.phone), c.patient_id, c.created_at
from clinic_0_1.chatbot_patients as c
inner join clinic.patients as p on c.patient_id = p.id and c.clinic_id = p.clinic_id
order by c.created_at
on conflict do nothing;

insert into clinic.confirmation_codes (clinic_id, code, appointment_id, created_at)
select c.clinic_id, c.code, c.appointment_id, c.created_at from clinic_0_1.confirmation_codes as c;

insert into clinic.cancel_attempts (id, user_id, code_hash, phone_hash, attempted_at)
overriding system value
select c.id, c.user_id, c.code_hash, c.phone_hash, c.attempted_at from clinic_0_1.cancel_attempts as c;


-- Events -------------------------------------------------------------------------------------------------------------
-- Clients go on where they were: the same ids, and each calendar's next number.

select clinic_0_1.copy_events();

insert into clinic.dentist_counters (
  dentist_id, clinic_id, last_seq, public_seq, public_seq_before, staff_seq, staff_seq_before
)
select
  c.dentist_id, c.clinic_id, c.last_seq, c.public_seq, c.public_seq_before, c.staff_seq, c.staff_seq_before
from clinic_0_1.dentist_counters as c;

-- 0.1 read by windows of transactions, 0.2 reads by id: every reader goes on before the first event that it has not read.
create table clinic_0_1.unread as
select
  c.reader,
  coalesce(min(e.id) filter (
    where e.xid >= c.to_xid or e.xid >= c.from_xid and e.id > c.after_id
  ) - 1, max(e.id), 0) as after_id
from clinic_0_1.event_cursors as c
left join clinic_0_1.realtime_events as e on true
group by c.reader;

update clinic.event_cursors as n set after_id = u.after_id
from clinic_0_1.unread as u
where n.reader = u.reader;

-- All that is there is proved below.
update clinic.event_cursors
set after_id = (select coalesce(max(e.id), 0) from clinic_0_1.realtime_events as e)
where reader = 'proof';

-- What the log has read already and reads again is not counted twice.
insert into clinic.event_totals (event, total)
select t.event, t.total - count(e.id)
from clinic_0_1.event_totals as t
cross join clinic_0_1.event_cursors as c
inner join clinic_0_1.unread as u on c.reader = u.reader
left join clinic_0_1.realtime_events as e
  on t.event = e.event and e.id > u.after_id
  and (e.xid < c.from_xid or e.xid < c.to_xid and e.id <= c.after_id)
where c.reader = 'log'
group by t.event, t.total;


-- The worker, and numbers --------------------------------------------------------------------------------------------

update clinic.worker_leases as n set epoch = o.epoch
from clinic_0_1.worker_leases as o
where n.name = o.name;

insert into clinic.job_runs (
  id, job, cause, tick, attempt, worker, epoch, state, affected, batches, error, started_at, touched_at, finished_at
)
select
  j.id, j.job, j.cause, j.tick, j.attempt, j.worker, j.epoch,
  case j.state when 'running' then 'abandoned' else j.state end,
  j.affected, j.batches, j.error, j.started_at, j.touched_at,
  case j.state when 'running' then clock_timestamp() else j.finished_at end
from clinic_0_1.job_runs as j
where j.job = any (clinic.known_jobs());

insert into clinic.invariant_checks (violation, violations, checked_at)
select i.violation, i.violations, i.checked_at from clinic_0_1.invariant_checks as i;

insert into clinic.daily_metrics (
  clinic_id, day, booked, checked_in, fulfilled, cancelled, no_shows, bookings, cancellations, lead_time, holds,
  holds_confirmed, holds_released, holds_expired, refusals, working_minutes, booked_minutes, stale, refreshed_at
)
select
  m.clinic_id, m.day, m.booked, m.checked_in, m.fulfilled, m.cancelled, m.no_shows, m.bookings, m.cancellations,
  m.lead_time, m.holds, m.holds_confirmed, m.holds_released, m.holds_expired, m.refusals, m.working_minutes,
  m.booked_minutes, m.stale, m.refreshed_at
from clinic_0_1.daily_metrics as m;

update clinic.running_totals as t
set
  booked = m.booked, checked_in = m.checked_in, fulfilled = m.fulfilled, cancelled = m.cancelled, no_shows = m.no_shows,
  holds = m.holds, holds_confirmed = m.holds_confirmed, holds_released = m.holds_released, holds_expired = m.holds_expired
from (
  select
    coalesce(sum(d.booked), 0) as booked,
    coalesce(sum(d.checked_in), 0) as checked_in,
    coalesce(sum(d.fulfilled), 0) as fulfilled,
    coalesce(sum(d.cancelled), 0) as cancelled,
    coalesce(sum(d.no_shows), 0) as no_shows,
    coalesce(sum(d.holds), 0) as holds,
    coalesce(sum(d.holds_confirmed), 0) as holds_confirmed,
    coalesce(sum(d.holds_released), 0) as holds_released,
    coalesce(sum(d.holds_expired), 0) as holds_expired
  from clinic_0_1.daily_metrics as d
) as m;

insert into clinic.refusal_totals (clinic_id, total)
select m.clinic_id, sum(m.refusals)
from clinic_0_1.daily_metrics as m
group by m.clinic_id
having sum(m.refusals) > 0;

-- Counters go on counting: the events' ids, the attempts', and the refusals, by code and by clinic.
do $$
declare
  v_counter record;
begin
  for v_counter in
    select s.sequencename as name, s.last_value from pg_catalog.pg_sequences as s where s.schemaname = 'clinic_0_1'
  loop
    execute format('create sequence if not exists clinic.%I', v_counter.name);
    if v_counter.last_value is not null then
      perform setval(format('clinic.%I', v_counter.name)::regclass, v_counter.last_value);
    end if;
  end loop;
end
$$;


-- The end ------------------------------------------------------------------------------------------------------------

do $$
declare
  v_trigger record;
begin
  for v_trigger in select s.* from clinic_0_1.silenced as s loop
    execute format(
      'alter table %s enable %s trigger %I',
      v_trigger.relation, case when v_trigger.is_always then 'always' else '' end, v_trigger.name
    );
  end loop;
end
$$;

do $$
declare
  v_wrong text;
begin
  select string_agg(format('%s of %s', v.violation, v.entity_id), ', ') into v_wrong
  from (select c.violation, c.entity_id from clinic.check_invariants() as c limit 10) as v;
  if v_wrong is not null then
    raise exception 'chairtime: the calendar of 0.1 is not sound: %', v_wrong
      using errcode = 'integrity_constraint_violation', hint = 'Mend it in 0.1, then run this again. Nothing was changed.';
  end if;
end
$$;

-- Plans need statistics, and autovacuum comes late.
analyze
clinic.patients, clinic.appointments, clinic.slot_reservations, clinic.occupancy, clinic.working_hours,
clinic.dentist_counters, clinic.idempotency_keys, clinic.daily_metrics;

notify pgrst, 'reload schema';
