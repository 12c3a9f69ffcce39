"""One operation of a manifest of the connector `sql`: its queries in one transaction, and the answer that is made of their rows."""

from collections.abc import Mapping
from typing import Any

from lgsp_adapters.adapter import Call, Declared, Document, UpstreamFailed
from lgsp_adapters.connectors.sql.columns_by_name import ColumnReader
from lgsp_adapters.connectors.sql.databases import Access, Database
from lgsp_adapters.connectors.sql.driver_errors import RefusedByDatabase, translated_errors
from lgsp_adapters.connectors.sql.parameter_types import UNDETERMINED
from lgsp_adapters.connectors.sql.query import Query, Row
from lgsp_adapters.connectors.sql.sqlstate import UNIQUE_VIOLATION, DatabaseRefusal
from lgsp_adapters.mapping import columns
from lgsp_adapters.mapping.budget import MappingExecutor
from lgsp_adapters.mapping.error_rules import ErrorRules, evaluate
from lgsp_adapters.mapping.expressions import Template
from lgsp_adapters.mapping.unmappable import MappingError
from lgsp_adapters.mapping.variables import REQUEST_VARIABLES
from lgsp_contracts.contract import Operation
from lgsp_contracts.source_location import SourceLocation
from lgsp_contracts.wire import Failure

ROW_VARIABLES = ("row", "rows")


