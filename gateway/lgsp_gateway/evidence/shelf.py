"""Where archives lie: a folder, or a bucket of S3 (`s3://BUCKET/PREFIX`, with the usual AWS_ variables)."""

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, from_url

from lgsp_gateway.evidence.archive import Archive, Name
from lgsp_gateway.evidence.stream import Group
from lgsp_problems import Refusal

READ_BYTES = 1 << 20


class Shelf:
    """A place for archives.

    Raises:
        Refusal: `archive-unavailable`, here and in each method, when it cannot be reached.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        try:
            if "://" in address:
                self._store = from_url(address)
            else:
                self._store = LocalStore(Path(address).absolute(), mkdir=True)
        except (BaseError, OSError, ValueError) as error:
            raise self._unusable(error) from None

    def names(self, gateway: str = "") -> list[Name]:
        """What lies there, of one log or of all, in order."""
        try:
            paths = [found["path"] for some in obstore.list(self._store) for found in some]
        except (BaseError, OSError) as error:
            raise self._unusable(error) from None
        names = [name for name in map(Name.parse, paths) if name]
        return sorted(name for name in names if gateway in ("", name.gateway))

    def put(self, name: Name, file: Path) -> None:
        """Lay an archive there, and read it back: it is there when this returns.

        Raises:
            Refusal: `archive-unavailable`, also when another content comes back.
        """
        try:
            obstore.put(self._store, str(name), file)
            back = hashlib.sha256()
            for chunk in obstore.get(self._store, str(name)).stream(READ_BYTES):
                back.update(bytes(chunk))
        except (BaseError, OSError) as error:
            raise self._unusable(error) from None
        with file.open("rb") as content:
            if hashlib.file_digest(content, "sha256").digest() != back.digest():
                raise self._unusable(ValueError("what comes back is not what was written"))

    @contextmanager
    def taken(self, name: Name) -> Iterator[Archive]:
        """An archive to read from, for as long as it is needed."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / str(name)
            try:
                with file.open("wb") as out:
                    for chunk in obstore.get(self._store, str(name)).stream(READ_BYTES):
                        out.write(bytes(chunk))
            except (BaseError, OSError) as error:
                raise self._unusable(error) from None
            yield Archive(file)

    def written(self, gateway: str, entry: int, after: int) -> Iterator[Group]:
        """The groups of a log that come after one of the stream, as far as they are archived.

        Args:
            entry: an entry of a later group; archives that end before it are not fetched.
        """
        for name in self.names(gateway):
            if name.end > entry:
                with self.taken(name) as archive:
                    groups = (Group(sequence, gateway, data) for sequence, data in archive.written())
                    yield from (group for group in groups if group.sequence > after)

    def _unusable(self, error: Exception) -> Refusal:
        why = str(error).partition("\n")[0][:200]
        return Refusal(
            "archive-unavailable",
            vi=f"Không dùng được kho lưu trữ {self.address} ({why}); hãy kiểm tra địa chỉ và quyền ghi.",
            en=f"The archive {self.address} cannot be used ({why}); check its address and the right to write there.",
            retry_after=5,
        )
