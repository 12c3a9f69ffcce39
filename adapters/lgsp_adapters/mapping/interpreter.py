"""Evaluates parsed JMESPath expressions as the library does, but with numbers that keep their digits, and counted in steps."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from jmespath.visitor import Options, TreeInterpreter

from lgsp_adapters.mapping.arithmetic import json_equal
from lgsp_adapters.mapping.budget import CHARACTERS, current, spend
from lgsp_adapters.mapping.functions import FUNCTIONS
from lgsp_adapters.mapping.numbers import exact
from lgsp_adapters.mapping.unmappable import MappingError
from lgsp_adapters.text.normalization import nfc
from lgsp_contracts.source_location import SourceLocation

_OPTIONS = Options(custom_functions=FUNCTIONS)
MOST_DIGITS = 15
"""Of a fraction in an expression: the library reads it as a double."""


class ExactInterpreter(TreeInterpreter):
    """JMESPath's own, with numbers that keep their digits, and counted."""

    def __init__(self) -> None:
        super().__init__(_OPTIONS)
        self._visits: dict[str, Callable[..., Any]] = {}

    def visit(self, node: Any, *values: Any) -> Any:
        """Evaluate a part of an expression on a value.

        Raises:
            StepsExceededError: the work at hand has no more of them.
        """
        steps = current.get()
        steps.left -= 1
        if steps.left < 0:
            steps.spend()
        kind = node["type"]
        visit = self._visits.get(kind)
        if visit is None:
            visit = self._visits[kind] = getattr(self, f"visit_{kind}")
        return visit(node, *values)

    def visit_function_expression(self, node: Any, value: Any) -> Any:
        """Call a function, which takes as many steps as its lists and texts are long."""
        arguments = [self.visit(child, value) for child in node["children"]]
        spend(sum(map(_size, arguments)))
        result = FUNCTIONS.call_function(node["value"], arguments)
        spend(_size(result))
        return result

    def visit_comparator(self, node: Any, value: Any) -> Any:
        """Compare as JSON does; a number is never compared with a text.

        Raises:
            MappingError: one of the two operands of an ordering is a number and the other a text.
        """
        left, right = (self.visit(child, value) for child in node["children"])
        kind = node["value"]
        if kind in ("eq", "ne"):
            return json_equal(left, right) is (kind == "eq")
        if isinstance(left, str) and isinstance(right, str):
            return self.COMPARATOR_FUNC[kind](left, right)
        numbers = exact(left), exact(right)
        if None not in numbers:
            return self.COMPARATOR_FUNC[kind](*numbers)
        if (isinstance(left, str) and numbers[1] is not None) or (isinstance(right, str) and numbers[0] is not None):
            raise MappingError("a text is compared with a number; write number(…) of the text")
        return None


def with_exact_numbers(node: Any, location: SourceLocation) -> Any:
    """Return a copy of a parsed expression whose literal numbers keep their digits; the library caches and shares the original."""
    if node["type"] == "literal":
        return {**node, "value": _exact_literal(node["value"], location)}
    children = [
        with_exact_numbers(child, location) if isinstance(child, dict) else child for child in node.get("children", ())
    ]
    return {**node, "children": children}


def _exact_literal(value: Any, location: SourceLocation) -> Any:
    if isinstance(value, list):
        return [_exact_literal(item, location) for item in value]
    if isinstance(value, dict):
        return {name: _exact_literal(item, location) for name, item in value.items()}
    if isinstance(value, str):
        return nfc(value)
    if not isinstance(value, float):
        return value
    number = Decimal(repr(value))
    if len(number.as_tuple().digits) > MOST_DIGITS:
        raise location.refusal(
            "một số trong biểu thức có quá nhiều chữ số; hãy viết number('…')",
            "a number in the expression has more digits than are kept there; write number('…')",
        )
    return number


def _size(value: Any) -> int:
    """Return how many steps a function takes to go through a value."""
    if isinstance(value, str):
        return len(value) // CHARACTERS
    return len(value) if isinstance(value, (list, dict)) else 0
