"""`/evidence/keys`: the public keys that sign checkpoints, for whoever verifies evidence elsewhere.

An auditor should get the keys on another path too, and compare them: a gateway that forges its log would forge this list.
"""

import asyncio
import time
from collections.abc import Callable

from aiohttp import web

from lgsp_contracts.names import GatewayName
from lgsp_gateway.api.schemas import TEXT
from lgsp_gateway.evidence.read.log_reader import LogReader
from lgsp_gateway.evidence.verify.log_keys import LogKeys
from lgsp_gateway.evidence.verify.origins import origin_of
from lgsp_gateway.evidence.verify.verifier_key import VerifierKey
from lgsp_gateway.http.routes import ResponseSpec, Route, add_route

CACHE_SECONDS = 1.0
"""For how long the list is served again: callers need no token, and each new list costs requests to NATS."""

KEYS = Route(
    "GET",
    "/evidence/keys",
    "readEvidenceKeys",
    "Read the keys that sign checkpoints, one verifier key (C2SP signed-note) a line",
    "public",
    {200: ResponseSpec("The keys", {"text/plain": TEXT})},
    tag="evidence",
)


class EvidenceKeyRoutes:
    """The route of the keys of all logs.

    Args:
        publics: returns the public keys that sign checkpoints or have signed them, the newest first.
        domain: the domain of the instance, with which the origins of its logs begin.
    """

    def __init__(self, logs: LogReader, publics: Callable[[], tuple[bytes, ...]], domain: str) -> None:
        self._logs = logs
        self._publics = publics
        self._domain = domain
        self._reading = asyncio.Lock()
        self._cached_keys, self._cached_until = "", 0.0

    def add_routes(self, app: web.Application) -> None:
        """Add the route to an application."""
        add_route(app, KEYS, self._list_keys)

    async def _list_keys(self, _: web.Request) -> web.Response:
        async with self._reading:
            if time.monotonic() >= self._cached_until:
                keys = [key for name in await self._logs.gateways() for key in await self._keys_of_log(name)]
                self._cached_keys = "".join([f"{key}\n" for key in keys])
                self._cached_until = time.monotonic() + CACHE_SECONDS
        return web.Response(text=self._cached_keys)

    async def _keys_of_log(self, gateway: GatewayName) -> list[VerifierKey]:
        """Return the keys of a log: under its present origin, and under each origin that it had before; the newest first."""
        publics, last = self._publics(), await self._logs.last_checkpoint(gateway)
        keys = [VerifierKey(origin_of(gateway, self._domain), public) for public in publics]
        used_keys = LogKeys.of_checkpoint(last.note, publics, gateway) if last else ()
        return list(dict.fromkeys([*keys, *used_keys]))
