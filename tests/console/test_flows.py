"""The page Flows: an operator sees which flow is unwell and reaches its messages; live, by keyboard, in both languages, at every width."""

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, expect
from support.accessibility import accessibility_faults
from support.console import Console, Officials
from support.searched import Searched
from support.workbench import Workbench, document, grant

from lgsp_adapters.adapter import Call, UpstreamFailed

HOSTILE = '"><img src=x onerror=alert(1)>\u202eOS'
LONG = "Trung tâm " * 30
SYSTEMS = [
    document("Agency", "H49.3", title={"vi": HOSTILE, "en": HOSTILE}),
    document("System", "hostile", agency="H49.3", title={"vi": HOSTILE, "en": HOSTILE}),
    document("System", "long", agency="H49.3", title={"vi": LONG, "en": LONG}),
    grant("hostile-desk", "hostile", read=["*"]),
    grant("long-desk", "long", read=["*"]),
]


@pytest_asyncio.fixture(scope="module")
async def searched(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Searched]:
    """A bus with flows that are well, one that fails and one that is refused, all in its index."""
    folder = tmp_path_factory.mktemp("flows")
    index = str(folder / "index.db")
    bus = await Workbench(folder, documents=SYSTEMS).start("--index", index)
    found = Searched(bus, folder, index)
    await found.indexer.start()

    async def fail(request: dict[str, Any], call: Call) -> dict[str, Any]:
        raise UpstreamFailed("unreachable", "GET so.example.vn/so: refused")

    await bus.serve(read=fail)
    for _ in range(4):
        await bus.call()
        await bus.call("read", system="hostile")
        await bus.call("read", system="long")
    await bus.call(system="gamma")
    last = await bus.call("read-person", system="beta")
    await found.indexed(last.message)
    yield found
    await found.stop()


@pytest_asyncio.fixture(scope="module")
async def people(searched: Searched) -> Officials:
    return Officials(searched.bus)


@pytest_asyncio.fixture
async def console(browser: Browser, people: Officials) -> AsyncIterator[Console]:
    opened = Console(browser, people)
    yield opened
    await opened.close()


def rows(page: Page) -> Locator:
    """The rows of the table of flows, without its head."""
    return page.get_by_role("table", name=re.compile("Các luồng|Flows as a table")).locator("tbody").get_by_role("row")


def bands(page: Page) -> Locator:
    return page.get_by_role("navigation", name=re.compile("Bức tranh|Picture")).get_by_role("link")


async def opened(page: Page, query: str = "window=1h") -> Page:
    await page.goto(f"/console/flows?{query}")
    await expect(bands(page).first).to_be_attached()
    return page


@pytest.mark.parametrize(
    ("language", "state", "unwell"),
    [("vi", "Đang lỗi", "Chỉ luồng có vấn đề"), ("en", "Failing", "Only what is unwell")],
)
async def test_an_operator_sees_what_fails_and_reaches_its_messages(
    console: Console, language: str, state: str, unwell: str
) -> None:
    page = await opened(await console.page("operator", language=language))
    await page.get_by_label(unwell).check()
    await expect(page).to_have_url(re.compile("unwell=true"))
    await rows(page).filter(has_text=state).first.get_by_role("link").click()
    await expect(page).to_have_url(re.compile(r"/console/messages\?.*service=desk.*failed=true"))
    await page.go_back()
    await expect(page.get_by_label(unwell)).to_be_checked()


async def test_a_provider_reaches_the_messages_that_others_sent_it(console: Console) -> None:
    page = await console.page("agency-admin", agency="H49.1", language="en")
    await opened(page, "window=1h&group=service&search=hostile")
    await rows(page).first.get_by_role("link").click()
    await expect(page).to_have_url(re.compile("consumer=hostile.*side=provider"))
    await expect(page.locator("[data-row]")).to_have_count(4)


