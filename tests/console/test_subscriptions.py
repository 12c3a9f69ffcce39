"""The receiver's portal: an endpoint is made, tested and given a new secret; a subscription is made, replayed and paused."""

import datetime
import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import Browser, Page, expect
from standardwebhooks import Webhook
from support.accessibility import accessibility_faults
from support.console import Console, Officials
from support.people import new_name
from support.subscribing import BIRTHS, EVENT, FIELDS, REGISTERS, Subscribing, event_grant
from support.waits import eventually
from support.workbench import CONTRACTS, Workbench

HOSTILE = '"><img src=x onerror=alert(1)>\u202e'


class Receiver:
    """A program that receives webhooks, and keeps what came."""

    def __init__(self) -> None:
        self.received: list[tuple[dict[str, str], bytes]] = []

    async def start(self) -> None:
        app = web.Application()
        app.router.add_post("/hook", self._receive)
        self.runner = web.AppRunner(app)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self.runner.addresses[0][1]}/hook"

    async def _receive(self, request: web.Request) -> web.Response:
        self.received.append((dict(request.headers), await request.read()))
        return web.Response(status=204)


class Portal:
    """A bus on which alpha may receive births, its receiver, and a browser."""

    def __init__(self, publisher: Subscribing, receiver: Receiver, console: Console) -> None:
        self.publisher = publisher
        self.receiver = receiver
        self.console = console

    async def endpoint(self, page: Page, name: str) -> str:
        """Make an endpoint in the browser, in Vietnamese; return its secret."""
        await page.goto("/console/subscriptions/endpoints/new")
        await page.get_by_role("combobox", name="Hệ thống nhận").click()
        await page.get_by_role("option", name="(alpha)").click()
        await page.get_by_label("Tên").fill(name)
        await page.get_by_label("Địa chỉ nhận").fill(self.receiver.url)
        await page.get_by_role("button", name="Tạo", exact=True).click()
        dialog = page.get_by_role("dialog")
        secret = await dialog.locator("code").inner_text()
        await dialog.get_by_role("button", name="Đã lưu khóa").click()
        await expect(page.get_by_role("heading", name=name)).to_be_visible()
        return secret


@pytest_asyncio.fixture(scope="module")
async def publisher(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Subscribing]:
    documents = [event_grant("alpha-births", "alpha", FIELDS)]
    folder = tmp_path_factory.mktemp("receive")
    bench = Workbench(folder, contracts=[*CONTRACTS, BIRTHS, REGISTERS], documents=documents)
    started = await Subscribing(await bench.start()).start()
    yield started
    await started.stop()


@pytest_asyncio.fixture(scope="module")
async def people(publisher: Subscribing) -> Officials:
    return Officials(publisher.bus)


@pytest_asyncio.fixture
async def portal(publisher: Subscribing, people: Officials, browser: Browser) -> AsyncIterator[Portal]:
    receiver, console = Receiver(), Console(browser, people)
    await receiver.start()
    yield Portal(publisher, receiver, console)
    await console.close()
    await receiver.runner.cleanup()


async def gives_the_focus_back(page: Page, button: str) -> None:
    """A dialog that a button opens holds the focus, and gives it back when Escape closes it."""
    opener = page.get_by_role("button", name=button)
    await opener.focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog").locator(":focus")).to_have_count(1)
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(opener).to_be_focused()


