"""Examples of a contract from those of an OpenAPI document, so that the first `adapter try` asks for something that the system has."""

from typing import Any

from lgsp_adapters.scaffolding.openapi.shapes import MISSING, JsonText, Node, Record, Sequence, Value, schema
from lgsp_contracts import exact_json
from lgsp_contracts.samples import samples
from lgsp_contracts.schemas import Schema


def example(node: Record, name: str, *, complete: bool) -> Any:
    """Return an example of a document: the values of the description, and generated ones where it has none.

    Args:
        complete: generate optional fields too.

    Returns:
        None, where no valid document can be generated.
    """
    rules = Schema(schema(node), name)
    generated = list(samples(rules, 3))
    if complete:
        generated.reverse()
    candidates = [_with_described_values(node, document) for document in generated[:1]] + generated
    return next((candidate for candidate in candidates if rules.is_valid(candidate)), None)


def _with_described_values(node: Node, generated: Any) -> Any:
    """Replace generated values by those of the description."""
    described = _converted(node, node.example)
    if described is not MISSING:
        return described
    if isinstance(node, Record):
        document = dict(generated) if isinstance(generated, dict) else {}
        for part in node.fields:
            value = _with_described_values(part.node, document.get(part.name, MISSING))
            if value is not MISSING and value != {}:
                document[part.name] = value
        return document
    if isinstance(node, Sequence):
        item = _with_described_values(node.item, MISSING)
        return generated if item in (MISSING, {}) else [item]
    return generated


def _converted(node: Node, value: Any) -> Any:
    """Convert an example to the contract's names; `MISSING` where it does not have the declared form."""
    if value is MISSING or value is None:
        return MISSING
    if isinstance(node, JsonText):
        return exact_json.dumps(value).decode()
    if isinstance(node, Sequence) and isinstance(value, list):
        items = [_converted(node.item, item) for item in value]
        return MISSING if MISSING in items else items
    if isinstance(node, Record) and isinstance(value, dict):
        pairs = ((part.name, _converted(part.node, value.get(part.source, MISSING))) for part in node.fields)
        return {name: item for name, item in pairs if item is not MISSING}
    return value if isinstance(node, Value) and not isinstance(value, dict | list) else MISSING
