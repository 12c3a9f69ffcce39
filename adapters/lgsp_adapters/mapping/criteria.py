"""Whether a caller asks for anything: what is absent finds nothing, whatever the system would answer.

A field that was not sent leaves its parameter out of a query or its element out of an envelope, and many a system then answers with
everybody. The first of them would be the record of another. So an operation that says what `none` means asks only where what the caller said
makes a difference to what is asked.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lgsp_adapters.mapping import columns
from lgsp_adapters.mapping.expressions import Scope, Template
from lgsp_adapters.mapping.unmappable import MappingError
from lgsp_adapters.mapping.variables import ASKED
from lgsp_contracts.source_location import SourceLocation


class Criteria:
    """What a manifest asks a system by.

    Args:
        parts: documents of the manifest with their places, such as `query` and `fields`; None where there is none.
    """

    def __init__(self, parts: Iterable[tuple[Any, SourceLocation]]) -> None:
        self._templates = [Template(text, place, ASKED) for part, place in parts for text in _of_the_caller(part)]
        """Their expressions are known to be right: the request is made of the same."""

    def is_empty(self, scope: Scope) -> bool:
        """Tell whether the same would be asked for a caller who says nothing; False where the request plays no part."""
        nobody = {**scope, "request": {}}
        spoken = {**scope, "request": _spoken(scope["request"]) or {}}
        return bool(self._templates) and all(_made(each, spoken) == _made(each, nobody) for each in self._templates)


def _of_the_caller(part: Any) -> Iterator[str]:
    if isinstance(part, str):
        if columns.uses_variable(part, "request"):
            yield part
    elif isinstance(part, Mapping):
        for name, value in part.items():
            if not (
                name == "$as" and {"$each", "$with"} & set(part)
            ):  # it speaks of an item, which the other part finds
                yield from _of_the_caller(value)
    elif isinstance(part, list):
        for value in part:
            yield from _of_the_caller(value)


def _spoken(value: Any) -> Any:
    """What a caller says, without what is blank."""
    if isinstance(value, str):
        return value if value.strip() else None
    if isinstance(value, dict):
        said = {name: found for name, item in value.items() if (found := _spoken(item)) is not None}
        return said or None
    if isinstance(value, list):
        return [found for item in value if (found := _spoken(item)) is not None] or None
    return value


def _made(template: Template, scope: Scope) -> Any:
    try:
        found = template(scope)
    except MappingError as unmappable:
        return unmappable  # equal to nothing else: the system's own request will say what is wrong
    return None if isinstance(found, str) and not found.strip() else found
