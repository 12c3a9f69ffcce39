"""Documents that people and tools send to manage the bus: registry documents, seals, reasons.

They are read in the event loop, so they are bounded more narrowly than what passes between systems; a contract of 300 fields with
ten operations stays below a half of it.
"""

from typing import Any

from aiohttp import web

from lgsp_contracts import strict_json
from lgsp_contracts.strict_json import Limits
from lgsp_gateway.http.request_body import read_json
from lgsp_problems import Refusal

MAX_PARTS = 20_000
"""Commas and opening brackets of one document, those in its texts too: what parsing takes time for."""

LIMITS = Limits(values=MAX_PARTS, members=2_000)


async def read_document(request: web.Request) -> Any:
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
