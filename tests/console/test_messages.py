"""The page Messages: an operator finds a message from the front page, reads its story, and verifies its proof; in both languages, by keyboard."""

import json
import re
import time
import uuid
from pathlib import Path
from typing import Any

import orjson
import pytest
from playwright.async_api import Browser, Route, expect
from support.accessibility import accessibility_faults
from support.console import Console, Officials
from support.searched import Searched
from support.searched_console import PURPOSE, console, people, searched, sent
from support.waits import eventually
from support.workbench import Workbench

from lgsp_contracts.names import GatewayName
from lgsp_gateway.evidence.read.entry_stream import Batch
from lgsp_gateway.evidence.search.store import Index
from lgsp_gateway.evidence.verify.signers import Cosigner

__all__ = ["console", "people", "searched"]

HOSTILE = '"><img src=x onerror=alert(1)>\u202e' + "x" * 400


@pytest.mark.parametrize(
    ("language", "field", "answered", "steps"),
    [
        (
            *("vi", "Tìm thông điệp theo mã", "Bên cung cấp đã trả lời."),
            ["Gateway: trước và sau", "NATS: chiều đi và chiều về", "Bộ kết nối", "Hệ thống cung cấp"],
        ),
        (
            *("en", "Find a message by its id", "The provider answered."),
            ["Gateway: before and after", "NATS: there and back", "Adapter", "Provider's system"],
        ),
    ],
)
async def test_a_message_is_found_by_its_id_from_the_front_page_by_keyboard_alone(
    searched: Searched, console: Console, language: str, field: str, answered: str, steps: list[str]
) -> None:
    message = await sent(searched)
    page = await console.page("operator", language=language)
    await page.goto("/console")
    await expect(page.get_by_label(field)).to_be_visible()
    await page.keyboard.press("/")
    await expect(page.get_by_label(field)).to_be_focused()
    await page.keyboard.type(f"urn:uuid:{message}")
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile(f"/console/messages/{message}$"))
    await expect(page.get_by_text(answered).first).to_be_visible()
    await expect(page.get_by_text("alpha-desk").first).to_be_visible()
    times = page.get_by_role("table", name="Where the time went" if language == "en" else "Thời gian đã dùng vào đâu")
    for step in steps:
        row = times.get_by_role("row").filter(has=page.get_by_role("rowheader", name=step, exact=True))
        await expect(row).to_contain_text("ms")
    assert await accessibility_faults(page) == []


async def test_a_message_is_found_by_service_and_time_and_the_address_is_the_search(
    searched: Searched, console: Console
) -> None:
    refused = await sent(searched, system="beta")
    page = await console.page("operator", language="en")
    await page.goto("/console/messages")
    await page.get_by_role("combobox", name="Period").click()
    await page.get_by_role("option", name="Last 15 minutes").click()
    await page.get_by_role("combobox", name="Data service").fill("desk")
    await page.keyboard.press("Escape")
    await page.get_by_role("combobox", name="Calling system").fill("beta")
    await page.keyboard.press("Escape")
    await page.get_by_label("Only what failed or was refused").check()
    await page.get_by_role("button", name="Find", exact=True).click()
    await expect(page).to_have_url(re.compile("service=desk"))
    await expect(page.locator("tbody").get_by_text("beta").first).to_be_visible()
    await expect(page.locator("tbody").get_by_text("alpha")).to_have_count(0)
    assert await accessibility_faults(page) == []
    shared = page.url
    rows = page.locator("[data-row]")
    await rows.first.focus()
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile(r"/messages/[0-9a-f-]{36}$"))
    await expect(page.get_by_text("request a grant from the provider")).to_be_visible()
    await page.go_back()
    await expect(page.get_by_role("combobox", name="Calling system")).to_have_value("Try (beta)")
    await expect(rows.first).to_be_visible()
    other = await console.page("auditor", language="vi")  # who gets the link sees the same
    await other.goto(shared)
    await expect(other.locator(f'a[href$="{refused}"]')).to_be_visible()
    await expect(other.get_by_role("combobox", name="Hệ thống gọi")).to_have_value("Thử (beta)")


