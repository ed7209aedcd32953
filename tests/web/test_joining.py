"""Invitations: a code is told once, and its owner joins with it, as a patient, a guardian or a colleague."""

from __future__ import annotations

from uuid import UUID, uuid4

from playwright.async_api import Page, expect

from tests.support.actors import Connection
from tests.support.build import MadeClinic
from tests.support.stacks import Stack
from tests.web.days import desk_books, has_patient
from tests.web.test_records import open_patient, says
from tests.web.visitors import Visitors


async def code_of(page: Page) -> str:
    """Read the code that the dialog shows, and close it: it is not shown again."""
    code = await page.get_by_role("dialog").get_by_label("Code", exact=True).inner_text()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(page.get_by_text(code)).to_have_count(0)
    return code


async def test_a_patient_and_a_guardian_join_with_their_codes_and_the_desk_sees_it(
    visit: Visitors, clinic: MadeClinic, stack: Stack, superuser: Connection, ana: UUID, ben: UUID
) -> None:
    rosa = has_patient(superuser, clinic, "Rosa Delgado", birth_date="2019-02-28")
    desk_books(stack, clinic, rosa, clinic.at("10:00"))
    desk = await open_patient(visit, clinic, rosa)
    await desk.context.grant_permissions(["clipboard-read", "clipboard-write"])
    login = desk.get_by_label("Login", exact=True)
    await login.get_by_role("button", name="Invite").click()
    await desk.get_by_role("dialog").get_by_role("button", name="Copy link").click()
    await says(desk, "The link is copied")
    link = await desk.evaluate("navigator.clipboard.readText()")
    code = await code_of(desk)
    assert link.endswith(f"/join?as=patient#{code}")
    await expect(login).to_contain_text("Invited, until")

    mine = await visit(link, ana)
    await expect(mine.get_by_label("Code")).to_have_value(code)
    await mine.get_by_label("Birth date of the patient").fill("2019-03-01")
    await mine.get_by_role("button", name="Link with my account").click()
    await expect(mine.get_by_role("alert")).to_contain_text("This code is not valid, or not with this answer")
    await mine.get_by_label("Birth date of the patient").fill("2019-02-28")
    await expect(mine.get_by_role("alert")).to_have_count(0)
    await mine.get_by_role("button", name="Link with my account").click()
    await mine.wait_for_url("**/appointments")
    await expect(mine.locator(".visit")).to_contain_text("10:00 – 10:30 AM")
    await expect(login).to_contain_text("Has a login")

    family = desk.get_by_label("Family", exact=True)
    await family.get_by_role("button", name="Invite a guardian").click()
    await desk.get_by_label("Relation").fill("father")
    await desk.get_by_role("button", name="Make a code").click()
    code = await code_of(desk)
    await expect(family).to_contain_text("A father is invited")
    # Who reads a code to somebody gives no link: the page asks what one is invited to.
    other = await visit("/join", ben)
    await other.get_by_role("button", name="As a patient or for one").click()
    await other.get_by_label("Code").fill(code.lower())
    await other.get_by_label("Birth date of the patient").fill("2019-02-28")
    await other.get_by_role("button", name="Link with my account").click()
    await other.wait_for_url("**/appointments")
    await says(other, "You now act for Rosa Delgado")
    await expect(other.locator(".visit")).to_have_count(1)
    await desk.reload()
    await expect(family).to_contain_text("Ben Okaforfather, until Feb 28, 2037")
    await family.get_by_role("button", name="End that").click()
    await desk.get_by_role("dialog").get_by_role("button", name="End it").click()
    await says(desk, "no longer acts for Rosa Delgado")
    await expect(family).to_contain_text("Nobody books for")
    await other.reload()
    await expect(other.get_by_text("Nothing coming up")).to_be_visible()


async def test_a_colleague_is_invited_signs_up_and_starts_at_the_desk_and_a_revoked_code_is_void(
    visit: Visitors, clinic: MadeClinic, superuser: Connection
) -> None:
    superuser.execute("update clinic.dentists set user_id = null where id = %s", [clinic.other])
    page = await visit(f"/desk/{clinic.slug}/team", clinic.users["admin"])
    invited = page.get_by_label("Open invitations")
    dialog = page.get_by_role("dialog")

    async def invite(email: str, role: str, dentist: UUID | None = None) -> str:
        await page.get_by_role("button", name="Invite", exact=True).click()
        await dialog.get_by_label("Email").fill(email)
        await dialog.get_by_label("Role").select_option(role)
        if dentist:
            await dialog.get_by_label("Whose calendar").select_option(str(dentist))
        await dialog.get_by_role("button", name="Invite", exact=True).click()
        return await code_of(page)

    name = uuid4().hex[:10]
    email, gone = f"{name}@made.test", f"{name}.gone@made.test"
    void = await invite(gone, "admin")
    await invited.get_by_role("button", name=f"Revoke the invitation of {gone}").click()
    await says(page, "The invitation is void")
    await expect(invited).to_contain_text("Everybody who was invited has come")
    # A refusal is shown, and the dialog stays: Lee has a login already.
    await page.get_by_role("button", name="Invite", exact=True).click()
    await dialog.get_by_label("Email").fill(email)
    await dialog.get_by_label("Whose calendar").select_option(str(clinic.lee))
    await dialog.get_by_role("button", name="Invite", exact=True).click()
    await expect(dialog.get_by_role("alert")).to_contain_text("has a login already")
    await page.keyboard.press("Escape")
    code = await invite(email, "dentist", clinic.other)
    await expect(invited.get_by_role("listitem")).to_contain_text(f"{email}Dentist, as Other")

    guest = await visit(f"/join?as=staff#{code}")
    await guest.get_by_label("Full name").fill("Nora New")
    await guest.get_by_label("Email").fill(email)
    await guest.get_by_label("Password").fill("a long password")
    await guest.get_by_role("button", name="Create account").click()
    await expect(guest.get_by_label("Code")).to_have_value(code)
    await guest.get_by_label("Code").fill(void)
    await guest.get_by_role("button", name="Join the staff").click()
    await expect(guest.get_by_role("alert")).to_contain_text("This code is not valid")
    await guest.get_by_label("Code").fill(code)
    await guest.get_by_role("button", name="Join the staff").click()
    await guest.wait_for_url(f"**/desk/{clinic.slug}/day")
    await says(guest, "Welcome to the staff")
    row = superuser.execute(
        "select d.id, s.role from clinic.staff as s inner join auth.users as u on s.user_id = u.id"
        " left join clinic.dentists as d on d.user_id = s.user_id and d.clinic_id = s.clinic_id"
        " where s.clinic_id = %s and u.email = %s",
        [clinic.id, email],
    ).fetchone()
    assert row is not None
    assert (row["id"], row["role"]) == (clinic.other, "dentist")
    # Who comes back to the page finds them, however it is come back to.
    await page.evaluate("dispatchEvent(new Event('visibilitychange'))")
    await expect(page.get_by_label("Role of Nora New")).to_have_value("dentist")
    await expect(invited).to_contain_text("Everybody who was invited has come")
