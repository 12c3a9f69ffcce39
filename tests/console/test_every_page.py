"""What holds for every page of the console, tried once for all: no fault that axe knows, hostile text stays text, nothing scrolls
sideways; a bus that is away is said and comes back; an ended session asks to sign in again; a role that a page is not for is told so;
addresses lead to pages, and back leads back.

A page of the list that has no line in `docs/console/README.md` does not exist; a new page gets a line here.
"""

import re
from collections.abc import AsyncIterator
from typing import NamedTuple

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect
from support.accessibility import accessibility_faults, fields_with_messages_of_the_browser, small_targets, wrapped_tabs
from support.console import Console, Officials
from support.form_contract import AGENCY, SERVICE
from support.hostile_bus import HOSTILE, HostileBus
from support.processes import ROOT

EVERYTHING = ("operator", "auditor", "agency-admin", "developer", "integrator", "officer")
"""The roles of somebody who is shown every page."""


_FOLLOW = "(path) => { history.pushState(null, '', path); dispatchEvent(new PopStateEvent('popstate')); }"


class Shown(NamedTuple):
    """A page, and its title in both languages. `forbidden` is a role that it is not for; empty where it is for everybody."""

    path: str
    vi: str
    en: str
    forbidden: str


PAGES = (
    Shown("flows", "Luồng dữ liệu", "Flows", "developer"),
    Shown("messages", "Thông điệp", "Messages", "officer"),
    Shown("adapters", "Bộ kết nối", "Adapters", "developer"),
    Shown("health", "Tình trạng", "Health", "developer"),
    Shown("catalogue", "Danh mục", "Catalogue", ""),
    Shown("forms", "Tra cứu", "Forms", "auditor"),
    Shown("subscriptions", "Đăng ký sự kiện", "Subscriptions", "officer"),
    Shown("requests", "Yêu cầu của công dân", "Requests of citizens", "developer"),
    Shown("access", "Phân quyền", "Access", "officer"),
    Shown("evidence", "Bằng chứng", "Evidence", "developer"),
    Shown("account", "Tài khoản của tôi", "My account", ""),
)


@pytest_asyncio.fixture(scope="module")
async def hostile(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[HostileBus]:
    """A bus on which all that callers name is hostile."""
    started = await HostileBus.start(tmp_path_factory.mktemp("hostile"))
    yield started
    await started.stop()


@pytest_asyncio.fixture(scope="module")
async def people(hostile: HostileBus) -> Officials:
    return Officials(hostile.bus)


@pytest_asyncio.fixture
async def console(browser: Browser, people: Officials) -> AsyncIterator[Console]:
    opened = Console(browser, people)
    yield opened
    await opened.close()


def deeper(bus: HostileBus) -> tuple[str, ...]:
    """Addresses below those of the pages."""
    return (
        "flows?window=1h&group=service",
        f"messages/{bus.message}",
        "messages?period=all",
        "messages/accepted",
        "messages/dead-letters",
        f"adapters/provider.{bus.instance.id}",
        "catalogue/desk/v1",
        "catalogue/desk/v1/request",
        f"forms/{SERVICE}/v1/check-card",
        "subscriptions/new",
        f"subscriptions/{bus.subscription}",
        "subscriptions/endpoints",
        f"subscriptions/endpoints/{bus.endpoint}",
        "access/requests",
        "access/grants",
        "access/grants/denied",
        "access/expiring",
        "access/systems",
        "access/systems/new",
        "access/systems/hostile",
        "access/agencies",
        "access/persons",
        "access/deputies",
        "access/notifications",
        "access/history/grants/denied",
        "evidence/reports",
    )


async def loaded(page: Page, path: str) -> None:
    """Open a page as a link does, in the console that is open, and wait until it has what it shows."""
    if "/console/" in page.url:
        await page.evaluate(_FOLLOW, f"/console/{path}")
    else:
        await page.goto(f"/console/{path}")
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    await expect(page.get_by_text(re.compile("^(Đang tải…|Loading…)$"))).to_have_count(0)


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("language", "width", "theme"),
    [
        ("vi", 360, "light"),
        ("en", 1440, "dark"),
        pytest.param("vi", 360, "dark", marks=pytest.mark.long),  # the same components, once more in other places
    ],
)
async def test_every_page_is_accessible_and_hostile_text_stays_text(
    hostile: HostileBus, console: Console, language: str, width: int, theme: str
) -> None:
    page = await console.page(*EVERYTHING, agency=AGENCY, language=language, width=width, theme=theme)
    found: list[str] = []
    below = deeper(hostile) if language == "vi" else ()
    for path in (*(one.path for one in PAGES), *below):
        await loaded(page, path)
        found += [f"{path}: {fault}" for fault in await accessibility_faults(page)]
        for check in (small_targets, wrapped_tabs, fields_with_messages_of_the_browser):
            found += [f"{path}: {fault}" for fault in await check(page)]
        if await page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found.append(f"{path}: scrolls sideways")
        if await page.locator("img[src=x]").count():
            found.append(f"{path}: hostile text became markup")
    assert not found, "\n".join(found)


