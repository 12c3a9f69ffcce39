"""Builds the pipeline that every call of a gateway goes through."""

from nats.aio.client import Client

from lgsp_gateway.calls.authorization_cache import AuthorizationCache
from lgsp_gateway.calls.document_checks import DocumentChecks
from lgsp_gateway.calls.execution.request_reply import RequestReply
from lgsp_gateway.calls.idempotency import Idempotency
from lgsp_gateway.calls.identification import Identification
from lgsp_gateway.calls.observer import CallObserver
from lgsp_gateway.calls.pipeline import Pipeline
from lgsp_gateway.calls.quotas import Quotas
from lgsp_gateway.config import GatewaySettings
from lgsp_gateway.document_workers.pool import DocumentWorkers
from lgsp_gateway.evidence.build import EvidenceWriting
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_runtime.nats.request_reply import NatsRequestReply


async def open_pipeline(
    settings: GatewaySettings,
    registry: RegistrySnapshot,
    identification: Identification,
    bus: NatsRequestReply,
    connection: Client,
    evidence: EvidenceWriting,
    observer: CallObserver,
    workers: DocumentWorkers,
) -> Pipeline:
    """Open what calls share with other gateways, and put the pipeline together."""
    idempotency, quotas = Idempotency(), Quotas(bus)
    await idempotency.start(connection, settings.replicas)
    await quotas.start(connection, settings.replicas)
    return Pipeline(
        gateway=settings.name,
        registry=registry,
        identification=identification,
        authorizations=AuthorizationCache(registry),
        quotas=quotas,
        checks=DocumentChecks(workers),
        idempotency=idempotency,
        execution=RequestReply(bus),
        pseudonyms=evidence.pseudonyms,
        evidence=evidence.log,
        observer=observer,
    )
