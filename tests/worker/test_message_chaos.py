"""Three workers killed, stopped and cut off at random, carriers that fail, hang and forget to answer.

Twenty seconds in the suite; CHAIRTIME_MESSAGE_CHAOS=120 makes it two minutes with 500 visits.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.support.actors import Actors, Connection, call
from tests.support.clinics import Clinic
from tests.support.messages import never_quiet
from tests.worker.carriers import Asked, Carrier, Mailbox, carrier, mailing, posting, smtp_server
from tests.worker.processes import WorkerProcess
from tests.worker.support import cut_off, wait_until

pytestmark = pytest.mark.long

SECONDS = float(os.environ.get("CHAIRTIME_MESSAGE_CHAOS", "20"))
VISITS = round(SECONDS / 120 * 500)
SETTINGS = {
    "lease_lifetime": 1.5, "lease_interval": 0.3, "message_lease": 3, "message_timeout": 1.5,
    "message_rate": 100, "log_level": "info",
}  # fmt: skip

# What the outbox went through, and when.
WATCH = """
create table public.went_through (
  message_id uuid, state text, starts_at timestamptz, kind text, at timestamptz
);
create function public.watch() returns trigger language plpgsql security definer as $$
begin
  insert into public.went_through values (new.id, new.state, new.starts_at, new.kind, clock_timestamp());
  return null;
end
$$;
create trigger watch after insert or update of state on clinic.messages
for each row execute function public.watch();
"""
# Waits of minutes would make a test of hours.
HURRY = """
update clinic.messages set next_at = clock_timestamp()
where id in (
  select id from clinic.messages
  where (state = 'planned' and attempts > 0 or state = 'unknown')
    and next_at > clock_timestamp() + interval '1 second'
  for update skip locked
)
"""


@dataclass
class Truth:
    """What a visit was, from when on: its start, or None once it was cancelled."""

    told: list[tuple[datetime, datetime | None]] = field(default_factory=list)

    @property
    def last(self) -> datetime | None:
        """What it is in the end."""
        return self.told[-1][1]


class MoodyCarrier:
    """An SMS provider that knows keys; in a bad mood it fails before or after it delivered, or hangs."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.moody = True
        self.delivered: Counter[str] = Counter()
        self._lock = threading.Lock()

    def answer(self, asked: Asked) -> tuple[int, dict[str, str], Any] | None:
        """Deliver each key once."""
        with self._lock:
            mood = self.dice.random() if self.moody else 1.0
            if mood < 0.08:
                return 503, {"retry-after": "1"}, {}
            if mood < 0.14:
                return None
            self.delivered[asked.key] += asked.key not in self.delivered
        if mood < 0.22:
            return None
        if mood < 0.28:
            return 500, {}, {}
        if mood < 0.31:
            time.sleep(2.5)
        return 202, {}, {"id": asked.key}


class MoodyMailbox(Mailbox):
    """An SMTP server that refuses for a while, or takes a letter and hangs up."""

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """Draw a mood for each letter."""
        mood = random.random() if self.moody else 1.0  # noqa: S311 - chaos, not secrets
        self.hang_up = mood < 0.06
        self.refuse_letter = "451 not now" if mood > 0.9 and self.moody else None
        return await super().handle_DATA(server, session, envelope)

    moody: bool = True


@pytest.fixture
def clinic(root: Connection, riverside: Clinic) -> Clinic:
    """Riverside, whose every kind of message goes by both channels, at any hour."""
    never_quiet(root)
    root.execute("delete from clinic.message_rules where kind = 'reminder'")
    root.execute(
        "insert into clinic.message_rules (clinic_id, kind, channel)"
        " select %s, kind, 'sms' from unnest('{booked,moved,cancelled}'::text[]) as k (kind)",
        [riverside.id],
    )
    root.execute(WATCH)
    return riverside


def free_times(clinic: Clinic) -> Iterator[datetime]:
    """Slots of the dentist, on and on."""
    for week in range(2, 60):
        for day in range(1, 6):
            for clock in ("09:00", "09:30", "10:00", "10:30", "11:00", "11:30"):
                yield clinic.at(clock, clinic.weekday(day, weeks=week))


def live(actors: Actors, clinic: Clinic, dice: random.Random, until: float) -> dict[UUID, Truth]:
    """Book, move and cancel until the time is over; return what was true from when on."""
    desk, times = actors.user("desk@riverside.test"), free_times(clinic)
    truths: dict[UUID, Truth] = defaultdict(Truth)

    def note(visit: UUID, start: datetime | None) -> None:
        row = desk.execute("select clock_timestamp() as at").fetchone()
        assert row is not None
        truths[visit].told.append((row["at"], start))

    number, pause = 0, SECONDS / VISITS
    while time.monotonic() < until and number < VISITS:
        started, number = time.monotonic(), number + 1
        patient = call(
            desk, "create_patient", clinic_id=clinic.id, full_name=f"Patient {number}",
            phone=f"+1212556{number:04}", email=f"p{number}@patients.test",
        )  # fmt: skip
        start = next(times)
        visit = call(
            desk, "book_appointment", dentist_id=clinic.lee, appointment_type_id=clinic.checkup,
            starts_at=start, patient_id=patient["id"],
        )["id"]  # fmt: skip
        note(visit, start)
        booked = [one for one, truth in truths.items() if truth.last]
        for one in dice.sample(booked, min(len(booked), dice.choice([0, 1, 1, 2]))):
            if dice.random() < 0.5:
                start = next(times)
                call(desk, "reschedule_appointment", appointment_id=one, starts_at=start)
                note(one, start)
            else:
                call(desk, "cancel_appointment", appointment_id=one)
                note(one, None)
        time.sleep(max(0.0, pause - (time.monotonic() - started)))
    return truths


