"""When the storage will be full, at the rate of the last week: a disk that grows by the day is seen long before its reserve is.

What was used is kept hour by hour in a bucket of NATS, for all gateways, so that a restart forgets nothing. The rate is that between now
and the oldest hour of the week; where the storage was emptied since, by an archive, it is that since its lowest hour.
"""

import time
from collections.abc import Sequence

from nats.aio.client import Client
from nats.js.kv import KeyValue

from lgsp_gateway.delivery.storage.space import Room, StorageSpace
from lgsp_gateway.observability.expirations.expiration import Expiration
from lgsp_gateway.sessions import buckets
from lgsp_problems import Refusal
from lgsp_runtime.background import Background
from lgsp_runtime.nats import streams

BUCKET = "LGSP_GROWTH"
SAMPLE_SECONDS = 3600.0
LOOK_SECONDS = 300.0
WEEK_SECONDS = 7 * 86_400.0
LEAST_SECONDS = 6 * SAMPLE_SECONDS
"""For how long growth must have been seen before it says something of the next days."""

_FAR = 9e10
"""The last moment that is told, in seconds since 1970."""

Sample = tuple[float, int]
"""Seconds since 1970, and bytes used then."""


def full_at(samples: Sequence[Sample], room: Room, now: float) -> float | None:
    """Forecast when nothing new is accepted any more, in seconds since 1970; None where the storage does not grow, or nobody knows yet.

    Args:
        samples: of the past, in order.
        room: as it is now.
    """
    known = [(at, used) for at, used in samples if now - WEEK_SECONDS <= at <= now - LEAST_SECONDS]
    if not known:
        return None
    at, used = min(known, key=lambda sample: (sample[1], sample[0]))
    rate = (room.used - used) / (now - at)
    return now + max(0, room.free - room.reserve) / rate if rate > 0 else None


class StorageForecast:
    """The forecast of each room."""

    def __init__(self, space: StorageSpace, connection: Client) -> None:
        self._space = space
        self._connection = connection
        self._bucket: KeyValue | None = None
        self._samples: dict[str, list[Sample]] = {}

    async def start(self, replicas: int, background: Background) -> None:
        """Record what is used from now on.

        Raises:
            Refusal: `cannot-start`.
        """
        config = buckets.bucket_config(BUCKET, "How much was stored, hour by hour", replicas)
        await streams.ensure(self._connection, config)
        self._bucket = await self._connection.jetstream().key_value(BUCKET)
        background.run_every("growth of storage", LOOK_SECONDS, self.record, within=60)

    async def record(self) -> None:
        """Record what is used now, where nobody has in this hour."""
        now = time.time()
        for room in self._space.rooms():
            key = room.name.encode().hex()
            try:
                stored = await buckets.read(self._bucket, key)
                samples = [(float(at), int(used)) for at, used in stored.document["samples"]] if stored else []
                if not samples or now - samples[-1][0] >= SAMPLE_SECONDS:
                    samples = [one for one in samples if one[0] > now - WEEK_SECONDS - SAMPLE_SECONDS]
                    samples.append((now, room.used))
                    await buckets.replace(self._bucket, key, {"samples": samples}, stored.revision if stored else 0)
            except Refusal:  # NATS is away; the next round tries again
                return
            self._samples[room.name] = samples

    def ends(self) -> list[Expiration]:
        """Return when each room that grows will be full."""
        now, rooms = time.time(), self._space.rooms()
        forecasts = [(room, full_at(self._samples.get(room.name, []), room, now)) for room in rooms]
        return [Expiration("storage", room.name, min(end, _FAR)) for room, end in forecasts if end]
