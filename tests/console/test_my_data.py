"""A citizen sees in a browser who read their data, objects, and reads what the agency answers in its console."""

import re
import secrets
from collections.abc import AsyncIterator
from typing import Literal

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect
from support.accessibility import accessibility_faults
from support.citizens import Citizens
from support.console import Console, Officials
from support.issuer import CLAIM
from support.keyboard import write

HOSTILE = '"><img src=x onerror=alert(1)> \u202e không phải tôi'
FIRST = "Chúng tôi đã nhận và đang kiểm tra."
ANSWER = "Chúng tôi đã tra nhầm và xin lỗi."


@pytest_asyncio.fixture(scope="module")
async def citizens(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Citizens]:
    started = await Citizens.start(tmp_path_factory.mktemp("my-data"))
    yield started
    await started.stop()


@pytest_asyncio.fixture
async def console(browser: Browser, citizens: Citizens) -> AsyncIterator[Console]:
    opened = Console(browser, Officials(citizens.bus))
    yield opened
    await opened.close()


def new_number() -> str:
    """The number of a citizen of whom the bus has no requests, however often a test is tried on it."""
    return f"022093{secrets.randbelow(1_000_000):06}"


async def sign_in(page: Page, citizens: Citizens, number: str, button: str = "Đăng nhập bằng") -> None:
    citizens.issuer.claims = {CLAIM: number}
    await page.goto("/my-data")
    await page.get_by_role("link", name=button).click()


async def is_well_made(page: Page) -> None:
    """Nothing that axe knows is wrong, and the page does not scroll sideways."""
    assert await accessibility_faults(page) == []
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def press_until_focused(page: Page, role: Literal["button", "link"], name: str, *, back: bool = False) -> None:
    """Go to something by the Tab key alone, within a dialog where one is open."""
    wanted = page.get_by_role(role, name=name).last
    await expect(wanted).to_be_visible()
    for _ in range(25):
        if await wanted.evaluate("element => element === document.activeElement"):
            return
        await page.keyboard.press("Shift+Tab" if back else "Tab")
    raise AssertionError(f"Tab does not reach {name}")


async def enter(page: Page, role: Literal["button", "link"], name: str, *, back: bool = False) -> None:
    """Go to something by the Tab key alone, and press Enter on it."""
    await press_until_focused(page, role, name, back=back)
    await page.keyboard.press("Enter")


async def send_after_confirming(page: Page, button: str) -> None:
    """Press a button, and the one of the same name in the dialog that it opens."""
    await enter(page, "button", button)
    dialog = page.get_by_role("dialog")
    await expect(dialog.locator(":focus")).to_have_count(1)
    await enter(page, "button", button)
    await expect(dialog).to_have_count(0)


async def test_a_citizen_objects_and_the_agency_answers_by_keyboard_alone(console: Console, citizens: Citizens) -> None:
    number = new_number()
    await citizens.read_about(number)
    page = await console.page_with(width=360, height=740)
    await page.goto("/my-data")
    await is_well_made(page)
    citizens.issuer.claims = {CLAIM: number}
    await enter(page, "link", "Đăng nhập bằng")
    await enter(page, "button", "Phản đối hoặc hỏi")
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_role("radio", checked=True)).to_have_count(0)  # nobody objects by not choosing
    await dialog.get_by_label("Nội dung").focus()
    await page.keyboard.insert_text(HOSTILE)
    await enter(page, "button", "Gửi yêu cầu")
    await expect(dialog.get_by_text("Hãy chọn.")).to_be_visible()
    await dialog.get_by_role("radio", name="Phản đối").press("Space")
    await is_well_made(page)
    await enter(page, "button", "Gửi yêu cầu")
    await expect(dialog.get_by_role("status")).to_contain_text("Số yêu cầu của bạn là")
    await enter(page, "button", "Đóng")
    await enter(page, "link", "Yêu cầu của tôi", back=True)
    await expect(page.get_by_text(re.compile(r"Chờ trả lời đến hết ngày \S+ \(còn \d+ ngày\)"))).to_be_visible()
    await expect(page.get_by_text("Cơ quan phải báo đã tiếp nhận chậm nhất ngày")).to_be_visible()
    await expect(page.get_by_text(f"Số định danh …{number[-3:]}")).to_be_visible()
    await expect(page.get_by_text(HOSTILE)).to_be_visible()

    office = await console.page("agency-admin", language="en")
    await office.goto("/console/requests")
    await enter(office, "link", "Objection")
    await expect(office.get_by_text(HOSTILE)).to_be_visible()
    await is_well_made(office)
    await write(office, "First reply", FIRST)
    await send_after_confirming(office, "Send the first reply")
    await expect(office.get_by_text(re.compile("First reply by "))).to_be_visible()
    await expect(office.get_by_label("First reply")).to_have_count(0)
    await write(office, "Your answer", ANSWER)
    await send_after_confirming(office, "Send the answer")
    await expect(office.get_by_text("Answered", exact=True)).to_be_visible()

    await page.reload()
    await expect(page.get_by_text(ANSWER)).to_be_visible()
    await expect(page.get_by_text(FIRST)).to_be_visible()
    await is_well_made(page)
    await enter(page, "button", "Đăng xuất")
    await expect(page.get_by_role("link", name="Đăng nhập bằng")).to_be_visible()


