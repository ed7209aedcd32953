"""Somebody is sick, a chair is broken: nobody in the way is lost from sight until handled."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from playwright.async_api import Locator, Page, expect

from tests.support.actors import Connection
from tests.support.build import MadeClinic
from tests.support.stacks import Stack
from tests.web.days import calls, desk_books, has_chairs, has_patient
from tests.web.visitors import DESKTOP, PHONE, Visitors, is_live, serious_violations


@pytest.fixture
def booked(clinic: MadeClinic, superuser: Connection, stack: Stack) -> dict[str, dict[str, Any]]:
    """Two visits of Lee's on one day."""
    return {
        name: desk_books(stack, clinic, has_patient(superuser, clinic, name, phone=phone), clinic.at(clock))
        for name, phone, clock in (("Ana", "+1 212 555 0121", "10:00"), ("Ben", None, "14:00"))
    }


async def away(
    visit: Visitors, clinic: MadeClinic, who: str, whom: UUID | str | None = None, **more: Any
) -> Page:
    """Open the absences, and say that somebody (or oneself) is away on the day where visits are."""
    page = await visit(f"/desk/{clinic.slug}/absences", clinic.users[who], **more)
    await is_live(page)
    if whom:
        await page.get_by_label("Who is away?").select_option(str(whom))
    await page.get_by_label("From").fill(f"{clinic.weekday(1)}T00:00")
    await page.get_by_label("Until").fill(f"{clinic.weekday(1) + timedelta(days=1)}T00:00")
    return page


def entry(page: Page, name: str) -> Locator:
    return page.locator("[data-entry]").filter(has_text=name)


def handled(page: Page, name: str) -> Locator:
    return page.locator("[data-handled]").filter(has_text=name)


def statuses(superuser: Connection, clinic: MadeClinic) -> list[str]:
    rows = superuser.execute(
        "select status from clinic.appointments where clinic_id = %s order by starts_at", [clinic.id]
    )
    return [row["status"] for row in rows]


async def test_reception_enters_an_absence_with_those_left_cancelled_and_takes_all_back(
    visit: Visitors, clinic: MadeClinic, superuser: Connection, booked: dict[str, dict[str, Any]]
) -> None:
    page = await away(visit, clinic, "desk", clinic.lee)
    await expect(entry(page, "Ana")).to_contain_text("+1 212 555 0121")
    await expect(entry(page, "Ben")).to_contain_text("No phone number")
    assert statuses(superuser, clinic) == ["booked", "booked"]
    await page.get_by_role("button", name="Enter, and cancel the 2 left").click()
    planned = page.get_by_label("Entered absences")
    await expect(planned).to_contain_text("Lee")
    await expect(handled(page, "Ana")).to_have_count(1)
    assert statuses(superuser, clinic) == ["cancelled", "cancelled"]
    await page.locator(".toasts").get_by_role("button", name="Undo").click()
    await expect(entry(page, "Ana")).to_have_count(1)
    await expect(entry(page, "Ben")).to_have_count(1)
    await expect(planned).to_have_count(0)
    assert statuses(superuser, clinic) == ["booked", "booked"]


async def test_what_a_colleague_handles_stays_in_sight_as_handled_and_what_is_new_appears(
    visit: Visitors,
    clinic: MadeClinic,
    superuser: Connection,
    stack: Stack,
    booked: dict[str, dict[str, Any]],
) -> None:
    page = await away(visit, clinic, "desk", clinic.lee)
    await entry(page, "Ana").wait_for()
    calls(stack, clinic.users["admin"], "cancel_appointment", appointment_id=booked["Ana"]["id"])
    await expect(handled(page, "Ana")).to_contain_text("Not in the way any more")
    desk_books(stack, clinic, has_patient(superuser, clinic, "Carla"), clinic.at("16:00"))
    await expect(entry(page, "Carla")).to_have_count(1)
    await expect(entry(page, "Ben")).to_have_count(1)


async def test_each_can_be_cancelled_and_taken_back(
    visit: Visitors, clinic: MadeClinic, superuser: Connection, booked: dict[str, dict[str, Any]]
) -> None:
    page = await away(visit, clinic, "desk", clinic.lee)
    await page.get_by_role("button", name="Cancel Ben").click()
    await expect(handled(page, "Ben")).to_contain_text("Cancelled")
    assert statuses(superuser, clinic) == ["booked", "cancelled"]
    await page.locator(".toasts").get_by_role("button", name="Undo").click()
    await expect(entry(page, "Ben")).to_have_count(1)
    assert statuses(superuser, clinic) == ["booked", "booked"]


async def test_a_time_that_is_gone_meanwhile_is_told_at_its_patient(
    visit: Visitors, clinic: MadeClinic, booked: dict[str, dict[str, Any]]
) -> None:
    page = await away(visit, clinic, "desk", clinic.lee)
    await entry(page, "Ana").wait_for()
    await page.route(
        "**/rpc/reschedule_appointment",
        lambda route: route.fulfill(status=409, json={"code": "slot_taken", "message": "Taken."}),
    )
    await entry(page, "Ana").get_by_role("group").locator("button").first.click()
    await expect(entry(page, "Ana").get_by_role("alert")).to_contain_text("Somebody was faster")
    await expect(entry(page, "Ben").get_by_role("alert")).to_have_count(0)


