"""The work that a document can make follows from its schema, and is known before it is done."""

import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings, target
from hypothesis import strategies as st
from support.examples import examples
from support.shipped import shipped_catalogue

from lgsp_contracts import message_checks
from lgsp_contracts.effort import BUDGET
from lgsp_contracts.schemas import Schema
from lgsp_contracts.strict_json import Limits
from lgsp_problems import Refusal

SCHEMAS = [
    schema
    for contract in shipped_catalogue().values()
    for operation in contract.operations.values()
    for schema in (operation.request, operation.response)
]

DOUBLING = {f"a{n}": {"anyOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 2} for n in range(22)} | {"a22": {"type": "string"}}


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#/$defs/a0", "$defs": DOUBLING},
        {"anyOf": [{"properties": {"a": {"$ref": "#"}}, "required": [name]} for name in "yz"]},
        {"oneOf": [{"items": {"$ref": "#"}}, {"items": {"$ref": "#"}}]},
        {"$dynamicRef": "#n", "$dynamicAnchor": "n"},
        {"items": {"anyOf": [{"required": [f"f{n}"]} for n in range(500)]}},
    ],
)
def test_what_can_run_away_is_never_light(schema: dict[str, Any]) -> None:
    assert Schema(schema, "x").light_bytes == 0


@pytest.mark.parametrize("pattern", ["(a{1,100}){1,100}b", "(.{1,50}a){1,50}$"])
def test_a_pattern_of_many_states_is_light_for_a_few_letters_alone(pattern: str) -> None:
    schema = Schema({"type": "string", "pattern": pattern}, "x")
    assert schema.light_bytes < 100
    assert not schema.effort.is_light(b'"' + b"a" * 1000 + b'"')


@pytest.mark.parametrize("pattern", ["^[0-9]{12}$", r"^[\p{L} ]{1,120}$", r"^[1-9][0-9]{0,3}\.[0-9]{1,4}$"])
def test_usual_patterns_are_light(pattern: str) -> None:
    assert Schema({"items": {"type": "string", "pattern": pattern}}, "x").effort.is_light(b'["022093001234"]' * 500)


def test_references_to_oneself_are_no_trap() -> None:
    tree = Schema({"properties": {"con": {"items": {"$ref": "#"}}}}, "x")
    assert tree.light_bytes > 4096
    assert Schema({"$ref": "#"}, "x").light_bytes > 4096


@pytest.mark.parametrize("schema", SCHEMAS)
def test_contracts_of_the_catalogue_are_light(schema: Schema) -> None:
    assert schema.light_bytes > 1900


def test_rows_of_300_fields_are_light_up_to_64_kib() -> None:
    fields = {f"truong{n}": {"type": "string", "maxLength": 50} for n in range(300)}
    schema = Schema({"items": {"type": "object", "properties": fields, "additionalProperties": False}}, "x")
    row = b"{" + b",".join(b'"truong%d":"abcdef"' % n for n in range(300)) + b"}"
    assert schema.effort.is_light(b"[" + b",".join([row] * 10) + b"]")


