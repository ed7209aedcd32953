"""Broadcasts that never come: the browser's socket runs through a hand that holds back, loses and closes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from playwright.async_api import Page, Route, WebSocketRoute, expect

from tests.support.build import MadeClinic
from tests.support.stacks import Stack
from tests.web.test_board import carry
from tests.web.test_desk import board, card, has_booked
from tests.web.visitors import Visitors, is_live


class Wire:
    """A page's socket: what the server sends is passed on, or not."""

    def __init__(self) -> None:
        self.loses: Callable[[str], bool] = lambda frame: False
        self.lost: list[str | bytes] = []
        self.joins: list[list[Any]] = []
        self._page: WebSocketRoute | None = None

    def connect(self, page: WebSocketRoute) -> None:
        """Stand between a page and its server."""
        server = page.connect_to_server()
        self._page = page

        def down(message: str | bytes) -> None:
            text = message if isinstance(message, str) else message.decode("latin1")
            if self.loses(text):
                self.lost.append(message)
            else:
                page.send(message)

        def up(message: str | bytes) -> None:
            if isinstance(message, str) and "phx_join" in message:
                self.joins.append(json.loads(message))
            server.send(message)

        server.on_message(down)
        page.on_message(up)

    def pass_on(self, frame: str | bytes) -> None:
        """Send a frame to the page after all."""
        assert self._page is not None
        self._page.send(frame)

    def close_channels(self) -> None:
        """Tell the page what a server says that ends its channels."""
        for join_ref, _ref, topic, *_rest in self.joins:
            self.pass_on(json.dumps([join_ref, join_ref, topic, "phx_close", {}]))


async def wired(visit: Visitors, clinic: MadeClinic, wire: Wire) -> Page:
    """Open the board of a clinic over this wire."""
    page = await visit("/no/such/page", clinic.users["desk"])
    await page.route_web_socket("**/realtime/v1/**", wire.connect)
    await page.goto(board(clinic))
    await page.locator(".board").wait_for()
    return page


def is_news(frame: str) -> bool:
    return "dentist_seq" in frame


async def test_what_is_committed_before_the_server_hears_is_there_once_it_does(
    visit: Visitors, clinic: MadeClinic, stack: Stack, ana: UUID
) -> None:
    wire = Wire()
    wire.loses = lambda frame: is_news(frame) or '"system"' in frame
    page = await wired(visit, clinic, wire)
    await page.locator(".connection[data-status=recovering]").wait_for()
    appointment = has_booked(stack, clinic, ana, clinic.at("10:00"))
    await expect(card(page, appointment)).to_have_count(0)
    wire.loses = lambda frame: False
    for frame in wire.lost:
        if isinstance(frame, str) and '"system"' in frame:
            wire.pass_on(frame)
    await expect(card(page, appointment)).to_be_visible(timeout=3000)
    await is_live(page)


async def test_the_next_broadcast_brings_back_one_that_was_lost(
    visit: Visitors, clinic: MadeClinic, stack: Stack, ana: UUID, ben: UUID
) -> None:
    wire = Wire()
    page = await wired(visit, clinic, wire)
    await is_live(page)
    await expect(card(page, has_booked(stack, clinic, ben, clinic.at("15:00")))).to_be_visible()
    wire.loses = is_news
    lost = has_booked(stack, clinic, ana, clinic.at("10:00"))
    while not wire.lost:
        await page.wait_for_timeout(50)
    await expect(card(page, lost)).to_have_count(0)
    wire.loses = lambda frame: False
    # Of another day: of itself it is no reason to read this one anew.
    has_booked(stack, clinic, ben, clinic.at("11:00", clinic.weekday(3)))
    await expect(card(page, lost)).to_be_visible()
    await is_live(page)


async def test_a_channel_that_the_server_closed_is_joined_again_and_misses_nothing(
    visit: Visitors, clinic: MadeClinic, stack: Stack, ana: UUID
) -> None:
    wire = Wire()
    page = await wired(visit, clinic, wire)
    await is_live(page)
    wire.loses = is_news
    joined = len(wire.joins)
    wire.close_channels()
    await page.locator(".connection[data-status=down]").wait_for(state="attached")
    missed = has_booked(stack, clinic, ana, clinic.at("10:00"))
    await expect(card(page, missed)).to_be_visible()
    assert len(wire.joins) > joined
    wire.loses = lambda frame: False
    await is_live(page)


@pytest.mark.parametrize("when", ["answered", "under way"])
async def test_who_moves_a_visit_again_before_the_board_is_fresh_goes_on_from_their_own_move(
    visit: Visitors, clinic: MadeClinic, stack: Stack, ana: UUID, when: str
) -> None:
    wire = Wire()
    page = await wired(visit, clinic, wire)
    appointment = has_booked(stack, clinic, ana, clinic.at("10:00"))
    await expect(card(page, appointment)).to_be_visible()
    await is_live(page)
    is_released, statuses = asyncio.Event(), []

    async def held_back(route: Route) -> None:
        await is_released.wait()
        await route.continue_()

    async def answered(route: Route) -> None:
        answer = await route.fetch()
        statuses.append(answer.status)
        if when == "under way" and len(statuses) == 1:
            await is_released.wait()
        await route.fulfill(response=answer)

    wire.loses = is_news
    await page.route("**/rpc/clinic_day*", held_back)
    await page.route("**/rpc/reschedule_appointment", answered)
    await carry(card(page, appointment), "ArrowDown", "Enter")
    if when == "answered":
        await page.get_by_role("status").filter(has_text="Ana").wait_for()
    await carry(card(page, appointment), "ArrowDown", "Enter")
    await expect(card(page, appointment)).to_contain_text("10:30")
    if when == "under way":
        is_released.set()
    while len(statuses) < 2:
        await page.wait_for_timeout(20)
    assert statuses == [200, 200]
    is_released.set()
    await expect(card(page, appointment)).to_contain_text("10:30")
    await page.unroute_all(behavior="wait")
