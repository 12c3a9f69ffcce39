"""Evaluates each expression of a template by itself, to show an integrator which of them gives what."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lgsp_adapters.mapping.expressions import REPETITIONS, Scope, Template
from lgsp_adapters.mapping.unmappable import MappingError
from lgsp_contracts.source_location import DocumentRefusal, SourceLocation

MAX_ITEMS = 1000
"""Items of one `$each` that are traced."""


@dataclass(frozen=True, slots=True)
class TracedExpression:
    """One expression with its value.

    Args:
        key: of its place, such as `answer.hoTen`, or `answer.con[0].ten` of the first item of an `$each`.
        value: None where it has none, or where it failed.
        error: why it failed, without the location; "" where it did not.
    """

    key: str
    location: SourceLocation
    expression: str
    value: Any
    error: str


def trace(document: Any, location: SourceLocation, scope: Scope, key: str) -> Iterator[TracedExpression]:
    """Yield each expression of a template with its value, those under `$as` once for each item.

    Args:
        document: the template, as written in the manifest.
        scope: the variables; an expression that names another one fails.
        key: of the template.
    """
    if isinstance(document, str):
        yield evaluate_expression(document, location, scope, key)
    elif isinstance(document, dict):
        each = next((name for name in REPETITIONS if name in document), None)
        if each is not None:
            yield from _trace_repetition(document, each, location, scope, key)
            return
        for name, value in document.items():
            yield from trace(value, location / name, scope, f"{key}.{name}" if key else name)
    elif isinstance(document, list):
        for number, item in enumerate(document):
            yield from trace(item, location / number, scope, f"{key}[{number}]")


def evaluate_expression(text: str, location: SourceLocation, scope: Scope, key: str) -> TracedExpression:
    """Evaluate one expression."""
    value, error = None, ""
    try:
        value = Template(text, location, tuple(scope))(scope)
    except DocumentRefusal as refusal:
        error = refusal.message.en.removesuffix(".")
    except MappingError as unmappable:
        error = str(unmappable).removeprefix(f"{location}: ")
    return TracedExpression(key, location, text, value, error)


def _trace_repetition(
    document: Mapping[str, Any], each: str, location: SourceLocation, scope: Scope, key: str
) -> Iterator[TracedExpression]:
    try:
        source = Template(document[each], location / each, tuple(scope))(scope)
    except (DocumentRefusal, MappingError):
        source = None
    yield from trace(document[each], location / each, scope, f"{key}.{each}")
    inner, at = document.get("$as"), location / "$as"
    if each == "$with" and source is not None and source is not False:
        yield from trace(inner, at, {**scope, "item": source}, key)
    elif each == "$each" and isinstance(source, list):
        for number, item in enumerate(source[:MAX_ITEMS]):
            yield from trace(inner, at, {**scope, "item": item}, f"{key}[{number}]")
