"""A grant from the request to its use, as strangers walk it: whom it waits for is said, counted in their menus, and nothing typed is lost."""

import json
import re
import secrets

import aiohttp
import pytest
from playwright.async_api import Page, Request, expect
from support.console import Console, Officials
from support.keyboard import press, reach, write
from support.people import new_name
from support.workbench import TEXT, Workbench, document, grant

PERSONAL = {"read_person": ["/ketQua"]}


async def choose(page: Page, field: str, text: str) -> None:
    """Choose in a list by keyboard what is found by a text."""
    await write(page, field, text)
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")


async def approve_by_keyboard(page: Page, name: str) -> None:
    await page.goto("/console/access/requests")
    await expect(page.get_by_role("link", name=name)).to_be_visible()
    await press(page, name, exact=True)
    await expect(page.get_by_role("heading", name=name)).to_be_visible()
    await press(page, "Approve", exact=True)
    await expect(page.get_by_role("dialog").get_by_role("textbox")).to_be_focused()
    await press(page, "Approve", exact=True)
    await expect(page.get_by_role("dialog")).to_have_count(0)


async def test_officers_get_a_grant_over_two_approvals_by_keyboard_alone(console: Console) -> None:
    agency = f"H49.{secrets.randbelow(800) + 100}"
    got = await console.bus.registry("POST", "agencies", document("Agency", agency, title=TEXT))
    assert got.status == 201, got.body
    page = await console.page("agency-admin", agency=agency, language="en")
    await page.goto("/console/access")
    await expect(page.get_by_role("link", name="Request a grant")).to_be_visible()
    await press(page, "Request a grant")
    await reach(page, "A system")
    await page.keyboard.press("ArrowDown")
    await expect(page.get_by_text(f"forms-{agency.lower().replace('.', '-')}")).to_be_visible()
    await write(page, "Positions that may use it", "tu-phap")
    await page.keyboard.press("Enter")
    await choose(page, "Choose a service", "desk v1")
    operation = page.get_by_role("checkbox", name=re.compile(r"\(read-person\)"))
    await expect(operation).to_be_visible()
    await press(page, str(await operation.evaluate("one => one.labels[0].textContent")), "Space")
    await press(page, "All fields", "Space")
    await write(page, "Purposes", "thu-nghiem")
    await page.keyboard.press("Enter")
    await write(page, "Legal basis", "Decision 12")
    await press(page, "Send the request")
    await expect(page.get_by_text("Requested", exact=True)).to_be_visible()
    name = page.url.rpartition("/")[2]
    approvals = page.get_by_role("listitem")
    await expect(approvals.filter(has_text="An administrator of")).to_contain_text("H49.1")
    await expect(approvals.filter(has_text="An operator of the bus")).to_be_visible()
    await expect(page.get_by_text("counted beside Access")).to_be_visible()
    for row, text in (("Provider's agency", "(H49.1)"), ("For officers", "tu-phap"), ("Quota of each officer", "30")):
        await expect(page.get_by_role("row", name=row)).to_contain_text(text)

    await approve_by_keyboard(await console.page("operator", language="en"), name)
    await approve_by_keyboard(await console.page("agency-admin", who="c", language="en"), name)
    await page.reload()
    await expect(page.get_by_text("In force", exact=True)).to_be_visible()
    got = await console.bus.registry("GET", f"grants/{name}")
    assert got.json["spec"]["officers"] == {"positions": ["tu-phap"], "quota": {"requests": 30, "per": "hour"}}

    officer = await console.officials.signed_in("officer", agency=agency)
    read = await console.bus.registry("GET", f"persons/{officer.person}")
    sent = document("Person", officer.person, **{**read.json["spec"], "positions": ["tu-phap"]})
    namer = await console.officials.signed_in("operator")
    headers = {"If-Match": read.headers["ETag"], "Authorization": f"Bearer {namer.token}"}
    assert (await console.bus.registry("PUT", f"persons/{officer.person}", sent, headers=headers)).status == 200
    form = await console.page_with(await console.officials.begin_session(officer.person), "en")
    await form.goto("/console/forms/desk/v1/read-person")
    await expect(form.get_by_role("button", name="Ask")).to_be_visible()


