"""Reads the body of a request: JSON in UTF-8, within the limits of size and time that hold for calls and the management API alike."""

import asyncio
import re

from aiohttp import hdrs, web

from lgsp_gateway.http.connections import too_slow
from lgsp_problems import Refusal

MAX_BODY = 1024 * 1024
"""Bytes that the body of a request may have."""

BODY_SECONDS = web.AppKey("body_seconds", float)
"""Seconds within which the body must arrive after the head."""

_JSON_TYPES = re.compile(r"application/([a-z0-9.+-]+\+)?json")
_CHARSETS = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})
"""Names of UTF-8 and of its subset."""


async def read_json(request: web.Request) -> bytes:
    """Read the body of a request that must be JSON in UTF-8; its content is not parsed here.

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
    """Read the body of a request to its end.

    Raises:
        Refusal: `too-slow`: it took longer than the application's `BODY_SECONDS`.
        web.HTTPRequestEntityTooLarge: it is larger than `MAX_BODY`.
        web.RequestPayloadError: it does not match `Content-Length`, `Transfer-Encoding` or `Content-Encoding`.
    """
    seconds = request.app[BODY_SECONDS]
    try:
        async with asyncio.timeout(seconds):
            return await request.read()
    except TimeoutError as error:
        raise too_slow(seconds, "Nội dung", "The body") from error


async def send_continue(request: web.Request) -> None:
    """Send `100 Continue` where the caller waits for it before it sends the body (RFC 9110, section 10.1.1)."""
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
        vi=f"Nội dung vượt {MAX_BODY // 1024} KiB; hãy chia thành nhiều yêu cầu nhỏ hơn.",
        en=f"The body is larger than {MAX_BODY // 1024} KiB; send less in one request.",
    )
