"""Types of parameters from the contract, for statements in which PostgreSQL cannot infer them.

`:tuNgay IS NULL OR ngay >= :tuNgay` gives PostgreSQL nothing to infer the first one from. The contract knows: `tuNgay` is a date. A
type is not given from the start, since what the server infers is better where it can: a date compared with a column of texts is a text.

An instant has no type here: compared with a column without a zone, PostgreSQL would silently use the session's zone.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Boolean, Date, Numeric, String
from sqlalchemy.dialects.postgresql import UUID
from sqlalchemy.types import TypeEngine

UNDETERMINED = ("42P18", "42P08", "42725", "42883", "42804")
"""The SQLSTATEs of a statement whose types do not come together: indeterminate, ambiguous (twice), no such function, mismatch."""

_FORMATS: Mapping[str, TypeEngine[Any] | None] = {"date": Date(), "uuid": UUID(as_uuid=False), "date-time": None}
_TYPES: Mapping[str, TypeEngine[Any]] = {
    "string": String(),
    "integer": BigInteger(),
    "number": Numeric(),
    "boolean": Boolean(),
}


def parameter_type(schema: Mapping[str, Any]) -> TypeEngine[Any] | None:
    """Return the type of a parameter that takes a field of the request; None where the schema does not determine one."""
    kinds = schema.get("type", "string" if "enum" in schema else ())
    [kind, *others] = [one for one in ([kinds] if isinstance(kinds, str) else kinds) if one != "null"] or [""]
    if others:
        return None
    if kind == "array":
        item = parameter_type(schema.get("items", {}))
        return None if item is None or isinstance(item, ARRAY) else ARRAY(item)
    if kind == "string":
        return _FORMATS.get(schema.get("format", ""), _TYPES[kind])
    return _TYPES.get(kind)
