"""``make screenshots``: every page in both themes and widths, in ``.local/screenshots/``.

Arguments narrow it to pages whose name contains one of them.
"""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser
from rich.console import Console

from deploy.local.paths import STATE
from tests.e2e.console.browser import (
    Watch,
    chromium,
    new_context,
    shifts,
    too_wide,
    watch_shifts,
)
from tests.e2e.console.cloud import ORG, ConsoleCloud, console_cloud
from tests.e2e.console.conftest import give_session
from tests.e2e.console.pages import PAGES, THEMES, WIDTHS, Listed

FOLDER = STATE / "screenshots"


def main(names: list[str]) -> int:
    """0 where every page fits its window and nothing went wrong in the browser."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    wanted = [each for each in PAGES if not names or any(name in each.name for name in names)]
    wrong: list[str] = []
    with (
        tempfile.TemporaryDirectory() as logs,
        console_cloud(Path(logs)) as cloud,
        chromium() as browser,
    ):
        for theme in THEMES:
            for width in WIDTHS:
                for page in wanted:
                    wrong += _take(cloud, browser, page, theme, width)
    told = Console(highlight=False)
    told.print(f"{len(wanted) * len(THEMES) * len(WIDTHS)} screenshots in {FOLDER}")
    told.print("\n".join(wrong), markup=False)
    return 1 if wrong else 0


def _take(
    cloud: ConsoleCloud, browser: Browser, listed: Listed, theme: str, width: int
) -> list[str]:
    """Take one; what is wrong with the page."""
    watch = Watch(cloud.stack.console)
    context = new_context(browser, cloud.stack.console, theme=theme, width=width)
    try:
        watch.on(context)
        if listed.role is not None:
            give_session(cloud, context, listed.role, ORG)
        page = context.new_page()
        watch_shifts(page)
        answer = page.goto(listed.path, wait_until="networkidle")
        name = f"{listed.name}-{theme}-{width}"
        page.screenshot(path=FOLDER / f"{name}.png", full_page=True)
        found = [w for w in watch.wrong if listed.status == 200 or str(listed.status) not in w]
        if too_wide(page):
            found.append(f"{too_wide(page)} pixels too wide")
        found += [f"moves by itself: {each}" for each in shifts(page)]
        if answer is None or answer.status != listed.status:
            found.append(f"answered {answer and answer.status}")
        return [f"{name}: {each}" for each in found]
    finally:
        context.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
