"""Signing in, addresses that are not for everybody, what the gateway lets a page do, and accessibility."""

from __future__ import annotations

import re
from importlib.metadata import version
from typing import Any
from uuid import UUID

import httpx
import pytest
from playwright.async_api import Route, expect

from tests.support.actors import Connection
from tests.support.build import MadeClinic
from tests.support.stacks import Stack
from tests.web.days import desk_books, has_chairs, has_patient
from tests.web.site import WEB
from tests.web.test_desk import board, has_booked
from tests.web.visitors import DESKTOP, PHONE, Visitors, is_live, serious_violations, slot

pytestmark = pytest.mark.long


@pytest.mark.parametrize(
    ("email", "start"),
    [
        ("ana@patients.test", "/book"),
        ("desk@riverside.test", "/desk/riverside/day"),
        ("lee@sakura.test", "/desk/sakura/day"),
    ],
)
async def test_signing_in_leads_to_where_one_works(visit: Visitors, email: str, start: str) -> None:
    page = await visit("/sign-in")
    await page.get_by_label("Email").fill(email)
    await page.get_by_label("Password").fill("chairtime-demo")
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url(re.compile(re.escape(start)))
    await page.get_by_role("button", name="Account").click()
    await page.get_by_role("button", name="Sign out").click()
    await page.wait_for_url(re.compile("/sign-in"))


async def test_a_wrong_password_is_told_in_words(visit: Visitors) -> None:
    page = await visit("/sign-in")
    await page.get_by_label("Email").fill("ana@patients.test")
    await page.get_by_label("Password").fill("not the password")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("alert")).to_contain_text("do not belong together")


NARROW = {
    "guest": ["/sign-up", "/join"],
    "admin": [
        "/book",
        "/appointments",
        *(
            f"/desk/{{slug}}/{it}"
            for it in ("day", "messages", "waiting", "absences", "hours", "team", "metrics")
        ),
    ],
}


@pytest.mark.parametrize("who", NARROW)
async def test_no_page_is_wider_than_a_phone(
    visit: Visitors, clinic: MadeClinic, subtests: pytest.Subtests, who: str
) -> None:
    page = await visit("/sign-in", clinic.users.get(who), size=PHONE)
    for path in NARROW[who]:
        with subtests.test(path):
            await page.goto(path.format(slug=clinic.slug))
            await page.locator("h1").wait_for()
            await expect(page.locator(".skeleton, .splash")).to_have_count(0)
            width = await page.evaluate("document.documentElement.scrollWidth")
            assert width <= PHONE[0]


TROUBLES = {
    "the server is busy": ({"status": 503, "body": '{"message": "upstream"}'}, "No connection"),
    "the server fails": ({"status": 500, "body": "{}"}, "No connection"),
    "the gateway fails": ({"status": 502, "body": ""}, "No connection"),
    "there are too many": ({"status": 429, "body": '{"message": "Too many requests"}'}, "Too many attempts"),
    "there is no network": (None, "No connection"),
}


@pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES.keys())
async def test_trouble_while_signing_in_is_told_in_words_of_ours(
    visit: Visitors, trouble: tuple[dict[str, Any] | None, str]
) -> None:
    answer, words = trouble
    page = await visit("/sign-in")

    async def refuse(route: Route) -> None:
        await (route.fulfill(**answer) if answer else route.abort())

    await page.context.route("**/auth/v1/token*", refuse)
    await page.get_by_label("Email").fill("ana@patients.test")
    await page.get_by_label("Password").fill("chairtime-demo")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("alert")).to_have_text(re.compile(rf"^{words}\. [A-Z]"))


async def test_a_page_that_needs_a_login_comes_back_after_it(visit: Visitors) -> None:
    page = await visit("/appointments")
    await page.wait_for_url(re.compile(r"/sign-in\?next=%2Fappointments"))
    await page.get_by_label("Email").fill("ben@patients.test")
    await page.get_by_label("Password").fill("chairtime-demo")
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url(re.compile("/appointments$"))


async def test_a_link_cannot_lead_elsewhere_after_signing_in(visit: Visitors, ana: UUID) -> None:
    for elsewhere in ("//evil.test/", "https://evil.test/", "/\\evil.test"):
        page = await visit(f"/sign-in?next={elsewhere}", ana)
        await page.wait_for_url(re.compile("/book"))


async def test_an_unknown_address_is_answered_kindly(visit: Visitors) -> None:
    page = await visit("/no/such/page")
    await expect(page.get_by_role("heading", name="There is nothing here")).to_be_visible()
    await expect(page.get_by_role("contentinfo")).to_have_text(f"Chairtime {version('chairtime')}")


