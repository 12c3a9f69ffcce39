"""The body of a request as a manifest describes it: JSON, a form, a form with files, or bytes.

A body is made in one piece before the request is sent, since a signature may be made of it. (aiohttp writes a form with files only
while it is being sent.) Files stand in a contract's documents as base64, or as references of files of the bus, which are sent in pieces.
"""

import base64
import binascii
import re
import secrets
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlencode

from lgsp_adapters.mapping.budget import BYTES, spend
from lgsp_adapters.mapping.expressions import Scope, Template
from lgsp_adapters.mapping.numbers import text_of
from lgsp_adapters.mapping.unmappable import MappingError
from lgsp_adapters.upstream.request_values import query_value, query_values
from lgsp_contracts import exact_json
from lgsp_contracts.file_references import PREFIX
from lgsp_contracts.source_location import SourceLocation

KINDS = ("body", "form", "multipart", "raw")
_QUOTED = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})
"""How browsers write what would end the name of a part (HTML, multipart form data)."""
FILE = "file"
"""The encoding whose content is the reference of a file."""
_WHITE_SPACE = re.compile(r"\s+")


def quoted(text: str) -> str:
    """Write a text so that it can stand within the quotes of a part's head."""
    return text.translate(_QUOTED)


class FilePart(NamedTuple):
    """A file of the bus in a body: sent in pieces, when the request is sent.

    Args:
        reference: of the file.
        head: of its part in a form, to which the file's own name and type are added where the manifest gives none; None for a raw body.
        has_name, has_type: whether the head has them.
    """

    reference: str
    head: str | None = None
    has_name: bool = False
    has_type: bool = False


class Body(NamedTuple):
    """A body as it is sent, and its media type; a list where files of the bus are in it."""

    content: bytes | list[bytes | FilePart]
    media_type: str


class BodyTemplate(Protocol):
    """Makes the body of each request."""

    template: Template
    """The template that says where a value came from that cannot be sent."""

    def __call__(self, scope: Scope) -> Body:
        """Make the body for these variables.

        Raises:
            MappingError: a value cannot be sent.
        """


def body_template(document: Mapping[str, Any], location: SourceLocation, names: tuple[str, ...]) -> BodyTemplate | None:
    """Compile the body of a request; None where it has none.

    Raises:
        Refusal: `invalid-document`, when there is more than one.
    """
    kinds = [kind for kind in KINDS if kind in document]
    if len(kinds) > 1:
        named = " + ".join(kinds)
        raise location.refusal(
            f"một yêu cầu chỉ có một thân; hãy chọn một trong: {named}",
            f"a request has one body; keep one of: {named}",
        )
    return next((_TEMPLATES[kind](document[kind], location / kind, names) for kind in kinds), None)


def body_expressions(document: Mapping[str, Any]) -> list[Any]:
    """List the mappings and expressions in the body of a request, without what a manifest says literally, such as media types."""
    parts = [part for kind in ("raw", "multipart") if kind in document for part in _parts_of(kind, document[kind])]
    of_files = [
        part[key] for part in parts if isinstance(part, Mapping) for key in ("content", "filename") if key in part
    ]
    plain = [part for part in parts if not isinstance(part, Mapping)]
    return [*(document[kind] for kind in ("body", "form") if kind in document), *of_files, *plain]


def _parts_of(kind: str, document: Mapping[str, Any]) -> list[Any]:
    return [document] if kind == "raw" else list(document.values())


class _Json:
    def __init__(self, document: Any, location: SourceLocation, names: tuple[str, ...]) -> None:
        self.template = Template(document, location, names)

    def __call__(self, scope: Scope) -> Body:
        return Body(exact_json.dumps(self.template(scope)), "application/json")


class _Form:
    def __init__(self, document: Any, location: SourceLocation, names: tuple[str, ...]) -> None:
        self.template = Template(document, location, names)

    def __call__(self, scope: Scope) -> Body:
        fields = {name: query_values(value) for name, value in (self.template(scope) or {}).items()}
        return Body(urlencode(fields, doseq=True).encode(), "application/x-www-form-urlencoded")