async def test_arrow_keys_move_between_rows_and_pages_go_both_ways(searched: Searched, console: Console) -> None:
    for _ in range(60):
        await searched.bus.call(system="gamma")  # refused, and evidence all the same
    await eventually(lambda: counted(searched, "gamma", 50))
    page = await console.page("operator", language="en")
    await page.goto("/console/messages?consumer=gamma")
    rows = page.locator("[data-row]")
    await expect(rows).to_have_count(50)
    first = await rows.first.get_attribute("href")
    await rows.first.focus()
    await page.keyboard.press("ArrowDown")
    await expect(rows.nth(1)).to_be_focused()
    await page.keyboard.press("ArrowUp")
    await expect(rows.first).to_be_focused()
    await page.get_by_role("button", name="Older").click()
    await expect(page).to_have_url(re.compile("cursor="))
    await expect(rows).not_to_have_count(50)
    await page.get_by_role("button", name="Newer", exact=True).click()
    await expect(rows.first).to_have_attribute("href", str(first))
    await page.go_back()
    await expect(rows).not_to_have_count(50)


async def counted(bus: Searched, consumer: str, least: int) -> bool:
    return len(await bus.items(consumer=consumer, limit="200")) > least


async def test_a_live_list_shows_what_comes(searched: Searched, console: Console) -> None:
    await sent(searched)
    page = await console.page("operator", language="en")
    await page.goto("/console/messages")
    await page.get_by_role("switch", name="Follow live").check()
    message = await sent(searched, "read")
    await expect(page.locator(f'a[href$="{message}"]')).to_be_visible()


async def test_a_true_entry_is_proved_and_a_changed_one_is_not(searched: Searched, console: Console) -> None:
    message = await sent(searched)
    page = await console.page("auditor", language="en")
    await page.goto(f"/console/messages/{message}")
    await page.get_by_role("button", name="Verify", exact=True).click()
    await expect(page.get_by_text("It fits together, but the keys came from this very server")).to_be_visible()
    assert await accessibility_faults(page) == []

    keys = (await searched.bus.ask("GET", "/evidence/keys", system="auditor")).body
    async with page.expect_file_chooser() as chosen:
        await page.get_by_role("button", name="Choose a file of keys…").click()
    await (await chosen.value).set_files({"name": "keys-i-trust.txt", "mimeType": "text/plain", "buffer": keys})
    await expect(page.get_by_text("My file of keys (1 keys)")).to_be_visible()
    await page.get_by_role("button", name="Verify", exact=True).click()
    await expect(page.get_by_text("Proved: the entry is in the signed log")).to_be_visible()

    forged = "answered"

    async def tamper(route: Route) -> None:
        answer = await route.fetch()
        proof: dict[str, Any] = await answer.json()
        proof["entry"] = proof["entry"].replace(f'"outcome":"{forged}"', '"outcome":"not-granted"')
        await route.fulfill(response=answer, body=json.dumps(proof))

    await page.route("**/proof?*", tamper)
    await page.get_by_role("button", name="Verify", exact=True).click()
    await expect(page.get_by_text("NOT proved")).to_be_visible()
    await expect(page.get_by_text("The entry is not in the tree that was signed")).to_be_visible()


async def test_the_proof_of_another_message_or_a_forged_signature_is_refused(
    searched: Searched, console: Console
) -> None:
    message, other = await sent(searched), await sent(searched)
    page = await console.page("auditor", language="vi")
    got = await searched.bus.ask("GET", f"/evidence/messages/{other}/proof?wait=20", system="auditor")
    proof = got.json

    async def swap(route: Route) -> None:
        await route.fulfill(json=proof)

    await page.route("**/proof?*", swap)
    await page.goto(f"/console/messages/{message}")
    await page.get_by_role("button", name="Kiểm chứng", exact=True).click()
    await expect(page.get_by_text("SAI: không chứng minh được")).to_be_visible()
    text, signature = proof["checkpoint"].split("\n\n")
    origin, size, root = text.split("\n")
    proof["checkpoint"] = f"{origin}\n{int(size) + 1}\n{root}\n\n{signature}"
    await page.get_by_role("button", name="Kiểm chứng", exact=True).click()
    await expect(page.get_by_text("Chữ ký của bản chốt không đúng với khóa.")).to_be_visible()


