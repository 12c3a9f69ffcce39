"""How often a grant may be used: counted across all gateways, in windows, without a question per call.

A gateway leases calls from the shared count, half a percent of the quota at a time (single calls where a quota is small), and spends
them by itself. The count is a counter of NATS (`Nats-Incr`, ADR-49 of NATS): an increment answers with the total,
so a call is leased once only and a quota is never exceeded. What a gateway has taken and not spent when the quota runs
out elsewhere is at most three quarters of a percent.

Callers see the draft-standard headers (draft-ietf-httpapi-ratelimit-headers): `RateLimit-Policy: "grant";q=600;w=60` is the
promise, `RateLimit: "grant";r=599;t=42` what is left of it and for how many seconds.
"""

import asyncio
from dataclasses import dataclass

import orjson
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js.errors import NotFoundError

from lgsp_auth.policy import Grant, Quota
from lgsp_contracts.time_zone import VIETNAM_OFFSET_SECONDS
from lgsp_problems import QuotaExceeded, Refusal
from lgsp_runtime.nats import streams
from lgsp_runtime.nats.request_reply import NatsRequestReply, bus_unavailable

STREAM = "LGSP_QUOTAS"
LEASES_PER_WINDOW = 200
"""Into how many leases a quota is divided."""
DAY_SECONDS = 86400
RETENTION_SECONDS = 2 * DAY_SECONDS
LEASE_SECONDS = 2.0
LEADER_SECONDS = 10.0
"""How long a lease is tried: a cluster that has lost the leader of the counters chooses another one in 4 to 9 s."""
AGAIN_SECONDS = 0.1
MAX_UNCERTAIN = 2
"""Attempts that may have counted without an answer. Each may cost the caller a lease; an answer that nobody is there costs nothing."""


