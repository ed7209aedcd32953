"""What the links of messages open: one visit, on a phone, without a login, in the message's language."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote
from uuid import UUID

import pytest
from playwright.async_api import Page, Request, Route, expect

from tests.support.actors import Connection
from tests.support.build import MadeClinic, insert
from tests.support.stacks import Stack
from tests.web.days import desk_books, has_patient
from tests.web.visitors import DESKTOP, PHONE, Visitors, serious_violations

# What a page says at its top, to confirm, and of a link that is none.
LANGUAGES = {
    "en": ("Your appointment", "Yes, I’ll be there", "This link is not valid"),
    "de": ("Ihr Termin", "Ja, ich komme", "Dieser Link ist nicht gültig"),
    "es": ("Su cita", "Sí, asistiré", "Este enlace no es válido"),
    "fr": ("Votre rendez-vous", "Oui, je viendrai", "Ce lien n’est pas valide"),
    "ja": ("ご予約の内容", "この日時で来院します", "このリンクは無効です"),
    "ar": ("موعدكم", "نعم، سأحضر", "هذا الرابط غير صالح"),
}
NOBODY = "/a/AAAAAAAAAAAAAAAAAAAAAA"


@dataclass
class Linked:
    """A visit of Zoe's that a message tells of, and the path of the message's link."""

    superuser: Connection
    clinic: MadeClinic
    patient: UUID
    appointment: dict[str, Any]
    path: str = ""

    @property
    def token(self) -> str:
        return self.path.removeprefix("/a/")

    def row(self) -> dict[str, Any]:
        """Return the appointment as the table has it."""
        query = "select * from clinic.appointments where id = %s"
        row = self.superuser.execute(query, [self.appointment["id"]]).fetchone()
        assert row is not None
        return row

    def traces(self) -> list[Any]:
        """Return all that a use of the link would leave behind."""
        queries = {
            "select count(*) as n from clinic.realtime_events where clinic_id = %s": self.clinic.id,
            "select count(*) as n from clinic.messages where clinic_id = %s": self.clinic.id,
            "select count(*) as n from clinic.stopped_addresses where clinic_id = %s": self.clinic.id,
            "select count(*) as n from clinic.audit_log where clinic_id = %s": self.clinic.id,
            "select count(*) as n from clinic.message_replies where clinic_id = %s": self.clinic.id,
        }
        counts = [self.superuser.execute(query, [value]).fetchone() for query, value in queries.items()]
        return [self.row(), *counts]


def send(link: Linked, channel: str = "email") -> None:
    """Hand out the visit's message of booking, as a worker would get it, and keep its link."""
    found = link.superuser.execute(
        "select (clinic.try_to_lease(m, 'https://clinic.test', '1 minute', clock_timestamp())).link"
        " from clinic.messages as m where m.appointment_id = %s and m.kind = 'booked' and m.channel = %s",
        [link.appointment["id"], channel],
    ).fetchone()
    assert found is not None
    assert found["link"] is not None
    link.path = found["link"].removeprefix("https://clinic.test")


def has_link(
    stack: Stack,
    superuser: Connection,
    clinic: MadeClinic,
    locale: str = "en",
    channel: str = "email",
    starts_at: datetime | None = None,
    name: str = "Zoe Quist",
) -> Linked:
    superuser.execute(
        "update clinic.clinics set name = 'Harbour Dental', phone = '+1 212 555 0100',"
        " email = 'desk@harbour.test', address = E'12 Pier Street\nNew York',"
        " quiet_from = '00:00', quiet_until = '00:00' where id = %s",
        [clinic.id],
    )
    insert(superuser, "message_rules", clinic_id=clinic.id, kind="booked", channel=channel)
    contact = {"email": f"zoe@{clinic.slug}.test", "phone": "+1 212 555 7732", "locale": locale}
    patient = has_patient(superuser, clinic, name, **contact)
    booked = desk_books(stack, clinic, patient, starts_at or clinic.at("10:00"))
    link = Linked(superuser, clinic, patient, booked)
    send(link, channel)
    return link


@pytest.fixture
def link(stack: Stack, superuser: Connection, clinic: MadeClinic) -> Linked:
    """Zoe's link, in English."""
    return has_link(stack, superuser, clinic)


