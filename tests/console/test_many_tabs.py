"""Many tabs of one browser, which opens six connections to a gateway for all of them: each stays live, and pages still load."""

import re

import pytest
from playwright.async_api import Page, expect
from support.console import Console
from support.searched import Searched
from support.searched_console import console, people, searched, sent

__all__ = ["console", "people", "searched"]

WINDOWS = ("1m", "1h", "24h")
MESSAGES = 5


async def _tab(console: Console, first: Page, path: str) -> Page:
    page = await console.tab(first)
    await page.goto(f"/console/{path}")
    return page


@pytest.mark.timeout(300)  # eight pages
async def test_eight_tabs_stay_live_and_pages_still_load(searched: Searched, console: Console) -> None:
    earlier = await sent(searched)
    first = await console.page("operator", language="en")
    flows = [await _tab(console, first, f"flows?window={window}&group=operation") for window in WINDOWS]
    messages = [await _tab(console, first, "messages") for _ in range(MESSAGES)]
    for page in messages:
        await expect(page.locator(f'a[href*="{earlier}"]')).to_be_visible()
        await page.get_by_role("switch", name="Follow live").check()
    times = [page.get_by_title("Live", exact=True) for page in flows]
    shown = [await one.inner_text() for one in times]
    for _ in range(2):
        message = await sent(searched)
        for page in messages:
            await expect(page.locator(f'a[href*="{message}"]')).to_be_visible()
    for one, before in zip(times, shown, strict=True):
        await expect(one).not_to_have_text(before)
    for page in (*flows, *messages):
        await expect(page.get_by_text(re.compile("out of date|not answered"))).to_have_count(0)
    another = await _tab(console, first, "catalogue")
    await expect(another.get_by_role("heading", level=1)).to_be_visible()
    await expect(another.get_by_text("desk").first).to_be_visible()
