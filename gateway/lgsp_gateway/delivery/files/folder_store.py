"""Keeps the content of files in a folder of this machine: for a bus of one machine.

Each chunk is a file that is written aside, synced and renamed, so a power cut leaves it whole or not there. A folder holds the chunks of
one file; deleting it deletes the file.
"""

import asyncio
import errno
import os
import shutil
from collections.abc import Collection
from pathlib import Path

from lgsp_gateway.delivery.files.file_store import storage_full, storage_unavailable
from lgsp_gateway.delivery.storage.space import disk_room
from lgsp_problems import CannotStart
from lgsp_runtime import durable_file

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class FolderStore:
    """Chunks as files of a folder.

    Args:
        folder: created if it is not there.

    Raises:
        CannotStart: it cannot be created.
    """

    chunk_bytes = 1024 * 1024

    def __init__(self, folder: Path) -> None:
        try:
            durable_file.make_folder(folder)
        except OSError as error:
            raise CannotStart(
                vi=f"Không tạo được thư mục tệp {folder} ({error.strerror}); hãy kiểm tra đường dẫn và quyền ghi.",
                en=f"Cannot create the folder of files {folder} ({error.strerror}); check its path and the right to write there.",
            ) from error
        self._folder = folder

    async def refuse_if_short(self, size: int) -> None:
        """Refuse content for which there is no room; see `FileStore`."""
        if await asyncio.to_thread(self._free_bytes) < size:
            raise storage_full()

    async def put(self, file: str, chunk: str, content: bytes) -> None:
        """Store a chunk; see `FileStore`."""
        try:
            await asyncio.to_thread(self._write, file, chunk, content)
        except OSError as error:
            raise storage_full() if error.errno in _FULL else storage_unavailable(error) from error

    async def get(self, file: str, chunk: str) -> bytes | None:
        """Read a chunk; see `FileStore`."""
        try:
            return await asyncio.to_thread((self._folder_of(file) / chunk).read_bytes)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise storage_unavailable(error) from error

    async def delete(self, file: str, *, keep: Collection[str] = ()) -> None:
        """Delete chunks; see `FileStore`."""
        try:
            await asyncio.to_thread(self._delete, file, frozenset(keep))
        except OSError as error:
            raise storage_unavailable(error) from error

    async def delete_chunks(self, file: str, chunks: Collection[str]) -> None:
        """Delete chunks by their names; see `FileStore`."""
        folder = self._folder_of(file)
        try:
            for chunk in chunks:
                await asyncio.to_thread((folder / chunk).unlink, missing_ok=True)
        except OSError as error:
            raise storage_unavailable(error) from error

    def _write(self, file: str, chunk: str, content: bytes) -> None:
        if self._free_bytes() < len(content):
            raise OSError(errno.ENOSPC, "the rest is kept for the bus itself")
        folder = self._folder_of(file)
        durable_file.make_folder(folder)
        durable_file.write(folder / chunk, content)

    def _delete(self, file: str, keep: frozenset[str]) -> None:
        folder = self._folder_of(file)
        if not keep:
            shutil.rmtree(folder, ignore_errors=not folder.exists())
            return
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name not in keep:
                    Path(entry.path).unlink(missing_ok=True)

    def _free_bytes(self) -> int:
        """Return how many bytes files may take beside the reserve of the disk, which other parts of the bus may need."""
        room = disk_room(self._folder)
        return room.free - room.reserve

    def _folder_of(self, file: str) -> Path:
        return self._folder / file[-2:] / file
