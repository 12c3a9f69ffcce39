"""`POST /services/{service}/v{major}/{operation}`: reads a call from HTTP, hands it to the pipeline, writes the answer."""

import time
from collections.abc import Callable
from email.utils import formatdate
from functools import partial

import uuid_utils
from aiohttp import hdrs, web

from lgsp_contracts.entry import SALT_HEADER
from lgsp_gateway.calls.model import Body, CallRequest, CallResult, CallTarget
from lgsp_gateway.calls.pipeline import Pipeline
from lgsp_gateway.calls.salts import Salts
from lgsp_gateway.faces.rest.deferral import APPLIED
from lgsp_gateway.faces.rest.head import HttpHead, may_come_again, names_operation, read_head
from lgsp_gateway.http import problems
from lgsp_gateway.http.authentication import repeated_header_refusal
from lgsp_gateway.http.large_bodies import LargeBodies
from lgsp_gateway.http.lifecycle_headers import announcement_headers
from lgsp_gateway.http.raw_response import RawResponse
from lgsp_runtime.nats.request_reply import bus_unavailable


class RestCalls:
    """Answers calls over the bus's own HTTP protocol.

    Args:
        is_stale: returns whether the gateway's copy of the registry is too old to serve calls.
        begins_trace: returns whether to record a trace that begins here, by its id (32 hex digits); None where none is recorded.
    """

    def __init__(
        self, pipeline: Pipeline, is_stale: Callable[[], bool], begins_trace: Callable[[str], bool] | None = None
    ) -> None:
        self._pipeline = pipeline
        self._is_stale = is_stale
        self._begins_trace = begins_trace
        self._salts = Salts()
        self._large_bodies = LargeBodies()
        self._second = 0
        self._date = ""

    names_call = staticmethod(names_operation)
    read_head = staticmethod(read_head)
    may_come_again = staticmethod(may_come_again)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer a call that came through aiohttp."""
        if request.method == hdrs.METH_OPTIONS and names_operation(request.path):
            return web.Response(status=204, headers={hdrs.ALLOW: "OPTIONS, POST"})
        head = read_head(request.method, request.path, request.headers, request.remote or "")
        async with self._large_bodies.place() as place:
            body = partial(place.read_json, request)
            return (await self.answer(head, body, request.content.is_eof)).to_aiohttp()

    async def answer(self, http: HttpHead, body: Body, has_arrived: Callable[[], bool] | None = None) -> RawResponse:
        """Answer one call; a refusal or an unexpected error becomes a problem response.

        Args:
            body: reads the document of the call.
            has_arrived: returns whether all of the document has arrived; None where it has.
        """
        message, salt = str(uuid_utils.uuid7()), self._salts.take()
        began = time.perf_counter()
        traceparent = self._traceparent(http.call.parent, message.replace("-", ""))
        try:
            if self._is_stale():
                raise bus_unavailable()
            if http.wrong_method:
                raise problems.method_not_allowed("POST")
            if http.repeated_header:
                raise repeated_header_refusal(http.repeated_header)
            call = CallRequest(message, traceparent, salt, http.call, body)
            return self._response(await self._pipeline.call(call), call)
        except Exception as error:
            refusal = problems.refusal_of(error, message)
        headers, problem = problems.render_problem(
            refusal, http.language, message, traceparent, declared_at=_page_of_errors(http.call.target)
        )
        headers[SALT_HEADER] = salt.hex()
        headers["Date"] = self._http_date()
        headers["Server-Timing"] = f"total;dur={(time.perf_counter() - began) * 1000:.2f}"
        # The rest of a body is not waited for: it is too large, or may never arrive.
        close = has_arrived is not None and not has_arrived()
        return RawResponse.of(refusal.kind.status, headers, problem, close=close)

    def _traceparent(self, parent: str, message: str) -> str:
        """Return the `traceparent` of the call (W3C Trace Context): in the caller's trace if it sent one, with a span of our own.

        A trace that begins here is named after its message, whose last 62 bits are random (UUID version 7).
        """
        span = message[16:]
        if parent:
            return f"{parent[:36]}{span}{parent[52:]}"
        recorded = self._begins_trace and self._begins_trace(message)
        return f"00-{message}-{span}-{'01' if recorded else '00'}"

    def _http_date(self) -> str:
        second = int(time.time())
        if second != self._second:
            self._second, self._date = second, formatdate(second, usegmt=True)
        return self._date

    def _response(self, result: CallResult, call: CallRequest) -> RawResponse:
        (limit, policy), times, document = result.quota, result.times, result.document
        more = ""
        if result.announced:
            more = "".join([f"{name}: {value}\r\n" for name, value in announcement_headers(result.announced).items()])
        if result.accepted:
            more += f"Location: /messages/{result.accepted}\r\n{APPLIED}\r\n"
        head = (
            "Content-Type: application/json\r\nCache-Control: no-store\r\n"
            f"Content-Length: {len(document)}\r\nDate: {self._http_date()}\r\nLgsp-Message-Id: {result.accepted or call.message}\r\n"
            f"{SALT_HEADER}: {call.salt.hex()}\r\n"
            f"Server-Timing: check;dur={times.check:.2f}, provider;dur={times.provider:.2f}, "
            f"evidence;dur={times.evidence:.2f}, total;dur={times.handled + times.evidence:.2f}\r\n"
            f"RateLimit: {limit}\r\nRateLimit-Policy: {policy}\r\ntraceparent: {call.traceparent}\r\n{more}"
        )
        return RawResponse(202 if result.accepted else 200, head.encode("ascii"), document)


def _page_of_errors(target: CallTarget) -> str:
    """Return where the catalogue describes the errors that the contract of an operation declares."""
    return f"/catalog/services/{target.service}/v{target.major}#{target.operation}-errors"
