"""Programs of agencies that call all the time and never retry, half of them on a new connection for each call: what they see of a fault."""

import asyncio
import itertools
import statistics
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import aiohttp

from support.waits import until_set

RUN_SECONDS = 600.0
"""The longest that clients call: while each server of a cluster is restarted in turn."""

FAILED = 0
"""The status of a call that got no response."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call: when it began and ended (by the monotonic clock), its status, and the message that it got."""

    client: int
    began: float
    ended: float
    status: int
    message: str
    key: str = ""
    """What the client knows of it beside that, such as a number that it sent."""


@dataclass(slots=True)
class Request:
    """What is sent next."""

    path: str
    body: Any
    headers: dict[str, str] = field(default_factory=dict)
    key: str = ""


class SteadyClients:
    """Clients that call until they are stopped, one call after the other each.

    Args:
        url: where they call.
        requests: makes the next request.
        headers: of all requests.
        count: of clients; every second one closes its connection after each call.
        pause: seconds between two calls of a client.
    """

    def __init__(
        self,
        url: str,
        requests: Callable[[], Request],
        headers: Callable[[], Mapping[str, str]],
        count: int = 8,
        pause: float = 0.02,
    ) -> None:
        self.calls: list[Call] = []
        self._url, self._requests, self._headers = url, requests, headers
        self._count, self._pause = count, pause
        self._stop = asyncio.Event()
        self._running: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._running = [asyncio.create_task(self._call_on(number)) for number in range(self._count)]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop.set()
        await asyncio.gather(*self._running)

    @property
    def statuses(self) -> Counter[int]:
        """How often each status came; 0 for no response."""
        return Counter(call.status for call in self.calls)

    def accepted(self, *statuses: int) -> list[Call]:
        """Return the calls that were answered with one of the statuses."""
        return [call for call in self.calls if call.status in (statuses or (200, 202))]

    def pauses(self, since: float = 0) -> list[float]:
        """Return, for each client, the longest time without a successful answer, in seconds, the last one to the end included."""
        longest = []
        for client in range(self._count):
            ends = [call.ended for call in self.accepted() if call.client == client and call.ended >= since]
            times = [since or min((call.began for call in self.calls), default=0), *sorted(ends)]
            longest.append(max((b - a for a, b in itertools.pairwise(times)), default=0.0))
        return longest

    def report(self, what: str, since: float = 0) -> str:
        """Say what the clients saw, for people."""
        pauses = sorted(self.pauses(since))
        slow = sum(call.ended - call.began > 1 for call in self.calls if call.began >= since)
        return (
            f"{what}: {dict(self.statuses)}; longest pause of a client: median {statistics.median(pauses):.2f} s,"
            f" worst {pauses[-1]:.2f} s; {slow} calls longer than 1 s"
        )

    async def _call_on(self, client: int) -> None:
        new_each = client % 2 == 1
        connector = aiohttp.TCPConnector(force_close=new_each)
        timeout = aiohttp.ClientTimeout(total=30)
        async with aiohttp.ClientSession(self._url, connector=connector, timeout=timeout) as session:
            for _ in until_set(self._stop, within=RUN_SECONDS):
                await self._call_once(session, client)
                await asyncio.sleep(self._pause)

    async def _call_once(self, session: aiohttp.ClientSession, client: int) -> None:
        request = self._requests()
        began = time.monotonic()
        status, message = FAILED, ""
        try:
            async with session.post(
                request.path, json=request.body, headers={**self._headers(), **request.headers}
            ) as answer:
                await answer.read()
                status, message = answer.status, answer.headers.get("Lgsp-Message-Id", "")
        except (aiohttp.ClientError, TimeoutError):
            pass
        self.calls.append(Call(client, began, time.monotonic(), status, message, request.key))
