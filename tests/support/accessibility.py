"""What axe-core finds on a page of the console, against WCAG 2.2 AA."""

from playwright.async_api import Page

from support.processes import ROOT

_AXE = ROOT / "gateway/console/node_modules/axe-core/axe.min.js"
SETTLED = """Promise.allSettled(
  document.getAnimations().filter((one) => one instanceof CSSTransition).map((one) => one.finished)
).then(() => undefined)"""
"""Colours are on their way to others for a moment."""
_TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
_RUN = """async (runOnly) => {
  const { violations } = await axe.run({ runOnly, resultTypes: ["violations"] });
  return violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html.slice(0, 200))]);
}"""
"""Of what passes nothing comes back: it is megabytes for each page."""
_SMALL = """() => {
  const shown = (one) => one.checkVisibility({ visibilityProperty: true }) && one.getBoundingClientRect().left > -1000;
  const target = (one) =>
    one.matches("input[role=switch]") ? one.parentElement.querySelector("[class*=track]")
      : one.matches("input[type=radio]") && one.offsetWidth === 0 ? one.labels[0] : one;
  const size = (one) => { const { width, height } = one.getBoundingClientRect(); return { width, height }; };
  return [...document.querySelectorAll(
    "a[href], button:not([data-state] > *), select, textarea, summary, input:not([type=hidden]), [role=tab], [role=option], [role=menuitem]"
  )].filter(shown).map(target).map((one) => [size(one), one])
    .filter(([{ width, height }]) => width < 23.5 || height < 23.5)
    .map(([{ width, height }, one]) => `${Math.round(width)} x ${Math.round(height)}: ${one.outerHTML.slice(0, 160)}`);
}"""
"""Of pictures (`svg`) nothing: they have a table with the same links."""
_WRAPPED = """() => [...document.querySelectorAll("[role=tablist]")]
  .filter((list) => new Set([...list.children].map(({ offsetTop }) => offsetTop)).size > 1)
  .map((list) => list.textContent.slice(0, 160))"""
_SPEAKING = """() => {
  const speaking = [];
  for (const form of document.forms) {
    if (form.noValidate) continue;
    for (const field of form.elements) {
      const hear = (event) => event.defaultPrevented || speaking.push(field.outerHTML.slice(0, 160));
      field.addEventListener("invalid", hear);
      if (!(field instanceof HTMLFieldSetElement) && !field.checkValidity() && !field.getAttribute("aria-describedby"))
        speaking.push(`says nothing: ${field.outerHTML.slice(0, 160)}`);
      field.removeEventListener("invalid", hear);
    }
  }
  return speaking;
}"""


async def accessibility_faults(page: Page, rule: str = "") -> list[str]:
    """What axe finds on a page as it is when it has stopped moving: the rule, and where it is broken.

    Args:
        rule: the only one to try, such as `color-contrast`; all of WCAG 2.2 AA where none is given.
    """
    if not await page.evaluate("'axe' in globalThis"):
        await page.evaluate(_AXE.read_text())
    await page.evaluate(SETTLED)
    found: list[tuple[str, list[str]]] = await page.evaluate(_RUN, [rule] if rule else _TAGS)
    return [f"{broken}: {nodes}" for broken, nodes in found]


async def small_targets(page: Page) -> list[str]:
    """What can be pressed on a page as it is now, and measures less than 24 by 24 px (WCAG 2.2, 2.5.8, without its exceptions)."""
    found: list[str] = await page.evaluate(_SMALL)
    return [f"small target, {one}" for one in found]


async def wrapped_tabs(page: Page) -> list[str]:
    """Lists of tabs on a page as it is now that take more than one line, where they should scroll."""
    found: list[str] = await page.evaluate(_WRAPPED)
    return [f"tabs in more than one line: {one}" for one in found]


async def fields_with_messages_of_the_browser(page: Page) -> list[str]:
    """Fields of a page as it is now at which the browser would say in its own language what is wrong, or nobody would."""
    found: list[str] = await page.evaluate(_SPEAKING)
    return [f"message of the browser: {one}" for one in found]
