"""Making proofs: that the entry of a message is in its log, and that a log continues what it was.

With an index a proof takes a few look-ups, however long the log is. Without one, or where the index is behind or wrong, the log is
read instead: an index is derived data, and nothing that comes from it is handed out before it fits the signed checkpoint.
"""

import asyncio
import base64
import contextlib
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from nats.aio.client import Client
from nats.errors import TimeoutError as NatsTimeoutError

from lgsp_contracts.names import GatewayName, MessageId
from lgsp_gateway.evidence.read import checkpoint_stream, entry_stream
from lgsp_gateway.evidence.read.checkpoint_stream import CheckpointRecord
from lgsp_gateway.evidence.read.live_part import find_live_start, start_after
from lgsp_gateway.evidence.read.log_position import LogPosition
from lgsp_gateway.evidence.read.log_reader import LogReader
from lgsp_gateway.evidence.read.log_sources import IndexedLogs
from lgsp_gateway.evidence.verify import merkle
from lgsp_gateway.evidence.verify.checkpoint import unverified_size
from lgsp_gateway.evidence.verify.cosignature import Cosignature
from lgsp_gateway.evidence.verify.inclusion_proof import proof_document
from lgsp_gateway.evidence.verify.log_part import LOG_BEGINNING, PartStart
from lgsp_problems import NotFound, Refusal

CLOCK_SKEW_SECONDS = 60.0
"""How far the clocks of gateways and of NATS may be apart."""
CHECKPOINT_SECONDS = 1.0
"""How long a new checkpoint is waited for before the logs are read anyway."""