async def test_an_endpoint_is_made_tested_and_given_a_new_secret(portal: Portal) -> None:
    page = await portal.console.page("developer")
    secret = await portal.endpoint(page, new_name("nhan-mot"))
    assert secret.startswith("whsec_")
    assert await page.get_by_text(secret).count() == 0  # it was shown once
    await page.get_by_role("button", name="Gửi sự kiện thử").click()
    await expect(page.get_by_text(re.compile(r"Đã đến nơi \(204"))).to_be_visible()
    [(headers, body)] = portal.receiver.received
    Webhook(secret).verify(body, headers)
    await expect(page.get_by_role("row").filter(has_text="Đã nhận · HTTP 204")).to_be_visible()

    await page.get_by_role("button", name="Tạo khóa mới").focus()
    await page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_label("Khóa cũ còn hiệu lực")).to_be_focused()
    await page.keyboard.press("Control+a")
    await page.keyboard.type("2")
    await page.keyboard.press("Enter")
    rotated = await page.get_by_role("dialog", name="Khóa ký mới", exact=True).locator("code").inner_text()
    assert rotated not in ("", secret)
    await expect(page.get_by_role("button", name="Đã lưu khóa")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Tạo khóa mới")).to_be_focused()
    await expect(page.get_by_text("Ký kèm đến")).to_be_visible()
    await gives_the_focus_back(page, "Đổi địa chỉ")
    await page.get_by_role("button", name="Gửi sự kiện thử").click()
    await eventually(lambda: len(portal.receiver.received) == 2)
    for one in (secret, rotated):  # both sign while they overlap
        Webhook(one).verify(portal.receiver.received[1][1], portal.receiver.received[1][0])
    await page.get_by_role("button", name="Bỏ ngay").click()
    await expect(page.get_by_text("Ký kèm đến")).to_have_count(0)


async def test_a_subscription_is_made_replayed_and_paused(portal: Portal) -> None:
    page, endpoint = await portal.console.page("developer", language="en"), new_name("receive-two")
    await page.goto("/console/subscriptions/endpoints/new")
    await page.get_by_role("combobox", name="Receiving system").click()
    await page.get_by_role("option", name="(alpha)").click()
    await page.get_by_label("Name").fill(endpoint)
    await page.get_by_label("URL").fill(portal.receiver.url)
    await page.get_by_role("button", name="Create").click()
    await page.get_by_role("button", name="I have stored it").click()

    await page.get_by_role("link", name="Subscriptions", exact=True).last.click()
    await page.get_by_role("link", name="Subscribe to events").click()
    await page.get_by_role("combobox", name="Receiving system").click()
    await page.get_by_role("option", name="(alpha)").click()
    await page.get_by_role("combobox", name="Grant on events").click()
    await page.get_by_role("option", name=re.compile("alpha-births")).click()
    await page.get_by_label(EVENT).check()
    await page.get_by_role("button", name="Continue").click()
    await page.get_by_label("Name").fill(HOSTILE)
    await page.get_by_role("combobox", name="Send to the endpoint").click()
    await page.get_by_role("option", name=re.compile(endpoint)).click()
    await page.get_by_label("Filter").fill("tinh ==")
    await page.get_by_role("button", name="Create").click()
    await expect(page.get_by_role("alert")).to_be_visible()  # what is wrong; what was typed stays
    await expect(page.get_by_label("Name")).to_have_value(HOSTILE)
    await page.get_by_label("Filter").fill("tinh == '22'")
    await page.get_by_role("button", name="Create").click()
    await expect(page.get_by_role("heading", name=HOSTILE)).to_be_visible()
    assert await page.locator("img[src=x]").count() == 0

    for _ in range(3):
        await portal.publisher.publish()
    await eventually(lambda: len(portal.receiver.received) == 3)
    await gives_the_focus_back(page, "Replay")
    await page.get_by_role("button", name="Replay").click()
    dialog = page.get_by_role("dialog")
    soon = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=7, minutes=5)
    await dialog.get_by_label("Until").fill(f"{soon:%Y-%m-%dT%H:%M:%S}")
    await expect(
        dialog.get_by_text(re.compile("[1-9][0-9]* events of this time will be delivered again"))
    ).to_be_visible()
    await dialog.get_by_role("button", name="Replay").click()
    await expect(page.get_by_text("3 events are delivered again")).to_be_visible()
    await eventually(lambda: len(portal.receiver.received) == 6)
    await expect(page.get_by_role("dialog")).to_have_count(0)

    await page.get_by_role("button", name="Pause").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog").get_by_role("textbox")).to_be_focused()
    await page.keyboard.type("maintenance")
    await page.get_by_role("dialog").get_by_role("button", name="Pause").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Paused", exact=True).first).to_be_visible()
    await expect(page.get_by_text(re.compile("Stopped by person/.*maintenance"))).to_be_visible()
    await page.get_by_role("button", name="Resume").click()
    await page.get_by_role("dialog").get_by_role("button", name="Resume").click()
    await expect(page.get_by_text("Delivering", exact=True)).to_be_visible()


async def test_an_adapter_receives_and_a_long_list_is_read_to_its_end(portal: Portal) -> None:
    page = await portal.console.page("developer")
    await page.goto("/console/subscriptions/new")
    await page.get_by_role("combobox", name="Hệ thống nhận").click()
    await page.get_by_role("option", name="(alpha)").click()
    await page.get_by_role("combobox", name="Quyền khai thác sự kiện").click()
    await page.get_by_role("option", name=re.compile("alpha-births")).click()
    await page.get_by_label(EVENT).check()
    await page.get_by_role("button", name="Tiếp tục").click()
    await page.get_by_label("Tên").fill("vao-so")
    await page.get_by_role("combobox", name="Cách nhận").click()
    await page.get_by_role("option", name="Gọi một thao tác của hệ thống").click()
    await page.get_by_role("combobox", name="Gọi thao tác").click()
    await expect(page.get_by_role("option", name=re.compile("births"))).to_have_count(0)  # another system answers it
    await page.get_by_role("option", name=re.compile("registers v1.receive-once")).click()
    await page.get_by_role("button", name="Tạo", exact=True).click()
    await expect(page.get_by_role("alert")).to_contain_text("có thể làm hai lần")
    await page.get_by_role("combobox", name="Gọi thao tác").click()
    await page.get_by_role("option", name=re.compile(r"registers v1.receive\)")).click()
    await page.get_by_role("button", name="Tạo", exact=True).click()
    await expect(page.get_by_role("heading", name="vao-so")).to_be_visible()
    await expect(page.get_by_text("registers v1/receive")).to_be_visible()

    many = {"delivery": {"kind": "sse"}}
    made = [await portal.publisher.subscribe(name=f"dai-{number}", **many) for number in range(50)]
    await page.goto("/console/subscriptions")
    await expect(page.get_by_role("link", name="dai-0", exact=True)).to_be_visible()
    await expect(page.get_by_role("link", name="dai-49", exact=True)).to_have_count(0)
    await page.get_by_role("button", name="Xem thêm").click()
    await expect(page.get_by_role("link", name="dai-49", exact=True)).to_be_visible()
    await expect(page.get_by_role("button", name="Xem thêm")).to_have_count(0)
    for one in made:
        assert (await portal.publisher.ask("DELETE", f"/{one['id']}")).status == 204


