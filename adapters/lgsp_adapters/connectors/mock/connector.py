"""The connector `mock`: answers as a contract says before a system exists behind it.

The request of the contract's example gets the example's answer; any other gets one made from the schema, always the same to
the same request, in which fields that the request has too repeat its values.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

import orjson

from lgsp_adapters.adapter import Adapter, Call, Document
from lgsp_adapters.manifest import Manifest
from lgsp_contracts import exact_json
from lgsp_contracts.contract import Contract, Operation
from lgsp_contracts.samples import samples
from lgsp_problems import Refusal


class MockAdapter(Adapter):
    """Plays the provider of a contract."""

    def __init__(self, manifest: Manifest, contract: Contract) -> None:
        super().__init__(manifest.connection)
        self._contract = contract

    def method(self, operation: str) -> Any:
        """Return the method that answers an operation, or None."""
        implementation = self._contract.operations.get(operation)
        return implementation and partial(_answer, implementation)


async def _answer(operation: Operation, request: Document, _call: Call) -> Document:
    if request == operation.example.request:
        return operation.example.response
    seed = exact_json.dumps(request, orjson.OPT_SORT_KEYS).decode()
    last: Document
    *_, last = [operation.example.response, *samples(operation.response, 3, seed)]
    return _with_values_of_request(operation, request, last)


def _with_values_of_request(operation: Operation, request: Document, response: Document) -> Document:
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


def build(manifest: Manifest, contract: Contract) -> MockAdapter:
    """Make the adapter that a manifest describes.

    Raises:
        Refusal: `invalid-document`, with the file, the line and how to correct it.
    """
    return MockAdapter(manifest, contract)


def check(_manifest: Manifest, _contract: Contract) -> Iterator[Refusal]:
    """Yield nothing: the manifest says nothing of operations."""
    yield from ()
