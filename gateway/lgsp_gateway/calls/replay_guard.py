"""Values that count once, remembered where every gateway sees them.

A stream of NATS holds one message for each value that was used; a message is written only where its subject has none yet, which
the server decides (`Nats-Expected-Last-Subject-Sequence: 0`), so of two gateways one is first. The messages lie on disk, as
the evidence does: what was used stays used when NATS is started anew (docs/decisions/024). Each goes by itself, by its
`Nats-TTL`, when its value could not be used any more.

What this gateway used itself it knows without asking, by a clock that does not jump. While NATS is away nothing that counts once
is taken: nobody could say whether it was used.
"""

import time
from collections.abc import Callable

from nats.aio.client import Client

from lgsp_auth.one_time import OneTimeValue
from lgsp_auth.replay_cache import ReplayCache
from lgsp_runtime.nats import streams
from lgsp_runtime.nats.request_reply import NatsRequestReply, bus_unavailable

STREAM = "LGSP_REPLAY"
SUBJECTS = "replay."
SPARE_SECONDS = 60
"""How much longer than needed a value is remembered: the clocks of gateways may differ by so much."""
MAX_SECONDS = 3600
"""After this long no message is there any more, whatever it says itself."""
MAX_VALUES = 1_000_000
"""Values in all: some 100 MB on disk and as much in the server's memory. When it is full, no further value is taken."""
ANSWER_SECONDS = 2.0

_FULL = 10077
"""JetStream's error code: as many messages as there may be."""


class JetStreamReplayGuard:
    """Remembers one-time values of all gateways in a stream.

    Args:
        bus: writes into the stream.
        clock: returns monotonic seconds.
    """

    def __init__(self, bus: NatsRequestReply, clock: Callable[[], float] = time.monotonic) -> None:
        self._bus = bus
        self._clock = clock
        self._caches: dict[str, ReplayCache] = {}

    async def start(self, connection: Client, replicas: int) -> None:
        """Make the stream if it is not there.

        Raises:
            Refusal: `cannot-start`.
        """
        await streams.ensure_raw(
            connection,
            {
                "name": STREAM,
                "description": "Client assertions and DPoP proofs that were used, by digest",
                "subjects": [SUBJECTS + ">"],
                "storage": "file",
                "retention": "limits",
                "discard": "new",
                "num_replicas": replicas,
                "max_age": MAX_SECONDS * 1_000_000_000,
                "max_msgs": MAX_VALUES,
                "max_msgs_per_subject": 1,
                "allow_msg_ttl": True,
                "deny_delete": True,
                "deny_purge": True,
            },
        )

    async def use(self, value: OneTimeValue) -> None:
        """Use a value, once.

        Raises:
            Refusal: that of the value's kind, where it was used before or there are too many; `bus-unavailable`, where nobody can
                say whether it was used.
        """
        kind = value.kind
        cache = self._caches.get(kind.name)
        if cache is None:
            cache = self._caches[kind.name] = ReplayCache(kind, self._clock)
        if value in cache:
            raise kind.replayed()
        if cache.is_full(value.owner):
            raise kind.too_many()
        subject = f"{SUBJECTS}{kind.name}.{value.digest().hex()}"
        headers = {"Nats-Expected-Last-Subject-Sequence": "0", "Nats-TTL": f"{kind.seconds + SPARE_SECONDS}s"}
        acknowledged = await self._bus.publish(subject, b"", headers, ANSWER_SECONDS)
        error = acknowledged.get("error", {}).get("err_code")
        if streams.is_wrong_revision(error):  # the subject has a message already
            raise kind.replayed()
        if error == _FULL:
            raise kind.too_many()
        if error or not acknowledged.get("seq"):
            raise bus_unavailable()
        cache.add(value)
