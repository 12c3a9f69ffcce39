"""People sign in in a browser, change how they do, and lose nothing when their session ends: as they see it, in both languages."""

import re
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import aiohttp
import pyotp
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect
from support.accessibility import accessibility_faults
from support.console import SAME_ORIGIN, TIMEOUT_MS, Console, Officials
from support.keyboard import press, write
from support.people import People, new_name, new_person_id
from support.workbench import Workbench, document

PASSWORD = "con mèo nhà tôi thích ngủ trưa"


@pytest_asyncio.fixture(scope="module")
async def people(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[People]:
    found = await People.start(tmp_path_factory.mktemp("people"))
    yield found
    await found.stop()


@pytest_asyncio.fixture
async def site(people: People, browser: Browser) -> AsyncIterator[Console]:
    """A bus with an issuer, opened by a name, for which passkeys are."""
    opened = Console(browser, Officials(people.bus))
    opened.url = f"http://localhost:{people.bus.port}"
    expect.set_options(timeout=TIMEOUT_MS)
    yield opened
    await opened.close()


async def link_of(bus: Workbench, user: str) -> dict[str, str]:
    got = await bus.ask("POST", "/users", {"user": user}, system="operator")
    assert got.status == 201, got.body
    found: dict[str, str] = got.json
    return found


async def local_user(bus: Workbench, user: str, role: str = "auditor") -> str:
    """A local user with a password, whose person is registered."""
    new = await link_of(bus, user)
    chosen = {"user": user, "link": new["link"].rpartition("/")[2], "password": PASSWORD}
    async with bus.session.post("/console/sign-in/link", json=chosen, headers=SAME_ORIGIN) as answer:
        assert answer.status == 200
    return await registered(bus, new["account"], role)


async def registered(bus: Workbench, account: str, role: str = "auditor") -> str:
    person = new_person_id()
    spec = {"issuer": f"http://127.0.0.1:{bus.port}", "agency": "H49.1", "roles": [role]}
    assert (await bus.registry("POST", "persons", document("Person", person, **spec))).status == 201
    linked = {"account": account, "name": "Trần Thị B", "reason": "thử"}
    assert (await bus.registry("POST", f"persons/{person}/link", linked)).status == 200
    return person


async def sign_in(page: Page, user: str, path: str = "/console/account") -> None:
    """Sign in by keyboard alone, in English."""
    await page.goto(f"/console/sign-in?return={path}")
    await expect(page.get_by_label("User name")).to_be_focused()
    await page.keyboard.type(user)
    await page.keyboard.press("Tab")
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press("Enter")
    await is_at(page, path)


async def is_at(page: Page, path: str) -> None:
    """Wait until a page is there: a glob would match the address of the sign-in too, which names it as its return."""
    await page.wait_for_url(lambda url: urlsplit(url).path == path)


async def end_session(page: Page, bus: Workbench) -> None:
    """End the session of a page from elsewhere."""
    cookies = {str(one.get("name")): str(one.get("value")) for one in await page.context.cookies()}
    async with bus.session.post("/oauth2/revoke", data={"token": cookies["lgsp_session"]}) as answer:
        assert answer.status == 200


async def no_faults_of_accessibility(page: Page) -> None:
    assert not await accessibility_faults(page)


async def test_a_person_chooses_a_password_is_told_their_code_and_signs_in_in_vietnamese(
    people: People, site: Console
) -> None:
    user = new_name("nguyen.van.a")
    new = await link_of(people.bus, user)
    page = await site.page_with(width=360, height=740)
    await page.goto(new["link"].replace("127.0.0.1", "localhost"))
    await expect(page.get_by_label("Mật khẩu mới")).to_be_focused()
    await page.keyboard.type("ngắn quá")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("phải có từ 15 đến 256")).to_be_visible()
    await page.get_by_label("Mật khẩu mới").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page.get_by_text(new["account"])).to_be_visible()
    await page.get_by_role("link", name="Đến trang đăng nhập").click()
    await expect(page.get_by_label("Tên đăng nhập")).to_be_focused()
    await no_faults_of_accessibility(page)
    await page.keyboard.type(user)
    await page.keyboard.press("Tab")
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("chưa được đăng ký")
    await expect(page.get_by_role("button", name="Sao chép: Mã tài khoản")).to_be_visible()
    await registered(people.bus, new["account"])
    await page.get_by_role("button", name="Đến trang đăng nhập").click()
    await page.get_by_role("button", name="Đăng nhập", exact=True).click()
    await page.wait_for_url(re.compile("/console/(?!sign-in)"))


