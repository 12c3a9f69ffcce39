"""Tables of codes, whose rows become the values that a field may have: everybody reads a contract, so no other table is copied."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, column, select, table, types

from lgsp_adapters.scaffolding.column_schemas import Document, codes_schema, is_identifier
from lgsp_contracts.field_names import comparable

MAX_CODES = 50
"""Rows of a table that counts as a list of codes."""

_MAX_CODE_COLUMNS = 5
_OF_PEOPLE = re.compile(r"ho(va)?ten.*|hodem|chuho|ngaysinh|namsinh|gioitinh|diachi.*|(so)?dienthoai|dtdd")
"""What columns about people are called: their table is no list of codes, however short it is."""


def is_generated(reflected: Mapping[str, Any], primary: Sequence[str] | None, dialect: str) -> bool:
    """Tell whether the database fills a column in where a new row does not.

    Args:
        reflected: as SQLAlchemy describes the column.
        primary: the columns of the primary key.
    """
    rowid = dialect == "sqlite" and primary == [reflected["name"]] and isinstance(reflected["type"], types.Integer)
    named = reflected.get("autoincrement") is True or reflected.get("default") is not None
    return rowid or named or bool(reflected.get("identity") or reflected.get("computed"))


class CodeTables:
    """The tables of codes of a database.

    Args:
        inspector: SQLAlchemy's.
        schema: that tables are looked for in; None for the default one.
    """

    def __init__(self, connection: Connection, inspector: Any, schema: str | None) -> None:
        self._connection = connection
        self._inspector = inspector
        self._schema = schema
        self.read: set[str] = set()
        """The tables that were read."""

    def of(self, bare: str) -> dict[str, Document]:
        """Return the schemas of the columns of a table that refer to a short table of codes."""
        found = {}
        for reference in self._inspector.get_foreign_keys(bare, self._schema):
            if len(reference["constrained_columns"]) == 1 and (codes := self._read_table(reference)):
                found[reference["constrained_columns"][0]] = codes
        return found

    def _read_table(self, reference: Any) -> Document:
        """Read a table of codes as a schema; empty where it is none, such as a table of people, or a long one."""
        bare, schema, [key] = reference["referred_table"], reference["referred_schema"], reference["referred_columns"]
        columns = self._inspector.get_columns(bare, schema or self._schema)
        label = next(
            (each["name"] for each in columns if each["name"] != key and isinstance(each["type"], types.String)), None
        )
        if label is None or not self._lists_codes(bare, schema, columns):
            return {}
        source = table(bare, column(key), column(label), schema=schema or self._schema)
        query = select(source.c[key], source.c[label]).order_by(source.c[key]).limit(MAX_CODES + 1)
        rows = self._connection.execute(query).all()
        if len(rows) > MAX_CODES or not all(isinstance(code, (str, int)) for code, _ in rows):
            return {}
        if not rows:
            return {}
        self.read.add(bare)
        return codes_schema(
            {code.strip() if isinstance(code, str) else code: str(meaning or "").strip() for code, meaning in rows}
        )

    def _lists_codes(self, bare: str, schema: str | None, columns: Sequence[Any]) -> bool:
        """Tell whether a table is a list of codes, which everybody may read, rather than one of people or cases."""
        dialect = self._connection.dialect.name
        primary = self._inspector.get_pk_constraint(bare, schema or self._schema).get("constrained_columns") or []
        names = [comparable(each["name"]) for each in columns]
        return (
            len(columns) <= _MAX_CODE_COLUMNS
            and not any(_OF_PEOPLE.fullmatch(name) or is_identifier(name) for name in names)
            and not any(isinstance(each["type"], (types.Date, types.DateTime, types.LargeBinary)) for each in columns)
            and not any(each["name"] in primary and is_generated(each, primary, dialect) for each in columns)
            and not self._inspector.get_foreign_keys(bare, schema)
        )
