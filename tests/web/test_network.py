"""The network is cut and restored, tokens change, and nothing is missed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from urllib.parse import urlsplit
from uuid import UUID

import pytest
import pytest_asyncio
from playwright.async_api import Page, Request, Route, expect

from tests.realtime.proxy import Cable
from tests.support.build import MadeClinic
from tests.support.stacks import Stack
from tests.web.test_desk import board, card, has_booked
from tests.web.visitors import Visitors, has_state, is_live, slot, together

pytestmark = pytest.mark.long


@pytest_asyncio.fixture(loop_scope="session")
async def cable(stack: Stack) -> AsyncIterator[Cable]:
    """A cable to the stack's gateway that can be pulled."""
    async with Cable.to(urlsplit(stack.api_url).port or 0) as cable:
        yield cable


def origin(cable: Cable) -> str:
    return f"http://127.0.0.1:{cable.port}"


def noted_requests(page: Page) -> list[str]:
    """Return a list that grows with each request for data."""
    noted: list[str] = []

    def note(request: Request) -> None:
        if "/rest/v1/" in request.url:
            noted.append(request.url.rpartition("/")[2])

    page.on("request", note)
    return noted


async def test_what_happened_while_the_cable_was_out_is_there_when_it_is_back(
    visit: Visitors, clinic: MadeClinic, stack: Stack, cable: Cable, ana: UUID
) -> None:
    kept = has_booked(stack, clinic, ana, clinic.at("10:00"))
    page = await visit(board(clinic), clinic.users["desk"], origin=origin(cable))
    await is_live(page)
    await expect(card(page, kept)).to_be_visible()
    cable.pull()
    await page.locator(".connection[data-status=down]").wait_for()
    missed = has_booked(stack, clinic, ana, clinic.at("14:00"))
    stack.http(stack.token(ana)).post(
        "/rpc/cancel_appointment", json={"appointment_id": kept["id"]}
    ).raise_for_status()
    cable.plug_in()
    await expect(card(page, missed)).to_contain_text("2:00 – 2:30")
    await expect(card(page, kept)).to_have_count(0)
    await is_live(page)


async def test_slots_taken_meanwhile_are_taken_after_a_reconnect(
    visit: Visitors, clinic: MadeClinic, stack: Stack, cable: Cable, ana: UUID
) -> None:
    week = f"/book?clinic={clinic.slug}&dentist={clinic.lee}&from={clinic.weekday(1)}"
    page = await visit(week, origin=origin(cable))
    await is_live(page)
    await has_state(slot(page, clinic.at("10:00")), "free")
    cable.pull()
    await page.locator(".connection[data-status=down]").wait_for()
    has_booked(stack, clinic, ana, clinic.at("10:00"))
    cable.plug_in()
    await has_state(slot(page, clinic.at("10:00")), "taken")


async def test_a_refused_connection_says_so_and_can_be_tried_again(
    visit: Visitors, clinic: MadeClinic, cable: Cable, ana: UUID
) -> None:
    week = f"/book?clinic={clinic.slug}&dentist={clinic.lee}&from={clinic.weekday(1)}"
    page = await visit(week, ana, origin=origin(cable))
    await is_live(page)
    await has_state(slot(page, clinic.at("10:00")), "free")
    cable.pull()
    await slot(page, clinic.at("10:00")).click()
    await expect(page.get_by_role("status").filter(has_text="No connection")).to_be_visible()
    cable.plug_in()
    await is_live(page)
    await slot(page, clinic.at("10:00")).click()
    await page.get_by_role("timer").wait_for()


@pytest.mark.parametrize("status", [503, 429, None], ids=["the server is busy", "too many ask", "no network"])
async def test_no_answer_is_told_at_once_and_mended_by_itself(
    visit: Visitors, clinic: MadeClinic, stack: Stack, ana: UUID, status: int | None
) -> None:
    has_booked(stack, clinic, ana, clinic.at("10:00"))
    lost = "**/rest/v1/**"

    async def refuse(route: Route) -> None:
        await (route.abort() if status is None else route.fulfill(status=status))

    async def look(path: str, user: UUID | None, ready: str) -> None:
        page = await visit("/sign-in?why=ended" if user is None else "/no/such/page", user)
        await page.context.route(lost, refuse)
        await page.goto(path)
        await expect(page.get_by_role("alert").filter(has_text="No connection").first).to_be_visible(
            timeout=8000
        )
        await page.context.unroute(lost)
        await page.locator(ready).first.wait_for()
        await expect(page.get_by_text("No connection")).to_have_count(0)

    desk, admin = clinic.users["desk"], clinic.users["admin"]
    await together(
        look(f"/book?clinic={clinic.slug}", None, ".slot, .empty"),
        look("/appointments", ana, ".visit"),
        look(board(clinic), desk, ".board"),
        look(f"/desk/{clinic.slug}/waiting", desk, ".empty"),
        look(f"/desk/{clinic.slug}/waiting?show=recalls", desk, ".empty"),
    )
    await together(
        look(f"/desk/{clinic.slug}/hours", admin, ".weekdays"),
        look(f"/desk/{clinic.slug}/team", admin, ".person-row"),
        look(f"/desk/{clinic.slug}/metrics", admin, ".empty, .tile"),
    )


async def test_an_open_page_asks_the_server_nothing_until_something_happens(
    visit: Visitors, clinic: MadeClinic, stack: Stack, ana: UUID
) -> None:
    page = await visit(board(clinic), clinic.users["desk"])
    await is_live(page)
    await page.wait_for_load_state("networkidle")
    noted = noted_requests(page)
    # A clock that runs fast: whatever polls would poll many times.
    await page.clock.install()
    await page.clock.run_for(10 * 60_000)
    assert noted == []
    appointment = has_booked(stack, clinic, ana, clinic.at("10:00"))
    await page.clock.run_for(1000)
    await expect(card(page, appointment)).to_be_visible()
    assert set(noted) <= {"clinic_day"}


async def test_a_refreshed_token_reaches_the_open_channels(visit: Visitors) -> None:
    page = await visit("/sign-in")
    sent: list[str] = []
    async with page.expect_websocket() as opening:
        page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(str(frame))))
        await page.get_by_label("Email").fill("desk@riverside.test")
        await page.get_by_label("Password").fill("chairtime-demo")
        await page.get_by_role("button", name="Sign in").click()
    socket = await opening.value
    await is_live(page)
    joins = [frame for frame in sent if "phx_join" in frame]
    assert joins
    assert all('"access_token":"ey' in frame for frame in joins)
    # Tokens of one second are alike, and an unchanged one need not be sent.
    # Waited for here: a page whose policy forbids eval cannot wait for a function.
    expires_at = await page.evaluate("JSON.parse(localStorage.getItem('sb-127-auth-token')).expires_at")
    await asyncio.sleep(max(0, expires_at - 3600 + 1.1 - time.time()))
    # An expired session in storage makes supabase-js refresh it as soon as the page is looked at again.
    async with socket.expect_event("framesent", lambda frame: '"access_token",{' in str(frame)):
        await page.evaluate(
            """() => {
              const key = 'sb-127-auth-token'
              const session = JSON.parse(localStorage.getItem(key))
              localStorage.setItem(key, JSON.stringify({ ...session, expires_at: 1 }))
              document.dispatchEvent(new Event('visibilitychange', { bubbles: true }))
            }"""
        )
