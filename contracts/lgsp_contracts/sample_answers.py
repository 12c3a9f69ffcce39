"""Answers as a contract says, before or without a system that gives them: for mocks, and to try an operation in the catalogue.

The request of the contract's example gets the example's answer; any other gets one made from the schema, always the same to
the same request, in which fields that the request has too repeat its values.
"""

from typing import Any

import orjson

from lgsp_contracts import exact_json
from lgsp_contracts.contract import Operation
from lgsp_contracts.samples import samples


def sample_answer(operation: Operation, request: Any) -> Any:
    """Return an answer to a request that the contract allows. It names nobody: its values are made from the schema."""
    if request == operation.example.request:
        return operation.example.response
    seed = exact_json.dumps(request, orjson.OPT_SORT_KEYS).decode()
    last: Any
    *_, last = [operation.example.response, *samples(operation.response, 3, seed)]
    return _with_values_of_request(operation, request, last)


def _with_values_of_request(operation: Operation, request: Any, response: Any) -> Any:
    """Return a response that repeats what was asked for, as far as the contract allows it: programs compare it."""
    if not isinstance(request, dict) or not isinstance(response, dict):
        return response
    asked, answered = (schema.document.get("properties", {}) for schema in (operation.request, operation.response))
    for name in request.keys() & response.keys():
        if _kind(asked.get(name)) == _kind(answered.get(name)) != ():
            repeated = {**response, name: request[name]}
            response = response if operation.response.violations(repeated) else repeated
    return response


def _kind(schema: Any) -> tuple[Any, ...]:
    """Return by what two fields of one name are the same: type, format or reference; empty where neither is declared."""
    if not isinstance(schema, dict):
        return ()
    return tuple((key, schema[key]) for key in ("type", "format", "$ref") if key in schema)