class _Raw:
    """Bytes of a media type that the manifest names."""

    def __init__(self, document: Mapping[str, Any], location: SourceLocation, names: tuple[str, ...]) -> None:
        self.template = Template(document["content"], location / "content", names)
        self._encoding: str = document.get("encoding", "base64")
        self._media_type: str = document["type"]

    def __call__(self, scope: Scope) -> Body:
        value = self.template(scope)
        if self._encoding == FILE:
            return Body([FilePart(_reference(value))], self._media_type)
        return Body(_bytes_of(value, self._encoding), self._media_type)


class _Multipart:
    """A form with files (RFC 7578), its parts in the order of the manifest."""

    def __init__(self, document: Mapping[str, Any], location: SourceLocation, names: tuple[str, ...]) -> None:
        self._files = {name: part for name, part in document.items() if isinstance(part, Mapping)}
        self._whole = {name for name, part in self._files.items() if part.get("encoding") != FILE}
        """Parts whose value is one text; of those with files, a list is a part for each file."""
        contents = {name: part["content"] if name in self._files else part for name, part in document.items()}
        filenames = {name: part["filename"] for name, part in self._files.items() if "filename" in part}
        self.template = Template(contents, location, names)
        self._filenames = Template(filenames, location, names)

    def __call__(self, scope: Scope) -> Body:
        contents, filenames = self.template(scope) or {}, self._filenames(scope) or {}
        boundary = f"lgsp-{secrets.token_hex(16)}"
        parts: list[bytes | FilePart] = []
        for name, value in contents.items():
            for item in value if isinstance(value, list) and name not in self._whole else [value]:
                head, content = self._part(name, item, filenames.get(name))
                if isinstance(content, FilePart):
                    parts += [f"--{boundary}\r\n".encode(), content, b"\r\n"]
                else:
                    parts.append(f"--{boundary}\r\n{head}\r\n".encode() + content + b"\r\n")
        parts.append(f"--{boundary}--\r\n".encode())
        plain = [part for part in parts if isinstance(part, bytes)]
        whole = b"".join(plain) if len(plain) == len(parts) else parts
        return Body(whole, f"multipart/form-data; boundary={boundary}")

    def _part(self, name: str, value: Any, filename: Any) -> tuple[str, bytes | FilePart]:
        head = f'Content-Disposition: form-data; name="{quoted(name)}"'
        file = self._files.get(name)
        if file is None:
            return f"{head}\r\n", query_value(value).encode()
        if filename is not None:
            head += f'; filename="{quoted(query_value(filename))}"'
        if file.get("encoding") == FILE:
            if "type" in file:
                head += f"\r\nContent-Type: {file['type']}"
            return "", FilePart(_reference(value), head, filename is not None, "type" in file)
        content = _bytes_of(value, file.get("encoding", "base64"))
        return f"{head}\r\nContent-Type: {file.get('type', 'application/octet-stream')}\r\n", content


_TEMPLATES: dict[str, Callable[[Any, SourceLocation, tuple[str, ...]], BodyTemplate]] = {
    "body": _Json,
    "form": _Form,
    "multipart": _Multipart,
    "raw": _Raw,
}


def sends_files(document: Mapping[str, Any]) -> bool:
    """Tell whether a request sends files of the bus in its body, in pieces."""
    parts = [part for kind in ("raw", "multipart") if kind in document for part in _parts_of(kind, document[kind])]
    return any(isinstance(part, Mapping) and part.get("encoding") == FILE for part in parts)


def _reference(value: Any) -> str:
    if not isinstance(value, str) or not value.startswith(PREFIX):
        raise MappingError("a value is not the reference of a file (/files/…), which encoding: file sends")
    return value


def _bytes_of(value: Any, encoding: str) -> bytes:
    text = "" if value is None else text_of(value)
    spend(len(text) // BYTES)
    if encoding == "text":
        return text.encode()
    try:
        return base64.b64decode(_WHITE_SPACE.sub("", text), validate=True)
    except (binascii.Error, ValueError) as error:
        raise MappingError("a value is not base64; write encoding: text if it is to be sent as it is") from error
