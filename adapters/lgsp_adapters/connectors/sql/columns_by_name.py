"""Answers without a mapping: each field of the contract takes the column of its name.

`hoVaTen` takes the column `Họ và tên`, `ho_va_ten` or `HOVATEN`. A list takes the rows of the named query of its name, an object the
first of them; documents in a column (`json_agg`) are read in the same way. Only what the contract's schema determines without loss is converted:

| column | schema | becomes |
| --- | --- | --- |
| integer | a string with a format of digits, such as `so-dinh-danh` | with the zeros that a number cannot keep |
| integer | another string | its digits |
| 0 or 1 | boolean | false or true |
| a time without a zone | `date-time` | an instant, in Vietnam's zone |
| a text with JSON | object or array | the document |
"""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from lgsp_adapters.mapping.budget import spend
from lgsp_adapters.mapping.dates import instant
from lgsp_adapters.mapping.lost_zeros import restore_zeros
from lgsp_adapters.mapping.unmappable import MappingError
from lgsp_contracts import exact_json
from lgsp_contracts.field_names import comparable
from lgsp_contracts.references import follow

Row = Mapping[str, Any]
_DIGITS = {"so-dinh-danh": 12, "so-cmnd": 9, "ma-so-bhxh": 10}
_MOST_ZEROS = 2
"""Zeros that such numbers begin with at most: the code of Hà Nội is 001. An integer that lacks more digits is not such a number."""


class ColumnReader:
    """Makes documents of one schema from rows.

    Args:
        schema: of an object; its references stay within it.
    """

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._schema = schema

    def document(self, row: Row, named_rows: Mapping[str, Sequence[Row]] | None = None) -> dict[str, Any]:
        """Make the document of a row.

        Args:
            named_rows: rows of further queries, by the names of the fields that take them.

        Raises:
            MappingError: a required field has no column, or a value does not fit; the text holds no value.
        """
        return self._object(self._schema, row, named_rows or {})

    def _object(self, schema: Mapping[str, Any], row: Row, named_rows: Mapping[str, Sequence[Row]]) -> dict[str, Any]:
        columns = _by_comparable_name(row)
        promised = follow(schema, self._schema)
        fields = promised.get("properties", {})
        spend(len(fields))
        document = {}
        for name, part in fields.items():
            resolved = follow(part, self._schema)
            if name in named_rows:
                value = self._of_rows(resolved, named_rows[name])
            elif comparable(name) in columns:
                value = self._value(resolved, columns[comparable(name)], name)
            elif name in promised.get("required", ()):
                raise MappingError(f"no column is called like the required field {name}; name one with AS")
            else:
                value = None
            if value is not None and value != {}:
                document[name] = value
        return document

    def _of_rows(self, schema: Mapping[str, Any], rows: Sequence[Row]) -> Any:
        if schema.get("type") == "array":
            return [self._object(schema.get("items", {}), row, {}) for row in rows]
        return self._object(schema, rows[0], {}) if rows else None

    def _value(self, schema: Mapping[str, Any], value: Any, name: str) -> Any:
        kind = schema.get("type")
        kinds = (kind,) if isinstance(kind, str) else tuple(kind or ())
        if isinstance(value, str):
            return self._of_text(schema, kinds, value, name)
        if isinstance(value, dict) and "object" in kinds and "properties" in schema:
            return self._object(schema, value, {})
        if isinstance(value, list) and "array" in kinds:
            spend(len(value))
            item = follow(schema.get("items", {}), self._schema)
            return [self._value(item, each, name) for each in value]
        if isinstance(value, int) and not isinstance(value, bool):
            return _of_integer(schema, kinds, value, name)
        return value

    def _of_text(self, schema: Mapping[str, Any], kinds: tuple[str, ...], value: str, name: str) -> Any:
        if schema.get("format") == "date-time":
            try:
                return instant(value)
            except MappingError as unmappable:
                raise MappingError(f"the column of {name}: {unmappable}") from unmappable
        if "string" not in kinds and ("array" in kinds or "object" in kinds):
            try:
                return self._value(schema, exact_json.loads(value), name)
            except orjson.JSONDecodeError as error:
                raise MappingError(f"the column of {name} holds a text that is not JSON") from error
        return value


def _of_integer(schema: Mapping[str, Any], kinds: tuple[str, ...], value: int, name: str) -> Any:
    if kinds == ("boolean",) and value in (0, 1):
        return bool(value)
    if kinds == ("string",):
        width = _DIGITS.get(schema.get("format", ""))
        if width is None:
            return str(value)
        try:
            return restore_zeros(value, width, _MOST_ZEROS)
        except MappingError as unmappable:
            raise MappingError(f"the column of {name}: {unmappable}") from unmappable
    return value


def _by_comparable_name(row: Row) -> dict[str, Any]:
    columns = {comparable(name): value for name, value in row.items()}
    if len(columns) < len(row):
        names = [comparable(name) for name in row]
        twice = next(name for name in row if names.count(comparable(name)) > 1)
        raise MappingError(f"the column {twice} and another one have the same name but for accents; name one with AS")
    return columns