async def test_the_menu_counts_live_what_waits_and_asks_for_nothing(console: Console) -> None:
    page = await console.page("operator", language="en")
    asked: list[Request] = []

    def note(request: Request) -> None:
        asked.append(request)

    await page.goto("/console/catalogue")
    await expect(page.get_by_role("link", name="Access")).to_be_visible()
    name = new_name("counted")
    sent = grant(name, "gamma", **PERSONAL)
    link = page.get_by_role("link", name=re.compile(r"^Access ?, \d+ waiting for you$"))
    operator = await console.officials.signed_in("operator")
    before = (await waiting(console.bus, operator.token))["access"]
    if before:
        await expect(link).to_be_visible()
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.on("request", note)
    assert (await console.bus.registry("POST", "grants", sent, system="developer")).status == 201
    counted = re.compile(rf"^Access ?, {before + 1} waiting for you$")
    await expect(page.get_by_role("link", name=counted)).to_be_visible()
    assert not [one.url for one in asked if "/catalog/" not in one.url]
    other = await page.context.new_page()  # it does not hold the stream, and asks the tab that does
    await other.goto("/console/catalogue")
    await expect(other.get_by_role("link", name=counted)).to_be_visible()
    asker = await console.page("developer", language="en")
    await asker.goto("/console/access/requests")
    await expect(asker.get_by_role("link", name="Access", exact=True)).to_be_visible()


async def waiting(bus: Workbench, token: str) -> dict[str, int]:
    """What the stream of a session says first of what waits."""
    headers = {"Authorization": f"Bearer {token}"}
    timeout = aiohttp.ClientTimeout(total=15)
    async with bus.session.get("/me/session/events", headers=headers, timeout=timeout) as answer:
        name = ""
        async for line in answer.content:
            text = line.decode().strip()
            name = text.removeprefix("event: ") if text.startswith("event: ") else name
            if text.startswith("data: ") and name == "waiting":
                counts: dict[str, int] = json.loads(text.removeprefix("data: "))
                return counts
    raise AssertionError("the stream ended")


async def test_nobody_is_told_of_what_they_do_not_decide(console_bus: Workbench, officials: Officials) -> None:
    name = new_name("hidden")
    provider = await officials.signed_in("agency-admin", who="c")
    other = await officials.signed_in("agency-admin", agency="H49.2", who="other")
    before = [await waiting(console_bus, one.token) for one in (provider, other)]
    sent = grant(name, "gamma", **PERSONAL)
    assert (await console_bus.registry("POST", "grants", sent, system="developer")).status == 201
    after = [await waiting(console_bus, one.token) for one in (provider, other)]
    assert [two["access"] - one["access"] for one, two in zip(before, after, strict=True)] == [1, 0]
    assert (await waiting(console_bus, (await officials.signed_in("developer")).token)).keys() == {"deadLetters"}
    assert await waiting(console_bus, (await officials.signed_in("auditor")).token) == {}


async def test_names_of_people_are_for_those_who_may_read_them(console_bus: Workbench, officials: Officials) -> None:
    provider = await officials.signed_in("agency-admin", who="c")
    name = new_name("named")
    sent = grant(name, "gamma", **PERSONAL)
    assert (await console_bus.registry("POST", "grants", sent, system="developer")).status == 201

    async def asked(path: str, *roles: str, agency: str = "H49.1") -> object:
        signed_in = await officials.signed_in(*roles, agency=agency)
        headers = {"Authorization": f"Bearer {signed_in.token}"}
        got = await console_bus.registry("GET", path, headers=headers)
        assert got.status == 200, got.body
        return got.json

    principal = f"principals?name=person/{provider.person}"
    known = await asked(principal, "operator")
    assert isinstance(known, dict)
    assert known["name"] == "Nguyễn Văn agency-admin"
    assert await asked(principal, "developer") == {key: value for key, value in known.items() if key != "name"}
    assert (await asked(principal, "agency-admin", agency="H49.2")) == await asked(principal, "developer")

    review = await asked(f"grants/{name}/review", "operator")
    assert isinstance(review, dict)
    of_provider, of_operators = review["approvers"]
    assert (of_provider["agency"], of_provider["role"]) == ("H49.1", "agency-admin")
    assert f"person/{provider.person}" in of_provider["people"]
    assert of_operators["role"] == "operator"
    assert review["parties"]["provider"]["agencyTitle"]
    review = await asked(f"grants/{name}/review", "developer")
    assert isinstance(review, dict)
    assert not any("people" in group for group in review["approvers"])


