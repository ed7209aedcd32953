"""Free slots of a week behind ever longer histories, beside an anti-join of all starts with the ledger."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import timedelta

from cli.bench.arena import acting, monday_after_next
from cli.bench.ground import Ground
from cli.bench.plans import Asker, ask
from cli.bench.rounds import Chapter, Line, beside
from cli.bench.simulation import KINDS, Practice, practices

TIMES = 40  # that a question is asked in a round

LIST = """
select * from api.available_slots(appointment_type_id => '{type}', from_date => '{monday}', to_date => '{friday}'{dentist})
"""
# What one would write first: every start of every window, unless something in the ledger overlaps it.
ANTI_JOIN = """
select h.dentist_id, s.starts_at, s.starts_at + interval '{lasts} minutes' as ends_at
from clinic.working_hours as h
inner join clinic.clinics as c on h.clinic_id = c.id
cross join lateral (select date '{monday}' + h.weekday - 1 as day) as d
cross join lateral generate_series(
  (d.day + h.opens) at time zone c.time_zone,
  (d.day + h.closes) at time zone c.time_zone - interval '{lasts} minutes',
  interval '15 minutes'
) as s (starts_at)
where
  h.clinic_id = '{clinic}' and h.dentist_id in (
    select t.dentist_id from clinic.dentist_types as t where t.clinic_id = h.clinic_id and t.appointment_type_id = '{type}'
  ){dentist}
  -- Not exists, but so that each start is looked up: joined, all starts meet the whole ledger.
  and (
    select true from clinic.occupancy as o
    where o.resource_id = h.dentist_id and o.during && tstzrange(s.starts_at, s.starts_at + interval '{lasts} minutes')
    limit 1
  ) is null
order by 2, 1
"""
CHECK_UP, FILLING = 0, 2
VIEWS = {
    "a dentist's week": (CHECK_UP, True),
    "a clinic's week": (CHECK_UP, False),
    "a dentist's week of parts": (FILLING, True),
}


def listing(ground: Ground) -> Chapter:
    """Ask for a week, the one after next, in every history."""
    lines: list[Line] = []
    with ExitStack() as stack:
        askers = {
            size: (
                Asker(ground.history(size), acting("anon") | {"pgrst.db_max_rows": "100000"}, stack),
                Asker(ground.history(size), {}, stack),
            )
            for size in ground.sizes
        }
        for view, (kind, of_one) in VIEWS.items():
            ground.say(f"Listing {view}")
            questions = {}
            for size, (anybody, owner) in askers.items():
                practice = next(practices(ground.seed, size))[0]
                questions[f"{view}, {size:,}"] = (
                    anybody,
                    _written(LIST, practice, kind, of_one, ", dentist_id => "),
                )
                questions[_other(view, size)] = (
                    owner,
                    _written(ANTI_JOIN, practice, kind, of_one, " and h.dentist_id = "),
                )
            samples, pages = ask(questions, ground.rounds, TIMES // 2 if ground.quick else TIMES)
            for size in ground.sizes:
                name, other = f"{view}, {size:,}", _other(view, size)
                more = {"pages": pages[name], "their pages": pages[other], "appointments": size}
                lines.append(beside(samples, name, other, "ms", more=more))
    return Chapter(
        "listing",
        "available_slots, beside an anti-join",
        "Milliseconds, and pages touched, of one week's free slots behind so many appointments. The anti-join looks only for"
        " overlaps with the leader: no buffers, no parts, no notice, no holidays, no holds that have run out.",
        lines,
    )


def _other(view: str, size: int) -> str:
    return f"anti-join, {view}, {size:,}"


def _written(text: str, practice: Practice, kind: int, of_one: bool, dentist: str) -> str:
    monday = monday_after_next()
    return text.format(
        clinic=practice.id,
        type=practice.types[kind],
        monday=monday,
        friday=monday + timedelta(days=4),
        lasts=15 * KINDS[kind].lasts,
        dentist=f"{dentist}'{practice.leaders[0].id}'" if of_one else "",
    )
