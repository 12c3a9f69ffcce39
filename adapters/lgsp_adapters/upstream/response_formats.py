"""What the variable `answer` is made of: a document (JSON or XML), the text, the bytes in base64, or the parts of a multipart answer.

response: {as: base64, types: [application/pdf]}
"""

import base64
from collections.abc import Callable, Mapping
from email import message_from_bytes
from email.message import Message
from functools import partial
from typing import Any

from lgsp_adapters.mapping.budget import BYTES, spend
from lgsp_adapters.text.charset_detection import UndecodableError, decode
from lgsp_adapters.upstream.response import Response
from lgsp_adapters.upstream.response_documents import parse_document, parse_document_or_none

MAX_BASE64_BYTES = 2_900_000
"""Bytes that fit into a message of the bus in base64, with a document around them."""


MAX_DEPTH = 8
"""Levels of parts in parts; a deeper part is read as a file. The parser looks at the boundary of each level for every line."""


class _Part(Message):
    """A message or a part of one, in which parts are told apart down to `MAX_DEPTH`."""

    depth = 0

    def attach(self, payload: Any) -> None:
        """Add a part."""
        payload.depth = self.depth + 1
        super().attach(payload)

    def get_content_maintype(self) -> str:
        """Return the type by which the parser decides whether there are parts inside."""
        return super().get_content_maintype() if self.depth < MAX_DEPTH else "application"


class ResponseFormat:
    """The format of the responses of an operation.

    Args:
        document: `response` of the operation.
        max_base64: bytes that may stand in the answer as base64; more where they become files of the bus.
    """

    def __init__(self, document: Mapping[str, Any], max_base64: int = MAX_BASE64_BYTES) -> None:
        readers: dict[str, Callable[[Response], Any]] = {
            "document": parse_document,
            "text": _text,
            "base64": partial(_base64, most=max_base64),
            "multipart": partial(_parts, most=max_base64),
            "file": _stored,
        }
        self._read = readers[document.get("as", "document")]
        self._types = {media_type.lower() for media_type in document.get("types", ())}

    def read(self, response: Response) -> Any:
        """Return the value of `answer`; of an error, the document in it or null.

        Raises:
            UpstreamFailed: the response has a good status and is not in the format.
        """
        if not response.is_success:
            return parse_document_or_none(response)
        if self._types and response.media_type not in self._types:
            raise response.failed(
                "unintelligible", f"HTTP {response.status}: the media type is none of {', '.join(sorted(self._types))}"
            )
        return self._read(response)


def _text(response: Response) -> str:
    spend(len(response.content) // BYTES)
    try:
        return response.text()
    except UndecodableError as error:
        raise response.failed("unintelligible", "the answer is no text in the character set that it names") from error


def _base64(response: Response, most: int) -> str | None:
    return _encoded(response.content, response, most) if response.content else None


def _stored(response: Response) -> dict[str, Any] | None:
    """Return the file that the body became, as `{file, name, type, size}`."""
    file = response.stored
    if file is None:
        return None
    return {"file": file.reference, "name": file.name or None, "type": file.media_type, "size": file.size}


def _parts(response: Response, most: int) -> dict[str, Any]:
    """Return the parts by their names: texts, and files as `{filename, type, content}` with their content in base64."""
    spend(len(response.content) // BYTES + response.content.count(b"\n") + response.content.count(b"\r"))
    whole = message_from_bytes(
        f"Content-Type: {response.content_type}\r\n\r\n".encode() + response.content, _class=_Part
    )
    if not whole.is_multipart():
        raise response.failed("unintelligible", "the answer is not multipart, or its parts cannot be told apart")
    parts: dict[str, Any] = {}
    for number, part in enumerate(whole.walk()):
        content = part.get_payload(decode=True)
        if part.is_multipart() or not isinstance(content, bytes):
            continue
        name = part.get_param("name", None, "Content-Disposition") or part.get("Content-ID", "").strip("<> ")
        filename, media_type = part.get_filename(), part.get_content_type()
        if filename is None and part.get("Content-Type", "text/plain").lower().startswith("text/"):
            value: Any = _decoded(content, part.get_content_charset(""), response)
        else:
            value = {"filename": filename, "type": media_type, "content": _encoded(content, response, most)}
        parts[str(name or number)] = value
    return parts


def _decoded(content: bytes, charset: str, response: Response) -> str:
    try:
        return decode(content, charset)
    except UndecodableError as error:
        raise response.failed("unintelligible", "a part is no text in the character set that it names") from error


def _encoded(content: bytes, response: Response, most: int) -> str:
    if len(content) > most:
        raise response.failed("unintelligible", f"more than {most} bytes, which the bus does not carry in base64")
    spend(len(content) // BYTES)
    return base64.b64encode(content).decode()
