"""What happens between the last byte of an upload and its first use: SHA-256, media type by its bytes, scan for malware.

The content is read back from the store for it, so the hash holds for what readers will get. Without the scanner that is configured no file
becomes available (fail closed); it is tried again. A gateway that ends in the middle leaves a lease that is soon over, and another one begins anew.
"""

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace

import structlog

from lgsp_gateway.delivery.files import media_type_check
from lgsp_gateway.delivery.files.chunk_cipher import DamagedChunkError
from lgsp_gateway.delivery.files.content import FileContent
from lgsp_gateway.delivery.files.file_store import FileStore
from lgsp_gateway.delivery.files.malware_scanner import MalwareScanner, ScannerUnavailableError, ScanVerdict
from lgsp_gateway.delivery.files.model import FileRecord, Lease, QuarantineReason
from lgsp_gateway.delivery.files.records import FileRecords
from lgsp_problems import Refusal, RevisionConflict
from lgsp_runtime.background import Background
from lgsp_runtime.error_frames import frames

LEASE_SECONDS = 12.0
RENEW_SECONDS = 4.0
RETRY_SECONDS = 3.0
"""When a file whose scanner was away is looked at again."""
MAX_AT_ONCE = 2
"""Files that one gateway verifies at the same time."""

Observer = Callable[[FileRecord], Awaitable[None]]


class Verification:
    """Verifies files.

    Args:
        scanner: None where none is configured.
        on_done: is told of each file that becomes available or quarantined, before anybody may use it.
    """

    def __init__(
        self,
        records: FileRecords,
        store: FileStore,
        content: FileContent,
        scanner: MalwareScanner | None,
        keep_seconds: float,
        on_done: Observer,
    ) -> None:
        self._records = records
        self._store = store
        self._content = content
        self._scanner = scanner
        self._keep_seconds = keep_seconds
        self._on_done = on_done
        self._turns = asyncio.Semaphore(MAX_AT_ONCE)
        self._running: dict[str, asyncio.Task[None]] = {}
        self.scans_failed = 0

    def start(self, file: str, background: Background) -> "asyncio.Task[None]":
        """Verify a file in the background, unless that is under way here."""
        running = self._running.get(file)
        if running is None:
            running = background.run_once("file verification", self._verify(file))
            self._running[file] = running
            running.add_done_callback(lambda _: self._running.pop(file, None))
        return running

    async def _verify(self, file: str) -> None:
        async with self._turns:
            record = await self._records.get(file)
            if record is None or record.state != "scanning" or record.lease.until > time.time():
                return
            lease = _HeldLease(self._records, record)
            try:
                await lease.extend(LEASE_SECONDS)
                try:
                    verified = await self._read_through(lease)
                except (ScannerUnavailableError, Refusal) as error:
                    if isinstance(error, RevisionConflict):
                        raise
                    self.scans_failed += 1
                    structlog.get_logger().error("file not verified", reason=str(error), error=type(error).__name__)
                    await lease.extend(RETRY_SECONDS)
                    return
                await self._on_done(verified)
                done = await self._records.put(verified)
            except RevisionConflict:
                return  # another gateway verifies it, or its owner deleted it
        await self._delete_stale_parts(done)

    async def _read_through(self, lease: "_HeldLease") -> FileRecord:
        """Read the content once, and return the record with its new state.

        Raises:
            ScannerUnavailableError: the scanner does not answer.
            RevisionConflict: another gateway took over.
            Refusal: `storage-unavailable` or `bus-unavailable`.
        """
        sha256, head = hashlib.sha256(), bytearray()
        reason: QuarantineReason = ""
        async with AsyncExitStack() as stack:
            scan = await stack.enter_async_context(self._scanner.scan()) if self._scanner else None
            try:
                async for piece in self._content.read(lease.record):
                    await asyncio.to_thread(sha256.update, piece)
                    if len(head) < media_type_check.HEAD_BYTES:
                        head += piece[: media_type_check.HEAD_BYTES - len(head)]
                    if scan:
                        await scan.send(piece)
                    await lease.extend_if_due()
            except DamagedChunkError as error:
                structlog.get_logger().error("stored file is damaged", file=lease.record.id, frames=frames(error))
                return self._judged(lease.record, "", "damaged")
            if scan:
                reason = _REASONS[await scan.verdict()]
        record = lease.record
        if not reason and record.declared_sha256 not in ("", sha256.hexdigest()):
            reason = "hash-mismatch"
        if not reason:
            reason = media_type_check.check(record.media_type, record.name, bytes(head))
        return self._judged(record, sha256.hexdigest(), reason)

    def _judged(self, record: FileRecord, sha256: str, reason: QuarantineReason) -> FileRecord:
        return replace(
            record,
            state="quarantined" if reason else "available",
            reason=reason,
            sha256=sha256,
            lease=Lease(record.lease.writer),
            expires_at=time.time() + self._keep_seconds,
        )

    async def _delete_stale_parts(self, record: FileRecord) -> None:
        names = [record.chunk_name(number) for number in range(record.chunks)]
        try:
            await self._store.delete(record.id, keep=names)
        except Refusal as refusal:  # they go with the file
            structlog.get_logger().warning("stale parts of a file not deleted", code=refusal.code)


_REASONS: dict[ScanVerdict, QuarantineReason] = {
    "clean": "",
    "infected": "malware",
    "not-scannable": "not-scannable",
}


class _HeldLease:
    """The right to verify a file, and its record as it is while that is held."""

    def __init__(self, records: FileRecords, record: FileRecord) -> None:
        self._records = records
        self.record = record
        self._extended_at = 0.0

    async def extend(self, seconds: float) -> None:
        """Hold it for so many seconds from now on.

        Raises:
            RevisionConflict: another gateway has it.
        """
        lease = Lease(self.record.lease.writer, time.time() + seconds)
        self.record = await self._records.put(replace(self.record, lease=lease))
        self._extended_at = time.monotonic()

    async def extend_if_due(self) -> None:
        """Hold it longer where it has been held for a while."""
        if time.monotonic() - self._extended_at > RENEW_SECONDS:
            await self.extend(LEASE_SECONDS)
