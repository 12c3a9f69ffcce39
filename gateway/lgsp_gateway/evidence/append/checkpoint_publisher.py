"""Publishes the checkpoints of one gateway's evidence: integrates what is on disk into the Merkle tree, and signs it every second.

The order of the log is the order of the stream, which is what counts after a crash. While every batch is acknowledged, each is
integrated once it is. When an acknowledgement is missing, nobody knows whether its batch is on disk, or will be: a server that stalled
may store it later, from a connection that was given up long ago, before what was sent after it. So until its fate is known, and for a
while after every start, the tree grows only by reading the stream from where the tree ends. A checkpoint is stored in a stream of its
own with the compact range of the tree, so that a start reads only what came after it.
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
from lgsp_gateway.evidence.verify.signers import LogSigner
from lgsp_problems import CannotStart, Refusal
from lgsp_runtime.background import Background
from lgsp_runtime.background_task import Task
from lgsp_runtime.nats.request_reply import NatsRequestReply

CHECKPOINT_SECONDS = 1.0
WRITE_SECONDS = 3.0
STRAGGLER_SECONDS = 5.0
"""How long after a start a batch that the process before this one sent may still be stored."""


class CheckpointPublisher:
    """The Merkle tree of one gateway's log, and its checkpoints.

    Args:
        gateway: the name under which the gateway writes evidence.
        signer: signs the checkpoints.
    """

    def __init__(self, bus: NatsRequestReply, gateway: GatewayName, signer: LogSigner) -> None:
        self._bus = bus
        self._gateway = gateway
        self._signer = signer
        self._tree = Tree()
        self._sequence = 0
        self._signed_size = 0
        self._follows_acknowledgements = False
        self._unsure: set[str] = set()
        self._stragglers_until = 0.0
        self._acknowledged_while_reading: dict[int, list[bytes]] = {}
        self._written_batches: list[tuple[int, list[bytes]]] = []
        self._unsigned_since = 0.0
        self._predecessors: tuple[Predecessor, ...] = ()
        self.last_signed_before = 0.0
        """When the last checkpoint before this start was written, in seconds since 1970: the clock cannot be earlier now."""
        self._signing: Task | None = None

    async def start(self, connection: Client, replicas: int) -> None:
        """Continue from the last checkpoint, with what the stream holds after it. Nothing is signed before `start_signing`.

        Raises:
            Refusal: `cannot-start`; `evidence-forged`, when the last checkpoint is not one of this log.
        """
        self._connection = connection
        await checkpoint_stream.ensure(connection, replicas)
        last = await checkpoint_stream.last(connection, self._gateway)
        if last:
            record, self.last_signed_before = last.record, last.time
            checkpoint = self._signer.log_keys(record.note, self._gateway).verify(record.note)
            self._signer = self._signer.after(checkpoint)
            same_origin = checkpoint.origin == self._signer.key.name
            self._predecessors = checkpoint.predecessors if same_origin else checkpoint.predecessors_of_next_origin()
            self._refuse_former_origin()
            self._tree = Tree(record.size, record.compact_range)
            if (self._tree.size, self._tree.root()) != (checkpoint.size, checkpoint.root):
                raise CannotStart(
                    vi=f"Bản chốt cuối của {self._gateway} không khớp cây của nó; hãy dùng tên gateway khác và báo kiểm toán viên.",
                    en=f"The last checkpoint of {self._gateway} does not belong to its tree; use another gateway name and tell an auditor.",
                )
            self._sequence, self._signed_size = record.sequence, record.size
            await self._refuse_truncated()
        self._stragglers_until = time.monotonic() + STRAGGLER_SECONDS
        await self._integrate_from_stream()

    def start_signing(self, background: Background) -> None:
        """Sign checkpoints from now on."""
        self._signing = background.run_every(
            "checkpoints", CHECKPOINT_SECONDS, self._sign_or_log, within=None, at_once=False
        )

    @property
    def signer(self) -> LogSigner:
        """Return what signs, under the origin that the log has now: after a restore another than the configured one."""
        return self._signer

    @property
    def sequence(self) -> int:
        """Return the number, in the stream, of the last batch that is in the tree."""
        self.integrate_written()
        return self._sequence

    @property
    def unsigned(self) -> int:
        """Count the entries that no checkpoint covers yet."""
        self.integrate_written()
        return self._tree.size - self._signed_size

    def unsigned_for(self) -> float:
        """Return the seconds since a checkpoint over unsigned entries was first tried; 0 where there are none."""
        return time.monotonic() - self._unsigned_since if self._unsigned_since else 0.0

    def _refuse_former_origin(self) -> None:
        """Raise when the log has ended under the origin that is configured, since it must not continue under it."""
        origin = self._signer.key.name
        if any(predecessor.origin == origin for predecessor in self._predecessors):
            now = self._predecessors[-1].origin
            raise CannotStart(
                vi=f"Nhật ký {origin} đã kết thúc và được nối tiếp dưới tên {now}; hãy khởi động với đúng --domain của tên đó.",
                en=f"The log {origin} has ended and goes on as {now}; start the gateway with the --domain of that name.",
            )

    async def _refuse_truncated(self) -> None:
        """Raise when the stream ends before what was signed of it."""
        last = await entry_stream.last_sequence(self._connection)
        if last < self._sequence:
            raise CannotStart(
                vi=f"Luồng bằng chứng kết thúc ở nhóm {last}, trước nhóm {self._sequence} đã ký: có mục bị xóa. Hãy khôi phục bản sao của NATS, hoặc báo kiểm toán viên rồi khởi động gateway dưới tên khác.",
                en=f"The evidence ends with batch {last}, before batch {self._sequence} that was signed: entries were removed. Restore a copy of NATS, or tell an auditor and start the gateway under another name.",
            )

    async def stop(self) -> None:
        """Stop signing, after a last checkpoint over everything that was written."""
        if self._signing:
            await self._signing.stop()
        with contextlib.suppress(Refusal, NatsError, OSError, TimeoutError):
            await self._sign()

    def on_batch_written(self, sequence: int, entries: list[bytes]) -> None:
        """Take over a batch that is on disk. It is integrated later, because its callers wait for their answers now.

        Args:
            sequence: its number in the stream.
        """
        self._written_batches.append((sequence, entries))

    def integrate_written(self) -> None:
        """Integrate the batches that were taken over: when there is time, before a checkpoint at the latest."""
        written, self._written_batches = self._written_batches, []
        for sequence, entries in written:
            if not self._follows_acknowledgements:
                self._acknowledged_while_reading[sequence] = entries
            elif sequence > self._sequence:
                self._integrate(sequence, entries)

    def mark_unsure(self, number: str) -> None:
        """Record that a batch may be on disk or not, or get there later: then the stream alone tells what the log holds.

        Args:
            number: of the batch, as its message id has it.
        """
        self._unsure.add(number)
        self._follows_acknowledgements = False

    def mark_settled(self, number: str) -> None:
        """Record that a batch that was unsure is on disk.

        Args:
            number: of the batch, as its message id has it.
        """
        self._unsure.discard(number)

    def _integrate(self, sequence: int, entries: list[bytes]) -> None:
        for entry in entries:
            self._tree.append(entry)
        self._sequence = sequence

    async def _integrate_from_stream(self) -> None:
        """Integrate what the stream holds and the tree does not."""
        self._acknowledged_while_reading.clear()
        nothing_unsure = not self._unsure and time.monotonic() > self._stragglers_until
        async for batch in batch_consumer.read(self._connection, self._sequence, follow=False, gateway=self._gateway):
            self._integrate(batch.sequence, batch.entries)
        self.integrate_written()
        if (
            nothing_unsure and not self._unsure
        ):  # then there is no gap between the batches that were acknowledged meanwhile
            for sequence in sorted(self._acknowledged_while_reading):
                if sequence > self._sequence:
                    self._integrate(sequence, self._acknowledged_while_reading[sequence])
            self._follows_acknowledgements = True
        self._acknowledged_while_reading.clear()

    async def _sign_or_log(self) -> None:
        try:
            await self._sign()
        except (Refusal, NatsError, OSError, TimeoutError) as error:
            structlog.get_logger().warning("no checkpoint", error=type(error).__name__)

    async def _sign(self) -> None:
        self.integrate_written()
        if not self._follows_acknowledgements:
            await self._integrate_from_stream()
        size, sequence, compact_range = self._tree.size, self._sequence, self._tree.compact_range
        if size == self._signed_size:
            self._unsigned_since = 0.0
            return
        self._unsigned_since = self._unsigned_since or time.monotonic()
        note = self._signer.sign(size, self._tree.root(), self._predecessors)
        record = CheckpointRecord(note, size, compact_range, sequence)
        subject = checkpoint_stream.subject_of(self._gateway)
        acknowledgement = await self._bus.publish(subject, record.data(), {}, WRITE_SECONDS)
        if acknowledgement.get("seq"):
            self._signed_size, self._unsigned_since = size, 0.0