def utc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.000Z"


async def opens(visit: Visitors, link: Linked, title: str = "Your appointment", **more: Any) -> Page:
    page = await visit(link.path, **({"size": PHONE} | more))
    # Not the one that is only read out while the page waits for its answer.
    await expect(page.locator("h1:not(.sr-only)")).to_have_text(title)
    return page


async def press(page: Page, name: str) -> None:
    await page.get_by_role("button", name=name, exact=True).click()


async def is_narrow(page: Page) -> None:
    """Nothing on the page is wider than the window."""
    assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize("locale", LANGUAGES)
async def test_a_link_opens_in_the_language_of_its_message_and_confirms(
    visit: Visitors, stack: Stack, superuser: Connection, clinic: MadeClinic, locale: str
) -> None:
    title, confirm, _ = LANGUAGES[locale]
    link = has_link(stack, superuser, clinic, locale)
    page = await opens(visit, link, title)
    html = page.locator("html")
    await expect(html).to_have_attribute("lang", locale)
    await expect(html).to_have_attribute("dir", "rtl" if locale == "ar" else "ltr")
    await expect(page).to_have_title(f"{title} · Harbour Dental")
    for query in ("format_day", "format_time"):
        said = superuser.execute(
            f"select clinic.{query}(%s, %s, %s) as text", [link.row()["starts_at"], str(clinic.zone), locale]
        ).fetchone()
        assert said is not None
        await expect(page.locator(".link-when")).to_contain_text(said["text"])
    await expect(page.locator(".link-head")).to_contain_text("Zoe")
    await expect(page.get_by_text("Quist")).to_have_count(0)
    await expect(page.get_by_role("link", name="+1 212 555 0100")).to_have_attribute(
        "href", "tel:+12125550100"
    )
    await is_narrow(page)
    assert await serious_violations(page) == []
    assert link.row()["confirmed_at"] is None
    await page.get_by_role("button", name=confirm).click()
    await expect(page.locator(".link-state.confirmed")).to_be_visible()
    await expect(page.get_by_role("button", name=confirm)).to_have_count(0)
    assert link.row()["confirmed_at"] is not None
    assert await serious_violations(page) == []


@pytest.mark.long
@pytest.mark.parametrize("locale", LANGUAGES)
async def test_every_step_of_every_language_fits_a_phone_and_is_accessible(
    visit: Visitors, stack: Stack, superuser: Connection, clinic: MadeClinic, locale: str
) -> None:
    link = has_link(stack, superuser, clinic, locale)
    page = await opens(visit, link, LANGUAGES[locale][0])
    start = clinic.at("11:00").isoformat()
    for step in ("move", f"move={start}", "cancel", "note", "not_me", "stop"):
        await page.goto(f"{link.path}?{step.replace('+', '%2B')}")
        await page.locator(".link-answers").wait_for()
        if step == "move":
            await page.locator(".link-day").first.wait_for()
        await expect(page.locator("h1")).to_have_count(1)
        await is_narrow(page)
        if locale in ("en", "ar", "ja"):  # the others differ from the first by their words alone
            assert await serious_violations(page) == []
    assert link.row()["version"] == link.appointment["version"]


async def test_a_visit_is_moved_to_a_free_time_after_one_question(
    visit: Visitors, stack: Stack, link: Linked, clinic: MadeClinic
) -> None:
    page = await opens(visit, link)
    await press(page, "Move")
    wanted = clinic.at("14:00", clinic.weekday(3))
    await page.get_by_role("button", name="Later days").wait_for()
    # Two days before the visit is a Saturday.
    await expect(page.locator(".link-day")).to_have_count(5)
    await expect(page.locator(f'[data-starts-at="{utc(clinic.at("10:00"))}"]')).to_have_count(0)
    await page.locator(f'[data-starts-at="{utc(wanted)}"]').click()
    await expect(page.get_by_role("heading", name="Move the appointment?")).to_be_visible()
    await expect(page.get_by_text("New time: Wednesday")).to_contain_text("at 2:00 PM")
    assert link.row()["starts_at"] == clinic.at("10:00")
    await press(page, "Choose another time")
    await expect(page.get_by_role("heading", name="Choose a new time")).to_be_visible()
    await page.locator(f'[data-starts-at="{utc(wanted)}"]').click()
    await press(page, "Move appointment")
    await expect(page.get_by_text("Your appointment has been moved.")).to_be_focused()
    await expect(page.locator(".link-when")).to_contain_text("2:00 PM")
    assert link.row()["starts_at"] == wanted


