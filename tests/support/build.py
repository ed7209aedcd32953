"""Clinics made to measure, with people of their own, for tests that want no one else around."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from psycopg import sql

from tests.support.actors import Connection
from tests.support.clinics import Clinic

ROLES = {"admin": "admin", "lee": "dentist", "desk": "receptionist", "bot": "chatbot"}
WEEK = [
    (weekday, opens, closes)
    for weekday in range(1, 6)
    for opens, closes in (("09:00", "12:00"), ("13:00", "17:00"))
]
TYPES = {"Check-up": (30, 0, 0), "Cleaning": (45, 0, 15), "Root canal": (90, 15, 15)}

_numbers = count()


def insert(connection: Connection, table: str, **values: Any) -> None:
    """Insert one row into a table of `clinic` as it is."""
    statement = sql.SQL("insert into clinic.{} ({}) values ({})").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, values)),
        sql.SQL(", ").join(map(sql.Placeholder, values)),
    )
    connection.execute(statement, values)


def make_user(connection: Connection, name: str = "Somebody") -> UUID:
    """Sign somebody up, as Supabase Auth does, and return their id."""
    identifier = uuid4()
    connection.execute(
        "insert into auth.users"
        " (id, aud, role, email, email_confirmed_at, created_at, updated_at, raw_user_meta_data)"
        " values (%(id)s, 'authenticated', 'authenticated', %(id)s || '@made.test', now(), now(), now(),"
        " jsonb_build_object('full_name', %(name)s::text))",
        {"id": identifier, "name": name},
    )
    return identifier


@dataclass(frozen=True)
class MadeClinic(Clinic):
    """A clinic of one's own: besides what every clinic has, the ids of its people by their seed names."""

    users: dict[str, UUID] = field(default_factory=dict)


def make_clinic(superuser: Connection, time_zone: str = "America/New_York", **policy: Any) -> MadeClinic:
    """Make a clinic as the seed makes `riverside`, but with two dentists, and with this policy."""
    slug = f"made-{uuid4().hex[:12]}-{next(_numbers)}"
    clinic = uuid4()
    # At once, or each of forty rows is a round trip, a commit and news for whoever listens.
    with superuser.pipeline(), superuser.transaction():
        insert(superuser, "clinics", id=clinic, slug=slug, name=slug, time_zone=time_zone, **policy)
        users = {name: make_user(superuser, name.title()) for name in ("admin", "lee", "desk", "bot")}
        for name, user in users.items():
            insert(superuser, "staff", clinic_id=clinic, user_id=user, role=ROLES[name])
        dentists = {name: uuid4() for name in ("lee", "other")}
        for name, dentist in dentists.items():
            row = {"id": dentist, "clinic_id": clinic, "user_id": users.get(name), "full_name": name.title()}
            insert(superuser, "dentists", **row)
            for weekday, opens, closes in WEEK:
                add_hours(superuser, clinic, dentist, weekday, opens, closes)
        types = {name: make_type(superuser, clinic, name, *minutes) for name, minutes in TYPES.items()}
    zone = ZoneInfo(time_zone)
    return MadeClinic(clinic, slug, zone, dentists, types, dentists["lee"], dentists["other"], users)


def add_hours(
    superuser: Connection, clinic: UUID, dentist: UUID, weekday: int, opens: str, closes: str
) -> None:
    """Give a dentist one weekly window by the clinic's clock."""
    row = {"clinic_id": clinic, "dentist_id": dentist, "weekday": weekday, "opens": opens, "closes": closes}
    insert(superuser, "working_hours", **row)


def make_type(
    superuser: Connection, clinic: UUID, name: str, minutes: int, before: int = 0, after: int = 0
) -> UUID:
    """Make an appointment type with a duration and buffers in minutes, led by all dentists there are."""
    identifier = uuid4()
    insert(
        superuser,
        "appointment_types",
        id=identifier,
        clinic_id=clinic,
        name=name,
        duration=timedelta(minutes=minutes),
        buffer_before=timedelta(minutes=before),
        buffer_after=timedelta(minutes=after),
    )
    superuser.execute(
        "insert into clinic.dentist_types (clinic_id, dentist_id, appointment_type_id)"
        " select clinic_id, id, %s from clinic.dentists where clinic_id = %s and profession = 'dentist'",
        [identifier, clinic],
    )
    return identifier
