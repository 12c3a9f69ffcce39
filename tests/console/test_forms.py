"""Officers find a form, fill it in, read and print the answer; what they typed is not lost, and not kept."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect
from support.accessibility import accessibility_faults
from support.console import Console
from support.form_contract import AGENCY, ANSWER, NUMBER, SERVICE
from support.people import new_name
from support.workbench import Workbench

from lgsp_adapters.adapter import Call

DOSSIER = "H49.2-261128-0001"
HOSTILE = '"><img src=x onerror=alert(1)>\u202etxt.exe' + "x" * 10_000


class Provider:
    """The system behind the form: what it was asked, and what it answers."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.answer: dict[str, Any] = ANSWER

    async def check(self, request: dict[str, Any], call: Call) -> dict[str, Any]:
        self.asked.append(request)
        return self.answer


@pytest_asyncio.fixture
async def provider(console_bus: Workbench) -> AsyncIterator[Provider]:
    made = Provider()
    served = await console_bus.serve(SERVICE, check_card=made.check)
    yield made
    await console_bus.unserve(served)


async def officer(console: Console, language: str, path: str = "/console/", who: str = "a", **more: Any) -> Page:
    page = await console.page("officer", agency=AGENCY, who=who, language=language, **more)
    await page.goto(path)
    return page


async def accessible(page: Page) -> None:
    """Axe finds nothing on the page as it is now."""
    assert not await accessibility_faults(page)


FORM = f"/console/forms/{SERVICE}/v1/check-card"


async def test_an_officer_checks_a_card_by_keyboard_alone(
    console: Console, console_bus: Workbench, provider: Provider
) -> None:
    page = await officer(console, "vi")
    search = page.get_by_label("Tìm dịch vụ")
    await expect(search).to_be_visible()
    await expect(page.get_by_placeholder("Mã thông điệp")).to_have_count(0)  # messages are not for officers
    await expect(search).to_be_focused()  # the first page of an officer
    await accessible(page)
    keys = page.keyboard
    await keys.type("kiem tra the")
    await keys.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Kiểm tra thẻ bảo hiểm y tế")

    await expect(page.get_by_label("Số định danh cá nhân")).to_be_focused()
    for text in (NUMBER, "Nguyễn Thị Bình", "17051993", "N"):  # the last chooses among the codes
        await keys.type(text)
        await keys.press("Tab")
    await keys.type("4/2018")
    await expect(page.get_by_label("Ngày sinh")).to_have_value("17/05/1993")
    await accessible(page)
    await page.get_by_label("Mục đích").focus()
    await keys.type("giai")
    await keys.press("Tab")
    await keys.type(DOSSIER)
    await keys.press("Enter")

    answer = page.get_by_role("article")
    await expect(answer.get_by_role("heading", name="Kết quả")).to_be_focused()
    assert provider.asked == [
        {
            "soDinhDanh": NUMBER,
            "hoVaTen": "Nguyễn Thị Bình",
            "ngaySinh": "1993-05-17",
            "gioiTinh": "NAM",
            "tuThang": "2018-04",
            "nguoiThan": [],
        }
    ]
    for shown in ("Thẻ hợp lệ", "31/12/2026", "Nữ", "04/2018", "Than Cẩm Phả", DOSSIER, "Dữ liệu cá nhân"):
        await expect(answer.get_by_text(shown, exact=True).first).to_be_visible()
    await accessible(page)
    details = answer.locator("dl").first.locator("dd")
    message = (await details.last.text_content() or "").strip()
    entry = await console_bus.entry(message)
    assert (entry["consumer"], entry["reference"], entry["purpose"]) == ("forms-h49-2", DOSSIER, "giai-quyet-tthc")
    assert entry["by"].startswith("person/p-")


async def fill(page: Page, number: str = NUMBER, born: str = "17/05/1993", dossier: str = DOSSIER) -> None:
    await page.get_by_label("Personal number").first.fill(number)
    await page.get_by_label("Full name").first.fill("Nguyễn Văn An")
    await page.get_by_label("Date of birth").fill(born)
    await page.get_by_label("Purpose").select_option("kham-chua-benh")
    await page.get_by_label("Dossier number").fill(dossier)


