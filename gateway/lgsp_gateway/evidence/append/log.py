"""Brings entries to disk in batches: entries of calls that finish together share one publish.

One publish at a time costs about 0.4 ms with `sync_interval: always`, whatever its size up to 64 KB (measured), so while
one batch is being written the next one gathers. No answer leaves before its entry is acknowledged.

A batch that was not acknowledged may still be on disk. It is kept and published again under the same number, which the
stream recognises, followed by an entry for each of its answers that says it was withheld.
"""

import asyncio
import contextlib
import secrets
from collections import deque
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import orjson
import structlog

from lgsp_gateway.evidence.append.checkpoint_publisher import CheckpointPublisher
from lgsp_problems import Refusal
from lgsp_runtime.background import Background, Task
from lgsp_runtime.nats.protocol import encode_headers
from lgsp_runtime.nats.request_reply import NatsRequestReply, Reply, ReplyCallback, acknowledgement

PUBLISH_SECONDS = 3.0
RETRY_SECONDS = 0.5
GATHER_TURNS = 16
"""Turns of the event loop, some 5 µs each while it is idle, that a batch waits for calls which are about to end: as long as
a reply is here that its call has not seen yet, or more calls wait for their provider than stand in the batch. A third fewer
batches, a twelfth more calls (measured); the same thought as PostgreSQL's `commit_siblings`."""
MAX_IN_FLIGHT = 2
"""Batches that are being written at the same time: the second waits at the server's disk, not for a message to get there."""
MESSAGE_ID = "Nats-Msg-Id"
"""The same for every try of one batch, so that the stream keeps it once."""


@dataclass(slots=True)
class _Batch:
    """Entries that are written together, and the calls that wait for that."""

    waiting: "list[asyncio.Future[None]]" = field(default_factory=list)
    entries: list[bytes] = field(default_factory=list)
    size: int = 0


