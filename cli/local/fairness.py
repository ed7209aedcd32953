"""Whose turn it is: one client's haste must not become everybody's wait.

A client is an address. Requests of one address go in the order in which they came, and addresses take turns.
An address that is alone may keep the stack as busy as it likes. As soon as another is there, each has a
budget of the stack's time; one that has used it up waits until it has some again, and nobody waits for it.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count


@dataclass(frozen=True)
class Shares:
    """How much of the stack there is, and how much of it an address may have. Times are seconds."""

    places: int = 20  # requests that are served at once: the Data API has as many connections
    alone: int = 8  # of them for one address while there is no other: one lock must not stop all of a clinic
    together: int = 2  # of them for one address while there are others
    rate: float = 0.15 * (os.cpu_count() or 1)  # of the stack's time, for each second that passes
    burst: float = 2.0  # what can be saved up of it
    debt: float = 1.0  # what at most is held against an address: a long wait for a lock is no crime
    least: float = 0.003  # what a request costs, however quick
    memory: float = 10.0  # for how long after its last request an address counts as being there
    waiting: int = 500  # requests of one address that may wait


class CrowdedOut(Exception):
    """Too many requests of this address are waiting already."""


@dataclass
class _Guest:
    """An address: its requests that wait, how many are being served, and what is left of its budget."""

    credit: float
    seen: float
    waiting: deque[asyncio.Future[None]] = field(default_factory=deque)
    served: int = 0
    admitted: int = 0  # when it had a place last, counted in admissions


class Fairness:
    """Hands out the places. For use in one event loop."""

    def __init__(self, shares: Shares) -> None:
        self._shares = shares
        self._guests: dict[str, _Guest] = {}
        self._numbers = count(1)
        self._served = 0
        self._alarm: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def turn(self, address: str, least: float = 0.0) -> AsyncIterator[None]:
        """Wait for a place and hold it for the block, which costs at least `least`. Raises CrowdedOut."""
        guest = self._welcome(address)
        await self._wait(guest)
        started = self._now()
        try:
            yield
        finally:
            self._leave(guest, max(self._now() - started, least, self._shares.least))

    async def _wait(self, guest: _Guest) -> None:
        if len(guest.waiting) >= self._shares.waiting:
            raise CrowdedOut
        place = asyncio.get_running_loop().create_future()
        guest.waiting.append(place)
        self._admit()
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self._leave(guest, 0)
            raise

    def _leave(self, guest: _Guest, cost: float) -> None:
        guest.served -= 1
        self._served -= 1
        self._refill(guest)
        guest.credit = max(guest.credit - cost, -self._shares.debt)
        self._admit()

    def _welcome(self, address: str) -> _Guest:
        """Return who has this address; forget those who have not been here for a while."""
        oldest = self._now() - self._shares.memory
        gone = [
            name
            for name, guest in self._guests.items()
            if guest.seen < oldest and not guest.served and not guest.waiting
        ]
        for name in gone:
            del self._guests[name]
        guest = self._guests.setdefault(address, _Guest(self._shares.burst, self._now()))
        self._refill(guest)
        return guest

    def _refill(self, guest: _Guest) -> None:
        now = self._now()
        guest.credit = min(guest.credit + (now - guest.seen) * self._shares.rate, self._shares.burst)
        guest.seen = now

    def _admit(self) -> None:
        """Give free places to those who may have one: first to who has the fewest, then in turns."""
        while self._served < self._shares.places:
            next_ones = [guest for guest in self._guests.values() if self._may_enter(guest)]
            if not next_ones:
                break
            guest = min(next_ones, key=lambda one: (one.served, one.admitted))
            guest.waiting.popleft().set_result(None)
            guest.served += 1
            self._served += 1
            guest.admitted = next(self._numbers)
        self._set_alarm()

    def _may_enter(self, guest: _Guest) -> bool:
        while guest.waiting and guest.waiting[0].done():
            guest.waiting.popleft()  # it has given up
        if not guest.waiting or len(self._guests) == 1:
            return bool(guest.waiting) and guest.served < self._shares.alone
        self._refill(guest)
        return guest.served < self._shares.together and guest.credit >= 0

    def _set_alarm(self) -> None:
        """Look again when the first of those whose budget is used up has some again."""
        if self._alarm:
            self._alarm.cancel()
        owing = [-guest.credit for guest in self._guests.values() if guest.waiting and guest.credit < 0]
        pause = min(owing) / self._shares.rate + 0.001 if owing else None
        loop = asyncio.get_running_loop()
        self._alarm = None if pause is None else loop.call_later(pause, self._admit)

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
