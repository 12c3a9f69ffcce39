"""Stores messages in group commits: what is published at the same time becomes one atomic batch, which is synced to disk once.

With `sync_interval: always` each message by itself costs a sync, and a batch takes as long as six of those. So a few are published by
themselves, at the same time, and more as a batch. While one batch is being written the next one gathers. There is one batch under way
for each stream, so what is published keeps its order without more ado.

A batch that was not acknowledged may be stored all the same, and the server refuses a batch that holds a message which it has. So what
follows a lost acknowledgement, and any batch that is refused as such, is published message by message under the same message ids: to one
that the stream has, it answers where.
"""

import asyncio
import secrets
from collections import deque
from itertools import count

import orjson
import structlog

from lgsp_gateway.delivery.storage import acknowledgement
from lgsp_gateway.delivery.storage.acknowledgement import Acknowledgement, Verdict
from lgsp_gateway.delivery.storage.batch import (
    MESSAGE_ID,
    NewMessage,
    Pending,
    Stored,
    encoded_headers,
    first_of_each_subject,
    take_batch,
)
from lgsp_gateway.delivery.storage.payload_cipher import PayloadCipher
from lgsp_gateway.delivery.storage.space import storage_full
from lgsp_problems import Refusal, RevisionConflict
from lgsp_runtime.async_tasks import TASK_NAME_PREFIX
from lgsp_runtime.error_frames import frames
from lgsp_runtime.nats.protocol import decode_headers, encode_headers
from lgsp_runtime.nats.request_reply import NatsRequestReply, Reply, bus_unavailable

__all__ = ["GroupCommit", "NewMessage", "Stored"]

ACKNOWLEDGEMENT_SECONDS = 3.0
"""How long one acknowledgement may take."""
WRITE_SECONDS = 10.0
"""How long storing is tried, as a cluster takes 4 to 9 s to choose a leader; what is not known to be stored then is refused."""
PAUSE_SECONDS = 0.05
"""Between two attempts."""
MAX_WAITING = 20_000
"""Messages that wait to be written; more are refused."""
FEW = 6
"""Messages that are published one by one rather than as a batch, one sync each. The server makes a folder with a store of its own for each
batch: 4 syncs and 50 other calls of the file system, 2 ms, as long as 6 to 8 messages by themselves take (strace, measured)."""
MAX_SINGLE = 256
"""Messages that are published one by one at the same time."""
HEADER_BYTES = 2048
"""Room for headers below the largest message that the server takes."""