class EvidenceLog:
    """The evidence of one gateway.

    Args:
        subject: where in the stream this gateway writes.
        publisher: is told what is on disk, in the order in which it got there.
        batch_bytes: of entries that are written in one message.
        most_unwritten: entries kept while nothing can be written; what comes after is counted and logged.
    """

    def __init__(
        self,
        bus: NatsRequestReply,
        subject: str,
        publisher: CheckpointPublisher,
        *,
        batch_bytes: int = 512 * 1024,
        most_unwritten: int = 20_000,
    ) -> None:
        self._batch_bytes = batch_bytes
        self._most_unwritten = most_unwritten
        self._bus = bus
        self._publisher = publisher
        self._subject = subject
        self._run = secrets.token_hex(6)
        self._batch_number = 0
        self._gathering = _Batch()
        self._full_batches: deque[_Batch] = deque()
        self._in_flight = 0
        self._scheduled = False
        self._idle = asyncio.Event()
        self._kept: deque[tuple[str, list[bytes]]] = deque()
        self._kept_entries = 0
        self._keeper: Task | None = None
        self.batches_written = 0
        self.last_batch = 0
        """The number in the stream of the newest batch that it acknowledged."""
        self.entries_written = 0
        self.entries_dropped = 0

    def start(self, background: Background) -> None:
        """Begin to write."""
        self._loop = asyncio.get_running_loop()
        self._keeper = background.run_every(
            "evidence kept", RETRY_SECONDS, self._write_kept, within=None, at_once=False
        )

    async def stop(self) -> None:
        """Write what is there, then stop."""
        self._idle.clear()
        if self._in_flight or self._gathering.entries:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._idle.wait(), PUBLISH_SECONDS + 1)
        if self._keeper:
            await self._keeper.stop()
        if self._kept:
            structlog.get_logger().error("evidence lost at stop", entries=self._kept_entries)

    @property
    def kept(self) -> int:
        """Entries that wait for the stream to come back."""
        return self._kept_entries

    def write(self, entry: bytes) -> "asyncio.Future[None]":
        """Awaited, it returns when the entry is on disk.

        Raises:
            Refusal: `evidence-unavailable`, when awaited; the entry is kept and written when that is possible again.
        """
        batch = self._gathering
        if batch.size > self._batch_bytes:
            self._full_batches.append(batch)
            batch = self._gathering = _Batch()
        written = self._loop.create_future()
        batch.entries.append(entry)
        batch.size += len(entry)
        batch.waiting.append(written)
        if not (self._in_flight or self._bus.unconsumed_replies or self._bus.awaited):
            self._send(0)  # nobody is on the way who could join
        elif self._in_flight < MAX_IN_FLIGHT and not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._send, GATHER_TURNS)
        return written

    def _send(self, turns: int) -> None:
        """Begin to write what has gathered, or let it gather for some more turns."""
        waiting = len(self._gathering.entries)
        coming = self._bus.unconsumed_replies or waiting < self._bus.awaited - self._in_flight
        self._scheduled = turns > 0 and waiting > 0 and not self._full_batches and bool(coming)
        if self._scheduled:
            self._loop.call_soon(self._send, turns - 1)
            return
        batch = self._full_batches.popleft() if self._full_batches else self._gathering
        if batch is self._gathering:
            self._gathering = _Batch()
        if not batch.entries:
            return
        number = self._next_number()
        try:
            self._publish(number, batch.entries, partial(self._answered, batch, number))
            self._bus.send_now()
        except Refusal as refusal:
            self._not_written(batch, number, refusal.code)
            self._go_on()
        else:
            self._in_flight += 1
            self._publisher.catch_up()  # the disk is busy, so there is time

    def _publish(self, number: str, entries: list[bytes], then: ReplyCallback) -> None:
        headers = encode_headers({MESSAGE_ID: number})
        self._bus.ask(self._subject, b"\n".join(entries), PUBLISH_SECONDS, then, headers)

    def _answered(self, batch: "_Batch", number: str, reply: Reply | Refusal | None) -> None:
        self._in_flight -= 1
        lost = isinstance(reply, Refusal)
        said = {} if isinstance(reply, Refusal) else acknowledgement(reply)
        if said.get("seq"):
            self._publisher.written(said["seq"], batch.entries)
            self.batches_written += 1
            self.last_batch = said["seq"]
            self.entries_written += len(batch.entries)
            for written in batch.waiting:
                if not written.done():  # its caller may be gone
                    written.set_result(None)
        else:
            reason = said.get("error", {}).get("description", "connection lost" if lost else "no acknowledgement")
            self._not_written(batch, number, reason)
        if (self._full_batches or self._gathering.entries) and not self._scheduled:
            self._send(GATHER_TURNS)
        elif self._in_flight == 0:
            self._idle.set()

    def _go_on(self) -> None:
        """Send what waits behind a batch that could not be sent: no acknowledgement is to come that would do it."""
        if self._in_flight:
            return
        if not (self._full_batches or self._gathering.entries):
            self._idle.set()
        elif not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._send, 0)

    def _not_written(self, batch: "_Batch", number: str, reason: str) -> None:
        self._publisher.unsure(number)
        self._keep(number, batch.entries)
        self._keep(self._next_number(), _withheld(batch.entries))
        for written in batch.waiting:
            if not written.done():
                written.set_exception(evidence_unavailable(reason))

    def _next_number(self) -> str:
        self._batch_number += 1
        return f"{self._run}-{self._batch_number}"

    def _keep(self, number: str, entries: list[bytes]) -> None:
        if self._kept_entries + len(entries) > self._most_unwritten:
            self.entries_dropped += len(entries)
            structlog.get_logger().error("evidence dropped", entries=len(entries), in_all=self.entries_dropped)
        elif entries:
            self._kept.append((number, entries))
            self._kept_entries += len(entries)

    async def _write_kept(self) -> None:
        with contextlib.suppress(Refusal):
            while self._kept and self._bus.connected:
                number, entries = self._kept[0]
                if not await self._write_again(number, entries):
                    break
                self._kept.popleft()
                self._kept_entries -= len(entries)
                self.entries_written += len(entries)

    async def _write_again(self, number: str, entries: list[bytes]) -> bool:
        """Whether a kept batch is on disk now. The publisher is told as the answer arrives, before any later one."""
        done: asyncio.Future[bool] = self._loop.create_future()

        def answered(reply: Reply | Refusal | None) -> None:
            said = {} if isinstance(reply, Refusal) else acknowledgement(reply)
            if said.get("seq"):
                self._publisher.settled(number)
                self._publisher.written(said["seq"], entries)
            else:
                self._publisher.unsure(number)
            if not done.done():
                done.set_result(bool(said.get("seq")))

        self._publish(number, entries, answered)
        return await done


def _withheld(entries: list[bytes]) -> list[bytes]:
    """For each entry that speaks of an answer, one that says it never left."""
    found: list[dict[str, Any]] = [orjson.loads(line) for line in entries]
    withheld = {"answerDigest": "", "answerSize": 0, "outcome": "evidence-unavailable", "status": 503}
    return [orjson.dumps(entry | withheld) for entry in found if entry["status"] == 200]


def evidence_unavailable(private: str) -> Refusal:
    """The refusal when evidence cannot be written: nothing passes that cannot be proved later."""
    return Refusal(
        "evidence-unavailable",
        vi="Trục không ghi được nhật ký bằng chứng nên không trả kết quả; hãy thử lại sau vài giây.",
        en="The bus cannot write its evidence and therefore gives no answer; try again in a few seconds.",
        retry_after=5,
        private=private,
    )
