"""An admin's settings of messages: what is sent, when nobody is woken, and in which words."""

from __future__ import annotations

import re
from datetime import time, timedelta
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.support.actors import Connection
from tests.support.build import MadeClinic, insert
from tests.support.stacks import Stack
from tests.web.days import calls
from tests.web.visitors import DESKTOP, PHONE, Visitors, serious_violations


async def settings(visit: Visitors, clinic: MadeClinic, part: str, **more: Any) -> Page:
    page = await visit(f"/desk/{clinic.slug}/settings?part={part}", clinic.users["admin"], **more)
    await page.locator("form").first.wait_for()
    await expect(page.locator(".skeleton")).to_have_count(0)
    return page


async def saved(page: Page, text: str) -> None:
    await expect(page.get_by_role("status").filter(has_text=text)).to_be_visible()


def rules(superuser: Connection, clinic: MadeClinic) -> set[tuple[str, str, timedelta]]:
    query = "select kind, channel, lead from clinic.message_rules where clinic_id = %s"
    return {
        (row["kind"], row["channel"], row["lead"]) for row in superuser.execute(query, [clinic.id]).fetchall()
    }


async def test_what_is_sent_is_chosen_and_reminders_are_added_and_removed(
    visit: Visitors, clinic: MadeClinic, superuser: Connection
) -> None:
    insert(superuser, "message_rules", clinic_id=clinic.id, kind="booked", channel="email")
    for lead in ("2 days", "3 hours"):
        insert(superuser, "message_rules", clinic_id=clinic.id, kind="reminder", channel="email", lead=lead)
    page = await settings(visit, clinic, "messages")
    form = page.get_by_role("form", name="What is sent")
    await expect(form.get_by_label("Booking: email")).to_be_checked()
    await form.get_by_label("Booking: email").uncheck()
    await form.get_by_label("Cancellation: text message").check()
    second = form.get_by_role("group", name="Reminder 2")
    await expect(second.get_by_label("How long before")).to_have_value("3")
    await expect(second.get_by_label("Unit")).to_have_value("hours")
    await form.get_by_role("button", name="Remove reminder 1").click()
    await form.get_by_role("button", name="Add a reminder").click()
    new = form.get_by_role("group", name="Reminder 2")
    await new.get_by_label("How long before").fill("90")
    await new.get_by_label("Through").select_option("sms")
    await form.get_by_role("button", name="Save what is sent").click()
    # What the server does not take is said, and nothing is lost of what was chosen.
    await expect(form.get_by_role("alert")).to_contain_text("between 10 minutes and 60 days")
    await new.get_by_label("How long before").fill("1")
    await form.get_by_role("button", name="Save what is sent").click()
    await saved(page, "also go out for what is booked already")
    assert rules(superuser, clinic) == {
        ("cancelled", "sms", timedelta(0)),
        ("reminder", "email", timedelta(hours=3)),
        ("reminder", "sms", timedelta(days=1)),
    }
    await page.reload()
    await expect(form.get_by_role("group", name="Reminder 1").get_by_label("Unit")).to_have_value("days")
    await expect(form.get_by_label("Booking: email")).not_to_be_checked()


async def test_the_language_and_the_quiet_hours_are_saved(
    visit: Visitors, clinic: MadeClinic, superuser: Connection
) -> None:
    page = await settings(visit, clinic, "messages")
    await page.get_by_label("The clinic writes in").select_option("de")
    await page.get_by_label("Quiet from").fill("20:30")
    await page.get_by_label("Quiet until").fill("07:15")
    form = page.get_by_role("form", name="Language and quiet hours")
    await form.get_by_role("button", name="Save").click()
    await saved(page, "quiet hours are saved")
    row = superuser.execute(
        "select locale, quiet_from, quiet_until from clinic.clinics where id = %s", [clinic.id]
    ).fetchone()
    assert row == {"locale": "de", "quiet_from": time(20, 30), "quiet_until": time(7, 15)}
    await page.reload()
    await expect(page.get_by_label("Quiet until")).to_have_value("07:15")


def own_text(superuser: Connection, clinic: MadeClinic) -> list[dict[str, Any]]:
    query = "select kind, channel, locale, subject, body from clinic.message_templates where clinic_id = %s"
    return [dict(row) for row in superuser.execute(query, [clinic.id]).fetchall()]


