"""Restores a bus from a backup: keys and files, then streams, and at last the logs go on under a new origin.

In this order, because NATS's configuration needs the public half of a key, and because a gateway that started on half of a bus would make
what is missing anew. Each step may be interrupted and is then run again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nats.aio.client import Client

from lgsp_contracts.names import GatewayName
from lgsp_gateway.evidence.log_key import signer_of
from lgsp_gateway.evidence.read import checkpoint_stream
from lgsp_gateway.evidence.read.checkpoint_stream import CheckpointRecord
from lgsp_gateway.evidence.verify.log_keys import LogKeys
from lgsp_gateway.evidence.verify.restored_origin import next_origin
from lgsp_gateway.keys.key_store import KeyStore
from lgsp_gateway.operate.backup import folders
from lgsp_gateway.operate.backup.chunks import ChunkReader
from lgsp_gateway.operate.backup.manifest import Manifest
from lgsp_gateway.operate.backup.stored_keys import StoredLogKeys, read_log_keys
from lgsp_gateway.operate.backup.stored_logs import StoredLogs
from lgsp_gateway.operate.backup.stream_restore import already_restored, living_data, restore_stream
from lgsp_gateway.operate.cluster_readiness import wait_for_jetstream, wait_for_replicas
from lgsp_problems import CannotStart

if TYPE_CHECKING:
    from lgsp_gateway.keys.pkcs11_token import Pkcs11Token


@dataclass(frozen=True, slots=True)
class BusKeys:
    """Where the keys of a bus are.

    Args:
        token: a PKCS#11 token; None where all keys are files.
    """

    folder: Path
    token: "Pkcs11Token | None" = None


@dataclass(frozen=True, slots=True)
class RestoredLog:
    """A log that goes on.

    Args:
        size: entries that it has.
        origin: under which it goes on.
    """

    gateway: GatewayName
    size: int
    origin: str


class Restore:
    """Restores one backup.

    Args:
        public: the public key that signed the manifest.
        keys: the folder for the keys of the bus, and the token that has the newest key of the logs, where one has it.
        state: the folder for what else a local bus keeps; None for one in production.

    Raises:
        Refusal: `backup-damaged`, `backup-unavailable`; `cannot-start`, when a key that is needed is in a token that is not named.
    """

    def __init__(
        self, manifest: Manifest, public: bytes, reader: ChunkReader, keys: BusKeys, state: Path | None
    ) -> None:
        self._manifest = manifest
        self._reader = reader
        self._keys = keys
        self._state = state
        self._publics = _readable_keys(manifest, public, reader, keys.token).publics

    def restore_files(self) -> int:
        """Restore keys and files, after a check that none is there with other content.

        Returns:
            How many there are.

        Raises:
            Refusal: `living-data`, `cannot-start`, `backup-damaged`, `backup-unavailable`.
        """
        to_write = [
            (path, file)
            for file in self._manifest.files
            if (path := folders.target(file.name, self._keys.folder, self._state)) is not None
        ]
        contents = {path: b"".join(self._reader.read_all(file.chunks)) for path, file in to_write}
        for path, content in contents.items():
            if path.exists() and path.read_bytes() != content:
                raise living_data(f"tệp {path}", f"the file {path}")
        for path, file in to_write:
            folders.write(path, file.mode, contents[path])
        return len(to_write)

    async def restore_streams(
        self, connection: Client, replicas: int, on_restored: Callable[[str, int], None]
    ) -> list[RestoredLog]:
        """Restore the streams, and have the logs go on under their next origins.

        Args:
            replicas: of each stream.
            on_restored: told of each stream and how many messages it has.

        Raises:
            Refusal: `living-data`, `cannot-start`, `backup-damaged`, `backup-unavailable`, `bus-unavailable`.
        """
        await wait_for_jetstream(connection)
        restored = await already_restored(connection, self._manifest)
        logs = StoredLogs(self._manifest, self._reader, self._publics)
        following = {gateway: self._following(logs, gateway, last) for gateway, last in logs.last_checkpoints().items()}
        signed = await self._signed_before(connection, restored, following)
        for stream in self._manifest.streams:
            if stream.name not in restored:
                count = await restore_stream(connection, stream, self._reader, replicas, self._manifest.made)
                on_restored(stream.name, count)
        await wait_for_replicas(connection, (stream.name for stream in self._manifest.streams), replicas)
        for gateway, one in following.items():
            if gateway not in signed:
                await connection.jetstream().publish(checkpoint_stream.subject_of(gateway), one.record.data())
        return [RestoredLog(gateway, one.record.size, one.origin) for gateway, one in following.items()]

    def _following(self, logs: StoredLogs, gateway: GatewayName, last: CheckpointRecord) -> "_Following":
        """Sign the first checkpoint of a log under its next origin: it cites the last one of the backup."""
        checkpoint = LogKeys.of_checkpoint(last.note, self._publics, gateway).verify(last.note)
        tree, sequence = logs.tree_of(gateway, last)
        signer = signer_of(next_origin(checkpoint.origin), KeyStore(self._keys.folder, token=self._keys.token))
        note = signer.sign(tree.size, tree.root(), checkpoint.predecessors_of_next_origin())
        return _Following(last.note, CheckpointRecord(note, tree.size, tree.compact_range, sequence), signer.key.name)

    async def _signed_before(
        self, connection: Client, restored: set[str], following: dict[GatewayName, "_Following"]
    ) -> set[GatewayName]:
        """Return the logs whose first checkpoint under the next origin an interrupted restore has written.

        Raises:
            Refusal: `living-data`, when the bus was restored from this backup before and has worked since.
        """
        signed = set[GatewayName]()
        if checkpoint_stream.STREAM not in restored:
            return signed
        for gateway in await checkpoint_stream.gateways(connection):
            newest = await checkpoint_stream.last(connection, gateway)
            expected = following.get(gateway)
            note = newest.record.note if newest else ""
            if expected is None or note not in {expected.last, expected.record.note}:
                raise living_data(
                    f"trục đã được khôi phục từ bản sao này và nhật ký {gateway} đã ghi tiếp",
                    f"it was restored from this backup before, and the log {gateway} has gone on",
                )
            if note == expected.record.note:
                signed.add(gateway)
        return signed


@dataclass(frozen=True, slots=True)
class _Following:
    """How a log goes on.

    Args:
        last: its last checkpoint in the backup.
        record: the first one under its next origin.
        origin: the next origin.
    """

    last: str
    record: CheckpointRecord
    origin: str


def _readable_keys(
    manifest: Manifest, public: bytes, reader: ChunkReader, token: "Pkcs11Token | None"
) -> StoredLogKeys:
    """Read the keys of the logs, after a check that the newest one can sign here."""
    keys = read_log_keys(manifest, public, reader)
    if keys.newest_in_token and (token is None or token.log_key(keys.publics[0]) is None):
        raise CannotStart(
            vi="Khóa ký nhật ký của trục này nằm trong thiết bị PKCS#11, không có trong bản sao lưu; hãy nêu thiết bị đó, hoặc bản sao của nó, bằng --pkcs11-module và --pkcs11-pin-file.",
            en="The key that signs the logs of this bus is in a PKCS#11 token and not in the backup; name that token, or a copy of it, by --pkcs11-module and --pkcs11-pin-file.",
        )
    return keys
