"""Writes entries to disk in group commits: entries of calls that finish together share one publish.

One publish at a time costs about 0.4 ms with `sync_interval: always`, whatever its size up to 64 KB (measured), so while
one batch is being written the next one gathers. No answer leaves before its entry is acknowledged.

A batch that was not acknowledged may still be on disk. It is published again under the same message id, by which the stream recognises
it, while its calls wait (`write_patience.py`, docs/decisions/091). Where that takes too long they are refused; then the batch is written
when that is possible, followed by an entry for each of its answers that says it was withheld.
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
from lgsp_gateway.evidence.append.write_patience import LEADER_SECONDS, WritePatience
from lgsp_problems import Refusal
from lgsp_runtime.background import Background
from lgsp_runtime.background_task import Task
from lgsp_runtime.nats.protocol import encode_headers
from lgsp_runtime.nats.request_reply import NatsRequestReply, Reply, ReplyCallback, acknowledgement

PUBLISH_SECONDS = 1.0
"""How long an acknowledgement is waited for before the batch is sent again: a leader that is gone says nothing."""
AGAIN_SECONDS = 0.1
"""The pause before a batch is sent again while its calls wait."""
RETRY_SECONDS = 0.5
GATHER_TURNS = 16
"""Turns of the event loop, some 5 µs each while it is idle, that a batch waits for calls which are about to end: as long as
a reply has arrived that its call has not read yet, or more calls wait for their provider than stand in the batch. A third fewer
batches, a twelfth more calls (measured), like PostgreSQL's `commit_siblings`."""
MAX_IN_FLIGHT = 2
"""Batches that are being written at the same time: the second waits at the server's disk, not for a message to get there."""
MAX_WAITING_BATCHES = 16
"""Full batches whose calls wait behind those: 8 MiB of entries, some 10,000 calls. The calls of a further one are refused."""
TEMPORARY_ERRORS = frozenset({10008, 10009, 10158})
"""JetStream's error codes where it cannot write yet: temporarily unavailable, no leader, and this very batch is just being written."""
MESSAGE_ID = "Nats-Msg-Id"
"""The header of the message id, the same for every try of one batch, so that the stream stores it once."""


@dataclass(slots=True)
class _Batch:
    """Entries that are written together, the calls that wait for that, and the bytes of the entries."""

    waiting: "list[asyncio.Future[None]]" = field(default_factory=list)
    entries: list[bytes] = field(default_factory=list)
    size: int = 0
    number: str = ""
    """As its message id has it, once it has been sent."""
    sent_at: float = 0.0
    is_unsure: bool = False
    """It was sent before, and may be on disk."""

    def refuse(self, refusal: Refusal) -> None:
        """Refuse the calls that still wait for the batch."""
        for written in self.waiting:
            if not written.done():  # its caller may have been cancelled
                written.set_exception(refusal)