def harm(
    workers: list[WorkerProcess], start: Callable[[], WorkerProcess], dice: random.Random, root: Connection
) -> None:
    """Kill, stop or cut off one of the workers, the leader more often than not."""
    leading = [worker for worker in workers if worker.leads()]
    victim = dice.choice(leading if leading and dice.random() < 0.7 else workers)
    what = dice.random()
    if what < 0.35:
        victim.signal(signal.SIGSTOP)
        time.sleep(dice.uniform(1, 4.5))
        victim.signal(signal.SIGCONT)
    elif what < 0.75:
        victim.signal(dice.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM]))
        victim.wait_ended()
        workers[workers.index(victim)] = start()
    else:
        cut_off(root)


def is_quiet(root: Connection) -> bool:
    """Whether nothing is due or on its way any more."""
    root.execute(HURRY)
    waiting = "select from clinic.messages where channel in ('email', 'sms') and next_at is not null"
    return not root.execute(waiting).rowcount


def test_the_outbox_never_lies(
    start_worker: Callable[..., WorkerProcess],
    actors: Actors,
    root: Connection,
    clinic: Clinic,
    database: str,
) -> None:
    seed = random.randrange(2**32)  # noqa: S311 - chaos, not secrets
    print(f"seed {seed}")
    dice = random.Random(seed)  # noqa: S311
    mood = MoodyCarrier(random.Random(seed + 1))  # noqa: S311
    truths: dict[UUID, Truth] = {}
    until = time.monotonic() + SECONDS
    with carrier(mood.answer) as provider, smtp_server(MoodyMailbox) as box:
        settings = mailing(box) | posting(provider) | SETTINGS
        workers = [start_worker(**settings) for _ in range(3)]
        busy = threading.Thread(
            target=lambda: truths.update(live(actors, clinic, random.Random(seed + 2), until))  # noqa: S311
        )
        busy.start()
        with psycopg.connect(database, autocommit=True) as other:
            while time.monotonic() < until:
                harm(workers, lambda: start_worker(**settings), dice, root)
                other.execute(HURRY)
                time.sleep(dice.uniform(0.3, 1.5))
        busy.join()
        mood.moody = box.moody = False
        wait_until(lambda: is_quiet(root), "the outbox to be quiet", patience=90)
    assert len(truths) > VISITS / 3, "there was life"
    assert_nothing_untrue_was_leased(root, truths)
    assert_nothing_went_twice(mood, box)
    assert_doubts_are_shown(actors, root, provider, mood, box)
    assert_nothing_was_lost(root, truths)


def assert_nothing_untrue_was_leased(root: Connection, truths: dict[UUID, Truth]) -> None:
    leases = root.execute(
        "select w.kind, w.starts_at, w.at, m.appointment_id"
        " from public.went_through as w join clinic.messages as m on m.id = w.message_id"
        " where w.state = 'leased'"
    ).fetchall()
    assert len(leases) > len(truths)
    for lease in leases:
        told = truths[lease["appointment_id"]].told
        known = [start for at, start in told if at < lease["at"]]
        if known and known[-1] is None:
            assert lease["kind"] == "cancelled", lease
        elif known:
            # Or what was committed, and not noted yet.
            assert lease["starts_at"] in [*known[-1:], *(start for _, start in told[len(known) :])], lease


def assert_nothing_went_twice(mood: MoodyCarrier, box: Mailbox) -> None:
    assert mood.delivered
    assert set(mood.delivered.values()) == {1}
    letters = Counter(letter["message-id"] for letter in box.letters)
    assert max(letters.values()) == 1, "nor by SMTP, for what is in doubt is left alone"


def assert_doubts_are_shown(
    actors: Actors, root: Connection, provider: Carrier, mood: MoodyCarrier, box: Mailbox
) -> None:
    states = {str(row["id"]): row["state"] for row in root.execute("select id, state from clinic.messages")}
    letters = {letter["message-id"].strip("<>").partition("@")[0] for letter in box.letters}
    for arrived in (set(mood.delivered), letters):
        assert {states[key] for key in arrived} <= {"sent", "unknown"}, "what arrived is said to have"
        assert {key for key, state in states.items() if state == "sent"} <= set(mood.delivered) | letters
    desk = actors.user("desk@riverside.test")
    shown = {str(row["id"]) for row in desk.execute("select id from api.messages where state = 'unknown'")}
    assert shown == {key for key, state in states.items() if state == "unknown"}
    again = Counter(asked.key for asked in provider.asked)
    assert max(again.values()) > 1, "something was repeated"


def assert_nothing_was_lost(root: Connection, truths: dict[UUID, Truth]) -> None:
    rows = root.execute("select * from clinic.messages where appointment_id is not null").fetchall()
    for visit, truth in truths.items():
        for channel in ("email", "sms"):
            ours = [row for row in rows if (row["appointment_id"], row["channel"]) == (visit, channel)]
            assert all(row["state"] in ("sent", "unknown") or row["reason"] for row in ours), ours
            told = [row for row in ours if row["state"] in ("sent", "unknown")]
            last = {row["kind"] for row in told if row["starts_at"] == (truth.last or row["starts_at"])} & (
                {"booked", "moved"} if truth.last else {"cancelled"}
            )
            # Who was never told of a visit need not hear that there is none.
            assert last or not (truth.last or told), f"{visit} ends as {truth.last}, not told by {channel}"
