"""Builds the registry of a gateway: its store, the replica in memory, and the way in for whoever changes it."""

from contextlib import AsyncExitStack
from dataclasses import dataclass

from nats.aio.client import Client

from lgsp_gateway.config import GatewaySettings
from lgsp_gateway.document_workers.pool import DocumentWorkers
from lgsp_gateway.registry import bootstrap
from lgsp_gateway.registry.administration import Administration
from lgsp_gateway.registry.contract_check_runner import ContractChecks
from lgsp_gateway.registry.name_history import NameHistory
from lgsp_gateway.registry.permission import Permission
from lgsp_gateway.registry.replica import RegistryReplica
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_gateway.registry.store import DocumentStore
from lgsp_runtime.background import Background
from lgsp_runtime.nats.request_reply import NatsRequestReply
from lgsp_runtime.security_events import SecurityLog


@dataclass(frozen=True, slots=True)
class RegistryParts:
    """The registry of one gateway."""

    snapshot: RegistrySnapshot
    store: DocumentStore
    replica: RegistryReplica
    administration: Administration

    @classmethod
    def create(cls, bus: NatsRequestReply, security: SecurityLog, workers: DocumentWorkers) -> "RegistryParts":
        """Put the parts together; `start` connects them."""
        snapshot, store = RegistrySnapshot(), DocumentStore(bus)
        replica = RegistryReplica(store, snapshot)
        permission = Permission(snapshot, NameHistory(snapshot, store), ContractChecks(workers))
        return cls(snapshot, store, replica, Administration(snapshot, store, replica, security, permission))

    async def start(
        self, stack: AsyncExitStack, settings: GatewaySettings, connection: Client, background: Background
    ) -> None:
        """Open the store, fill an empty one, and follow it from then on.

        Raises:
            Refusal: `cannot-start` or `invalid-document`.
        """
        await self.store.start(connection, settings.replicas)
        await bootstrap.fill(self.store, settings.registry, settings.catalog)
        await self.replica.start(connection, background)
        stack.push_async_callback(self.replica.stop)

    def is_stale(self, longest: float) -> bool:
        """Has NATS been away for longer than these seconds, so that what is known may no longer be so?"""
        return not self.replica.in_step and self.replica.stale_for() > longest
