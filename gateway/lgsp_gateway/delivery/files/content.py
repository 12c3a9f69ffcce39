"""Reads the content of a file: chunk after chunk, the next one on its way while one is used."""

import asyncio
from collections.abc import AsyncIterator

from lgsp_gateway.delivery.files.chunk_cipher import ChunkCipher, DamagedChunkError
from lgsp_gateway.delivery.files.file_store import FileStore
from lgsp_gateway.delivery.files.model import FileRecord
from lgsp_gateway.delivery.storage.payload_cipher import PayloadCipher


class FileContent:
    """Reads what is stored of files, decrypted. Two chunks of each reader are in memory at a time."""

    def __init__(self, store: FileStore, keys: PayloadCipher) -> None:
        self._store = store
        self._keys = keys

    async def read(self, record: FileRecord, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """Yield the bytes of a file from `start` up to, but not with, `end`.

        Raises:
            DamagedChunkError: a chunk is missing, or is not what was stored.
            Refusal: `storage-unavailable`.
        """
        end = record.offset if end is None else min(end, record.offset)
        if start >= end:
            return
        cipher = ChunkCipher(record.id, record.wrapped_key, self._keys)
        first, last = start // record.chunk_bytes, (end - 1) // record.chunk_bytes
        following = asyncio.ensure_future(self._chunk(record, cipher, first))
        try:
            for number in range(first, last + 1):
                content = await following
                if number < last:
                    following = asyncio.ensure_future(self._chunk(record, cipher, number + 1))
                begins = number * record.chunk_bytes
                if len(content) < min(record.chunk_bytes, record.offset - begins):
                    raise DamagedChunkError("a chunk is too short")
                yield content[max(0, start - begins) : end - begins]
        finally:
            following.cancel()

    async def chunk(self, record: FileRecord, number: int) -> bytes:
        """Read one chunk.

        Raises:
            DamagedChunkError: it is missing, or is not what was stored.
            Refusal: `storage-unavailable`.
        """
        return await self._chunk(record, ChunkCipher(record.id, record.wrapped_key, self._keys), number)

    async def _chunk(self, record: FileRecord, cipher: ChunkCipher, number: int) -> bytes:
        name = record.chunk_name(number)
        stored = await self._store.get(record.id, name)
        if stored is None:
            raise DamagedChunkError("a chunk is missing")
        return cipher.decrypt(name, stored)
