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


async def read_json(request: web.Request, max_body: int = MAX_BODY) -> bytes:
    """Read the body of a request that must be JSON in UTF-8; its content is not parsed here.

    Args:
        max_body: bytes that it may have; a call may have more than a request to the management API where its contract says so.

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
    return await read_body(request, max_body)


async def read_body(request: web.Request, max_body: int = MAX_BODY) -> bytes:
    """Read the body of a request, whatever its media type.

    Args:
        max_body: bytes that it may have.

    Raises:
        Refusal: `too-large`, `too-slow` or `malformed`.
    """
    if (request.content_length or 0) > max_body:
        raise _too_large(max_body)
    await send_continue(request)
    try:
        if max_body > MAX_BODY:
            return await _read_large(request, max_body)
        return await read_within_timeout(request)
    except web.HTTPRequestEntityTooLarge as error:
        raise _too_large(max_body) from error
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


async def _read_large(request: web.Request, max_body: int) -> bytes:
    """Read a body that may have more than `MAX_BODY`; each further `MAX_BODY` has as much time as the first.

    Raises:
        Refusal: `too-large` or `too-slow`.
        web.RequestPayloadError: as `read_within_timeout`.
    """
    seconds = request.app[BODY_SECONDS]
    pieces: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(seconds) as deadline:
            begin = asyncio.get_running_loop().time()
            while piece := await request.content.readany():
                size += len(piece)
                if size > max_body:
                    raise _too_large(max_body)
                pieces.append(piece)
                deadline.reschedule(begin + seconds * (1 + size // MAX_BODY))
    except TimeoutError as error:
        raise too_slow(seconds, "Nội dung", "The body") from error
    return b"".join(pieces)


async def send_continue(request: web.Request) -> None:
    """Send `100 Continue` where the caller waits for it before it sends the body (RFC 9110, section 10.1.1)."""
    if request.headers.get(hdrs.EXPECT, "").lower() == "100-continue" and request.version >= (1, 1):
        transport = request.transport
        if transport is not None:
            transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")


def _is_json(request: web.Request) -> bool:
    charset = (request.charset or "utf-8").lower()
    return _JSON_TYPES.fullmatch(request.content_type) is not None and charset in _CHARSETS


def _too_large(max_body: int) -> Refusal:
    return Refusal(
        "too-large",
        vi=f"Nội dung vượt {max_body // 1024} KiB; hãy chia thành nhiều yêu cầu nhỏ hơn, hoặc gửi phần lớn dưới dạng tệp (POST /files).",
        en=f"The body is larger than {max_body // 1024} KiB; send less in one request, or send what is large as a file (POST /files).",
    )
