"""Files that are on disk when whoever wrote them says so: keys, what a witness signed last, the state of a local bus.

A rename without fsync may leave an empty file after a power cut, and a synced file whose folder was not synced may be gone. So each
write here is: a file of its own beside the place, under a name that nobody can guess, synced; then the rename; then the folder,
synced. Whoever reads sees the old content or the new, never a part.
"""

import contextlib
import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

PRIVATE = 0o600
"""Read and written by its owner alone."""


def write(path: Path, content: bytes, mode: int = PRIVATE) -> None:
    """Write a file durably, whole or not at all; one that is there is replaced.

    Args:
        mode: its permissions, whatever the umask.

    Raises:
        OSError: it could not be written; then what was there before still is.
    """
    with _beside(path, (content,), mode) as written:
        written.replace(path)
        sync_folder(path.parent)


def write_chunks(path: Path, chunks: Iterable[bytes], mode: int = PRIVATE) -> None:
    """Write a file durably from chunks, as `write` does: for what is too large to be held in memory.

    Raises:
        OSError: it could not be written; then what was there before still is.
    """
    with _beside(path, chunks, mode) as written:
        written.replace(path)
        sync_folder(path.parent)


def create(path: Path, content: bytes, mode: int = PRIVATE) -> bool:
    """Write a file durably unless there is one; of several processes that do it at once, one succeeds.

    Returns:
        Whether it was this one. Where not, the file that is there is whole.

    Raises:
        OSError: it could not be written.
    """
    with _beside(path, (content,), mode) as written:
        try:
            path.hardlink_to(written)
        except FileExistsError:
            return False
        sync_folder(path.parent)
    return True


def ensure(path: Path, make: Callable[[], bytes], mode: int = PRIVATE) -> bytes:
    """Create a file durably where there is none, and its folder, and return what it holds then.

    Raises:
        OSError: it could not be written or read.
    """
    make_folder(path.parent)
    if not path.exists():
        create(path, make(), mode)
    return path.read_bytes()


def remove(path: Path) -> None:
    """Remove a file durably: after a power cut it does not come back.

    Raises:
        OSError: it could not be removed; one that is not there counts as removed.
    """
    path.unlink(missing_ok=True)
    sync_folder(path.parent)


def make_folder(path: Path, mode: int = 0o700) -> None:
    """Make a folder durably, with those above it.

    Args:
        mode: the permissions of what is made.

    Raises:
        OSError: it could not be made.
    """
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(mode, exist_ok=True)
        sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to disk.

    Raises:
        OSError: the folder is gone or its disk fails.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _beside(path: Path, chunks: Iterable[bytes], mode: int) -> Iterator[Path]:
    """The content, synced, under a name of its own in the same folder, which is gone afterwards."""
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
