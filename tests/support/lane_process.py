"""A gateway that serves one lane and nothing else: `python -m support.lane_process URL NAME [LEDGER]`.

Its handler writes a line into the ledger, which is the effect; then it waits a moment, in which it may be killed before the acknowledgement.
Without a ledger it never comes to an end with a message.
"""

import asyncio
import os
import random
import signal
import sys
import time

from lgsp_gateway.delivery.lanes.lane import Delivery, Done, LaneConfig, Outcome, RetryAfter
from lgsp_runtime.nats.connection import NatsEndpoint
from support.jetstream import lanes_at
from support.nats_server import PASSWORD


def key_of(delivery: Delivery) -> str:
    return delivery.payload.decode().split("/")[0]


async def serve(url: str, name: str, ledger: str = "") -> None:
    draw = random.Random(name)
    file = os.open(ledger, os.O_WRONLY | os.O_CREAT | os.O_APPEND) if ledger else 0

    async def handler(delivery: Delivery) -> Outcome:
        if not ledger:
            await asyncio.Event().wait()
        await asyncio.sleep(draw.random() * 0.002)
        if draw.random() < 0.01:
            return RetryAfter(draw.random(), "provider-failed")
        os.write(
            file,
            delivery.payload
            + f" {name} {time.time():.3f} {delivery.sequence} {delivery.num_delivered} {delivery.attempt}\n".encode(),
        )
        await asyncio.sleep(draw.random() * 0.005)
        return Done()

    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with lanes_at(NatsEndpoint(url, "u", PASSWORD), name) as lanes:
        lanes.serve(LaneConfig("lane", "W", ("w.>",), ordering_key=key_of, concurrency=16), handler)
        await lanes.start()
        print("READY", flush=True)
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(serve(*sys.argv[1:]))
