"""The clinic that is measured: twenty dentists, and as long a history as one likes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from psycopg.rows import dict_row

from tests.support.build import MadeClinic, make_clinic
from tests.support.templates import cloned

# pgbench scripts know numbers, not ids; these lie as far apart as real ones, which matters to the ledger's
# index.
# Monday is that of the week after next.
HELPERS = """
create schema bench;
create table bench.occupancy (like clinic.occupancy including all);
alter table bench.occupancy
  add foreign key (resource_id, clinic_id) references clinic.resources (id, clinic_id);
create function bench.clinic() returns uuid immutable language sql return '{clinic}'::uuid;
create function bench.type() returns uuid immutable language sql return '{type}'::uuid;
create function bench.monday() returns date immutable language sql return '{monday}'::date;
create function bench.dentist(n bigint) returns uuid immutable language sql
  return md5('dentist ' || n % 20)::uuid;
create function bench.patient(n bigint) returns uuid immutable language sql
  return md5('patient ' || n % 20)::uuid;
create function bench.at(n bigint) returns timestamptz immutable language sql
  return timestamptz '{monday} 00:00:00+00' + n * interval '5 minutes';
grant usage on schema bench to public;
grant execute on all functions in schema bench to public;

insert into clinic.dentists (id, clinic_id, full_name)
select bench.dentist(n), bench.clinic(), 'Dr. ' || n from generate_series(0, 19) as n;
insert into clinic.dentist_types (clinic_id, dentist_id, appointment_type_id)
select bench.clinic(), bench.dentist(n), bench.type() from generate_series(0, 19) as n;
insert into clinic.patients (id, clinic_id, full_name)
select bench.patient(n), bench.clinic(), 'Patient ' || n from generate_series(0, 19) as n;
insert into clinic.working_hours (clinic_id, dentist_id, weekday, opens, closes)
select bench.clinic(), bench.dentist(n), weekday, opens, closes
from generate_series(0, 19) as n
cross join generate_series(1, 7) as weekday
cross join (values {windows}) as h (opens, closes)
where weekday <= {days};
"""

DAY_AND_NIGHT = {"windows": "('00:00'::time, '24:00'::time)", "days": 7}
OFFICE_HOURS = {"windows": "('09:00'::time, '12:00'::time), ('13:00', '17:00')", "days": 5}

# Half-hours of office days, fourteen a day with each dentist, from {first} days after Monday backwards.
# Claims and appointments are written as they are, for a million through the triggers takes an hour.
FILL = """
set session_replication_role = replica;
alter table clinic.appointments disable trigger audit;
create temporary table filled as
select
  gen_random_uuid() as id, bench.dentist(n) as dentist_id, bench.patient(n) as patient_id,
  timestamptz '{monday} 09:00:00+00'
    + interval '1 day' * ({first} - n / 280) + interval '30 minutes' * (n / 20 % 14) as starts_at
from generate_series(0, {size} - 1) as n
where hashint8(n) % 100 < {percent};
insert into clinic.appointments (
  id, clinic_id, dentist_id, patient_id, appointment_type_id,
  starts_at, ends_at, buffer_before, buffer_after, parts, source
)
select
  f.id, bench.clinic(), f.dentist_id, f.patient_id, bench.type(),
  f.starts_at, f.starts_at + interval '30 minutes', '0', '0', '{{}}', 'desk'
from filled as f;
insert into clinic.occupancy (id, clinic_id, resource_id, cause, during)
select
  f.id, bench.clinic(), f.dentist_id, 'appointment',
  tstzrange(f.starts_at, f.starts_at + interval '30 minutes')
from filled as f;
drop table filled;
alter table clinic.appointments enable always trigger audit;
reset session_replication_role;
"""

# Twelve chairs, ten devices, ten assistants: ten candidates for each of three parts, twelve for one chair.
PARTS = """
create function bench.thing(n bigint) returns uuid immutable language sql
  return md5('thing ' || n)::uuid;
create function bench.three_parts() returns uuid immutable language sql
  return 'b1000000-0000-4000-8000-000000000003'::uuid;
create function bench.one_chair() returns uuid immutable language sql
  return 'b1000000-0000-4000-8000-000000000001'::uuid;
