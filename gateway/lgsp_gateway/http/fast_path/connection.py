"""aiohttp's server, with a short way for ordinary calls, and taught to refuse what is not HTTP as the bus refuses
everything else.

An ordinary call arrives whole, in one piece, on a connection that waits for it. aiohttp's parser reads it as ever, unless
the gateway has heard its head before (`heard`); then its answer is worked out by the connection's own task. Why not
aiohttp's loop: it wakes one task, which builds a request object and starts another, whose end wakes the first, 8 µs of a
call (measured; docs/decisions/008). Whatever is not an ordinary call goes that way: a body in pieces or compressed,
other content types, pipelining, every other path.
"""

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

import uuid_utils
from aiohttp import hdrs, web

from lgsp_gateway.faces.rest.head import HttpHead, names_operation, read
from lgsp_gateway.http import problems
from lgsp_gateway.http.connections import ConnectionLimits, too_slow
from lgsp_gateway.http.fast_path.head_cache import END, Heard, Key, Known
from lgsp_gateway.http.fast_path.raw_response import WholeAnswer
from lgsp_gateway.http.slow_connections import Patience, State
from lgsp_problems import Refusal
from lgsp_runtime.rate_limited_log import LimitedLog
from lgsp_runtime.unexpected_errors import fault

PREFIX = "/services/"
_START = b"POST /services/"
_JSON = frozenset({"application/json", "application/json; charset=utf-8", "application/json;charset=utf-8"})

Short = Callable[[HttpHead, bytes], Awaitable[WholeAnswer]]

_Work = tuple[Known, bytes, bool]
"""A call: its head, its document, and whether the head is new."""


class Listener(web.Server):
    """A low-level server with a short way.

    Args:
        short: answers an ordinary call, whatever comes of it.
        limits: how slow a connection may be.
    """

    def __init__(
        self,
        handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
        short: Short,
        limits: ConnectionLimits,
        **more: Any,
    ) -> None:
        super().__init__(handler, **more)
        self.short = short
        self.heard = Heard()
        self.limits = limits
        self.not_http = LimitedLog("not http")
        self.slow = LimitedLog("connection ended")

    def connection(self, when_lost: Callable[[], None]) -> web.RequestHandler:
        """The protocol of one connection."""
        return _Connection(self, when_lost, loop=self._loop, **self._kwargs)


