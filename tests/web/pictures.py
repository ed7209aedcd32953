"""`python -m tests.web.pictures`: the documents' pictures, web/screenshots, drawn anew from the app as it is.

A day at Riverside is played on a stack of its own: next Monday, with visits, a hold, a wish and an absence.
"""

from __future__ import annotations

import asyncio
import base64
import tempfile
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from playwright.async_api import Browser, Page, async_playwright, expect

from tests.support.actors import Connection
from tests.support.stacks import Stack, running_stack
from tests.web import chromium, site
from tests.web.days import calls
from tests.web.visitors import PHONE, Visitors, has_state, is_live, slot

SCREENSHOTS = site.WEB / "screenshots"
WIDE = (1440, 900)
GAP = 44  # around each phone, in pixels

CLINIC = UUID("c0000000-0000-4000-8000-000000000001")
ZONE = ZoneInfo("America/New_York")
ADMIN, DESK, LEE_USER, ANA, BEN = (
    UUID(f"a0000000-0000-4000-8000-0000000000{number}") for number in ("01", "02", "03", "21", "22")
)
LEE, WEBB, NAIR, COLE = (UUID(f"d0000000-0000-4000-8000-00000000000{number}") for number in range(1, 5))
CHECKUP, CLEANING = (UUID(f"b0000000-0000-4000-8000-00000000000{number}") for number in (1, 2))
WALTER, ROSA = (UUID(f"e0000000-0000-4000-8000-00000000000{number}") for number in (1, 2))

# Who comes on Monday: when, for what, with whom.
VISITS = (
    ("Mara Quinn", "09:00", CHECKUP, LEE),
    ("Theo Abara", "09:00", CLEANING, COLE),
    ("Noor Haddad", "10:00", CHECKUP, LEE),
    ("Hugo Blake", "10:30", CLEANING, COLE),
    ("Iris Wen", "11:30", CHECKUP, NAIR),
    ("Jonas Weber", "13:00", CHECKUP, LEE),
    ("Paula Ríos", "13:30", CHECKUP, WEBB),
    ("Omar Diallo", "14:00", CLEANING, COLE),
)
CONFIRMED = ("Mara Quinn", "Theo Abara", "Hugo Blake", "Paula Ríos")
# What others take on the other days of that week while Ana looks.
TAKEN = ((1, "10:00"), (2, "14:00"), (3, "09:30"))


@dataclass
class Day:
    """The stack, and the Monday that is played."""

    stack: Stack
    superuser: Connection
    monday: date

    def at(self, clock: str, days: int = 0) -> datetime:
        """Return an instant by the clinic's clock, so many days after the Monday."""
        return datetime.fromisoformat(f"{self.monday + timedelta(days=days)}T{clock}").replace(tzinfo=ZONE)

    def books(self, patient: UUID, clock: str, what: UUID, who: UUID, days: int = 0, **more: Any) -> Any:
        """Let the desk book a visit."""
        wanted = {
            "appointment_type_id": str(what),
            "dentist_id": str(who),
            "patient_id": str(patient),
            "starts_at": self.at(clock, days).isoformat(),
        }
        return calls(self.stack, DESK, "book_appointment", **wanted, **more)

    def registers(self, name: str, number: int) -> UUID:
        """Let the desk register somebody."""
        address = f"{name.split(maxsplit=1)[0].lower()}@patients.test"
        made = calls(
            self.stack, DESK, "create_patient",
            clinic_id=str(CLINIC), full_name=name, phone=f"+1 212 555 01{number}", email=address,
        )  # fmt: skip
        return UUID(made["id"])

    def link(self, patient: UUID, kind: str) -> str:
        """Return the path of the link in a message of a kind to a patient, as the worker would get it."""
        row = self.superuser.execute(
            "select (clinic.try_to_lease(m, 'https://clinic.test', '1 minute', clock_timestamp())).link"
            " from clinic.messages as m where m.patient_id = %s and m.kind = %s and m.channel = 'email'"
            " order by m.due_at desc limit 1",
            [patient, kind],
        ).fetchone()
        assert row is not None, kind
        link: str = row["link"]
        return link.removeprefix("https://clinic.test")


