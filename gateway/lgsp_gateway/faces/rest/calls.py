"""`POST /services/{service}/v{major}/{operation}`: reads a call from HTTP, hands it to the exchange, writes the answer."""

import re
import time
from collections.abc import Callable
from email.utils import formatdate

import uuid_utils
from aiohttp import hdrs, web

from lgsp_contracts.entry import SALT_HEADER
from lgsp_gateway.calls.pipeline import Answer, Body, Call, Exchange
from lgsp_gateway.faces.rest.head import HttpHead, refuse_twice
from lgsp_gateway.http import problems
from lgsp_gateway.http.fast_path.raw_response import WholeAnswer
from lgsp_gateway.http.lifecycle_headers import headers_of
from lgsp_problems import Refusal
from lgsp_runtime.nats.request_reply import bus_unavailable
from lgsp_runtime.unexpected_errors import fault

MAX_BODY = 1024 * 1024
"""Bytes of a request document. Larger content travels as a file beside the message."""

_JSON_TYPES = re.compile(r"application/([a-z0-9.+-]+\+)?json")
_CHARSETS = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})
"""Names of UTF-8 and of its subset."""


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

    async def answer(self, heard: HttpHead, body: Body, has_arrived: Callable[[], bool] | None = None) -> WholeAnswer:
        """Answer one call, whatever comes of it. `has_arrived` says whether all of the document did, where that is not sure."""
        message, salt = str(uuid_utils.uuid7()), self._exchange.salts.take()
        began = time.perf_counter()
        head = heard.said
        traceparent = self._trace(head.parent, message.replace("-", ""))
        try:
            if self._stale():
                raise bus_unavailable()
            if heard.wrong_method:
                raise method_not_allowed("POST")
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
        last = has_arrived is not None and not has_arrived()
        return WholeAnswer.of(said.kind.status, headers, problem, last=last)

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

    def _write(self, answer: Answer, message: str, traceparent: str, salt: bytes) -> WholeAnswer:
        limit, policy = answer.quota
        more = ""
        if answer.announced:
            more = "".join([f"{name}: {value}\r\n" for name, value in headers_of(answer.announced).items()])
        head = (
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nCache-Control: no-store\r\n"
            f"Content-Length: {len(answer.body)}\r\nDate: {self._now()}\r\nLgsp-Message-Id: {message}\r\n"
            f"{SALT_HEADER}: {salt.hex()}\r\n"
            f"Server-Timing: check;dur={answer.check:.2f}, provider;dur={answer.provider:.2f}, "
            f"evidence;dur={answer.evidence:.2f}, total;dur={answer.total:.2f}\r\n"
            f"RateLimit: {limit}\r\nRateLimit-Policy: {policy}\r\ntraceparent: {traceparent}\r\n{more}"
        )
        return WholeAnswer(head.encode("ascii"), answer.body)


async def read_body(request: web.BaseRequest) -> bytes:
    """The request's JSON document.

    Raises:
        Refusal: `unsupported-media-type`, `too-large` or `malformed`.
    """
    kind = request.headers.get(hdrs.CONTENT_TYPE)
    if kind != "application/json" and not _is_json(request):
        raise Refusal(
            "unsupported-media-type",
            vi="Nội dung phải là JSON mã hóa UTF-8; hãy gửi Content-Type: application/json.",
            en="The body must be JSON in UTF-8; send Content-Type: application/json.",
        )
    if (request.content_length or 0) > MAX_BODY:
        raise _too_large()
    if hdrs.EXPECT in request.headers:
        await _encourage(request)
    content = request.content
    if content.is_eof() and content.exception() is None:  # it is here already, as it nearly always is
        body = content.read_nowait()
        if len(body) > MAX_BODY:
            raise _too_large()
        return body
    return await _rest_of_body(request)


def _is_json(request: web.BaseRequest) -> bool:
    charset = (request.charset or "utf-8").lower()
    return _JSON_TYPES.fullmatch(request.content_type) is not None and charset in _CHARSETS


async def _encourage(request: web.BaseRequest) -> None:
    if request.headers[hdrs.EXPECT].lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0


async def _rest_of_body(request: web.BaseRequest) -> bytes:
    """What is still to come; the connection sees to it that this has an end."""
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge as error:
        raise _too_large() from error
    except (web.HTTPException, web.RequestPayloadError, ValueError, OSError) as error:
        raise Refusal(
            "malformed",
            vi="Không đọc hết được nội dung; hãy kiểm tra Content-Length và Content-Encoding rồi gửi lại.",
            en="The body could not be read to its end; check Content-Length and Content-Encoding and send it again.",
        ) from error


def method_not_allowed(allowed: str) -> Refusal:
    """The refusal of a method that a path does not know."""
    return Refusal(
        "method-not-allowed",
        vi=f"Đường dẫn này chỉ nhận phương thức {allowed}.",
        en=f"This path takes {allowed} only; send the request with that method.",
        headers={"Allow": allowed},
    )


def _too_large() -> Refusal:
    return Refusal(
        "too-large",
        vi=f"Nội dung vượt {MAX_BODY // 1024} KiB; hãy chia nhỏ yêu cầu.",
        en=f"The body is larger than {MAX_BODY // 1024} KiB; send less in one request.",
    )
