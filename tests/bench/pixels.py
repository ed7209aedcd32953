"""`python -m tests.bench.pixels`: from a click in one browser to the changed pixels in another."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from statistics import quantiles

from playwright.async_api import Locator, Page, async_playwright
from rich.console import Console
from rich.table import Table

from tests.support.build import MadeClinic, make_clinic, make_user
from tests.support.stacks import Stack, running_stack
from tests.web import chromium, site
from tests.web.test_desk import card, has_booked, open_board
from tests.web.visitors import Visitors, has_state, is_live, slot

ROUNDS = 60
WARM_UP = 5
PATIENCE = 20.0  # seconds

# Notes the instant of the next click or key, by the clock that all pages of a machine share.
NOTE_ACTION = """() => {
  window.acted = new Promise((resolve) => {
    const note = (event) => resolve(performance.timeOrigin + event.timeStamp)
    for (const name of ['click', 'keydown']) addEventListener(name, note, { capture: true, once: true })
  })
}"""

# Notes the instant at which the frame is handed over that shows the element's text or state as another.
NOTE_PIXELS = """(element) => {
  const look = () => element.dataset.state + element.innerText
  const before = look()
  window.shown = new Promise((resolve) => {
    const painted = () => requestAnimationFrame(() => resolve(performance.timeOrigin + performance.now()))
    const observer = new MutationObserver(() => {
      if (look() === before) return
      observer.disconnect()
      requestAnimationFrame(painted)
    })
    observer.observe(element, { attributes: true, childList: true, characterData: true, subtree: true })
  })
}"""

Act = Callable[[], Awaitable[None]]


async def delay(actor: Page, act: Act, watched: Locator) -> float:
    """Return the milliseconds from an action to the pixels of what it changes elsewhere."""
    await watched.evaluate(NOTE_PIXELS)
    await actor.evaluate(NOTE_ACTION)
    await act()
    acted: float = await actor.evaluate("window.acted")
    shown: float = await asyncio.wait_for(watched.page.evaluate("window.shown"), PATIENCE)
    return shown - acted


async def holding(visit: Visitors, clinic: MadeClinic, stack: Stack) -> dict[str, list[float]]:
    """One patient holds and gives back a slot; another watches it."""
    superuser = stack.actors().superuser()
    week = f"/book?clinic={clinic.slug}&dentist={clinic.lee}&from={clinic.weekday(1)}"
    actor, watcher = [await visit(week, make_user(superuser, name)) for name in ("Ana", "Ben")]
    await is_live(actor)
    await is_live(watcher)
    mine, seen = slot(actor, clinic.at("10:00")), slot(watcher, clinic.at("10:00"))
    await has_state(seen, "free")
    found: dict[str, list[float]] = {"slot is held → fades": [], "slot is given back → returns": []}
    for _ in range(ROUNDS):
        await has_state(mine, "free")
        found["slot is held → fades"].append(await delay(actor, mine.click, seen))
        back = actor.get_by_role("button", name="Give it back")
        await back.wait_for()
        found["slot is given back → returns"].append(await delay(actor, back.click, seen))
    return found


async def moving(visit: Visitors, clinic: MadeClinic, stack: Stack) -> dict[str, list[float]]:
    """The desk moves an appointment to and fro; its patient watches the list."""
    ana = make_user(stack.actors().superuser(), "Ana")
    appointment = has_booked(stack, clinic, ana, clinic.at("10:00"))
    desk, patient = await open_board(visit, clinic), await visit("/appointments", ana)
    await is_live(patient)
    shown = patient.locator("ul.stack")
    found: list[float] = []
    for number in range(ROUNDS):
        moved = card(desk, appointment)
        await moved.focus()
        await moved.press("m")
        await moved.press("ArrowUp" if number % 2 else "ArrowDown")
        found.append(await delay(desk, lambda moved=moved: moved.press("Enter"), shown))  # type: ignore[misc]
        await shown.filter(has_text="10:00" if number % 2 else "10:15").wait_for()
    return {"desk moves an appointment → patient sees it": found}


async def measure(stack: Stack) -> dict[str, list[float]]:
    """Run all measurements in one Chromium."""
    clinic = make_clinic(stack.actors().superuser(), hold_duration=timedelta(minutes=30))
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium.CHROMIUM, args=chromium.FLAGS)
        visit = Visitors(browser, stack)
        found = await holding(visit, clinic, stack) | await moving(visit, clinic, stack)
        await visit.close()
        await browser.close()
    return found


def main() -> None:
    """Start a stack, measure, print a table, and leave nothing behind."""
    site.build()
    chromium.install()
    folder = Path(tempfile.mkdtemp(prefix="chairtime-pixels-"))
    try:
        with running_stack(folder) as stack:
            found = asyncio.run(measure(stack))
    finally:
        shutil.rmtree(folder)
    table = Table(
        "change → pixels elsewhere", "p50 ms", "p95 ms", title=f"{ROUNDS} rounds each, two browsers"
    )
    for name, delays in found.items():
        cuts = quantiles(delays[WARM_UP:], n=100)
        table.add_row(name, f"{cuts[49]:.0f}", f"{cuts[94]:.0f}")
    Console().print(table)


if __name__ == "__main__":
    main()
