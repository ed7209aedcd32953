"""The board of a clinic with chairs and a hygienist: what a visit takes, where it takes it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from playwright.async_api import Locator, Page, expect

from tests.support.actors import Connection
from tests.support.build import WEEK, MadeClinic, add_hours, insert, make_clinic
from tests.support.stacks import Stack
from tests.web.days import calls, desk_books, has_chairs, has_patient
from tests.web.test_board import box_of, carry
from tests.web.test_desk import board, card, open_board
from tests.web.visitors import Visitors, is_live

EXAM = (timedelta(minutes=20), timedelta(minutes=10))


@pytest.fixture
def chairs(clinic: MadeClinic, superuser: Connection) -> list[UUID]:
    """Two chairs, one of which every visit takes."""
    return has_chairs(superuser, clinic)


@pytest.fixture
def hannah(clinic: MadeClinic, superuser: Connection, chairs: list[UUID]) -> UUID:
    """A hygienist who leads Cleanings, with a dentist's exam in minutes 20 to 30."""
    hannah = uuid4()
    row = {"id": hannah, "clinic_id": clinic.id, "full_name": "Hannah", "profession": "hygienist"}
    insert(superuser, "dentists", **row)
    for weekday, opens, closes in WEEK:
        add_hours(superuser, clinic.id, hannah, weekday, opens, closes)
    superuser.execute("delete from clinic.dentist_types where appointment_type_id = %s", [clinic.cleaning])
    about = {"clinic_id": clinic.id, "appointment_type_id": clinic.cleaning}
    insert(superuser, "dentist_types", dentist_id=hannah, **about)
    insert(superuser, "type_parts", part=2, needs="dentist", starts_after=EXAM[0], lasts=EXAM[1], **about)
    return hannah


def column(page: Page, title: str) -> Locator:
    return page.locator(".column").and_(page.get_by_label(title, exact=True))


async def by_chairs(page: Page) -> None:
    await page.get_by_role("group", name="Columns").get_by_role("button", name="Chairs").click()


def cleaning(stack: Stack, clinic: MadeClinic, hannah: UUID, patient: UUID, clock: str) -> dict[str, Any]:
    return desk_books(
        stack,
        clinic,
        patient,
        clinic.at(clock),
        dentist_id=str(hannah),
        appointment_type_id=str(clinic.cleaning),
    )


async def test_a_visit_is_given_no_chair_that_will_not_do(
    visit: Visitors, clinic: MadeClinic, superuser: Connection, stack: Stack, chairs: list[UUID]
) -> None:
    superuser.execute(
        "update clinic.type_parts set only_resources = %s where appointment_type_id = %s",
        [chairs[:1], clinic.checkup],
    )
    appointment = desk_books(stack, clinic, has_patient(superuser, clinic, "Rosa"), clinic.at("10:00"))
    page = await open_board(visit, clinic)
    await card(page, appointment).click()
    takes = page.get_by_role("dialog").get_by_label("What it takes")
    await expect(takes.get_by_label("Chair").locator("option")).to_have_text(["Chair 1"])


async def test_who_takes_part_has_it_on_paper_too(
    visit: Visitors, clinic: MadeClinic, superuser: Connection, stack: Stack, hannah: UUID
) -> None:
    appointment = cleaning(stack, clinic, hannah, has_patient(superuser, clinic, "Rosa"), "10:00")
    page = await open_board(visit, clinic)
    exam = page.locator(f'.exam[data-exam="{appointment["id"]}"]')
    dentist = await exam.evaluate("it => it.closest('.column').ariaLabel")
    await page.emulate_media(media="print")
    sheet = page.locator(".sheet").filter(has=page.locator("h2", has_text=dentist))
    for text in ("10:20 – 10:30 AM", "Rosa", "Cleaning, led by Hannah", "Takes part"):
        await expect(sheet.get_by_role("row", include_hidden=True).nth(1)).to_contain_text(text)
    # On the screen the list has each visit once, on paper also who takes part in it.
    await page.emulate_media(media="screen")
    await page.get_by_role("button", name="List").click()
    await expect(page.get_by_role("row").filter(has_text="Rosa")).to_have_count(1)
    await page.emulate_media(media="print")
    await expect(page.locator(".sheet tr").filter(has_text="Rosa")).to_have_count(2)
    await expect(page.locator(".sheet tr").filter(has_text="Takes part")).to_contain_text(dentist)


