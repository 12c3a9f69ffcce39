"""When an adapter's connection ends, what it was asked and may be repeated goes to another copy at once.

A copy that is killed takes the requests with it that it has begun, and NATS says nothing to those who wait for a reply. But
its server tells the system account of every connection that ends, a moment later. A copy that stopped in good order
has answered all it had; then at most a few calls of its siblings are asked twice, whose first answer counts. Without a
connection to the system account a caller learns of it by the contract's timeout.
"""

import asyncio

import orjson
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg

from lgsp_contracts import wire
from lgsp_gateway.nats.auth_callout import ACCOUNT, system_of_user
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_runtime.background import Background
from lgsp_runtime.nats.request_reply import NatsRequestReply

SUBJECT = f"$SYS.ACCOUNT.{ACCOUNT}.DISCONNECT"


REPEAT_DELAY_SECONDS = 0.05
"""The server tells of an end before it has forgotten the subscriptions: a third of what was repeated at once went to
the copy that was gone (measured)."""


class DisconnectFailover:
    """Listens for connections that end."""

    def __init__(self, bus: NatsRequestReply, registry: RegistrySnapshot) -> None:
        self._bus = bus
        self._registry = registry

    async def start(self, system_connection: Client, background: Background) -> None:
        """Listen from now on, in the system account."""
        await system_connection.subscribe(SUBJECT, cb=background.guard("connections ended", self._on_disconnect))
        await system_connection.flush()

    async def _on_disconnect(self, message: Msg) -> None:
        system = system_of_user(str(orjson.loads(message.data).get("client", {}).get("user", "")))
        prefixes = tuple(wire.prefix(service, major) for service, major in self._registry.services.provided_by(system))
        if prefixes:
            asyncio.get_running_loop().call_later(REPEAT_DELAY_SECONDS, self._repeat_pending, system, prefixes)

    def _repeat_pending(self, system: str, prefixes: tuple[str, ...]) -> None:
        if repeated := self._bus.repeat(prefixes):
            structlog.get_logger().warning("adapter gone, calls repeated", system=system, calls=repeated)