def is_played(day: Day) -> dict[str, UUID]:
    """Fill the Monday; return the patients by name."""
    day.superuser.execute(
        "update clinic.clinics set quiet_from = '00:00', quiet_until = '00:00' where id = %s", [CLINIC]
    )
    patients: dict[str, UUID] = {}
    for number, (name, clock, what, who) in enumerate(VISITS, 40):
        patients[name] = day.registers(name, number)
        booked = day.books(patients[name], clock, what, who)
        if name in CONFIRMED:
            calls(day.stack, DESK, "confirm_attendance", appointment_id=booked["id"])
    day.books(ROSA, "13:00", CHECKUP, LEE, squeeze_in=True)
    away = {"starts_at": day.at("13:00").isoformat(), "ends_at": day.at("15:00").isoformat()}
    calls(
        day.stack, ADMIN, "add_time_off",
        clinic_id=str(CLINIC), dentist_id=str(NAIR), reason="Course", **away,
    )  # fmt: skip
    return patients


def holds(day: Day, user: UUID, clock: str, who: UUID, days: int = 0) -> None:
    """Let a patient hold a check-up."""
    wanted = {"appointment_type_id": str(CHECKUP), "dentist_id": str(who)}
    calls(day.stack, user, "reserve_slot", starts_at=day.at(clock, days).isoformat(), **wanted)


async def is_taken_while_ana_looks(day: Day, visit: Visitors) -> None:
    """Draw the week of somebody who looks while others book."""
    page = await visit(
        f"/book?clinic=riverside&type={CHECKUP}&dentist={LEE}&from={day.monday}", ANA, size=WIDE
    )
    await page.locator(".slot").first.wait_for()
    await is_live(page)
    for days, clock in TAKEN:
        day.books(WALTER, clock, CHECKUP, LEE, days)
        await has_state(slot(page, day.at(clock, days)), "taken")
    await drawn(page, "patient-light")


async def is_a_board(day: Day, visit: Visitors) -> None:
    """Draw the desk's Monday, by dentists and, dark, by chairs."""
    holds(day, BEN, "15:00", WEBB)
    for name, by_chairs, scheme in (("desk-light", False, "light"), ("desk-dark", True, "dark")):
        page = await visit(f"/desk/riverside/day?day={day.monday}", DESK, size=WIDE, color_scheme=scheme)
        await page.locator(".board").wait_for()
        await is_live(page)
        if by_chairs:
            await page.get_by_role("group", name="Columns").get_by_role("button", name="Chairs").click()
            await page.get_by_text("X-ray unit", exact=True).last.wait_for()
        await drawn(page, name)


async def is_called(day: Day, visit: Visitors) -> None:
    """Draw whom to call because they have not confirmed."""
    page = await visit(f"/desk/riverside/messages?show=calls&day={day.monday}", DESK, size=WIDE)
    await page.locator("[data-call]").first.wait_for()
    await is_live(page)
    await drawn(page, "calls")


async def is_sick(day: Day, visit: Visitors) -> None:
    """Draw who is in the way when Lee is sick."""
    page = await visit("/desk/riverside/absences", DESK, size=WIDE)
    await page.get_by_label("Who is away?").select_option(str(LEE))
    await page.get_by_label("From").first.fill(f"{day.monday}T00:00")
    await page.get_by_label("Until").first.fill(f"{day.monday + timedelta(days=1)}T00:00")
    work = page.get_by_label("In the way")
    await expect(work.locator("[data-entry]")).to_have_count(4)
    await work.get_by_role("group").first.locator("button .num").first.wait_for()
    await work.locator("[data-entry]").first.get_by_role("group").locator("button .num").last.click()
    await work.locator("[data-handled]").first.wait_for()
    await page.get_by_role("button", name="Dismiss").click()
    await drawn(page, "away")


