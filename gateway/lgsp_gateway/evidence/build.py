"""Builds the evidence of a gateway from its settings: the log that it writes, and readers of the logs of all gateways."""

from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nats.aio.client import Client

from lgsp_contracts import names
from lgsp_contracts.names import GatewayName
from lgsp_gateway.config import GatewaySettings
from lgsp_gateway.evidence.append.checkpoint_publisher import CheckpointPublisher
from lgsp_gateway.evidence.append.copy_watch import CopyWatch
from lgsp_gateway.evidence.append.log import EvidenceLog
from lgsp_gateway.evidence.archive.store import ArchiveStore
from lgsp_gateway.evidence.cosign import cosignatures
from lgsp_gateway.evidence.cosign.timestamps import Timestamps
from lgsp_gateway.evidence.log_key import CurrentSigner
from lgsp_gateway.evidence.pseudonyms import Pseudonyms
from lgsp_gateway.evidence.read import entry_stream
from lgsp_gateway.evidence.read.log_reader import LogReader
from lgsp_gateway.evidence.read.proof_maker import ProofMaker
from lgsp_gateway.evidence.verify.origins import origin_of
from lgsp_gateway.keys.key_store import KeyStore
from lgsp_runtime.background import Background
from lgsp_runtime.nats.request_reply import NatsRequestReply

if TYPE_CHECKING:
    from lgsp_gateway.evidence.search.store import Index

TIMESTAMP_SECONDS = 60.0
"""How long a timestamp, from the last checkpoint to its signature, may take."""


async def prepare_streams(settings: GatewaySettings, connection: Client, system: Client) -> None:
    """Create the streams of the evidence, on servers that sync each message to disk unless the settings allow others.

    Args:
        connection: to the account of the bus.
        system: to the system account, where servers tell how they are configured.

    Raises:
        Refusal: `cannot-start`.
    """
    if not settings.allow_lazy_disk:
        await entry_stream.refuse_lazy_disk(system)
    await entry_stream.ensure(connection, settings.replicas)
    await cosignatures.ensure(connection, settings.replicas)


def gateway_name(settings: GatewaySettings) -> GatewayName:
    """Return the name under which this gateway writes evidence.

    Raises:
        Refusal: `malformed`, where the settings name no gateway.
    """
    return names.gateway_name(settings.name)


def log_signer(settings: GatewaySettings, keys: KeyStore) -> CurrentSigner:
    """Return what signs the checkpoints of this gateway's log."""
    return CurrentSigner(origin_of(gateway_name(settings), settings.domain), keys)


@dataclass(frozen=True, slots=True)
class EvidenceWriting:
    """What writes the evidence of a gateway: its log, the checkpoints over it, and the pseudonyms of persons in its entries."""

    log: EvidenceLog
    publisher: CheckpointPublisher
    pseudonyms: Pseudonyms
    copy_watch: CopyWatch

    @classmethod
    async def open(
        cls,
        stack: AsyncExitStack,
        settings: GatewaySettings,
        keys: KeyStore,
        bus: NatsRequestReply,
        connection: Client,
        background: Background,
    ) -> "EvidenceWriting":
        """Continue the log where it ended.

        Raises:
            Refusal: `cannot-start`, also where this is a copy of a bus that runs; `evidence-forged`, when the last checkpoint is not one of this log.
        """
        name = gateway_name(settings)
        publisher = CheckpointPublisher(bus, name, log_signer(settings, keys))
        await publisher.start(connection, settings.replicas)
        copy_watch = CopyWatch(connection, publisher.signer, settings.public_url)
        await copy_watch.start(background)
        publisher.start_signing(background)
        stack.push_async_callback(publisher.stop)
        if settings.timestamp_authority:
            timestamps = Timestamps(bus, connection, name, settings.timestamp_authority)
            background.run_every("timestamps", timestamps.pause, timestamps.request, within=TIMESTAMP_SECONDS)
        log = EvidenceLog(
            bus,
            entry_stream.subject_of(name),
            publisher,
            batch_bytes=settings.evidence_batch_bytes,
            max_unwritten=settings.evidence_unwritten,
        )
        return cls(log, publisher, Pseudonyms(keys.pseudonym_key()), copy_watch)


@dataclass(frozen=True, slots=True)
class EvidenceReading:
    """What reads the evidence of all gateways: streams and archive, and the search index where there is one.

    `connection` is separate from that of calls, because reading may take minutes and lose it.
    """

    connection: Client
    logs: LogReader
    proofs: ProofMaker
    index: "Index | None"

    @classmethod
    def open(cls, stack: AsyncExitStack, settings: GatewaySettings, connection: Client) -> "EvidenceReading":
        """Open the archive and the index.

        Raises:
            Refusal: `archive-unavailable`.
        """
        index = _open_index(stack, settings)
        archive = ArchiveStore(settings.archive) if settings.archive else None
        logs = LogReader(connection, cosignatures.newest, archive)
        return cls(connection, logs, ProofMaker(connection, logs, index), index)


def _open_index(stack: AsyncExitStack, settings: GatewaySettings) -> "Index | None":
    if not settings.index:
        return None
    from lgsp_gateway.evidence.search.store import Index  # noqa: PLC0415 - a database's library takes 0.2 s to load

    index = Index(settings.index, writes=False, connections=settings.index_connections)
    stack.push_async_callback(index.close)
    return index
