"""Whatever a client sends, the answer is what was asked for or a coded 4xx, which leaves nothing behind."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api import matrix
from tests.api.world import World
from tests.support.draws import draws
from tests.support.stacks import Stack

pytestmark = pytest.mark.long

PARAMETERS = """
select
  p.proname as function,
  jsonb_object_agg(a.name, a.type::regtype::text) filter (where a.name is not null) as parameters
from pg_proc as p
left join lateral unnest(p.proargnames[:p.pronargs], p.proargtypes::oid[]) as a (name, type) on true
where p.pronamespace = 'api'::regnamespace
group by p.proname order by p.proname
"""

# Everything of the clinic and its people that a call could leave behind.
TRACES = """
select
  (select string_agg(t::text, '' order by t.id) from clinic.appointments t where t.clinic_id = %(clinic)s),
  (select string_agg(t::text, '' order by id) from clinic.slot_reservations t where t.clinic_id = %(clinic)s),
  (select string_agg(t::text, '' order by t.id, t.part) from clinic.occupancy as t
   where t.clinic_id = %(clinic)s),
  (select string_agg(t::text, '' order by t.id) from clinic.patients as t where t.clinic_id = %(clinic)s),
  (select string_agg(t::text, '' order by t.id) from clinic.dentists as t where t.clinic_id = %(clinic)s),
  (select string_agg(t::text, '' order by id) from clinic.appointment_types t where t.clinic_id = %(clinic)s),
  (select string_agg(t::text, '' order by t.id) from clinic.working_hours t where t.clinic_id = %(clinic)s),
  (select string_agg(t::text, '' order by t.id) from clinic.extra_hours as t where t.clinic_id = %(clinic)s),
  (select string_agg(t::text, '' order by t.id) from clinic.time_off as t where t.clinic_id = %(clinic)s),
  (select string_agg(t::text, '' order by t.id) from clinic.closures as t where t.clinic_id = %(clinic)s),
  (select string_agg(t::text, '' order by t.id) from clinic.resources as t where t.clinic_id = %(clinic)s),
  (select string_agg(t::text, '' order by t::text) from clinic.type_parts t where t.clinic_id = %(clinic)s),
  (select string_agg(t::text, '' order by t::text) from clinic.dentist_types t
   where t.clinic_id = %(clinic)s),
  (select string_agg(t::text, ',' order by t.user_id) from clinic.staff as t where t.clinic_id = %(clinic)s),
  (select string_agg(t::text, ',' order by t::text) from clinic.guardians t where t.clinic_id = %(clinic)s),
  (select string_agg(t::text, ',' order by t.id) from clinic.invitations as t where t.clinic_id = %(clinic)s),
  (select string_agg(t::text, ',' order by t.id) from clinic.erasures as t where t.clinic_id = %(clinic)s),
  (select string_agg(t::text, ',' order by t.id) from clinic.messages as t
   where t.clinic_id = %(clinic)s and t.state <> 'leased'),
  (select string_agg(t::text, ',' order by t.id) from clinic.message_replies t
   where t.clinic_id = %(clinic)s),
  (select string_agg(t::text, ',' order by t.id) from clinic.message_rules t where t.clinic_id = %(clinic)s),
  (select string_agg(t::text, ',' order by t::text) from clinic.message_templates t
   where t.clinic_id = %(clinic)s),
  (select string_agg(t::text, ',' order by t.token_hash) from clinic.message_links t
   where t.clinic_id = %(clinic)s),
  (select string_agg(t::text, ',' order by t::text) from clinic.stopped_addresses t
   where t.clinic_id = %(clinic)s),
  (select count(*) from clinic.join_attempts as t where t.user_id = any(%(users)s)),
  (select max(t.id) from clinic.audit_log as t where t.clinic_id = %(clinic)s),
  (select string_agg(t::text, '' order by t.user_id) from clinic.profiles t where t.user_id = any(%(users)s)),
  (select string_agg(t::text, ',' order by t.user_id, t.operation, t.key) from clinic.idempotency_keys as t
   where t.user_id = any(%(users)s)),
  (select max(t.id) from clinic.realtime_events as t where t.clinic_id = %(clinic)s),
  (select t::text from clinic.clinics as t where t.id = %(clinic)s)
