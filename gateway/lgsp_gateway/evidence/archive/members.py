"""Reads the members of an archive one after the other, with a bound on the size of each.

`tarfile` believes an archive: a header of three gigabytes, or a file of as many, is read into memory before anybody can check its
size (a 14 MB archive took 6.4 GB). This reads the blocks of the one form in which archives are written: regular files with short
names, in a known order. Headers are still parsed by tarfile.
"""

import gzip
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path

CHUNK_BYTES = 1 << 20


class BrokenArchiveError(Exception):
    """Raised when a file is not an archive as this bus writes them, or is cut off."""


class Content:
    """Reads the content of one member of an archive.

    Raises:
        BrokenArchiveError: in each method, when the archive ends before the member does.
    """

    def __init__(self, source: gzip.GzipFile, size: int) -> None:
        self._source = source
        self._remaining = size

    def read(self) -> bytes:
        """Read the rest of the member."""
        content = self._source.read(self._remaining)
        if len(content) != self._remaining:
            raise BrokenArchiveError("it ends in a file")
        self._remaining = 0
        return content

    def lines(self, max_bytes: int) -> Iterator[bytes]:
        """Read its lines, without their line feeds.

        Args:
            max_bytes: that a line may have.
        """
        while self._remaining:
            line = self._source.readline(min(max_bytes + 1, self._remaining))
            if not line.endswith(b"\n"):
                raise BrokenArchiveError("a line is too long, or not whole")
            self._remaining -= len(line)
            yield line[:-1]

    def skip(self) -> None:
        """Skip the rest of the member."""
        while self._remaining:
            chunk = self._source.read(min(CHUNK_BYTES, self._remaining))
            if not chunk:
                raise BrokenArchiveError("it ends in a file")
            self._remaining -= len(chunk)


def read(file: Path, expected: Mapping[str, int]) -> Iterator[tuple[str, Content]]:
    """Read a tar.gz whose members are known.

    Each member is to be read before the next one is requested; what was not read is skipped.

    Args:
        expected: the names of its members, in their order, and how many bytes each may have.

    Raises:
        BrokenArchiveError: it holds something else, or is cut off.
        OSError, EOFError, zlib.error: it is no gzip, or its checksum is wrong.
    """
    with gzip.open(file, "rb") as source:
        for name, max_bytes in expected.items():
            size = _read_header(source, name, max_bytes)
            content = Content(source, size)
            yield name, content
            content.skip()
            _expect_zeros(source, -size % tarfile.BLOCKSIZE)
        # To the very end: only there is the checksum.
        _expect_zeros(source, tarfile.RECORDSIZE, or_less=True)


def _read_header(source: gzip.GzipFile, name: str, max_bytes: int) -> int:
    """Read the header of the member that must come next, and return its size in bytes."""
    try:
        header = tarfile.TarInfo.frombuf(source.read(tarfile.BLOCKSIZE), "utf-8", "strict")
    except (tarfile.HeaderError, UnicodeDecodeError) as error:
        raise BrokenArchiveError("a header is none") from error
    if header.name != name or not header.isreg() or not 0 <= header.size <= max_bytes:
        raise BrokenArchiveError(f"it has no {name} of at most {max_bytes} bytes where it must be")
    return header.size


def _expect_zeros(source: gzip.GzipFile, size: int, *, or_less: bool = False) -> None:
    padding = source.read(size + or_less)
    if padding.strip(b"\0") or len(padding) > size or (len(padding) < size and not or_less):
        raise BrokenArchiveError("it holds more than it may")