leaves = st.sampled_from(
    [
        {"type": "string"},
        {"required": ["a", "b"]},
        {"enum": [1, 2, 3]},
        {"properties": {"a": {"$ref": "#"}}},
        {"items": {"$ref": "#"}},
        {"$ref": "#"},
        True,
    ]
)
schemas = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).flatmap(
            lambda found: st.sampled_from([{"anyOf": found}, {"allOf": found}, {"oneOf": found}])
        ),
        st.fixed_dictionaries({"properties": st.dictionaries(st.sampled_from("ab"), inner, max_size=2)}),
        st.fixed_dictionaries({"items": inner}),
        st.fixed_dictionaries({"not": inner}),
    ),
    max_leaves=12,
)
documents = st.recursive(
    st.sampled_from([1, "a"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=30,
)


def applied(root: Any, schema: Any, document: Any, ways: tuple[int, ...] = ()) -> int:
    """How many schemas a validator applies that gives nothing up early."""
    if not isinstance(schema, dict) or id(schema) in ways:
        return 0
    here = (*ways, id(schema))
    beside = [*schema.get("anyOf", []), *schema.get("allOf", []), *schema.get("oneOf", [])]
    beside += [schema["not"]] if "not" in schema else []
    beside += [root] if "$ref" in schema else []
    count = 1 + sum(applied(root, one, document, here) for one in beside)
    if isinstance(document, dict):
        fields = schema.get("properties", {})
        count += sum(applied(root, fields[name], child) for name, child in document.items() if name in fields)
    if isinstance(document, list) and "items" in schema:
        count += sum(applied(root, schema["items"], child) for child in document)
    return count


def values_in(document: Any) -> int:
    children = document.values() if isinstance(document, dict) else document if isinstance(document, list) else ()
    return 1 + sum(map(values_in, children))


@settings(max_examples=examples(300), deadline=None)
@given(schemas, documents)
def test_no_document_makes_more_work_than_its_schema_says(schema: Any, document: Any) -> None:
    """The search climbs towards the pair that comes nearest to the bound."""
    effort = Schema(schema if isinstance(schema, dict) else {}, "x").effort
    if not effort.schemas_per_value:
        return
    work = applied(schema, schema, document)
    target(work / values_in(document), label="schemas applied to one value")
    assert work <= effort.schemas_per_value * values_in(document)


@pytest.mark.parametrize("schema", SCHEMAS)
def test_whatever_is_shorter_than_the_light_size_is_light(schema: Schema) -> None:
    size = schema.light_bytes
    dense = b"[" + b"[]," * (size // 3)
    for body in (dense[:size], b'"' + b"x" * (size - 2) + b'"', b"1," * (size // 2)):
        assert schema.effort.is_light(body)
    assert BUDGET <= 10_000_000  # nanoseconds


TOKENS = st.sampled_from(
    [b"[]", b"{}", b"1", b"1.5", b"-1.5e3", b'"a"', b'":"', b'"\\u0001"', b'"\\n"', b'"\\\\u0001"', b"[1.5]", b'["\\f"]',
     b'{"a":":"}', b'{"a":1,"a":2}', b'{"a":[1.5,":"]}', b"[[[]]]", b"1" * 99, b'"' + b":" * 50 + b'"', b'"e000"'],
)  # fmt: skip
WRAPS = st.sampled_from([(b"[", b",", b"]"), (b'{"a":[', b",", b"]}"), (b'[{"a":', b'},{"a":', b"}]")])
OF_SHAPES = [
    Schema({}, "x"),
    Schema({"items": {"multipleOf": 0.01}}, "x"),
    Schema({"items": {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["b", "c"]}}, "x"),
    Schema({"items": {"anyOf": [{"type": "string"}, {"required": ["a"]}, {"items": {"type": "integer"}}]}}, "x"),
]
A_LINE = 40
"""Nanoseconds of the budget for one line of Python that is run: what is walked through there costs the most."""


def lines_run(work: Callable[[], object]) -> int:
    """How many lines of Python some work runs, which is the same on every machine."""
    count = 0

    def trace(frame: Any, event: str, _: Any) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    except Refusal:
        pass
    finally:
        sys.settrace(before)
    return count


def checked_at_once(schema: Schema, body: bytes) -> None:
    """What the gateway does of a request in its loop."""
    document = message_checks.read_request(Limits(1_000_000, 100_000), body)
    measured = message_checks.with_exact_numbers(document, body) if schema.needs_exact_numbers else document
    if not schema.is_valid(measured) and schema.effort.explains_at_once(body):
        schema.violations(measured)


def as_many_as_are_light(schema: Schema, wrap: tuple[bytes, bytes, bytes], unit: bytes) -> bytes:
    first, between, last = wrap
    least, most = 0, 2**20 // len(unit + between)
    while least < most:
        middle = (least + most + 1) // 2
        light = schema.effort.is_light(first + between.join([unit] * middle) + last)
        least, most = (middle, most) if light else (least, middle - 1)
    return first + between.join([unit] * least) + last


@settings(max_examples=examples(60), deadline=None)
@given(st.sampled_from(OF_SHAPES), WRAPS, st.lists(TOKENS, min_size=1, max_size=3))
def test_no_shape_of_a_light_document_runs_more_lines_than_the_budget_has(
    schema: Schema, wrap: tuple[bytes, bytes, bytes], tokens: list[bytes]
) -> None:
    """The search climbs towards the shape that runs the most."""
    body = as_many_as_are_light(schema, wrap, b",".join(tokens) if wrap[1] == b"," else tokens[0])
    lines = lines_run(lambda: checked_at_once(schema, body))
    target(lines, label="lines")
    assert lines * A_LINE <= BUDGET, (wrap, tokens, len(body), lines)
