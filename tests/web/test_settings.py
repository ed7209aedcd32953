"""An admin's settings: saved, found again, and in force; a refusal stands where it belongs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from playwright.async_api import Locator, Page, expect

from tests.support.actors import Connection
from tests.support.build import MadeClinic
from tests.support.stacks import Stack
from tests.web.days import has_chairs
from tests.web.test_desk import has_booked
from tests.web.visitors import DESKTOP, PHONE, Visitors, serious_violations

# Those of messages are looked at where there is something in them, in test_message_settings.
PARTS = ("visits", "people", "rooms", "closures", "rules", "clinic")


async def settings(visit: Visitors, clinic: MadeClinic, part: str, **more: Any) -> Page:
    page = await visit(f"/desk/{clinic.slug}/settings?part={part}", clinic.users["admin"], **more)
    await page.locator("form, section").first.wait_for()
    await expect(page.locator(".skeleton")).to_have_count(0)
    return page


async def saved(page: Page, text: str) -> None:
    await expect(page.get_by_role("status").filter(has_text=text)).to_be_visible()


def one(superuser: Connection, query: str, *arguments: Any) -> dict[str, Any]:
    row = superuser.execute(query, arguments).fetchone()  # type: ignore[arg-type]
    assert row is not None
    return dict(row)


def part_of(dialog: Locator, number: int) -> Locator:
    return dialog.get_by_role("group", name=f"Part {number}", exact=True)


async def test_a_kind_of_visit_is_made_with_rules_leaders_and_parts(
    visit: Visitors, clinic: MadeClinic, superuser: Connection
) -> None:
    chairs = has_chairs(superuser, clinic)
    page = await settings(visit, clinic, "visits")
    await page.get_by_role("button", name="New").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Name").fill("Implant")
    await dialog.get_by_label("For whom").select_option("known_patients")
    await dialog.get_by_label("Length", exact=True).fill("2")
    await dialog.get_by_label("Length, unit").select_option("hours")
    await dialog.get_by_label("Booked at the latest, before", exact=True).fill("2")
    await dialog.get_by_label("Booked at the latest, before, unit").select_option("days")
    await dialog.get_by_label("At most a day").fill("1")
    await dialog.get_by_role("checkbox", name="Other").uncheck()
    await dialog.get_by_role("button", name="Add a part").click()
    await part_of(dialog, 1).get_by_label("Chair 2").check()
    await dialog.get_by_role("button", name="Add a part").click()
    await part_of(dialog, 2).get_by_label("Needs").select_option("dentist")
    await part_of(dialog, 2).get_by_label("From minute").fill("100")
    await part_of(dialog, 2).get_by_label("For minutes").fill("10")
    await dialog.get_by_role("button", name="Save").click()
    await saved(page, "Implant is saved")
    row = one(
        superuser,
        "select * from clinic.appointment_types where name = 'Implant' and clinic_id = %s",
        clinic.id,
    )
    assert (row["duration"], row["min_notice"]) == (timedelta(hours=2), timedelta(days=2))
    assert (row["audience"], row["max_per_day"]) == ("known_patients", 1)
    parts = superuser.execute(
        "select needs, only_resources, starts_after, lasts from clinic.type_parts"
        " where appointment_type_id = %s order by part",
        [row["id"]],
    ).fetchall()
    assert [tuple(part.values()) for part in parts] == [
        ("chair", [chairs[1]], timedelta(0), None),
        ("dentist", None, timedelta(minutes=100), timedelta(minutes=10)),
    ]
    leaders = superuser.execute(
        "select dentist_id from clinic.dentist_types where appointment_type_id = %s", [row["id"]]
    ).fetchall()
    assert [leader["dentist_id"] for leader in leaders] == [clinic.lee]
    # To which chairs a part is restricted is said, also where one is not in use any more.
    superuser.execute("update clinic.resources set is_active = false where id = %s", [chairs[1]])
    await page.reload()
    await expect(page.get_by_label("Visits", exact=True)).to_contain_text("chair (only Chair 2), dentist")
    # Found again as it was said, and taken back to what the clinic's rules say.
    await page.get_by_role("button", name="Edit Implant").click()
    await expect(dialog.get_by_label("Length", exact=True)).to_have_value("2")
    await expect(part_of(dialog, 2).get_by_label("From minute")).to_have_value("100")
    await part_of(dialog, 1).get_by_label("Chair 1").check()
    await part_of(dialog, 1).get_by_label("Chair 2 (not in use)").click()
    await expect(part_of(dialog, 1).get_by_label("Chair 2 (not in use)")).to_have_count(0)
    await dialog.get_by_label("Booked at the latest, before", exact=True).fill("")
    await dialog.get_by_role("button", name="Remove part 2").click()
    await dialog.get_by_role("button", name="Save").click()
    await expect(dialog).to_have_count(0)
    row = one(superuser, "select * from clinic.appointment_types where id = %s", row["id"])
    assert row["min_notice"] is None
    only = superuser.execute(
        "select only_resources from clinic.type_parts where appointment_type_id = %s", [row["id"]]
    ).fetchall()
    assert [part["only_resources"] for part in only] == [[chairs[0]]]


async def test_a_part_that_could_never_be_had_is_refused_in_words(
    visit: Visitors, clinic: MadeClinic, superuser: Connection
) -> None:
    page = await settings(visit, clinic, "visits")
    await page.get_by_role("button", name="Edit Check-up").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name="Add a part").click()
    await dialog.get_by_role("button", name="Save").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("could never be booked")


async def test_a_kind_of_visit_that_is_booked_stops_only_for_who_has_seen_the_visits(
    visit: Visitors, clinic: MadeClinic, stack: Stack, ana: UUID
) -> None:
    has_booked(stack, clinic, ana, clinic.at("10:00"))
    page = await settings(visit, clinic, "visits")
    await page.get_by_role("button", name="Stop: Check-up").click()
    await expect(page.get_by_role("alert")).to_contain_text("Ana Ferreira")
    await page.get_by_role("button", name="Stop offering it, and keep them").click()
    await expect(page.get_by_role("button", name="Offer again: Check-up")).to_be_visible()


async def test_who_does_what_and_how_long_is_saved_and_taken_back(
    visit: Visitors, clinic: MadeClinic, superuser: Connection
) -> None:
    def led() -> dict[UUID, timedelta | None]:
        rows = superuser.execute(
            "select appointment_type_id as id, duration from clinic.dentist_types where dentist_id = %s",
            [clinic.lee],
        )
        return {row["id"]: row["duration"] for row in rows}

    before = led()
    page = await settings(visit, clinic, "people")
    form = page.get_by_role("form", name="What Lee does")
    await form.get_by_role("checkbox", name="Root canal").uncheck()
    await form.get_by_label("Minutes that Lee takes for Cleaning").fill("60")
    await form.get_by_role("button", name="Save").click()
    await saved(page, "What Lee does is saved")
    assert led() == {clinic.checkup: None, clinic.cleaning: timedelta(hours=1)}
    await page.locator(".toasts").get_by_role("button", name="Undo").click()
    await expect(form.get_by_role("checkbox", name="Root canal")).to_be_checked()
    assert led() == before


async def test_a_chair_is_added_renamed_and_taken_out_of_use(
    visit: Visitors, clinic: MadeClinic, superuser: Connection
) -> None:
    page = await settings(visit, clinic, "rooms")
    form = page.get_by_role("form", name="New chair or device")
    await form.get_by_label("Name").fill("Blue chair")
    await form.get_by_role("button", name="Add").click()
    listed = page.get_by_label("Chairs and equipment")
    await expect(listed).to_contain_text("Blue chair")
    await form.get_by_label("Name").fill("Blue chair")
    await form.get_by_role("button", name="Add").click()
    await expect(form.get_by_role("alert")).to_contain_text("of this name already")
    await page.get_by_role("button", name="Rename Blue chair").click()
    await page.get_by_label("New name of Blue chair").fill("Green chair")
    await page.get_by_role("button", name="Save").click()
    await expect(listed).to_contain_text("Green chair")
    await page.get_by_role("button", name="Take out of use: Green chair").click()
    await expect(page.get_by_role("button", name="Use again: Green chair")).to_be_visible()
    row = one(superuser, "select * from clinic.resources where clinic_id = %s and kind = 'chair'", clinic.id)
    assert (row["name"], row["is_active"]) == ("Green chair", False)


async def test_the_clinic_is_closed_for_those_in_the_way_to_be_seen_first_and_opens_again(
    visit: Visitors, clinic: MadeClinic, superuser: Connection, stack: Stack, ana: UUID
) -> None:
    has_booked(stack, clinic, ana, clinic.at("10:00"))
    page = await settings(visit, clinic, "closures")
    form = page.get_by_label("New closure")
    day = clinic.weekday(1)
    await form.get_by_label("From").fill(f"{day}T00:00")
    await form.get_by_label("Until").fill(f"{day + timedelta(days=1)}T00:00")
    await form.get_by_label("Reason").fill("Works on the roof")
    await form.get_by_role("button", name="Preview closure").click()
    await expect(form.locator(".notice.warn")).to_contain_text("Ana Ferreira")
    await form.get_by_label("From").fill(f"{day}T11:00")
    await form.get_by_role("button", name="Preview closure").click()
    await form.get_by_role("button", name="Close the clinic").click()
    closures = page.get_by_label("Closures", exact=True)
    await expect(closures).to_contain_text("Works on the roof")
    row = one(superuser, "select lower(during) as since from clinic.closures where clinic_id = %s", clinic.id)
    assert row["since"] == clinic.at("11:00")
    await closures.get_by_role("button", name="Open the clinic again").click()
    await expect(closures).to_contain_text("Nothing is planned")


async def test_the_rules_are_saved_and_a_refusal_stands_in_the_form(
    visit: Visitors, clinic: MadeClinic, superuser: Connection
) -> None:
    page = await settings(visit, clinic, "rules")
    await page.get_by_label("Booked at the latest", exact=True).fill("3")
    await page.get_by_label("Booked at the latest, unit").select_option("hours")
    await page.get_by_label("Visits that a patient may have ahead").fill("4")
    await page.get_by_label("An offer is held for", exact=True).fill("45")
    await page.get_by_label("Offered at the latest", exact=True).fill("6")
    await page.get_by_label("Offers to somebody who waits").fill("3")
    await page.get_by_role("button", name="Save rules").click()
    await saved(page, "The rules are saved")
    columns = "min_notice, max_upcoming, offer_duration, offer_lead, max_waitlist_offers"
    row = one(superuser, f"select {columns} from clinic.clinics where id = %s", clinic.id)
    assert row == {
        "min_notice": timedelta(hours=3),
        "max_upcoming": 4,
        "offer_duration": timedelta(minutes=45),
        "offer_lead": timedelta(hours=6),
        "max_waitlist_offers": 3,
    }
    await page.get_by_label("Booked at the earliest", exact=True).fill("5000")
    await page.get_by_role("button", name="Save rules").click()
    horizon = page.get_by_label("Booked at the earliest", exact=True)
    await expect(horizon).to_have_attribute("aria-invalid", "true")
    await expect(page.get_by_role("alert")).to_have_text("This is out of bounds.")
    await expect(horizon).to_have_value("5000")


async def test_the_clinics_contact_is_saved_and_a_wrong_address_is_told_at_its_field(
    visit: Visitors, clinic: MadeClinic, superuser: Connection
) -> None:
    page = await settings(visit, clinic, "clinic")
    email = page.get_by_label("Email")
    await page.get_by_label("Phone").fill("+1 212 555 0100")
    await email.fill("no@address@at.all")
    await email.evaluate("it => { it.type = 'text' }")  # what no browser would stop
    await page.get_by_role("button", name="Save clinic").click()
    await expect(email).to_have_attribute("aria-invalid", "true")
    await expect(page.get_by_role("alert")).to_have_text("Email is not an address.")
    await email.fill("hello@clinic.test")
    await page.get_by_role("button", name="Save clinic").click()
    await saved(page, "The clinic is saved")
    row = one(superuser, "select phone, email from clinic.clinics where id = %s", clinic.id)
    assert row == {"phone": "+1 212 555 0100", "email": "hello@clinic.test"}
    await page.get_by_label("Phone").fill("")
    await page.get_by_role("button", name="Save clinic").click()
    await expect(page.get_by_role("button", name="Save clinic")).to_be_disabled()
    row = one(superuser, "select phone, email from clinic.clinics where id = %s", clinic.id)
    assert row == {"phone": None, "email": "hello@clinic.test"}


async def test_another_time_zone_is_first_shown_with_the_visits_it_shifts(
    visit: Visitors, clinic: MadeClinic, superuser: Connection, stack: Stack, ana: UUID
) -> None:
    has_booked(stack, clinic, ana, clinic.at("10:00"))
    page = await settings(visit, clinic, "clinic")
    await page.get_by_label("Time zone").fill("Asia/Tokyo")
    await page.get_by_role("button", name="Save clinic").click()
    await expect(page.locator(".notice.warn")).to_contain_text("Ana Ferreira")
    zone = "select time_zone from clinic.clinics where id = %s"
    assert one(superuser, zone, clinic.id)["time_zone"] == "America/New_York"
    await page.get_by_role("button", name="Save with the new time zone").click()
    await saved(page, "The clinic is saved")
    assert one(superuser, zone, clinic.id)["time_zone"] == "Asia/Tokyo"


async def test_a_rota_is_valid_from_a_day_and_stays_so_when_other_hours_change(
    visit: Visitors, clinic: MadeClinic, superuser: Connection
) -> None:
    def rota() -> list[dict[str, Any]]:
        return superuser.execute(
            "select opens::text, valid_from, valid_until from clinic.working_hours"
            " where dentist_id = %s and (valid_from is not null or valid_until is not null)",
            [clinic.lee],
        ).fetchall()

    page = await visit(f"/desk/{clinic.slug}/hours", clinic.users["lee"])
    await page.get_by_role("button", name="Only for some time: 09:00 to 12:00 on Monday").click()
    await page.get_by_label("09:00 to 12:00 on Monday, from").fill(f"{clinic.weekday(1)}")
    for closes in ("17:00", "16:00"):
        await page.get_by_label("Friday, closes").nth(1).fill(closes)
        await page.get_by_role("button", name="Preview change").click()
        await page.get_by_role("button", name="Save hours").click()
        await expect(page.get_by_role("button", name="Preview change")).to_be_disabled()
        expected = {"opens": "09:00:00", "valid_from": clinic.weekday(1), "valid_until": None}
        assert rota() == [expected]


@pytest.mark.long
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
async def test_axe_finds_nothing_serious_in_the_settings(
    visit: Visitors, clinic: MadeClinic, superuser: Connection, size: tuple[int, int]
) -> None:
    has_chairs(superuser, clinic)
    found = {}
    for part in PARTS:
        page = await settings(visit, clinic, part, size=size)
        found[part] = await serious_violations(page)
        assert await page.evaluate("document.documentElement.scrollWidth") <= size[0], part
        if part == "visits":
            await page.get_by_role("button", name="Edit Cleaning").click()
            found["type"] = await serious_violations(page)
    assert not any(found.values()), found
