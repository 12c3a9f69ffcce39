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


async def reach(page: Page, name: str, key: str = "Tab") -> None:
    """Press a key until the focus is on the element whose label or text begins with a name."""
    for _ in range(_STOPS):
        if (await page.evaluate(_FOCUSED)).startswith(name):
            return
        await page.keyboard.press(key)
    raise AssertionError(f"the focus does not come to {name}")


async def press(page: Page, name: str, key: str = "Enter") -> None:
    """Reach an element, and press a key on it."""
    await reach(page, name)
    await page.keyboard.press(key)


async def write(page: Page, name: str, text: str) -> None:
    """Reach a field, and type into it."""
    await reach(page, name)
    await page.keyboard.type(text)
