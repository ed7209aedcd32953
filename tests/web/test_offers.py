"""Patients choose anybody first, and see only what is for them."""

from __future__ import annotations

from uuid import UUID

from playwright.async_api import Page, expect

from tests.support.actors import Connection
from tests.support.build import MadeClinic, make_clinic
from tests.web.days import has_chairs, has_patient
from tests.web.visitors import Visitors, is_live, slot


def is_for(superuser: Connection, type_id: UUID, audience: str) -> None:
    superuser.execute("update clinic.appointment_types set audience = %s where id = %s", [audience, type_id])


async def offered(page: Page) -> list[str]:
    """What can be chosen."""
    await page.get_by_role("radio", name="Anybody").wait_for()
    return await page.get_by_role("group", name="Visit").locator(".option .clip").all_text_contents()


async def test_anybody_is_chosen_first_and_the_least_busy_takes_it(
    visit: Visitors, clinic: MadeClinic, superuser: Connection, ana: UUID
) -> None:
    page = await visit(f"/book?clinic={clinic.slug}&from={clinic.weekday(1)}", ana)
    await is_live(page)
    await expect(page.get_by_role("radio", name="Anybody")).to_be_checked()
    await slot(page, clinic.at("10:00")).click()
    await page.get_by_role("button", name="Confirm booking").click()
    await page.get_by_role("heading", name="You are booked").wait_for()
    row = superuser.execute(
        "select assigned from clinic.appointments where clinic_id = %s", [clinic.id]
    ).fetchone()
    assert row == {"assigned": "any"}


async def test_each_sees_only_what_is_for_them(
    visit: Visitors, clinic: MadeClinic, superuser: Connection, ana: UUID, ben: UUID
) -> None:
    is_for(superuser, clinic.checkup, "new_patients")
    is_for(superuser, clinic.cleaning, "known_patients")
    has_patient(superuser, clinic, "Ben Okafor", user_id=ben)
    for user, types in ((ana, ["Check-up", "Root canal"]), (ben, ["Cleaning", "Root canal"])):
        page = await visit(f"/book?clinic={clinic.slug}", user)
        assert await offered(page) == types
    guest = await visit(f"/book?clinic={clinic.slug}")
    assert await offered(guest) == ["Check-up", "Root canal"]
    await expect(guest.get_by_text("Sign in to see also")).to_be_visible()


async def test_what_the_desk_books_is_named_with_the_way_to_the_clinic(
    visit: Visitors, superuser: Connection, ana: UUID
) -> None:
    clinic = make_clinic(superuser, phone="+1 212 555 0100")
    is_for(superuser, clinic.cleaning, "staff")
    page = await visit(f"/book?clinic={clinic.slug}&type={clinic.cleaning}", ana)
    assert await offered(page) == ["Check-up", "Root canal"]
    notice = page.locator(".notice.warn")
    await expect(notice).to_contain_text("Cleaning is not booked online by you")
    await expect(notice.get_by_role("link")).to_have_attribute("href", "tel:+12125550100")


async def test_what_is_no_longer_for_somebody_who_looks_at_it_is_explained(
    visit: Visitors, superuser: Connection, ana: UUID
) -> None:
    clinic = make_clinic(superuser, phone="+1 212 555 0100")
    page = await visit(f"/book?clinic={clinic.slug}&from={clinic.weekday(1)}", ana)
    await is_live(page)
    await page.locator(".slot").first.wait_for()
    is_for(superuser, clinic.checkup, "known_patients")
    alert = page.get_by_label("Free times").get_by_role("alert")
    await expect(alert).to_contain_text("for those who have been here before")
    await expect(alert.get_by_role("link")).to_have_attribute("href", "tel:+12125550100")


async def test_only_those_who_do_it_are_offered(
    visit: Visitors, clinic: MadeClinic, superuser: Connection, ana: UUID
) -> None:
    superuser.execute(
        "delete from clinic.dentist_types where appointment_type_id = %s and dentist_id = %s",
        [clinic.cleaning, clinic.other],
    )
    page = await visit(f"/book?clinic={clinic.slug}&type={clinic.cleaning}&dentist={clinic.other}", ana)
    await expect(page.get_by_text("Other does not do this kind of visit")).to_be_visible()
    people = page.get_by_role("group", name="With").get_by_role("radio")
    await expect(people).to_have_count(2)
    await page.get_by_role("radio", name="Check-up").check()
    await expect(people).to_have_count(3)


async def test_a_patients_times_are_gone_when_the_last_chair_is_taken(
    visit: Visitors, clinic: MadeClinic, superuser: Connection, ana: UUID, ben: UUID
) -> None:
    has_chairs(superuser, clinic, 1)
    address = f"/book?clinic={clinic.slug}&from={clinic.weekday(1)}"
    anas = await visit(f"{address}&dentist={clinic.lee}", ana)
    bens = await visit(f"{address}&dentist={clinic.other}", ben)
    for page in (anas, bens):
        await is_live(page)
        await page.locator(".slot").first.wait_for()
    await slot(bens, clinic.at("10:00")).click()
    await bens.get_by_role("timer").wait_for()
    taken = slot(anas, clinic.at("10:00"))
    await taken.and_(anas.locator("[data-state=taken]")).wait_for()
    await bens.get_by_role("button", name="Give it back").click()
    await taken.and_(anas.locator("[data-state=free]")).wait_for()
