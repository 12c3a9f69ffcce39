"""The page Adapters: an instance is found, drained with a reason and resumed by keyboard alone, and what went wrong is in words."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect
from support.accessibility import accessibility_faults
from support.console import Console
from support.keyboard import press
from support.workbench import TEXT, Workbench

from lgsp_adapters.adapter import Call, UpstreamFailed
from lgsp_adapters.host.instance import Instance

HOSTILE = '"><img src=x onerror=alert(1)>\u202e' + "x" * 9_000


@pytest_asyncio.fixture
async def instance(console_bus: Workbench) -> AsyncIterator[Instance]:
    made = Instance(host="may-1")
    served = await console_bus.serve(instance=made)
    yield made
    await console_bus.unserve(served)


async def opened(page: Page, instance: Instance) -> Page:
    await page.goto(f"/console/adapters/provider.{instance.id}")
    await expect(page.get_by_role("heading", level=1)).to_contain_text("desk 1.0.0")
    return page


async def press_until(page: Page, name: str, key: str = "Tab") -> None:
    """Move the focus until it is on the element with this name."""
    for _ in range(80):
        focused = await page.evaluate("document.activeElement?.textContent?.trim() ?? ''")
        if focused == name:
            return
        await page.keyboard.press(key)
    raise AssertionError(f"the focus does not come to {name}")


@pytest.mark.parametrize(
    ("language", "drain", "resume", "drained", "serving"),
    [
        ("vi", "Tạm dừng", "Tiếp tục", "Đã tạm dừng", "Đang nhận lời gọi"),
        ("en", "Drain", "Resume", "Drained", "Takes calls"),
    ],
)
async def test_an_instance_is_drained_and_resumed_by_keyboard(
    console: Console, instance: Instance, language: str, drain: str, resume: str, drained: str, serving: str
) -> None:
    page = await console.page("operator", language=language)
    await page.goto("/console/adapters")
    row = page.get_by_role("row").filter(has_text=instance.id[:6])
    await expect(row).to_contain_text(serving)
    await page.locator("#main").focus()  # past the account, whose agency is called the same
    await press_until(page, {"vi": "Thử", "en": "Try"}[language])
    await page.keyboard.press("Enter")
    await press_until(page, drain)
    await page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_role("textbox")).to_be_focused()
    await page.keyboard.press("Tab")
    await press_until(page, drain)
    await page.keyboard.press("Enter")  # without a reason, which an operator has to give
    await expect(dialog.get_by_role("alert").filter(has_text=re.compile("lý do|reason"))).to_be_visible()
    await dialog.get_by_role("textbox").focus()
    await page.keyboard.type("Bảo trì máy chủ")
    await press_until(page, drain)
    await page.keyboard.press("Enter")
    await expect(dialog).to_have_count(0)
    # A round of discovery that was under way may tell the state of before once more.
    await expect(page.get_by_text(drained, exact=True).first).to_be_visible()
    assert (await console.bus.call()).code == "no-adapter"
    await expect(page.get_by_role("cell", name="Bảo trì máy chủ").first).to_be_visible()
    await press_until(page, resume)
    await page.keyboard.press("Enter")
    await expect(dialog.get_by_role("textbox")).to_be_focused()
    await page.keyboard.type("Xong")
    await press_until(page, resume)
    await page.keyboard.press("Enter")
    await expect(page.get_by_text(serving, exact=True)).to_be_visible()
    assert (await console.bus.call()).status == 200


async def test_an_agency_sees_its_own_and_drains_without_a_reason(console: Console, instance: Instance) -> None:
    page = await opened(await console.page("integrator", language="en"), instance)
    await page.get_by_role("button", name="Drain").click()
    await expect(page.get_by_text("This is the last instance of the service")).to_be_visible()
    await page.get_by_role("dialog").get_by_role("button", name="Drain").click()
    await expect(page.get_by_text("Drained", exact=True).first).to_be_visible()
    await page.get_by_role("button", name="Resume").click()
    await page.get_by_role("dialog").get_by_role("button", name="Resume").click()
    await expect(page.get_by_text("Takes calls", exact=True)).to_be_visible()
    auditor = await opened(await console.page("auditor", language="en"), instance)
    await expect(auditor.get_by_role("button", name="Drain")).to_have_count(0)
    other = await console.page("integrator", agency="H49.2", language="en")
    await other.goto("/console/adapters")
    await expect(other.get_by_text("No adapter is on the bus")).to_be_visible()


async def test_a_slow_instance_is_marked_beside_the_others_and_sorted_to_the_top(console: Console) -> None:
    async def read(_: dict[str, Any], call: Call) -> dict[str, Any]:
        with call.upstream_time:
            await asyncio.sleep(0.4)
        return {"ketQua": "KHOP"}

    slow, fast = Instance(host="may-cham"), Instance(host="may-nhanh")
    served = [await console.bus.serve(instance=slow, read=read), await console.bus.serve(instance=fast)]
    try:
        await asyncio.gather(*(console.bus.call() for _ in range(20)))
        page = await console.page("operator", language="en")
        await page.goto("/console/adapters")
        rows = page.get_by_role("row")
        marked = rows.filter(has_text=slow.id[:6])
        await expect(marked).to_contain_text(re.compile("Slow.*the other instances: "))
        await expect(rows.filter(has_text=fast.id[:6])).not_to_contain_text("Slow")
        await expect(marked.get_by_role("cell").nth(1)).to_have_text(f"{TEXT['en']}provider · {TEXT['en']}")  # titles
        await expect(marked.get_by_role("link")).to_have_text(TEXT["en"])
        await press(page, "p95")
        await expect(page.get_by_role("columnheader", name="p95")).to_have_attribute("aria-sort", "descending")
        await expect(rows.nth(1)).to_contain_text(slow.id[:6])
        await page.keyboard.press("Enter")
        await expect(rows.last).to_contain_text(slow.id[:6])
        await expect(page).to_have_url(re.compile("sort=p95"))
        await page.reload()  # the address is the state
        await expect(rows.last).to_contain_text(slow.id[:6])
    finally:
        for one in served:
            await console.bus.unserve(one)


async def test_what_went_wrong_is_in_words_and_hostile_text_stays_text(console: Console) -> None:
    async def fail(_: dict[str, Any], __: Call) -> dict[str, Any]:
        raise UpstreamFailed("refused", HOSTILE)

    made = Instance(host=HOSTILE)
    served = await console.bus.serve(instance=made, read=fail)
    try:
        assert (await console.bus.call()).status == 502
        page = await opened(await console.page("operator", width=360), made)
        await expect(page.get_by_text("Hệ thống nguồn lỗi")).to_be_visible()
        await expect(page.get_by_text(re.compile('từ chối yêu cầu: "><img'))).to_be_visible()
        assert await page.locator("img[src=x]").count() == 0
        assert await page.evaluate("document.documentElement.scrollWidth") <= 360
        await page.goto("/console/adapters?unwell=1")
        await expect(page.get_by_role("row").filter(has_text=made.id[:6])).to_be_visible()
    finally:
        await console.bus.unserve(served)


async def test_axe_finds_nothing_in_the_dialog(console: Console, instance: Instance) -> None:
    page = await opened(await console.page("operator", theme="dark"), instance)
    await page.emulate_media(reduced_motion="reduce")
    await page.get_by_role("button", name="Tạm dừng").click()
    await expect(page.get_by_role("dialog").get_by_role("textbox")).to_be_focused()
    assert not await accessibility_faults(page)
