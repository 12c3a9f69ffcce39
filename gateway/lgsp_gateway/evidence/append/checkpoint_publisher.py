"""Publishes the checkpoints of one gateway's evidence: grows the Merkle tree by what is on disk, and signs it every second.

The order of the log is the order of the stream, which is what counts after a crash. While acknowledgements come one after
the other, each batch is added once it is acknowledged. When one does not come, nobody knows whether its batch is on disk, or will
be: a server that stood still takes it in later from a connection that is long given up, before what was sent after it. So until
its fate is known, and for a while after every start, the tree grows only by reading the stream from where it ends. A checkpoint is
kept in a stream of its own with the compact range of the tree, so that a start reads only what came after it.
"""

import contextlib
import time

import structlog
from nats.aio.client import Client
from nats.errors import Error as NatsError

from lgsp_contracts.names import GatewayName
from lgsp_gateway.evidence.read import batch_consumer, checkpoint_stream, entry_stream
from lgsp_gateway.evidence.read.checkpoint_stream import CheckpointRecord
from lgsp_gateway.evidence.verify.checkpoint import Predecessor
from lgsp_gateway.evidence.verify.merkle import Tree
from lgsp_gateway.evidence.verify.signers import Signer
from lgsp_problems import Refusal
from lgsp_runtime.background import Background, Task
from lgsp_runtime.nats.request_reply import NatsRequestReply

EVERY_SECONDS = 1.0
WRITE_SECONDS = 3.0
SETTLE_SECONDS = 5.0
"""How long after a start a batch of the run before may still come in."""