class GroupCommit:
    """Stores messages in one stream.

    Args:
        bus: on the connection that is written on.
        stream: its name; all subjects that are published belong to it.
        cipher: encrypts the payloads; None where they hold nothing of anybody.
    """

    def __init__(self, bus: NatsRequestReply, stream: str, cipher: PayloadCipher | None = None) -> None:
        self._bus = bus
        self._stream = stream
        self._cipher = cipher
        self._loop = asyncio.get_running_loop()
        self._process_id = secrets.token_urlsafe(8)
        self._numbers = count(1)
        self._waiting: deque[Pending] = deque()
        self._writing: asyncio.Task[None] | None = None
        self.batches = 0
        """How many batches were stored."""

    def publish(self, message: NewMessage) -> "asyncio.Future[Stored]":
        """Store a message, and return a future that is done when it is on disk.

        Messages of one subject are stored in the order in which this was called. A message whose acknowledgement is lost is published
        again under the same id, so it is stored once.

        Raises:
            RevisionConflict: from the future; the last message of the subject is not the expected one.
            StorageFull: from the future; the server has no room for it.
            Refusal: from the future; `bus-unavailable`, where it is not known to be on disk in time (it may be), `too-large`, where the
                server takes no message of this size.
        """
        stored: asyncio.Future[Stored] = self._loop.create_future()
        if self._bus.connected and len(message.payload) > self._bus.max_payload - HEADER_BYTES:
            stored.set_exception(_too_large())
        elif len(self._waiting) >= MAX_WAITING:
            stored.set_exception(bus_unavailable())
        else:
            cipher, payload = self._cipher, message.payload
            encrypted = cipher.encrypt(message.subject, payload) if cipher else payload
            message_id = message.message_id or f"{self._process_id}-{next(self._numbers)}"
            self._waiting.append(Pending(message, message_id, encrypted, stored))
            if self._writing is None:
                self._writing = self._loop.create_task(self._write(), name=f"{TASK_NAME_PREFIX}store {self._stream}")
        return stored

    async def stop(self) -> None:
        """Wait until what was published is stored or refused."""
        while self._writing is not None:
            await asyncio.wait({self._writing})

    async def _write(self) -> None:
        try:
            while self._waiting:
                await self._store(take_batch(self._waiting))
        finally:
            self._writing = None

    async def _store(self, batch: list[Pending]) -> None:
        """Store a batch, or refuse it; its futures are done then."""
        deadline = self._loop.time() + WRITE_SECONDS
        try:
            if not _is_faster_singly(batch) and await self._store_together(batch, deadline):
                return
            await self._store_singly(batch, deadline)
            _refuse(batch, bus_unavailable())
        except Exception as error:  # whoever waits must be told, and what comes next is written all the same
            structlog.get_logger().error(
                "storing failed", stream=self._stream, error=type(error).__name__, frames=frames(error)
            )
            _refuse(batch, bus_unavailable())

    async def _store_together(self, batch: list[Pending], deadline: float) -> bool:
        """Publish an atomic batch.

        Returns:
            Whether it is settled; otherwise its messages are to be published one by one.
        """
        while (acknowledged := await self._publish_batch(batch)).verdict is Verdict.TRY_AGAIN:
            if not await self._may_try_again(deadline):
                self._log_refusal(acknowledged)
                _refuse(batch, bus_unavailable())
                return True
        if acknowledged.verdict is not Verdict.STORED:
            for pending in batch:
                pending.uncertain = acknowledged.verdict is Verdict.UNKNOWN
            return False
        self.batches += 1
        first = acknowledged.sequence - len(batch) + 1
        for sequence, pending in enumerate(batch, first):
            _settle(pending, Stored(sequence))
        return True

    async def _store_singly(self, batch: list[Pending], deadline: float) -> None:
        """Publish messages one by one, those of each subject one after the other, until all are settled or the time is over."""
        left = [pending for pending in batch if not pending.stored.done()]
        while left:
            together = first_of_each_subject(left, MAX_SINGLE)
            acknowledged = await asyncio.gather(*(self._publish_one(pending) for pending in together))
            for pending, one in zip(together, acknowledged, strict=True):
                await self._settle_single(pending, one)
            remaining = [pending for pending in left if not pending.stored.done()]
            if len(remaining) == len(left) and not await self._may_try_again(deadline):
                self._log_refusal(acknowledged[0])
                return
            left = remaining

    async def _settle_single(self, pending: Pending, acknowledged: Acknowledgement) -> None:
        match acknowledged.verdict:
            case Verdict.STORED:
                duplicate, uncertain = acknowledged.duplicate, pending.uncertain
                _settle(pending, Stored(acknowledged.sequence, duplicate and not uncertain, duplicate and uncertain))
            case Verdict.CONDITION_FAILED:
                sequence = await self._find_last(pending) if pending.uncertain else None
                if sequence is None:
                    _refuse([pending], _revision_conflict())
                else:
                    _settle(pending, Stored(sequence))
            case Verdict.UNKNOWN:
                pending.uncertain = True
            case Verdict.TOO_LARGE:
                _refuse([pending], _too_large())
            case Verdict.FULL:
                self._log_refusal(acknowledged)
                _refuse([pending], storage_full())
            case Verdict.REFUSED | Verdict.NOT_AS_BATCH:
                self._log_refusal(acknowledged)
                _refuse([pending], bus_unavailable())
            case Verdict.TRY_AGAIN:
                pass

    async def _publish_batch(self, batch: list[Pending]) -> Acknowledgement:
        batch_id = f"{self._process_id}-{next(self._numbers)}"
        *first, last = zip(batch, encoded_headers(batch, batch_id), strict=True)
        try:
            for pending, headers in first:
                self._bus.send(pending.message.subject, pending.payload, headers)
        except Refusal:  # the message that commits it does not follow, so nothing is stored
            return Acknowledgement(Verdict.TRY_AGAIN, reason="not connected")
        return await self._publish(*last)

    async def _publish_one(self, pending: Pending) -> Acknowledgement:
        return await self._publish(pending, encode_headers(pending.fields()))

    async def _publish(self, pending: Pending, headers: bytes) -> Acknowledgement:
        answered: asyncio.Future[Reply | None] = self._loop.create_future()

        def on_reply(reply: Reply | Refusal | None) -> None:
            if not answered.done():
                answered.set_result(None if isinstance(reply, Refusal) else reply)

        try:
            self._bus.ask(pending.message.subject, pending.payload, ACKNOWLEDGEMENT_SECONDS, on_reply, headers)
        except Refusal:
            return Acknowledgement(Verdict.TRY_AGAIN, reason="not connected")
        return acknowledgement.read(await answered)

    async def _find_last(self, pending: Pending) -> int | None:
        """Return the sequence of the last message of a subject, if it is this one: stored by an attempt that was not acknowledged."""
        request = orjson.dumps({"last_by_subj": pending.message.subject})
        api = f"$JS.API.STREAM.MSG.GET.{self._stream}"
        try:
            reply = await self._bus.request(api, request, ACKNOWLEDGEMENT_SECONDS, repeatable=False)
        except Refusal:
            return None
        message = orjson.loads(reply).get("message") or {}
        headers = decode_headers(acknowledgement.decoded(message.get("hdrs", "")))
        return int(message["seq"]) if headers.get(MESSAGE_ID) == pending.message_id else None

    async def _may_try_again(self, deadline: float) -> bool:
        await asyncio.sleep(PAUSE_SECONDS)
        return self._loop.time() < deadline

    def _log_refusal(self, acknowledged: Acknowledgement) -> None:
        structlog.get_logger().error("message not stored", stream=self._stream, reason=acknowledged.reason)


def _is_faster_singly(batch: list[Pending]) -> bool:
    """Tell whether messages are stored sooner one by one, at the same time: those of one subject would wait for each other."""
    return len(batch) <= FEW and len({pending.message.subject for pending in batch}) == len(batch)


def _settle(pending: Pending, stored: Stored) -> None:
    if not pending.stored.done():  # whoever waited may have been cancelled
        pending.stored.set_result(stored)


def _refuse(batch: list[Pending], refusal: Refusal) -> None:
    for pending in batch:
        if not pending.stored.done():
            pending.stored.set_exception(refusal)


def _revision_conflict() -> Refusal:
    return RevisionConflict(
        vi="Nội dung này vừa được thay đổi ở nơi khác; hãy đọc lại rồi thử lại.",
        en="This has just been changed elsewhere; read it again, then try again.",
    )


def _too_large() -> Refusal:
    return Refusal(
        "too-large",
        vi="Nội dung này lớn hơn mức trục lưu được; hãy gửi phần lớn nhất của nó dưới dạng tệp.",
        en="This content is larger than the bus can store; send its largest part as a file.",
    )