"""

INSTANTS = (
    "infinity",
    "-infinity",
    "epoch",
    "now",
    "0001-01-01 BC",
    "294276-12-31T23:59:59Z",
    "2030-02-30",
    "25:00",
    "2030-01-01",
    "2030-01-01T09:00:00",
    "2030-01-01T09:00:00Z",
    "2030-01-01T09:00:00.123456+14:00",
)
INTERVALS = (
    "0",
    "-1 hour",
    "15 minutes",
    "1 mon -29 days",
    "178000000 years",
    "P1D",
    "infinity",
    "1 microsecond",
)
BIRTH_DATES = (
    "1984-02-29",
    "2023-02-29",
    "1874-12-31",
    "2999-01-01",
    "29.02.1984",
    "infinity",
    "\u0661\u0669\u0668\u0664-\u0660\u0662-\u0662\u0669",
)
CODES = ("AAAA-BBBB-CCCC", "\u00e4", "2" * 100, "2" * 101)
RUBBISH = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=50),
    st.sampled_from(["", " ", "\u0000", "null", "'; drop schema clinic; --", "🦷" * 100, "x" * 1_000_000]),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=3),
)

WINDOWS = st.fixed_dictionaries(
    {
        "weekday": st.integers(0, 8) | RUBBISH,
        "opens": st.sampled_from(["09:00", "25:00", "9"]) | RUBBISH,
    },
    optional={
        "closes": st.sampled_from(["12:00", "24:00", "08:00"]),
        "valid_from": st.sampled_from(["2030-01-01", "2030-02-30"]) | RUBBISH,
    },
)
PARTS = st.fixed_dictionaries(
    {"needs": st.sampled_from(["leader", "dentist", "hygienist", "chair", "equipment", "luck"]) | RUBBISH},
    optional={
        "starts_after": st.sampled_from(INTERVALS) | RUBBISH,
        "lasts": st.sampled_from(INTERVALS) | RUBBISH,
        "only_resources": st.lists(st.uuids().map(str), max_size=2) | RUBBISH,
    },
)

# What ends the caller is left out, for then nobody would be there any more.
ENDINGS = {"erase_me"}


class Fuzzed:
    """A furnished world, and what is known of its functions."""

    def __init__(self, stack: Stack) -> None:
        self.world = World(stack)
        self.functions = {
            row["function"]: row["parameters"] or {}
            for row in self.world.superuser.execute(PARAMETERS)  # type: ignore[call-overload]
            if row["function"] not in ENDINGS
        }
        self.clients = {actor: self.world.http(actor) for actor in matrix.ACTORS}
        self.ids = self._ids()
        self.tokens = [self.world.link(), self.world.link()]

    def _ids(self) -> list[str]:
        """Return ids of everything there is, some of which belong to others or to nobody."""
        world, clinic = self.world, self.world.clinic
        seed = world.superuser.execute(
            "select id from clinic.dentists where clinic_id <> %s limit 1", [clinic.id]
        )
        ids = [
            world.hold(),
            world.appointment(),
            world.appointment(clinic.other, world.walk_in),
            world.time_off(),
            world.extra_hours(),
            world.closure(),
            world.chair,
            world.walk_in,
            world.invited()["invitation_id"],
            world.message(),
            world.reply(),
            clinic.id,
            *clinic.dentists.values(),
            *clinic.types.values(),
            *world.users.values(),
            *(row["id"] for row in seed),
            "00000000-0000-0000-0000-000000000000",
        ]
        return [str(identifier) for identifier in ids]

    def traces(self) -> Any:
        """Return everything that is left in the database of this world."""
        bound = {"clinic": self.world.clinic.id, "users": list(self.world.users.values())}
        return self.world.superuser.execute(TRACES, bound).fetchone()

    def plausible(self, name: str, kind: str) -> st.SearchStrategy[Any]:
        """Draw values that have the right type, and may even make sense."""
        clinic = self.world.clinic
        texts = [
            "booked",
            "cancelled",
            "admin",
            "chatbot",
            "cancel",
            "reject",
            clinic.slug,
            "Check-up",
            "morning",
            "Europe/Berlin",
            f"clinic:{clinic.id}",
            f"availability:{clinic.id}",
            "+1 212 555 0100",
            "de",
        ]
        start = self.world.start()
        values: dict[str, st.SearchStrategy[Any]] = {
            "uuid": st.sampled_from(self.ids),
            "timestamp with time zone": st.sampled_from([start.isoformat(), *INSTANTS]),
            "date": st.sampled_from([start.date().isoformat(), *INSTANTS]),
            "interval": st.sampled_from(INTERVALS),
            "time without time zone": st.sampled_from(["08:00", "24:00", "25:99", "", "noon", "08:00+02"]),
            "integer": st.integers(-3, 3) | st.sampled_from([2**31 - 1, -(2**31), 2**31, 10**30]),
            "bigint": st.integers(-3, 3) | st.sampled_from([2**63 - 1, -(2**63), 2**63]),
            "boolean": st.booleans(),
            "text": st.sampled_from(texts) | st.text(max_size=20),
            "text[]": st.lists(
                st.sampled_from(["audience", "min_notice", *texts]) | st.text(max_size=5), max_size=3
            ),
            "smallint[]": st.lists(st.integers(-1, 9), max_size=3),
            "uuid[]": st.lists(st.sampled_from(self.ids), max_size=3),
            "jsonb": st.dictionaries(
                st.sampled_from(self.ids), st.sampled_from(INTERVALS) | RUBBISH, max_size=2
            )
            if name == "durations"
            else st.lists(WINDOWS | PARTS, max_size=3),
        }
        named = self.named()
        return named[name] if name in named else values[kind]

    def named(self) -> dict[str, st.SearchStrategy[Any]]:
        """Return what draws values for what no type tells, as they should be or nearly."""
        start = self.world.start().isoformat()
        visit = st.fixed_dictionaries(
            {
                "appointment_type_id": st.sampled_from([str(self.world.clinic.checkup), *self.ids]) | RUBBISH,
                "starts_at": st.sampled_from([start, *INSTANTS]) | RUBBISH,
            },
            optional={
                "patient_id": st.sampled_from([str(self.world.walk_in), *self.ids]) | RUBBISH,
                "dentist_id": st.sampled_from([str(self.world.clinic.lee), *self.ids]) | RUBBISH,
                "notes": RUBBISH,
                "colour": RUBBISH,
            },
        )
        rule = st.fixed_dictionaries(
            {"kind": st.sampled_from(["booked", "reminder"]), "channel": st.sampled_from(["email", "sms"])},
            optional={"lead": st.sampled_from(INTERVALS) | RUBBISH},
        )
        return {
            "birth_date": st.sampled_from(BIRTH_DATES),
            "code": st.sampled_from(CODES) | st.text(max_size=20),
            "visits": st.lists(visit, max_size=3),
            "token": st.sampled_from(self.tokens) | st.text(max_size=30),
            "action": st.sampled_from(["confirm", "move", "cancel", "note", "stop", "not_me"]) | RUBBISH,
            "kind": st.sampled_from(["booked", "reminder", "answer", "chair"]) | RUBBISH,
            "channel": st.sampled_from(["email", "sms", "fax"]) | RUBBISH,
            "body": st.sampled_from(["C", "X", "STOP", "1", "{date}", "{nobody}", "{"]) | RUBBISH,
            "rules": st.lists(rule | RUBBISH, max_size=3) | RUBBISH,
        }

    def arguments(self, function: str) -> st.SearchStrategy[dict[str, Any]]:
        """Draw a body for a function: all that is required and more or less of the rest."""
        known = {
            name: st.one_of(*[self.plausible(name, kind)] * 4, RUBBISH)
            for name, kind in self.functions[function].items()
        }
        return st.fixed_dictionaries({}, optional=known) | st.fixed_dictionaries(known)


@pytest.fixture(scope="module")
def fuzzed(stack: Stack) -> Any:
    """One world for all examples: what they leave behind is part of the test."""
    fuzzed = Fuzzed(stack)
    yield fuzzed
    fuzzed.world.close()


def send(client: httpx.Client, function: str, arguments: Any) -> httpx.Response:
    body = json.dumps(arguments)
    return client.post(f"/rpc/{function}", content=body, headers={"Content-Type": "application/json"})


@settings(max_examples=draws(150), deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_every_answer_is_a_success_or_a_coded_4xx_that_leaves_nothing_behind(
    fuzzed: Fuzzed, data: st.DataObject
) -> None:
    function = data.draw(st.sampled_from(sorted(fuzzed.functions)), "function")
    actor = data.draw(st.sampled_from(matrix.ACTORS), "actor")
    arguments = data.draw(fuzzed.arguments(function), "arguments")
    before = fuzzed.traces()
    answer = send(fuzzed.clients[actor], function, arguments)
    if not answer.is_success:
        assert 400 <= answer.status_code < 500, answer.text
        assert answer.json()["code"], answer.text
        assert fuzzed.traces() == before


def test_nothing_that_was_sent_has_broken_an_invariant(fuzzed: Fuzzed) -> None:
    assert fuzzed.world.superuser.execute("select * from clinic.check_invariants()").fetchall() == []


@pytest.mark.parametrize(
    "body", ["", "null", "[]", "{", '""', "[1,2]", '{"a"}', "\x00", '{"dentist_id": {}}']
)
def test_a_body_that_is_no_object_is_refused(stack: Stack, body: str) -> None:
    answer = stack.http().post(
        "/rpc/explain_slot", content=body, headers={"Content-Type": "application/json"}
    )
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.json()["code"]
