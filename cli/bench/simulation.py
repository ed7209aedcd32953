"""Clinics that never were: who works there, who comes, when they call, and what becomes of it.

The same seed, size and day give the same clinics, down to the ids. Calls arrive by hour and weekday, some for
today, most weeks ahead; one visit in nine is cancelled and its time mostly given to somebody else; some do not
come; parents bring a child after their own visit. One desk in four rarely says what became of a visit, and so
the ledger keeps a long past as well as a future.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random
from typing import NamedTuple
from zoneinfo import ZoneInfo

ZONES = ("America/New_York", "Europe/Zurich", "Asia/Tokyo")
LEADERS = 6
PATIENTS = 1000  # of each leader
VISITS = 100_000  # of a clinic, before there is another one
HORIZON = 120  # days ahead that the desk books
DEPTH = 12_000  # days, over thirty years: nothing is simulated before

OPEN = ((36, 48), (52, 68))  # quarters of an hour since midnight: 09:00 to 12:00, 13:00 to 17:00
DEMAND = (0.96, 0.92, 0.88, 0.92, 0.8)  # how much of the day is wanted, Monday to Friday
RUSH = {36: 1.0, 37: 1.0, 52: 0.75, 53: 0.8, 66: 0.85, 67: 0.7}  # of that, where it is not 0.9

# When people call: weights of the hours of a day, and of Monday to Sunday.
HOURS = (0, 0, 0, 0, 0, 0, 0, 1, 9, 14, 12, 8, 4, 7, 9, 8, 6, 4, 3, 3, 4, 4, 2, 1)
WEEKDAYS = (1.0, 0.85, 0.75, 0.75, 0.6, 0.15, 0.2)

CANCELLED, REBOOKED, NO_SHOW, FAMILY, ONLINE, CHATBOT = 0.11, 0.6, 0.04, 0.12, 0.25, 0.05
TIDY, UNTIDY = 0.95, 0.1  # how many visits are marked as fulfilled, by who does and by who mostly does not

SYLLABLES = "ba bri ca da dé el fa fi ga gö ha in ja ka la lé li ma mi mü na ni no o pa ra ri sa se ta to va"
ENDS = "nn ra s na lo tte ck ner berg son ez i"


class Kind(NamedTuple):
    """A type of visit; times in quarters of an hour. Its parts are what it needs beside its leader."""

    name: str
    weight: int
    before: int
    lasts: int
    after: int
    parts: tuple[str, ...]


KINDS = (
    Kind("Check-up", 50, 0, 2, 0, ()),
    Kind("Cleaning", 25, 0, 3, 1, ("chair",)),
    Kind("Filling", 20, 0, 3, 0, ("chair", "assistant")),
    Kind("Root canal", 5, 1, 6, 1, ("chair", "assistant")),
)


class Drawn(NamedTuple):
    """What chance says of one visit; leader and kind by their numbers, `at` in quarters of an hour."""

    back: int  # days before the last one that is booked
    leader: int
    kind: int
    at: int
    lead: int  # days from the call to the visit
    is_cancelled: bool


class Person(NamedTuple):
    """A patient of one leader. Children have a parent, whose login acts for them."""

    id: str
    user_id: str | None
    name: str
    phone: str
    email: str
    born: date
    guardian: str | None


@dataclass(frozen=True)
class Leader:
    """A dentist, with the chair and the assistant that the desk gives them, and their own patients."""

    id: str
    user_id: str
    chair: str
    assistant: str
    patients: list[Person]


@dataclass(frozen=True)
class Practice:
    """One clinic: its people and what can be booked there."""

    number: int
    id: str
    zone: str
    admin: str
    desk: str
    types: list[str]
    leaders: list[Leader]


def new_id(chance: Random) -> str:
    """Return a random id, 32 hexadecimal digits."""
    return f"{chance.getrandbits(128):032x}"


def people(chance: Random, size: int) -> Iterator[Person]:
    """Yield patients: of each five, the first two have logins, and the last two are the first one's children."""
    firsts = [(a + b).title() for a in SYLLABLES.split() for b in SYLLABLES.split()]
    lasts = [first + end for first in firsts for end in ENDS.split()]
    parent = None
    for n in range(size):
        place = n % 5
        user = new_id(chance) if place < 2 else None  # noqa: PLR2004 - as the docstring says
        parent = user if place == 0 else parent
        # Some names are frequent, most are not.
        name = f"{firsts[int(len(firsts) * chance.random() ** 3)]} {lasts[int(len(lasts) * chance.random() ** 3)]}"
        is_child = place > 2  # noqa: PLR2004
        born = date(2012 if is_child else 1930, 1, 1) + timedelta(
            days=chance.randrange(4000 if is_child else 27_000)
        )
        phone = f"+1{chance.randrange(200, 999)}555{n % 10_000:04}"
        yield Person(new_id(chance), user, name, phone, f"p{n}@town.test", born, parent if is_child else None)


