"""Builds the evidence of a gateway: the log that it writes, and what it reads of the logs of all gateways."""

from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nats.aio.client import Client

from lgsp_contracts import names
from lgsp_contracts.names import GatewayName
from lgsp_gateway.config import GatewaySettings
from lgsp_gateway.evidence.append.checkpoint_publisher import CheckpointPublisher
from lgsp_gateway.evidence.append.log import EvidenceLog
from lgsp_gateway.evidence.archive.store import ArchiveStore
from lgsp_gateway.evidence.cosign import cosignatures
from lgsp_gateway.evidence.cosign.timestamps import Timestamps
from lgsp_gateway.evidence.pseudonyms import Pseudonyms
from lgsp_gateway.evidence.read import entry_stream
from lgsp_gateway.evidence.read.log_reader import Logs
from lgsp_gateway.evidence.verify.origins import origin_of
from lgsp_gateway.evidence.verify.signers import Signer
from lgsp_gateway.keys.key_store import KeyStore
from lgsp_runtime.background import Background
from lgsp_runtime.nats.request_reply import NatsRequestReply

if TYPE_CHECKING:
    from lgsp_gateway.evidence.search.store import Index

TIMESTAMP_SECONDS = 60.0
"""How long a timestamp, from the last checkpoint to its signature, may take."""


async def prepare_streams(settings: GatewaySettings, connection: Client, system: Client) -> None:
    """Make the streams of the evidence, on servers that sync each message to disk unless the settings allow others.

    Args:
        system: a connection to the system account.

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


def log_signer(settings: GatewaySettings, keys: KeyStore) -> Signer:
    """Return what signs the checkpoints of this gateway's log."""
    return Signer(origin_of(gateway_name(settings), settings.domain), keys.log_key())


@dataclass(frozen=True, slots=True)
class EvidenceWriting:
    """What a gateway writes: entries, checkpoints over them, and the names under which persons stand in them."""

    log: EvidenceLog
    publisher: CheckpointPublisher
    pseudonyms: Pseudonyms

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
        """Go on with the log where it ended."""
        name = gateway_name(settings)
        publisher = CheckpointPublisher(bus, name, log_signer(settings, keys))
        await publisher.start(connection, settings.replicas, background)
        stack.push_async_callback(publisher.stop)
        if settings.timestamp_authority:
            stamping = Timestamps(bus, connection, name, settings.timestamp_authority)
            background.run_every("timestamps", stamping.pause, stamping.look, within=TIMESTAMP_SECONDS)
        log = EvidenceLog(
            bus,
            entry_stream.subject_of(name),
            publisher,
            batch_bytes=settings.evidence_batch_bytes,
            most_unwritten=settings.evidence_unwritten,
        )
        return cls(log, publisher, Pseudonyms(keys.pseudonym_key()))


@dataclass(frozen=True, slots=True)
class EvidenceReading:
    """What a gateway reads: streams and archive, and the search index where there is one.

    `connection` is one of its own, for what is read for minutes: whatever that does to it, no call feels.
    """

    connection: Client
    logs: Logs
    index: "Index | None"

    @classmethod
    def open(cls, stack: AsyncExitStack, settings: GatewaySettings, connection: Client) -> "EvidenceReading":
        """Open the archive and the index."""
        index = _open_index(stack, settings)
        archive = ArchiveStore(settings.archive) if settings.archive else None
        return cls(connection, Logs(connection, cosignatures.newest, archive, index), index)


def _open_index(stack: AsyncExitStack, settings: GatewaySettings) -> "Index | None":
    if not settings.index:
        return None
    from lgsp_gateway.evidence.search.store import Index  # noqa: PLC0415 - a database's library takes 0.2 s to load

    index = Index(settings.index, writes=False, connections=settings.index_connections)
    stack.push_async_callback(index.close)
    return index
