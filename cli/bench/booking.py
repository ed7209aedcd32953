"""What a booking costs beside a bare insert, and beside the design this project grew out of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from cli.bench.arena import BARE_INSERT, BOOK, Arena, arena
from cli.bench.ground import Ground
from cli.bench.pgbench import CORES
from cli.bench.rounds import Chapter, Line, beside, take_turns

# With more clients than cores backends take turns, and each finds the caches full of the others' plans.
CROWDS = tuple(sorted({1, CORES, 8}))
SECONDS = 2
TRANSACTIONS = 150  # of each client and round, where what is there is used up
IN_HASTE = {"bare": 200, "old": 60, "real": 25, "move": 25, "cancel": 25}  # the same of a quick run

HOLD_AND_CONFIRM = """
select r.id as hold from api.reserve_slot(
  dentist_id => bench.dentist(:client_id), appointment_type_id => bench.type(),
  starts_at => bench.at(:number * 6)::text, patient_id => bench.patient(:client_id)
) as r \\gset
select api.confirm_reservation(reservation_id => :hold);
"""
MOVE = """
select api.reschedule_appointment(
  appointment_id => bench.id('move', :client_id), starts_at => bench.at(2100000 + :number * 6)::text
);
"""
CANCEL = "select api.cancel_appointment(appointment_id => bench.id('cancel', :number * 8 + :client_id));\n"

# As a server does that keeps its rules to itself, and asks with a key that may do anything.
FOUR_ROUND_TRIPS = """
select d.full_name, d.is_active from clinic.dentists as d where d.id = {dentist} and d.clinic_id = bench.clinic();
select count(*) as taken from bench.appointments as a
where
  (a.dentist_id = {dentist} or a.patient_id = bench.patient(:client_id)) and a.status = 'booked'
  and a.starts_at < {at} + interval '30 minutes' and a.ends_at > {at} \\gset
\\if :taken = 0
insert into bench.appointments (dentist_id, patient_id, starts_at, ends_at)
values ({dentist}, bench.patient(:client_id), {at}, {at} + interval '30 minutes') returning id as booked \\gset
insert into bench.events (event, appointment_id, payload)
values ('appointment_booked', :booked, jsonb_build_object('dentist_id', {dentist}, 'starts_at', {at}));
\\endif
"""
OLD_DESIGN = FOUR_ROUND_TRIPS.format(dentist="bench.dentist(:client_id)", at="bench.at(:number * 6)")

BARE, OLD, BOOKED = "bare insert", "four round trips", "book"


def booking(ground: Ground) -> Chapter:
    """Measure every step of a visit's life, at a client, a client a core, and eight."""
    spare = 8 * (TRANSACTIONS * ground.rounds * len(CROWDS) + 100)
    lines: list[Line] = []
    with arena(ground, spare) as hall:
        for clients in CROWDS:
            ground.say(f"Booking, {clients} at once")
            samples = take_turns(_contestants(hall, clients, ground.quick), ground.rounds)
            prefix = f"{clients} client{'s' if clients > 1 else ''}: "
            for name in samples:
                if name != BARE:
                    lines.append(beside(samples, name, BARE, "1/s", prefix=prefix))
            lines.append(beside(samples, BOOKED, OLD, "1/s", prefix=prefix))
    return Chapter(
        "booking",
        "Booking, beside a bare insert into the ledger",
        "Transactions a second of clients with a dentist and a patient each, on SQL connections; all events, broadcasts and"
        " the audit log are written. The bare insert has the ledger's columns, indexes and constraints, and no trigger.",
        lines,
    )


def _contestants(hall: Arena, clients: int, quick: bool) -> Mapping[str, Callable[[], float]]:
    scripts = {
        BARE: (BARE_INSERT, "bare", True),
        OLD: (OLD_DESIGN, "old", True),
        BOOKED: (BOOK, "real", False),
        "hold and confirm": (HOLD_AND_CONFIRM, "real", False),
        "move": (MOVE, "move", False),
        "cancel": (CANCEL, "cancel", False),
    }

    def speed(script: str, calendar: str, as_owner: bool) -> float:
        usual = (SECONDS, 0) if calendar != "cancel" else (0, TRANSACTIONS)
        seconds, transactions = (0, IN_HASTE[calendar]) if quick else usual
        return hall.run(
            script,
            calendar=calendar,
            clients=clients,
            as_owner=as_owner,
            seconds=seconds,
            transactions=transactions,
        ).per_second

    return {name: partial(speed, *script) for name, script in scripts.items()}
