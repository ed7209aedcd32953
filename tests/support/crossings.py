"""Whatever a test did, no row and no event names something of a clinic that is not its own."""

from __future__ import annotations

import psycopg

# What names a row, but has no foreign key that would see to it that the row is of the same clinic.
LOOSE = {
    "appointments.series_id": "names a series, which is nothing but its visits",
    "audit_log.entity_id": "outlives what it names",
    "erasures.patient_id": "outlives what it names",
    "message_links.message_id": "may outlive its message",
    "message_replies.appointment_id": "outlives what it names",
    "messages.appointment_id": "outlives what it names",
    "messages.patient_id": "outlives what it names",
    "messages.recall_type_id": "outlives what it names",
    "realtime_events.dentist_id": "outlives what it names",
    "realtime_events.entity_id": "outlives what it names",
    "waitlist.moves_appointment_id": "outlives what it names",
}
_NAMED = (
    "appointments",
    "appointment_types",
    "dentists",
    "messages",
    "patients",
    "recall_types",
    "resources",
    "slot_reservations",
    "waitlist",
)
_ROWS = " union all ".join(
    (*(f"select id, clinic_id from clinic.{table}" for table in _NAMED), "select id, id from clinic.clinics")
)
# That a dentist of two clinics is taken at one is told at the other, with the claim's id: not who, not why.
_SHARED = """
  where not (
    t.entity = 'occupancy'
    and exists (select from clinic.dentists as d where d.id = t.dentist_id and d.clinic_id <> t.clinic_id)
  )
"""
_EXCEPT = {"realtime_events.entity_id": _SHARED}
_NAMES = " union all ".join(
    f"select '{name}', t.{name.partition('.')[2]}, t.clinic_id from clinic.{name.partition('.')[0]} as t"
    + _EXCEPT.get(name, "")
    for name in LOOSE
)
_QUERY = f"""
with
rows (id, clinic_id) as materialized ({_ROWS}),
names (name, id, clinic_id) as (
  {_NAMES}
  union all
  select 'realtime_events.payload', (e.payload ->> 'clinic_id')::uuid, e.clinic_id
  from clinic.realtime_events as e
  union all
  -- A patient's topic is a login's, which is nobody's but its owner's.
  select 'realtime_events.topics', split_part(t.topic, ':', 2)::uuid, e.clinic_id
  from clinic.realtime_events as e cross join unnest(e.topics) as t (topic)
  where clinic.is_topic(t.topic) and t.topic not like 'patient:%'
  union all
  select 'appointments of one series', other.id, a.clinic_id
  from clinic.appointments as a
  inner join clinic.appointments as other on a.series_id = other.series_id and a.clinic_id <> other.clinic_id
)
select distinct n.name || ' ' || n.id from names as n
where
  n.clinic_id is not null
  and exists (select from rows as r where r.id = n.id)
  and not exists (select from rows as r where r.id = n.id and r.clinic_id = n.clinic_id)
"""


def crossings(connection: psycopg.Connection) -> list[str]:
    """Name every reference to what is another clinic's alone."""
    return [
        row[0] for row in connection.cursor(row_factory=psycopg.rows.tuple_row).execute(_QUERY, prepare=True)
    ]
