"""Administrators create and edit documents of the registry in forms, and see what differs from files; by keyboard too, without losing what they typed."""

import re
import secrets
from typing import Any

import pytest
from playwright.async_api import Page, expect
from support.accessibility import accessibility_faults
from support.console import Console
from support.workbench import TEXT, Workbench, document


def new_name(stem: str) -> str:
    return f"{stem}-{secrets.token_hex(4)}"


async def change(bus: Workbench, path: str, query: str = "", **spec: Any) -> None:
    """Change a document as somebody else."""
    read = await bus.registry("GET", path)
    sent = {**read.json, "spec": {**read.json["spec"], **spec}}
    sent.pop("status", None)
    got = await bus.registry("PUT", f"{path}{query}", sent, headers={"If-Match": read.headers["ETag"]})
    assert got.status == 200, got.body


async def tab_to(page: Page, name: str) -> None:
    """Go on by the keyboard until an element of this name has the focus."""
    for _ in range(80):
        await page.keyboard.press("Tab")
        if name in str(await page.evaluate("document.activeElement.ariaLabel || document.activeElement.textContent")):
            return
    raise AssertionError(f"no {name} is reached")


async def test_a_purpose_is_made_by_keyboard_and_an_agency_edited_without_losing_anything(console: Console) -> None:
    bus, page, code = console.bus, await console.page("operator"), new_name("cap-phep")
    await page.goto("/console/access/purposes/new")
    name = page.get_by_label("Mã mục đích")
    await expect(name).to_be_focused()
    await page.keyboard.type("Không phải mã")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("Cần sửa 2 mục")
    await expect(page.get_by_label("Tên tiếng Việt")).to_be_focused()
    await page.keyboard.type("Cấp giấy phép thử")
    await page.keyboard.press("Tab")
    await page.keyboard.type("Test permits")
    await page.keyboard.press("Enter")
    await expect(name).to_be_focused()  # the gateway's refusal stands at its field
    await expect(page.get_by_label("Tên tiếng Anh")).to_have_value("Test permits")
    await page.keyboard.press("Control+A")
    await page.keyboard.type(code)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("link", name="Sửa Cấp giấy phép thử")).to_be_visible()
    assert (await bus.registry("GET", f"purposes/{code}")).json["spec"]["title"]["en"] == "Test permits"
    assert not await accessibility_faults(page)

    agency = f"H49.{secrets.randbelow(900) + 60}"
    assert (await bus.registry("POST", "agencies", document("Agency", agency, title=TEXT))).status == 201
    english = await console.page("operator", language="en", who="b")
    await english.goto(f"/console/access/agencies/{agency}/edit")
    await english.get_by_label("Title in English").fill("Department of Fisheries")
    await english.get_by_role("button", name="Add Contact").click()
    await english.get_by_label("E-mail of the office").fill("not an address")
    await english.get_by_label("Telephone").fill("0203 3838 383")
    await english.get_by_role("button", name="Save").click()
    await expect(english.get_by_label("E-mail of the office")).to_be_focused()
    assert not await accessibility_faults(english)
    await english.get_by_label("E-mail of the office").fill("office@h49.example")
    await change(bus, f"agencies/{agency}", title={"vi": "Sở Thủy sản", "en": "Try"})
    await english.get_by_role("button", name="Save").click()
    await expect(english.get_by_text("Somebody changed it")).to_be_visible()
    await expect(english.get_by_label("E-mail of the office")).to_have_value("office@h49.example")
    await english.get_by_role("button", name="I have read it").click()
    await english.get_by_label("Title in Vietnamese").fill("Sở Thủy sản")
    await english.get_by_role("button", name="Save").click()
    await expect(english.get_by_role("heading", name="Access")).to_be_visible()
    await expect(english.get_by_label("Title in Vietnamese")).to_have_count(0)
    spec = (await bus.registry("GET", f"agencies/{agency}")).json["spec"]
    assert spec["contact"] == {"email": "office@h49.example", "phone": "0203 3838 383"}
    assert spec["title"] == {"vi": "Sở Thủy sản", "en": "Department of Fisheries"}


