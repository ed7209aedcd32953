"""How many steps the desk needs for what it does all day, counted as those who work there count them."""

from __future__ import annotations

from datetime import datetime, timedelta

from playwright.async_api import expect

from tests.support.actors import Connection
from tests.support.build import MadeClinic
from tests.support.stacks import Stack
from tests.web.days import (
    Steps,
    calls,
    desk_books,
    has_patient,
    is_open_around_the_clock,
    this_minute,
)
from tests.web.visitors import Visitors, is_live


async def test_a_walk_in_is_in_the_chair_in_four_steps(
    visit: Visitors, clinic: MadeClinic, superuser: Connection
) -> None:
    is_open_around_the_clock(superuser, clinic)
    page = await visit(f"/desk/{clinic.slug}/day", clinic.users["desk"])
    await is_live(page)
    dialog, steps = page.get_by_role("dialog"), Steps()
    await steps.press(page.get_by_role("button", name="Walk-in"))
    await steps.write(dialog.get_by_label("Patient", exact=True), "Walter Walkin")
    await steps.press(dialog.get_by_role("button", name="New patient “Walter Walkin”"))
    await steps.press(dialog.get_by_role("button", name="Book now"))
    await expect(page.locator(".appointment").filter(has_text="Walter Walkin")).to_have_count(1)
    assert steps.count == 4
    [row] = superuser.execute(
        "select starts_at, assigned from clinic.appointments where clinic_id = %s", [clinic.id]
    ).fetchall()
    assert timedelta(0) <= this_minute() - row["starts_at"] <= timedelta(minutes=2)
    assert row["assigned"] == "any"


async def test_the_next_free_time_with_anybody_is_booked_in_four_steps(
    visit: Visitors, clinic: MadeClinic, superuser: Connection, stack: Stack
) -> None:
    has_patient(superuser, clinic, "Rosa Delgado")
    [free] = calls(
        stack, clinic.users["desk"], "next_slots", appointment_type_id=str(clinic.checkup), max_results=1
    )
    page = await visit(f"/desk/{clinic.slug}/day", clinic.users["desk"])
    await is_live(page)
    dialog, steps = page.get_by_role("dialog"), Steps()
    await steps.press(page.get_by_role("button", name="Book", exact=True))
    await steps.write(dialog.get_by_label("Patient", exact=True), "rosa")
    await steps.press(dialog.get_by_role("button", name="Rosa Delgado"))
    await steps.press(dialog.get_by_role("button", name="Book"))
    await expect(page.get_by_role("status").filter(has_text="Booked")).to_be_visible()
    assert steps.count == 4
    [row] = superuser.execute(
        "select starts_at, assigned from clinic.appointments where clinic_id = %s", [clinic.id]
    ).fetchall()
    assert row["starts_at"] - datetime.fromisoformat(free["starts_at"]) <= timedelta(minutes=15)
    assert row["assigned"] == "any"


async def test_a_sick_dentists_day_is_listed_in_two_steps_and_cleared_in_one_for_each_visit(
    visit: Visitors, clinic: MadeClinic, superuser: Connection, stack: Stack
) -> None:
    is_open_around_the_clock(superuser, clinic)
    names = [f"Patient {letter}" for letter in "ABCDEF"]
    for number, name in enumerate(names):
        patient = has_patient(superuser, clinic, name, phone=f"+1 212 555 010{number}")
        # Also late in the evening all begin today.
        desk_books(stack, clinic, patient, clinic.at(f"{6 + number:02}:30", clinic.today()))
    page = await visit(f"/desk/{clinic.slug}/day", clinic.users["desk"])
    await is_live(page)
    steps = Steps()
    await steps.press(page.get_by_role("link", name="Away"))
    await steps.choose(page.get_by_label("Who is away?"), str(clinic.lee))
    work = page.get_by_label("In the way")
    await expect(work.locator("[data-entry]")).to_have_count(6)
    assert steps.count == 2
    for number, name in enumerate(names):
        entry = work.locator("[data-entry]").filter(has_text=name)
        await expect(entry.get_by_role("link", name=f"+1 212 555 010{number}")).to_be_visible()
        times = entry.get_by_role("group", name=f"Move {name} to").locator("button .num")
        await expect(times).to_have_count(3)
        await steps.press(times.first)
        # Handled, and still in sight.
        await expect(work.locator("[data-handled]").filter(has_text=name)).to_contain_text("Moved to")
        await expect(work.locator("[data-entry]")).to_have_count(5 - number)
    assert steps.count == 2 + 6
    await page.get_by_role("button", name="Enter absence").click()
    await expect(page.get_by_label("Entered absences")).to_contain_text("Lee")
    left = superuser.execute(
        "select count(*) as n from clinic.appointments where dentist_id = %s and status = 'booked'"
        " and starts_at < %s",
        [clinic.lee, clinic.at("00:00", clinic.today() + timedelta(days=1))],
    ).fetchone()
    assert left is not None
    assert left["n"] == 0
