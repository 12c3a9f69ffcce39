"""The connector `sql`: a database of an office, queried by one parameterised statement per operation.

    kind: sql
    connection: {url: {env: LGSP_LAND_URL}}     # postgresql://, mysql://, oracle://, mssql://, sqlite:///
    operations:
      lookup-parcel:
        statement: SELECT so_thua, dien_tich FROM thua_dat WHERE ma_xa = :xa AND so_thua = :so
        parameters: {xa: request.maXa, so: request.soThua}
        none: parcel-not-found                   # the error for no row
        answer: {soThua: row.so_thua, dienTich: row.dien_tich}
      register-parcel:
        write: true
        statement: INSERT INTO …
        errors: [{sqlstate: '23505', is: already-registered}]    # or a class of them, '23'

Parameters are bound by the driver and never become text of the statement. A transaction is read-only and rolled back unless
the operation says `write: true`; it ends with the caller's deadline; more rows than `limit` are a failure, not a part, and so are several
where the answer is made of one. What is absent or blank is NULL to a statement that reads, and finds nothing.
What columns become in a mapping stands in `sql_values.py`, what SQLSTATE means in `sql_errors.py`.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from lgsp_adapters.adapter import Adapter, Call, Declared, Document, UpstreamFailed, UpstreamLate
from lgsp_adapters.connectors.manifest_checks import check_operations
from lgsp_adapters.connectors.sql import statements
from lgsp_adapters.connectors.sql.databases import Access, Database
from lgsp_adapters.connectors.sql.sqlstate import DatabaseRefusal, describe_error
from lgsp_adapters.connectors.sql.values import bind_value, row_document
from lgsp_adapters.manifest import Manifest
from lgsp_adapters.mapping import columns
from lgsp_adapters.mapping.budget import MappingExecutor
from lgsp_adapters.mapping.error_rules import ErrorRules, evaluate
from lgsp_adapters.mapping.expressions import Template, drop_absent
from lgsp_adapters.mapping.unmappable import MappingError
from lgsp_adapters.mapping.variables import REQUEST_VARIABLES, request_scope
from lgsp_adapters.upstream.request_templates import unsendable_value
from lgsp_contracts.contract import Contract
from lgsp_contracts.source_location import SourceLocation

RESPONSE_VARIABLES = (*REQUEST_VARIABLES, "row", "rows")
LIMIT = 1000
TRUNCATED = "22000"
"""A data exception, which PostgreSQL's driver says where MariaDB only warns."""


class SqlAdapter(Adapter):
    """An adapter that its manifest describes."""

    def __init__(self, manifest: Manifest, contract: Contract) -> None:
        super().__init__(manifest.connection)
        self._database = Database(manifest.connection["url"], manifest.folder, manifest.location / "connection" / "url")
        self._concurrency = manifest.concurrency
        self._executor = MappingExecutor()
        location = manifest.location / "operations"
        self.operations = {
            name: _Operation(document, location / name, self._database.kind)
            for name, document in manifest.operations.items()
        }

    async def open(self) -> None:
        """Make the pool; a connection is opened when it is needed."""
        self._database.open(self._concurrency)

    async def close(self) -> None:
        """Close it."""
        await self._database.close()
        self._executor.close()

    def method(self, operation: str) -> Any:
        """Return the method that answers an operation, or None."""
        implementation = self.operations.get(operation)
        return implementation and partial(self._answer, implementation)

    def writes(self, operation: str) -> bool:
        """Tell whether the operation's statement writes."""
        return bool(self.operations[operation].write)

    def can_rehearse(self, operation: str) -> bool:
        """Tell that every operation can be rehearsed: a transaction can be rolled back."""
        return True

    async def _answer(self, operation: "_Operation", request: Document, call: Call) -> Document:
        scope = await self._executor.run(partial(request_scope, self.connection, request, call), of_request=True)
        rows = await operation.rows(self._database, scope, call, self._executor)
        return await self._executor.run(partial(operation.read, scope, rows))


