"""The page Health: what fails stands first, with what to do and since when; it follows by itself."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, expect
from support.accessibility import accessibility_faults
from support.alertmanager import AlertmanagerProcess
from support.console import Console, Officials
from support.workbench import Workbench

from lgsp_adapters.host.instance import Instance


@pytest.mark.parametrize(
    ("language", "title", "what", "ok"),
    [
        ("vi", "Bộ kết nối đang tạm dừng", "lgsp adapter resume", "Mọi bộ kết nối"),
        ("en", "Drained adapters", "resume them with `lgsp adapter resume`", "All adapters of 1"),
    ],
)
async def test_a_check_that_fails_shows_first_with_what_to_do_and_passes_again(
    console: Console, language: str, title: str, what: str, ok: str
) -> None:
    instance = Instance()
    served = await console.bus.serve(instance=instance)
    path = f"/ops/adapters/{instance.id}"
    assert (await console.bus.ask("POST", f"{path}/drain", {"reason": "x"}, system="operator")).status == 200
    await console.bus.ask("GET", "/ops/checks", system="operator")  # a round for all who look
    page = await console.page("operator", language=language)
    await page.goto("/console/health")
    failing = page.get_by_role("region").first
    await expect(failing.get_by_role("heading", name=title)).to_be_visible()
    await expect(failing).to_contain_text(what)
    await expect(failing).to_contain_text(ok)
    assert not await accessibility_faults(page)
    await console.bus.ask("POST", f"{path}/resume", {"reason": "x"}, system="operator")
    await console.bus.ask("GET", "/ops/checks", system="operator")  # a round for all who look
    await expect(failing.get_by_role("heading", name=title)).to_have_count(0)
    await console.bus.unserve(served)


async def test_without_an_alertmanager_the_page_says_so_and_others_may_not_see_it(console: Console) -> None:
    page = await console.page("auditor", width=360)
    await page.goto("/console/health")
    await expect(page.get_by_text("Gateway chưa biết Alertmanager nào")).to_be_visible()
    assert not await accessibility_faults(page)
    assert await page.evaluate("document.documentElement.scrollWidth") <= 360
    other = await console.page("developer", language="en")
    await other.goto("/console/health")
    await expect(other.get_by_role("heading", name="You may not see this page", level=1)).to_be_visible()
    await expect(other.get_by_text("This page is for: Operator of the bus, Auditor.")).to_be_visible()
    assert not await accessibility_faults(other)


async def test_an_alert_that_fires_is_shown_with_what_to_do(tmp_path: Path, browser: Browser) -> None:
    alertmanager = await AlertmanagerProcess(tmp_path).start()
    bus = await Workbench(tmp_path).start("--alertmanager", alertmanager.url)
    opened = Console(browser, Officials(bus))
    await alertmanager.fire(
        *("LgspEvidenceNotWritten", "critical", "3 entries wait; <b>calls</b> are refused.", "Check the disk.")
    )
    page = await opened.page("operator", language="en")
    await page.goto("/console/health")
    alerts = page.get_by_role("region", name="Alerts that fire")
    await expect(alerts.get_by_role("heading", name="LgspEvidenceNotWritten")).to_be_visible()
    await expect(alerts).to_contain_text("What to do: Check the disk.")
    await expect(alerts).to_contain_text("<b>calls</b>")  # as text
    await expect(alerts).to_contain_text("instance=gw-1")
    assert not await accessibility_faults(page)
    await opened.close()
    await bus.stop()
    await alertmanager.stop()
