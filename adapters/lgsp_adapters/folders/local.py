"""A folder of this machine, or of a share that is mounted here."""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from lgsp_adapters.folders.folder import REPORT, Drop, FolderGone


class LocalFolder:
    """A folder at a path; it may appear later."""

    look_seconds = 0.5
    settle_seconds = 5.0

    def __init__(self, path: Path) -> None:
        self._path = path

    async def drops(self, pattern: str) -> Sequence[Drop]:
        """The files whose names match."""
        return await asyncio.to_thread(self._drops, pattern)

    def _drops(self, pattern: str) -> list[Drop]:
        found = []
        try:
            for path in self._path.glob(pattern):
                if path.name.endswith(REPORT) or not path.is_file():
                    continue
                told = path.stat()
                found.append(Drop(path.name, f"{told.st_mtime_ns}-{told.st_size}", told.st_mtime))
        except OSError as error:
            raise FolderGone(type(error).__name__) from None
        return found

    @asynccontextmanager
    async def local(self, drop: Drop) -> AsyncIterator[Path]:
        """The file itself."""
        yield self._path / drop.name

    async def report(self, drop: Drop) -> bytes | None:
        """What was written beside a file, or None."""
        try:
            return await asyncio.to_thread((self._path / (drop.name + REPORT)).read_bytes)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise FolderGone(type(error).__name__) from None

    async def write_report(self, drop: Drop, content: bytes) -> None:
        """Write beside a file, whole or not at all."""
        await asyncio.to_thread(self._write, self._path / (drop.name + REPORT), content)

    def _write(self, path: Path, content: bytes) -> None:
        part = path.with_name(f".{path.name}.part")
        try:
            with part.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        except OSError as error:
            raise FolderGone(type(error).__name__) from None

    async def close(self) -> None:
        """Nothing is held."""
