"""The pictures of the console in `docs/console/`: `PYTHONPATH=tests python -m support.console_pictures` makes them anew.

It starts a demo bus with a working day, waits until offices have opened, and opens each page as the people who use it, in both themes.
"""

import asyncio
from typing import Literal

from playwright.async_api import Browser, Page

from support.console import chromium
from support.demo_bus import demo_bus, signed_in_state
from support.processes import ROOT

FOLDER = ROOT / "docs/console"
SIZE = {"width": 1440, "height": 900}
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
WORKING_SECONDS = 100
"""Of the working day that passes first: until the database of the population is slow."""

OPERATOR = ("flows", "messages", "adapters", "health", "catalogue", "subscriptions", "access", "evidence", "account")
OFFICER = ("forms",)
ADMINISTRATOR = ("requests",)
WIDE = {"flows": "flows?window=1h", "catalogue": "catalogue/insurance/v1"}
"""Pages that are shown at another address than their first."""


async def make_pictures() -> None:
    """Make all of them."""
    async with demo_bus() as links:
        await asyncio.sleep(WORKING_SECONDS)
        async with chromium() as browser:
            origin = links["operator"].split("/console", maxsplit=1)[0]
            await _photograph_sign_in(browser, origin)
            await _photograph_citizen(browser, origin)
            await _photograph(browser, links["administrator"], ADMINISTRATOR)
            await _photograph(browser, links["operator"], OPERATOR)
            await _photograph(browser, links["officer"], OFFICER)


async def _photograph(browser: Browser, link: str, names: tuple[str, ...]) -> None:
    origin, state = await signed_in_state(browser, link)
    context = await browser.new_context(
        storage_state=state,
        viewport=SIZE,  # type: ignore[arg-type]
        locale="vi-VN",
        timezone_id="Asia/Ho_Chi_Minh",
    )
    page = await context.new_page()
    for name in names:
        for theme in THEMES:
            await page.emulate_media(color_scheme=theme)
            await page.goto(f"{origin}/console/{WIDE.get(name, name)}")
            await _save(page, f"{name}-{theme}")
    await context.close()


async def _photograph_sign_in(browser: Browser, origin: str) -> None:
    for theme in THEMES:
        context = await browser.new_context(viewport=SIZE, locale="vi-VN", color_scheme=theme)  # type: ignore[arg-type]
        page = await context.new_page()
        await page.goto(f"{origin}/console/sign-in")
        await _save(page, f"sign-in-{theme}")
        await context.close()


async def _photograph_citizen(browser: Browser, origin: str) -> None:
    """Sign in as a made-up citizen, and object, so that the agency's page has something to answer."""
    context = await browser.new_context(viewport=SIZE, locale="vi-VN", timezone_id="Asia/Ho_Chi_Minh")  # type: ignore[arg-type]
    page = await context.new_page()
    await page.goto(f"{origin}/my-data")
    await page.locator("a.primary").click()
    await page.get_by_role("link", name="Nguyễn Văn An").click()
    asked = page.get_by_role("listitem").filter(has=page.get_by_text("Trung tâm Phục vụ hành chính công tỉnh"))
    await asked.get_by_role("button", name="Phản đối hoặc hỏi").first.click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Nội dung").fill("Tôi không nộp hồ sơ nào trong tháng này.")
    await dialog.get_by_role("button", name="Gửi yêu cầu").click()
    await dialog.get_by_role("button", name="Đóng").click()
    for theme in THEMES:
        await page.emulate_media(color_scheme=theme)
        await _save(page, f"my-data-{theme}")
    await context.close()


async def _save(page: Page, name: str) -> None:
    await page.get_by_role("heading").first.wait_for()
    await page.wait_for_timeout(2500)  # until live figures have come
    await page.screenshot(path=FOLDER / f"{name}.png")


if __name__ == "__main__":
    asyncio.run(make_pictures())