insert into clinic.resources (id, clinic_id, kind, name)
select bench.thing(n), bench.clinic(), case when n < 12 then 'chair' else 'equipment' end, 'Thing ' || n
from generate_series(0, 21) as n;
insert into clinic.dentists (id, clinic_id, full_name, profession)
select bench.thing(n), bench.clinic(), 'Assistant ' || n, 'assistant' from generate_series(22, 31) as n;
insert into clinic.working_hours (clinic_id, dentist_id, weekday, opens, closes)
select bench.clinic(), bench.thing(n), h.weekday, h.opens, h.closes
from clinic.working_hours as h
cross join generate_series(22, 31) as n
where h.dentist_id = bench.dentist(0);
insert into clinic.appointment_types (id, clinic_id, name, duration) values
  (bench.three_parts(), bench.clinic(), 'Three parts', '30 minutes'),
  (bench.one_chair(), bench.clinic(), 'One chair', '30 minutes');
insert into clinic.dentist_types (clinic_id, dentist_id, appointment_type_id)
select bench.clinic(), bench.dentist(n), t.id
from generate_series(0, 19) as n
cross join (values (bench.three_parts()), (bench.one_chair())) as t (id);
insert into clinic.type_parts (
  appointment_type_id, clinic_id, part, needs, only_resources, starts_after, lasts
) values
  (bench.one_chair(), bench.clinic(), 1, 'chair', null, '0', null),
  (
    bench.three_parts(), bench.clinic(), 1, 'chair',
    array(select bench.thing(n) from generate_series(0, 9) as n), '0', null
  ),
  (bench.three_parts(), bench.clinic(), 2, 'equipment', null, '0', '15 minutes'),
  (bench.three_parts(), bench.clinic(), 3, 'assistant', null, '10 minutes', '10 minutes');
set session_replication_role = replica;
insert into clinic.occupancy (id, part, clinic_id, resource_id, cause, during)
select
  gen_random_uuid(), 1, bench.clinic(), bench.thing(n % 32), 'appointment',
  tstzrange(at.starts_at, at.starts_at + interval '30 minutes')
from generate_series(0, {size} - 1) as n
cross join lateral (
  select timestamptz '{monday} 09:00:00+00'
    + interval '1 day' * (4 - n / 448) + interval '30 minutes' * (n / 32 % 14) as starts_at
) as at
where hashint8(n) % 100 < 60;
reset session_replication_role;
"""


@dataclass(frozen=True)
class Arena:
    """A database with the measured clinic in it. `url` is a superuser's."""

    url: str
    clinic: MadeClinic

    @property
    def receptionist(self) -> dict[str, str]:
        """Settings with which a connection acts as the clinic's receptionist."""
        claims = {"sub": str(self.clinic.users["desk"]), "role": "authenticated"}
        return {"role": "authenticated", "request.jwt.claims": json.dumps(claims, separators=(",", ":"))}

    @property
    def anonymous(self) -> dict[str, str]:
        """Settings with which a connection acts for anybody."""
        return {"role": "anon"}

    def add_history(self, size: int) -> None:
        """Book that many appointments before the measured week, in the bare ledger too."""
        self._fill(-3, size, 100)
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(
                "insert into bench.occupancy (id, part, clinic_id, resource_id, cause, during)"
                " select id, part, clinic_id, resource_id, cause, during from clinic.occupancy"
            )
            connection.execute("vacuum analyze bench.occupancy")

    def add_week(self) -> None:
        """Book 60 percent of the measured week."""
        self._fill(4, 1400, 60)

    def add_parts(self, size: int) -> None:
        """Give the clinic chairs, devices and assistants, 60 percent busy, with so many claims in all."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            monday = self.clinic.weekday(1, weeks=2)
            connection.execute(PARTS.format(monday=monday, size=size).encode())
            connection.execute("vacuum analyze")

    def _fill(self, first: int, size: int, percent: int) -> None:
        monday = self.clinic.weekday(1, weeks=2)
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(FILL.format(monday=monday, first=first, size=size, percent=percent).encode())
            connection.execute("vacuum analyze")


@contextmanager
def arena(template: str, hours: dict[str, object]) -> Iterator[Arena]:
    """Yield a fresh database with a clinic of twenty dentists who work these hours, dropped afterwards."""
    with cloned(template) as url, psycopg.connect(url, autocommit=True, row_factory=dict_row) as connection:
        clinic = make_clinic(
            connection, "UTC", slot_interval="5 minutes" if hours is DAY_AND_NIGHT else "15 minutes"
        )
        connection.execute("delete from clinic.dentists where clinic_id = %s", [clinic.id])
        bound = {"clinic": clinic.id, "type": clinic.checkup, "monday": clinic.weekday(1, weeks=2)}
        connection.execute(HELPERS.format(**bound, **hours).encode())
        yield Arena(url, clinic)