async def test_back_leads_to_the_step_before_and_the_key_stays_in_memory(console: Console) -> None:
    page, name = await console.page("agency-admin", who="c", language="en"), new_name("stepped")
    await page.goto("/console/access/systems/new/key")  # with nothing typed yet: from the beginning
    await expect(page.get_by_label("Name of the system")).to_be_visible()
    await page.get_by_label("Name of the system").fill(name)
    await page.get_by_label("Title in Vietnamese").fill("Thử")
    await page.get_by_label("Title in English").fill("Try")
    await page.get_by_role("button", name="Continue").click()
    await page.get_by_role("button", name="Make the key").click()
    await expect(page.get_by_role("button", name="Download the private key")).to_be_visible()
    await page.go_back()
    await expect(page.get_by_label("Name of the system")).to_have_value(name)
    await page.go_forward()
    async with page.expect_download():
        await page.get_by_role("button", name="Download the private key").click()
    await page.get_by_role("button", name="Register the system").click()
    await expect(page.get_by_text(f"System {name} is registered")).to_be_visible()
    await page.get_by_label("Legal basis").fill("Decision 12")
    await page.get_by_role("button", name="Later").click()
    await expect(page.get_by_text("Take the first token")).to_be_visible()
    await page.go_back()
    await expect(page.get_by_label("Legal basis")).to_have_value("Decision 12")
    stored = await page.evaluate(
        "JSON.stringify([{...localStorage}, {...sessionStorage}, history.state, location.href])"
    )
    assert '"d"' not in stored
    assert "PRIVATE" not in stored
    await page.go_back()
    await expect(page.get_by_text("this step cannot be changed here any more")).to_be_visible()
    await page.go_forward()
    await page.reload()
    await expect(page.get_by_text(f"System {name} is registered")).to_be_visible()


async def test_what_is_missing_is_said_in_the_language_of_the_page(console: Console) -> None:
    page = await console.page("operator", language="en")
    await page.goto("/console/access/grants/new?lang=vi&for=officers")
    await page.get_by_role("button", name="Gửi yêu cầu").click()
    for text in ("Hãy chọn dịch vụ.", "Hãy chọn ít nhất một mục đích.", "Hãy nêu căn cứ pháp lý"):
        await expect(page.get_by_text(text)).to_be_visible()
    name = new_name("words")
    sent = grant(name, "gamma", **PERSONAL)
    assert (await console.bus.registry("POST", "grants", sent, system="developer")).status == 201
    await page.goto(f"/console/access/grants/{name}?lang=vi")
    await page.get_by_role("button", name="Từ chối", exact=True).click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name="Từ chối", exact=True).click()
    await expect(dialog).to_be_visible()
    await expect(dialog.get_by_text("Hãy điền mục này.")).to_be_visible()


@pytest.mark.parametrize("pause", [0, 20, 100, 190])
async def test_a_dialog_that_closes_makes_room_for_the_next_one(console: Console, pause: int) -> None:
    somebody = await console.officials.signed_in("developer", who="dialogs")
    page = await console.page("operator", language="en")
    await page.goto(f"/console/access/persons/{somebody.person}")
    await page.get_by_role("button", name="Name a deputy").click()
    await expect(page.get_by_role("dialog")).to_be_visible()
    await page.evaluate(
        """async (pause) => {
          const press = (name) => [...document.querySelectorAll("button")].find((one) => one.textContent === name).click();
          press("Cancel");
          if (pause) await new Promise((resolve) => setTimeout(resolve, pause));
          press("Suspend");
        }""",
        pause,
    )
    await expect(page.get_by_role("dialog", name="Suspend")).to_be_visible()
    await expect(page.get_by_role("dialog")).to_have_count(1)
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await page.get_by_role("button", name="Name a deputy").click()
    await expect(page.get_by_role("dialog", name="Name a deputy")).to_be_visible()
