"""Compares the types of a template with the JSON Schema of the document that it makes: what can never keep the contract, whatever the system answers.

An expression that makes a string where the contract wants a number, an object where it wants a list, a literal that is not among the
contract's values; also within `$ref`, where `manifest_checks.py`, which decides whether an adapter starts, does not look.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from lgsp_adapters.connectors.manifest_checks import field_faults
from lgsp_adapters.mapping import expression_types
from lgsp_adapters.mapping.expression_types import STRINGS, Types
from lgsp_adapters.mapping.expressions import REPETITIONS
from lgsp_contracts.references import follow
from lgsp_contracts.schemas import Schema
from lgsp_contracts.source_location import DocumentRefusal, SourceLocation
from lgsp_problems import Text

Node = Mapping[str, Any]

_FORMATS = {"date": "date", "date-time": "instant"}
_NAMES = {
    "string": Text("chuỗi ký tự", "a string"),
    "date": Text("ngày", "a date"),
    "instant": Text("thời điểm (date-time)", "a date-time"),
    "integer": Text("số nguyên", "an integer"),
    "number": Text("số", "a number"),
    "boolean": Text("true hoặc false", "true or false"),
    "array": Text("mảng", "an array"),
    "object": Text("đối tượng", "an object"),
}
_EQUIVALENT = {
    "string": set(STRINGS),
    "date": {"date", "string"},
    "instant": {"instant", "string"},
    "integer": {"integer", "number"},  # 5.0 becomes 5 where the contract says integer
    "number": {"integer", "number"},
}
"""What a value may be called where the contract names a type."""
_CONVERSIONS = {
    "string": "text(…)",
    "integer": "integer(…)",
    "number": "number(…)",
    "boolean": "x == 'true'",
    "array": "$each",
    "date": "local_date(…)",
    "instant": "instant(…)",
}
"""What makes a value of a type."""


class TemplateTypes:
    """Compares templates with one schema.

    Args:
        schema: of the document that the template makes, such as the response of an operation.
        of_strings: variables that are objects of strings.
    """

    def __init__(self, schema: Node, of_strings: Collection[str] = ()) -> None:
        self._root = schema
        self._of_strings = of_strings

    def faults(self, template: Any, location: SourceLocation) -> Iterator[DocumentRefusal]:
        """Yield where the template makes something that the schema does not allow.

        Args:
            template: what in it is no expression is passed over.
        """
        yield from self._faults(template, self._root, location)

    def _faults(self, template: Any, schema: Any, location: SourceLocation) -> Iterator[DocumentRefusal]:
        schema = follow(schema, self._root)
        if isinstance(template, str):
            yield from self._expression_faults(template, schema, location)
        elif isinstance(template, dict) and "$as" in template:
            if "$each" in template:
                yield from _mismatch(frozenset({"array"}), schema, location)
                schema = schema.get("items", {})
            yield from self._faults(template["$as"], schema, location / "$as")
        elif isinstance(template, dict) and not set(REPETITIONS) & set(template):
            yield from _mismatch(frozenset({"object"}), schema, location)
            yield from field_faults(template, schema, location)
            properties = schema.get("properties", {})
            for name, value in template.items():
                yield from self._faults(value, properties.get(name), location / name)
        elif isinstance(template, list):
            yield from _mismatch(frozenset({"array"}), schema, location)
            for number, value in enumerate(template):
                yield from self._faults(value, schema.get("items"), location / number)
        elif isinstance(template, (int, float)):
            yield from self._literal_faults(template, schema, location)

    def _expression_faults(self, expression: str, schema: Node, location: SourceLocation) -> Iterator[DocumentRefusal]:
        literal = expression_types.literal_of(expression)
        if literal and isinstance(literal[0], (str, int, bool)):
            yield from self._literal_faults(literal[0], schema, location)
            return
        types = expression_types.types_of(expression, self._of_strings)
        if types:
            yield from _mismatch(types, schema, location)

    def _literal_faults(self, value: Any, schema: Node, location: SourceLocation) -> Iterator[DocumentRefusal]:
        definitions = {"$defs": self._root["$defs"]} if "$defs" in self._root else {}
        for violation in Schema({**schema, **definitions}, location).violations(value)[:1]:
            yield location.refusal(
                f"giá trị cố định này trái hợp đồng: {violation.message.vi}",
                f"this literal breaks the contract: it {violation.message.en}",
            )


def _declared_types(schema: Node) -> list[str]:
    """Return the types that a schema names, with the narrower name of strings of a date format; empty where it names none."""
    declared = schema.get("type", [])
    names = [declared] if isinstance(declared, str) else declared
    return [_FORMATS.get(schema.get("format", ""), name) if name == "string" else name for name in names]


def _mismatch(types: Types, schema: Node, location: SourceLocation) -> Iterator[DocumentRefusal]:
    declared = [name for name in _declared_types(schema) if name != "null"]
    if not declared or any(kind in _EQUIVALENT.get(name, {name}) for name in declared for kind in types):
        return
    made, wanted = [_NAMES[name] for name in sorted(types)], [_NAMES[name] for name in declared]
    conversion = next((_CONVERSIONS[name] for name in declared if name in _CONVERSIONS), "$with")
    yield location.refusal(
        f"ánh xạ tạo ra {' hoặc '.join(name.vi for name in made)} nhưng hợp đồng cần"
        f" {' hoặc '.join(name.vi for name in wanted)}; hãy dùng {conversion}",
        f"the mapping makes {' or '.join(name.en for name in made)}, and the contract wants"
        f" {' or '.join(name.en for name in wanted)}; use {conversion}",
    )
