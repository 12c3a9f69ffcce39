"""A replay guard within one process, where a test has no NATS: the gateway's own memory, and no other gateway."""

import time

from lgsp_auth.one_time import OneTimeValue
from lgsp_auth.replay_cache import ReplayCache


class LocalReplayGuard:
    """Remembers in this process alone."""

    def __init__(self) -> None:
        self._caches: dict[str, ReplayCache] = {}

    async def use(self, value: OneTimeValue) -> None:
        cache = self._caches.setdefault(value.kind.name, ReplayCache(value.kind, time.monotonic))
        if value in cache:
            raise value.kind.replayed()
        cache.add(value)
