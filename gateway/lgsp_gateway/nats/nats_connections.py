"""The connections of a gateway to NATS: each purpose has its own, so that what fills one holds up no other."""

from contextlib import AsyncExitStack

from nats.aio.client import Client

from lgsp_gateway.config import GatewaySettings
from lgsp_runtime.background import Background
from lgsp_runtime.nats import cluster_probe
from lgsp_runtime.nats import connection as nats_connection
from lgsp_runtime.nats.client import CallClient
from lgsp_runtime.nats.connect import connect_for_calls
from lgsp_runtime.nats.connection import NatsConnection, NatsEndpoint
from lgsp_runtime.nats.request_reply import NatsRequestReply
from lgsp_runtime.tls import TlsFiles


class NatsConnections:
    """The connections of a gateway to NATS, by the users that its server knows."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._settings = settings
        self.tls = TlsFiles.for_client(settings.nats_ca) if settings.nats_ca else None

    async def connect(
        self,
        purpose: str,
        on_disconnected: nats_connection.Hook | None = None,
        on_reconnected: nats_connection.Hook | None = None,
        background: Background | None = None,
    ) -> NatsConnection:
        """Connect as the gateway."""
        name = f"gateway {self._settings.name} {purpose}".rstrip()
        return await nats_connection.connect(self._user("gateway"), name, on_disconnected, on_reconnected, background)

    async def connect_in(self, stack: AsyncExitStack, purpose: str, background: Background) -> NatsConnection:
        """Connect as the gateway, until the stack is closed."""
        connection = await self.connect(purpose, background=background)
        stack.push_async_callback(connection.close)
        return connection

    async def open_bus_for_large_documents(self, stack: AsyncExitStack, background: Background) -> NatsRequestReply:
        """Open a connection for calls with large documents, until the stack is closed."""
        bus = NatsRequestReply()
        connection = await self.connect_for_calls(bus.connection_lost, background, "large documents")
        stack.push_async_callback(connection.close)
        await bus.start(connection)
        stack.callback(bus.stop)
        return bus

    async def connect_for_calls(
        self, on_disconnected: nats_connection.Hook, background: Background, purpose: str = "calls"
    ) -> CallClient:
        """Connect as the gateway once more, for requests to adapters and the writing of evidence alone."""
        name, fast = f"gateway {self._settings.name} {purpose}", self._settings.fast_path == "on"
        return await connect_for_calls(
            self._user("gateway"), name, on_disconnected, background=background, fast_path=fast
        )

    async def connect_for_delivery(
        self, background: Background, on_disconnected: nats_connection.Hook, on_reconnected: nats_connection.Hook
    ) -> CallClient:
        """Connect as the gateway once more, for what is delivered later."""
        return await connect_for_calls(
            self._user("gateway"),
            f"gateway {self._settings.name} delivery",
            on_disconnected,
            on_reconnected,
            background,
            fast_path=self._settings.fast_path == "on",
        )

    async def connect_system(self, background: Background) -> Client:
        """Connect to the system account."""
        name = f"gateway {self._settings.name} system"
        return await nats_connection.connect(self._user("system"), name, background=background)

    def people(self) -> NatsEndpoint:
        """Return the address of NATS for the user who may delete the stored data of people."""
        return self._user("people")

    def _user(self, user: str) -> NatsEndpoint:
        password, tls = self._settings.nats_passwords / user, self.tls.context if self.tls else None
        probe = cluster_probe.JETSTREAM if user == "gateway" else ""
        return NatsEndpoint.with_password_file(self._settings.nats, user, password, tls, probe)
