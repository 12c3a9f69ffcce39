"""Decodes the bodies of requests to the management API: JSON objects and forms, both in UTF-8 only.

A charset that a caller names is not looked up among Python's codecs: some of them (`zlib`, `idna`, `utf-7`) are no charsets, or turn
plain text into lone surrogates. The JSON is parsed in the event loop, so its limits are tighter than those of calls; a contract
of 300 fields with ten operations stays below half of them.
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
"""Fields of a form."""

MAX_PARTS = 20_000
"""Commas and opening brackets of one document, those within strings too: they determine how long parsing takes."""

LIMITS = Limits(values=MAX_PARTS, members=2_000)


async def read_json_object(request: web.Request) -> dict[str, Any]:
    """Read the JSON object in the body of a request.

    Raises:
        Refusal: `unsupported-media-type`, `too-large`, `too-slow`, `malformed`; `invalid-document` where the JSON is not an object.
    """
    document = await _read_document(request)
    if not isinstance(document, dict):
        raise Refusal(
            "invalid-document",
            vi="Tài liệu phải là một đối tượng JSON; hãy gửi một đối tượng.",
            en="The document must be a JSON object; send one.",
        )
    return document


async def read_optional_json_object(request: web.Request) -> dict[str, Any]:
    """Read the JSON object in the body of a request as `read_json_object` does; an empty one where there is no body."""
    return await read_json_object(request) if request.can_read_body else {}


async def read_form(request: web.Request, max_bytes: int) -> dict[str, str]:
    """Read the fields of a form (`application/x-www-form-urlencoded`), by name.

    Args:
        max_bytes: that the body may have.

    Raises:
        Refusal: `unsupported-media-type`, `too-large`, `too-slow`; `malformed`, also where a field is sent twice.
    """
    charset = (request.charset or "utf-8").lower().replace("_", "-")
    if request.content_type != FORM or charset not in ("utf-8", "utf8") or hdrs.CONTENT_ENCODING in request.headers:
        raise Refusal(
            "unsupported-media-type",
            vi=f"Nội dung phải là {FORM} mã hóa UTF-8, không nén; hãy gửi lại theo định dạng đó.",
            en=f"The body must be {FORM} in UTF-8, not compressed; send it in that form.",
        )
    if (request.content_length or 0) > max_bytes:
        raise _too_large(max_bytes)
    await send_continue(request)
    body = await _read_form_body(request, max_bytes)
    try:
        fields = parse_qsl(
            body.decode(), keep_blank_values=True, encoding="utf-8", errors="strict", max_num_fields=MAX_FIELDS
        )
    except ValueError as error:  # UnicodeDecodeError is one
        raise Refusal(
            "malformed",
            vi="Biểu mẫu phải là UTF-8 hợp lệ; hãy kiểm tra các ký tự mã hóa bằng %.",
            en="The form must be valid UTF-8; check the characters that are encoded with %.",
        ) from error
    by_name = dict(fields)
    if len(by_name) != len(fields):  # RFC 6749, section 3.2
        raise Refusal(
            "malformed",
            vi="Mỗi tham số của biểu mẫu chỉ được gửi một lần; hãy bỏ phần trùng.",
            en="Each parameter of the form may be sent once; remove the repeated one.",
        )
    return by_name


async def _read_form_body(request: web.Request, max_bytes: int) -> bytes:
    try:
        body = await read_within_timeout(request)
    except web.HTTPRequestEntityTooLarge as error:
        raise _too_large(max_bytes) from error
    except (web.RequestPayloadError, OSError) as error:
        raise Refusal(
            "malformed",
            vi="Không đọc hết được biểu mẫu; hãy kiểm tra Content-Length rồi gửi lại.",
            en="The form could not be read to its end; check Content-Length and send it again.",
        ) from error
    if len(body) > max_bytes:
        raise _too_large(max_bytes)
    return body


def _too_large(max_bytes: int) -> Refusal:
    return Refusal(
        "too-large",
        vi=f"Biểu mẫu vượt {max_bytes // 1024} KiB; hãy bỏ các trường không cần thiết.",
        en=f"The form is larger than {max_bytes // 1024} KiB; remove the fields that are not needed.",
    )


async def _read_document(request: web.Request) -> Any:
    """Read and parse the JSON document in the body of a request.

    Raises:
        Refusal: `unsupported-media-type`, `too-large`, `malformed`, or `invalid-document` for control characters.
    """
    body = await read_json(request)
    if len(body) - len(body.translate(None, b"[{,")) > MAX_PARTS:
        raise Refusal(
            "too-large",
            vi=f"Tài liệu có hơn {MAX_PARTS} phần; hãy chia nhỏ tài liệu, chẳng hạn thành nhiều dịch vụ.",
            en=f"The document has more than {MAX_PARTS} parts; divide it, for example into several services.",
        )
    document = strict_json.loads(body, LIMITS)
    pointer = strict_json.forbidden_character(body, document)
    if pointer is not None:
        raise Refusal(
            "invalid-document",
            vi=f"{pointer or '/'}: có ký tự điều khiển; hãy xóa ký tự đó.",
            en=f"{pointer or '/'}: contains a control character; remove it.",
        )
    return document
