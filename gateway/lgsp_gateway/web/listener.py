"""aiohttp's server, with a short way for ordinary calls, and taught to refuse what is not HTTP as the bus refuses
everything else.

An ordinary call arrives whole, in one piece, on a connection that waits for it. aiohttp's parser reads it as ever; then its
answer is worked out in one task; a head that the connection has heard before is not even parsed (`heard`). Why not aiohttp's own loop: it wakes one task, which builds a request object and starts
another, whose end wakes the first, 8 µs of a call (measured; docs/decisions/008). Whatever is not an ordinary call goes
that way: a body in pieces or compressed, other content types, pipelining, every other path.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import structlog
from aiohttp import hdrs, web

from lgsp_gateway.web import problems
from lgsp_gateway.web.head import HttpHead, read
from lgsp_gateway.web.heard import Heard, Known
from lgsp_gateway.web.whole_answer import WholeAnswer
from lgsp_problems import Refusal

PREFIX = "/services/"
_START = b"POST /services/"
_JSON = frozenset({"application/json", "application/json; charset=utf-8", "application/json;charset=utf-8"})


class Incoming(NamedTuple):
    """A request as the calls' door sees it. `body` is there, or to be awaited once it is needed; `has_arrived` says whether
    all of it did."""

    head: HttpHead
    body: bytes | Callable[[], Awaitable[bytes]]
    has_arrived: Callable[[], bool] = lambda: True


Short = Callable[[Incoming], Awaitable[WholeAnswer]]


class Listener(web.Server):
    """A low-level server with a short way.

    Args:
        short: answers an ordinary call, whatever comes of it.
    """

    def __init__(
        self, handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]], short: Short, **more: Any
    ) -> None:
        super().__init__(handler, **more)
        self.short = short

    def __call__(self) -> web.RequestHandler:
        """The protocol of one connection."""
        return _Connection(self, loop=self._loop, **self._kwargs)


class _Connection(web.RequestHandler):
    __slots__ = ("_answering", "_heard", "_held", "_short")

    def __init__(self, manager: Listener, **more: Any) -> None:
        super().__init__(manager, **more)
        self._short = manager.short
        self._answering: asyncio.Task[None] | None = None
        self._heard = Heard()
        self._held = b""

    def data_received(self, data: bytes) -> None:
        """Look whether an ordinary call has arrived; let aiohttp have everything else."""
        if self._answering is not None:
            self._hold(data)
            return
        waiter = self._waiter
        if waiter is None or waiter.done() or self._messages or not data.startswith(_START):
            self._heard.between = False
            super().data_received(data)
        elif (heard := self._heard.recall(data)) and not (self._close or self._force_close):
            self._begin(*heard)
        else:
            self._parse(data, waiter)

    def _parse(self, data: bytes, waiter: "asyncio.Future[None]") -> None:
        self._heard.between = False
        self._waiter = None  # or the message would wake aiohttp's own loop
        super().data_received(data)
        self._waiter = waiter
        if len(self._messages) == 1 and self._is_ordinary(*self._messages[0]):
            message: Any
            message, payload = self._messages.popleft()
            assert self._parser is not None
            self._parser.message_consumed()
            address = self.peername[0] if isinstance(self.peername, tuple) else ""
            head = read(message.method, message.path, message.headers, address)
            length = message.headers.get(hdrs.CONTENT_LENGTH, "")
            known = Known(head, length, keep=not message.should_close and message.version >= (1, 1))
            body = payload.read_nowait()  # asks for more, which arrives here as nothing
            self._heard.learn(data, known)
            self._begin(known, body)
        elif self._messages and not waiter.done():
            waiter.set_result(None)

    def _begin(self, known: Known, body: bytes) -> None:
        self._next_keepalive_close_time = self._loop.time() + self._keepalive_timeout
        self._request_in_progress = True
        self._answering = self._loop.create_task(self._answer(Incoming(known.head, body), keep=known.keep))

    @staticmethod
    def _is_ordinary(message: Any, payload: Any) -> bool:
        path = getattr(message, "path", "")  # what is no HTTP has none
        return not (
            "?" in path
            or "%" in path
            or not path.startswith(PREFIX)
            or message.method != "POST"
            or message.compression
            or message.upgrade
            or message.headers.get(hdrs.CONTENT_TYPE) not in _JSON
            or not payload.is_eof()
            or payload.exception() is not None
        )

    async def _answer(self, incoming: Incoming, *, keep: bool) -> None:
        try:
            answer = await self._short(incoming)
            if self.transport is not None:
                self.transport.write(answer.written(keep=keep and not (self._close or self._force_close)))
                if self._paused:
                    await self._drain_helper()
                if not answer.keep_alive:
                    self.transport.close()
        except ConnectionError:
            pass  # the caller has gone
        finally:
            self._answering = None
            self._request_in_progress = False
            if self._handler_waiter is not None and not self._handler_waiter.done():
                self._handler_waiter.set_result(None)
        if self._held:
            held, self._held = self._held, b""
            self._resume_transport_reading()
            self.data_received(held)

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
        structlog.get_logger().info("not http", status=status, error=type(exc).__name__)
        if request.writer.output_size > 0:
            raise ConnectionError("an answer is on its way already")
        response = problems.answer(_malformed() if status < 500 else fault(), request)
        response.force_close()
        return response


def _malformed() -> Refusal:
    return Refusal(
        "malformed",
        vi="Đây không phải yêu cầu HTTP hợp lệ; hãy kiểm tra dòng đầu và các tiêu đề rồi gửi lại.",
        en="This is not a valid HTTP request; check its first line and headers and send it again.",
    )


def fault() -> Refusal:
    """The refusal for an error of the bus itself."""
    return Refusal(
        "internal-error",
        vi="Trục gặp lỗi bên trong; hãy thử lại, và báo cho đơn vị vận hành trục nếu lỗi còn.",
        en="The bus made an error; try again, and tell its operator if it stays.",
    )
