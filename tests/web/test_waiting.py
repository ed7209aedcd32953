"""The waiting list, for those who wait and for the desk: what is offered shows at once, and is answered."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from playwright.async_api import Locator, Page, expect

from tests.support.actors import Connection
from tests.support.build import MadeClinic, insert
from tests.support.messages import visit as has_visit
from tests.support.stacks import Stack
from tests.support.waitlist import awake, offer, offered, outcome, wish
from tests.web.days import calls, desk_books, has_patient
from tests.web.visitors import DESKTOP, PHONE, Visitors, is_live, serious_violations, slot

Row = dict[str, Any]


@pytest.fixture
def clinic(superuser: Connection) -> MadeClinic:
    """A clinic in which nobody sleeps."""
    return awake(superuser)


@pytest.fixture
def taken(stack: Stack, superuser: Connection, clinic: MadeClinic) -> Row:
    """A visit of somebody else's, at ten with Lee."""
    return desk_books(stack, clinic, has_patient(superuser, clinic, "Max Mustermann"), clinic.at("10:00"))


def gives_up(stack: Stack, clinic: MadeClinic, visit: Row) -> None:
    """Cancel a visit, so that its time passes to who waits."""
    calls(stack, clinic.users["admin"], "cancel_appointment", appointment_id=visit["id"])


def waits(stack: Stack, clinic: MadeClinic, user: UUID, **more: Any) -> UUID:
    """Let somebody wait for a check-up, and return the wish."""
    more = {"appointment_type_id": str(clinic.checkup)} | more
    return UUID(calls(stack, user, "join_waitlist", **more)["id"])


def wishes(superuser: Connection, clinic: MadeClinic) -> list[Row]:
    rows = superuser.execute("select * from clinic.waitlist where clinic_id = %s", [clinic.id]).fetchall()
    return [dict(row) for row in rows]


def visits(superuser: Connection, clinic: MadeClinic, status: str = "booked") -> list[Row]:
    rows = superuser.execute(
        "select a.*, p.full_name from clinic.appointments as a"
        " join clinic.patients as p on p.id = a.patient_id where a.clinic_id = %s and a.status = %s"
        " order by a.starts_at",
        [clinic.id, status],
    ).fetchall()
    return [dict(row) for row in rows]


async def mine(visit: Visitors, user: UUID, **more: Any) -> Page:
    page = await visit("/appointments", user, **more)
    await page.get_by_role("heading", name="My appointments").wait_for()
    await is_live(page)
    return page


async def waiting(visit: Visitors, clinic: MadeClinic, show: str = "list", **more: Any) -> Page:
    page = await visit(f"/desk/{clinic.slug}/waiting?show={show}", clinic.users["desk"], **more)
    await page.locator("section h2").first.wait_for()
    await is_live(page)
    await expect(page.locator(".skeleton")).to_have_count(0)
    return page


async def says(page: Page, text: str) -> None:
    await expect(page.get_by_role("status").filter(has_text=text)).to_be_visible()


def card(page: Page, identifier: UUID) -> Locator:
    return page.locator(f'[data-wish="{identifier}"]')


async def is_narrow(page: Page) -> None:
    assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


