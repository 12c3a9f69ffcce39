"""The logs of the evidence in a backup: their entries and checkpoints, verified without the bus that they are from."""

from collections.abc import Iterator

from lgsp_contracts import names
from lgsp_contracts.names import GatewayName
from lgsp_gateway.evidence.read import checkpoint_stream, entry_stream
from lgsp_gateway.evidence.read.checkpoint_stream import MAX_CHECKPOINTS, CheckpointRecord
from lgsp_gateway.evidence.read.live_part import start_after
from lgsp_gateway.evidence.verify.log_keys import LogKeys
from lgsp_gateway.evidence.verify.log_part import LOG_BEGINNING, verify_log_part
from lgsp_gateway.evidence.verify.merkle import Tree
from lgsp_gateway.operate.backup import stream_archive
from lgsp_gateway.operate.backup.chunks import ChunkReader
from lgsp_gateway.operate.backup.manifest import Manifest, StoredStream
from lgsp_gateway.operate.backup.refusals import backup_damaged
from lgsp_gateway.operate.backup.stream_archive import BrokenStreamArchiveError, StreamEntry
from lgsp_gateway.operate.backup.stream_backup import ARCHIVED


def messages(stream: StoredStream, reader: ChunkReader, after: int = 0) -> Iterator[StreamEntry]:
    """Read the messages of a stream that were in it when the backup was made, in their order.

    Args:
        after: only those with a higher sequence.

    Raises:
        Refusal: `backup-damaged`, `backup-unavailable`, `cannot-start`.
    """
    for content in reader.read_all(chunk for chunk in stream.chunks if chunk.last > after):
        try:
            for entry in stream_archive.entries(content):
                if entry.sequence > after and not _was_archived(stream, entry):
                    yield entry
        except BrokenStreamArchiveError as error:
            raise backup_damaged(
                f"một phần của luồng {stream.name} không đọc được", f"a part of the stream {stream.name} cannot be read"
            ) from error


def _was_archived(stream: StoredStream, entry: StreamEntry) -> bool:
    """Tell whether the archiver had taken a message away, although a chunk of an earlier backup has it still."""
    if stream.name not in ARCHIVED:
        return False
    first = stream.live_from.get(entry.name)
    return first is None or entry.sequence < first


class StoredLogs:
    """Reads the logs of a backup.

    Args:
        publics: the keys that signed their checkpoints, the newest first.
    """

    def __init__(self, manifest: Manifest, reader: ChunkReader, publics: tuple[bytes, ...]) -> None:
        self._reader = reader
        self._publics = publics
        self._entries = manifest.stream(entry_stream.STREAM)
        self._checkpoints = manifest.stream(checkpoint_stream.STREAM)

    def last_checkpoints(self) -> dict[GatewayName, CheckpointRecord]:
        """Read the last checkpoint of each log."""
        last = dict[GatewayName, CheckpointRecord]()
        for gateway, record in self._records():
            last[gateway] = record
        return last

    def verify(self) -> dict[GatewayName, int]:
        """Hold each entry against the checkpoints of its log.

        Returns:
            How many entries each log has under its last checkpoint; those that are in archives alone are not read.

        Raises:
            Refusal: `evidence-forged`, `backup-damaged`, `backup-unavailable`, `cannot-start`.
        """
        records = dict[GatewayName, list[CheckpointRecord]]()
        for gateway, record in self._records():
            known = records.setdefault(gateway, [])
            known.append(record)
            if (
                len(known) > 2 * MAX_CHECKPOINTS
            ):  # every second one and the last, again and again: a log may have millions
                del known[1:-1:2]
        return {gateway: self._verify_one(gateway, known) for gateway, known in records.items()}

    def tree_of(self, gateway: GatewayName, record: CheckpointRecord) -> tuple[Tree, int]:
        """Return the tree over all entries of a log, those after its last checkpoint included, and the number of its last batch.

        Args:
            record: the last checkpoint.
        """
        tree, last = Tree(record.size, record.compact_range), record.sequence
        for batch in self._batches(gateway, record.sequence, None):
            last = batch.sequence
            for entry in batch.body.split(b"\n"):
                tree.append(entry)
        return tree, last

    def _verify_one(self, gateway: GatewayName, records: list[CheckpointRecord]) -> int:
        last = records[-1]
        key = LogKeys.of_checkpoint(last.note, self._publics, gateway)
        first = self._first_live(gateway)
        covered = [record for record in records if first and record.sequence < first]
        start = start_after(covered[-1]) if covered else LOG_BEGINNING
        if not first or first > last.sequence:
            return key.verify(last.note).size
        notes = [record.note for record in records[len(covered) :]]
        verify_log_part(self._lines(gateway, 0, last.sequence), notes, key, start)
        return last.size

    def _first_live(self, gateway: GatewayName) -> int:
        return self._entries.live_from.get(entry_stream.subject_of(gateway), 0) if self._entries else 0

    def _lines(self, gateway: GatewayName, after: int, end: int) -> Iterator[bytes]:
        return (entry for batch in self._batches(gateway, after, end) for entry in batch.body.split(b"\n"))

    def _batches(self, gateway: GatewayName, after: int, end: int | None) -> Iterator[StreamEntry]:
        """Read the batches of a log with a higher number than one, up to another."""
        if self._entries is None:
            return
        for entry in messages(self._entries, self._reader, after):
            if end is not None and entry.sequence > end:
                return
            if entry.name == entry_stream.subject_of(gateway):
                yield entry

    def _records(self) -> Iterator[tuple[GatewayName, CheckpointRecord]]:
        if self._checkpoints is None:
            return
        for entry in messages(self._checkpoints, self._reader):
            gateway = names.gateway_name(entry.name.removeprefix(checkpoint_stream.SUBJECTS))
            yield gateway, CheckpointRecord.parse(entry.body)