async def test_a_person_is_made_linked_and_given_a_role_that_another_operator_approves(console: Console) -> None:
    page = await console.page("operator", language="en")
    await console.officials.signed_in("operator", who="b")  # there are two operators who are persons
    await page.goto("/console/access/persons")
    await page.get_by_role("link", name="Add a person").click()
    await page.get_by_label("Issuer to sign in with").select_option(index=1)
    await page.get_by_role("combobox", name="Agency").select_option("H49.1")
    await page.get_by_label("Developer").check()
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("No account yet", exact=True).first).to_be_visible()
    link = page.get_by_role("button", name="Link the account")
    await link.click()
    await page.keyboard.press("Escape")
    await expect(link).to_be_focused()
    await page.keyboard.press("Enter")
    account = "".join(secrets.choice("abcdefghijklmnopqrstuvwxyz234567") for _ in range(26))
    await page.get_by_role("dialog").get_by_label("Account code").fill(account)
    await page.get_by_role("dialog").get_by_role("button", name="Link the account").click()
    await expect(page.get_by_text("Active", exact=True)).to_be_visible()
    await page.get_by_role("link", name="Edit").click()
    await expect(page.get_by_label("Developer")).to_be_checked()
    await page.get_by_label("Administrator of an agency").check()
    assert not await accessibility_faults(page)
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Awaits an operator").first).to_be_visible()
    person = page.url.rpartition("/")[2]
    got = await console.bus.registry("GET", f"persons/{person}")
    assert sorted(got.json["spec"]["roles"]) == ["agency-admin", "developer"]


async def test_what_was_changed_elsewhere_is_shown_beside_what_was_applied(console: Console) -> None:
    bus, system = console.bus, new_name("tau-ca")
    sent = document("System", system, agency="H49.1", title={"vi": "Tàu cá", "en": "Fishing boats"})
    made = await bus.registry("PUT", f"systems/{system}?manifestSet=tinh", sent, headers={"If-None-Match": "*"})
    assert made.status == 201, made.body
    page = await console.page("agency-admin", who="c")
    await page.goto(f"/console/access/systems/{system}/edit")
    await page.get_by_label("Tên tiếng Việt").fill("Tàu cá xa bờ")
    await page.get_by_label("Lý do thay đổi").fill("đổi tên gấp")
    await page.get_by_role("button", name="Lưu").click()
    await expect(page.get_by_role("heading", name="Tàu cá xa bờ")).to_be_visible()
    await page.goto("/console/access/drift")
    row = page.get_by_role("row", name=re.compile(f"System {system}"))
    await expect(row).to_contain_text("đổi tên gấp")
    await tab_to(page, f"Xem khác biệt của System {system}")
    await page.keyboard.press("Enter")
    difference = page.get_by_role("row").filter(has_text="/spec/title/vi").last
    await expect(difference.get_by_role("cell")).to_have_text(["/spec/title/vi", "Tàu cá", "Tàu cá xa bờ"])
    assert not await accessibility_faults(page)
    await page.get_by_text("Không có trong tệp nào").click()
    await expect(page.get_by_role("link", name="Agency H49.1", exact=True)).to_be_visible()


@pytest.mark.long
async def test_lists_go_on_by_one_button_with_the_focus(console: Console) -> None:
    bus, agency = console.bus, f"H49.{secrets.randbelow(900) + 60}"
    assert (await bus.registry("POST", "agencies", document("Agency", agency, title=TEXT))).status == 201
    for number in range(101):
        sent = document("System", f"many-{agency[4:]}-{number:03}", agency=agency, title=TEXT)
        assert (await bus.registry("POST", "systems", sent)).status == 201
    page = await console.page("operator", language="en")
    await page.goto(f"/console/access/systems?agency={agency}")
    rows = page.get_by_role("row")
    await expect(rows).to_have_count(101)
    await page.get_by_role("button", name="Show more").focus()
    await page.keyboard.press("Enter")
    await expect(rows).to_have_count(102)
    await expect(rows.last.get_by_role("link")).to_be_focused()
