"""A real Chromium, and what no page of the console may do in it."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Page, Request, expect, sync_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-gpu",
    "--disable-dev-shm-usage",
)
SECONDS = 15
HEIGHT = 900


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser without a window."""
    # Chromium has no sandbox for root.
    flags = [*_FLAGS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    named = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)
    assert named, "there is no Chromium: deploy/local/setup.sh --browser"
    expect.set_options(timeout=SECONDS * 1000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=named, args=flags)
        try:
            yield browser
        finally:
            browser.close()


class Watch:
    """What goes wrong in a browser context: errors of scripts, of the console and of the content
    security policy, and requests to another host. ``expected``: parts of messages that a test
    provokes."""

    def __init__(self, origin: str) -> None:
        self.wrong: list[str] = []
        self.expected: list[str] = []
        self._host = urlsplit(origin).netloc

    def on(self, context: BrowserContext) -> None:
        """Begin to watch."""
        context.on("console", lambda said: self._note(said.type, f"{said.text} {said.location}"))
        context.on("weberror", lambda error: self._note("error", str(error.error)))
        context.on("request", self._requested)

    def check(self) -> None:
        """Fails where something went wrong that was not expected."""
        left = [w for w in self.wrong if not any(each in w for each in self.expected)]
        assert not left, "\n".join(left)

    def _note(self, kind: str, text: str) -> None:
        if kind == "error":
            self.wrong.append(text)

    def _requested(self, request: Request) -> None:
        url = urlsplit(request.url)
        if url.scheme not in ("data", "blob") and url.netloc != self._host:
            self.wrong.append(f"a request to another host: {request.url}")


def new_context(
    browser: Browser, origin: str, *, theme: str = "light", width: int = 1440, script: bool = True
) -> BrowserContext:
    """A window of its own: nobody is signed in there."""
    context = browser.new_context(
        base_url=origin,
        color_scheme="dark" if theme == "dark" else "light",
        viewport={"width": width, "height": HEIGHT},
        java_script_enabled=script,
        locale="en-US",
        reduced_motion="reduce",
    )
    context.set_default_timeout(SECONDS * 1000)
    return context


SHIFTS = """window.shifts = [];
new PerformanceObserver((list) => {
  for (const shift of list.getEntries()) {
    if (shift.hadRecentInput) continue;
    const moved = shift.sources.map(({ node }) => node?.nodeName + "." + (node?.className ?? ""));
    window.shifts.push(`${shift.value.toFixed(3)} ${moved.join(" ")}`);
  }
}).observe({ type: "layout-shift", buffered: true });"""

SHIFTED = """new Promise((done) => {
  requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => done(window.shifts))));
})"""


def watch_shifts(page: Page) -> None:
    """Have the pages that are loaded from now on note what moves in them by itself."""
    page.add_init_script(SHIFTS)


def shifts(page: Page) -> list[str]:
    """What has moved since the page was loaded, each with how much and whose place."""
    found: list[str] = page.evaluate(SHIFTED)
    return found


def too_wide(page: Page) -> int:
    """By how many pixels the page is wider than its window; 0 where it fits."""
    width: int = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    return width
