"""The archive format of JetStream's backups (NATS ADR "JetStream Stream Backup and Restore V2", nats-server 2.15), read and written.

A backup stores the entries of this format and not the bytes that the server sent: messages keep their sequence numbers and times, so
parts that were read at different times are put together to one archive, which the server restores.

    NATSARC1                      once, at the beginning
    uvarint  length of the name
    varint   time, nanoseconds since 1970
    uvarint  sequence; 0 of what is no message
    uvarint  length of the headers
    uvarint  length of the body
    the name, the headers, the body

The entries are `state.json`, `consumers/NAME` for each consumer, the messages by their sequence with the subject as name, and an
empty one at the end. S2 compresses all of it; every Snappy stream is one of S2 too.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import cramjam

MAGIC = b"NATSARC1"
STATE = "state.json"
CONSUMERS = "consumers/"
_MAX_NAME = 1 << 20


class BrokenStreamArchiveError(Exception):
    """Raised when bytes are no archive of a stream."""


@dataclass(frozen=True, slots=True)
class StreamEntry:
    """One entry of an archive.

    Args:
        name: the subject of a message; of other entries what they are.
        time: nanoseconds since 1970.
        sequence: of a message; 0 of other entries.
        headers: of a message, as NATS carries them (`NATS/1.0…`); empty where it has none.
    """

    name: str
    time: int
    sequence: int
    headers: bytes
    body: bytes

    def data(self) -> bytes:
        """Return the entry as it stands in an archive."""
        name = self.name.encode()
        zigzag = self.time << 1 if self.time >= 0 else (-self.time << 1) - 1
        numbers = (len(name), zigzag, self.sequence, len(self.headers), len(self.body))
        return b"".join((*map(_uvarint, numbers), name, self.headers, self.body))

    @property
    def is_end(self) -> bool:
        """Tell whether this is the entry that ends an archive."""
        return not (self.name or self.sequence or self.headers or self.body)


END = StreamEntry("", 0, 0, b"", b"")
"""The last entry of each archive."""


class EntryParser:
    """Parses entries from bytes that come in pieces.

    Args:
        with_magic: whether the bytes are a whole archive, and not entries alone.
    """

    def __init__(self, *, with_magic: bool) -> None:
        self._buffer = bytearray()
        self._magic_expected = with_magic

    def feed(self, data: bytes) -> Iterator[StreamEntry]:
        """Take over a piece, and return the entries that are complete.

        Raises:
            BrokenStreamArchiveError: it is no archive.
        """
        self._buffer += data
        position = 0
        if self._magic_expected and len(self._buffer) >= len(MAGIC):
            if self._buffer[: len(MAGIC)] != MAGIC:
                raise BrokenStreamArchiveError
            self._magic_expected, position = False, len(MAGIC)
        while not self._magic_expected and (parsed := self._parse_at(position)):
            entry, position = parsed
            yield entry
        del self._buffer[:position]

    @property
    def unfinished(self) -> bool:
        """Tell whether an entry has begun that is not complete."""
        return bool(self._buffer)

    def _parse_at(self, position: int) -> tuple[StreamEntry, int] | None:
        buffer, numbers = self._buffer, list[int]()
        for _ in range(5):
            value = shift = 0
            while True:
                if position >= len(buffer):
                    return None
                byte = buffer[position]
                position += 1
                value |= (byte & 0x7F) << shift
                shift += 7
                if byte < 0x80:
                    break
                if shift > 63:
                    raise BrokenStreamArchiveError
            numbers.append(value)
        name_length, zigzag, sequence, headers_length, body_length = numbers
        if name_length > _MAX_NAME:
            raise BrokenStreamArchiveError
        headers_at = position + name_length
        body_at = headers_at + headers_length
        end = body_at + body_length
        if end > len(buffer):
            return None
        try:
            name = buffer[position:headers_at].decode()
        except UnicodeDecodeError as error:
            raise BrokenStreamArchiveError from error
        time = zigzag >> 1 if not zigzag & 1 else -((zigzag + 1) >> 1)
        return StreamEntry(name, time, sequence, bytes(buffer[headers_at:body_at]), bytes(buffer[body_at:end])), end


def entries(data: bytes) -> Iterator[StreamEntry]:
    """Parse entries that stand one after the other, without the beginning of an archive.

    Raises:
        BrokenStreamArchiveError: they are none, or the last one is not complete.
    """
    parser = EntryParser(with_magic=False)
    yield from parser.feed(data)
    if parser.unfinished:
        raise BrokenStreamArchiveError


def compress(data: bytes) -> bytes:
    """Return bytes as a Snappy stream, which the server reads as S2; several of them one after the other are one stream."""
    return bytes(cramjam.snappy.compress(data))


def _uvarint(value: int) -> bytes:
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