class SqlOperation:
    """An operation.

    Args:
        document: as the manifest describes it.
        promised: as the contract does.
        kind: of the database.

    Raises:
        Refusal: `invalid-document`, with the line and how to correct it.
    """

    def __init__(self, document: Mapping[str, Any], location: SourceLocation, promised: Operation, kind: str) -> None:
        self.write: bool = document.get("write", False)
        self._deduplicated = promised.deduplicated
        fields = promised.request.document.get("properties", {})
        response_variables: tuple[str, ...] = (*REQUEST_VARIABLES, *ROW_VARIABLES)
        self._main = Query(document, location, kind, fields, REQUEST_VARIABLES, blank_is_null=not self.write)
        self._named: dict[str, Query] = {}
        for name, query in document.get("with", {}).items():
            if name in response_variables:
                raise (location / "with" / name).refusal(
                    f"{name} đã là tên một biến; hãy chọn tên khác",
                    f"{name} is a variable already; choose another name",
                )
            self._named[name] = Query(
                query, location / "with" / name, kind, fields, response_variables, blank_is_null=not self.write
            )
            response_variables = (*response_variables, name)
        self._sample: Query | None = None
        if "sample" in document:
            sample = {"statement": document["sample"]}
            self._sample = Query(sample, location, kind, {}, REQUEST_VARIABLES, blank_is_null=True)
        self._request = ColumnReader(promised.request.document)
        self._states, rules = _split_rules(document.get("errors", []))
        self.rules = ErrorRules(rules, location / "errors", response_variables)
        self.none = document.get("none", "")
        self._answer = (
            Template(document["answer"], location / "answer", response_variables) if "answer" in document else None
        )
        self._response = ColumnReader(promised.response.document)
        self._single_row = not self.write and not columns.uses_variable(document.get("answer"), "rows")
        """Several rows are then an error: none of them is known to be the one that was meant."""
        self._can_be_typed = any(query.typed_statement is not None for query in (self._main, *self._named.values()))
        self._typed = False
        """The database has asked for types, so they are given from the start."""

    def read(self, scope: Mapping[str, Any], rows: list[Row], named_rows: Mapping[str, list[Row]]) -> Document:
        """Map rows to the answer of the contract.

        Raises:
            Declared, UpstreamFailed: as the manifest says; `unintelligible`, when they make no document.
        """
        answer_scope = {**scope, **named_rows, "rows": rows, "row": rows[0] if rows else None}
        self.rules.apply(answer_scope)
        if len(rows) > 1 and self._single_row:
            raise UpstreamFailed(
                "broken",
                "more than one row, where the answer uses one; add ORDER BY and LIMIT 1, or use rows in the answer",
            )
        if not rows and self.none:
            raise Declared(self.none)
        if self._answer is None:
            return _by_name(self._response, rows[0] if rows else {}, named_rows)
        answer = evaluate(self._answer, answer_scope)
        if not isinstance(answer, dict):
            raise UpstreamFailed("unintelligible", "the rows have none of the fields that the mapping reads")
        return answer

    async def rows(
        self, database: Database, scope: Mapping[str, Any], call: Call, executor: MappingExecutor
    ) -> tuple[list[Row], dict[str, list[Row]]]:
        """Execute the queries in one transaction; return the rows of the statement, and those of each named query.

        Raises:
            Declared: the database refuses, and the manifest says what that means.
            UpstreamLate, UpstreamFailed: the database's own message is for the integrator's terminal only, since it quotes values.
        """
        try:
            try:
                return await self._execute_with_types(database, scope, call, executor)
            except RefusedByDatabase as refused:
                if refused.refusal.state != UNIQUE_VIOLATION or not (self._deduplicated and call.context.key):
                    raise
            # The row may be that of another try under the same key, which was not yet there when this one looked for it: ON CONFLICT
            # waits for conflicts of the key alone, and those of other columns are found first where their index is older.
            return await self._execute_with_types(database, scope, call, executor)
        except RefusedByDatabase as refused:
            raise self._error_for(refused.refusal) from refused

    async def _execute_with_types(
        self, database: Database, scope: Mapping[str, Any], call: Call, executor: MappingExecutor
    ) -> tuple[list[Row], dict[str, list[Row]]]:
        """Execute the queries, with the contract's types where the database cannot tell those of parameters by itself."""
        typed = self._typed
        try:
            return await self._execute(database, scope, call, executor, typed=typed)
        except RefusedByDatabase as refused:
            if typed or not self._can_be_typed or refused.refusal.state not in UNDETERMINED:
                raise
        found = await self._execute(database, scope, call, executor, typed=True)
        self._typed = True
        return found

    async def sample_request(self, database: Database, seconds: float, executor: MappingExecutor) -> Document | None:
        """Ask the database for a request that it can answer; None where the manifest has no statement for it, or finds no row.

        Raises:
            UpstreamLate, UpstreamFailed: as for `rows`.
        """
        if self._sample is None:
            return None
        try:
            with translated_errors(database):
                async with database.transaction(seconds, "read") as connection:
                    rows = await self._sample.rows(database, connection, {}, executor)
        except RefusedByDatabase as refused:
            raise _failure(refused.refusal, refused.refusal.why) from refused
        return _by_name(self._request, rows[0], {}) if rows else None

    async def _execute(
        self, database: Database, scope: Mapping[str, Any], call: Call, executor: MappingExecutor, *, typed: bool
    ) -> tuple[list[Row], dict[str, list[Row]]]:
        access: Access = "read" if not self.write else "rehearse" if call.rehearsal else "write"
        named_rows: dict[str, list[Row]] = {}
        with translated_errors(database), call.upstream_time:
            async with database.transaction(call.remaining, access, snapshot=bool(self._named)) as connection:
                rows = await self._main.rows(database, connection, scope, executor, typed=typed)
                row_scope = {**scope, "rows": rows, "row": rows[0] if rows else None}
                for name, query in self._named.items() if rows or not self.none else ():
                    named_rows[name] = await query.rows(
                        database, connection, {**row_scope, **named_rows}, executor, typed=typed, of_request=False
                    )
        return rows, named_rows

    def _error_for(self, refusal: DatabaseRefusal) -> Declared | UpstreamFailed:
        """Map a refusal to the error that the manifest names for it; the longest matching state wins."""
        matching_states = [state for state in self._states if refusal.state.startswith(state)]
        rule = self._states[max(matching_states, key=len)] if matching_states else {}
        if "is" in rule:
            return Declared(rule["is"])
        return _failure(refusal, rule.get("failed", refusal.why))


def _failure(refusal: DatabaseRefusal, why: Failure) -> UpstreamFailed:
    return UpstreamFailed(why, refusal.note, upstream_message=refusal.message)


def _by_name(reader: ColumnReader, row: Row, named_rows: Mapping[str, list[Row]]) -> Document:
    try:
        return reader.document(row, named_rows)
    except MappingError as unmappable:
        raise UpstreamFailed("unintelligible", str(unmappable)) from unmappable


def _split_rules(errors: list[Mapping[str, Any]]) -> tuple[dict[str, Mapping[str, Any]], list[Mapping[str, Any]]]:
    """Split rules into those for errors of the database, by SQLSTATE, and those for its answers."""
    return {rule["sqlstate"]: rule for rule in errors if "sqlstate" in rule}, [
        rule for rule in errors if "when" in rule
    ]
