"""What axe-core finds on a page of the console, against WCAG 2.2 AA."""

from typing import Any

from playwright.async_api import Page

from support.processes import ROOT

_AXE = ROOT / "gateway/console/node_modules/axe-core/axe.min.js"
_RUN = """() => axe.run({runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]})"""


async def accessibility_faults(page: Page) -> list[str]:
    """What axe finds on a page as it is now: the rule, and where it is broken."""
    await page.evaluate(_AXE.read_text())
    found: dict[str, Any] = await page.evaluate(_RUN)
    return [f"{one['id']}: {[node['html'][:200] for node in one['nodes']]}" for one in found["violations"]]
