"""A folder as the kinds that live on files see it, wherever it is."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lgsp_adapters.manifest import Manifest

REPORT = ".report.json"


class FolderGone(Exception):  # noqa: N818 - the folder is
    """The folder cannot be reached now; its text quotes nothing that is in it."""


@dataclass(frozen=True, slots=True)
class Drop:
    """A file that lies there. `stamp` is another one when its content is; `modified` is the folder's own clock, in seconds."""

    name: str
    stamp: str
    modified: float


class Folder(Protocol):
    """Each method raises `FolderGone` when the folder cannot be reached."""

    look_seconds: float
    """How often it is looked at."""

    settle_seconds: float
    """How long a file stays as it is before it is taken: half an upload can look like a whole table. 0 where files appear whole."""

    async def drops(self, pattern: str) -> Sequence[Drop]:
        """The files whose names match."""

    def local(self, drop: Drop) -> AbstractAsyncContextManager[Path]:
        """A file, to read on this machine for as long as it is needed."""

    async def report(self, drop: Drop) -> bytes | None:
        """What was written beside a file, or None."""

    async def write_report(self, drop: Drop, content: bytes) -> None:
        """Write beside a file, whole or not at all."""

    async def close(self) -> None:
        """Let go of it."""


def reached(manifest: Manifest) -> Folder:
    """The folder that a manifest names: a path, `s3://BUCKET/PREFIX` or `sftp://USER@HOST/PATH`.

    Raises:
        Refusal: `invalid-document`, for another address, or one that lacks what it needs.
    """
    connection, place = manifest.connection, manifest.place / "connection" / "folder"
    address = str(connection["folder"])
    scheme = address.partition("://")[0] if "://" in address else ""
    if scheme == "":
        from lgsp_adapters.folders.local import LocalFolder  # noqa: PLC0415 - what the others need is loaded for them

        return LocalFolder(manifest.folder / address)
    if scheme == "s3":
        from lgsp_adapters.folders.s3 import S3Folder  # noqa: PLC0415

        return S3Folder(address, connection)
    if scheme == "sftp":
        from lgsp_adapters.folders.sftp import SftpFolder  # noqa: PLC0415

        return SftpFolder(address, connection, place)
    raise place.wrong(
        f"không biết đọc thư mục {scheme}://; hãy dùng đường dẫn, s3:// hoặc sftp://",
        f"a folder at {scheme}:// cannot be read; name a path, s3:// or sftp://",
    )
