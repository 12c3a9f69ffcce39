"""The protocol that owns a connection for its whole life: answers ordinary calls itself, and hands everything else to aiohttp.

Why not aiohttp alone: it wakes one task, which builds a request object and starts another, whose end wakes the first, 8 µs of a
call; and parsing a head that came a thousand times is a sixth of a call (measured; docs/decisions/008, 016, 028).

A connection is in one of three states: idle, answering a call, or delegated to aiohttp, which gets exactly one request, or, where
only aiohttp knows where a request ends, the connection for good. Eleven invariants hold it together; each is named where it is held:

1. A head is compared or recognised only where a request begins: idle, nothing pending, nothing owed.
2. aiohttp gets exactly the bytes of one request; with any doubt about where it ends, the connection for good.
3. What the recogniser accepts, aiohttp accepts with the same meaning.
4. There is at most one writer; a delegate that is done writes nothing and closes nothing.
5. Back to idle only if aiohttp is done, nothing is owed, the response keeps the connection alive, and nobody stops.
6. While anything is answered, new bytes are held and reading is paused; aiohttp's pause and the connection's own are two.
7. A paused transport pauses whoever writes: the worker before its next call, aiohttp at each change, a new delegate at once.
8. A lost connection is told to aiohttp once; an idle worker ends; a call in flight goes on, since it is evidence.
9. Clocks run from the first byte of what is awaited and do not begin anew with each piece.
10. A stop closes what is idle, lets what is busy answer with `Connection: close`, and aborts what is not done in time.
11. What can no longer become a head is not waited for: aiohttp gets it, and refuses it.
"""

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import Generic, TypeVar, cast

import uuid_utils

from lgsp_gateway.http import problems
from lgsp_gateway.http.client_address import HEADER, client_address
from lgsp_gateway.http.connection_timeouts import ConnectionClock, ConnectionState, abort_with_reset
from lgsp_gateway.http.connections import too_slow
from lgsp_gateway.http.fast_path.delegate import Delegate
from lgsp_gateway.http.fast_path.head_cache import KEPT_STATUSES, CachedHead, HeadKey
from lgsp_gateway.http.fast_path.pool import ConnectionPool
from lgsp_gateway.http.fast_path.recogniser import RequestHead, may_become_head, recognise
from lgsp_gateway.http.raw_response import RawResponse
from lgsp_problems import Refusal
from lgsp_runtime.unexpected_errors import log_internal_error

Head = TypeVar("Head")

MAX_AWAITED_BODY = 64 * 1024
"""Bytes of a document that is waited for here; larger ones are read by aiohttp, as they come."""


