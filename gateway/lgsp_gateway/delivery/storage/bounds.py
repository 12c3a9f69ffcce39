"""Decides whether something new may be stored: there must be room for it, and its agency must be within its storage quota.

The quota keeps one agency from taking the room of the others; the reserve of `StorageSpace` keeps all of them together from taking the room of
the evidence. What was accepted is never refused afterwards: its answer and its dead letter count, and only what is new is refused for them.
"""

import time
from collections.abc import Mapping
from typing import Protocol

from lgsp_contracts.file_references import format_size
from lgsp_gateway.delivery.storage.space import StorageSpace
from lgsp_gateway.delivery.storage.stored_bytes import StoredBytes
from lgsp_gateway.delivery.storage.usage import StorageUsage
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_problems import StorageQuotaExceeded

RETRY_SECONDS = 300


class StoredFiles(Protocol):
    """What is known of the files of all agencies."""

    def bytes_of_agency(self, agency: str) -> int:
        """Return how many bytes the files of an agency count."""

    def bytes_by_agency(self) -> Mapping[str, int]:
        """Return the bytes of each agency that has any."""


class StorageBounds:
    """The bounds of what one gateway accepts.

    Args:
        space: the room of the storage.
        stored: what agencies have stored in the streams of delivery.
        registry: says which agencies have a quota of their own.
        quota: bytes of each other agency.
    """

    def __init__(self, space: StorageSpace, stored: StoredBytes, registry: RegistrySnapshot, quota: int) -> None:
        self.space = space
        self.stored = stored
        self._registry = registry
        self._quota = quota
        self._files: StoredFiles | None = None

    def count_files(self, files: StoredFiles) -> None:
        """Count the files of each agency too, from now on."""
        self._files = files

    def quota_of(self, agency: str) -> int:
        """Return how many bytes an agency may store."""
        return self._registry.storage_quotas.get(agency, self._quota)

    def bytes_of(self, agency: str) -> int:
        """Return how many bytes an agency has stored."""
        files = self._files.bytes_of_agency(agency) if self._files else 0
        return self.stored.bytes_of(agency, time.time()) + files

    def usage_of(self, agency: str) -> StorageUsage:
        """Return what an agency has stored, by what it is, and its quota."""
        return StorageUsage(
            agency,
            messages=self.stored.message_bytes_of(agency, time.time()),
            dead_letters=self.stored.dead_letter_bytes_of(agency),
            files=self._files.bytes_of_agency(agency) if self._files else 0,
            quota=self.quota_of(agency) if agency else None,
        )

    def usage(self) -> list[StorageUsage]:
        """List what each agency has stored that has stored anything."""
        agencies = set(self.stored.bytes_by_agency(time.time()))
        if self._files:
            agencies.update(self._files.bytes_by_agency())
        return [self.usage_of(agency) for agency in sorted(agencies)]

    def refuse_if_over(self, agency: str, size: int) -> None:
        """Refuse something of so many bytes with which an agency would exceed its quota.

        Raises:
            StorageQuotaExceeded: it would.
        """
        quota = self.quota_of(agency)
        if self.bytes_of(agency) + size > quota:
            raise _quota_exceeded(quota)

    def admit(self, agency: str, size: int) -> None:
        """Let something new be stored in the streams of delivery; `stored` is told once it is.

        Raises:
            StorageQuotaExceeded: its agency would exceed its quota.
            StorageFull: there is no room.
        """
        self.refuse_if_over(agency, size)
        self.space.take(size)


def _quota_exceeded(quota: int) -> StorageQuotaExceeded:
    shown = format_size(quota)
    return StorageQuotaExceeded(
        vi=f"Tệp, thông điệp và sự kiện của cơ quan, kể cả những gì không giao được, sẽ vượt hạn mức lưu trữ {shown}; hãy xóa tệp không cần nữa, xử lý thông điệp không giao được, chờ thông điệp được giao, hoặc đề nghị đơn vị vận hành trục tăng hạn mức (`lgsp quota` cho biết phần nào chiếm bao nhiêu).",
        en=f"The files, messages, events and dead letters of the agency would exceed its storage quota of {shown}; delete files, deal with dead letters, wait until messages are delivered, or ask the operator of the bus for a larger quota (`lgsp quota` shows what takes how much).",
        retry_after=RETRY_SECONDS,
    )
