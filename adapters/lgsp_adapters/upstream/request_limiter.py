"""Keeps the limit that a provider sets, for each request that is sent to it: of a call, of a page, of a login.

A request waits for its permit within the call's deadline; waiting requests of one process ask one after the other, in the order they came.
"""

import asyncio
import math
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from lgsp_adapters.adapter import Call, LimitReached, Permits, UpstreamFailed, UpstreamLate
from lgsp_adapters.manifest import Manifest
from lgsp_contracts.provider_limit import Denial, ProviderLimit, ProviderUsage

WAITING = 0.9
"""The part of a call's remaining time that it may wait for a permit: what is left is for the answer that says so."""
GRACE_SECONDS = 5.0
"""How long after its deadline a request that was given up counts as running: the provider may still work on it."""
DEFAULT_NAME = "default"


class LocalPermits(Permits):
    """The count of one process alone, such as of `lgsp adapter try`."""

    def __init__(self) -> None:
        self._usage = ProviderUsage()

    async def acquire(self, limit: ProviderLimit, name: str, permit: str, seconds: float) -> Denial | None:
        """Count a request."""
        return self._usage.acquire(limit, permit, int(time.time() * 1000), int(seconds * 1000))

    def release(self, name: str, permit: str) -> None:
        """Count it as ended."""
        self._usage.release(permit)


class RequestLimiter:
    """The limit of one manifest."""

    def __init__(self, limit: ProviderLimit, name: str) -> None:
        self._limit = limit
        self._name = name
        self._turn = asyncio.Lock()
        self.permits: Permits = LocalPermits()

    @classmethod
    def of(cls, manifest: Manifest) -> "RequestLimiter | None":
        """Make the limiter of a manifest; None where it names no limit."""
        limit = manifest.document.get("limit")
        return cls(ProviderLimit.from_document(limit), limit.get("name", DEFAULT_NAME)) if limit else None

    @asynccontextmanager
    async def permit(self, call: Call) -> AsyncIterator[None]:
        """Hold a permit while a request is sent and answered.

        Raises:
            LimitReached: there is none within the deadline.
            UpstreamFailed: `uncounted`, when nobody can say whether there is one.
        """
        permit = secrets.token_hex(8)
        await self._acquire(call, permit)
        try:
            yield
        except (UpstreamLate, asyncio.CancelledError):
            raise  # the provider may still work on it, so the permit expires by itself
        except BaseException:
            self._release(permit)
            raise
        self._release(permit)

    async def _acquire(self, call: Call, permit: str) -> None:
        until = time.monotonic() + call.remaining * WAITING
        denial: Denial | None = None
        asking = False
        try:
            async with asyncio.timeout(max(0.0, call.remaining * WAITING)), self._turn:
                while True:
                    asking = True
                    denial = await self.permits.acquire(self._limit, self._name, permit, call.remaining + GRACE_SECONDS)
                    asking = False
                    if denial is None:
                        return
                    if time.monotonic() + denial.wait_ms / 1000 > until:
                        raise _limit_reached(denial)
                    await asyncio.sleep(denial.wait_ms / 1000)
        except TimeoutError as error:
            raise (uncounted() if asking else _limit_reached(denial)) from error

    def _release(self, permit: str) -> None:
        if self._limit.concurrent:
            self.permits.release(self._name, permit)


def uncounted() -> UpstreamFailed:
    """Make the error for a count that cannot be reached."""
    return UpstreamFailed("uncounted", "no gateway counts the requests to a provider with a limit, so nothing was sent")


def _limit_reached(denial: Denial | None) -> LimitReached:
    if denial is None:
        return LimitReached("the limit of the provider's system: others of this process wait before this request", 1)
    note = f"the limit of the provider's system is reached: {denial.rule}"
    return LimitReached(note, max(1, math.ceil(denial.wait_ms / 1000)))