class _Operation:
    def __init__(self, document: Mapping[str, Any], location: SourceLocation, kind: str) -> None:
        self._statement = text(document["statement"])
        given = document.get("parameters", {})
        statements.check_statement(
            document["statement"], set(self._statement.compile().params), set(given), kind, location
        )
        self._parameters = {
            name: Template(value, location / "parameters" / name, REQUEST_VARIABLES) for name, value in given.items()
        }
        self.write = document.get("write", False)
        self._limit = document.get("limit", LIMIT)
        self._states, rules = _split_rules(document.get("errors", []))
        self.rules = ErrorRules(rules, location / "errors", RESPONSE_VARIABLES)
        self.none = document.get("none", "")
        self.answer = Template(document["answer"], location / "answer", RESPONSE_VARIABLES)
        self.single_row = not self.write and not columns.uses_variable(document["answer"], "rows")
        """Several rows are then an error: none of them is known to be the one that was meant."""

    def read(self, scope: Mapping[str, Any], rows: list[dict[str, Any]]) -> Document:
        """Map rows to the answer of the contract.

        Raises:
            Declared, UpstreamFailed: as the manifest says; `unintelligible`, when they make no document.
        """
        answer_scope = {**scope, "rows": rows, "row": rows[0] if rows else None}
        self.rules.apply(answer_scope)
        if len(rows) > 1 and self.single_row:
            raise UpstreamFailed(
                "broken",
                "more than one row, where the answer uses one; add ORDER BY and LIMIT 1, or use rows in the answer",
            )
        if not rows and self.none:
            raise Declared(self.none)
        answer = evaluate(self.answer, answer_scope)
        if not isinstance(answer, dict):
            raise UpstreamFailed("unintelligible", "the rows have none of the fields that the mapping reads")
        return answer

    async def rows(
        self, database: Database, scope: Mapping[str, Any], call: Call, executor: MappingExecutor
    ) -> list[dict[str, Any]]:
        """Execute the statement and fetch its rows.

        Raises:
            Declared: the database refuses, and the manifest says what that means.
            UpstreamLate, UpstreamFailed: the database's own message is for the integrator's terminal only, since it quotes values.
        """
        values = await executor.run(partial(self._values, scope, database.kind), of_request=True)
        try:
            async with database.transaction(call.remaining, self._access(call)) as connection:
                result = await connection.execute(self._statement, values)
                types = {column[0]: column[1] for column in result.cursor.description or ()} if result.cursor else {}
                fetched = result.mappings().fetchmany(self._limit + 1) if result.returns_rows else []
                names = list(result.keys()) if result.returns_rows else []
                warning = await database.truncation_warning(connection)
                if warning:
                    note = (
                        f"SQLSTATE {TRUNCATED}, the database cut a value to fit (warning {warning[0]}); CAST both sides"
                    )
                    raise self._error_for(DatabaseRefusal(TRUNCATED, "broken", note, warning[1]))
        except (TimeoutError, UpstreamLate) as error:
            raise UpstreamLate from error
        except DBAPIError as error:
            if database.timed_out(error):
                raise UpstreamLate from error
            raise self._error_for(describe_error(error, database.kind)) from error
        except (SQLAlchemyError, database.driver_error) as error:
            raise UpstreamFailed("broken", type(error).__name__, upstream_message=str(error)) from error
        except OSError as error:
            raise UpstreamFailed("unreachable", type(error).__name__, upstream_message=str(error)) from error
        except (ValueError, ArithmeticError, TypeError) as error:  # the driver's, of a value that it cannot make
            raise UpstreamFailed(
                "unintelligible",
                f"the driver cannot carry a value ({type(error).__name__}); CAST it to text",
                upstream_message=str(error),
            ) from error
        if len(fetched) > self._limit:
            raise UpstreamFailed("broken", f"more than {self._limit} rows")
        if len(set(names)) < len(names):
            duplicate = next(name for name in names if names.count(name) > 1)
            raise UpstreamFailed("broken", f"two columns are called {duplicate}; name one of them with AS")
        return await executor.run(
            lambda: [drop_absent(row_document(dict(row), database.kind, types)) for row in fetched]
        )

    def _access(self, call: Call) -> Access:
        if not self.write:
            return "read"
        return "rehearse" if call.rehearsal else "write"

    def _values(self, scope: Mapping[str, Any], kind: str) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, template in self._parameters.items():
            try:
                value = template(scope)
                if not self.write and isinstance(value, str) and not value.strip():
                    value = None  # what is absent finds nothing, also not the row whose key is empty
                values[name] = bind_value(value, kind)
            except MappingError as unmappable:
                raise unsendable_value(template, unmappable) from unmappable
        return values

    def _error_for(self, refusal: DatabaseRefusal) -> Declared | UpstreamFailed:
        """Map a refusal to the error that the manifest names for it; the longest matching state wins."""
        matching_states = [state for state in self._states if refusal.state.startswith(state)]
        rule = self._states[max(matching_states, key=len)] if matching_states else {}
        if "is" in rule:
            return Declared(rule["is"])
        return UpstreamFailed(rule.get("failed", refusal.why), refusal.note, upstream_message=refusal.message)


def _split_rules(errors: list[Mapping[str, Any]]) -> tuple[dict[str, Mapping[str, Any]], list[Mapping[str, Any]]]:
    """Split rules into those for errors of the database, by SQLSTATE, and those for its answers."""
    return {rule["sqlstate"]: rule for rule in errors if "sqlstate" in rule}, [
        rule for rule in errors if "when" in rule
    ]


def build(manifest: Manifest, contract: Contract) -> SqlAdapter:
    """Make the adapter that a manifest describes.

    Raises:
        Refusal: `invalid-document`, with the file, the line and how to correct it.
    """
    return SqlAdapter(manifest, contract)


check = check_operations
