"""What axe-core finds on a page of the console, against WCAG 2.2 AA."""

from playwright.async_api import Page

from support.processes import ROOT

_AXE = (ROOT / "gateway/console/node_modules/axe-core/axe.min.js").read_text
_RUN = """async () => {
  const runOnly = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  const { violations } = await axe.run({ runOnly, resultTypes: ["violations"] });
  return violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html.slice(0, 200))]);
}"""
"""Of what passes nothing comes back: it is megabytes for each page."""


async def accessibility_faults(page: Page) -> list[str]:
    """What axe finds on a page as it is now: the rule, and where it is broken."""
    if not await page.evaluate("'axe' in globalThis"):
        await page.evaluate(_AXE())
    found: list[tuple[str, list[str]]] = await page.evaluate(_RUN)
    return [f"{rule}: {nodes}" for rule, nodes in found]
