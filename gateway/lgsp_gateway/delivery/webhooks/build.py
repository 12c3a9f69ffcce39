"""Opens what sends webhooks."""

import ssl
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

from nats.aio.client import Client

from lgsp_gateway.config import GatewaySettings
from lgsp_gateway.delivery.webhooks.administration import EndpointAdministration
from lgsp_gateway.delivery.webhooks.attempts import FLUSH_SECONDS, AttemptLog
from lgsp_gateway.delivery.webhooks.egress_addresses import EgressAddresses
from lgsp_gateway.delivery.webhooks.egress_urls import EgressUrls
from lgsp_gateway.delivery.webhooks.endpoint_store import EndpointStore
from lgsp_gateway.delivery.webhooks.endpoints import Endpoints
from lgsp_gateway.delivery.webhooks.resolver import WebhookResolvers
from lgsp_gateway.delivery.webhooks.sealed_secrets import SealedSecrets
from lgsp_gateway.delivery.webhooks.sender import WebhookSender
from lgsp_gateway.delivery.webhooks.shares import EndpointShares
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_runtime.background import Background
from lgsp_runtime.listed_networks import parse_networks
from lgsp_runtime.nats.request_reply import NatsRequestReply
from lgsp_runtime.security_events import SecurityLog
from lgsp_runtime.tls import TlsFiles

CLEANUP_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Webhooks:
    """What other parts use: `endpoints` to look one up, `sender` to send to it, `tls` to send to others."""

    tls: ssl.SSLContext
    sender: WebhookSender
    store: EndpointStore
    administration: EndpointAdministration
    attempts: AttemptLog
    shares: EndpointShares
    resolvers: WebhookResolvers

    @property
    def endpoints(self) -> Endpoints:
        """Return the endpoints that exist now."""
        return self.store.endpoints


def create_webhooks(
    settings: GatewaySettings,
    keys: Callable[[], Sequence[bytes]],
    bus: NatsRequestReply,
    security: SecurityLog,
    tls: ssl.SSLContext,
    registry: RegistrySnapshot,
) -> Webhooks:
    """Create the sender of webhooks and the store of endpoints, which is not started.

    Args:
        keys: encrypt the secrets of endpoints.
        bus: writes endpoints and attempts.
        tls: of connections to endpoints.
        registry: knows whose systems are.
    """
    addresses, shares = EgressAddresses(parse_networks(settings.webhook_networks)), EndpointShares(settings.name)
    store, attempts = EndpointStore(bus, SealedSecrets(keys)), AttemptLog(settings.name, bus)
    resolvers = WebhookResolvers()
    sender = WebhookSender(addresses, tls, shares.among, resolvers.of)
    sender.observers.append(attempts.record)
    administration = EndpointAdministration(store, EgressUrls(addresses), resolvers, security, registry)
    return Webhooks(tls, sender, store, administration, attempts, shares, resolvers)


async def open_webhooks(
    stack: AsyncExitStack,
    settings: GatewaySettings,
    keys: Callable[[], Sequence[bytes]],
    bus: NatsRequestReply,
    connection: Client,
    security: SecurityLog,
    background: Background,
    registry: RegistrySnapshot,
) -> Webhooks:
    """Create the sender of webhooks and the store of endpoints, and follow the store.

    Args:
        stack: closes the connections.
        keys: encrypt the secrets of endpoints.
        bus: writes endpoints and attempts.

    Raises:
        Refusal: `cannot-start` or `bus-unavailable`.
    """
    webhooks = create_webhooks(settings, keys, bus, security, _open_tls(settings, background), registry)
    await webhooks.store.start(connection, settings.replicas, background)
    await webhooks.attempts.start(connection, settings.replicas)
    await webhooks.shares.start(connection, background)
    stack.callback(webhooks.resolvers.close)
    stack.push_async_callback(webhooks.sender.close)
    idle, attempts = webhooks.sender.close_idle, webhooks.attempts.flush
    background.run_every("webhook connections", CLEANUP_SECONDS, idle, within=CLEANUP_SECONDS)
    background.run_every("webhook attempts", FLUSH_SECONDS, attempts, within=None)
    return webhooks


def _open_tls(settings: GatewaySettings, background: Background) -> ssl.SSLContext:
    """Return the TLS context of connections: the authorities of the system, and those of the setting, which are reloaded."""
    if settings.webhook_ca is None:
        context = ssl.create_default_context()
    else:
        files = TlsFiles.for_client(settings.webhook_ca)
        background.run_forever("tls files of webhooks", files.watch)
        context = files.context
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