async def test_hostile_text_is_shown_as_it_was_given(hostile: HostileBus, console: Console) -> None:
    page = await console.page(*EVERYTHING, agency=AGENCY)
    for path in (
        "flows?window=1h&group=service",
        f"messages/{hostile.message}",
        f"adapters/provider.{hostile.instance.id}",
        "catalogue",
        "catalogue/desk/v1",
        "forms",
        f"subscriptions/{hostile.subscription}",
        f"subscriptions/endpoints/{hostile.endpoint}",
        "access/grants/denied",
        "access/systems/hostile",
        "access/agencies",
    ):
        await loaded(page, path)
        await expect(page.get_by_text(HOSTILE[:40]).first, path).to_be_attached()


async def test_every_page_has_a_title_an_address_and_a_way_back(console: Console) -> None:
    page = await console.page(*EVERYTHING, agency=AGENCY)
    links = page.get_by_role("navigation", name="Điều hướng").get_by_role("link")
    listed = [one for one in PAGES if one.path != "account"]
    await loaded(page, PAGES[0].path)
    assert await links.count() == len(listed)
    for one in listed[1:]:
        await links.and_(page.locator(f'[href="/console/{one.path}"]')).click()
        await expect(page).to_have_title(re.compile(re.escape(one.vi)))
    for one in reversed(listed[:-1]):
        await page.go_back()
        if not re.search(f"/{one.path}([/?]|$)", page.url):
            await page.go_back()  # a page may have led on to the first of its parts
        await expect(page).to_have_title(re.compile(re.escape(one.vi)))


async def test_who_a_page_is_not_for_is_told_whom_it_is_for(console: Console) -> None:
    for role in sorted({one.forbidden for one in PAGES if one.forbidden}):
        page = await console.page(role, agency=AGENCY, language="en")
        for one in PAGES:
            if one.forbidden == role:
                await page.goto(f"/console/{one.path}")
                await expect(page.get_by_role("heading", name="You may not see this page")).to_be_visible()


@pytest.mark.timeout(300)
async def test_every_page_says_that_the_bus_is_away_comes_back_and_asks_to_sign_in_again(
    hostile: HostileBus, console: Console
) -> None:
    signed_in = await console.officials.signed_in(*EVERYTHING, agency=AGENCY)
    first = await console.page_with(signed_in.token, "en")
    pages = [first, *[await console.tab(first) for _ in PAGES[1:]]]
    for one, page in zip(PAGES, pages, strict=True):
        await loaded(page, one.path)
    await hostile.bus.gateway.stop()
    for page in pages:
        await expect(page.get_by_text("The bus has not answered since")).to_be_visible()
    await hostile.bus.gateway.start()
    for one, page in zip(PAGES, pages, strict=True):
        await expect(page.get_by_text("The bus has not answered since")).to_have_count(0)
        await expect(page.get_by_role("heading", level=1)).to_be_visible()
        await expect(page.get_by_text("could not be loaded"), one.path).to_have_count(0)
        await expect(page.get_by_text(re.compile("figures below are out of date")), one.path).to_have_count(0)
    async with hostile.bus.session.post("/oauth2/revoke", data={"token": signed_in.token}) as answer:
        assert answer.status == 200
    for page in pages:
        await expect(page.get_by_role("dialog")).to_contain_text("Your session has ended")


def test_the_list_has_every_page() -> None:
    source = (ROOT / "gateway/console/src/app/pages.ts").read_text()
    assert [f"/{one.path}" for one in PAGES] == re.findall(r'path: "(/[a-z-]+)"', source)
    described = (ROOT / "docs/console/README.md").read_text()
    assert not [one.path for one in PAGES if f"`/{one.path}`" not in described]
