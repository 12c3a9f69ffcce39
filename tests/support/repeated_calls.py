"""A call that is asked twice is worked out once: tests count what their adapters are asked.

When a connection of a provider ends, the gateway asks once more for what it waits for (`nats/disconnect_failover.py`): it cannot know who had
it. On a shared bus that may be the adapter of the test before, whose end is told a moment later; then a test saw a call too many at times.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from lgsp_adapters.adapter import Call

Answer = Callable[[dict[str, Any], Call], Awaitable[dict[str, Any]]]


def once_for_each_call(answer: Answer) -> Answer:
    """Return what answers a repeated call as it will answer the call that it works on already."""
    begun: dict[tuple[str, int], tuple[Call, asyncio.Future[dict[str, Any]]]] = {}

    async def answer_once(request: dict[str, Any], call: Call) -> dict[str, Any]:
        attempt = (call.context.message, call.context.deadline)  # another attempt at a message has another deadline
        first, outcome = begun.setdefault(attempt, (call, asyncio.get_running_loop().create_future()))
        if first is not call:
            return await asyncio.shield(outcome)
        try:
            answered = await answer(request, call)
        except BaseException as error:
            outcome.set_exception(error if isinstance(error, Exception) else TimeoutError())
            outcome.exception()  # nobody may be waiting for it
            raise
        else:
            outcome.set_result(answered)
            return answered
        finally:
            del begun[attempt]

    return answer_once
