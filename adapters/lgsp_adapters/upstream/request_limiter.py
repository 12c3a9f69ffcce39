"""Keeps the limit that a provider sets, for each request that is sent to it: of a call, of a page, of a login.

A request waits for its permit within the call's deadline. Waiting requests of one process ask one after the other: first those of calls that
have sent something already, such as the next page of a list, then new calls, each in the order they came.

A permit is good for a moment only: the count takes the request for sent when it allows it. One that has become old, while a connection was made
or the machine was busy, is not used: the request asks anew.
"""

import asyncio
import math
import secrets
import time
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from lgsp_adapters.adapter import Call, LimitReached, Permits, UpstreamFailed, UpstreamLate
from lgsp_adapters.manifest import Manifest
from lgsp_adapters.upstream.priority_lock import PriorityLock
from lgsp_contracts.provider_limit import MAX_PERMIT_AGE_MS, Denial, ProviderLimit, ProviderUsage

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


class Permit:
    """The permission to send one request now.

    Args:
        limiter: asks for another one where this one is old.
        call: whose request it is.
    """

    def __init__(self, limiter: "RequestLimiter", call: Call) -> None:
        self._limiter = limiter
        self._call = call
        self._asked = 0.0
        self.is_used = False
        """Whether the request was sent, by this attempt or one before."""
        self.identifier = secrets.token_hex(8)

    async def acquire(self) -> None:
        """Wait for the permission.

        Raises:
            LimitReached, UpstreamFailed: as `RequestLimiter.permit`.
        """
        self._asked = await self._limiter.acquire(self._call, self.identifier)

    async def use(self) -> None:
        """Use the permission for a request that is sent at once; ask anew where it is old, or was used by an attempt before.

        Raises:
            LimitReached, UpstreamFailed: as `RequestLimiter.permit`; then nothing may be sent.
        """
        if self.is_used:
            await self.acquire()
        while (time.monotonic() - self._asked) * 1000 > MAX_PERMIT_AGE_MS:
            await self.acquire()
        self.is_used = True


class RequestLimiter:
    """The limit of one manifest."""

    def __init__(self, limit: ProviderLimit, name: str) -> None:
        self._limit = limit
        self._name = name
        self._turns = PriorityLock()
        self._begun = weakref.WeakSet[Call]()
        """Calls that have sent a request already."""
        self._counted = 0.0
        """When the count was last reached."""
        self.permits: Permits = LocalPermits()

    @classmethod
    def of(cls, manifest: Manifest) -> "RequestLimiter | None":
        """Make the limiter of a manifest; None where it names no limit."""
        limit = manifest.document.get("limit")
        return cls(ProviderLimit.from_document(limit), limit.get("name", DEFAULT_NAME)) if limit else None

    @asynccontextmanager
    async def permit(self, call: Call) -> AsyncIterator[Permit]:
        """Hold a permit while a request is sent and answered; `use` it just before it is sent.

        Raises:
            LimitReached: there is none within the deadline.
            UpstreamFailed: `uncounted`, when nobody can say whether there is one.
        """
        permit = Permit(self, call)
        await permit.acquire()
        try:
            yield permit
        except (UpstreamLate, asyncio.CancelledError):
            raise  # the provider may still work on it, so the permit expires by itself
        except BaseException:
            self._release(permit.identifier)
            raise
        self._release(permit.identifier)

    async def acquire(self, call: Call, permit: str) -> float:
        """Wait for a permit, and return when it was asked for: the count cannot have allowed it earlier.

        Returns:
            Seconds of the monotonic clock.

        Raises:
            LimitReached, UpstreamFailed: as `permit`.
        """
        began = time.monotonic()
        until = began + call.remaining * WAITING
        priority = 0 if call in self._begun else 1
        denial: Denial | None = None
        asking = False
        self._refuse_what_cannot_be_in_time(self._turns.waiting_before(priority), until - began)
        try:
            async with asyncio.timeout(max(0.0, until - began)), self._turns.hold(priority):
                while True:
                    asked, asking = time.monotonic(), True
                    denial = await self.permits.acquire(self._limit, self._name, permit, call.remaining + GRACE_SECONDS)
                    self._counted, asking = time.monotonic(), False
                    if denial is None:
                        self._begun.add(call)
                        return asked
                    if time.monotonic() + denial.wait_ms / 1000 > until:
                        raise _limit_reached(denial)
                    await asyncio.sleep(denial.wait_ms / 1000)
        except TimeoutError as error:
            is_counting = self._counted >= began  # others of this process were served while this request waited
            raise (_limit_reached(denial) if is_counting or not asking else uncounted()) from error

    def _refuse_what_cannot_be_in_time(self, waiting: int, seconds: float) -> None:
        """Refuse a request that has too many before it, instead of letting it wait for nothing."""
        per_second = self._limit.per_second
        if per_second and (waiting - per_second) / per_second > seconds:
            note = f"the limit of the provider's system: {waiting} requests of this process wait before this one"
            raise LimitReached(note, math.ceil(waiting / per_second))

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
