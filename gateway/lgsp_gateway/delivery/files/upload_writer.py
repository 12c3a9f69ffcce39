"""Writes what one request sends of an upload: in chunks, and its progress in the record every few megabytes.

What is stored when a connection breaks, a gateway ends or a disk is full stays, and the upload goes on from there. The last chunk may be a
part; the next request reads it and writes it again, under a name of its own: a request that was thought dead overwrites nothing. What a request
replaced or left behind is deleted at its end: a quota counts the size of an upload, so an upload must not take more space than that.
"""

import asyncio
import time
from dataclasses import replace

import structlog

from lgsp_gateway.delivery.files.chunk_cipher import ChunkCipher
from lgsp_gateway.delivery.files.file_store import FileStore
from lgsp_gateway.delivery.files.model import FileRecord, Lease
from lgsp_gateway.delivery.files.records import FileRecords
from lgsp_problems import Refusal

CHECKPOINT_BYTES = 8 * 1024 * 1024
CHECKPOINT_SECONDS = 4.0
LEASE_SECONDS = 12.0
"""How long an upload waits for a gateway that was killed, until another one may go on with it."""


class UploadWriter:
    """Writes the body of one request.

    Args:
        record: as it is after the lease was taken.
        tail: what the last chunk holds already.
        checkpoints: whether progress counts before the request ends; not where its checksum is still to be compared.
    """

    def __init__(
        self,
        record: FileRecord,
        tail: bytes,
        cipher: ChunkCipher,
        store: FileStore,
        records: FileRecords,
        *,
        checkpoints: bool,
    ) -> None:
        self.record = record
        self._cipher = cipher
        self._store = store
        self._records = records
        self._checkpoints = checkpoints
        self._first_chunk = self._chunk = record.offset // record.chunk_bytes
        self._replaced = record.chunk_name(self._chunk) if tail else ""
        self._segments = record.segments_from(self._chunk, record.lease.writer)
        self._buffer = bytearray(tail)
        self._pending: asyncio.Task[None] | None = None
        self._has_gap = False
        """Whether a chunk may not be stored that was taken out of the buffer: what comes after it must not be stored in its place."""
        self._stored = record.offset
        self._stored_with_pending = record.offset
        self._checkpoint_at = time.monotonic()

    @property
    def received(self) -> int:
        """Return the offset after what was received."""
        return self._chunk * self.record.chunk_bytes + len(self._buffer)

    async def write(self, piece: bytes) -> None:
        """Take a piece of the body; an empty one where it pauses, so that the lease is kept.

        Raises:
            StorageFull: there is no space left.
            RevisionConflict: another request goes on with the upload.
            Refusal: `storage-unavailable` or `bus-unavailable`.
        """
        self._buffer += piece
        size = self.record.chunk_bytes
        while len(self._buffer) >= size:
            with memoryview(self._buffer) as view:
                sealed = self._seal(view[:size])
            del self._buffer[:size]
            await self._put(sealed, (self._chunk + 1) * size)
            self._chunk += 1
        silent = time.monotonic() - self._checkpoint_at
        if self._stored - self.record.offset >= CHECKPOINT_BYTES or silent >= CHECKPOINT_SECONDS:
            await self.checkpoint()

    async def checkpoint(self) -> None:
        """Write the progress into the record, and keep the lease.

        Raises:
            RevisionConflict: another request goes on with the upload.
            Refusal: `bus-unavailable`.
        """
        lease = Lease(self.record.lease.writer, time.time() + LEASE_SECONDS)
        await self._save(replace(self.record, lease=lease))
        self._checkpoint_at = time.monotonic()

    async def finish(self) -> FileRecord:
        """Store what is left, write the progress into the record, and give the lease back.

        Raises:
            StorageFull: there is no space left; then what was stored before counts.
            RevisionConflict: another request goes on with the upload.
            Refusal: `storage-unavailable` or `bus-unavailable`.
        """
        try:
            if self._buffer and not self._has_gap and self.received > self._stored_with_pending:
                await self._put(self._seal(self._buffer), self.received)
            await self._settle_pending()
        finally:
            state = "scanning" if self._stored == self.record.size else self.record.state
            await self._save(replace(self.record, lease=Lease(self.record.lease.writer), state=state))
        if self._replaced and self.record.chunk_name(self._first_chunk) != self._replaced:
            await self._delete([self._replaced])
        return self.record

    async def abandon(self) -> None:
        """Give the lease back without any progress: the body was not what its checksum says.

        Raises:
            RevisionConflict: another request goes on with the upload.
            Refusal: `bus-unavailable`.
        """
        if self._pending:  # what is cancelled may be stored all the same, after it was deleted
            await asyncio.wait({self._pending})
        self.record = await self._records.put(replace(self.record, lease=Lease(self.record.lease.writer)))
        # Not before: now it is sure that the record names none of them.
        await self._delete(
            [f"{number}.{self.record.lease.writer}" for number in range(self._first_chunk, self._chunk + 1)]
        )

    async def _delete(self, chunks: list[str]) -> None:
        try:
            await self._store.delete_chunks(self.record.id, chunks)
        except Refusal as refusal:  # they go with the file
            structlog.get_logger().warning("stale parts of a file not deleted", code=refusal.code)

    async def _save(self, record: FileRecord) -> None:
        if self._stored > record.offset and (self._checkpoints or record.lease.until == 0):
            record = replace(record, offset=self._stored, segments=self._segments)
        self.record = await self._records.put(record)

    def _seal(self, content: bytearray | memoryview) -> bytes:
        return self._cipher.encrypt(self._chunk_name(), content)

    def _chunk_name(self) -> str:
        return f"{self._chunk}.{self.record.lease.writer}"

    async def _put(self, sealed: bytes, offset: int) -> None:
        """Store a chunk while the next one arrives.

        Args:
            offset: of the content after the chunk.
        """
        await self._settle_pending()
        self._stored_with_pending = offset
        self._pending = asyncio.ensure_future(self._store.put(self.record.id, self._chunk_name(), sealed))

    async def _settle_pending(self) -> None:
        pending, self._pending = self._pending, None
        if pending:
            self._has_gap = True
            await pending
            self._has_gap = False
            self._stored = self._stored_with_pending
