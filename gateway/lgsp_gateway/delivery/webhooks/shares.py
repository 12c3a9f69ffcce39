"""Among how many gateways the limits of an endpoint are divided.

A lane is served by one gateway, so an endpoint with one subscription is sent to by one gateway, which has its whole limits. Where several
lanes of an endpoint lie in several gateways, each of these has its part. Gateways announce the endpoints that they send to; an
announcement counts for some seconds, so for the first seconds of a new lane the limits may be exceeded by as many times as there are
gateways.
"""

import time
from collections.abc import Callable
from typing import Final

import orjson
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from lgsp_runtime.background import Background

SUBJECT: Final = "lgsp.webhooks.active"
ANNOUNCE_SECONDS = 2.0
COUNTS_SECONDS = 6.0
"""For how long an announcement counts, and for how long an endpoint is announced after it was used."""
MAX_ANNOUNCED = 20_000
"""Endpoints in one announcement."""


class EndpointShares:
    """Knows which other gateways send to an endpoint.

    Args:
        gateway: the name of this gateway.
        clock: returns monotonic seconds.
    """

    def __init__(self, gateway: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._gateway = gateway
        self._clock = clock
        self._connection: Client | None = None
        self._used: dict[str, float] = {}
        self._others: dict[str, tuple[float, frozenset[str]]] = {}

    async def start(self, connection: Client, background: Background) -> None:
        """Announce what is used here, and listen to others."""
        self._connection = connection
        await connection.subscribe(SUBJECT, cb=background.guard("webhook endpoints of others", self._on_announcement))
        background.run_every("webhook endpoints in use", ANNOUNCE_SECONDS, self.announce, within=10)

    def among(self, endpoint_id: str) -> int:
        """Return among how many gateways, this one included, the limits of an endpoint are divided; and note that it is used here."""
        now = self._clock()
        self._used[endpoint_id] = now
        others = self._others.values()
        return 1 + sum(now - at < COUNTS_SECONDS and endpoint_id in used for at, used in others)

    async def announce(self) -> None:
        """Announce the endpoints that were used of late."""
        oldest = self._clock() - COUNTS_SECONDS
        self._used = {endpoint: at for endpoint, at in self._used.items() if at >= oldest}
        if self._connection is None or not self._used:
            return
        announced = {"gateway": self._gateway, "endpoints": list(self._used)[-MAX_ANNOUNCED:]}
        try:
            await self._connection.publish(SUBJECT, orjson.dumps(announced))
        except (NatsError, OSError):
            return  # without a connection nobody else is heard either

    async def _on_announcement(self, message: Msg) -> None:
        announced = orjson.loads(message.data)
        now = self._clock()
        self._others = {name: one for name, one in self._others.items() if now - one[0] < COUNTS_SECONDS}
        if announced["gateway"] != self._gateway:
            self._others[announced["gateway"]] = (now, frozenset(announced["endpoints"]))
