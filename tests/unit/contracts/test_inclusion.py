"""One schema within another: pairs of which the answer is known, and pairs that hypothesis makes, judged by another validator."""

import random
from collections.abc import Callable, Mapping
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from support.examples import examples

from lgsp_contracts.compatibility import inclusion
from lgsp_contracts.compatibility.comparison import Comparison, Kind, Pair, Rule
from lgsp_contracts.compatibility.conjunction import Conjunction, Subschema
from lgsp_contracts.compatibility.inclusion import differences
from lgsp_contracts.schemas import Schema

Document = Any
PERSON = {"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}, "b": {"type": "integer"}}}


def tree(**node: Any) -> dict[str, Any]:
    """A schema that refers to itself."""
    return {
        "$ref": "#/$defs/node",
        "$defs": {"node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}} | node},
    }


def defined(**person: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"p": {"$ref": "#/$defs/p"}}, "$defs": {"p": PERSON | person}}


INCLUDED: dict[str, tuple[Document, Document]] = {
    "the same": (PERSON, PERSON),
    "true": (PERSON, True),
    "false": (False, PERSON),
    "no longer required": (PERSON, PERSON | {"required": []}),
    "required by another part": ({"allOf": [{"required": ["a"]}, PERSON]}, {"required": ["a"]}),
    "a longer enum": ({"enum": [1]}, {"enum": [1, 2]}),
    "const to enum": ({"const": 1}, {"enum": [2, 1.0]}),
    "enum to type": ({"enum": ["a", "b"]}, {"type": "string"}),
    "enum to pattern": ({"enum": ["ab", "ac"]}, {"type": "string", "pattern": "^a"}),
    "enum to format": ({"enum": ["022093001234"]}, {"type": "string", "format": "so-dinh-danh"}),
    "boolean to enum": ({"type": "boolean"}, {"enum": [True, False]}),
    "a wider union": ({"type": "string"}, {"type": ["string", "null"]}),
    "integer to number": ({"type": "integer"}, {"type": "number"}),
    "a rule for another type": ({"type": "integer"}, {"type": "integer", "maxLength": 1, "required": ["a"]}),
    "minimum of an integer": ({"type": "integer", "minimum": 1}, {"type": "integer", "exclusiveMinimum": 0}),
    "exclusive maximum of an integer": ({"type": "integer", "exclusiveMaximum": 5}, {"type": "integer", "maximum": 4}),
    "exclusive to inclusive": ({"type": "number", "exclusiveMinimum": 0}, {"type": "number", "minimum": 0}),
    "a finer multiple": ({"type": "number", "multipleOf": 0.01}, {"type": "number", "multipleOf": 0.001}),
    "multiples of four": ({"type": "integer", "multipleOf": 4}, {"type": "integer", "multipleOf": 2}),
    "integers are multiples of one": ({"type": "integer"}, {"multipleOf": 1}),
    "format given up": ({"type": "string", "format": "date"}, {"type": "string"}),
    "opened": ({"type": "object", "additionalProperties": False}, {"type": "object"}),
    "a pattern for what is closed": (
        {"properties": {"a": {"type": "string"}}, "additionalProperties": False},
        {"patternProperties": {"^x": {"type": "string"}}},
    ),
    "a pattern that the named field keeps": (
        {"properties": {"xa": {"type": "string", "maxLength": 1}}, "additionalProperties": False},
        {"patternProperties": {"^x": {"type": "string"}}, "additionalProperties": False},
    ),
    "the same pattern, wider": (
        {"patternProperties": {"^x": {"type": "integer"}}},
        {"patternProperties": {"^x": {"type": "number"}}},
    ),
    "prefix to items": (
        {"type": "array", "prefixItems": [{"type": "string"}], "items": {"type": "string"}},
        {"type": "array", "items": {"type": "string"}},
    ),
    "closed prefix": (
        {"type": "array", "prefixItems": [{"type": "string"}], "items": False},
        {"type": "array", "maxItems": 1},
    ),
    "unique where there is one": ({"type": "array", "maxItems": 1}, {"uniqueItems": True}),
    "contains fewer": (
        {"type": "array", "contains": {"const": 1}, "minContains": 2},
        {"type": "array", "contains": {"type": "integer"}},
    ),
    "few items are few of a kind": (
        {"type": "array", "maxItems": 2},
        {"contains": True, "minContains": 0, "maxContains": 2},
    ),
    "required fields count": ({"required": ["a", "b"]}, {"minProperties": 2}),
    "closed fields count": ({"properties": {"a": True}, "additionalProperties": False}, {"maxProperties": 1}),
    "names of closed fields": (
        {"properties": {"a": True}, "additionalProperties": False},
        {"propertyNames": {"maxLength": 1}},
    ),
    "dependent on what is required": ({"required": ["b"]}, {"dependentRequired": {"a": ["b"]}}),
    "dependent on what cannot be": ({"properties": {"a": False}}, {"dependentRequired": {"a": ["b"]}}),
    "dependent schema kept": (
        {"dependentSchemas": {"a": {"required": ["b", "c"]}}},
        {"dependentSchemas": {"a": {"required": ["b"]}}},
    ),
    "one more alternative": ({"anyOf": [{"type": "string"}]}, {"anyOf": [{"type": "integer"}, {"type": "string"}]}),
    "alternatives to union": ({"anyOf": [{"type": "string"}, {"type": "null"}]}, {"type": ["null", "string"]}),
    "union to alternatives": ({"type": ["null", "string"]}, {"oneOf": [{"type": "string"}, {"type": "null"}]}),
    "told apart by a constant": (
        {"oneOf": [{"required": ["k"], "properties": {"k": {"const": "x"}}, "type": "object"}]},
        {"oneOf": [{"type": "object", "required": ["k"], "properties": {"k": {"const": kind}}} for kind in ("y", "x")]},
    ),
    "not, less": ({"not": {"type": ["string", "null"]}}, {"not": {"type": "string"}}),
    "not what it is not": ({"type": "string"}, {"not": {"type": "integer"}}),
    "a condition kept": (
        {"if": {"required": ["a"]}, "then": {"required": ["b", "c"]}},
        {"if": {"required": ["a"]}, "then": {"required": ["b"]}},
    ),
    "references": (defined(), defined(required=[])),
    "recursion": (tree(), tree()),
    "recursion, wider": (tree(required=["next"]), tree()),
    "annotations": ({"type": "string"}, {"type": "string", "title": "x", "nullable": True, "x-note": {"a": 1}}),
    "what has no rule, in the same text": (
        PERSON | {"unevaluatedProperties": False},
        PERSON | {"unevaluatedProperties": False},
    ),
}

DIFFERENT: dict[str, tuple[Document, Document, Kind]] = {
    "required": (PERSON, PERSON | {"required": ["a", "b"]}, Kind.REQUIRED),
    "field gone": (
        PERSON | {"additionalProperties": False},
        {"properties": {"a": {}}, "additionalProperties": False},
        Kind.FIELD_GONE,
    ),
    "closed": ({"type": "object"}, {"type": "object", "additionalProperties": False}, Kind.OTHER_FIELDS),
    "field ruled": ({"type": "object"}, {"type": "object", "properties": {"a": {"type": "string"}}}, Kind.TYPE),
    "a shorter enum": ({"enum": [1, 2]}, {"enum": [1]}, Kind.VALUES),
    "an enum of texts": ({"enum": [1]}, {"enum": ["1"]}, Kind.VALUES),
    "true is not 1": ({"enum": [True]}, {"enum": [1]}, Kind.VALUES),
    "const": ({"const": {"a": 1}}, {"const": {"a": 2}}, Kind.RULE),
    "a narrower union": ({"type": ["string", "null"]}, {"type": "string"}, Kind.TYPE),
    "number to integer": ({"type": "number"}, {"type": "integer"}, Kind.TYPE),
    "additional fields ruled": ({"type": "object"}, {"additionalProperties": {"type": "string"}}, Kind.TYPE),
    "pattern": ({"type": "string", "pattern": "^a"}, {"type": "string", "pattern": "^b"}, Kind.RULE),
    "pattern of names": ({"type": "object"}, {"patternProperties": {"^x": {"type": "string"}}}, Kind.TYPE),
    "a narrower pattern of names": (
        {"patternProperties": {"^x": {"type": "string"}}},
        {"patternProperties": {"^x": {"type": "string", "maxLength": 1}}},
        Kind.UPPER,
    ),
    "items": ({"type": "array"}, {"type": "array", "items": {"type": "string"}}, Kind.TYPE),
    "prefix items": ({"type": "array"}, {"type": "array", "prefixItems": [{"type": "string"}]}, Kind.TYPE),
    "items after a prefix": (
        {"type": "array", "prefixItems": [{"type": "string"}]},
        {"type": "array", "items": {"type": "string"}},
        Kind.TYPE,
    ),
    "no more items": ({"type": "array"}, {"type": "array", "items": False}, Kind.UNKNOWN),
    "unique": ({"type": "array"}, {"type": "array", "uniqueItems": True}, Kind.RULE),
    "contains": ({"type": "array"}, {"type": "array", "contains": {"type": "string"}}, Kind.UNKNOWN),
    "contains more": ({"contains": {"const": 1}}, {"contains": {"const": 1}, "minContains": 2}, Kind.UNKNOWN),
    "contains at most": ({"contains": True}, {"contains": True, "maxContains": 2}, Kind.UNKNOWN),
    "minimum": ({"type": "number", "minimum": 0}, {"type": "number", "minimum": 1}, Kind.LOWER),
    "exclusive minimum": ({"type": "number", "minimum": 0}, {"type": "number", "exclusiveMinimum": 0}, Kind.LOWER),
    "exclusive maximum": ({"type": "integer", "maximum": 5}, {"type": "integer", "exclusiveMaximum": 5}, Kind.UPPER),
    "digits beyond a double": ({"maximum": 2**53 + 1}, {"maximum": 2**53}, Kind.UPPER),
    "a minimum without a type": ({}, {"minimum": 3}, Kind.LOWER),
    "multiple": ({"type": "integer", "multipleOf": 2}, {"type": "integer", "multipleOf": 4}, Kind.RULE),
    "two decimal places": ({"type": "number"}, {"type": "number", "multipleOf": 0.01}, Kind.RULE),
    "format": ({"type": "string"}, {"type": "string", "format": "date"}, Kind.RULE),
    "another format": ({"type": "string", "format": "date"}, {"type": "string", "format": "date-time"}, Kind.RULE),
    "fields at least": ({"type": "object"}, {"type": "object", "minProperties": 1}, Kind.LOWER),
    "fields at most": ({"type": "object"}, {"type": "object", "maxProperties": 1}, Kind.UPPER),
    "names": ({"type": "object"}, {"type": "object", "propertyNames": {"maxLength": 3}}, Kind.UPPER),
    "dependent": ({"type": "object"}, {"dependentRequired": {"a": ["b"]}}, Kind.UNKNOWN),
    "dependent schema": ({"type": "object"}, {"dependentSchemas": {"a": {"required": ["b"]}}}, Kind.REQUIRED),
    "unevaluated fields": (PERSON, PERSON | {"unevaluatedProperties": False}, Kind.UNKNOWN),
    "unevaluated items": ({"type": "array"}, {"type": "array", "unevaluatedItems": False}, Kind.UNKNOWN),
    "unevaluated, and something gone": (
        PERSON | {"unevaluatedProperties": False},
        {"properties": {"a": {}}, "unevaluatedProperties": False},
        Kind.UNKNOWN,
    ),
    "one alternative less": (
        {"anyOf": [{"type": "string"}, {"type": "null"}]},
        {"anyOf": [{"type": "null"}]},
        Kind.UNKNOWN,
    ),
    "two alternatives at once": (
        {"anyOf": [{"type": "string"}, {"maxLength": 3}]},
        {"oneOf": [{"type": "string"}, {"maxLength": 3}]},
        Kind.UNKNOWN,
    ),
    "one more part": ({"type": "string"}, {"allOf": [{"type": "string"}, {"maxLength": 2}]}, Kind.UPPER),
    "not": ({"type": "string"}, {"type": "string", "not": {"const": "a"}}, Kind.UNKNOWN),
    "a condition": ({}, {"if": {"required": ["a"]}, "then": {"required": ["b"]}}, Kind.REQUIRED),
    "otherwise": ({}, {"if": {"type": "object"}, "else": {"type": "string"}}, Kind.TYPE),
    "reference": (defined(), defined(required=["a", "b"]), Kind.REQUIRED),
    "beside a reference": (
        {"$ref": "#/$defs/p", "$defs": {"p": PERSON}},
        {"$ref": "#/$defs/p", "$defs": {"p": PERSON}, "maxProperties": 1},
        Kind.UPPER,
    ),
    "the same reference to another": (defined(), defined(properties={"a": {"type": "null"}}), Kind.TYPE),
    "recursion": (tree(), tree(required=["next"]), Kind.REQUIRED),
    "a reference that leads nowhere": ({}, {"$ref": "#/$defs/nobody"}, Kind.UNKNOWN),
    "a reference without an end": ({}, {"$ref": "#"}, Kind.UNKNOWN),
    "an anchor": (
        {"$ref": "#p", "$defs": {"p": {"$anchor": "p"}}},
        {"$ref": "#p", "$defs": {"p": {"$anchor": "p", "type": "null"}}},
        Kind.UNKNOWN,
    ),
    "a keyword that is not known": ({}, {"dependencies": {"a": ["b"]}}, Kind.UNKNOWN),
}


@pytest.mark.parametrize(("wide", "narrow"), INCLUDED.values(), ids=INCLUDED)
def test_what_takes_all_is_known_to(wide: Document, narrow: Document) -> None:
    assert differences(wide, narrow) == []


@pytest.mark.parametrize(("wide", "narrow", "kind"), DIFFERENT.values(), ids=DIFFERENT)
def test_what_takes_less_is_found(wide: Document, narrow: Document, kind: Kind) -> None:
    assert kind in {difference.kind for difference in differences(wide, narrow)}


def test_references_that_multiply_come_to_an_end() -> None:
    def nested(last: Document) -> Document:
        levels = {f"l{n}": {"properties": {name: {"$ref": f"#/$defs/l{n + 1}"} for name in "abcd"}} for n in range(40)}
        return {"$ref": "#/$defs/l0", "$defs": levels | {"l40": last}}

    assert differences(nested({"type": "string"}), nested({"type": ["string", "null"]})) != []
    assert differences(nested({}), nested({})) == []


def test_money_is_counted_as_the_bus_counts_it() -> None:
    schema = Schema({"type": "number", "multipleOf": 0.01}, "money")
    assert schema.needs_exact_numbers
    assert differences(schema.document, {"type": "number", "multipleOf": 0.001}) == []


NAMES = ["a", "b", "ab", "x"]
PATTERNS = ["^a", "b$", "^x"]
VALUES: list[Document] = [0, 1, 2, -1, 0.5, 1.0, "", "a", "ab", "x", None, True, False, {}, [], [1], {"a": 1}]
TYPES = ["string", "integer", "number", "boolean", "null", "array", "object"]


class Maker:
    """Makes schemas and documents over few names and values, so that they have much to do with each other."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        pick, few = self.random.choice, self.random.sample
        self.keywords: dict[str, Callable[[int], Document]] = {
            "type": lambda _: pick([pick(TYPES), few(TYPES, 2)]),
            "enum": lambda _: few(VALUES, 3),
            "const": lambda _: pick(VALUES),
            **dict.fromkeys(
                ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), lambda _: pick([0, 1, 2, 0.5])
            ),
            "multipleOf": lambda _: pick([1, 2, 4]),
            **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems"), lambda _: pick([0, 1, 2])),
            **dict.fromkeys(
                ("minProperties", "maxProperties", "minContains", "maxContains"), lambda _: pick([0, 1, 2])
            ),
            "pattern": lambda _: pick(PATTERNS),
            "required": lambda _: few(NAMES, 2),
            **dict.fromkeys(("properties", "dependentSchemas"), lambda d: {n: self.schema(d) for n in few(NAMES, 2)}),
            "patternProperties": lambda d: {pick(PATTERNS): self.schema(d)},
            "additionalProperties": lambda d: pick([False, self.schema(d)]),
            "propertyNames": lambda _: pick([{"maxLength": 1}, {"pattern": "^a"}]),
            "dependentRequired": lambda _: {pick(NAMES): [pick(NAMES)]},
            "unevaluatedProperties": lambda _: False,
            "prefixItems": lambda d: [self.schema(d)],
            "uniqueItems": lambda _: pick([True, False]),
            **dict.fromkeys(("items", "contains", "not", "if", "then", "else"), self.schema),
            **dict.fromkeys(("anyOf", "oneOf", "allOf"), lambda d: [self.schema(d) for _ in range(pick([1, 2]))]),
        }

    def schema(self, depth: int) -> Document:
        if self.random.random() < 0.15:
            return self.random.choice([True, False, {"$ref": "#/$defs/p"}, {"type": "array", "items": {"$ref": "#"}}])
        return self.object(depth - 1)

    def object(self, depth: int) -> dict[str, Document]:
        names = self.random.sample(sorted(self.keywords), self.random.randint(1, 3))
        if depth <= 1:
            names = [
                name
                for name in names
                if name in ("type", "enum", "const", "minimum", "maxLength", "required", "pattern")
            ]
        return {name: self.keywords[name](depth) for name in names}

    def versions(self) -> tuple[dict[str, Document], dict[str, Document]]:
        """A schema and another one, of which most is the same."""
        old, person = self.object(3), self.object(1)
        new = old | {name: self.keywords[name](2) for name in self.random.sample(sorted(self.keywords), 1)}
        pair = [schema | {"$defs": {"p": self.random.choice([person, self.object(1)])}} for schema in (old, new)]
        self.random.shuffle(pair)
        return pair[0], pair[1]

    def document(self, depth: int) -> Document:
        kind = self.random.random()
        if depth == 0 or kind < 0.4:
            return self.random.choice(VALUES)
        if kind < 0.75:
            return {
                name: self.document(depth - 1) for name in self.random.sample([*NAMES, "zb"], self.random.randint(0, 3))
            }
        return [self.document(depth - 1) for _ in range(self.random.randint(0, 3))]


def broken(seed: int, rules: Mapping[str, Rule]) -> list[Document] | None:
    """Documents that are taken first and refused then, although the verdict says that there are none; None where it does not say so."""
    maker = Maker(seed)
    wide, narrow = maker.versions()
    if Comparison(rules).differences(Pair(Conjunction([Subschema(wide, wide)]), Subschema(narrow, narrow))):
        return None
    old, new = jsonschema.Draft202012Validator(wide), jsonschema.Draft202012Validator(narrow)
    documents = [*VALUES, *(maker.document(2) for _ in range(20))]
    return [document for document in documents if old.is_valid(document) and not new.is_valid(document)]


@settings(max_examples=examples(500), deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**32))
def test_nothing_that_was_taken_is_refused_where_the_verdict_says_so(seed: int) -> None:
    found = broken(seed, inclusion.RULES)
    assume(found is not None)
    assert found == []


@pytest.mark.parametrize(
    "keyword", ["required", "properties", "oneOf", "patternProperties", "maxLength", "unevaluatedProperties"]
)
def test_a_rule_that_is_left_out_would_be_noticed(keyword: str) -> None:
    rules = {**inclusion.RULES, keyword: lambda *_: ()}
    assert any(broken(seed, rules) for seed in range(20_000))


@pytest.mark.parametrize(
    ("wide", "narrow", "included"),
    [
        (r"^\d{12}$", "^[0-9]{12}$", True),
        ("^[0-9]{12}$", r"^\d{12}$", True),
        (r"^\w$", "^[A-Za-z0-9_]$", True),
        (r"^\s$", r"^[ \t\n\r\f\v]$", False),
        (r"^\d{12}$", "^[0-9]{11}$", False),
    ],
)
def test_a_pattern_may_be_replaced_by_its_portable_form(wide: str, narrow: str, included: bool) -> None:
    old, new = ({"type": "string", "pattern": pattern} for pattern in (wide, narrow))
    assert (differences(old, new) == []) == included
