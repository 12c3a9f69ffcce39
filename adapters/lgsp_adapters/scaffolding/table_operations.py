"""The operations of a table's draft: a look-up by each key, and a registration; the contract's part and the manifest's.

Columns and parameters of the statements are called like the fields of the contract, so that the manifest needs no mapping.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import literal_column, select, text

from lgsp_adapters.connectors.sql.databases import Database
from lgsp_adapters.scaffolding.column_examples import with_believable_values
from lgsp_adapters.scaffolding.column_schemas import (
    MAX_ITEMS,
    NOT_BLANK,
    Column,
    Document,
    can_be_compared,
    can_be_requested,
    column_schema,
    enum_schema,
    object_schema,
    parameter_expression,
)
from lgsp_adapters.scaffolding.database_shape import Relation, Table
from lgsp_adapters.scaffolding.manifests import quoted_field
from lgsp_contracts.schemas import Schema
from lgsp_contracts.tooling import drafts
from lgsp_problems import Refusal

_RETURNING = ("postgresql", "sqlite", "mariadb")
"""Databases whose INSERT returns what it made."""

_NOT_FOUND = {"not-on-record": {"status": 404, "title": {"vi": "Không có dữ liệu", "en": "Nothing is on record"}}}
_NOT_INSERTED = {
    "already-registered": {"status": 409, "title": {"vi": "Đã được ghi nhận", "en": "It is registered already"}},
    "unknown-reference": {
        "status": 422,
        "title": {"vi": "Dữ liệu liên quan không có", "en": "What it refers to is unknown"},
    },
}
_KEY_USED = {
    "key-used-before": {
        "status": 409,
        "title": {
            "vi": "Khóa đã dùng cho một lần ghi nhận khác",
            "en": "The key was used before, for another registration",
        },
    }
}
_STORED = "stored"
"""What a statement calls the row that has the key of a call already."""


@dataclass(frozen=True, slots=True)
class TableDraft:
    """The draft of a table's operations.

    Args:
        schema: of a row and what belongs to it.
    """

    shape: Table
    schema: Document
    database: Database
    example: Document = field(init=False)

    def __post_init__(self) -> None:
        drafted = drafts.operation(self.shape.name, {"type": "object", "properties": {}}, self.schema, idempotent=True)
        response = with_believable_values(drafted["example"]["response"], self.schema, self.shape.columns)
        object.__setattr__(self, "example", response)

    def lookups(self) -> Iterator[tuple[str, tuple[Document, Document]]]:
        """Yield the name of a look-up by each key, with the contract's part and the manifest's."""
        for number, key in enumerate(self.shape.keys):
            name = f"lookup-{drafts.kebab(self.shape.name)}"
            if number:
                name = drafts.kebab(f"{name}-by-{'-'.join(column.name for column in key)}")
            yield name, (self._lookup(name, key), self._lookup_statements(key))

    def registration(self, call_key: Column | None) -> tuple[str, Document, Document]:
        """Return the name of an operation that inserts a row, with the contract's part and the manifest's.

        Args:
            call_key: a column with a unique index for the key of a call, so that a call that is sent again inserts nothing.

        Raises:
            Refusal: `invalid-document`, where the database's INSERT returns nothing, or cannot ignore this one conflict alone.
        """
        if call_key and self.database.kind == "mariadb":
            raise Refusal(
                "invalid-document",
                vi="ON DUPLICATE KEY của MariaDB bỏ qua mọi khóa trùng chứ không riêng cột này; hãy bỏ --call-key.",
                en="ON DUPLICATE KEY of MariaDB ignores a conflict of any key, not of this column alone; leave out --call-key.",
            )
        if self.database.kind not in _RETURNING:
            raise Refusal(
                "invalid-document",
                vi=f"INSERT của {self.database.kind} không trả về khóa bằng RETURNING; hãy bỏ --write và viết thao tác ghi bằng tay.",
                en=f"INSERT in {self.database.kind} has no RETURNING for the key; leave out --write and write the operation by hand.",
            )
        columns = [column for column in self.shape.columns if not column.generated and can_be_requested(column)]
        key = next((each for each in self.shape.keys if not any(part.counter for part in each)), self.shape.keys[0])
        name = f"register-{drafts.kebab(self.shape.name)}"
        response = {**object_schema(key), "required": [column.field for column in key]}
        contract = drafts.operation(name, self._inserted(columns), response, idempotent=False)
        request = with_believable_values(contract["example"]["request"], contract["request"], columns)
        contract["example"] = {
            "request": request,
            "response": {name: request.get(name, value) for name, value in contract["example"]["response"].items()},
        }
        contract["title"] = {"vi": f"Ghi nhận {self.shape.name}", "en": f"Register {self.shape.name}"}
        contract["idempotencyKey"] = {"required": True, **({"deduplicated": True} if call_key else {})}
        contract["errors"] = _NOT_INSERTED | (_KEY_USED if call_key else {})
        states = (("23505", "already-registered"), ("23503", "unknown-reference"))
        manifest: Document = {"write": True, "statement": self._insert(columns, key, call_key)}
        parameters = _expressions(columns) | ({call_key.field: "call.key"} if call_key else {})
        if parameters:
            manifest["parameters"] = parameters
        if call_key:
            manifest["none"] = next(iter(_KEY_USED))
        manifest["errors"] = [{"sqlstate": state, "is": code} for state, code in states]
        return name, _with_subject(contract), manifest

    def _insert(self, columns: Sequence[Column], key: Sequence[Column], call_key: Column | None) -> str:
        filled = [*columns, *([call_key] if call_key else [])]
        names = ", ".join(column.quoted for column in filled)
        values = ", ".join(f":{column.field}" for column in filled)
        returned = ", ".join(column.selected for column in key)
        into, repeated = (f" AS {_STORED}", _repetition(columns, call_key)) if call_key else ("", "")
        return f"INSERT INTO {self.shape.quoted}{into} ({names}) VALUES ({values}){repeated} RETURNING {returned}"  # noqa: S608 - names that the database gave

    def _request(self, columns: Sequence[Column]) -> Document:
        """Return the schema of a request with these columns; what the rows of the table do not keep is not demanded either."""
        request = object_schema(columns, requested=True)
        request["required"] = [column.field for column in columns if not column.nullable or column in self._identifying]
        for column in columns:
            found = self.schema["properties"].get(column.field)
            if found is not None and found != column_schema(column):
                request["properties"][column.field] = dict(found)
        for schema in request["properties"].values():
            if schema.get("type") == "string" and "maxLength" in schema and "pattern" not in schema:
                schema["pattern"] = NOT_BLANK
        return request

    def _inserted(self, columns: Sequence[Column]) -> Document:
        """Return the schema of a request that inserts: of a list of codes only those that the database knows."""
        request = self._request(columns)
        for column in columns:
            if allowed := column.codes or enum_schema(column):
                request["properties"][column.field] = allowed
        return request

    @property
    def _identifying(self) -> list[Column]:
        return [column for key in self.shape.keys for column in key]

    def _lookup(self, name: str, key: Sequence[Column]) -> Document:
        request = self._request(key)
        operation = drafts.operation(name, request, self.schema, idempotent=True)
        columns = ", ".join(column.name for column in key)
        operation["title"] = {
            "vi": f"Tra cứu {self.shape.name} theo {columns}",
            "en": f"Look up {self.shape.name} by {columns}",
        }
        asked = {column.field: self.example.get(column.field) for column in key}
        if Schema(request, name).is_valid(asked):
            operation["example"]["request"] = asked
        operation["example"]["response"] = self.example
        operation["errors"] = _NOT_FOUND
        return _with_subject(operation)

    def _lookup_statements(self, key: Sequence[Column]) -> Document:
        referring = [own for relation in self.shape.relations for _, own in relation.pairs]
        columns = list({column.name: column for column in (*self.shape.own_columns(), *referring)}.values())
        selected = ", ".join(column.selected for column in columns)
        where = " AND ".join(f"{column.quoted} = :{column.field}" for column in key)
        draft: Document = {
            "statement": f"SELECT {selected} FROM {self.shape.quoted} WHERE {where}",  # noqa: S608 - names that the database gave
            **({"parameters": parameters} if (parameters := _expressions(key)) else {}),
            "none": "not-on-record",
        }
        if self.shape.relations:
            draft["with"] = {relation.field: _related(self.database, relation) for relation in self.shape.relations}
        return {**draft, "sample": first_rows(self.database, self.shape.quoted, key, 1)}


def _repetition(columns: Sequence[Column], call_key: Column) -> str:
    """Write what an INSERT does where the key of the call is stored already: return that row, if it is the one that would be inserted.

    The bus forgets a key in time. Without the comparison, whoever used it again would get the row of another person.
    """
    compared = [column for column in columns if can_be_compared(column)]
    same = " AND ".join(
        f"{_STORED}.{column.quoted} IS NOT DISTINCT FROM EXCLUDED.{column.quoted}" for column in compared
    )
    return f" ON CONFLICT ({call_key.quoted}) DO UPDATE SET {call_key.quoted} = EXCLUDED.{call_key.quoted} WHERE {same}"


def _expressions(columns: Sequence[Column]) -> dict[str, str]:
    """Return the parameters that are not just fields of the request."""
    return {column.field: expression for column in columns if (expression := parameter_expression(column))}


def first_rows(database: Database, quoted: str, columns: Sequence[Column], count: int) -> str:
    """Write a statement that selects the first rows in the database's own dialect; of a single one all columns have a value."""
    selected: Any = (
        select(*(literal_column(column.selected) for column in columns)).select_from(text(quoted)).limit(count)
    )
    for column in columns if count == 1 else ():
        if column.nullable:
            selected = selected.where(literal_column(column.quoted).is_not(None))
    return " ".join(database.compiled(selected).split())


def _related(database: Database, relation: Relation) -> Document:
    """Draft the query for the rows of a relation: the newest ones, where a column says which they are."""
    order: list[Any] = [literal_column(column.quoted) for column in relation.order if column is not relation.newest]
    selected: Any = select(*(literal_column(column.selected) for column in relation.columns)).select_from(
        text(relation.quoted)
    )
    for there, own in relation.pairs:
        selected = selected.where(literal_column(there.quoted) == literal_column(f":{own.field}"))
    if relation.newest is not None:
        selected = selected.limit(MAX_ITEMS)
        order = [literal_column(relation.newest.quoted).desc(), *order]
    statement = " ".join(database.compiled(selected.order_by(*order)).split())
    return {
        "statement": statement,
        "parameters": {own.field: f"row.{quoted_field(own.name_in_rows)}" for _, own in relation.pairs},
    }


def _with_subject(operation: Document) -> Document:
    properties = operation["request"]["properties"]
    person = next((name for name, part in properties.items() if part.get("format") == "so-dinh-danh"), "")
    del operation["timeout"]  # the default is as good
    return {**operation, "subject": f"/{person}"} if person else operation
