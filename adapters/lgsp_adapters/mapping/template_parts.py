"""The single expressions of a template, each with its location and its variables: to check and to show them one by one."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lgsp_adapters.mapping.expressions import REPETITIONS, Template, check_repetition
from lgsp_contracts.source_location import DocumentRefusal, SourceLocation


@dataclass(frozen=True, slots=True)
class TemplatePart:
    """One expression of a template.

    Args:
        names: the variables that it may name; `item` too, within `$as`.
    """

    expression: str
    location: SourceLocation
    names: tuple[str, ...]

    def fault(self) -> DocumentRefusal | None:
        """Return why the expression cannot be compiled, or None."""
        try:
            Template(self.expression, self.location, self.names)
        except DocumentRefusal as refusal:
            return refusal
        return None


def parts(document: Any, location: SourceLocation, names: tuple[str, ...]) -> Iterator[TemplatePart]:
    """Yield the expressions of a template, in the order in which they stand in it.

    Args:
        document: as written in the manifest; it need not be valid.
    """
    if isinstance(document, str):
        yield TemplatePart(document, location, names)
    elif isinstance(document, dict):
        repeated = any(each in document for each in REPETITIONS)
        for name, value in document.items():
            inner = (*names, "item") if repeated and name not in REPETITIONS else names
            yield from parts(value, location / name, inner)
    elif isinstance(document, list):
        for number, item in enumerate(document):
            yield from parts(item, location / number, names)


def structure_faults(document: Any, location: SourceLocation) -> Iterator[DocumentRefusal]:
    """Yield each `$each` and `$with` of a template whose keys are wrong."""
    if isinstance(document, dict):
        each = next((name for name in REPETITIONS if name in document), None)
        try:
            if each:
                check_repetition(document, each, location)
        except DocumentRefusal as refusal:
            yield refusal
    inner = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for name, value in inner:
        yield from structure_faults(value, location / name)
