"""Builds the pipeline that every call of a gateway goes through."""

from nats.aio.client import Client

from lgsp_gateway.calls.authorization import AuthorizationCache
from lgsp_gateway.calls.idempotency import Idempotency
from lgsp_gateway.calls.identification import Identification
from lgsp_gateway.calls.pipeline import Exchange
from lgsp_gateway.calls.quotas import Quotas
from lgsp_gateway.config import GatewaySettings
from lgsp_gateway.evidence.build import EvidenceWriting
from lgsp_gateway.observability.call_observer import Watch
from lgsp_gateway.registry.snapshot import Registry
from lgsp_gateway.workers.heavy_documents import HeavyDocuments
from lgsp_runtime.nats.request_reply import Bus


async def open_pipeline(
    settings: GatewaySettings,
    registry: Registry,
    identification: Identification,
    bus: Bus,
    connection: Client,
    evidence: EvidenceWriting,
    observer: Watch,
    heavy: HeavyDocuments,
) -> Exchange:
    """Open what calls share with other gateways, and put the pipeline together."""
    idempotency, quotas = Idempotency(), Quotas(bus)
    await idempotency.start(connection, settings.replicas)
    await quotas.start(connection, settings.replicas)
    return Exchange(
        name=settings.name,
        registry=registry,
        authorizations=AuthorizationCache(registry),
        identification=identification,
        bus=bus,
        evidence=evidence.log,
        idempotency=idempotency,
        quotas=quotas,
        pseudonyms=evidence.pseudonyms,
        watch=observer,
        heavy=heavy,
    )