async def test_the_link_of_a_moved_visit_ends_a_day_after_it(
    visit: Visitors, link: Linked, clinic: MadeClinic
) -> None:
    wanted = clinic.at("14:00", clinic.weekday(3))
    body = {"token": link.token, "action": "move", "starts_at": wanted.isoformat()}
    after = calls_as_nobody(visit.stack, "use_link", body)
    assert datetime.fromisoformat(after["expires_at"]) == wanted + timedelta(days=1, minutes=30)


def calls_as_nobody(stack: Stack, name: str, body: dict[str, Any]) -> Any:
    answer = stack.http().post(f"/rpc/{name}", json=body)
    assert answer.is_success, answer.text
    return answer.json()


async def test_times_are_shown_week_by_week_within_the_horizon(
    visit: Visitors, superuser: Connection, link: Linked, clinic: MadeClinic
) -> None:
    superuser.execute("update clinic.clinics set booking_horizon = '40 days' where id = %s", [clinic.id])
    page = await opens(visit, link)
    await press(page, "Move")
    first = page.locator(".link-day").first
    await expect(first).to_have_attribute("data-day", f"{clinic.weekday(1)}")
    await press(page, "Earlier days")
    await expect(first).to_have_attribute("data-day", f"{clinic.weekday(1, weeks=4)}")
    for _ in range(2):
        await press(page, "Later days")
    await expect(page.get_by_role("button", name="Later days")).to_be_disabled()


async def test_a_time_that_somebody_else_took_meanwhile_is_refused_in_words(
    visit: Visitors, stack: Stack, link: Linked, clinic: MadeClinic, superuser: Connection
) -> None:
    page = await opens(visit, link)
    await press(page, "Move")
    wanted = clinic.at("14:00")
    await page.locator(f'[data-starts-at="{utc(wanted)}"]').click()
    other = has_patient(superuser, clinic, "Ben Okafor")
    desk_books(stack, clinic, other, wanted)
    await press(page, "Move appointment")
    await expect(page.get_by_role("alert")).to_contain_text("no longer free")
    await press(page, "Choose another time")
    await page.locator(f'[data-starts-at="{utc(clinic.at("14:30"))}"]').wait_for()
    await expect(page.locator(f'[data-starts-at="{utc(wanted)}"]')).to_have_count(0)
    await expect(page.get_by_role("alert")).to_have_count(0)
    assert link.row()["starts_at"] == clinic.at("10:00")


async def test_a_visit_is_cancelled_after_one_question_and_back_takes_nothing_along(
    visit: Visitors, link: Linked
) -> None:
    page = await opens(visit, link)
    await press(page, "Cancel")
    await expect(page.get_by_role("heading", name="Cancel this appointment?")).to_be_focused()
    await page.go_back()
    await expect(page.get_by_role("heading", name="Your appointment")).to_be_focused()
    await page.go_forward()
    await press(page, "Keep appointment")
    await expect(page.get_by_role("heading", name="Your appointment")).to_be_visible()
    assert link.row()["status"] == "booked"
    await press(page, "Cancel")
    await press(page, "Cancel appointment")
    await expect(page.locator(".link-state.cancelled")).to_be_visible()
    await expect(page.get_by_text("Your appointment has been cancelled.")).to_be_focused()
    await expect(page.get_by_role("button", name="Move")).to_have_count(0)
    await expect(page.get_by_role("link", name="Add to calendar")).to_have_count(0)
    assert link.row()["status"] == "cancelled"
    assert await serious_violations(page) == []
    # The question is gone with what it asked about.
    await page.goto(f"{link.path}?cancel")
    await expect(page.locator(".link-state.cancelled")).to_be_visible()
    # The message of a cancellation says that one can book again from here.
    await page.get_by_role("link", name="Book another appointment").click()
    await expect(page.get_by_role("heading", name="Book a visit")).to_be_visible()
    await expect(page).to_have_url(re.compile(rf"/book\?clinic={link.clinic.slug}\b"))


