"""The reference page on mappings: each example on it is run, and each function has one."""

import re
from typing import Any

import pytest
from support import function_tables

from lgsp_adapters.mapping import function_reference
from lgsp_adapters.mapping.expressions import Template
from lgsp_adapters.mapping.function_reference import Example
from lgsp_adapters.mapping.functions import NAMES
from lgsp_adapters.mapping.unmappable import MappingError
from lgsp_contracts import exact_json
from lgsp_contracts.source_location import SourceLocation
from lgsp_problems import Refusal

FUNCTIONS = function_reference.load()
EXAMPLES = [example for function in FUNCTIONS.values() for example in function.examples]
JMESPATH = [
    "abs",
    "avg",
    "ceil",
    "contains",
    "ends_with",
    "floor",
    "join",
    "keys",
    "length",
    "map",
    "max",
    "max_by",
    "merge",
    "min",
    "min_by",
    "not_null",
    "reverse",
    "sort",
    "sort_by",
    "starts_with",
    "sum",
    "to_array",
    "to_number",
    "to_string",
    "type",
    "values",
]


def evaluate(expression: str, value: Any) -> Any:
    return Template(expression, SourceLocation("page"), ("x",))({"x": value})


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.expression)
def test_an_example(example: Example) -> None:
    argument = exact_json.loads(example.x)
    if example.error:
        with pytest.raises((MappingError, Refusal), match=re.escape(example.error)):
            evaluate(example.expression, argument)
    else:
        result = exact_json.dumps(evaluate(example.expression, argument))
        assert result == exact_json.dumps(exact_json.loads(example.result))


def test_every_function_is_described_with_an_example() -> None:
    assert set(FUNCTIONS) == set(NAMES) - set(JMESPATH)
    assert all(function.examples for function in FUNCTIONS.values())


def test_the_page_shows_what_is_described() -> None:
    page = function_tables.PAGE.read_text(encoding="utf-8")
    assert page == function_tables.with_tables(page)
