"""Asks the gateways for permits of a provider's limit, so that all copies of an adapter keep it together."""

import contextlib

import orjson
from nats.errors import Error as NatsError

from lgsp_adapters.adapter import Permits, UpstreamFailed
from lgsp_contracts import provider_limit
from lgsp_contracts.provider_limit import Denial, ProviderLimit
from lgsp_problems import Refusal
from lgsp_runtime.nats.client import CallClient
from lgsp_runtime.nats.request_reply import NatsRequestReply

ANSWER_SECONDS = 3.0
"""How long a gateway may take; it writes the count to disk."""


class SharedPermits(Permits):
    """The count of a system, which the gateways keep.

    Args:
        system: the system of the manifest.
    """

    def __init__(self, system: str) -> None:
        self._subject = provider_limit.request_subject(system)
        self._inboxes = provider_limit.reply_prefix(system)
        self._current: tuple[CallClient, NatsRequestReply] | None = None

    async def connect(self, connection: CallClient) -> None:
        """Ask over this connection from now on.

        Raises:
            nats.errors.Error: the connection is gone.
        """
        requests = NatsRequestReply(self._inboxes)
        await requests.start(connection)
        previous, self._current = self._current, (connection, requests)
        if previous:
            previous[1].stop()

    def close(self) -> None:
        """Stop asking."""
        if self._current:
            self._current[1].stop()

    async def acquire(self, limit: ProviderLimit, name: str, permit: str, seconds: float) -> Denial | None:
        """Ask for a permit; see `Permits`."""
        question = {"name": name, "permit": permit, "limit": limit.document(), "seconds": round(seconds, 3)}
        if self._current is None:
            raise _uncounted()
        try:
            data = await self._current[1].request(
                self._subject, orjson.dumps(question), ANSWER_SECONDS, repeatable=False
            )
            reply = orjson.loads(data)
            if reply["status"] == "granted":
                return None
            if reply["status"] == "denied":
                return Denial(reply["rule"], int(reply["wait"]))
        except (Refusal, NatsError, OSError, ValueError, KeyError, TypeError) as error:
            self.release(name, permit)  # it may have been counted
            raise _uncounted() from error
        raise _uncounted()

    def release(self, name: str, permit: str) -> None:
        """Count a request as ended. Where that does not arrive, its permit expires by itself."""
        if self._current:
            with contextlib.suppress(NatsError, OSError):
                self._current[0].publish_nowait(self._subject, orjson.dumps({"name": name, "permit": permit}))


def _uncounted() -> UpstreamFailed:
    return UpstreamFailed("uncounted", "no gateway counts the requests to a provider with a limit, so nothing was sent")
