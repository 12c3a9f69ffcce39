"""What columns of a table become in a contract: schemas by type, by well-known names, and by the codes that a column may hold."""

import dataclasses
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from sqlalchemy import types
from sqlalchemy.dialects import mysql, postgresql

from lgsp_contracts.field_names import comparable
from lgsp_contracts.pointers import split
from lgsp_contracts.schemas import Schema

Document = dict[str, Any]

MAX_ITEMS = 1000
MAX_TEXT = 4000
MAX_CODE = 40
_EXACT_INTEGER = 2**53 - 1
"""The largest integer that every JSON parser keeps."""

_DIGITS_OF_DOUBLE = 15

NOT_BLANK = r"[^\u0000- \u007f-\u00a0\u1680\u2000-\u206f\u3000]"
"""Pattern of texts with a character that is neither white space, nor for control, nor general punctuation such as a dash; every engine reads it
alike. What is blank would be absent when it is read."""

_FORMATS = {
    "so-dinh-danh": ("sodinhdanh", "cccd", "socccd", "sodinhdanhcanhan", "madinhdanhcanhan"),
    "so-cmnd": ("cmnd", "socmnd"),
    "ma-so-bhxh": ("masobhxh", "sobhxh"),
    "ma-the-bhyt": ("mathebhyt", "sothebhyt"),
    "ma-so-doanh-nghiep": ("masodoanhnghiep", "masothue", "mst"),
    "email": ("email", "thudientu"),
}
"""What columns with an identifier are called, as `comparable` writes it."""

_PERIODS = ("ky", "kychitra", "kytra", "kybaocao", "thangnam", "namthang")
"""What columns with a period are called, as `comparable` writes it."""

_FORMAT_OF_NAME = {name: known for known, names in _FORMATS.items() for name in names}
_TYPES: tuple[tuple[type[Any], Document], ...] = (
    (types.Boolean, {"type": "boolean"}),
    (types.Integer, {"type": "integer"}),
    (types.DateTime, {"type": "string", "format": "date-time"}),
    (types.Date, {"type": "string", "format": "date"}),
    (types.Time, {"type": "string", "pattern": r"^([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?$"}),
    (types.Float, {"type": "number"}),
    (types.Interval, {"type": "string", "maxLength": 60}),
    (types.Uuid, {"type": "string", "format": "uuid"}),
    (types.JSON, {"type": ["object", "array"]}),
)
_RANGES: tuple[tuple[type[Any], int], ...] = (
    (types.SmallInteger, 2**15 - 1),
    (types.BigInteger, _EXACT_INTEGER),
    (types.Integer, 2**31 - 1),
)


@dataclasses.dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Args:
        quoted: its name as a statement writes it.
        field: the name of the field that takes it.
        generated: the database fills it in where a new row does not.
        counter: it numbers the rows, and means nothing outside the database.
        codes: the schema of what it may hold today, where another table lists that; empty otherwise.
    """

    name: str
    quoted: str
    field: str
    type: Any
    nullable: bool
    generated: bool
    counter: bool
    codes: Document = dataclasses.field(default_factory=dict)

    @property
    def selected(self) -> str:
        """Return how a statement selects it so that the field takes it by its name."""
        return self.quoted if self.name_in_rows == self.name else f"{self.quoted} AS {self.field}"

    @property
    def name_in_rows(self) -> str:
        """Return what rows of the statement call it."""
        return self.name if comparable(self.name) == comparable(self.field) else self.field


def is_identifier(comparable_name: str) -> bool:
    """Tell whether a column is called like an identifier of a person or an enterprise."""
    return comparable_name in _FORMAT_OF_NAME


def is_period(column: Column) -> bool:
    """Tell whether a column says when something was, or for which period: a date, or a text called like a period."""
    if isinstance(column.type, (types.Date, types.DateTime)):
        return True
    return comparable(column.name) in _PERIODS and not isinstance(column.type, types.JSON)


def codes_schema(codes: Mapping[Any, str]) -> Document:
    """Return the schema of codes, given each with what it means."""
    meaning = "; ".join(f"{code}: {label}" for code, label in codes.items() if label)
    return {"enum": list(codes), **({"description": meaning} if meaning else {})}


def enum_schema(column: Column) -> Document:
    """Return the schema of the values that the database's own type lists; empty where it lists none."""
    return {"enum": list(column.type.enums)} if isinstance(column.type, types.Enum) else {}


