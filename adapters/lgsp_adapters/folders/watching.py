"""Which files of a folder have stopped changing."""

import asyncio
import time

import structlog

from lgsp_adapters.folders.folder import Drop, Folder, Listing
from lgsp_adapters.tabular.text import shown
from lgsp_process.steady_clock import SteadyClock

AT_LEISURE = 20
"""A folder is left alone for so many times as long as a look at it took: 50,000 files cost some of a core, not a quarter."""

LONGEST_PAUSE = 60.0
_INLINE = 1000


class Watched:
    """A folder that is looked at again and again.

    Args:
        about: what a log line says of whom it is for.
    """

    def __init__(self, folder: Folder, pattern: str, **about: str) -> None:
        self._folder = folder
        self._pattern = pattern
        self._since: dict[Drop, float] = {}
        self._odd: dict[str, str] = {}
        self._took = 0.0
        self._clock = SteadyClock()  # one that jumps ahead must not make a file that is being written look old
        self._log = structlog.get_logger().bind(**about)

    def pause(self) -> float:
        """Seconds until it is to be looked at again."""
        return max(self._folder.look_seconds, min(LONGEST_PAUSE, self._took * AT_LEISURE))

    async def settled(self) -> list[Drop]:
        """Files that stay as they are, the oldest first.

        Raises:
            FolderGone: it cannot be reached now.
        """
        began = time.monotonic()
        found = await self._folder.listing(self._pattern)
        for name, why in found.odd.items():
            if self._odd.get(name) != why:
                self._log.warning("not read", file=shown(name), why=why)
        self._odd = found.odd
        if len(found.drops) > _INLINE:
            settled = await asyncio.to_thread(self._settled, found, began)
        else:
            settled = self._settled(found, began)
        self._took = time.monotonic() - began
        return settled

    def _settled(self, found: Listing, now: float) -> list[Drop]:
        self._since = {drop: self._since.get(drop, now) for drop in found.drops}
        settled = [drop for drop in found.drops if self._still(drop, now) >= self._folder.settle_seconds]
        return sorted(settled, key=lambda drop: (drop.modified, drop.name))

    def _still(self, drop: Drop, now: float) -> float:
        # the clock of a share can be another than ours
        return max(self._clock.now() - drop.modified, now - self._since[drop])
