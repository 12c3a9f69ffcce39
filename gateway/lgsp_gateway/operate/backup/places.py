"""Where backups are kept: a folder, or a bucket of S3 or another object store (`s3://BUCKET/PREFIX`, with the usual AWS_ variables).

What is put is durable when `put` returns. Objects are encrypted before they come here, so that who runs the place reads nothing.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import obstore
from obstore.exceptions import BaseError
from obstore.store import from_url

from lgsp_problems import Refusal
from lgsp_runtime import durable_file


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object in a place.

    Args:
        modified: when it was put, by the place's clock, in seconds since 1970.
    """

    name: str
    modified: float


class Place(Protocol):
    """A place for objects with flat names.

    Raises:
        Refusal: `backup-unavailable`, in each method.
    """

    address: str

    def objects(self) -> list[StoredObject]:
        """List all objects."""

    def put(self, name: str, data: bytes) -> None:
        """Store an object; it is durable when this returns."""

    def get(self, name: str) -> bytes:
        """Read an object."""

    def delete(self, name: str) -> None:
        """Delete an object."""


def open_place(address: str) -> Place:
    """Open a place.

    Args:
        address: a path, or a URL such as `s3://BUCKET/PREFIX`.

    Raises:
        Refusal: `backup-unavailable`.
    """
    return _Bucket(address) if "://" in address else _Folder(address)


class _Folder:
    """A folder of this machine, or one that is mounted."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._folder = Path(address).absolute()

    def objects(self) -> list[StoredObject]:
        with _refusing(self.address):
            if not self._folder.exists():
                return []
            with os.scandir(self._folder) as files:
                plain = [file for file in files if file.is_file(follow_symlinks=False)]
                return [StoredObject(file.name, file.stat().st_mtime) for file in plain]

    def put(self, name: str, data: bytes) -> None:
        with _refusing(self.address):
            durable_file.make_folder(self._folder)
            durable_file.write(self._folder / name, data)

    def get(self, name: str) -> bytes:
        with _refusing(self.address):
            return (self._folder / name).read_bytes()

    def delete(self, name: str) -> None:
        with _refusing(self.address):
            durable_file.remove(self._folder / name)


class _Bucket:
    """A bucket of S3, or of another object store that obstore supports."""

    def __init__(self, address: str) -> None:
        self.address = address
        with _refusing(address):
            self._store = from_url(address)

    def objects(self) -> list[StoredObject]:
        with _refusing(self.address):
            files = [file for page in obstore.list(self._store) for file in page]
            return [StoredObject(file["path"], file["last_modified"].timestamp()) for file in files]

    def put(self, name: str, data: bytes) -> None:
        with _refusing(self.address):
            obstore.put(self._store, name, data)

    def get(self, name: str) -> bytes:
        with _refusing(self.address):
            return bytes(obstore.get(self._store, name).bytes())

    def delete(self, name: str) -> None:
        with _refusing(self.address):
            obstore.delete(self._store, name)


@contextmanager
def _refusing(address: str) -> Iterator[None]:
    try:
        yield
    except (BaseError, OSError, ValueError) as error:
        reason = str(error).partition("\n")[0][:200]
        raise Refusal(
            "backup-unavailable",
            vi=f"Không dùng được nơi lưu bản sao {address} ({reason}); hãy kiểm tra địa chỉ, dung lượng và quyền.",
            en=f"The place of backups {address} cannot be used ({reason}); check its address, its space and your rights there.",
        ) from error
