"""Uploads: begun, continued at any gateway, finished, deleted by their owner.

One request at a time writes an upload. One that comes while another is under way takes over, since a client that reconnects has given up
the first; at another gateway it waits until the lease of the first is over.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

import uuid_utils

from lgsp_auth.policy import Officer
from lgsp_contracts.names import AgencyCode, SystemName
from lgsp_gateway.delivery.files import chunk_cipher, refusals
from lgsp_gateway.delivery.files.chunk_cipher import ChunkCipher, DamagedChunkError
from lgsp_gateway.delivery.files.content import FileContent
from lgsp_gateway.delivery.files.file_store import FileStore
from lgsp_gateway.delivery.files.model import FileRecord, Lease
from lgsp_gateway.delivery.files.record_index import LEAST_BYTES
from lgsp_gateway.delivery.files.records import FileRecords
from lgsp_gateway.delivery.files.upload_rights import UploadRights
from lgsp_gateway.delivery.files.upload_writer import LEASE_SECONDS, UploadWriter
from lgsp_gateway.delivery.storage.bounds import StorageBounds
from lgsp_gateway.delivery.storage.payload_cipher import PayloadCipher
from lgsp_problems import Refusal, RevisionConflict, StorageQuotaExceeded

UNFINISHED_HOURS = 24
"""How long an upload is kept after its last part."""
MAX_UNFINISHED = 1_000
"""Uploads that one system may have begun and not finished."""


class Hash(Protocol):
    """A hash under way, as hashlib makes it."""

    def update(self, data: bytes, /) -> None:
        """Take in more bytes."""

    def digest(self) -> bytes:
        """Return the digest."""


@dataclass(frozen=True, slots=True)
class NewFile:
    """What the owner says of a file that it is going to upload. `sha256` is in hex, or empty."""

    name: str
    media_type: str
    size: int
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Checksum:
    """What the bytes of one request must hash to."""

    hash: Hash
    digest: bytes


class Uploads:
    """The uploads of one gateway.

    Args:
        bounds: what may be stored.
    """

    def __init__(
        self,
        records: FileRecords,
        store: FileStore,
        keys: PayloadCipher,
        rights: UploadRights,
        content: FileContent,
        bounds: StorageBounds,
    ) -> None:
        self._records = records
        self._store = store
        self._keys = keys
        self._rights = rights
        self._content = content
        self._bounds = bounds
        self._writing: dict[str, asyncio.Task[Any]] = {}
        self._left_leases: dict[str, int] = {}
        """Writers of this gateway that have ended and could not give their lease back, by file."""

    async def create(
        self, owner: SystemName, agency: AgencyCode, file: NewFile, officer: Officer | None = None
    ) -> FileRecord:
        """Begin an upload.

        Args:
            officer: who uploads by the form system of an agency; None where a system does by itself.

        Raises:
            Refusal: `not-granted`, `file-not-allowed`, `storage-quota-exceeded`, `storage-full` or `bus-unavailable`.
        """
        now = time.time()
        self._rights.check(owner, file.media_type, file.size, now, officer)
        if self._records.index.count_unfinished(owner) >= MAX_UNFINISHED:
            raise refusals.too_many_unfinished(MAX_UNFINISHED)
        self._bounds.refuse_if_over(agency, max(file.size, LEAST_BYTES))
        self._bounds.space.refuse_if_short()
        await self._store.refuse_if_short(file.size)
        id_ = str(uuid_utils.uuid7())
        record = await self._records.put(
            FileRecord(
                id=id_,
                owner=owner,
                agency=agency,
                name=file.name,
                media_type=file.media_type,
                size=file.size,
                declared_sha256=file.sha256,
                created_at=now,
                expires_at=now + UNFINISHED_HOURS * 3600,
                wrapped_key=chunk_cipher.new_wrapped_key(id_, self._keys),
                chunk_bytes=self._store.chunk_bytes,
                state="uploading" if file.size else "scanning",
                officer=officer.person if officer else "",
                through=officer.through if officer else "",
            )
        )
        # Two gateways may have counted at the same time. Now the index has this upload and all that came before it.
        try:
            self._bounds.refuse_if_over(agency, 0)
        except StorageQuotaExceeded:
            await self._records.remove(record)
            raise
        return record

    async def own(self, owner: SystemName, file: str, officer: str = "") -> FileRecord:
        """Read the record of a file of its owner.

        Args:
            officer: the opaque id of the officer who asks by a form system; "" where a system asks by itself.

        Raises:
            NotFound: there is none, or it is another's.
        """
        record = await self._records.get(file)
        if record is None or not record.belongs_to(owner, officer):
            raise refusals.no_file()
        return record

    async def append(
        self,
        owner: SystemName,
        file: str,
        offset: int,
        body: AsyncIterator[bytes],
        checksum: Checksum | None = None,
        officer: str = "",
    ) -> FileRecord:
        """Store what a request sends; what has arrived when it breaks off is kept, unless it has a checksum.

        Args:
            offset: where the body begins.
            body: raises `ConnectionError` or `TimeoutError` where it breaks off.
            officer: as `own` takes it.

        Returns:
            The record afterwards.

        Raises:
            Refusal: `not-found`, `upload-conflict`, `upload-locked`, `checksum-mismatch`, `file-expired`, `storage-full`,
                `storage-unavailable` or `bus-unavailable`; `malformed`, where the body is longer than the upload.
        """
        await self._end_former(owner, file, officer)
        record = await self._lock(await self.own(owner, file, officer), offset)
        writing = asyncio.ensure_future(self._write(record, body, checksum))
        self._writing[file] = writing
        try:
            await asyncio.wait({writing})
        except asyncio.CancelledError:  # the gateway stops
            writing.cancel()
            await asyncio.wait({writing})
            raise
        finally:
            if self._writing.get(file) is writing:
                del self._writing[file]
        if writing.cancelled():
            raise refusals.locked(1)
        return writing.result()

    async def delete(
        self,
        owner: SystemName,
        file: str,
        write_entry: Callable[[FileRecord], Awaitable[None]],
        officer: str = "",
    ) -> None:
        """Delete a file that no message refers to, or an upload.

        Args:
            write_entry: writes into the evidence that it is deleted, which is on disk before it happens.
            officer: as `own` takes it.

        Raises:
            Refusal: `not-found`; `in-use`, where a message or event refers to it; `evidence-unavailable` or `bus-unavailable`.
        """
        await self._end_former(owner, file, officer)
        record = await self.own(owner, file, officer)
        if record.state == "expired":
            raise refusals.no_file()
        if record.bound:
            raise Refusal(
                "in-use",
                vi="Một thông điệp đang dẫn tới tệp này; tệp được giữ đến khi hết hạn rồi tự bị xóa.",
                en="A message refers to this file; it is kept until it expires, and is deleted then.",
            )
        await write_entry(record)
        await erase(self._records, self._store, record)

    async def _end_former(self, owner: SystemName, file: str, officer: str) -> None:
        """End the request that writes an upload here, where its owner sends another one.

        Raises:
            NotFound: the upload is another's.
        """
        former = self._writing.get(file)
        if former:
            await self.own(owner, file, officer)
            former.cancel()
            await asyncio.wait({former})

    async def _lock(self, record: FileRecord, offset: int) -> FileRecord:
        now = time.time()
        refuse_if_not_uploading(record)
        if record.lease.until > now and self._left_leases.get(record.id) != record.lease.writer:
            raise refusals.locked(int(record.lease.until - now))
        if offset != record.offset:
            raise refusals.wrong_offset(record.offset)
        lease = Lease(record.lease.writer + 1, now + LEASE_SECONDS)
        expires = max(record.expires_at, now + UNFINISHED_HOURS * 3600)
        try:
            locked = await self._records.put(replace(record, lease=lease, expires_at=expires))
        except RevisionConflict as error:
            raise refusals.locked(1) from error
        self._left_leases.pop(record.id, None)
        return locked

    async def _write(self, record: FileRecord, body: AsyncIterator[bytes], checksum: Checksum | None) -> FileRecord:
        writer = await self._writer(record, checksums=checksum is not None)
        try:
            async for piece in body:
                if writer.received + len(piece) > record.size:
                    raise _longer_than_declared()
                if checksum:
                    checksum.hash.update(piece)
                await writer.write(piece)
            if checksum and checksum.hash.digest() != checksum.digest:
                raise refusals.wrong_checksum()
            return await writer.finish()
        except RevisionConflict as error:
            raise refusals.locked(1) from error
        except (Refusal, ConnectionError, TimeoutError, asyncio.CancelledError):
            await asyncio.shield(asyncio.ensure_future(self._end(writer, keep=checksum is None)))
            raise

    async def _end(self, writer: UploadWriter, *, keep: bool) -> None:
        """Give the lease of a request back that broke off; what cannot be stored now is sent again."""
        try:
            await (writer.finish() if keep else writer.abandon())
        except Refusal:
            self._left_leases[writer.record.id] = writer.record.lease.writer

    async def _writer(self, record: FileRecord, *, checksums: bool) -> UploadWriter:
        try:
            cipher = ChunkCipher(record.id, record.wrapped_key, self._keys)
            tail_bytes = record.offset % record.chunk_bytes
            tail = await self._content.chunk(record, record.offset // record.chunk_bytes) if tail_bytes else b""
        except DamagedChunkError as error:
            raise refusals.quarantined("damaged") from error
        return UploadWriter(record, tail[:tail_bytes], cipher, self._store, self._records, checkpoints=not checksums)


async def erase(records: FileRecords, store: FileStore, record: FileRecord) -> FileRecord:
    """Delete the content of a file and what its record says of people; that there was a file is remembered for a while.

    Raises:
        RevisionConflict: somebody else changed the record first.
        Refusal: `storage-unavailable` or `bus-unavailable`.
    """
    now = time.time()
    erased = await records.put(
        replace(record, state="expired", name="", declared_sha256="", wrapped_key=b"", segments=(), expires_at=now)
    )
    await store.delete(record.id)
    return erased


def refuse_if_not_uploading(record: FileRecord) -> None:
    """Refuse a part of an upload that is finished.

    Raises:
        Refusal: `upload-conflict`, `file-refused` or `file-expired`.
    """
    if record.state in ("quarantined", "expired"):
        refusals.refuse_unusable(record)
    if record.state != "uploading":
        raise refusals.wrong_offset(record.offset)


def _longer_than_declared() -> Refusal:
    return Refusal(
        "malformed",
        vi="Nội dung dài hơn Upload-Length đã khai; hãy tạo lượt tải lên mới với đúng độ dài.",
        en="The content is longer than its Upload-Length; begin another upload with the right length.",
    )