async def test_an_ended_session_loses_nothing_that_was_typed(console: Console, citizens: Citizens) -> None:
    number = new_number()
    await citizens.read_about(number)
    page = await console.page_with(language="en", theme="dark")
    await sign_in(page, citizens, number, "Sign in with")
    await page.get_by_role("button", name="Object or ask").click()
    await page.get_by_role("radio", name="Ask about this").check()
    words = page.get_by_label("Your words")
    await words.fill("Why was this read?")
    await page.context.clear_cookies()
    await page.get_by_role("button", name="Send the request").click()
    async with page.context.expect_page() as opened:
        await page.get_by_role("link", name="Sign in again in a new tab").click()
    other = await opened.value
    await expect(other.get_by_role("button", name="Object or ask")).to_be_visible()
    await expect(words).to_have_value("Why was this read?")
    await page.get_by_role("button", name="Send the request").click()
    await expect(page.get_by_role("status")).to_contain_text("has to answer by the end of")
    await is_well_made(page)


async def test_a_filter_stands_in_the_address(console: Console, citizens: Citizens) -> None:
    number = new_number()
    await citizens.read_about(number)
    page = await console.page_with(language="en", theme="dark", width=360)
    await sign_in(page, citizens, number, "Sign in with")
    await expect(page.get_by_role("button", name="Object or ask")).to_be_visible()
    await page.get_by_text("Filter", exact=True).click()
    await is_well_made(page)
    await page.get_by_label("From").fill("2999-01-01")
    await expect(page.get_by_text("Nothing matches the filter")).to_be_visible()
    await page.reload()
    await expect(page.get_by_text("Nothing matches the filter")).to_be_visible()
    await page.get_by_role("button", name="Clear the filter").click()
    await expect(page.get_by_role("button", name="Object or ask")).to_be_visible()


async def test_deadlines_in_both_themes_at_360_pixels_by_keyboard_alone(console: Console, citizens: Citizens) -> None:
    """Overdue is said in words and in red; a request that cannot be read is named; the list is answered without a mouse."""
    number = "022093000004"
    message = await citizens.read_about(number)
    page = await console.page_with(width=360, height=740, theme="dark", language="en")
    await page.goto("/my-data")
    citizens.issuer.claims = {CLAIM: number}
    await press_until_focused(page, "link", "Sign in with")
    await page.keyboard.press("Enter")
    await press_until_focused(page, "button", "Object or ask")
    await page.keyboard.press("Enter")
    await page.get_by_role("dialog").get_by_role("radio", name="Object").press("Space")
    await page.keyboard.press("Tab")
    await expect(page.get_by_label("Your words")).to_be_focused()
    await page.keyboard.type("I never sent this.")
    await press_until_focused(page, "button", "Send the request")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("status")).to_contain_text("has the number")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("button", name="Object or ask")).to_be_focused()

    [sent] = [one for one in (await citizens.agency("GET")).json["items"] if one["entry"]["message"] == message]
    sent = (await citizens.agency("GET", f"/{sent['number']}")).json
    overdue = await citizens.store_request(number, sent, "20260101-overdueaaa", days=-4)
    await citizens.damage_request(await citizens.store_request(number, sent, "20260102-damagedaaa", days=-3))
    await press_until_focused(page, "link", "My requests", back=True)
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Should have been answered by")).to_have_css("color", "rgb(255, 168, 168)")
    await expect(page.get_by_text("cannot be read for now")).to_be_visible()
    await is_well_made(page)

    for theme, language in (("dark", "en"), ("light", "vi")):
        office = await console.page("agency-admin", width=360, theme=theme, language=language)
        await office.goto("/console/requests")
        await expect(
            office.get_by_text(re.compile("Days overdue: 4" if language == "en" else "Quá hạn 4 ngày")).first
        ).to_be_visible()
        await expect(office.get_by_role("alert")).to_contain_text("20260102-damagedaaa")
        await is_well_made(office)
    first = office.get_by_role("main").get_by_role("link").first
    await expect(first).to_contain_text(overdue)  # the most urgent one
    await first.focus()
    await office.keyboard.press("Enter")
    answer = office.get_by_label("Câu trả lời")
    await expect(answer).to_be_visible()
    await is_well_made(office)
    await answer.focus()
    await office.keyboard.type("Đã xóa.")
    await office.keyboard.press("Tab")
    await office.keyboard.press("Enter")
    dialog = office.get_by_role("dialog")
    await expect(dialog.locator(":focus")).to_have_count(1)
    await is_well_made(office)
    await press_until_focused(office, "button", "Gửi câu trả lời")
    await office.keyboard.press("Enter")
    await expect(office.get_by_text("Đã trả lời")).to_be_visible()


async def test_whom_the_page_of_requests_is_not_for(console: Console) -> None:
    page = await console.page("developer")
    await page.goto("/console/requests")
    await expect(page.get_by_text("Bạn chưa có quyền xem trang này")).to_be_visible()