class ProofMaker:
    """Makes proofs from the logs of a bus.

    Args:
        index: None where there is none; then the logs are read.
    """

    def __init__(self, connection: Client, logs: LogReader, index: IndexedLogs | None) -> None:
        self._connection = connection
        self._logs = logs
        self._index = index

    async def inclusion_proof(self, message: MessageId, seconds: float = 0) -> dict[str, Any]:
        """Return the proof (`lgsp-evidence-proof/1`) of the entry of a message; of the last one, where an answer was withheld.

        Args:
            seconds: how long to wait for the checkpoint that covers a message which passed just now.

        Raises:
            Refusal: `not-found`.
        """
        proof = await self._prove_from_index(message)
        created_at = _created_at(message)
        if proof is None and seconds and abs(time.time() - created_at) < CLOCK_SKEW_SECONDS:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    proof = await self._prove_when_covered(message, created_at)
        proof = proof or await self._prove_from_logs(message)
        if proof is None:
            raise NotFound(
                vi="Không có mục nào của thông điệp này dưới một bản chốt; hãy kiểm tra mã, và nếu vừa gọi, hãy thêm wait=20.",
                en="No entry of this message is covered by a checkpoint; check the id, and add wait=20 if it passed just now.",
                retry_after=1,
            )
        return proof

    async def consistency_proof(self, gateway: GatewayName, old: int, new: int) -> list[str]:
        """Return the proof that a log of `new` entries begins with the log of `old`: hashes in base64 (RFC 6962).

        Raises:
            Refusal: `malformed`, when the log was never that long.
        """
        checkpoint = await self._logs.last_checkpoint(gateway)
        size = checkpoint.size if checkpoint else 0
        if not 0 < old <= new <= size:
            raise Refusal(
                "malformed",
                vi=f"from và to phải thỏa 0 < from ≤ to ≤ {size}, là số mục của nhật ký này.",
                en=f"from and to must keep 0 < from ≤ to ≤ {size}, the number of entries of this log.",
            )
        if self._index and await self._indexed_size(gateway) >= new:
            path = await self._index.consistency_proof(gateway, old, new)
        else:
            leaf_hashes = [merkle.leaf_hash(entry) async for entry in self._logs.entries(gateway, 0, new)]
            subtree_hash = merkle.subtree_hash_from(leaf_hashes)
            path = await asyncio.to_thread(merkle.consistency_proof, subtree_hash, new, old)
        return [base64.b64encode(step).decode() for step in path]

    async def _prove_when_covered(self, message: MessageId, created_at: float) -> dict[str, Any] | None:
        """Wait for the checkpoint that covers a message; None once all that was on disk at the call is covered.

        Args:
            created_at: the time of the message, in seconds since 1970.
        """
        gateways = await self._logs.gateways()
        written = {gateway: await entry_stream.last_of(self._connection, gateway) for gateway in gateways}
        checkpoints = await self._connection.subscribe(checkpoint_stream.SUBJECTS + "*")
        try:
            await self._connection.flush()
            while True:
                all_covered = await self._are_covered(written)
                proof = await self._prove_from_index(message)
                proof = proof or await self._prove_from_recent_entries(message, created_at - CLOCK_SKEW_SECONDS)
                if proof or all_covered:
                    return proof
                with contextlib.suppress(NatsTimeoutError):
                    await checkpoints.next_msg(timeout=CHECKPOINT_SECONDS)
        finally:
            await checkpoints.unsubscribe()

    async def _are_covered(self, batches: Mapping[GatewayName, int]) -> bool:
        """Tell whether checkpoints cover the batches of each gateway up to a number."""
        newest = [(await self._logs.last_checkpoint(gateway), number) for gateway, number in batches.items() if number]
        return all(checkpoint is not None and checkpoint.sequence >= number for checkpoint, number in newest)

    async def _indexed_size(self, gateway: GatewayName) -> int:
        try:
            return await self._index.size_of(gateway) if self._index else 0
        except Refusal:
            return 0

    async def _prove_from_index(self, message: MessageId) -> dict[str, Any] | None:
        """Make a proof with the index; None where it does not know the message, cannot be used, or does not fit the log."""
        if self._index is None:
            return None
        try:
            position = await self._index.position_of(message)
            checkpoint = await self._logs.last_checkpoint(position.gateway) if position else None
            if position is None or checkpoint is None:
                return None
            if not position.leaf < checkpoint.size <= await self._indexed_size(position.gateway):
                return None
            entry = await self._read_entry(position)
            path = await self._index.inclusion_proof(position.gateway, checkpoint.size, position.leaf)
            if entry is None or not _proves(entry, position.leaf, path, checkpoint):
                return None
            cosignatures = [
                (cosignature, await self._index.inclusion_proof(position.gateway, size, position.leaf))
                for cosignature, size in await self._cosignatures_over(position.gateway, position.leaf, checkpoint.size)
            ]
        except Refusal:
            return None
        return proof_document(entry, position.leaf, path, checkpoint.note, cosignatures)

    async def _cosignatures_over(self, gateway: GatewayName, leaf: int, size: int) -> list[tuple[Cosignature, int]]:
        """Read the newest cosignatures of checkpoints that cover an entry, with the sizes of those."""
        with_sizes = [
            (cosignature, unverified_size(cosignature.note)) for cosignature in await self._logs.cosignatures(gateway)
        ]
        return [(cosignature, covered) for cosignature, covered in with_sizes if leaf < covered <= size]

    async def _read_entry(self, position: LogPosition) -> bytes | None:
        batch = await entry_stream.batch(self._connection, position.sequence)
        if batch is not None:
            lines = batch.split(b"\n")
            return lines[position.line] if position.line < len(lines) else None
        return await anext(self._logs.entries(position.gateway, position.leaf, position.leaf + 1), None)

    async def _prove_from_logs(self, message: MessageId) -> dict[str, Any] | None:
        """Make a proof by reading the logs, first what is still in the stream."""
        for gateway in await self._logs.gateways():
            checkpoint = await self._logs.last_checkpoint(gateway)
            if checkpoint is None:
                continue
            start, _ = await self._logs.find_part(gateway, 0, 0)
            proof = await self._prove_from_part(gateway, start, checkpoint, message)
            if proof is None and start.size and self._logs.has_archives:
                proof = await self._prove_from_part(gateway, LOG_BEGINNING, checkpoint, message)
            if proof:
                return proof
        return None

    async def _prove_from_recent_entries(self, message: MessageId, since: float) -> dict[str, Any] | None:
        """Make a proof by reading what was written since a time, in seconds since 1970."""
        for gateway in await self._logs.gateways():
            checkpoint = await self._logs.last_checkpoint(gateway)
            if checkpoint is None:
                continue
            start, _ = await find_live_start(self._connection, gateway)
            before = await checkpoint_stream.newest_where(self._connection, gateway, lambda stored: stored.time < since)
            if before and before.record.size > start.size:
                start = start_after(before.record)
            if proof := await self._prove_from_part(gateway, start, checkpoint, message):
                return proof
        return None

    async def _prove_from_part(
        self, gateway: GatewayName, start: PartStart, checkpoint: CheckpointRecord, message: MessageId
    ) -> dict[str, Any] | None:
        member = f'"message":{orjson.dumps(message).decode()}'.encode()
        entries = [entry async for entry in self._logs.entries(gateway, start.size, checkpoint.size)]
        index = next((n for n in range(len(entries) - 1, -1, -1) if member in entries[n]), None)
        if index is None:
            return None
        leaf_hashes = [merkle.leaf_hash(entry) for entry in entries]
        subtree_hash = merkle.subtree_hash_from(leaf_hashes, start.size, start.compact_range)
        leaf = start.size + index
        path = await asyncio.to_thread(merkle.inclusion_proof, subtree_hash, checkpoint.size, leaf)
        # Of a checkpoint that lies before the part, only the compact range is known.
        cosignatures = [
            (cosignature, merkle.inclusion_proof(subtree_hash, size, leaf))
            for cosignature, size in await self._cosignatures_over(gateway, leaf, checkpoint.size)
            if size > start.size
        ]
        return proof_document(entries[index], leaf, path, checkpoint.note, cosignatures)


def _created_at(message: MessageId) -> float:
    """Return when a message got its id, in seconds since 1970, as the id says (UUID version 7)."""
    return (uuid.UUID(message).int >> 80) / 1000


def _proves(entry: bytes, leaf: int, path: Sequence[bytes], checkpoint: CheckpointRecord) -> bool:
    root = merkle.Tree(checkpoint.size, checkpoint.compact_range).root()
    return merkle.verify_inclusion(root, checkpoint.size, leaf, merkle.leaf_hash(entry), path)
