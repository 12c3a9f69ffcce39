"""Which files of a folder have stopped changing."""

import asyncio
import time

import structlog

from lgsp_adapters.inboxes.inbox_file import Inbox, InboxFile, Listing
from lgsp_adapters.text.comparison import printable_name
from lgsp_runtime.steady_clock import SteadyClock

SECONDS_A_FILE = 0.0002
"""How much longer the pause is for each file in the folder: polling 50,000 takes a third of a second, every ten seconds."""

LONGEST_PAUSE = 60.0
FIRST_PUT_OFF = 0.5
LONGEST_PUT_OFF = 300.0
_INLINE = 1000


class StableFiles:
    """The files of a folder that is polled, and since when each is unchanged.

    Args:
        most: how many files are of interest, the newest ones; all where it is 0.
        about: fields that are bound to each log entry.
    """

    def __init__(self, inbox: Inbox, pattern: str, most: int = 0, **about: str) -> None:
        self._inbox = inbox
        self._pattern = pattern
        self._most = most
        self._since: dict[InboxFile, float] = {}
        self._rejected: dict[str, str] = {}
        self._clock = SteadyClock()  # one that jumps ahead must not make a file that is being written look old
        self._deferred: dict[InboxFile, tuple[float, float]] = {}
        self._count = 0
        self.growing = ""
        """A file that has not stopped changing, if nothing else is there."""
        self.newest_is_growing = False
        """The newest file has not stopped changing."""
        self._log = structlog.get_logger().bind(**about)

    def pause(self) -> float:
        """Return the seconds until the inbox is to be polled again."""
        return max(self._inbox.poll_seconds, min(LONGEST_PAUSE, self._count * SECONDS_A_FILE))

    def defer(self, inbox_file: InboxFile) -> None:
        """Put off a file that cannot be read now, longer each time: reading it may take the time that others need."""
        _, before = self._deferred.get(inbox_file, (0.0, FIRST_PUT_OFF / 2))
        pause = min(before * 2, LONGEST_PUT_OFF)
        self._deferred[inbox_file] = (time.monotonic() + pause, pause)
        self._log.info("not read now", file=printable_name(inbox_file.name), again_in_seconds=pause)

    @property
    def deferred(self) -> str:
        """Return the name of a file that could not be read, or ""."""
        return next((inbox_file.name for inbox_file in self._deferred), "")

    async def stable(self) -> list[InboxFile]:
        """List the files that have stopped changing, the oldest first.

        Raises:
            InboxUnavailableError: it cannot be reached now.
        """
        listing = await self._inbox.listing(self._pattern, self._most)
        now = time.monotonic()
        for name, why in listing.rejected.items():
            if self._rejected.get(name) != why:
                self._log.warning("not read", file=printable_name(name), why=why)
        self._rejected = listing.rejected
        self._count = listing.seen
        if self._count > _INLINE and not self._most:
            return await asyncio.to_thread(self._select_stable, listing, now)
        return self._select_stable(listing, now)

    def _select_stable(self, listing: Listing, now: float) -> list[InboxFile]:
        files = listing.files
        self._since = {inbox_file: self._since.get(inbox_file, now) for inbox_file in files}
        self._deferred = (
            {inbox_file: self._deferred[inbox_file] for inbox_file in self._since if inbox_file in self._deferred}
            if self._deferred
            else {}
        )
        stable = [
            inbox_file
            for inbox_file in files
            if self._unchanged_for(inbox_file, now) >= self._inbox.stable_seconds
            and self._deferred.get(inbox_file, (0.0, 0.0))[0] <= now
        ]
        self.growing = files[0].name if files and not stable else ""
        newest = files[-1] if files else None
        self.newest_is_growing = newest is not None and self._unchanged_for(newest, now) < self._inbox.stable_seconds
        return stable

    def _unchanged_for(self, inbox_file: InboxFile, now: float) -> float:
        # the clock of a share can be another than ours
        return max(self._clock.now() - inbox_file.modified, now - self._since[inbox_file])