async def test_the_theme_follows_the_choice_and_is_remembered(visit: Visitors) -> None:
    page = await visit("/book")
    body = page.locator("body")
    light = await body.evaluate("it => getComputedStyle(it).color")
    await page.get_by_role("button", name="Account").click()
    await page.get_by_role("button", name="Dark").click()
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    await expect(body).not_to_have_css("color", light)
    dark = await body.evaluate("it => getComputedStyle(it).color")
    await page.reload()
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    await expect(body).to_have_css("color", dark)


@pytest.fixture(params=[DESKTOP, PHONE], ids=["desktop", "phone"])
def size(request: pytest.FixtureRequest) -> tuple[int, int]:
    """A screen's width and height."""
    width, height = request.param
    return width, height


def test_the_gateway_allows_no_foreign_code(stack: Stack, built_site: None) -> None:
    policy = httpx.get(stack.api_url, trust_env=False).headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


def test_the_bundle_holds_no_key(stack: Stack, built_site: None) -> None:
    built = "".join(file.read_text() for file in (WEB / "dist").rglob("*.js"))
    for secret in (stack.secret_key, stack.status["jwt_secret"], stack.status["service_role_key"]):
        assert secret not in built
    assert not re.search(r"sb_secret_\w{8}|eyJhbGciOi", built)


async def test_axe_finds_nothing_serious_for_patients(
    visit: Visitors, clinic: MadeClinic, stack: Stack, ana: UUID, size: tuple[int, int]
) -> None:
    has_booked(stack, clinic, ana, clinic.at("16:00"))
    page = await visit(f"/book?clinic={clinic.slug}&from={clinic.weekday(1)}", ana, size=size)
    await slot(page, clinic.at("10:00")).click()
    await page.get_by_role("timer").wait_for()
    found = {"book": await serious_violations(page)}
    await page.goto("/appointments")
    await page.locator(".visit").wait_for()
    found["appointments"] = await serious_violations(page)
    await page.get_by_role("button", name="Cancel").click()
    found["cancel"] = await serious_violations(page)
    guest = await visit("/sign-in", size=size)
    await guest.get_by_role("heading", name="Welcome back").wait_for()
    found["sign in"] = await serious_violations(guest)
    assert not any(found.values()), found


async def test_axe_finds_nothing_serious_for_staff(
    visit: Visitors,
    clinic: MadeClinic,
    stack: Stack,
    superuser: Connection,
    ana: UUID,
    size: tuple[int, int],
) -> None:
    has_chairs(superuser, clinic)
    has_booked(stack, clinic, ana, clinic.at("10:00"))
    ben = has_patient(superuser, clinic, "Ben Okafor")
    desk_books(stack, clinic, ben, clinic.at("10:15"), squeeze_in=True)
    page = await visit(board(clinic), clinic.users["admin"], size=size)
    await page.locator(".appointment").first.wait_for()
    await is_live(page)
    found = {"day": await serious_violations(page)}
    await page.get_by_role("button", name="Chairs").click()
    await page.locator(".appointment:visible").first.wait_for()
    found["chairs"] = await serious_violations(page)
    await page.get_by_role("button", name="Dentists", exact=True).click()
    await page.get_by_role("button", name="All dentists").click()
    found["filter"] = await serious_violations(page)
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="List").click()
    await page.get_by_role("row").last.wait_for()
    found["list"] = await serious_violations(page)
    await page.get_by_role("button", name="Board").click()
    await page.locator(".appointment").first.click()
    found["appointment"] = await serious_violations(page)
    dialog = page.get_by_role("dialog")
    for pane in ("Move", "Length", "Swap", "Cancel"):
        await dialog.get_by_role("button", name=pane, exact=True).click()
        await expect(dialog.locator(".skeleton")).to_have_count(0)
        found[pane] = await serious_violations(page)
        await dialog.get_by_role("button", name="Back").click()
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Book", exact=True).click()
    await dialog.get_by_role("group", name="Free times").wait_for()
    found["book"] = await serious_violations(page)
    for section, ready in (("hours", "Weekly hours"), ("team", "Staff"), ("metrics", "Metrics")):
        await page.goto(f"/desk/{clinic.slug}/{section}")
        await page.get_by_role("heading", name=ready, exact=True).wait_for()
        await page.wait_for_load_state("networkidle")
        found[section] = await serious_violations(page)
        if section == "team":
            await page.get_by_role("button", name="Remove Desk").click()
            found["remove"] = await serious_violations(page)
    assert not any(found.values()), found