class CheckpointPublisher:
    """The tree and the checkpoints of one gateway."""

    def __init__(self, bus: NatsRequestReply, gateway: GatewayName, signer: Signer) -> None:
        self._bus = bus
        self._gateway = gateway
        self._signer = signer
        self._tree = Tree()
        self._sequence = 0
        self._signed = 0
        self._in_step = False
        self._unsettled: set[str] = set()
        self._settled_at = 0.0
        self._unread: dict[int, list[bytes]] = {}
        self._told: list[tuple[int, list[bytes]]] = []
        self._unsigned_since = 0.0
        self._continues: tuple[Predecessor, ...] = ()
        self.last_signed_before = 0.0
        """When the last checkpoint of the run before was written, in seconds since 1970: the clock cannot be earlier now."""
        self._signing: Task | None = None

    async def start(self, connection: Client, replicas: int, background: Background) -> None:
        """Go on where the last checkpoint ends, with what the stream holds after it.

        Raises:
            Refusal: `cannot-start`; `evidence-forged`, when the last checkpoint is not one of this log.
        """
        self._connection = connection
        await checkpoint_stream.ensure(connection, replicas)
        last = await checkpoint_stream.last(connection, self._gateway)
        if last:
            kept, self.last_signed_before = last.record, last.time
            signed = self._signer.log_keys(kept.note, self._gateway).verify(kept.note)
            self._continues = (
                signed.predecessors if signed.origin == self._signer.key.name else signed.predecessors_of_next_origin()
            )
            self._refuse_former_origin()
            self._tree = Tree(kept.size, kept.compact_range)
            if (self._tree.size, self._tree.root()) != (signed.size, signed.root):
                raise Refusal(
                    "cannot-start",
                    vi=f"Điểm kiểm cuối của {self._gateway} không khớp cây của nó; hãy dùng tên gateway khác và báo kiểm toán viên.",
                    en=f"The last checkpoint of {self._gateway} does not belong to its tree; use another gateway name and tell an auditor.",
                )
            self._sequence, self._signed = kept.sequence, kept.size
            await self._refuse_truncated()
        self._settled_at = time.monotonic() + SETTLE_SECONDS
        await self._read()
        self._signing = background.run_every(
            "checkpoints", EVERY_SECONDS, self._sign_patiently, within=None, at_once=False
        )

    @property
    def sequence(self) -> int:
        """Return the number of the last batch of the stream that is in the tree."""
        self.catch_up()
        return self._sequence

    @property
    def unsigned(self) -> int:
        """Count the entries that no checkpoint covers yet."""
        self.catch_up()
        return self._tree.size - self._signed

    def unsigned_for(self) -> float:
        """Return the seconds since the oldest of them was to be signed; 0 where there is none."""
        return time.monotonic() - self._unsigned_since if self._unsigned_since else 0.0

    def _refuse_former_origin(self) -> None:
        """A log that has ended under an origin does not go on under it."""
        origin = self._signer.key.name
        if any(one.origin == origin for one in self._continues):
            now = self._continues[-1].origin
            raise Refusal(
                "cannot-start",
                vi=f"Nhật ký {origin} đã kết thúc và được nối tiếp dưới tên {now}; hãy khởi động với đúng --domain của tên đó.",
                en=f"The log {origin} has ended and goes on as {now}; start the gateway with the --domain of that name.",
            )

    async def _refuse_truncated(self) -> None:
        """The stream must reach as far as what was signed of it."""
        there = await entry_stream.last_sequence(self._connection)
        if there < self._sequence:
            raise Refusal(
                "cannot-start",
                vi=f"Luồng bằng chứng kết thúc ở nhóm {there}, trước nhóm {self._sequence} đã ký: có mục bị xóa. Hãy khôi phục bản sao của NATS, hoặc báo kiểm toán viên rồi khởi động gateway dưới tên khác.",
                en=f"The evidence ends with batch {there}, before batch {self._sequence} that was signed: entries were removed. Restore a copy of NATS, or tell an auditor and start the gateway under another name.",
            )

    async def stop(self) -> None:
        """Sign what was written."""
        if self._signing:
            await self._signing.stop()
        with contextlib.suppress(Refusal, NatsError, OSError, TimeoutError):
            await self._sign()

    def written(self, sequence: int, entries: list[bytes]) -> None:
        """Take a batch that is on disk under a number of the stream. Its callers wait for their answers, so it is not added yet."""
        self._told.append((sequence, entries))

    def catch_up(self) -> None:
        """Add the batches that are on disk: when there is time, before a checkpoint at the latest."""
        told, self._told = self._told, []
        for sequence, entries in told:
            if not self._in_step:
                self._unread[sequence] = entries
            elif sequence > self._sequence:
                self._add(sequence, entries)

    def unsure(self, number: str) -> None:
        """Note that a batch may be on disk or not, or get there later: the stream knows, when its fate is `settled`."""
        self._unsettled.add(number)
        self._in_step = False

    def settled(self, number: str) -> None:
        """A batch of which it was not sure is on disk."""
        self._unsettled.discard(number)

    def _add(self, sequence: int, entries: list[bytes]) -> None:
        for entry in entries:
            self._tree.append(entry)
        self._sequence = sequence

    async def _read(self) -> None:
        """Add what the stream holds and the tree does not."""
        self._unread.clear()
        settled = not self._unsettled and time.monotonic() > self._settled_at
        async for batch in batch_consumer.read(self._connection, self._sequence, follow=False, gateway=self._gateway):
            self._add(batch.sequence, batch.entries)
        self.catch_up()
        if settled and not self._unsettled:  # then what was acknowledged meanwhile came in without anything between
            for sequence in sorted(self._unread):
                if sequence > self._sequence:
                    self._add(sequence, self._unread[sequence])
            self._in_step = True
        self._unread.clear()

    async def _sign_patiently(self) -> None:
        try:
            await self._sign()
        except (Refusal, NatsError, OSError, TimeoutError) as error:
            structlog.get_logger().warning("no checkpoint", error=type(error).__name__)

    async def _sign(self) -> None:
        self.catch_up()
        if not self._in_step:
            await self._read()
        size, sequence, compact_range = self._tree.size, self._sequence, self._tree.compact_range
        if size == self._signed:
            self._unsigned_since = 0.0
            return
        self._unsigned_since = self._unsigned_since or time.monotonic()
        kept = CheckpointRecord(
            self._signer.sign(size, self._tree.root(), self._continues), size, compact_range, sequence
        )
        said = await self._bus.publish(checkpoint_stream.subject_of(self._gateway), kept.data(), {}, WRITE_SECONDS)
        if said.get("seq"):
            self._signed, self._unsigned_since = size, 0.0
