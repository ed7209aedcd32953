"""What an administrator ends while visits are ahead: a dentist, a role, a day of the clinic."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from playwright.async_api import Locator, Page, expect

from tests.support.actors import Connection
from tests.support.build import MadeClinic
from tests.support.stacks import Stack
from tests.web.test_desk import board, card, has_booked, open_board, roles_of
from tests.web.visitors import Visitors, together


async def team(visit: Visitors, clinic: MadeClinic) -> Page:
    page = await visit(f"/desk/{clinic.slug}/team", clinic.users["admin"])
    await page.get_by_label("Role of Lee").wait_for()
    return page


def row_of(page: Page, heading: str, name: str) -> Locator:
    """One person's row in the section with this heading."""
    section = page.locator("section").filter(has=page.get_by_role("heading", name=heading))
    return section.locator(".person-row").filter(has_text=name)


def is_active(superuser: Connection, dentist: UUID) -> bool:
    row = superuser.execute("select is_active from clinic.dentists where id = %s", [dentist]).fetchone()
    assert row is not None
    return bool(row["is_active"])


async def test_a_dentist_with_visits_ahead_is_paused_only_by_who_has_seen_them(
    visit: Visitors, clinic: MadeClinic, stack: Stack, superuser: Connection, ana: UUID
) -> None:
    booked = has_booked(stack, clinic, ana, clinic.at("10:00"))
    page = await team(visit, clinic)
    lee = row_of(page, "Dentists", "Lee")
    await lee.get_by_role("button", name="Pause").click()
    await expect(lee.get_by_role("alert")).to_contain_text("1 appointment ahead")
    await expect(lee.get_by_role("alert")).to_contain_text("Ana Ferreira: Monday")
    assert is_active(superuser, clinic.lee)
    await lee.get_by_role("button", name="Pause, and keep them").click()
    await expect(lee.get_by_text("Paused")).to_be_visible()
    await expect(lee.get_by_role("alert")).to_have_count(0)
    desk = await open_board(visit, clinic)
    await expect(card(desk, booked)).to_be_visible()


async def test_a_colleague_with_visits_ahead_is_removed_only_by_who_has_seen_them(
    visit: Visitors, clinic: MadeClinic, stack: Stack, superuser: Connection, ana: UUID
) -> None:
    has_booked(stack, clinic, ana, clinic.at("10:00"))
    page = await team(visit, clinic)
    await page.get_by_role("button", name="Remove Lee").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name="Remove", exact=True).click()
    await expect(dialog.get_by_role("alert")).to_contain_text("Ana Ferreira: Monday")
    assert "dentist" in roles_of(superuser, clinic)
    await expect(dialog.get_by_role("button", name="Remove", exact=True)).to_have_count(0)
    await dialog.get_by_role("button", name="Remove, and keep them").click()
    await expect(page.get_by_label("Role of Lee")).to_have_count(0)
    assert "dentist" not in roles_of(superuser, clinic)


async def test_a_role_without_a_calendar_is_given_only_by_who_has_seen_the_visits(
    visit: Visitors, clinic: MadeClinic, stack: Stack, superuser: Connection, ana: UUID
) -> None:
    has_booked(stack, clinic, ana, clinic.at("10:00"))
    page = await team(visit, clinic)
    lee = row_of(page, "Staff", "Lee")
    await lee.get_by_label("Role of Lee").select_option("chatbot")
    await expect(lee.get_by_role("alert")).to_contain_text("Ana Ferreira: Monday")
    await expect(lee.get_by_label("Role of Lee")).to_have_value("dentist")
    await lee.get_by_role("button", name="Change the role, and keep them").click()
    await expect(lee.get_by_label("Role of Lee")).to_have_value("chatbot")
    assert roles_of(superuser, clinic).count("chatbot") == 2


