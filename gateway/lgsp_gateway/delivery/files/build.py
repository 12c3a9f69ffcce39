"""Builds the files of a gateway from its settings."""

from dataclasses import dataclass
from pathlib import Path

from nats.aio.client import Client

from lgsp_gateway.config import GatewaySettings
from lgsp_gateway.delivery.entries import FileAction
from lgsp_gateway.delivery.files.access import FileAccess
from lgsp_gateway.delivery.files.bucket_store import BucketStore
from lgsp_gateway.delivery.files.content import FileContent
from lgsp_gateway.delivery.files.file_evidence import FileEvidence
from lgsp_gateway.delivery.files.file_store import FileStore
from lgsp_gateway.delivery.files.folder_store import FolderStore
from lgsp_gateway.delivery.files.maintenance import Maintenance
from lgsp_gateway.delivery.files.malware_scanner import MalwareScanner
from lgsp_gateway.delivery.files.model import FileRecord
from lgsp_gateway.delivery.files.nats_store import NatsStore
from lgsp_gateway.delivery.files.records import FileRecords
from lgsp_gateway.delivery.files.reference_binder import ReferenceBinder
from lgsp_gateway.delivery.files.upload_rights import UploadRights
from lgsp_gateway.delivery.files.uploads import Uploads
from lgsp_gateway.delivery.files.verification import Verification
from lgsp_gateway.delivery.storage.bounds import StorageBounds
from lgsp_gateway.delivery.storage.payload_cipher import PayloadCipher
from lgsp_gateway.evidence.append.log import EvidenceLog
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_runtime.background import Background
from lgsp_runtime.nats.request_reply import NatsRequestReply
from lgsp_runtime.security_events import SecurityLog

NATS = "nats"
"""The setting of the store that is a stream of NATS."""
_SECURITY = frozenset({"malware", "type-mismatch", "executable", "hash-mismatch", "damaged"})


@dataclass(slots=True)
class FileCounts:
    """What a gateway counted of files since it started.

    Args:
        uploaded, downloaded: bytes.
        verified: files, by `available` or the reason for which they are quarantined.
    """

    uploaded: int
    downloaded: int
    verified: dict[str, int]


@dataclass(frozen=True, slots=True)
class Files:
    """The files of a gateway."""

    records: FileRecords
    uploads: Uploads
    content: FileContent
    verification: Verification
    evidence: FileEvidence
    access: FileAccess
    references: ReferenceBinder
    background: Background
    counts: FileCounts
    max_size: int


@dataclass(frozen=True, slots=True)
class FileDependencies:
    """What files need of the rest of a gateway.

    Args:
        keys: encrypts records, and the keys of files.
        bounds: what may be stored; counts the files too.
    """

    settings: GatewaySettings
    keys: PayloadCipher
    registry: RegistrySnapshot
    log: EvidenceLog
    security: SecurityLog
    background: Background
    bounds: StorageBounds


async def open_files(needs: FileDependencies, bus: NatsRequestReply, connection: Client) -> Files:
    """Open the store and the records, and begin the background work.

    Args:
        connection: for the content of files alone, where that is in NATS.

    Raises:
        Refusal: `cannot-start` or `bus-unavailable`.
    """
    store = await _open_store(needs.settings, connection, needs.bounds)
    files = create_files(needs, bus, store)
    await files.access.start(connection, needs.settings.replicas)
    await files.records.start(connection, needs.settings.replicas, needs.background)
    Maintenance(files.records, store, files.verification, files.evidence, needs.background).start()
    return files


def create_files(needs: FileDependencies, bus: NatsRequestReply, store: FileStore) -> Files:
    """Put the parts together; `open_files` connects them.

    Raises:
        Refusal: `cannot-start`, for a scanner whose address is not valid.
    """
    settings, keys, security, bounds = needs.settings, needs.keys, needs.security, needs.bounds
    scanner = MalwareScanner(settings.files_scanner) if settings.files_scanner else None
    evidence = FileEvidence(settings.name, needs.log)
    records = FileRecords(bus, keys)
    access = FileAccess(bus, needs.registry)
    content = FileContent(store, keys)
    counts = FileCounts(0, 0, {})

    async def report(record: FileRecord) -> None:
        action: FileAction = "quarantined" if record.reason else "uploaded"
        await evidence.write(
            record, action, record.owner, record.agency, officer=record.officer, through=record.through
        )
        outcome = record.reason or "available"
        counts.verified[outcome] = counts.verified.get(outcome, 0) + 1
        if record.reason in _SECURITY:
            security.event(
                "file-quarantined",
                "failure",
                "malware" if record.reason == "malware" else "file",
                f"A file of {record.owner} is quarantined: {record.reason}",
                user__name=record.owner,
                organization__id=record.agency,
                event__reason=record.reason,
                file__size=record.size,
                file__hash__sha256=record.sha256,
                lgsp__file=record.id,
            )

    keep_seconds = settings.files_keep_days * 86400.0
    verification = Verification(records, store, content, scanner, keep_seconds, report)
    max_size = settings.files_max_mib << 20
    bounds.count_files(records.index)
    uploads = Uploads(records, store, keys, UploadRights(needs.registry, max_size), content, bounds)
    return Files(
        records,
        uploads,
        content,
        verification,
        evidence,
        access,
        ReferenceBinder(records, access, keep_seconds),
        needs.background,
        counts,
        max_size,
    )


async def _open_store(settings: GatewaySettings, connection: Client, bounds: StorageBounds) -> FileStore:
    if settings.files == NATS:
        store = NatsStore(connection, bounds.space)
        await store.start(settings.replicas)
        return store
    return BucketStore(settings.files) if "://" in settings.files else FolderStore(Path(settings.files))
