"""Clinics made to measure with chairs, devices and people who take part in visits that others lead."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from tests.support.actors import Actors, Connection, Row
from tests.support.build import WEEK, add_hours, insert, make_user

_numbers = count()


@dataclass
class Practice:
    """A clinic of one's own that has nothing and nobody yet but an admin and a receptionist."""

    superuser: Connection
    id: UUID
    zone: ZoneInfo
    users: dict[str, UUID] = field(default_factory=dict)

    def person(
        self, name: str, profession: str = "dentist", week: Iterable[tuple[int, str, str]] = WEEK, **row: Any
    ) -> UUID:
        """Add somebody who works in the week unless told otherwise; return their id."""
        identifier: UUID = row.pop("id", None) or uuid4()
        insert(
            self.superuser,
            "dentists",
            id=identifier,
            clinic_id=self.id,
            full_name=name,
            profession=profession,
            **row,
        )
        for weekday, opens, closes in week:
            add_hours(self.superuser, self.id, identifier, weekday, opens, closes)
        return identifier

    def thing(self, name: str, kind: str = "chair", **row: Any) -> UUID:
        """Add a chair or a device; return its id."""
        identifier = uuid4()
        insert(self.superuser, "resources", id=identifier, clinic_id=self.id, kind=kind, name=name, **row)
        return identifier

    def type(
        self,
        minutes: int,
        leaders: Iterable[UUID] | dict[UUID, int | None],
        parts: Iterable[Row] = (),
        **row: Any,
    ) -> UUID:
        """Add a type of visit: who leads it (and in how many minutes), and its parts.

        A part is a row of `type_parts`; minutes will do for its times. Part 0 is the leader's.
        """
        identifier = uuid4()
        insert(
            self.superuser,
            "appointment_types",
            id=identifier,
            clinic_id=self.id,
            **{"name": f"Type {next(_numbers)}", "duration": timedelta(minutes=minutes)} | row,
        )
        for leader in leaders:
            own = leaders[leader] if isinstance(leaders, dict) else None
            insert(
                self.superuser,
                "dentist_types",
                dentist_id=leader,
                clinic_id=self.id,
                appointment_type_id=identifier,
                duration=None if own is None else timedelta(minutes=own),
            )
        for number, part in enumerate(parts, 1):
            times = {
                name: timedelta(minutes=part[name])
                for name in ("starts_after", "lasts")
                if part.get(name) is not None
            }
            insert(
                self.superuser,
                "type_parts",
                appointment_type_id=identifier,
                clinic_id=self.id,
                **{"part": 0 if part["needs"] == "leader" else number} | part | times,
            )
        return identifier

    def patient(self, name: str = "Somebody") -> UUID:
        """Add a patient without a login, as the desk does."""
        identifier = uuid4()
        insert(self.superuser, "patients", id=identifier, clinic_id=self.id, full_name=name)
        return identifier

    def staff(self, actors: Actors, role: str, dentist: UUID | None = None) -> Connection:
        """Add somebody to the staff, as this dentist if one is named, and connect as them."""
        user = make_user(self.superuser, role.title())
        insert(self.superuser, "staff", clinic_id=self.id, user_id=user, role=role)
        if dentist:
            self.superuser.execute(
                "update clinic.dentists set user_id = %s where id = %s and clinic_id = %s",
                [user, dentist, self.id],
            )
        return actors.user(f"{user}@made.test")


def make_practice(superuser: Connection, time_zone: str = "America/New_York", **policy: Any) -> Practice:
    """Make a clinic without anybody in it, with this policy."""
    identifier, slug = uuid4(), f"practice-{uuid4().hex[:12]}-{next(_numbers)}"
    insert(superuser, "clinics", id=identifier, slug=slug, name=slug, time_zone=time_zone, **policy)
    return Practice(superuser, identifier, ZoneInfo(time_zone))


def parts_of(superuser: Connection, visit: UUID) -> list[Row]:
    """Return what the ledger has of a visit, part by part."""
    query = """
    select part, resource_id, lower(during) as starts_at, upper(during) as ends_at, is_squeezed, cause
    from clinic.occupancy where id = %s order by part
    """
    return superuser.execute(query, [visit]).fetchall()
