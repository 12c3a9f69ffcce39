"""What the connections of one gateway share: who answers, the cache of heads, aiohttp behind them, clocks, counters, and their end."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from aiohttp import web
from aiohttp.http import HttpProcessingError
from multidict import MultiMapping

from lgsp_gateway.http.connection_limits import ConnectionLimits
from lgsp_gateway.http.connection_timeouts import TimedConnection, TimeoutSweep
from lgsp_gateway.http.fast_path.head_cache import RequestHeadCache
from lgsp_gateway.http.raw_response import RawResponse
from lgsp_runtime.rate_limited_log import RateLimitedLog
from lgsp_runtime.unexpected_errors import log_internal_error

Head = TypeVar("Head")

STOP_SECONDS = 10.0
"""How long what is under way may take when the gateway stops."""

LINGERING_SECONDS = 2.0
"""How long the rest of a refused body is read and thrown away, so that its sender gets to see the refusal."""


class CallHandler(Protocol[Head]):
    """The face whose calls take the fast path."""

    def names_call(self, path: str) -> bool:
        """Tell whether a path is that of a call, written as everybody writes it."""

    def read_head(self, method: str, path: str, headers: MultiMapping[str], address: str) -> Head:
        """Make of a head what answering needs."""

    def may_come_again(self, head: Head) -> bool:
        """Tell whether a head carries nothing that belongs to one call alone."""

    async def answer(self, head: Head, body: bytes) -> RawResponse:
        """Answer, whatever comes of it."""


class PooledConnection(TimedConnection, Protocol):
    """A connection, as the pool sees it."""

    def stop(self) -> None:
        """Close, at once where nothing is being answered."""

    def abort(self) -> None:
        """Break off what is not done in time."""


@dataclass(slots=True)
class RequestCounts:
    """Requests by the way they took.

    Args:
        cached: calls on the fast path whose head was known.
        recognised: calls on the fast path whose head was read.
        delegated: requests that aiohttp answered, one protocol for each.
        kept: connections that aiohttp has for good.
    """

    cached: int = 0
    recognised: int = 0
    delegated: int = 0
    kept: int = 0


class ConnectionPool(Generic[Head]):
    """All connections of one gateway.

    Args:
        enabled: whether calls take the fast path; else each connection is aiohttp's from its first byte on.
    """

    def __init__(self, calls: CallHandler[Head], limits: ConnectionLimits, *, enabled: bool) -> None:
        self.calls = calls
        self.limits = limits
        self.enabled = enabled
        self.cache: RequestHeadCache[Head] = RequestHeadCache(calls.may_come_again)
        self.counts = RequestCounts()
        self.stopping = False
        self.not_http = RateLimitedLog("not http")
        self.slow = RateLimitedLog("connection ended")
        self._runners: list[web.AppRunner] = []
        self._open: set[PooledConnection] = set()
        self._none_open = asyncio.Event()
        self._none_open.set()

    async def start(self, app: web.Application) -> None:
        """Start aiohttp behind: once for one request at a time, once for connections that it has for good."""
        self.loop = asyncio.get_running_loop()
        self.sweep = TimeoutSweep(self.limits)
        options: dict[str, Any] = {"access_log": None, "logger": _aiohttp_log(), "lingering_time": LINGERING_SECONDS}
        for keepalive_timeout in (0, self.limits.idle_seconds):
            runner = web.AppRunner(
                app,
                keepalive_timeout=keepalive_timeout,
                tcp_keepalive=keepalive_timeout > 0,
                shutdown_timeout=STOP_SECONDS,
                **options,
            )
            await runner.setup()
            self._runners.append(runner)
        one_request, for_good = (runner.server for runner in self._runners)
        assert one_request is not None
        assert for_good is not None
        self.aiohttp_once: Callable[[], web.RequestHandler] = one_request
        self.aiohttp_for_good: Callable[[], web.RequestHandler] = for_good

    def opened(self, connection: PooledConnection) -> None:
        """Note that a connection is open."""
        self._open.add(connection)
        self._none_open.clear()
        self.sweep.add(connection)

    def ended(self, connection: PooledConnection) -> None:
        """Note that a connection is closed, and what it asked for answered."""
        self._open.discard(connection)
        self.sweep.remove(connection)
        if not self._open:
            self._none_open.set()

    async def stop(self) -> None:
        """Close what is idle and finish what is under way, for so long; then break it off."""
        # Invariant 10: idle connections close at once, busy ones answer with `Connection: close`; what is not done in time is aborted.
        self.stopping = True
        for connection in list(self._open):
            connection.stop()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self._none_open.wait()
        except TimeoutError:
            for connection in list(self._open):
                connection.abort()
        for runner in self._runners:
            await runner.cleanup()
        if self._runners:
            self.sweep.stop()


_FAULTS_OF_CALLERS = (ConnectionError, HttpProcessingError, web.RequestPayloadError)
"""That a caller went away, sent no HTTP, or a body that is not what its head says, is answered where it can be, and no fault of the bus."""


class _WithoutText(logging.Handler):
    """What aiohttp logs by itself, with the place of an error and without its text, which may quote a request."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if error is not None and not isinstance(error, _FAULTS_OF_CALLERS):
            log_internal_error(error, "")


def _aiohttp_log() -> logging.Logger:
    logger = logging.Logger("lgsp.aiohttp", logging.ERROR)  # of its own, so that nothing is set for others
    logger.addHandler(_WithoutText())
    return logger
