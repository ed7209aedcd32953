"""What a page shows when something is wrong: with the session, with its address, with what it is made of."""

from __future__ import annotations

import re
import time
from uuid import UUID, uuid4

import jwt
import pytest
from playwright.async_api import Page, expect

from tests.support.actors import Connection
from tests.support.build import MadeClinic, make_clinic, make_user
from tests.support.stacks import Stack
from tests.web.test_desk import board
from tests.web.visitors import Visitors

# More than a page asks for when all is well, and far less than a loop would.
CALM = 12


def refused_token(user: UUID) -> str:
    """Return a token that looks right and is signed by somebody else."""
    claims = {"sub": str(user), "role": "authenticated", "aud": "authenticated", "exp": time.time() + 3600}
    return jwt.encode(claims, "not the secret of this stack, but as long as one", "HS256")


@pytest.mark.parametrize("section", ["day", "messages", "waiting", "absences", "hours", "team", "metrics"])
async def test_a_refused_session_ends_at_the_sign_in_page_without_a_storm(
    visit: Visitors, clinic: MadeClinic, section: str
) -> None:
    admin = clinic.users["admin"]
    page = await visit(f"/desk/{clinic.slug}/{section}?day=2026-03-02", admin, token=refused_token(admin))
    await expect(page.get_by_text("Your session has ended")).to_be_visible()
    await page.wait_for_load_state("networkidle")
    assert f"next=%2Fdesk%2F{clinic.slug}%2F{section}%3Fday%3D2026-03-02" in page.url
    assert len(visit.asked) < CALM, visit.asked


async def test_a_session_refused_while_one_works_ends_the_same_way(
    visit: Visitors, clinic: MadeClinic, stack: Stack
) -> None:
    page = await visit(board(clinic), clinic.users["desk"])
    await page.locator(".board").wait_for()
    await page.evaluate(
        """token => {
          const key = 'sb-127-auth-token'
          const session = JSON.parse(localStorage.getItem(key))
          localStorage.setItem(key, JSON.stringify({ ...session, access_token: token }))
        }""",
        refused_token(clinic.users["desk"]),
    )
    # By script: where a request of the page's own was faster, the button is gone already.
    await page.evaluate("document.querySelector('[aria-label=\"Day after\"]')?.click()")
    await expect(page.get_by_text("Your session has ended")).to_be_visible()
    assert len(visit.asked) < CALM, visit.asked


@pytest.mark.parametrize("path", ["/", "/book", "/appointments", "/desk/riverside/day"])
async def test_a_user_whose_account_is_gone_is_told_so(
    visit: Visitors, superuser: Connection, path: str
) -> None:
    gone = make_user(superuser)
    superuser.execute("delete from auth.users where id = %s", [gone])
    page = await visit(path, gone)
    await expect(page.get_by_role("heading", name="Welcome back")).to_be_visible()
    await expect(page.locator(".notice")).to_be_visible()
    assert len(visit.asked) < CALM, visit.asked


def without(clinic: MadeClinic, superuser: Connection, table: str) -> MadeClinic:
    superuser.execute(f"update clinic.{table} set is_active = false where clinic_id = %s", [clinic.id])
    return clinic


# Whose page, its address in a clinic of one's own, and what it says.
ADDRESSES = {
    "an unknown clinic": ("guest", "/book?clinic=nosuch", "We do not know this clinic"),
    "an unknown type": ("guest", "/book?clinic={slug}&type=nosuch", "no longer offered"),
    "an unknown dentist": ("guest", "/book?clinic={slug}&dentist=nosuch", "takes no appointments any more"),
    "an impossible date": ("guest", "/book?clinic={slug}&from=2027-99-99", "Book a visit"),
    "not a date": ("guest", "/book?clinic={slug}&from=garbage", "Book a visit"),
    "a date without end": ("guest", "/book?clinic={slug}&from=9999-12-31", "Book a visit"),
    "a date beyond all": ("guest", "/book?clinic={slug}&from=%2B275760-09-13", "Book a visit"),
    "an unknown appointment": ("ana", "/book?move=nosuch", "We do not find this appointment"),
    "another's appointment": ("ana", f"/book?move={uuid4()}", "We do not find this appointment"),
    "an appointment, as a guest": ("guest", "/book?move=nosuch", "Welcome back"),
    "no appointments": ("ana", "/appointments", "Nothing coming up"),
    "an unknown desk": ("desk", "/desk/nosuch/day", "This desk is not yours"),
    "another's desk": ("ana", "/desk/{slug}/day", "This desk is not yours"),
    "an unknown section": ("desk", "/desk/{slug}/nosuch", "There is nothing here"),
    "a section of another role": ("desk", "/desk/{slug}/team", "There is nothing here"),
    "a day that is none": ("desk", "/desk/{slug}/day?day=garbage", "The address names no day"),
    "a day of no month": ("desk", "/desk/{slug}/day?day=2027-99-99", "The address names no day"),
    "a day of no year": ("desk", "/desk/{slug}/day?day=0000-01-01", "The address names no day"),
    "the last day of all": ("desk", "/desk/{slug}/day?day=9999-12-31", "The address names no day"),
    "nobody to call": ("desk", "/desk/{slug}/messages", "Nobody to call"),
    "a call list of a day that is none": ("desk", "/desk/{slug}/messages?day=nosuch", "names no day"),
    "no replies": ("desk", "/desk/{slug}/messages?show=replies", "Nothing to read"),
    "nothing that failed": ("desk", "/desk/{slug}/messages?show=trouble", "Everything arrived"),
    "an unknown part of messages": ("desk", "/desk/{slug}/messages?show=nosuch", "Nobody to call"),
    "a dentist's messages": ("lee", "/desk/{slug}/messages", "There is nothing here"),
    "nobody who waits": ("desk", "/desk/{slug}/waiting", "Nobody waits"),
    "an unknown part of waiting": ("desk", "/desk/{slug}/waiting?show=nosuch", "Nobody waits"),
    "nobody who is due": ("desk", "/desk/{slug}/waiting?show=recalls", "Nobody to call"),
    "due until a day that is none": ("desk", "/desk/{slug}/waiting?show=recalls&until=x", "names no day"),
    "a dentist's waiting list": ("lee", "/desk/{slug}/waiting", "There is nothing here"),
    "an unknown patient": ("desk", f"/desk/{{slug}}/patients/{uuid4()}", "We do not find this patient"),
    "a patient that is none": ("desk", "/desk/{slug}/patients/nosuch", "We do not find this patient"),
    "joining with a code that is none": ("guest", "/join?as=nosuch#<b>", "Join with a code"),
    "an unknown page": ("guest", "/no/such/page", "There is nothing here"),
    "an unknown reason to sign in": ("guest", "/sign-in?why=constructor&next=//x.test", "Welcome back"),
    "an admin's metrics": ("admin", "/desk/{slug}/metrics", "The days around today"),
}


