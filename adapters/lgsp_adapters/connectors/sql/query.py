"""One statement of an operation: its parameters, how they are bound, and the rows that it finds."""

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from sqlalchemy import TextClause, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from lgsp_adapters.adapter import UpstreamFailed
from lgsp_adapters.connectors.sql import statements
from lgsp_adapters.connectors.sql.databases import Database
from lgsp_adapters.connectors.sql.driver_errors import RefusedByDatabase
from lgsp_adapters.connectors.sql.parameter_types import parameter_type
from lgsp_adapters.connectors.sql.sqlstate import DatabaseRefusal
from lgsp_adapters.connectors.sql.values import bind_value, row_document
from lgsp_adapters.mapping.budget import MappingExecutor
from lgsp_adapters.mapping.expressions import Template, drop_absent
from lgsp_adapters.mapping.unmappable import MappingError
from lgsp_adapters.upstream.request_templates import unsendable_value
from lgsp_contracts.source_location import SourceLocation

LIMIT = 1000
TRUNCATED = "22000"
"""A data exception, which PostgreSQL's driver says where MariaDB only warns."""

_FIELD = re.compile(r'request\.(\w+|"\w+")')

Scope = Mapping[str, Any]
Row = dict[str, Any]


class Query:
    """A statement of a manifest.

    Args:
        document: with `statement`, `parameters`, `limit`.
        location: of the document.
        kind: of the database.
        fields: properties of the operation's request, by their names.
        variables: that the expressions of parameters may name.
        blank_is_null: a blank text finds nothing, also not the row whose key is empty.

    Raises:
        Refusal: `invalid-document`, with what to write instead.
    """

    def __init__(
        self,
        document: Mapping[str, Any],
        location: SourceLocation,
        kind: str,
        fields: Mapping[str, Any],
        variables: tuple[str, ...],
        *,
        blank_is_null: bool,
    ) -> None:
        statement = document["statement"]
        named = set(text(statement).compile().params)
        parameters = {
            **statements.parameters_by_name(named, fields, document.get("parameters", {})),
            **document.get("parameters", {}),
        }
        statements.check_statement(statement, named, set(parameters), kind, location)
        self._parameters = {
            name: Template(value, location / "parameters" / name, variables) for name, value in parameters.items()
        }
        self._lists = statements.list_parameters(statement)
        self._statement = text(statement).bindparams(*(bindparam(name, expanding=True) for name in self._lists))
        types = {
            name: known
            for name, value in parameters.items()
            if name not in self._lists and (known := parameter_type(_field_schema(value, fields)))
        }
        self.typed_statement: TextClause | None = None
        """The statement with the types that the contract determines, for PostgreSQL where it cannot infer them."""
        if types and kind == "postgresql":
            self.typed_statement = self._statement.bindparams(
                *(bindparam(name, type_=known) for name, known in types.items())
            )
        self._kind = kind
        self._limit = document.get("limit", LIMIT)
        self._blank_is_null = blank_is_null

    async def rows(
        self,
        database: Database,
        connection: AsyncConnection,
        scope: Scope,
        executor: MappingExecutor,
        *,
        typed: bool = False,
        of_request: bool = True,
    ) -> list[Row]:
        """Execute the statement and fetch its rows.

        Args:
            typed: give the types that the contract determines.
            of_request: the parameters are made of the request alone.

        Raises:
            RefusedByDatabase: the database cut a value to fit.
            UnfitRequest, UpstreamFailed: a value or the rows are none that can be carried.
            Exception: the driver's.
        """
        values = await executor.run(partial(self._values, scope), of_request=of_request)
        statement = self.typed_statement if typed and self.typed_statement is not None else self._statement
        result = await connection.execute(statement, values)
        types = {column[0]: column[1] for column in result.cursor.description or ()} if result.cursor else {}
        fetched = result.mappings().fetchmany(self._limit + 1) if result.returns_rows else []
        names = list(result.keys()) if result.returns_rows else []
        warning = await database.truncation_warning(connection)
        if warning:
            note = f"SQLSTATE {TRUNCATED}, the database cut a value to fit (warning {warning[0]}); CAST both sides"
            raise RefusedByDatabase(DatabaseRefusal(TRUNCATED, "broken", note, warning[1]))
        if len(fetched) > self._limit:
            raise UpstreamFailed("broken", f"more than {self._limit} rows")
        if len(set(names)) < len(names):
            duplicate = next(name for name in names if names.count(name) > 1)
            raise UpstreamFailed("broken", f"two columns are called {duplicate}; name one of them with AS")
        return await executor.run(lambda: [drop_absent(row_document(dict(row), self._kind, types)) for row in fetched])

    def _values(self, scope: Scope) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, template in self._parameters.items():
            try:
                value = self._without_blank(template(scope))
                if name in self._lists:
                    items = value if isinstance(value, list) else [value]
                    values[name] = [bind_value(item, self._kind) for item in items] or [None]  # which finds nothing
                else:
                    values[name] = bind_value(value, self._kind)
            except MappingError as unmappable:
                raise unsendable_value(template, unmappable) from unmappable
        return values

    def _without_blank(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._without_blank(item) for item in value]
        return None if self._blank_is_null and isinstance(value, str) and not value.strip() else value


def _field_schema(expression: Any, fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the schema of the field of the request that an expression consists of; empty for every other expression."""
    match = _FIELD.fullmatch(expression) if isinstance(expression, str) else None
    schema: Mapping[str, Any] = fields.get(match.group(1).strip('"'), {}) if match else {}
    return schema
