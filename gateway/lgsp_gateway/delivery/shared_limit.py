"""Lets a gateway that only delivers yield to the calls of the others: it answers none, by which it would notice that calls suffer.

What delivers and what answers share nats-server, its disk, the adapters, and often the processors of a machine. So gateways that answer calls
say what their limit of background work is, for as long as it is below its maximum; and one that only delivers keeps to the lowest of these.
"""

import time
from collections.abc import Callable
from typing import Final

import orjson
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from lgsp_gateway.calls.background_work import MAXIMUM
from lgsp_runtime.background import Background

SUBJECT: Final = "lgsp.delivery.limits"
ANNOUNCE_SECONDS = 0.2
"""As often as the limit moves, or nearly so."""
COUNTS_SECONDS = 1.0
"""For how long a limit counts after it was announced."""


class SharedLimit:
    """How many messages of each lane may be tried at the same time.

    Args:
        gateway: the name of this gateway.
        own: returns the limit of this gateway; None where it answers no calls.
        clock: returns monotonic seconds.
    """

    def __init__(
        self, gateway: str, own: Callable[[], int] | None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._gateway = gateway
        self._own = own
        self._clock = clock
        self._others: dict[str, tuple[float, int]] = {}

    async def start(self, connection: Client, background: Background) -> None:
        """Announce the limit of this gateway, or listen to those of the others, from now on."""
        if self._own is None:
            await connection.subscribe(SUBJECT, cb=background.guard("limits of others", self._on_announcement))
            return
        own = self._own

        async def announce() -> None:
            if (limit := own()) < MAXIMUM:
                try:
                    await connection.publish(SUBJECT, orjson.dumps({"gateway": self._gateway, "limit": limit}))
                except (NatsError, OSError):
                    return  # without a connection nothing is delivered

        background.run_every("limit of deliveries", ANNOUNCE_SECONDS, announce, within=10)

    def limit(self) -> int:
        """Return the limit now, at least 1."""
        if self._own is not None:
            return self._own()
        now = self._clock()
        return min((limit for at, limit in self._others.values() if now - at < COUNTS_SECONDS), default=MAXIMUM)

    async def _on_announcement(self, message: Msg) -> None:
        announced = orjson.loads(message.data)
        self._others[announced["gateway"]] = (self._clock(), announced["limit"])