async def says(page: Page, text: str) -> None:
    """Wait until the page says this, is named, has one heading, and waits for nothing more."""
    await expect(page.get_by_text(text).first).to_be_visible()
    await expect(page.locator("h1")).to_have_count(1)
    await expect(page.locator(".skeleton, .splash")).to_have_count(0)
    await expect(page).to_have_title(re.compile(r".+ · Chairtime$"))


@pytest.mark.long
@pytest.mark.parametrize("who", ["guest", "ana", "desk", "lee", "admin"])
async def test_every_page_answers_a_bad_address_in_words(
    visit: Visitors, clinic: MadeClinic, ana: UUID, subtests: pytest.Subtests, who: str
) -> None:
    user = {"guest": None, "ana": ana}.get(who) if who in ("guest", "ana") else clinic.users[who]
    page = await visit("/sign-in", user)
    for name, (whose, path, text) in ADDRESSES.items():
        if whose == who:
            with subtests.test(name):
                await page.goto("about:blank")
                await page.goto(path.format(slug=clinic.slug))
                await says(page, text)


async def test_an_address_that_cannot_be_decoded_is_answered_in_words(
    visit: Visitors, clinic: MadeClinic
) -> None:
    page = await visit(board(clinic), clinic.users["desk"])
    await page.locator(".board").wait_for()
    # The gateway lets none in: only a link within the app leads there.
    await page.evaluate("history.pushState(null, '', '/desk/%E0%A4%A/day')")
    await says(page, "This desk is not yours")


LACKS: dict[str, tuple[str, str, str, str]] = {
    "booking without types": (
        "appointment_types",
        "guest",
        "/book?clinic={slug}",
        "Nothing can be booked here",
    ),
    "booking without dentists": ("dentists", "guest", "/book?clinic={slug}", "Nothing can be booked here"),
    "the board without dentists": ("dentists", "desk", "/desk/{slug}/day", "No dentists yet"),
}


@pytest.mark.parametrize("lack", LACKS.values(), ids=LACKS.keys())
async def test_a_clinic_that_lacks_something_says_so(
    visit: Visitors, clinic: MadeClinic, superuser: Connection, lack: tuple[str, str, str, str]
) -> None:
    table, who, path, text = lack
    without(clinic, superuser, table)
    page = await visit(path.format(slug=clinic.slug), clinic.users.get(who))
    await says(page, text)


async def test_a_clinic_without_types_leaves_the_others_bookable(
    visit: Visitors, clinic: MadeClinic, superuser: Connection
) -> None:
    empty = without(make_clinic(superuser), superuser, "appointment_types")
    superuser.execute("update clinic.clinics set name = '!' || name where id = %s", [empty.id])
    # The first by name is not where who names no clinic begins.
    page = await visit("/book")
    await page.get_by_role("radio", name="Anybody").wait_for()
    await expect(page.get_by_label("Clinic")).not_to_have_value(empty.slug)
    await page.goto(f"/book?clinic={empty.slug}")
    await says(page, "Nothing can be booked here")
    await page.get_by_label("Clinic").select_option(clinic.slug)
    await page.locator(".slot, .empty").first.wait_for()
    await expect(page.get_by_role("radio", name="Check-up")).to_be_checked()


async def test_hours_without_dentists_lead_to_the_team(visit: Visitors, superuser: Connection) -> None:
    clinic = make_clinic(superuser)
    superuser.execute("delete from clinic.dentists where clinic_id = %s", [clinic.id])
    page = await visit(f"/desk/{clinic.slug}/hours", clinic.users["admin"])
    await says(page, "No dentists yet")
    await page.get_by_role("link", name="To the team").click()
    await says(page, "Team")
    for section in ("hours", "day"):
        await says(
            await visit(f"/desk/{clinic.slug}/{section}", clinic.users["lee"]), "You have no calendar yet"
        )
