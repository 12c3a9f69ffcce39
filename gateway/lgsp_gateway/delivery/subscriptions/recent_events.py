"""The events that a gateway has read last, parsed once for all subscriptions that receive them.

An event goes to each of its subscriptions through a lane of its own, at about the same time. What it says does not depend on the
subscription; what a subscription may see of it is decided anew by each of them.
"""

from collections import OrderedDict

from lgsp_gateway.delivery.lanes.lane import Delivery
from lgsp_gateway.delivery.subscriptions.subscribed_event import StoredEvent

MAX_BYTES = 4 * 1024 * 1024
"""Of payloads; parsed, they take several times as much memory."""
MAX_EVENTS = 1024


class RecentEvents:
    """Reads events of the stream, and remembers the latest.

    Args:
        max_bytes: of the payloads of the events that are remembered.
    """

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._events: OrderedDict[int, tuple[bytes, str, StoredEvent]] = OrderedDict()

    def read(self, delivery: Delivery) -> StoredEvent:
        """Return the event of a message of the stream.

        Raises:
            ValueError: it is no event.
        """
        known = self._events.get(delivery.sequence)
        if known and known[0] == delivery.payload and known[1] == delivery.subject:
            return known[2]
        event = StoredEvent.of(delivery)
        self._remember(delivery, event)
        return event

    def ordering_key(self, delivery: Delivery) -> str:
        """Return what keeps an event in order with others; "" where it waits for none."""
        try:
            return self.read(delivery).ordering_key
        except ValueError:  # no event: its handler says so
            return ""

    def _remember(self, delivery: Delivery, event: StoredEvent) -> None:
        if known := self._events.pop(delivery.sequence, None):
            self._bytes -= len(known[0])
        self._events[delivery.sequence] = delivery.payload, delivery.subject, event
        self._bytes += len(delivery.payload)
        while self._bytes > self._max_bytes or len(self._events) > MAX_EVENTS:
            _, (payload, _, _) = self._events.popitem(last=False)
            self._bytes -= len(payload)
