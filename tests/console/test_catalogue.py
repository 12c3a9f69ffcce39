"""The page Catalogue: find a service, read its contract, try an operation, request access."""

import json
import re

from playwright.async_api import expect
from support.console import Console
from support.keyboard import press, write
from support.people import new_name
from support.workbench import TEXT, document


async def test_a_visitor_reads_a_contract(console: Console) -> None:
    page = await console.page_with(language="vi")
    await page.goto("/console/catalogue?q=desk")
    link = page.get_by_role("article").get_by_role("link")
    await expect(link).to_have_count(1)
    await link.focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Yêu cầu", exact=True)).to_be_visible()
    await expect(page.get_by_text("soDinhDanh", exact=True).first).to_be_visible()
    await expect(page.get_by_text("Hãy đăng nhập để thử.")).to_be_visible()
    await page.get_by_role("tab", name="Python").click()
    await expect(page.get_by_text("/services/desk/v1/read").last).to_be_visible()
    await page.go_back()
    await expect(page.get_by_role("searchbox")).to_have_value("desk")


async def test_a_developer_tries_an_operation(console: Console) -> None:
    page = await console.page("developer", language="en")
    await page.goto("/console/catalogue/desk/v1?show=operation/narrow")
    body = page.get_by_role("textbox", name="Request (JSON)")
    request = json.loads(await body.input_value())
    await body.fill("{")
    await expect(page.get_by_text("This is not valid JSON yet")).to_be_visible()
    await body.fill(json.dumps({**request, "soDinhDanh": 1}))
    await page.get_by_role("button", name="Send").click()
    await expect(page.get_by_text("/soDinhDanh")).to_be_visible()
    await body.fill(json.dumps(request))
    await page.get_by_label("As a grant shows it").select_option("alpha-desk")
    await page.get_by_role("button", name="Send").click()
    answer = page.get_by_role("status").filter(has_text="ketQua")
    await expect(answer).to_be_visible()
    await page.get_by_role("switch", name="Ask the sandbox").check()
    await page.get_by_role("button", name="Send").click()
    await expect(page.get_by_text("No sandbox of this service is on the bus")).to_be_visible()
    sandbox = await console.bus.serve(trials="only")
    await page.get_by_role("button", name="Send").click()
    await expect(page.get_by_text("Answer of the sandbox")).to_be_visible()
    await console.bus.unserve(sandbox)


async def test_a_developer_requests_access_by_keyboard_alone(console: Console) -> None:
    system = new_name("asks")
    sent = document("System", system, agency="H49.1", title=TEXT)
    assert (await console.bus.registry("POST", "systems", sent)).status == 201
    page = await console.page("developer", language="vi")
    await page.goto("/console/catalogue/desk/v1/request")  # leads to the one form that asks for grants
    await expect(page.get_by_role("checkbox", name="(read)")).to_be_visible()
    await write(page, "Hệ thống khai thác", system)
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await press(page, "Gửi yêu cầu")
    await expect(page.get_by_text("Hãy chọn ít nhất một thao tác.")).to_be_visible()
    await press(page, "Thử (read)", "Space")
    await press(page, "Tất cả các trường", "Space")
    await write(page, "Mục đích", "thu-nghiem")
    await page.keyboard.press("Enter")
    await write(page, "Căn cứ pháp lý", '"><img src=x onerror=alert(1)>')
    await press(page, "Gửi yêu cầu")
    await expect(page).to_have_url(re.compile(f"/access/grants/{system}-desk$"))
    got = await console.bus.registry("GET", f"grants/{system}-desk")
    assert got.json["spec"]["operations"] == {"read": {"fields": ["*"]}}
