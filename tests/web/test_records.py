"""The desk finds people, keeps their records, and says what became of a visit."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from playwright.async_api import Page, Route, expect

from tests.support.actors import Connection
from tests.support.build import MadeClinic, insert
from tests.support.stacks import Stack
from tests.web.days import calls, desk_books, has_patient
from tests.web.test_desk import board, card, has_booked, open_board
from tests.web.visitors import DESKTOP, PHONE, Visitors, is_live, serious_violations, together

FINDER = "Name, phone, birth date or email"


def address(clinic: MadeClinic, patient: UUID | str) -> str:
    return f"/desk/{clinic.slug}/patients/{patient}"


async def open_patient(
    visit: Visitors, clinic: MadeClinic, patient: UUID, who: str = "desk", **more: Any
) -> Page:
    page = await visit(address(clinic, patient), clinic.users[who], **more)
    await page.get_by_role("heading", name="Next visits").wait_for()
    await is_live(page)
    return page


async def says(page: Page, text: str) -> None:
    await expect(page.get_by_role("status").filter(has_text=text)).to_be_visible()


def row_of(superuser: Connection, patient: UUID) -> dict[str, Any]:
    row = superuser.execute("select * from clinic.patients where id = %s", [patient]).fetchone()
    assert row is not None
    return dict(row)


async def test_any_patient_is_found_from_the_keyboard_by_any_part_and_booked_for(
    visit: Visitors, clinic: MadeClinic, stack: Stack, superuser: Connection
) -> None:
    zoe = has_patient(superuser, clinic, "Zoë Delgado", phone="+1 (212) 555-0143", birth_date="1984-02-29")
    max_ = has_patient(superuser, clinic, "Max Mustermann", email="max@made.test")
    desk_books(stack, clinic, zoe, clinic.at("10:00"))
    page = await visit(f"/desk/{clinic.slug}/day", clinic.users["desk"])
    await page.locator(".board").wait_for()
    await page.keyboard.press("Control+k")
    field, options = page.get_by_label(FINDER), page.get_by_role("listbox").get_by_role("option")
    await page.keyboard.type("zoe")
    await expect(field).to_have_value("zoe")
    for text in ("delg zoe", "2125550143", "1984-02-29", "DELGADO"):
        await field.fill(text)
        await says(page, "1 found")
        await expect(options.first).to_contain_text("Zoë Delgado")
    for fact in ("born Feb 29, 1984", "+1 (212) 555-0143", "Next: ", "10:00 AM"):
        await expect(options.first).to_contain_text(fact)

    # Answers may overtake each other: what was typed last counts, also for Enter.
    late = asyncio.Event()

    async def dawdle(route: Route) -> None:
        if "Muster" not in (route.request.post_data or ""):
            await late.wait()
        await route.continue_()

    await page.route("**/rpc/search_patients", dawdle)
    async with page.expect_request("**/rpc/search_patients"):
        await field.fill("Zo")
    await field.fill("Muster")
    await expect(options.first).to_contain_text("Max Mustermann")
    async with page.expect_response("**/rpc/search_patients"):
        late.set()
    await expect(options).to_have_count(2)
    await expect(options.first).to_contain_text("Max Mustermann")
    await page.unroute("**/rpc/search_patients")
    await field.press("ArrowUp")
    await expect(options.last).to_have_attribute("aria-selected", "true")
    await field.press("ArrowDown")
    await field.press("Enter")
    await page.wait_for_url(f"**{address(clinic, max_)}")
    await expect(page.get_by_role("heading", name="Max Mustermann")).to_be_visible()

    await page.get_by_role("button", name="Book a visit").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.locator(".chosen")).to_contain_text("Max Mustermann")
    await dialog.get_by_role("button", name="Book").click()
    await says(page, "Booked")
    await expect(page.get_by_label("Next visits").locator(".visit-row")).to_have_count(1)
    # The button does as the keys do; a dentist finds their own patients, and registers nobody from here.
    lee = await visit(f"/desk/{clinic.slug}/hours", clinic.users["lee"], size=PHONE)
    await lee.get_by_role("button", name="Find a patient").click()
    await lee.get_by_label(FINDER).fill("zo")
    await expect(lee.get_by_role("listbox").get_by_role("option")).to_have_count(1)
    await lee.get_by_role("listbox").get_by_role("option").click()
    await expect(lee.get_by_role("heading", name="Zoë Delgado")).to_be_visible()
    await expect(lee.get_by_role("button", name="Save record")).to_have_count(0)


async def test_a_record_is_edited_by_two_seen_at_once_and_taken_back(
    visit: Visitors, clinic: MadeClinic, superuser: Connection
) -> None:
    rosa = has_patient(superuser, clinic, "Rosa Delgado", phone="1")
    one, two = await together(open_patient(visit, clinic, rosa), open_patient(visit, clinic, rosa, "admin"))
    await one.get_by_label("Email", exact=True).fill("rosa@made")
    await one.get_by_label("Birth date").fill("1984-02-29")
    await one.get_by_label("Staff notes").fill("Nervous")
    await two.get_by_label("Phone").fill("+1 212 555 0132")
    await two.get_by_role("button", name="Save record").click()
    await says(two, "The record is saved")
    await expect(one.get_by_role("link", name="+1 212 555 0132")).to_be_visible()
    # Under the hand nothing changes, and only what was changed is saved.
    await expect(one.get_by_label("Staff notes")).to_have_value("Nervous")
    await one.get_by_role("button", name="Save record").click()
    await says(one, "The record is saved")
    await expect(two.get_by_label("Staff notes")).to_have_value("Nervous")
    await expect(two.get_by_text("Born Feb 29, 1984")).to_be_visible()
    row = row_of(superuser, rosa)
    assert (row["phone"], row["email"], row["staff_notes"]) == ("+1 212 555 0132", "rosa@made", "Nervous")
    await one.get_by_role("button", name="Undo").click()
    await expect(two.get_by_label("Staff notes")).to_have_value("")
    row = row_of(superuser, rosa)
    assert (row["phone"], row["email"], row["birth_date"]) == ("+1 212 555 0132", None, None)
    await two.get_by_text("Changes of the record").click()
    await expect(two.get_by_label("Changes", exact=True).locator("li").first).to_contain_text(
        "Email, birth date and staff notes changed by Desk (Reception)"
    )
    # What the other has written over since is not taken back; their own way back leads to what they found.
    await one.get_by_label("Email", exact=True).fill("one@made")
    await two.get_by_label("Email", exact=True).fill("two@made")
    await one.get_by_role("button", name="Save record").click()
    await expect(two.get_by_role("link", name="one@made")).to_be_visible()
    await two.get_by_role("button", name="Save record").click()
    await expect(one.get_by_role("link", name="two@made")).to_be_visible()
    await one.get_by_role("button", name="Undo").click()
    await says(one, "What has been changed since stays")
    await two.get_by_role("button", name="Undo").click()
    await expect(two.get_by_label("Email", exact=True)).to_have_value("one@made")
    assert row_of(superuser, rosa)["email"] == "one@made"
    # A refusal stands at its field.
    await one.get_by_label("Full name").fill("Rosa \u202e Delgado")
    await one.get_by_role("button", name="Save record").click()
    await expect(one.get_by_label("Full name")).to_have_attribute("aria-invalid", "true")


def past(superuser: Connection, clinic: MadeClinic, patient: UUID, starts_at: datetime) -> None:
    """Let a patient have had a check-up."""
    insert(
        superuser,
        "appointments",
        id=uuid4(),
        clinic_id=clinic.id,
        patient_id=patient,
        dentist_id=clinic.lee,
        appointment_type_id=clinic.checkup,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(minutes=30),
        buffer_before=timedelta(),
        buffer_after=timedelta(),
        parts="{}",
        status="fulfilled",
        source="desk",
    )


async def test_past_visits_are_paged_and_each_tells_its_history(
    visit: Visitors, clinic: MadeClinic, stack: Stack, superuser: Connection
) -> None:
    rosa = has_patient(superuser, clinic, "Rosa Delgado")
    for week in range(1, 13):
        past(superuser, clinic, rosa, clinic.at("10:00") - timedelta(weeks=6 + week))
    off = desk_books(stack, clinic, rosa, clinic.at("10:00"))
    calls(stack, clinic.users["desk"], "cancel_appointment", appointment_id=off["id"], reason="Has a cold")
    page = await open_patient(visit, clinic, rosa, size=PHONE)
    earlier = page.get_by_label("Past and cancelled").locator(".visit-row")
    await expect(page.get_by_label("Next visits")).to_contain_text("Nothing is booked")
    await expect(earlier).to_have_count(10)
    await expect(earlier.first).to_contain_text("Reason: Has a cold")
    await page.get_by_role("button", name="Show earlier ones").click()
    await expect(earlier).to_have_count(13)
    await expect(page.get_by_role("button", name="Show earlier ones")).to_have_count(0)
    await earlier.first.get_by_role("button", name="History of").click()
    entries = page.get_by_role("dialog").get_by_label("History").locator("li")
    await expect(entries).to_have_count(2)
    await expect(entries.nth(0)).to_contain_text("Booked by you, for Mon")
    await expect(entries.nth(1)).to_contain_text("Cancelled by you")
    await expect(entries.nth(1)).to_contain_text("Reason: Has a cold")
    await page.keyboard.press("Escape")
    # A visit that is booked meanwhile appears.
    desk_books(stack, clinic, rosa, clinic.at("11:00"))
    await expect(page.get_by_label("Next visits").locator(".visit-row")).to_have_count(1)
    assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]


async def test_a_visits_dialog_tells_who_did_what_and_keeps_the_staffs_notes_apart(
    visit: Visitors, clinic: MadeClinic, stack: Stack, ana: UUID
) -> None:
    appointment = has_booked(stack, clinic, ana, clinic.at("10:00"), notes="Front tooth")
    moved = {"appointment_id": appointment["id"], "starts_at": clinic.at("11:00").isoformat()}
    calls(stack, clinic.users["desk"], "reschedule_appointment", dentist_id=str(clinic.other), **moved)
    page = await visit(board(clinic), clinic.users["admin"], time_zone="Asia/Tokyo")
    await is_live(page)
    await card(page, appointment).click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_text("History", exact=True).click()
    entries = dialog.get_by_label("History").locator("li")
    await expect(entries.nth(0)).to_contain_text("Booked by Ana Ferreira online, for Mon")
    await expect(entries.nth(0)).to_contain_text("10:00 AM")
    await expect(entries.nth(1)).to_contain_text("Moved by the desk (Desk) from Mon")
    await expect(entries.nth(1)).to_contain_text("11:00 AM, from Lee to Other")
    await expect(dialog.get_by_label("Notes", exact=True)).to_have_value("Front tooth")
    await dialog.get_by_label("Staff notes").fill("Owes 40 dollars")
    await dialog.get_by_role("button", name="Save notes").click()
    await says(page, "The notes are saved")
    patient = stack.http(stack.token(ana)).get(f"/appointments?id=eq.{appointment['id']}").json()[0]
    assert (patient["notes"], patient["staff_notes"]) == ("Front tooth", None)
    await card(page, appointment).click()
    await expect(dialog.get_by_label("Staff notes")).to_have_value("Owes 40 dollars")
    await dialog.get_by_text("History", exact=True).click()
    await expect(entries.nth(2)).to_contain_text("Staff notes written by you")
    await dialog.get_by_role("link", name="patient’s page").click()
    await expect(page.get_by_role("heading", name="Ana Ferreira")).to_be_visible()
    await expect(page.locator(".staff-note")).to_contain_text("Owes 40 dollars")


async def test_nobody_is_registered_twice_without_a_look_at_who_is_alike(
    visit: Visitors, clinic: MadeClinic, superuser: Connection
) -> None:
    rosa = has_patient(superuser, clinic, "Rosa Delgado", birth_date="1984-02-29", phone="+1 212 555 0132")
    page = await open_board(visit, clinic)
    dialog = page.get_by_role("dialog")
    alike = dialog.get_by_role("group", name="Known already?")

    def count() -> int:
        rows = superuser.execute("select from clinic.patients where clinic_id = %s", [clinic.id])
        return len(rows.fetchall())

    async def books_somebody_new(name: str) -> None:
        await page.get_by_role("button", name="Book", exact=True).click()
        await dialog.get_by_label("Patient", exact=True).fill(name)
        await dialog.get_by_role("button", name="New patient").click()
        await dialog.get_by_role("button", name="Book").click()

    await books_somebody_new("Rosa Delgado")
    await expect(alike).to_contain_text("born Feb 29, 1984")
    assert count() == 1
    await alike.get_by_role("button", name="Rosa Delgado").click()
    await says(page, "Booked")
    [booked] = superuser.execute(
        "select patient_id from clinic.appointments where clinic_id = %s", [clinic.id]
    ).fetchall()
    assert (booked["patient_id"], count()) == (rosa, 1)
    await books_somebody_new("Rosa Delgado")
    await alike.get_by_role("button", name="somebody else").click()
    await expect(dialog).to_have_count(0)
    assert count() == 2
    # From the search, too; another birth date speaks for another person.
    await page.keyboard.press("Control+k")
    await page.get_by_label(FINDER).fill("rosa delgado")
    await page.get_by_role("listbox").get_by_role("option", name="New patient").click()
    await expect(dialog.get_by_label("Full name")).to_have_value("rosa delgado")
    await dialog.get_by_label("Phone").fill("212 555 0132")
    await dialog.get_by_role("button", name="Register").click()
    await expect(alike.get_by_role("listitem")).to_have_count(2)
    await dialog.get_by_label("Birth date").fill("1999-01-01")
    await expect(alike).to_have_count(0)
    await dialog.get_by_role("button", name="Register").click()
    await expect(alike.get_by_role("listitem")).to_have_count(1)
    await alike.get_by_role("button", name="somebody else").click()
    await expect(page.get_by_role("heading", name="rosa delgado")).to_be_visible()
    assert count() == 3


async def test_a_double_click_registers_somebody_once(
    visit: Visitors, clinic: MadeClinic, superuser: Connection
) -> None:
    page = await visit(f"/desk/{clinic.slug}/day", clinic.users["desk"])
    await page.locator(".board").wait_for()
    await page.keyboard.press("Control+k")
    await page.keyboard.type("Dora Quick")
    await says(page, "Nobody fits")
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("Full name")).to_be_focused()
    await page.get_by_role("button", name="Register").dblclick()
    await expect(page.get_by_role("heading", name="Dora Quick")).to_be_visible()
    await expect(page.get_by_text("No other record looks like this one.")).to_be_visible()
    assert superuser.execute(
        "select count(*) from clinic.patients where clinic_id = %s and full_name = 'Dora Quick'", [clinic.id]
    ).fetchone() == {"count": 1}


async def test_who_writes_on_while_a_record_is_saved_slowly_loses_nothing(
    visit: Visitors, clinic: MadeClinic, superuser: Connection
) -> None:
    rosa = has_patient(superuser, clinic, "Rosa Delgado")
    page = await open_patient(visit, clinic, rosa)
    may_go = asyncio.Event()

    async def slow(route: Route) -> None:
        await may_go.wait()
        await route.continue_()

    await page.route("**/rpc/update_patient", slow)
    await page.get_by_label("Phone").fill("+1 212 555 0132")
    await page.get_by_role("button", name="Save record").click()
    await page.get_by_label("Staff notes").fill("Nervous")
    may_go.set()
    await says(page, "The record is saved")
    await expect(page.get_by_role("link", name="+1 212 555 0132")).to_be_visible()
    await expect(page.get_by_label("Staff notes")).to_have_value("Nervous")
    await page.get_by_role("button", name="Save record").click()
    await expect(page.get_by_role("button", name="Save record")).to_be_disabled()
    row = row_of(superuser, rosa)
    assert (row["phone"], row["staff_notes"]) == ("+1 212 555 0132", "Nervous")


async def test_a_parents_page_leads_to_their_children_and_back(
    visit: Visitors, clinic: MadeClinic, superuser: Connection, ana: UUID
) -> None:
    mother = has_patient(superuser, clinic, "Ana Ferreira", user_id=ana)
    child = has_patient(superuser, clinic, "Ella Ferreira", birth_date="2018-01-31")
    page = await open_patient(visit, clinic, mother)
    await expect(page.get_by_role("heading", name="Books for")).to_have_count(0)
    insert(superuser, "guardians", clinic_id=clinic.id, patient_id=child, user_id=ana, relation="mother")
    await page.evaluate("dispatchEvent(new Event('visibilitychange'))")
    hers = page.get_by_role("list", name="Whom Ana Ferreira books for")
    await expect(hers.get_by_role("listitem")).to_contain_text("born Jan 31, 2018")
    await hers.get_by_role("link", name="Ella Ferreira").click()
    await expect(page.get_by_role("heading", name="Ella Ferreira")).to_be_visible()
    await expect(page.get_by_role("region", name="Family")).to_contain_text("Ana Ferreiramother")


async def test_two_records_of_one_person_are_compared_refused_while_they_overlap_and_merged(
    visit: Visitors, clinic: MadeClinic, stack: Stack, superuser: Connection
) -> None:
    rosa = has_patient(superuser, clinic, "Rosa Delgado", birth_date="1984-02-29")
    twin = has_patient(superuser, clinic, "Rosa Delgádo", phone="+1 212 555 0132")
    desk_books(stack, clinic, rosa, clinic.at("10:00"))
    other = desk_books(stack, clinic, twin, clinic.at("10:00"), dentist_id=str(clinic.other))
    desk = await open_patient(visit, clinic, rosa)
    await expect(desk.get_by_label("The same person?")).to_contain_text("Rosa Delgádo")
    await expect(desk.get_by_role("button", name="Compare")).to_have_count(0)
    await expect(desk.get_by_role("heading", name="Erase")).to_have_count(0)

    page = await open_patient(visit, clinic, twin, "admin")
    await page.get_by_role("button", name="Compare").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_role("row", name="Birth date")).to_contain_text("Feb 29, 1984")
    await expect(dialog.get_by_role("row", name="Visits")).to_contain_text("1")
    await dialog.get_by_label("Keep the second").check()
    await expect(dialog.get_by_role("button", name="Merge")).to_be_disabled()
    await dialog.get_by_label("These are the same person").check()
    await dialog.get_by_role("button", name="Merge").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("Both records have a visit at the same time")
    calls(
        stack, clinic.users["desk"], "reschedule_appointment",
        appointment_id=other["id"], starts_at=clinic.at("11:00").isoformat(),
    )  # fmt: skip
    await dialog.get_by_role("button", name="Merge").click()
    await page.wait_for_url(f"**{address(clinic, rosa)}")
    await expect(desk.get_by_label("Next visits").locator(".visit-row")).to_have_count(2)
    await expect(desk.get_by_label("Phone")).to_have_value("+1 212 555 0132")
    await page.goto(address(clinic, twin))
    await page.get_by_role("link", name="Open the other record").click()
    await expect(page.get_by_role("heading", name="Rosa Delgado")).to_be_visible()
    assert row_of(superuser, twin)["merged_into"] == rosa


async def test_somebody_is_erased_only_with_a_reason_and_the_typed_name(
    visit: Visitors, clinic: MadeClinic, stack: Stack, superuser: Connection
) -> None:
    rosa = has_patient(superuser, clinic, "Rosa Delgado", phone="+1 212 555 0132")
    desk_books(stack, clinic, rosa, clinic.at("10:00"))
    page = await open_patient(visit, clinic, rosa, "admin")
    await page.get_by_role("button", name="Erase this patient").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("The visit ahead will be cancelled")
    await dialog.get_by_label("To be sure").fill("Rosa")
    await expect(dialog.get_by_role("button", name="Erase for good")).to_be_disabled()
    await dialog.get_by_label("To be sure").fill("Rosa Delgado")
    await dialog.get_by_label("Reason").fill("Asked in writing")
    await dialog.get_by_role("button", name="Erase for good").click()
    await says(page, "The patient is erased")
    await page.wait_for_url(f"**/desk/{clinic.slug}/day")
    row = row_of(superuser, rosa)
    assert row["erased_at"] is not None
    assert row["phone"] is None
    await page.keyboard.press("Control+k")
    await page.get_by_label(FINDER).fill("rosa")
    await says(page, "Nobody fits")
    # An address that somebody kept.
    await page.goto(address(clinic, rosa))
    await expect(page.get_by_role("heading", name="This patient was erased")).to_be_visible()
    await expect(page.get_by_role("button", name="Save record")).to_have_count(0)


@pytest.mark.long
@pytest.mark.parametrize(("size", "scheme"), [(DESKTOP, "light"), (PHONE, "dark")])
async def test_axe_finds_nothing_serious_where_people_are_kept(
    visit: Visitors,
    clinic: MadeClinic,
    stack: Stack,
    superuser: Connection,
    size: tuple[int, int],
    scheme: str,
) -> None:
    rosa = has_patient(superuser, clinic, "Rosa Delgado", birth_date="1984-02-29", staff_notes="Nervous")
    has_patient(superuser, clinic, "Rosa Delgado", phone="+1 212 555 0132")
    booked = desk_books(stack, clinic, rosa, clinic.at("10:00"))
    notes = {"appointment_id": booked["id"], "staff_notes": "Owes 40 dollars"}
    calls(stack, clinic.users["desk"], "update_appointment", **notes)
    calls(stack, clinic.users["desk"], "invite_patient", patient_id=str(rosa))
    page = await open_patient(visit, clinic, rosa, "admin", size=size, color_scheme=scheme)
    await page.get_by_text("Changes of the record").click()
    await page.get_by_label("Changes", exact=True).locator("li").first.wait_for()
    await page.get_by_role("button", name="Compare").wait_for()
    found = {"patient": await serious_violations(page)}
    for name in ("Compare", "Make a new code", "Invite a guardian", "Erase this patient", "History of"):
        await page.get_by_role("button", name=name).first.click()
        await page.get_by_role("dialog").wait_for()
        await expect(page.locator(".skeleton, [aria-busy]")).to_have_count(0)
        found[name] = await serious_violations(page)
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("dialog")).to_have_count(0)
    await page.keyboard.press("Control+k")
    await page.get_by_label(FINDER).fill("rosa delgado")
    await page.get_by_role("listbox").get_by_role("option").nth(2).wait_for()
    found["search"] = await serious_violations(page)
    await page.get_by_role("listbox").get_by_role("option", name="New patient").click()
    await page.get_by_role("button", name="Register").click()
    await page.get_by_role("group", name="Known already?").wait_for()
    found["new"] = await serious_violations(page)
    assert await page.evaluate("document.documentElement.scrollWidth") <= size[0]
    await page.goto("/join")
    await page.get_by_label("Code").wait_for()
    found["join"] = await serious_violations(page)
    assert not any(found.values()), found
