"""Builds the pipeline that every call of a gateway goes through."""

from typing import NamedTuple

from nats.aio.client import Client

from lgsp_gateway.calls.authorization_cache import AuthorizationCache
from lgsp_gateway.calls.document_checks import DocumentChecks
from lgsp_gateway.calls.execution.drained_services import DrainedServices
from lgsp_gateway.calls.execution.request_reply import RequestReply
from lgsp_gateway.calls.idempotency import Idempotency
from lgsp_gateway.calls.identification import Identification
from lgsp_gateway.calls.observer import CallObserver
from lgsp_gateway.calls.pipeline import Pipeline
from lgsp_gateway.calls.quotas import Quotas
from lgsp_gateway.config import GatewaySettings
from lgsp_gateway.evidence.build import EvidenceWriting
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_runtime.nats.request_reply import NatsRequestReply


class CallBuses(NamedTuple):
    """How calls reach adapters.

    Args:
        calls: the connection that they take.
        large: that of operations whose contract allows larger documents.
        drained: the services whose adapters take none.
    """

    calls: NatsRequestReply
    large: NatsRequestReply
    drained: DrainedServices


async def open_pipeline(
    settings: GatewaySettings,
    registry: RegistrySnapshot,
    identification: Identification,
    buses: CallBuses,
    connection: Client,
    evidence: EvidenceWriting,
    observer: CallObserver,
    checks: DocumentChecks,
) -> Pipeline:
    """Open what calls share with other gateways, and put the pipeline together."""
    idempotency, quotas = Idempotency(), Quotas(buses.calls)
    await idempotency.start(connection, settings.replicas)
    await quotas.start(connection, settings.replicas)
    return Pipeline(
        gateway=settings.name,
        registry=registry,
        identification=identification,
        authorizations=AuthorizationCache(registry),
        quotas=quotas,
        checks=checks,
        idempotency=idempotency,
        execution=RequestReply(*buses),
        pseudonyms=evidence.pseudonyms,
        evidence=evidence.log,
        observer=observer,
    )
