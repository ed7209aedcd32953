"""A clinic that asks its staff for a second factor: without it they are nobody there, with it as before."""

from __future__ import annotations

from uuid import UUID

import pytest

from tests.support.actors import Actors, Connection, call
from tests.support.clinics import Clinic
from tests.support.people import record
from tests.support.refusals import refused
from tests.support.slots import book

STAFF = ("admin@riverside.test", "desk@riverside.test", "lee@riverside.test")
VIEWS = (
    "patients",
    "appointments",
    "staff",
    "guardians",
    "invitations",
    "audit_log",
    "time_off",
    "realtime_events",
)


def rows(connection: Connection) -> dict[str, int]:
    """Return how much of each view somebody sees."""
    return {view: connection.execute(f"select from api.{view}").rowcount for view in VIEWS}  # type: ignore[arg-type]


@pytest.fixture
def appointment(ana: Connection, desk: Connection, riverside: Clinic) -> UUID:
    """A visit, and a record, of which staff could read and change something."""
    record(desk, riverside, "Some One", staff_notes="Anxious")
    identifier: UUID = book(ana, riverside, riverside.at("09:00"))["id"]
    return identifier


def test_staff_without_a_second_factor_are_nobody_and_are_told_why(
    actors: Actors, admin: Connection, riverside: Clinic, appointment: UUID
) -> None:
    before = {who: rows(actors.user(who)) for who in STAFF}
    policy = {"clinic_id": riverside.id, "require_mfa": True}
    with refused("forbidden") as refusal:
        call(admin, "update_clinic_policy", **policy)
    assert "lock yourself out" in refusal.message
    careful = actors.user("admin@riverside.test", aal="aal2")
    assert call(careful, "update_clinic_policy", **policy)["require_mfa"] is True
    day = {"clinic_id": riverside.id, "day": riverside.weekday(1)}
    for who in STAFF:
        for weak in (
            actors.user(who),
            actors.user(who, aal="aal1"),
            actors.user(who, user_metadata={"aal": "aal2"}),
        ):
            seen = rows(weak)
            assert seen == dict.fromkeys(VIEWS, 0) | {"staff": 1}, (who, seen)
            with refused("forbidden") as refusal:
                call(weak, "clinic_day", **day)
            assert "second factor" in refusal.message
            with refused("forbidden"):
                call(weak, "search_patients", clinic_id=riverside.id, query="some")
            for function in ("cancel_appointment", "appointment_history", "update_appointment"):
                with refused("not_found", "forbidden"):
                    call(weak, function, appointment_id=appointment)
            with refused("not_found"):
                call(weak, "events_since", topic=f"clinic:{riverside.id}", after_id=0)
        strong = actors.user(who, aal="aal2")
        assert rows(strong) == before[who] | {
            view: rows(strong)[view] for view in ("audit_log", "realtime_events")
        }
        assert call(strong, "clinic_day", **day)["clinic_id"]
        assert call(strong, "appointment_history", appointment_id=appointment)
    with refused("forbidden"):
        call(admin, "update_clinic_policy", clinic_id=riverside.id, require_mfa=False)


def test_patients_chatbots_and_other_clinics_are_not_asked(
    actors: Actors, ana: Connection, riverside: Clinic, sakura: Clinic, appointment: UUID
) -> None:
    careful = actors.user("admin@riverside.test", aal="aal2")
    call(careful, "update_clinic_policy", clinic_id=riverside.id, require_mfa=True)
    assert call(ana, "update_appointment", appointment_id=appointment, notes="Mine")["notes"] == "Mine"
    bot = actors.user("bot@riverside.test")
    assert call(bot, "chatbot_find_slots", clinic_slug="riverside", service="Check-up")["offers"]
    assert call(actors.user("desk@sakura.test"), "clinic_day", clinic_id=sakura.id, day=sakura.weekday(1))
    assert call(actors.service_role(), "clinic_day", clinic_id=riverside.id, day=riverside.weekday(1))
    # As a patient a receptionist is a patient.
    desk = actors.user("desk@riverside.test")
    assert book(desk, riverside, riverside.at("11:00"))["source"] == "online"
