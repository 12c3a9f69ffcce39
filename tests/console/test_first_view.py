"""The first view of the console is small, and what shows it finds nothing wrong with the catalogue."""

import pytest
from playwright.async_api import Response, expect
from support.accessibility import accessibility_faults
from support.console import Console

LARGEST = 300_000
"""Bytes of scripts, styles, fonts and pictures as they are sent, until the first page is shown."""


async def test_the_first_view_is_small(console: Console) -> None:
    page = await console.page("operator", language="vi")
    responses: list[Response] = []
    page.on("response", lambda response: responses.append(response))  # noqa: PLW0108 - playwright marks the handler
    await page.goto("/console/flows")
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    await page.wait_for_load_state("load")
    files = [one for one in responses if "/console/" in one.url]
    sizes = {one.url: (await one.request.sizes())["responseBodySize"] for one in files}
    assert sum(sizes.values()) < LARGEST, sizes
    assert all(one.headers.get("content-encoding") == "br" for one in files if one.url.endswith((".js", ".css")))


@pytest.mark.long  # `test_every_page.py` looks at these pages too
async def test_axe_finds_nothing_in_the_catalogue(console: Console) -> None:
    page = await console.page("developer", language="en", theme="dark", width=360)
    for path, heading in (
        ("catalogue", "Catalogue"),
        ("catalogue/desk/v1", "Request"),
        ("catalogue/desk/v1/request", "Request"),
    ):
        await page.goto(f"/console/{path}")
        await expect(page.get_by_role("heading", name=heading).first).to_be_visible()
        assert not await accessibility_faults(page), path
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
