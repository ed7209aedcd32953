"""The link of who is due: on a phone, without a login, a time is chosen and booked."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from playwright.async_api import expect

from tests.support.actors import Connection
from tests.support.build import MadeClinic, insert
from tests.support.messages import visit as has_visit
from tests.web.days import has_patient
from tests.web.visitors import PHONE, Visitors, serious_violations

TITLES = {
    "en": ("Time for your next appointment", "Book appointment"),
    "de": ("Zeit für Ihren nächsten Termin", "Termin buchen"),
    "ar": ("حان وقت موعدك القادم", "احجز الموعد"),
}


@pytest.fixture
def zoe(superuser: Connection, clinic: MadeClinic) -> UUID:
    """Somebody who was there almost a year ago, and is due since half a year."""
    insert(superuser, "message_rules", clinic_id=clinic.id, kind="recall", channel="email")
    insert(
        superuser, "recall_types", clinic_id=clinic.id, name="Check-up", after_type_ids=[clinic.checkup],
        every="6 months", book_type_id=clinic.checkup,
    )  # fmt: skip
    superuser.execute(
        "update clinic.clinics set quiet_from = '00:00', quiet_until = '00:00' where id = %s", [clinic.id]
    )
    who = has_patient(superuser, clinic, "Zoe Quist", email=f"zoe@{clinic.slug}.test")
    has_visit(superuser, clinic, who, -timedelta(days=300), status="fulfilled")
    return who


def link_of(superuser: Connection, patient: UUID) -> str:
    """Ask the patient, and return the path of the message's link."""
    superuser.execute(
        "select clinic.ask_recall(r) from clinic.recalls as r where r.patient_id = %s", [patient]
    )
    superuser.execute(
        "update clinic.recalls set asked = 1, last_asked_at = now() where patient_id = %s", [patient]
    )
    row = superuser.execute(
        "select (clinic.try_to_lease(m, 'https://clinic.test', '1 minute', clock_timestamp())).link"
        " from clinic.messages as m where m.patient_id = %s and m.kind = 'recall'",
        [patient],
    ).fetchone()
    assert row is not None
    link: str = row["link"]
    return link.removeprefix("https://clinic.test")


def booked(superuser: Connection, patient: UUID) -> int:
    return superuser.execute(
        "select from clinic.appointments where patient_id = %s and status = 'booked'", [patient]
    ).rowcount


@pytest.mark.parametrize("locale", TITLES)
async def test_who_is_due_chooses_a_time_and_has_a_visit(
    visit: Visitors, superuser: Connection, zoe: UUID, locale: str
) -> None:
    superuser.execute("update clinic.patients set locale = %s where id = %s", [locale, zoe])
    title, book = TITLES[locale]
    page = await visit(link_of(superuser, zoe), size=PHONE)
    await expect(page.get_by_role("heading", level=1, name=title)).to_be_visible()
    await expect(page.get_by_text("Check-up")).to_be_visible()
    await expect(page.get_by_text("Quist")).to_have_count(0)
    start = page.locator("button.slot").first
    await expect(start).to_be_visible()
    assert await serious_violations(page) == []
    assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    await start.click()
    assert booked(superuser, zoe) == 0
    await page.get_by_role("button", name=book, exact=True).click()
    await expect(page.locator(".link-state.open")).to_be_visible()
    assert booked(superuser, zoe) == 1
    assert await serious_violations(page) == []


async def test_who_has_a_visit_ahead_is_told_so(
    visit: Visitors, superuser: Connection, clinic: MadeClinic, zoe: UUID
) -> None:
    path = link_of(superuser, zoe)
    has_visit(superuser, clinic, zoe)
    page = await visit(path, size=PHONE)
    await expect(page.get_by_text("You already have an appointment ahead.")).to_be_visible()
    await expect(page.locator("button.slot")).to_have_count(0)
    assert await serious_violations(page) == []
