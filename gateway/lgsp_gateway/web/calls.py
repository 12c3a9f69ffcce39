"""`POST /services/{service}/v{major}/{operation}`: reads a call from HTTP, hands it to the exchange, writes the answer."""

import asyncio
import random
import re

import uuid_utils
from aiohttp import web

from lgsp_gateway.exchange import Answer, Call, Exchange
from lgsp_gateway.identification import Credentials
from lgsp_gateway.web import problems
from lgsp_problems import Refusal

MAX_BODY = 1024 * 1024
"""Bytes of a request document. Larger content travels as a file beside the message."""

BODY_SECONDS = 5
"""How long a caller may take to send its document once it may call."""

PREFIX = "/services/"
_PATH = re.compile(r"/services/([a-z0-9-]{1,63})/v([1-9][0-9]{0,3})/([a-z0-9-]{1,63})")
_TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_JSON_TYPES = re.compile(r"application/([a-z0-9.+-]+\+)?json")


class Calls:
    """The door for calls."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def answer(self, request: web.Request) -> web.Response:
        """Answer one call, whatever comes of it."""
        message = str(uuid_utils.uuid7())
        traceparent = _trace(request.headers.get("traceparent"))
        try:
            answer = await self._exchange.call(_read(request, message, traceparent))
        except Refusal as refusal:
            return problems.answer(refusal, request, message, traceparent)
        return _write(answer, message, traceparent)


def _read(request: web.Request, message: str, traceparent: str) -> Call:
    path = _PATH.fullmatch(request.path)
    if path is not None and request.method != "POST":
        raise method_not_allowed("POST")
    return Call(
        message=message,
        traceparent=traceparent,
        service=path[1] if path else "",
        major=int(path[2]) if path else 0,
        operation=path[3] if path else "",
        credentials=shown(request),
        purpose=request.headers.get("Lgsp-Purpose", ""),
        on_behalf_of=request.headers.get("Lgsp-On-Behalf-Of", ""),
        idempotency_key=request.headers.get("Idempotency-Key", ""),
        body=lambda: read_body(request),
    )


def shown(request: web.Request) -> Credentials:
    """What a request shows of its sender."""
    headers = request.headers
    return Credentials(
        headers.get("Authorization"), headers.get("DPoP", ""), request.method, request.path, request.remote or ""
    )


async def read_body(request: web.Request) -> bytes:
    """The request's JSON document.

    Raises:
        Refusal: `unsupported-media-type`, `too-large` or `malformed`.
    """
    if _JSON_TYPES.fullmatch(request.content_type) is None or (request.charset or "utf-8").lower() != "utf-8":
        raise Refusal(
            "unsupported-media-type",
            vi="Nội dung phải là JSON mã hóa UTF-8; hãy gửi Content-Type: application/json.",
            en="The body must be JSON in UTF-8; send Content-Type: application/json.",
        )
    if (request.content_length or 0) > MAX_BODY:
        raise _too_large()
    if request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0
    try:
        if request.content.is_eof():  # it is here already, as it nearly always is: no timer to arm
            return await request.read()
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


def _write(answer: Answer, message: str, traceparent: str) -> web.Response:
    limit, policy = answer.quota
    timing = ", ".join([f"{name};dur={milliseconds:.2f}" for name, milliseconds in answer.timing.items()])
    headers = {
        "Content-Type": "application/json",
        "Cache-Control": "no-store",
        "Lgsp-Message-Id": message,
        "Server-Timing": timing,
        "RateLimit": limit,
        "RateLimit-Policy": policy,
        "traceparent": traceparent,
        **answer.notice,
    }
    return web.Response(body=answer.body, headers=headers)


def _trace(header: str | None) -> str:
    """The trace context of this hop (W3C Trace Context): the caller's trace if it sent one, with a span of our own."""
    span = f"{random.getrandbits(64) or 1:016x}"
    if header and _TRACEPARENT.fullmatch(header):
        return f"{header[:36]}{span}{header[52:]}"
    return f"00-{random.getrandbits(128) or 1:032x}-{span}-00"


def _too_large() -> Refusal:
    return Refusal(
        "too-large",
        vi=f"Nội dung vượt {MAX_BODY // 1024} KiB; hãy chia nhỏ yêu cầu.",
        en=f"The body is larger than {MAX_BODY // 1024} KiB; send less in one request.",
    )