async def test_a_closed_clinic_opens_again_for_everybody_and_can_be_closed_again(
    visit: Visitors, clinic: MadeClinic, stack: Stack, superuser: Connection
) -> None:
    span = {"starts_at": clinic.at("09:00").isoformat(), "ends_at": clinic.at("17:00").isoformat()}
    morning = {"starts_at": clinic.at("09:00").isoformat(), "ends_at": clinic.at("12:00").isoformat()}
    admin = stack.http(stack.token(clinic.users["admin"]))
    to_close = {"clinic_id": str(clinic.id), "reason": "Works on the roof"}
    for off in (morning | {"dentist_id": str(clinic.lee)}, span):
        admin.post("/rpc/add_time_off", json=to_close | off).raise_for_status()

    def closed() -> list[dict[str, Any]]:
        return superuser.execute(
            "select lower(during) as since, upper(during) as until, reason from clinic.closures"
            " where clinic_id = %s",
            [clinic.id],
        ).fetchall()

    before = closed()
    assert len(before) == 1
    # It is for a dentist to see, not to lift.
    page, own = await together(
        visit(f"/desk/{clinic.slug}/hours", clinic.users["admin"]),
        visit(f"/desk/{clinic.slug}/hours", clinic.users["lee"]),
    )
    await expect(own.get_by_text("The whole clinic is closed · Works on the roof")).to_be_visible()
    await expect(own.get_by_role("button", name="Open the clinic again")).to_have_count(0)
    await expect(own.get_by_role("button", name="Remove this time off")).to_have_count(1)
    await page.get_by_label("Dentist").select_option(str(clinic.lee))
    await page.get_by_role("button", name="Open the clinic again").click()
    await expect(page.get_by_role("button", name="Open the clinic again")).to_have_count(0)
    assert closed() == []
    await page.locator(".toasts").get_by_role("button", name="Undo").click()
    await expect(page.get_by_role("button", name="Open the clinic again")).to_have_count(1)
    assert closed() == before


async def test_hours_are_added_where_the_day_has_room(visit: Visitors, clinic: MadeClinic) -> None:
    page = await visit(f"/desk/{clinic.slug}/hours", clinic.users["lee"])
    opens, closes = page.get_by_label("Tuesday, opens"), page.get_by_label("Tuesday, closes")
    add = page.get_by_role("button", name="Add hours on Tuesday")
    for count, window in enumerate((("17:00", "18:00"), ("18:00", "00:00"), ("00:00", "09:00")), 3):
        await add.click()
        await expect(opens).to_have_count(count)
        assert (await opens.last.input_value(), await closes.last.input_value()) == window
    await expect(add).to_be_disabled()
    await page.get_by_role("button", name="Preview change").click()
    await page.get_by_role("button", name="Save hours").click()
    await expect(page.get_by_role("status").filter(has_text="hours are saved")).to_be_visible()


async def test_hours_without_a_time_are_not_sent(visit: Visitors, clinic: MadeClinic) -> None:
    page = await visit(f"/desk/{clinic.slug}/hours", clinic.users["lee"])
    await page.get_by_label("Monday, opens").first.fill("")
    await page.get_by_role("button", name="Preview change").click()
    await expect(page.get_by_label("Monday, opens").first).to_be_focused()
    await page.get_by_label("Monday, opens").first.fill("08:00")
    await page.get_by_role("button", name="Preview change").click()
    await page.get_by_role("button", name="Save hours").wait_for()
    assert visit.asked.count("rpc/set_availability") == 1


async def test_hours_over_midnight_say_so_and_are_drawn_on_both_days(
    visit: Visitors, clinic: MadeClinic
) -> None:
    page = await visit(f"/desk/{clinic.slug}/hours", clinic.users["lee"])
    await page.get_by_label("Friday, closes").nth(1).fill("02:00")
    await expect(page.get_by_text("Closes on the next day")).to_have_count(1)
    await page.get_by_role("button", name="Preview change").click()
    await page.get_by_role("button", name="Save hours").click()
    await expect(page.get_by_role("status").filter(has_text="hours are saved")).to_be_visible()
    night = clinic.weekday(6)
    await page.get_by_label("Day", exact=True).fill(f"{night}")
    await page.get_by_label("From").last.fill("23:00")
    await page.get_by_label("Until").last.fill("01:00")
    await page.get_by_role("button", name="Add hours", exact=True).click()
    await expect(page.get_by_text("11:00 PM – ")).to_contain_text("1:00 AM")
    for iso, windows in ((5, 2), (6, 2), (7, 1)):
        await page.goto(board(clinic).replace(str(clinic.weekday(1)), str(clinic.weekday(iso))))
        await expect(page.locator(".board .open-hours")).to_have_count(windows)