async def test_a_note_reaches_the_visit_once_however_fast_one_presses(visit: Visitors, link: Linked) -> None:
    page = await opens(visit, link)
    await press(page, "Leave a note")
    await page.get_by_label("Your note for the practice").fill("I come by wheelchair.")
    await page.get_by_role("button", name="Send note").dblclick()
    await expect(page.get_by_text("We have received your note.")).to_be_visible()
    assert link.row()["notes"] == "I come by wheelchair."
    # Who has the link reads none of it.
    await page.reload()
    await expect(page.get_by_role("heading", name="Your appointment")).to_be_visible()
    await expect(page.get_by_text("wheelchair")).to_have_count(0)


async def test_a_note_that_cannot_be_taken_says_so_and_stays(visit: Visitors, link: Linked) -> None:
    page = await opens(visit, link)
    await press(page, "Leave a note")
    note = page.get_by_label("Your note for the practice")
    # What phones put around a number that is copied from their contacts.
    await note.fill("Call \u202a+1 212 555 7733\u202c")
    await press(page, "Send note")
    await expect(page.get_by_role("alert")).to_contain_text("characters that we cannot take")
    await expect(note).to_have_value("Call \u202a+1 212 555 7733\u202c")
    assert link.row()["notes"] is None


async def test_pressing_twice_asks_the_server_once(visit: Visitors, link: Linked) -> None:
    page = await opens(visit, link)
    await page.locator(".link-confirm").wait_for()
    await page.evaluate(
        "() => { const b = document.querySelector('.link-confirm'); b.click(); b.click(); b.click() }"
    )
    await expect(page.locator(".link-state.confirmed")).to_be_visible()
    assert visit.asked.count("rpc/use_link") == 1


async def test_a_stranger_says_so_and_the_desk_hears_of_it(visit: Visitors, link: Linked) -> None:
    page = await opens(visit, link)
    await press(page, "That’s not me")
    await press(page, "Yes, that’s not me")
    await expect(page.get_by_text("Thank you for telling us.")).to_be_visible()
    replies = link.superuser.execute(
        "select means, outcome from clinic.message_replies where appointment_id = %s",
        [link.appointment["id"]],
    ).fetchall()
    assert replies == [{"means": "not_me", "outcome": "desk"}]
    assert link.row()["status"] == "booked"
    assert is_stopped(link)


def is_stopped(link: Linked, channel: str = "email") -> bool:
    row = link.superuser.execute(
        "select (clinic.recipient(%s, %s, %s)).is_stopped", [link.patient, link.clinic.id, channel]
    ).fetchone()
    assert row is not None
    return bool(row["is_stopped"])


@pytest.mark.parametrize(
    ("channel", "says"), [("email", "no more appointment emails"), ("sms", "no more text")]
)
async def test_messages_stop_only_when_the_question_is_answered(
    visit: Visitors, stack: Stack, superuser: Connection, clinic: MadeClinic, channel: str, says: str
) -> None:
    link = has_link(stack, superuser, clinic, channel=channel)
    page = await visit(f"{link.path}?stop", size=PHONE)
    await expect(page.get_by_role("heading", name="Stop messages?")).to_be_visible()
    await expect(page.get_by_text(says)).to_be_visible()
    assert not is_stopped(link, channel)
    await press(page, "Stop messages")
    await expect(page.get_by_text("You will get no more messages from us here.")).to_be_visible()
    assert is_stopped(link, channel)
    assert link.row()["status"] == "booked"


async def test_the_calendar_entry_has_the_visits_id_and_version(visit: Visitors, link: Linked) -> None:
    page = await opens(visit, link)
    async with page.expect_download() as started:
        await page.get_by_role("link", name="Add to calendar").click()
    download = await started.value
    assert download.suggested_filename == "appointment.ics"
    entry = unquote(download.url.partition(",")[2]).replace("\r\n ", "").split("\r\n")
    assert f"UID:{link.appointment['id']}" in entry
    assert f"SEQUENCE:{link.appointment['version']}" in entry
    assert "SUMMARY:Check-up\\, Harbour Dental" in entry
    assert "LOCATION:12 Pier Street\\nNew York" in entry


