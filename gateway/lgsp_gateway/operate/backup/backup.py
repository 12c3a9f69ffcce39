"""Makes a backup of a running bus: its streams in a sound order, then its keys, and at last the manifest, which makes all of it a backup.

A backup that is interrupted has no manifest, so it is none; its chunks are used by the next one, or removed by `prune`.
"""

import asyncio
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from nats.aio.client import Client

from lgsp_gateway.evidence.log_key import LogKeysAtHand
from lgsp_gateway.evidence.read import checkpoint_stream, entry_stream
from lgsp_gateway.operate.backup import catalog, folders, manifest, order, stream_backup
from lgsp_gateway.operate.backup.chunks import ChunkWriter, parse_recipients
from lgsp_gateway.operate.backup.folders import FoundFile
from lgsp_gateway.operate.backup.manifest import Manifest, StoredFile, StoredStream
from lgsp_gateway.operate.backup.places import Place
from lgsp_problems import CannotStart

DIGEST_KEY = "backup-digest.key"
"""In the folder of keys: the key of the digests by which content is recognised."""
FIRST_CHECKPOINT_SECONDS = 5
FILE_PIECE = 8 << 20
"""Bytes of a file in one chunk."""


@dataclass(frozen=True, slots=True)
class BackupSources:
    """What is backed up.

    Args:
        keys: the folder of the keys of the bus.
        state: the folder of a local bus; None for one in production.
        log_keys: the keys of the logs, of which the newest at hand signs the manifest.
        digest_key: the key of the digests that recognise content.
    """

    connection: Client
    keys: Path
    state: Path | None
    log_keys: LogKeysAtHand
    digest_key: bytes


@dataclass(frozen=True, slots=True)
class MadeBackup:
    """A backup that was made, and what of it had to be stored."""

    manifest: Manifest
    stored_chunks: int
    stored_bytes: int


async def make_backup(sources: BackupSources, place: Place, recipients: list[str], now: float) -> MadeBackup:
    """Make a backup; only what came since the last one is stored.

    Args:
        recipients: public keys of age, whose owners can restore.
        now: seconds since 1970.

    Raises:
        Refusal: `bus-unavailable`, `backup-unavailable`, `backup-damaged`, `cannot-start`.
    """
    publics = sources.log_keys.publics
    readers = parse_recipients(recipients)
    catalog.refuse_another_bus(place, publics)
    previous = catalog.newest_of(place, publics)
    if previous and set(previous.recipients) != set(
        recipients
    ):  # whoever may open this one must be able to open all of it
        previous = None
    writer = ChunkWriter(place, sources.digest_key, readers, previous.chunks() if previous else ())
    streams, logs = list[StoredStream](), dict[str, int]()
    names = order.in_order(await stream_backup.list_names(sources.connection))
    if checkpoint_stream.STREAM not in names:
        raise CannotStart(
            vi="Các máy chủ NATS này chưa có luồng nào của trục, nên không có gì để sao lưu; hãy kiểm tra --nats.",
            en="These NATS servers have no streams of a bus, so there is nothing to back up; check --nats.",
        )
    for name in names:
        if (await stream_backup.describe(sources.connection, name)).config.get("storage") == "memory":
            continue
        if name == checkpoint_stream.STREAM:
            logs = await _signed_sizes(sources.connection)
        before = previous.stream(name) if previous else None
        streams.append(await stream_backup.store_stream(sources.connection, name, writer, before))
    files = [_store_file(found, writer) for found in folders.read(sources.keys, sources.state)]
    successions = sources.log_keys.successions
    made = Manifest(manifest.made_now(now), version("lgsp"), recipients, streams, files, logs, successions)
    place.put(made.name, made.signed(sources.log_keys.private))
    return MadeBackup(made, writer.stored_chunks, writer.stored_bytes)


async def _signed_sizes(connection: Client) -> dict[str, int]:
    """Return the size of each log. A log that has begun just now is waited for: its first checkpoint, which says its origin, is a second away."""
    for _ in range(FIRST_CHECKPOINT_SECONDS):
        written, signed = await entry_stream.gateways(connection), await checkpoint_stream.gateways(connection)
        if set(written) <= set(signed):
            break
        await asyncio.sleep(1)
    last = {gateway: await checkpoint_stream.last(connection, gateway) for gateway in signed}
    return {gateway: stored.record.size if stored else 0 for gateway, stored in last.items()}


def _store_file(found: FoundFile, writer: ChunkWriter) -> StoredFile:
    pieces = [found.content[begin : begin + FILE_PIECE] for begin in range(0, len(found.content), FILE_PIECE)]
    return StoredFile(found.name, found.mode, [writer.write(piece) for piece in pieces])
