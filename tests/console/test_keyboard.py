"""Each main task of the console, done by keyboard alone in both languages. Adapters, access, flows, the request for access and the
verification of logs are tried so in the files of their pages."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, expect
from support.console import Console, Officials
from support.form_contract import AGENCY, ANSWER, CONTRACT, NUMBER, officers_grant
from support.form_contract import SERVICE as CARDS
from support.keyboard import press, reach, write
from support.people import new_name
from support.searched import Searched
from support.subscribing import BIRTHS, EVENT, FIELDS, REGISTERS, event_grant
from support.subscribing import PURPOSE as EVENTS_PURPOSE
from support.subscribing import SERVICE as EVENTS_SERVICE
from support.waits import eventually
from support.workbench import CONTRACTS, Workbench

from lgsp_adapters.adapter import Call

HOOK = "https://127.0.0.1:9/hook"
"""Where nobody listens: nothing is delivered here."""


class Desk:
    """A bus with something to do on each page, and the browser of whoever does it without a pointer."""

    def __init__(self, searched: Searched, console: Console, language: str) -> None:
        self.searched, self.bus, self.console, self.language = searched, searched.bus, console, language

    def text(self, vi: str, en: str) -> str:
        """What the console says in the language of this test."""
        return vi if self.language == "vi" else en

    async def open(self, path: str, *roles: str, agency: str = "H49.1") -> Page:
        page = await self.console.page(*roles, agency=agency, language=self.language)
        await page.goto(f"/console/{path}")
        await expect(page.get_by_role("heading", level=1)).to_be_visible()
        return page


async def dialog_of(page: Page) -> Locator:
    """The dialog that has just opened, which holds the focus."""
    dialog = page.get_by_role("dialog")
    await expect(dialog.locator(":focus")).to_have_count(1)
    return dialog


async def choose(page: Page, field: str, option: str) -> None:
    """Choose in a field that searches among its options."""
    await write(page, field, option)
    await expect(page.get_by_role("option").first).to_contain_text(option)
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")


async def try_an_operation(desk: Desk) -> None:
    page = await desk.open("catalogue/desk/v1?show=operation/narrow", "developer")
    body = desk.text("Yêu cầu (JSON)", "Request (JSON)")
    await expect(page.get_by_label(body)).not_to_be_empty()
    await reach(page, body)
    await page.keyboard.press("Control+a")
    await page.keyboard.type(json.dumps({"soDinhDanh": NUMBER}))
    await press(page, desk.text("Gửi thử", "Send"))
    await expect(page.get_by_role("status").filter(has_text="ketQua")).to_be_visible()


async def make_an_endpoint_and_rotate_its_secret(desk: Desk) -> None:
    page = await desk.open("subscriptions/endpoints/new", "developer")
    name, stored = new_name("phim"), desk.text("Đã lưu khóa", "I have stored it")
    await choose(page, desk.text("Hệ thống nhận", "Receiving system"), "alpha")
    await write(page, desk.text("Tên", "Name"), name)
    await write(page, desk.text("Địa chỉ nhận", "URL"), HOOK)
    await press(page, desk.text("Tạo", "Create"), exact=True)
    secret = await (await dialog_of(page)).locator("code").inner_text()
    await press(page, stored)
    await expect(page.get_by_role("heading", name=name)).to_be_visible()
    rotate = desk.text("Tạo khóa mới", "New secret")
    await press(page, rotate)
    await dialog_of(page)
    await page.keyboard.press("Control+a")
    await page.keyboard.type("2")
    await page.keyboard.press("Enter")
    title = desk.text("Khóa ký mới", "The new signing secret")
    shown = page.get_by_role("dialog", name=title, exact=True).locator("code")
    assert await shown.inner_text() not in ("", secret)
    await press(page, stored)
    await expect(page.get_by_role("button", name=rotate)).to_be_focused()


async def pause_and_resume_a_subscription(desk: Desk) -> None:
    made = {"name": new_name("births"), "service": EVENTS_SERVICE, "major": 1, "events": [EVENT]}
    delivery = {"purpose": EVENTS_PURPOSE, "delivery": {"kind": "pull"}}
    got = await desk.bus.ask("POST", "/subscriptions", made | delivery, system="alpha")
    assert got.status == 201, got.body
    page = await desk.open(f"subscriptions/{got.json['id']}", "developer")
    paused, active = desk.text("Tạm dừng", "Paused"), desk.text("Đang giao", "Delivering")
    for step, state in ((desk.text("Tạm dừng", "Pause"), paused), (desk.text("Chạy tiếp", "Resume"), active)):
        await press(page, step, exact=True)
        dialog = await dialog_of(page)
        await page.keyboard.type("bảo trì")
        await page.keyboard.press("Tab")
        await press(page, step, exact=True)
        await expect(dialog).to_have_count(0)
        await expect(page.locator("main").get_by_text(state, exact=True).first).to_be_visible()


async def export_and_print_a_report(desk: Desk) -> None:
    await desk.searched.indexed((await desk.bus.call()).message)

    async def counted() -> bool:
        return bool((await desk.bus.ask("GET", "/ops/statistics", system="operator")).json["items"])

    await eventually(counted)
    page = await desk.open("evidence", "operator")
    await reach(page, desk.text("Bằng chứng", "Evidence"))  # the first tab, beside which the next is
    tab = desk.text("Báo cáo", "Reports")
    await page.get_by_role("tab", selected=True).focus()
    await page.keyboard.press("ArrowRight")
    await expect(page.get_by_role("tab", name=tab)).to_be_focused()
    await page.keyboard.press("Enter")
    export = desk.text("Tải CSV", "Download CSV")
    await expect(page.get_by_role("button", name=export)).to_be_enabled()
    async with page.expect_download() as started:
        await press(page, export)
    assert (await started.value).suggested_filename.endswith(".csv")
    await page.evaluate("window.print = () => { document.body.dataset.printed = 'yes' }")
    await press(page, desk.text("In / lưu PDF", "Print / save PDF"))
    await expect(page.locator("body[data-printed=yes]")).to_have_count(1)


async def end_other_sessions_and_change_the_language(desk: Desk) -> None:
    roles = ("developer", "auditor")  # somebody whose sessions no other task counts
    page = await desk.open("account", *roles)
    signed_in = await desk.console.officials.signed_in(*roles)
    other = await desk.console.page_with(signed_in.token, desk.language)
    await other.goto("/console/account")
    await page.reload()
    await press(page, desk.text("Kết thúc mọi phiên khác", "End all other sessions"))
    await expect(other.get_by_role("dialog")).to_contain_text(desk.text("Phiên", "Your session has ended"))
    languages = page.get_by_role("main").get_by_role("radio")
    await reach(page, "VI" if desk.language == "vi" else "EN", exact=True)
    await page.keyboard.press("ArrowRight" if desk.language == "vi" else "ArrowLeft")
    title = "My account" if desk.language == "vi" else "Tài khoản của tôi"
    await expect(page.get_by_role("heading", name=title, level=1)).to_be_visible()
    assert await languages.count() == 2


async def retry_one_message_and_give_another_up(desk: Desk) -> None:
    bus = desk.bus
    served = next(iter(bus.adapters))  # of the service desk: other tasks take theirs away
    await bus.unserve(served)
    later = {"Lgsp-Purpose": "thu-nghiem", "Prefer": "respond-async"}
    retried, given_up = [(await bus.call("wait", headers=later)).message for _ in range(2)]

    async def dead() -> bool:
        got = await bus.ask("GET", "/dead-letters", system="operator")
        return {one["message"] for one in got.json["items"]} >= {retried, given_up}

    await eventually(dead)
    await bus.serve()
    page = await desk.open(f"messages/{given_up}", "operator", agency="H49.2")  # of another agency than the caller's
    give_up, retry = desk.text("Ngừng giao", "Give up"), desk.text("Gửi lại", "Retry")
    await press(page, desk.text("Bộ kết nối của Thử", "Adapters of Try"))
    await expect(page.get_by_role("row").filter(has_text="provider · ").first).to_be_visible()
    await page.go_back()
    await expect(page.get_by_role("button", name=give_up)).to_be_visible()
    await press(page, give_up)
    await dialog_of(page)
    await page.keyboard.type("Đã hỏi bên cung cấp")
    await page.keyboard.press("Tab")
    await press(page, give_up, exact=True)
    await expect(page.get_by_text(desk.text("Đã ngừng giao.", "It was given up."))).to_be_visible()
    by = desk.text("bởi Nguyễn Văn operator", "by Nguyễn Văn operator")  # an operator may read who it was
    await expect(page.get_by_text(by).first).to_be_visible()
    await page.goto("/console/messages/dead-letters")
    await expect(page.get_by_role("checkbox", name=retried)).to_be_visible()
    await press(page, desk.text(f"Chọn {retried}", f"Select {retried}"), "Space")
    await press(page, desk.text("Gửi lại 1 mục", "Retry the 1"))
    await dialog_of(page)
    await press(page, retry, exact=True)
    await expect(page.get_by_text(desk.text("Đã cho gửi lại 1 mục", "1 will be delivered again"))).to_be_visible()
    await expect(page.get_by_role("checkbox", name=retried)).to_have_count(0)


async def read_what_fails_on_health(desk: Desk) -> None:
    page = await desk.open("messages", "operator")
    await press(page, desk.text("Tình trạng", "Health"))
    await expect(page.get_by_role("heading", name=desk.text("Tình trạng", "Health"), level=1)).to_be_visible()
    await expect(page.get_by_role("region").last.get_by_role("listitem").first).to_be_visible()


async def find_a_form_fill_it_in_and_read_the_answer(desk: Desk) -> None:
    async def check(_: dict[str, object], __: Call) -> dict[str, object]:
        return ANSWER

    served = await desk.bus.serve(CARDS, check_card=check)
    page = await desk.open("forms", "officer", agency=AGENCY)
    await write(page, desk.text("Tìm dịch vụ", "Find a service"), desk.text("thẻ bảo hiểm", "health card"))
    await page.keyboard.press("Enter")
    await expect(page.get_by_label(desk.text("Số định danh", "Personal number")).first).to_be_focused()
    for text in (NUMBER, "Nguyễn Thị Bình", "17051993"):
        await page.keyboard.type(text)
        await page.keyboard.press("Tab")
    await write(page, desk.text("Mục đích", "Purpose"), "giai")
    await write(page, desk.text("Mã hồ sơ", "Dossier number"), "H49.2-261128-0001")
    await page.keyboard.press("Enter")
    answer = page.get_by_role("article")
    await expect(answer.get_by_role("heading", name=desk.text("Kết quả", "Answer"))).to_be_focused()
    await expect(answer).to_contain_text(desk.text("Thẻ hợp lệ", "The card is valid"))
    await desk.bus.unserve(served)


TASKS = (
    try_an_operation,
    make_an_endpoint_and_rotate_its_secret,
    pause_and_resume_a_subscription,
    export_and_print_a_report,
    end_other_sessions_and_change_the_language,
    retry_one_message_and_give_another_up,
    read_what_fails_on_health,
    find_a_form_fill_it_in_and_read_the_answer,
)


@pytest_asyncio.fixture(scope="module")
async def searched(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Searched]:
    folder = tmp_path_factory.mktemp("keyboard")
    contracts = [*CONTRACTS, BIRTHS, REGISTERS, CONTRACT]
    documents = [event_grant("alpha-births", "alpha", FIELDS), officers_grant()]
    bus = await Workbench(folder, contracts=contracts, documents=documents).start("--index", str(folder / "index.db"))
    found = await Searched(bus, folder, str(folder / "index.db")).start()
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


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.__name__)
async def test_by_keyboard_alone(
    searched: Searched, console: Console, task: Callable[[Desk], Awaitable[None]], language: str
) -> None:
    await task(Desk(searched, console, language))
