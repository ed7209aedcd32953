"""What the desk corrects: taken back at once, or later from the visit's menu."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from playwright.async_api import Page, expect

from tests.support.actors import Connection
from tests.support.build import MadeClinic
from tests.support.stacks import Stack
from tests.web.days import desk_books, has_chairs, has_patient, is_open_around_the_clock, this_minute
from tests.web.test_board import box_of
from tests.web.test_desk import board, card
from tests.web.visitors import Visitors, is_live


@pytest.fixture
def booked(clinic: MadeClinic, superuser: Connection, stack: Stack) -> dict[str, Any]:
    """A check-up at ten, in one of two chairs."""
    has_chairs(superuser, clinic)
    return desk_books(stack, clinic, has_patient(superuser, clinic, "Ana Ferreira"), clinic.at("10:00"))


@pytest.fixture
def here(clinic: MadeClinic, superuser: Connection, stack: Stack) -> dict[str, Any]:
    """A check-up that begins just now."""
    is_open_around_the_clock(superuser, clinic)
    return desk_books(stack, clinic, has_patient(superuser, clinic, "Ana Ferreira"), this_minute())


async def opened(visit: Visitors, clinic: MadeClinic, appointment: dict[str, Any], path: str) -> Page:
    page = await visit(path, clinic.users["desk"])
    await is_live(page)
    await card(page, appointment).click()
    return page


async def undo(page: Page) -> None:
    await page.locator(".toasts").get_by_role("button", name="Undo").click()


def row_of(superuser: Connection, appointment: dict[str, Any]) -> dict[str, Any]:
    """The appointment as it is now, with the chair it takes."""
    row = superuser.execute(
        "select a.status, a.notes, a.starts_at, a.ends_at, a.dentist_id, a.is_squeezed,"
        " (select o.resource_id from clinic.occupancy o where o.id = a.id and o.part = 1) as chair"
        " from clinic.appointments a where a.id = %s",
        [appointment["id"]],
    ).fetchone()
    assert row is not None
    return dict(row)


async def becomes(superuser: Connection, page: Page, appointment: dict[str, Any], **wanted: Any) -> None:
    """Wait until the appointment is like this."""
    for _ in range(150):
        row = row_of(superuser, appointment)
        if all(row[name] == value for name, value in wanted.items()):
            return
        await page.wait_for_timeout(100)
    assert {name: row[name] for name in wanted} == wanted


async def test_a_move_is_taken_back(
    visit: Visitors, clinic: MadeClinic, superuser: Connection, booked: dict[str, Any]
) -> None:
    page = await opened(visit, clinic, booked, board(clinic))
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name="Move").click()
    free = dialog.get_by_role("group", name="Free times")
    await free.get_by_role("button", name="2:30 PM", exact=True).click()
    await dialog.get_by_role("button", name="Move").click()
    await becomes(superuser, page, booked, starts_at=clinic.at("14:30"))
    await undo(page)
    await becomes(superuser, page, booked, starts_at=clinic.at("10:00"))
    await expect(card(page, booked)).to_contain_text("10:00 – 10:30")


async def test_a_cancelled_visit_is_taken_back_at_once_and_later_from_the_list(
    visit: Visitors, clinic: MadeClinic, superuser: Connection, booked: dict[str, Any]
) -> None:
    page = await opened(visit, clinic, booked, board(clinic))
    for later in (False, True):
        await page.get_by_role("dialog").get_by_role("button", name="Cancel", exact=True).click()
        await page.get_by_role("button", name="Cancel appointment").click()
        await becomes(superuser, page, booked, status="cancelled", chair=None)
        if later:
            await page.get_by_role("button", name="1 cancelled").click()
            await page.get_by_label("Cancelled").get_by_role("button", name="Ana Ferreira").click()
            await page.get_by_role("dialog").get_by_role("button", name="Book again").click()
        else:
            await undo(page)
            await becomes(superuser, page, booked, status="booked")
            await card(page, booked).click()
    await becomes(superuser, page, booked, status="booked", starts_at=clinic.at("10:00"))
    assert row_of(superuser, booked)["chair"] is not None


async def test_a_status_is_taken_back_at_once_and_later_from_the_menu(
    visit: Visitors, clinic: MadeClinic, superuser: Connection, here: dict[str, Any]
) -> None:
    page = await opened(visit, clinic, here, f"/desk/{clinic.slug}/day")
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name="Check in").click()
    await becomes(superuser, page, here, status="checked_in")
    await undo(page)
    await becomes(superuser, page, here, status="booked")
    for press, status in (
        ("Missed", "no_show"),
        ("Is here after all", "checked_in"),
        ("Done", "fulfilled"),
        ("Not done yet", "checked_in"),
        ("Not here yet", "booked"),
    ):
        await card(page, here).click()
        await dialog.get_by_role("button", name=press).click()
        await becomes(superuser, page, here, status=status)


async def test_a_visit_gets_another_length_and_its_old_one_back(
    visit: Visitors, clinic: MadeClinic, superuser: Connection, booked: dict[str, Any]
) -> None:
    page = await opened(visit, clinic, booked, board(clinic))
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name="Length").click()
    await dialog.get_by_role("button", name="+15 min").click()
    await dialog.get_by_role("button", name="Save length").click()
    await becomes(superuser, page, booked, ends_at=clinic.at("10:45"))
    await expect(card(page, booked)).to_contain_text("10:00 – 10:45")
    await undo(page)
    await becomes(superuser, page, booked, ends_at=clinic.at("10:30"))


async def test_a_visit_gets_another_chair_and_its_old_one_back(
    visit: Visitors, clinic: MadeClinic, superuser: Connection, booked: dict[str, Any]
) -> None:
    before = row_of(superuser, booked)["chair"]
    chairs = superuser.execute(
        "select id from clinic.resources where clinic_id = %s and kind = 'chair'", [clinic.id]
    ).fetchall()
    [other] = [row["id"] for row in chairs if row["id"] != before]
    page = await opened(visit, clinic, booked, board(clinic))
    await page.get_by_role("dialog").get_by_label("Chair").select_option(str(other))
    await becomes(superuser, page, booked, chair=other)
    await page.keyboard.press("Escape")
    await undo(page)
    await becomes(superuser, page, booked, chair=before)


async def test_notes_are_taken_back(
    visit: Visitors, clinic: MadeClinic, superuser: Connection, booked: dict[str, Any]
) -> None:
    page = await opened(visit, clinic, booked, board(clinic))
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Notes", exact=True).fill("Allergic to latex")
    await dialog.get_by_role("button", name="Save notes").click()
    await expect(dialog).to_have_count(0)
    await card(page, booked).click()
    await expect(dialog.get_by_label("Notes", exact=True)).to_have_value("Allergic to latex")
    await page.keyboard.press("Escape")
    await undo(page)
    await becomes(superuser, page, booked, notes=None)
    await card(page, booked).click()
    await expect(dialog.get_by_label("Notes", exact=True)).to_have_value("")


async def test_two_visits_change_places_and_change_back(
    visit: Visitors, clinic: MadeClinic, superuser: Connection, stack: Stack, booked: dict[str, Any]
) -> None:
    ben = has_patient(superuser, clinic, "Ben Okafor")
    other = desk_books(stack, clinic, ben, clinic.at("14:00"), dentist_id=str(clinic.other))
    page = await opened(visit, clinic, booked, board(clinic))
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name="Swap").click()
    await dialog.get_by_label("Change places with").select_option(other["id"])
    await dialog.get_by_role("button", name="Swap").click()
    await becomes(superuser, page, booked, starts_at=clinic.at("14:00"), dentist_id=clinic.other)
    await becomes(superuser, page, other, starts_at=clinic.at("10:00"), dentist_id=clinic.lee)
    await undo(page)
    await becomes(superuser, page, booked, starts_at=clinic.at("10:00"), dentist_id=clinic.lee)
    await becomes(superuser, page, other, starts_at=clinic.at("14:00"), dentist_id=clinic.other)


async def test_what_is_booked_by_mistake_is_taken_back(
    visit: Visitors, clinic: MadeClinic, superuser: Connection
) -> None:
    has_patient(superuser, clinic, "Rosa Delgado")
    page = await visit(board(clinic), clinic.users["desk"])
    await is_live(page)
    await page.get_by_role("button", name="Book", exact=True).click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Patient", exact=True).fill("Rosa")
    await dialog.get_by_role("button", name="Rosa Delgado").click()
    day = dialog.get_by_role("group", name="Free times")
    await day.get_by_role("button", name="11:00 AM", exact=True).click()
    await dialog.get_by_role("button", name="Book").click()
    await expect(page.locator(".appointment").filter(has_text="Rosa Delgado")).to_have_count(1)
    await undo(page)
    await expect(page.locator(".appointment")).to_have_count(0)


async def test_a_visit_is_squeezed_in_only_on_purpose_and_stands_beside_the_other(
    visit: Visitors, clinic: MadeClinic, superuser: Connection, booked: dict[str, Any]
) -> None:
    has_patient(superuser, clinic, "Ben Okafor")
    page = await visit(board(clinic), clinic.users["desk"])
    await is_live(page)
    await page.get_by_role("button", name="Book", exact=True).click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Patient", exact=True).fill("Ben")
    await dialog.get_by_role("button", name="Ben Okafor").click()
    await dialog.get_by_label("With").select_option(str(clinic.lee))
    await dialog.get_by_label("Another time").fill("10:15")
    await dialog.get_by_label("Squeeze it in").check()
    await dialog.get_by_role("button", name="Squeeze in").click()
    squeezed = page.locator(".appointment[data-squeezed=true]")
    await expect(squeezed).to_contain_text("Ben Okafor")
    beside, beneath = await box_of(squeezed), await box_of(card(page, booked))
    assert beneath["x"] + beneath["width"] <= beside["x"]
    row = superuser.execute(
        "select is_squeezed, starts_at from clinic.appointments where clinic_id = %s and is_squeezed",
        [clinic.id],
    ).fetchone()
    assert row is not None
    assert row["starts_at"] == clinic.at("10:15")


async def test_undo_is_offered_for_ten_seconds_and_longer_under_the_hand(
    visit: Visitors, clinic: MadeClinic, booked: dict[str, Any], superuser: Connection
) -> None:
    page = await visit("/no/such/page", clinic.users["desk"])
    await page.clock.install()
    await page.goto(board(clinic))
    await card(page, booked).click()
    await page.get_by_role("dialog").get_by_role("button", name="Length").click()
    await page.get_by_role("button", name="+15 min").click()
    await page.get_by_role("button", name="Save length").click()
    button = page.locator(".toasts").get_by_role("button", name="Undo")
    await button.wait_for()
    await page.clock.run_for(9_000)
    await expect(button).to_be_visible()
    await button.hover()
    await page.clock.run_for(30_000)
    await expect(button).to_be_visible()
    await page.mouse.move(5, 5)
    await page.clock.run_for(10_500)
    # Now, and not when a little more time has gone by.
    await expect(button).to_have_count(0, timeout=2_000)
    assert row_of(superuser, booked)["ends_at"] == clinic.at("10:45")


def ends_soon(appointment: dict[str, Any]) -> datetime:
    """When a check-up that has just begun ends."""
    return datetime.fromisoformat(appointment["starts_at"]) + timedelta(minutes=30)


async def test_a_walk_in_is_squeezed_in_now_over_who_is_in_the_chair(
    visit: Visitors, clinic: MadeClinic, superuser: Connection, stack: Stack, here: dict[str, Any]
) -> None:
    other: UUID = has_patient(superuser, clinic, "Carla Chair")
    desk_books(stack, clinic, other, this_minute(), dentist_id=str(clinic.other))
    page = await visit(f"/desk/{clinic.slug}/day", clinic.users["desk"])
    await is_live(page)
    await page.get_by_role("button", name="Walk-in").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Patient", exact=True).fill("Walter Walkin")
    await dialog.get_by_role("button", name="New patient").click()
    await dialog.get_by_label("Squeeze it in").check()
    await dialog.get_by_role("button", name="Squeeze in now").click()
    await expect(page.locator(".appointment[data-squeezed=true]")).to_contain_text("Walter Walkin")
    assert row_of(superuser, here)["ends_at"] == ends_soon(here)
