"""The page Access: a system is registered with a key made in the browser, and grants are decided by the people who may."""

import re
import secrets
import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from playwright.async_api import Page, expect
from support.accessibility import accessibility_faults
from support.approvers import day
from support.console import Console
from support.keyboard import press, write
from support.people import new_name
from support.workbench import Workbench, document, grant

HOSTILE = '"><img src=x onerror=alert(1)>\u202e'
PERSONAL = {"read_person": ["/ketQua"]}


async def requested(bus: Workbench, **more: Any) -> str:
    """A grant on personal data that its consumer's agency has asked for."""
    name = new_name("asked")
    sent = grant(name, "gamma", **PERSONAL)
    sent["spec"].update(more)
    got = await bus.registry("POST", "grants", sent, system="developer")
    assert got.status == 201, got.body
    return name


async def phase(bus: Workbench, name: str) -> str:
    return str((await bus.registry("GET", f"grants/{name}")).json["status"]["phase"])


async def opened(page: Page, name: str) -> Page:
    await page.goto(f"/console/access/grants/{name}")
    await expect(page.get_by_role("heading", name=name)).to_be_visible()
    return page


async def decide(page: Page, step: str, reason: str = "") -> None:
    await page.get_by_role("button", name=step, exact=True).click()
    dialog = page.get_by_role("dialog")
    if reason:
        await dialog.get_by_role("textbox").fill(reason)
    await dialog.get_by_role("button", name=step, exact=True).click()


async def test_an_administrator_registers_a_system_and_its_key_takes_a_token(console: Console, tmp_path: Path) -> None:
    page, name = await console.page("agency-admin", who="c"), new_name("tau-ca")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.post_data or ""))
    await page.goto("/console/access")
    await expect(page.get_by_role("link", name="Đăng ký hệ thống")).to_be_visible()
    await press(page, "Đăng ký hệ thống")  # by keyboard alone, until it has its key
    await write(page, "Mã hệ thống", name)
    await write(page, "Tên tiếng Việt", "Đăng ký tàu cá")
    await write(page, "Tên tiếng Anh", HOSTILE)
    await press(page, "Tiếp tục")
    await press(page, "Tạo khóa", exact=True)
    await expect(page.get_by_role("button", name="Tải khóa bí mật")).to_be_visible()
    async with page.expect_download() as download:
        await press(page, "Tải khóa bí mật")
    file = tmp_path / "key.json"
    await (await download.value).save_as(file)
    await press(page, "Đăng ký hệ thống")
    await expect(page.get_by_text(f"Hệ thống {name} đã được đăng ký")).to_be_visible()

    await page.get_by_role("combobox", name="Chọn dịch vụ").click()
    await page.get_by_role("option", name=re.compile("desk v1")).click()
    await page.get_by_label("(read)").check()
    await page.get_by_label("Ket qua /ketQua").check()
    await page.get_by_label("Mục đích").and_(page.locator("input")).fill("thu-nghiem")
    await page.get_by_label("Căn cứ pháp lý").fill("Quyết định 12/QĐ-UBND")
    await page.get_by_role("button", name="Gửi yêu cầu").click()
    await expect(page.get_by_text("Lấy mã truy cập đầu tiên")).to_be_visible()

    key = jwt.PyJWK.from_json(file.read_text())
    url = f"{console.url}/oauth2/token"
    claims = {"iss": name, "sub": name, "aud": url, "exp": time.time() + 60, "jti": secrets.token_hex()}
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": jwt.encode(claims, key.key, "ES256", {"kid": str(key.key_id)}),
    }
    async with console.bus.session.post("/oauth2/token", data=form) as answer:
        assert answer.status == 200, await answer.text()
    private = re.search(r'"d": "([^"]+)"', file.read_text())
    assert private
    assert not any(private[1] in body for body in sent)
    got = await console.bus.registry("GET", f"grants/{name}-desk")
    assert got.json["spec"]["operations"] == {"read": {"fields": ["/ketQua"]}}


@pytest.mark.long
async def test_a_key_that_others_made_is_pasted_and_a_private_one_refused(console: Console) -> None:
    page, name = await console.page("operator", language="en"), new_name("pasted")
    await page.goto("/console/access/systems/new")
    await page.get_by_label("Name of the system").fill(name)
    await page.get_by_label("Title in Vietnamese").fill("Thử")
    await page.get_by_label("Title in English").fill("Try")
    await page.get_by_role("button", name="Continue").click()
    await page.get_by_label("Paste a public key").check()
    box = page.get_by_role("textbox", name="Public key")
    await box.fill("-----BEGIN PRIVATE KEY-----\nMIG=\n-----END PRIVATE KEY-----")
    await page.get_by_role("button", name="Register the system").click()
    await expect(page.get_by_text("This is a private key")).to_be_visible()
    await box.fill("-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----")
    await page.get_by_role("button", name="Register the system").click()
    await expect(page.get_by_text("This is no public key")).to_be_visible()
    await box.fill('{"kty":"EC","crv":"P-256","x":"AAAA","y":"AAAA"}')
    await page.get_by_role("button", name="Register the system").click()
    await expect(page.get_by_text("the key")).to_be_visible()  # the bus's own words, at the field
    assert await box.input_value() != ""


