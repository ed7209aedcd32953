"""The link of an offer: on a phone, without a login, a time that is held is accepted or declined."""

from __future__ import annotations

from uuid import UUID

import pytest
from playwright.async_api import Page, expect

from tests.support.actors import Connection
from tests.support.build import MadeClinic, insert
from tests.support.slots import expire_hold
from tests.support.stacks import Stack
from tests.support.waitlist import awake, offer, offered, outcome
from tests.web.days import calls, desk_books, has_patient
from tests.web.visitors import PHONE, Visitors, serious_violations

# What a page says at its top, to accept, and to decline.
LANGUAGES = {
    "en": ("A time has become free", "Yes, I’ll take it", "No, thank you"),
    "de": ("Ein Termin ist frei geworden", "Ja, ich nehme ihn", "Nein, danke"),
    "es": ("Ha quedado libre una hora", "Sí, la quiero", "No, gracias"),
    "fr": ("Un horaire s’est libéré", "Oui, je le prends", "Non, merci"),
    "ja": ("空きが出ました", "この時間で予約する", "今回は見送る"),
    "ar": ("أصبح هناك موعد متاح", "نعم، أريده", "لا، شكرًا"),
}


@pytest.fixture
def clinic(superuser: Connection) -> MadeClinic:
    """A clinic in which nobody sleeps, and which writes to who waits."""
    made = awake(superuser)
    insert(superuser, "message_rules", clinic_id=made.id, kind="offer", channel="email")
    return made


def is_offered(
    stack: Stack, superuser: Connection, clinic: MadeClinic, name: str = "Zoe Quist", locale: str = "en"
) -> UUID:
    """Let somebody wait, and somebody else give up ten o'clock; return the wish."""
    who = has_patient(superuser, clinic, name, email=f"zoe@{clinic.slug}.test", locale=locale)
    booked = desk_books(stack, clinic, has_patient(superuser, clinic, "Max"), clinic.at("10:00"))
    wanted = calls(
        stack, clinic.users["desk"], "join_waitlist",
        appointment_type_id=str(clinic.checkup), patient_id=str(who),
    )  # fmt: skip
    calls(stack, clinic.users["desk"], "cancel_appointment", appointment_id=booked["id"])
    return UUID(wanted["id"])


def link_of(superuser: Connection, wish: UUID) -> str:
    """Hand out the message of the offer, as a worker would get it, and return the path of its link."""
    row = superuser.execute(
        "select (clinic.try_to_lease(m, 'https://clinic.test', '1 minute', clock_timestamp())).link"
        " from clinic.messages as m join clinic.waitlist as w on w.patient_id = m.patient_id"
        " where w.id = %s and m.kind = 'offer'",
        [wish],
    ).fetchone()
    assert row is not None
    link: str = row["link"]
    return link.removeprefix("https://clinic.test")


async def opens(visit: Visitors, path: str, title: str = LANGUAGES["en"][0]) -> Page:
    page = await visit(path, size=PHONE)
    await expect(page.get_by_role("heading", level=1, name=title)).to_be_visible()
    return page


@pytest.mark.parametrize("locale", LANGUAGES)
async def test_what_is_offered_is_accepted_in_the_language_of_the_message(
    visit: Visitors, stack: Stack, superuser: Connection, clinic: MadeClinic, locale: str
) -> None:
    title, accept, decline = LANGUAGES[locale]
    wish = is_offered(stack, superuser, clinic, locale=locale)
    page = await opens(visit, link_of(superuser, wish), title)
    await expect(page.locator(".link-state.offered")).to_be_visible()
    await expect(page.locator(".link-until")).to_be_visible()
    await expect(page.get_by_text("Quist")).to_have_count(0)
    await expect(page.get_by_role("button", name=decline, exact=True)).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert await serious_violations(page) == []
    assert outcome(superuser, wish) is None
    await page.get_by_role("button", name=accept, exact=True).click()
    await expect(page.locator(".link-state.open")).to_be_visible()
    await expect(page.locator("[data-focus]").first).to_be_focused()
    assert outcome(superuser, wish) == "accepted"
    assert await serious_violations(page) == []
    # From now on the link is the visit's.
    await page.reload()
    await expect(page.locator(".link-confirm")).to_be_visible()


async def test_what_is_declined_cannot_be_had_any_more(
    visit: Visitors, stack: Stack, superuser: Connection, clinic: MadeClinic
) -> None:
    wish = is_offered(stack, superuser, clinic)
    page = await opens(visit, link_of(superuser, wish))
    await page.get_by_role("button", name="No, thank you").click()
    await expect(page.get_by_text("We offer the time to somebody else.")).to_be_focused()
    await expect(page.locator(".link-state.lapsed")).to_be_visible()
    for name in ("Yes, I’ll take it", "No, thank you", "Take it if it is still free"):
        await expect(page.get_by_role("button", name=name)).to_have_count(0)
    assert offer(superuser, wish) is None
    assert await serious_violations(page) == []


@pytest.mark.parametrize("is_taken", [False, True], ids=["free", "taken"])
async def test_who_comes_late_has_it_only_if_nobody_took_it(
    visit: Visitors, stack: Stack, superuser: Connection, clinic: MadeClinic, is_taken: bool
) -> None:
    wish = is_offered(stack, superuser, clinic)
    path = link_of(superuser, wish)
    expire_hold(superuser, offered(superuser, wish)["id"])
    page = await opens(visit, path)
    await expect(page.get_by_text("This offer has ended.")).to_be_visible()
    assert await serious_violations(page) == []
    if is_taken:
        desk_books(stack, clinic, has_patient(superuser, clinic, "Ben"), clinic.at("10:00"))
    await page.get_by_role("button", name="Take it if it is still free").click()
    if is_taken:
        await expect(page.get_by_role("alert")).to_contain_text("somebody else’s by now")
        assert outcome(superuser, wish) is None
    else:
        await expect(page.locator(".link-state.open")).to_be_visible()
        assert outcome(superuser, wish) == "accepted"


async def test_an_offer_that_ends_while_one_looks_says_so(
    visit: Visitors, stack: Stack, superuser: Connection, clinic: MadeClinic
) -> None:
    wish = is_offered(stack, superuser, clinic)
    path = link_of(superuser, wish)
    with superuser.transaction():
        superuser.execute(
            "update clinic.slot_reservations set expires_at = clock_timestamp() + interval '10 seconds'"
            " where waitlist_id = %s",
            [wish],
        )
        superuser.execute(
            "update clinic.occupancy as o set expires_at = clinic.claimed_until(r)"
            " from clinic.slot_reservations as r where r.id = o.id and r.waitlist_id = %s",
            [wish],
        )
    page = await opens(visit, path)
    await expect(page.locator(".link-state.offered")).to_be_visible()
    await expect(page.locator(".link-state.lapsed")).to_be_visible()