async def test_a_person_signs_in_with_an_issuer_in_english(people: People, site: Console) -> None:
    page = await site.page_with(language="en")
    account = people.issuer.new_subject("in a browser")
    await page.goto(f"http://127.0.0.1:{people.bus.port}/console/sign-in?return=/console/account")
    host = people.issuer.url.removeprefix("http://")
    await page.get_by_role("link", name=f"Sign in with {host}").click()
    await expect(page.get_by_role("alert")).to_contain_text("not registered yet")
    await expect(page.get_by_text(await people.code(account))).to_be_visible()
    person = await people.create("auditor")
    assert (await people.link(person, await people.code(account))).status == 200
    await page.get_by_role("link", name=f"Sign in with {host}").click()
    await is_at(page, "/console/account")
    await expect(page.get_by_text(person)).to_be_visible()
    await expect(page.get_by_text("account of another issuer")).to_be_visible()


async def test_what_was_typed_stays_when_the_session_ends_in_every_tab(people: People, site: Console) -> None:
    user = new_name("keeps")
    await local_user(people.bus, user)
    page = await site.page_with(language="en")
    await sign_in(page, user)
    tab = await page.context.new_page()
    await tab.goto("/console/account")
    await expect(tab.get_by_role("heading", name="My account")).to_be_visible()
    await page.bring_to_front()
    await page.get_by_label("New password").fill("typed and not lost")
    await end_session(page, people.bus)
    for one in (page, tab):
        await expect(one.get_by_role("dialog")).to_contain_text("Your session has ended")
    await no_faults_of_accessibility(page)
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("User name").fill(user)
    await dialog.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(dialog).to_be_hidden()
    await expect(page.get_by_label("New password")).to_have_value("typed and not lost")
    await expect(tab.get_by_role("dialog")).to_be_hidden()  # the session is that of the browser


async def test_who_signs_in_instead_sees_nothing_of_the_page(people: People, site: Console) -> None:
    before, after = new_name("left.open"), new_name("came.next")
    await local_user(people.bus, before)
    await local_user(people.bus, after)
    page = await site.page_with(language="en")
    await sign_in(page, before)
    await page.get_by_label("New password").fill("nobody else's business")
    await end_session(page, people.bus)
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("User name").fill(after)
    await dialog.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(dialog).to_be_hidden()
    await expect(page.get_by_text(f"User {after}.")).to_be_visible()
    await expect(page.get_by_label("New password")).to_have_value("")


async def test_signing_out_in_one_tab_signs_out_all(people: People, site: Console) -> None:
    user = new_name("signs.out")
    await local_user(people.bus, user)
    page = await site.page_with(language="en")
    await sign_in(page, user)
    tab = await page.context.new_page()
    await tab.goto("/console/account")
    await expect(tab.get_by_role("heading", name="My account")).to_be_visible()
    await page.get_by_role("button", name="My account").click()
    await page.get_by_role("menuitem", name="Sign out").click()
    for one in (page, tab):
        await expect(one.get_by_text("You are signed out")).to_be_visible()
    assert "lgsp_session" not in {one.get("name") for one in await page.context.cookies()}
    await page.go_back()
    await expect(page.get_by_text("Sign in to see your account")).to_be_visible()


