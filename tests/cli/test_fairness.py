"""Who gets a place, and when: the gateway's turns by themselves."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from cli.local.fairness import CrowdedOut, Fairness, Shares

SHARES = Shares(places=6, alone=4, together=2, rate=1.0, burst=0.1, debt=0.3, memory=0.2, waiting=20)
PROMPT = 0.05  # seconds in which nothing that may go at once is still waiting


class Room:
    """Requests that stay inside until they are told to go."""

    def __init__(self, shares: Shares = SHARES) -> None:
        self.fairness = Fairness(shares)
        self.inside: list[str] = []
        self.entered: list[str] = []
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._go: dict[str, asyncio.Event] = {}

    async def come(self, *names: str) -> None:
        """Let requests arrive; the first letter of each is its address."""
        for name in names:
            self._go[name] = asyncio.Event()
            self._tasks[name] = asyncio.create_task(self._stay(name))
            await asyncio.sleep(0)

    async def go(self, *names: str) -> None:
        """Let requests end, and those who may enter after them."""
        for name in names:
            self._go[name].set()
            await self._tasks[name]
        await asyncio.sleep(0)

    def give_up(self, name: str) -> None:
        """Break a request off, wherever it is."""
        self._tasks[name].cancel()

    async def _stay(self, name: str) -> None:
        async with self.fairness.turn(name[0]):
            self.entered.append(name)
            self.inside.append(name)
            try:
                await self._go[name].wait()
            finally:
                self.inside.remove(name)


async def appear(room: Room, name: str) -> None:
    """Wait until a request is inside."""
    async with asyncio.timeout(5):
        while name not in room.entered:  # noqa: ASYNC110 - it is a test
            await asyncio.sleep(0.005)


async def test_an_address_that_is_alone_has_most_of_the_places_in_the_order_of_arrival() -> None:
    room = Room()
    await room.come("a1", "a2", "a3", "a4", "a5", "a6")
    assert room.inside == ["a1", "a2", "a3", "a4"]
    await room.go("a2")
    assert room.inside == ["a1", "a3", "a4", "a5"]


async def test_a_newcomer_finds_a_place_whoever_is_waiting() -> None:
    room = Room()
    await room.come(*(f"a{number}" for number in range(9)), "b0")
    assert "b0" in room.inside
    await room.go("a0", "a1")
    assert room.inside == ["a2", "a3", "b0"], "together, an address has two places"


async def test_addresses_take_turns() -> None:
    room = Room(Shares(places=1, together=1, burst=10))
    await room.come("a0", "a1", "a2", "b0", "b1", "c0")
    for _ in range(5):
        await room.go(room.inside[0])
    assert room.entered == ["a0", "b0", "c0", "a1", "b1", "a2"]


async def test_who_has_used_up_their_budget_waits_and_then_goes_on() -> None:
    room = Room()
    await room.come("b0", "a0")
    await asyncio.sleep(0.25)
    await room.go("a0")
    await room.come("a1")
    assert "a1" not in room.entered, "it used more than it had"
    await appear(room, "a1")


async def test_who_is_alone_again_has_no_budget_to_keep() -> None:
    room = Room(Shares(alone=1, rate=0.001, burst=0.01, memory=0.1))
    await room.come("b0", "a0")
    await room.go("b0")
    await asyncio.sleep(0.15)
    await room.go("a0")
    await room.come("a1")
    assert room.inside == ["a1"]


async def test_even_a_request_that_is_refused_at_once_costs_something() -> None:
    fairness = Fairness(Shares(rate=0.01, burst=0.05))
    async with fairness.turn("b"):
        for _ in range(6):
            async with fairness.turn("a", 0.01):
                pass
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(PROMPT), fairness.turn("a", 0.01):
                pass


async def test_a_request_that_is_broken_off_takes_its_place_with_it() -> None:
    room = Room()
    await room.come("a1", "a2", "a3", "a4", "a5", "a6")
    room.give_up("a5")
    room.give_up("a1")
    await asyncio.sleep(PROMPT)
    assert room.inside == ["a2", "a3", "a4", "a6"]


async def test_a_request_too_many_is_refused_and_no_other_address_is() -> None:
    fairness = Fairness(Shares(alone=1, waiting=3))
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(fairness.turn("a"))
        waiting = [asyncio.create_task(fairness.turn("a").__aenter__()) for _ in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(CrowdedOut):
            await fairness.turn("a").__aenter__()
        await stack.enter_async_context(fairness.turn("b"))
        for task in waiting:
            task.cancel()
