"""Sends the content of a file: whole or a range, never shown by a browser, never cached by a proxy."""

import base64
import re
from urllib.parse import quote

from aiohttp import hdrs, web

from lgsp_gateway.delivery.files.chunk_cipher import DamagedChunkError
from lgsp_gateway.delivery.files.content import FileContent
from lgsp_gateway.delivery.files.model import FileRecord
from lgsp_gateway.http.streaming import open_stream
from lgsp_problems import Refusal

_RANGE = re.compile(r"bytes=([0-9]{0,15})-([0-9]{0,15})")


def file_headers(record: FileRecord) -> dict[str, str]:
    """Return the headers that describe a file.

    A browser saves it and does not guess its type: a file may be HTML with scripts.
    """
    ascii_name = re.sub(r"[^A-Za-z0-9._ -]", "_", record.name) or record.id
    digest = base64.b64encode(bytes.fromhex(record.sha256)).decode()
    return {
        hdrs.CONTENT_TYPE: record.media_type,
        hdrs.ETAG: f'"{record.sha256}"',
        hdrs.ACCEPT_RANGES: "bytes",
        "Repr-Digest": f"sha-256=:{digest}:",
        hdrs.CONTENT_DISPOSITION: f"attachment; filename=\"{ascii_name}\"; filename*=UTF-8''{quote(record.name or record.id, safe='')}",
        hdrs.X_CONTENT_TYPE_OPTIONS: "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        hdrs.CACHE_CONTROL: "private, no-store",
    }


async def send_file(request: web.Request, reader: str, record: FileRecord, content: FileContent) -> web.StreamResponse:
    """Answer with the content of a file, or the range of it that the request names.

    Args:
        reader: the system that reads.

    Raises:
        Refusal: `malformed` (a range beyond the file); `too-many-streams`, `storage-unavailable`.
    """
    described = file_headers(record)
    if record.sha256 in _tags(request.headers.get(hdrs.IF_NONE_MATCH, "")):
        return web.Response(status=304, headers=described)
    start, end = _range_in(request, record)
    is_part = (start, end) != (0, record.size)
    described[hdrs.CONTENT_LENGTH] = str(end - start)
    if is_part:
        described[hdrs.CONTENT_RANGE] = f"bytes {start}-{end - 1}/{record.size}"
    if request.method == hdrs.METH_HEAD:
        return web.Response(headers=described)
    async with open_stream(request, record.media_type, reader, described, status=206 if is_part else 200) as stream:
        try:
            async for piece in content.read(record, start, end):
                await stream.write(piece)
        except (DamagedChunkError, Refusal) as error:
            raise ConnectionResetError("the content of the file could not be read to its end") from error
    return stream.response


def _range_in(request: web.Request, record: FileRecord) -> tuple[int, int]:
    """Return begin and end of what a request asks for; of several ranges, the whole file is sent, as RFC 9110 allows."""
    sent = request.headers.get(hdrs.RANGE, "")
    if_range = request.headers.get(hdrs.IF_RANGE, "")
    match = _RANGE.fullmatch(sent.strip())
    if not match or not (match[1] or match[2]) or (if_range and record.sha256 not in _tags(if_range)):
        return 0, record.size
    if not match[1]:
        start, end = max(0, record.size - int(match[2])), record.size
    else:
        start, end = int(match[1]), min(int(match[2]) + 1 if match[2] else record.size, record.size)
    if start >= record.size or end <= start:
        raise Refusal(
            "range-not-satisfiable",
            vi=f"Khoảng byte nằm ngoài tệp; tệp có {record.size} byte.",
            en=f"The range lies outside the file; it has {record.size} bytes.",
            headers={hdrs.CONTENT_RANGE: f"bytes */{record.size}"},
        )
    return start, end


def _tags(sent: str) -> list[str]:
    return [tag.strip().removeprefix("W/").strip('"') for tag in sent.split(",")]