async def test_an_operator_pauses_alone_and_an_old_sign_in_redirects_nothing(portal: Portal) -> None:
    page = await portal.console.page("developer")
    await portal.endpoint(page, new_name("nhan-ba"))
    address = page.url
    operator = await portal.console.page("operator", language="en")
    await operator.goto(address)
    await expect(operator.get_by_role("button", name="Pause")).to_be_visible()
    for name in ("New secret", "Change the URL", "Delete"):
        await expect(operator.get_by_role("button", name=name)).to_have_count(0)
    await operator.get_by_role("button", name="Pause").click()
    await operator.get_by_role("dialog").get_by_role("textbox").fill("it floods")
    await operator.get_by_role("dialog").get_by_role("button", name="Pause").click()
    await expect(operator.get_by_text("Paused", exact=True).first).to_be_visible()

    signed_in = await portal.console.officials.signed_in("developer")
    old = await portal.console.page_with(
        await portal.console.officials.begin_session(signed_in.person, seconds=600), language="en"
    )
    await old.goto(address)
    await expect(old.get_by_text("only an operator resumes it")).to_be_visible()
    await old.get_by_role("button", name="Change the URL").click()
    dialog = old.get_by_role("dialog")
    await dialog.get_by_label("URL").fill("https://elsewhere.example/hook")
    await dialog.get_by_role("button", name="Save").click()
    await expect(dialog.get_by_text("Sign in again in a new tab")).to_be_visible()
    await expect(dialog.get_by_label("URL")).to_have_value("https://elsewhere.example/hook")
    await old.reload()
    await expect(old.get_by_text(portal.receiver.url)).to_be_visible()


@pytest.mark.long  # `test_every_page.py` looks at these pages too
async def test_axe_finds_nothing_and_nothing_overflows(portal: Portal) -> None:
    page = await portal.console.page("developer", width=360, theme="dark")
    await portal.endpoint(page, new_name("nhan-bon"))
    for path in ("", "/new", "/endpoints", "/endpoints/new"):
        await page.goto(f"/console/subscriptions{path}")
        await expect(page.get_by_role("heading", level=1)).to_be_visible()
        await expect(page.get_by_role("status")).to_have_count(0)
        assert not await accessibility_faults(page), path
        assert await page.evaluate("document.documentElement.scrollWidth") <= 360, path


_NEXT_DIALOG = """async ([opened, next, pause]) => {
  const press = (name) => [...document.querySelectorAll("button")].filter((one) => one.textContent === name).at(-1).click();
  press(opened);
  await new Promise((resolve) => setTimeout(resolve, 400));
  press("Hủy");
  if (pause) await new Promise((resolve) => setTimeout(resolve, pause));
  press(next);
}"""


async def test_a_dialog_that_closes_makes_room_for_the_next_one(portal: Portal) -> None:
    page = await portal.console.page("developer")
    await portal.endpoint(page, new_name("hop-thoai"))
    await expect(page.get_by_role("button", name="Tạo khóa mới")).to_be_visible()
    for pause in (0, 5, 20, 90, 150, 195):
        for opened, following in (("Tạo khóa mới", "Tạm dừng"), ("Tạm dừng", "Tạo khóa mới"), ("Xóa", "Tạm dừng")):
            await page.evaluate(_NEXT_DIALOG, [opened, following, pause])
            title = {"Tạo khóa mới": "Tạo khóa ký mới"}.get(following, following)
            await expect(page.get_by_role("dialog", name=title)).to_be_visible()
            await expect(page.get_by_role("dialog")).to_have_count(1)
            await page.get_by_role("dialog").get_by_role("button", name="Hủy").click()
            await expect(page.get_by_role("dialog")).to_have_count(0)
            await expect(page.locator("body[data-scroll-locked]")).to_have_count(0)
