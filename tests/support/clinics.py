"""The seed's two clinics, and instants in their time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from tests.support.actors import Actors


@dataclass(frozen=True)
class Clinic:
    """One seeded clinic: ids by name, and its clock."""

    id: UUID
    slug: str
    zone: ZoneInfo
    dentists: dict[str, UUID]
    types: dict[str, UUID]
    lee: UUID
    other: UUID

    @property
    def checkup(self) -> UUID:
        """The 30-minute type without buffers."""
        return self.types["Check-up"]

    @property
    def cleaning(self) -> UUID:
        """Sakura's takes 45 minutes with a quarter of an hour after it, Riverside's a hygienist's hour."""
        return self.types["Cleaning"]

    @property
    def root_canal(self) -> UUID:
        """The 90-minute type with a quarter of an hour before and after."""
        return self.types["Root canal"]

    def today(self) -> date:
        """The clinic's current date."""
        return datetime.now(self.zone).date()

    def weekday(self, iso: int, weeks: int = 5) -> date:
        """An ISO weekday in the week that starts that many Mondays from now."""
        today = self.today()
        return today - timedelta(days=today.isoweekday() - iso) + timedelta(weeks=weeks)

    def at(self, clock: str, day: date | None = None) -> datetime:
        """An instant by the clinic's clock, on a Monday five weeks from now unless told otherwise."""
        return datetime.combine(day or self.weekday(1), time.fromisoformat(clock), self.zone)


def load_clinic(actors: Actors, slug: str) -> Clinic:
    """Read a seeded clinic."""
    connection = actors.superuser()
    clinic = connection.execute("select id, time_zone from clinic.clinics where slug = %s", [slug]).fetchone()
    assert clinic is not None

    def ids(table: str, name: str) -> dict[str, UUID]:
        query = f"select {name} as name, id from clinic.{table} where clinic_id = %s order by 1"
        return {row["name"]: row["id"] for row in connection.execute(query, [clinic["id"]])}  # type: ignore[arg-type]

    lee: dict[str, Any] = actors.superuser_row(
        "select d.id from clinic.dentists as d join auth.users as u on u.id = d.user_id where u.email = %s",
        f"lee@{slug}.test",
    )
    dentists = ids("dentists", "full_name")
    other = next(identifier for identifier in dentists.values() if identifier != lee["id"])
    zone = ZoneInfo(clinic["time_zone"])
    return Clinic(clinic["id"], slug, zone, dentists, ids("appointment_types", "name"), lee["id"], other)
