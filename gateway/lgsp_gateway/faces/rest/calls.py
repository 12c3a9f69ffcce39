"""`POST /services/{service}/v{major}/{operation}`: reads a call from HTTP, hands it to the exchange, writes the answer."""

import time
from collections.abc import Callable
from email.utils import formatdate
from functools import partial

import uuid_utils
from aiohttp import hdrs, web

from lgsp_contracts.entry import SALT_HEADER
from lgsp_gateway.calls.pipeline import Answer, Body, Call, Exchange
from lgsp_gateway.faces.rest.head import HttpHead, may_come_again, names_operation, read
from lgsp_gateway.http import problems
from lgsp_gateway.http.authentication import refuse_twice
from lgsp_gateway.http.lifecycle_headers import headers_of
from lgsp_gateway.http.raw_response import RawResponse
from lgsp_gateway.http.request_body import read_json
from lgsp_problems import Refusal
from lgsp_runtime.nats.request_reply import bus_unavailable
from lgsp_runtime.unexpected_errors import fault


class Calls:
    """The door for calls.

    Args:
        stale: whether what the gateway knows is too old to be served.
    """

    def __init__(self, exchange: Exchange, stale: Callable[[], bool]) -> None:
        self._exchange = exchange
        self._stale = stale
        self._traced = exchange.watch.traces.begins if exchange.watch.traces else None
        self._second = 0
        self._date = ""

    names_call = staticmethod(names_operation)
    read_head = staticmethod(read)
    may_come_again = staticmethod(may_come_again)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer a call that does not take the fast path."""
        if request.method == hdrs.METH_OPTIONS and names_operation(request.path):
            return web.Response(status=204, headers={hdrs.ALLOW: "OPTIONS, POST"})
        head = read(request.method, request.path, request.headers, request.remote or "")
        return (await self.answer(head, partial(read_json, request), request.content.is_eof)).to_aiohttp()

    async def answer(self, heard: HttpHead, body: Body, has_arrived: Callable[[], bool] | None = None) -> RawResponse:
        """Answer one call, whatever comes of it. `has_arrived` says whether all of the document did, where that is not sure."""
        message, salt = str(uuid_utils.uuid7()), self._exchange.salts.take()
        began = time.perf_counter()
        head = heard.said
        traceparent = self._trace(head.parent, message.replace("-", ""))
        try:
            if self._stale():
                raise bus_unavailable()
            if heard.wrong_method:
                raise problems.method_not_allowed("POST")
            if heard.twice:
                raise refuse_twice(heard.twice)
            answer = await self._exchange.call(Call(message, traceparent, salt, head, body))
            return self._write(answer, message, traceparent, salt)
        except Refusal as refusal:
            said = refusal
        except Exception as error:
            said = fault(error, message)
        headers, problem = problems.written(said, heard.language, message, traceparent)
        headers[SALT_HEADER] = salt.hex()
        headers["Date"] = self._now()
        headers["Server-Timing"] = f"total;dur={(time.perf_counter() - began) * 1000:.2f}"
        # A body that has not arrived is not waited for: it is too large, or may never come.
        close = has_arrived is not None and not has_arrived()
        return RawResponse.of(said.kind.status, headers, problem, close=close)

    def _trace(self, parent: str, message: str) -> str:
        """The trace context of this hop (W3C Trace Context): the caller's trace if it sent one, with a span of our own.

        A trace that begins here is named after its message, whose last 62 bits are random (UUID version 7).
        """
        span = message[16:]
        if parent:
            return f"{parent[:36]}{span}{parent[52:]}"
        traced = self._traced and self._traced(message)
        return f"00-{message}-{span}-{'01' if traced else '00'}"

    def _now(self) -> str:
        second = int(time.time())
        if second != self._second:
            self._second, self._date = second, formatdate(second, usegmt=True)
        return self._date

    def _write(self, answer: Answer, message: str, traceparent: str, salt: bytes) -> RawResponse:
        limit, policy = answer.quota
        more = ""
        if answer.announced:
            more = "".join([f"{name}: {value}\r\n" for name, value in headers_of(answer.announced).items()])
        head = (
            "Content-Type: application/json\r\nCache-Control: no-store\r\n"
            f"Content-Length: {len(answer.body)}\r\nDate: {self._now()}\r\nLgsp-Message-Id: {message}\r\n"
            f"{SALT_HEADER}: {salt.hex()}\r\n"
            f"Server-Timing: check;dur={answer.check:.2f}, provider;dur={answer.provider:.2f}, "
            f"evidence;dur={answer.evidence:.2f}, total;dur={answer.total:.2f}\r\n"
            f"RateLimit: {limit}\r\nRateLimit-Policy: {policy}\r\ntraceparent: {traceparent}\r\n{more}"
        )
        return RawResponse(200, head.encode("ascii"), answer.body)
