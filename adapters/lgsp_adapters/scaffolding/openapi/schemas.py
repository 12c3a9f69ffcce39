"""Reads schemas of OpenAPI 3.0 and 3.1 into shapes (`shapes.py`): references, `allOf`, choices, and what only one direction sends."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from lgsp_adapters.errors import AdapterError
from lgsp_adapters.scaffolding.openapi import references
from lgsp_adapters.scaffolding.openapi.keywords import value_keywords, with_identity_format
from lgsp_adapters.scaffolding.openapi.shapes import MISSING, JsonText, Node, Record, Sequence, Value, named, schema

Document = dict[str, Any]
Direction = Literal["request", "response"]

MAX_DEPTH = 10
"""Levels of fields that are followed; deeper ones are JSON in a string."""
MAX_STEPS = 20_000
"""Schemas that are read for one request or response: references multiply."""
_NOT_SENT = {"request": "readOnly", "response": "writeOnly"}


class _EndlessError(AdapterError):
    """A type contains itself, or too much."""


@dataclass(slots=True)
class _Part:
    """A schema, with the references that led to it."""

    schema: Any
    trail: tuple[str, ...] = ()


@dataclass(slots=True)
class _Flat:
    """A schema without references and `allOf`."""

    keywords: Document = field(default_factory=dict)
    properties: dict[str, _Part] = field(default_factory=dict)
    required: list[str] = field(default_factory=list)
    items: _Part | None = None
    choices: list["_Flat"] = field(default_factory=list)
    nullable: bool = False

    @property
    def is_record(self) -> bool:
        return bool(self.properties) or "object" in _types(self.keywords)


class SchemaReader:
    """Reads the schemas of one request or response."""

    def __init__(self, root: Document, direction: Direction) -> None:
        self._root = root
        self._direction = direction
        self._steps = 0

    def read(self, schema_document: Any) -> Node:
        """Read a schema.

        Raises:
            Refusal: `invalid-document`, when a reference points to nothing.
        """
        return self._read(_Part(schema_document), 0)

    def _read(self, part: _Part, depth: int) -> Node:
        try:
            return self._node(self._flatten(part), depth)
        except _EndlessError:
            return JsonText(_description(part.schema))

    def _node(self, flat: _Flat, depth: int) -> Node:
        example = _example(flat.keywords)
        if flat.choices:
            return self._choice(flat, depth)
        if depth >= MAX_DEPTH and (flat.is_record or flat.items):
            raise _EndlessError
        if flat.properties:
            record = Record(named(self._fields(flat, depth)), flat.nullable, example)
            return record if record.fields else JsonText(_description(flat.keywords), flat.nullable)
        if (
            flat.keywords.get("format") == "binary"
            or "file" in _types(flat.keywords)
            or "contentMediaType" in flat.keywords
        ):
            return Value({"type": "string", "description": "base64"}, flat.nullable, is_file=True)
        if flat.items or "array" in _types(flat.keywords):
            limits: Document = {name: flat.keywords[name] for name in ("minItems", "maxItems") if name in flat.keywords}
            return Sequence(self._read(flat.items or _Part({}), depth + 1), limits, flat.nullable, example)
        keywords = None if flat.is_record else value_keywords(flat.keywords)
        if keywords is None:
            return JsonText(_description(flat.keywords), flat.nullable, example)
        return Value(keywords, flat.nullable or _has_empty_choice(flat.keywords), example)

    def _fields(self, flat: _Flat, depth: int) -> Iterable[tuple[str, Node, bool]]:
        for name, part in flat.properties.items():
            try:
                property_flat = self._flatten(part)
                if property_flat.keywords.get(_NOT_SENT[self._direction]):
                    continue
                node = self._node(property_flat, depth + 1)
            except _EndlessError:
                node = JsonText(_description(part.schema))
            yield name, with_identity_format(name, node), name in flat.required

    def _choice(self, flat: _Flat, depth: int) -> Node:
        """Read a choice: between documents their union, between values any of them."""
        if all(choice.is_record and not choice.choices for choice in flat.choices):
            union = _Flat(nullable=flat.nullable, keywords=flat.keywords)
            for choice in flat.choices:
                for name, part in choice.properties.items():
                    known = union.properties.get(name)
                    if known is None or known.schema == part.schema:
                        union.properties[name] = part
                    else:
                        union.properties[name] = _Part({"anyOf": [known.schema, part.schema]}, part.trail)
            in_all = [set(choice.required) for choice in flat.choices]
            union.required = [*flat.required, *set.intersection(*in_all)]
            union.properties = {**flat.properties, **union.properties}
            return self._node(union, depth)
        nodes = [self._node(choice, depth + 1) for choice in flat.choices]
        if all(isinstance(node, Value) for node in nodes):
            schemas: list[Document] = []
            for node in nodes:
                if schema(node) not in schemas:
                    schemas.append(schema(node))
            nullable = flat.nullable or any(node.nullable for node in nodes)
            keywords = schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
            return Value(keywords, nullable, _example(flat.keywords))
        return JsonText(_description(flat.keywords), flat.nullable, _example(flat.keywords))

    def _flatten(self, part: _Part) -> _Flat:
        self._steps += 1
        if self._steps > MAX_STEPS:
            raise _EndlessError
        source = part.schema
        if not isinstance(source, dict):
            return _Flat()
        reference = source.get("$ref")
        if isinstance(reference, str):
            if reference in part.trail:
                raise _EndlessError
            target = self._flatten(_Part(references.resolve(self._root, reference), (*part.trail, reference)))
            siblings = {name: value for name, value in source.items() if name != "$ref"}
            return _merged(target, self._flatten(_Part(siblings, part.trail))) if siblings else target
        bases = _Flat()
        for base in source.get("allOf") or []:
            bases = _merged(bases, self._flatten(_Part(base, part.trail)))
        flat = _merged(bases, _own(source, part.trail))
        for key in ("oneOf", "anyOf"):
            flat = self._with_choices(flat, source.get(key) or [], part.trail)
        return flat

    def _with_choices(self, flat: _Flat, choices: list[Any], trail: tuple[str, ...]) -> _Flat:
        others = [choice for choice in choices if not _is_null(choice)]
        if len(others) < len(choices):
            flat.nullable = True
        flats = [self._flatten(_Part(choice, trail)) for choice in others]
        flats = [choice for choice in flats if choice.properties or choice.keywords or choice.items or choice.choices]
        if len(flats) == 1:
            return _merged(flat, flats[0])
        if flats:
            flat.choices = flats
        return flat


def _own(source: Document, trail: tuple[str, ...]) -> _Flat:
    properties = source.get("properties")
    structure = ("properties", "required", "items", "allOf", "oneOf", "anyOf", "nullable", "$ref")
    types = source.get("type")
    flat = _Flat(
        {name: value for name, value in source.items() if name not in structure},
        {str(name): _Part(part, trail) for name, part in properties.items()} if isinstance(properties, dict) else {},
        list(source["required"]) if isinstance(source.get("required"), list) else [],
        _Part(source["items"], trail) if "items" in source else None,
        nullable=bool(source.get("nullable") or source.get("x-nullable")),
    )
    if isinstance(types, list):
        flat.nullable = flat.nullable or "null" in types
        named_types = [name for name in types if name != "null"]
        flat.keywords["type"] = named_types[0] if len(named_types) == 1 else named_types
    return flat


def _merged(first: _Flat, second: _Flat) -> _Flat:
    """Merge two schemas that both apply; the keywords of the second one count."""
    return replace(
        first,
        keywords={**first.keywords, **second.keywords},
        properties={**first.properties, **second.properties},
        required=[*first.required, *second.required],
        items=second.items or first.items,
        choices=second.choices or first.choices,
        nullable=first.nullable or second.nullable,
    )


def _types(keywords: Document) -> list[Any]:
    types = keywords.get("type", [])
    return types if isinstance(types, list) else [types]


def _is_null(choice: Any) -> bool:
    return isinstance(choice, dict) and (choice.get("type") == "null" or choice.get("enum") == [None])


def _has_empty_choice(keywords: Document) -> bool:
    """Tell whether the value may be one that mappings leave out: null, or a blank string."""
    choices = keywords.get("enum")
    return isinstance(choices, list) and any(
        choice is None or (isinstance(choice, str) and not choice.strip()) for choice in choices
    )


def _description(source: Any) -> str:
    text = source.get("description") if isinstance(source, dict) else ""
    return f"JSON: {text}" if isinstance(text, str) and text else "JSON"


def _example(keywords: Document) -> Any:
    examples = keywords.get("examples")
    if "example" in keywords:
        return keywords["example"]
    if isinstance(examples, list) and examples:
        return examples[0]
    return keywords.get("default", MISSING)
