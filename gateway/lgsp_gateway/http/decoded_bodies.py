"""What a request carries, decoded in one place: JSON objects and forms, both UTF-8 and nothing else.

A charset that a caller names is not looked up among those that Python knows: some of them (`zlib`, `idna`, `utf-7`) are no
charsets, or make half characters out of plain ones. JSON that manages the bus is read in the event loop, so it is bounded more narrowly
than what passes between systems; a contract of 300 fields with ten operations stays below a half of it.
"""

from typing import Any
from urllib.parse import parse_qsl

from aiohttp import hdrs, web

from lgsp_contracts import strict_json
from lgsp_contracts.strict_json import Limits
from lgsp_gateway.http.request_body import read_json, read_within_timeout, send_continue
from lgsp_problems import Refusal

FORM = "application/x-www-form-urlencoded"
MAX_FIELDS = 50

MAX_PARTS = 20_000
"""Commas and opening brackets of one document, those in its texts too: what parsing takes time for."""

LIMITS = Limits(values=MAX_PARTS, members=2_000)


async def read_json_object(request: web.Request) -> dict[str, Any]:
    """The JSON object that a request carries.

    Raises:
        Refusal: `unsupported-media-type`, `too-large`, `too-slow`, `malformed`; `invalid-document` where it is JSON and no object.
    """
    found = await _document(request)
    if not isinstance(found, dict):
        raise Refusal(
            "invalid-document",
            vi="Tài liệu phải là một đối tượng JSON; hãy gửi một đối tượng.",
            en="The document must be a JSON object; send one.",
        )
    return found


async def read_form(request: web.Request, most: int) -> dict[str, str]:
    """The fields of a form, each of which is sent once.

    Args:
        most: bytes that it may have.

    Raises:
        Refusal: `unsupported-media-type`, `too-large` or `malformed`.
    """
    charset = (request.charset or "utf-8").lower().replace("_", "-")
    if request.content_type != FORM or charset not in ("utf-8", "utf8") or hdrs.CONTENT_ENCODING in request.headers:
        raise Refusal(
            "unsupported-media-type",
            vi=f"Nội dung phải là {FORM} mã hóa UTF-8, không nén; hãy gửi lại như vậy.",
            en=f"The body must be {FORM} in UTF-8, not compressed; send it so.",
        )
    if (request.content_length or 0) > most:
        raise _too_large(most)
    await send_continue(request)
    body = await _read(request, most)
    try:
        fields = parse_qsl(
            body.decode(), keep_blank_values=True, encoding="utf-8", errors="strict", max_num_fields=MAX_FIELDS
        )
    except ValueError as error:  # UnicodeDecodeError is one
        raise Refusal(
            "malformed",
            vi="Biểu mẫu phải là UTF-8 hợp lệ; hãy kiểm tra các ký tự mã hóa bằng %.",
            en="The form must be valid UTF-8; check what is encoded with %.",
        ) from error
    found = dict(fields)
    if len(found) != len(fields):  # RFC 6749, section 3.2
        raise Refusal(
            "malformed",
            vi="Mỗi tham số của biểu mẫu chỉ được gửi một lần; hãy bỏ phần trùng.",
            en="Each parameter of the form is sent once; leave out what is sent twice.",
        )
    return found


async def _read(request: web.Request, most: int) -> bytes:
    try:
        body = await read_within_timeout(request)
    except web.HTTPRequestEntityTooLarge as error:
        raise _too_large(most) from error
    except (web.RequestPayloadError, OSError) as error:
        raise Refusal(
            "malformed",
            vi="Không đọc hết được biểu mẫu; hãy kiểm tra Content-Length rồi gửi lại.",
            en="The form could not be read to its end; check Content-Length and send it again.",
        ) from error
    if len(body) > most:
        raise _too_large(most)
    return body


def _too_large(most: int) -> Refusal:
    return Refusal(
        "too-large",
        vi=f"Biểu mẫu vượt {most // 1024} KiB; hãy bỏ phần thừa.",
        en=f"The form is larger than {most // 1024} KiB; leave out what is not needed.",
    )


async def _document(request: web.Request) -> Any:
    """The JSON document of a request.

    Raises:
        Refusal: `unsupported-media-type`, `too-large`, `malformed`, or `invalid-document` for control characters.
    """
    body = await read_json(request)
    if len(body) - len(body.translate(None, b"[{,")) > MAX_PARTS:
        raise Refusal(
            "too-large",
            vi=f"Tài liệu có hơn {MAX_PARTS} phần; hãy chia nhỏ, chẳng hạn thành nhiều dịch vụ.",
            en=f"The document has more than {MAX_PARTS} parts; divide it, for instance into several services.",
        )
    document = strict_json.loads(body, LIMITS)
    place = strict_json.forbidden_character(body, document)
    if place is not None:
        raise Refusal(
            "invalid-document",
            vi=f"{place or '/'}: có ký tự điều khiển; hãy bỏ đi.",
            en=f"{place or '/'}: holds a control character; leave it out.",
        )
    return document
