"""The frame around the pages: what becomes of it when a page fails, and where a page is scrolled to."""

from playwright.async_api import Route, expect
from support.console import Console
from support.waits import eventually


async def test_a_page_whose_script_is_gone_says_so_and_the_others_still_open(console: Console) -> None:
    page = await console.page("operator", language="en")
    await page.goto("/console/messages")
    await expect(page.get_by_role("heading", name="Messages")).to_be_visible()

    async def gone(route: Route) -> None:
        await route.fulfill(status=404)

    await page.route("**/console/assets/*", gone)  # as after an upgrade, which names the scripts anew
    await page.get_by_role("link", name="Health").click()
    await expect(page.get_by_text("This page cannot be shown")).to_be_visible()
    await page.get_by_role("link", name="Messages").click()
    await expect(page.get_by_role("heading", name="Messages")).to_be_visible()
    await page.unroute("**/console/assets/*")
    await page.get_by_role("link", name="Health").click()
    await page.get_by_role("button", name="Reload the page").click()
    await expect(page.get_by_role("heading", name="Health")).to_be_visible()
    assert all("dynamically imported" in fault for fault in console.faults)
    console.faults.clear()


async def test_an_address_that_is_no_message_is_not_found(console: Console) -> None:
    page = await console.page("operator", language="en")
    for address in ("%25", "%25E0%25A4%25A", "..%2f..%2fme"):
        await page.goto(f"/console/messages/{address}")
        await expect(page.get_by_text("was not found")).to_be_visible()


async def test_a_page_begins_at_its_top_and_back_leads_to_where_one_was(console: Console) -> None:
    page = await console.page("operator", language="en", height=300)
    await page.goto("/console/catalogue/desk/v1")
    await expect(page.get_by_role("heading", name="Request", exact=True)).to_be_visible()

    async def stands_at(place: int) -> bool:
        return int(await page.evaluate("Math.round(scrollY)")) == place

    await page.evaluate("scrollTo(0, 250)")
    await eventually(lambda: stands_at(250))
    # A click of Playwright's own would scroll to what it clicks.
    await page.get_by_role("link", name="Health").dispatch_event("click")
    await expect(page.get_by_role("heading", name="Health", level=1)).to_be_visible()
    await expect(page.get_by_role("region").last).to_be_attached()
    assert await page.evaluate("document.documentElement.scrollHeight") > 550  # it could be scrolled as far
    assert await stands_at(0)
    await page.go_back()
    await eventually(lambda: stands_at(250))