async def test_a_part_is_drawn_in_the_column_of_who_takes_it(
    visit: Visitors, clinic: MadeClinic, superuser: Connection, stack: Stack, hannah: UUID
) -> None:
    appointment = cleaning(stack, clinic, hannah, has_patient(superuser, clinic, "Rosa"), "10:00")
    page = await open_board(visit, clinic)
    await expect(column(page, "Hannah").locator(".appointment")).to_contain_text("Rosa")
    exam = page.locator(f'.exam[data-exam="{appointment["id"]}"]')
    await expect(exam).to_have_count(1)
    await expect(exam).to_contain_text("Rosa")
    assert await exam.evaluate("it => it.closest('.column').dataset.column") in {
        str(clinic.lee),
        str(clinic.other),
    }
    visit_box, exam_box = await box_of(card(page, appointment)), await box_of(exam)
    minute = visit_box["height"] / 45
    assert abs(exam_box["y"] - visit_box["y"] - 20 * minute) < 2
    assert abs(exam_box["height"] - 10 * minute) < 2
    await exam.click()
    await expect(page.get_by_role("dialog")).to_contain_text("Cleaning")
    await expect(page.get_by_role("dialog").get_by_label("Dentist")).to_be_visible()


async def test_chairs_are_columns_on_demand_and_that_is_remembered(
    visit: Visitors, clinic: MadeClinic, superuser: Connection, stack: Stack, chairs: list[UUID]
) -> None:
    for name, dentist in (("Ana", clinic.lee), ("Ben", clinic.other)):
        patient = has_patient(superuser, clinic, name)
        desk_books(stack, clinic, patient, clinic.at("10:00"), dentist_id=str(dentist))
    page = await open_board(visit, clinic)
    await by_chairs(page)
    await expect(page.locator(".column")).to_have_count(2)
    for chair in ("Chair 1", "Chair 2"):
        await expect(column(page, chair).locator(".appointment")).to_have_count(1)
    await page.reload()
    await expect(column(page, "Chair 1")).to_be_visible()
    await page.get_by_role("group", name="Columns").get_by_role("button", name="Dentists").click()
    await expect(column(page, "Lee")).to_be_visible()


async def test_a_card_is_carried_to_another_chair_and_to_another_time_there(
    visit: Visitors, clinic: MadeClinic, superuser: Connection, stack: Stack, chairs: list[UUID]
) -> None:
    appointment = desk_books(stack, clinic, has_patient(superuser, clinic, "Ana"), clinic.at("10:00"))
    page = await open_board(visit, clinic)
    await by_chairs(page)
    first = column(page, "Chair 1").locator(".appointment")
    second = column(page, "Chair 2").locator(".appointment")
    here, key = (second, "ArrowRight") if await first.count() else (first, "ArrowLeft")
    back, other = (first, "ArrowLeft") if here is second else (second, "ArrowRight")
    await carry(card(page, appointment), key, "Enter")
    await expect(here).to_have_count(1)
    await expect(back).to_have_count(0)
    await page.get_by_role("status").filter(has_text="Ana").wait_for()
    await carry(card(page, appointment), other, "ArrowDown", "ArrowDown", "Enter")
    await expect(back).to_have_count(1)
    await expect(back).to_contain_text("10:30 – 11:00")
    [row] = superuser.execute(
        "select resource_id, lower(during) as since from clinic.occupancy where id = %s and part = 1",
        [appointment["id"]],
    ).fetchall()
    assert row["since"] == clinic.at("10:30")


