"""Verifies a backup by reading all of it: that every object is what was stored, and every entry of the evidence in its place."""

from dataclasses import dataclass

from lgsp_contracts.names import GatewayName
from lgsp_gateway.operate.backup.chunks import ChunkReader, read_stored
from lgsp_gateway.operate.backup.manifest import Manifest
from lgsp_gateway.operate.backup.places import Place
from lgsp_gateway.operate.backup.stored_keys import read_log_keys
from lgsp_gateway.operate.backup.stored_logs import StoredLogs, messages


@dataclass(frozen=True, slots=True)
class Verified:
    """What was read of a backup.

    Args:
        logs: by gateway, how many entries are under its last checkpoint; None where the content was not opened.
    """

    objects: int
    bytes_read: int
    logs: dict[GatewayName, int] | None


def verify_backup(place: Place, manifest: Manifest, public: bytes, reader: ChunkReader | None) -> Verified:
    """Read all of a backup.

    Args:
        public: the public key that signed the manifest.
        reader: opens the content; None where it is not to be opened.

    Raises:
        Refusal: `backup-damaged`, `backup-unavailable`, `evidence-forged`, `cannot-start`.
    """
    chunks = {chunk.object: chunk for chunk in manifest.chunks()}
    if reader is None:
        sizes = [len(read_stored(place, chunk)) for chunk in chunks.values()]
        return Verified(len(sizes), sum(sizes), None)
    keys = read_log_keys(manifest, public, reader)
    read = sum(len(content) for content in reader.read_all(chunks.values()))
    for stream in manifest.streams:
        for _ in messages(stream, reader):  # which raises where a message cannot be parsed
            pass
    return Verified(len(chunks), read, StoredLogs(manifest, reader, keys.publics).verify())