async def test_wrong_expired_and_erased_links_look_alike_in_the_visitors_language(
    visit: Visitors, link: Linked, superuser: Connection
) -> None:
    superuser.execute(
        "update clinic.message_links set expires_at = now() where appointment_id = %s",
        [link.appointment["id"]],
    )
    seen = set()
    for path in (link.path, NOBODY, "/a/x", f"/a/{'y' * 3000}", "/a/%25"):
        page = await visit(path, size=PHONE)
        await expect(page.get_by_role("heading", name="This link is not valid")).to_be_visible()
        seen.add((await page.locator("#root").inner_html(), await page.title()))
    assert len(seen) == 1
    assert await serious_violations(page) == []


@pytest.mark.parametrize("locale", LANGUAGES)
async def test_a_wrong_link_speaks_the_visitors_language(visit: Visitors, locale: str) -> None:
    page = await visit("/book", size=PHONE)
    await page.add_init_script(
        f"Object.defineProperty(navigator, 'languages', {{ get: () => ['zz', '{locale}-XX'] }})"
    )
    await page.goto(NOBODY)
    await expect(page.get_by_role("heading", name=LANGUAGES[locale][2])).to_be_visible()
    await expect(page.locator("html")).to_have_attribute("lang", locale)


async def test_who_opens_too_many_wrong_links_is_told_to_wait(visit: Visitors) -> None:
    async def limit(route: Route) -> None:
        await route.fulfill(status=429, json={"code": "booking_limit", "message": "Too many."})

    page = await visit("/book", size=PHONE)
    await page.route("**/rpc/open_link", limit)
    await page.goto(NOBODY)
    await expect(page.get_by_role("heading", name="Please wait a moment")).to_be_visible()
    await page.unroute("**/rpc/open_link")
    await press(page, "Try again")
    await expect(page.get_by_role("heading", name="This link is not valid")).to_be_visible()


async def test_scanners_that_open_links_change_nothing(visit: Visitors, stack: Stack, link: Linked) -> None:
    before = link.traces()
    http = stack.http()
    for path in (link.path, f"{link.path}?stop", f"{link.path}?cancel"):
        for method in ("GET", "HEAD"):
            http.request(method, stack.api_url + path).raise_for_status()
        page = await visit(path)
        await page.locator("h1").first.wait_for()
        await page.wait_for_load_state("networkidle")
    for _ in range(20):
        assert http.post("/rpc/open_link", json={"token": link.token}).is_success
        # An address is written down in logs: no token belongs there, right or wrong.
        for token in (link.token, "A" * 22):
            assert http.get("/rpc/open_link", params={"token": token}).status_code == 400
        refused = http.get("/rpc/use_link", params={"token": link.token, "action": "cancel"})
        assert refused.status_code >= 400
    assert link.traces() == before


async def test_a_link_works_alike_for_whoever_is_signed_in(
    visit: Visitors, link: Linked, clinic: MadeClinic, ben: UUID
) -> None:
    held: list[str | None] = []

    def note(request: Request) -> None:
        if "_link" in request.url or "link_" in request.url:
            held.append(request.headers.get("authorization"))

    for user in (ben, clinic.users["desk"]):
        page = await visit("/no/such/page", user, size=PHONE)
        page.on("request", note)
        await page.goto(link.path)
        await expect(page.get_by_role("heading", name="Your appointment")).to_be_visible()
        await expect(page.get_by_text("Ben")).to_have_count(0)
        await press(page, "Move")
        await page.locator(".link-day").first.wait_for()
        await press(page, "Back")
    await press(page, "Yes, I’ll be there")
    await expect(page.locator(".link-state.confirmed")).to_be_visible()
    assert held
    assert set(held) == {f"Bearer {visit.stack.publishable_key}"}
    logged = link.superuser.execute(
        "select actor, role from clinic.audit_log where entity = 'appointments' and entity_id = %s"
        " order by id desc limit 1",
        [link.appointment["id"]],
    ).fetchone()
    assert logged == {"actor": None, "role": "patient"}