class FastPathConnection(asyncio.Protocol, Generic[Head]):
    """One connection.

    Args:
        pool: what it shares with the others.
        when_lost: called at its end.
    """

    __slots__ = (
        "_address",
        "_answering",
        "_awaited",
        "_cache",
        "_closed",
        "_delegate",
        "_held",
        "_last",
        "_lost",
        "_next",
        "_paused",
        "_pending",
        "_pool",
        "_reading",
        "_requests",
        "_transport",
        "_when_lost",
        "_worker",
        "_writable",
        "clock",
    )

    def __init__(self, pool: ConnectionPool[Head], when_lost: Callable[[], None]) -> None:
        self._pool = pool
        self._cache = pool.cache
        self._when_lost = when_lost
        self._address = ""
        self._requests = 0
        self._closed = False
        self._lost = False

        self._pending = bytearray()
        """What has come of a request that is not whole yet."""
        self._awaited: tuple[RequestHead, int] | None = None
        """The head of the call whose document is awaited, and the bytes of both."""
        self._held = b""
        """What has come behind the request that is being answered."""
        self._reading = True

        self._answering = False
        self._worker: asyncio.Task[None] | None = None
        self._next: asyncio.Future[tuple[CachedHead[Head], bytes, bool]] | None = None
        """What the worker waits for while nothing is to be answered."""
        self._last: CachedHead[Head] | None = None
        """The head that was answered last here, which the next one nearly always repeats."""
        self._delegate: Delegate | None = None

        self._paused = False
        self._writable: asyncio.Future[None] | None = None

    # ---- what the transport tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername")
        self._address = peer[0] if isinstance(peer, tuple) else ""
        self.clock = ConnectionClock(self._pool.loop.time())
        self._pool.opened(self)
        if self._pool.stopping:
            self._close()
        elif not self._pool.enabled:
            self._delegate_to_aiohttp(b"", None)

    def data_received(self, data: bytes) -> None:
        """Look whether an ordinary call has arrived; let aiohttp have everything else."""
        if self._closed:
            return
        if self._answering:
            self._hold(data)  # invariant 6
        elif self._delegate is not None:
            self._feed(self._delegate, data)
        elif self._pending:
            self._pending += data
            if self._awaited is None or len(self._pending) >= self._awaited[1]:
                self._take_request(bytes(self._pending))
        else:  # invariant 1: a request begins here
            cached = self._last
            body = cached.document(data) if cached is not None else None
            if body is None:
                cached = self._cache.find(self._address, data)
                body = cached.document(data) if cached is not None else None
            if cached is not None and body is not None:
                self._pool.counts.cached += 1
                self._answer(cached, body, new=False)
            else:
                self._take_request(data)

    def eof_received(self) -> None:
        """Let the transport close: a caller that sends no more is gone."""

    def connection_lost(self, exc: BaseException | None) -> None:
        """End. What is being answered is evidence and goes on."""
        # Invariant 8: told to aiohttp once, an idle worker ends, a call in flight goes on.
        self._lost = True
        self._when_lost()
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        if (delegate := self._delegate) is not None:
            self._delegate = None
            delegate.done = True
            delegate.protocol.connection_lost(exc)
            self._end_worker()
        elif not self._answering:
            self._end_worker()

    def pause_writing(self) -> None:
        """Stop writing: the caller does not read."""
        self._paused = True
        if self._delegate is not None:
            self._delegate.pause_writing(paused=True)  # invariant 7

    def resume_writing(self) -> None:
        """Go on: the caller reads."""
        self._paused = False
        self.clock.since = self._pool.loop.time()
        if self._delegate is not None:
            self._delegate.pause_writing(paused=False)  # invariant 7
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)

    # ---- a request begins

    def _take_request(self, data: bytes) -> None:
        """Take a request from what has come since the last one, as far as it is there."""
        self._pending.clear()
        awaited, self._awaited = self._awaited, None
        if awaited is None and data[:1] in b"\r\n":
            data = data.lstrip(b"\r\n")  # empty lines before a request count for nothing (RFC 9112, section 2.2)
        if not data:
            return
        head = awaited[0] if awaited is not None else recognise(data)
        if head is None:
            if b"\r\n\r\n" not in data and may_become_head(data):
                self._pending += data
            else:  # invariant 11: it is not waited for
                self._delegate_to_aiohttp(data, None)
            return
        if head.length is None:  # invariant 2: only aiohttp knows where this ends
            self._delegate_to_aiohttp(data, None)
            return
        end = head.end + head.length
        if not (head.is_ordinary_call() and self._pool.calls.names_call(head.target)):  # invariant 3
            self._delegate_to_aiohttp(data, end)
        elif len(data) < end:
            if head.length > MAX_AWAITED_BODY:
                self._delegate_to_aiohttp(data, end)
            else:
                self._pending += data
                self._awaited = head, end
        else:
            if len(data) > end:
                self._hold(data[end:])
                data = data[:end]
            self._pool.counts.recognised += 1
            client = client_address(self._address, head.headers.getall(HEADER, ()), self._pool.limits.load_balancers)
            read = self._pool.calls.read_head(head.method, head.target, head.headers, client)
            key = HeadKey.of(self._address, data)
            self._answer(CachedHead(read, head.keep_alive, key), data[head.end :], new=True)

    def _next_request(self) -> None:
        """Go on with what was held while the last request was answered."""
        if self._held:
            held, self._held = self._held, b""
            self.data_received(held)
        self._set_reading()

    def _hold(self, data: bytes) -> None:
        """Keep what came before the answer to the last request; the rest stays with its sender."""
        self._held += data
        self._set_reading()

    def _set_reading(self) -> None:
        """Read, unless something is held or aiohttp paused: two reasons, either of which is enough (invariant 6)."""
        delegate = self._delegate
        reading = not self._held and (delegate is None or delegate.done or delegate.is_reading())
        if reading != self._reading and not self._lost and not self._transport.is_closing():
            self._reading = reading
            if reading:
                self._transport.resume_reading()
            else:
                self._transport.pause_reading()

    # ---- answering

    def _answer(self, cached: CachedHead[Head], body: bytes, *, new: bool) -> None:
        self._requests += 1
        self._answering = True
        if self._next is not None:
            self._next.set_result((cached, body, new))
        else:
            self._worker = self._pool.loop.create_task(self._work(cached, body, new=new))

    async def _work(self, cached: CachedHead[Head], body: bytes, *, new: bool) -> None:
        """Answer the ordinary calls of this connection. A task for each would cost each 1.3 µs (measured)."""
        calls, pool = self._pool.calls, self._pool
        while True:
            self._next = None
            try:
                response = await calls.answer(cached.head, body)
                was_carried = response.status in KEPT_STATUSES
                self._last = cached if cached.key and was_carried else None
                if new or not was_carried:
                    self._cache.record(cached, response.status)
                if not self._lost:
                    keep_alive = cached.keep_alive and not response.close and not pool.stopping
                    self._transport.write(response.encode(keep_alive=keep_alive))  # invariant 4: nobody else writes now
                    if not keep_alive:  # whatever follows is not looked at (RFC 9112, section 9.6)
                        self._close()
                    elif self._paused:
                        await self._until_writable()  # invariant 7
            except Exception as error:  # the last resort: what has been answered cannot be told
                log_internal_error(error, "")
                self._close()
            self._answering = False
            if self._lost:
                self._pool.ended(self)
                return
            following = self._next = pool.loop.create_future()
            if self._held:
                self._next_request()
            cached, body, new = await following

    async def _until_writable(self) -> None:
        self._writable = self._pool.loop.create_future()
        await self._writable
        self._writable = None

    def _end_worker(self) -> None:
        if self._worker is not None:
            self._worker.cancel()
        self._pool.ended(self)

    # ---- aiohttp answers

    def _delegate_to_aiohttp(self, data: bytes, size: int | None) -> None:
        """Let aiohttp have the request at the beginning of some bytes, or, without a size, the connection for good."""
        pool = self._pool
        self._requests += 1
        if size is None:
            pool.counts.kept += 1
            protocol = pool.aiohttp_for_good()
        else:
            pool.counts.delegated += 1
            protocol = pool.aiohttp_once()
        delegate = self._delegate = Delegate(self, self._transport, protocol, size)
        protocol.connection_made(delegate)
        delegate.pause_writing(paused=self._paused)  # invariant 7: told at once
        self._feed(delegate, data)

    def _feed(self, delegate: Delegate, data: bytes) -> None:
        surplus = delegate.feed(data)  # invariant 2: no byte more than the request's own
        if surplus:
            self._hold(surplus)

    def write_of(self, delegate: Delegate, data: bytes) -> None:
        """Pass on what aiohttp writes, while it is the one who answers."""
        if delegate is self._delegate and not self._lost:  # invariant 4
            self._transport.write(data)

    def refusal_of(self, delegate: Delegate, status: int) -> None:
        """Answer what aiohttp refused by itself as the bus refuses everything else."""
        message = str(uuid_utils.uuid7())
        if status < HTTPStatus.INTERNAL_SERVER_ERROR:
            self._pool.not_http.info(status=status)
            self._refuse(_not_http())
        else:
            self._refuse(log_internal_error(None, message), message)

    def reading_of(self, delegate: Delegate, *, paused: bool) -> None:
        """Pause and resume for aiohttp."""
        if delegate is self._delegate:
            self._set_reading()

    def end_of(self, delegate: Delegate) -> None:
        """aiohttp is done."""
        if delegate is self._delegate:
            self._pool.loop.call_soon(self._after_delegate, delegate)

    def _after_delegate(self, delegate: Delegate) -> None:
        if self._delegate is not delegate:  # the connection was lost meanwhile
            return
        self._delegate = None
        delegate.protocol.connection_lost(None)
        # Invariant 5: only where all of these hold does another request follow.
        if delegate.owed == 0 and delegate.keep_alive and not self._pool.stopping and not self._transport.is_closing():
            self._requests += 1
            self._next_request()
        else:
            self._close()

    # ---- clocks and end

    def state(self) -> ConnectionState:
        """Tell what this connection is doing. Invariant 9: from its first byte on, a head is a head until it is whole."""
        delegate = self._delegate
        if self._answering:
            return ConnectionState.BUSY
        if delegate is not None:
            if delegate.owed is not None or delegate.request is not None or delegate.done:
                return ConnectionState.BUSY
            return self._between(delegate.received_since, first=not delegate.answered)
        if self._awaited is not None:
            return ConnectionState.BODY
        return self._between(bool(self._pending), first=not self._requests)

    @staticmethod
    def _between(begun: bool, *, first: bool) -> ConnectionState:
        return ConnectionState.HEAD if begun or first else ConnectionState.IDLE

    def serial(self) -> int:
        """Change with each request."""
        return self._requests if self._delegate is None else self._requests + self._delegate.answered

    def unsent(self) -> int:
        """Tell how many bytes the caller has not taken."""
        return self._transport.get_write_buffer_size()

    def end(self, state: ConnectionState) -> None:
        """End it, slow as it was for too long: say so where somebody may listen."""
        limits = self._pool.limits
        self._pool.slow.info(while_=state.value)
        if state is ConnectionState.SEND:
            abort_with_reset(self._transport)
        elif state is ConnectionState.BODY:
            self._refuse(too_slow(limits.body_seconds, "Nội dung", "The body"))
        elif state is ConnectionState.HEAD and (self._pending or (self._delegate and self._delegate.received_since)):
            self._refuse(too_slow(limits.head_seconds, "Phần đầu của yêu cầu", "The head of the request"))
        else:
            self._close()

    def stop(self) -> None:
        """Close, at once where nothing is being answered (invariant 10)."""
        if self.state() is not ConnectionState.BUSY:
            self._close()

    def abort(self) -> None:
        """Break off what is not done in time (invariant 10)."""
        self._transport.abort()
        if self._worker is not None:
            self._worker.cancel()

    def _refuse(self, refusal: Refusal, message: str = "") -> None:
        headers, body = problems.render_problem(refusal, None, message)
        if not self._lost:
            response = RawResponse.of(refusal.kind.status, headers, body, close=True)
            self._transport.write(response.encode(keep_alive=False))
        self._close()

    def _close(self) -> None:
        """Close after what has been written; whatever has come or comes is not looked at."""
        self._closed = True
        self._held = b""
        self._pending.clear()
        self._awaited = None
        if self._delegate is not None:
            self._delegate.done = True  # invariant 4
        if not self._lost:
            self._transport.close()


def _not_http() -> Refusal:
    return Refusal(
        "malformed",
        vi="Đây không phải yêu cầu HTTP hợp lệ, hoặc có dòng dài quá 8 KiB trong phần đầu; hãy kiểm tra dòng đầu và các tiêu đề rồi gửi lại.",
        en="This is not a valid HTTP request, or its head has a line of more than 8 KiB; check its first line and headers and send it again.",
    )
