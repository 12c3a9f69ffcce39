"""The attempts at events that could not be delivered yet: in the memory of the gateway that makes them, and on disk for the one that takes over.

How often an event was tried, since when, and when it is due again decide when its retries end. Without that a gateway that takes over would
begin them anew, and an event whose gateways are restarted often would never end.
"""

from collections import OrderedDict
from dataclasses import asdict, dataclass, field

import orjson
import structlog
from nats.aio.client import Client

from lgsp_gateway.delivery.messages.state import Attempt
from lgsp_gateway.delivery.storage.last_message import LastMessages
from lgsp_gateway.delivery.storage.payload_cipher import PayloadCipher
from lgsp_problems import Refusal
from lgsp_runtime.nats import streams
from lgsp_runtime.nats.request_reply import NatsRequestReply

STREAM = "LGSP_EVENT_ATTEMPTS"
SUBJECTS = "event-attempts."
KEPT_DAYS = 4
"""After the last attempt. A day more than an event is tried for."""
MAX_EVENTS = 20_000
"""Events that are remembered, of all subscriptions; the oldest are forgotten first."""
MAX_ATTEMPTS_KEPT = 20
"""Attempts that are remembered of one event; of more, the latest."""
_WRITE_SECONDS = 5.0

Key = tuple[str, int]
"""A subscription's consumer, and the position of an event."""


@dataclass(slots=True)
class Attempts:
    """The attempts at one event.

    Args:
        since: when the first began, in seconds since 1970.
        count: how many there were.
        latest: the last of them.
        due: when the next one is, in seconds since 1970; 0.0 where that is not known.
    """

    since: float
    count: int = 0
    latest: list[Attempt] = field(default_factory=list)
    due: float = 0.0


class AttemptHistory:
    """What was tried of the events that this gateway delivers.

    Args:
        bus: writes attempts that failed, and reads those of other gateways.
        cipher: encrypts them.
    """

    def __init__(self, bus: NatsRequestReply, cipher: PayloadCipher) -> None:
        self._bus = bus
        self._cipher = cipher
        self._last = LastMessages(bus, STREAM, cipher)
        self._events: OrderedDict[Key, Attempts] = OrderedDict()

    async def start(self, connection: Client, replicas: int) -> None:
        """Make the stream if it is not there.

        Raises:
            Refusal: `cannot-start`.
        """
        config = {
            "name": STREAM,
            "description": "The attempts at events that could not be delivered yet",
            "subjects": [SUBJECTS + ">"],
            "storage": "file",
            "num_replicas": replicas,
            "max_msgs_per_subject": 1,
            "max_age": KEPT_DAYS * 86_400 * 1_000_000_000,
            "allow_direct": True,
        }
        await streams.ensure_raw(connection, config)

    def begin(self, key: Key, now: float) -> Attempts:
        """Return the attempts at an event so far; none at its first."""
        attempts = self._events.get(key)
        return attempts if attempts is not None else self._put(key, Attempts(now))

    async def recall(self, key: Key) -> None:
        """Read the attempts of the gateway from which an event was taken over, unless this gateway knows of attempts at it.

        Raises:
            Refusal: `bus-unavailable`.
        """
        if key in self._events:
            return
        stored = await self._last.last(_subject(key))
        if stored is None or stored.is_damaged:
            return
        fields = orjson.loads(stored.payload)
        self._put(key, Attempts(**{**fields, "latest": [Attempt(**one) for one in fields["latest"]]}))

    def record(self, key: Key, attempt: Attempt) -> None:
        """Add an attempt."""
        attempts = self.begin(key, attempt.at / 1000)
        attempts.count += 1
        attempts.latest = [*attempts.latest, attempt][-MAX_ATTEMPTS_KEPT:]

    async def keep(self, key: Key, due: float) -> None:
        """Store the attempts at an event that is tried again; where that is not possible, this gateway alone knows of them.

        Args:
            due: when, in seconds since 1970.
        """
        attempts = self.begin(key, due)
        attempts.due = due
        subject = _subject(key)
        payload = self._cipher.encrypt(subject, orjson.dumps(asdict(attempts)))
        try:
            await self._bus.publish(subject, payload, {}, _WRITE_SECONDS)
        except Refusal as refusal:
            structlog.get_logger().warning("attempts at an event not stored", code=refusal.code)

    def forget(self, key: Key) -> None:
        """Forget an event that is settled."""
        self._events.pop(key, None)

    def _put(self, key: Key, attempts: Attempts) -> Attempts:
        self._events[key] = attempts
        if len(self._events) > MAX_EVENTS:
            self._events.popitem(last=False)
        return attempts


def _subject(key: Key) -> str:
    consumer, position = key
    return f"{SUBJECTS}{consumer}.{position}"
