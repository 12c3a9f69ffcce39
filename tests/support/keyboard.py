"""A page of the console used without a pointer."""

from playwright.async_api import Page

_STOPS = 120
"""Of the keyboard on a page, at most."""
_FOCUSED = """() => {
  const at = document.activeElement;
  if (at?.tagName === "DIV") return "";  // a frame that scrolls
  const label = at?.getAttribute("aria-label") ?? at?.labels?.[0]?.textContent ?? at?.textContent ?? "";
  return label.replace(/[*\\s]+/g, " ").trim();
}"""


async def reach(page: Page, name: str, *, exact: bool = False) -> None:
    """Press Tab until the focus is on the element whose label or text begins with a name, or is that name alone."""
    for _ in range(_STOPS):
        focused: str = await page.evaluate(_FOCUSED)
        if focused == name or (focused.startswith(name) and not exact):
            return
        await page.keyboard.press("Tab")
    raise AssertionError(f"the focus does not come to {name}")


async def press(page: Page, name: str, key: str = "Enter", *, exact: bool = False) -> None:
    """Reach an element, and press a key on it."""
    await reach(page, name, exact=exact)
    await page.keyboard.press(key)


async def write(page: Page, name: str, text: str) -> None:
    """Reach a field, and type into it."""
    await reach(page, name)
    await page.keyboard.type(text)
