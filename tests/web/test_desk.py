"""Staff work at the day board; patients and colleagues see it happen."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from playwright.async_api import Locator, Page, expect

from tests.support.actors import Connection
from tests.support.build import MadeClinic
from tests.support.stacks import Stack
from tests.web.days import desk_books, has_patient, is_open_around_the_clock, this_minute
from tests.web.visitors import Visitors, has_state, is_live, slot, together


def board(clinic: MadeClinic) -> str:
    """Return the path of the day board on the Monday where `clinic.at` is."""
    return f"/desk/{clinic.slug}/day?day={clinic.weekday(1)}"


async def open_board(visit: Visitors, clinic: MadeClinic, who: str = "desk") -> Page:
    page = await visit(board(clinic), clinic.users[who])
    await page.locator(".board").wait_for()
    await is_live(page)
    return page


def has_booked(
    stack: Stack, clinic: MadeClinic, user: UUID, starts_at: datetime, **more: Any
) -> dict[str, Any]:
    """Book a check-up for a patient, over HTTP."""
    answer = stack.http(stack.token(user)).post(
        "/rpc/book_appointment",
        json={
            "dentist_id": str(clinic.lee),
            "appointment_type_id": str(clinic.checkup),
            "starts_at": starts_at.isoformat(),
            **more,
        },
    )
    answer.raise_for_status()
    row: dict[str, Any] = answer.json()
    return row


def card(page: Page, appointment: dict[str, Any]) -> Locator:
    return page.locator(f'.appointment[data-appointment="{appointment["id"]}"]')


async def test_a_booking_appears_on_the_board_with_the_patients_name(
    visit: Visitors, clinic: MadeClinic, stack: Stack, ana: UUID
) -> None:
    page = await open_board(visit, clinic)
    appointment = has_booked(stack, clinic, ana, clinic.at("10:00"))
    await expect(card(page, appointment)).to_contain_text("Ana Ferreira")
    await expect(card(page, appointment)).to_contain_text("10:00 – 10:30")


async def test_a_hold_shows_on_the_board_and_goes(visit: Visitors, clinic: MadeClinic, ana: UUID) -> None:
    week = f"/book?clinic={clinic.slug}&dentist={clinic.lee}&from={clinic.weekday(1)}"
    desk, patient = await together(open_board(visit, clinic), visit(week, ana))
    await is_live(patient)
    await slot(patient, clinic.at("10:00")).click()
    await expect(desk.locator(".hold")).to_have_count(1)
    await patient.get_by_role("button", name="Give it back").click()
    await expect(desk.locator(".hold")).to_have_count(0)


async def test_the_patient_sees_staff_move_the_appointment_without_a_reload(
    visit: Visitors, clinic: MadeClinic, stack: Stack, ana: UUID
) -> None:
    appointment = has_booked(stack, clinic, ana, clinic.at("10:00"))
    desk, patient = await together(open_board(visit, clinic), visit("/appointments", ana))
    await is_live(patient)
    await expect(patient.locator(".visit")).to_contain_text("10:00 – 10:30 AM")
    moved = card(desk, appointment)
    await moved.focus()
    for key in ("m", "ArrowDown", "ArrowDown", "ArrowRight", "Enter"):
        await moved.press(key)
    await expect(patient.locator(".visit")).to_contain_text("10:30 – 11:00 AM")
    await expect(patient.get_by_role("status").filter(has_text="Your appointment is now")).to_be_visible()
    await expect(desk.locator(f'.column[data-column="{clinic.other}"]')).to_contain_text("Ana Ferreira")


async def test_dragging_a_card_moves_the_appointment(
    visit: Visitors, clinic: MadeClinic, stack: Stack, ana: UUID
) -> None:
    appointment = has_booked(stack, clinic, ana, clinic.at("10:00"))
    page = await open_board(visit, clinic)
    box = await card(page, appointment).bounding_box()
    assert box is not None
    await page.mouse.move(box["x"] + 40, box["y"] + 10)
    await page.mouse.down()
    await page.mouse.move(box["x"] + 40, box["y"] + 60, steps=5)
    await page.mouse.move(box["x"] + 40, box["y"] + 10 + 84, steps=5)
    await expect(page.locator(".ghost")).to_contain_text("11:00 – 11:30")
    async with page.expect_response("**/rpc/reschedule_appointment"):
        await page.mouse.up()
    await expect(card(page, appointment)).to_contain_text("11:00 – 11:30")
    await expect(page.locator(".ghost")).to_have_count(0)
    row = stack.http(stack.token(ana)).get(f"/appointments?id=eq.{appointment['id']}").json()[0]
    assert datetime.fromisoformat(row["starts_at"]) == clinic.at("11:00")


async def test_a_refused_move_rolls_back_and_says_why(
    visit: Visitors, clinic: MadeClinic, stack: Stack, ana: UUID, ben: UUID
) -> None:
    appointment = has_booked(stack, clinic, ana, clinic.at("10:00"))
    has_booked(stack, clinic, ben, clinic.at("10:30"))
    page = await open_board(visit, clinic)
    moved = card(page, appointment)
    await moved.focus()
    for key in ("m", "ArrowDown", "ArrowDown", "Enter"):
        await moved.press(key)
    await expect(page.get_by_role("status").filter(has_text="Not moved")).to_contain_text(
        "Somebody was faster"
    )
    await expect(moved).to_contain_text("10:00 – 10:30")


async def test_escape_puts_a_carried_card_back(
    visit: Visitors, clinic: MadeClinic, stack: Stack, ana: UUID
) -> None:
    appointment = has_booked(stack, clinic, ana, clinic.at("10:00"))
    page = await open_board(visit, clinic)
    await card(page, appointment).focus()
    for key in ("m", "ArrowDown"):
        await card(page, appointment).press(key)
    await expect(page.locator(".ghost")).to_have_count(1)
    await card(page, appointment).press("Escape")
    await expect(page.locator(".ghost")).to_have_count(0)
    await expect(card(page, appointment)).to_contain_text("10:00 – 10:30")


async def test_somebody_new_is_booked_at_a_time_one_says_and_at_an_alternative_when_it_is_taken(
    visit: Visitors, clinic: MadeClinic, stack: Stack, ana: UUID
) -> None:
    has_booked(stack, clinic, ana, clinic.at("10:00"))
    page = await open_board(visit, clinic)
    await page.get_by_role("button", name="Book", exact=True).click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Patient", exact=True).fill("Walter Walkin")
    await dialog.get_by_role("button", name="New patient").click()
    await dialog.get_by_label("Phone").fill("+1 212 555 0199")
    await dialog.get_by_label("With").select_option(str(clinic.lee))
    await expect(dialog.get_by_label("Day")).to_have_value(f"{clinic.weekday(1)}")
    await dialog.get_by_label("Another time").fill("10:00")
    await expect(dialog.locator(".notice.warn")).to_contain_text("Squeeze it in")
    await dialog.get_by_role("button", name="Book").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("Somebody was faster")
    await dialog.get_by_role("group", name="Free instead").get_by_role("button").first.click()
    await dialog.get_by_role("button", name="Book").click()
    await expect(page.locator(".appointment").filter(has_text="Walter Walkin")).to_have_count(1)


async def test_what_is_chosen_beforehand_is_on_the_day_that_one_looks_at(
    visit: Visitors, clinic: MadeClinic
) -> None:
    page = await open_board(visit, clinic)
    await page.get_by_role("button", name="Book", exact=True).click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Patient", exact=True).fill("Walter Walkin")
    await dialog.get_by_role("button", name="New patient").click()
    await dialog.get_by_label("Phone").fill("+1 212 555 0199")
    free = dialog.get_by_role("group", name="Free times").get_by_role("button")
    chosen = dialog.get_by_role("group", name="Free times").locator('[aria-pressed="true"]')
    await expect(chosen).to_have_count(1)
    await free.nth(2).click()
    await dialog.get_by_label("Day").fill(f"{clinic.weekday(2)}")
    await expect(free.first).to_have_attribute("aria-pressed", "true")
    await dialog.get_by_label("Day").fill(f"{clinic.weekday(1)}")
    await expect(free.first).to_have_attribute("aria-pressed", "true")
    await dialog.get_by_role("button", name="Book").click()
    await expect(page.locator(".appointment").filter(has_text="Walter Walkin")).to_have_count(1)


async def test_check_in_and_done_are_seen_by_colleagues_and_by_the_patient(
    visit: Visitors, clinic: MadeClinic, stack: Stack, superuser: Connection, ana: UUID
) -> None:
    is_open_around_the_clock(superuser, clinic)
    patient_id = has_patient(superuser, clinic, "Ana Ferreira", user_id=ana)
    appointment = desk_books(stack, clinic, patient_id, this_minute())
    today = f"/desk/{clinic.slug}/day"
    desk, dentist, patient = await together(
        visit(today, clinic.users["desk"]), visit(today, clinic.users["lee"]), visit("/appointments", ana)
    )
    await together(*(is_live(page) for page in (desk, dentist, patient)))
    for button, status in (("Check in", "checked_in"), ("Done", "fulfilled")):
        await card(desk, appointment).click()
        await desk.get_by_role("dialog").get_by_role("button", name=button).click()
        await card(dentist, appointment).and_(dentist.locator(f"[data-status={status}]")).wait_for()
    await expect(patient.locator(".past-row")).to_contain_text("Done")


async def test_a_cancelled_appointment_leaves_the_board_and_frees_its_time(
    visit: Visitors, clinic: MadeClinic, stack: Stack, ana: UUID
) -> None:
    appointment = has_booked(stack, clinic, ana, clinic.at("10:00"))
    week = f"/book?clinic={clinic.slug}&dentist={clinic.lee}&from={clinic.weekday(1)}"
    desk, guest = await together(open_board(visit, clinic), visit(week))
    await is_live(guest)
    await card(desk, appointment).click()
    await desk.get_by_role("button", name="Cancel", exact=True).click()
    await desk.get_by_role("button", name="Cancel appointment").click()
    await expect(card(desk, appointment)).to_have_count(0)
    await has_state(slot(guest, clinic.at("10:00")), "free")


async def test_new_hours_are_previewed_with_the_appointments_they_leave_outside(
    visit: Visitors, clinic: MadeClinic, stack: Stack, ana: UUID
) -> None:
    has_booked(stack, clinic, ana, clinic.at("16:00"))
    page = await visit(f"/desk/{clinic.slug}/hours", clinic.users["admin"])
    await page.get_by_label("Dentist").select_option(str(clinic.lee))
    await page.get_by_label("Monday, closes").nth(1).fill("15:00")
    await page.get_by_role("button", name="Preview change").click()
    await expect(page.get_by_text("1 appointment will stand outside")).to_be_visible()
    await expect(page.locator(".notice.warn")).to_contain_text("Ana Ferreira")
    await page.get_by_role("button", name="Save hours").click()
    await expect(page.get_by_role("status").filter(has_text="hours are saved")).to_be_visible()
    await expect(page.get_by_label("Monday, closes").nth(1)).to_have_value("15:00")


async def test_time_off_shows_what_is_in_the_way_before_it_cancels(
    visit: Visitors, clinic: MadeClinic, stack: Stack, ana: UUID
) -> None:
    has_booked(stack, clinic, ana, clinic.at("10:00"))
    page, patient = await together(
        visit(f"/desk/{clinic.slug}/hours", clinic.users["lee"]), visit("/appointments", ana)
    )
    await is_live(patient)
    day = clinic.weekday(1)
    await page.get_by_label("From").first.fill(f"{day}T09:00")
    await page.get_by_label("Until").first.fill(f"{day}T12:00")
    await page.get_by_role("button", name="Preview time off").click()
    await expect(page.locator(".notice.warn")).to_contain_text("Ana Ferreira")
    await expect(patient.locator(".visit")).to_have_count(1)
    await page.get_by_role("button", name="Add, and cancel the appointment").click()
    await expect(patient.locator(".past-row")).to_contain_text("Cancelled")


async def test_removed_time_off_and_extra_hours_can_be_taken_back(
    visit: Visitors, clinic: MadeClinic, stack: Stack
) -> None:
    admin = stack.http(stack.token(clinic.users["admin"]))
    evening = {"starts_at": clinic.at("18:00").isoformat(), "ends_at": clinic.at("20:00").isoformat()}
    lee = {"dentist_id": str(clinic.lee)}
    admin.post("/rpc/add_extra_hours", json=lee | evening).raise_for_status()
    off = {"clinic_id": str(clinic.id), "reason": "Dentist's dentist"}
    admin.post("/rpc/add_time_off", json=lee | evening | off).raise_for_status()
    page = await visit(f"/desk/{clinic.slug}/hours", clinic.users["admin"])
    for button in ("Remove this time off", "Remove these hours"):
        await page.get_by_role("button", name=button).click()
        await expect(page.get_by_role("button", name=button)).to_have_count(0)
        await page.locator(".toasts").get_by_role("button", name="Undo").click()
        await expect(page.get_by_role("button", name=button)).to_have_count(1)
    await expect(page.get_by_text("Dentist's dentist")).to_be_visible()


async def test_roles_decide_what_the_desk_offers(visit: Visitors, clinic: MadeClinic, ana: UUID) -> None:
    offered = {"admin": 8, "lee": 3, "desk": 4}
    for who, count in offered.items():
        page = await open_board(visit, clinic, who)
        await expect(page.get_by_role("navigation", name="Desk").get_by_role("link")).to_have_count(count)
    stranger = await visit(board(clinic), ana)
    await expect(stranger.get_by_role("heading", name="This desk is not yours")).to_be_visible()


async def test_an_admin_changes_a_role_but_cannot_remove_the_last_admin(
    visit: Visitors, clinic: MadeClinic, superuser: Connection
) -> None:
    page = await visit(f"/desk/{clinic.slug}/team", clinic.users["admin"])
    await page.get_by_label("Role of Desk").select_option("dentist")
    await expect(page.get_by_role("status").filter(has_text="Desk has a new role")).to_be_visible()
    await expect(page.get_by_label("Role of Admin")).to_be_disabled()
    await page.get_by_role("button", name="Remove Admin").click()
    await expect(page.get_by_role("alert")).to_contain_text("only administrator")
    await expect(page.get_by_role("dialog").get_by_role("button", name="Leave")).to_have_count(0)
    assert roles_of(superuser, clinic) == ["admin", "chatbot", "dentist", "dentist"]


async def test_a_colleague_is_removed_after_a_question_and_can_come_back(
    visit: Visitors, clinic: MadeClinic, superuser: Connection
) -> None:
    page = await visit(f"/desk/{clinic.slug}/team", clinic.users["admin"])
    dialog = page.get_by_role("dialog")
    await page.get_by_role("button", name="Remove Desk").click()
    await dialog.get_by_role("button", name="Keep").click()
    assert "receptionist" in roles_of(superuser, clinic)
    await page.get_by_role("button", name="Remove Desk").click()
    await dialog.get_by_role("button", name="Remove").click()
    await expect(page.get_by_label("Role of Desk")).to_have_count(0)
    assert "receptionist" not in roles_of(superuser, clinic)
    await page.get_by_role("button", name="Undo").click()
    await expect(page.get_by_label("Role of Desk")).to_have_value("receptionist")
    assert "receptionist" in roles_of(superuser, clinic)


async def test_an_admin_who_leaves_loses_the_desk_at_once(
    visit: Visitors, clinic: MadeClinic, stack: Stack
) -> None:
    grant = {"clinic_id": str(clinic.id), "user_id": str(clinic.users["desk"]), "role": "admin"}
    stack.http(stack.token(clinic.users["admin"])).post(
        "/rpc/grant_staff_role", json=grant
    ).raise_for_status()
    page = await visit(f"/desk/{clinic.slug}/team", clinic.users["admin"])
    await page.get_by_role("button", name="Remove Admin").click()
    await page.get_by_role("dialog").get_by_role("button", name="Leave").click()
    await expect(page.get_by_role("heading", name="This desk is not yours")).to_be_visible()


async def test_the_last_admin_is_told_why_not_also_when_the_page_did_not_know(
    visit: Visitors, clinic: MadeClinic, superuser: Connection
) -> None:
    superuser.execute("update clinic.staff set role = 'admin' where user_id = %s", [clinic.users["desk"]])
    page = await visit(f"/desk/{clinic.slug}/team", clinic.users["admin"])
    await page.get_by_role("button", name="Remove Admin").click()
    superuser.execute(
        "update clinic.staff set role = 'receptionist' where user_id = %s", [clinic.users["desk"]]
    )
    await page.get_by_role("dialog").get_by_role("button", name="Leave").click()
    await expect(page.get_by_role("alert")).to_contain_text("keeps at least one admin")


def roles_of(superuser: Connection, clinic: MadeClinic) -> list[str]:
    rows = superuser.execute("select role from clinic.staff where clinic_id = %s", [clinic.id]).fetchall()
    return sorted(row["role"] for row in rows)


async def test_metrics_draw_what_the_worker_counted(
    visit: Visitors, clinic: MadeClinic, superuser: Connection
) -> None:
    # The worker counts today, whenever it comes to it: nobody works, also if it has counted already.
    superuser.execute("delete from clinic.working_hours where clinic_id = %s", [clinic.id])
    superuser.execute(
        "insert into clinic.daily_metrics (clinic_id, day, stale, refreshed_at) values (%s, %s, false, now())"
        " on conflict on constraint daily_metrics_pkey do update set working_minutes = 0",
        [clinic.id, clinic.today()],
    )
    page = await visit(f"/desk/{clinic.slug}/metrics", clinic.users["admin"])
    filled = page.locator(".tile").filter(has_text="Filled from the waiting list")
    await expect(filled).to_contain_text("–")
    superuser.execute(
        "insert into clinic.daily_metrics"
        " (clinic_id, day, booked, fulfilled, working_minutes, booked_minutes, stale, refreshed_at,"
        " offers, offers_accepted, filled_minutes, time_to_fill)"
        " values (%s, %s, 3, 4, 400, 100, false, now(), 5, 3, 90, '12 minutes')",
        [clinic.id, clinic.today() - timedelta(days=3)],  # where no worker has anything to count anew
    )
    await page.reload()
    await expect(page.locator(".tile").first).to_contain_text("7")
    await expect(page.locator(".tile").nth(1)).to_contain_text("25%")
    await expect(filled).to_contain_text("1 h 30 min")
    await expect(filled).to_contain_text("3 of 5 offers accepted, after 12 min")
    await expect(page.locator(".recharts-bar-rectangle").first).to_be_attached()