async def test_who_finds_nothing_waits_and_takes_what_becomes_free_within_a_second(
    visit: Visitors, stack: Stack, superuser: Connection, clinic: MadeClinic, taken: Row, ana: UUID
) -> None:
    page = await visit(f"/book?clinic={clinic.slug}&type={clinic.checkup}&dentist=any", ana)
    await page.locator(".slot").first.wait_for()
    await page.get_by_role("button", name="Tell me when something becomes free").click()
    dialog = page.get_by_role("dialog", name="Wait for: Check-up")
    await dialog.get_by_label("Not before").fill("09:00")
    await dialog.get_by_label("Over by").fill("12:00")
    await dialog.get_by_label("Lee").check()
    assert await serious_violations(page) == []
    await dialog.get_by_role("button", name="Put me on the list").click()
    await says(page, "You are on the waiting list.")
    [row] = wishes(superuser, clinic)
    assert (f"{row['from_time']:%H:%M}", f"{row['to_time']:%H:%M}") == ("09:00", "12:00")
    assert (row["dentist_ids"], row["weekdays"]) == ([clinic.lee], None)

    await page.get_by_role("link", name="My appointments").click()
    wanted = card(page, row["id"])
    await expect(wanted).to_contain_text("Any day, 9:00 AM – 12:00 PM, with Lee")
    await is_live(page)
    gives_up(stack, clinic, taken)
    await expect(wanted.get_by_role("timer")).to_be_visible()
    await expect(wanted).to_contain_text("10:00 – 10:30 AM")
    assert await serious_violations(page) == []
    await wanted.get_by_role("button", name="Take it").click()
    await says(page, "Booked: ")
    await expect(wanted).to_have_count(0)
    await expect(page.locator(".visit")).to_contain_text("10:00 – 10:30 AM")
    assert outcome(superuser, row["id"]) == "accepted"
    assert [each["starts_at"] for each in visits(superuser, clinic)] == [clinic.at("10:00")]


async def test_what_one_declines_goes_to_who_waits_next_before_ones_eyes(
    visit: Visitors, stack: Stack, superuser: Connection, clinic: MadeClinic, taken: Row, ana: UUID, ben: UUID
) -> None:
    first, second = waits(stack, clinic, ana), waits(stack, clinic, ben)
    anas, bens = await mine(visit, ana, size=PHONE), await mine(visit, ben)
    gives_up(stack, clinic, taken)
    await expect(card(anas, first).get_by_role("timer")).to_be_visible()
    await is_narrow(anas)
    assert await serious_violations(anas) == []
    await expect(card(bens, second).get_by_role("timer")).to_have_count(0)
    await card(anas, first).get_by_role("button", name="Not this one").click()
    await says(anas, "You go on waiting.")
    await expect(card(bens, second).get_by_role("timer")).to_be_visible()
    await expect(card(anas, first).get_by_role("timer")).to_have_count(0)
    assert offered(superuser, second)["starts_at"] == clinic.at("10:00")
    await card(anas, first).get_by_role("button", name="Stop waiting").click()
    await expect(card(anas, first)).to_have_count(0)
    assert outcome(superuser, first) == "left"


async def test_who_wants_something_earlier_moves_to_it(
    visit: Visitors, stack: Stack, superuser: Connection, clinic: MadeClinic, taken: Row, ana: UUID
) -> None:
    later = clinic.at("14:00", clinic.weekday(3))
    wanted = {"appointment_type_id": str(clinic.checkup), "dentist_id": str(clinic.lee)}
    booked = calls(stack, ana, "book_appointment", starts_at=later.isoformat(), **wanted)
    page = await mine(visit, ana)
    await page.get_by_role("button", name="Is there something earlier?").click()
    dialog = page.get_by_role("dialog", name="Wait for something earlier")
    await dialog.get_by_role("button", name="Put me on the list").click()
    await says(page, "You are on the waiting list.")
    await expect(page.get_by_role("button", name="Is there something earlier?")).to_have_count(0)
    [row] = wishes(superuser, clinic)
    assert row["moves_appointment_id"] == UUID(booked["id"])
    await expect(card(page, row["id"])).to_contain_text("earlier than booked")
    gives_up(stack, clinic, taken)
    await card(page, row["id"]).get_by_role("button", name="Move to this time").click()
    await says(page, "Moved to ")
    await expect(page.locator(".visit")).to_contain_text("10:00 – 10:30 AM")
    [after] = visits(superuser, clinic)
    assert (after["id"], after["starts_at"]) == (UUID(booked["id"]), clinic.at("10:00"))


