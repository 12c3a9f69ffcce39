"""How soon the page Flows can be used: `PYTHONPATH=tests python -m support.console_speed` measures it on a demo bus and prints it.

A browser without a cache opens the page on a server that has answered before, again and again. Usable is the page once the first band
of the picture is painted: it can be clicked then. No time is asserted anywhere; machines differ and are shared.
"""

import asyncio
import statistics
import sys
from typing import Any, NamedTuple

from playwright.async_api import Browser, StorageState

from support.console import chromium
from support.demo_bus import demo_bus, signed_in_state

RUNS = 9
SIZE = {"width": 1440, "height": 900}
_WATCH = """
window.busyMs = 0;
new PerformanceObserver((list) => list.getEntries().forEach((task) => { window.busyMs += task.duration; }))
  .observe({type: "longtask", buffered: true});
const Source = window.EventSource;
window.EventSource = class extends Source {
  constructor(address, options) {
    super(address, options);
    if (!String(address).includes("/ops/flows")) return;
    window.askedAt ??= performance.now();
    this.addEventListener("picture", () => { window.toldAt ??= performance.now(); });
  }
};
window.usable = new Promise((resolve) => {
  const look = () => {
    if (document.querySelector("nav svg a[href]")) {
      requestAnimationFrame(() => setTimeout(() => resolve(performance.now())));  // after it is painted
      watching.disconnect();
    }
  };
  const watching = new MutationObserver(look);
  watching.observe(document, {childList: true, subtree: true});
});
"""
_FIGURES = """async () => {
  const usable = await window.usable;
  const requests = performance.getEntriesByType("resource").filter((one) => one.startTime < usable);
  const paint = performance.getEntriesByName("first-contentful-paint")[0];
  return {
    usable,
    painted: paint ? paint.startTime : NaN,
    asked: window.askedAt,
    told: window.toldAt,
    busy: window.busyMs,
    kilobytes: requests.reduce((sum, one) => sum + one.transferSize, 0) / 1000,
    requests: requests.length,
  };
}"""


class Opening(NamedTuple):
    """One opening of the page, in milliseconds since the navigation began.

    Args:
        usable: when the first band could be clicked.
        painted: when there was anything to see.
        asked: when the page asked for the picture.
        told: when the page was told of the picture.
        busy: how long tasks of more than 50 ms held the page up, on the clock.
        processor: how much time of a processor the page itself took, which says more than the clock where the machine is shared.
        kilobytes: that were received until the page was usable, without the stream.
        requests: that were made until then.
    """

    usable: float
    painted: float
    asked: float
    told: float
    busy: float
    processor: float
    kilobytes: float
    requests: float


async def open_cold(browser: Browser, origin: str, state: StorageState, path: str = "/console/flows") -> Opening:
    """Open the page once in a browser without a cache, as somebody who is signed in."""
    context = await browser.new_context(storage_state=state, viewport=SIZE, locale="vi-VN")  # type: ignore[arg-type]
    try:
        page = await context.new_page()
        await page.add_init_script(_WATCH)
        inspector = await context.new_cdp_session(page)
        await inspector.send("Performance.enable", {"timeDomain": "threadTicks"})
        await page.goto(f"{origin}{path}", wait_until="commit")
        figures: dict[str, Any] = await page.evaluate(_FIGURES)
        metrics = (await inspector.send("Performance.getMetrics"))["metrics"]
        processor = next(1000 * one["value"] for one in metrics if one["name"] == "TaskDuration")
        return Opening(processor=processor, **figures)
    finally:
        await context.close()


async def measure(browser: Browser, origin: str, state: StorageState, path: str = "/console/flows") -> list[Opening]:
    """Open the page once to warm the server, then as often as is measured."""
    await open_cold(browser, origin, state, path)
    return [await open_cold(browser, origin, state, path) for _ in range(RUNS)]


def report(openings: list[Opening]) -> str:
    """Return the median of each figure in words, and the range of the times until the page was usable."""
    middle = Opening(*(statistics.median(figures) for figures in zip(*openings, strict=True)))
    times = sorted(one.usable for one in openings)
    return (
        f"usable after {middle.usable:.0f} ms (median of {len(openings)}, {times[0]:.0f} to {times[-1]:.0f}); "
        f"first paint {middle.painted:.0f} ms, picture asked for at {middle.asked:.0f} ms and there at {middle.told:.0f} ms, "
        f"busy {middle.busy:.0f} ms, processor {middle.processor:.0f} ms, {middle.requests:.0f} requests, {middle.kilobytes:.0f} kB"
    )


async def main() -> None:
    """Measure on a demo bus, or on the bus whose one-time link of an operator is given."""
    async with chromium() as browser:
        if len(sys.argv) > 1:
            origin, state = await signed_in_state(browser, sys.argv[1])
            print(report(await measure(browser, origin, state)))
            return
        async with demo_bus() as links:
            origin, state = await signed_in_state(browser, links["operator"])
            await asyncio.sleep(20)  # until there are flows
            print(report(await measure(browser, origin, state)))


if __name__ == "__main__":
    asyncio.run(main())
