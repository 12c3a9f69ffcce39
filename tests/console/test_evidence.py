"""The page Evidence: an auditor sees who vouches for the logs, verifies them in the browser, and exports the operator's reports."""

import re
from typing import Any

import pytest
from playwright.async_api import Route, expect
from support.accessibility import accessibility_faults
from support.console import Console
from support.keyboard import press
from support.searched import Searched
from support.searched_console import console, people, searched, sent
from support.waits import eventually
from support.workbench import TEXT

__all__ = ["console", "people", "searched"]


@pytest.mark.parametrize(
    ("language", "verify", "good", "witness"),
    [
        ("vi", "Kiểm chứng nhật ký của bench", "Lần đầu kiểm tại trình duyệt này", "Chưa có nhân chứng ký"),
        ("en", "Verify the log of bench", "Verified here for the first time", "No witness has signed"),
    ],
)
async def test_a_log_is_verified_in_the_browser_by_keyboard_alone(
    searched: Searched, console: Console, language: str, verify: str, good: str, witness: str
) -> None:
    message = await sent(searched)
    await searched.bus.ask("GET", f"/evidence/messages/{message}/proof?wait=20", system="auditor")
    page = await console.page("auditor", language=language)
    await page.goto("/console/evidence")
    await expect(page.get_by_text(witness)).to_be_visible()
    await press(page, verify)
    await expect(page.get_by_text(good)).to_be_visible()
    assert await accessibility_faults(page) == []


async def test_a_log_that_was_rewritten_since_is_noticed(searched: Searched, console: Console) -> None:
    first = await sent(searched)
    await searched.bus.ask("GET", f"/evidence/messages/{first}/proof?wait=20", system="auditor")
    page = await console.page("auditor", language="en")
    await page.goto("/console/evidence")
    verify = page.get_by_role("button", name="Verify the log of bench")
    await verify.click()
    await expect(page.get_by_text("Verified here for the first time")).to_be_visible()
    second = await sent(searched)
    await searched.bus.ask("GET", f"/evidence/messages/{second}/proof?wait=20", system="auditor")
    await page.reload()
    await verify.click()
    await expect(page.get_by_text("It continues the checkpoint that this browser verified")).to_be_visible()

    async def other_history(route: Route) -> None:
        answer = await route.fetch()
        proof: dict[str, Any] = await answer.json()
        await route.fulfill(response=answer, json={"path": ["A" * 43 + "=", *proof["path"][1:]]})

    third = await sent(searched)
    await searched.bus.ask("GET", f"/evidence/messages/{third}/proof?wait=20", system="auditor")
    await page.route("**/consistency?*", other_history)
    await page.reload()
    await verify.click()
    await expect(page.get_by_text("it was rewritten")).to_be_visible()


async def test_reports_are_shown_exported_and_printed(searched: Searched, console: Console) -> None:
    await sent(searched, system="beta")

    async def counted() -> bool:
        got = await searched.bus.ask("GET", "/ops/statistics", system="operator")
        return any(row["refused"] for row in got.json["items"])

    await eventually(counted)
    page = await console.page("operator", language="en")
    titles = [{"code": "thu-nghiem", "title": {"vi": "Thử nghiệm", "en": "Trying out"}}]
    await page.route("**/catalog/purposes", lambda route: route.fulfill(json={"items": titles}))
    await page.goto("/console/evidence")
    await page.get_by_role("tab", name="Reports").click()
    await expect(page).to_have_url(re.compile("/evidence/reports"))
    by_service = page.get_by_role("table", name="By service").get_by_role("row").and_(page.get_by_title("desk"))
    await expect(by_service).to_contain_text(TEXT["en"])  # the title; the code is in the file
    await expect(page.get_by_role("cell", name=TEXT["en"]).and_(page.get_by_title("H49.1")).first).to_be_visible()
    await expect(page.get_by_role("table", name="By purpose")).to_contain_text("Trying out")
    assert await accessibility_faults(page) == []
    async with page.expect_download() as started:
        await page.get_by_role("button", name="Download CSV").click()
    file = await started.value
    assert re.fullmatch(r"lgsp-\d{4}-\d\d-\d{4}-\d\d\.csv", file.suggested_filename)
    path = await file.path()
    content = path.read_text("utf-8-sig")
    assert content.startswith("month,agency,provider,service")
    assert ",H49.1,provider,desk,read-person," in content
    await page.emulate_media(media="print")
    await expect(page.get_by_text("Report on data exchange through the bus")).to_be_visible()
    await expect(page.get_by_role("button", name="Download CSV")).to_be_hidden()
    assert len(await page.pdf(format="A4")) > 1000


async def test_a_period_without_figures_says_so(searched: Searched, console: Console) -> None:
    page = await console.page("auditor", language="vi")
    await page.goto("/console/evidence/reports?since=2020-01&until=2020-02")
    await expect(page.get_by_text("Không có số liệu trong khoảng này")).to_be_visible()


async def test_an_agency_may_not_see_it(console: Console) -> None:
    page = await console.page("agency-admin", language="en")
    await page.goto("/console/evidence")
    await expect(page.get_by_text("You may not see this page")).to_be_visible()


@pytest.mark.long  # `test_every_page.py` looks at these pages too
async def test_it_fits_a_phone(searched: Searched, console: Console) -> None:
    await sent(searched)
    page = await console.page("auditor", theme="dark", width=360)
    for path in ("", "/reports"):
        await page.goto(f"/console/evidence{path}")
        await expect(page.get_by_role("table").first).to_be_visible()
        assert await page.evaluate("document.documentElement.scrollWidth") <= 360, path
        assert await accessibility_faults(page) == [], path