async def test_a_wish_that_cannot_be_is_refused_at_its_field(
    visit: Visitors, superuser: Connection, clinic: MadeClinic, ana: UUID
) -> None:
    page = await visit(f"/book?clinic={clinic.slug}&type={clinic.checkup}", ana, size=PHONE)
    await page.get_by_role("button", name="Tell me when something becomes free").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Not before").fill("12:00")
    await dialog.get_by_label("Over by").fill("09:00")
    await dialog.get_by_role("button", name="Put me on the list").click()
    await expect(dialog.get_by_label("Over by")).to_have_attribute("aria-invalid", "true")
    await expect(dialog.get_by_role("alert")).to_have_text("Over by must be after from_time.")
    assert await serious_violations(page) == []
    assert wishes(superuser, clinic) == []


async def test_who_cannot_be_reached_signs_in_before_they_wait(visit: Visitors, clinic: MadeClinic) -> None:
    page = await visit(f"/book?clinic={clinic.slug}&type={clinic.checkup}")
    await page.get_by_role("link", name="Tell me when something becomes free").click()
    await expect(page.get_by_role("heading", name="Welcome back")).to_be_visible()


async def test_the_desk_adds_somebody_and_sees_what_they_are_offered(
    visit: Visitors, stack: Stack, superuser: Connection, clinic: MadeClinic, taken: Row
) -> None:
    has_patient(superuser, clinic, "Zoë Delgado")
    page = await waiting(visit, clinic)
    await expect(page.get_by_role("heading", name="Nobody waits")).to_be_visible()
    assert await serious_violations(page) == []
    await page.get_by_role("button", name="Add somebody").click()
    dialog = page.get_by_role("dialog", name="Add to the waiting list")
    await dialog.get_by_label("Patient", exact=True).fill("zoe")
    await dialog.get_by_role("button", name="Zoë Delgado").click()
    await dialog.get_by_label("Visit").select_option(label="Check-up")
    await dialog.get_by_label("Asked").select_option(label="Before others")
    monday = f"{clinic.at('10:00'):%A}"
    await dialog.get_by_role("checkbox", name=monday).check()
    assert await serious_violations(page) == []
    await dialog.get_by_role("button", name="Put on the list").click()
    await says(page, "They are on the waiting list.")
    [row] = wishes(superuser, clinic)
    assert (row["priority"], row["weekdays"]) == (5, [clinic.at("10:00").isoweekday()])
    line = card(page, row["id"])
    for fact in ("Zoë Delgado", "Before others", f"Check-up: {monday}s, with anybody", "not asked yet"):
        await expect(line).to_contain_text(fact)
    gives_up(stack, clinic, taken)
    await expect(line).to_contain_text("asked once")
    await expect(line.get_by_role("group", name="Offered to Zoë Delgado")).to_contain_text("10:00 AM")
    assert await serious_violations(page) == []
    await line.get_by_role("button", name="Accept for them").click()
    await says(page, "Zoë Delgado has ")
    await expect(line).to_have_count(0)
    assert [each["full_name"] for each in visits(superuser, clinic)] == ["Zoë Delgado"]


