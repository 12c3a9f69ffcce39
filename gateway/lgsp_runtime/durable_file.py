"""Writes files that survive a power cut: keys, what a witness signed last, the state of a local bus.

A rename without fsync may leave an empty file after a power cut, and a synced file whose folder was not synced may be lost. So each
write is: a temporary file in the same folder, under a random name, synced; then the rename; then the folder, synced. A reader
sees the old content or the new, never a part.
"""

import contextlib
import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

PRIVATE = 0o600
"""Permissions: read and written by the owner alone."""


def write(path: Path, content: bytes, mode: int = PRIVATE) -> None:
    """Write a file durably, whole or not at all; one that exists is replaced.

    Args:
        mode: its permissions, whatever the umask.

    Raises:
        OSError: it could not be written; then the file has its former content.
    """
    with _temporary_file(path, (content,), mode) as temporary:
        temporary.replace(path)
        sync_folder(path.parent)


def write_chunks(path: Path, chunks: Iterable[bytes], mode: int = PRIVATE) -> None:
    """Write a file durably from chunks, as `write` does: for content that is too large for memory.

    Raises:
        OSError: it could not be written; then the file has its former content.
    """
    with _temporary_file(path, chunks, mode) as temporary:
        temporary.replace(path)
        sync_folder(path.parent)


def create(path: Path, content: bytes, mode: int = PRIVATE) -> bool:
    """Write a file durably unless it exists; of several processes that do so at once, one succeeds.

    Returns:
        Whether this call wrote it. Where not, the file that exists is whole.

    Raises:
        OSError: it could not be written.
    """
    with _temporary_file(path, (content,), mode) as temporary:
        try:
            path.hardlink_to(temporary)
        except FileExistsError:
            return False
        sync_folder(path.parent)
    return True


def ensure(path: Path, make: Callable[[], bytes], mode: int = PRIVATE) -> bytes:
    """Return the content of a file, which is created durably, with its folder, where it does not exist.

    Args:
        make: returns the content of a new file.

    Raises:
        OSError: it could not be written or read.
    """
    make_folder(path.parent)
    if not path.exists():
        create(path, make(), mode)
    return path.read_bytes()


def remove(path: Path) -> None:
    """Delete a file durably: after a power cut it does not come back. One that does not exist is no error.

    Raises:
        OSError: it could not be deleted.
    """
    path.unlink(missing_ok=True)
    sync_folder(path.parent)


def make_folder(path: Path, mode: int = 0o700) -> None:
    """Create a folder durably, with its parents.

    Args:
        mode: the permissions of each folder that is created.

    Raises:
        OSError: it could not be created.
    """
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(mode, exist_ok=True)
        sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Sync a folder, so that renamed, new and deleted names in it are on disk.

    Raises:
        OSError: the folder does not exist, or its disk fails.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _temporary_file(path: Path, chunks: Iterable[bytes], mode: int) -> Iterator[Path]:
    """Write content to a temporary file in the same folder and sync it; the file is deleted at the end of the context."""
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(8)}.unfinished")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(unfinished, flags, PRIVATE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), mode)
            for chunk in chunks:
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        yield unfinished
    finally:
        with contextlib.suppress(FileNotFoundError):
            unfinished.unlink()