def _leader(chance: Random) -> Leader:
    leader, login, chair, assistant = (new_id(chance) for _ in range(4))
    return Leader(leader, login, chair, assistant, list(people(chance, PATIENTS)))


def practices(seed: int, size: int) -> Iterator[tuple[Practice, int]]:
    """Yield the clinics that together have so many visits, each with how many are its own."""
    count = max(1, size // VISITS)
    for number in range(count):
        chance = Random(f"{seed}/{number}")  # noqa: S311 - the same clinics each time are the point
        leaders = [_leader(chance) for _ in range(LEADERS)]
        ids = [new_id(chance) for _ in range(3 + len(KINDS))]
        practice = Practice(number, ids[0], ZONES[number % len(ZONES)], ids[1], ids[2], ids[3:], leaders)
        yield practice, (number + 1) * size // count - number * size // count


class Calendar:
    """The days of one clinic as texts that Postgres reads, the last one first."""

    def __init__(self, zone: ZoneInfo, today: date) -> None:
        self.last = today + timedelta(days=HORIZON)
        days = [self.last - timedelta(days=n) for n in range(DEPTH + 2 * HORIZON)]
        self.days = [f"{day} " for day in days]
        self.offsets = [_offset(zone, day) for day in days]
        self.first_weekday = self.last.weekday()

    def weekday(self, back: int) -> int:
        """Return the weekday, Monday being 0, of the day that lies so many days before the last."""
        return (self.first_weekday - back) % 7


def _offset(zone: ZoneInfo, day: date) -> str:
    minutes = int((datetime.combine(day, time(12), zone).utcoffset() or timedelta(0)).total_seconds()) // 60
    return f"{minutes // 60:+03}:{minutes % 60:02}"


QUARTERS = [f"{quarter // 4:02}:{quarter % 4 * 15:02}:00" for quarter in range(24 * 4)]
SPANS = [f"{quarter // 4:02}:{quarter % 4 * 15:02}:00" for quarter in range(12)]


class Visits:
    """The visits of one clinic, from the last day that is booked backwards, as lines of COPY."""

    def __init__(self, practice: Practice, seed: int, today: date) -> None:
        self._practice = practice
        self._chance = Random(f"{seed}/{practice.number}/visits")  # noqa: S311
        self._calendar = Calendar(ZoneInfo(practice.zone), today)
        self._kinds = [number for number, kind in enumerate(KINDS) for _ in range(kind.weight)]
        self._hours = [hour for hour, weight in enumerate(HOURS) for _ in range(weight)]
        self._leads = [self._lead() for _ in range(4096)]
        self._marked = TIDY if practice.number % 4 else UNTIDY
        self._parts = [[_parts(leader, kind) for kind in KINDS] for leader in practice.leaders]

    def _lead(self) -> int:
        """Draw how many days ahead somebody calls: soon, some weeks, or at the last visit for the next."""
        kind = self._chance.random()
        if kind < 0.25:  # noqa: PLR2004
            return int(self._chance.random() * 3)
        return int(3 + 18 * self._chance.random()) if kind < 0.7 else int(60 + 60 * self._chance.random())  # noqa: PLR2004

    def lines(self, count: int) -> Iterator[tuple[str, str]]:
        """Yield so many visits, each as its line of `appointments` and its lines, if any, of `occupancy`."""
        drawn = self._all()
        for _ in range(count):
            yield next(drawn)

    def _all(self) -> Iterator[tuple[str, str]]:
        for back in range(DEPTH):
            weekday = self._calendar.weekday(back)
            if weekday < len(DEMAND):
                for number in range(len(self._practice.leaders)):
                    yield from self._day(back, number, DEMAND[weekday])

    def _day(self, back: int, number: int, demand: float) -> Iterator[tuple[str, str]]:
        """Fill one leader's day: a time that is not wanted stays free, one that is cancelled mostly does not."""
        random, patients = self._chance.random, self._practice.leaders[number].patients
        patient = 0
        for at, closes in OPEN:
            while at < closes:
                which = self._kinds[int(random() * len(self._kinds))]
                kind = KINDS[which]
                ends = at + kind.before + kind.lasts + kind.after
                lead = self._called(back)
                # Not wanted, or not yet: they call when it is today somewhere, or later.
                if random() > demand * RUSH.get(at, 0.9) or ends > closes or back + lead <= HORIZON + 1:
                    at += 1  # noqa: PLW2901 - the hand of the clock
                    continue
                is_cancelled = random() < CANCELLED
                child = patient + 3 if patient % 5 == 0 and random() < FAMILY else None
                patient = child or int(random() * len(patients))
                drawn = Drawn(back, number, which, at + kind.before, lead, is_cancelled)
                yield self._visit(drawn, patients[patient].id)
                if not (is_cancelled and random() < REBOOKED):
                    at = ends  # noqa: PLW2901

    def _called(self, back: int) -> int:
        """Draw the lead of a visit, on a weekday on which people call."""
        while True:
            lead = self._leads[int(self._chance.random() * 4096)]
            if self._chance.random() < WEEKDAYS[self._calendar.weekday(back + lead)]:
                return lead

    def _visit(self, drawn: Drawn, patient: str) -> tuple[str, str]:
        """Write one visit down: what was booked, when, how, and what became of it."""
        random, calendar, kind = self._chance.random, self._calendar, KINDS[drawn.kind]
        day, offset = calendar.days[drawn.back], calendar.offsets[drawn.back]
        called = drawn.back + drawn.lead
        hour = self._hours[int(random() * len(self._hours))] if drawn.lead else 7
        created = f"{calendar.days[called]}{hour:02}:{int(random() * 60):02}:00{calendar.offsets[called]}"
        status, version, cancelled = self._fate(drawn, created)
        chance = random()
        source = "online" if chance < ONLINE else "chatbot" if chance > 1 - CHATBOT else "desk"
        leader, parts = self._practice.leaders[drawn.leader], self._parts[drawn.leader][drawn.kind]
        identifier = new_id(self._chance)
        starts, ends = f"{day}{QUARTERS[drawn.at]}{offset}", f"{day}{QUARTERS[drawn.at + kind.lasts]}{offset}"
        row = (
            f"{identifier}\t{self._practice.id}\t{leader.id}\t{patient}\t{self._practice.types[drawn.kind]}"
            f"\t{starts}\t{ends}\t{SPANS[kind.before]}\t{SPANS[kind.after]}\t{parts}\t{status}\t{version}\t{source}"
            f"\t{created}\t{created}\t{cancelled}\n"
        )
        return row, self._claims(identifier, drawn) if status == "booked" else ""

    def _fate(self, drawn: Drawn, created: str) -> tuple[str, int, str]:
        """Draw what became of a visit: status, version, and when it was cancelled."""
        random, calendar = self._chance.random, self._calendar
        if drawn.is_cancelled:
            # Some morning between the call and the visit; at once, if there is none.
            called = drawn.back + drawn.lead
            then = max(called - int(random() * drawn.lead), HORIZON + 1)
            morning = f"{calendar.days[then]}08:30:00{calendar.offsets[then]}"
            return "cancelled", 2, morning if then < called else created
        if drawn.back > HORIZON and random() < self._marked:
            return ("no_show" if random() < NO_SHOW / self._marked else "fulfilled"), 3, "\\N"
        return "booked", 1, "\\N"

    def _claims(self, identifier: str, drawn: Drawn) -> str:
        """Claim the leader and the chair with the buffers, and the assistant without."""
        leader, kind, at = self._practice.leaders[drawn.leader], KINDS[drawn.kind], drawn.at
        whole = self._during(drawn.back, at - kind.before, at + kind.lasts + kind.after)
        claims = [(leader.id, whole)]
        if "chair" in kind.parts:
            claims.append((leader.chair, whole))
        if "assistant" in kind.parts:
            claims.append((leader.assistant, self._during(drawn.back, at, at + kind.lasts)))
        return "".join(
            f"{identifier}\t{part}\t{self._practice.id}\t{resource}\tappointment\t{during}\n"
            for part, (resource, during) in enumerate(claims)
        )

    def _during(self, back: int, starts: int, ends: int) -> str:
        day, offset = self._calendar.days[back], self._calendar.offsets[back]
        return f'["{day}{QUARTERS[starts]}{offset}","{day}{QUARTERS[ends]}{offset}")'


def _parts(leader: Leader, kind: Kind) -> str:
    """Write the parts of a visit as an array of clinic.visit_part."""
    takes = {"chair": leader.chair, "assistant": leader.assistant}
    rows = (f'"({n},{need},,00:00:00,,{takes[need]})"' for n, need in enumerate(kind.parts, 1))
    return f"{{{','.join(rows)}}}"
