-- A city: clinics, their people, and years of visits, as rows. What stands in braces is filled in by city.py.
-- Ids are drawn at random, as they are in life: what is near in time or of one clinic is not near in an index.
-- Each dentist sees patients of their own, so that nobody is in two chairs.
insert into clinic.clinics (slug, name, time_zone)
select 'city-' || n, 'City ' || n, (array['America/New_York', 'Asia/Tokyo', 'Europe/Zurich'])[1 + n % 3]
from generate_series(0, {clinics} - 1) as n;

set session_replication_role = replica;
create schema city;
create table city.clinics as
select c.id, substr(c.slug, 6)::integer as n, gen_random_uuid() as type_id
from clinic.clinics as c where c.slug like 'city-%';
insert into clinic.appointment_types (id, clinic_id, name, duration)
select c.type_id, c.id, 'Check-up', interval '30 minutes' from city.clinics as c;

create table city.people as
select gen_random_uuid() as id, c.id as clinic_id, c.n, r.role
from city.clinics as c
cross join unnest(array['admin', 'dentist', 'chatbot'] || array_fill('receptionist'::text, array[13])) as r (role);
create index on city.people (clinic_id, role);
insert into auth.users (id, aud, role, email)
select p.id, 'authenticated', 'authenticated', p.id || '@city.test' from city.people as p;
insert into clinic.profiles (user_id, full_name) select p.id, p.role || ' ' || p.n from city.people as p;
insert into clinic.staff (clinic_id, user_id, role) select p.clinic_id, p.id, p.role from city.people as p;

create table city.dentists as
select
  gen_random_uuid() as id, c.id as clinic_id, c.type_id, c.n * {dentists} + d as n,
  case d when 0 then (select p.id from city.people as p where p.clinic_id = c.id and p.role = 'dentist') end as user_id
from city.clinics as c cross join generate_series(0, {dentists} - 1) as d;
insert into clinic.dentists (id, clinic_id, user_id, full_name)
select d.id, d.clinic_id, d.user_id, 'Dr. ' || d.n from city.dentists as d;
insert into clinic.resources (id, clinic_id, kind, name)
select d.id, d.clinic_id, 'practitioner', 'Dr. ' || d.n from city.dentists as d;
insert into clinic.dentist_types (dentist_id, clinic_id, appointment_type_id)
select d.id, d.clinic_id, d.type_id from city.dentists as d;
insert into clinic.working_hours (clinic_id, dentist_id, weekday, opens, closes)
select d.clinic_id, d.id, w, '09:00', '17:00' from city.dentists as d cross join generate_series(1, 5) as w;

-- One patient in ten has a login.
create table city.patients as
select
  gen_random_uuid() as id, d.clinic_id, d.id as dentist_id, k,
  case when k % 10 = 0 then gen_random_uuid() end as user_id
from city.dentists as d cross join generate_series(0, {patients} - 1) as k;
insert into auth.users (id, aud, role, email)
select p.user_id, 'authenticated', 'authenticated', p.user_id || '@city.test' from city.patients as p where p.user_id is not null;
insert into clinic.profiles (user_id, full_name)
select p.user_id, 'Patient ' || p.k from city.patients as p where p.user_id is not null;
insert into clinic.patients (id, clinic_id, user_id, full_name, phone)
select p.id, p.clinic_id, p.user_id, 'Patient ' || p.k, '+1 555 ' || p.k from city.patients as p;
create index on city.patients (dentist_id, k);
analyze city.people, city.dentists, city.patients;

-- Every fifth patient has a guardian, who is somebody's patient with a login, and was invited once.
insert into clinic.guardians (clinic_id, patient_id, user_id)
select p.clinic_id, p.id, g.user_id
from city.patients as p
inner join city.patients as g on p.dentist_id = g.dentist_id and g.k = 0
where p.k % 5 = 1;
insert into clinic.invitations (clinic_id, patient_id, code_hash, expires_at)
select p.clinic_id, p.id, sha256(uuid_send(p.id)), now() + interval '1 day' from city.patients as p where p.k % 5 = 2;

-- Half-hours from 09:00 UTC, dealt round the days.
create table city.visits as
select
  gen_random_uuid() as id, d.clinic_id, d.id as dentist_id, d.type_id, p.id as patient_id, v.starts_at,
  case n % 10 when 0 then (select b.id from city.people as b where b.clinic_id = d.clinic_id and b.role = 'chatbot') end as booked_by
