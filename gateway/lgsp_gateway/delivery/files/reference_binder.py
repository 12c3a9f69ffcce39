"""Binds files to the messages and events that carry them; see `file_references`."""

import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any

from lgsp_auth.policy import Officer
from lgsp_contracts import file_references as references
from lgsp_contracts.file_references import FileLimits, FileReference
from lgsp_contracts.names import SystemName
from lgsp_contracts.schemas import Schema
from lgsp_gateway.delivery.files import refusals
from lgsp_gateway.delivery.files.access import Carrier, FileAccess
from lgsp_gateway.delivery.files.model import FileRecord
from lgsp_gateway.delivery.files.records import FileRecords
from lgsp_gateway.delivery.files.refusals import UnusableFile
from lgsp_problems import RevisionConflict

MAX_LIFE_DAYS = 90
"""How long a message can keep a file at most, from its upload on."""
_TRIES = 5


class ReferenceBinder:
    """The `FileReferences` of a gateway.

    Args:
        keep_seconds: how long a file is kept after a message began to refer to it.
    """

    def __init__(self, records: FileRecords, access: FileAccess, keep_seconds: float) -> None:
        self._access = access
        self._records = records
        self.keep_seconds = keep_seconds

    async def check_and_bind(
        self,
        sender: SystemName,
        document: Any,
        schema: Schema,
        carrier: Carrier,
        *,
        readers: Collection[SystemName] = (),
        limits: FileLimits | None = None,
    ) -> list[FileReference]:
        """Check that a sender may pass the files of a document on, and let its receivers read them; see `FileReferences`."""
        found = references.find_references(schema.document, document) if schema.has_files else []
        await self.bind_found(sender, found, carrier, readers=readers, limits=limits)
        return found

    async def bind_found(
        self,
        sender: SystemName,
        found: Sequence[FileReference],
        carrier: Carrier,
        *,
        readers: Collection[SystemName] = (),
        limits: FileLimits | None = None,
        officer: Officer | None = None,
    ) -> None:
        """Do what `check_and_bind` does with references that were found already.

        Args:
            officer: who passes them on by the form system of an agency; None where a system does by itself.
        """
        if len(found) > references.MAX_REFERENCES:
            raise UnusableFile(
                "file-not-allowed",
                vi=f"Tài liệu dẫn tới hơn {references.MAX_REFERENCES} tệp; hãy chia thành nhiều thông điệp.",
                en=f"The document refers to more than {references.MAX_REFERENCES} files; send them in several messages.",
            )
        records: dict[str, FileRecord] = {}
        for reference in found:
            record = records.get(reference.file) or await self._passable(sender, reference, officer)
            _check_limits(record, reference, (*reference.limits, *([limits] if limits else ())))
            records[reference.file] = record
        for record in records.values():
            await self._keep(record, carrier.until)
        await self._let_read(records, readers, carrier)

    async def bind(self, document: Any, schema: Schema, carrier: Carrier, readers: Collection[SystemName]) -> None:
        """Let further receivers read the files of a document that was checked before; see `FileReferences`."""
        found = references.find_references(schema.document, document) if schema.has_files else []
        await self._let_read(dict.fromkeys(reference.file for reference in found), readers, carrier)

    async def _passable(self, sender: SystemName, reference: FileReference, officer: Officer | None) -> FileRecord:
        record = await self._records.get(reference.file)
        own = record is not None and record.belongs_to(sender, officer.person if officer else "")
        if record is None or not (own or await self._access.carrier_for(record.id, sender, officer)):
            raise refusals.no_referenced_file(reference.pointer)
        refusals.refuse_unusable(record)
        return record

    async def _keep(self, record: FileRecord | None, until: float) -> None:
        """Keep a file as long as its message needs it."""
        for _ in range(_TRIES):
            if record is None or record.state == "expired":
                raise refusals.expired()
            latest = record.created_at + MAX_LIFE_DAYS * 86400
            expires = min(latest, max(record.expires_at, until, time.time() + self.keep_seconds))
            if record.bound and record.expires_at >= expires - 3600:
                return
            try:
                await self._records.put(replace(record, bound=True, expires_at=expires))
            except RevisionConflict:
                record = await self._records.get(record.id)
            else:
                return
        raise UnusableFile(
            "file-not-ready",
            vi="Tệp đang được nhiều yêu cầu cùng dùng; hãy thử lại sau ít giây.",
            en="Many requests use the file at the same time; try again in a few seconds.",
            retry_after=1,
        )

    async def _let_read(self, files: Iterable[str], readers: Collection[SystemName], carrier: Carrier) -> None:
        for file in files:
            for reader in readers:
                await self._access.give(file, reader, carrier)


def _check_limits(record: FileRecord, reference: FileReference, limits: Sequence[FileLimits]) -> None:
    for limit in limits:
        if not limit.allows_type(record.media_type):
            allowed = ", ".join(limit.media_types)
            raise UnusableFile(
                "file-not-allowed",
                vi=f"Tệp ở {reference.pointer} không thuộc loại được nhận ({allowed}); hãy tải lên tệp đúng loại.",
                en=f"The file at {reference.pointer} has none of the media types that are taken ({allowed}); upload one that has.",
            )
        if not limit.allows_size(record.size):
            raise UnusableFile(
                "file-not-allowed",
                vi=f"Tệp ở {reference.pointer} lớn hơn {limit.max_size >> 10} KiB; hãy chia nhỏ tệp.",
                en=f"The file at {reference.pointer} is larger than {limit.max_size >> 10} KiB; divide it.",
            )
