"""Patients book, in real browsers, in front of each other."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import Page, Route, expect

from tests.support.actors import Connection
from tests.support.build import MadeClinic, make_clinic
from tests.support.stacks import Stack
from tests.web.test_desk import has_booked
from tests.web.visitors import Visitors, has_state, is_live, slot, slot_of, together


def book(clinic: MadeClinic, dentist: str = "lee") -> str:
    """Return the booking page of a clinic, in the week where `clinic.at` is."""
    return f"/book?clinic={clinic.slug}&dentist={clinic.dentists[dentist]}&from={clinic.weekday(1)}"


async def open_booking(visit: Visitors, clinic: MadeClinic, user: UUID | None) -> Page:
    page = await visit(book(clinic), user)
    await is_live(page)
    await page.locator(".slot").first.wait_for()
    return page


async def test_a_patient_holds_and_confirms_and_finds_the_appointment(
    visit: Visitors, clinic: MadeClinic, ana: UUID
) -> None:
    page = await open_booking(visit, clinic, ana)
    await slot(page, clinic.at("10:00")).click()
    await page.get_by_role("timer").wait_for()
    await page.get_by_label("Anything the dentist should know?").fill("A little afraid of drills")
    await page.get_by_role("button", name="Confirm booking").click()
    await page.get_by_role("heading", name="You are booked").wait_for()
    await page.get_by_role("link", name="My appointments").last.click()
    visit_card = page.locator(".visit")
    await expect(visit_card).to_have_count(1)
    await expect(visit_card).to_contain_text("10:00 – 10:30 AM")


async def test_a_slot_fades_where_it_stands_while_somebody_else_takes_it(
    visit: Visitors, clinic: MadeClinic, ana: UUID, ben: UUID
) -> None:
    anas, bens = await together(open_booking(visit, clinic, ana), open_booking(visit, clinic, ben))
    place = await slot(anas, clinic.at("10:00")).bounding_box()
    await slot(bens, clinic.at("10:00")).click()
    await has_state(slot(anas, clinic.at("10:00")), "taken")
    await has_state(slot(anas, clinic.at("09:45")), "taken")
    await has_state(slot(anas, clinic.at("10:30")), "free")
    assert await slot(anas, clinic.at("10:00")).bounding_box() == place


async def test_the_focus_goes_on_from_where_it_was(
    visit: Visitors, clinic: MadeClinic, stack: Stack, ana: UUID
) -> None:
    page = await visit(f"/book?clinic={clinic.slug}&dentist={clinic.lee}&from={clinic.weekday(1)}", ana)
    panel, main = page.get_by_label("Your booking"), page.locator("#main")
    for give in ("Give it back", "Confirm booking"):
        await expect(slot(page, clinic.at("10:00"))).to_be_enabled()
        await slot(page, clinic.at("10:00")).press("Enter")
        await expect(panel).to_be_focused()
        await panel.get_by_role("button", name=give).press("Enter")
        await expect(panel if give == "Confirm booking" else main).to_be_focused()
    await expect(panel).to_contain_text("You are booked")
    await panel.get_by_role("button", name="Close").press("Enter")
    await expect(main).to_be_focused()
    await page.goto("/appointments")
    await page.locator(".visit").get_by_role("button", name="Cancel").press("Enter")
    await page.get_by_role("dialog").get_by_role("button", name="Cancel appointment").press("Enter")
    await page.locator(".past-row").wait_for()
    await expect(main).to_be_focused()


async def test_two_browsers_race_for_one_slot_and_one_gets_it(
    visit: Visitors, clinic: MadeClinic, ana: UUID, ben: UUID
) -> None:
    pages = await together(open_booking(visit, clinic, ana), open_booking(visit, clinic, ben))
    await together(*(slot(page, clinic.at("11:00")).click() for page in pages))
    for page in pages:
        held = page.get_by_role("timer")
        refused = page.get_by_role("status").filter(has_text="Somebody was faster")
        # Who clicks late enough finds the time gone already.
        gone = slot(page, clinic.at("11:00")).and_(page.locator("[data-state=taken]"))
        await held.or_(refused).or_(gone).first.wait_for()
    assert sum([await page.get_by_role("timer").is_visible() for page in pages]) == 1


async def test_a_hold_that_expires_frees_the_slot_before_everybodys_eyes(
    visit: Visitors, superuser: Connection, ana: UUID, ben: UUID
) -> None:
    clinic = make_clinic(superuser, hold_duration=timedelta(seconds=3))
    anas, bens = await together(open_booking(visit, clinic, ana), open_booking(visit, clinic, ben))
    await slot(anas, clinic.at("10:00")).click()
    await has_state(slot(bens, clinic.at("10:00")), "taken")
    await anas.get_by_role("heading", name="Your hold has ended").wait_for()
    await has_state(slot(bens, clinic.at("10:00")), "free")
    await has_state(slot(anas, clinic.at("10:00")), "free")


async def test_a_hold_survives_a_reload_and_counts_on(visit: Visitors, clinic: MadeClinic, ana: UUID) -> None:
    page = await open_booking(visit, clinic, ana)
    await slot(page, clinic.at("10:00")).click()
    await page.get_by_role("timer").wait_for()
    await page.reload()
    await page.get_by_role("timer").wait_for()
    await page.get_by_role("button", name="Confirm booking").click()
    await page.get_by_role("heading", name="You are booked").wait_for()


async def test_leaving_the_page_gives_the_hold_back(
    visit: Visitors, clinic: MadeClinic, ana: UUID, ben: UUID
) -> None:
    anas, bens = await together(open_booking(visit, clinic, ana), open_booking(visit, clinic, ben))
    await slot(anas, clinic.at("10:00")).click()
    await has_state(slot(bens, clinic.at("10:00")), "taken")
    await anas.get_by_role("link", name="My appointments").click()
    await has_state(slot(bens, clinic.at("10:00")), "free")


async def test_a_patient_reschedules_and_the_old_time_is_free_again(
    visit: Visitors, clinic: MadeClinic, stack: Stack, ana: UUID, ben: UUID
) -> None:
    appointment = stack.http(stack.token(ana)).post(
        "/rpc/book_appointment",
        json={
            "dentist_id": str(clinic.lee),
            "appointment_type_id": str(clinic.checkup),
            "starts_at": clinic.at("10:00").isoformat(),
        },
    )
    assert appointment.status_code == 200, appointment.text
    anas, bens = await together(visit("/appointments", ana), open_booking(visit, clinic, ben))
    await anas.get_by_role("link", name="Reschedule").click()
    await anas.goto(anas.url + f"&from={clinic.weekday(1)}")
    await slot(anas, clinic.at("14:00")).click()
    await anas.get_by_role("button", name="Move appointment").click()
    await expect(anas.locator(".visit")).to_contain_text("2:00 – 2:30 PM")
    await expect(anas.locator(".visit")).to_contain_text("Lee")
    await has_state(slot(bens, clinic.at("10:00")), "free")
    await has_state(slot(bens, clinic.at("14:00")), "taken")


async def test_a_patient_cancels(visit: Visitors, clinic: MadeClinic, stack: Stack, ana: UUID) -> None:
    stack.http(stack.token(ana)).post(
        "/rpc/book_appointment",
        json={
            "dentist_id": str(clinic.lee),
            "appointment_type_id": str(clinic.checkup),
            "starts_at": clinic.at("10:00").isoformat(),
        },
    ).raise_for_status()
    page = await visit("/appointments", ana)
    await page.get_by_role("button", name="Cancel").click()
    await page.get_by_role("button", name="Cancel appointment").click()
    await expect(page.locator(".past-row")).to_contain_text("Cancelled")
    await expect(page.locator(".visit")).to_have_count(0)


async def test_a_patient_who_cancels_too_late_is_told_to_call(
    visit: Visitors, superuser: Connection, stack: Stack, ana: UUID
) -> None:
    clinic = make_clinic(superuser, cancel_grace="0", phone="+1 212 555 0100")
    patient, service = stack.http(stack.token(ana)), stack.http(key=stack.secret_key)
    booking = {
        "dentist_id": str(clinic.lee),
        "appointment_type_id": str(clinic.checkup),
        "starts_at": clinic.at("10:00", clinic.weekday(1, weeks=2)).isoformat(),
    }
    appointment = patient.post("/rpc/book_appointment", json=booking).raise_for_status().json()
    page = await visit("/appointments", ana)
    await page.get_by_role("button", name="Cancel").click()
    # Longer than two weeks, on whatever day they are counted from. The open page knows the old rule.
    policy = {"clinic_id": str(clinic.id), "cancellation_notice": "30 days"}
    service.post("/rpc/update_clinic_policy", json=policy).raise_for_status()
    await page.get_by_role("button", name="Cancel appointment").click()
    await expect(page.get_by_role("alert")).to_contain_text("too late to change this online")
    await expect(page.locator(".visit")).to_have_count(1)
    # A fresh one offers nothing that will be refused.
    await page.reload()
    await expect(page.locator(".visit")).to_contain_text(f"Please call {clinic.slug}")
    await expect(page.locator(".visit").get_by_role("button")).to_have_text(["I will come"])
    # The only other way on is the telephone.
    await expect(page.locator(".visit").get_by_role("link")).to_have_attribute("href", "tel:+12125550100")
    await page.goto(f"/book?move={appointment['id']}")
    await expect(page.get_by_role("heading", name="too late to change this online")).to_be_visible()


@pytest.mark.parametrize(("notice", "words"), [("24:00", "24 hours"), ("7 days", "7 days")])
async def test_the_rule_of_changing_is_told_before_booking(
    visit: Visitors, superuser: Connection, ana: UUID, notice: str, words: str
) -> None:
    clinic = make_clinic(superuser, cancellation_notice=notice)
    page = await open_booking(visit, clinic, ana)
    rule = f"You can move or cancel it here until {words} before it starts."
    await expect(page.get_by_label("Your visit")).to_contain_text(rule)
    await slot(page, clinic.at("10:00")).click()
    await expect(page.get_by_label("Your booking")).to_contain_text(rule)


async def test_who_books_within_the_notice_is_told_that_it_stays(
    visit: Visitors, superuser: Connection, ana: UUID
) -> None:
    clinic = make_clinic(superuser, cancellation_notice="30 days")
    near = clinic.weekday(1, weeks=2)
    page = await visit(f"/book?clinic={clinic.slug}&dentist={clinic.lee}&from={near}", ana)
    await slot(page, clinic.at("10:00", near)).click()
    await expect(page.get_by_label("Your booking")).to_contain_text(f"only {clinic.slug} can still move")


async def test_a_hold_belongs_to_its_clinic_wherever_one_looks(
    visit: Visitors, clinic: MadeClinic, superuser: Connection, ana: UUID
) -> None:
    tokyo = make_clinic(superuser, "Asia/Tokyo")
    page = await open_booking(visit, clinic, ana)
    await slot(page, clinic.at("10:00")).click()
    panel = page.get_by_label("Your booking")
    await expect(panel).to_contain_text(clinic.slug)

    async def slowly(route: Route) -> None:
        await asyncio.sleep(1)
        await route.continue_()

    await page.route("**/rest/v1/dentists*", slowly)
    await page.get_by_label("Clinic").select_option(tokyo.slug)
    await page.locator(".slot, .empty").first.wait_for()
    await expect(panel).to_contain_text("10:00 – 10:30 AM")
    await expect(panel).to_contain_text(clinic.slug)
    await expect(page.locator(".slot[data-state=picked]")).to_have_count(0)
    await panel.get_by_role("button", name="Confirm booking").click()
    await expect(panel).to_contain_text(f"with Lee at {clinic.slug}")
    await expect(panel).to_contain_text("10:00 – 10:30 AM")


async def test_a_refused_second_hold_leaves_the_first(
    visit: Visitors, clinic: MadeClinic, stack: Stack, ana: UUID
) -> None:
    page = await open_booking(visit, clinic, ana)
    await slot(page, clinic.at("10:00")).click()
    await page.get_by_role("timer").wait_for()
    # Elsewhere and with somebody else: the times shown here stay as they are.
    has_booked(stack, clinic, ana, clinic.at("14:00"), dentist_id=str(clinic.other))
    await slot(page, clinic.at("14:00")).click()
    await page.get_by_role("status").filter(has_text="Two appointments at once").wait_for()
    await expect(page.get_by_label("Your booking")).to_contain_text("10:00 – 10:30 AM")
    held = stack.http(stack.token(ana)).get("/slot_reservations").json()
    assert [datetime.fromisoformat(row["starts_at"]) for row in held] == [clinic.at("10:00")]


async def test_an_appointment_whose_type_and_dentist_have_ended_moves_at_its_own_length(
    visit: Visitors, clinic: MadeClinic, stack: Stack, superuser: Connection, ana: UUID
) -> None:
    appointment = has_booked(stack, clinic, ana, clinic.at("10:00"), appointment_type_id=str(clinic.cleaning))
    superuser.execute(
        "update clinic.appointment_types set is_active = false where id = %s", [clinic.cleaning]
    )
    superuser.execute("update clinic.dentists set is_active = false where id = %s", [clinic.lee])
    page = await visit(f"/book?move={appointment['id']}&from={clinic.weekday(1)}", ana)
    # 45 minutes do not fit in where a check-up of 30 would: the last start is that of the next longer visit.
    await expect(slot(page, clinic.at("14:00"))).to_be_visible()
    await expect(slot(page, clinic.at("16:30"))).to_have_count(0)
    await expect(page.get_by_text("takes no appointments any more")).to_be_visible()
    await slot(page, clinic.at("14:00")).click()
    await expect(page.get_by_label("New time")).to_contain_text("2:00 – 2:45 PM")
    await page.get_by_role("button", name="Move appointment").click()
    await expect(page.locator(".visit")).to_contain_text("2:00 – 2:45 PM")


async def test_where_no_guests_are_let_in_one_signs_up_on_the_way_to_a_time(
    visit: Visitors, clinic: MadeClinic
) -> None:
    page = await open_booking(visit, clinic, None)

    async def refuse(route: Route) -> None:
        refusal = {"code": 422, "error_code": "anonymous_provider_disabled", "msg": "Disabled"}
        await (
            route.continue_()
            if "password" in (route.request.post_data or "")
            else route.fulfill(status=422, json=refusal)
        )

    await page.context.route("**/auth/v1/signup*", refuse)
    await slot(page, clinic.at("15:00")).click()
    await page.get_by_role("button", name="New here?").click()
    await page.get_by_label("Full name").fill("Nora Newcomer")
    await page.get_by_label("Email").fill(f"{clinic.slug}@patients.test")
    await page.get_by_label("Password").fill("chairtime-demo")
    await page.get_by_role("button", name="Create account").click()
    await page.get_by_role("timer").wait_for()


async def test_times_are_the_clinics_and_the_patients_own_on_demand(
    visit: Visitors, clinic: MadeClinic
) -> None:
    page = await visit(book(clinic), time_zone="Europe/Berlin")
    opening = clinic.at("09:00")
    button = slot(page, opening)
    await expect(button).to_have_text("9:00")
    await page.get_by_role("button", name="My time").click()
    # Not always six hours: the two switch to and from summer time on different days.
    await expect(button).to_have_text(f"{opening.astimezone(ZoneInfo('Europe/Berlin')).hour - 12}:00 PM")


async def test_ones_own_time_puts_each_slot_on_its_own_day_and_half(
    visit: Visitors, superuser: Connection
) -> None:
    tokyo = make_clinic(superuser, "Asia/Tokyo")
    page = await visit(book(tokyo), time_zone="America/Los_Angeles")
    tuesday = tokyo.weekday(2)
    clinics = page.locator(f'.day-column[data-day="{tuesday}"]')
    await expect(clinics.locator(slot_of(tokyo.at("09:00", tuesday)))).to_have_text("9:00")
    await page.get_by_role("button", name="My time").click()
    # Tuesday morning there is Monday afternoon here; Tuesday here is full, too, with Wednesday's times.
    for day in (2, 3):
        starts_at = tokyo.at("09:00", tokyo.weekday(day))
        local = starts_at.astimezone(ZoneInfo("America/Los_Angeles"))
        column = page.locator(f'.day-column[data-day="{tokyo.weekday(day - 1)}"]')
        button = column.locator(slot_of(starts_at))
        await expect(button).to_have_text(f"{local.hour - 12}:00 PM")
        part = column.locator(".day-part").filter(has=page.locator(slot_of(starts_at)))
        await expect(part.get_by_role("heading")).to_have_text("Afternoon" if local.hour < 18 else "Evening")