async def test_a_page_that_shows_something_else_than_its_proof_is_not_proved(
    searched: Searched, console: Console
) -> None:
    message = await sent(searched, "wait", Prefer="respond-async")
    page = await console.page("auditor", language="en")

    async def lie(route: Route) -> None:
        answer = await route.fetch()
        story: dict[str, Any] = await answer.json()
        for entry in story["entries"]:
            entry["purpose"] = "cap-cuu"
        await route.fulfill(response=answer, body=json.dumps(story))

    await page.route(f"**/evidence/messages/{message}", lie)
    await page.goto(f"/console/messages/{message}")
    await expect(page.get_by_text("cap-cuu").first).to_be_visible()
    await page.get_by_role("button", name="Verify", exact=True).click()
    await expect(page.get_by_text("The signed entry does not say what this page shows")).to_be_visible()
    await page.unroute(f"**/evidence/messages/{message}")
    await page.reload()
    await page.get_by_role("button", name="Verify", exact=True).click()
    await expect(page.get_by_text("It fits together, but the keys came from this very server")).to_be_visible()


async def test_a_witness_that_the_server_names_itself_vouches_for_nothing(searched: Searched, console: Console) -> None:
    message = await sent(searched)
    witness = Cosigner("witness.example", b"w" * 32)
    got = await searched.bus.ask("GET", f"/evidence/messages/{message}/proof?wait=20", system="auditor")
    proof = got.json
    proof["seals"] = [
        {
            "by": "witness.example",
            "checkpoint": witness.cosign(proof["checkpoint"], int(time.time())),
            "path": proof["path"],
        }
    ]
    keys = (await searched.bus.ask("GET", "/evidence/keys", system="auditor")).body.decode() + f"{witness.key}\n"
    page = await console.page("auditor", language="en")
    await page.route("**/proof?*", lambda route: route.fulfill(json=proof))
    await page.route("**/evidence/keys", lambda route: route.fulfill(body=keys, content_type="text/plain"))
    await page.goto(f"/console/messages/{message}")
    await page.get_by_role("button", name="Verify", exact=True).click()
    await expect(page.get_by_text("It fits together, but the keys came from this very server")).to_be_visible()
    async with page.expect_file_chooser() as chosen:
        await page.get_by_role("button", name="Choose a file of keys…").click()
    file = {"name": "keys-i-trust.txt", "mimeType": "text/plain", "buffer": keys.encode()}
    await (await chosen.value).set_files(file)  # type: ignore[arg-type]
    await page.get_by_role("button", name="Verify", exact=True).click()
    await expect(page.get_by_text("Proved: the entry is in the signed log")).to_be_visible()


async def test_the_caller_of_a_message_shows_that_its_file_is_what_passed(searched: Searched, console: Console) -> None:
    body = json.dumps({"soDinhDanh": "022093001234"}).encode()
    got = await searched.bus.call("read-person", body, headers=PURPOSE)
    await searched.indexed(got.message)
    page = await console.page("auditor", language="en")
    await page.goto(f"/console/messages/{got.message}")
    await page.get_by_role("button", name="Verify", exact=True).click()
    await page.get_by_text("Check a document").click()
    await page.get_by_label("Salt (32 hex digits)").fill(got.headers["Lgsp-Digest-Salt"])
    for content, told in ((body, "request.json: this is what passed"), (b"{}", "This file is not what passed")):
        async with page.expect_file_chooser() as chosen:
            await page.get_by_role("button", name="Request file…").click()
        file = {"name": "request.json", "mimeType": "application/json", "buffer": content}
        await (await chosen.value).set_files(file)  # type: ignore[arg-type]
        await expect(page.get_by_text(told)).to_be_visible()


