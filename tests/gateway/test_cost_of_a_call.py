"""What a call costs the gateway in system calls, which do not depend on the machine: nothing may grow unnoticed.

Time is measured in `tests/bench/` and never asserted, and the instructions of a call are counted there. When a limit is reached by
something that is worth it, raise it in the same commit and say what for.
"""

import asyncio
from pathlib import Path

import pytest
from support.system_calls import counted_system_calls
from support.workbench import Workbench

WARM_UP = 400
CALLS = 1000
CONNECTIONS = 64

ALONE = {"read": 3.3, "write": 3.3, "epoll_pwait": 10.0, "getpid": 3.0, "getrandom": 1.5}
"""On one connection, by call. Read and written: HTTP in and out; the request to the adapter and its reply; the evidence and its
acknowledgement. Polling depends on how fast the others answer. The last two are OpenSSL's, for random bytes, taken now and then."""
TOGETHER = {"read": 1.3, "write": 1.4, "epoll_pwait": 1.0, "getpid": 1.0, "getrandom": 0.5}
"""On 64 connections: each has its HTTP in and out, and what goes to NATS and comes from it is shared by many calls."""
ALL_OTHERS = 0.3
"""Of whatever other names, together: the background's work, which is not a call's."""


@pytest.mark.parametrize(("connections", "limits"), [(1, ALONE), (CONNECTIONS, TOGETHER)], ids=["alone", "together"])
async def test_a_call_makes_no_more_system_calls(
    bus: Workbench, tmp_path: Path, connections: int, limits: dict[str, float]
) -> None:
    served = await bus.serve()
    await _call(bus, connections, WARM_UP)
    async with counted_system_calls(bus.gateway.pid, tmp_path) as counts:
        await _call(bus, connections, CALLS)
    await bus.unserve(served)
    per_call = {name: count / CALLS for name, count in counts.items()}
    assert per_call["read"] >= 1, per_call  # or strace looked elsewhere
    assert per_call["write"] >= 1, per_call
    too_many = {name: count for name, count in per_call.items() if name in limits and count > limits[name]}
    assert not too_many, per_call
    assert sum(count for name, count in per_call.items() if name not in limits) <= ALL_OTHERS, per_call


async def _call(bus: Workbench, connections: int, calls: int) -> None:
    """Make so many calls, one after the other on each connection."""
    numbers = iter(range(calls))

    async def caller() -> None:
        for _ in numbers:
            assert (await bus.call()).status == 200

    await asyncio.gather(*(caller() for _ in range(connections)))
