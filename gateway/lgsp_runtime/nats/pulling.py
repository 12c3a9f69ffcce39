"""Pulls messages of a consumer that may have been made a moment ago.

In a cluster a new consumer gets its leader after the server has answered that it is made, and the other servers learn of it later still.
Until then nobody answers who is asked for its messages, which nats-py (2.16) raises as an error of its own.
"""

import asyncio
import time

from nats.aio.msg import Msg
from nats.js.client import JetStreamContext
from nats.js.errors import ServiceUnavailableError

LEADER_SECONDS = 3.0
"""For a consumer to have a leader; after that it is taken for deleted."""
RETRY_SECONDS = 0.05


async def fetch(subscription: JetStreamContext.PullSubscription, limit: int, seconds: float) -> list[Msg]:
    """Pull messages, at most so many.

    Args:
        seconds: how long to wait for the first.

    Raises:
        nats.errors.TimeoutError: none came.
        nats.js.errors.ServiceUnavailableError: nobody answers for the consumer, for `LEADER_SECONDS`: it is deleted, or has no leader.
        nats.errors.Error: NATS cannot be reached.
    """
    last = time.monotonic() + min(LEADER_SECONDS, seconds)
    while True:
        try:
            return await subscription.fetch(limit, timeout=seconds)
        except ServiceUnavailableError:
            if time.monotonic() > last:
                raise
            await asyncio.sleep(RETRY_SECONDS)
