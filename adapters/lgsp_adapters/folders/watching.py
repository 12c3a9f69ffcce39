"""Which files of a folder have stopped changing."""

import time

from lgsp_adapters.folders.folder import Drop, Folder


class Watched:
    """A folder that is looked at again and again."""

    def __init__(self, folder: Folder, pattern: str) -> None:
        self._folder = folder
        self._pattern = pattern
        self._since: dict[Drop, float] = {}

    async def settled(self) -> list[Drop]:
        """Files that stay as they are, the oldest first.

        Raises:
            FolderGone: it cannot be reached now.
        """
        now = time.monotonic()
        found = await self._folder.drops(self._pattern)
        self._since = {drop: self._since.get(drop, now) for drop in found}
        settled = [drop for drop in found if self._still(drop, now) >= self._folder.settle_seconds]
        return sorted(settled, key=lambda drop: (drop.modified, drop.name))

    def _still(self, drop: Drop, now: float) -> float:
        # the clock of a share can be another than ours
        return max(time.time() - drop.modified, now - self._since[drop])