from (select d.id, d.clinic_id, d.type_id from city.dentists as d) as d
cross join generate_series(0, {visits} - 1) as n
inner join city.patients as p on p.dentist_id = d.id and p.k = n % {patients}
cross join lateral (
  select date_trunc('day', now()) + interval '9 hours' - interval '1 day' * {days}
    + interval '1 day' * (n % ({days} + 60)) + interval '30 minutes' * (n / ({days} + 60)) as starts_at
) as v;
insert into clinic.appointments (
  id, clinic_id, dentist_id, patient_id, appointment_type_id, starts_at, ends_at, buffer_before, buffer_after, parts,
  booked_by, source, created_at
)
select
  v.id, v.clinic_id, v.dentist_id, v.patient_id, v.type_id, v.starts_at, v.starts_at + interval '30 minutes', '0', '0',
  '{{}}', v.booked_by, case when v.booked_by is null then 'desk' else 'chatbot' end, v.starts_at - interval '20 days'
from city.visits as v;
insert into clinic.occupancy (id, clinic_id, resource_id, cause, during)
select v.id, v.clinic_id, v.dentist_id, 'appointment', tstzrange(v.starts_at, v.starts_at + interval '30 minutes')
from city.visits as v;

-- Confirmed holds behind every tenth visit, ten nights off for each dentist, and twenty events.
insert into clinic.slot_reservations (
  id, clinic_id, dentist_id, appointment_type_id, patient_id, starts_at, ends_at, buffer_before, buffer_after, parts,
  expires_at, outcome, ended_at, created_at
)
select
  v.id, v.clinic_id, v.dentist_id, v.type_id, v.patient_id, v.starts_at, v.starts_at + interval '30 minutes', '0', '0',
  '{{}}', now(), 'confirmed', now() - interval '1 day' * (hashint4(extract(epoch from v.starts_at)::integer) % 80), now()
from city.visits as v where v.booked_by is not null;
-- What a clinic sends by itself and in its own words; a reminder of every tenth visit, and what came back.
insert into clinic.message_rules (clinic_id, kind, channel, lead)
select c.id, 'reminder', 'sms', interval '1 hour' * k from city.clinics as c cross join generate_series(1, 10) as k;
insert into clinic.message_templates (clinic_id, kind, channel, locale, body)
select c.id, k.kind, 'sms', l.locale, 'Come' from city.clinics as c
cross join unnest(clinic.message_kinds()) as k (kind) cross join clinic.locales as l;
insert into clinic.messages (id, clinic_id, patient_id, appointment_id, kind, channel, starts_at, due_at, next_at, state)
select
  gen_random_uuid(), v.clinic_id, v.patient_id, v.id, 'reminder', 'sms', v.starts_at, d.at, case when d.at > now() then d.at end,
  case when d.at > now() then 'planned' else 'sent' end
from city.visits as v cross join lateral (select v.starts_at - interval '1 day' as at) as d where v.booked_by is not null;
insert into clinic.message_replies (sender, message_ref, clinic_id, patient_id, appointment_id, body, means, outcome, received_at)
select '', v.id, v.clinic_id, v.patient_id, v.id, 'C', 'confirm', 'confirmed', v.starts_at
from city.visits as v where v.booked_by is not null;
create table city.off as
select gen_random_uuid() as id, d.clinic_id, d.id as dentist_id, tstzrange(n.at, n.at + interval '8 hours') as during
from city.dentists as d
cross join lateral (
  select date_trunc('day', now()) + interval '22 hours' + interval '1 day' * k as at from generate_series(1, 10) as k
) as n;
insert into clinic.time_off (id, clinic_id, resource_id, during, reason)
select o.id, o.clinic_id, o.dentist_id, o.during, 'Night' from city.off as o;
insert into clinic.occupancy (id, clinic_id, resource_id, cause, during)
select o.id, o.clinic_id, o.dentist_id, 'time_off', o.during from city.off as o;
insert into clinic.realtime_events (
  id, occurred_at, xid, topics, event, entity, entity_id, clinic_id, dentist_id, dentist_seq, payload
)
select
  nextval('clinic.realtime_events_id_seq'), now() - interval '1 minute' * (k % 1000), pg_current_xact_id(),
  array['clinic:' || d.clinic_id], 'hours_changed', 'dentists', d.id, d.clinic_id, d.id, k, '{{}}'
from city.dentists as d cross join generate_series(1, 20) as k;
insert into clinic.audit_log (at, clinic_id, entity, entity_id, action, role, via, after)
select
  now() - interval '1 minute' * (k % 1000), d.clinic_id, 'dentists', d.id, 'update', 'admin', 'update_dentist', '{{"bio": "Kind"}}'
from city.dentists as d cross join generate_series(1, 20) as k;

insert into clinic.daily_metrics (clinic_id, day, booked, holds, holds_confirmed, bookings, working_minutes, booked_minutes, stale, refreshed_at)
select c.id, current_date - {days} + k, 3, 2, 1, 3, 1440, 90, false, now()
from city.clinics as c cross join generate_series(0, {days} + 60) as k;
reset session_replication_role;
vacuum analyze;