class EvidenceLog:
    """Writes the evidence of one gateway.

    Args:
        subject: of the stream, on which this gateway writes.
        publisher: learns what is on disk, in the order in which it got there.
        batch_bytes: of entries, after which a batch is full.
        max_unwritten: entries that are stored in memory while nothing can be written; more are dropped, counted and logged.
    """

    def __init__(
        self,
        bus: NatsRequestReply,
        subject: str,
        publisher: CheckpointPublisher,
        *,
        batch_bytes: int = 512 * 1024,
        max_unwritten: int = 20_000,
    ) -> None:
        self._batch_bytes = batch_bytes
        self._max_unwritten = max_unwritten
        self._bus = bus
        self._publisher = publisher
        self._subject = subject
        self._process_id = secrets.token_hex(6)
        self._batch_number = 0
        self._gathering = _Batch()
        self._full_batches: deque[_Batch] = deque()
        self._in_flight = 0
        self._scheduled = False
        self._idle = asyncio.Event()
        self._patience = WritePatience()
        self._unwritten: deque[tuple[str, list[bytes]]] = deque()
        self._unwritten_entries = 0
        self._rewriting: Task | None = None
        self.batches_written = 0
        self.last_batch = 0
        """The number, in the stream, of the newest batch that was acknowledged."""
        self.entries_written = 0
        self.entries_dropped = 0

    def start(self, background: Background) -> None:
        """Start writing; entries are accepted from now on."""
        self._loop = asyncio.get_running_loop()
        self._rewriting = background.run_every(
            "unwritten evidence", RETRY_SECONDS, self._write_unwritten, within=None, at_once=False
        )

    async def stop(self) -> None:
        """Write what has gathered, then stop. What cannot be written is lost, and logged as an error."""
        self._idle.clear()
        if self._in_flight or self._gathering.entries:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._idle.wait(), LEADER_SECONDS + PUBLISH_SECONDS + 1)
        if self._rewriting:
            await self._rewriting.stop()
        if self._unwritten:
            structlog.get_logger().error("evidence lost at stop", entries=self._unwritten_entries)

    @property
    def unwritten(self) -> int:
        """Count the entries that wait in memory because the stream could not be written."""
        return self._unwritten_entries

    def write(self, entry: bytes) -> "asyncio.Future[None]":
        """Append an entry, and return a future that is done when the entry is on disk.

        Args:
            entry: one JSON object, without a line feed.

        Raises:
            Refusal: `evidence-unavailable`, from the future; the entry is written later, when that is possible again.
        """
        batch = self._gathering
        if batch.size > self._batch_bytes:
            if len(self._full_batches) < MAX_WAITING_BATCHES:
                self._full_batches.append(batch)
            else:
                self._give_up(batch, "too many calls wait")
            batch = self._gathering = _Batch()
        written = self._loop.create_future()
        batch.entries.append(entry)
        batch.size += len(entry)
        batch.waiting.append(written)
        if not (self._in_flight or self._bus.unconsumed_replies or self._bus.awaited):
            self._send_next_batch(0)  # no call is under way that could join
        elif self._in_flight < MAX_IN_FLIGHT and not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._send_next_batch, GATHER_TURNS)
        return written

    def _send_next_batch(self, turns: int) -> None:
        """Publish the next batch, or let it gather for some more turns of the event loop."""
        gathered = len(self._gathering.entries)
        more_expected = self._bus.unconsumed_replies or gathered < self._bus.awaited - self._in_flight
        self._scheduled = turns > 0 and gathered > 0 and not self._full_batches and bool(more_expected)
        if self._scheduled:
            self._loop.call_soon(self._send_next_batch, turns - 1)
            return
        batch = self._full_batches.popleft() if self._full_batches else self._gathering
        if batch is self._gathering:
            self._gathering = _Batch()
        if not batch.entries:
            return
        batch.number = self._next_number()
        self._in_flight += 1
        self._send(batch)

    def _send(self, batch: "_Batch") -> None:
        """Publish a batch that is counted as in flight, for the first time or again."""
        batch.sent_at = self._loop.time()
        try:
            self._publish_batch(batch.number, batch.entries, partial(self._on_acknowledgement, batch))
            self._bus.send_now()
        except Refusal as refusal:
            self._on_acknowledgement(batch, refusal)
        except Exception as error:  # an error of our own, which the event loop logs
            self._in_flight -= 1
            self._give_up(batch, type(error).__name__)
            self._schedule_next()
            raise
        else:
            self._publisher.integrate_written()  # the disk is busy, so there is time

    def _publish_batch(self, number: str, entries: list[bytes], on_reply: ReplyCallback) -> None:
        headers = encode_headers({MESSAGE_ID: number})
        self._bus.ask(self._subject, b"\n".join(entries), PUBLISH_SECONDS, on_reply, headers)

    def _on_acknowledgement(self, batch: "_Batch", reply: Reply | Refusal | None) -> None:
        try:
            is_settled = self._settle(batch, reply)
        except Exception as error:
            self._in_flight -= 1
            batch.refuse(evidence_unavailable(type(error).__name__))  # or its calls would wait for ever
            self._schedule_next()
            raise
        if not is_settled:
            self._loop.call_later(AGAIN_SECONDS, self._send, batch)
            return
        self._in_flight -= 1
        if (self._full_batches or self._gathering.entries) and not self._scheduled:
            self._send_next_batch(GATHER_TURNS)
        elif self._in_flight == 0:
            self._idle.set()

    def _settle(self, batch: "_Batch", reply: Reply | Refusal | None) -> bool:
        """Tell whoever waits for a batch whether it is on disk; return False where it is to be sent again first."""
        lost = isinstance(reply, Refusal)
        acknowledged = {} if isinstance(reply, Refusal) else acknowledgement(reply)
        if acknowledged.get("seq"):
            self._patience.written()
            self._on_written(batch, acknowledged["seq"])
            return True
        error = acknowledged.get("error", {})
        if not error or error.get("err_code") in TEMPORARY_ERRORS:
            self._mark_unsure(batch)
            if self._patience.failed(batch.sent_at, self._loop.time(), connected=self._bus.connected):
                return False
        reason = error.get("description", "connection lost" if lost else "no acknowledgement")
        self._give_up(batch, reason)
        while self._full_batches:
            self._give_up(self._full_batches.popleft(), reason)
        behind, self._gathering = self._gathering, _Batch()
        if behind.entries:
            self._give_up(behind, reason)
        return True

    def _on_written(self, batch: "_Batch", sequence: int) -> None:
        if batch.is_unsure:
            self._publisher.mark_settled(batch.number)
        self._publisher.on_batch_written(sequence, batch.entries)
        self.batches_written += 1
        self.last_batch = sequence
        self.entries_written += len(batch.entries)
        for written in batch.waiting:
            if not written.done():  # its caller may have been cancelled
                written.set_result(None)

    def _schedule_next(self) -> None:
        """Send what waits behind a batch that could not be sent: no acknowledgement will come that would do it."""
        if self._in_flight:
            return
        if not (self._full_batches or self._gathering.entries):
            self._idle.set()
        elif not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._send_next_batch, 0)

    def _mark_unsure(self, batch: "_Batch") -> None:
        if not batch.is_unsure:
            batch.is_unsure = True
            self._publisher.mark_unsure(batch.number)

    def _give_up(self, batch: "_Batch", reason: str) -> None:
        """Refuse the calls that wait for a batch; it is written when that is possible again."""
        batch.number = batch.number or self._next_number()
        self._mark_unsure(batch)
        self._store_unwritten(batch.number, batch.entries)
        self._store_unwritten(self._next_number(), _entries_of_withheld_answers(batch.entries))
        batch.refuse(evidence_unavailable(reason))

    def _next_number(self) -> str:
        self._batch_number += 1
        return f"{self._process_id}-{self._batch_number}"

    def _store_unwritten(self, number: str, entries: list[bytes]) -> None:
        if self._unwritten_entries + len(entries) > self._max_unwritten:
            self.entries_dropped += len(entries)
            structlog.get_logger().error("evidence dropped", entries=len(entries), in_all=self.entries_dropped)
        elif entries:
            self._unwritten.append((number, entries))
            self._unwritten_entries += len(entries)

    async def _write_unwritten(self) -> None:
        with contextlib.suppress(Refusal):
            while self._unwritten and self._bus.connected:
                number, entries = self._unwritten[0]
                if not await self._write_again(number, entries):
                    break
                self._unwritten.popleft()
                self._unwritten_entries -= len(entries)
                self.entries_written += len(entries)

    async def _write_again(self, number: str, entries: list[bytes]) -> bool:
        """Publish an unwritten batch, and tell whether it is on disk now.

        The publisher learns it as the reply arrives, before any later batch.
        """
        done: asyncio.Future[bool] = self._loop.create_future()

        def on_acknowledgement(reply: Reply | Refusal | None) -> None:
            acknowledged = {} if isinstance(reply, Refusal) else acknowledgement(reply)
            if acknowledged.get("seq"):
                self._patience.written()
                self._publisher.mark_settled(number)
                self._publisher.on_batch_written(acknowledged["seq"], entries)
            else:
                self._publisher.mark_unsure(number)
            if not done.done():
                done.set_result(bool(acknowledged.get("seq")))

        self._publish_batch(number, entries, on_acknowledgement)
        return await done


def _entries_of_withheld_answers(entries: list[bytes]) -> list[bytes]:
    """Make, for each entry of an answered call, an entry that says that the answer was withheld."""
    decoded: list[dict[str, Any]] = [orjson.loads(line) for line in entries]
    withheld = {"answerDigest": "", "answerSize": 0, "outcome": "evidence-unavailable", "status": 503}
    return [orjson.dumps(entry | withheld) for entry in decoded if entry["status"] == 200]


def evidence_unavailable(private: str) -> Refusal:
    """Return the refusal `evidence-unavailable`, for when evidence cannot be written: nothing passes that cannot be proved later.

    Args:
        private: the reason, for the log alone.
    """
    return Refusal(
        "evidence-unavailable",
        vi="Trục không ghi được nhật ký bằng chứng nên không trả kết quả; hãy thử lại sau vài giây.",
        en="The bus cannot write its evidence and therefore gives no answer; try again in a few seconds.",
        retry_after=5,
        private=private,
    )
