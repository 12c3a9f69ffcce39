"""Reads an OpenAPI document for `lgsp contract import openapi`: from a file or an address, with what it refers to, in one document."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit
from urllib.request import url2pathname

from lgsp_adapters.cli import description_fetcher
from lgsp_adapters.cli.description_fetcher import Access
from lgsp_adapters.scaffolding.openapi.parsing import parse
from lgsp_adapters.scaffolding.openapi.references import bundle, referenced_documents
from lgsp_problems import Refusal


@dataclass(frozen=True, slots=True)
class OpenApiDocument:
    """An OpenAPI document without references to others."""

    document: Any
    address: str = ""
    """Where it was downloaded from; "" for a file."""
    discovered: Mapping[str, Any] = field(default_factory=dict)
    """OpenID Connect discovery documents by their addresses."""


def read_openapi(name: str, access: Access) -> OpenApiDocument:
    """Read an OpenAPI document and the documents that it refers to.

    Args:
        name: a path, or an address with http or https.

    Raises:
        Refusal: `invalid-document`.
    """
    if not description_fetcher.is_url(name):
        root = Path(name).resolve()
        return OpenApiDocument(bundle(root.as_uri(), _files(root)))
    texts = description_fetcher.download(name, access, _addresses)
    documents = {address: parse(text, address) for address, text in texts.items()}
    discovery = {
        address: documents.pop(address)
        for address in _discovery_addresses(documents[name], name)
        if address in documents
    }
    return OpenApiDocument(bundle(name, documents), name, discovery)


def _addresses(text: bytes, address: str) -> Iterator[str]:
    document = parse(text, address)
    yield from referenced_documents(document, address)
    yield from _discovery_addresses(document, address)


def _discovery_addresses(document: Any, address: str) -> list[str]:
    """List the discovery documents of OpenID Connect, which name the token endpoint."""
    components = document.get("components") if isinstance(document, dict) else None
    schemes = (components or {}).get("securitySchemes") or {}
    return [
        urljoin(address, scheme["openIdConnectUrl"])
        for scheme in schemes.values()
        if isinstance(scheme, dict) and isinstance(scheme.get("openIdConnectUrl"), str)
    ]


def _files(root: Path) -> dict[str, Any]:
    read: dict[str, Any] = {}
    waiting = [root]
    while waiting:
        path = waiting.pop()
        if path.as_uri() in read:
            continue
        try:
            document = read[path.as_uri()] = parse(path.read_bytes(), str(path))
        except OSError as error:
            raise Refusal(
                "invalid-document", vi=f"{path}: không đọc được: {error}.", en=f"{path}: cannot be read: {error}."
            ) from error
        for address in sorted(referenced_documents(document, path.as_uri())):
            referenced = Path(url2pathname(urlsplit(address).path))
            if urlsplit(address).scheme != "file" or not referenced.resolve().is_relative_to(root.parent):
                raise Refusal(
                    "invalid-document",
                    vi=f"{path}: tài liệu dẫn tới {address}; hãy lưu tệp ấy trong cùng thư mục và sửa $ref.",
                    en=f"{path}: it refers to {address}; save that file in the same folder and correct the $ref.",
                )
            waiting.append(referenced)
    return read
