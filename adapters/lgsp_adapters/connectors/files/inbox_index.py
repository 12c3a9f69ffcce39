"""The newest good file of a folder, as an index in memory that answers look-ups.

Nothing that is dropped ends the looking: whatever is wrong with a file stands in a report beside it, in the log with the frames of the
error, and in the health of the adapter; then the next file is taken. After a restart the file that answered before answers first, and what
came since is looked at anew.
"""

import asyncio
import contextlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import orjson
import structlog

from lgsp_adapters.inboxes import shrink_guard
from lgsp_adapters.inboxes.inbox import reached
from lgsp_adapters.inboxes.inbox_file import REPORT, Drop, FolderGone, NotNow
from lgsp_adapters.inboxes.stable_files import Watched
from lgsp_adapters.manifest import Manifest
from lgsp_adapters.subprocess_reader import reader
from lgsp_adapters.tabular.limits import Unreadable
from lgsp_adapters.tabular.tables import Layout
from lgsp_adapters.text.comparison import shown
from lgsp_runtime.background import Background, Task
from lgsp_runtime.error_frames import frames

REACH_SECONDS = 5.0
"""How long a start waits for the folder to be listed."""

READ_SECONDS = 30.0
"""How long it waits, then, for what lies there to be read: a changed manifest goes on where the one before answered."""

MOST = 1000
"""Files, the newest ones, that are of interest."""

REMEMBERED = 20
"""Reports that are looked at after a restart, to find out what answered before."""

TRIES = 5
"""Files that are tried in one look."""


class Index:
    """Rows as JSON, and where each key leads: bytes, so that a register costs the collector nothing.

    They come as texts and are encoded here: what orjson writes keeps a buffer of a kilobyte or more for each row (seen: 1.6 GB for 200,000
    rows, against 0.1).
    """

    def __init__(self) -> None:
        self._rows: list[bytes] = []
        self._keys: dict[str, dict[bytes, Sequence[int]]] = {}

    def take(self, part: Mapping[str, Any]) -> None:
        """Take in what the reader says."""
        if "rows" in part:
            self._rows += [str(row).encode() for row in part["rows"]]
            return
        keys = self._keys.setdefault(str(part["operation"]), {})
        for found, numbers in part["keys"]:
            keys[str(found).encode()] = tuple(numbers)

    def rows(self, operation: str, parts: list[str]) -> list[bytes]:
        """The rows under a key of an operation."""
        return [self._rows[number] for number in self._keys.get(operation, {}).get(orjson.dumps(parts), ())]


