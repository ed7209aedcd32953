"""A browser, the built app behind a running stack, and clinics with people who look at it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import UUID

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright, expect

from tests.support.actors import Actors, Connection
from tests.support.build import MadeClinic, make_clinic, make_user
from tests.support.shared import locked
from tests.support.stacks import Stack
from tests.web import chromium, site
from tests.web.visitors import Visitors

# As long as pages wait themselves: on a busy machine nothing else is wrong than that it is busy.
expect.set_options(timeout=15_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let all tests here share one event loop, as they share one browser."""
    here = Path(__file__).parent
    for item in items:
        if isinstance(item, pytest.Function) and here in item.path.parents and "visit" in item.fixturenames:
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.fixture(scope="session")
def built_site(shared_folder: object) -> None:
    """The web app is built from what is there now."""
    site.build()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(built_site: None) -> AsyncIterator[Browser]:
    """Debian's Chromium."""
    with locked(site.WEB / "package.json"):
        chromium.install()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium.CHROMIUM, args=chromium.FLAGS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def visit(browser: Browser, stack: Stack) -> AsyncIterator[Visitors]:
    """Open the app: `page = await visit("/book", ana)`. No console may complain."""
    visitors = Visitors(browser, stack)
    yield visitors
    await visitors.close()
    assert visitors.complaints == []


@pytest.fixture
def superuser(stack: Stack) -> Iterator[Connection]:
    """A connection to the stack's database that passes every policy."""
    actors: Actors = stack.actors()
    yield actors.superuser()
    actors.close()


@pytest.fixture
def clinic(superuser: Connection) -> MadeClinic:
    """A clinic of one's own."""
    return make_clinic(superuser)


@pytest.fixture
def ana(superuser: Connection) -> UUID:
    """A patient."""
    return make_user(superuser, "Ana Ferreira")


@pytest.fixture
def ben(superuser: Connection) -> UUID:
    """Another patient."""
    return make_user(superuser, "Ben Okafor")
