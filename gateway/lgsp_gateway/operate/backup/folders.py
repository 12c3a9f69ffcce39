"""The files of a backup: the keys of the bus, and what else the folder of a local bus keeps.

The keys are read last, after all streams: what was encrypted with a key that was added meanwhile can be decrypted.
"""

import contextlib
import sqlite3
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from lgsp_gateway.observability.last_backup import STATUS_FILE
from lgsp_gateway.operate.backup.refusals import backup_damaged
from lgsp_problems import CannotStart
from lgsp_runtime import durable_file

KEYS = "keys"
STATE = "state"
_SQLITE = b"SQLite format 3\x00"
_LEFT_OUT = {"keys", "nats", "logs", "sandbox", "running.json", "lock", "issuers.yaml"}
"""Of the folder of a local bus: what is stored otherwise, and what each start makes anew."""
_DERIVED = "index.db"


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file to be stored, under the name that it is restored to: `keys/…` or `state/…`."""

    name: str
    mode: int
    content: bytes


def read(keys: Path, state: Path | None) -> Iterator[FoundFile]:
    """Read the files of a bus.

    Args:
        keys: the folder of its keys.
        state: the folder of a local bus; None for one in production, where other files come from its configuration.

    Raises:
        Refusal: `cannot-start`, when one cannot be read.
    """
    try:
        if state:
            for file in _files(state):
                top = file.relative_to(state).parts[0]
                if top not in _LEFT_OUT and not top.startswith(_DERIVED):
                    yield _found(STATE, state, file)
        for file in _files(keys):
            if file.name != STATUS_FILE:  # a restored bus has made no backup yet
                yield _found(KEYS, keys, file)
    except (OSError, sqlite3.Error) as error:
        raise CannotStart(
            vi=f"Không đọc được tệp để sao lưu ({error}); hãy chạy dưới người dùng của gateway.",
            en=f"A file for the backup cannot be read ({error}); run this as the user of the gateway.",
        ) from error


def target(name: str, keys: Path, state: Path | None) -> Path | None:
    """Return where a stored file is restored to; None where that is not asked for.

    Raises:
        Refusal: `backup-damaged`, when the name leads out of the folders.
    """
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or len(path.parts) < 2 or path.parts[0] not in {KEYS, STATE}:
        raise backup_damaged(f"tên tệp {name} không hợp lệ", f"the file name {name} is not allowed")
    folder = keys if path.parts[0] == KEYS else state
    return folder.joinpath(*path.parts[1:]) if folder else None


def write(path: Path, mode: int, content: bytes) -> None:
    """Write a restored file durably.

    Raises:
        Refusal: `cannot-start`, when it cannot be written.
    """
    try:
        durable_file.make_folder(path.parent)
        durable_file.write(path, content, mode & 0o777)
    except OSError as error:
        raise CannotStart(
            vi=f"Không ghi được {path} ({error.strerror}); hãy kiểm tra quyền và dung lượng rồi chạy lại.",
            en=f"{path} cannot be written ({error.strerror}); check your rights and the space, and run this again.",
        ) from error


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def _found(top: str, folder: Path, file: Path) -> FoundFile:
    content = file.read_bytes()
    if content.startswith(_SQLITE):
        content = _consistent_copy(file)
    return FoundFile(f"{top}/{file.relative_to(folder).as_posix()}", file.stat().st_mode & 0o777, content)


def _consistent_copy(file: Path) -> bytes:
    """Return a database as it is between two transactions."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        with (
            contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as source,
            contextlib.closing(sqlite3.connect(copy)) as destination,
        ):
            source.backup(destination)
        return copy.read_bytes()