async def test_a_text_is_written_beside_how_it_reads_and_taken_back(
    visit: Visitors, clinic: MadeClinic, superuser: Connection
) -> None:
    page = await settings(visit, clinic, "texts")
    preview = page.get_by_role("region", name="Preview")
    subject, body = page.get_by_label("Subject"), page.get_by_label("Text", exact=True)
    default = await body.input_value()
    assert "{date}" in default
    await expect(preview).to_contain_text("10:30 AM")
    await subject.fill("See you at ")
    await page.get_by_role("button", name="{time}").click()
    await expect(subject).to_have_value("See you at {time}")
    await expect(subject).to_be_focused()
    await expect(preview.locator("h3")).to_have_text("See you at 10:30 AM")
    # Put in where the cursor is.
    await body.fill("Dear ,\n{link}")
    await body.evaluate("field => field.setSelectionRange(5, 5)")
    await page.get_by_role("button", name="{patient}").click()
    await expect(body).to_have_value("Dear {patient},\n{link}")
    await expect(preview).to_contain_text("Dear Alex Example,")
    # What is no placeholder is said at the field that has it.
    await subject.fill("At {tme}")
    await expect(subject).to_have_attribute("aria-invalid", "true")
    await expect(page.get_by_role("alert")).to_contain_text("{tme}, which is no placeholder")
    await expect(body).not_to_have_attribute("aria-invalid", "true")
    await expect(page.get_by_role("button", name="Send me a test")).to_be_disabled()
    await subject.fill("At {time}")
    await body.fill("Dear {patient")
    await expect(body).to_have_attribute("aria-invalid", "true")
    await body.fill("Dear {patient}")
    await expect(page.get_by_role("alert")).to_have_count(0)
    await page.get_by_role("button", name="Save text").click()
    await saved(page, "The text is saved.")
    assert own_text(superuser, clinic) == [
        {
            "kind": "booked",
            "channel": "email",
            "locale": "en",
            "subject": "At {time}",
            "body": "Dear {patient}",
        }
    ]
    await page.get_by_role("button", name="Back to the default").click()
    await saved(page, "The default text holds again.")
    await expect(body).to_have_value(default)
    assert own_text(superuser, clinic) == []


async def test_a_text_message_says_how_long_it_is_in_every_language(
    visit: Visitors, clinic: MadeClinic, superuser: Connection
) -> None:
    page = await settings(visit, clinic, "texts")
    preview = page.get_by_role("region", name="Preview")
    await page.get_by_label("Message", exact=True).select_option("reminder")
    await page.get_by_label("Through").select_option("sms")
    await expect(page.get_by_label("Subject")).to_have_count(0)
    body = page.get_by_label("Text", exact=True)
    await body.fill("x" * 160)
    await expect(preview).to_contain_text("160 characters, one text message (GSM-7).")
    await body.fill("x" * 161)
    await expect(preview).to_contain_text("161 characters, 2 text messages (GSM-7).")
    await body.fill("Ω и")
    await expect(preview).to_contain_text("(UCS-2)")
    await page.get_by_label("In", exact=True).select_option("ar")
    await expect(preview.locator(".preview")).to_have_attribute("dir", "rtl")
    await expect(page.get_by_label("Text", exact=True)).to_have_attribute("dir", "rtl")


async def test_a_clinic_that_writes_in_a_regions_language_has_the_texts_of_the_language(
    visit: Visitors, clinic: MadeClinic, superuser: Connection
) -> None:
    superuser.execute("update clinic.clinics set locale = 'de-CH' where id = %s", [clinic.id])
    page = await settings(visit, clinic, "texts")
    await expect(page.get_by_label("In", exact=True)).to_have_value("de")
    await expect(page.get_by_label("Text", exact=True)).to_have_value(re.compile("^Guten Tag,"))
    await page.get_by_role("link", name="Messages", exact=True).last.click()
    await expect(page.get_by_label("The clinic writes in")).to_have_value("de-CH")


async def test_a_test_goes_to_who_writes_and_says_what_became_of_it(
    visit: Visitors, clinic: MadeClinic, stack: Stack, superuser: Connection
) -> None:
    admin = clinic.users["admin"]
    page = await settings(visit, clinic, "texts")
    await page.get_by_label("Through").select_option("sms")
    await page.get_by_label("Text", exact=True).fill("Only a test of {clinic}")
    send = page.get_by_role("button", name="Send me a test")
    # Nobody else's number is taken.
    await send.click()
    await expect(page.get_by_role("alert")).to_contain_text("Your own profile says no address")
    calls(stack, admin, "update_me", phone="+1 212 555 0177")
    await send.click()
    told = page.locator(".test-sent")
    await expect(told).to_contain_text("+12125550177")
    body = f"Only a test of {clinic.slug}"
    ends = superuser.execute(
        "update clinic.messages set state = 'failed', error = 'no such number', lease_id = null,"
        " next_at = null, sent_at = null"
        " where clinic_id = %s and kind = 'test' and body = %s",
        [clinic.id, body],
    )
    assert ends.rowcount == 1
    await expect(told).to_contain_text("Failed")
    await expect(told).to_contain_text("no such number")


async def with_a_wrong_text(page: Page) -> list[str]:
    await page.get_by_label("Text", exact=True).fill("{nosuch}")
    await page.get_by_role("alert").wait_for()
    return await serious_violations(page)


@pytest.mark.long
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
async def test_axe_finds_nothing_serious_in_the_settings_of_messages_and_they_fit(
    visit: Visitors, clinic: MadeClinic, superuser: Connection, size: tuple[int, int]
) -> None:
    insert(superuser, "message_rules", clinic_id=clinic.id, kind="reminder", channel="email", lead="2 days")
    found: dict[str, Any] = {}
    for part in ("messages", "texts"):
        page = await settings(visit, clinic, part, size=size)
        if part == "texts":
            await page.locator(".preview p").wait_for()
            found["a text that is refused"] = await with_a_wrong_text(page)
            await page.get_by_role("button", name="Discard").click()
            await expect(page.get_by_role("alert")).to_have_count(0)
        found[part] = await serious_violations(page)
        assert await page.evaluate("document.documentElement.scrollWidth") <= size[0]
    assert not any(found.values()), found
