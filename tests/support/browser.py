"""Chromium in front of the pages: Debian's, driven by Playwright, with what a page does wrong kept."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import axe_playwright_python
import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from tests.support import loopback
from tests.support.patience import PATIENCE

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ABSENT = "Chromium is not here: install Debian's (apt-get install chromium); `scripts/setup dev` does so as root"
needed = pytest.mark.skipif(PROGRAM is None, reason=ABSENT)

ARGUMENTS = (
    "--no-sandbox",  # tests may run as root; only our own pages are opened
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)
DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
THEMES = ("light", "dark")
AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js").read_text("utf-8")
GRAVE = ("serious", "critical")
MILLISECONDS = 1000 * PATIENCE
CELLS_UNDER_LABELS = """[...document.querySelectorAll('.stacked td')].filter(cell => {
  const contents = document.createRange();
  contents.selectNodeContents(cell);
  const left = cell.getBoundingClientRect().left + parseFloat(getComputedStyle(cell).paddingLeft);
  return [...contents.getClientRects()].some(part => part.width > 1 && part.left < left - 1);
}).map(cell => cell.textContent.trim())"""

expect.set_options(timeout=MILLISECONDS)


@contextmanager
def chromium() -> Iterator[Browser]:
    """One browser for all tests of a file; each opens contexts of its own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=PROGRAM, args=[*ARGUMENTS])
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Visitor:
    """A person's browser, signed in; `complaints` are errors of the pages, and what the policy of a page refused."""

    context: BrowserContext
    address: str
    complaints: list[str] = field(default_factory=list)
    tab: Page | None = None

    def go(self, path: str) -> Page:
        """One tab for all pages that are opened so: a new one takes a browser as long as the page itself."""
        if self.tab is None or self.tab.is_closed():
            self.tab = self.page(path)
        else:
            self.tab.goto(self.address + path)
        return self.tab

    def page(self, path: str = "/") -> Page:
        """A new tab with this page."""
        page = self.context.new_page()
        page.set_default_timeout(MILLISECONDS)
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.complaints.append(f"{page.url}: {error}"))
        page.goto(self.address + path)
        return page

    def log_in(self, name: str, password: str) -> None:
        """Log in on the page for it."""
        page = self.page("/login")
        page.locator("#name").fill(name)
        page.locator("#password").fill(password)
        page.locator("#password").press("Enter")
        page.wait_for_url(self.address + "/")
        page.close()

    def http(self) -> httpx.Client:
        """A client with the cookies of this browser."""
        cookies = {cookie["name"]: cookie["value"] for cookie in self.context.cookies()}
        return loopback.client(base_url=self.address, cookies=cookies)

    def _note(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(f"{message.location['url']}: {message.text}")


@contextmanager
def visitor(browser: Browser, address: str, password: str, **options: Any) -> Iterator[Visitor]:
    """A browser of its own, in which the first admin has logged in."""
    context = browser.new_context(viewport=DESK, **options)
    try:
        person = Visitor(context, address)
        person.log_in("operator", password)
        yield person
    finally:
        context.close()


def scrolls_sideways(page: Page) -> bool:
    """Whether the page is wider than its window."""
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


def cells_under_labels(page: Page) -> list[str]:
    """The text of each cell, of a table that became cards, that stands where the cells' labels stand."""
    return list(page.evaluate(CELLS_UNDER_LABELS))


def grave_faults(page: Page) -> list[str]:
    """What axe finds serious or critical on the page: the rule, and where."""
    page.evaluate(AXE)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{rule['id']}: {node['target']} {node['failureSummary']}"
        for rule in found["violations"]
        if rule["impact"] in GRAVE
        for node in rule["nodes"]
    ]
