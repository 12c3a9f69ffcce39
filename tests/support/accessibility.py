"""What axe-core finds on a page of the console, against WCAG 2.2 AA."""

from playwright.async_api import Page

from support.processes import ROOT

_AXE = ROOT / "gateway/console/node_modules/axe-core/axe.min.js"
_TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
_RUN = """async (runOnly) => {
  const { violations } = await axe.run({ runOnly, resultTypes: ["violations"] });
  return violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html.slice(0, 200))]);
}"""
"""Of what passes nothing comes back: it is megabytes for each page."""


async def accessibility_faults(page: Page, rule: str = "") -> list[str]:
    """What axe finds on a page as it is now: the rule, and where it is broken.

    Args:
        rule: the only one to try, such as `color-contrast`; all of WCAG 2.2 AA where none is given.
    """
    if not await page.evaluate("'axe' in globalThis"):
        await page.evaluate(_AXE.read_text())
    found: list[tuple[str, list[str]]] = await page.evaluate(_RUN, [rule] if rule else _TAGS)
    return [f"{broken}: {nodes}" for broken, nodes in found]
