"""Stores archives in a folder, or in a bucket of S3 (`s3://BUCKET/PREFIX`, with the usual AWS_ variables).

An archive is on disk when `put` returns, since the evidence is deleted from the stream next. A bucket guarantees that itself. In a
folder the file and its name are synced, and it is read back from the disk, not from the page cache.
"""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import obstore
from obstore.exceptions import BaseError
from obstore.store import from_url

from lgsp_contracts.names import GatewayName
from lgsp_gateway.evidence.archive.file_format import Archive
from lgsp_gateway.evidence.read.archive_name import ArchiveName
from lgsp_gateway.evidence.read.entry_stream import Batch
from lgsp_problems import Refusal
from lgsp_runtime import durable_file

READ_BYTES = 1 << 20
_FILE_MODE = 0o640
"""An archive holds no personal data; the group of the archiver's user may read it."""


class ArchiveStore:
    """A folder or a bucket with archives.

    Args:
        address: a path, or a URL such as `s3://BUCKET/PREFIX`.

    Raises:
        Refusal: `archive-unavailable`, here and in each method, when it cannot be reached.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        try:
            self._store: _Folder | _Bucket = _Bucket(address) if "://" in address else _Folder(Path(address).absolute())
        except (BaseError, OSError, ValueError) as error:
            raise self._archive_unavailable(error) from error

    def names(self, gateway: GatewayName | None = None) -> list[ArchiveName]:
        """List the archives, of one log or of all, in order."""
        try:
            names = [name for name in map(ArchiveName.parse, self._store.names()) if name]
        except (BaseError, OSError) as error:
            raise self._archive_unavailable(error) from error
        return sorted(name for name in names if gateway in (None, name.gateway))

    def find_beginning_at(self, gateway: GatewayName, first: int) -> ArchiveName | None:
        """Find the longest archive of a log that begins at an index; None where there is none."""
        return max((name for name in self.names(gateway) if name.first == first), default=None)

    def put(self, name: ArchiveName, file: Path) -> None:
        """Store an archive durably, and read it back: it is on disk when this returns.

        Args:
            file: the archive to copy.

        Raises:
            Refusal: `archive-unavailable`, also when what is read back differs.
        """
        try:
            self._store.put(str(name), file)
            stored_digest = hashlib.sha256()
            for chunk in self._store.chunks(str(name)):
                stored_digest.update(chunk)
        except (BaseError, OSError) as error:
            raise self._archive_unavailable(error) from error
        with file.open("rb") as content:
            if hashlib.file_digest(content, "sha256").digest() != stored_digest.digest():
                raise self._archive_unavailable(ValueError("what is read back is not what was written"))

    @contextmanager
    def fetch(self, name: ArchiveName) -> Iterator[Archive]:
        """Fetch an archive into a temporary file, for as long as the context lasts."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / str(name)
            try:
                with file.open("wb") as out:
                    for chunk in self._store.chunks(str(name)):
                        out.write(chunk)
            except (BaseError, OSError) as error:
                raise self._archive_unavailable(error) from error
            yield Archive(file)

    def read(self, name: ArchiveName, begin: int, end: int) -> list[bytes]:
        """Read the entries of an archive from one index of the log up to, but not with, another."""
        with self.fetch(name) as archive:
            return list(islice(archive.entries(), max(0, begin - name.first), max(0, end - name.first)))

    def batches(self, gateway: GatewayName, entry: int, after: int) -> Iterator[Batch]:
        """Read the archived batches of a log with a higher number than one, in order, each once.

        Args:
            entry: index in the log of an entry of a later batch; archives that end before it are not fetched.
            after: a number in the stream.
        """
        for name in self.names(gateway):
            if name.end > entry:
                with self.fetch(name) as archive:
                    for sequence, data in archive.batches():
                        if sequence > after:  # two archives may share batches, where the archiver was killed once
                            after = sequence
                            yield Batch(sequence, gateway, data)
                entry = name.end

    def _archive_unavailable(self, error: Exception) -> Refusal:
        reason = str(error).partition("\n")[0][:200]
        return Refusal(
            "archive-unavailable",
            vi=f"Không dùng được kho lưu trữ {self.address} ({reason}); hãy kiểm tra địa chỉ, dung lượng và quyền ghi.",
            en=f"The archive {self.address} cannot be used ({reason}); check its address, its space and the right to write there.",
            retry_after=5,
        )


class _Folder:
    """A folder on this machine."""

    def __init__(self, folder: Path) -> None:
        durable_file.make_folder(folder, 0o750)
        self._folder = folder

    def names(self) -> list[str]:
        with os.scandir(self._folder) as files:
            return [file.name for file in files if file.is_file(follow_symlinks=False)]

    def put(self, name: str, file: Path) -> None:
        with file.open("rb") as content:
            chunks = iter(lambda: content.read(READ_BYTES), b"")
            durable_file.write_chunks(self._folder / name, chunks, _FILE_MODE)

    def chunks(self, name: str) -> Iterator[bytes]:
        descriptor = os.open(self._folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as content:
            # Synced pages are dropped from the page cache, so that the file is read from the disk.
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            while chunk := content.read(READ_BYTES):
                yield chunk


class _Bucket:
    """A bucket of S3, or of another object store that obstore supports."""

    def __init__(self, address: str) -> None:
        self._store = from_url(address)

    def names(self) -> list[str]:
        return [file["path"] for page in obstore.list(self._store) for file in page]

    def put(self, name: str, file: Path) -> None:
        obstore.put(self._store, name, file)

    def chunks(self, name: str) -> Iterator[bytes]:
        return (bytes(chunk) for chunk in obstore.get(self._store, name).stream(READ_BYTES))
