"""What holds for every page, in both themes, on a telephone and on a wide screen."""

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.e2e.console.browser import HEIGHT, Watch, shifts, too_wide, watch_shifts
from tests.e2e.console.pages import PAGES, THEMES, WIDTHS, Listed

SERIOUS = ("serious", "critical")
ALL_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
OF_THEMES = ["color-contrast"]
"""All else that axe looks at is the same in each theme."""
AXE = Axe()


@pytest.mark.parametrize("listed", PAGES, ids=[each.name for each in PAGES])
def test_everybody_can_use_a_page_and_it_fits_its_window(
    signed_in: Callable[..., Page], watch: Watch, listed: Listed
) -> None:
    if listed.status != 200:
        watch.expected.append(str(listed.status))
    page = signed_in(listed.role)
    watch_shifts(page)
    answer = page.goto(listed.path)
    assert answer is not None
    assert answer.status == listed.status
    assert not shifts(page)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": HEIGHT})
        assert not too_wide(page), f"{width}: {too_wide(page)} pixels too wide"
        for theme in THEMES:
            page.emulate_media(color_scheme=theme)
            assert not _serious(page, OF_THEMES if theme == "dark" else ALL_RULES), (theme, width)


def _serious(page: Page, rules: list[str]) -> list[str]:
    """What axe finds that keeps somebody from using the page."""
    found: dict[str, Any] = AXE.run(
        page, options={"runOnly": rules, "resultTypes": ["violations"]}
    ).response
    return [
        f"{each['id']}: {each['help']}: {node['html'][:200]} {node.get('failureSummary', '')}"
        for each in found["violations"]
        if each["impact"] in SERIOUS
        for node in each["nodes"]
    ]