async def test_an_agency_sees_its_own_and_operators_see_no_persons(searched: Searched, console: Console) -> None:
    theirs = await sent(searched, "read", system="far")
    mine = await sent(searched)
    page = await console.page("agency-admin", agency="H49.2", language="en")
    await page.goto("/console/messages")
    await expect(page.locator("tbody").get_by_text("far").first).to_be_visible()
    await expect(page.locator("tbody").get_by_text("alpha")).to_have_count(0)
    await page.goto(f"/console/messages/{mine}")
    await expect(page.get_by_text("This message was not found")).to_be_visible()
    await page.goto(f"/console/messages/{theirs}")
    await expect(page.get_by_text("auditors alone verify it")).to_be_visible()
    await page.goto("/console/messages/dead-letters")
    await expect(page.get_by_role("heading", name="Nothing waits for a decision")).to_be_visible()
    operator = await console.page("operator", language="en")
    await operator.goto(f"/console/messages/{mine}")
    await expect(operator.get_by_text("Only auditors see the pseudonyms")).to_be_visible()
    subject = (await searched.items(message=mine))[0]["subject"]
    assert subject
    assert subject not in await operator.content()


async def test_a_role_without_the_right_is_told_for_whom_the_page_is(console: Console) -> None:
    page = await console.page("officer", language="vi")
    await page.goto("/console/messages")
    await expect(page.get_by_text("Bạn chưa có quyền xem trang này")).to_be_visible()


async def test_hostile_text_in_the_address_and_in_fields_stays_text(searched: Searched, console: Console) -> None:
    await sent(searched)
    page = await console.page("auditor", language="en")
    await page.goto("/console/messages")
    await page.get_by_role("button", name="More filters").click()
    await page.get_by_role("combobox", name="Calling system").fill(HOSTILE)
    await page.get_by_role("combobox", name="Outcome").fill(HOSTILE)
    for label in ("Trace id", "Personal number"):
        await page.get_by_role("textbox", name=label).fill(HOSTILE)
    await page.get_by_role("button", name="Find", exact=True).click()
    await expect(page.get_by_text("This number has characters that none has")).to_be_visible()
    await page.get_by_role("textbox", name="Personal number").fill("022093001234567890")
    await page.get_by_role("button", name="Find", exact=True).click()
    await expect(page.get_by_role("alert")).to_be_visible()
    await expect(page.get_by_role("textbox", name="Personal number")).to_have_value("022093001234567890")
    await expect(page.get_by_role("combobox", name="Calling system")).to_have_value(
        re.compile('^">')
    )  # nothing typed is lost
    assert "022093" not in page.url
    assert "person=" not in page.url  # a person's number never stands in the address
    await page.goto(f"/console/messages/{'%22%3E%3Cimg%20src=x%20onerror=alert(1)%3E'}")
    await expect(page.get_by_text("This message was not found")).to_be_visible()
    assert await page.locator("img[src=x]").count() == 0


async def test_an_accepted_message_has_its_attempts_and_a_dead_letter_is_retried_or_given_up(
    searched: Searched, console: Console
) -> None:
    bus = searched.bus
    served = next(iter(bus.adapters))
    await bus.unserve(served)
    later = {**PURPOSE, "Prefer": "respond-async"}
    messages = [(await bus.call("wait", headers=later)).message for _ in range(2)]

    async def dead() -> bool:
        got = await bus.ask("GET", "/dead-letters", system="operator")
        return {one["message"] for one in got.json["items"]} >= set(messages)

    await eventually(dead)
    page = await console.page("operator", language="en")
    await page.goto("/console/messages/dead-letters")
    await expect(page.get_by_role("button", name="Give up")).to_have_count(2)
    assert await accessibility_faults(page) == []
    await page.goto(f"/console/messages/{messages[0]}")
    await page.get_by_role("button", name="Give up").click()
    await expect(page.get_by_text("can never be delivered")).to_be_visible()
    await page.get_by_label("Why it is given up").fill(HOSTILE)
    await page.get_by_role("dialog").get_by_role("button", name="Give up").click()
    await expect(page.get_by_text("It was given up.")).to_be_visible()
    await expect(page.get_by_text("onerror=alert").first).to_be_visible()  # as text
    await bus.serve()
    page = await console.page("agency-admin", language="en")  # of the agency whose system sent it
    await page.goto(f"/console/messages/{messages[1]}")
    await expect(page.get_by_role("button", name="Give up")).to_be_visible()
    integrator = await console.page("integrator", language="en")  # who may see it and decides nothing
    await integrator.goto(f"/console/messages/{messages[1]}")
    await expect(integrator.get_by_text("retry it or give it up")).to_be_visible()
    await expect(integrator.get_by_role("button", name="Give up")).to_have_count(0)
    await page.get_by_role("link", name=re.compile("^Messages")).click()
    await page.get_by_role("tab", name="Dead letters").click()
    await page.get_by_label(f"Select {messages[1]}").check()
    await page.get_by_role("button", name="Retry the 1 selected").click()
    await expect(page.get_by_text("it may be done twice")).to_be_visible()
    await page.get_by_role("dialog").get_by_role("button", name="Retry").click()
    await expect(page.get_by_text("1 will be delivered again.")).to_be_visible()
    await expect(page.get_by_text("Nothing waits for a decision")).to_be_visible()
    await page.goto(f"/console/messages/{messages[1]}")
    await expect(page.get_by_text("Answered").first).to_be_visible()


