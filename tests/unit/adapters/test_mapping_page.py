"""The reference page on mappings: each example on it is run, and each function has one."""

import re
from typing import Any

import pytest
from support.processes import ROOT

from lgsp_adapters.mapping.expressions import Template
from lgsp_adapters.mapping.functions import NAMES
from lgsp_adapters.mapping.unmappable import MappingError
from lgsp_contracts import exact_json
from lgsp_contracts.source_location import SourceLocation

PAGE = (ROOT / "docs/reference/mapping.md").read_text()
EXAMPLES = re.findall(r"^\| `(?:` )?(.+?)(?: `)?` \| `(.+)` \| (?:`(.+)`|error: (.+)) \|$", PAGE, re.MULTILINE)
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


@pytest.mark.parametrize(("expression", "value", "result", "error"), EXAMPLES)
def test_an_example(expression: str, value: str, result: str, error: str) -> None:
    argument = exact_json.loads(value)
    if error:
        with pytest.raises(MappingError, match=re.escape(error)):
            evaluate(expression, argument)
    else:
        assert exact_json.dumps(evaluate(expression, argument)) == exact_json.dumps(exact_json.loads(result))


def test_every_function_has_an_example() -> None:
    documented = {name for expression, *_ in EXAMPLES for name in re.findall(r"([a-z0-9_]+)\(", expression)}
    assert set(NAMES) - set(JMESPATH) <= documented