async def is_waiting(day: Day, visit: Visitors, patients: dict[str, UUID]) -> None:
    """Draw who waits at the desk, one of them with an offer."""
    for name in ("Iris Wen", "Omar Diallo"):
        wanted = {"appointment_type_id": str(CHECKUP), "patient_id": str(patients[name])}
        calls(day.stack, DESK, "join_waitlist", **wanted, weekdays=[2, 4], priority=0)
    wanted = {"appointment_type_id": str(CHECKUP), "patient_id": str(ROSA), "dentist_ids": [str(WEBB)]}
    calls(day.stack, DESK, "join_waitlist", **wanted, from_time="13:00", to_time="17:00", priority=1)
    given_up = day.books(WALTER, "14:30", CHECKUP, WEBB, 2)
    calls(day.stack, DESK, "cancel_appointment", appointment_id=given_up["id"])
    page = await visit("/desk/riverside/waiting", DESK, size=WIDE)
    await page.locator("section h2").first.wait_for()
    await page.locator(".wish-offer").first.wait_for()
    await is_live(page)
    await drawn(page, "waiting")


async def are_phones(day: Day, visit: Visitors, patients: dict[str, UUID]) -> None:
    """Draw a patient's hold, the link of a message, and the link of an offer, each on a phone."""
    phone: dict[str, Any] = {"size": PHONE}
    book = await visit(f"/book?clinic=riverside&type={CHECKUP}&from={day.monday}", ANA, **phone)
    await book.locator(".slot").first.wait_for()
    await is_live(book)
    await book.locator(".slot[data-state=free]").first.click()
    await book.get_by_role("button", name="Confirm booking").wait_for()
    visit_of = await visit(day.link(patients["Noor Haddad"], "booked"), **phone)
    await visit_of.locator(".link-confirm").wait_for()
    offer = await visit(day.link(ROSA, "offer"), **phone)
    await offer.locator(".link-state.offered").wait_for()
    board = await visit(f"/desk/riverside/day?day={day.monday}", LEE_USER, **phone, color_scheme="dark")
    await board.locator(".board").wait_for()
    await is_live(board)
    shots = [await page.screenshot() for page in (book, visit_of, offer, board)]
    await side_by_side(visit, shots)


async def side_by_side(visit: Visitors, shots: list[bytes]) -> None:
    """Put phones beside each other into one picture."""
    images = "".join(f'<img src="data:image/png;base64,{base64.b64encode(shot).decode()}">' for shot in shots)
    size = (len(shots) * (PHONE[0] + GAP) + GAP, PHONE[1] + 2 * GAP)
    page = await visit.browser.new_page(viewport={"width": size[0], "height": size[1]})
    style = (
        f"body {{ margin: {GAP}px; display: flex; gap: {GAP}px; background: #e4ebee }}"
        " img { border-radius: 28px }"
    )
    await page.set_content(f"<style>{style}</style>{images}")
    await page.screenshot(path=SCREENSHOTS / "phone.png")
    await page.close()


async def drawn(page: Page, name: str) -> None:
    """Write a picture once nothing on the page is on its way."""
    await page.wait_for_load_state("networkidle")
    await expect(page.locator(".skeleton")).to_have_count(0)
    await page.mouse.move(0, 0)
    await page.screenshot(path=SCREENSHOTS / f"{name}.png")
    print(name)


async def draw(stack: Stack, browser: Browser) -> None:
    """Draw all pictures."""
    actors = stack.actors()
    today = datetime.now(ZONE).date()
    day = Day(stack, actors.superuser(), today + timedelta(days=(7 - today.weekday()) or 7))
    patients = is_played(day)
    visit = Visitors(browser, stack)
    await is_taken_while_ana_looks(day, visit)
    await is_a_board(day, visit)
    await is_called(day, visit)
    await is_waiting(day, visit, patients)
    await are_phones(day, visit, patients)
    await is_sick(day, visit)
    await visit.close()
    actors.close()


async def main() -> None:
    """Build the app, start a stack, draw."""
    site.build()
    with tempfile.TemporaryDirectory() as folder, running_stack(Path(folder)) as stack:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=chromium.CHROMIUM, args=chromium.FLAGS)
            await draw(stack, browser)
            await browser.close()


if __name__ == "__main__":
    asyncio.run(main())
