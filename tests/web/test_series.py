"""Series at the desk: looked at first, booked at once, and the rest of one cancelled."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from playwright.async_api import expect

from tests.support.actors import Connection
from tests.support.build import MadeClinic
from tests.support.stacks import Stack
from tests.web.days import calls, desk_books, has_patient
from tests.web.visitors import Visitors, serious_violations


def booked(superuser: Connection, clinic: MadeClinic, patient: Any) -> list[datetime]:
    rows = superuser.execute(
        "select starts_at from clinic.appointments where clinic_id = %s and patient_id = %s"
        " and status = 'booked' order by starts_at",
        [clinic.id, patient],
    ).fetchall()
    return [row["starts_at"] for row in rows]


async def test_a_visit_is_booked_again_and_again_after_a_look(
    visit: Visitors, stack: Stack, superuser: Connection, clinic: MadeClinic
) -> None:
    day = clinic.weekday(2)
    zoe = has_patient(superuser, clinic, "Zoë Delgado")
    ben = has_patient(superuser, clinic, "Ben Okafor")
    desk_books(stack, clinic, ben, clinic.at("10:00", day + timedelta(weeks=1)))
    page = await visit(f"/desk/{clinic.slug}/day?day={day}", clinic.users["desk"])
    await page.get_by_role("button", name="Book", exact=True).click()
    dialog = page.get_by_role("dialog", name="Book an appointment")
    await dialog.get_by_text("Again and again").click()
    await expect(dialog.get_by_role("button", name="Look first")).to_be_disabled()
    await dialog.get_by_label("Patient", exact=True).fill("zoe")
    await dialog.get_by_role("button", name="Zoë Delgado").click()
    await dialog.get_by_label("Visit").select_option(str(clinic.checkup))
    await dialog.get_by_label("With").select_option(str(clinic.lee))
    await dialog.get_by_label("Another time").fill("10:00")
    await dialog.get_by_label("How many times").fill("4")
    await dialog.get_by_label("Where it cannot be had").select_option("skip")
    await dialog.get_by_label("How many times").press("Enter")
    await expect(dialog.get_by_text("3 visits can be booked:")).to_be_visible()
    await expect(dialog.get_by_text("It is left out.")).to_be_visible()
    assert await serious_violations(page) == []
    assert booked(superuser, clinic, zoe) == []
    # What was looked at holds only for what was asked.
    await dialog.get_by_label("How many times").fill("5")
    await expect(dialog.get_by_role("button", name="Book 3 visits")).to_have_count(0)
    await dialog.get_by_label("How many times").fill("4")
    await dialog.get_by_role("button", name="Book 3 visits").click()
    await expect(page.get_by_role("status").filter(has_text="Booked: 3 visits.")).to_be_visible()
    assert booked(superuser, clinic, zoe) == [
        clinic.at("10:00", day + timedelta(weeks=weeks)) for weeks in (0, 2, 3)
    ]


async def test_the_rest_of_a_series_is_cancelled_from_one_of_its_visits(
    visit: Visitors, stack: Stack, superuser: Connection, clinic: MadeClinic
) -> None:
    day = clinic.weekday(2)
    zoe = has_patient(superuser, clinic, "Zoë Delgado")
    series = calls(
        stack,
        clinic.users["desk"],
        "book_series",
        appointment_type_id=str(clinic.checkup),
        dentist_id=str(clinic.lee),
        patient_id=str(zoe),
        starts_at=clinic.at("10:00", day).isoformat(),
        every="1 week",
        occurrences=3,
    )
    second = series["appointments"][1]["id"]
    page = await visit(
        f"/desk/{clinic.slug}/day?day={day + timedelta(weeks=1)}&visit={second}", clinic.users["desk"]
    )
    dialog = page.get_by_role("dialog", name="Zoë Delgado")
    await expect(dialog.get_by_text("One of a series.")).to_be_visible()
    await dialog.get_by_role("button", name="Cancel", exact=True).click()
    await dialog.get_by_role("button", name="This and all later ones").click()
    await expect(page.get_by_role("status").filter(has_text="2 visits are cancelled.")).to_be_visible()
    await expect(dialog).to_have_count(0)
    assert booked(superuser, clinic, zoe) == [clinic.at("10:00", day)]
