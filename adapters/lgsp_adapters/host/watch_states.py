"""Asks the gateways for the state of a watch: how far it has come, and whether this copy of the adapter is the one that goes on."""

import secrets
from typing import Any

from nats.errors import Error as NatsError

from lgsp_adapters.errors import AdapterError
from lgsp_adapters.host.gateway_client import GatewayClient
from lgsp_contracts import watch_state
from lgsp_contracts.names import SystemName
from lgsp_contracts.watch_state import WatchGranted, WatchHeld, WatchRequest
from lgsp_problems import Refusal

REPLY_SECONDS = 5.0


class StateUnavailableError(AdapterError):
    """The state of a watch cannot be read or written now."""


class WatchStates(GatewayClient):
    """The states of the watches of one adapter, under one holder: this copy.

    Args:
        system: the system of the manifest.
    """

    def __init__(self, system: str) -> None:
        super().__init__(watch_state.reply_prefix(SystemName(system)))
        self._subject = watch_state.request_subject(SystemName(system))
        self._holder = secrets.token_hex(8)

    async def take(self, name: str, lease: int) -> WatchGranted | WatchHeld:
        """Take a state, or renew its lease.

        Raises:
            StateUnavailableError: it cannot be reached now.
        """
        return await self._ask(WatchRequest(name, self._holder, lease))

    async def write(self, name: str, lease: int, revision: int, state: Any) -> WatchGranted | WatchHeld:
        """Write a state over the revision that was read; return it as it is now, which is another one where that had changed.

        Raises:
            StateUnavailableError: it is unknown whether it was written.
        """
        return await self._ask(WatchRequest(name, self._holder, lease, revision, state))

    async def give_up(self, name: str) -> None:
        """Let another copy go on at once.

        Raises:
            StateUnavailableError: it cannot be reached; then the lease ends by itself.
        """
        await self._ask(WatchRequest(name, self._holder, 0))

    async def _ask(self, request: WatchRequest) -> WatchGranted | WatchHeld:
        if not self._connections:
            raise StateUnavailableError("there is no connection to the bus")
        try:
            data = await self._request(self._subject, request.to_bytes(), REPLY_SECONDS)
        except (Refusal, NatsError, OSError) as error:
            raise StateUnavailableError("the bus does not reply") from error
        reply = watch_state.parse(data)
        if reply is None:
            raise StateUnavailableError("the bus cannot reach the state now")
        return reply
