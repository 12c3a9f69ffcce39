"""The variables that a manifest's expressions have after the system has answered, made of a file with an answer instead of a system.

A connector whose answers are more than a document or rows has `answer_variables(manifest, operation, content, status)` in its `connector.py`.
"""

from collections.abc import Mapping
from typing import Any

from lgsp_adapters import connector_folders
from lgsp_adapters.adapter import UpstreamFailed
from lgsp_adapters.connectors.manifest_keys import root_schema
from lgsp_adapters.manifest import Manifest
from lgsp_adapters.mapping.expressions import drop_absent
from lgsp_adapters.mapping.parsing_functions import document_of
from lgsp_adapters.mapping.unmappable import MappingError
from lgsp_adapters.mapping.xml_documents import document, tree
from lgsp_adapters.upstream.response import Response
from lgsp_problems import Refusal

ROWS = ("row", "rows")


def variables(manifest: Manifest, operation: str, content: bytes, status: int) -> dict[str, Any]:
    """Make the variables of an answer.

    Args:
        content: JSON, or XML; for a connector that reads rows, a JSON array of them, one row, or an object with an array for each of its queries.
        status: of HTTP.

    Raises:
        Refusal: `invalid-document`, when it is neither JSON nor XML.
    """
    own = getattr(connector_folders.module(manifest.kind), "answer_variables", None)
    try:
        if own is not None:
            made: dict[str, Any] = own(manifest, operation, content, status)
            return made
        parsed = _document(content)
    except (ValueError, MappingError, UpstreamFailed) as error:
        raise Refusal(
            "invalid-document",
            vi="Tệp câu trả lời không phải JSON hay XML mà bộ kết nối đọc được; hãy lưu nguyên văn câu trả lời của hệ thống.",
            en=f"The file is no answer that the connector can read ({error}); save the system's answer as it is.",
        ) from error
    if any(name in ROWS for names in root_schema(manifest.kind)[0].get("variables", {}).values() for name in names):
        return _rows(parsed, manifest.operations.get(operation, {}))
    return {"answer": parsed, "status": status, "items": []}


def _document(content: bytes) -> Any:
    """Parse JSON or XML, as an answer is parsed.

    Raises:
        ValueError, MappingError: it is neither.
    """
    if content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<":
        return document(tree(content))
    text = Response(200, content).text().strip().lstrip("\ufeff")
    return document_of(text) if text else None


def _rows(parsed: Any, operation: Mapping[str, Any]) -> dict[str, Any]:
    named = operation.get("with", {})
    if isinstance(parsed, dict) and (set(parsed) & {*named, "rows"}):
        queries = {name: drop_absent(parsed.get(name) or []) for name in named}
        rows = parsed.get("rows") or []
    else:
        queries = {name: [] for name in named}
        rows = parsed if isinstance(parsed, list) else [parsed] if parsed is not None else []
    return {**queries, "rows": drop_absent(rows), "row": drop_absent(rows[0]) if rows else None}
