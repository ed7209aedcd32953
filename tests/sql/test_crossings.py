"""From the catalog: no row belongs to one clinic and refers to another's, and no policy shows it elsewhere.

What the catalog cannot tell, `tests.support.crossings` looks for in every database that a test gives back.
What each function refuses to people of other clinics stands in `tests/api/matrix.py`.
"""

from __future__ import annotations

import re
from uuid import uuid4

import pytest

from tests.support.actors import Connection
from tests.support.clinics import Clinic
from tests.support.crossings import LOOSE, crossings

# Numbers and digests that end in _id, or name what belongs to no clinic.
NO_ROWS = {
    "messages.lease_id": "a lease's random number",
    "realtime_events.user_id": "a login, which is nobody's but its owner's",
}
# May be without a clinic.
HOMELESS = {
    "audit_log": "profiles and logins belong to no clinic",
    "message_replies": "nobody may know whose the number is that wrote",
}
# Without a reference to a clinic.
LOGS = {
    "audit_log": "a log outlives what it tells of",
    "messages": "what was sent outlives what it was about",
    "realtime_events": "a log outlives what it tells of",
}
# What would refuse one clinic's row for the sake of another's.
JUDGES_OF_ALL = {
    "occupancy_no_overlap": "a dentist at two clinics is one person",
    "appointments_patient_no_overlap": "a patient's id is of one clinic: no reference crosses",
    "slot_reservations_offer_key": "a wish's id is of one clinic: no reference crosses",
    "message_replies_ref_key": "a carrier tells of a reply once, before anybody knows whose it is",
}
# Digests of random tokens, and random or counted ids.
IDS = r"UNIQUE .*\((id|id, at|id, occurred_at|token_hash|code_hash)\)$"
# What everybody sees of every clinic before they choose one.
PUBLIC = {
    "appointment_types",
    "dentists",
    "dentist_types",
    "extra_hours",
    "recall_types",
    "working_hours",
}

OF_CLINICS = """
  from pg_class as t inner join pg_attribute as a on t.oid = a.attrelid
  where t.relnamespace = 'clinic'::regnamespace and t.relkind in ('r', 'p') and not t.relispartition
    and a.attname = 'clinic_id'
"""


def names(connection: Connection, query: str) -> set[str]:
    return {str(row["name"]) for row in connection.execute(query.encode()).fetchall()}


def test_references_between_clinics_rows_carry_the_clinic(superuser: Connection) -> None:
    query = f"""
      with home as (select t.oid as relid, a.attnum {OF_CLINICS})
      select k.conname as name, (mine.attnum, theirs.attnum) in (
        select mine, theirs from unnest(k.conkey, k.confkey) as pair (mine, theirs)
      ) as is_bound
      from pg_constraint as k
      inner join home as mine on k.conrelid = mine.relid
      inner join home as theirs on k.confrelid = theirs.relid
      where k.contype = 'f'
    """
    found = superuser.execute(query.encode()).fetchall()
    assert len(found) > 20
    assert [row["name"] for row in found if not row["is_bound"]] == []


def test_every_clinics_row_refers_to_its_clinic(superuser: Connection) -> None:
    assert names(superuser, f"select t.relname as name {OF_CLINICS} and not a.attnotnull") == set(HOMELESS)
    bound = """
      select from pg_constraint as k
      where k.conrelid = t.oid and k.contype = 'f' and a.attnum = any(k.conkey)
    """
    assert names(superuser, f"select t.relname as name {OF_CLINICS} and not exists ({bound})") == set(LOGS)


def test_what_refers_without_a_foreign_key_is_known(superuser: Connection) -> None:
    query = f"""
      select t.relname || '.' || c.attname as name
      from pg_class as t inner join pg_attribute as c on t.oid = c.attrelid
      where t.oid in (select t.oid {OF_CLINICS}) and c.attname like '%\\_id' and c.attname <> 'clinic_id'
        and not exists (
          select from pg_constraint as k
          where k.conrelid = t.oid and k.contype = 'f' and c.attnum = any(k.conkey)
        )
    """
    assert names(superuser, query) == LOOSE.keys() | NO_ROWS.keys()


