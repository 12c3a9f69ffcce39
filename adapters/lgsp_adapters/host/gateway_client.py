"""What asks the gateways for something besides calls: over the newest of the connections that an adapter has."""

from lgsp_runtime.nats.client import CallClient
from lgsp_runtime.nats.request_reply import NatsRequestReply


class GatewayClient:
    """Requests to the gateways, over connections that come and go with the adapter's tokens.

    Args:
        inboxes: the prefix of the subjects that replies come to.
    """

    def __init__(self, inboxes: str) -> None:
        self._inboxes = inboxes
        self._connections: list[tuple[CallClient, NatsRequestReply]] = []
        """Those in use; the last one asks. The one before may still wait for a reply while the adapter changes its connection."""

    async def connect(self, connection: CallClient) -> None:
        """Ask over this connection from now on.

        Raises:
            nats.errors.Error: the connection is gone.
        """
        requests = NatsRequestReply(self._inboxes)
        await requests.start(connection)
        self._connections.append((connection, requests))

    def disconnect(self, connection: CallClient) -> None:
        """Use a connection no more; what waits for a reply on it is refused."""
        for used in [used for used in self._connections if used[0] is connection]:
            used[1].stop()
            self._connections.remove(used)

    async def _request(self, subject: str, payload: bytes, seconds: float) -> bytes:
        """Return the reply to a request, sent once, over the newest connection, which must be there."""
        return await self._connections[-1][1].request(subject, payload, seconds, repeatable=False)
