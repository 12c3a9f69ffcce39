"""`POST /services/{service}/v{major}/{operation}`: reads a call from HTTP, hands it to the exchange, writes the answer."""

import asyncio
import random
import re
import time
from collections.abc import Callable
from email.utils import formatdate
from functools import lru_cache

import structlog
import uuid_utils
from aiohttp import hdrs, web
from multidict import istr

from lgsp_gateway.bus import bus_unavailable
from lgsp_gateway.exchange import Answer, Call, Exchange
from lgsp_gateway.identification import Credentials
from lgsp_gateway.ways import Asked
from lgsp_gateway.web import problems
from lgsp_gateway.web.listener import Incoming, fault
from lgsp_gateway.web.whole_answer import WholeAnswer
from lgsp_problems import Refusal

MAX_BODY = 1024 * 1024
"""Bytes of a request document. Larger content travels as a file beside the message."""

BODY_SECONDS = 5
"""How long a caller may take to send its document once it may call."""

_PATH = re.compile(r"/services/([a-z0-9-]{1,63})/v([1-9][0-9]{0,3})/([a-z0-9-]{1,63})")
_NOTHING = ("", 0, "")
_TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_PURPOSE, _BEHALF, _KEY, _TRACE = map(istr, ("Lgsp-Purpose", "Lgsp-On-Behalf-Of", "Idempotency-Key", "traceparent"))
_PROOF = istr("DPoP")
_NOT_ZERO = 1 << 128 | 1
"""Neither trace nor span may be all zeros."""
_JSON_TYPES = re.compile(r"application/([a-z0-9.+-]+\+)?json")


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

    async def answer(self, incoming: Incoming) -> WholeAnswer:
        """Answer one call, whatever comes of it."""
        message = str(uuid_utils.uuid7())
        began = time.perf_counter()
        parent = incoming.headers.get(_TRACE, "")
        if parent and not _TRACEPARENT.fullmatch(parent):
            parent = ""
        traceparent = self._trace(parent)
        try:
            if self._stale():
                raise bus_unavailable()
            answer = await self._exchange.call(_read(incoming, message, traceparent, parent))
            return self._write(answer, message, traceparent)
        except Refusal as refusal:
            return self._refused(refusal, incoming, message, traceparent, began)
        except Exception as error:
            structlog.get_logger().error("fault", message=message, error=type(error).__name__)
            return self._refused(fault(), incoming, message, traceparent, began)

    def _trace(self, parent: str) -> str:
        """The trace context of this hop (W3C Trace Context): the caller's trace if it sent one, with a span of our own."""
        drawn = f"{random.getrandbits(192) | _NOT_ZERO:048x}"
        if parent:
            return f"{parent[:36]}{drawn[:16]}{parent[52:]}"
        traced = self._traced and self._traced(drawn[16:])
        return f"00-{drawn[16:]}-{drawn[:16]}-{'01' if traced else '00'}"

    def _refused(
        self, refusal: Refusal, incoming: Incoming, message: str, traceparent: str, began: float
    ) -> WholeAnswer:
        language = incoming.headers.get(hdrs.ACCEPT_LANGUAGE)
        headers, body = problems.written(refusal, language, message, traceparent)
        headers["Date"] = self._now()
        headers["Server-Timing"] = f"total;dur={(time.perf_counter() - began) * 1000:.2f}"
        # A body that has not arrived is not waited for: it is too large, or may never come.
        last = not incoming.has_arrived()
        return WholeAnswer.of(refusal.kind.status, headers, body, last=last)

    def _now(self) -> str:
        second = int(time.time())
        if second != self._second:
            self._second, self._date = second, formatdate(second, usegmt=True)
        return self._date

    def _write(self, answer: Answer, message: str, traceparent: str) -> WholeAnswer:
        limit, policy = answer.quota
        spent = answer.spent
        more = "".join([f"{name}: {value}\r\n" for name, value in answer.notice.items()]) if answer.notice else ""
        head = (
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nCache-Control: no-store\r\n"
            f"Content-Length: {len(answer.body)}\r\nDate: {self._now()}\r\nLgsp-Message-Id: {message}\r\n"
            f"Server-Timing: check;dur={spent.check:.2f}, provider;dur={spent.provider:.2f}, "
            f"evidence;dur={spent.evidence:.2f}, total;dur={spent.total:.2f}\r\n"
            f"RateLimit: {limit}\r\nRateLimit-Policy: {policy}\r\ntraceparent: {traceparent}\r\n{more}"
        )
        return WholeAnswer(head.encode("ascii"), answer.body)


def _read(incoming: Incoming, message: str, traceparent: str, parent: str) -> Call:
    named = _named(incoming.path)
    if named and incoming.method != "POST":
        raise method_not_allowed("POST")
    headers = incoming.headers
    return Call(
        message,
        traceparent,
        parent,
        Asked(*(named or _NOTHING), headers.get(_PURPOSE, "")),
        Credentials(
            headers.get(hdrs.AUTHORIZATION), headers.get(_PROOF, ""), incoming.method, incoming.path, incoming.address
        ),
        headers.get(_BEHALF, ""),
        headers.get(_KEY, ""),
        incoming.body,
    )


@lru_cache(4096)
def _named(path: str) -> tuple[str, int, str] | None:
    found = _PATH.fullmatch(path)
    return (found[1], int(found[2]), found[3]) if found else None


def shown(request: web.BaseRequest) -> Credentials:
    """What a request shows of its sender."""
    headers = request.headers
    return Credentials(
        headers.get(hdrs.AUTHORIZATION), headers.get(_PROOF, ""), request.method, request.path, request.remote or ""
    )


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
    return _JSON_TYPES.fullmatch(request.content_type) is not None and (request.charset or "utf-8").lower() == "utf-8"


async def _encourage(request: web.BaseRequest) -> None:
    if request.headers[hdrs.EXPECT].lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0


async def _rest_of_body(request: web.BaseRequest) -> bytes:
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise _too_large() from None
    except (TimeoutError, web.HTTPException, web.RequestPayloadError, ValueError, OSError):
        raise Refusal(
            "malformed",
            vi=f"Không đọc hết được nội dung trong {BODY_SECONDS} giây; hãy kiểm tra Content-Length và Content-Encoding rồi gửi lại.",
            en=f"The body could not be read to its end in {BODY_SECONDS} seconds; check Content-Length and Content-Encoding and send it again.",
        ) from None


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