async def test_a_dentist_enters_their_own_absence_and_nobody_elses(
    visit: Visitors, clinic: MadeClinic, booked: dict[str, dict[str, Any]]
) -> None:
    page = await away(visit, clinic, "lee")
    await expect(entry(page, "Ana")).to_have_count(1)
    await expect(page.get_by_label("Who is away?").locator("option")).to_have_text(["Choose…", "Lee"])


async def test_a_broken_chair_lists_who_would_sit_in_it(
    visit: Visitors, clinic: MadeClinic, superuser: Connection, stack: Stack
) -> None:
    [chair] = has_chairs(superuser, clinic, 1)
    desk_books(stack, clinic, has_patient(superuser, clinic, "Ana"), clinic.at("10:00"))
    page = await away(visit, clinic, "desk", chair)
    await expect(entry(page, "Ana")).to_have_count(1)
    await expect(page.get_by_role("option", name="The whole clinic is closed")).to_have_count(0)
    await page.get_by_role("button", name="Enter, and cancel the one left").click()
    await expect(page.get_by_label("Entered absences")).to_contain_text("Chair 1")


async def test_a_broken_chairs_visit_gets_another_at_the_same_time_in_one_click(
    visit: Visitors, clinic: MadeClinic, superuser: Connection, stack: Stack
) -> None:
    chairs = has_chairs(superuser, clinic, 2)
    row = desk_books(stack, clinic, has_patient(superuser, clinic, "Ana"), clinic.at("10:00"))

    def seat() -> UUID:
        claim = superuser.execute(
            "select resource_id from clinic.occupancy where id = %s and part = 1", [row["id"]]
        ).fetchone()
        assert claim
        chair: UUID = claim["resource_id"]
        return chair

    broken = seat()
    page = await away(visit, clinic, "desk", broken)
    await page.get_by_role("button", name="Block the time, keep the visit").click()
    await expect(page.get_by_label("Entered absences")).to_contain_text("Chair")
    await entry(page, "Ana").get_by_role("button", name="at the same time").click()
    await expect(handled(page, "Ana")).to_contain_text("Stays, with Chair")
    assert {broken, seat()} == set(chairs)
    # Though the chair is blocked: it is hers again.
    await page.locator(".toasts").get_by_role("button", name="Undo").last.click()
    await expect(entry(page, "Ana")).to_have_count(1)
    assert seat() == broken
    await expect(page.get_by_label("Entered absences")).to_contain_text("Chair")


async def test_the_time_is_blocked_at_once_and_the_visits_are_handled_after_it(
    visit: Visitors,
    clinic: MadeClinic,
    superuser: Connection,
    stack: Stack,
    booked: dict[str, dict[str, Any]],
) -> None:
    page = await away(visit, clinic, "desk", clinic.lee)
    await page.get_by_role("button", name="Block the time, keep the 2 visits").click()
    await expect(page.get_by_label("Absence", exact=True)).to_contain_text("The time is blocked")
    await expect(page.locator("[data-entry]")).to_have_count(2)
    assert statuses(superuser, clinic) == ["booked", "booked"]
    wish = {"appointment_type_id": str(clinic.checkup), "dentist_id": str(clinic.lee)}
    verdict = calls(
        stack, clinic.users["desk"], "explain_slot", starts_at=clinic.at("11:00").isoformat(), **wish
    )
    assert verdict["code"] == "slot_taken"
    await page.get_by_role("button", name="Cancel Ben").click()
    await expect(handled(page, "Ben")).to_contain_text("Cancelled")
    await page.locator(".toasts").get_by_role("button", name="Undo").last.click()
    await expect(entry(page, "Ben")).to_have_count(1)
    assert statuses(superuser, clinic) == ["booked", "booked"]
    await entry(page, "Ana").get_by_role("group").locator("button").first.click()
    await page.get_by_role("button", name="Cancel Ben").click()
    await expect(handled(page, "Ben")).to_contain_text("Cancelled")
    await expect(handled(page, "Ana")).to_contain_text(re.compile("Moved to .* with Other"))
    await expect(page.get_by_label("Entered absences").get_by_role("listitem")).to_have_count(1)


async def test_admins_close_the_clinic_and_open_it_again(
    visit: Visitors, clinic: MadeClinic, superuser: Connection, booked: dict[str, dict[str, Any]]
) -> None:
    page = await away(visit, clinic, "admin", "clinic")
    await expect(page.locator("[data-entry]")).to_have_count(2)
    await page.get_by_label("Reason").fill("Works on the roof")
    await page.get_by_role("button", name="Enter, and cancel the 2 left").click()
    planned = page.get_by_label("Entered absences")
    await expect(planned).to_contain_text("The whole clinic")
    await expect(planned).to_contain_text("Works on the roof")
    await planned.get_by_role("button", name="Remove: The whole clinic").click()
    await expect(planned).to_have_count(0)
    row = superuser.execute(
        "select count(*) as n from clinic.closures where clinic_id = %s", [clinic.id]
    ).fetchone()
    assert row == {"n": 0}


@pytest.mark.long
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
async def test_axe_finds_nothing_serious_in_the_worklist(
    visit: Visitors,
    clinic: MadeClinic,
    booked: dict[str, dict[str, Any]],
    size: tuple[int, int],
) -> None:
    page = await away(visit, clinic, "desk", clinic.lee, size=size)
    await page.get_by_role("button", name="Cancel Ben").click()
    await handled(page, "Ben").wait_for()
    assert await serious_violations(page) == []
    assert await page.evaluate("document.documentElement.scrollWidth") <= size[0]
