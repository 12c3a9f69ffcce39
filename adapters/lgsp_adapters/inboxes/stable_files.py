"""Which files of a folder have stopped changing."""

import asyncio
import time

import structlog

from lgsp_adapters.inboxes.inbox_file import Drop, Folder, Listing
from lgsp_adapters.text.comparison import shown
from lgsp_runtime.steady_clock import SteadyClock

SECONDS_A_FILE = 0.0002
"""How much longer a folder is left alone for each file in it: a look at 50,000 takes a third of a second, and comes every ten."""

LONGEST_PAUSE = 60.0
FIRST_PUT_OFF = 0.5
LONGEST_PUT_OFF = 300.0
_INLINE = 1000


class Watched:
    """A folder that is looked at again and again.

    Args:
        most: how many files are of interest, the newest ones; all where it is 0.
        about: what a log line says of whom it is for.
    """

    def __init__(self, folder: Folder, pattern: str, most: int = 0, **about: str) -> None:
        self._folder = folder
        self._pattern = pattern
        self._most = most
        self._since: dict[Drop, float] = {}
        self._odd: dict[str, str] = {}
        self._clock = SteadyClock()  # one that jumps ahead must not make a file that is being written look old
        self._later: dict[Drop, tuple[float, float]] = {}
        self._seen = 0
        self.growing = ""
        """A file that has not stopped changing, if nothing else is there."""
        self._log = structlog.get_logger().bind(**about)

    def pause(self) -> float:
        """Seconds until it is to be looked at again."""
        return max(self._folder.look_seconds, min(LONGEST_PAUSE, self._seen * SECONDS_A_FILE))

    def put_off(self, drop: Drop) -> None:
        """Leave a file that cannot be read now for a while, longer each time: it may take the time that others need."""
        _, before = self._later.get(drop, (0.0, FIRST_PUT_OFF / 2))
        pause = min(before * 2, LONGEST_PUT_OFF)
        self._later[drop] = (time.monotonic() + pause, pause)
        self._log.info("not read now", file=shown(drop.name), again_in_seconds=pause)

    @property
    def late(self) -> str:
        """A file that could not be read, if there is one."""
        return next((drop.name for drop in self._later), "")

    async def settled(self) -> list[Drop]:
        """Files that stay as they are, the oldest first.

        Raises:
            FolderGone: it cannot be reached now.
        """
        found = await self._folder.listing(self._pattern, self._most)
        now = time.monotonic()
        for name, why in found.odd.items():
            if self._odd.get(name) != why:
                self._log.warning("not read", file=shown(name), why=why)
        self._odd = found.odd
        self._seen = found.seen
        if self._seen > _INLINE and not self._most:
            return await asyncio.to_thread(self._settled, found, now)
        return self._settled(found, now)

    def _settled(self, found: Listing, now: float) -> list[Drop]:
        drops = found.drops
        self._since = {drop: self._since.get(drop, now) for drop in drops}
        self._later = {drop: self._later[drop] for drop in self._since if drop in self._later} if self._later else {}
        settled = [
            drop
            for drop in drops
            if self._still(drop, now) >= self._folder.settle_seconds and self._later.get(drop, (0.0, 0.0))[0] <= now
        ]
        self.growing = drops[0].name if drops and not settled else ""
        return settled

    def _still(self, drop: Drop, now: float) -> float:
        # the clock of a share can be another than ours
        return max(self._clock.now() - drop.modified, now - self._since[drop])
