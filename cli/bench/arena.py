"""The clinic that bookings are measured on: dentists who work day and night, with a past and a future."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from hashlib import md5
from importlib.resources import files
from uuid import UUID

import psycopg

from cli.bench.ground import Ground
from cli.bench.pgbench import Result, run

# One step of each script; each client has a dentist and a patient of its own.
BARE_INSERT = """
insert into bench.occupancy (id, clinic_id, resource_id, cause, during)
values (
  gen_random_uuid(), bench.clinic(), bench.dentist(:client_id), 'appointment',
  tstzrange(bench.at(:number * 6), bench.at(:number * 6) + interval '30 minutes')
)
on conflict do nothing;
"""
BOOK = """
select api.book_appointment(
  dentist_id => bench.dentist(:client_id), appointment_type_id => bench.type(),
  starts_at => bench.at(:number * 6)::text, patient_id => bench.patient(:client_id)
);
"""


@dataclass
class Arena:
    """A database with the measured clinic in it. `url` is a superuser's."""

    url: str
    _steps: dict[str, int] = field(default_factory=dict)

    def run(
        self,
        script: str,
        *,
        calendar: str,
        clients: int,
        as_owner: bool = False,
        in_haste: bool = False,
        **length: float,
    ) -> Result:
        """Let clients take steps for so many `seconds` or `transactions`, each at the next number of a calendar.

        In haste nobody waits for the disk.
        """
        number = self._steps.get(calendar, 0)
        options = ({} if as_owner else desk()) | ({"synchronous_commit": "off"} if in_haste else {})
        script = f"\\set number :number + 1\n{script}"
        done = run(self.url, script, clients=clients, number=number, options=options, **length)  # type: ignore[arg-type]
        self._steps[calendar] = number + done.most + 1
        return done

    def doubles(self) -> dict[str, int]:
        """Count the pairs of bookings that lie over each other, by design."""
        with psycopg.connect(self.url) as connection:
            return dict(connection.execute("select design, number from bench.doubles").fetchall())


def desk() -> dict[str, str]:
    """Return the settings with which a connection acts as the clinic's receptionist."""
    return acting("authenticated", md5_id("desk 0"))


def acting(role: str, user: str | None = None) -> dict[str, str]:
    """Return the settings with which a connection acts for a user, or for anybody."""
    claims = {"sub": user, "role": role}
    told = {"request.jwt.claims": json.dumps(claims, separators=(",", ":"))} if user else {}
    return {"role": role, **told}


def md5_id(text: str) -> str:
    """Return the id that `bench.id` makes of a kind and a number."""
    return str(UUID(md5(text.encode()).hexdigest()))  # noqa: S324 - a name for a row, no secret


def monday_after_next() -> date:
    """Return the Monday after the next one, or after today: far enough for no notice to matter."""
    today = datetime.now(UTC).date()
    return today + timedelta(days=14 - today.weekday())


def furnish(url: str, spare: int = 64) -> date:
    """Make the measured clinic in a database, with visits to spare; return the day on which its future begins."""
    monday = monday_after_next()
    script = files("cli.bench").joinpath("arena.sql").read_text().format(monday=monday, spare=spare)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(script.encode())
        connection.execute("vacuum analyze")
    return monday


@contextmanager
def arena(ground: Ground, spare: int = 64) -> Iterator[Arena]:
    """Yield a fresh database with the measured clinic, and visits to spare, dropped afterwards."""
    with ground.database("arena") as url:
        furnish(url, spare)
        yield Arena(url)
