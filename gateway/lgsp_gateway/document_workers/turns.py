"""Shares a few resources fairly: each consumer uses at most one at a time, and those that wait are served in turn.

Without it, one consumer that sends many large documents would occupy all worker processes.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

from lgsp_problems import QuotaExceeded

MAX_WAITING = 100
"""Turns that one consumer may wait for."""

Resource = TypeVar("Resource")


class FairTurns(Generic[Resource]):
    """Lends resources to consumers.

    Args:
        resources: at least one.
    """

    def __init__(self, resources: Iterable[Resource]) -> None:
        self._free = list(resources)
        self._served: set[str] = set()
        self._waiting: OrderedDict[str, deque[asyncio.Future[Resource]]] = OrderedDict()

    @asynccontextmanager
    async def turn(self, consumer: str) -> AsyncIterator[Resource]:
        """Wait for the consumer's turn, and lend it a resource for as long as the context lasts.

        Raises:
            Refusal: `quota-exceeded`, when the consumer waits for `MAX_WAITING` turns already.
        """
        resource = await self._acquire(consumer)
        try:
            yield resource
        finally:
            self._release(consumer, resource)

    async def _acquire(self, consumer: str) -> Resource:
        if self._free and consumer not in self._served:
            self._served.add(consumer)
            return self._free.pop()
        queue = self._waiting.setdefault(consumer, deque())
        if len(queue) >= MAX_WAITING:
            raise QuotaExceeded(
                vi="Có quá nhiều tài liệu lớn của hệ thống này đang chờ kiểm tra; hãy chờ các yêu cầu trước xong rồi gửi tiếp.",
                en="Too many large documents of this system wait to be checked; wait for the earlier requests and send again.",
                retry_after=2,
            )
        turn: asyncio.Future[Resource] = asyncio.get_running_loop().create_future()
        queue.append(turn)
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._release(consumer, turn.result())
            raise

    def _release(self, consumer: str, resource: Resource) -> None:
        """End the turn of a consumer. Next is whoever waits longest and is not being served."""
        self._served.discard(consumer)
        self._free.append(resource)
        for waiting in list(self._waiting):
            queue = self._waiting[waiting]
            while queue and queue[0].done():
                queue.popleft()
            if not queue:
                del self._waiting[waiting]
            elif self._free and waiting not in self._served:
                self._served.add(waiting)
                queue.popleft().set_result(self._free.pop())
                self._waiting.move_to_end(waiting)
