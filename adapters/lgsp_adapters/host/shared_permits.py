"""Asks the gateways for permits of a provider's limit, so that all copies of an adapter keep it together."""

import asyncio
import contextlib

import orjson
from nats.errors import Error as NatsError

from lgsp_adapters.adapter import Permits
from lgsp_adapters.host.gateway_client import GatewayClient
from lgsp_adapters.upstream.request_limiter import uncounted
from lgsp_contracts import provider_limit
from lgsp_contracts.provider_limit import Denial, ProviderLimit
from lgsp_problems import Refusal

ANSWER_SECONDS = 3.0
"""How long a gateway may take; it writes the count to disk."""


class SharedPermits(GatewayClient, Permits):
    """The count of a system, which the gateways keep.

    Args:
        system: the system of the manifest.
    """

    def __init__(self, system: str) -> None:
        super().__init__(provider_limit.reply_prefix(system))
        self._subject = provider_limit.request_subject(system)

    async def acquire(self, limit: ProviderLimit, name: str, permit: str, seconds: float) -> Denial | None:
        """Ask for a permit; see `Permits`."""
        question = {"name": name, "permit": permit, "limit": limit.document(), "seconds": round(seconds, 3)}
        if not self._connections:
            raise uncounted()
        try:
            data = await self._request(self._subject, orjson.dumps(question), ANSWER_SECONDS)
            reply = orjson.loads(data)
            if reply["status"] == "granted":
                return None
            if reply["status"] == "denied":
                return Denial(reply["rule"], int(reply["wait"]))
        except asyncio.CancelledError:
            self.release(name, permit)
            raise
        except (Refusal, NatsError, OSError, ValueError, KeyError, TypeError) as error:
            self.release(name, permit)  # it may have been counted
            raise uncounted() from error
        raise uncounted()

    def release(self, name: str, permit: str) -> None:
        """Count a request as ended. Where that does not arrive, its permit expires by itself."""
        if self._connections:
            with contextlib.suppress(NatsError, OSError):
                self._connections[-1][0].publish_nowait(self._subject, orjson.dumps({"name": name, "permit": permit}))
