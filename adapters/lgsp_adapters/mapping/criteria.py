"""Detects requests without criteria: they match nothing, whatever the system would answer.

A field that was not sent leaves its parameter out of a query or its element out of an envelope, and many a system then answers with
everybody. The first of them would be the record of another. So an operation with `none` calls its system only where the caller's values
change the request to it.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lgsp_adapters.mapping import columns
from lgsp_adapters.mapping.expressions import Scope, Template
from lgsp_adapters.mapping.unmappable import MappingError
from lgsp_adapters.mapping.variables import REQUEST_VARIABLES
from lgsp_contracts.source_location import SourceLocation


class Criteria:
    """The criteria by which a manifest queries a system.

    Args:
        parts: documents of the manifest with their locations, such as `query` and `fields`; None for one that is absent.
    """

    def __init__(self, parts: Iterable[tuple[Any, SourceLocation]]) -> None:
        self._templates = [
            Template(expression, location, REQUEST_VARIABLES)
            for document, location in parts
            for expression in _caller_expressions(document)
        ]
        """Their expressions were checked already: the request is built from the same ones."""

    def is_empty(self, scope: Scope) -> bool:
        """Tell whether an empty request would give the same criteria; False where no criterion depends on the request."""
        without_request = {**scope, "request": {}}
        with_request = {**scope, "request": _without_blanks(scope["request"]) or {}}
        return bool(self._templates) and all(
            _evaluate(template, with_request) == _evaluate(template, without_request) for template in self._templates
        )


def _caller_expressions(part: Any) -> Iterator[str]:
    if isinstance(part, str):
        if columns.uses_variable(part, "request"):
            yield part
    elif isinstance(part, Mapping):
        for name, value in part.items():
            if not (name == "$as" and {"$each", "$with"} & set(part)):  # it maps an item, which the other part selects
                yield from _caller_expressions(value)
    elif isinstance(part, list):
        for value in part:
            yield from _caller_expressions(value)


def _without_blanks(value: Any) -> Any:
    """Return the values that a caller sent, without blank ones."""
    if isinstance(value, str):
        return value if value.strip() else None
    if isinstance(value, dict):
        fields = {name: kept for name, item in value.items() if (kept := _without_blanks(item)) is not None}
        return fields or None
    if isinstance(value, list):
        return [kept for item in value if (kept := _without_blanks(item)) is not None] or None
    return value


def _evaluate(template: Template, scope: Scope) -> Any:
    try:
        value = template(scope)
    except MappingError as unmappable:
        return unmappable  # equal to nothing else: building the request reports what is wrong
    return None if isinstance(value, str) and not value.strip() else value
