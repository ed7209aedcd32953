"""Days at a clinic of one's own: open around the clock, with chairs, with visits that began just now."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from playwright.async_api import Locator

from tests.support.actors import Connection
from tests.support.build import MadeClinic, add_hours, insert
from tests.support.stacks import Stack


class Steps:
    """What somebody does on a page, counted as they count it: a press, a text, a choice."""

    def __init__(self) -> None:
        self.count = 0

    async def press(self, what: Locator) -> None:
        """Press a button or a link."""
        self.count += 1
        await what.click()

    async def write(self, where: Locator, text: str) -> None:
        """Write into a field."""
        self.count += 1
        await where.fill(text)

    async def choose(self, where: Locator, option: str) -> None:
        """Choose one of a list."""
        self.count += 1
        await where.select_option(option)


def is_open_around_the_clock(superuser: Connection, clinic: MadeClinic) -> None:
    """Let all dentists of the clinic work all day, every day."""
    with superuser.pipeline(), superuser.transaction():
        superuser.execute("delete from clinic.working_hours where clinic_id = %s", [clinic.id])
        for dentist in clinic.dentists.values():
            for weekday in range(1, 8):
                add_hours(superuser, clinic.id, dentist, weekday, "00:00", "24:00")


def has_chairs(superuser: Connection, clinic: MadeClinic, count: int = 2) -> list[UUID]:
    """Give the clinic chairs, one of which every visit takes."""
    chairs = [uuid4() for _ in range(count)]
    for number, chair in enumerate(chairs, 1):
        insert(superuser, "resources", id=chair, clinic_id=clinic.id, kind="chair", name=f"Chair {number}")
    for visit in clinic.types.values():
        needs = {"appointment_type_id": visit, "clinic_id": clinic.id, "part": 1, "needs": "chair"}
        insert(superuser, "type_parts", **needs)
    return chairs


def has_patient(superuser: Connection, clinic: MadeClinic, name: str, **more: Any) -> UUID:
    """Register somebody at the clinic."""
    patient = uuid4()
    insert(superuser, "patients", id=patient, clinic_id=clinic.id, full_name=name, **more)
    return patient


def this_minute() -> datetime:
    """Return the minute that has begun."""
    return datetime.now(UTC).replace(second=0, microsecond=0)


def desk_books(
    stack: Stack, clinic: MadeClinic, patient: UUID, starts_at: datetime, **more: Any
) -> dict[str, Any]:
    """Let the desk book a check-up with Lee for a patient."""
    wanted = {
        "appointment_type_id": str(clinic.checkup),
        "dentist_id": str(clinic.lee),
        "patient_id": str(patient),
        "starts_at": starts_at.isoformat(),
    }
    return calls(stack, clinic.users["desk"], "book_appointment", **wanted | more)


def calls(stack: Stack, user: UUID, name: str, **arguments: Any) -> Any:
    """Call a function of the API as somebody, and return its answer."""
    answer = stack.http(stack.token(user)).post(f"/rpc/{name}", json=arguments)
    assert answer.is_success, answer.text
    return answer.json()
