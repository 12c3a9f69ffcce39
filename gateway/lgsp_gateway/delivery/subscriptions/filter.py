"""Filters of subscriptions: a JMESPath expression over what a grant shows of an event's data.

A filter sees the projected document and nothing else: one over hidden fields would tell, event by event, what the grant hides. It runs in
the event loop of a gateway, so it is restricted to what costs no more than to read the document some times: no multi-selects (`[a, b]`
piped into itself doubles each time), no literals with parts to iterate, few functions, and a budget of steps. Where it cannot be
decided (the budget is used up, a function gets a value of another type), the event is delivered: a filter never loses one.
"""

import itertools
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, cast

import structlog
from jmespath import exceptions, parser, visitor

from lgsp_gateway.delivery.subscriptions.schema import MAX_FILTER
from lgsp_problems import Refusal

FUNCTIONS = frozenset({"contains", "ends_with", "length", "not_null", "starts_with", "type"})
"""Each takes no longer than its arguments are long and returns nothing longer."""
MAX_NODES = 100
MAX_DEPTH = 32
MAX_STEPS = 20_000
"""Parts of expressions that are evaluated for one event: some 20 ms."""
MAX_LITERAL_ITEMS = 50
MAX_COMPILED = 2_000

_PROJECTIONS = frozenset({"projection", "value_projection", "filter_projection", "flatten"})
_SUPPORTED = _PROJECTIONS | {
    "and_expression",
    "comparator",
    "current",
    "field",
    "function_expression",
    "identity",
    "index",
    "index_expression",
    "literal",
    "not_expression",
    "or_expression",
    "pipe",
    "slice",
    "subexpression",
}

Node = dict[str, Any]


class Filter:
    """A compiled filter.

    Args:
        expression: as its subscriber wrote it.

    Raises:
        Refusal: `malformed`; the sentence says what is wrong and where, as a character's number.
    """

    def __init__(self, expression: str) -> None:
        self.expression = expression
        self.tree = _parse(expression)
        _refuse_costly(self.tree)

    def matches(self, document: Any) -> bool:
        """Tell whether an event is to be delivered.

        Args:
            document: what the grant shows of its data.
        """
        try:
            return not _is_false(_BoundedInterpreter().visit(cast("Any", self.tree), document))
        except (exceptions.JMESPathError, _StepsExceededError, TypeError, ValueError) as error:
            structlog.get_logger().info("filter not decided, event delivered", error=type(error).__name__)
            return True


@lru_cache(MAX_COMPILED)
def compiled(expression: str) -> Filter:
    """Return the compiled form of a filter that was checked when it was stored."""
    return Filter(expression)


class _StepsExceededError(Exception):
    """A filter takes more steps than `MAX_STEPS` for one event."""


class _BoundedInterpreter(visitor.TreeInterpreter):
    """JMESPath's own interpreter, counted in steps; one for each evaluation."""

    def __init__(self) -> None:
        super().__init__()
        self._steps = itertools.count(1)

    def visit(self, node: Any, *values: Any, **more: Any) -> Any:
        """Evaluate a part of an expression on a value."""
        if next(self._steps) > MAX_STEPS:
            raise _StepsExceededError
        return super().visit(node, *values, **more)


def _is_false(value: Any) -> bool:
    """Tell whether a value is false as JMESPath defines it: also an empty text, list or object. 0 is true."""
    return value is None or value is False or value in ("", [], {})


def _parse(expression: str) -> Node:
    if not expression or len(expression) > MAX_FILTER:
        raise _refusal(f"phải có từ 1 đến {MAX_FILTER} ký tự", f"must have 1 to {MAX_FILTER} characters")
    try:
        tree = cast("Node", parser.Parser().parse(expression).parsed)
    except (exceptions.JMESPathError, RecursionError) as error:
        position = getattr(error, "lex_position", None)
        where = ("", "") if position is None else (f" ở ký tự {position + 1}", f" at character {position + 1}")
        raise _refusal(f"không phải biểu thức JMESPath{where[0]}", f"is not a JMESPath expression{where[1]}") from error
    return tree


def _refuse_costly(tree: Node) -> None:
    nodes = list(itertools.islice(_walk(tree, 0), MAX_NODES + 1))
    if len(nodes) > MAX_NODES or max(depth for _, depth in nodes) > MAX_DEPTH:
        raise _refusal(
            f"có hơn {MAX_NODES} phần hoặc lồng quá {MAX_DEPTH} cấp; hãy viết ngắn lại",
            f"has more than {MAX_NODES} parts or {MAX_DEPTH} levels; make it shorter",
        )
    for node, _ in nodes:
        _check_node(node)


def _walk(node: Node, depth: int) -> Iterator[tuple[Node, int]]:
    """Iterate over the parts of an expression; ends at the first that lies too deep."""
    yield node, depth
    if depth > MAX_DEPTH:
        return
    for child in node.get("children", ()):
        if isinstance(child, dict):
            yield from _walk(child, depth + 1)


def _check_node(node: Node) -> None:
    kind, value = node["type"], node.get("value")
    if kind not in _SUPPORTED:
        raise _refusal(
            "dùng [a, b], {a: b} hoặc &, là những phần không được dùng ở đây; hãy chỉ so sánh các trường",
            "uses [a, b], {a: b} or &, which are not supported here; compare fields alone",
        )
    if kind == "function_expression" and value not in FUNCTIONS:
        listed = ", ".join(sorted(FUNCTIONS))
        raise _refusal(f"chỉ được dùng các hàm {listed}", f"may use these functions alone: {listed}")
    if kind == "literal" and not _is_simple(value):
        raise _refusal(
            f"chỉ được chứa giá trị đơn hoặc danh sách tối đa {MAX_LITERAL_ITEMS} giá trị đơn",
            f"may contain single values alone, or lists of at most {MAX_LITERAL_ITEMS} of them",
        )
    if kind in _PROJECTIONS and any(child.get("type") == "literal" for child in node["children"][:1]):
        raise _refusal(
            "duyệt qua một danh sách viết sẵn; hãy dùng contains(danh sách, trường)",
            "iterates over a literal list; use contains(list, field)",
        )


def _is_simple(value: Any) -> bool:
    if isinstance(value, list):
        return len(value) <= MAX_LITERAL_ITEMS and not any(isinstance(item, (dict, list)) for item in value)
    return not isinstance(value, dict)


def _refusal(vi: str, en: str) -> Refusal:
    return Refusal("malformed", vi=f"Bộ lọc {vi}.", en=f"The filter {en}.")
