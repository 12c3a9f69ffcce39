"""References (`$ref`) of OpenAPI documents: which other documents they need, and all of them in one document.

Resolved here and not by a library: a reference of OpenAPI 3.0 is a URI with a JSON Pointer, without the `$id` and the anchors of JSON Schema that
`referencing` and its kin exist for, and the drafts need to see each reference to end those that form a cycle.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote, urldefrag, urljoin

from lgsp_contracts import pointers
from lgsp_problems import Refusal

Document = dict[str, Any]
EMBEDDED = "x-embedded-documents"
"""The key under which a bundled document holds the documents that it refers to."""


def referenced_documents(document: Any, address: str) -> set[str]:
    """Collect the addresses of the other documents that a document refers to."""
    return {urldefrag(urljoin(address, reference)).url for reference in _references(document)} - {address}


def bundle(root: str, documents: Mapping[str, Any]) -> Document:
    """Put documents into the root document, so that every reference points inside it.

    Args:
        root: the address of the root document.
        documents: the parsed documents by their addresses.
    """
    others = [address for address in documents if address != root]
    positions = {root: "", **{address: f"/{EMBEDDED}/{number}" for number, address in enumerate(others)}}

    def localized(address: str) -> Any:
        def rewrite(reference: str) -> str:
            target = urldefrag(urljoin(address, reference))
            return f"#{positions[target.url]}{target.fragment}" if target.url in positions else reference

        return _rewritten(documents[address], rewrite)

    bundled = localized(root)
    return {**bundled, EMBEDDED: {str(number): localized(address) for number, address in enumerate(others)}}


def resolve(root: Document, reference: str) -> Any:
    """Return what a reference points to.

    Raises:
        Refusal: `invalid-document`, when it points to nothing.
    """
    found: Any = root
    try:
        if not reference.startswith("#"):
            raise KeyError(reference)
        for part in pointers.split(unquote(reference[1:])):
            found = found[int(part)] if isinstance(found, list) else found[part]
    except (KeyError, IndexError, ValueError, TypeError) as error:
        raise Refusal(
            "invalid-document",
            vi=f"Tài liệu OpenAPI trỏ tới {reference!r} nhưng không có gì ở đó; hãy sửa hoặc bổ sung phần ấy.",
            en=f"The OpenAPI document refers to {reference!r}, where nothing is; correct the reference or add what it names.",
        ) from error
    return found


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for part in value.values():
            yield from _references(part)
    elif isinstance(value, list):
        for part in value:
            yield from _references(part)


def _rewritten(value: Any, rewrite: Callable[[str], str]) -> Any:
    if isinstance(value, list):
        return [_rewritten(part, rewrite) for part in value]
    if not isinstance(value, dict):
        return value
    return {
        key: rewrite(part) if key == "$ref" and isinstance(part, str) else _rewritten(part, rewrite)
        for key, part in value.items()
    }
