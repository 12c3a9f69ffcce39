"""What an OpenAPI document says of a value, as far as contract and mapping need it: one tree for both.

    {"ho_ten": "An", "con": [{"ten": "Bình"}], "extra": {…}}        the system
    {"hoTen": "An", "con": [{"ten": "Bình"}], "extra": "{…}"}       the contract

Fields get the contract's spelling. An object without declared properties, a type that contains itself, and a choice between documents have no
closed schema: they are JSON in a string.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from lgsp_adapters.scaffolding.manifests import quoted_field
from lgsp_contracts.tooling import drafts

Document = dict[str, Any]


class _Missing:
    """No value, where null would be one."""


MISSING = _Missing()


@dataclass(frozen=True, slots=True)
class Value:
    """A string, a number or a boolean, with its keywords of JSON Schema."""

    keywords: Document
    nullable: bool = False
    example: Any = MISSING
    is_file: bool = False
    """The string is a file: base64 in the contract."""


@dataclass(frozen=True, slots=True)
class JsonText:
    """A document without a closed schema: JSON in a string."""

    description: str = ""
    nullable: bool = False
    example: Any = MISSING


@dataclass(frozen=True, slots=True)
class Sequence:
    """An array."""

    item: "Node"
    keywords: Document = field(default_factory=dict)
    nullable: bool = False
    example: Any = MISSING


@dataclass(frozen=True, slots=True)
class Field:
    """A field: its name in the contract and at the system."""

    name: str
    source: str
    node: "Node"
    required: bool


@dataclass(frozen=True, slots=True)
class Record:
    """An object with declared properties."""

    fields: tuple[Field, ...]
    nullable: bool = False
    example: Any = MISSING


Node = Value | JsonText | Sequence | Record


def named(parts: Iterable[tuple[str, Node, bool]], taken: Iterable[str] = ()) -> tuple[Field, ...]:
    """Make fields with names that differ from each other and from those that are taken."""
    names = set(taken)
    fields = []
    for source, node, required in parts:
        name = unique(drafts.camel(source), names)
        names.add(name)
        fields.append(Field(name, source, node, required and not node.nullable))
    return tuple(fields)


def unique(name: str, taken: Iterable[str]) -> str:
    """Return the name, with a number behind it where it is taken."""
    others = set(taken)
    return next(
        candidate
        for number in range(1, len(others) + 2)
        if (candidate := name if number == 1 else f"{name}{number}") not in others
    )


def schema(node: Node) -> Document:
    """Write the schema of the contract."""
    if isinstance(node, Value):
        return dict(node.keywords)
    if isinstance(node, JsonText):
        return {"type": "string", "description": node.description or "JSON"}
    if isinstance(node, Sequence):
        return {"type": "array", **node.keywords, "items": schema(node.item)}
    return {
        "type": "object",
        "required": [part.name for part in node.fields if part.required and _is_never_empty(part.node)],
        "additionalProperties": False,
        "properties": {part.name: schema(part.node) for part in node.fields},
    }


def _is_never_empty(node: Node) -> bool:
    """Tell whether a mapping keeps the value: it leaves out an object that ends up empty."""
    return not isinstance(node, Record) or any(part.required and _is_never_empty(part.node) for part in node.fields)


def request_mapping(node: Node, root: str) -> Any:
    """Write the mapping from the contract's request to what the system expects."""

    def leaf(value: Value | JsonText, expression: str) -> str:
        return expression if isinstance(value, Value) else f"parse_json({expression})"

    return _mapping(node, root, leaf, lambda part: (part.source, part.name))


def answer_mapping(node: Node, root: str) -> Any:
    """Write the mapping from the system's answer to the contract's response."""

    def leaf(value: Value | JsonText, expression: str) -> str:
        if isinstance(value, JsonText):
            return f"json({expression})"
        return f"instant({expression})" if value.keywords.get("format") == "date-time" else expression

    return _mapping(node, root, leaf, lambda part: (part.name, part.source))


def _mapping(
    node: Node, root: str, leaf: Callable[[Value | JsonText, str], str], names: Callable[[Field], tuple[str, str]]
) -> Any:
    if isinstance(node, Value | JsonText):
        return leaf(node, root)
    if isinstance(node, Sequence):
        item = _mapping(node.item, "item", leaf, names)
        return root if item == "item" else {"$each": root, "$as": item}
    fields = {}
    for part in node.fields:
        written, read = names(part)
        fields[written] = _mapping(part.node, f"{root}.{quoted_field(read)}", leaf, names)
    return fields


def find_field(record: Record, name: str) -> Field | None:
    """Find a field by its name in the contract."""
    return next((part for part in record.fields if part.name == name), None)


def walk(node: Node) -> Iterator[Node]:
    """Iterate over a node and all nodes below it."""
    yield node
    if isinstance(node, Sequence):
        yield from walk(node.item)
    elif isinstance(node, Record):
        for part in node.fields:
            yield from walk(part.node)