class Dropped:
    """The folder of one adapter.

    Args:
        responses: the schema of each operation's answer.
        codes: the connection as far as mappings may use it.
    """

    def __init__(
        self, manifest: Manifest, layout: Layout, responses: Mapping[str, Any], codes: Mapping[str, Any]
    ) -> None:
        told = manifest.document["files"]
        self.index: Index | None = None
        self.folder = reached(manifest)
        self.watched = Watched(self.folder, told["pattern"], MOST, service=manifest.service)
        self._share = float(told.get("shrink", shrink_guard.SHARE))
        self._service = manifest.service
        self._job = {
            "parser": "lgsp_adapters.connectors.files.file_parser",
            "name": manifest.place.name,
            "text": manifest.place.text,
            "layout": asdict(layout),
            "operations": manifest.operations,
            "responses": responses,
            "connection": codes,
        }
        self._taken: Drop | None = None
        self._newest: Drop | None = None
        self._sizes: shrink_guard.Sizes = {}
        self._judged: dict[Drop, str] = {}
        self._held: dict[Drop, str] = {}
        self._unsaid: dict[Drop, bytes] = {}
        self._waiting: dict[str, Any] = {}
        self._gone = ""
        self._listed, self._looked = asyncio.Event(), asyncio.Event()
        self._looking: Task | None = None
        self._log = structlog.get_logger().bind(service=manifest.service)

    async def open(self, background: Background) -> None:
        """Look at the folder from now on; wait for the first look, unless the folder is slow to reach."""
        self._looking = background.every(f"folder of {self._service}", self.watched.pause, self.look, within=None)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(REACH_SECONDS):
                await self._listed.wait()
            async with asyncio.timeout(READ_SECONDS):
                await self._looked.wait()

    async def close(self) -> None:
        """Look no more."""
        if self._looking:
            await self._looking.stop()
        await self.folder.close()

    @property
    def lacking(self) -> str:
        """Why nothing answers yet, for the adapter's log."""
        told = f"; {self._waiting['about']}: {self._waiting['why']}" if self._waiting.get("about") else ""
        return f"no file has been dropped yet that could be taken{told}"

    def standing(self) -> Mapping[str, Any]:
        """Which file answers and since when, and what is newer and does not; times in seconds since 1970."""
        serving = {"file": shown(self._taken.name), "since": round(self._taken.modified, 3)} if self._taken else {}
        return {"data": {**serving, "current": bool(serving) and not self._waiting, **self._waiting}}

    async def look(self) -> None:
        """Look once, and take what is to be taken."""
        try:
            await self._look()
        except FolderGone as gone:
            if str(gone) != self._gone:
                self._log.warning("folder not reached", error=str(gone))
            self._gone = str(gone)
            self._wait("unreachable", str(gone))
        else:
            self._gone = ""
        finally:
            self._listed.set()
            self._looked.set()

    async def _look(self) -> None:
        settled = await self.watched.settled()
        self._listed.set()
        self._newest = settled[-1] if settled else None
        await self._say_again()
        if self._taken is None and settled:
            await self._begin(settled)
        self._judged = {drop: self._judged[drop] for drop in settled if drop in self._judged}
        tries = 0
        for drop in reversed(settled):
            if drop == self._taken:
                break
            if drop in self._judged and not await self._accepted(drop):
                continue
            await self._take(drop)
            tries += 1
            if drop == self._taken or tries == TRIES:
                break
        self._stand()

    def _stand(self) -> None:
        """Know what keeps the newest file out, if anything does."""
        newest = self._newest
        if newest is None and self.watched.growing:
            self._wait("settling", shown(self.watched.growing))
        elif self.watched.late:
            self._wait("unread", shown(self.watched.late))
        elif newest is None and self._taken is None:
            self._wait("no file", "")
        elif newest is None or newest == self._taken:
            self._waiting = {}
        elif newest in self._judged:
            self._wait(self._judged[newest], shown(newest.name))

    async def _begin(self, settled: Sequence[Drop]) -> None:
        """After a restart: what answered before, and how large the register was, as the reports say."""
        for drop in reversed(settled[-REMEMBERED:]):
            report = shrink_guard.document(await self.folder.beside(drop, REPORT))
            self._sizes = self._sizes or shrink_guard.sizes_of(report)
            if report.get("taken") is True and report.get("stamp") == drop.stamp:
                await self._take(drop, again=True)
                if self._taken:
                    break

    async def _accepted(self, drop: Drop) -> bool:
        return drop in self._held and await shrink_guard.accepted(self.folder, drop, self._held[drop])

    async def _take(self, drop: Drop, *, again: bool = False) -> None:
        """Swap a drop in, or say what keeps it out.

        Args:
            again: it answered before this process began.

        Raises:
            FolderGone: nothing is known of it then.
        """
        index, content = Index(), ""
        said: dict[str, Any] = {"rows": 0, "faults": []}
        try:
            async with self.folder.opened(drop) as file:
                said = await reader.read(file, self._job, index.take)
            content = str(said["content"])
            held = "" if said["faults"] or again else await self._why_held(drop, said, content)
        except NotNow:
            self.watched.put_off(drop)
            return
        except Unreadable as unreadable:
            held, said["faults"] = "", [_whole(str(unreadable))]
        except reader.ReaderBroke as broke:
            self._log.error("reader broke", file=shown(drop.name), error=broke.error, frames=broke.frames)
            held, said["faults"] = "", [_whole(str(broke))]
        except FolderGone:
            raise
        except Exception as error:
            self._log.error("drop not read", file=shown(drop.name), error=type(error).__name__, frames=frames(error))
            held, said["faults"] = (
                "",
                [_whole(f"it cannot be read ({type(error).__name__}); the adapter's log says where")],
            )
        if held:
            said["why"] = held
            said["faults"] = [_whole(f"{held}; look at it, and take it by: lgsp adapter accept MANIFEST FILE")]
            self._held[drop] = content
        verdict = "held" if held else "refused" if said["faults"] else "taken"
        self._judged[drop] = verdict
        if verdict == "taken":
            self.index, self._taken, self._sizes = index, drop, said["found"]
        self._stand()
        await self._report(drop, verdict, said, content)

    async def _why_held(self, drop: Drop, said: Mapping[str, Any], content: str) -> str:
        found = shrink_guard.why(said["found"], said["rows"], self._sizes, self._share)
        return "" if found and await shrink_guard.accepted(self.folder, drop, content) else found

    async def _report(self, drop: Drop, verdict: str, said: Mapping[str, Any], content: str) -> None:
        taken, faults = verdict == "taken", said["faults"]
        log = self._log.info if taken else self._log.warning
        log(f"drop {verdict}", file=shown(drop.name), rows=said["rows"], faults=len(faults))
        report = {
            "file": shown(drop.name),
            "taken": taken,
            "held": verdict == "held",
            "why": said.get("why", ""),
            "rows": said["rows"],
            "withoutKey": said.get("withoutKey", {}),
            "notices": said.get("notices", []),
            "faults": faults,
            "register": self._sizes,
            "content": content,
            "stamp": drop.stamp,
        }
        self._unsaid[drop] = orjson.dumps(report, option=orjson.OPT_INDENT_2)
        await self._say_again()

    async def _say_again(self) -> None:
        """Write the reports that could not be written yet; one that cannot keeps nothing else from being done."""
        for drop, content in list(self._unsaid.items()):
            try:
                await self.folder.write_beside(drop, REPORT, content)
            except FolderGone as gone:
                if len(self._unsaid) > REMEMBERED:
                    del self._unsaid[drop]
                self._log.warning("report not written", file=shown(drop.name), error=str(gone))
                return
            del self._unsaid[drop]

    def _wait(self, why: str, about: str) -> None:
        if self._waiting.get("why") != why or self._waiting.get("about") != about:
            self._waiting = {"why": why, "about": about, "whySince": round(time.time(), 3)}


def _whole(fault: str) -> dict[str, Any]:
    return {"row": 0, "fault": fault}