async def test_a_role_taken_away_shows_at_once(people: People, site: Console) -> None:
    user = new_name("demoted")
    person = await local_user(people.bus, user)
    page = await site.page_with(language="en")
    await sign_in(page, user, "/console/health")
    await expect(page.get_by_role("heading", name="Health")).to_be_visible()
    known = await people.bus.registry("GET", f"persons/{person}")
    changed = {**known.json, "spec": {**known.json["spec"], "roles": ["developer"]}}
    changed.pop("status")
    headers = {"If-Match": known.headers["ETag"]}
    assert (await people.bus.registry("PUT", f"persons/{person}", changed, headers=headers)).status == 200
    ended = page.get_by_text("Your session has ended").or_(page.get_by_text("You may not see this page"))
    await expect(ended).to_be_visible()


async def test_an_authenticator_is_set_up_and_asked_for(people: People, site: Console) -> None:
    user = new_name("sets.up")
    await local_user(people.bus, user)
    page = await site.page_with(language="en")
    await sign_in(page, user)
    await expect(page.get_by_role("button", name="Turn on")).to_be_visible()
    await press(page, "Turn on")  # by keyboard alone
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_be_visible()
    await write(page, "Present password", "wrong")
    await page.keyboard.press("Enter")
    await expect(dialog.get_by_text("present password is wrong")).to_be_visible()
    await page.keyboard.press("Control+a")
    await write(page, "Present password", PASSWORD)
    await page.keyboard.press("Enter")
    await expect(dialog.get_by_role("img", name="QR code")).to_be_visible()
    secret = await dialog.locator("code").inner_text()
    await write(page, "Code of 6 digits", pyotp.TOTP(secret).now())
    await page.keyboard.press("Enter")
    await expect(dialog.locator("code")).to_have_count(10)
    recovery = await dialog.locator("code").first.inner_text()
    await press(page, "I have kept them")
    await expect(page.get_by_text("10 recovery codes left")).to_be_visible()
    await expect(dialog).to_be_hidden()
    await no_faults_of_accessibility(page)
    other = await site.page_with(language="en")
    await other.goto("/console/sign-in?return=/console/account")
    await other.get_by_label("User name").fill(user)
    await other.get_by_label("Password", exact=True).fill(PASSWORD)
    await other.keyboard.press("Enter")
    await expect(other.get_by_label("Code")).to_be_focused()
    await other.keyboard.type(recovery)
    await other.keyboard.press("Enter")
    await is_at(other, "/console/account")


async def test_a_passkey_is_added_and_signs_in(people: People, site: Console) -> None:
    user = new_name("has.passkey")
    await local_user(people.bus, user)
    page = await site.page_with(language="en")
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("WebAuthn.enable")
    device = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
    options = {**device, "isUserVerified": True, "automaticPresenceSimulation": True}
    await devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    await sign_in(page, user)
    await page.get_by_role("button", name="Add a passkey").click()
    dialog = page.get_by_role("dialog")
    hostile = '"><img src=x onerror=alert(1)>\u202e'
    await dialog.get_by_label("What to call it").fill(hostile)
    await dialog.get_by_label("Present password").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(dialog).to_be_hidden()
    await expect(page.get_by_text(hostile, exact=True)).to_be_visible()  # it stays text
    await page.context.clear_cookies()
    await page.goto("/console/sign-in?return=/console/account")
    await page.get_by_role("button", name="Use a passkey").click()
    await is_at(page, "/console/account")
    await expect(page.get_by_text("Signed in by passkey")).to_be_visible()


async def test_a_frame_of_another_page_shows_nothing(people: People) -> None:
    url = f"http://127.0.0.1:{people.bus.port}"
    async with aiohttp.ClientSession() as session:
        for path in ("/console", "/console/sign-in", "/console/account"):
            async with session.get(f"{url}{path}") as answer:
                policy = answer.headers["Content-Security-Policy"]
                assert "frame-ancestors 'none'" in policy
                assert "unsafe-inline" not in policy
                assert "unsafe-eval" not in policy
                assert answer.headers["Cache-Control"] == "no-store"
                assert answer.headers["X-Content-Type-Options"] == "nosniff"
