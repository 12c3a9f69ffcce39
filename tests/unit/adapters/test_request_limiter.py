"""Permits of a provider's limit within one process: how old they may be, and who is served first."""

import asyncio

import pytest
from support.national import call

from lgsp_adapters.adapter import LimitReached, UpstreamFailed
from lgsp_adapters.upstream.priority_lock import PriorityLock
from lgsp_adapters.upstream.request_limiter import LocalPermits, RequestLimiter
from lgsp_contracts.provider_limit import MAX_PERMIT_AGE_MS, Denial, ProviderLimit


class SlowPermits(LocalPermits):
    """A count that takes its time to answer; with None it never does."""

    def __init__(self, seconds: float | None) -> None:
        super().__init__()
        self.seconds = seconds

    async def acquire(self, limit: ProviderLimit, name: str, permit: str, seconds: float) -> Denial | None:
        if self.seconds is None:
            await asyncio.Event().wait()
        await asyncio.sleep(self.seconds or 0)
        return await super().acquire(limit, name, permit, seconds)


async def send(limiter: RequestLimiter, seconds: float = 1.0) -> None:
    async with limiter.permit(call(seconds)) as permit:
        await permit.use()


async def test_a_permit_is_used_once_and_not_when_it_is_old() -> None:
    limiter = RequestLimiter(ProviderLimit(per_day=3), "x")
    async with limiter.permit(call(5)) as permit:
        await permit.use()
        await permit.use()  # a second attempt to send counts
    async with limiter.permit(call(5)) as permit:
        await asyncio.sleep(MAX_PERMIT_AGE_MS / 1000 + 0.01)  # a handshake, say
        with pytest.raises(LimitReached, match="per-day"):
            await permit.use()


async def test_a_wait_for_others_that_are_served_is_the_limit() -> None:
    limiter = RequestLimiter(ProviderLimit(per_day=1000), "x")
    limiter.permits = SlowPermits(0.1)
    results = await asyncio.gather(*(send(limiter, 0.5) for _ in range(20)), return_exceptions=True)
    refused = [result for result in results if result is not None]
    assert 0 < len(refused) < 20
    assert {type(result) for result in refused} == {LimitReached}


async def test_a_count_that_never_answers_is_none() -> None:
    limiter = RequestLimiter(ProviderLimit(per_day=1000), "x")
    limiter.permits = SlowPermits(None)
    with pytest.raises(UpstreamFailed) as failed:
        await send(limiter, 0.2)
    assert failed.value.why == "uncounted"


async def test_what_cannot_be_in_time_does_not_wait() -> None:
    limiter = RequestLimiter(ProviderLimit(per_second=2), "x")
    tasks = [asyncio.create_task(send(limiter, 30)) for _ in range(10)]
    await asyncio.sleep(0)
    with pytest.raises(LimitReached, match="requests of this process wait before this one") as reached:
        await send(limiter, 1)
    assert reached.value.retry_after >= 4
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_calls_in_progress_come_before_new_ones() -> None:
    limiter, order = RequestLimiter(ProviderLimit(per_day=100), "x"), []
    limiter.permits = SlowPermits(0.01)
    begun = call(10)
    async with limiter.permit(begun):
        pass

    async def ask(name: str, of: object) -> None:
        async with limiter.permit(of):  # type: ignore[arg-type]
            order.append(name)

    await asyncio.gather(ask("first", call(10)), ask("second", call(10)), ask("page", begun))
    assert order == ["first", "page", "second"]


async def test_a_lock_survives_those_who_give_up() -> None:
    lock, order = PriorityLock(), []

    async def hold(name: str, priority: int) -> None:
        async with lock.hold(priority):
            order.append(name)
            await asyncio.sleep(0)

    async with lock.hold(0):
        tasks = [
            asyncio.create_task(hold(name, priority)) for name, priority in (("a", 1), ("b", 1), ("c", 0), ("d", 1))
        ]
        await asyncio.sleep(0)
        assert (lock.waiting_before(0), lock.waiting_before(1)) == (1, 4)
        tasks[0].cancel()
    tasks[2].cancel()  # whose turn it is
    await asyncio.gather(*tasks, return_exceptions=True)
    assert order == ["b", "d"]
    await asyncio.wait_for(hold("e", 1), 5)