def parameter_expression(column: Column) -> str:
    """Return the expression of a parameter for a column that does not take the field of the request as it is; otherwise ""."""
    if isinstance(column.type, types.JSON):
        return f"json(request.{column.field})"
    if isinstance(column.type, types.DateTime) and not getattr(column.type, "timezone", False):
        return f"date_text(request.{column.field}, 'yyyy-MM-dd HH:mm:ss')"
    return ""


def can_be_requested(column: Column) -> bool:
    """Tell whether a contract can describe what the column takes: an interval is written in too many ways."""
    return not isinstance(column.type, (types.Interval, postgresql.INTERVAL))


def can_be_compared(column: Column) -> bool:
    """Tell whether the database can compare values of the column: PostgreSQL has no equality for json, other than jsonb."""
    return not isinstance(column.type, types.JSON) or isinstance(column.type, postgresql.JSONB)


def column_schema(column: Column, *, requested: bool = False) -> Document:
    """Return the schema of a column's field.

    Args:
        requested: of the request, where a number that the column cannot hold is refused.
    """
    if column.codes:
        return _open_list(column)
    known = _FORMAT_OF_NAME.get(comparable(column.name))
    if known and isinstance(column.type, (types.String, types.Integer, types.Numeric)):
        return {"type": "string", "format": known}
    schema = _type_schema(column.type)
    if requested and schema == {"type": "integer"} and isinstance(column.type, types.Integer):
        largest = next(largest for known, largest in _RANGES if isinstance(column.type, known))
        return {**schema, "minimum": 0 if column.counter else -largest, "maximum": largest}
    if requested and isinstance(column.type, types.Numeric) and not isinstance(column.type, types.Float):
        return schema | _digits(column.type.precision, column.type.scale or 0)
    return schema


def _digits(precision: int | None, scale: int) -> Document:
    """Return the rules for numbers that a column of so many digits keeps without rounding; none where a double does not keep them either."""
    if precision is None or not 0 <= scale <= precision <= _DIGITS_OF_DOUBLE:
        return {}
    step: int | float = float(f"1e-{scale}") if scale else 1
    largest = float(f"{'9' * (precision - scale) or '0'}.{'9' * scale}") if scale else int("9" * precision)
    return {"minimum": -largest, "maximum": largest} | ({"multipleOf": step} if scale else {})


def object_schema(columns: Sequence[Column], *, requested: bool = False) -> Document:
    """Return the schema of an object with a field for each column."""
    return {
        "type": "object",
        "required": [column.field for column in columns if requested or not column.nullable],
        "additionalProperties": False,
        "properties": {column.field: column_schema(column, requested=requested) for column in columns},
    }


def _open_list(column: Column) -> Document:
    """Return the schema of a column of codes that stays true when its table gets another row."""
    schema = _type_schema(column.type)
    return {**schema, "description": column.codes["description"]} if "description" in column.codes else schema


def loosen(schema: Document, documents: Sequence[Document]) -> None:
    """Change the schema of an object so that documents that were found in the system keep it.

    A column called `cccd` may hold old numbers of 9 digits, and one that is never NULL an empty text.
    """
    schema["required"] = [name for name in schema["required"] if all(name in document for document in documents)]
    compiled = Schema(schema, "draft")
    for document in documents:
        for violation in compiled.violations(document):
            name, *_ = (*split(violation.pointer), "")
            if part := schema["properties"].get(name):
                schema["properties"][name] = _without_rules(part, document.get(name))


def _without_rules(schema: Document, value: Any) -> Document:
    if isinstance(value, str) and "type" in schema:
        meaning = {"description": schema["description"]} if "description" in schema else {}
        return {"type": "string", "maxLength": max(schema.get("maxLength", 100), 2 * len(value)), **meaning}
    return {"type": schema["type"]} if "type" in schema else {}


def _type_schema(kind: Any) -> Document:
    if isinstance(kind, types.ARRAY):
        return {"type": "array", "maxItems": MAX_ITEMS, "items": _type_schema(kind.item_type)}
    if isinstance(kind, mysql.TINYINT) and kind.display_width == 1:
        return {"type": "boolean"}
    if isinstance(kind, mysql.YEAR):
        return {"type": "integer", "minimum": 1901, "maximum": 2155}
    if isinstance(kind, types.Enum):
        longest = max(MAX_CODE, *(len(value) for value in kind.enums))
        return {"type": "string", "maxLength": longest, "description": "; ".join(kind.enums)}
    if isinstance(kind, types.Numeric):
        return {"type": "integer" if kind.scale == 0 else "number"}
    schema = next((deepcopy(document) for known, document in _TYPES if isinstance(kind, known)), None)
    return schema or {"type": "string", "maxLength": getattr(kind, "length", None) or MAX_TEXT}
