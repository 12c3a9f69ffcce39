"""Brings entries to disk in groups: entries of calls that finish together share one publish.

One publish at a time costs about 0.4 ms with `sync_interval: always`, whatever its size up to 64 KB (measured), so while
one group is being written the next one gathers. No answer leaves before its entry is acknowledged.

A group that was not acknowledged may still be on disk. It is kept and published again under the same number, which the
stream recognises, followed by an entry for each of its answers that says it was withheld.
"""

import asyncio
import contextlib
import secrets
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import orjson
import structlog

from lgsp_gateway.bus import Bus, evidence_unavailable
from lgsp_problems import Refusal

MAX_GROUP_BYTES = 512 * 1024
PUBLISH_SECONDS = 3.0
RETRY_SECONDS = 0.5
MAX_KEPT = 20_000
"""Entries kept while nothing can be written; about 15 MB. What comes after is counted and logged."""


@dataclass(slots=True)
class _Group:
    """Entries that are written together, and the calls that wait for that."""

    waiting: "list[asyncio.Future[None]]" = field(default_factory=list)
    entries: list[bytes] = field(default_factory=list)
    size: int = 0


class EvidenceLog:
    """The evidence of one gateway.

    Args:
        subject: where in the stream this gateway writes.
    """

    def __init__(self, bus: Bus, subject: str) -> None:
        self._bus = bus
        self._subject = subject
        self._run = secrets.token_hex(6)
        self._group_number = 0
        self._groups: deque[_Group] = deque()
        self._gathered = asyncio.Event()
        self._kept: deque[tuple[str, list[bytes]]] = deque()
        self._kept_entries = 0
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = False
        self.groups_written = 0
        self.entries_written = 0
        self.entries_dropped = 0

    def start(self) -> None:
        """Begin to write."""
        self._loop = asyncio.get_running_loop()
        self._tasks = [asyncio.create_task(self._write_groups()), asyncio.create_task(self._write_kept())]

    async def stop(self) -> None:
        """Write what is there, then stop."""
        self._stopping = True
        self._gathered.set()
        await asyncio.wait(self._tasks[:1], timeout=PUBLISH_SECONDS + 1)
        for task in self._tasks:
            task.cancel()
        if self._kept:
            structlog.get_logger().error("evidence lost at stop", entries=self._kept_entries)

    @property
    def kept(self) -> int:
        """Entries that wait for the stream to come back."""
        return self._kept_entries

    async def write(self, entry: bytes) -> None:
        """Return when the entry is on disk.

        Raises:
            Refusal: `evidence-unavailable`; the entry is kept and written when that is possible again.
        """
        if not self._groups or self._groups[-1].size > MAX_GROUP_BYTES:
            self._groups.append(_Group())
            self._gathered.set()
        group = self._groups[-1]
        written: asyncio.Future[None] = self._loop.create_future()
        group.entries.append(entry)
        group.size += len(entry)
        group.waiting.append(written)
        await written

    async def _write_groups(self) -> None:
        while not (self._stopping and not self._groups):
            await self._gathered.wait()
            if self._groups:
                await self._write_group(self._groups.popleft())
            if not self._groups and not self._stopping:
                self._gathered.clear()

    async def _write_group(self, group: "_Group") -> None:
        payload, number = b"\n".join(group.entries), self._next_number()
        try:
            await self._bus.publish_durably(self._subject, payload, number, PUBLISH_SECONDS)
        except Refusal as refusal:
            self._keep(number, group.entries)
            self._keep(self._next_number(), _withheld(group.entries))
            for written in group.waiting:
                if not written.done():  # its caller may be gone
                    written.set_exception(evidence_unavailable(refusal.private or refusal.code))
        else:
            self.groups_written += 1
            self.entries_written += len(group.entries)
            for written in group.waiting:
                if not written.done():
                    written.set_result(None)

    def _next_number(self) -> str:
        self._group_number += 1
        return f"{self._run}-{self._group_number}"

    def _keep(self, number: str, entries: list[bytes]) -> None:
        if self._kept_entries + len(entries) > MAX_KEPT:
            self.entries_dropped += len(entries)
            structlog.get_logger().error("evidence dropped", entries=len(entries), in_all=self.entries_dropped)
        elif entries:
            self._kept.append((number, entries))
            self._kept_entries += len(entries)

    async def _write_kept(self) -> None:
        while True:
            await asyncio.sleep(RETRY_SECONDS)
            with contextlib.suppress(Refusal):
                while self._kept and self._bus.connected:
                    number, entries = self._kept[0]
                    await self._bus.publish_durably(self._subject, b"\n".join(entries), number, PUBLISH_SECONDS)
                    self._kept.popleft()
                    self._kept_entries -= len(entries)
                    self.entries_written += len(entries)


def _withheld(entries: list[bytes]) -> list[bytes]:
    """For each entry that speaks of an answer, one that says it never left."""
    found: list[dict[str, Any]] = [orjson.loads(line) for line in entries]
    withheld = {"answerSha256": "", "answerSize": 0, "outcome": "evidence-unavailable", "status": 503}
    return [orjson.dumps(entry | withheld) for entry in found if entry["status"] == 200]