async def test_two_persons_approve_in_two_browsers(console: Console) -> None:
    name = await requested(console.bus)
    operator = await opened(await console.page("operator", language="en"), name)
    administrator = await console.page("agency-admin", who="c")
    await decide(operator, "Approve")
    await expect(operator.get_by_text("Awaits the provider").first).to_be_visible()
    await expect(operator.get_by_role("button", name="Approve")).to_have_count(0)
    await administrator.goto("/console/access/requests")
    await administrator.get_by_role("link", name=name).click()
    await decide(administrator, "Phê duyệt")
    await expect(administrator.get_by_text("Có hiệu lực").first).to_be_visible()
    assert await phase(console.bus, name) == "in-force"


async def test_a_request_is_approved_by_keyboard_alone(console: Console) -> None:
    name = await requested(console.bus)
    page = await opened(await console.page("operator", language="en"), name)
    for _ in range(60):
        await page.keyboard.press("Tab")
        focused = await page.evaluate("document.activeElement.textContent")
        if focused == "Approve":
            break
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog")).to_be_visible()
    await expect(page.get_by_role("dialog").get_by_role("textbox")).to_be_focused()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Awaits the provider").first).to_be_visible()
    assert await phase(console.bus, name) == "awaiting-provider"


async def test_a_denial_needs_a_reason_which_whoever_asked_reads(console: Console) -> None:
    name = await requested(console.bus)
    page = await opened(await console.page("agency-admin", who="c"), name)
    await page.get_by_role("button", name="Từ chối", exact=True).click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("textbox").fill("  ")
    await dialog.get_by_role("button", name="Từ chối", exact=True).click()
    await expect(dialog.get_by_text("Hãy nêu lý do.")).to_be_visible()
    await dialog.get_by_role("textbox").fill(HOSTILE)
    await dialog.get_by_role("button", name="Từ chối", exact=True).click()
    await expect(page.get_by_text("Bị từ chối").first).to_be_visible()
    asker = await opened(await console.page("developer", language="en"), name)
    await expect(asker.get_by_role("row", name="Reason of this state")).to_contain_text("onerror=alert(1)")


async def test_who_decides_on_a_version_that_was_changed_sees_what_changed(console: Console) -> None:
    name = await requested(console.bus)
    page = await opened(await console.page("operator", language="en"), name)
    await page.get_by_role("button", name="Approve", exact=True).click()
    before = await console.bus.registry("GET", f"grants/{name}")
    changed = {**grant(name, "gamma", read_person=["*"])}
    condition = {"If-Match": before.headers["ETag"]}
    assert (
        await console.bus.registry("PUT", f"grants/{name}", changed, system="developer", headers=condition)
    ).status == 200
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name="Approve", exact=True).click()
    await expect(dialog.get_by_text("Somebody changed it")).to_be_visible()
    await expect(dialog.get_by_role("row", name=re.compile("Fields it may see"))).to_contain_text("/ketQua")
    await expect(dialog).not_to_contain_text("/spec/")
    await expect(dialog.get_by_role("button", name="Approve", exact=True)).to_have_count(0)
    assert await phase(console.bus, name) == "requested"
    await dialog.get_by_role("button", name="I have read it").click()
    await dialog.get_by_role("button", name="Approve", exact=True).click()
    await expect(page.get_by_text("Awaits the provider").first).to_be_visible()


async def test_two_who_look_at_once_both_approve(console: Console) -> None:
    name = await requested(console.bus)
    first = await opened(await console.page("operator", language="en"), name)
    second = await opened(await console.page("agency-admin", who="c", language="en"), name)
    for page in (first, second):
        await page.get_by_role("button", name="Approve", exact=True).click()
        await expect(page.get_by_role("dialog")).to_be_visible()
    for page in (first, second):
        await page.get_by_role("dialog").get_by_role("button", name="Approve", exact=True).click()
        await expect(page.get_by_role("dialog")).to_have_count(0)
    for page in (second, first):  # the page of the first one follows
        await expect(page.get_by_text("In force", exact=True).first).to_be_visible()
    assert await phase(console.bus, name) == "in-force"


async def test_what_a_grant_hides_is_struck_out(console: Console) -> None:
    name = new_name("narrow")
    sent = grant(name, "gamma", read_person=["/biMat"])
    assert (await console.bus.registry("POST", "grants", sent, system="developer")).status == 201
    page = await opened(await console.page("operator", language="en"), name)
    await expect(page.get_by_text("0 of 1 fields are visible")).to_be_visible()
    await expect(page.locator("del")).to_contain_text("KHOP")


