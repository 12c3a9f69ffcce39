"""Drafts a contract and a manifest from a table of a database.

The example of the contract is generated and no row of the table, since everybody reads a contract. A request that the table can
answer is found at the time of a trial, by the statement `sample` of the manifest.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from lgsp_adapters.connectors.sql.columns_by_name import ColumnReader
from lgsp_adapters.connectors.sql.databases import Database
from lgsp_adapters.connectors.sql.driver_errors import translated_errors
from lgsp_adapters.connectors.sql.query import Query
from lgsp_adapters.mapping.budget import MappingExecutor
from lgsp_adapters.mapping.unmappable import MappingError
from lgsp_adapters.scaffolding.column_schemas import MAX_ITEMS, Column, Document, loosen, object_schema
from lgsp_adapters.scaffolding.database_shape import Relation, Table, read_table
from lgsp_adapters.scaffolding.drafts import Comments, variable
from lgsp_adapters.scaffolding.table_operations import TableDraft, first_rows
from lgsp_contracts.source_location import SourceLocation
from lgsp_contracts.tooling import drafts

_SAMPLED_ROWS = 200
_SECONDS = 30.0


class TableDrafts(NamedTuple):
    """The drafts of a table.

    Args:
        code_tables: tables whose rows were copied into the contract.
        comments: what to decide in the contract, by the path of the key.
    """

    contract: Document
    manifest: Document
    code_tables: Collection[str]
    comments: Comments


async def from_table(
    address: str,
    table: str,
    service: str,
    provider: str,
    keys: Sequence[Sequence[str]] = (),
    *,
    without: Sequence[str] = (),
    write: bool = False,
    call_key: str = "",
) -> TableDrafts:
    """Draft a contract and a manifest that look up a row of a table by each of its keys.

    Args:
        keys: by their columns; by default those that the database declares.
        without: columns that no caller needs.
        write: also insert a row.
        call_key: the column, with a unique index, that keeps the key of the call that inserted a row.

    Raises:
        Refusal: `not-found`, when there is no such table or column; `invalid-document`, when nothing identifies a row, or rows
            cannot be inserted in one statement that returns their key.
    """
    database = Database(address, Path(), SourceLocation("--url"))
    try:
        shape = await database.inspect(lambda connection: read_table(connection, table, keys))
        key_column = shape.column(call_key) if call_key else None
        for left_out in (*map(shape.column, without), *([key_column] if key_column else [])):
            shape = shape.without(left_out)
        schema = await _response_schema(database, shape)
    finally:
        await database.close()
    draft = TableDraft(shape, schema, database)
    operations = dict(draft.lookups())
    if write:
        name, *parts = draft.registration(key_column)
        operations[name] = (parts[0], parts[1])
    url = {"env": variable(service, "URL")}
    head = {"service": service, "major": 1, "system": provider, "kind": "sql", "connection": {"url": url}}
    contract = drafts.contract(service, provider, {name: part for name, (part, _) in operations.items()})
    manifest = {**head, "operations": {name: part for name, (_, part) in operations.items()}}
    return TableDrafts(contract, manifest, shape.code_tables, _boolean_comments(contract))


def _boolean_comments(contract: Document) -> Comments:
    """Ask what true means at each boolean that no other operation has asked about: `gioi_tinh` says nothing of it."""
    comments: dict[tuple[str, ...], str] = {}
    asked: set[str] = set()
    for name, operation in contract["operations"].items():
        for part in ("response", "request"):
            for field, schema in operation[part]["properties"].items():
                if schema.get("type") == "boolean" and field not in asked:
                    comments["operations", name, part, "properties", field] = (
                        "TODO: write a description that says what true and false mean."
                    )
                    asked.add(field)
    return comments


async def _response_schema(database: Database, shape: Table) -> Document:
    """Return the schema of a row and what belongs to it, such that the first rows of each table keep it."""
    schema = object_schema(shape.own_columns())
    loosen(schema, await _rows(database, shape.quoted, shape.own_columns(), schema))
    for relation in shape.relations:
        part = object_schema(relation.columns)
        loosen(part, await _rows(database, relation.quoted, relation.columns, part))
        schema["properties"][relation.field] = _list(relation, part) if relation.many else part
        if relation.required:
            schema["required"].append(relation.field)
    return schema


def _list(relation: Relation, part: Document) -> Document:
    listed: Document = {"type": "array", "maxItems": MAX_ITEMS, "items": part}
    if relation.newest is None:
        return listed
    return {**listed, "description": f"{relation.newest.field}: mới nhất trước; the newest first, {MAX_ITEMS} at most"}


async def _rows(database: Database, quoted: str, columns: Sequence[Column], schema: Document) -> list[Document]:
    """Return documents of the first rows of a table, as the adapter makes them."""
    statement = first_rows(database, quoted, columns, _SAMPLED_ROWS)
    query = Query({"statement": statement}, SourceLocation("--table"), database.kind, {}, (), blank_is_null=True)
    executor = MappingExecutor()
    try:
        with translated_errors(database):
            async with database.transaction(_SECONDS, "read") as connection:
                rows = await query.rows(database, connection, {}, executor)
    finally:
        executor.close()
    return list(_readable(ColumnReader({**schema, "required": []}), rows))


def _readable(reader: ColumnReader, rows: Sequence[Mapping[str, Any]]) -> Iterator[Document]:
    """Yield the documents of rows, but of those that the adapter refuses: a number of a person that lacks more than zeros."""
    for row in rows:
        with suppress(MappingError):
            yield reader.document(row)
