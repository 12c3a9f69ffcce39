"""Cuts the messages of a stream into chunks, so that most of them are the same in the next backup.

Where a chunk ends depends on the sequence numbers of the messages near it alone. So after messages at the beginning or in the middle are gone,
the cuts are soon the same as before, and with them the chunks.
"""

import zlib

from lgsp_gateway.operate.backup.chunks import ChunkWriter
from lgsp_gateway.operate.backup.manifest import Chunk
from lgsp_gateway.operate.backup.stream_archive import StreamEntry

MIN_CHUNK = 1 << 20
"""Bytes from which on a chunk may end."""
MAX_CHUNK = 8 << 20
"""Bytes from which on it ends at the next message; one message may have 8 MiB more."""
ONE_IN = 32
"""After one in so many messages a chunk may end."""


class Cutter:
    """Cuts messages into chunks, and stores those.

    Args:
        writer: stores them.
    """

    def __init__(self, writer: ChunkWriter) -> None:
        self._writer = writer
        self._chunks: list[Chunk] = []
        self._entries: list[bytes] = []
        self._size = self._first = self._last = 0

    def add(self, message: StreamEntry) -> None:
        """Take over the next message.

        Raises:
            Refusal: `backup-unavailable`.
        """
        data = message.data()
        self._entries.append(data)
        self._size += len(data)
        self._first, self._last = self._first or message.sequence, message.sequence
        may_end = self._size >= MIN_CHUNK and zlib.crc32(message.sequence.to_bytes(8)) % ONE_IN == 0
        if may_end or self._size >= MAX_CHUNK:
            self._cut()

    def finish(self) -> list[Chunk]:
        """Store what is left, and return all chunks in their order.

        Raises:
            Refusal: `backup-unavailable`.
        """
        if self._entries:
            self._cut()
        return self._chunks

    def _cut(self) -> None:
        self._chunks.append(self._writer.write(b"".join(self._entries), self._first, self._last))
        self._entries.clear()
        self._size = self._first = self._last = 0
