"""Messages at the desk: whom to call, what came back, what did not arrive; and what patients say of them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from playwright.async_api import Locator, Page, expect

from tests.support.actors import Connection
from tests.support.build import MadeClinic, insert
from tests.support.stacks import Stack
from tests.web.days import calls, desk_books, has_patient, is_open_around_the_clock
from tests.web.test_desk import board, card, has_booked
from tests.web.visitors import DESKTOP, PHONE, Visitors, is_live, serious_violations

Row = dict[str, Any]


@pytest.fixture(autouse=True)
def always_open(superuser: Connection, clinic: MadeClinic) -> None:
    """Tomorrow may be any day of the week."""
    is_open_around_the_clock(superuser, clinic)


def tomorrow(clinic: MadeClinic, clock: str) -> datetime:
    return datetime.combine(clinic.today() + timedelta(days=1), time.fromisoformat(clock), clinic.zone)


def number() -> str:
    return f"+1 212 {uuid4().int % 10**7:07}"


def has_message(superuser: Connection, visit: Row, **more: Any) -> UUID:
    """Put a message about a visit into the outbox, in the state that it has come to."""
    row = {
        "id": uuid4(),
        "clinic_id": visit["clinic_id"],
        "patient_id": visit["patient_id"],
        "appointment_id": visit["id"],
        "kind": "reminder",
        "channel": "sms",
        "starts_at": visit["starts_at"],
        "due_at": datetime.now(UTC) - timedelta(minutes=5),
    } | more
    insert(superuser, "messages", **row)
    identifier: UUID = row["id"]
    return identifier


def writes(stack: Stack, phone: str, to: str, body: str) -> Row:
    """Let somebody text back, as their carrier hands it in."""
    said = {"sender": to, "message_ref": str(uuid4()), "phone": phone, "body": body}
    answer = stack.http(key=stack.secret_key).post("/rpc/receive_reply", json=said)
    assert answer.is_success, answer.text
    row: Row = answer.json()
    return row


def rows(superuser: Connection, query: str, *arguments: Any) -> list[Row]:
    return [dict(row) for row in superuser.execute(query, arguments).fetchall()]  # type: ignore[arg-type]


async def open_messages(visit: Visitors, clinic: MadeClinic, show: str = "calls", **more: Any) -> Page:
    page = await visit(f"/desk/{clinic.slug}/messages?show={show}", clinic.users["desk"], **more)
    await page.locator("section h2").first.wait_for()
    await is_live(page)
    await expect(page.locator(".skeleton")).to_have_count(0)
    return page


async def says(page: Page, text: str) -> None:
    await expect(page.get_by_role("status").filter(has_text=text)).to_be_visible()


def call_of(page: Page, visit: Row) -> Locator:
    return page.locator(f'[data-call="{visit["id"]}"]')


async def test_who_has_not_confirmed_tomorrow_is_called_one_after_another(
    visit: Visitors, clinic: MadeClinic, stack: Stack, superuser: Connection
) -> None:
    zoe = has_patient(superuser, clinic, "Zoë Delgado", phone="+1 (212) 555-0143")
    max_ = has_patient(superuser, clinic, "Max Mustermann")
    first = desk_books(stack, clinic, zoe, tomorrow(clinic, "10:00"))
    second = desk_books(stack, clinic, max_, tomorrow(clinic, "11:00"))
    has_message(superuser, first, state="failed", error="550 no such number", address="+12125550143")
    has_message(superuser, second, state="planned", due_at=datetime.now(UTC) + timedelta(hours=2))
    page = await open_messages(visit, clinic)
    await expect(page.locator("[data-call]")).to_have_count(2)
    row = call_of(page, first)
    await expect(row.get_by_role("link", name="+1 (212) 555-0143")).to_have_attribute(
        "href", "tel:+12125550143"
    )
    for fact in ("10:00 AM", "Zoë Delgado", "Check-up, Lee", "Reminder, text message", "Failed"):
        await expect(row).to_contain_text(fact)
    await expect(call_of(page, second)).to_contain_text("No message went out yet")
    await expect(call_of(page, second)).to_contain_text("No phone number")

    await row.get_by_role("button", name="Confirmed: Zoë Delgado").click()
    await says(page, "Zoë Delgado will come.")
    await expect(row).to_have_count(0)
    # What others do shows at once: a colleague confirms one, another is booked.
    calls(stack, clinic.users["admin"], "confirm_attendance", appointment_id=second["id"])
    await expect(page.get_by_role("heading", name="Nobody to call")).to_be_visible()
    third = desk_books(stack, clinic, zoe, tomorrow(clinic, "13:00"))
    await expect(call_of(page, third)).to_be_visible()
    confirmed = rows(
        superuser,
        "select id from clinic.appointments where clinic_id = %s and confirmed_at is not null",
        clinic.id,
    )
    assert {str(each["id"]) for each in confirmed} == {first["id"], second["id"]}


async def test_any_day_can_be_called_and_a_visit_opened_from_the_list(
    visit: Visitors, clinic: MadeClinic, stack: Stack, superuser: Connection
) -> None:
    zoe = has_patient(superuser, clinic, "Zoë Delgado")
    booked = desk_books(stack, clinic, zoe, tomorrow(clinic, "10:00") + timedelta(days=1))
    page = await open_messages(visit, clinic)
    await expect(page.get_by_role("heading", name="Nobody to call")).to_be_visible()
    await page.get_by_role("button", name="Day after").click()
    await call_of(page, booked).get_by_role("link", name="Open the visit of Zoë Delgado").click()
    dialog = page.get_by_role("dialog", name="Zoë Delgado")
    await expect(dialog).to_contain_text("10:00 – 10:30 AM")
    await page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)
    await page.reload()
    await card(page, booked).wait_for()
    await expect(dialog).to_have_count(0)
    # Where it is not on the day that the address names, that is said, and nothing opens by itself later.
    gone = page.get_by_text("The visit of the address is not on this day")
    await expect(gone).to_have_count(0)
    await page.goto(f"/desk/{clinic.slug}/day?day={tomorrow(clinic, '10:00'):%Y-%m-%d}&visit={booked['id']}")
    await expect(gone).to_be_visible()
    await page.get_by_role("button", name="Day after").click()
    await card(page, booked).wait_for()
    await expect(gone).to_have_count(0)
    await expect(dialog).to_have_count(0)
    await page.goto(f"/desk/{clinic.slug}/messages?day=garbage")
    await expect(page.get_by_text("The address names no day")).to_be_visible()


async def test_a_reply_that_nobody_understood_comes_up_and_is_answered(
    visit: Visitors, clinic: MadeClinic, stack: Stack, superuser: Connection
) -> None:
    ours, theirs, stranger = number(), number(), number()
    superuser.execute("update clinic.clinics set phone = %s where id = %s", [ours, clinic.id])
    zoe = has_patient(superuser, clinic, "Zoë Delgado", phone=theirs)
    desk_books(stack, clinic, zoe, tomorrow(clinic, "10:00"))
    page = await visit(board(clinic), clinic.users["desk"])
    await page.locator(".board").wait_for()
    await is_live(page)
    badge = page.get_by_role("navigation", name="Desk").locator(".count")
    await expect(badge).to_have_count(0)
    said = writes(stack, theirs, ours, "Can my brother come instead?")
    assert said["outcome"] == "desk"
    await expect(badge).to_have_attribute("data-count", "1")

    await page.get_by_role("link", name="Messages").click()
    await page.get_by_role("link", name="Replies").click()
    row = page.locator(f'[data-reply="{said["reply_id"]}"]')
    await expect(row).to_contain_text("Can my brother come instead?")
    await expect(row.get_by_role("link", name="Zoë Delgado")).to_be_visible()
    await expect(row).to_contain_text(re.compile("Next visit .*10:00 AM"))
    asked = visit.asked.count("message_replies")
    other = writes(stack, stranger, ours, "who is this")
    await expect(badge).to_have_attribute("data-count", "2")
    # Three parts of the page show it, and one asks; perhaps the page was just looking, having come to listen.
    assert 1 <= visit.asked.count("message_replies") - asked <= 2
    await row.get_by_role("button", name="Answer").click()
    answer = row.get_by_label("Answer, as a text message")
    await answer.fill("Of course\u202e")
    await row.get_by_role("button", name="Send answer").click()
    await expect(answer).to_have_attribute("aria-invalid", "true")
    await answer.fill("Of course, we will see him.")
    await row.get_by_role("button", name="Send answer").click()
    await says(page, "The answer is on its way.")
    await expect(row).to_have_count(0)
    answers = rows(
        superuser,
        "select address, body from clinic.messages where clinic_id = %s and kind = 'answer'",
        clinic.id,
    )
    assert [(each["address"], each["body"]) for each in answers] == [
        (theirs.replace(" ", ""), "Of course, we will see him.")
    ]
    unknown = page.locator(f'[data-reply="{other["reply_id"]}"]')
    await expect(unknown).to_contain_text("Not a patient’s number")
    # What a colleague sees to is gone here, too.
    calls(stack, clinic.users["admin"], "handle_reply", reply_id=other["reply_id"])
    await expect(page.get_by_role("heading", name="Nothing to read")).to_be_visible()
    await expect(badge).to_have_count(0)
    handled = rows(
        superuser, "select id, handled_by from clinic.message_replies where clinic_id = %s", clinic.id
    )
    assert {str(each["id"]): each["handled_by"] for each in handled} == {
        said["reply_id"]: clinic.users["desk"],
        other["reply_id"]: clinic.users["admin"],
    }


async def test_who_says_that_a_message_was_not_for_them_is_done_without_an_answer(
    visit: Visitors, clinic: MadeClinic, stack: Stack, superuser: Connection
) -> None:
    zoe = has_patient(superuser, clinic, "Zoë Delgado")
    booked = desk_books(stack, clinic, zoe, tomorrow(clinic, "10:00"))
    reply = uuid4()
    insert(
        superuser,
        "message_replies",
        id=reply,
        sender="link",
        message_ref=str(reply),
        clinic_id=clinic.id,
        patient_id=zoe,
        appointment_id=booked["id"],
        body="",
        means="not_me",
        outcome="desk",
    )
    page = await open_messages(visit, clinic, "replies")
    row = page.locator(f'[data-reply="{reply}"]')
    await expect(row).to_contain_text("not for them")
    await expect(row).to_contain_text("About the visit")
    await expect(row.get_by_role("button", name="Answer")).to_have_count(0)
    await row.get_by_role("button", name="Done").click()
    await expect(row).to_have_count(0)


async def test_what_did_not_arrive_is_told_in_words_and_sent_again(
    visit: Visitors, clinic: MadeClinic, stack: Stack, superuser: Connection
) -> None:
    zoe = has_patient(superuser, clinic, "Zoë Delgado", phone=number())
    booked = desk_books(stack, clinic, zoe, tomorrow(clinic, "10:00"))
    failed = has_message(superuser, booked, state="failed", error="the number is not in service")
    unsure = has_message(superuser, booked, state="unknown", channel="email", address="zoe@made.test")
    has_message(superuser, booked, kind="booked", state="sent", sent_at=datetime.now(UTC))
    page = await open_messages(visit, clinic, "trouble")
    await expect(page.locator("[data-message]")).to_have_count(2)
    first = page.locator(f'[data-message="{failed}"]')
    await expect(first).to_contain_text(
        "could not be delivered. The sender says: the number is not in service"
    )
    await expect(first.get_by_role("link", name="Zoë Delgado")).to_be_visible()
    second = page.locator(f'[data-message="{unsure}"]')
    await expect(second).to_contain_text("Nobody can say whether it arrived")
    # There is no address any more.
    await second.get_by_role("button", name="Send again").click()
    await expect(second.get_by_role("alert")).to_contain_text("There is no email address to send it to")
    await first.get_by_role("button", name="Send again").click()
    await says(page, "It goes out once more.")
    await expect(first).to_have_count(0)
    again = rows(
        superuser,
        "select kind, channel from clinic.messages where appointment_id = %s"
        " and id <> all (%s) and kind = 'reminder'",
        booked["id"],
        [failed, unsure],
    )
    assert again == [{"kind": "reminder", "channel": "sms"}]


async def test_the_day_shows_who_has_confirmed_and_a_visit_what_was_sent(
    visit: Visitors, clinic: MadeClinic, stack: Stack, superuser: Connection, ana: UUID
) -> None:
    booked = has_booked(stack, clinic, ana, clinic.at("10:00"))
    has_message(superuser, booked, kind="booked", channel="email", state="sent", sent_at=datetime.now(UTC))
    has_message(superuser, booked, kind="reminder", state="skipped", reason="opted_out")
    page = await visit(board(clinic), clinic.users["desk"])
    await is_live(page)
    await expect(card(page, booked)).not_to_contain_text("confirmed")
    calls(stack, ana, "confirm_attendance", appointment_id=booked["id"])
    await expect(card(page, booked)).to_contain_text("confirmed")
    await page.get_by_role("button", name="List").click()
    await expect(page.get_by_role("row", name="Ana Ferreira")).to_contain_text("Confirmed")
    await page.get_by_role("button", name="Ana Ferreira").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_text("Messages", exact=True).click()
    await expect(dialog.locator("[data-message]")).to_have_count(2)
    await expect(dialog.locator("[data-state=sent]")).to_contain_text("Booking")
    await expect(dialog.locator("[data-state=skipped]")).to_contain_text(
        "The patient wants no text messages."
    )
    await dialog.get_by_text("History", exact=True).click()
    await expect(dialog.get_by_role("list", name="History")).to_contain_text(
        "Coming confirmed by Ana Ferreira"
    )
    # A dentist looks after patients, not after messages.
    lee = await visit(board(clinic), clinic.users["lee"])
    await card(lee, booked).click()
    await lee.get_by_role("dialog").get_by_text("History", exact=True).wait_for()
    await expect(lee.get_by_text("Messages", exact=True)).to_have_count(0)


async def test_the_desk_says_through_what_and_in_which_language_a_patient_is_written_to(
    visit: Visitors, clinic: MadeClinic, stack: Stack, superuser: Connection
) -> None:
    phone, ours = number(), number()
    superuser.execute("update clinic.clinics set phone = %s where id = %s", [ours, clinic.id])
    zoe = has_patient(superuser, clinic, "Zoë Delgado", phone=phone)
    booked = desk_books(stack, clinic, zoe, clinic.at("10:00"))
    has_message(superuser, booked, state="sent", sent_at=datetime.now(UTC), address=phone)
    page = await visit(f"/desk/{clinic.slug}/patients/{zoe}", clinic.users["desk"])
    part = page.get_by_role("region", name="Messages to the patient")
    await expect(page.get_by_role("link", name=phone)).to_have_attribute(
        "href", f"tel:{phone.replace(' ', '')}"
    )
    text = part.get_by_label("Text messages are wanted")
    await expect(text).to_be_checked()
    await expect(part).to_contain_text("No email address is known.")
    await expect(
        page.get_by_role("region", name="Sent and planned messages").locator("[data-message]")
    ).to_have_count(1)
    async with page.expect_response("**/rpc/set_message_consent"):  # shown before it is saved
        await text.click()
    await expect(part).to_contain_text("Nothing is sent")
    await expect(text).not_to_be_checked()
    language = part.get_by_label("Language")
    await expect(language.locator("option").first).to_have_text(
        "As their login or the clinic has it (English)"
    )
    await language.select_option("ja")
    await says(page, "The language is saved.")
    row = rows(superuser, "select muted_channels, locale from clinic.patients where id = %s", zoe)
    assert row == [{"muted_channels": ["sms"], "locale": "ja"}]
    # In which they would be written to without it, that does not say.
    await expect(language.locator("option").first).to_have_text("As their login or the clinic has it")
    await expect(text).to_be_enabled()
    await text.click()
    await expect(text).to_be_checked()
    # Who texts STOP wants none either, and says so nowhere else.
    assert writes(stack, phone, ours, "STOP")["outcome"] == "stopped"
    await page.reload()
    await expect(text).not_to_be_checked()


async def test_a_patient_says_that_they_will_come_and_what_is_wanted(
    visit: Visitors, clinic: MadeClinic, stack: Stack, superuser: Connection, ana: UUID
) -> None:
    booked = has_booked(stack, clinic, ana, clinic.at("10:00"))
    calls(
        stack,
        ana,
        "add_dependant",
        clinic_id=str(clinic.id),
        full_name="Mia Ferreira",
        birth_date="2020-05-04",
    )
    page = await visit("/appointments", ana)
    row = page.locator(f'[data-appointment="{booked["id"]}"]')
    await row.get_by_role("button", name="I will come").click()
    await expect(row).to_contain_text("The clinic knows that you will come.")
    await page.goto("/profile")
    part = page.get_by_role("region", name="Messages")
    await part.get_by_role("group", name="You").get_by_label("By text message").click()
    mia = part.get_by_role("group", name="Mia Ferreira")
    await mia.get_by_label("By email").click()
    await expect(mia.get_by_label("By email")).not_to_be_checked()
    await expect(mia.get_by_label("By email")).to_be_enabled()
    await page.get_by_label("Language").select_option("ar")
    await page.get_by_role("button", name="Save", exact=True).click()
    await says(page, "Saved.")
    muted = rows(
        superuser,
        "select full_name, muted_channels from clinic.patients where clinic_id = %s order by full_name",
        clinic.id,
    )
    assert [(each["full_name"], each["muted_channels"]) for each in muted] == [
        ("Ana Ferreira", ["sms"]),
        ("Mia Ferreira", ["email"]),
    ]
    assert rows(superuser, "select locale from clinic.profiles where user_id = %s", ana) == [{"locale": "ar"}]


async def test_wanting_messages_again_ends_no_stop_and_says_so(
    visit: Visitors, clinic: MadeClinic, stack: Stack, superuser: Connection, ana: UUID
) -> None:
    ours, theirs = number(), number()
    superuser.execute("update clinic.clinics set phone = %s where id = %s", [ours, clinic.id])
    calls(stack, ana, "update_me", phone=theirs)
    has_booked(stack, clinic, ana, clinic.at("10:00"))
    assert writes(stack, theirs, ours, "STOP")["outcome"] == "stopped"
    page = await visit("/profile", ana)
    part = page.get_by_role("group", name="You")
    text = part.get_by_label("By text message")
    await expect(text).not_to_be_checked()
    await text.click()
    await says(page, "text START to the clinic")
    await expect(text).not_to_be_checked()
    # Who texts that is heard, and nothing is said any more.
    assert writes(stack, theirs, ours, "START")["outcome"] == "started"
    await page.reload()
    await expect(text).to_be_checked()
    await part.get_by_label("By email").click()
    await expect(part.get_by_label("By email")).not_to_be_checked()
    await part.get_by_label("By email").click()
    await expect(part.get_by_label("By email")).to_be_checked()
    await expect(part.get_by_label("By email")).to_be_enabled()
    await expect(page.get_by_text("has stopped them")).to_have_count(0)


@pytest.mark.long
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
async def test_axe_finds_nothing_serious_in_messages_and_they_fit(
    visit: Visitors, clinic: MadeClinic, stack: Stack, superuser: Connection, size: tuple[int, int]
) -> None:
    ours, theirs = number(), number()
    superuser.execute("update clinic.clinics set phone = %s where id = %s", [ours, clinic.id])
    zoe = has_patient(superuser, clinic, "Zoë Delgado", phone=theirs)
    booked = desk_books(stack, clinic, zoe, tomorrow(clinic, "10:00"))
    has_message(superuser, booked, state="failed", error="550 5.1.1 no such user here, and many more words")
    writes(stack, theirs, ours, "Can my brother come instead?")
    found: dict[str, Any] = {}
    for show, row in (("calls", "[data-call]"), ("replies", "[data-reply]"), ("trouble", "[data-message]")):
        page = await open_messages(visit, clinic, show, size=size)
        await page.locator(row).wait_for()
        found[show] = await serious_violations(page)
        assert await page.evaluate("document.documentElement.scrollWidth") <= size[0]
    page = await visit(f"/desk/{clinic.slug}/patients/{zoe}", clinic.users["desk"], size=size)
    await page.locator("[data-message]").wait_for()
    await page.get_by_label("Text messages are wanted").wait_for()
    found["patient"] = await serious_violations(page)
    assert await page.evaluate("document.documentElement.scrollWidth") <= size[0]
    assert not any(found.values()), found
