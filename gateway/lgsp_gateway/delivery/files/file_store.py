"""Where the content of files is kept: numbered chunks, each written whole or not at all.

A store sees ciphertext alone (`chunk_cipher`). It needs no multipart upload, no append and no locks: a chunk is put once under a name of
its own, so any gateway can go on with what another began, and one that was thought dead overwrites nothing.
"""

from collections.abc import Collection
from typing import Protocol

from lgsp_problems import Refusal, StorageFull


class FileStore(Protocol):
    """A store of chunks, by the id of their file and a name such as `17.3`: chunk 17 of writer 3."""

    chunk_bytes: int
    """Bytes of content in a chunk, which suit the store: many small ones cost requests, large ones cost memory."""

    async def refuse_if_short(self, size: int) -> None:
        """Refuse content of so many bytes for which there is no room, before any of it arrives.

        Raises:
            StorageFull: there is no room for it, beside what the bus needs for itself.
        """

    async def put(self, file: str, chunk: str, content: bytes) -> None:
        """Store a chunk: it is on disk when this returns.

        Raises:
            StorageFull: there is no space left.
            Refusal: `storage-unavailable`.
        """

    async def get(self, file: str, chunk: str) -> bytes | None:
        """Read a chunk; None where there is none.

        Raises:
            Refusal: `storage-unavailable`.
        """

    async def delete(self, file: str, *, keep: Collection[str] = ()) -> None:
        """Delete the chunks of a file, except those to keep.

        Raises:
            Refusal: `storage-unavailable`.
        """

    async def delete_chunks(self, file: str, chunks: Collection[str]) -> None:
        """Delete chunks of a file by their names, whether they are there or not.

        Raises:
            Refusal: `storage-unavailable`.
        """


def storage_unavailable(error: Exception) -> Refusal:
    """Return the refusal of a request for which the store did not answer."""
    return Refusal(
        "storage-unavailable",
        vi="Kho tệp của trục chưa dùng được; phần đã nhận vẫn còn, hãy thử lại sau ít phút.",
        en="The file store of the bus is not available; what was received is kept, try again in a few minutes.",
        retry_after=30,
        private=f"file store: {type(error).__name__}",
    )


def storage_full() -> StorageFull:
    """Return the refusal of content for which the store has no space."""
    return StorageFull(
        vi="Kho tệp của trục đã đầy; phần đã nhận vẫn còn, hãy báo đơn vị vận hành trục rồi tải tiếp sau.",
        en="The file store of the bus is full; what was received is kept: tell the operator of the bus, then go on with the upload.",
        retry_after=300,
    )