async def test_too_late_says_whom_to_call(
    visit: Visitors, stack: Stack, superuser: Connection, clinic: MadeClinic
) -> None:
    link = has_link(stack, superuser, clinic, starts_at=clinic.at("10:00", clinic.weekday(1, weeks=3)))
    page = await opens(visit, link)
    # The page does not hear of it before it is refused.
    await page.route("**/rpc/open_link", lambda route: route.abort())
    superuser.execute(
        "update clinic.clinics set cancellation_notice = '30 days', cancel_grace = '0' where id = %s",
        [clinic.id],
    )
    await press(page, "Cancel")
    await press(page, "Cancel appointment")
    await expect(page.get_by_role("alert")).to_contain_text("It is too late to do this online")
    await page.unroute("**/rpc/open_link")
    await page.goto(link.path)
    await expect(page.get_by_text("It is too late to move or cancel online")).to_contain_text(
        "+1 212 555 0100"
    )
    await expect(page.get_by_role("button", name="Move")).to_have_count(0)
    await expect(page.get_by_role("button", name="Leave a note")).to_be_visible()


async def test_no_answer_is_told_and_mended_by_itself(visit: Visitors, link: Linked) -> None:
    page = await visit("/no/such/page", size=PHONE)
    await page.route("**/rest/v1/**", lambda route: route.abort())
    await page.goto(link.path)
    await expect(page.get_by_role("heading", name="No connection")).to_be_visible()
    assert await serious_violations(page) == []
    await page.unroute("**/rest/v1/**")
    await expect(page.get_by_role("heading", name="Your appointment")).to_be_visible()
    await page.route("**/rest/v1/**", lambda route: route.abort())
    await press(page, "Yes, I’ll be there")
    await expect(page.get_by_role("alert")).to_contain_text("There was no answer")
    await page.unroute("**/rest/v1/**")
    await press(page, "Yes, I’ll be there")
    await expect(page.locator(".link-state.confirmed")).to_be_visible()


async def test_a_slow_answer_says_that_it_is_slow(visit: Visitors, link: Linked) -> None:
    held = asyncio.Event()

    async def wait(route: Route) -> None:
        await held.wait()
        await route.continue_()

    page = await visit("/no/such/page", size=PHONE)
    await page.route("**/rpc/open_link", wait)
    await page.goto(link.path)
    await expect(page.get_by_text("This is taking longer than usual")).to_be_visible()
    held.set()
    await expect(page.get_by_role("heading", name="Your appointment")).to_be_visible()


async def test_long_names_large_text_and_a_desk_fit(
    visit: Visitors, stack: Stack, superuser: Connection, clinic: MadeClinic
) -> None:
    link = has_link(stack, superuser, clinic, "de", name="Donaudampfschifffahrtsgesellschaftskapitän" * 2)
    long = "Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetz" * 2
    superuser.execute(
        "update clinic.clinics set name = %s, address = %s where id = %s", [long, long, clinic.id]
    )
    superuser.execute("update clinic.dentists set full_name = %s where clinic_id = %s", [long, clinic.id])
    # 200 % of a phone's width, and of a desk's.
    for size in (PHONE, (195, 422), DESKTOP, (640, 450)):
        page = await opens(visit, link, "Ihr Termin", size=size)
        await is_narrow(page)
        for step in ("move", "cancel", "stop"):
            await page.goto(f"{link.path}?{step}")
            await page.locator(".link-answers").wait_for()
            await is_narrow(page)


async def test_a_keyboard_is_enough(visit: Visitors, link: Linked) -> None:
    page = await opens(visit, link, size=DESKTOP)
    await page.locator(".link-actions .danger").wait_for()
    for _ in range(20):
        await page.keyboard.press("Tab")
        if await page.evaluate("document.activeElement.matches('.link-actions .danger')"):
            break
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Cancel this appointment?")).to_be_focused()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text(re.compile("has been cancelled"))).to_be_focused()
    assert link.row()["status"] == "cancelled"
