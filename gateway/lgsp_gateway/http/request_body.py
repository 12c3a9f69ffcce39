"""Reads the body of a request: JSON in UTF-8, no larger than a call may be, and within the time that a body may take."""

import asyncio
import re

from aiohttp import hdrs, web

from lgsp_gateway.http.connections import too_slow
from lgsp_problems import Refusal

MAX_BODY = 1024 * 1024
"""Bytes of a request document. Larger content travels as a file beside the message."""

BODY_SECONDS = web.AppKey("body_seconds", float)
"""How long a body may take to arrive once its head did."""

_JSON_TYPES = re.compile(r"application/([a-z0-9.+-]+\+)?json")
_CHARSETS = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})
"""Names of UTF-8 and of its subset."""


async def read_json(request: web.Request) -> bytes:
    """Read the request's JSON document, as bytes.

    Raises:
        Refusal: `unsupported-media-type`, `too-large`, `too-slow` or `malformed`.
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
    await send_continue(request)
    try:
        return await read_within_timeout(request)
    except web.HTTPRequestEntityTooLarge as error:
        raise _too_large() from error
    except (web.HTTPException, web.RequestPayloadError, ValueError, OSError) as error:
        raise Refusal(
            "malformed",
            vi="Không đọc hết được nội dung; hãy kiểm tra Content-Length và Content-Encoding rồi gửi lại.",
            en="The body could not be read to its end; check Content-Length and Content-Encoding and send it again.",
        ) from error


async def read_within_timeout(request: web.Request) -> bytes:
    """Read the body to its end.

    Raises:
        Refusal: `too-slow`.
        web.HTTPRequestEntityTooLarge: it is larger than `MAX_BODY`.
        web.RequestPayloadError: it is not what its head says.
    """
    seconds = request.app[BODY_SECONDS]
    try:
        async with asyncio.timeout(seconds):
            return await request.read()
    except TimeoutError as error:
        raise too_slow(seconds, "Nội dung", "The body") from error


async def send_continue(request: web.Request) -> None:
    """Ask for the body, where the caller waits for that (RFC 9110, section 10.1.1)."""
    if request.headers.get(hdrs.EXPECT, "").lower() == "100-continue" and request.version >= (1, 1):
        transport = request.transport
        if transport is not None:
            transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")


def _is_json(request: web.Request) -> bool:
    charset = (request.charset or "utf-8").lower()
    return _JSON_TYPES.fullmatch(request.content_type) is not None and charset in _CHARSETS


def _too_large() -> Refusal:
    return Refusal(
        "too-large",
        vi=f"Nội dung vượt {MAX_BODY // 1024} KiB; hãy chia nhỏ yêu cầu.",
        en=f"The body is larger than {MAX_BODY // 1024} KiB; send less in one request.",
    )
