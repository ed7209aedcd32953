"""What is read all day: lists behind policies, searches, missed events, the proof, and a scrape."""

from __future__ import annotations

from contextlib import ExitStack

import psycopg

from cli.bench.arena import acting, arena, desk
from cli.bench.ground import Ground
from cli.bench.plans import Asker, Question, ask
from cli.bench.rounds import Chapter, Line, beside
from cli.bench.simulation import Practice, practices

TIMES = 20
PATIENTS = 100_000

FIFTY = "select * from {table} as a where {rows} and {when} order by a.starts_at {order} limit 50"


def lists(ground: Ground) -> Chapter:
    """Let each role list its appointments, and the owner of the tables the same ones."""
    size = ground.sizes[-1]
    ground.say(f"Lists behind policies, {size:,} appointments")
    practice = next(practices(ground.seed, size))[0]
    with ExitStack() as stack:
        url = ground.history(size)
        owner = Asker(url, {}, stack)
        questions: dict[str, Question] = {}
        for role, (user, rows) in _who(practice).items():
            asker = Asker(url, acting("authenticated", user), stack)
            for name, (when, order) in {
                "latest": ("true", "desc"),
                "coming": ("a.starts_at >= now()", "asc"),
            }.items():
                for mine, who, table, filtered in (
                    (f"{role}, {name}", asker, "api.appointments", "true"),
                    (f"owner, {role}'s {name}", owner, "clinic.appointments", rows),
                ):
                    questions[mine] = (who, FIFTY.format(table=table, rows=filtered, when=when, order=order))
        samples, pages = ask(questions, ground.rounds, TIMES // 2)
    names = list(questions)
    lines = [
        beside(samples, mine, owners, "ms", more={"pages": pages[mine], "their pages": pages[owners]})
        for mine, owners in zip(names[::2], names[1::2], strict=True)
    ]
    return Chapter(
        "lists",
        "Fifty appointments, behind policies",
        f"Milliseconds with {size:,} appointments of all clinics, asked for without saying whose; beside the owner's query,"
        " which has no policy to satisfy and says whose.",
        lines,
    )


def _who(practice: Practice) -> dict[str, tuple[str, str]]:
    leader = practice.leaders[0]
    patient = leader.patients[1]
    return {
        "receptionist": (practice.desk, f"a.clinic_id = '{practice.id}'"),
        "dentist": (leader.user_id, f"a.dentist_id = '{leader.id}' and a.clinic_id = '{practice.id}'"),
        "patient": (str(patient.user_id), f"a.patient_id = '{patient.id}' and a.clinic_id = '{practice.id}'"),
    }


TOWN = """
insert into clinic.patients (id, clinic_id, full_name, phone, email, birth_date)
select
  bench.id('town', n), bench.clinic(), initcap(f.name || ' ' || l.name || 'son'),
  '+1212' || lpad((n * 7919 % 10000000)::text, 7, '0'), 'p' || n || '@town.test', date '1930-01-01' + n * 31 % 33000
from generate_series(1, {patients}) as n
cross join lateral (select translate(left(md5('first ' || n % 997), 5), '0123456789', 'oiuaeybsmn') as name) as f
cross join lateral (select translate(left(md5('last ' || n % 9973), 6), '0123456789', 'oiuaeybsmn') as name) as l
"""
SEARCH = "select * from api.search_patients(bench.clinic(), '{words}')"
SCAN = """
select p.* from clinic.patients as p
where p.clinic_id = bench.clinic() and (p.full_name ilike '%{words}%' or p.phone like '%{words}%' or p.email ilike '%{words}%')
order by p.full_name limit 20
"""


def search(ground: Ground) -> Chapter:
    """Look for one patient among a hundred thousand."""
    ground.say(f"Searching among {PATIENTS:,} patients")
    with arena(ground) as hall, ExitStack() as stack:
        with psycopg.connect(hall.url, autocommit=True) as connection:
            connection.execute("alter table clinic.patients disable trigger audit")
            connection.execute(TOWN.format(patients=PATIENTS).encode())
            connection.execute("vacuum analyze clinic.patients")
            who = "select full_name, phone, email from clinic.patients where id = bench.id('town', 4711)"
            name, phone, email = connection.execute(who.encode()).fetchall()[0]
        wanted = {
            "a name": name,
            "a name's beginning": name[:4],
            "seven digits": phone[-7:],
            "an address": email,
        }
        receptionist, owner = Asker(hall.url, desk(), stack), Asker(hall.url, {}, stack)
        questions = {kind: (receptionist, SEARCH.format(words=words)) for kind, words in wanted.items()}
        questions |= {f"scan for {kind}": (owner, SCAN.format(words=words)) for kind, words in wanted.items()}
        samples, pages = ask(questions, ground.rounds, 5)
    lines = [beside(samples, kind, f"scan for {kind}", "ms", more={"pages": pages[kind]}) for kind in wanted]
    return Chapter(
        "search",
        "search_patients, beside ilike",
        f"Milliseconds, {PATIENTS:,} patients of one clinic; the scan reads them all, and knows no accents.",
        lines,
    )


MADE = "select clinic.create_event_partitions((now() - interval '2 days')::date, now()::date)"
EVENTS = """
insert into clinic.realtime_events (
  id, occurred_at, xid, topics, event, entity, entity_id, clinic_id, dentist_id, dentist_seq, payload
)
select
  nextval('clinic.realtime_events_id_seq'), now() - interval '0.1 seconds' * ({events} - n), '3'::xid8,
  array['clinic:' || bench.clinic(), 'dentist:' || bench.dentist(n)], 'appointment_booked', 'appointments',
  bench.id('event', n), bench.clinic(), bench.dentist(n), n / 64,
  jsonb_build_object('starts_at', bench.at(n), 'ends_at', bench.at(n + 6), 'status', 'booked')
from generate_series(1, {events}) as n
"""
SINCE = "select * from api.events_since('clinic:' || bench.clinic(), {after}, 100)"
ROWS = "select * from clinic.realtime_events as e where e.id > {after} order by e.id limit 100"


def events(ground: Ground) -> Chapter:
    """Ask for a hundred missed events, of few and of many."""
    count = 100_000 if ground.quick else 1_000_000
    ground.say(f"Asking for what was missed, {count:,} events")
    with arena(ground) as hall, ExitStack() as stack:
        with psycopg.connect(hall.url, autocommit=True) as connection:
            connection.execute(MADE)
            connection.execute(EVENTS.format(events=count).encode())
            connection.execute("vacuum analyze")
        receptionist, owner = Asker(hall.url, desk(), stack), Asker(hall.url, {}, stack)
        questions = {}
        for name, after in {"the last hundred": count - 100, "a hundred in the middle": count // 2}.items():
            questions[name] = (receptionist, SINCE.format(after=after))
            questions[f"rows of {name}"] = (owner, ROWS.format(after=after))
        samples, pages = ask(questions, ground.rounds, TIMES)
    lines = [
        beside(samples, name, f"rows of {name}", "ms", more={"pages": pages[name]})
        for name in questions
        if not name.startswith("rows of ")
    ]
    return Chapter(
        "events",
        "events_since, beside the rows by their ids",
        f"Milliseconds for a hundred of {count:,} events, with the right to hear the topic, in order and without gaps.",
        lines,
    )


# What the worker asks. A scrape would otherwise count; a slice of the proof would otherwise be the whole.
SCRAPE = "select clinic.worker_metrics()"
COUNTS = """
select a.clinic_id, a.status, count(*), count(*) filter (where a.starts_at > now()) from clinic.appointments as a group by 1, 2
"""
SLICE = "select clinic.verify_invariants()"
PROOF = "select count(*) from clinic.check_invariants()"
WHOLE = 100_000  # appointments, up to which the whole proof is asked for


def proofs(ground: Ground) -> Chapter:
    """Scrape and prove, in every history."""
    lines: list[Line] = []
    whole = WHOLE // 10 if ground.quick else WHOLE
    with ExitStack() as stack:
        for size in ground.sizes:
            ground.say(f"Proving and scraping, {size:,} appointments")
            worker = Asker(ground.history(size), {}, stack)
            questions = {
                "scrape": (worker, SCRAPE),
                "counting": (worker, COUNTS),
                "slice of the proof": (worker, SLICE),
            }
            samples, pages = ask(questions, ground.rounds, 3)
            prefix = f"{size:,}: "
            lines.append(
                beside(
                    samples,
                    "scrape",
                    "counting",
                    "ms",
                    prefix=prefix,
                    more={"pages": pages["scrape"], "appointments": size},
                )
            )
            against = "counting"
            if size <= whole:
                against = "whole proof"
                samples[against] = [worker.timed(PROOF, 1)] * ground.rounds
            more = {"pages": pages["slice of the proof"], "appointments": size}
            lines.append(beside(samples, "slice of the proof", against, "ms", prefix=prefix, more=more))
    return Chapter(
        "proofs",
        "A scrape and a slice of the proof, whatever the size",
        "Milliseconds. A scrape beside counting appointments by clinic and status; a thousand ids of the proof beside all of"
        f" it at once, which is asked for once a size, and not beyond {whole:,} appointments (there the slice stands beside counting).",
        lines,
    )
