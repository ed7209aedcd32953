"""Patients without an account, with a family, who forgot a password, and who want to be forgotten."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from playwright.async_api import Page, expect

from tests.support.actors import Connection
from tests.support.build import MadeClinic, insert, make_clinic
from tests.support.stacks import Stack
from tests.web.days import calls, desk_books
from tests.web.test_booking import book
from tests.web.visitors import PHONE, Visitors, is_live, serious_violations, slot

PASSWORD = "a-long-password"
BORN = "2019-05-04"


def patients_of(superuser: Connection, clinic: MadeClinic) -> list[dict[str, Any]]:
    """Return the booked visits of the clinic with whose they are."""
    return superuser.execute(
        "select p.full_name, p.phone, p.email, a.starts_at, a.dentist_id from clinic.appointments as a"
        " inner join clinic.patients as p on a.patient_id = p.id and a.clinic_id = p.clinic_id"
        " where a.clinic_id = %s and a.status = 'booked' order by a.starts_at, p.full_name",
        [clinic.id],
    ).fetchall()


async def is_fine(page: Page) -> None:
    """Find nothing that keeps somebody out, and nothing that makes a phone scroll sideways."""
    assert await serious_violations(page) == []
    width = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert width <= 0, page.url


async def test_a_guest_books_with_a_name_and_a_phone_and_then_becomes_an_account(
    visit: Visitors, clinic: MadeClinic, superuser: Connection, stack: Stack
) -> None:
    page = await visit(book(clinic), size=PHONE, color_scheme="dark")
    await is_live(page)
    panel = page.get_by_label("Your booking")
    await page.get_by_role("group", name="Day").get_by_role("button").nth(0).click()
    await page.locator(".day-column.current .slot").first.wait_for()
    await slot(page, clinic.at("10:00")).click()
    await panel.get_by_role("timer").wait_for()
    await is_fine(page)
    await panel.get_by_label("Full name").fill("Gina Guest")
    await panel.get_by_role("button", name="Confirm booking").click()
    await expect(panel.get_by_role("alert")).to_contain_text("a phone number or an e-mail address")
    await panel.get_by_label("Phone").fill("+1 212 555 0177")
    await panel.get_by_role("button", name="Confirm booking").click()
    await expect(panel).to_contain_text("You booked as a guest")
    [row] = patients_of(superuser, clinic)
    assert (row["full_name"], row["phone"]) == ("Gina Guest", "+1 212 555 0177")
    await panel.get_by_role("link", name="My appointments").click()
    await expect(page.locator(".visit")).to_contain_text("10:00 – 10:30 AM")
    await is_fine(page)
    # What is known of a guest they find, too.
    await page.get_by_role("button", name="Account: Gina Guest").click()
    await page.get_by_role("link", name="Profile", exact=True).click()
    await expect(page.get_by_role("button", name="Download my data")).to_be_visible()
    await page.go_back()
    await page.get_by_role("link", name="Create an account").click()
    email = f"{uuid4().hex[:12]}@made.test"
    await page.get_by_label("Email").fill(email)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Create account").click()
    await page.wait_for_url("**/appointments")
    await expect(page.locator(".visit")).to_have_count(1)
    await expect(page.get_by_text("You are here as a guest")).to_have_count(0)
    # From anywhere: another browser, the same visit.
    again = stack.sign_in(email, PASSWORD)
    assert len(again.table("appointments").select("id").execute().data) == 1
    assert again.rpc("me").execute().data["is_guest"] is False


async def test_a_mother_adds_her_child_books_for_it_and_stops_acting_for_it(
    visit: Visitors, clinic: MadeClinic, superuser: Connection, stack: Stack, ana: UUID
) -> None:
    page = await visit(book(clinic), ana)
    await is_live(page)
    await page.get_by_role("button", name="For a child, or somebody else").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Full name").fill("Ella Ferreira")
    await dialog.get_by_label("Birth date").fill((date.today() + timedelta(days=40)).isoformat())
    await dialog.get_by_role("button", name="Add").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("Birth date must be a day that has been")
    await is_fine(page)
    await dialog.get_by_label("Birth date").fill(BORN)
    await dialog.get_by_role("button", name="Add").click()
    await expect(page.get_by_role("radio", name="Ella Ferreira")).to_be_checked()
    await slot(page, clinic.at("10:00")).click()
    panel = page.get_by_label("Your booking")
    await expect(panel).to_contain_text("for Ella Ferreira")
    await panel.get_by_role("button", name="Confirm booking").click()
    await expect(panel).to_contain_text("Ella Ferreira is booked")
    assert [row["full_name"] for row in patients_of(superuser, clinic)] == ["Ella Ferreira"]
    await panel.get_by_role("link", name="My appointments").click()
    await expect(page.locator(".visit")).to_contain_text("for Ella Ferreira")
    await page.get_by_role("button", name="Account: Ana Ferreira").click()
    await page.get_by_role("link", name="Profile and family").click()
    await page.get_by_role("button", name="End acting for Ella Ferreira").click()
    await page.get_by_role("dialog").get_by_role("button", name="End it").click()
    await expect(page.get_by_text("You no longer act for Ella Ferreira.")).to_be_visible()
    await page.get_by_role("link", name="My appointments").click()
    await expect(page.get_by_text("Nothing coming up")).to_be_visible()
    # The clinic lets her in again, and ends it, before her eyes.
    await is_live(page)
    [ella] = superuser.execute(
        "select id from clinic.patients where clinic_id = %s and full_name = 'Ella Ferreira'", [clinic.id]
    ).fetchall()
    guardian = {"clinic_id": clinic.id, "patient_id": ella["id"], "user_id": ana, "relation": "parent"}
    insert(superuser, "guardians", **guardian)
    await expect(page.locator(".visit")).to_contain_text("for Ella Ferreira")
    ending = {"patient_id": str(ella["id"]), "user_id": str(ana)}
    assert calls(stack, clinic.users["desk"], "remove_dependant", **ending) is True
    await expect(page.get_by_text("Nothing coming up")).to_be_visible()
    assert [row["full_name"] for row in patients_of(superuser, clinic)] == ["Ella Ferreira"]


async def test_a_family_comes_in_a_row_or_at_once_all_or_nobody(
    visit: Visitors, clinic: MadeClinic, superuser: Connection, stack: Stack, ana: UUID
) -> None:
    for name in ("Ella Ferreira", "Luis Ferreira"):
        calls(stack, ana, "add_dependant", clinic_id=str(clinic.id), full_name=name, birth_date=BORN)
    page = await visit(f"/book/family?clinic={clinic.slug}", ana)
    await is_live(page)
    for name in ("Ella Ferreira", "Luis Ferreira"):
        await page.get_by_label(f"Visit of {name}").select_option(str(clinic.checkup))
    await expect(page.get_by_label("Times for all of you")).to_contain_text("New York time")
    first = page.locator(".proposals .slot").first
    await first.click()
    panel = page.get_by_label("Your visits")
    await is_fine(page)
    await panel.get_by_role("button", name="Book all").click()
    await page.wait_for_url("**/appointments")
    await expect(page.locator(".visit")).to_have_count(2)
    one, two = patients_of(superuser, clinic)
    assert {one["full_name"], two["full_name"]} == {"Ella Ferreira", "Luis Ferreira"}
    assert timedelta(minutes=30) <= two["starts_at"] - one["starts_at"] <= timedelta(hours=1)
    # At once, while somebody takes one of the two chairs before their eyes are back on the page.
    await page.goto(f"/book/family?clinic={clinic.slug}")
    for name in ("Ella Ferreira", "Luis Ferreira"):
        await page.get_by_label(f"Visit of {name}").select_option(str(clinic.checkup))
    await page.get_by_role("button", name="At the same time").click()
    await page.locator(".proposals .slot").last.click()
    await expect(panel.get_by_role("listitem")).to_have_count(2)
    starts_at = await page.locator(".proposals .slot[aria-pressed=true]").get_attribute("data-starts-at")
    insert(superuser, "patients", id=(somebody := uuid4()), clinic_id=clinic.id, full_name="Sam Somebody")
    calls(
        stack, clinic.users["desk"], "book_appointment", appointment_type_id=str(clinic.checkup),
        patient_id=str(somebody), starts_at=starts_at,
    )  # fmt: skip
    await panel.get_by_role("button", name="Book all").click()
    alert = panel.get_by_role("alert")
    await expect(alert).to_contain_text(re.compile(r"(Ella|Luis) Ferreira: Somebody was faster"))
    await expect(alert).to_contain_text("Nothing was booked")
    assert len(patients_of(superuser, clinic)) == 3


async def test_a_forgotten_password_and_a_magic_link_arrive_by_mail(visit: Visitors, stack: Stack) -> None:
    email = f"{uuid4().hex[:12]}@made.test"
    stack.client().auth.sign_up({"email": email, "password": PASSWORD})
    page = await visit("/sign-in")
    await page.get_by_role("link", name="Forgotten your password?").click()
    await is_fine(page)
    await page.get_by_label("Email").fill(email)
    await page.get_by_role("button", name="Mail me a link").click()
    await expect(page.get_by_role("status").filter(has_text="a link is on its way")).to_be_visible()
    link = link_to(stack, email)
    await page.goto(link)
    await page.get_by_role("heading", name="Choose a new password").wait_for()
    await page.get_by_label("New password").fill("another-long-password")
    await page.get_by_role("button", name="Set password").click()
    await page.wait_for_url("**/book")
    stack.sign_in(email, "another-long-password")
    # The same link a second time, in another browser.
    late = await visit(link)
    await expect(late.get_by_text("has been used already")).to_be_visible()
    await late.goto("/sign-in?next=/appointments")
    await late.get_by_role("link", name="Get a link by email instead").click()
    await late.get_by_label("Email").fill(email)
    await late.get_by_role("button", name="Mail me a link").click()
    await expect(late.get_by_role("status").filter(has_text="a link is on its way")).to_be_visible()
    link = link_to(stack, email)
    await late.goto(link)
    await late.wait_for_url("**/appointments")
    await late.get_by_role("heading", name="My appointments").wait_for()
    stranger = await visit("/sign-in-link")
    await stranger.get_by_label("Email").fill(f"{uuid4().hex[:12]}@made.test")
    await stranger.get_by_role("button", name="Mail me a link").click()
    await expect(stranger.get_by_role("status").filter(has_text="a link is on its way")).to_be_visible()
    await stranger.goto(link)
    await expect(stranger.get_by_text("has been used already")).to_be_visible()


def link_to(stack: Stack, email: str) -> str:
    found = re.search(r"http\S+/auth/v1/verify\S+", stack.mails(email)[-1])
    assert found
    return found[0]


async def test_what_one_says_of_oneself_reaches_the_clinics_and_is_taken_along_or_forgotten(
    visit: Visitors, clinic: MadeClinic, superuser: Connection, stack: Stack, tmp_path: Path
) -> None:
    email = f"{uuid4().hex[:12]}@made.test"
    client = stack.client()
    client.auth.sign_up({"email": email, "password": PASSWORD, "options": {"data": {"full_name": "Eve Old"}}})
    wanted = {"appointment_type_id": str(clinic.checkup), "starts_at": clinic.at("10:00").isoformat()}
    booked = client.rpc("book_appointment", wanted).execute().data
    page = await visit("/sign-in?next=/profile")
    await page.get_by_label("Email").fill(email)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    about = page.get_by_role("form", name="About you")
    await about.get_by_label("Full name").fill("Eve\u202e New")
    await about.get_by_role("button", name="Save").click()
    await expect(about.get_by_role("alert")).to_be_visible()
    await about.get_by_label("Full name").fill("Eve New")
    await about.get_by_label("Phone").fill("+44 20 7946 0018")
    await about.get_by_label("Language").select_option("de")
    await about.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Saved. Your clinics see it, too.")).to_be_visible()
    [row] = patients_of(superuser, clinic)
    assert (row["full_name"], row["phone"]) == ("Eve New", "+44 20 7946 0018")
    await is_fine(page)
    async with page.expect_download() as download:
        await page.get_by_role("button", name="Download my data").click()
    await (await download.value).save_as(tmp_path / "mine.json")
    assert booked["id"] in (tmp_path / "mine.json").read_text()
    assert json.loads((tmp_path / "mine.json").read_text())["profile"]["full_name"] == "Eve New"
    await page.get_by_role("button", name="Delete my account").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_role("button", name="Delete for good")).to_be_disabled()
    await dialog.get_by_label("Type DELETE").fill("DELETE")
    # A clinic's last admin is needed.
    me = client.auth.get_user().user.id
    alone = make_clinic(superuser)
    insert(superuser, "staff", clinic_id=alone.id, user_id=me, role="admin")
    superuser.execute("delete from clinic.staff where clinic_id = %s and user_id <> %s", [alone.id, me])
    await dialog.get_by_role("button", name="Delete for good").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("admin")
    insert(superuser, "staff", clinic_id=alone.id, user_id=alone.users["admin"], role="admin")
    await dialog.get_by_role("button", name="Delete for good").click()
    await expect(page.get_by_text("Your account is deleted.")).to_be_visible()
    await expect(page.get_by_role("link", name="Sign in")).to_be_visible()
    assert patients_of(superuser, clinic) == []
    left = superuser.execute("select count(*) as n from auth.users where email = %s", [email]).fetchone()
    assert left is not None
    assert left["n"] == 0


async def test_past_visits_say_what_became_of_them_page_by_page(
    visit: Visitors, clinic: MadeClinic, superuser: Connection, stack: Stack, ana: UUID
) -> None:
    patient = uuid4()
    insert(superuser, "patients", id=patient, clinic_id=clinic.id, user_id=ana, full_name="Ana Ferreira")
    row = desk_books(stack, clinic, patient, clinic.at("10:00"), notes="A little afraid of drills")
    calls(
        stack,
        clinic.users["desk"],
        "cancel_appointment",
        appointment_id=row["id"],
        reason="The dentist is ill",
    )
    superuser.execute(
        "insert into clinic.appointments (clinic_id, dentist_id, patient_id, appointment_type_id,"
        " starts_at, ends_at, buffer_before, buffer_after, parts, source, status, notes)"
        " select %s, %s, %s, %s, t.at, t.at + interval '30 min', '0', '0', '{}', 'desk',"
        " case n when 0 then 'no_show' else 'fulfilled' end, 'Visit number ' || n"
        " from generate_series(0, 59) as n, lateral (select now() - make_interval(days => 30 + n)) as t (at)",
        [clinic.id, clinic.lee, patient, clinic.checkup],
    )
    page = await visit("/appointments", ana)
    past = page.locator(".past-row")
    await expect(past).to_have_count(50)
    await expect(past.first).to_contain_text("A little afraid of drills")
    await expect(past.first).to_contain_text("Cancelled: The dentist is ill")
    await expect(past.nth(1)).to_contain_text("Missed")
    await page.get_by_role("button", name="Show earlier ones").click()
    await expect(past).to_have_count(61)
    await expect(past.last).to_contain_text("Visit number 59")
    await expect(page.get_by_role("button", name="Show earlier ones")).to_have_count(0)
    await is_fine(page)