def test_no_key_compares_rows_of_two_clinics(superuser: Connection) -> None:
    query = f"""
      select i.indexrelid::regclass::text as name, pg_get_indexdef(i.indexrelid) as definition
      from pg_index as i
      where (i.indisunique or i.indisexclusion) and exists (
        select {OF_CLINICS} and t.oid = i.indrelid and a.attnum <> all (i.indkey)
      )
    """
    found = {row["name"]: row["definition"] for row in superuser.execute(query.encode()).fetchall()}
    judges = {name for name, definition in found.items() if not re.match(f"CREATE {IDS}", definition)}
    assert {name.removeprefix("clinic.") for name in judges} == set(JUDGES_OF_ALL)


OWN = re.compile(
    r"clinic_id = ANY \(\( SELECT clinic\.my_clinics\("  # where one works
    r"|, clinic_id\) IN \( SELECT .*\bFROM clinic\.my_calendars\(\)"  # a calendar of one's own there
    r"|= \( SELECT auth\.uid\(\)"  # oneself
    r"|\w+ = ANY \(\( SELECT clinic\.my_(patients|past_types|past_dentists)\(\)",  # one's own, anywhere
    re.DOTALL,
)


def is_bound(condition: str) -> bool:
    """Whether each alternative of a policy names one's clinics, or oneself."""
    for word, judge in ((" OR ", all), (" AND ", any)):
        pieces = split(condition, word)
        if len(pieces) > 1:
            return judge(map(is_bound, pieces))
    inner = condition.strip()
    if (
        inner.startswith("(")
        and split(inner[1:-1], " OR ") + split(inner[1:-1], " AND ") != [inner[1:-1]] * 2
    ):
        return is_bound(inner[1:-1])
    return bool(OWN.search(condition))


def split(condition: str, word: str) -> list[str]:
    """Cut at the word where it stands in no parentheses."""
    pieces, depth, start = [], 0, 0
    for at, letter in enumerate(condition):
        depth += (letter == "(") - (letter == ")")
        if depth == 0 and condition.startswith(word, at):
            pieces.append(condition[start:at])
            start = at + len(word)
    return [*pieces, condition[start:]]


def test_every_alternative_of_a_policy_names_ones_clinics_or_oneself(superuser: Connection) -> None:
    query = f"""
      select p.tablename as name, p.qual from pg_policies as p
      where p.schemaname = 'clinic' and p.roles <> '{{service_role}}'
        and p.tablename in (select t.relname {OF_CLINICS})
    """
    policies = superuser.execute(query.encode()).fetchall()
    assert len(policies) > 20
    assert {row["name"] for row in policies if not is_bound(row["qual"])} == PUBLIC


@pytest.mark.parametrize(
    ("condition", "bound"),
    [
        ("(clinic_id = ANY (( SELECT clinic.my_clinics('{admin}'::text[]) AS my_clinics)::uuid[]))", True),
        ("(user_id = ( SELECT auth.uid() AS uid))", True),
        ("((user_id = ( SELECT auth.uid() AS uid)) AND ((1 = 1) OR (id = clinic_id)))", True),
        ("((user_id = ( SELECT auth.uid() AS uid)) OR ((1 = 1) AND (id = clinic_id)))", False),
        ("((user_id = ( SELECT auth.uid() AS uid)) OR is_active)", False),
        ("(dentist_id = ANY (( SELECT clinic.my_dentists() AS my_dentists)::uuid[]))", False),
        ("true", False),
    ],
)
def test_a_policy_without_bounds_would_be_noticed(condition: str, bound: bool) -> None:
    assert is_bound(condition) is bound


@pytest.mark.parametrize(
    "crossing",
    [
        "topics = array['clinic:' || %(other)s]",
        "payload = jsonb_build_object('clinic_id', %(other)s::text)",
        "dentist_id = (select id from clinic.dentists where clinic_id = %(other)s limit 1)",
    ],
)
def test_an_event_that_tells_another_clinic_would_be_noticed(
    superuser: Connection, riverside: Clinic, sakura: Clinic, crossing: str
) -> None:
    event = """
      insert into clinic.realtime_events (
        id, occurred_at, xid, topics, event, entity, entity_id, clinic_id, payload
      )
      values (-1, now(), pg_current_xact_id(), array['clinic:' || %s], 'told', 'clinic', %s, %s, '{}')
    """
    with superuser.transaction(force_rollback=True):
        superuser.execute(event, [riverside.id, uuid4(), riverside.id])
        assert crossings(superuser) == []
        superuser.execute(
            f"update clinic.realtime_events set {crossing} where id = -1".encode(), {"other": sakura.id}
        )
        assert len(crossings(superuser)) == 1
