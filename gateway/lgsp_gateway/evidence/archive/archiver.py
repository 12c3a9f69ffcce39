"""Moves old evidence from the stream into archives: written, verified, read back, and only then deleted.

It may be killed at any moment and run again: an archive that exists already is verified, and what it holds is deleted from the stream
before the next part is archived. Nothing else may delete evidence: it has a NATS user of its own, whose rights the gateways lack.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

import structlog
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js.errors import APIError

from lgsp_contracts.names import GatewayName
from lgsp_gateway.evidence.archive import file_format
from lgsp_gateway.evidence.archive.file_format import Archive, ArchivedBatch
from lgsp_gateway.evidence.archive.store import ArchiveStore
from lgsp_gateway.evidence.read import batch_consumer, checkpoint_stream, entry_stream
from lgsp_gateway.evidence.read.archive_name import ArchiveName
from lgsp_gateway.evidence.read.checkpoint_stream import StoredCheckpoint
from lgsp_gateway.evidence.read.live_part import find_live_start
from lgsp_gateway.evidence.verify.checkpoint import Checkpoint, CheckpointVerifier
from lgsp_gateway.evidence.verify.log_keys import LogKeys
from lgsp_gateway.evidence.verify.log_part import PartStart
from lgsp_gateway.evidence.verify.refusals import evidence_forged
from lgsp_problems import BusUnavailable, Refusal

MAX_ENTRIES = 500_000
"""Entries in one archive, about: some 80 MB (167 bytes each, measured)."""


@dataclass(frozen=True, slots=True)
class ArchivedPart:
    """One part of a log that was archived, and how many batches of the stream it holds."""

    name: ArchiveName
    batches: int


class Archiver:
    """Archives the logs of a bus.

    Args:
        publics: the public keys that sign checkpoints or have signed them.
    """

    def __init__(
        self, connection: Client, archives: ArchiveStore, publics: Sequence[bytes], max_entries: int = MAX_ENTRIES
    ) -> None:
        self._connection = connection
        self._archives = archives
        self._publics = publics
        self._max_entries = max_entries

    async def run(self, before: float) -> AsyncIterator[ArchivedPart]:
        """Archive what was written before a time, and report each part as it is done.

        Args:
            before: seconds since 1970.

        Raises:
            Refusal: `archive-unavailable`, `evidence-forged`, `bus-unavailable`. What was not archived is still in the stream.
        """
        for gateway in await entry_stream.gateways(self._connection):
            while archived := await self._archive_one(gateway, before):
                yield archived

    async def _archive_one(self, gateway: GatewayName, before: float) -> ArchivedPart | None:
        """Archive the next part of a log, if there is one."""
        newest = await checkpoint_stream.last(self._connection, gateway)
        if newest is None:
            return None
        key = LogKeys.of_checkpoint(newest.record.note, self._publics, gateway)
        start, number = await find_live_start(self._connection, gateway)
        existing = await asyncio.to_thread(self._archives.find_beginning_at, gateway, start.size)
        if existing:
            return await self._delete_archived(existing, start, key)
        max_size = start.size + self._max_entries

        def fits(stored: StoredCheckpoint) -> bool:
            return stored.time < before and stored.record.size <= max_size

        last = await checkpoint_stream.newest_where(self._connection, gateway, fits)
        if (
            last is None or last.record.size <= start.size
        ):  # the next checkpoint alone covers more than an archive should
            last = await checkpoint_stream.from_number(self._connection, gateway, number + 1)
            if last is None or last.time >= before or last.record.size <= start.size:
                return None
        checkpoints = await checkpoint_stream.between(self._connection, gateway, number, last)
        name = ArchiveName(gateway, start.size, last.record.size)
        await self._refuse_gap(name)
        try:
            with tempfile.TemporaryDirectory() as folder:
                file = Path(folder) / str(name)
                batches = await self._write_archive(file, gateway, start, checkpoints)
                await asyncio.to_thread(self._put_verified, name, file, key)
        except OSError as error:
            raise _temporary_files_unwritable(error) from error
        await self._delete_from_stream(gateway, last)
        structlog.get_logger().info("archived", archive=str(name), batches=batches)
        return ArchivedPart(name, batches)

    async def _delete_archived(self, existing: ArchiveName, start: PartStart, key: CheckpointVerifier) -> ArchivedPart:
        """Delete from the stream what an archive holds that was written by a run which was killed before it deleted."""
        last = await checkpoint_stream.newest_where(
            self._connection, existing.gateway, lambda stored: stored.record.size <= existing.end
        )
        verified, batches = await asyncio.to_thread(self._verify_stored, existing, key)
        checkpoint = key.verify(last.record.note) if last else None
        if last is None or verified != (start, checkpoint):
            raise evidence_forged(
                f"{existing} không phải là phần tiếp theo của nhật ký này; hãy chuyển tệp đó ra khỏi kho",
                f"{existing} is not what comes next in this log; move that file out of the archive",
            )
        await self._delete_from_stream(existing.gateway, last)
        structlog.get_logger().info("archived before, deleted now", archive=str(existing), batches=batches)
        return ArchivedPart(existing, batches)

    def _verify_stored(self, name: ArchiveName, key: CheckpointVerifier) -> tuple[tuple[PartStart, Checkpoint], int]:
        with self._archives.fetch(name) as archive:
            return archive.verify(key), len(archive.description()[1])

    async def _refuse_gap(self, name: ArchiveName) -> None:
        """Raise when no archive ends where this one begins."""
        if name.first:
            ends = [earlier.end for earlier in await asyncio.to_thread(self._archives.names, name.gateway)]
            if name.first not in ends:
                raise evidence_forged(
                    f"kho lưu trữ không có phần của {name.gateway} trước mục {name.first}",
                    f"the archive does not hold the part of {name.gateway} before entry {name.first}",
                )

    async def _write_archive(
        self, file: Path, gateway: GatewayName, start: PartStart, checkpoints: list[StoredCheckpoint]
    ) -> int:
        last = checkpoints[-1].record
        entries, batches = file.with_suffix(".entries"), list[ArchivedBatch]()
        with entries.open("wb") as out:
            async with aclosing(batch_consumer.read(self._connection, 0, follow=False, gateway=gateway)) as read:
                async for batch in read:
                    if batch.sequence > last.sequence:
                        break
                    out.write(batch.data + b"\n")
                    batches.append(ArchivedBatch(batch.sequence, len(batch.entries)))
        notes = [stored.record.note for stored in checkpoints]
        await asyncio.to_thread(file_format.write, file, start, batches, entries, notes)
        entries.unlink()
        return len(batches)

    def _put_verified(self, name: ArchiveName, file: Path, key: CheckpointVerifier) -> None:
        """Verify the archive, store it, fetch it from there and verify it again."""
        Archive(file).verify(key)
        self._archives.put(name, file)
        self._verify_stored(name, key)

    async def _delete_from_stream(self, gateway: GatewayName, last: StoredCheckpoint) -> None:
        jetstream = self._connection.jetstream()
        try:
            await jetstream.purge_stream(
                entry_stream.STREAM, last.record.sequence + 1, entry_stream.subject_of(gateway)
            )
            await jetstream.purge_stream(checkpoint_stream.STREAM, last.number, checkpoint_stream.subject_of(gateway))
        except (APIError, NatsError, OSError) as error:
            raise BusUnavailable(
                vi=f"Đã lưu trữ nhưng chưa xóa được khỏi luồng ({error}); người dùng NATS archiver cần quyền PURGE. Hãy chạy lại sau khi cấp.",
                en=f"It is archived, but could not be deleted from the stream ({error}); the NATS user archiver needs the right to PURGE. Grant it and run this again.",
            ) from error


def _temporary_files_unwritable(error: OSError) -> Refusal:
    folder = tempfile.gettempdir()
    return Refusal(
        "archive-unavailable",
        vi=f"Không ghi được tệp tạm trong {folder} ({error.strerror}); hãy giải phóng dung lượng hoặc đặt TMPDIR tới thư mục còn chỗ, rồi chạy lại. Chưa có gì bị xóa.",
        en=f"Temporary files cannot be written in {folder} ({error.strerror}); free some space or let TMPDIR name a folder that has it, and run this again. Nothing was deleted.",
    )
