"""A folder as connectors of files see it, wherever it is. Others write in it, so nothing in it is trusted.

What is no plain file is never read, a name may be any bytes, and what is written there goes to a name that nobody can guess first.
Every wait has an end and every listing a bound. `tests/adapters/test_hostile_folders.py` runs the same tests against all kinds of folders.
"""

import hashlib
import heapq
from contextlib import AbstractAsyncContextManager
from fnmatch import fnmatchcase
from typing import BinaryIO, NamedTuple, Protocol

import orjson

from lgsp_adapters.errors import AdapterError
from lgsp_adapters.text.normalization import nfc

REPORT_SUFFIX = ".report.json"
"""The report on a file."""

REPORT_OPTIONS = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
"""People read reports, too."""

ACCEPTANCE_SUFFIX = ".accepted.json"
"""Records that somebody has checked a held file and accepts it."""

EVENTS_SUFFIX = ".events.json"
"""The record of how far the rows of a file have been published as events."""

PARTIAL_SUFFIX = ".lgsp-part"
"""What is being written; it is renamed when it is whole."""

MAX_LISTED = 200_000
"""Names that one listing may have."""

LIST_SECONDS = 30.0
MAX_SIDECAR_BYTES = 8 * 1024 * 1024
"""Bytes of what was written beside a file."""

_OWNER_PREFIXES = ("~$", ".~lock.")
"""Of files that say who has a file open."""

MAX_REJECTED = 100
_LONGEST_NAME = 250
_KEPT_OF_NAME = 160


class InboxUnavailableError(AdapterError):
    """The folder cannot be reached now; its text quotes nothing that is in it."""


class FileNotReadyError(AdapterError):
    """A file cannot be read now: it changes, or does not come. It is tried again, and keeps no other from being read."""


class InboxFile(NamedTuple):
    """A file of an inbox.

    Args:
        name: as the folder has it; bytes that are no text are kept as Python keeps them in names. `printable_name` makes it harmless.
        stamp: changes whenever the content does.
        modified: by the folder's own clock, in seconds.
        size: in bytes.
    """

    name: str
    stamp: str
    modified: float
    size: int = 0


class Listing:
    """The files of a folder.

    Args:
        most: how many files are kept, the newest ones; all of them where it is 0. What is not kept costs the collector nothing.
    """

    def __init__(self, most: int = 0) -> None:
        self._most = most
        self._kept: list[tuple[float, str, InboxFile]] = []
        self.seen = 0
        """Plain files whose names match."""
        self.rejected: dict[str, str] = {}
        """Entries that match by name but are not taken, and why; at most `MAX_REJECTED`."""

    def add(self, inbox_file: InboxFile) -> None:
        """Add a file."""
        self.seen += 1
        entry = (inbox_file.modified, inbox_file.name, inbox_file)
        if not self._most:
            self._kept.append(entry)
        elif len(self._kept) < self._most:
            heapq.heappush(self._kept, entry)
        else:
            heapq.heappushpop(self._kept, entry)

    @property
    def files(self) -> list[InboxFile]:
        """Return the files that were kept, the oldest first."""
        return [inbox_file for _, _, inbox_file in sorted(self._kept)]

    def reject(self, name: str, why: str) -> None:
        """Record an entry that is left out."""
        if len(self.rejected) < MAX_REJECTED:
            self.rejected[name] = why


class Inbox(Protocol):
    """Each method raises `InboxUnavailableError` when the folder cannot be reached."""

    poll_seconds: float
    """How long after one listing the next begins, where the manifest says nothing else; longer for a folder of many files."""

    stable_seconds: float
    """How long a file stays as it is before it is taken: half an upload can look like a whole table. 0 where files appear whole."""

    async def listing(self, pattern: str, most: int = 0) -> Listing:
        """List the files whose names match a pattern: the newest `most` of them, or all."""

    def opened(self, inbox_file: InboxFile) -> AbstractAsyncContextManager[BinaryIO]:
        """Open a local file with the content of an inbox file, for as long as the context lasts.

        Raises:
            FileNotReadyError: it changed since it was listed or while it was read, or does not arrive.
            UnreadableFileError: it is not a plain file, is not readable, or is too large.
        """

    async def read_sidecar(self, inbox_file: InboxFile, ending: str) -> bytes | None:
        """Read the sidecar of a file; None where there is none, or none that lgsp can have written."""

    async def write_sidecar(self, inbox_file: InboxFile, ending: str, content: bytes) -> None:
        """Write the sidecar of a file, whole or not at all."""

    async def close(self) -> None:
        """Release the connection or the thread."""


def is_inbox_file(name: str, pattern: str) -> bool:
    """Tell whether a name is that of an inbox file: it matches, however its accents are composed, and no program keeps it beside one.

    Such are the reports of lgsp, and what Excel (`~$list.xlsx`) and LibreOffice (`.~lock.list.ods#`) put beside a file that is open.
    """
    if name.endswith((REPORT_SUFFIX, ACCEPTANCE_SUFFIX, EVENTS_SUFFIX, PARTIAL_SUFFIX)) or name.startswith(
        _OWNER_PREFIXES
    ):
        return False
    if not name.isascii():
        name, pattern = (nfc(text) for text in (name, pattern))
    return fnmatchcase(name, pattern)


def sidecar_name(name: str, ending: str) -> str:
    """Make the name of the sidecar of a file; a long one is cut to what file systems allow."""
    whole = (name + ending).encode("utf-8", "surrogateescape")
    if len(whole) <= _LONGEST_NAME:
        return name + ending
    begin = whole[:_KEPT_OF_NAME].decode("utf-8", "ignore")
    return f"{begin}~{hashlib.sha256(whole).hexdigest()[:16]}{ending}"