class _Connection(web.RequestHandler):
    __slots__ = (
        "_address",
        "_answering",
        "_half_a_head",
        "_heard",
        "_held",
        "_last",
        "_listener",
        "_next",
        "_owed",
        "_patience",
        "_short",
        "_when_lost",
        "_worker",
    )

    def __init__(self, manager: Listener, when_lost: Callable[[], None], **more: Any) -> None:
        super().__init__(manager, **more)
        self._listener = manager
        self._when_lost = when_lost
        self._patience: Patience | None = None
        self._half_a_head = False
        """Has something come since the last request that is none yet?"""
        self._short = manager.short
        self._answering = False
        self._worker: asyncio.Task[None] | None = None
        self._next: asyncio.Future[_Work] | None = None
        """What the worker waits for while nothing is to be answered."""
        self._heard = manager.heard
        self._last: Known | None = None
        """The head that was answered last here, which the next one nearly always repeats."""
        self._held = b""
        self._address = ""
        self._owed: int | None = 0
        """Bytes that the last call's document still lacks: at 0 what comes now begins a request. None where nobody counts."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._address = self.peername[0] if isinstance(self.peername, tuple) else ""
        assert self.transport is not None
        self._patience = Patience(self._listener.limits, self._loop, self.transport, self)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._when_lost()
        if self._patience is not None:
            self._patience.stop()
        super().connection_lost(exc)
        if self._worker is not None and not self._answering:  # what is being answered is evidence and goes on
            self._worker.cancel()

    def data_received(self, data: bytes) -> None:
        """Look whether an ordinary call has arrived; let aiohttp have everything else."""
        if self._answering:
            if not (self._close or self._force_close):
                self._hold(data)
            return
        waiter = self._waiter
        if waiter is None or waiter.done() or self._messages or not data.startswith(_START):
            self._feed(data)
            return
        if self._owed == 0 and not (self._close or self._force_close):
            known = self._last
            body = known.document(data) if known is not None else None
            if body is None:
                known = self._heard.recall(self._address, data)
                body = known.document(data) if known is not None else None
            if known is not None and body is not None:
                self._begin(known, body, new=False)
                return
        self._parse(data, waiter)

    def _feed(self, data: bytes) -> None:
        """Give data to aiohttp, and count what it leaves to come."""
        before, owed, waiter = len(self._messages), self._owed, self._waiter
        between = waiter is not None and not waiter.done()
        super().data_received(data)
        if not data:
            return
        if len(self._messages) > before:
            self._end_after_upgrade()
        if between or before != len(self._messages):
            self._half_a_head = before == len(self._messages)
        if owed:
            self._owed = owed - len(data) if len(data) <= owed else None
        else:
            begun = owed == 0 and len(self._messages) == before + 1
            self._owed = _owed(self._messages[-1][0], data) if begun else None

    def _end_after_upgrade(self) -> None:
        """Let a request that asks for another protocol, and gets none, be the last of its connection.

        aiohttp throws away what comes in one piece behind it, and would read what comes later as if it began a request.
        """
        message: Any
        message, payload = self._messages[-1]
        if getattr(message, "upgrade", False):  # what is no HTTP has none
            self._messages[-1] = (message._replace(should_close=True), payload)

    def _parse(self, data: bytes, waiter: "asyncio.Future[None]") -> None:
        self._waiter = None  # or the message would wake aiohttp's own loop
        self._feed(data)
        self._waiter = waiter
        self._half_a_head = not self._messages
        message: Any
        payload: Any
        message, payload = self._messages[0] if len(self._messages) == 1 else (None, None)
        if message is not None and self._is_ordinary(message, payload):
            self._messages.popleft()
            assert self._parser is not None
            self._parser.message_consumed()
            head = read(message.method, message.path, message.headers, self._address)
            keep = not message.should_close and message.version >= (1, 1)
            key = Key.of(self._address, data) if self._owed == 0 else None
            self._begin(Known(head, keep, key), payload.read_nowait(), new=True)
        elif self._messages and not waiter.done():
            waiter.set_result(None)

    def _begin(self, known: Known, body: bytes, *, new: bool) -> None:
        self._next_keepalive_close_time = self._loop.time() + self._keepalive_timeout
        self._request_in_progress = self._answering = True
        if self._next is not None:
            self._next.set_result((known, body, new))
        else:
            self._worker = self._loop.create_task(self._work((known, body, new)))

    @staticmethod
    def _is_ordinary(message: Any, payload: Any) -> bool:
        path = getattr(message, "path", "")  # what is no HTTP has none
        return not (
            not names_operation(path)
            or message.method != "POST"
            or message.compression
            or message.upgrade
            or message.headers.get(hdrs.CONTENT_TYPE) not in _JSON
            or not payload.is_eof()
            or payload.exception() is not None
        )

    async def _work(self, work: _Work) -> None:
        """Answer the ordinary calls of this connection. A task for each would cost each 1.3 µs (measured)."""
        while True:
            self._next = None
            known, body, new = work
            try:
                answer = await self._short(known.head, body)
                self._last = known if known.key and answer.status == HTTPStatus.OK else None
                if new or answer.status != HTTPStatus.OK:
                    self._heard.answered(known, answer.status)
                if self.transport is not None:
                    self.transport.write(answer.written(keep=known.keep and not (self._close or self._force_close)))
                    if self._paused:
                        await self._drain_helper()
                    if not answer.keep_alive:  # whatever follows is not looked at (RFC 9112, section 9.6)
                        self._held = b""
                        self.force_close()
            except ConnectionError:
                pass  # the caller has gone
            finally:
                self._request_in_progress = self._answering = False
                if self._handler_waiter is not None and not self._handler_waiter.done():
                    self._handler_waiter.set_result(None)
            if self.transport is None:
                return
            following = self._next = self._loop.create_future()
            if self._held:
                held, self._held = self._held, b""
                self._resume_transport_reading()
                self.data_received(held)
            work = await following

    def state(self) -> State:
        """What this connection is doing."""
        if self._answering:
            return State.BUSY
        waiter = self._waiter
        if waiter is None or waiter.done() or self._messages:
            request = self._current_request
            return State.BODY if request is not None and not request.content.is_eof() else State.BUSY
        if self._half_a_head or (self._worker is None and not self._request_count):
            return State.HEAD
        return State.IDLE

    def serial(self) -> float:
        """Changes with each request."""
        return self._next_keepalive_close_time

    def end(self, state: State) -> None:
        """It was slow for too long: say so where somebody may listen, and end."""
        limits = self._listener.limits
        self._listener.slow.info(while_=state.value)
        if state is State.BODY and self._current_request is not None:
            body = self._current_request.content
            if body.exception() is None:  # whoever reads it hears of it and answers
                body.set_exception(too_slow(limits.body_seconds, "Nội dung", "The body"))
                return
        if state is State.HEAD and self._half_a_head and self.transport is not None:
            said = too_slow(limits.head_seconds, "Phần đầu của yêu cầu", "The head of the request")
            headers, body_bytes = problems.written(said, None)
            self.transport.write(WholeAnswer.of(said.kind.status, headers, body_bytes, last=True).written(keep=False))
        self.force_close()

    def resume_writing(self) -> None:
        """The caller reads."""
        super().resume_writing()
        if self._patience is not None:
            self._patience.renew()

    def _hold(self, data: bytes) -> None:
        """The next request came before the answer to the last: it waits, and the rest stays with its sender."""
        self._held += data
        self._pause_transport_reading()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        if isinstance(exc, ConnectionError):  # the caller has gone, or its answer broke off and was logged
            raise ConnectionError("nobody is left to answer") from exc
        message = str(uuid_utils.uuid7())
        if status < 500:
            self._listener.not_http.info(status=status, error=type(exc).__name__)
            said = _malformed()
        else:
            said = fault(exc, message)
        if request.writer.output_size > 0:
            raise ConnectionError("an answer is on its way already")
        response = problems.answer(said, request, message if status >= 500 else "")
        response.force_close()
        return response


def _owed(message: Any, data: bytes) -> int | None:
    """What the document of the one message in this data still lacks; None where that is not said, or more has come."""
    head = data.find(END) + len(END)
    if head < len(END) or not hasattr(message, "headers") or message.chunked or message.upgrade:
        return None
    if data[0] in b"\r\n":  # aiohttp takes empty lines before a request, so this may not be where its head ends
        return None
    length = message.headers.get(hdrs.CONTENT_LENGTH, "0")
    missing = head + int(length) - len(data) if length.isdecimal() else -1
    return missing if missing >= 0 else None


def _malformed() -> Refusal:
    return Refusal(
        "malformed",
        vi="Đây không phải yêu cầu HTTP hợp lệ; hãy kiểm tra dòng đầu và các tiêu đề rồi gửi lại.",
        en="This is not a valid HTTP request; check its first line and headers and send it again.",
    )
