"""People in front of browsers."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import urlsplit
from uuid import UUID

from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    Request,
    StorageState,
)

from tests.support.stacks import Stack
from tests.web.site import WEB

AXE = WEB / "node_modules" / "axe-core" / "axe.min.js"
DESKTOP = (1280, 900)
PHONE = (390, 844)

SCHEMES: dict[Literal["light", "dark"], dict[str, Any]] = {
    "light": {"resultTypes": ["violations"]},
    "dark": {"resultTypes": ["violations"], "runOnly": ["color-contrast"]},
}

# What a cut cable or a refusal looks like in a console; everything else there is a fault of ours.
EXPECTED = (
    "ERR_CONNECTION",
    "ERR_EMPTY_RESPONSE",
    "ERR_SOCKET",
    "WebSocket connection to",
    "Failed to load resource",
)


@dataclass
class Visitors:
    """Opens pages for people, each in a browser profile of their own; notes what consoles complain of."""

    browser: Browser
    stack: Stack
    complaints: list[str] = field(default_factory=list)
    #: What was asked of the Data API, by all pages from their first moment on: `rpc/me`, `clinics`.
    asked: list[str] = field(default_factory=list)
    _open: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def close(self) -> None:
        """Close every page."""
        await self._open.aclose()

    async def __call__(
        self,
        path: str,
        user: UUID | None = None,
        *,
        token: str | None = None,
        origin: str | None = None,
        size: tuple[int, int] = DESKTOP,
        time_zone: str = "America/New_York",
        color_scheme: Any = "light",
    ) -> Page:
        """Open a path of the app, as a guest or signed in as a user (with a token of one's own making)."""
        origin = origin or self.stack.api_url
        context = await self.browser.new_context(
            base_url=origin,
            viewport={"width": size[0], "height": size[1]},
            timezone_id=time_zone,
            color_scheme=color_scheme,
            reduced_motion="reduce",
            storage_state=self._signed_in(user, origin, token) if user else None,
        )
        self._open.push_async_callback(context.close)
        return await self._visit(context, path)

    async def _visit(self, context: BrowserContext, path: str) -> Page:
        page = await context.new_page()
        page.set_default_timeout(15_000)
        page.on("console", self._note)
        page.on("request", self._count)
        page.on("pageerror", lambda error: self.complaints.append(f"uncaught: {error}"))
        await page.goto(path)
        return page

    def _note(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not any(text in message.text for text in EXPECTED):
            self.complaints.append(f"{message.type}: {message.text}")

    def _count(self, request: Request) -> None:
        _, rest, resource = urlsplit(request.url).path.partition("/rest/v1/")
        if rest:
            self.asked.append(resource)

    def _signed_in(self, user: UUID, origin: str, token: str | None) -> StorageState:
        """Return the storage of somebody whom Auth has signed in: supabase-js keeps the session there."""
        session = {
            "access_token": token or self.stack.token(user),
            "refresh_token": "none",
            "token_type": "bearer",
            "expires_in": 3600,
            "expires_at": int(time.time()) + 3600,
            "user": {
                "id": str(user),
                "aud": "authenticated",
                "role": "authenticated",
                "email": f"{user}@made.test",
            },
        }
        entry = {"name": "sb-127-auth-token", "value": json.dumps(session)}
        return {"cookies": [], "origins": [{"origin": origin, "localStorage": [entry]}]}  # type: ignore[typeddict-item]


async def is_live(page: Page) -> None:
    """Wait until the page says that it hears of every change."""
    await page.locator(".connection[data-status=live]").first.wait_for(state="attached")


def slot(page: Page, starts_at: datetime) -> Locator:
    """Return the button of one slot."""
    return page.locator(slot_of(starts_at))


def slot_of(starts_at: datetime) -> str:
    """Return what selects the button of one slot."""
    return f'.slot[data-starts-at="{starts_at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.000Z"]'


async def has_state(button: Locator, state: str) -> None:
    """Wait until a slot's button shows this state: free, picked or taken."""
    await button.and_(button.page.locator(f"[data-state={state}]")).wait_for()


async def together(*actions: Any) -> list[Any]:
    """Do things at the same time."""
    return await asyncio.gather(*actions)


async def serious_violations(page: Page) -> list[str]:
    """Run axe on the page as it is, in light and dark; return what it finds that is serious or critical.

    Only colours differ between the two.
    """
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE.read_text())
    violations: dict[str, list[dict[str, Any]]] = {}
    for scheme, options in SCHEMES.items():
        await page.emulate_media(color_scheme=scheme)
        results = await page.evaluate("options => axe.run(document, options)", options)
        violations[scheme] = results["violations"]
    await page.emulate_media(color_scheme="light")
    return [
        f"{scheme}, {found['id']}: {found['help']} at {[node['target'] for node in found['nodes']][:3]}"
        for scheme, several in violations.items()
        for found in several
        if found["impact"] in {"serious", "critical"}
    ]
