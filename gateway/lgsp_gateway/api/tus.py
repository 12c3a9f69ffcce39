"""The headers of tus 1.0 (https://tus.io/protocols/resumable-upload), read and checked."""

import asyncio
import base64
import binascii
import hashlib
import re
from collections.abc import AsyncIterator, Mapping
from email.utils import formatdate

from aiohttp import hdrs, web

from lgsp_gateway.delivery.files.model import FileRecord
from lgsp_gateway.delivery.files.uploads import Checksum, NewFile
from lgsp_gateway.http.connections import too_slow
from lgsp_gateway.http.request_body import send_continue
from lgsp_problems import Refusal

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,checksum,expiration,termination"
OFFSET_MEDIA = "application/offset+octet-stream"
DEFAULT_MEDIA = "application/octet-stream"
MAX_NAME = 255
SILENT_SECONDS = 30.0
"""How long the body of an upload may pause."""
PAUSE_SECONDS = 3.0
"""How often the upload is told that the body pauses, so that it keeps its lease."""

_ALGORITHMS = {"sha256": hashlib.sha256, "sha1": lambda: hashlib.sha1(usedforsecurity=False)}
"""SHA-1 is what tus asks every server for; it tells accidents, and SHA-256 of the whole tells attacks."""
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_UNFIT_FOR_NAMES = re.compile(r"[\x00-\x1f\x7f/\\\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, separators of paths, and marks that turn the direction of text: `invoice_fdp.exe` would look like a PDF."""
_NUMBER = re.compile(r"[0-9]{1,15}")


def headers(record: FileRecord | None = None) -> dict[str, str]:
    """Return the headers of a response: the version, and of an upload its offset and its end."""
    sent = {"Tus-Resumable": VERSION, hdrs.CACHE_CONTROL: "no-store"}
    if record is not None:
        sent |= {
            "Upload-Offset": str(record.offset),
            "Upload-Length": str(record.size),
            "Upload-Expires": formatdate(record.expires_at, usegmt=True),
            "Lgsp-File-State": record.state,
        }
    return sent


def options(max_size: int) -> dict[str, str]:
    """Return the headers that describe what the server can do."""
    return {
        "Tus-Resumable": VERSION,
        "Tus-Version": VERSION,
        "Tus-Extension": EXTENSIONS,
        "Tus-Max-Size": str(max_size),
        "Tus-Checksum-Algorithm": ",".join(_ALGORITHMS),
    }


def is_tus(request: web.Request) -> bool:
    """Tell whether a request speaks tus."""
    return "Tus-Resumable" in request.headers


def check_version(request: web.Request) -> None:
    """Refuse a request that speaks another version of tus, or none.

    Raises:
        Refusal: `unsupported-tus-version`.
    """
    if request.headers.get("Tus-Resumable") != VERSION:
        raise Refusal(
            "unsupported-tus-version",
            vi=f"Yêu cầu phải theo tus {VERSION}; hãy gửi Tus-Resumable: {VERSION}.",
            en=f"The request must speak tus {VERSION}; send Tus-Resumable: {VERSION}.",
            headers={"Tus-Version": VERSION},
        )


def read_new_file(request: web.Request) -> NewFile:
    """Read what the creation of an upload says of its file.

    Raises:
        Refusal: `malformed`.
    """
    length = number_in(request, "Upload-Length")
    metadata = _metadata(request.headers.get("Upload-Metadata", ""))
    name = metadata.get("filename", metadata.get("name", ""))
    media_type = metadata.get("filetype", metadata.get("type", "")) or DEFAULT_MEDIA
    return new_file(name, media_type, length, metadata.get("sha256", ""))


def new_file(name: str, media_type: str, size: int, sha256: str) -> NewFile:
    """Check what a caller says of a file.

    Raises:
        Refusal: `malformed`.
    """
    media = media_type.partition(";")[0].strip().lower()
    if len(name) > MAX_NAME or _UNFIT_FOR_NAMES.search(name):
        raise _malformed(
            f"Tên tệp phải có tối đa {MAX_NAME} ký tự, không có / \\ và ký tự điều khiển",
            f"The name of a file must have at most {MAX_NAME} characters, without / \\ and control characters",
        )
    if not _MEDIA_TYPE.fullmatch(media):
        raise _malformed(
            "Loại nội dung của tệp không đúng; hãy dùng dạng như application/pdf",
            "The media type of the file is not valid; write it like application/pdf",
        )
    if sha256 and not _SHA256.fullmatch(sha256.lower()):
        raise _malformed("sha256 phải là 64 chữ số hex", "sha256 must be 64 hexadecimal digits")
    return NewFile(name, media, size, sha256.lower())


def number_in(request: web.Request, header: str) -> int:
    """Read a header that must be a number of bytes.

    Raises:
        Refusal: `malformed`.
    """
    sent = request.headers.get(header, "")
    if not _NUMBER.fullmatch(sent):
        raise _malformed(f"Thiếu {header} hoặc không phải số byte", f"{header} is missing, or no number of bytes")
    return int(sent)


def read_checksum(sent: str) -> Checksum | None:
    """Read the value of `Upload-Checksum`; None where it is empty.

    Raises:
        Refusal: `malformed`.
    """
    if not sent:
        return None
    name, _, encoded = sent.partition(" ")
    algorithm = _ALGORITHMS.get(name)
    try:
        digest = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        digest = b""
    if algorithm is None or len(digest) != algorithm().digest_size:
        raise _malformed(
            "Upload-Checksum phải là sha256 hoặc sha1, rồi mã băm dạng base64",
            "Upload-Checksum must be sha256 or sha1, and the digest in base64",
        )
    return Checksum(algorithm(), digest)


async def body(request: web.Request) -> AsyncIterator[bytes]:
    """Yield the body of a request as it arrives, and nothing (b"") from time to time while it pauses.

    Raises:
        Refusal: `too-slow`.
        ConnectionError: it broke off.
    """
    await send_continue(request)
    silent = 0.0
    while True:
        try:
            async with asyncio.timeout(PAUSE_SECONDS):
                piece = await request.content.readany()
        except TimeoutError as error:
            silent += PAUSE_SECONDS
            if silent >= SILENT_SECONDS:
                raise too_slow(SILENT_SECONDS, "Phần tiếp theo của nội dung", "The next part of the body") from error
            yield b""
            continue
        except (web.RequestPayloadError, OSError) as error:
            raise ConnectionResetError("the body broke off") from error
        if not piece:
            return
        silent = 0.0
        yield piece


def encoded_metadata(record: FileRecord) -> str:
    """Return the `Upload-Metadata` of a file."""
    pairs = {"filename": record.name, "filetype": record.media_type, "sha256": record.declared_sha256}
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in pairs.items() if value)


def _metadata(sent: str) -> Mapping[str, str]:
    values: dict[str, str] = {}
    for pair in filter(None, (part.strip() for part in sent.split(","))):
        key, _, encoded = pair.partition(" ")
        try:
            value = base64.b64decode(encoded, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise _malformed(
                "Upload-Metadata phải gồm các cặp tên và giá trị base64 (UTF-8)",
                "Upload-Metadata must hold pairs of a name and a base64 value (UTF-8)",
            ) from error
        if key in values:
            raise _malformed("Upload-Metadata có một tên hai lần", "Upload-Metadata has a name twice")
        values[key] = value
    return values


def _malformed(vi: str, en: str) -> Refusal:
    return Refusal("malformed", vi=f"{vi}; hãy sửa rồi gửi lại.", en=f"{en}; correct it and send it again.")
