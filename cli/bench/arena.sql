-- The clinic on which bookings are measured: sixty-four dentists who work day and night, and a patient each. What
-- stands in braces is filled in by arena.py. pgbench scripts know numbers, not ids; these lie as far apart as real ones,
-- which matters to the ledger's index.
create schema bench;
create function bench.id(kind text, n bigint) returns uuid immutable language sql return md5(kind || ' ' || n)::uuid;
create function bench.clinic() returns uuid immutable language sql return bench.id('clinic', 0);
create function bench.type() returns uuid immutable language sql return bench.id('type', 0);
create function bench.dentist(n bigint) returns uuid immutable language sql return bench.id('dentist', n % 64);
create function bench.patient(n bigint) returns uuid immutable language sql return bench.id('patient', n % 64);
create function bench.at(n bigint) returns timestamptz immutable language sql
  return timestamptz '{monday} 00:00:00+00' + n * interval '5 minutes';

insert into auth.users (id, aud, role, email)
values (bench.id('desk', 0), 'authenticated', 'authenticated', 'desk@bench.test');
insert into clinic.clinics (id, slug, name, time_zone, slot_interval, booking_horizon)
values (bench.clinic(), 'bench', 'Bench', 'UTC', '5 minutes', '730 days');
insert into clinic.staff (clinic_id, user_id, role) values (bench.clinic(), bench.id('desk', 0), 'receptionist');
insert into clinic.appointment_types (id, clinic_id, name, duration)
values (bench.type(), bench.clinic(), 'Check-up', '30 minutes');
insert into clinic.dentists (id, clinic_id, full_name)
select bench.dentist(n), bench.clinic(), 'Dr. ' || n from generate_series(0, 63) as n;
insert into clinic.dentist_types (clinic_id, dentist_id, appointment_type_id)
select bench.clinic(), bench.dentist(n), bench.type() from generate_series(0, 63) as n;
-- What all want at once: eight do it, on the quarters of an hour.
insert into clinic.appointment_types (id, clinic_id, name, duration, slot_interval)
values (bench.id('type', 1), bench.clinic(), 'Wanted', '30 minutes', '15 minutes');
insert into clinic.dentist_types (clinic_id, dentist_id, appointment_type_id)
select bench.clinic(), bench.dentist(n), bench.id('type', 1) from generate_series(56, 63) as n;
insert into clinic.patients (id, clinic_id, full_name)
select bench.patient(n), bench.clinic(), 'Patient ' || n from generate_series(0, 63) as n;
insert into clinic.working_hours (clinic_id, dentist_id, weekday, opens, closes)
select bench.clinic(), bench.dentist(n), weekday, '00:00', '24:00'
from generate_series(0, 63) as n cross join generate_series(1, 7) as weekday;

-- A clinic with a past: on empty tables the first plans are sequential scans, and are kept. And a far future, for who moves
-- and cancels. As rows, for through the triggers it would take minutes.
set session_replication_role = replica;
alter table clinic.appointments disable trigger audit;
create temporary table filled as
select 'past' as kind, n, n % 64 as who, bench.at(- 6 * (n / 64 + 1)) as starts_at from generate_series(0, 9999) as n
union all
select k.kind, n, n % 8, bench.at(k.first + 6 * (n / 8))
from generate_series(0, {spare} - 1) as n cross join (values ('cancel', 1000000), ('move', 2000000)) as k (kind, first)
where k.kind = 'cancel' or n < 64;
insert into clinic.appointments (
  id, clinic_id, dentist_id, patient_id, appointment_type_id, starts_at, ends_at, buffer_before, buffer_after, parts, source
)
select
  bench.id(f.kind, f.n), bench.clinic(), bench.dentist(f.who), bench.patient(f.who), bench.type(),
  f.starts_at, f.starts_at + interval '30 minutes', '0', '0', '{{}}', 'desk'
from filled as f;
insert into clinic.occupancy (id, clinic_id, resource_id, cause, during)
select
  bench.id(f.kind, f.n), bench.clinic(), bench.dentist(f.who), 'appointment',
  tstzrange(f.starts_at, f.starts_at + interval '30 minutes')
from filled as f;
drop table filled;
alter table clinic.appointments enable always trigger audit;
reset session_replication_role;

-- The ledger without its rules: the same columns, indexes and constraints, and no trigger.
create table bench.occupancy (like clinic.occupancy including all);
alter table bench.occupancy add foreign key (resource_id, clinic_id) references clinic.resources (id, clinic_id);
insert into bench.occupancy select * from clinic.occupancy where lower(during) < bench.at(0);

-- The design this project grew out of: appointments under an index, events in a table, rules in the client. It asks whether
-- the dentist works, asks whether the time is free, writes the appointment, writes the event: four round trips, no lock.
create table bench.appointments (
  id uuid primary key default gen_random_uuid(),
  dentist_id uuid not null, patient_id uuid not null,
  starts_at timestamptz not null, ends_at timestamptz not null,
  status text not null default 'booked',
  foreign key (dentist_id, clinic_id) references clinic.dentists (id, clinic_id),
  clinic_id uuid not null default bench.clinic()
);
create index on bench.appointments (dentist_id, starts_at);
create index on bench.appointments (patient_id, starts_at);
create table bench.events (
  id bigint generated always as identity primary key, occurred_at timestamptz not null default now(),
  event text not null, appointment_id uuid, payload jsonb not null
);
insert into bench.appointments (id, dentist_id, patient_id, starts_at, ends_at)
select a.id, a.dentist_id, a.patient_id, a.starts_at, a.ends_at from clinic.appointments as a where a.starts_at < bench.at(0);

-- A race has losers, and pgbench ends with the first error: who loses is told in words.
create function bench.try_to_book(dentist_id uuid, starts_at timestamptz, patient_id uuid) returns text
language plpgsql volatile as $$
begin
  perform api.book_appointment(
    dentist_id => try_to_book.dentist_id, appointment_type_id => bench.id('type', 1),
    starts_at => try_to_book.starts_at::text, patient_id => try_to_book.patient_id
  );
  return 'booked';
exception
  when others then
    if sqlstate <> 'PGRST' then
      raise;
    end if;
    return sqlerrm::jsonb ->> 'code';
end
$$;
create view bench.doubles as
select 'ledger' as design, count(*) as number
from clinic.occupancy as a
inner join clinic.occupancy as b on a.resource_id = b.resource_id and a.during && b.during and a.id < b.id
union all
select 'four round trips', count(*)
from bench.appointments as a
inner join bench.appointments as b
  on a.dentist_id = b.dentist_id and a.starts_at < b.ends_at and b.starts_at < a.ends_at and a.id < b.id;

grant usage on schema bench to public;
grant execute on all functions in schema bench to public;
grant select, insert on all tables in schema bench to public;
