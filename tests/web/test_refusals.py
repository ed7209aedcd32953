"""A refusal is told where it was asked for, and not again elsewhere; a long search has an answer."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from playwright.async_api import Route, expect

from tests.support.build import MadeClinic
from tests.support.stacks import Stack
from tests.web.test_board import carry
from tests.web.test_desk import card, has_booked, open_board
from tests.web.visitors import Visitors


async def test_a_refused_move_to_another_day_is_told_where_it_was_asked_for(
    visit: Visitors, clinic: MadeClinic, stack: Stack, ana: UUID, ben: UUID
) -> None:
    tuesday = clinic.weekday(2)
    appointment = has_booked(stack, clinic, ana, clinic.at("10:00"))
    has_booked(stack, clinic, ben, clinic.at("10:00", tuesday))
    page = await open_board(visit, clinic)
    await card(page, appointment).click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name="Move").click()
    await dialog.get_by_label("Day", exact=True).fill(f"{tuesday}")
    await dialog.get_by_role("button", name="Move").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("Somebody was faster")
    await dialog.get_by_label("Time", exact=True).fill("11:00")
    await dialog.get_by_role("button", name="Move").click()
    await expect(dialog).to_have_count(0)
    await expect(card(page, appointment)).to_have_count(0)


async def test_what_was_refused_to_one_card_is_not_told_of_the_next(
    visit: Visitors, clinic: MadeClinic, stack: Stack, ana: UUID, ben: UUID
) -> None:
    moved = has_booked(stack, clinic, ana, clinic.at("10:00"))
    other = has_booked(stack, clinic, ben, clinic.at("10:30"))
    page = await open_board(visit, clinic)
    await carry(card(page, moved), "ArrowDown", "ArrowDown", "Enter")
    await page.get_by_role("status").filter(has_text="Not moved").wait_for()
    await card(page, other).click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name="Move").click()
    await dialog.get_by_label("Time", exact=True).wait_for()
    await expect(dialog.get_by_role("alert")).to_have_count(0)


async def test_what_was_refused_to_one_visit_is_not_told_of_the_next(
    visit: Visitors, clinic: MadeClinic, stack: Stack, ana: UUID
) -> None:
    for clock in ("10:00", "14:00"):
        has_booked(stack, clinic, ana, clinic.at(clock))
    page = await visit("/appointments", ana)

    async def refuse(route: Route) -> None:
        await route.fulfill(status=503)

    await page.context.route("**/rpc/cancel_appointment", refuse)
    dialog = page.get_by_role("dialog")
    for number in range(2):
        await page.locator(".visit").nth(number).get_by_role("button", name="Cancel").click()
        await dialog.get_by_label("Reason").wait_for()
        await expect(dialog.get_by_role("alert")).to_have_count(0)
        await dialog.get_by_role("button", name="Cancel appointment").click()
        await expect(dialog.get_by_role("alert")).to_contain_text("No connection")
        await dialog.get_by_role("button", name="Keep it").click()


async def test_the_next_free_time_is_found_where_two_months_have_more_than_an_answer_holds(
    visit: Visitors, clinic: MadeClinic, stack: Stack
) -> None:
    week = clinic.weekday(1)
    closed = {
        "clinic_id": str(clinic.id),
        "starts_at": clinic.at("00:00").isoformat(),
        "ends_at": clinic.at("09:30", week + timedelta(days=7)).isoformat(),
    }
    stack.http(stack.token(clinic.users["admin"])).post("/rpc/add_time_off", json=closed).raise_for_status()
    page = await visit(f"/book?clinic={clinic.slug}&from={week}")
    await page.get_by_role("button", name="Find the next free time").click()
    await expect(page.locator(".slot").first).to_contain_text("9:30")
    assert f"from={week + timedelta(days=7)}" in page.url