async def test_whoever_approves_sees_all_conditions_of_a_grant(console: Console) -> None:
    name = new_name("officers")
    sent = grant(name, "forms-h49-2", **PERSONAL)
    sent["spec"] |= {
        "officers": {"positions": ["tu-phap-ho-tich"], "quota": {"requests": 30, "per": "hour"}},
        "referenceRequired": True,
        "quota": {"requests": 10, "per": "minute", "daily": 5000},
    }
    got = await console.bus.registry("POST", "grants", sent, system="operator")
    assert got.status == 201, got.body
    page = await opened(await console.page("operator", language="vi"), name)
    for row in (
        "Hạn mức 10 lượt mỗi phút; tối đa 5.000 lượt mỗi ngày",
        "Dành cho cán bộ tu-phap-ho-tich",
        "Hạn mức của mỗi cán bộ 30 lượt mỗi giờ",
        "Mỗi lần gọi phải nêu mã hồ sơ",
    ):
        await expect(page.get_by_role("row", name=row)).to_be_visible()


@pytest.mark.long
async def test_a_grant_is_renewed_by_one_step(console: Console) -> None:
    name = new_name("plain")
    got = await console.bus.registry("POST", "grants", grant(name, "gamma", read=["*"]), system="operator")
    assert got.json["status"]["phase"] == "in-force", got.body
    page = await opened(await console.page("operator", language="en"), name)
    await decide(page, "Renew")
    await expect(page.get_by_role("link", name=f"{name}-r2")).to_be_visible()
    await page.get_by_role("link", name=f"{name}-r2").click()
    await expect(page.get_by_role("row", name="Valid")).to_contain_text("02/01/2040")


async def test_who_may_not_decide_is_offered_no_decision(console: Console) -> None:
    name = await requested(console.bus)
    page = await opened(await console.page("auditor", language="en"), name)
    await expect(page.get_by_role("button", name="Approve")).to_have_count(0)
    await expect(page.get_by_role("link", name="Register a system")).to_have_count(0)
    officer = await console.page("officer", language="en")
    await officer.goto("/console/access/grants")
    await expect(officer.get_by_text("You may not see this page")).to_be_visible()


async def test_a_person_chooses_what_to_be_told_of(console: Console) -> None:
    page = await console.page("integrator", who=new_name("told"), language="en")
    await page.goto("/console/access/notifications")
    await page.get_by_label("a grant, a key or a certificate ends soon").check()
    await page.get_by_role("textbox", name="E-mail").fill("it@so")
    await page.get_by_role("textbox", name="Webhook").fill("http://10.9.8.7/hook")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("alert")).to_be_visible()  # the address is none that the bus may send to
    assert await page.get_by_role("textbox", name="E-mail").input_value() == "it@so"
    await page.get_by_role("textbox", name="Webhook").fill(f"{console.url}/hook")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("shown this once")).to_be_visible()
    await page.reload()
    await expect(page.get_by_label("a grant, a key or a certificate ends soon")).to_be_checked()
    await expect(page.get_by_text("whsec_")).to_have_count(0)


async def test_an_absent_approver_consents_and_the_deputy_decides(console: Console) -> None:
    bus, officials = console.bus, console.officials
    absent = await officials.signed_in("agency-admin", who=new_name("absent"))
    deputy = await officials.signed_in("agency-admin", who=new_name("deputy"))
    namer = await officials.signed_in("operator", who="a")
    read = await bus.registry("GET", f"persons/{absent.person}")
    named = {"person": deputy.person, "from": day(0), "until": day(7)}
    sent = document("Person", absent.person, **{**read.json["spec"], "deputy": named})
    headers = {"If-Match": read.headers["ETag"], "Authorization": f"Bearer {namer.token}"}
    assert (await bus.registry("PUT", f"persons/{absent.person}", sent, headers=headers)).status == 200
    page = await console.page_with(absent.token, "en")
    await page.goto("/console/access/deputies")
    await page.get_by_role("button", name="Consent").click()
    await page.get_by_role("dialog").get_by_role("button", name="Consent").click()
    await expect(page.get_by_text("In force")).to_be_visible()
    other = await console.page_with(deputy.token, "en")
    await other.goto("/console/access/deputies")
    await expect(other.get_by_title(f"person/{absent.person}")).to_be_visible()


@pytest.mark.long
@pytest.mark.parametrize(
    ("language", "paths"),
    [
        ("vi", ("requests", "grants/{}", "systems/new", "deputies")),
        ("en", ("grants", "systems", "agencies", "persons", "notifications")),
    ],
)
async def test_axe_finds_nothing(console: Console, language: str, paths: tuple[str, ...]) -> None:
    name = await requested(console.bus)
    page = await console.page("operator", language=language)
    for path in paths:
        await page.goto(f"/console/access/{path.format(name)}")
        await expect(page.get_by_role("heading", level=1)).to_be_visible()
        await expect(page.get_by_role("status")).to_have_count(0)
        assert not await accessibility_faults(page), path
