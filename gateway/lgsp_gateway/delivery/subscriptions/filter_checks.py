"""What can be said of a filter before any event: whether its fields exist and are shown, and whether it compares values of one type.

Only what the schema says plainly is checked. What lies behind a reference or a choice of schemas is left to the events themselves.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from lgsp_contracts.projection import Projection
from lgsp_gateway.delivery.subscriptions.filter import Filter, Node
from lgsp_problems import Refusal

_JSON_TYPES = ((bool, "boolean"), (int, "number"), (float, "number"), (str, "string"), (list, "array"))
_ORDERINGS = ("lt", "lte", "gt", "gte")


def check_fields(filter_: Filter, event: str, schema: Mapping[str, Any], projection: Projection) -> None:
    """Check a filter against an event that it is for.

    Args:
        event: its name.
        schema: of its data.
        projection: what the grant shows of it.

    Raises:
        Refusal: `malformed`.
    """
    for path in _field_paths(filter_.tree):
        if not _is_shown(path, projection):
            raise Refusal(
                "malformed",
                vi=f"Bộ lọc dùng trường {_pointer(path)}, mà quyền của bạn không cho xem ở sự kiện {event}; hãy bỏ trường đó hoặc đề nghị cấp thêm.",
                en=f"The filter uses the field {_pointer(path)}, which your grant does not show of the event {event}; leave it out, or request it.",
            )
        if _type_at(path, schema) is None:
            raise Refusal(
                "malformed",
                vi=f"Bộ lọc dùng trường {_pointer(path)}, mà dữ liệu của sự kiện {event} không có; hãy xem hợp đồng của dịch vụ.",
                en=f"The filter uses the field {_pointer(path)}, which the data of the event {event} does not have; see the contract.",
            )
    for node in _comparators(filter_.tree):
        _check_comparator(node, event, schema)


def _check_comparator(node: Node, event: str, schema: Mapping[str, Any]) -> None:
    operator, sides = node["value"], node["children"]
    for field, other in (sides, sides[::-1]):
        path = _path_of(field)
        declared = _type_at(path, schema) if path else ""
        if declared and operator in _ORDERINGS and declared != "number":
            raise Refusal(
                "malformed",
                vi=f"Bộ lọc so sánh lớn nhỏ trường {_pointer(path)} của sự kiện {event}; JMESPath chỉ so lớn nhỏ các số, trường này thuộc loại {declared}.",
                en=f"The filter orders the field {_pointer(path)} of the event {event}; JMESPath orders numbers alone, and the field is of type {declared}.",
            )
        literal = _literal_type(other)
        if declared and literal and declared != literal:
            raise Refusal(
                "malformed",
                vi=f"Bộ lọc so sánh trường {_pointer(path)} (loại {declared}) với giá trị loại {literal}; hãy viết giá trị đúng loại: 'chuỗi', `12`, `true`.",
                en=f"The filter compares the field {_pointer(path)} (type {declared}) with a value of type {literal}; write one of its type: 'text', `12`, `true`.",
            )


def _field_paths(node: Node) -> Iterator[tuple[str, ...]]:
    """Iterate over the paths of fields that begin at the document itself; those within projections are left to the events."""
    path = _path_of(node)
    if path:
        yield path
        return
    kind, children = node["type"], [child for child in node.get("children", ()) if isinstance(child, dict)]
    if kind in ("subexpression", "pipe", "projection", "value_projection", "filter_projection", "index_expression"):
        children = children[:1]  # what follows looks into what the first part leads to
    for child in children:
        yield from _field_paths(child)


def _comparators(node: Node) -> Iterator[Node]:
    if node["type"] == "comparator":
        yield node
    if node["type"] in ("and_expression", "or_expression", "not_expression"):
        for child in node["children"]:
            yield from _comparators(child)


def _path_of(node: Node) -> tuple[str, ...]:
    """Return the fields of a plain path such as `cha.hoVaTen`; empty of everything else."""
    if node["type"] == "field":
        return (node["value"],)
    if node["type"] == "subexpression":
        parts = [_path_of(child) for child in node["children"]]
        return tuple(name for part in parts for name in part) if all(parts) else ()
    return ()


def _is_shown(path: tuple[str, ...], projection: Projection) -> bool:
    document: Any = {}
    for name in reversed(path):
        document = {name: document}
    shown = projection.apply(document)
    for name in path:
        if not isinstance(shown, dict) or name not in shown:
            return False
        shown = shown[name]
    return True


def _type_at(path: tuple[str, ...], schema: Any) -> str | None:
    """Return the JSON type of a field ("number" also of integers); "" where the schema does not say it plainly, None where it has no
    such field."""
    for name in path:
        properties = schema.get("properties") if isinstance(schema, Mapping) else None
        if not isinstance(properties, Mapping) or "$ref" in schema:
            return ""
        if name not in properties:
            is_closed = schema.get("additionalProperties") is False and "patternProperties" not in schema
            return None if is_closed else ""
        schema = properties[name]
    declared = schema.get("type") if isinstance(schema, Mapping) else None
    return {"integer": "number"}.get(declared, declared) if isinstance(declared, str) else ""


def _literal_type(node: Node) -> str:
    if node["type"] != "literal":
        return ""
    return next((name for kind, name in _JSON_TYPES if isinstance(node["value"], kind)), "")


def _pointer(path: tuple[str, ...]) -> str:
    return ".".join(path)
