"""A city of clinics with years behind them, as rows: the functions would take an hour for a million."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from tests.support.actors import Connection

DENTISTS = 3


@dataclass(frozen=True)
class City:
    """How large a city is: clinics, days behind it, claims; and patients for each dentist."""

    clinics: int
    days: int
    claims: int
    patients: int = 50

    def build(self, superuser: Connection) -> None:
        """Write it into a migrated database."""
        visits = max(1, self.claims // (self.clinics * DENTISTS))
        size = {"clinics": self.clinics, "days": self.days, "visits": visits, "patients": self.patients}
        script = Path(__file__).with_suffix(".sql").read_text().format(dentists=DENTISTS, **size)
        for statement in script.split(";\n"):
            superuser.execute(statement.encode())


def somebody(superuser: Connection, role: str) -> UUID:
    """Return a login in the city: a member of staff by role, or a `patient`."""
    people = "select user_id as id from city.patients where user_id is not null"
    staff = "select id from city.people where role = %s and n = 7"
    row = superuser.execute(
        people if role == "patient" else staff, [] if role == "patient" else [role]
    ).fetchone()
    assert row is not None, role
    identifier: UUID = row["id"]
    return identifier
