"""The files in an archive, read one after the other, none of them longer than it may be.

`tarfile` takes what an archive says of itself: a header of three gigabytes, or a file of as many, is read into memory before
anybody can look at its size (a 14 MB archive took 6.4 GB). This reads the blocks of the one form in which archives are written:
regular files with short names, in a known order. The header is still tarfile's to parse.
"""

import gzip
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path

CHUNK_BYTES = 1 << 20


class BrokenArchiveError(Exception):
    """The file is not an archive as it was written."""


class Content:
    """What is left to read of one file in an archive."""

    def __init__(self, source: gzip.GzipFile, size: int) -> None:
        self._source = source
        self._left = size

    def read(self) -> bytes:
        """Read all of the file."""
        found = self._source.read(self._left)
        if len(found) != self._left:
            raise BrokenArchiveError("it ends in a file")
        self._left = 0
        return found

    def lines(self, longest: int) -> Iterator[bytes]:
        """Read its lines, without their ends.

        Args:
            longest: bytes that a line may have.
        """
        while self._left:
            line = self._source.readline(min(longest + 1, self._left))
            if not line.endswith(b"\n"):
                raise BrokenArchiveError("a line is too long, or not whole")
            self._left -= len(line)
            yield line[:-1]

    def skip(self) -> None:
        """Pass over what was not read."""
        while self._left:
            found = self._source.read(min(CHUNK_BYTES, self._left))
            if not found:
                raise BrokenArchiveError("it ends in a file")
            self._left -= len(found)


def read(file: Path, expected: Mapping[str, int]) -> Iterator[tuple[str, Content]]:
    """Read a tar.gz whose files are known.

    Args:
        expected: the names of its files, in their order, and how many bytes each may have.

    Raises:
        BrokenArchiveError: it holds something else, or is cut off.
        OSError, EOFError, zlib.error: it is no gzip, or its checksum is wrong.
    """
    with gzip.open(file, "rb") as source:
        for name, longest in expected.items():
            size = _size(source, name, longest)
            content = Content(source, size)
            yield name, content
            content.skip()
            _expect_zeros(source, -size % tarfile.BLOCKSIZE)
        # To the very end: only there is the checksum.
        _expect_zeros(source, tarfile.RECORDSIZE, or_less=True)


def _size(source: gzip.GzipFile, name: str, longest: int) -> int:
    """The size of the file that begins here, which must be the one that is expected."""
    try:
        header = tarfile.TarInfo.frombuf(source.read(tarfile.BLOCKSIZE), "utf-8", "strict")
    except (tarfile.HeaderError, UnicodeDecodeError) as error:
        raise BrokenArchiveError("a header is none") from error
    if header.name != name or not header.isreg() or not 0 <= header.size <= longest:
        raise BrokenArchiveError(f"it has no {name} of at most {longest} bytes where it must be")
    return header.size


def _expect_zeros(source: gzip.GzipFile, size: int, *, or_less: bool = False) -> None:
    found = source.read(size + or_less)
    if found.strip(b"\0") or len(found) > size or (len(found) < size and not or_less):
        raise BrokenArchiveError("it holds more than it may")
