"""What a system's description says of its documents: which fields, of what kind, and which of them are lists.

XML alone does not tell a list of one from a single value, nor a number from a text.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from lgsp_adapters.adapter import UpstreamFailed
from lgsp_adapters.kinds.numbers import MAX_DIGITS

Kind = Literal["object", "string", "integer", "number", "boolean", "date"]


@dataclass(frozen=True, slots=True)
class Shape:
    """One value."""

    kind: Kind
    fields: Mapping[str, "Field"] = field(default_factory=dict)
    type_name: str = ""
    """Of a simple value: its type in the description, as `{namespace}name`."""

    def read(self, value: Any) -> Any:
        """A value as XML gives it, as what it is.

        Raises:
            UpstreamFailed: `unintelligible`, when it is something else; the text quotes nothing of it.
        """
        if self.kind == "object":
            return self._object(value)
        if value is None or self.kind == "string":
            return value
        if not isinstance(value, str):
            raise UpstreamFailed("unintelligible", f"a document where the description has {self.kind}")
        if self.kind == "date":
            return value[:10]  # XML Schema lets a zone follow, which a day on the bus does not have
        if self.kind == "boolean" and value.lower() in ("true", "1", "false", "0"):
            return value.lower() in ("true", "1")
        try:
            return int(value) if self.kind == "integer" else _number(value)
        except (ValueError, ArithmeticError):
            raise UpstreamFailed("unintelligible", f"a text where the description has {self.kind}") from None

    def _object(self, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        found = dict(value)
        for name, told in self.fields.items():
            if told.many:
                one = found.get(name)
                items = one if isinstance(one, list) else [] if one is None else [one]
                found[name] = [told.shape.read(item) for item in items]
            elif name in found:
                found[name] = told.shape.read(found[name])
        return found


def _number(text: str) -> Decimal:
    """An xs:decimal, xs:double or xs:float, with its digits.

    Raises:
        ValueError, ArithmeticError: it is none, or not finite.
    """
    found = Decimal(text)
    if not found.is_finite() or abs(found.adjusted()) > MAX_DIGITS:
        raise ValueError
    return found


@dataclass(frozen=True, slots=True)
class Field:
    """A field of an object."""

    shape: Shape
    required: bool
    many: bool