async def test_chairs_out_of_order_and_a_closed_clinic_are_shown(
    visit: Visitors, clinic: MadeClinic, stack: Stack, chairs: list[UUID]
) -> None:
    admin = clinic.users["admin"]
    morning = {"starts_at": clinic.at("09:00").isoformat(), "ends_at": clinic.at("10:00").isoformat()}
    noon = {"starts_at": clinic.at("13:00").isoformat(), "ends_at": clinic.at("14:00").isoformat()}
    here = {"clinic_id": str(clinic.id)}
    calls(stack, admin, "add_time_off", **here, **morning, resource_id=str(chairs[0]), reason="Compressor")
    calls(stack, admin, "add_time_off", **here, **noon, reason="Staff meeting")
    page = await open_board(visit, clinic)
    for dentist in ("Lee", "Other"):
        await expect(column(page, dentist).locator(".off")).to_contain_text("Closed Staff meeting")
    await by_chairs(page)
    await expect(column(page, "Chair 1").locator(".off").first).to_contain_text("Out of order Compressor")
    await expect(column(page, "Chair 2").locator(".off")).to_contain_text("Closed Staff meeting")


async def test_time_taken_by_another_clinic_is_shown_as_taken_elsewhere(
    visit: Visitors, clinic: MadeClinic, superuser: Connection, stack: Stack
) -> None:
    elsewhere = make_clinic(superuser)
    insert(superuser, "dentists", id=clinic.lee, clinic_id=elsewhere.id, full_name="Lee")
    for weekday, opens, closes in WEEK:
        add_hours(superuser, elsewhere.id, clinic.lee, weekday, opens, closes)
    about = {"clinic_id": elsewhere.id, "appointment_type_id": elsewhere.checkup}
    insert(superuser, "dentist_types", dentist_id=clinic.lee, **about)
    patient = has_patient(superuser, elsewhere, "Secret Name")
    desk_books(stack, elsewhere, patient, clinic.at("10:00"), dentist_id=str(clinic.lee))
    page = await open_board(visit, clinic)
    await expect(column(page, "Lee").locator(".off")).to_contain_text("Taken elsewhere")
    await expect(page.get_by_text("Secret Name")).to_have_count(0)


async def test_a_visit_that_takes_no_chair_is_not_lost_among_the_chairs(
    visit: Visitors, clinic: MadeClinic, superuser: Connection, stack: Stack, chairs: list[UUID]
) -> None:
    superuser.execute("delete from clinic.type_parts where appointment_type_id = %s", [clinic.checkup])
    desk_books(stack, clinic, has_patient(superuser, clinic, "Ana"), clinic.at("10:00"))
    page = await open_board(visit, clinic)
    await by_chairs(page)
    await expect(column(page, "No chair").locator(".appointment")).to_contain_text("Ana")


async def test_who_sees_only_their_own_visits_is_shown_no_chairs(
    visit: Visitors, clinic: MadeClinic, chairs: list[UUID]
) -> None:
    page = await open_board(visit, clinic, "lee")
    await expect(column(page, "Lee")).to_be_visible()
    await expect(page.get_by_role("group", name="Columns")).to_have_count(0)


async def test_chairs_are_shown_one_at_a_time_on_a_phone(
    visit: Visitors, clinic: MadeClinic, chairs: list[UUID]
) -> None:
    page = await visit(board(clinic), clinic.users["desk"], size=(390, 844))
    await is_live(page)
    await by_chairs(page)
    await page.get_by_role("button", name="Chair 2", exact=True).click()
    await expect(column(page, "Chair 2")).to_be_visible()
    await expect(column(page, "Chair 1")).to_be_hidden()
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390


async def test_a_click_into_a_chairs_free_time_books_that_chair(
    visit: Visitors, clinic: MadeClinic, superuser: Connection, chairs: list[UUID]
) -> None:
    has_patient(superuser, clinic, "Rosa Delgado")
    for number, chair in enumerate(chairs, 1):
        page = await open_board(visit, clinic)
        await by_chairs(page)
        hour = 84
        await column(page, f"Chair {number}").click(position={"x": 60, "y": number * hour + 12})
        dialog = page.get_by_role("dialog")
        await dialog.get_by_label("Patient", exact=True).fill("Rosa")
        await dialog.get_by_role("button", name="Rosa Delgado").click()
        await dialog.get_by_role("button", name="Book").click()
        await expect(dialog).to_have_count(0)
        [row] = superuser.execute(
            "select lower(during) as since from clinic.occupancy where resource_id = %s", [chair]
        ).fetchall()
        assert row["since"] == clinic.at(f"{9 + number:02}:00")