@dataclass(slots=True)
class _Window:
    """One window of one quota on this gateway. `left` is what it may still spend, `total` all that was taken anywhere,
    `policy` the item of `RateLimit-Policy`."""

    name: str
    subject: str
    quota: Quota
    ends: float
    left: int = 0
    total: int = 0
    leasing: "asyncio.Task[None] | None" = None
    lease: int = 1
    policy: str = ""

    def __post_init__(self) -> None:
        self.lease = max(1, self.quota.requests // LEASES_PER_WINDOW)
        self.policy = f'"{self.name}";q={self.quota.requests};w={self.quota.seconds}'

    @property
    def begins(self) -> float:
        return self.ends - self.quota.seconds

    @property
    def used_up(self) -> bool:
        return self.left == 0 and self.total >= self.quota.requests

    def limit(self, now: float) -> str:
        """Return the item of `RateLimit`."""
        remaining = max(0, self.quota.requests - self.total) + self.left
        return f'"{self.name}";r={remaining};t={int(self.ends - now) + 1}'


@dataclass(frozen=True, slots=True)
class QuotaUsage:
    """How much of a quota is used.

    Args:
        used: calls in this window. What other gateways have leased and not made yet counts too, which is at most 0.75 % of a quota.
        ends: when the window ends, in seconds since 1970.
    """

    quota: Quota
    used: int
    ends: float


class Quotas:
    """The quotas as one gateway spends them."""

    def __init__(self, bus: NatsRequestReply) -> None:
        self._bus = bus
        self._windows: dict[tuple[str, str], _Window] = {}
        self._current: dict[str, tuple[Grant, float, float, list[_Window]]] = {}
        self._connection: Client | None = None

    async def start(self, connection: Client, replicas: int) -> None:
        """Make the stream of counters if it is not there.

        Raises:
            Refusal: `cannot-start`.
        """
        self._connection = connection
        await streams.ensure_raw(
            connection,
            {
                "name": STREAM,
                "description": "How often each grant was used in each window",
                "subjects": ["quota.>"],
                "storage": "file",
                "retention": "limits",
                "num_replicas": replicas,
                "max_age": RETENTION_SECONDS * 1_000_000_000,
                "max_msgs_per_subject": 1,
                "allow_msg_counter": True,
                "allow_direct": True,
            },
        )

    def try_take(self, grant: Grant, now: float) -> tuple[str, str] | None:
        """Count one call out of what this gateway has taken already.

        Returns:
            The values of `RateLimit` and `RateLimit-Policy`; None when the shared count must be asked.
        """
        windows = self._windows_of(grant, now)
        for window in windows:
            if window.left == 0:
                return None
        return self._spend(windows, now)

    async def take(self, grant: Grant, now: float) -> tuple[str, str]:
        """Count one call, asking the shared count where nothing is left.

        Raises:
            Refusal: `quota-exceeded`, with `Retry-After`; `bus-unavailable`.
        """
        return await self._take(self._windows_of(grant, now), grant, now)

    async def take_for_officer(self, grant: Grant, officer: str, quota: Quota, now: float) -> tuple[str, str]:
        """Count one call of an officer, out of what each officer may make and out of the grant.

        Args:
            officer: the opaque id.
            quota: of each officer.

        Raises:
            Refusal: `quota-exceeded`, with `Retry-After`; `bus-unavailable`.
        """
        own = self._window(grant, f"officer-{officer}", quota, now)
        return await self._take([own, *self._windows_of(grant, now)], grant, now)

    async def take_for_operator(self, grant: Grant, now: float) -> None:
        """Count something that an operator repeats for a system, in windows of their own.

        They are as large as the grant's: a loop of repetitions asks a provider no more often than the system itself may, and takes none of the
        system's calls of the day.

        Raises:
            Refusal: `quota-exceeded`, with `Retry-After`; `bus-unavailable`.
        """
        await self._take_apart(grant, "operator", now)

    async def take_for_trial(self, grant: Grant, now: float) -> tuple[str, str]:
        """Count a call that a person only tries, in windows of their own, as large as the grant's: a sandbox answers it, and whoever tries must
        not use up the calls of the system.

        Raises:
            Refusal: `quota-exceeded`, with `Retry-After`; `bus-unavailable`.
        """
        return await self._take_apart(grant, "trial", now)

    async def _take_apart(self, grant: Grant, name: str, now: float) -> tuple[str, str]:
        windows = [self._window(grant, name, grant.quota, now)]
        if grant.daily:
            windows.append(self._window(grant, f"{name}-daily", Quota(grant.daily, DAY_SECONDS), now))
        return await self._take(windows, grant, now)

    async def _take(self, windows: list[_Window], grant: Grant, now: float) -> tuple[str, str]:
        while True:
            empty = next((window for window in windows if window.left == 0), None)
            if empty is None:
                return self._spend(windows, now)
            if empty.used_up:
                raise _exceeded(grant, empty, windows, now)
            await asyncio.shield(self._begin_lease(empty))

    async def usage(self, grant: Grant, now: float) -> list[QuotaUsage]:
        """Return how much of the quotas of a grant is used, without counting a call.

        Raises:
            Refusal: `bus-unavailable`.
        """
        return [
            QuotaUsage(
                window.quota, max(0, min(await self._taken(window), window.quota.requests) - window.left), window.ends
            )
            for window in self._windows_of(grant, now)
        ]

    async def _taken(self, window: _Window) -> int:
        """Return how many calls all gateways together have leased in a window."""
        if self._connection is None:
            return window.total
        try:
            found = await self._connection.jetstream().get_last_msg(STREAM, window.subject)
        except NotFoundError:
            return 0
        except NatsError as error:
            raise bus_unavailable() from error
        return int(orjson.loads(found.data or b"{}").get("val", 0))

    def _windows_of(self, grant: Grant, now: float) -> list[_Window]:
        current = self._current.get(grant.name)
        if current and current[0] is grant and current[1] <= now < current[2]:
            return current[3]
        windows = [self._window(grant, "grant", grant.quota, now)]
        if grant.daily:
            windows.append(self._window(grant, "daily", Quota(grant.daily, DAY_SECONDS), now))
        begins, ends = max(window.begins for window in windows), min(window.ends for window in windows)
        self._current[grant.name] = (grant, begins, ends, windows)
        return windows

    def _window(self, grant: Grant, name: str, quota: Quota, now: float) -> _Window:
        window = self._windows.get((grant.name, name))
        # A clock that was ahead for a moment leaves windows that lie in the future: they do not count now.
        if window is None or not window.begins <= now < window.ends or window.quota != quota:
            # A daily quota begins at midnight in Vietnam.
            number = int((now + VIETNAM_OFFSET_SECONDS) // quota.seconds)
            subject = f"quota.{grant.name}.{name}-{quota.seconds}.{number}"
            window = _Window(name, subject, quota, (number + 1) * quota.seconds - VIETNAM_OFFSET_SECONDS)
            self._windows[grant.name, name] = window
        return window

    def _spend(self, windows: list[_Window], now: float) -> tuple[str, str]:
        for window in windows:
            window.left -= 1
            if window.left <= window.lease // 2 and window.leasing is None and window.total < window.quota.requests:
                self._begin_lease(window)
        if len(windows) == 1:
            return windows[0].limit(now), windows[0].policy
        return ", ".join(w.limit(now) for w in windows), ", ".join(w.policy for w in windows)

    def _begin_lease(self, window: _Window) -> "asyncio.Task[None]":
        """Begin to take the next lease: one at a time for each window."""
        if window.leasing is None or window.leasing.done():  # what it brought may be spent before anybody is told
            window.leasing = asyncio.create_task(self._take_lease(window))
            window.leasing.add_done_callback(lambda task: _finish_lease(window, task))
        return window.leasing

    async def _take_lease(self, window: _Window) -> None:
        lease, loop = window.lease, asyncio.get_running_loop()
        deadline, uncertain = loop.time() + LEADER_SECONDS, 0
        while True:
            asked = loop.time()
            acknowledged = await self._bus.publish(window.subject, b"", {"Nats-Incr": f"+{lease}"}, LEASE_SECONDS)
            if "val" in acknowledged:
                break
            uncertain += loop.time() - asked >= LEASE_SECONDS
            if uncertain >= MAX_UNCERTAIN or loop.time() > deadline:
                raise bus_unavailable()
            await asyncio.sleep(AGAIN_SECONDS)
        window.total = int(acknowledged["val"])
        window.left += max(0, min(lease, window.quota.requests - (window.total - lease)))


def _finish_lease(window: _Window, task: "asyncio.Task[None]") -> None:
    if window.leasing is task:
        window.leasing = None
    if not task.cancelled():
        task.exception()  # whoever waited for it has been told; nobody may have


def _exceeded(grant: Grant, window: _Window, windows: list[_Window], now: float) -> Refusal:
    left = int(window.ends - now) + 1
    requests, seconds = window.quota.requests, window.quota.seconds
    return QuotaExceeded(
        vi=f"Quyền {grant.name} đã dùng hết {requests} lượt trong {seconds} giây; hãy thử lại sau {left} giây hoặc đề nghị tăng hạn mức.",
        en=f"Grant {grant.name} has used its {requests} calls in {seconds} seconds; try again in {left} seconds, or ask for a higher quota.",
        retry_after=left,
        headers={
            "RateLimit": ", ".join(w.limit(now) for w in windows),
            "RateLimit-Policy": ", ".join(w.policy for w in windows),
        },
    )
