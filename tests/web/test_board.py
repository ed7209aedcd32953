"""The day board under the hand: moving cards by mouse and keyboard, and a large clinic on one screen."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from playwright.async_api import FloatRect, Locator, Page, expect

from tests.support.actors import Connection
from tests.support.build import WEEK, MadeClinic, add_hours, insert, make_type, make_user
from tests.support.stacks import Stack
from tests.web.days import calls, desk_books, has_patient, is_open_around_the_clock, this_minute
from tests.web.test_desk import board, card, has_booked, open_board
from tests.web.visitors import PHONE, Visitors, is_live

LONG = "Comprehensive examination with radiographs, charting and consultation"


def has_colleagues(superuser: Connection, clinic: MadeClinic, count: int) -> None:
    """Let so many more dentists work in the clinic, after the alphabet."""
    for number in range(count):
        dentist = uuid4()
        name = f"Zed Colleague {number:02}"
        insert(superuser, "dentists", id=dentist, clinic_id=clinic.id, full_name=name)
        for weekday, opens, closes in WEEK:
            add_hours(superuser, clinic.id, dentist, weekday, opens, closes)


async def box_of(element: Locator) -> FloatRect:
    """Where something is on the screen."""
    box = await element.bounding_box()
    assert box is not None
    return box


async def is_inside(inner: Locator, outer: Locator) -> bool:
    """Whether a box lies within another, where both are on the screen."""
    box, frame = await box_of(inner), await box_of(outer)
    return (
        box["x"] >= frame["x"]
        and box["y"] >= frame["y"]
        and box["x"] + box["width"] <= frame["x"] + frame["width"] + 1
        and box["y"] + box["height"] <= frame["y"] + frame["height"] + 1
    )


async def carry(moved: Locator, *keys: str) -> None:
    await moved.focus()
    for key in ("m", *keys):
        await moved.press(key)


async def test_a_patient_who_is_here_is_not_moved(
    visit: Visitors, clinic: MadeClinic, stack: Stack, superuser: Connection
) -> None:
    is_open_around_the_clock(superuser, clinic)
    appointment = desk_books(stack, clinic, has_patient(superuser, clinic, "Ana Ferreira"), this_minute())
    status = {"appointment_id": appointment["id"], "status": "checked_in"}
    calls(stack, clinic.users["desk"], "set_appointment_status", **status)
    page = await visit(f"/desk/{clinic.slug}/day", clinic.users["desk"])
    await card(page, appointment).scroll_into_view_if_needed()
    here = card(page, appointment)
    await expect(here).to_have_css("cursor", "pointer")
    box = await box_of(here)
    await page.mouse.move(box["x"] + 40, box["y"] + 10)
    await page.mouse.down()
    await page.mouse.move(box["x"] + 40, box["y"] + 94, steps=5)
    await expect(page.locator(".ghost")).to_have_count(0)
    await page.mouse.up()
    await here.press("m")
    await expect(page.locator(".ghost")).to_have_count(0)
    await here.press("Enter")
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_role("button", name="Done")).to_be_visible()
    await expect(dialog.get_by_role("button", name="Move")).to_have_count(0)


async def test_a_carried_card_stays_in_view_and_on_the_board(
    visit: Visitors, clinic: MadeClinic, superuser: Connection, stack: Stack, ana: UUID
) -> None:
    has_colleagues(superuser, clinic, 4)
    appointment = has_booked(stack, clinic, ana, clinic.at("10:00"))
    page = await visit(board(clinic), clinic.users["desk"], size=(900, 480))
    await is_live(page)
    moved, ghost = card(page, appointment), page.locator(".ghost")
    await carry(moved, *["ArrowDown"] * 40)
    await expect(ghost).to_contain_text("4:30 – 5:00")
    assert await is_inside(ghost, page.locator(".board"))
    for _ in range(5):
        await moved.press("ArrowRight")
    await expect(ghost).to_have_count(1)
    assert await is_inside(ghost, page.locator(".board"))
    for _ in range(40):
        await moved.press("ArrowUp")
    await expect(ghost).to_contain_text("9:00 – 9:30")
    head = await box_of(page.locator(".board-head").first)
    assert (await box_of(ghost))["y"] >= head["y"] + head["height"] - 1


async def test_a_card_keeps_the_focus_where_it_lands(
    visit: Visitors, clinic: MadeClinic, stack: Stack, ana: UUID, ben: UUID
) -> None:
    appointment = has_booked(stack, clinic, ana, clinic.at("10:00"))
    has_booked(stack, clinic, ben, clinic.at("11:00"), dentist_id=str(clinic.other))
    page = await open_board(visit, clinic)
    moved = card(page, appointment)
    await carry(moved, "ArrowRight", "Enter")
    beside = page.locator(f'.column[data-column="{clinic.other}"]')
    await expect(beside.locator(f'[data-appointment="{appointment["id"]}"]')).to_be_focused()
    # Refused where Ben is: back in its old place, and still in hand.
    await carry(moved, *["ArrowDown"] * 4, "Enter")
    await page.get_by_role("status").filter(has_text="Not moved").wait_for()
    await expect(moved).to_contain_text("10:00 – 10:30")
    await expect(moved).to_be_focused()


async def test_a_card_is_carried_to_another_dentist_on_a_small_screen_too(
    visit: Visitors, clinic: MadeClinic, stack: Stack, ana: UUID
) -> None:
    appointment = has_booked(stack, clinic, ana, clinic.at("10:00"))
    page = await visit(board(clinic), clinic.users["desk"], size=PHONE)
    await is_live(page)
    await carry(card(page, appointment), "ArrowRight")
    await expect(page.get_by_role("button", name="Other", exact=True)).to_have_attribute(
        "aria-pressed", "true"
    )
    await expect(page.locator(".ghost")).to_be_in_viewport()
    await page.keyboard.press("Enter")
    beside = page.locator(f'.column[data-column="{clinic.other}"]')
    await expect(beside.locator(f'[data-appointment="{appointment["id"]}"]')).to_be_focused()


async def test_dragging_to_the_edge_scrolls_the_board(
    visit: Visitors, clinic: MadeClinic, stack: Stack, ana: UUID
) -> None:
    appointment = has_booked(stack, clinic, ana, clinic.at("09:30"))
    page = await visit(board(clinic), clinic.users["desk"], size=(1280, 480))
    await is_live(page)
    box, frame = await box_of(card(page, appointment)), await box_of(page.locator(".board"))
    await page.mouse.move(box["x"] + 40, box["y"] + 5)
    await page.mouse.down()
    await page.mouse.move(box["x"] + 40, frame["y"] + frame["height"] - 8, steps=8)
    # The hand is still; the board goes on to its end, and the card with it.
    await expect(page.locator(".ghost")).to_contain_text("4:30 – 5:00", timeout=10_000)
    assert await page.locator(".board").evaluate("it => it.scrollTop") > 100
    async with page.expect_response("**/rpc/reschedule_appointment") as answer:
        await page.mouse.up()
    row = await (await answer.value).json()
    assert datetime.fromisoformat(row["starts_at"]) == clinic.at("16:30")


async def test_twelve_dentists_fit_on_a_screen(
    visit: Visitors, clinic: MadeClinic, superuser: Connection, stack: Stack, ana: UUID
) -> None:
    has_colleagues(superuser, clinic, 10)
    appointment = has_booked(stack, clinic, ana, clinic.at("10:00"))
    page = await visit(board(clinic), clinic.users["desk"], size=(1440, 900))
    await is_live(page)
    await expect(page.locator(".column")).to_have_count(12)
    assert await page.locator(".board").evaluate("it => it.scrollWidth <= it.clientWidth")
    assert await is_inside(page.locator(".column").last.locator(".open-hours").first, page.locator("body"))
    await expect(card(page, appointment).locator(".who")).to_have_text("Ana Ferreira")


async def test_the_board_shows_whom_one_chooses_and_the_address_remembers(
    visit: Visitors, clinic: MadeClinic, superuser: Connection
) -> None:
    has_colleagues(superuser, clinic, 2)
    page = await open_board(visit, clinic)
    await page.get_by_role("button", name="All dentists").click()
    await page.get_by_role("button", name="Only Lee").click()
    await expect(page.locator(".column")).to_have_count(1)
    await page.get_by_role("checkbox", name="Other").check()
    await expect(page.locator(".column")).to_have_count(2)
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Day after").click()
    await page.reload()
    await expect(page.locator(".column")).to_have_count(2)
    await page.get_by_role("button", name="2 of 4").click()
    await page.get_by_role("button", name="Everybody").click()
    await expect(page.locator(".column")).to_have_count(4)


@pytest.fixture
def busy_day(clinic: MadeClinic, superuser: Connection, stack: Stack, ana: UUID, ben: UUID) -> dict[str, Any]:
    """A day with a long visit that has a note, and a patient with a phone."""
    long = make_type(superuser, clinic.id, LONG, 60)
    superuser.execute("update clinic.profiles set phone = '+1 212 555 0100' where user_id = %s", [ana])
    has_booked(stack, clinic, ben, clinic.at("09:00"), dentist_id=str(clinic.other))
    return has_booked(
        stack, clinic, ana, clinic.at("10:00"), appointment_type_id=str(long), notes="Allergic to penicillin"
    )


async def test_the_list_has_phones_and_notes_and_opens_appointments(
    visit: Visitors, clinic: MadeClinic, stack: Stack, ben: UUID, busy_day: dict[str, Any]
) -> None:
    page = await open_board(visit, clinic)
    await page.get_by_role("button", name="List").click()
    row = page.get_by_role("row").filter(has_text="Ana Ferreira")
    for text in ("10:00 – 11:00 AM", "+1 212 555 0100", LONG, "Lee", "Booked", "Allergic to penicillin"):
        await expect(row).to_contain_text(text)
    await row.get_by_role("button", name="Ana Ferreira").click()
    await page.get_by_role("dialog").get_by_label("Notes", exact=True).fill("Allergic to latex")
    await page.get_by_role("button", name="Save notes").click()
    await expect(row).to_contain_text("Allergic to latex")
    await page.keyboard.press("Escape")
    has_booked(stack, clinic, ben, clinic.at("14:00"))
    await expect(page.get_by_role("row").filter(has_text="2:00 – 2:30 PM")).to_contain_text("Ben Okafor")


async def printed(page: Page) -> Locator:
    await page.emulate_media(media="print")
    await expect(page.locator(".rail")).to_be_hidden()
    return page.locator(".sheet")


async def test_a_printed_day_is_a_page_for_each_dentist_or_one_list(
    visit: Visitors, clinic: MadeClinic, busy_day: dict[str, Any]
) -> None:
    page = await open_board(visit, clinic)
    sheets = await printed(page)
    await expect(sheets).to_have_count(2)
    await expect(page.locator(".board")).to_be_hidden()
    lees = sheets.filter(has=page.locator("h2", has_text="Lee"))
    for text in ("10:00 – 11:00 AM", "Ana Ferreira", "+1 212 555 0100", LONG, "Allergic to penicillin"):
        await expect(lees).to_contain_text(text)
    await expect(lees).not_to_contain_text("Ben Okafor")
    await expect(sheets.last).to_have_css("break-before", "page")
    await page.emulate_media(media="screen")
    await page.get_by_role("button", name="List").click()
    sheets = await printed(page)
    await expect(sheets).to_have_count(1)
    for text in ("Ana Ferreira", "Ben Okafor", "+1 212 555 0100", "Lee", "Other"):
        await expect(sheets).to_contain_text(text)


async def test_a_name_without_a_space_leaves_room_on_paper_for_the_rest(
    visit: Visitors, clinic: MadeClinic, stack: Stack, superuser: Connection
) -> None:
    long = make_user(superuser, "Wolfeschlegelsteinhausenbergerdorff" * 4)
    has_booked(stack, clinic, long, clinic.at("10:00"), notes="Allergic to penicillin")
    page = await open_board(visit, clinic)
    # The width of A4 in CSS pixels, less its margins.
    await page.set_viewport_size({"width": 700, "height": 1000})
    table = (await printed(page)).locator("table").first
    box = await box_of(table)
    assert box["x"] + box["width"] <= 700


async def test_whom_an_event_brought_is_printed_with_a_phone(
    visit: Visitors, clinic: MadeClinic, superuser: Connection, stack: Stack, ana: UUID
) -> None:
    page = await open_board(visit, clinic)
    superuser.execute("update clinic.profiles set phone = '+1 212 555 0100' where user_id = %s", [ana])
    await expect(card(page, has_booked(stack, clinic, ana, clinic.at("10:00")))).to_be_visible()
    await expect((await printed(page)).first).to_contain_text("+1 212 555 0100")


@pytest.mark.parametrize("size", [(1280, 900), PHONE], ids=["desktop", "phone"])
async def test_long_names_stay_inside_their_places(
    visit: Visitors,
    clinic: MadeClinic,
    superuser: Connection,
    stack: Stack,
    size: tuple[int, int],
    ana: UUID,
) -> None:
    name = "Maximiliane-Constantinopolitanska" * 4
    superuser.execute("update clinic.profiles set full_name = %s where user_id = %s", [name, ana])
    long = make_type(superuser, clinic.id, LONG.replace(" ", "") * 3, 60)
    superuser.execute("update clinic.dentists set full_name = %s where id = %s", [name, clinic.lee])
    appointment = has_booked(stack, clinic, ana, clinic.at("10:00"), appointment_type_id=str(long))
    fits = "() => document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    desk = await visit(board(clinic), clinic.users["desk"], size=size)
    await card(desk, appointment).click()
    dialog = desk.get_by_role("dialog")
    assert await dialog.evaluate("it => it.scrollWidth <= it.clientWidth")
    await desk.keyboard.press("Escape")
    patient = await visit("/appointments", ana, size=size)
    await patient.locator(".visit").wait_for()
    booking = f"/book?clinic={clinic.slug}&type={long}&from={clinic.weekday(1)}"
    for page in (desk, patient):
        assert await page.evaluate(fits), page.url
    await patient.get_by_role("button", name="Cancel").click()
    assert await patient.get_by_role("dialog").evaluate("it => it.scrollWidth <= it.clientWidth")
    await patient.goto(booking)
    await patient.locator(".slot[data-state=free]:visible").first.click()
    await patient.get_by_role("timer").wait_for()
    assert await patient.evaluate(fits)
    assert await patient.locator(".panel").evaluate("it => it.scrollWidth <= it.clientWidth")
    if size != PHONE:  # where the options are a row to scroll through
        for option in await patient.locator(".option").all():
            assert await is_inside(option, patient.get_by_label("Your visit"))
