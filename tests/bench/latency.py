"""Latency of the demo at a steady rate: `python tests/bench/latency.py [--rate 200] [--seconds 10] [--state-dir .lgsp]`.

Needs a bus from `lgsp up`. Calls are started on a fixed schedule, whatever the earlier ones take, so that a stall is seen by
all the calls that it holds up.
"""

import argparse
import asyncio
import json
import statistics
import time
from pathlib import Path

import aiohttp

from lgsp_gateway.cli.bus_client import BusAddress

AN = {"soDinhDanh": "022093001234", "hoVaTen": "Nguyễn Văn An", "ngaySinh": "1993-05-17"}


async def measure(url: str, token: str, rate: int, seconds: int) -> None:
    headers = {
        "Authorization": f"Bearer {token}",
        "Lgsp-Purpose": "giai-quyet-tthc",
        "Content-Type": "application/json",
    }
    body = json.dumps(AN).encode()
    milliseconds: list[float] = []
    failures = 0

    async def call(session: aiohttp.ClientSession, due: float) -> None:
        nonlocal failures
        async with session.post("/services/population/v1/verify-citizen", data=body, headers=headers) as answer:
            await answer.read()
            failures += answer.status != 200
        milliseconds.append((time.perf_counter() - due) * 1000)

    async with aiohttp.ClientSession(url, connector=aiohttp.TCPConnector(limit=0)) as session:
        for warm in range(2):
            start = time.perf_counter() + 0.1
            milliseconds.clear()
            async with asyncio.TaskGroup() as calls:
                for number in range(rate * (seconds if warm else 1)):
                    due = start + number / rate
                    await asyncio.sleep(max(0, due - time.perf_counter()))
                    calls.create_task(call(session, due))
    cuts = statistics.quantiles(milliseconds, n=1000)
    print(
        f"{rate} calls/s for {seconds} s: p50 {cuts[499]:.2f} ms, p95 {cuts[949]:.2f} ms, p99 {cuts[989]:.2f} ms, failed {failures}"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=int, default=200)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--state-dir", type=Path, default=Path(".lgsp"))
    options = parser.parse_args()
    bus = BusAddress(options.state_dir, "")
    asyncio.run(measure(bus.resolved(), bus.token("mot-cua"), options.rate, options.seconds))
