"""What a connection for calls can do, whichever client carries it: our own fast one, or nats-py's public interface."""

from dataclasses import dataclass
from typing import Protocol

from lgsp_runtime.nats.protocol import RawHandler


@dataclass(frozen=True, slots=True)
class Subscription:
    """One subscription; it outlives the connection that it was made on."""

    id: bytes
    subject: str
    queue: str


class CallClient(Protocol):
    """A connection that carries calls. What is published while there is none is refused, and nothing is kept for later."""

    @property
    def is_connected(self) -> bool:
        """Tell whether the connection is there."""

    @property
    def reconnects(self) -> int:
        """Return how often the connection was lost and came back."""

    @property
    def max_payload(self) -> int:
        """Return the most bytes of headers and payload that the server takes in one message."""

    async def subscribe(self, subject: str, handler: RawHandler, queue: str = "") -> Subscription:
        """Hand each message of a subject to a handler as it arrives, on this connection and on every one after it.

        Args:
            queue: the group of subscribers of which one gets each message; "" for none.
        """

    async def drain(self, *subscriptions: Subscription) -> None:
        """End subscriptions, and return when everything that was on its way has been handed over."""

    def publish_nowait(self, subject: str, payload: bytes, reply: str = "", headers: bytes = b"") -> None:
        """Publish. What is published in one turn of the event loop leaves together.

        Args:
            subject, reply: valid subjects; nobody checks them.
            headers: as `protocol.encode_headers` makes them.

        Raises:
            ConnectionClosedError: there is no connection.
            MaxPayloadError: the server would not take it.
            OutboundBufferLimitError: too much waits to be sent already. `wait_writable`, or refuse what it was for.
        """

    def flush_nowait(self) -> None:
        """Send what was published in this turn now."""

    async def wait_writable(self) -> None:
        """Return when something can be published again, or there is no connection."""

    async def flush(self, timeout: float = 10.0) -> None:  # noqa: ASYNC109 - one end for all that it waits for
        """Return when the server has read what was sent before.

        Raises:
            ConnectionClosedError: there is no connection, or it ended.
            TimeoutError: it did not answer in so many seconds.
        """

    async def close(self) -> None:
        """Send what waits, and end the connection for good."""