async def test_what_is_wrong_stands_at_its_field_and_nothing_typed_is_lost(
    console: Console, provider: Provider
) -> None:
    page = await officer(console, "en", FORM, theme="dark")
    ask = page.get_by_role("button", name="Ask")
    await fill(page, number="0123", born="31/02/1993", dossier="")
    await ask.click()
    born, number, dossier = (
        page.get_by_label("Date of birth"),
        page.get_by_label("Personal number"),
        page.get_by_label("Dossier"),
    )
    await expect(born).to_have_accessible_description("This is no date; write it as 17/05/1993 dd/mm/yyyy")
    await expect(dossier).to_have_attribute("aria-invalid", "true")
    await accessible(page)
    await born.fill("28/02/1993")
    await dossier.fill(f"HS-{NUMBER}")
    await ask.click()  # the gateway refuses the dossier, in which a personal number stands
    await expect(dossier).to_be_focused()
    await expect(page.get_by_role("alert")).to_contain_text("must contain no personal number")
    await dossier.fill(DOSSIER)
    await page.get_by_role("button", name="Add Relative").click()
    await page.get_by_label("Full name").nth(1).fill("Nguyễn Văn Bình")
    await page.get_by_label("Personal number").nth(1).fill("12")
    await ask.click()  # the gateway refuses what breaks the contract
    await expect(number.first).to_be_focused()
    await expect(number.nth(1)).to_have_attribute("aria-invalid", "true")
    assert provider.asked == []
    await expect(page.get_by_label("Full name").nth(1)).to_have_value("Nguyễn Văn Bình")
    await number.first.fill(NUMBER)
    await number.nth(1).fill("022065004321")
    await page.locator("input[type=file]").set_input_files(
        {"name": "giấy tờ.txt", "mimeType": "text/plain", "buffer": b"scan"}
    )
    await expect(page.get_by_text("giấy tờ.txt is uploaded")).to_be_visible()
    await ask.click()
    await expect(page.get_by_role("heading", name="Answer")).to_be_focused()
    [asked] = provider.asked
    assert asked["nguoiThan"] == [{"hoVaTen": "Nguyễn Văn Bình", "soDinhDanh": "022065004321"}]
    assert asked["giayTo"].startswith("/files/")
    await page.get_by_role("button", name="Ask again").click()
    await expect(number).to_have_value("")


@pytest.mark.parametrize("leave", [pytest.param("list", marks=pytest.mark.long), "away"])
async def test_nothing_is_kept_once_a_form_is_left(console: Console, provider: Provider, leave: str) -> None:
    page = await officer(console, "en", "/console/forms")
    await page.get_by_role("link", name="Check a health card").click()
    await fill(page)
    await page.get_by_role("button", name="Ask").click()
    await expect(page.get_by_text("31/12/2026")).to_be_visible()
    if leave == "list":
        await page.go_back()
        await expect(page.get_by_label("Find a service")).to_be_visible()
        await page.go_forward()
    else:
        await page.goto("/livez")
        await page.go_back()
    await expect(page.get_by_label("Full name")).to_have_value("")
    assert await page.get_by_text("31/12/2026").count() == 0
    kept = await page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, location.href])")
    assert "1993" not in kept
    assert NUMBER not in kept


@pytest.mark.long
async def test_hostile_text_of_an_answer_stays_text(console: Console, provider: Provider) -> None:
    provider.answer = {**ANSWER, "ghiChu": HOSTILE, "quaTrinh": [{"donVi": HOSTILE}]}
    page = await officer(console, "en", FORM, width=360)
    await fill(page)
    await page.get_by_label("Note").fill(HOSTILE[:400])
    await page.get_by_role("button", name="Ask").click()
    await expect(page.get_by_text('"><img src=x').first).to_be_visible()
    assert await page.evaluate("document.querySelectorAll('img[src=x]').length") == 0
    assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


async def test_an_officer_who_was_suspended_is_out_with_the_next_step(console: Console, provider: Provider) -> None:
    who = new_name("suspended")
    page = await officer(console, "en", FORM, who=who)
    await fill(page)
    signed_in = await console.officials.signed_in("officer", agency=AGENCY, who=who)
    got = await console.bus.registry("POST", f"persons/{signed_in.person}/suspend", {"reason": "thử"})
    assert got.status == 200, got.body
    await page.get_by_role("button", name="Ask").click()
    await expect(page.get_by_role("alert")).to_be_visible()
    assert provider.asked == []
    await expect(page.get_by_label("Full name")).to_have_value("Nguyễn Văn An")


async def test_a_form_whose_outcome_is_unknown_is_not_carried_out_twice(
    console: Console, console_bus: Workbench
) -> None:
    asked: list[str] = []

    async def report(request: dict[str, Any], call: Call) -> dict[str, Any]:
        asked.append(request["soDinhDanh"])
        await asyncio.Event().wait()
        return ANSWER

    served = await console_bus.serve(SERVICE, report_loss=report)
    page = await officer(console, "en", f"/console/forms/{SERVICE}/v1/report-loss")
    await page.get_by_label("Personal number").fill(NUMBER)
    await page.get_by_label("Purpose").select_option("kham-chua-benh")
    await page.get_by_label("Dossier number").fill(DOSSIER)
    send = page.get_by_role("button", name="Send")
    await send.click()
    command = page.get_by_text("lgsp idempotency show")
    await expect(command).to_contain_text("--system forms-h49-2 --officer p-")
    await console_bus.unserve(served)
    for _ in range(2):
        await send.click()
        await expect(page.get_by_role("alert")).to_contain_text("no known result yet")
    key = (await command.inner_text()).split()[3]
    person = (await command.inner_text()).split()[-1]
    path = f"/ops/idempotency-key/settle?system=forms-h49-2&officer={person}"
    settlement = {"outcome": "happened", "reason": "thử", "answer": ANSWER}
    got = await console_bus.ask("POST", path, settlement, system="operator", headers={"Idempotency-Key": key})
    assert got.status == 200, got.body
    await send.click()
    await expect(page.get_by_role("heading", name="Answer")).to_be_focused()
    assert asked == [NUMBER]


async def test_who_is_no_officer_is_told_whom_the_page_is_for(console: Console) -> None:
    page = await console.page("auditor", language="en")
    await page.goto("/console/forms")
    await expect(page.get_by_text("This page is for: Officer")).to_be_visible()
