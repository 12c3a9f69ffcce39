"""A folder of this machine, or of a share that is mounted here.

Whoever writes in it could put a link where a file is expected, to have another office's file read or ours overwritten. So everything
is opened by its name in a folder that is kept open, never through a link, without waiting for a pipe, and has to be a plain file with one
name. What is written is a new file first, under a name that nobody can guess.
"""

import os
import secrets
import stat
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from lgsp_adapters.inboxes.inbox_file import (
    LIST_SECONDS,
    MAX_LISTED,
    MAX_SIDECAR_BYTES,
    PARTIAL_SUFFIX,
    FileNotReadyError,
    InboxFile,
    InboxUnavailableError,
    Listing,
    is_inbox_file,
    sidecar_name,
)
from lgsp_adapters.inboxes.worker_thread import WorkerThread
from lgsp_adapters.tabular.limits import MAX_BYTES, UnreadableFileError

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class LocalInbox:
    """A folder at a path; it may appear later."""

    stable_seconds = 5.0

    def __init__(self, path: Path, *, poll_seconds: float = 0.5) -> None:
        self.poll_seconds = poll_seconds
        self._path = path
        self._thread = WorkerThread()

    async def listing(self, pattern: str, most: int = 0) -> Listing:
        """List the files whose names match a pattern."""
        return await self._thread.run(self._listing, pattern, most)

    def _listing(self, pattern: str, most: int) -> Listing:
        listing, until = Listing(most), time.monotonic() + LIST_SECONDS
        with self._open_folder() as folder, os.scandir(folder) as entries:
            for number, entry in enumerate(entries):
                if number == MAX_LISTED:
                    raise InboxUnavailableError(f"it holds more than {MAX_LISTED} files; move old ones away")
                if number % 1000 == 0 and time.monotonic() > until:
                    raise InboxUnavailableError(f"it is not listed within {LIST_SECONDS:g} seconds")
                if not is_inbox_file(entry.name, pattern):
                    continue
                with suppress(FileNotFoundError):  # it was removed meanwhile
                    status = entry.stat(follow_symlinks=False)
                    if why := _reason_unreadable(status):
                        listing.reject(entry.name, why)
                    else:
                        listing.add(InboxFile(entry.name, _stamp(status), status.st_mtime, status.st_size))
        return listing

    @asynccontextmanager
    async def opened(self, inbox_file: InboxFile) -> AsyncIterator[BinaryIO]:
        """Open the file itself."""
        file = await self._thread.run(self._open, inbox_file)
        with file:
            yield file
            if _stamp(os.fstat(file.fileno())) != inbox_file.stamp:
                raise FileNotReadyError

    def _open(self, inbox_file: InboxFile) -> BinaryIO:
        with self._open_folder() as folder:
            try:
                file = os.fdopen(os.open(inbox_file.name, _READ, dir_fd=folder), "rb")
            except FileNotFoundError as error:
                raise FileNotReadyError from error
            except OSError as error:
                raise UnreadableFileError(f"it cannot be opened ({type(error).__name__})") from error
        status = os.fstat(file.fileno())
        if _reason_unreadable(status) or _stamp(status) != inbox_file.stamp:
            file.close()
            raise FileNotReadyError
        if status.st_size > MAX_BYTES:
            file.close()
            raise UnreadableFileError(f"it is larger than {MAX_BYTES // 1024**2} MiB")
        return file

    async def read_sidecar(self, inbox_file: InboxFile, ending: str) -> bytes | None:
        """Read the sidecar of a file, or None."""
        return await self._thread.run(self._read_file, sidecar_name(inbox_file.name, ending))

    def _read_file(self, name: str) -> bytes | None:
        with self._open_folder() as folder:
            try:
                with os.fdopen(os.open(name, _READ, dir_fd=folder), "rb") as file:
                    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                        return None
                    content = file.read(MAX_SIDECAR_BYTES + 1)
            except OSError:  # there is none, or a link, or one that is not for us
                return None
        return content if len(content) <= MAX_SIDECAR_BYTES else None

    async def write_sidecar(self, inbox_file: InboxFile, ending: str, content: bytes) -> None:
        """Write the sidecar of a file, whole or not at all."""
        await self._thread.run(self._write, sidecar_name(inbox_file.name, ending), content)

    def _write(self, name: str, content: bytes) -> None:
        part = f".{secrets.token_hex(16)}{PARTIAL_SUFFIX}"
        with self._open_folder() as folder:
            with os.fdopen(os.open(part, _NEW, 0o666, dir_fd=folder), "wb") as file:
                try:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                    os.replace(part, name, src_dir_fd=folder, dst_dir_fd=folder)
                except OSError:
                    with suppress(OSError):
                        os.unlink(part, dir_fd=folder)
                    raise
            os.fsync(folder)

    @contextmanager
    def _open_folder(self) -> Iterator[int]:
        """Open the folder, so that names are resolved in it wherever its path leads by then.

        Raises:
            InboxUnavailableError: it cannot be reached, or something in it cannot.
        """
        try:
            folder = os.open(self._path, _FOLDER)
        except NotADirectoryError as error:  # what a link is, too
            why = "it is a link; name the folder that it leads to" if self._path.is_symlink() else "NotADirectoryError"
            raise InboxUnavailableError(why) from error
        except OSError as error:
            raise InboxUnavailableError(type(error).__name__) from error
        try:
            yield folder
        except OSError as error:
            raise InboxUnavailableError(type(error).__name__) from error
        finally:
            os.close(folder)

    async def close(self) -> None:
        """Release the thread."""
        self._thread.close()


def _stamp(status: os.stat_result) -> str:
    return f"{status.st_mtime_ns}-{status.st_size}-{status.st_ctime_ns}"


def _reason_unreadable(status: os.stat_result) -> str:
    """Return why an entry is not read; "" where it is."""
    if stat.S_ISLNK(status.st_mode):
        return "a link; put the file itself here"
    if not stat.S_ISREG(status.st_mode):
        return "no plain file"
    return "a file with several names (hard links); copy it here" if status.st_nlink > 1 else ""
