"""Drafts a contract and a manifest from a table of a database."""

from pathlib import Path
from typing import Any

from sqlalchemy import inspect, types

from lgsp_adapters.connectors.sql.databases import Database
from lgsp_contracts.source_location import SourceLocation
from lgsp_contracts.tooling import drafts
from lgsp_problems import NotFound, Refusal

Document = dict[str, Any]

MAX_ITEMS = 1000

_NUMBERS = ("so_dinh_danh", "sodinhdanh", "cccd", "so_cccd", "socccd")
"""What columns with a personal identification number are called."""


async def from_table(address: str, table: str, service: str, provider: str) -> tuple[Document, Document]:
    """Draft a contract and a manifest that look up a row of a table by its primary key.

    Raises:
        Refusal: `not-found`, when there is no such table; `invalid-document`, when it has no primary key.
    """
    database = Database(address, Path(), SourceLocation("--url"))
    try:
        columns, key, quoted = await database.inspect(lambda connection: _shape(inspect(connection), table))
    finally:
        await database.close()
    fields = {drafts.camel(column["name"]): column for column in columns}
    key_fields = {name: _column_schema(column) for name, column in fields.items() if column["name"] in key}
    request = {"type": "object", "required": list(key_fields), "additionalProperties": False, "properties": key_fields}
    required = [name for name, column in fields.items() if not column["nullable"] or column["name"] in key]
    all_fields = {name: _column_schema(column) for name, column in fields.items()}
    response = {"type": "object", "required": required, "additionalProperties": False, "properties": all_fields}
    name = "lookup-" + drafts.kebab(table)
    operation = drafts.operation(name, request, response, idempotent=True)
    operation["errors"] = {
        "not-on-record": {"status": 404, "title": {"vi": "Không có dữ liệu", "en": "Nothing is on record"}}
    }
    subject = next((field for field in key_fields if key_fields[field].get("format") == "so-dinh-danh"), "")
    if subject:
        operation["subject"] = f"/{subject}"
    where = " AND ".join(f"{fields[field]['quoted']} = :{field}" for field in key_fields)
    statement = f"SELECT {', '.join(column['quoted'] for column in columns)} FROM {quoted} WHERE {where}"  # noqa: S608 - names that the database gave
    operation_mapping = {
        "statement": statement,
        "parameters": {field: f"request.{field}" for field in key_fields},
        "none": "not-on-record",
        "answer": {field: _column_expression(column) for field, column in fields.items()},
    }
    url = {"env": f"LGSP_{service.replace('-', '_').upper()}_URL"}
    head = {"service": service, "major": 1, "system": provider, "kind": "sql", "connection": {"url": url}}
    return drafts.contract(service, provider, {name: operation}), {**head, "operations": {name: operation_mapping}}


def _shape(inspector: Any, table: str) -> tuple[list[Any], list[str], str]:
    schema, _, bare = table.rpartition(".")
    known = [*inspector.get_table_names(schema or None), *inspector.get_view_names(schema or None)]
    if bare not in known:
        raise NotFound(
            vi=f"Không có bảng {table}; các bảng hiện có: {', '.join(sorted(known)[:20]) or '-'}.",
            en=f"There is no table {table}; the tables are: {', '.join(sorted(known)[:20]) or '-'}.",
        )
    key = inspector.get_pk_constraint(bare, schema or None).get("constrained_columns") or []
    if not key:
        raise Refusal(
            "invalid-document",
            vi=f"Bảng {table} không có khóa chính nên không có cột nào xác định một dòng; hãy viết hợp đồng bằng tay.",
            en=f"The table {table} has no primary key, so no column identifies a row; write the contract by hand.",
        )
    quote = inspector.dialect.identifier_preparer.quote
    known = inspector.get_columns(bare, schema or None)
    columns = [
        {**column, "quoted": quote(column["name"])}
        for column in known
        if not isinstance(
            column["type"], (types.LargeBinary, types.NullType)
        )  # bytes, and what nobody knows: no JSON is made of it
    ]
    return columns, key, ".".join(quote(part) for part in table.split("."))


_TYPES: tuple[tuple[type[Any], Document], ...] = (
    (types.Boolean, {"type": "boolean"}),
    (types.Integer, {"type": "integer"}),
    (types.DateTime, {"type": "string", "format": "date-time"}),
    (types.Date, {"type": "string", "format": "date"}),
    (types.Uuid, {"type": "string", "format": "uuid"}),
    (types.JSON, {"type": ["object", "array"]}),
)


def _column_schema(column: Any) -> Document:
    if _is_number_of_a_person(column):
        return {"type": "string", "format": "so-dinh-danh"}
    return _type_schema(column["type"])


def _type_schema(kind: Any) -> Document:
    if isinstance(kind, types.ARRAY):
        return {"type": "array", "maxItems": MAX_ITEMS, "items": _type_schema(kind.item_type)}
    if isinstance(kind, types.Numeric):
        return {"type": "integer" if kind.scale == 0 else "number"}
    schema = next((dict(document) for known, document in _TYPES if isinstance(kind, known)), None)
    return schema or {"type": "string", "maxLength": getattr(kind, "length", None) or 4000}


def _column_expression(column: Any) -> str:
    """Return the expression for a column: it restores the leading zeros of a number and gives a time its zone."""
    value = f'row."{column["name"]}"'
    if _is_number_of_a_person(column) and isinstance(column["type"], (types.Integer, types.Numeric)):
        return f"pad_left({value}, `12`, '0')"
    return f"instant({value})" if isinstance(column["type"], types.DateTime) else value


def _is_number_of_a_person(column: Any) -> bool:
    return column["name"].lower() in _NUMBERS