async def test_by_keyboard_alone_a_band_is_reached_and_opened(console: Console) -> None:
    page = await opened(await console.page("operator"))
    first = bands(page).and_(page.locator('[tabindex="0"]'))
    await first.focus()
    before = await first.get_attribute("aria-label")
    await page.keyboard.press("ArrowDown")
    focused = page.locator("nav a:focus")
    after = await focused.get_attribute("aria-label")
    assert before is not None
    assert after not in (None, before)
    address = await focused.get_attribute("href")
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(f"{console.url}{address}")
    assert address
    assert "since=" in address


async def test_the_page_follows_the_traffic_and_can_be_held(searched: Searched, console: Console) -> None:
    page = await opened(await console.page("operator"), "window=1h&search=gamma")
    calls = rows(page).get_by_role("cell").nth(6)
    before = int(await calls.inner_text())
    await searched.bus.call(system="gamma")
    await expect(calls).to_have_text(str(before + 1))
    await page.get_by_role("button", name="Tạm dừng").click()
    await expect(page.get_by_text("Đang tạm dừng")).to_be_visible()
    await searched.indexed((await searched.bus.call(system="gamma")).message)
    await expect(calls).to_have_text(str(before + 1))
    await page.get_by_role("button", name="Tiếp tục").click()
    await expect(calls).to_have_text(str(before + 2))


async def test_after_a_lost_connection_the_page_is_right_again(searched: Searched, console: Console) -> None:
    page = await opened(await console.page("operator"), "window=1h&search=gamma")
    calls = rows(page).get_by_role("cell").nth(6)
    before = int(await calls.inner_text())
    await searched.bus.gateway.stop()
    await expect(page.get_by_text("Mất kết nối từ")).to_be_visible()
    await expect(calls).to_have_text(str(before))
    await searched.bus.gateway.start()
    await searched.bus.call(system="gamma")
    await expect(page.get_by_text("Mất kết nối từ")).to_be_hidden()
    await expect(calls).to_have_text(str(before + 1))


@pytest.mark.long  # `test_every_page.py` looks at these pages too
@pytest.mark.parametrize(("theme", "width"), [("light", 1440), ("dark", 360)])
async def test_axe_finds_nothing_and_hostile_titles_stay_text(console: Console, theme: str, width: int) -> None:
    page = await console.page("auditor", theme=theme, width=width)
    await page.goto("/console/flows?window=1h")
    await expect(page.get_by_text(HOSTILE).first).to_be_visible()
    assert await accessibility_faults(page) == []
    assert await page.locator("img[src=x]").count() == 0
    wider = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wider <= 0, "the page scrolls sideways"


async def test_a_wall_screen_shows_the_picture_alone_and_escape_leaves_it(console: Console) -> None:
    page = await opened(await console.page("operator", language="en"))
    await page.get_by_role("button", name="Wall screen").click()
    await expect(page).to_have_url(re.compile("wall=true"))
    await expect(page.get_by_label("Only what is unwell")).to_be_hidden()
    await expect(bands(page).first).to_be_attached()
    await page.keyboard.press("Escape")
    await expect(page.get_by_label("Only what is unwell")).to_be_visible()


async def test_agencies_lead_to_their_systems_and_others_see_nothing(console: Console) -> None:
    page = await opened(await console.page("operator"), "window=1h&group=agency")
    await rows(page).first.get_by_role("link").click()
    await expect(page).to_have_url(re.compile("group=service.*agency=H49"))
    await expect(bands(page).first).to_be_attached()
    foreign = await console.page("agency-admin", agency="H49.2")
    await foreign.goto("/console/flows?window=1h")
    await expect(foreign.get_by_role("heading", name="Chưa có luồng dữ liệu nào")).to_be_visible()
    developer = await console.page("developer")
    await developer.goto("/console/flows")
    await expect(developer.get_by_role("heading", name="Bạn chưa có quyền xem trang này")).to_be_visible()