async def test_the_desk_takes_an_offered_time_for_somebody_else_and_somebody_off_the_list(
    visit: Visitors, stack: Stack, superuser: Connection, clinic: MadeClinic, taken: Row, ana: UUID
) -> None:
    has_patient(superuser, clinic, "Zoë Delgado")
    wanted = waits(stack, clinic, ana)
    gives_up(stack, clinic, taken)
    page = await waiting(visit, clinic, size=PHONE)
    line = card(page, wanted)
    await expect(line).to_contain_text("Ana Ferreira")
    await is_narrow(page)
    assert await serious_violations(page) == []
    await line.get_by_role("button", name="Take it for somebody else").click()
    dialog = page.get_by_role("dialog", name="Book an appointment")
    await dialog.get_by_label("Patient", exact=True).fill("zoe")
    await dialog.get_by_role("button", name="Zoë Delgado").click()
    await dialog.get_by_role("button", name="Book").click()
    await says(page, "Booked: ")
    assert [(each["full_name"], each["starts_at"]) for each in visits(superuser, clinic)] == [
        ("Zoë Delgado", clinic.at("10:00"))
    ]
    assert offer(superuser, wanted) is None
    assert wish(superuser, wanted)["outcome"] is None
    await line.get_by_role("button", name="Take off the list: Ana Ferreira").click()
    await expect(line).to_have_count(0)
    assert outcome(superuser, wanted) == "left"


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
async def test_who_is_due_is_called_booked_or_asked_later(
    visit: Visitors, superuser: Connection, clinic: MadeClinic, size: tuple[int, int]
) -> None:
    insert(
        superuser, "recall_types", clinic_id=clinic.id, name="Half-yearly", after_type_ids=[clinic.checkup],
        every="6 months", book_type_id=clinic.checkup,
    )  # fmt: skip
    people = {
        name: has_patient(superuser, clinic, name, phone=number)
        for name, number in (("Zoë Delgado", "+1 212 555 0143"), ("Max Mustermann", None))
    }
    for who in people.values():
        has_visit(superuser, clinic, who, -timedelta(days=300), status="fulfilled")
    page = await waiting(visit, clinic, "recalls", size=size)
    zoe, max_ = (page.locator(f'[data-recall="{who}"]') for who in people.values())
    await expect(zoe.get_by_role("link", name="+1 212 555 0143")).to_have_attribute(
        "href", "tel:+12125550143"
    )
    for fact in ("Half-yearly, due", "last visit", "Not asked yet."):
        await expect(zoe).to_contain_text(fact)
    await expect(max_).to_contain_text("No phone number")
    await is_narrow(page)
    assert await serious_violations(page) == []
    await page.get_by_role("button", name="Ask in 30 days: Max Mustermann").click()
    await says(page, "Max Mustermann is asked again on")
    await expect(max_).to_have_count(0)
    await page.get_by_role("button", name="Book: Zoë Delgado").click()
    dialog = page.get_by_role("dialog", name="Book an appointment")
    await expect(dialog.get_by_label("Visit")).to_have_value(str(clinic.checkup))
    await dialog.get_by_role("button", name="Book").click()
    await expect(page.get_by_role("heading", name="Nobody to call")).to_be_visible()
    assert [each["full_name"] for each in visits(superuser, clinic)] == ["Zoë Delgado"]


async def test_only_the_desk_sees_who_waits(visit: Visitors, clinic: MadeClinic) -> None:
    page = await visit(f"/desk/{clinic.slug}/waiting", clinic.users["lee"])
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    await expect(page.get_by_role("link", name="Waiting")).to_have_count(0)
    await expect(page.get_by_role("heading", name="Waiting")).to_have_count(0)


async def test_a_time_that_becomes_free_is_free_to_nobody_else(
    visit: Visitors, stack: Stack, superuser: Connection, clinic: MadeClinic, taken: Row, ana: UUID, ben: UUID
) -> None:
    path = f"/book?clinic={clinic.slug}&type={clinic.checkup}&dentist={clinic.lee}&from={clinic.weekday(1)}"
    page = await visit(path, ben)
    await slot(page, clinic.at("10:30")).wait_for()
    await is_live(page)
    wanted = waits(stack, clinic, ana)
    gives_up(stack, clinic, taken)
    assert offered(superuser, wanted)["starts_at"] == clinic.at("10:00")
    # What is settled by then has been heard: another time comes free after it.
    other = desk_books(stack, clinic, has_patient(superuser, clinic, "Zoë Delgado"), clinic.at("14:00"))
    free = page.locator('[data-state="free"]')
    await expect(slot(page, clinic.at("14:00")).and_(free)).to_have_count(0)
    gives_up(stack, clinic, other)
    await expect(slot(page, clinic.at("14:00")).and_(free)).to_be_visible()
    await expect(slot(page, clinic.at("10:00")).and_(free)).to_have_count(0)
