"""The file format of archives: a part of one log as tar and gzip, which anybody can open, and which proves itself.

    GATEWAY-000000000000-000000481200.tar.gz     the entries from the first index up to, but not with, the second
        archive.json       what this is, where it begins, and the batches in which the entries were written
        entries.jsonl      the entries, byte for byte
        checkpoints.json   the signed checkpoints over them; the last covers all

It is signed by its checkpoints: whoever holds the log's verifier key sees that nothing in it was changed, added or removed, and
where it begins is the checkpoint with which the archive before it ends.
"""

import gzip
import tarfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import IO, Any

import orjson

from lgsp_gateway.evidence.archive import members
from lgsp_gateway.evidence.archive.members import BrokenArchiveError
from lgsp_gateway.evidence.read.archive_name import ArchiveName
from lgsp_gateway.evidence.verify.checkpoint import Checkpoint, CheckpointVerifier
from lgsp_gateway.evidence.verify.log_part import PartStart, verify_log_part
from lgsp_gateway.evidence.verify.refusals import evidence_forged

FORMAT = "lgsp-evidence-archive/1"
MAX_ENTRY_BYTES = 1 << 20
"""Of one entry; entries have some 700 bytes."""
_MEMBERS = {"archive.json": 64 << 20, "entries.jsonl": 8 << 30, "checkpoints.json": 64 << 20}
"""The members of an archive, in their order, and how many bytes each may have unpacked. Entries are never in memory together."""


@dataclass(frozen=True, slots=True)
class ArchivedBatch:
    """A batch of the stream that is archived: its number in the stream, and how many entries (lines) it has."""

    sequence: int
    lines: int


def write(file: Path, start: PartStart, batches: Sequence[ArchivedBatch], entries: Path, notes: Sequence[str]) -> None:
    """Write an archive.

    Args:
        file: the archive to write.
        start: where the part begins.
        batches: in which the entries were written, in order.
        entries: a file with the entries, a line each.
        notes: the signed checkpoints over them; the last covers all.

    Raises:
        OSError: it cannot be written.
    """
    header = {
        "format": FORMAT,
        "start": start.document(),
        "entries": sum(batch.lines for batch in batches),
        "groups": [[batch.sequence, batch.lines] for batch in batches],
    }
    # Without the time of day in it, the same part gives the same file.
    with (
        file.open("wb") as out,
        gzip.GzipFile("", "wb", 6, out, mtime=0) as packed,
        tarfile.open(None, "w", packed) as tar,
    ):
        _add_member(tar, "archive.json", BytesIO(orjson.dumps(header)))
        with entries.open("rb") as lines:
            _add_member(tar, "entries.jsonl", lines)
        _add_member(tar, "checkpoints.json", BytesIO(orjson.dumps(list(notes))))


def _add_member(tar: tarfile.TarFile, name: str, content: IO[bytes]) -> None:
    member = tarfile.TarInfo(name)
    member.size = content.seek(0, 2)
    content.seek(0)
    tar.addfile(member, content)


class Archive:
    """Reads an archive. The memory that this takes is bounded, since a file may be made by an attacker.

    Raises:
        Refusal: `evidence-forged`, in each method, when the file is not whole.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def verify(self, key: CheckpointVerifier) -> tuple[PartStart, Checkpoint]:
        """Hold everything in the archive against its checkpoints and its name.

        Returns:
            Where the part begins, and its last checkpoint.

        Raises:
            Refusal: `evidence-forged`.
        """
        start, batches, notes = self.description()
        last = verify_log_part(self.entries(), notes, key, start)
        if last.size - start.size != sum(batch.lines for batch in batches):
            raise evidence_forged("các nhóm không khớp số mục", "its batches do not have as many entries")
        name = ArchiveName.parse(self._file.name)
        if name and (start.size, last.size) != (name.first, name.end):
            raise evidence_forged(f"{name} không chứa đúng phần đó", f"{name} does not hold that part")
        return start, last

    def description(self) -> tuple[PartStart, list[ArchivedBatch], list[str]]:
        """Read where the archive begins, its batches and its checkpoints (signed notes). They are not verified."""
        with self._raising_forged():
            header: Any = None
            notes: Any = None
            for name, content in members.read(self._file, _MEMBERS):
                if name == "archive.json":
                    header = orjson.loads(content.read())
                elif name == "checkpoints.json":
                    notes = orjson.loads(content.read())
            if header["format"] != FORMAT:
                raise ValueError(header["format"])
            start = PartStart.parse(header["start"])
            return start, _parse_batches(header["groups"]), [note for note in notes if isinstance(note, str)]

    def entries(self) -> Iterator[bytes]:
        """Read the entries, in order, as they were written."""
        with self._raising_forged():
            for name, content in members.read(self._file, _MEMBERS):
                if name == "entries.jsonl":
                    yield from content.lines(MAX_ENTRY_BYTES)

    def batches(self) -> Iterator[tuple[int, bytes]]:
        """Read the batches as they were in the stream: the number of each, and its data."""
        _, batches, _ = self.description()
        entries = self.entries()
        for batch in batches:
            yield batch.sequence, b"\n".join(islice(entries, batch.lines))

    @contextmanager
    def _raising_forged(self) -> Iterator[None]:
        try:
            yield
        except (BrokenArchiveError, OSError, EOFError, zlib.error, KeyError, TypeError, ValueError) as error:
            name = self._file.name
            raise evidence_forged(
                f"{name} không phải kho lưu trữ toàn vẹn", f"{name} is not a whole archive"
            ) from error


def _parse_batches(groups: Any) -> list[ArchivedBatch]:
    """Read the batches of an archive: each has entries, and a higher number than the one before it."""
    batches = [ArchivedBatch(sequence, lines) for sequence, lines in groups]
    before = 0
    for batch in batches:
        if (
            type(batch.sequence) is not int
            or type(batch.lines) is not int
            or batch.sequence <= before
            or batch.lines < 1
        ):
            raise BrokenArchiveError("its batches are none")
        before = batch.sequence
    return batches