@pytest.mark.long  # `test_every_page.py` looks at these pages too
@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_nothing_scrolls_sideways_at_360_pixels(searched: Searched, console: Console, theme: str) -> None:
    message = await sent(searched, "narrow", Prefer="respond-async")
    page = await console.page("auditor", "operator", theme=theme, width=360)
    for path in ("", f"/{message}", "/accepted", "/dead-letters"):
        await page.goto(f"/console/messages{path}")
        await expect(page.get_by_role("heading", level=1)).to_be_visible()
        await expect(page.get_by_text("Đang tải…")).to_have_count(0)
        width = await page.evaluate("document.documentElement.scrollWidth")
        assert width <= 360, path
        assert await accessibility_faults(page) == [], path


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_a_hundred_thousand_messages_are_searched_as_a_few_are(tmp_path: Path, browser: Browser) -> None:
    address = str(tmp_path / "index.db")
    index = Index(address, writes=True)
    made = [await add_entries(index, number) for number in range(1, 101)]
    await index.close()
    bus = await Workbench(tmp_path / "bus").start("--index", address)
    opened = Console(browser, Officials(bus))
    page = await opened.page("operator", language="en")
    rows = page.locator("[data-row]")
    for query in (
        "period=all",
        "period=all&consumer=beta",
        "period=all&outcome=provider-timeout",
        "period=7d&failed=true",
    ):
        await page.goto(f"/console/messages?{query}")
        await expect(rows).to_have_count(50)
        await page.get_by_role("button", name="Older").click()
        await expect(page).to_have_url(re.compile("cursor="))
        await expect(rows).to_have_count(50)
    await page.goto(f"/console/messages/{made[50]}")
    await expect(page.get_by_text(made[50])).to_be_visible()
    await expect(page.get_by_text("Who, what and why")).to_be_visible()
    await opened.close()
    await bus.stop()


async def add_entries(index: Index, number: int) -> str:
    """Add a batch of a thousand calls, and return the id of its first."""
    begun = int(time.time() * 1000) - 200_000 + number * 1000
    ids = [str(uuid.UUID(int=(begun + n) << 80 | 7 << 76 | 2 << 62 | number * 1000 + n)) for n in range(1000)]
    entries = []
    for n, message in enumerate(ids):
        late = n % 100 == 0
        fields = dict.fromkeys(("purpose", "subject", "onBehalfOf", "trace", "requestDigest", "answerDigest"), "")
        fields |= {"gateway": "bench", "agency": "H49.1", "provider": "provider", "service": "desk", "version": "1.0.0"}
        fields |= {"consumer": "beta" if n % 50 == 0 else "alpha", "operation": "read", "grant": "alpha-desk"}
        fields |= {"outcome": "provider-timeout" if late else "answered", "kind": "call", "message": message}
        figures = {"v": 1, "time": begun + n, "status": 504 if late else 200, "requestSize": 30, "answerSize": 20}
        entries.append(orjson.dumps({**fields, **figures, "providerMs": 3.0, "totalMs": 4.0}))
    await index.add(number - 1, [Batch(number, GatewayName("bench"), b"\n".join(entries))])
    return ids[0]
